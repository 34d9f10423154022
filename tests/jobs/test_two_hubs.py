"""Two hubs at the same trackers that did not know of each other: held at first, one when they meet."""

from __future__ import annotations

from itertools import count

import pytest

from jobs.test_topologies import REMOTES, site, worked
from jobs.topology import Office, bodies, doubled, item, summaries
from prophet_hub.foreign.steps import Outcome, Pulled
from prophet_hub.jobs import trackers
from prophet_hub.jobs.run import LeftOut

__all__ = ["site"]

TEXT = REMOTES + "  ab: {remotes: [a, b]}\n"


@pytest.fixture(params=["one", "other", "each"])
def hubs(request, site, tmp_path, monkeypatch):
    """Two hubs with databases of their own; whose ids are the lesser differs."""
    order = {"one": (1, 2, 3, 4), "other": (4, 3, 2, 1), "each": (1, 4, 2, 3)}[request.param]
    made = iter([bytes([n]) * 16 for n in order])
    monkeypatch.setattr(trackers, "fresh", lambda: next(made))
    return Office(tmp_path / "one", TEXT), Office(tmp_path / "other", TEXT)


def meet(hubs, rounds=4):
    """Lets both exchange all and work, some times."""
    for _ in range(rounds):
        for office in hubs:
            office.sync("ab")
        one, other = (office.replica() for office in hubs)
        for mine, theirs in ((one, other), (other, one)):
            mine.integrate(theirs.offers(mine.stands_at))
            for stored in mine.wanted():
                mine.supply(stored, theirs.content(stored))
        one.close()
        other.close()


def test_what_another_hub_copied_is_held_until_they_meet(site, hubs):
    a, b, *_ = site
    worked([a, b])
    hubs[0].settle()
    steps = hubs[1].run("ab")

    held = [s.ref.id for s in steps if isinstance(s, Pulled) and s.outcome is Outcome.HELD]
    assert held == [item(a, "t1").id, item(b, "t0").id]
    assert (summaries(a), summaries(b)) == (["t0", "t1"], ["t0", "t1"])
    assert len(hubs[1].inbox()) == 2


def test_when_they_meet_each_ticket_is_one(site, hubs):
    a, b, *_ = site
    worked([a, b])
    hubs[0].settle()
    hubs[1].settle()
    for tracker in site:
        tracker.now += 60
    a.update("cid", item(a, "t0").id, {"status": "resolved"})
    worked([a], 2)
    meet(hubs)

    assert (doubled(site), summaries(a), summaries(b)) == ([], ["t0", "t1", "t2"], summaries(a))
    assert item(b, "t0").fields["status"] == "resolved"
    for office in hubs:
        assert (office.conflicts(), office.inbox()) == ([], [])
        assert len(_tickets(office)) == 3


def test_what_both_copied_before_they_met_goes_on_as_one(site, hubs):
    a, b, *_ = site
    worked([a])
    hubs[0].settle()
    hubs[1].settle()
    worked([b], 1)
    hubs[1].run("ab")  # it holds what the first one copied, and so creates nothing
    hubs[0].settle()
    meet(hubs)
    for tracker in site:
        tracker.now += 60
    b.update("cid", item(b, "t1").id, {"summary": "t1 again"})
    a.comment("cid", item(a, "t0").id, "c9 is said")
    meet(hubs)

    assert item(a, "t1").fields["summary"] == "t1 again"
    assert bodies(b, "t0") == [("ann", "c0 is said"), ("cid", "c9 is said")]
    assert (doubled(site), hubs[0].conflicts(), hubs[1].conflicts()) == ([], [], [])


def test_when_they_met_one_of_them_works_with_each_tracker_and_rests(site, hubs):
    a, b, *_ = site
    worked([a, b])
    hubs[0].settle()
    hubs[1].settle()
    meet(hubs, 5)
    writes = [tracker.writes for tracker in site]
    steps = [step for office in hubs for step in office.run("ab")]

    left = [step.remote for step in steps if isinstance(step, LeftOut)]
    assert sorted(left) == ["a", "b"]
    assert [tracker.writes for tracker in site] == writes


def test_hubs_that_gave_ids_apart_agree_on_the_least(site, hubs):
    worked(site[:2])
    hubs[0].settle()
    hubs[1].settle()
    meet(hubs)

    ids = []
    for office in hubs:
        replica = office.replica()
        ids.append([trackers.tracker_of(replica, name) for name in "ab"])
        replica.close()
    assert ids[0] == ids[1]
    assert next(count(len(set(ids[0])))) == 2


def _tickets(office):
    replica = office.replica()
    try:
        return [row for row in replica.records("ticket") if replica.alive(row.record)]
    finally:
        replica.close()
