"""A ticket that the account cannot see any more, when its turn to be written has come."""

from __future__ import annotations

from foreign.kit import Hub, pair, tick
from prophet_hub.foreign.steps import Outcome


def test_what_vanished_before_its_update_waits_in_the_inbox_and_arrives_when_it_is_back():
    one, other = pair(conditional=False, tombstones=False)
    one.create("jesse", {"summary": "Printer on fire"})
    with Hub(one, other) as hub:
        hub.syncs(2)
        tick(one, other)
        (copy,) = other.items
        other.hide(copy)
        one.update("jesse", next(iter(one.items)), {"summary": "Printer smokes"})
        first = hub.sync()
        assert [done.outcome for done in first] == [Outcome.FAILED]
        assert [item.ref for item in hub.inbox(other)] == [copy]

        assert hub.syncs(2) == []

        other.hide(copy, hidden=False)
        hub.syncs(2)
        assert other.items[copy].fields["summary"] == "Printer smokes"
        assert hub.inbox(other) == []


def test_a_delete_of_what_cannot_be_seen_is_planned_when_it_can_be():
    one, other = pair(conditional=False)
    one.create("jesse", {"summary": "Printer on fire"})
    with Hub(one, other) as hub:
        hub.syncs(2)
        (copy,) = other.items
        other.hide(copy)
        one.delete("jesse", next(iter(one.items)))
        assert [done.outcome for done in hub.sync()] == [Outcome.FAILED]
        assert [item.ref for item in hub.inbox(other)] == [copy]

        assert hub.syncs(2) == []

        other.hide(copy, hidden=False)
        hub.syncs(2)
        assert other.items[copy].gone
        assert hub.inbox(other) == []
