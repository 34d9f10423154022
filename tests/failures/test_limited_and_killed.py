"""F24: a backfill that is limited and killed again and again goes on from where it was."""

from __future__ import annotations

import pytest

from foreign.kit import Crash, Hub, boundaries, pair, tick
from prophet_hub.errors import RateLimited
from prophet_hub.testing.faults import Fault, What

TICKETS = 60


@pytest.mark.parametrize("step", [76, 82, 88])
def test_however_often_a_backfill_is_stopped_it_goes_on_without_a_gap_or_a_double(step):
    """Every run ends after so many steps, by a kill or by a ban, and none begins from zero."""
    r, t = pair(page=10, keys=frozenset())
    for number in range(TICKETS):
        r.create("bob", {"summary": f"ticket {number:02}"})
        tick(r)
    with Hub(r, t, R={"batch": 10}) as hub:
        for stopped in range(TICKETS):
            r.faults.clear(), t.faults.clear()
            if stopped % 2:
                for tracker in (r, t):
                    tracker.faults.add(Fault(what=What.LIMITED, nth=step // 3, times=4))
            tick(r, t)
            if not _is_stopped(hub, step + stopped % 11):
                break
        else:
            pytest.fail("a backfill begins from zero and never comes to its end")
        assert stopped > 5
        assert r.requests < 2.5 * TICKETS, "what was read before is read again"
        tick(r, t), hub.syncs()
        there = sorted(item.fields["summary"] for item in t.items.values())
        assert there == [f"ticket {n:02}" for n in range(TICKETS)], "a gap, or a ticket twice"


def _is_stopped(hub, step):
    def act(number):
        if number == step:
            raise Crash

    with boundaries(hub, act):
        try:
            hub.sync()
        except (Crash, RateLimited):
            return True
    return False
