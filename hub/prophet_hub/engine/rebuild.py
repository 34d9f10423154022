"""Deriving all tables anew, and checking them against the log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from prophet_hub.engine.heads import Derivation
from prophet_hub.engine.past import Past, writes_in
from prophet_hub.engine.recompute import ByTheLaw, by_the_law
from prophet_hub.engine.rows import LIFE_KEY, decode_heads, is_dead
from prophet_hub.model.changes import LINKING
from prophet_hub.model.ids import text
from prophet_hub.store.base import LATE, EntryRow
from prophet_hub.store.search import Search
from prophet_hub.store.sqlite import Store

__all__ = ["check", "rebuild"]

_PAGE: Final = 1_000


def rebuild(store: Store, derivation: Derivation) -> int:
    """Empties the derived tables and fills them from the log; returns the entries read."""
    store.derived.clear()
    Search(store).clear()
    count = 0
    for page in _pages(store):
        accepted = [(row.number, writes_in(row.raw)) for row in page if row.reason is None]
        if accepted:
            derivation.apply(accepted)
        count += len(page)
    return count


def check(store: Store) -> Iterator[str]:
    """Yields what is wrong: a broken chain of hashes, a cell that is not as the law says."""
    for page in _pages(store):
        for row in page:
            if hashlib.sha256(row.before + row.raw).digest() != row.running:
                yield f"Entry {row.number} does not have the hash under which it stands."
            if row.sequence > 1 and row.before not in store.log.at(row.origin, row.sequence - 1):
                yield f"Entry {row.number} follows an entry that is not here."
    law = ByTheLaw(store)
    for kind in store.derived.kinds():
        after = b""
        while lines := store.derived.by_kind(kind, after, _PAGE):
            for line in lines:
                yield from _check_class(store, law, line.record)
            after = lines[-1].record


def _check_class(store: Store, law: ByTheLaw, whole: bytes) -> Iterator[str]:
    past = Past(store)
    writes = law.writes_of(whole, past)
    rows = {(r.prop, r.member): r for r in store.derived.cells((whole,)) if r.prop not in LINKING}
    for cell in sorted(writes.keys() | rows.keys()):
        row = rows.get(cell)
        expected, _ = by_the_law((whole, *cell), writes.get(cell, ()), past)
        dies = expected is not None and cell == LIFE_KEY and is_dead(expected)
        if expected and dies and law.late(whole, decode_heads(expected.heads), past):
            expected = expected._replace(mark=LATE, conflict=1)
        if row != expected:
            yield f"Record {text(whole)}: {'/'.join(filter(None, cell))} is not as its writes say."


def _pages(store: Store) -> Iterator[list[EntryRow]]:
    after = 0
    while page := store.log.after(after, _PAGE):
        yield page
        after = page[-1].number
