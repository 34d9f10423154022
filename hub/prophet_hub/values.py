"""The values that cells hold, and instants.

Everything in the database is text or absent.  A long text stands in the log by its hash, so that it
can be erased without breaking the entry that carries it (design, section 7).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

__all__ = [
    "INLINE",
    "PRESENT",
    "Stored",
    "Value",
    "from_micros",
    "instant_text",
    "order",
    "to_micros",
]

PRESENT = "present"
"""The value of a set member, a life or a link; absent is None."""

INLINE = 4096
"""Texts of more UTF-8 bytes than this stand in the log by their hash."""


class Stored(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A text or content that stands in the blob store.

    Attributes:
        sha256: The SHA-256 of its bytes, 64 hexadecimal digits.
        size: In bytes.
    """

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]  # becomes a file's name
    size: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


Value = str | Stored | None
"""What a cell holds; None: absent."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)


def order(value: Value) -> tuple[int, str]:
    """Returns the key by which values are compared where one of several must be chosen."""
    if value is None:
        return 0, ""
    return (1, value) if isinstance(value, str) else (2, value.sha256)


def to_micros(instant: datetime) -> int:
    """Returns an aware instant as microseconds since 1970 in UTC, exactly."""
    return (instant - _EPOCH) // _MICRO


def from_micros(micros: int) -> datetime:
    """Returns the aware UTC instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def instant_text(instant: datetime) -> str:
    """Returns an aware instant as cells, trackers and programs read it: RFC 3339 in UTC with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
