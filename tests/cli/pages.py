"""The help of every command as docs/commands.md shows it; `make docs` writes it there.

What typer knows of a command is taken, not how it lays it out: so the page does not change with
typer's versions.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import typer

from prophet_hub.cli.app import COMMANDS, options

PAGE = Path(__file__).parents[2] / "docs/commands.md"
_BLOCK = re.compile(r"(<!-- help: ([a-z ]*)-->\n).*?(<!-- end -->)", re.DOTALL)


def commands():
    """Returns every command by the words that name it, "" for the program itself."""
    found = {}
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(options)
    for name, (family, _) in COMMANDS.items():
        module = import_module(f"prophet_hub.cli.{family}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    group = typer.main.get_command(app)
    found[""] = group
    for name, command in group.commands.items():
        found[name] = command
        for below, inner in getattr(command, "commands", {}).items():
            found[f"{name} {below}"] = inner
    return found


def text(name, command):
    """Returns the help of one command as Markdown."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    named = [p for p in command.params if p.param_type_name == "option"]
    words = [_argument(p) for p in arguments]
    below = ["COMMAND"] if hasattr(command, "commands") else []
    usage = " ".join(["prophet-hub", *([name] if name else []), "[OPTIONS]", *words, *below])
    rows = [(f"`{p.metavar}`", p.help or "") for p in arguments]
    rows += [(_option(p), p.help or "") for p in named if p.help]
    lines = [f"`{usage}`", "", (command.help or "").splitlines()[0], ""]
    if rows:
        lines += ["| | |", "|---|---|", *(f"| {one} | {about} |" for one, about in rows), ""]
    return "\n".join(lines)


def page(old):
    """Returns the page with every block of help written anew."""
    found = commands()
    return _BLOCK.sub(lambda m: f"{m[1]}\n{text(m[2].strip(), found[m[2].strip()])}\n{m[3]}", old)


def named(old):
    """Returns the commands that have a block on the page."""
    return {m[2].strip() for m in _BLOCK.finditer(old)}


def _argument(param):
    word = f"{param.metavar}{'...' if param.nargs == -1 else ''}"
    return word if param.required else f"[{word}]"


def _option(param):
    names = ", ".join(f"`{one}`" for one in sorted(param.opts, key=len, reverse=True))
    return f"{names} {param.metavar}" if param.metavar and not param.is_flag else names
