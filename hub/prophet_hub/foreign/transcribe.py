"""Reading, pure: what happened to an item since it was last read, as writes.

Each field is told by `stands.transcribe_cell`; here its facts get names, places and times.  Nothing
has a path of its own after a crash: whatever was under way is met again here.

Design, section 5; docs/design/002-the-bridge.md says what was found about each rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prophet_hub.engine.replica import CellState
from prophet_hub.foreign.rows import NOBODY, Intent, Sent, Shadow, Stand, split
from prophet_hub.foreign.stands import resolved, transcribe_cell
from prophet_hub.foreign.translate import Step, Telling, Unsaid, Words
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Write
from prophet_hub.model.ids import RecordId, TrackerId, WriteId
from prophet_hub.sdk import Field, FieldMap
from prophet_hub.values import PRESENT, Stored, Value

__all__ = ["Known", "Reading", "says", "transcribe"]

_BLANK: Final = str.maketrans("", "", " \t\r\n>\xa0\u2060")

Ids = frozenset[WriteId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of an item before it is read.

    Attributes:
        record: The item's own record.
        shadow: The last reading; None on first sight.
        sent: Our writes under way, by slot.
        twin: The record of which it is a copy of ours, on first sight.
        intent: The create that made it, on first sight of our own copy.
        cells: The cells of its class.
        earliest: (slot's row, prop, member, value) -> the write that a copy's birth value surely was.
        full: Whether events explain every field back to the birth.
        untouched: Whether nothing happened since then but what the server did at once.
    """

    tracker: TrackerId
    record: RecordId
    shadow: Shadow | None
    sent: Mapping[str, Sent]
    twin: RecordId | None
    intent: Intent | None
    cells: Mapping[tuple[str, str], CellState]
    earliest: Callable[[Field, str, str, str], Ids]
    full: bool
    untouched: bool
    account: str
    text: Callable[[Value], str]


@dataclass(slots=True)
class Reading:
    """What an item told: writes by the event that told them, and where the stands are now.

    Attributes:
        births, steps, residue: The writes, in the order in which they go into the log.
        receipts: (write id of the event, the writes that it is).
        refused: By slot.
        landed: The slots of writes under way that were shown.
    """

    stands: dict[str, Stand] = field(default_factory=dict)
    births: list[Write] = field(default_factory=list)
    steps: dict[str, list[Write]] = field(default_factory=dict)
    residue: list[Write] = field(default_factory=list)
    receipts: list[tuple[WriteId, Ids]] = field(default_factory=list)
    refused: dict[str, Sent] = field(default_factory=dict)
    landed: set[str] = field(default_factory=set)

    @property
    def changes(self) -> int:
        """How many cells were written."""
        return len(self.births) + len(self.residue) + sum(map(len, self.steps.values()))


def transcribe(telling: Telling, fields: FieldMap, words: Words, known: Known) -> Reading:
    """Tells all fields of an item; slots that the table no longer has are left as they stand."""
    stands = known.shadow.stands if known.shadow else {}
    intended = known.intent.sent if known.intent else {}
    names = {*telling.fields, *telling.story, *stands, *known.sent, *intended}
    found = Reading(stands=dict(stands))
    places = {step.id: n for n, step in enumerate(telling.steps)}
    teller = _Teller(telling, fields, words, known, found)
    for name in sorted(names):
        row = fields.theirs(split(name)[0])
        if row is None or name.startswith("*life"):
            continue
        stand = stands.get(name)
        if stand is None and known.shadow is not None:
            stand = Stand()  # a member or field never met before on an item well known
        if stand is not None:
            stand = resolved(stand, telling.fields.get(name))
        story = telling.story.get(name, [])
        got = transcribe_cell(
            telling.fields.get(name),
            story,
            name,
            stand,
            known.sent.get(name) or intended.get(name),
            start=_start(story, stand, places, known.shadow),
            mine=lambda step: step.author.id == known.account,
            same=row.same,
            fact=teller.of(name, row),
            birth_of_ours=teller.birth_of_ours(name, row),
            time=max(telling.updated, telling.steps[-1].created if telling.steps else 0),
            echo=None if telling.steps or row.kind.many else _near(row),
        )
        if got.stand != stands.get(name):
            found.stands[name] = got.stand
        found.receipts += [(teller.name(e, row, name), ids) for e, ids in got.receipts]
        if got.refused and name in known.sent:
            found.refused[name] = known.sent[name]
        if got.landed and name in known.sent:
            found.landed.add(name)
    return found


def _start(
    story: Sequence[Step], stand: Stand | None, places: Mapping[str, int], shadow: Shadow | None
) -> int:
    """Returns how many steps of a story the stand knows.

    Where the tracker no longer tells the event of the cursor, its time decides.
    """
    if stand is None or not stand.cursor:
        return 0
    last = places.get(stand.cursor)
    if last is not None:
        return sum(places[step.id] <= last for step in story)
    seen = shadow.seen if shadow else 0
    return sum(step.created <= seen for step in story)


def _near(row: Field) -> Callable[[str | None, str | None], bool]:
    """Returns a comparison that forgives wrapping, quoting and case: long texts, first sight."""

    def near(one: str | None, other: str | None) -> bool:
        if row.same(one, other):
            return True
        if one is None or other is None or row.ours != "body":
            return False
        return one.translate(_BLANK).casefold() == other.translate(_BLANK).casefold()

    return near


class _Teller:
    """Names the writes of one item."""

    def __init__(
        self, telling: Telling, fields: FieldMap, words: Words, known: Known, found: Reading
    ) -> None:
        self.telling, self.fields, self.words = telling, fields, words
        self.known, self.found = known, found

    def name(self, event: str, row: Field, name: str) -> WriteId:
        """Returns the name of the write that an event told in a slot."""
        telling = self.telling
        member = self.words.decode(row, split(name)[1]) if row.kind.many else ""
        return ids.of_event(
            self.known.tracker, telling.kind, telling.ref, event, row.ours, member
        )  # fmt: skip

    def of(
        self, name: str, row: Field
    ) -> Callable[[Step | None, str | None, Ids, str | None], Ids]:
        """Returns the function that writes facts of one slot."""

        def fact(step: Step | None, value: str | None, above: Ids, old: str | None) -> Ids:
            made = set()
            for prop, member in self._targets(name, row):
                write = self._write(row, prop, member, step, value, above, old)
                made.add(write.id)
                if step:
                    self.found.steps.setdefault(step.id, []).append(write)
                elif not above and self.known.shadow is None:
                    self.found.births.append(write)
                else:
                    self.found.residue.append(write)
            return frozenset(made)

        return fact

    def _write(
        self, row: Field, prop: str, member: str, step: Step | None, value: str | None,
        above: Ids, old: str | None,
    ) -> Write:  # fmt: skip
        known, telling = self.known, self.telling
        if not row.writable and (cell := known.cells.get((prop, member))):
            above |= {head.id for head in cell.heads}  # nobody disputes what a tracker alone says
        if step:
            write = ids.of_event(known.tracker, telling.kind, telling.ref, step.id, prop, member)
            created = step.created
        else:
            word = value or ""
            write = ids.of_residue(
                known.tracker, telling.kind, telling.ref, word, prop, member, above
            )
            born = known.shadow is None and not above
            last = telling.steps[-1].created if telling.steps else 0
            created = telling.created if born else max(telling.updated, last)
        return Write(
            write,
            Cell(known.record, prop, member),
            telling.kind,
            self._value(row, value),
            tuple(sorted(above - {write})),
            created,
            old=self._value(row, old),
        )

    def _value(self, row: Field, theirs: str | None) -> Value:
        if theirs is None or row.kind.many:
            return None if theirs is None else PRESENT
        if row.ours == "content":
            return Stored(theirs, int(self.telling.fields["size"]))
        return self.words.decode(row, theirs)

    def _targets(self, name: str, row: Field) -> list[tuple[str, str]]:
        """Returns our cells of a slot: several where our members share one of the tracker's."""
        if not row.kind.many:
            return [(row.ours, "")]
        theirs = split(name)[1]
        shared = [
            (prop, member)
            for (prop, member), cell in self.known.cells.items()
            if prop == row.ours and cell.shown is not None and self._says(row, member, theirs)
        ]
        return shared or [(row.ours, self.words.decode(row, theirs))]

    def _says(self, row: Field, member: str, theirs: str) -> bool:
        return says(self.words, row, member, theirs)

    def birth_of_ours(self, name: str, row: Field) -> Callable[[str | None], Ids | None]:
        """Returns what decides whether a birth value of a copy is an echo.

        A copy that our account made says nothing of its own: the value is what the record showed
        then, and the earliest write of it is what whoever edits the copy has surely seen.
        """
        known = self.known

        def stands_for(birth: str | None) -> Ids | None:
            if known.twin is None:
                return None
            if birth is None or not row.writable:
                return NOBODY
            if row.default and row.same(birth, row.default):
                return NOBODY
            targets = [t for t in self._targets(name, row) if t in known.cells]
            if not targets:
                return None
            shown = known.full or any(self._agrees(row, known.cells[t], birth) for t in targets)
            if not shown and not known.untouched:
                return None
            parts = (known.earliest(row, *t, birth) for t in targets)
            said = frozenset[WriteId]().union(*parts)
            return said if shown or said else None

        return stands_for

    def _agrees(self, row: Field, cell: CellState, birth: str) -> bool:
        if row.kind.many:
            return any(head.value is not None for head in cell.heads)
        said = (self.known.text(h.value) for h in cell.heads if h.value is not None)
        return any(self._says(row, value, birth) for value in said)


def says(words: Words, row: Field, ours: str, theirs: str) -> bool:
    """Tells whether a tracker shows our word as theirs; what it has no word for it does not show."""
    try:
        return row.same(words.encode(row, ours), theirs)
    except Unsaid:
        return False
