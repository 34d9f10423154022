"""What a plan looks like: its operations in order, in words for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from prophet_hub.engine.replica import CellState
from prophet_hub.foreign.compose import Composed, closes, shorten
from prophet_hub.foreign.fill import Fill
from prophet_hub.foreign.side import Side, record_of
from prophet_hub.foreign.steps import FieldPlan, Planned, Verb
from prophet_hub.foreign.workflow import digest
from prophet_hub.model import ids
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import ATTACHMENT, TICKET, Kind, Ref
from prophet_hub.values import PRESENT

__all__ = ["Cells", "Notes", "fingerprint", "in_order", "linked", "new_ref", "planned"]

Cells = Mapping[tuple[str, str], CellState]


@dataclass(slots=True)
class Notes:
    """What a plan writes down in the ledger; nothing of it is sent."""

    todo: list[Callable[[], None]] = field(default_factory=list)
    creates: dict[RecordId, Planned] = field(default_factory=dict)
    rest: dict[RecordId, list[tuple[tuple[bool, str], Planned]]] = field(default_factory=dict)
    links: dict[RecordId, set[RecordId]] = field(default_factory=dict)
    deletes: list[Planned] = field(default_factory=list)
    seen: set[RecordId] = field(default_factory=set)

    def add(self, ticket: RecordId, place: tuple[bool, str], new: Planned) -> None:
        """Puts an operation under its ticket; one reading confirms all that is made in a ticket."""
        known = self.rest.setdefault(ticket, [])
        if _is_made_inside(new) and any(_is_made_inside(one) for _, one in known):
            new = replace(new, requests=new.requests - 1)
        known.append((place, new))


def _is_made_inside(one: Planned) -> bool:
    return one.verb is Verb.CREATE and one.ref.kind != TICKET


def new_ref(kind: str, record: RecordId) -> tuple[str, str]:
    """Returns under what the inbox keeps a record that is not there yet."""
    return kind, f"new:{record.hex()}"


def planned(
    side: Side, verb: Verb, record: RecordId, ref: Ref, cells: Cells, need: Composed
) -> Planned:
    """Returns one operation as a plan shows it."""
    summary = cells.get(("summary", "")) or cells.get(("name", "")) or cells.get(("body", ""))
    fields = tuple(need.fields) or _names(cells, ref.kind, verb)
    reads = 0 if side.able.conditional or verb is Verb.CREATE else 1
    steps = len(need.way.steps) if need.way else 1
    return Planned(
        remote=side.spec.name,
        verb=verb,
        record=record,
        ref=ref,
        title=shorten(side.text(summary.shown)) or "" if summary else "",
        fields=fields,
        closes=verb is Verb.UPDATE
        and ref.kind == TICKET
        and closes(side.fields[TICKET], need.send, side.words),
        notifies=side.able.notifies,
        requests=2 * steps + reads,
    )


def linked(side: Side, record: RecordId, cells: Cells) -> Iterator[RecordId]:
    """Yields the records that a ticket links to, by a field or in its texts."""
    for (prop, member), cell in cells.items():
        row = side.fields[TICKET].ours(prop)
        if row and row.kind is Kind.LINKS and cell.shown == PRESENT:
            other = record_of(member)
            if other:
                yield side.replica.name(other)
        elif row and row.kind is Kind.LONG and cell.shown is not None and side.texts.refers:
            home = side.home(record)
            for ticket in side.texts.tickets(side.text(cell.shown), home):
                if home.tracker and ticket != home.ticket:
                    yield side.replica.name(ids.of_item(home.tracker, TICKET, ticket))


def in_order(
    side: Side, creates: Mapping[RecordId, Planned], links: Mapping[RecordId, set[RecordId]]
) -> Iterator[Planned]:
    """Yields the creates, those that others link to first; what a circle leaves comes later."""
    done: set[RecordId] = set()
    late: list[Planned] = []
    for start in creates:
        stack = [start]
        while stack:
            record = stack[-1]
            if record in done:
                stack.pop()
                continue
            before = [r for r in links[record] if r in creates and r not in done and r not in stack]
            if before:
                stack.append(before[0])
                continue
            done.add(stack.pop())
            planned = creates[record]
            yield planned
            open_links = [r for r in links[record] if r in creates and r not in done]
            if open_links:
                late.append(planned)
    for planned in late:
        update = _link_update(side, planned)
        if update.fields:  # an address stands in a text whose tickets refer to one another
            yield update


def _link_update(side: Side, planned: Planned) -> Planned:
    cells = side.replica.cells(planned.record)
    fields = []
    for (prop, member), cell in cells.items():
        row = side.fields[TICKET].ours(prop)
        if row and row.kind is Kind.LINKS and cell.shown == PRESENT:
            fields.append(FieldPlan(ours=prop, theirs=row.theirs, before=None, after=f"→ {member}"))
    return replace(planned, verb=Verb.UPDATE, fields=tuple(fields))


def fingerprint(cells: Cells, fill: Fill) -> str:
    """Returns a text that changes when what would be created changes, or what is filled in."""
    heads = sorted(head.id.hex()[:12] for cell in cells.values() for head in cell.heads)
    return ",".join([*heads, *([digest(fill.create, fill.entering)] if fill != Fill() else [])])


def _names(cells: Cells, kind: str, verb: Verb) -> tuple[FieldPlan, ...]:
    """Returns what a plan says of an attachment, which is carried whole."""
    name = cells.get(("name", ""))
    if kind != ATTACHMENT or verb is not Verb.CREATE or not name or not isinstance(name.shown, str):
        return ()
    return (FieldPlan(ours="name", theirs="name", before=None, after=name.shown),)
