"""The commands of `audit`: what trackers were asked for and why, and whether all of it is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, counted, cut, shown_time
from prophet_hub.cli.views import Views
from prophet_hub.errors import UsageError
from prophet_hub.values import from_micros, instant_text

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.foreign.audit_list import Asked, Change, Reason

__all__ = ["app"]

app = typer.Typer(
    help="Shows what trackers were asked for, by whom and why; checks that all is there.",
    no_args_is_help=True,
)

_VALUE = 40  # columns of a value
_MOST_REASONS = 2
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("list")
def list_audit(
    ctx: typer.Context,
    most: Annotated[
        int, typer.Option("--most", "-n", metavar="NUMBER", min=0, help="So many; 0 for all.")
    ] = 20,
    since: Annotated[
        str, typer.Option(metavar="MOMENT", help="Asked since then: 2026-11-20, yesterday, 2w.")
    ] = "",
    remote: Annotated[str, typer.Option(metavar="NAME", help="Of this remote.")] = "",
    ticket: Annotated[
        str, typer.Option(metavar="TICKET", help="About this ticket, its comments included.")
    ] = "",
    run: Annotated[str, typer.Option(metavar="RUN", help="In this run.")] = "",
    as_json: _Json = False,
) -> None:
    """Lists the requests by which trackers may have changed, the newest first."""
    from prophet_hub.foreign.audit_list import requests  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.report import report_of  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        start = _time(replica, since) if since else 0
        records = _records(replica, ticket) if ticket else frozenset[str]()

        def wanted(said: dict[str, Any]) -> bool:
            return (
                remote in ("", said["remote"])
                and run in ("", said["run"])
                and said["when"] >= start
                and (not records or said["record"] in records)
            )

        asked = list(islice(requests(replica.store, wanted), min(most, sys.maxsize) or None))
        if run and not asked:
            report_of(replica, run)  # or says that there is none
    if as_json:
        desk.json([_data(one) for one in asked])
        return
    desk.table(
        [row for one in asked for row in _rows(one)],
        head=("line", "when (UTC)", "run", "remote", "asked", "item", "came", "field", "values",
              "why"), below=("field", "values", "why"),
    )  # fmt: skip


@app.command("verify")
def verify(
    ctx: typer.Context,
    head: Annotated[
        str,
        typer.Option(
            "--head", metavar="NUMBER:HASH",
            help="What an earlier check printed: whether that line still is there.",
        ),
    ] = "",
    as_json: _Json = False,
) -> None:  # fmt: skip
    """Checks that every line follows the one before, and that the journal says what was hashed."""
    from prophet_hub.foreign.audit import Head  # noqa: PLC0415 - lazy
    from prophet_hub.foreign.audit_check import verify as check  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    kept = Head.parse(head) if head else None
    with desk.replica() as replica:
        found = check(replica.store, kept)
    if as_json:
        desk.json({
            "whole": not found.fault, "fault": found.fault, "head": str(found.head),
            "lines": found.head.number, "requests": found.requests,
            "unanswered": found.unanswered, "erased": found.erased, "older": found.older,
        })  # fmt: skip
    elif found.fault:
        desk.tell(f"prophet-hub: {found.fault} {found.hint}")
    else:
        desk.say(
            f"The audit is whole: {counted(found.head.number, 'line')} "
            f"of {counted(found.requests, 'request')}."
        )
        if found.unanswered:
            desk.say(f"What became of {found.unanswered} of them the next sync will tell.")
        if found.erased:
            desk.say(f"The values of {counted(found.erased, 'request')} were erased.")
        if found.older:
            desk.say(f"The journal has {counted(found.older, 'write')} older than the audit.")
        desk.say(f"Its head, to be kept elsewhere: {found.head}")
    if found.fault:
        raise typer.Exit(1)


def _time(replica: Replica, words: str) -> int:
    from prophet_hub.engine.then import time_of  # noqa: PLC0415 - seldom

    found = time_of(words, replica.now())
    if found is None:
        raise UsageError(f'"{words}" is no time.',
                         hint="Write 2026-11-20, 2026-11-20T18:43, yesterday or 2w.")  # fmt: skip
    return found


def _records(replica: Replica, ticket: str) -> frozenset[str]:
    """Returns, in hexadecimal digits, the names that a ticket and what is in it ever had."""
    record = Views(replica).record(ticket)
    records = set(replica.members(record))
    for kind in ("comment", "attachment"):
        for child in replica.children(record, kind):
            records |= replica.members(child)
    return frozenset(one.hex() for one in records)


# --- for people ---


def _rows(one: Asked) -> Iterator[tuple[str, ...]]:
    """Yields a line per field, the first with all that is to be said of the request."""
    said = one.said
    item = f"{said['kind']} {one.item}".strip()
    if said["ticket"]:
        item += f" at {said['ticket']}"
    first: tuple[str, ...] = (str(one.line.number), shown_time(said["when"]), said["run"], said["remote"],
             said["verb"], item, one.outcome)  # fmt: skip
    whole = _why(one, "")
    if not one.changes:
        yield (*first, "", "", whole)
    for change in one.changes:
        name = f"{change.field}={change.member}" if change.member else change.field
        yield (*first, name, _step(change), _why(one, name))
        first = ("",) * len(first)


def _step(change: Change) -> str:
    if change.member:
        return "added" if change.after is not None else "removed"
    before, after = (
        "(nothing)" if value is None else cut(clean(value), _VALUE)
        for value in (change.before, change.after)
    )
    return after if change.before is None else f"{before} -> {after}"


def _why(one: Asked, field: str) -> str:
    """Returns who wanted it, and where and how they said so."""
    if one.said["undoes"]:
        return f"undo of run {one.said['undoes']}"
    found = [_reason(reason) for reason in one.reasons if reason.field == field]
    more = len(found) - _MOST_REASONS
    return "; ".join(found[:_MOST_REASONS]) + (f"; {more} more" if more > 0 else "")


def _reason(reason: Reason) -> str:
    if not reason.write:
        return "filled in by the job's rule"
    rule = {"": "", "person": "decided"}.get(reason.rule, f"by rule: {reason.rule}")
    said = ", ".join(part for part in (reason.author, reason.note, rule) if part)
    return said or "a write that this database does not know"


# --- for programs ---


def _data(one: Asked) -> dict[str, Any]:
    said = one.said
    lines = [(one.line, said), *one.answers]
    return {
        "number": one.line.number, "when": instant_text(from_micros(said["when"])),
        **{key: said[key] for key in ("run", "job", "remote", "verb", "kind", "ticket", "undoes")},
        "item": one.item, "outcome": one.outcome, "values": one.values,
        "why": [
            {"field": why.field, "author": why.author, "note": why.note, "rule": why.rule,
             "write": why.write}
            for why in one.reasons
        ],
        "lines": [{"hash": line.hash, "line": body} for line, body in lines],
    }  # fmt: skip
