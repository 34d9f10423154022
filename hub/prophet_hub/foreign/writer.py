"""Writing: an intent on disk, one request, and a reading that confirms it.

A 2xx proves nothing: some trackers drop values in silence.  Nothing is sent that the plan did not
show, and what moved on since the plan waits for the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from prophet_hub.errors import Garbled, NotFound, Rejected, RemoteError, Unsure
from prophet_hub.foreign.changer import Changer
from prophet_hub.foreign.desk import Desk, Plans, is_alive, outcome_of
from prophet_hub.foreign.first import answered
from prophet_hub.foreign.plans import Cells, fingerprint, new_ref
from prophet_hub.foreign.puller import Puller
from prophet_hub.foreign.rows import WHOLE, Intent, Sent, split
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.steps import Applied, Outcome, Planned, Verb
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Gone,
    Kind,
    Ref,
    Ticket,
)
from prophet_hub.values import Stored

__all__ = ["Writer"]

_LIFE: Final = (LIFE, "alive")
_TEXTS: Final = frozenset({Kind.TEXT, Kind.LONG})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A comment or attachment that was answered and is not read yet."""

    planned: Planned
    ref: Ref
    number: int
    notes: tuple[str, ...]
    shown: Ticket | None


class Writer:
    """Carries out a plan on one remote."""

    def __init__(self, side: Side, puller: Puller, planner: Plans) -> None:
        self.side, self.ledger = side, side.ledger
        self.desk = Desk(side, puller, planner)
        self.changer = Changer(self.desk)
        self._made: list[_Made] = []

    def run(self, planned: Iterable[Planned]) -> Iterator[Applied]:
        """Writes and confirms; one failing ticket does not stop the rest."""
        for one in planned:
            apart = one.ref.kind == TICKET or self.desk.ticket(one) != self._ticket_of_made
            if self._made and apart:
                yield from self._confirm_made()
            done = self._guarded(one)
            if done:
                yield done
        yield from self._confirm_made()

    @property
    def _ticket_of_made(self) -> str:
        return self._made[0].ref.ticket if self._made else ""

    def _guarded(self, planned: Planned) -> Applied | None:
        try:
            if planned.verb is Verb.CREATE:
                return self._create(planned)
            if planned.verb is Verb.UPDATE:
                return self.changer.update(planned)
            return self.changer.delete(planned)
        except RemoteError as error:
            error.remote = error.remote or self.side.spec.name
            if not error.alone:
                raise
            return Applied(planned=planned, outcome=outcome_of(error), error=error)

    # --- creates -------------------------------------------------------------------------------

    def _create(
        self, planned: Planned, refused: RemoteError | None = None, tries: int = 0
    ) -> Applied | None:
        """Makes an item.

        A ticket that was `refused` is offered again with less, and the rest follows as an update:
        else one label or word that the tracker does not take would keep it all away.
        """
        side, kind = self.side, planned.ref.kind
        record = side.replica.name(planned.record)
        cells = side.cells(record)
        ticket = self.desk.ticket(planned)
        place = new_ref(kind, record)
        if not self._is_due(place, ticket, record, cells):
            return Applied(planned=planned, outcome=Outcome.STALE)
        if kind == TICKET and kind not in side.able.keys and self._unsure():
            return Applied(planned=planned, outcome=Outcome.UNSURE)
        need = self.desk.planner.compose(kind, place[1], record, cells, None)
        whole = self.desk.as_planned(planned, need)
        if self._lost_its_text(kind, need.send, whole):
            return Applied(planned=planned, outcome=Outcome.STALE)
        offers = self._offers(kind, whole, refused)
        send = offers[tries]
        operation = self.desk.outgoing.create(kind, ticket, record, cells, send)
        intent = Intent(key=side.born(record), ticket=ticket, sent=send, created=side.now(),
                        view=self.ledger.job)  # fmt: skip
        with side.transaction():
            number = self.desk.journal(
                planned, Verb.CREATE, Ref(kind=kind, id="", ticket=ticket), send
            )
            intent = msgspec.structs.replace(intent, number=number)
            side.set_intent(kind, intent.key, intent)
        try:
            receipt = side.connector.apply(operation)
        except (Unsure, Garbled):
            self.desk.unsure(number)
            raise
        except RemoteError as error:
            asks = kind == TICKET and isinstance(error, Rejected)
            lacks = self.desk.planner.statuses.lacks(whole) if asks else ""
            offers = self._offers(kind, whole, error) if asks else offers
            again = asks and tries + 1 < len(offers)
            error = (asks and refused) or error  # the sentence on the whole ticket says more
            with side.transaction():
                side.set_intent(kind, intent.key, None)
                self.desk.close(number, outcome_of(error))
                if not again:
                    self._put_off(place, ticket, record, cells, error, lacks)
            if again:
                return self._create(planned, error, tries + 1)
            raise error from None
        with side.transaction():
            answered(self.desk.reader, kind, intent.key, intent, receipt.ref.id)
        ref = Ref(kind=kind, id=receipt.ref.id, ticket=ticket)
        made = _Made(
            planned=planned, ref=ref, number=number, notes=receipt.notes, shown=receipt.ticket
        )
        content = cells.get(("content", ""))
        if kind == ATTACHMENT and content and isinstance(content.shown, Stored):
            side.uploaded[ref.id] = content.shown
        if kind != TICKET:
            self._made.append(made)
            return None
        return self._confirm_create(made)

    def _is_due(self, place: tuple[str, str], ticket: str, record: RecordId, cells: Cells) -> bool:
        """Tells whether what was planned is still to be made: not there, alive, and no secret."""
        if self.side.refs(record, place[0]) or not is_alive(cells):
            return False
        if place[0] != TICKET and not ticket:
            return False
        withheld = self.desk.planner.withheld(*place, record, cells, None)
        self.desk.planner.write_down()
        return not withheld

    def _lost_its_text(
        self, kind: str, needed: Mapping[str, Sent], planned: Mapping[str, Sent]
    ) -> bool:
        """Tells whether a comment, or a ticket's summary, says something else than was planned."""
        row = self.side.fields[kind].ours("body" if kind == COMMENT else "summary")
        if kind not in {TICKET, COMMENT} or row is None or row.theirs in planned:
            return False
        return kind == COMMENT or row.theirs in needed

    def _offers(
        self, kind: str, whole: dict[str, Sent], refused: RemoteError | None
    ) -> list[dict[str, Sent]]:
        """Returns what a create says at first, and what it says after each refusal.

        Without the members of sets; then without what nobody demands, but texts and what is filled in.
        """
        if kind != TICKET or refused is None:
            return [whole]
        plain = {name: sent for name, sent in whole.items() if not split(name)[1]}
        demanded = self.desk.planner.statuses.tracker.required()
        rows = self.side.fields[TICKET]
        least = {}
        for name, sent in plain.items():
            row = rows.theirs(name)
            if sent.fills or name in demanded or (row and row.kind in _TEXTS):
                least[name] = sent
        offers = [whole, plain, least]
        return [one for n, one in enumerate(offers) if not n or len(one) < len(offers[n - 1])]

    def _put_off(
        self, place: tuple[str, str], ticket: str, record: RecordId, cells: Cells,
        error: RemoteError, lacks: str,
    ) -> None:  # fmt: skip
        """Notes why a record was not made, so that it is not tried again before it changes."""
        if isinstance(error, NotFound) and ticket:
            self.desk.items.unseen(Ref(id=ticket), str(error))
        elif error.alone:
            self.ledger.wait(
                *place, WHOLE, f"{error}{lacks}", now=self.side.now(), record=record,
                parked=True, value=fingerprint(cells, self.side.spec.fill),
            )  # fmt: skip
            self.side.waiting.add(place)

    def _unsure(self) -> bool:
        return any(kind == TICKET and not i.ref for (kind, _), i in self.side.intents.items())

    def _confirm_create(self, made: _Made) -> Applied:
        planned, side = made.planned, self.side
        unit = self.desk.puller.fetch(made.ref, made.shown)
        told = unit.told
        with side.transaction():
            self.desk.puller.take(unit)
            self.desk.confirmed(made.ref.id, told)
            self.desk.close(made.number, Outcome.DONE, made.ref.id)
        outcome = Outcome.GONE if isinstance(told, Gone) else Outcome.DONE
        if isinstance(told, Ticket):
            rest = self.changer.update(replace(planned, ref=made.ref), fresh=True)
            moved = rest.outcome in {Outcome.STALE, Outcome.SAME}
            outcome = Outcome.DONE if moved else rest.outcome
        return Applied(planned=planned, outcome=outcome, ref=made.ref, notes=made.notes)

    def _confirm_made(self) -> Iterator[Applied]:
        """Reads a ticket once for all comments and attachments that it was just given."""
        side, batch = self.side, self._made
        self._made = []
        if not batch:
            return
        ref = Ref(id=batch[0].ref.ticket)
        try:
            unit = self.desk.puller.fetch(ref, batch[-1].shown)
        except RemoteError as error:
            if not error.alone:
                raise
            for made in batch:
                yield Applied(
                    planned=made.planned, outcome=Outcome.UNSURE, ref=made.ref, error=error
                )
            return
        with side.transaction():
            self.desk.puller.take(unit)
            self.desk.confirmed(ref.id, unit.told)
            for made in batch:
                there = self.ledger.shadow(made.ref.kind, made.ref.id) is not None
                self.desk.close(made.number, Outcome.DONE if there else Outcome.UNSURE, made.ref.id)
                if there:
                    self.ledger.look(made.planned.record, again=False)
        for made in batch:
            there = self.ledger.shadow(made.ref.kind, made.ref.id) is not None
            outcome = Outcome.DONE if there else Outcome.UNSURE
            yield Applied(planned=made.planned, outcome=outcome, ref=made.ref, notes=made.notes)
