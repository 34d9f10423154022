"""Drift, pure: where a tracker and what was read of it are not the same, and why.

What stands in the base is the shadow: each field as last read.  Compared are words of the tracker's
with words of the tracker's; nothing is translated, so no lossy map and no rendering looks like drift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prophet_hub.foreign.compose import shorten
from prophet_hub.foreign.rows import LIFE_SLOT, Shadow, split
from prophet_hub.foreign.stands import resolved
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import TICKET, FieldMap
from prophet_hub.values import PRESENT

__all__ = ["LOOKED_AT", "READ_AGAIN", "Drift", "Looked", "Why", "cause", "differing"]


class Why(StrEnum):
    """What a drift is; `TABLE` has the sentences."""

    UNREAD = "unread"
    LATE = "late"
    SILENT = "silent"
    BACK = "back"
    NEW = "new"
    OUTSIDE = "outside"
    GONE = "gone"
    MERGED = "merged"
    HIDDEN = "hidden"
    UNLISTED = "unlisted"
    RETURNED = "returned"
    REMOVED = "removed"
    UNBOUND = "unbound"
    UNDER_WAY = "under way"
    PENDING = "pending"
    UNWRITTEN = "unwritten"
    MISSING = "missing"
    DOUBLED = "doubled"
    WAITS = "waits"
    BYTES = "bytes"
    LEDGER = "ledger"


_SYNC: Final = "the next sync"
_HEAL: Final = "verify --heal"

TABLE: Final[Mapping[Why, tuple[str, str]]] = {
    Why.UNREAD: ("changed since it was last read", _SYNC),
    Why.LATE: ("changed since it was last read, and the tracker's list of changes does not tell it",
               _HEAL),
    Why.SILENT: ("changed while its time of change stood still, so no sync would have seen it", _HEAL),
    Why.BACK: ("went back to before what was read: was the tracker restored from a backup?",
               "verify --heal --yes, which takes the old values for new ones"),
    Why.NEW: ("is listed and was never read", _HEAL),
    Why.OUTSIDE: ("is listed by the query, which never told it: was the query widened?", _HEAL),
    Why.GONE: ("was deleted there, and no list of changes told it", _HEAL),
    Why.MERGED: ("became part of another ticket, and no list of changes told it", _HEAL),
    Why.HIDDEN: ("is not shown to this account any more: deleted or hidden, the tracker does not say",
                 "a person there; nothing is deleted for it"),
    Why.UNLISTED: ("is not listed any more, and was not asked for", "verify --deep asks for it"),
    Why.RETURNED: ("was deleted when it was last read, and is there again", _HEAL),
    Why.REMOVED: ("is not shown at its ticket any more", "a person; absence deletes nothing"),
    Why.UNBOUND: ("is bound to a record, and was never read", _HEAL),
    Why.UNDER_WAY: ("a write of ours went out, and no reading has told what became of it", _SYNC),
    Why.PENDING: ("changed here and is not written there yet", _SYNC),
    Why.UNWRITTEN: ("should have been written there, and no plan looks at it any more", _HEAL),
    Why.MISSING: ("should have been made there, and no plan looks at it any more", _HEAL),
    Why.DOUBLED: ("is one record with another ticket of the same tracker",
                  "a person: close one of them, or undo what joined them"),
    Why.WAITS: ("waits in the inbox", "prophet-hub inbox"),
    Why.BYTES: ("its bytes here are not those that were read", "a copy of the files from a backup"),
    Why.LEDGER: ("what is noted here of the tracker contradicts itself",
                 "a backup, or database check --rebuild"),
}  # fmt: skip
"""Cause -> (in words, what heals it)."""

READ_AGAIN: Final = frozenset({
    Why.LATE, Why.SILENT, Why.BACK, Why.NEW, Why.OUTSIDE, Why.GONE, Why.MERGED, Why.RETURNED,
    Why.HIDDEN, Why.UNBOUND,
})  # fmt: skip
"""What is healed by reading the ticket again; `BACK` only with a person's word."""

LOOKED_AT: Final = frozenset({Why.UNWRITTEN, Why.MISSING})
"""What is healed by a plan that looks at the record again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One thing in which a tracker and the base are not the same.

    Attributes:
        kind, ref, ticket: The item, as `sdk.Ref` has it; ref "" where it is still to be made.
        field: Our name of the field, "" for the whole item.
        base: What was last read, or what should be shown; their words, None for absent.
        shown: What the tracker shows.
        record: The record that the item is, None for none.
        reason: More than the cause's own words, "" for these alone.
        updated: When the ticket changed last, as it says now; 0 if it does not.
    """

    remote: str
    why: Why
    kind: str = TICKET
    ref: str = ""
    ticket: str = ""
    field: str = ""
    base: str | None = None
    shown: str | None = None
    record: RecordId | None = None
    reason: str = ""
    updated: int = 0

    @property
    def explained(self) -> str:
        """Why it is so, in words."""
        return self.reason or TABLE[self.why][0]

    @property
    def heals(self) -> str:
        """What heals it, in words."""
        return TABLE[self.why][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A remote was looked through.

    Attributes:
        listed: Tickets that its listing told.
        asked: Tickets that were asked for one by one, because something was odd about them.
        unasked: Tickets that left the query long ago and were not asked for.
    """

    remote: str
    listed: int
    asked: int
    unasked: int


def cause(shadow: Shadow, updated: int, last: int | None) -> Why:
    """Says why a ticket shows something else than was read, though no list of changes tells it.

    Args:
        shadow: As last read.
        updated: When it changed last, as it says now; 0 if it does not.
        last: The time of its last event now, None where events were not asked for.
    """
    if last is not None and last < shadow.seen:
        return Why.BACK
    if not (updated and shadow.updated):
        return Why.SILENT
    if updated == shadow.updated:
        return Why.SILENT
    return Why.LATE if updated > shadow.updated else Why.BACK


def differing(
    fields: FieldMap, shadow: Shadow, shown: Mapping[str, str],
    told: Callable[[str], bool] = lambda _: True,
) -> Iterator[tuple[str, str | None, str | None]]:  # fmt: skip
    """Yields (our field, what stands in the base, what is shown) of slots that differ.

    Args:
        fields: The table of the item's kind.
        shadow: As last read.
        shown: What the tracker shows now, by slot.
        told: Whether it tells of a field at all, by the tracker's name.
    """
    for name in sorted({*shadow.stands, *shown}):
        theirs, member = split(name)
        row = fields.theirs(theirs)
        if row is None or name.startswith(LIFE_SLOT) or not told(theirs):
            continue
        now = shown.get(name)
        stand = shadow.stands.get(name)
        held = resolved(stand, now) if stand else None
        if held and held.apart:
            continue  # two hubs read apart; it is read again anyway
        before = held.value if held else None
        if not row.same(before, now):
            yield row.ours, _word(before, member), _word(now, member)


def _word(value: str | None, member: str) -> str | None:
    return shorten(member if value == PRESENT and member else value)
