"""`connector: prophet`: a replica of this very database as a remote of the job file.

It is no tracker: it is pulled before the trackers are read and pushed to after they are written, and
nothing is translated.  A peer that cannot be reached leaves the rest of the run as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Fault, HubError
from prophet_hub.jobs import config as models
from prophet_hub.jobs import secrets, visits
from prophet_hub.jobs.document import dotted
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.steps import Exchanged, Failed
from prophet_hub.peers import notes
from prophet_hub.peers.exchange import Pulled, Pushed
from prophet_hub.peers.family import family
from prophet_hub.peers.notes import Peer
from prophet_hub.peers.opening import Kind, Nothing, can_write, kind_of, source_at
from prophet_hub.peers.published import Published
from prophet_hub.sdk import RemoteSettings

__all__ = ["Native", "Natives", "Replicas", "Settings", "faults", "is_native", "look",
           "natives_of"]  # fmt: skip

_FOREIGN: Final = ("query", "fields", "values", "people", "concurrency")
"""Keys of a tracker; a replica is exchanged whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(RemoteSettings):
    """What may stand beside `url`, as a connector would declare it."""

    path: str = field(default="", metadata={"help": "In place of a url: a file or a folder."})
    user: str = field(default="", metadata={"help": "Who asks, where the address wants one."})
    password: str = field(default="", metadata={"secret": True, "help": "A reference."})


class Replicas:
    """What the job file need know of replicas, in the place of a connector's class."""

    Settings = Settings
    auth = frozenset({"none", "password"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """A replica as one job uses it.

    Attributes:
        secret: The password itself; it is shown nowhere.
    """

    peer: Peer
    pulls: bool
    pushes: bool
    secret: str = field(default="", repr=False)


def is_native(file: JobFile, name: str) -> bool:
    """Tells whether a remote of the file is a replica and no tracker."""
    return file.config.remotes[name].connector == models.NATIVE


def faults(file: JobFile, name: str) -> list[Fault]:
    """Returns what is wrong with a replica's keys between themselves."""
    remote = file.config.remotes[name]
    at = ("remotes", name)
    found = []
    for key in _FOREIGN:
        if key in remote.model_fields_set:
            path = (*at, key)
            sentence = f'"{key}" is for trackers; a replica is exchanged whole.'
            found.append(Fault(sentence, line=file.document.line(path), path=dotted(path),
                               hint="Take it out."))  # fmt: skip
    if bool(remote.url) is bool(_said(file, name, "path")):
        found.append(Fault('One of "url" and "path" must stand here.', path=dotted(at),
                           line=file.document.line(at), hint="Write path: ../other.db"))  # fmt: skip
    return found


def look(file: JobFile, name: str, ask: secrets.Ask) -> str:
    """Returns what stands at a replica's address, in words; writes nothing.

    Raises:
        HubError: It cannot be reached, or nothing is there and nothing can be.
    """
    url = notes.clean(_place_of(file, name))
    _, secret = _secret(file, name, ask)
    peer = Peer(name=name, url=url, user=_said(file, name, "user"))
    try:
        with source_at(peer, secret=secret, clock=lambda: 0) as source:
            kind = "a published replica" if isinstance(source, Published) else "a database"
            uuid = min(family(source), default=b"").hex()[:8]
            return f"{kind}, {uuid}"
    except Nothing:
        if not can_write(url):
            raise
        return "nothing yet; the first sync begins it"


def natives_of(replica: Replica, file: JobFile, job: models.Job, ask: secrets.Ask) -> list[Native]:
    """Returns the replicas of a job with their secrets resolved; asks them nothing.

    Raises:
        UsageError: A secret cannot be had.
    """
    found = []
    for name, use in job.remotes.items():
        if not is_native(file, name):
            continue
        remote, url = file.config.remotes[name], notes.clean(_place_of(file, name))
        known = notes.named(replica, name)
        if known is None or known.url != url:
            known = Peer(name=name, url=url)
        reference, secret = _secret(file, name, ask)
        peer = msgspec.structs.replace(known, user=_said(file, name, "user"), password=reference,
                                       private=remote.audience == "private")  # fmt: skip
        found.append(Native(peer=peer, pulls=use.direction != "push",
                            pushes=use.direction != "pull" and can_write(url), secret=secret))  # fmt: skip
    return found


class Natives:
    """The replicas of one run."""

    def __init__(
        self, replica: Replica, natives: list[Native], *, holder: str,
        failed: Callable[[str, HubError], Failed],
    ) -> None:  # fmt: skip
        self._replica, self._natives, self._holder = replica, natives, holder
        self._failed = failed
        self._broken: set[str] = set()

    def pull(self) -> Iterator[Exchanged | Failed]:
        """Brings here what they have; conflicts are left until the trackers are read as well."""
        for native in self._natives:
            if native.pulls:
                yield self._pulled(native)

    def push(self) -> Iterator[Exchanged | Failed]:
        """Brings to them what they lack; one that failed before is left alone."""
        for native in self._natives:
            if native.pushes and native.peer.name not in self._broken:
                yield self._pushed(native)

    def _pulled(self, native: Native) -> Exchanged | Failed:
        name, done = native.peer.name, Pulled()
        steps = visits.pulled(
            self._replica, native.peer, secret=native.secret, settle=lambda _: 0
        )  # fmt: skip
        try:
            for step in steps:
                done = step if isinstance(step, Pulled) else done
        except HubError as error:
            if isinstance(error, Nothing) and native.pushes and not _is_database(native.peer.url):
                return Exchanged(remote=name)  # it is begun by the push
            self._broken.add(name)
            return self._failed(name, error)
        return Exchanged(remote=name, pulled=done.entries, refused=done.refused + done.missing)

    def _pushed(self, native: Native) -> Exchanged | Failed:
        name, done = native.peer.name, Pushed()
        peer = notes.named(self._replica, name)
        if peer is None or peer.url != native.peer.url:
            peer = native.peer
        elif native.pulls and not visits.distance(self._replica, peer.tips).lacks:
            return Exchanged(remote=name)  # it was just met
        steps = visits.pushed(
            self._replica, msgspec.structs.replace(peer, private=native.peer.private),
            holder=self._holder, secret=native.secret,
            new=kind_of(peer.url) is not Kind.DATABASE,
        )  # fmt: skip
        try:
            for step in steps:
                done = step if isinstance(step, Pushed) else done
        except HubError as error:
            return self._failed(name, error)
        return Exchanged(remote=name, pushed=done.entries)


def _place_of(file: JobFile, name: str) -> str:
    """Returns an address; a path counts from the folder of the job file."""
    remote = file.config.remotes[name]
    said = remote.url or _said(file, name, "path")
    if not said or "://" in said:
        return said
    return str(file.path.parent.absolute() / Path(said).expanduser())


def _is_database(url: str) -> bool:
    """Tells whether an address at which nothing is means a database and no folder."""
    return url.endswith(".db")


def _said(file: JobFile, name: str, key: str) -> str:
    return str((file.config.remotes[name].model_extra or {}).get(key, ""))


def _secret(file: JobFile, name: str, ask: secrets.Ask) -> tuple[str, str]:
    """Returns a password's reference, and what it leads to."""
    reference = _said(file, name, "password")
    if not reference:
        return "", ""
    return reference, secrets.resolve(reference, folder=file.path.parent, ask=ask)
