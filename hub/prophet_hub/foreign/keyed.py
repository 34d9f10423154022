"""Tickets that carry a key of ours while no run knows of having made them: which wait, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prophet_hub.errors import RemoteError
from prophet_hub.foreign.rows import WHOLE
from prophet_hub.foreign.side import Side, record_of
from prophet_hub.model import ids
from prophet_hub.sdk import TICKET, Ticket

__all__ = ["ADOPT", "SECOND", "UNKNOWN", "Wait", "hold", "is_unknown", "second", "unread", "waits"]

ADOPT: Final = "adopt"
"""The tag of what may be the copy of a record: this remote gets no creates while it waits."""
SECOND: Final = "second"
"""The tag of what is one copy too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why a ticket waits.

    Attributes:
        tag: `ADOPT` or `SECOND`.
        quiet: Whether nobody needs to be told.
    """

    reason: str
    tag: str = ADOPT
    quiet: bool = False


_READ_LAST: Final = Wait(
    reason="It carries a key of ours and is read when every remote was read.", quiet=True
)
UNKNOWN: Final = Wait(
    reason="It carries the key of a record that nobody here knows. Pull the hub that made it; drop "
    "makes it a ticket of its own."
)
_SECOND: Final = (
    "It is one copy too many: this hub's account made it, and {other} is synced as the copy of the same "
    "ticket. Delete this one in the tracker; drop makes it a ticket of its own."
)
_LEFT: Final = (
    "It is one copy too many: this hub's account made it, of a ticket whose copy {other} was deleted or "
    "merged here. Nothing is carried to it; drop makes it a ticket of its own."
)


def unread(error: RemoteError) -> Wait:
    """Returns how a ticket waits that could not be read when it was to be adopted."""
    return Wait(
        reason=f"It carries a key of ours and cannot be read: {error} Nothing is created here until it "
        "can; drop lets it be."
    )


def waits(side: Side, ticket: Ticket, *, adopting: bool) -> Wait | None:
    """Returns why a ticket waits, None for one that is read.

    What our account made of a record that has another item here was made by a hub that forgot it (it
    was restored from a backup, or what it had made was hidden from it).  What a person cloned with
    the key in it is theirs, and a ticket of its own.
    """
    if not _is_strange(side, ticket):
        return None
    ours = ticket.author.id == side.spec.account.id
    if ours and (wait := second(side, ticket.ref.id, ticket.key)):
        return wait
    if not adopting:
        return _READ_LAST
    return UNKNOWN if is_unknown(side, ticket.key) else None


def second(side: Side, ref: str, key: str) -> Wait | None:
    """Returns how a ticket waits that is one copy too many as far as is known here, None if it is not."""
    record = record_of(key)
    if record is None or not _is_new(side, ref):
        return None
    for other in side.live(record, TICKET):
        return Wait(reason=_SECOND.format(other=other), tag=SECOND)
    for other in side.refs(record, TICKET):
        return Wait(reason=_LEFT.format(other=other), tag=SECOND)
    return None


def hold(side: Side, ref: str, key: str, wait: Wait) -> None:
    """Lets a ticket wait, with the key that it carries; again the same changes nothing."""
    before = side.ledger.waiting(TICKET, ref)
    if before is None or (before.reason, before.value) != (wait.reason, key):
        with side.transaction():
            side.ledger.wait(
                TICKET, ref, WHOLE, wait.reason,
                now=side.now(), value=key, quiet=wait.quiet, tag=wait.tag,
            )  # fmt: skip
            side.waiting.add((TICKET, ref))


def is_unknown(side: Side, key: str) -> bool:
    """Tells whether a key names a record that nobody here has told anything of."""
    record = record_of(key)
    return record is not None and not side.replica.knows(record)


def _is_new(side: Side, ref: str) -> bool:
    """Tells whether a ticket was neither read here nor bound to a record."""
    own = side.record(TICKET, ref)
    return side.ledger.item(own) is None and len(side.replica.members(own)) <= 1


def _is_strange(side: Side, ticket: Ticket) -> bool:
    """Tells whether an unknown ticket carries our key, and no create is under way for it."""
    if not ticket.key or not _is_new(side, ticket.ref.id):
        return False
    return all(
        ids.text(intent.key) != ticket.key or intent.ref not in {"", ticket.ref.id}
        for intent in side.intents.values()
    )
