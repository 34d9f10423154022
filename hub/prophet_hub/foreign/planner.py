"""Planning: what one remote needs, complete before anything is sent.

Looked at are the records whose class changed since this remote was last composed, and what waits.
Agreement is written down here, for the reading it was judged on and before the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from itertools import islice
from operator import itemgetter
from typing import Final

import msgspec

from prophet_hub.foreign.compose import Composed, compose, is_private
from prophet_hub.foreign.joining import join, same_bytes
from prophet_hub.foreign.keyed import ADOPT
from prophet_hub.foreign.plans import Cells, Notes, fingerprint, in_order, linked, new_ref, planned
from prophet_hub.foreign.reader import Reader
from prophet_hub.foreign.rows import (
    LIFE_SLOT,
    READ,
    UNDONE,
    WAY,
    WHOLE,
    Sent,
    Shadow,
    Waiting,
    dialect_of,
)
from prophet_hub.foreign.scope import in_scope, is_here, too_large
from prophet_hub.foreign.side import Side, record_of
from prophet_hub.foreign.statuses import Statuses
from prophet_hub.foreign.steps import Planned, RemoteSpec, Verb
from prophet_hub.foreign.strangers import known_now, strangers
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Ref

__all__ = ["Planner"]

_FLIPS: Final = "The value flips between two trackers; somebody must look."
_WIDER: Final = "It is private, and the audience here is wider than its own."
_PAGE: Final = 200
_OWN: Final = "own"
"""Marks what is private itself: it need not be looked at until it changes, or the audience does."""

_LIFE: Final = (LIFE, "alive")
_INNER: Final = (COMMENT, ATTACHMENT)


class Planner:
    """One plan of one remote; a dry one writes nothing down.  It takes back no run."""

    undoes: Final = ""

    def __init__(
        self, side: Side, reader: Reader, peers: Sequence[RemoteSpec], *, dry: bool = False
    ) -> None:
        self.side, self.reader, self.ledger, self._dry = side, reader, side.ledger, dry
        others = (p for p in peers if p.pulls and p.tracker != side.spec.tracker)
        self._sources = {(p.tracker, p.view or side.job) for p in others}
        self._notes = Notes()
        self.statuses = Statuses(side)

    def run(self) -> Iterator[Planned]:
        """Yields creates first, parents before children, then updates, comments, deletes."""
        side, upto = self.side, self.side.replica.latest()
        yield from self.needed(self.due())
        place = msgspec.structs.replace(self.ledger.place(), composed=upto, local=side.spec.local)
        if place != self.ledger.place():
            with side.transaction():
                self.ledger.set_place(place)

    def due(self) -> Iterator[RecordId]:
        """Yields the records that changed since the last plan, and what it could not finish."""
        place = self.ledger.place()
        news = self.side.spec.local and not place.local  # what was passed over until now
        return self.candidates(0 if news else place.composed)

    def needed(self, candidates: Iterator[RecordId]) -> Iterator[Planned]:
        """Yields what these records need, in order."""
        side, notes = self.side, self._notes
        known_now(side, self._later)
        while page := list(islice(candidates, _PAGE)):
            cells = side.replica.cells_of(page)
            for record in page:
                self._record(record, cells[record])
            self.write_down()
        for record in list(notes.creates):
            for kind in _INNER:
                for child in side.replica.children(record, kind):
                    self._record(child, side.replica.cells(child))
        self.write_down()
        yield from in_order(side, notes.creates, notes.links)
        for changes in notes.rest.values():
            yield from (new for _, new in sorted(changes, key=itemgetter(0)))
        yield from notes.deletes

    def candidates(self, after: int) -> Iterator[RecordId]:
        """Yields the records that changed after a local number, and what waits."""
        side = self.side
        for row in side.replica.records(after=after):
            if row.type in {TICKET, *_INNER}:
                yield row.record
        stays = () if side.spec.audience == "private" else (_OWN,)
        rows = (row for _, _, _, row in self.ledger.all_waiting() if row.tag not in stays)
        waiting = [row.record for row in rows if row.record]
        for record in dict.fromkeys([*self.ledger.looks(), *waiting]):
            name = side.replica.name(record)
            if name != record:  # its class has another name since
                self._later(partial(self.ledger.look, record, again=False))
                self._later(partial(self.ledger.look, name))
            yield name

    def write_down(self) -> None:
        """Writes the notes into the ledger."""
        notes = self._notes
        if notes.todo and not self._dry:
            with self.side.transaction():
                for note in notes.todo:
                    note()
        notes.todo.clear()

    # --- one record ----------------------------------------------------------------------------

    def _record(self, record: RecordId, cells: Cells) -> None:
        side = self.side
        if record in self._notes.seen or not cells:
            return
        self._notes.seen.add(record)
        kind = side.replica.type_of(record)
        if kind == TICKET:
            self._ticket(record, cells)
        elif kind in _INNER:
            self._inner(record, kind, cells)

    def _ticket(self, record: RecordId, cells: Cells) -> None:
        side, life = self.side, cells.get(_LIFE)
        if life and life.conflict:
            return  # edited after its delete: held until a person says
        refs = side.refs(record, TICKET)
        if life and life.shown is None:
            for ref in side.mine(record, TICKET):
                self._delete(record, TICKET, Ref(id=ref), cells)
        elif not refs:
            self._create(record, TICKET, "", cells)
        else:
            for ref in side.mine(record, TICKET):
                self._update(record, TICKET, ref, "", cells)

    def _inner(self, record: RecordId, kind: str, cells: Cells) -> None:
        side, life, ticket_cell = self.side, cells.get(_LIFE), cells.get(("ticket", ""))
        ticket = record_of(side.text(ticket_cell.shown)) if ticket_cell else None
        if ticket is None or (life and life.conflict) or not side.may_carry(kind):
            return
        ticket = side.replica.name(ticket)
        refs = side.refs(record, kind)
        if life and life.shown is None:
            for ref in side.mine(record, kind):
                shadow = self.ledger.shadow(kind, ref) or Shadow()
                self._delete(record, kind, Ref(kind=kind, id=ref, ticket=shadow.ticket), cells)
        elif refs:
            for ref in side.mine(record, kind):
                shadow = self.ledger.shadow(kind, ref) or Shadow()
                self._update(record, kind, ref, shadow.ticket, cells)
        elif ticket in self._notes.creates:
            self._create(record, kind, "", cells)
        elif (live := side.mine(ticket, TICKET)) and side.replica.alive(ticket):
            if self._unseen(live[0]):
                self._later(lambda: self.ledger.look(record))
                return
            if kind == ATTACHMENT and (twin := same_bytes(side, record, ticket, cells)):
                self._later(partial(join, side, record, twin))
                return
            self._create(record, kind, live[0], cells)
        else:
            self._notes.seen.discard(record)  # its ticket's create may come later in this plan

    def _update(self, record: RecordId, kind: str, ref: str, ticket: str, cells: Cells) -> None:
        side = self.side
        shadow = self.ledger.shadow(kind, ref)
        if shadow is None or (kind, record) in side.intents or self._unseen(ticket or ref):
            self._later(lambda: self.ledger.look(record))  # not read yet, or not visible now
            return
        if not side.may("update", kind):
            return
        need = self.compose(kind, ref, record, cells, shadow)
        self.note(kind, ref, record, shadow, need)
        if not need.send or self.withheld(kind, ref, record, cells, shadow):
            return
        self._later(lambda: self.ledger.look(record))
        item = Ref(kind=kind, id=ref, ticket=ticket)
        self._add(planned(side, Verb.UPDATE, record, item, cells, need), cells)

    def _unseen(self, ticket: str) -> bool:
        gone = (self.ledger.shadow(TICKET, ticket) or Shadow()).gone  # and may come back
        if gone or (TICKET, ticket) not in self.side.waiting:
            return gone
        row = self.ledger.waiting(TICKET, ticket)
        return row is not None and row.tag == READ

    def compose(
        self, kind: str, ref: str, record: RecordId, cells: Cells, shadow: Shadow | None
    ) -> Composed:
        """Returns what an item needs (for a create: with no shadow, all that it carries)."""
        side = self.side
        parked: dict[str, Waiting] = {}
        if (kind, ref) in side.waiting:
            rows = self.ledger.all_waiting(kind, ref)
            parked = {
                name: row for _, _, name, row in rows if row.parked and row.tag not in {WAY, UNDONE}
            }
        need = compose(
            cells,
            side.fields[kind],
            side.passage(record, dialect_of(shadow) if shadow else ""),
            shadow=shadow,
            parked=parked,
            text=side.text,
            creating=shadow is None,
        )
        if kind == TICKET:
            self.statuses.prepare(ref, cells, shadow, need)
        return need

    def death(self, planned: Planned, _told: object) -> Sent | None:
        """Returns what deletes an item, None where somebody edited it since the plan."""
        life = self.side.cells(planned.record).get(_LIFE)
        if life is None or life.shown is not None or life.conflict:
            return None
        return Sent("gone", frozenset(head.id for head in life.heads))

    def note(self, kind: str, ref: str, record: RecordId, shadow: Shadow, need: Composed) -> None:
        """Writes down agreement, and what waits or has tripped."""
        if need.absorb:
            stands = {**shadow.stands, **need.absorb}
            agreed = msgspec.structs.replace(shadow, stands=stands)
            self._later(lambda: self.ledger.set_shadow(kind, ref, agreed))
        side = self.side
        if (kind, ref) in side.waiting:
            for _, _, name, row in self.ledger.all_waiting(kind, ref):
                if (row.parked or row.tag == WAY) and name in need.absorb:
                    self._later(lambda name=name: self.ledger.done_waiting(kind, ref, name))
        for name, value in need.tripped.items():
            self._later(partial(self.reader.items.park, kind, ref, name, Sent(value), _FLIPS))
        strangers(side, need.strangers, self._later)
        self.statuses.note(ref, need, self._later)
        if need.waits:
            self._later(lambda: self.ledger.look(record))
        elif not need.send:
            self._later(lambda: self.ledger.look(record, again=False))

    def _later(self, note: Callable[..., None]) -> None:
        self._notes.todo.append(note)

    def _create(self, record: RecordId, kind: str, ticket: str, cells: Cells) -> None:
        side = self.side
        if not side.may("create", kind) or any(
            (kind, m) in side.intents for m in side.replica.members(record)
        ):
            return
        if kind == TICKET and not in_scope(side, record, self._sources):
            return
        if (kind == TICKET and self._holds) or not is_here(side, kind, cells):
            self._later(lambda: self.ledger.look(record))
            return
        place = new_ref(kind, record)
        # what waits is noted under the name that the class had then, which a copy may have changed
        names = [place, *(new_ref(kind, member) for member in side.replica.members(record))]
        if any(name in side.waiting and self._blocked(name, cells) for name in names):
            return
        if self.withheld(*place, record, cells, None) or self._too_large(place, record, cells):
            return
        need = self.compose(kind, place[1], record, cells, None)
        strangers(side, need.strangers, self._later)
        if kind == COMMENT and not need.send:
            return
        new = planned(side, Verb.CREATE, record, Ref(kind=kind, id="", ticket=ticket), cells, need)
        self._later(lambda: self.ledger.look(record))
        if kind == TICKET:
            self._notes.creates[record] = new
            self._notes.links[record] = set(linked(side, record, cells))
        else:
            self._add(new, cells)

    def _add(self, new: Planned, cells: Cells) -> None:
        """Puts an operation under its ticket: its own first, what is in it by its date."""
        side, ticket, born = self.side, new.record, cells.get(("created", ""))
        if new.ref.kind != TICKET:
            whole = record_of(side.text(cells["ticket", ""].shown))
            ticket = side.replica.name(whole) if whole else ticket
        when = side.text(born.shown) if born else ""
        place = new.ref.kind != TICKET, when
        self._notes.add(ticket, place, new)

    @cached_property
    def _holds(self) -> bool:
        """Tells whether a ticket of this remote waits to be adopted: it may be this very record."""
        return any(row.tag == ADOPT for _, _, _, row in self.ledger.all_waiting(TICKET))

    def _blocked(self, place: tuple[str, str], cells: Cells) -> bool:
        """Tells whether a create waits: for a person, or because the same was refused before."""
        rows, fill = [row for _, _, _, row in self.ledger.all_waiting(*place)], self.side.spec.fill
        return any(r.pairing or (r.parked and r.value == fingerprint(cells, fill)) for r in rows)

    def withheld(
        self, kind: str, ref: str, record: RecordId, cells: Cells, shadow: Shadow | None
    ) -> bool:
        """Tells whether privacy keeps an item from this remote; noted, not lost."""
        side = self.side
        shown = shadow.stands.get("*private" if kind == TICKET else "private") if shadow else None
        there = shown is not None and shown.value not in {None, "no"}
        if side.spec.audience == "private" or there or not self._private(kind, cells):
            return False
        own = _OWN if is_private(cells, kind, TICKET) else ""
        wait = partial(self.ledger.wait, kind, ref, "*private", _WIDER, field="private", quiet=True)
        self._later(partial(wait, now=side.now(), record=record, tag=own))
        return True

    def _private(self, kind: str, cells: Cells) -> bool:
        own = is_private(cells, kind, TICKET)
        if own or kind == TICKET:
            return own
        ticket = record_of(self.side.text(cells["ticket", ""].shown))
        return ticket is not None and is_private(self.side.cells(ticket), TICKET, TICKET)

    def _too_large(self, place: tuple[str, str], record: RecordId, cells: Cells) -> bool:
        reason = too_large(self.side, place[0], cells)
        if reason and self.ledger.waiting(*place) is None:
            wait = partial(self.ledger.wait, *place, WHOLE, reason)
            self._later(partial(wait, now=self.side.now(), record=record))
        return bool(reason)

    def _delete(self, record: RecordId, kind: str, ref: Ref, cells: Cells) -> None:
        side = self.side
        if not side.spec.deletes or not side.may("delete", kind):
            if kind == TICKET:
                reason = "It was deleted elsewhere, and nothing is deleted here by this job."
                wait = partial(self.ledger.wait, kind, ref.id, LIFE_SLOT, reason, field=LIFE)
                self._later(partial(wait, now=side.now(), parked=True, value="gone"))
            return
        row = self.ledger.waiting(kind, ref.id, LIFE_SLOT)
        if row and row.parked and row.tag != UNDONE:
            return
        self._later(lambda: self.ledger.look(record))
        if not self._unseen(ref.ticket or ref.id):
            self._notes.deletes.append(planned(side, Verb.DELETE, record, ref, cells, Composed()))
