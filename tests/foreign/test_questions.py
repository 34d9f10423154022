"""A question about two tickets holds in every remote it was asked of, however long it stands."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, tick
from prophet_hub.testing.tracker import Tracker


@pytest.mark.parametrize("names", ["RHT", "HTR", "TRH", "abc", "xyz"])
def test_while_two_tickets_may_be_one_a_third_tracker_s_copy_of_either_doubles_none(names):
    one, other, third = (Tracker(name) for name in names)
    one.create("jesse", {"summary": "Printer on fire"})
    other.now += 90_000
    other.create("eve", {"summary": "Printer on fire"})

    with Hub(one, other, third) as hub:
        for _ in range(3):
            hub.sync()
            tick(one, other, third)
        asked = [i for t in (one, other) for i in hub.inbox(t)]
        assert len(one.items) == len(other.items) == 1
        assert len(third.items) == 2
        assert [bool(item.pairing) for item in asked] == [True, True]
        assert hub.sync() == []
