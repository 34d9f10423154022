"""A task of Hiveminder as it is told: the record, its transactions, mails, files and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from prophet_connectors import _hiveminder_words as words
from prophet_connectors._hiveminder_api import Api, Record
from prophet_hub.errors import Garbled, NotFound, Rejected
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Attachment,
    Comment,
    Event,
    FieldChange,
    FieldMap,
    Kind,
    ListedTicket,
    Person,
    Ref,
    Ticket,
    Value,
)

__all__ = ["address_of", "content_of", "listed", "ticket_of"]

_FILE = ("id", "transaction_id", "filename", "content_type", "size")
"""Asked column by column: the whole record would bring the content along."""


def ticket_of(api: Api, ref: Ref, fields: FieldMap, *, nobody: str) -> Ticket:
    """Reads task, transactions and mails, and the history where there can be one: 3 or 4 requests.

    Files cost five more, links one, a person that was not met before one.  What the user `nobody`
    owns is owned by none.
    """
    try:
        task = api.record("Task", ref.id)
    except NotFound:
        api.account(fresh=True)  # whoever is logged out finds nothing, too
        raise
    zone = api.account().zone
    done = api.search("TaskTransaction", "task_id", ref.id)
    changed = any(t.get("type") != "create" for t in done)
    rows = api.search("TaskHistory", "task_id", ref.id) if changed else []
    for row in (r for r in rows if r["field"] == "owner_id"):
        row |= {end: None for end in ("old_value", "new_value") if str(row[end]) == nobody}
    if str(task.get("owner_id")) == nobody:
        task["owner_id"] = None
    mails = api.search("TaskEmail", "task_id", ref.id)
    when: dict[str, datetime] = {}
    last: datetime | None = None
    for transaction in done:
        last = when[str(transaction["id"])] = words.instant(transaction["modified_at"], zone, last)
    shown = _fields(api, ref, task, fields)
    events = words.events_of(fields, done, rows, when)
    authors = {str(t["id"]): Person(id=str(t["created_by"] or "0")) for t in done}
    told = frozenset(event.id for event in events)
    birth = next((t for t in done if t.get("type") == "create"), None)
    author = authors[str(birth["id"])].id if birth else str(task.get("requestor_id") or "0")
    created = words.instant(task["created"], zone) if task.get("created") else min(when.values())
    comments = tuple(
        Comment(
            ref=Ref(kind=COMMENT, id=str(m["id"]), ticket=ref.id),
            author=Person(id=str(m["sender_id"])) if m.get("sender_id") else _by(m, authors),
            created=when.get(str(m["transaction_id"]), created),
            body=words.body_of(str(m["message"] or "")),
            dialect="plain",
            key=words.key_in(m["message_id"]),
            event=str(m["transaction_id"]) if str(m["transaction_id"]) in told else "",
        )
        for m in mails
    )
    files = tuple(
        Attachment(
            ref=Ref(kind=ATTACHMENT, id=f["id"], ticket=ref.id),
            author=_by(f, authors),
            created=when.get(f["transaction_id"], created),
            name=f["filename"] or f"file {f['id']}",
            content_type=f["content_type"] or "application/octet-stream",
            size=int(f["size"]) if f["size"] else None,
        )
        for f in (_files(api, ref) if str(task.get("attachment_count") or "0") != "0" else ())
    )
    people = _named(fields, shown, events) | {author} | {e.author.id for e in events}
    people |= {c.author.id for c in comments} | {a.author.id for a in files}
    known = api.people(people - {"0"})
    return Ticket(
        ref=ref,
        author=known.get(author, Person(id=author)),
        created=created,
        updated=max([created, *when.values()]),
        fields=shown,
        events=events,
        comments=comments,
        attachments=files,
        people=known,
        key=_key(task),
        dialect="markdown",
    )


def listed(api: Api, query: str, *, nobody: str) -> Iterator[ListedTicket]:
    """Yields the tasks that a query finds, open and done ones without it, in pages."""
    forms = [{"tokens": query}] if query else [{"complete_not": "1"}, {"complete": "1"}]
    for task in (task for form in forms for task in api.tasks(form)):
        if str(task.get("owner_id")) == nobody:
            task["owner_id"] = None
        told = {row.theirs for row in words.FIELDS} & task.keys()
        shown = {name: words.value_of(name, task[name]) for name in told}
        yield ListedTicket(
            ref=Ref(id=str(task["id"])),
            told=frozenset(told),
            fields={name: value for name, value in shown.items() if value is not None},
        )


def content_of(api: Api, ref: Ref) -> Iterator[bytes]:
    """Streams a file from the web pages: the API would decode it as text.

    Raises:
        Garbled: A page for people came in its place.
    """
    sizes = api.column("TaskAttachment", "size", "task_id", ref.ticket, "id", ref.id)
    if not sizes:
        raise NotFound(f"Task {ref.ticket} has no file {ref.id}.")
    path = f"/task/{api.locator(ref.ticket)}/attachment/{ref.id}/download"
    size = 0
    for piece in api.http.stream(path):
        size += len(piece)
        yield piece
    if sizes[0] and size != int(sizes[0]):
        raise Garbled(f"File {ref.id} came with {size} bytes in place of {sizes[0]}.")


def address_of(api: Api, person: str) -> str:
    """Returns the address by which alone an action takes a person; a number it drops in silence.

    Raises:
        Rejected: The server does not show it.
    """
    known = person if "@" in person else api.people({person})[person].email
    if not known:
        raise Rejected(
            f"Hiveminder does not show the address of its user {person}.",
            hint="Name an address in the people file.",
        )
    return known


def _fields(api: Api, ref: Ref, task: Record, fields: FieldMap) -> dict[str, Value]:
    shown: dict[str, Value] = {}
    for row in fields:
        value = words.value_of(row.theirs, task.get(row.theirs))
        if row.theirs == words.LINKS:
            links = api.search("TaskDependency", "task_id", ref.id)
            value = frozenset(str(link["depends_on"]) for link in links) or None
        if value is not None:
            shown[row.theirs] = value
    return shown


def _files(api: Api, ref: Ref) -> list[dict[str, str]]:
    columns = [api.column("TaskAttachment", name, "task_id", ref.id) for name in _FILE]
    return [dict(zip(_FILE, values, strict=True)) for values in zip(*columns, strict=False)]


def _by(record: Mapping[str, object], authors: Mapping[str, Person]) -> Person:
    return authors.get(str(record["transaction_id"]), Person(id="0"))


def _named(fields: FieldMap, shown: Mapping[str, Value], events: Sequence[Event]) -> set[str]:
    """Returns the persons that the fields hold, or held."""
    persons = {row.theirs for row in fields if row.kind is Kind.PERSON}
    held = {shown.get(name) for name in persons}
    for change in (c for e in events for c in e.changes):
        if change.field in persons and isinstance(change, FieldChange):
            held |= {change.old, change.new}
    return {value for value in held if isinstance(value, str)}


def _key(task: Mapping[str, object]) -> str:
    tags: Sequence[str] = words.parse_tags(str(task.get("tags") or ""))
    return next((t.removeprefix(words.TAG) for t in tags if t.startswith(words.TAG)), "")
