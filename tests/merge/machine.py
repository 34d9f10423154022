"""Families of replicas doing everything that replicas do, for hubs of any making.

Quiet implies equal; any order of delivery gives the same; what one person answered stays answered.
`happened` counts what really took place, so that no run passes by standing still.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import permutations
from typing import ClassVar

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from merge.hubs import C1, C2, STATUS, T1, T2, T3, TICKET, Hub, screen
from merge.scenarios import greatest, least
from prophet_hub.merge.settle import first_of, newest
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, LINKING, VOTE, Cell, Write
from prophet_hub.values import PRESENT

RECORDS, COMMENTS = (T1, T2, T3), (C1, C2)
POLICIES = (least, greatest, newest, first_of(newest, least))
EVENTS = (
    "automatic resolution", "clone", "conflict when quiet", "copied database", "delete",
    "edited after delete", "fork", "pairing", "partial pull", "quarantine", "receipt", "resolution",
    "restored backup", "told twice", "undo", "undo of what was edited since", "votes",
)  # fmt: skip
small = st.integers(0, 11)
value = st.sampled_from("xyz")
date = st.integers(0, 3)
some = st.sampled_from(RECORDS)


class Family(RuleBasedStateMachine):
    """Replicas, one tracker per ticket, backups."""

    make: type[Hub]
    most = 4
    total: ClassVar[Counter]

    def __init__(self) -> None:
        super().__init__()
        self.hubs: list[Hub] = []
        self.backups: list[tuple[int, Hub]] = []
        self.told: Counter = Counter()  # record -> events of its tracker
        self.happened: Counter = Counter()

    def look(self, hub: Hub) -> None:
        """Looks at a replica after each step."""

    @initialize(n=st.integers(2, 3))
    def start(self, n):
        self.hubs = [self.make() for _ in range(n)]

    def hub(self, i: int) -> Hub:
        return self.hubs[i % len(self.hubs)]

    # --- people ---

    @rule(i=small, r=some, v=value, at=date)
    def edit(self, i, r, v, at):
        hub = self.hub(i)
        hub.edit(r, {(STATUS, ""): v}, at=at)
        assert hub.values(r) == {v}, "an edit made a conflict where it was made"
        self.look(hub)

    @rule(i=small, j=small, r=some, at=date, then=st.sampled_from(["", "s", "r", "again", "again"]))
    def race(self, i, j, r, at, then):
        """Two who know the same edit at once; then a rule, a person or the votes may answer."""
        one, other = self.hub(i), self.hub(j)
        if one is other:
            return
        one.pull(other)
        other.pull(one)
        one.edit(r, {(STATUS, ""): "x"}, at=at)
        other.edit(r, {(STATUS, ""): "y"})
        one.pull(other)
        self.look(one)
        if then == "s":
            self.settle(i, at)
        elif then == "r":
            self.resolve(i, at, at)
            self.settle(j, at)
        elif then == "again" and (r, STATUS, "") in {(one.name(c[0]), *c[1:]) for c in asked(one)}:
            one.resolve("x", r, at=at)
            other.pull(one)
            self.race(i, j, r, at, "")
            self.by_votes(i)

    @rule(i=small, r=some, m=st.sampled_from("ab"), v=st.booleans(), at=date)
    def set_member(self, i, r, m, v, at):
        self.hub(i).put(PRESENT if v else None, r, "labels", m, at)
        self.look(self.hub(i))

    @rule(i=small, r=some, v=st.booleans(), with_edit=st.booleans(), at=date)
    def life(self, i, r, v, with_edit, at):
        changes = {(LIFE, "alive"): PRESENT if v else None}
        if with_edit:
            changes[STATUS, ""] = "w"
        self.hub(i).edit(r, changes, at=at)
        self.happened["delete"] += not v
        self.look(self.hub(i))

    @rule(i=small, c=st.sampled_from(COMMENTS), r=some, v=value)
    def comment(self, i, c, r, v):
        self.hub(i).edit(c, {(TICKET, ""): ids.text(r), ("body", ""): v})
        self.look(self.hub(i))

    @rule(i=small, one=some, other=some)
    def pair(self, i, one, other):
        self.hub(i).pair(one, other)
        self.happened["pairing"] += one != other
        self.look(self.hub(i))

    @rule(i=small, r=some)
    def unpair(self, i, r):
        self.hub(i).unpair(r)
        self.look(self.hub(i))

    @rule(i=small, which=small, choice=small)
    def resolve(self, i, which, choice):
        hub = self.hub(i)
        open_ = asked(hub)
        if open_:
            cell = open_[which % len(open_)]
            values = sorted(hub.values(*cell) | ({PRESENT} if cell[1] == LIFE else set()), key=repr)
            choice = values[choice % len(values)]
            hub.resolve(choice, *cell)
            self.happened["resolution"] += 1
            assert hub.shown(*cell) == choice
            assert cell not in asked(hub)
            self.look(hub)

    @rule(i=small, p=st.sampled_from(range(len(POLICIES))))
    def settle(self, i, p):
        self.happened["automatic resolution"] += self.hub(i).settle(POLICIES[p])
        self.look(self.hub(i))

    @rule(i=small)
    def by_votes(self, i):
        self.happened["votes"] += self.hub(i).settle_by_votes()
        self.look(self.hub(i))

    @rule(i=small, which=small, many=st.sampled_from([1, 1, 1, 2]))
    def undo(self, i, which, many):
        hub = self.hub(i)
        log = hub.entries()
        if log:
            at = which % len(log)
            undone = [running for running, _, _ in log[-1 - at :][:many]]
            before, conflicts, classes = len(log), len(asked(hub)), list(map(hub.name, RECORDS))
            if hub.undo(*undone):
                self.happened["undo"] += 1
                self.happened["undo of what was edited since"] += len(asked(hub)) > conflicts
                assert len(hub.entries()) > before
                if classes == list(
                    map(hub.name, RECORDS)
                ):  # else other cells are met the next time
                    assert not hub.undo(*undone), "undone twice"
            self.look(hub)

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
        name = self._event(r, n)
        above = tuple(one for one in above if one != name)
        write = Write(name, Cell(r, STATUS), "ticket", v, above, n)
        self.hub(i).tell(write)
        self.look(self.hub(i))

    @rule(i=small, r=some, n=small, back=st.booleans())
    def say_receipt(self, i, r, n, back):
        found = self.hub(i).cell(r)
        if found:
            write = found.heads[0].id
            target = self._event(r, min(n, self.told[r]))
            if target != write:
                self.hub(i).say_receipt(target, write, None if back else PRESENT)
                self.happened["receipt"] += 1
                self.look(self.hub(i))

    @staticmethod
    def _event(r, n):
        return ids.of_event(b"rt", "ticket", ids.text(r), str(n), STATUS, "")

    # --- replicas ---

    @rule(i=small, j=small, limit=st.sampled_from([None, None, 1, 2, 3]), refuse=st.booleans())
    def pull(self, i, j, limit, refuse):
        hub, other = self.hub(i), self.hub(j)
        if hub is not other:
            refused = (lambda e: e.running[0] % 4 == 0) if refuse else None
            new = hub.pull(other, limit, refused)
            self.happened["partial pull"] += new == limit
            self.happened["quarantine"] += bool(hub.held())
            self.look(hub)

    @rule(i=small)
    def accept(self, i):
        self.hub(i).accept_all()
        self.look(self.hub(i))

    @rule(i=small)
    def clone(self, i):
        if len(self.hubs) < self.most:
            twin = self.make()
            twin.pull(self.hub(i))
            self.hubs.append(twin)
            self.happened["clone"] += 1

    @rule(i=small, then=st.sampled_from(["both go on", "both go on", "notices", ""]))
    def copy(self, i, then):
        """A copied database; one that does not notice goes on under the same origin."""
        if len(self.hubs) < self.most:
            twin = self.hub(i).copy()
            self.hubs.append(twin)
            if then == "notices":
                twin.anew()
            elif then:
                self.hub(i).edit(T1, {(STATUS, ""): "x"})
                twin.edit(T1, {(STATUS, ""): "y"})
            self.happened["copied database"] += 1

    @rule(i=small)
    def back_up(self, i):
        if len(self.backups) < 2:
            self.backups.append((i % len(self.hubs), self.hub(i).copy()))

    @rule(which=small)
    def restore(self, which):
        if not self.backups:
            self.back_up(which)
        else:
            i, backup = self.backups[which % len(self.backups)]
            self.hubs[i].close()
            self.hubs[i] = backup.copy()
            self.happened["restored backup"] += 1

    # --- the end ---

    def teardown(self):
        try:
            if self.hubs:
                self._finish()
        finally:
            for hub in [*self.hubs, *(backup for _, backup in self.backups)]:
                hub.close()

    def _finish(self):
        for hub in self.hubs:
            hub.accept_all()
        self.meet()
        first = self.hubs[0]
        state = self.law(first)
        for hub in self.hubs:
            self.look(hub)
        self.equal(state)
        self.deliver(state)
        self.finish(first)
        places = Counter(self.places(first))
        self.happened["fork"] += any(n > 1 for n in places.values())
        self.happened["conflict when quiet"] += bool(first.conflicts())
        self.happened["edited after delete"] += any(
            s.conflict and c.prop == LIFE and len({h.value for h in s.heads}) == 1
            for c, s in state.cells.items()
        )
        self.answered()
        for what, n in self.happened.items():
            if n:
                event(what)
                self.total[what] += 1

    def meet(self):
        """Everybody pulls from everybody until nothing is new."""
        for _ in range(6):
            if not sum(a.pull(b) for a, b in permutations(self.hubs, 2)):
                return
        raise AssertionError("no quiet")

    def equal(self, state):
        screens = [dict(screen(hub, state)) for hub in self.hubs]
        assert all(s == screens[0] for s in screens), "quiet, and screens differ"
        assert len({frozenset(h.ticket()) for h in self.hubs}) == 1, "quiet, and tickets differ"
        assert len({frozenset(h.conflicts()) for h in self.hubs}) == 1

    def deliver(self, state):
        """The same entries in another order, where each follows the one before it."""
        rng = random.Random(len(state.copies))
        rest, observer = self.hubs[0].entries(), self.make()
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
            assert dict(screen(observer, state)) == dict(screen(self.hubs[0], state))
            assert observer.conflicts() == self.hubs[0].conflicts()
        finally:
            observer.close()

    def answered(self):
        """One person answers everything while all others' rules act: nothing comes back."""
        first = self.hubs[0]
        for _ in range(12):
            open_ = asked(first)
            if not open_:
                break
            first.resolve(max(first.values(*open_[0]), key=repr), *open_[0])
        for hub in self.hubs[1:]:
            hub.settle(least)
        self.meet()
        assert not any(asked(hub) for hub in self.hubs), "an answered conflict came back"

    def law(self, hub: Hub):
        raise NotImplementedError

    def places(self, hub: Hub):
        raise NotImplementedError

    def finish(self, hub: Hub) -> None:
        """Looks at one replica when all is quiet."""


def asked(hub: Hub) -> list[tuple[bytes, str, str]]:
    return sorted(c for c in hub.conflicts() if c[1] not in LINKING and not c[1].startswith(VOTE))


def play(machine: type[Family], examples: int, *, steps: int = 25, known: bool = True) -> None:
    """Runs a machine; with `known` always the same examples."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=known,
            database=None, suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
