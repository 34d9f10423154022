"""What a pull does first: creates without an answer are looked for, what is unsettled is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from prophet_hub.errors import NotFound
from prophet_hub.foreign.plans import new_ref
from prophet_hub.foreign.reader import Reader
from prophet_hub.foreign.rows import READ, UNDONE, WHOLE, Intent, Waiting
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.steps import Outcome
from prophet_hub.model import ids
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import ATTACHMENT, TICKET, Ref

__all__ = ["answered", "look", "missed", "never", "proves", "unsettled"]

_PATIENCE: Final = 10
"""Runs in which a ticket that could not be read is tried again, one after the other."""
_PAUSE: Final = 3_600_000_000
"""Microseconds from one try to the next after that."""


def look(reader: Reader) -> None:
    """Settles creates without an answer: looks for the key, never repeats blindly.

    Without a place for a key only a whole pull shows whether the ticket is there.
    """
    side = reader.side
    for (kind, record), intent in list(side.intents.items()):
        if intent.ref or kind not in side.able.keys:
            continue
        place = Ref(kind=kind, id="", ticket=intent.ticket)
        try:
            found = side.connector.find(place, ids.text(intent.key))
        except NotFound:
            found = None
        with side.transaction():
            if found is None:
                never(side, kind, record, intent)
            else:
                answered(reader, kind, record, intent, found.id)


def never(side: Side, kind: str, record: RecordId, intent: Intent) -> None:
    """A create never happened: the next plan makes it again."""
    side.audit.answered(intent.number, Outcome.NEVER, item="", now=side.now())
    side.set_intent(kind, record, None)
    side.ledger.look(record)


def proves(side: Side, intent: Intent) -> bool:
    """Tells whether a whole pull shows what became of a create without an answer: one without a
    query does, or one with the query of whoever made it; another job's may not tell the ticket.
    """
    mine = intent.view in {"", side.ledger.job} or not side.spec.query
    return not intent.ref and mine


def missed(side: Side) -> None:
    """Gives up the creates without an answer that a whole pull did not tell.

    What lists late, as its connector promises not to hide, may still tell them: until so much time
    has passed they wait.  A clock that was put back lets nothing wait.
    """
    late = side.able.overlap // timedelta(microseconds=1)
    for (kind, record), intent in list(side.intents.items()):
        if proves(side, intent) and not 0 <= side.now() - intent.created < late:
            never(side, kind, record, intent)


def unsettled(side: Side) -> Iterator[Ref]:
    """Yields the tickets with something under way, and those that could not be read before."""
    refs = dict[str, None]()
    limit = str(side.spec.attachment_limit)  # what was too large waits until this changes
    for kind, ref in sorted(side.under_way):
        shadow = side.ledger.shadow(kind, ref)
        refs[ref if kind == TICKET else shadow.ticket if shadow else ""] = None
    for (kind, _), intent in side.intents.items():
        refs[intent.ref if kind == TICKET else intent.ticket] = None
    for kind, ref, name, row in side.ledger.all_waiting():
        if name != WHOLE or row.pairing or not _is_due(side, row):
            continue
        if kind == TICKET and row.tag == READ:
            refs[ref] = None
        elif kind == ATTACHMENT and row.tag != UNDONE and not (row.parked and row.value == limit):
            refs[row.tag] = None
    for ref in refs:
        if ref and side.owns(TICKET, ref):
            yield Ref(id=ref)


def _is_due(side: Side, row: Waiting) -> bool:
    """Tells whether what could not be read is tried again now, without a word from a person."""
    more = row.tries - _PATIENCE
    return more < 0 or side.now() - row.since >= more * _PAUSE


def answered(reader: Reader, kind: str, record: RecordId, intent: Intent, ref: str) -> None:
    """Binds what a create made, at once, even if it is gone when it is read again."""
    side = reader.side
    side.set_intent(kind, record, msgspec.structs.replace(intent, ref=ref))
    for member in side.replica.members(record):
        reader.items.clear(*new_ref(kind, member), WHOLE)
    reader.items.bind(kind, ref, intent.ticket, record)
