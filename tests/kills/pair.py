"""An RT and a Hiveminder with tickets, comments and attachments, and what must be true of both."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fakes import hiveminder, rt
from prophet_hub.foreign import attribution
from prophet_hub.sdk import Person
from prophet_hub.testing.tracker import Tracker

JOB = """
remotes:
  rt-main: {{connector: rt, url: {rt}, user: hub, password: env:KILLS_PASSWORD, concurrency: 1}}
  hiveminder:
    {{connector: hiveminder, url: {hm}, email: hub@example.org, password: env:KILLS_PASSWORD, concurrency: 1}}
jobs: {{}}
"""
PASSWORD = "correct horse"


class Pair:
    """`count` tickets, every other one born in the other tracker, each with a comment, every third with a file."""

    def __init__(self, count: int) -> None:
        self.rt = rt.RTTracker()
        self.hm = Tracker("hiveminder", hiveminder.KNOBS)
        self.hm.users["31"] = Person(id="31", name="Ada", email="ada@example.org")
        self.count = count
        self.comments: Counter[str] = Counter()
        self.files: Counter[bytes] = Counter()
        for n in range(count):
            tracker, who, field = (
                (self.rt, "jesse", "Subject") if n % 2 == 0 else (self.hm, "31", "summary")
            )
            ticket = tracker.create(who, {field: f"Ticket {n}"})
            tracker.now += 1
            body = f"A remark about {n}: naïve ☃"
            tracker.comment(who, ticket, body)
            self.comments[body] += 1
            if n % 3 == 0:
                data = f"file {n}\0".encode() * 50
                tracker.attach(who, ticket, f"file{n}.bin", data)
                self.files[data] += 1
            tracker.now += 1
        self.apps = rt.RTFake(self.rt), hiveminder.app(self.hm)

    def app(self, environ, start_response):
        """Both trackers at one address, below /rt and /hm."""
        which = environ["PATH_INFO"][1:3]
        for name in ("PATH_INFO", "RAW_PATH"):
            environ[name] = environ[name][3:]
        return self.apps[which == "hm"](environ, start_response)

    def job_file(self, folder: Path, url: str) -> Path:
        path = folder / "prophet-hub.yaml"
        path.write_text(JOB.format(rt=f"{url}/rt", hm=f"{url}/hm"))
        return path

    def faults(self) -> list[str]:
        """Returns what is doubled or missing on any side, none if all is there once."""
        found = []
        for tracker, field in ((self.rt, "Subject"), (self.hm, "summary")):
            items = [i for i in tracker.items.values() if i.gone is None]
            titles = Counter(str(i.fields[field]) for i in items)
            found += _compare(
                tracker.name, "ticket", titles, Counter(f"Ticket {n}" for n in range(self.count))
            )
            bodies = Counter(_body(c.body) for i in items for c in i.comments if c.body)
            found += _compare(tracker.name, "comment", bodies, self.comments)
            files = Counter(a.data for i in items for a in i.attachments)
            found += _compare(tracker.name, "attachment", files, self.files)
        return found


def _body(text: str) -> str:
    """Returns a comment without the line that says who wrote it."""
    return attribution.parse(text)[1].strip()


def _compare(name, kind, there, wanted):
    doubled, missing = there - wanted, wanted - there
    return [
        *(f"{name}: doubled or strange {kind} {what!r} ({n})" for what, n in doubled.items()),
        *(f"{name}: missing {kind} {what!r} ({n})" for what, n in missing.items()),
    ]
