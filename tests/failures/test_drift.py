"""F25: a tracker's fields change under a job: one field waits, everything else lives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, once, pair, tick
from prophet_hub.sdk import History
from prophet_hub.testing import MEMORY_FIELDS
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker


def shows(tracker, *names):
    return [tuple(i.fields.get(name) for name in names) for i in tracker.items.values()]


def test_what_a_tracker_loses_while_a_run_writes_to_it_waits_alone():
    """A field goes, and a choice of another one is retired, between the plan and the first write."""
    r, t = pair(allowed={})
    for name in ("one", "two", "three"):
        r.create("bob", {"summary": name, "status": "new", "priority": "low"})
    with Hub(r, t) as hub:
        hub.syncs()
        tick(r, t)
        for ref in "123":
            r.update("bob", ref, {"summary": f"new {ref}", "priority": "high", "status": "open"})
        knobs = t.knobs
        lost = replace(knobs, allowed={"priority": (), "status": ("new", "closed")})
        with once(hub.specs["T"].connector, "before PUT", lambda: setattr(t, "knobs", lost)):
            hub.sync()
        assert shows(t, "summary", "priority", "status") == [
            (f"new {n}", "low", "new") for n in (1, 2, 3)
        ], "a field that a tracker lost took other fields with it"
        assert {i.field for i in hub.inbox(t)} == {"priority", "status"}
        t.faults.log.clear()
        hub.syncs()
        sent = [path for method, path in t.faults.log if method == "PUT"]
        assert sent == [], "what is refused is sent again and again"
        tick(r, t)
        r.update("bob", "1", {"summary": "later"})
        r.create("bob", {"summary": "four", "priority": "high"})
        hub.syncs()
        assert [s for (s,) in shows(t, "summary")] == ["later", "new 2", "new 3", "four"]
        assert [s for (s,) in shows(r, "priority")] == ["high"] * 4, "at home it stays"

        t.knobs = knobs
        for waiting in hub.inbox(t):
            hub.foreign("T").retry(waiting.number)
        hub.syncs()
        assert shows(t, "priority", "status") == [("high", "open")] * 3 + [("high", None)]
        assert hub.inbox(t) == []


def test_a_field_that_is_mapped_later_is_filled_in_later():
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs())
    narrow = tuple(row for row in MEMORY_FIELDS if row.ours != "priority")
    ref = r.create("bob", {"summary": "x", "priority": "low"})
    with Hub(r, t, T={"connector": MemoryConnector.over(t, fields=narrow)}) as hub:
        hub.syncs()
        assert shows(t, "summary", "priority") == [("x", None)]
        wide = MemoryConnector.over(t)
        hub.change("T", connector=wide, fields=wide.fields)
        tick(r, t)
        r.update("bob", ref, {"summary": "y"})
        hub.syncs()
        assert shows(t, "summary", "priority") == [("y", "low")], "what was mapped later stays away"
        assert hub.conflicts() == []


class Renaming(MemoryConnector):
    """A connector of a tracker that has a field under another name since a while."""

    lost = frozenset()

    def ticket(self, ref):
        told = super().ticket(ref)
        fields = {n: v for n, v in told.fields.items() if n not in self.lost}
        events = tuple(e for e in told.events if not {c.field for c in e.changes} & self.lost)
        return replace(told, fields=fields, events=events)

    def describe(self):
        found = super().describe()
        return replace(found, fields=tuple(f for f in found.fields if f.name not in self.lost))


@pytest.mark.parametrize("history", list(History))
def test_a_field_that_goes_from_a_tracker_clears_nothing_elsewhere(history):
    r, t = pair(history=history)
    one, two = (
        r.create("bob", {"summary": name, "priority": "low", "labels": frozenset({"red"})})
        for name in "12"
    )
    for ref in (one, two):
        r.update("bob", ref, {"priority": "high"})
    with Hub(r, t, R={"connector": Renaming.over(r)}) as hub:
        hub.syncs()
        tick(r, t)
        hub.specs["R"].connector.lost = frozenset({"priority", "labels"})
        r.update("bob", one, {"summary": "y", "due": "2030-01-01"})
        hub.syncs()
        assert shows(t, "summary", "due") == [("y", "2030-01-01"), ("2", None)]
        assert shows(t, "priority", "labels") == [("high", {"red"})] * 2, (
            "what went with its field was cleared everywhere"
        )
        assert sorted((i.kind, i.field) for i in hub.inbox(r)) == [
            ("field", "labels"), ("field", "priority")
        ]  # fmt: skip
        tick(r, t)
        hub.specs["R"].connector.lost = frozenset()
        r.update("bob", one, {"priority": None})
        r.update("bob", two, {"summary": "z"})
        hub.syncs()
        assert shows(t, "summary", "priority") == [("y", None), ("z", "high")]
        assert (hub.inbox(r), hub.conflicts()) == ([], [])
