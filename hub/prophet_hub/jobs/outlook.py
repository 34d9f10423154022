"""What is left of a run, from its own steps and from what was seen of the trackers' limits.

A run reads every remote, plans, and writes.  While it reads, the writes to come are counted from what
the database knows of one tracker and not of another; once all is planned the plan itself is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.rows import ItemRow
from prophet_hub.foreign.steps import Applied, Planned, Pulled, RemoteSpec, Verb
from prophet_hub.jobs.forecast import Forecast, seconds_for
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET
from prophet_hub.sdk.limits import Limit
from prophet_hub.sdk.pace import Clock

__all__ = ["Outlook"]

_READ: Final = "read"
_MANY: Final = 100
"""Tickets of one reading from which on the writes to come are counted; less is soon over."""

_SHARE: Final = 0.05
"""Of a reading, after which they are counted anew."""

_FEW: Final = 20
"""Requests whose answers do not show yet how fast a tracker is."""

_BINDS: Final = 2
"""Where so many times what a window allows would fit into it, the limit alone decides."""

_DIFFERS: Final = 0.05
"""By so much a limit must differ from what was noted before it is noted again."""

_item = msgspec.msgpack.Decoder(ItemRow)


@dataclass(slots=True)
class _Side:
    """One remote: what was asked of it, and what is left."""

    spec: RemoteSpec
    known: Limit | None
    reading: Forecast = field(default_factory=Forecast)
    writing: Forecast = field(default_factory=Forecast)
    paused: float = 0.0
    read: int = 0
    total: int | None = None
    todo: int = 0


class Outlook:
    """Follows a run; asked for seconds, it answers None while nothing can be said honestly.

    Attributes:
        stage: The remote that is worked with, and whether it is `read` or `written`.
    """

    def __init__(self, replica: Replica, time: Clock) -> None:
        self._replica, self._time = replica, time
        self._sides: dict[str, _Side] = {}
        self._lacks: tuple[float, dict[str, Counter[str]]] = (-1.0, {})
        self.stage: tuple[str, str] = ("", "")

    def reached(self, spec: RemoteSpec) -> None:
        """Takes in a remote that will be worked with."""
        data = self._replica.store.get("settings", _noted(spec))
        known = None if data is None else msgspec.msgpack.decode(data, type=_Noted).limit()
        self._sides[spec.name] = _Side(spec, known, Forecast(known), Forecast(known))

    def begin(self, remote: str, stage: str) -> None:
        """Notes that a remote is now `read` or `written`."""
        self.stage = remote, stage
        side = self._sides[remote]
        forecast = side.reading if stage == _READ else side.writing
        forecast.begin(self._time.monotonic(), side.spec.connector.pace())

    def step(self, step: object) -> None:
        """Takes in a step of the run."""
        match step:
            case Pulled(remote=remote) if remote in self._sides:
                side, self.stage = self._sides[remote], (remote, _READ)
                if step.done != side.read:  # a whole batch is recorded at once
                    new, side.read, side.total = step.done - side.read, step.done, step.total
                    self._fed(side, side.reading, max(0, new))
            case Planned(remote=remote):
                self._sides[remote].todo += step.requests
            case Applied(planned=planned):
                side, self.stage = self._sides[planned.remote], (planned.remote, "written")
                side.todo -= planned.requests
                self._fed(side, side.writing, planned.requests)
            case _:
                return

    def stage_left(self) -> float | None:
        """Returns the seconds until the present stage ends."""
        remote, stage = self.stage
        side = self._sides.get(remote)
        if side is None:
            return None
        if stage == _READ:
            if side.total is None:
                return None
            return side.reading.left(max(0, side.total - side.read))
        return side.writing.left(side.todo)

    def left(self) -> float | None:
        """Returns the seconds until the run ends, as far as it is known.

        Not counted is what the hub itself takes to plan, and remotes whose reading has not begun.
        """
        now = self.stage_left()
        if now is None:
            return None
        rest = [self._to_come(side) for side in self._others()]
        return None if None in rest else now + sum(part or 0.0 for part in rest)

    def waits(self) -> dict[str, float]:
        """Returns the remotes that want a pause now, and for how many seconds."""
        found = {}
        for name, side in self._sides.items():
            pace = side.spec.connector.pace()
            if pace is not None and (seconds := pace.until - self._time.monotonic()) > 0:
                found[name] = seconds
        return found

    def _fed(self, side: _Side, forecast: Forecast, weight: float) -> None:
        pace = side.spec.connector.pace()
        forecast.done(weight, self._time.monotonic(), pace)
        if pace is not None and pace.limit is not None and pace.until != side.paused:
            side.paused = pace.until
            self._learnt(side, pace.limit)

    def _learnt(self, side: _Side, new: Limit) -> None:
        """Notes for the next run what the tracker's pauses showed; this one may die at any time."""
        if side.known is None or _apart(new, side.known):
            side.known = Limit(requests=new.requests, window=new.window)
            noted = msgspec.msgpack.encode(_Noted(new.requests, new.window))
            with self._replica.transaction():
                self._replica.store.put("settings", _noted(side.spec), noted)

    # --- what is to come after this stage ---

    def _others(self) -> Iterator[_Side]:
        """Yields the remotes that are written to after this stage."""
        remote, stage = self.stage
        names = list(self._sides)
        after = names if stage == _READ else names[names.index(remote) + 1 :]
        for name in after:
            if self._sides[name].spec.pushes:
                yield self._sides[name]

    def _to_come(self, side: _Side) -> float | None:
        """Returns how long a remote's writes will take that have not begun."""
        unplanned = self._unplanned(side)
        if unplanned is None:
            return None
        requests = side.writing.requests(side.todo + unplanned)
        if not requests:
            return 0.0
        pace = side.spec.connector.pace()
        if pace is None or not pace.taken:
            return None
        each, limit = pace.spent / pace.taken, pace.limit or side.known
        binds = limit is not None and limit.window > _BINDS * limit.requests * each
        if pace.taken < _FEW and not binds:
            return None
        now = self._time.monotonic()
        if limit is not None:  # by then its window is a fresh one
            limit = Limit(requests=limit.requests, window=limit.window, left=limit.requests,
                          ends=now + limit.window)  # fmt: skip
        return seconds_for(requests, each, now, limit)

    def _unplanned(self, side: _Side) -> float | None:
        """Returns the requests for what other remotes tell and this one lacks, while all is read."""
        reading = self._sides[self.stage[0]]
        if self.stage[1] != _READ:
            return 0.0
        if not reading.total or reading.total < _MANY:
            return None
        at, lacks = self._lacks
        if not lacks or abs(reading.read - at) >= _SHARE * reading.total:
            lacks = self._count()
            self._lacks = (reading.read, lacks)
        counts = lacks[side.spec.name]
        tickets = float(counts[TICKET])
        inner = float(counts[COMMENT] + counts[ATTACHMENT])
        if side is not reading and tickets and reading.read:  # the rest will be like what was read
            more = max(0.0, reading.total - self._lacks[0]) / tickets
            tickets, inner = tickets * (1 + more), inner * (1 + more)
        return 2 * tickets + inner + min(tickets, inner)  # each written, each ticket read after it

    def _count(self) -> dict[str, Counter[str]]:
        """Counts per remote what was born in the others and has no copy in it."""
        born: Counter[tuple[bytes, str]] = Counter()
        copies: Counter[tuple[bytes, str]] = Counter()
        for _, data in self._replica.store.scan("items"):
            row = _item.decode(data)
            (born if row.born else copies)[row.tracker, row.kind] += 1
        lacks: dict[str, Counter[str]] = {}
        for name, side in self._sides.items():
            others = [o.spec.tracker for o in self._sides.values() if o is not side]
            lacks[name] = Counter({
                kind: max(0, sum(born[o, kind] for o in others) - copies[side.spec.tracker, kind])
                for kind in (TICKET, COMMENT, ATTACHMENT)
                if (Verb.CREATE.value, kind) in side.spec.connector.capabilities.writes
            })  # fmt: skip
        return lacks


class _Noted(msgspec.Struct, frozen=True, array_like=True):
    requests: float
    window: float

    def limit(self) -> Limit:
        return Limit(requests=self.requests, window=self.window)


def _noted(spec: RemoteSpec) -> tuple[str]:
    return (f"limit:{spec.tracker.hex()}",)


def _apart(one: Limit, other: Limit) -> bool:
    """Tells whether two limits differ by more than a run's own measuring."""
    return (
        abs(one.requests / one.window - other.requests / other.window)
        > _DIFFERS * (other.requests / other.window)
        or abs(one.window - other.window) > _DIFFERS * other.window
    )
