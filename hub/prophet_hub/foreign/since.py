"""What happened to an item since a run wrote to it: who touched it, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from prophet_hub.foreign.ledger import journal_rows
from prophet_hub.foreign.rows import Stand, slot
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.steps import NOT_DONE
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, SAME_AS, Entry, Write
from prophet_hub.sdk import ATTACHMENT, TICKET, Attachment, Comment, Field, Ref, Ticket
from prophet_hub.values import from_micros, to_micros

__all__ = ["Since"]


class Since:
    """Looks at one remote's items for what others did there since a run."""

    def __init__(self, side: Side, run: str) -> None:
        self.side, self.run = side, run

    # --- a field -------------------------------------------------------------------------------

    def wrote(self, kind: str, ref: str, row: Field, member: str, stand: Stand) -> str:
        """Returns the sentence on who wrote a field that does not show what the run left there."""
        name = slot(row.theirs, member)
        if stand.own and (later := self._later.get((kind, ref, name))):
            return f"Run {later} wrote it since."
        facts = [one for one in self._facts(kind, ref) if one[1].cell.prop == row.ours]
        told = [one for one in facts if one[1].id in stand.ids] or ([] if member else facts)
        if not told or stand.own:
            return "It was written since."
        when, who = max((write.created, entry.changeset.author) for entry, write in told)
        return f"{who} wrote it on {_date(when)}."

    def again(self, kind: str, ref: str, row: Field, member: str, stand: Stand) -> str:
        """Returns the sentence on who wrote since what the run had left there too, "" for nobody."""
        theirs = not (stand.own or stand.origin) and any(
            write.id in stand.ids for _, write in self._facts(kind, ref)
        )
        later = stand.own and (kind, ref, slot(row.theirs, member)) in self._later
        return self.wrote(kind, ref, row, member, stand) if theirs or later else ""

    @cached_property
    def _later(self) -> dict[tuple[str, str, str], str]:
        """The last run but this that wrote a field, of all fields of this tracker; none where that
        was done to take this one back or to do it again.
        """
        side, found, back = self.side, dict[tuple[str, str, str], str](), {self.run}
        for run, _, row in sorted(
            journal_rows(side.replica.store), key=lambda one: _number(one[0])
        ):
            if row.undoes in back:
                back.add(run)
            later = run != side.run and _number(run) > _number(self.run)
            if later and row.tracker == side.spec.tracker and row.outcome not in NOT_DONE:
                found |= {(row.kind, row.ref, name): run for name in row.after}
        return {place: run for place, run in found.items() if run not in back}

    # --- an item -------------------------------------------------------------------------------

    def touched(self, ref: Ref, told: Ticket) -> str:
        """Returns who touched an item of ours beside us, as its ticket is told now; "" for nobody."""
        found = list(self._edits(ref.kind, ref.id))
        if ref.kind == TICKET:
            if part := self._merged.get(ref.id):
                return f"Ticket {part} was merged into it."
            found += [*self._acts(told), *self._unseen(told)]
        if not found:
            return ""
        when, who, what = min(found)
        return f"{who} {what} it on {_date(when)}."

    @cached_property
    def _merged(self) -> dict[str, str]:
        """Ticket -> one that somebody made a part of it."""
        known = self.side.ledger.known(TICKET)
        return {shadow.merged: ref for ref, shadow in known if shadow.merged}

    def _edits(self, kind: str, ref: str) -> Iterator[tuple[int, str, str]]:
        """Yields what others wrote into an item of ours."""
        for entry, write in self._facts(kind, ref):
            row = self.side.fields[kind].ours(write.cell.prop)
            if row is not None and row.writable:
                yield write.created, entry.changeset.author, "changed"

    def _acts(self, told: Ticket) -> Iterator[tuple[int, str, str]]:
        """Yields what others did to a ticket that is told in full."""
        side, own = self.side, self.side.spec.account.id
        for event in told.events:
            posed = side.able.impersonation and event.created == told.created
            if event.author.id != own and event.changes and not posed:
                yield to_micros(event.created), side.people.word(event.author.id), "changed"
        inner: Iterable[Comment | Attachment] = (*told.comments, *told.attachments)
        for one in inner:
            row = side.ledger.item(side.record(one.ref.kind, one.ref.id))
            if row is None and one.ref.kind == ATTACHMENT and one.author.id == own:
                continue  # attachments are not carried
            if row is None or row.born:
                yield to_micros(one.created), side.people.word(one.author.id), "added to"
            else:
                yield from self._edits(one.ref.kind, one.ref.id)

    def _unseen(self, told: Ticket) -> Iterator[tuple[int, str, str]]:
        """Yields that a ticket changed after our last write, where no events tell by what: it may be
        in a field that the job does not carry.
        """
        shadow = self.side.ledger.shadow(TICKET, told.ref.id)
        updated = to_micros(told.updated)
        if not self.side.full and shadow is not None and 0 < shadow.ours < updated:
            yield updated, "Somebody", "changed"

    def _facts(self, kind: str, ref: str) -> Iterator[tuple[Entry, Write]]:
        """Yields what the tracker told of an item after its birth that was not our account's."""
        side = self.side
        birth = ids.name_of("birth", side.spec.tracker, kind, ref)
        own = side.people.word(side.spec.account.id)
        for entry, write in side.replica.writes_of(side.record(kind, ref)):
            changeset = entry.changeset
            place = changeset.note.partition("#")[2]
            here = place == ref or place.startswith(f"{ref}-") or place.endswith(f"-{ref}")
            said = changeset.name != birth and changeset.author != own
            if here and said and write.cell.prop not in {LIFE, SAME_AS}:
                yield entry, write


def _number(run: str) -> int:
    return int(run) if run.isdigit() else 0


def _date(micros: int) -> str:
    return f"{from_micros(micros):%Y-%m-%d %H:%M} UTC"
