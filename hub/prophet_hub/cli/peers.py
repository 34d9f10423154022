"""The commands of `peers`: the replicas with which this one exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.exchange import PASSWORD, USER, told
from prophet_hub.cli.tables import counted, shown_time
from prophet_hub.errors import UsageError

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.peers.notes import Peer

__all__ = ["app"]

app = typer.Typer(help="Lists the replicas with which this one exchanges.")

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback(invoke_without_command=True)
def peers(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the replicas with which this one exchanges."""
    if ctx.invoked_subcommand is None:
        list_peers(ctx, as_json=as_json)


@app.command("list")
def list_peers(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the peers: where they are, when they were met, what they lack."""
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        found = [_about(replica, peer) for peer in notes.peers(replica)]
    if as_json:
        desk.json(found)
        return
    desk.table(
        [(one["name"], one["url"], shown_time(one["pulled"]), shown_time(one["pushed"]),
          _apart(one)) for one in found],
        head=("peer", "address", "pulled (UTC)", "pushed (UTC)", "then it"),
    )  # fmt: skip


@app.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called here.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="A path, or an address.")],
    user: USER = "",
    password: PASSWORD = "",
) -> None:
    """Notes a peer under a name; an older one of this name gets the new address."""
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    with desk.replica(write=True) as replica:
        address = notes.clean(url)
        known = notes.named(replica, notes.good(name))
        if known is None or known.url != address:  # another place has other pages
            known = notes.Peer(name=name, url=address)
        notes.put(replica, told(known, user, password))
    desk.say(f"{name} is {address}.")


@app.command("remove")
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As the list tells it.")],
) -> None:
    """Forgets a peer; what came from it stays."""
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) as replica:
        _named(replica, name)
        notes.drop(replica, name)
    desk.say(f"{name} is forgotten.")


@app.command("show")
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As the list tells it.")],
    as_json: _Json = False,
) -> None:
    """Shows one peer, with the last changeset that it had of each replica."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        peer = _named(replica, name)
        about = _about(replica, peer)
        about["tips"] = [[o.hex(), s, r.hex()] for o, s, r in peer.tips]
        here = [replica.stands_at(*end) for end in peer.tips]
    if as_json:
        desk.json(about)
        return
    rows = [("address", peer.url), ("user", peer.user), ("password", peer.password),
            ("pulled", shown_time(peer.pulled)), ("pushed", shown_time(peer.pushed)),
            ("private records", "may be published there" if peer.private else ""),
            ("then it", _apart(about))]  # fmt: skip
    desk.table([row for row in rows if row[1]])
    desk.table(
        [(o.hex()[:8], str(s), "" if known else "not here")
         for (o, s, _), known in zip(peer.tips, here, strict=True)],
        head=("replica", "changesets", ""),
    )  # fmt: skip


def _named(replica: Replica, name: str) -> Peer:
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    peer = notes.named(replica, name)
    if peer is None:
        raise UsageError(f'No peer is called "{name}".', hint="See prophet-hub peers.")
    return peer


def _about(replica: Replica, peer: Peer) -> dict[str, Any]:
    from prophet_hub.jobs.visits import distance  # noqa: PLC0415 - lazy

    apart = distance(replica, peer.tips)
    return {
        "name": peer.name, "url": peer.url, "user": peer.user, "pulled": peer.pulled,
        "pushed": peer.pushed, "private": peer.private, "lacks": apart.lacks, "ahead": apart.ahead,
    }  # fmt: skip


def _apart(about: dict[str, Any]) -> str:
    if not (about["pulled"] or about["pushed"]):
        return "was never met"
    lacks = f"lacked {counted(about['lacks'], 'changeset')}" if about["lacks"] else ""
    ahead = "had more than is here" if about["ahead"] else ""
    return " and ".join(part for part in (lacks, ahead) if part) or "had the same"
