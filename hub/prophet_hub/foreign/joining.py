"""Two records made one: what trackers alone say of them is then said once, by the older.

Their texts stand in the terms of two homes until then; those of the younger are said again in the
terms of the older, so that two renderings of one text are no conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from prophet_hub.engine.replica import CellState, Head
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.texts import Home
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.model.ids import RecordId, WriteId
from prophet_hub.sdk import ATTACHMENT, Kind
from prophet_hub.values import Value

__all__ = ["FIXED", "join", "same_bytes"]

FIXED: Final = frozenset(
    {
        *("author", "created", "private", "dialect", "ticket", "name"),
        *("content_type", "size", "sha256", "content"),
    }
)
"""Properties that no person edits."""


def join(side: Side, one: RecordId, other: RecordId) -> None:
    """Makes two records one; what trackers alone say of them is said once, by the older.

    A second time changes nothing.
    """
    replica = side.replica
    if replica.name(one) == replica.name(other):
        return
    texts = dict(_texts(side, one)) | dict(_texts(side, other))
    for record in (one, other):
        side.others_look(record)
    replica.pair(one, other, author="pairing", note="the same in two trackers")
    writes = []
    for (prop, member), cell in replica.cells(one).items():
        if cell.conflict and prop in FIXED:
            oldest = min(cell.heads, key=lambda head: (head.created, head.id))
            above = tuple(sorted(head.id for head in cell.heads))
            writes.append(_settled(side, Cell(one, prop, member), oldest.value, above))
    home = side.home(one)
    for write, (key, head, before) in texts.items():
        said = side.text(head.value)
        text = side.texts.between(said, before, home)
        if text != said:
            writes.append(_settled(side, Cell(one, *key), text, (write,), head.created))
    if writes:
        name = ids.ChangesetName(ids.name_of("joined", *sorted((one, other))))
        replica.record([Changeset(name, "pairing", replica.now(), tuple(writes), "")])


def same_bytes(
    side: Side, record: RecordId, ticket: RecordId, cells: Mapping[tuple[str, str], CellState]
) -> RecordId | None:
    """Returns the attachment of this remote's ticket that has the same bytes and is no other's."""
    mine = cells.get(("sha256", ""))
    trackers = {row.tracker for _, row in side.items(record)}
    for child in side.replica.children(ticket, ATTACHMENT):
        theirs = side.replica.cell(child, "sha256")
        if child == record or not mine or not theirs or theirs.shown != mine.shown:
            continue
        there = {row.tracker for _, row in side.items(child)}
        if side.spec.tracker in there and not trackers & there:
            return child
    return None


def _texts(
    side: Side, record: RecordId
) -> Iterator[tuple[WriteId, tuple[tuple[str, str], Head, Home]]]:
    """Yields the heads of a record's long texts with the home in whose terms they stand."""
    long = {row.ours for table in side.fields.values() for row in table if row.kind is Kind.LONG}
    for key, cell in side.replica.cells(record).items():
        if key[0] in long:
            home = side.home(record)
            yield from ((head.id, (key, head, home)) for head in cell.heads if head.value)


def _settled(
    side: Side, cell: Cell, value: Value, above: tuple[WriteId, ...], created: int | None = None
) -> Write:
    name = WriteId(ids.name_of("joined", cell.record, cell.prop, cell.member, list(above)))
    when = side.replica.now() if created is None else created
    kind = side.replica.type_of(cell.record)
    return Write(name, cell, kind, value, above, when, "joined")
