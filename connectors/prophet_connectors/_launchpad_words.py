"""What Launchpad's words mean: the field table, links that name things, and rows of activity.

Sources: Launchpad's own code (https://git.launchpad.net/launchpad), `lib/lp/bugs/interfaces` for the
fields and the words of statuses, `lib/lp/bugs/adapters/bugchange.py` for what a row of activity says.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from prophet_hub.sdk import (
    Event,
    Field,
    FieldChange,
    FieldMap,
    Kind,
    Person,
    SetChange,
    Value,
    change_between,
)  # fmt: skip
from prophet_hub.sdk.canon import lines
from prophet_hub.sdk.marks import ROOM, unmarked
from prophet_hub.sdk.times import instant

__all__ = [
    "FIELDS", "SEARCHED", "TASK_FIELDS", "events_of", "file_line", "guessed_type",
    "name_in", "number_in", "of_task", "path_of_person", "person_in", "shown", "type_in",
]  # fmt: skip

Record = Mapping[str, Any]

_STATUSES = (
    ("New", "new"), ("Confirmed", "open"), ("Triaged", "open"), ("In Progress", "open"),
    ("Fix Committed", "open"), ("Incomplete", "stalled"), ("Deferred", "stalled"),
    ("Fix Released", "resolved"), ("Invalid", "rejected"), ("Won't Fix", "rejected"),
    ("Opinion", "rejected"), ("Expired", "rejected"), ("Does Not Exist", "rejected"),
    ("Unknown", "new"), ("Invalid", "duplicate"),
)  # fmt: skip
"""The first that means ours is the one written: Confirmed and Invalid are open to everybody, Triaged,
Won't Fix and Expired to bug supervisors alone.
"""
SEARCHED: Final = tuple(dict.fromkeys(theirs for theirs, _ in _STATUSES if theirs != "Unknown"))
"""What a search has to name to find closed bugs too; it does not take Unknown."""

_IMPORTANCES = (
    ("Critical", "highest"), ("High", "high"), ("Medium", "normal"), ("Low", "low"),
    ("Wishlist", "lowest"),
)  # fmt: skip
UNDECIDED: Final = "Undecided"

TASK_FIELDS: Final = ("status", "importance", "assignee", "milestone")


def _stripped(text: str) -> str:
    """The server strips titles, and the end of descriptions."""
    return lines(text).rstrip()


FIELDS = FieldMap(
    [
        Field(theirs="title", ours="summary", canon=str.strip, limit=200),
        Field(theirs="description", ours="description", kind=Kind.LONG, canon=_stripped, limit=50_000 - ROOM),
        Field(theirs="status", ours="status", kind=Kind.WORD, values=_STATUSES, default="New"),
        Field(theirs="importance", ours="priority", kind=Kind.WORD, values=_IMPORTANCES),
        Field(theirs="assignee", ours="owner", kind=Kind.PERSON),
        Field(theirs="owner", ours="reporter", kind=Kind.PERSON, writable=False, on_create=False),
        Field(theirs="milestone", ours="milestone", kind=Kind.WORD),
        Field(theirs="tags", ours="labels", kind=Kind.WORDS),
        Field(theirs="duplicate_of", ours="duplicate_of", kind=Kind.LINKS),
        Field(theirs="information_type", ours="launchpad:information_type", kind=Kind.WORD,
              writable=False, default="Public"),
        Field(theirs="target", ours="launchpad:target", writable=False, on_create=False),
        Field(theirs="tasks", ours="launchpad:tasks", kind=Kind.WORDS, writable=False,
              on_create=False),
        Field(theirs="watch", ours="launchpad:watch", writable=False, on_create=False),
        Field(theirs="nickname", ours="launchpad:nickname", writable=False, on_create=False),
    ]
)  # fmt: skip
"""`target` and `tasks` are the tracked task's place and the others of the bug, word for word."""


# --- links ----------------------------------------------------------------------------------------


def name_in(link: object) -> str | None:
    """Returns the last part of a link: a person's name without the tilde, a milestone's name."""
    return unquote(str(link).rstrip("/").rpartition("/")[2]).removeprefix("~") if link else None


def number_in(link: object) -> str:
    """Returns the number that a link ends with: a bug's, a message's, a file's.

    Raises:
        ValueError: It ends with something else.
    """
    return str(int(str(name_in(link))))


def path_of_person(name: str) -> str:
    """Returns a person's path below the version."""
    return f"~{quote(name, safe='')}"


def person_in(words: str) -> str | None:
    """Returns the name in `Alice Doe (alice)`, as activity names people; None if there is none."""
    found = re.search(r"\(([a-z0-9][a-z0-9+.-]*)\)\s*\Z", words)
    return found[1] if found else None


# --- values ---------------------------------------------------------------------------------------


def shown(bug: Record, task: Record, others: Iterable[Record]) -> dict[str, Value]:
    """Returns the fields of a bug in one of its tasks; what is empty is absent."""
    description, _ = unmarked(str(bug.get("description") or ""))
    duplicate = bug.get("duplicate_of_link")
    told: dict[str, Value | None] = {
        "title": bug["title"],
        "description": description,
        "owner": name_in(bug.get("owner_link")),
        "tags": frozenset(bug.get("tags") or ()),
        "duplicate_of": frozenset({number_in(duplicate)} if duplicate else ()),
        "information_type": bug.get("information_type"),
        "target": task.get("bug_target_name"),
        "tasks": frozenset(map(_line, others)),
        "watch": task.get("bug_watch_link"),
        "nickname": bug.get("name"),
    }
    return {**of_task(task), **{name: value for name, value in told.items() if value}}


def of_task(task: Record) -> dict[str, Value]:
    """Returns the fields that stand in a task: `TASK_FIELDS`."""
    told = {
        "status": task["status"],
        "importance": _importance(task.get("importance")),
        "assignee": name_in(task.get("assignee_link")),
        "milestone": name_in(task.get("milestone_link")),
    }
    return {name: str(value) for name, value in told.items() if value}


def _importance(word: object) -> str | None:
    return None if word in (None, UNDECIDED) else str(word)


def _line(task: Record) -> str:
    """Returns another task of the bug in one line, in Launchpad's own words."""
    words = (
        task["status"],
        task["importance"],
        task.get("assignee_link") and f"~{name_in(task['assignee_link'])}",
        name_in(task.get("milestone_link")),
    )
    return f"{task['bug_target_name']}: {', '.join(str(word) for word in words if word)}"


# --- files ----------------------------------------------------------------------------------------


def guessed_type(name: str) -> str:
    """Returns the type that a file's name tells; the interface tells none."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def file_line(name: str, content_type: str) -> str:
    """Returns the text of the message that a file comes with; it names a type that none would guess."""
    return name if content_type == guessed_type(name) else f"{name} ({content_type})"


def type_in(text: str, name: str) -> str | None:
    """Returns the type that such a text tells of the file; None if it is a text of its own."""
    if text.strip() in ("", name):
        return guessed_type(name)
    found = re.fullmatch(rf"{re.escape(name)} \(([^\s()]+/[^\s()]+)\)\s*", text)
    return found[1] if found else None


# --- history --------------------------------------------------------------------------------------


def events_of(rows: Iterable[Record], target: str) -> tuple[Event, ...]:
    """Returns the rows of activity that changed a field of the table, oldest first.

    Rows have no number of their own: time, person and word are the key, and what still is the same
    is counted.  A task that moved is followed back to the name by which older rows call it.
    """
    told: list[tuple[Record, tuple[FieldChange | SetChange, ...]]] = []
    in_order = sorted(rows, key=lambda r: instant(r["datechanged"]))
    for row in reversed(in_order):
        what, old, new = str(row["whatchanged"]), row.get("oldvalue"), row.get("newvalue")
        if what == "affects" and new == target:
            target = str(old)
        change = _change(what, old, new, target)
        told.append((row, (change,) if change else ()))
    seen: dict[str, int] = {}
    events: list[Event] = []
    for row, changes in reversed(told):
        person = name_in(row.get("person_link")) or ""
        name = f"{row['datechanged']} {person} {row['whatchanged']}"
        seen[name] = seen.get(name, 0) + 1
        if changes:
            events.append(
                Event(
                    id=name if seen[name] == 1 else f"{name} {seen[name]}",
                    author=Person(id=person),
                    created=instant(row["datechanged"]),
                    changes=changes,
                )
            )
    return tuple(events)


_DUPLICATES = ("marked as duplicate", "changed duplicate marker", "removed duplicate marker")
_PLAIN = {"summary": "title", "title": "title", "information type": "information_type"}


def _change(what: str, old: Any, new: Any, target: str) -> FieldChange | SetChange | None:
    """Returns what a row changed, None if it is no field of ours or not said well enough."""
    values: tuple[Value | None, Value | None]
    if what == "description":
        field, values = what, (unmarked(old or "")[0] or None, unmarked(new or "")[0] or None)
    elif what in _PLAIN:
        field, values = _PLAIN[what], (old or None, new or None)
    elif what == "tags":
        field, values = what, (_words(old), _words(new))
    elif what in _DUPLICATES:
        field, values = "duplicate_of", (_words(old), _words(new))
    elif what.startswith(f"{target}: ") and what[len(target) + 2 :] in TASK_FIELDS:
        field = what[len(target) + 2 :]
        if field == "assignee":
            values = person_in(old or ""), person_in(new or "")
            if any(said and not who for said, who in zip((old, new), values, strict=True)):
                return None
        elif field == "importance":
            values = _importance(old), _importance(new)
        else:
            values = old or None, new or None
    else:
        return None
    return change_between(field, *values) if values[0] != values[1] else None


def _words(text: object) -> frozenset[str]:
    return frozenset(str(text or "").split())
