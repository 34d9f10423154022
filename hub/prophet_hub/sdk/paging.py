"""Lists that come in pages: by number, by link, by key. Each is a generator that asks when read.

Pages by number shift while tickets change, so a list that moves is read by key: every page starts
after the last item seen (https://use-the-index-luke.com/no-offset).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from prophet_hub.errors import Garbled

__all__ = ["MOST_PAGES", "by_key", "by_link", "by_number"]

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)

MOST_PAGES = 1_000_000
"""A list of more pages than this is a server that pages in a circle."""


def by_number(
    page: Callable[[int], Sequence[Item]], *, first: int = 1, size: int = 0
) -> Iterator[Item]:
    """Yields the items of pages `first`, `first + 1` ... until one is empty.

    With `size`, a page of fewer items is known to be the last, which saves the empty one.

    Raises:
        Garbled: A page is the one before again: the server does not count pages.
    """
    before: Sequence[Item] = ()
    for number in range(first, first + MOST_PAGES):
        items = page(number)
        if items and items == before:
            raise Garbled("A list shows one page again and again.", hint="Report it to the server.")
        yield from items
        if len(items) < max(size, 1):
            return
        before = items


def by_link(page: Callable[[str], tuple[Sequence[Item], str | None]], first: str) -> Iterator[Item]:
    """Yields the items of the page at `first` and of every page that the one before links to.

    Raises:
        Garbled: A page links to one that was read already.
    """
    link: str | None = first
    seen: set[str] = set()
    while link:
        if link in seen:
            raise Garbled("The pages of a list lead in a circle.", hint="Report it to the server.")
        seen.add(link)
        items, link = page(link)
        yield from items


def by_key(
    page: Callable[[Key], Sequence[Item]], key: Callable[[Item], Key], start: Key, *, size: int = 0
) -> Iterator[Item]:
    """Yields the items after `start`, every page beginning after the last key of the one before.

    Nothing is lost or told twice while items are added or changed behind the walk, as long as
    `page(k)` gives the items beyond `k` in rising order.

    Raises:
        Garbled: A page does not lead on, so that the walk would never end.
    """
    at = start
    while items := page(at):
        yield from items
        last = key(items[-1])
        if last == at:
            raise Garbled("A page of a list ends where it began.", hint="Report it to the server.")
        if len(items) < size:
            return
        at = last
