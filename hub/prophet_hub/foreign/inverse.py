"""What a run did to the items of a tracker, and what gives back what stood there before: pure.

The journal tells it write by write, in the tracker's words.  A field that a run wrote several times,
as on the way to a status, went from what stood there first to what was written last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from prophet_hub.foreign.rows import LIFE_SLOT, Journal, Stand
from prophet_hub.foreign.stands import is_hash
from prophet_hub.foreign.steps import NOT_DONE, Outcome, Verb
from prophet_hub.model.ids import RecordId, TrackerId

__all__ = ["Back", "Past", "Turn", "pasts", "turn"]

_SURE: Final = Outcome.DONE.value

Same = Callable[[str | None, str | None], bool]


@dataclass(slots=True)
class Back:
    """One field that a run wrote.

    Attributes:
        before: What it showed before the run.
        wrote: What the run may have left there: the last value that is sure, and those after it.
    """

    before: str | None
    wrote: list[str | None] = field(default_factory=list)


@dataclass(slots=True)
class Past:
    """What a run did to one item.

    Attributes:
        ref: "" for a create of which nobody knows what it made.
        created, deleted: What it did to the item itself.
        again: The delete was an undo: what it took back is made again.
        slots: What it wrote to an item that was there before.
    """

    kind: str
    ref: str
    ticket: str
    record: RecordId
    created: bool = False
    deleted: bool = False
    again: bool = False
    slots: dict[str, Back] = field(default_factory=dict)


class Turn:
    """What becomes of one field: words for why it stays, or one of these."""

    BACK: Final = ""
    NOTHING: Final = "*nothing"


def pasts(rows: Iterable[Journal], tracker: TrackerId) -> list[Past]:
    """Returns what a run did to the items of a tracker, in the order in which it came to them.

    What surely never happened is left out.
    """
    found: dict[tuple[str, str, RecordId], Past] = {}
    for row in rows:
        if row.tracker != tracker or row.outcome in NOT_DONE:
            continue
        key = row.kind, row.ref, row.record if not row.ref else RecordId(b"")
        past = found.get(key)
        if past is None:
            past = found[key] = Past(row.kind, row.ref, row.ticket, row.record)
        if row.verb == Verb.CREATE:
            past.created = True
        elif row.verb == Verb.DELETE:
            past.deleted, past.again = True, bool(row.undoes)
        elif not past.created:
            _wrote(past, row)
    return list(found.values())


def _wrote(past: Past, row: Journal) -> None:
    for name, after in row.after.items():
        if name == LIFE_SLOT:
            continue
        back = past.slots.setdefault(name, Back(row.before.get(name)))
        if row.outcome == _SURE:
            back.wrote.clear()
        back.wrote.append(after)


def turn(back: Back, stand: Stand, same: Same) -> str:
    """Says whether a field goes back to what it showed before, as a `Turn`, or why it stays.

    Only what the run wrote is taken back: what shows anything else was written since.  On the way
    to another status a ticket shows a station, and where it came from counts.
    """
    if any(word is not None and is_hash(word) for word in (back.before, *back.wrote)):
        return "what stood there before is not known here"
    shown = stand.origin or stand.value
    if same(stand.value, back.before):
        return Turn.NOTHING
    if any(same(shown, word) for word in back.wrote):
        return Turn.BACK
    return "it was written since"
