"""Entries that stand in the log and do not count: how they come to count after all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from prophet_hub.engine.heads import Derivation
from prophet_hub.engine.reading import latest
from prophet_hub.engine.trust import Trust, about_seals
from prophet_hub.errors import Invalid
from prophet_hub.model import codec
from prophet_hub.model.changes import Write
from prophet_hub.store.held import Held
from prophet_hub.store.sqlite import Store
from prophet_hub.values import Stored

__all__ = ["Branch", "Named", "Quarantine", "named_in"]

Branch = tuple[bytes, int, bytes]
"""An entry that vouches for all before it: (origin, sequence, running hash)."""

Named = list[tuple[int, str, int]]
"""What entries name by hash: (local number, SHA-256, size)."""

_PAGE: Final = 2_000


class Quarantine:
    """What is held in a store, and the way out of it."""

    def __init__(self, store: Store, derivation: Derivation) -> None:
        self._store, self._log, self._derivation = store, store.log, derivation
        self._held = Held(store)

    def release(self, numbers: Iterable[int]) -> int:
        """Lets held entries count that can be read; returns how many it were.

        A second time releases nothing.  In one transaction; pages inside.
        """
        count = 0
        with self._store.transaction():
            tick = latest(self._store) + 1
            waiting = iter(sorted(set(numbers)))
            while page := list(islice(waiting, _PAGE)):
                count += self._release(page, tick)
            if count:
                self._store.set_meta("ticks", tick)
        return count

    def _release(self, numbers: Sequence[int], tick: int) -> int:
        counting: list[tuple[int, Sequence[Write]]] = []
        for row in sorted(self._log.entries(numbers)):
            with contextlib.suppress(Invalid):
                if row.reason is not None:
                    counting.append((row.number, codec.check(row.raw)[2].writes))
        if counting:
            self._held.release([number for number, _ in counting])
            self.want([one for number, writes in counting for one in named_in(number, writes)])
            self._derivation.apply(counting, at=tick)
        return len(counting)

    def vouch(self, sealed: Iterable[tuple[Branch, bytes]]) -> int:
        """Lets count what waited for one of these trusted seals, and keeps the seals."""
        waiting: list[int] = []
        for branch, seal in sealed:
            found = [n for n, reason in self._held.behind(*branch) if about_seals(reason)]
            if found:
                self._log.put_seals([(self._held.number(*branch), seal)])
                waiting += found
        return self.release(waiting) if waiting else 0

    def release_covered(self) -> int:
        """Lets count what a seal of a key that is trusted by now covers; returns how many."""
        with self._store.transaction():
            return self.vouch(Trust(self._store).covering())

    def want(self, named: Named) -> None:
        """Notes what accepted entries name and what is not here: what does not count is not fetched."""
        sizes = {(sha256, size) for _, sha256, size in named}
        self._log.want(
            one
            for one in sorted(sizes)
            if self._log.text(one[0]) is None and not self._store.blobs.has(Stored(*one))
        )


def named_in(number: int, writes: Sequence[Write]) -> Named:
    """Returns the texts and contents that an entry names by hash."""
    return [
        (number, value.sha256, value.size)
        for w in writes
        for value in (w.value, w.old)
        if isinstance(value, Stored)
    ]
