"""Commands for what a person must decide: `conflicts`, `resolve`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, counted, shown_time
from prophet_hub.cli.views import Views, parsed_field
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import text
from prophet_hub.values import PRESENT, Stored, Value, from_micros

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Conflict, Head

__all__ = ["conflicts", "resolve"]

_SHORT = 60
_PRESENT = {"present": PRESENT, "alive": PRESENT, "yes": PRESENT,
            "absent": None, "deleted": None, "no": None}  # fmt: skip


def conflicts(
    ctx: typer.Context,
    ticket: Annotated[
        str, typer.Argument(metavar="TICKET", help="Only this ticket's.", show_default=False)
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Lists the conflicts that wait for a person."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(ticket) if ticket else None
        found = list(views.conflicts(record))
        if as_json:
            desk.json([_data(views, one) for one in found])
            return
        for one in found:
            name = _field(one)
            desk.say(f"{views.number(one.record)}  {name}  {clean(views.title(one.record))}")
            desk.table([
                ("   ", str(n), views.short(choice.value, one.cell.prop)[:_SHORT],
                 views.said(choice.head), shown_time(choice.head.created))
                for n, choice in enumerate(_choices(one), 1)
            ])  # fmt: skip
        if found:
            first = f"{views.number(found[0].record).removeprefix('#')} {_field(found[0])}"
            desk.say(
                f"{counted(len(found), 'conflict')}. Decide with: prophet-hub resolve {first} --take 1"
            )


def resolve(
    ctx: typer.Context,
    ticket: Annotated[
        str,
        typer.Argument(metavar="TICKET", help="5, rt-main#42 or a uuid.", show_default=False),
    ] = "",
    field: Annotated[
        str,
        typer.Argument(metavar="FIELD", help="status, labels=urgent, or life.", show_default=False),
    ] = "",
    take: Annotated[
        str,
        typer.Option(metavar="WHICH", help="A number of the list, a remote's name, or newest."),
    ] = "",
    value: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="A value of your own.", show_default=False),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Nothing shall stand there.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Decides every conflict; with a ticket, all of its own.")
    ] = False,
) -> None:
    """Decides a conflict, once and for every remote."""
    desk: Desk = ctx.obj
    _said_once(ticket, field, take, value, clear=clear, every=every)
    with desk.replica(write=True) as replica:
        views = Views(replica)
        record = views.record(ticket) if ticket else None
        found = list(views.conflicts(record))
        if field:
            wanted = parsed_field(field)
            found = [one for one in found if (one.cell.prop, one.cell.member) == wanted]
        if not found:
            raise UsageError(
                f"No conflict waits{f' at {ticket}' if ticket else ''}{f' in {field}' if field else ''}.",
                hint="See prophet-hub conflicts.",
            )
        decided = 0
        for one in found:
            chosen = _chosen(views, one, take, value, clear=clear, strict=not every)
            if not isinstance(chosen, _Nothing):
                replica.resolve(one.record, one.cell.prop, one.cell.member, chosen,
                                author=desk.who(), note="prophet-hub resolve")  # fmt: skip
                decided += 1
                shown = views.short(chosen, one.cell.prop)
                desk.say(f"{views.number(one.record)} {_field(one)}: {shown}")
        left = len(found) - decided
        desk.say(
            f"Decided {decided}{f', left {left}' if left else ''}; the next sync carries it out."
        )


@dataclass(frozen=True, slots=True)
class _Choice:
    value: Value
    head: Head


class _Nothing:
    """No value: the conflict is left as it is."""


def _choices(conflict: Conflict) -> list[_Choice]:
    """Returns the distinct values, each with its newest head, in a steady order: newest last."""
    newest: dict[Value, Head] = {}
    for head in sorted(conflict.cell.heads, key=lambda h: (h.created, h.id)):
        newest.pop(head.value, None)
        newest[head.value] = head
    if conflict.cell.prop == LIFE and len(newest) == 1:  # deleted, and edited after that
        head = next(iter(newest.values()))
        return [_Choice(None, head), _Choice(PRESENT, head)]
    return [_Choice(value, head) for value, head in newest.items()]


def _chosen(
    views: Views, conflict: Conflict, take: str, value: str | None, *, clear: bool, strict: bool
) -> Value | _Nothing:
    """Returns the value that the words choose; `_Nothing` where they choose none and may."""
    if clear:
        return None
    if value is not None:
        return _own(value, member=bool(conflict.cell.member))
    choices = _choices(conflict)
    if take.isdigit():
        if not 1 <= int(take) <= len(choices):
            raise UsageError(f"There is no value {take}.", hint=f"There are 1 to {len(choices)}.")
        return choices[int(take) - 1].value
    told = [one for one in sorted(conflict.cell.heads, key=lambda h: (h.created, h.id))
            if _of(views, one) == take]  # fmt: skip
    if take == "newest" or told:
        return told[-1].value if told else choices[-1].value
    if strict:
        raise UsageError(f'"{take}" said nothing there.', hint=_who(views, conflict))
    return _Nothing()


def _own(value: str, *, member: bool) -> Value:
    """Returns a value of the person's own."""
    if not member:
        return value
    if value not in _PRESENT:
        raise UsageError(f'"{value}" is no answer here.', hint="Say present or absent.")
    return _PRESENT[value]


def _said_once(
    ticket: str, field: str, take: str, value: str | None, *, clear: bool, every: bool
) -> None:
    if (bool(take), value is not None, clear).count(True) != 1:
        raise UsageError("Say what shall stand there, once.",
                         hint="Give one of --take, --value and --clear.")  # fmt: skip
    if every and (take.isdigit() or not take):
        raise UsageError("All conflicts cannot be decided by that.",
                         hint="Give --take REMOTE or --take newest.")  # fmt: skip
    if not every and not (ticket and field):
        raise UsageError("Which conflict?", hint="Name TICKET and FIELD, or give --all.")


def _of(views: Views, head: Head) -> str:
    row = views.ledger().item(head.record)
    return views.remote(row.tracker) if row else "here"


def _who(views: Views, conflict: Conflict) -> str:
    names = sorted({_of(views, head) for head in conflict.cell.heads})
    return f"Values came from {', '.join(names)}; or take one by its number."


def _field(conflict: Conflict) -> str:
    prop, member = conflict.cell.prop, conflict.cell.member
    return prop if prop == LIFE or not member else f"{prop}={member}"


def _data(views: Views, conflict: Conflict) -> dict[str, Any]:
    def value(one: Value) -> Any:
        return views.text(one) if isinstance(one, (str, Stored)) else None

    return {
        "number": views.number(conflict.record), "uuid": text(conflict.record),
        "type": conflict.type, "title": views.title(conflict.record),
        "property": conflict.cell.prop, "member": conflict.cell.member,
        "shown": value(conflict.cell.shown),
        "values": [
            {"take": n, "value": value(choice.value), "said": views.said(choice.head),
             "remote": _of(views, choice.head),
             "when": from_micros(choice.head.created).isoformat()}
            for n, choice in enumerate(_choices(conflict), 1)
        ],
    }  # fmt: skip
