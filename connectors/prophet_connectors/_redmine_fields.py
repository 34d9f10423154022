"""What Redmine calls things: the table of fields, and the words of journals, lists and relations."""

from __future__ import annotations

import re
from typing import Final

from prophet_hub.sdk import Field, FieldMap, Kind

__all__ = [
    "ATTRIBUTES", "BACKWARD", "CUSTOM", "FIELDS", "LISTED", "MARKUPS", "RELATIONS", "SPENT",
    "SUBJECT_MOST", "custom", "lines", "minutes", "of_custom",
]  # fmt: skip

SUBJECT_MOST: Final = 255

MARKUPS: Final = {"textile": "textile", "markdown": "markdown", "common_mark": "markdown"}
"""Redmine's word for the markup of a site -> ours."""

STATUSES: Final = (
    ("New", "new"),
    ("In Progress", "open"),
    ("Feedback", "stalled"),
    ("Closed", "resolved"),
    ("Resolved", "resolved"),
    ("Rejected", "rejected"),
    ("Rejected", "duplicate"),
)
"""Those of a new site in English; what is `Resolved` there still waits for somebody to close it."""

PRIORITIES: Final = (
    ("Urgent", "highest"),
    ("Immediate", "highest"),
    ("High", "high"),
    ("Normal", "normal"),
    ("Low", "low"),
    ("Low", "lowest"),
)

TYPES: Final = (("Bug", "bug"), ("Feature", "feature"), ("Support", "task"))


def lines(text: str) -> str:
    """Returns a text with one kind of line end; Redmine stores descriptions with another."""
    return re.sub(r"\r\n?", "\n", text)


def minutes(hours: object) -> str | None:
    """Returns hours as whole minutes; none is no value."""
    if hours in (None, ""):
        return None
    whole = round(float(str(hours)) * 60)
    return str(whole) if whole else None


FIELDS: Final = FieldMap(
    [
        Field(theirs="subject", ours="summary", limit=SUBJECT_MOST),
        Field(theirs="description", ours="description", kind=Kind.LONG, canon=lines),
        Field(theirs="project", ours="redmine:project", kind=Kind.WORD),
        Field(theirs="tracker", ours="type", kind=Kind.WORD, values=TYPES, default="Bug"),
        Field(theirs="status", ours="status", kind=Kind.WORD, values=STATUSES, default="New"),
        Field(theirs="priority", ours="priority", kind=Kind.WORD, values=PRIORITIES,
              default="Normal"),
        Field(theirs="category", ours="component", kind=Kind.WORD),
        Field(theirs="fixed_version", ours="milestone", kind=Kind.WORD),
        Field(theirs="assigned_to", ours="owner", kind=Kind.PERSON),
        Field(theirs="start_date", ours="redmine:start", kind=Kind.DAY),
        Field(theirs="due_date", ours="due", kind=Kind.DAY),
        Field(theirs="done_ratio", ours="redmine:done", kind=Kind.NUMBER),
        Field(theirs="estimated_hours", ours="estimate", kind=Kind.MINUTES),
        Field(theirs="relates", ours="related", kind=Kind.LINKS),
        Field(theirs="blocked", ours="depends_on", kind=Kind.LINKS),
        Field(theirs="blocks", ours="blocks", kind=Kind.LINKS),
        Field(theirs="duplicates", ours="duplicate_of", kind=Kind.LINKS),
        Field(theirs="parent", ours="parent", kind=Kind.LINKS),
        *(
            Field(theirs=name, ours=f"redmine:{name}", kind=Kind.LINKS, writable=False,
                  on_create=False)
            for name in ("duplicated", "precedes", "follows", "copied_to", "copied_from",
                         "children")
        ),
    ]
)  # fmt: skip

SPENT: Final = Field(
    theirs="spent_hours", ours="spent", kind=Kind.MINUTES, writable=False, on_create=False
)
"""Time entries have no journal: the field is carried where that is asked for."""

LISTED: Final = {
    "project_id": "project",
    "tracker_id": "tracker",
    "status_id": "status",
    "priority_id": "priority",
    "category_id": "category",
    "fixed_version_id": "fixed_version",
}
"""The attribute in journals and writes -> the field that names what the number means."""

ATTRIBUTES: Final = {
    **LISTED,
    "assigned_to_id": "assigned_to",
    "parent_id": "parent",
    "child_id": "children",
    **{
        name: name
        for name in (
            "subject", "description", "start_date", "due_date", "done_ratio", "estimated_hours",
        )
    },
}  # fmt: skip
"""The attribute in journals -> the field.  Others, such as `is_private`, are no fields here."""

BACKWARD: Final = {
    "relates": "relates",
    "blocks": "blocked",
    "duplicates": "duplicated",
    "precedes": "follows",
    "copied_to": "copied_from",
}
"""A relation as it is stored -> what the other ticket calls it."""

RELATIONS: Final = frozenset({*BACKWARD, *BACKWARD.values()})

CUSTOM: Final = re.compile(r"CF\.\{(.+)\}", re.DOTALL)


def custom(name: object) -> str:
    """Returns what the custom field of a name is called here."""
    return f"CF.{{{name}}}"


def of_custom(field: str) -> str:
    """Returns the name of a custom field, "" if the field is none."""
    found = CUSTOM.fullmatch(field)
    return found[1] if found else ""
