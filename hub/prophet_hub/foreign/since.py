"""What happened to an item since a run wrote to it: who touched it, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from prophet_hub.foreign.ledger import journal_rows
from prophet_hub.foreign.rows import Stand, slot
from prophet_hub.foreign.side import Side
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
        told = [
            (write.created, entry.changeset.author)
            for entry, write in self._facts(kind, ref)
            if write.cell.prop == row.ours
        ]
        if not told or stand.own:
            return "It was written since."
        when, who = max(told)
        return f"{who} wrote it on {_date(when)}."

    @cached_property
    def _later(self) -> dict[tuple[str, str, str], str]:
        """The last run but this that wrote a field, of all fields of this tracker."""
        side, found = self.side, dict[tuple[str, str, str], str]()
        for run, _, row in journal_rows(side.replica.store):
            later = run != side.run and _number(run) > _number(self.run)
            if later and row.tracker == side.spec.tracker:
                for name in row.after:
                    key = row.kind, row.ref, name
                    found[key] = max(found.get(key, ""), run, key=_number)
        return found

    # --- an item -------------------------------------------------------------------------------

    def touched(self, ref: Ref, told: Ticket) -> str:
        """Returns who touched an item of ours beside us, as its ticket is told now; "" for nobody."""
        found = list(self._acts(told)) if ref.kind == TICKET else []
        for entry, write in self._facts(ref.kind, ref.id):
            row = self.side.fields[ref.kind].ours(write.cell.prop)
            if row is not None and row.writable:
                found.append((write.created, entry.changeset.author, "changed"))
        if not found:
            return ""
        when, who, what = min(found)
        return f"{who} {what} it on {_date(when)}."

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
