"""A Launchpad in memory: the web service 1.0 as lazr.restful speaks it, traps included.

The keys of its answers are those of the service's own description (WADL, as of 2025).  What the
traps are, and where in Launchpad's source they come from, stands beside each.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from prophet_hub.errors import NotFound, RemoteError
from prophet_hub.sdk import FieldChange, Value
from prophet_hub.testing.tracker import ACCOUNT, File, Item, Knobs, Note, Tracker

__all__ = ["KNOBS", "OPEN", "STATUSES", "Launchpad", "app", "serve"]

Record = dict[str, Any]
Query = list[tuple[str, str]]

OPEN = (
    "New", "Incomplete", "Confirmed", "Triaged", "In Progress", "Deferred", "Fix Committed",
)  # fmt: skip
STATUSES = (
    *OPEN, "Opinion", "Invalid", "Won't Fix", "Expired", "Fix Released", "Does Not Exist",
)  # fmt: skip
SUPERVISED = frozenset({"Won't Fix", "Deferred", "Expired", "Triaged", "Does Not Exist"})
IMPORTANCES = ("Undecided", "Critical", "High", "Medium", "Low", "Wishlist")
TYPES = ("Public", "Public Security", "Private Security", "Private", "Proprietary", "Embargoed")


def _stored(field: str, text: str) -> str:
    """Titles are stripped, descriptions at their end (lib/lp/bugs/interfaces/bug.py)."""
    return text.strip() if field == "title" else text.rstrip() if field == "description" else text


KNOBS = Knobs(
    conditional=False,  # tags are compared here, not in the tracker
    tombstones=False,
    private_comments=False,
    notifies=True,
    keys=frozenset(),
    render=_stored,
    allowed={
        "status": STATUSES,
        "importance": IMPORTANCES,
        "milestone": ("1.0", "2.0"),
        "information_type": TYPES,
    },
    limits={"title": 200, "description": 50_000},
    links=frozenset({"duplicate_of"}),
)
"""What a tracker must be like to pass for one."""

BATCH, MOST = 50, 300  # default_batch_size, max_batch_size (schema-lazr.conf)
BUG = (
    "activity", "attachments", "bug_tasks", "bug_watches", "cves", "duplicates",
    "linked_branches", "messages", "subscriptions", "users_affected",
    "users_affected_with_dupes", "users_unaffected", "vulnerabilities",
)  # fmt: skip
"""Collections of a bug."""
DATES = (
    "assigned", "closed", "confirmed", "deferred", "fix_committed", "fix_released", "in_progress",
    "incomplete", "left_closed", "left_new", "triaged",
)  # fmt: skip
"""Dates of a task beside its birth."""
BUG_WRITABLE = (
    "description", "duplicate_of_link", "name", "private", "security_related", "tags", "title",
)  # fmt: skip
TASK_WRITABLE = (
    "assignee_link", "bug_watch_link", "importance", "milestone_link", "status", "target_link",
)  # fmt: skip


class Abort(Exception):
    """An answer that is no success; bodies are plain text."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Launchpad:
    """The WSGI application.

    Attributes:
        target: The project that is tracked.
        secrets: Token -> its secret; the hub's account is who signs.
        supervisor: Whether the account is a bug supervisor of the project.
        librarian: Where files are kept; "" for a path of the fake itself.
        private: Bugs that are private.
        others: Bug -> its tasks elsewhere, as (target, name, fields).
        subjects, texts: Of comments, and of the messages that files brought, by the tracker's id.
        deleted: Comments that were taken back: their place stays.
        unnumbered: Operations that answer without saying what they made.
        dateless: Whether answers do not say when they were made.
        slow: Whether the service runs out of time over the query of a path.
        coarse: Whether all bugs of one second were born in one moment.
        gzipped: Whether a proxy puts its mark behind tags.
    """

    def __init__(self, tracker: Tracker, *, target: str = "firefox") -> None:
        self.tracker = tracker
        self.target = target
        self.secrets = {"token": "correct horse"}
        self.supervisor = True
        self.librarian = ""
        self.private: set[str] = set()
        self.others: dict[str, list[tuple[str, str, Record]]] = {}
        self.dateless = False
        self.coarse = False
        self.slow: Callable[[Query, str], bool] = lambda _query, _path: False
        self.gzipped = False
        self.subjects: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.unnumbered: set[str] = set()
        self.base = ""
        self._indexes: dict[str, dict[str, int]] = {}

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        headers: dict[str, str] = {}
        with self.tracker.lock:
            self.base = f"http://{environ.get('HTTP_HOST', 'api.launchpad.test')}"
            try:
                status, kind, body = self._routed(environ, headers)
            except Abort as abort:
                status, kind, body = abort.status, "text/plain", abort.text.encode()
            except NotFound as error:
                status, kind, body = 404, "text/plain", str(error).encode()
            except RemoteError as error:
                refused = 401 if error.status == 403 else 400
                status, kind, body = refused, "text/plain", error.sentence.encode()
            if not self.dateless:
                now = datetime.fromtimestamp(self.tracker.now, UTC)
                headers["Date"] = format_datetime(now, usegmt=True)
        headers |= {"Content-Type": kind, "Content-Length": str(len(body))}
        start(f"{status} Said", list(headers.items()))
        return [body]

    # --- the dispatcher -------------------------------------------------------------------------

    def _routed(
        self, environ: Mapping[str, Any], headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("RAW_PATH") or environ["PATH_INFO"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        raw = environ["wsgi.input"].read(length) if length else b""
        if path.startswith("/librarian/"):
            return self._keep(path, environ, headers)
        me = self._account(environ.get("HTTP_AUTHORIZATION", ""))
        if not path.startswith("/1.0/"):
            raise Abort(404, f"Object: <Root>, name: {path!r}")
        query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        path = path.removeprefix("/1.0/").strip("/")
        if method != "GET" and not me:
            raise Abort(401, "(<Bug>, 'newMessage', 'launchpad.Append')")
        if method == "POST":
            form = _form(environ.get("CONTENT_TYPE", ""), raw)
            return self._operation(path, form, headers)
        if method == "PATCH":
            told = self._patch(path, json.loads(raw), environ.get("HTTP_IF_MATCH", ""))
            headers["ETag"] = told["http_etag"]
            return 209, "application/json", json.dumps(told).encode()
        if method != "GET":
            raise Abort(405, "")
        told = self._read(path, query, me, headers)
        if told is None:
            return 303, "text/plain", b""
        if "http_etag" in told:
            headers["ETag"] = told["http_etag"]
        return 200, "application/json", json.dumps(told).encode()

    def _account(self, header: str) -> str:
        """Returns who signed, "" for nobody: whoever sends no token reads what is public."""
        parts = dict(re.findall(r'(\w+)="([^"]*)"', header))
        token = unquote(parts.get("oauth_token", ""))
        if not token:
            return ""
        if not parts.get("oauth_consumer_key"):
            raise Abort(401, "No consumer key specified.")
        if token not in self.secrets:
            raise Abort(401, f"Unknown access token ({token}).")
        if parts.get("oauth_signature_method") != "PLAINTEXT":
            raise Abort(401, "Unsupported signature method.")
        if unquote(parts.get("oauth_signature", "")) != f"&{self.secrets[token]}":
            raise Abort(401, "Invalid signature.")
        return ACCOUNT

    def _keep(
        self, path: str, environ: Mapping[str, Any], headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        """Answers as the Librarian: it alone knows the type and the length of a file."""
        _, _, ticket, name = path.split("/", 3)
        headers["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT"
        data = self.tracker.data(ticket, name.split("/")[0])
        file = next(f for f in self.tracker.items[ticket].attachments if f.id == name.split("/")[0])
        return 200, file.content_type, data

    # --- reading --------------------------------------------------------------------------------

    def _read(self, path: str, query: Query, me: str, headers: dict[str, str]) -> Record | None:
        if self.slow(query, path):  # RequestExpiredView (lib/lp/services/webapp/error.py)
            headers |= {"X-Lazr-OopsId": "OOPS-1234a", "Retry-After": "900"}
            raise Abort(503, "Request expired.")
        if not path:
            return {"resource_type_link": self._link("#service-root"),
                    "bugs_collection_link": self._link("bugs")}  # fmt: skip
        if path == "people/+me":
            if not me:
                raise Abort(401, "You need to be logged in to view this URL.")
            headers["Location"] = self._link(f"~{me}")
            return None
        if path.startswith("~"):
            return self._person(unquote(path[1:]))
        for way, read in (
            (r"bugs/(\d+)(?:/(\w+))?", self._read_bug),
            (r"(.+)/\+bug/(\d+)(?:/\+attachment/(\d+)/data)?", self._read_task),
        ):
            found = re.fullmatch(way, path)
            if found:
                return read(path, found, query, me, headers)
        return self._read_target(path, query, me)

    def _read_bug(
        self, path: str, found: re.Match[str], query: Query, me: str, _: dict[str, str]
    ) -> Record:
        item = self._item(found[1], me)
        collections: dict[str, Callable[[Item], list[Record]]] = {
            "bug_tasks": self._tasks,
            "messages": self._messages,
            "attachments": self._attachments,
            "activity": self._activity,
        }
        if not found[2]:
            return self._bug(item)
        if found[2] not in collections:
            raise Abort(404, f"Object: <Bug>, name: {found[2]!r}")
        return self._page(path, collections[found[2]](item), query)

    def _read_task(
        self, _: str, found: re.Match[str], __: Query, me: str, headers: dict[str, str]
    ) -> Record | None:
        item = self._item(found[2], me)
        if not found[3]:
            return self._one_task(item, found[1])
        file = self._file(item, found[3])
        keep = self.librarian or f"{self.base}/librarian"
        headers["Location"] = f"{keep}/{item.id}/{file.id}/{quote(file.name, safe='')}"
        return None

    def _read_target(self, path: str, query: Query, me: str) -> Record:
        if path in (self.target, self.target.split("/")[0]):
            if ("ws.op", "searchTasks") in query:
                return self._page(path, self._search(query, me), query)
            return self._project()
        if path == f"{self.target.split('/')[0]}/all_milestones":
            names = KNOBS.allowed["milestone"]
            return self._page(path, [{"name": n, "title": f"Firefox {n}"} for n in names], query)
        raise Abort(404, f"Object: <Root>, name: {path!r}")

    def _page(self, path: str, rows: list[Record], query: Query) -> Record:
        """Returns a page, counted by position: what comes and goes meanwhile shifts it."""
        given = dict(query)
        size, start = int(given.get("ws.size") or BATCH), int(given.get("ws.start") or 0)
        if size > MOST:
            raise Abort(400, f"Maximum for ws.size parameter is {MOST}.")
        told: Record = {
            "total_size": len(rows),
            "start": start,
            "entries": rows[start : start + size],
            "resource_type_link": self._link("#page-resource"),
        }
        rest = [(n, v) for n, v in query if n not in ("ws.size", "ws.start", "memo")]
        if start + size < len(rows):
            turn = [("ws.size", size), ("memo", start + size), ("ws.start", start + size)]
            told["next_collection_link"] = f"{self._link(path)}?{urlencode([*rest, *turn])}"
        if start:
            told["prev_collection_link"] = f"{self._link(path)}?{urlencode(rest)}"
        return told

    def _search(self, query: Query, me: str) -> list[Record]:
        """Returns tasks: the open ones that are no duplicates, unless told otherwise."""
        given: dict[str, list[str]] = {}
        for name, value in query:
            given.setdefault(name, []).append(value)
        for status in given.get("status", ()):
            if status not in (*STATUSES, "Incomplete (with response)"):
                raise Abort(400, f"status: Invalid value {status!r}.")
        statuses = given.get("status") or OPEN
        tests: dict[str, Callable[[Item, str], bool]] = {
            "modified_since": lambda i, v: self._updated(i, indexed=True) > _moment(v),
            "created_since": lambda i, v: self._born(i) > _moment(v),
            "tags": lambda i, v: v in i.fields.get("tags", frozenset()),
            "importance": lambda i, v: (i.fields.get("importance") or "Undecided") == v,
            "assignee": lambda i, v: self._link(f"~{i.fields.get('assignee')}") == v,
            "bug_reporter": lambda i, v: self._link(f"~{i.author}") == v,
        }
        found = []
        for item in self.tracker.items.values():
            if item.gone or not self._shown(item, me) or not self._indexed(item):
                continue
            if (item.fields.get("status") or "New") not in statuses:
                continue
            if item.fields.get("duplicate_of") and given.get("omit_duplicates") != ["false"]:
                continue
            wanted = [(n, v) for n, values in given.items() if n in tests for v in values]
            if all(tests[name](item, value) for name, value in wanted):
                found.append(item)
        order = given.get("order_by", ["-importance"])[0]
        keys: dict[str, Callable[[Item], Any]] = {
            "datecreated": self._born,
            "date_last_updated": lambda i: self._updated(i, indexed=True),
        }
        found.sort(
            key=keys.get(order.lstrip("-"), lambda i: i.number), reverse=order.startswith("-")
        )
        return [self._task(item) for item in found]

    def _shown(self, item: Item, me: str) -> bool:
        return not item.hidden and (bool(me) or item.id not in self.private)

    def _item(self, number: str, me: str) -> Item:
        item = self.tracker.items.get(number)
        if item is None or item.gone or not self._shown(item, me):
            raise Abort(404, f"Object: <BugSet object>, name: {number!r}")
        return item

    def _file(self, item: Item, number: str) -> File:
        for file in item.attachments:
            if file.id == number:
                return file
        raise Abort(404, f"Object: <BugTask>, name: {number!r}")

    # --- entries --------------------------------------------------------------------------------

    def _entry(self, kind: str, link: str, writable: Iterable[str], data: Record) -> Record:
        """Returns an entry with its tag of two halves: what is read alone, and what is written."""
        own = set(writable)
        halves = ({n: v for n, v in data.items() if (n in own) == w} for w in (False, True))
        tag = "-".join(
            hashlib.sha1(json.dumps(h, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
            for h in halves
        )
        tag = f'"{tag}{"-gzip" if self.gzipped else ""}"'
        return {
            **data,
            "self_link": link,
            "web_link": link.replace("/1.0/", "/").replace("//api.", "//bugs."),
            "resource_type_link": self._link(f"#{kind}"),
            "http_etag": tag,
        }

    def _person(self, name: str) -> Record:
        person = self.tracker.users.get(name)
        if person is None:
            raise Abort(404, f"Object: <Root>, name: '~{name}'")
        hidden = "tag:launchpad.net:2008:redacted"
        shown = self._link(f"~{name}/+email/{person.email}")
        return {
            "name": name,
            "display_name": person.name,
            "is_team": False,
            "hide_email_addresses": name != "jesse",
            "preferred_email_address_link": shown if name == "jesse" else hidden,
            "self_link": self._link(f"~{name}"),
            "resource_type_link": self._link("#person"),
        }

    def _project(self) -> Record:
        return {
            "name": self.target,
            "display_name": "Firefox",
            "official_bug_tags": ["alpha", "beta"],
            "self_link": self._link(self.target),
            "resource_type_link": self._link("#project"),
        }

    def _bug(self, item: Item) -> Record:
        fields, link = item.fields, self._link(f"bugs/{item.id}")
        others = sorted(fields.get("duplicate_of", frozenset()))
        kind = fields.get("information_type") or "Public"
        private = item.id in self.private or str(kind).startswith(("Priv", "Prop", "Emb"))
        messages = self._parts(item)
        last = messages[-1] if messages else None
        data = {
            "id": int(item.id),
            "name": fields.get("nickname"),
            "title": fields.get("title", ""),
            "description": fields.get("description", ""),
            "tags": sorted(fields.get("tags", frozenset())),
            "owner_link": self._link(f"~{item.author}"),
            "duplicate_of_link": self._link(f"bugs/{others[0]}") if others else None,
            "information_type": "Private" if item.id in self.private else kind,
            "private": private,
            "security_related": "Security" in str(kind),
            "date_created": _text(self._born(item)),
            "date_last_updated": _text(self._updated(item)),
            "date_last_message": _text(_time(last.created, last.id)) if last else None,
            "date_made_private": None,
            "who_made_private_link": None,
            "message_count": 1 + len(messages),
            "number_of_duplicates": 0,
            "can_expire": False,
            "heat": len(messages) * 2,
            "latest_patch_uploaded": None,
            "other_users_affected_count_with_dupes": 0,
            "users_affected_count": 1,
            "users_affected_count_with_dupes": 1,
            "users_unaffected_count": 0,
            **{f"{name}_collection_link": f"{link}/{name}" for name in BUG},
        }
        return self._entry("bug", link, BUG_WRITABLE, data)

    def _task(self, item: Item, place: str = "", name: str = "", more: Any = None) -> Record:
        fields: Mapping[str, Any] = item.fields if more is None else more
        place, name = place or self.target, name or self.label
        status = fields.get("status") or "New"
        who, milestone = fields.get("assignee"), fields.get("milestone")
        pillar = place.split("/")[0]
        data = {
            "bug_link": self._link(f"bugs/{item.id}"),
            "bug_target_name": name,
            "bug_target_display_name": name.title(),
            "bug_watch_link": fields.get("watch"),
            "title": f'Bug #{item.id} in {name}: "{item.fields.get("title", "")}"',
            "status": status,
            "importance": fields.get("importance") or "Undecided",
            "assignee_link": self._link(f"~{who}") if who else None,
            "milestone_link": self._link(f"{pillar}/+milestone/{milestone}") if milestone else None,
            "owner_link": self._link(f"~{item.author}"),
            "target_link": self._link(place),
            "is_complete": status not in OPEN,
            "date_created": _text(self._born(item)),
            **dict.fromkeys((f"date_{name}" for name in DATES), None),
            "related_tasks_collection_link": self._link(f"{place}/+bug/{item.id}/related_tasks"),
        }
        return self._entry("bug_task", self._link(f"{place}/+bug/{item.id}"), TASK_WRITABLE, data)

    @property
    def label(self) -> str:
        """What activity calls the target: `firefox`, `bash (Ubuntu)`."""
        pillar, _, package = self.target.partition("/+source/")
        return f"{package} ({pillar.title()})" if package else self.target

    def _tasks(self, item: Item) -> list[Record]:
        return [
            *(self._task(item, *other) for other in self.others.get(item.id, ())),
            self._task(item),
        ]

    def _one_task(self, item: Item, place: str) -> Record:
        for task in self._tasks(item):
            if task["target_link"] == self._link(place):
                return task
        raise Abort(404, f"Object: <{place}>, name: '+bug'")

    def _parts(self, item: Item) -> list[Note | File]:
        return sorted([*item.comments, *item.attachments], key=lambda part: int(part.id))

    def _index(self, item: Item, part: Note | File) -> int:
        """Returns a message's position, which it keeps whatever is taken away before it."""
        known = self._indexes.setdefault(item.id, {})
        for other in self._parts(item):
            known.setdefault(other.id, len(known) + 1)
        return known[part.id]

    def position(self, ticket: str, part: str) -> str:
        """Returns the position of the message that a comment or file of the tracker is."""
        item = self.tracker.items[ticket]
        return str(self._index(item, next(p for p in self._parts(item) if p.id == part)))

    def _messages(self, item: Item) -> list[Record]:
        """Message 0 is the description as it was first written; a file brings a message too."""
        title = item.fields.get("title", "")
        first = next(
            (
                change.old or ""
                for event in item.events
                for change in event.changes
                if change.field == "description" and isinstance(change, FieldChange)
            ),
            item.fields.get("description", ""),
        )
        told = [self._message(item, 0, item.author, self._born(item), str(title), str(first))]
        for part in self._parts(item):
            if isinstance(part, File):
                text, subject = self.texts.get(part.id, ""), part.name
            else:
                text, subject = part.body, self.subjects.get(part.id, f"Re: {title}")
            made = _time(part.created, part.id)
            row = self._message(item, self._index(item, part), part.author, made, subject, text)
            if isinstance(part, Note) and part.updated is not None:
                row["date_last_edited"] = _text(_time(part.updated, part.id))
            if part.id in self.deleted:  # its chunks are gone, its place is not
                row |= {"content": "", "date_deleted": _text(made)}
            told.append(row)
        return told

    def _message(
        self, item: Item, index: int, author: str, made: datetime, subject: str, text: str
    ) -> Record:
        link = self._link(f"{self.target}/+bug/{item.id}/comments/{index}")
        data = {
            "content": text,
            "subject": subject,
            "owner_link": self._link(f"~{author}"),
            "parent_link": None,
            "date_created": _text(made),
            "date_last_edited": None,
            "date_deleted": None,
            "bug_attachments_collection_link": f"{link}/bug_attachments",
        }
        return self._entry("message", link, (), data)

    def _attachments(self, item: Item) -> list[Record]:
        """Neither type nor size: the Librarian alone knows them."""
        told = []
        for file in item.attachments:
            link = self._link(f"{self.target}/+bug/{item.id}/+attachment/{file.id}")
            index = self._index(item, file)
            data = {
                "title": file.name,
                "type": "Unspecified",
                "data_link": f"{link}/data",
                "url": None,
                "bug_link": self._link(f"bugs/{item.id}"),
                "message_link": self._link(f"{self.target}/+bug/{item.id}/comments/{index}"),
            }
            told.append(self._entry("bug_attachment", link, ("title", "type"), data))
        return told

    def _activity(self, item: Item) -> list[Record]:
        """Rows without a number of their own, in words for people (adapters/bugchange.py)."""
        state: dict[str, Value] = dict(item.fields)
        rows: list[tuple[datetime, str, str, str | None, str | None, str | None]] = []
        for event in reversed(item.events):
            for change in reversed(event.changes):
                if isinstance(change, FieldChange):
                    old, new = change.old, change.new
                else:
                    has = state.get(change.field, frozenset())
                    assert isinstance(has, frozenset)
                    had = (has - change.added) | change.removed
                    state[change.field] = had
                    old, new = " ".join(sorted(had)), " ".join(sorted(has))
                what, old, new = self._words(change.field, old, new)
                made = _time(int(event.created.timestamp()), event.id)
                rows.append((made, event.author.id, what, old, new, None))
        for file in item.attachments:
            made, said = _time(file.created, file.id), f"{file.name} {self.base}/+attachment"
            rows.append((made, file.author, "attachment added", None, said, None))
        rows.reverse()
        rows.sort(key=lambda row: row[0])
        born = (self._born(item), item.author, "bug", None, None, "added bug")
        link = self._link(f"bugs/{item.id}/activity")
        return [
            self._entry(
                "bug_activity",
                link,
                (),
                {
                    "datechanged": _text(made),
                    "person_link": self._link(f"~{who}"),
                    "whatchanged": what,
                    "oldvalue": old,
                    "newvalue": new,
                    "message": message,
                    "bug_link": self._link(f"bugs/{item.id}"),
                },
            )
            for made, who, what, old, new, message in (born, *rows)
        ]

    def _words(
        self, field: str, old: str | None, new: str | None
    ) -> tuple[str, str | None, str | None]:
        if field == "title":
            return "summary", old, new
        if field == "information_type":
            return "information type", old or "Public", new or "Public"
        if field == "duplicate_of":
            what = "changed duplicate marker" if old and new else "removed duplicate marker"
            return ("marked as duplicate" if not old else what), old or None, new or None
        if field in ("description", "tags"):
            return field, old or "", new or ""
        if field == "assignee":
            shown = [f"{self.tracker.person(n).name} ({n})" if n else None for n in (old, new)]
            return f"{self.label}: assignee", *shown
        default = {"status": "New", "importance": "Undecided"}.get(field)
        return f"{self.label}: {field}", old or default, new or default

    # --- writing --------------------------------------------------------------------------------

    def _operation(
        self, path: str, form: Record, headers: dict[str, str]
    ) -> tuple[int, str, bytes]:
        name = form.get("ws.op", "")
        found = re.fullmatch(r"bugs/(\d+)", path)
        if path == "bugs" and name == "createBug":
            location = f"bugs/{self._create(form)}"
        elif found and name == "newMessage":
            item = self._item(found[1], ACCOUNT)
            location = f"{self.target}/+bug/{item.id}/comments/{self._comment(item, form)}"
        elif found and name == "addAttachment":
            item = self._item(found[1], ACCOUNT)
            location = f"{self.target}/+bug/{item.id}/+attachment/{self._attach(item, form)}"
        elif name == "removeFromBug":
            removed = re.fullmatch(r".+/\+bug/(\d+)/\+attachment/(\d+)", path)
            if not removed:
                raise Abort(404, path)
            item = self._item(removed[1], ACCOUNT)
            self._file(item, removed[2])
            self.tracker.delete_attachment(ACCOUNT, item.id, removed[2])
            return 200, "application/json", b"null"
        else:
            raise Abort(400, f"No such operation: {name}")
        headers["Location"] = self._link(location)
        if name in self.unnumbered:
            del headers["Location"]
        return 201, "text/plain", b""

    def _create(self, form: Record) -> str:
        for name in ("title", "description", "target"):
            if not form.get(name):
                raise Abort(400, f"{name}: Required input is missing.")
        if form["target"] != self._link(self.target):
            raise Abort(400, f"target: no such object {form['target']}.")
        if "\n" in form["title"]:
            raise Abort(400, "title: Constraint not satisfied.")
        fields: dict[str, Value] = {n: form[n] for n in ("title", "description")}
        if "tags" in form:
            fields["tags"] = self._tags(json.loads(form["tags"]))
        if "information_type" in form:
            fields["information_type"] = form["information_type"]
        return self.tracker.create(ACCOUNT, fields)

    def _comment(self, item: Item, form: Record) -> int:
        if not form.get("content"):
            raise Abort(400, "content: Required input is missing.")
        name = self.tracker.comment(ACCOUNT, item.id, form["content"])
        if "subject" in form:
            self.subjects[name] = form["subject"]
        return self._index(item, next(n for n in item.comments if n.id == name))

    def _attach(self, item: Item, form: Record) -> str:
        for name in ("data", "comment", "description"):
            if not form.get(name):
                raise Abort(400, f"{name}: Required input is missing.")
        name = self.tracker.attach(
            ACCOUNT, item.id, form["description"], form["data"], content_type=form["content_type"]
        )
        self.texts[name] = form["comment"]
        return name

    def _patch(self, path: str, body: Record, wanted: str) -> Record:
        """Writes what differs, all of it or nothing; a tag counts by its written half alone."""
        found = re.fullmatch(r"(?:bugs|(.+)/\+bug)/(\d+)", path)
        if not found:
            raise Abort(405, "")
        item = self._item(found[2], ACCOUNT)

        def read() -> Record:
            return self._one_task(item, found[1]) if found[1] else self._bug(item)

        now = read()
        tag = now["http_etag"].strip('"').removesuffix("-gzip")
        if wanted and wanted.strip('"').rpartition("-")[2] != tag.rpartition("-")[2]:
            raise Abort(412)
        writable = TASK_WRITABLE if found[1] else BUG_WRITABLE
        changes: dict[str, Value | None] = {}
        for name, value in body.items():
            if name not in now:
                raise Abort(400, f"{name}: You tried to modify a nonexistent attribute.")
            if value == now[name]:
                continue
            if name not in writable:
                raise Abort(400, f"{name}: You tried to modify a read-only attribute.")
            field, new = self._inner(name, value)
            self._may(item, field, new)
            changes[field] = new
        self.tracker.update(ACCOUNT, item.id, changes)
        return read()

    def _inner(self, name: str, value: Any) -> tuple[str, Value | None]:
        field = name.removesuffix("_link")
        if field == "tags":
            return field, self._tags(value)
        if name.endswith("_link"):
            last = unquote(value.rpartition("/")[2]).removeprefix("~") if value else None
            if field == "assignee" and last and last not in self.tracker.users:
                raise Abort(400, f"{name}: No such object {value!r}.")
            return field, frozenset({last} if last else ()) if field == "duplicate_of" else last
        if field in ("title", "description") and (not value or len(value) > KNOBS.limits[field]):
            raise Abort(400, f"{name}: Constraint not satisfied.")
        return field, value

    def _may(self, item: Item, field: str, new: Value | None) -> None:
        """Raises for what is for bug supervisors alone (model/bugtask.py)."""
        if self.supervisor:
            return
        if field in ("importance", "milestone"):
            raise Abort(401, f"(<BugTask>, {field!r}, 'launchpad.BugSupervisor')")
        locked = item.fields.get("status") in ("Won't Fix", "Deferred", "Does Not Exist")
        if field == "status" and (locked or new in SUPERVISED):
            raise Abort(401, f"Only Bug Supervisors may change status to {new}.")
        if field == "assignee" and new not in (None, ACCOUNT):
            raise Abort(401, "Regular users can assign and unassign only themselves.")

    def _tags(self, words: list[str]) -> frozenset[str]:
        for word in words:
            if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]*", word):
                raise Abort(400, f"tags: {word!r} isn&#x27;t a valid tag name.")
        return frozenset(words)

    # --- time -----------------------------------------------------------------------------------

    def _born(self, item: Item) -> datetime:
        return _time(item.created, 0 if self.coarse else item.number)

    def _updated(self, item: Item, *, indexed: bool = False) -> datetime:
        """Returns when the bug changed: by fields, messages and files that came.

        Texts edited and parts taken away do not count (subscribers/buglastupdated.py).
        """
        told = [(item.created, item.number)]
        told += [(int(e.created.timestamp()), int(e.id)) for e in item.events]
        told += [(part.created, int(part.id)) for part in self._parts(item)]
        if indexed:
            late = self.tracker.now - self.tracker.knobs.lag
            told = [stamp for stamp in told if stamp[0] <= late]
        return _time(*max(told))

    def _indexed(self, item: Item) -> bool:
        return item.created <= self.tracker.now - self.tracker.knobs.lag

    def _link(self, path: str) -> str:
        return f"{self.base}/1.0/{path}"


def _time(second: int, number: int | str) -> datetime:
    """Returns a second of the tracker with microseconds of its own: no two are equal."""
    return datetime.fromtimestamp(second, UTC) + timedelta(microseconds=int(number))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _form(kind: str, raw: bytes) -> Record:
    """Returns a form's fields; a file's bytes as they are."""
    if not kind.startswith("multipart/"):
        return dict(parse_qsl(raw.decode(), keep_blank_values=True))
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    form: Record = {}
    for part in email.message_from_bytes(head + raw, policy=email.policy.HTTP).iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        form[str(name)] = data if part.get_filename() else data.decode()
    return form


def app(tracker: Tracker, *, target: str = "firefox") -> Launchpad:
    """Returns the application over a tracker."""
    return Launchpad(tracker, target=target)


def serve(*, tickets: int = 0, target: str = "firefox") -> Launchpad:
    """Returns the application over a new tracker with so many bugs of Jesse's in it."""
    tracker = Tracker("launchpad", KNOBS)
    for n in range(1, tickets + 1):
        tags = frozenset({"home", "crash"} if n % 2 else {"work"})
        fields = {"title": f"Bug {n}", "description": f"What is wrong with {n}.", "tags": tags}
        bug = tracker.create("jesse", {**fields, "assignee": "jesse", "importance": "High"})
        tracker.now += 60
        tracker.comment("bob", bug, f"A remark about {n}.")
        if n % 3 == 0:
            tracker.attach("jesse", bug, f"notes {n}.txt", f"Notes of {n}\n".encode())
    return app(tracker, target=target)
