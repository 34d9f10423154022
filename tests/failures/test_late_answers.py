"""F30: an answer that comes late, or twice, takes nothing back that is newer."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from foreign.kit import Hub, pair, tick
from prophet_hub.sdk import History, Ref


@contextmanager
def told(hub, *tickets):
    """Lets R's listing tell these tickets and no others, whatever stands there now."""
    connector = hub.specs["R"].connector
    listing = connector.changed
    connector.changed = lambda pull: iter(tickets)
    yield
    connector.changed = listing


def edited_twice(hub, r, t):
    """Returns a ticket as it was told between two edits."""
    r.create("bob", {"summary": "x", "status": "new"})
    hub.syncs()
    between = None
    for status in ("open", "resolved"):
        between = between or hub.specs["R"].connector.ticket(Ref(id="1"))
        tick(r, t)
        r.update("bob", "1", {"status": status}, added={"labels": {status}})
        hub.syncs()
    return between


def shown(*trackers):
    return [dict(one.items["1"].fields) for one in trackers]


@pytest.mark.parametrize("history", list(History))
def test_what_is_told_as_it_was_before_takes_no_newer_edit_back(history):
    r, t = pair(history=history)
    with Hub(r, t) as hub:
        late = edited_twice(hub, r, t)
        last, now = hub.specs["R"].connector.ticket(Ref(id="1")), shown(r, t)
        for tickets in ((late,), (last, late), (late, late), (late, last, late)):
            with told(hub, *tickets):
                hub.sync()
            assert shown(r, t) == now, "an answer that came late overwrote a newer edit"
            hub.sync()
            assert shown(r, t) == now, "an answer that came late overwrote a newer edit"
        assert (shown(r, t), hub.conflicts(), hub.inbox(r)) == (now, [], [])


@pytest.mark.parametrize("history", list(History))
def test_what_is_told_so_twice_is_so(history):
    """As after a restored backup, or when a tracker's clock was put right."""
    r, t = pair(history=history)
    with Hub(r, t) as hub:
        edited_twice(hub, r, t)
        r.now -= 1000
        r.update("bob", "1", {"summary": "y"})
        with told(hub, hub.specs["R"].connector.ticket(Ref(id="1"))):
            hub.sync()
        assert [fields["summary"] for fields in shown(r, t)] == ["y", "x"]
        hub.sync()
        assert [fields["summary"] for fields in shown(r, t)] == ["y", "y"]
        assert hub.foreign("R").inbox() == []
