"""The command `runs`: which runs there were, and what one of them wrote."""

from __future__ import annotations

import dataclasses
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, counted, cut, shown_time
from prophet_hub.cli.views import Views

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.jobs.ran import Wrote
    from prophet_hub.jobs.report import Report

__all__ = ["runs"]

_VALUE = 60  # columns of a value
_SUMS = "read / written / failed"
_ENDED = {"running": "under way, or cut off"}


def runs(
    ctx: typer.Context,
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="One run, and all that it wrote.", show_default=False),
    ] = "",
    most: Annotated[
        int, typer.Option("--most", "-n", metavar="NUMBER", min=0, help="So many; 0 for all.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Lists runs, newest first, or shows what one of them wrote."""
    from prophet_hub.jobs import report as reports  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        if run:
            _one(desk, replica, reports.report_of(replica, run), as_json=as_json)
            return
        told = list(islice(reports.runs(replica), most or None))
    if as_json:
        desk.json([one.data() for one in told])
        return
    desk.table(
        [(one.run, one.job, shown_time(one.started), _ended(one), _sums(one)) for one in told],
        head=("run", "job", "when (UTC)", "ended", _SUMS),
        below=(_SUMS,),
    )


def _ended(one: Report) -> str:
    said = _ENDED.get(one.state, one.state)
    return f"{said}, undo of run {one.undoes}" if one.undoes else said


def _sums(one: Report) -> str:
    return "; ".join(
        f"{name} {part.read} / {part.written} / {part.failed}{', not reached' if part.error else ''}"
        for name, part in one.remotes.items()
    )


def _one(desk: Desk, replica: Replica, found: Report, *, as_json: bool) -> None:
    """Shows a run with its writes."""
    from prophet_hub.jobs.ran import wrote  # noqa: PLC0415 - lazy

    views = Views(replica)
    written = list(wrote(replica, found.run))
    if as_json:
        desk.json({**found.data(), "writes": [_data(views, one) for one in written]})
        return
    desk.say(f"Run {found.run} of {found.job}, {shown_time(found.started)} UTC: {_ended(found)}.")
    desk.table([row for one in written for row in _rows(views, one)])
    if not written:
        desk.say("It wrote nothing.")
        return
    undone = sum(bool(one.undone) for one in written)
    since = f", {undone} undone since" if undone else ""
    desk.say(f"{counted(len(written), 'write')}{since}.")


def _rows(views: Views, one: Wrote) -> list[tuple[str, ...]]:
    """Returns the lines of a write: the item, then its fields."""
    item = f"{one.kind} {one.ref}".strip()
    became = f"{one.outcome}, undone by run {one.undone}" if one.undone else one.outcome
    rows: list[tuple[str, ...]] = [
        (one.remote, one.verb, item, cut(clean(views.title(one.record)), _VALUE), became)
    ]
    for part in one.changes:
        words = ["(nothing)" if part.after is None else part.after]
        words = [part.before, *words] if part.before is not None else words
        way = " -> ".join(cut(clean(word), _VALUE) for word in words)
        back = f"undone by run {part.undone}" if part.undone and not one.undone else ""
        rows.append(("", "", part.field, way, back))
    return rows


def _data(views: Views, one: Wrote) -> dict[str, Any]:
    from prophet_hub.model.ids import text  # noqa: PLC0415 - loaded by now

    return {**dataclasses.asdict(one), "record": text(one.record), "title": views.title(one.record)}
