"""Redmine 5 as far as the connector meets it, over a `RedmineTracker`: shapes, manners and traps.

Measured on Redmine 5.0.4: a wrong key is a stranger, not a refusal; a save passes over what it does
not take and answers 204; relations and deleted files move no `updated_on`; descriptions come back
with CRLF; an update takes the text `none` for none; a list asked from a second on begins a little
before it.  Where this file and a server differ, this file is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from fakes._redmine_tracker import (
    CLOSED,
    LISTS,
    NAMES,
    OWNED,
    PROJECTS,
    RedmineTracker,
    number_of,
    wire_details,
)
from prophet_hub.errors import NotFound, RemoteError
from prophet_hub.testing.items import ACCOUNT, Item
from prophet_hub.testing.shelf import one

__all__ = ["ROLE", "RedmineFake", "RedmineTracker", "make_app"]

MOST = 100
REASONS = {200: "OK", 201: "Created", 204: "No Content", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 406: "Not Acceptable", 412: "Precondition Failed",
           422: "Unprocessable Entity"}  # fmt: skip
PLAIN = frozenset(
    {"subject", "description", "start_date", "due_date", "done_ratio", "estimated_hours"}
)
ROLE = frozenset(
    [
        "view_issues",
        "add_issues",
        "edit_issues",
        "delete_issues",
        "add_issue_notes",
        "edit_own_issue_notes",
        "view_private_notes",
        "set_notes_private",
        "set_issues_private",
        "manage_issue_relations",
        "manage_subtasks",
    ]
)


class _Answer(Exception):
    """Ends a request with a status and something to say."""

    def __init__(self, status: int, body: Any = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class _Request:
    """One request, read."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self.method = environ["REQUEST_METHOD"]
        self.path = environ["PATH_INFO"].encode("latin-1").decode()
        self.query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        self.key = environ.get("HTTP_X_REDMINE_API_KEY", "")
        self.switch = environ.get("HTTP_X_REDMINE_SWITCH_USER", "")
        self.kind = environ.get("CONTENT_TYPE", "")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.body = environ["wsgi.input"].read(length) if length else b""

    def json(self, name: str) -> dict[str, Any]:
        """Without the content type the parameters are not seen."""
        return json.loads(self.body)[name] if self.kind == "application/json" else {}

    def includes(self, what: str) -> bool:
        return what in self.query.get("include", "").split(",")


class RedmineFake:
    """The WSGI application.

    Attributes:
        most: The longest page that a list has, whatever is asked for; Redmine's is 100.
        admin: Whether the hub's account is an administrator's.
        role: Its permissions in each project otherwise; None where it is no member.
        tells_time: Whether something before Redmine dates the answers; Redmine does not.
        filtered: Whether lists filter by custom fields.
        demands: The custom fields that every ticket must have.
        telling: Journals that a test makes up, by ticket.
        lacking: A tracker that no project has.
    """

    def __init__(
        self, tracker: RedmineTracker, *, most: int = MOST, admin: bool = False,
        role: frozenset[str] | None = ROLE,
    ) -> None:  # fmt: skip
        self.tracker = tracker
        self.most = most
        self.admin = admin
        self.role = role
        self.tells_time = True
        self.filtered = True
        self.demands: frozenset[str] = frozenset()
        self.lacking = ""
        self.telling: dict[str, list[dict[str, Any]]] = {}
        self.uploads: dict[str, tuple[str, bytes]] = {}

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            with self.tracker.lock:
                status, body = self._answer(_Request(environ))
        except _Answer as answer:
            status, body = answer.status, answer.body
        except NotFound:
            status, body = 404, None
        except RemoteError as error:
            status, body = 422, {"errors": [error.sentence]}
        if self.tells_time:
            now = datetime.fromtimestamp(self.tracker.now, UTC)
            headers["Date"] = format_datetime(now, usegmt=True)
        if isinstance(body, tuple):
            headers["Content-Type"], body = body
        data = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        headers["Content-Length"] = str(len(data))
        start(f"{status} {REASONS[status]}", list(headers.items()))
        return [data]

    def _answer(self, request: _Request) -> tuple[int, Any]:
        known = request.key == self.tracker.passwords[ACCOUNT]
        for method, pattern, act in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                if not known and (method != "GET" or "users/current" in pattern):
                    raise _Answer(401)
                return act(self, request, *found.groups())
        raise _Answer(404)

    def _who(self, request: _Request) -> str:
        """An administrator may be somebody else; others ask for it in vain."""
        if not self.admin or not request.switch:
            return ACCOUNT
        for name, person in self.tracker.users.items():
            if person.name.partition(" ")[0].lower() == request.switch:
                return name
        raise _Answer(412)

    def _may(self, *permissions: str) -> bool:
        return self.admin or self.role is None or bool(self.role.intersection(permissions))

    # --- who and what ----------------------------------------------------------------------------

    def me(self, request: _Request) -> tuple[int, Any]:
        user = self._user(ACCOUNT) | {"admin": self.admin}
        user["memberships"] = [
            {"id": n, "project": _ref(n, name), "roles": [{"id": 6, "name": "Engineer"}]}
            for n, (_, name) in PROJECTS.items()
        ] if self.role is not None else []  # fmt: skip
        return 200, {"user": user}

    def account(self, request: _Request) -> tuple[int, Any]:
        """What the account may change of itself: its address, which others may not be shown."""
        return 200, {"user": self._user(ACCOUNT) | {"mail": self.tracker.users[ACCOUNT].email}}

    def user(self, request: _Request, number: str) -> tuple[int, Any]:
        name = ACCOUNT if number == number_of(ACCOUNT) else number
        if name not in self.tracker.users:
            raise _Answer(404)
        mail = {"mail": self.tracker.users[name].email} if self.admin else {}
        return 200, {"user": self._user(name) | mail}

    def _user(self, name: str) -> dict[str, Any]:
        first, _, last = self.tracker.users[name].name.partition(" ")
        return {"id": int(number_of(name)), "login": first.lower(), "firstname": first,
                "lastname": last, "created_on": "2026-01-01T00:00:00Z"}  # fmt: skip

    def roles(self, request: _Request, number: str) -> tuple[int, Any]:
        return 200, {"role": {"id": 6, "name": "Engineer", "permissions": sorted(self.role or ())}}

    def statuses(self, request: _Request) -> tuple[int, Any]:
        return 200, {"issue_statuses": [self._status(w) for w in LISTS["status"].values()]}

    def trackers(self, request: _Request) -> tuple[int, Any]:
        return 200, {"trackers": _refs(LISTS["tracker"])}

    def priorities(self, request: _Request) -> tuple[int, Any]:
        return 200, {"issue_priorities": _refs(LISTS["priority"])}

    def custom_fields(self, request: _Request) -> tuple[int, Any]:
        if not self.admin:
            raise _Answer(403)
        found = [
            {"id": n, "name": name, "customized_type": "issue", "multiple": many,
             "is_required": name in self.demands, "possible_values": [{"value": v} for v in choices]}
            for n, (name, many, choices) in self.tracker.customs.items()
        ]  # fmt: skip
        return 200, {"custom_fields": found}

    def projects(self, request: _Request) -> tuple[int, Any]:
        found = [self._project(n) for n, (word, _) in PROJECTS.items() if word != "hidden"]
        return 200, {"projects": found, "total_count": len(found), "offset": 0, "limit": MOST}

    def project(self, request: _Request, name: str) -> tuple[int, Any]:
        for n, (word, _) in PROJECTS.items():
            if name in (str(n), word):
                if word == "hidden":
                    raise _Answer(403)
                return 200, {"project": self._project(n)}
        raise _Answer(404)

    def _project(self, n: int) -> dict[str, Any]:
        word, name = PROJECTS[n]
        has = {n: word for n, word in LISTS["tracker"].items() if word != self.lacking}
        return {"id": n, "name": name, "identifier": word, "trackers": _refs(has),
                "issue_categories": _refs(OWNED["category"][n])}  # fmt: skip

    def versions(self, request: _Request, name: str) -> tuple[int, Any]:
        found = next((n for n, (word, _) in PROJECTS.items() if name in (str(n), word)), 0)
        rows = _refs(OWNED["fixed_version"].get(found, {}))
        return 200, {"versions": rows, "total_count": len(rows)}

    # --- tickets ---------------------------------------------------------------------------------

    def issues(self, request: _Request, project: str = "") -> tuple[int, Any]:
        asked = request.query
        since = re.fullmatch(r">=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)", asked.get("updated_on", ">="))
        if "updated_on" in asked and not since:
            raise _Answer(422, {"errors": ["Updated is invalid"]})
        floor = None
        if since:  # microseconds are stored: most of the second before is listed too
            floor = int(datetime.fromisoformat(since[1]).timestamp()) - 1
        rows = [(s, i) for s, i in self.tracker.listing(floor) if self._fits(i, asked, project)]
        if "desc" in asked.get("sort", ""):
            rows.reverse()
        elif "updated_on" not in asked.get("sort", ""):
            rows.sort(key=lambda row: row[1].number)
        limit = min(int(asked.get("limit") or 25), self.most)
        offset = int(asked.get("offset") or 0)
        page = [self._line(request, *row) for row in rows[offset : offset + limit]]
        return 200, {"issues": page, "total_count": len(rows), "offset": offset, "limit": limit}

    def _line(self, request: _Request, stamp: int, item: Item) -> dict[str, Any]:
        """Of what may be included, a list knows files and relations alone."""
        issue = self._issue(item, stamp)
        if request.includes("attachments"):
            issue["attachments"] = [self._file(file) for file in item.attachments]
        if request.includes("relations"):
            issue["relations"] = list(self._relations(item))
        return issue

    def _fits(self, item: Item, asked: Mapping[str, str], project: str) -> bool:
        """Tells whether a list shows a ticket; terms that Redmine does not know, it passes over."""
        fields = item.fields
        closed = fields["status"] in CLOSED
        number = {name: str(NAMES[name][fields[name]]) for name in ("project", *LISTS)}
        status = {"*": True, "open": not closed, "closed": closed}
        wanted = asked.get("status_id", "open")
        terms = [
            (project or asked.get("project_id"), (fields["project"], number["project"])),
            (asked.get("tracker_id"), (number["tracker"],)),
            (asked.get("priority_id"), (number["priority"],)),
        ]
        fits = status.get(wanted, wanted == number["status"])
        fits &= all(not value or value in held for value, held in terms)
        fits &= not asked.get("issue_id") or item.id in asked["issue_id"].split(",")
        fits &= asked.get("description", "~")[1:] in str(fields.get("description", ""))
        for n, (name, _, _) in self.tracker.customs.items():
            given = asked.get(f"cf_{n}") if self.filtered else None
            fits &= not given or fields.get(f"CF.{{{name}}}") == given
        return fits

    def show(self, request: _Request, ticket: str) -> tuple[int, Any]:
        item = self._item(ticket)
        issue = self._issue(item, item.updated)
        if request.includes("journals"):
            issue["journals"] = [*self._journals(item), *self.telling.get(ticket, ())]
        if request.includes("attachments"):
            issue["attachments"] = [self._file(file) for file in item.attachments]
        relations = list(self._relations(item))
        if request.includes("relations") and relations:
            issue["relations"] = relations
        children = sorted(item.fields.get("children", ()), key=int)
        if request.includes("children") and children:
            issue["children"] = [{"id": int(number)} for number in children]
        if request.includes("allowed_statuses"):
            issue["allowed_statuses"] = [self._status(w) for w in self.tracker.reachable(item)]
        return 200, {"issue": issue}

    def _item(self, ticket: str) -> Item:
        item = self.tracker.items.get(ticket)
        if item is None or item.hidden or item.gone or item.fields["project"] == "hidden":
            raise _Answer(404)
        return item

    def _issue(self, item: Item, stamp: int) -> dict[str, Any]:
        fields = item.fields
        issue: dict[str, Any] = {"id": int(item.id)}
        for name in ("project", "tracker", "status", "priority", "category", "fixed_version"):
            if name in fields:
                number = self.tracker.number(item, name, str(fields[name]))
                issue[name] = _ref(number, str(fields[name]))
        project = PROJECTS[NAMES["project"][fields["project"]]]
        issue["project"]["name"] = project[1]
        issue["status"] = self._status(str(fields["status"]))
        issue["author"] = self._person(item.author)
        if fields.get("assigned_to"):
            issue["assigned_to"] = self._person(str(fields["assigned_to"]))
        if fields.get("parent"):
            issue["parent"] = {"id": int(next(iter(fields["parent"])))}
        estimate = fields.get("estimated_hours")
        issue |= {
            "subject": fields["subject"],
            "description": fields.get("description"),
            "start_date": fields.get("start_date"),
            "due_date": fields.get("due_date"),
            "done_ratio": int(str(fields.get("done_ratio", 0))),
            "is_private": item.private,
            "estimated_hours": int(str(estimate)) / 60 if estimate else None,
            "spent_hours": self.tracker.spent.get(item.id, 0.0),
            "custom_fields": [
                {"id": n, "name": name, "multiple": True,
                 "value": sorted(fields.get(f"CF.{{{name}}}", ()))} if many else
                {"id": n, "name": name, "value": fields.get(f"CF.{{{name}}}")}
                for n, (name, many, _) in self.tracker.customs.items()
            ],
            "created_on": _stamp(item.created),
            "updated_on": _stamp(stamp),
            "closed_on": None,
        }  # fmt: skip
        return issue

    def _status(self, word: str) -> dict[str, Any]:
        return {**_ref(NAMES["status"][word], word), "is_closed": word in CLOSED}

    def _person(self, name: str) -> dict[str, Any]:
        known = self.tracker.users[ACCOUNT if name == number_of(ACCOUNT) else name]
        return _ref(int(number_of(name)), known.name)

    def _journals(self, item: Item) -> Iterator[dict[str, Any]]:
        """Journals of others are told in the order that the account prefers: the newest first."""
        rows: dict[int, dict[str, Any]] = {}
        for event in item.events:
            details = [
                d for change in event.changes for d in wire_details(self.tracker, item, change)
            ]
            rows[int(event.id)] = self._journal(
                event.id, event.author.id, event.created.timestamp()
            )
            rows[int(event.id)]["details"] = details
        for note in item.comments:
            rows[int(note.id)] = self._journal(note.id, note.author, note.created)
            rows[int(note.id)] |= {"notes": note.body, "private_notes": note.private}
        for number, author, created, file, name, came in self.tracker.filed[item.id]:
            row = rows[int(number)] = self._journal(number, author, created)
            sides = {"old_value": None, "new_value": name}
            if not came:
                sides = {"old_value": name, "new_value": None}
            row["details"] = [{"property": "attachment", "name": file, **sides}]
        yield from (rows[n] for n in sorted(rows, reverse=True))

    def _journal(self, number: str, author: str, created: float) -> dict[str, Any]:
        return {"id": int(number), "user": self._person(author), "notes": "",
                "created_on": _stamp(int(created)), "private_notes": False, "details": []}  # fmt: skip

    def _file(self, file: Any) -> dict[str, Any]:
        return {"id": int(file.id), "filename": file.name, "filesize": len(file.data),
                "content_type": file.content_type, "description": file.key,
                "content_url": f"http://elsewhere.example/attachments/download/{file.id}/x",
                "author": self._person(file.author), "created_on": _stamp(file.created)}  # fmt: skip

    def _relations(self, item: Item) -> Iterator[dict[str, Any]]:
        for (one_, kind, two), number in self.tracker.relations.items():
            if item.id in (one_, two):
                yield {"id": number, "issue_id": int(one_), "issue_to_id": int(two),
                       "relation_type": kind, "delay": None}  # fmt: skip

    # --- writing ---------------------------------------------------------------------------------

    def create(self, request: _Request) -> tuple[int, Any]:
        if not self._may("add_issues"):
            raise _Answer(403)
        said = request.json("issue")
        project = str(said.get("project_id") or "")
        known = {str(n): word for n, (word, _) in PROJECTS.items()} | {
            word: word for word, _ in PROJECTS.values()
        }
        if known.get(project, "hidden") == "hidden":
            raise _Answer(422, {"errors": ["Project cannot be blank", "Tracker cannot be blank"]})
        fields = self._said(said, known[project])
        fields.setdefault("start_date", "2023-11-14")
        if fields.get("status") not in self.tracker.births:
            fields["status"] = "New"
        born = {n: v for n, v in {"tracker": "Bug", "priority": "Normal", **fields}.items() if v}
        private = said.get("is_private") in (True, "1") and self._may("set_issues_private")
        ticket = self.tracker.create(self._who(request), born, private=private)
        return 201, {"issue": self._issue(self.tracker.items[ticket], self.tracker.now)}

    def save(self, request: _Request, ticket: str) -> tuple[int, Any]:
        item, who = self._item(ticket), self._who(request)
        said = {n: "" if v == "none" else v for n, v in request.json("issue").items()}
        if self._may("edit_issues"):
            self._change(item, who, said)
        if said.get("notes", "").strip() and self._may("add_issue_notes"):
            private = bool(said.get("private_notes")) and self._may("set_notes_private")
            self.tracker.comment(who, ticket, said["notes"], private=private)
        for upload in said.get("uploads", ()):
            if upload["token"] not in self.uploads:
                raise _Answer(422, {"errors": ["1 file(s) could not be saved."]})
            name, data = self.uploads.pop(upload["token"])
            self.tracker.attach(
                who, ticket, upload.get("filename", name), data, key=upload.get("description", ""),
                content_type=upload.get("content_type", ""), number=upload["token"].split(".")[0],
            )  # fmt: skip
        return 204, None

    def _change(self, item: Item, who: str, said: Mapping[str, Any]) -> None:
        fields = self._said(said, str(item.fields["project"]), item)
        if "subject" in fields and not fields["subject"]:
            raise _Answer(422, {"errors": ["Subject cannot be blank"]})
        wanted = fields.get("status")
        if wanted and wanted not in self.tracker.reachable(item):
            del fields["status"]  # passed over, without a word
        now = item.fields
        plain = {
            n: v if isinstance(v, frozenset) else v or None
            for n, v in fields.items()
            if v != now.get(n, "")
        }
        self.tracker.update(who, item.id, plain)

    def _said(
        self, said: Mapping[str, Any], project: str, item: Item | None = None
    ) -> dict[str, Any]:
        """Returns what a save says, in the tracker's words; what is not known is passed over."""
        fields: dict[str, Any] = {}
        if "project_id" in said:
            number = str(said["project_id"])
            known = (w for n, (w, _) in PROJECTS.items() if number in (str(n), w))
            fields["project"] = project = next(known, project)
        fields |= self._named(said, project)
        for name in PLAIN & said.keys():
            fields[name] = str(said[name] or "")
        if fields.get("done_ratio") == "0":
            fields["done_ratio"] = ""
        if fields.get("estimated_hours"):
            fields["estimated_hours"] = str(round(float(fields["estimated_hours"]) * 60))
        if "parent_issue_id" in said:
            parent = str(said["parent_issue_id"])
            if parent and (parent not in self.tracker.items or (item and parent == item.id)):
                raise _Answer(422, {"errors": ["Parent task is invalid"]})
            fields["parent"] = frozenset({parent} if parent else ())
        for custom in said.get("custom_fields", ()):
            name, many, _ = self.tracker.customs.get(int(custom["id"]), ("", False, ()))
            value = custom["value"]
            if name:
                fields[f"CF.{{{name}}}"] = frozenset(filter(None, value)) if many else value
        return fields

    def _named(self, said: Mapping[str, Any], project: str) -> dict[str, Any]:
        """Returns what stands in a save as a number."""
        fields: dict[str, Any] = {}
        for name in LISTS:
            word = LISTS[name].get(int(said.get(f"{name}_id") or 0))
            if name == "priority" and "priority_id" in said and not word:
                raise _Answer(422, {"errors": ["Priority cannot be blank"]})
            fields |= {name: word} if word else {}
        for name, of_project in OWNED.items():
            number = said.get(f"{name}_id")
            word = of_project[NAMES["project"][project]].get(int(number or 0), "")
            if number and not word:
                raise _Answer(422, {"errors": [f"{name} is not included in the list"]})
            fields |= {} if number is None else {name: word}
        if "assigned_to_id" in said:
            number = str(said["assigned_to_id"])
            if number and number not in {number_of(name) for name in self.tracker.users}:
                raise _Answer(422, {"errors": ["Assignee is invalid"]})
            fields["assigned_to"] = number
        return fields

    def remove(self, request: _Request, ticket: str) -> tuple[int, Any]:
        if not self._may("delete_issues"):
            raise _Answer(403)
        for child in sorted(self._item(ticket).fields.get("children", ())):
            self.tracker.delete(ACCOUNT, child)
        self.tracker.delete(ACCOUNT, ticket)
        return 204, None

    def relate(self, request: _Request, ticket: str) -> tuple[int, Any]:
        said = request.json("relation")
        kind, other = said["relation_type"], str(said["issue_to_id"])
        if other not in self.tracker.items or other == ticket:
            raise _Answer(422, {"errors": ["Related issue is invalid"]})
        if any({one_, two} == {ticket, other} for one_, _, two in self.tracker.relations):
            raise _Answer(422, {"errors": ["Related issue has already been taken"]})
        self.tracker.relate(self._who(request), ticket, kind, other)
        (_, stored, _), number = next(reversed(self.tracker.relations.items()))
        return 201, {"relation": {"id": number, "relation_type": stored}}

    def unrelate(self, request: _Request, number: str) -> tuple[int, Any]:
        for (ticket, kind, other), known in list(self.tracker.relations.items()):
            if str(known) == number:
                self.tracker.unrelate(self._who(request), ticket, kind, other)
                return 204, None
        raise _Answer(404)

    def journal(self, request: _Request, number: str) -> tuple[int, Any]:
        body = request.json("journal")["notes"]
        for item in self.tracker.items.values():
            for note in item.comments:
                if note.id == number and note.author != ACCOUNT and not self.admin:
                    raise _Answer(403)
                if note.id == number:
                    self.tracker.edit_note(item, note, body)
                    return 204, None
        raise _Answer(404)

    # --- files -----------------------------------------------------------------------------------

    def upload(self, request: _Request) -> tuple[int, Any]:
        if request.kind != "application/octet-stream":
            raise _Answer(406)
        number = self.tracker.next_number()
        token = f"{number}.{len(request.body):064x}"
        self.uploads[token] = request.query.get("filename", ""), request.body
        return 201, {"upload": {"id": number, "token": token}}

    def download(self, request: _Request, number: str) -> tuple[int, Any]:
        for item in self.tracker.items.values():
            for file in item.attachments:
                if file.id == number and not item.hidden:
                    return 200, (file.content_type or "application/octet-stream", file.data)
        raise _Answer(404)

    def detach(self, request: _Request, number: str) -> tuple[int, Any]:
        for item in self.tracker.items.values():
            if any(file.id == number for file in item.attachments):
                self.tracker.unfile(ACCOUNT, item, one(item.attachments, number))
                return 204, None
        raise _Answer(404)


ROUTES: tuple[tuple[str, str, Callable[..., tuple[int, Any]]], ...] = (
    ("GET", r"/users/current\.json", RedmineFake.me),
    ("GET", r"/my/account\.json", RedmineFake.account),
    ("GET", r"/users/(\d+)\.json", RedmineFake.user),
    ("GET", r"/roles/(\d+)\.json", RedmineFake.roles),
    ("GET", r"/issue_statuses\.json", RedmineFake.statuses),
    ("GET", r"/trackers\.json", RedmineFake.trackers),
    ("GET", r"/enumerations/issue_priorities\.json", RedmineFake.priorities),
    ("GET", r"/custom_fields\.json", RedmineFake.custom_fields),
    ("GET", r"/projects\.json", RedmineFake.projects),
    ("GET", r"/projects/([\w-]+)\.json", RedmineFake.project),
    ("GET", r"/projects/([\w-]+)/versions\.json", RedmineFake.versions),
    ("GET", r"/projects/([\w-]+)/issues\.json", RedmineFake.issues),
    ("GET", r"/issues\.json", RedmineFake.issues),
    ("POST", r"/issues\.json", RedmineFake.create),
    ("GET", r"/issues/(\d+)\.json", RedmineFake.show),
    ("PUT", r"/issues/(\d+)\.json", RedmineFake.save),
    ("DELETE", r"/issues/(\d+)\.json", RedmineFake.remove),
    ("POST", r"/issues/(\d+)/relations\.json", RedmineFake.relate),
    ("DELETE", r"/relations/(\d+)\.json", RedmineFake.unrelate),
    ("PUT", r"/journals/(\d+)\.json", RedmineFake.journal),
    ("POST", r"/uploads\.json", RedmineFake.upload),
    ("GET", r"/attachments/download/(\d+)(?:/.*)?", RedmineFake.download),
    ("DELETE", r"/attachments/(\d+)\.json", RedmineFake.detach),
)


def _ref(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "name": name}


def _refs(names: Mapping[int, str]) -> list[dict[str, Any]]:
    return [_ref(number, name) for number, name in names.items()]


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _stamp(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def make_app(tickets: int = 0) -> RedmineFake:
    """Returns a fake with so many tickets, for `python -m prophet_hub.testing.serve`."""
    tracker = RedmineTracker()
    for n in range(tickets):
        tracker.create("6", {"project": "demo", "subject": f"Ticket number {n}"})
    return RedmineFake(tracker)
