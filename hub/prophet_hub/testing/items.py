"""What a tracker holds and how it may differ from others: plain data, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Event, History, Ticket, Value

__all__ = ["ACCOUNT", "EPOCH", "File", "Item", "Knobs", "Note", "instant"]

ACCOUNT = "hub"
"""The login of the hub's own account."""

EPOCH = 1_700_000_000
"""Where a tracker's clock starts, in seconds since 1970."""


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
        doubled: Whether listings tell each ticket twice.
        answers: Whether the answer to a write shows the ticket.
        lag: Seconds until a change reaches the listings (never `find` or a read).
        overlap: Seconds by which a connector asks back of its cursor, the lag at least.
        stale: Seconds for which a read may show the ticket as it was before the last write.
        allowed: Field -> the only values it takes.
        transitions: Field -> value -> the values it may go to; a value not named goes anywhere.
        offers: Whether a ticket tells where its status may go from here.
        requires: Field -> value -> the fields that must hold something in whatever enters it.
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
        dialect: The markup of its texts.
        refers: Whether its texts refer to tickets, as `#12` or by an address.
        comment_limit: The most characters of a comment that a connector declares.
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
    doubled: bool = False
    answers: bool = False
    lag: int = 0
    overlap: int = 0
    stale: int = 0
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    transitions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    offers: bool = False
    requires: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
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
    dialect: str = "plain"
    refers: bool = False
    comment_limit: int | None = None


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
