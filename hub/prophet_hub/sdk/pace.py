"""Time, and how fast to ask: the one file of the sdk that knows a clock.

A token bucket (RFC 2697's idea) spaces the requests of one remote; what a server says about pauses
(Retry-After, RFC 9110 section 10.2.3, and the X-RateLimit family) is read here and nowhere else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from prophet_hub.sdk.times import of_header

__all__ = ["SYSTEM", "Bucket", "Clock", "ManualClock", "SystemClock", "pause_asked"]

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
    request limits the account.
    """

    def __init__(self, clock: Clock, rate: float | None = None, burst: int = 1) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._filled = clock.monotonic()
        self._held = 0.0
        self._lock = threading.Lock()

    def take(self) -> None:
        """Waits for the next token, and takes it."""
        with self._lock:
            wait = self._reserve()
        if wait > 0:
            self._clock.sleep(wait)

    def hold(self, seconds: float) -> None:
        """Gives out nothing for so long; a shorter hold than the present one changes nothing."""
        with self._lock:
            self._held = max(self._held, self._clock.monotonic() + seconds)

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
        return _instant(said, now)
    for family in ("X-RateLimit-", "X-Rate-Limit-", "RateLimit-"):
        if headers.get(f"{family}Remaining", "").strip() in ("0", "0.0"):
            return _instant(headers.get(f"{family}Reset", "").strip(), now)
    return None


def _instant(said: str, now: datetime) -> datetime | None:
    """Returns the instant that a number of seconds, an epoch or an HTTP date names."""
    try:
        number = float(said)
    except ValueError:
        return of_header(said)
    if not 0 <= number < _EPOCH_FROM * 10:
        return None
    if number > _EPOCH_FROM:
        return datetime.fromtimestamp(number, UTC)
    return now + min(timedelta(seconds=number), _LONGEST)
