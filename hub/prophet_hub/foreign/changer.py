"""Changing and deleting items: an intent on disk, one request, and a reading that confirms it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from prophet_hub.errors import Garbled, NotFound, Rejected, RemoteError, Stale, Unsure
from prophet_hub.foreign.compose import Composed
from prophet_hub.foreign.desk import Desk, is_alive, outcome_of
from prophet_hub.foreign.plans import Cells
from prophet_hub.foreign.rows import LIFE_SLOT, Sent, Shadow
from prophet_hub.foreign.steps import Applied, Outcome, Planned
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import TICKET, Attachment, Comment, Delete, Gone, Receipt, Ref, Ticket

__all__ = ["Changer"]


class Changer:
    """Updates and deletes of one remote."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.side, self.ledger = desk, desk.side, desk.side.ledger

    def update(self, planned: Planned, *, fresh: bool = False, only: str = "") -> Applied:
        """Sends what an item still needs of its plan, or of it one slot `only`, then reads it.

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
        if only:
            send = {name: sent for name, sent in send.items() if name == only}
        if not send:
            outcome = Outcome.STALE if need.send else Outcome.SAME
            return Applied(planned=planned, outcome=outcome, ref=here)
        return self._send(planned, here, record, cells, shadow, send)

    def _needed(
        self, ref: Ref, record: RecordId, cells: Cells, shadow: Shadow
    ) -> tuple[Composed, Shadow]:
        """Composes again, on the reading just made; agreement is written down before the next."""
        side = self.side
        if not is_alive(cells) or not side.may("update", ref.kind):
            return Composed(), shadow
        need = self.desk.planner.compose(ref.kind, ref.id, cells, shadow)
        with side.transaction():
            self.desk.planner.note(ref.kind, ref.id, record, shadow, need)
            if self.desk.planner.withheld(ref.kind, ref.id, record, cells, shadow):
                need.send.clear()
            self.desk.planner.write_down()
        return need, self.ledger.shadow(ref.kind, ref.id) or shadow

    def _send(
        self, planned: Planned, ref: Ref, record: RecordId, cells: Cells, shadow: Shadow,
        send: Mapping[str, Sent],
    ) -> Applied:  # fmt: skip
        side = self.side
        operation = self.desk.outgoing.update(ref, record, cells, shadow, send)
        with side.transaction():
            number = self.desk.journal(planned, ref, send)
            for name, sent in send.items():
                self.ledger.set_sent(ref.kind, ref.id, name, sent)
            side.under_way.add((ref.kind, ref.id))
        try:
            receipt = side.connector.apply(operation)
        except (Unsure, Garbled):
            raise
        except RemoteError as error:
            with side.transaction():
                for name in send:
                    self.ledger.set_sent(ref.kind, ref.id, name, None)
                side.under_way.discard((ref.kind, ref.id))
                self.desk.close(number, outcome_of(error))
                if isinstance(error, NotFound):
                    self.desk.items.unseen(ref, str(error))
                elif len(send) == 1 and error.alone and not isinstance(error, Stale):
                    name, sent = next(iter(send.items()))
                    self.desk.items.park(ref.kind, ref.id, name, sent.value, str(error))
            if isinstance(error, Rejected) and len(send) > 1:
                return self._one_by_one(planned, ref, send)
            raise
        return self._confirm(planned, ref, send, number, receipt)

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
        cells = side.cells(planned.record)
        shadow = self.ledger.shadow(ref.kind, ref.id)
        life = cells.get((LIFE, "alive"))
        wanted = life is None or life.shown is not None or life.conflict  # edited since the plan
        if isinstance(told, Gone) or wanted or shadow is None or shadow.gone:
            return Applied(planned=planned, outcome=Outcome.STALE)
        with side.transaction():
            number = self.desk.journal(planned, ref, {})
            self.ledger.set_sent(ref.kind, ref.id, LIFE_SLOT, Sent("gone"))
            side.under_way.add((ref.kind, ref.id))
        try:
            receipt = side.connector.apply(Delete(ref=ref, version=shadow.version))
        except (Unsure, Garbled):
            raise
        except RemoteError as error:
            with side.transaction():
                self.ledger.set_sent(ref.kind, ref.id, LIFE_SLOT, None)
                side.under_way.discard((ref.kind, ref.id))
                self.desk.close(number, outcome_of(error))
                if isinstance(error, NotFound):
                    self.desk.items.unseen(ref, str(error))
                elif error.alone and not isinstance(error, Stale):
                    self.desk.items.park(ref.kind, ref.id, LIFE_SLOT, "gone", str(error))
            raise
        return self._confirm_delete(planned, ref, number, receipt)

    def _confirm_delete(self, planned: Planned, ref: Ref, number: int, receipt: Receipt) -> Applied:
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
                    ref.kind, ref.id, LIFE_SLOT, "gone", "The tracker said yes and keeps it."
                )
            else:
                self.desk.reader.gone(told if isinstance(told, Gone) else Gone(ref=ref))
                self.ledger.look(planned.record, again=False)
            outcome = Outcome.REFUSED if there else Outcome.DONE
            self.desk.close(number, outcome)
        return Applied(planned=planned, outcome=outcome, ref=ref, notes=receipt.notes)


def _holds(ticket: Ticket, ref: Ref) -> bool:
    inner: tuple[Comment | Attachment, ...] = (*ticket.comments, *ticket.attachments)
    return any(i.ref.id == ref.id for i in inner if i.ref.kind == ref.kind)
