"""The tables of the log: entries kept raw for ever, and where each write and record stands in it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from prophet_hub.store.base import EntryRow, Rows
from prophet_hub.values import Stored

__all__ = ["Log"]

_ENTRY: Final = (
    "SELECT number, o.origin, sequence, before, running, raw, reason"
    " FROM entries JOIN origins o ON o.id = entries.origin"
)


class Log:
    """Entries by number, by place, by write and by record."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._origins: dict[bytes, int] = {}

    def append(self, entries: Sequence[EntryRow]) -> None:
        """Puts entries at their numbers; what an entry follows must be here or before it."""
        self._rows.run_many(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(e.number, self._origin(e.origin), *e[2:]) for e in entries],
        )
        followed = {e.before for e in entries}
        self._rows.run_many("DELETE FROM tips WHERE running = ?", [(b,) for b in followed if b])
        self._rows.run_many(
            "INSERT INTO tips VALUES (?, ?, ?)",
            [(e.running, e.origin, e.sequence) for e in entries if e.running not in followed],
        )

    def place(
        self, names: Iterable[tuple[bytes, int]], touched: Iterable[tuple[bytes, int]]
    ) -> None:
        """Notes in which entry a write stands and which entry writes to a record."""
        self._rows.run_many("INSERT OR IGNORE INTO names VALUES (?, ?)", names)
        self._rows.run_many("INSERT OR IGNORE INTO touched VALUES (?, ?)", touched)

    def carry(self, named: Iterable[tuple[int, str, int]]) -> None:
        """Notes which entry (local number) names which text or content (SHA-256, size)."""
        self._rows.run_many("INSERT OR IGNORE INTO carried VALUES (?, ?, ?)", named)

    def carried(self, first: int, last: int) -> dict[int, list[Stored]]:
        """Returns what the entries from first to last, both included, name by hash."""
        found: dict[int, list[Stored]] = {}
        sql = "SELECT entry, sha256, size FROM carried WHERE entry BETWEEN ? AND ?"
        for entry, sha256, size in self._rows.rows(sql, (first, last)):
            found.setdefault(entry, []).append(Stored(sha256, size))
        return found

    def want(self, missing: Iterable[tuple[str, int]]) -> None:
        """Notes what is named and not here (SHA-256, size)."""
        self._rows.run_many("INSERT OR IGNORE INTO wanted VALUES (?, ?)", missing)

    def wanted(self) -> list[tuple[str, int]]:
        """Returns what is named and not here."""
        found = self._rows.rows("SELECT sha256, size FROM wanted ORDER BY sha256")
        return [(sha256, size) for sha256, size in found]

    def wants(self, sha256: str) -> bool:
        """Tells whether something is named and not here."""
        return bool(self._rows.rows("SELECT 1 FROM wanted WHERE sha256 = ? LIMIT 1", (sha256,)))

    def named_at(self, sha256s: Iterable[str]) -> set[tuple[bytes, int]]:
        """Returns the places (origin, sequence) of the entries that name any of these; reads all
        that entries name.
        """
        sql = (
            "SELECT o.origin, e.sequence FROM carried c JOIN entries e ON e.number = c.entry"
            " JOIN origins o ON o.id = e.origin WHERE c.sha256 IN (?)"
        )
        return {(origin, sequence) for origin, sequence in self._rows.rows_in(sql, sha256s)}

    def arrived(self, sha256: str) -> None:
        """Notes that something wanted is here."""
        self._rows.run("DELETE FROM wanted WHERE sha256 = ?", (sha256,))

    def put_seals(self, seals: Iterable[tuple[int, bytes]]) -> None:
        """Keeps the signatures of entries, by local number."""
        self._rows.run_many("INSERT OR REPLACE INTO seals VALUES (?, ?)", seals)

    def seals(self, first: int, last: int) -> dict[int, bytes]:
        """Returns the signatures of the entries from first to last, both included."""
        sql = "SELECT entry, seal FROM seals WHERE entry BETWEEN ? AND ?"
        return dict(self._rows.rows(sql, (first, last)))

    def number_at(self, origin: bytes, sequence: int) -> int:
        """Returns the least local number of the entries at a place, 0 if there is none."""
        found: int = self._rows.rows(
            "SELECT coalesce(min(number), 0) FROM entries e JOIN origins o ON o.id = e.origin"
            " WHERE o.origin = ? AND sequence = ?",
            (origin, sequence),
        )[0][0]
        return found

    def numbers_at(self, origin: bytes, sequence: int) -> list[int]:
        """Returns the local numbers of the entries at a place: several where the origin forked."""
        sql = "SELECT number FROM entries WHERE origin = ? AND sequence = ? ORDER BY number"
        return [number for (number,) in self._rows.rows(sql, (self._origin(origin), sequence))]

    def origins(self) -> list[bytes]:
        """Returns all origins that were ever met."""
        found = self._rows.rows("SELECT origin FROM origins ORDER BY id")
        return [origin for (origin,) in found]

    def holding(self, piece: bytes) -> list[EntryRow]:
        """Returns the entries whose bytes hold a piece, in order; looks through the whole log."""
        found = self._rows.rows(f"{_ENTRY} WHERE instr(raw, ?) ORDER BY number", (piece,))
        return [EntryRow._make(row) for row in found]

    def latest(self) -> int:
        """Returns the last local number, 0 for an empty log."""
        found: int = self._rows.rows("SELECT coalesce(max(number), 0) FROM entries")[0][0]
        return found

    def last(self, origin: bytes) -> tuple[int, bytes]:
        """Returns (sequence, running hash) of the origin's last entry, (0, b"") for none."""
        found = self._rows.rows(
            "SELECT sequence, running FROM entries WHERE origin = ?"
            " ORDER BY sequence DESC, number DESC LIMIT 1",
            (self._origin(origin),),
        )
        return found[0] if found else (0, b"")

    def at(self, origin: bytes, sequence: int) -> set[bytes]:
        """Returns the running hashes at a place: several where the origin has forked there."""
        found = self._rows.rows(
            "SELECT running FROM entries WHERE origin = ? AND sequence = ?",
            (self._origin(origin), sequence),
        )
        return {running for (running,) in found}

    def branches(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        """Returns (before, running) of all entries of an origin, the last first."""
        found = self._rows.rows(
            "SELECT before, running FROM entries WHERE origin = ? ORDER BY sequence DESC",
            (self._origin(origin),),
        )
        return [(before, running) for before, running in found]

    def entries(self, numbers: Collection[int]) -> Iterator[EntryRow]:
        """Yields entries by number, in no order."""
        return map(EntryRow._make, self._rows.rows_in(f"{_ENTRY} WHERE number IN (?)", numbers))

    def after(self, number: int, limit: int) -> list[EntryRow]:
        """Returns the next entries after a number, in order."""
        found = self._rows.rows(
            f"{_ENTRY} WHERE number > ? ORDER BY number LIMIT ?", (number, limit)
        )
        return [EntryRow._make(row) for row in found]

    def before(self, number: int, limit: int) -> list[EntryRow]:
        """Returns the entries before a number, newest first."""
        found = self._rows.rows(
            f"{_ENTRY} WHERE number < ? ORDER BY number DESC LIMIT ?", (number, limit)
        )
        return [EntryRow._make(row) for row in found]

    def held(self) -> list[EntryRow]:
        """Returns the quarantined entries."""
        found = self._rows.rows(f"{_ENTRY} WHERE reason IS NOT NULL ORDER BY number")
        return [EntryRow._make(row) for row in found]

    def release(self, number: int) -> None:
        """Takes an entry out of quarantine."""
        self._rows.run("UPDATE entries SET reason = NULL WHERE number = ?", (number,))

    def tips(self) -> list[tuple[bytes, int, bytes]]:
        """Returns (origin, sequence, running hash) of the last entry of each branch."""
        found = self._rows.rows("SELECT origin, sequence, running FROM tips")
        return [(o, s, r) for o, s, r in found]

    def places(self, ids: Iterable[bytes]) -> dict[bytes, list[int]]:
        """Returns for each known write the entries in which it stands."""
        found: dict[bytes, list[int]] = {}
        sql = "SELECT id, entry FROM names WHERE id IN (?) ORDER BY entry"
        for name, entry in self._rows.rows_in(sql, ids):
            found.setdefault(name, []).append(entry)
        return found

    def numbers_of(self, records: Iterable[bytes]) -> list[int]:
        """Returns the entries that write to any of the raw records, in order."""
        sql = "SELECT entry FROM touched WHERE record IN (?)"
        return sorted({number for (number,) in self._rows.rows_in(sql, records)})

    def put_text(self, sha256: str, data: bytes) -> None:
        """Keeps a long text; the second time changes nothing."""
        self._rows.run("INSERT OR IGNORE INTO texts VALUES (?, ?)", (sha256, data))

    def text(self, sha256: str) -> bytes | None:
        """Returns a long text, None if it is not here."""
        found = self._rows.rows("SELECT data FROM texts WHERE sha256 = ?", (sha256,))
        return found[0][0] if found else None

    def _origin(self, origin: bytes) -> int:
        """Returns the short number of an origin, 0 for one that `add_origin` never met."""
        if origin not in self._origins:
            found = self._rows.rows("SELECT id FROM origins WHERE origin = ?", (origin,))
            if not found:
                return 0
            self._origins[origin] = found[0][0]
        return self._origins[origin]

    def add_origin(self, origin: bytes) -> None:
        """Gives an origin its short number."""
        self._rows.run("INSERT OR IGNORE INTO origins (origin) VALUES (?)", (origin,))

    def forget(self) -> None:
        """Drops what is cached, after a transaction that was rolled back."""
        self._origins.clear()
