"""A tracker in memory: what stands behind every fake, and what the bridge is tried against.

Persons and the hub's own account use the same doors (`create`, `update`, `comment` ...), each of
which names its author first.  Time is `now`, the tracker's own whole seconds, turned by tests
alone.  What differs between real trackers is a `Knobs`; what a test wants to know of every change
is a hook (`born`, `put`, `told`, `deleted`, `read`) that a subclass overrides.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping

from prophet_hub.errors import NotFound, Rejected, Stale
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Event,
    FieldChange,
    SetChange,
    Value,
)
from prophet_hub.testing.faults import Script
from prophet_hub.testing.items import ACCOUNT, EPOCH, File, Item, Knobs, Note, instant
from prophet_hub.testing.manners import cut, demanded, dropped, members, taken, wanted
from prophet_hub.testing.shelf import Shelf, one
from prophet_hub.values import PRESENT

__all__ = ["ACCOUNT", "EPOCH", "File", "Item", "Knobs", "Note", "Tracker", "instant"]

_MENTION = re.compile(r"(?<![\w@])@([\w.-]*\w)")


class Tracker(Shelf):
    """A foreign server in memory; every door may be used from several threads.

    Attributes:
        writes: How many changes were made, by anyone.
        requests: How many requests arrived; counted by the connector or the fake above.
        notified: (login, ticket id, `mention` or `watcher`) of every mail that was sent.
        denied: (verb, kind) pairs that the hub's account may no longer do.
        faults: What shall go wrong with requests that arrive without a wire (`MemoryConnector`).
        after_write: Automation: called after each write of the hub's account.
    """

    def __init__(self, name: str = "tracker", knobs: Knobs | None = None) -> None:
        super().__init__(name, knobs)
        self.writes = 0
        self.requests = 0
        self.notified: list[tuple[str, str, str]] = []
        self.denied: set[tuple[str, str]] = set()
        self.faults = Script()
        self.after_write: Callable[[Item], None] | None = None

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
            kept = {
                name: taken(self.knobs, self.items, author, name, None, value)
                for name, value in fields.items()
            }
            demanded(self.knobs, {}, kept)
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
                    leave[name] = members(item.fields.get(name)) - value
                else:
                    plain[name] = value
            known, held = self.items, item.fields
            fields = {
                name: taken(self.knobs, known, author, name, held.get(name), value)
                for name, value in plain.items()
                if not dropped(self.knobs, author, value)
            }
            sets = wanted(self.knobs, known, author, come, leave)
            demanded(self.knobs, held, {**fields, **_after(held, sets)})
            told = [*self._plain(item, author, fields), *self._sets(item, author, sets)]
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
                body=cut(self.knobs, "body", body),
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
            note = one(item.comments, comment)
            note.body = cut(self.knobs, "body", body)
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
                name=cut(self.knobs, "name", name),
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
            item.comments.remove(one(item.comments, comment))
            self._touch(item)
            self._wrote(item, author, [])

    def delete_attachment(self, author: str, ticket: str, attachment: str) -> None:
        """Takes an attachment away."""
        with self.lock:
            item = self._open(author, ticket, "delete", ATTACHMENT)
            item.attachments.remove(one(item.attachments, attachment))
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

    def restore(self, author: str, ticket: str) -> None:
        """Brings a deleted ticket back as it was; one that stands is left alone."""
        item = self.items[ticket]
        if item.gone and not item.merged_into:
            item.gone = None
            self._touch(item)
            self._wrote(item, author, [])

    def hide(self, ticket: str, *, hidden: bool = True) -> None:
        """Takes the hub's right to see a ticket, or gives it back. Changes nothing else."""
        self.items[ticket].hidden = hidden
        self._hidings += 1

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

    # --- within --------------------------------------------------------------------------------

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _may(self, author: str, verb: str, kind: str) -> None:
        if author == ACCOUNT and (verb, kind) in self.denied:
            raise Rejected(f"Permission to {verb} a {kind} was denied.", status=403)

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
        self, item: Item, author: str, changes: Mapping[str, Value | None]
    ) -> list[FieldChange | SetChange]:
        """Writes single-valued fields, all of which were checked."""
        told: list[FieldChange | SetChange] = []
        for name, new in changes.items():
            old = item.fields.get(name)
            if isinstance(old, frozenset) or isinstance(new, frozenset):
                raise Rejected(f"{name} is a set.", status=422)
            if old != new:
                told.append(FieldChange(field=name, old=old, new=new))
                if new is None:
                    del item.fields[name]
                else:
                    item.fields[name] = new
            self.put(item, name, "", old, new, author)
        return told

    def _sets(
        self, item: Item, author: str, changes: Mapping[str, tuple[frozenset[str], frozenset[str]]]
    ) -> list[FieldChange | SetChange]:
        """Lets members come and leave, all of whom were checked."""
        told: list[FieldChange | SetChange] = []
        for name, (come, leave) in changes.items():
            old = members(item.fields.get(name))
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

    def _event(self, author: str, changes: list[FieldChange | SetChange]) -> Event:
        return Event(
            id=str(self._number()),
            author=self.person(author),
            created=instant(self.now),
            changes=tuple(changes),
        )


def _after(
    held: Mapping[str, Value], sets: Mapping[str, tuple[frozenset[str], frozenset[str]]]
) -> dict[str, Value | None]:
    """Returns the sets as they will be."""
    return {
        name: (members(held.get(name)) | come) - leave or None
        for name, (come, leave) in sets.items()
    }


def _opaque(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:10]
