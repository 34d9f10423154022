"""F1, F2: tickets that stood on both sides before the first run are not doubled, however it went."""

from __future__ import annotations

from foreign.kit import Hub, pair
from prophet_hub.foreign.pairing import pair_first
from prophet_hub.testing.tracker import Knobs, Tracker


def _both(*trackers):
    for tracker in trackers:
        tracker.create("bob", {"summary": "printer on fire", "status": "new"})


def test_a_remote_that_was_away_in_the_first_run_is_paired_when_it_comes():
    """It is only read, so that it makes no plan of its own in which it could be paired."""
    r, t = pair()
    _both(r, t)
    with Hub(r, t, R={"pushes": False}) as hub:
        away = hub.specs.pop("R")
        hub.sync()
        hub.specs = {"R": away, **hub.specs}
        hub.syncs()
        assert [len(x.items) for x in (r, t)] == [1, 1]


def test_a_remote_that_joins_a_job_later_is_paired_too():
    r, t = pair()
    s = Tracker("S", Knobs())
    _both(r, t, s)
    with Hub(r, t, s) as hub:
        late = hub.specs.pop("S")
        hub.syncs()
        hub.specs["S"] = late
        hub.syncs()
        assert [len(x.items) for x in (r, t, s)] == [1, 1, 1]


def test_alike_by_the_hundred_are_paired_without_comparing_all_with_all(monkeypatch):
    r, t = pair()
    for number in range(300):
        for tracker in (r, t):
            tracker.create("bob", {"summary": f"printer {number} on fire"})
    scored = []
    monkeypatch.setattr(
        "prophet_hub.foreign.pairing.score", lambda *two: scored.append(two) or (100, "same")
    )
    with Hub(r, t) as hub:
        for name in hub.specs:
            list(hub.foreign(name).pull())
        side = hub.foreign("T")._side
        with side.transaction():
            assert pair_first(side, [hub.specs["R"]]) == 300
    assert len(scored) == 300
