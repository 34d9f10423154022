"""The commands `connectors list` and `connectors show`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub import plugins
from prophet_hub.cli.desk import Desk

if TYPE_CHECKING:
    from prophet_hub.sdk import Connector

__all__ = ["app"]

app = typer.Typer(help="Lists the installed connectors, or shows one.")

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback(invoke_without_command=True)
def connectors(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the installed connectors, or shows one."""
    if ctx.invoked_subcommand is None:
        list_connectors(ctx, as_json=as_json)


@app.command("list")
def list_connectors(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the installed connectors; imports none."""
    desk: Desk = ctx.obj
    found = plugins.installed()
    if as_json:
        desk.json([dataclasses.asdict(one) for one in found])
        return
    desk.table(
        [(one.name, one.package, one.version, one.summary) for one in found],
        head=("connector", "package", "version", "about"),
    )


@app.command("show")
def show_connector(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the connector.")],
    as_json: _Json = False,
) -> None:
    """Shows a connector's promises, its settings for the job file and its field map."""
    desk: Desk = ctx.obj
    cls = plugins.connector(name)
    data = _data(cls)
    if as_json:
        desk.json(data)
        return
    about = (cls.__doc__ or "").strip().splitlines()
    desk.say(f"{name}: {about[0] if about else ''} (spec {cls.spec})", "", "Settings:")
    desk.table(
        [
            (f"  {one['name']}", one["type"] + (", a secret" if one["secret"] else ""),
             f"default {one['default']}" if one["default"] else "", one["help"])
            for one in data["settings"]
        ]
    )  # fmt: skip
    desk.say("", "Promises:")
    desk.table([(f"  {key}", _said(value)) for key, value in data["capabilities"].items()])
    desk.say("", "Fields (ours, theirs):")
    desk.table(
        [
            (f"  {row['ours']}", row["theirs"], row["kind"], "" if row["writable"] else "read only")
            for row in data["fields"]
        ]
    )


def _data(cls: type[Connector]) -> dict[str, Any]:
    promised = dataclasses.asdict(cls.capabilities) if hasattr(cls, "capabilities") else {}
    rows = cls.fields if hasattr(cls, "fields") else ()
    return {
        "name": cls.name,
        "spec": cls.spec,
        "auth": sorted(cls.auth),
        "settings": [
            {"name": one.name, "type": _type(one.type), "default": _default(one),
             "secret": bool(one.metadata.get("secret")), "help": one.metadata.get("help", "")}
            for one in dataclasses.fields(cls.Settings)
        ],
        "capabilities": {key: _plain(value) for key, value in promised.items()},
        "fields": [
            {"ours": row.ours, "theirs": row.theirs, "kind": str(row.kind),
             "writable": row.writable, "values": [list(pair) for pair in row.values]}
            for row in rows
        ],
    }  # fmt: skip


def _type(said: Any) -> str:
    return said if isinstance(said, str) else getattr(said, "__name__", str(said))


def _default(one: dataclasses.Field[Any]) -> Any:
    return "" if one.default is dataclasses.MISSING else _plain(one.default)


def _plain(value: Any) -> Any:
    """Returns a promise as JSON knows it."""
    if isinstance(value, frozenset):
        return sorted(" ".join(one) if isinstance(one, tuple) else str(one) for one in value)
    if value is None or isinstance(value, bool | int | float):
        return value
    seconds = getattr(value, "total_seconds", None)
    return seconds() if seconds else str(value)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "no limit known" if value is None else str(value)
