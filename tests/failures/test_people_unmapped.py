"""F21, F22: whom a tracker does not know takes nobody's place, and nobody is called by a copy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, pair, tick
from prophet_hub.sdk import Person
from prophet_hub.testing.tracker import Knobs, Tracker


def test_whoever_is_unknown_or_no_longer_active_clears_nothing_and_stops_nothing():
    r, t = pair()
    for person in ("eve", "jesse"):
        t.create(person, {"summary": f"{person} is known"})
    for ref in "12":
        r.create("bob", {"summary": ref, "owner": "eve", "cc": frozenset({"eve"})})
    with Hub(r, t) as hub:
        hub.syncs()
        r.users["new"] = Person(id="new", name="New", email="new@example.org")
        t.knobs = replace(t.knobs, allowed={"owner": ("bob", "eve", "hub")})  # jesse has left
        tick(r, t)
        r.update("bob", "1", {"owner": "new", "summary": "y"}, added={"cc": {"new"}})
        r.update("bob", "2", {"owner": "jesse", "summary": "z"})
        third = r.create("bob", {"summary": "born", "owner": "jesse", "cc": frozenset({"new"})})
        hub.syncs()
        there = {item.fields["summary"]: item.fields for item in t.items.values()}
        assert there.keys() == {"y", "z", "born", "eve is known", "jesse is known"}, (
            "a person kept a ticket away"
        )
        for summary in "yz":
            held = there[summary]
            assert held.get("owner") == "eve", "a person whom nobody knows cleared a field"
            assert held.get("cc") == {"eve"}, "a person whom nobody knows cleared a field"
        assert [r.items[ref].fields["owner"] for ref in ("1", "2", third)] == [
            "new", "jesse", "jesse"
        ], "a person was forgotten at home"  # fmt: skip
        assert {i.field for i in hub.inbox(t)} == {"owner", "cc"}, "nobody is told"
        writes = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes) == writes


def test_who_has_another_name_or_two_accounts_stays_who_they_are():
    r, t = pair()
    r.create("bob", {"summary": "x", "owner": "jesse"})
    t.create("jesse", {"summary": "jesse is known"})
    with Hub(r, t) as hub:
        hub.syncs()
        r.users["zoe"] = replace(r.users.pop("jesse"), id="zoe")  # and the address is the same
        r.items["1"].fields["owner"] = "zoe"
        r._touch(r.items["1"])
        t.users["other"] = Person(id="other", name="Jesse", email="jesse@example.org")
        writes = t.writes
        tick(r, t), hub.syncs()
        assert (t.items["2"].fields["owner"], t.writes) == ("jesse", writes)
        tick(r, t)
        t.update("eve", "2", {"owner": "other"})
        hub.syncs()
        assert (r.items["1"].fields["owner"], t.items["2"].fields["owner"]) == ("zoe", "other"), (
            "two accounts of one person push one another out"
        )
        assert (hub.conflicts(), hub.inbox(r), hub.inbox(t)) == ([], [], []), (
            "a new log-in was taken for somebody else"
        )


@pytest.mark.parametrize("dialect", ["plain", "markdown", "trac"])
def test_nobody_is_called_by_a_copy_whatever_it_says(dialect):
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(mentions=True, dialect=dialect))
    r.users["bob"] = replace(r.users["bob"], name="@eve")
    text = "@jesse: see (@eve), *@eve*, bob/@eve, https://example.org/@zoe/x or\n@eve"
    r.create("bob", {"summary": "ask @eve/@jesse", "description": text})
    note = r.comment("bob", "1", "@eve, look")
    with Hub(r, t) as hub:
        hub.syncs()
        assert len(t.items["1"].comments) == 1
        assert t.notified == [], "a copy calls people who were called already"
        assert "https://example.org/@zoe/x" in t.items["1"].fields["description"]
        r.edit_comment("bob", "1", note, "@eve and @jesse, look")
        r.update("bob", "1", {"summary": "ask @jesse and @eve"})
        tick(r, t), hub.syncs()
        assert t.notified == [], "an edit of a copy calls people"
        for _ in range(3):
            tick(r, t), hub.syncs()
        assert (t.notified, r.items["1"].fields["summary"]) == ([], "ask @jesse and @eve")
