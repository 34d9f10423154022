"""RT 5 as far as the connector meets it: log-in by REST 1.0, REST 2.0, and its measured oddities.

`RTFake` is a WSGI application over an `RTTracker`.  tests/live/test_rt_fake_is_true.py compares it
with a real server, answer by answer.  Where they differ, this file is wrong.
"""

from __future__ import annotations

import base64
import json
import random
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from fakes._rt_sql import BadQuery, parsed
from fakes._rt_tracker import (
    ACTIVE,
    DATES,
    LIFECYCLE,
    NEVER,
    NOBODY,
    NUMBERS,
    REFS,
    ROLES,
    SYSTEM,
    Part,
    RTTracker,
    Transaction,
    key_in,
    render,
    stamp,
)  # fmt: skip
from prophet_hub.errors import RemoteError
from prophet_hub.testing.tracker import EPOCH, Item

__all__ = ["ROUTES", "RTFake", "RTTracker", "make_app"]

VERSION = "5.0.3+dfsg-3~deb12u6"
FIRST_LINE = f"RT/{VERSION} 200 Ok"
PER_PAGE = 100


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
        self.routes = ROUTES
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
        for method, pattern, act in self.routes:
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
        return (
            200,
            {"ETag": etag, "Last-Modified": stamp(item.updated)},
            self._ticket(request, item),
        )

    def get_user(self, request, user, name):
        name = self.tracker.login_of(unquote(name))
        person = self.tracker.users.get(name)
        if person is None or name in self.tracker.groups:
            raise _Answer(404, "Not Found")
        number = self.tracker.number(name)
        body = {"id": number, "Name": name, "Privileged": 1, "Disabled": "0", "CustomFields": []}
        body |= {"RealName": person.name} if person.name else {}
        body |= {"EmailAddress": person.email} if person.email else {}
        return 200, {}, body

    def get_group(self, request, user, number):
        if number not in self.tracker.groups:
            raise _Answer(404, "Not Found")
        if not self.sees_all:
            raise _Answer(403, "Forbidden")
        return 200, {}, {"id": int(number), "Name": self.tracker.groups[number]}

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
        test, floor = _asked(query, self._ticket_value)
        items = [i for i in self._after(floor) if test(i)]
        if request.query.get("order") == "DESC":
            items.reverse()
        return self._page(request, items, lambda item: self._row(request, item))

    def transactions(self, request, user):
        test, floor = _asked(request.query.get("query", "id < 0"), _transaction_value)
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
            "Creator": self._link(request, "user", part.creator), "Created": stamp(part.created),
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
        fields, key = self._newborn(said)
        self.tracker.empty_text = said.get("Content") == ""
        self.tracker.text_kind = said.get("ContentType", "text/plain")
        try:
            number = self.tracker.create(user, {n: v for n, v in fields.items() if v}, key=key)
        except RemoteError as error:
            raise _Answer(error.status or 400, error.sentence) from None
        finally:
            self.tracker.empty_text, self.tracker.text_kind = False, "text/plain"
        body = {"type": "ticket", "id": number, "_url": self._url(request, f"ticket/{number}")}
        return 201, {"Location": body["_url"]}, body

    def _newborn(self, said: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """Returns the fields that a create leaves, and the hub's key; what is odd is left out."""
        fields: dict[str, Any] = {}
        key = ""
        for name in REFS.keys() & said.keys():
            members = {str(v) for v in _listed(said[name])}
            key = next(filter(None, (key_in(m, ":") for m in sorted(members))), key)
            fields[name] = frozenset(m for m in members if not key_in(m, ":") and self._resolves(m))
        for name in set(ROLES) & said.keys():
            fields[name] = frozenset(m for m in _listed(said[name]) if self._somebody(m))
        if said.get("Owner") in self.tracker.users.keys() - {NOBODY}:
            fields["Owner"] = said["Owner"]
        for custom, words in said.get("CustomFields", {}).items():
            if custom == self.tracker.key_field:
                key = words
            elif custom in self.tracker.customs:
                fields[f"CF.{{{custom}}}"] = frozenset(words) if isinstance(words, list) else words
        for name in set(DATES) & said.keys():
            fields[name] = said[name].replace("T", " ").rstrip("Z")
        for name in {*NUMBERS, "Subject", "Status", "Queue", "Content"} & said.keys():
            fields[name] = str(said[name])
        return fields, key

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
                taken=int(said.get("TimeTaken") or 0), kind=said.get("ContentType", "text/plain"),
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
        link = re.fullmatch("(Add|Delete)(\\w+)", name)
        if name == "MergeInto":
            self.tracker.merge(user, item.id, str(value))
            yield "Merge Successful"
        elif name == "CustomFields":
            yield from self._put_customs(item, user, value)
        elif name in ROLES:
            if not all(self._somebody(m) for m in _listed(value)):
                raise _Answer(500)  # it fails in the midst of its work: what went before stands
            self.tracker.update(user, item.id, {name: frozenset(_listed(value))})
            yield f"{name} changed from something to something else"
        elif link and link[2] in REFS:
            yield from self._put_links(item, user, link[1], link[2], map(str, _listed(value)))
        elif name in _PUT_FIRST and value is not None:
            yield from self._put_word(item, user, name, str(value))

    def _put_customs(self, item: Item, user: str, said: Mapping[str, Any]) -> Iterator[str]:
        for custom, words in said.items():
            if custom in self.tracker.customs:
                new = frozenset(words) if isinstance(words, list) else words or None
                self.tracker.update(user, item.id, {f"CF.{{{custom}}}": new})
                yield f"{custom} {words} added"

    def _put_links(
        self, item: Item, user: str, verb: str, name: str, targets: Iterable[str]
    ) -> Iterator[str]:
        side = "added" if verb == "Add" else "removed"
        for target in targets:
            if not self._resolves(target):
                yield f"Couldn't resolve '{target}' into a link."
                continue
            self.tracker.update(user, item.id, **{side: {name: frozenset({target})}})
            yield f"Ticket {item.id} refers to Ticket {target}."

    def _put_word(self, item: Item, user: str, name: str, value: str) -> Iterator[str]:
        old = item.fields.get(name)
        refusal = self._refusal(item, name, value)
        if refusal:
            yield f"Ticket {item.id}: {refusal}"
            return
        if name in DATES and "T" in value:
            self.tracker.forget(item, name, user, value)
            yield f"Ticket {item.id}: {name} changed from {old} to Not set"
            return
        new: str | None = value or None
        if name == "Owner" and value == NOBODY:
            new = None
        if name in NUMBERS:
            old, new = old or "0", value or "0"
            if name != "Priority":
                old, new = (None if v == "0" else v for v in (old, new))
        if name == "Subject":
            self.tracker.said = re.sub(r"[\r\n]", "", value)[:255]
        if (old or None) != (render(name, new or "") or None):
            self.tracker.update(user, item.id, {name: new})
            yield f"Ticket {item.id}: {name} changed from '{old}' to '{new}'"

    def _refusal(self, item: Item, name: str, value: str) -> str:
        """Returns why RT does not take a word, "" if it does."""
        if name == "Owner" and value not in self.tracker.users:
            return "That user does not exist"
        if name == "Queue" and value not in self.tracker.queues:
            return f"Queue {value} does not exist"
        if name == "Status" and value not in LIFECYCLE:
            return f"Status '{value}' isn't a valid status for this ticket."
        if name == "Status" and value not in ACTIVE and self.tracker.blocked(item):
            return "That ticket has unresolved dependencies"
        return ""

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
            "Created": stamp(item.created), "LastUpdated": stamp(item.updated),
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

    def _row(self, request: _Request, item: Item) -> dict[str, Any]:
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
            "Creator": self._link(request, "user", row.creator), "Created": stamp(row.created),
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
            "Subject": part.subject, "Created": stamp(part.created),
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
ROUTES = (
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
    ("GET", r"group/(\d+)", RTFake.get_group),
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
        mark = b"--" + self.type.partition("boundary=")[2].encode()
        said, files = {}, []
        for part in self.body().split(mark)[1:-1]:
            head, _, data = part[2:-2].partition(b"\r\n\r\n")
            words = dict(re.findall(r'(\w+)="([^"]*)"', head.decode()))
            kind = re.search(r"(?m)^Content-Type: (\S+)", head.decode())
            if words["name"] == "JSON":
                said = json.loads(data)
            else:
                files.append((words["filename"], kind[1] if kind else "text/plain", data))
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


def _date(value: Any) -> str:
    return f"{str(value).replace(' ', 'T')}Z" if value else NEVER


def _as_utf8(data: bytes) -> bytes:
    """RT re-encodes text as it shows it; the bytes themselves are kept."""
    try:
        return data.decode().encode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _asked(query: str, value: Callable[[Any, str], Any]) -> tuple[Callable[[Any], bool], int]:
    try:
        return parsed(query, value)
    except BadQuery as bad:
        raise _Answer(400, str(bad)) from None


def _transaction_value(row: Transaction, name: str) -> Any:
    return {"id": row.id, "ObjectType": "RT::Ticket", "Type": row.type, "ObjectId": row.ticket}[
        name
    ]
