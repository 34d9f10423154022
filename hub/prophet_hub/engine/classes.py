"""Records, their numbers and their classes: what is joined by pairs is one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from prophet_hub.engine.past import Past, each_once
from prophet_hub.engine.rows import Key, present, row_of
from prophet_hub.merge.cells import head_of, heads_of
from prophet_hub.model.changes import LINKING, RECEIPT, SAME_AS, Write
from prophet_hub.model.ids import WriteId
from prophet_hub.store.base import RecordLine
from prophet_hub.store.derived import Derived
from prophet_hub.store.sqlite import Store

__all__ = ["Entries", "Lines", "Links", "ends_of", "label_of"]

Entries = Sequence[tuple[int, Sequence[Write]]]
"""Accepted entries: (local number, writes)."""


_UNLISTED: Final = frozenset({"", "setting", "family"})
"""Types of what takes no number from people: notes, links, settings."""


def label_of(numbers: Iterable[int]) -> int:
    """Returns the number of a class by those of its members: the smallest that people count by."""
    found = sorted(numbers)
    return next((n for n in found if n > 0), found[0])


class Lines:
    """The lines of the records of one batch: read once, written once."""

    def __init__(self, derived: Derived) -> None:
        self._derived = derived
        self._lines: dict[bytes, RecordLine] = {}
        self._changed: set[bytes] = set()
        self._rename: set[bytes] = set()
        self._numbers = derived.next_numbers()

    def note(self, types: dict[bytes, str]) -> set[bytes]:
        """Gives records a line and a number; returns those that had none."""
        self._lines.update(self._derived.lines(types))
        self._load_wholes(line.whole for line in list(self._lines.values()))
        new: set[bytes] = set()
        for record, kind in types.items():
            line = self._lines.get(record)
            if line is None:
                n = self._next(kind)
                self._put(RecordLine(n, record, kind, record, kind, n, 0))
                new.add(record)
            elif kind and (not line.type or kind < line.type):
                self._put(line._replace(type=kind))
                self._rename.add(line.whole)
        return new

    def _next(self, kind: str) -> int:
        """Returns a free number: one that people count by, or one below zero for what they do not
        list.
        """
        people, others = self._numbers
        if kind in _UNLISTED:
            self._numbers = people, others - 1
            return others
        self._numbers = people + 1, others
        return people

    def whole(self, record: bytes) -> bytes:
        """Returns the name of a noted record's class."""
        return self._lines[record].whole

    def wholes(self, records: Iterable[bytes]) -> dict[bytes, bytes]:
        """Returns the names of the classes of those records that have a line."""
        records = set(records)
        missing = records - self._lines.keys()
        if missing:
            self._lines.update(self._derived.lines(missing))
        return {r: self._lines[r].whole for r in records if r in self._lines}

    def touch(self, whole: bytes, number: int) -> None:
        """Notes the local number of the entry that touched a class."""
        self._load_wholes((whole,))
        line = self._lines.get(whole)
        if line is not None and line.changed < number:
            self._put(line._replace(changed=number))

    def flush(self) -> None:
        """Writes what has changed."""
        self._derived.put_lines([self._lines[r] for r in self._changed])
        self._changed.clear()
        if self._rename:
            self._name_classes(self._rename)
            self._rename.clear()

    def regroup(self, pairs: Iterable[tuple[bytes, bytes]]) -> tuple[set[bytes], set[bytes]]:
        """Forms the classes of changed pairs anew; returns the names of the old and the new ones."""
        ends = {end for pair in pairs for end in pair}
        self.flush()
        old = {line.whole for line in self._derived.lines(ends).values()}
        records = ends | old | {r for whole in old for r in self._derived.others(whole)}
        new: set[bytes] = set()
        while records:
            members = self._component(records.pop())
            records -= members
            whole = min(members)
            new.add(whole)
            lines = self._derived.lines(members)
            self._derived.put_lines([line._replace(whole=whole) for line in lines.values()])
        self._name_classes(new)
        return old, new

    def _component(self, start: bytes) -> set[bytes]:
        """Returns all records that pairs lead to."""
        found, waiting = {start}, {start}
        while waiting:
            joined = self._derived.joined(waiting)
            waiting = {r for others in joined.values() for r in others} - found
            found |= waiting
        return found

    def _name_classes(self, wholes: Iterable[bytes]) -> None:
        """Writes on its least member what a class is called and how it is numbered."""
        classes = {whole: {whole} for whole in wholes}
        for whole, record in self._derived.members(classes):
            classes[whole].add(record)
        lines = self._derived.lines({r for members in classes.values() for r in members})
        put: list[RecordLine] = []
        for whole, members in classes.items():
            found = [lines[r] for r in members if r in lines]
            kind = min((line.type for line in found if line.type), default="")
            label = label_of(line.number for line in found)
            changed = max(line.changed for line in found)
            for line in found:
                named = line._replace(kind="", label=label)
                if line.record == whole:
                    named = named._replace(kind=kind, changed=changed)
                self._lines[line.record] = named
                put.append(named)
        self._derived.put_lines(put)

    def _load_wholes(self, wholes: Iterable[bytes]) -> None:
        missing = {whole for whole in wholes if whole not in self._lines}
        if missing:
            self._lines.update(self._derived.lines(missing))

    def _put(self, line: RecordLine) -> None:
        self._lines[line.record] = line
        self._changed.add(line.record)


class Links:
    """Pairs and receipts: cells about names, which nothing joins."""

    def __init__(self, store: Store) -> None:
        self._store, self._derived = store, store.derived

    def update(self, entries: Entries) -> tuple[set[tuple[bytes, bytes]], set[WriteId]]:
        """Computes touched links by the law; returns the pairs, and the events of the receipts,
        that are shown otherwise than before.
        """
        cells = {w.cell for _, writes in entries for w in writes if w.cell.prop in LINKING}
        pairs: set[tuple[bytes, bytes]] = set()
        events: set[WriteId] = set()
        if not cells:
            return pairs, events
        past = Past(self._store)
        for cell in sorted(cells):
            found = [w for w in past.touching((cell.record,)) if w.cell == cell]
            heads = heads_of(each_once(found), past.supersedes)
            key = (cell.record, cell.prop, cell.member)
            row, before = row_of(key, tuple(map(head_of, heads))), self._derived.cell(*key)
            self._derived.put_cells((row,))
            was, now = before is not None and present(before), present(row)
            if was == now:
                continue
            other = bytes.fromhex(cell.member)
            if cell.prop == SAME_AS:
                self._derived.join(cell.record, other, shown=now)
                pairs.add((cell.record, other))
            elif cell.prop == RECEIPT:
                self._derived.echo(cell.record, other, shown=now)
                events.add(WriteId(cell.record))
        return pairs, events

    def drop_class(self, whole: bytes) -> list[Key]:
        """Removes the cells of a class that is to be formed anew; returns which there were."""
        keys = [
            (row.record, row.prop, row.member)
            for row in self._derived.cells((whole,))
            if row.prop not in LINKING
        ]
        self._derived.drop_cells(keys)
        for key in keys:
            self._derived.cross(key, ())
        self._derived.die(whole, dead=False)
        return keys


def ends_of(write: Write) -> tuple[bytes, ...]:
    """Returns the raw records under which a write is to be found: a pair under both."""
    if write.cell.prop == SAME_AS:
        return write.cell.record, bytes.fromhex(write.cell.member)
    return (write.cell.record,)
