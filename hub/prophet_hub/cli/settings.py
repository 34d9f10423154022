"""The commands of `settings`: what is replicated with the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from prophet_hub.cli.desk import Desk, is_poor
from prophet_hub.cli.editor import edited
from prophet_hub.cli.kinds import types
from prophet_hub.engine.record_types import TYPE_SETTING
from prophet_hub.engine.rules import RULES, faults_in_rules
from prophet_hub.engine.settings import Settings, decoded, record_of
from prophet_hub.errors import ConfigError, Fault, Unfit, UsageError
from prophet_hub.model.neutral import CLOSED, STATUSES
from prophet_hub.model.schema import declared

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["app"]

app = typer.Typer(help="Shows and changes what is replicated with the database.")

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the setting.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Force = Annotated[
    bool, typer.Option("--force", help="Takes names that the program does not know.")
]
_Author = Annotated[
    str,
    typer.Option(
        metavar="WHO", help="Who writes; else PROPHET_HUB_AUTHOR, git's user.email, the login."
    ),
]

Check = Callable[[Any, Callable[[str], Any]], list[str]]


def _words(value: Any, _: Callable[[str], Any]) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        return ["Write a list of words."]
    return ["A word stands there twice."] if len(set(value)) < len(value) else []


def _one_of(setting: str, built_in: tuple[str, ...]) -> Check:
    def check(value: Any, told: Callable[[str], Any]) -> list[str]:
        allowed = told(setting)
        allowed = built_in if allowed is None else allowed
        if not isinstance(value, str) or not value:
            return ["Write one word."]
        if allowed and value not in allowed:
            return [f'"{value}" is none of the {setting}: {", ".join(allowed)}.']
        return []

    return check


def _text(value: Any, _: Callable[[str], Any]) -> list[str]:
    return [] if isinstance(value, str) and value else ["Write a text."]


def _table(value: Any, _: Callable[[str], Any]) -> list[str]:
    return [f"{one.path}: {one}" for one in faults_in_rules(value)]


KNOWN: Final[dict[str, tuple[Any, str, Check]]] = {
    "statuses": (list(STATUSES), "What a ticket's status may be.", _words),
    "closed_statuses": (list(CLOSED), "Those in which nobody works on it.", _words),
    "default_status": ("new", "A new ticket's.", _one_of("statuses", STATUSES)),
    "components": (None, "What a ticket's component may be; unset: anything.", _words),
    "default_component": (None, "A new ticket's.", _one_of("components", ())),
    "milestones": (None, "What a ticket's milestone may be; unset: anything.", _words),
    "default_milestone": (None, "A new ticket's.", _one_of("milestones", ())),
    "project_name": (None, "What this database is about.", _text),
    RULES: (None, "How conflicts are settled: {property: policy}.", _table),
}
"""Setting -> what holds where it is not set, a line of help, what is wrong with a value."""


@app.callback(invoke_without_command=True)
def settings(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows and changes what is replicated with the database."""
    if ctx.invoked_subcommand is None:
        list_settings(ctx, as_json=as_json)


@app.command("list")
def list_settings(ctx: typer.Context, as_json: _Json = False) -> None:
    """Lists the settings: those that are set, and those that may be."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        found = Settings(replica)
        rows = []
        for name in sorted({*KNOWN, *found.names()}):
            value, built_in = found.get(name), KNOWN.get(name, (None, "", _text))
            others = _others(replica, name, value)
            rows.append((name, value, built_in[0], built_in[1], others))
    if as_json:
        desk.json([{"name": n, "value": v, "default": d, "conflict": o} for n, v, d, _, o in rows])
        return
    desk.table(
        [(name, _shown(default if value is None else value),
          _state(value, others), about) for name, value, default, about, others in rows],
        head=("setting", "value", "", "about"),
    )  # fmt: skip


@app.command("get")
def get(ctx: typer.Context, name: _Name) -> None:
    """Prints what is set, as JSON; what holds where nothing is."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        value = Settings(replica).get(name)
        others = _others(replica, name, value)
    if value is None and name not in KNOWN:
        raise UsageError(f'"{name}" is not set.', hint="See prophet-hub settings.")
    if others:
        told = " and ".join(_shown(one) for one in others)
        desk.tell(f"prophet-hub: in conflict with {told}. Set it to decide.")
    desk.json(KNOWN[name][0] if value is None else value)


@app.command("set")
def set_(
    ctx: typer.Context,
    name: _Name,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="VALUE", help="Words; or one JSON or YAML value.", show_default=False
        ),
    ] = None,
    file: Annotated[str, typer.Option(metavar="FILE", help="Reads JSON or YAML from a file.")] = "",
    force: _Force = False,
    author: _Author = "",
) -> None:
    """Sets a setting, for every replica; setting it decides a conflict."""
    desk: Desk = ctx.obj
    if bool(values) is bool(file):
        raise UsageError("Set it to what?", hint="Give VALUE, or --file.")
    value = _read(_from(file)) if file else _said(name, values or [])
    _write(desk, {name: value}, author, force=force)


@app.command("unset")
def unset(ctx: typer.Context, name: _Name, author: _Author = "") -> None:
    """Takes a setting away."""
    desk: Desk = ctx.obj
    with desk.replica(write=True, make=False) as replica:
        if Settings(replica).get(name) is None:
            raise UsageError(f'"{name}" is not set.', hint="See prophet-hub settings.")
        Settings(replica).set(name, None, author=desk.who(author), note="settings unset")
    desk.say(f"{name} is not set any more.")


@app.command("edit")
def edit(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Only these; else all.", show_default=False),
    ] = None,
    file: Annotated[
        str, typer.Option(metavar="FILE", help="Reads what the editor would leave.")
    ] = "",
    force: _Force = False,
    author: _Author = "",
) -> None:
    """Opens settings in the editor, as YAML."""
    desk: Desk = ctx.obj
    with desk.replica(write=not desk.database.exists()) as replica:
        found = Settings(replica)
        before = {one: found.get(one) for one in names or sorted({*KNOWN, *found.names()})}
    if file:
        _take(desk, _from(file), before, author, force=force)
        return
    again = " ".join(["prophet-hub settings edit", *(names or ())])
    with edited(desk, _page(before), again=again, ending=".yaml") as text:
        _take(desk, text, before, author, force=force)


def _page(before: dict[str, Any]) -> str:
    """Returns settings as YAML, with what there is to know of each."""
    import yaml  # noqa: PLC0415 - slow

    lines = ["# A setting that is null or taken out is not set. It holds for every replica."]
    for name, value in before.items():
        default, about, _ = KNOWN.get(name, (None, "", _text))
        lines += [f"# {about}"] if about else []
        lines += [f"# {name}: {json.dumps(default)}"] if value is None and default else []
        told = yaml.safe_dump({name: value}, allow_unicode=True, sort_keys=False, width=100)
        lines.append(told.rstrip())
    return "\n".join(lines) + "\n"


def _take(desk: Desk, text: str, before: dict[str, Any], author: str, *, force: bool) -> None:
    """Sets what a page of settings says otherwise than before."""
    after = _read(text) or {}
    if not isinstance(after, dict):
        raise UsageError("The settings are no list of NAME: VALUE.")
    new = {str(name): value for name, value in after.items() if value != before.get(name)}
    new |= {name: None for name, value in before.items()
            if value is not None and name not in after}  # fmt: skip
    if not new:
        desk.tell("prophet-hub: nothing was changed.")
        return
    _write(desk, new, author, force=force)


app.command("types")(types)


def _write(desk: Desk, new: dict[str, Any], author: str, *, force: bool) -> None:
    """Sets what is right, all or nothing."""
    with desk.replica(write=True) as replica, replica.transaction():
        found = Settings(replica)

        def told(name: str) -> Any:
            return new[name] if name in new else found.get(name)

        faults = [one for name, value in new.items()
                  for one in _wrong(name, value, told, force=force)]  # fmt: skip
        if faults:
            raise Unfit("The settings cannot be written.", faults=faults)
        who = desk.who(author)
        for name, value in new.items():
            found.set(name, value, author=who, note="settings set")
    for name, value in new.items():
        desk.say(f"{name}  {'not set' if value is None else _shown(value)}")


def _wrong(name: str, value: Any, told: Callable[[str], Any], *, force: bool) -> list[Fault]:
    """Returns what is wrong with a value of a setting."""
    if value is None:
        return []
    if name.startswith(TYPE_SETTING):
        try:
            declared(name.removeprefix(TYPE_SETTING), value)
        except ConfigError as error:
            return [Fault(one.sentence, path=f"{name} {one.path}") for one in error.faults]
        return []
    if name not in KNOWN and force:
        return []
    if name not in KNOWN:
        from difflib import get_close_matches  # noqa: PLC0415 - of faults alone

        near = get_close_matches(name, KNOWN, n=1)
        hint = f"Did you mean {near[0]}?" if near else "With --force it is set all the same."
        return [Fault("The program knows no such setting.", path=name, hint=hint)]
    return [Fault(sentence, path=name) for sentence in KNOWN[name][2](value, told)]


def _said(name: str, values: list[str]) -> Any:
    """Returns the value that words are: several are a list; one is JSON or YAML, or a list of one."""
    if len(values) > 1:
        return values
    check = KNOWN[name][2] if name in KNOWN else _table
    if check not in (_words, _table):
        return values[0]
    value = _read(values[0])
    if check is _words and isinstance(value, str):
        return [one.strip() for one in value.split(",") if one.strip()]
    return value


def _from(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", hint="Look at its name and its rights."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text.") from error


def _read(text: str) -> Any:
    import yaml  # noqa: PLC0415 - slow

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise UsageError(f"It is neither JSON nor YAML{line}.") from None


def _others(replica: Replica, name: str, shown: Any) -> list[Any]:
    """Returns the other values of a setting that replicas have set apart."""
    cell = replica.cell(record_of(name), "value")
    if cell is None or not cell.conflict:
        return []
    told = [replica.text(head.value) for head in cell.heads]
    return [one for text in dict.fromkeys(told)
            if (one := decoded(text) if text else None) != shown]  # fmt: skip


def _state(value: Any, others: list[Any]) -> str:
    if others:
        return f"in conflict with {' and '.join(_shown(one) for one in others)}"
    return "" if value is not None else "default"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=is_poor())
