"""The record types that every database has, in the neutral words that the bridge carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prophet_hub.model.schema import Property, RecordType

__all__ = ["ATTACHMENT", "BUILT_IN", "CLOSED", "COMMENT", "STATUSES", "TICKET"]

STATUSES: Final = ("new", "open", "stalled", "resolved", "rejected", "duplicate")
"""The neutral statuses; a database may have others besides."""

CLOSED: Final = ("resolved", "rejected", "duplicate")
"""Those in which nobody works on a ticket any more."""

TICKET: Final = RecordType(
    name="ticket",
    help="Something to be done.",
    properties=(
        Property(name="summary", required=True, help="One line."),
        Property(name="status", kind="word", values=STATUSES, default="new", required=True,
                 synonyms={"closed": "resolved", "done": "resolved", "fixed": "resolved",
                           "wontfix": "rejected"}),
        Property(name="component", kind="word"),
        Property(name="milestone", kind="word"),
        Property(name="type", kind="word", recommended=("bug", "feature", "task")),
        Property(name="priority", kind="word", recommended=("low", "normal", "high", "urgent")),
        Property(name="severity", kind="word"),
        Property(name="resolution", kind="word"),
        Property(name="version", kind="word"),
        Property(name="owner", kind="person", help="Whose it is: an e-mail address, or me."),
        Property(name="reporter", kind="person", default="$author"),
        Property(name="cc", kind="person", many=True),
        Property(name="labels", kind="word", many=True),
        Property(name="due", kind="day"),
        Property(name="created", kind="instant", default="$now", fixed=True),
        Property(name="completed", kind="day"),
        Property(name="estimate", kind="minutes"),
        Property(name="spent", kind="minutes"),
        *(Property(name=name, kind="word", many=True, reference="ticket")
          for name in ("depends_on", "blocks", "parent", "duplicate_of", "related")),
        Property(name="private", kind="yes"),
        Property(name="description", kind="long"),
    ),
)  # fmt: skip

_BELONGING: Final = (
    Property(name="author", kind="person", default="$author"),
    Property(name="created", kind="instant", default="$now", fixed=True),
    Property(name="private", kind="yes", default="no"),
    Property(name="ticket", kind="word", required=True, reference="*"),
)

COMMENT: Final = RecordType(
    name="comment",
    help="What somebody says of a ticket.",
    properties=(Property(name="body", kind="long", required=True), *_BELONGING),
)

ATTACHMENT: Final = RecordType(
    name="attachment",
    help="A file that belongs to a ticket.",
    properties=(
        Property(name="name", required=True),
        Property(name="content_type", kind="word", default="application/octet-stream"),
        *_BELONGING,
    ),
)

BUILT_IN: Final[Mapping[str, RecordType]] = {one.name: one for one in (TICKET, COMMENT, ATTACHMENT)}
