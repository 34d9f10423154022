"""A count of all that a store holds: what a check asks, and what a rebuild fills by one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from prophet_hub.errors import StoreError
from prophet_hub.store.base import LATE, CellRow, RecordLine
from prophet_hub.store.sqlite import Store
from prophet_hub.values import Stored

__all__ = ["Census", "Tip"]

Tip = tuple[bytes, bytes, int]
"""The last entry of a branch: (running hash, origin, sequence)."""

_TIPS: Final = """
SELECT e.running, o.origin, e.sequence FROM entries e JOIN origins o ON o.id = e.origin
WHERE NOT EXISTS (SELECT 1 FROM entries n WHERE n.origin = e.origin
                  AND n.sequence = e.sequence + 1 AND n.before = e.running)
"""
_NEEDED: Final = """
SELECT DISTINCT c.sha256, c.size FROM carried c JOIN entries e ON e.number = c.entry
WHERE e.reason IS NULL AND NOT EXISTS (SELECT 1 FROM texts t WHERE t.sha256 = c.sha256)
ORDER BY c.sha256
"""
_DELETED: Final = """
SELECT r.kind, count(*) FROM deaths d JOIN records r ON r.record = d.record
JOIN cells c ON c.record = d.record AND c.prop = 'life' AND c.member = 'alive'
WHERE c.mark <> ? AND r.kind <> '' GROUP BY r.kind ORDER BY r.kind
"""
_SIZES: Final = """
SELECT coalesce(s.tbl_name, d.name), sum(d.pgsize) FROM dbstat d
LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE GROUP BY 1
"""
_PARTS: Final = {
    "log": ("entries", "origins", "tips", "seals", "carried", "wanted"),
    "texts": ("texts",),
    "state": (
        "names", "touched", "cells", "records", "joins", "echoes", "crossings", "deaths",
    ),
    "search": ("documents", "searched", "words", "shown", "properties"),
}  # fmt: skip
_LINE: Final = "SELECT number, record, type, whole, kind, label, changed FROM records"
_CELL: Final = "SELECT record, prop, member, heads, conflict, mark, parent FROM cells"
_PAGES: Final = 500


class Census:
    """Reads all of a store, in pages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def damage(self) -> list[str]:
        """Returns what SQLite itself finds wrong with its file."""
        return [said for (said,) in self._store.rows("PRAGMA quick_check") if said != "ok"]

    def count(self, table: str) -> int:
        """Returns how many rows a table has."""
        found: int = self._store.rows(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608 - our own names
        return found

    def kinds(self) -> dict[str, int]:
        """Returns how many classes there are of each type."""
        sql = "SELECT kind, count(*) FROM records WHERE kind <> '' GROUP BY kind ORDER BY kind"
        return dict(self._store.rows(sql))

    def deleted(self) -> dict[str, int]:
        """Returns how many classes of each type are shown deleted."""
        return dict(self._store.rows(_DELETED, (LATE,)))

    def conflicts(self) -> int:
        """Returns how many cells are in conflict."""
        found: int = self._store.rows("SELECT count(*) FROM cells WHERE conflict = 1")[0][0]
        return found

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of the file and, where this SQLite tells them, of its parts."""
        pragma = {
            name: self._store.rows(f"PRAGMA {name}")[0][0]
            for name in ("page_count", "page_size", "freelist_count")
        }
        found = {"file": pragma["page_count"] * pragma["page_size"]}
        try:
            rows = self._store.rows(_SIZES)
        except StoreError:  # built without the table dbstat
            return found
        for table, size in rows:
            part = next(
                (part for part, names in _PARTS.items() if table.startswith(names)), "bridge"
            )
            found[part] = found.get(part, 0) + size
        return found | {"free": pragma["freelist_count"] * pragma["page_size"]}

    # --- the log ---

    def tips(self) -> set[Tip]:
        """Returns the last entry of each branch as noted."""
        return set(self._store.rows("SELECT running, origin, sequence FROM tips"))

    def tips_of_log(self) -> set[Tip]:
        """Returns the last entry of each branch as the entries say."""
        return set(self._store.rows(_TIPS))

    def renew_tips(self) -> None:
        """Writes the last entry of each branch anew."""
        self._store.run("DELETE FROM tips")
        self._store.run(f"INSERT INTO tips {_TIPS}")

    def touched(self, records: Iterable[bytes], first: int, last: int) -> set[tuple[bytes, int]]:
        """Returns (record, entry) of those records that are noted for entries from first to last."""
        sql = (
            f"SELECT record, entry FROM touched WHERE entry BETWEEN {first:d} AND {last:d}"  # noqa: S608 - numbers
            " AND record IN (?)"
        )
        return set(self._store.rows_in(sql, records))

    def carried(self, first: int, last: int) -> set[tuple[int, str, int]]:
        """Returns (entry, SHA-256, size) of what entries from first to last name by hash."""
        sql = "SELECT entry, sha256, size FROM carried WHERE entry BETWEEN ? AND ?"
        return set(self._store.rows(sql, (first, last)))

    def forget_carried(self) -> None:
        """Empties the notes of what entries name by hash, and of what is missing."""
        self._store.run("DELETE FROM carried")
        self._store.run("DELETE FROM wanted")

    def needed(self) -> list[tuple[str, int, bool]]:
        """Returns (SHA-256, size, whether it is here) of what accepted entries name and is no text.

        Of several sizes that are told for one name, the one that is here is true.
        """
        found: dict[str, tuple[str, int, bool]] = {}
        for sha256, size in self._store.rows(_NEEDED):
            if not found.get(sha256, ("", 0, False))[2]:
                found[sha256] = sha256, size, self._store.blobs.has(Stored(sha256, size))
        return list(found.values())

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """Yields the long texts, one at a time."""
        return iter(self._store.run("SELECT sha256, data FROM texts ORDER BY sha256"))

    # --- what follows from it ---

    def lines(self, after: int, limit: int = _PAGES) -> list[RecordLine]:
        """Returns the next lines after a number, so that what was written together is read so."""
        found = self._store.rows(
            f"{_LINE} WHERE number > ? ORDER BY number LIMIT ?", (after, limit)
        )
        return [RecordLine._make(row) for row in found]

    def receipts(self, after: bytes, limit: int = _PAGES) -> list[CellRow]:
        """Returns the cells of receipts of the next events after one."""
        events = (
            "SELECT DISTINCT record FROM cells WHERE prop = 'receipt' AND record > ?"
            " ORDER BY record LIMIT ?"
        )
        found = self._store.rows(
            f"{_CELL} WHERE prop = 'receipt' AND record IN ({events})", (after, limit)
        )
        return [CellRow._make(row) for row in found]

    def crossings(self, records: Collection[bytes]) -> dict[tuple[bytes, str, str], set[bytes]]:
        """Returns where supersessions lead out of the cells of records."""
        found: dict[tuple[bytes, str, str], set[bytes]] = {}
        sql = "SELECT record, prop, member, target FROM crossings WHERE record IN (?)"
        for record, prop, member, target in self._store.rows_in(sql, records):
            found.setdefault((record, prop, member), set()).add(target)
        return found
