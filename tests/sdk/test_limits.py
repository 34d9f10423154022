"""What is learnt of a tracker's limit, from headers and from its pauses."""

from __future__ import annotations

import pytest

from prophet_hub.sdk.limits import Limit, Watch


def headers(limit, left, **more):
    return {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": str(left), **more}


def asked(watch, count):
    for _ in range(count):
        watch.answered(0.1, taken=True)


def test_nothing_is_known_of_a_tracker_that_never_paused_us():
    watch = Watch()
    asked(watch, 50)

    pace = watch.pace(5.0)

    assert (pace.taken, pace.spent, pace.limit, pace.guessed) == (
        50,
        pytest.approx(5.0),
        None,
        False,
    )


def test_after_the_first_pause_nobody_knows_how_often_they_come():
    """The window may have been used up by half before we came."""
    watch = Watch()
    asked(watch, 30)
    watch.paused(20.0, 60.0)

    pace = watch.pace(60.0)

    assert (pace.limit, pace.guessed, pace.waited) == (None, True, 40.0)


def test_from_pause_to_pause_is_a_whole_period():
    watch = Watch()
    asked(watch, 30)
    watch.paused(20.0, 60.0)
    asked(watch, 100)
    watch.paused(80.0, 120.0)
    asked(watch, 10)

    assert watch.pace(122.0).limit == Limit(requests=100, window=60.0, left=90, ends=180.0)


def test_a_pause_made_longer_is_one_pause():
    watch = Watch()
    watch.paused(0.0, 10.0)
    asked(watch, 5)
    watch.paused(12.0, 20.0)
    watch.paused(15.0, 30.0)

    pace = watch.pace(30.0)

    assert pace.waited == 10.0 + 18.0
    assert pace.limit.requests == 5


def test_a_pause_that_lasts_counts_as_far_as_it_is_over():
    watch = Watch()
    watch.paused(10.0, 70.0)

    assert [watch.pace(now).waited for now in (10.0, 40.0, 70.0, 99.0)] == [0, 30, 60, 60]


def test_what_was_put_off_is_not_counted():
    watch = Watch()
    watch.answered(0.1, taken=False)

    assert watch.pace(1.0).taken == 0


@pytest.mark.parametrize(
    ("said", "resets", "window"),
    [
        (headers("5000", 4999), 3599.2, 3600),  # the whole of it is ahead
        (headers("60", 30), 31.0, 60),  # half of it: the next longer one that trackers have
        (headers("100, 100;w=30", 12), 7.0, 30),  # told
        (headers("100", 12, **{"X-RateLimit-Policy": "100;w=30"}), 7.0, 30),
    ],
)
def test_headers_tell_a_limit(said, resets, window):
    watch = Watch()
    watch.told(said, 0.0, resets)

    limit = watch.pace(0.0).limit

    assert (limit.window, limit.ends) == (window, resets)
    assert limit.left == int(said["X-RateLimit-Remaining"])


def test_two_windows_tell_how_long_they_are():
    watch = Watch()
    watch.told(headers("50", 40), 0.0, 20.0)
    assert watch.pace(0.0).limit.window == 60
    watch.told(headers("50", 49), 21.0, 65.0)
    assert watch.pace(21.0).limit.window == 45
    watch.told(headers("50", 49), 200.0, 245.0)  # after a rest

    assert watch.pace(200.0).limit.window == 45


def test_an_account_that_others_use_too_has_what_is_left_for_us():
    watch = Watch()
    for second in (0, 60, 120):
        asked(watch, 20)
        watch.told(headers("100", 0), second + 30.0, second + 60.0)
        watch.paused(second + 30.0, second + 60.0)

    assert watch.pace(180.0).limit.requests == 20


@pytest.mark.parametrize(
    "said",
    [{}, headers("x", 3), headers("", 3), {"X-RateLimit-Limit": "5"}, headers("0", 3)],
)
def test_what_is_no_limit_is_none(said):
    watch = Watch()
    watch.told(said, 0.0, 9.0)

    assert watch.pace(0.0).limit is None
