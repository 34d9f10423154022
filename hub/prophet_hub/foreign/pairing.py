"""The first run: tickets that exist on both sides already are found and made one.

The score is explainable: so many points for the same summary, the same time of birth, the same
person, the same status.  Only pairs that are certain, and certain for both tickets, are made without
asking; of the others a person decides, and until then nothing is created for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from prophet_hub.engine.replica import CellState
from prophet_hub.foreign.joining import join
from prophet_hub.foreign.ledger import look_again, waiting_of
from prophet_hub.foreign.plans import new_ref
from prophet_hub.foreign.rows import Waiting
from prophet_hub.foreign.side import Side, record_of
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET

__all__ = ["CERTAIN", "POSSIBLE", "Candidate", "answered", "pair_first", "score"]

CERTAIN: Final = 80
POSSIBLE: Final = 60
_DAY: Final = 86_400
_COMMON: Final = 100
"""A word that so many tickets have says nothing; all pairs of them would take for ever."""

_WORDS: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A ticket as far as pairing looks at it."""

    record: RecordId
    summary: str
    description: str = ""
    reporter: str = ""
    status: str = ""
    created: float | None = None
    words: frozenset[str] = field(default=frozenset())


def score(one: Candidate, other: Candidate) -> tuple[int, str]:
    """Returns points (100 and more: beyond doubt) and the reasons in words."""
    points, why = 0, []
    if one.words and one.words == other.words and one.summary == other.summary:
        points, why = 60, ["same summary"]
    elif one.words and other.words:
        common = len(one.words & other.words) / len(one.words | other.words)
        points = int(50 * common)
        why = [f"summaries share {common:.0%} of their words"]
    if one.created is not None and other.created is not None:
        apart = abs(one.created - other.created)
        if apart <= 60:  # noqa: PLR2004 - a copy made by hand or by an import keeps the minute
            points, why = points + 30, [*why, "created in the same minute"]
        elif apart <= _DAY:
            points, why = points + 10, [*why, "created within a day"]
    if one.reporter and one.reporter == other.reporter:
        points, why = points + 20, [*why, "same reporter"]
    if one.description and one.description == other.description:
        points, why = points + 30, [*why, "same description"]
    if one.status and one.status == other.status:
        points, why = points + 5, [*why, "same status"]
    return points, ", ".join(why)


def pair_first(side: Side, peers: Sequence[RemoteSpec]) -> int:
    """Pairs what this remote told with what the others told; returns how many pairs it made.

    Run again, it finds nothing to do: what is paired is in both trackers.
    """
    here = list(_told(side, side.spec))
    if not here:
        return 0
    made = 0
    for peer in peers:
        if peer.tracker == side.spec.tracker:
            continue
        there = [c for c in _told(side, peer) if not side.refs(c.record, TICKET)]
        mine = [c for c in here if not _is_in(side, c.record, peer)]
        made += _pair(side, mine, there)
    return made


def _pair(side: Side, mine: Sequence[Candidate], theirs: Sequence[Candidate]) -> int:
    found = list(_alike(mine, theirs))
    rivals: dict[
        RecordId, list[int]
    ] = {}  # points of all pairs that a ticket is in, the best first
    for points, _, one, other in found:
        rivals.setdefault(one.record, []).append(points)
        rivals.setdefault(other.record, []).append(points)
    for rows in rivals.values():
        rows.sort(reverse=True)
    made, asks = 0, side.spec.pairing == "ask"
    for points, why, one, other in found:
        best = max(_next(rivals[one.record], points), _next(rivals[other.record], points))
        if points >= CERTAIN and not asks and points > best + 10:
            join(side, one.record, other.record)
            made += 1
        elif best <= points + 10:
            _ask(side, one, other, points, why)
    return made


def _alike(
    mine: Sequence[Candidate], theirs: Sequence[Candidate]
) -> Iterator[tuple[int, str, Candidate, Candidate]]:
    """Yields pairs worth a thought: of the same summary, or sharing words that are rare there."""
    same: dict[str, list[Candidate]] = {}
    by_word: dict[str, list[Candidate]] = {}
    for candidate in theirs:
        same.setdefault(candidate.summary, []).append(candidate)
        for word in candidate.words:
            by_word.setdefault(word, []).append(candidate)
    for one in mine:
        near = {c.record: c for c in same.get(one.summary, ()) if one.words}
        for word in sorted(one.words, key=lambda w: len(by_word.get(w, ())))[:3]:
            sharing = by_word.get(word, ())
            near.update({c.record: c for c in sharing if len(sharing) <= _COMMON})
        for other in near.values():
            points, why = score(one, other)
            if points >= POSSIBLE:
                yield points, why, one, other


def _next(rows: Sequence[int], points: int) -> int:
    """Returns the best of a ticket's other pairs, its points sorted down; -100 if there is none."""
    if len(rows) == 1:
        return -100
    return rows[1] if rows[0] == points else rows[0]


def _ask(side: Side, one: Candidate, other: Candidate, points: int, why: str) -> None:
    """Puts a pair into the inbox; the other ticket is not created here meanwhile."""
    place = new_ref(TICKET, other.record)
    side.ledger.wait(
        *place, one.record.hex(),
        f"May be the same as “{one.summary}” here ({points} points: {why}). Retry makes them one, drop keeps two.",
        now=side.now(), record=other.record, pairing=ids.text(one.record),
    )  # fmt: skip
    side.waiting.add(place)


def _told(side: Side, remote: RemoteSpec) -> Iterator[Candidate]:
    """Yields the living tickets of a remote that this job's query told."""
    replica = side.replica
    for row in replica.records(TICKET):
        if not _is_in(side, row.record, remote):
            continue
        cells = replica.cells(row.record)
        life = cells.get((LIFE, "alive"))
        if life is None or life.shown is not None:
            yield _candidate(side, row.record, cells)


def _is_in(side: Side, record: RecordId, remote: RemoteSpec) -> bool:
    return any(
        row.tracker == remote.tracker
        and row.kind == TICKET
        and side.ledger.in_scope(remote.view or side.job, row.tracker, row.ref)
        for _, row in side.items(record)
    )


def _candidate(side: Side, record: RecordId, cells: dict[tuple[str, str], CellState]) -> Candidate:
    def text(prop: str) -> str:
        cell = cells.get((prop, ""))
        return side.text(cell.shown) if cell else ""

    summary = " ".join(text("summary").split()).casefold()
    try:
        created: float | None = datetime.fromisoformat(text("created")).timestamp()
    except ValueError:
        created = None
    return Candidate(
        record=record,
        summary=summary,
        description=" ".join(_WORDS.findall(text("description"))),  # whatever the markup
        reporter=text("reporter"),
        status=text("status"),
        created=created,
        words=frozenset(_WORDS.findall(summary)),
    )


def answered(side: Side, row: Waiting, *, same: bool) -> None:
    """Takes a person's answer: two tickets are one, or they are two; asked on either side."""
    one, other = row.record, record_of(row.pairing)
    if one is None or other is None:
        return
    if same:
        join(side, one, other)
    store = side.replica.store
    for key, data in list(store.scan("inbox")):
        asked = waiting_of(data)
        pair = {asked.record, record_of(asked.pairing)}
        if asked.pairing and (pair & {one, other} if same else pair == {one, other}):
            store.drop("inbox", key)
    inner = [c for kind in (COMMENT, ATTACHMENT) for c in side.replica.children(one, kind)]
    look_again(store, [one, other, *(inner if same else ())])
