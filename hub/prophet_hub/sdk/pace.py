"""Time, and how fast to ask: the one file of the sdk that knows a clock.

A token bucket (RFC 2697's idea) spaces the requests of one remote; what a server says about pauses
(Retry-After, RFC 9110 section 10.2.3, and the X-RateLimit family) is read here and nowhere else.
While a server wants a pause nothing is sent to it, by no thread: some ban whoever asks on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from prophet_hub.sdk.limits import FAMILIES, Pace, Watch
from prophet_hub.sdk.times import of_header

__all__ = ["SYSTEM", "Alarm", "Bucket", "Clock", "ManualClock", "SystemClock", "Woken",
           "pause_asked"]  # fmt: skip

_SLICE = 1.0
"""Seconds that a sleeper needs at most to hear the alarm."""

_EPOCH_FROM = 10**9
"""A reset above this is seconds since 1970, below it seconds from now; both are in use."""

_LONGEST = timedelta(days=400)
"""A longer pause than this is a server's mistake, and would overflow dates."""


class Clock(Protocol):
    """What may be asked about time; tests turn their own."""

    def now(self) -> datetime:
        """Returns this instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Returns seconds that never run backward."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Returns this instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Returns seconds since some instant."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


SYSTEM = SystemClock()


class Woken(Exception):
    """A sleeper was woken, for the work ends."""


class Alarm:
    """A clock by which one sleeps until the work ends; then it wakes all, with `Woken`."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._rung = False

    def ring(self) -> None:
        """Wakes who sleeps, and lets nobody sleep any more; safe in a signal's handler."""
        self._rung = True

    def now(self) -> datetime:
        """Returns this instant."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Returns seconds since some instant."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits.

        Raises:
            Woken: The work ends.
        """
        while seconds > 0:
            if self._rung:
                raise Woken
            self._clock.sleep(min(seconds, _SLICE))
            seconds -= _SLICE


class ManualClock:
    """A clock that moves only when somebody sleeps by it; `slept` lists for how long."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._lock = threading.Lock()
        self._start = start
        self._gone = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Returns the start plus all sleeps."""
        return self._start + timedelta(seconds=self._gone)

    def monotonic(self) -> float:
        """Returns the sum of all sleeps."""
        return self._gone

    def sleep(self, seconds: float) -> None:
        """Moves the clock at once."""
        with self._lock:
            self.slept.append(seconds)
            self._gone += seconds


class Bucket:
    """At most `burst` requests at once and `rate` a second after that; None: as fast as can be.

    Threads share it.  `hold` stops all of them until an instant, because a server that limits one
    request limits the account; who waited for a token meanwhile waits on.
    """

    def __init__(self, clock: Clock, rate: float | None = None, burst: int = 1) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled = clock.monotonic()
        self._held = 0.0
        self._lock = threading.Lock()
        self._watch = Watch()

    def take(self) -> None:
        """Waits for the next token, and takes it."""
        with self._lock:
            wait = self._reserve()
        while wait > 0:
            self._clock.sleep(wait)
            wait = self.held

    def hold(self, seconds: float) -> None:
        """Gives out nothing for so long; a shorter hold than the present one changes nothing."""
        with self._lock:
            now = self._clock.monotonic()
            self._held = max(self._held, now + seconds)
            self._watch.paused(now, self._held)

    @property
    def held(self) -> float:
        """The seconds for which nothing is given out, 0 where nothing holds."""
        return max(0.0, self._held - self._clock.monotonic())

    def answered(self, headers: Mapping[str, str], seconds: float, *, taken: bool) -> None:
        """Takes in an answer that took so long: whoever says that nothing is left is not asked on.

        `taken` says whether it was the request's own; one that was put off counts for none.
        """
        now = self._clock.now()
        with self._lock:
            self._watch.answered(seconds, taken=taken)
            resets = _resets(headers, now)
            if resets is None:
                return
            monotonic = self._clock.monotonic()
            self._watch.told(headers, monotonic, monotonic + (resets - now).total_seconds())
        if taken and (until := pause_asked(headers, now)) is not None and until == resets:
            self.hold((until - now).total_seconds())

    def pace(self) -> Pace:
        """Returns what was seen of the tracker up to now."""
        with self._lock:
            return self._watch.pace(self._clock.monotonic())

    def _reserve(self) -> float:
        """Takes a token from now or from the future; returns the seconds until it is there."""
        now = self._clock.monotonic()
        wait = max(0.0, self._held - now)
        if self._rate is not None:
            gained = (now - self._filled) * self._rate
            self._tokens = min(self._burst, self._tokens + gained) - 1
            self._filled = now
            wait = max(wait, -self._tokens / self._rate)
        return wait


def pause_asked(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Returns until when the server asks for a pause, None if it does not say.

    `Retry-After` holds seconds or a date; else `X-RateLimit-Reset` (or `RateLimit-Reset`) counts
    where the remaining number is zero.
    """
    said = headers.get("Retry-After", "").strip()
    if said:
        return _instant(said, headers, now)
    for family in FAMILIES:
        if headers.get(f"{family}Remaining", "").strip() in ("0", "0.0"):
            return _instant(headers.get(f"{family}Reset", "").strip(), headers, now)
    return None


def _resets(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Returns when the window of a limit ends, as the headers of any family say."""
    for family in FAMILIES:
        if said := headers.get(f"{family}Reset", "").strip():
            return _instant(said, headers, now)
    return None


def _instant(said: str, headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Returns the instant, by our clock, that a number of seconds, an epoch or an HTTP date names.

    The server's clock may be another: what it names is counted from its own `Date`, where it tells it.
    """
    try:
        number = float(said)
    except ValueError:
        named = of_header(said)
    else:
        if not 0 <= number < _EPOCH_FROM * 10:
            return None
        if number <= _EPOCH_FROM:
            return now + min(timedelta(seconds=number), _LONGEST)
        named = datetime.fromtimestamp(number, UTC)
    if named is None:
        return None
    there = of_header(headers.get("Date", "")) or now
    return now + min(named - there, _LONGEST)
