"""Random worlds of several hubs: replicas that exchange, whole or in part, claims, restored backups.

The oracle is that of `worlds`: it stands beside the trackers and does not care which hub reads and
writes.  New are the ways in which a hub may not know what another one, or itself before a restore,
has done; an edit is excused only if its own field met such a cause.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from itertools import islice

from foreign.kit import Hub, tracker_id
from foreign.worlds import OURS, World
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import StoreError, UsageError
from prophet_hub.foreign import claims, shared
from prophet_hub.model import ids
from prophet_hub.sdk import TICKET
from prophet_hub.store.derived import Derived
from prophet_hub.store.log import Log


class Member(Hub):
    """One of several hubs: it works with the trackers that it holds."""

    def __init__(self, name, *trackers, **options):
        super().__init__(*trackers, **options)
        self.name, self.me = name, ids.name_of("hub", name)

    def holds(self, name):
        held = claims.claim_of(self.replica, tracker_id(name))
        return held is not None and held.held_by(self.me)

    def sync(self):
        self.runs += 1
        self.clock.micros += self.every
        shared.catch_up(self.replica)
        mine = [
            name for name in self.specs
            if claims.may(claims.claim_of(self.replica, tracker_id(name)), self.me)
        ]  # fmt: skip
        remotes = {name: self.foreign(name) for name in mine}
        for remote in remotes.values():
            list(remote.pull())
        for name, remote in remotes.items():
            list(remote.adopt())
            claims.claim(self.replica, tracker_id(name), self.me)
        if self.settle:
            self.replica.settle(self.settle)
        specs = list(self.specs.values())
        plans = {name: list(remote.plan(specs)) for name, remote in remotes.items()}
        return [done for n, remote in remotes.items() for done in remote.apply(plans[n])]

    def pull(self, peer, limit=None):
        """Takes what a peer has and we have not, or the first entries of it."""
        parcels = peer.replica.offers(self.replica.stands_at)
        count = self.replica.integrate(list(islice(parcels, limit)))
        for stored in self.replica.wanted():
            try:
                self.replica.supply(stored, peer.replica.content(stored))
            except StoreError:
                continue
        return count

    def backup(self):
        return self.replica.store._connection.serialize()

    def restore(self, data, *, elsewhere):
        """Puts a backup in place; `elsewhere`: it is noticed at once, else when it meets its own."""
        store = self.replica.store
        with closing(sqlite3.connect(":memory:")) as saved:
            saved.deserialize(data)
            saved.backup(store._connection)
        store.log, store.derived = Log(store), Derived(store)
        self.replica = Replica(store, self.clock)
        self.replica._settle_in(read_only=False)
        if elsewhere:
            self.replica._recorder.take_new_origin()


def family(*trackers, hubs=2, **options):
    """Returns hubs that hold the trackers in turn and know of one another."""
    made = [Member(f"h{n}", *trackers, **options) for n in range(hubs)]
    for n, tracker in enumerate(trackers):
        claims.take(
            made[0].replica, tracker_id(tracker.name), made[n % hubs].me, host=f"h{n % hubs}"
        )
    shared.share(made[0].replica)
    for other in made[1:]:
        other.pull(made[0])
    return made


def meet(hubs, rounds=3):
    """Lets all hubs work and hear of all others."""
    for _ in range(rounds):
        for hub in hubs:
            for other in hubs:
                if other is not hub:
                    hub.pull(other)
            hub.sync()


class Family(World):
    """A world of one to three hubs."""

    def __init__(self, seed, **fixed):
        self.members, self.active = [], 0
        self.backups, self.acts, self.forgotten, self.restored = {}, [], set(), 0
        self.passed = Counter()
        super().__init__(seed, **fixed)
        self.chaos = fixed.get("chaos") or self.random.choice(
            ["calm", "races", "crashes", "automation", "restore", "claims", "all"]
        )

    # --- the hubs ------------------------------------------------------------------------------

    @property
    def hub(self):
        return self.members[self.active]

    @hub.setter
    def hub(self, made):
        """The first one is made by `World`; the others stand beside it."""
        made.close()
        count = self.fixed.get("hubs") or self.random.choice([2, 2, 3])
        options = {
            name: {"connector": connector, "pairing": "off"}
            for name, connector in self.connectors.items()
        }
        self.members = family(*self.trackers, hubs=count, **options)

    def close(self):
        for hub in self.members:
            hub.close()

    def _watch(self):
        for hub in self.members:
            hub.settle = self.policy
            self._watch_replica(hub)
        for name, connector in self.connectors.items():
            self._listen(name, connector)

    def _watch_replica(self, hub):
        record = hub.replica.record

        def recorded(changesets):
            changesets = list(changesets)
            for changeset in changesets:
                for write in changeset.writes:
                    self._wrote(write)
            return record(changesets)

        hub.replica.record = recorded

    def holder(self, name):
        return next((n for n, hub in enumerate(self.members) if hub.holds(name)), 0)

    def _waiting(self, name):
        return list(self.members[self.holder(name)].foreign(name)._side.ledger.all_waiting())

    # --- what hubs do --------------------------------------------------------------------------

    def _on(self, *chaos):
        return self.chaos in {*chaos, "all"}

    def step(self):
        r = self.random
        self.active = r.randrange(len(self.members))
        chance = r.random()
        if chance < 0.78:
            super().step()
        elif chance < 0.88 and len(self.members) > 1:
            self._exchange()
        elif chance < 0.94 and self._on("restore"):
            self._back_up_or_restore()
        elif self._on("claims") and len(self.members) > 1:
            self._pass_claim()

    def _exchange(self):
        r = self.random
        one, other = r.sample(range(len(self.members)), 2)
        limit = r.choice([None, None, 1, 2, 3, 5])
        self.members[one].pull(self.members[other], limit)
        self.story.append(f"h{one} pulls h{other} limit={limit}")

    def _pass_claim(self):
        r = self.random
        name = r.choice([t.name for t in self.trackers])
        old = self.holder(name)
        new = r.choice([n for n in range(len(self.members)) if n != old])
        giver, taker = self.members[old], self.members[new]
        try:
            claims.release(giver.replica, tracker_id(name), giver.me, remote=name)
        except UsageError:
            return  # something is under way
        taker.pull(giver)
        claims.claim(taker.replica, tracker_id(name), taker.me, host=f"h{new}")
        self.passed[name] += 1
        self.story.append(f"claim of {name}: h{old} -> h{new}")

    def _back_up_or_restore(self):
        r, n = self.random, self.active
        if n not in self.backups or r.random() < 0.4:
            self.backups[n] = self.hub.backup(), len(self.acts), Counter(self.passed)
            self.story.append(f"h{n} backup")
            return
        data, acts, passed = self.backups.pop(n)
        elsewhere, alone = r.random() < 0.6, r.random() < 0.3
        self.hub.restore(data, elsewhere=elsewhere)
        self.hub.settle = self.policy
        self._watch_replica(self.hub)
        self.forgotten |= {what for who, what in self.acts[acts:] if who == n}
        self.restored += 1
        self.story.append(f"h{n} restored elsewhere={elsewhere}")
        if passed != self.passed or not alone:  # who holds what must be known before it works
            for m, other in enumerate(self.members):
                if m != n:
                    self.hub.pull(other)
            self.story.append(f"h{n} pulls all others")

    def _under_way(self, tracker, operation):
        World._under_way(tracker, operation)
        ref = operation.ref.id
        for name in getattr(operation, "changes", {}):
            self.acts.append((self.active, (tracker.name, ref, name, "")))
        for sets in (getattr(operation, "added", {}), getattr(operation, "removed", {})):
            for name, members in sets.items():
                for member in members:
                    self.acts.append((self.active, (tracker.name, ref, name, member)))

    def agree(self, tracker, ref, side):
        count = len(self.judged)
        super().agree(tracker, ref, side)
        names = {id(cell): key for key, cell in tracker.cells.items()}
        for shown, _, _ in self.judged[count:]:
            self.acts.append((self.active, (tracker.name, *names[id(shown)])))

    # --- the oracle ----------------------------------------------------------------------------

    def state(self):
        return (
            sum(t.writes for t in self.trackers),
            tuple(hub.replica.latest() for hub in self.members),
        )

    def quiet(self, rounds=16):
        for number in range(rounds):
            before = self.state()
            for n, hub in enumerate(self.members):
                self.active = n
                for other in self.members:
                    if other is not hub:
                        hub.pull(other)
                self.sync()
            for t in self.trackers:
                t.now += 1
            if self.state() == before:
                return number
        return None

    def verdict(self):
        out = super().verdict()
        screens = [list(hub.replica.export()) for hub in self.members]
        if any(screen != screens[0] for screen in screens):
            out["DIVERGED"] += 1
        if any(c.cell.prop not in {*OURS.values(), "life"} for c in self.hub.conflicts()):
            odd = {c.cell.prop for c in self.hub.conflicts()} - {*OURS.values(), "life"}
            out[f"ODD conflict {sorted(odd)}"] += 1
        held = [
            t.name
            for t in self.trackers
            if any(
                kind == TICKET and row.tag == "adopt" for kind, _, _, row in self._waiting(t.name)
            )
        ]
        if held:
            out["HELD for ever"] += 1
        return out

    def _judge(self, group, items, record, out):
        """A ticket that nothing shows to be a copy was copied again: of that one no more is asked."""
        found = Counter()
        super()._judge(group, items, record, found)
        if self.restored and not self.key and found["DOUBLED ticket"]:
            found = Counter({"restored, no key: doubled": 1})
        out.update(found)

    def forgot(self, mine):
        if not self.forgotten:
            return False
        groups = {self.groups.get((e.tracker, e.ref)) for e in (self.edits[n] for n in mine)}
        name, member = self.edits[mine[0]].name, self.edits[mine[0]].member
        return any(
            (tracker, ref, name, member) in self.forgotten
            for (tracker, ref), group in self.groups.items() if group in groups
        )  # fmt: skip
