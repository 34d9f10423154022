"""Undo as a pure function: which writes give cells back what undone changesets had replaced.

The inverse is what somebody would have written who saw those changesets and nothing after them.  It
supersedes only what is undone; so whatever was edited since stands beside it, as a conflict, and is
never lost.  The law of it: docs/design/001-the-law-of-merging.md, "Undo".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from prophet_hub.merge.conflicts import CellState
from prophet_hub.model.changes import LIFE, LINKING, PERSON, RECEIPT, VOTE, Cell, Write
from prophet_hub.model.ids import RecordId, WriteId, name_of
from prophet_hub.values import PRESENT, Value, order

__all__ = ["Inverse", "Look", "inverses"]


class Look(NamedTuple):
    """What undoing needs to see of a replica.

    Attributes:
        cell: A cell as it stands, None if it has no write.
        write: A write, one of all its renderings, None for an unknown one.
        family: The record under which a comment or an attachment goes away: its ticket; else the
            record's own name.
    """

    cell: Callable[[Cell], CellState | None]
    write: Callable[[WriteId], Write | None]
    family: Callable[[RecordId], RecordId]


class Inverse(NamedTuple):
    """What undoing does to one cell.

    Attributes:
        writes: What is to be written: one write per value that comes back; none where the cell
            shows that value already, was undone before, or where a link or vote was written since.
        since: Whether the cell was written since, so that the values stand beside that.
        family: Under which all this belongs.
    """

    cell: Cell
    writes: tuple[Write, ...]
    since: bool
    family: RecordId


def inverses(undone: Iterable[Write], look: Look, created: int) -> list[Inverse]:
    """Returns what undoes the writes, all together, cell by cell.

    Undone again, they give nothing: an inverse is named by what it undoes.  What the writes of one
    cell made of one another is passed over: the cell goes back to before the first of them.
    """
    cells: dict[Cell, dict[WriteId, Write]] = {}
    for w in undone:
        if w.cell.prop != RECEIPT:  # who an event was is no edit
            cells.setdefault(w.cell, {})[w.id] = look.write(w.id) or w
    before = {cell: _before(writes, look) for cell, writes in cells.items()}
    unborn = {
        cell.record for cell, values in before.items() if cell.prop == LIFE and None in values
    }
    seen: dict[RecordId, set[WriteId]] = {}
    for cell, writes in cells.items():
        seen.setdefault(look.family(cell.record), set()).update(writes)
    return [
        _inverse(cell, writes, before[cell], look, created, seen)
        for cell, writes in sorted(cells.items())
        # a record that goes away keeps its properties, or its restoring would have none to show
        if cell.record not in unborn or cell.prop == LIFE or _quiet(cell)
    ]


def _inverse(
    cell: Cell, writes: Mapping[WriteId, Write], before: set[Value], look: Look, created: int,
    seen: Mapping[RecordId, set[WriteId]],
) -> Inverse:  # fmt: skip
    family = look.family(cell.record)
    state = look.cell(cell)
    heads = state.heads if state else ()
    mine = {h.value for h in heads if h.id in writes}
    others = {h.value for h in heads if h.id not in writes}
    if before == mine or (not mine and (_quiet(cell) or before == others)):
        return Inverse(cell, (), bool(others), family)
    last = tuple(sorted(_last(writes)))
    # what is left in conflict is left to a person
    rule = PERSON if len(before | others) > 1 else ""
    made = []
    for value in sorted(before, key=order):
        name = WriteId(name_of("undo", last, cell.record, cell.prop, cell.member, _plain(value)))
        if look.write(name) is None:
            taken = cell.prop == LIFE and value is None
            made.append(Write(
                name, cell, writes[last[0]].type, value, last, created, rule,
                tuple(sorted(seen[family])) if taken else (), state.shown if state else None,
            ))  # fmt: skip
    return Inverse(cell, tuple(made), bool(others), family)


def _before(writes: Mapping[WriteId, Write], look: Look) -> set[Value]:
    """Returns the values that a cell had before the writes: several where it was in conflict."""
    found: set[Value] = set()
    for w in writes.values():
        if any(s in writes for s in w.supersedes):
            continue
        above = [one for s in w.supersedes if (one := look.write(s)) and _same(one.cell, w.cell)]
        if above:
            found |= {one.value for one in above}
        elif w.cell.prop == LIFE and w.value is None:
            found.add(PRESENT)  # nobody said that it lived; it did
        else:
            found.add(w.old)
    return found or {None}


def _last(writes: Mapping[WriteId, Write]) -> Iterable[WriteId]:
    passed = {s for w in writes.values() for s in w.supersedes}
    return writes.keys() - passed or writes.keys()


def _same(one: Cell, other: Cell) -> bool:
    return (one.prop, one.member) == (other.prop, other.member)


def _quiet(cell: Cell) -> bool:
    """Tells whether nobody is asked about the cell, so that no conflict may be left in it."""
    return cell.prop in LINKING or cell.prop.startswith(VOTE)


def _plain(value: Value) -> object:
    return value if value is None or isinstance(value, str) else [value.sha256, value.size]
