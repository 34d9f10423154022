"""`verify`: are the trackers as they were read, and is written there what should be?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.failures import sentence
from prophet_hub.cli.tables import clean, counted, cut
from prophet_hub.errors import UsageError

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.foreign.drift import Drift
    from prophet_hub.jobs.load import JobFile
    from prophet_hub.jobs.report import Report
    from prophet_hub.jobs.steps import Failed, LeftOut
    from prophet_hub.jobs.verify import Seen

__all__ = ["verify"]

_VALUE = 32  # columns of a value


@dataclasses.dataclass(slots=True)
class _Found:
    """What one look told."""

    seen: list[Seen] = dataclasses.field(default_factory=list)
    left_out: list[LeftOut] = dataclasses.field(default_factory=list)
    failed: list[Failed] = dataclasses.field(default_factory=list)
    drifts: list[Drift] = dataclasses.field(default_factory=list)
    stopped: bool = False

    @property
    def exit(self) -> int:
        if self.stopped:
            return 130
        codes = {one.error.exit_code for one in self.failed}
        return max(codes, default=1 if self.drifts else 0)


def verify(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="A job of the job file, or two or more of its remotes.",
            show_default=False,
        ),
    ] = None,
    heal: Annotated[
        bool,
        typer.Option(
            "--heal", help="Reads and plans again what drifted, shows the plan and syncs; then looks again."
        ),
    ] = False,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Reads every ticket whole, and hashes the attachments that are kept here."
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y",
            help="With --heal: goes on where a brake would hold, and takes what went back for news.",
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="For cron: prints only what drifted.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one object at the end.")] = False,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Waits for remotes that another run has."),
    ] = 0,
) -> int:  # fmt: skip
    """Compares remotes with what was read of them, says why they differ, and heals it."""
    desk: Desk = ctx.obj
    file = desk.job_file()
    if not words:
        known = ", ".join([*file.config.jobs, *file.config.remotes])
        raise UsageError("What shall be looked through?", hint=f"There are: {known}.")
    silent = quiet or as_json
    with desk.replica(write=heal, make=False) as replica:
        found = _look(desk, replica, file, tuple(words), deep=deep, wait=wait,
                      marks="yes" if heal and yes else "some" if heal else "")  # fmt: skip
    if not heal or not found.drifts or found.failed or found.stopped:
        _show(desk, found, None, as_json=as_json, quiet=quiet)
        return found.exit
    if not silent:
        _show(desk, found, None, as_json=False, quiet=quiet)
    return _heal(
        desk, file, words, found, deep=deep, yes=yes, as_json=as_json, quiet=quiet, wait=wait
    )


def _heal(
    desk: Desk, file: JobFile, words: list[str], found: _Found, *,
    deep: bool, yes: bool, as_json: bool, quiet: bool, wait: float,
) -> int:  # fmt: skip
    """Syncs, and looks once more; of a run that did not go through tells what was found before it."""
    from prophet_hub.cli.runs import carried_out, tell_end  # noqa: PLC0415 - for healing alone

    silent = quiet or as_json
    planned, report = carried_out(
        desk, words, dry=False, silent=silent, yes=yes, wait=wait, shows=not silent
    )
    if not as_json:
        tell_end(desk, report, planned, as_json=False, quiet=quiet)
    if report.state != "done":
        if as_json:
            desk.json(_data(found, report))
        return report.exit
    with desk.replica() as replica:
        left = _look(desk, replica, file, tuple(words), deep=deep, wait=wait)
    _show(desk, left, report, as_json=as_json, quiet=quiet)
    return report.exit or left.exit


def _look(
    desk: Desk, replica: Replica, file: JobFile, words: tuple[str, ...], *,
    deep: bool, wait: float, marks: str = "",
) -> _Found:  # fmt: skip
    """Looks once; with `marks` notes what is to be looked at again, with `yes` what went back too."""
    from prophet_hub.cli.desk import micros  # noqa: PLC0415 - lazy
    from prophet_hub.foreign.drift import Drift  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.steps import Failed, LeftOut  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.verify import verifying  # noqa: PLC0415 - lazy: requests, pydantic

    found = _Found()
    with (
        verifying(
            replica, file, words, folder=desk.folder, plugins=desk.plugins(), clock=micros,
            sleep=desk.sleep, wait=wait,
        ) as look,
        desk.interruptible(look.stop),
    ):  # fmt: skip
        for one in look.run(deep=deep):
            match one:
                case Drift():
                    found.drifts.append(one)
                case LeftOut():
                    found.left_out.append(one)
                case Failed():
                    found.failed.append(one)
                case _:
                    found.seen.append(one)
        found.stopped = look.stopped
        if marks and not found.failed and not found.stopped:
            look.heal(found.drifts, back=marks == "yes")
    return found


# --- what is shown -----------------------------------------------------------------------------------


def _show(desk: Desk, found: _Found, healed: Report | None, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        desk.json(_data(found, healed))
        return
    for failed in found.failed:
        desk.tell(f"prophet-hub: {sentence(failed.error)}")
    if not quiet:
        desk.say(*(str(one) for one in found.left_out), *map(_line, found.seen))
    if found.drifts:
        head = ("remote", "item", "field", "in the base", "shown there", "why", "healed by")
        desk.table(map(_row, found.drifts), head=head, below=("why", "healed by"))
    if not quiet and not found.stopped:
        left = " left" if healed else ""
        desk.say(f"{counted(len(found.drifts), 'drift')}{left}." if found.drifts
                 else "All is as it was read, and written what should be.")  # fmt: skip


def _line(one: Seen) -> str:
    asked = f", {counted(one.asked, 'ticket')} asked for" if one.asked else ""
    off = f", {one.unasked:,} that left the query were not asked for" if one.unasked else ""
    cost = f", {counted(one.requests, 'request')}" if one.requests else ""
    return f"{one.remote}: {counted(one.listed, 'ticket')} listed{asked}{off}{cost}"


def _row(one: Drift) -> tuple[str, ...]:
    item = f"{one.kind} {one.ref}".strip()
    values = (cut(clean(word or ""), _VALUE) for word in (one.base, one.shown))
    return (one.remote, item, one.field, *values, clean(one.explained), one.heals)


def _data(found: _Found, healed: Report | None) -> dict[str, Any]:
    from prophet_hub.model.ids import text  # noqa: PLC0415 - loaded by now

    data = {
        "remotes": [dataclasses.asdict(one) for one in found.seen],
        "left_out": [str(one) for one in found.left_out],
        "failed": {one.remote: sentence(one.error) for one in found.failed},
        "drifts": [
            {"remote": one.remote, "cause": str(one.why), "kind": one.kind, "ref": one.ref,
             "ticket": one.ticket, "field": one.field, "base": one.base, "shown": one.shown,
             "why": one.explained, "heals": one.heals,
             "record": text(one.record) if one.record else None}
            for one in found.drifts
        ],
    }  # fmt: skip
    return {**data, "run": healed.data()} if healed else data
