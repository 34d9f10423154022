"""Between a tracker's words and ours: field table, values, sets, persons, links, mentions.

Reading turns a ticket, a comment or an attachment into one shape, a `Telling`: slots in the
tracker's own words and a story.  What the rest of the bridge decides it decides on that shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from prophet_hub.foreign.mentions import heard, muted
from prophet_hub.foreign.rows import slot
from prophet_hub.foreign.texts import PLAIN, Passage
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Attachment,
    Comment,
    Field,
    FieldChange,
    FieldMap,
    Kind,
    Person,
    SetChange,
    Ticket,
)
from prophet_hub.sdk import Value as Told
from prophet_hub.values import PRESENT, instant_text, to_micros

__all__ = [
    "CLOSED",
    "Step",
    "Stranger",
    "Telling",
    "Unsaid",
    "Words",
    "read_attachment",
    "read_comment",
    "read_ticket",
    "slots",
    "tables",
]

CLOSED: Final = frozenset({"resolved", "rejected", "duplicate"})
"""Our words for statuses in which nobody works on a ticket any more."""


def _fixed(name: str) -> Field:
    return Field(theirs=name, ours=name.lstrip("*"), writable=False, on_create=False)


def _loose(text: str) -> str:
    """Line ends and blanks at the end are no part of what was said."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


_BODY: Final = Field(theirs="body", ours="body", kind=Kind.LONG, canon=_loose)
_COMMENT: Final = ("author", "created", "private", "dialect", "ticket")
_ATTACHMENT: Final = (
    *("author", "created", "private", "name", "content_type"),
    *("size", "sha256", "content", "ticket"),
)
_TICKET_ITSELF: Final = (_fixed("*private"), _fixed("*dialect"))

_LINE: Final = 400
"""Characters of a comment that are kept free for its attribution line."""


def tables(fields: FieldMap, comment_limit: int | None) -> Mapping[str, FieldMap]:
    """Returns the tables of a remote's items by kind: its own for tickets, with the rows that every
    ticket has, and those of comments and attachments, which are the same for every tracker.
    """
    limit = max(comment_limit - _LINE, 1) if comment_limit else None
    return {
        TICKET: FieldMap([*fields, *(row for row in _TICKET_ITSELF if not fields.ours(row.ours))]),
        COMMENT: FieldMap([replace(_BODY, limit=limit), *map(_fixed, _COMMENT)]),
        ATTACHMENT: FieldMap(map(_fixed, _ATTACHMENT)),
    }


class Unsaid(Exception):
    """A value that this tracker has no word for now; it waits quietly and clears nothing."""


class Stranger(Unsaid):
    """A person whom this tracker does not know; somebody may name them in the people file."""

    def __init__(self, word: str) -> None:
        super().__init__(f"nobody here is known as {word}")
        self.word = word


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event: what it did to the slots, in the tracker's words."""

    id: str
    author: Person
    created: int
    changes: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An item as the tracker tells it now, in slots, with its story.

    Attributes:
        fields: By slot; absent is no key.
        key: The hub's own key that the item carries, "" if none.
        author: Who made it; by an attribution line if that is believed.
        dialect: The markup of its texts.
        private: Unknown counts as private.
        reachable: The statuses that it offers, None where it does not tell.
    """

    kind: str
    ref: str
    ticket: str = ""
    author: Person
    created: int
    updated: int
    fields: Mapping[str, str]
    steps: tuple[Step, ...] = ()
    key: str = ""
    version: str = ""
    event: str = ""
    dialect: str = PLAIN
    private: bool = False
    reachable: frozenset[str] | None = None
    story: Mapping[str, list[Step]] = field(default_factory=dict)


def read_ticket(ticket: Ticket, fields: FieldMap) -> Telling:
    """Returns a ticket in slots; fields that the table does not have are left alone."""
    now = slots(ticket.fields, fields)
    if ticket.private is not False:
        now["*private"] = "yes" if ticket.private else "unknown"
    if ticket.dialect != PLAIN:
        now["*dialect"] = ticket.dialect
    steps, story = [], dict[str, list[Step]]()
    for event in ticket.events:
        changes = _changes(event.changes, fields)
        if changes:
            step = Step(id=event.id, author=event.author, created=to_micros(event.created),
                        changes=changes)  # fmt: skip
            steps.append(step)
            for name in changes:
                story.setdefault(name, []).append(step)
    return Telling(
        kind=TICKET, ref=ticket.ref.id, author=ticket.author, key=ticket.key,
        created=to_micros(ticket.created), updated=to_micros(ticket.updated),
        fields=now, steps=tuple(steps),
        version=ticket.version,
        dialect=ticket.dialect,
        private=ticket.private is not False,
        reachable=ticket.reachable,
        story=story,
    )  # fmt: skip


def slots(told: Mapping[str, Told], fields: FieldMap) -> dict[str, str]:
    """Returns fields as the tracker tells them in slots, those that the table has."""
    now: dict[str, str] = {}
    for name, value in told.items():
        row = fields.theirs(name)
        if row is None:
            continue
        if isinstance(value, frozenset):
            now.update({slot(name, member): PRESENT for member in value})
        elif value:
            now.update({slot(name, value): PRESENT} if row.kind.many else {name: value})
    return now


def _changes(
    changes: Iterable[FieldChange | SetChange], fields: FieldMap
) -> dict[str, tuple[str | None, str | None]]:
    told: dict[str, tuple[str | None, str | None]] = {}
    for change in changes:
        if fields.theirs(change.field) is None:
            continue
        if isinstance(change, SetChange):
            for member in change.added:
                told[slot(change.field, member)] = None, PRESENT
            for member in change.removed:
                told[slot(change.field, member)] = PRESENT, None
        else:
            told[change.field] = change.old or None, change.new or None
    return told


def read_comment(comment: Comment, ticket: str, *, body: str, author: str, dialect: str) -> Telling:
    """Returns a comment in slots.

    Args:
        comment: As the tracker tells it.
        ticket: The uuid text of its ticket's record.
        body: Without an attribution line.
        author: Our word for who wrote it.
        dialect: The markup of the text.
    """
    now = {
        "body": body,
        "author": author,
        "created": instant_text(comment.created),
        "private": _privacy(comment.private),
        "ticket": ticket,
    }
    if dialect not in {"", PLAIN}:
        now["dialect"] = dialect
    created = to_micros(comment.created)
    return Telling(
        kind=COMMENT,
        ref=comment.ref.id,
        ticket=comment.ref.ticket,
        author=comment.author,
        created=created,
        updated=to_micros(comment.updated) if comment.updated else created,
        fields={name: value for name, value in now.items() if value},
        key=comment.key,
        event=comment.event,
        dialect=dialect or PLAIN,
        private=comment.private is not False,
    )


def read_attachment(
    attachment: Attachment, ticket: str, *, author: str, name: str, sha256: str, size: int
) -> Telling:
    """Returns an attachment in slots; its content is named by its hash."""
    now = {
        "author": author,
        "created": instant_text(attachment.created),
        "private": _privacy(attachment.private),
        "ticket": ticket,
        "name": name,
        "content_type": attachment.content_type,
        "size": str(size),
        "sha256": sha256,
        "content": sha256,
    }
    created = to_micros(attachment.created)
    return Telling(
        kind=ATTACHMENT,
        ref=attachment.ref.id,
        ticket=attachment.ref.ticket,
        author=attachment.author,
        created=created,
        updated=created,
        fields=now,
        key=attachment.key,
        event=attachment.event,
        private=attachment.private is not False,
    )


def _privacy(private: bool | None) -> str:
    return {True: "yes", False: "no", None: "unknown"}[private]


_ONE_OF_A_FEW: Final = frozenset({Kind.WORD, Kind.WORDS})
_TEXTS: Final = frozenset({Kind.TEXT, Kind.LONG})
_MANY_WORDS: Final = frozenset({Kind.PERSON, Kind.PEOPLE})


class Words:
    """One remote's words for ours, and back.

    Attributes:
        person_in, person_out: A tracker's person id to our word, and back (None: nobody).
        link_in, link_out: A ticket id or URL to our word, and back (None: not there yet).
        mutes: Whether `@name` must not notify.
        passage: The way of the texts of one record, None where there is no record yet.
    """

    def __init__(
        self, *, person_in: Callable[[str], str], person_out: Callable[[str], str | None],
        link_in: Callable[[str], str], link_out: Callable[[str], str | None], mutes: bool,
        passage: Passage | None = None,
    ) -> None:  # fmt: skip
        self.person_in, self.person_out = person_in, person_out
        self.link_in, self.link_out = link_in, link_out
        self.mutes = mutes
        self.passage = passage

    def through(self, passage: Passage) -> Words:
        """Returns these words for one record."""
        return Words(
            person_in=self.person_in, person_out=self.person_out, link_in=self.link_in,
            link_out=self.link_out, mutes=self.mutes, passage=passage,
        )  # fmt: skip

    def decode(self, row: Field, theirs: str) -> str:
        """Returns our word for a tracker's word (for sets: for one member)."""
        word = row.decode(theirs)
        if word == theirs and row.canon and row.values:
            near = (ours for t, ours in row.values if row.same(t, theirs))
            word = next(near, theirs)
        if word == theirs and row.canon and row.kind in _ONE_OF_A_FEW:
            word = row.canon(theirs)
        if row.kind in _MANY_WORDS:
            return self.person_in(word)
        if row.kind is Kind.LINKS:
            return self.link_in(word)
        if row.kind not in _TEXTS:
            return word
        if self.passage:
            word = self.passage.rejoined(row, word, partial(self._said, row))
        word = heard(word)
        return self.passage.inward(row, word) if self.passage else word

    def encode(self, row: Field, ours: str) -> str:
        """Returns the tracker's word for ours.

        Raises:
            Unsaid: It has none now: an unknown person, a ticket that is not there.
        """
        if row.kind in _MANY_WORDS:
            person = self.person_out(ours)
            if person is None:
                raise Stranger(ours)
            return row.encode(person)
        if row.kind is Kind.LINKS:
            there = self.link_out(ours)
            if there is None:
                raise Unsaid("waits until the other ticket is here too")
            return row.encode(there)
        word = row.encode(ours)
        if row.kind not in _TEXTS:
            return word
        if self.passage:
            word = self.passage.outward(row, word)
        word = self._said(row, word)
        return self.passage.cut(row, word) if self.passage else word

    def _said(self, row: Field, word: str) -> str:
        """Returns a text in which nobody is called by name, where that would notify."""
        if not self.mutes:
            return word
        if self.passage:  # in code a sign is a sign, and in Textile it makes the code
            return self.passage.in_prose(row, word, muted)
        return muted(word)
