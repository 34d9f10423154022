"""Hubs for scenarios: one that keeps its log in memory and asks `merge/` for everything, and one
that is the engine.  Both offer the same few verbs, so that every fact is told of both.

`State` is slow on purpose: it computes everything anew from the writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import count

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settling import settle
from prophet_hub.errors import Invalid
from prophet_hub.merge import cells as law
from prophet_hub.merge import conflicts, undo, votes
from prophet_hub.merge.settle import Policy, may_settle, resolution
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import (
    LIFE,
    LINKING,
    NOTED,
    PERSON,
    RECEIPT,
    SAME_AS,
    VOTE,
    Cell,
    Changeset,
    Entry,
    Write,
    is_delete,
    life,
    receipt,
    same_as,
)
from prophet_hub.values import PRESENT

T1, T2, T3, C1, C2 = (bytes([n]) * 16 for n in range(1, 6))
STATUS, TICKET = "status", "ticket"
Refuse = Callable[[Entry], bool]


def kind(record: bytes) -> str:
    return "comment" if record in (C1, C2) else "ticket"


class State:
    """The law as a function of a set of writes."""

    def __init__(self, writes: Iterable[Write]) -> None:
        self.copies: dict[bytes, list[Write]] = {}
        for w in writes:
            self.copies.setdefault(w.id, []).append(w)

    def supersedes(self, write: bytes) -> set[bytes]:
        return {s for w in self.copies.get(write, ()) for s in w.supersedes}

    @cached_property
    def links(self) -> dict[Cell, tuple[Write, ...]]:
        return self._grouped(lambda w: w.cell if w.cell.prop in LINKING else None, self.supersedes)

    def _linked(self, prop: str) -> list[tuple[bytes, bytes]]:
        return [
            (c.record, bytes.fromhex(c.member))
            for c, heads in self.links.items()
            if c.prop == prop and law.shown_of(heads, c.member) == PRESENT
        ]

    @cached_property
    def names(self) -> dict[bytes, bytes]:
        pairs, least = self._linked(SAME_AS), {}
        for _ in pairs:
            for a, b in pairs:
                least[a] = least[b] = min(least.get(a, a), least.get(b, b))
        return least

    @cached_property
    def echoes(self) -> dict[bytes, set[bytes]]:
        said: dict[bytes, set[bytes]] = {}
        for event, write in self._linked(RECEIPT):
            if write in self.copies:
                said.setdefault(event, set()).add(write)
        past = law.pasts(said, lambda e: said.get(e, ()))
        return {e: ws for e, ws in said.items() if e not in past[e]}

    def edges(self, write: bytes) -> set[bytes]:
        return self.echoes.get(write) or self.supersedes(write)

    def fold(self, cell: Cell) -> Cell:
        if cell.prop in LINKING:
            return cell
        return Cell(self.names.get(cell.record, cell.record), cell.prop, cell.member)

    @cached_property
    def heads(self) -> dict[Cell, tuple[Write, ...]]:
        return self.links | self._grouped(
            lambda w: None if w.id in self.echoes or w.cell.prop in LINKING else self.fold(w.cell),
            self.edges,
        )

    def _grouped(self, key, edges) -> dict[Cell, tuple[Write, ...]]:
        found: dict[Cell, dict[bytes, list[Write]]] = {}
        for copies in self.copies.values():
            for w in copies:
                if (cell := key(w)) is not None:
                    found.setdefault(cell, {}).setdefault(w.id, []).append(w)
        return {
            cell: law.heads_of([law.one_write(same) for same in by_id.values()], edges)
            for cell, by_id in found.items()
        }

    def seen_by_delete(self, record: bytes) -> list[Write]:
        me = self.fold(life(record)).record
        records = {me}
        for cell, heads in self.heads.items():
            shown = law.shown_of(heads, cell.member)
            if cell.prop == TICKET and shown:
                parent = bytes.fromhex(shown.replace("-", ""))
                if self.fold(life(parent)).record == me:
                    records.add(cell.record)
        return [
            h
            for c, heads in self.heads.items()
            if c.record in records and c.prop not in LINKING and not c.prop.startswith(VOTE)
            and (c.record, c.prop) != (me, LIFE)
            for h in heads
        ]  # fmt: skip

    def settled(self, write: bytes) -> set[bytes] | None:
        rule = any(w.automatic for w in self.copies.get(write, ()))
        return self.supersedes(write) if rule else None

    @cached_property
    def cells(self) -> dict[Cell, conflicts.CellState]:
        found = {}
        for cell, writes in self.heads.items():
            heads = tuple(map(law.head_of, writes))
            late = False
            if cell.prop == LIFE and conflicts.dead(heads):
                seen = {s for h in writes for s in h.seen}
                others = map(law.head_of, self.seen_by_delete(cell.record))
                late = bool(conflicts.late(seen, others, self.edges, self.settled))
            found[cell] = conflicts.state_of(cell.prop, cell.member, heads, late=late)
        return found

    def holes(self, cell: Cell) -> bool:
        behind = law.reach((h.id for h in self.heads[cell]), self.edges)
        return not behind <= self.copies.keys()


class Hub:
    """What scenarios say to a hub, whatever it is made of."""

    # reading
    def cell(self, record: bytes, prop: str = STATUS, member: str = ""):
        raise NotImplementedError

    def values(self, record: bytes = T1, prop: str = STATUS, member: str = "") -> set:
        found = self.cell(record, prop, member)
        return {h.value for h in found.heads} if found else set()

    def shown(self, record: bytes = T1, prop: str = STATUS, member: str = ""):
        found = self.cell(record, prop, member)
        return found.shown if found else None

    def alive(self, record: bytes = T1) -> bool:
        return self.shown(record, LIFE, "alive") is not None

    def head(self, record: bytes = T1, prop: str = STATUS, member: str = "") -> bytes:
        (head,) = self.cell(record, prop, member).heads
        return head.id

    # writing, in few words
    def put(self, value, record: bytes = T1, prop: str = STATUS, member: str = "", at: int = 0):
        self.edit(record, {(prop, member): value}, at=at)

    def create(self, record: bytes = T1, value="x", at: int = 0) -> None:
        self.edit(record, {(STATUS, ""): value, (LIFE, "alive"): PRESENT}, at=at)

    def delete(self, record: bytes = T1, at: int = 0) -> None:
        self.edit(record, {(LIFE, "alive"): None}, at=at)

    def comment(self, comment: bytes = C1, ticket: bytes = T1) -> None:
        self.edit(comment, {(TICKET, ""): ids.text(ticket), (LIFE, "alive"): PRESENT})

    def tell(self, *writes: Write) -> None:
        self.record([Changeset(ids.fresh(), "", 0, writes)])

    def fact(self, event: str, value, supersedes: Iterable[bytes] = ()) -> bytes:
        """An event of the tracker `rt` about the status of T1."""
        name = self.event(event)
        self.tell(Write(name, Cell(T1, STATUS), "ticket", value, tuple(supersedes)))
        return name

    def residue(self, word: str, value, supersedes: Iterable[bytes] = ()) -> bytes:
        name = ids.of_residue(b"rt", "ticket", "5", word, STATUS, "", supersedes)
        self.tell(Write(name, Cell(T1, STATUS), "ticket", value, tuple(supersedes)))
        return name

    @staticmethod
    def event(event: str) -> bytes:
        return ids.of_event(b"rt", "ticket", "5", event, STATUS, "")

    def say_receipt(self, event: bytes, write: bytes, value=PRESENT) -> None:
        cell = receipt(event, write)
        before = self.cell(cell.record, cell.prop, cell.member)
        above = tuple(h.id for h in before.heads) if before else ()
        self.tell(Write(ids.fresh(), cell, "", value, above))

    def last(self) -> bytes:
        """The running hash of the last entry of the log."""
        return self.entries()[-1][0]

    def anew(self) -> None:
        """Goes on under a new origin, as a database in a new home does."""
        raise NotImplementedError

    def held(self) -> int:
        """How many entries wait in quarantine."""
        raise NotImplementedError

    def pull(self, other: Hub, limit: int | None = None, refuse: Refuse | None = None) -> int:
        mine = {running for running, _, _ in self.entries()}
        missing = [(b, raw) for running, b, raw in other.entries() if running not in mine]
        return self.integrate(missing[:limit], refuse)


class MemoryHub(Hub):
    """A log in memory; everything else is asked of `merge/`."""

    def __init__(self) -> None:
        self.origin = ids.fresh()
        self.log: list[tuple[Entry, bytes]] = []
        self.refused: set[bytes] = set()

    def close(self) -> None:
        """There is nothing to give back."""

    @property
    def state(self) -> State:
        key = (len(self.log), frozenset(self.refused))
        if getattr(self, "_key", None) != key:
            self._key = key
            self._state = State(
                w for e, _ in self.log if e.running not in self.refused for w in e.changeset.writes
            )
        return self._state

    def cell(self, record, prop=STATUS, member=""):
        return self.state.cells.get(self.state.fold(Cell(record, prop, member)))

    def conflicts(self) -> set[tuple[bytes, str, str]]:
        return {(c.record, c.prop, c.member) for c, s in self.state.cells.items() if s.conflict}

    def name(self, record):
        return self.state.names.get(record, record)

    def entries(self) -> list[tuple[bytes, bytes, bytes]]:
        return [(e.running, e.before, raw) for e, raw in self.log]

    def ticket(self) -> set[bytes]:
        return {e.running for e, _ in self.log} - {e.before for e, _ in self.log}

    def record(self, changesets: Iterable[Changeset]) -> None:
        for changeset in changesets:
            own = {w.id for w in changeset.writes}
            writes = [
                Write(w.id, w.cell, w.type, w.value, w.supersedes, w.created, w.rule,
                      tuple(sorted({*w.seen, *own} - {w.id})), w.old) if is_delete(w) else w
                for w in changeset.writes
            ]  # fmt: skip
            mine = [e for e, _ in self.log if e.origin == self.origin]
            sequence, before = (mine[-1].sequence, mine[-1].running) if mine else (0, b"")
            c = Changeset(changeset.name, changeset.author, changeset.created, tuple(writes))
            self.log.append(codec.seal(self.origin, sequence + 1, before, c))

    def edit(self, record, changes, *, at=0) -> None:
        self.tell(*self._writes(record, changes, at))

    def _writes(self, record, changes, at=0, rule="") -> list[Write]:
        writes = []
        for (prop, member), value in changes.items():
            state = self.cell(record, prop, member)
            gone = prop == LIFE and value is None
            seen = sorted(h.id for h in self.state.seen_by_delete(record)) if gone else ()
            above = tuple(h.id for h in state.heads) if state else ()
            cell = Cell(record, prop, member)
            old = state.shown if state else None
            writes.append(
                Write(ids.fresh(), cell, kind(record), value, above, at, rule, tuple(seen), old)
            )
        return writes

    def pair(self, one, other) -> None:
        if one != other:
            self._link([same_as(one, other)], PRESENT)

    def unpair(self, record) -> None:
        pairs = [same_as(a, b) for a, b in self.state._linked(SAME_AS) if record in (a, b)]
        self._link(pairs, None)

    def _link(self, cells, value) -> None:
        heads = self.state.links
        writes = [
            Write(ids.fresh(), c, "", value, tuple(h.id for h in heads.get(c, ()))) for c in cells
        ]
        if writes:
            self.tell(*writes)

    def resolve(self, value, record=T1, prop=STATUS, member="", at=0) -> None:
        record = self.name(record)
        state = self.cell(record, prop, member)
        writes = self._writes(record, {(prop, member): value}, at, PERSON)
        if state is not None and state.conflict:
            vote = votes.vote_cell(record, state, self.origin)
            writes += self._writes(record, {(vote.prop, vote.member): votes.ballot_of(value)}, at)
        self.tell(*writes)

    def settle_by_votes(self) -> int:
        cast: dict[bytes, dict[str, list]] = {}
        for cell, found in self.state.cells.items():
            if cell.prop.startswith(VOTE):
                of_record = cast.setdefault(cell.record, {})
                of_record.setdefault(cell.prop.removeprefix(VOTE), []).append(found.heads)
        return self.settle(lambda conflict: votes.majority(conflict, cast.get(conflict.record, {})))

    def undo(self, *runnings: bytes, at: int = 0) -> int:
        """Undoes entries by their running hashes; returns how many writes that took."""
        undone = [w for e, _ in self.log if e.running in {*runnings} - self.refused
                  for w in e.changeset.writes]  # fmt: skip
        made = [w for one in undo.inverses(undone, self._look(), at) for w in one.writes]
        if made:
            self.tell(*made)
        return len(made)

    def _look(self) -> undo.Look:
        state = self.state

        def family(record):
            shown = self.shown(record, TICKET)
            return self.name(bytes.fromhex(shown.replace("-", "")) if shown else record)

        return undo.Look(
            lambda cell: state.cells.get(state.fold(cell)),
            lambda w: law.one_write(state.copies[w]) if w in state.copies else None,
            lambda cell: (w for ws in state.copies.values() for w in ws if w.cell == cell),
            self.name,
            family,
            self._births,
        )

    def _births(self, record):
        for entry, _ in self.log:
            born = [w.id for w in entry.changeset.writes
                    if self.name(w.cell.record) == self.name(record)
                    and entry.running not in self.refused and w.cell.prop not in LINKING
                    and w.cell.prop not in (RECEIPT, NOTED)
                    and not w.cell.prop.startswith(VOTE)]  # fmt: skip
            if born:
                yield born
                return

    def settle(self, policy: Policy) -> int:
        state, done = self.state, 0
        for cell, found in sorted(state.cells.items(), key=lambda item: item[0]):
            conflict = conflicts.Conflict(cell.record, kind(cell.record), found)
            if found.conflict and may_settle(conflict) and not state.holes(cell):
                for rule, value in policy(conflict):
                    self.tell(resolution(conflict, rule, value))
                    done += 1
        return done

    def integrate(self, entries, refuse=None) -> int:
        for before, raw in entries:
            entry = codec.decode(before, raw)
            known = {e.running for e, _ in self.log}
            if entry.running in known:
                continue
            if before and before not in known:
                raise Invalid("gap")
            self.log.append((entry, raw))
            if refuse and refuse(entry):
                self.refused.add(entry.running)
            if entry.origin == self.origin:
                self.origin = ids.fresh()
        return len(entries)

    def accept_all(self) -> None:
        self.refused.clear()

    def anew(self) -> None:
        self.origin = ids.fresh()

    def held(self) -> int:
        return len(self.refused)

    def copy(self) -> MemoryHub:
        """A copied database that does not notice."""
        twin = MemoryHub()
        twin.origin, twin.log, twin.refused = self.origin, list(self.log), set(self.refused)
        return twin


class EngineHub(Hub):
    """The engine over SQLite in memory."""

    def __init__(self) -> None:
        self._clock = count(1)
        self.replica = Replica.open(":memory:", clock=lambda: next(self._clock))

    def close(self) -> None:
        self.replica.close()

    @property
    def origin(self) -> bytes:
        return self.replica.origin

    def cell(self, record, prop=STATUS, member=""):
        return self.replica.cell(record, prop, member)

    def conflicts(self):
        return {(c.record, c.cell.prop, c.cell.member) for c in self.replica.conflicts()}

    def name(self, record):
        return self.replica.name(record)

    def entries(self):
        return [(e.running, e.before, e.raw) for e in self.replica.store.log.after(0, 1 << 30)]

    def ticket(self) -> set[bytes]:
        return {running for _, _, running in self.replica.tips()}

    def record(self, changesets) -> None:
        self.replica.record(changesets)

    def edit(self, record, changes, *, at=0) -> None:
        self.replica.edit(record, kind(record), changes, author="", created=at)

    def pair(self, one, other) -> None:
        self.replica.pair(one, other, author="")

    def unpair(self, record) -> None:
        self.replica.unpair(record, author="")

    def resolve(self, value, record=T1, prop=STATUS, member="", at=0) -> None:
        self.replica.resolve(record, prop, member, value, author="")

    def settle(self, policy) -> int:
        return self.replica.settle(policy)

    def settle_by_votes(self) -> int:
        return settle(self.replica, lambda page: page.votes).total()

    def undo(self, *runnings, at=0) -> int:
        rows = [e for e in self.replica.store.log.after(0, 1 << 30)
                if e.running in runnings and e.reason is None]  # fmt: skip
        return sum(len(c.writes) for c in self.replica.undo(rows, author="")) if rows else 0

    def integrate(self, entries, refuse=None) -> int:
        judge = (lambda e: "refused" if refuse(e) else None) if refuse else None
        return self.replica.integrate(entries, judge=judge)

    def accept_all(self) -> None:
        for row in self.replica.quarantine():
            self.replica.accept(row.number)

    def anew(self) -> None:
        self.replica._recorder.take_new_origin()

    def held(self) -> int:
        return len(self.replica.quarantine())

    def copy(self) -> EngineHub:
        """A copied database that does not notice."""
        twin = EngineHub()
        source, target = self.replica.store._open(), twin.replica.store._open()
        source.backup(target)
        twin.replica._recorder.origin = self.origin
        return twin


def screen(hub: Hub, of: State) -> Iterator[tuple]:
    """Yields what a hub shows of all cells of a state."""
    for cell in sorted(of.cells):
        found = hub.cell(*map(lambda k: getattr(cell, k), ("record", "prop", "member")))  # noqa: C417
        yield (
            cell,
            found and (found.shown, found.conflict, frozenset(h.id for h in found.heads)),
        )
