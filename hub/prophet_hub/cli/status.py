"""The command `status`: what is where, and how the last runs ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import counted, shown_time
from prophet_hub.cli.views import Views
from prophet_hub.jobs.locks import holders
from prophet_hub.jobs.report import Report, runs
from prophet_hub.merge.votes import is_asked
from prophet_hub.sdk.messages import TICKET

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["status"]

_UNSAID = "running"


def status(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Shows what is where, and how the last runs ended."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        data = _data(desk, replica)
    if as_json:
        desk.json(data)
        return
    waits = f"{data['conflicts']} in conflict, {data['inbox']} in the inbox"
    if data["quarantine"]:
        waits += f", {counted(data['quarantine'], 'changeset')} in quarantine"
    desk.say(f"{data['database']}: {counted(data['tickets'], 'ticket')}, {waits}")
    desk.table(
        [
            (one["name"], str(one["tickets"]), str(one["inbox"]), one["busy"] or "")
            for one in data["remotes"]
        ],
        head=("remote", "tickets", "inbox", "busy with"),
    )
    desk.table(
        [
            (one["job"], one["run"], shown_time(one["started"]), _ended(one), str(one["exit"]),
             _sums(one))
            for one in data["jobs"]
        ],
        head=("job", "last run", "when (UTC)", "ended", "code", "what"),
    )  # fmt: skip


def _data(desk: Desk, replica: Replica) -> dict[str, Any]:
    views = Views(replica)
    busy = holders(desk.folder / ".locks") if desk.folder.exists() else {}
    remotes = []
    for name, tracker in sorted(views.remotes().items()):
        waiting = [row for *_, row in views.ledger(tracker).all_waiting() if not row.quiet]
        tickets = sum(1 for _ in replica.store.scan("shadows", (tracker, TICKET)))
        remotes.append(
            {"name": name, "tickets": tickets, "inbox": len(waiting), "busy": busy.get(name, "")}
        )
    last: dict[str, Report] = {}
    for run in runs(replica):
        last.setdefault(run.job, run)
    return {
        "database": str(desk.database),
        "tickets": sum(1 for row in replica.records(TICKET) if replica.alive(row.record)),
        "conflicts": sum(map(is_asked, replica.conflicts())),
        "inbox": sum(one["inbox"] for one in remotes),
        "quarantine": replica.held(),
        "remotes": remotes,
        "jobs": [last[job].data() for job in sorted(last)],
    }


def _ended(run: dict[str, Any]) -> str:
    return "under way, or cut off" if run["state"] == _UNSAID else str(run["state"])


def _sums(run: dict[str, Any]) -> str:
    remotes = run["remotes"].values()
    read, written, failed = (sum(one[key] for one in remotes)
                             for key in ("read", "written", "failed"))  # fmt: skip
    errors = "; ".join(one["error"] for one in remotes if one["error"])
    said = f"{read} read, {written} written, {failed} failed"
    return f"{said}; {errors}" if errors else said
