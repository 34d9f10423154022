"""What the hub says to Bugzilla: bugs with an alias of ours, changes, comments, files in base64."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from prophet_connectors._bugzilla_api import Api, segment
from prophet_connectors._bugzilla_fields import CUSTOM, HOURS
from prophet_connectors._bugzilla_reading import Reader
from prophet_connectors._bugzilla_site import Site
from prophet_hub.errors import Rejected, RemoteError, Stale, Unsupported
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Create,
    FieldMap,
    Receipt,
    Ref,
    Update,
    Value,
    members,
)

__all__ = ["Defaults", "Writer"]

NEEDED: Final = ("product", "component", "version", "severity", "op_sys", "platform", "type")
"""Fields that always hold something."""

NOTHING: Final = {"target_milestone": "---", "deadline": "", "qa_contact": ""}
REPEATS: Final = "DUPLICATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the settings say for every write.

    Attributes:
        product, component, version: Of new tickets that name none.
        nobody: The login that owns what nobody owns, "" if there is none.
        key_field: Where the hub's key goes, "" for nowhere.
        no_priority: The word for no priority.
        markdown: Whether each comment says if it is Markdown.
        minor: Whether updates are called minor, which spares mail.
    """

    product: str
    component: str
    version: str
    nobody: str
    key_field: str
    no_priority: str
    markdown: bool
    minor: bool


class Writer:
    """Sends one operation; one request each, two for an update, which looks first."""

    def __init__(
        self, api: Api, reader: Reader, site: Site, fields: FieldMap, defaults: Defaults
    ) -> None:
        self._api = api
        self._reader = reader
        self._site = site
        self._fields = fields
        self._by = defaults

    def create(self, operation: Create) -> Receipt:
        """Makes a bug; a status that none is born with comes right after."""
        said = dict(operation.fields)
        for name in said:
            self._check(name, new=True)
        status = str(said.pop("status", ""))
        given = {"product": self._by.product, "component": self._by.component}
        given["version"] = self._by.version
        body: dict[str, Any] = {name: word for name, word in given.items() if word}
        body |= {"description": "", **self._newborn(said)}
        missing = [name for name in (*given, "summary") if not body.get(name)]
        if missing:
            raise Rejected(
                f"Bugzilla makes no bug without {', '.join(missing)}.",
                hint=f"Set a default at remote {self._api.remote}, or map the field.",
            )
        if self._by.markdown:
            body["is_markdown"] = operation.dialect == "markdown"
        if operation.key and self._by.key_field:
            body[self._by.key_field] = operation.key
        late: dict[str, Any] = {}
        if status and status in self._site.workflow().ways.get("", (status,)):
            body["status"] = status
        elif status:
            late = self._closing(status)
        ref = Ref(id=str(self._api.post("bug", body)["id"]))
        return Receipt(ref=ref, notes=self._after(ref, late) if late else ())

    def update(self, operation: Update) -> Receipt:
        """Puts changes, having looked whether the values to be changed are still those we saw.

        Somebody may be quicker in between: the interface has no way to say a version.
        """
        ref = operation.ref
        for name in {*operation.changes, *operation.added, *operation.removed}:
            self._check(name)
        bug = self._reader.bug(ref.id)
        present = self._reader.fields(bug)
        if operation.version not in ("", str(bug["last_change_time"])):
            before = operation.before
            moved = sorted(n for n in operation.changes if before.get(n) != present.get(n))
            if moved:
                raise Stale(f"Bug {ref.id} of {self._api.remote} has moved on: {', '.join(moved)}.")
        body = self._changes(operation, bug, present)
        if self._by.minor:
            body["minor_update"] = True
        self._api.put(f"bug/{segment(ref.id)}", body, of=ref.id)
        return Receipt(ref=ref)

    def comment(self, operation: Create) -> Receipt:
        """Adds a comment."""
        ticket, text = operation.ref.ticket, str(operation.fields["body"])
        if not text.strip():
            raise Rejected("Bugzilla takes no empty comment.")
        body: dict[str, Any] = {"comment": text, "is_private": operation.private}
        if self._by.markdown:
            body["is_markdown"] = operation.dialect == "markdown"
        made = self._api.post(f"bug/{segment(ticket)}/comment", body)
        return Receipt(ref=Ref(kind=COMMENT, id=str(made["id"]), ticket=ticket))

    def attach(self, operation: Create) -> Receipt:
        """Adds a file, held in memory once as it is and once in base64, as the interface wants it."""
        ticket = operation.ref.ticket
        name = str(operation.fields.get("name") or "untitled")
        if not operation.size or operation.content is None:
            raise Rejected(f"Bugzilla takes no empty file: {name}.")
        data = b"".join(operation.content())
        if len(data) != operation.size:
            raise Rejected(f"The file {name} is not of the {operation.size} bytes announced.")
        made = self._api.post(
            f"bug/{segment(ticket)}/attachment",
            {
                "ids": [int(ticket)],
                "data": base64.b64encode(data).decode(),
                "file_name": name,
                "summary": name,
                "content_type": str(
                    operation.fields.get("content_type") or "application/octet-stream"
                ),
                "is_private": operation.private,
            },
        )
        number = next(iter(made.get("ids") or made["attachments"]))
        return Receipt(ref=Ref(kind=ATTACHMENT, id=str(number), ticket=ticket))

    # --- what goes into a request ------------------------------------------------------------------

    def _check(self, name: str, *, new: bool = False) -> None:
        row = self._fields.theirs(name)
        allowed = name.startswith(CUSTOM) or (row and row.takes(new=new))
        if not allowed:
            raise Unsupported(f"{self._api.remote} has no {name} that could be written.")

    def _newborn(self, said: Mapping[str, Value]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, value in said.items():
            if isinstance(value, frozenset):
                body[name] = self._listed(name, value)
            elif value:
                body[name] = self._word(name, value)
        return body

    def _after(self, ref: Ref, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Puts what a create may not carry; a failure is a note, for the bug is made."""
        try:
            self._api.put(f"bug/{segment(ref.id)}", body, of=ref.id)
        except RemoteError as error:
            return (f"Bug {ref.id} was made, but not all of it: {error}",)
        return ()

    def _changes(
        self, operation: Update, bug: Mapping[str, Any], present: Mapping[str, Value]
    ) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, value in operation.changes.items():
            if name == "status":
                body |= self._closing(value or "")
            else:
                body[name] = self._word(name, value)
        for name in {*operation.added, *operation.removed}:
            come = operation.added.get(name, frozenset())
            leave = operation.removed.get(name, frozenset()) - come
            if name == "dupe_of":
                body |= self._repeats(come, body)
            elif name.startswith(CUSTOM):
                body[name] = sorted((members(present.get(name)) | come) - leave)
            else:
                urls = {self._reader.words.member(name, u): u for u in bug.get("see_also") or ()}
                gone = [urls.get(one, one) for one in leave] if name == "see_also" else leave
                body[name] = {
                    "add": self._listed(name, come),
                    "remove": self._listed(name, frozenset(gone)),
                }
        if body.get("resolution") == REPEATS and not (body.get("dupe_of") or bug.get("dupe_of")):
            raise Rejected(
                "Bugzilla makes no duplicate without the bug that it repeats.",
                hint="Say which: the field dupe_of.",
            )
        return body

    def _closing(self, word: str) -> dict[str, Any]:
        if not word:
            raise Rejected("Bugzilla keeps no bug without status.")
        status, resolution = self._site.workflow().parted(word)
        return {"status": status, **({"resolution": resolution} if resolution else {})}

    def _repeats(self, come: frozenset[str], body: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what says of which bug this is a duplicate; a reopened one is of none anyway."""
        if come:
            return {"dupe_of": _number("dupe_of", min(come))}
        if "status" in body and body.get("resolution") != REPEATS:
            return {}
        raise Rejected("Bugzilla forgets which bug this one repeats only when it is opened again.")

    def _listed(self, name: str, value: frozenset[str]) -> list[Any]:
        if name in ("depends_on", "blocks"):
            return sorted(_number(name, one) for one in value)
        return sorted(value)

    def _word(self, name: str, value: str | None) -> Any:
        """Returns a single value as a write takes it."""
        if name in HOURS:
            return int(value or 0) / 60
        if value:
            return value
        if name in NEEDED or name == "summary":
            raise Rejected(f"Bugzilla keeps no bug without {name}.")
        if name == "assigned_to":
            if not self._by.nobody:
                raise Rejected(
                    "Bugzilla keeps no bug without an owner.",
                    hint=f"Name the account that stands for nobody at remote {self._api.remote}.",
                )
            return self._by.nobody
        if name == "priority":
            return self._by.no_priority
        if name.startswith(CUSTOM) and self._site.is_choice(name):
            return "---"
        return NOTHING.get(name, "")


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise Rejected(f"{name} holds numbers of bugs alone, not {text[:60]!r}.")
    return int(text)
