"""Hiveminder, Best Practical's shared to-do lists, over the REST plugin of Jifty: full history.

Each change is a TaskTransaction with a number of its own, and its TaskHistory rows name field, old
and new value for every column that is mapped here: `History.FULL`.  Dependencies between tasks have
no history; with `links` they are carried, and the promise sinks to `History.PARTIAL`.  Transactions
vanish with their task, so a deletion is never told.

`changed` walks the transactions by number: exact and of no time zone.  Times are told without a zone
in that of the account, days are days.  Comments are whole mails, whose Message-ID carries the hub's
key; a task carries it in a tag.  A summary is written to the column itself, because the actions read
`[tags]`, `!` and other instructions out of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from prophet_connectors import _hiveminder_words as words
from prophet_connectors._hiveminder_api import Api, words_in
from prophet_connectors._hiveminder_feed import pulled
from prophet_connectors._hiveminder_story import address_of, content_of, listed, ticket_of
from prophet_hub.errors import RemoteError, Unsupported
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Create,
    Delete,
    Field,
    Gone,
    History,
    Kind,
    ListedTicket,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    RemoteSettings,
    Schema,
    SchemaField,
    Ticket,
    Update,
    members,
)
from prophet_hub.sdk.pace import SYSTEM
from prophet_hub.sdk.upload import FilePart

__all__ = ["Hiveminder", "HiveminderSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HiveminderSettings(RemoteSettings):
    """A server; `query` is in the tokens of its own search: `owner me not complete`."""

    email: str = field(default="", metadata={"help": "The hub's account: its e-mail address."})
    password: str = field(default="", metadata={"help": "Its password.", "secret": True})
    cookie: str = field(
        default="", metadata={"help": "A session's cookie, in place of it.", "secret": True}
    )
    time_zone: str = field(
        default="", metadata={"help": "In which the server tells times; the account's if empty."}
    )
    group: str = field(default="", metadata={"help": "The id of the group to create tasks in."})
    nobody: str = field(default="2", metadata={"help": "The id of the user called nobody."})
    links: bool = field(default=False, metadata={"help": "Carry dependencies between tasks."})
    attachments: bool = field(
        default=True, metadata={"help": "Whether the account may attach files (a Pro feature)."}
    )
    attachment_limit: int = field(
        default=0, metadata={"help": "In bytes: the server's MaxAttachmentSize, 0 if unknown."}
    )


class Hiveminder(Connector):
    """One server, as one account sees it."""

    name = "hiveminder"
    auth = frozenset({"password", "cookie"})
    Settings = HiveminderSettings
    fields = words.FIELDS
    capabilities = Capabilities(
        history=History.FULL,
        writes=frozenset({
            ("create", TICKET), ("update", TICKET), ("delete", TICKET), ("create", COMMENT),
            ("create", ATTACHMENT),
        }),
        granularity=timedelta(0),
        ordered=True,
        keys=frozenset({TICKET, COMMENT}),
        streams=True, notifies=True,
        dialects=("markdown", "plain"),
    )  # fmt: skip

    def __init__(self, settings: HiveminderSettings, context: Context) -> None:
        self.settings = settings
        self._clock = context.clock or SYSTEM
        self.api = Api(
            settings.url,
            context,
            email=settings.email,
            password=settings.password,
            cookie=settings.cookie,
            zone=settings.time_zone,
        )
        own = type(self).capabilities
        writes = own.writes - (frozenset() if settings.attachments else {("create", ATTACHMENT)})
        self.capabilities = replace(
            own,
            writes=writes,
            history=History.PARTIAL if settings.links else History.FULL,
            attachment_limit=settings.attachment_limit or None,
        )
        if settings.links:
            row = Field(theirs=words.LINKS, ours="depends_on", kind=Kind.LINKS)
            self.fields = words.FIELDS.extended([row])

    def whoami(self) -> Person:
        """Returns the account, as the server shows it to itself."""
        return self.api.account(fresh=True).person

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields refs: at first of all tasks by number, then of those with new transactions."""
        yield from pulled(self.api, pull)

    def listed(self, pull: Pull) -> Iterator[ListedTicket]:
        """Yields what the server's own search shows: all columns of a task, but no dependencies."""
        yield from listed(self.api, pull.query, nobody=self.settings.nobody)

    def ticket(self, ref: Ref) -> Ticket:
        """Reads task, transactions and mails, the history where there can be one: 3 or 4 requests.

        Files and links cost more where there are any.
        """
        return ticket_of(self.api, ref, self.fields, nobody=self.settings.nobody)

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation; an update of a summary and other fields takes two requests."""
        ref = operation.ref
        verb = type(operation).__name__.lower()
        if (verb, ref.kind) not in self.capabilities.writes:
            raise Unsupported(f"Hiveminder cannot {verb} a {ref.kind}.")
        if isinstance(operation, Delete):
            self.api.delete("Task", ref.id)
        elif isinstance(operation, Update):
            self._update(operation)
        elif ref.kind == TICKET:
            return self._create(operation)
        else:
            make = self._comment if ref.kind == COMMENT else self._attach
            return Receipt(ref=Ref(kind=ref.kind, id=make(operation), ticket=ref.ticket))
        return Receipt(ref=ref)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Streams a file from the web pages; Garbled where a page for people came."""
        return content_of(self.api, ref)

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Looks for the tag or the Message-ID, neither of which lags."""
        if ref.kind not in self.capabilities.keys:
            raise Unsupported(f"Hiveminder carries no key in a {ref.kind}.")
        if ref.kind == COMMENT:
            mails = self.api.search("TaskEmail", "message_id", words.message_id(key))
            found = [str(m["id"]) for m in mails if str(m["task_id"]) == ref.ticket]
            return Ref(kind=COMMENT, id=found[0], ticket=ref.ticket) if found else None
        tag = words.TAG + key
        for which in ("complete_not", "complete"):
            for task in self.api.tasks({"tag": tag, which: "1"}, size=2):
                if tag in words.parse_tags(str(task.get("tags") or "")):
                    return Ref(id=str(task["id"]))
        return None

    def describe(self) -> Schema:
        """Returns the columns of a task as the server describes them."""
        found = self.api.columns("Task")
        rows = [row for row in self.fields if row.theirs in found or row.theirs == words.LINKS]
        groups = self.api.search("Group")
        return Schema(
            product="Hiveminder",
            projects=tuple(str(group.get("name") or group["id"]) for group in groups),
            fields=tuple(
                SchemaField(
                    name=row.theirs,
                    label=str(found.get(row.theirs, {}).get("label") or ""),
                    values=words_in(found.get(row.theirs, {}).get("valid_values")),
                    writable=row.writable,
                    many=row.kind.many,
                )
                for row in rows
            ),
            statuses=("0", "1"),
        )

    def close(self) -> None:
        """Closes the connections."""
        self.api.http.close()

    # --- writing --------------------------------------------------------------------------------

    def _create(self, operation: Create) -> Receipt:
        """Makes a task; a summary with instructions in it is put right by a second request."""
        plain = {n: v for n, v in operation.fields.items() if isinstance(v, str)}
        own = {words.TAG + operation.key} if operation.key else set()
        tags = members(operation.fields.get("tags")) | own
        form = {"complete": "0", "will_complete": "1", "repeat_stacking": "0"}
        form |= {"group_id": self.settings.group} if self.settings.group else {}
        form |= self._form(self._allowed(plain, new=True))
        form |= {"tags": words.join_tags(tags)} if tags else {}
        summary = form.get("summary", "")
        form["summary"] = words.harmless(summary)
        name = self.api.create("Task", form)
        notes: list[str] = []
        try:
            if form["summary"] != summary:
                self.api.put("Task", name, "summary", summary)
            self._link(name, members(operation.fields.get(words.LINKS)), frozenset())
        except RemoteError as error:
            notes.append(f"Task {name} was made, but not all of it: {error}")
        return Receipt(ref=Ref(id=name), notes=tuple(notes))

    def _update(self, operation: Update) -> None:
        name, changes = operation.ref.id, self._allowed(operation.changes)
        form = self._form({n: v for n, v in changes.items() if n != "summary"})
        come, leave = (m.get("tags", frozenset()) for m in (operation.added, operation.removed))
        if form or come or leave:
            task = self.api.record("Task", name)
            if come or leave:  # our own tag among those that stay
                tags = set(words.parse_tags(str(task.get("tags") or "")))
                form["tags"] = words.join_tags((tags - leave) | come)
            # UpdateTask takes a missing will_complete for "yes": a hidden task would come back
            form.setdefault("will_complete", words.wire_flag(task.get("will_complete")))
            self.api.update("Task", name, form)
        if "summary" in changes:
            self.api.put("Task", name, "summary", changes["summary"] or "")
        more, less = operation.added.get(words.LINKS), operation.removed.get(words.LINKS)
        self._link(name, members(more), members(less))

    def _link(self, name: str, come: frozenset[str], leave: frozenset[str]) -> None:
        for other in sorted(come):
            terms = ("task_id", name, "depends_on", other)
            if not self.api.search("TaskDependency", *terms):
                form = {"task_id": name, "depends_on": other}
                self.api.run("CreateTaskDependency", form)
        for other in sorted(leave):
            for link in self.api.search("TaskDependency", "task_id", name, "depends_on", other):
                self.api.delete("TaskDependency", str(link["id"]))

    def _comment(self, operation: Create) -> str:
        if operation.private:
            raise Unsupported("Hiveminder cannot keep a comment private.")
        sender = self.api.account().person
        text = words.mail(str(operation.fields["body"]), sender, self._clock.now(), operation.key)
        form = {"task_id": operation.ref.ticket, "message": text}
        return self.api.made(self.api.run("CreateTaskEmail", form))

    def _attach(self, operation: Create) -> str:
        limit, given = self.capabilities.attachment_limit, operation.content
        if operation.private or given is None:
            raise Unsupported("Hiveminder cannot keep a file private, nor take one without bytes.")
        if limit is not None and operation.size > limit:
            raise Unsupported(f"Hiveminder takes no file above {limit} bytes.")
        return self.api.upload(
            operation.ref.ticket,
            FilePart(
                name="content",
                filename=str(operation.fields["name"]),
                content_type=str(operation.fields.get("content_type", "application/octet-stream")),
                size=operation.size,
                content=given,
            ),
        )

    def _form(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        form = {name: words.wire(name, value) for name, value in changes.items()}
        if changes.get("owner_id"):
            form["owner_id"] = address_of(self.api, form["owner_id"])
        return form

    def _allowed(
        self, changes: Mapping[str, str | None], *, new: bool = False
    ) -> Mapping[str, str | None]:
        """Returns the changes; all of them must be of fields that may be written."""
        for name in changes:
            row = self.fields.theirs(name)
            if row is None or row.kind.many or not row.takes(new=new):
                raise Unsupported(f"Hiveminder has no {name} that could be written.")
        return changes


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns the connector of this entry point."""
    return Hiveminder
