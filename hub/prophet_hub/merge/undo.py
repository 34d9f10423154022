"""Undo as a pure function: which writes give cells back what undone changesets had replaced.

The inverse is what somebody would have written who saw those changesets and nothing after them.  It
supersedes only what is undone; so whatever was edited since stands beside it, as a conflict, and is
never lost.  The law of it: docs/design/001-the-law-of-merging.md, "Undo".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from prophet_hub.merge.cells import reach
from prophet_hub.merge.conflicts import CellState
from prophet_hub.model.changes import (
    EDIT,
    LIFE,
    LINKING,
    NOTED,
    PERSON,
    RECEIPT,
    VOTE,
    Cell,
    Write,
    is_delete,
)
from prophet_hub.model.ids import RecordId, WriteId, name_of
from prophet_hub.values import PRESENT, Value, order

__all__ = ["Inverse", "Look", "inverses"]

_NO_EDITS: Final = frozenset({RECEIPT, NOTED})
"""Which event is which write, and what was read of a tracker, is not anybody's to take back."""


class Look(NamedTuple):
    """What undoing needs to see of a replica.

    Attributes:
        cell: A cell as it stands, over all members of the record's class; None if it has no write.
        write: A write, one of all its renderings, None for an unknown one.
        written: All writes that stand in a raw record's cell.
        whole: The name of a record's class.
        family: The record under which a comment or an attachment goes away: its ticket; else the
            record's own name.
        births: The writes with which the first record of a class came into being, as one group.
    """

    cell: Callable[[Cell], CellState | None]
    write: Callable[[WriteId], Write | None]
    written: Callable[[Cell], Iterable[Write]]
    whole: Callable[[RecordId], RecordId]
    family: Callable[[RecordId], RecordId]
    births: Callable[[RecordId], Iterable[Collection[WriteId]]]


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
    joined: dict[Cell, dict[WriteId, Write]] = {}
    for w in undone:
        if w.cell.prop not in _NO_EDITS:
            write = look.write(w.id) or w
            cells.setdefault(w.cell, {})[w.id] = write
            joined.setdefault(_joined(w.cell, look), {})[w.id] = write
    before = {cell: _before(writes, look) for cell, writes in joined.items()}
    # a delete that comes back had seen what it saw the first time
    listed = {c: {i for one in _above(writes, look) for i in one.seen}
              for c, writes in joined.items() if c.prop == LIFE}  # fmt: skip
    unborn = {c.record for c, values in before.items() if c.prop == LIFE and None in values}
    # most are born without a word of their life
    edits: dict[RecordId, list[Write]] = {}
    for cell, writes in cells.items():
        if not _quiet(cell):
            edits.setdefault(cell.record, []).extend(writes.values())
    undone_ids = {i for writes in cells.values() for i in writes}
    spoken = {c.record for c in before if c.prop == LIFE}
    silent = [r for r in sorted(edits) if look.whole(r) not in spoken
              and _undoes_birth(look.births(r), undone_ids)]  # fmt: skip
    unborn |= {look.whole(record) for record in silent}
    seen: dict[RecordId, set[WriteId]] = {}
    for cell, writes in cells.items():
        seen.setdefault(look.family(cell.record), set()).update(writes)
    found = [_ended(r, edits[r], look, created, seen[look.family(r)]) for r in silent]
    for cell, writes in sorted(cells.items()):
        whole = _joined(cell, look)
        # a record that goes away keeps its properties, or its restoring would have none to show
        if whole.record not in unborn or cell.prop == LIFE or _quiet(cell):
            family = look.family(cell.record)
            made = _inverse(cell, writes, joined[whole].keys(), before[whole], look)
            known = tuple(sorted(seen[family] | listed.get(whole, set())))
            found.append(Inverse(cell, tuple(
                msgspec.structs.replace(w, created=created, seen=known if is_delete(w) else ())
                for w in made.writes
            ), made.since, family))  # fmt: skip
    return found


def _undoes_birth(births: Iterable[Collection[WriteId]], undone: Collection[WriteId]) -> bool:
    """Tells whether nothing stood on the class before what is undone."""
    known = [ids for ids in births if ids]
    return bool(known) and all(any(i in undone for i in ids) for ids in known)


def _ended(
    record: RecordId, writes: Sequence[Write], look: Look, created: int, seen: Collection[WriteId]
) -> Inverse:
    """Returns the delete of a raw record that was born by the writes, without a word of its life."""
    life = Cell(record, LIFE, "alive")
    state, family = look.cell(life), look.family(record)
    others = {h.value for h in state.heads} if state else set()
    name = _name(tuple(sorted(w.id for w in writes)), life, None)
    if others == {None} or any(w.id == name for w in look.written(life)):
        return Inverse(life, (), bool(others), family)
    rule = PERSON if others else EDIT  # what is left in conflict is left to a person
    delete = Write(name, life, writes[0].type, None, (), created, rule, tuple(sorted(seen)), None)
    return Inverse(life, (delete,), bool(others), family)


class _Made(NamedTuple):
    writes: list[Write]
    since: bool


def _inverse(
    cell: Cell, writes: Mapping[WriteId, Write], undone: Collection[WriteId], before: set[Value],
    look: Look,
) -> _Made:  # fmt: skip
    """Returns the writes that give a raw record's cell back what it had before."""
    state = look.cell(cell)
    heads = state.heads if state else ()
    mine = {h.value for h in heads if h.id in undone}
    others = {h.value for h in heads if h.id not in undone}
    if before == mine or (not mine and (_quiet(cell) or before == others)):
        return _Made([], bool(others))
    last = tuple(sorted(_last(writes)))
    if any(w.id == _name(last, w.cell, w.value) for w in look.written(cell)):
        return _Made([], bool(others))
    # what is left in conflict is left to a person
    rule = PERSON if len(before | others) > 1 else EDIT
    kind, shown = writes[last[0]].type, state.shown if state else None
    return _Made([
        Write(_name(last, cell, value), cell, kind, value, last, 0, rule, (), shown)
        for value in sorted(before, key=order)
    ], bool(others))  # fmt: skip


def _before(writes: Mapping[WriteId, Write], look: Look) -> set[Value]:
    """Returns the values that a cell had before the writes: several where it was in conflict."""
    above = _above(writes, look)
    if above:
        return {one.value for one in above}
    first = [w for w in writes.values() if not any(s in writes for s in w.supersedes)]
    # of a record that was deleted nobody may ever have said that it lived; it did
    return {PRESENT if is_delete(w) else w.old for w in first} or {None}


def _above(writes: Mapping[WriteId, Write], look: Look) -> list[Write]:
    """Returns the writes of the cell that were its heads before the writes, as far as they say."""
    above = {
        s: one
        for w in writes.values()
        for s in w.supersedes
        if s not in writes and (one := look.write(s)) and _same(one.cell, w.cell)
    }
    if len(above) > 1:
        behind = reach(above, lambda s: found.supersedes if (found := look.write(s)) else ())
        above = {s: one for s, one in above.items() if s not in behind} or above
    return list(above.values())


def _last(writes: Mapping[WriteId, Write]) -> Iterable[WriteId]:
    passed = {s for w in writes.values() for s in w.supersedes}
    return writes.keys() - passed or writes.keys()


def _name(last: tuple[WriteId, ...], cell: Cell, value: Value) -> WriteId:
    plain = value if value is None or isinstance(value, str) else [value.sha256, value.size]
    return WriteId(name_of("undo", last, cell.record, cell.prop, cell.member, plain))


def _joined(cell: Cell, look: Look) -> Cell:
    if cell.prop in LINKING:
        return cell
    return Cell(look.whole(cell.record), cell.prop, cell.member)


def _same(one: Cell, other: Cell) -> bool:
    return (one.prop, one.member) == (other.prop, other.member)


def _quiet(cell: Cell) -> bool:
    """Tells whether nobody is asked about the cell, so that no conflict may be left in it."""
    return cell.prop in LINKING or cell.prop.startswith(VOTE)
