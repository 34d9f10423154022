"""Deriving all tables anew from the log, at the speed at which entries come in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from prophet_hub.engine.heads import Derivation
from prophet_hub.engine.past import writes_in
from prophet_hub.engine.quarantine import named_in
from prophet_hub.errors import Invalid, StoreError
from prophet_hub.model import codec
from prophet_hub.model.changes import Write
from prophet_hub.store.base import EntryRow
from prophet_hub.store.census import Census
from prophet_hub.store.search import Search
from prophet_hub.store.sqlite import Store

__all__ = ["rebuild"]

_PAGE: Final = 2_000


def rebuild(
    store: Store, derivation: Derivation, *, told: Callable[[int, int], None] | None = None
) -> int:
    """Empties the derived tables and fills them from the log; returns the entries read.

    Searches fill theirs when they are next asked.  `told` is told of entries read, and of how many
    there are.

    Raises:
        StoreError: An accepted entry cannot be read.
    """
    census = Census(store)
    store.derived.clear()
    Search(store).clear()
    census.forget_carried()
    count, entries = 0, census.count("entries")
    for page in _pages(store):
        accepted = [(row.number, _accepted(row)) for row in page if row.reason is None]
        if accepted:
            derivation.apply(accepted)
        held = [(row.number, _held(row)) for row in page if row.reason is not None]
        store.log.carry([one for n, writes in (*accepted, *held) for one in named_in(n, writes)])
        count += len(page)
        if told:
            told(count, entries)
    census.renew_tips()
    store.log.want((sha256, size) for sha256, size, here in census.needed() if not here)
    return count


def _accepted(row: EntryRow) -> tuple[Write, ...]:
    try:
        return writes_in(row.raw)
    except msgspec.MsgspecError as error:
        raise StoreError(
            f"Entry {row.number} cannot be read, so nothing can be derived from the log.",
            hint="Restore a backup, or clone the database from a peer.",
        ) from error


def _held(row: EntryRow) -> tuple[Write, ...]:
    """Returns the writes of a quarantined entry, none of one that cannot be read."""
    try:
        return codec.check(row.raw)[2].writes
    except Invalid:
        return ()


def _pages(store: Store) -> Iterator[list[EntryRow]]:
    after = 0
    while page := store.log.after(after, _PAGE):
        yield page
        after = page[-1].number
