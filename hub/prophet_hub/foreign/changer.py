"""Changing and deleting items: an intent on disk, one request, and a reading that confirms it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from prophet_hub.errors import Garbled, NotFound, Rejected, RemoteError, Stale, Unsure
from prophet_hub.foreign.compose import Composed
from prophet_hub.foreign.desk import Desk, is_alive, outcome_of
from prophet_hub.foreign.plans import Cells
from prophet_hub.foreign.rows import LIFE_SLOT, Sent, Shadow
from prophet_hub.foreign.steps import Applied, Outcome, Planned, Verb
from prophet_hub.foreign.workflow import Way
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import TICKET, Attachment, Comment, Delete, Gone, Receipt, Ref, Ticket

__all__ = ["Changer"]

_Walked = tuple[bool, str]
"""Whether it was a step back, and the word that was written."""

_SILENT: Final = "The tracker took it and does not show it."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parcel:
    """Whose fields are sent, as it was read last."""

    planned: Planned
    ref: Ref
    record: RecordId
    cells: Cells
    shadow: Shadow


class Changer:
    """Updates and deletes of one remote."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.side, self.ledger = desk, desk.side, desk.side.ledger

    def update(
        self, planned: Planned, *, fresh: bool = False, only: str = "",
        walked: frozenset[_Walked] = frozenset(),
    ) -> Applied:  # fmt: skip
        """Sends what an item still needs of its plan, or of it one slot `only`, then reads it.

        A status goes step by step, `walked` the ones before; what belongs to it goes along.

        Just before, it is read again where the tracker does not compare versions itself.
        """
        side, kind = self.side, planned.ref.kind
        ref = planned.ref.id or next(iter(side.live(planned.record, kind)), "")
        shadow = self.ledger.shadow(kind, ref)
        if shadow is None:
            return Applied(planned=planned, outcome=Outcome.STALE)
        compared = side.able.conditional and shadow.version and kind == TICKET
        if not fresh and not compared:
            told = self.desk.read(kind, ref, shadow.ticket)
            shadow = self.ledger.shadow(kind, ref)
            if isinstance(told, Gone) or shadow is None:
                return Applied(planned=planned, outcome=Outcome.GONE)
        record = side.replica.name(planned.record)
        cells = side.cells(record)
        here = Ref(kind=kind, id=ref, ticket=shadow.ticket)
        need, shadow = self._needed(here, record, cells, shadow)
        send = self.desk.as_planned(planned, need)
        together = self._together(need)
        if only:
            names = together if only in together else {only}
            send = {name: sent for name, sent in send.items() if name in names}
        if not send:
            outcome = Outcome.STALE if need.send else Outcome.SAME
            return Applied(planned=planned, outcome=outcome, ref=here)
        parcel = _Parcel(planned=planned, ref=here, record=record, cells=cells, shadow=shadow)
        if need.way and need.way.slot in send:
            return self._walk(parcel, need.way, send, only, walked)
        return self._send(parcel, send)

    def _together(self, need: Composed) -> frozenset[str]:
        """Returns the slots that go with a status or not at all."""
        way = need.way
        return frozenset({way.slot, *way.company}) if way else frozenset()

    # --- statuses ------------------------------------------------------------------------------

    def _walk(
        self,
        parcel: _Parcel,
        way: Way,
        send: Mapping[str, Sent],
        only: str,
        walked: frozenset[_Walked],
    ) -> Applied:
        """Takes a ticket one step on its way to a status, reads it, and looks again.

        The last step takes everything else along.  Where a step is refused the status waits, and
        the ticket goes back to where it stood; the rest of it goes on.
        """
        planned, step, sent = parcel.planned, way.steps[0], send[way.slot]
        last = len(way.steps) == 1
        goes = {name: one for name, one in send.items()
                if last or name == way.slot or way.company.get(name) == step}  # fmt: skip
        asked = {**goes, way.slot: msgspec.structs.replace(sent, value=step)}
        noted = {**goes, way.slot: msgspec.structs.replace(
            sent, via="" if last and not way.back else step
        )}  # fmt: skip
        if (way.back, step) in walked:  # what is left now is for the next run
            self._refused(parcel, way, "The tracker offers another way at every step.")
            return Applied(planned=planned, outcome=Outcome.FAILED, ref=parcel.ref)
        walked |= {(way.back, step)}
        try:
            done = self._send(parcel, asked, noted=noted, way=way)
        except (Unsure, Garbled, NotFound, Stale):
            raise
        except RemoteError as error:
            if not error.alone or not goes.keys() <= {way.slot, *way.company}:
                raise
            self._refused(parcel, way, str(error))
            self.update(planned, only=only, walked=walked)
            raise
        if done.outcome is Outcome.REFUSED:
            if way.back:
                self._refused(parcel, way, _SILENT)
            if way.back or not last or send[way.slot].was != parcel.shadow.stands[way.slot].value:
                self.update(planned, fresh=True, only=only, walked=walked)
        elif done.outcome is Outcome.DONE and not last:
            return self.update(planned, fresh=True, only=only, walked=walked)
        return done

    def _refused(self, parcel: _Parcel, way: Way, why: str) -> None:
        ref = parcel.ref
        shadow = self.ledger.shadow(ref.kind, ref.id) or parcel.shadow
        self.desk.planner.statuses.refused(ref.id, way, why, shadow)

    def _needed(
        self, ref: Ref, record: RecordId, cells: Cells, shadow: Shadow
    ) -> tuple[Composed, Shadow]:
        """Composes again, on the reading just made; agreement is written down before the next."""
        side = self.side
        if not is_alive(cells) or not side.may("update", ref.kind):
            return Composed(), shadow
        need = self.desk.planner.compose(ref.kind, ref.id, record, cells, shadow)
        with side.transaction():
            self.desk.planner.note(ref.kind, ref.id, record, shadow, need)
            if self.desk.planner.withheld(ref.kind, ref.id, record, cells, shadow):
                need = Composed()
            self.desk.planner.write_down()
        return need, self.ledger.shadow(ref.kind, ref.id) or shadow

    def _send(
        self, parcel: _Parcel, send: Mapping[str, Sent], *, noted: Mapping[str, Sent] | None = None,
        way: Way | None = None,
    ) -> Applied:  # fmt: skip
        """Sends slots in one request and reads them.

        Args:
            parcel: Whose they are.
            send: What the tracker is asked for.
            noted: What is under way by it; the same, but for a step on the way to a status.
            way: Of the status among them.
        """
        side, planned, ref = self.side, parcel.planned, parcel.ref
        noted = noted or send
        operation = self.desk.outgoing.update(ref, parcel.record, parcel.cells, parcel.shadow, send)
        with side.transaction():
            number = self.desk.journal(planned, Verb.UPDATE, ref, send)
            noted = {
                name: msgspec.structs.replace(sent, number=number) for name, sent in noted.items()
            }
            for name, sent in noted.items():
                self.ledger.set_sent(ref.kind, ref.id, name, sent)
            side.under_way.add((ref.kind, ref.id))
        try:
            receipt = side.connector.apply(operation)
        except (Unsure, Garbled):
            self.desk.unsure(number)
            raise
        except RemoteError as error:
            with side.transaction():
                for name in send:
                    self.ledger.set_sent(ref.kind, ref.id, name, None)
                side.under_way.discard((ref.kind, ref.id))
                self.desk.close(number, outcome_of(error))
                alone = len(send) == 1 and error.alone and not isinstance(error, Stale)
                if isinstance(error, NotFound):
                    self.desk.items.unseen(ref, str(error))
                elif isinstance(error, Stale):  # a listing need not tell what moved the version
                    self.desk.items.again(ref, str(error))
                elif alone and way is None:
                    name, sent = next(iter(send.items()))
                    self.desk.items.park(ref.kind, ref.id, name, sent, str(error))
            group = {way.slot, *way.company} if way else set()
            apart = [name for name in send if name not in group]
            if isinstance(error, Rejected) and len(apart) + bool(group) > 1:
                names = [*apart, way.slot] if way else apart
                return self._one_by_one(planned, ref, names)
            raise
        return self._confirm(planned, ref, noted, number, receipt)

    def _one_by_one(self, planned: Planned, ref: Ref, names: Iterable[str]) -> Applied:
        """Sends the fields of a rejected update apart, so that only the guilty ones wait.

        Each is looked at anew: somebody may have written it since the first request.
        """
        worst: Applied | None = None
        for name in names:
            shadow = self.ledger.shadow(ref.kind, ref.id)
            if shadow is None or shadow.gone:
                break
            try:
                done = self.update(replace(planned, ref=ref), only=name)
            except RemoteError as error:
                if not error.alone:
                    raise
                done = Applied(planned=planned, outcome=outcome_of(error), ref=ref, error=error)
            if worst is None or done.outcome not in {Outcome.DONE, Outcome.SAME}:
                worst = done
        return worst or Applied(planned=planned, outcome=Outcome.GONE, ref=ref)

    def _confirm(
        self, planned: Planned, ref: Ref, send: Mapping[str, Sent], number: int, receipt: Receipt
    ) -> Applied:
        """Reads what was written.  The answer alone is noted if that cannot be done now."""
        side = self.side
        yes = {name: msgspec.structs.replace(sent, answered=True) for name, sent in send.items()}
        whole = Ref(id=ref.ticket or ref.id)
        try:
            unit = self.desk.puller.fetch(whole, receipt.ticket)
        except RemoteError:
            with side.transaction():
                for name, sent in yes.items():
                    self.ledger.set_sent(ref.kind, ref.id, name, sent)
            raise
        with side.transaction():
            for name, sent in yes.items():
                self.ledger.set_sent(ref.kind, ref.id, name, sent)
            self.desk.puller.take(unit)
            self.desk.confirmed(whole.id, unit.told)
            refused = any(self.desk.parked(ref, name, sent) for name, sent in yes.items())
            outcome = Outcome.REFUSED if refused else Outcome.DONE
            self.desk.close(number, outcome)
            if isinstance(unit.told, Gone):
                self.ledger.look(planned.record)
        return Applied(planned=planned, outcome=outcome, ref=ref, notes=receipt.notes)

    # --- deletes -------------------------------------------------------------------------------

    def delete(self, planned: Planned) -> Applied:
        """Deletes an item that still is as the plan saw it."""
        side, ref = self.side, planned.ref
        shadow = self.ledger.shadow(ref.kind, ref.id)
        if shadow is None or shadow.gone:
            return Applied(planned=planned, outcome=Outcome.STALE)
        told = self.desk.read(ref.kind, ref.id, ref.ticket)
        shadow = self.ledger.shadow(ref.kind, ref.id)
        if isinstance(told, Gone) or shadow is None or shadow.gone:
            return Applied(planned=planned, outcome=Outcome.STALE)
        gone = self.desk.planner.death(planned, told)
        if gone is None:
            return Applied(planned=planned, outcome=Outcome.STALE)
        with side.transaction():
            number = self.desk.journal(planned, Verb.DELETE, ref, {LIFE_SLOT: gone})
            gone = msgspec.structs.replace(gone, number=number)
            self.ledger.set_sent(ref.kind, ref.id, LIFE_SLOT, gone)
            side.under_way.add((ref.kind, ref.id))
        try:
            receipt = side.connector.apply(Delete(ref=ref, version=shadow.version))
        except (Unsure, Garbled):
            self.desk.unsure(number)
            raise
        except RemoteError as error:
            with side.transaction():
                self.ledger.set_sent(ref.kind, ref.id, LIFE_SLOT, None)
                side.under_way.discard((ref.kind, ref.id))
                self.desk.close(number, outcome_of(error))
                if isinstance(error, NotFound):
                    self.desk.items.unseen(ref, str(error))
                elif error.alone and not isinstance(error, Stale):
                    self.desk.items.park(ref.kind, ref.id, LIFE_SLOT, gone, str(error))
            raise
        return self._confirm_delete(planned, ref, gone, number, receipt)

    def _confirm_delete(
        self, planned: Planned, ref: Ref, sent: Sent, number: int, receipt: Receipt
    ) -> Applied:
        side = self.side
        told: Ticket | Gone | None
        try:
            told = receipt.ticket or side.connector.ticket(Ref(id=ref.ticket or ref.id))
        except NotFound:
            told = None
        there = isinstance(told, Ticket) and (ref.kind == TICKET or _holds(told, ref))
        with side.transaction():
            if there:
                self.ledger.set_sent(ref.kind, ref.id, LIFE_SLOT, None)
                side.under_way.discard((ref.kind, ref.id))
                self.desk.items.park(
                    ref.kind, ref.id, LIFE_SLOT, sent, "The tracker said yes and keeps it."
                )
            else:
                self.desk.reader.gone(told if isinstance(told, Gone) else Gone(ref=ref))
                self.ledger.look(planned.record, again=False)
            self.desk.confirmed(ref.ticket or ref.id, told)
            outcome = Outcome.REFUSED if there else Outcome.DONE
            self.desk.close(number, outcome)
        return Applied(planned=planned, outcome=outcome, ref=ref, notes=receipt.notes)


def _holds(ticket: Ticket, ref: Ref) -> bool:
    inner: tuple[Comment | Attachment, ...] = (*ticket.comments, *ticket.attachments)
    return any(i.ref.id == ref.id for i in inner if i.ref.kind == ref.kind)
