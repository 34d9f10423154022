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
from dataclasses import replace
from datetime import timedelta

from prophet_connectors import _debbugs_words as words
from prophet_connectors._debbugs_server import BATCH, Status
from prophet_connectors._debbugs_settings import (
    DebbugsSettings,
    place_of,
    post_of,
    writer_of,
)
from prophet_connectors._debbugs_story import part_of, ticket_of
from prophet_hub.errors import NotFound, Unsupported
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Create,
    Gone,
    History,
    ListedTicket,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    References,
    Schema,
    SchemaField,
    Ticket,
    Update,
)
from prophet_hub.sdk.doors import Doors, keyed, through
from prophet_hub.sdk.since import Listed, SinceCursor

__all__ = ["Debbugs", "DebbugsSettings"]

LISTED = frozenset(row.theirs for row in words.FIELDS) - {"description"}
"""What the status of a bug tells."""

_PIECE = 1 << 16
"""Bytes of a file that are handed on at once."""

_KEYS = frozenset({TICKET, COMMENT, ATTACHMENT})


class Debbugs(Connector):
    """One tracker, as anybody sees it."""

    name = "debbugs"
    auth = frozenset({"none", "password"})
    Settings = DebbugsSettings
    fields = words.FIELDS
    capabilities = Capabilities(
        history=History.PARTIAL,
        writes=frozenset({("update", TICKET), *(("create", kind) for kind in _KEYS)}),
        granularity=timedelta(seconds=1),
        overlap=timedelta(hours=1),
        ordered=True,
        keys=_KEYS,
        notifies=True,
        concurrency=2,
    )

    def __init__(self, settings: DebbugsSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        if settings.usertags:
            self.fields = words.FIELDS.extended([words.USERTAGS])
        self._place = place_of(settings, context)
        if address := settings.web or self._place.web:
            self.references = References(
                url=address, read=(r"(?<![\w&/#])(?i:bug) ?#?(?P<id>\d+)(?![\w-])",)
            )
        self._post = post_of(settings, context)
        self._writer = (
            writer_of(settings, context, self._place, self._post, self._status)
            if self._post
            else None
        )
        able = replace(type(self).capabilities, overlap=timedelta(seconds=settings.index_lag))
        if self._post:
            able = replace(able, attachment_limit=settings.attachment_limit)
        else:
            able = replace(able, writes=frozenset(), keys=frozenset())
        self.capabilities = able

    def whoami(self) -> Person:
        """Returns who writes; reading needs nobody."""
        self._place.prove()
        if self._post:
            self._post.prove()
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

    def listed(self, pull: Pull) -> Iterator[ListedTicket]:
        """Yields what `get_status` tells of 500 bugs at once: all but texts and tags of users."""
        for number, status in self._place.statuses(self._place.numbers(pull.query)).items():
            shown = words.fields_of(status)
            yield ListedTicket(
                ref=Ref(id=number), told=LISTED, updated=self._place.changed(status),
                fields={name: value for name, value in shown.items() if name in LISTED},
            )  # fmt: skip

    def ticket(self, ref: Ref) -> Ticket:
        """Reads a bug: its status, its mails, and the page with its story where that is wanted."""
        bug = ref.id
        status = self._status(bug)
        letters = self._place.letters(bug)
        notes = self._place.notes(bug) if self.settings.history else ""
        if self._writer:
            self._writer.seen(bug, status, letters)
        return ticket_of(bug, status, letters, notes, self.settings.address)

    def apply(self, operation: Operation) -> Receipt:
        """Mails one operation, having read the bug's status; then waits a while for it to show.

        Raises:
            Unsure: It was mailed, now or by an earlier run, and is not shown yet.
        """
        for name in sorted(_told(operation)) if operation.ref.kind == TICKET else ():
            row = self.fields.theirs(name)
            if not (row and row.takes(new=isinstance(operation, Create))):
                raise Unsupported(f"{self.context.remote} has no {name} that could be written.")
        doors: Doors = {}
        if self._writer:
            doors = {
                ("update", TICKET): self._writer.update,
                **{("create", kind): self._writer.create for kind in _KEYS},
            }
        return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields a file out of the bug's mails, all of which are read for it."""
        self._status(ref.ticket)
        data = part_of(ref, self._place.letters(ref.ticket))
        for first in range(0, len(data), _PIECE):
            yield data[first : first + _PIECE]

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Looks for the Message-ID: among the newest bugs and all of ours, or in the bug's log."""
        keyed(ref, self.capabilities, self.context.remote)
        return self._writer.find(ref, key) if self._writer else None

    def describe(self) -> Schema:
        """Returns what every debbugs has, with the severities and tags of the settings."""
        values = {
            "severity": tuple(self.settings.severities),
            "status": tuple(dict.fromkeys(theirs for theirs, _ in words.STATUSES)),
        }
        required = {"subject"} if self.settings.package else {"subject", "package"}
        return Schema(
            product="debbugs",
            fields=tuple(
                SchemaField(
                    name=row.theirs,
                    values=values.get(row.theirs, ()),
                    required=row.theirs in required,
                    writable=row.writable,
                    many=row.kind.many,
                )
                for row in self.fields
            ),
            statuses=values["status"],
            permissions=frozenset(
                {"read"} | ({"create", "update", "comment", "attach"} if self._post else set())
            ),
        )

    def close(self) -> None:
        """Closes the connections."""
        self._place.close()

    def _status(self, bug: str) -> Status:
        number = re.fullmatch(r"[1-9][0-9]{0,8}", bug)
        found = self._place.statuses([bug]).get(bug) if number else None
        if found is None:
            raise NotFound(f"There is no bug {bug[:40]}, or it is not shown.")
        if not self.settings.usertags:
            return found
        return {**found, "usertags": self._place.usertags(self.settings.usertags, bug)}


def _told(operation: Operation) -> set[str]:
    """Returns the names of the fields that an operation speaks of."""
    if isinstance(operation, Create):
        return set(operation.fields)
    if isinstance(operation, Update):
        return {*operation.changes, *operation.added, *operation.removed}
    return set()


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns the connector of this entry point."""
    return Debbugs
