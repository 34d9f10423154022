"""A published replica as a source: what it has, read from its place and checked before it counts.

Two requests tell a reader what is new to it, the head and the last page; segments that it knows are
left where they are.  The others are fetched and unpacked by threads while what came is taken in.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from prophet_hub.engine.offers import Knows, Parcel, Ticket
from prophet_hub.errors import Invalid, StoreError
from prophet_hub.peers.format import (
    HEAD,
    HEAD_LIMIT,
    PAGES,
    SEGMENTS,
    Head,
    Page,
    Row,
    content_name,
    decode_head,
    decode_lacking,
    decode_page,
    named,
    ticket_in,
)
from prophet_hub.peers.place import Absent, Place
from prophet_hub.peers.segments import unpack, unzip
from prophet_hub.values import Stored

__all__ = ["Published", "fetched", "page_of", "read_pages"]

_THREADS: Final = 4
_AHEAD: Final = 6  # segments under way or waiting: bounds memory
_TRIES: Final = 5
_STRANDS: Final = 1_000_000  # of all rows: about 200 MB of memory, and logs of any size
_A = TypeVar("_A")
_B = TypeVar("_B")


class Published:
    """What a replica published at a place; reads nothing before it is asked.

    Attributes:
        place: Where.
        together: How many of its files may be asked for at once.
        total: How many entries the last `offers` brings, 0 before it began.
    """

    def __init__(self, place: Place, *, done: Iterable[str] = ()) -> None:
        """Takes the place and the names of the pages whose entries are known here, all of them."""
        self.place = place
        self.together = _together(place)
        self.total = 0
        self._done = frozenset(done)
        self._raw: bytes | None = None
        self._head: Head | None = None

    @property
    def raw_head(self) -> bytes:
        """The head's bytes, read once.

        Raises:
            Absent: Nothing is published there.
        """
        if self._raw is None:
            self._raw = self.place.read(HEAD, limit=HEAD_LIMIT)
        return self._raw

    @property
    def head(self) -> Head:
        """The head.

        Raises:
            Absent: Nothing is published there.
            Invalid: It cannot be read, or is of another format.
        """
        if self._head is None:
            self._head = decode_head(self.raw_head)
        return self._head

    def database(self) -> bytes:
        """Returns the uuid of the family, the least where families were joined."""
        return min(self.family(), default=b"")

    def family(self) -> frozenset[bytes]:
        """Returns the uuids of the family."""
        return frozenset(map(bytes.fromhex, self.head.databases))

    def tips(self) -> Ticket:
        """Returns the merge ticket of all that it holds."""
        return ticket_in(self.head.tips)

    def rows(self) -> list[Row]:
        """Returns the rows of the pages that are not known to be done, in order."""
        pages = [page for page in self.head.pages if page.sha256 not in self._done]
        found: list[Row] = []
        strands = 0
        for rows in read_pages(self.place, pages):
            found += rows
            strands += sum(1 + len(row.strands) for row in rows)
            if strands > _STRANDS:
                raise Invalid(f"{self.place.url} tells of more segments than any log has.")
        return found

    def lacking(self) -> frozenset[Stored]:
        """Returns the contents and texts that entries name and that were not there to publish."""
        page = self.head.lacking
        if page is None:
            return frozenset()
        return frozenset(decode_lacking(page, page_of(self.place, page)))

    def offers(self, knows: Knows) -> Iterator[Parcel]:
        """Yields the entries of all segments of which the asking replica does not know the ends.

        Whoever publishes meanwhile may take away segments that were merged: then the new head is
        followed, which tells some of the entries a second time.

        Raises:
            Invalid: Something is not what its name or its page says.
        """
        for _ in range(_TRIES):
            try:
                lacking = [
                    row
                    for row in self.rows()
                    if not all(knows(s.origin, s.last, s.running) for s in row.strands)
                ]
                self.total = sum(row.count for row in lacking)
                for row, raw in fetched(self.place, lacking):
                    yield from unpack(row, raw)
            except Absent:
                before, self._raw, self._head = self.raw_head, None, None
                if self.raw_head == before:
                    raise _torn(self.place) from None
            else:
                return
        raise _torn(self.place)

    def content(self, stored: Stored) -> Iterator[bytes]:
        """Yields a content in pieces.

        Raises:
            StoreError: It is not there.
        """
        return self.content_from(stored, 0)

    def content_from(self, stored: Stored, start: int) -> Iterator[bytes]:
        """Yields a content's pieces from a byte on; may be used from several threads at once.

        Raises:
            StoreError: It is not there.
        """
        try:
            yield from self.place.pieces(content_name(stored), start)
        except Absent as error:
            raise StoreError(f"The content {stored.sha256[:12]} was not published.") from error

    def close(self) -> None:
        """Gives back connections; the second time does nothing."""
        self.place.close()


def read_pages(place: Place, pages: Iterable[Page]) -> Iterator[list[Row]]:
    """Yields the rows of pages, in order; several are fetched at once."""
    return _ahead(place, pages, lambda page: decode_page(page, page_of(place, page)))


def page_of(place: Place, page: Page) -> bytes:
    """Returns the bytes of a page, not yet checked."""
    return place.read(named(PAGES, page.sha256), limit=page.size)


def fetched(place: Place, rows: Iterable[Row]) -> Iterator[tuple[Row, bytes]]:
    """Yields segments unpacked, in order; a few are fetched ahead by threads."""

    def fetch(row: Row) -> tuple[Row, bytes]:
        return row, unzip(row, place.read(named(SEGMENTS, row.sha256), limit=row.size))

    return _ahead(place, rows, fetch)


def _together(place: Place) -> int:
    """Returns how many files of a place may be asked for at once: an ssh connection takes answers
    for one thread alone.
    """
    return 1 if place.url.startswith(("sftp:", "ssh:")) else _THREADS


def _ahead(place: Place, items: Iterable[_A], do: Callable[[_A], _B]) -> Iterator[_B]:
    """Yields what becomes of each item, in order; threads are ahead by a few.

    Until all is told nothing else may be asked of the place.
    """
    waiting = iter(items)
    first = list(itertools.islice(waiting, 2))
    if len(first) < 2:  # noqa: PLR2004 - one needs no thread
        yield from map(do, first)
        return
    with ThreadPoolExecutor(_together(place), "fetch") as pool:
        under_way: deque[Future[_B]] = deque(pool.submit(do, item) for item in first)
        try:
            for item in waiting:
                if len(under_way) >= _AHEAD:
                    yield under_way.popleft().result()
                under_way.append(pool.submit(do, item))
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def _torn(place: Place) -> Invalid:
    return Invalid(
        f"What is published at {place.url} is not whole: a file that it names is missing.",
        hint="Publish it anew from a whole replica, or pull from another peer.",
    )
