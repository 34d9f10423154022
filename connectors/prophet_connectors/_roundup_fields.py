"""The table of Roundup's `classic` tracker, and how values are told and written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from prophet_connectors._roundup_api import instant_of, label_of
from prophet_hub.sdk import Field, FieldMap, Kind, Value

__all__ = ["CLASSES", "CONTENT", "FIELDS", "raw_of", "stripped", "value_of"]

CONTENT: Final = "content"
"""The name that the first message's text goes by among an issue's fields."""

CLASSES: Final = {
    "status": "status",
    "priority": "priority",
    "keyword": "keyword",
    "assignedto": "user",
    "nosy": "user",
    "superseder": "issue",
}
"""Of which class a property holds items; other links are written by their label."""


TIMES: Final = {Kind.INSTANT: "%Y-%m-%dT%H:%M:%SZ", Kind.DAY: "%Y-%m-%d"}


def stripped(text: str) -> str:
    """Returns a text as Roundup keeps it: nothing blank around it, and lines that end alike."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


FIELDS = FieldMap(
    [
        Field(theirs="title", ours="summary", canon=stripped),
        Field(theirs=CONTENT, ours="description", kind=Kind.LONG, canon=stripped),
        Field(
            theirs="status",
            ours="status",
            kind=Kind.WORD,
            values=(
                ("unread", "new"),
                ("chatting", "open"),
                ("in-progress", "open"),
                ("testing", "open"),
                ("deferred", "stalled"),
                ("need-eg", "stalled"),
                ("resolved", "resolved"),
                ("done-cbb", "resolved"),
            ),
            default="unread",
        ),
        Field(
            theirs="priority",
            ours="priority",
            kind=Kind.WORD,
            values=(
                ("critical", "highest"),
                ("urgent", "high"),
                ("bug", "normal"),
                ("feature", "low"),
                ("wish", "lowest"),
            ),
        ),
        Field(theirs="keyword", ours="labels", kind=Kind.WORDS),
        Field(theirs="assignedto", ours="owner", kind=Kind.PERSON),
        Field(theirs="nosy", ours="cc", kind=Kind.PEOPLE),
        Field(theirs="superseder", ours="duplicate_of", kind=Kind.LINKS),
    ]
)


def value_of(row: Field, raw: Any) -> Value | None:
    """Returns a property's value in Roundup's words, None where it is empty."""
    if isinstance(raw, list):
        return frozenset(_word(row, member) for member in raw) or None
    return _word(row, raw) or None


def _word(row: Field, raw: Any) -> str:
    if isinstance(raw, Mapping):
        return str(raw["id"]) if row.kind is Kind.LINKS else label_of(raw)
    if isinstance(raw, float):
        return f"{raw:.10g}"
    if raw and row.kind in TIMES:
        return instant_of(raw).strftime(TIMES[row.kind])
    return "" if raw is None else str(raw)


def raw_of(row: Field, value: str | None) -> Any:
    """Returns a single value as Roundup takes it, where it holds no item of a known class."""
    if not value:
        return ""  # null would be passed over
    if row.kind in (Kind.NUMBER, Kind.MINUTES):
        return float(value)
    return value
