"""What became of a run, as data: kept in the database, shown by `status`, told to plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import AuthFailed, HubError, UsageError
from prophet_hub.foreign.audit import head
from prophet_hub.foreign.steps import Applied, Outcome, Planned, Pulled
from prophet_hub.jobs.steps import Exchanged

__all__ = ["RemoteReport", "Report", "State", "keep", "new_run", "report_of", "runs"]

State = str
"""`running`, `done`, `planned` (a dry run), `braked`, `interrupted`, `failed`."""

_BAD = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.UNSURE})
_NEWS = frozenset({Outcome.READ, Outcome.GONE})


class RemoteReport(msgspec.Struct):
    """One remote in one run.

    Attributes:
        read: Tickets that it told, changesets of a replica; `news` of them told something new.
        planned: Operations that it needed; `written` of them were done and confirmed.
        failed: Tickets and operations that wait with a reason; `put_off` the next run takes up.
        error: Why it could not be read or written to at all, "" if it could.
        requests: About what the plan costs.
    """

    name: str
    read: int = 0
    news: int = 0
    held: int = 0
    planned: int = 0
    requests: int = 0
    written: int = 0
    failed: int = 0
    put_off: int = 0
    error: str = ""


class Report(msgspec.Struct):
    """One run.

    Attributes:
        started, ended: Microseconds since 1970; ended 0 for a run that never said how it ended.
        settled: Conflicts that the policies settled.
        conflicts: Conflicts of the job's tickets that wait for a person.
        inbox: What waits in the inboxes of its remotes.
        brakes: What held it, in words.
        exit: The exit code it leads to.
        undoes: The run that it takes back, "" for a run of its own.
        kept: What of that run could not be taken back.
        audit: The head of the audit when this was written down, `NUMBER:HASH`.
    """

    run: str
    job: str
    started: int
    ended: int = 0
    state: State = "running"
    remotes: dict[str, RemoteReport] = {}
    settled: int = 0
    conflicts: int = 0
    inbox: int = 0
    brakes: list[str] = []
    exit: int = 0
    undoes: str = ""
    audit: str = ""
    kept: int = 0

    def pulled(self, step: Pulled) -> None:
        """Counts a ticket that was told."""
        remote = self.remotes[step.remote]
        remote.read += 1
        remote.news += step.outcome in _NEWS
        remote.held += step.outcome is Outcome.HELD
        remote.failed += step.outcome in _BAD

    def planned(self, step: Planned) -> None:
        """Counts a planned operation."""
        self.remotes[step.remote].planned += 1
        self.remotes[step.remote].requests += step.requests

    def applied(self, step: Applied) -> None:
        """Counts what became of an operation."""
        remote = self.remotes[step.planned.remote]
        remote.written += step.outcome in (Outcome.DONE, Outcome.SAME)
        remote.failed += step.outcome in _BAD
        remote.put_off += step.outcome in (Outcome.STALE, Outcome.HELD)

    def exchanged(self, step: Exchanged) -> None:
        """Counts what a replica brought or took."""
        remote = self.remotes[step.remote]
        remote.read += step.pulled
        remote.news += step.pulled
        remote.written += step.pushed
        remote.failed += step.refused

    def broke(self, remote: str, error: HubError) -> None:
        """Notes that a remote cannot be worked with in this run."""
        self.remotes[remote].error = str(error)
        if isinstance(error, AuthFailed):
            self.exit = AuthFailed.exit_code

    def finish(self, state: State, now: int) -> None:
        """Notes the end, and the exit code: the first that holds of 2, 4, 1, 3."""
        self.state, self.ended = state, now
        failed = bool(self.kept) or any(one.failed or one.error for one in self.remotes.values())
        if state == "interrupted":
            self.exit = 130
        elif not self.exit:
            self.exit = 4 if state == "braked" else 1 if failed else 3 if self.conflicts else 0

    def data(self) -> dict[str, Any]:
        """Returns the report as plain data."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data

    @property
    def written(self) -> int:
        """Operations done, over all remotes."""
        return sum(one.written for one in self.remotes.values())

    @property
    def failed(self) -> int:
        """What failed, over all remotes."""
        return sum(one.failed for one in self.remotes.values())


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Report)
_COUNTER = ("counter:run",)


def new_run(replica: Replica, job: str, clock: Callable[[], int]) -> Report:
    """Takes the next number for a run of the job and notes its start."""
    with replica.transaction():
        number = int(replica.store.get("settings", _COUNTER) or b"0") + 1
        replica.store.put("settings", _COUNTER, str(number).encode())
        report = Report(run=str(number), job=job, started=clock())
        keep(replica, report)
    return report


def keep(replica: Replica, report: Report) -> None:
    """Writes the report down, over what stood there for the run, with the head of the audit."""
    with replica.transaction():
        report.audit = str(head(replica.store))
        replica.store.put("runs", (report.run,), _encode(report))


def report_of(replica: Replica, run: str) -> Report:
    """Returns a run by its number.

    Raises:
        UsageError: There was none.
    """
    data = replica.store.get("runs", (run,))
    if data is None:
        raise UsageError(f"There is no run {run}.", hint="prophet-hub runs lists them.")
    return _decoder.decode(data)


def runs(replica: Replica) -> Iterator[Report]:
    """Yields all runs, the newest first."""
    found = [_decoder.decode(data) for _, data in replica.store.scan("runs")]
    yield from sorted(found, key=lambda one: int(one.run), reverse=True)
