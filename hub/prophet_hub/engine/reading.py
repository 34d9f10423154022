"""Reading a replica: records, cells, conflicts, the log; nothing here writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from prophet_hub.engine.history import History, HistoryRow, LogRow, Shown, shown
from prophet_hub.engine.offers import Knows, Parcel, Ticket, offers, stands_at
from prophet_hub.engine.rows import LIFE_KEY, present, state_in
from prophet_hub.engine.then import Cells, Moment, Then, exported
from prophet_hub.engine.trust import awaits_seal
from prophet_hub.errors import UsageError
from prophet_hub.merge.conflicts import CellState, Conflict
from prophet_hub.model import codec
from prophet_hub.model.changes import LINKING, RECEIPT, Entry, Write
from prophet_hub.model.ids import RecordId, WriteId
from prophet_hub.store.base import EntryRow
from prophet_hub.store.held import Held
from prophet_hub.store.sqlite import Store
from prophet_hub.values import Stored, Value

__all__ = ["Reading", "RecordRow", "latest"]

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


class Reading:
    """The reading half of a replica; `record` may be any member of a class.

    Attributes:
        store: The store; the ledger's rows are read and written on it directly.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._log, self._derived = store.log, store.derived
        self._history = History(store)

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

    def children(self, record: RecordId, type: str) -> list[RecordId]:  # noqa: A002 - Prophet's own word
        """Returns the records (least uuids) whose `ticket` cell shows a member of this class.

        The `ticket` property of a comment or attachment holds the uuid text of its ticket.
        """
        found = self._derived.children(self.members(record))
        lines = self._derived.lines(found)
        return [RecordId(r) for r in found if r in lines and lines[r].kind == type]

    def records(self, type: str = "", *, after: int = 0, page: int = 1000) -> Iterator[RecordRow]:  # noqa: A002 - Prophet's own word
        """Yields records whose class changed after the local number, oldest change first.

        Pages inside, so that a reader may write between two rows; each record comes once.
        """
        at = (after, 1 << 62)
        told: set[int] = set()
        while True:
            lines = self._derived.changed(type, at, page)
            for line in lines:
                if line.number in told:  # changed again by whoever reads
                    continue
                told.add(line.number)
                yield RecordRow(RecordId(line.record), line.kind, line.changed, line.label)
            if len(lines) < page:
                return
            at = (lines[-1].changed, lines[-1].number)

    def latest(self) -> int:
        """Returns the local number of the last entry, 0 for an empty log."""
        return latest(self.store)

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
        """Returns a value as text, fetching it where it stands by hash; "" for absent.

        A peer may have named bytes that are no text: what is none of it shows as such.
        """
        if value is None or isinstance(value, str):
            return value or ""
        return b"".join(self.content(value)).decode("utf-8", "replace")

    def resolve_id(self, words: str) -> RecordId:
        """Returns the record that `#5`, a uuid or an unambiguous beginning of one names.

        Raises:
            UsageError: none or several.
        """
        words = words.strip()
        if re.fullmatch(r"#-?[0-9]{1,18}", words):
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

    def history(self, record: RecordId, *, pairs: bool = False) -> Iterator[HistoryRow]:
        """Yields all writes of the record's class, in the order in which they came here; with
        `pairs` also what joined it with others and parted it from them.
        """
        return self._history.rows(self.members(record), pairs=pairs)

    def why(self, record: RecordId, prop: str, member: str = "") -> list[HistoryRow]:
        """Returns what gave a cell its value: its heads, then what they superseded, newest first."""
        return self._history.why(self.members(record), prop, member)

    def as_of(
        self, record: RecordId, micros: int | None = None, *, place: int | None = None
    ) -> Cells:
        """Returns what the record's cells showed, by what is dated until a time, or had come here
        until a local number.
        """
        return Then(self.store, Moment(micros, place)).shown(record)

    def shown(self, record: RecordId) -> Shown:
        """Returns the record's properties as shown, set-valued ones as sets of members."""
        return shown(self.cells(record))

    def log(self, after: int = 0, *, newest_first: bool = True) -> Iterator[LogRow]:
        """Yields the entries after a local number."""
        return self._history.log(after, newest_first=newest_first)

    def export(self, moment: Moment | None = None) -> Iterator[dict[str, Any]]:
        """Yields every record that is shown alive as one JSON object, sorted by type and uuid; at a
        moment of the past, those that were.
        """
        return self._history.export() if moment is None else exported(self.store, moment)

    # --- the log ---

    def database(self) -> bytes:
        """Returns the uuid of the family of replicas; empty in one that was never written."""
        return self.store.meta("database") or b""

    def tips(self) -> Ticket:
        """Returns the merge ticket: (origin, sequence, running hash) of each branch's last entry."""
        return sorted(self._log.tips())

    def stands_at(self, origin: bytes, sequence: int, running: bytes) -> bool:
        """Tells whether the log holds the entry at the place with this running hash."""
        return stands_at(self._log, origin, sequence, running)

    def settled_at(self, origin: bytes, sequence: int, running: bytes) -> bool:
        """Tells whether an entry need not be offered; the last one of a branch that waits for a
        seal is asked for again, for whoever passed it on may have lost the seal.
        """
        here = stands_at(self._log, origin, sequence, running)
        return here and not awaits_seal(self.store, origin, sequence, running)

    def offers(self, knows: Knows) -> Iterator[Parcel]:
        """Yields the entries that whoever asks lacks, in the order in which they came here."""
        return offers(self._log, self.tips(), knows)

    def content(self, stored: Stored) -> Iterator[bytes]:
        """Yields a content, or a text that stands by hash, in pieces.

        Raises:
            StoreError: It is not here.
        """
        data = self._log.text(stored.sha256)
        return self.store.blobs.read(stored) if data is None else iter((data,))

    def wanted(self) -> list[Stored]:
        """Returns the texts and contents that entries name and that did not come with them."""
        return [Stored(sha256, size) for sha256, size in self._log.wanted()]

    def held(self) -> int:
        """Returns how many entries are in quarantine."""
        return Held(self.store).count()

    def quarantine(self) -> list[EntryRow]:
        """Returns the entries whose writes do not count, with the reason."""
        return self._log.held()


def latest(store: Store) -> int:
    """Returns the last local number given to an entry or to the acceptance of one."""
    return max(store.log.latest(), store.meta("ticks") or 0)
