"""Commands that work: `plan` and `sync`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.failures import sentence
from prophet_hub.cli.progress import view_for
from prophet_hub.cli.tables import clean, counted, cut
from prophet_hub.errors import HubError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prophet_hub.foreign.steps import FieldPlan, Planned
    from prophet_hub.jobs.plan import Hit
    from prophet_hub.jobs.report import Report
    from prophet_hub.jobs.run import Run
    from prophet_hub.jobs.trackers import Move

__all__ = ["carried_out", "plan", "plan_data", "show_plan", "sync", "tell_end", "work"]

_VALUE = 60  # columns of a value in a plan

_Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="A job of the job file, or two or more of its remotes.",
        show_default=False,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="For programs: one object at the end.")]
_Wait = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="Waits for remotes that another run has.")
]


def plan(
    ctx: typer.Context,
    words: _Words = None,
    as_json: _Json = False,
    wait: _Wait = 0,
) -> int:
    """Shows what a sync would write where; writes to no tracker."""
    return _told(ctx.obj, words, dry=True, as_json=as_json, quiet=False, yes=False, wait=wait)


def sync(
    ctx: typer.Context,
    words: _Words = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="As plan: reads and plans, writes to no tracker.")
    ] = False,
    as_json: _Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="For cron: prints only what needs a person.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Goes on where a brake would hold the run.")
    ] = False,
    wait: _Wait = 0,
) -> int:
    """Keeps remotes in step: reads, plans, writes, confirms."""
    return _told(ctx.obj, words, dry=dry_run, as_json=as_json, quiet=quiet, yes=yes, wait=wait)


def _told(
    desk: Desk, words: list[str] | None, *,
    dry: bool, as_json: bool, quiet: bool, yes: bool, wait: float,
) -> int:  # fmt: skip
    silent = quiet or as_json
    planned, report = carried_out(desk, words, dry=dry, silent=silent, yes=yes, wait=wait)
    tell_end(desk, report, planned, as_json=as_json, quiet=quiet)
    return report.exit


def carried_out(
    desk: Desk, words: list[str] | None, *, dry: bool, silent: bool, yes: bool, wait: float,
    shows: bool = False,
) -> tuple[Sequence[Planned], Report]:  # fmt: skip
    """Runs what the words name as far as brakes and people allow; returns plan and report.

    With `shows` the plan is printed before anything is written.
    """
    from prophet_hub.cli.desk import micros  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.run import started  # noqa: PLC0415 - lazy: requests, pydantic

    file = desk.job_file()
    if not words:
        known = ", ".join([*file.config.jobs, *file.config.remotes])
        raise UsageError("What shall be kept in step?", hint=f"There are: {known}.")
    with (
        desk.replica(write=True) as replica,
        started(
            replica, file, tuple(words), folder=desk.folder, plugins=desk.plugins(), clock=micros,
            sleep=desk.sleep, wait=wait, dry=dry,
        ) as run,
        desk.interruptible(run.stop),
    ):  # fmt: skip

        def show() -> None:
            if shows:
                show_plan(desk, run.planned())

        return work(desk, run, dry=dry, silent=silent, yes=yes, show=show)


def work(
    desk: Desk, run: Run, *, dry: bool, silent: bool, yes: bool, show: Callable[[], None],
    question: str = "",
) -> tuple[Sequence[Planned], Report]:  # fmt: skip
    """Reads, plans and writes, as far as the brakes and people allow; returns plan and report.

    `show` is called once all is planned, the question asked where no brake asks already.
    """
    asks = desk.asks and not silent
    try:
        view, moved = view_for(desk, run.outlook, quiet=silent), run.moves()
        if moved and not _may(desk, run, moved, yes=yes, asks=asks):
            return (), run.finish("braked")
        with view:
            for step in run.prepare():
                view.step(step)
        planned = run.planned()
        show()
        if dry or run.stopped:
            return planned, run.finish("planned")
        if hits := run.brakes():
            if not _may(desk, run, hits, yes=yes, asks=asks):
                return planned, run.finish("braked")
        elif question and planned and asks and not (yes or typer.confirm(question)):
            return planned, run.finish("planned")
        with view:
            for step in run.apply():
                view.step(step)
        return planned, run.finish("done")
    except BaseException:
        with contextlib.suppress(HubError):
            run.finish("failed")
        raise


def _may(desk: Desk, run: Run, hits: Sequence[Hit | Move], *, yes: bool, asks: bool) -> bool:
    """Tells whether a person says yes, by flag or at the terminal; else says what holds the run."""
    if yes:
        return True
    if asks:
        desk.say(*(f'The run of "{run.report.job}" would {hit}.' for hit in hits))
        if typer.confirm("Go on?", default=False):
            return True
    desk.tell(f"prophet-hub: {sentence(run.hold(hits))}")
    return False


def tell_end(
    desk: Desk, report: Report, planned: Sequence[Planned], *, as_json: bool, quiet: bool
) -> None:
    """Prints what became of it: data, or what a person wants to know."""
    if as_json:
        data = report.data()
        if report.state == "planned":
            data["plan"] = [plan_data(one) for one in planned]
        desk.json(data)
        return
    if report.state == "planned" and not quiet:
        show_plan(desk, planned)
    if report.conflicts:
        desk.say(
            f"{counted(report.conflicts, 'conflict')} waiting for a decision: prophet-hub conflicts"
        )
    if report.inbox and not quiet:
        desk.say(f"{report.inbox} in the inbox: prophet-hub inbox")
    if report.state == "done" and not quiet:
        read = sum(one.read for one in report.remotes.values())
        off = sum(one.put_off for one in report.remotes.values())
        desk.say(
            f"Run {report.run} of {report.job}: {read} read, {report.written} written, "
            f"{report.failed} failed, {f'{off} put off, ' if off else ''}"
            f"{counted(report.conflicts, 'conflict')}."
        )


def show_plan(desk: Desk, planned: Sequence[Planned]) -> None:
    """Prints a plan: per operation and field, before and after."""
    from prophet_hub.jobs.plan import totals  # noqa: PLC0415 - loaded by now

    rows: list[tuple[str, ...]] = []
    for one in planned:
        item = f"{one.ref.kind} {one.ref.id}".strip()
        rows.append((one.remote, one.verb, item, clean(one.title)))
        for part in one.fields:
            name = part.ours if part.ours == part.theirs else f"{part.ours} ({part.theirs})"
            rows.append(("", "", name, _change(part)))
    desk.table(rows)
    sums = totals(planned)
    if not sums.operations:
        desk.say("Nothing to write.")
        return
    mail = f"; {sums.notifies} of them may send mail" if sums.notifies else ""
    desk.say(f"{counted(sums.operations, 'operation')}, about {sums.requests:,} requests{mail}.")


def _change(part: FieldPlan) -> str:
    """Returns what becomes of a field, with all that it shows on the way."""
    stations = [part.before, *part.via, "(nothing)" if part.after is None else part.after]
    way = " -> ".join(_short(word) for word in stations if word is not None)
    why = "by a rule" if part.filled else "back, for it cannot go on" if part.back else ""
    return f"{way} ({why})" if why else way


def _short(value: str) -> str:
    return cut(clean(value), _VALUE)


def plan_data(one: Planned) -> dict[str, object]:
    """Returns a planned operation as programs read it."""
    from prophet_hub.model.ids import text  # noqa: PLC0415 - loaded by now

    return {
        "remote": one.remote, "verb": str(one.verb), "kind": one.ref.kind, "ref": one.ref.id,
        "ticket": one.ref.ticket, "record": text(one.record), "title": one.title,
        "closes": one.closes, "notifies": one.notifies, "requests": one.requests,
        "fields": [
            {"ours": part.ours, "theirs": part.theirs, "before": part.before, "after": part.after,
             "via": list(part.via), "filled": part.filled}
            for part in one.fields
        ],
    }  # fmt: skip
