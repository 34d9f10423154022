"""Commands that exchange with other replicas: `clone`, `pull`, `push`, `publish`."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from prophet_hub.cli.desk import Desk, micros
from prophet_hub.cli.meter import Meter
from prophet_hub.cli.tables import counted
from prophet_hub.errors import HubError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prophet_hub.engine.replica import Replica
    from prophet_hub.interop.prophet_v1 import PublishedV1
    from prophet_hub.peers.exchange import Progress, Pulled, Pushed
    from prophet_hub.peers.notes import Peer

__all__ = [
    "PASSWORD", "USER", "came", "clone", "holder", "publish", "pull", "push", "told", "waits",
]  # fmt: skip

_NATIVE, _V1 = "native", "prophet-v1"

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Prints only what needs a person.")]
USER = Annotated[str, typer.Option(metavar="NAME", help="Who asks, where the address wants one.")]
PASSWORD = Annotated[
    str, typer.Option(metavar="REFERENCE", help="Where the password is: env:NAME, file:PATH ...")
]
_WithPrivate = Annotated[
    bool,
    typer.Option("--with-private", help="Private records may get there; asked once for a place."),
]


def clone(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A database, bundle or published replica.")],
    database: Annotated[
        Path | None,
        typer.Argument(metavar="DATABASE", help="The new database; else as --database says.",
                       show_default=False),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the peer is called here.")] = "",
    user: USER = "",
    password: PASSWORD = "",
    quiet: _Quiet = False,
    as_json: _Json = False,
) -> None:  # fmt: skip
    """Makes a database that is a replica of another one."""
    from prophet_hub.engine.replica import Replica  # noqa: PLC0415 - lazy
    from prophet_hub.jobs import visits  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.keys import signer  # noqa: PLC0415 - lazy
    from prophet_hub.peers import notes, opening  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    path = database or desk.database
    address = notes.clean(url)
    if opening.kind_of(address) is opening.Kind.NOTHING:
        raise UsageError(f"There is nothing at {url}.", hint="Name what is to be cloned.")
    existed = path.exists()
    replica = Replica.open(path, clock=micros)
    replica.seal_with(signer(os.environ))
    try:
        peer = told(notes.peer_at(replica, url), user, password)
        peer = msgspec.structs.replace(peer, name=notes.good(name)) if name else peer
        visits.started(replica, peer)
        found = _pull(desk, replica, peer, quiet=quiet)
    except BaseException:
        empty = not existed and not replica.tips()
        replica.close()
        if empty:  # nothing arrived: as if it had not been asked for
            for end in ("", "-wal", "-shm"):
                path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
        raise
    noted = notes.named(replica, peer.name) is not None
    waiting = waits(replica) if found.entries else ""
    replica.close()
    if as_json:
        desk.json({"peer": peer.name, "database": str(path), **_data(found)})
    elif not quiet:
        desk.say(
            f"{path}: {came(found)}.{f' The peer is called {peer.name} here.' if noted else ''}"
        )
    if waiting and not as_json:
        desk.say(waiting)


def pull(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="PEER|URL", help="Peers, or addresses; else all that are noted.",
                       show_default=False),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Makes one database of this and another one, for ever.")
    ] = False,
    local: Annotated[
        bool, typer.Option("--local", help="Those that are announced on the local network.")
    ] = False,
    user: USER = "",
    password: PASSWORD = "",
    quiet: _Quiet = False,
    as_json: _Json = False,
) -> int:  # fmt: skip
    """Brings here what other replicas have."""
    from prophet_hub.cli.nearby import neighbours  # noqa: PLC0415 - lazy
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    found_of, worst = [], 0
    with desk.replica(write=True, make=bool(names)) as replica:
        if local:
            peers = neighbours(replica)
        else:
            peers = _peers(replica, names or [peer.name for peer in notes.peers(replica)])
        if not peers and local:
            raise UsageError("No other replica of this database is announced on the local network.",
                             hint="On another machine: prophet-hub serve FOLDER --announce NAME.")  # fmt: skip
        if not peers:
            raise UsageError("This database has no peers.", hint="Name one: prophet-hub pull URL.")
        for peer in peers:
            try:
                found = _pull(desk, replica, told(peer, user, password), quiet=quiet, joins=join,
                              noted=not local)  # fmt: skip
            except HubError as error:
                if len(peers) == 1:
                    raise
                worst = max(worst, _failed(desk, peer, error))
                found_of.append({"peer": peer.name, "error": str(error)})
                continue
            found_of.append({"peer": peer.name, **_data(found)})
            if not quiet and not as_json:
                desk.say(f"{peer.name}: {came(found)}.")
        waiting = waits(replica) if any(one.get("entries") for one in found_of) else ""
        if waiting and not as_json:
            desk.say(waiting)
    if as_json:
        desk.json(found_of)
    return worst


def push(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="PEER|URL", help="The peer; else the only one.",
                            show_default=False)
    ] = "",
    with_private: _WithPrivate = False,
    user: USER = "",
    password: PASSWORD = "",
    quiet: _Quiet = False,
    as_json: _Json = False,
) -> None:  # fmt: skip
    """Brings to another replica, or to a published one, what it lacks of this one."""
    _out(ctx, name, new=False, with_private=with_private, user=user, password=password,
         quiet=quiet, as_json=as_json)  # fmt: skip


def publish(
    ctx: typer.Context,
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="A folder, or an address that can be written.")
    ],
    form: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="native, or prophet-v1 for the Perl sd."),
    ] = "native",
    with_private: _WithPrivate = False,
    user: USER = "",
    password: PASSWORD = "",
    quiet: _Quiet = False,
    as_json: _Json = False,
) -> None:
    """Publishes this database as files, for any web server or share to pass on."""
    if form == _V1:
        _out_v1(ctx, place, with_private=with_private, user=user, password=password, quiet=quiet,
                as_json=as_json)  # fmt: skip
        return
    if form != _NATIVE:
        raise UsageError(f'There is no format "{form}".', hint=f"Write {_NATIVE} or {_V1}.")
    _out(ctx, place, new=True, with_private=with_private, user=user, password=password,
         quiet=quiet, as_json=as_json)  # fmt: skip


# --- what the commands share ---


def holder(desk: Desk) -> str:
    """Returns how others see who writes at a place."""
    return f"{desk.who()} on {platform.node() or 'somewhere'} (process {os.getpid()})"


def came(found: Pulled) -> str:
    """Returns what a pull brought, in words."""
    if not (found.entries or found.contents or found.missing):
        return "nothing new"
    parts = [counted(found.entries, "changeset")]
    if found.contents:
        parts.append(counted(found.contents, "file"))
    said = " and ".join(parts)
    if found.settled:
        said += f"; {counted(found.settled, 'conflict')} settled"
    if found.refused:
        said += f"; {found.refused} refused"
    if found.missing:
        said += f"; {counted(found.missing, 'file')} could not be had"
    return said


def waits(replica: Replica) -> str:
    """Returns what a person has to decide after an exchange, "" for nothing."""
    from prophet_hub.merge.votes import is_asked  # noqa: PLC0415 - lazy

    count = sum(map(is_asked, replica.conflicts()))
    return (
        f"{counted(count, 'conflict')} waiting for a decision: prophet-hub conflicts"
        if count
        else ""
    )


def _out(
    ctx: typer.Context, words: str, *, new: bool, with_private: bool, user: str, password: str,
    quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Pushes, or publishes at a place that may be new."""
    from prophet_hub.jobs import visits  # noqa: PLC0415 - lazy
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy
    from prophet_hub.peers.exchange import Pushed  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    notes.clean(words)  # what is wrong with an address is said before anything is opened
    with desk.replica(write=True, make=False) as replica:
        peer = told(notes.peer_at(replica, words) if words else _only(replica), user, password)
        if with_private:
            peer = msgspec.structs.replace(peer, private=True)
        steps = visits.pushed(replica, peer, holder=holder(desk), secret=_secret(desk, peer),
                              new=new, tell=desk.tell)  # fmt: skip
        found = _shown(desk, peer, steps, quiet=quiet)
    if not isinstance(found, Pushed):
        raise UsageError(f"{peer.url} was not written.")
    if as_json:
        desk.json({"peer": peer.name, **_data(found)})
    elif not quiet:
        what = counted(found.entries, "changeset")
        files = f" and {counted(found.contents, 'file')}" if found.contents else ""
        done = f"{what}{files} written" if found.entries or found.contents else "it lacks nothing"
        desk.say(f"{peer.name}: {done}.")


def _out_v1(ctx: typer.Context, words: str, *, with_private: bool, user: str, password: str,
            quiet: bool, as_json: bool) -> None:  # fmt: skip
    """Publishes for the Perl original."""
    from prophet_hub.jobs import visits  # noqa: PLC0415 - lazy
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        peer = told(notes.peer_at(replica, words), user, password)
        found = visits.published_v1(replica, peer, holder=holder(desk), private=with_private,
                                    secret=_secret(desk, peer))  # fmt: skip
    if as_json:
        desk.json(_data(found))
    elif not quiet:
        stand = f"{counted(found.changesets, 'changeset')} and {counted(found.records, 'record')}"
        kept = "" if with_private else "; nothing private"
        lost = f"; {counted(found.missing, 'text')} not here" if found.missing else ""
        desk.say(f"{peer.url}: {stand} stand there for sd to pull{kept}{lost}.")


def _pull(desk: Desk, replica: Replica, peer: Peer, *, quiet: bool, joins: bool = False,
          noted: bool = True) -> Pulled:  # fmt: skip
    from prophet_hub.jobs import visits  # noqa: PLC0415 - lazy

    author = desk.who() if joins else ""
    steps = visits.pulled(replica, peer, secret=_secret(desk, peer), author=author, joins=joins,
                          noted=noted)  # fmt: skip
    before = replica.held()
    found: Pulled = _shown(desk, peer, steps, quiet=quiet)
    if not quiet and (held := replica.held() - before) > 0:
        desk.tell(f"{peer.name}: {counted(held, 'changeset')} of these held back; see "
                  "prophet-hub quarantine.")  # fmt: skip
    return found


def _shown(desk: Desk, peer: Peer, steps: Iterator[Progress], *, quiet: bool) -> Any:
    """Shows the steps of an exchange; returns the last one, which tells what came of it."""
    step = None
    with Meter(desk, peer.name, quiet=quiet) as meter:
        for step in steps:
            meter.step(step)
    return step


def told(peer: Peer, user: str, password: str) -> Peer:
    """Returns a peer with what the command's options say of it."""
    if password:
        from prophet_hub.jobs.secrets import is_reference, remedy  # noqa: PLC0415 - lazy

        if not is_reference(password):
            raise UsageError("The password stands there in clear text.",
                             hint=remedy(peer.name, "password", where="at its server"))  # fmt: skip
    return msgspec.structs.replace(peer, user=user or peer.user, password=password or peer.password)


def _secret(desk: Desk, peer: Peer) -> str:
    if not peer.password:
        return ""
    from prophet_hub.jobs.secrets import resolve  # noqa: PLC0415 - lazy

    return resolve(peer.password, folder=Path(), ask=desk.plugins().secret)


def _peers(replica: Replica, words: Iterable[str]) -> list[Peer]:
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    return [notes.peer_at(replica, one) for one in words]


def _only(replica: Replica) -> Peer:
    from prophet_hub.peers import notes  # noqa: PLC0415 - lazy

    known = list(notes.peers(replica))
    if len(known) != 1:
        what = "has no peers" if not known else "has several peers"
        raise UsageError(f"This database {what}.", hint="Name one: prophet-hub push PEER.")
    return known[0]


def _failed(desk: Desk, peer: Peer, error: HubError) -> int:
    from prophet_hub.cli.failures import sentence  # noqa: PLC0415 - lazy

    desk.tell(f"prophet-hub: {peer.name}: {sentence(error)}")
    return error.exit_code


def _data(found: Pulled | Pushed | PublishedV1) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(found)
    return data
