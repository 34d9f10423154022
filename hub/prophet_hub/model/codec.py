"""Entries as bytes: MessagePack, hashed along the log, and the limits of what an entry may be.

The running hash is SHA-256 over the hash before it and the bytes of the entry, so that it names the
entry together with all that it follows (design, section 4).  The limits hold for what is pulled and
for what is recorded here alike: what one replica may record, no other one may refuse
(docs/trust.md tells them).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from typing import Annotated, Final

import msgspec

from prophet_hub.errors import Invalid
from prophet_hub.model.changes import LIFE, LINKING, Changeset, Entry, Write
from prophet_hub.model.ids import SIXTEEN, Origin
from prophet_hub.values import PRESENT

__all__ = ["MAX_ENTRY", "MAX_TEXT", "check", "decode", "encode", "place", "seal"]

MAX_ENTRY: Final = 16 << 20
"""Bytes of an entry; one that is larger is not even kept in quarantine."""

MAX_TEXT: Final = 64 << 20
"""Bytes of a text that stands in the log by its hash."""

_encoder = msgspec.msgpack.Encoder()
_Origin = Annotated[Origin, SIXTEEN]
_Sequence = Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
_decoder = msgspec.msgpack.Decoder(tuple[_Origin, _Sequence, Changeset])
_placer = msgspec.msgpack.Decoder(tuple[_Origin, _Sequence, msgspec.Raw])
_SETS: Final = LINKING | {LIFE}
_link = re.compile("[0-9a-f]{32}").fullmatch

# what msgspec raises on hostile bytes besides its own: text that is no UTF-8, nesting without end
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def seal(origin: Origin, sequence: int, before: bytes, changeset: Changeset) -> tuple[Entry, bytes]:
    """Returns the entry at the place, and the bytes in which it is stored and passed on."""
    raw = _encoder.encode((origin, sequence, changeset))
    running = hashlib.sha256(before + raw).digest()
    return Entry(origin, sequence, before, running, changeset), raw


def encode(entry: Entry) -> bytes:
    """Returns the bytes of an entry; equal entries have equal bytes."""
    return _encoder.encode((entry.origin, entry.sequence, entry.changeset))


def decode(before: bytes, raw: bytes) -> Entry:
    """Returns the entry that the bytes hold, after the entry with the running hash `before`.

    Raises:
        Invalid: The bytes are no entry, or one beyond the limits.
    """
    origin, sequence, changeset = check(raw)
    return Entry(origin, sequence, before, hashlib.sha256(before + raw).digest(), changeset)


def check(raw: bytes) -> tuple[Origin, int, Changeset]:
    """Returns place and changeset of an entry that keeps all rules.

    Raises:
        Invalid: It does not.
    """
    if len(raw) > MAX_ENTRY:
        raise Invalid(f"An entry has {len(raw):,} bytes; {MAX_ENTRY:,} are allowed.")
    try:
        origin, sequence, changeset = _decoder.decode(raw)
    except _UNREADABLE as error:
        raise Invalid(f"An entry of the log cannot be read: {error}.") from error
    writes = changeset.writes
    for write in writes:
        cell = write.cell
        if fault := _fault(cell.prop, write.type):
            raise Invalid(fault)
        if cell.prop in _SETS and (fault := _fault_of_set(write)):
            raise Invalid(fault)
        if write.id in write.supersedes:
            raise Invalid("A write of the entry supersedes itself.")
    if len(writes) > 1 and len({write.id for write in writes}) < len(writes):
        raise Invalid("One name stands for several writes of the entry.")
    return origin, sequence, changeset


def place(raw: bytes) -> tuple[Origin, int]:
    """Returns origin and sequence of an entry whose changeset cannot be read.

    Raises:
        Invalid: Not even these can be read, or it is too large to be kept.
    """
    try:
        origin, sequence, _ = _placer.decode(raw if len(raw) <= MAX_ENTRY else b"")
    except _UNREADABLE as error:
        raise Invalid(f"An entry of the log has no place: {error}.") from error
    return origin, sequence


def _fault_of_set(write: Write) -> str:
    """Returns what is wrong with a life or a link, "" if nothing."""
    cell = write.cell
    if write.value not in (PRESENT, None):
        return "A life or link of the entry is neither present nor absent."
    if cell.prop == LIFE:
        return "" if cell.member == "alive" else "A life of the entry is not one."
    if not _link(cell.member) or cell.member == cell.record.hex():
        return "A link of the entry names no other record."
    return ""


@lru_cache(4096)  # a log has few properties and types
def _fault(prop: str, kind: str) -> str:
    """Returns what is wrong with the names of a property and a record type, "" if nothing.

    A type's name may become a file's, in an export or in the old tool's format.
    """
    if not prop:
        return "A property of the entry has no name."
    if any(unicodedata.category(one) == "Cc" for one in prop + kind):
        return "A name in the entry holds a control character."
    if "/" in kind or "\\" in kind or kind.startswith("."):
        return "A record type of the entry is named like a path."
    return ""
