"""F26, F27: a link names the copy of what it named, and stands there once, whoever told it."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, pair, tick
from prophet_hub.sdk import Field, History, Kind
from prophet_hub.testing import MEMORY_FIELDS
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker

RELATED = Field(theirs="related", ours="related", kind=Kind.LINKS)


def test_links_and_texts_name_the_copy_and_never_a_strangers_number():
    r, t = pair(refers=True)
    t.create("eve", {"summary": "theirs, with the number of another"})
    first = r.create("bob", {"summary": "one"})
    second = r.create("bob", {"summary": "two", "description": f"As in #{first}."})
    r.update("bob", second, added={"depends_on": {first}})
    r.comment("bob", second, f"See #{first}.")
    with Hub(r, t) as hub:
        hub.change("R", query="summary=two")  # of the first one nothing is told
        hub.syncs()
        (copy,) = (i for i in t.items.values() if i.fields["summary"] == "two")
        assert "depends_on" not in copy.fields, "a link names a stranger"
        assert "#1" not in copy.fields["description"] + copy.comments[0].body, "so does a text"
        hub.change("R", query="")
        tick(r, t)
        for ref in (first, second):
            r._touch(r.items[ref])
        hub.syncs()
        (one,) = (i for i in t.items.values() if i.fields["summary"] == "one")
        assert copy.fields["depends_on"] == {one.id}, "a link does not name the copy"
        third = r.create("bob", {"summary": "three", "description": f"After #{first}."})
        tick(r, t)
        r.update("bob", third, added={"depends_on": {first, second}})
        hub.change("R", query=""), hub.syncs()
        (three,) = (i for i in t.items.values() if i.fields["summary"] == "three")
        assert three.fields["depends_on"] == {one.id, copy.id}, "a link does not name the copy"
        assert three.fields["description"] == f"After #{one.id}.", "a text names a stranger"


class Related(Tracker):
    """A tracker that shows a relation at both its ends, and keeps each that it is told."""

    def __init__(self, name, knobs):
        super().__init__(name, knobs)
        self.relations = []

    def create(self, author, fields, **more):
        made = super().create(author, fields, **more)
        self._mirror(author, made, fields.get("related", frozenset()), frozenset())
        return made

    def update(self, author, ticket, changes=None, *, added=None, removed=None, version=""):
        come = frozenset((added or {}).get("related", ()))
        leave = frozenset((removed or {}).get("related", ()))
        super().update(author, ticket, changes, added=added, removed=removed, version=version)
        self._mirror(author, ticket, come, leave)

    def _mirror(self, author, ticket, come, leave):
        for other in come:
            self.relations.append({ticket, other})
            super().update(author, other, added={"related": {ticket}})
        for other in leave:
            self.relations = [pair for pair in self.relations if pair != {ticket, other}]
            super().update(author, other, removed={"related": {ticket}})


@pytest.mark.parametrize("history", list(History))
@pytest.mark.parametrize("born", [True, False])
def test_a_relation_that_is_told_at_both_ends_is_made_once(history, born):
    """In three trackers, of which some compare versions; and it goes from all of them as one."""
    trackers = [
        Related(name, Knobs(history=history, conditional=name != "S", links=frozenset({"related"})))
        for name in "RTS"
    ]
    r = trackers[0]
    fields = (*MEMORY_FIELDS, RELATED)
    options = {
        t.name: {"connector": MemoryConnector.over(t, fields=fields), "concurrency": 1}
        for t in trackers
    }
    refs = [r.create("bob", {"summary": name}) for name in ("one", "two")]
    with Hub(*trackers, **options) as hub:
        if not born:
            hub.syncs()
            tick(*trackers)
        r.update("bob", refs[0], added={"related": {refs[1]}})
        for _ in range(3):
            hub.syncs()
            for t in trackers:
                assert len(t.relations) == 1, "a relation was made at both its ends"
                t.now += 10
                for item in t.items.values():
                    t._touch(item)
        assert [len(i.fields["related"]) for t in trackers for i in t.items.values()] == [1] * 6
        s = trackers[2]
        s.update("eve", "2", removed={"related": {"1"}})
        hub.syncs()
        assert [t.relations for t in trackers] == [[], [], []], "it came back, or stayed"
        assert all("related" not in i.fields for t in trackers for i in t.items.values())
        assert hub.conflicts() == []
