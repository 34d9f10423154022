"""F15: a ticket that becomes part of another takes nothing of its twin with it, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

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
        assert not there["one"].gone, "what was merged was taken for deleted"
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
            assert not there.gone, "what moved away was taken for deleted"
            r.hide(one, hidden=False)
            tick(r, t)
            r.update("bob", one, {"summary": f"back {n}"})
            hub.syncs()
            assert r.items[one].fields == {"summary": f"back {n}", field: f"there {n}"}, (
                "what moved away was taken for deleted, and its twin went on alone"
            )
            assert there.fields == r.items[one].fields, "what moved away lost its twin"
        assert len(r.items) == len(t.items) == 2
        assert hub.conflicts() == []


@pytest.mark.parametrize("history", list(History))
def test_a_key_that_is_copied_changed_or_taken_away_makes_no_other_twin(history):
    """A tracker's clone function copies our key, a person edits it, a move drops it."""
    r, t = pair(history=history)
    with Hub(r, t) as hub:
        two(hub, r)
        there = twins(hub, t)
        clone = t.create("eve", {"summary": "clone of one"}, key=there["one"].key)
        there["one"].key, there["two"].key = there["two"].key, ""
        for n in range(3):
            tick(r, t)
            t.update("eve", there["one"].id, {"priority": f"one {n}"})
            t.update("eve", there["two"].id, {"priority": f"two {n}"})
            t.update("eve", clone, {"priority": f"clone {n}"})
            hub.syncs()
            told = {i.fields["summary"]: i.fields.get("priority") for i in r.items.values()}
            assert told == {"one": f"one {n}", "two": f"two {n}", "clone of one": f"clone {n}"}, (
                "a ticket was taken for another's twin"
            )
        assert (len(r.items), len(t.items), hub.conflicts()) == (3, 3, [])


def test_a_ticket_of_another_type_goes_by_the_statuses_of_that_type():
    """Re-typed, it offers other ways: the status waits or goes, everything else is in step."""
    r, t = pair()
    t.knobs = replace(t.knobs, offers=True)
    r.create("bob", {"summary": "one", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs()
        t.knobs = replace(t.knobs, transitions={"status": {
            "new": ("analysed",), "analysed": ("resolved",), "open": ("resolved",),
        }})  # fmt: skip
        tick(r, t)
        t.update("eve", "1", {"priority": "high"})
        r.update("bob", "1", {"status": "resolved", "summary": "two"})
        hub.syncs()
        assert t.items["1"].fields == {
            "summary": "two",
            "status": "resolved",
            "priority": "high",
        }, "the ways of its former type were tried"
        assert r.items["1"].fields == t.items["1"].fields
        assert hub.inbox(t) == hub.conflicts() == []
