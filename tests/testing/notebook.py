"""A tracker that nobody has: a WSGI application over a `Tracker`, and its connector over HTTP.

It shows that the contract holds over a wire, with the sdk's own retries, pauses and errors.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from urllib.parse import parse_qs, quote

from prophet_hub.errors import Garbled, HubError, NotFound, Unsupported
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Attachment,
    Capabilities,
    Checkpoint,
    Comment,
    Connector,
    Create,
    Delete,
    Event,
    Field,
    FieldChange,
    FieldMap,
    Gone,
    History,
    Kind,
    Person,
    Receipt,
    Ref,
    RemoteSettings,
    Schema,
    SchemaField,
    SetChange,
    Ticket,
    Update,
)
from prophet_hub.sdk.auth import Basic
from prophet_hub.sdk.http import Http

PAGE = 2

# --- the server -------------------------------------------------------------------------------------


def application(tracker):
    """Returns the notebook's server."""

    def app(environ, start_response):
        try:
            status, answer = _routed(tracker, environ)
        except HubError as error:
            status, answer = error.status or 422, {"message": error.sentence}
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        start_response(
            f"{status} Said", [("Content-Type", kind), ("Content-Length", str(len(body)))]
        )
        return [body]

    return app


def _routed(tracker, environ):  # noqa: PLR0911 - a table of routes
    pair = base64.b64decode(environ.get("HTTP_AUTHORIZATION", "Basic Og==").partition(" ")[2])
    user, _, password = pair.decode().partition(":")
    if tracker.passwords.get(user) != password:
        return 401, {"message": "Who are you?"}
    method = environ["REQUEST_METHOD"]
    path = environ["PATH_INFO"].strip("/").split("/")
    query = {k: v[0] for k, v in parse_qs(environ["QUERY_STRING"], keep_blank_values=True).items()}
    body = environ["wsgi.input"].read()
    match (method, *path):
        case ("GET", "me"):
            return 200, _person(tracker.person(user))
        case ("GET", "schema"):
            return 200, {"statuses": tracker.knobs.allowed.get("status", ())}
        case ("GET", "tickets"):
            return 200, _listed(tracker, query)
        case ("GET", "tickets", id):
            shown = tracker.ticket(id)
            return 200, _gone(shown) if isinstance(shown, Gone) else _ticket(shown)
        case ("GET", "files", id, file):
            return 200, tracker.data(id, file)
        case ("GET", "find", kind):
            found = tracker.find(kind, query["key"], query.get("ticket", ""))
            return 200, {"id": found.id if found else ""}
        case ("POST", "files", id):
            made = tracker.attach(
                user, id, query["name"], body, content_type=query["type"], key=query["key"],
                private=query["private"] == "1",
            )  # fmt: skip
            return 201, {"id": made}
    return _written(tracker, user, method, path, environ, json.loads(body or b"{}"))


def _written(tracker, user, method, path, environ, sent):  # noqa: PLR0911 - as above
    version = environ.get("HTTP_IF_MATCH", "")
    match (method, *path):
        case ("POST", "tickets"):
            made = tracker.create(user, _sets(sent["fields"]), key=sent["key"])
            return 201, {"id": made}
        case ("PUT", "tickets", id):
            added, removed = sent["added"], sent["removed"]
            tracker.update(user, id, sent["changes"], added=added, removed=removed, version=version)
            return 200, {}
        case ("DELETE", "tickets", id):
            tracker.delete(user, id, version=version)
            return 200, {}
        case ("POST", "comments", id):
            private = sent["private"]
            made = tracker.comment(user, id, sent["body"], private=private, key=sent["key"])
            return 201, {"id": made}
        case ("PUT", "comments", id, comment):
            tracker.edit_comment(user, id, comment, sent["body"])
            return 200, {}
        case ("DELETE", "comments", id, comment):
            tracker.delete_comment(user, id, comment)
            return 200, {}
        case ("DELETE", "files", id, file):
            tracker.delete_attachment(user, id, file)
            return 200, {}
    return 404, {"message": "There is no such page."}


def _listed(tracker, query):
    found = tracker.listing(int(query["since"]) if query.get("since") else None)
    place = tuple(int(n) for n in query.get("after", "-1.-1").split("."))
    wanted = query.get("status")
    found = [(s, i) for s, i in found if not wanted or i.fields.get("status") == wanted]
    page = list(islice(((s, i) for s, i in found if (s, i.number) > place), PAGE))
    return {
        "now": tracker.stamp(),
        "total": len(found),
        "tickets": [{"id": i.id, "place": f"{s}.{i.number}"} for s, i in page],
    }


def _sets(fields):
    return {k: frozenset(v) if isinstance(v, list) else v for k, v in fields.items()}


def _person(person):
    return {"id": person.id, "name": person.name, "email": person.email}


def _gone(gone):
    return {"gone": _person(gone.author), "at": gone.created.isoformat(), "into": gone.merged_into}


def _ticket(ticket):
    return {
        "id": ticket.ref.id,
        "author": ticket.author.id,
        "created": ticket.created.isoformat(),
        "updated": ticket.updated.isoformat(),
        "fields": {
            k: sorted(v) if isinstance(v, frozenset) else v for k, v in ticket.fields.items()
        },
        "people": [_person(p) for p in ticket.people.values()],
        "key": ticket.key,
        "version": ticket.version,
        "events": [
            {
                "id": e.id,
                "by": e.author.id,
                "at": e.created.isoformat(),
                "changes": [
                    {"set": c.field, "come": sorted(c.added), "go": sorted(c.removed)}
                    if isinstance(c, SetChange)
                    else {"field": c.field, "old": c.old, "new": c.new}
                    for c in e.changes
                ],
            }
            for e in ticket.events
        ],
        "comments": [
            {"id": c.ref.id, "by": c.author.id, "at": c.created.isoformat(), "body": c.body}
            | {"private": c.private, "key": c.key}
            for c in ticket.comments
        ],
        "files": [
            {"id": a.ref.id, "by": a.author.id, "at": a.created.isoformat(), "name": a.name}
            | {"type": a.content_type, "size": a.size, "private": a.private, "key": a.key}
            for a in ticket.attachments
        ],
    }


# --- the connector -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookSettings(RemoteSettings):
    user: str = field(default="hub", metadata={"help": "Whose account is used."})
    password: str = field(default="", metadata={"help": "Its password.", "secret": True})


class Notebook(Connector):
    """Full history; versions are compared; keys everywhere; tombstones."""

    name = "notebook"
    auth = frozenset({"password"})
    Settings = NotebookSettings
    capabilities = Capabilities(
        history=History.FULL,
        writes=frozenset(
            (verb, kind)
            for verb in ("create", "update", "delete")
            for kind in (TICKET, COMMENT, ATTACHMENT)
        )
        - {("update", ATTACHMENT)},
        granularity=timedelta(seconds=1),
        ordered=True,
        conditional=True,
        keys=frozenset({TICKET, COMMENT, ATTACHMENT}),
        private_comments=True,
        tombstones=True,
    )
    fields = FieldMap(
        [
            Field(theirs="summary", ours="summary"),
            Field(theirs="description", ours="description", kind=Kind.LONG),
            Field(theirs="status", ours="status", kind=Kind.WORD),
            Field(theirs="owner", ours="owner", kind=Kind.PERSON),
            Field(theirs="labels", ours="labels", kind=Kind.WORDS),
        ]
    )

    def __init__(self, settings, context):
        self.remote = context.remote
        self.http = Http(settings.url, context, auth=Basic(settings.user, settings.password))

    def whoami(self):
        return Person(**self._json("me"))

    def changed(self, pull):
        query = dict(term.split("=") for term in pull.query.split())
        words = {**query, "since": pull.since}
        start, after = "", "-1.-1"
        while True:
            page = self._json("tickets", params={**words, "after": after})
            start = start or str(page["now"])
            for told in page["tickets"]:
                if _place(told["place"]) <= _place(after):
                    raise Garbled(f"{self.remote} sent a page twice.")
                after = told["place"]
                yield Ref(id=told["id"])
            if len(page["tickets"]) < PAGE:
                break
            yield Checkpoint(cursor=after.split(".")[0], total=page["total"])
        yield Checkpoint(cursor=start)

    def ticket(self, ref):
        told = self._json(f"tickets/{quote(ref.id)}")
        try:
            return _told(ref, told)
        except (KeyError, TypeError, ValueError) as error:
            raise Garbled(f"{self.remote} tells no ticket ({type(error).__name__}).") from None

    def apply(self, operation):
        ref, verb = operation.ref, type(operation).__name__.lower()
        if (verb, ref.kind) not in self.capabilities.writes:
            raise Unsupported(f"{self.remote} cannot {verb} a {ref.kind}.")
        if isinstance(operation, Create):
            made = self._create(operation)
            return Receipt(ref=Ref(kind=ref.kind, id=made, ticket=ref.ticket))
        path = f"{_ROOM[ref.kind]}/{quote(ref.ticket or ref.id)}"
        path += f"/{ref.id}" if ref.ticket else ""
        match operation:
            case Delete(version=version):
                self._send("DELETE", path, version)
            case Update() if ref.kind == COMMENT:
                self._send("PUT", path, "", json={"body": operation.changes.get("body") or ""})
            case Update():
                sent = {
                    "changes": dict(operation.changes),
                    "added": {k: sorted(v) for k, v in operation.added.items()},
                    "removed": {k: sorted(v) for k, v in operation.removed.items()},
                }
                self._send("PUT", path, operation.version, json=sent)
        return Receipt(ref=ref)

    def content(self, ref) -> Iterator[bytes]:
        yield from self.http.stream(f"files/{quote(ref.ticket)}/{ref.id}")

    def find(self, ref, key):
        words = {"key": key, "ticket": ref.ticket}
        found = self._json(f"find/{ref.kind}", params=words)["id"]
        return Ref(kind=ref.kind, id=found, ticket=ref.ticket) if found else None

    def describe(self):
        told = self._json("schema")
        return Schema(
            product="notebook",
            fields=tuple(
                SchemaField(
                    name=row.theirs,
                    many=row.kind.many,
                    values=tuple(told["statuses"]) if row.theirs == "status" else (),
                )
                for row in self.fields
            ),
            statuses=tuple(told["statuses"]),
        )

    def close(self):
        self.http.close()

    def _json(self, path, **words):
        return self.http.get(path, **words).json()

    def _send(self, method, path, version, **words):
        """A write that names a version is not repeated: it would meet itself."""
        headers = {"If-Match": version} if version else {}
        self.http.request(method, path, headers=headers, repeat=False, **words)

    def _create(self, operation):
        ref, fields = operation.ref, operation.fields
        if ref.kind == ATTACHMENT:
            words = {"name": fields["name"], "type": fields["content_type"], "key": operation.key}
            words["private"] = str(int(operation.private))
            body = b"".join(operation.content())
            return self.http.post(f"files/{ref.ticket}", params=words, body=body).json()["id"]
        sent = {"key": operation.key, "private": operation.private}
        if ref.kind == COMMENT:
            sent["body"] = fields["body"]
        else:
            sent["fields"] = {
                k: sorted(v) if isinstance(v, frozenset) else v for k, v in fields.items()
            }
        path = f"{_ROOM[ref.kind]}/{ref.ticket}".rstrip("/")
        return self.http.post(path, json=sent).json()["id"]


def _place(told):
    return tuple(int(number) for number in told.split("."))


_ROOM = {TICKET: "tickets", COMMENT: "comments", ATTACHMENT: "files"}


def _told(ref, told):
    if "gone" in told:
        author = Person(**told["gone"])
        at = datetime.fromisoformat(told["at"])
        return Gone(ref=ref, author=author, created=at, merged_into=told["into"])
    if told["id"] != ref.id:
        raise NotFound(f"There is no ticket {ref.id}.")
    people = {p["id"]: Person(**p) for p in told["people"]}

    def who(login):
        return people.get(login) or Person(id=login)

    return Ticket(
        ref=ref,
        author=who(told["author"]),
        created=datetime.fromisoformat(told["created"]),
        updated=datetime.fromisoformat(told["updated"]),
        fields=_sets(told["fields"]),
        people=people,
        key=told["key"],
        version=told["version"],
        events=tuple(
            Event(
                id=e["id"],
                author=who(e["by"]),
                created=datetime.fromisoformat(e["at"]),
                changes=tuple(_change(c) for c in e["changes"]),
            )
            for e in told["events"]
        ),
        comments=tuple(
            Comment(
                ref=Ref(kind=COMMENT, id=c["id"], ticket=ref.id),
                author=who(c["by"]),
                created=datetime.fromisoformat(c["at"]),
                body=c["body"],
                private=c["private"],
                key=c["key"],
            )
            for c in told["comments"]
        ),
        attachments=tuple(
            Attachment(
                ref=Ref(kind=ATTACHMENT, id=a["id"], ticket=ref.id),
                author=who(a["by"]),
                created=datetime.fromisoformat(a["at"]),
                name=a["name"],
                content_type=a["type"],
                size=a["size"],
                private=a["private"],
                key=a["key"],
            )
            for a in told["files"]
        ),
    )


def _change(told):
    if "set" in told:
        come, go = frozenset(told["come"]), frozenset(told["go"])
        return SetChange(field=told["set"], added=come, removed=go)
    return FieldChange(field=told["field"], old=told["old"], new=told["new"])
