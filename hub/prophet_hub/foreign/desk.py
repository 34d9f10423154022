"""What every write of a remote shares: reading before, the journal, and what the plan allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from prophet_hub.errors import Garbled, HubError, RemoteError, Stale, Unsure
from prophet_hub.foreign.compose import Composed
from prophet_hub.foreign.outgoing import Outgoing
from prophet_hub.foreign.plans import Cells
from prophet_hub.foreign.puller import Fetched, Puller
from prophet_hub.foreign.rows import WAY, Journal, Sent, Shadow, split
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.statuses import Statuses
from prophet_hub.foreign.steps import Outcome, Planned, Verb
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import TICKET, Gone, Kind, Ref, Ticket
from prophet_hub.values import to_micros

__all__ = ["Desk", "Plans", "is_alive", "outcome_of"]

_LIFE: Final = (LIFE, "alive")
_LINKS: Final = frozenset({Kind.LINKS})
_MOVING: Final = _LINKS | {Kind.LONG}


class Plans(Protocol):
    """What decides, once more and on a fresh reading, what an item is sent."""

    statuses: Statuses

    @property
    def undoes(self) -> str:
        """The run that the writes take back, "" for writes of their own."""

    def compose(
        self, kind: str, ref: str, record: RecordId, cells: Cells, shadow: Shadow | None
    ) -> Composed:
        """Returns what an item needs."""

    def death(self, planned: Planned, told: Ticket | HubError) -> Sent | None:
        """Returns what deletes an item, None where it is to live after all."""

    def note(self, kind: str, ref: str, record: RecordId, shadow: Shadow, need: Composed) -> None:
        """Notes what needs no request, and what waits."""

    def withheld(
        self, kind: str, ref: str, record: RecordId, cells: Cells, shadow: Shadow | None
    ) -> bool:
        """Tells whether an item must not be sent here."""

    def write_down(self) -> None:
        """Writes the notes into the ledger."""


class Desk:
    """One remote, ready to be written to."""

    def __init__(self, side: Side, puller: Puller, planner: Plans) -> None:
        self.side, self.puller, self.planner = side, puller, planner
        self.ledger, self.reader, self.items = side.ledger, puller.reader, puller.reader.items
        self.outgoing = Outgoing(side)

    def read(self, kind: str, ref: str, ticket: str) -> Ticket | Gone | HubError:
        """Reads an item's ticket now and takes it in.

        Raises:
            RemoteError: It could not be had.  What is this ticket's alone is noted, so that it waits
                to be read again instead of being written again at every run.
        """
        whole = Ref(id=ref if kind == TICKET else ticket)
        try:
            unit = self.puller.fetch(whole)
        except RemoteError as error:
            if error.alone:
                with self.side.transaction():
                    self.puller.take(Fetched(ref=whole, told=error, contents={}, listed=False))
            raise
        with self.side.transaction():
            self.puller.take(unit)
        return unit.told

    def ticket(self, planned: Planned) -> str:
        """Returns the id of the ticket of a comment or attachment, "" if it is not there."""
        if planned.ref.kind == TICKET:
            return ""
        return planned.ref.ticket or self.outgoing.ticket_of(planned.record)

    def as_planned(self, planned: Planned, need: Composed) -> dict[str, Sent]:
        """Returns of what is needed now only what the plan showed; links may come along.

        So may the texts of a create: the tickets that they name may have come to be meanwhile.
        So may what is filled in beside a status, and the way back of a ticket left on its way.
        """
        shown = {(f.theirs, f.after) for f in planned.fields}
        via = {(f.theirs, word) for f in planned.fields for word in f.via}
        leaves = {(f.theirs, f.before) for f in planned.fields if f.after is None}
        send = {}
        for (name, sent), plan in zip(need.send.items(), need.fields, strict=True):
            theirs, member = split(name)
            row = self.side.fields[planned.ref.kind].theirs(theirs)
            kinds = _MOVING if planned.verb is Verb.CREATE else _LINKS
            free = row is not None and row.kind in kinds
            goes = member and plan.after is None
            known = (theirs, member) in leaves if goes else (theirs, plan.after) in shown
            same_way = plan.going or all((theirs, word) in via for word in plan.via)
            if free or plan.filled or plan.back or (known and same_way):
                send[name] = sent
        if need.way and need.way.slot not in send:
            send = {name: sent for name, sent in send.items() if not sent.fills}
        return send

    def journal(self, planned: Planned, verb: Verb, ref: Ref, send: Mapping[str, Sent]) -> int:
        """Writes down what a tracker is about to be asked for; returns the request's number."""
        side = self.side
        row = Journal(
            remote=side.spec.name, tracker=side.spec.tracker, job=side.job,
            verb=verb.value, kind=ref.kind, ref=ref.id, ticket=ref.ticket,
            record=planned.record, created=side.now(),
            before={name: sent.was for name, sent in send.items()},
            after={name: sent.value for name, sent in send.items()},
            causes={name: sent.ids for name, sent in send.items() if not sent.undoes},
            undoes=self.planner.undoes,
        )  # fmt: skip
        return side.audit.asked(row)

    def close(self, number: int, outcome: Outcome, item: str = "") -> None:
        """Writes down what came of it, unless a reading has said so already."""
        self.side.audit.answered(number, outcome.value, item=item, now=self.side.now())

    def unsure(self, number: int) -> None:
        """Writes down that no answer came; a later reading tells what became of it."""
        with self.side.transaction():
            self.close(number, Outcome.UNSURE)

    def confirmed(self, ticket: str, told: Ticket | Gone | HubError | None) -> None:
        """Notes when a ticket had changed last after a write of ours; what moves that is not ours."""
        shadow = self.ledger.shadow(TICKET, ticket)
        if shadow is not None and isinstance(told, Ticket) and not self.side.full:
            ours = msgspec.structs.replace(shadow, ours=to_micros(told.updated))
            self.ledger.set_shadow(TICKET, ticket, ours)

    def parked(self, ref: Ref, name: str, sent: Sent) -> bool:
        """Tells whether a value that was sent waits in the inbox."""
        if (ref.kind, ref.id) not in self.side.waiting:
            return False
        row = self.ledger.waiting(ref.kind, ref.id, name)
        if row is None or row.tag == WAY:
            return False
        return row.parked and row.value == sent.value


def is_alive(cells: Cells) -> bool:
    """Tells whether a record may be written: alive, and nobody disputes it."""
    life = cells.get(_LIFE)
    return life is None or (life.shown is not None and not life.conflict)


def outcome_of(error: HubError) -> Outcome:
    """Returns what an error means for one operation."""
    if isinstance(error, Stale):
        return Outcome.STALE
    return Outcome.UNSURE if isinstance(error, (Unsure, Garbled)) else Outcome.FAILED
