"""A Roundup in memory: the REST service of 2.6 over a `Tracker`, its traps included.

The tracker's fields carry the properties' names and labels (`content` being the first message's
text).  Messages and files are items of their own: those that hang nowhere live here.
"""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo

from prophet_hub.errors import NotFound, Rejected, Stale
from prophet_hub.sdk import COMMENT, TICKET, History, Value
from prophet_hub.testing.tracker import ACCOUNT, File, Item, Knobs, Note, Tracker

__all__ = ["KNOBS", "Roundup", "app", "serve"]

STATUSES = ("unread", "deferred", "chatting", "need-eg", "in-progress", "testing", "done-cbb",
            "resolved")  # fmt: skip
PRIORITIES = ("critical", "urgent", "bug", "feature", "wish")
KNOBS = Knobs(
    history=History.NONE,
    tombstones=False,
    private_comments=False,
    notifies=True,
    keys=frozenset({TICKET, COMMENT}),
    allowed={"status": STATUSES, "priority": PRIORITIES},
    links=frozenset({"superseder"}),
)
"""What a tracker must be like to pass for one."""

LINKS = {"status": "status", "priority": "priority", "assignedto": "user"}
MULTILINKS = {"keyword": "keyword", "nosy": "user", "superseder": "issue"}
COOKIE = "roundup_session_Roundupissuetracker"
OPENED = ("unread", "resolved", "done-cbb")
Row = dict[str, Any]
Terms = list[tuple[str, str]]


class Refused(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said


class Roundup:
    """The WSGI application.

    Attributes:
        zone: In which questions name times; answers are in UTC.
        most: `max_response_row_size`.
        web: The address as configured: what Origin must name; "" takes any.
        keywords: The names of the keywords, in order of their ids.
    """

    def __init__(self, tracker: Tracker, *, zone: str = "America/New_York") -> None:
        self.tracker = tracker
        self.zone = ZoneInfo(zone)
        self.most = 10_000_000
        self.web = ""
        self.keywords: list[str] = []
        self.logins: list[str] = []
        self.loose: dict[str, Note | File] = {}
        self.births: dict[str, Note] = {}
        self.marks: dict[str, str] = {}
        self.sessions: dict[str, str] = {}
        self.cookie = ""
        self.base = ""

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.base = f"http://{environ.get('HTTP_HOST', 'roundup.example')}"
        with self.tracker.lock:
            self.cookie = ""
            try:
                status, kind, body = self._served(environ)
            except Refused as refused:
                status, kind = refused.status, "application/json"
                body = _json({"error": {"status": status, "msg": refused.said}})
            now = datetime.fromtimestamp(self.tracker.now, UTC)
            cookie = self.cookie
        if status == 401:
            kind, body = "text/plain", b"Invalid Login - Invalid login"
        date = format_datetime(now, usegmt=True)
        headers = [("Content-Type", kind), ("Date", date)]
        headers += [("Set-Cookie", f"{COOKIE}={cookie}; Path=/; HttpOnly;")] if cookie else []
        start(f"{status} Said", headers)
        return [body]

    # --- the doors ------------------------------------------------------------------------------

    def _served(self, environ: Mapping[str, Any]) -> tuple[int, str, bytes]:
        method, path = environ["REQUEST_METHOD"], unquote(environ["PATH_INFO"])
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if path == "/" and method == "POST":
            self._login_by_form(dict(parse_qsl(raw.decode())))
            return 200, "text/html", b"<html>a page for people</html>"
        self._check_login(environ)
        if method != "GET":
            origin = environ.get("HTTP_ORIGIN")
            named = environ.get("HTTP_X_REQUESTED_WITH") and origin
            if not named or (self.web and origin != self.web):
                raise Refused(400, "Required Header Missing")
        found = re.fullmatch(r"/rest/data/(\w+)(?:/([^/]+))?(/binary_content)?", path)
        if not found or found[1] not in ("issue", "msg", "file", "user", *LINKS, *MULTILINKS):
            raise Refused(404, "Class not found")
        name, number = found[1], found[2]
        if found[3]:
            file = self._part(number)
            assert isinstance(file, File)
            return 200, file.content_type, file.data
        if method == "GET":
            terms = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
            told = self._one(name, number, dict(terms)) if number else self._many(name, terms)
            return 200, "application/json", _json({"data": told})
        said = _form(environ.get("CONTENT_TYPE", ""), raw)
        if method == "POST":
            made = self._make(name, said)
            return (
                201,
                "application/json",
                _json({"data": {"id": made, "link": self._link(name, made)}}),
            )
        self._check_etag(name, number, environ.get("HTTP_IF_MATCH", ""))
        if method == "PUT":
            self._set(name, number, said)
        elif method == "DELETE" and name == "issue":
            self._try(partial(self.tracker.delete, ACCOUNT, number))
        else:
            raise Refused(403, f"Permission to retire {name} {number} denied")
        return (
            200,
            "application/json",
            _json({"data": {"id": number, "type": name, "attribute": {}}}),
        )

    def _login_by_form(self, form: Mapping[str, str]) -> None:
        """Whoever is let in gets a cookie; who is not gets the same page without one."""
        login = form.get("__login_name", "")
        if self.tracker.passwords.get(login) == form.get("__login_password"):
            self.cookie = f"s{len(self.sessions)}"
            self.sessions[self.cookie] = login

    def _check_login(self, environ: Mapping[str, Any]) -> None:
        basic = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Basic ")
        if basic:
            login, _, password = base64.b64decode(basic).decode().partition(":")
            if self.tracker.passwords.get(login) != password:
                raise Refused(401, "")
            return
        found = re.search(rf"{COOKIE}=(\w+)", environ.get("HTTP_COOKIE", ""))
        if not found or found[1] not in self.sessions:
            self.cookie = "None" if found else ""
            raise Refused(403, "Forbidden.")

    def _check_etag(self, name: str, number: str, sent: str) -> None:
        if sent != self._etag(name, number):
            raise Refused(412, "If-Match is missing or does not match.")

    def _try(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except NotFound as error:
            raise Refused(404, str(error)) from None
        except Stale as error:
            raise Refused(404, str(error)) from None
        except Rejected as error:
            raise Refused(403 if error.status == 403 else 409, str(error)) from None

    # --- reading --------------------------------------------------------------------------------

    def _one(self, name: str, number: str, terms: Mapping[str, str]) -> Row:
        if name == "user" and not number.isdigit():
            login = number.removeprefix("username=")
            if login not in self.tracker.users:
                raise Refused(404, f"Item '{login}' not found")
            number = self._user(login)
        row = self._row(name, number)
        fields = terms.get("@fields", "").split(",") if "@fields" in terms else sorted(row)
        verbose = int(terms.get("@verbose", "1"))
        return {
            "id": number,
            "type": name,
            "link": self._link(name, number),
            "attributes": {f: self._shown(f, row[f], verbose) for f in fields},
            "@etag": self._etag(name, number),
        }

    def _many(self, name: str, terms: Terms) -> Row:
        """Lists what is not retired; a date that is none is passed over, and everything is told."""
        words = dict(terms)
        rows = [(n, self._row(name, n)) for n in self._numbers(name)]
        ids = {value for key, value in terms if key == "id"}
        rows = [(n, row) for n, row in rows if not ids or n in ids]
        for key, value in terms:
            if key[0] != "@" and key != "id":
                rows = [(n, row) for n, row in rows if self._fits(row, key, value)]
        order = words.get("@sort", "id").split(",")
        for key in reversed(order):
            rows.sort(key=partial(_rank, key.lstrip("-")), reverse=key[0] == "-")
        rows = rows[: self.most]
        total = -1 if len(rows) == self.most else len(rows)
        size = int(words.get("@page_size", "0"))
        first = (int(words.get("@page_index", "1")) - 1) * size
        verbose = int(words.get("@verbose", "1"))
        asked = [f for f in words.get("@fields", "").split(",") if f]
        asked += [LABELS.get(name, "name")] if verbose > 1 else []
        shown = [
            {
                "id": n,
                "link": self._link(name, n),
                **{f: self._shown(f, row[f], verbose) for f in asked},
            }
            for n, row in (rows[first : first + size] if size else rows)
        ]
        return {"collection": shown, "@total_size": total}

    def _fits(self, row: Row, key: str, value: str) -> bool:
        exact, key = key.endswith(":"), key.rstrip(":")
        if key not in row:
            raise Refused(400, f"Field {key} is not valid for issue class.")
        held = row[key]
        if key in ("activity", "creation"):
            since = _date(value.rstrip(";"), self.zone)
            return since is None or held >= since
        if isinstance(held, list):
            return bool(
                set(held) & {self._number(MULTILINKS.get(key, key), v) for v in value.split(",")}
            )
        if key in LINKS:
            return held in {self._number(LINKS[key], v) for v in value.split(",")}
        return held == value if exact else value.lower() in str(held or "").lower()

    def _numbers(self, name: str) -> list[str]:
        """Returns the numbers of a class's items that are not retired and may be seen."""
        small = {"status": STATUSES, "priority": PRIORITIES, "keyword": self.keywords}
        if name in small:
            return [str(n + 1) for n in range(len(small[name]))]
        if name == "user":
            return [self._user(login) for login in self.tracker.users]
        if name == "issue":
            return [i.id for i in self.tracker.items.values() if not i.gone and not i.hidden]
        kind = Note if name == "msg" else File
        loose = [n for n, part in self.loose.items() if isinstance(part, kind)]
        return loose + [p.id for i in self.tracker.items.values() for p in self._parts(i, name)]

    def _row(self, name: str, number: str) -> Row:
        """Returns an item's properties as they are stored: links by number, times in seconds."""
        if name == "issue":
            return self._issue(number)
        if name in ("msg", "file"):
            return self._of_part(name, self._part(number))
        if name == "user":
            person = self.tracker.person(self._login(number))
            address = person.email if person.id == ACCOUNT else None
            return {"username": person.id, "realname": person.name or None, "address": address}
        small = {"status": STATUSES, "priority": PRIORITIES, "keyword": self.keywords}
        return {"name": small[name][int(number) - 1]}

    def _issue(self, number: str) -> Row:
        item = self.tracker.items.get(number)
        if item is None:
            raise Refused(404, f"no such issue {number}")
        if item.hidden:
            raise Refused(403, f"Permission to view issue{number} denied")
        fields = {"status": "unread", **item.fields}
        row: Row = {"title": fields.get("title")}
        for name, kind in LINKS.items():
            row[name] = self._number(kind, str(fields[name])) if name in fields else None
        for name, kind in MULTILINKS.items():
            held = fields.get(name, frozenset())
            row[name] = sorted((self._number(kind, m, stored=True) for m in held), key=int)
        return {
            **row,
            "messages": [p.id for p in self._parts(item, "msg")],
            "files": [p.id for p in item.attachments if not p.comment],
            "id": number,
            "creation": item.created,
            "activity": item.updated,
            "creator": self._user(item.author),
            "actor": self._user(item.author),
        }

    def _parts(self, item: Item, name: str) -> list[Note] | list[File]:
        if name == "file":
            return list(item.attachments)
        text = item.fields.get("content")
        if text is not None and item.id not in self.births:
            note = Note(id=f"{item.number}", author=item.author, created=item.created, body="")
            self.births[item.id] = note
        birth = self.births.get(item.id)
        if birth is not None:
            birth.body = str(text or "")
        return [*([birth] if birth else []), *item.comments]

    def _part(self, number: str) -> Note | File:
        if number in self.loose:
            return self.loose[number]
        for item in self.tracker.items.values():
            for name in ("msg", "file"):
                for part in self._parts(item, name):
                    if part.id == number:
                        return part
        raise Refused(404, f"no such item {number}")

    def _of_part(self, name: str, part: Note | File) -> Row:
        own = {
            "id": part.id,
            "creator": self._user(part.author),
            "creation": part.created,
            "activity": getattr(part, "updated", None) or part.created,
        }
        if isinstance(part, File):
            return {**own, "name": part.name, "type": part.content_type}
        files = [
            f.id for i in self.tracker.items.values() for f in i.attachments if f.comment == part.id
        ]
        return {
            **own,
            "author": own["creator"],
            "content": part.body,
            "date": part.created,
            "messageid": self.marks.get(part.id),
            "files": files,
        }

    def _shown(self, name: str, value: Any, verbose: int) -> Any:
        """Returns a property as it is told."""
        kind = {**LINKS, **MULTILINKS, **PARTS}.get(name)
        if kind and isinstance(value, list):
            return [self._linked(kind, n, verbose) for n in value]
        if kind and value is not None:
            return self._linked(kind, value, verbose)
        if name in ("creation", "activity", "date"):
            return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d.%H:%M:%S}"
        if name == "content" and verbose < 3:
            return {"link": f"{self.base}/msg/"}
        return value

    def _linked(self, kind: str, number: str, verbose: int) -> Any:
        if not verbose:
            return number
        told = {"id": number, "link": self._link(kind, number)}
        if verbose > 1:
            label = LABELS.get(kind, "name")
            row = self._row(kind, number)
            told[label] = self._shown(label, row[label], 1)
        return told

    def _etag(self, name: str, number: str) -> str:
        row = self._row(name, number)
        if name == "issue":
            row["version"] = self.tracker.items[number].version
        return f'"{hashlib.md5(repr(sorted(row.items())).encode()).hexdigest()}"'

    # --- writing --------------------------------------------------------------------------------

    def _make(self, name: str, said: Row) -> str:
        number = str(self.tracker._number())
        if name == "keyword":
            if said["name"] in self.keywords:
                raise Refused(409, f'node with key "{said["name"]}" exists')
            self.keywords.append(said["name"])
            return str(len(self.keywords))
        if name == "msg":
            if not said.get("content"):
                raise Refused(409, "object of type 'NoneType' has no len()")
            self.loose[number] = Note(
                id=number, author=ACCOUNT, created=self.tracker.now, body=_kept(said["content"])
            )
            self.marks[number] = said.get("messageid", "")
            return number
        if name == "file":
            if not said["content"]:
                raise Refused(405, "'NoneType' object has no attribute 'encode'")
            self.loose[number] = File(
                id=number, author=ACCOUNT, created=self.tracker.now, name=said["name"],
                content_type=said["type"], data=said["content"],
            )  # fmt: skip
            return number
        return self._make_issue(said)

    def _make_issue(self, said: Row) -> str:
        """The detectors: every issue has a status, its author and assignee are on the nosy list."""
        birth = self.loose[said["messages"][0]]
        assert isinstance(birth, Note)
        changes = self._changes(said)
        nosy = changes.get("nosy") or frozenset()
        assert isinstance(nosy, frozenset)
        owner = changes.get("assignedto")
        changes["nosy"] = nosy | {ACCOUNT} | ({str(owner)} if owner else set())
        changes.setdefault("status", "unread")
        changes["content"] = birth.body or None
        kept = {k: v for k, v in changes.items() if v is not None}
        made: str = self._try(
            lambda: self.tracker.create(ACCOUNT, kept, key=_key(self.marks[birth.id]))
        )
        self.births[made] = birth
        del self.loose[birth.id]
        return made

    def _set(self, name: str, number: str, said: Row) -> None:
        if name == "msg":
            if (said.get("content") or "").strip():
                self.reword(number, _kept(said["content"]))
            return
        item = self.tracker.items[number]
        changes = self._changes(said)
        new = set(said.get("messages", ())) - {p.id for p in self._parts(item, "msg")}
        if new and "status" not in said and item.fields.get("status", "unread") in OPENED:
            changes["status"] = "chatting"
        if changes:
            self._try(lambda: self.tracker.update(ACCOUNT, number, changes))
        for kind in ("messages", "files"):
            if kind in said:
                self._hang(item, kind, said[kind])

    def _hang(self, item: Item, kind: str, numbers: list[str]) -> None:
        """Joins loose messages or files, and takes off those that are not named."""
        held = [p.id for p in self._parts(item, "msg" if kind == "messages" else "file")]
        for number in numbers:
            part = self.loose.pop(number, None)
            if isinstance(part, Note) and MARKS_BIRTH.match(self.marks.get(number, "")):
                self.births[item.id] = part
                self.tracker.update(ACCOUNT, item.id, {"content": part.body or None})
            elif isinstance(part, Note):
                key = _key(self.marks[number])
                self.tracker.comment(ACCOUNT, item.id, part.body, key=key)
                item.comments[-1].id = number
            elif isinstance(part, File):
                self.tracker.attach(
                    ACCOUNT, item.id, part.name, part.data, content_type=part.content_type
                )
                item.attachments[-1].id = number
        for number in set(held) - set(numbers):
            if kind == "messages":
                if number in {note.id for note in item.comments}:
                    self.tracker.delete_comment(ACCOUNT, item.id, number)
            else:
                self.tracker.delete_attachment(ACCOUNT, item.id, number)

    def reword(self, number: str, text: str) -> None:
        """A message changes: neither its own time nor its issue's moves."""
        for item in self.tracker.items.values():
            moved = list(item.stamps)
            birth = self.births.get(item.id)
            if birth is not None and birth.id == number:
                self.tracker.update(ACCOUNT, item.id, {"content": text or None})
            elif number in {note.id for note in item.comments}:
                self.tracker.edit_comment(ACCOUNT, item.id, number, text)
                next(note for note in item.comments if note.id == number).updated = None
            else:
                continue
            item.stamps[:] = moved
            return

    def birth(self, ticket: str) -> Note:
        """Returns the message that is the description of an issue that has one."""
        self._parts(self.tracker.items[ticket], "msg")
        return self.births[ticket]

    def _changes(self, said: Row) -> dict[str, Value | None]:
        changes: dict[str, Value | None] = {}
        for name, value in said.items():
            if value is None:  # null is passed over
                continue
            if name == "title":
                changes[name] = _kept(value) or None
            elif name in LINKS:
                changes[name] = self._label(LINKS[name], value) if value else None
            elif name in MULTILINKS:
                changes[name] = frozenset(self._label(MULTILINKS[name], v) for v in value)
            elif name not in ("messages", "files"):
                raise Refused(400, f"Property {name} not found in class issue")
        return changes

    # --- names ----------------------------------------------------------------------------------

    def _user(self, login: str) -> str:
        if login not in self.logins:
            self.logins.append(login)
        return str(self.logins.index(login) + 1)

    def _login(self, number: str) -> str:
        if not 0 < int(number) <= len(self.logins):
            raise Refused(404, f"no such user {number}")
        return self.logins[int(number) - 1]

    def _number(self, kind: str, label: str, *, stored: bool = False) -> str:
        """Returns a number for a label; what is digits is a number, but where it is stored."""
        if kind == "user":
            return label if label.isdigit() else self._user(label)
        digits = label.isdigit() and not stored
        if kind == "keyword" and label not in self.keywords and not digits:
            self.keywords.append(label)
        small = {"status": STATUSES, "priority": PRIORITIES, "keyword": self.keywords}
        if kind not in small or digits:
            return label
        if label not in small[kind]:
            raise Refused(400, f'\'No key (name) value "{label}" for "{kind}"\'')
        return str(list(small[kind]).index(label) + 1)

    def _label(self, kind: str, said: str) -> str:
        if kind == "issue":
            return said
        if kind == "user":
            return self._login(said) if said.isdigit() else said
        if not said.isdigit() and said not in (*STATUSES, *PRIORITIES, *self.keywords):
            raise Refused(400, f"property {kind}: '{said}' is not a {kind}.")
        return str(self._row(kind, self._number(kind, said))["name"])

    def _link(self, name: str, number: str) -> str:
        return f"{self.base}/rest/data/{name}/{number}"


PARTS = {"messages": "msg", "files": "file", "creator": "user", "actor": "user", "author": "user"}
LABELS = {"user": "username", "issue": "title", "msg": "activity", "file": "name"}
MARKS_BIRTH = re.compile("<ticket")


def app(tracker: Tracker, *, zone: str = "America/New_York") -> Roundup:
    """Returns the application over a tracker."""
    return Roundup(tracker, zone=zone)


def serve(*, tickets: int = 0, zone: str = "America/New_York") -> Roundup:
    """Returns an application of its own, for `python -m prophet_hub.testing.serve`."""
    tracker = Tracker("roundup", KNOBS)
    for n in range(1, tickets + 1):
        made = tracker.create("jesse", {"title": f"Issue {n}", "content": f"Text of {n}"})
        tracker.comment("bob", made, f"Comment on {n}")
        tracker.now += 1
    return app(tracker, zone=zone)


def _kept(text: str) -> str:
    return text.strip()


def _key(messageid: str) -> str:
    found = re.fullmatch(r"<(?:ticket|comment)\.([^@]+)@.*>", messageid or "")
    return found[1] if found else ""


def _date(text: str, zone: ZoneInfo) -> float | None:
    try:
        read = datetime.strptime(text, "%Y-%m-%d.%H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        return None
    return read.timestamp()


def _rank(key: str, row: tuple[str, Row]) -> Any:
    return int(row[0]) if key == "id" else row[1][key]


def _json(told: Any) -> bytes:
    return json.dumps(told, indent=4).encode()


def _form(kind: str, raw: bytes) -> Row:
    if not kind.startswith("multipart/"):
        said: Row = json.loads(raw or b"{}")
        return said
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = email.message_from_bytes(head + raw, policy=email.policy.HTTP)
    said = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        said[str(name)] = data if part.get_filename() else data.decode()
    return said
