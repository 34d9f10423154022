"""Undoing changesets: what `merge.undo` needs to see, and what it says written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from prophet_hub.engine.past import Past
from prophet_hub.engine.rows import TICKET, parent_of
from prophet_hub.engine.settings import SETTING
from prophet_hub.errors import UsageError
from prophet_hub.merge.conflicts import CellState
from prophet_hub.merge.undo import Inverse, Look, inverses
from prophet_hub.model import codec
from prophet_hub.model.changes import (
    LINKING,
    NOTED,
    RECEIPT,
    SAME_AS,
    VOTE,
    Cell,
    Changeset,
    Write,
)
from prophet_hub.model.ids import ChangesetName, RecordId, WriteId, fresh, name_of

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.store.base import EntryRow

__all__ = ["Undoing", "undo", "undoing"]


class Undoing(NamedTuple):
    """What undoing entries would do.

    Attributes:
        inverses: Cell by cell; those without writes are left as they are.
        note: Names what is undone by its places, which every replica knows.
    """

    inverses: list[Inverse]
    note: str
    whole: bool

    @property
    def writes(self) -> list[Write]:
        """All writes that it takes."""
        return [w for one in self.inverses for w in one.writes]


def undoing(replica: Replica, rows: Sequence[EntryRow]) -> Undoing:
    """Returns what undoes the entries, all together; writes nothing.

    Raises:
        UsageError: One is in quarantine: it does not count, so there is nothing to undo.
    """
    held = next((row for row in rows if row.reason is not None), None)
    if held is not None:
        raise UsageError(f"Entry {held.number} is in quarantine and does not count.",
                         hint="Leave it out.")  # fmt: skip
    told = (codec.decode(row.before, row.raw).changeset for row in rows)
    writes = [w for changeset in told if not _binds(changeset) for w in changeset.writes]
    seen = _Seen(replica, writes)
    places = [f"{row.origin.hex()[:8]}:{row.sequence}" for row in rows]
    note = "undo of " + (places[0] if len(places) == 1 else f"{places[0]}..{places[-1]}")
    return Undoing(inverses(writes, seen.look, replica.now()), note, len(rows) == 1)


def undo(replica: Replica, rows: Sequence[EntryRow], *, author: str) -> list[Changeset]:
    """Writes what undoes the entries; returns the inverse changesets, none the second time.

    One for one entry; for several one per ticket, with its comments and attachments.
    """
    with replica.transaction():
        found = undoing(replica, rows)
        families: dict[RecordId, list[Write]] = {}
        for one in found.inverses:
            families.setdefault(RecordId(b"") if found.whole else one.family, []).extend(one.writes)
        made = [
            Changeset(ChangesetName(fresh()), author, writes[0].created, tuple(writes), found.note)
            for writes in families.values()
            if writes
        ]
        replica.record(made)
    return made


def _binds(changeset: Changeset) -> bool:
    """Tells whether it says that a tracker's item is our copy of a record: that is nobody's edit,
    and to take it back would make the copy a second time.
    """
    link = changeset.writes[0].cell if len(changeset.writes) == 1 else None
    if link is None or link.prop != SAME_AS:
        return False
    return changeset.name == name_of("bound", *sorted((link.record, bytes.fromhex(link.member))))


def _is_edit(write: Write) -> bool:
    prop = write.cell.prop
    return prop not in (*LINKING, RECEIPT, NOTED) and not prop.startswith(VOTE)


class _Seen:
    """A replica as undoing sees it, fetched in few statements."""

    def __init__(self, replica: Replica, writes: Sequence[Write]) -> None:
        self._replica = replica
        self._past = Past(replica.store)
        self._past.load({i for w in writes for i in (w.id, *w.supersedes)})
        self._cells = replica.cells_of(list({w.cell.record for w in writes}))
        self._families: dict[RecordId, RecordId] = {}
        self._wholes = {r: replica.name(r) for r in self._cells}
        self.look = Look(
            self._cell,
            self._past.one_or_none,
            self._written,
            self._wholes.__getitem__,
            self._family,
            self._births,
        )

    def _cell(self, cell: Cell) -> CellState | None:
        if cell.prop in LINKING:
            return self._replica.cell(cell.record, cell.prop, cell.member)
        return self._cells[cell.record].get((cell.prop, cell.member))

    def _written(self, cell: Cell) -> Iterator[Write]:
        return (w for w in self._past.touching((cell.record,)) if w.cell == cell)

    def _births(self, record: RecordId) -> Iterator[list[WriteId]]:
        members = self._replica.members(record)
        for writes in self._past.entries(self._replica.store.log.numbers_of(members)):
            born = [w for w in writes if w.cell.record in members and _is_edit(w)]
            if born:
                yield [] if born[0].type == SETTING else [w.id for w in born]
                return

    def _family(self, record: RecordId) -> RecordId:
        if record not in self._families:
            cell = self._cells.get(record, {}).get((TICKET, ""))
            parent = parent_of(cell.shown) if cell else None
            self._families[record] = self._replica.name(RecordId(parent) if parent else record)
        return self._families[record]
