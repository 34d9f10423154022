"""A Trac in memory: JSON-RPC as TracXMLRPC speaks it, the log-in, timeline and files of Trac 1.6.

The tracker behind it holds the connector's words: a status with its resolution, keywords and people
as sets.  What the traps are, and where in the sources they come from, stands beside each.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from itertools import count
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from prophet_hub.errors import NotFound, RemoteError
from prophet_hub.sdk import TICKET, FieldChange, SetChange, Value
from prophet_hub.testing.tracker import ACCOUNT, File, Item, Knobs, Tracker

__all__ = ["KNOBS", "OPTIONS", "TracFake", "serve"]

KNOBS = Knobs(
    tombstones=False,
    private_comments=False,
    granularity=1,
    keys=frozenset({TICKET}),
    links=frozenset(),
)
"""What a tracker must be like to pass for one."""

RESOLUTIONS = ("fixed", "invalid", "wontfix", "duplicate", "worksforme")
STATUSES = ("accepted", "assigned", "closed", "new", "reopened")
OPTIONS: dict[str, tuple[str, ...]] = {
    "type": ("defect", "enhancement", "task"),
    "priority": ("blocker", "critical", "major", "minor", "trivial"),
    "severity": ("bad", "worse"),
    "milestone": ("milestone1", "milestone2"),
    "component": ("component1", "component2"),
    "version": ("2.0", "1.0"),
}
OPTIONAL = frozenset({"milestone", "version", "status", "resolution"})
DEFAULTS = {"type": "defect", "priority": "major"}
SETS = {"keywords": " ", "cc": ", "}
OPEN = ("new", "assigned", "accepted", "reopened")
WORKFLOW: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "leave": (STATUSES, "*", ()),
    "resolve": (OPEN, "closed", ("set_resolution",)),
    "reassign": (OPEN, "assigned", ("set_owner",)),
    "accept": (OPEN, "accepted", ("set_owner_to_self",)),
    "reopen": (("closed",), "reopened", ("del_resolution",)),
}
"""trac/ticket/workflows/basic-workflow.ini."""

MICRO = 1_000_000
Answer = tuple[int, str, bytes, list[tuple[str, str]]]


class Fault(Exception):
    """A call that went wrong."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class TracFake:
    """The WSGI application.

    Attributes:
        plugin: Its version.  Before 1.2 it cuts times to seconds and shows no inputs of actions.
        installed: Whether the plugin is there.
        custom: Custom fields: name -> type.
        workflow: Action -> from which statuses, to which (`*`: as it is), what it does.
        timeline: Whether the account may see it.
        days: How far a timeline goes back.
    """

    def __init__(self, tracker: Tracker, *, plugin: tuple[int, int, int] = (1, 1, 9)) -> None:
        self.tracker = tracker
        self.plugin = plugin
        self.installed = True
        self.custom: dict[str, str] = {}
        self.workflow = dict(WORKFLOW)
        self.timeline = True
        self.days = 90
        self.cookies: dict[str, str] = {}
        self.descriptions: dict[str, str] = {}
        self.calls: list[str] = []

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self.tracker.lock:
            status, kind, body, headers = self._routed(environ)
            date = datetime.fromtimestamp(self.tracker.now, UTC)
        start(
            f"{status} Said",
            [
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
                ("Date", format_datetime(date, usegmt=True)),
                *headers,
            ],
        )
        return [body]

    def _routed(self, environ: Mapping[str, Any]) -> Answer:
        path = environ.get("RAW_PATH") or environ["PATH_INFO"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        raw = environ["wsgi.input"].read(length) if length else b""
        if path.startswith("/login"):  # the one place where tracd asks for a password
            login = self._basic(environ.get("HTTP_AUTHORIZATION", ""))
            if not login:
                return 401, "text/html", b"", [("WWW-Authenticate", 'Basic realm="trac"')]
            if path == "/login":
                return self._login(environ, raw, login)
            if path == "/login/rpc" and self.installed:
                return self._rpc(environ, raw, login)
            return 404, "text/html", b"<html>No handler matched request</html>", []
        return self._page(environ, path)

    def _page(self, environ: Mapping[str, Any], path: str) -> Answer:
        """Pages know a visitor by the cookie alone."""
        login, headers = self._visitor(environ.get("HTTP_COOKIE", ""))
        found = re.fullmatch(r"/raw-attachment/ticket/(\d+)/(.+)", path)
        if path != "/timeline" and not found:
            return 404, "text/html", b"<html>No handler matched request</html>", headers
        if not login or (path == "/timeline" and not self.timeline):
            return 403, "text/html", b"<html>privileges are required</html>", headers
        if path == "/timeline":
            asked = parse_qs(environ.get("QUERY_STRING", ""))
            return 200, "application/rss+xml", self._timeline(environ, asked), headers
        for item, file in self._files() if found else ():
            if found and (item.id, file.name) == (found[1], unquote(found[2])):
                return 200, "application/octet-stream", file.data, headers
        return 404, "text/html", b"<html>does not exist</html>", headers

    def _basic(self, header: str) -> str:
        try:
            login, _, password = (
                base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
            )
        except ValueError:
            return ""
        return login if self.tracker.passwords.get(login) == password else ""

    def _login(self, environ: Mapping[str, Any], raw: bytes, login: str) -> Answer:
        """A form must carry the token that stands in a cookie (trac/web/main.py)."""
        token = re.search(r"trac_form_token=(\w+)", environ.get("HTTP_COOKIE", ""))
        form = parse_qs(raw.decode())
        if not token or form.get("__FORM_TOKEN") != [token[1]]:
            return 400, "text/html", b"<html>Missing or invalid form token</html>", []
        cookie = secrets.token_hex(16)
        self.cookies[cookie] = login
        home = f"http://{environ.get('HTTP_HOST', 'trac.example')}/"
        return 302, "text/plain", b"", [
            ("Location", home),
            ("Set-Cookie", f"trac_auth={cookie}; HttpOnly; Path=/"),
        ]  # fmt: skip

    def _visitor(self, cookies: str) -> tuple[str, list[tuple[str, str]]]:
        """Who shows a cookie that is no good any more is anonymous, and told to drop it."""
        found = re.search(r"trac_auth=(\w+)", cookies)
        login = self.cookies.get(found[1], "") if found else ""
        gone = "trac_auth=; expires=Fri, 01 Jan 1999 00:00:00 GMT; HttpOnly; Path=/"
        return login, [("Set-Cookie", gone)] if found and not login else []

    # --- JSON-RPC: 200 for every answer ---------------------------------------------------------

    def _rpc(self, environ: Mapping[str, Any], raw: bytes, login: str) -> Answer:
        if not environ.get("CONTENT_TYPE", "").startswith("application/json"):
            return 415, "text/plain", b"No protocol matching Content-Type", []
        try:
            call = json.loads(raw)
        except ValueError:
            told = _failed(None, Fault(-32700, "No JSON object could be decoded"))
        else:
            told = self._called(call, login, call.get("id"))
        return 200, "application/json", json.dumps(told).encode() + b"\n", []

    def _called(self, call: Mapping[str, Any], login: str, number: Any) -> dict[str, Any]:
        name, params = call.get("method", ""), call.get("params", [])
        self.calls.append(name)
        if name == "system.multicall":
            told = [self._called(each, login, each.get("id") or number) for each in params]
            return {"result": told, "error": None, "id": number}
        run = getattr(self, "do_" + name.replace(".", "_"), None)
        if run is None:
            return _failed(number, Fault(-32601, f'RPC method "{name}" not found'))
        try:
            return {"result": run(login, *map(_inward, params)), "error": None, "id": number}
        except Fault as fault:
            return _failed(number, fault)
        except NotFound as error:
            return _failed(number, Fault(404, error.sentence))
        except RemoteError as error:
            return _failed(number, Fault(403 if error.status == 403 else -32603, error.sentence))

    def do_system_getAPIVersion(self, _login: str) -> Any:  # noqa: N802 - as the plugin calls it
        return list(self.plugin)

    def do_ticket_getTicketFields(self, _login: str) -> Any:  # noqa: N802 - as above
        known: dict[str, dict[str, Any]] = {
            name: {"type": "text"} for name in ("summary", "reporter", "owner")
        }
        known["description"] = {"type": "textarea", "format": "wiki"}
        known |= {n: {"type": "select", "options": list(o)} for n, o in OPTIONS.items()}
        known["status"] = {"type": "radio", "options": list(self._statuses())}
        known["resolution"] = {"type": "radio", "options": list(RESOLUTIONS)}
        known |= {name: {"type": "text", "format": "list"} for name in SETS}
        known |= {name: {"type": "time"} for name in ("time", "changetime")}
        known |= {name: {"type": kind, "custom": True} for name, kind in self.custom.items()}
        return [
            {
                "name": name,
                "label": name.title(),
                **said,
                **({"optional": True} if name in OPTIONAL else {}),
            }
            for name, said in known.items()
        ]

    def do_ticket_query(self, login: str, text: str = "status!=closed") -> Any:
        """Unknown fields are passed over; a page of a hundred unless `max` says otherwise."""
        items = [item for item in self.tracker.items.values() if self._listed(item)]
        asked = dict(one.split("=", 1) for one in text.split("&"))
        order, most = asked.pop("order", "priority"), int(asked.pop("max", 100))
        backward = asked.pop("desc", "") == "1"
        for name, value in asked.items():
            items = [item for item in items if self._matches(item, name, value)]
        if order == "changetime":
            items.sort(key=lambda item: (self._listed(item), item.number))
        items = items[::-1] if backward else items
        return [int(item.id) for item in (items[:most] if most else items)]

    def _matches(self, item: Item, name: str, value: str) -> bool:
        known = {row["name"] for row in self.do_ticket_getTicketFields("")}
        name, no = name.rstrip("!"), name.endswith("!")
        if name not in known:
            return True
        if name == "changetime":
            begin = value.partition("..")[0]
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", begin):
                raise Fault(-32603, "Invalid query constraint value")
            return self._listed(item) >= datetime.fromisoformat(begin).timestamp() * MICRO
        held = str(self._attributes(item).get(name, ""))
        return (value[1:] in held if value.startswith("~") else value == held) != no

    def do_ticket_get(self, _login: str, ticket: Any) -> Any:
        item = self._item(ticket)
        changed = self.changed(item)
        return [
            int(item.id),
            self._time(item.created * MICRO + item.number),
            self._time(changed),
            {
                **self._attributes(item),
                "time": self._time(item.created * MICRO + item.number),
                "changetime": self._time(changed),
                "_ts": str(changed),
            },
        ]

    def do_ticket_changeLog(self, _login: str, ticket: Any) -> Any:  # noqa: N802 - as above
        item, rows = self._item(ticket), []
        sets = {name: frozenset(_many(item.fields.get(name))) for name in SETS}
        numbers = self.numbers(item)
        for event in reversed(item.events):
            at = int(event.created.timestamp()) * MICRO + int(event.id)
            changes: list[tuple[str, str, str]] = [("comment", str(numbers[event.id]), "")]
            for change in reversed(event.changes):
                changes += _texts(change, sets)
            rows += [(at, 1, event.author.id, *change) for change in changes]
        for note in item.comments:
            at = note.created * MICRO + int(note.id)
            rows.append((at, 1, note.author, "comment", str(numbers[note.id]), note.body))
            if note.updated is not None:
                edited = str(note.updated * MICRO)
                rows.append((at, 1, note.author, "_comment0", "as it was", edited))
        for file in item.attachments:
            at = file.created * MICRO + int(file.id)
            said = self.descriptions.get(file.id, "")
            rows += [(at, 0, file.author, "attachment", "", file.name)]
            rows += [(at, 0, file.author, "comment", "", said)]
        rows.sort(key=lambda row: row[:4])
        return [
            [self._time(at), who, name, old, new, kept] for at, kept, who, name, old, new in rows
        ]

    def do_ticket_listAttachments(self, _login: str, ticket: Any) -> Any:  # noqa: N802 - as above
        return [
            [
                file.name,
                self.descriptions.get(file.id, ""),
                len(file.data),
                self._time(file.created * MICRO + int(file.id)),
                file.author,
            ]
            for file in self._item(ticket).attachments
        ]

    def do_ticket_getActions(self, login: str, ticket: Any) -> Any:  # noqa: N802 - as above
        """The status after an action stands in the hint, and only if it is another one."""
        item = self._item(ticket)
        attributes, told = self._attributes(item), []
        for name, (statuses, to, does) in self.workflow.items():
            idle = does == ("set_owner_to_self",) and attributes["owner"] == login
            if attributes["status"] not in statuses or (idle and attributes["status"] == to):
                continue
            inputs: list[Any] = []
            hint = 'The owner will remain <span class="trac-author">somebody</span>.'
            if "set_resolution" in does:
                hint = "The resolution will be set."
                inputs.append([f"action_{name}_resolve_resolution", "fixed", list(RESOLUTIONS)])
            if "set_owner" in does:
                hint = "The owner will be changed to the specified user."
                inputs.append([f"action_{name}_reassign_owner", login, []])
            if to not in ("*", attributes["status"]):
                hint += f" Next status will be '{to}'."
            told.append([name, name, hint, inputs if self.plugin >= (1, 2, 0) else []])
        return told

    # --- writing --------------------------------------------------------------------------------

    def do_ticket_create(
        self, login: str, summary: str, description: str, attributes: Any = None,
        notify: bool = False, _when: Any = None,
    ) -> Any:  # fmt: skip
        """Nothing is validated; status and resolution are passed over; nobody owns it by default."""
        if not summary:
            raise Fault(-32603, "Tickets must contain a summary.")
        said = {**DEFAULTS, "owner": "< default >", **(attributes or {})}
        said |= {"summary": summary, "description": description, "status": "new"}
        said.pop("resolution", None)
        texts = {n: str(v) if n == "description" else str(v).strip() for n, v in said.items()}
        held = {name: self._held(name, value) for name, value in texts.items()}
        ticket = self.tracker.create(login, {n: v for n, v in held.items() if v})
        self._mailed(login, ticket, notify=notify)
        return int(ticket)

    def do_ticket_update(
        self, login: str, ticket: Any, comment: str, attributes: Any = None, notify: bool = False,
        _author: str = "", _when: Any = None,
    ) -> Any:  # fmt: skip
        item, said = self._item(ticket), dict(attributes or {})
        now = self._attributes(item)
        version, action = said.pop("_ts", None), said.pop("action", None)
        changes = {n: str(v) for n, v in said.items() if n in now or n in self._names()}
        if version is not None and str(version) != str(self.changed(item)):
            raise Fault(
                -32603,
                "Your changes have not been saved because this ticket has been modified since you "
                "started editing." if action else "Ticket has been updated since last get().",
            )  # fmt: skip
        if action:
            changes.pop("status", None)
            changes |= self._acted(login, item, action, said, changes)
        self._put(login, item, now, changes)
        if comment.strip():
            self.tracker.comment(login, item.id, comment)
        self._mailed(login, item.id, notify=notify)
        return self.do_ticket_get(login, ticket)

    def _acted(
        self, login: str, item: Item, action: str, said: Mapping[str, Any], changes: dict[str, str]
    ) -> dict[str, str]:
        """Returns what an action changes (default_workflow.py), the fields having been validated."""
        now = self._attributes(item)
        statuses, to, does = self.workflow.get(action, ((), "*", ()))
        if now["status"] not in statuses:
            raise Fault(-32603, f"Rpc: Ticket {item.id} by {login} invalid action '{action}'")
        done = {"status": to} if to != "*" else {}
        if "set_resolution" in does:
            done["resolution"] = str(said.get(f"action_{action}_resolve_resolution", ""))
        if "del_resolution" in does:
            done["resolution"] = ""
        if "set_owner" in does:
            done["owner"] = str(said.get(f"action_{action}_reassign_owner", ""))
        if "set_owner_to_self" in does:
            done["owner"] = login
        for name in changes.keys() & done.keys() - {"resolution"}:
            if changes[name] != done[name]:
                raise Fault(-32603, f"Controller changed {name} to {done[name]}, but user did too.")
        for name, value in changes.items():  # what the workflow itself sets is not looked at
            options = {**OPTIONS, "resolution": RESOLUTIONS}.get(name)
            if options and value not in options and not (name in OPTIONAL and not value):
                raise Fault(
                    -32603,
                    f"The ticket field <strong>{name}</strong> is invalid: "
                    f'"{escape(value)}" is not a valid value',
                )
        return done

    def _put(self, login: str, item: Item, now: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Writes what differs; texts of one line lose the blanks around them."""
        wire = {**now, **{n: v if n == "description" else v.strip() for n, v in new.items()}}
        changes: dict[str, Value | None] = {}
        for name in {*new} - {"resolution", "status"}:
            if wire[name] != now.get(name, ""):
                changes[name] = self._held(name, wire[name])
        before, after = (f"{w['status']} {w.get('resolution', '')}".strip() for w in (now, wire))
        if before != after:
            changes["status"] = after
        if changes:
            self.tracker.update(login, item.id, changes)

    def do_ticket_delete(self, login: str, ticket: Any) -> Any:
        self.tracker.delete(login, self._item(ticket).id)
        return 0

    def do_ticket_putAttachment(  # noqa: N802 - as above
        self, login: str, ticket: Any, name: str, description: str, data: bytes,
        replace: bool = True,
    ) -> Any:  # fmt: skip
        """A name that is taken is replaced, or gets a number."""
        item = self._item(ticket)
        taken = {file.name: file for file in item.attachments}
        if replace and name in taken:
            self.tracker.delete_attachment(login, item.id, taken.pop(name).id)
        stem, dot, end = name.rpartition(".")
        others = (f"{stem or end}.{n}{dot}{end if dot else ''}" for n in count(2))
        free = name if name not in taken else next(o for o in others if o not in taken)
        made = self.tracker.attach(login, item.id, free, data)
        self.descriptions[made] = description
        return free

    def do_ticket_deleteAttachment(self, login: str, ticket: Any, name: str) -> Any:  # noqa: N802 - as above
        item = self._item(ticket)
        for file in item.attachments:
            if file.name == name:
                self.tracker.delete_attachment(login, item.id, file.id)
                return True
        raise Fault(404, f"Attachment 'ticket:{item.id}: {name}' does not exist.")

    def _mailed(self, login: str, ticket: str, *, notify: bool) -> None:
        if notify:
            self.tracker.notified.append((login, ticket, "watcher"))

    # --- words ----------------------------------------------------------------------------------

    def _item(self, ticket: Any) -> Item:
        item = self.tracker.items.get(str(ticket))
        if item is None or item.gone:
            raise Fault(404, f"Ticket {ticket} does not exist.")
        if item.hidden:
            raise Fault(
                403,
                f"TICKET_VIEW privileges are required to perform this operation on Ticket #{ticket}.",
            )
        return item

    def _statuses(self) -> list[str]:
        found = {to for _, to, _ in self.workflow.values()} | {"new"}
        return sorted(found.union(*(ways for ways, _, _ in self.workflow.values())) - {"*"})

    def _names(self) -> set[str]:
        return {row["name"] for row in self.do_ticket_getTicketFields("")}

    def _attributes(self, item: Item) -> dict[str, str]:
        told = dict.fromkeys((*OPTIONS, *SETS, "owner", "description", "resolution"), "")
        for name, value in item.fields.items():
            told[name] = _text(name, value)
        status, resolution = _parted(told.get("status"))
        return {
            **told,
            "reporter": told.get("reporter") or item.author,
            "status": status or "new",
            "resolution": resolution,
        }

    def _held(self, name: str, text: str) -> Value | None:
        if name in SETS:
            return frozenset(_words(name, text))
        return text or None

    def changed(self, item: Item, until: int | None = None) -> int:
        """Returns when a ticket changed last, in microseconds: a file does not count."""
        found = [(item.created, item.number)]
        found += [(int(e.created.timestamp()), int(e.id)) for e in item.events]
        for note in item.comments:
            found.append((note.created, int(note.id)))
            if note.updated is not None:
                found.append((note.updated, MICRO // 2 + item.version))
        return max(
            (second * MICRO + micro for second, micro in found if until is None or second <= until),
            default=0,
        )

    def _listed(self, item: Item) -> int:
        """Returns when a ticket changed last as queries have it, 0 if they do not show it."""
        if item.gone or item.hidden:
            return 0
        return self.changed(item, self.tracker.now - self.tracker.knobs.lag)

    def numbers(self, item: Item) -> dict[str, int]:
        """Returns the number of each change and comment: they count together."""
        made = sorted([e.id for e in item.events] + [n.id for n in item.comments], key=int)
        return {name: n for n, name in enumerate(made, 1)}

    def _time(self, micro: int) -> Any:
        when = datetime.fromtimestamp(micro // MICRO, UTC) + timedelta(microseconds=micro % MICRO)
        text = f"{when:%Y-%m-%dT%H:%M:%S}"
        if self.plugin >= (1, 2, 0) and when.microsecond:
            text += f".{when.microsecond:06d}"
        return {"__jsonclass__": ["datetime", text]}

    # --- the timeline ---------------------------------------------------------------------------

    def _files(self) -> Iterable[tuple[Item, File]]:
        for item in self.tracker.items.values():
            if not item.hidden and not item.gone:
                yield from ((item, file) for file in item.attachments)

    def _timeline(self, environ: Mapping[str, Any], asked: Mapping[str, list[str]]) -> bytes:
        base = f"http://{environ.get('HTTP_HOST', 'trac.example')}"
        days = min(int(asked["daysback"][0]), self.days)
        found = [
            (
                file.created * MICRO + int(file.id),
                f"{base}/attachment/ticket/{item.id}/{quote(file.name, safe='')}",
            )
            for item, file in self._files()
        ]
        for item in self.tracker.items.values():
            if not item.hidden and not item.gone:
                found.append((item.created * MICRO + item.number, f"{base}/ticket/{item.id}"))
                found += [
                    (
                        int(e.created.timestamp()) * MICRO + int(e.id),
                        f"{base}/ticket/{item.id}#comment:{e.id}",
                    )
                    for e in item.events
                ]
        least = (self.tracker.now - (days + 1) * 86400) * MICRO
        late = (self.tracker.now - self.tracker.knobs.lag) * MICRO + MICRO
        found = sorted((one for one in found if least <= one[0] < late), reverse=True)
        most = int(asked.get("max", ["50"])[0])
        items = "".join(
            f'<item><title>x</title><guid isPermaLink="false">{escape(link)}/{at}</guid></item>\n'
            for at, link in (found[:most] if most else found)
        )
        return (
            f'<?xml version="1.0"?>\n<rss version="2.0"><channel>{items}</channel></rss>'.encode()
        )


def _failed(number: Any, fault: Fault) -> dict[str, Any]:
    error = {"name": "JSONRPCError", "code": fault.code, "message": str(fault)}
    return {"result": None, "id": number, "error": error}


def _inward(value: Any) -> Any:
    """Returns an argument with the classes that JSON does not have (json_rpc.py)."""
    if isinstance(value, dict) and [*value] == ["__jsonclass__"]:
        kind, text = value["__jsonclass__"]
        return base64.b64decode(text) if kind == "binary" else text
    if isinstance(value, dict):
        return {name: _inward(each) for name, each in value.items()}
    return value


def _parted(word: str | None) -> tuple[str, str]:
    """Returns status and resolution: a status may be of several words."""
    word = word or "new"
    return ("closed", word[7:]) if word.startswith("closed ") else (word, "")


def _many(value: Value | None) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _text(name: str, value: Value | None) -> str:
    """Returns a field as its text."""
    if isinstance(value, frozenset):
        words = sorted(value)
        wide = name == "cc" or any(" " in word for word in words)
        return (
            ", ".join(words) + ("," if wide and name != "cc" else "") if wide else " ".join(words)
        )
    return value or ""


def _words(name: str, text: str) -> list[str]:
    comma = name == "keywords" and re.search("[,;]", text)
    return [w.strip() for w in re.split(r"[,;]" if comma else r"[,;\s]+", text) if w.strip()]


def _texts(
    change: FieldChange | SetChange, sets: dict[str, frozenset[str]]
) -> list[tuple[str, str, str]]:
    """Returns a change as rows: of a set the two texts, of a status those of both its fields."""
    name = change.field
    if isinstance(change, SetChange):
        after = sets[name]
        sets[name] = (after - change.added) | change.removed
        return [(name, _text(name, sets[name]), _text(name, after))]
    if name != "status":
        return [(name, change.old or "", change.new or "")]
    old, new = (_parted(side) for side in (change.old, change.new))
    return [
        (field, before, after)
        for field, before, after in zip(("status", "resolution"), old, new, strict=True)
        if before != after
    ]


def serve(*, tickets: int = 0) -> TracFake:
    """Returns the application over a new tracker with so many tickets of Jesse's in it."""
    tracker = Tracker("trac", KNOBS)
    for n in range(1, tickets + 1):
        fields: dict[str, Value] = {
            "summary": f"Ticket {n}", "description": f"What '''{n}''' is about.", "status": "new",
            "keywords": frozenset({"one", "two"}), "priority": "minor", "type": "defect",
        }  # fmt: skip
        ticket = tracker.create("jesse", fields)
        tracker.now += 60
        tracker.comment("bob", ticket, f"A remark about {{{{{{{n}}}}}}}.")
        if n % 3 == 0:
            tracker.attach("jesse", ticket, f"notes {n}.txt", f"Notes of {n}\n".encode())
        if n % 4 == 0:
            tracker.update(ACCOUNT if n % 8 else "bob", ticket, {"status": "closed fixed"})
    return TracFake(tracker)
