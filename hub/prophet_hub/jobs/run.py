"""One run of a job: read everything, settle, plan everything, and only then write.

The steps come up as values while they happen; whoever called shows them.  A run may be left at any
point and begun again: the bridge finds what was under way at its next reading.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from prophet_hub.engine.replica import Conflict, Head, Replica
from prophet_hub.engine.settling import Page, settle_all
from prophet_hub.errors import Brake, HubError, RateLimited, RemoteError
from prophet_hub.foreign import shared
from prophet_hub.foreign.claims import claim, claim_of, hub_of, may
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import Applied, Kept, Outcome, Planned, Pulled, RemoteSpec
from prophet_hub.jobs import trackers
from prophet_hub.jobs.announcing import announce
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.natives import Natives
from prophet_hub.jobs.opening import Opened, opened
from prophet_hub.jobs.outlook import Outlook
from prophet_hub.jobs.plan import Hit, agree, agreed_to, brakes, creates_of
from prophet_hub.jobs.policies import policies, within
from prophet_hub.jobs.remotes import spec_of
from prophet_hub.jobs.report import RemoteReport, Report, keep, new_run
from prophet_hub.jobs.steps import Exchanged, Failed, LeftOut, Reached, Settled
from prophet_hub.merge.settle import Policy
from prophet_hub.merge.votes import is_asked
from prophet_hub.model.ids import TrackerId
from prophet_hub.plugins import Plugins
from prophet_hub.sdk import TICKET, Connector, Person
from prophet_hub.sdk.pace import SYSTEM, Clock

__all__ = ["Progress", "Run", "started"]


Progress = Reached | LeftOut | Failed | Exchanged | Pulled | Settled | Planned | Kept | Applied
_T = TypeVar("_T", bound=Progress)


@contextlib.contextmanager
def started(
    replica: Replica, file: JobFile, words: tuple[str, ...], *,
    folder: Path, plugins: Plugins, clock: Callable[[], int], sleep: Callable[[float], None],
    wait: float = 0, dry: bool = False, time: Clock = SYSTEM,
) -> Iterator[Run]:  # fmt: skip
    """Opens a run of what the words name: settings and secrets are good, the remotes are ours.

    Args:
        replica: The database.
        file: The job file.
        words: One job, or two or more remotes.
        folder: For lock files and the remotes' private folders.
        plugins: For secrets and notices.
        clock: Gives microseconds since 1970.
        sleep: Passes seconds.
        wait: Seconds to wait for remotes that another run has.
        dry: Whether it ends with the plan, so that nothing may be written anywhere.
        time: By which the trackers' pauses are kept.

    Raises:
        UsageError: A name is unknown, a secret cannot be had.
        ConfigError: A remote's settings are faulty.
        Busy: Another run has one of the remotes.
    """
    ways = partial(opened, folder=folder, plugins=plugins, clock=clock, sleep=sleep, wait=wait)
    with ways(replica, file, words, dry=dry, time=time) as found:
        yield Run(replica, file, found, plugins=plugins, clock=clock)


@dataclass(slots=True)
class _Remote:
    spec: RemoteSpec
    foreign: ForeignReplica
    planned: list[Planned] = field(default_factory=list)
    broken: bool = False


class Run:
    """One execution of a job: `prepare`, look at `brakes`, `apply`, `finish`.

    `stop()` ends whatever is under way after the current item.

    Attributes:
        report: What became of it so far.
        outlook: How long it still takes, and what it waits for.
        kept: What an undo cannot take back; of any other run nothing.
    """

    _look = "Look with prophet-hub plan, then say it with --yes."

    def __init__(
        self, replica: Replica, file: JobFile, opened: Opened, *,
        plugins: Plugins, clock: Callable[[], int],
    ) -> None:  # fmt: skip
        name, job, self._connectors, natives, self._alarm = opened
        self._replica, self._file, self._job = replica, file, job
        self._plugins, self._clock = plugins, clock
        self._remotes: dict[str, _Remote] = {}
        self._others: dict[str, RemoteSpec] = {}
        self._hub = hub_of(replica, note=True)
        self._stopped = False
        self.outlook = Outlook(replica, self._alarm)
        self.kept: list[Kept] = []
        self._told = replica.latest()
        self.report = new_run(replica, name, clock)
        self.report.remotes = {remote: RemoteReport(name=remote) for remote in job.remotes}
        holder = f'the run of "{name}" on {platform.node()}'
        self._natives = Natives(replica, natives, holder=holder, failed=self._failed)

    def stop(self) -> None:
        """Lets the run end after the current item; what waits for a tracker's limit waits no more."""
        self._stopped = True
        self._alarm.ring()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to end."""
        return self._stopped

    def moves(self) -> list[trackers.Move]:
        """Returns the remotes that have moved since the last run; to be asked before `prepare`.

        Raises:
            UsageError: One has another connector now.
        """
        return trackers.moves(self._replica, self._file, self._connectors)

    def prepare(self) -> Iterator[Progress]:
        """Reads all remotes, settles, and plans for those that could be read; writes to none.

        Replicas come first; remotes that another hub reads and writes are left out.
        """
        yield from self._exchanged(self._natives.pull())
        shared.catch_up(self._replica)
        trackers.introduce(self._replica, self._file, self._connectors)
        trackers.note_references(self._replica, self._connectors)
        for name, connector in self._connectors.items():
            yield from self._reach(name, connector)
        for remote in self._remotes.values():
            self.outlook.begin(remote.spec.name, "read")
            yield from self._whole(remote, remote.foreign.pull)
        for remote in self._remotes.values():
            if not remote.broken:
                yield from self._whole(remote, remote.foreign.adopt)
            trackers.seen(self._replica, self._file, remote.spec.name)
            claim(self._replica, remote.spec.tracker, self._hub)
        if not self._stopped:
            whole = not any(self.report.remotes[name].error for name in self._connectors)
            yield Settled(count=self._settle() if whole else 0)
        specs = [*(remote.spec for remote in self._remotes.values()), *self._others.values()]
        # a remote's first plan pairs its tickets with the others', before these would create them
        for remote in sorted(self._remotes.values(), key=self._is_paired):
            if remote.spec.pushes and not remote.broken:
                yield from self._whole(remote, partial(remote.foreign.plan, specs))
            if remote.broken:
                remote.planned.clear()

    def planned(self) -> list[Planned]:
        """Returns the whole plan; complete after `prepare`."""
        return [one for remote in self._remotes.values() for one in remote.planned]

    def brakes(self) -> list[Hit]:
        """Returns what holds the run until a person says yes, none if nothing does."""
        agreed = partial(agreed_to, self._replica, self.report.job)
        return brakes(self.planned(), self._job.brakes, agreed=agreed, size=self._size)

    def hold(self, hits: Sequence[Hit | trackers.Move]) -> Brake:
        """Notes that the brakes held, and returns the error that says so."""
        self.report.brakes = [str(hit) for hit in hits]
        return Brake(
            f'The run of "{self.report.job}" would {"; would ".join(map(str, hits))}: '
            "nothing was written.",
            hint=self._look,
        )

    def apply(self) -> Iterator[Progress]:
        """Writes what is planned, confirms by reading, and brings all of it to the replicas; whoever
        calls has looked at the brakes.
        """
        creates = creates_of(self.planned())
        agree(self._replica, self.report.job, {name: creates[name] for name in self._remotes})
        for remote in self._remotes.values():
            plan, remote.planned = remote.planned, []
            if plan and not self._stopped:
                self.outlook.begin(remote.spec.name, "written")
                yield from self._whole(remote, partial(remote.foreign.apply, plan))
        if not self._stopped:
            whole = [name for name, remote in self._remotes.items() if not remote.broken]
            agree(self._replica, self.report.job, dict.fromkeys(whole, 0))
        yield from self._exchanged(self._natives.push())

    def finish(self, state: str) -> Report:
        """Writes the report down and tells it to the plugins."""
        self.report.conflicts = sum(1 for _ in self._conflicts())
        self.report.inbox = sum(
            not item.quiet for one in self._remotes.values() for item in one.foreign.inbox()
        )
        self.report.finish("interrupted" if self._stopped else state, self._clock())
        keep(self._replica, self.report)
        announce(self._replica, self._plugins, self._told)
        self._plugins.finished(self.report.job, self.report.data())
        return self.report

    # --- the steps ---

    def _exchanged(self, steps: Iterator[Exchanged | Failed]) -> Iterator[Exchanged | Failed]:
        """Passes up what replicas brought or took, and counts it."""
        while not self._stopped and (step := next(steps, None)) is not None:
            if isinstance(step, Exchanged):
                self.report.exchanged(step)
            yield step

    def _reach(self, name: str, connector: Connector) -> Iterator[Reached | LeftOut | Failed]:
        if self._stopped:
            return
        tracker = trackers.tracker_of(self._replica, name)
        held = claim_of(self._replica, tracker)
        if held and not may(held, self._hub):
            self._others[name] = self._spec(name, connector, Person(id=""))
            yield LeftOut(remote=name, claim=held)
            return
        try:
            account = trackers.account_of(name, connector)
        except RemoteError as error:
            self._others[name] = self._spec(name, connector, Person(id=""))  # what it told counts
            yield self._failed(name, error)
            return
        spec = self._spec(name, connector, account)
        ways = trackers.references_of(self._replica, self._connectors)
        foreign = ForeignReplica(self._replica, spec, job=self.report.job, run=self.report.run,
                                 references=ways)  # fmt: skip
        self._remotes[name] = _Remote(spec, foreign)
        self.outlook.reached(spec)
        yield Reached(remote=name, account=account)

    def _spec(self, name: str, connector: Connector, account: Person) -> RemoteSpec:
        tracker = trackers.tracker_of(self._replica, name)
        spec = spec_of(self._file, name, self._job, connector, account, tracker)
        return trackers.among(self._replica, self._file, self.report.job, self._job, spec)

    def _whole(self, remote: _Remote, steps: Callable[[], Iterator[_T]]) -> Iterator[_T | Failed]:
        """Passes the steps up and counts them; a remote that breaks is left alone from then on."""
        if self._stopped:
            return
        try:
            with contextlib.closing(steps()) as running:  # type: ignore[type-var]  # generators all
                for step in running:
                    self._count(remote, step)
                    yield step
                    if self._stopped:
                        return
        except RemoteError as error:
            if not self._stopped or not isinstance(error, RateLimited):  # else it was woken
                remote.broken = True
                yield self._failed(remote.spec.name, error)

    def _count(self, remote: _Remote, step: Progress) -> None:
        self.outlook.step(step)
        match step:
            case Pulled():
                self.report.pulled(step)
            case Planned():
                self.report.planned(step)
                remote.planned.append(step)
            case Applied(planned=planned, outcome=outcome, ref=ref):
                self.report.applied(step)
                if outcome is Outcome.DONE:
                    told = ref or planned.ref
                    self._plugins.applied(planned.remote, planned.verb, told.kind, told.id)
            case Kept():
                self.kept.append(step)
            case _:
                pass

    def _failed(self, name: str, error: HubError) -> Failed:
        if isinstance(error, RemoteError):
            error.remote = error.remote or name
        self.report.broke(name, error)
        return Failed(remote=name, error=error)

    def _settle(self) -> int:
        """By votes, by the database's rules, and what is left of the job's tickets by its own."""
        mine = within(self._replica, self._trackers())

        def own(page: Page) -> Policy:
            rules = policies(self._job.conflicts, self._from_remote, page.merge)
            return lambda one: answer if (answer := rules(one)) and mine(one) else ()

        self.report.settled = settle_all(self._replica, own).total()
        return self.report.settled

    def _conflicts(self) -> Iterator[Conflict]:
        mine = within(self._replica, self._trackers())
        return (one for one in self._replica.conflicts() if is_asked(one) and mine(one))

    def _from_remote(self, head: Head, remote: str) -> bool:
        ledger = self._ledger(remote)
        row = ledger.item(head.record)
        return row is not None and row.tracker == ledger.tracker

    def _is_paired(self, remote: _Remote) -> bool:
        spec = remote.spec
        ledger = Ledger(self._replica.store, spec.tracker, spec.view or self.report.job)
        return bool(ledger.place().paired)

    def _trackers(self) -> frozenset[TrackerId]:
        return frozenset(trackers.tracker_of(self._replica, name) for name in self._connectors)

    def _ledger(self, remote: str) -> Ledger:
        return Ledger(
            self._replica.store, trackers.tracker_of(self._replica, remote), self.report.job
        )

    # --- what the brakes ask ---

    def _size(self, remote: str) -> int:
        tracker = self._remotes[remote].spec.tracker
        return sum(1 for _ in self._replica.store.scan("shadows", (tracker, TICKET)))
