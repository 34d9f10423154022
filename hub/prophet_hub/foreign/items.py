"""One item, of whatever kind: what a reading tells goes into log and ledger, bindings first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from prophet_hub.foreign.rows import (
    LIFE_SLOT,
    NOBODY,
    READ,
    UNDONE,
    WHOLE,
    Intent,
    ItemRow,
    Sent,
    Shadow,
)
from prophet_hub.foreign.side import LazyCells, Side
from prophet_hub.foreign.steps import Outcome
from prophet_hub.foreign.texts import Home
from prophet_hub.foreign.transcribe import Known, Reading, says, transcribe
from prophet_hub.foreign.translate import Telling
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write, receipt, same_as
from prophet_hub.model.ids import RecordId, WriteId
from prophet_hub.sdk import TICKET, Field, Person, Ref
from prophet_hub.values import PRESENT

__all__ = ["Items"]

_TwinOf = Callable[[Telling], RecordId | None]
"""Which record an unknown item says it is a copy of."""


class Items:
    """Puts readings in; every method is called inside a transaction."""

    def __init__(self, side: Side) -> None:
        self.side, self.ledger = side, side.ledger

    def read(self, telling: Telling, twin_of: _TwinOf) -> int:
        """Tells what happened to an item; returns how many cells it changed here."""
        side, kind, ref = self.side, telling.kind, telling.ref
        record = side.record(kind, ref)
        shadow = self.ledger.shadow(kind, ref)
        twin, intent = (None, None) if shadow else self._origin(telling, record, twin_of)
        if twin is not None and self.ledger.item(record) is None:
            self.bind(kind, ref, telling.ticket, twin)
        elif shadow is None and twin is None:
            self._set_item(kind, ref, telling.ticket, born=True)
        known = Known(
            tracker=side.spec.tracker,
            record=record,
            shadow=shadow,
            sent=self.ledger.sent(kind, ref) if (kind, ref) in side.under_way else {},
            twin=twin,
            intent=intent[1] if intent else None,
            cells=LazyCells(side, twin or (record if shadow else None)),
            earliest=partial(self._earliest, twin or record, telling.dialect),
            full=side.full and kind == TICKET,
            untouched=(
                kind == TICKET
                and intent is None
                and telling.author.id == side.spec.account.id
                and telling.updated == telling.created
            ),
            account=side.spec.account.id,
            text=side.text,
        )
        words = side.passage(twin or record, telling.dialect, self._own_home(telling, twin, record))
        reading = transcribe(telling, side.fields[kind], words, known)
        self._log(telling, reading)
        self._note(telling, known, reading)
        if shadow and shadow.gone:
            self._returned(kind, ref, record)
        if intent:
            self.answered(intent[1].number, Outcome.DONE, ref)
            side.set_intent(kind, intent[0], None)
        return reading.changes

    def _returned(self, kind: str, ref: str, record: RecordId) -> None:
        """Takes up a copy again that an undo deleted; should it go once more, it is no death."""
        row, shadow = self.ledger.item(record), self.ledger.shadow(kind, ref)
        if row and shadow and row.undone:
            self.ledger.set_item(record, msgspec.structs.replace(row, undone=False))
            self.ledger.set_shadow(kind, ref, msgspec.structs.replace(shadow, closed=True))

    def _origin(
        self, telling: Telling, record: RecordId, twin_of: _TwinOf
    ) -> tuple[RecordId | None, tuple[RecordId, Intent] | None]:
        """Returns, on first sight, the record that the item is a copy of and the create that made it."""
        side = self.side
        for (kind, born), intent in side.intents.items():
            if kind == telling.kind and intent.ref == telling.ref:
                return born, (born, intent)
        side.flush()
        row = self.ledger.item(record)
        others = sorted(side.replica.members(record) - {record})
        if row is not None and not row.born:
            return (others[0] if others else None), None
        if row is not None or others:
            # another hub bound it, and how it was read did not reach us: that is no reading
            ours = telling.kind != TICKET or telling.author.id == side.spec.account.id
            return (others[0] if others and row is None and ours else None), None
        twin = twin_of(telling)
        if twin is None or twin == record:
            return None, None
        side.flush()
        members = side.replica.members(twin)
        for (kind, born), intent in side.intents.items():
            if kind == telling.kind and born in members:
                return born, (born, intent)
        return twin, None

    def free(self, record: RecordId | None, kind: str) -> RecordId | None:
        """Returns the record unless another item here is bound to it already."""
        return None if record is None or self.side.refs(record, kind) else record

    def bind(self, kind: str, ref: str, ticket: str, twin: RecordId) -> None:
        """Says that an item is our copy of a record."""
        side = self.side
        record = side.record(kind, ref)
        self._set_item(kind, ref, ticket, born=False)
        side.flush()
        if kind == TICKET:
            side.others_look(twin)
        if twin in side.replica.members(record):
            return
        cell = same_as(record, twin)
        name = ids.name_of("bound", *sorted((record, twin)))
        self.put(name, side.spec.account, 0, [_link(cell)], side.place_name(kind, ref, ticket))

    def _set_item(self, kind: str, ref: str, ticket: str, *, born: bool) -> None:
        record = self.side.record(kind, ref)
        before = self.ledger.item(record)
        told = before.told if before else ()
        self.ledger.set_item(record, ItemRow(self.side.spec.tracker, kind, ref, ticket, born, told))

    def _own_home(self, telling: Telling, twin: RecordId | None, record: RecordId) -> Home | None:
        """Returns the home of an item that is nobody's copy, without a look at the database."""
        if twin is not None or len(self.side.replica.members(record)) > 1:
            return None
        return Home(tracker=self.side.spec.tracker, dialect=telling.dialect)

    def _earliest(
        self, home: RecordId, dialect: str, row: Field, prop: str, member: str, birth: str
    ) -> frozenset[WriteId]:
        """Returns the write of a value that all writes of it in the cell knew, itself one of them.

        A copy was made while its record showed the value.  Which of several such writes it then was
        nobody can tell, but whoever edits the copy has seen the first.
        """
        side = self.side
        side.flush()
        writes = [
            write
            for record in side.replica.members(home)
            for _, write in side.replica.writes_of(record)
            if (write.cell.prop, write.cell.member) == (prop, member)
        ]
        above: dict[WriteId, frozenset[WriteId]] = {}
        for write in writes:
            above[write.id] = above.get(write.id, NOBODY) | frozenset(write.supersedes)
        words = side.passage(home, dialect)
        same = {
            write.id
            for write in writes
            if write.value is not None
            and (row.kind.many or says(words, row, side.text(write.value), birth))
        }
        pasts = [_past(i, above) | {i} for i in same]
        return frozenset(same).intersection(*pasts) if same else NOBODY

    # --- into log and ledger -------------------------------------------------------------------

    def _log(self, telling: Telling, reading: Reading) -> None:
        tracker, kind, ref = self.side.spec.tracker, telling.kind, telling.ref
        place = self.side.place_name(kind, ref, telling.ticket)
        if reading.births:
            name = ids.name_of("birth", tracker, kind, ref)
            self.put(name, telling.author, telling.created, reading.births, place)
        for step in telling.steps:
            if writes := reading.steps.get(step.id):
                name = ids.name_of("event", tracker, kind, ref, step.id)
                self.put(name, step.author, step.created, writes, f"{place}-{step.id}")
        if reading.residue:
            name = ids.name_of("residue", tracker, kind, ref, sorted(w.id for w in reading.residue))
            created = max(write.created for write in reading.residue)
            self.put(name, Person(id=""), created, reading.residue, place)
        if reading.receipts:
            links = [_link(receipt(event, w)) for event, ws in reading.receipts for w in sorted(ws)]
            name = ids.name_of("receipt", sorted(w.id for w in links))
            self.put(name, self.side.spec.account, 0, links, place)

    def put(
        self, name: bytes, author: Person, created: int, writes: Iterable[Write], place: str
    ) -> None:
        """Brings writes into the log with the end of the transaction."""
        word = self.side.people.word(author.id) if author.id else self.side.spec.name
        self.side.pending.append(
            Changeset(ids.ChangesetName(name), word, created, tuple(writes), place)
        )

    def _note(self, telling: Telling, known: Known, reading: Reading) -> None:
        kind, ref, shadow = telling.kind, telling.ref, known.shadow
        new = Shadow(
            stands=reading.stands,
            version=telling.version,
            seen=max([step.created for step in telling.steps] or [0]),
            ticket=telling.ticket,
            files=shadow.files if shadow else frozenset(),
            closed=shadow.closed and not shadow.gone if shadow else False,
            reachable=telling.reachable,
            updated=telling.updated,
            ours=shadow.ours if shadow else 0,
        )
        if new != shadow:
            self.ledger.set_shadow(kind, ref, new)
        self._came(ref, known, reading)
        for name, sent in known.sent.items():
            self.settled(kind, ref, name)
            if name not in reading.refused and not sent.via:
                self.clear(kind, ref, name)
        self.side.under_way.discard((kind, ref))
        for name, sent in reading.refused.items():
            self.park(kind, ref, name, sent, "The tracker took the value and does not show it.")
        self.clear(kind, ref, WHOLE)

    def _came(self, ref: str, known: Known, reading: Reading) -> None:
        """Writes down what became of requests that this reading settles."""
        came: dict[int, Outcome] = {}
        for name, sent in known.sent.items():
            if name in reading.refused:
                came[sent.number] = Outcome.REFUSED
            elif sent.answered or name in reading.landed:
                came.setdefault(sent.number, Outcome.DONE)
        for number in sorted({sent.number for sent in known.sent.values()}):
            self.answered(number, came.get(number, Outcome.NEVER), ref)

    def answered(self, number: int, outcome: Outcome, ref: str) -> None:
        """Writes down what became of a request, where nothing else has said so."""
        self.side.audit.answered(number, outcome, item=ref, now=self.side.now())

    def park(self, kind: str, ref: str, name: str, sent: Sent, reason: str) -> None:
        """Puts a value into the inbox that is not sent again until it changes.

        Of an undo it is a note that it could not be taken back, which holds no value back.
        """
        side = self.side
        row = side.fields[kind].theirs(name.partition("\x1f")[0])
        self.ledger.wait(
            kind, ref, name, reason,
            now=side.now(), record=side.record(kind, ref), parked=True,
            field=row.ours if row else name, value=sent.value, again=sent.undoes,
            tag=UNDONE if sent.undoes else "", run=sent.run,
        )  # fmt: skip
        side.waiting.add((kind, ref))

    def unseen(self, ref: Ref, why: str) -> None:
        """Notes that an item is not visible now, which deletes nothing: it is read again first."""
        self.again(ref, f"not visible: {why}", quiet=False)

    def again(self, ref: Ref, why: str, *, quiet: bool = True, value: str | None = None) -> None:
        """Notes that an item is to be read again before anything else, whatever a listing tells."""
        whole = ref.ticket or ref.id
        self.ledger.wait(
            TICKET, whole, WHOLE, why, now=self.side.now(),
            record=self.side.record(TICKET, whole), tag=READ, quiet=quiet, value=value,
            until=self.side.run,
        )  # fmt: skip
        self.side.waiting.add((TICKET, whole))

    def clear(self, kind: str, ref: str, name: str) -> None:
        """Takes a slot out of the inbox."""
        if (kind, ref) in self.side.waiting:
            self.ledger.done_waiting(kind, ref, name)

    def settled(self, kind: str, ref: str, name: str) -> None:
        """Notes that a write of ours is settled."""
        self.ledger.set_sent(kind, ref, name, None)

    def settle_all(self, kind: str, ref: str) -> None:
        """Notes that all our writes of an item that is gone are settled, a delete apart."""
        self.side.under_way.discard((kind, ref))
        for name, sent in self.ledger.sent(kind, ref).items():
            if name != LIFE_SLOT:
                self.answered(sent.number, Outcome.GONE, ref)
                self.settled(kind, ref, name)


def _link(cell: Cell) -> Write:
    """Returns the write that says a link; told twice, it is one."""
    name = ids.name_of("link", cell.record, cell.prop, cell.member)
    return Write(WriteId(name), cell, "", PRESENT)


def _past(start: WriteId, above: dict[WriteId, frozenset[WriteId]]) -> frozenset[WriteId]:
    reached: set[WriteId] = set()
    waiting = [start]
    while waiting:
        for node in above.get(waiting.pop(), NOBODY):
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return frozenset(reached)
