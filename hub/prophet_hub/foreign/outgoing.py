"""The requests themselves: what a create or an update says to the tracker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from prophet_hub.errors import Rejected
from prophet_hub.foreign import attribution
from prophet_hub.foreign.compose import create_fields, is_private, update_of
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.plans import Cells
from prophet_hub.foreign.rows import ItemRow, Sent, Shadow, dialect_of
from prophet_hub.foreign.side import Side, record_of
from prophet_hub.foreign.texts import Home
from prophet_hub.model import ids
from prophet_hub.model.ids import RecordId, TrackerId
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Create, Person, Ref, Update
from prophet_hub.sdk.markup import known
from prophet_hub.values import Stored, from_micros

__all__ = ["Outgoing"]


class Outgoing:
    """Makes the operations of one remote."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._known: dict[TrackerId, dict[str, str]] = {}

    def create(
        self, kind: str, ticket: str, record: RecordId, cells: Cells, send: Mapping[str, Sent]
    ) -> Create:
        """Returns the create of a record."""
        side = self.side
        ref = Ref(kind=kind, id="", ticket=ticket)
        key = ids.text(side.born(record)) if kind in side.able.keys else ""
        private = is_private(cells, kind, TICKET) and (kind == TICKET or side.able.private_comments)
        author, created = self._origin(cells) if side.able.impersonation else (None, None)
        create = partial(Create, ref=ref, private=private, key=key, author=author, created=created)
        if kind == ATTACHMENT:
            return self._file(create, cells)
        home = side.home(record)
        create = partial(create, dialect=side.texts.target(home))
        if kind == TICKET:
            return create(fields=create_fields(send))
        said, named = send["body"].value or "", author is not None
        return create(fields={"body": self._body(record, home, cells, said, named=named)})

    def _file(self, create: partial[Create], cells: Cells) -> Create:
        cell = cells.get(("content", ""))
        content = cell.shown if cell else None
        if not isinstance(content, Stored):
            raise Rejected("The attachment's content was never read.", hint="Retry it.")
        blobs = self.side.replica.store.blobs
        fields = {
            "name": self._text(cells, "name") or "attachment",
            "content_type": self._text(cells, "content_type") or "application/octet-stream",
        }
        return create(fields=fields, size=content.size, content=partial(blobs.read, content))

    def update(
        self, ref: Ref, record: RecordId, cells: Cells, shadow: Shadow, send: Mapping[str, Sent]
    ) -> Update:
        """Returns the update of an item."""
        side, dialect = self.side, dialect_of(shadow)
        if ref.kind != COMMENT:
            return replace(update_of(ref, send, shadow.stands, shadow.version), dialect=dialect)
        row = side.ledger.item(side.record(COMMENT, ref.id))
        body = send["body"].value or ""
        if row is None or not row.born:
            stand = shadow.stands.get("author")  # of a copy under a line: the name in the line
            named = stand is not None and stand.value == self._text(cells, "author")
            body = self._body(record, side.home(record), cells, body, named=named)
        return Update(ref=ref, changes={"body": body}, dialect=dialect)

    def ticket_of(self, record: RecordId) -> str:
        """Returns this remote's ticket of a comment or attachment, "" while it is not there."""
        side = self.side
        cell = side.replica.cell(record, "ticket")
        ticket = record_of(side.text(cell.shown)) if cell else None
        live = side.live(ticket, TICKET) if ticket else []
        return live[0] if live else ""

    def _body(self, record: RecordId, home: Home, cells: Cells, body: str, *, named: bool) -> str:
        """Returns a comment's text, under its attribution line where that is needed.

        Whom the tracker does not know it cannot name as the author either, whatever it lets us say.
        """
        side = self.side
        if named and not side.needs_line():
            return body
        born = side.born(record)
        row = side.ledger.item(born)
        remote = side.ledger.remote_named(row.tracker) if row else ""
        _, created = self._origin(cells)
        line = attribution.Line(
            author=self._name(self._text(cells, "author"), row),
            created=created or from_micros(side.now()),
            remote=remote or attribution.LOCAL,
            ticket=row.ticket if row and remote else "",
            comment=row.ref if row and remote else ids.text(born),
            dialect="" if known(home.dialect) else home.dialect,  # else it was converted
        )
        return attribution.write(line, body, side.texts.sign)

    def _name(self, word: str, row: ItemRow | None) -> str:
        """Returns what people call an author where they wrote; never an address that is not public."""
        known = self._names(row.tracker) if row else {}
        login = word.partition(":")[2] or word.partition("@")[0]
        return known.get(word) or self.side.people.name(word) or login or "somebody"

    def _names(self, tracker: TrackerId) -> dict[str, str]:
        side = self.side
        if tracker not in self._known:
            ledger = Ledger(side.replica.store, tracker, side.job)
            remote = ledger.remote_named(tracker)
            self._known[tracker] = {
                (row.email.lower() or f"{remote}:{person}"): row.name or person
                for person, row in ledger.people()
            }
        return self._known[tracker]

    def _origin(self, cells: Cells) -> tuple[Person | None, datetime | None]:
        """Returns who made a record, as this remote knows them, and when."""
        side = self.side
        word = self._text(cells, "author") or self._text(cells, "reporter")
        known = side.people.person(word) if word else None
        try:
            created = datetime.fromisoformat(self._text(cells, "created"))
        except ValueError:
            return (Person(id=known) if known else None), None
        aware = created if created.tzinfo else None
        return (Person(id=known) if known else None), aware

    def _text(self, cells: Cells, prop: str) -> str:
        cell = cells.get((prop, ""))
        return self.side.text(cell.shown) if cell else ""
