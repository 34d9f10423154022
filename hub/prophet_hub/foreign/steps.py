"""What passes between the bridge and the jobs above it: plain values, streamed upward.

A run is: `pull` each remote, settle, `plan` each remote (nothing is written before every plan is
complete), brakes, `apply`.  Each of the three is a generator of these values; nothing calls back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from prophet_hub.errors import HubError
from prophet_hub.foreign.fill import Fill
from prophet_hub.model.ids import RecordId, TrackerId
from prophet_hub.sdk import Connector, FieldMap, Person, Ref

__all__ = [
    "NOT_DONE",
    "Applied",
    "FieldPlan",
    "InboxItem",
    "Kept",
    "Outcome",
    "Part",
    "Planned",
    "Pulled",
    "RemoteSpec",
    "Verb",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of several remotes that are one tracker.

    Attributes:
        name: The remote's.
        views: Under which names it is noted what its queries told, in all jobs.
        here: Whether it is a remote of this job.
    """

    name: str
    views: tuple[str, ...]
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSpec:
    """A remote as one job uses it: all that the bridge needs to know of the configuration.

    Attributes:
        name: The remote's name in the job file, shown to people and in attribution lines.
        tracker: Its tracker id, which survives a moved address.
        account: The hub's own account there.
        fields: The connector's table, extended by the remote's maps and narrowed by the job.
        query: In the tracker's own language.
        pulls, pushes: The directions that the job allows.
        creates: Whether tickets may be created there.
        deletes: Whether a deletion elsewhere deletes there; else it waits in the inbox.
        attachments: Whether attachments are carried at all.
        attachment_limit: In bytes, the smaller of job and connector; None for none.
        audience: `private` where private comments may be sent to this remote at all.
        people: The remote's part of the people file: their person id -> e-mail address.
        pairing: What a first run does with tickets that exist on several sides: `certain` makes the
            pairs beyond doubt and asks for the others, `ask` asks for all, `off` makes none.
        fill: What is put into fields that are demanded and that a ticket says nothing of.
        local: Whether tickets that were made in the database itself, and told by no tracker, are
            created here.
        parts: Where other remotes of the job file are the same tracker, all of them; those of this job
            come first, and before them whoever creates.  None where it is the only one.
        view: Under which name the job's progress is noted where several of its remotes are this
            tracker, "" where it is the only one.
        concurrency: Tickets fetched at once.
        batch: Tickets per store transaction and checkpoint.
    """

    name: str
    tracker: TrackerId
    connector: Connector
    account: Person
    fields: FieldMap
    query: str = ""
    pulls: bool = True
    pushes: bool = True
    creates: bool = True
    deletes: bool = True
    attachments: bool = True
    attachment_limit: int | None = None
    audience: str = "public"
    people: Mapping[str, str] = field(default_factory=dict)
    pairing: str = "certain"
    fill: Fill = field(default_factory=Fill)
    local: bool = False
    parts: tuple[Part, ...] = ()
    view: str = ""
    concurrency: int = 4
    batch: int = 50


class Outcome(StrEnum):
    """What became of one item."""

    READ = "read"  # told something new
    SAME = "same"  # told nothing new; needed nothing any more
    GONE = "gone"  # a tombstone
    HELD = "held"  # waits because of a key of ours that it carries
    FAILED = "failed"  # waits in the inbox
    DONE = "done"  # written and confirmed
    REFUSED = "refused"  # the tracker took it in silence and did nothing: parked
    STALE = "stale"  # moved on under our hands; the next run looks again
    UNSURE = "unsure"  # no answer came; the next run looks first
    NEVER = "never"  # no answer came, and a later reading does not show it


NOT_DONE: Final = frozenset({Outcome.FAILED, Outcome.STALE, Outcome.NEVER})
"""What a write that surely did not happen came to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """One ticket told by a remote.

    Attributes:
        changes: How many cells it changed here.
        done, total: How many of this pull are recorded by now, and of how many; None if the
            tracker does not tell.
    """

    remote: str
    ref: Ref
    outcome: Outcome
    changes: int = 0
    error: HubError | None = None
    done: int = 0
    total: int | None = None


class Verb(StrEnum):
    """What a planned operation does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPlan:
    """One field of a planned operation, in their words.

    Attributes:
        ours: The neutral property.
        before: What the remote showed when last read, None for absent.
        after: What it would show.
        via: What is written before it, one after the other, on the way through the workflow.
        filled: A rule puts it in, for the tracker demands something and the ticket says nothing.
        going: The ticket was left on its way before.
        back: It was, and goes back to where it stood.
    """

    ours: str
    theirs: str
    before: str | None
    after: str | None
    via: tuple[str, ...] = ()
    filled: bool = False
    going: bool = False
    back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One operation that a remote needs, complete before anything is written.

    Attributes:
        record: The record as a whole names it.
        ref: The item, or for a create its kind and, if known, its ticket (id "" while the ticket
            itself is still to be created).
        title: The ticket's summary, for people.
        fields: Per field before and after.
        closes: An open ticket becomes a closed one by this (a create that arrives closed does not).
        notifies: Whether the tracker sends mail for it, as far as is known.
        requests: About what it costs.
    """

    remote: str
    verb: Verb
    record: RecordId
    ref: Ref
    title: str = ""
    fields: tuple[FieldPlan, ...] = ()
    closes: bool = False
    notifies: bool = False
    requests: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an undo cannot take back.

    Attributes:
        record: The record as a whole names it.
        slot: The field, `LIFE_SLOT` for the whole item.
        field: The neutral property, "" for the whole item.
        reason: A sentence.
    """

    remote: str
    ref: Ref
    record: RecordId
    title: str
    slot: str
    field: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a planned operation."""

    planned: Planned
    outcome: Outcome
    ref: Ref | None = None
    error: HubError | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """Something that waits, with its reason; it blocks only itself.

    Attributes:
        field: The neutral property, "" for the whole item.
        value: What could not be said, in their words.
        since, tries: For people; micros.
        pairing: For first-run pairing that wants a person: the other record, empty else.
        quiet: Noted, but nobody need look: it goes by itself, or it is kept back on purpose.
    """

    number: int
    remote: str
    kind: str
    ref: str
    record: RecordId | None
    field: str
    reason: str
    value: str = ""
    since: int = 0
    tries: int = 1
    pairing: str = ""
    quiet: bool = False
