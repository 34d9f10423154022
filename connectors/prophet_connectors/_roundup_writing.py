"""What the hub says to Roundup.

An issue or a comment of ours begins as a message that hangs nowhere and is joined by the one request
that counts: what breaks off before that is seen by nobody, what breaks off after it is found by the
key in the Message-ID.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from prophet_connectors._roundup_api import REFUSED, Api, Row
from prophet_connectors._roundup_fields import CLASSES, CONTENT, HIDDEN, word_of
from prophet_connectors._roundup_story import (
    BIRTH,
    REMARK,
    born_of,
    ids_in,
    key_in,
    mark,
    messages_of,
    version,
)
from prophet_hub.errors import Rejected, Stale, Transient, Unsupported, Unsure
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Create,
    Delete,
    Field,
    FieldMap,
    Receipt,
    Ref,
    Update,
    Value,
)
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart

__all__ = ["Writer"]

TRIES: Final = 5
NOTHING: Final = " "
"""Roundup takes no message without a text, and keeps this one as none."""


class Writer:
    """Sends one operation."""

    def __init__(self, api: Api, fields: FieldMap, *, new_keywords: bool) -> None:
        self._api = api
        self._fields = fields
        self._new_keywords = new_keywords

    # --- creating -------------------------------------------------------------------------------

    def create(self, operation: Create) -> Receipt:
        """Makes an issue with its first message, which carries the key."""
        body: dict[str, Any] = {}
        for name, value in operation.fields.items():
            row = self._row(name, new=True)
            if name == CONTENT:
                continue
            body[name] = (
                sorted(self._member(row, m) for m in value)
                if isinstance(value, frozenset)
                else self._single(row, value)
            )
        text = str(operation.fields.get(CONTENT) or NOTHING)
        message = self._message(text, mark(BIRTH, operation.key))
        made = self._api.send("POST", "issue", {**body, "messages": [message]})
        return Receipt(ref=self._api.ref(str(made["id"])))

    def comment(self, operation: Create) -> Receipt:
        """Writes a message and joins it to the issue."""
        ticket = operation.ref.ticket
        issue = self._api.issue(ticket)
        text = str(operation.fields["body"]) or NOTHING
        message = self._message(text, mark(REMARK, operation.key))
        self._join(issue, "messages", message)
        return Receipt(ref=Ref(kind=COMMENT, id=message, ticket=ticket))

    def attach(self, operation: Create) -> Receipt:
        """Sends a file, streamed, and joins it to the issue.

        It carries no key, so after a lost answer the issue is asked whether it has the file.
        """
        name = str(operation.fields.get("name") or "untitled")
        content = operation.content
        if content is None or not operation.size:
            raise Rejected(f"{self._api.remote} takes no empty file: {name}.")
        ticket = operation.ref.ticket
        issue = self._api.issue(ticket)
        try:
            file = self._upload(operation, name, content)
        except Unsure as unsure:
            raise Transient(f"{self._api.remote} did not take {name}.") from unsure
        try:
            self._join(issue, "files", file)
        except Unsure as unsure:
            if file not in ids_in(self._api.issue(ticket)["attributes"]["files"]):
                raise Transient(f"{self._api.remote} did not take {name}.") from unsure
        return Receipt(ref=Ref(kind=ATTACHMENT, id=file, ticket=ticket))

    def _message(self, text: str, messageid: str) -> str:
        """Makes a message that hangs nowhere yet; `.` is now, in whatever zone."""
        said = {"content": text, "author": self._api.user, "date": ".", "messageid": messageid}
        return str(self._api.send("POST", "msg", said)["id"])

    def _upload(self, operation: Create, name: str, content: Callable[[], Iterator[bytes]]) -> str:
        kind = str(operation.fields.get("content_type") or "application/octet-stream")
        form = Multipart(
            [
                TextPart(name="name", text=name),
                TextPart(name="type", text=kind),
                FilePart(
                    name="content",
                    filename=name,
                    content_type=kind,
                    size=operation.size,
                    content=content,
                ),
            ]
        )
        answer = self._api.http.post(
            "data/file",
            body=lambda: form,
            headers={"Content-Type": form.content_type},
            passing=frozenset({REFUSED}),
        )
        return str(self._api.taken(answer)["id"])

    def _join(self, issue: Row, name: str, number: str, instead: Row | None = None) -> None:
        """Adds a message or file to an issue, whatever else happens to it meanwhile.

        The status goes along as it is: else Roundup opens an issue that gets a message.
        """
        for _ in range(TRIES):
            shown = issue["attributes"]
            held = ids_in(shown.get(name))
            if number in held:
                return
            left = [n for n in held if not instead or n != str(instead["id"])]
            body: dict[str, Any] = {name: [*left, number]}
            if name == "messages" and shown.get("status"):
                body["status"] = str(shown["status"]["id"])
            try:
                self._api.send("PUT", f"issue/{issue['id']}", body, issue["@etag"])
            except Stale:
                issue = self._api.issue(str(issue["id"]))
            else:
                return
        raise Stale(f"Issue {issue['id']} of {self._api.remote} does not keep still.")

    # --- changing -------------------------------------------------------------------------------

    def update(self, operation: Update) -> Receipt:
        """Changes an issue if it is as it was read."""
        for name in (*operation.changes, *operation.added, *operation.removed):
            self._row(name)
        issue = self._present(operation)
        body = self._changes(operation, issue["attributes"])
        if body:
            self._api.send("PUT", f"issue/{operation.ref.id}", body, issue["@etag"])
        if CONTENT in operation.changes:
            self._describe(issue, operation)
        return Receipt(ref=operation.ref)

    def rewrite(self, operation: Update) -> Receipt:
        """Puts another text into a comment."""
        self._rewrite(operation.ref.id, operation.changes.get("body"))
        return Receipt(ref=operation.ref)

    def retire(self, operation: Delete) -> Receipt:
        """Retires an issue if it is as it was read."""
        issue = self._present(operation)
        self._api.send("DELETE", f"issue/{operation.ref.id}", {}, issue["@etag"])
        return Receipt(ref=operation.ref)

    def take_off(self, operation: Delete) -> Receipt:
        """Takes a comment or a file off its issue, a file off its messages too."""
        ref = operation.ref
        issue = self._api.issue(ref.ticket)
        name = "messages" if ref.kind == COMMENT else "files"
        self._part(f"issue/{ref.ticket}", issue, name, ref.id)
        if ref.kind == ATTACHMENT:
            for message in messages_of(self._api, issue):
                if ref.id in ids_in(message.get("files")):
                    path = f"msg/{message['id']}"
                    whole = self._api.data(path, [("@verbose", "2")])
                    self._part(path, whole, name, ref.id)
        return Receipt(ref=ref)

    def _present(self, operation: Update | Delete) -> Row:
        """Returns the issue, which must be as it was read."""
        issue = self._api.issue(operation.ref.id)
        if operation.version not in ("", version(issue)):
            raise Stale(
                f"Issue {operation.ref.id} of {self._api.remote} has moved on.",
                hint="The next run reads it again.",
            )
        return issue

    def _changes(self, operation: Update, shown: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, value in operation.changes.items():
            if name != CONTENT:
                body[name] = self._single(self._row(name), value)
        for name in {*operation.added, *operation.removed}:
            row, come = self._row(name), operation.added.get(name, frozenset())
            leave = operation.removed.get(name, frozenset()) - come
            held = {word_of(member): str(member["id"]) for member in shown.get(name) or ()}
            stay = {number for word, number in held.items() if word not in leave}
            body[name] = sorted(stay | {self._member(row, m) for m in come - held.keys()})
        return body

    def _describe(self, issue: Row, operation: Update) -> None:
        """Writes the description: into the message that it is, or into one that becomes it.

        A message cannot be emptied, so for an empty one another takes its place, with its key.
        """
        text = operation.changes[CONTENT]
        messages = messages_of(self._api, issue)
        birth = born_of(issue, messages)
        if birth and text:
            self._rewrite(str(birth["id"]), text)
            return
        number = self._message(text or NOTHING, mark(BIRTH, key_in(birth)[1] if birth else ""))
        self._join(self._api.issue(operation.ref.id), "messages", number, birth)

    def _rewrite(self, message: str, text: str | None) -> None:
        """Puts another text into a message; Roundup passes over one that is blank."""
        if not (text or "").strip():
            raise Rejected(f"{self._api.remote} keeps no message without a text.")
        present = self._api.data(f"msg/{message}", [("@verbose", "0")])
        self._api.send("PUT", f"msg/{message}", {"content": text}, present["@etag"])

    def _part(self, path: str, item: Row, name: str, number: str) -> None:
        held = ids_in(item["attributes"].get(name))
        if number in held:
            left = [n for n in held if n != number]
            self._api.send("PUT", path, {name: left}, item["@etag"])

    # --- words ----------------------------------------------------------------------------------

    def _row(self, name: str, *, new: bool = False) -> Field:
        """Returns the row of a property; one that a tracker has for itself has none."""
        row = self._fields.theirs(name)
        if row is None and name.isidentifier() and name not in HIDDEN:
            return Field(theirs=name, ours=name)
        if row is None or not row.takes(new=new):
            raise Unsupported(f"{self._api.remote} has no {name} that could be written.")
        return row

    def _single(self, row: Field, value: Value | None) -> str:
        if value and row.theirs in CLASSES:
            return self._api.number(CLASSES[row.theirs], str(value))
        return str(value or "")  # null would be passed over

    def _member(self, row: Field, label: str) -> str:
        kind = CLASSES.get(row.theirs)
        if kind is None:
            return label
        if kind == "issue" and not label.isdigit():
            raise Rejected(f"{self._api.remote} links issues by number, not to {label}.")
        return self._api.number(kind, label, make=kind == "keyword" and self._new_keywords)
