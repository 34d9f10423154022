"""The commands of `bundle`: a database, or what is new in it, as one file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.exchange import came, holder, waits
from prophet_hub.cli.meter import Meter
from prophet_hub.cli.tables import counted
from prophet_hub.errors import UsageError

if TYPE_CHECKING:
    from prophet_hub.engine.offers import Ticket
    from prophet_hub.engine.replica import Replica

__all__ = ["app"]

app = typer.Typer(help="Carries changesets in one file, without a line between two replicas.")

_File = Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Prints only what needs a person.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command("create")
def create(
    ctx: typer.Context,
    file: _File,
    since: Annotated[
        str,
        typer.Option(
            metavar="PEER|FILE",
            help="Only what this peer lacked, or what follows a ticket or an older bundle.",
        ),
    ] = "",
    with_private: Annotated[
        bool, typer.Option("--with-private", help="Private records may be in it.")
    ] = False,
    quiet: _Quiet = False,
) -> None:
    """Writes this database, or what is new in it, as one file."""
    from prophet_hub.jobs import visits  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    done = None
    with desk.replica() as replica, Meter(desk, file.name, quiet=quiet) as meter:
        ticket = _ticket(replica, since) if since else []
        for done in visits.bundled(
            replica, file, ticket, holder=holder(desk), with_private=with_private
        ):
            meter.step(done)
    if done is not None and not quiet:
        files = f" and {counted(done.contents, 'file')}" if done.contents else ""
        desk.say(f"{file}: {counted(done.entries, 'changeset')}{files}.")


@app.command("apply")
def apply(ctx: typer.Context, file: _File, quiet: _Quiet = False, as_json: _Json = False) -> None:
    """Takes in what a bundle brings; a second time brings nothing."""
    import msgspec  # noqa: PLC0415 - lazy

    from prophet_hub.jobs import visits  # noqa: PLC0415 - lazy
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy
    from prophet_hub.peers.exchange import Pulled  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    _is_there(file)
    found = Pulled()
    with desk.replica(write=True) as replica, Meter(desk, file.name, quiet=quiet) as meter:
        peer = notes.Peer(name=file.name, url=notes.clean(str(file)))
        for step in visits.pulled(replica, peer):
            meter.step(step)
            found = step if isinstance(step, Pulled) else found
        waiting = waits(replica) if found.entries else ""
    if as_json:
        desk.json(msgspec.to_builtins(found))
        return
    if not quiet:
        desk.say(f"{file}: {came(found)}.")
    if waiting:
        desk.say(waiting)


@app.command("verify")
def verify(ctx: typer.Context, file: _File, as_json: _Json = False) -> None:
    """Reads a bundle whole, compares it with what it says of itself, and tells what it needs."""
    from prophet_hub.peers import bundle  # noqa: PLC0415 - lazy
    from prophet_hub.peers.published import Published  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    _is_there(file)
    with contextlib.closing(bundle.Bundle(file)) as opened:
        found = bundle.verify(Published(opened))
    head = found.head
    if as_json:
        desk.json(
            {"entries": found.entries, "contents": found.contents, "missing": found.missing,
             "databases": list(head.databases), "before": list(head.before),
             "tips": list(head.tips)}
        )  # fmt: skip
        return
    files = f" and {counted(found.contents, 'file')}" if found.contents else ""
    desk.say(f"{file}: whole, with {counted(found.entries, 'changeset')}{files}.")
    if found.missing:
        desk.say(f"{counted(found.missing, 'file')} were not there when it was made.")
    desk.say(f"Database {head.databases[0][:8]}." if head.databases else "Of no database.")
    for origin, sequence, _ in head.before:
        desk.say(f"Needs changeset {sequence} of replica {origin[:8]}.")


@app.command("ticket")
def ticket(ctx: typer.Context, file: _File) -> None:
    """Writes down what is here, so that somebody else makes a bundle of what is not."""
    from prophet_hub.peers.bundle import ticket_file  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        data = ticket_file(replica)
    try:
        file.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}.") from error
    desk.say(f"{file}: give it to prophet-hub bundle create --since.")


def _ticket(replica: Replica, words: str) -> Ticket:
    from prophet_hub.peers import bundle, notes  # noqa: PLC0415 - lazy

    peer = notes.named(replica, words)
    if peer is not None:
        return peer.tips
    path = Path(words)
    if not path.is_file():
        raise UsageError(f'"{words}" is neither a peer nor a file.', hint="See prophet-hub peers.")
    return bundle.ticket_of(path)


def _is_there(file: Path) -> None:
    if not file.is_file():
        raise UsageError(f"There is no file {file}.", hint="Look at its name.")
