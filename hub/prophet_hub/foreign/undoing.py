"""The inverse of a run in one remote: what goes back, what cannot and why.

It stands in the place of a plan where `Changer` and `Writer` look once more before they send, so
that an undo is sent, walked, confirmed and journaled by the very same code as any other write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from prophet_hub.errors import HubError, NotFound
from prophet_hub.foreign.compose import Composed, field_plan
from prophet_hub.foreign.desk import is_alive
from prophet_hub.foreign.inverse import Past, Turn, pasts, turn
from prophet_hub.foreign.ledger import journal_of
from prophet_hub.foreign.planner import Planner
from prophet_hub.foreign.plans import Cells, new_ref, planned
from prophet_hub.foreign.puller import Puller
from prophet_hub.foreign.rows import LIFE_SLOT, READ, UNDONE, Sent, Shadow, Stand, split
from prophet_hub.foreign.scope import is_here
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.since import Since
from prophet_hub.foreign.statuses import Statuses
from prophet_hub.foreign.steps import Kept, Outcome, Planned, Verb
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Gone, Ref, Ticket

__all__ = ["Inverse"]

_INNER: Final = (COMMENT, ATTACHMENT)
_AGAIN: Final = "It could not be written: undo the run again."
_DELETED: Final = (
    "It was deleted, and a tracker gives nothing back; its record comes back here by prophet-hub undo "
    "of the changeset that deleted it."
)


class Inverse:
    """What takes back a run in one remote.

    Attributes:
        undoes: The run.
        statuses: The ways back; what cannot be had is noted as left by an undo.
    """

    def __init__(self, side: Side, puller: Puller, run: str) -> None:
        self.side, self.ledger, self.undoes = side, side.ledger, run
        self.statuses = Statuses(side, tag=UNDONE)
        self._planner = Planner(side, puller.reader, ())
        self._since = Since(side, run)
        self._todo: list[Callable[[], None]] = []
        rows = journal_of(side.replica.store, run)
        self._taken_back = {row.undoes for row in rows if row.undoes}
        done = frozenset(row.record for row in rows if row.outcome == Outcome.DONE)
        self._pasts = [self._known(past, done) for past in pasts(rows, side.spec.tracker)]
        self._slots = {(p.kind, p.ref): p.slots for p in self._pasts if p.slots}

    def _known(self, past: Past, done: frozenset[RecordId]) -> Past:
        """Returns a create with what it made, which the journals of the first hubs did not note."""
        if past.ref or not past.created or past.record not in done:
            return past
        items = self.side.items(self.side.replica.name(past.record))
        mine = self.side.spec.tracker, past.kind
        found = sorted({row.ref for _, row in items if (row.tracker, row.kind) == mine})
        shadow = self.ledger.shadow(past.kind, found[0]) if len(found) == 1 else None
        return past if shadow is None else replace(past, ref=found[0], ticket=shadow.ticket)

    # --- the plan ------------------------------------------------------------------------------

    def run(self) -> Iterator[Planned | Kept]:
        """Yields what goes back and what cannot: what is made again, fields, and deletes last.

        Tickets that are to be deleted are read now; nothing is noted.
        """
        for past in self._pasts:
            if past.deleted:
                yield from self._deleted(past)
        for past in self._pasts:
            if not (past.created or past.deleted):
                yield from self._update(past)
        made = [past for past in self._pasts if past.created and not past.deleted]
        tickets = [self._created(past) for past in made if past.kind == TICKET]
        dying = {one.ref.id for one in tickets if isinstance(one, Planned)}
        for past in made:
            if past.kind != TICKET and past.ticket not in dying:
                found = self._created(past)
                if found:
                    yield found
        yield from (one for one in tickets if one)

    def left(self) -> list[Kept]:
        """Writes into the inbox what could not be taken back, of this run nothing else, and
        returns it; called when the undo was applied.
        """
        found = [kept for one in self.run() for kept in self._still(one)]
        told = {(one.ref.kind, one.ref.id, one.slot): one for one in found}
        runs = {self.undoes, *self._taken_back}
        with self.side.transaction():
            found = [self._noted(place, one) for place, one in told.items()]
            for kind, ref, name, row in self.ledger.all_waiting():
                mine = row.tag == UNDONE and row.run in runs and not row.quiet
                if mine and (kind, ref, name) not in told:
                    self.ledger.done_waiting(kind, ref, name)
        return found

    def _noted(self, place: tuple[str, str, str], one: Kept) -> Kept:
        """Puts one thing into the inbox, with what the tracker said to it where that is known."""
        held = self.ledger.waiting(*place)
        if held is not None and held.tag == UNDONE and held.parked:
            one = replace(one, reason=self._sentence(held.reason))
        self.ledger.wait(
            *place, one.reason, now=self.side.now(), again=True,
            record=one.record, field=one.field, tag=UNDONE, run=self.undoes,
        )  # fmt: skip
        self.side.waiting.add(place[:2])
        return one

    def _sentence(self, why: str) -> str:
        return f"Run {self.undoes} is not undone here. {why}"

    def _still(self, one: Planned | Kept) -> Iterator[Kept]:
        """Yields what is left of what was planned once more."""
        if isinstance(one, Kept):
            yield one
            return
        past = Past(one.ref.kind, one.ref.id, one.ref.ticket, one.record)
        if one.verb is not Verb.UPDATE:
            yield self._kept(past, _AGAIN)
            return
        shadow = self.ledger.shadow(one.ref.kind, one.ref.id) or Shadow()
        cells = self.side.cells(one.record)
        need = self.compose(one.ref.kind, one.ref.id, one.record, cells, shadow)
        for name in need.send:
            yield self._kept(past, _AGAIN, name)

    # --- updates -------------------------------------------------------------------------------

    def _update(self, past: Past) -> Iterator[Planned | Kept]:
        side, kind, ref = self.side, past.kind, past.ref
        shadow, record = self.ledger.shadow(kind, ref), side.replica.name(past.record)
        if shadow is None or shadow.gone or shadow.merged:
            yield self._kept(past, f"The {kind} is gone.")
            return
        why = self._closed(past, "update")
        cells = side.cells(record)
        if why or not is_alive(cells):
            yield self._kept(past, why or f"The {kind} was deleted elsewhere.")
            return
        need = self.compose(kind, ref, record, cells, shadow)
        for name, back in past.slots.items():
            row = side.fields[kind].theirs(split(name)[0])
            if row is None:
                yield self._kept(past, "The job carries this field no more.", name)
                continue
            stand = shadow.stands.get(name, Stand())
            why = turn(back, stand, row.same)
            again = why == Turn.BACK and self._since.again(kind, ref, row, split(name)[1], stand)
            if again:
                yield self._kept(past, again, name)
            elif why not in {Turn.BACK, Turn.NOTHING}:
                known = back.wrote and stand.value != back.wrote[-1]
                told = self._since.wrote(kind, ref, row, split(name)[1], stand) if known else ""
                yield self._kept(past, told or f"{why[0].upper()}{why[1:]}.", name)
            elif why == Turn.BACK and name not in need.send:
                blocked = need.blocked
                told = blocked.reason if blocked and blocked.slot == name else ""
                other = f'No way leads back to "{back.before}"; "{stand.value}" means the same.'
                yield self._kept(past, told or other, name)
        if need.send:
            item = Ref(kind=kind, id=ref, ticket=shadow.ticket)
            yield planned(side, Verb.UPDATE, record, item, cells, need)

    def compose(
        self, kind: str, ref: str, record: RecordId, cells: Cells, shadow: Shadow | None
    ) -> Composed:
        """Returns what gives an item back what it showed before; of what is made again, all."""
        slots = self._slots.get((kind, ref))
        if shadow is None or slots is None:
            return self._planner.compose(kind, ref, record, cells, shadow)
        need = Composed()
        for name, back in slots.items():
            row, stand = self.side.fields[kind].theirs(split(name)[0]), shadow.stands.get(name)
            stand = stand or Stand()
            if row is None or turn(back, stand, row.same) != Turn.BACK:
                continue
            if self._since.again(kind, ref, row, split(name)[1], stand):
                continue
            before = back.before if back.before is not None else row.default or None
            need.send[name] = Sent(before, stand.ids, was=stand.value, undoes=True, run=self.undoes)
            need.fields.append(field_plan(name, row, stand.value, before))
        if kind == TICKET:
            self.statuses.prepare(ref, cells, shadow, need)
        need.absorb.clear()
        return need

    def note(self, kind: str, ref: str, record: RecordId, shadow: Shadow, need: Composed) -> None:
        """Notes a status that cannot be had back; of what is made again, as any plan."""
        if (kind, ref) in self._slots:
            self.statuses.note(ref, need, self._todo.append)
        else:
            self._planner.note(kind, ref, record, shadow, need)

    def withheld(
        self, kind: str, ref: str, record: RecordId, cells: Cells, shadow: Shadow | None
    ) -> bool:
        """Tells whether privacy keeps back what is made again; what an item showed once may return.

        What came into a ticket while it was not here is planned by the next run.
        """
        if (kind, ref) in self._slots:
            return False
        if kind == TICKET:
            self._todo.append(partial(self._look_inside, record))
        return self._planner.withheld(kind, ref, record, cells, shadow)

    def _look_inside(self, record: RecordId) -> None:
        for inner in _INNER:
            for child in self.side.replica.children(record, inner):
                if not self.side.refs(child, inner):
                    self.ledger.look(child)

    def write_down(self) -> None:
        """Writes the notes into the ledger."""
        if self._todo:
            with self.side.transaction():
                for note in self._todo:
                    note()
        self._todo.clear()
        self._planner.write_down()

    # --- creates and deletes -------------------------------------------------------------------

    def _created(self, past: Past) -> Planned | Kept | None:
        """Returns the delete of what the run made, or why it stays; None where it is gone."""
        side, kind, ref = self.side, past.kind, past.ref
        if not ref:
            return self._kept(past, "Nobody knows yet what it made: sync, then undo again.")
        shadow = self.ledger.shadow(kind, ref)
        if shadow is not None and shadow.merged:
            return self._kept(past, f"It was merged into {shadow.merged}.")
        if shadow is None or shadow.gone:
            return None
        why = self._closed(past, "delete")
        if not why:
            try:
                told = side.connector.ticket(Ref(id=past.ticket or ref))
            except NotFound as error:
                why = str(error)
            else:
                if isinstance(told, Gone):
                    return None
                why = self._since.touched(Ref(kind=kind, id=ref, ticket=past.ticket), told)
        if why:
            return self._kept(past, why)
        record = side.replica.name(past.record)
        item = Ref(kind=kind, id=ref, ticket=past.ticket)
        return planned(side, Verb.DELETE, record, item, side.cells(record), Composed())

    def death(self, planned: Planned, told: Ticket | HubError) -> Sent | None:
        """Returns what deletes an item that nobody else touched, None for any other."""
        if not isinstance(told, Ticket) or self._since.touched(planned.ref, told):
            return None
        return Sent("gone", undoes=True, run=self.undoes)

    def _deleted(self, past: Past) -> Iterator[Planned | Kept]:
        """Yields the create of what an undo deleted; what any other run deleted stays so."""
        side, kind = self.side, past.kind
        row = self.ledger.item(side.record(kind, past.ref))
        if not past.again:
            yield self._kept(past, _DELETED)
            return
        if row is None or not row.undone:
            return
        record = side.replica.name(past.record)
        found = [(kind, record)]
        if kind == TICKET:
            found += [
                (inner, child) for inner in _INNER for child in self._inside(record, inner, past)
            ]
        for what, one in found:
            cells = side.cells(one)
            if side.refs(one, what) or any(
                (what, m) in side.intents for m in side.replica.members(one)
            ):
                continue
            why = "" if is_alive(cells) else "The record was deleted."
            why = why or ("" if side.may("create", what) else self._forbidden("create", what))
            if why or not is_here(side, what, cells):
                yield self._kept(past, why or "Its content is not here.")
                continue
            need = self._planner.compose(*new_ref(what, one), one, cells, None)
            yield planned(side, Verb.CREATE, one, Ref(kind=what, id=""), cells, need)

    def _inside(self, record: RecordId, kind: str, past: Past) -> list[RecordId]:
        """Returns what was in a ticket that an undo deleted, by its date."""
        side, found = self.side, []
        for child in side.replica.children(record, kind):
            rows = [row for _, row in side.items(child) if row.tracker == side.spec.tracker]
            if any(row.undone and row.ticket == past.ref for row in rows):
                born = side.cells(child).get(("created", ""))
                found.append((side.text(born.shown) if born else "", child))
        return [child for _, child in sorted(found)]

    # --- why not -------------------------------------------------------------------------------

    def _closed(self, past: Past, verb: str) -> str:
        """Returns why an item may not be written at all, "" where it may."""
        side, kind = self.side, past.kind
        row = self.ledger.waiting(TICKET, past.ticket or past.ref)
        if row is not None and row.tag == READ:
            return f"The ticket cannot be read now: {row.reason}"
        if not side.may(verb, kind):
            return self._forbidden(verb, kind)
        if verb == "delete" and not side.spec.deletes:
            return f"The job deletes nothing in {side.spec.name}: say deletes: yes there, and undo again."
        return ""

    def _forbidden(self, verb: str, kind: str) -> str:
        return f"{self.side.spec.name} does not let the hub {verb} {_SEVERAL[kind]}."

    def _kept(self, past: Past, reason: str, name: str = LIFE_SLOT) -> Kept:
        side, kind = self.side, past.kind
        record = side.replica.name(past.record)
        cells, row = side.cells(record), side.fields[kind].theirs(split(name)[0])
        said = cells.get(("summary", "")) or cells.get(("name", "")) or cells.get(("body", ""))
        ref = past.ref or new_ref(kind, record)[1]
        return Kept(
            remote=side.spec.name, ref=Ref(kind=kind, id=ref, ticket=past.ticket), record=record,
            title=side.text(said.shown) if said else "", slot=name,
            field=row.ours if row else "" if name == LIFE_SLOT else name,
            reason=self._sentence(reason),
        )  # fmt: skip


_SEVERAL: Final = {TICKET: "tickets", COMMENT: "comments", ATTACHMENT: "attachments"}
