"""What a connector tells the hub, and what the hub asks of it: frozen messages, spec 1.

All text is the tracker's own words; the hub translates.  Times are aware UTC, ids are text.  One
argument object per method: new needs become fields with defaults (design, section 6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "ATTACHMENT",
    "COMMENT",
    "LINK",
    "TICKET",
    "Attachment",
    "Checkpoint",
    "Comment",
    "Create",
    "Delete",
    "Event",
    "FieldChange",
    "Gone",
    "ListedTicket",
    "Operation",
    "Person",
    "Pull",
    "Receipt",
    "Ref",
    "SetChange",
    "Ticket",
    "Update",
    "Value",
]

TICKET, COMMENT, ATTACHMENT, LINK = "ticket", "comment", "attachment", "link"

Value = str | frozenset[str]
"""A field's text, or the members of a set-valued field. No value: the key is absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """The address of an item in one tracker.

    Attributes:
        kind: `TICKET`, `COMMENT` or `ATTACHMENT`.
        id: The tracker's own id, immutable where it has one that is; unique per kind.
        ticket: The ticket's id, for comments and attachments.
        url: Where a person can look at it; not part of the identity.
    """

    kind: str = TICKET
    id: str
    ticket: str = ""
    url: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone as the tracker knows them; `id` is what its fields hold, often a login."""

    id: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A single-valued field went from `old` to `new`; None is absent."""

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChange:
    """Members came into or left a set-valued field."""

    field: str
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of a ticket's story, in the tracker's own order.

    Attributes:
        id: Immutable and unique within the ticket; events of a ticket are told in order.
        author: Who did it; `Capabilities` says whether the hub can be somebody else.
        created: The tracker's clock.
        changes: At most one per field.
    """

    id: str
    author: Person
    created: datetime
    changes: tuple[FieldChange | SetChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment as it is now.

    Attributes:
        private: True, False, or None where the tracker does not tell: counts as private.
        dialect: The markup of `body`: `plain`, `markdown`, `html`, `textile`, `trac` ...
        key: The hub's own key, where the tracker carries one on comments, else "".
        event: The id of the event it came with, "" if none tells.
    """

    ref: Ref
    author: Person
    created: datetime
    body: str
    private: bool | None = False
    updated: datetime | None = None
    dialect: str = "plain"
    key: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file at a ticket; its bytes come from `Connector.content`.

    Attributes:
        size: In bytes, None where the tracker does not tell before reading.
        sha256: Hexadecimal, "" where the tracker does not tell.
        comment: The id of the comment it came with, "" if none.
    """

    ref: Ref
    author: Person
    created: datetime
    name: str
    content_type: str = "application/octet-stream"
    size: int | None = None
    sha256: str = ""
    private: bool | None = False
    comment: str = ""
    key: str = ""
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as it is now and, where the tracker keeps it, the story that led there.

    Attributes:
        author: Who created it; the hub's own account means that the hub may have.
        fields: The tracker's field names and its own words.
        events: Oldest first. With full history they explain every field back to the birth.
        comments: Oldest first, all of them.
        attachments: Oldest first, all of them.
        people: Details of the persons that the fields and authors name, by their id.
        key: The hub's own key, where the tracker carries one, else "".
        version: What `Update.version` compares with; "" where nothing does.
        dialect: The markup of the long texts.
        reachable: The statuses that the tracker offers from here, for this account; None where it
            does not tell, or any goes to any.
    """

    ref: Ref
    author: Person
    created: datetime
    updated: datetime
    fields: Mapping[str, Value]
    events: tuple[Event, ...] = ()
    comments: tuple[Comment, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    key: str = ""
    version: str = ""
    dialect: str = "plain"
    private: bool | None = False
    reachable: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A tombstone: the tracker says that the item was deleted. Absence is never told so.

    `merged_into` names the ticket that took this one's place, "" if none did: then it was not
    deleted but merged, and the hub deletes nothing.
    """

    ref: Ref
    author: Person | None = None
    created: datetime | None = None
    merged_into: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTicket:
    """A ticket as one line of a listing in pages: what it shows there, without its story.

    Attributes:
        told: The names of the fields that the listing tells of this ticket; one of them that is not
            among `fields` is absent from the ticket.  Of other fields nothing is known.
        fields: Their values, as `Ticket.fields` has them.
        updated: As `Ticket.updated`, None where the listing does not tell; it may be earlier than
            that where the listing's time does not move with everything.
        attachments: The ids of all attachments, None where the listing does not tell.
    """

    ref: Ref
    told: frozenset[str]
    fields: Mapping[str, Value]
    updated: datetime | None = None
    attachments: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All that came before this is told: a later pull may start from here.

    Attributes:
        cursor: Opaque to the hub; from the tracker's own clock or counter, never from ours.
        total: About how many tickets this pull has in all, None if unknown; for progress alone.
    """

    cursor: str
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """What to tell: everything that the query matches and that changed since the cursor.

    Attributes:
        since: The cursor of the last checkpoint, "" for everything.
        query: The tracker's own query language, "" for all that the account sees.
        known: Tells of a ticket's id whether this query has told it before.  A connector that
            sees changes of tickets which match no longer tells these too: the change by which a
            ticket left the query, closed it perhaps, is news.
    """

    since: str = ""
    query: str = ""
    known: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Create an item.

    Attributes:
        ref: kind, and for comments and attachments the ticket; `ref.id` is "".
        fields: Their words; for a comment `{"body": ...}`, for an attachment `{"name": ...,
            "content_type": ...}`.
        private: Whether a comment or attachment must not reach the wider audience.
        key: To be carried inside the item where the tracker can.
        size: Of the content, in bytes (attachments).
        content: Opens the content; may be called again for a retry (attachments).
        author, created: Said to trackers that can impersonate, ignored elsewhere.
        dialect: The markup of the texts.
    """

    ref: Ref
    fields: Mapping[str, Value]
    private: bool = False
    key: str = ""
    size: int = 0
    content: Callable[[], Iterator[bytes]] | None = None
    author: Person | None = None
    created: datetime | None = None
    dialect: str = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Change fields of an item; a field with value None is cleared.

    Attributes:
        changes: Single-valued fields, their words.
        added, removed: Members of set-valued fields.
        before: What the hub believes the touched fields hold, for trackers that can compare.
        version: The version read just before; the connector compares and sets where it can.
        dialect: The markup of the long texts among the changes, as the item was told in.
    """

    ref: Ref
    changes: Mapping[str, str | None] = field(default_factory=dict)
    added: Mapping[str, frozenset[str]] = field(default_factory=dict)
    removed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    before: Mapping[str, Value] = field(default_factory=dict)
    version: str = ""
    dialect: str = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete an item."""

    ref: Ref
    version: str = ""


Operation = Create | Update | Delete


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The tracker's answer to an operation: it proves nothing but the ref.

    Attributes:
        ref: The item; after a create with its new id.
        ticket: The ticket as the answer showed it, None if it did not: the hub reads again.
        notes: Sentences of the tracker that a person should see.
    """

    ref: Ref
    ticket: Ticket | None = None
    notes: tuple[str, ...] = ()
