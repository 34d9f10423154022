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
from typing import Any, Final

import msgspec

from prophet_hub.engine.heads import Derivation
from prophet_hub.engine.history import History, HistoryRow, LogRow, Shown, shown
from prophet_hub.engine.past import Past
from prophet_hub.engine.record import Recorder
from prophet_hub.engine.rows import LIFE_KEY, decode_heads, present, state_in
from prophet_hub.errors import UsageError
from prophet_hub.merge.cells import Head, reach, shown_of
from prophet_hub.merge.conflicts import CellState, Conflict
from prophet_hub.merge.settle import may_settle, resolution
from prophet_hub.model import codec
from prophet_hub.model.changes import (
    LIFE,
    LINKING,
    PERSON,
    RECEIPT,
    Cell,
    Changeset,
    Entry,
    Write,
    same_as,
)
from prophet_hub.model.ids import ChangesetName, Origin, RecordId, WriteId, fresh, name_of
from prophet_hub.store.base import EntryRow
from prophet_hub.store.sqlite import Store
from prophet_hub.values import PRESENT, Value

__all__ = ["CellState", "Conflict", "Head", "RecordRow", "Replica"]

_PAGE: Final = 500
_DIGITS: Final = 32
_LOOK: Final = "List the tickets with `prophet-hub tickets`."


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


class Replica:
    """A database as one hub holds it.

    Attributes:
        origin: Under which its own entries stand in the log.
        store: The store; the ledger's rows are read and written on it directly.
    """

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self.store, self._clock = store, clock
        self._log, self._derived = store.log, store.derived
        self._derivation = Derivation(store)
        self._history = History(store)
        self._recorder = Recorder(store, self._derivation, Origin(b""))

    @classmethod
    def open(cls, path: Path | str, *, clock: Callable[[], int], create: bool = True,
             read_only: bool = False, patience: float = 5) -> Replica:  # fmt: skip
        """Opens the database file at the path (":memory:" for none), made on first use.

        A file that finds itself in a new home (machine, path or inode) goes on under a new origin.

        `clock` gives microseconds since 1970.  With `read_only` nothing at all is written, and it
        works while another process writes.  `patience` is for how many seconds a write waits for
        another process that writes.

        Raises:
            StoreError: missing and not to be created, locked, damaged, of a newer version.
        """
        store = Store.open(path, create=create, read_only=read_only, patience=patience)
        replica = cls(store, clock)
        try:
            replica._settle_in(read_only=read_only)
        except BaseException:
            store.close()
            raise
        return replica

    def _settle_in(self, *, read_only: bool) -> None:
        home, origin = self.store.home(), self.store.meta("origin")
        if origin is not None:
            self._recorder.origin = Origin(origin)
        if not read_only and (origin is None or self.store.meta("home") != home):
            with self.transaction():
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

    # --- writing ---

    def transaction(self) -> AbstractContextManager[None]:
        """All that is recorded and noted in the ledger inside is committed together or not at all.

        An exception rolls back.  Transactions inside one another are one.
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
        source: Iterable[tuple[bytes, bytes]],
        *,
        judge: Callable[[Entry], str | None] | None = None,
    ) -> int:
        """Takes entries (before, raw) of any origin in the source's own order; returns how many
        were new.  Batches are atomic.  An entry that breaks the schema is kept in quarantine; a gap
        is refused (Invalid); an entry of this replica's own origin that it did not log makes it
        take a new origin.  `judge` says of an entry why it is not to be accepted, None if it is.
        """
        return self._recorder.integrate(source, judge)

    def quarantine(self) -> list[EntryRow]:
        """Returns the entries whose writes do not count, with the reason."""
        return self._log.held()

    def accept(self, number: int) -> None:
        """Takes an entry out of quarantine by its local number; the second time does nothing.

        Raises:
            Invalid: It cannot be read.
        """
        self._recorder.accept(number)

    def edit(
        self, record: RecordId, type: str, changes: Mapping[tuple[str, str], Value], *,  # noqa: A002
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
            seen = self._derivation.law.seen_by_delete(self.name(record)) if delete else []
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
        if self.name(one) != self.name(other):
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
        """A person's decision: one write over all heads (rule `person`)."""
        whole = self.name(record)
        self.edit(whole, self.type_of(whole), {(prop, member): value}, author=author, note=note,
                  rule=PERSON)  # fmt: skip

    def settle(self, rules: Callable[[Conflict], Sequence[tuple[str, Value]]], *,
               records: Iterable[RecordId] | None = None) -> int:  # fmt: skip
        """Lets automatic rules settle conflicts as the law allows; returns how many it settled.

        `rules` gives for a conflict at most one (rule name, value); rules come from
        `merge.settle`.  Never where a resolution is among the heads, nor on lives, links, votes, nor
        over unknown causes.
        """
        with self.transaction():
            found = self._conflicts_of(records) if records is not None else self.conflicts()
            done = 0
            for conflict in found:
                if not may_settle(conflict) or self._holes(conflict):
                    continue
                for rule, value in list(rules(conflict))[:1]:
                    write = resolution(conflict, rule, value)
                    name = ChangesetName(name_of("settled", write.id))
                    done += self.record([Changeset(name, rule, write.created, (write,))])
            return done

    def _conflicts_of(self, records: Iterable[RecordId]) -> Iterator[Conflict]:
        for whole in sorted({self.name(r) for r in records}):
            kind = self.type_of(whole)
            for _, state in sorted(self.cells(whole).items()):
                if state.conflict:
                    yield Conflict(whole, kind, state)

    def _holes(self, conflict: Conflict) -> bool:
        past = Past(self.store)
        behind = reach((h.id for h in conflict.cell.heads), past.edges)
        past.load(behind)
        return not all(past.known(write) for write in behind)

    # --- reading; `record` may be any member of a class ---

    def name(self, record: RecordId) -> RecordId:
        """Returns the least uuid of the record's class."""
        line = self._derived.lines((record,)).get(record)
        return RecordId(line.whole) if line else record

    def members(self, record: RecordId) -> frozenset[RecordId]:
        """Returns the class: the record itself and all that it is joined with."""
        whole = self.name(record)
        return frozenset({whole, record, *map(RecordId, self._derived.others(whole))})

    def knows(self, record: RecordId) -> bool:
        """Tells whether any write other than a link stands on this very record."""
        line = self._derived.lines((record,)).get(record)
        return line is not None and bool(line.type)

    def type_of(self, record: RecordId) -> str:
        """Returns the class's record type, "" if nothing is known of it."""
        whole = self.name(record)
        line = self._derived.lines((whole,)).get(whole)
        return line.kind if line else ""

    def cells(self, record: RecordId) -> dict[tuple[str, str], CellState]:
        """Returns all cells of the class but links, by (prop, member)."""
        return self.cells_of((record,))[record]

    def cells_of(
        self, records: Sequence[RecordId]
    ) -> dict[RecordId, dict[tuple[str, str], CellState]]:
        """Returns the cells of many records in few queries, keyed as asked."""
        lines = self._derived.lines(records)
        wholes = {r: RecordId(lines[r].whole) if r in lines else r for r in records}
        found: dict[bytes, dict[tuple[str, str], CellState]] = {w: {} for w in wholes.values()}
        for row in self._derived.cells(set(wholes.values())):
            if row.prop not in LINKING:
                found[row.record][row.prop, row.member] = state_in(row)
        return {r: found[whole] for r, whole in wholes.items()}

    def cell(self, record: RecordId, prop: str, member: str = "") -> CellState | None:
        """Returns one cell, None if it has no write."""
        whole = record if prop in LINKING else self.name(record)
        row = self._derived.cell(whole, prop, member)
        return state_in(row) if row else None

    def alive(self, record: RecordId) -> bool:
        """Tells whether the record is shown alive: never deleted, restored, or edited after."""
        row = self._derived.cell(self.name(record), *LIFE_KEY)
        return row is None or present(row)

    def children(self, record: RecordId, type: str) -> list[RecordId]:  # noqa: A002
        """Returns the records (least uuids) whose `ticket` cell shows a member of this class.

        The `ticket` property of a comment or attachment holds the uuid text of its ticket.
        """
        found = self._derived.children(self.members(record))
        lines = self._derived.lines(found)
        return [RecordId(r) for r in found if r in lines and lines[r].kind == type]

    def records(self, type: str = "", *, after: int = 0, page: int = 1000) -> Iterator[RecordRow]:  # noqa: A002
        """Yields records whose class changed after the local number, oldest change first.

        Pages inside, so that a reader may write between two rows.
        """
        at = (after, 1 << 62)
        while True:
            lines = self._derived.changed(type, at, page)
            for line in lines:
                yield RecordRow(RecordId(line.record), line.kind, line.changed, line.label)
            if len(lines) < page:
                return
            at = (lines[-1].changed, lines[-1].number)

    def now(self) -> int:
        """Returns the hub's own clock, in microseconds since 1970; for people, not for deciding."""
        return self._clock()

    def latest(self) -> int:
        """Returns the local number of the last entry, 0 for an empty log."""
        return self._recorder.latest()

    def conflicts(self) -> Iterator[Conflict]:
        """Yields every conflict, ordered by record and cell."""
        at: tuple[bytes, str, str] = (b"", "", "")
        while page := self._derived.conflicts(at, _PAGE):
            lines = self._derived.lines({row.record for row in page})
            for row in page:
                kind = lines[row.record].kind if row.record in lines else ""
                yield Conflict(RecordId(row.record), kind, state_in(row))
            at = (page[-1].record, page[-1].prop, page[-1].member)

    def known(self, ids: Iterable[WriteId]) -> set[WriteId]:
        """Returns those of the ids that the log knows as writes."""
        return {WriteId(i) for i in self._log.places(ids)}

    def writes_of(self, record: RecordId) -> list[tuple[Entry, Write]]:
        """Returns all writes made on this very record (not its class), in log order."""
        numbers = self._log.numbers_of((record,))
        rows = sorted(self._log.entries(numbers))
        entries = (codec.decode(row.before, row.raw) for row in rows)
        return [
            (e, w)
            for e in entries
            for w in e.changeset.writes
            if w.cell.record == record and w.cell.prop != RECEIPT
        ]

    def text(self, value: Value) -> str:
        """Returns a value as text, fetching it where it stands by hash; "" for absent."""
        if value is None or isinstance(value, str):
            return value or ""
        data = self._log.text(value.sha256)
        if data is None:
            data = b"".join(self.store.blobs.read(value))
        return data.decode()

    def resolve_id(self, words: str) -> RecordId:
        """Returns the record that `#5`, a uuid or an unambiguous beginning of one names.

        Raises:
            UsageError: none or several.
        """
        words = words.strip()
        if words.startswith("#") and words[1:].isdigit():
            line = self._derived.line_by_number(int(words[1:]))
            if line is None:
                raise UsageError(f"There is no record {words}.", hint=_LOOK)
            return RecordId(line.whole)
        digits = words.replace("-", "").lower()
        if not digits or len(digits) > _DIGITS or not set(digits) <= set("0123456789abcdef"):
            raise UsageError(f"{words!r} names no record.", hint=_LOOK)
        first, last = (bytes.fromhex(digits.ljust(_DIGITS, fill)) for fill in "0f")
        found = {line.whole for line in self._derived.lines_between(first, last, 20)}
        if len(found) != 1:
            many = "Several records begin" if found else "No record begins"
            raise UsageError(f"{many} with {words}.", hint=_LOOK)
        return RecordId(found.pop())

    # --- history ---

    def history(self, record: RecordId) -> Iterator[HistoryRow]:
        """Yields all writes of the record's class, in the order in which they came here."""
        return self._history.rows(self.members(record))

    def why(self, record: RecordId, prop: str, member: str = "") -> list[HistoryRow]:
        """Returns what gave a cell its value: its heads, then what they superseded, newest first."""
        return self._history.why(self.members(record), prop, member)

    def as_of(self, record: RecordId, micros: int) -> dict[tuple[str, str], Value]:
        """Returns what the record's cells showed, by what is dated until then."""
        return self._history.as_of(record, micros)

    def shown(self, record: RecordId) -> Shown:
        """Returns the record's properties as shown, set-valued ones as sets of members."""
        return shown(self.cells(record))

    def log(self, after: int = 0, *, newest_first: bool = True) -> Iterator[LogRow]:
        """Yields the entries after a local number."""
        return self._history.log(after, newest_first=newest_first)

    def export(self) -> Iterator[dict[str, Any]]:
        """Yields every record that is shown alive as one JSON object, sorted by type and uuid."""
        return self._history.export()
