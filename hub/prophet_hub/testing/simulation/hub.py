"""A hub in a world: a database in memory, a job over connectors that were handed in, real runs.

It dies where it is told to, and lives on with what it had committed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.steps import InboxItem, Planned
from prophet_hub.jobs import config as models
from prophet_hub.jobs import document, inbox
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.locks import locked
from prophet_hub.jobs.opening import Opened
from prophet_hub.jobs.plan import agreed_to
from prophet_hub.jobs.report import Report
from prophet_hub.jobs.run import Run
from prophet_hub.jobs.trackers import tracker_of
from prophet_hub.model.ids import TrackerId
from prophet_hub.plugins import Plugins
from prophet_hub.sdk import Connector
from prophet_hub.sdk.pace import Alarm
from prophet_hub.store.derived import Derived
from prophet_hub.store.log import Log
from prophet_hub.store.sqlite import MEMORY, Store
from prophet_hub.testing.memory import MemoryConnector

__all__ = ["Died", "Hub"]


class Died(BaseException):
    """The hub's process ended here, without a word."""


class _Place(Store):
    """A store in memory that lives somewhere: hubs know one another by it."""

    where = ""
    file = 1

    def home(self) -> str:
        """Returns machine, device, file and path, as of a file."""
        return f"{self.where}:1:{self.file}:/{self.where}.db"

    def saved(self) -> bytes:
        """Returns a backup."""
        return self._open().serialize()

    def put_back(self, data: bytes, *, noticed: bool) -> None:
        """Puts a backup in place, as a file of its own, or written over the present one's pages."""
        with closing(sqlite3.connect(MEMORY)) as backup:
            backup.deserialize(data)
            backup.backup(self._open())
        self.log, self.derived = Log(self), Derived(self)
        self.file += noticed


class _Opened(Replica):
    """A replica over a store that is open already."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        super().__init__(store, clock)
        self._settle_in(read_only=False)


class Hub:
    """One hub with one job.

    Attributes:
        replica: Its database.
        connectors: Remote -> the connector.
        planned: What the last run planned.
        reports: What became of its runs, the latest last.
        backup: A backup of the database with the moment at which it was made, None before.
        heard: The moment at which another hub last took all that this one had.
    """

    def __init__(
        self, tree: Mapping[str, object], people: Mapping[str, Mapping[str, str]],
        connectors: Mapping[str, MemoryConnector], *, name: str,
        clock: Callable[[], int], folder: Path,
    ) -> None:  # fmt: skip
        config = models.Config.model_validate(tree)
        path = folder / "prophet-hub.yaml"
        self.file = JobFile(
            path=path, config=config, document=document.read("", path.name), people=people
        )
        self.name, self.clock, self.folder = name, clock, folder
        self.connectors = dict(connectors)
        store = _Place.open(MEMORY)
        assert isinstance(store, _Place)
        self._store = store
        self._store.where = name
        self.replica: Replica = _Opened(self._store, clock)
        self.planned: list[Planned] = []
        self.reports: list[Report] = []
        self.backup: tuple[bytes, int] | None = None
        self.heard = 0

    def close(self) -> None:
        """Gives the database back."""
        self.replica.close()

    def run(self, job: str, *, yes: bool, boundary: Callable[[str], None]) -> Report:
        """Runs the job as `sync` does: brakes hold it unless somebody says yes.

        `boundary` is called around every request and every commit; what it raises ends the run.

        Raises:
            Busy: Another run has one of the remotes.
        """
        said = self.file.config.jobs[job]
        with (
            locked(self.folder / ".locks", list(said.remotes), job, sleep=_never),
            self._watched(boundary),
        ):
            connectors: dict[str, Connector] = {n: self.connectors[n] for n in said.remotes}
            opened = Opened(job, said, connectors, [], Alarm())
            run = Run(self.replica, self.file, opened, plugins=Plugins(), clock=self.clock)
            for _ in run.prepare():
                pass
            self.planned = run.planned()
            hits = run.brakes()
            if hits and not yes:
                run.hold(hits)
                report = run.finish("braked")
            else:
                for _ in run.apply():
                    pass
                report = run.finish("done")
        self.reports.append(report)
        return report

    def die(self) -> None:
        """Begins anew on the database as it was committed."""
        self.replica = _Opened(self._store, self.clock)

    def back_up(self, moment: int) -> None:
        """Makes a backup of the database."""
        self.backup = self._store.saved(), moment

    def restore(self, *, noticed: bool) -> int:
        """Begins anew on the backup; returns the moment since which what it did may be unknown.

        With `noticed` it finds itself in another file, else only when it meets what it did before.
        """
        assert self.backup is not None
        data, moment = self.backup
        self._store.put_back(data, noticed=noticed)
        self.die()
        return max(moment, self.heard)

    def tracker(self, remote: str) -> TrackerId:
        """Returns the tracker id of a remote."""
        return tracker_of(self.replica, remote)

    def is_first(self, job: str, remote: str) -> bool:
        """Whether no run of the job ever got past the brakes with this remote."""
        return agreed_to(self.replica, job, remote) is None

    def inbox(self, remote: str) -> list[InboxItem]:
        """Returns what waits for a remote, quiet lines too."""
        return inbox.items(self.replica, remote, self.tracker(remote))

    @contextmanager
    def _watched(self, boundary: Callable[[str], None]) -> Iterator[None]:
        """Makes every request and every commit a boundary."""
        replica, transaction = self.replica, self.replica.transaction
        looked = {connector: connector.boundary for connector in self.connectors.values()}

        @contextmanager
        def watched() -> Iterator[None]:
            if replica.store.in_transaction:
                with transaction():
                    yield
                return
            with transaction():
                yield
                boundary("before a commit")
            boundary("after a commit")

        replica.transaction = watched  # type: ignore[method-assign]  # commits have no other seam
        for connector in self.connectors.values():
            connector.boundary = boundary
        try:
            yield
        finally:
            replica.transaction = transaction  # type: ignore[method-assign]  # as above
            for connector, before in looked.items():
                connector.boundary = before


def _never(_seconds: float) -> None:
    """Nobody waits for a busy remote."""
