"""Ways into the log: changesets of this replica's own, and entries of others."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from prophet_hub.engine.heads import Derivation
from prophet_hub.engine.offered import Judge, Refused, batches, patient, read, weight
from prophet_hub.engine.offers import Parcel
from prophet_hub.engine.past import Past
from prophet_hub.engine.quarantine import Branch, Named, Quarantine, named_in
from prophet_hub.engine.reading import latest
from prophet_hub.engine.trust import Trust
from prophet_hub.errors import Invalid
from prophet_hub.model import codec, seals
from prophet_hub.model.changes import Changeset, Write, is_delete
from prophet_hub.model.ids import ChangesetName, Origin, WriteId, fresh
from prophet_hub.store.base import EntryRow
from prophet_hub.store.log import Log
from prophet_hub.store.sqlite import Store
from prophet_hub.values import INLINE, Stored, Value

__all__ = ["Recorder"]

Sign = Callable[[bytes], bytes]


class Recorder:
    """The writing end of a replica's log."""

    def __init__(self, store: Store, derivation: Derivation, origin: Origin) -> None:
        self._store, self._log, self._derivation = store, store.log, derivation
        self.origin = origin
        self.quarantine = Quarantine(store, derivation)
        self.sign: Sign | None = None
        self._unsigned: list[tuple[int, bytes]] = []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits all that is recorded inside or nothing; see `Replica.transaction`."""
        origin, outermost = self.origin, not self._store.in_transaction
        try:
            with self._store.transaction():
                if outermost:  # another process may have taken a new one
                    self.origin = Origin(self._store.meta("origin") or origin)
                yield
                if outermost:
                    self._seal()
        except BaseException:
            self.origin = origin
            if outermost:
                self._unsigned.clear()
            self._log.forget()
            raise

    # --- our own ---

    def record(self, changesets: Iterable[Changeset]) -> int:
        """Logs changesets at the next places of the own origin; see `Replica.record`."""
        return sum(self._record(batch) for batch in batches(changesets))

    def _record(self, changesets: Sequence[Changeset]) -> int:
        return self._append(self._new(changesets))

    def vouch(self, author: str, created: int, note: str) -> None:
        """Logs an entry without writes, so that a seal over all before it travels with it."""
        with self.transaction():
            self._append([Changeset(ChangesetName(fresh()), author, created, (), note)])

    def _append(self, changesets: Iterable[Changeset]) -> int:
        self._log.add_origin(self.origin)
        sequence, running = self._log.last(self.origin)
        number = latest(self._store) + 1
        rows: list[EntryRow] = []
        fresh_: list[tuple[int, Sequence[Write]]] = []
        for changeset in changesets:
            sequence += 1
            entry, raw = codec.seal(self.origin, sequence, running, changeset)
            codec.check(raw)  # what we record, others must be able to take
            running = entry.running
            rows.append(EntryRow(number, self.origin, sequence, entry.before, running, raw, None))
            fresh_.append((number, changeset.writes))
            number += 1
        if rows:
            self._log.append(rows)
            self._log.carry([one for n, writes in fresh_ for one in named_in(n, writes)])
            self._derivation.apply(fresh_)
            self._unsigned.append((rows[-1].number, running))
        return len(rows)

    def _seal(self) -> None:
        """Signs the last entry that we recorded, and so all before it, where there is a key.

        The last of our origin in the log will not do: a forger may have put one after ours.
        """
        recorded, self._unsigned = self._unsigned, []
        if self.sign is None:
            return
        for number, running in reversed(recorded):
            if any(row.running == running for row in self._log.entries((number,))):
                self._log.put_seals([(number, self.sign(seals.words(running)))])
                return  # those after it were rolled back

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
                if w.id in write.supersedes:
                    write = _beside_itself(write)
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
        if len(data) > codec.MAX_TEXT:
            raise Invalid(f"A text has {len(data):,} bytes; {codec.MAX_TEXT:,} are allowed.")
        sha256 = hashlib.sha256(data).hexdigest()
        self._log.put_text(sha256, data)
        return Stored(sha256, len(data))

    # --- others' ---

    def integrate(
        self,
        source: Iterable[Parcel | tuple[bytes, bytes]],
        judge: Judge | None,
        refused: Refused | None = None,
    ) -> int:
        """Takes entries in the source's own order; see `Replica.integrate`."""
        count, offered = 0, 0
        refused = patient(refused)
        for batch in batches((Parcel(*one) for one in source), weight):
            with self.transaction():
                count += self._integrate(batch, self._placed(batch, judge, refused, offered))
            offered += len(batch)
        return count

    def _integrate(self, batch: Sequence[Parcel], placed: Iterable[_Placed]) -> int:
        number = latest(self._store) + 1
        rows: list[EntryRow] = []
        accepted: list[tuple[int, Sequence[Write]]] = []
        named, counting = Named(), Named()
        kept: list[tuple[int, bytes]] = []
        trust = Trust(self._store)
        verdict = trust.judge(batch) if trust.required else None
        vouched: list[tuple[Branch, bytes]] = []
        for origin, sequence, running, parcel, writes, fault, new in placed:
            before, raw, texts, seal = parcel
            reason = fault
            if verdict is not None:
                reason = fault or verdict.reasons.get(running)
                if running in verdict.tops:
                    vouched.append(((origin, sequence, running), seal))
            if not new:
                self._take_late(texts)
                continue
            rows.append(EntryRow(number, origin, sequence, before, running, raw, reason))
            here = named_in(number, writes)
            named += here
            if reason is None:
                accepted.append((number, writes))
                counting += here
            self._take_texts(texts, {sha256 for _, sha256, _ in here})
            if len(seal) == seals.SEAL:
                kept.append((number, seal))
            number += 1
        self._log.append(rows)
        self._log.put_seals(kept)
        self._log.carry(named)
        self.quarantine.vouch(vouched)
        self.quarantine.want(counting)
        if accepted:
            self._derivation.apply(accepted)
        if any(row.origin == self.origin for row in rows):
            self.take_new_origin()
        return len(rows)

    def _placed(
        self, batch: Sequence[Parcel], judge: Judge | None, refused: Refused | None, offered: int
    ) -> Iterator[_Placed]:
        """Yields what can stand in the log; the rest is refused by name."""
        places = _Places(self._log)
        for parcel in batch:
            offered += 1
            try:
                origin, sequence, running, writes, fault = read(parcel.before, parcel.raw, judge)
                new = places.take(origin, sequence, parcel.before, running)
            except Invalid as error:
                if refused is None:
                    raise
                refused(f"Entry {offered:,} of those offered: {error.sentence}")
                continue
            yield _Placed(origin, sequence, running, parcel, writes, fault, new)

    def _take_texts(self, texts: Sequence[bytes], named: set[str]) -> None:
        """Keeps the texts that their entry names; nothing else is believed."""
        for data in texts:
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 in named:
                self._log.put_text(sha256, data)
                self._log.arrived(sha256)

    def _take_late(self, texts: Sequence[bytes]) -> None:
        """Keeps the texts that an entry did not bring when it came."""
        for data in texts:
            sha256 = hashlib.sha256(data).hexdigest()
            if self._log.wants(sha256):
                self._log.put_text(sha256, data)
                self._log.arrived(sha256)

    def accept(self, number: int) -> None:
        """Takes an entry out of quarantine: from now on its writes count.

        Raises:
            Invalid: It still cannot be read.
        """
        for row in self._log.entries((number,)):
            codec.decode(row.before, row.raw)
        with self.transaction():
            self.quarantine.release((number,))

    def take_new_origin(self) -> None:
        """Goes on under a new origin; nothing is dropped or logged again."""
        with self.transaction():
            self._seal()
            if self.origin:
                former = self._store.meta("former") or b""
                self._store.set_meta(
                    "former", former + self.origin + self._log.last(self.origin)[1]
                )
            self.origin = Origin(fresh())
            self._store.set_meta("origin", self.origin)


class _Placed(NamedTuple):
    """An offered entry that can stand at its place: why it cannot count, and whether it is new."""

    origin: Origin
    sequence: int
    running: bytes
    parcel: Parcel
    writes: Sequence[Write]
    fault: str | None
    new: bool


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


def _beside_itself(write: Write) -> Write:
    """Returns a write that does not supersede itself: an event may be told again where it stands."""
    above = tuple(one for one in write.supersedes if one != write.id)
    return msgspec.structs.replace(write, supersedes=above)


def _seeing(write: Write, own: tuple[WriteId, ...]) -> Write:
    """Returns a delete that also saw what its own changeset writes."""
    seen = {*write.seen, *own} - {write.id}
    return msgspec.structs.replace(write, seen=tuple(sorted(seen)))
