"""A replica: the log, what follows from it, and the ways to add to it.

The engine is right when heads, shown values and conflicts are those that the law gives for the same
entries (docs/design/001-the-law-of-merging.md).  It keeps heads by direct supersession and computes
a cell anew where that is not enough: joined records, receipts, rules' writes, renderings, unknown
causes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from prophet_hub.model.changes import Cell, Changeset, Entry, Write
from prophet_hub.model.ids import Origin, RecordId, WriteId
from prophet_hub.values import Value

__all__ = ["CellState", "Conflict", "Head", "RecordRow", "Replica"]


class Head(msgspec.Struct, frozen=True, array_like=True):
    """A head of a cell, as far as deciding needs it.

    Attributes:
        record: The raw record on which it was made; its class may have another name.
    """

    id: WriteId
    value: Value
    created: int
    rule: str
    record: RecordId


class CellState(msgspec.Struct, frozen=True):
    """One cell of a record's class.

    Attributes:
        shown: What the law shows.
        heads: Sorted by write id.
    """

    prop: str
    member: str
    shown: Value
    conflict: bool
    heads: tuple[Head, ...]


class RecordRow(msgspec.Struct, frozen=True):
    """A record as a whole names it.

    Attributes:
        record: The least uuid of its class.
        changed: The local number of the last entry that touched any cell of the class (life and
            links included); grows with every commit, so that work can go on from a number.
        number: A small local number for people (`#5`), stable in this replica.
    """

    record: RecordId
    type: str
    changed: int
    number: int


class Conflict(msgspec.Struct, frozen=True):
    """A cell with several distinct values among its heads, or a life edited after its delete."""

    record: RecordId
    type: str
    cell: CellState


class Replica:
    """SKELETON: signatures are settled, bodies come with the engine."""

    @classmethod
    def open(cls, path: Path | str, *, clock: Callable[[], int], create: bool = True) -> Replica:
        """Opens the database file at the path (":memory:" for none), made on first use.

        `clock` gives microseconds since 1970.

        Raises:
            StoreError: missing and not to be created, locked, damaged, of a newer version.
        """
        raise NotImplementedError

    origin: Origin
    store: Any

    def close(self) -> None:
        """Gives back the file; the second time does nothing."""
        raise NotImplementedError

    # --- writing ---

    def transaction(self) -> AbstractContextManager[None]:
        """All that is recorded and noted in the ledger inside is committed together or not at all.

        An exception rolls back.  Transactions inside one another are one.
        """
        raise NotImplementedError

    def record(self, changesets: Iterable[Changeset]) -> int:
        """Logs changesets at the next places of this replica's own origin; returns how many.

        Bridge's and engine's common way in: writes arrive complete, with names and supersessions.
        A write that is known with these supersessions (and this seen list) is left out, and a
        changeset with nothing new is not logged.  A delete also saw what its own changeset writes.
        Texts longer than `values.INLINE` are put by hash.  Reads of cells done once for the batch.
        """
        raise NotImplementedError

    def integrate(self, source: Iterable[tuple[bytes, bytes]]) -> int:
        """Takes entries (before, raw) of any origin in the source's own order; returns how many
        were new.  Batches are atomic.  An entry that breaks the schema is kept in quarantine; a gap
        is refused (Invalid); an entry of this replica's own origin that it did not log makes it
        take a new origin.
        """
        raise NotImplementedError

    def edit(
        self, record: RecordId, type: str, changes: Mapping[tuple[str, str], Value], *,  # noqa: A002
        author: str, note: str = "", created: int | None = None, rule: str = "",
    ) -> Changeset:  # fmt: skip
        """Writes cells (prop, member) as a local edit: each supersedes all present heads of its
        cell.  Deleting is `(LIFE, "alive"): None`, which names what it saw.
        """
        raise NotImplementedError

    def pair(self, one: RecordId, other: RecordId, *, author: str, note: str = "") -> None:
        """Says that two records are one; a second time changes nothing."""
        raise NotImplementedError

    def unpair(self, record: RecordId, *, author: str, note: str = "") -> None:
        """Takes a record out of its class: all its pairs."""
        raise NotImplementedError

    def resolve(self, record: RecordId, prop: str, member: str, value: Value, *, author: str,
                note: str = "") -> None:  # fmt: skip
        """A person's decision: one write over all heads (rule `person`)."""
        raise NotImplementedError

    def settle(self, rules: Callable[[Conflict], Sequence[tuple[str, Value]]], *,
               records: Iterable[RecordId] | None = None) -> int:  # fmt: skip
        """Lets automatic rules settle conflicts as the law allows; returns how many it settled.

        `rules` gives for a conflict at most one (rule name, value); rules come from
        `merge.settle`.  Never where a resolution is among the heads, nor on lives, links, votes, nor
        over unknown causes.
        """
        raise NotImplementedError

    # --- reading; `record` may be any member of a class ---

    def name(self, record: RecordId) -> RecordId:
        """Returns the least uuid of the record's class."""
        raise NotImplementedError

    def members(self, record: RecordId) -> frozenset[RecordId]:
        """Returns the class: the record itself and all that it is joined with."""
        raise NotImplementedError

    def knows(self, record: RecordId) -> bool:
        """Tells whether any write other than a link stands on this very record."""
        raise NotImplementedError

    def type_of(self, record: RecordId) -> str:
        """Returns the class's record type, "" if nothing is known of it."""
        raise NotImplementedError

    def cells(self, record: RecordId) -> dict[tuple[str, str], CellState]:
        """Returns all cells of the class but links, by (prop, member)."""
        raise NotImplementedError

    def cells_of(
        self, records: Sequence[RecordId]
    ) -> dict[RecordId, dict[tuple[str, str], CellState]]:
        """Returns the cells of many records in few queries, keyed as asked."""
        raise NotImplementedError

    def cell(self, record: RecordId, prop: str, member: str = "") -> CellState | None:
        """Returns one cell, None if it has no write."""
        raise NotImplementedError

    def alive(self, record: RecordId) -> bool:
        """Tells whether the record is shown alive: never deleted, restored, or edited after."""
        raise NotImplementedError

    def children(self, record: RecordId, type: str) -> list[RecordId]:  # noqa: A002
        """Returns the records (least uuids) whose `ticket` cell shows a member of this class.

        The `ticket` property of a comment or attachment holds the uuid text of its ticket.
        """
        raise NotImplementedError

    def records(self, type: str = "", *, after: int = 0, page: int = 1000) -> Iterator[RecordRow]:  # noqa: A002
        """Yields records whose class changed after the local number, oldest change first.

        Pages inside, so that a reader may write between two rows.
        """
        raise NotImplementedError

    def latest(self) -> int:
        """Returns the local number of the last entry, 0 for an empty log."""
        raise NotImplementedError

    def conflicts(self) -> Iterator[Conflict]:
        """Yields every conflict, ordered by record and cell."""
        raise NotImplementedError

    def known(self, ids: Iterable[WriteId]) -> set[WriteId]:
        """Returns those of the ids that the log knows as writes."""
        raise NotImplementedError

    def writes_of(self, record: RecordId) -> list[tuple[Entry, Write]]:
        """Returns all writes made on this very record (not its class), in log order."""
        raise NotImplementedError

    def text(self, value: Value) -> str:
        """Returns a value as text, fetching it where it stands by hash; "" for absent."""
        raise NotImplementedError

    def resolve_id(self, words: str) -> RecordId:
        """Returns the record that `#5`, a uuid or an unambiguous beginning of one names.

        Raises:
            UsageError: none or several.
        """
        raise NotImplementedError


_ = Cell  # the skeleton's only use of it
