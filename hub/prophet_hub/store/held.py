"""Quarantined entries by their branch: which of them stand behind an entry that vouches for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from prophet_hub.store.base import Rows

__all__ = ["Held", "SealedRow"]

_PAGE: Final = 10_000

_BEHIND: Final = """
SELECT number, sequence, before, running, reason FROM entries
WHERE origin = ? AND sequence BETWEEN ? AND ? ORDER BY sequence DESC
"""

_SEALED: Final = """
SELECT o.origin, e.sequence, e.running, s.seal
FROM (SELECT origin AS id, min(sequence) AS least FROM entries
      WHERE reason IS NOT NULL GROUP BY origin) h
JOIN origins o ON o.id = h.id
JOIN entries e ON e.origin = h.id AND e.sequence >= h.least
JOIN seals s ON s.entry = e.number
ORDER BY e.origin, e.sequence DESC
"""


class SealedRow(NamedTuple):
    """An entry with a seal, in a branch in which something is held."""

    origin: bytes
    sequence: int
    running: bytes
    seal: bytes


class Held:
    """What is in quarantine; costs nothing where nothing is."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def count(self) -> int:
        """Returns how many entries are in quarantine."""
        found: int = self._rows.rows("SELECT count(*) FROM entries WHERE reason IS NOT NULL")[0][0]
        return found

    def behind(self, origin: bytes, sequence: int, running: bytes) -> list[tuple[int, str]]:
        """Returns (number, reason) of what is held among an entry and all that it follows, newest
        first; pages inside.
        """
        ((short, least),) = self._rows.rows(
            "SELECT o.id, (SELECT min(sequence) FROM entries WHERE origin = o.id"
            " AND reason IS NOT NULL) FROM origins o WHERE o.origin = ?",
            (origin,),
        ) or ((0, None),)
        found = []
        top = sequence
        while least is not None and top >= least:
            low = max(least, top - _PAGE + 1)
            for number, _, before, here, reason in self._rows.rows(_BEHIND, (short, low, top)):
                if here == running:
                    running = before
                    if reason is not None:
                        found.append((number, reason))
            top = low - 1
        return found

    def number(self, origin: bytes, sequence: int, running: bytes) -> int:
        """Returns the local number of an entry that is here."""
        found: int = self._rows.rows(
            "SELECT number FROM entries e JOIN origins o ON o.id = e.origin"
            " WHERE o.origin = ? AND sequence = ? AND running = ?",
            (origin, sequence, running),
        )[0][0]
        return found

    def reason(self, origin: bytes, sequence: int, running: bytes) -> str | None:
        """Returns why an entry is held, None for one that is not, or not here."""
        found = self._rows.rows(
            "SELECT reason FROM entries e JOIN origins o ON o.id = e.origin"
            " WHERE o.origin = ? AND sequence = ? AND running = ?",
            (origin, sequence, running),
        )
        return found[0][0] if found else None

    def last(self, running: bytes) -> bool:
        """Tells whether an entry is the last of its branch."""
        sql = "SELECT EXISTS (SELECT 1 FROM tips WHERE running = ?)"
        return bool(self._rows.rows(sql, (running,))[0][0])

    def sealed(self) -> Iterator[SealedRow]:
        """Yields the seals that may cover something held, newest first within an origin."""
        return map(SealedRow._make, self._rows.rows(_SEALED))

    def release(self, numbers: list[int]) -> None:
        """Takes entries out of quarantine."""
        self._rows.run_many(
            "UPDATE entries SET reason = NULL WHERE number = ?", [(n,) for n in numbers]
        )

    def page(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Returns (number, reason) of the next held entries after a number, in order."""
        return [
            (number, reason)
            for number, reason in self._rows.rows(
                "SELECT number, reason FROM entries WHERE reason IS NOT NULL AND number > ?"
                " ORDER BY number LIMIT ?",
                (after, limit),
            )
        ]

    def reasons(self) -> dict[str, int]:
        """Returns how many entries are held for each reason."""
        sql = "SELECT reason, count(*) FROM entries WHERE reason IS NOT NULL GROUP BY reason"
        return dict(self._rows.rows(sql))

    def keys(self) -> dict[bytes, int]:
        """Returns the public keys in the seals of held entries, and how many they seal."""
        sql = (
            "SELECT substr(s.seal, 1, 32), count(*) FROM entries e JOIN seals s"
            " ON s.entry = e.number WHERE e.reason IS NOT NULL GROUP BY 1"
        )
        return dict(self._rows.rows(sql))
