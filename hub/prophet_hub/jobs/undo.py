"""A run taken back on every tracker that it touched: a run of its own, which can be taken back too.

Only the remotes that it wrote to are read and written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import HubError, RemoteError, UsageError
from prophet_hub.foreign import shared
from prophet_hub.foreign.ledger import Ledger, journal_of
from prophet_hub.foreign.steps import NOT_DONE
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.opening import Opened, opened
from prophet_hub.jobs.report import RemoteReport, Report, keep, report_of, runs
from prophet_hub.jobs.run import Progress, Run
from prophet_hub.jobs.steps import LeftOut
from prophet_hub.jobs.trackers import tracker_of
from prophet_hub.model.ids import TrackerId
from prophet_hub.plugins import Plugins

__all__ = ["Undo", "undoing"]


@contextlib.contextmanager
def undoing(
    replica: Replica, file: JobFile, run: str, *,
    folder: Path, plugins: Plugins, clock: Callable[[], int], sleep: Callable[[float], None],
    wait: float = 0, dry: bool = False,
) -> Iterator[Undo]:  # fmt: skip
    """Opens the undo of a run; arguments as of `run.started`, the run by its number.

    Raises:
        UsageError: There is no such run, or its job does not stand in the file any more.
        ConfigError: A remote's settings are faulty.
        Busy: Another run has one of the remotes.
    """
    past = report_of(replica, run)
    words = (past.job,) if past.job in file.config.jobs else tuple(past.job.split())
    ways = partial(opened, folder=folder, plugins=plugins, clock=clock, sleep=sleep, wait=wait)
    with ways(replica, file, words, dry=dry) as found:
        yield Undo(replica, file, past, found, plugins=plugins, clock=clock)


def _undone_by(replica: Replica, run: str) -> str:
    """Returns the last run that took back something of a run, "" for none."""
    return next((one.run for one in runs(replica) if one.undoes == run and one.written), "")


class Undo(Run):
    """One undo: `prepare`, look at `planned`, `kept` and `brakes`, `apply`, `finish`.

    Attributes:
        past: The run that is taken back.
        mailed: How many of its writes may have sent mail, which nothing takes back; after `prepare`.
        before: The last run that took back something of it already.
    """

    _look = "Look with --dry-run, then say it with --yes."

    def __init__(
        self, replica: Replica, file: JobFile, past: Report, found: Opened, *,
        plugins: Plugins, clock: Callable[[], int],
    ) -> None:  # fmt: skip
        super().__init__(replica, file, found, plugins=plugins, clock=clock)
        self.past, self.mailed = past, 0
        self.before = _undone_by(replica, past.run)
        self._wrote = [row for row in journal_of(replica.store, past.run)
                       if row.outcome not in NOT_DONE]  # fmt: skip
        self.report.undoes = past.run
        self.report.remotes = {name: RemoteReport(name=name) for name in self._touched()}
        keep(replica, self.report)

    def prepare(self) -> Iterator[Progress]:
        """Reads the remotes that the run wrote to, and plans what takes it back; writes to none.

        A remote that another hub reads and writes is refused: it is undone there.
        """
        shared.catch_up(self._replica)
        for name in self._touched():
            if name not in self._connectors:
                error = UsageError(f"{name} is no remote of {self.past.job} any more.",
                                   hint="Put it back into the job file, then undo.")  # fmt: skip
                yield self._failed(name, error)
                continue
            for step in self._reach(name, self._connectors[name]):
                yield self._refused(step) if isinstance(step, LeftOut) else step
        for remote in self._remotes.values():
            yield from self._whole(remote, remote.foreign.pull)
        for remote in self._remotes.values():
            if not remote.broken and not remote.spec.pushes:
                error = UsageError(f"The job only reads {remote.spec.name}.",
                                   hint="Let it push there, then undo.")  # fmt: skip
                yield self._failed(remote.spec.name, error)
            elif not remote.broken:
                yield from self._whole(remote, partial(remote.foreign.inverse, self.past.run))
            if remote.broken:
                remote.planned.clear()
        mailing = {one.spec.tracker for one in self._remotes.values()
                   if one.spec.connector.capabilities.notifies}  # fmt: skip
        self.mailed = sum(row.tracker in mailing for row in self._wrote)
        self.report.kept = len(self.kept)

    def apply(self) -> Iterator[Progress]:
        """Writes the inverse and confirms it, and puts into the inbox what could not be taken back."""
        for remote in self._remotes.values():
            plan, remote.planned = remote.planned, []
            if plan and not self._stopped:
                yield from self._whole(remote, partial(remote.foreign.undo, self.past.run, plan))
        self.kept = []
        for remote in self._remotes.values():
            if remote.broken or self._stopped:
                continue
            try:
                self.kept += remote.foreign.left(self.past.run)
            except RemoteError as error:
                yield self._failed(remote.spec.name, error)
        self.report.kept = len(self.kept)

    def _touched(self) -> list[str]:
        """Returns the remotes to which the run wrote, by their present names."""
        names = {tracker_of(self._replica, name): name for name in self._connectors}
        told = Ledger(self._replica.store, TrackerId(b""), "").remote_named
        return list(dict.fromkeys(
            names.get(row.tracker) or told(row.tracker) or row.remote for row in self._wrote
        ))  # fmt: skip

    def _refused(self, step: LeftOut) -> Progress:
        error: HubError = UsageError(str(step), hint="Undo the run at the hub that made it.")
        return self._failed(step.remote, error)
