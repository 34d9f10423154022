"""Cells computed by the law over their stored writes: the slow way, always right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prophet_hub.engine.past import Past, each_once
from prophet_hub.engine.rows import LIFE_KEY, TICKET, Key, decode_heads, is_dead, row_of
from prophet_hub.merge.cells import Head, head_of, heads_of, reach
from prophet_hub.merge.conflicts import late
from prophet_hub.model.changes import LIFE, LINKING, VOTE, Write
from prophet_hub.model.ids import WriteId
from prophet_hub.store.base import LATE, PLAIN, TANGLED, CellRow
from prophet_hub.store.sqlite import Store

__all__ = ["ByTheLaw", "by_the_law"]

Wholes = Callable[[Iterable[bytes]], dict[bytes, bytes]]
"""Gives the names of the classes of those records that are known."""


class ByTheLaw:
    """Computes cells and lives of a store anew."""

    def __init__(self, store: Store) -> None:
        self._log, self._derived = store.log, store.derived

    def cells(self, keys: Iterable[Key], past: Past) -> set[bytes]:
        """Writes cells anew, drops those that have no write any more; returns the tickets that
        `ticket` cells among them showed before.
        """
        keys = list(keys)
        parents = self._derived.parents(key[0] for key in keys if key[1] == TICKET)
        by_class: dict[bytes, set[tuple[str, str]]] = {}
        for whole, prop, member in keys:
            by_class.setdefault(whole, set()).add((prop, member))
        put: list[CellRow] = []
        dropped: list[Key] = []
        for whole, cells in by_class.items():
            writes = self.writes_of(whole, past)
            for cell in sorted(cells):
                key = (whole, *cell)
                found = writes.get(cell, [])
                row, crossings = by_the_law(key, found, past)
                if cell == LIFE_KEY:  # what a delete saw elsewhere bears on what is late here
                    own = {w.id for ws in writes.values() for w in ws}
                    crossings |= {s for w in found for s in w.seen} - own
                self._derived.cross(key, crossings)
                if row is None:
                    dropped.append(key)
                else:
                    put.append(row)
                if cell == LIFE_KEY:
                    self._derived.die(whole, dead=is_dead(row))
        self._derived.put_cells(put)
        self._derived.drop_cells(dropped)
        return parents

    def writes_of(self, whole: bytes, past: Past) -> dict[tuple[str, str], list[Write]]:
        """Returns all writes of a class but links, by cell."""
        members = {whole, *self._derived.others(whole)}
        found: dict[tuple[str, str], list[Write]] = {}
        for w in past.touching(members):
            if w.cell.record in members and w.cell.prop not in LINKING:
                found.setdefault((w.cell.prop, w.cell.member), []).append(w)
        return found

    def behind(self, dirty: Iterable[WriteId], past: Past, wholes: Wholes) -> set[Key]:
        """Returns the cells in which heads may change because these writes' pasts did.

        Whoever knew such a write stands in its cell, or is led out of a cell of its own by a
        crossing, or knew somebody who does; crossings are noted for the cell where they start, so
        following them backwards finds every such cell.
        """
        found: set[Key] = set()
        ids, done = set(dirty), set[WriteId]()
        while ids := ids - done:
            ids |= {WriteId(e) for e in self._derived.events_of(ids)}
            done |= ids
            cells = self._derived.crossed(ids)
            past.load(ids)
            raw = {w.cell for i in ids for w in past.copies(i) if w.cell.prop not in LINKING}
            names = wholes({c.record for c in raw})
            cells |= {(names[c.record], c.prop, c.member) for c in raw if c.record in names}
            ids = set()
            for whole, prop, member in cells - found:
                found.add((whole, prop, member))
                ids |= {w.id for w in self.writes_of(whole, past).get((prop, member), ())}
        return found

    def lives(self, wholes: set[bytes], past: Past) -> set[bytes]:
        """Judges the deleted among the classes anew; returns those whose life is shown otherwise."""
        changed: set[bytes] = set()
        for whole in self._derived.dead(wholes):
            row = self._derived.cell(whole, *LIFE_KEY)
            if row is None:
                continue
            is_late = self.late(whole, decode_heads(row.heads), past)
            if is_late != (row.mark == LATE):
                mark = LATE if is_late else PLAIN
                self._derived.put_cells((row._replace(mark=mark, conflict=int(is_late)),))
                changed.add(whole)
        return changed

    def late(self, whole: bytes, heads: Sequence[Head], past: Past) -> bool:
        """Tells whether a class was edited after its deletes, `heads`."""
        past.load(h.id for h in heads)
        seen = {s for h in heads for w in past.copies(h.id) for s in w.seen}
        return bool(late(seen, self.seen_by_delete(whole), past.edges, past.settled))

    def seen_by_delete(self, whole: bytes) -> list[Head]:
        """Returns the heads that a delete of the class looks at: those of the record's other cells,
        and all of its comments and attachments; votes and links are none of them.
        """
        members = {whole, *self._derived.others(whole)}
        children = self._derived.lines(self._derived.children(members))
        records = {whole, *(line.whole for line in children.values())}
        return [
            head
            for row in self._derived.cells(records)
            if row.prop not in LINKING
            and not row.prop.startswith(VOTE)
            and not (row.record == whole and row.prop == LIFE)
            for head in decode_heads(row.heads)
        ]


def by_the_law(key: Key, found: Sequence[Write], past: Past) -> tuple[CellRow | None, set[WriteId]]:
    """Returns a cell with the heads that the law gives, None for one without any write that
    counts, and the targets of all supersessions that lead out of it.
    """
    ids = {w.id for w in found}
    past.load(ids)
    crossings = {above for i in ids for above in past.edges(i)} - ids
    standing = each_once(w for w in found if not past.echo(w.id))
    if not standing:
        return None, crossings
    heads = heads_of(standing, past.edges)
    tangled = any(h.id in reach((h.id,), past.edges) for h in heads)
    mark = TANGLED if tangled else PLAIN
    return row_of(key, tuple(map(head_of, heads)), mark), crossings
