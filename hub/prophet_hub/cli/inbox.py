"""The commands of `inbox`: what could not be carried over, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, shown_time
from prophet_hub.cli.views import Views
from prophet_hub.errors import UsageError
from prophet_hub.foreign.rows import WHOLE, Waiting, split
from prophet_hub.model.ids import RecordId, TrackerId, text

__all__ = ["app"]

app = typer.Typer(help="Shows what could not be carried over, and answers questions.")

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Numbers = Annotated[list[int], typer.Argument(metavar="NUMBER", help="As the list tells them.")]


@app.callback(invoke_without_command=True)
def inbox(ctx: typer.Context) -> None:
    """Shows what could not be carried over, and answers questions."""
    if ctx.invoked_subcommand is None:
        list_inbox(ctx)


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
                 if remote in ("", one.remote) and (every or not one.row.quiet)]  # fmt: skip
        if as_json:
            desk.json([_data(one) for one in found])
            return
        desk.table(
            [
                (str(one.row.number), one.where, one.row.field or "",
                 clean(one.row.reason + _question(views, one)),
                 shown_time(one.row.since), f"{one.row.tries}x")
                for one in found
            ],
            head=("", "item", "field", "why", "since (UTC)", "tried"),
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
    _each(ctx, numbers, _retry, "The next sync takes it up")


@app.command("drop")
def drop(ctx: typer.Context, numbers: _Numbers) -> None:
    """Forgets things: they are not shown and not tried again until they change."""
    _each(ctx, numbers, _drop, "Forgotten")


@app.command("pair")
def pair(ctx: typer.Context, numbers: _Numbers) -> None:
    """Answers that two tickets are the same."""

    def same(views: Views, one: _Item) -> None:
        record, other = _asked(one)
        views.replica.pair(record, other, author=Desk.who(), note="prophet-hub inbox pair")
        one.done(views)

    _each(ctx, numbers, same, "Paired")


@app.command("apart")
def apart(ctx: typer.Context, numbers: _Numbers) -> None:
    """Answers that two tickets are not the same."""

    def different(views: Views, one: _Item) -> None:
        _asked(one)
        one.done(views)

    _each(ctx, numbers, different, "Kept apart")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    remote: str
    tracker: TrackerId
    kind: str
    ref: str
    slot: str
    row: Waiting

    @property
    def where(self) -> str:
        kind = "" if self.kind == "ticket" else f" ({self.kind})"
        return f"{self.remote}#{self.ref}{kind}"

    def done(self, views: Views) -> None:
        """Takes it out, and lets the next plans look at its record."""
        views.ledger(self.tracker).done_waiting(self.kind, self.ref, self.slot)


def _all(views: Views) -> Iterator[_Item]:
    """Yields what waits, by number."""
    found = [
        _Item(remote=name, tracker=tracker, kind=kind, ref=ref, slot=slot, row=row)
        for name, tracker in views.remotes().items()
        for kind, ref, slot, row in views.ledger(tracker).all_waiting()
    ]
    yield from sorted(found, key=lambda one: one.row.number)


def _each(
    ctx: typer.Context, numbers: list[int] | None, act: Callable[[Views, _Item], None], said: str
) -> None:
    """Does the same to each of the numbers, or to all that are no questions."""
    desk: Desk = ctx.obj
    with desk.replica(write=True) as replica:
        views = Views(replica)
        items = {one.row.number: one for one in _all(views)}
        chosen = numbers or [n for n, one in items.items() if not one.row.pairing]
        for number in chosen:
            if number not in items:
                raise UsageError(f"Nothing waits under {number}.", hint="See prophet-hub inbox.")
        with replica.transaction():
            for number in chosen:
                act(views, items[number])
        for number in chosen:
            desk.say(f"{said}: {number} {items[number].where}")


def _retry(views: Views, one: _Item) -> None:
    if one.row.pairing:
        raise UsageError(f"{one.row.number} is a question.", hint="Answer with pair or apart.")
    one.done(views)
    _look(views, one)


def _drop(views: Views, one: _Item) -> None:
    if one.row.pairing:
        raise UsageError(f"{one.row.number} is a question.", hint="Answer with pair or apart.")
    one.done(views)


def _look(views: Views, one: _Item) -> None:
    """Lets the next plan of every job look at the record."""


def _asked(one: _Item) -> tuple[RecordId, RecordId]:
    if not one.row.pairing or one.row.record is None:
        raise UsageError(f"{one.row.number} is no question.", hint="Use inbox retry or drop.")
    return one.row.record, RecordId(bytes.fromhex(one.row.pairing.replace("-", "")))


def _question(views: Views, one: _Item) -> str:
    if not one.row.pairing:
        return ""
    _, other = _asked(one)
    return f" Is it {' '.join(views.addresses(other))}: {views.title(other)}?"


def _data(one: _Item) -> dict[str, Any]:
    row, (field, member) = one.row, split(one.slot)
    return {
        "number": row.number, "remote": one.remote, "kind": one.kind, "ref": one.ref,
        "record": text(row.record) if row.record else "", "field": row.field,
        "theirs": "" if one.slot == WHOLE else field, "member": member, "reason": row.reason,
        "value": row.value, "since": row.since, "tries": row.tries, "parked": row.parked,
        "quiet": row.quiet, "pairing": row.pairing,
    }  # fmt: skip
