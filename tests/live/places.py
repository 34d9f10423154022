"""The real servers that start here, each as one end of a pair: a person there, and a remote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live import real, real_redmine, real_roundup, real_rt, real_taskwarrior, real_trac
from prophet_hub.sdk import ATTACHMENT, Checkpoint, Gone, Pull, Ref, Ticket
from prophet_hub.testing.contract import Sandbox

__all__ = ["PLACES", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """One end of a pair.

    Attributes:
        box: A person there; the hub's requests go through it and are counted.
        remote: What stands in the job file.
    """

    name: str
    box: Sandbox
    remote: dict[str, Any]

    @property
    def carries_files(self) -> bool:
        return ("create", ATTACHMENT) in self.box.connector.capabilities.writes

    def tickets(self) -> list[Ticket]:
        """Returns all tickets there, as a connector of its own reads them."""
        connector = self.box.connect()
        told = [one for one in connector.changed(Pull()) if not isinstance(one, Checkpoint)]
        refs = {one.id if isinstance(one, Ref) else one.ref.id: one for one in told}
        whole = (
            one if isinstance(one, Ticket) else connector.ticket(Ref(id=name))
            for name, one in refs.items()
            if not isinstance(one, Gone)
        )
        found = [one for one in whole if isinstance(one, Ticket)]
        connector.close()
        return found

    def file(self, ref: Ref) -> bytes:
        return b"".join(self.box.connector.content(ref))


@contextmanager
def _rt(home: Path) -> Iterator[Place]:
    with real.running("rt", home) as server:
        box = real_rt.RTSandbox(server)
        remote = {"connector": "rt", "url": box.served.url, "user": "hub",
                  "password": "env:LIVE_PASSWORD", "queue": "General",
                  "time_zone": server.zone}  # fmt: skip
        try:
            yield Place("rt", box, remote)
        finally:
            box.close()


@contextmanager
def _trac(home: Path) -> Iterator[Place]:
    with real.running("trac", home) as server:
        box = real_trac.TracSandbox(server)
        remote = {"connector": "trac", "url": box.served.url, "user": "hub",
                  "password": "env:LIVE_PASSWORD"}  # fmt: skip
        try:
            yield Place("trac", box, remote)
        finally:
            box.close()


@contextmanager
def _redmine(home: Path) -> Iterator[Place]:
    with real.running("redmine", home) as server:
        box = real_redmine.RedmineSandbox(server)
        remote = {"connector": "redmine", "url": box.served.url, "api_key": "env:LIVE_KEY",
                  "project": "demo"}  # fmt: skip
        try:
            yield Place("redmine", box, remote)
        finally:
            box.close()


@contextmanager
def _roundup(home: Path) -> Iterator[Place]:
    with real_roundup.running(home) as server:
        box = real_roundup.RoundupSandbox(server)
        remote = {"connector": "roundup", "url": box.served.url, "user": "hub",
                  "password": "env:LIVE_PASSWORD", "web_url": server.url}  # fmt: skip
        try:
            yield Place("roundup", box, remote)
        finally:
            box.close()


class _CountedTasks(real_taskwarrior.Tasks):
    """Tasks whose command notes that it ran: the hub runs it in processes of its own."""

    def __init__(self, home: Path) -> None:
        self.command, self.ran = home / "task", home / "ran"
        self.ran.touch()
        self.command.write_text(f'#!/bin/sh\necho >>"{self.ran}"\nexec task "$@"\n')
        self.command.chmod(0o755)
        super().__init__(home / "data")

    def requests(self) -> int:
        return len(self.ran.read_text())


@contextmanager
def _taskwarrior(home: Path) -> Iterator[Place]:
    with real.running("taskwarrior", home) as server:
        box = _CountedTasks(server.home)
        remote = {"connector": "taskwarrior", "url": str(box.folder), "time_zone": server.zone,
                  "command": str(box.command),
                  "fields": {"description": {"theirs": "notes", "kind": "long"}}}  # fmt: skip
        yield Place("taskwarrior", box, remote)


PLACES: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "rt": _rt,
    "trac": _trac,
    "redmine": _redmine,
    "roundup": _roundup,
    "taskwarrior": _taskwarrior,
}
"""Each yields a server in which nothing has happened."""
