"""The law's heart: which writes of a cell count, and what the cell shows.

Everything here is a pure function of writes and of who knew whom; the engine calls it wherever its
own shortcut is not enough, and the tests call it for everything.
The law and its proof: docs/design/001-the-law-of-merging.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from prophet_hub.model.changes import EDIT, PERSON, Write
from prophet_hub.model.ids import RecordId, WriteId
from prophet_hub.values import PRESENT, Value, order

__all__ = [
    "Edges",
    "Head",
    "distinct",
    "head_of",
    "heads_of",
    "one_write",
    "pasts",
    "reach",
    "shown_of",
]

Edges = Callable[[WriteId], Collection[WriteId]]
"""Gives the writes that a write supersedes, wherever its name stands; empty for an unknown one."""


class Head(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A head of a cell, as far as deciding needs it.

    Attributes:
        record: The raw record on which it was made; its class may have another name.
    """

    id: WriteId
    value: Value
    created: int
    rule: str
    record: RecordId

    @property
    def automatic(self) -> bool:
        """Whether a rule wrote it, which is nobody's word."""
        return self.rule not in (EDIT, PERSON)


def head_of(write: Write) -> Head:
    """Returns what a cell keeps of a write that is a head of it."""
    return Head(write.id, write.value, write.created, write.rule, write.cell.record)


def one_write(copies: Sequence[Write]) -> Write:
    """Returns one write from all the places where its name stands.

    Several values under one name are renderings of one fact: supersessions and seen lists are
    united, the earliest date holds, the least value is shown.  The least of the rest is taken as
    well, so that the answer does not depend on the order of the places.
    """
    if len(copies) == 1:
        return copies[0]
    least = min(copies, key=lambda w: (order(w.value), w.cell, w.rule, w.type))
    above = {s for w in copies for s in w.supersedes}
    seen = {s for w in copies for s in w.seen}
    return msgspec.structs.replace(
        least,
        supersedes=tuple(sorted(above)),
        seen=tuple(sorted(seen)),
        created=min(w.created for w in copies),
    )


def reach(start: Iterable[WriteId], edges: Edges) -> set[WriteId]:
    """Returns all that the writes knew: what supersessions lead to, through any cell.

    A write of `start` is in it only if another one, or a circle, leads back to it.
    """
    reached: set[WriteId] = set()
    waiting = [above for write in start for above in edges(write)]
    while waiting:
        write = waiting.pop()
        if write not in reached:
            reached.add(write)
            waiting.extend(edges(write))
    return reached


def pasts(ids: Iterable[WriteId], edges: Edges) -> dict[WriteId, set[WriteId]]:
    """Returns for each of the writes what it knew."""
    return {write: reach((write,), edges) for write in ids}


def heads_of(writes: Sequence[Write], edges: Edges) -> tuple[Write, ...]:
    """Returns the heads of a cell, sorted by id: the writes that no other one of the cell knew of.

    An automatic write is also known to whoever knew all that it settled.  Writes that knew one
    another (a circle, two rules over the same heads) do not die of it: to know is a preorder, and
    its maximal elements are the heads, so a cell with writes always has one.

    `writes` are all writes of the cell, each id once.
    """
    if len(writes) == 1:
        return tuple(writes)
    ids = {w.id for w in writes}
    if not any(w.automatic for w in writes) and not _circular(ids, edges):
        below = reach(ids, edges)
        return tuple(sorted((w for w in writes if w.id not in below), key=_by_id))
    past = pasts(ids, edges)

    def knew(one: Write, other: Write) -> bool:
        mine = past[one.id]
        return other.id in mine or (other.automatic and past[other.id] <= mine)

    def superseded(write: Write) -> bool:
        return any(knew(o, write) and not knew(write, o) for o in writes)

    return tuple(sorted((w for w in writes if not superseded(w)), key=_by_id))


def shown_of(heads: Sequence[Head | Write], member: str) -> Value:
    """Returns what a cell shows, a function of its heads alone.

    A set member (a life, a link) is present if anybody says so; else the newest head by (created,
    write id) is shown.
    """
    if not heads:
        return None
    if member and any(h.value is not None for h in heads):
        return PRESENT
    if len(heads) == 1:
        return heads[0].value
    return max(heads, key=lambda h: (h.created, h.id)).value


def distinct(heads: Sequence[Head | Write]) -> set[Value]:
    """Returns the values that the heads give: several are a conflict."""
    return {h.value for h in heads}


def _by_id(write: Write) -> WriteId:
    return write.id


def _circular(ids: Iterable[WriteId], edges: Edges) -> bool:
    """Tells whether supersessions lead in a circle anywhere behind the writes."""
    done: set[WriteId] = set()
    for start in ids:
        if start in done:
            continue
        path = {start}
        stack = [(start, iter(edges(start)))]
        while stack:
            write, above = stack[-1]
            for one in above:
                if one in path:
                    return True
                if one not in done:
                    path.add(one)
                    stack.append((one, iter(edges(one))))
                    break
            else:
                stack.pop()
                path.discard(write)
                done.add(write)
    return False
