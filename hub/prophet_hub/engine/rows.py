"""Cells between the store's rows and the law's values."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from prophet_hub.merge.cells import Head, shown_of
from prophet_hub.merge.conflicts import CellState, dead, state_of
from prophet_hub.model.changes import LIFE, NOTED
from prophet_hub.store.base import LATE, PLAIN, CellRow
from prophet_hub.values import Value

__all__ = [
    "LIFE_KEY",
    "TICKET",
    "Key",
    "decode_heads",
    "is_dead",
    "parent_of",
    "present",
    "row_of",
    "state_in",
]

TICKET = "ticket"
"""The property of a comment or attachment that holds the uuid of its ticket."""

LIFE_KEY = (LIFE, "alive")
"""Property and member of the life cell."""

Key = tuple[bytes, str, str]
"""A cell: the least uuid of its class (a link's raw record), property, member."""

_encode = msgspec.msgpack.Encoder().encode
decode_heads = msgspec.msgpack.Decoder(tuple[Head, ...]).decode


def row_of(key: Key, heads: Sequence[Head], mark: int = PLAIN) -> CellRow:
    """Returns the row of a cell with these heads, sorted by id."""
    if len(heads) == 1:
        conflict, shown = 0, heads[0].value
    else:
        conflict = int(key[1] != NOTED and len({h.value for h in heads}) > 1)
        shown = shown_of(heads, key[2])
    parent = parent_of(shown) if key[1] == TICKET and not key[2] else None
    return CellRow(*key, _encode(heads), conflict, mark, parent)


def state_in(row: CellRow) -> CellState:
    """Returns the cell that a row holds."""
    return state_of(row.prop, row.member, decode_heads(row.heads), late=row.mark == LATE)


def present(row: CellRow) -> bool:
    """Tells whether a set cell shows its member."""
    return row.mark == LATE or shown_of(decode_heads(row.heads), row.member) is not None


def is_dead(row: CellRow | None) -> bool:
    """Tells whether all heads of a life take it."""
    return row is not None and dead(decode_heads(row.heads))


def parent_of(shown: Value) -> bytes | None:
    """Returns the record that a `ticket` cell shows, None for a text that names none."""
    if not isinstance(shown, str):
        return None
    try:
        return uuid.UUID(shown).bytes
    except ValueError:
        return None
