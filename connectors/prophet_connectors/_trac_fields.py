"""What Trac calls things: the table of fields, and texts that hold several words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from prophet_connectors._trac_rpc import value_of
from prophet_hub.errors import Rejected
from prophet_hub.sdk import Field, FieldMap, Kind, Value
from prophet_hub.sdk.canon import lines
from prophet_hub.sdk.closing import joined
from prophet_hub.sdk.marks import ROOM, unmarked

__all__ = ["CLOSED", "FIELDS", "MOST", "fields_of", "joined_words", "shown", "split"]

CLOSED: Final = "closed"
"""The status that has a resolution; Trac itself counts on the word (milestones, queries)."""

MOST: Final = 262_144
"""Characters that a description and a comment may have where nobody configured another number."""

NOBODY: Final = frozenset({"", "< default >", "<default>"})
"""An owner that a new ticket gets when nobody said one, and the component has none."""

PRIORITIES: Final = (
    ("blocker", "highest"),
    ("critical", "high"),
    ("major", "normal"),
    ("minor", "low"),
    ("trivial", "lowest"),
)

STATUSES: Final = (
    ("new", "new"),
    ("assigned", "open"),
    ("accepted", "open"),
    ("reopened", "open"),
    (f"{CLOSED} fixed", "resolved"),
    (f"{CLOSED} wontfix", "rejected"),
    (f"{CLOSED} invalid", "rejected"),
    (f"{CLOSED} worksforme", "rejected"),
    (f"{CLOSED} duplicate", "duplicate"),
    (f"{CLOSED}*", "resolved"),
)
"""`assigned` is what we write for open: `accepted` makes the hub's account the owner."""


TYPES: Final = (("defect", "bug"), ("enhancement", "feature"), ("task", "task"))
"""Those of a new environment; a site's own words pass as they are."""


def line(text: str) -> str:
    return lines(text).strip()


FIELDS = FieldMap(
    [
        Field(theirs="summary", ours="summary", canon=line),
        Field(
            theirs="description", ours="description", kind=Kind.LONG, canon=lines, limit=MOST - ROOM
        ),
        Field(theirs="status", ours="status", kind=Kind.WORD, values=STATUSES, default="new"),
        Field(
            theirs="resolution",
            ours="resolution",
            kind=Kind.WORD,
            writable=False,
            on_create=False,
        ),
        Field(theirs="type", ours="type", kind=Kind.WORD, values=TYPES, default="defect"),
        Field(
            theirs="priority", ours="priority", kind=Kind.WORD, values=PRIORITIES, default="major"
        ),
        Field(theirs="severity", ours="severity", kind=Kind.WORD),
        Field(theirs="component", ours="component", kind=Kind.WORD),
        Field(theirs="version", ours="version", kind=Kind.WORD),
        Field(theirs="milestone", ours="milestone", kind=Kind.WORD),
        Field(theirs="owner", ours="owner", kind=Kind.PERSON),
        Field(
            theirs="reporter", ours="reporter", kind=Kind.PERSON, writable=False, on_create=False
        ),
        Field(theirs="cc", ours="cc", kind=Kind.PEOPLE),
        Field(theirs="keywords", ours="labels", kind=Kind.WORDS),
    ]
)

SETS: Final = frozenset(row.theirs for row in FIELDS if row.kind.many)
UNTOLD: Final = frozenset({"time", "changetime", "_ts", "status", "id"})


def fields_of(attributes: Mapping[str, Any], key_field: str) -> tuple[dict[str, Value], str]:
    """Returns the fields of a ticket as `ticket.get` told them, and the hub's key in it."""
    raw = {name: value_of(value) for name, value in attributes.items()}
    description, key = unmarked(raw.get("description", ""))
    said: dict[str, Value | None] = {
        name: shown(name, text)
        for name, text in raw.items()
        if name not in UNTOLD and name != key_field
    }
    said["description"] = description
    said["status"] = joined(raw.get("status"), raw.get("resolution"))
    if key_field:
        key = raw.get(key_field, "")
    return {name: value for name, value in said.items() if value}, key


def shown(name: str, text: str) -> Value | None:
    """Returns the value that a field's text says, None for none."""
    if name in SETS:
        return frozenset(split(name, text)) or None
    if name == "owner" and text in NOBODY:
        return None
    if name == "description":
        text = unmarked(text)[0]
    return text or None


def split(name: str, text: str) -> list[str]:
    """Returns the members of a text, in their order.

    People are parted by commas, semicolons and blanks, as Trac does.  So are keywords, unless there
    is a comma or a semicolon: then a keyword may have blanks within.
    """
    found = re.split(r"[;,]" if name != "cc" and re.search(r"[;,]", text) else r"[;,\s]+", text)
    return list(dict.fromkeys(word.strip() for word in found if word.strip()))


def joined_words(name: str, before: str, wanted: Iterable[str]) -> str:
    """Returns a text with these members, those that stay in their places.

    Raises:
        Rejected: A member cannot be said there.
    """
    members = set(wanted)
    for word in sorted(members):
        if word != word.strip() or re.search(r"[;,]", word) or (name == "cc" and " " in word):
            raise Rejected(f"{word!r} is no single word in the field {name} of a Trac.")
    stay = [word for word in split(name, before) if word in members]
    words = [*stay, *sorted(members - set(stay))]
    if name == "cc" or re.search(r"[;,]", before) or any(re.search(r"\s", word) for word in words):
        text = ", ".join(words)
        return f"{text}," if len(words) == 1 and re.search(r"\s", text) else text
    return " ".join(words)
