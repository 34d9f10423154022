"""RT (Request Tracker) 4.4 with the REST2 extension, 5 and 6: full history, compare-and-set.

RT tells every change as a transaction with a number of its own, so `changed` walks those numbers:
exact, ordered, and of no time zone.  Passwords and tokens are hashed with bcrypt at every request
(0.3 to 0.5 s), hence one log-in through REST 1.0 and its cookie from then on.  A PUT answers 200
whatever became of it, so nothing it says is believed; its failures become notes.  The facts are in
docs/connectors/rt.md.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from prophet_connectors._rt_story import (
    DATES,
    FIELDS,
    LINKS,
    MARK,
    MESSAGES,
    MINUTES,
    ROLES,
    SKIPPED,
    Names,
    events,
    fields_of,
    instant,
    key_in,
    wire_date,
)  # fmt: skip
from prophet_hub.errors import (
    Garbled,
    NotFound,
    Rejected,
    RemoteError,
    Stale,
    Unsupported,
    Unsure,
)  # fmt: skip
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Attachment,
    Capabilities,
    Checkpoint,
    Comment,
    Connector,
    Context,
    Create,
    Delete,
    FieldChange,
    Gone,
    History,
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
    Value,
)  # fmt: skip
from prophet_hub.sdk.auth import FormLogin
from prophet_hub.sdk.http import Answer, Http
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart

__all__ = ["RT", "RTSettings"]

API = "REST/2.0/"
PAGE = 100
"""The most items a page has, whatever is asked for."""

WINDOW = 50
"""How many transaction ids are read again: one taken early may become visible late."""

WALK = " AND ".join(["ObjectType = 'RT::Ticket'", *(f"Type != '{kind}'" for kind in SKIPPED)])
STORY = "Type,Field,OldValue,NewValue,Data,Creator,Created,TimeTaken,ObjectId,_hyperlinks"
PARTS = "TransactionId,ContentType,Filename,ContentLength,Creator,Created"
UNTOLD = json.dumps([{"field": "Type", "operator": "NOT IN", "value": SKIPPED}])
TEXTS = (
    {"field": "ContentType", "operator": "STARTSWITH", "value": "text/"},
    {"field": "Filename", "operator": "IS", "value": "NULL"},
)
WENT_WELL = re.compile(
    r"changed from|^Added |no longer|^Worked|: Worked|depends on|member of|refers to|added|deleted|"
    r"already|Comments? |Correspondence"
)
ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+$")
ALL = json.dumps([{"field": "id", "operator": ">", "value": 0}])
"""Some collections are empty without a query."""
HEAD_MOST = 4096
TRIES = 3
PRECONDITION = 412
SEES_LITTLE = (
    "RT checks the rights of this account ticket by ticket and tells no totals: "
    "give it ShowTicket and ShowTicketComments for everyone's queues."
)
NO_FILE = re.compile(rb"# (Invalid attachment id: \S*|Ticket \S+ does not exist\.)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RTSettings(RemoteSettings):
    """An RT server; `query` is TicketSQL, as in RT's own search: `Queue = 'Support'`."""

    user: str = field(default="", metadata={"help": "The hub's account: its name in RT."})
    password: str = field(default="", metadata={"help": "Its password.", "secret": True})
    token: str = field(
        default="", metadata={"help": "A token of it, in place of a password.", "secret": True}
    )
    queue: str = field(default="", metadata={"help": "Read and create in this queue alone."})
    key_field: str = field(
        default="",
        metadata={"help": "A custom field for the hub's key; a link in RefersTo if empty."},
    )
    time_zone: str = field(
        default="UTC", metadata={"help": "In which Due and Starts are days: RT's own $Timezone."}
    )
    attachment_limit: int = field(
        default=0, metadata={"help": "In bytes: RT's $MaxAttachmentSize if it truncates or drops."}
    )


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Up to which transaction all is told, but for the `gaps`, ids not visible at that time.

    `listed` is the last ticket of a first pull under way, None after it.
    """

    seen: int = 0
    gaps: frozenset[int] = frozenset()
    listed: int | None = None

    def __str__(self) -> str:
        listed = "" if self.listed is None else self.listed
        return f"{self.seen}:{listed}:{','.join(map(str, sorted(self.gaps)))}"

    @classmethod
    def of(cls, text: str) -> _Cursor | None:
        found = re.fullmatch(r"(\d+):(\d*):([\d,]*)", text)
        if not found:
            return None
        gaps = frozenset(map(int, filter(None, found[3].split(","))))
        return cls(int(found[1]), gaps, int(found[2]) if found[2] else None)

    def after(self, known: set[int], last: int) -> _Cursor:
        """Returns the cursor at `last` where `known` ids were seen."""
        seen = max(self.seen, last)
        window = range(max(seen - WINDOW, 0) + 1, seen + 1)
        return _Cursor(seen, frozenset(window) - known, self.listed)


class RT(Connector):
    """One RT server, as one account sees it."""

    name = "rt"
    auth = frozenset({"password", "token"})
    Settings = RTSettings
    fields = FIELDS
    capabilities = Capabilities(
        history=History.FULL,
        writes=frozenset(
            {
                ("create", TICKET),
                ("update", TICKET),
                ("delete", TICKET),
                ("create", COMMENT),
                ("create", ATTACHMENT),
            }
        ),
        granularity=timedelta(0),
        ordered=True,
        conditional=True,
        keys=frozenset({TICKET, COMMENT, ATTACHMENT}),
        private_comments=True,
        streams=True,
        notifies=True,
        tombstones=True,
    )

    def __init__(self, settings: RTSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        if settings.attachment_limit:
            limit = settings.attachment_limit
            self.capabilities = replace(type(self).capabilities, attachment_limit=limit)
        self.http = Http(settings.url, context, auth=_login(settings))
        self._names = Names(
            user=self._user, queue=self._queue, field=self._field, zone=ZoneInfo(settings.time_zone)
        )
        self._lock = threading.RLock()
        self._people: dict[str, Person] = {}
        self._users: dict[str, str] = {}
        self._queues: dict[str, str] = {}
        self._customs: dict[str, tuple[str, bool]] | None = None

    # The interface -------------------------------------------------------------------------------

    def whoami(self) -> Person:
        """Returns the account; a token names its owner by number."""
        name = self.settings.user or self.settings.token.split("-")[1:2][0]
        data = self._json(f"user/{quote(name, safe='')}")
        return self._met(data)

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields refs: first the tickets by number, later whatever transactions were written."""
        cursor = _Cursor.of(pull.since)
        if cursor is None or cursor.listed is not None:
            yield from self._first(pull, cursor)
        else:
            yield from self._later(pull, cursor)

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the ticket with its story; one that was merged or deleted is gone."""
        found, settled = self._look(ref)
        return found if settled else self._look(ref)[0]

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation; what RT says of failures stands in the receipt's notes."""
        verb, kind = type(operation).__name__.lower(), operation.ref.kind
        if (verb, kind) not in self.capabilities.writes:
            raise Unsupported(f"{self.context.remote} cannot {verb} a {kind}.")
        if isinstance(operation, Create):
            make = {TICKET: self._create, COMMENT: self._comment, ATTACHMENT: self._attach}
            return make[kind](operation)
        if isinstance(operation, Update):
            return self._update(operation)
        return self._delete(operation)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields the bytes as they were sent: REST 1.0 streams them, 2.0 would re-encode text."""
        path = f"REST/1.0/ticket/{ref.ticket}/attachments/{ref.id}/content"
        pieces = self.http.stream(path)
        head = _head(pieces)
        if re.match(rb"RT/\S+ 401 ", head):  # a 200 on the wire: the session has to be asked for
            self._json("rt")
            pieces = self.http.stream(path)
            head = _head(pieces)
        status, _, rest = head.partition(b"\n\n")
        if not re.match(rb"RT/\S+ 200 ", status) or NO_FILE.fullmatch(rest):
            raise NotFound(f"{self.context.remote} has no file {ref.id} at ticket {ref.ticket}.")
        yield rest
        yield from pieces

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns who carries the key: a search of tickets by field or link, a ticket's history."""
        if ref.kind == TICKET:
            name = f"CF.{{{self.settings.key_field}}}" if self.settings.key_field else "RefersTo"
            value = key if self.settings.key_field else f"{MARK}:{key}"
            found = self._items("tickets", query=f"{name} = {_quoted(value)}", orderby="id")
            return next((Ref(id=str(item["id"])) for item in found), None)
        for row in self._items(f"ticket/{ref.ticket}/history", fields="Type,Data"):
            if row.get("Type") in MESSAGES and key_in(row.get("Data", ""), " ") == key:
                if ref.kind == COMMENT:
                    return Ref(kind=COMMENT, id=str(row["id"]), ticket=ref.ticket)
                return self._file_of(ref.ticket, str(row["id"]))
        return None

    def describe(self) -> Schema:
        """Returns queues, custom fields, and the statuses that the newest tickets can reach."""
        version = str(self._json("rt").get("Version", ""))
        queues = list(self._items("queues/all", fields="Name,_hyperlinks"))
        newest = self._page("tickets", query="id > 0", orderby="id", order="DESC",
                            fields="Status,_hyperlinks")  # fmt: skip
        ways: dict[str, tuple[str, ...]] = {}
        may = {"read"}
        for item in newest["items"]:
            links = item.get("_hyperlinks", ())
            to = [str(link["to"]) for link in links if link.get("ref") == "lifecycle"]
            ways[item["Status"]] = tuple(sorted({*ways.get(item["Status"], ()), *to}))
            may |= {"update"} if to else set()
            may |= {"comment", "attach"} if any(x.get("ref") == "comment" for x in links) else set()
            may |= {"delete"} if "deleted" in to else set()
        if any(link.get("ref") == "create" for q in queues for link in q.get("_hyperlinks", ())):
            may.add("create")
        statuses = {"new", *ways, *(s for to in ways.values() for s in to)}
        customs = sorted(self._custom_fields().values())
        notes = () if newest.get("total") is not None else (SEES_LITTLE,)
        return Schema(
            product="RT",
            version=version,
            projects=tuple(sorted(str(q["Name"]) for q in queues)),
            fields=(
                *(
                    SchemaField(name=f.theirs, writable=f.writable, many=f.kind.many)
                    for f in FIELDS
                ),
                *(SchemaField(name=f"CF.{{{name}}}", many=many) for name, many in customs),
            ),
            statuses=tuple(sorted(statuses)),
            transitions=ways,
            permissions=frozenset(may),
            notes=notes,
        )

    def close(self) -> None:
        """Closes the connections."""
        self.http.close()

    # Reading -------------------------------------------------------------------------------------

    def _first(self, pull: Pull, cursor: _Cursor | None) -> Iterator[Ref | Checkpoint]:
        """Lists all tickets by rising number; what happens meanwhile is for the next pull."""
        if cursor is None:
            page = self._page("transactions", query=WALK, orderby="id", order="DESC",
                              per_page=WINDOW, fields="Type")  # fmt: skip
            ids = {int(row["id"]) for row in page["items"]}
            cursor = _Cursor(listed=0).after(ids, max(ids, default=0))
        total = None
        while True:
            listed = cursor.listed or 0
            query = f"{self._query(pull)} AND id > {listed}"
            page = self._page("tickets", query=query, orderby="id")
            items = page["items"]
            total = page.get("total") if total is None else total
            yield from (Ref(id=str(item["id"])) for item in items)
            if not items or (page.get("total") is not None and page["total"] <= len(items)):
                break
            cursor = replace(cursor, listed=max(int(item["id"]) for item in items))
            yield Checkpoint(cursor=str(cursor), total=total)
        yield Checkpoint(cursor=str(replace(cursor, listed=None)), total=total)

    def _later(self, pull: Pull, cursor: _Cursor) -> Iterator[Ref | Checkpoint]:
        """Walks the transactions after the cursor, and those before it that were not there yet."""
        at = max(cursor.seen - WINDOW, 0)
        known = set(range(at + 1, cursor.seen + 1)) - cursor.gaps
        while True:
            page = self._page("transactions", query=f"{WALK} AND id > {at}", orderby="id",
                              fields="Type,Field,NewValue,ObjectId")  # fmt: skip
            rows = page["items"]
            yield from self._told([row for row in rows if int(row["id"]) not in known], pull)
            known.update(int(row["id"]) for row in rows)
            at = max((int(row["id"]) for row in rows), default=at)
            cursor = cursor.after(known, at)
            yield Checkpoint(cursor=str(cursor))
            if not rows or (page.get("total") is not None and page["total"] <= len(rows)):
                return

    def _told(self, rows: Sequence[Mapping[str, Any]], pull: Pull) -> Iterator[Ref]:
        """Yields the tickets of the rows that the query matches, and those that no search shows.

        Each once, where its last change stands.
        """
        ids = [*dict.fromkeys(str(row["ObjectId"]) for row in reversed(rows))][::-1]
        ended = {str(row["ObjectId"]) for row in rows if _ends(row)}
        asked = [number for number in ids if number not in ended]
        for start in range(0, len(asked), PAGE):
            either = " OR ".join(f"id = {number}" for number in asked[start : start + PAGE])
            query = f"{self._query(pull)} AND ( {either} )"
            ended |= {str(item["id"]) for item in self._items("tickets", query=query)}
        yield from (Ref(id=number) for number in ids if number in ended)

    def _query(self, pull: Pull) -> str:
        """Returns the TicketSQL of what is to be told; searches leave out reminders by themselves."""
        terms = [pull.query or self.settings.query]
        if self.settings.queue:
            terms.append(f"Queue = {_quoted(self.settings.queue)}")
        return " AND ".join(f"( {term} )" for term in terms if term) or "id > 0"

    def _look(self, ref: Ref) -> tuple[Ticket | Gone, bool]:
        """Reads a ticket; tells too whether its story ends where its fields are.

        The ETag is the number of the newest transaction; later ones belong to the next reading.
        """
        answer = self.http.get(f"{API}ticket/{ref.id}")
        data, version = answer.json(), answer.headers.get("ETag", "").strip('W/"')
        if str(data.get("id")) != ref.id:
            return Gone(ref=ref, merged_into=str(data.get("id"))), True
        updated, author = instant(data["LastUpdated"]), self._person(data["Creator"]["id"])
        if data["Status"] == "deleted":
            by = self._person(data["LastUpdatedBy"]["id"])
            return Gone(ref=ref, author=by, created=updated), True
        story = sorted(
            self._items(f"ticket/{ref.id}/history", fields=STORY, query=UNTOLD),
            key=lambda row: int(row["id"]),
        )
        if version.isdecimal():
            story = [row for row in story if int(row["id"]) <= int(version)]
        fields = fields_of(data, self._names)
        told = events(ref.id, story, fields, self._names, self._person)
        comments, files, first = self._messages(ref, story)
        if first and first.body:
            fields["Content"] = first.body
        links = (link.get("_url", "") for link in data.get("_hyperlinks", ()))
        keys = [key_in(url, ":") for url in links]
        if self.settings.key_field:
            keys = [str(fields.pop(f"CF.{{{self.settings.key_field}}}", ""))]
        people = [author, *(e.author for e in told), *(c.author for c in comments)]
        people += [self._person(name) for name in _named(fields)]
        found = Ticket(
            ref=Ref(id=ref.id, url=f"{self.http.base_url}/Ticket/Display.html?id={ref.id}"),
            author=author,
            created=instant(data["Created"]),
            updated=updated,
            fields=fields,
            events=told,
            comments=tuple(comments),
            attachments=tuple(files),
            people={person.id: person for person in people},
            key=next(filter(None, keys), ""),
            version=version,
            dialect=first.dialect if first else "plain",
        )
        return found, _agree(told, fields)

    def _messages(
        self, ref: Ref, story: Sequence[Mapping[str, Any]]
    ) -> tuple[list[Comment], list[Attachment], Comment | None]:
        """Returns the comments, the files and the first message of a ticket."""
        rows = {str(row["id"]): row for row in story if row["Type"] in MESSAGES}
        parts = self._parts(rows)
        comments, files, first = [], [], None
        for number, row in rows.items():
            body, dialect = _body(parts[number])
            born = row["Type"] == "Create" and str(row.get("ObjectId", ref.id)) == ref.id
            key = key_in(row.get("Data", ""), " ")
            said = Comment(
                ref=Ref(kind=COMMENT, id=number, ticket=ref.id),
                author=self._person(row["Creator"]["id"]),
                created=instant(row["Created"]),
                body=body,
                private=row["Type"] == "Comment",
                dialect=dialect,
                key=key,
                event=number,
            )
            if born:
                first = said
            elif body:
                comments.append(said)
            files += [
                _file(ref, said, part, inside=bool(body) and not born)
                for part in parts[number]
                if _is_file(part)
            ]
        return comments, files, first

    def _parts(self, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Returns the parts of each message: one request for the texts, one more for files."""
        parts: dict[str, list[dict[str, Any]]] = {number: [] for number in rows}
        numbers = list(rows)
        for start in range(0, len(numbers), PAGE):
            some = numbers[start : start + PAGE]
            texts = self._attachments(some, f"{PARTS},Content", *TEXTS)
            for part in texts:
                parts[_id_of(part["TransactionId"])].append(part)
            more = [n for n in some if _linked_parts(rows[n]) != len(parts[n])]
            seen = {str(part["id"]) for part in texts}
            for part in self._attachments(more, PARTS) if more else ():
                if str(part["id"]) not in seen:
                    if _is_text(part):
                        part["Content"] = self._text(str(part["id"]))
                    parts[_id_of(part["TransactionId"])].append(part)
        return parts

    def _attachments(
        self, numbers: Sequence[str], fields: str, *limits: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        """Returns the attachments of transactions; never `fields=Parent`, which crashes RT 5.0.3."""
        within = {"field": "TransactionId", "operator": "IN", "value": numbers}
        query = json.dumps([within, *limits])
        return list(self._items("attachments", query=query, fields=fields, orderby="id"))

    def _text(self, number: str) -> str:
        data = self._json(f"attachment/{number}")
        return base64.b64decode(data.get("Content") or "").decode("utf-8", "replace")

    # Writing -------------------------------------------------------------------------------------

    def _create(self, operation: Create) -> Receipt:
        body = self._newborn(operation)
        status = body.get("Status")
        try:
            made = self.http.post(f"{API}ticket", json=body).json()
        except Rejected as refused:
            if not status or "status" not in str(refused):
                raise
            # A lifecycle says in which statuses a ticket may be born; the others come after.
            del body["Status"]
            made = self.http.post(f"{API}ticket", json=body).json()
        ref = Ref(id=str(made["id"]))
        late = status if status != body.get("Status") else None
        return Receipt(ref=ref, notes=self._after(ref, {"Status": late}) if late else ())

    def _newborn(self, operation: Create) -> dict[str, Any]:
        """Returns a ticket as a create takes it, the hub's key within."""
        body = self._wire(operation.fields)
        for name in (*LINKS.values(), *ROLES):
            if operation.fields.get(name):
                body[name] = sorted(_members(operation.fields[name]))
        body.setdefault("Queue", self.settings.queue or "General")
        if "Content" in body and operation.dialect == "html":
            body["ContentType"] = "text/html"
        if operation.key and self.settings.key_field:
            body.setdefault("CustomFields", {})[self.settings.key_field] = operation.key
        elif operation.key:
            body["RefersTo"] = [*body.get("RefersTo", ()), f"{MARK}:{operation.key}"]
        return body

    def _after(self, ref: Ref, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Puts what a create may not carry; a failure is a note, for the ticket is made."""
        try:
            return _failures(self.http.put(f"{API}ticket/{ref.id}", json=body, repeat=False).json())
        except RemoteError as error:
            return (error.sentence,)

    def _comment(self, operation: Create) -> Receipt:
        kind = "text/html" if operation.dialect == "html" else "text/plain"
        body = {"Content": str(operation.fields["body"]), "ContentType": kind}
        if operation.key:
            body["Subject"] = f"{MARK} {operation.key}"
        ticket = operation.ref.ticket
        answer = self.http.post(f"{API}ticket/{ticket}/{_door(operation)}", json=body)
        ref = Ref(kind=COMMENT, id=_made(answer), ticket=ticket)
        return Receipt(ref=ref, notes=_failures(answer.json()))

    def _attach(self, operation: Create) -> Receipt:
        """Sends a file as a message without a text, streamed; `"` has no quoting that RT reads."""
        ticket, limit = operation.ref.ticket, self.capabilities.attachment_limit
        name = str(operation.fields.get("name") or "untitled").replace('"', "'")
        if not operation.size or operation.content is None:
            raise Rejected(f"RT takes no empty file: {name}.")
        if limit is not None and operation.size > limit:
            raise Unsupported(f"{self.context.remote} takes no file above {limit} bytes: {name}.")
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
        answer = self.http.post(
            f"{API}ticket/{ticket}/{_door(operation)}",
            body=lambda: form,
            headers={"Content-Type": form.content_type},
        )
        try:
            ref = self._file_of(ticket, _made(answer))
        except RemoteError as error:
            raise Unsure(f"{self.context.remote} took {name} but did not show it.") from error
        if ref is None:
            raise Unsure(f"{self.context.remote} took {name} but did not show it.")
        return Receipt(ref=ref, notes=_failures(answer.json()))

    def _file_of(self, ticket: str, transaction: str) -> Ref | None:
        parts = self._attachments([transaction], PARTS)
        found = (Ref(kind=ATTACHMENT, id=str(p["id"]), ticket=ticket) for p in parts if _is_file(p))
        return next(found, None)

    def _update(self, operation: Update) -> Receipt:
        """Puts the changes at the version read; EmailRecords move it, so a refusal is looked at."""
        ref, version = operation.ref, operation.version
        self._check_people(operation)
        present: dict[str, Value] | None = None
        if set(ROLES) & {*operation.added, *operation.removed}:
            version, present = self._present(ref, operation)
        for _ in range(TRIES):
            answer = self.http.put(
                f"{API}ticket/{ref.id}",
                json=self._changes(operation, present or {}),
                headers={"If-Match": f'"{version}"'} if version else {},
                repeat=False,
                passing=frozenset({412}),
            )
            if answer.status != PRECONDITION:
                return Receipt(ref=ref, notes=_failures(answer.json()))
            version, present = self._present(ref, operation)
        raise Stale(f"Ticket {ref.id} of {self.context.remote} does not keep still.")

    def _present(self, ref: Ref, operation: Update) -> tuple[str, dict[str, Value]]:
        """Returns version and fields as they are; Stale if a value to be changed has moved on.

        Members come and go one by one, so a set that moved on is no obstacle.
        """
        answer = self.http.get(f"{API}ticket/{ref.id}")
        data, version = answer.json(), answer.headers.get("ETag", "").strip('W/"')
        now = fields_of(data, self._names)
        late = operation.version not in ("", version)
        moved = [n for n in operation.changes if operation.before.get(n) != now.get(n)]
        if str(data.get("id")) != ref.id or (late and moved):
            raise Stale(
                f"Ticket {ref.id} of {self.context.remote} has moved on: {', '.join(moved)}.",
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
            whole = sorted((_members(before) | come) - leave)
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
                body[name] = wire_date(str(value or ""), self._names.zone)
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
            if not ADDRESS.match(name) and not self._json(
                f"user/{quote(name, safe='')}", missing=True
            ):
                raise Rejected(f"{self.context.remote} knows nobody called {name}.")

    def _delete(self, operation: Delete) -> Receipt:
        ref = operation.ref
        headers = {"If-Match": f'"{operation.version}"'} if operation.version else {}
        self.http.delete(f"{API}ticket/{ref.id}", headers=headers, repeat=False)
        return Receipt(ref=ref)

    # Asking --------------------------------------------------------------------------------------

    def _json(self, path: str, *, missing: bool = False, **params: Any) -> dict[str, Any]:
        """Returns an object; with `missing`, an empty one where there is none or none to be seen."""
        passing = frozenset({403, 404}) if missing else frozenset()
        answer = self.http.get(f"{API}{path}", params=params, passing=passing)
        data = answer.json() if answer.status not in passing else {}
        if not isinstance(data, dict):
            raise Garbled(f"{self.context.remote} sent a list where an object was due.")
        return data

    def _page(self, path: str, **params: Any) -> dict[str, Any]:
        page = self._json(path, **{"per_page": PAGE, **params})
        if not isinstance(page.get("items"), list):
            raise Garbled(f"{self.context.remote} sent a page without items.")
        return page

    def _items(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yields the items of all pages; `total` is null where rights are checked row by row."""
        number, count = 1, None
        while count != 0:
            page = self._page(path, page=number, **params)
            yield from page["items"]
            size = int(page.get("per_page") or PAGE)
            done = page.get("total") is not None and number * size >= page["total"]
            count = 0 if done else len(page["items"])
            number += 1

    def _person(self, name: str) -> Person:
        """Returns who a name is; an address speaks for itself, a login is looked up once."""
        with self._lock:
            if name not in self._people:
                if ADDRESS.match(name):
                    self._people[name] = Person(id=name, email=name)
                else:
                    self._met(
                        self._json(f"user/{quote(name, safe='')}", missing=True) or {"Name": name}
                    )
            return self._people[name]

    def _met(self, data: Mapping[str, Any]) -> Person:
        """Remembers a user's JSON under the name."""
        name = str(data.get("Name", ""))
        person = Person(
            id=name, name=data.get("RealName") or "", email=data.get("EmailAddress") or ""
        )
        with self._lock:
            self._people[name] = person
        return person

    def _user(self, number: str) -> str:
        """Returns the name of a user or group by number, asked for once; few may see numbers."""
        with self._lock:
            if number not in self._users and number.isdecimal():
                data = self._json(f"user/{number}", missing=True)
                if data:
                    self._users[number] = self._met(data).id
                else:
                    group = self._json(f"group/{number}", missing=True)
                    self._users[number] = str(group.get("Name", ""))
            return self._users.get(number, "")

    def _queue(self, number: str) -> str:
        with self._lock:
            if number and number not in self._queues:
                data = self._json(f"queue/{number}", missing=True)
                self._queues[number] = str(data.get("Name", ""))
            return self._queues.get(number, "")

    def _field(self, number: str) -> tuple[str, bool]:
        return self._custom_fields().get(number, ("", False))

    def _custom_fields(self) -> dict[str, tuple[str, bool]]:
        """Returns number -> (name, whether it holds several) of the tickets' custom fields."""
        with self._lock:
            if self._customs is None:
                rows = self._items("customfields", fields="Name,MaxValues,LookupType", query=ALL)
                self._customs = {
                    str(row["id"]): (str(row["Name"]), str(row.get("MaxValues")) != "1")
                    for row in rows
                    if row.get("LookupType") == "RT::Queue-RT::Ticket"
                }
            return self._customs


def _login(settings: RTSettings) -> FormLogin:
    """A session by REST 1.0, which takes a token as well as a password; REST 2.0 takes its cookie.

    A cookie that is no good any more is answered by 401 or, to what looks like a browser, by 302.
    """
    form = {"user": settings.user, "pass": settings.password}
    headers = {}
    if settings.token:
        form, headers = {"format": "l"}, {"Authorization": f"token {settings.token}"}
    return FormLogin(
        "REST/1.0/",
        form,
        headers=headers,
        accepted=lambda answer: re.match(r"RT/\S+ 200 ", answer.text) is not None,
        expired=lambda answer: answer.status in (302, 401),
        secrets=(settings.password, settings.token),
    )


def _head(pieces: Iterator[bytes]) -> bytes:
    """Returns the first bytes of an answer of REST 1.0, its status line and blank line in them."""
    head = b""
    while b"\n\n" not in head and len(head) < HEAD_MOST:
        piece = next(pieces, b"")
        if not piece:
            break
        head += piece
    return head


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


def _ends(row: Mapping[str, Any]) -> bool:
    """Tells whether a transaction deleted its ticket, or made it part of another."""
    if row.get("Type") == "Status":
        return row.get("NewValue") == "deleted"
    merged = row.get("Type") == "AddLink" and row.get("Field") == "MergedInto"
    return merged and not str(row.get("NewValue")).endswith(f"/{row['ObjectId']}")


def _agree(told: Sequence[Any], fields: Mapping[str, Value]) -> bool:
    """Tells whether single values are those that the newest events left.

    They are not where the ticket changed between the reading of its fields and of its version.
    """
    last = {c.field: c.new for e in told for c in e.changes if isinstance(c, FieldChange)}
    return all(fields.get(name) == new for name, new in last.items())


def _named(fields: Mapping[str, Value]) -> set[str]:
    """Returns the people that the fields name."""
    single = {str(fields[name]) for name in ("Owner", "Requestor") if name in fields}
    return single.union(*(_members(fields.get(name)) for name in (*ROLES, "Requestors")))


def _members(value: Value | None) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _body(parts: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Returns the text of a message and its dialect: what is plain, else what is HTML."""
    for kind, dialect in (("text/plain", "plain"), ("text/html", "html")):
        texts = [p["Content"] for p in parts if p.get("Content") and p["ContentType"] == kind]
        if texts:
            return "\n".join(texts), dialect
    return "", "plain"


def _file(ref: Ref, said: Comment, part: Mapping[str, Any], *, inside: bool) -> Attachment:
    """Returns a file; the size of a text is that of another encoding, so it is not told."""
    size = str(part.get("ContentLength") or "")
    known = size.isdecimal() and not str(part["ContentType"]).startswith("text/")
    return Attachment(
        ref=Ref(kind=ATTACHMENT, id=str(part["id"]), ticket=ref.id),
        author=said.author,
        created=said.created,
        name=str(part.get("Filename") or f"untitled-{part['id']}"),
        content_type=str(part["ContentType"]),
        size=int(size) if known else None,
        private=said.private,
        comment=said.ref.id if inside else "",
        key="" if inside else said.key,
        event=said.event,
    )


def _is_text(part: Mapping[str, Any]) -> bool:
    return not part.get("Filename") and str(part.get("ContentType", "")).startswith("text/")


def _is_file(part: Mapping[str, Any]) -> bool:
    """Tells a file from the texts, the containers and the empty body that RT puts beside them."""
    if part.get("Filename"):
        return True
    kind = str(part.get("ContentType", ""))
    return not kind.startswith(("text/", "multipart/")) and str(part.get("ContentLength")) != "0"


def _linked_parts(row: Mapping[str, Any]) -> int:
    return sum(link.get("ref") == "attachment" for link in row.get("_hyperlinks", ()))


def _id_of(thing: Any) -> str:
    return str(thing["id"]) if isinstance(thing, Mapping) else str(thing)


def _quoted(text: str) -> str:
    """Returns a TicketSQL string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns RT."""
    return RT
