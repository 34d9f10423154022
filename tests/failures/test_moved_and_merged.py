"""F15: a ticket that becomes part of another takes nothing of its twin with it, and nothing twice."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, pair, tick
from prophet_hub.sdk import History


def twins(hub, t):
    return {item.fields["summary"]: item for item in t.items.values() if not item.gone}


def two(hub, r):
    made = [r.create("bob", {"summary": name}) for name in ("one", "two")]
    for ref, name in zip(made, ("one", "two"), strict=True):
        r.comment("bob", ref, f"said of {name}")
        r.attach("bob", ref, f"{name}.txt", name.encode())
    hub.syncs()
    return made


def bodies(item):
    return sorted(note.body.partition(":\n\n")[2] or note.body for note in item.comments)


@pytest.mark.parametrize("history", list(History))
@pytest.mark.parametrize("tombstones", [True, False])
def test_after_a_merge_nothing_is_lost_deleted_or_made_twice(history, tombstones):
    r, t = pair(history=history, tombstones=tombstones)
    with Hub(r, t) as hub:
        one, other = two(hub, r)
        there = twins(hub, t)
        tick(r, t)
        r.merge("bob", one, other)
        hub.syncs()
        assert not there["one"].gone
        assert not there["two"].gone
        assert len(t.items) == len(r.items) == 2
        assert "said of one" in bodies(there["one"]) + bodies(there["two"])
        assert bodies(r.items[other]) == ["said of one", "said of two"]
        writes = r.writes, t.writes
        for _ in range(5):
            tick(r, t)
            hub.sync()
        assert (r.writes, t.writes) == writes


@pytest.mark.parametrize("history", list(History))
def test_the_ticket_that_took_the_other_in_goes_on(history):
    r, t = pair(history=history)
    with Hub(r, t) as hub:
        one, other = two(hub, r)
        there = twins(hub, t)
        tick(r, t)
        r.merge("bob", one, other)
        hub.syncs()
        tick(r, t)
        r.update("bob", other, {"summary": "both"})
        t.update("eve", there["two"].id, {"priority": "high"})
        t.update("eve", there["one"].id, {"priority": "low"})
        hub.syncs()
        assert there["two"].fields == {"summary": "both", "priority": "high"}
        assert r.items[other].fields == {"summary": "both", "priority": "high"}
        assert there["one"].fields == {"summary": "one", "priority": "low"}
        assert len(r.items) == 2


def test_both_twins_merged_on_both_sides_are_quiet():
    r, t = pair()
    with Hub(r, t) as hub:
        one, other = two(hub, r)
        there = twins(hub, t)
        tick(r, t)
        r.merge("bob", one, other)
        t.merge("eve", there["one"].id, there["two"].id)
        hub.syncs()
        for side, ref in ((r, other), (t, there["two"].id)):
            assert bodies(side.items[ref]) == ["said of one", "said of two"]
            assert sorted(f.name for f in side.items[ref].attachments) == ["one.txt", "two.txt"]
        writes = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes) == writes
        assert hub.conflicts() == []


@pytest.mark.parametrize("field", ["status", "priority"])
def test_a_ticket_that_moves_away_and_back_is_the_same(field):
    """To where the account may not look, and back: neither deleted nor made anew."""
    r, t = pair()
    with Hub(r, t) as hub:
        one, _ = two(hub, r)
        there = twins(hub, t)["one"]
        for n in range(3):
            r.hide(one)
            tick(r, t)
            t.update("eve", there.id, {field: f"there {n}"})
            hub.syncs()
            assert not there.gone
            r.hide(one, hidden=False)
            tick(r, t)
            r.update("bob", one, {"summary": f"back {n}"})
            hub.syncs()
            assert r.items[one].fields == {"summary": f"back {n}", field: f"there {n}"}
            assert there.fields == r.items[one].fields
        assert len(r.items) == len(t.items) == 2
        assert hub.conflicts() == []
