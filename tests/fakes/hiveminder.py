"""A Hiveminder in memory: the REST grammar of Jifty over a `Tracker`, traps included.

The tracker's fields carry the names of BTDT's columns; persons are logins there and numbers here.
What the traps are, and where in Hiveminder's source they come from, stands beside each.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo

from prophet_hub.errors import NotFound, RemoteError
from prophet_hub.sdk import COMMENT, TICKET, FieldChange, Value
from prophet_hub.testing.tracker import ACCOUNT, Item, Knobs, Tracker

__all__ = ["KNOBS", "Hiveminder", "app", "serve"]

COOKIE = "JIFTY_SID_HIVEMINDER"
KNOBS = Knobs(
    conditional=False,
    tombstones=False,
    private_comments=False,
    notifies=True,
    granularity=0,
    keys=frozenset({TICKET, COMMENT}),
    allowed={
        "complete": ("0", "1"),
        "will_complete": ("0", "1"),
        "priority": ("1", "2", "3", "4", "5"),
    },
    links=frozenset({"depends_on"}),
)
"""What a tracker must be like to pass for one."""

DEFAULTS = {"complete": "0", "will_complete": "1", "priority": "3"}
NOBODY = "2"  # made second by BTDT::Bootstrap; owns what nobody owns, and is shown to nobody
FIRST_USER = 11
PER_PAGE = 15  # Jifty's default: a search without __per_page ends there
COLUMNS: dict[str, dict[str, Any]] = {
    "summary": {"label": "Task", "type": "varchar"},
    "description": {"label": "Notes", "type": "text"},
    "complete": {"label": "Done?", "type": "boolean", "mandatory": "1"},
    "will_complete": {"label": "Will complete?", "type": "boolean", "mandatory": "1"},
    "accepted": {"label": "Accepted?", "type": "boolean"},
    "priority": {
        "label": "Priority",
        "type": "integer",
        "valid_values": [
            {"display": name, "value": str(5 - n)}
            for n, name in enumerate(("highest", "high", "normal", "low", "lowest"))
        ],
    },
    "owner_id": {"label": "Owner", "type": "integer", "refers_to": "BTDT.Model.User"},
    "requestor_id": {"label": "Requestor", "type": "integer", "refers_to": "BTDT.Model.User"},
    "next_action_by": {"label": "Next action by", "type": "integer"},
    "group_id": {"label": "Group", "type": "integer", "refers_to": "BTDT.Model.Group"},
    "tags": {"label": "Tags", "type": "varchar"},
    "due": {"label": "Date due", "type": "date"},
    "starts": {"label": "Hide until", "type": "date"},
    "time_estimate": {"label": "Initial estimate", "type": "integer"},
    "time_worked": {"label": "Time worked", "type": "integer"},
    "time_left": {"label": "Time left", "type": "integer"},
}
TIMES = ("time_estimate", "time_worked", "time_left")
Record = dict[str, Any]
Rows = list[tuple[Record, bool]]


class Abort(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, location: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.location = location


class Hiveminder:
    """The WSGI application.

    Attributes:
        zone: In which the server tells an account the time, without saying so (measured: New York).
        mangles: Whether the bytes of a mail come as characters, one by one.
        eula: Whether the account must accept the terms first: everything redirects.
    """

    def __init__(self, tracker: Tracker, *, zone: str = "America/New_York") -> None:
        self.tracker = tracker
        self.zone = zone
        self.mangles = False
        self.eula = False
        self.sessions: dict[str, str] = {}
        self.mails: dict[str, tuple[str, str]] = {}
        self.base = ""

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.base = f"http://{environ.get('HTTP_HOST', 'hiveminder.example')}"
        self.cookie = ""
        with self.tracker.lock:
            try:
                status, kind, body, location = self._routed(environ)
            except Abort as abort:
                status, kind, body = abort.status, "text/html", b"<html>no such thing</html>"
                location = abort.location
            except NotFound:
                status, kind, body, location = 404, "text/html", b"<html>404</html>", ""
            cookie = self.cookie
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        headers += [("Location", location)] if location else []
        headers += [("Set-Cookie", f"{COOKIE}={cookie}; path=/")] if cookie else []
        start(f"{status} Said", headers)
        return [body]

    # --- the dispatcher -------------------------------------------------------------------------

    def _routed(self, environ: Mapping[str, Any]) -> tuple[int, str, bytes, str]:
        method, path = environ["REQUEST_METHOD"], environ.get("RAW_PATH") or environ["PATH_INFO"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        raw = environ["wsgi.input"].read(length) if length else b""
        found = re.search(rf"{COOKIE}=(\w+)", environ.get("HTTP_COOKIE", ""))
        login = self.sessions.get(found[1], "") if found else ""
        if login and self.eula:
            raise Abort(302, f"{self.base}/accept_eula")
        if path.startswith("/task/"):
            return self._web(path, login)
        if method == "POST" and "!" in path:  # for proxies without PUT and DELETE
            path, _, method = path.rpartition("!")
        found = re.fullmatch(r"/=/(.*)\.(json|yml|xml|html)", path)
        if not found or found[2] != "json":
            return 200, "text/html", b"<html>a page for people</html>", ""
        pieces = [unquote(piece) for piece in found[1].split("/") if piece]
        form = _form(environ.get("CONTENT_TYPE", ""), raw)
        status, told, location = self._rest(method, pieces, form, raw, login)
        return status, "application/json; charset=UTF-8", json.dumps(told).encode(), location

    def _rest(
        self, method: str, pieces: list[str], form: Record, raw: bytes, login: str
    ) -> tuple[int, Any, str]:
        what, *rest = pieces
        if what == "action" and method == "POST":
            return self._act(_last(rest[0]), form, login)
        if what == "search" and method == "GET":
            return 200, self._search(_last(rest[0]), rest[1:], login), ""
        if what != "model" or not rest:
            raise Abort(404)
        model, keys = _last(rest[0]), rest[1:]
        if method == "GET":
            return 200, self._model(model, keys, login), ""
        if method == "POST" and not keys:
            return self._act(f"Create{model}", form, login)
        record = self._one(model, keys[0], keys[1], login)
        if method == "PUT" and len(keys) == 3:  # raw body = value; no action reads it
            return self._set(record, keys[2], raw.decode(), login)
        verb = {"PUT": "Update", "DELETE": "Delete"}[method]
        return self._act(f"{verb}{model}", {**form, "id": record["id"]}, login)

    def _web(self, path: str, login: str) -> tuple[int, str, bytes, str]:
        found = re.fullmatch(r"/task/(\w+)/attachment/(\d+)(/view|/download)?/?", path)
        item = found and self._item(str(int(found[1], 36) - 46655), login)
        files = [f for f in item.attachments if f.id == found[2]] if found and item else []
        if not files:  # a page with status 200 behind a redirect, not a 404
            return 302, "text/html", b"", f"{self.base}/errors/task/forbidden"
        if found[3] != "/download":
            return 302, "text/html", b"", f"{self.base}{path.removesuffix('/view')}/page"
        return 200, files[0].content_type, files[0].data, ""

    # --- reading --------------------------------------------------------------------------------

    def _model(self, model: str, keys: list[str], login: str) -> Any:
        if not keys:
            return COLUMNS
        if len(keys) == 1:  # of all records, without a limit
            return [record.get(keys[0]) for record, _ in self._rows(model, {}, login)]
        record = self._one(model, keys[0], keys[1], login)
        return record if len(keys) == 2 else record[keys[2]]

    def _one(self, model: str, column: str, key: str, login: str) -> Record:
        for record, hidden in self._rows(model, {column: [key]}, login):
            if not hidden and record.get(column) == key:
                return record
        raise Abort(404)

    def _search(self, model: str, pieces: list[str], login: str) -> list[Any]:
        """Equality alone; a repeated column is an OR; an odd piece at the end is a column."""
        wanted: dict[str, list[str]] = {}
        unwanted: list[tuple[str, str]] = []
        order, per_page, page = ("id", False), PER_PAGE, 1
        while len(pieces) > 1:
            name, value, pieces = pieces[0], pieces[1], pieces[2:]
            if name in ("__per_page", "__limit"):
                per_page = int(value)
            elif name == "__page":
                page = int(value)
            elif name.startswith("__order_by"):
                order = value, name.endswith("_desc")
            elif name == "__not":
                unwanted.append((value, pieces.pop(0)))
            else:
                wanted.setdefault(name, []).append(value)
        rows = [
            (row, hidden)
            for row, hidden in self._rows(model, wanted, login)
            if all(row.get(name) in values for name, values in wanted.items())
            and all(row.get(name) != value for name, value in unwanted)
        ]
        rows.sort(key=lambda row: _number(row[0].get(order[0])), reverse=order[1])
        page_of = rows[(page - 1) * per_page : page * per_page]
        seen = [row for row, hidden in page_of if not hidden]  # counted, and then left out
        return [row.get(pieces[0]) for row in seen] if pieces else seen

    def _rows(self, model: str, wanted: Mapping[str, list[str]], login: str) -> Rows:
        """Returns the records of a model that can match, and whether each is hidden.

        Whoever is logged out finds none.
        """
        if not login:
            return []
        if model == "User":
            return [(self._user(name), False) for name in list(self.tracker.users)]
        if model == "Group":
            return [({"id": "7", "name": "workers", "description": "Who work."}, False)]
        make = {
            "Task": lambda item: [self._task(item)],
            "TaskTransaction": self._transactions,
            "TaskHistory": self._history,
            "TaskEmail": self._emails,
            "TaskAttachment": self._attachments,
            "TaskDependency": self._dependencies,
        }.get(model)
        if make is None:
            raise Abort(404)
        column = "id" if model == "Task" else "task_id"
        names = wanted.get(column) or list(self.tracker.items)
        items = [self.tracker.items[name] for name in names if name in self.tracker.items]
        return [(record, item.hidden) for item in items if not item.gone for record in make(item)]

    def _item(self, name: str, login: str) -> Item:
        item = self.tracker.items.get(name)
        if not login or item is None or item.gone or item.hidden:
            raise Abort(404)
        return item

    def _user(self, login: str) -> Record:
        person = self.tracker.person(login)
        own = login == ACCOUNT
        return {
            "id": self.number(login),
            "name": person.name or None,
            "email": person.email or None,
            "time_zone": self.zone if own else None,
            "pro_account": "1" if own else None,
            "access_level": "customer",
        }

    def _task(self, item: Item) -> Record:
        fields = {**DEFAULTS, **item.fields}
        links = sorted(item.fields.get("depends_on", frozenset()))
        told = {name: self._text(name, fields.get(name)) for name in COLUMNS}
        return {
            **told,
            "id": item.id,
            "record_locator": _locator(item.id),
            "created": self._time(item.created),
            "completed_at": self._time(item.updated) if told["complete"] == "1" else None,
            "last_modified": self._time(item.updated),
            "requestor_id": self.number(item.author),
            "next_action_by": told["owner_id"],
            "accepted": told["accepted"] or "1",
            "tags": told["tags"] or "",
            "depends_on_ids": "\t".join(links),
            "depends_on_count": str(len(links)),
            "depended_on_by_ids": "",
            "attachment_count": str(len(item.attachments)),
            "repeat_period": "once",
            "repeat_every": "1",
            "repeat_stacking": "0",
            "type": "task",
            "comment_address": f"comment-{_locator(item.id)}@hiveminder.example",
        }

    def _transactions(self, item: Item) -> list[Record]:
        told = [(str(item.number), item.author, item.created, "create")]
        told += [(e.id, e.author.id, int(e.created.timestamp()), "update") for e in item.events]
        told += [(n.id, n.author, n.created, "email") for n in item.comments]
        told += [(f.id, f.author, f.created, "attachment") for f in item.attachments]
        return [
            {
                "id": name,
                "task_id": item.id,
                "created_by": self.number(author),
                "modified_at": self._time(second),
                "type": kind,
                **dict.fromkeys((*TIMES, "project", "milestone"), None),
                "group_id": self._text("group_id", item.fields.get("group_id")),
                "owner_id": self._text("owner_id", item.fields.get("owner_id")),
            }
            for name, author, second, kind in sorted(told, key=lambda t: int(t[0]))
        ]

    def _history(self, item: Item) -> list[Record]:
        """Each change with both values; of a set, the two strings that it was."""
        state: dict[str, Value] = dict(item.fields)
        told: list[Record] = []
        for event in reversed(item.events):
            for n, change in enumerate(reversed(event.changes)):
                name = change.field
                if isinstance(change, FieldChange):
                    old, new = change.old, change.new
                else:
                    members = state.get(name, frozenset())
                    assert isinstance(members, frozenset)
                    old, new = (members - change.added) | change.removed, members
                    state[name] = old
                column = "depends_on_ids" if name == "depends_on" else name
                told.append(
                    {
                        "id": f"{event.id}{99 - n:02d}",
                        "task_id": item.id,
                        "transaction_id": event.id,
                        "field": column,
                        "old_value": self._text(column, old or DEFAULTS.get(name)),
                        "new_value": self._text(column, new or DEFAULTS.get(name)),
                    }
                )
        return told[::-1]

    def _emails(self, item: Item) -> list[Record]:
        told = []
        for note in item.comments:
            identifier, raw = self.mails.get(note.id) or (
                f"<note-{note.id}@hiveminder.example>",
                "",
            )
            if not raw:
                person = self.tracker.person(note.author)
                raw = (
                    f"From: {person.name or 'Somebody'} <{person.email or 'nobody@example.org'}>\n"
                    f"Message-ID: {identifier}\nMIME-Version: 1.0\n"
                    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
                    f"{note.body}\n"
                )
            told.append(
                {
                    "id": note.id,
                    "task_id": item.id,
                    "transaction_id": note.id,
                    "message": raw.encode().decode("latin-1") if self.mangles else raw,
                    "sender_id": self.number(note.author),
                    "message_id": identifier,
                    "delivered_to": None,
                }
            )
        return told

    def _attachments(self, item: Item) -> list[Record]:
        return [
            {
                "id": file.id,
                "task_id": item.id,
                "transaction_id": file.id,
                "email_id": None,
                # stored as base64, told as text: what is none is mangled
                "content": file.data[:100_000].decode("utf-8", "replace"),
                "content_type": file.content_type,
                "size": str(len(file.data)),
                "filename": file.name,
                "name": None,
            }
            for file in item.attachments
        ]

    def _dependencies(self, item: Item) -> list[Record]:
        return [
            {"id": _pair(item.id, other), "task_id": item.id, "depends_on": other}
            for other in sorted(item.fields.get("depends_on", frozenset()))
        ]

    # --- actions: 302 with the result where a record came of it, 200 with success 0 where not ----

    def _act(self, action: str, form: Record, login: str) -> tuple[int, Any, str]:
        if action == "Login":
            return self._login(form)
        if not login:
            raise Abort(403)
        run = {
            "CreateTask": self._create_task,
            "UpdateTask": self._update_task,
            "DeleteTask": self._delete_task,
            "CreateTaskEmail": self._create_email,
            "CreateTaskAttachment": self._create_attachment,
            "CreateTaskDependency": self._create_dependency,
            "DeleteTaskDependency": self._delete_dependency,
            "TaskSearch": self._task_search,
        }.get(action)
        if run is None:
            raise Abort(404)
        result: Record = {
            "success": 1,
            "failure": 0,
            "action_class": f"BTDT::Action::{action}",
            "message": "Done.",
            "error": None,
            "field_errors": {},
            "field_warnings": {},
            "content": {},
        }
        try:
            content, record = run(form, login)
        except NotFound:
            raise
        except (RemoteError, ValueError) as error:
            return 200, {**result, "success": 0, "failure": 1, "error": f"{error}"}, ""
        location = f"{self.base}/=/model/BTDT.Model.{record}.json" if record else ""
        return (302 if record else 200), {**result, "content": content}, location

    def _login(self, form: Record) -> tuple[int, Any, str]:
        self.cookie = secrets.token_hex(8)  # every visitor gets a session
        for login, person in self.tracker.users.items():
            right = self.tracker.passwords.get(login)
            if right and form.get("address") == person.email and form.get("password") == right:
                self.sessions[self.cookie] = login
                return 200, {"success": "1", "failure": "0", "message": "Welcome!"}, ""
        error = "You may have mistyped your email or password."
        return 200, {"success": "0", "failure": "1", "error": error, "field_errors": {}}, ""

    def _create_task(self, form: Record, login: str) -> tuple[Record, str]:
        given = {n: v for n, v in form.items() if n in COLUMNS and v != ""}
        tags = parse_tags(given.pop("tags", ""))
        summary, more = _instructed(given.get("summary", ""), given)
        given["summary"] = summary
        given["owner_id"] = self.resolve(given.get("owner_id", "")) or ""
        fields: dict[str, Value] = {n: self._inner(n, v) for n, v in given.items()}
        if tags | more:
            fields["tags"] = tags | more
        name = self.tracker.create(login, {n: v for n, v in fields.items() if v})
        return {"id": name}, f"Task/id/{name}"

    def _update_task(self, form: Record, login: str) -> tuple[Record, str]:
        item = self._item(str(form["id"]), login)
        owner = self.resolve(form.pop("owner_id", ""))
        changes: dict[str, Value | None] = {
            n: self._inner(n, v) or None for n, v in form.items() if n in COLUMNS
        }
        if owner is not None:  # a number is no user to this action: the owner stays, in silence
            changes["owner_id"] = owner or None
        changes.setdefault("will_complete", "1")  # a missing "hidden forever" is a no
        if "tags" in form:
            changes["tags"] = parse_tags(form["tags"])
        if "summary" in form:
            changes["summary"], more = _instructed(form["summary"], {})
            if more:
                now = changes.get("tags") or item.fields.get("tags") or frozenset()
                changes["tags"] = frozenset(now) | more
        self._write(item, changes, login)
        if form.get("comment"):
            self.tracker.comment(login, item.id, form["comment"])
        return {"id": item.id}, f"Task/id/{item.id}"

    def _set(self, record: Record, column: str, value: str, login: str) -> tuple[int, Any, str]:
        if column not in COLUMNS:
            raise Abort(404)
        try:
            self._write(self._item(record["id"], login), {column: value or None}, login)
        except NotFound:
            raise
        except RemoteError as error:
            return 500, str(error), ""
        return 200, "Updated.", ""

    def _write(self, item: Item, changes: dict[str, Value | None], login: str) -> None:
        """Only what is different is recorded."""
        now = {**DEFAULTS, **item.fields}
        new = {n: v for n, v in changes.items() if (now.get(n) or None) != (v or None)}
        if new:
            self.tracker.update(login, item.id, new)

    def _delete_task(self, form: Record, login: str) -> tuple[Record, str]:
        self.tracker.delete(login, self._item(str(form["id"]), login).id)
        return {}, ""

    def _create_email(self, form: Record, login: str) -> tuple[Record, str]:
        item = self._item(str(form["task_id"]), login)
        mail = email.message_from_string(form["message"], policy=email.policy.default)
        sender = parseaddr(mail["From"] or "")[1]
        known = [name for name, p in self.tracker.users.items() if p.email == sender]
        if not known:
            raise ValueError(f"{sender} is nobody we know.")
        body = mail.get_payload(decode=True).decode()
        name = self.tracker.comment(known[0], item.id, body)
        self.mails[name] = (mail["Message-ID"] or f"<{name}@hiveminder.example>", form["message"])
        return {"id": name}, f"TaskEmail/id/{name}"

    def _create_attachment(self, form: Record, login: str) -> tuple[Record, str]:
        item = self._item(str(form["task_id"]), login)
        filename, kind, data = form["content"]
        name = self.tracker.attach(login, item.id, filename, data, content_type=kind)
        return {"id": name}, f"TaskAttachment/id/{name}"

    def _create_dependency(self, form: Record, login: str) -> tuple[Record, str]:
        item = self._item(str(form["task_id"]), login)
        other = str(form["depends_on"])
        if other in item.fields.get("depends_on", frozenset()):
            raise ValueError("That link already exists!")
        self.tracker.update(login, item.id, added={"depends_on": {other}})
        return {"id": _pair(item.id, other)}, f"TaskDependency/id/{_pair(item.id, other)}"

    def _delete_dependency(self, form: Record, login: str) -> tuple[Record, str]:
        task, other = map(str, divmod(int(form["id"]), 10**6))
        self.tracker.update(login, self._item(task, login).id, removed={"depends_on": {other}})
        return {}, ""

    def _task_search(self, form: Record, login: str) -> tuple[Record, str]:
        words = form.get("tokens", "").split()
        for name in ("complete", "complete_not", "tag", "owner"):
            if form.get(name):
                words += {"complete_not": ["not", "complete"], "complete": ["complete"]}.get(
                    name, [name, form[name]]
                )
        found = [
            self._task(item)
            for item in self.tracker.items.values()
            if not item.gone and not item.hidden and self._matches(item, list(words), login)
        ]
        size, page = int(form.get("per_page") or PER_PAGE), int(form.get("page") or 1)
        return {"tasks": found[(page - 1) * size : page * size]}, ""

    def _matches(self, item: Item, words: list[str], login: str) -> bool:
        while words:
            word = words.pop(0)
            no = word == "not"
            word = words.pop(0) if no else word
            if word == "complete":
                holds = item.fields.get("complete") == "1"
            elif word == "tag":
                holds = words.pop(0) in item.fields.get("tags", frozenset())
            elif word == "owner":
                name = words.pop(0)
                holds = item.fields.get("owner_id") == (login if name == "me" else self.login(name))
            else:
                raise ValueError(f"What is {word!r}?")
            if holds == no:
                return False
        return True

    # --- words ----------------------------------------------------------------------------------

    def number(self, login: str) -> str:
        """Returns the number of a user; who is known by one already keeps it.

        An address is one user: a login with the address of a numbered one is that one.
        """
        if login.isdecimal():
            return login
        address = self.tracker.person(login).email
        for name, person in self.tracker.users.items():
            if address and name.isdecimal() and person.email == address:
                return name
        return str(FIRST_USER + sorted({*self.tracker.users, login}).index(login))

    def login(self, words: str) -> str:
        """Returns the user that a number or an address names."""
        for login, person in sorted(self.tracker.users.items()):  # numbers come first
            if words in (self.number(login), person.email):
                return login
        raise ValueError(f"owner_id: there is no user {words}.")

    def resolve(self, words: str) -> str | None:
        """Returns the user as actions do: by address, never by number (User.pm, resolve)."""
        if "@" in words:
            return self.login(words)
        return {"nobody": "", "me": ACCOUNT}.get(words)

    def _inner(self, column: str, value: str) -> str:
        if column in ("due", "starts") and value and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise ValueError(f"{column}: that is no date.")
        return value

    def _text(self, column: str, value: Value | None) -> str | None:
        """Returns a value as told: everything is a string or null."""
        if isinstance(value, frozenset):
            if column == "depends_on_ids":
                return "\t".join(sorted(value))
            return " ".join(("'{}'" if '"' in tag else '"{}"').format(tag) for tag in sorted(value))
        if column == "owner_id":
            return self.number(value) if value else NOBODY
        if column in TIMES and value:
            hours, minutes = divmod(int(value.removesuffix("m")), 60)
            return "".join((f"{hours}h" if hours else "", f"{minutes}m" if minutes else "")) or "0m"
        return value

    def _time(self, second: int) -> str:
        local = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(self.zone))
        return f"{local:%Y-%m-%d %H:%M:%S}"


def app(tracker: Tracker, *, zone: str = "America/New_York") -> Hiveminder:
    """Returns the application over a tracker."""
    return Hiveminder(tracker, zone=zone)


def serve(*, tickets: int = 0, zone: str = "America/New_York") -> Hiveminder:
    """Returns the application over a new tracker with so many tasks of Jesse's in it."""
    tracker = Tracker("hiveminder", KNOBS)
    for n in range(1, tickets + 1):
        tags = frozenset({"home", "two words"} if n % 2 else {"work"})
        fields = {"summary": f"Task {n}", "description": f"What to do about {n}.", "tags": tags}
        task = tracker.create("jesse", {**fields, "owner_id": "jesse", "priority": "4"})
        tracker.now += 60
        tracker.comment("bob", task, f"A remark about {n}.")
        if n % 3 == 0:
            tracker.attach("jesse", task, f"notes {n}.txt", f"Notes of {n}\n".encode())
    return Hiveminder(tracker, zone=zone)


def parse_tags(text: str) -> frozenset[str]:
    """Returns the tags of a string with quotes, as Text::Tags::Parser does."""
    found = re.findall(r"""(?s)"(.*?)(?:"|$)|'(.*?)(?:'|$)|([^\s,]+)""", text)
    return frozenset(tag for groups in found if (tag := " ".join("".join(groups).split())))


def _instructed(summary: str, fields: Record) -> tuple[str, frozenset[str]]:
    """Returns what a summary says once its instructions are obeyed (Task.pm, parse_summary)."""
    tags = frozenset(" ".join(re.findall(r"\[(.*?)\]", summary)).split())
    summary = re.sub(r"\[(.*?)\]\s*", "", summary)
    marks = (("++", "5"), ("+", "4"), ("--", "1"), ("-", "2"))
    implied = next((p for mark, p in marks if summary.startswith(mark)), "")
    summary = re.sub(r"^(\+\+?|--?)", "", summary)
    implied = ("5" if "!!" in summary else "4") if "!" in summary else implied
    if implied and fields.get("priority", "3") == "3":
        fields["priority"] = implied
    summary = re.sub(r"(?i)^(project|milestone):\s*", "", summary)
    return summary.strip(), tags


def _pair(task: str, other: str) -> str:
    return str(int(task) * 10**6 + int(other))


def _number(value: object) -> tuple[int, str]:
    return (int(value), "") if str(value).isdecimal() else (0, str(value))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _locator(name: str) -> str:
    digits, number = "", int(name) + 46655
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return digits


def _form(kind: str, raw: bytes) -> Record:
    """Returns the fields of a form; a file as (name, type, bytes)."""
    boundary = re.search(r"boundary=([\w-]+)", kind)
    if not boundary:
        urlencoded = kind.startswith("application/x-www-form-urlencoded")
        return dict(parse_qsl(raw.decode(), keep_blank_values=True)) if urlencoded else {}
    form: Record = {}
    for part in raw.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, data = part[2:].partition(b"\r\n\r\n")
        words = head.decode()
        name = re.search(r'[; ]name="([^"]*)"', words)
        filename = re.search(r'filename="([^"]*)"', words)
        content_type = re.search(r"Content-Type: (\S+)", words)
        data = data[:-2]
        assert name
        form[name[1]] = (
            (unquote(filename[1]), content_type[1] if content_type else "text/plain", data)
            if filename
            else data.decode()
        )
    return form
