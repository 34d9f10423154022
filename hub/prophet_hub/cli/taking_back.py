"""`undo --run`: the inverse of a run on every tracker that it touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prophet_hub.cli.desk import micros
from prophet_hub.cli.runs import plan_data, show_plan, work
from prophet_hub.cli.tables import clean, counted, cut
from prophet_hub.jobs.undo import Undo, undoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prophet_hub.cli.desk import Desk
    from prophet_hub.foreign.steps import Kept, Planned
    from prophet_hub.jobs.report import Report

__all__ = ["take_back"]

_VALUE = 60  # columns of a title


def take_back(
    desk: Desk, run: str, *, dry: bool, as_json: bool, quiet: bool, yes: bool, wait: float
) -> int:
    """Takes a run back as far as brakes and people allow; returns the exit code."""
    silent = quiet or as_json
    with (
        desk.replica(write=True, make=False) as replica,
        undoing(
            replica, desk.job_file(), run, folder=desk.folder, plugins=desk.plugins(), clock=micros,
            sleep=desk.sleep, wait=wait, dry=dry,
        ) as undo,
        desk.interruptible(undo.stop),
    ):  # fmt: skip

        def show() -> None:
            if not silent:
                _show(desk, undo)

        planned, report = work(
            desk, undo, dry=dry, silent=silent, yes=yes, show=show, question="Undo it?"
        )
        if as_json:
            desk.json(_data(undo, planned, report))
        elif not quiet:
            desk.say(*_end(undo, planned, report))
        else:
            desk.say(*_kept(undo.kept))
    return report.exit


def _show(desk: Desk, undo: Undo) -> None:
    """Prints what would go back, what cannot and why, and which mail was sent."""
    planned = undo.planned()
    if planned:
        show_plan(desk, planned)
    desk.say(*_kept(undo.kept))
    if undo.mailed:
        writes = counted(undo.mailed, "write")
        desk.say(f"{writes} of run {undo.past.run} may have sent mail, which stays sent.")


def _kept(kept: Sequence[Kept]) -> list[str]:
    """Returns the lines on what stays."""
    if not kept:
        return []
    lines = [f"{counted(len(kept), 'thing')} cannot be taken back:"]
    for one in kept:
        number = "" if one.ref.id.startswith("new:") else f" {one.ref.id}"
        item = f"{one.ref.kind}{number}{f', {one.field}' if one.field else ''}"
        title = f" ({cut(clean(one.title), _VALUE)})" if one.title else ""
        lines.append(f"  {one.remote}: {item}{title}: {clean(one.reason)}")
    return lines


def _end(undo: Undo, planned: Sequence[Planned], report: Report) -> list[str]:
    """Returns what became of it."""
    run = undo.past.run
    again = f" Run {undo.before} undid it." if undo.before else ""
    failed = any(one.error for one in report.remotes.values())
    if not planned and not failed and report.state in {"done", "planned"}:
        if not undo.kept:
            return [f"Nothing is left to undo of run {run}.{again}"]
        inbox = " What stays is in the inbox." if report.state == "done" else ""
        return [f"Nothing else of run {run} can be taken back.{again}{inbox}"]
    if report.state == "planned" or (report.state == "done" and not planned):
        return [f"Nothing was written.{again}"]
    if report.state == "interrupted":
        return [f"Interrupted: {report.written} written. To go on: prophet-hub undo --run {run}"]
    if report.state != "done":
        return []
    stays = f", {report.kept} in the inbox: prophet-hub inbox" if report.kept else ""
    return [
        f"Run {report.run} undid run {run}: {report.written} written, {report.failed} failed{stays}.",
        f"To take it back: prophet-hub undo --run {report.run}",
    ]


def _data(undo: Undo, planned: Sequence[Planned], report: Report) -> dict[str, Any]:
    from prophet_hub.model.ids import text  # noqa: PLC0415 - loaded by now

    return {
        **report.data(), "plan": [plan_data(one) for one in planned], "mailed": undo.mailed,
        "undone_before": undo.before,
        "left": [
            {"remote": one.remote, "kind": one.ref.kind, "ref": one.ref.id, "ticket": one.ref.ticket,
             "record": text(one.record), "title": one.title, "field": one.field,
             "reason": one.reason}
            for one in undo.kept
        ],
    }  # fmt: skip
