"""The commands of `aliases`."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from prophet_hub.cli.app import COMMANDS
from prophet_hub.cli.desk import Desk
from prophet_hub.cli.expand import NAME, Aliases, expand
from prophet_hub.errors import UsageError

__all__ = ["app"]

app = typer.Typer(help="Shows and changes words of your own for commands.")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The word.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback(invoke_without_command=True)
def aliases(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows and changes words of your own for commands."""
    if ctx.invoked_subcommand is None:
        list_aliases(ctx, as_json=as_json)


@app.command("list")
def list_aliases(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the aliases of this replica."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        found = Aliases(replica.store).all()
    if as_json:
        desk.json(found)
    else:
        desk.table(sorted(found.items()))


@app.command("set", context_settings={"ignore_unknown_options": True})
def set_alias(
    ctx: typer.Context,
    name: _Name,
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS", help="What it stands for; $1 is the word that follows it."),
    ],
) -> None:
    """Says what a word stands for."""
    desk: Desk = ctx.obj
    plain = not any(set(word) & set(" \t\n\"'\\") for word in words) or len(words) == 1
    meant = " ".join(words) if plain else shlex.join(words)
    if not NAME.fullmatch(name):
        raise UsageError(f'"{name}" is no name for an alias.', hint="Letters, digits, - and _.")
    if name in COMMANDS:
        raise UsageError(f'"{name}" is a command of the program.', hint="Take another word.")
    with desk.replica(write=True) as replica:
        found = Aliases(replica.store)
        told = {**found.all(), name: meant}
        expand([name, *("x" * 9)], lambda word: told.get(word, ""), COMMANDS)
        found.set(name, meant)
    desk.say(f"{name}  {meant}")


@app.command("unset")
def unset(ctx: typer.Context, name: _Name) -> None:
    """Takes an alias away."""
    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) as replica:
        found = Aliases(replica.store)
        if not found.get(name):
            raise UsageError(f'There is no alias "{name}".', hint="See prophet-hub aliases.")
        found.set(name, "")
    desk.say(f"{name} stands for nothing now.")
