"""The table of Roundup's `classic` tracker, and how values are told and written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from prophet_connectors._roundup_api import instant_of, label_of
from prophet_hub.sdk import Field, FieldMap, Kind, Value

__all__ = ["CLASSES", "CONTENT", "FIELDS", "HIDDEN", "stripped", "value_of", "word_of"]

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


HIDDEN: Final = frozenset(
    {"id", "creation", "creator", "activity", "actor", "messages", "files", CONTENT}
)
"""Properties that are told in other ways; any other one without a row goes by its own name."""

DATE: Final = re.compile(r"\d{4}-\d\d-\d\d\.\d\d:\d\d:\d\d")


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


def value_of(raw: Any) -> Value | None:
    """Returns a property's value in Roundup's words, None where it is empty."""
    if isinstance(raw, list):
        return frozenset(map(word_of, raw)) or None
    return word_of(raw) or None


def word_of(raw: Any) -> str:
    """Returns one value, by what it looks like: an issue by number, other items by their label."""
    if isinstance(raw, Mapping):
        of_issues = f"/{raw.get('link', '')}".rpartition("/")[0].endswith("/issue")
        return str(raw["id"]) if of_issues else label_of(raw)
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, float):
        return f"{raw:.10g}"
    if isinstance(raw, str) and DATE.fullmatch(raw):
        return f"{instant_of(raw):%Y-%m-%dT%H:%M:%SZ}"
    return "" if raw is None else str(raw)
