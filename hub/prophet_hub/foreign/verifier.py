"""Looking a remote through: its listing in pages beside what was read of it; nothing is written.

Only what looks odd in the listing is asked for by itself, and whether the next sync would see it is
asked last: so what somebody does meanwhile is news and no riddle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Final

from prophet_hub.errors import HubError, NotFound, RemoteError
from prophet_hub.foreign.drift import Drift, Looked, Why, cause, differing
from prophet_hub.foreign.first import unsettled
from prophet_hub.foreign.planner import Planner
from prophet_hub.foreign.reader import Reader
from prophet_hub.foreign.rows import WHOLE, Shadow
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.soundness import broken, spoilt
from prophet_hub.foreign.steps import Planned, RemoteSpec, Verb
from prophet_hub.foreign.translate import Telling, read_ticket, slots
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Checkpoint,
    Gone,
    ListedTicket,
    Pull,
    Ref,
    Ticket,
)
from prophet_hub.values import to_micros

__all__ = ["ASKED", "Verifier"]

ASKED: Final = 100
"""Tickets of a remote that are asked for one by one at most, unless every one shall be."""

_Told = ListedTicket | Ticket | Gone | HubError
_Part = tuple[str, str, str, str | None, str | None]
"""Kind, id, our field, what stands in the base, what is shown."""


class Verifier:
    """One look at one remote.

    Args:
        side: The remote.
        reader: Of it.
        peers: The job's remotes, as for a plan.
        deep: Every ticket is read whole, and the files that are kept here are hashed.
    """

    def __init__(
        self, side: Side, reader: Reader, peers: Sequence[RemoteSpec], *, deep: bool
    ) -> None:
        self.side, self.ledger, self.reader = side, side.ledger, reader
        self.peers, self.deep = peers, deep
        self._listed: set[str] = set()
        self._asked = self._unasked = 0

    def run(self) -> Iterator[Drift | Looked]:
        """Yields every drift, then what was looked at.

        Raises:
            RemoteError: The remote cannot be read at all.
        """
        yield from broken(self.side)
        yield from self._noted()
        odd = [(ref, told) for ref, told in self._lines() if self._is_odd(ref, told)]
        for ref, told in odd:
            yield from self._judged(ref, told)
        yield from self._absent()
        if self.side.spec.pushes:
            yield from self._unwritten()
        if self.deep:
            yield from spoilt(self.side)
        yield Looked(
            remote=self.side.spec.name, listed=len(self._listed), asked=self._asked,
            unasked=self._unasked,
        )  # fmt: skip

    # --- what is noted already -------------------------------------------------------------------

    def _noted(self) -> Iterator[Drift]:
        """Yields what waits for a person, and what is under way."""
        for kind, ref, _, row in self.ledger.all_waiting():
            if not row.quiet:
                yield self._drift(Why.WAITS, kind, ref, field=row.field, base=row.value,
                                  reason=row.reason)  # fmt: skip
        for kind, ref in sorted(self.side.under_way):
            yield self._drift(Why.UNDER_WAY, kind, ref)
        for (kind, record), intent in self.side.intents.items():
            yield Drift(remote=self.side.spec.name, why=Why.UNDER_WAY, kind=kind, ref=intent.ref,
                        ticket=intent.ticket, record=record)  # fmt: skip

    @cached_property
    def _news(self) -> frozenset[str]:
        """The tickets that the next pull would read, by the very question that it would ask."""
        side, place = self.side, self.ledger.place()
        known = partial(self.ledger.in_scope, self.ledger.job, side.spec.tracker)
        asked = Pull(since=place.cursor, query=side.spec.query, known=known)
        told = {_ref(i).id for i in side.connector.changed(asked) if not isinstance(i, Checkpoint)}
        return frozenset({*told, *(ref.id for ref in unsettled(side))})

    def _waits(self, kind: str, ref: str) -> bool:
        """Tells whether the inbox has a line of the whole item, which says all that can be said."""
        if (kind, ref) not in self.side.waiting:
            return False
        row = self.ledger.waiting(kind, ref, WHOLE)
        return row is not None and not row.quiet

    # --- the listing -----------------------------------------------------------------------------

    def _lines(self) -> Iterator[tuple[str, _Told]]:
        """Yields each ticket that is listed, once, with what is told of it."""
        for item in self.side.connector.listed(Pull(query=self.side.spec.query)):
            ref = _ref(item)
            if ref.kind != TICKET or ref.id in self._listed:
                continue
            self._listed.add(ref.id)
            if isinstance(item, Ref) or (self.deep and isinstance(item, ListedTicket)):
                yield ref.id, self._ask(ref.id)
            else:
                yield ref.id, item

    def _is_odd(self, ref: str, told: _Told) -> bool:
        """Tells whether a ticket has to be looked at closely."""
        shadow = self.ledger.shadow(TICKET, ref)
        if isinstance(told, Gone):
            return shadow is not None and not _ended(shadow)
        if shadow is None or _ended(shadow) or isinstance(told, HubError):
            return True
        moved = isinstance(told, ListedTicket) and told.updated is not None and shadow.updated != 0
        if moved and told.updated and to_micros(told.updated) != shadow.updated:
            return True
        return any(self._differences(ref, shadow, told)) or self._is_outside(ref)

    def _is_outside(self, ref: str) -> bool:
        """Tells whether the query lists a ticket of strangers and never told it."""
        side = self.side
        if self.ledger.in_scope(self.ledger.job, side.spec.tracker, ref):
            return False
        row = self.ledger.item(side.record(TICKET, ref))
        return row is not None and row.born

    def _ask(self, ref: str) -> _Told:
        """Reads one ticket; an error that is its alone is what is told of it."""
        self._asked += 1
        try:
            return self.side.connector.ticket(Ref(id=ref))
        except RemoteError as error:
            if not error.alone:
                raise
            return error

    def _judged(self, ref: str, told: _Told) -> Iterator[Drift]:
        """Yields what is odd about one ticket, with why."""
        news, shadow = ref in self._news, self.ledger.shadow(TICKET, ref)
        if self._waits(TICKET, ref):
            return
        if isinstance(told, HubError):
            reason = "" if isinstance(told, NotFound) else f"could not be read: {told}"
            yield self._drift(Why.HIDDEN, TICKET, ref, reason=reason)
        elif isinstance(told, Gone):
            ended = Why.MERGED if told.merged_into else Why.GONE
            if shadow and not _ended(shadow):
                yield self._drift(Why.UNREAD if news else ended, TICKET, ref, shown="gone")
        elif shadow is None:
            if self.ledger.item(self.side.record(TICKET, ref)) is None:
                yield self._drift(Why.UNREAD if news else Why.NEW, TICKET, ref)
        elif _ended(shadow):
            yield self._drift(Why.UNREAD if news else Why.RETURNED, TICKET, ref)
        else:
            yield from self._compared(ref, shadow, told, news=news)

    def _compared(
        self, ref: str, shadow: Shadow, told: ListedTicket | Ticket, *, news: bool
    ) -> Iterator[Drift]:
        parts = list(self._differences(ref, shadow, told))
        at = to_micros(told.updated) if told.updated else 0
        if news and not parts and at > shadow.updated > 0:
            yield self._drift(Why.UNREAD, TICKET, ref)  # in what, the next sync tells
            return
        whole = isinstance(told, Ticket) or (news and parts and at >= shadow.updated)
        if not whole and (self.deep or self._asked < ASKED):
            seen = self._ask(ref)
            if not isinstance(seen, Ticket):
                yield from self._judged(ref, seen)
                return
            told, parts = seen, list(self._differences(ref, shadow, seen))
        updated, why = to_micros(told.updated) if told.updated else 0, self._cause(shadow, told)
        why = Why.UNREAD if news and why is not Why.BACK else why
        for kind, part, field, base, shown in parts:
            removed = kind != TICKET and shown is None and why is not Why.BACK
            ticket = ref if kind != TICKET else ""
            yield self._drift(Why.REMOVED if removed else why, kind, part, ticket=ticket,
                              field=field, base=base, shown=shown, updated=updated)  # fmt: skip
        if not news and self._is_outside(ref) and ref in self._listed:
            yield self._drift(Why.OUTSIDE, TICKET, ref)

    def _cause(self, shadow: Shadow, told: ListedTicket | Ticket) -> Why:
        updated = to_micros(told.updated) if told.updated else 0
        if isinstance(told, ListedTicket):
            return cause(shadow, updated, None)
        steps = self._telling(told).steps
        return cause(shadow, updated, max((step.created for step in steps), default=0))

    # --- two sides of one ticket -----------------------------------------------------------------

    def _telling(self, told: Ticket) -> Telling:
        return read_ticket(told, self.side.fields[TICKET])

    def _differences(self, ref: str, shadow: Shadow, told: _Told) -> Iterator[_Part]:
        """Yields in what a ticket is not as it was read, as far as it is told."""
        fields, files = self.side.fields[TICKET], None
        if isinstance(told, Ticket):
            found = differing(fields, shadow, self._telling(told).fields)
            files = frozenset(one.ref.id for one in told.attachments)
        elif isinstance(told, ListedTicket):
            shown = slots(told.fields, fields)
            found = differing(fields, shadow, shown, told.told.__contains__)
            files = told.attachments
        else:
            return
        yield from ((TICKET, ref, *one) for one in found)
        if files is not None and self.side.spec.attachments:
            yield from self._files(ref, shadow, files)
        if isinstance(told, Ticket):
            yield from self._comments(ref, told)

    def _files(self, ref: str, shadow: Shadow, told: frozenset[str]) -> Iterator[_Part]:
        for new in sorted(told - shadow.files):
            if (ATTACHMENT, new) not in self.side.waiting:
                yield ATTACHMENT, new, "", None, "a file"
        for old in sorted(shadow.files - told):
            if self._lives(ATTACHMENT, old, ref):
                yield ATTACHMENT, old, "", "a file", None

    def _comments(self, ref: str, told: Ticket) -> Iterator[_Part]:
        side = self.side
        for comment in told.comments:
            shadow = self.ledger.shadow(COMMENT, comment.ref.id)
            if shadow is None:
                if (COMMENT, comment.ref.id) not in side.waiting:
                    yield COMMENT, comment.ref.id, "", None, "a comment"
                continue
            shown = self.reader.telling_of(comment)[0].fields
            words = {name: shown[name] for name in _SAID if name in shown}
            found = differing(side.fields[COMMENT], shadow, words, _SAID.__contains__)
            yield from ((COMMENT, comment.ref.id, *one) for one in found)
        record = side.replica.name(side.record(TICKET, ref))
        rows = (row for child in side.replica.children(record, COMMENT)
                for _, row in side.items(child))  # fmt: skip
        here = {row.ref for row in rows if row.tracker == side.spec.tracker and row.ticket == ref}
        for old in sorted(here - {comment.ref.id for comment in told.comments}):
            if self._lives(COMMENT, old, ref):
                yield COMMENT, old, "", "a comment", None

    def _lives(self, kind: str, ref: str, ticket: str) -> bool:
        """Tells whether something in a ticket should be shown there."""
        shadow = self.ledger.shadow(kind, ref)
        if shadow is None or _ended(shadow) or shadow.ticket != ticket:
            return False
        return self.side.replica.alive(self.side.replica.name(self.side.record(kind, ref)))

    # --- what is not listed ----------------------------------------------------------------------

    def _absent(self) -> Iterator[Drift]:
        """Yields what became of the known tickets that are not listed any more, and the doubled."""
        side, left = self.side, 0
        for ref, shadow in self.ledger.known(TICKET):
            if _ended(shadow):
                continue
            record = side.record(TICKET, ref)
            if len(side.replica.members(record)) > 1:
                live = side.live(record, TICKET)
                if len(live) > 1:
                    others = ", ".join(one for one in live if one != ref)
                    yield self._drift(Why.DOUBLED, TICKET, ref, shown=others)
            if ref in self._listed or self._waits(TICKET, ref):
                continue
            told = self.ledger.in_scope(self.ledger.job, side.spec.tracker, ref)
            if side.spec.query and not told:
                continue  # a copy of ours, or another job's: the query need not list it
            if not self.deep and self._asked >= ASKED:
                left += 1
                continue
            yield from self._judged(ref, self._ask(ref))
        if left and not side.spec.query:
            reason = f"{left:,} more are not listed any more and were not asked for"
            yield Drift(remote=side.spec.name, why=Why.UNLISTED, reason=reason)
        elif left:
            self._unasked = left

    # --- what should be written ------------------------------------------------------------------

    def _unwritten(self) -> Iterator[Drift]:
        """Yields what a plan of everything would write, with whether the next one would."""
        side = self.side
        due = frozenset(Planner(side, self.reader, self.peers, dry=True).due())
        planner = Planner(side, self.reader, self.peers, dry=True)
        for one in planner.needed(planner.candidates(0)):
            if not self._waits(TICKET, one.ref.ticket or one.ref.id):
                yield from self._owed(one, pending=one.record in due)

    def _owed(self, one: Planned, *, pending: bool) -> Iterator[Drift]:
        create = one.verb is Verb.CREATE
        why = Why.PENDING if pending else Why.MISSING if create else Why.UNWRITTEN
        what = partial(Drift, remote=one.remote, why=why, kind=one.ref.kind, ref=one.ref.id,
                       ticket=one.ref.ticket, record=one.record)  # fmt: skip
        if create:
            yield what(base=one.title or f"a new {one.ref.kind}")
        elif one.verb is Verb.DELETE:
            yield what(shown=one.title or f"a {one.ref.kind}")
        else:
            for part in one.fields:
                yield what(field=part.ours, base=part.after, shown=part.before)

    def _drift(
        self, why: Why, kind: str, ref: str, *, ticket: str = "", field: str = "",
        base: str | None = None, shown: str | None = None, reason: str = "", updated: int = 0,
    ) -> Drift:  # fmt: skip
        side = self.side
        return Drift(
            remote=side.spec.name, why=why, kind=kind, ref=ref, ticket=ticket, field=field,
            base=base, shown=shown, record=side.record(kind, ref) if ref else None, reason=reason,
            updated=updated,
        )  # fmt: skip


_SAID: Final = frozenset({"body", "private"})
"""What is compared of a comment: its author is our own word for somebody, which may change."""


def _ref(item: Ref | Ticket | ListedTicket | Gone) -> Ref:
    return item if isinstance(item, Ref) else item.ref


def _ended(shadow: Shadow) -> bool:
    return shadow.gone or bool(shadow.merged)
