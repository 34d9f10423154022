"""Families of replicas doing everything that replicas do, compared after every step with the law.

Quiet implies equal; any order of delivery gives the same; the derived tables are what a rebuild
makes of the log.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import permutations

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from merge.hubs import C1, C2, STATUS, T1, T2, T3, TICKET, EngineHub, State, screen
from merge.scenarios import greatest, least
from prophet_hub.merge.settle import first_of, newest
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import LIFE, RECEIPT, SAME_AS, Cell, Write
from prophet_hub.values import PRESENT

RECORDS, COMMENTS = (T1, T2, T3), (C1, C2)
POLICIES = (least, greatest, newest, first_of(newest, least))
small = st.integers(0, 11)
value = st.sampled_from("xyz")
date = st.integers(0, 3)


def state_of(hub: EngineHub) -> State:
    held = {row.running for row in hub.replica.quarantine()}
    return State(
        w
        for running, before, raw in hub.entries()
        if running not in held
        for w in codec.decode(before, raw).changeset.writes
    )


def same_as_the_law(hub: EngineHub) -> State:
    state = state_of(hub)
    expected = {
        c: (s.shown, s.conflict, frozenset(h.id for h in s.heads)) for c, s in state.cells.items()
    }
    assert dict(screen(hub, state)) == expected
    assert hub.conflicts() == {
        (c.record, c.prop, c.member) for c, s in state.cells.items() if s.conflict
    }
    return state


class Family(RuleBasedStateMachine):
    """Replicas, one tracker per ticket, backups."""

    def __init__(self) -> None:
        super().__init__()
        self.hubs: list[EngineHub] = []
        self.told: Counter = Counter()  # record -> events of its tracker
        self.happened: Counter = Counter()

    @initialize(n=st.integers(2, 3))
    def start(self, n):
        self.hubs = [EngineHub() for _ in range(n)]

    def hub(self, i: int) -> EngineHub:
        return self.hubs[i % len(self.hubs)]

    # --- people ---

    @rule(i=small, r=st.sampled_from(RECORDS), v=value, at=date)
    def edit(self, i, r, v, at):
        hub = self.hub(i)
        hub.edit(r, {(STATUS, ""): v}, at=at)
        assert hub.values(r) == {v}
        same_as_the_law(hub)

    @rule(
        i=small, j=small, r=st.sampled_from(RECORDS), at=date, then=st.sampled_from(["", "s", "r"])
    )
    def race(self, i, j, r, at, then):
        """Two who know the same edit at once; then a rule or a person may answer."""
        one, other = self.hub(i), self.hub(j)
        if one is other:
            return
        one.pull(other)
        other.pull(one)
        one.edit(r, {(STATUS, ""): "x"}, at=at)
        other.edit(r, {(STATUS, ""): "y"})
        one.pull(other)
        same_as_the_law(one)
        if then == "s":
            self.settle(i, at)
        elif then == "r":
            self.resolve(i, at, at)
            self.settle(j, at)

    @rule(i=small, r=st.sampled_from(RECORDS), m=st.sampled_from("ab"), v=st.booleans(), at=date)
    def set_member(self, i, r, m, v, at):
        self.hub(i).put(PRESENT if v else None, r, "labels", m, at)
        same_as_the_law(self.hub(i))

    @rule(i=small, r=st.sampled_from(RECORDS), v=st.booleans(), with_edit=st.booleans(), at=date)
    def life(self, i, r, v, with_edit, at):
        changes = {(LIFE, "alive"): PRESENT if v else None}
        if with_edit:
            changes[STATUS, ""] = "w"
        self.hub(i).edit(r, changes, at=at)
        same_as_the_law(self.hub(i))

    @rule(i=small, c=st.sampled_from(COMMENTS), r=st.sampled_from(RECORDS), v=value)
    def comment(self, i, c, r, v):
        self.hub(i).edit(c, {(TICKET, ""): ids.text(r), ("body", ""): v})
        same_as_the_law(self.hub(i))

    @rule(i=small, one=st.sampled_from(RECORDS), other=st.sampled_from(RECORDS))
    def pair(self, i, one, other):
        self.hub(i).pair(one, other)
        same_as_the_law(self.hub(i))

    @rule(i=small, r=st.sampled_from(RECORDS))
    def unpair(self, i, r):
        self.hub(i).unpair(r)
        same_as_the_law(self.hub(i))

    @rule(i=small, which=small, choice=small)
    def resolve(self, i, which, choice):
        hub = self.hub(i)
        open_ = sorted(c for c in hub.conflicts() if c[1] not in (SAME_AS, RECEIPT))
        if open_:
            cell = open_[which % len(open_)]
            values = sorted(hub.values(*cell) | ({PRESENT} if cell[1] == LIFE else set()), key=repr)
            choice = values[choice % len(values)]
            hub.resolve(choice, *cell)
            self.happened["resolution"] += 1
            assert hub.shown(*cell) == choice
            same_as_the_law(hub)

    @rule(i=small, p=st.sampled_from(range(len(POLICIES))))
    def settle(self, i, p):
        self.happened["automatic resolution"] += self.hub(i).settle(POLICIES[p])
        same_as_the_law(self.hub(i))

    # --- trackers ---

    @rule(i=small, r=st.sampled_from((T1, T2)), n=st.integers(0, 2), v=value, cross=st.booleans())
    def hear(self, i, r, n, v, cross):
        """An event, new or heard by another before, with a map of one's own."""
        n = min(n, self.told[r])
        self.happened["told twice"] += n < self.told[r]
        self.told[r] = max(self.told[r], n + 1)
        above = [self._event(r, n - 1)] if n else []
        if cross:  # what the shadow stood for may stand in another record's cell
            above += [h.id for o in RECORDS for c in (self.hub(i).cell(o),) if c for h in c.heads]
        write = Write(self._event(r, n), Cell(r, STATUS), "ticket", v, tuple(above), n)
        self.hub(i).tell(write)
        same_as_the_law(self.hub(i))

    @rule(i=small, r=st.sampled_from(RECORDS), n=small, back=st.booleans())
    def say_receipt(self, i, r, n, back):
        found = self.hub(i).cell(r)
        if found:
            write = found.heads[0].id
            target = self._event(r, min(n, self.told[r]))
            if target != write:
                self.hub(i).say_receipt(target, write, None if back else PRESENT)
                self.happened["receipt"] += 1
                same_as_the_law(self.hub(i))

    @staticmethod
    def _event(r, n):
        return ids.of_event(b"rt", "ticket", ids.text(r), str(n), STATUS, "")

    # --- replicas ---

    @rule(i=small, j=small, limit=st.sampled_from([None, None, 1, 2, 3]), refuse=st.booleans())
    def pull(self, i, j, limit, refuse):
        if self.hub(i) is not self.hub(j):
            refused = (lambda e: e.running[0] % 4 == 0) if refuse else None
            self.hub(i).pull(self.hub(j), limit, refused)
            self.happened["quarantine"] += bool(self.hub(i).replica.quarantine())
            same_as_the_law(self.hub(i))

    @rule(i=small)
    def accept(self, i):
        self.hub(i).accept_all()
        same_as_the_law(self.hub(i))

    @rule(i=small)
    def copy(self, i):
        """A backup brought back, or a copied database: two hubs go on under one origin."""
        if len(self.hubs) < 4:
            self.hubs.append(self.hub(i).copy())

    # --- the end ---

    def teardown(self):
        if not self.hubs:
            return
        try:
            self._finish()
        finally:
            for hub in self.hubs:
                hub.close()

    def _finish(self):
        for hub in self.hubs:
            hub.accept_all()
        for _ in range(4):
            for a, b in permutations(self.hubs, 2):
                a.pull(b)
        states = [same_as_the_law(hub) for hub in self.hubs]
        screens = [dict(screen(hub, states[0])) for hub in self.hubs]
        assert all(s == screens[0] for s in screens), "quiet, and screens differ"
        assert len({frozenset(h.ticket()) for h in self.hubs}) == 1
        exports = [list(hub.replica.export()) for hub in self.hubs]
        assert all(e == exports[0] for e in exports)
        self._deliver(states[0], screens[0])
        first = self.hubs[0].replica
        before = tables(first)
        assert list(first.check()) == []
        first.rebuild()
        assert tables(first) == before
        assert dict(screen(self.hubs[0], states[0])) == screens[0]
        places = Counter((r.origin, r.sequence) for r in first.log())
        self.happened["fork"] += any(n > 1 for n in places.values())
        self.happened["conflict when quiet"] += bool(self.hubs[0].conflicts())
        self.happened["late"] += any(
            s.conflict and c.prop == LIFE and len({h.value for h in s.heads}) == 1
            for c, s in states[0].cells.items()
        )
        for what, n in self.happened.items():
            if n:
                event(what)
                HAPPENED[what] += 1

    def _deliver(self, state, expected):
        """The same entries in another order, where each follows the one before it."""
        rng = random.Random(len(state.copies))
        rest, observer = self.hubs[0].entries(), EngineHub()
        rng.shuffle(rest)
        known, order = {b""}, []
        while rest:
            ready = next(e for e in rest if e[1] in known)
            rest.remove(ready)
            known.add(ready[0])
            order.append(ready[1:])
        try:
            while order:
                n = rng.choice((1, 2, 7, 100))
                observer.integrate(order[:n])
                order = order[n:]
            assert dict(screen(observer, state)) == expected
            assert observer.conflicts() == self.hubs[0].conflicts()
        finally:
            observer.close()


def tables(replica) -> dict:
    """Everything derived but the numbers that tell when."""
    rows = {
        t: set(replica.store.rows(f"SELECT * FROM {t}"))
        for t in ("names", "touched", "cells", "joins", "echoes", "deaths")
    }
    lines = replica.store.rows("SELECT number, record, type, whole, kind, label FROM records")
    return rows | {"records": set(lines)}


HAPPENED: Counter = Counter()


def test_replicas_are_as_the_law_says():
    """... and the machine did not pass by standing still."""
    examples = int(os.environ.get("PROPHET_HUB_EXAMPLES", "120"))
    run_state_machine_as_test(
        Family,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for what in (
        "automatic resolution", "conflict when quiet", "fork", "late", "quarantine", "receipt",
        "resolution", "told twice",
    ):  # fmt: skip
        assert HAPPENED[what] > 3, (what, HAPPENED)
