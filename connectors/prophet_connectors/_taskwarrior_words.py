"""A task as Taskwarrior exports it, and a ticket: one read and written through the other.

Whatever has no row stays in the task as it is.  What the hub itself must know stands in an attribute
of its own, `prophethub`: the word `ticket` in a task that it made, and `<second>=<key>` for each
annotation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from prophet_connectors._taskwarrior_program import Task
from prophet_hub.errors import Garbled, Rejected
from prophet_hub.sdk import COMMENT, Comment, Field, FieldMap, Kind, Person, Ref, Ticket, Value
from prophet_hub.sdk.canon import lines

__all__ = [
    "FIELDS",
    "HUB",
    "MADE",
    "OWN",
    "STAMP",
    "digest",
    "marks",
    "noted",
    "put",
    "remark",
    "ticket_of",
    "tidy",
    "told",
]

OWN: Final = "prophethub"
MADE: Final = "ticket"
HUB: Final = Person(id="prophet-hub")
STAMP: Final = "%Y%m%dT%H%M%SZ"
BUILT_IN: Final = frozenset(
    {"id", "uuid", "status", "entry", "modified", "start", "end", "until", "annotations", "urgency",
     "recur", "mask", "imask", "parent", "rtype", "last", "template", "rlast", "rtemplate", OWN}
)  # fmt: skip
"""Attributes that are told in other ways or not at all; any other one is a user's own."""

STATUSES: Final = ("pending", "started", "waiting", "completed")
SOMEDAY: Final = "20380118T000000Z"
"""Taskwarrior's own word for a day that may never come: 2.5's, which later ones can say as well."""
PASSING: Final = ("id", "urgency")
"""What is computed at every look."""


def tidy(text: str) -> str:
    """Returns a text with nothing blank around it, and lines that end alike."""
    return lines(text).strip()


FIELDS = FieldMap(
    [
        Field(theirs="summary", ours="summary", canon=tidy),
        Field(
            theirs="status",
            ours="status",
            kind=Kind.WORD,
            values=(
                ("pending", "open"),
                ("pending", "new"),
                ("started", "open"),
                ("waiting", "stalled"),
                ("completed", "resolved"),
                ("completed", "rejected"),
                ("completed", "duplicate"),
            ),
            default="pending",
        ),
        Field(
            theirs="priority",
            ours="priority",
            kind=Kind.WORD,
            values=(
                ("H", "high"), ("H", "highest"), ("M", "normal"), ("L", "low"), ("L", "lowest"),
            ),
        ),
        Field(theirs="project", ours="component"),
        Field(theirs="tags", ours="labels", kind=Kind.WORDS),
        Field(theirs="due", ours="due", kind=Kind.DAY),
        Field(theirs="depends", ours="depends_on", kind=Kind.LINKS),
        Field(theirs="scheduled", ours="taskwarrior:scheduled", kind=Kind.INSTANT),
        Field(theirs="wait", ours="taskwarrior:wait", kind=Kind.INSTANT),
    ]
)  # fmt: skip


def attribute(row: Field) -> str:
    """Returns what Taskwarrior calls a field: `description` is its word for a summary."""
    return "description" if row.theirs == "summary" else row.theirs


def status_of(task: Task, now: datetime) -> str:
    """Returns the status; since 2.6 a task that waits is `pending` until a day to come."""
    word = str(task["status"])
    if word == "pending" and task.get("start"):
        return "started"
    waits = word == "pending" and "wait" in task and _instant(task["wait"]) > now
    return "waiting" if waits else word


def digest(task: Task) -> str:
    """Returns a digest of all that a task is, but for what is computed at every look."""
    kept = {name: value for name, value in task.items() if name not in PASSING}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:32]


def marks(task: Task) -> dict[str, str]:
    """Returns the hub's notes in a task: a second -> the key of its annotation, and `ticket`."""
    words = (word.partition("=") for word in str(task.get(OWN) or "").split())
    return {name: key for name, _, key in words}


def ticket_of(
    task: Task, fields: FieldMap, zone: ZoneInfo | None, owner: str, now: datetime
) -> Ticket:
    """Returns the ticket; a task that names no author is its owner's, or the hub's."""
    noted_by_us = marks(task)
    values: dict[str, Value] = {}
    for row in fields:
        value = status_of(task, now) if row.theirs == "status" else told(row, task, zone)
        if value:
            values[row.theirs] = value
    known = BUILT_IN | {attribute(row) for row in fields}
    for name in task.keys() - known:
        if task[name]:
            values[name] = _other(task[name])
    born = _instant(task["entry"])
    own = MADE in noted_by_us
    return Ticket(
        ref=Ref(id=task["uuid"]),
        author=HUB if own else Person(id=owner),
        created=born,
        updated=max(born, _instant(task.get("modified") or task["entry"])),
        fields=values,
        comments=tuple(
            Comment(
                ref=Ref(kind=COMMENT, id=remark(task["uuid"], note["entry"]), ticket=task["uuid"]),
                author=HUB if note["entry"] in noted_by_us else Person(id=owner),
                created=_instant(note["entry"]),
                body=str(note["description"]),
                key=noted_by_us.get(note["entry"], ""),
            )
            for note in sorted(task.get("annotations") or (), key=lambda note: note["entry"])
        ),
        key=task["uuid"] if own else "",
        version=digest(task),
    )


def remark(task: str, second: str) -> str:
    """Returns the id of an annotation."""
    return f"{task}.{second}"


def noted(task: Task, text: str, key: str, now: datetime) -> str:
    """Adds an annotation to a task; returns its second, which no other one of the task has."""
    if not text.strip():
        raise Rejected("Taskwarrior keeps no annotation without a text.")
    notes = task.setdefault("annotations", [])
    taken = {note["entry"] for note in notes}
    last = max(taken, default="")
    while (second := now.strftime(STAMP)) in taken or second < last:
        now = max(now, _instant(last)) + timedelta(seconds=1)
    notes.append({"entry": second, "description": text})
    task[OWN] = f"{task.get(OWN) or ''} {second}={key}".strip()
    return second


def put(task: Task, row: Field, value: Value | None, zone: ZoneInfo | None, now: datetime) -> None:
    """Puts a field of a task; everything is checked, for on some values `task` crashes.

    Raises:
        Rejected: Taskwarrior has no such value.
    """
    name = attribute(row)
    if name == "status":
        _put_status(task, str(value or "pending"), now)
    elif name == "description" and not (isinstance(value, str) and value.strip()):
        raise Rejected("A task needs a description.")
    elif not value:
        task.pop(name, None)
    elif isinstance(value, frozenset):
        if any("," in member or not member.strip() for member in value):
            raise Rejected(f"Taskwarrior parts {name} at commas.", hint="Map it in the job file.")
        task[name] = sorted(value)
    elif row.kind in (Kind.DAY, Kind.INSTANT):
        task[name] = _stamp(value, row.kind, zone)
    else:
        task[name] = value


def _put_status(task: Task, word: str, now: datetime) -> None:
    if word not in STATUSES:
        raise Rejected(
            f"A task cannot be put into the status {word}.", hint="Map it in the job file."
        )
    if word != "waiting" and status_of(task, now) == "waiting":
        task.pop("wait", None)
    task.pop("end", None)
    task.pop("start", None)
    task["status"] = "completed" if word == "completed" else "pending"
    if word in ("started", "completed"):
        task["start" if word == "started" else "end"] = now.strftime(STAMP)
    if word == "waiting" and status_of(task, now) != word:
        task["wait"] = SOMEDAY


def told(row: Field, task: Mapping[str, Any], zone: ZoneInfo | None) -> Value | None:
    """Returns a field of a task, None where it is empty."""
    raw = task.get(attribute(row))
    if raw is None or raw == "":
        return None
    if row.kind.many:  # before 2.6, `depends` was a text
        return frozenset(raw if isinstance(raw, list) else str(raw).split(","))
    if row.kind is Kind.DAY:
        return _instant(raw).astimezone(zone).date().isoformat()
    if row.kind is Kind.INSTANT:
        return _instant(raw).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{raw:.10g}" if isinstance(raw, float) else str(raw)


def _other(raw: object) -> str:
    """Returns a user's own attribute: a date as an instant, else as it is."""
    if isinstance(raw, float):
        return f"{raw:.10g}"
    text = str(raw)
    return f"{_instant(text):%Y-%m-%dT%H:%M:%SZ}" if re.fullmatch(r"\d{8}T\d{6}Z", text) else text


def _stamp(value: str, kind: Kind, zone: ZoneInfo | None) -> str:
    try:
        read = datetime.fromisoformat(value)
        if kind is Kind.DAY:
            read = read.replace(tzinfo=zone) if zone else read.astimezone()
        return read.astimezone(UTC).strftime(STAMP)
    except (ValueError, OverflowError):
        raise Rejected(f"{value} is no date.") from None


def _instant(stamp: object) -> datetime:
    """Returns the instant of `20261120T234706Z`; a date without a type is told in seconds."""
    text = str(stamp)
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        return datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        raise Garbled(f"A task tells the time {text[:40]!r}.") from None
