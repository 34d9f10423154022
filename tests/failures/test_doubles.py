"""F1, F2, F3: whatever was lost on the wire and whoever was started twice, there is one copy."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager

import pytest

from foreign.kit import Hub, boundaries, crash, pair, tick
from jobs import memory
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Busy, Unsure
from prophet_hub.foreign import shared
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.run import started
from prophet_hub.plugins import Plugins
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET
from prophet_hub.testing.tracker import Tracker

KEYS = frozenset({TICKET, COMMENT, ATTACHMENT})
TRIGGERS = 50
JOB = """
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
"""


def lost(connector, answers=1, *, arrives=True):
    """Lets that many creates arrive, or not even that, whose answers do not."""
    apply, left = connector.apply, [answers]

    def unanswered(operation):
        if not left[0]:
            return apply(operation)
        left[0] -= 1
        if arrives:
            apply(operation)
        raise Unsure("No answer came.")

    connector.apply = unanswered


def inside(tracker):
    """What stands in a tracker: its tickets, and how much is in each."""
    return sorted(
        (item.fields["summary"], len(item.comments), len(item.attachments))
        for item in tracker.items.values()
    )


MAKES = {
    TICKET: lambda r: r.create("bob", {"summary": "a second one"}),
    COMMENT: lambda r: r.comment("bob", "1", "hello"),
    ATTACHMENT: lambda r: r.attach("bob", "1", "a.txt", b"bytes"),
}
MADE = {
    TICKET: [("a second one", 0, 0), ("printer on fire", 0, 0)],
    COMMENT: [("printer on fire", 1, 0)],
    ATTACHMENT: [("printer on fire", 0, 1)],
}


@contextmanager
def about_to_make(kind, keys):
    """Two trackers in step, and something new in the first."""
    r, t = pair(keys=keys)
    r.create("bob", {"summary": "printer on fire"})
    with Hub(r, t) as hub:
        hub.syncs(2), tick(r, t)
        MAKES[kind](r)
        yield hub, r, t


def first_write(kind, keys):
    """The number of the boundary just before the first write of a run notes anything."""
    begins = []
    with about_to_make(kind, keys) as (hub, _, _), boundaries(hub, lambda _: None) as count:
        apply = hub.specs["T"].connector.apply
        hub.specs["T"].connector.apply = lambda one: begins.append(count[0]) or apply(one)
        hub.sync()
    return begins[0] - 2


@pytest.mark.parametrize("keys", [KEYS, frozenset()])
@pytest.mark.parametrize("kind", MAKES)
def test_wherever_the_run_dies_between_create_and_note_there_is_one_copy(kind, keys):
    start = at = first_write(kind, keys)
    reached = True
    while reached:
        with about_to_make(kind, keys) as (hub, r, t):
            reached = crash(hub, at)
            hub.syncs(2)
        for tracker in (r, t):
            assert inside(tracker) == MADE[kind], f"doubled or lost after a crash at {at}"
        at += 1
    assert at - start > 6


@pytest.mark.parametrize("keys", [KEYS, frozenset()])
def test_a_create_whose_answer_was_lost_is_looked_for_and_not_sent_again(keys):
    r, t = pair(keys=keys)
    for summary in ("one", "two"):
        r.create("bob", {"summary": summary})
        r.comment("bob", str(r._numbers), "hello")
    with Hub(r, t) as hub:
        lost(hub.specs["T"].connector, answers=3)
        for _ in range(5):
            tick(r, t), hub.sync()
    assert inside(t) == [("one", 1, 0), ("two", 1, 0)], "sent again although it had arrived"
    assert len(r.items) == 2


@pytest.mark.parametrize("lag", [0, 1, 30, 300])
def test_where_no_key_can_be_carried_an_index_that_lags_is_given_its_time(lag):
    """Until then nothing else is made there; what never arrived is made after it."""
    for arrives in (True, False):
        r, t = pair(lag=lag, keys=frozenset())
        r.create("bob", {"summary": "printer on fire"})
        r.now += 400
        with Hub(r, t) as hub:
            hub.every = 30_000_000
            lost(hub.specs["T"].connector, arrives=arrives)
            hub.sync()
            for _ in range(12):
                for tracker in (r, t):
                    tracker.now += 30
                hub.sync()
                assert len(t.items) <= 1, f"made again because the index is {lag} s behind"
            hub.syncs()
        assert (len(t.items), len(r.items)) == (1, 1)


@pytest.mark.parametrize("lag", [0, 1, 30, 300])
def test_a_create_without_an_answer_is_found_though_the_index_lags(lag):
    """Listings show it minutes later; the key is asked for where nothing lags."""
    r, t = pair(lag=lag)
    r.create("bob", {"summary": "printer on fire"})
    r.now += 400
    with Hub(r, t) as hub:
        lost(hub.specs["T"].connector)
        for _ in range(5):
            tick(r, t), hub.sync()
            assert len(t.items) == 1, f"made again because the index is {lag} s behind"
        t.now += 400
        hub.syncs()
    assert (len(t.items), len(r.items)) == (1, 1)


# --- many at once ------------------------------------------------------------------------------


@contextmanager
def served(folder):
    """Two trackers of this process, the first with a ticket."""
    site = folder / "site"
    site.mkdir()
    with memory.registered(site):
        memory.TRACKERS.update(a=Tracker("a"), b=Tracker("b"))
        memory.TRACKERS["a"].create("bob", {"summary": "printer on fire"})
        yield memory.TRACKERS


class Crowd:
    """Runs that all want to write at once: the first to come waits for the others.

    Each of them comes to its first write, or hears that another run is under way, or waits for it.
    """

    def __init__(self, size):
        self.size, self.here, self.turn = size, set[str](), threading.Condition()

    def comes(self):
        with self.turn:
            self.here.add(threading.current_thread().name)
            self.turn.notify_all()

    def at(self, boundary):
        if boundary.startswith("before POST"):
            self.comes()
            with self.turn:
                assert self.turn.wait_for(lambda: len(self.here) == self.size, timeout=60)


def test_fifty_triggers_at_once_make_one_copy(tmp_path):
    """Half of them give up where another run is under way, half wait for it."""
    crowd, ends = Crowd(TRIGGERS), []

    def slept(_seconds):
        crowd.comes()
        threading.Event().wait(0.002)

    def trigger(file, number):
        replica = Replica.open(tmp_path / "hub.db")
        try:
            with started(
                replica, file, ("a", "b"), folder=tmp_path / "x", plugins=Plugins(),
                clock=lambda: 7, sleep=slept, wait=1e6 * (number % 2),
            ) as run:  # fmt: skip
                ends.append([*run.prepare(), *run.apply()])
                run.finish("done")
        except Busy as error:
            ends.append(error)
        except BaseException as error:
            ends.append(error)
            raise
        finally:
            crowd.comes()
            replica.close()

    with served(tmp_path) as trackers:
        file = parse(JOB, tmp_path / "prophet-hub.yaml")
        Replica.open(tmp_path / "hub.db").close()
        memory.BOUNDARIES["b"] = crowd.at
        threads = [threading.Thread(target=trigger, args=(file, n)) for n in range(TRIGGERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        assert inside(trackers["b"]) == [("printer on fire", 0, 0)], "several runs made a copy each"
        assert len(trackers["a"].items) == 1
    busy = [end for end in ends if isinstance(end, Busy)]
    assert [end for end in ends if isinstance(end, BaseException) and end not in busy] == []
    assert 0 < len(busy) <= TRIGGERS // 2


def test_two_hubs_at_once_make_one_copy(tmp_path):
    """Locks hold the runs of one machine apart; the second hub has heard of the first one's claim."""

    def running(replica, name):
        return started(
            replica, file, ("a", "b"), folder=tmp_path / name, plugins=Plugins(),
            clock=lambda: 7, sleep=lambda _: None,
        )  # fmt: skip

    with served(tmp_path) as trackers, ExitStack() as stack:
        file = parse(JOB, tmp_path / "prophet-hub.yaml")
        one, two = (Replica.open(tmp_path / f"{n}.db", clock=lambda: 7) for n in (1, 2))
        stack.callback(one.close), stack.callback(two.close)
        with running(one, "first") as run:
            assert [*run.prepare(), *run.apply()]
        shared.share(one)
        two.integrate(one.offers(two.stands_at))
        trackers["a"].now += 1
        trackers["a"].create("bob", {"summary": "and the scanner"})
        runs = [stack.enter_context(running(hub, name)) for hub, name in ((one, "1"), (two, "2"))]
        for run in runs:
            assert list(run.prepare())
        for run in runs:
            list(run.apply())
        assert inside(trackers["b"]) == [("and the scanner", 0, 0), ("printer on fire", 0, 0)], (
            "two hubs made a copy each"
        )
