"""From the words of a job file to connectors and to what the bridge needs to know of a remote."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prophet_hub import plugins
from prophet_hub.errors import ConfigError, Fault, HubError, UsageError
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.jobs import config as models
from prophet_hub.jobs import natives, secrets
from prophet_hub.jobs.document import dotted
from prophet_hub.jobs.fills import fill_of
from prophet_hub.jobs.load import JobFile, nearest
from prophet_hub.model.ids import TrackerId
from prophet_hub.sdk import Connector, Context, Field, FieldMap, Kind, Person, RemoteSettings, Tally
from prophet_hub.sdk.pace import Clock

__all__ = ["check_settings", "chosen", "connect", "doubled", "field_map", "settings_of",
           "spec_of", "takes_local"]  # fmt: skip

_CREDENTIALS = frozenset({"user", "password", "token", "cookie"})
"""Settings that say who asks, not what is told."""

_Declares = type[Connector] | type[natives.Replicas]

_TRUTHS = {"yes": True, "true": True, "on": True, "1": True,
           "no": False, "false": False, "off": False, "0": False}  # fmt: skip


def chosen(file: JobFile, words: tuple[str, ...]) -> tuple[str, models.Job]:
    """Returns the job that the words of a command name: one job, or two or more remotes.

    Remotes name the one job of the file that is of exactly these; where none is, they are a job of
    nothing but defaults, named by their sorted names.

    Raises:
        UsageError: A name is unknown, a lone remote was given, or several jobs are of these remotes.
    """
    jobs, remotes = file.config.jobs, file.config.remotes
    if len(words) == 1 and words[0] in jobs:
        return words[0], jobs[words[0]]
    for word in words:
        if word not in remotes:
            known = [*remotes, *jobs] if len(words) == 1 else remotes
            what = "job" if len(words) == 1 else "remote"
            raise UsageError(f'No {what} "{word}" stands in {file.path.name}.',
                             hint=nearest(word, known))  # fmt: skip
    names = sorted(set(words))
    if len(names) < 2:  # noqa: PLR2004 - a pair
        raise UsageError(
            f'"{words[0]}" is a remote: name a second one to keep it in step with.',
            hint=nearest("", [*remotes, *jobs]),
        )
    same = [name for name, job in jobs.items() if job.remotes.keys() == set(names)]
    if len(same) > 1:
        raise UsageError(
            f"Several jobs are of these remotes: {', '.join(same)}.", hint="Name one of them."
        )
    if same:
        return same[0], jobs[same[0]]
    job = models.Job(remotes={name: models.JobRemote() for name in names})
    return " ".join(names), job


def check_settings(file: JobFile, names: typing.Iterable[str]) -> list[Fault]:
    """Returns the faults of the remotes' own settings, as their connectors declare them."""
    faults = []
    for name in names:
        if natives.is_native(file, name):
            faults += [*_settings(file, name, natives.Replicas)[1], *natives.faults(file, name)]
            continue
        try:
            cls = plugins.connector(file.config.remotes[name].connector)
        except HubError as error:
            path = ("remotes", name, "connector")
            line = file.document.line(path)
            faults.append(Fault(error.sentence, line=line, path=dotted(path), hint=error.hint))
        else:
            faults += _settings(file, name, cls)[1]
    return faults


def doubled(file: JobFile, job: models.Job) -> list[Fault]:
    """Returns a fault for every remote of a job that tells the same tickets as one before it.

    Each would copy the other's copies, in the same tracker, at every run.
    """
    faults, places = [], dict[tuple[str, ...], str]()
    for name, use in job.remotes.items():
        said = file.config.remotes[name]
        query = said.query if use.query is None else use.query
        extra = sorted((said.model_extra or {}).items())
        scope = repr([(key, value) for key, value in extra if key not in _CREDENTIALS])
        place = said.connector, said.url.rstrip("/").lower(), query, scope
        other = places.setdefault(place, name)
        if said.url and other != name:
            path = ("remotes", name, "url")
            faults.append(
                Fault(
                    f"{name} is the same tracker with the same query as {other}.",
                    line=file.document.line(path),
                    path=dotted(path),
                    hint="Take one of them out of the job, or narrow their queries.",
                )
            )
    return faults


def connect(
    file: JobFile, name: str, *, folder: Path, ask: secrets.Ask, query: str | None = None,
    dry: bool = False, offline: bool = False, tally: Tally | None = None,
    clock: Clock | None = None, patience: float = 60.0,
) -> Connector:  # fmt: skip
    """Returns a remote's connector with its secrets resolved; sends nothing.

    Args:
        file: The job file.
        name: The remote's.
        folder: The database's folder for private folders of remotes.
        ask: A plugin's answer for secrets of other schemes.
        query: In place of the remote's own.
        dry: Whether nothing may be written there.
        offline: Whether nothing is asked there either, so that no secret is needed.
        tally: Where its requests are counted.
        clock: By which pauses are kept, None for the machine's.
        patience: Seconds; for longer pauses that the tracker asks for nobody waits.

    Raises:
        ConfigError: Its settings are faulty.
        UsageError: A secret cannot be had, or the connector not be loaded.
    """
    remote = file.config.remotes[name]
    cls = plugins.connector(remote.connector)
    values, faults = _settings(file, name, cls)
    if faults:
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"{file.path.name} has {count}.", faults=faults)
    for setting in dataclasses.fields(cls.Settings):
        if setting.metadata.get("secret") and setting.name in values and not offline:
            values[setting.name] = _secret(file, name, setting.name, values[setting.name], ask)
    if query is not None:
        values["query"] = query
    context = Context(
        remote=name, folder=str(folder / name), dry=dry, tally=tally or Tally(), clock=clock,
        patience=patience,
    )  # fmt: skip
    return cls(cls.Settings(**values), context)


def spec_of(
    file: JobFile, name: str, job: models.Job, connector: Connector, account: Person,
    tracker: TrackerId,
) -> RemoteSpec:  # fmt: skip
    """Returns a remote as a job uses it, all that the bridge needs."""
    remote, use = file.config.remotes[name], job.remotes[name]
    fields = field_map(connector.fields, remote)
    if job.fields is not None:
        fields = FieldMap(row for row in fields if row.ours in job.fields)
    promised = connector.capabilities
    limits = [limit for limit in (job.attachments.limit, promised.attachment_limit)
              if limit is not None]  # fmt: skip
    return RemoteSpec(
        name=name,
        tracker=tracker,
        connector=connector,
        account=account,
        fields=fields,
        query=remote.query if use.query is None else use.query,
        pulls=use.direction != "push",
        pushes=use.direction != "pull",
        creates=use.creates,
        deletes=use.deletes,
        attachments=job.attachments.carry,
        attachment_limit=min(limits, default=None),
        audience=remote.audience,
        people=file.people.get(name, {}),
        pairing=job.pairing,
        fill=fill_of(file, name, field_map(connector.fields, remote)),
        local=takes_local(file, job),
        concurrency=min(remote.concurrency or promised.concurrency, 64),
        batch=remote.batch,
    )


def takes_local(file: JobFile, job: models.Job) -> bool:
    """Tells whether tickets that were made in the database itself go to a job's trackers.

    Unless the job says so, they do where nothing else can be meant: it exchanges with replicas, or
    it is the only job of the file.
    """
    if job.local is not None:
        return job.local
    if any(natives.is_native(file, remote) for remote in job.remotes):
        return True
    if jobs := file.config.jobs:
        return len(jobs) == 1 and job in jobs.values()
    return job.remotes.keys() == file.config.remotes.keys()


def field_map(fields: FieldMap, remote: models.Remote) -> FieldMap:
    """Returns a connector's table with the remote's rows and value tables put in."""
    rows = [_row(fields, ours, row) for ours, row in remote.fields.items() if row is not None]
    without = {ours for ours, row in remote.fields.items() if row is None}
    extended = fields.extended(rows, remote.values)
    return FieldMap(row for row in extended if row.ours not in without)


def _row(fields: FieldMap, ours: str, row: models.Row) -> Field:
    """Returns a row of the job file; what it leaves open is as the connector's row has it."""
    base = fields.theirs(row.theirs) or fields.ours(ours) or Field(theirs=row.theirs, ours=ours)
    said: dict[str, Any] = {
        "kind": row.kind and Kind(row.kind),
        "writable": row.writable,
        "on_create": row.on_create,
        "default": row.default,
    }
    told = {key: value for key, value in said.items() if value is not None}
    return dataclasses.replace(base, theirs=row.theirs, ours=ours, **told)


# --- the connector's own settings ---


def settings_of(connector: str) -> type[RemoteSettings]:
    """Returns what stands in the job file for remotes of a connector, replicas among them.

    Raises:
        UsageError: There is no such connector.
    """
    if connector == models.NATIVE:
        return natives.Settings
    return plugins.connector(connector).Settings


def _settings(file: JobFile, name: str, cls: _Declares) -> tuple[dict[str, Any], list[Fault]]:
    """Returns a connector's settings as it declares them, secrets still as references."""
    remote = file.config.remotes[name]
    hints = typing.get_type_hints(cls.Settings)
    declared = {one.name: one for one in dataclasses.fields(cls.Settings)}
    told: Mapping[str, Any] = remote.model_extra or {}
    values: dict[str, Any] = {"url": _address(file, cls, remote.url), "query": remote.query}
    faults: list[Fault] = []

    def fault(sentence: str, *key: str, hint: str = "") -> None:
        path = ("remotes", name, *key)
        faults.append(Fault(sentence, line=file.document.line(path), path=dotted(path), hint=hint))

    for key, value in told.items():
        if key not in declared:
            known = [*models.Remote.model_fields, *declared]
            fault(f'Unknown key "{key}".', key, hint=nearest(key, known))
        elif declared[key].metadata.get("secret") and not (
            isinstance(value, str) and secrets.is_reference(value)
        ):
            fault("A secret stands in the file in clear text.", key, hint=secrets.remedy(name, key))
        else:
            try:
                values[key] = _converted(value, hints[key])
            except ValueError as error:
                fault(f"{error} must stand here.", key)
    for key, setting in declared.items():
        needed = (
            setting.default is dataclasses.MISSING
            and setting.default_factory is dataclasses.MISSING
        )
        if needed and key not in told and key not in values:
            fault(f'The key "{key}" is missing.', hint=str(setting.metadata.get("help", "")))
    if values["url"] and "none" not in cls.auth and "://" not in values["url"]:
        fault("The url does not begin with https://.", "url", hint=f"Write https://{values['url']}")
    return values, faults


def _address(file: JobFile, cls: _Declares, url: str) -> str:
    """Returns the url; a path of a tracker that is a file counts from the job file's folder."""
    if not url or "://" in url or "none" not in cls.auth:
        return url
    return str(file.path.parent.absolute() / Path(url).expanduser())


def _converted(value: Any, wanted: Any) -> Any:
    """Returns text of the file as the setting's type.

    Raises:
        ValueError: It cannot be; says what must stand there.
    """
    if isinstance(wanted, types.UnionType):
        wanted = next(one for one in typing.get_args(wanted) if one is not type(None))
    kind: Any = typing.get_origin(wanted) or wanted
    reader: Callable[[Any], Any] = _READERS.get(kind) or _text
    return reader(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("One word or line of text")  # noqa: TRY004 - a fault of the file, no bug
    return value


def _truth(value: Any) -> bool:
    if str(value).lower() not in _TRUTHS:
        raise ValueError("yes or no")
    return _TRUTHS[str(value).lower()]


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError("A number") from None


def _words(value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise ValueError("A list of words")
    return tuple(items)


def _table(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValueError("A table of words")
    return value


_READERS: dict[Any, Callable[[Any], Any]] = {
    str: _text,
    bool: _truth,
    int: _number,
    tuple: _words,
    dict: _table,
}


def _secret(file: JobFile, name: str, key: str, reference: str, ask: secrets.Ask) -> str:
    try:
        return secrets.resolve(reference, folder=file.path.parent, ask=ask)
    except UsageError as error:
        where = file.where("remotes", name, key)
        raise UsageError(f"{name}: {error.sentence}", hint=f"{error.hint} ({where})".strip()) from (
            error
        )
