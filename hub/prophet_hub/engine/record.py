"""Ways into the log: changesets of this replica's own, and entries of others."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from prophet_hub.engine.heads import Derivation
from prophet_hub.engine.offers import Parcel
from prophet_hub.engine.past import Past
from prophet_hub.engine.reading import latest
from prophet_hub.errors import Invalid
from prophet_hub.model import codec
from prophet_hub.model.changes import Changeset, Entry, Write, is_delete
from prophet_hub.model.ids import Origin, WriteId, fresh
from prophet_hub.store.base import EntryRow
from prophet_hub.store.log import Log
from prophet_hub.store.sqlite import Store
from prophet_hub.values import INLINE, Stored, Value

__all__ = ["Recorder"]

_T = TypeVar("_T")
Judge = Callable[[Entry], str | None]
Named = list[tuple[int, str, int]]

_BATCH = 2_000
"""Changesets brought into the derived tables at once: bounds memory, spares statements."""


class Recorder:
    """The writing end of a replica's log."""

    def __init__(self, store: Store, derivation: Derivation, origin: Origin) -> None:
        self._store, self._log, self._derivation = store, store.log, derivation
        self.origin = origin

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits all that is recorded inside or nothing; see `Replica.transaction`."""
        origin, outermost = self.origin, not self._store.in_transaction
        try:
            with self._store.transaction():
                if outermost:  # another process may have taken a new one
                    self.origin = Origin(self._store.meta("origin") or origin)
                yield
        except BaseException:
            self.origin = origin
            self._log.forget()
            raise

    # --- our own ---

    def record(self, changesets: Iterable[Changeset]) -> int:
        """Logs changesets at the next places of the own origin; see `Replica.record`."""
        return sum(self._record(batch) for batch in _batches(changesets))

    def _record(self, changesets: Sequence[Changeset]) -> int:
        self._log.add_origin(self.origin)
        sequence, running = self._log.last(self.origin)
        number = latest(self._store) + 1
        rows: list[EntryRow] = []
        fresh_: list[tuple[int, Sequence[Write]]] = []
        for changeset in self._new(changesets):
            sequence += 1
            entry, raw = codec.seal(self.origin, sequence, running, changeset)
            running = entry.running
            rows.append(EntryRow(number, self.origin, sequence, entry.before, running, raw, None))
            fresh_.append((number, changeset.writes))
            number += 1
        if rows:
            self._log.append(rows)
            self._log.carry([one for n, writes in fresh_ for one in _named(n, writes)])
            self._derivation.apply(fresh_)
        return len(rows)

    def _new(self, changesets: Sequence[Changeset]) -> Iterator[Changeset]:
        """Yields what the log does not know yet, texts by hash, deletes with their own changeset."""
        past = Past(self._store)
        past.load({w.id for c in changesets for w in c.writes})
        told: dict[WriteId, tuple[set[WriteId], set[WriteId]]] = {}
        for changeset in changesets:
            own = tuple(w.id for w in changeset.writes)
            writes: list[Write] = []
            for w in changeset.writes:
                write = _seeing(w, own) if is_delete(w) else w
                copies = past.copies(w.id)
                if w.id in told or copies:
                    above, seen = told.setdefault(w.id, (set(), set()))
                    above.update(s for c in copies for s in c.supersedes)
                    seen.update(s for c in copies for s in c.seen)
                    if above.issuperset(write.supersedes) and seen.issuperset(write.seen):
                        continue
                    above.update(write.supersedes)
                    seen.update(write.seen)
                else:
                    told[w.id] = set(write.supersedes), set(write.seen)
                writes.append(self._by_hash(write))
            if writes:
                yield msgspec.structs.replace(changeset, writes=tuple(writes))

    def _by_hash(self, write: Write) -> Write:
        value, old = self._short(write.value), self._short(write.old)
        if value is write.value and old is write.old:
            return write
        return msgspec.structs.replace(write, value=value, old=old)

    def _short(self, value: Value) -> Value:
        # a character takes at most four bytes
        if not isinstance(value, str) or len(value) * 4 <= INLINE:
            return value
        data = value.encode()
        if len(data) <= INLINE:
            return value
        sha256 = hashlib.sha256(data).hexdigest()
        self._log.put_text(sha256, data)
        return Stored(sha256, len(data))

    # --- others' ---

    def integrate(self, source: Iterable[Parcel | tuple[bytes, bytes]], judge: Judge | None) -> int:
        """Takes entries in the source's own order; see `Replica.integrate`."""
        count = 0
        for batch in _batches(Parcel(*one) for one in source):
            with self.transaction():
                count += self._integrate(batch, judge)
        return count

    def _integrate(self, batch: Sequence[Parcel], judge: Judge | None) -> int:
        number = latest(self._store) + 1
        rows: list[EntryRow] = []
        accepted: list[tuple[int, Sequence[Write]]] = []
        named: Named = []
        seals: list[tuple[int, bytes]] = []
        places = _Places(self._log)
        met_own = False
        for before, raw, texts, seal in batch:
            origin, sequence, running, writes, reason = _read(before, raw, judge)
            if not places.take(origin, sequence, before, running):
                continue
            met_own |= origin == self.origin
            rows.append(EntryRow(number, origin, sequence, before, running, raw, reason))
            if reason is None:
                accepted.append((number, writes))
            here = _named(number, writes)
            named += here
            self._take_texts(texts, {sha256 for _, sha256, _ in here})
            if seal:
                seals.append((number, seal))
            number += 1
        self._log.append(rows)
        self._log.put_seals(seals)
        self._log.carry(named)
        self._log.want(self._missing(named))
        if accepted:
            self._derivation.apply(accepted)
        if met_own:
            self.take_new_origin()
        return len(rows)

    def _take_texts(self, texts: Sequence[bytes], named: set[str]) -> None:
        """Keeps the texts that their entry names; nothing else is believed."""
        for data in texts:
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 in named:
                self._log.put_text(sha256, data)
                self._log.arrived(sha256)

    def _missing(self, named: Named) -> list[tuple[str, int]]:
        """Returns what is named and stands neither among the texts nor among the contents."""
        sizes = {sha256: size for _, sha256, size in named}
        return [
            (sha256, size)
            for sha256, size in sorted(sizes.items())
            if self._log.text(sha256) is None and not self._store.blobs.has(Stored(sha256, size))
        ]

    def accept(self, number: int) -> None:
        """Takes an entry out of quarantine: from now on its writes count.

        Raises:
            Invalid: It still cannot be read.
        """
        with self.transaction():
            for row in self._log.entries((number,)):
                if row.reason is not None:
                    entry = codec.decode(row.before, row.raw)
                    self._log.release(number)
                    tick = latest(self._store) + 1
                    self._store.set_meta("ticks", tick)
                    self._derivation.apply([(number, entry.changeset.writes)], at=tick)

    def take_new_origin(self) -> None:
        """Goes on under a new origin; nothing is dropped or logged again."""
        with self.transaction():
            if self.origin:
                former = self._store.meta("former") or b""
                self._store.set_meta(
                    "former", former + self.origin + self._log.last(self.origin)[1]
                )
            self.origin = Origin(fresh())
            self._store.set_meta("origin", self.origin)


class _Places:
    """The places that a batch takes, and those before it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._at: dict[tuple[bytes, int], set[bytes]] = {}
        self._last: dict[bytes, int] = {}

    def take(self, origin: bytes, sequence: int, before: bytes, running: bytes) -> bool:
        """Takes a place; tells whether the entry is new there.

        Raises:
            Invalid: The entry before it is missing.
        """
        if origin not in self._last:
            self._log.add_origin(origin)
            self._last[origin] = self._log.last(origin)[0]
        here = self._running(origin, sequence)
        if running in here:
            return False
        if before not in self._running(origin, sequence - 1) and (sequence != 1 or before):
            raise Invalid(
                f"An entry is missing before number {sequence} of replica {origin.hex()[:8]}.",
                hint="Pull again from a replica that has the whole log.",
            )
        here.add(running)
        return True

    def _running(self, origin: bytes, sequence: int) -> set[bytes]:
        place = (origin, sequence)
        if place not in self._at:
            # beyond the last entry nothing stands that this batch did not put there
            stored = sequence <= self._last[origin]
            self._at[place] = self._log.at(origin, sequence) if stored else set()
        return self._at[place]


def _read(
    before: bytes, raw: bytes, judge: Judge | None
) -> tuple[Origin, int, bytes, Sequence[Write], str | None]:
    """Returns place, running hash and writes of an entry, or why the writes cannot be taken."""
    try:
        entry = codec.decode(before, raw)
    except Invalid as error:
        running = hashlib.sha256(before + raw).digest()
        return *codec.place(raw), running, (), error.sentence
    reason = judge(entry) if judge else None
    return entry.origin, entry.sequence, entry.running, entry.changeset.writes, reason


def _named(number: int, writes: Sequence[Write]) -> Named:
    """Returns the texts and contents that an entry names by hash."""
    return [
        (number, value.sha256, value.size)
        for w in writes
        for value in (w.value, w.old)
        if isinstance(value, Stored)
    ]


def _seeing(write: Write, own: tuple[WriteId, ...]) -> Write:
    """Returns a delete that also saw what its own changeset writes."""
    seen = {*write.seen, *own} - {write.id}
    return msgspec.structs.replace(write, seen=tuple(sorted(seen)))


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    batch: list[_T] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
