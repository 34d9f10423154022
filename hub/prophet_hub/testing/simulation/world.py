"""A world and what happens in it: trackers, people, a hub, and time that only steps move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from prophet_hub.errors import Busy, Rejected
from prophet_hub.foreign.shared import share
from prophet_hub.jobs.plan import creates_of
from prophet_hub.testing.items import EPOCH, Item
from prophet_hub.testing.simulation.hub import Died, Hub
from prophet_hub.testing.simulation.hubs import hand_over, meet
from prophet_hub.testing.simulation.people import act
from prophet_hub.testing.simulation.setting import FILLED, PEOPLE, Remote, Setting
from prophet_hub.testing.simulation.steps import Step
from prophet_hub.testing.simulation.twin import Twin
from prophet_hub.testing.simulation.watched import Spoken, Watched

__all__ = ["JOB", "Broken", "World"]

JOB = "job"
_ROBOT = 90_000
"""The number of the first step that a server takes by itself."""

ROUNDS = 14
"""Runs without a fault after which a world must have come to rest."""


class Broken(BaseException):
    """A law is broken; nothing between a boundary and whoever plays may take it for its own.

    Attributes:
        law: Its name.
        what: What was seen, for people.
    """

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law, self.what = law, what


class World:
    """One world while it is played.

    Attributes:
        trackers: By name.
        hubs: All hubs, the first of which takes part in every world.
        hub: The one at which something happens.
        twin: What people said.
        happened: How often each rare thing really happened.
        excused: How often the laws met something that no hub can help, by cause.
        story: What happened, a line each.
        second: Seconds that have passed.
        overrun: What runs did beyond their brakes without a yes.
        promised: (hub, remote) -> how many creates somebody said yes to and no run has made yet.
        asked: How many requests the last run sent to each tracker, which had nothing to do.
    """

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.setting = setting
        self.twin = Twin()
        self.trackers = {one.name: Watched(one, self.twin) for one in setting.remotes}
        self.second = 0
        self._resting = False
        self._ticks = 0
        self.story: list[str] = []
        self.happened: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        self.hubs = [
            Hub(
                _tree(setting), _people(setting),
                {name: Spoken(one) for name, one in self.trackers.items()},
                name=f"h{n}", clock=partial(self._clock, setting.off if not n else 0),
                folder=folder / f"h{n}",
            )
            for n in range(setting.hubs)
        ]  # fmt: skip
        self.hub = self.hubs[0]
        self.overrun: list[str] = []
        self.promised: Counter[tuple[str, str]] = Counter()
        self.asked: dict[str, int] = {}
        self._spoken = 0
        for tracker in self.trackers.values():
            if tracker.remote.automation:
                tracker.after_write = partial(self._automation, tracker)
        self.wait(0)
        self._begin_together()

    def close(self) -> None:
        """Gives back what the hubs held."""
        for hub in self.hubs:
            hub.close()

    def _begin_together(self) -> None:
        """Lets hubs be of one database: the others are clones of the first, and hold trackers too."""
        if len(self.hubs) > 1:
            self.hub.run(JOB, yes=True, boundary=_nobody)
            share(self.hub.replica)
            meet(self.hubs, 0)
            for n, remote in enumerate(self.setting.remotes):
                if n % 2:
                    hand_over(remote.name, self.hub, self.hubs[n % len(self.hubs)], 0)
            meet(self.hubs, 0)

    def _clock(self, off: int) -> int:
        self._ticks += 1
        return (EPOCH + self.second + off) * 1_000_000 + self._ticks

    def wait(self, seconds: int) -> None:
        """Lets time pass, on every clock as fast."""
        self.second += seconds
        for tracker in self.trackers.values():
            tracker.now = EPOCH + self.second + tracker.remote.skew

    def play(self, step: Step) -> None:
        """Lets one step happen."""
        self.hub = self.hubs[step.pick // 2 % len(self.hubs)]
        if step.kind == "sync":
            self._disturbed(step)
        elif step.kind != "quiet":
            self._say(step)

    def _say(self, step: Step) -> None:
        with ExitStack() as stack:
            for tracker in self.trackers.values():
                stack.enter_context(tracker.by_people())
            said = act(self, step)
        if said:
            self.story.append(said)
            self.happened[step.kind] += 1

    def _automation(self, tracker: Watched, item: Item) -> None:
        """The server acts after a write of the hub's: it adds a word of its own, or takes ours back."""
        self._spoken += 1
        if self._resting or self._spoken % 3 or item.gone:
            return
        with tracker.by_people():
            if tracker.remote.automation == "adds":
                step = Step(kind="write", number=_ROBOT + self._spoken, pick=3, who="robot",
                            at=tracker.name, ticket=self.twin.tickets.get((tracker.name, item.id), 0))  # fmt: skip
            else:
                word = next(
                    (theirs for theirs, ours in tracker.remote.words if ours == "open"), "open"
                )
                step = None
                with suppress(Rejected):
                    tracker.update("robot", item.id, {"status": word})
        said = (
            act(self, step)
            if step
            else f"the server sets status of {tracker.name}/{item.id} to {word}"
        )
        self.story.append(f"   {said}")
        self.happened["automation"] += 1

    # --- what the hub does ---

    def _disturbed(self, step: Step) -> None:
        """A run as the step says: it may die, people may act in its midst, it may be started twice."""
        count = 0

        def boundary(name: str) -> None:
            nonlocal count
            number, count = count, count + 1
            for at, other in step.races:
                if at == number:
                    self._say(other)
                    self.happened["acts in a run"] += 1
            if step.twice == number:
                self._twice()
            if step.kill == number:
                self.happened["kills"] += 1
                self.story.append(f"   the hub dies {name}")
                raise Died

        self.story.append("the hub syncs" if len(self.hubs) == 1 else f"{self.hub.name} syncs")
        self._sync(boundary, yes=bool(step.pick % 2))

    def _sync(self, boundary: Callable[[str], None], *, yes: bool) -> None:
        self.happened["syncs"] += 1
        before = {name: one.done() for name, one in self.trackers.items()}
        first = {name for name in self.trackers if self.hub.is_first(JOB, name)}
        self.hub.planned = []
        try:
            self._run(boundary, yes=yes)
        finally:
            creates = creates_of(self.hub.planned)
            for name, one in self.trackers.items():
                at = self.hub.name, name
                if not yes:
                    self._braked(name, before[name], one.done(), first=name in first)
                elif creates:
                    self.promised[at] = creates[name]
                self.promised[at] = max(0, self.promised[at] - one.created + before[name][-1])

    def _braked(
        self, name: str, before: tuple[int, ...], after: tuple[int, ...], *, first: bool
    ) -> None:
        """Looks whether a run to which nobody said yes did more than it may."""
        closes, deletes, creates = self.setting.brakes
        creates = max(creates, self.promised[self.hub.name, name])
        limits = closes, deletes, 0 if first else creates  # the first creates want a yes
        for what, old, new, limit in zip(
            ("closed", "deleted", "created"), before, after, limits, strict=True
        ):
            if new - old > limit:
                self.overrun.append(f"a run {what} {new - old} tickets in {name}, and may {limit}")

    def _run(self, boundary: Callable[[str], None], *, yes: bool) -> None:
        try:
            report = self.hub.run(JOB, yes=yes, boundary=boundary)
            if report.state == "braked":
                self.happened["brakes"] += 1
                self.story.append(f"   brakes hold it: {'; '.join(report.brakes)}")
            for remote in report.remotes.values():
                if remote.error:
                    self.story.append(f"   {remote.name}: {remote.error}")
                    self.trackers[remote.name].failed()
                else:
                    self.trackers[remote.name].committed()
        except Died:
            self.hub.die()
            for tracker in self.trackers.values():
                tracker.failed()

    def _twice(self) -> None:
        writes = [tracker.requests for tracker in self.trackers.values()]
        try:
            self.hub.run(JOB, yes=True, boundary=_nobody)
        except Busy:
            self.happened["started twice"] += 1
        except Exception as error:
            raise Broken("one run at a time", f"the second run got in: {error}") from error
        else:
            raise Broken("one run at a time", "the job ran twice at once")
        if writes != [tracker.requests for tracker in self.trackers.values()]:
            raise Broken("one run at a time", "the second run asked a tracker")

    def rest(self) -> int:
        """Runs without a fault until nothing is written; returns after how many runs.

        Raises:
            Broken: It never comes to rest.
        """
        for tracker in self.trackers.values():
            self.happened["faults"] += sum(f.hits for f in tracker.faulty)
            tracker.calm()
        self._resting = True
        self.story.append("quiet: the hub syncs until nothing is written")
        for number in range(ROUNDS):
            before = self.state()
            self.wait(120)
            self._all_sync(yes=number > 0)
            if (
                self.state() == before
                and number
                and not any(h.reports[-1].brakes for h in self.hubs)
            ):
                self._idle()
                self._resting = False
                return number
        raise Broken("the second run writes nothing", f"{ROUNDS} runs, and no rest")

    def _all_sync(self, *, yes: bool) -> None:
        for hub in self.hubs:
            meet(self.hubs, self.twin.tick())
            self.hub = hub
            self._sync(_nobody, yes=yes)

    def _idle(self) -> None:
        """Runs once more, with nothing to do, and counts what that costs."""
        before = {name: one.requests for name, one in self.trackers.items()}
        self.wait(120)
        self._all_sync(yes=True)
        self.hub = self.hubs[0]
        self.asked = {name: one.requests - before[name] for name, one in self.trackers.items()}

    def state(self) -> tuple[int, int]:
        """Returns what changes when anything is written anywhere."""
        writes = sum(tracker.writes for tracker in self.trackers.values())
        return writes, sum(hub.replica.latest() for hub in self.hubs)


def _tree(setting: Setting) -> dict[str, object]:
    """Returns the job file of a setting."""
    closes, deletes, creates = setting.brakes
    return {
        "remotes": {one.name: _remote(one, setting.batch) for one in setting.remotes},
        "jobs": {
            JOB: {
                "remotes": {
                    one.name: {
                        "direction": one.direction, "creates": one.creates, "deletes": one.deletes
                    }
                    for one in setting.remotes
                },
                "conflicts": {"default": setting.policy},
                "brakes": {"closes": closes, "deletes": deletes, "creates": creates},
            }
        },
    }  # fmt: skip


def _remote(one: Remote, batch: int) -> dict[str, object]:
    return {
        "connector": "memory",
        "url": f"memory://{one.name}",
        "query": one.query,
        "audience": one.audience,
        "concurrency": 1,
        "batch": batch,
        "values": {"status": dict(one.words)} if one.words else {},
        "fields": dict.fromkeys(one.without),
        "fill": {"priority": FILLED} if _demands(one) else {},
    }


def _demands(one: Remote) -> bool:
    return "demands a priority" in one.traits and "priority" not in one.without


def _nobody(_name: str) -> None:
    """Nobody looks on."""


def _people(setting: Setting) -> dict[str, dict[str, str]]:
    """Returns the people file: everybody, but for trackers that know few."""
    everybody = {who: f"{who}@example.org" for who in PEOPLE}
    return {one.name: {} if "knows few" in one.traits else everybody for one in setting.remotes}
