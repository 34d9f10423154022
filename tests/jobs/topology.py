"""Trackers in a line, a star, a ring: job files as people write them, and an oracle beside them.

The oracle looks at the trackers alone.  Whatever a person makes carries a word of its own, so that it
can be counted wherever it went: at most once per tracker, wherever a job's query tells it to another
remote, with the name of whoever said it first, and never written again once all jobs were idle.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from foreign.kit import Crash
from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.ledger import waiting_of
from prophet_hub.foreign.steps import Applied, Outcome
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.run import Failed, started
from prophet_hub.plugins import Plugins

LINE = re.compile(r"^(?P<author>\S+), \d{4}-\d\d-\d\d \d\d:\d\d UTC, \S+:$", re.MULTILINE)
WORD = re.compile(r"\b[tcf]\d+\b")


class Clock:
    def __init__(self, seconds=1_700_000_000):
        self.now = seconds * 1_000_000

    def __call__(self):
        self.now += 1
        return self.now


class Office:
    """One hub: a folder, a job file, a database; each run opens it anew, as the program does."""

    def __init__(self, folder: Path, text: str, clock=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.clock = folder, clock or Clock()
        self.file = parse(text, folder / "prophet-hub.yaml")
        self.database = folder / "hub.db"
        self.last = None

    def write(self, text):
        self.file = parse(text, self.folder / "prophet-hub.yaml")

    def replica(self):
        return Replica.open(self.database, clock=self.clock)

    def run(self, *words, crash=None):
        """Runs a job; returns what was written, and what failed where nobody made it fail."""
        counted = 0

        def boundary(_):
            nonlocal counted
            counted += 1
            if counted == crash:
                raise Crash

        replica = self.replica()
        try:
            with started(replica, self.file, words, folder=self.folder / "x", plugins=Plugins(),
                         clock=self.clock, sleep=lambda _: None) as run:  # fmt: skip
                for connector in run._connectors.values():
                    connector.boundary = boundary
                steps = [*run.prepare()]
                self.planned = run.planned()
                steps += run.apply()
                self.last = run.finish("done")
        finally:
            replica.close()
        return steps

    def sync(self, *words):
        """Runs a job; returns what it wrote."""
        steps = self.run(*words)
        broken = [step.error for step in steps if isinstance(step, Failed)]
        assert not broken, broken
        return [s for s in steps if isinstance(s, Applied) and s.outcome is Outcome.DONE]

    def round(self, *jobs):
        """Runs jobs, all of the file where none are named; returns how much was written."""
        return sum(len(self.sync(job)) for job in jobs or self.file.config.jobs)

    def settle(self, *jobs, rounds=12):
        """Runs jobs until none writes anything."""
        for _ in range(rounds):
            if not self.round(*jobs):
                return
        raise AssertionError("it never becomes quiet")

    def conflicts(self):
        replica = self.replica()
        try:
            return [(one.type, one.cell.prop, [head.value for head in one.cell.heads])
                    for one in replica.conflicts()]  # fmt: skip
        finally:
            replica.close()

    def inbox(self):
        replica = self.replica()
        try:
            rows = [waiting_of(data) for _, data in replica.store.scan("inbox")]
            return [row.reason for row in rows if not row.quiet]
        finally:
            replica.close()


def live(tracker):
    return [item for item in tracker.items.values() if not item.gone]


def summaries(tracker):
    return sorted(str(item.fields.get("summary")) for item in live(tracker))


def item(tracker, word):
    """The one live ticket with a word in its summary."""
    found = [one for one in live(tracker) if word in str(one.fields.get("summary")).split()]
    assert len(found) == 1, (tracker.name, word, [one.id for one in found])
    return found[0]


def bodies(tracker, word):
    """The comments of a ticket without their attribution lines, and who wrote them."""
    found = []
    for note in item(tracker, word).comments:
        line = LINE.match(note.body)
        author = line["author"] if line else note.author
        found.append((author, LINE.sub("", note.body).strip()))
    return sorted(found)


def doubled(trackers):
    """What stands twice in one tracker: tickets, comments, files, attribution lines."""
    out = []
    for tracker in trackers:
        made = Counter()
        for one in live(tracker):
            made.update(WORD.findall(str(one.fields.get("summary", ""))))
            for note in one.comments:
                made.update(set(WORD.findall(LINE.sub("", note.body))))
                if len(LINE.findall(note.body)) > 1:
                    out.append(f"{tracker.name}: an attribution line in another: {note.body!r}")
            made.update(file.data.decode() for file in one.attachments)
        out += [f"{tracker.name}: {word} stands {n} times" for word, n in made.items() if n > 1]
    return out


def matches(fields, wanted):
    """Whether a query of `field=value` terms tells a ticket with these fields."""
    return all(
        fields.get(name) == value
        or (isinstance(fields.get(name), frozenset) and value in fields[name])
        for name, value in wanted.items()
    )
