"""Pauses, buckets and clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from prophet_hub.sdk.pace import SYSTEM, Alarm, Bucket, ManualClock, Woken, pause_asked

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


def test_a_bucket_without_a_rate_never_waits():
    """Most trackers set no limit."""
    clock = ManualClock()
    bucket = Bucket(clock)
    for _ in range(1000):
        bucket.take()

    assert clock.slept == []


def test_a_bucket_spaces_what_comes_after_the_burst():
    """Two at once, then two a second."""
    clock = ManualClock()
    bucket = Bucket(clock, rate=2.0, burst=2)
    for _ in range(6):
        bucket.take()

    assert clock.monotonic() == pytest.approx(2.0)


def test_a_bucket_fills_while_nobody_takes():
    """Up to the burst, not above."""
    clock = ManualClock()
    bucket = Bucket(clock, rate=1.0, burst=3)
    clock.sleep(100)
    for _ in range(3):
        bucket.take()
    assert clock.slept == [100]
    bucket.take()

    assert clock.slept == [100, 1.0]


def test_the_longest_hold_counts():
    """A shorter one changes nothing."""
    clock = ManualClock()
    bucket = Bucket(clock)
    bucket.hold(10)
    bucket.hold(3)
    bucket.take()

    assert clock.slept == [10]


def test_a_hold_holds_who_waits_for_a_token():
    """Else a thread would ask in the midst of the pause."""
    clock = ManualClock()
    bucket = Bucket(clock, rate=1.0)
    bucket.take()
    sleep = clock.sleep

    def held(seconds):
        clock.sleep = sleep
        bucket.hold(30)
        sleep(seconds)

    clock.sleep = held
    bucket.take()

    assert clock.monotonic() == 30


def test_an_alarm_wakes_who_sleeps_and_lets_nobody_sleep_again():
    clock = ManualClock()
    alarm = Alarm(clock)
    alarm.sleep(2.5)
    assert clock.monotonic() == 2.5
    alarm.ring()

    with pytest.raises(Woken):
        alarm.sleep(9)
    assert (clock.monotonic(), alarm.now()) == (2.5, clock.now())


_SLOW = "Fri, 20 Nov 2026 09:00:00 GMT"
"""The clock of a server that is three hours behind ours."""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Fri, 20 Nov 2026 12:05:00 GMT"}, 300),
        ({"Retry-After": "Fri, 20 Nov 2026 12:05:00 -0000"}, 300),
        ({"Retry-After": "Fri, 20 Nov 2026 09:05:00 GMT", "Date": _SLOW}, 300),
        ({"Retry-After": "Fri, 20 Nov 2026 12:05:00 GMT", "Date": "today"}, 300),
        ({"Retry-After": "120", "Date": _SLOW}, 120),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1e300"}, None),
        ({"Retry-After": "nan"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}, 30),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 9)}, 9),
        (
            {
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(int(NOW.timestamp()) - 10791),
                "Date": _SLOW,
            },
            9,
        ),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "7"}, 7),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "30"}, None),
        ({"X-RateLimit-Remaining": "0"}, None),
        ({}, None),
    ],
)
def test_a_pause_is_read_in_every_dialect(headers, seconds):
    """Seconds, dates, epochs; what is none of these is no pause."""
    until = pause_asked(headers, NOW)

    assert until == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_the_machines_clock_is_aware():
    """In UTC, and its other hand never runs back."""
    assert SYSTEM.now().utcoffset() == timedelta(0)
    before = SYSTEM.monotonic()
    SYSTEM.sleep(0)
    assert SYSTEM.monotonic() >= before
