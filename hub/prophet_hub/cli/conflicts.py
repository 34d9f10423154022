"""Commands for what a person must decide: `conflicts`, `resolve`, `votes`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.deciding import (
    PRESENCE,
    Case,
    Nothing,
    case_lines,
    cases,
    decide_by_hand,
    field_of,
    remote_of,
)
from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, shown_time
from prophet_hub.cli.views import Views, parsed_field
from prophet_hub.engine.voting import Decision, decide
from prophet_hub.engine.voting import votes as all_votes
from prophet_hub.errors import UsageError
from prophet_hub.model.ids import text
from prophet_hub.values import Stored, Value, from_micros, instant_text

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.engine.voting import Ballot

__all__ = ["conflicts", "resolve", "votes"]

_PAGE = 500
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Only = Annotated[
    str, typer.Argument(metavar="TICKET", help="Only this ticket's.", show_default=False)
]
_Most = Annotated[
    int, typer.Option("--most", "-n", metavar="NUMBER", min=0, help="So many; 0 for all.")
]


def conflicts(ctx: typer.Context, ticket: _Only = "", most: _Most = 50,
              as_json: _Json = False) -> None:  # fmt: skip
    """Lists the conflicts that wait for a person."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        views = Views(replica)
        asked = views.conflicts(views.record(ticket) if ticket else None)
        if as_json:
            desk.json(
                [
                    _data(views, one)
                    for one in _cases(views, islice(asked, min(most, sys.maxsize) or None))
                ]
            )
            return
        first, count = "", 0
        for one in _cases(views, islice(asked, min(most, sys.maxsize) or None)):
            first = first or f"{one.number.removeprefix('#')} {field_of(one.conflict)}"
            count += 1
            desk.say(f"{one.number}  {field_of(one.conflict)}  {clean(one.title)}")
            desk.table(case_lines(views, one))
        more = sum(1 for _ in asked)
        if count:
            rest = f" of {count + more}" if more else ""
            desk.say(
                f"{count}{rest} conflict{'s' if count + more > 1 else ''}. "
                f"Decide with: prophet-hub resolve, or prophet-hub resolve {first} --take 1"
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
    """Decides conflicts, once and for every remote."""
    desk: Desk = ctx.obj
    by_hand = not (take or value is not None or clear or every) and desk.asks
    if not by_hand:
        _said_once(ticket, field, take, value, clear=clear, every=every)
    with desk.replica(write=True, make=False) as replica:
        views = Views(replica)
        found = views.conflicts(views.record(ticket) if ticket else None)
        if field:
            wanted = parsed_field(field)
            found = (one for one in found if (one.cell.prop, one.cell.member) == wanted)
        waiting = _cases(views, found)
        first = next(waiting, None)
        if first is None:
            raise UsageError(
                f"No conflict waits{f' at {ticket}' if ticket else ''}{f' in {field}' if field else ''}.",
                hint="See prophet-hub conflicts.",
            )
        waiting = _after(first, waiting)
        before = replica.latest()
        if by_hand:
            decided, left = decide_by_hand(desk, views, waiting)
        else:
            decided, left = _by_word(desk, views, waiting, take, value, clear=clear, every=every)
        desk.say(
            f"Decided {decided}{f', left {left}' if left else ''}; the next sync carries it out."
        )
        if decided:
            desk.say(f"To take it back: prophet-hub undo {_range(replica, before)}")


def votes(ctx: typer.Context, ticket: _Only = "", as_json: _Json = False) -> None:
    """Lists decisions, which settle the identical conflict met again."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        views = Views(replica)
        found = all_votes(replica, views.record(ticket) if ticket else None)
        if as_json:
            desk.json([_ballot(views, one) for one in found])
            return
        desk.table(
            [
                (views.number(one.record), _about(one), _said(views, one), one.author,
                 shown_time(one.when), one.voter.hex()[:8], "" if one.counts else "does not count")
                for one in found
            ],
            head=("record", "field", "decided", "who", "when (UTC)", "replica", ""),
        )  # fmt: skip


# --- deciding by words ---


def _by_word(desk: Desk, views: Views, waiting: Iterator[Case], take: str, value: str | None, *,
             clear: bool, every: bool) -> tuple[int, int]:  # fmt: skip
    decisions, said, left = [], [], 0
    for one in waiting:
        chosen = _chosen(views, one, take, value, clear=clear, strict=not every)
        if isinstance(chosen, Nothing):
            left += 1
            continue
        cell = one.conflict.cell
        decisions.append(Decision(one.conflict.record, cell.prop, cell.member, chosen))
        said.append(f"{one.number} {field_of(one.conflict)}: {views.short(chosen, cell.prop)}")
    decide(views.replica, decisions, author=desk.who(), note="prophet-hub resolve")
    desk.say(*said)
    return len(decisions), left


def _chosen(
    views: Views, case: Case, take: str, value: str | None, *, clear: bool, strict: bool
) -> Value | Nothing:
    """Returns the value that the words choose; `Nothing` where they choose none and may."""
    if clear:
        return None
    if value is not None:
        return _own(value, member=bool(case.conflict.cell.member))
    choices = case.choices
    if take.isdigit():
        if not 1 <= int(take) <= len(choices):
            raise UsageError(f"There is no value {take}.", hint=f"There are 1 to {len(choices)}.")
        return choices[int(take) - 1].value
    heads = sorted(case.conflict.cell.heads, key=lambda h: (h.created, h.id))
    told = [one for one in heads if remote_of(views, one) == take]
    if take == "newest" or told:
        return told[-1].value if told else choices[-1].value
    if strict:
        names = sorted({remote_of(views, head) for head in heads})
        raise UsageError(
            f'"{take}" said nothing there.',
            hint=f"Values came from {', '.join(names)}; or take one by its number.",
        )
    return Nothing()


def _own(value: str, *, member: bool) -> Value:
    """Returns a value of the person's own."""
    if not member:
        return value
    if value not in PRESENCE:
        raise UsageError(f'"{value}" is no answer here.', hint="Say present or absent.")
    return PRESENCE[value]


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


# --- helpers ---


def _cases(views: Views, asked: Iterator[Any]) -> Iterator[Case]:
    """Yields conflicts with all that is to be told of them, fetched page by page."""
    while page := list(islice(asked, _PAGE)):
        yield from cases(views, page)


def _after(first: Case, rest: Iterator[Case]) -> Iterator[Case]:
    yield first
    yield from rest


def _range(replica: Replica, before: int) -> str:
    """Names the entries that were added after a number, as `undo` takes them."""
    added = [row.number for row in replica.log(before, newest_first=False)]
    return str(added[0]) if len(added) == 1 else f"{added[0]}..{added[-1]}"


def _about(ballot: Ballot) -> str:
    if not ballot.prop:
        return f"conflict {ballot.conflict[:8]}"
    return ballot.prop if not ballot.member or ballot.member == "alive" else \
        f"{ballot.prop}={ballot.member}"  # fmt: skip


def _said(views: Views, ballot: Ballot) -> str:
    return " and ".join(views.short(value, ballot.prop) for value in ballot.decisions)


def _data(views: Views, case: Case) -> dict[str, Any]:
    conflict = case.conflict
    return {
        "number": views.label(conflict.record), "uuid": text(conflict.record), "type": conflict.type,
        "title": case.title, "property": conflict.cell.prop, "member": conflict.cell.member,
        "shown": _value(views, conflict.cell.shown),
        "values": [
            {"take": n, "value": _value(views, choice.value), "said": choice.said,
             "remote": remote_of(views, choice.head),
             "when": instant_text(from_micros(choice.head.created))}
            for n, choice in enumerate(case.choices, 1)
        ],
        "votes": [_ballot(views, one) for one in case.ballots],
    }  # fmt: skip


def _ballot(views: Views, ballot: Ballot) -> dict[str, Any]:
    return {
        "number": views.label(ballot.record), "uuid": text(ballot.record),
        "property": ballot.prop, "member": ballot.member, "conflict": ballot.conflict,
        "decided": [_value(views, value) for value in ballot.decisions],
        "counts": ballot.counts, "author": ballot.author, "replica": ballot.voter.hex(),
        "when": instant_text(from_micros(ballot.when)), "note": ballot.note,
    }  # fmt: skip


def _value(views: Views, value: Value) -> Any:
    return views.text(value) if isinstance(value, (str, Stored)) else None
