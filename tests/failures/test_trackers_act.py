"""Failures found in other tools, each tried against two trackers in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, pair, tick
from foreign.test_scenarios import a, say, step
from prophet_hub.errors import RateLimited
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import Outcome
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.tracker import Knobs, Tracker

DAY = 86_400_000_000


@pytest.mark.parametrize("inclusive", [True, False])
def test_f06_many_changes_in_one_second_over_several_sweeps_are_all_read(inclusive):
    """F6, F9: pages are small, tickets come and move between the sweeps, the second stands still."""
    r, t = pair(page=7, inclusive=inclusive)
    with Hub(r, t) as hub:
        for sweep in range(4):
            for number in range(20):
                r.create("bob", {"summary": f"{sweep}-{number}"})
            for ref in list(r.items)[::3]:
                r.update("bob", ref, {"status": f"at {sweep}"})
            hub.sync()
        tick(r, t), hub.syncs(2)
        assert len(t.items) == 80
        status = {i.fields["summary"]: i.fields.get("status") for i in r.items.values()}
        assert {i.fields["summary"]: i.fields.get("status") for i in t.items.values()} == status


@pytest.mark.parametrize("off", [-DAY, -DAY // 144, DAY // 144, DAY])
def test_f07_the_hubs_clock_decides_nothing(off):
    """F7: it is off by ten minutes or a day, and is put right in the middle."""
    hub, r, t = step()
    hub.clock.micros += off
    say(r, "q"), tick(r, t), hub.syncs()
    hub.clock.micros -= off
    say(t, "s"), tick(r, t), hub.syncs()
    assert (a(r, t), hub.conflicts()) == (["s", "s"], [])
    hub.close()


def test_f18_a_text_comes_back_as_it_was_after_ten_round_trips():
    text = "# head\r\n\r\n*a* _b_ `c`  \n\t<pre>&amp;</pre> @nobody\n\n> q\n-- \nsig"
    r, t = pair()
    r.create("bob", {"summary": "x", "description": text})
    with Hub(r, t) as hub:
        for number in range(10):
            tick(r, t), hub.syncs()
            side = (r, t)[number % 2]
            side.update("bob", "1", {"description": f"{text}{number}"})
            tick(r, t), hub.syncs()
            assert [x.items["1"].fields["description"] for x in (r, t)] == [f"{text}{number}"] * 2


def test_f19_a_text_above_the_limit_waits_alone():
    r, t = pair()
    t.knobs = replace(t.knobs, limits={"description": 1000})
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs()
        r.update("bob", "1", {"description": "é" * 1001, "status": "open"})
        r.update("bob", "1", added={"labels": {"with blank", "ü" * 60}})
        tick(r, t), hub.syncs()
        copy = t.items["1"].fields
        assert ("description" in copy, copy["status"]) == (False, "open")
        assert copy["labels"] == {"with blank", "ü" * 60}
        assert [i.field for i in hub.inbox(t)] == ["description"]
        r.update("bob", "1", {"description": "é" * 1000})
        tick(r, t), hub.syncs()
        assert (t.items["1"].fields["description"], hub.inbox(t)) == ("é" * 1000, [])


def test_f20_a_forbidden_transition_waits_and_the_rest_is_in_step():
    r, t = pair()
    r.create("bob", {"summary": "x", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs()
        t.knobs = replace(t.knobs, transitions={"status": {"new": ("open",)}})
        r.update("bob", "1", {"status": "resolved", "summary": "y"})
        tick(r, t), hub.syncs()
        copy = t.items["1"].fields
        assert (copy["status"], copy["summary"], len(hub.inbox(t))) == ("new", "y", 1)
        t.update("eve", "1", {"status": "open"})
        tick(r, t), hub.syncs()
        assert len(hub.conflicts()) == 1  # a person answers; nothing is overwritten


def test_f22_nobody_is_mentioned_by_a_copy():
    r, t = pair(mentions=True)
    r.create("bob", {"summary": "x", "description": "ask @eve or (@eve)"})
    r.comment("bob", "1", "@eve, look")
    r.notified.clear()
    t.person("eve")
    with Hub(r, t) as hub:
        tick(r, t), hub.syncs()
        assert (len(t.items["1"].comments), t.notified) == (1, [])


def test_f24_a_ban_in_the_middle_ends_the_run_and_the_next_goes_on_from_there():
    r, t = pair(page=10)
    for number in range(60):
        r.create("bob", {"summary": str(number)})
        tick(r)
    with Hub(r, t, R={"batch": 10}) as hub:
        r.faults.add(Fault(what=What.LIMITED, path="/ticket/", nth=35, times=4))
        with pytest.raises(RateLimited):
            hub.sync()
        asked = r.requests
        tick(r, t), hub.syncs()
        assert len(t.items) == 60
        assert sum(1 for _, path in r.faults.log if path == "/ticket/5") == 1
        assert r.requests - asked < 60


def test_f25_a_field_that_the_tracker_lost_pauses_alone():
    hub, r, t = step()
    t.knobs = replace(t.knobs, allowed={"b": ()})
    r.update("bob", "1", {"a": "q", "b": "l"})
    tick(r, t)
    done = hub.sync()
    assert [d.outcome for d in done if d.outcome is Outcome.FAILED]
    assert (a(t), t.items["1"].fields["b"], len(hub.inbox(t))) == (["q"], "k", 1)
    hub.close()


def test_f26_a_link_names_the_copy_and_not_the_number():
    r, t = pair()
    t.create("eve", {"summary": "theirs, with the number of another"})
    first = r.create("bob", {"summary": "one"})
    second = r.create("bob", {"summary": "two"})
    r.update("bob", second, added={"depends_on": {first}})
    with Hub(r, t) as hub:
        tick(r, t), hub.syncs()
        there = {i.fields["summary"]: i for i in t.items.values()}
        assert there["two"].fields["depends_on"] == {there["one"].id}


def test_f28_two_jobs_on_one_tracker_share_what_they_know():
    """F28: what the first job made, the second takes for what it is."""
    r, t = pair()
    s = Tracker("S", Knobs())
    r.create("bob", {"summary": "x"})
    with Hub(r, t, s) as hub:
        specs = hub.specs
        for job in ("RT", "TS", "SR", "RTS", "RT"):
            hub.specs = {name: specs[name] for name in job}
            hub.foreign = lambda name, job=job: ForeignReplica(
                hub.replica, hub.specs[name], job=job, run=f"run-{hub.runs}"
            )
            tick(r, t, s), hub.syncs()
        assert [len(x.items) for x in (r, t, s)] == [1, 1, 1]
        assert hub.conflicts() == []


def test_f35_a_ticket_that_is_opened_again_gets_no_second_copy():
    r, t = pair()
    r.create("bob", {"summary": "x", "status": "open"})
    with Hub(r, t, R={"query": "status=open"}) as hub:
        for status in ("resolved", "open", "resolved", "open"):
            tick(r, t), hub.syncs()
            r.update("bob", "1", {"status": status})
        tick(r, t), hub.syncs()
        assert (len(t.items), t.items["1"].fields["status"]) == (1, "open")


def test_f02_one_plan_carried_out_again_and_again_makes_one_copy():
    """F1, F2: as if many runs had been started at once by the same event."""
    r, t = pair()
    r.create("bob", {"summary": "x"}), r.comment("bob", "1", "hello")
    with Hub(r, t) as hub:
        for name in hub.specs:
            list(hub.foreign(name).pull())
        plan = list(hub.foreign("T").plan(list(hub.specs.values())))
        for _ in range(5):
            list(hub.foreign("T").apply(plan))
        assert [len(t.items), len(t.items["1"].comments)] == [1, 1]
