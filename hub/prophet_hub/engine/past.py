"""Stored writes by name, and who knew whom: what computing a cell anew by the law needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from prophet_hub.merge.cells import heads_of, one_write, reach, shown_of
from prophet_hub.model.changes import RECEIPT, Changeset, Write
from prophet_hub.model.ids import Origin, WriteId
from prophet_hub.store.sqlite import Store

__all__ = ["Past", "each_once", "writes_in"]

_decoder = msgspec.msgpack.Decoder(tuple[Origin, int, Changeset])


def writes_in(raw: bytes) -> tuple[Write, ...]:
    """Returns the writes of an accepted entry."""
    return _decoder.decode(raw)[2].writes


class Past:
    """Writes as the log holds them now; made for one piece of work, forgotten after it.

    Args:
        until: Leaves out what is dated later, in microseconds; None for nothing.
        place: Leaves out what came here later, by local number; None for nothing.
    """

    def __init__(self, store: Store, *, until: int | None = None, place: int | None = None) -> None:
        self._log, self._derived, self._until = store.log, store.derived, until
        self._place = place
        self._bounded = until is not None or place is not None
        self._entries: dict[int, tuple[Write, ...]] = {}
        self._copies: dict[WriteId, tuple[Write, ...]] = {}
        self._receipts = self._bounded or store.derived.has("echoes")
        self._echoes: dict[WriteId, frozenset[WriteId]] = {}
        self._told: dict[bytes, Collection[bytes]] = {}

    def entries(self, numbers: Collection[int]) -> Iterable[tuple[Write, ...]]:
        """Yields the writes of entries, in the order asked."""
        missing = [n for n in numbers if n not in self._entries]
        for row in self._log.entries(missing):
            self._entries[row.number] = writes_in(row.raw)
        return (self._entries[n] for n in numbers)

    def copies(self, write: WriteId) -> tuple[Write, ...]:
        """Returns the write from all places where its name stands, empty for an unknown one."""
        found = self._copies.get(write)
        if found is None:
            self.load((write,))
            found = self._copies[write]
        return found

    def load(self, ids: Iterable[WriteId]) -> None:
        """Fetches many writes in few statements."""
        wanted = {i for i in ids if i not in self._copies}
        places = self._log.places(wanted)
        self._hear(wanted)
        list(self.entries(sorted({n for numbers in places.values() for n in numbers})))
        for one in wanted:
            self._copies[one] = tuple(
                w
                for n in self._reached(places.get(one, ()))
                for w in self._entries[n]
                if w.id == one and self._counts(w)
            )

    def take(self, writes: Iterable[Write]) -> None:
        """Is told of writes whose names stand at no other place, so that none is looked for."""
        found = {w.id: (w,) for w in writes}
        self._copies.update(found)
        self._hear(found)

    def load_all(self, ids: Iterable[WriteId]) -> None:
        """Fetches writes and all that they knew, generation by generation."""
        waiting, done = set(ids), set[WriteId]()
        while waiting:
            self.load(waiting)
            done |= waiting
            waiting = {above for write in waiting for above in self.edges(write)} - done

    def one_or_none(self, write: WriteId) -> Write | None:
        """Returns the write, one of all the places where its name stands; None for an unknown."""
        copies = self.copies(write)
        return one_write(copies) if copies else None

    def touching(self, records: Collection[bytes]) -> Iterator[Write]:
        """Yields all writes of the entries that write to any of the raw records, in log order."""
        for writes in self.entries(self._reached(self._log.numbers_of(records))):
            yield from (w for w in writes if self._counts(w))

    def known(self, write: WriteId) -> bool:
        """Tells whether an accepted entry holds the write."""
        return bool(self.copies(write))

    def supersedes(self, write: WriteId) -> Collection[WriteId]:
        """Returns what the write supersedes, wherever its name stands."""
        copies = self.copies(write)
        if len(copies) == 1:
            return copies[0].supersedes
        return {s for w in copies for s in w.supersedes}

    def edges(self, write: WriteId) -> Collection[WriteId]:
        """Returns what the write supersedes, or, for an event that is a write, that write: its own
        supersessions do not count.
        """
        return (self._receipts and self.echo(write)) or self.supersedes(write)

    def echo(self, event: WriteId) -> frozenset[WriteId]:
        """Returns the writes that the event is, empty if none.  Receipts in a circle say nothing."""
        found = self._receipts and self._said(event)
        if not found or event in reach((event,), self._said):
            return frozenset()
        return found

    def settled(self, write: WriteId) -> Collection[WriteId] | None:
        """Returns what a rule's write settled, None for any other write."""
        return self.supersedes(write) if any(w.automatic for w in self.copies(write)) else None

    def _hear(self, writes: Collection[WriteId]) -> None:
        """Fetches what receipts say of writes."""
        if self._receipts and not self._bounded:
            self._told.update(dict.fromkeys(writes, ()))
            self._told.update(self._derived.echoes(writes))

    def _said(self, event: WriteId) -> frozenset[WriteId]:
        if event not in self._echoes:
            said = self._receipts_of(event)
            self._echoes[event] = frozenset(WriteId(w) for w in said if self.known(WriteId(w)))
        return self._echoes[event]

    def _receipts_of(self, event: WriteId) -> Collection[bytes]:
        if not self._bounded:
            if event not in self._told:
                self.load((event,))
            return self._told[event]
        copies: dict[str, list[Write]] = {}
        for w in self.touching((event,)):
            if bytes(w.cell.record) == event and w.cell.prop == RECEIPT:
                copies.setdefault(w.cell.member, []).append(w)
        return [
            bytes.fromhex(member)
            for member, found in copies.items()
            if shown_of(heads_of(each_once(found), self.supersedes), member) is not None
        ]

    def _reached(self, numbers: Sequence[int]) -> Sequence[int]:
        if self._place is None:
            return numbers
        return [number for number in numbers if number <= self._place]

    def _counts(self, write: Write) -> bool:
        return self._until is None or write.created <= self._until


def each_once(copies: Iterable[Write]) -> list[Write]:
    """Returns one write per id, from all of its copies."""
    by_id: dict[WriteId, list[Write]] = {}
    for w in copies:
        by_id.setdefault(w.id, []).append(w)
    return [one_write(same) for same in by_id.values()]
