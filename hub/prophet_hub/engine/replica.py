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
from time import time_ns
from typing import TYPE_CHECKING

from prophet_hub.engine.by_properties import ByProperties
from prophet_hub.engine.heads import Derivation
from prophet_hub.engine.offers import Parcel
from prophet_hub.engine.reading import Reading, RecordRow
from prophet_hub.engine.record import Recorder
from prophet_hub.engine.rows import decode_heads
from prophet_hub.merge.cells import Head, shown_of
from prophet_hub.merge.conflicts import CellState, Conflict
from prophet_hub.merge.settle import Policy
from prophet_hub.model.changes import LIFE, Cell, Changeset, Entry, Write, same_as
from prophet_hub.model.ids import ChangesetName, Origin, RecordId, WriteId, fresh
from prophet_hub.store.base import EntryRow
from prophet_hub.store.sqlite import Store
from prophet_hub.values import PRESENT, Stored, Value

if TYPE_CHECKING:
    from prophet_hub.model.schema import RecordType

__all__ = ["CellState", "Conflict", "Head", "RecordRow", "Replica"]


class Replica(Reading, ByProperties):
    """A database as one hub holds it.

    Attributes:
        origin: Under which its own entries stand in the log.
        store: The store; the ledger's rows are read and written on it directly.
    """

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        super().__init__(store)
        self._clock = clock
        self._derivation = Derivation(store)
        self._recorder = Recorder(store, self._derivation, Origin(b""))

    @classmethod
    def open(cls, path: Path | str, *, clock: Callable[[], int] | None = None, create: bool = True,
             read_only: bool = False, patience: float = 5, author: str = "",
             types: Sequence[RecordType] = ()) -> Replica:  # fmt: skip
        """Opens the database file at the path (":memory:" for none), made on first use.

        A file that finds itself in a new home (machine, path or inode) goes on under a new origin.

        `clock` gives microseconds since 1970, the machine's own if it is left out.  With `read_only` nothing at all is written, and it
        works while another process writes.  `patience` is for how many seconds a write waits for
        another process that writes.

        Raises:
            StoreError: missing and not to be created, locked, damaged, of a newer version.
        """
        store = Store.open(path, create=create, read_only=read_only, patience=patience)
        replica = cls(store, clock or _machine_clock)
        replica.author, replica.types = author, types
        try:
            replica._settle_in(read_only=read_only)
        except BaseException:
            store.close()
            raise
        return replica

    def _settle_in(self, *, read_only: bool) -> None:
        home = self.store.home()
        self._recorder.origin = Origin(self.store.meta("origin") or b"")
        if read_only or self.store.meta("home") == home:
            return
        with self.transaction():
            if self.store.meta("home") == home:
                return  # another process was quicker
            self._recorder.take_new_origin()
            self.store.set_meta("home", home)
            if self.store.meta("database") is None:
                self.store.set_meta("database", fresh())

    @property
    def origin(self) -> Origin:
        """The name under which this replica's own entries stand."""
        return self._recorder.origin

    def close(self) -> None:
        """Gives back the file; the second time does nothing."""
        self.store.close()

    def now(self) -> int:
        """Returns the hub's own clock, in microseconds since 1970; for people, not for deciding."""
        return self._clock()

    # --- writing ---

    def transaction(self) -> AbstractContextManager[None]:
        """All that is recorded and noted in the ledger inside is committed together or not at all.

        An exception rolls back.  A transaction inside another is kept only with that one; where an
        exception leaves the inner one alone, only what stands in it is rolled back.
        """
        return self._recorder.transaction()

    def record(self, changesets: Iterable[Changeset]) -> int:
        """Logs changesets at the next places of this replica's own origin; returns how many.

        Bridge's and engine's common way in: writes arrive complete, with names and supersessions.
        A write that is known with these supersessions (and this seen list) is left out, and a
        changeset with nothing new is not logged.  A delete also saw what its own changeset writes.
        Texts longer than `values.INLINE` are put by hash.  Reads of cells done once for the batch.
        """
        with self.transaction():
            return self._recorder.record(changesets)

    def integrate(
        self,
        source: Iterable[Parcel | tuple[bytes, bytes]],
        *,
        judge: Callable[[Entry], str | None] | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> int:
        """Takes entries of any origin in the source's own order; returns how many were new.

        A pair is a parcel (before, raw) without texts.  What entries name by hash and did not
        bring stands in `wanted` from then on, until `supply`.  Batches are atomic.  An entry that
        breaks the schema is kept in quarantine, and so is one without a trusted seal where seals
        are demanded; an entry of this replica's own origin that it did not log makes it take a new
        origin.  `judge` says of an entry why it is not to be accepted, None if it is.

        A gap, or bytes without a place, end it (Invalid); with `refused` they are told to it, and
        the rest is taken, until there are too many of them.
        """
        return self._recorder.integrate(source, judge, refused)

    def supply(self, stored: Stored, pieces: Iterable[bytes]) -> None:
        """Keeps a content that was wanted; a second time changes nothing.

        Raises:
            Invalid: The pieces are not what the hash names; nothing was kept.
            StoreError: The disk is full.
        """
        self.store.blobs.put(pieces, limit=stored.size, expected=stored)
        with self.transaction():
            self.store.log.arrived(stored.sha256)

    def seal_with(self, sign: Callable[[bytes], bytes] | None) -> None:
        """Signs, from now on, the last entry of each transaction: the message to a seal."""
        self._recorder.sign = sign

    def vouch(self, *, author: str, note: str = "") -> None:
        """Logs an entry without writes, whose seal covers all that this origin logged before."""
        self._recorder.vouch(author, self._clock(), note)

    def release(self, numbers: Iterable[int] | None = None) -> int:
        """Lets held entries count that can be read, by default those under a seal that is trusted
        by now; returns how many.  The second time releases nothing.
        """
        held = self._recorder.quarantine
        with self.transaction():
            return held.release_covered() if numbers is None else held.release(numbers)

    def accept(self, number: int) -> None:
        """Takes an entry out of quarantine by its local number; the second time does nothing.

        Raises:
            Invalid: It cannot be read.
        """
        self._recorder.accept(number)

    def rebuild(self, *, told: Callable[[int, int], None] | None = None) -> int:
        """Derives all tables anew from the log, in one transaction; returns how many entries it
        read.  Numbers of records stay.  A second time changes nothing.  `told` is told of entries
        read, and of how many there are.
        """
        from prophet_hub.engine.rebuild import rebuild  # noqa: PLC0415 - readers start without it

        with self.transaction():
            return rebuild(self.store, self._derivation, told=told)

    def check(self) -> Iterator[str]:
        """Yields one sentence for everything in which log and derived tables are at odds."""
        from prophet_hub.engine.check import check  # noqa: PLC0415 - readers start without it

        return check(self.store)

    def edit(
        self, record: RecordId, type: str, changes: Mapping[tuple[str, str], Value], *,  # noqa: A002 - Prophet's own word
        author: str, note: str = "", created: int | None = None, rule: str = "",
    ) -> Changeset:  # fmt: skip
        """Writes cells (prop, member) as a local edit: each supersedes all present heads of its
        cell.  Deleting is `(LIFE, "alive"): None`, which names what it saw.
        """
        created = self._clock() if created is None else created
        cells = self.cells(record)
        writes = []
        for (prop, member), value in changes.items():
            state = cells.get((prop, member))
            delete = prop == LIFE and value is None
            seen = self.seen_by_delete(record) if delete else []
            writes.append(
                Write(
                    WriteId(fresh()), Cell(record, prop, member), type, value,
                    tuple(h.id for h in state.heads) if state else (), created, rule,
                    tuple(sorted(h.id for h in seen)), state.shown if state else None,
                )
            )  # fmt: skip
        changeset = Changeset(ChangesetName(fresh()), author, created, tuple(writes), note)
        self.record([changeset])
        return changeset

    def pair(self, one: RecordId, other: RecordId, *, author: str, note: str = "") -> None:
        """Says that two records are one; a second time changes nothing."""
        if one != other and other not in self._derived.joined((one,)).get(one, ()):
            self._link([same_as(one, other)], PRESENT, author, note)

    def unpair(self, record: RecordId, *, author: str, note: str = "") -> None:
        """Takes a record out of its class: all its pairs."""
        joined = self._derived.joined((record,)).get(record, set())
        cells = [same_as(record, RecordId(other)) for other in sorted(joined)]
        if cells:
            self._link(cells, None, author, note)

    def _link(self, cells: Sequence[Cell], value: Value, author: str, note: str) -> None:
        created = self._clock()
        writes = []
        for cell in cells:
            row = self._derived.cell(cell.record, cell.prop, cell.member)
            heads = decode_heads(row.heads) if row else ()
            above = tuple(h.id for h in heads)
            old = shown_of(heads, cell.member)
            writes.append(Write(WriteId(fresh()), cell, "", value, above, created=created, old=old))
        self.record([Changeset(ChangesetName(fresh()), author, created, tuple(writes), note)])

    def resolve(self, record: RecordId, prop: str, member: str, value: Value, *, author: str,
                note: str = "") -> None:  # fmt: skip
        """A person's decision: one write over all heads (rule `person`), and a vote."""
        from prophet_hub.engine.voting import Decision, decide  # noqa: PLC0415 - readers start without it

        decide(self, [Decision(record, prop, member, value)], author=author, note=note)

    def settle(self, rules: Policy, *, records: Iterable[RecordId] | None = None) -> int:
        """Lets automatic rules settle conflicts as the law allows; returns how many it settled.

        `rules` gives for a conflict at most one (rule name, value); see `engine.settling`.
        """
        from prophet_hub.engine.settling import settle  # noqa: PLC0415 - readers start without it

        return settle(self, lambda _: rules, records).total()

    def undo(self, rows: Sequence[EntryRow], *, author: str) -> list[Changeset]:
        """Undoes entries, all together; the second time does nothing.  See `engine.undo`."""
        from prophet_hub.engine.undo import undo  # noqa: PLC0415 - readers start without it

        return undo(self, rows, author=author)

    def seen_by_delete(self, record: RecordId) -> list[Head]:
        """Returns the heads that a delete of the record looks at: its other cells, its comments'."""
        return self._derivation.law.seen_by_delete(self.name(record))


def _machine_clock() -> int:
    return time_ns() // 1000
