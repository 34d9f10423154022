"""Two records made one: what trackers alone say of them is then said once, by the older."""

from __future__ import annotations

from typing import Final

from prophet_hub.engine.replica import Replica
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.model.ids import RecordId
from prophet_hub.values import Value

__all__ = ["join"]

_FIXED: Final = frozenset(
    {
        *("author", "created", "private", "dialect", "ticket", "name"),
        *("content_type", "size", "sha256", "content"),
    }
)
"""Properties that no person edits."""


def join(replica: Replica, one: RecordId, other: RecordId) -> None:
    """Makes two records one; what trackers alone say of them is said once, by the older.

    A second time changes nothing.
    """
    if replica.name(one) == replica.name(other):
        return
    replica.pair(one, other, author="pairing", note="the same in two trackers")
    writes = []
    for (prop, member), cell in replica.cells(one).items():
        if cell.conflict and prop in _FIXED:
            oldest = min(cell.heads, key=lambda head: (head.created, head.id))
            above = tuple(sorted(head.id for head in cell.heads))
            writes.append(_settled(replica, one, prop, member, oldest.value, above))
    if writes:
        name = ids.ChangesetName(ids.name_of("joined", *sorted((one, other))))
        replica.record([Changeset(name, "pairing", replica.now(), tuple(writes), "")])


def _settled(
    replica: Replica, record: RecordId, prop: str, member: str, value: Value,
    above: tuple[ids.WriteId, ...],
) -> Write:  # fmt: skip
    name = ids.WriteId(ids.name_of("joined", record, prop, member, list(above)))
    cell = Cell(record, prop, member)
    return Write(name, cell, replica.type_of(record), value, above, replica.now(), "joined")
