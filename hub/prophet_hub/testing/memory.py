"""A connector without a wire: the bridge can be tried against it a thousand times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    NotFound,
    RateLimited,
    Rejected,
    RemoteError,
    Stale,
    Transient,
    Unsupported,
    Unsure,
)
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Create,
    Delete,
    Field,
    FieldMap,
    Gone,
    Kind,
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
)
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.tracker import ACCOUNT, Knobs, Tracker, instant

__all__ = ["MEMORY_FIELDS", "NOWHERE", "MemoryConnector", "MemorySettings", "memory_capabilities"]

_T = TypeVar("_T")

MEMORY_FIELDS: tuple[Field, ...] = (
    Field(theirs="summary", ours="summary"),
    Field(theirs="description", ours="description", kind=Kind.LONG),
    Field(theirs="status", ours="status", kind=Kind.WORD),
    Field(theirs="priority", ours="priority", kind=Kind.WORD),
    Field(theirs="owner", ours="owner", kind=Kind.PERSON),
    Field(theirs="cc", ours="cc", kind=Kind.PEOPLE),
    Field(theirs="labels", ours="labels", kind=Kind.WORDS),
    Field(theirs="due", ours="due", kind=Kind.DAY),
    Field(theirs="depends_on", ours="depends_on", kind=Kind.LINKS),
)
"""The rows that a `MemoryConnector` starts from."""

_EVERYTHING = frozenset(
    (verb, kind)
    for verb in ("create", "update", "delete")
    for kind in (TICKET, COMMENT, ATTACHMENT)
) - {("update", ATTACHMENT)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySettings(RemoteSettings):
    """Where the tracker is: the object itself.

    Attributes:
        tracker: A `Tracker`.
        fields: The rows of the table, `MEMORY_FIELDS` where none are given.
    """

    tracker: Any = field(default=None, metadata={"help": "A Tracker."})
    user: str = field(default=ACCOUNT, metadata={"help": "Whose account is used."})
    password: str = field(
        default="correct horse", metadata={"secret": True, "help": "Its password."}
    )
    fields: tuple[Field, ...] = field(default=(), metadata={"help": "The rows of the table."})


class MemoryConnector(Connector):
    """Speaks to a `Tracker` in this process and keeps the promises that its knobs allow.

    The query language is `field=value` terms with blanks between, all of which must hold.

    Attributes:
        boundary: Called with `before METHOD PATH` and `after METHOD PATH` around each request, in
            the calling thread and outside the tracker's lock: strangers may act there, a test may
            raise there (before: the request was never sent; after: its answer was lost).
    """

    name = "memory"
    auth = frozenset({"password"})
    Settings = MemorySettings

    def __init__(self, settings: MemorySettings, context: Context | None = None) -> None:
        self.settings = settings
        self.context = context or Context()
        self.tracker: Tracker = settings.tracker
        self.boundary: Callable[[str], None] = _nothing
        self.capabilities = memory_capabilities(self.tracker.knobs)
        canon = self.tracker.knobs.canon
        rows = settings.fields or MEMORY_FIELDS
        if canon:
            rows = tuple(r if r.kind.many or r.canon else _with_canon(r, canon) for r in rows)
        self.fields = FieldMap(rows)

    @classmethod
    def over(cls, tracker: Tracker, *, fields: tuple[Field, ...] = ()) -> MemoryConnector:
        """Returns a connector of the hub's account to a tracker."""
        return cls(MemorySettings(tracker=tracker, fields=fields), Context(remote=tracker.name))

    def whoami(self) -> Person:
        """Returns the account after a look at the password."""
        return self._request("GET", "/whoami", lambda: self.tracker.person(self.settings.user))

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Walks the listing by (stamp, number), so that tickets that move are met again, not lost."""
        knobs = self.tracker.knobs
        since = int(pull.since) if pull.since else None
        start, place, total = 0, (-1, -1), None
        more = True
        while more:
            now, found = self._request(
                "GET", "/changed", partial(self._page, since, place, pull.query)
            )
            if place == (-1, -1):
                start, total = now, found[1]
            page, more = found[0], len(found[0]) == knobs.page
            for stamp, number, told in page:
                place = (stamp if knobs.ordered else 0, number)
                yield told
            if more and knobs.ordered:
                yield Checkpoint(cursor=str(self._back(place[0])), total=total)
        yield Checkpoint(
            cursor=str(self._back(start - knobs.lag * bool(knobs.granularity))), total=total
        )

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the ticket as the tracker shows it."""
        return self._request("GET", f"/ticket/{ref.id}", lambda: self.tracker.ticket(ref.id))

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation through the door that it names."""
        ref = operation.ref
        verb = type(operation).__name__.lower()
        if (verb, ref.kind) not in self.capabilities.writes:
            raise Unsupported(f"{self.context.remote} cannot {verb} a {ref.kind}.")
        if isinstance(operation, Create):
            return self._create(operation)
        path = f"/{ref.kind}/{ref.id}"
        if isinstance(operation, Update):
            self._request("PUT", path, lambda: self._update(operation))
        else:
            self._request("DELETE", path, lambda: self._delete(operation))
        return self._receipt(ref)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields an attachment in pieces of 64 KiB."""
        data = self._request(
            "GET", f"/attachment/{ref.id}", lambda: self.tracker.data(ref.ticket, ref.id)
        )
        for n in range(0, len(data), 65536):
            yield data[n : n + 65536]

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns who carries the key."""
        if ref.kind not in self.capabilities.keys:
            raise Unsupported(f"{self.context.remote} carries no key in a {ref.kind}.")
        return self._request(
            "GET", f"/find/{ref.kind}", lambda: self.tracker.find(ref.kind, key, ref.ticket)
        )

    def describe(self) -> Schema:
        """Returns what the knobs say."""
        return self._request("GET", "/schema", self._schema)

    # --- within --------------------------------------------------------------------------------

    def _request(self, method: str, path: str, act: Callable[[], _T]) -> _T:
        """Every request passes here; what failed for a moment is sent again, a POST never."""
        for _ in range(_TRIES - 1):
            try:
                return self._sent(method, path, act)
            except (Transient, RateLimited) as error:
                if method == "POST" and not isinstance(error, RateLimited):
                    raise
        return self._sent(method, path, act)

    def _sent(self, method: str, path: str, act: Callable[[], _T]) -> _T:
        """Boundary, count, fault, password, the act, boundary."""
        tracker, user = self.tracker, self.settings.user
        self.boundary(f"before {method} {path}")
        fault = tracker.faults.due(method, path)
        try:
            with tracker.lock:
                if self.settings.url == NOWHERE:
                    raise Transient(f"{self.context.remote} was not reached.", hint="Try later.")
                tracker.requests += 1
                _before(fault, tracker)
                if tracker.passwords.get(user) != self.settings.password:
                    raise AuthFailed(
                        f"{self.context.remote} refused the password of {user}.",
                        hint="Check the remote's user and password.",
                        status=401,
                    )
                answer = act()
            _after(fault, method)
        except RemoteError as error:
            error.remote = self.context.remote
            raise
        self.boundary(f"after {method} {path}")
        return answer

    def _page(
        self, since: int | None, place: tuple[int, int], query: str
    ) -> tuple[int, tuple[list[tuple[int, int, Ref | Ticket | Gone]], int]]:
        """Returns the tracker's stamp of now, the page after a place, and how many there are."""
        tracker, knobs = self.tracker, self.tracker.knobs
        wanted = dict(term.partition("=")[::2] for term in query.split())
        listed = [(s, i) for s, i in tracker.listing(since) if _matches(i.fields, wanted)]
        later = [(s, i) for s, i in listed if (s if knobs.ordered else 0, i.number) > place]
        page = []
        for stamp, item in islice(later, knobs.page):
            told: Ref | Ticket | Gone = Ref(id=item.id)
            if item.gone or knobs.inline:
                told = tracker.ticket(item.id)
            page.append((stamp, item.number, told))
        return tracker.stamp(), (page, len(listed))

    def _back(self, stamp: int) -> int:
        """Returns the cursor after a stamp: a granule that may not be over is asked for again."""
        knobs = self.tracker.knobs
        if not knobs.granularity:
            return stamp + knobs.inclusive
        return stamp if knobs.inclusive else stamp - knobs.granularity

    def _create(self, operation: Create) -> Receipt:
        ref, knobs = operation.ref, self.tracker.knobs
        if operation.private and not knobs.private_comments:
            raise Unsupported(f"{self.context.remote} cannot keep a {ref.kind} private.")
        limit = knobs.attachment_limit
        if ref.kind == ATTACHMENT and limit is not None and operation.size > limit:
            raise Unsupported(f"{self.context.remote} takes no file above {limit} bytes.")
        path = f"/ticket/{ref.ticket}/{ref.kind}" if ref.ticket else f"/{ref.kind}"
        made = self._request("POST", path, lambda: self._created(operation))
        return self._receipt(Ref(kind=ref.kind, id=made, ticket=ref.ticket))

    def _created(self, operation: Create) -> str:
        tracker, fields, ref = self.tracker, operation.fields, operation.ref
        author = self.settings.user
        created: int | None = None
        if tracker.knobs.impersonation and operation.author:
            author = operation.author.id
            tracker.users.setdefault(author, operation.author)
            created = int(operation.created.timestamp()) if operation.created else None
        if ref.kind == TICKET:
            return tracker.create(
                author, fields, key=operation.key, private=operation.private, created=created
            )
        if ref.kind == COMMENT:
            return tracker.comment(
                author,
                ref.ticket,
                str(fields["body"]),
                private=operation.private,
                key=operation.key,
                created=created,
            )
        return tracker.attach(
            author,
            ref.ticket,
            str(fields["name"]),
            b"".join(operation.content() if operation.content else ()),
            content_type=str(fields.get("content_type", "application/octet-stream")),
            private=operation.private,
            key=operation.key,
            created=created,
        )

    def _update(self, operation: Update) -> None:
        tracker, ref, user = self.tracker, operation.ref, self.settings.user
        if ref.kind == COMMENT:
            tracker.edit_comment(user, ref.ticket, ref.id, str(operation.changes.get("body") or ""))
            return
        tracker.update(
            user,
            ref.id,
            operation.changes,
            added=operation.added,
            removed=operation.removed,
            version=operation.version,
        )

    def _delete(self, operation: Delete) -> None:
        tracker, ref, user = self.tracker, operation.ref, self.settings.user
        if ref.kind == COMMENT:
            tracker.delete_comment(user, ref.ticket, ref.id)
        elif ref.kind == ATTACHMENT:
            tracker.delete_attachment(user, ref.ticket, ref.id)
        else:
            tracker.delete(user, ref.id, version=operation.version)

    def _receipt(self, ref: Ref) -> Receipt:
        if not self.tracker.knobs.answers:
            return Receipt(ref=ref)
        try:
            shown = self.tracker.ticket(ref.ticket or ref.id)
        except NotFound:
            return Receipt(ref=ref)
        return Receipt(ref=ref, ticket=shown if isinstance(shown, Ticket) else None)

    def _schema(self) -> Schema:
        knobs = self.tracker.knobs
        may = {verb for verb, kind in self.capabilities.writes if kind == TICKET}
        may |= {"comment" for w in self.capabilities.writes if w == ("create", COMMENT)}
        may |= {"attach" for w in self.capabilities.writes if w == ("create", ATTACHMENT)}
        return Schema(
            product="memory",
            version="1",
            projects=(self.tracker.name,),
            fields=tuple(
                SchemaField(
                    name=row.theirs,
                    values=tuple(knobs.allowed.get(row.theirs, ())),
                    required=row.theirs in knobs.required,
                    writable=row.writable,
                    many=row.kind.many,
                )
                for row in self.fields
            ),
            statuses=tuple(knobs.allowed.get("status", ())),
            transitions=dict(knobs.transitions.get("status", {})),
            permissions=frozenset({"read", *may}),
        )


def memory_capabilities(knobs: Knobs) -> Capabilities:
    """Returns the promises that a tracker with these knobs lets a connector make."""
    writes = _EVERYTHING if knobs.writes is None else knobs.writes
    grain = timedelta(seconds=knobs.granularity)
    return Capabilities(
        history=knobs.history,
        writes=writes,
        granularity=grain,
        overlap=timedelta(seconds=knobs.lag) + (timedelta(0) if knobs.inclusive else grain),
        ordered=knobs.ordered,
        conditional=knobs.conditional,
        keys=knobs.keys,
        impersonation=knobs.impersonation,
        private_comments=knobs.private_comments,
        attachment_limit=knobs.attachment_limit,
        mentions=knobs.mentions,
        notifies=knobs.notifies,
        tombstones=knobs.tombstones,
    )


def _before(fault: Fault | None, tracker: Tracker) -> None:
    """Plays what goes wrong before a request is done."""
    match fault and fault.what:
        case What.LIMITED:
            pause = int(fault.retry_after) if fault and fault.retry_after else None
            until = None if pause is None else instant(tracker.now + pause)
            raise RateLimited(f"{tracker.name} asks for a pause.", until=until)
        case What.STATUS:
            status = fault.status if fault else 0
            kind = _BY_STATUS.get(status, Transient if status >= _FAILURES else Rejected)
            raise kind(f"{tracker.name} answered {status}.", status=status)
        case What.CUT:
            raise Transient(f"{tracker.name} was not reached.")
        case What.STRANGER:
            if fault and fault.act:
                fault.act()
        case _:
            pass


def _after(fault: Fault | None, method: str) -> None:
    """Plays what goes wrong with an answer."""
    match fault and fault.what:
        case What.LOST | What.TRUNCATED | What.GARBLED if method != "GET":
            raise Unsure("No answer came to a write.", hint="The next run looks first.")
        case What.LOST:
            raise Transient("No answer came.")
        case What.TRUNCATED | What.GARBLED:
            raise Garbled("The answer is not what the protocol says.")
        case _:
            pass


NOWHERE = "memory:nowhere"
"""The address at which nobody answers."""

_TRIES = 4
_FAILURES = 500
_BY_STATUS: dict[int, type[RemoteError]] = {
    401: AuthFailed,
    404: NotFound,
    409: Stale,
    412: Stale,
}


def _matches(fields: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    for name, value in wanted.items():
        held = fields.get(name)
        if held != value and not (isinstance(held, frozenset) and value in held):
            return False
    return True


def _with_canon(row: Field, canon: Callable[[str], str]) -> Field:
    return replace(row, canon=canon)


def _nothing(_name: str) -> None:
    """No test looks on."""
