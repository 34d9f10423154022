"""What the bridge notes of a tracker beside the log: typed rows over the store's ledger tables.

A row is MessagePack of one struct.  Everything here is this hub's own knowledge of one tracker: what
was read last, what is under way, what waits.  All of it is written in the transaction that records
the reading it belongs to, so a crash leaves the two in step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol, TypeVar

import msgspec

from prophet_hub.foreign.rows import (
    WHOLE,
    Intent,
    ItemRow,
    Journal,
    PersonRow,
    Place,
    Sent,
    Shadow,
    Waiting,
    slot,
    split,
)
from prophet_hub.model.ids import RecordId, TrackerId

__all__ = ["Ledger", "journal_of", "journal_rows", "look_again", "view", "waiting_of", "whole"]


class _Store(Protocol):
    def get(self, table: str, key: Any) -> bytes | None: ...
    def put(self, table: str, key: Any, data: bytes) -> None: ...
    def drop(self, table: str, key: Any) -> None: ...
    def scan(self, table: str, prefix: Any = ()) -> Iterator[tuple[Any, bytes]]: ...
    def last(self, table: str) -> tuple[Any, bytes] | None: ...


_encode = msgspec.msgpack.Encoder().encode
_T = TypeVar("_T")
_decoders: Final[dict[type, msgspec.msgpack.Decoder[Any]]] = {
    kind: msgspec.msgpack.Decoder(kind)
    for kind in (Shadow, Sent, Intent, ItemRow, PersonRow, Place, Waiting, Journal, int)
}


class Ledger:
    """The rows of one tracker, in one store, for one job.

    Attributes:
        touched: The items, (kind, id), of which something was noted that travels to other hubs.
    """

    def __init__(self, store: _Store, tracker: TrackerId, job: str) -> None:
        self.store, self.tracker, self.job = store, tracker, job
        self.touched: set[tuple[str, str]] = set()

    # --- what was read ---

    def shadow(self, kind: str, ref: str) -> Shadow | None:
        """Returns an item as last read, None if it never was."""
        return self._get(Shadow, "shadows", self.tracker, kind, ref)

    def set_shadow(self, kind: str, ref: str, shadow: Shadow) -> None:
        """Notes a reading."""
        self.touched.add((kind, ref))
        self._put("shadows", (self.tracker, kind, ref), shadow)

    def shadows(self, kind: str) -> Iterator[Shadow]:
        """Yields all items of a kind as last read."""
        for _, data in self.store.scan("shadows", (self.tracker, kind)):
            yield _decoders[Shadow].decode(data)

    def known(self, kind: str) -> Iterator[tuple[str, Shadow]]:
        """Yields the ids of all items of a kind, with how they were last read."""
        for key, data in self.store.scan("shadows", (self.tracker, kind)):
            yield key[2], _decoders[Shadow].decode(data)

    def items(self) -> Iterator[tuple[RecordId, ItemRow]]:
        """Yields this tracker's items, each with the record that it is."""
        for key, data in self.store.scan("items"):
            row = _decoders[ItemRow].decode(data)
            if row.tracker == self.tracker:
                yield RecordId(key[0]), row

    def item(self, record: RecordId) -> ItemRow | None:
        """Returns which item a record is, None if it is none: local, or another hub's."""
        return self._get(ItemRow, "items", record)

    def set_item(self, record: RecordId, row: ItemRow) -> None:
        """Notes which item a record is."""
        self.touched.add((row.kind, row.ref))
        self._put("items", (record,), row)

    def in_scope(self, job: str, tracker: TrackerId, ref: str) -> bool:
        """Tells whether a job's query has told the ticket."""
        return self.store.get("scope", (job, tracker, ref)) is not None

    def set_scope(self, ref: str) -> None:
        """Notes that the job's query told the ticket, and that there is such a job, which other hubs
        are told; the second time changes nothing.
        """
        if not self.in_scope(self.job, self.tracker, ref):
            self.touched.add((_TICKET, ref))
            self.store.put("scope", (self.job, self.tracker, ref), b"")
            if self._get(Place, "checkpoints", self.job, self.tracker) is None:
                self._put("checkpoints", (self.job, self.tracker), Place())

    def place(self) -> Place:
        """Returns how far the job has come with this tracker."""
        return self._get(Place, "checkpoints", self.job, self.tracker) or Place()

    def of(self, job: str) -> Ledger:
        """Returns the rows of the same tracker for another job."""
        return Ledger(self.store, self.tracker, job)

    def set_place(self, place: Place) -> None:
        """Notes how far the job has come; nothing is written where it stands already."""
        if place != self.place():
            self._put("checkpoints", (self.job, self.tracker), place)

    # --- what is under way ---

    def sent(self, kind: str, ref: str) -> dict[str, Sent]:
        """Returns our own writes since the last reading of an item, by slot."""
        return {
            slot(key[3], key[4]): _decoders[Sent].decode(data)
            for key, data in self.store.scan("outstanding", (self.tracker, kind, ref))
        }

    def set_sent(self, kind: str, ref: str, name: str, sent: Sent | None) -> None:
        """Notes a write that goes out, or with None that nothing is under way."""
        key = (self.tracker, kind, ref, *split(name))
        if sent is None:
            self.store.drop("outstanding", key)
        else:
            self._put("outstanding", key, sent)

    def unread(self) -> Iterator[tuple[str, str]]:
        """Yields (kind, ref) of items with writes under way."""
        for key, _ in list(self.store.scan("outstanding", (self.tracker,))):
            yield key[1], key[2]

    def intents(self) -> list[tuple[str, RecordId, Intent]]:
        """Returns the creates under way: (kind, record, intent)."""
        return [
            (key[1], key[2], _decoders[Intent].decode(data))
            for key, data in self.store.scan("intents", (self.tracker,))
            if not key[1].startswith(_LOOK)
        ]

    def intent(self, kind: str, record: RecordId) -> Intent | None:
        """Returns the create under way for a record."""
        return self._get(Intent, "intents", self.tracker, kind, record)

    def set_intent(self, kind: str, record: RecordId, intent: Intent | None) -> None:
        """Notes a create that goes out, or with None that it is settled."""
        if intent is None:
            self.store.drop("intents", (self.tracker, kind, record))
        else:
            self._put("intents", (self.tracker, kind, record), intent)

    def looks(self) -> list[RecordId]:
        """Returns the records that the next plan looks at although they did not change."""
        return [
            k[2] for k, _ in self.store.scan("intents", (self.tracker, _LOOK + whole(self.job)))
        ]

    def look(self, record: RecordId, *, again: bool = True) -> None:
        """Notes that the next plan looks at a record, or that it need not."""
        key = (self.tracker, _LOOK + whole(self.job), record)
        if again:
            if self.store.get("intents", key) is None:
                self.store.put("intents", key, b"")
        else:
            self.store.drop("intents", key)

    # --- what waits ---

    def waiting(self, kind: str, ref: str, name: str = WHOLE) -> Waiting | None:
        """Returns what waits at a slot of an item."""
        return self._get(Waiting, "inbox", self.tracker, kind, ref, *split(name))

    def all_waiting(self, *prefix: str) -> Iterator[tuple[str, str, str, Waiting]]:
        """Yields (kind, ref, slot, row) of what waits for this tracker."""
        for key, data in list(self.store.scan("inbox", (self.tracker, *prefix))):
            yield key[1], key[2], slot(key[3], key[4]), _decoders[Waiting].decode(data)

    def wait(
        self, kind: str, ref: str, name: str, reason: str, *, now: int,
        record: RecordId | None = None, field: str = "", value: str | None = None,
        parked: bool = False, quiet: bool = False, pairing: str = "", tag: str = "",
        until: str = "", run: str = "", again: bool = False,
    ) -> None:  # fmt: skip
        """Puts something into the inbox; the second time only counts."""
        before = self.waiting(kind, ref, name)
        tries = before.tries + (not quiet) if before and not again else 1
        row = Waiting(
            number=before.number if before else self.next("inbox"),
            reason=reason, record=record, field=field, value=value,
            since=before.since if before else now, tries=tries,
            parked=parked, quiet=quiet, pairing=pairing, tag=tag, until=until, run=run,
        )  # fmt: skip
        if row != before:
            self._put("inbox", (self.tracker, kind, ref, *split(name)), row)

    def done_waiting(self, kind: str, ref: str, name: str = WHOLE) -> None:
        """Takes something out of the inbox; nothing happens where nothing waits."""
        self.store.drop("inbox", (self.tracker, kind, ref, *split(name)))

    # --- persons, names, journal ---

    def people(self) -> Iterator[tuple[str, PersonRow]]:
        """Yields the persons that this tracker told."""
        for key, data in self.store.scan("people", (self.tracker,)):
            yield key[1], _decoders[PersonRow].decode(data)

    def set_person(self, person: str, row: PersonRow) -> None:
        """Notes what the tracker tells of a person."""
        self._put("people", (self.tracker, person), row)

    def tracker_named(self, remote: str) -> TrackerId | None:
        """Returns the tracker that a remote's name stands for, or once stood for."""
        found = self.store.get("settings", (_NAME + remote,))
        return TrackerId(found) if found else None

    def remote_named(self, tracker: TrackerId) -> str:
        """Returns the present name of a tracker's remote, "" if it never had one."""
        return (self.store.get("settings", (_NOW + tracker.hex(),)) or b"").decode()

    def names(self) -> dict[str, TrackerId]:
        """Returns all names that remotes have or had, sorted, with the trackers they stand for."""
        keys = ((str(key[0]), data) for key, data in self.store.scan("settings"))
        return {
            key.removeprefix(_NAME): TrackerId(data) for key, data in keys if key.startswith(_NAME)
        }

    def set_name(self, remote: str) -> None:
        """Notes a name of the tracker; attribution lines speak of it by the first."""
        if self.tracker_named(remote) != self.tracker:
            self.store.put("settings", (_NAME + remote,), self.tracker)
        if not self.remote_named(self.tracker):
            self.rename(remote)

    def rename(self, remote: str) -> None:
        """Lets attribution lines speak of the tracker by another of its names."""
        self.store.put("settings", (_NOW + self.tracker.hex(),), remote.encode())

    def journal(self, run: str, number: int) -> Journal | None:
        """Returns one row of the journal."""
        return self._get(Journal, "receipts", run, number)

    def set_journal(self, run: str, number: int, row: Journal) -> None:
        """Writes one row of the journal."""
        self._put("receipts", (run, number), row)

    def next(self, counter: str) -> int:
        """Returns the next number of a counter, from 1."""
        number = (self._get(int, "settings", f"counter:{counter}") or 0) + 1
        self._put("settings", (f"counter:{counter}",), number)
        return number

    def _get(self, kind: type[_T], table: str, *key: Any) -> _T | None:
        data = self.store.get(table, key)
        return None if data is None else _decoders[kind].decode(data)

    def _put(self, table: str, key: tuple[Any, ...], row: Any) -> None:
        self.store.put(table, key, _encode(row))


_TICKET: Final = "ticket"  # as prophet_hub.sdk calls it; not imported, `show` has no time for it
_LOOK: Final = "look:"
_PART: Final = "\x1f"
_NAME: Final = "tracker-of:"
_NOW: Final = "name-of:"


def view(job: str, remote: str) -> str:
    """Returns under which name a job's progress is noted where several of its remotes are parts of
    one tracker: each has a query of its own.
    """
    return f"{job}{_PART}{remote}"


def whole(job: str) -> str:
    """Returns the job whose progress is noted under a name."""
    return job.partition(_PART)[0]


def look_again(store: _Store, records: Iterable[RecordId], *, job: str = "") -> None:
    """Lets the next plans of a job, or of all jobs, look at records that did not change."""
    for key, data in list(store.scan("checkpoints")):
        if job and whole(str(key[0])) != whole(job):
            continue
        if isinstance(key[1], bytes) and _decoders[Place].decode(data).composed:
            for record in records:
                Ledger(store, TrackerId(key[1]), str(key[0])).look(record)


def journal_rows(store: _Store) -> Iterator[tuple[str, int, Journal]]:
    """Yields (run, number, row) of all runs, sorted so."""
    for key, data in store.scan("receipts"):
        yield key[0], key[1], _decoders[Journal].decode(data)


def journal_of(store: _Store, run: str) -> list[Journal]:
    """Returns the writes of a run in their order, of all trackers."""
    rows = sorted((key[1], data) for key, data in store.scan("receipts", (run,)))
    return [_decoders[Journal].decode(data) for _, data in rows]


def waiting_of(data: bytes) -> Waiting:
    """Returns a row of any tracker's inbox."""
    return msgspec.msgpack.decode(data, type=Waiting)
