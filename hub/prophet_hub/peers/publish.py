"""Publishing: what a place lacks is appended to it, and its head is written last.

Every file but the head is named by its hash and never written over, so a cut at any point leaves the
old head true, and what was written in vain is reused or removed by the next publisher.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import msgspec

from prophet_hub.engine.offers import Knows, Parcel, Ticket, lacking
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.peers.family import agree, family
from prophet_hub.peers.format import (
    FORMAT,
    FULL,
    HEAD,
    HEAD_LIMIT,
    PAGES,
    SEGMENTS,
    TARGET,
    Head,
    Page,
    Row,
    content_name,
    decode_head,
    decode_lacking,
    encode_head,
    encode_page,
    named,
    ticket_out,
)
from prophet_hub.peers.place import Absent, Place
from prophet_hub.peers.published import fetched, page_of, read_pages
from prophet_hub.peers.segments import pack, unpack_placed
from prophet_hub.values import Stored

__all__ = ["FAN", "Wrote", "fold", "knowledge", "publish"]

FAN: Final = 64
"""So many neighbours of one level become one segment, when twice as many are there."""

_ROWS: Final = 64
"""Rows of a page."""

_TEXTS: Final = 12 << 20
"""Bytes of one entry's texts that go into its segment; with the entry they keep to its limit."""

_Placed = tuple[bytes, int, bytes, Parcel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """Entries, or a content, reached the place.

    Attributes:
        entries: So far.
        contents: So far.
    """

    entries: int = 0
    contents: int = 0


def publish(
    replica: Replica, place: Place, *, holder: str, before: Ticket | None = None
) -> Iterator[Wrote]:
    """Appends to a place what it lacks of this replica's log; an empty one is begun.

    A place that is ahead of this replica stays so.  A second time writes nothing.

    Args:
        replica: Whose log.
        place: Where; locked meanwhile.
        holder: Names this writer to others that want to write there.
        before: A merge ticket that whoever reads the place has already; for an empty place.

    Raises:
        UsageError: The place holds another database, or cannot be written.
        Held: Another replica is writing there.
        Unreachable: The place failed; the next time carries on.
    """
    if not place.writable:
        raise UsageError(
            f"{place.url} can be read and not written.",
            hint="Publish where it is served from: a folder, sftp:, s3:.",
        )
    with place.lock(holder):
        yield from _Publisher(replica, place, before or []).run()


class _Publisher:
    """One publishing, under the lock."""

    def __init__(self, replica: Replica, place: Place, before: Ticket) -> None:
        self._replica, self._place, self._before = replica, place, before
        self._log = replica.store.log
        self._entries = self._contents = 0
        self._missing: dict[Stored, None] = {}

    def run(self) -> Iterator[Wrote]:
        raw = self._read_head()
        old = decode_head(raw) if raw is not None else None
        if old is not None:
            ours, theirs = family(self._replica), frozenset(map(bytes.fromhex, old.databases))
            agree(ours, theirs, there=self._place.url)
        old_rows = self._rows(old)
        ends = [(s.origin, s.last, s.running) for row in old_rows for s in row.strands]
        knows = knowledge(self._replica, [*ends, *self._before])
        rows = list(old_rows)
        for row in self._segments(knows):
            rows.append(row)
            self._entries += row.count
            yield Wrote(entries=self._entries, contents=self._contents)
        for _ in self._late_contents(old):
            yield Wrote(entries=self._entries, contents=self._contents)
        rows = self._folded(rows)
        head = self._head(old, rows)
        if head is not None:
            self._write(HEAD, encode_head(head))
            self._sweep(old, old_rows, head, rows)

    def _read_head(self) -> bytes | None:
        try:
            return self._place.read(HEAD, limit=HEAD_LIMIT)
        except Absent:
            return None

    def _rows(self, head: Head | None) -> list[Row]:
        pages = head.pages if head is not None else ()
        return [row for rows in read_pages(self._place, pages) for row in rows]

    # --- entries, and the contents that they name ---

    def _segments(self, knows: Knows) -> Iterator[Row]:
        """Writes what the place lacks; packing is done by a thread while the log is read."""
        with ThreadPoolExecutor(1, "pack") as pool:
            under_way: deque[Future[tuple[Row, bytes]]] = deque()
            for batch in self._batches(knows):
                if len(under_way) > 1:
                    yield self._segment(*under_way.popleft().result())
                under_way.append(pool.submit(pack, batch))
            while under_way:
                yield self._segment(*under_way.popleft().result())

    def _batches(self, knows: Knows) -> Iterator[list[_Placed]]:
        batch: list[_Placed] = []
        size = 0
        for row, parcel, names in lacking(self._log, self._replica.tips(), knows):
            if knows(row.origin, row.sequence, row.running):  # beside the branch that is unknown
                continue
            texts = self._texts(parcel.texts) if parcel.texts else ()
            weight = len(parcel.raw) + sum(map(len, texts))
            if size >= TARGET or (batch and size + weight > 2 * TARGET):
                yield batch
                batch, size = [], 0
            batch.append((row.origin, row.sequence, row.running, parcel._replace(texts=texts)))
            size += weight
            for stored in names:
                self._content(stored)
        if batch:
            yield batch

    def _segment(self, row: Row, data: bytes) -> Row:
        name = named(SEGMENTS, row.sha256)
        if not self._place.has(name):  # left by a publisher that was cut off
            self._write(name, data)
        return row

    def _texts(self, texts: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Returns the texts that go into the segment; the others are uploaded as contents."""
        room, inside = _TEXTS, []
        for text in texts:
            if len(text) <= room:
                inside.append(text)
                room -= len(text)
            else:
                stored = Stored(hashlib.sha256(text).hexdigest(), len(text))
                if not self._place.has(content_name(stored)):
                    self._write(content_name(stored), text)
        return tuple(inside)

    def _content(self, stored: Stored) -> bool:
        """Uploads a content before the entry that names it counts; notes one that is not here."""
        if stored in self._missing:
            return False
        name = content_name(stored)
        if not self._place.has(name):
            if not self._replica.store.blobs.has(stored):
                self._missing[stored] = None
                return False
            self._place.write(name, self._replica.store.blobs.read(stored))
            self._contents += 1
        return True

    def _late_contents(self, old: Head | None) -> Iterator[Stored]:
        """Brings contents that earlier publishers had not; yields those that are there now."""
        if old is None or old.lacking is None:
            return
        for stored in decode_lacking(old.lacking, page_of(self._place, old.lacking)):
            if self._content(stored):
                yield stored

    # --- pages and head ---

    def _folded(self, rows: list[Row]) -> list[Row]:
        while (found := fold(rows)) is not None:
            start, end = found
            rows = [*rows[:start], *self._merged(rows[start:end]), *rows[end:]]
        return rows

    def _merged(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Writes neighbouring segments as few large ones; what was in them stays in order."""
        level = rows[0].level + 1
        for group in _groups(rows):
            found = list(fetched(self._place, group))  # all, before anything is written
            placed = [one for row, raw in found for one in unpack_placed(row, raw)]
            yield self._segment(*pack(placed, level))

    def _head(self, old: Head | None, rows: list[Row]) -> Head | None:
        """Writes the pages; returns the head for them, None where nothing is new."""
        databases = {one.hex() for one in family(self._replica)}
        databases.update(old.databases if old is not None else ())
        head = Head(
            format=FORMAT,
            generation=old.generation if old is not None else 0,
            databases=tuple(sorted(databases)),
            entries=sum(row.count for row in rows),
            tips=ticket_out(_tips(rows, self._before)),
            pages=tuple(
                self._page(old, rows[at : at + _ROWS]) for at in range(0, len(rows), _ROWS)
            ),
            lacking=self._page(old, list(self._missing)) if self._missing else None,
            before=old.before if old is not None else ticket_out(self._before),
        )
        if head == old:
            return None
        return msgspec.structs.replace(head, generation=head.generation + 1)

    def _page(self, old: Head | None, rows: Sequence[Row] | Sequence[Stored]) -> Page:
        page, data = encode_page(rows)
        if old is None or page not in (*old.pages, old.lacking):
            self._write(named(PAGES, page.sha256), data)
        return page

    def _sweep(
        self, old: Head | None, old_rows: Sequence[Row], head: Head, rows: list[Row]
    ) -> None:
        """Removes pages and segments that neither this head nor the one before it names.

        So whoever reads by the old head can go on.
        """
        named_ = {named(SEGMENTS, row.sha256) for row in (*old_rows, *rows)}
        for one in (head, *([old] if old is not None else [])):
            pages = [*one.pages, *([one.lacking] if one.lacking is not None else [])]
            named_.update(named(PAGES, page.sha256) for page in pages)
        for folder in (SEGMENTS, PAGES):
            for name in list(self._place.names(folder)):
                if name not in named_:
                    self._place.remove(name)

    def _write(self, name: str, data: bytes) -> None:
        self._place.write(name, (data,))


def fold(rows: Sequence[Row]) -> tuple[int, int] | None:
    """Returns which neighbouring rows are to be merged, from and to before; None where none are.

    The oldest `FAN` of twice as many of one level: a reader that is not further behind than `FAN`
    publishings finds them as they were, and an entry is written again once for each level.
    """
    start = 0
    for end in range(1, len(rows) + 1):
        if end < len(rows) and _level(rows[end]) == _level(rows[start]):
            continue
        if end - start >= 2 * FAN and _level(rows[start]) is not None:
            return start, start + FAN
        start = end
    return None


def _groups(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yields neighbours that make one large segment each."""
    start = size = 0
    for n, row in enumerate(rows):
        size += row.raw
        if size >= TARGET:
            yield rows[start : n + 1]
            start, size = n + 1, 0
    if start < len(rows):
        yield rows[start:]


def _level(row: Row) -> int | None:
    return None if row.raw >= FULL else row.level


def knowledge(replica: Replica, ticket: Ticket) -> Knows:
    """Returns what tells of an entry of this replica whether whoever has the ticket's has it.

    Of the ticket only those count that stand here: what is unknown here is never offered.
    """
    tips = Counter(origin for origin, _, _ in replica.tips())
    tops: dict[bytes, int] = {}
    forked: dict[bytes, set[bytes]] = {}
    for origin, sequence, running in ticket:
        if not replica.stands_at(origin, sequence, running):
            continue
        if tips[origin] == 1:
            tops[origin] = max(sequence, tops.get(origin, 0))
        else:
            forked.setdefault(origin, set()).add(running)
    behind = {
        origin: _behind(replica.store.log.branches(origin), ends) for origin, ends in forked.items()
    }

    def knows(origin: bytes, sequence: int, running: bytes) -> bool:
        return sequence <= tops.get(origin, 0) or running in behind.get(origin, ())

    return knows


def _behind(entries: Iterable[tuple[bytes, bytes]], ends: set[bytes]) -> set[bytes]:
    """Returns the entries that lie on the way to the ends, themselves included.

    `entries` are (before, running), the last first.
    """
    found = set(ends)
    for before, running in entries:
        if running in found:
            found.add(before)
    return found


def _tips(rows: Iterable[Row], before: Ticket) -> Ticket:
    strands = [strand for row in rows for strand in row.strands]
    ends = {(s.origin, s.last, s.running) for s in strands} | set(before)
    followed = {(s.origin, s.before) for s in strands}
    return [end for end in ends if (end[0], end[2]) not in followed]
