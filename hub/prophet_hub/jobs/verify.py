"""A job looked through: all its remotes beside the base, and nothing is written anywhere.

Healing is a run like any other.  Here is only noted what that run shall read and plan again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Brake, HubError, RemoteError, UsageError
from prophet_hub.foreign.claims import claim_of, hub_of, may
from prophet_hub.foreign.drift import Drift, Looked
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.opening import Opened, opened
from prophet_hub.jobs.remotes import spec_of
from prophet_hub.jobs.steps import Failed, LeftOut
from prophet_hub.jobs.trackers import account_of, among, moves, references_of
from prophet_hub.model.ids import TrackerId
from prophet_hub.plugins import Plugins
from prophet_hub.sdk import Person, Tally

__all__ = ["Seen", "Verification", "verifying"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A remote was looked through.

    Attributes:
        listed, asked, unasked: As in `Looked`.
        requests: What it cost; 0 where the tracker is no server.
        drifts: How many there were.
    """

    remote: str
    listed: int
    asked: int
    unasked: int
    requests: int
    drifts: int


@contextlib.contextmanager
def verifying(
    replica: Replica, file: JobFile, words: tuple[str, ...], *,
    folder: Path, plugins: Plugins, clock: Callable[[], int], sleep: Callable[[float], None],
    wait: float = 0,
) -> Iterator[Verification]:  # fmt: skip
    """Opens a look at what the words name, as `run.started` opens a run.

    Raises:
        UsageError: A name is unknown, a secret cannot be had, a remote was never synced.
        ConfigError: A remote's settings are faulty.
        Busy: A run has one of the remotes.
        Brake: A remote stands elsewhere than when it was last seen.
    """
    tallies = {remote: Tally() for remote in file.config.remotes}
    with opened(
        replica, file, words, folder=folder, plugins=plugins, clock=clock, sleep=sleep, wait=wait,
        dry=True, tallies=tallies,
    ) as found:  # fmt: skip
        trackers = {one: _tracker(replica, one, found.name) for one in found.connectors}
        for move in moves(replica, file, found.connectors):
            raise Brake(f"It would {move}.", hint="Sync first, which asks whether that is right.")
        yield Verification(replica, file, found, trackers, tallies)


def _tracker(replica: Replica, remote: str, job: str) -> TrackerId:
    """Returns the tracker of a remote that was read before.

    Raises:
        UsageError: It never was.
    """
    tracker = Ledger(replica.store, TrackerId(b""), "").tracker_named(remote)
    if tracker is None or not Ledger(replica.store, tracker, job).place().cursor:
        raise UsageError(
            f'{remote} was never read by "{job}", so there is nothing to compare it with.',
            hint=f"Sync first: prophet-hub sync {job}",
        )
    return tracker


class Verification:
    """One look at a job's remotes.

    `stop()` ends it with the next drift.

    Attributes:
        stopped: Whether it was asked to end.
    """

    def __init__(
        self, replica: Replica, file: JobFile, opened: Opened,
        trackers: dict[str, TrackerId], tallies: dict[str, Tally],
    ) -> None:  # fmt: skip
        self._replica, self._file, self._opened = replica, file, opened
        self._trackers, self._tallies = trackers, tallies
        self.stopped = False

    def stop(self) -> None:
        """Lets the look end."""
        self.stopped = True

    def run(self, *, deep: bool = False) -> Iterator[Drift | Seen | LeftOut | Failed]:
        """Yields each drift, and after its drifts each remote; one that cannot be read is told so."""
        hub, mine, specs = hub_of(self._replica), list[RemoteSpec](), list[RemoteSpec]()
        for remote, connector in self._opened.connectors.items():
            held = claim_of(self._replica, self._trackers[remote])
            try:
                others = held is not None and not may(held, hub)
                account = Person(id="") if others else account_of(remote, connector)
            except RemoteError as error:
                yield _failed(remote, error)
                continue
            specs.append(self._spec(remote, account))
            if held is not None and others:
                yield LeftOut(remote=remote, claim=held)
            else:
                mine.append(specs[-1])
        for spec in mine:
            yield from self._looked(spec, specs, deep=deep)

    def heal(self, drifts: Iterable[Drift], *, back: bool = False) -> None:
        """Notes what the next run shall read and plan again; with `back` also what went back."""
        found = list(drifts)
        for remote in {one.remote for one in found}:
            spec = self._spec(remote, Person(id=""))
            self._foreign(spec).heal((one for one in found if one.remote == remote), back=back)

    def _looked(
        self, spec: RemoteSpec, specs: list[RemoteSpec], *, deep: bool
    ) -> Iterator[Drift | Seen | Failed]:
        drifts = 0
        try:
            for one in self._foreign(spec).verify(specs, deep=deep):
                if self.stopped:
                    return
                if isinstance(one, Looked):
                    yield Seen(
                        remote=spec.name, listed=one.listed, asked=one.asked, unasked=one.unasked,
                        drifts=drifts, requests=self._tallies[spec.name].requests,
                    )  # fmt: skip
                else:
                    drifts += 1
                    yield one
        except RemoteError as error:
            yield _failed(spec.name, error)

    def _spec(self, remote: str, account: Person) -> RemoteSpec:
        connector, tracker = self._opened.connectors[remote], self._trackers[remote]
        job = self._opened.job
        spec = spec_of(self._file, remote, job, connector, account, tracker)
        return among(self._replica, self._file, self._opened.name, job, spec)

    def _foreign(self, spec: RemoteSpec) -> ForeignReplica:
        ways = references_of(self._replica, self._opened.connectors)
        return ForeignReplica(self._replica, spec, job=self._opened.name, references=ways)


def _failed(remote: str, error: HubError) -> Failed:
    if isinstance(error, RemoteError):
        error.remote = error.remote or remote
    return Failed(remote=remote, error=error)
