"""The typer application: the one command that was asked for, and the names of the others.

A command that is not asked for is a name and a line of help, so that `--help` imports no family and
no command pays for another (design, section 8).
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from prophet_hub import __version__
from prophet_hub.cli.desk import Desk
from prophet_hub.cli.quick import QUERYING, msgspec_alone, quicken

__all__ = ["COMMANDS", "application", "options"]

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("setup", "Writes a commented job file."),
    "check": ("setup", "Checks the job file, the credentials, the permissions and the fields."),
    "loss": (
        "loss",
        "Says before a first sync what will not survive between two remotes, the worst first.",
    ),
    "plan": ("runs", "Shows what a sync would write where; writes to no tracker."),
    "sync": ("runs", "Keeps remotes in step: reads, plans, writes, confirms."),
    "verify": (
        "verifying",
        "Compares remotes with what was read of them, says why they differ, and heals it.",
    ),
    "runs": ("ran", "Lists runs, newest first, or shows what one of them wrote."),
    "status": ("status", "Shows what is where, and how the last runs ended."),
    "log": ("past", "Shows the changesets of this database, newest first."),
    "history": ("past", "Shows the whole story of one ticket."),
    "why": ("past", "Shows why a field of a ticket shows what it shows."),
    "diff": ("past", "Shows what differs between two moments."),
    "ticket": ("ticket", "Writes and shows tickets, offline by design."),
    "tickets": ("tickets", "Lists tickets as they are shown."),
    "show": ("tickets", "Shows one ticket with comments, attachments and conflicts."),
    "conflicts": ("conflicts", "Lists the conflicts that wait for a person."),
    "resolve": ("conflicts", "Decides conflicts, once and for every remote."),
    "votes": ("conflicts", "Lists decisions, which settle the identical conflict met again."),
    "undo": ("undoing", "Takes changesets back, or a run on every tracker that it touched."),
    "clone": ("exchange", "Makes a database that is a replica of another one."),
    "pull": ("exchange", "Brings here what other replicas have."),
    "push": (
        "exchange",
        "Brings to another replica, or to a published one, what it lacks of this one.",
    ),
    "publish": (
        "exchange",
        "Publishes this database as files, for any web server or share to pass on.",
    ),
    "peers": ("peers", "Lists the replicas with which this one exchanges."),
    "serve": (
        "nearby",
        "Serves a published folder on the web, read-only, until it is interrupted.",
    ),
    "nearby": (
        "nearby",
        "Lists replicas of this database that are announced on the local network.",
    ),
    "claims": ("claims", "Shows which hub reads and writes a remote, and passes that on."),
    "bundle": ("bundles", "Carries changesets in one file, without a line between two replicas."),
    "inbox": ("inbox", "Shows what could not be carried over, and answers questions."),
    "connectors": ("connectors", "Lists the installed connectors; begins and grades new ones."),
    "settings": ("settings", "Shows and changes what is replicated with the database."),
    "aliases": ("aliases", "Shows and changes words of your own for commands."),
    "audit": (
        "audit",
        "Shows what trackers were asked for, by whom and why; checks that all is there.",
    ),
    "diagnostics": (
        "diagnostics",
        "Writes a bundle for a report of a fault, without secrets and personal data.",
    ),
    "database": ("database", "Checks the database, and tells what is in it."),
    "keys": ("keys", "Shows and changes who signs here and whose signatures count."),
    "quarantine": ("quarantine", "Shows changesets that do not count, and lets them count."),
    "export": ("tickets", "Prints every record as it is shown, one JSON object a line."),
}
"""Command -> (module of its family, its line of help)."""

_GROUPS = frozenset(
    {
        "audit",
        "database",
        "keys",
        "quarantine",
        "bundle",
        "claims",
        "peers",
        "ticket",
        "inbox",
        "connectors",
        "settings",
        "aliases",
    }
)
_QUERYING = frozenset({"tickets"})
_COMPLETING = "_PROPHET_HUB_COMPLETE"


def application(asked: str, desk: Desk) -> Any:
    """Returns the application with the one command that was asked for, and names of the others."""
    app = typer.Typer(
        name="prophet-hub",
        help="Keeps any issue tracker in step with any other.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="The commands are told in docs/commands.md.",
    )
    app.callback()(options)
    whole = _COMPLETING in os.environ
    for name, (family, line) in COMMANDS.items():
        if not (whole or name == asked):
            app.command(name, help=line)(_nothing)
        else:
            msgspec_alone()
            module = import_module(f"prophet_hub.cli.{family}")
            if name in _GROUPS:
                app.add_typer(module.app, name=name, help=line)
            else:
                more = QUERYING if name in _QUERYING else None
                app.command(name, context_settings=more)(getattr(module, name))
    if asked not in COMMANDS:
        desk.plugins_if_any(app)
    command = typer.main.get_command(app)
    quicken(command)
    return command


def _nothing() -> None:
    """Stands for a command that was not asked for."""


def _version(wanted: bool) -> None:
    if wanted:
        print(f"prophet-hub {__version__}")  # noqa: T201 - cli prints
        raise typer.Exit


def options(
    ctx: typer.Context,
    database: Annotated[
        Path | None,
        typer.Option(
            envvar="PROPHET_HUB_DATABASE",
            metavar="PATH",
            help="The database; else prophet-hub.db in the platform's data folder.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="PROPHET_HUB_CONFIG",
            metavar="PATH",
            help="The job file; else prophet-hub.yaml here, then in the platform's config folder.",
            show_default=False,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tells more, and tracebacks of errors.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_version, help="Prints the version and exits."
        ),
    ] = False,
) -> None:
    """Keeps any issue tracker in step with any other."""
    desk: Desk = ctx.obj
    desk.named(database=database, config=config, verbose=verbose)
