"""What the hub says to Redmine: saves, relations, notes and files in two steps.

Redmine answers 204 to what it passes over: a status out of reach, an attribute without permission,
a name that nobody has.  So whatever can be known before is refused before; the rest is proven by
reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from prophet_connectors._redmine_asking import Asker
from prophet_connectors._redmine_fields import RELATIONS, lines
from prophet_connectors._redmine_pages import Thing
from prophet_connectors._redmine_story import MARK, relations_of
from prophet_connectors._redmine_words import Words, spoken
from prophet_hub.errors import Rejected, RemoteError, Unsure
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Create,
    Delete,
    Receipt,
    Ref,
    Update,
    members,
)
from prophet_hub.sdk.marks import marked, remarked
from prophet_hub.sdk.upload import Bare, FilePart

__all__ = ["Writer"]

BEFORE: Final = frozenset(
    {"status", "category", "fixed_version", "tracker", "description", "parent", *RELATIONS}
)
"""Fields that are not written before the ticket was looked at."""

EDIT: Final = ("edit_issues", "edit_own_issues")
PRIVATE: Final = ("set_issues_private", "set_own_issues_private")
UNKNOWN_LOGIN: Final = 412


class Writer:
    """Sends one operation.

    Args:
        project: In which tickets are made whose fields name none.
        key_field: The custom field that carries the hub's key, "" for the description.
        impersonate: Whether what others wrote is written in their names.
    """

    def __init__(self, ask: Asker, *, project: str, key_field: str, impersonate: bool) -> None:
        self._ask = ask
        self._words = Words(ask)
        self._project = project
        self._key_field = key_field
        self._impersonate = impersonate

    # --- tickets ---------------------------------------------------------------------------------

    def create(self, operation: Create) -> Receipt:
        fields = dict(operation.fields)
        name = str(fields.get("project") or self._project)
        project = self._ask.project(name) if name else {}
        if not project:
            raise Rejected(
                f"{self._ask.remote} has no project {name!r}." if name else
                f"{self._ask.remote} is not told in which project.",
                hint=f"Set `project` of remote {self._ask.remote} to an identifier.",
            )  # fmt: skip
        number = str(project["id"])
        if operation.private:
            self._must(number, "make a private ticket", *PRIVATE)
        fields["project"] = str(project["identifier"])
        holder = self._holder(number) if operation.key else ""
        if operation.key and not holder:
            fields["description"] = marked(str(fields.get("description", "")), operation.key)
        links = {field: members(fields.pop(field)) for field in RELATIONS & fields.keys()}
        body = self._words.body(fields, project=number)
        body.setdefault("start_date", "")  # else it is today, as if somebody had said so
        if holder:
            key = {"id": holder, "value": operation.key}
            body.setdefault("custom_fields", []).append(key)
        if operation.private:
            body["is_private"] = True
        path, data = "issues.json", {"issue": body}
        answer = self._ask.http.post(path, json=data, **self._as(operation))
        try:
            made = answer.json()["issue"]
            ref, status = Ref(id=str(made["id"])), str(made["status"]["id"])
        except (RemoteError, LookupError, TypeError) as error:
            raise Unsure(f"{self._ask.remote} made a ticket and did not say which.") from error
        self._ask.meet(made)
        late = self._relating(ref.id, made, links, {})
        if body.get("status_id", status) != status:  # not one that tickets are born in
            late.append(partial(self._save, ref.id, {"status_id": body["status_id"]}))
        return Receipt(ref=ref, notes=_notes(late))

    def _holder(self, project: str) -> str:
        """Returns the number of the custom field for keys, "" if the description holds them.

        Where no ticket shows its fields yet, the first one's description does.
        """
        try:
            return self._ask.custom_number(self._key_field, project) if self._key_field else ""
        except Rejected:
            if self._ask.met:
                raise
            return ""

    def update(self, operation: Update) -> Receipt:
        ref = operation.ref
        touched = {*operation.changes, *operation.added, *operation.removed}
        present: Thing = {}
        if touched & BEFORE or any(name.startswith("CF.{") for name in touched):
            present = self.look(ref.id, "allowed_statuses,relations")
        project = str(present["project"]["id"]) if present else ""
        if project and self._ask.may(project, *EDIT) is False:
            raise Rejected(f"{self._ask.remote} does not let this account edit ticket {ref.id}.")
        body = self._words.changes(operation, present)
        if "description" in body:
            before = present.get("description") or ""
            body["description"] = remarked(body["description"], before)
        spoken(self._ask.remote, body)
        relating = self._relating(ref.id, present, operation.added, operation.removed)
        for send in relating[:1]:
            send()  # while nothing is done yet, a refusal is one
        notes = _notes(relating[1:])
        if body:
            self._save(ref.id, body)
        return Receipt(ref=ref, notes=notes)

    def delete(self, operation: Delete) -> Receipt:
        """Deletes a ticket; Redmine would delete its subtasks with it."""
        ref = operation.ref
        if self.look(ref.id, "children").get("children"):
            raise Rejected(
                f"Ticket {ref.id} of {self._ask.remote} has subtasks, which would go too."
            )
        self._ask.http.delete(f"issues/{ref.id}.json", repeat=False)
        return Receipt(ref=ref)

    def look(self, ticket: str, include: str) -> Thing:
        """Returns a ticket with what else is asked for."""
        issue: Thing = self._ask.json(f"issues/{ticket}.json", include=include)["issue"]
        self._ask.meet(issue)
        return issue

    def _relating(
        self, ticket: str, present: Thing, added: Mapping[str, frozenset[str]],
        removed: Mapping[str, frozenset[str]],
    ) -> list[Callable[[], object]]:  # fmt: skip
        """Returns the requests by which relations go and come: those that go make room."""
        http = self._ask.http
        found: list[Callable[[], object]] = []
        known = {(kind, other): number for kind, other, number in relations_of(present)}
        for kind in sorted(RELATIONS & removed.keys()):
            for other in sorted(removed[kind]):
                number = known.get((kind, other))
                if number:
                    path = f"relations/{number}.json"
                    found.append(partial(http.delete, path, repeat=False))
        for kind in sorted(RELATIONS & added.keys()):
            for other in sorted(added[kind]):
                if not other.isdecimal():
                    raise Rejected(f"{self._ask.remote} relates tickets to its own alone: {other}.")
                if (kind, other) not in known:
                    data = {"relation": {"issue_to_id": int(other), "relation_type": kind}}
                    path = f"issues/{ticket}/relations.json"
                    found.append(partial(http.post, path, json=data))
        return found

    def _save(self, ticket: str, body: Mapping[str, Any], **options: Any) -> None:
        path, data = f"issues/{ticket}.json", {"issue": body}
        self._ask.http.put(path, json=data, repeat=False, **options)

    # --- notes -----------------------------------------------------------------------------------

    def comment(self, operation: Create) -> Receipt:
        """Adds a note and looks which one it became, which also proves that it was taken."""
        ticket, body = operation.ref.ticket, str(operation.fields["body"])
        if not body.strip():
            raise Rejected(f"{self._ask.remote} keeps no comment without a word.")
        said = {"notes": body, **({"private_notes": True} if operation.private else {})}
        spoken(self._ask.remote, said)
        if operation.private:
            project = str(self.look(ticket, "")["project"]["id"])
            self._must(project, "write a private comment", "set_notes_private")
        options = self._as(operation)
        self._save(ticket, said, **options)
        found = self._seen(
            ticket,
            "journals",
            lambda one: (
                lines(one.get("notes") or "") == lines(body)
                and (bool(options) or str((one.get("user") or {}).get("id")) == self._ask.me)
            ),
        )
        if found is None:
            raise Rejected(f"{self._ask.remote} said nothing and kept no comment of ours.")
        ref = Ref(kind=COMMENT, id=str(found["id"]), ticket=ticket)
        if operation.private and not found.get("private_notes"):
            self.edit_comment(Delete(ref=ref))  # the right to it went after we had asked
            raise Rejected(
                f"{self._ask.remote} kept a private comment in public: it is taken back."
            )
        return Receipt(ref=ref)

    def edit_comment(self, operation: Update | Delete) -> Receipt:
        """Puts another text in a note's place; without one the note goes."""
        body = "" if isinstance(operation, Delete) else str(operation.changes["body"] or "")
        if isinstance(operation, Update) and not body.strip():
            raise Rejected(f"{self._ask.remote} keeps no comment without a word.")
        data = {"journal": {"notes": body}}
        self._ask.http.put(f"journals/{operation.ref.id}.json", json=data, repeat=False)
        return Receipt(ref=operation.ref)

    # --- files -----------------------------------------------------------------------------------

    def attach(self, operation: Create) -> Receipt:
        """Uploads a file, which nobody sees, and then hangs it on the ticket."""
        ticket = operation.ref.ticket
        name = str(operation.fields.get("name") or "untitled")
        kind = str(operation.fields.get("content_type") or "application/octet-stream")
        if operation.private or operation.content is None:
            raise Rejected(
                f"{self._ask.remote} keeps no file private, nor one without bytes: {name}."
            )
        part = FilePart(
            name="",
            filename=name,
            content_type=kind,
            size=operation.size,
            content=operation.content,
        )
        answer = self._ask.http.post(
            "uploads.json",
            params={"filename": name},
            headers={"Content-Type": "application/octet-stream"},
            body=lambda: Bare(part) if part.size else b"",
            repeat=True,  # what hangs nowhere is thrown away after a day
        )
        token = str(answer.json()["upload"]["token"])
        said = f"{MARK}{operation.key}" if operation.key else ""
        upload = {"token": token, "filename": name, "content_type": kind, "description": said}
        self._save(ticket, {"uploads": [upload]}, **self._as(operation))
        number = token.partition(".")[0]
        if not self._seen(ticket, "attachments", lambda file: str(file["id"]) == number):
            raise Rejected(f"{self._ask.remote} said nothing and kept no file {name}.")
        return Receipt(ref=Ref(kind=ATTACHMENT, id=number, ticket=ticket))

    def detach(self, operation: Delete) -> Receipt:
        self._ask.http.delete(f"attachments/{operation.ref.id}.json", repeat=False)
        return Receipt(ref=operation.ref)

    # --- within ----------------------------------------------------------------------------------

    def _seen(
        self, ticket: str, include: str, ours: Callable[[Mapping[str, Any]], bool]
    ) -> Thing | None:
        """Returns the newest part of a ticket that fits."""
        try:
            issue = self.look(ticket, include)
        except RemoteError as error:
            raise Unsure(f"{self._ask.remote} took something and did not show it.") from error
        parts: list[Thing] = issue.get(include) or []
        return max(filter(ours, parts), key=lambda one: int(one["id"]), default=None)

    def _must(self, project: str, what: str, *permissions: str) -> None:
        """Refuses what would come out in the open: without the permission a flag is passed over."""
        if not self._ask.may(project, *permissions):
            raise Rejected(
                f"{self._ask.remote} does not let this account {what}.",
                hint=f"Give its role the permission {permissions[0]}.",
            )

    def _as(self, operation: Create) -> dict[str, Any]:
        """Returns what lets a request be somebody else's; nothing where nobody is known."""
        author = operation.author
        if not self._impersonate or author is None or operation.private:
            return {}
        login = str(self._ask.user(author.id).get("login") or "")
        return {"headers": {"X-Redmine-Switch-User": login}} if login else {}


def _notes(late: list[Callable[[], object]]) -> tuple[str, ...]:
    """Sends what follows when something is done already: a refusal is a note then."""
    said = []
    for send in late:
        try:
            send()
        except RemoteError as error:
            said.append(error.sentence)
    return tuple(said)
