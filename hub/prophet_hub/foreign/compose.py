"""Writing, pure: what a remote's item needs so that it shows what the record shows.

Only cells with a head that their stand does not hold are encoded; what a lossy map or an unmapped
person would flatten stays as it is.  Nothing here sends or notes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from prophet_hub.engine.replica import CellState, Head
from prophet_hub.foreign.rows import Sent, Shadow, Stand, Waiting, slot, split
from prophet_hub.foreign.stands import Need, compose_cell
from prophet_hub.foreign.steps import FieldPlan
from prophet_hub.foreign.translate import CLOSED, Stranger, Unsaid, Words
from prophet_hub.foreign.workflow import Blocked, Way
from prophet_hub.model.ids import WriteId
from prophet_hub.sdk import Field, FieldMap, Kind, Ref, Update
from prophet_hub.sdk import Value as Word
from prophet_hub.values import PRESENT, Value

__all__ = [
    "Composed",
    "closes",
    "compose",
    "create_fields",
    "field_plan",
    "is_private",
    "shorten",
    "update_of",
]

_SHORT: Final = 240

Cells = Mapping[tuple[str, str], CellState]


@dataclass(slots=True)
class Composed:
    """What an item needs.

    Attributes:
        absorb: Stands that take the ids of all heads, for the tracker shows the value already.
        send: By slot.
        waits: Slot -> why it cannot be said now (nobody need look).
        strangers: Person -> the field in which nobody here is known as them.
        tripped: Slot -> the value of a cell that flips between two trackers.
        fields: `send` for people.
        way: How the status in `send` is reached, None where no status is sent.
        blocked: A status that cannot be had.
    """

    absorb: dict[str, Stand] = field(default_factory=dict)
    send: dict[str, Sent] = field(default_factory=dict)
    waits: dict[str, str] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)
    tripped: dict[str, str | None] = field(default_factory=dict)
    fields: list[FieldPlan] = field(default_factory=list)
    way: Way | None = None
    blocked: Blocked | None = None

    def meets(self, row: Field, why: Unsaid) -> None:
        """Notes whom a field would name, where nobody there is known so."""
        if isinstance(why, Stranger):
            self.strangers.setdefault(why.word, row.ours)


def compose(
    cells: Cells, fields: FieldMap, words: Words, *, shadow: Shadow | None,
    parked: Mapping[str, Waiting], text: Callable[[Value], str], creating: bool = False,
) -> Composed:  # fmt: skip
    """Says what an item needs; with `creating`, what a create of it carries."""
    found = Composed()
    stands = shadow.stands if shadow else {}
    for name, row, members in _slots(cells, fields, words, found):
        if not row.takes(new=creating):
            continue
        stand = stands.get(name, Stand())
        heads = _heads(members, creating=creating)

        def encode(value: Value, row: Field = row, shown: str | None = stand.value) -> str | None:
            ours = None if value is None else text(value)
            if ours and shown and row.kind is Kind.WORD and words.decode(row, shown) == ours:
                return shown  # another word of theirs for it: somebody chose it
            return _encoded(row, words, ours)

        def waits(value: str | None, name: str = name, row: Field = row) -> bool:
            held = parked.get(name)
            return held is not None and held.parked and row.same(held.value, value)

        try:
            need, value = compose_cell(heads, stand, encode=encode, same=row.same, parked=waits)
        except Unsaid as why:
            found.waits[name] = str(why)
            found.meets(row, why)
            continue
        new = frozenset[WriteId](head.id for head in heads)
        if need is Need.ABSORB:
            found.absorb[name] = msgspec.structs.replace(
                stand, ids=stand.ids | new, was=stand.value, origin=""
            )
        elif need is Need.SEND:
            found.send[name] = Sent(value, new, was=stand.value)
            found.fields.append(field_plan(name, row, stand.value, value))
        elif need is Need.TRIPPED:
            found.tripped[name] = value
    return found


def _encoded(row: Field, words: Words, ours: str | None) -> str | None:
    """Returns what a slot has to show; to clear what a tracker cannot be without is its default."""
    if row.kind.many:
        return None if ours is None else PRESENT
    if ours is None:
        return row.default or None
    return words.encode(row, ours)


def _slots(
    cells: Cells, fields: FieldMap, words: Words, found: Composed
) -> Iterable[tuple[str, Field, list[CellState]]]:
    """Yields the tracker's slots with our cells that say them; what cannot be said waits."""
    groups: dict[str, tuple[Field, list[CellState]]] = {}
    for (prop, member), cell in sorted(cells.items()):
        row = fields.ours(prop)
        if row is None or bool(member) is not row.kind.many:
            continue
        name = row.theirs
        if member:
            try:
                name = slot(row.theirs, words.encode(row, member))
            except Unsaid as why:
                if cell.shown is not None:
                    found.waits[slot(row.theirs, member)] = str(why)
                    found.meets(row, why)
                continue
        groups.setdefault(name, (row, []))[1].append(cell)
    for name, (row, members) in groups.items():
        yield name, row, members


def _heads(members: list[CellState], *, creating: bool) -> list[Head]:
    """Returns the heads of a slot; a member is there if any of our cells for it is shown present.

    Cells that share a word of the tracker's and do not agree are as one cell with the present value;
    a cell in conflict leaves its heads as they are, and so the slot is kept.
    """
    heads = [head for cell in members for head in cell.heads]
    if creating and all(head.value is None for head in heads):
        return []  # a create says nothing of what is absent
    if len(members) == 1 or any(cell.conflict for cell in members):
        return heads
    shown = next((cell.shown for cell in members if cell.shown is not None), None)
    return [msgspec.structs.replace(head, value=shown) for head in heads]


def field_plan(name: str, row: Field, before: str | None, after: str | None) -> FieldPlan:
    """Returns a slot as a plan shows it."""
    theirs, member = split(name)
    if member:
        before, after = (before and member), (after and member)
    return FieldPlan(ours=row.ours, theirs=theirs, before=shorten(before), after=shorten(after))


def shorten(value: str | None) -> str | None:
    """Returns a value as a plan shows it: long texts by their beginning and length."""
    if value is None or len(value) <= _SHORT:
        return value
    return f"{value[:_SHORT]}… ({len(value):,} characters)"


def closes(fields: FieldMap, send: Mapping[str, Sent], words: Words) -> bool:
    """Tells whether an update takes an open ticket to a closed status."""
    row = fields.ours("status")
    sent = send.get(row.theirs) if row else None
    if row is None or sent is None or sent.value is None:
        return False
    before = words.decode(row, sent.was) if sent.was else ""
    return words.decode(row, sent.value) in CLOSED and before not in CLOSED


def is_private(cells: Cells, kind: str, ticket: str) -> bool:
    """Tells whether an item must not reach an audience wider than its own.

    Any head that says so is enough, and a comment or attachment that says nothing is private.
    """
    cell = cells.get(("private", ""))
    if cell is None:
        return kind != ticket
    return any(head.value not in {"no", None} for head in cell.heads) or (
        kind != ticket and cell.shown is None
    )


def create_fields(send: Mapping[str, Sent]) -> dict[str, Word]:
    """Returns the fields of a create, members gathered into sets."""
    plain: dict[str, Word] = {}
    sets: dict[str, set[str]] = {}
    for name, sent in send.items():
        theirs, member = split(name)
        if member:
            sets.setdefault(theirs, set()).add(member)
        elif sent.value is not None:
            plain[theirs] = sent.value
    return plain | {theirs: frozenset(members) for theirs, members in sets.items()}


def update_of(
    ref: Ref, send: Mapping[str, Sent], stands: Mapping[str, Stand], version: str
) -> Update:
    """Returns the update that sends these slots."""
    changes: dict[str, str | None] = {}
    added: dict[str, set[str]] = {}
    removed: dict[str, set[str]] = {}
    before: dict[str, Word] = {}
    for name, sent in send.items():
        theirs, member = split(name)
        if member:
            (added if sent.value is not None else removed).setdefault(theirs, set()).add(member)
            held = {m for t, m in map(split, stands) if t == theirs and m}
            before[theirs] = frozenset(m for m in held if stands[slot(theirs, m)].value is not None)
        else:
            changes[theirs] = sent.value
            shown = stands.get(name)
            if shown and shown.value is not None:
                before[theirs] = shown.value
    return Update(
        ref=ref,
        changes=changes,
        added={t: frozenset(m) for t, m in added.items()},
        removed={t: frozenset(m) for t, m in removed.items()},
        before=before,
        version=version,
    )
