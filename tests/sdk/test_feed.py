"""The cursor on a feed of numbered changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.sdk.feed import WINDOW, FeedCursor


@given(
    seen=st.integers(0, 10**9),
    gaps=st.frozensets(st.integers(0, 10**9), max_size=WINDOW),
    listed=st.none() | st.integers(0, 10**9),
)
def test_what_is_written_down_is_read_back(seen, gaps, listed):
    cursor = FeedCursor(seen, gaps, listed)

    assert FeedCursor.of(str(cursor)) == cursor


@pytest.mark.parametrize("text", ["", "12", "a:b:c", "12::x", "2026-11-20T00:00:00Z"])
def test_a_cursor_of_another_kind_tells_everything_anew(text):
    assert FeedCursor.of(text) is None


def test_a_change_that_was_numbered_early_and_seen_late_is_not_known():
    cursor = FeedCursor().after({1, 2, 4, 5}, 5)

    assert cursor.gaps == {3}
    assert 3 not in cursor.known
    assert cursor.after({1, 2, 3, 4, 5}, 5).gaps == frozenset()


def test_gaps_are_forgotten_beyond_the_window():
    cursor = FeedCursor().after(set(), 10).after(range(11, 200), 199)

    assert cursor.gaps == frozenset()
    assert min(cursor.known) == 199 - WINDOW + 1
