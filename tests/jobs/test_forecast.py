"""The time that is left: laid into the windows of a limit, or not said at all."""

from __future__ import annotations

import re
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.foreign.rows import ItemRow
from prophet_hub.foreign.steps import Outcome, Pulled
from prophet_hub.jobs.forecast import Forecast, duration, seconds_for
from prophet_hub.jobs.outlook import Outlook
from prophet_hub.model.ids import TrackerId
from prophet_hub.sdk import TICKET, Ref
from prophet_hub.sdk.limits import Limit, Pace, Watch
from prophet_hub.sdk.pace import ManualClock

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
HOURLY = Limit(requests=1000, window=3600.0, left=400, ends=1800.0)


@pytest.mark.parametrize(
    ("requests", "seconds"),
    [
        (0, 0),
        (400, 40),  # all of it fits into this window
        (401, 1800 + 0.1),
        (1400, 1800 + 100),  # the next window, all of it
        (1401, 1800 + 3600 + 0.1),
        (3900, 1800 + 3 * 3600 + 50),
    ],
)
def test_requests_are_laid_into_windows(requests, seconds):
    assert seconds_for(requests, 0.1, 0.0, HOURLY) == pytest.approx(seconds)


def test_a_limit_that_is_never_reached_costs_nothing():
    slow = Limit(requests=1000, window=60.0, left=1000, ends=60.0)

    assert seconds_for(5000, 1.0, 0.0, slow) == pytest.approx(5000)


def test_without_a_limit_the_answers_alone_count():
    assert seconds_for(100, 0.5, 7.0, None) == 50


def test_where_the_place_in_the_window_is_not_known_ten_windows_make_it_small():
    known = Limit(requests=100, window=60.0)

    assert seconds_for(1000, 0.1, 0.0, known) == 600
    assert seconds_for(900, 0.1, 0.0, known) is None


def fed(forecast, steps, *, each=1.0, start=0.0):
    """Feeds items that cost two requests each."""
    forecast.begin(start, Pace())
    for n in range(1, steps + 1):
        forecast.done(1, start + n * each, Pace(taken=2 * n))
    return forecast


def test_nothing_is_said_in_the_first_minute_of_a_tracker_whose_limit_is_not_known():
    """It may pause us yet."""
    assert fed(Forecast(), 59).left(100) is None
    assert fed(Forecast(), 61).left(100) == pytest.approx(100)


def test_nothing_is_said_after_a_first_pause_alone():
    forecast = fed(Forecast(), 100)
    forecast.done(1, 130.0, Pace(taken=202, waited=29.0, guessed=True))

    assert forecast.left(100) is None


def test_what_an_earlier_run_learnt_is_known():
    forecast = fed(Forecast(known=Limit(requests=20, window=60.0)), 30)

    assert forecast.left(1000) == pytest.approx(6000)


def test_a_burst_does_not_deceive():
    """A hundred in twenty seconds, then forty seconds of rest."""
    watch, forecast, now, done = Watch(), Forecast(), 0.0, 0
    forecast.begin(now, watch.pace(now))
    off = []
    for window in range(10):
        for _ in range(100):
            now += 0.2
            watch.answered(0.2, taken=True)
            done += 1
            forecast.done(1, now, watch.pace(now))
            if (left := forecast.left(1000 - done)) is not None and done < 990:
                off.append(left / (9 * 60 + 20 - now) - 1)
        watch.paused(now, 60.0 * (window + 1))
        now = 60.0 * (window + 1)

    assert len(off) > 700
    assert max(map(abs, off)) < 0.02


def test_a_tracker_that_slows_down_is_noticed():
    forecast = fed(Forecast(), 1000)
    for n in range(1, 2001):
        forecast.done(1, 1000 + 3 * n, Pace(taken=2000 + 2 * n))

    assert forecast.left(1000) == pytest.approx(3000, rel=0.05)


@given(st.integers(min_value=1, max_value=10**8))
def test_durations_are_off_by_a_twentieth_at_most(seconds):
    words = re.findall(r"([\d,]+) (\w+)", duration(seconds))
    said = sum(int(number.replace(",", "")) * SECONDS[unit] for number, unit in words)

    assert abs(said - seconds) <= 0.05 * seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (40.4, "40 s"), (60, "1 min"), (150, "2 min 30 s"), (1620, "27 min"),
        (5400, "1 h 30 min"), (36_000, "10 h"), (100_000, "1 d 4 h"), (900_000, "10 d"),
    ],
)  # fmt: skip
def test_durations_are_said_as_people_do(seconds, said):
    assert duration(seconds) == said


def test_a_reading_that_tells_more_than_its_total_makes_nothing_negative():
    """A listing may tell a ticket twice, and shrink while it is read."""
    rows = [
        ItemRow(tracker=TrackerId(b"a" * 16), kind=TICKET, ref=str(n), ticket="", born=True)
        for n in range(10)
    ]
    store = SimpleNamespace(
        get=lambda *_: None,
        scan=lambda _: [((b"",), msgspec.msgpack.encode(row)) for row in rows],
    )
    clock = ManualClock()
    outlook = Outlook(SimpleNamespace(store=store), clock)
    for name in "ab":
        outlook.reached(
            SimpleNamespace(
                name=name, tracker=TrackerId(name.encode() * 16), pushes=True,
                connector=SimpleNamespace(
                    pace=lambda: Pace(taken=1000, spent=100.0),
                    capabilities=SimpleNamespace(writes={("create", TICKET)}),
                ),
            )
        )  # fmt: skip
    outlook.begin("a", "read")
    clock.sleep(100)
    for done, total in ((500, 5000), (5100, 5000), (5100, 200)):
        outlook.step(
            Pulled(remote="a", ref=Ref(id="1"), outcome=Outcome.READ, done=done, total=total)
        )
        assert outlook.stage_left() >= 0
        assert outlook.left() >= outlook.stage_left()
