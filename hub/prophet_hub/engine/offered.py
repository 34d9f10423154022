"""Reading what is offered: entry by entry, in batches that fit into memory, with limited patience."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from prophet_hub.engine.offers import Parcel
from prophet_hub.errors import Invalid
from prophet_hub.model import codec
from prophet_hub.model.changes import Entry, Write
from prophet_hub.model.ids import Origin

__all__ = ["Judge", "Refused", "batches", "patient", "read", "weight"]

_T = TypeVar("_T")

Judge = Callable[[Entry], str | None]
"""Says of an entry why it is not to be accepted, None if it is."""

Refused = Callable[[str], None]
"""Is told, in one sentence, of each offered entry that cannot stand in the log."""

_BATCH: Final = 2_000
"""Changesets brought into the derived tables at once: bounds memory, spares statements."""

_BYTES: Final = 64 << 20
"""Bytes of offered entries and texts that are held in memory at once."""

_GARBAGE: Final = 1_000
"""Refused entries after which a source is not listened to any more."""


def read(
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


def patient(refused: Refused | None) -> Refused | None:
    """Returns the listener, which loses its patience with a source that offers garbage only."""
    count = 0

    def tell(sentence: str) -> None:
        nonlocal count
        count += 1
        if refused is not None:
            refused(sentence)
        if count >= _GARBAGE:
            raise Invalid(
                f"{count:,} of the offered entries are garbage or have nothing to follow.",
                hint="Pull from another replica; what could be taken was taken.",
            )

    return tell if refused is not None else None


def weight(parcel: Parcel) -> int:
    """Returns the bytes that a parcel holds in memory."""
    return len(parcel.raw) + sum(map(len, parcel.texts))


def batches(items: Iterable[_T], weight: Callable[[_T], int] | None = None) -> Iterator[list[_T]]:
    """Yields items in lists that are bounded in number and, where they have a weight, in bytes."""
    batch: list[_T] = []
    heavy = 0
    for item in items:
        batch.append(item)
        heavy += weight(item) if weight else 0
        if len(batch) == _BATCH or heavy > _BYTES:
            yield batch
            batch, heavy = [], 0
    if batch:
        yield batch
