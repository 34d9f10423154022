"""The two rules of the bridge, pure: what one field told, and what one field needs.

What a tracker's field shows stands for a set of writes (its `Stand`).  A person who then changes
that field has seen those writes and no others.  To read is to move the stand and to say why; to
write is to make it hold the present heads; to confirm is to read.

Design, section 5; docs/design/002-the-bridge.md says what was found about each rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import Final

import msgspec

from prophet_hub.engine.replica import Head
from prophet_hub.foreign.rows import NOBODY, Sent, Stand
from prophet_hub.foreign.translate import Step
from prophet_hub.model.ids import WriteId
from prophet_hub.values import Value

__all__ = [
    "FLIPS",
    "CellReading",
    "Need",
    "compose_cell",
    "hashed",
    "is_hash",
    "resolved",
    "transcribe_cell",
]

FLIPS: Final = 5
"""Times that a tracker may put back what we replaced, in a row and within days of one another."""

_DAY: Final = 86_400_000_000
_LONG: Final = 100
_HASH: Final = "\x1bsha256:"

Ids = frozenset[WriteId]


@dataclass(slots=True)
class CellReading:
    """What one field told.

    Attributes:
        told: How many writes it told.
        receipts: (event, the writes that this event is).
        refused: The value that the tracker took in silence and did not show.
        landed: Our write under way was shown, now or in between.
    """

    stand: Stand
    told: int = 0
    receipts: list[tuple[str, Ids]] = field(default_factory=list)
    refused: bool = False
    landed: bool = False


def transcribe_cell(  # noqa: C901, PLR0912, PLR0915 - one story: its rules have an order
    now: str | None, story: Sequence[Step], name: str, stand: Stand | None, sent: Sent | None, *,
    start: int, mine: Callable[[Step], bool], same: Callable[[str | None, str | None], bool],
    fact: Callable[[Step | None, str | None, Ids, str | None], Ids],
    birth_of_ours: Callable[[str | None], Ids | None], time: int,
    echo: Callable[[str | None, str | None], bool] | None = None,
) -> CellReading:  # fmt: skip
    """Tells what happened to one field since its stand.  Told again, it tells nothing.

    Args:
        now: What the field shows.
        story: All steps that touched the field, oldest first.
        name: The slot.
        stand: The last reading; None on first sight of the item.
        sent: Our write under way.
        start: How many steps of the story the stand knows.
        mine: Whether our own account did a step.
        same: Whether two of the tracker's words are one value.
        fact: Names a write (step or None, value, what it supersedes, old) and returns its ids.
        birth_of_ours: On first sight: what a birth value stands for if it is an echo, else None.
        time: Of the reading, for what no event dates.
        echo: As `same`, where more may be forgiven to a first sight of what we just sent.
    """
    found = CellReading(stand or Stand())
    last = story[-1].id if story else found.stand.cursor
    asked = sent

    def stands(value: str | None, ids: Ids, sent: Sent | None = None, at: int = time) -> None:
        old = found.stand
        if sent is not None:
            found.landed |= sent is asked
            found.stand = Stand(value, ids, last, True, old.flips, old.flipped, sent.was)
            return
        flips = 0
        if old.own and not same(old.was, old.value) and same(value, old.was):
            flips = old.flips + 1 if at - old.flipped < _DAY else 1
        found.stand = Stand(value, ids, last, False, flips, at if flips else 0)

    def passes(value: str | None) -> None:
        """A station of ours on the way: it stands for what stood there before."""
        found.landed = asked is not None
        old = found.stand
        origin = old.origin or old.value or ""
        origin = "" if same(value, origin) else origin
        found.stand = msgspec.structs.replace(old, value=value, own=False, origin=origin)

    def tells(step: Step | None, value: str | None, above: Ids, old: str | None) -> None:
        found.told += 1
        at = step.created if step else time
        stands(value, fact(step, value, above, old), at=at)

    def arrives(steps: Sequence[Step]) -> bool:
        """Whether a create of several requests comes to its value in these steps."""
        if sent is None:
            return False
        if same(now, sent.value) and all(map(mine, steps)):
            return True  # partial history may leave the last one out
        return any(mine(step) and same(step.changes[name][1], sent.value) for step in steps)

    if stand is None:  # "what no event told belongs to the birth"
        birth = story[0].changes[name][0] if story else now
        ours = birth_of_ours(birth)
        if ours is None and arrives(story):
            ours = NOBODY
        if sent and (echo or same)(birth, sent.value):
            stands(birth, sent.ids, sent)
            sent = None
        elif ours is not None:
            stands(birth, ours, Sent(birth, was=birth))  # what was sent may follow
        else:
            sent = None
            if birth is not None:
                tells(None, birth, NOBODY, None)
    for at, step in enumerate(story[start:], start + 1):
        old, new = step.changes[name]
        shown, above = found.stand.value, found.stand.ids
        if sent and sent.via and mine(step) and same(new, sent.via):
            passes(new)
            sent = None
            continue
        if sent and mine(step) and same(new, sent.value):
            if not (sent.fills or sent.undoes):  # nobody's word
                found.receipts.append((step.id, sent.ids))
            stands(new, sent.ids, sent)
            sent = None
            continue
        if stand is None and mine(step) and arrives(story[at:]):
            passes(new)
            continue
        if sent and same(old, sent.value) and not same(old, shown):
            above, sent, found.landed = sent.ids, None, True  # partial history left our own out
        if not (same(old, new) and same(new, shown)):
            tells(step, new, above, old)
    if stand is None and sent and not same(now, sent.value):
        sent = None  # what a create left undone is sent anew
    shown, above = found.stand.value, found.stand.ids
    if not same(now, shown):
        if sent and sent.via and same(now, sent.via):
            passes(now)
        elif sent and same(now, sent.value):
            stands(now, sent.ids, sent)
        else:
            tells(None, now, above, shown)  # beside whatever is under way
    elif sent and same(now, sent.value):
        stands(now, sent.ids | above, sent)
    elif sent and not found.told and sent.answered:
        found.refused = True
    apart = found.stand.apart
    if not (found.told or found.stand.own or all(same(word, now) for word in apart)):
        tells(None, now, found.stand.ids, shown)  # two hubs read apart: this is after both
    if apart or found.stand.cursor != last:
        found.stand = msgspec.structs.replace(found.stand, cursor=last, apart=())
    return found


def hashed(word: str | None) -> str | None:
    """Returns how a word travels to other hubs: a long one by its hash, to be compared."""
    if word is None or len(word) <= _LONG or is_hash(word):
        return word
    return _HASH + sha256(word.encode()).hexdigest()


def is_hash(word: str) -> bool:
    """Tells whether a word stands for a longer one that another hub read."""
    return word.startswith(_HASH)


def resolved(stand: Stand, shown: str | None) -> Stand:
    """Returns a stand with the word itself where it holds the hash of what is shown."""
    if stand.value is None or not is_hash(stand.value) or hashed(shown) != stand.value:
        return stand
    return msgspec.structs.replace(stand, value=shown)


class Need(Enum):
    """What one field of a remote needs."""

    KEEP = "keep"  # it stands for all heads, or they disagree, or it waits
    ABSORB = "absorb"  # it shows the value already: the stand takes the ids of all heads
    SEND = "send"
    TRIPPED = "tripped"  # it flips between two trackers: a person must look


def compose_cell(
    heads: Sequence[Head], stand: Stand, *, encode: Callable[[Value], str | None],
    same: Callable[[str | None, str | None], bool], parked: Callable[[str | None], bool],
) -> tuple[Need, str | None]:  # fmt: skip
    """Says what one field needs, and the value in the tracker's words.

    A cell in conflict is never pushed.  Agreement needs no request.  A stand that holds all heads is
    left alone, whatever the map says today, so a changed map moves nothing by itself.
    """
    values = {head.value for head in heads}
    if len(values) != 1 or all(head.id in stand.ids for head in heads):
        return Need.KEEP, None
    value = encode(values.pop())
    if same(value, stand.value):
        return Need.ABSORB, value
    if parked(value):
        return Need.KEEP, None
    return (Need.TRIPPED if stand.flips >= FLIPS else Need.SEND), value
