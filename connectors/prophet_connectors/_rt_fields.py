"""What RT calls things: the table of fields, and the words of links, roles and transactions."""

from __future__ import annotations

import re

from prophet_hub.sdk import Field, FieldMap, Kind
from prophet_hub.sdk.canon import lines

__all__ = [
    "DATES", "FIELDS", "LINKS", "LINK_EVENTS", "MARK", "MESSAGES", "MINUTES", "ROLES", "SKIPPED",
]  # fmt: skip

MARK = "prophet-hub"
"""Opens the hub's key: `prophet-hub:KEY` as a link of a ticket, `prophet-hub KEY` as the subject of
a comment."""

SUBJECT_MOST = 200
"""RT cuts a subject after so many bytes of UTF-8, and takes line ends out of it, without a word."""

PRIORITIES = (
    ("100", "highest"),
    ("75", "high"),
    ("50", "normal"),
    ("25", "low"),
    ("1", "lowest"),
)
"""RT's own names are High (100), Medium (50) and Low (0); other numbers pass as they are.

Nothing said is 0 in RT, so 0 is no priority here: else a priority that was taken away elsewhere
would come back as somebody's word.
"""

STATUSES = (
    *((word, word) for word in ("new", "open", "stalled", "resolved", "rejected")),
    ("rejected", "duplicate"),
)


def _subject(text: str) -> str:
    line = re.sub(r"[\r\n]", "", text)
    return line.encode()[:SUBJECT_MOST].decode(errors="ignore")


FIELDS = FieldMap(
    [
        Field(theirs="Subject", ours="summary", canon=_subject),
        Field(theirs="Content", ours="description", kind=Kind.LONG, writable=False, canon=lines),
        Field(theirs="Status", ours="status", kind=Kind.WORD, values=STATUSES, default="new"),
        Field(theirs="Priority", ours="priority", kind=Kind.WORD, values=PRIORITIES),
        Field(theirs="Queue", ours="rt:queue", kind=Kind.WORD),
        Field(theirs="Owner", ours="owner", kind=Kind.PERSON),
        Field(theirs="Requestor", ours="reporter", kind=Kind.PERSON),
        Field(
            theirs="Requestors",
            ours="rt:requestors",
            kind=Kind.PEOPLE,
            writable=False,
            on_create=False,
        ),
        Field(theirs="Cc", ours="cc", kind=Kind.PEOPLE),
        Field(theirs="AdminCc", ours="rt:admincc", kind=Kind.PEOPLE),
        Field(theirs="Due", ours="due", kind=Kind.DAY),
        Field(theirs="Starts", ours="rt:starts", kind=Kind.DAY),
        Field(theirs="TimeEstimated", ours="estimate", kind=Kind.MINUTES),
        Field(theirs="TimeWorked", ours="spent", kind=Kind.MINUTES),
        Field(theirs="TimeLeft", ours="rt:left", kind=Kind.MINUTES),
        Field(theirs="DependsOn", ours="depends_on", kind=Kind.LINKS),
        Field(theirs="DependedOnBy", ours="blocks", kind=Kind.LINKS),
        Field(theirs="Parents", ours="parent", kind=Kind.LINKS),
        Field(theirs="Children", ours="rt:children", kind=Kind.LINKS),
        Field(theirs="RefersTo", ours="related", kind=Kind.LINKS),
        Field(theirs="ReferredToBy", ours="rt:referred_by", kind=Kind.LINKS),
    ]
)

ROLES = ("Cc", "AdminCc")
DATES = ("Due", "Starts")
MINUTES = ("TimeEstimated", "TimeWorked", "TimeLeft")

LINKS = {
    "depends-on": "DependsOn",
    "depended-on-by": "DependedOnBy",
    "parent": "Parents",
    "child": "Children",
    "refers-to": "RefersTo",
    "referred-to-by": "ReferredToBy",
}
"""The word of a hyperlink -> the field, by which writes name it too."""

LINK_EVENTS = {
    **{name: name for name in LINKS.values()},
    "MemberOf": "Parents",
    "HasMember": "Children",
}

MESSAGES = frozenset({"Create", "Comment", "Correspond"})
SKIPPED = ("EmailRecord", "CommentEmailRecord", "SystemError")
"""Mail that RT sent: more numerous than all else, and nobody's act."""
