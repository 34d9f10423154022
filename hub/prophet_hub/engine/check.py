"""Checks a whole database: every hash, every sequence, every derived table, against the log.

Pages of the log and batches of classes, so that memory does not grow with the database, and so that
a batch's writes are read together.  What the tables should hold is computed by the law alone
(`recompute`), not by the shortcuts that filled them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from prophet_hub.engine.classes import ends_of, label_of
from prophet_hub.engine.past import Past, each_once
from prophet_hub.engine.quarantine import named_in
from prophet_hub.engine.query_index import Indexer
from prophet_hub.engine.recompute import ByTheLaw, by_the_law
from prophet_hub.engine.rows import LIFE_KEY, Key, decode_heads, is_dead, present, row_of
from prophet_hub.errors import Invalid
from prophet_hub.merge.cells import head_of, heads_of
from prophet_hub.model import codec
from prophet_hub.model.changes import LINKING, SAME_AS, Write
from prophet_hub.model.ids import WriteId, text
from prophet_hub.store.base import LATE, CellRow, EntryRow, RecordLine
from prophet_hub.store.census import Census
from prophet_hub.store.search import Search
from prophet_hub.store.sqlite import Store
from prophet_hub.values import Stored

__all__ = ["Told", "check"]

_PAGE: Final = 1_000
_CLASSES: Final = 500
_FIRST: Final = -1 << 62  # before any number of a record
_MANY: Final = 100_000
_NOWHERE: Final[frozenset[WriteId]] = frozenset()

Told = Callable[[int, int], None]
"""Is told of progress: steps done, steps in all."""

Cells = dict[bytes, dict[tuple[str, str], list[Write]]]


def check(store: Store, *, told: Told | None = None) -> Iterator[str]:
    """Yields one sentence for everything in which log, texts and derived tables are at odds."""
    yield from _Check(store, told).sentences()


class _Check:
    """One check; what it counts on its way tells what is left over in the end."""

    def __init__(self, store: Store, told: Told | None) -> None:
        self._store, self._log, self._derived = store, store.log, store.derived
        self._census, self._law, self._indexer = Census(store), ByTheLaw(store), Indexer(store)
        self._lasts: dict[bytes, tuple[int, bytes]] = {}
        self._rows: Counter[str] = Counter()
        self._twice: set[bytes] = set()  # names that stand at several places
        self._all_once = True  # but for these, as far as they were kept
        self._told, self._done = told, 0
        self._steps = self._census.count("entries") + self._census.count("records")

    def sentences(self) -> Iterator[str]:
        for said in self._census.damage():
            yield f"The file itself is damaged: {said}."
        yield from self._of_log()
        yield from self._of_contents()
        yield from self._of_classes()
        yield from self._of_receipts()
        for table in ("names", "touched", "cells", "joins", "echoes", "deaths"):
            more = self._census.count(table) - self._rows[table]
            if more > 0:
                yield f"The table {table} has {more} rows for which nothing in the log stands."
        yield from self._of_search()

    def _step(self, count: int) -> None:
        self._done += count
        if self._told:
            self._told(self._done, self._steps)

    # --- the log ---

    def _of_log(self) -> Iterator[str]:
        after = 0
        while page := self._log.after(after, _PAGE):
            yield from self._of_page(page)
            after = page[-1].number
            self._step(len(page))
        if self._census.tips() != self._census.tips_of_log():
            yield "The last entries of the log's branches are not as noted."

    def _of_page(self, page: Sequence[EntryRow]) -> Iterator[str]:
        names: dict[tuple[bytes, int], None] = {}
        touched: dict[tuple[bytes, int], None] = {}
        carried: set[tuple[int, str, int]] = set()
        for row in page:
            n = row.number
            yield from self._of_chain(row)
            try:
                origin, sequence, changeset = codec.check(row.raw)
            except Invalid:
                if row.reason is None:
                    yield f"Entry {n} cannot be read."
                continue
            if (origin, sequence) != (row.origin, row.sequence):
                yield f"Entry {n} stands at another place than it says."
            carried.update(named_in(n, changeset.writes))
            if row.reason is None:
                names |= dict.fromkeys((w.id, n) for w in changeset.writes)
                touched |= dict.fromkeys((end, n) for w in changeset.writes for end in ends_of(w))
        first, last = page[0].number, page[-1].number
        self._rows["names"] += len(names)
        self._rows["touched"] += len(touched)
        places = self._log.places({i for i, _ in names})
        lost = [one for one in names if one[1] not in places.get(one[0], ())]
        self._twice.update(i for i, found in places.items() if len(found) > 1)
        if len(self._twice) > _MANY:
            self._all_once = False
            self._twice.clear()
        for n in sorted({n for _, n in lost}):
            yield f"Entry {n} has writes that are not found by their names."
        strange = touched.keys() - self._census.touched({r for r, _ in touched}, first, last)
        for n in sorted({n for _, n in strange}):
            yield f"Entry {n} writes to records that do not know of it."
        odd = carried ^ self._census.carried(first, last)
        for n in sorted({n for n, *_ in odd}):
            yield f"What entry {n} names by hash is not as noted."

    def _of_chain(self, row: EntryRow) -> Iterator[str]:
        if hashlib.sha256(row.before + row.raw).digest() != row.running:
            yield f"Entry {row.number} does not have the hash under which it stands."
        follows = (row.sequence - 1, row.before)
        if follows not in ((0, b""), self._lasts.get(row.origin)) and (
            row.sequence == 1 or row.before not in self._log.at(row.origin, row.sequence - 1)
        ):
            yield f"Entry {row.number} follows an entry that is not here."
        self._lasts[row.origin] = row.sequence, row.running

    # --- texts and contents ---

    def _of_contents(self) -> Iterator[str]:
        for sha256, data in self._census.texts():
            if hashlib.sha256(data).hexdigest() != sha256:
                yield f"The text {sha256[:12]} is not what its name says."
        wanted = dict(self._log.wanted())
        for sha256, size, here in self._census.needed():
            awaited = wanted.pop(sha256, None) is not None  # also one that came, before a kill
            if not here:
                if not awaited:
                    yield f"The content {sha256[:12]} is named, not here, and not waited for."
            elif _hash_of(self._store.blobs.read(Stored(sha256, size))) != sha256:
                yield f"The content {sha256[:12]} is not what its name says."
        for sha256 in wanted:
            yield f"The content {sha256[:12]} is waited for though nothing needs it."

    # --- classes ---

    def _of_classes(self) -> Iterator[str]:
        after = _FIRST
        while lines := self._census.lines(after, _CLASSES):
            yield from self._of_lines(lines)
            after = lines[-1].number
            self._step(len(lines))

    def _of_lines(self, lines: Sequence[RecordLine]) -> Iterator[str]:
        past = Past(self._store)
        wholes = [line for line in lines if line.whole == line.record]
        groups = self._groups(wholes)
        whole_of = {r: whole for whole, members in groups.items() for r in members}
        records = whole_of.keys() | {line.record for line in lines}
        cells, links, types = self._written(records, whole_of, {x.record for x in lines}, past)
        rows: dict[bytes, dict[tuple[str, str], CellRow]] = {}
        for row in self._derived.cells({line.record for line in lines}):
            rows.setdefault(row.record, {})[row.prop, row.member] = row
            self._rows["cells"] += 1
        yield from self._of_joins(lines, links, rows, past)
        for line in lines:
            if line.type != types.get(line.record, ""):
                yield f"Record {text(line.record)} is not of the type that its writes say."
        crossings = self._census.crossings(groups)
        dead = set()
        for line in wholes:
            whole = line.record
            yield from self._of_line(line, groups[whole], types)
            odd, dies = self._of_cells(
                whole, cells.get(whole, {}), rows.get(whole, {}), crossings, past
            )
            if dies:
                dead.add(whole)
            for words in sorted(odd):
                yield f"Record {text(whole)}: {words} is not as its writes say."
        self._rows["deaths"] += len(dead)
        for whole in sorted(dead ^ self._derived.dead(groups)):
            yield f"Record {text(whole)} is not noted as its deletes say."

    def _of_cells(
        self, whole: bytes, written: dict[tuple[str, str], list[Write]],
        rows: dict[tuple[str, str], CellRow], crossings: dict[Key, set[bytes]], past: Past,
    ) -> tuple[list[str], bool]:  # fmt: skip
        """Returns the cells of a class that are not as the law says, and whether it is deleted."""
        odd, dies = [], False
        for cell in written.keys() | {k for k in rows if k[0] not in LINKING}:
            key: Key = (whole, *cell)
            expected, out = _lawful(key, written.get(cell, ()), past)
            if cell == LIFE_KEY and expected and is_dead(expected):
                dies = True
                if self._law.late(whole, decode_heads(expected.heads), past):
                    expected = expected._replace(mark=LATE, conflict=1)
            if rows.get(cell) != expected or (out and not out <= crossings.get(key, set())):
                odd.append("/".join(filter(None, cell)))
        return odd, dies

    def _groups(self, wholes: Sequence[RecordLine]) -> dict[bytes, dict[bytes, int]]:
        """Returns the members of classes with their numbers."""
        others = Search(self._store).members(line.record for line in wholes)
        return {
            line.record: {line.record: line.number, **others.get(line.record, {})}
            for line in wholes
        }

    def _written(
        self, records: Iterable[bytes], whole_of: dict[bytes, bytes], here: set[bytes], past: Past
    ) -> tuple[Cells, Cells, dict[bytes, str]]:
        """Returns the writes of cells by class, those of links by record, and records' types."""
        cells: Cells = {}
        links: Cells = {}
        types: dict[bytes, str] = {}
        records = set(records)
        met: list[Write] = []
        for w in past.touching(records):
            record, cell = w.cell.record, (w.cell.prop, w.cell.member)
            if w.cell.prop in LINKING:
                if record in here:
                    links.setdefault(record, {}).setdefault(cell, []).append(w)
                    met.append(w)
                continue
            if w.type and record in records:
                types[record] = min(w.type, types.get(record) or w.type)
            if record in whole_of:
                cells.setdefault(whole_of[record], {}).setdefault(cell, []).append(w)
                met.append(w)
        if self._all_once:
            past.take(w for w in met if w.id not in self._twice)
        past.load(w.id for w in met)
        return cells, links, types

    def _of_line(
        self, line: RecordLine, members: dict[bytes, int], types: dict[bytes, str]
    ) -> Iterator[str]:
        kind = min(filter(None, map(types.get, members)), default="")
        if (line.kind, line.label) != (kind, label_of(members.values())):
            yield f"Record {text(line.record)} is not named as its members are."
        if len(members) > 1:
            joined = self._derived.joined(members)
            reached, waiting = {line.record}, [line.record]
            while waiting:
                new = joined.get(waiting.pop(), set()) - reached
                reached |= new
                waiting += new
            if reached != members.keys():
                yield f"Record {text(line.record)} is not joined as its members are."

    # --- links ---

    def _of_joins(
        self, lines: Sequence[RecordLine], links: Cells,
        rows: dict[bytes, dict[tuple[str, str], CellRow]], past: Past,
    ) -> Iterator[str]:  # fmt: skip
        noted = self._derived.joined(line.record for line in lines)
        for line in lines:
            record = line.record
            found = {k: r for k, r in rows.get(record, {}).items() if k[0] == SAME_AS}
            for cell in found.keys() | links.get(record, {}).keys():
                row = _link((record, *cell), links.get(record, {}).get(cell, ()), past)
                if found.get(cell) != row:
                    yield f"Record {text(record)}: a pair is not as its writes say."
                if row and present(row):
                    self._rows["joins"] += 2
                    if bytes.fromhex(cell[1]) not in noted.get(record, set()):
                        yield f"Record {text(record)}: a pair is not noted."

    def _of_receipts(self) -> Iterator[str]:
        after = b""
        while page := self._census.receipts(after):
            past = Past(self._store)
            events = {row.record for row in page}
            _, links, _ = self._written(events, {}, events, past)
            noted = self._derived.echoes(events)
            for row in page:
                self._rows["cells"] += 1
                key: Key = (row.record, row.prop, row.member)
                if row != _link(key, links.get(row.record, {}).get(key[1:], ()), past):
                    yield f"A receipt of event {row.record.hex()} is not as its writes say."
                self._rows["echoes"] += present(row)
                if present(row) != (bytes.fromhex(row.member) in noted.get(row.record, ())):
                    yield f"A receipt of event {row.record.hex()} is not noted."
            after = page[-1].record

    # --- searches ---

    def _of_search(self) -> Iterator[str]:
        """Compares what searches ask with what the cells say, as far as it was brought up to them."""
        if not self._indexer.search.whole():
            yield "The index of words does not fit the texts."
        after = _FIRST
        while lines := self._census.lines(after, _CLASSES):
            for line in self._indexer.differences(lines):
                yield f"Record {text(line.record)} is not found as it is shown."
            after = lines[-1].number


def _lawful(
    key: Key, found: Sequence[Write], past: Past
) -> tuple[CellRow | None, AbstractSet[WriteId]]:
    """Returns a cell by the law, and where its supersessions lead out of it."""
    if len(found) == 1:
        (write,) = found
        if not write.supersedes and len(past.copies(write.id)) == 1 and not past.echo(write.id):
            return row_of(key, (head_of(write),)), _NOWHERE
    row, out = by_the_law(key, found, past)
    return row, out


def _link(key: Key, found: Sequence[Write], past: Past) -> CellRow | None:
    """Returns a pair or a receipt by the law, which no receipt changes."""
    if not found:
        return None
    return row_of(key, tuple(map(head_of, heads_of(each_once(found), past.supersedes))))


def _hash_of(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
