"""The commands `connectors list`, `show`, `new` and `check`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub import plugins
from prophet_hub.cli.desk import Desk
from prophet_hub.errors import UsageError

if TYPE_CHECKING:
    from prophet_hub.sdk import Connector

__all__ = ["app"]

app = typer.Typer(help="Lists the installed connectors; begins and grades new ones.")

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback(invoke_without_command=True)
def connectors(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the installed connectors; begins and grades new ones."""
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


@app.command("new")
def new_connector(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the connector: my-tracker.")],
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Made; prophet-hub-NAME here if not said.")
    ] = None,
) -> None:
    """Writes the package of a new connector: the connector, a fake, its contract, a page.

    It passes its own tests as it is written; from there it is changed, step by step, into what the
    tracker speaks. See docs/connectors/tutorial.md.
    """
    from prophet_hub.testing.scaffold import scaffold  # noqa: PLC0415 - seldom used

    desk: Desk = ctx.obj
    there = folder or Path(f"prophet-hub-{name}")
    for path in scaffold(name, there):
        desk.say(str(path))
    desk.say("", "Try it:", f"  cd {there}", "  pip install -e '.[testing]'",
             "  python -m pytest", f"  prophet-hub connectors check {name}")  # fmt: skip


@app.command("check")
def check_connector(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the connector.")],
    suite: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With its contract; tests/test_NAME.py if not said."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Runs the contract of a connector in its sandbox, and grades it by what was seen.

    bronze: it may be read from. silver: it may be written to as well. gold: nothing is lost,
    doubled or overwritten. Ends with 1 where a check failed, or not even bronze was reached.
    """
    try:
        from prophet_hub.testing import grading  # noqa: PLC0415 - pytest is no need of others
    except ImportError:
        raise UsageError(
            "The contract needs pytest.", hint="pip install 'prophet-hub[testing]' brings it."
        ) from None
    desk: Desk = ctx.obj
    seen = grading.seen(suite or _suite(name))
    found, missing = grading.grade(seen), grading.missing(seen)
    if as_json:
        desk.json({
            "connector": name, "grade": str(found), "passed": sorted(seen.passed),
            "skipped": seen.skipped, "failed": seen.failed,
            "missing": [check for check, _ in missing],
        })  # fmt: skip
    else:
        counts = (
            f"{len(seen.passed)} passed, {len(seen.skipped)} skipped, {len(seen.failed)} failed"
        )
        desk.say(f"{name}: {found} ({counts})")
        if missing:
            ahead = "Failed:" if seen.failed else "For the next grade these have to hold:"
            desk.say("", ahead)
            desk.table([(f"  {check}", why) for check, why in missing])
    if found is grading.Grade.NONE:
        raise typer.Exit(1)


def _suite(name: str) -> Path:
    """Returns where the suite of a connector is by custom, in a package of its own or in ours."""
    module = name.replace("-", "_")
    places = [Path("tests") / folder / f"test_{module}.py" for folder in ("", "connectors")]
    return next((place for place in places if place.is_file()), places[0])


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
    if isinstance(value, tuple):
        return list(value)
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
