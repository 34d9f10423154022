"""The tables that follow from the log: cells with their heads, records, classes, crossings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from prophet_hub.store.base import CellRow, RecordLine, Row, Rows
from prophet_hub.store.schema import DERIVED

__all__ = ["Derived"]

_CELL: Final = "SELECT record, prop, member, heads, conflict, mark, parent FROM cells"
_LINE: Final = "SELECT number, record, type, whole, kind, label, changed FROM records"
CellKey = tuple[bytes, str, str]


class Derived:
    """What can be rebuilt; written in batches, read in few statements."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    # --- cells ---

    def cells(self, records: Iterable[bytes]) -> Iterator[CellRow]:
        """Yields all cells of records."""
        return map(CellRow._make, self._rows.rows_in(f"{_CELL} WHERE record IN (?)", records))

    def cell(self, record: bytes, prop: str, member: str) -> CellRow | None:
        """Returns one cell."""
        found = self._rows.rows(
            f"{_CELL} WHERE record = ? AND prop = ? AND member = ?", (record, prop, member)
        )
        return CellRow._make(found[0]) if found else None

    def put_cells(self, cells: Iterable[CellRow]) -> None:
        """Writes cells over what stands there."""
        self._rows.run_many(
            "INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " heads = excluded.heads, conflict = excluded.conflict, mark = excluded.mark,"
            " parent = excluded.parent",
            cells,
        )

    def drop_cells(self, keys: Iterable[CellKey]) -> None:
        """Removes cells that have no write any more."""
        self._rows.run_many("DELETE FROM cells WHERE record = ? AND prop = ? AND member = ?", keys)

    def children(self, parents: Iterable[bytes]) -> list[bytes]:
        """Returns the classes whose `ticket` cell shows one of the raw records."""
        found = self._rows.rows_in("SELECT record FROM cells WHERE parent IN (?)", parents)
        return sorted({record for (record,) in found})

    def parents(self, records: Iterable[bytes]) -> set[bytes]:
        """Returns the tickets that the `ticket` cells of classes show."""
        sql = "SELECT parent FROM cells WHERE parent IS NOT NULL AND record IN (?)"
        return {parent for (parent,) in self._rows.rows_in(sql, records)}

    def spoken(self, prop: str, after: int) -> Iterator[tuple[str, bytes | None]]:
        """Yields of each class that changed after a local number its type and the heads of a
        single-valued property, None where it has none.
        """
        yield from self._rows.rows(
            "SELECT r.kind, c.heads FROM records r LEFT JOIN cells c"
            " ON c.record = r.record AND c.prop = ? AND c.member = ''"
            " WHERE r.kind <> '' AND r.changed > ?",
            (prop, after),
        )

    def conflicts(self, after: CellKey, limit: int) -> list[CellRow]:
        """Returns the next cells in conflict after a key, in order."""
        found = self._rows.rows(
            f"{_CELL} WHERE conflict = 1 AND (record, prop, member) > (?, ?, ?)"
            " ORDER BY record, prop, member LIMIT ?",
            (*after, limit),
        )
        return [CellRow._make(row) for row in found]

    def votes(self, records: Iterable[bytes] | None = None) -> list[CellRow]:
        """Returns the cells of votes, of records or of all."""
        votes = f"{_CELL} WHERE prop >= 'vote:' AND prop < 'vote;'"
        if records is None:
            found: Iterable[Row] = self._rows.rows(votes)
        elif not self._rows.rows(f"SELECT EXISTS ({votes})")[0][0]:
            found = ()
        else:
            found = self._rows.rows_in(f"{votes} AND record IN (?)", records)
        return [CellRow._make(row) for row in found]

    # --- records ---

    def lines(self, records: Iterable[bytes]) -> dict[bytes, RecordLine]:
        """Returns the lines of raw records."""
        found = self._rows.rows_in(f"{_LINE} WHERE record IN (?)", records)
        return {line[1]: RecordLine._make(line) for line in found}

    def line_by_number(self, number: int) -> RecordLine | None:
        """Returns the line with a number."""
        found = self._rows.rows(f"{_LINE} WHERE number = ?", (number,))
        return RecordLine._make(found[0]) if found else None

    def lines_between(self, first: bytes, last: bytes, limit: int) -> list[RecordLine]:
        """Returns lines of records from first to last, both included."""
        found = self._rows.rows(
            f"{_LINE} WHERE record BETWEEN ? AND ? ORDER BY record LIMIT ?", (first, last, limit)
        )
        return [RecordLine._make(line) for line in found]

    def changed(self, kind: str, after: tuple[int, int], limit: int) -> list[RecordLine]:
        """Returns the next classes after (changed, number), of one type or of all."""
        term = "kind <> '' AND" + (" kind = ? AND" if kind else "")  # the indexes ask for the first
        values = ((kind,) if kind else ()) + (*after, limit)
        found = self._rows.rows(
            f"{_LINE} WHERE {term} (changed, number) > (?, ?) ORDER BY changed, number LIMIT ?",
            values,
        )
        return [RecordLine._make(line) for line in found]

    def kinds(self) -> list[str]:
        """Returns the types of all classes, sorted."""
        found = self._rows.rows("SELECT DISTINCT kind FROM records WHERE kind <> '' ORDER BY kind")
        return [kind for (kind,) in found]

    def by_kind(self, kind: str, after: bytes, limit: int) -> list[RecordLine]:
        """Returns the next classes of a type after a uuid, sorted by uuid."""
        found = self._rows.rows(  # the plus keeps SQLite from sorting the whole type for every page
            f"{_LINE} WHERE +kind = ? AND record > ? ORDER BY record LIMIT ?", (kind, after, limit)
        )
        return [RecordLine._make(line) for line in found]

    def others(self, whole: bytes) -> list[bytes]:
        """Returns the members of a class but its least."""
        sql = "SELECT record FROM records WHERE whole = ? AND whole <> record"
        return [record for (record,) in self._rows.rows(sql, (whole,))]

    def members(self, wholes: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Returns the members of classes but their least: (class, record)."""
        sql = "SELECT whole, record FROM records WHERE whole <> record AND whole IN (?)"
        return list(self._rows.rows_in(sql, wholes))

    def next_numbers(self) -> tuple[int, int]:
        """Returns the next free numbers of records, above zero and below."""
        # asked for together, SQLite would go through the whole table for them
        sql = """SELECT coalesce((SELECT max(number) FROM records), 0),
                        coalesce((SELECT min(number) FROM records), 0)"""
        last, least = self._rows.rows(sql)[0]
        return max(last, 0) + 1, min(least, 0) - 1

    def put_lines(self, lines: Iterable[RecordLine]) -> None:
        """Writes lines over what stands there."""
        self._rows.run_many(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
            " type = excluded.type, whole = excluded.whole, kind = excluded.kind,"
            " label = excluded.label, changed = excluded.changed",
            lines,
        )

    # --- links ---

    def has(self, table: str) -> bool:
        """Tells whether a derived table has any row."""
        sql = f"SELECT EXISTS (SELECT 1 FROM {table})"  # noqa: S608 - our own names
        return bool(self._rows.rows(sql)[0][0])

    def joined(self, records: Iterable[bytes]) -> dict[bytes, set[bytes]]:
        """Returns for records what they are directly paired with."""
        found: dict[bytes, set[bytes]] = {}
        sql = "SELECT record, other FROM joins WHERE record IN (?)"
        for record, other in self._rows.rows_in(sql, records):
            found.setdefault(record, set()).add(other)
        return found

    def join(self, one: bytes, other: bytes, *, shown: bool) -> None:
        """Notes that a pair is shown present, or that it is no more."""
        both = ((one, other), (other, one))
        if shown:
            self._rows.run_many("INSERT OR IGNORE INTO joins VALUES (?, ?)", both)
        else:
            self._rows.run_many("DELETE FROM joins WHERE record = ? AND other = ?", both)

    def echoes(self, events: Iterable[bytes]) -> dict[bytes, set[bytes]]:
        """Returns for events the writes that receipts say they are."""
        found: dict[bytes, set[bytes]] = {}
        sql = "SELECT event, write FROM echoes WHERE event IN (?)"
        for event, write in self._rows.rows_in(sql, events):
            found.setdefault(event, set()).add(write)
        return found

    def events_of(self, writes: Iterable[bytes]) -> set[bytes]:
        """Returns the events that receipts call one of the writes."""
        sql = "SELECT event FROM echoes WHERE write IN (?)"
        return {event for (event,) in self._rows.rows_in(sql, writes)}

    def named_by_receipts(self, writes: Iterable[bytes]) -> set[bytes]:
        """Returns those of the writes that a receipt calls an event, and these events."""
        sql = "SELECT event, write FROM echoes WHERE write IN (?)"
        return {name for row in self._rows.rows_in(sql, writes) for name in row}

    def echo(self, event: bytes, write: bytes, *, shown: bool) -> None:
        """Notes that a receipt is shown present, or that it is no more."""
        sql = (
            "INSERT OR IGNORE INTO echoes VALUES (?, ?)"
            if shown
            else "DELETE FROM echoes WHERE event = ? AND write = ?"
        )
        self._rows.run(sql, (event, write))

    def clear(self) -> None:
        """Empties all derived tables; records keep their numbers."""
        for table in DERIVED:
            if table != "records":
                self._rows.run(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self._rows.run(
            "UPDATE records SET type = '', whole = record, kind = '', label = number, changed = 0"
        )

    # --- crossings and deaths ---

    def crossed(self, targets: Iterable[bytes]) -> set[CellKey]:
        """Returns the cells with a supersession to one of the writes that leads out of the cell."""
        sql = "SELECT record, prop, member FROM crossings WHERE target IN (?)"
        return {(r, p, m) for r, p, m in self._rows.rows_in(sql, targets)}

    def mentioned(self, ids: Iterable[bytes]) -> set[bytes]:
        """Returns those of the ids that some crossing leads to."""
        sql = "SELECT target FROM crossings WHERE target IN (?)"
        return {target for (target,) in self._rows.rows_in(sql, ids)}

    def cross(self, cell: CellKey, targets: Iterable[bytes]) -> None:
        """Notes all crossings of a cell anew."""
        sql = "DELETE FROM crossings WHERE record = ? AND prop = ? AND member = ?"
        self._rows.run(sql, cell)
        self.add_crossings((t, *cell) for t in targets)

    def add_crossings(self, rows: Iterable[tuple[bytes, bytes, str, str]]) -> None:
        """Notes further crossings."""
        self._rows.run_many("INSERT OR IGNORE INTO crossings VALUES (?, ?, ?, ?)", rows)

    def dead(self, records: Iterable[bytes]) -> set[bytes]:
        """Returns those of the classes whose life heads are all deletes."""
        sql = "SELECT record FROM deaths WHERE record IN (?)"
        return {record for (record,) in self._rows.rows_in(sql, records)}

    def die(self, record: bytes, *, dead: bool) -> None:
        """Notes whether the heads of a class's life are all deletes."""
        sql = (
            "INSERT OR IGNORE INTO deaths VALUES (?)"
            if dead
            else "DELETE FROM deaths WHERE record = ?"
        )
        self._rows.run(sql, (record,))
