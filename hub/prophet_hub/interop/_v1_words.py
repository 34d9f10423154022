"""The old tool's words and ours: names of types and properties, values, and its way with text.

Every name and value has one counterpart, so that what was read can be published again.  What has no
neutral name keeps its own; one that would mean something else here stands under `sd:`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from prophet_hub.model.changes import LIFE, RECEIPT, SAME_AS, VOTE
from prophet_hub.model.neutral import ATTACHMENT, COMMENT, TICKET
from prophet_hub.values import from_micros, to_micros

__all__ = [
    "CONTENT",
    "SETTINGS",
    "SPELLED",
    "bytes_of",
    "bytes_to_text",
    "instant",
    "instant_text",
    "members",
    "our_name",
    "our_value",
    "text_of",
    "text_to_v1",
    "their_name",
    "their_value",
]

SETTINGS: Final = "__prophet_db_settings"
"""The old tool's record type for the settings of a database."""

CONTENT: Final = "content"
"""The property of an attachment that holds its bytes."""

SPELLED: Final = "sd:uuid"
"""The property that keeps how a record's uuid was spelled, where it was not in lower case."""

_OWN: Final = "sd:"
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    COMMENT.name: {"content": "body", "creator": "author"},
    ATTACHMENT.name: {"creator": "author"},
}
_BACK: Final = {k: {o: t for t, o in names.items()} for k, names in _NAMES.items()}
_TAKEN: Final[Mapping[str, frozenset[str]]] = {
    # a set here is text there
    TICKET.name: frozenset(p.name for p in TICKET.properties if p.many),
    COMMENT.name: frozenset({"body", "author", "private"}),
    ATTACHMENT.name: frozenset({"author", "private", "size", "sha256"}),
}
_LAW: Final = frozenset({LIFE, SAME_AS, RECEIPT})
_STATUS: Final = {"closed": "resolved"}
_STATUS_BACK: Final = {o: t for t, o in _STATUS.items()}
_DAYS: Final = frozenset({"due", "completed"})
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").fullmatch
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z").fullmatch
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d").fullmatch
_MIDNIGHT: Final = " 00:00:00"


def our_name(kind: str, name: str) -> str:
    """Returns our name of a property of theirs."""
    found = _NAMES.get(kind, {}).get(name)
    if found is not None:
        return found
    taken = name in _LAW or name in _TAKEN.get(kind, ()) or name.startswith((_OWN, VOTE))
    return _OWN + name if taken else name


def their_name(kind: str, prop: str) -> str:
    """Returns their name of a property of ours."""
    found = _BACK.get(kind, {}).get(prop)
    return prop.removeprefix(_OWN) if found is None else found


def our_value(kind: str, name: str, value: str) -> str:
    """Returns our form of a value of theirs; `name` is theirs too."""
    if kind == TICKET.name and name == "status":
        return _STATUS.get(value, value)
    if name == TICKET.name and kind in _NAMES:
        return _lower(value)
    day = kind == TICKET.name and name in _DAYS
    if (day or name == "created") and _DATE(value):
        if day and value.endswith(_MIDNIGHT):
            return value[: -len(_MIDNIGHT)]
        return f"{value.replace(' ', 'T')}Z"
    return value


def their_value(kind: str, name: str, value: str) -> str:
    """Returns their form of a value of ours; `name` is theirs."""
    if kind == TICKET.name and name == "status":
        return _STATUS_BACK.get(value, value)
    day = kind == TICKET.name and name in _DAYS
    if day or name == "created":
        if found := _INSTANT(value):
            return f"{found[1]} {found[2]}"
        if day and _DAY(value):
            return value + _MIDNIGHT
    return value


def members(text: str | None) -> frozenset[str]:
    """Returns a set that stands there as one text: its members between commas."""
    return frozenset(filter(None, (one.strip() for one in (text or "").split(","))))


def text_of(value: str) -> str:
    """Returns the text that was meant: the old tool takes every byte of it for a character.

    Texts from trackers were stored properly, and both kinds stand in one database: what is no UTF-8
    when read as bytes was meant as it is.
    """
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def bytes_of(value: str) -> bytes:
    """Returns the content that was meant: one byte a character, or, if that cannot be, its text."""
    try:
        return value.encode("latin-1")
    except UnicodeError:
        return value.encode()


def text_to_v1(text: str) -> str:
    """Returns a text as the old tool would have stored it."""
    return text if text.isascii() else bytes_to_text(text.encode())


def bytes_to_text(data: bytes) -> str:
    """Returns a content as the old tool would have stored it."""
    return data.decode("latin-1")


def instant(words: str | None) -> int:
    """Returns `YYYY-MM-DD HH:MM:SS`, UTC, in microseconds since 1970; 0 for what is no date."""
    try:
        return max(to_micros(datetime.fromisoformat(words or "").replace(tzinfo=UTC)), 0)
    except ValueError:
        return 0


def instant_text(micros: int) -> str:
    """Returns microseconds since 1970 as the old tool writes an instant."""
    return from_micros(micros).strftime("%Y-%m-%d %H:%M:%S")


def _lower(value: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError:
        return value
