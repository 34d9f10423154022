"""How a record came to be what it is: its writes, its state at a time, the reason of a value."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec

from prophet_hub.engine.rows import decode_heads, state_in
from prophet_hub.errors import Invalid
from prophet_hub.merge.conflicts import CellState
from prophet_hub.model import codec
from prophet_hub.model.changes import LIFE, LINKING, SAME_AS, VOTE, Write
from prophet_hub.model.ids import RecordId, WriteId, text
from prophet_hub.store.base import EntryRow
from prophet_hub.store.sqlite import Store
from prophet_hub.values import PRESENT, Stored, Value

__all__ = ["History", "HistoryRow", "LogRow", "Shown", "log_row", "shown"]

_PAGE: Final = 500

Shown = dict[str, Value | frozenset[str]]
"""A record's properties as shown; a set-valued one as the set of its members."""


class HistoryRow(msgspec.Struct, frozen=True):
    """One write of a record.

    Attributes:
        number: The local number of the entry that told it first.
        when: Microseconds since 1970, by the clock of the place where it was made.
        note: Where it came from: a tracker's item, a run, a command.
        old, new: What its author saw and what was written; None: absent.
        rule: Empty for an edit or a tracker's fact, `person` for a decision, else the rule's name.
        superseded: Whether it is no head of its cell any more.
    """

    number: int
    when: int
    author: str
    note: str
    prop: str
    member: str
    old: Value
    new: Value
    rule: str
    write: WriteId
    superseded: bool


class LogRow(msgspec.Struct, frozen=True):
    """One entry of the log; `writes` counts, `note` says why where it is in quarantine."""

    number: int
    origin: bytes
    sequence: int
    name: bytes
    author: str
    created: int
    note: str
    writes: int


class History:
    """Reads a store's past; writes nothing."""

    def __init__(self, store: Store) -> None:
        self._store, self._log, self._derived = store, store.log, store.derived

    def rows(self, members: frozenset[RecordId], *, pairs: bool = False) -> Iterator[HistoryRow]:
        """Yields every write of a class, as they came here; a name told twice once.

        With `pairs` also those that joined one of its members with another record, or parted them.
        """
        heads = {
            h.id for row in self._derived.cells(members) for h in decode_heads(row.heads)
        }  # the least of a class carries its cells
        told: set[WriteId] = set()
        for row in sorted(self._log.entries(self._log.numbers_of(members))):
            changeset = codec.decode(row.before, row.raw).changeset
            for w in changeset.writes:
                if w.id in told or not _is_about(w, members, pairs=pairs):
                    continue
                told.add(w.id)
                yield HistoryRow(
                    row.number, w.created, changeset.author, changeset.note, w.cell.prop,
                    w.cell.member, w.old, w.value, w.rule, w.id, w.id not in heads,
                )  # fmt: skip

    def why(self, members: frozenset[RecordId], prop: str, member: str) -> list[HistoryRow]:
        """Returns the heads of a cell, then what these superseded, each newest first."""
        found = [r for r in self.rows(members) if (r.prop, r.member) == (prop, member)]
        return sorted(found, key=lambda r: (r.superseded, -r.when, -r.number))

    def log(self, after: int, *, newest_first: bool) -> Iterator[LogRow]:
        """Yields the entries after a number; pages inside."""
        if newest_first:
            at = 1 << 62
            while page := [r for r in self._log.before(at, _PAGE) if r.number > after]:
                yield from map(log_row, page)
                at = page[-1].number
        else:
            while page := self._log.after(after, _PAGE):
                yield from map(log_row, page)
                after = page[-1].number

    def export(self) -> Iterator[dict[str, Any]]:
        """Yields every record that is shown alive, sorted by type and uuid."""
        for kind in self._derived.kinds():
            at = b""
            while page := self._derived.by_kind(kind, at, _PAGE):
                found: dict[bytes, dict[tuple[str, str], CellState]] = {}
                for row in self._derived.cells({line.record for line in page}):
                    found.setdefault(row.record, {})[row.prop, row.member] = state_in(row)
                for line in page:
                    cells = found.get(line.record, {})
                    life = cells.get((LIFE, "alive"))
                    if life is None or life.shown is not None:
                        yield self.as_object(kind, line.record, cells)
                at = page[-1].record

    def as_object(
        self, kind: str, record: bytes, cells: dict[tuple[str, str], CellState]
    ) -> dict[str, Any]:
        """Returns a record as `export` tells it."""
        properties = {k: self._plain(v) for k, v in sorted(shown(cells).items())}
        conflicts = [
            {"property": c.prop, "member": c.member,
             "values": sorted((self._plain(v) for v in _values(c)), key=_order)}
            for _, c in sorted(cells.items()) if c.conflict and c.prop not in LINKING
        ]  # fmt: skip
        return {
            "type": kind, "uuid": text(record), "properties": properties, "conflicts": conflicts,
        }  # fmt: skip

    def _plain(self, value: Value | frozenset[str]) -> Any:
        if isinstance(value, frozenset):
            return sorted(value)
        if not isinstance(value, Stored):
            return value
        data = self._log.text(value.sha256)
        return (
            {"sha256": value.sha256, "size": value.size}
            if data is None
            else data.decode("utf-8", "replace")
        )


def shown(cells: dict[tuple[str, str], CellState]) -> Shown:
    """Returns the properties that cells show: what is absent, lives, links and votes left out."""
    found: Shown = {}
    sets: dict[str, set[str]] = {}
    for (prop, member), cell in cells.items():
        if cell.shown is None or prop in (LIFE, *LINKING) or prop.startswith(VOTE):
            continue
        if member:
            sets.setdefault(prop, set()).add(member)
        else:
            found[prop] = cell.shown
    return found | {prop: frozenset(members) for prop, members in sets.items()}


def _is_about(write: Write, members: Collection[RecordId], *, pairs: bool) -> bool:
    cell = write.cell
    if cell.prop == SAME_AS:
        return pairs and (cell.record in members or bytes.fromhex(cell.member) in members)
    return cell.prop not in LINKING and cell.record in members


def _values(cell: CellState) -> set[Value]:
    found = {h.value for h in cell.heads}
    return found | {PRESENT} if cell.prop == LIFE else found


def _order(value: Any) -> tuple[bool, str]:
    return value is not None, repr(value)


def log_row(row: EntryRow) -> LogRow:
    """Returns an entry as the log tells it."""
    note = f"in quarantine: {row.reason}"
    try:
        entry = codec.decode(row.before, row.raw)
    except Invalid:
        return LogRow(row.number, row.origin, row.sequence, b"", "", 0, note, 0)
    c = entry.changeset
    return LogRow(
        row.number, row.origin, row.sequence, c.name, c.author, c.created,
        note if row.reason else c.note, len(c.writes),
    )  # fmt: skip
