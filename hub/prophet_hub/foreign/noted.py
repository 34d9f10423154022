"""What the bridge notes for the other hubs of the database: values by name, replicated like writes.

A note is one cell on a record that has no type, so that it is no record to people: never listed,
exported, voted on or settled.  Two hubs that noted apart are no conflict either: all values stand
until somebody who knows them notes again, and whoever asks for one is told the newest.
"""

from __future__ import annotations

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import StoreError
from prophet_hub.model import ids
from prophet_hub.model.changes import NOTED, Cell, Changeset, Write
from prophet_hub.model.ids import ChangesetName, RecordId, WriteId

__all__ = ["AUTHOR", "changeset", "note", "note_of", "noted", "record_of"]

AUTHOR = "prophet-hub"


def record_of(*name: bytes | str) -> RecordId:
    """Returns the record on which a note stands."""
    return RecordId(ids.name_of(NOTED, *name))


def noted(replica: Replica, record: RecordId) -> list[tuple[WriteId, str]]:
    """Returns the values that nobody replaced; usually one.  What did not come whole is left out."""
    cell = replica.cell(record, NOTED)
    found = []
    for head in sorted(cell.heads if cell else (), key=lambda head: (head.created, head.id)):
        try:
            found.append((head.id, replica.text(head.value)))
        except (StoreError, ValueError):
            continue
    return found


def note(replica: Replica, record: RecordId, value: str, why: str) -> None:
    """Notes a value, over all that stand there; a second time changes nothing."""
    known = noted(replica, record)
    if [text for _, text in known] != [value]:
        write = note_of(replica, record, value, tuple(sorted(name for name, _ in known)))
        replica.record([changeset(replica, (write,), why)])


def note_of(replica: Replica, record: RecordId, value: str, above: tuple[WriteId, ...]) -> Write:
    """Returns the write that notes a value over others."""
    name = WriteId(ids.name_of(NOTED, record, value, list(above)))
    return Write(name, Cell(record, NOTED), "", value, above, replica.now())


def changeset(replica: Replica, writes: tuple[Write, ...], why: str) -> Changeset:
    """Returns the changeset that brings notes into the log."""
    name = ChangesetName(ids.name_of(NOTED, [write.id for write in writes]))
    return Changeset(name, AUTHOR, replica.now(), writes, why)
