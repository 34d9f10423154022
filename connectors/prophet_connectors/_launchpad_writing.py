"""What the hub says to Launchpad: named operations, and PATCH under the tag that was read.

What one update changes may lie in two places, the bug and its task, each with a tag of its own.  The
task is looked at before the bug is written, so that what moved on is `Stale` before anything is
done; what fails after that is a note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from prophet_connectors._launchpad_asking import Asker, Record, json_list
from prophet_connectors._launchpad_reading import SUBJECT, comment_ref, etag_of, task_of
from prophet_connectors._launchpad_words import (
    TASK_FIELDS,
    UNDECIDED,
    file_line,
    guessed_type,
    number_in,
    path_of_person,
)
from prophet_hub.errors import NotFound, Rejected, RemoteError, Stale, Unsure
from prophet_hub.sdk import (
    Create,
    Delete,
    FieldMap,
    Receipt,
    Ref,
    Update,
    Value,
    members,
)
from prophet_hub.sdk.answers import Answer
from prophet_hub.sdk.marks import marked, remarked
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart

__all__ = ["Writer"]

_BORN: Final = {"status": "New"}
"""What needs no second request."""
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9+.-]*")


class Writer:
    """Sends one operation."""

    def __init__(self, ask: Asker, fields: FieldMap) -> None:
        self._ask = ask
        self._fields = fields

    # --- tickets --------------------------------------------------------------------------------

    def create(self, operation: Create) -> Receipt:
        """Reports a bug; status and the like follow, and what cannot be or fails of it is a note."""
        said = self._allowed(operation.fields, new=True)
        title = str(said.get("title") or "")
        text = marked(str(said.get("description") or ""), operation.key) or title
        form = {"title": title, "description": text, "target": self._ask.link(self._ask.target)}
        tags, notes = _possible(members(said.get("tags")))
        if tags:
            form["tags"] = json_list(tags)
        if said.get("information_type"):
            form["information_type"] = str(said["information_type"])
        late: dict[str, Any] = {
            name: said[name]
            for name in TASK_FIELDS
            if said.get(name) and said[name] != _BORN.get(name)
        }
        duplicate = self._duplicate(frozenset(), members(said.get("duplicate_of")))
        wire = self._task_changes(late)
        answer = self._ask.post("bugs", "createBug", form)
        ref = Ref(id=self._made(answer))
        try:
            if wire:
                self._ask.patch(self._task_path(self._task(ref)), wire, "")
            if duplicate:
                self._ask.patch(f"bugs/{ref.id}", duplicate, "")
        except RemoteError as error:
            notes.append(f"Bug {ref.id} was reported, but not all of it: {error.sentence}")
        return Receipt(ref=ref, notes=tuple(notes))

    def update(self, operation: Update) -> Receipt:
        """Changes the bug, its task, or both, each as it was when it was read."""
        ref = operation.ref
        given = self._allowed({**operation.changes, **operation.added, **operation.removed})
        task_changes = {n: v for n, v in operation.changes.items() if n in TASK_FIELDS}
        wire = self._task_changes(task_changes)
        bug_tag, _, task_tag = operation.version.partition(" ")
        task = self._task(ref) if wire else {}
        if wire and task_tag and _writable(etag_of(task)) != _writable(task_tag):
            raise Stale(
                f"Bug {ref.id} of {self._ask.remote} has moved on since that was read.",
                hint="The next run reads it again.",
                remote=self._ask.remote,
            )
        written = False
        if given.keys() - set(TASK_FIELDS):
            body, fresh = self._bug_changes(operation)
            if body:
                self._ask.patch(f"bugs/{ref.id}", body, bug_tag or fresh)
                written = True
        notes: list[str] = []
        if wire:
            try:
                self._ask.patch(self._task_path(task), wire, etag_of(task))
            except RemoteError as error:
                if not written:
                    raise
                notes.append(f"Bug {ref.id} was changed, but its task was not: {error.sentence}")
        return Receipt(ref=ref, notes=tuple(notes))

    def _bug_changes(self, operation: Update) -> tuple[Record, str]:
        """Returns what a PATCH of the bug says, and the tag under which the rest of it was seen.

        Tags and the line of the hub's key are parts of a whole, which is read first.
        """
        changes, body = operation.changes, Record()
        if "title" in changes:
            body["title"] = changes["title"] or ""
        parts = {*operation.added, *operation.removed}
        if "description" not in changes and not parts:
            return body, ""
        bug = self._ask.record(f"bugs/{operation.ref.id}")
        if "description" in changes:
            before = str(bug.get("description") or "")
            body["description"] = remarked(changes["description"] or "", before)
            if not body["description"]:
                raise Rejected(f"{self._ask.remote} has no bug without a description.")
        come, leave = (
            {name: members(given.get(name)) for name in parts}
            for given in (operation.added, operation.removed)
        )
        if "tags" in parts:
            present = frozenset(bug.get("tags") or ())
            body["tags"] = _tags((present - leave["tags"]) | come["tags"])
        if "duplicate_of" in parts:
            link = bug.get("duplicate_of_link")
            present = frozenset({number_in(link)} if link else ()) - leave["duplicate_of"]
            body |= self._duplicate(present, come["duplicate_of"]) or {"duplicate_of_link": None}
        return body, etag_of(bug)

    def _duplicate(self, present: frozenset[str], come: frozenset[str]) -> Record:
        """Returns the change that makes a bug the duplicate of one other, none if of none.

        Raises:
            Rejected: It would be of several, or of what is no bug here.
        """
        whole = sorted(present | come)
        if len(whole) > 1 or not all(number.isdecimal() for number in whole):
            raise Rejected(
                f"A bug of {self._ask.remote} duplicates one other of it, not {', '.join(whole)}."
            )
        return {"duplicate_of_link": self._ask.link(f"bugs/{whole[0]}")} if whole else {}

    def _task_changes(self, changes: Mapping[str, Any]) -> Record:
        """Returns what a PATCH of the task says; people and milestones are addresses."""
        body: Record = {}
        for name, value in changes.items():
            if name == "assignee":
                link = self._ask.link(path_of_person(value)) if value else None
                body["assignee_link"] = link
            elif name == "milestone":
                body["milestone_link"] = self._ask.milestone(value) if value else None
            else:
                body[name] = value or {"status": "New", "importance": UNDECIDED}[name]
        return body

    def _task(self, ref: Ref) -> Record:
        """Returns the task of the target as it is now."""
        tasks = self._ask.collection(f"bugs/{ref.id}/bug_tasks")
        task = task_of(tasks, self._ask)
        if task is None:
            raise NotFound(f"Bug {ref.id} of {self._ask.remote} is not one of {self._ask.target}.")
        return task

    def _task_path(self, task: Record) -> str:
        return self._ask.place(str(task["self_link"]))

    def _allowed(self, said: Mapping[str, Value | None], *, new: bool = False) -> dict[str, Any]:
        """Returns what was said; all of it must be of fields that may be written.

        Raises:
            Rejected: One may not.
        """
        for name in said:
            row = self._fields.theirs(name)
            if row is None or not row.takes(new=new):
                raise Rejected(f"{self._ask.remote} has no {name} that could be written.")
        return dict(said)

    # --- parts ----------------------------------------------------------------------------------

    def comment(self, operation: Create) -> Receipt:
        """Adds a message; the key is its subject, which mails show."""
        form = {"content": str(operation.fields["body"])}
        if operation.key:
            form["subject"] = SUBJECT + operation.key
        ticket = operation.ref.ticket
        answer = self._ask.post(f"bugs/{ticket}", "newMessage", form)
        return Receipt(ref=comment_ref(ticket, self._made(answer)))

    def attach(self, operation: Create) -> Receipt:
        """Sends a file as a stream, with a message that says what it is and carries the key."""
        given, ticket = operation.content, operation.ref.ticket
        name = " ".join(str(operation.fields.get("name") or "untitled").split())
        kind = str(operation.fields.get("content_type") or guessed_type(name))
        if not operation.size or given is None:
            raise Rejected(f"{self._ask.remote} takes no empty file: {name}.")
        form = Multipart(
            [
                TextPart(name="ws.op", text="addAttachment"),
                TextPart(name="comment", text=marked(file_line(name, kind), operation.key)),
                TextPart(name="filename", text=name.replace("/", "_")),
                TextPart(name="description", text=name),
                TextPart(name="content_type", text=kind),
                TextPart(name="is_patch", text="false"),
                FilePart(name="data", filename="data", content_type=kind, size=operation.size,
                         content=given),
            ]
        )  # fmt: skip
        answer = self._ask.send(f"bugs/{ticket}", form)
        return Receipt(ref=Ref(kind=operation.ref.kind, id=self._made(answer), ticket=ticket))

    def remove(self, operation: Delete) -> Receipt:
        """Takes a file away; the message that it came with stays."""
        ref = operation.ref
        self._ask.post(f"{self._ask.target}/+bug/{ref.ticket}/+attachment/{ref.id}",
                       "removeFromBug", {})  # fmt: skip
        return Receipt(ref=ref)

    def _made(self, answer: Answer) -> str:
        """Returns the number of what was made, which stands at the end of its address."""
        try:
            return number_in(answer.headers.get("Location"))
        except ValueError:
            raise Unsure(f"{answer.remote} did not say what it made.") from None


def _possible(words: frozenset[str]) -> tuple[list[str], list[str]]:
    """Returns the words that can be tags, and a note of each other: a bug is worth more than a tag."""
    good = [word for word in sorted(words) if _TAG.fullmatch(word)]
    return good, [f"Launchpad has no tag like {word!r}." for word in sorted(words - set(good))]


def _tags(words: frozenset[str]) -> list[str]:
    """Returns tags in order.

    Raises:
        Rejected: A word that no tag can be.
    """
    good, notes = _possible(words)
    if notes:
        raise Rejected(
            notes[0], hint="Tags are of small letters, digits, +, - and dots: map the label."
        )
    return good


def _writable(tag: str) -> str:
    """Returns the half of a tag that stands for what can be written; counters move the other."""
    return tag.rpartition("-")[2]
