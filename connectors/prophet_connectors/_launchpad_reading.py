"""One bug of Launchpad as a ticket: the bug, its tasks, messages, files and activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from prophet_connectors._launchpad_asking import Asker, Record
from prophet_connectors._launchpad_words import (
    events_of,
    guessed_type,
    name_in,
    number_in,
    shown,
    type_in,
)
from prophet_hub.errors import NotFound
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Attachment,
    Comment,
    FieldChange,
    Person,
    Ref,
    Ticket,
)  # fmt: skip
from prophet_hub.sdk.marks import unmarked
from prophet_hub.sdk.times import instant

__all__ = ["SUBJECT", "Reader", "comment_ref", "etag_of", "task_of"]

SUBJECT: Final = "prophet-hub "
"""Before the hub's key in the subject of a comment."""


class Reader:
    """Reads whole tickets: five requests, four where nobody has commented."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def ticket(self, ref: Ref) -> Ticket:
        """Returns a bug in the task of the target.

        Raises:
            NotFound: It has no task there, or is not shown.
        """
        ask = self._ask
        bug = ask.record(f"bugs/{ref.id}")
        number = str(bug["id"])
        tasks = ask.collection(f"bugs/{number}/bug_tasks")
        task = task_of(tasks, ask)
        if task is None:
            raise NotFound(f"Bug {ref.id} of {ask.remote} is not one of {ask.target}.")
        messages = self._messages(number) if int(bug.get("message_count") or 0) != 1 else []
        files = [f for f in ask.collection(f"bugs/{number}/attachments") if f.get("data_link")]
        events = events_of(ask.collection(f"bugs/{number}/activity"), str(task["bug_target_name"]))
        fields = shown(bug, task, [t for t in tasks if t is not task])
        private = bool(bug.get("private"))
        author = Person(id=name_in(bug.get("owner_link")) or "")
        created = instant(bug["date_created"])
        times = [bug.get("date_last_updated"), bug.get("date_last_message")]
        told = [instant(time) for time in times if time] + [e.created for e in events]
        texts = {number_in(m["self_link"]): m for m in messages}
        by_message: dict[str, list[Record]] = {}
        for file in files:
            by_message.setdefault(number_in(file["message_link"]), []).append(file)
        comments = [
            self._comment(number, n, message, private=private)
            for n, message in texts.items()
            if n != "0" and not _silent(message, by_message.get(n, ()))
        ]
        named = {c.ref.id for c in comments}
        attachments = [
            self._attachment(number, file, texts, named, bug, private=private) for file in files
        ]
        names = {author.id, fields.get("assignee"), *(e.author.id for e in events)}
        names |= {c.author.id for c in comments} | {a.author.id for a in attachments}
        names |= {
            value
            for event in events
            for change in event.changes
            if isinstance(change, FieldChange) and change.field == "assignee"
            for value in (change.old, change.new)
        }
        people = {n: ask.person(n) for n in sorted(str(n) for n in names if n)}
        return Ticket(
            ref=Ref(id=number, url=str(task.get("web_link") or "")),
            author=people.get(author.id, author),
            created=created,
            updated=max([created, *told]),
            fields=fields,
            events=events,
            comments=tuple(comments),
            attachments=tuple(attachments),
            people=people,
            key=unmarked(str(bug.get("description") or ""))[1],
            version=f"{etag_of(bug)} {etag_of(task)}",
            private=private,
        )

    def key_in(self, ref: Ref, key: str) -> Ref | None:
        """Returns the comment or file of a bug that carries the key, None if none does."""
        for number, message in self._by_number(ref.ticket).items():
            if ref.kind == COMMENT and str(message.get("subject")) == SUBJECT + key:
                return comment_ref(ref.ticket, number)
            if ref.kind == ATTACHMENT and unmarked(str(message.get("content") or ""))[1] == key:
                for file in self._ask.collection(f"bugs/{ref.ticket}/attachments"):
                    if number_in(file["message_link"]) == number:
                        name = number_in(file["self_link"])
                        return Ref(kind=ATTACHMENT, id=name, ticket=ref.ticket)
        return None

    def _messages(self, number: str) -> list[Record]:
        return self._ask.collection(f"bugs/{number}/messages")

    def _by_number(self, number: str) -> dict[str, Record]:
        return {number_in(m["self_link"]): m for m in self._messages(number)}

    def _comment(self, bug: str, number: str, message: Record, *, private: bool) -> Comment:
        subject, edited = str(message.get("subject") or ""), message.get("date_last_edited")
        return Comment(
            ref=comment_ref(bug, number, str(message.get("web_link") or "")),
            author=Person(id=name_in(message.get("owner_link")) or ""),
            created=instant(message["date_created"]),
            updated=instant(edited) if edited else None,
            body=str(message["content"]),
            key=subject.removeprefix(SUBJECT) if subject.startswith(SUBJECT) else "",
            private=private,
        )

    def _attachment(
        self,
        number: str,
        file: Record,
        texts: Mapping[str, Record],
        named: set[str],
        bug: Record,
        *,
        private: bool,
    ) -> Attachment:
        """Returns a file; author, date, type and key are those of the message that it came with."""
        place = number_in(file["message_link"])
        message, spoken = texts.get(place, {}), comment_ref(number, place)
        text, key = unmarked(str(message.get("content") or ""))
        name = str(file["title"])
        return Attachment(
            ref=Ref(
                kind=ATTACHMENT,
                id=number_in(file["self_link"]),
                ticket=number,
                url=str(file.get("web_link") or ""),
            ),
            author=Person(id=name_in(message.get("owner_link") or bug.get("owner_link")) or ""),
            created=instant(message.get("date_created") or bug["date_created"]),
            name=name,
            content_type=type_in(text, name) or guessed_type(name),
            comment=spoken.id if spoken.id in named else "",
            key=key,
            private=private,
        )


def comment_ref(bug: str, number: str, url: str = "") -> Ref:
    """Returns the ref of a message: its position says nothing without its bug."""
    return Ref(kind=COMMENT, id=f"{bug}.{number}", ticket=bug, url=url)


def _silent(message: Record, files: Sequence[Record]) -> bool:
    """Tells whether a message says nothing: taken back, empty, or no more than what its files are.

    A key stands in the text of such a line alone; it tells the line when the file is gone.
    """
    text, key = unmarked(str(message.get("content") or ""))
    if message.get("date_deleted") or key or not text.strip():
        return True
    return any(type_in(text, str(file["title"])) is not None for file in files)


def task_of(tasks: Sequence[Record], ask: Asker) -> Record | None:
    """Returns the task of the target: its own, else that of a package, else of a series, within it."""
    places = [ask.place(str(task["target_link"])) for task in tasks]
    for prefix in ("", "/+source/", "/"):
        for task, place in zip(tasks, places, strict=True):
            if place == ask.target or (prefix and place.startswith(ask.target + prefix)):
                return task
    return None


def etag_of(entry: Record) -> str:
    """Returns an entry's tag bare: some answers quote it, and a proxy may put its mark behind it."""
    return str(entry.get("http_etag") or "").strip('W/"').removesuffix("-gzip")
