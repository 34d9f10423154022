"""A first sync of many tickets against trackers with limits, in simulated time, killed on the way.

The connectors speak to trackers in memory through the hub's own `Http`, over a session that keeps a
tracker's limit and turns the clock; nothing else knows the time.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

from jobs import memory
from prophet_hub.engine.replica import Replica
from prophet_hub.foreign import attribution
from prophet_hub.foreign.steps import Planned
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.run import Settled, started
from prophet_hub.plugins import Plugins
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.store.sqlite import Store
from prophet_hub.testing.tracker import Knobs, Tracker

JOB = """
remotes:
  a: {connector: memory, url: memory://a, concurrency: 1}
  b: {connector: memory, url: memory://b, concurrency: 1}
jobs:
  both: {remotes: [a, b], brakes: {creates: 10}}
"""
EVERY = 10.0  # seconds between two announcements, as on a terminal's lines


class Death(BaseException):
    """The end of a process, as far as it can be had in one."""


# --- limits ---


@dataclass
class Free:
    """No limit."""

    def admits(self, now: float) -> tuple[bool, dict[str, str]]:
        return True, {}


@dataclass
class Windows:
    """So many requests per window, aligned to the clock.

    Attributes:
        tells: Whether headers tell the limit; else a 429 with Retry-After is all there is.
        bans: Seconds added to the pause of whoever asks while it lasts.
    """

    requests: int
    seconds: float
    tells: bool = False
    bans: float = 0.0
    window: int = -1
    used: int = 0
    banned: float = 0.0

    def admits(self, now: float) -> tuple[bool, dict[str, str]]:
        window = int(now // self.seconds)
        if window != self.window:
            self.window, self.used = window, 0
        ends = (window + 1) * self.seconds
        if now < self.banned or self.used >= self.requests:
            self.banned = max(self.banned, ends) + (self.bans if now < self.banned else 0.0)
            return False, {"Retry-After": f"{self.banned - now:.3f}"}
        self.used += 1
        if not self.tells:
            return True, {}
        left = self.requests - self.used
        return True, {
            "X-RateLimit-Limit": str(self.requests),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": f"{ends - now:.3f}",
        }


@dataclass
class Drips:
    """A token bucket: `burst` at once, `rate` a second after that."""

    rate: float
    burst: int
    tokens: float = -1.0
    filled: float = 0.0

    def admits(self, now: float) -> tuple[bool, dict[str, str]]:
        full = self.burst if self.tokens < 0 else self.tokens + (now - self.filled) * self.rate
        self.tokens, self.filled = min(self.burst, full), now
        if self.tokens < 1:
            return False, {"Retry-After": f"{max(1.0, (1 - self.tokens) / self.rate):.3f}"}
        self.tokens -= 1
        return True, {}


# --- the wire ---


class Answer:
    """As much of a response as `Http` looks at."""

    raw = None

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status_code, self.headers, self.ok = status, headers, status < 400

    def iter_content(self, _size):
        return iter(())

    def close(self) -> None:
        pass


class Server:
    """One tracker's front door: latency, limit, and a count of what came too early."""

    def __init__(self, tracker, clock: ManualClock, limit, latency: float, slower=None) -> None:
        self.tracker, self.clock, self.limit = tracker, clock, limit
        self.latency, self.slower, self.begun = latency, slower, tracker.now
        self.taken = self.refused = self.early = 0
        self.closed = 0.0
        self.random = random.Random(1)

    def request(self, _method, _url, **_options) -> Answer:
        now = self.clock.monotonic()
        self.early += now < self.closed - 1e-6
        fits, headers = self.limit.admits(now)
        latency = self.slower(self.taken) if self.slower else self.latency
        self.clock.sleep(latency * self.random.uniform(0.5, 1.5))
        if not fits:
            self.refused += 1
            self.closed = now + float(headers["Retry-After"])
            return Answer(429, headers)
        self.taken += 1
        self.tracker.now = self.begun + int(self.clock.monotonic())
        self.answer = self.act()
        return Answer(200, headers)


SERVERS: dict[str, Server] = {}


class Wired(memory.Remembered):
    """A tracker of this process behind its server."""

    def __init__(self, settings, context=None) -> None:
        super().__init__(settings, context)
        self.server = SERVERS[self.tracker.name]
        self.http = Http("http://tracker.example", _through(self.context, self.server))

    def _request(self, method, path, act):
        self.server.act = partial(self._sent, method, path, act)
        self.http.request(method, "/x")
        return self.server.answer


def _through(context, server):
    return type(context)(
        remote=context.remote, session=server, clock=context.clock, patience=context.patience
    )


# --- the work ---


@dataclass
class Said:
    """What was announced: when, after how much work, and the seconds left of stage and run."""

    run: int
    stage: str
    now: float
    worked: float
    left: float | None
    whole: float | None


@dataclass
class Backfill:
    """`count` tickets in `a`, each with a comment, every tenth with a file; `b` is empty."""

    folder: object
    count: int
    limits: tuple[object, object]
    latency: float = 0.2
    slower: object = None
    clock: ManualClock = field(default_factory=ManualClock)
    said: list[Said] = field(default_factory=list)
    over: dict[str, float] = field(default_factory=dict)
    worked: float = 0.0
    heard: float = 0.0
    end: float = 0.0
    last: int = 0
    runs: int = 0
    asked: int = 0
    phase: str = ""
    left: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        knobs = Knobs(page=100)
        self.a, self.b = Tracker("a", knobs), Tracker("b", knobs)
        for n in range(self.count):
            one = self.a.create("jesse", {"summary": f"Ticket {n}", "status": "open"})
            self.a.now += 1
            self.a.comment("bob", one, f"A remark about {n}")
            if n % 10 == 0:
                self.a.attach("bob", one, f"file{n}.txt", f"file {n}".encode())
            self.a.now += 1
        memory.TRACKERS.update(a=self.a, b=self.b)
        for tracker, limit in zip((self.a, self.b), self.limits, strict=True):
            SERVERS[tracker.name] = Server(tracker, self.clock, limit, self.latency, self.slower)
            memory.BOUNDARIES[tracker.name] = self.boundary

    @property
    def requests(self) -> int:
        return sum(server.taken for server in SERVERS.values())

    def boundary(self, _name: str = "") -> None:
        if self.left and self.left[0] == self.phase:
            self.left = self.phase, self.left[1] - 1
            if self.left[1] == 0:
                self.left = None
                raise Death

    def run(self, *, yes: bool, kill: tuple[str, int] | None = None):
        """Runs once, to its end or to a death after so many boundaries of a phase; None if it died."""
        self.runs, self.left, self.phase = self.runs + 1, kill, "read"
        file = parse(JOB, self.folder / "prophet-hub.yaml")
        micros = lambda: int(self.clock.now().timestamp() * 1e6)  # noqa: E731 - one expression
        with (
            closing(Replica.open(self.folder / "hub.db", clock=micros)) as replica,
            started(replica, file, ("both",), folder=self.folder / "x", plugins=Plugins(),
                    clock=micros, sleep=self.clock.sleep, time=self.clock) as run,
            self._commits(replica),
        ):  # fmt: skip
            try:
                for step in run.prepare():
                    self.phase = "plan" if isinstance(step, (Settled, Planned)) else "read"
                    self._heard(run, step)
                hits = run.brakes()
                self.asked += bool(hits)
                assert yes or not hits, "it asked again"
                self.phase = "write"
                for step in run.apply():
                    self._heard(run, step)
            except Death:
                return None
            if not self.end:
                self.end, self.last = self.clock.monotonic(), self.runs
            return run.finish("done")

    @contextmanager
    def _commits(self, replica):
        transaction = replica.transaction

        @contextmanager
        def watched():
            outer = not replica.store.in_transaction
            with transaction():
                yield
                if outer:
                    self.boundary()
            if outer:
                self.boundary()

        replica.transaction = watched
        yield
        del replica.transaction

    def _heard(self, run, step) -> None:
        outlook, now = run.outlook, self.clock.monotonic()
        stage = " ".join(outlook.stage).strip()
        if stage == "b written" or (stage == "a read" and "b read" not in self.over):
            self.worked += now - self.heard
            self.over[stage] = self.worked
        elif stage:
            self.over["b read"] = self.worked
        self.heard = now
        fresh = not self.said or now - self.said[-1].now >= EVERY
        if not self.end and fresh and stage:
            self.said.append(
                Said(self.runs, stage, now, self.worked, outlook.stage_left(), outlook.left())
            )

    # --- what must be true ---

    def faults(self) -> list[str]:
        """Returns what is doubled or missing in `b`, none if all is there once."""
        items = [item for item in self.b.items.values() if item.gone is None]
        found = []
        for kind, there, due in (
            ("ticket", (i.fields["summary"] for i in items),
             (f"Ticket {n}" for n in range(self.count))),
            ("comment", (attribution.parse(c.body)[1].strip() for i in items for c in i.comments),
             (f"A remark about {n}" for n in range(self.count))),
            ("file", (a.data for i in items for a in i.attachments),
             (f"file {n}".encode() for n in range(0, self.count, 10))),
        ):  # fmt: skip
            is_there, is_due = Counter(there), Counter(due)
            found += [f"doubled {kind} {what}" for what in is_there - is_due]
            found += [f"missing {kind} {what}" for what in is_due - is_there]
        return found

    def errors(self) -> dict[str, list[float]]:
        """Returns how far each announcement from a tenth on was off, per stage and of the whole.

        The truth is the time that was worked from then on.  What a death makes to be read again is
        not foretold, and no part of it; nor is the pause at the end of the window in which a run
        died, for the next run's reading spends it: what that run said may be off by one window more.
        In the last tenth what is off is compared with that tenth.
        """
        window = getattr(self.limits[1], "seconds", 0.0)
        off: dict[str, list[float]] = {"a read": [], "b written": [], "whole": []}
        begins = {one.stage: one.worked for one in reversed(self.said)}
        end = self.over["b written"]
        for one in self.said:
            if one.stage not in off:
                continue
            over, begin = self.over[one.stage], begins[one.stage]
            spent = window if one.run != self.last else 0.0
            if one.left is not None and one.worked - begin >= (over - begin) / 10:
                off[one.stage].append(_off(one.left, over - one.worked, over - begin, spent))
            if one.whole is not None and one.worked >= end / 10:
                off["whole"].append(_off(one.whole, end - one.worked, end, spent))
        return off


def _off(said: float, true: float, whole: float, spent: float) -> float:
    wrong = min(abs(said - true), abs(said - true - spent))
    return wrong / max(true, whole / 10)


@contextmanager
def site(tmp_path, monkeypatch):
    """Makes the connector findable, and keeps the disk out of it: the process does not really end."""
    monkeypatch.setattr(memory, "Remembered", Wired)
    real = Store._prepare

    def prepare(store, **words):
        real(store, **words)
        store.run("PRAGMA synchronous = OFF")

    monkeypatch.setattr(Store, "_prepare", prepare)
    folder = tmp_path / "site"
    folder.mkdir(exist_ok=True)
    with memory.registered(folder):
        yield
    SERVERS.clear()


__all__ = ["Backfill", "Drips", "Free", "Windows", "site"]
