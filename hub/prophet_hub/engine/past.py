"""Stored writes by name, and who knew whom: what computing a cell anew by the law needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from prophet_hub.merge.cells import reach
from prophet_hub.model.changes import Changeset, Write
from prophet_hub.model.ids import Origin, WriteId
from prophet_hub.store.sqlite import Store

__all__ = ["Past", "writes_in"]

_decoder = msgspec.msgpack.Decoder(tuple[Origin, int, Changeset])


def writes_in(raw: bytes) -> tuple[Write, ...]:
    """Returns the writes of an accepted entry."""
    return _decoder.decode(raw)[2].writes


class Past:
    """Writes as the log holds them now; made for one piece of work, forgotten after it."""

    def __init__(self, store: Store) -> None:
        self._log, self._derived = store.log, store.derived
        self._entries: dict[int, tuple[Write, ...]] = {}
        self._copies: dict[WriteId, tuple[Write, ...]] = {}
        self._receipts = store.derived.has("echoes")
        self._echoes: dict[WriteId, frozenset[WriteId]] = {}

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
        list(self.entries(sorted({n for numbers in places.values() for n in numbers})))
        for one in wanted:
            self._copies[one] = tuple(
                w for n in places.get(one, ()) for w in self._entries[n] if w.id == one
            )

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

    def _said(self, event: WriteId) -> frozenset[WriteId]:
        if event not in self._echoes:
            said = self._derived.echoes((event,)).get(event, ())
            self._echoes[event] = frozenset(WriteId(w) for w in said if self.known(WriteId(w)))
        return self._echoes[event]
