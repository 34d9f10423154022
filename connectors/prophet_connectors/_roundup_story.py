"""From the answers about an issue, its messages and its files to a ticket.

Messages and files are items of their own, joined to the issue by number.  The message that was
there when the issue was born is its description; those of the hub say which they are, by the
Message-ID that carries the key.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Final

from prophet_connectors._roundup_api import Api, Row, instant_of, label_of
from prophet_connectors._roundup_fields import CONTENT, HIDDEN, value_of
from prophet_connectors._roundup_walk import Walker
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Attachment,
    Comment,
    FieldMap,
    ListedTicket,
    Person,
    Pull,
    Ref,
    Ticket,
    Value,
)

__all__ = [
    "BIRTH",
    "REMARK",
    "born_of",
    "ids_in",
    "key_in",
    "listed",
    "mark",
    "messages_of",
    "ticket_of",
    "version",
]

BIRTH, REMARK = "ticket", "comment"
"""What a message of ours is: an issue's description, or a comment."""

DOMAIN: Final = "prophet-hub.invalid"
MARK: Final = re.compile(rf"<(\w+)\.([0-9A-Za-z-]+)@{re.escape(DOMAIN)}>")
MESSAGE: Final = "author,creator,creation,activity,date,messageid,content,files"
FILE: Final = "name,type,creator,creation"


def mark(kind: str, key: str) -> str:
    """Returns the Message-ID of a message of ours; one of its own where there is no key."""
    return f"<{kind if key else kind + 'less'}.{key or uuid.uuid4()}@{DOMAIN}>"


def key_in(message: Row) -> tuple[str, str]:
    """Returns what kind of message of ours it is, and the key it carries; "" for others."""
    found = MARK.fullmatch(message.get("messageid") or "")
    if not found:
        return "", ""
    kind = found[1].removesuffix("less")
    return kind, found[2] if kind == found[1] else ""


def ids_in(raw: Iterable[Any] | None) -> list[str]:
    """Returns the numbers of the items that a property holds."""
    return [str(member["id"]) for member in raw or ()]


def version(issue: Row) -> str:
    """Returns a digest of all that an issue itself shows."""
    shown = json.dumps(issue["attributes"], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:32]


def born_of(issue: Row, messages: list[Row]) -> Row | None:
    """Returns the message that is the issue's description, None if it has none.

    Times are told in whole seconds, so a first comment by the same person in the very second of the
    birth is taken for it; one of the hub's never is.
    """
    for message in messages:
        if key_in(message)[0] == BIRTH:
            return message
    shown = issue["attributes"]
    for message in messages[:1]:
        same = message["creator"]["id"] == shown["creator"]["id"]
        if same and message["creation"] <= shown["creation"] and not key_in(message)[0]:
            return message
    return None


def messages_of(api: Api, issue: Row) -> list[Row]:
    """Returns an issue's messages, oldest first."""
    numbers = ids_in(issue["attributes"].get("messages"))
    return api.items("msg", numbers, MESSAGE, verbose=3)


def ticket_of(api: Api, issue: Row, fields: FieldMap) -> Ticket:
    """Returns the ticket: two requests more where there are messages and files."""
    shown = issue["attributes"]
    ref = api.ref(str(issue["id"]))
    messages = messages_of(api, issue)
    birth = born_of(issue, messages)
    values = _fields(api, shown)
    if birth and birth.get(CONTENT):
        values[CONTENT] = str(birth[CONTENT])
    names = _names(fields, values) | {label_of(shown["creator"])}
    remarks = [m for m in messages if m is not birth]
    names |= {_author(m) for m in remarks}
    with_files = {number: m for m in messages for number in ids_in(m.get("files"))}
    numbers = {*ids_in(shown.get("files")), *with_files}
    files = api.items("file", numbers, FILE, verbose=2)
    names |= {label_of(f["creator"]) for f in files}
    people = api.met(names)
    return Ticket(
        ref=ref,
        author=people[label_of(shown["creator"])],
        created=instant_of(shown["creation"]),
        updated=max(instant_of(x["activity"]) for x in (shown, *messages)),
        fields=values,
        comments=tuple(_comment(m, ref.id, people) for m in remarks if m.get(CONTENT)),
        attachments=tuple(
            _file(f, ref.id, people, with_files.get(str(f["id"])), birth) for f in files
        ),
        people=people,
        key=key_in(birth)[1] if birth else "",
        version=version(issue),
    )


def listed(api: Api, walker: Walker, fields: FieldMap, pull: Pull) -> Iterator[ListedTicket]:
    """Yields all issues with the properties that the newest of them has."""
    newest = api.rows("issue", [("@sort", "-id"), ("@page_size", "1"), ("@page_index", "1")])
    if not newest:
        return
    there = api.issue(str(newest[0]["id"]))["attributes"].keys() - HIDDEN
    told = frozenset(row.theirs for row in fields if row.theirs in there)
    for row in walker.everything(pull.query, sorted(told)):
        yield ListedTicket(
            ref=api.ref(str(row["id"])),
            told=told,
            fields=_fields(api, {name: row.get(name) for name in told}),
            updated=instant_of(row["activity"]),
        )


def _fields(api: Api, shown: Row) -> dict[str, Value]:
    """Returns the properties; the hub's own account on a nosy list is no news."""
    values: dict[str, Value] = {}
    for name in shown.keys() - HIDDEN:
        value = value_of(shown[name])
        if name == "nosy" and isinstance(value, frozenset):
            value = value - {api.user}
        if value:
            values[name] = value
    return values


def _names(fields: FieldMap, values: dict[str, Value]) -> set[str]:
    """Returns the users that fields hold."""
    names: set[str] = set()
    for row in fields:
        if row.kind.value in ("person", "people") and row.theirs in values:
            value = values[row.theirs]
            names |= value if isinstance(value, frozenset) else {value}
    return names


def _author(message: Row) -> str:
    return label_of(message.get("author") or message["creator"])


def _comment(message: Row, ticket: str, people: dict[str, Person]) -> Comment:
    created, changed = instant_of(message["creation"]), instant_of(message["activity"])
    return Comment(
        ref=Ref(kind=COMMENT, id=str(message["id"]), ticket=ticket),
        author=people[_author(message)],
        created=instant_of(message["date"]) if message.get("date") else created,
        body=str(message[CONTENT]),
        updated=changed if changed > created else None,
        key=key_in(message)[1],
    )


def _file(
    file: Row, ticket: str, people: dict[str, Person], message: Row | None, birth: Row | None
) -> Attachment:
    beside = message if message is not birth else None
    return Attachment(
        ref=Ref(kind=ATTACHMENT, id=str(file["id"]), ticket=ticket),
        author=people[label_of(file["creator"])],
        created=instant_of(file["creation"]),
        name=file.get("name") or "untitled",
        content_type=file.get("type") or "application/octet-stream",
        comment=str(beside["id"]) if beside and beside.get(CONTENT) else "",
    )
