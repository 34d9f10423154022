"""Trackers in memory and a hub between them: what the tests of the bridge stand on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.model import ids
from prophet_hub.model.ids import TrackerId
from prophet_hub.sdk import TICKET
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker

TICK = 1_700_000_000_000_000
EVERY = 600_000_000
"""Microseconds from one run to the next: cron starts one every ten minutes."""


def tracker_id(name):
    return TrackerId(ids.name_of("tracker", name))


def spec_of(tracker, connector=None, **given):
    connector = connector or MemoryConnector.over(tracker)
    fields = given.pop("fields", connector.fields)
    return RemoteSpec(
        name=given.pop("name", tracker.name),
        tracker=tracker_id(tracker.name),
        connector=connector,
        account=tracker.person("hub"),
        fields=fields,
        concurrency=given.pop("concurrency", 1),
        **given,
    )


class Crash(BaseException):
    """The hub died here."""


class Clock:
    def __init__(self):
        self.micros = TICK

    def __call__(self):
        self.micros += 1
        return self.micros


class Hub:
    """One hub, one job, as many remotes as trackers."""

    every = EVERY

    def __init__(self, *trackers, path=":memory:", **options):
        self.clock = Clock()
        self.replica = Replica.open(path, clock=self.clock)
        self.trackers = trackers
        self.specs = {t.name: spec_of(t, **options.get(t.name, {})) for t in trackers}
        self.runs = 0
        self.settle = None

    def close(self):
        self.replica.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def change(self, name, **what):
        self.specs[name] = replace(self.specs[name], **what)

    def foreign(self, name):
        ways = {s.tracker: s.connector.references for s in self.specs.values()}
        return ForeignReplica(
            self.replica, self.specs[name], job="job", run=f"run-{self.runs}",
            references={tracker: way for tracker, way in ways.items() if way},
        )  # fmt: skip

    def sync(self):
        """Runs once: pulls all, settles, plans all, applies all; returns what was applied."""
        self.runs += 1
        self.clock.micros += self.every
        remotes = {name: self.foreign(name) for name in self.specs}
        for remote in remotes.values():
            list(remote.pull())
        for remote in remotes.values():
            list(remote.adopt())
        if self.settle:
            self.replica.settle(self.settle)
        specs = list(self.specs.values())
        plans = {name: list(remote.plan(specs)) for name, remote in remotes.items()}
        return [done for n, remote in remotes.items() for done in remote.apply(plans[n])]

    def syncs(self, times=3):
        return [done for _ in range(times) for done in self.sync()]

    def record(self, tracker, ref="1", kind=TICKET):
        return ids.of_item(tracker_id(tracker.name), kind, ref)

    def values(self, tracker, prop, ref="1", member="", kind=TICKET):
        """The distinct values of a cell's heads."""
        cell = self.replica.cell(self.record(tracker, ref, kind), prop, member)
        return {head.value for head in cell.heads} if cell else set()

    def conflicts(self):
        return list(self.replica.conflicts())

    def inbox(self, tracker):
        return [i for i in self.foreign(tracker.name).inbox() if not i.quiet]


def tick(*trackers):
    for tracker in trackers:
        tracker.now += 1


def pair(**knobs):
    return Tracker("R", Knobs(**knobs)), Tracker("T", Knobs(**knobs))


@contextmanager
def copied(**knobs):
    """A hub with R#1, copied as T#1; all is read, and no listing tells anything any more."""
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(**knobs))
    r.create("bob", {"summary": "x", "status": "new"})
    with Hub(r, t) as hub:
        rest(hub, r, t)
        yield hub, r, t


def rest(hub, *trackers, times=3):
    """Runs, and lets time pass after each."""
    for _ in range(times):
        hub.sync(), tick(*trackers)


@contextmanager
def boundaries(hub, act):
    """Calls `act(number)` before and after every request and around every commit of a hub."""
    count = [0]

    def boundary(_):
        count[0] += 1
        act(count[0] - 1)

    replica, transaction = hub.replica, hub.replica.transaction

    @contextmanager
    def watched():
        if replica.store.in_transaction:
            with transaction():
                yield
            return
        with transaction():
            yield
            boundary("commit")
        boundary("committed")

    replica.transaction = watched
    for spec in hub.specs.values():
        spec.connector.boundary = boundary
    try:
        yield count
    finally:
        for spec in hub.specs.values():
            spec.connector.boundary = lambda _: None
        del replica.transaction


def crash(hub, at):
    """Runs a sync that dies at a boundary; returns whether it got that far."""

    def act(number):
        if number == at:
            raise Crash

    with boundaries(hub, act):
        try:
            hub.sync()
        except Crash:
            return True
    return False


@contextmanager
def once(connector, where, act):
    """Lets somebody act once at the first boundary that begins with these words."""
    before, done = connector.boundary, []

    def boundary(name):
        before(name)
        if name.startswith(where) and not done:
            done.append(name)
            act()

    connector.boundary = boundary
    yield done
    connector.boundary = before
