"""A tracker as a foreign replica: pull, plan, apply (design, section 5).

Each method may stop anywhere and be run again: whatever was under way is met at the next reading.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.foreign import pairing, shared
from prophet_hub.foreign.drift import LOOKED_AT, READ_AGAIN, Drift, Looked, Why
from prophet_hub.foreign.keyed import ADOPT, SECOND
from prophet_hub.foreign.ledger import Ledger, look_again
from prophet_hub.foreign.planner import Planner
from prophet_hub.foreign.puller import Puller
from prophet_hub.foreign.rows import LIFE_SLOT, READ, UNDONE, WHOLE, ItemRow, Waiting, slot, split
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.steps import Applied, InboxItem, Kept, Planned, Pulled, RemoteSpec
from prophet_hub.foreign.undoing import Inverse
from prophet_hub.foreign.verifier import Verifier
from prophet_hub.foreign.writer import Writer
from prophet_hub.model.ids import TrackerId
from prophet_hub.sdk import TICKET, References

__all__ = ["ForeignReplica"]


class ForeignReplica:
    """One remote of one job; `references` says how texts of the job's trackers refer to tickets."""

    def __init__(
        self, replica: Replica, remote: RemoteSpec, *, job: str, run: str = "",
        references: Mapping[TrackerId, References] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self._side = Side(replica, remote, job, run, references)

    def pull(self) -> Iterator[Pulled]:
        """Reads what changed: fetched several at once, committed in order, a checkpoint every
        batch.  Ends early only for errors that are not one ticket's alone, which it raises.
        """
        self._start()
        yield from Puller(self._side).run()

    def adopt(self) -> Iterator[Pulled]:
        """Reads what waited until every remote was read; a run does so before it settles.

        Nothing waits but after a restored backup, and `plan` does it again.
        """
        yield from Puller(self._side).adopt()

    def plan(self, peers: Sequence[RemoteSpec]) -> Iterator[Planned]:
        """Yields what this remote needs: creates first, parents before children; sends nothing.

        `peers` are the job's remotes: a record is created here only if the job's query told it in
        one of them that may be pulled.
        """
        side = self._side
        if not side.spec.pushes:
            return
        self._start()
        deque(self.adopt(), maxlen=0)
        if side.spec.pairing != "off":
            self._pair(peers)
        yield from Planner(side, Puller(side).reader, peers).run()

    def apply(self, planned: Iterable[Planned]) -> Iterator[Applied]:
        """Writes and confirms by reading; one failing ticket does not stop the rest."""
        side = self._side
        if not side.spec.pushes:
            return
        puller = Puller(side)
        yield from Writer(side, puller, Planner(side, puller.reader, ())).run(planned)

    # --- what drifted ---

    def verify(
        self, peers: Sequence[RemoteSpec], *, deep: bool = False
    ) -> Iterator[Drift | Looked]:
        """Yields in what the tracker and the base are not the same; writes nothing anywhere.

        With `deep` every ticket is read whole, and the files that are kept here are hashed.
        """
        reader = Puller(self._side).reader
        yield from Verifier(self._side, reader, peers, deep=deep).run()

    def heal(self, drifts: Iterable[Drift], *, back: bool = False) -> None:
        """Lets the next run read or plan again what drifted; the second time changes nothing.

        What went back to before what was read is left alone without `back`.
        """
        side = self._side
        with side.transaction():
            for one in drifts:
                if one.why in READ_AGAIN and (back or one.why is not Why.BACK):
                    self._read_again(one)
                elif one.why in LOOKED_AT and one.record:
                    side.ledger.look(one.record)

    def _read_again(self, drift: Drift) -> None:
        side, ticket = self._side, drift.ticket or drift.ref
        if drift.why in (Why.NEW, Why.OUTSIDE):
            side.ledger.set_scope(ticket)
        if drift.why is Why.OUTSIDE and drift.record:
            look_again(side.replica.store, [drift.record], job=side.job)
        told = str(drift.updated) if drift.why is Why.BACK else None  # else it is taken for late
        side.ledger.wait(
            TICKET, ticket, WHOLE, f"It is read again, for it {drift.explained}.", now=side.now(),
            record=side.record(TICKET, ticket), tag=READ, quiet=True, again=True, value=told,
        )  # fmt: skip

    # --- undo ----------------------------------------------------------------------------------

    def inverse(self, run: str) -> Iterator[Planned | Kept]:
        """Yields what takes a run back here, and what cannot be; sends and notes nothing.

        Called after `pull`: what was written since it is left as it is.
        """
        yield from Inverse(self._side, Puller(self._side), run).run()

    def undo(self, run: str, planned: Iterable[Planned]) -> Iterator[Applied]:
        """Writes the inverse of a run as any plan; what was touched since the plan is left."""
        puller = Puller(self._side)
        yield from Writer(self._side, puller, Inverse(self._side, puller, run)).run(planned)

    def left(self, run: str) -> list[Kept]:
        """Notes in the inbox what of a run could not be taken back, and returns it; what was noted
        of the same run before is gone.
        """
        return Inverse(self._side, Puller(self._side), run).left()

    # --- what waits ----------------------------------------------------------------------------

    def inbox(self) -> list[InboxItem]:
        """Returns what waits for this remote."""
        rows = self._side.ledger.all_waiting()
        return sorted((self._item(*row) for row in rows), key=lambda item: item.number)

    def retry(self, number: int) -> None:
        """Lets the next run try again what waits under a number; a pairing is made.

        Raises:
            UsageError: Nothing waits here under this number.
        """
        kind, ref, name, row = self._waiting(number)
        side = self._side
        with side.transaction():
            if row.pairing:
                pairing.answered(side, row, same=True)
                return
            shadow = side.ledger.shadow(kind, ref)
            if shadow and name in shadow.stands:
                stand = msgspec.structs.replace(shadow.stands[name], flips=0)
                stands = {**shadow.stands, name: stand}
                side.ledger.set_shadow(kind, ref, msgspec.structs.replace(shadow, stands=stands))
            if row.record:
                side.ledger.look(row.record)
            if row.tag and row.tag != UNDONE:
                side.ledger.wait(
                    kind, ref, name, row.reason, now=side.now(), tag=row.tag, again=True
                )
            else:
                side.ledger.done_waiting(kind, ref, name)

    def drop(self, number: int) -> None:
        """Takes something out of the inbox and leaves things as they are; a pairing is refused.
        What waits because of a key that it carries becomes a ticket of its own.

        Raises:
            UsageError: Nothing waits here under this number.
        """
        kind, ref, name, row = self._waiting(number)
        side = self._side
        with side.transaction():
            if row.pairing:
                pairing.answered(side, row, same=False)
            side.ledger.done_waiting(kind, ref, name)
            if row.tag in {ADOPT, SECOND}:
                own = ItemRow(side.spec.tracker, kind, ref, born=True)
                side.ledger.set_item(side.record(kind, ref), own)
                side.ledger.wait(
                    kind, ref, name, "It is read as a ticket of its own.", now=side.now(),
                    quiet=True, tag=READ,
                )  # fmt: skip

    def _waiting(self, number: int) -> tuple[str, str, str, Waiting]:
        self._side.forget()
        for row in self._side.ledger.all_waiting():
            if row[3].number == number:
                return row
        raise UsageError(
            f"Nothing waits for {self._side.spec.name} under {number}.",
            hint="prophet-hub inbox lists what waits.",
        )

    def _item(self, kind: str, ref: str, name: str, row: Waiting) -> InboxItem:
        theirs, member = split(name)
        return InboxItem(
            number=row.number,
            remote=self._side.spec.name,
            kind=kind,
            ref=ref,
            record=row.record,
            field=row.field or ("" if row.pairing or name == LIFE_SLOT else slot(theirs, member)),
            reason=row.reason,
            value=row.value or "",
            since=row.since,
            tries=row.tries,
            pairing=row.pairing,
            quiet=row.quiet,
        )

    def _pair(self, peers: Sequence[RemoteSpec]) -> None:
        """Pairs with each peer once: when its first pull came to an end, before it is copied here."""
        side, ledger = self._side, self._side.ledger
        place = ledger.place()
        new = [p for p in peers if p.tracker not in {side.spec.tracker, *place.paired}]
        read = [Ledger(ledger.store, p.tracker, p.view or side.job).place().whole for p in new]
        half = {p.tracker for p, whole in zip(new, read, strict=True) if not whole}
        new = [p for p in new if p.tracker not in half]
        if new:
            with side.transaction():
                pairing.pair_first(side, new)
                paired = place.paired | {p.tracker for p in new}
                ledger.set_place(msgspec.structs.replace(place, paired=paired))

    def _start(self) -> None:
        side = self._side
        shared.catch_up(side.replica)
        if side.ledger.tracker_named(side.spec.name) != side.spec.tracker:
            with side.transaction():
                side.ledger.set_name(side.spec.name)
