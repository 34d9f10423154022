"""What one tracker says more finely or in more requests than the other is no news to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, tick
from prophet_hub.sdk import TICKET, History
from prophet_hub.testing import MEMORY_FIELDS
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import ACCOUNT, Knobs, Tracker

HISTORIES = [History.FULL, History.PARTIAL]
LOSSY = tuple(
    replace(row, values=(("new", "new"), ("closed", "rejected"), ("closed", "duplicate")))
    if row.ours == "status"
    else row
    for row in MEMORY_FIELDS
)


class InSteps(MemoryConnector):
    """Tickets are born new, as in many trackers; a status of its own is one more request."""

    between: tuple[str, ...] = ()

    def _created(self, operation):
        status = operation.fields.get("status")
        if operation.ref.kind != TICKET or status in (None, "new"):
            return super()._created(operation)
        made = super()._created(replace(operation, fields={**operation.fields, "status": "new"}))
        for word in (*self.between, status):
            self.tracker.update(ACCOUNT, made, {"status": word})
        return made


def two(status, history, fields=MEMORY_FIELDS, between=()):
    """A ticket of one tracker, and another tracker where statuses take several requests."""
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(history=history))
    r.create("bob", {"summary": "x", "status": "new"})
    r.update("bob", "1", {"status": status})
    connector = InSteps.over(t, fields=fields)
    connector.between = between
    return r, t, Hub(r, t, T={"connector": connector})


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("between", [(), ("stalled",), ("stalled", "rejected")])
def test_who_goes_on_at_home_after_the_first_run_meets_nobody(history, between):
    r, t, hub = two("open", history, between=between)
    with hub:
        hub.sync()
        assert t.items["1"].fields["status"] == "open"
        tick(r, t), r.update("bob", "1", {"status": "resolved"})
        hub.syncs()
        assert hub.conflicts() == []
        assert t.items["1"].fields["status"] == r.items["1"].fields["status"] == "resolved"


@pytest.mark.parametrize("history", HISTORIES)
def test_a_status_that_the_copy_tells_coarser_is_no_conflict(history):
    r, t, hub = two("duplicate", history, LOSSY)
    with hub:
        hub.syncs()
        assert hub.conflicts() == []
        assert (r.items["1"].fields["status"], t.items["1"].fields["status"]) == (
            "duplicate",
            "closed",
        )


def test_what_somebody_does_to_the_copy_at_once_is_theirs():
    r, t, hub = two("open", History.FULL)
    acted = []

    def somebody(item):
        if item.fields["status"] == "open" and not acted:
            acted.append(item.id)
            t.update("eve", item.id, {"status": "stalled"})

    t.after_write = somebody
    with hub:
        hub.syncs()
        assert acted
        assert hub.conflicts() == []
        assert r.items["1"].fields["status"] == "stalled"


def test_a_word_that_means_the_same_is_left_as_somebody_chose_it():
    """Both sides reject a ticket, one of them with a word that is not the table's first."""
    fine = tuple(
        replace(row, values=(("wontfix", "rejected"), ("invalid", "rejected")))
        if row.ours == "status"
        else row
        for row in MEMORY_FIELDS
    )
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs())
    r.create("bob", {"summary": "x", "status": "new"})
    with Hub(r, t, T={"connector": MemoryConnector.over(t, fields=fine)}) as hub:
        hub.syncs()
        tick(r, t)
        r.update("bob", "1", {"status": "rejected"})
        t.update("eve", "1", {"status": "invalid"})
        hub.syncs()
        assert hub.conflicts() == []
        assert (r.items["1"].fields["status"], t.items["1"].fields["status"]) == (
            "rejected",
            "invalid",
        )
