"""The command `undo`: of changesets; of a run see `taking_back`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import counted, cut
from prophet_hub.cli.views import Views
from prophet_hub.engine.naming import changesets_of
from prophet_hub.engine.undo import undoing
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE, SAME_AS, VOTE
from prophet_hub.model.ids import RecordId, text
from prophet_hub.values import Stored, Value

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.merge.undo import Inverse

__all__ = ["undo"]

_VALUE = 60  # columns of a value


def undo(
    ctx: typer.Context,
    changeset: Annotated[
        str,
        typer.Argument(
            metavar="CHANGESET", help="17, 3f2a:12, a name's beginning, latest; or a range A..B.",
            show_default=False,
        ),
    ] = "",
    run: Annotated[
        str,
        typer.Option(
            metavar="RUN", help="Takes back what a run wrote, on every tracker; `runs` lists them."
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", "-n", help="Shows what would be written, and writes nothing."),
    ] = False,
    author: Annotated[
        str,
        typer.Option(
            metavar="WHO", help="Who writes; else PROPHET_HUB_AUTHOR, git's user.email, the login."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="With --run: prints only what needs a person.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --run: asks nothing, and no brake holds it.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Waits for remotes that another run has."),
    ] = 0,
) -> int:  # fmt: skip
    """Takes changesets back, or a run on every tracker that it touched."""
    desk: Desk = ctx.obj
    if bool(changeset) is bool(run):
        raise UsageError("What shall be undone?", hint="Name a CHANGESET, or a run with --run.")
    if run:
        from prophet_hub.cli.taking_back import take_back  # noqa: PLC0415 - lazy: requests, pydantic

        return take_back(desk, run, dry=dry_run, as_json=as_json, quiet=quiet, yes=yes, wait=wait)
    with desk.replica(write=not dry_run, make=False) as replica:
        views = Views(replica)
        rows = changesets_of(replica, changeset)
        if not rows:
            raise UsageError(f"There is no changeset in {changeset}.",
                             hint="`prophet-hub log` lists them.")  # fmt: skip
        found = undoing(replica, rows).inverses
        told = [_data(views, one) for one in found]
        lines = [_line(views, one) for one in found]
        before = replica.latest()
        if not dry_run:
            replica.undo(rows, author=desk.who(author))
        added = [row.number for row in replica.log(before, newest_first=False)]
        if as_json:
            desk.json({"entries": added, "cells": told})
            return 0
        desk.table(lines)
        desk.say(_sum(replica, found, added, dry_run=dry_run))
    return 0


def _sum(replica: Replica, found: list[Inverse], added: list[int], *, dry_run: bool) -> str:
    changed = [one for one in found if one.writes]
    if not changed:
        return "Nothing is left to undo."
    torn = sum(one.since for one in changed)
    also = f", {torn} of them edited since: see prophet-hub conflicts" if torn else ""
    if dry_run:
        return f"{counted(len(changed), 'field')} would change{also}. Nothing was written."
    name = f"{added[0]}..{added[-1]}" if len(added) > 1 else str(replica.latest())
    return (
        f"{counted(len(changed), 'field')} changed{also}. To take it back: prophet-hub undo {name}"
    )


def _line(views: Views, one: Inverse) -> tuple[str, str, str]:
    """Returns record, field and what becomes of it."""
    values = [cut(views.short(w.value, one.cell.prop), _VALUE) for w in one.writes]
    if one.cell.prop == SAME_AS:
        values = ["parted" if w.value is None else "joined" for w in one.writes]
    elif one.cell.prop.startswith(VOTE):
        values = ["withdrawn" if w.value is None else "given again" for w in one.writes]
    if not values:
        said = "stays: written since, or undone already" if one.since else "stays as it is"
    elif one.since:
        said = f"{' and '.join(values)}, beside what was written since"
    else:
        said = values[0] if len(values) == 1 else f"in conflict again: {' and '.join(values)}"
    return views.number(RecordId(one.cell.record)) or "", _field(views, one), said


def _field(views: Views, one: Inverse) -> str:
    prop, member = one.cell.prop, one.cell.member
    if prop.startswith(VOTE):
        return "vote"
    if prop == SAME_AS:
        return f"the same as {views.number(RecordId(bytes.fromhex(member)))}"
    return prop if prop == LIFE or not member else f"{prop}={member}"


def _data(views: Views, one: Inverse) -> dict[str, Any]:
    def value(found: Value) -> Any:
        return views.text(found) if isinstance(found, (str, Stored)) else None

    return {
        "number": views.label(RecordId(one.cell.record)), "uuid": text(one.cell.record),
        "property": one.cell.prop, "member": one.cell.member,
        "values": [value(w.value) for w in one.writes], "since": one.since,
    }  # fmt: skip
