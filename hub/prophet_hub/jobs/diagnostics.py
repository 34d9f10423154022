"""A bundle for whoever mends a fault: what a hub is and did, without what is secret or personal.

Default deny: a part is built of numbers, times, words of closed lists, the program's own sentences
and pseudonyms, and whatever else got in is left out by the seal.  A part that cannot be gathered
says so, and the others are told all the same.
"""

from __future__ import annotations

import json
import platform
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from prophet_hub import __version__, plugins
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import ConfigError, HubError
from prophet_hub.hookspecs import CONNECTORS, PLUGINS
from prophet_hub.jobs import document
from prophet_hub.jobs.diagnosed import audit_of, database_of, hubs_of, inbox_of, runs_of
from prophet_hub.jobs.disguise import OWN, Disguise
from prophet_hub.jobs.load import load
from prophet_hub.jobs.locks import holders
from prophet_hub.jobs.pseudonyms import Pseudonyms, Safe, among, formed, sealed
from prophet_hub.jobs.sentences import own_words

__all__ = ["KEYS", "Part", "Sources", "bundle"]

_VERSION: Final = r"\d+(\.\d+){0,3}"
_LIBRARIES: Final = (
    "cryptography", "defusedxml", "fsspec", "keyring", "lark", "markdown-it-py", "msgspec",
    "paramiko", "platformdirs", "pluggy", "pydantic", "pyyaml", "requests", "rich", "s3fs",
    "tenacity", "typer", "urllib3", "zeroconf",
)  # fmt: skip

KEYS: Final = frozenset({
    "audit", "blobs", "brakes", "bridge", "busy", "check", "checkpoints", "claims", "composed",
    "conflicts", "connectors", "count", "cursor", "deleted", "ended", "entries", "erased",
    "error", "exit", "failed", "faults", "field", "file", "free", "head", "held", "here", "hint",
    "implementation", "inbox", "item", "job", "kind", "libraries", "line", "local", "log",
    "machine", "months", "name", "news", "not_gathered", "older", "origins", "outcome", "package",
    "paired", "parked", "password", "peers", "per_ticket", "planned", "plugins", "private",
    "prophet_hub", "pulled", "pushed", "put_off", "python", "quarantine", "question", "quiet",
    "read", "reason", "records", "remote", "remotes", "requests", "rows", "run", "search",
    "seconds", "settled", "since", "sizes", "sqlite", "started", "state", "system", "tag",
    "texts", "tickets", "tries", "unanswered", "undoes", "verb", "version", "wanted", "what",
    "where", "whole", "writes", "written",
})  # fmt: skip
"""All keys of the parts that are no pseudonyms: what is not here is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where things are.

    Attributes:
        job_file, database: Their files, there or not.
        folder: Of the locks.
        open: Opens the database to read it.
        clock: Microseconds since 1970.
        whole: Whether the whole database is checked, which takes its time.
    """

    job_file: Path
    database: Path
    folder: Path
    open: Callable[[], AbstractContextManager[Replica]]
    clock: Callable[[], int]
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of the bundle: its name, and what stands in it as JSON."""

    name: str
    text: str


def bundle(sources: Sources) -> Iterator[Part]:
    """Yields the parts of the bundle; writes nothing anywhere."""
    words = Pseudonyms()
    took: dict[str, float] = {}
    for name, gather in _PARTS.items():
        began = sources.clock()
        data = _gathered(gather, sources, words)
        took[name] = (sources.clock() - began) / 1_000_000
        yield _part(name, data)
    yield _part("how_long", {Safe(name): round(seconds, 3) for name, seconds in took.items()})


def _part(name: str, data: object) -> Part:
    text = json.dumps(sealed(data, KEYS), indent=2, ensure_ascii=True)
    return Part(name=f"{name}.json", text=f"{text}\n")


def _gathered(gather: _Gather, sources: Sources, words: Pseudonyms) -> Any:
    try:
        return gather(sources, words)
    except HubError as error:
        return {"not_gathered": own_words(str(error))}
    except Exception as error:  # noqa: BLE001 - what is broken is what the bundle is for
        return {"not_gathered": _where(error)}


def _where(error: Exception) -> Safe:
    """Returns an unexpected error as class and place in the program, without what it says."""
    hub = Path(__file__).parents[1]
    places = []
    for frame in traceback.extract_tb(error.__traceback__):
        file = Path(frame.filename)
        own = file.is_relative_to(hub)
        places.append(f"{file.relative_to(hub)}:{frame.lineno}" if own else "elsewhere")
    known = type(error).__module__ in ("builtins", "sqlite3", "json.decoder", "msgspec")
    return Safe(f"{type(error).__name__ if known else 'an error'} at {', '.join(places)}")


# --- the program ---


def _versions(_: Sources, words: Pseudonyms) -> dict[str, Any]:
    return {
        "prophet_hub": Safe(__version__),
        "python": Safe(platform.python_version()),
        "implementation": Safe(platform.python_implementation()),
        "system": among(platform.system(), ("Linux", "Darwin", "Windows", "FreeBSD")),
        "machine": among(platform.machine(), ("x86_64", "aarch64", "arm64", "AMD64", "armv7l")),
        "sqlite": Safe(sqlite3.sqlite_version),
        "libraries": {Safe(name): _version(name) for name in _LIBRARIES},
        "connectors": [_installed(one, words) for one in plugins.installed(CONNECTORS)],
        "plugins": [_installed(one, words) for one in plugins.installed(PLUGINS)],
    }


def _version(name: str) -> Safe | None:
    try:
        return formed(metadata.version(name), _VERSION)
    except metadata.PackageNotFoundError:
        return None


def _installed(one: plugins.Installed, words: Pseudonyms) -> dict[str, Any]:
    own = one.package == OWN
    return {
        "name": Safe(one.name) if own else words.word("connector", one.name),
        "package": Safe(OWN) if own else words.word("package", one.package),
        "version": formed(one.version, _VERSION),
    }


def _job_file(sources: Sources, words: Pseudonyms) -> dict[str, Any]:
    faults: tuple[Any, ...] = ()
    why = ""
    try:
        load(sources.job_file)
    except ConfigError as error:
        faults = error.faults
    except HubError as error:
        why = str(error)
    if why:
        return {"here": sources.job_file.exists(), "not_gathered": own_words(why)}
    text = sources.job_file.read_text("utf-8-sig")
    disguise = Disguise(words, document.read(text, sources.job_file.name).tree)
    return {"file": disguise.whole(), "faults": disguise.faults(faults)}


def _busy(sources: Sources, words: Pseudonyms) -> list[Safe]:
    held = holders(sources.folder / ".locks") if sources.folder.exists() else {}
    return [words.word("remote", name) for name in held]


def _database(sources: Sources, words: Pseudonyms) -> Any:
    with sources.open() as replica:
        return database_of(replica, words, whole=sources.whole)


def _read(tell: Callable[[Replica, Pseudonyms], Any]) -> _Gather:
    """Returns a part that is told by a database alone."""

    def gather(sources: Sources, words: Pseudonyms) -> Any:
        with sources.open() as replica:
            return tell(replica, words)

    return gather


_Gather = Callable[[Sources, Pseudonyms], Any]
_PARTS: Final[dict[str, _Gather]] = {
    "versions": _versions, "job_file": _job_file, "runs": _read(runs_of), "audit": _read(audit_of),
    "inbox": _read(inbox_of), "hubs": _read(hubs_of), "busy": _busy, "database": _database,
}  # fmt: skip
