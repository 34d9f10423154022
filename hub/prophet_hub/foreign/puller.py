"""Pulling: fetched several at once, committed in order by one thread, a checkpoint every batch.

A cursor is stored only with everything before it, so a run may stop anywhere and be run again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import msgspec

from prophet_hub.errors import Garbled, HubError, NotFound, RemoteError
from prophet_hub.foreign import first, keyed
from prophet_hub.foreign.attachments import Contents, fetch
from prophet_hub.foreign.guard import BROKEN
from prophet_hub.foreign.ledger import look_again
from prophet_hub.foreign.lost import pause_lost
from prophet_hub.foreign.reader import Reader
from prophet_hub.foreign.rows import LIFE_SLOT, READ, WHOLE
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.steps import Outcome, Pulled
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Checkpoint, Gone, Pull, Ref, Ticket

__all__ = ["Fetched", "Puller"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A ticket with the contents of its attachments, or why it could not be had."""

    ref: Ref
    told: Ticket | Gone | HubError
    contents: Contents
    listed: bool


class Puller:
    """One pull of one remote."""

    def __init__(self, side: Side) -> None:
        self.side, self.reader = side, Reader(side)
        self._done = 0
        self._total: int | None = None

    def run(self) -> Iterator[Pulled]:
        """Reads what is unsettled and what changed; ends early for what is not one ticket's alone."""
        side = self.side
        first.look(self.reader)
        place = side.ledger.place()
        told = partial(side.ledger.in_scope, side.ledger.job, side.spec.tracker)
        listing = side.connector.changed(
            Pull(since=place.cursor, query=side.spec.query, known=told)
        )
        feed = chain(((ref, False) for ref in first.unsettled(side)), ((i, True) for i in listing))
        batch: list[Fetched] = []
        cursor: str | None = None
        try:
            for unit in self._fetched(feed):
                if isinstance(unit, Checkpoint):
                    self._total = unit.total if unit.total is not None else self._total
                    cursor = unit.cursor
                    continue
                batch.append(unit)
                if len(batch) >= side.spec.batch:
                    yield from self._commit(batch, cursor)
                    batch, cursor = [], None
        except RemoteError:
            yield from self._commit(batch, cursor)
            raise
        yield from self._commit(batch, cursor, last=True)

    def fetch(self, ref: Ref, told: Ticket | Gone | None = None) -> Fetched:
        """Reads a ticket now: before a write, or to confirm one; `take` puts it in.

        Raises:
            RemoteError: It could not be had; nothing is noted.
        """
        told = told or self.side.connector.ticket(ref)
        pause_lost(self.side, [told])
        contents: Contents = {}
        if isinstance(told, Ticket):
            contents = self._contents(told, self._files(ref))
        return Fetched(ref=ref, told=told, contents=contents, listed=False)

    def adopt(self) -> Iterator[Pulled]:
        """Reads the copies that a run met without knowing their creation, as a restored hub does.

        Only when every remote was read is the record that they copy known as it is now.  Where
        nobody here knows it, another hub does, and the copy waits until that was heard.
        """
        side = self.side
        for kind, ref, name, row in side.ledger.all_waiting(TICKET):
            if name != WHOLE or row.tag not in {keyed.ADOPT, keyed.SECOND}:
                continue
            key, second = row.value or "", row.tag == keyed.SECOND
            if second and (wait := keyed.second(side, ref, key)):
                keyed.hold(side, ref, key, wait)
                continue
            if keyed.is_unknown(side, key):
                keyed.hold(side, ref, key, keyed.UNKNOWN)
                continue
            try:
                unit = self.fetch(Ref(kind=kind, id=ref))
            except RemoteError as error:
                if not error.alone:
                    raise
                if not second:
                    keyed.hold(side, ref, key, keyed.unread(error))
                elif isinstance(error, NotFound):  # as its line asked for
                    with side.transaction():
                        side.ledger.done_waiting(kind, ref)
                continue
            with side.transaction():
                told = self.take(unit, adopting=True)
            yield told

    def _deleted_by_us(self, ref: Ref) -> bool:
        """Tells whether our own delete was under way, and no tombstone would ever tell it."""
        side = self.side
        under_way = (ref.kind, ref.id) in side.under_way
        return (
            under_way
            and not side.able.tombstones
            and LIFE_SLOT in side.ledger.sent(ref.kind, ref.id)
        )

    # --- fetching ------------------------------------------------------------------------------

    def _fetched(
        self, feed: Iterator[tuple[Ref | Ticket | Gone | Checkpoint, bool]]
    ) -> Iterator[Fetched | Checkpoint]:
        """Yields in the order of the feed, several tickets being fetched at once."""
        side = self.side
        width = max(1, min(side.spec.concurrency, side.able.concurrency))
        if width == 1:
            for item, listed in feed:
                yield item if isinstance(item, Checkpoint) else self._work(item, listed)()
            return
        window: deque[Future[Fetched] | Checkpoint] = deque()
        _ = side.replica.store.blobs  # made by this thread, before several ask for it at once
        ahead = max(2 * width, side.spec.batch)  # so that fetching goes on while a batch commits
        with ThreadPoolExecutor(width, thread_name_prefix=side.spec.name) as pool:
            try:
                for item, listed in feed:
                    if isinstance(item, Checkpoint):
                        window.append(item)
                    else:
                        window.append(pool.submit(self._work(item, listed)))
                    while len(window) > ahead:
                        yield _result(window.popleft())
                while window:
                    yield _result(window.popleft())
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, item: Ref | Ticket | Gone, listed: bool) -> Callable[[], Fetched]:
        """Returns what a thread has to do for one item; the ledger is asked here, not there."""
        ref = item if isinstance(item, Ref) else item.ref
        known = self._files(ref)

        def work() -> Fetched:
            contents: Contents = {}
            told: Ticket | Gone | HubError
            try:
                told = self.side.connector.ticket(item) if isinstance(item, Ref) else item
                if isinstance(told, Ticket):
                    contents = self._contents(told, known)
            except RemoteError as error:
                if not error.alone:
                    error.remote = error.remote or self.side.spec.name
                    raise
                told = error
            return Fetched(ref=ref, told=told, contents=contents, listed=listed)

        return work

    def _files(self, ref: Ref) -> frozenset[str]:
        shadow = self.side.ledger.shadow(TICKET, ref.id) if ref.kind == TICKET else None
        return shadow.files if shadow else frozenset()

    def _contents(self, ticket: Ticket, known: frozenset[str]) -> Contents:
        side = self.side
        if not side.spec.attachments or not ticket.attachments:
            return {}
        blobs, ours = side.replica.store.blobs, side.uploaded
        sent = {
            a.ref.id: ours[a.ref.id]
            for a in ticket.attachments
            if a.ref.id in ours and a.size in {None, ours[a.ref.id].size}
        }
        known |= sent.keys()
        return {
            **fetch(side.connector, blobs, ticket, known, side.spec.attachment_limit),
            **sent,
        }

    # --- committing ----------------------------------------------------------------------------

    def _commit(
        self, batch: list[Fetched], cursor: str | None, *, last: bool = False
    ) -> Iterator[Pulled]:
        try:
            told = self._take_all(batch, cursor, last=last)
        except BROKEN:
            for unit in batch:  # one by one, so that the broken one waits alone
                yield self._take_alone(unit)
            yield from self._take_all([], cursor, last=last)
            return
        for one in told:
            yield replace(one, done=self._done)  # all of them are recorded by now

    def _take_all(self, batch: list[Fetched], cursor: str | None, *, last: bool) -> list[Pulled]:
        side = self.side
        unsure = last and any(first.proves(side, i) for i in side.intents.values())
        place = side.ledger.place()
        known = cursor in {None, place.cursor} and (place.whole or not last)
        if not batch and not unsure and known:
            return []
        pause_lost(side, (unit.told for unit in batch))
        with side.transaction():
            told = [self.take(unit) for unit in batch]
            place = side.ledger.place()
            side.ledger.set_place(
                msgspec.structs.replace(
                    place,
                    cursor=place.cursor if cursor is None else cursor,
                    whole=place.whole or last,
                )
            )
            if unsure:  # a whole pull without them proves that they never were
                first.missed(side)
        return told

    def _take_alone(self, unit: Fetched) -> Pulled:
        side = self.side
        try:
            with side.transaction():
                return self.take(unit)
        except BROKEN as error:
            broken = Garbled(
                f"Ticket {unit.ref.id} was told in a form that cannot be read: {error}.",
                hint="Report it to the connector's author.",
                remote=side.spec.name,
            )
            with side.transaction():
                return self.take(
                    Fetched(ref=unit.ref, told=broken, contents={}, listed=unit.listed)
                )

    def _scope(self, ref: Ref) -> None:
        """Notes that the job's query told a ticket, whether it could be read or not.

        Of one that was known before nothing new may be told: the job's other remotes look at it.
        """
        side, ledger = self.side, self.side.ledger
        if ledger.in_scope(ledger.job, side.spec.tracker, ref.id):
            return
        ledger.set_scope(ref.id)
        record = side.record(TICKET, ref.id)
        if ledger.item(record) is not None:
            kinds = (COMMENT, ATTACHMENT) if side.spec.parts else ()  # now they are ours to write
            inner = [child for kind in kinds for child in side.replica.children(record, kind)]
            look_again(side.replica.store, [record, *inner], job=side.job)

    def take(self, unit: Fetched, *, adopting: bool = False) -> Pulled:
        """Puts in what was fetched; inside a transaction."""
        side, ref, told = self.side, unit.ref, unit.told
        error: HubError | None = None
        changes = 0
        if unit.listed and not isinstance(told, Gone):
            self._scope(ref)
        wait = keyed.waits(side, told, adopting=adopting) if isinstance(told, Ticket) else None
        if isinstance(told, Ticket) and wait:
            keyed.hold(side, ref.id, told.key, wait)
            outcome = Outcome.HELD
        elif isinstance(told, Ticket):
            changes = self.reader.take(told, unit.contents)
            outcome = Outcome.READ if changes else Outcome.SAME
        elif isinstance(told, Gone):
            outcome = Outcome.GONE if self.reader.gone(told) else Outcome.SAME
        else:
            error, outcome = told, Outcome.FAILED
            if isinstance(told, NotFound) and self._deleted_by_us(ref):
                error, outcome = None, Outcome.GONE
                self.reader.gone(Gone(ref=ref))
            elif isinstance(told, NotFound):
                self.reader.items.unseen(ref, str(told))
            else:
                side.ledger.wait(
                    ref.kind, ref.id, WHOLE, str(told),
                    now=side.now(), record=side.record(ref.kind, ref.id), tag=READ,
                )  # fmt: skip
                side.waiting.add((ref.kind, ref.id))
        self._done += 1
        return Pulled(
            remote=side.spec.name,
            ref=ref,
            outcome=outcome,
            changes=changes,
            error=error,
            done=self._done,
            total=self._total,
        )


def _result(item: Future[Fetched] | Checkpoint) -> Fetched | Checkpoint:
    return item if isinstance(item, Checkpoint) else item.result()
