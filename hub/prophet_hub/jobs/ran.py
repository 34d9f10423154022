"""What runs wrote, and what of it was taken back since: told from the journal alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.ledger import Ledger, journal_of, journal_rows
from prophet_hub.foreign.rows import LIFE_SLOT, Journal, split
from prophet_hub.foreign.steps import Outcome, Verb
from prophet_hub.model.ids import RecordId, TrackerId
from prophet_hub.sdk import TICKET

__all__ = ["Change", "Wrote", "wrote"]

_Back = dict[tuple[TrackerId, str, str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field of a write, in the tracker's words; `undone` is the run that took it back."""

    field: str
    before: str | None
    after: str | None
    undone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """One write of a run.

    Attributes:
        remote: By its present name.
        outcome: As in `steps.Outcome`; `sent` while nobody knows.
        undone: The run that took all of it back, "" while something of it stands.
    """

    remote: str
    verb: str
    kind: str
    ref: str
    ticket: str
    record: RecordId
    outcome: str
    undone: str
    changes: tuple[Change, ...]


def wrote(replica: Replica, run: str) -> Iterator[Wrote]:
    """Yields the writes of a run in their order."""
    rows = journal_of(replica.store, run)
    back = _taken_back(replica, run) if rows else {}
    named = cache(Ledger(replica.store, TrackerId(b""), "").remote_named)
    for row in rows:
        changes = tuple(
            _change(row, name, after, back)
            for name, after in row.after.items()
            if name != LIFE_SLOT
        )
        whole = back.get((row.tracker, row.kind, _item(row), LIFE_SLOT), "")
        within = (row.tracker, TICKET, row.ticket, LIFE_SLOT)
        whole = whole or (back.get(within, "") if row.ticket else "")
        parts = {one.undone for one in changes}
        yield Wrote(
            remote=named(row.tracker) or row.remote,
            verb=row.verb, kind=row.kind, ref=row.ref, ticket=row.ticket, record=row.record,
            outcome=row.outcome, changes=changes,
            undone=whole or (max(parts) if parts and "" not in parts else ""),
        )  # fmt: skip


def _change(row: Journal, name: str, after: str | None, back: _Back) -> Change:
    theirs, member = split(name)
    before, undone = row.before.get(name), back.get((row.tracker, row.kind, row.ref, name), "")
    if member:
        before, after = (before and member), (after and member)
    return Change(field=theirs, before=before, after=after, undone=undone)


def _taken_back(replica: Replica, run: str) -> _Back:
    """Returns what was taken back of a run, by slot; a whole item under `LIFE_SLOT`."""
    found: _Back = {}
    for other, _, row in journal_rows(replica.store):
        if row.undoes == run and row.outcome == Outcome.DONE:
            found |= {(row.tracker, row.kind, row.ref, name): other for name in row.after}
            if row.verb != Verb.UPDATE:
                found[row.tracker, row.kind, _item(row), LIFE_SLOT] = other
                found[row.tracker, row.kind, row.record.hex(), LIFE_SLOT] = other
    return found


def _item(row: Journal) -> str:
    """Returns what names an item whose delete is taken back by a create, and the other way round."""
    return row.record.hex() if row.verb == Verb.DELETE or not row.ref else row.ref
