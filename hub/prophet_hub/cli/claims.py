"""The commands of `claims`: which hub reads and writes a tracker, and how that passes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import shown_time
from prophet_hub.cli.views import Views
from prophet_hub.errors import UsageError
from prophet_hub.foreign import claims as of
from prophet_hub.foreign import shared

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.foreign.claims import Claim
    from prophet_hub.model.ids import TrackerId

__all__ = ["app"]

app = typer.Typer(help="Shows which hub reads and writes a remote, and passes that on.")

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Remotes = Annotated[list[str], typer.Argument(metavar="REMOTE", help="As the list tells them.")]


@app.callback(invoke_without_command=True)
def claims(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows which hub reads and writes a remote, and passes that on."""
    if ctx.invoked_subcommand is None:
        list_claims(ctx, as_json=as_json)


@app.command("list")
def list_claims(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the remotes with the hub that reads and writes each, and since when."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        me = of.hub_of(replica)
        found = [
            _about(remote, of.claim_of(replica, tracker), me)
            for remote, tracker in sorted(Views(replica).remotes().items())
        ]
    if as_json:
        desk.json(found)
        return
    desk.table(
        [(one["remote"], _whose(one), shown_time(one["since"]) if one["since"] else "")
         for one in found],
        head=("remote", "read and written by", "since (UTC)"),
    )  # fmt: skip


@app.command("take")
def take(
    ctx: typer.Context,
    remotes: _Remotes,
    force: Annotated[
        bool, typer.Option("--force", help="Although another hub has it: that one is gone.")
    ] = False,
) -> None:
    """Makes this hub the one that reads and writes remotes; pull the one that did so first."""
    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) as replica:
        shared.catch_up(replica)
        me = of.hub_of(replica, note=True)
        for remote, tracker in _trackers(replica, remotes):
            held = of.claim_of(replica, tracker)
            if held and held.hub and not held.held_by(me) and not force:
                raise UsageError(
                    f"{remote} is read and written by the hub on {held.host} since "
                    f"{shown_time(held.since)} UTC.",
                    hint=f"Give it there with prophet-hub claims give {remote}, then pull that hub; "
                    "or take it with --force, if that hub is gone for good.",
                )
            if held is None or not held.held_by(me):
                of.take(replica, tracker, me)
            desk.say(f"This hub reads and writes {remote}.")


@app.command("give")
def give(ctx: typer.Context, remotes: _Remotes) -> None:
    """Gives remotes back, for the next hub that pulls this one and syncs, or takes them."""
    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) as replica:
        shared.catch_up(replica)
        me = of.hub_of(replica, note=True)
        for remote, tracker in _trackers(replica, remotes):
            of.release(replica, tracker, me, remote=remote)
            desk.say(f"{remote} is free for the next hub that hears of it.")


def _trackers(replica: Replica, remotes: list[str]) -> list[tuple[str, TrackerId]]:
    known = Views(replica).remotes()
    for remote in remotes:
        if remote not in known:
            raise UsageError(
                f'This database knows no remote "{remote}".',
                hint=f"There are: {', '.join(sorted(known)) or 'none yet; sync first'}.",
            )
    return [(remote, known[remote]) for remote in remotes]


def _about(remote: str, held: Claim | None, me: bytes) -> dict[str, Any]:
    return {
        "remote": remote,
        "host": held.host if held and held.hub else "",
        "here": bool(held and held.held_by(me)),
        "since": held.since if held else 0,
        "given": bool(held and not held.hub),
    }


def _whose(one: dict[str, Any]) -> str:
    if one["here"]:
        return f"this hub ({one['host']})"
    return one["host"] or ("nobody: it was given back" if one["given"] else "nobody yet")
