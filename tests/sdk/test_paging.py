"""Pages by number, by link, by key."""

from __future__ import annotations

import pytest

from prophet_hub.errors import Garbled
from prophet_hub.sdk.paging import by_key, by_link, by_number


def test_by_number_ends_at_an_empty_page():
    """It is asked for unless the size is known."""
    asked = []

    def page(n):
        asked.append(n)
        return {1: [1, 2], 2: [3]}.get(n, [])

    assert list(by_number(page)) == [1, 2, 3]
    assert asked == [1, 2, 3]
    assert list(by_number(page, size=2)) == [1, 2, 3]
    assert asked[3:] == [1, 2]


def test_by_number_sees_a_server_that_does_not_count():
    """One page again and again is no list."""
    with pytest.raises(Garbled, match="again and again"):
        list(by_number(lambda _: [1, 2]))


def test_by_link_follows_and_sees_circles():
    """A page that was read already is not read again."""
    pages = {"a": ([1], "b"), "b": ([2], None), "x": ([1], "y"), "y": ([2], "x")}

    assert list(by_link(pages.__getitem__, "a")) == [1, 2]
    with pytest.raises(Garbled, match="circle"):
        list(by_link(pages.__getitem__, "x"))


def test_by_key_loses_nothing_while_items_go():
    """Items vanish behind the walk; by number some would be skipped."""
    items = list(range(1, 11))

    def page(after):
        found = [i for i in items if i > after][:3]
        if found and found[0] > 1 and 1 in items:
            items.remove(1)
        return found

    assert list(by_key(page, lambda i: i, 0)) == list(range(1, 11))


def test_by_key_saves_the_last_page_if_the_size_is_known():
    """Fewer items than a page has are the last ones."""
    asked = []

    def page(after):
        asked.append(after)
        return [i for i in range(1, 6) if i > after][:3]

    assert list(by_key(page, lambda i: i, 0, size=3)) == [1, 2, 3, 4, 5]
    assert asked == [0, 3]


def test_by_key_sees_a_page_that_leads_nowhere():
    """Else the walk would never end."""
    with pytest.raises(Garbled, match="ends where it began"):
        list(by_key(lambda _: [7], lambda i: i, 0))
