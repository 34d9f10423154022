"""The old tool's changesets as ours: who knew what, names that follow from theirs, the same state.

A replica of the old tool is one serial place: what it integrated came after what it had.  Where its
log says that it did not, for it put a value aside first (a nullification), the causes are told
as they were: docs/design/005-prophet-v1.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.rows import TICKET, parent_of
from prophet_hub.interop import _v1_words as words
from prophet_hub.interop._v1_format import Change, Changeset, Place
from prophet_hub.interop._v1_format import Value as V1Value
from prophet_hub.interop._v1_groups import Group
from prophet_hub.interop._v1_view import ALIVE, View, changeset_name, kept, settled_name
from prophet_hub.model import changes as ours
from prophet_hub.model.changes import PERSON, Cell, Write
from prophet_hub.model.ids import ChangesetName, RecordId, WriteId, name_of, text
from prophet_hub.values import PRESENT, Value

__all__ = ["Translator"]

_DELETE: Final = "delete"
_ATTACHMENT: Final = "attachment"
_INNER: Final = frozenset({"comment", _ATTACHMENT})

Prop = tuple[str, str]
At = tuple[RecordId, Prop]
Order = tuple[int, int]


class Translator:
    """Translates one old replica's steps into changesets of ours, and records them."""

    def __init__(self, replica: Replica, old: bytes, places: Sequence[Place]) -> None:
        self._replica, self._old = replica, old
        self._view = View(replica, old, places)
        self._found: list[ours.Changeset] = []

    def take(self, batch: Sequence[Group]) -> int:
        """Records a batch in its order; returns how many changesets were new."""
        self._view.forget()
        changed = [(r, c) for g in batch for one in g.all for r, c in one.changes.items()]
        self._view.load({RecordId(record) for record, _ in changed})
        self._view.load(self._tickets(changed))
        count = 0
        for group in batch:
            if any(c.change_type == _DELETE for one in group.all for c in one.changes.values()):
                count += self._flush()
            count += self._group(group)
        return count + self._flush()

    def _flush(self) -> int:
        found, self._found = self._found, []
        return self._replica.record(found)

    def _tickets(self, changed: Iterable[tuple[bytes, Change]]) -> set[RecordId]:
        """Returns the tickets of the comments and attachments that are changed."""
        found = set()
        for record, change in changed:
            if change.record_type in _INNER:
                told = (change.prop_changes or {}).get(TICKET)
                values: list[Value] = [_text(told.new_value)] if told else []
                stands = self._view.cells(RecordId(record), (1 << 62, 0))
                values += [stand.value for prop, stand in stands.items() if prop == (TICKET, "")]
                found |= {RecordId(t) for t in map(parent_of, values) if t is not None}
        return found

    # --- one step ---

    def _group(self, group: Group) -> int:
        """Translates a step; returns how many changesets it had to record at once."""
        aside, main, decided = group
        bases = self._bases(aside) if aside else {}
        at_once = 0
        if not self._view.is_own(main.place):
            self._add(main, self._writes(main, bases, restoring=aside is None))
        settled = self._settled(aside, main, decided, bases) if aside else []
        if aside and decided and not self._view.is_own(decided.place):
            over = {at: self._over(at, aside, main) for at in bases}
            self._settle(main, settled)
            settled = []
            self._add(decided, self._writes(decided, over, rule=PERSON))
        last = group.all[-1]
        dead = self._dead_tickets(group, last)
        if dead:
            at_once = self._flush()
            settled += [self._stays_deleted(ticket, last) for ticket in dead]
        self._settle(last, settled)
        return at_once

    def _add(self, changeset: Changeset, writes: Sequence[Write]) -> None:
        place = changeset.place
        name = changeset_name(place.source, place.sequence)
        note = f"sd {text(place.source)}:{place.sequence}"  # publishing finds it there
        self._keep(name, words.text_of(changeset.creator or ""), changeset, writes, note)

    def _settle(self, changeset: Changeset, writes: Sequence[Write]) -> None:
        """Adds what the replica settled with a changeset, in words of its own: it left none."""
        name = settled_name(self._old, changeset.place.number)
        note = f"settled by sd {text(self._old)}"
        self._keep(name, "sd", changeset, writes, note)

    def _keep(self, name: ChangesetName, author: str, changeset: Changeset,
              writes: Sequence[Write], note: str) -> None:  # fmt: skip
        if writes:
            created = words.instant(changeset.created)
            self._found.append(ours.Changeset(name, author, created, tuple(writes), note))

    # --- what a changeset says ---

    def _writes(self, changeset: Changeset, above: Mapping[At, tuple[WriteId, ...]], *,
                restoring: bool = True, rule: str = ours.EDIT) -> list[Write]:  # fmt: skip
        """Returns a changeset's writes; each supersedes what `above` says, else what stood there."""
        order = (changeset.place.number, 0)
        place = changeset.place
        name = changeset_name(place.source, place.sequence)
        found = []
        for raw, change in changeset.changes.items():
            record = RecordId(raw)
            pen = _Pen(name, record, change.record_type, words.instant(changeset.created), rule)
            if change.change_type == _DELETE:
                found.append(self._delete(pen, order, above.get((record, ALIVE))))
                continue
            told: dict[Prop, tuple[Value, Value]] = {}
            for theirs, one in (change.prop_changes or {}).items():
                told |= self._cells(
                    record, change.record_type, theirs, one.old_value, one.new_value
                )
            if raw in changeset.spelled and not self._view.before(record, _SPELLED, order):
                told[_SPELLED] = (None, changeset.spelled[raw])
            if change.record_type in _INNER and not self._view.before(record, _PRIVATE, order):
                told[_PRIVATE] = (None, "no")  # who says nothing is taken for private
            if restoring and self._view.dead(record, order):
                found += self._restored(pen, order, set(told))
            for prop, (old, new) in told.items():
                before = self._view.last(record, prop, order)
                over = above.get((record, prop), (before.write,) if before else ())
                found.append(self._put(order, pen.write(prop, new, over, old)))
        return found

    def _put(self, order: Order, write: Write) -> Write:
        record = RecordId(write.cell.record)
        self._view.put(record, (write.cell.prop, write.cell.member), order, write)
        return write

    def _cells(self, record: RecordId, kind: str, name: str, old: V1Value,
               new: V1Value) -> dict[Prop, tuple[Value, Value]]:  # fmt: skip
        """Returns the cells that a property of theirs is here, each with its old and new value."""
        theirs = words.text_of(name)
        if kind == _ATTACHMENT and theirs == words.CONTENT:
            return self._content(record, new)
        before, after = _text(old), _text(new)
        if any(prop == theirs and member for prop, member in self._view.props(record)):
            was, now = words.members(before), words.members(after)
            changed = sorted(was ^ now)
            return {(theirs, m): (_present(m in was), _present(m in now)) for m in changed}
        prop = words.our_name(kind, theirs)
        values = (v and words.our_value(kind, theirs, v) for v in (before, after))
        return {(prop, ""): (next(values), next(values))}

    def _content(self, record: RecordId, new: V1Value) -> dict[Prop, tuple[Value, Value]]:
        """Returns the cells of an attachment's bytes, which are kept beside the database."""
        now: tuple[Value, Value, Value] = (None, None, None)
        if new not in (None, ""):
            stored = self._replica.store.blobs.put([words.bytes_of(str(new))])
            now = (stored, stored.sha256, str(stored.size))
        names = (words.CONTENT, "sha256", "size")
        before = self._view.cells(record, _END)
        return {
            (name, ""): (before[name, ""].value if (name, "") in before else None, value)
            for name, value in zip(names, now, strict=True)
        }

    # --- lives ---

    def _delete(self, pen: _Pen, order: Order, above: tuple[WriteId, ...] | None) -> Write:
        """Returns a delete, which saw all that its replica had of the record and what belongs to it."""
        life = self._view.last(pen.record, ALIVE, order)
        over = ((life.write,) if life else ()) if above is None else above
        seen = self._seen(pen.record, order)
        return self._put(order, pen.write(ALIVE, None, over, PRESENT, seen=seen))

    def _seen(self, record: RecordId, order: Order) -> tuple[WriteId, ...]:
        members = self._replica.members(record)
        children = {RecordId(r) for r in self._replica.store.derived.children(members)} - members
        self._view.load(children)
        stands = [s for prop, s in self._view.cells(record, order).items() if prop != ALIVE]
        stands += [s for child in children for s in self._view.cells(child, order).values()]
        return tuple(sorted({stand.write for stand in stands}))

    def _restored(self, pen: _Pen, order: Order, told: AbstractSet[Prop]) -> list[Write]:
        """Returns what brings a deleted record back with nothing but what is told of it: that is how
        the old tool does it.
        """
        found = []
        for prop, stand in self._view.cells(pen.record, order).items():
            if prop == ALIVE:
                found.append(pen.write(prop, PRESENT, (stand.write,), None))
            elif prop not in told and prop not in (_SPELLED, _PRIVATE) and stand.value is not None:
                found.append(pen.write(prop, None, (stand.write,), stand.value))
        return [self._put(order, write) for write in found]

    # --- conflicts ---

    def _bases(self, aside: Changeset) -> dict[At, tuple[WriteId, ...]]:
        """Returns for each cell that was put aside the write that both sides started from."""
        order = (aside.place.number, 0)
        found: dict[At, tuple[WriteId, ...]] = {}
        for raw, change in aside.changes.items():
            record = RecordId(raw)
            for name, one in (change.prop_changes or {}).items():
                cells = self._cells(record, change.record_type, name, one.old_value, one.new_value)
                for prop, (_, value) in cells.items():
                    older = self._view.before(record, prop, order)[1:]
                    base = next((s.write for s in older if s.value == kept(value)), None)
                    found[record, prop] = () if base is None else (base,)
        return found

    def _over(self, at: At, aside: Changeset, main: Changeset) -> tuple[WriteId, ...]:
        """Returns the two that were in conflict in a cell."""
        record, prop = at
        orders = ((aside.place.number, 0), (main.place.number, 1))
        stands = [self._view.last(record, prop, order) for order in orders]
        return tuple(sorted({stand.write for stand in stands if stand}))

    def _settled(self, aside: Changeset, main: Changeset, decided: Changeset | None,
                 bases: Mapping[At, tuple[WriteId, ...]]) -> list[Write]:  # fmt: skip
        """Returns what the replica decided without a word: the value that it went on with."""
        order, name = (main.place.number, 1), settled_name(self._old, main.place.number)
        created = words.instant(main.created)
        said = self._said(decided) if decided else set()
        found = []
        for (record, prop), base in bases.items():
            now = self._view.last(record, prop, order)
            if (record, prop) not in said and now:
                kind = aside.changes[record].record_type
                pen = _Pen(name, record, kind, created, PERSON)
                took = now.order == (main.place.number, 0)
                value = now.value if took else self._value(record, prop, base)
                found.append(pen.write(prop, value, self._over((record, prop), aside, main), None))
        for raw, change in aside.changes.items():
            record = RecordId(raw)
            if self._view.dead(record, order):
                came = main.changes.get(raw)
                if came is not None and came.change_type != _DELETE:
                    pen = _Pen(name, record, change.record_type, created, PERSON)
                    told = {
                        prop for prop, stand in self._view.cells(record, order).items()
                        if stand.order == (main.place.number, 0)
                    }  # fmt: skip
                    found += self._restored(pen, order, told)
        return [self._put(order, write) for write in found]

    def _said(self, decided: Changeset) -> set[At]:
        """Returns the cells that a resolution writes."""
        return {
            (RecordId(raw), at)
            for raw, change in decided.changes.items()
            for name, one in (change.prop_changes or {}).items()
            for at in self._cells(
                RecordId(raw), change.record_type, name, one.old_value, one.new_value
            )
        }

    def _value(self, record: RecordId, prop: Prop, base: tuple[WriteId, ...]) -> Value:
        stands = self._view.before(record, prop, _END)
        return next((stand.value for stand in stands if (stand.write,) == base), None)

    # --- deleted tickets that somebody comments ---

    def _dead_tickets(self, group: Group, last: Changeset) -> list[RecordId]:
        """Returns the deleted tickets to which a step wrote comments or attachments."""
        after = (last.place.number, 1)
        found = set()
        for one in group.all:
            for raw, change in one.changes.items():
                if change.record_type in _INNER:
                    stand = self._view.last(RecordId(raw), (TICKET, ""), after)
                    ticket = parent_of(stand.value) if stand else None
                    if ticket is not None and self._view.dead(RecordId(ticket), after):
                        found.add(RecordId(ticket))
        return sorted(found)

    def _stays_deleted(self, ticket: RecordId, last: Changeset) -> Write:
        """Returns the word that a ticket stays deleted though a comment came: the old tool never
        takes a comment for an answer to a delete.
        """
        order = (last.place.number, 1)
        pen = _Pen(
            settled_name(self._old, last.place.number), ticket, TICKET,
            words.instant(last.created), ours.EDIT,
        )  # fmt: skip
        life = self._view.last(ticket, ALIVE, order)
        over = (life.write,) if life else ()
        return self._put(
            order, pen.write(ALIVE, None, over, None, seen=self._seen(ticket, (order[0], 2)))
        )


_END: Final = (1 << 62, 0)
_SPELLED: Final = (words.SPELLED, "")
_PRIVATE: Final = ("private", "")


class _Pen(NamedTuple):
    """Writes to one record in the name of one changeset."""

    changeset: ChangesetName
    record: RecordId
    kind: str
    created: int
    rule: str

    def write(self, prop: Prop, value: Value, over: tuple[WriteId, ...], old: Value, *,
              seen: tuple[WriteId, ...] = ()) -> Write:  # fmt: skip
        """Returns a write, whose name follows from the changeset and the cell."""
        name = WriteId(name_of("prophet-v1", self.changeset, self.record, *prop))
        cell = Cell(self.record, *prop)
        return Write(name, cell, self.kind, value, over, self.created, self.rule, seen, old)


def _text(value: V1Value) -> str | None:
    """Returns a value of theirs as text; None where it is absent, which an empty text is too."""
    if value is None or value == "":
        return None
    return words.text_of(value) if isinstance(value, str) else str(value)


def _present(there: bool) -> Value:
    return PRESENT if there else None
