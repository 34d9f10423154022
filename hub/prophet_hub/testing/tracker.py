"""A tracker in memory: what stands behind every fake, and what the bridge is tried against.

Persons and the hub's own account use the same doors (`create`, `update`, `comment` ...), each of
which names its author first.  Time is `now`, the tracker's own whole seconds, turned by tests
alone.  What differs between real trackers is a `Knobs`; what a test wants to know of every change
is a hook (`born`, `put`, `told`, `deleted`, `read`) that a subclass overrides.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from prophet_hub.errors import NotFound, Rejected, Stale
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Attachment,
    Comment,
    Event,
    FieldChange,
    Gone,
    History,
    Person,
    Ref,
    SetChange,
    Ticket,
    Value,
)
from prophet_hub.testing.faults import Script
from prophet_hub.values import PRESENT

__all__ = ["ACCOUNT", "EPOCH", "File", "Item", "Knobs", "Note", "Tracker", "instant"]

ACCOUNT = "hub"
"""The login of the hub's own account."""

EPOCH = 1_700_000_000
"""Where a tracker's clock starts, in seconds since 1970."""

_MENTION = re.compile(r"(?<![\w@])@([\w.-]*\w)")
_UNTOLD = 3  # with partial history every third event is kept back


def instant(seconds: int) -> datetime:
    """Returns a tracker's second as an aware UTC instant."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What differs between trackers.

    Attributes:
        history: Partial keeps every third event back.
        conditional: Whether a write that names a version is compared and set.
        keys: Kinds of items that carry the hub's key.
        render: (field, text) -> the text as this tracker stores and shows it.
        canon: The form in which a rendered text equals the text (for the connector's table).
        refuses: Texts that this tracker drops in silence when the hub's account writes them.
        inclusive: Whether changed-since is "at or after", else "after".
        granularity: Of changed-since, in seconds; 0 for an exact counter of changes.
        ordered: Whether listings go from the oldest change to the newest, else by number.
        ordered_ids: Whether ticket ids are growing numbers, else opaque words.
        tombstones: Whether deletions are told.
        page: Tickets per page of a listing.
        inline: Whether listings carry whole tickets, else their ids alone.
        answers: Whether the answer to a write shows the ticket.
        lag: Seconds until a change reaches the listings (never `find` or a read).
        stale: Seconds for which a read may show the ticket as it was before the last write.
        allowed: Field -> the only values it takes.
        transitions: Field -> value -> the values it may go to; a value not named goes anywhere.
        required: Fields that a create must carry and that nobody may clear.
        limits: Field, or `body` or `name`, -> characters; longer is rejected ...
        cuts: ... or cut off in silence.
        links: Fields that hold ids of existing tickets.
        impersonation: Whether creates take over an author and a date.
        private_comments: Whether comments and attachments can be private.
        mentions: Whether `@login` in a text notifies.
        notifies: Whether every change notifies the ticket's author and owner.
        attachment_limit: In bytes.
        writes: What the account may do, None for everything.
    """

    history: History = History.FULL
    conditional: bool = True
    keys: frozenset[str] = frozenset({TICKET, COMMENT, ATTACHMENT})
    render: Callable[[str, str], str] | None = None
    canon: Callable[[str], str] | None = None
    refuses: frozenset[str] = frozenset()
    inclusive: bool = True
    granularity: int = 1
    ordered: bool = True
    ordered_ids: bool = True
    tombstones: bool = True
    page: int = 50
    inline: bool = False
    answers: bool = False
    lag: int = 0
    stale: int = 0
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transitions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    cuts: bool = False
    links: frozenset[str] = frozenset({"depends_on", "parent"})
    impersonation: bool = False
    private_comments: bool = True
    mentions: bool = False
    notifies: bool = False
    attachment_limit: int | None = None
    writes: frozenset[tuple[str, str]] | None = None


@dataclass(slots=True, kw_only=True)
class Note:
    """A comment of an item."""

    id: str
    author: str
    created: int
    body: str
    private: bool = False
    updated: int | None = None
    key: str = ""


@dataclass(slots=True, kw_only=True)
class File:
    """An attachment of an item."""

    id: str
    author: str
    created: int
    name: str
    data: bytes
    content_type: str = "application/octet-stream"
    private: bool = False
    comment: str = ""
    key: str = ""


@dataclass(slots=True, kw_only=True)
class Item:
    """A ticket as the tracker holds it.

    Attributes:
        stamps: (second, number of the change) of every change, oldest first.
        events: All of them; what is told is a matter of `Knobs.history`.
        gone: (author, second) of the deletion or merge.
    """

    id: str
    number: int
    author: str
    created: int
    key: str = ""
    private: bool = False
    fields: dict[str, Value] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    comments: list[Note] = field(default_factory=list)
    attachments: list[File] = field(default_factory=list)
    stamps: list[tuple[int, int]] = field(default_factory=list)
    version: int = 0
    gone: tuple[str, int] | None = None
    merged_into: str = ""
    hidden: bool = False
    shown: tuple[int, Knobs, Ticket] | None = None
    before: Ticket | None = None

    @property
    def updated(self) -> int:
        """The second of the last change."""
        return self.stamps[-1][0]


class Tracker:
    """A foreign server in memory; every door may be used from several threads.

    Attributes:
        now: The tracker's clock, whole seconds since 1970; only tests turn it.
        items: All tickets by id, deleted and hidden ones too.
        users: Who has an account, by login.
        passwords: By login; a connector with another one is refused.
        writes: How many changes were made, by anyone.
        requests: How many requests arrived; counted by the connector or the fake above.
        notified: (login, ticket id, `mention` or `watcher`) of every mail that was sent.
        denied: (verb, kind) pairs that the hub's account may no longer do.
        faults: What shall go wrong with requests that arrive without a wire (`MemoryConnector`).
        after_write: Automation: called after each write of the hub's account.
    """

    def __init__(self, name: str = "tracker", knobs: Knobs | None = None) -> None:
        self.name = name
        self.knobs = knobs or Knobs()
        self.now = EPOCH
        self.items: dict[str, Item] = {}
        self.users = {
            login: Person(id=login, name=login.title(), email=f"{login}@example.org")
            for login in (ACCOUNT, "jesse", "bob", "eve")
        }
        self.passwords = {ACCOUNT: "correct horse"}
        self.writes = 0
        self.requests = 0
        self.notified: list[tuple[str, str, str]] = []
        self.denied: set[tuple[str, str]] = set()
        self.faults = Script()
        self.after_write: Callable[[Item], None] | None = None
        self.lock = threading.RLock()
        self._numbers = 0
        self._changes = 0

    # --- doors ---------------------------------------------------------------------------------

    def create(
        self, author: str, fields: Mapping[str, Value], *,
        key: str = "", private: bool = False, created: int | None = None,
    ) -> str:  # fmt: skip
        """Makes a ticket and returns its id."""
        with self.lock:
            self._may(author, "create", TICKET)
            missing = sorted(self.knobs.required - fields.keys())
            if missing:
                raise Rejected(f"{missing[0]} is required.")
            kept = {name: self._taken(author, name, value) for name, value in fields.items()}
            number = self._number()
            item = Item(
                id=str(number) if self.knobs.ordered_ids else _opaque(number),
                number=number,
                author=author,
                created=self.now if created is None else created,
                key=key if TICKET in self.knobs.keys else "",
                private=private and self.knobs.private_comments,
                fields={name: value for name, value in kept.items() if value},
            )
            self.items[item.id] = item
            self._touch(item)
            self.born(item)
            self._wrote(item, author, [v for v in kept.values() if isinstance(v, str)])
            return item.id

    def update(
        self, author: str, ticket: str, changes: Mapping[str, Value | None] | None = None, *,
        added: Mapping[str, Collection[str]] | None = None,
        removed: Mapping[str, Collection[str]] | None = None, version: str = "",
    ) -> None:  # fmt: skip
        """Changes fields; None clears one, a set given whole replaces the one that is there."""
        with self.lock:
            item = self._open(author, ticket, "update", TICKET, version)
            plain: dict[str, str | None] = {}
            come = {name: frozenset(members) for name, members in (added or {}).items()}
            leave = {name: frozenset(members) for name, members in (removed or {}).items()}
            for name, value in (changes or {}).items():
                if isinstance(value, frozenset):
                    come[name] = value
                    leave[name] = _members(item.fields.get(name)) - value
                else:
                    plain[name] = value
            wanted = self._wanted(item, author, come, leave)
            told = [*self._plain(item, author, plain), *self._sets(item, author, wanted)]
            if told:
                item.events.append(self._event(author, told))
                self.told(item, item.events[-1])
            self._touch(item)
            self._wrote(item, author, [v for v in plain.values() if v])

    def comment(
        self, author: str, ticket: str, body: str, *,
        private: bool = False, key: str = "", created: int | None = None,
    ) -> str:  # fmt: skip
        """Adds a comment and returns its id."""
        with self.lock:
            item = self._open(author, ticket, "create", COMMENT)
            note = Note(
                id=str(self._number()),
                author=author,
                created=self.now if created is None else created,
                body=self._limited("body", body),
                private=private and self.knobs.private_comments,
                key=key if COMMENT in self.knobs.keys else "",
            )
            item.comments.append(note)
            self._touch(item)
            self._wrote(item, author, [body])
            return note.id

    def edit_comment(self, author: str, ticket: str, comment: str, body: str) -> None:
        """Puts another text in a comment's place."""
        with self.lock:
            item = self._open(author, ticket, "update", COMMENT)
            note = _one(item.comments, comment)
            note.body = self._limited("body", body)
            note.updated = self.now
            self._touch(item)
            self._wrote(item, author, [body])

    def attach(
        self, author: str, ticket: str, name: str, data: bytes, *,
        content_type: str = "application/octet-stream", private: bool = False,
        comment: str = "", key: str = "", created: int | None = None,
    ) -> str:  # fmt: skip
        """Adds an attachment and returns its id."""
        with self.lock:
            item = self._open(author, ticket, "create", ATTACHMENT)
            limit = self.knobs.attachment_limit
            if limit is not None and len(data) > limit:
                raise Rejected(f"The file is larger than {limit} bytes.")
            file = File(
                id=str(self._number()),
                author=author,
                created=self.now if created is None else created,
                name=self._limited("name", name),
                data=bytes(data),
                content_type=content_type,
                private=private and self.knobs.private_comments,
                comment=comment,
                key=key if ATTACHMENT in self.knobs.keys else "",
            )
            item.attachments.append(file)
            self._touch(item)
            self._wrote(item, author, [])
            return file.id

    def delete(self, author: str, ticket: str, *, version: str = "") -> None:
        """Deletes a ticket; its tombstone is told if the knobs say so."""
        with self.lock:
            item = self._open(author, ticket, "delete", TICKET, version)
            self._end(item, author, "")
            self.deleted(item, author)

    def delete_comment(self, author: str, ticket: str, comment: str) -> None:
        """Takes a comment away."""
        with self.lock:
            item = self._open(author, ticket, "delete", COMMENT)
            item.comments.remove(_one(item.comments, comment))
            self._touch(item)
            self._wrote(item, author, [])

    def delete_attachment(self, author: str, ticket: str, attachment: str) -> None:
        """Takes an attachment away."""
        with self.lock:
            item = self._open(author, ticket, "delete", ATTACHMENT)
            item.attachments.remove(_one(item.attachments, attachment))
            self._touch(item)
            self._wrote(item, author, [])

    def merge(self, author: str, ticket: str, into: str) -> None:
        """Makes a ticket part of another: its comments and files move, its number points there."""
        with self.lock:
            item, other = self._open(author, ticket, "update", TICKET), self._visible(into)
            other.comments += item.comments
            other.attachments += item.attachments
            item.comments, item.attachments = [], []
            self._touch(other)
            self._end(item, author, into)

    def hide(self, ticket: str, *, hidden: bool = True) -> None:
        """Takes the hub's right to see a ticket, or gives it back. Changes nothing else."""
        with self.lock:
            self.items[ticket].hidden = hidden

    # --- reading -------------------------------------------------------------------------------

    def listing(self, since: int | None = None) -> list[tuple[int, Item]]:
        """Returns (stamp, item) of what changed since a stamp, in the tracker's order.

        A stamp is a second rounded down to the granularity, or the number of the change where the
        granularity is 0.  Hidden tickets are left out, deleted ones too unless they are told.
        """
        with self.lock:
            found = []
            for item in self.items.values():
                if item.hidden or (item.gone and not self.knobs.tombstones):
                    continue
                stamp = self._indexed(item)
                if stamp is None:
                    continue
                if since is None or (stamp >= since if self.knobs.inclusive else stamp > since):
                    found.append((stamp, item))
            found.sort(key=lambda f: (f[0] if self.knobs.ordered else 0, f[1].number))
            return found

    def stamp(self) -> int:
        """Returns the tracker's word for the present in `listing`: what has a later one is to come."""
        if self.knobs.lag and not self.knobs.granularity:
            return max((self._indexed(item) or 0 for item in self.items.values()), default=0)
        return self._rounded((self.now, self._changes))

    def ticket(self, ticket: str) -> Ticket | Gone:
        """Returns a ticket as the hub's account sees it.

        Raises:
            NotFound: There is none, it is hidden, or it was deleted and that is not told.
        """
        with self.lock:
            item = self.items.get(ticket)
            if item is None or item.hidden or (item.gone and not self.knobs.tombstones):
                raise NotFound(f"Ticket {ticket} does not exist.", status=404)
            ref = Ref(id=ticket)
            self.read(ref)
            if item.gone:
                author, second = item.gone
                return Gone(
                    ref=ref,
                    author=self.person(author),
                    created=instant(second),
                    merged_into=item.merged_into,
                )
            if item.before and self.now < item.updated + self.knobs.stale:
                return item.before
            return self._shown(item)

    def data(self, ticket: str, attachment: str) -> bytes:
        """Returns the bytes of an attachment."""
        with self.lock:
            return _one(self._visible(ticket).attachments, attachment).data

    def find(self, kind: str, key: str, ticket: str = "") -> Ref | None:
        """Returns the item that carries the key: never through the index that lags."""
        with self.lock:
            if not key:
                return None
            for item in self.items.values():
                if item.gone or item.hidden or (ticket and item.id != ticket):
                    continue
                if kind == TICKET and item.key == key:
                    return Ref(id=item.id)
                inner: list[Note] | list[File] = []
                if kind in (COMMENT, ATTACHMENT):
                    inner = item.comments if kind == COMMENT else item.attachments
                for part in inner:
                    if part.key == key:
                        return Ref(kind=kind, id=part.id, ticket=item.id)
            return None

    def person(self, login: str) -> Person:
        """Returns what the tracker knows of a login."""
        return self.users.get(login) or Person(id=login)

    def tells(self, event: Event) -> bool:
        """Tells whether the hub gets to see an event."""
        if self.knobs.history is History.PARTIAL:
            return int(event.id) % _UNTOLD != 0
        return self.knobs.history is History.FULL

    # --- the oracle looks in here; a tracker does nothing of its own ----------------------------

    def born(self, item: Item) -> None:
        """Called when a ticket was made, its fields in place."""

    def put(
        self, item: Item, field: str, member: str, old: str | None, new: str | None, author: str
    ) -> None:
        """Called for every value written, equal ones too; members go from and to `PRESENT`."""

    def told(self, item: Item, event: Event) -> None:
        """Called when an event was added, after its `put`s."""

    def deleted(self, item: Item, author: str) -> None:
        """Called when a ticket was deleted (not merged)."""

    def read(self, ref: Ref) -> None:
        """Called before a ticket is shown to the hub's account."""

    # --- within --------------------------------------------------------------------------------

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _may(self, author: str, verb: str, kind: str) -> None:
        if author == ACCOUNT and (verb, kind) in self.denied:
            raise Rejected(f"Permission to {verb} a {kind} was denied.", status=403)

    def _visible(self, ticket: str) -> Item:
        item = self.items.get(ticket)
        if item is None or item.hidden:
            raise NotFound(f"Ticket {ticket} does not exist.", status=404)
        return item

    def _open(self, author: str, ticket: str, verb: str, kind: str, version: str = "") -> Item:
        """Returns an item that may be written, having kept what it showed for stale reads."""
        self._may(author, verb, kind)
        item = self.items.get(ticket)
        if item is None or (item.hidden and author == ACCOUNT):
            raise NotFound(f"Ticket {ticket} does not exist.", status=404)
        if item.gone:
            raise Stale(f"Ticket {ticket} was deleted.", status=410)
        if version and self.knobs.conditional and version != str(item.version):
            raise Stale(f"Ticket {ticket} is at version {item.version}.", status=412)
        if self.knobs.stale:
            item.before = self._shown(item)
        return item

    def _end(self, item: Item, author: str, into: str) -> None:
        item.gone = author, self.now
        item.merged_into = into
        self._touch(item)
        self.writes += 1

    def _touch(self, item: Item) -> None:
        self._changes += 1
        item.version += 1
        item.stamps.append((self.now, self._changes))
        item.shown = None

    def _wrote(self, item: Item, author: str, texts: list[str]) -> None:
        self.writes += 1
        if self.knobs.mentions:
            for text in texts:
                self.notified += [
                    (login, item.id, "mention")
                    for login in _MENTION.findall(text)
                    if login in self.users and login != author
                ]
        if self.knobs.notifies:
            owner = item.fields.get("owner")
            for login in {item.author, owner} - {author, None}:
                self.notified.append((str(login), item.id, "watcher"))
        if author == ACCOUNT and self.after_write:
            self.after_write(item)

    def _plain(
        self, item: Item, author: str, changes: Mapping[str, str | None]
    ) -> list[FieldChange | SetChange]:
        checked = {}
        for name, value in changes.items():  # all are checked before one is written
            if author == ACCOUNT and value in self.knobs.refuses:
                continue
            checked[name] = value and self._checked(item, name, value)
            if not value and name in self.knobs.required:
                raise Rejected(f"{name} is required.")
        told: list[FieldChange | SetChange] = []
        for name, value in checked.items():
            old = item.fields.get(name)
            new = value or None
            if isinstance(old, frozenset):
                raise Rejected(f"{name} is a set.")
            if old != new:
                told.append(FieldChange(field=name, old=old, new=new))
                if new is None:
                    del item.fields[name]
                else:
                    item.fields[name] = new
            self.put(item, name, "", old, new, author)
        return told

    def _wanted(
        self, item: Item, author: str, added: Mapping[str, frozenset[str]],
        removed: Mapping[str, frozenset[str]],
    ) -> dict[str, tuple[frozenset[str], frozenset[str]]]:  # fmt: skip
        """Returns per set which members shall come and leave, all of them checked."""
        wanted = {}
        for name in dict.fromkeys([*added, *removed]):
            come = added.get(name, frozenset())
            if author == ACCOUNT:
                come -= self.knobs.refuses
            for member in come:
                self._checked(item, name, member)
            wanted[name] = come, removed.get(name, frozenset()) - come
        return wanted

    def _sets(
        self, item: Item, author: str, wanted: Mapping[str, tuple[frozenset[str], frozenset[str]]]
    ) -> list[FieldChange | SetChange]:
        told: list[FieldChange | SetChange] = []
        for name, (come, leave) in wanted.items():
            old = _members(item.fields.get(name))
            new = (old | come) - leave
            if new:
                item.fields[name] = new
            else:
                item.fields.pop(name, None)
            if new != old:
                told.append(SetChange(field=name, added=new - old, removed=old - new))
            for member in sorted(come | leave):
                was = PRESENT if member in old else None
                self.put(item, name, member, was, PRESENT if member in new else None, author)
        return told

    def _taken(self, author: str, name: str, value: Value) -> Value | None:
        """Returns a new ticket's value as it is stored, None if it is dropped in silence."""
        if isinstance(value, frozenset):
            kept = value - self.knobs.refuses if author == ACCOUNT else value
            for member in kept:
                self._checked(None, name, member)
            return kept or None
        if author == ACCOUNT and value in self.knobs.refuses:
            return None
        return self._checked(None, name, value) if value else None

    def _checked(self, item: Item | None, name: str, value: str) -> str:
        allowed = self.knobs.allowed.get(name)
        if allowed is not None and value not in allowed:
            raise Rejected(f"{value!r} is no value of {name}.", status=422)
        if name in self.knobs.links and value not in self.items:
            raise Rejected(f"{name}: there is no ticket {value}.", status=422)
        present = item.fields.get(name) if item else None
        ways = self.knobs.transitions.get(name, {})
        if (
            isinstance(present, str)
            and present != value
            and value not in ways.get(present, (value,))
        ):
            raise Rejected(f"{name} does not go from {present!r} to {value!r}.", status=422)
        return self._limited(name, self._rendered(name, value))

    def _rendered(self, name: str, value: str) -> str:
        return self.knobs.render(name, value) if self.knobs.render else value

    def _limited(self, name: str, value: str) -> str:
        limit = self.knobs.limits.get(name)
        if limit is None or len(value) <= limit:
            return value
        if self.knobs.cuts:
            return value[:limit]
        raise Rejected(f"{name} is longer than {limit} characters.", status=422)

    def _event(self, author: str, changes: list[FieldChange | SetChange]) -> Event:
        return Event(
            id=str(self._number()),
            author=self.person(author),
            created=instant(self.now),
            changes=tuple(changes),
        )

    def _rounded(self, stamp: tuple[int, int]) -> int:
        second, change = stamp
        grain = self.knobs.granularity
        return second // grain * grain if grain else change

    def _indexed(self, item: Item) -> int | None:
        """Returns the newest stamp that has reached the listings."""
        if not self.knobs.lag:
            return self._rounded(item.stamps[-1])
        late = self.now - self.knobs.lag
        reached = [stamp for stamp in item.stamps if stamp[0] <= late]
        return self._rounded(reached[-1]) if reached else None

    def _shown(self, item: Item) -> Ticket:
        if item.shown and item.shown[0] == item.version and item.shown[1] is self.knobs:
            return item.shown[2]
        events = tuple(e for e in item.events if self.tells(e))
        ticket = Ticket(
            ref=Ref(id=item.id),
            author=self.person(item.author),
            created=instant(item.created),
            updated=instant(item.updated),
            fields=dict(item.fields),
            events=events,
            comments=tuple(self._comment(item, note) for note in item.comments),
            attachments=tuple(self._attachment(item, file) for file in item.attachments),
            people=self._people(item),
            key=item.key,
            version=str(item.version) if self.knobs.conditional else "",
            private=item.private,
        )
        item.shown = item.version, self.knobs, ticket
        return ticket

    def _comment(self, item: Item, note: Note) -> Comment:
        return Comment(
            ref=Ref(kind=COMMENT, id=note.id, ticket=item.id),
            author=self.person(note.author),
            created=instant(note.created),
            body=note.body,
            private=note.private,
            updated=None if note.updated is None else instant(note.updated),
            key=note.key,
        )

    def _attachment(self, item: Item, file: File) -> Attachment:
        return Attachment(
            ref=Ref(kind=ATTACHMENT, id=file.id, ticket=item.id),
            author=self.person(file.author),
            created=instant(file.created),
            name=file.name,
            content_type=file.content_type,
            size=len(file.data),
            private=file.private,
            comment=file.comment,
            key=file.key,
        )

    def _people(self, item: Item) -> dict[str, Person]:
        named = {item.author, *(e.author.id for e in item.events)}
        named |= {note.author for note in item.comments} | {
            file.author for file in item.attachments
        }
        for value in item.fields.values():
            named |= value if isinstance(value, frozenset) else {value}
        return {login: self.users[login] for login in named if login in self.users}


_Part = TypeVar("_Part", Note, File)


def _members(value: Value | None) -> frozenset[str]:
    if value is None:
        return frozenset()
    return value if isinstance(value, frozenset) else frozenset({value})


def _one(parts: list[_Part], name: str) -> _Part:
    for part in parts:
        if part.id == name:
            return part
    raise NotFound(f"There is no item {name}.", status=404)


def _opaque(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:10]
