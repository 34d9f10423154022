"""The commands of `inbox`: what could not be carried over, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, shown_time
from prophet_hub.cli.views import Views
from prophet_hub.errors import UsageError
from prophet_hub.jobs import inbox as inbox_of
from prophet_hub.model.ids import RecordId, TrackerId, text

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.foreign.steps import InboxItem

__all__ = ["app"]

app = typer.Typer(help="Shows what could not be carried over, and answers questions.")

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Numbers = Annotated[list[int], typer.Argument(metavar="NUMBER", help="As the list tells them.")]


@app.callback(invoke_without_command=True)
def inbox(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows what could not be carried over, and answers questions."""
    if ctx.invoked_subcommand is None:
        list_inbox(ctx, as_json=as_json)


@app.command("list")
def list_inbox(
    ctx: typer.Context,
    remote: Annotated[str, typer.Option(metavar="NAME", help="Only this remote's.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also what nobody need look at.")] = False,
    as_json: _Json = False,
) -> None:
    """Lists what waits, with the reason and since when."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        views = Views(replica)
        found = [one for one in _all(views)
                 if remote in ("", one.remote) and (every or not one.quiet)]  # fmt: skip
        if as_json:
            desk.json([_data(one) for one in found])
            return
        desk.table(
            [
                (str(one.number), _where(views, one), one.field,
                 clean(one.reason + _question(views, one)), shown_time(one.since),
                 f"{one.tries}x")
                for one in found
            ],
            head=("", "item", "field", "why", "since (UTC)", "tried"), below=("why",),
        )  # fmt: skip


@app.command("retry")
def retry(
    ctx: typer.Context,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="NUMBER", help="As the list tells them.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything but questions.")] = False,
) -> None:
    """Takes things up at the next sync as if they had not failed."""
    if bool(numbers) is every:
        raise UsageError("Which of them?", hint="Name NUMBER, or give --all.")
    _each(ctx, numbers, inbox_of.retry, "The next sync takes it up")


@app.command("drop")
def drop(ctx: typer.Context, numbers: _Numbers) -> None:
    """Forgets things: they are not shown and not tried again until they change."""
    _each(ctx, numbers, inbox_of.drop, "Forgotten")


@app.command("pair")
def pair(ctx: typer.Context, numbers: _Numbers) -> None:
    """Answers that two tickets are the same."""
    _each(ctx, numbers, inbox_of.retry, "Paired", questions=True)


@app.command("apart")
def apart(ctx: typer.Context, numbers: _Numbers) -> None:
    """Answers that two tickets are not the same."""
    _each(ctx, numbers, inbox_of.drop, "Kept apart", questions=True)


def _all(views: Views) -> list[InboxItem]:
    """Returns what waits for all remotes, by number."""
    found = [item for name, tracker in views.remotes().items()
             for item in inbox_of.items(views.replica, name, tracker)]  # fmt: skip
    return sorted(found, key=lambda one: one.number)


def _each(
    ctx: typer.Context, numbers: list[int] | None,
    act: Callable[[Replica, str, TrackerId, InboxItem], None], said: str, *,
    questions: bool = False,
) -> None:  # fmt: skip
    """Does the same to each of the numbers, or to all that are no questions."""
    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) as replica:
        views = Views(replica)
        items = {one.number: one for one in _all(views)}
        chosen = numbers or [n for n, one in items.items() if not one.pairing]
        for number in chosen:
            _fits(items, number, questions=questions)
        remotes = views.remotes()
        with replica.transaction():
            for number in chosen:
                one = items[number]
                act(replica, one.remote, remotes[one.remote], one)
        for number in chosen:
            desk.say(f"{said}: {number} {_where(views, items[number])}")


def _fits(items: dict[int, InboxItem], number: int, *, questions: bool) -> None:
    if number not in items:
        raise UsageError(f"Nothing waits under {number}.", hint="See prophet-hub inbox.")
    if bool(items[number].pairing) is not questions:
        what, how = ("no question", "Use inbox retry or drop.") if questions else (
            "a question", "Answer with inbox pair or inbox apart.")  # fmt: skip
        raise UsageError(f"{number} is {what}.", hint=how)


def _where(views: Views, one: InboxItem) -> str:
    """Returns the item: its address, or for what is not there yet its ticket."""
    kind = "" if one.kind == "ticket" else f" ({one.kind})"
    if one.ref.isalnum() or one.record is None:
        return f"{one.remote}#{one.ref}{kind}"
    return f"{one.remote}: {views.number(one.record)}{kind}"


def _question(views: Views, one: InboxItem) -> str:
    if not one.pairing:
        return ""
    other = RecordId(bytes.fromhex(one.pairing.replace("-", "")))
    return f" ({' '.join(views.addresses(other))}) Answer: inbox pair or apart {one.number}."


def _data(one: InboxItem) -> dict[str, Any]:
    return {
        "number": one.number, "remote": one.remote, "kind": one.kind, "ref": one.ref,
        "record": text(one.record) if one.record else "", "field": one.field,
        "reason": one.reason, "value": one.value, "since": one.since, "tries": one.tries,
        "quiet": one.quiet, "pairing": one.pairing,
    }  # fmt: skip
