"""Every connector, on its fake, beside another tracker: after ordinary life nothing has drifted.

Whatever a listing renders, leaves out or dates its own way, a look at a tracker in step is silent.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack

import pytest

from connectors import test_bugzilla as bugzilla
from connectors import test_debbugs as debbugs
from connectors import test_hiveminder as hiveminder
from connectors import test_launchpad as launchpad
from connectors import test_redmine as redmine
from connectors import test_roundup as roundup
from connectors import test_rt as rt
from connectors import test_todotxt as todotxt
from connectors import test_trac as trac
from fakes import taskwarrior
from foreign.kit import Clock, Hub, spec_of, tracker_id
from live.real_taskwarrior import Tasks
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Rejected
from prophet_hub.foreign.drift import Drift, Looked, Why
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.testing.contract import Absent
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

STEPS = 30


def over_http(make, url):
    def placed(stack, _folder):
        box = make()
        stack.enter_context(within(box.faulty, url))
        return box

    return placed


PLACES = {
    "bugzilla": over_http(lambda: bugzilla.BugzillaSandbox("bugzilla"), bugzilla.URL),
    "bmo": over_http(lambda: bugzilla.BugzillaSandbox("bmo"), bugzilla.URL),
    "debbugs": lambda stack, _: debbugs.Place(stack),
    "hiveminder": lambda stack, _: hiveminder.Place(stack),
    "launchpad": lambda stack, _: launchpad.Place(stack),
    "redmine": over_http(redmine.RedmineSandbox, redmine.URL),
    "roundup": lambda stack, _: roundup.Place(stack),
    "rt": over_http(rt.RTSandbox, rt.URL),
    "taskwarrior": lambda _, folder: Tasks(folder, call=taskwarrior.call),
    "todotxt": lambda _, folder: todotxt.Paper(folder),
    "trac": lambda stack, _: trac.Place(stack),
}


class Beside(Hub):
    """A connector's fake and a tracker in memory, and a hub between them."""

    def __init__(self, box):
        self.clock, self.runs, self.settle = Clock(), 0, None
        self.replica = Replica.open(":memory:", clock=self.clock)
        self.box, self.other = box, Tracker("T")
        connector = box.connector
        mine = RemoteSpec(
            name="X", tracker=tracker_id("X"), connector=connector, account=connector.whoami(),
            fields=connector.fields, concurrency=1, pairing="off",
            attachment_limit=connector.capabilities.attachment_limit,
        )  # fmt: skip
        self.specs = {"X": mine, "T": spec_of(self.other, pairing="off")}

    def looked(self, *, deep=False):
        specs = list(self.specs.values())
        return [one for name in self.specs for one in self.foreign(name).verify(specs, deep=deep)]

    def quiet(self):
        for _ in range(12):
            done = self.sync()
            self.box.settle()
            self.other.now += 5
            if not done:
                return
        raise AssertionError("never quiet")


def live(hub, draw):
    """Somebody does something, on either side."""
    box, other, made = hub.box, hub.other, hub.made
    act = draw.random()
    if not made or act < 0.12:
        made.append(box.make(box.new(len(made) + 1)))
    elif act < 0.45:
        row = draw.choice(list(box.connector.fields))
        box.edit(draw.choice(made), row.theirs, draw.choice(box.pair(row)))
    elif act < 0.55:
        box.comment(draw.choice(made), f"Remark {draw.randrange(1000)}")
    elif act < 0.6:
        box.attach(draw.choice(made), f"f{draw.randrange(1000)}.txt", b"bytes")
    elif act < 0.65:
        other.create("bob", {"summary": f"There {draw.randrange(1000)}", "status": "open"})
    elif act < 0.8 and other.items:
        there = draw.choice(list(other.items.values()))
        field, words = draw.choice([("summary", "ab"), ("status", ("open", "resolved"))])
        other.update("bob", there.id, {field: draw.choice(words)})
    elif act < 0.85 and other.items:
        other.comment("bob", draw.choice(list(other.items)), f"Said {draw.randrange(1000)}")
    else:
        hub.sync()
    other.now += draw.randrange(3)


@pytest.fixture
def beside(request, tmp_path):
    with ExitStack() as stack:
        box = PLACES[request.param](stack, tmp_path)
        hub = Beside(box)
        hub.made = []
        stack.callback(hub.close)
        stack.callback(box.connector.close)
        yield hub


@pytest.mark.parametrize("beside", PLACES, indirect=True)
def test_after_ordinary_life_a_look_is_silent_and_cheap(beside):
    draw, tried = random.Random(5), Counter()
    for _ in range(STEPS):
        try:
            live(beside, draw)
            tried["done"] += 1
        except (Absent, Rejected):
            tried["not possible here"] += 1
    beside.quiet()
    beside.quiet()
    before = beside.replica.latest()

    found = beside.looked()

    assert [f for f in found if isinstance(f, Drift) and f.why is not Why.WAITS] == []
    (seen,) = [f for f in found if isinstance(f, Looked) and f.remote == "X"]
    assert seen.listed >= len(beside.made) - 1  # one may have been moved out of the query's reach
    assert seen.asked <= 2, "a quiet tracker is asked for single tickets"
    assert beside.replica.latest() == before
    assert tried["done"] > STEPS / 2
    deep = [f for f in beside.looked(deep=True) if isinstance(f, Drift)]
    assert [f for f in deep if f.why is not Why.WAITS] == []


@pytest.mark.parametrize("beside", PLACES, indirect=True)
def test_what_is_edited_after_the_last_sync_is_the_next_one_s(beside):
    box = beside.box
    for n in range(2):
        beside.made.append(box.make(box.new(n)))
    beside.quiet()
    beside.quiet()
    box.edit(beside.made[0], box.title.theirs, "Edited since")
    box.settle()

    found = {f.why for f in beside.looked() if isinstance(f, Drift)}
    assert found <= {Why.UNREAD}
    assert found or beside.specs["X"].connector.name == "launchpad"  # its search tells no titles

    beside.quiet()
    assert [f for f in beside.looked() if isinstance(f, Drift)] == []
