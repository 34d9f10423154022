"""What a replica of the old tool had in each cell, in its own order, as far as our log has it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from prophet_hub.engine.replica import Replica
from prophet_hub.interop._v1_format import Place
from prophet_hub.model import codec
from prophet_hub.model.changes import LIFE, LINKING, Write
from prophet_hub.model.ids import ChangesetName, RecordId, WriteId, name_of
from prophet_hub.values import INLINE, Stored, Value

__all__ = ["ALIVE", "View", "changeset_name", "kept", "settled_name"]

_V1: Final = "prophet-v1"

ALIVE: Final = (LIFE, "alive")
"""Property and member of a life."""

Prop = tuple[str, str]
Order = tuple[int, int]
"""A number of the old replica; then 0 for the changeset there, 1 for what it settled with it."""


def changeset_name(source: bytes, sequence: int) -> ChangesetName:
    """Returns our name of a changeset of theirs, the same whoever reads it from wherever."""
    return ChangesetName(name_of(_V1, source, sequence))


def settled_name(replica: bytes, number: int) -> ChangesetName:
    """Returns the name of what a replica settled without a changeset of its own that says so."""
    return ChangesetName(name_of(_V1, "settled", replica, number))


def kept(value: Value) -> Value:
    """Returns a value as the log holds it: a long text by its hash."""
    if not isinstance(value, str) or len(value) * 4 <= INLINE:
        return value
    data = value.encode()
    if len(data) <= INLINE:
        return value
    return Stored(hashlib.sha256(data).hexdigest(), len(data))


class Stand(NamedTuple):
    """A write as the old replica has it: where in its order, and what it said."""

    order: Order
    write: WriteId
    value: Value


class View:
    """An old replica's cells, read from our log when they are asked for.

    Args:
        places: All of its places: what stands in our log under one of their names, or was published
            from here, is something that it had.
    """

    def __init__(self, replica: Replica, old: bytes, places: Sequence[Place]) -> None:
        self._replica = replica
        self._own: dict[tuple[bytes, int], Order] = {}
        self._named: dict[bytes, Order] = {}
        self._cells: dict[RecordId, dict[Prop, list[Stand]]] = {}
        origins = set(replica.store.log.origins())
        for place in places:
            order = (place.number, 0)
            self._named[changeset_name(place.source, place.sequence)] = order
            self._named[settled_name(old, place.number)] = (place.number, 1)
            if place.source in origins and replica.store.log.numbers_at(
                place.source, place.sequence
            ):
                self._own[place.source, place.sequence] = order

    def is_own(self, place: Place) -> bool:
        """Tells whether a changeset was published from our log."""
        return (place.source, place.sequence) in self._own

    def forget(self) -> None:
        """Drops what was read: bounds memory."""
        self._cells.clear()

    def load(self, records: Iterable[RecordId]) -> None:
        """Reads what the old replica had of these records; those that are read already stay."""
        missing = [one for one in records if one not in self._cells]
        known = self._replica.store.derived.lines(missing)
        for record in missing:
            self._cells[record] = {}
            if record in known:
                for order, w in sorted(self._writes(record), key=lambda one: one[0]):
                    self.put(record, (w.cell.prop, w.cell.member), order, w)

    def _writes(self, record: RecordId) -> list[tuple[Order, Write]]:
        members, log = self._replica.members(record), self._replica.store.log
        found: list[tuple[Order, Write]] = []
        for row in log.entries(log.numbers_of(members)):
            if row.reason is None:
                changeset = codec.decode(row.before, row.raw).changeset
                place = (row.origin, row.sequence)
                order = self._named.get(changeset.name) or self._own.get(place)
                if order:
                    found += [
                        (order, w) for w in changeset.writes
                        if w.cell.record in members and w.cell.prop not in LINKING
                    ]  # fmt: skip
        return found

    def put(self, record: RecordId, prop: Prop, order: Order, write: Write) -> None:
        """Adds a write at its place in the old replica's order; a second time changes nothing."""
        stands = self._cells[record].setdefault(prop, [])
        if all(one.write != write.id for one in stands):
            stands.append(Stand(order, write.id, kept(write.value)))
            stands.sort(key=lambda one: one.order)

    def before(self, record: RecordId, prop: Prop, order: Order) -> list[Stand]:
        """Returns what stood in a cell before a moment, the last first."""
        stands = self._cells[record].get(prop, ())
        return [one for one in reversed(stands) if one.order < order]

    def last(self, record: RecordId, prop: Prop, order: Order) -> Stand | None:
        """Returns what stood last in a cell before a moment."""
        return next(iter(self.before(record, prop, order)), None)

    def cells(self, record: RecordId, order: Order) -> dict[Prop, Stand]:
        """Returns what stood last in each cell before a moment."""
        found = {prop: self.last(record, prop, order) for prop in self._cells[record]}
        return {prop: stand for prop, stand in found.items() if stand is not None}

    def props(self, record: RecordId) -> Collection[Prop]:
        """Returns the cells that were ever written."""
        return self._cells[record]

    def dead(self, record: RecordId, order: Order) -> bool:
        """Tells whether the record was deleted before a moment."""
        life = self.last(record, ALIVE, order)
        return life is not None and life.value is None
