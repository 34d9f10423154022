"""What must hold of the ledger itself, as far as a quick look can tell, and of the files kept here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from prophet_hub.errors import StoreError
from prophet_hub.foreign.drift import Drift, Why
from prophet_hub.foreign.rows import ItemRow, Shadow
from prophet_hub.foreign.side import Side
from prophet_hub.model import ids
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET
from prophet_hub.values import Stored

__all__ = ["broken", "spoilt"]


def broken(side: Side) -> Iterator[Drift]:
    """Yields the rows of a remote that contradict one another, and what is bound and unread."""
    place, ledger = side.ledger.place(), side.ledger
    fault = partial(Drift, remote=side.spec.name, why=Why.LEDGER)
    if place.composed > side.replica.latest():
        yield fault(reason="its last plan looked at changesets that are not in this database")
    if place.whole and not place.cursor:
        yield fault(reason="it was read to the end, and no place to go on from was noted")
    for record, row in ledger.items():
        item = fault(kind=row.kind, ref=row.ref, ticket=row.ticket, record=record)
        if record != ids.of_item(row.tracker, row.kind, row.ref):
            yield replace(item, reason="it is bound to a record that is not its own")
            continue
        shadow = ledger.shadow(row.kind, row.ref)
        if shadow is None:
            yield from _unread(side, record, row)
        elif not shadow.gone and not _stands(side, record, row):
            yield replace(item, reason="it was read, and the record that it is does not exist")
    for kind in (TICKET, COMMENT, ATTACHMENT):
        for ref, _ in ledger.known(kind):
            record = side.record(kind, ref)
            if ledger.item(record) is None:
                yield fault(kind=kind, ref=ref, record=record,
                            reason="it was read, and no record is bound to it")  # fmt: skip


def _unread(side: Side, record: RecordId, row: ItemRow) -> Iterator[Drift]:
    """Yields an item that is bound and was never read, unless a reading of it is to come anyway."""
    ticket = row.ref if row.kind == TICKET else row.ticket
    created = any(intent.ref == row.ref for intent in side.intents.values())
    if not created and not {(row.kind, row.ref), (TICKET, ticket)} & side.waiting:
        yield Drift(remote=side.spec.name, why=Why.UNBOUND, kind=row.kind, ref=row.ref,
                    ticket=row.ticket, record=record)  # fmt: skip


def _stands(side: Side, record: RecordId, row: ItemRow) -> bool:
    """Tells whether anything is known of an item's record, or of the one that it is a copy of."""
    if side.replica.knows(record):
        return True
    return not row.born and any(side.replica.knows(m) for m in side.replica.members(record))


def spoilt(side: Side) -> Iterator[Drift]:
    """Yields the attachments whose bytes here are not those that were read."""
    for ref, shadow in side.ledger.known(ATTACHMENT):
        stored = _content(shadow)
        if shadow.gone or stored is None:
            continue
        lost = partial(Drift, remote=side.spec.name, why=Why.BYTES, kind=ATTACHMENT, ref=ref,
                       ticket=shadow.ticket, record=side.record(ATTACHMENT, ref),
                       base=stored.sha256)  # fmt: skip
        digest = hashlib.sha256()
        try:
            for piece in side.replica.store.blobs.read(stored):
                digest.update(piece)
        except StoreError as error:
            yield lost(reason=str(error))
            continue
        if digest.hexdigest() != stored.sha256:
            yield lost(shown=digest.hexdigest())


def _content(shadow: Shadow) -> Stored | None:
    content, size = (shadow.stands.get(name) for name in ("content", "size"))
    if content is None or size is None or content.value is None or size.value is None:
        return None
    return Stored(content.value, int(size.value))
