"""What a job may create in a remote: what its query told elsewhere, and what the database made."""

from __future__ import annotations

from collections.abc import Collection

from prophet_hub.foreign.plans import Cells
from prophet_hub.foreign.side import Side
from prophet_hub.model.ids import RecordId, TrackerId, is_of_item
from prophet_hub.sdk import ATTACHMENT, TICKET
from prophet_hub.values import Stored

__all__ = ["in_scope", "is_here", "too_large"]


def in_scope(side: Side, record: RecordId, sources: Collection[tuple[TrackerId, str]]) -> bool:
    """Tells whether the job's query told a ticket in another remote, or it is the job's own.

    `sources` are the trackers that count, with the name under which it is noted what was told.

    The job's own is what was made in a database, if the job takes that: no tracker's item has such
    a name, so what another job's tracker told is never taken for it.
    """
    if side.spec.local:
        for member in side.replica.members(record):
            if not is_of_item(member) and side.replica.knows(member):
                return True
    return any(
        side.ledger.in_scope(view, tracker, row.ref)
        for _, row in side.items(record)
        for tracker, view in sources
        if row.kind == TICKET and row.tracker == tracker
    )


def is_here(side: Side, kind: str, cells: Cells) -> bool:
    """Tells whether what would be sent is here: a peer may tell of a file and not have brought it."""
    content = cells.get(("content", ""))
    stored = content.shown if kind == ATTACHMENT and content else None
    return not isinstance(stored, Stored) or side.replica.store.blobs.has(stored)


def too_large(side: Side, kind: str, cells: Cells) -> str:
    """Returns the sentence on an attachment that is larger than a remote takes, "" for any other."""
    limit, size = side.spec.attachment_limit, cells.get(("size", ""))
    if kind != ATTACHMENT or limit is None or size is None:
        return ""
    if int(side.text(size.shown) or 0) <= limit:
        return ""
    return f"The attachment is larger than {limit:,} bytes, which is the limit here."
