"""Fields that a tracker has no more: what went with its field was cleared by nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from prophet_hub.foreign.rows import WHOLE, split
from prophet_hub.foreign.side import Side
from prophet_hub.sdk import TICKET, Field, FieldMap, SetChange, Ticket

__all__ = ["FIELD", "pause_lost"]

FIELD: Final = "field"
"""The kind of an inbox row that is about a field of the tracker."""

_LOST: Final = (
    "The tracker has no field {theirs} any more, so {ours} is left as it was; name the new field in "
    "the remote's table, or take it out."
)


def pause_lost(side: Side, tickets: Iterable[object]) -> None:
    """Leaves a field alone for the rest of the run if it went from a ticket and from the tracker.

    The tracker is asked, once per run, only where a ticket lost a value and no event tells why.
    Called outside of a transaction; what is no ticket is passed over.
    """
    for ticket in tickets:
        if not isinstance(ticket, Ticket):
            continue
        for row in list(_gone(side, ticket)):
            known = {field.name for field in side.workflow.schema.fields}
            if known and row.theirs not in known:
                _pause(side, row)
        for name in ticket.fields:
            row_ = side.fields[TICKET].theirs(name)
            if row_ and (FIELD, row_.ours) in side.waiting:
                with side.transaction():
                    side.waiting.discard((FIELD, row_.ours))
                    side.ledger.done_waiting(FIELD, row_.ours)


def _gone(side: Side, ticket: Ticket) -> Iterator[Field]:
    """Yields the rows of which a ticket showed a value and shows none now, and nothing tells why."""
    shadow = side.ledger.shadow(TICKET, ticket.ref.id)
    stands = shadow.stands if shadow else {}
    showed = {split(name)[0] for name, stand in stands.items() if stand.value is not None}
    if (TICKET, ticket.ref.id) in side.under_way:  # what we take away ourselves
        showed -= {split(name)[0] for name in side.ledger.sent(TICKET, ticket.ref.id)}
    for name in sorted(showed - ticket.fields.keys()):
        row = side.fields[TICKET].theirs(name)
        if row and (row.writable or row.on_create) and not _is_told(ticket, name):
            yield row


def _is_told(ticket: Ticket, field: str) -> bool:
    """Tells whether the last event of a field took its value away."""
    for event in reversed(ticket.events):
        for change in event.changes:
            if change.field == field:
                return bool(change.removed if isinstance(change, SetChange) else not change.new)
    return False


def _pause(side: Side, row: Field) -> None:
    rows = [one for one in side.fields[TICKET] if one is not row]
    side.fields = {**side.fields, TICKET: FieldMap(rows)}
    why = _LOST.format(theirs=row.theirs, ours=row.ours)
    with side.transaction():
        side.ledger.wait(FIELD, row.ours, WHOLE, why, now=side.now(), field=row.ours)
        side.waiting.add((FIELD, row.ours))
