"""Keeps cells, classes and lives true to the log, entry by entry.

`Derivation.apply` is told of accepted entries that already stand in the log and brings the derived
tables up to them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

import msgspec

from prophet_hub.engine.past import Past, each_once
from prophet_hub.merge.cells import Head, head_of, heads_of, reach, shown_of
from prophet_hub.merge.conflicts import CellState, dead, late, state_of
from prophet_hub.model.changes import LIFE, LINKING, RECEIPT, SAME_AS, VOTE, Cell, Write
from prophet_hub.model.ids import WriteId
from prophet_hub.store.base import LATE, PLAIN, TANGLED, CellRow, RecordLine
from prophet_hub.store.sqlite import Store
from prophet_hub.values import PRESENT, Value

__all__ = ["TICKET", "Derivation", "decode_heads", "parent_of", "present", "state_in"]

TICKET = "ticket"
"""The property of a comment or attachment that holds the uuid of its ticket."""

Key = tuple[bytes, str, str]
_encode = msgspec.msgpack.Encoder().encode
decode_heads = msgspec.msgpack.Decoder(tuple[Head, ...]).decode
_LIFE_KEY = (LIFE, "alive")


class Derivation:
    """The derived tables of a store, kept up to date."""

    def __init__(self, store: Store) -> None:
        self._store, self._log, self._derived = store, store.log, store.derived

    def apply(self, entries: Sequence[tuple[int, Sequence[Write]]], *, at: int = 0) -> None:
        """Brings the tables up to accepted entries: (local number, writes).

        `at` is the local number at which an old entry begins to count, 0 for its own.
        """
        latest = at or entries[-1][0]
        fresh = [w.id for _, writes in entries for w in writes]
        known = self._derived.mentioned(fresh) | set(self._log.places(fresh))
        known |= self._derived.events_of(fresh)
        dirty = {WriteId(i) for i in known}
        self._log.place(
            [(w.id, number) for number, writes in entries for w in writes],
            {(end, number) for number, writes in entries for w in writes for end in _ends(w.cell)},
        )
        self._note_records(entries)
        pairs, events = self._links(entries)
        changed: dict[bytes, int] = {}
        keys = self._regroup(pairs)
        for whole in {key[0] for key in keys}:
            changed[whole] = latest
        past = Past(self._store)
        names = self._wholes({w.cell.record for _, writes in entries for w in writes})
        for number, writes in entries:
            for w in writes:
                if w.cell.prop not in LINKING:
                    whole = names[w.cell.record]
                    keys.add((whole, w.cell.prop, w.cell.member))
                    changed[whole] = at or number
                elif w.cell.prop == SAME_AS:
                    for end in (w.cell.record, bytes.fromhex(w.cell.member)):
                        if end in names:
                            changed[names[end]] = at or number
        for key in self._behind(dirty | events, past) - keys:
            keys.add(key)
            changed.setdefault(key[0], latest)
        near = self._recompute(keys, past)
        for whole in self._lives(near | set(changed), past):
            changed.setdefault(whole, latest)
        self._touch(changed)

    # --- records and their classes ---

    def _note_records(self, entries: Sequence[tuple[int, Sequence[Write]]]) -> None:
        """Gives every record written to a line and a number; both ends of a pair too."""
        types: dict[bytes, str] = {}
        for _, writes in entries:
            for w in writes:
                if w.cell.prop == SAME_AS:
                    types.setdefault(w.cell.record, "")
                    types.setdefault(bytes.fromhex(w.cell.member), "")
                elif w.cell.prop not in LINKING:
                    known = types.get(w.cell.record, "")
                    types[w.cell.record] = (
                        min(known, w.type) if known and w.type else known or w.type
                    )
        lines = self._derived.lines(types)
        number = self._derived.next_number()
        put: list[RecordLine] = []
        for record, type_ in types.items():
            line = lines.get(record)
            if line is None:
                put.append(RecordLine(number, record, type_, record, type_, number, 0))
                number += 1
            elif type_ and (not line.type or type_ < line.type):
                put.append(line._replace(type=type_))
        self._derived.put_lines(put)
        self._name_classes({self._whole_of(lines, line.record) for line in put})

    @staticmethod
    def _whole_of(lines: dict[bytes, RecordLine], record: bytes) -> bytes:
        return lines[record].whole if record in lines else record

    def _name_classes(self, wholes: Iterable[bytes]) -> None:
        """Writes what a class is called and how it is numbered on its least member."""
        for whole in wholes:
            lines = self._derived.lines({whole, *self._derived.others(whole)})
            kind = min((line.type for line in lines.values() if line.type), default="")
            label = min(line.number for line in lines.values())
            changed = max(line.changed for line in lines.values())
            self._derived.put_lines(
                line._replace(kind=kind, label=label, changed=changed)
                if line.record == whole
                else line._replace(kind="", label=label)
                for line in lines.values()
            )

    def _wholes(self, records: Iterable[bytes]) -> dict[bytes, bytes]:
        """Returns the names of the classes of those records that have a line."""
        return {r: line.whole for r, line in self._derived.lines(records).items()}

    def _links(
        self, entries: Sequence[tuple[int, Sequence[Write]]]
    ) -> tuple[set[tuple[bytes, bytes]], set[WriteId]]:
        """Computes the touched links anew; returns the pairs and the events whose link changed."""
        cells = {w.cell for _, writes in entries for w in writes if w.cell.prop in LINKING}
        pairs: set[tuple[bytes, bytes]] = set()
        events: set[WriteId] = set()
        if not cells:
            return pairs, events
        past = Past(self._store)
        for cell in sorted(cells):
            numbers = self._log.numbers_of((cell.record,))
            found = [w for ws in past.entries(numbers) for w in ws if w.cell == cell]
            heads = heads_of(each_once(found), past.supersedes)
            state = state_of(cell.prop, cell.member, tuple(map(head_of, heads)))
            row = CellRow(*_key(cell), _encode(state.heads), int(state.conflict), PLAIN, None)
            before = self._derived.cell(*_key(cell))
            was = (
                before is not None and shown_of(decode_heads(before.heads), cell.member) == PRESENT
            )
            now = state.shown == PRESENT
            self._derived.put_cells((row,))
            if was == now:
                continue
            other = bytes.fromhex(cell.member)
            if cell.prop == SAME_AS:
                self._derived.join(cell.record, other, shown=now)
                pairs.add((cell.record, other))
            elif cell.prop == RECEIPT:
                self._derived.echo(cell.record, other, shown=now)
                events.add(WriteId(cell.record))
        return pairs, events

    def _regroup(self, pairs: Iterable[tuple[bytes, bytes]]) -> set[Key]:
        """Forms the classes of changed pairs anew; returns the cells that must be computed anew."""
        ends = {end for pair in pairs for end in pair}
        if not ends:
            return set()
        lines = self._derived.lines(ends)
        old = {line.whole for line in lines.values()}
        records = ends | old | {r for whole in old for r in self._derived.others(whole)}
        keys: set[tuple[str, str]] = set()
        dropped: list[Key] = []
        for row in self._derived.cells(old):
            if row.prop not in LINKING:
                keys.add((row.prop, row.member))
                dropped.append((row.record, row.prop, row.member))
        self._derived.drop_cells(dropped)
        for key in dropped:
            self._derived.cross(key, ())
        for whole in old:
            self._derived.die(whole, dead=False)
        wholes: set[bytes] = set()
        while records:
            members = self._component(records.pop())
            records -= members
            whole = min(members)
            wholes.add(whole)
            lines = self._derived.lines(members)
            self._derived.put_lines(line._replace(whole=whole) for line in lines.values())
        self._name_classes(wholes)
        return {(whole, *key) for whole in wholes for key in keys}

    def _component(self, start: bytes) -> set[bytes]:
        """Returns all records that pairs lead to."""
        found, waiting = {start}, {start}
        while waiting:
            joined = self._derived.joined(waiting)
            waiting = {r for others in joined.values() for r in others} - found
            found |= waiting
        return found

    # --- cells, by the law ---

    def _recompute(self, keys: Iterable[Key], past: Past) -> set[bytes]:
        """Computes cells by the law over their stored writes; returns the tickets whose comments
        and attachments they are, before and after.
        """
        by_class: dict[bytes, set[tuple[str, str]]] = {}
        for whole, prop, member in keys:
            by_class.setdefault(whole, set()).add((prop, member))
        parents: set[bytes] = set()
        for whole, cells in by_class.items():
            writes = self._writes_of(whole, past)
            before = {(c.prop, c.member): c for c in self._derived.cells((whole,))}
            put: list[CellRow] = []
            dropped: list[Key] = []
            for cell in sorted(cells):
                found = writes.get(cell, [])
                row, crossings = _by_the_law((whole, *cell), found, past)
                self._derived.cross((whole, *cell), crossings)
                if row is None:
                    dropped.append((whole, *cell))
                else:
                    put.append(row)
                if cell == _LIFE_KEY:
                    alive = row is None or not dead(decode_heads(row.heads))
                    self._derived.die(whole, dead=not alive)
            self._derived.put_cells(put)
            self._derived.drop_cells(dropped)
            rows = [before.get((TICKET, "")), *put]
            parents |= {row.parent for row in rows if row is not None and row.parent}
        return set(self._wholes(parents).values())

    def _writes_of(self, whole: bytes, past: Past) -> dict[tuple[str, str], list[Write]]:
        """Returns all writes of a class but links, by cell."""
        members = {whole, *self._derived.others(whole)}
        found: dict[tuple[str, str], list[Write]] = {}
        for writes in past.entries(self._log.numbers_of(members)):
            for w in writes:
                if w.cell.record in members and w.cell.prop not in LINKING:
                    found.setdefault((w.cell.prop, w.cell.member), []).append(w)
        return found

    def _behind(self, dirty: Iterable[WriteId], past: Past) -> set[Key]:
        """Returns the cells in which heads may change because these writes' pasts did.

        Within a cell everybody who knew such a write is in the cell; from cell to cell one gets
        only by a crossing, and crossings are noted where they start.
        """
        found: set[Key] = set()
        ids = set(dirty)
        done: set[WriteId] = set()
        while ids := ids - done:
            done |= ids
            ids |= {WriteId(e) for e in self._derived.events_of(ids)}
            cells = self._derived.crossed(ids)
            raw = {w.cell for i in ids for w in past.copies(i) if w.cell.prop not in LINKING}
            names = self._wholes({c.record for c in raw})
            cells |= {(names[c.record], c.prop, c.member) for c in raw if c.record in names}
            done |= ids
            ids = set()
            for whole, prop, member in cells - found:
                found.add((whole, prop, member))
                ids |= {w.id for w in self._writes_of(whole, past).get((prop, member), ())}
        return found

    # --- lives ---

    def _lives(self, near: set[bytes], past: Past) -> set[bytes]:
        """Judges anew the deleted among the classes and their tickets; returns whose life changed."""
        tickets = {
            row.parent for row in self._derived.cells(near) if row.prop == TICKET and row.parent
        }
        changed: set[bytes] = set()
        for whole in self._derived.dead(near | set(self._wholes(tickets).values())):
            row = self._derived.cell(whole, *_LIFE_KEY)
            if row is None:
                continue
            mark = LATE if self._late(whole, decode_heads(row.heads), past) else PLAIN
            if (row.mark == LATE) != (mark == LATE):
                self._derived.put_cells((row._replace(mark=mark, conflict=int(mark == LATE)),))
                changed.add(whole)
        return changed

    def _late(self, whole: bytes, heads: tuple[Head, ...], past: Past) -> bool:
        past.load(h.id for h in heads)
        seen = {s for h in heads for w in past.copies(h.id) for s in w.seen}
        edges = past.edges
        return bool(late(seen, self.seen_by_delete(whole), edges, past.settled))

    def seen_by_delete(self, whole: bytes) -> list[Head]:
        """Returns the heads that a delete of the class looks at: the record's other cells, and all
        of its comments and attachments; votes and links are none of them.
        """
        members = {whole, *self._derived.others(whole)}
        children = set(self._wholes(self._derived.children(members)).values()) - {whole}
        return [
            head
            for row in self._derived.cells((whole, *sorted(children)))
            if row.prop not in LINKING
            and not row.prop.startswith(VOTE)
            and not (row.record == whole and row.prop == LIFE)
            for head in decode_heads(row.heads)
        ]

    def _touch(self, changed: dict[bytes, int]) -> None:
        lines = self._derived.lines(changed)
        self._derived.put_lines(
            line._replace(changed=max(line.changed, changed[record]))
            for record, line in lines.items()
        )


def state_in(row: CellRow) -> CellState:
    """Returns the cell that a row holds."""
    return state_of(row.prop, row.member, decode_heads(row.heads), late=row.mark == LATE)


def present(row: CellRow) -> bool:
    """Tells whether a set cell shows its member."""
    return row.mark == LATE or shown_of(decode_heads(row.heads), row.member) is not None


def parent_of(prop: str, member: str, shown: Value) -> bytes | None:
    """Returns the record that a `ticket` cell shows, None for any other cell or text."""
    if prop != TICKET or member or not isinstance(shown, str):
        return None
    try:
        return uuid.UUID(shown).bytes
    except ValueError:
        return None


def _by_the_law(
    key: Key, found: Sequence[Write], past: Past
) -> tuple[CellRow | None, set[WriteId]]:
    """Returns a cell with the heads that the law gives, and the supersessions that leave it."""
    past.load({w.id for w in found})
    ids = {w.id for w in found}
    crossings = {above for i in ids for above in past.edges(i)} - ids
    standing = each_once([w for w in found if not past.echo(w.id)])
    if not standing:
        return None, crossings
    heads = heads_of(standing, past.edges)
    state = state_of(key[1], key[2], tuple(map(head_of, heads)))
    tangled = any(h.id in reach((h.id,), past.edges) for h in heads)
    mark = TANGLED if tangled else PLAIN
    parent = parent_of(key[1], key[2], state.shown)
    return CellRow(*key, _encode(state.heads), int(state.conflict), mark, parent), crossings


def _ends(cell: Cell) -> tuple[bytes, ...]:
    """Returns the raw records under which a write is to be found: a pair under both."""
    if cell.prop == SAME_AS:
        return cell.record, bytes.fromhex(cell.member)
    return (cell.record,)


def _key(cell: Cell) -> Key:
    return cell.record, cell.prop, cell.member
