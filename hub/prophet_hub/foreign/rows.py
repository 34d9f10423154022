"""The rows of the bridge's ledger: what it keeps of a tracker, one struct per table.

Slots name the cells of an item in the tracker's own words: `status`, or field and member of a set.
"""

from __future__ import annotations

from typing import Final

import msgspec

from prophet_hub.model.ids import RecordId, TrackerId, WriteId

__all__ = [
    "LIFE_SLOT",
    "NOBODY",
    "READ",
    "UNDONE",
    "WAY",
    "WHOLE",
    "Intent",
    "ItemRow",
    "Journal",
    "PersonRow",
    "Place",
    "Sent",
    "Shadow",
    "Stand",
    "Waiting",
    "dialect_of",
    "slot",
    "split",
]

NOBODY: Final[frozenset[WriteId]] = frozenset()
WHOLE: Final = ""
"""The slot of an inbox row that is about the whole item."""

READ: Final = "read"
"""Marks, in the inbox, what the next pull reads again."""

WAY: Final = "way"
"""Marks, in the inbox, a status that cannot be had, or was refused on the way there."""

UNDONE: Final = "undone"
"""Marks, in the inbox, what an undo left: quiet where it took an item back, which is not made again
by itself, else what it could not take back.
"""

LIFE_SLOT: Final = "*life"
_SEP: Final = "\x1f"


def slot(theirs: str, member: str = "") -> str:
    """Returns the name of one cell of an item, in the tracker's own words."""
    return f"{theirs}{_SEP}{member}" if member else theirs


def split(name: str) -> tuple[str, str]:
    """Returns the tracker's field and the member ("" for a single-valued field)."""
    theirs, _, member = name.partition(_SEP)
    return theirs, member


class Stand(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a field showed when last read, and the writes that this value stands for.

    Attributes:
        value: In the tracker's words; `PRESENT` for a member; None for absent.
        ids: Who changes this value has seen these writes.
        cursor: The last event of this field that the reading knew.
        own: It is the echo of a write of ours.
        flips: How often in a row the tracker put back what our write had replaced.
        flipped: When it did so last, in microseconds on the tracker's clock.
        was: What the field showed before our last write.
        apart: What other readings showed of which nobody knows whether they were before this one.
        origin: Where the field stood before our walk to another value, "" while there is none: what
            is shown on the way stands for the same writes.
    """

    value: str | None = None
    ids: frozenset[WriteId] = NOBODY
    cursor: str = ""
    own: bool = False
    flips: int = 0
    flipped: int = 0
    was: str | None = None
    apart: tuple[str | None, ...] = ()
    origin: str = ""


class Shadow(msgspec.Struct, frozen=True, array_like=True):
    """An item as last read.

    Attributes:
        stands: By slot.
        version: What the tracker compares an update with.
        seen: The time of the last event read, in microseconds on the tracker's clock.
        ticket: For comments and attachments, the ticket's id.
        gone: A tombstone was read.
        merged: The ticket that took this one's place.
        files: The ids of the attachments that were told.
        closed: It is a deletion of ours that the tombstone confirmed.
        reachable: The statuses that it offered, None where it does not tell.
        updated: When it had changed last, in microseconds on the tracker's clock.
        ours: What `updated` was after our last write to it, 0 if that is not known.
    """

    stands: dict[str, Stand] = {}
    version: str = ""
    seen: int = 0
    ticket: str = ""
    gone: bool = False
    merged: str = ""
    files: frozenset[str] = frozenset()
    closed: bool = False
    reachable: frozenset[str] | None = None
    updated: int = 0
    ours: int = 0


def dialect_of(shadow: Shadow) -> str:
    """Returns the markup of an item's texts as it was last read."""
    stand = shadow.stands.get("*dialect") or shadow.stands.get("dialect")
    return (stand.value if stand else None) or "plain"


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """A value on its way, and the writes that it carries.

    Attributes:
        answered: The tracker said yes, which proves nothing.
        via: The value that is written first, on the way to this one; "" for the value itself.
        fills: It was put in because the tracker demands something, and is nobody's word.
        undoes: It takes back what a run of ours wrote: when it is shown, the field goes on standing
            for the writes that it stood for, so that the next plan does not write them again.
        number: The request's line in the audit, 0 before it is asked.
        run: The run that it takes back, for people.
    """

    value: str | None
    ids: frozenset[WriteId] = NOBODY
    answered: bool = False
    was: str | None = None
    via: str = ""
    fills: bool = False
    undoes: bool = False
    number: int = 0
    run: str = ""


class Intent(msgspec.Struct, frozen=True, array_like=True):
    """A create that is on disk before it goes over the wire.

    Attributes:
        key: The name of the born record, carried inside the item where the tracker can.
        ticket: For comments and attachments, the ticket's id.
        sent: By slot.
        ref: The answer's id; "" while no answer came.
        number: Its line in the audit, and its row in the journal.
        created: When it was noted, in microseconds since 1970; 0 where an older hub noted it.
        view: Whose create it is, a job's or one of its remotes': another's query may not tell it.
    """

    key: RecordId
    ticket: str = ""
    sent: dict[str, Sent] = {}
    ref: str = ""
    number: int = 0
    created: int = 0
    view: str = ""


class ItemRow(msgspec.Struct, frozen=True, array_like=True):
    """Which item a record is.

    Attributes:
        born: It was made by somebody else than this hub; a copy of ours is not born.
        told: The replicated writes that this row and the item's shadow hold.
        undone: It was our copy, and an undo deleted it: it keeps no other copy away.
    """

    tracker: TrackerId
    kind: str
    ref: str
    ticket: str = ""
    born: bool = True
    told: tuple[WriteId, ...] = ()
    undone: bool = False


class PersonRow(msgspec.Struct, frozen=True, array_like=True):
    """A person as a tracker knows them."""

    name: str = ""
    email: str = ""


class Place(msgspec.Struct, frozen=True, array_like=True):
    """How far a job has come with a tracker.

    Attributes:
        cursor: From where the next pull asks.
        composed: Records that changed after this local number are looked at by the next plan.
        paired: The trackers with whose tickets this one's were paired.
        whole: A pull came to its end once, so that all is known that there was.
        local: Tickets of the database itself are looked at.
    """

    cursor: str = ""
    composed: int = 0
    paired: frozenset[TrackerId] = frozenset()
    whole: bool = False
    local: bool = False


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A row of the inbox.

    Attributes:
        parked: `value` is not sent again until it changes, or a person says so.
        until: What was known when a status was refused; it is tried again when that changes.
        quiet: Noted, but nobody need look.
        run: The run that was undone, of what is `UNDONE`.
    """

    number: int
    reason: str
    record: RecordId | None = None
    field: str = ""
    value: str | None = None
    since: int = 0
    tries: int = 1
    parked: bool = False
    quiet: bool = False
    pairing: str = ""
    tag: str = ""
    until: str = ""
    run: str = ""


class Journal(msgspec.Struct, frozen=True, array_like=True):
    """One write that a tracker was asked for.

    Attributes:
        ref: Of a create, what it made; "" while that is not known.
        before, after: By slot, in the tracker's words; what a later undo needs.
        outcome: `sent` until something is known, then as in `steps.Outcome`.
        causes: By slot, the writes that it carries: who wants it, and why, is told by them.
        undoes: The run that it takes back, "" for a write of its own.
        salt: Hashed with the values, so that nobody guesses them by what the audit says of them.
    """

    remote: str
    tracker: TrackerId
    job: str
    verb: str
    kind: str
    ref: str
    record: RecordId
    created: int
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    ticket: str = ""
    outcome: str = "sent"
    causes: dict[str, frozenset[WriteId]] = {}
    undoes: str = ""
    salt: bytes = b""
