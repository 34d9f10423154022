"""The commands of `keys`: who signs here, whose signatures count, and whether they are demanded."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, counted
from prophet_hub.engine.trust import Trust
from prophet_hub.errors import HubError, UsageError
from prophet_hub.jobs import keys as keys_of
from prophet_hub.model import seals
from prophet_hub.store.held import Held

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["app"]

app = typer.Typer(help="Shows and changes who signs here and whose signatures count.")

_LONGEST_NAME = 100
_LARGEST_FILE = 1 << 20

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Does not ask.")]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="ed25519: and 64 digits, all of them.")]


@app.callback(invoke_without_command=True)
def keys(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows and changes who signs here and whose signatures count."""
    if ctx.invoked_subcommand is None:
        list_keys(ctx, as_json=as_json)


@app.command("list")
def list_keys(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the trusted keys, and those of strangers whose changesets wait."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        trust = Trust(replica.store)
        trusted, waiting, required = trust.keys(), Held(replica.store).keys(), trust.required
    own = _own_if_any(desk)
    rows = [
        {"key": seals.named(key), "name": trusted.get(key, ""), "trusted": key in trusted,
         "own": key == own, "held": waiting.get(key, 0)}
        for key in sorted({*trusted, *waiting, *([own] if own else [])},
                          key=lambda key: (key not in trusted, trusted.get(key, ""), key))
    ]  # fmt: skip
    if as_json:
        desk.json({"required": required, "keys": rows})
        return
    desk.say(f"Signatures are {'demanded' if required else 'not demanded'} of what is pulled.")
    desk.table([(str(one["key"]), str(one["name"]), _standing(one)) for one in rows],
               head=("key", "name", ""))  # fmt: skip


@app.command("show")
def show_key(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows the key with which this replica signs, to be handed to others."""
    desk: Desk = ctx.obj
    signer = _signer()
    key = seals.named(signer.public())
    if as_json:
        desk.json({"key": key, "from": signer.reference})
        return
    desk.say(key, f"The private part is read from {signer.reference}.")


@app.command("create")
def create_key(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Where; else signing.key in the config folder.",
                     show_default=False),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Yours; else the author's.")] = "",
) -> None:  # fmt: skip
    """Makes a key: from then on what is recorded here is signed."""
    desk: Desk = ctx.obj
    path = file or keys_of.default_file()
    named = _named(name or desk.who())
    key = keys_of.create(path, named)
    desk.say(f"Made {seals.named(key)}",
             f"The private part is in {path}: nobody else should ever see it.")  # fmt: skip
    if desk.database.exists():
        with desk.replica(write=True) as replica:
            Trust(replica.store).trust(key, named)
        desk.say(f"It is trusted in this database as {named}.")
    if file:
        desk.say(f"To sign with it: export {keys_of.VARIABLE}=file:{path.absolute()}")
    desk.say("Those who pull from you want to know it: prophet-hub keys export")


@app.command("trust")
def trust_key(
    ctx: typer.Context,
    key: _Key,
    name: Annotated[str, typer.Option(metavar="NAME", help="Whose it is, for people.")],
) -> None:
    """Trusts a key; what waited for it counts at once."""
    desk: Desk = ctx.obj
    with desk.replica(write=True) as replica:
        _trust(desk, replica, [(seals.parsed(key), _named(name))])


@app.command("distrust")
def distrust_key(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key, or its name here.")],
) -> None:
    """Trusts a key no more; what it has signed until now stays."""
    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) as replica:
        trust = Trust(replica.store)
        known = trust.keys()
        named = [one for one, name in known.items() if name == key]
        found = named[0] if named else seals.parsed(key)
        if found not in known:
            raise UsageError("That key is not trusted here.", hint="See prophet-hub keys list.")
        trust.distrust(found)
    desk.say(f"{known[found]} ({seals.short(found)}) is not trusted any more. "
             "What it signed until now stays; to take something back, undo it.")  # fmt: skip


@app.command("export")
def export_keys(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="All trusted keys, not only yours.")] = False,
) -> None:
    """Prints public keys, one a line, for `keys import` elsewhere."""
    desk: Desk = ctx.obj
    signer = None if every else _signer()
    known: dict[bytes, str] = {}
    if every or desk.database.exists():
        with desk.replica() as replica:
            known = Trust(replica.store).keys()
    if signer is not None:
        own = signer.public()
        known = {own: known.get(own) or _owner(desk, signer)}
    for key, name in sorted(known.items(), key=lambda one: one[1]):
        desk.say(f"{seals.named(key)} {clean(name)}")


@app.command("import")
def import_keys(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As exported; - for the input.")],
    yes: _Yes = False,
) -> None:
    """Trusts the keys in a file, after a look at them."""
    desk: Desk = ctx.obj
    found = [_line(line) for line in _text(file).splitlines() if line.strip()]
    if not found:
        raise UsageError(f"There is no key in {file}.", hint="Have one: prophet-hub keys export")
    for key, name in found:
        desk.tell(f"{seals.named(key)} {name}")
    if not yes:
        if not desk.asks:
            raise UsageError("Nobody can be asked whether these are trusted.", hint="Give --yes.")
        typer.confirm(f"Trust {counted(len(found), 'key')}?", abort=True)
    with desk.replica(write=True) as replica:
        _trust(desk, replica, found)


@app.command("require")
def require_keys(
    ctx: typer.Context,
    switch: Annotated[str, typer.Argument(metavar="on|off", help="Whether it is demanded.")],
) -> None:
    """Demands from now on that what is pulled is signed by a trusted key, or no more."""
    desk: Desk = ctx.obj
    if switch not in ("on", "off"):
        raise UsageError(f"{switch!r} is neither on nor off.")
    signer = keys_of.signer(os.environ)
    own = signer.public() if signer else None
    with desk.replica(write=True) as replica:
        trust = Trust(replica.store)
        trust.require(on=switch == "on")
        known = trust.keys()
        if signer and own and own not in known:
            trust.trust(own, _free(known, _owner(desk, signer)))
        waiting = replica.held()
    if switch == "on":
        said = f"{counted(len({*known, *([own] if own else [])}), 'key')} trusted"
        desk.say(f"From now on what is pulled counts if a trusted key has signed it ({said}). "
                 "What is here stays.")  # fmt: skip
        if own is None:
            desk.tell("You have no key: who demands signatures will hold back what you record. "
                      "Make one with prophet-hub keys create.")  # fmt: skip
    else:
        desk.say("From now on what is pulled counts without a signature.")
        if waiting:
            desk.say(f"{counted(waiting, 'changeset')} still held; see prophet-hub quarantine.")


@app.command("sign")
def sign(ctx: typer.Context) -> None:
    """Signs all that was recorded here before there was a key."""
    desk: Desk = ctx.obj
    _signer().public()
    with desk.replica(write=True, make=False) as replica:
        log = replica.store.log
        sequence, _ = log.last(replica.origin)
        number = log.number_at(replica.origin, sequence)
        if not sequence or log.seals(number, number):
            desk.say("There is nothing that is not signed.")
            return
        replica.vouch(author=desk.who(), note="prophet-hub keys sign")
    desk.say(f"Signed: {counted(sequence, 'changeset')} of this replica. It travels with the next "
             "push or publish.")  # fmt: skip


def _trust(desk: Desk, replica: Replica, found: list[tuple[bytes, str]]) -> None:
    trust = Trust(replica.store)
    with replica.transaction():
        for key, name in found:
            other = next((one for one, known in trust.keys().items() if known == name), key)
            if other != key:
                raise UsageError(f"{name} is the name of another key, {seals.short(other)}.",
                                 hint="Give it another one with keys trust KEY --name.")  # fmt: skip
            trust.trust(key, name)
        freed = replica.release()
    for key, name in found:
        desk.say(f"{name} ({seals.short(key)}) is trusted.")
    if freed:
        desk.say(f"{counted(freed, 'changeset')} that waited for it now count.")


def _standing(one: dict[str, Any]) -> str:
    own = "yours" if one["own"] else ""
    trusted = "" if one["trusted"] else "not trusted"
    held = f"{counted(one['held'], 'signature')} waiting" if one["held"] else ""
    return ", ".join(part for part in (own, trusted, held) if part)


def _signer() -> keys_of.Signer:
    found = keys_of.signer(os.environ)
    if found is None:
        raise UsageError("There is no key here.", hint="Make one with prophet-hub keys create.")
    return found


def _own_if_any(desk: Desk) -> bytes | None:
    """Returns the own public key; one that cannot be read is told and left out."""
    found = keys_of.signer(os.environ)
    try:
        return found.public() if found else None
    except HubError as error:
        desk.tell(f"prophet-hub: {error}")
        return None


def _owner(desk: Desk, signer: keys_of.Signer) -> str:
    return _named(signer.owner() or desk.who())


def _free(known: dict[bytes, str], name: str) -> str:
    """Returns the name, with a number if another key has it."""
    taken, number, found = set(known.values()), 2, name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def _named(name: str) -> str:
    name = clean(name).strip()
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(f"A name has 1 to {_LONGEST_NAME} letters.")
    return name


def _line(line: str) -> tuple[bytes, str]:
    key, _, name = line.strip().partition(" ")
    return seals.parsed(key), _named(name or seals.short(seals.parsed(key)))


def _text(file: Path) -> str:
    try:
        if str(file) == "-":
            return sys.stdin.read(_LARGEST_FILE)
        with file.open("rb") as opened:
            return opened.read(_LARGEST_FILE).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text.") from error
