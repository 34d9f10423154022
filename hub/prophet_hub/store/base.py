"""What every store offers, and nothing about trackers: entries, derived cells, ledger rows, blobs.

All writing happens inside `transaction()`: what stands in it is kept together or not at all.  The
ledger tables are the bridge's own notes; the store knows their keys and carries their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from prophet_hub.errors import Busy, StoreError

__all__ = [
    "LATE",
    "LEDGER",
    "PLAIN",
    "TANGLED",
    "CellRow",
    "EntryRow",
    "Key",
    "Locked",
    "RecordLine",
    "Row",
    "Rows",
    "batched_in",
]

Key = tuple[str | bytes | int, ...]
"""The key of a ledger row, one value per key column."""


class Locked(Busy, StoreError):
    """Another process writes to the database; nothing was written by this one."""


class EntryRow(NamedTuple):
    """An entry as it stands in the log.

    Attributes:
        number: Its local number, in the order in which entries came here; grows, may have gaps.
        reason: Why it is in quarantine, None for an accepted one.
    """

    number: int
    origin: bytes
    sequence: int
    before: bytes
    running: bytes
    raw: bytes
    reason: str | None


PLAIN, LATE, TANGLED = 0, 1, 2
"""`CellRow.mark`: nothing special; a life edited after its delete; heads that knew one another."""


class CellRow(NamedTuple):
    """A cell of a class with its heads as MessagePack.

    Attributes:
        record: The least uuid of the class; the raw record for links.
        parent: The uuid of the ticket that a `ticket` cell shows, else None.
    """

    record: bytes
    prop: str
    member: str
    heads: bytes
    conflict: int
    mark: int
    parent: bytes | None


class RecordLine(NamedTuple):
    """A raw record and, on the least of its class, what is known of the class.

    Attributes:
        number: Stable in this database.
        type: By the record's own writes.
        whole: The least uuid of its class.
        kind: The class's type, only on the least member, else "".
        label: The class's number: the smallest of its members'.
        changed: The local number of the last entry that touched the class.
    """

    number: int
    record: bytes
    type: str
    whole: bytes
    kind: str
    label: int
    changed: int


Row = tuple[Any, ...]


class Rows(Protocol):
    """What the tables need of an open database."""

    def run(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Executes one statement."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Executes one statement for many rows."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns all rows of a query."""

    def rows_in(self, sql: str, values: Iterable[Any]) -> Iterator[Row]:
        """Yields the rows of a query with one `IN (?)` for many values."""


_SIZES: Final = (1, 8, 64, 512)
_MARKS: Final = {size: f"({','.join('?' * size)})" for size in _SIZES}


def batched_in(values: Iterable[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yields (placeholders, values) in chunks of few sizes, so that statements stay prepared.

    The last value is repeated to fill a chunk up, which an IN list does not mind.
    """
    rest = list(values)
    if len(rest) == 1:
        yield "(?)", rest
        return
    for start in range(0, len(rest), _SIZES[-1]):
        chunk = rest[start : start + _SIZES[-1]]
        size = next(s for s in _SIZES if s >= len(chunk))
        chunk += chunk[-1:] * (size - len(chunk))
        yield _MARKS[size], chunk


LEDGER: Final[dict[str, tuple[str, ...]]] = {
    # the tracker's last state as read, with one stand per field
    "shadows": ("tracker", "kind", "ref"),
    # which tracker's item a record was born as or bound to
    "items": ("record",),
    # our own writes since that reading
    "outstanding": ("tracker", "kind", "ref", "prop", "member"),
    # creates under way: on disk before the wire; the record is the born one
    "intents": ("tracker", "kind", "record"),
    # every write that a tracker was asked for, with before-images: who, why, what came of it
    "receipts": ("run", "number"),
    # how far a job has read a remote
    "checkpoints": ("job", "tracker"),
    # which items a job's query has told
    "scope": ("job", "tracker", "ref"),
    # what waits for a person or for a change, with the reason
    "inbox": ("tracker", "kind", "ref", "prop", "member"),
    # persons as trackers know them
    "people": ("tracker", "id"),
    # runs with their reports
    "runs": ("run",),
    # replicas with which this one exchanges, and how far
    "peers": ("peer",),
    # the hub's own settings, tracker ids by remote among them
    "settings": ("name",),
    # what trackers were asked for and answered, each line hashed over the one before it
    "audit": ("number",),
}
"""Table name -> key columns (text, bytes or int); each row carries one value of bytes."""
