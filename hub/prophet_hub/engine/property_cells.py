"""Between properties, as people and programs say them, and cells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prophet_hub.model.schema import Given
from prophet_hub.values import PRESENT, Value

if TYPE_CHECKING:
    from prophet_hub.merge.conflicts import CellState

__all__ = ["as_said", "differs", "holds", "to_cells"]


def differs(cell: CellState | None, before: Value, value: Value, *, asked: bool) -> bool:
    """Tells whether a value has to be written: it is another, or decides a conflict that was meant."""
    if cell is None:
        return value is not None
    return before != value or (asked and cell.conflict)


def to_cells(now: Given, written: Given) -> dict[tuple[str, str], Value]:
    """Returns the cells of what is written: one for a text, one per member that comes or goes."""
    found: dict[tuple[str, str], Value] = {}
    for name, value in written.items():
        before = now.get(name)
        held = before if isinstance(before, frozenset) else frozenset()
        if isinstance(value, frozenset):
            found |= {(name, member): PRESENT for member in value}
            found |= {(name, member): None for member in held - value}
            found |= {(name, ""): None} if isinstance(before, str) else {}
        else:
            found |= {(name, member): None for member in held}
            found[name, ""] = value
    return found


def as_said(given: Mapping[str, Any]) -> dict[str, str | frozenset[str] | None]:
    """Returns properties as texts and sets; numbers are written out."""
    found: dict[str, str | frozenset[str] | None] = {}
    for name, value in given.items():
        if value is None or isinstance(value, str):
            found[name] = value or None
        elif isinstance(value, (set, frozenset, list, tuple)):
            found[name] = frozenset(map(str, value)) or None
        elif isinstance(value, bool):
            found[name] = "yes" if value else "no"
        else:
            found[name] = str(value)
    return found


def holds(found: Mapping[str, Any], wanted: Given) -> bool:
    """Tells whether all of this is shown: the value, or for a set this member."""
    return all(
        value in found[name]
        if isinstance(found.get(name), frozenset) and isinstance(value, str)
        else found.get(name) == value
        for name, value in wanted.items()
    )
