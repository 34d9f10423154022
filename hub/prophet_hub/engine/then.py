"""What was shown at a moment: by what is dated until then, or by what had come here until then.

The first is the same on every replica that knows the same; the second is what this one showed, at a
place in its own log.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prophet_hub.engine.history import History, Shown, shown
from prophet_hub.engine.past import Past, each_once, writes_in
from prophet_hub.engine.rows import LIFE_KEY, TICKET, parent_of
from prophet_hub.errors import UsageError
from prophet_hub.merge.cells import Head, head_of, heads_of, shown_of
from prophet_hub.merge.conflicts import CellState, dead, late, state_of
from prophet_hub.model.changes import LIFE, LINKING, SAME_AS, VOTE, Write
from prophet_hub.model.ids import RecordId, text
from prophet_hub.store.sqlite import Store
from prophet_hub.values import PRESENT, Value, from_micros, to_micros

if TYPE_CHECKING:
    from prophet_hub.engine.reading import Reading

__all__ = ["Cells", "Moment", "Then", "exported", "moment_of", "spanned", "time_of"]

_PAGE: Final = 500

Cells = dict[tuple[str, str], Value]
"""What each cell showed, lives included."""


class Moment(NamedTuple):
    """A moment of the past.

    Attributes:
        until: What is dated later does not count; microseconds since 1970, None for no such limit.
        place: What came here later does not count; a local number, None for no such limit.
    """

    until: int | None = None
    place: int | None = None

    def counts(self, number: int, write: Write) -> bool:
        """Tells whether a write of an entry counted then."""
        return (self.place is None or number <= self.place) and (
            self.until is None or write.created <= self.until
        )


def moment_of(replica: Reading, words: str, now: int) -> Moment:
    """Returns the moment that the words name.

    A time is `2026-11-20`, which is its beginning, `2026-11-20T18:43` (in UTC where no zone is
    told), `yesterday`, `2w` ago (`min h d w m y`) or `now`; anything else names a changeset, after
    which it was (`engine.naming`).

    Args:
        replica: Whose log.
        words: As a person types them.
        now: Microseconds since 1970.

    Raises:
        UsageError: They name neither a time nor a changeset.
    """
    from prophet_hub.engine.naming import changeset_of  # noqa: PLC0415 - not for times

    if (until := time_of(words, now)) is not None:
        return Moment(until=until)
    try:
        return Moment(place=changeset_of(replica, words).number)
    except UsageError as error:
        if error.sentence.endswith("names no changeset."):
            raise UsageError(
                f'"{words}" is neither a time nor a changeset.',
                hint="Write 2026-11-20, 2026-11-20T18:43, yesterday, 2w, or a changeset of the log.",
            ) from error
        raise


def time_of(words: str, now: int) -> int | None:
    """Returns the time that the words name, in microseconds since 1970; None if they name none."""
    from prophet_hub.engine.query_values import span_of  # noqa: PLC0415 - not for changesets

    words = words.strip()
    instant = _instant(words)
    span = span_of(words, from_micros(now)) if instant is None else (instant, instant)
    return to_micros(span[0]) if span is not None else None


def _instant(words: str) -> datetime | None:
    """Returns an instant with seconds' fractions or a zone, which `datetime` knows best."""
    try:
        found = datetime.fromisoformat(words) if "T" in words else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


def spanned(store: Store, one: Moment, other: Moment) -> set[RecordId]:
    """Returns the raw records that were written to between two moments, in whichever order.

    Between two places it reads what lies there, else the whole log, in pages.
    """
    places = sorted(m.place for m in (one, other) if m.place is not None and m.until is None)
    both = len(places) == 2  # noqa: PLR2004 - the two of them
    after, last = (places[0], places[1]) if both else (0, 1 << 62)
    found: set[RecordId] = set()
    while page := store.log.after(after, _PAGE):
        for row in page:
            if row.number > last:
                return found
            if row.reason is None:
                found |= {
                    record
                    for w in writes_in(row.raw)
                    if one.counts(row.number, w) != other.counts(row.number, w)
                    for record in _ends(w)
                }
        after = page[-1].number
    return found


def exported(store: Store, moment: Moment) -> Iterator[dict[str, Any]]:
    """Yields every record that was shown alive, as `History.export` does."""
    history = History(store)
    linked = _linked(store)
    wholes = _wholes(Then(store, moment), linked)
    for kind in sorted({*store.derived.kinds(), *wholes}):
        then = Then(store, moment)
        alone = _alone(store, kind, linked)
        for number, record in enumerate(heapq.merge(alone, sorted(wholes.get(kind, ())))):
            if number % _PAGE == 0:
                then = Then(store, moment)  # it keeps what it read
            cells = then.cells(record)
            if then.type_of(record) and _alive(cells):
                yield history.as_object(kind, record, cells)


def _linked(store: Store) -> set[RecordId]:
    """Returns the raw records that were ever joined with others; looks through the log."""
    rows = store.log.holding(SAME_AS.encode())
    return {
        record
        for row in rows
        if row.reason is None
        for w in writes_in(row.raw)
        if w.cell.prop == SAME_AS
        for record in _ends(w)
    }


def _wholes(then: Then, linked: Iterable[RecordId]) -> dict[str, set[RecordId]]:
    """Returns the names of the classes in which the records were, by type."""
    found: dict[str, set[RecordId]] = {}
    for record in linked:
        whole = min(then.members(record))
        found.setdefault(then.type_of(whole), set()).add(whole)
    return found


def _alone(store: Store, kind: str, linked: Container[RecordId]) -> Iterator[RecordId]:
    """Yields the records of a type that were never joined with others, sorted."""
    at = b""
    while page := store.derived.by_kind(kind, at, _PAGE):
        yield from (RecordId(line.record) for line in page if line.record not in linked)
        at = page[-1].record


def _ends(write: Write) -> Iterable[RecordId]:
    """Returns the records that a write is about: two, where it joins or parts them."""
    if write.cell.prop == SAME_AS:
        return (write.cell.record, RecordId(bytes.fromhex(write.cell.member)))
    return () if write.cell.prop in LINKING else (write.cell.record,)


class Then:
    """A replica's records at a moment; reads the past of what it is asked for."""

    def __init__(self, store: Store, moment: Moment) -> None:
        self._log, self._derived = store.log, store.derived
        self._past = Past(store, until=moment.until, place=moment.place)
        self._moment = moment

    def shown(self, record: RecordId) -> Cells:
        """Returns what each cell of the record's class showed."""
        return {key: cell.shown for key, cell in self.cells(record).items()}

    def cells(self, record: RecordId) -> dict[tuple[str, str], CellState]:
        """Returns the cells of the record's class as they were, without links."""
        members = self.members(record)
        cells = self._cells(members)
        result = {key: state_of(*key, heads) for key, heads in cells.items()}
        if dead(life := cells.get(LIFE_KEY, ())):
            present = [h for key, heads in cells.items() for h in heads if _counts(key[0], LIFE)]
            present += [
                h
                for child in self._children(members)
                for key, heads in self._cells(self.members(child)).items()
                for h in heads
                if _counts(key[0])
            ]
            seen = {s for h in life for w in self._past.copies(h.id) for s in w.seen}
            if late(seen, present, self._past.edges, self._past.settled):
                result[LIFE_KEY] = state_of(*LIFE_KEY, life, late=True)
        return result

    def properties(self, record: RecordId) -> Shown | None:
        """Returns the record's properties as they were shown, None where it was not there."""
        cells = self.cells(record)
        return shown(cells) if cells and _alive(cells) else None

    def alive(self, record: RecordId) -> bool:
        """Tells whether the record was there, and not deleted."""
        cells = self.cells(record)
        return bool(cells) and _alive(cells)

    def type_of(self, record: RecordId) -> str:
        """Returns the class's record type, "" if nothing was known of it."""
        members = self.members(record)
        kinds = {w.type for w in self._past.touching(members) if w.cell.record in members}
        return min(kinds - {""}, default="")

    def children(self, record: RecordId) -> list[RecordId]:
        """Returns the comments and attachments that belonged to the record, by their least uuids."""
        return sorted({min(self.members(one)) for one in self._children(self.members(record))})

    def members(self, record: RecordId) -> set[RecordId]:
        """Returns the class that the record was in."""
        found: set[RecordId] = {record}
        waiting = [record]
        while waiting:
            one = waiting.pop()
            pairs: dict[tuple[RecordId, str], list[Write]] = {}
            for w in self._past.touching({one}):
                if w.cell.prop == SAME_AS and one in _ends(w):
                    pairs.setdefault((w.cell.record, w.cell.member), []).append(w)
            for (least, member), copies in pairs.items():
                heads = heads_of(each_once(copies), self._past.supersedes)
                if shown_of(heads, member) == PRESENT:
                    ends = {least, RecordId(bytes.fromhex(member))} - found
                    found |= ends
                    waiting += ends
        return found

    def _children(self, members: set[RecordId]) -> Iterator[RecordId]:
        """Yields what belonged to a class: of what does today, and of what did ever."""
        for child in sorted(self._ever(members) - members):
            cells = self._cells(self.members(child))
            if parent_of(shown_of(cells.get((TICKET, ""), ()), "")) in members:
                yield child

    def _ever(self, members: set[RecordId]) -> set[RecordId]:
        found = {RecordId(one) for one in self._derived.children(members)}
        for member in members:
            name = text(member)
            for row in self._log.holding(name.encode()):
                if row.reason is None:
                    found |= {
                        w.cell.record
                        for w in writes_in(row.raw)
                        if w.cell.prop == TICKET and w.value == name
                    }
        return found

    def _cells(self, members: set[RecordId]) -> dict[tuple[str, str], tuple[Head, ...]]:
        writes: dict[tuple[str, str], list[Write]] = {}
        for w in self._past.touching(members):
            if (
                w.cell.record in members
                and w.cell.prop not in LINKING
                and not self._past.echo(w.id)
            ):
                writes.setdefault((w.cell.prop, w.cell.member), []).append(w)
        return {
            key: tuple(map(head_of, heads_of(each_once(copies), self._past.edges)))
            for key, copies in writes.items()
        }


def _alive(cells: dict[tuple[str, str], CellState]) -> bool:
    life = cells.get(LIFE_KEY)
    return life is None or life.shown is not None


def _counts(prop: str, *but: str) -> bool:
    return prop not in LINKING and prop not in but and not prop.startswith(VOTE)
