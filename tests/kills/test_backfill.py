"""A first sync of many tickets against trackers with limits: it ends, and its time left is true.

Killed on the way it goes on where it was: no gap, no double, nobody is asked again, and no tracker
is ever asked before its time.
"""

from __future__ import annotations

import os
import random
import resource
import statistics

import pytest

from kills.backfill import SERVERS, Backfill, Drips, Free, Windows, site

TENTH = 0.1
TICKETS = int(os.environ.get("PROPHET_HUB_BACKFILL", "2000"))


def played(backfill, kills):
    """Runs to each death and to the end, then twice more; returns the requests until the end."""
    deaths = sum(backfill.run(yes=True, kill=kill) is None for kill in kills)
    agreed = backfill.asked
    backfill.run(yes=not agreed)
    requests = backfill.requests
    backfill.run(yes=False)
    idle = backfill.run(yes=False)

    assert deaths == len(kills)
    assert backfill.asked == 1
    assert backfill.faults() == []
    assert (idle.written, idle.inbox, idle.failed, idle.conflicts) == (0, 0, 0, 0)
    assert [server.early for server in SERVERS.values()] == [0, 0]
    return requests


def truthful(backfill, *, within=TENTH):
    """Prints how far the announcements were off, and looks at the worst of each stage."""
    worst = {}
    for name, off in backfill.errors().items():
        worst[name] = max(off, default=0.0)
        median = statistics.median(off or [0])
        print(f"  {name}: {len(off)} said, worst {worst[name]:.3f}, median {median:.3f}")
    assert {name: off for name, off in worst.items() if off > within} == {}
    assert sum(map(len, backfill.errors().values())) > 20


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param((Free(), Free()), id="none"),
        pytest.param((Windows(20, 60), Windows(30, 60, tells=True)), id="minutes"),
        pytest.param((Windows(50, 3600, tells=True), Windows(130, 3600, tells=True)), id="hours"),
        pytest.param((Drips(0.5, 20), Windows(30, 60, bans=900)), id="drips and bans"),
    ],
)
def test_the_time_left_is_true_whatever_the_limit(limits, tmp_path, monkeypatch):
    """From a tenth on, within a tenth; a limit that is not told, from its second pause on."""
    with site(tmp_path, monkeypatch):
        backfill = Backfill(tmp_path, 120, limits, latency=1.0)
        played(backfill, [])
        truthful(backfill)


def test_killed_again_and_again_it_goes_on_where_it_was(tmp_path, monkeypatch):
    rnd = random.Random(1)
    kills = [("read", rnd.randint(60, 120)), ("read", rnd.randint(60, 120)), ("plan", 2)]
    kills += [("write", rnd.randint(150, 250)) for _ in range(3)]
    with site(tmp_path, monkeypatch):
        backfill = Backfill(tmp_path, 120, (Windows(60, 60), Windows(100, 60, bans=900)))
        played(backfill, kills)


@pytest.mark.kills
def test_a_backfill_with_20_kills(tmp_path, monkeypatch):
    """Its limits are an hourly one that is told and one by the minute that is not."""
    count, rnd = TICKETS, random.Random(1)
    kills = [("read", int(count * rnd.uniform(0.12, 0.36))) for _ in range(8)]
    kills += [("plan", rnd.randint(1, count // 200)) for _ in range(2)]
    kills += [("write", int(count * rnd.uniform(0.7, 2.0))) for _ in range(10)]
    limits = Windows(600, 60), Windows(count // 4, 3600, tells=True)
    with site(tmp_path, monkeypatch):
        backfill = Backfill(tmp_path, count, limits)
        requests = played(backfill, kills)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{count} tickets: {requests} requests, {backfill.runs - 2} runs, peak {peak} MB")
        if count >= 20_000:
            truthful(backfill)
