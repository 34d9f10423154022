"""Reads a job file: everything that is wrong with it at once, each with its line and a hint.

Three looks at one file: as YAML (`document`), key by key (`config`), and at what stands between the
keys (here): names that name nothing, secrets in clear text, words nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

from prophet_hub import plugins
from prophet_hub.errors import ConfigError, Fault, UsageError
from prophet_hub.jobs import config as models
from prophet_hub.jobs import document
from prophet_hub.jobs.document import Document, Path, dotted
from prophet_hub.jobs.secrets import is_reference, remedy

__all__ = ["JobFile", "load", "nearest", "parse"]

_SECRET = re.compile(r"(?i)(^|[_-])(password|passwd|pass|secret|token|cookie|api_?key)$")
_IN_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]+@", re.IGNORECASE)
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+$")
_INSIDE = frozenset({"default", "body", "name", "content_type", "private"})  # of comments, files


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A job file without a fault of its own; connectors have not been asked yet.

    Attributes:
        path: Of the file; relative paths inside count from its folder.
        people: Remote -> {the person's id there: e-mail address}.
    """

    path: FilePath
    config: models.Config
    document: Document
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def where(self, *path: str) -> str:
        """Returns file and line of a key, for sentences."""
        return f"{self.path.name}, line {self.document.line(path)}"


def load(path: FilePath) -> JobFile:
    """Reads the job file.

    Raises:
        UsageError: It cannot be read.
        ConfigError: With all of its faults.
    """
    return parse(_text(path), path)


def parse(text: str, path: FilePath) -> JobFile:
    """Returns the job file that the text is; `path` is where it would stand.

    Raises:
        ConfigError: With all of its faults.
    """
    found = document.read(text, path.name)
    config, faults = _judged(found, models.Config)
    people, more = _people(config.people if config else "", path, found)
    told = sorted([*faults, *_between(found), *more], key=lambda fault: fault.line)
    if config is None or told:
        count = "1 fault" if len(told) == 1 else f"{len(told)} faults"
        raise ConfigError(f"{path.name} has {count}.", faults=told)
    return JobFile(path=path, config=config, document=found, people=people)


def nearest(word: str, words: Iterable[str]) -> str:
    """Returns a hint: the nearest of the words, or all of them if few, or nothing."""
    known = sorted(set(words))
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"There are: {', '.join(known)}." if 0 < len(known) <= 12 else ""  # noqa: PLR2004 - a line


def _text(path: FilePath) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        hint = "Write one with prophet-hub init, or name it with --config."
        raise UsageError(f"There is no job file {path}.", hint=hint) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}.") from error


# --- key by key ---


def _judged(found: Document, model: type[models._M]) -> tuple[models._M | None, list[Fault]]:
    if found.tree is None and found.faults:
        return None, list(found.faults)
    judged, faults = models.validate(model, {} if found.tree is None else found.tree)
    return judged, [*found.faults, *(_fault(one, found) for one in faults)]


def _fault(told: Mapping[str, Any], found: Document) -> Fault:
    """Turns one of pydantic's faults into a sentence about the file."""
    path = at = tuple(part for part in told["loc"] if part != "[key]")
    around, last, said = path[:-1], str(path[-1]) if path else "", str(told["input"])
    line, hint = found.line(path), ""
    match told["type"]:
        case "extra_forbidden":
            sentence, at, hint = f'Unknown key "{last}".', around, nearest(last, _keys_at(around))
        case "missing":
            sentence, at, line = f'The key "{last}" is missing.', around, found.line(around)
        case "string_pattern_mismatch" if "conflicts" in path:
            sentence = f'"{said}" is no policy.'
            hint = nearest(said, ["ask", "newest", "merge", "prefer REMOTE"])
        case "string_pattern_mismatch":
            sentence, at = f'"{last}" is no name.', around
            hint = "Use letters, digits, -, _ and . only, at most 64 of them."
        case "literal_error" | "enum":
            sentence = f'"{said}" is none of its words.'
            hint = nearest(said, re.findall(r"'([^']*)'", told["ctx"]["expected"]))
        case "bool_parsing" | "bool_type":
            sentence = "Only yes or no may stand here."
        case "too_short" if last == "remotes" and around:
            sentence = "A job has two remotes or more."
        case _:
            sentence = f"{told['msg'][:1].upper()}{told['msg'][1:]}."
    return Fault(sentence, line=line, path=dotted(at), hint=hint)


def _keys_at(path: Path) -> Iterable[str]:
    """Returns the keys that may stand in the mapping at the path."""
    match path:
        case ():
            model: type[Any] = models.Config
        case ("remotes", _, "fields", _):
            model = models.Row
        case ("jobs", _):
            model = models.Job
        case ("jobs", _, "remotes", _):
            model = models.JobRemote
        case ("jobs", _, "attachments"):
            model = models.Attachments
        case _:
            model = models.Brakes
    keys: Iterable[str] = model.model_fields
    return keys


# --- between the keys; looks at the raw tree, so that it works beside other faults ---


def _between(found: Document) -> Iterator[Fault]:
    remotes, jobs = _mapping(found.tree, "remotes"), _mapping(found.tree, "jobs")
    for name in remotes:
        yield from _remote_faults(name, found)
    for name, job in jobs.items():
        yield from _job_faults(name, job, found, remotes)


def _remote_faults(name: str, found: Document) -> Iterator[Fault]:
    at: Path = ("remotes", name)
    keys = _mapping(found.tree, "remotes", name)
    connector = keys.get("connector")
    known = {models.NATIVE, *(one.name for one in plugins.installed())}
    if isinstance(connector, str) and connector and connector not in known:
        path = (*at, "connector")
        yield Fault(f'No connector "{connector}" is installed.', line=found.line(path),
                    path=dotted(path), hint=nearest(connector, known))  # fmt: skip
    url = keys.get("url")
    if isinstance(url, str) and _IN_URL.match(url):
        yield Fault("The url holds a password in clear text.", line=found.line((*at, "url")),
                    path=dotted((*at, "url")),
                    hint="Take it out, and give it as a reference under its own key.")  # fmt: skip
    for key, value in keys.items():
        if _SECRET.search(key) and isinstance(value, str) and not is_reference(value):
            yield Fault("A secret stands in the file in clear text.", line=found.line((*at, key)),
                        path=dotted((*at, key)), hint=remedy(name, key))  # fmt: skip
    for table in ("fields", "values"):
        for ours in _mapping(keys, table):
            if ours not in models.NEUTRAL and ":" not in ours:
                path = (*at, table, ours)
                hint = nearest(ours, models.NEUTRAL) or f"Call it {connector or 'rt'}:{ours}."
                yield Fault(f'"{ours}" is no neutral field.', line=found.line(path),
                            path=dotted(path), hint=hint)  # fmt: skip


def _job_faults(
    name: str, job: object, found: Document, remotes: Mapping[str, object]
) -> Iterator[Fault]:
    at: Path = ("jobs", name)
    keys = job if isinstance(job, dict) else {}
    listed = keys.get("remotes")
    mine = [one for one in listed or () if isinstance(one, str)]
    for n, one in enumerate(mine):
        if one not in remotes:
            path = (*at, "remotes", n if isinstance(listed, list) else one)
            yield Fault(f'No remote "{one}" stands under remotes.', line=found.line(path),
                        path=dotted(path), hint=nearest(one, remotes))  # fmt: skip
    if isinstance(listed, dict):
        yield from _directions(at, listed, found)
    for prop, policy in _mapping(keys, "conflicts").items():
        path = (*at, "conflicts", prop)
        if prop not in models.NEUTRAL | _INSIDE and ":" not in prop:
            yield Fault(f'"{prop}" is no neutral field.', line=found.line(path), path=dotted(path),
                        hint=nearest(prop, models.NEUTRAL | _INSIDE))  # fmt: skip
        remote = str(policy).removeprefix("prefer ").strip()
        if str(policy).startswith("prefer ") and _is_native(found, remote):
            yield Fault(f'"{policy}" names a replica, which tells what many said.',
                        line=found.line(path), path=dotted(path),
                        hint="Prefer a tracker, or newest.")  # fmt: skip
        elif str(policy).startswith("prefer ") and remote not in mine:
            yield Fault(f'"{policy}" names no remote of the job.', line=found.line(path),
                        path=dotted(path), hint=nearest(remote, mine))  # fmt: skip
    fields = keys.get("fields")
    for n, ours in enumerate(fields if isinstance(fields, list) else ()):
        if isinstance(ours, str) and ours not in models.NEUTRAL and ":" not in ours:
            path = (*at, "fields", n)
            yield Fault(f'"{ours}" is no neutral field.', line=found.line(path), path=dotted(path),
                        hint=nearest(ours, models.NEUTRAL))  # fmt: skip


def _is_native(found: Document, remote: str) -> bool:
    return _mapping(found.tree, "remotes", remote).get("connector") == models.NATIVE


def _directions(at: Path, listed: Mapping[str, object], found: Document) -> Iterator[Fault]:
    """A job that reads nowhere or writes nowhere does nothing."""
    said = [one.get("direction", "both") if isinstance(one, dict) else "both"
            for one in listed.values()]  # fmt: skip
    for none, what in (("push", "read from"), ("pull", "written to")):
        if said and all(direction == none for direction in said):
            path = (*at, "remotes")
            yield Fault(f"No remote of the job is {what}.", line=found.line(path),
                        path=dotted(path), hint="Give one the direction both.")  # fmt: skip


def _mapping(tree: object, *path: str) -> dict[str, Any]:
    for part in path:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else {}


# --- the people file ---


def _people(
    name: str, path: FilePath, found: Document
) -> tuple[dict[str, dict[str, str]], list[Fault]]:
    """Returns remote -> {person's id: e-mail address}, from the people file and the remotes."""
    table: dict[str, dict[str, str]] = {}
    remotes = _mapping(found.tree, "remotes")
    for remote in remotes:
        own = _mapping(remotes, remote, "people").items()
        table[remote] = {who: email for who, email in own if isinstance(email, str)}
    if not name:
        return table, []
    try:
        text = _text(path.parent / name)
    except UsageError as error:
        line = found.line(("people",))
        hint = "Write it, or take the key out."
        return table, [Fault(error.sentence.replace("job file", "people file"), line=line,
                             path="people", hint=hint)]  # fmt: skip
    people, faults = _judged(document.read(text, name), models.People)
    for email, ids in people.root.items() if people else ():
        if not _EMAIL.match(email):
            faults.append(Fault(f'"{email}" is no e-mail address.', path=email))
        for remote, who in ids.items():
            if remote not in table:
                faults.append(Fault(f'No remote "{remote}" stands in the job file.', path=email,
                                    hint=nearest(remote, table)))  # fmt: skip
            elif table[remote].setdefault(who, email) != email:
                other = f"{table[remote][who]} and {email}"
                faults.append(Fault(f'"{who}" of {remote} is both {other}.', path=email))
    line = found.line(("people",))
    return table, [Fault(f"In {name}{f', line {one.line}' if one.line else ''}: {one.sentence}",
                         line=line, path="people", hint=one.hint) for one in faults]  # fmt: skip
