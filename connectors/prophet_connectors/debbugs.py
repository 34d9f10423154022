"""debbugs, the tracker of Debian and GNU, which is read by SOAP or from its files and written by mail.

Reading needs no account.  Writing is mail to `submit@`, `N@`, `N-done@` and `control@`; who writes is
who the From line says, and all of it is public for ever.  The server keeps the Message-ID of each
mail, so that is where the hub's key goes; it neither compares versions nor takes a mail twice for
one, so nothing is mailed twice: what was mailed and is not shown yet is `Unsure` until it is.

The log tells who changed what, but not every change (those made by hand, or long ago), so history is
`History.PARTIAL`.  There is no query for what changed: the bugs of a query are listed, and their
statuses compared, 500 in a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prophet_connectors import _debbugs_words as words
from prophet_connectors._debbugs_server import BATCH, Place, Server, Status
from prophet_connectors._debbugs_spool import Spool
from prophet_connectors._debbugs_story import part_of, ticket_of
from prophet_hub.errors import NotFound, Unsupported
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Gone,
    History,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    References,
    RemoteSettings,
    Schema,
    SchemaField,
    Ticket,
)
from prophet_hub.sdk.since import Listed, SinceCursor

__all__ = ["Debbugs", "DebbugsSettings"]

_PIECE = 1 << 16
"""Bytes of a file that are handed on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebbugsSettings(RemoteSettings):
    """A server's CGI folder, or a spool; `query` is `package:emacs severity:grave`."""

    web: str = field(
        default="", metadata={"help": "Where people look at a bug, with {id}; made of `url`."}
    )
    archived: bool = field(default=False, metadata={"help": "List archived bugs, too."})
    mbox: bool = field(
        default=True, metadata={"help": "Read mails with their files; else their texts, by SOAP."}
    )
    history: bool = field(
        default=True, metadata={"help": "Read the changes from a bug's page: one request more."}
    )
    index_lag: int = field(
        default=3600, metadata={"help": "Seconds until a new bug is in the server's indexes."}
    )
    severities: tuple[str, ...] = field(
        default=words.SEVERITIES, metadata={"help": "The severities of this server."}
    )
    tags: tuple[str, ...] = field(
        default=(), metadata={"help": "More tags than those that Debian and GNU share."}
    )
    address: str = field(default="", metadata={"help": "The hub's address: who writes."})
    name: str = field(default="", metadata={"help": "The name beside that address."})


class Debbugs(Connector):
    """One tracker, as anybody sees it."""

    name = "debbugs"
    auth = frozenset({"none", "password"})
    Settings = DebbugsSettings
    fields = words.FIELDS
    capabilities = Capabilities(
        history=History.PARTIAL,
        granularity=timedelta(seconds=1),
        ordered=True,
        notifies=True,
        concurrency=2,
    )

    def __init__(self, settings: DebbugsSettings, context: Context) -> None:
        self.settings = settings
        self._place = _place(settings, context)
        base = re.sub(r"/soap\.cgi/?$|/$", "", settings.url)
        self.references = References(
            url=settings.web or f"{base}/bugreport.cgi?bug={{id}}",
            read=(r"(?<![\w&/#])(?i:bug) ?#?(?P<id>\d+)(?![\w-])",),
        )
        self.capabilities = replace(
            type(self).capabilities, overlap=timedelta(seconds=settings.index_lag)
        )

    def whoami(self) -> Person:
        """Returns who writes; reading needs nobody."""
        self._place.prove()
        address = self.settings.address or "nobody"
        return Person(id=address.lower(), name=self.settings.name, email=self.settings.address)

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields refs, those that changed long ago first: one request for each 500 bugs, and one."""
        cursor = SinceCursor.of(pull.since)
        numbers = self._place.numbers(pull.query)
        clock = self._place.clock
        told = self._place.statuses(numbers)
        listed = [Listed(n, self._place.changed(status)) for n, status in told.items()]
        listed.sort(key=lambda item: (item.updated, int(item.id)))
        least = cursor.asks_from(self.capabilities.overlap)
        seen = [item for item in listed if least is None or item.updated >= least]
        for first in range(0, len(seen), BATCH):
            part = seen[first : first + BATCH]
            yield from (Ref(id=item.id) for item in part if cursor.fresh(item))
            after = cursor.after(
                seen[: first + BATCH], clock=clock, overlap=self.capabilities.overlap
            )
            yield Checkpoint(cursor=str(after), total=len(seen))
        if not seen:
            yield Checkpoint(cursor=str(cursor), total=0)

    def ticket(self, ref: Ref) -> Ticket:
        """Reads a bug: its status, its mails, and the page with its story where that is wanted."""
        bug = ref.id
        status = self._status(bug)
        notes = self._place.notes(bug) if self.settings.history else ""
        return ticket_of(bug, status, self._place.letters(bug), notes, self.settings.address)

    def apply(self, operation: Operation) -> Receipt:
        """Refuses: there is no address to write from."""
        raise Unsupported(f"debbugs takes no {operation.ref.kind} from here.")

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields a file out of the bug's mails, all of which are read for it."""
        self._status(ref.ticket)
        data = part_of(ref, self._place.letters(ref.ticket))
        for first in range(0, len(data), _PIECE):
            yield data[first : first + _PIECE]

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Looks for the Message-ID."""
        raise Unsupported(f"debbugs carries no key {key} in a {ref.kind} from here.")

    def describe(self) -> Schema:
        """Returns what every debbugs has, with the severities and tags of the settings."""
        values = {
            "severity": tuple(self.settings.severities),
            "status": tuple(dict.fromkeys(theirs for theirs, _ in words.STATUSES)),
        }
        return Schema(
            product="debbugs",
            fields=tuple(
                SchemaField(
                    name=row.theirs,
                    values=values.get(row.theirs, ()),
                    required=row.theirs in ("subject", "package"),
                    writable=row.writable,
                    many=row.kind.many,
                )
                for row in self.fields
            ),
            statuses=values["status"],
            permissions=frozenset({"read"}),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._place.close()

    def _status(self, bug: str) -> Status:
        found = self._place.statuses([bug]).get(bug) if bug.isascii() and bug.isdecimal() else None
        if found is None:
            raise NotFound(f"There is no bug {bug[:40]}, or it is not shown.")
        return found


def _place(settings: DebbugsSettings, context: Context) -> Place:
    if "://" in settings.url and not settings.url.startswith("file:"):
        return Server.at(settings.url, context, mbox=settings.mbox, archived=settings.archived)
    path = (
        unquote(urlsplit(settings.url).path) if settings.url.startswith("file:") else settings.url
    )
    return Spool(Path(path).expanduser(), settings.archived)


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns the connector of this entry point."""
    return Debbugs
