"""What one replica offers another: the entries that it lacks, in the source's own order.

Whoever pulls brings a question, "do you know this entry?", and the source finds by halving where
each branch of its log begins to be unknown.  So the cost goes with what is new and not with the size
of the log, forks included, and nobody has to believe what a stranger's numbers say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from prophet_hub.store.base import EntryRow
from prophet_hub.store.log import Log
from prophet_hub.values import Stored

__all__ = ["Knows", "Parcel", "Source", "Ticket", "lacking", "offers", "stands_at"]

_PAGE: Final = 1_000

Ticket = list[tuple[bytes, int, bytes]]
"""A merge ticket: (origin, sequence, running hash) of each branch's last entry."""

Knows = Callable[[bytes, int, bytes], bool]
"""Tells whether the entry (origin, sequence, running hash) is known; whoever knows one knows all
that it follows."""


class Parcel(NamedTuple):
    """An entry as it travels.

    Attributes:
        before: The running hash of the entry that it follows.
        raw: The entry's own bytes.
        texts: The long texts that it names by hash and that no parcel before it in this stream
            brought; what was erased is missing.
        seal: Public key and signature over the running hash (32 + 64 bytes), or empty.
    """

    before: bytes
    raw: bytes
    texts: tuple[bytes, ...] = ()
    seal: bytes = b""


class Source(Protocol):
    """What can be pulled from: a replica, or what one published."""

    def database(self) -> bytes:
        """Returns the uuid of the family, empty where there is none yet."""

    def tips(self) -> Ticket:
        """Returns the merge ticket of all that it holds."""

    def offers(self, knows: Knows) -> Iterable[Parcel]:
        """Yields what the asking replica lacks, in the source's own order; may offer more."""

    def content(self, stored: Stored) -> Iterator[bytes]:
        """Yields a content in pieces.

        Raises:
            StoreError: It is not there.
        """


def stands_at(log: Log, origin: bytes, sequence: int, running: bytes) -> bool:
    """Tells whether the log holds the entry at the place with this running hash."""
    return running in log.at(origin, sequence)


def offers(log: Log, tips: Ticket, knows: Knows) -> Iterator[Parcel]:
    """Yields what the asking replica lacks, in the order in which it came here; pages inside."""
    for _, parcel, _ in lacking(log, tips, knows):
        yield parcel


def lacking(
    log: Log, tips: Ticket, knows: Knows
) -> Iterator[tuple[EntryRow, Parcel, tuple[Stored, ...]]]:
    """Yields each entry of `offers` with its row in the log and the contents that it names."""
    starts: dict[bytes, int] = {}
    for origin, sequence, running in tips:
        if not knows(origin, sequence, running):
            start = _first_unknown(log, origin, sequence, knows)
            starts[origin] = min(start, starts.get(origin, start))
    if not starts:
        return
    told: set[str] = set()
    after = min(log.number_at(origin, start) for origin, start in starts.items()) - 1
    while page := log.after(after, _PAGE):
        first, after = page[0].number, page[-1].number
        carried, seals = log.carried(first, after), log.seals(first, after)
        for row in page:
            if row.sequence >= starts.get(row.origin, row.sequence + 1):
                named = carried.get(row.number, ())
                texts, contents = _texts(log, named, told) if named else ((), ())
                parcel = Parcel(row.before, row.raw, texts, seals.get(row.number, b""))
                yield row, parcel, contents


def _first_unknown(log: Log, origin: bytes, last: int, knows: Knows) -> int:
    """Returns the sequence from which on entries of the origin may be unknown, by halving."""
    low, high = 0, last  # low is known, high is not
    while high - low > 1:
        middle = (low + high) // 2
        if all(knows(origin, middle, running) for running in log.at(origin, middle)):
            low = middle
        else:
            high = middle
    return high


def _texts(
    log: Log, named: Iterable[Stored], told: set[str]
) -> tuple[tuple[bytes, ...], tuple[Stored, ...]]:
    """Returns the long texts that were not told yet, and what is no text."""
    texts, contents = [], []
    for stored in named:
        if stored.sha256 in told:
            continue
        data = log.text(stored.sha256)
        if data is None:
            contents.append(stored)
        else:
            told.add(stored.sha256)
            texts.append(data)
    return tuple(texts), tuple(contents)
