"""How much a tracker lets us ask: as its headers tell, or as its pauses show.

Trackers count requests per window (GitHub an hour, GitLab a minute) or let them drip (a token
bucket).  A mean over half a window lies, so the pace is taken from whole periods: from the end of one
pause to the end of the next.  Pure: whoever asks brings the time.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

__all__ = ["FAMILIES", "Limit", "Pace", "Watch"]

FAMILIES: Final = ("X-RateLimit-", "X-Rate-Limit-", "RateLimit-")
"""What the headers of a limit begin with, in the wild and in the IETF's draft."""

WINDOWS: Final = (1, 10, 60, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)
"""Seconds that limits are told for; until two windows were seen, the next longer one is taken."""

_PERIODS: Final = 16
_SLACK: Final = 1.5  # seconds by which whole seconds in headers, and two clocks, may be off
_NUMBER: Final = re.compile(r"\s*(\d{1,9})")
_WINDOW: Final = re.compile(r"\bw=(\d{1,7})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many requests in so many seconds.

    Attributes:
        requests: In one window, by us: others may use up a part of it.
        window: In seconds.
        left: What the present window still has, None where that is not known.
        ends: When the present window ends, by the clock of whoever asks; None as above.
    """

    requests: float
    window: float
    left: float | None = None
    ends: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What was seen of one tracker up to now.

    Attributes:
        taken: Requests that it took; one that it put off is none.
        spent: Seconds that its answers took, all threads together.
        waited: Seconds in which nothing might be sent.
        until: When the present pause ends, 0 where there was none.
        limit: As far as known.
        guessed: It paused us, and nobody can say yet how often it will.
    """

    taken: int = 0
    spent: float = 0.0
    waited: float = 0.0
    until: float = 0.0
    limit: Limit | None = None
    guessed: bool = False


class Watch:
    """Learns a tracker's limit from requests, headers and pauses; one thread at a time."""

    def __init__(self) -> None:
        self._taken = 0
        self._spent = self._waited = self._until = 0.0
        self._opened: float | None = None  # when the last pause ended, as it will
        self._before = 0  # requests taken until then
        self._periods: deque[tuple[int, float]] = deque(maxlen=_PERIODS)
        self._told: Limit | None = None
        self._sure = False  # the window is told, or two of them were seen

    def answered(self, seconds: float, *, taken: bool) -> None:
        """Counts an answer that took so long."""
        self._taken += taken
        self._spent += seconds

    def paused(self, now: float, until: float) -> None:
        """Notes that nothing may be sent before an instant; an earlier one changes nothing."""
        if until <= max(now, self._until):
            return
        if now >= self._until:  # not the same pause, made longer
            if self._opened is not None and self._taken > self._before:
                self._periods.append((self._taken - self._before, until - self._opened))
            self._before = self._taken
        self._waited += until - max(now, self._until)
        self._opened = self._until = until

    def told(self, headers: Mapping[str, str], now: float, resets: float | None) -> None:
        """Takes in what an answer says of the limit; `resets` is when its window ends."""
        for family in FAMILIES:
            said = headers.get(f"{family}Limit", "")
            number, left = _NUMBER.match(said), _NUMBER.match(headers.get(f"{family}Remaining", ""))
            if number and left and resets is not None and resets >= now - _SLACK and int(number[1]):
                window = _WINDOW.search(said) or _WINDOW.search(headers.get(f"{family}Policy", ""))
                self._window(
                    Limit(
                        requests=int(number[1]),
                        window=int(window[1]) if window else 0.0,
                        left=int(left[1]),
                        ends=resets,
                    ),
                    now,
                )
                return

    def pace(self, now: float) -> Pace:
        """Returns what is known now."""
        seen = self._seen()
        limit = self._told or seen
        if self._told and seen:  # the account may not be ours alone
            limit = replace(self._told, requests=min(self._told.requests, seen.requests))
        return Pace(
            taken=self._taken,
            spent=self._spent,
            waited=self._waited - max(0.0, self._until - now),
            until=self._until,
            limit=limit,
            guessed=limit is None and self._opened is not None,
        )

    def _seen(self) -> Limit | None:
        """Returns what the pauses show: nothing before a whole period."""
        if not self._periods or self._opened is None:
            return None
        window = median(seconds for _, seconds in self._periods)
        whole = [period for period in self._periods if period[1] <= 2 * window]  # none with a rest
        seconds = sum(period[1] for period in whole) / len(whole)
        requests = sum(period[0] for period in whole) / len(whole)
        used = self._taken - self._before
        return Limit(
            requests=requests,
            window=seconds,
            left=max(0.0, requests - used),
            ends=self._opened + seconds,
        )

    def _window(self, new: Limit, now: float) -> None:
        """Takes over what a header says, and how long its windows are, as far as that is known."""
        old = self._told
        if new.window:
            self._sure = True
        elif old is not None and old.ends is not None and new.ends is not None:
            moved = new.ends - old.ends
            if moved > _SLACK and now >= old.ends - _SLACK:
                known = moved / round(moved / old.window) if moved > 1.5 * old.window else moved
                self._sure, new = True, replace(new, window=known)
            else:
                new = replace(new, window=old.window)
        if not new.window or not self._sure:
            ahead = (new.ends or now) - now
            guess = next((w for w in WINDOWS if w >= ahead - _SLACK), ahead)
            new = replace(new, window=float(max(guess, new.window)))
        self._told = new
