"""The local network: `serve` and `nearby`."""

from __future__ import annotations

import contextlib
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.errors import UsageError

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.peers.notes import Peer

__all__ = ["nearby", "neighbours", "serve"]

_PORT = 8470


def serve(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="In which a database was published.")
    ],
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Of this machine; 0.0.0.0 for all of them.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="NUMBER", help="0 for a free one.")] = _PORT,
    announce: Annotated[
        str, typer.Option(metavar="NAME", help="Lets others on the local network find it.")
    ] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="Does not list the requests.")] = False,
) -> None:
    """Serves a published folder on the web, read-only, until it is interrupted."""
    from prophet_hub.peers.format import HEAD, decode_head  # noqa: PLC0415 - lazy
    from prophet_hub.peers.nearby import announced  # noqa: PLC0415 - lazy
    from prophet_hub.peers.serving import Asked, Serving  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    if announce and _is_alone(host):
        raise UsageError(
            f"Nobody else could reach what is served at {host}.",
            hint="Say with --host at which address others reach this machine, or 0.0.0.0.",
        )

    def seen(asked: Asked) -> None:
        if not quiet:
            desk.tell(f"{asked.method} {asked.name[:90]} {asked.status} {asked.sent}")

    with contextlib.ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        serving = stack.enter_context(Serving(folder, host=host, port=port, seen=seen))
        if announce:
            head = decode_head((folder / HEAD).read_bytes())
            databases = [bytes.fromhex(one) for one in head.databases]
            stack.enter_context(announced(databases, announce, host=host, port=serving.port))
        desk.say(f"{folder} is served at {serving.url} until Ctrl-C.")
        serving.wait()


def nearby(
    ctx: typer.Context,
    seconds: Annotated[float, typer.Option(metavar="NUMBER", help="How long to listen.")] = 3.0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Lists replicas of this database that are announced on the local network."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        found = neighbours(replica, seconds=seconds)
    if as_json:
        desk.json([{"name": one.name, "url": one.url} for one in found])
    elif found:
        desk.table([(one.name, one.url) for one in found], head=("name", "address"))
    else:
        desk.say("No other replica of this database is announced here.")


def neighbours(replica: Replica, *, seconds: float = 3.0) -> list[Peer]:
    """Returns the announced replicas of the same database, as peers that are not noted."""
    from prophet_hub.peers.family import family  # noqa: PLC0415 - lazy
    from prophet_hub.peers.nearby import neighbours as around  # noqa: PLC0415 - lazy
    from prophet_hub.peers.notes import Peer  # noqa: PLC0415 - lazy

    found = around(sorted(family(replica)), seconds=seconds)
    return [Peer(name=one.name, url=one.url) for one in found]


def _is_alone(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
