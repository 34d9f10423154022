"""What the hub says to RT: messages, files streamed, changes under the version that was read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from prophet_connectors._rt_asking import ADDRESS, API, Asker
from prophet_connectors._rt_fields import DATES, LINKS, MARK, MINUTES, ROLES
from prophet_connectors._rt_reading import PARTS, Reader, is_file
from prophet_connectors._rt_story import fields_of, wire_date
from prophet_hub.errors import Rejected, RemoteError, Stale, Unsure
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Create,
    Delete,
    Receipt,
    Ref,
    Update,
    Value,
    members,
)
from prophet_hub.sdk.http import Answer
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart

__all__ = ["Writer"]

TRIES: Final = 3
PRECONDITION: Final = 412
WENT_WELL: Final = re.compile(
    r"changed from|^Added |no longer|^Worked|: Worked|depends on|member of|refers to|added|deleted|"
    r"already|Comments? |Correspondence"
)


class Writer:
    """Sends one operation; what RT says of failures stands in the receipt's notes."""

    def __init__(self, ask: Asker, reader: Reader, *, queue: str, key_field: str) -> None:
        self._ask = ask
        self._reader = reader
        self._queue = queue
        self._key_field = key_field

    def create(self, operation: Create) -> Receipt:
        body = self._newborn(operation)
        status = body.get("Status")
        try:
            made = self._ask.http.post(f"{API}ticket", json=body).json()
        except Rejected as refused:
            if not status or "status" not in str(refused):
                raise
            # A lifecycle says in which statuses a ticket may be born; the others come after.
            del body["Status"]
            made = self._ask.http.post(f"{API}ticket", json=body).json()
        ref = Ref(id=str(made["id"]))
        late = status if status != body.get("Status") else None
        return Receipt(ref=ref, notes=self._after(ref, {"Status": late}) if late else ())

    def _newborn(self, operation: Create) -> dict[str, Any]:
        """Returns a ticket as a create takes it, the hub's key within."""
        body = self._wire(operation.fields)
        for name in (*LINKS.values(), *ROLES):
            if operation.fields.get(name):
                body[name] = sorted(members(operation.fields[name]))
        body.setdefault("Queue", self._queue or "General")
        if "Content" in body and operation.dialect == "html":
            body["ContentType"] = "text/html"
        if operation.key and self._key_field:
            body.setdefault("CustomFields", {})[self._key_field] = operation.key
        elif operation.key:
            body["RefersTo"] = [*body.get("RefersTo", ()), f"{MARK}:{operation.key}"]
        return body

    def _after(self, ref: Ref, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Puts what a create may not carry; a failure is a note, for the ticket is made."""
        try:
            return _failures(
                self._ask.http.put(f"{API}ticket/{ref.id}", json=body, repeat=False).json()
            )
        except RemoteError as error:
            return (error.sentence,)

    def comment(self, operation: Create) -> Receipt:
        kind = "text/html" if operation.dialect == "html" else "text/plain"
        body = {"Content": str(operation.fields["body"]), "ContentType": kind}
        if operation.key:
            body["Subject"] = f"{MARK} {operation.key}"
        ticket = operation.ref.ticket
        answer = self._ask.http.post(f"{API}ticket/{ticket}/{_door(operation)}", json=body)
        ref = Ref(kind=COMMENT, id=_made(answer), ticket=ticket)
        return Receipt(ref=ref, notes=_failures(answer.json()))

    def attach(self, operation: Create) -> Receipt:
        """Sends a file as a message without a text, streamed; `"` has no quoting that RT reads."""
        ticket = operation.ref.ticket
        name = str(operation.fields.get("name") or "untitled").replace('"', "'")
        if not operation.size or operation.content is None:
            raise Rejected(f"RT takes no empty file: {name}.")
        message = {"Subject": f"{MARK} {operation.key}"} if operation.key else {}
        form = Multipart(
            [
                TextPart(name="JSON", text=json.dumps(message)),
                FilePart(
                    name="Attachments",
                    filename=name,
                    content_type=str(operation.fields.get("content_type") or "application/octet-stream"),
                    size=operation.size,
                    content=operation.content,
                ),
            ]
        )  # fmt: skip
        answer = self._ask.http.post(
            f"{API}ticket/{ticket}/{_door(operation)}",
            body=lambda: form,
            headers={"Content-Type": form.content_type},
        )
        try:
            ref = self.file_of(ticket, _made(answer))
        except RemoteError as error:
            raise Unsure(f"{self._ask.remote} took {name} but did not show it.") from error
        if ref is None:
            raise Unsure(f"{self._ask.remote} took {name} but did not show it.")
        return Receipt(ref=ref, notes=_failures(answer.json()))

    def file_of(self, ticket: str, transaction: str) -> Ref | None:
        parts = self._reader.attachments([transaction], PARTS)
        found = (Ref(kind=ATTACHMENT, id=str(p["id"]), ticket=ticket) for p in parts if is_file(p))
        return next(found, None)

    def update(self, operation: Update) -> Receipt:
        """Puts the changes at the version read; EmailRecords move it, so a refusal is looked at."""
        ref, version = operation.ref, operation.version
        self._check_people(operation)
        present: dict[str, Value] | None = None
        if set(ROLES) & {*operation.added, *operation.removed}:
            version, present = self._present(ref, operation)
        for _ in range(TRIES):
            answer = self._ask.http.put(
                f"{API}ticket/{ref.id}",
                json=self._changes(operation, present or {}),
                headers={"If-Match": f'"{version}"'} if version else {},
                repeat=False,
                passing=frozenset({412}),
            )
            if answer.status != PRECONDITION:
                return Receipt(ref=ref, notes=_failures(answer.json()))
            version, present = self._present(ref, operation)
        raise Stale(f"Ticket {ref.id} of {self._ask.remote} does not keep still.")

    def _present(self, ref: Ref, operation: Update) -> tuple[str, dict[str, Value]]:
        """Returns version and fields as they are; Stale if a value to be changed has moved on.

        Members come and go one by one, so a set that moved on is no obstacle.
        """
        answer = self._ask.http.get(f"{API}ticket/{ref.id}")
        data, version = answer.json(), answer.headers.get("ETag", "").strip('W/"')
        now = fields_of(data, self._ask.names)
        late = operation.version not in ("", version)
        moved = [n for n in operation.changes if operation.before.get(n) != now.get(n)]
        if str(data.get("id")) != ref.id or (late and moved):
            raise Stale(
                f"Ticket {ref.id} of {self._ask.remote} has moved on: {', '.join(moved)}.",
                hint="The next run reads it again.",
            )
        return version, now

    def _changes(self, operation: Update, present: Mapping[str, Value]) -> dict[str, Any]:
        body = self._wire(operation.changes)
        customs: dict[str, Any] = body.get("CustomFields", {})
        for name in {*operation.added, *operation.removed}:
            come = operation.added.get(name, frozenset())
            leave = operation.removed.get(name, frozenset()) - come
            if name in LINKS.values():
                body |= {f"Add{name}": sorted(come)} if come else {}
                body |= {f"Delete{name}": sorted(leave)} if leave else {}
                continue
            before = present.get(name, operation.before.get(name, frozenset()))
            whole = sorted((members(before) | come) - leave)
            if name in ROLES:
                body[name] = whole
            else:
                customs[name[len("CF.{") : -1]] = whole
        return {**body, "CustomFields": customs} if customs else body

    def _wire(self, said: Mapping[str, Value | None]) -> dict[str, Any]:
        """Returns single values as RT takes them; what is cleared has a word of its own."""
        body: dict[str, Any] = {}
        customs: dict[str, Any] = {}
        for name, value in said.items():
            if name.startswith("CF.{"):
                customs[name[len("CF.{") : -1]] = (
                    sorted(value) if isinstance(value, frozenset) else value
                )
            elif name in DATES:
                body[name] = wire_date(str(value or ""), self._ask.names.zone)
            elif name == "Requestor":
                body[name] = [value] if value else []
            elif name in ("Priority", *MINUTES):
                body[name] = value or "0"
            elif name == "Owner":
                body[name] = value or "Nobody"
            elif not isinstance(value, frozenset):
                body[name] = value or ""
        return {**body, "CustomFields": customs} if customs else body

    def _check_people(self, operation: Update) -> None:
        """Refuses unknown people before the request: a PUT that names one fails half-way with 500."""
        named = [*(operation.added.get(role, ()) for role in ROLES)]
        new = {name for names in named for name in names}
        if operation.changes.get("Requestor"):
            new.add(str(operation.changes["Requestor"]))
        for name in sorted(new):
            if not ADDRESS.match(name) and not self._ask.json(
                f"user/{quote(name, safe='')}", missing=True
            ):
                raise Rejected(f"{self._ask.remote} knows nobody called {name}.")

    def delete(self, operation: Delete) -> Receipt:
        ref = operation.ref
        headers = {"If-Match": f'"{operation.version}"'} if operation.version else {}
        self._ask.http.delete(f"{API}ticket/{ref.id}", headers=headers, repeat=False)
        return Receipt(ref=ref)


def _door(operation: Create) -> str:
    """A comment is for the staff, correspondence for all."""
    return "comment" if operation.private else "correspond"


def _made(answer: Answer) -> str:
    """Returns the transaction that a message became."""
    found = re.search(r"transaction/(\d+)$", answer.headers.get("Location", ""))
    if not found:
        raise Unsure(f"{answer.remote} took a message but did not say as what.")
    return found[1]


def _failures(said: Any) -> tuple[str, ...]:
    """Returns those of RT's sentences that do not tell of a success."""
    return tuple(str(line) for line in said or () if not WENT_WELL.search(str(line)))
