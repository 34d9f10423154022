"""A connector without a wire: the bridge can be tried against it a thousand times a second."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    NotFound,
    RateLimited,
    RemoteError,
    Transient,
    Unsupported,
)
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Checkpoint,
    Connector,
    Context,
    Create,
    Delete,
    Field,
    FieldMap,
    Gone,
    ListedTicket,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    References,
    RemoteSettings,
    Schema,
    Ticket,
    Update,
)
from prophet_hub.testing.declared import MEMORY_FIELDS, memory_capabilities, memory_schema, ways
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.items import ACCOUNT
from prophet_hub.testing.listing import matches, page_of
from prophet_hub.testing.tracker import Tracker
from prophet_hub.testing.wireless import after, before

__all__ = ["MEMORY_FIELDS", "NOWHERE", "MemoryConnector", "MemorySettings", "memory_capabilities"]

_T = TypeVar("_T")

NOWHERE = "memory:nowhere"
"""The address at which nobody answers."""


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
        self._told: dict[str, Any] = {}
        self.capabilities = memory_capabilities(self.tracker.knobs)
        if self.tracker.knobs.refers:
            self.references = References(url=f"https://{self.tracker.name}.example/t/{{id}}")
        canon = self.tracker.knobs.canon
        rows = settings.fields or MEMORY_FIELDS
        if canon:
            rows = tuple(r if r.kind.many or r.canon else replace(r, canon=canon) for r in rows)
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
                if (stamp * knobs.ordered, number) <= place:
                    raise Garbled(f"{self.context.remote} sent a page twice.", status=200)
                place = (stamp * knobs.ordered, number)
                yield from (told,) * (1 + knobs.doubled)
            if more and knobs.ordered:
                yield Checkpoint(cursor=str(self._back(place[0])), total=total)
        yield Checkpoint(cursor=str(self._back(start)), total=total)

    def listed(self, pull: Pull) -> Iterator[ListedTicket | Ticket | Ref | Gone]:
        """Walks the tickets by number, which stands still while they change."""
        told = [row.theirs for row in self.fields]
        number: int | None = 0
        while number is not None:
            ask = partial(page_of, self.tracker, number, pull.query, told)
            lines, number = self._request("GET", "/listed", ask)
            yield from lines

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the ticket as the tracker shows it."""
        return self._request("GET", f"/ticket/{ref.id}", lambda: self._shown(ref.id))

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
        knobs, name = self.tracker.knobs, self.tracker.name
        return self._request("GET", "/schema", lambda: memory_schema(knobs, self.fields, name))

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
                self.context.tally.one()
                before(fault, tracker.name, tracker.now)
                if tracker.passwords.get(user) != self.settings.password:
                    raise AuthFailed(
                        f"{self.context.remote} refused the password of {user}.",
                        hint="Check the remote's user and password.",
                        status=401,
                    )
                answer = self._repeated(fault, method + path, act)
            after(fault, method)
        except RemoteError as error:
            error.remote = self.context.remote
            raise
        self.boundary(f"after {method} {path}")
        return answer

    def _repeated(self, fault: Fault | None, key: str, act: Callable[[], _T]) -> _T:
        """Acts, unless the fault says that the first answer comes again and again."""
        if fault is None or fault.what is not What.REPEATED:
            return act()
        if key not in self._told:
            self._told[key] = act()
        answer: _T = self._told[key]
        return answer

    def _page(
        self, since: int | None, place: tuple[int, int], query: str
    ) -> tuple[int, tuple[list[tuple[int, int, Ref | Ticket | Gone]], int]]:
        """Returns the tracker's stamp of now, the page after a place, and how many there are."""
        tracker, knobs = self.tracker, self.tracker.knobs
        wanted = dict(term.partition("=")[::2] for term in query.split())
        listed = tracker.listing(since)
        if wanted:
            listed = [(s, i) for s, i in listed if matches(i.fields, wanted)]
        later = bisect_right(listed, place, key=lambda f: (f[0] * knobs.ordered, f[1].number))
        page = []
        for stamp, item in listed[later : later + knobs.page]:
            told: Ref | Ticket | Gone = Ref(id=item.id)
            if item.gone or knobs.inline:
                told = self._shown(item.id)
            page.append((stamp, item.number, told))
        return tracker.stamp(), (page, len(listed))

    def _back(self, stamp: int) -> int:
        """Returns the cursor after a stamp: what may be late or not over is asked again."""
        knobs = self.tracker.knobs
        if not knobs.granularity:
            return stamp + knobs.inclusive
        overlap = max(knobs.lag, knobs.overlap)
        return stamp - overlap - (0 if knobs.inclusive else knobs.granularity)

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

    def _shown(self, ticket: str) -> Ticket | Gone:
        """Returns a ticket with what it offers, where this tracker tells that."""
        told, knobs = self.tracker.ticket(ticket), self.tracker.knobs
        status = self.fields.ours("status")
        if not knobs.offers or status is None or not isinstance(told, Ticket):
            return told
        present = told.fields.get(status.theirs)
        there = ways(knobs, status.theirs).get(str(present))
        return told if there is None else replace(told, reachable=frozenset(there))

    def _receipt(self, ref: Ref) -> Receipt:
        if not self.tracker.knobs.answers:
            return Receipt(ref=ref)
        try:
            shown = self._shown(ref.ticket or ref.id)
        except NotFound:
            return Receipt(ref=ref)
        return Receipt(ref=ref, ticket=shown if isinstance(shown, Ticket) else None)


_TRIES = 4


def _nothing(_name: str) -> None:
    """No test looks on."""
