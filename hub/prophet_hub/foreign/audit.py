"""The audit: what trackers were asked for and what came of it, each line hashed over the one before.

A line is written in the transaction that notes the intent or the outcome, so that no request leaves
without its line.  It names the values by a digest with a salt that stands beside them in the
journal: a text that is erased there later breaks no chain, and cannot be guessed from it.
How a stranger checks it: docs/audit.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from prophet_hub.errors import UsageError
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.rows import Journal
from prophet_hub.model import ids

__all__ = [
    "OPEN",
    "START",
    "Audit",
    "Head",
    "Line",
    "backward",
    "digest",
    "hashed",
    "head",
    "lines",
    "told_of",
]

START: Final = "0" * 64
"""What stands in the place of a hash before the first line."""

OPEN: Final = frozenset({"sent", "unsure"})
"""The outcomes after which a later reading may still tell what became of a request."""

_SHORT: Final = 8  # digits of a hash that a person may type instead of all
_TABLE: Final = "audit"
_HASH: Final = 32  # bytes before the line itself


class _Store(Protocol):
    def get(self, table: str, key: Any) -> bytes | None: ...
    def scan(self, table: str, prefix: Any = ()) -> Iterator[tuple[Any, bytes]]: ...
    def last(self, table: str) -> tuple[Any, bytes] | None: ...


class Head(NamedTuple):
    """The last line of an audit: whoever keeps it elsewhere can tell later that all is still there.

    Attributes:
        number: Of the line; 0 for an audit without lines.
        hash: SHA-256 of the line, in hexadecimal digits.
    """

    number: int = 0
    hash: str = START

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @classmethod
    def parse(cls, words: str) -> Head:
        """Returns the head that NUMBER:HASH names; the hash may be its first eight digits or more.

        Raises:
            UsageError: It names none.
        """
        number, _, digits = words.strip().partition(":")
        good = number.isascii() and number.isdigit() and _SHORT <= len(digits) <= len(START)
        if not (good and set(digits) <= set("0123456789abcdef")):
            raise UsageError(
                f'"{words}" is no head of an audit.',
                hint="Write NUMBER:HASH, as prophet-hub audit verify prints it.",
            )
        return cls(int(number), digits)


class Line(NamedTuple):
    """A line as it stands in the database.

    Attributes:
        number: Its place, by the table's key.
        hash: What is noted as its SHA-256.
        raw: The line itself, as it is hashed.
    """

    number: int
    hash: str
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """What it says.

        Raises:
            ValueError: It says nothing that can be read.
        """
        said = json.loads(self.raw)
        if not isinstance(said, dict):
            raise ValueError("no object")  # noqa: TRY004 - as every other line that cannot be read
        return said


class Audit:
    """The writing end, for one remote in one run; every method is called inside a transaction."""

    def __init__(self, ledger: Ledger, run: str) -> None:
        self._ledger, self._store, self._run = ledger, ledger.store, run

    def asked(self, row: Journal) -> int:
        """Writes down what a tracker is about to be asked for, here and in the journal.

        Returns the line's number, which is the row's in the journal of the run too.
        """
        row = msgspec.structs.replace(row, salt=ids.fresh())
        number = self._append({
            "what": "asked", "run": self._run, "item": row.ref, **told_of(row)
        })  # fmt: skip
        self._ledger.set_journal(self._run, number, row)
        return number

    def answered(self, number: int, outcome: str, *, item: str, now: int) -> None:
        """Writes down what came of a request; nothing where that is known, or older than the audit.

        Args:
            number: Of the line that says what was asked for.
            outcome: As in `steps.Outcome`.
            item: The item's id, by now known of a create too.
            now: Microseconds since 1970.
        """
        data = self._store.get(_TABLE, (number,))
        if data is None:
            return
        run = json.loads(data[_HASH:])["run"]
        row = self._ledger.journal(run, number)
        if row is None or row.outcome not in OPEN or row.outcome == outcome:
            return
        row = msgspec.structs.replace(row, outcome=outcome, ref=item or row.ref)
        self._ledger.set_journal(run, number, row)
        self._append({
            "what": "answered", "when": now, "run": self._run, "of": number, "outcome": outcome,
            "item": row.ref,
        })  # fmt: skip

    def _append(self, said: Mapping[str, Any]) -> int:
        before = head(self._store)
        number = before.number + 1
        raw = _canonical({**said, "number": number, "before": before.hash})
        self._store.put(_TABLE, (number,), hashlib.sha256(raw).digest() + raw)
        return number


def head(store: _Store) -> Head:
    """Returns the last line's number and hash."""
    last = store.last(_TABLE)
    return Head() if last is None else Head(last[0][0], last[1][:_HASH].hex())


def lines(store: _Store) -> Iterator[Line]:
    """Yields all lines, the oldest first."""
    for key, data in store.scan(_TABLE):
        yield Line(key[0], data[:_HASH].hex(), data[_HASH:])


def backward(store: _Store) -> Iterator[Line]:
    """Yields all lines, the newest first; a missing one is passed over."""
    for number in range(head(store).number, 0, -1):
        data = store.get(_TABLE, (number,))
        if data is not None:
            yield Line(number, data[:_HASH].hex(), data[_HASH:])


def digest(raw: bytes) -> str:
    """Returns SHA-256 in hexadecimal digits."""
    return hashlib.sha256(raw).hexdigest()


def told_of(row: Journal) -> dict[str, Any]:
    """Returns what a line says of its row in the journal; of the values a digest, with a salt."""
    return {
        "when": row.created, "job": row.job, "remote": row.remote, "tracker": row.tracker.hex(),
        "verb": row.verb, "kind": row.kind, "ticket": row.ticket, "record": row.record.hex(),
        "causes": sorted({one.hex() for found in row.causes.values() for one in found}),
        "undoes": row.undoes, "values": digest(_canonical(hashed(row))),
    }  # fmt: skip


def hashed(row: Journal) -> dict[str, Any]:
    """Returns what the digest of the values is made of."""
    return {"before": row.before, "after": row.after, "salt": row.salt.hex()}


def _canonical(said: Mapping[str, Any]) -> bytes:
    """Returns JSON with sorted keys, no blanks, and nothing but ASCII."""
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")
