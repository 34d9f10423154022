"""Decisions of people, and the votes by which they are remembered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from prophet_hub.engine.rows import decode_heads
from prophet_hub.merge.cells import distinct, shown_of
from prophet_hub.merge.conflicts import CellState, Conflict
from prophet_hub.merge.votes import ballot_of, fingerprint, value_in, values_of, vote_cell
from prophet_hub.model import codec
from prophet_hub.model.changes import LIFE, PERSON, VOTE, Cell, Changeset, Write
from prophet_hub.model.ids import ChangesetName, Origin, RecordId, WriteId, fresh
from prophet_hub.store.base import CellRow
from prophet_hub.values import Value

if TYPE_CHECKING:
    from prophet_hub.engine.reading import Reading
    from prophet_hub.engine.replica import Replica

__all__ = ["Ballot", "Decision", "decide", "told_in", "votes", "votes_on"]

_ORIGIN: Final = 16
_FORMER: Final = _ORIGIN + 32


class Decision(NamedTuple):
    """What a person says shall stand in a cell."""

    record: RecordId
    prop: str
    member: str
    value: Value


class Ballot(NamedTuple):
    """A vote as people see it.

    Attributes:
        record: The least uuid of the class on which it stands.
        conflict: The fingerprint.
        voter: The origin of the replica on which it was decided.
        prop, member: What was decided on, "" where that is not told.
        decisions: What was decided: several where the vote is in conflict with itself.
        counts: Whether it counts: neither withdrawn nor in conflict.
        author, when, note: Who decided, microseconds since 1970, and how.
    """

    record: RecordId
    conflict: str
    voter: Origin
    prop: str
    member: str
    decisions: tuple[Value, ...]
    counts: bool
    author: str
    when: int
    note: str


def decide(
    replica: Replica, decisions: Iterable[Decision], *, author: str, note: str = ""
) -> list[Changeset]:
    """Writes decisions, each a changeset: one write over all heads (rule `person`) and the vote.

    A cell that is not in conflict gets the write alone.  All or nothing is kept.
    """
    with replica.transaction():
        found = list(decisions)
        cells = replica.cells_of([one.record for one in found])
        created, voters = replica.now(), _Voters(replica)
        changesets = []
        for one in found:
            whole = replica.name(one.record)
            of_record = cells[one.record]
            state = of_record.get((one.prop, one.member))
            kind = replica.type_of(whole)
            writes = [_write(replica, Cell(whole, one.prop, one.member), kind, one.value,
                             state, created, PERSON)]  # fmt: skip
            if state is not None and state.conflict:
                for cell, ballot in voters.votes(whole, state, one.value, of_record):
                    before = of_record.get((cell.prop, cell.member))
                    writes.append(_write(replica, cell, kind, ballot, before, created, ""))
            name = ChangesetName(fresh())
            changesets.append(Changeset(name, author, created, tuple(writes), note))
        replica.record(changesets)
    return changesets


def _write(
    replica: Replica, cell: Cell, kind: str, value: Value, state: CellState | None,
    created: int, rule: str,
) -> Write:  # fmt: skip
    heads = state.heads if state else ()
    gone = cell.prop == LIFE and value is None
    seen = sorted(h.id for h in replica.seen_by_delete(cell.record)) if gone else ()
    return Write(
        WriteId(fresh()), cell, kind, value, tuple(h.id for h in heads), created, rule,
        tuple(seen), state.shown if state else None,
    )  # fmt: skip


class _Voters:
    """The names under which a replica votes: its own, and those that it had before.

    A database that was moved or restored goes on under a new origin; its decision takes the place
    of the one that it made under an old one.  An old origin that has gone on elsewhere is another
    replica's by now, and its votes are left alone.
    """

    def __init__(self, replica: Replica) -> None:
        self._own = replica.origin
        known: bytes = replica.store.meta("former") or b""
        left = [known[n : n + _FORMER] for n in range(0, len(known), _FORMER)]
        tips: dict[bytes, set[bytes]] = {}
        for origin, _, running in replica.tips() if left else ():
            tips.setdefault(origin, set()).add(running)
        self._former = [
            Origin(one[:_ORIGIN]) for one in left if tips.get(one[:_ORIGIN]) == {one[_ORIGIN:]}
        ]

    def votes(
        self, record: RecordId, state: CellState, value: Value,
        cells: dict[tuple[str, str], CellState],
    ) -> Iterator[tuple[Cell, Value]]:  # fmt: skip
        """Yields the cells to be written by a decision, with what they shall hold."""
        yield vote_cell(record, state, self._own), ballot_of(value)
        for former in self._former:
            cell = vote_cell(record, state, former)
            said = cells.get((cell.prop, cell.member))
            if said is not None and distinct(said.heads) != {None}:
                yield cell, None


def votes_on(
    replica: Reading, conflicts: Sequence[Conflict]
) -> dict[tuple[RecordId, str, str], list[Ballot]]:
    """Returns who decided what when the identical conflicts were met before, newest first, by
    record, property and member; withdrawn votes too.
    """
    asked: dict[tuple[bytes, str], tuple[RecordId, str, str]] = {}
    for one in conflicts:
        cell = one.cell
        name = f"{VOTE}{fingerprint(cell.prop, cell.member, values_of(cell))}"
        asked[one.record, name] = (one.record, cell.prop, cell.member)
    rows = replica.store.derived.votes({record for record, _ in asked})
    found: dict[tuple[RecordId, str, str], list[Ballot]] = {}
    for ballot in _ballots(replica, [row for row in rows if (row.record, row.prop) in asked]):
        key = asked[ballot.record, f"{VOTE}{ballot.conflict}"]
        found.setdefault(key, []).append(ballot)
    for ballots in found.values():
        ballots.sort(key=lambda b: (-b.when, b.voter))
    return found


def votes(replica: Reading, record: RecordId | None = None) -> list[Ballot]:
    """Returns all votes, of one record or of all, newest first; withdrawn ones are left out."""
    derived = replica.store.derived
    rows = derived.votes() if record is None else derived.votes((replica.name(record),))
    found = [one for one in _ballots(replica, list(rows)) if one.decisions]
    return sorted(found, key=lambda b: (-b.when, b.record, b.conflict, b.voter))


def _ballots(replica: Reading, rows: Sequence[CellRow]) -> Iterator[Ballot]:
    heads = {(r.record, r.prop, r.member): decode_heads(r.heads) for r in rows}
    last = {key: max(found, key=lambda h: (h.created, h.id)) for key, found in heads.items()}
    told = told_in(replica, {h.id for h in last.values()})
    for (record, prop, member), found in heads.items():
        newest = last[record, prop, member]
        decisions = [answer[0] for h in found if (answer := value_in(h.value))]
        changeset = told.get(newest.id)
        about = _about(changeset) if changeset else None
        yield Ballot(
            RecordId(record), prop.removeprefix(VOTE), Origin(_hex(member)),
            about.prop if about else "", about.member if about else "",
            tuple(dict.fromkeys(decisions)),
            bool(decisions) and len(distinct(found)) == 1 and shown_of(found, member) is not None,
            changeset.author if changeset else "", newest.created,
            changeset.note if changeset else "",
        )  # fmt: skip


def _about(changeset: Changeset) -> Cell | None:
    """Returns the cell that was decided on in a changeset with a vote, None where that is unclear."""
    others = [w for w in changeset.writes if not w.cell.prop.startswith(VOTE)]
    cells = {w.cell for w in others if w.rule == PERSON} or {w.cell for w in others}
    return cells.pop() if len(cells) == 1 else None


def told_in(replica: Reading, writes: set[WriteId]) -> dict[WriteId, Changeset]:
    """Returns for each write the first changeset in which it stands."""
    places = replica.store.log.places(writes)
    rows = {r.number: r for r in replica.store.log.entries({n[0] for n in places.values()})}
    return {
        WriteId(write): codec.decode(rows[n[0]].before, rows[n[0]].raw).changeset
        for write, n in places.items()
    }


def _hex(member: str) -> bytes:
    try:
        return bytes.fromhex(member)
    except ValueError:  # somebody else's idea of a vote
        return b""
