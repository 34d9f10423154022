"""What a connector promises, and what it found in the tracker: spec 1, as `messages`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

__all__ = ["Capabilities", "History", "Schema", "SchemaField"]


class History(StrEnum):
    """How much of a ticket's story the tracker tells."""

    FULL = "full"  # every change of every mapped field is an event with author, time and id
    PARTIAL = "partial"  # some are
    NONE = "none"  # the ticket as it is now, and no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Promises of a connector, each of which the contract tests.

    Attributes:
        history: How much of the story is told.
        writes: (verb, kind) pairs: ("create", "ticket"), ("update", "comment") ...
        granularity: Of "changed since"; zero where the cursor is an exact counter.
        overlap: How far back of the cursor the connector itself asks again.
        ordered: Whether `changed` tells older changes first, so that a checkpoint can come early.
        conditional: Whether `Update.version` is compared by the tracker itself.
        keys: Kinds whose items carry the hub's key inside.
        impersonation: Whether `Create.author` and `created` are taken over.
        private_comments: Whether comments can be kept from the wider audience.
        attachment_limit: In bytes, None for no limit known.
        comment_limit: In characters, None for no limit known.
        streams: Whether attachments pass without being held in memory.
        mentions: Whether `@name` in a text notifies somebody.
        notifies: Whether writes send mail to people.
        concurrency: How many tickets may be fetched at once.
        tombstones: Whether deletions are told.
        dialects: The markups that long texts may be written in, the best first; the hub converts
            what is in none of them (`sdk.markup` names those it knows).
    """

    history: History
    writes: frozenset[tuple[str, str]] = frozenset()
    granularity: timedelta = timedelta(seconds=1)
    overlap: timedelta = timedelta(0)
    ordered: bool = False
    conditional: bool = False
    keys: frozenset[str] = frozenset()
    impersonation: bool = False
    private_comments: bool = False
    attachment_limit: int | None = None
    comment_limit: int | None = None
    streams: bool = False
    mentions: bool = False
    notifies: bool = False
    concurrency: int = 4
    tombstones: bool = False
    dialects: tuple[str, ...] = ("plain",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaField:
    """A field as found in the tracker; `values` is empty where any text goes."""

    name: str
    label: str = ""
    values: tuple[str, ...] = ()
    required: bool = False
    writable: bool = True
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What `describe` found.

    Attributes:
        transitions: From a status to those it can reach in one step; empty where any goes to any.
        requires: From a status to the fields that the tracker demands of whoever enters it.
        permissions: Words for what the account may do: `read`, `create`, `update`, `comment`,
            `attach`, `delete`; empty where the tracker does not tell.
    """

    product: str = ""
    version: str = ""
    projects: tuple[str, ...] = ()
    fields: tuple[SchemaField, ...] = ()
    statuses: tuple[str, ...] = ()
    transitions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requires: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    permissions: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
