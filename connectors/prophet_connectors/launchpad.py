"""Launchpad's bugs over its web service 1.0: partial history, compare-and-set.

A ticket is a bug as one project, distribution or package sees it: what the bug says, and status,
importance, assignee and milestone of its task there.  The other tasks are told and never written.
Activity names author, time, old and new value of every change that is mapped here, but only in words
for people, with the names that things had: `History.PARTIAL`.  Bugs cannot be deleted.  The facts are
in docs/connectors/launchpad.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from prophet_connectors._launchpad_asking import CONSUMER, SERVERS, Asker, OAuth
from prophet_connectors._launchpad_reading import Reader
from prophet_connectors._launchpad_walk import OVERLAP, Walker
from prophet_connectors._launchpad_words import FIELDS
from prophet_connectors._launchpad_writing import Writer
from prophet_hub.errors import ConfigError
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Gone,
    History,
    ListedTicket,
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
)  # fmt: skip
from prophet_hub.sdk.doors import Doors, through
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.shapes import shaped

__all__ = ["Launchpad", "LaunchpadSettings"]

RATE: Final = 5.0
"""Requests a second at most: no limit is published, and a service for all is asked gently."""
BURST: Final = 10
NOBODY: Final = Person(id="(anonymous)")
"""Who reads without a token; no account can be called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchpadSettings(RemoteSettings):
    """A target of Launchpad; `url` is `production`, `staging`, `qastaging` or an API root.

    `query` is in the words of `searchTasks`: `tags=regression&importance=High`.
    """

    target: str = field(
        default="", metadata={"help": "What is tracked: firefox, ubuntu, ubuntu/+source/bash.",
                              "part": True}
    )  # fmt: skip
    token: str = field(
        default="", metadata={"help": "The access token; without one it is read alone.",
                              "secret": True}
    )  # fmt: skip
    token_secret: str = field(
        default="", metadata={"help": "The secret that came with it.", "secret": True}
    )
    consumer: str = field(
        default=CONSUMER, metadata={"help": "The consumer key that the token was made for."}
    )
    attachment_limit: int = field(
        default=0, metadata={"help": "In bytes: the server's limit for files, 0 if unknown."}
    )


class Launchpad(Connector):
    """One target, as one account sees it, or everybody."""

    name = "launchpad"
    auth = frozenset({"oauth", "none"})
    Settings = LaunchpadSettings
    fields = FIELDS
    capabilities = Capabilities(
        history=History.PARTIAL,
        writes=frozenset({
            ("create", TICKET), ("update", TICKET), ("create", COMMENT), ("create", ATTACHMENT),
            ("delete", ATTACHMENT),
        }),
        overlap=OVERLAP,
        conditional=True,
        keys=frozenset({TICKET, COMMENT, ATTACHMENT}),
        streams=True,
        notifies=True,
    )  # fmt: skip

    def __init__(self, settings: LaunchpadSettings, context: Context) -> None:
        if not settings.target.strip("/"):
            raise ConfigError(
                f"Remote {context.remote} has no target.",
                hint="Name a project, a distribution or a package: `target: ubuntu/+source/bash`.",
            )
        if bool(settings.token) != bool(settings.token_secret):
            raise ConfigError(
                f"Remote {context.remote} has one half of a token.",
                hint="Give it both `token` and `token_secret`, or neither.",
            )
        root = SERVERS.get(settings.url, settings.url).rstrip("/")
        signed = bool(settings.token)
        own = type(self).capabilities
        self.capabilities = replace(
            own,
            writes=own.writes if signed else frozenset(),
            attachment_limit=settings.attachment_limit or None,
        )
        self.context = context
        self.references = references(root)
        proof = None
        if signed:
            proof = OAuth(root, settings.consumer, settings.token, settings.token_secret)
        self.http = Http(
            root, context, auth=proof, rate=RATE, burst=BURST, hosts=librarians(root),
            headers={"Accept": "application/json"},
        )  # fmt: skip
        self._ask = Asker(self.http, root, settings.target, signed=signed)
        self._reader = Reader(self._ask)
        self._walker = Walker(self._ask)
        self._writer = Writer(self._ask, self.fields)

    def whoami(self) -> Person:
        """Returns the account; without a token that of nobody, once the server answered."""
        if self._ask.signed:
            return self._ask.me(fresh=True)
        self._ask.record("")
        return NOBODY

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields refs in the order in which the bugs were reported."""
        with shaped(self.context.remote, "Launchpad"):
            yield from self._walker.told(pull)

    def listed(self, pull: Pull) -> Iterator[ListedTicket]:
        """Yields what a search of tasks tells: status, importance, assignee and milestone."""
        with shaped(self.context.remote, "Launchpad"):
            yield from self._walker.everything(pull.query)

    def ticket(self, ref: Ref) -> Ticket:
        """Reads bug, tasks, messages, files and activity: five requests, and one for each new person."""
        with shaped(self.context.remote, "Launchpad"):
            return self._reader.ticket(ref)

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation."""
        doors: Doors = {
            ("create", TICKET): self._writer.create,
            ("create", COMMENT): self._writer.comment,
            ("create", ATTACHMENT): self._writer.attach,
            ("update", TICKET): self._writer.update,
            ("delete", ATTACHMENT): self._writer.remove,
        }
        with shaped(self.context.remote, "Launchpad"):
            return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Streams a file: the web service sends on to the Librarian, which gets no credentials."""
        path = f"{self._ask.target}/+bug/{ref.ticket}/+attachment/{ref.id}/data"
        yield from self.http.stream(self._ask.link(path))

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Looks among the account's own newest bugs, or through the messages of one bug."""
        with shaped(self.context.remote, "Launchpad"):
            if ref.kind in (COMMENT, ATTACHMENT):
                return self._reader.key_in(ref, key)
            number = self._walker.find(key)
        return Ref(id=number) if number else None

    def describe(self) -> Schema:
        """Returns the fields, with the milestones and official tags of the project."""
        with shaped(self.context.remote, "Launchpad"):
            target = self._ask.record(self._ask.target)
            pillar = self._ask.target.split("/")[0]
            milestones = [m["name"] for m in self._ask.collection(f"{pillar}/all_milestones")]
            words = {
                "milestone": tuple(sorted(map(str, milestones))),
                "tags": tuple(sorted(map(str, target.get("official_bug_tags") or ()))),
            }
        statuses = tuple(dict.fromkeys(theirs for theirs, _ in _row("status")))
        words["status"] = statuses
        words["importance"] = tuple(theirs for theirs, _ in _row("importance"))
        return Schema(
            product="Launchpad",
            version="1.0",
            projects=(self._ask.target,),
            fields=tuple(
                SchemaField(
                    name=row.theirs,
                    values=words.get(row.theirs, ()),
                    required=row.theirs == "title",
                    writable=row.writable,
                    many=row.kind.many,
                )
                for row in self.fields
            ),
            statuses=statuses,
        )

    def close(self) -> None:
        """Closes the connections."""
        self.http.close()


def _row(name: str) -> tuple[tuple[str, str], ...]:
    row = FIELDS.theirs(name)
    return row.values if row else ()


def librarians(root: str) -> frozenset[str]:
    """Returns the hosts that files are kept on; private ones have each a host below them."""
    stage = (urlsplit(root).hostname or "").removeprefix("api.").removesuffix("launchpad.net")
    host = f"{stage}launchpadlibrarian.net"
    return frozenset({host, f".restricted.{host}"})


def references(root: str) -> References:
    """Returns how texts refer to bugs: as Launchpad itself makes links of them."""
    web = root.replace("://api.", "://bugs.", 1)
    site = web.replace("://bugs.", "://(?:bugs\\.)?", 1).replace(".net", "\\.net")
    return References(
        url=f"{web}/bugs/{{id}}",
        write="LP: #{id}",
        read=(
            rf"{site}/(?:[\w.+~/-]+/\+bug|bugs)/(?P<id>\d+)(?![\w/-])",
            r"(?i:\bbug[\s=-]*(?:(?:#|report|number\.?|num\.?|no\.?)[\s=-]*)?(?P<id>\d+)\b)",
            r"(?i:\blp:?\s*#(?P<id>\d+)\b)",
        ),
    )


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns Launchpad."""
    return Launchpad
