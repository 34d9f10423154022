"""One tracker that two hubs read before they knew of one another: its two ids become one.

Each hub gave the tracker an id, so each ticket of it is two records, and the keys in the copies that
one hub made name records of its own.  When the databases meet, the least id stands for both: an item's
two records are paired, and what was read under the other id was read under this one, as when two hubs
of one database read it apart (`shared.merged`).  Whoever held a copy with an unknown key knows the key
then; and the tracker has one claim, so one hub goes on with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign import shared
from prophet_hub.foreign.joining import FIXED
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.noted import AUTHOR, note, noted, record_of
from prophet_hub.foreign.rows import READ, WHOLE, ItemRow
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write, same_as
from prophet_hub.model.ids import ChangesetName, RecordId, TrackerId, WriteId
from prophet_hub.sdk import TICKET
from prophet_hub.values import PRESENT

__all__ = ["heard", "one_of", "say_once", "unite", "was_united"]

_PAGE: Final = 200
_UNITED: Final = "united:"
_WHY: Final = "one tracker that two hubs read"
_APART: Final = "It was read by two hubs apart, and is read again by the one that writes there."


def one_of(replica: Replica, tracker: TrackerId) -> TrackerId:
    """Returns the id that stands for a tracker's now: its own, where it was united with no other."""
    least = min((said for _, said in noted(replica, record_of("is", tracker))), default="")
    try:
        one = TrackerId(bytes.fromhex(least))
    except ValueError:
        return tracker
    return one_of(replica, one) if one and one < tracker else tracker


def heard(replica: Replica, tracker: TrackerId) -> set[TrackerId]:
    """Returns the ids that were united with one and under which something was heard since."""
    data = replica.store.get("settings", (_UNITED + tracker.hex(),)) or b""
    others = {TrackerId(data[n : n + 16]) for n in range(0, len(data), 16)}
    return {one for one in others if next(replica.store.scan("shadows", (one,)), None)}


def was_united(replica: Replica, tracker: TrackerId) -> bool:
    """Tells whether an id stands for others too."""
    return replica.store.get("settings", (_UNITED + tracker.hex(),)) is not None


def unite(replica: Replica, trackers: Collection[TrackerId]) -> TrackerId:
    """Makes one tracker of several and returns the id that stands for it.

    Again, it takes over what was heard under the others since.
    """
    one, store = min(trackers), replica.store
    for other in sorted(set(trackers) - {one}):
        with replica.transaction():
            _move_all(replica, one, other)
        rows = iter([*_rows(replica, other), *_rows(replica, one)])
        while page := list(islice(rows, _PAGE)):
            with replica.transaction():
                replica.record(
                    _pair(row, other if row.tracker == one else one, r) for r, row in page
                )
                for record, row in page:
                    if row.tracker == other:
                        _move(replica, one, record, row)
        with replica.transaction():
            known = store.get("settings", (_UNITED + one.hex(),)) or b""
            if other not in {known[n : n + 16] for n in range(0, len(known), 16)}:
                store.put("settings", (_UNITED + one.hex(),), known + other)
            note(replica, record_of("is", other), one.hex(), _WHY)
            name = Ledger(replica.store, one, "").remote_named(one)
            Ledger(replica.store, other, "").rename(name)
    return one


def say_once(replica: Replica) -> None:
    """Lets what trackers alone say of a record, and two hubs said of its two, be said once."""
    writes = []
    for one in replica.conflicts():
        cell = one.cell
        if cell.prop in FIXED:
            least = min(cell.heads, key=lambda head: (str(head.value), head.id))
            above = tuple(sorted(head.id for head in cell.heads))
            said = Cell(one.record, cell.prop, cell.member)
            name = WriteId(ids.name_of("once", one.record, cell.prop, cell.member, list(above)))
            writes.append(Write(name, said, one.type, least.value, above, least.created, "joined"))
    if writes:
        name_of = ChangesetName(ids.name_of("once", [write.id for write in writes]))
        with replica.transaction():
            replica.record([Changeset(name_of, AUTHOR, 0, tuple(writes), _WHY)])


def _rows(replica: Replica, tracker: TrackerId) -> Iterator[tuple[RecordId, ItemRow]]:
    """Yields the items that were read under an id, with their records."""
    ledger = Ledger(replica.store, tracker, "")
    for (key,), _ in replica.store.scan("items"):
        if isinstance(key, bytes):
            row = ledger.item(RecordId(key))
            if row is not None and row.tracker == tracker:
                yield RecordId(key), row


def _pair(row: ItemRow, other: TrackerId, record: RecordId) -> Changeset:
    """Returns the changeset that says that an item's two records are one; told twice, it is one."""
    cell = same_as(record, ids.of_item(other, row.kind, row.ref))
    name = WriteId(ids.name_of("link", cell.record, cell.prop, cell.member))
    pair = ChangesetName(ids.name_of("bound", cell.record, cell.member))
    return Changeset(pair, AUTHOR, 0, (Write(name, cell, "", PRESENT),), _WHY)


def _move_all(replica: Replica, one: TrackerId, other: TrackerId) -> None:
    """Lets what queries told, and what was under way, stand under the one id."""
    store = replica.store
    for (job, tracker, ref), data in list(store.scan("scope")):
        if tracker == other:
            store.put("scope", (job, one, ref), data)
            store.drop("scope", (job, tracker, ref))
    for table in ("intents", "outstanding"):
        for key, data in list(store.scan(table, (other,))):
            store.put(table, (one, *key[1:]), data)
            store.drop(table, key)
    for key, _ in list(store.scan("inbox", (other,))):
        store.drop("inbox", key)  # whoever reads on meets it again


def _move(replica: Replica, one: TrackerId, record: RecordId, row: ItemRow) -> None:
    """Lets what was read and what is under way at an item stand under the one id."""
    store = replica.store
    ledger, old = Ledger(store, one, ""), Ledger(store, row.tracker, "")
    ledger.set_item(record, msgspec.structs.replace(row, tracker=one))
    twin = ids.of_item(one, row.kind, row.ref)
    if ledger.item(twin) is None:
        ledger.set_item(twin, msgspec.structs.replace(row, tracker=one, told=()))
    there = [s for s in (ledger.shadow(row.kind, row.ref), old.shadow(row.kind, row.ref)) if s]
    if there:
        shadow = shared.merged(there)
        ledger.set_shadow(row.kind, row.ref, shadow)
        store.drop("shadows", (row.tracker, row.kind, row.ref))
        whole = row.ref if row.kind == TICKET else shadow.ticket
        if any(stand.apart for stand in shadow.stands.values()):
            ledger.wait(TICKET, whole, WHOLE, _APART, now=replica.now(), quiet=True, tag=READ)
