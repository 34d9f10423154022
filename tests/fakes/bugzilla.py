"""Bugzilla's REST interface over a `Tracker`, as 5.0 and 5.2 speak it, or as bugzilla.mozilla.org.

Fields bear the names of the interface; hours are kept as history writes them.  Where a behaviour
comes from stands beside it: file and function of Bugzilla's source.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from prophet_hub.errors import NotFound, RemoteError
from prophet_hub.sdk import TICKET, Event, FieldChange, SetChange, Value, members
from prophet_hub.testing.tracker import ACCOUNT, File, Item, Knobs, Tracker, instant

__all__ = ["KNOBS", "NOBODY", "REQUIRED", "BugzillaFake", "BugzillaTracker", "app"]

NOBODY = "nobody@example.org"
KEYWORDS = ("alpha", "beta", "crash", "regression")
CHOICES: dict[str, tuple[str, ...]] = {
    "product": ("TestProduct", "Other"),
    "component": ("TestComponent", "Engine"),
    "version": ("unspecified", "1.0"),
    "target_milestone": ("---", "M1", "M2"),
    "op_sys": ("All", "Linux"),
    "platform": ("All", "PC"),
    "type": ("defect", "enhancement", "task"),
}
SEVERITIES = {
    "bugzilla": ("blocker", "critical", "major", "normal", "minor", "trivial", "enhancement"),
    "bmo": ("normal", "S1", "S2", "S3", "S4"),
}
PRIORITIES = {
    "bugzilla": ("Highest", "High", "Normal", "Low", "Lowest", "---"),
    "bmo": ("P1", "P2", "P3", "P4", "P5", "--"),
}
WAYS = {  # DB/Schema.pm, and of bmo the old workflow
    "bugzilla": {
        "": ("UNCONFIRMED", "CONFIRMED", "IN_PROGRESS"),
        "UNCONFIRMED": ("CONFIRMED", "IN_PROGRESS", "RESOLVED"),
        "CONFIRMED": ("UNCONFIRMED", "IN_PROGRESS", "RESOLVED"),
        "IN_PROGRESS": ("UNCONFIRMED", "CONFIRMED", "RESOLVED"),
        "RESOLVED": ("UNCONFIRMED", "CONFIRMED", "VERIFIED"),
        "VERIFIED": ("UNCONFIRMED", "CONFIRMED"),
    },
    "bmo": {
        "": ("UNCONFIRMED", "NEW", "ASSIGNED"),
        "UNCONFIRMED": ("NEW", "ASSIGNED", "RESOLVED"),
        "NEW": ("UNCONFIRMED", "ASSIGNED", "RESOLVED"),
        "ASSIGNED": ("NEW", "RESOLVED"),
        "REOPENED": ("ASSIGNED", "RESOLVED"),
        "RESOLVED": ("UNCONFIRMED", "REOPENED", "VERIFIED"),
        "VERIFIED": ("RESOLVED", "REOPENED"),
    },
}
CLOSED = ("RESOLVED", "VERIFIED")
RESOLUTIONS = ("FIXED", "INVALID", "WONTFIX", "DUPLICATE", "WORKSFORME")
REQUIRED = {
    "product": "TestProduct",
    "component": "TestComponent",
    "version": "unspecified",
    "severity": "normal",
    "op_sys": "All",
    "platform": "All",
}
HOURS = ("estimated_time", "remaining_time", "actual_time")
SETS = ("cc", "keywords", "depends_on", "blocks", "see_also", "groups", "flags", "dupe_of")
TEXTS = ("summary", "status", "resolution", "priority", "whiteboard", "url", *CHOICES, "severity")
INNER = {  # Bug.pm, FIELD_MAP
    "summary": "short_desc", "status": "bug_status", "severity": "bug_severity",
    "platform": "rep_platform", "url": "bug_file_loc", "whiteboard": "status_whiteboard",
    "depends_on": "dependson", "blocks": "blocked",
}  # fmt: skip
KNOBS = Knobs(
    conditional=False,
    tombstones=False,
    notifies=True,
    keys=frozenset({TICKET}),
    required=frozenset({"summary", "product", "component", "version"}),
    links=frozenset({"depends_on", "blocks", "dupe_of"}),
)
LINE = 254  # Bug.pm, MAX_LINE_LENGTH
CODES = {
    401: (102, 109, 110, 113, 115, 120, 300, 301, 302, 304, 410, 504, 505),
    404: (51, 101, 32614),
}
Answer = tuple[int, Any]


class Thrown(Exception):
    """An error with its code (WebService/Constants.pm)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class BugzillaTracker(Tracker):
    """A tracker whose dependencies have two ends, both of which tell of them (Bug.pm, update)."""

    def __init__(self, knobs: Knobs = KNOBS) -> None:
        super().__init__("bugzilla", knobs)

    def born(self, item: Item) -> None:
        """The other ends of a newborn's dependencies."""
        for name in ("depends_on", "blocks"):
            for other in members(item.fields.get(name)):
                self._mirrored(item.author, other, name, frozenset({item.id}), frozenset())

    def told(self, item: Item, event: Event) -> None:
        """The other ends of changed dependencies."""
        for change in event.changes:
            if isinstance(change, SetChange) and change.field in ("depends_on", "blocks"):
                one, none = frozenset({item.id}), frozenset[str]()
                for other in change.added:
                    self._mirrored(event.author.id, other, change.field, one, none)
                for other in change.removed:
                    self._mirrored(event.author.id, other, change.field, none, one)

    def _mirrored(
        self, who: str, ticket: str, name: str, come: frozenset[str], leave: frozenset[str]
    ) -> None:
        other, item = {"depends_on": "blocks", "blocks": "depends_on"}[name], self.items[ticket]
        item.fields[other] = (members(item.fields.get(other)) | come) - leave
        if not item.fields[other]:
            del item.fields[other]
        change = SetChange(field=other, added=come, removed=leave)
        item.events.append(self._event(who, [change]))
        self._touch(item)


class BugzillaFake:
    """The WSGI application.

    Attributes:
        flavour: `bugzilla`, which takes a key as a parameter alone, or `bmo`, which takes a header.
        most: The parameter `max_search_results`, to which a limit is cut without a word.
        insider: Whether the account is in the insider group.
        timetracker: Whether it is in the group that sees and sets times.
        customs: Name -> type of the site's custom fields (Constants.pm, FIELD_TYPE_*).
    """

    def __init__(self, tracker: Tracker, *, flavour: str = "bugzilla", most: int = 10000) -> None:
        self.tracker = tracker
        self.flavour = flavour
        self.most = most
        self.insider = True
        self.timetracker = True
        self.customs: dict[str, int] = {}
        self.base = ""

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.base = f"http://{environ.get('HTTP_HOST', 'bugzilla.example')}"
        with self.tracker.lock:
            try:
                status, told = self._routed(environ)
            except Thrown as thrown:
                status, told = self._error(thrown.code, str(thrown))
            except NotFound as error:
                status, told = self._error(101, error.sentence)
            except RemoteError as error:
                status, told = self._error(115 if error.status == 403 else 104, error.sentence)
        body = json.dumps(told).encode()
        kind = ("Content-Type", "application/json; charset=UTF-8")
        start(f"{status} Said", [kind, ("Content-Length", str(len(body)))])
        return [body]

    def _error(self, code: int, message: str) -> Answer:
        status = next((status for status, codes in CODES.items() if code in codes), 400)
        page = "https://bugzilla.readthedocs.org/en/5.0/api/"
        return status, {"error": True, "code": code, "message": message, "documentation": page}

    # --- the dispatcher (WebService/Server/REST.pm) ---------------------------------------------

    def _routed(self, environ: Mapping[str, Any]) -> Answer:
        path = unquote(environ["PATH_INFO"])
        pieces = [piece for piece in path.split("/") if piece]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        raw = environ["wsgi.input"].read(length) if length else b""
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        form: dict[str, Any] = json.loads(raw) if raw else {}
        if pieces[:1] not in (["rest"], ["rest.cgi"]):
            raise Thrown(32614, f"The resource '{path}' was not found.")
        known = self._known(environ, {**dict(query), **form})
        method, pieces = environ["REQUEST_METHOD"], pieces[1:]
        if method == "GET":
            return 200, self._read(pieces, query, known)
        if not known:
            raise Thrown(410, "You must log in before using this part of Bugzilla.")
        return self._written(method, pieces, form)

    def _known(self, environ: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
        """Whose key it is; where none is looked for, none is found (Auth/Login/APIKey.pm)."""
        key = params.get("Bugzilla_api_key") or params.get("api_key")
        if self.flavour == "bmo":
            key = environ.get("HTTP_X_BUGZILLA_API_KEY") or key
        if key and key != self.tracker.passwords[ACCOUNT]:
            raise Thrown(306, "The API key you specified is invalid.")
        return bool(key)

    def _read(self, pieces: Sequence[str], query: list[tuple[str, str]], known: bool) -> Any:
        match pieces:
            case ["bug"]:
                return {"bugs": self._searched(query)}
            case ["bug", "attachment", number]:
                files = [
                    self._file(item, file, data=True)
                    for item in self.tracker.items.values()
                    for file in item.attachments
                    if file.id == number and not item.hidden and not item.gone
                ]
                return {"bugs": {}, "attachments": {str(file["id"]): file for file in files}}
            case ["bug", name, *part]:
                # ids of the query come besides the one of the path
                names = [name, *(value for key, value in query if key == "ids")]
                return self._told([self._bug(one) for one in dict.fromkeys(names)], part, query)
        return self._site("/".join(pieces), query, known)

    def _site(self, path: str, query: list[tuple[str, str]], known: bool) -> Any:
        now = _time(self.tracker.now)
        away = _time(self.tracker.now - 5 * 3600)  # LOCALTIMESTAMP taken for UTC (Bugzilla.time)
        me = {"id": 7, "name": ACCOUNT, "real_name": "Hub", "nick": "hub"}
        told: dict[str, Any] = {
            "version": {"version": "20260820.1" if self.flavour == "bmo" else "5.0.6"},
            "time": {"db_time": away, "web_time": now, "web_time_utc": now, "tz_name": "UTC"},
            "valid_login": {"result": known and dict(query).get("login") == ACCOUNT},
            "product": {"products": [{"name": name} for name in CHOICES["product"]]},
        }
        if path == "whoami" and self.flavour == "bmo":
            if not known:
                raise Thrown(410, "You must log in before using this part of Bugzilla.")
            return me
        if path.startswith("field/bug"):
            wanted = [path[10:], *(value for key, value in query if key == "names")]
            return {"fields": [f for f in self._fields() if f["name"] in wanted or wanted == [""]]}
        if path not in told:
            raise Thrown(32614, f"The resource '{path}' was not found.")
        return told[path]

    def _told(self, items: list[Item], part: list[str], query: list[tuple[str, str]]) -> Any:
        match part:
            case []:
                return {"bugs": [self._shown(item) for item in items], "faults": []}
            case ["history"]:
                return {"bugs": [{"id": i.number, "alias": self._alias(i), "history": self._history(i)}
                                 for i in items]}  # fmt: skip
            case ["comment"]:
                found = {i.id: {"comments": self._comments(i)} for i in items}
                return {"bugs": found, "comments": {}}
            case ["attachment"]:
                data = ("exclude_fields", "data") not in query
                return {
                    "attachments": {},
                    "bugs": {
                        i.id: [self._file(i, f, data=data) for f in i.attachments] for i in items
                    },
                }
        raise Thrown(32614, "The resource was not found.")

    def _bug(self, name: str) -> Item:
        """Bug.pm, check: one that is not there spoils the whole request."""
        for item in self.tracker.items.values():
            if name in (item.id, item.key) and not item.gone:
                if item.hidden:
                    raise Thrown(102, f"You are not authorized to access bug #{name}.")
                return item
        if not name.isdecimal():
            raise Thrown(100, f"'{name}' is not a valid bug number nor an alias to a bug.")
        raise Thrown(101, f"Bug #{name} does not exist.")

    # --- reading --------------------------------------------------------------------------------

    def _searched(self, query: list[tuple[str, str]]) -> list[Any]:
        """WebService/Bug.pm, search: inclusive, by the second, cut without a word."""
        terms = dict(query)
        since = datetime.fromisoformat(terms.pop("last_change_time", "1970-01-01T00:00:00Z"))
        found = self.tracker.listing(int(since.timestamp()))
        if "order" not in terms:
            found = found[::-1]
        wanted: dict[str, set[str]] = {}
        for name, value in query:
            if name in (*TEXTS, *self.customs):
                wanted.setdefault(name, set()).add(value)
        told = []
        for stamp, item in found:
            bug = {**self._shown(item), "last_change_time": _time(stamp)}
            if "v98" in terms and item.number <= int(terms["v98"]):
                continue
            if all(bug.get(name) in values for name, values in wanted.items()):
                names = terms["include_fields"].split(",") if "include_fields" in terms else bug
                told.append({name: bug[name] for name in names if name in bug})
        return told[: min(int(terms.get("limit", self.most)), self.most)]

    def _shown(self, item: Item) -> dict[str, Any]:
        """WebService/Bug.pm, _bug_to_hash."""
        held = item.fields
        bug: dict[str, Any] = {
            "id": item.number,
            "creator": item.author,
            "creator_detail": self._user(item.author),
            "creation_time": _time(item.created),
            "last_change_time": _time(item.updated),
            "is_open": held.get("status") not in CLOSED,
            "is_confirmed": True,
            "is_cc_accessible": True,
            "classification": "Unclassified",
            "alias": self._alias(item),
            **{name: str(self._held(item, name) or "") for name in TEXTS},
            "cc": sorted(members(held.get("cc"))),
            "cc_detail": [self._user(one) for one in sorted(members(held.get("cc")))],
            "keywords": sorted(members(held.get("keywords"))),
            "groups": sorted(members(held.get("groups"))),
            "depends_on": sorted(map(int, members(held.get("depends_on")))),
            "blocks": sorted(map(int, members(held.get("blocks")))),
            "see_also": [self._address(one) for one in sorted(members(held.get("see_also")))],
            "dupe_of": next(iter(map(int, members(held.get("dupe_of")))), None),
            "flags": [_flag(n, one) for n, one in enumerate(sorted(members(held.get("flags"))))],
            "deadline": held.get("deadline"),
            "qa_contact": held.get("qa_contact", ""),
            "assigned_to": held.get("assigned_to", NOBODY),
            "assigned_to_detail": self._user(str(held.get("assigned_to", NOBODY))),
        }
        if self.timetracker:
            bug |= {name: float(str(held.get(name, "0"))) for name in HOURS}
        for name, kind in self.customs.items():
            value = held.get(name, "---" if kind == 2 else "")
            bug[name] = sorted(members(held.get(name))) if kind == 3 else value
        if self.flavour != "bmo":
            del bug["type"]
        return bug

    def _alias(self, item: Item) -> Any:
        if self.flavour == "bmo":
            return item.key or None
        return [item.key] if item.key else []

    def _held(self, item: Item, name: str) -> Value | None:
        return item.fields.get(name) or self._default(name)

    def _default(self, name: str) -> str | None:
        bmo = self.flavour == "bmo"
        first = WAYS[self.flavour][""][1]
        words = {"priority": "--" if bmo else "---", "target_milestone": "---", "status": first}
        return {**words, "type": "defect", "assigned_to": NOBODY}.get(name)

    def _user(self, login: str) -> dict[str, Any]:
        person = self.tracker.person(login)
        number = sum(map(ord, login))
        return {"id": number, "name": login, "real_name": person.name, "email": person.email}

    def _address(self, link: str) -> str:
        return f"{self.base}/show_bug.cgi?id={link}" if link.isdecimal() else link

    def _history(self, item: Item) -> list[dict[str, Any]]:
        """Bug.pm, get_activity: by author and second; neighbours of one field are joined."""
        entries: list[dict[str, Any]] = []
        before = ("", "", "")
        for event in item.events:
            when, who = _time(int(event.created.timestamp())), event.author.id
            for name, removed, added in self._rows(event):
                if before[:2] != (when, who):
                    entries.append({"when": when, "who": who, "changes": []})
                changes = entries[-1]["changes"]
                if before == (when, who, name):
                    changes[-1]["removed"] = _joined(name, changes[-1]["removed"], removed)
                    changes[-1]["added"] = _joined(name, changes[-1]["added"], added)
                else:
                    changes.append({"field_name": name, "removed": removed, "added": added})
                before = when, who, name
        return entries

    def _rows(self, event: Event) -> Iterable[tuple[str, str, str]]:
        """Bug.pm, LogActivityEntry: long values in pieces; whose duplicate it is goes untold."""
        for change in event.changes:
            name = {"flags": "flagtypes.name"}.get(change.field, change.field)
            if change.field == "dupe_of" or (change.field in HOURS and not self.timetracker):
                continue
            if isinstance(change, FieldChange):
                empty = self._default(change.field) or ""
                removed, added = change.old or empty, change.new or empty
            else:
                removed, added = (
                    ", ".join(self._address(m) if name == "see_also" else m for m in sorted(side))
                    for side in (change.removed, change.added)
                )
            while removed or added:
                one, removed = _wrapped(removed)
                two, added = _wrapped(added)
                yield name, one, two

    def _comments(self, item: Item) -> list[dict[str, Any]]:
        """The first is the description; a file comes with one (WebService/Bug.pm, add_attachment)."""
        said: list[tuple[int, int, str, str, bool, int | None]] = [
            (item.created, item.number, item.author, str(item.fields.get("description", "")),
             False, None)
        ]  # fmt: skip
        said += [(n.created, int(n.id), n.author, n.body, n.private, None) for n in item.comments]
        for file in item.attachments:
            text = f"Created attachment {file.id}\n{file.name}\n\n"
            row = (file.created, int(f"9{file.id}"), file.author, text, file.private, int(file.id))
            said.append(row)
        told = []
        for count, (when, number, who, text, private, attached) in enumerate(sorted(said)):
            if private and not self.insider:
                continue
            one = {
                "id": number, "bug_id": item.number, "count": count, "creator": who,
                "time": _time(when), "creation_time": _time(when), "text": text,
                "is_private": private, "attachment_id": attached,
            }  # fmt: skip
            if self.flavour == "bmo":
                one |= {"author": who, "raw_text": "" if attached else text, "reactions": {}}
            told.append(one)
        return told

    def _file(self, item: Item, file: File, *, data: bool) -> dict[str, Any]:
        told = {
            "id": int(file.id), "bug_id": item.number, "file_name": file.name,
            "summary": file.name, "content_type": file.content_type, "size": len(file.data),
            "creator": file.author, "creation_time": _time(file.created), "flags": [],
            "last_change_time": _time(file.created), "is_patch": 0, "is_obsolete": 0,
            "is_private": int(file.private),
        }  # fmt: skip
        return {**told, "data": base64.b64encode(file.data).decode()} if data else told

    def _fields(self) -> list[dict[str, Any]]:
        """WebService/Bug.pm, fields: under the names of the database."""
        flavour = self.flavour
        ways = [
            {"name": name, "is_open": name not in CLOSED,
             "can_change_to": [{"name": to, "comment_required": False} for to in to_all]}
            for name, to_all in WAYS[flavour].items()
        ]  # fmt: skip
        values: dict[str, Sequence[Any]] = {
            **CHOICES, "severity": SEVERITIES[flavour], "priority": PRIORITIES[flavour],
            "keywords": KEYWORDS, "resolution": ("", *RESOLUTIONS),
        }  # fmt: skip
        told = [{"name": "bug_status", "type": 2, "is_custom": False, "values": ways}]
        for name in ("summary", "whiteboard", *values, "cc", "url", *HOURS):
            field: dict[str, Any] = {"name": INNER.get(name, name), "type": 1, "is_custom": False}
            if name in values and name != "product":
                field |= {
                    "type": 2,
                    "values": [{"name": one, "is_active": True} for one in values[name]],
                }
            told.append(field)
        return [
            *told,
            *({"name": n, "type": t, "is_custom": True} for n, t in self.customs.items()),
        ]

    # --- writing --------------------------------------------------------------------------------

    def _written(self, method: str, pieces: Sequence[str], form: dict[str, Any]) -> Answer:
        match method, pieces:
            case "POST", ["bug"]:
                return 200, {"id": int(self._create(form))}
            case "PUT", ["bug", name]:
                item = self._bug(name)
                self._update(item, form)
                change = {"id": item.number, "last_change_time": _time(item.updated), "changes": {}}
                return 200, {"bugs": [{**change, "alias": self._alias(item)}]}
            case "POST", ["bug", name, "comment"]:
                text, private = (
                    re.sub(r"\r\n?", "\n", form["comment"]).rstrip(),
                    form.get("is_private"),
                )
                if not text:
                    raise Thrown(50, "The function requires a comment argument.")
                if len(text) > 65535:
                    raise Thrown(114, "Comments cannot be longer than 65535 characters.")
                self._insider(private)
                item = self._bug(name)
                made = self.tracker.comment(ACCOUNT, item.id, text, private=bool(private))
                return 201, {"id": int(made)}
            case "POST", ["bug", name, "attachment"]:
                data = base64.b64decode(form["data"])
                if not data:
                    raise Thrown(606, "The file you are trying to attach is empty.")
                if not form.get("summary"):
                    raise Thrown(604, "You must enter a description for the attachment.")
                self._insider(form.get("is_private"))
                made = self.tracker.attach(
                    ACCOUNT, self._bug(name).id, form["file_name"], data,
                    content_type=form["content_type"], private=bool(form.get("is_private")),
                )  # fmt: skip
                return 201, {"ids": [made if self.flavour == "bugzilla" else int(made)]}
        raise Thrown(32614, "The resource was not found.")

    def _insider(self, private: object) -> None:
        if private and not self.insider:
            raise Thrown(113, "You are not a member of the insidergroup.")

    def _create(self, form: dict[str, Any]) -> str:
        """Bug.pm, create."""
        names = (*TEXTS, *SETS, *HOURS, "assigned_to", "qa_contact", "deadline", *self.customs)
        given = {name: form[name] for name in names if form.get(name) not in (None, "", [])}
        severity = {"severity": "normal", "op_sys": "All", "platform": "All"}
        fields = {**severity, **{n: self._value(n, v) for n, v in given.items()}}
        for name in ("product", "component", "version", "summary"):
            if not fields.get(name):
                raise Thrown(50, f"You must supply a value for {name}.")
        status = str(fields.setdefault("status", self._default("status") or ""))
        if status not in WAYS[self.flavour]:
            raise Thrown(51, f"There is no status named '{status}'.")
        if status not in WAYS[self.flavour][""]:
            raise Thrown(123, f"You are not allowed to file new bugs with the {status} status.")
        if not self.timetracker:  # dropped without a word (_check_time_field, _check_deadline)
            for name in (*HOURS, "deadline"):
                fields.pop(name, None)
        if "estimated_time" in fields:
            fields["remaining_time"] = fields["estimated_time"]
        text = re.sub(r"\r\n?", "\n", form.get("description", "")).rstrip()
        alias = form.get("alias", "")
        used = [item.id for item in self.tracker.items.values() if alias and item.key == alias]
        if used:
            raise Thrown(103, f"Bug {used[0]} has already taken the alias {alias}.")
        if len(alias) > 40 or re.search("[, ]", alias):
            raise Thrown(103, "That alias is too long, or has blanks.")
        present = {name: value for name, value in fields.items() if value is not None}
        return self.tracker.create(ACCOUNT, {**present, "description": text}, key=alias)

    def _update(self, item: Item, form: dict[str, Any]) -> None:
        """Bug.pm, set_all: all of it or nothing."""
        changes: dict[str, Value | None] = {}
        come: dict[str, frozenset[str]] = {}
        leave: dict[str, frozenset[str]] = {}
        for name, value in form.items():
            if name in SETS and isinstance(value, dict):
                come[name] = members(self._value(name, value.get("add", [])))
                leave[name] = frozenset(
                    self._link(name, str(one)) for one in value.get("remove", [])
                )
            elif name in (*TEXTS, *HOURS, "assigned_to", "qa_contact", "deadline", *self.customs):
                changes[name] = self._value(name, value)
        if "status" in form or "resolution" in form or "dupe_of" in form:
            changes |= self._closing(item, form)
        self.tracker.update(ACCOUNT, item.id, changes, added=come, removed=leave)

    def _closing(self, item: Item, form: Mapping[str, Any]) -> dict[str, Value | None]:
        """Bug.pm, set_bug_status and set_resolution."""
        status = str(self._held(item, "status"))
        held = str(item.fields.get("resolution") or "")
        new = form.get("status", "RESOLVED" if "dupe_of" in form else status)
        ways = WAYS[self.flavour]
        if new not in ways or not new:
            raise Thrown(51, f"There is no status named '{new}'.")
        if new not in (status, *ways[status]):
            raise Thrown(
                123, f"You are not allowed to change the bug status from {status} to {new}."
            )
        if new not in CLOSED:
            if form.get("resolution"):
                raise Thrown(122, "You cannot set a resolution for open bugs.")
            return {"status": new, "resolution": None, "dupe_of": frozenset[str]()}
        resolution = form.get("resolution", "DUPLICATE" if "dupe_of" in form else held)
        if not resolution:
            raise Thrown(121, f"A valid resolution is required to mark bugs as {new}.")
        if resolution not in RESOLUTIONS:
            raise Thrown(51, f"There is no resolution named '{resolution}'.")
        other = item.fields.get("dupe_of")
        if "dupe_of" in form:
            other = frozenset({self._bug(str(form["dupe_of"])).id})
        if resolution != "DUPLICATE":
            other = frozenset[str]()
        elif not other:
            raise Thrown(119, "You must specify a bug id to mark this bug as a duplicate of.")
        told: dict[str, Value | None] = {"status": new, "resolution": resolution, "dupe_of": other}
        return {**told, "remaining_time": None} if new != status else told  # _zero_remaining_time

    def _value(self, name: str, value: Any) -> Value | None:
        """Returns a value as it is kept, having checked it as the server does."""
        if isinstance(value, list):
            return self._members(name, [str(one) for one in value])
        if name in HOURS:
            return f"{float(value):.2f}" if float(value) else None
        if name in ("assigned_to", "qa_contact"):
            if value:
                self._login(value)
            return None if value in ("", NOBODY) else str(value)
        own = {"severity": SEVERITIES[self.flavour], "priority": PRIORITIES[self.flavour]}
        allowed = {**CHOICES, **own}.get(name, (value,))
        if value not in allowed:
            raise Thrown(51, f"There is no {name} named '{value}'.")
        if name == "deadline" and value and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise Thrown(56, f"'{value}' is not a legal date.")
        if name == "summary":
            value = re.sub(r"[\x00-\x1f\x7f]+", " ", value).strip()
            if not 0 < len(value) <= 255:
                raise Thrown(104 if value else 107, "The summary is too long, or missing.")
        return None if value in ("", "---", "--", None) else str(value)

    def _members(self, name: str, value: list[str]) -> frozenset[str]:
        for one in value:
            if name == "keywords" and one not in KEYWORDS:
                raise Thrown(51, f"There is no keyword named '{one}'.")
            if name == "cc":
                self._login(one)
            if name in ("depends_on", "blocks"):
                self._bug(one)
        return frozenset(self._link(name, one) for one in value)

    def _link(self, name: str, link: str) -> str:
        """BugUrl.pm: what is no address of a known tracker is refused."""
        if name != "see_also" or link.isdecimal():
            return link
        own = re.fullmatch(rf"{re.escape(self.base)}/show_bug\.cgi\?id=(\d+)", link)
        if own:
            return own[1]
        if not re.search(r"github\.com/.*/issues/\d+|bugs\.debian\.org|/ticket/\d+", link):
            raise Thrown(112, f"{link} is not a valid URL to a bug.")
        return link

    def _login(self, name: str) -> None:
        if name != NOBODY and name not in self.tracker.users:
            raise Thrown(51, f"There is no user named '{name}'.")


def _time(second: int) -> str:
    return f"{instant(second):%Y-%m-%dT%H:%M:%SZ}"


def _flag(number: int, text: str) -> dict[str, Any]:
    found = re.fullmatch(r"(.+?)([?+-])(?:\((.*)\))?", text)
    assert found
    flag = {"id": number, "name": found[1], "status": found[2], "setter": "bob", "type_id": 1}
    return {**flag, "requestee": found[3]} if found[3] else flag


def _wrapped(text: str) -> tuple[str, str]:
    """Util.pm, find_wrap_point."""
    if len(text) <= LINE:
        return text, ""
    at = text.rfind(",", 0, LINE + 1)
    at = at if at > 0 else text.rfind(" ", 0, LINE + 1)
    at = at if at > 0 else LINE
    return text[:at], text[at:]


def _joined(name: str, one: str, two: str) -> str:
    """Util.pm, join_activity_entries."""
    if not one:
        return two
    if name == "url" or two[:1] in (",", " "):
        return one + two
    return f"{one}, {two}" if name in ("depends_on", "blocks", "see_also") else f"{one} {two}"


def app(*, flavour: str = "bugzilla") -> BugzillaFake:
    """Returns a fake with three tickets, for `python -m prophet_hub.testing.serve`."""
    tracker = BugzillaTracker()
    for n in range(3):
        tracker.create("bob", {**REQUIRED, "summary": f"Bug {n}", "description": "It fails."})
    return BugzillaFake(tracker, flavour=flavour)
