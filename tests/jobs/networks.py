"""Random networks of trackers and jobs: shapes, queries, maps, directions, people and crashes.

Between two rounds in which all jobs came to rest a field of a ticket is edited in one tracker only, so
that no conflict is anybody's doing: each one that is found is false.
"""

from __future__ import annotations

import random
from functools import cached_property
from itertools import pairwise

from jobs import memory
from jobs.topology import LINE, WORD, Crash, Office, doubled, live, matches
from prophet_hub.errors import RemoteError
from prophet_hub.model.changes import LIFE
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, History
from prophet_hub.testing.tracker import Knobs, Tracker

PEOPLE = ("ann", "bob", "cid")
SHUT = {"done": "resolved", "shut": "resolved", "begun": "open"}
GRAPH = {"new": ("open",), "open": ("resolved", "new"), "resolved": ("open",)}
FIELDS = ("summary", "status", "labels", "description", "priority", "depends_on")
EVERYTHING = frozenset({TICKET, COMMENT, ATTACHMENT})


class Network:
    """One seed: trackers, one hub, its jobs, and what people did."""

    def __init__(self, seed, folder, **fixed):
        self.rng = rng = random.Random(seed)
        self.seed, self.log, self.fixed = seed, [], fixed
        self.crashed = False
        count = rng.choice((2, 3, 3, 3, 4, 5))
        self.trackers = {name: self._tracker(name) for name in "abcde"[:count]}
        memory.TRACKERS.clear()
        memory.TRACKERS.update(self.trackers)
        self.remotes = {name: self._remote(name) for name in self.trackers}
        self.at = {name: name for name in self.remotes}
        self._more_names()
        self.jobs = self._jobs()
        self.office = Office(folder, self.text)
        self.words = 0
        self.said = dict[str, str]()
        self.secret = set[str]()
        self.dead = set[str]()
        self.owner = dict[tuple[str, str], str]()

    # --- the trackers, the remotes, the jobs ---

    def _tracker(self, name):
        rng = self.rng
        knobs = Knobs(
            history=rng.choice((History.FULL, History.FULL, History.PARTIAL, History.NONE)),
            conditional=rng.random() < 0.6,
            keys=rng.choice((EVERYTHING, EVERYTHING, frozenset({TICKET}), frozenset())),
            answers=rng.random() < 0.5,
            tombstones=rng.random() < 0.8,
            ordered_ids=rng.random() < 0.8,
            page=rng.choice((2, 50)),
            private_comments=rng.random() < 0.7,
            transitions={"status": GRAPH} if rng.random() < 0.15 else {},
            offers=rng.random() < 0.5,
        )
        return Tracker(name, knobs)

    def _remote(self, name):
        rng, tracker = self.rng, self.trackers[name]
        said = {"connector": "memory", "url": f"memory://{name}", "concurrency": "1"}
        if rng.random() < 0.2:
            said["query"] = "labels=x"
        if rng.random() < 0.25 and not tracker.knobs.transitions:
            said["values"] = {"status": SHUT}
        if rng.random() < 0.2 and tracker.knobs.private_comments:
            said["audience"] = "private"
        return said

    def _more_names(self):
        """Lets some trackers have two names, each with a query of its own."""
        for name in list(self.trackers):
            if self.rng.random() < 0.15:
                self.at[name + name] = name
                self.remotes[name + name] = {**self.remotes[name], "query": "labels=y"}
                self.remotes[name]["query"] = "labels=x"

    def _jobs(self):
        jobs = {}
        for pair in self._pairs():
            if len({self.at[name] for name in pair}) > 1:  # nothing is copied inside of a tracker
                jobs[f"j{len(jobs)}"] = self._job(pair)
        return jobs

    def _pairs(self):
        """Which remotes are in a job together: the shape of the network."""
        rng, names = self.rng, list(self.remotes)
        rng.shuffle(names)
        shape = self.fixed.get("shape") or rng.choice(("all", "line", "star", "ring", "way", "any"))
        self.shape = shape
        if shape == "all":
            return [tuple(names)]
        if shape == "star":
            return [(names[0], other) for other in names[1:]]
        if shape == "any":
            return [
                tuple(rng.sample(names, rng.randint(2, min(3, len(names)))))
                for _ in range(rng.randint(2, 5))
            ]
        closed = shape in {"ring", "way"} and len(names) > 2
        return [*pairwise(names), *([(names[-1], names[0])] if closed else [])]

    def _job(self, pair):
        rng = self.rng
        uses = {name: self._use() for name in pair}
        if len({self.at[name] for name in pair}) < len(pair):
            for use in uses.values():
                use.pop("query", None)  # else two of one tracker may be one
        if self.shape == "way":
            uses[pair[0]]["direction"], uses[pair[1]]["direction"] = "pull", "push"
        if len({use.get("direction") for use in uses.values()}) == 1:
            uses[pair[0]].pop("direction", None)  # else nothing would be read, or written
        job = {"remotes": uses}
        if rng.random() < 0.2:
            job["fields"] = ["summary", "status", "labels"]
        if rng.random() < 0.1:
            job["attachments"] = "no"
        return job

    def _use(self):
        rng, use = self.rng, {}
        if rng.random() < 0.15:
            use["query"] = rng.choice(("labels=x", "status=open", ""))
        if rng.random() < 0.1:
            use["direction"] = rng.choice(("pull", "push"))
        if rng.random() < 0.1:
            use["creates"] = "no"
        if rng.random() < 0.3:
            use["deletes"] = "yes"
        return use

    @cached_property
    def text(self):
        def said(value):
            if isinstance(value, dict):
                return "{" + ", ".join(f"{k}: {said(v)}" for k, v in value.items()) + "}"
            if isinstance(value, list):
                return "[" + ", ".join(value) + "]"
            return value or '""'

        lines = ["remotes:", *(f"  {n}: {said(r)}" for n, r in self.remotes.items())]
        return "\n".join([*lines, "jobs:", *(f"  {n}: {said(j)}" for n, j in self.jobs.items())])

    # --- what happens ---

    def word(self, letter, who):
        self.words += 1
        self.said[f"{letter}{self.words}"] = who
        return f"{letter}{self.words}"

    def step(self):
        rng = self.rng
        for tracker in self.trackers.values():
            tracker.now += rng.randint(0, 90)
        name = rng.choice(list(self.trackers))
        tracker, who = self.trackers[name], rng.choice(PEOPLE)
        items = live(tracker)
        what = rng.choice(("create", "edit", "edit", "edit", "say", "attach", "link", "delete", "job",
                           "job", "crash"))  # fmt: skip
        if what in {"job", "crash"}:
            self._run(
                rng.choice(list(self.jobs)), crash=rng.randint(1, 40) if what == "crash" else None
            )
            return
        try:
            if what == "create" or not items:
                self._create(tracker, who)
            else:
                getattr(self, f"_{what}")(name, tracker, rng.choice(items), who)
        except RemoteError:
            pass  # this tracker does not let anybody

    def _note(self, *words):
        self.log.append(" ".join(map(str, words)))

    def _run(self, job, crash=None):
        self._note("run", job, f"crash {crash}" if crash else "")
        try:
            self.office.run(job, crash=crash)
        except Crash:
            self.crashed = True
            self._note("  crashed")

    def _create(self, tracker, who):
        fields = {"summary": self.word("t", who)}
        if self.rng.random() < 0.6:
            fields["labels"] = frozenset({"x"})
        if self.rng.random() < 0.5:
            fields["status"] = "open" if self.rng.random() < 0.5 else "new"
        fields["description"] = f"about w{self.words}"
        ref = tracker.create(who, fields)
        self.owner |= {(fields["summary"], field): tracker.name for field in FIELDS}
        self._note(tracker.name, "create", ref, fields["summary"], fields)

    def _mine(self, name, item, field):
        word = WORD.search(str(item.fields["summary"]))[0]
        return self.owner.setdefault((word, field), name) == name and word not in self.dead

    def _edit(self, name, tracker, item, who):
        rng = self.rng
        field = rng.choice(FIELDS[:-1])
        if not self._mine(name, item, field):
            return
        self.words += 1
        if field == "labels":
            member = rng.choice("xyz")
            held = member in (item.fields.get("labels") or ())
            self._note(name, "edit", item.id, "labels", "-" if held else "+", member)
            tracker.update(who, item.id, **{"removed" if held else "added": {"labels": {member}}})
            return
        word = WORD.search(str(item.fields["summary"]))[0]
        value = {
            "summary": f"{word} v{self.words}",
            "description": f"about w{self.words}",
            "priority": rng.choice(("high", "low")),
            "status": rng.choice(
                ("new", "begun", "done", "shut") if "values" in self.remotes[name]
                else ("new", "open", "resolved")
            ),
        }[field]  # fmt: skip
        self._note(name, "edit", item.id, field, value)
        tracker.update(who, item.id, {field: value})

    def _say(self, name, tracker, item, who):
        word, private = self.word("c", who), self.rng.random() < 0.2
        if private and tracker.knobs.private_comments:
            self.secret.add(word)
        self._note(name, "comment", item.id, word, private)
        tracker.comment(who, item.id, f"{word} is said", private=private)

    def _attach(self, name, tracker, item, who):
        word = self.word("f", who)
        self._note(name, "attach", item.id, word)
        tracker.attach(who, item.id, f"{word}.txt", word.encode())

    def _link(self, name, tracker, item, who):
        if self._mine(name, item, "depends_on"):
            other = self.rng.choice(live(tracker))
            if other is not item:
                self._note(name, "link", item.id, other.id)
                tracker.update(who, item.id, added={"depends_on": {other.id}})

    def _delete(self, name, tracker, item, who):
        if self.rng.random() < 0.3:
            self.dead.add(WORD.search(str(item.fields["summary"]))[0])
            self._note(name, "delete", item.id)
            tracker.delete(who, item.id)

    def rest(self, rounds=12):
        """Runs all jobs until none writes anything; from then on anybody may edit anything."""
        jobs = list(self.jobs)
        for _ in range(rounds):
            before = self._writes()
            self.rng.shuffle(jobs)
            for job in jobs:
                self._note("run", job)
                self.office.sync(job)
            if before == self._writes():
                self.owner = {
                    key: name for key, name in self.owner.items() if self._untold(*key, name)
                }
                return []
        return ["it never comes to rest"]

    def _live(self, name):
        return live(self.trackers[self.at[name]])

    def _untold(self, word, field, name):
        """Whether nobody hears what is edited in a tracker: no query tells the ticket there."""
        queries = [
            dict(term.split("=") for term in self._query(job, one).split())
            for job in self.jobs.values()
            for one in job["remotes"]
            if self.at[one] == self.at[name] and field in job.get("fields", (field,))
        ]
        return any(
            word == WORD.search(str(item.fields["summary"]))[0]
            and not any(matches(item.fields, wanted) for wanted in queries)
            for item in self._live(name)
        )

    def _query(self, job, name):
        return job["remotes"][name].get("query", self.remotes[name].get("query", ""))

    def _writes(self):
        return [tracker.writes for tracker in self.trackers.values()]

    def play(self, steps=30, phases=2):
        """Plays; returns what is wrong."""
        found = []
        for _ in range(phases):
            for _ in range(steps):
                self.step()
            found = found or self.rest() or self.verdict()
        return found

    # --- the oracle ---

    def verdict(self):
        out = [why for why in doubled(self.trackers.values()) if not self._unproven(why[0])]
        if not self.crashed:  # people did edit after a delete
            found = self.office.conflicts()
            out += [f"conflict {one}" for one in found if not (self.dead and one[1] == LIFE)]
        for name, tracker in self.trackers.items():
            out += self._authors(name, tracker)
        for name, job in self.jobs.items():
            for one in job["remotes"]:
                for other in job["remotes"]:
                    if self.at[one] != self.at[other]:
                        out += [f"{name}: {why}" for why in self._pair(job, one, other)]
        return out

    def _unproven(self, name):
        """Whether a lost answer is never missed: no key, and a query that may not tell the ticket."""
        asks = any(
            self._query(job, one)
            for job in self.jobs.values()
            for one in job["remotes"]
            if self.at[one] == name
        )
        return self.crashed and asks and TICKET not in self.trackers[name].knobs.keys

    def _authors(self, name, tracker):
        for one in live(tracker):
            for note in one.comments:
                line = LINE.match(note.body)
                word = WORD.search(LINE.sub("", note.body))[0]
                author = line["author"] if line else note.author
                if author.lower() != self.said[word]:
                    yield f"{name}: {word} is of {self.said[word]}, not of {author}"
                if word in self.secret and not note.private and note.author == "hub":
                    yield f"{name}: {word} was private"

    def _pair(self, job, one, other):
        """What a job should have brought from one remote to another, and did not."""
        if self._unproven(self.at[one]) or self._unproven(self.at[other]):
            return  # two of one may differ
        here, there = job["remotes"][one], job["remotes"][other]
        if here.get("direction") == "push" or there.get("direction") == "pull":
            return
        wanted = dict(term.split("=") for term in self._query(job, one).split())
        copies = {WORD.search(str(i.fields["summary"]))[0]: i for i in self._live(other)}
        for item in self._live(one):
            word = WORD.search(str(item.fields["summary"]))[0]
            if not matches(item.fields, wanted) or word in self.dead:
                continue
            if word not in copies:
                if there.get("creates") != "no":
                    yield f"{word} of {one} did not arrive in {other}"
                continue
            if self._writes_it(job, other, copies[word]):
                yield from self._compare(job, one, other, item, copies[word], word)

    def _writes_it(self, job, name, item):
        """Whether a remote writes a ticket: one of several names writes what its own query tells."""
        if list(self.at.values()).count(self.at[name]) == 1:
            return True
        return matches(item.fields, dict(t.split("=") for t in self._query(job, name).split()))

    def _compare(self, job, one, other, item, copy, word):
        if job["remotes"][one].get("direction") in {None, "both"}:
            yield from self._fields(job, one, other, item, copy, word)
        closed = self.remotes[other].get("audience") != "private"
        said = {WORD.search(LINE.sub("", n.body))[0] for n in item.comments if not n.private}
        told = {WORD.search(LINE.sub("", n.body))[0] for n in copy.comments}
        if said - told - (self.secret if closed else set()):
            yield f"{word}: {sorted(said - told)} of {one} are not in {other}"
        if job.get("attachments") != "no":
            files, held = ({f.data for f in i.attachments} for i in (item, copy))
            if files - held:
                yield f"{word}: {sorted(files - held)} of {one} are not in {other}"

    def _fields(self, job, one, other, item, copy, word):
        """Where two copies differ in a field, although everybody heard of both."""
        both = self._known(one) & self._known(other)
        for field in FIELDS:
            unheard = any(self._untold(word, field, name) for name in (one, other))
            if unheard or self.crashed or field not in job.get("fields", FIELDS):
                continue
            if field == "depends_on":
                mine, theirs = (self._links(n, i) & both for n, i in ((one, item), (other, copy)))
            else:
                mine, theirs = (self._ours(n, i, field) for n, i in ((one, item), (other, copy)))
            if mine != theirs:
                yield f"{word}: {field} is {mine!r} in {one}, {theirs!r} in {other}"

    def _known(self, name):
        return {WORD.search(str(i.fields["summary"]))[0] for i in self._live(name)} - self.dead

    def _links(self, name, item):
        items = self.trackers[self.at[name]].items
        return {
            WORD.search(str(items[n].fields["summary"]))[0]
            for n in item.fields.get("depends_on", ())
        }

    def _ours(self, name, item, field):
        value = item.fields.get(field)
        if field == "status" and "values" in self.remotes[name]:
            return SHUT.get(value, value)
        return value
