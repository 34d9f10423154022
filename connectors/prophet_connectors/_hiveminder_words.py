"""What Hiveminder's words mean: columns, tags, durations, times without a zone, and mails.

Sources: BTDT's models (https://github.com/bestpractical/hiveminder), the REST plugin of Jifty, and
Text::Tags::Parser for the one string that holds all tags.
"""

from __future__ import annotations

import base64
import email
import email.policy
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from prophet_hub.errors import Garbled, Rejected
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
from prophet_hub.sdk.canon import blanks, lines

__all__ = [
    "FIELDS", "LINKS", "TAG", "body_of", "events_of", "flag", "instant", "join_tags",
    "key_in", "mail", "message_id", "minutes_of", "parse_tags", "value_of", "wire",
]  # fmt: skip

TAG = "hub-"
"""The tag by which a task carries the hub's key; it is no label."""

LINKS = "depends_on"

_STATUSES = (
    ("0", "open"), ("0", "new"), ("0", "stalled"),
    ("1", "resolved"), ("1", "rejected"), ("1", "duplicate"),
)  # fmt: skip
_PRIORITIES = (("3", "normal"), ("5", "highest"), ("4", "high"), ("2", "low"), ("1", "lowest"))
_FLAGS = frozenset({"complete", "will_complete", "accepted"})
_DURATIONS = frozenset({"time_estimate", "time_worked", "time_left"})
_DAYS = frozenset({"due", "starts"})
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "": 1}


FIELDS = FieldMap(
    [
        Field(theirs="summary", ours="summary", canon=blanks),
        Field(theirs="description", ours="description", kind=Kind.LONG, canon=lines),
        Field(theirs="complete", ours="status", kind=Kind.WORD, values=_STATUSES, default="0"),
        Field(theirs="priority", ours="priority", kind=Kind.WORD, values=_PRIORITIES, default="3"),
        Field(theirs="owner_id", ours="owner", kind=Kind.PERSON),
        Field(theirs="requestor_id", ours="reporter", kind=Kind.PERSON, writable=False,
              on_create=False),
        Field(theirs="tags", ours="labels", kind=Kind.WORDS),
        Field(theirs="due", ours="due", kind=Kind.DAY),
        Field(theirs="starts", ours="hiveminder:starts", kind=Kind.DAY),
        Field(theirs="group_id", ours="hiveminder:group", kind=Kind.WORD),
        Field(theirs="will_complete", ours="hiveminder:will_complete", kind=Kind.WORD,
              default="1"),
        Field(theirs="accepted", ours="hiveminder:accepted", kind=Kind.WORD, writable=False,
              on_create=False),
        Field(theirs="time_estimate", ours="estimate", kind=Kind.MINUTES, writable=False,
              on_create=False),
        Field(theirs="time_worked", ours="spent", kind=Kind.MINUTES, on_create=False),
        Field(theirs="time_left", ours="hiveminder:left", kind=Kind.MINUTES),
    ]
)  # fmt: skip
"""completed_at is not here: what the history says of it is not what the task shows."""


# --- values ---------------------------------------------------------------------------------------


def flag(raw: object) -> bool:
    """Tells what a boolean says: 1, "1", "t", true; and 0, "0", "", "f", null."""
    return str(raw).lower() in ("1", "t", "true")


def value_of(column: str, raw: object) -> Value | None:
    """Returns a column's value as told: None where it is empty; flags as 0 and 1."""
    if column in _FLAGS:
        absent = raw in (None, "") and column == "accepted"
        return None if absent else "1" if flag(raw) else "0"
    if raw in (None, ""):
        return None
    text = str(raw)
    if column == "tags":
        return frozenset(t for t in parse_tags(text) if not t.startswith(TAG)) or None
    if column in _DAYS:
        return text[:10]
    return minutes_of(text) if column in _DURATIONS else text


def wire(column: str, value: str | None) -> str:
    """Returns a value as a form sends it.

    Raises:
        Rejected: The column cannot hold it.
    """
    if value is None:
        return {
            "complete": "0", "will_complete": "1", "priority": "3", "owner_id": "nobody"
        }.get(column, "")  # fmt: skip
    good = {
        "complete": "[01]", "will_complete": "[01]", "priority": "[1-5]", "group_id": "[0-9]+",
        "owner_id": r"[0-9]+|\S+@\S+", **dict.fromkeys(_DURATIONS, "[0-9]+"),
        **dict.fromkeys(_DAYS, "[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    }.get(column, "(?s).*")  # fmt: skip
    if not re.fullmatch(good, value):
        raise Rejected(f"Hiveminder has no {value!r} as {column}.", hint="Map it in the job file.")
    return f"{value}m" if column in _DURATIONS else value


def wire_flag(raw: object) -> str:
    """Returns a boolean as a form sends it."""
    return "1" if flag(raw) else "0"


def harmless(summary: str) -> str:
    """Returns a summary in which CreateTask reads no instruction (Task.pm, parse_summary)."""
    bare = re.sub(r"(?i)^(?:[\s+-]|(?:project|milestone):)+", "", summary)
    return bare.translate({ord("["): "(", ord("]"): ")", ord("!"): "."}) or "..."


def minutes_of(text: str) -> str | None:
    """Returns a duration like `1h30m`, `2 hours` or `90 seconds` in whole minutes."""
    parts = re.findall(r"([0-9.]+)\s*([a-z]*)", text.lower())
    try:
        seconds = sum(float(number) * _SECONDS[unit[:1]] for number, unit in parts)
    except (ValueError, KeyError):
        return None
    return str(round(seconds / 60)) if parts else None


def parse_tags(text: str) -> list[str]:
    """Returns the tags of a string: blanks and commas separate, quotes of both kinds keep."""
    found = re.findall(r"""(?s)"(.*?)(?:"|$)|'(.*?)(?:'|$)|([^\s,]+)""", text)
    tags = (blanks("".join(groups)) for groups in found)
    return list(dict.fromkeys(tag for tag in tags if tag))


def join_tags(tags: Iterable[str]) -> str:
    """Returns one string of quoted tags, which `parse_tags` reads back.

    Raises:
        Rejected: A tag that no quotes can hold.
    """
    quoted = []
    for tag in sorted(tags):
        mark = "'" if '"' in tag else '"'
        if mark in tag or not tag or tag != blanks(tag):
            raise Rejected(f"Hiveminder cannot hold the tag {tag!r}.", hint="Rename the label.")
        quoted.append(f"{mark}{tag}{mark}")
    return " ".join(quoted)


def instant(text: object, zone: ZoneInfo, after: datetime | None = None) -> datetime:
    """Returns a time without a zone as an instant.

    In the hour that a clock repeats in autumn the later reading is taken where the earlier one
    would lie before `after`.

    Raises:
        Garbled: It is no time.
    """
    try:
        local = datetime.fromisoformat(str(text).strip().replace(" ", "T"))
    except ValueError as error:
        raise Garbled(f"Hiveminder told the time {text!r}.") from error
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    first, second = (local.replace(tzinfo=zone, fold=n).astimezone(UTC) for n in (0, 1))
    return second if after and first < after <= second else first


# --- history --------------------------------------------------------------------------------------


def events_of(
    fields: FieldMap,
    transactions: Sequence[Mapping[str, Any]],
    history: Iterable[Mapping[str, Any]],
    when: Mapping[str, datetime],
) -> tuple[Event, ...]:
    """Returns the transactions that changed a field of the table, oldest first."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(history, key=lambda r: int(r["id"])):
        rows.setdefault(str(row["transaction_id"]), []).append(row)
    told: list[Event] = []
    for transaction in transactions:
        name = str(transaction["id"])
        changes = _changes(fields, rows.get(name, []))
        if changes:
            author = Person(id=str(transaction["created_by"] or "0"))
            told.append(Event(id=name, author=author, created=when[name], changes=changes))
    return tuple(told)


def _changes(
    fields: FieldMap, rows: Iterable[Mapping[str, Any]]
) -> tuple[FieldChange | SetChange, ...]:
    """Returns one change per field, from the first old value to the last new one."""
    ends: dict[str, tuple[Value | None, Value | None]] = {}
    for row in rows:
        name = str(row["field"])
        if fields.theirs(name):
            old, new = value_of(name, row["old_value"]), value_of(name, row["new_value"])
            ends[name] = (ends[name][0] if name in ends else old, new)
    return tuple(change_between(name, *pair) for name, pair in ends.items() if pair[0] != pair[1])


# --- mails ----------------------------------------------------------------------------------------


def message_id(key: str) -> str:
    """Returns the Message-ID that carries a key; a path of the API can hold it."""
    return f"<{TAG}{quote(key, safe='')}@prophet-hub.invalid>"


def key_in(identifier: object) -> str:
    """Returns the key in a Message-ID, "" if there is none."""
    found = re.fullmatch(rf"\s*<{TAG}(.+)@prophet-hub\.invalid>\s*", str(identifier or ""))
    return unquote(found[1]) if found else ""


def mail(body: str, sender: Person, created: datetime, key: str) -> str:
    """Returns a comment as a mail of pure ASCII, which no hand on its way can garble."""
    head = EmailMessage(policy=email.policy.SMTP.clone(linesep="\n"))
    user, _, domain = sender.email.partition("@")
    head["From"] = Address(sender.name, user, domain)
    head["Date"] = format_datetime(created)
    head["Subject"] = "comment"
    if key:
        head["Message-ID"] = message_id(key)
    head["MIME-Version"] = "1.0"
    head["Content-Type"] = 'text/plain; charset="utf-8"'
    head["Content-Transfer-Encoding"] = "base64"
    return head.as_string() + base64.encodebytes(body.encode()).decode()


def body_of(raw: str) -> str:
    """Returns the text of a mail; of one that is not ours without the line ends at its end.

    The column holds bytes, and what JSON makes of them differs: the characters may be the bytes one
    by one, or the text already decoded.  What the declared charset can read is right.
    """
    readings = [raw.encode()]
    if not raw.isascii() and max(raw) <= "\xff":
        readings.insert(0, raw.encode("latin-1"))
    for n, data in enumerate(readings):
        parsed = email.message_from_bytes(data, policy=email.policy.default)
        part = parsed.get_body(("plain", "html")) or parsed
        content = part.get_payload(decode=True)
        held = content if isinstance(content, bytes) else b""
        charset = part.get_content_charset("utf-8")
        final = n == len(readings) - 1
        try:
            text = held.decode(charset)
        except (UnicodeDecodeError, LookupError):
            if not final:
                continue
            text = held.decode("utf-8", "replace")
        break
    return text if key_in(parsed["Message-ID"]) else lines(text).rstrip("\n")
