"""F4, F5: what we wrote ourselves is no news, and what somebody did in the same second is no echo."""

from __future__ import annotations

import pytest

from failures.test_doubles import lost
from foreign.kit import Hub, once, tick
from foreign.test_scenarios import a, say, step
from prophet_hub.sdk import ATTACHMENT, History
from prophet_hub.testing.tracker import Knobs, Tracker

CYCLES = 100


@pytest.mark.parametrize("history", list(History))
def test_a_hundred_idle_runs_write_nothing(history):
    """One tracker writes values its own way and shows no keys; an answer was lost besides."""
    r = Tracker("R", Knobs(history=history))
    t = Tracker("T", Knobs(history=history, keys=frozenset(), render=_padded, canon=str.strip))
    r.create("bob", {"summary": "printer on fire", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs()
        r.comment("bob", "1", "hello"), t.comment("eve", "1", "who is there?")
        r.attach("bob", "1", "a.bin", bytes(range(256)))
        r.update("bob", "1", {"status": "open", "description": "*bold*\r\n> quoted"})
        t.update("eve", "1", {"priority": "high"})
        lost(hub.specs["T"].connector)
        tick(r, t), hub.syncs()
        assert r.items["1"].fields["description"] == "*bold*\r\n> quoted", (
            "our own write came back as theirs"
        )
        before = r.writes, t.writes
        for cycle in range(CYCLES):
            tick(r, t), hub.sync()
            assert (r.writes, t.writes) == before, f"an echo in idle run {cycle}"
        assert [len(x.items["1"].comments) for x in (r, t)] == [2, 2], "comments play ping-pong"
        assert hub.conflicts() == [], "an echo disputes what we wrote"


def _padded(name, value):
    return f"{value} " if name == "description" else value


def test_a_lost_answer_to_a_comment_starts_no_ping_pong():
    """The copy is met before anything is noted of it; only what it carries says whose it is."""
    for keys in (Knobs().keys, frozenset({ATTACHMENT})):
        hub, r, t = step(keys=keys)
        r.comment("bob", "1", "hello")
        lost(hub.specs["T"].connector)
        for _ in range(CYCLES // 10):
            tick(r, t), hub.sync()
            bodies = [len(x.items["1"].comments) for x in (r, t)]
            assert bodies == [1, 1], f"comments play ping-pong: {bodies}"
        hub.close()


@pytest.mark.parametrize("history", [History.FULL, History.PARTIAL])
@pytest.mark.parametrize("author", ["hub", "robot"])
def test_another_field_that_changes_in_the_second_of_our_write_is_carried_back(history, author):
    """By automation, under the hub's own account or another: the second and the account are ours."""
    hub, r, t = step(history=history)
    t.after_write = lambda item: (
        setattr(t, "after_write", None),
        t.update(author, item.id, {"b": "l"}),
    )
    say(r, "q"), hub.syncs()
    assert r.items["1"].fields["b"] == "l", "what automation did was taken for ours"
    assert (a(r, t), hub.conflicts()) == (["q", "q"], [])
    hub.close()


def test_automation_that_changes_our_field_in_the_same_second_is_not_taken_for_ours():
    """Before our write lands and after it; in the hub's own name."""
    hub, r, t = step(conditional=False)
    say(r, "q")
    with once(hub.specs["T"].connector, "before PUT", lambda: t.update("hub", "1", {"a": "r"})):
        hub.syncs()
    assert hub.values(r, "status") == {"q", "r"}, "what automation said was swallowed"
    hub.replica.resolve(hub.record(r), "status", "", "q", author="me")
    hub.syncs()
    t.after_write = lambda item: (
        setattr(t, "after_write", None),
        t.update("hub", item.id, {"a": "s"}),
    )
    say(r, "p"), hub.syncs()
    assert (a(r, t), hub.conflicts()) == (["s", "s"], []), "what automation said was swallowed"
    hub.close()


def test_automation_that_takes_back_what_we_wrote_is_no_echo():
    hub, r, t = step()
    t.after_write = lambda item: (
        setattr(t, "after_write", None),
        t.update("robot", item.id, {"a": "s"}),
    )
    say(r, "q"), hub.syncs()
    assert (a(r, t), hub.conflicts()) == (["s", "s"], [])
    hub.close()


def test_a_stranger_who_says_in_the_same_second_what_we_say_is_not_taken_for_us():
    """bob says our very value and then another: he saw what stood there, and ours is a third."""
    hub, r, t = step(conditional=False)
    say(r, "q")
    with once(hub.specs["T"].connector, "before PUT", lambda: (say(t, "q"), say(t, "r"))):
        hub.syncs()
    assert hub.values(r, "status") == {"q", "r"}, "a stranger's word was taken for our own"
    hub.close()


@pytest.mark.parametrize("history", list(History))
def test_our_own_write_is_nobody_elses(history):
    """It is told by an event of our account, or by nothing: no new fact, no author, no conflict."""
    hub, r, t = step(history=history)
    say(r, "q"), hub.syncs()
    writes = [write for x in (r, t) for _, write in hub.replica.writes_of(hub.record(x))]
    told = [write.value for write in writes if write.cell.prop == "status"]
    assert told == ["p", "q"], f"our own write was told as somebody's: {told}"
    assert hub.conflicts() == []
    hub.close()
