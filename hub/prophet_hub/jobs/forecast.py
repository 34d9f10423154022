"""How long it still takes: of one stage of a remote, and of the whole run as far as it is known.

Trackers work in bursts: so many requests, then a pause until the window of their limit ends.  The
rate of a moment says nothing there.  What is left is therefore counted in requests, as many per item
as were seen, and these are laid into the windows of the limit.  Pure: the run brings time and counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from prophet_hub.sdk.limits import Limit, Pace

__all__ = ["Forecast", "duration", "seconds_for"]

_ENOUGH: Final = 20
"""Items before whose end nothing is said."""

_SOON: Final = 60.0
"""Seconds in which most limits show themselves; before that, what seems free is only unknown."""

_RECENT: Final = 500
"""About so many items back the pace is taken from: a tracker that slows down is noticed."""

_WINDOWS: Final = 10
"""So many windows make the place in the present one, where it is not known, a tenth or less."""


def seconds_for(requests: float, each: float, now: float, limit: Limit | None) -> float | None:
    """Returns how long so many requests take; None while nothing can be said honestly.

    Args:
        requests: What is to be sent.
        each: Seconds per request while nothing holds.
        now: By the limit's clock.
        limit: The tracker's, None where it has none as far as known.
    """
    if limit is None or limit.requests <= 0:
        return requests * each
    window = max(limit.window, limit.requests * each)
    if limit.left is None or limit.ends is None:
        seconds = requests * max(each, limit.window / limit.requests)
        return seconds if seconds >= _WINDOWS * window else None
    left = limit.left if now < limit.ends else limit.requests
    if requests <= left:
        return requests * each
    ends = limit.ends - now if now < limit.ends else limit.window
    rest = requests - left
    whole = max(0.0, -(-rest // limit.requests) - 1)
    return max(ends, left * each) + whole * window + (rest - whole * limit.requests) * each


@dataclass(slots=True)
class _Mean:
    """So much per item, what was long ago counting ever less."""

    items: float = 0.0
    total: float = 0.0

    def add(self, amount: float, items: float) -> None:
        fade = (1 - 1 / _RECENT) ** items
        self.items = self.items * fade + items
        self.total = self.total * fade + amount

    @property
    def value(self) -> float:
        return self.total / self.items if self.items else 0.0


@dataclass(slots=True)
class Forecast:
    """One stage of one remote: fed with what is done, asked now and then.

    What is done is weighed by what it is thought to cost in requests; what it did cost corrects that.
    Without requests (a tracker that is a file) a weight of one counts as a request.

    Attributes:
        known: The limit that an earlier run saw, for as long as this one saw none.
    """

    known: Limit | None = None
    _cost: _Mean = field(default_factory=_Mean)
    _each: _Mean = field(default_factory=_Mean)
    _pace: Pace | None = None
    _began: float | None = None
    _now: float = 0.0
    _done: float = 0.0

    def begin(self, now: float, pace: Pace | None) -> None:
        """Starts, or starts again after something else: the time until now counts for nothing."""
        self._now, self._pace = now, pace
        self._began = now if self._began is None else self._began

    def done(self, weight: float, now: float, pace: Pace | None) -> None:
        """Takes in what was done since the last time."""
        if self._began is None:
            self.begin(now, pace)
        taken, waited = weight, 0.0
        if pace is not None and pace.taken:
            taken = pace.taken - (self._pace.taken if self._pace else 0)
            waited = pace.waited - (self._pace.waited if self._pace else 0.0)
        self._cost.add(taken, weight)
        self._each.add(max(0.0, now - self._now - waited), taken)
        self._now, self._pace = now, pace
        self._done += weight

    def requests(self, weight: float) -> float:
        """Returns what so much will cost, in requests."""
        return weight * (self._cost.value if self._done >= _ENOUGH else 1.0)

    def left(self, weight: float) -> float | None:
        """Returns the seconds for so much, None while nothing can be said honestly."""
        if self._done < _ENOUGH:
            return None
        limit = self._pace.limit if self._pace else None
        if self._pace and self._pace.guessed:  # it paused us once: nobody knows how often it will
            if self.known is None:
                return None
            limit = self.known
        limit = limit or self.known
        if limit is None and self._pace and self._now - (self._began or 0.0) < _SOON:
            return None
        return seconds_for(self.requests(weight), self._each.value, self._now, limit)


_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_EXACT: Final = 10
"""From so many of a unit on the next smaller one is left out: a tenth, rounded, is a twentieth."""


def duration(seconds: float) -> str:
    """Returns seconds as people say them, off by a twentieth at most: `40 s`, `2 min 30 s`, `3 h`."""
    number = max(0, round(seconds))
    for (size, name), (small, less) in pairwise(_UNITS):
        if number >= _EXACT * size:
            return f"{round(number / size):,} {name}"
        if number >= size:
            step = size // 12  # 5 s, 5 min, 2 h
            whole, rest = divmod(round(number / step) * step, size)
            return f"{whole} {name}" + (f" {rest // small} {less}" if rest else "")
    return f"{number} s"
