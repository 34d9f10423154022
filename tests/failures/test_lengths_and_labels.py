"""F19: what a tracker cannot hold, too long or oddly spelt, never breaks the item around it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foreign.kit import Hub, tick
from prophet_hub.testing import MEMORY_FIELDS
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker

LIMITS = {"summary": 20, "description": 90, "body": 130}
ODD = (
    "two words",
    "a,b",
    "Ärger",
    "漢字",
    "UPPER",
    "#1",
    "a:b",
    "x" * 60,
    "-",
    "tab\there",
    '"quoted"',
)


def short(**knobs):
    """A tracker without limits, and one that refuses whatever is longer than it said."""
    r = Tracker("R", Knobs(dialect="markdown", refers=True))
    t = Tracker("T", Knobs(limits=LIMITS, comment_limit=LIMITS["body"], refers=True, **knobs))
    rows = tuple(replace(row, limit=LIMITS.get(row.theirs)) for row in MEMORY_FIELDS)
    return r, t, {"T": {"connector": MemoryConnector.over(t, fields=rows)}}


def is_quiet(hub, *trackers):
    before = [t.writes for t in trackers]
    hub.syncs()
    return [t.writes for t in trackers] == before


@pytest.mark.parametrize("dialect", ["plain", "trac", "html", "textile", "markdown"])
@pytest.mark.parametrize("over", [-2, -1, 0, 1, 2, 40, 5000])
def test_texts_about_the_limit_are_held_whole_or_cut_and_nothing_is_refused(over, dialect):
    """Markup may make a text longer on its way: it is measured as it will be written."""
    r, t, options = short(dialect=dialect)
    long = {
        "summary": "s" * (LIMITS["summary"] + over),
        "description": ("*a* & <b> _c_ " * 500)[: LIMITS["description"] + over].strip(),
    }
    ref = r.create("bob", long)
    r.comment("bob", ref, ("Said & *done*. " * 500)[: LIMITS["body"] + over].strip())
    with Hub(r, t, **options) as hub:
        hub.syncs()
        assert r.items[ref].fields == long
        assert len(t.items) == 1, "a text that is too long kept its ticket away"
        (item,) = t.items.values()
        (note,) = item.comments
        for name, text in (*item.fields.items(), ("body", note.body)):
            assert len(text) <= LIMITS[name]
        assert hub.inbox(t) == hub.inbox(r) == []
        assert is_quiet(hub, r, t)
        tick(r, t)
        t.update("eve", item.id, {"priority": "high"})
        hub.syncs()
        assert r.items[ref].fields == {**long, "priority": "high"}


around = st.integers(min_value=0, max_value=LIMITS["description"] + 20)


@settings(max_examples=40)
@given(text=st.text(min_size=1, max_size=60), times=st.integers(1, 9), size=around)
def test_any_text_about_the_limit_comes_home_as_it_was(text, times, size):
    r, t, options = short(dialect="trac")
    body = (text * times)[-size:].strip()
    ref = r.create("bob", {"summary": "x", **({"description": body} if body else {})})
    with Hub(r, t, **options) as hub:
        hub.syncs()
        (item,) = t.items.values()
        assert len(item.fields.get("description", "")) <= LIMITS["description"]
        tick(r, t)
        t.update("eve", item.id, {"summary": "y"})
        hub.syncs()
        assert r.items[ref].fields.get("description", "") == body
        assert is_quiet(hub, r, t)
        assert hub.conflicts() == []


class Spelling(Tracker):
    """A tracker that writes labels in its own way, without a word, or not at all."""

    def __init__(self, name, spell):
        super().__init__(name, Knobs())
        self.spell = spell

    def create(self, author, fields, **more):
        labels = fields.get("labels")
        spelt = {**fields, "labels": self._spelt(labels)} if labels else fields
        return super().create(author, spelt, **more)

    def update(self, author, ticket, changes=None, *, added=None, removed=None, version=""):
        added, removed = (
            {n: self._spelt(m) for n, m in (s or {}).items()} for s in (added, removed)
        )
        super().update(author, ticket, changes, added=added, removed=removed, version=version)

    def _spelt(self, labels):
        return frozenset(filter(None, map(self.spell, labels)))


SPELLINGS = {
    "in lower case": str.lower,
    "without blanks": lambda label: label.replace(" ", "-"),
    "cut at ten": lambda label: label[:10],
    "ASCII alone": lambda label: label if label.isascii() else "",
    "split at commas": lambda label: label.partition(",")[0],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("born", [True, False])
def test_labels_that_a_tracker_spells_otherwise_do_not_break_the_ticket(spelling, born):
    r, t = Tracker("R", Knobs()), Spelling("T", SPELLINGS[spelling])
    labels = frozenset({"fine", *ODD})
    ref = r.create("bob", {"summary": "x", **({"labels": labels} if born else {})})
    with Hub(r, t) as hub:
        hub.syncs()
        if not born:
            tick(r, t)
            r.update("bob", ref, {"summary": "y", "priority": "high"}, added={"labels": labels})
            hub.syncs()
        (item,) = t.items.values()
        assert "fine" in item.fields["labels"]
        assert item.fields["summary"] == r.items[ref].fields["summary"]
        assert labels <= r.items[ref].fields["labels"]
        kept = {label for label in labels if t.spell(label) == label}
        assert kept <= item.fields["labels"]
        assert bool(hub.inbox(t)) == (kept != labels)
        assert is_quiet(hub, r, t)
        tick(r, t)
        t.update("eve", item.id, {"summary": "z"}, added={"labels": {"new"}})
        r.update("bob", ref, {"due": "2030-01-01"}, removed={"labels": {"fine"}})
        hub.syncs()
        for side in (r.items[ref], t.items[item.id]):
            assert (side.fields["summary"], side.fields["due"]) == ("z", "2030-01-01")
            assert "new" in side.fields["labels"]
            assert "fine" not in side.fields["labels"]
        assert is_quiet(hub, r, t)


@pytest.mark.parametrize("label", ODD)
@pytest.mark.parametrize("born", [True, False])
def test_a_label_that_is_refused_waits_alone(label, born):
    """The tracker says no to the whole request: the rest of it goes without the label."""
    known = ("fine", "other")
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(allowed={"labels": known}))
    labels = frozenset({"fine", label})
    ref = r.create("bob", {"summary": "x", **({"labels": labels} if born else {})})
    with Hub(r, t) as hub:
        hub.syncs()
        tick(r, t)
        r.update("bob", ref, {"summary": "y"}, added={"labels": labels})
        hub.syncs()
        assert [i.fields["summary"] for i in t.items.values()] == ["y"], (
            "a label that is not taken kept its ticket away"
        )
        (item,) = t.items.values()
        assert item.fields.get("labels") == {"fine"}
        assert hub.inbox(t)
        assert r.items[ref].fields["labels"] == labels
        assert is_quiet(hub, r, t)
