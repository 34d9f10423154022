"""F28: keys in a tracker that other hubs wrote, or that were copied, are not taken for ours."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, copied, tick
from prophet_hub.sdk import TICKET
from prophet_hub.testing.tracker import Knobs, Tracker


def test_two_hubs_that_know_nothing_of_each_other_leave_each_others_copies_alone():
    """Both use one account of one tracker, and the same place for their keys."""
    r, s, t = (Tracker(name, Knobs()) for name in "RST")
    r.create("bob", {"summary": "of R", "status": "new"})
    s.create("eve", {"summary": "of S", "status": "new"})
    with Hub(r, t) as one, Hub(s, t) as other:
        for _ in range(3):
            for hub in (one, other):
                tick(r, s, t), hub.sync()
        assert [len(x.items) for x in (r, s, t)] == [1, 1, 1], "a stranger's copy was carried on"
        (copy,) = t.items.values()
        (waits,) = other.inbox(t)
        assert waits.reason.startswith("It carries the key of a record that nobody here knows.")

        other.foreign("T").drop(waits.number)
        for _ in range(3):
            for hub in (one, other):
                tick(r, s, t), hub.sync()
        for waits in one.inbox(t):
            one.foreign("T").drop(waits.number)
        for n in range(3):
            r.update("bob", "1", {"summary": f"of R {n}"})
            s.update("eve", "1", {"status": f"open {n}"})
            for hub in (one, other, one, other):
                tick(r, s, t), hub.sync()
        keys = [item.key for item in t.items.values()]
        assert len(keys) == len(set(keys)) == 2, "a key was overwritten, or a ticket doubled"
        assert copy.key == keys[0]
        shown = [sorted(item.fields["summary"] for item in x.items.values()) for x in (r, s, t)]
        assert shown == [["of R 2", "of S"]] * 3, "a ticket was lost or doubled"
        statuses = {item.fields["status"] for x in (r, s, t) for item in x.items.values()}
        assert statuses == {"new", "open 2"}


def test_a_ticket_that_was_cloned_with_its_key_is_a_ticket_of_its_own():
    with copied() as (hub, r, t):
        clone = t.create("eve", {"summary": "a clone", "status": "new"}, key=t.items["1"].key)
        hub.syncs()
        tick(r, t)
        t.update("eve", clone, {"status": "resolved"})
        hub.syncs()
        assert r.items["1"].fields == {"summary": "x", "status": "new"}, "a clone spoke for it"
        assert [len(x.items) for x in (r, t)] == [2, 2]


@pytest.mark.parametrize("sooner", [True, False])
def test_one_copy_too_many_of_our_own_waits_and_is_carried_nowhere(sooner):
    """A restored hub made it again before the index of its tracker told what it had made."""
    with copied() as (hub, r, t):
        again = t.create("hub", {"summary": "x", "status": "new"}, key=t.items["1"].key)
        if sooner:
            hub.syncs()
        t.comment("eve", again, "hello"), tick(r, t), hub.syncs()
        r.create("bob", {"summary": "y", "status": "new"}), tick(r, t), hub.syncs()
        assert [len(x.items) for x in (r, t)] == [2, 3], "carried on, or it stops all creates"
        (waits,) = hub.inbox(t)
        assert (waits.ref, waits.quiet) == (again, False)
        assert waits.reason.startswith("It is one copy too many")
        assert " 1 is synced" in waits.reason
        if sooner:
            t.delete("eve", again), tick(r, t), hub.syncs()
            assert (hub.inbox(t), [len(x.items) for x in (r, t)]) == ([], [2, 3])
            assert [x.items["1"].gone for x in (r, t)] == [None, None]
        else:
            hub.foreign("T").drop(waits.number)
            tick(r, t), hub.syncs()
            assert (hub.inbox(t), [len(x.items) for x in (r, t)]) == ([], [3, 3])


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("keys", [frozenset({TICKET}), frozenset()])
def test_a_line_above_a_comment_that_another_hub_wrote_is_not_ours(keys, first):
    """Both hubs call their trackers by one name, and the comments have one number there."""
    r, s, t = Tracker("R", Knobs()), Tracker("S", Knobs()), Tracker("T", Knobs(keys=keys))
    t.create("eve", {"summary": "x"})
    with Hub(r, t) as one, Hub(s, t, S={"name": "R"}) as other:
        one.syncs(), other.syncs()
        r.now += 60
        r.comment("bob", "1", "of R")
        s.comment("eve", "1", "of S")
        for tracker in (r, s, t):
            tracker.now += 100
        for _ in range(4):
            for hub in (one, other) if first else (other, one):
                tick(r, s, t), hub.sync()
        for tracker in (r, s, t):
            said = sorted(
                n.body.rpartition("\n")[2] for i in tracker.items.values() for n in i.comments
            )
            assert said == ["of R", "of S"], "a comment was taken for another one"
        assert one.conflicts() + other.conflicts() == []
