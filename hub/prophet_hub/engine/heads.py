"""Keeps the derived tables true to the log, batch by batch, by the short way where it suffices.

**The short way.** A cell has the writes W and the heads H that the law gives.  A write o arrives:

* o is no rule's and no delete with a list, none of H is a rule's, and none of H knew itself or
  another (the row is not TANGLED);
* nobody has named o before: it is not in the log, no crossing leads to it, no receipt names it;
* all that o supersedes stands in W, and is no event that a receipt calls another write.

Then the law's heads of W + o are H without what o supersedes, and o.  *Proof.* Nobody knows o, for
nobody named it, so o is a head and changes nobody else's past.  Let w of H be known to o and not
superseded by it: then some s in W, superseded by o, knew w; w is a head, so w knew s in turn, and
the row is TANGLED.  Rules' writes, which are known to more than their successors, are not among H.

A rule's write o that supersedes all of H goes the same way, and is the only head.  *Proof.* It knows
all of H, hence all of W.  A write w knows o only by knowing all that o knew, every h of H among it;
h is a head, so h knew w in turn: for w in H two heads knew one another, for w = h h knew itself,
and for any other w, known to some h, that h knew itself; each time the row is TANGLED.

**Everywhere else** the cell is computed by the law over its stored writes (`recompute`): joined and
parted classes, receipts, rules' writes, a name told twice (renderings), causes that come after
their effects or never (quarantine), supersessions that lead out of the cell.  The latter are noted
as *crossings*; a cell far away can change only through them (`ByTheLaw.behind`).
"""

from __future__ import annotations

from collections.abc import Iterable

from prophet_hub.engine.classes import Entries, Lines, Links, ends_of
from prophet_hub.engine.past import Past
from prophet_hub.engine.recompute import ByTheLaw
from prophet_hub.engine.rows import Key, decode_heads, is_dead, row_of
from prophet_hub.merge.cells import Head, head_of
from prophet_hub.merge.conflicts import dead
from prophet_hub.model.changes import LIFE, LINKING, RECEIPT, SAME_AS, Write
from prophet_hub.model.ids import WriteId
from prophet_hub.store.base import TANGLED
from prophet_hub.store.sqlite import Store

__all__ = ["Derivation"]


class Derivation:
    """The derived tables of a store, kept up to date."""

    def __init__(self, store: Store) -> None:
        self._store, self._log, self._derived = store, store.log, store.derived
        self._links, self.law = Links(store), ByTheLaw(store)

    def apply(self, entries: Entries, *, at: int = 0) -> None:
        """Brings the tables up to accepted entries that stand in the log.

        `at` is the local number at which an old entry begins to count, 0 for its own.
        """
        latest = at or entries[-1][0]
        met = self._meet(entries)
        lines = Lines(self._derived)
        types = _types(entries)
        new = lines.note(types)
        slow: set[Key] = set()
        changed: dict[bytes, int] = {}
        pairs, events = self._links.update(entries)
        met |= events
        parents: set[bytes] = set()
        if pairs:
            slow |= self._regroup(pairs, lines, parents)
            changed |= dict.fromkeys((key[0] for key in slow), latest)
        batch = _Batch(self._store, lines, (types, new), met, slow)
        for number, writes in entries:
            for w in writes:
                if w.cell.prop not in LINKING:
                    changed[batch.add(w)] = at or number
                else:
                    ends = lines.wholes(ends_of(w))
                    changed |= dict.fromkeys(ends.values(), at or number)
        batch.look_up()
        past = batch.past
        if met or batch.twice:
            for key in self.law.behind(met | batch.twice, past, lines.wholes) - slow:
                slow.add(key)
                changed.setdefault(key[0], latest)
        batch.flush()
        parents |= batch.parents | self.law.cells(slow, past)
        for whole in self._lives(set(changed), parents, lines, past):
            changed.setdefault(whole, latest)
        for whole, number in changed.items():
            lines.touch(whole, number)
        lines.flush()

    def _lives(
        self, changed: set[bytes], parents: set[bytes], lines: Lines, past: Past
    ) -> set[bytes]:
        """Judges the deleted anew among what changed and the tickets that it belongs, or belonged,
        to.
        """
        if not self._derived.has("deaths"):
            return set()
        lines.flush()  # a new comment's line is looked for in the store
        near = changed | parents | self._derived.parents(changed)
        return self.law.lives(set(lines.wholes(near).values()), past)

    def _meet(self, entries: Entries) -> set[WriteId]:
        """Notes where writes stand; returns those that somebody named before they came."""
        ids = [w.id for _, writes in entries for w in writes]
        found = set(self._log.places(ids))
        links = {w.id for _, writes in entries for w in writes if w.cell.prop in LINKING}
        if links:  # a stranger may give a link and a write one name
            found |= links.intersection(
                w.id for _, writes in entries for w in writes if w.cell.prop not in LINKING
            )
        if self._derived.has("crossings"):
            found |= self._derived.mentioned(ids)
        if self._derived.has("echoes"):
            found |= self._derived.echoes(ids).keys() | self._derived.named_by_receipts(ids)
        self._log.place(
            [(w.id, number) for number, writes in entries for w in writes],
            {(end, number) for number, writes in entries for w in writes for end in ends_of(w)},
        )
        return {WriteId(i) for i in found}

    def _regroup(
        self, pairs: Iterable[tuple[bytes, bytes]], lines: Lines, parents: set[bytes]
    ) -> set[Key]:
        """Forms classes anew; returns the cells of the new ones, which must be computed, and adds
        to `parents` the tickets that the old ones belonged to.
        """
        old, new = lines.regroup(pairs)
        parents |= self._derived.parents(old)
        cells = {key[1:] for whole in old for key in self._links.drop_class(whole)}
        return {(whole, *cell) for whole in new for cell in cells}


class _Batch:
    """The cells of one batch on the short way.

    Attributes:
        slow: The cells that must be computed by the law; it grows.
        twice: Names that were told more than once in this batch.
        parents: The tickets of touched comments and attachments, before the batch.
    """

    def __init__(
        self, store: Store, lines: Lines, records: tuple[Iterable[bytes], set[bytes]],
        met: set[WriteId], slow: set[Key],
    ) -> None:  # fmt: skip
        self._derived, self._lines, self._met, self.slow = store.derived, lines, met, slow
        self.past = Past(store)
        self.twice: set[WriteId] = set()
        touched, new = records
        self._rows = {
            (row.record, row.prop, row.member): row
            for row in self._derived.cells({lines.whole(r) for r in touched if r not in new})
        }
        self.parents = {row.parent for row in self._rows.values() if row.parent}
        self._heads: dict[Key, list[Head]] = {}
        self._here: dict[WriteId, Key] = {}
        self._elsewhere: dict[WriteId, set[Key]] = {}

    def add(self, write: Write) -> bytes:
        """Takes one write; returns the name of its class."""
        cell, name = write.cell, write.id
        whole = self._lines.whole(cell.record)
        key = (whole, cell.prop, cell.member)
        if name in self._here:
            self.twice.add(name)
            self.slow |= {key, self._here[name]}
        self._here[name] = key
        if name in self._elsewhere:
            self.slow |= self._elsewhere[name] | {key}
        elif name in self._met or write.seen:
            self.slow.add(key)
        if key in self.slow:
            return whole
        heads = self._heads.get(key)
        if heads is None:
            heads = self._start(key)
        if _of_rules(heads, write):
            self.slow.add(key)
            return whole
        if write.supersedes:
            self._supersede(key, heads, write.supersedes)
        heads.append(head_of(write))
        return whole

    def _start(self, key: Key) -> list[Head]:
        row = self._rows.get(key)
        heads = list(decode_heads(row.heads)) if row else []
        if row and row.mark == TANGLED:
            self.slow.add(key)
        self._heads[key] = heads
        return heads

    def _supersede(self, key: Key, heads: list[Head], above: Iterable[WriteId]) -> None:
        """Takes out what is superseded; what was no head must have been one of this cell."""
        for name in above:
            for n, head in enumerate(heads):
                if head.id == name:
                    del heads[n]
                    break
            else:
                where = self._here.get(name)
                if where is None:
                    self._elsewhere.setdefault(name, set()).add(key)
                elif where != key:
                    self.slow.add(key)

    def look_up(self) -> None:
        """Finds the superseded writes that were no heads: in another cell, unknown, or an event
        that is another write, the law must decide.
        """
        self.past.load(self._elsewhere)
        raw = {w.cell.record for name in self._elsewhere for w in self.past.copies(name)}
        wholes = self._lines.wholes(raw)
        for name, keys in self._elsewhere.items():
            stands = {
                (wholes.get(w.cell.record), w.cell.prop, w.cell.member)
                for w in self.past.copies(name)
            }
            if stands != keys or self.past.echo(name):
                self.slow |= keys

    def flush(self) -> None:
        """Writes the cells that were kept the short way."""
        put = []
        for key, heads in self._heads.items():
            if key in self.slow:
                continue
            if len(heads) > 1:
                heads.sort(key=_id)
            put.append(row_of(key, heads))
            if key[1] == LIFE:
                dies = dead(heads)
                if dies or is_dead(self._rows.get(key)):
                    self._derived.die(key[0], dead=dies)
        self._derived.put_cells(put)


def _of_rules(heads: Iterable[Head], write: Write) -> bool:
    """Tells whether rules' writes make a cell one for the law: one among the heads, or one that
    does not supersede them all.
    """
    if any(h.rule and h.automatic for h in heads):
        return True
    if not (write.rule and write.automatic):
        return False
    return not heads or any(h.id not in write.supersedes for h in heads)


def _id(head: Head) -> WriteId:
    return head.id


def _types(entries: Entries) -> dict[bytes, str]:
    """Returns the records that entries write to or pair, with the least type they are given."""
    types: dict[bytes, str] = {}
    for _, writes in entries:
        for w in writes:
            record = w.cell.record
            if w.cell.prop == SAME_AS:
                for end in ends_of(w):
                    types.setdefault(end, "")
            elif w.cell.prop != RECEIPT:
                known = types.get(record)
                if not known or (w.type and w.type < known):
                    types[record] = w.type
    return types
