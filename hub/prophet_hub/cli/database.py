"""The commands of `database`: is it whole, what is in it, how large is it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final, Self

import msgspec
import typer

from prophet_hub.cli.listing import searchable
from prophet_hub.cli.tables import counted

if TYPE_CHECKING:
    from prophet_hub.cli.desk import Desk
    from prophet_hub.engine.replica import Replica
    from prophet_hub.engine.stats import Stats

__all__ = ["app"]

app = typer.Typer(help="Checks the database, and tells what is in it.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_SECONDS: Final = 10.0  # between two lines where nobody looks
_PARTS: Final = {
    "log": "the log", "texts": "long texts in it", "state": "what follows from the log",
    "search": "the index of searches", "bridge": "notes on trackers and peers", "free": "unused",
}  # fmt: skip
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")
_THOUSAND: Final = 1000
_MONTHS: Final = 12


@app.command("check")
def check(
    ctx: typer.Context,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Derives everything anew from the log before.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Verifies every hash, every sequence and every table of the database."""
    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) if rebuild else searchable(desk) as replica:
        if rebuild:
            _rebuild(desk, replica)
        faults = _check(desk, replica, quiet=as_json)
        entries = replica.latest()
    if as_json:
        desk.json({"faults": faults})
    elif not faults:
        desk.say(f"Nothing is wrong: {entries:,} changesets were checked.")
    else:
        desk.tell(_advice(faults, rebuilt=rebuild))
    if faults:
        raise typer.Exit(1)


@app.command("stats")
def stats(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows what the database holds, how large it is and how it grew."""
    from prophet_hub.engine.stats import stats as read  # noqa: PLC0415 - loaded by now

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        found = read(replica.store)
    if as_json:
        desk.json(msgspec.to_builtins(found))
        return
    desk.table(_counts(found))
    desk.say("")
    desk.table(_sizes(found))
    desk.say("")
    desk.table([(month, f"{count:,}") for month, count in list(found.months.items())[-_MONTHS:]],
               head=("month", "changesets"))  # fmt: skip


def _rebuild(desk: Desk, replica: Replica) -> None:
    from prophet_hub.engine.query import catch_up  # noqa: PLC0415 - a parser behind it

    with _Meter(desk, "derived anew") as meter:
        count = replica.rebuild(told=meter.step)
    desk.tell(f"Derived anew from {counted(count, 'changeset')}.")
    with _Meter(desk, "made searchable") as meter:
        catch_up(replica.store, told=lambda done: meter.step(done, done))


def _check(desk: Desk, replica: Replica, *, quiet: bool) -> list[str]:
    from prophet_hub.engine.check import check as sentences  # noqa: PLC0415 - as above

    faults = []
    with _Meter(desk, "checked") as meter:
        for said in sentences(replica.store, told=meter.step):
            meter.clear()
            faults.append(said)
            if not quiet:
                desk.say(said)
    return faults


def _advice(faults: list[str], *, rebuilt: bool) -> str:
    said = f"prophet-hub: {counted(len(faults), 'fault')}."
    if rebuilt:
        return f"{said} The log itself is harmed: restore a backup, or clone from a peer."
    return f"{said} What follows from the log is mended by prophet-hub database check --rebuild."


# --- stats ---


def _counts(found: Stats) -> list[tuple[str, str]]:
    rows = []
    for kind, count in found.records.items():
        dead = found.deleted.get(kind, 0)
        rows.append((f"records of type {kind}", f"{count:,}" + f", {dead:,} deleted" * bool(dead)))
    return [
        *rows,
        ("changesets", f"{found.entries:,}"),
        ("changes", f"{found.writes:,}"),
        ("replicas that wrote them", f"{found.origins:,}"),
        ("conflicts", f"{found.conflicts:,}"),
        ("changesets in quarantine", f"{found.quarantine:,}"),
        ("texts and contents not here", f"{found.wanted:,}"),
    ]


def _sizes(found: Stats) -> list[tuple[str, str]]:
    parts = [
        (f"  {_PARTS[part]}", _size(found.sizes[part])) for part in _PARTS if part in found.sizes
    ]
    per = [("per ticket", _size(found.per_ticket))] if found.per_ticket else []
    return [
        ("the database", _size(found.sizes["file"])), *parts, *per,
        ("attachments beside it", _size(found.sizes["blobs"])),
    ]  # fmt: skip


def _size(size: float) -> str:
    """Returns a size for people: 1.2 MB."""
    at = 0
    while size >= _THOUSAND and at < len(_UNITS) - 1:
        size, at = size / _THOUSAND, at + 1
    return f"{size:.1f} {_UNITS[at]}" if at else f"{size:.0f} {_UNITS[at]}"


class _Meter:
    """Shows how far a long work is: on a terminal at once, elsewhere a line now and then."""

    def __init__(self, desk: Desk, what: str) -> None:
        self._desk, self._what = desk, what
        self._last, self._shown = time.monotonic(), False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def step(self, done: int, whole: int) -> None:
        """Takes in progress."""
        now, lively = time.monotonic(), sys.stderr.isatty()
        if now - self._last < (0.2 if lively else _SECONDS):
            return
        self._last = now
        words = f"{done:,} of {whole:,}" if done != whole else f"{done:,}"
        if lively:
            sys.stderr.write(f"\r\x1b[K{words} {self._what} ...")
            sys.stderr.flush()
            self._shown = True
        else:
            self._desk.tell(f"{words} {self._what} ...")

    def clear(self) -> None:
        """Takes the line off the terminal."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
