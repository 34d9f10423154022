"""Cells, writes, changesets and entries: what the database is made of (design, section 4)."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from prophet_hub.model.ids import SIXTEEN, ChangesetName, Origin, RecordId, WriteId
from prophet_hub.values import INLINE, Stored

__all__ = [
    "EDIT",
    "LIFE",
    "LINKING",
    "NOTED",
    "PERSON",
    "RECEIPT",
    "SAME_AS",
    "VOTE",
    "Cell",
    "Changeset",
    "Entry",
    "Write",
    "is_delete",
    "life",
    "receipt",
    "same_as",
]

LIFE, SAME_AS, RECEIPT, VOTE = "life", "same-as", "receipt", "vote:"
NOTED = "noted"
"""The cell of what the bridge notes for other hubs.  It is no property of anything, and its record
has no type: two values that stand apart are never a conflict, a rule's or a person's matter."""

LINKING = frozenset({SAME_AS, RECEIPT})
"""Cells about names: nothing joins them, and no rule settles them."""

EDIT, PERSON = "", "person"
"""`Write.rule`: a person's edit or a tracker's fact; a person's resolution; else a rule's name."""

# What decoding asks of every entry, so that no reader need ask again.
_NAME: Final = msgspec.Meta(max_length=1_000)
_WORDS: Final = msgspec.Meta(max_length=1 << 16)
_MANY: Final = msgspec.Meta(max_length=100_000)
_WHEN: Final = msgspec.Meta(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)  # years 1..9999

_Value = Annotated[str, msgspec.Meta(max_length=INLINE)] | Stored | None
_Ids = Annotated[tuple[Annotated[WriteId, SIXTEEN], ...], _MANY]


class Cell(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """A single-valued property is one cell; a set-valued one has a cell per member.

    The life of a record and its links are set cells too, hence their member.
    """

    record: Annotated[RecordId, SIXTEEN]
    prop: Annotated[str, _NAME]
    member: Annotated[str, _WORDS] = ""


class Write(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One write of one cell.

    Attributes:
        type: The record's type, `ticket`, `comment` ...; "" for links and notes.
        value: Absent is None.
        supersedes: What its author had before the eyes in this cell.
        created: Microseconds since 1970, UTC, by the clock of the place where it was made.
        rule: `EDIT`, `PERSON` or the name of an automatic rule.
        seen: A delete's list of the heads it saw in the record's other cells and its comments.
        old: What its author saw; for people, history and undo, the law does not read it.
    """

    id: Annotated[WriteId, SIXTEEN]
    cell: Cell
    type: Annotated[str, _NAME]
    value: _Value
    supersedes: _Ids = ()
    created: Annotated[int, _WHEN] = 0
    rule: Annotated[str, _NAME] = EDIT
    seen: _Ids = ()
    old: _Value = None

    @property
    def automatic(self) -> bool:
        """Whether a rule wrote it, which is nobody's word."""
        return self.rule not in (EDIT, PERSON)


class Changeset(msgspec.Struct, frozen=True, array_like=True):
    """Writes that hold together or not at all.

    Attributes:
        name: What it is about: derived from tracker, item and event, else random.
        author: A person as the origin knows them, or a rule.
        note: Where it comes from, for people: `rt-main#42-53`, `run 17`, a command.
    """

    name: Annotated[ChangesetName, SIXTEEN]
    author: Annotated[str, _WORDS]
    created: Annotated[int, _WHEN]
    writes: Annotated[tuple[Write, ...], _MANY]
    note: Annotated[str, _WORDS] = ""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A changeset at its place in the log of the replica that recorded it.

    Attributes:
        origin, sequence: The place; sequences start at 1 and have no gaps.
        before: The running hash of the entry that it follows, empty for the first.
        running: SHA-256 over `before` and the bytes; it names the entry: two entries with one
            place are two branches.
    """

    origin: Origin
    sequence: int
    before: bytes
    running: bytes
    changeset: Changeset


def life(record: RecordId) -> Cell:
    """Returns the life cell of a record: present or absent."""
    return Cell(record, LIFE, "alive")


def same_as(one: RecordId, other: RecordId) -> Cell:
    """Returns the cell that says that two records are one; written absent, it unpairs them."""
    least, greatest = min(one, other), max(one, other)
    return Cell(least, SAME_AS, greatest.hex())


def receipt(event: WriteId, write: WriteId) -> Cell:
    """Returns the cell that says "this event is that write"."""
    return Cell(RecordId(event), RECEIPT, write.hex())


def is_delete(write: Write) -> bool:
    """Tells whether the write takes a record's life."""
    return write.cell.prop == LIFE and write.value is None
