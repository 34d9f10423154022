"""What Bugzilla calls its fields and words: tables alone.

The names are those of the REST interface; the history of old sites has some by the names of the
database (`FIELD_MAP` in Bugzilla/Bug.pm).
"""

from __future__ import annotations

import re
from typing import Final

from prophet_hub.sdk import Field, FieldMap, Kind

__all__ = [
    "COMMENT_LIMIT",
    "CUSTOM",
    "EMPTY",
    "FLAVOURS",
    "HOURS",
    "INNER",
    "WORK",
    "fields_for",
    "one_line",
    "trimmed",
]

FLAVOURS: Final = ("bugzilla", "bmo", "redhat")
COMMENT_LIMIT: Final = 65535
"""Characters of a comment, the first one too (MAX_COMMENT_LENGTH)."""

EMPTY: Final = {
    "priority": frozenset({"---", "--", "unspecified"}),
    "target_milestone": frozenset({"---"}),
}
"""Words by which a field says nothing."""

CUSTOM: Final = "cf_"
HOURS: Final = ("estimated_time", "remaining_time", "actual_time")
WORK: Final = "work_time"
"""What history calls the hours that a comment adds to `actual_time`."""

INNER: Final = {
    "assigned_to.login_name": "assigned_to",
    "blocked": "blocks",
    "bug_file_loc": "url",
    "bug_group": "groups",
    "bug_severity": "severity",
    "bug_status": "status",
    "dependson": "depends_on",
    "dup_id": "dupe_of",
    "flagtypes.name": "flags",
    "rep_platform": "platform",
    "reporter": "creator",
    "short_desc": "summary",
    "status_whiteboard": "whiteboard",
}
"""The database's names that are not those of the REST interface."""


def one_line(text: str) -> str:
    """Returns a text as Bugzilla keeps one line: control characters are blanks, none at the ends."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def trimmed(text: str) -> str:
    """Returns a text as Bugzilla keeps a comment: no carriage returns, nothing empty at the end."""
    return re.sub(r"\r\n?", "\n", text).rstrip()


_CLOSED = (
    ("RESOLVED FIXED", "resolved"),
    ("RESOLVED WONTFIX", "rejected"),
    ("RESOLVED DUPLICATE", "duplicate"),
    ("VERIFIED FIXED", "resolved"),
    ("VERIFIED DUPLICATE", "duplicate"),
    ("CLOSED FIXED", "resolved"),
    ("CLOSED DUPLICATE", "duplicate"),
    ("RESOLVED *", "rejected"),
    ("VERIFIED *", "rejected"),
    ("CLOSED *", "rejected"),
)
_STATUSES = {
    "bugzilla": (
        ("CONFIRMED", "new"),
        ("IN_PROGRESS", "open"),
        ("UNCONFIRMED", "new"),
        ("NEW", "new"),
        ("ASSIGNED", "open"),
        ("REOPENED", "open"),
        *_CLOSED,
    ),
    "bmo": (
        ("NEW", "new"),
        ("ASSIGNED", "open"),
        ("UNCONFIRMED", "new"),
        ("REOPENED", "open"),
        *_CLOSED,
    ),
    "redhat": (
        ("NEW", "new"),
        ("ASSIGNED", "open"),
        ("POST", "open"),
        ("MODIFIED", "open"),
        ("ON_QA", "open"),
        ("VERIFIED", "open"),
        ("RELEASE_PENDING", "open"),
        ("CLOSED ERRATA", "resolved"),
        ("CLOSED WONTFIX", "rejected"),
        ("CLOSED DUPLICATE", "duplicate"),
        ("CLOSED CURRENTRELEASE", "resolved"),
        ("CLOSED NEXTRELEASE", "resolved"),
        ("CLOSED RAWHIDE", "resolved"),
        ("CLOSED UPSTREAM", "resolved"),
        ("CLOSED *", "rejected"),
    ),
}
_NAMED = ("Highest", "High", "Normal", "Low", "Lowest")
_NUMBERED = ("P1", "P2", "P3", "P4", "P5")
_OURS = ("highest", "high", "normal", "low", "lowest")
_PRIORITIES = {
    "bugzilla": tuple(zip(_NAMED, _OURS, strict=True)),
    "bmo": tuple(zip(_NUMBERED, _OURS, strict=True)),
    "redhat": (("urgent", "highest"), ("high", "high"), ("medium", "normal"), ("low", "low")),
}
_ROWS = (
    Field(theirs="summary", ours="summary", canon=one_line, limit=255),
    Field(
        theirs="description",
        ours="description",
        kind=Kind.LONG,
        writable=False,
        canon=trimmed,
        limit=COMMENT_LIMIT,
    ),
    Field(theirs="product", ours="bugzilla:product", kind=Kind.WORD),
    Field(theirs="component", ours="component", kind=Kind.WORD),
    Field(theirs="version", ours="version", kind=Kind.WORD),
    Field(theirs="target_milestone", ours="milestone", kind=Kind.WORD),
    Field(theirs="severity", ours="severity", kind=Kind.WORD),
    Field(theirs="assigned_to", ours="owner", kind=Kind.PERSON),
    Field(theirs="creator", ours="reporter", kind=Kind.PERSON, writable=False, on_create=False),
    Field(theirs="qa_contact", ours="bugzilla:qa_contact", kind=Kind.PERSON),
    Field(theirs="cc", ours="cc", kind=Kind.PEOPLE),
    Field(theirs="keywords", ours="labels", kind=Kind.WORDS),
    Field(theirs="deadline", ours="due", kind=Kind.DAY),
    Field(theirs="estimated_time", ours="estimate", kind=Kind.MINUTES),
    Field(theirs="remaining_time", ours="bugzilla:remaining", kind=Kind.MINUTES, on_create=False),
    Field(theirs="actual_time", ours="spent", kind=Kind.MINUTES, writable=False, on_create=False),
    Field(theirs="depends_on", ours="depends_on", kind=Kind.LINKS),
    Field(theirs="blocks", ours="blocks", kind=Kind.LINKS),
    Field(theirs="dupe_of", ours="duplicate_of", kind=Kind.LINKS, on_create=False),
    Field(theirs="see_also", ours="related", kind=Kind.LINKS, on_create=False),
    Field(theirs="url", ours="bugzilla:url", canon=str.strip),
    Field(theirs="whiteboard", ours="bugzilla:whiteboard"),
    Field(theirs="op_sys", ours="bugzilla:op_sys", kind=Kind.WORD),
    Field(theirs="platform", ours="bugzilla:platform", kind=Kind.WORD),
    Field(
        theirs="alias",
        ours="bugzilla:alias",
        kind=Kind.WORDS,
        writable=False,
        on_create=False,
    ),
    Field(
        theirs="flags",
        ours="bugzilla:flags",
        kind=Kind.WORDS,
        writable=False,
        on_create=False,
    ),
    Field(
        theirs="groups",
        ours="bugzilla:groups",
        kind=Kind.WORDS,
        writable=False,
        on_create=False,
    ),
)


def fields_for(flavour: str) -> FieldMap:
    """Returns the table of a kind of Bugzilla."""
    statuses = _STATUSES[flavour]
    rows = [
        Field(
            theirs="status", ours="status", kind=Kind.WORD, values=statuses, default=statuses[0][0]
        ),
        Field(theirs="priority", ours="priority", kind=Kind.WORD, values=_PRIORITIES[flavour]),
    ]
    if flavour == "bmo":
        types = (("defect", "bug"), ("enhancement", "feature"), ("task", "task"))
        rows.append(Field(theirs="type", ours="type", kind=Kind.WORD, values=types))
    return FieldMap([*_ROWS, *rows])
