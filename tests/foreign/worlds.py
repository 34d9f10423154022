"""Random worlds: trackers, strangers, crashes, and an oracle that knows what people really saw.

The oracle stands outside the code.  Beside each tracker it keeps, per field, which people's edits the
present value holds: who edits next has seen those and no others.  After quiet runs the heads of every
cell must be the causally maximal edits, the trackers must agree wherever there is no conflict, no
conflict may be false, nothing may be doubled, missing or still written.  What a tracker's own
properties make impossible is excused for the very edit that met its cause, never for a whole world.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field

from foreign.kit import Crash, Hub, tracker_id
from prophet_hub.errors import Rejected
from prophet_hub.foreign import changer, planner
from prophet_hub.model import ids
from prophet_hub.model.changes import EDIT, LIFE, PERSON
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Field, FieldMap, History, Kind
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker
from prophet_hub.values import PRESENT

ROWS = (
    Field(theirs="a", ours="status", kind=Kind.WORD),
    Field(theirs="b", ours="summary"),
    Field(theirs="labels", ours="labels", kind=Kind.WORDS),
)
LOSSY = (("open", "p"), ("closed", "q"), ("closed", "r"), ("s", "s"))
OTHER = (("open", "p"), ("open", "q"), ("closed", "r"), ("s", "s"))
WORDS = {"a": "pqrs", "b": "klms"}
GRAPHS = (
    {"p": ("q",), "q": ("p", "r"), "r": ("q", "s"), "s": ("r",)},
    {"p": ("q",), "q": ("r",), "r": ("s",), "s": ("p",)},
    {"p": ("q", "r"), "q": ("p",), "r": ("s",), "s": ()},
)
OURS = {"a": "status", "b": "summary", "labels": "labels"}


def rows(pairs=()):
    return tuple(
        Field(theirs=r.theirs, ours=r.ours, kind=r.kind, values=pairs if r.theirs == "a" else ())
        for r in ROWS
    )


def plain(value):
    """The word without what a rendering tracker makes of it."""
    return value.strip().lower() if value else value


def loud(name, value):
    return value.upper() + " " if name == "a" else value


@dataclass
class Edit:
    """What a person did to one field, and what was before their eyes.

    `blind`: our write replaced it and nothing could have shown it.  `unseen`: nobody could read it.
    `race`: it fell between a write of ours and the reading that confirms it.
    """

    tracker: str
    ref: str
    name: str
    member: str
    value: str | None
    saw: frozenset
    blind: bool = False
    unseen: bool = False
    race: bool = False
    told: bool = False


@dataclass
class Shown:
    """One field of one item as it really is."""

    holds: frozenset = frozenset()
    serial: list = field(default_factory=list)  # edits, and None where the hub wrote
    unread: list = field(default_factory=list)
    pending: bool = False
    last: str | None = None


class Watched(Tracker):
    """A tracker whose every change the oracle sees."""

    def __init__(self, name, knobs, world):
        super().__init__(name, knobs)
        self.world, self.cells, self.at_event, self.at_birth = world, {}, {}, {}
        self.hub_acts = False
        self.read_at, self.taken_at = {}, {}

    def cell(self, ref, name, member=""):
        return self.cells.setdefault((ref, name, member), Shown())

    def slots(self, item):
        for name, value in item.fields.items():
            members = value if isinstance(value, frozenset) else [""]
            for member in members:
                yield name, member, PRESENT if member else value

    def born(self, item):
        w = self.world
        if self.hub_acts:
            group = w.group_of(w.creating)
            w.groups[self.name, item.id] = group
            for name, member, _ in self.slots(item):
                shown = self.cell(item.id, name, member)
                shown.holds, shown.serial = w.known(w.creating, name, member), [None]
                shown.pending = True
            for name in ("a", "b"):
                self.cell(item.id, name).pending = True
        else:
            w.groups[self.name, item.id] = (self.name, item.id)
            for name, member, value in self.slots(item):
                self._edit(item, name, member, value)
        for name, member, _ in self.slots(item):
            self.at_birth[item.id, name, member] = self.cell(item.id, name, member).holds

    def _edit(self, item, name, member, value):
        w, shown = self.world, self.cell(item.id, name, member)
        race = shown.pending and self.knobs.history is not History.FULL
        edit = Edit(self.name, item.id, name, member, value, shown.holds, race=race)
        w.edits.append(edit)
        number = len(w.edits) - 1
        shown.holds |= {number}
        shown.serial.append(number)
        shown.unread.append(number)

    def put(self, item, field, member, old, new, author):
        w, shown = self.world, self.cell(item.id, field, member)
        if not self.hub_acts:
            if old != new:
                self._edit(item, field, member, new)
            return
        carried = w.known(ids.of_item(tracker_id(self.name), TICKET, item.id), field, member)
        if self.knobs.history is not History.FULL:
            for number in shown.unread:  # also one that set the very value that we send
                if number >= w.began:
                    w.edits[number].blind = not w.edits[number].told
        if old == new:
            shown.holds |= carried
            return
        if not member and w.is_station(self, item, field, new):
            carried = shown.holds  # it stands for what stood there before
        shown.holds, shown.unread, shown.pending = carried, [], True
        shown.serial.append(None)

    def told(self, item, event):
        for change in event.changes:
            members = [""] if hasattr(change, "old") else sorted(change.added | change.removed)
            for member in members:
                shown = self.cell(item.id, change.field, member)
                self.at_event[event.id, change.field, member] = shown.holds
                if self.tells(event) and shown.serial and shown.serial[-1] is not None:
                    self.world.edits[shown.serial[-1]].told = True

    def deleted(self, item, author):
        w = self.world
        w.gone.add((self.name, item.id))
        for (ref, _, _), shown in self.cells.items():
            if ref == item.id:
                for number in shown.unread:
                    w.edits[number].unseen = not any(number in g for g in w.ghosts.values())

    def read(self, ref):
        """The hub reads: what it sees now is what a residue of this reading holds."""
        item = self.items[ref.id]
        seen = {}
        for (ticket, name, member), shown in self.cells.items():
            if ticket != ref.id:
                continue
            value = item.fields.get(name)
            now = (PRESENT if member in (value or ()) else None) if member else value
            if not item.gone and self.knobs.history is not History.FULL and now == shown.last:
                untold = [n for n in shown.unread if not self.world.edits[n].told]
                if untold == shown.unread and not shown.pending:
                    for number in untold:  # a, b, a between two readings: nobody can know
                        self.world.edits[number].unseen = True
            seen[name, member] = shown.holds, len(shown.serial), now
        self.read_at[ref.id] = seen

    def was_taken(self, ref):
        """The reading was committed: what it showed is known."""
        self.taken_at[ref] = self.read_at[ref]
        for (name, member), (_, count, now) in self.read_at[ref].items():
            shown = self.cell(ref, name, member)
            known = set(shown.serial[:count])
            shown.unread = [n for n in shown.unread if n not in known]
            shown.last = now
            if not self.items[ref].gone and None not in shown.serial[count:]:
                shown.pending = False


class World:
    """Two or three trackers, one hub, and a story drawn at random."""

    def __init__(self, seed, **fixed):
        self.random = r = random.Random(seed)
        self.fixed = fixed
        self.edits, self.ghosts, self.groups, self.gone, self.story = [], {}, {}, set(), []
        self.remarks, self.files, self.creating, self.judged = [], [], None, []
        self.uncommitted = []
        self.began = 0  # edits from this number on were made after the present write began

        def pick(name, choices):
            return fixed[name] if name in fixed else r.choice(choices)

        aside = random.Random(f"{seed} aside")
        self.graph = aside.choice(GRAPHS)
        self.denied = aside.choice(["", "", "s", "r"])  # by a workflow, whatever it offers
        self.history = pick("history", list(History))
        self.cas = pick("cas", [True, False])
        self.key = pick("key", [True, False])
        self.odd = pick("odd", ["", "", "render", "refuse", "lossy", "remap"])
        self.chaos = pick("chaos", ["calm", "races", "crashes", "automation", "all"])
        self.trackers = [self._tracker(n) for n in "RTU"[: pick("trackers", [2, 2, 2, 3])]]
        self.by_name = {t.name: t for t in self.trackers}
        self.maps = {t.name: [()] for t in self.trackers}
        self.policy = fixed.get("policy")
        self.connectors = {}
        options = {}
        for t in self.trackers:
            pairs = LOSSY if t.name == "T" and self.odd in {"lossy", "remap"} else ()
            self.maps[t.name] = [pairs]
            connector = self.connectors[t.name] = MemoryConnector.over(t, fields=rows(pairs))
            options[t.name] = {"connector": connector, "pairing": "off"}
        self.hub = Hub(*self.trackers, **options)
        self.hub.settle = self.policy
        self._watch()

    def _tracker(self, name):
        odd = name == "T"
        full = name == "R" and self.random.random() < 0.4
        return Watched(
            name,
            Knobs(
                history=History.FULL if full else self.history,
                conditional=self.cas,
                keys=frozenset({TICKET, COMMENT, ATTACHMENT}) if self.key else frozenset(),
                render=loud if odd and self.odd == "render" else None,
                canon=plain if odd and self.odd == "render" else None,
                refuses=frozenset("s") if odd and self.odd == "refuse" else frozenset(),
                inclusive=self.random.random() < 0.5,
                answers=False,
                **(self._workflow() if odd and self.odd == "workflow" else {}),
            ),
            self,
        )

    def _workflow(self):
        return {
            "allowed": {"a": tuple("pqrs")}, "transitions": {"a": self.graph},
            "offers": self.random.random() < 0.6,
        }  # fmt: skip

    def is_station(self, tracker, item, field, new):
        """Whether the hub writes this value only to come to another one."""
        if self.odd != "workflow" or field != "a":
            return False
        record = ids.of_item(tracker_id(tracker.name), TICKET, item.id)
        cell = self.hub.replica.cell(record, OURS[field])
        return cell is not None and new not in {head.value for head in cell.heads}

    def close(self):
        self.hub.close()

    # --- the oracle listens --------------------------------------------------------------------

    def _watch(self):
        replica = self.hub.replica
        record = replica.record

        def recorded(changesets):
            changesets = list(changesets)
            for changeset in changesets:
                for write in changeset.writes:
                    self._wrote(write)
            return record(changesets)

        replica.record = recorded
        for name, connector in self.connectors.items():
            self._listen(name, connector)

    def _listen(self, name, connector):
        tracker, apply = self.by_name[name], connector.apply

        def applied(operation):
            tracker.hub_acts = True
            try:
                if operation.ref.kind == TICKET and not operation.ref.id:
                    self.creating = self._record_being_created(tracker)
                elif operation.ref.kind == TICKET:
                    self._under_way(tracker, operation)
                    self._allowed(tracker, operation)
                return apply(operation)
            finally:
                tracker.hub_acts = False

        connector.apply = applied

    def _allowed(self, tracker, operation):
        word = getattr(operation, "changes", {}).get("a")
        if tracker.knobs.transitions and word and word in self.denied:
            raise Rejected("Not for you.", status=422)

    @staticmethod
    def _under_way(tracker, operation):
        """A request is out, even if its value will be refused."""
        for name in getattr(operation, "changes", {}):
            tracker.cell(operation.ref.id, name).pending = True
        for sets in (getattr(operation, "added", {}), getattr(operation, "removed", {})):
            for name, members in sets.items():
                for member in members:
                    tracker.cell(operation.ref.id, name, member).pending = True

    def _record_being_created(self, tracker):
        """The newest create on disk that has no answer: intents stand before the wire."""
        rows = self.hub.foreign(tracker.name)._side.ledger.intents()
        return next(i.key for kind, _, i in rows if kind == TICKET and not i.ref)

    def _wrote(self, write):
        """Says which edits a write holds: those before the eyes of who told it, by the tracker."""
        if write.type != TICKET or write.cell.prop == LIFE or write.rule:
            return
        for t in self.trackers:
            for ref in t.items:
                if ids.of_item(tracker_id(t.name), TICKET, ref) == write.cell.record:
                    self._fact(t, ref, write)

    def _fact(self, tracker, ref, write):
        name = next((n for n, o in OURS.items() if o == write.cell.prop), None)
        if name is None:
            return
        for (event, field_, member), holds in tracker.at_event.items():
            told = ids.of_event(
                tracker_id(tracker.name), TICKET, ref, event, write.cell.prop, write.cell.member
            )
            if field_ == name and told == write.id and member == write.cell.member:
                self._ghost(write.id, holds)
                return
        seen = tracker.read_at.get(ref, {}).get((name, write.cell.member))
        holds = seen[0] if seen else frozenset()
        story = any(
            change.field == name
            and (hasattr(change, "old") or write.cell.member in change.added | change.removed)
            for event in tracker.items[ref].events
            if tracker.tells(event)
            for change in event.changes
        )
        if not write.supersedes and story:
            holds = tracker.at_birth.get((ref, name, write.cell.member), frozenset())
        self._ghost(write.id, holds)

    def _ghost(self, write, holds):
        """Notes what a write holds; it counts from the commit on."""
        self.uncommitted.append((write, holds))

    def _committed(self):
        noted, self.uncommitted = self.uncommitted, []
        for write, holds in noted:
            self.ghosts[write] = self.ghosts.get(write, frozenset()) | holds
            for number in holds:
                self.edits[number].unseen = False

    def known(self, record, name, member=""):
        """Which edits the heads of a cell hold."""
        cell = self.hub.replica.cell(record, OURS[name], member)
        return self.held_by(cell.heads) if cell else frozenset()

    def held_by(self, heads):
        """Which edits heads hold; what a rule wrote holds what it settled."""
        for head in heads:
            if head.rule and head.id not in self.ghosts:
                settled = next(
                    w for _, w in self.hub.replica.writes_of(head.record) if w.id == head.id
                )
                parts = (self.ghosts.get(w, frozenset()) for w in settled.supersedes)
                self.ghosts[head.id] = frozenset().union(*parts)
        return frozenset().union(*(self.ghosts.get(h.id, frozenset()) for h in heads))

    def group_of(self, record):
        members = self.hub.replica.members(record)
        for (name, ref), group in self.groups.items():
            if ids.of_item(tracker_id(name), TICKET, ref) in members:
                return group
        raise AssertionError(record)

    def agree(self, tracker, ref, side):
        """A field shows at its reading what the hub knows: who changes it from then on saw all that."""
        seen = tracker.read_at.get(ref)
        if not seen or tracker.items[ref].gone:
            return
        record = ids.of_item(tracker_id(tracker.name), TICKET, ref)
        for (prop, member), cell in self.hub.replica.cells(record).items():
            name = next((n for n, o in OURS.items() if o == prop), None)
            if name is None or len({h.value for h in cell.heads}) != 1:
                continue
            row = side.spec.fields.ours(prop)
            value = cell.heads[0].value
            now = seen.get((name, member), (frozenset(), 0, None))
            if not row.same(value if member or value is None else row.encode(value), now[2]):
                continue
            holds = self.held_by(cell.heads)
            self.judged.append((tracker.cell(ref, name, member), now[1], holds))

    def _agreed(self):
        """What was judged is written down: from the reading on it holds."""
        judged, self.judged = self.judged, []
        for shown, count, holds in judged:
            for number in shown.serial[count:]:
                if number is None:
                    break
                self.edits[number].saw |= holds - {number}
            else:
                shown.holds |= holds

    # --- what people do ------------------------------------------------------------------------

    def alive(self, tracker=None):
        trackers = [tracker] if tracker else self.trackers
        return [(t, i) for t in trackers for i in t.items.values() if not i.gone]

    def words(self, tracker, name):
        lossy = name == "a" and tracker.name == "T" and self.odd in {"lossy", "remap"}
        return ["open", "closed", "s"] if lossy else list(WORDS[name])

    def someone(self):
        r = self.random
        t = r.choice(self.trackers)
        if r.random() < 0.4:
            t.now += 1
        there = self.alive()
        if not there or (r.random() < 0.06 and len(there) < 6):
            fields = {name: r.choice(self.words(t, name)) for name in "ab"}
            ref = t.create("bob", fields)
            self.story.append(f"{t.name}/{ref} new {fields}")
            return
        self.act(*r.choice(there))

    def act(self, tracker, item, who="bob"):
        r = self.random
        chance = r.random()
        if chance < 0.07:
            self.remarks.append((self.groups[tracker.name, item.id], f"c{len(self.remarks)}"))
            tracker.comment(who, item.id, self.remarks[-1][1])
            self.story.append(f"{tracker.name}/{item.id} comment {self.remarks[-1][1]}")
        elif chance < 0.11:
            data = f"file {len(self.files)}".encode()
            self.files.append((self.groups[tracker.name, item.id], data))
            tracker.attach(who, item.id, f"f{len(self.files)}", data)
            self.story.append(f"{tracker.name}/{item.id} {data}")
        elif chance < 0.13:
            tracker.delete(who, item.id)
            self.story.append(f"{tracker.name}/{item.id} deleted")
        else:
            self.say(tracker, item, r.choice(["a", "a", "a", "b", "labels"]), who)

    def say(self, tracker, item, name, who="bob"):
        r = self.random
        if name == "labels":
            there = "red" in item.fields.get("labels", ())
            way = {"removed": {"labels": {"red"}}} if there else {"added": {"labels": {"red"}}}
            tracker.update(who, item.id, **way)
            self.story.append(f"{tracker.name}/{item.id} {way} by {who}")
            return
        words = self.words(tracker, name)[: 4 if r.random() < 0.3 else 2]
        ways = tracker.knobs.transitions.get(name)
        if ways and (present := item.fields.get(name)):
            words = [present, *ways[present]]
        value = r.choice(words)
        tracker.update(who, item.id, {name: value})
        self.story.append(f"{tracker.name}/{item.id} {name}={value} by {who}")

    def automation(self, item):
        if self.random.random() < 0.3:
            tracker = next(t for t in self.trackers if t.items.get(item.id) is item)
            after, tracker.after_write = tracker.after_write, None
            acts, tracker.hub_acts = tracker.hub_acts, False
            if not item.gone:
                name = self.random.choice("ab")
                self.say(tracker, item, name, self.random.choice(["robot", "hub"]))
            tracker.after_write, tracker.hub_acts = after, acts

    # --- what the hub does ---------------------------------------------------------------------

    def sync(self, crash=None, strangers=()):
        """One run that dies, or is disturbed, at the boundaries with these numbers."""
        count = [0]

        def boundary(_):
            number = count[0]
            count[0] += 1
            if number in strangers:
                acts = [t.hub_acts for t in self.trackers]
                for t in self.trackers:
                    t.hub_acts = False
                self.stranger()
                for t, was in zip(self.trackers, acts, strict=True):
                    t.hub_acts = was
            if number == crash:
                raise Crash

        self.story.append(f"sync crash={crash} strangers={sorted(strangers)}")
        for connector in self.connectors.values():
            connector.boundary = boundary
        try:
            with self._boundaries(boundary):
                self.hub.sync()
        except Crash:
            pass
        finally:
            for connector in self.connectors.values():
                connector.boundary = lambda _: None
            for t in self.trackers:
                t.hub_acts = False
        return count[0]

    @contextmanager
    def _boundaries(self, boundary):
        """Every commit is a boundary, and the oracle hears when agreement is judged."""
        replica, compose = self.hub.replica, planner.Planner.compose
        update = changer.Changer.update
        transaction = replica.transaction

        @contextmanager
        def watched():
            if replica.store.in_transaction:
                with transaction():
                    yield
                return
            with transaction():
                yield
                boundary("commit")
            self._taken()
            boundary("committed")

        def judged(planner_, kind, ref, record, cells, shadow):
            if kind == TICKET and shadow is not None:
                side = planner_.side
                self.agree(self.by_name[side.spec.name], ref, side)
            return compose(planner_, kind, ref, record, cells, shadow)

        def began(changer_, planned, **how):
            self.began = len(self.edits)
            return update(changer_, planned, **how)

        self.judged, self.uncommitted = [], []
        for t in self.trackers:  # what a run read that died before its commit was not read
            t.read_at = dict(t.taken_at)
        replica.transaction, planner.Planner.compose = watched, judged
        changer.Changer.update = began
        try:
            yield
        finally:
            planner.Planner.compose, changer.Changer.update = compose, update
            del replica.transaction

    def _taken(self):
        self._committed()
        self._agreed()
        for t in self.trackers:
            for ref, seen in t.read_at.items():
                if t.taken_at.get(ref) is not seen:
                    t.was_taken(ref)

    def stranger(self):
        """Somebody acts in the middle of a run, rather near to where the hub is at work."""
        near = [(t, i) for t, i in self.alive() if any(c.pending for c in self._cells(t, i))]
        if near and self.random.random() < 0.7:
            self.act(*self.random.choice(near))
        else:
            self.someone()

    def _cells(self, tracker, item):
        return [c for (ref, _, _), c in tracker.cells.items() if ref == item.id]

    # --- one world -----------------------------------------------------------------------------

    def step(self):
        r, chance = self.random, self.random.random()
        if chance < 0.5:
            self.someone()
        elif chance < 0.86:
            crash, strangers = None, ()
            if self.chaos in {"races", "all"} and r.random() < 0.6:
                strangers = {r.randrange(24) for _ in range(r.randint(1, 4))}
            if self.chaos in {"crashes", "all"} and r.random() < 0.5:
                crash = r.randrange(24)
            self.sync(crash, strangers)
        elif chance < 0.91 and self.odd == "remap":
            self.maps["T"].append(OTHER)
            table = FieldMap(rows(OTHER))
            self.connectors["T"].fields = table
            self.hub.change("T", fields=table)
            self.story.append("map changed")
        elif chance < 0.97:
            self.answer()

    def answer(self):
        """A person answers a conflict in the hub: an edit like any other."""
        open_ = [c for c in self.hub.conflicts() if c.cell.prop in OURS.values()]
        if not open_:
            return
        conflict = self.random.choice(open_)
        cell = conflict.cell
        value = self.random.choice(sorted({h.value for h in cell.heads}, key=repr))
        name = next(n for n, o in OURS.items() if o == cell.prop)
        saw = self.known(conflict.record, name, cell.member)
        group = self.group_of(conflict.record)
        self.hub.replica.resolve(conflict.record, cell.prop, cell.member, value, author="me")
        self.edits.append(Edit("hub", f"{group}", name, cell.member, value, saw))
        after = self.hub.replica.cell(conflict.record, cell.prop, cell.member)
        for head in after.heads:
            self._ghost(head.id, saw | {len(self.edits) - 1})
        self._committed()
        self.story.append(f"answer {cell.prop}={value}")

    def play(self, steps):
        if self.chaos in {"automation", "all"}:
            for t in self.trackers:
                t.after_write = self.automation
        self.someone()
        if self.random.random() < 0.7:
            self.quiet()
            self.story.append("all in step")
        for _ in range(steps):
            self.step()
        for t in self.trackers:
            t.after_write = None
        return self.verdict()

    def state(self):
        return sum(t.writes for t in self.trackers), self.hub.replica.latest()

    def quiet(self, rounds=12):
        for number in range(rounds):
            before = self.state()
            self.sync()
            for t in self.trackers:
                t.now += 1
            if self.state() == before:
                return number
        return None

    # --- the oracle speaks ---------------------------------------------------------------------

    def verdict(self):
        """Counts what went wrong, and what the trackers' properties made impossible, by cause."""
        out = Counter()
        if self.quiet() is None:
            out["NEVER QUIET"] += 1
            return out
        for group in set(self.groups.values()):
            items = [k for k, v in self.groups.items() if v == group]
            record = ids.of_item(tracker_id(items[0][0]), TICKET, items[0][1])
            self._judge(group, items, record, out)
        return out

    def _judge(self, group, items, record, out):
        cells = self.hub.replica.cells(record)
        life = cells.get((LIFE, "alive"))
        dead = life is not None and (life.conflict or life.shown is None)
        here = [
            n
            for n, e in enumerate(self.edits)
            if ((e.tracker, e.ref) in items or (e.tracker == "hub" and e.ref == f"{group}"))
            and not e.unseen
        ]
        if not any(self.edits[n].tracker != "hub" for n in here):
            return
        live = [k for k in items if k not in self.gone]
        if not dead:
            self._whole(group, items, live, out)
        for name, member in {(self.edits[n].name, self.edits[n].member) for n in here}:
            mine = [n for n in here if (self.edits[n].name, self.edits[n].member) == (name, member)]
            self._cell(cells, live, name, member, mine, dead, out)

    def _whole(self, group, items, live, out):
        for t in self.trackers:
            count = sum(name == t.name for name, _ in live)
            if count > 1:
                out["DOUBLED ticket"] += 1
            if not any(name == t.name for name, _ in items):
                out["MISSING ticket"] += 1
        for name, ref in live:
            item = self.by_name[name].items[ref]
            bodies = Counter(c.body.rsplit("\n\n", 1)[-1] for c in item.comments)
            wanted = {body for g, body in self.remarks if g == group}
            files = Counter(f.data for f in item.attachments)
            data = {d for g, d in self.files if g == group}
            if any(n > 1 for n in (*bodies.values(), *files.values())):
                out["DOUBLED comment or attachment"] += 1
            lost = (wanted - bodies.keys()) | (data - files.keys())
            if lost and not self._lost_with_deleted(items):
                out["MISSING comment or attachment"] += 1

    def _lost_with_deleted(self, items):
        return any(k in self.gone for k in items)

    def _past(self, start):
        seen, waiting = set(), list(self.edits[start].saw)
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen.add(number)
                waiting.extend(self.edits[number].saw)
        return seen

    def says(self, edit):
        """What an edit may mean in our words, by every map there was."""
        if edit.tracker == "hub" or edit.member or edit.name != "a":
            return {plain(edit.value)}
        word = plain(edit.value)
        maps = self.maps[edit.tracker]
        return {next((ours for theirs, ours in pairs if theirs == word), word) for pairs in maps}

    def _cell(self, cells, live, name, member, mine, dead, out):
        past = {n: self._past(n) for n in mine}
        top = [n for n in mine if not any(n in past[m] and m not in past[n] for m in mine)]
        cell = cells.get((OURS[name], member))
        got = {h.value for h in cell.heads} if cell else {None}
        missing = [n for n in top if not self.says(self.edits[n]) & got]
        ruled = {h.value for h in cell.heads if h.rule not in {EDIT, PERSON}} if cell else set()
        if ruled and len(top) > 1:
            missing = []  # a rule took one of several
        extra = got - set().union(*(self.says(self.edits[n]) for n in top))
        racy = any(self.edits[n].race for n in mine)
        if missing:
            out[self._why_lost(mine, missing, dead)] += 1
        false = extra or (len(got) > 1 and len(top) == 1)
        if false and not dead:
            blind = any(self.edits[n].blind for n in mine)
            cause = (
                "racy: false conflict" if racy else "blind: conflict" if blind else "FALSE conflict"
            )
            if cause == "FALSE conflict" and self.forgot(mine):
                cause = "restored: false conflict"
            if ruled and len(got) > 1:
                cause = "rule: its answer was overtaken by an edit"
            out[cause] += 1
        if len(got) == 1 and not dead:
            self._shown(live, name, member, next(iter(got)), racy, out)

    def _why_lost(self, mine, missing, dead):
        if all(self.edits[n].blind for n in missing):
            return "blind: edit overwritten unseen"
        if dead:
            return "dead: edit in the window of a delete"
        if all(self.edits[n].race or self.edits[n].blind for n in missing):
            parked = self._is_parked(missing)
            return "parked: reverted in the window" if parked else "racy: edit lost"
        return "restored: lost with the backup" if self.forgot(mine) else "LOST edit"

    def forgot(self, mine):
        """Whether a hub wrote the field of these edits, and forgot it with a restore."""
        return False

    def _is_parked(self, missing):
        return any(
            kind == TICKET and ref == self.edits[n].ref and row.parked
            for n in missing
            if self.edits[n].tracker != "hub"
            for kind, ref, _, row in self._waiting(self.edits[n].tracker)
        )

    def _waiting(self, name):
        return list(self.hub.foreign(name)._side.ledger.all_waiting())

    def _shown(self, live, name, member, want, racy, out):
        for tracker, ref in live:
            row = self.hub.specs[tracker].fields.ours(OURS[name])
            value = self.by_name[tracker].items[ref].fields.get(name)
            if member:
                value = PRESENT if member in (value or ()) else None
            word = want if member or want is None else row.encode(want)
            if row.same(word, value):
                continue
            parked = [
                row
                for kind, item, slot, row in self._waiting(tracker)
                if kind == TICKET and item == ref and slot.split("\x1f")[0] == name and row.parked
            ]
            if parked:
                out[self._why_parked(parked, tracker, ref, name, value, word, racy)] += 1
            elif self.odd != "remap" or name != "a":  # a changed map moves nothing by itself
                out["TRACKERS differ"] += 1

    def _why_parked(self, parked, tracker, ref, name, value, word, racy):
        walks = self.odd == "workflow" and name == "a"
        if any("flips" in row.reason for row in parked):
            return "parked: flips"
        if walks and self.left(tracker, ref, value):
            return "LEFT half-way"
        if walks and not self.leads(value, word):
            return "parked: no way"
        barred = walks and not self.leads(value, word, without=self.denied)
        if barred or (self.odd == "refuse" and parked[0].value == "s"):
            return "parked: refused"
        return "parked: reverted in the window" if racy else "PARKED wrongly"

    def left(self, tracker, ref, value):
        """Whether a ticket stands on its way though it could go back."""
        shadow = self.hub.foreign(tracker)._side.ledger.shadow(TICKET, ref)
        origin = shadow.stands["a"].origin
        return origin and self.leads(value, origin, without=self.denied)

    def leads(self, start, end, without=""):
        """Whether any way of the workflow leads from one value to another."""
        found, edge = {start}, [start]
        while edge:
            ways = (to for at in edge for to in self.graph[at])
            edge = [to for to in ways if to not in found and to not in without]
            found |= set(edge)
        return end in found


def shortest(seeds, kind=World, **fixed):
    """Plays worlds; returns the counts, and per outcome the world with the shortest story."""
    tally, best = Counter(), {}
    for seed in seeds:
        world = kind(seed, **fixed)
        try:
            found = world.play(3 + seed % 22)
        except Exception as error:  # noqa: BLE001 - every way to break is an outcome
            found = Counter({f"BROKEN {type(error).__name__} {error}": 1})
        finally:
            world.close()
        tally.update(found or {"fine": 1})
        for outcome in found:
            if outcome not in best or len(world.story) < len(best[outcome][1]):
                best[outcome] = seed, world.story, world
    return tally, best
