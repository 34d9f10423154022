"""What debbugs' words mean: the fields of a bug, and its status out of what stands for one.

A bug is closed if somebody is named in `done`; the tag `wontfix` says why not.  Both are told as one
word, `done wontfix`, and the tag is then no label.  Sources: Debbugs/Status.pm (the fields), Config.pm
(severities, tags), https://www.debian.org/Bugs/Developer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from prophet_connectors._debbugs_letters import person
from prophet_hub.sdk import Field, FieldMap, Kind, Value
from prophet_hub.sdk.canon import blanks, lines

__all__ = [
    "FIELDS", "SEVERITIES", "STATUSES", "TAGS", "USERTAGS", "WONTFIX", "closer_of", "fields_of", "found_in",
    "status_word", "words_in",
]  # fmt: skip

SEVERITIES: Final = ("critical", "grave", "serious", "important", "normal", "minor", "wishlist")
TAGS: Final = (
    "patch", "wontfix", "moreinfo", "unreproducible", "fixed", "potato", "woody", "sid", "help",
    "security", "upstream", "pending", "sarge", "sarge-ignore", "experimental", "d-i", "confirmed",
    "ipv6", "lfs", "fixed-in-experimental", "fixed-upstream", "l10n", "newcomer", "a11y", "ftbfs",
    "notabug", "easy",
)  # fmt: skip
"""Those of Debian and GNU without the names of releases; `tags` in the settings adds to them."""

WONTFIX: Final = "wontfix"
STATUSES: Final = (
    ("open", "open"), ("open", "new"), ("open", "stalled"),
    ("done", "resolved"), ("done", "duplicate"),
    ("done wontfix", "rejected"), ("open wontfix", "rejected"),
)  # fmt: skip
"""A report that stays open with `wontfix` is rejected, too: it is kept as a warning to others."""


def _told(theirs: str, ours: str, kind: Kind) -> Field:
    return Field(theirs=theirs, ours=ours, kind=kind, writable=False, on_create=False)


FIELDS: Final = FieldMap(
    [
        Field(theirs="subject", ours="summary", canon=blanks),
        Field(theirs="description", ours="description", kind=Kind.LONG, canon=lines,
              writable=False),
        Field(theirs="status", ours="status", kind=Kind.WORD, values=STATUSES, default="open"),
        Field(theirs="severity", ours="severity", kind=Kind.WORD, default="normal"),
        Field(theirs="package", ours="component", kind=Kind.WORD),
        Field(theirs="tags", ours="labels", kind=Kind.WORDS),
        Field(theirs="owner", ours="owner", kind=Kind.PERSON),
        _told("originator", "reporter", Kind.PERSON),
        _told("done", "debbugs:closer", Kind.PERSON),
        Field(theirs="blockedby", ours="depends_on", kind=Kind.LINKS),
        Field(theirs="blocks", ours="blocks", kind=Kind.LINKS),
        Field(theirs="mergedwith", ours="debbugs:merged", kind=Kind.LINKS, on_create=False),
        Field(theirs="forwarded", ours="debbugs:forwarded", canon=blanks),
        Field(theirs="found_versions", ours="debbugs:found", kind=Kind.WORDS),
        Field(theirs="fixed_versions", ours="debbugs:fixed", kind=Kind.WORDS),
        Field(theirs="affects", ours="debbugs:affects", kind=Kind.WORDS),
        _told("summary", "debbugs:summary", Kind.LONG),
        _told("outlook", "debbugs:outlook", Kind.LONG),
        _told("archived", "debbugs:archived", Kind.WORD),
    ]
)  # fmt: skip
"""Severity is none of the priorities: it says how bad, not how soon.  A merged bug is a bug with a
link to its twins, and not gone.  `originator` and `done` follow from who sends a mail."""

USERTAGS: Final = Field(theirs="usertags", ours="debbugs:usertags", kind=Kind.WORDS)
"""Free tags of one address; a setting says whose, and adds this row."""

_SETS: Final = frozenset(row.theirs for row in (*FIELDS, USERTAGS) if row.kind.many)
_PERSONS: Final = frozenset(row.theirs for row in FIELDS if row.kind is Kind.PERSON)


def words_in(value: Any) -> frozenset[str]:
    """Returns the words of a list, however the server tells it: parted by blanks or commas, too."""
    texts = value if isinstance(value, list) else [value]
    return frozenset(w for text in texts for w in re.split(r"[\s,]+", str(text or "")) if w)


def status_word(done: object, tags: frozenset[str]) -> str:
    """Returns the status that the two fields stand for."""
    return ("done" if done else "open") + (f" {WONTFIX}" if WONTFIX in tags else "")


def found_in(name: str, raw: Any) -> Value | None:
    """Returns a field as told, None where it is empty."""
    if name in _SETS:
        found = words_in(raw)
        return (found - {WONTFIX} if name == "tags" else found) or None
    text = str(raw or "").strip()
    if name in _PERSONS:
        return person(text).id or None if text else None
    return text or None


def closer_of(status: Mapping[str, Any]) -> str:
    """Returns who closed a bug, "" if it is open."""
    return str(status.get("done") or "")


def fields_of(status: Mapping[str, Any]) -> dict[str, Value]:
    """Returns the fields of a bug, but for its description, out of what the server says of it."""
    shown: dict[str, Value] = {}
    for row in (*FIELDS, USERTAGS):
        value = found_in(row.theirs, status.get(row.theirs))
        if value is not None:
            shown[row.theirs] = value
    shown["status"] = status_word(closer_of(status), words_in(status.get("tags")))
    shown.setdefault("severity", "normal")
    shown["archived"] = "yes" if str(status.get("archived") or "0") == "1" else "no"
    shown.pop("description", None)
    return shown
