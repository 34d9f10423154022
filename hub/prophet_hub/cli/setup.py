"""Commands before the first run: `init` and `check`."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.failures import sentence
from prophet_hub.errors import AuthFailed, ConfigError, HubError, RemoteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from prophet_hub.jobs.load import JobFile
    from prophet_hub.plugins import Plugins
    from prophet_hub.sdk import Person

__all__ = ["check", "init"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PLAIN = re.compile(r"[A-Za-z0-9/.][A-Za-z0-9/._@:~+-]*")


def init(
    ctx: typer.Context,
    remote: Annotated[
        list[str] | None,
        typer.Option(
            "--remote", metavar="NAME=CONNECTOR:URL", help="A tracker; to be given twice or more."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME.KEY=VALUE", help="A setting of a remote, as its user name."
        ),
    ] = None,
    job: Annotated[
        str, typer.Option(metavar="NAME", help="Of the job; else made of the remotes' names.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Writes over an existing file.")] = False,
) -> None:
    """Writes a commented job file."""
    desk: Desk = ctx.obj
    path = desk.config_to_write
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", hint="Give --force to write over it.")
    if not remote and desk.asks:
        remote = _asked()
    remotes = [_remote(words) for words in remote or ()]
    if len(remotes) < 2:  # noqa: PLR2004 - a pair
        raise UsageError(
            "A job wants two remotes or more.",
            hint="Say --remote rt-main=rt:https://rt.example.org --remote NAME=CONNECTOR:URL.",
        )
    name = job or "-".join(one[0] for one in remotes)
    text, secrets = _file(remotes, name, _said(settings or (), {one[0] for one in remotes}))
    _parsed(text, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    desk.say(f'Wrote {path}: {len(remotes)} remotes, job "{name}".')
    wanted = f"set {' and '.join(secrets)}, then: " if secrets else ""
    desk.say(f"Next: {wanted}prophet-hub check")


def check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="REMOTE", help="Only these; else all.", show_default=False),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="The file alone; no tracker is asked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> int:
    """Checks the job file, the credentials, the permissions and the fields."""
    from prophet_hub.jobs.load import nearest  # noqa: PLC0415 - lazy: pydantic
    from prophet_hub.jobs.remotes import check_settings  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    file = desk.job_file()
    for name in names or ():
        if name not in file.config.remotes:
            raise UsageError(f'No remote "{name}" stands in {file.path.name}.',
                             hint=nearest(name, file.config.remotes))  # fmt: skip
    chosen = names or list(file.config.remotes)
    faults = check_settings(file, chosen)
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"{file.path.name} has {count}.", faults=faults)
    jobs = len(file.config.jobs)
    of = f"{len(file.config.remotes)} remotes, {jobs} job{'' if jobs == 1 else 's'}"
    found = [_Found(name=file.path.name, said=of)]
    if not offline:
        plugins = desk.plugins()
        found += [_look(desk, file, name, plugins) for name in chosen]
    if as_json:
        desk.json([dataclasses.asdict(one) for one in found])
    else:
        desk.table([(one.name, f"failed: {one.error}" if one.error else f"ok: {one.said}")
                    for one in found])  # fmt: skip
        desk.say(*(f"{one.name}: {note}" for one in found for note in one.notes))
    return max(one.code for one in found)


# --- init ---


def _asked() -> list[str]:
    """Asks for the remotes at the terminal."""
    from prophet_hub.plugins import installed  # noqa: PLC0415 - lazy

    known = ", ".join(one.name for one in installed())
    found: list[str] = []
    while True:
        more = " (empty: that is all)" if len(found) > 1 else ""
        name = typer.prompt(
            f"Name of remote {len(found) + 1}{more}", default="", show_default=False
        )
        if not name and len(found) > 1:
            return found
        if name:
            connector = typer.prompt(f"Its connector ({known})")
            url = typer.prompt("Its address or path")
            found.append(f"{name}={connector}:{url}")


def _remote(words: str) -> tuple[str, str, str]:
    """Returns (name, connector, url) of `rt-main=rt:https://rt.example.org`."""
    name, _, rest = words.partition("=")
    connector, _, url = rest.partition(":")
    if not (_NAME.fullmatch(name) and connector and url):
        raise UsageError(f'"{words}" is no remote.', hint="Write NAME=CONNECTOR:URL.")
    return name, connector, url


def _said(words: Iterable[str], remotes: Collection[str]) -> dict[tuple[str, str], str]:
    """Returns {(remote, key): value} of `rt-main.user=hub`."""
    found = {}
    for one in words:
        place, sign, value = one.partition("=")
        remote, _, key = place.rpartition(".")
        if not (sign and key and remote in remotes):
            raise UsageError(f'"{one}" is no setting of a remote.', hint="Write NAME.KEY=VALUE.")
        found[remote, key] = value
    return found


def _file(
    remotes: list[tuple[str, str, str]], job: str, said: Mapping[tuple[str, str], str]
) -> tuple[str, list[str]]:
    """Returns the job file and the environment variables that it asks for."""
    from prophet_hub.jobs.config import NATIVE  # noqa: PLC0415 - lazy: pydantic
    from prophet_hub.jobs.remotes import settings_of  # noqa: PLC0415 - lazy

    lines = [
        "# What is kept in step with what: every key is explained in docs/job-file.md.",
        "# Check it with `prophet-hub check`, look with `prophet-hub plan`.",
        "remotes:",
    ]
    secrets: list[str] = []
    for name, connector, url in remotes:
        lines += [f"  {name}:", f"    connector: {connector}", f"    url: {_quoted(url)}"]
        settings = dataclasses.fields(settings_of(connector))
        strange = {key for remote, key in said if remote == name} - {one.name for one in settings}
        if strange:
            raise UsageError(
                f"The connector {connector} has no setting {min(strange)}.",
                hint=f"See prophet-hub connectors show {connector}.",
            )
        for setting in settings:
            value = said.get((name, setting.name))
            if value is not None or connector != NATIVE:  # of a replica nothing more is needed
                lines += _setting(name, setting, secrets, value)
    lines += ["", "jobs:", f"  {job}:", f"    remotes: [{', '.join(r[0] for r in remotes)}]",
              "    # ask: held until `prophet-hub resolve`; newest; prefer REMOTE; per field.",
              "    conflicts: {default: ask}",
              "    # More than this in one run needs a person's --yes.",
              "    brakes: {creates: 1000}",
              "    # Tickets that exist on both sides before the first run: certain, ask or off.",
              "    pairing: certain"]  # fmt: skip
    return "\n".join(lines) + "\n", secrets


def _setting(
    remote: str, setting: dataclasses.Field[Any], secrets: list[str], value: str | None
) -> list[str]:
    """Returns the lines of one setting: a secret as a reference, what has a default as a comment."""
    if setting.name == "url":
        return []
    about = str(setting.metadata.get("help", ""))
    if value is not None:
        return [*([f"    # {about}"] if about else []), f"    {setting.name}: {_quoted(value)}"]
    if setting.name == "query":
        return ["    # Which tickets, in the tracker's own language; all without it.",
                "    # query: ..."]  # fmt: skip
    said = [f"    # {about}"] if about else []
    if setting.metadata.get("secret"):
        variable = re.sub(r"\W", "_", f"{remote}_{setting.name}").upper()
        first = not any(one.startswith(_variable(remote)) for one in secrets)
        if first:
            secrets.append(variable)
        mark = "" if first else "# "
        return [*said, f"    {mark}{setting.name}: env:{variable}"]
    default = setting.default
    needed = default is dataclasses.MISSING or setting.name in ("user", "login", "email")
    shown = "" if default is dataclasses.MISSING else _quoted(default)
    if needed:
        account = "hub@example.org" if setting.name == "email" else "hub"
        return [*said, f"    {setting.name}: {shown or account}"]
    return [*said, f"    # {setting.name}: {shown or '...'}"]


def _variable(remote: str) -> str:
    return re.sub(r"\W", "_", remote).upper() + "_"


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_quoted, value))}]"
    text = str(value)
    return text if _PLAIN.fullmatch(text) or not text else f'"{text}"'


def _parsed(text: str, path: Path) -> JobFile:
    """Reads the file as it would be written: what `init` writes has no faults."""
    from prophet_hub.jobs.load import parse  # noqa: PLC0415 - lazy: pydantic

    return parse(text, path)


# --- check ---


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was found of the file or of one remote.

    Attributes:
        said: What is well.
        error: What is not, as one sentence.
        notes: What a person may want to change.
        code: The exit code it leads to.
    """

    name: str
    said: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()
    code: int = 0


def _called(account: Person) -> str:
    """Returns what a person is called by people: a number says nothing to them."""
    return f"{account.name} ({account.id})" if account.name and account.id.isdigit() else account.id


def _look(desk: Desk, file: JobFile, name: str, plugins: Plugins) -> _Found:
    """Logs in to a remote and compares what it is with what the file says."""
    import contextlib  # noqa: PLC0415 - lazy

    from prophet_hub.jobs import natives  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.comparing import compared  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.remotes import connect  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.trackers import account_of  # noqa: PLC0415 - lazy

    try:
        if natives.is_native(file, name):
            return _Found(name=name, said=natives.look(file, name, plugins.secret))
        connector = connect(file, name, folder=desk.folder, ask=plugins.secret)
        with contextlib.closing(connector):
            account = account_of(name, connector)
            schema = connector.describe()
    except HubError as error:
        if isinstance(error, RemoteError):
            error.remote = error.remote or name
        where = f" ({file.where('remotes', name)})" if isinstance(error, AuthFailed) else ""
        return _Found(name=name, error=sentence(error) + where, code=error.exit_code)
    product = f"{schema.product} {schema.version}".strip() or file.config.remotes[name].connector
    may = f"; may {', '.join(sorted(schema.permissions))}" if schema.permissions else ""
    notes = (*compared(file, name, connector, schema), *schema.notes)
    return _Found(name=name, said=f"{product} as {_called(account)}{may}", notes=notes)
