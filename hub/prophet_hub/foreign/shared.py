"""What a hub read of a tracker, for the hubs that may go on from it.

A hub that takes a tracker over, or that was restored from a backup and pulls its peer, must know what
was read: which item is which record, and what each of its fields stands for.  The ledger's rows are
that knowledge; here they travel, one cell per item, as a note (`noted`).

A database that never met another writes none of these cells.  When it meets one, all rows are written
at once; from then on each transaction that touches a row writes its cell too, so that a pull brings
both or neither.  `catch_up` is the way back: cells of others become rows.  Two readings of one item
that do not know one another stand side by side and are never a conflict; a row is made of both, and
the next reading of the item comes after both.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.ledger import Ledger, look_again
from prophet_hub.foreign.noted import changeset, note, note_of, noted, record_of
from prophet_hub.foreign.rows import READ, WHOLE, ItemRow, Shadow, Stand
from prophet_hub.foreign.stands import hashed, resolved
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import NOTED, Changeset, Write
from prophet_hub.model.ids import Origin, RecordId, TrackerId, WriteId

__all__ = ["Told", "catch_up", "is_shared", "merged", "share", "tell", "tell_place", "tell_remote",
           "told_apart", "told_place", "told_remote"]  # fmt: skip

_SHARED: Final = ("shared",)
_HEARD: Final = ("shared:heard",)
_BATCH: Final = 200
_PAGE: Final = 1_000
_TICKET: Final = "ticket"
_APART: Final = "It was read by two hubs apart, and is read again by the one that writes there."

_TRACKER: Final = re.compile(r"[0-9a-f]{32}")
_REMOTE: Final = re.compile(r"([0-9a-f]{32}) ([0-9a-f]{32}) (\S{1,64})")
_LARGEST: Final = 1 << 24
"""What unpacks to more bytes than this is cut and then makes no sense."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """One item as it travels.

    Attributes:
        jobs: The jobs whose query told it.
        shadow: None where it was bound and never read.
    """

    tracker: TrackerId
    kind: str
    ref: str
    ticket: str
    born: bool
    jobs: tuple[str, ...] = ()
    shadow: Shadow | None = None
    undone: bool = False


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Told).decode
_tips = msgspec.msgpack.Decoder(list[tuple[bytes, int, bytes]]).decode


def is_shared(replica: Replica) -> bool:
    """Tells whether the database writes down for others what it reads."""
    return replica.store.get("settings", _SHARED) is not None


def share(replica: Replica) -> None:
    """Lets the database write down for others what it reads, and has read; again, does nothing."""
    if is_shared(replica):
        return
    with replica.transaction():
        replica.store.put("settings", _SHARED, b"")
        keys = (key[0] for key, _ in replica.store.scan("items"))
        records = [RecordId(key) for key in keys if isinstance(key, bytes)]
        replica.record(_changesets(replica, records, "all that was read", fresh=True))


def tell(replica: Replica, ledger: Ledger, why: str) -> None:
    """Writes the cells of what was touched; inside the transaction that touched it."""
    touched = sorted(ledger.touched)
    ledger.touched.clear()
    if touched and is_shared(replica):
        records = [ids.of_item(ledger.tracker, kind, ref) for kind, ref in touched]
        replica.record(_changesets(replica, records, why))


def catch_up(replica: Replica) -> None:
    """Brings the rows up to the cells that others wrote; nothing is done where nothing came."""
    tips = [tip for tip in replica.tips() if tip[0] != replica.origin]
    if not is_shared(replica):
        if not tips and next(replica.store.scan("peers"), None) is None:
            return
        share(replica)
    data = replica.store.get("settings", _HEARD)
    heard = _tips(data) if data else []
    if tips == heard:
        return
    with replica.transaction():
        for record in _named_since(replica, tips, heard):
            _take(replica, record)
        replica.store.put("settings", _HEARD, _encode(tips))


def tell_remote(replica: Replica, remote: str, tracker: TrackerId, place: str) -> None:
    """Lets other hubs know which tracker a remote's name stands for, and a digest of its place."""
    said = f"{tracker.hex()} {place} {remote}"
    note(replica, record_of("remote", remote), said, f"which tracker {remote} is")


def tell_place(replica: Replica, tracker: TrackerId, place: str) -> None:
    """Lets other hubs know which tracker stands at a place, by the place's digest."""
    note(replica, record_of("place", place), tracker.hex(), "which tracker stands there")


def told_place(replica: Replica, place: str) -> list[TrackerId]:
    """Returns the trackers that hubs know at a place, by its digest; several if told apart."""
    told = (said for _, said in noted(replica, record_of("place", place)))
    return [TrackerId(bytes.fromhex(said)) for said in told if _TRACKER.fullmatch(said)]


def told_remote(replica: Replica, remote: str) -> tuple[TrackerId, str] | None:
    """Returns which tracker the hubs of this database call by a name, and its place's digest."""
    return next(reversed(told_apart(replica, remote)), None)


def told_apart(replica: Replica, remote: str) -> list[tuple[TrackerId, str]]:
    """Returns all that hubs said of a name without knowing of one another; usually one."""
    told = (_REMOTE.fullmatch(said) for _, said in noted(replica, record_of("remote", remote)))
    return [(TrackerId(bytes.fromhex(f[1])), f[2]) for f in told if f and f[3] == remote]


# --- out -------------------------------------------------------------------------------------------


def _changesets(
    replica: Replica, records: Iterable[RecordId], why: str, *, fresh: bool = False
) -> Iterator[Changeset]:
    """Yields the cells of items, some hundred at a time.

    With `fresh` the rows know of no cell yet: what stands there already was somebody else's reading.
    """
    jobs = _jobs(replica)
    waiting = iter(records)
    while page := list(islice(waiting, _BATCH)):
        rows = (_row(replica, record, jobs, fresh=fresh) for record in page)
        writes = tuple(write for write in rows if write)
        if writes:
            yield changeset(replica, writes, why)


def _row(
    replica: Replica, record: RecordId, jobs: Sequence[tuple[str, TrackerId]], *, fresh: bool
) -> Write | None:
    """Returns the write that tells an item's rows, None where the cell says the same already."""
    store = replica.store
    ledger = Ledger(store, TrackerId(b""), "")
    row = ledger.item(record)
    if row is None:
        return None
    ledger = Ledger(store, row.tracker, "")
    shadow = ledger.shadow(row.kind, row.ref)
    told = Told(
        row.tracker, row.kind, row.ref, row.ticket, row.born,
        tuple(job for job, tracker in jobs if row.kind == _TICKET and tracker == row.tracker
              and ledger.in_scope(job, tracker, row.ref)),
        _shortened(shadow) if shadow else None, row.undone,
    )  # fmt: skip
    above = () if fresh else row.told
    value = _words(told)
    if len(above) == 1 and (above[0], value) in noted(replica, record_of(record)):
        return None
    write = note_of(replica, record_of(record), value, above)
    ledger.set_item(record, msgspec.structs.replace(row, told=(write.id,)))
    return write


def _jobs(replica: Replica) -> list[tuple[str, TrackerId]]:
    """Returns the jobs that ever read a tracker, with it."""
    keys = (key for key, _ in replica.store.scan("checkpoints"))
    return [(str(job), TrackerId(tracker)) for job, tracker in keys if isinstance(tracker, bytes)]


def _words(told: Told) -> str:
    return base64.b64encode(zlib.compress(_encode(told), 6)).decode()


def _shortened(shadow: Shadow) -> Shadow:
    """Returns a reading with long words by their hash."""
    stands = {}
    for name, stand in shadow.stands.items():
        value, was = hashed(stand.value), hashed(stand.was)
        if value is not stand.value or was is not stand.was:
            stands[name] = msgspec.structs.replace(stand, value=value, was=was)
    if not stands:
        return shadow
    return msgspec.structs.replace(shadow, stands={**shadow.stands, **stands})


# --- in --------------------------------------------------------------------------------------------


def _named_since(
    replica: Replica, tips: Iterable[tuple[bytes, int, bytes]],
    heard: Iterable[tuple[bytes, int, bytes]],
) -> list[RecordId]:  # fmt: skip
    """Returns the records of the cells that entries of other origins wrote since."""
    old = set(heard)
    upto: dict[bytes, int] = {}
    for origin, sequence, _ in old:
        upto[origin] = max(sequence, upto.get(origin, 0))
    starts: dict[bytes, int] = {}
    for origin, sequence, running in tips:
        if (origin, sequence, running) not in old:
            known = upto.get(origin, 0)
            starts[origin] = known if known < sequence else 0  # else a branch of a forked origin
    log, found = replica.store.log, dict[RecordId, None]()
    if not starts:
        return []
    number = min(log.number_at(Origin(o), after + 1) for o, after in starts.items()) - 1
    mark = NOTED.encode()
    while page := log.after(number, _PAGE):
        number = page[-1].number
        for row in page:
            after = starts.get(row.origin)
            if after is None or row.sequence <= after or row.reason or mark not in row.raw:
                continue
            writes = codec.decode(row.before, row.raw).changeset.writes
            found |= dict.fromkeys(w.cell.record for w in writes if w.cell.prop == NOTED)
    return list(found)


def _take(replica: Replica, record: RecordId) -> None:
    """Makes an item's rows of its cell."""
    notes = noted(replica, record)
    readings = [(name, told) for name, value in notes if (told := _read(value, record))]
    if not readings:
        _take_name(replica, record, notes)
        return
    first = readings[0][1]
    ledger = Ledger(replica.store, first.tracker, "")
    item = ids.of_item(first.tracker, first.kind, first.ref)
    row = ledger.item(item)
    known = tuple(sorted(name for name, _ in readings))
    if row and row.told == known:
        return
    all_told = [told for _, told in readings]
    ledger.set_item(
        item,
        ItemRow(
            first.tracker, first.kind, first.ref,
            next((told.ticket for told in all_told if told.ticket), ""),
            all(told.born for told in all_told), known, any(told.undone for told in all_told),
        ),
    )  # fmt: skip
    shadows = [told.shadow for told in all_told if told.shadow]
    if shadows:
        before = ledger.shadow(first.kind, first.ref) or Shadow()
        shadow = _worded(merged(shadows), before)
        ledger.set_shadow(first.kind, first.ref, shadow)
        whole = first.ref if first.kind == _TICKET else shadow.ticket
        if any(stand.apart for stand in shadow.stands.values()):
            ledger.wait(
                _TICKET, whole, WHOLE, _APART, now=replica.now(), record=item, quiet=True, tag=READ
            )
    for job in sorted({job for told in all_told for job in told.jobs}):
        theirs = Ledger(replica.store, first.tracker, job)
        if not ledger.in_scope(job, first.tracker, first.ref):
            theirs.set_scope(first.ref)
            look_again(replica.store, [item], job=job)


def _take_name(replica: Replica, record: RecordId, notes: Sequence[tuple[WriteId, str]]) -> None:
    """Takes over what others call a tracker, where nobody here has called one so."""
    for _, said in reversed(notes):
        found = _REMOTE.fullmatch(said)
        if found and record == record_of("remote", found[3]):
            ledger = Ledger(replica.store, TrackerId(bytes.fromhex(found[1])), "")
            if ledger.tracker_named(found[3]) is None:
                ledger.set_name(found[3])
            return


def _read(value: str, record: RecordId) -> Told | None:
    """Returns what a note says of the item whose it is, None where it says anything else."""
    try:
        data = base64.b64decode(value, validate=True)
        told = _decode(zlib.decompressobj().decompress(data, _LARGEST))
    except (ValueError, zlib.error, msgspec.DecodeError):
        return None
    return told if record == record_of(ids.of_item(told.tracker, told.kind, told.ref)) else None


def _worded(shadow: Shadow, before: Shadow) -> Shadow:
    """Returns a reading with the words themselves where the one before it had them."""
    stands = {
        name: resolved(stand, before.stands[name].value) if name in before.stands else stand
        for name, stand in shadow.stands.items()
    }
    return msgspec.structs.replace(shadow, stands=stands)


def merged(shadows: Sequence[Shadow]) -> Shadow:
    """Returns one reading made of several that do not know one another.

    A tracker is one serial place: whichever was the last came after the others, and who acts next
    has seen all of them.  Which one it was cannot always be told, so the next reading that finds
    nothing new is put after all of them.
    """
    if len(shadows) == 1:
        return shadows[0]
    last = max(shadows, key=lambda shadow: (shadow.seen, _encode(shadow)))
    stands = {}
    for name in sorted({name for shadow in shadows for name in shadow.stands}):
        mine = [(s.seen, s.stands[name]) for s in shadows if name in s.stands]
        stands[name] = _last(mine)
    return msgspec.structs.replace(
        last,
        stands=stands,
        gone=any(shadow.gone for shadow in shadows),
        merged=next((shadow.merged for shadow in shadows if shadow.merged), ""),
        closed=any(shadow.closed for shadow in shadows),
        files=frozenset[str]().union(*(shadow.files for shadow in shadows)),
    )


def _last(stands: Sequence[tuple[int, Stand]]) -> Stand:
    def order(one: tuple[int, Stand]) -> tuple[Any, ...]:
        seen, stand = one
        return seen, stand.own, sorted(stand.ids), _encode(stand)

    last = max(stands, key=order)[1]
    others = [stand for _, stand in stands]
    words = {word for s in others for word in (s.value, *s.apart)} - {last.value}
    if len({stand.ids for stand in others}) == 1 and not words:
        return last
    above = last.ids if last.own else last.ids.union(*(stand.ids for stand in others))
    apart = tuple(sorted(words, key=lambda word: (word is not None, word or "")))
    return msgspec.structs.replace(last, ids=above, apart=apart)
