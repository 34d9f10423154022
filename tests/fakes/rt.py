"""RT 5 as far as the connector meets it: log-in by REST 1.0, REST 2.0, and its measured oddities.

`RTTracker` is a `Tracker` in which every change leaves RT's transactions and attachments;
`RTFake` is the WSGI application over it.  tests/live/test_rt_fake_is_true.py compares both with a
real server, call by call.  Where they differ, this file is wrong.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import random
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs, unquote

from prophet_hub.errors import RemoteError
from prophet_hub.sdk import FieldChange, Person, SetChange
from prophet_hub.testing.tracker import EPOCH, Item, Knobs, Tracker

VERSION = "5.0.3+dfsg-3~deb12u6"
FIRST_LINE = f"RT/{VERSION} 200 Ok"
FORWARD = {"DependedOnBy": "DependsOn", "Children": "Parents", "ReferredToBy": "RefersTo"}
INVERSE = {v: k for k, v in FORWARD.items()}
REFS = {
    "DependsOn": "depends-on", "DependedOnBy": "depended-on-by", "Parents": "parent",
    "Children": "child", "RefersTo": "refers-to", "ReferredToBy": "referred-to-by",
}  # fmt: skip
IN_HISTORY = {"Parents": "MemberOf", "Children": "HasMember"}
ROLES = ("Requestor", "Cc", "AdminCc")
DATES = ("Due", "Starts", "Started", "Resolved")
MINUTES = ("TimeEstimated", "TimeWorked", "TimeLeft")
NUMBERS = ("Priority", "InitialPriority", "FinalPriority", *MINUTES)
NEVER = "1970-01-01T00:00:00Z"
LIFECYCLE = {
    "": ("new", "open", "resolved"),
    "new": ("open", "resolved", "rejected", "deleted"),
    "open": ("stalled", "resolved", "rejected"),
    "stalled": ("open",),
    "resolved": ("open",),
    "rejected": ("open",),
    "deleted": ("open",),
}
"""What the links of a ticket offer; a PUT may go anywhere among the statuses."""
ACTIVE = ("new", "open", "stalled")
PER_PAGE = 100
SYSTEM, NOBODY = "RT_System", "Nobody"


def _render(name: str, text: str) -> str:
    if name == "Subject":
        return re.sub(r"[\r\n]", "", text)[:200]
    return text.replace("\r\n", "\n")


KNOBS = Knobs(render=_render, notifies=True, page=PER_PAGE, links=frozenset())


@dataclass(slots=True, kw_only=True)
class Part:
    """An attachment, in RT's sense: a body, a file or a container."""

    id: int
    transaction: int
    kind: str
    data: bytes = b""
    filename: str = ""
    subject: str = ""
    creator: str
    created: int


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One row of a history."""

    id: int
    ticket: str
    type: str
    creator: str
    created: int
    field: str = ""
    old: str = ""
    new: str = ""
    data: str = ""
    taken: int = 0
    parts: list[Part] = dataclasses.field(default_factory=list)


class RTTracker(Tracker):
    """A tracker whose fields are RT's: dates as `YYYY-MM-DD HH:MM:SS` in UTC, roles as sets.

    Attributes:
        customs: Name -> (number, whether it holds several) of custom fields.
        key_field: The custom field that carries the hub's key; a link in RefersTo if empty.
        mails: Whether RT sends mail, which leaves EmailRecords behind.
    """

    def __init__(self, knobs: Knobs = KNOBS, *, key_field: str = "", mails: bool = True) -> None:
        super().__init__("rt", knobs)
        self.users[SYSTEM] = Person(id=SYSTEM, name="The RT System itself")
        self.users[NOBODY] = Person(id=NOBODY, name="Nobody in particular")
        self.numbers = {SYSTEM: 1, NOBODY: 6}
        self.queues = {"General": 1, "Support": 3}
        self.customs = {key_field: (1, False)} if key_field else {}
        self.key_field = key_field
        self.mails = mails
        self.empty_text = False
        self.said = ""
        self._backward = False
        self.transactions: list[Transaction] = []
        self.parts: list[Part] = []
        self.histories: dict[str, list[Transaction]] = defaultdict(list)
        self.behind: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    # --- doors -----------------------------------------------------------------------------------

    def create(self, author, fields, **words):
        """Links that point here from others are the others' links."""
        with self.lock:
            own = {n: v for n, v in fields.items() if n not in FORWARD}
            ticket = super().create(author, {**BORN, **own}, **words)
            for name in FORWARD.keys() & fields.keys():
                self._from_behind(author, ticket, name, fields[name], frozenset())
            return ticket

    def update(self, author, ticket, changes=None, *, added=None, removed=None, version=""):
        """As `create`; a set given whole is compared with what is there."""
        with self.lock:
            changes, added, removed = dict(changes or {}), dict(added or {}), dict(removed or {})
            for name in FORWARD:
                here = frozenset(self.behind[ticket][name])
                come, leave = frozenset(added.pop(name, ())), frozenset(removed.pop(name, ()))
                if name in changes:
                    whole = changes.pop(name) or frozenset()
                    come, leave = whole - here, here - whole
                self._from_behind(author, ticket, name, come, leave)
            if changes or added or removed:
                super().update(
                    author, ticket, changes, added=added, removed=removed, version=version
                )

    def message(self, author, ticket, *, body="", files=(), private=False, subject="", taken=0):
        """Adds a comment or a reply with its files: one transaction; returns it."""
        with self.lock:
            key = _key(subject, " ")
            item = self._visible(ticket) if author == "hub" else self.items[ticket]
            made = []
            if body or not files:
                super().comment(author, ticket, body, private=private, key=key)
                made.append(item.comments[-1])
            for name, kind, data in files:
                super().attach(
                    author, ticket, name, data, content_type=kind, private=private,
                    key="" if body else key,
                )  # fmt: skip
                made.append(item.attachments[-1])
            texts = [("text/plain", _render("body", body).encode(), "")] if body else []
            if files:
                texts = texts or [("application/octet-stream", b"", "")]
                texts = [("multipart/mixed", b"", ""), *texts]
            kind = "Comment" if private else "Correspond"
            row = self._record(
                ticket, kind, author, data=f"{subject}\n" if subject else "No Subject",
                parts=[*texts, *((k, d, n) for n, k, d in files)], taken=taken, subject=subject,
            )  # fmt: skip
            named = [p for p in row.parts if p.filename]
            for thing in made:
                thing.id = str(row.id) if hasattr(thing, "body") else str(named.pop(0).id)
            if taken:
                worked = int(str(item.fields.get("TimeWorked", 0))) + taken
                item.fields["TimeWorked"] = str(worked)
            if not private:
                self._mail(ticket)
                self._open_up(item, author)
            return row

    def comment(self, author, ticket, body, *, private=False, key="", created=None):
        """Returns the transaction's number, by which RT names a comment."""
        subject = f"prophet-hub {key}" if key else ""
        return str(self.message(author, ticket, body=body, private=private, subject=subject).id)

    def attach(self, author, ticket, name, data, *, content_type="application/octet-stream",
               private=False, comment="", key="", created=None):  # fmt: skip
        """Returns the attachment's number."""
        subject = f"prophet-hub {key}" if key else ""
        files = [(name, content_type, bytes(data))]
        row = self.message(author, ticket, files=files, private=private, subject=subject)
        return str(next(p.id for p in row.parts if p.filename))

    def merge(self, author, ticket, into):
        """The history of what was merged becomes part of the other's."""
        with self.lock:
            super().merge(author, ticket, into)
            uri = _uri(into)
            for one in (ticket, into):
                self._record(one, "AddLink", author, field="MergedInto", new=uri)
            item, other = self.items[ticket], self.items[into]
            for name in (*INVERSE, *ROLES):
                joined = {*item.fields.get(name, ()), *other.fields.get(name, ())} - {into}
                if joined:
                    other.fields[name] = frozenset(joined)
            self._retarget(item, into)
            joined = [*self.histories[into], *self.histories[ticket]]
            self.histories[into] = sorted(joined, key=lambda row: row.id)

    def _retarget(self, item: Item, into: str) -> None:
        """What pointed from or to a merged ticket points from or to the other one."""
        for name, behind in INVERSE.items():
            for other in item.fields.get(name, ()):
                self.behind[other][behind] = self.behind[other][behind] - {item.id} | {into}
            for other in self.behind[item.id][behind] - {into}:
                held = self.items[other].fields
                held[name] = frozenset(held.get(name, ())) - {item.id} | {into}
                self.behind[into][behind].add(other)

    # --- hooks -----------------------------------------------------------------------------------

    def born(self, item: Item) -> None:
        self._dated(item)
        for name in INVERSE:
            for other in item.fields.get(name, ()):
                self._mirror(item, name, other, item.author, came=True)
        text = str(item.fields.get("Content", ""))
        parts = [("text/plain", text.encode(), "")] if text else []
        if self.empty_text:
            parts = [("application/octet-stream", b"", "")]
        subject = str(item.fields.get("Subject", ""))
        self._record(item.id, "Create", item.author, parts=parts, subject=subject)
        if self.mails and item.fields.get("Requestor"):
            self._mail(item.id)

    def told(self, item: Item, event) -> None:
        author = event.author.id
        for change in event.changes:
            if isinstance(change, SetChange):
                self._moved(item, change, author)
            else:
                self._set(item, change, author)

    def deleted(self, item: Item, author: str) -> None:
        old = str(item.fields["Status"])
        item.fields["Status"] = "deleted"
        self._dated(item)
        self._record(item.id, "Status", author, field="Status", old=old, new="deleted")

    # --- within ----------------------------------------------------------------------------------

    def number(self, name: str) -> int:
        """Returns the number of a user, who comes into being by being named."""
        self.users.setdefault(name, Person(id=name, email=name if "@" in name else ""))
        return self.numbers.setdefault(name, 14 + 2 * len(self.numbers))

    def login_of(self, number: str) -> str:
        return next((n for n, i in self.numbers.items() if str(i) == number), number)

    def forget(self, item: Item, name: str, author: str, said: str) -> None:
        """A date with a T is unset, while the history says that it was set."""
        old = item.fields.pop(name, "1970-01-01 00:00:00")
        self._record(item.id, "Set", author, field=name, old=str(old), new=said)
        self._touch(item)

    def blocked(self, item: Item) -> bool:
        """Tells whether a ticket waits for one that is not closed."""
        others = (self.items.get(number) for number in item.fields.get("DependsOn", ()))
        return any(other and other.fields["Status"] in ACTIVE for other in others)

    def visible(self) -> int:
        """Returns how many transactions have reached the listings."""
        late = self.now - self.knobs.lag
        if not self.knobs.lag:
            return len(self.transactions)
        return next(
            (n for n, t in enumerate(self.transactions) if t.created > late), len(self.transactions)
        )

    def _dated(self, item: Item) -> None:
        """RT dates the first opening and the last closing, and tells neither."""
        status, now = item.fields["Status"], _z(self.now).replace("T", " ").rstrip("Z")
        if status not in ACTIVE:
            item.fields["Resolved"] = now
        elif status != "new":
            item.fields.setdefault("Started", now)

    def _record(self, ticket, kind, creator, *, parts=(), subject="", **words) -> Transaction:
        row = Transaction(
            id=len(self.transactions) + 1, ticket=ticket, type=kind, creator=creator,
            created=self.now, **words,
        )  # fmt: skip
        self.number(creator)
        for n, (content_type, data, name) in enumerate(parts):
            part = Part(
                id=len(self.parts) + 1, transaction=row.id, kind=content_type, data=data,
                filename=name, subject=subject if n == 0 else "", creator=creator, created=self.now,
            )  # fmt: skip
            self.parts.append(part)
            row.parts.append(part)
        self.transactions.append(row)
        self.histories[ticket].append(row)
        return row

    def _mail(self, ticket: str) -> None:
        """A mail is a transaction with texts of its own, and moves the ETag."""
        if self.mails:
            n = len(self.transactions) + 1
            texts = [("multipart/alternative", b"", ""), ("text/plain", b"Greetings,\n", "")]
            self._record(ticket, "EmailRecord", SYSTEM, parts=texts, data=f"<rt-{n}@rt.test>")

    def _open_up(self, item: Item, author: str) -> None:
        """Scrip "On Correspond Open Tickets": not for a requestor's first words."""
        status = item.fields["Status"]
        own = status == "new" and author in item.fields.get("Requestor", ())
        if status in ("new", "stalled", "resolved", "rejected") and not own:
            super().update(SYSTEM, item.id, {"Status": "open"})

    def _from_behind(self, author, ticket, name, come, leave) -> None:
        one = frozenset({ticket})
        self._backward = True
        for other in sorted(come):
            super().update(author, other, added={FORWARD[name]: one})
        for other in sorted(leave):
            super().update(author, other, removed={FORWARD[name]: one})
        self._backward = False

    def _set(self, item: Item, change: FieldChange, author: str) -> None:
        name, old, new = change.field, change.old or "", change.new or ""
        if name == "Owner":
            old, new = (str(self.number(v or NOBODY)) for v in (old, new))
        if name == "Queue":
            old, new = (str(self.queues[v]) for v in (old, new))
        if name.startswith("CF.{"):
            number = str(self.customs[name[4:-1]][0])
            self._record(item.id, "CustomField", author, field=number, old=old, new=new)
            return
        if name in DATES:
            old = old or "1970-01-01 00:00:00"
        if name in NUMBERS:
            old, new = old or "0", new or "0"
        if name == "Subject" and self.said.startswith(new):
            new = self.said  # the history keeps what the field cuts off
        kind = "Status" if name == "Status" else "Set"
        taken = int(new) - int(old) if name == "TimeWorked" else 0
        self._record(item.id, kind, author, field=name, old=old, new=new, taken=taken)
        if name == "Owner":
            self._record(item.id, "SetWatcher", author, field="Owner", old=old, new=new)
        if name == "Status":
            self._dated(item)
            if new not in ACTIVE:
                self._mail(item.id)

    def _moved(self, item: Item, change: SetChange, author: str) -> None:
        for came, members in ((True, change.added), (False, change.removed)):
            for member in sorted(members):
                side = "new" if came else "old"
                if change.field in ROLES:
                    words = {"field": change.field, side: str(self.number(member))}
                    self._record(item.id, "AddWatcher" if came else "DelWatcher", author, **words)
                elif change.field.startswith("CF.{"):
                    number = str(self.customs[change.field[4:-1]][0])
                    self._record(item.id, "CustomField", author, **{"field": number, side: member})
                else:
                    name = IN_HISTORY.get(change.field, change.field)
                    words = {"field": name, side: _uri(member)}
                    if self._backward:  # the ticket that the words were said to comes first
                        self._mirror(item, change.field, member, author, came=came)
                    self._record(item.id, "AddLink" if came else "DeleteLink", author, **words)
                    if not self._backward:
                        self._mirror(item, change.field, member, author, came=came)

    def _mirror(self, item: Item, name: str, other: str, author: str, *, came: bool) -> None:
        if other not in self.items:
            return
        behind = self.behind[other][INVERSE[name]]
        (behind.add if came else behind.discard)(item.id)
        words = {
            "field": IN_HISTORY.get(INVERSE[name], INVERSE[name]),
            "new" if came else "old": _uri(item.id),
        }
        self._record(other, "AddLink" if came else "DeleteLink", author, **words)
        self._touch(self.items[other])


BORN = {"Subject": "", "Status": "new", "Queue": "General", "Priority": "0"}


class _Answer(Exception):
    """Ends a request with a status and something to say."""

    def __init__(self, status: int, body: Any = None, headers: Mapping[str, str] | None = None):
        super().__init__(status)
        self.status = status
        self.body = {"message": body} if isinstance(body, str) else body
        self.headers = dict(headers or {})


class RTFake:
    """The WSGI application.

    Args:
        tracker: What it shows and changes.
        most: The most items of a page, whatever is asked for; RT's is 100.
        sees_all: Whether the account's rights cover everything; else totals are null.
    """

    def __init__(
        self, tracker: RTTracker, *, most: int = PER_PAGE, sees_all: bool = True, token: str = ""
    ) -> None:
        self.tracker = tracker
        self.most = most
        self.sees_all = sees_all
        self.token = token
        self.sessions: dict[str, str] = {}
        self._random = random.Random(7)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request = _Request(environ)
        try:
            with self.tracker.lock:
                status, headers, body = self._answer(request)
        except _Answer as answer:
            status, headers, body = answer.status, answer.headers, answer.body
        if not isinstance(body, bytes):
            body = b"" if body is None else json.dumps(body, indent=3).encode()
            headers = {"Content-Type": 'application/json; charset="utf-8"', **headers}
        start(f"{status} {_REASONS.get(status, 'Status')}", list(headers.items()))
        return [body]

    def _answer(self, request: _Request) -> tuple[int, dict[str, str], Any]:
        if request.path.startswith("/REST/1.0"):
            return self._rest1(request)
        if not request.path.startswith("/REST/2.0/"):
            return 200, {"Content-Type": "text/html"}, b"<html><body>RT</body></html>"
        user = self._user(request)
        for method, pattern, act in _ROUTES:
            found = re.fullmatch(f"/REST/2.0/{pattern}/?", request.path)
            if found and method == request.method:
                return act(self, request, user, *found.groups())
        raise _Answer(404, "Not Found")

    # --- who asks --------------------------------------------------------------------------------

    def _user(self, request: _Request) -> str:
        session = request.cookies.get("RT_SID_rt.test.80", "")
        if session in self.sessions:
            return self.sessions[session]
        kind, _, word = request.headers.get("AUTHORIZATION", "").partition(" ")
        if kind == "token" and self.token and word == self.token:
            return "hub"
        if kind == "Basic":
            user, _, password = base64.b64decode(word).decode().partition(":")
            if self.tracker.passwords.get(user) == password:
                return user
        if request.cookies or "Mozilla" in request.headers.get("USER_AGENT", ""):
            raise _Answer(302, None, {"Location": "http://rt.test/NoAuth/Login.html"})
        raise _Answer(401, "Unauthorized")

    def _rest1(self, request: _Request) -> tuple[int, dict[str, str], bytes]:
        """Always 200; the true status stands in the first line."""
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        form = request.form() if request.method == "POST" else {}
        user, password = form.get("user", ""), form.get("pass", "")
        known = user in self.tracker.passwords and self.tracker.passwords[user] == password
        if not known:
            try:
                user, known = self._user(request), True
            except _Answer:
                known = False
        if not known:
            why = "\nYour username or password is incorrect\n" if user else ""
            return 200, headers, f"RT/{VERSION} 401 Credentials required\n{why}".encode()
        if form:
            session = f"{len(self.sessions) + 1:032x}"
            self.sessions[session] = user
            headers["Set-Cookie"] = f"RT_SID_rt.test.80={session}; path=/; HttpOnly"
        found = re.fullmatch(r"/REST/1.0/ticket/(\d+)/attachments/(\w+)/content", request.path)
        if not found:
            body = f"{FIRST_LINE}\n\n# Invalid object specification: ''\n\nid: \n\n"
            return 200, headers, body.encode()
        return 200, headers, f"{FIRST_LINE}\n\n".encode() + self._content(*found.groups())

    def _content(self, ticket: str, number: str) -> bytes:
        if ticket not in self.tracker.items:
            return f"# Ticket {ticket} does not exist.\n\n\n".encode()
        if not number.isdecimal() or not 0 < int(number) <= len(self.tracker.parts):
            return f"# Invalid attachment id: {number}\n\n\n".encode()
        return self.tracker.parts[int(number) - 1].data

    # --- reading ---------------------------------------------------------------------------------

    def rt(self, request, user):
        return 200, {}, {"Version": VERSION}

    def get_ticket(self, request, user, number):
        item = self._item(number)
        if item.merged_into:
            item = self._item(item.merged_into)
        etag = f'"{self._etag(item)}"'
        if request.headers.get("IF_NONE_MATCH") == etag:
            raise _Answer(304)
        return 200, {"ETag": etag, "Last-Modified": _z(item.updated)}, self._ticket(request, item)

    def get_user(self, request, user, name):
        name = self.tracker.login_of(unquote(name))
        person = self.tracker.users.get(name)
        if person is None:
            raise _Answer(404, "Not Found")
        number = self.tracker.number(name)
        body = {"id": number, "Name": name, "Privileged": 1, "Disabled": "0", "CustomFields": []}
        body |= {"RealName": person.name} if person.name else {}
        body |= {"EmailAddress": person.email} if person.email else {}
        return 200, {}, body

    def get_queue(self, request, user, number):
        for name, known in self.tracker.queues.items():
            if str(known) == number:
                return 200, {}, {"id": known, "Name": name, "Lifecycle": "default"}
        raise _Answer(404, "Not Found")

    def queues(self, request, user):
        create = {"ref": "create", "type": "ticket", "_url": self._url(request, "ticket")}
        rows = [
            {"type": "queue", "id": str(i), "Name": n, "_hyperlinks": [create]}
            for n, i in self.tracker.queues.items()
        ]
        return self._page(request, rows, lambda row: row)

    def customfields(self, request, user):
        rows = [
            {"type": "customfield", "id": str(i), "Name": n, "MaxValues": "0" if many else "1",
             "LookupType": "RT::Queue-RT::Ticket"}
            for n, (i, many) in self.tracker.customs.items()
        ]  # fmt: skip
        if not request.query.get("query"):
            rows = []
        return self._page(request, rows, lambda row: row)

    def tickets(self, request, user):
        query = request.query.get("query", "")
        if not query:
            return self._page(request, [], dict)
        test, floor = _sql(query, self._ticket_value)
        items = [i for i in self._after(floor) if test(i)]
        if request.query.get("order") == "DESC":
            items.reverse()
        return self._page(request, items, lambda item: self._listed(request, item))

    def transactions(self, request, user):
        test, floor = _sql(request.query.get("query", "id < 0"), _transaction_value)
        seen = self.tracker.transactions[floor : self.tracker.visible()]
        rows = [t for t in seen if test(t) and not self.tracker.items[t.ticket].hidden]
        if request.query.get("order") == "DESC":
            rows.reverse()
        return self._page(request, rows, lambda row: self._transaction(request, row))

    def history(self, request, user, number):
        item = self._item(number)
        rows = self.tracker.histories[item.merged_into or item.id]
        for limit in json.loads(request.query.get("query", "[]")):
            if limit["field"] == "Type" and limit["operator"] == "NOT IN":
                rows = [t for t in rows if t.type not in limit["value"]]
        return self._page(request, rows, lambda row: self._transaction(request, row))

    def attachments(self, request, user):
        parts = []
        for limit in json.loads(request.query.get("query", "[]")):
            name, operator, value = limit["field"], limit["operator"], limit["value"]
            if (name, operator) == ("TransactionId", "IN"):
                known = self.tracker.transactions
                rows = [known[int(n) - 1] for n in value if 0 < int(n) <= len(known)]
                parts = sorted((p for row in rows for p in row.parts), key=lambda p: p.id)
            elif (name, operator) == ("ContentType", "STARTSWITH"):
                parts = [p for p in parts if p.kind.startswith(value)]
            elif (name, operator) == ("Filename", "IS"):
                parts = [p for p in parts if not p.filename]
        if "Parent" in request.query.get("fields", "").split(","):
            raise _Answer(500)
        return self._page(request, parts, lambda part: self._part(request, part))

    def get_attachment(self, request, user, number):
        if not 0 < int(number) <= len(self.tracker.parts):
            raise _Answer(404, "Not Found")
        part = self.tracker.parts[int(number) - 1]
        content = part.data
        if part.kind.startswith("text/"):
            content = _as_utf8(content)
        body = {
            "id": part.id, "ContentType": part.kind, "Subject": part.subject or None,
            "Content": base64.encodebytes(content).decode() if content else None,
            "Creator": self._link(request, "user", part.creator), "Created": _z(part.created),
        }  # fmt: skip
        return 200, {}, {k: v for k, v in body.items() if v is not None or k == "Content"}

    # --- writing ---------------------------------------------------------------------------------

    def post_ticket(self, request, user):
        said = request.json()
        if not said.get("Queue"):
            raise _Answer(400, "Could not create ticket. Queue not set")
        if said["Queue"] not in self.tracker.queues:
            raise _Answer(403, f"No permission to create tickets in the queue '{said['Queue']}'")
        status = said.get("Status", "new")
        if status not in LIFECYCLE:
            sentence = f"Status '{status}' isn't a valid status for tickets in this queue."
            raise _Answer(400, sentence)
        if status not in LIFECYCLE[""]:
            raise _Answer(400, f"New tickets can not have status '{status}' in this queue.")
        fields: dict[str, Any] = {}
        key = ""
        for name, value in said.items():
            if name in REFS:
                members = {str(v) for v in (value if isinstance(value, list) else [value])}
                key = next(filter(None, (_key(m, ":") for m in sorted(members))), key)
                kept = {m for m in members if not _key(m, ":") and self._resolves(m)}
                fields[name] = frozenset(kept)
            elif name in ROLES:
                members = value if isinstance(value, list) else [value]
                fields[name] = frozenset(m for m in members if self._somebody(m))
            elif name == "Owner":
                if value in self.tracker.users and value != NOBODY:
                    fields[name] = value
            elif name == "CustomFields":
                for custom, words in value.items():
                    if custom == self.tracker.key_field:
                        key = words
                    elif custom in self.tracker.customs:
                        many = isinstance(words, list)
                        fields[f"CF.{{{custom}}}"] = frozenset(words) if many else words
            elif name in DATES:
                fields[name] = value.replace("T", " ").rstrip("Z")
            elif name in (*NUMBERS, "Subject", "Status", "Queue", "Content"):
                fields[name] = str(value)
        self.tracker.empty_text = said.get("Content") == ""
        try:
            number = self.tracker.create(user, {n: v for n, v in fields.items() if v}, key=key)
        except RemoteError as error:
            raise _Answer(error.status or 400, error.sentence) from None
        finally:
            self.tracker.empty_text = False
        body = {"type": "ticket", "id": number, "_url": self._url(request, f"ticket/{number}")}
        return 201, {"Location": body["_url"]}, body

    def put_ticket(self, request, user, number):
        item = self._item(number)
        self._match(request, item)
        said = [s for s in self._put(item, user, request.json()) if s]
        return 200, {}, said

    def delete_ticket(self, request, user, number):
        item = self._item(number)
        self._match(request, item)
        try:
            self.tracker.delete(user, number)
        except RemoteError as error:
            raise _Answer(error.status or 400, error.sentence) from None
        return 204, {}, b""

    def post_message(self, request, user, number, kind):
        item = self._item(number)
        said, files = request.message()
        for given in said.get("Attachments", ()):
            data = base64.b64decode(given.get("FileContent") or "")
            files.append((given.get("FileName"), given.get("FileType"), data))
        if not all(data for _, _, data in files):
            sentence = "FileContent is a required field for each attachment in Attachments"
            raise _Answer(400, sentence)
        if said.get("Content") and not said.get("ContentType"):
            raise _Answer(400, "ContentType is a required field for application/json")
        try:
            row = self.tracker.message(
                user, item.id, body=said.get("Content") or "", files=files,
                private=kind == "comment", subject=said.get("Subject", ""),
                taken=int(said.get("TimeTaken") or 0),
            )  # fmt: skip
        except RemoteError as error:
            raise _Answer(error.status or 400, error.sentence) from None
        done = ["Comments added" if kind == "comment" else "Correspondence added"]
        return 201, {"Location": self._url(request, f"transaction/{row.id}")}, done

    def _put(self, item: Item, user: str, said: Mapping[str, Any]) -> Iterator[str]:
        """Does what can be done, one field after the other, and says of the rest why not."""
        for name, value in sorted(said.items(), key=lambda pair: _turn(pair[0])):
            try:
                yield from self._put_one(item, user, name, value)
            except RemoteError as error:
                yield f"Ticket {item.id}: {error.sentence}"

    def _put_one(self, item: Item, user: str, name: str, value: Any) -> Iterator[str]:
        ticket, update = item.id, self.tracker.update
        link = re.fullmatch("(Add|Delete)(\\w+)", name)
        if name == "MergeInto":
            self.tracker.merge(user, ticket, str(value))
            yield "Merge Successful"
        elif name == "CustomFields":
            for custom, words in value.items():
                if custom in self.tracker.customs:
                    field_name = f"CF.{{{custom}}}"
                    new = frozenset(words) if isinstance(words, list) else words or None
                    update(user, ticket, {field_name: new})
                    yield f"{custom} {words} added"
        elif name in ROLES:
            members = value if isinstance(value, list) else [value]
            if not all(self._somebody(m) for m in members):
                raise _Answer(500)  # it fails in the midst of its work: what went before stands
            update(user, ticket, {name: frozenset(members)})
            yield f"{name} changed from something to something else"
        elif link and link[2] in REFS:
            for target in map(str, value if isinstance(value, list) else [value]):
                if not self._resolves(target):
                    yield f"Couldn't resolve '{target}' into a link."
                    continue
                side = "added" if link[1] == "Add" else "removed"
                update(user, ticket, **{side: {link[2]: frozenset({target})}})
                yield f"Ticket {ticket} refers to Ticket {target}."
        elif name in _PUT_FIRST:
            yield from self._put_word(item, user, name, value)

    def _put_word(self, item: Item, user: str, name: str, value: Any) -> Iterator[str]:
        old = item.fields.get(name)
        if value is None:
            return
        new: str | None = str(value)
        if name == "Owner":
            if value not in self.tracker.users:
                yield f"Ticket {item.id}: That user does not exist"
                return
            new = None if value == NOBODY else value
        if name == "Queue" and value not in self.tracker.queues:
            yield f"Ticket {item.id}: Queue {value} does not exist"
            return
        if name == "Status" and value not in LIFECYCLE:
            yield f"Ticket {item.id}: Status '{value}' isn't a valid status for this ticket."
            return
        if name == "Status" and value not in ACTIVE and self.tracker.blocked(item):
            yield f"Ticket {item.id}: That ticket has unresolved dependencies"
            return
        if name in DATES and "T" in str(value):
            self.tracker.forget(item, name, user, str(value))
            yield f"Ticket {item.id}: {name} changed from {old} to Not set"
            return
        if name in NUMBERS:
            new = None if value in ("", "0") else str(value)
            old = None if old in ("", "0") else old
        if name == "Priority":
            old, new = old or "0", new or "0"
        if name == "Subject":
            self.tracker.said = re.sub(r"[\r\n]", "", str(value))[:255]
        if (old or None) != (_render(name, new or "") or None):
            self.tracker.update(user, item.id, {name: new})
            yield f"Ticket {item.id}: {name} changed from '{old}' to '{new}'"

    def _match(self, request: _Request, item: Item) -> None:
        wanted = request.headers.get("IF_MATCH")
        if wanted and wanted.strip('"') != str(self._etag(item)):
            raise _Answer(412, "Precondition Failed")

    def _resolves(self, target: str) -> bool:
        return target in self.tracker.items or not target.isdecimal()

    def _somebody(self, name: Any) -> bool:
        return name in self.tracker.users or re.fullmatch(r"[^@\s]+@[^@\s]+", str(name)) is not None

    # --- rendering -------------------------------------------------------------------------------

    def _item(self, number: str) -> Item:
        item = self.tracker.items.get(number)
        if item is None:
            raise _Answer(404, "Not Found")
        if item.hidden:
            raise _Answer(403, "Forbidden")
        return item

    def _etag(self, item: Item) -> int:
        return self.tracker.histories[item.id][-1].id

    def _after(self, floor: int) -> list[Item]:
        """Returns what searches see beyond a number: neither deleted, merged nor hidden tickets."""
        items = list(self.tracker.items.values())
        start = bisect_right(items, floor, key=lambda i: i.number) if floor else 0
        late = self.tracker.now - self.tracker.knobs.lag if self.tracker.knobs.lag else None
        return [
            i for i in items[start:]
            if not i.gone and not i.hidden and (late is None or i.created <= late)
        ]  # fmt: skip

    def _page(self, request: _Request, rows: list[Any], show: Callable[[Any], Any]):
        asked = request.query.get("per_page", "")
        size = min(int(asked) if asked.isdecimal() and int(asked) else 20, self.most)
        number = max(int(request.query.get("page", "1") or 1), 1)
        items = [show(row) for row in rows[(number - 1) * size : number * size]]
        total = len(rows) if self.sees_all else None
        pages = None if total is None else -(-total // size) if total else 0.0
        body = {"count": len(items), "total": total, "per_page": size, "page": number,
                "pages": pages, "items": items}  # fmt: skip
        if pages and number < pages:
            body["next_page"] = self._url(request, request.path[10:]) + f"?page={number + 1}"
        return 200, {}, body

    def _url(self, request: _Request, path: str) -> str:
        return f"http://rt.test/REST/2.0/{path}"

    def _link(self, request: _Request, kind: str, name: Any) -> dict[str, Any]:
        return {"type": kind, "id": name, "_url": self._url(request, f"{kind}/{name}")}

    def _ticket(self, request: _Request, item: Item) -> dict[str, Any]:
        said = item.fields
        user = lambda name: self._link(request, "user", name)  # noqa: E731 - one word, used often
        queue = str(self.tracker.queues[str(said["Queue"])])
        body: dict[str, Any] = {
            "id": int(item.id), "Type": "ticket", "Subject": said.get("Subject", ""),
            "Status": said["Status"], "Queue": self._link(request, "queue", queue),
            "Owner": user(said.get("Owner", NOBODY)), "Creator": user(item.author),
            "LastUpdatedBy": user(self._last_author(item)),
            "Created": _z(item.created), "LastUpdated": _z(item.updated),
            "EffectiveId": self._link(request, "ticket", item.id),
            **{role: [user(m) for m in sorted(said.get(role, ()))] for role in ROLES},
            **{date: _date(said.get(date)) for date in DATES},
            **{name: said.get(name) or "0" for name in NUMBERS},
            "CustomFields": self._customs(request, item),
            "_hyperlinks": self._hyperlinks(request, item),
        }  # fmt: skip
        order = list(body)
        self._random.shuffle(order)
        return {name: body[name] for name in order}

    def _last_author(self, item: Item) -> str:
        """What RT does by itself leaves the last person's name."""
        rows = reversed(self.tracker.histories[item.id])
        return next((row.creator for row in rows if row.creator != SYSTEM), SYSTEM)

    def _customs(self, request: _Request, item: Item) -> list[dict[str, Any]]:
        rows = []
        for name, (number, _) in self.tracker.customs.items():
            value = item.fields.get(f"CF.{{{name}}}", ())
            values = sorted(value) if isinstance(value, frozenset) else [value] if value else []
            if name == self.tracker.key_field and item.key:
                values = [item.key]
            rows.append(
                {**self._link(request, "customfield", str(number)), "name": name, "values": values}
            )
        return rows

    def _hyperlinks(self, request: _Request, item: Item) -> list[dict[str, Any]]:
        url = self._url(request, f"ticket/{item.id}")
        links: list[dict[str, Any]] = [
            {"ref": "self", "type": "ticket", "id": int(item.id), "_url": url}
        ]
        for name, ref in REFS.items():
            targets = item.fields.get(name) or self.tracker.behind[item.id][name]
            for target in sorted(targets):
                other = self.tracker.items.get(target)
                if other is None:
                    links.append({"ref": ref, "type": "external", "_url": target})
                elif not other.gone and not item.gone:
                    links.append({"ref": ref, **self._link(request, "ticket", target)})
        if item.key and not self.tracker.key_field:
            links.append(
                {"ref": "refers-to", "type": "external", "_url": f"prophet-hub:{item.key}"}
            )
        links += [
            {"ref": "customfield", **self._link(request, "customfield", str(n)), "name": name}
            for name, (n, _) in self.tracker.customs.items()
        ]
        links += [
            {"ref": word, "_url": f"{url}/{word}"} for word in ("history", "correspond", "comment")
        ]
        status = str(item.fields["Status"])
        links += [
            {"ref": "lifecycle", "from": status, "to": to, "label": to.title(), "_url": url}
            for to in LIFECYCLE[status]
        ]
        return links

    def _listed(self, request: _Request, item: Item) -> dict[str, Any]:
        """A search shows what is asked for, and custom fields never."""
        row = self._link(request, "ticket", item.id)
        fields = [f for f in request.query.get("fields", "").split(",") if f]
        if fields:
            whole = self._ticket(request, item)
            row |= {
                f: whole[f] or "" if f == "CustomFields" else whole[f] for f in fields if f in whole
            }
        return row

    def _transaction(self, request: _Request, row: Transaction) -> dict[str, Any]:
        links = [{"ref": "self", **self._link(request, "transaction", row.id)}]
        links += [
            {"ref": "attachment", "_url": self._url(request, f"attachment/{p.id}")}
            for p in row.parts
        ]
        known = {
            "Type": row.type, "Field": row.field, "OldValue": row.old, "NewValue": row.new,
            "Data": row.data, "TimeTaken": str(row.taken), "ObjectId": row.ticket,
            "Creator": self._link(request, "user", row.creator), "Created": _z(row.created),
            "_hyperlinks": links,
        }  # fmt: skip
        asked = request.query.get("fields", "").split(",")
        return {**self._link(request, "transaction", str(row.id)),
                **{name: known[name] for name in asked if name in known}}  # fmt: skip

    def _part(self, request: _Request, part: Part) -> dict[str, Any]:
        shown = _as_utf8(part.data) if part.kind.startswith("text/") else part.data
        known = {
            "TransactionId": str(part.transaction), "ContentType": part.kind,
            "Filename": part.filename, "ContentLength": str(len(shown)),
            "Subject": part.subject, "Created": _z(part.created),
            "Creator": self._link(request, "user", part.creator),
            "Content": shown.decode("utf-8", "replace"),
        }  # fmt: skip
        asked = request.query.get("fields", "").split(",")
        return {**self._link(request, "attachment", str(part.id)),
                **{name: known[name] for name in asked if name in known}}  # fmt: skip

    def _ticket_value(self, item: Item, name: str) -> Any:
        if name == "id":
            return int(item.id)
        if name.startswith("CF."):
            custom = name[4:-1]
            held = item.key if custom == self.tracker.key_field else item.fields.get(name)
            return held or ""
        if name == "RefersTo":
            return frozenset({f"prophet-hub:{item.key}", *item.fields.get("RefersTo", ())})
        if name == "Owner":
            return item.fields.get("Owner", NOBODY)
        if name == "LastUpdated":
            return f"{datetime.fromtimestamp(item.updated, UTC):%Y-%m-%d %H:%M:%S}"
        return item.fields.get(name, "")


_PUT_FIRST = ("Subject", "Owner", "Queue", "Status", *NUMBERS, *DATES)
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 302: "Found", 304: "Not Modified",
            400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
            412: "Precondition Failed", 500: "Internal Server Error"}  # fmt: skip
_ROUTES = (
    ("GET", "rt", RTFake.rt),
    ("GET", r"ticket/(\d+)", RTFake.get_ticket),
    ("PUT", r"ticket/(\d+)", RTFake.put_ticket),
    ("DELETE", r"ticket/(\d+)", RTFake.delete_ticket),
    ("POST", "ticket", RTFake.post_ticket),
    ("POST", r"ticket/(\d+)/(comment|correspond)", RTFake.post_message),
    ("GET", r"ticket/(\d+)/history", RTFake.history),
    ("GET", "tickets", RTFake.tickets),
    ("GET", "transactions", RTFake.transactions),
    ("GET", "attachments", RTFake.attachments),
    ("GET", r"attachment/(\d+)", RTFake.get_attachment),
    ("GET", "user/(.+)", RTFake.get_user),
    ("GET", r"queue/(\d+)", RTFake.get_queue),
    ("GET", "queues/all", RTFake.queues),
    ("GET", "customfields", RTFake.customfields),
)


class _Request:
    """What a WSGI environment says."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.method = environ["REQUEST_METHOD"]
        self.path = environ.get("PATH_INFO", "").encode("latin-1").decode()
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        self.query = {name: values[-1] for name, values in query.items()}
        self.headers = {k[5:]: v for k, v in environ.items() if k.startswith("HTTP_")}
        self.type = environ.get("CONTENT_TYPE", "")
        self._length = int(environ.get("CONTENT_LENGTH") or 0)
        self._input = environ["wsgi.input"]
        cookies = self.headers.get("COOKIE", "").split("; ")
        self.cookies = dict(c.split("=", 1) for c in cookies if "=" in c)

    def body(self) -> bytes:
        return self._input.read(self._length)

    def json(self) -> dict[str, Any]:
        try:
            said = json.loads(self.body() or b"{}")
        except ValueError:
            raise _Answer(400, "JSON object must be a HASH") from None
        return said

    def form(self) -> dict[str, str]:
        return {k: v[-1] for k, v in parse_qs(self.body().decode(), keep_blank_values=True).items()}

    def message(self) -> tuple[dict[str, Any], list[tuple[str, str, bytes]]]:
        """Returns the JSON and the files of a message, from either kind of body."""
        if not self.type.startswith("multipart/form-data"):
            return self.json(), []
        head = f"Content-Type: {self.type}\r\n\r\n".encode()
        said, files = {}, []
        for part in message_from_bytes(head + self.body(), policy=HTTP).iter_parts():
            data = part.get_payload(decode=True) or b""
            if part.get_param("name", header="Content-Disposition") == "JSON":
                said = json.loads(data)
            else:
                files.append((part.get_filename(), part.get_content_type(), data))
        return said, files


def make_app(
    tickets: int = 0, comments: int = 3, attachments: int = 10, seed: int = 1, **words: Any
) -> RTFake:
    """Returns a fake with tickets in it: `comments` each on average, a file at every nth."""
    tracker = RTTracker(**words)
    tracker.now = EPOCH - 60 * tickets
    rnd = random.Random(seed)
    text = lambda n: " ".join(rnd.choice(_WORDS) for _ in range(n))  # noqa: E731 - as above
    people = ("jesse", "bob", "eve")
    for n in range(tickets):
        tracker.now += 30
        number = tracker.create(rnd.choice(people), {
            "Subject": f"{text(5)} ({n})", "Content": text(40),
            "Priority": rnd.choice(("0", "50", "100")),
            "Requestor": frozenset({f"{rnd.choice(('alice', 'carol'))}@example.com"}),
        })  # fmt: skip
        for _ in range(rnd.randint(0, 2 * comments)):
            tracker.now += 1
            tracker.comment(rnd.choice(people), number, text(30), private=rnd.random() < 0.3)
        if attachments and n % attachments == 0:
            tracker.attach(rnd.choice(people), number, f"log-{n}.bin", rnd.randbytes(2000))
        tracker.now += 1
        changes = {
            "Status": rnd.choice(("open", "stalled", "resolved")),
            "Owner": rnd.choice(people),
        }
        tracker.update(rnd.choice(people), number, changes)
    return RTFake(tracker)


_WORDS = [
    "sync",
    "replica",
    "merge",
    "cursor",
    "token",
    "login",
    "attach",
    "slow",
    "page",
    "naïve",
    "Zürich",
    "東京",
    "☃",
    "query",
]


def _turn(name: str) -> tuple[int, str]:
    """In which order a PUT does its work: plain fields, custom ones, people, links."""
    if name in _PUT_FIRST:
        return 0, name
    if name == "CustomFields" or name in ROLES:
        return 1 if name == "CustomFields" else 2, name
    return 3, re.sub("^(Add|Delete)", "", name)


def _key(text: str, sign: str) -> str:
    found = re.fullmatch(rf"prophet-hub{sign}(\S+)", text)
    return found[1] if found else ""


def _uri(target: str) -> str:
    return f"fsck.com-rt://rt.test/ticket/{target}" if target.isdecimal() else target


def _z(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _date(value: Any) -> str:
    return f"{str(value).replace(' ', 'T')}Z" if value else NEVER


def _as_utf8(data: bytes) -> bytes:
    """RT re-encodes text as it shows it; the bytes themselves are kept."""
    try:
        return data.decode().encode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()


def _transaction_value(row: Transaction, name: str) -> Any:
    return {"id": row.id, "ObjectType": "RT::Ticket", "Type": row.type, "ObjectId": row.ticket}[
        name
    ]


_TOKEN = re.compile(r"\s*(\(|\)|'(?:[^'\\]|\\.)*'|>=|<=|!=|=|>|<|CF\.\{[^}]*\}|[\w.:]+)")


def _sql(query: str, value: Callable[[Any, str], Any]) -> tuple[Callable[[Any], bool], int]:
    """Returns a test for a TicketSQL query, and the number below which nothing can match."""
    tokens = _TOKEN.findall(query)
    at = 0

    def take() -> str:
        nonlocal at
        at += 1
        if at > len(tokens):
            kind = "OPERATOR" if tokens and tokens[-1] in "<>=!=" else "KEYWORD"
            raise _Answer(
                400,
                f"Incomplete query, last element ({kind}) is not close paren or value in '{query}'",
            )
        return tokens[at - 1]

    def either() -> tuple[Callable[[Any], bool], int]:
        nonlocal at
        tests = [both()]
        while at < len(tokens) and tokens[at].upper() == "OR":
            at += 1
            tests.append(both())
        if len(tests) == 1:
            return tests[0]
        return (lambda thing: any(t(thing) for t, _ in tests)), min(f for _, f in tests)

    def both() -> tuple[Callable[[Any], bool], int]:
        nonlocal at
        tests = [one()]
        while at < len(tokens) and tokens[at].upper() == "AND":
            at += 1
            tests.append(one())
        if len(tests) == 1:
            return tests[0]
        return (lambda thing: all(t(thing) for t, _ in tests)), max(f for _, f in tests)

    def one() -> tuple[Callable[[Any], bool], int]:
        word = take()
        if word == "(":
            found = either()
            take()
            return found
        operator, raw = take(), take()
        wanted = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw.startswith("'") else raw
        if word not in _KNOWN and not word.startswith("CF."):
            raise _Answer(400, f"Unknown field: {word}")
        floor = int(wanted) if (word, operator) == ("id", ">") else 0
        floor = int(wanted) - 1 if (word, operator) == ("id", "=") else floor
        return (lambda thing: _compare(value(thing, word), operator, wanted)), max(floor, 0)

    return either()


_KNOWN = frozenset({"id", "Queue", "Status", "Owner", "Subject", "RefersTo", "LastUpdated", "Priority",
                    "ObjectType", "Type", "ObjectId"})  # fmt: skip


def _compare(held: Any, operator: str, wanted: str) -> bool:
    if isinstance(held, frozenset):
        return (wanted in held) == (operator == "=")
    other: Any = int(wanted) if isinstance(held, int) else wanted
    if isinstance(held, str) and operator in ("=", "!="):
        held, other = held.lower(), wanted.lower()
    return bool({
        "=": held == other, "!=": held != other, ">": held > other, "<": held < other,
        ">=": held >= other, "<=": held <= other,
    }[operator])  # fmt: skip
