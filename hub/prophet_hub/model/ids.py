"""Names: every id is sixteen bytes, and a fact's name does not depend on who computes it.

Design, section 4: "Facts from trackers have names that do not depend on who fetched them."
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable
from typing import NewType

import msgspec

__all__ = [
    "SIXTEEN",
    "ChangesetName",
    "Origin",
    "RecordId",
    "TrackerId",
    "WriteId",
    "fresh",
    "is_of_item",
    "name_of",
    "of_event",
    "of_item",
    "of_residue",
    "text",
]

RecordId = NewType("RecordId", bytes)
WriteId = NewType("WriteId", bytes)
ChangesetName = NewType("ChangesetName", bytes)
Origin = NewType("Origin", bytes)
TrackerId = NewType("TrackerId", bytes)

SIXTEEN = msgspec.Meta(min_length=16, max_length=16)
"""What decoding asks of every id."""

_encode = msgspec.msgpack.Encoder().encode


def fresh() -> bytes:
    """Returns a random id (uuid 4)."""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def text(name: bytes) -> str:
    """Returns an id as people read it: the canonical text of a uuid."""
    return str(uuid.UUID(bytes=name))


def name_of(*parts: object) -> bytes:
    """Returns a name made of the parts alone; they are text, bytes, numbers, None or lists of them."""
    return hashlib.blake2b(_encode(parts), digest_size=16).digest()


def of_item(tracker: TrackerId, kind: str, foreign: str) -> RecordId:
    """Returns the record of a tracker's item: uuid5(tracker id, kind, foreign id)."""
    digest = hashlib.sha1(tracker + _encode((kind, foreign)), usedforsecurity=False).digest()
    raw = bytearray(digest[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    return RecordId(bytes(raw))


def is_of_item(record: RecordId) -> bool:
    """Tells whether a record has a name as `of_item` gives; what is made here has another kind."""
    return record[6] >> 4 == 5  # noqa: PLR2004 - a uuid's version


def of_event(
    tracker: TrackerId, kind: str, ref: str, event: str, prop: str, member: str
) -> WriteId:
    """Returns the name of a write that an event told.

    The value is not in it: two hubs with different maps write one name with two renderings.
    """
    return WriteId(name_of("event", tracker, kind, ref, event, prop, member))


def of_residue(
    tracker: TrackerId,
    kind: str,
    ref: str,
    word: str,
    prop: str,
    member: str,
    above: Iterable[WriteId],
) -> WriteId:
    """Returns the name of a write that no event told: a birth or a residue.

    The tracker's own word is in it, and what it supersedes: without the latter a, b, a on a tracker
    without history bites its own tail.
    """
    return WriteId(name_of("none", tracker, kind, ref, prop, member, word, sorted(above)))
