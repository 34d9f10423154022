"""Conflicts as values, and the one conflict that is not in a cell's own heads: edited after delete."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from prophet_hub.merge.cells import Edges, Head, distinct, reach, shown_of
from prophet_hub.model.changes import NOTED
from prophet_hub.model.ids import RecordId, WriteId
from prophet_hub.values import PRESENT, Value

__all__ = ["CellState", "Conflict", "dead", "late", "state_of"]


class CellState(msgspec.Struct, frozen=True):
    """One cell of a record's class.

    Attributes:
        shown: What the law shows.
        heads: Sorted by write id.
    """

    prop: str
    member: str
    shown: Value
    conflict: bool
    heads: tuple[Head, ...]


class Conflict(msgspec.Struct, frozen=True):
    """A cell with several distinct values among its heads, or a life edited after its delete."""

    record: RecordId
    type: str
    cell: CellState


def state_of(prop: str, member: str, heads: tuple[Head, ...], *, late: bool = False) -> CellState:
    """Returns the cell with these heads; a life that was edited after its delete is shown alive."""
    if late:
        return CellState(prop, member, PRESENT, True, heads)
    conflict = prop != NOTED and len(heads) > 1 and len(distinct(heads)) > 1
    return CellState(prop, member, shown_of(heads, member), conflict, heads)


def dead(heads: Sequence[Head]) -> bool:
    """Tells whether all heads of a life take it."""
    return bool(heads) and all(h.value is None for h in heads)


def late(
    seen: Collection[WriteId],
    present: Iterable[Head],
    edges: Edges,
    settled: Callable[[WriteId], Collection[WriteId] | None],
) -> set[WriteId]:
    """Returns the heads that a deleted record's deletes did not see: its edits after the delete.

    Args:
        seen: The united lists of the deletes; whatever these knew was seen as well.
        present: The heads of the record's other cells, its comments' and attachments'.
        edges: What a write supersedes, receipts applied.
        settled: For a write that an automatic rule made the writes that it settled, else None: a
            rule edits nothing, it counts as those.
    """
    known = set(seen) | reach(seen, edges)
    waiting = [h.id for h in present]
    found: set[WriteId] = set()
    met: set[WriteId] = set()
    while waiting:
        write = waiting.pop()
        if write in known or write in met:
            continue
        met.add(write)
        behind = settled(write)
        if behind is None:
            found.add(write)
        else:
            waiting.extend(behind)
    return found
