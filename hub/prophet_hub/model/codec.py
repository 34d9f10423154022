"""Entries as bytes: MessagePack, hashed along the log.

The running hash is SHA-256 over the hash before it and the bytes of the entry, so that it names the
entry together with all that it follows (design, section 4).
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

import msgspec

from prophet_hub.errors import Invalid
from prophet_hub.model.changes import LINKING, Changeset, Entry
from prophet_hub.model.ids import SIXTEEN, Origin

__all__ = ["decode", "encode", "place", "seal"]

_encoder = msgspec.msgpack.Encoder()
_Origin = Annotated[Origin, SIXTEEN]
_Sequence = Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
_decoder = msgspec.msgpack.Decoder(tuple[_Origin, _Sequence, Changeset])
_placer = msgspec.msgpack.Decoder(tuple[_Origin, _Sequence, Any])
_link = re.compile("[0-9a-f]{32}").fullmatch


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
        Invalid: The bytes are no entry.
    """
    try:
        origin, sequence, changeset = _decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise Invalid(f"An entry of the log cannot be read: {error}.") from error
    for write in changeset.writes:
        if write.cell.prop in LINKING and not _link(write.cell.member):
            raise Invalid("A link of the entry names no other record.")
    return Entry(origin, sequence, before, hashlib.sha256(before + raw).digest(), changeset)


def place(raw: bytes) -> tuple[Origin, int]:
    """Returns origin and sequence of an entry whose changeset cannot be read.

    Raises:
        Invalid: Not even these can be read.
    """
    try:
        origin, sequence, _ = _placer.decode(raw)
    except msgspec.DecodeError as error:
        raise Invalid(f"An entry of the log has no place: {error}.") from error
    return origin, sequence
