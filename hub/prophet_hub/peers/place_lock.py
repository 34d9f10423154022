"""Keeps a second writer out of a place, over any transport that can make a file exclusively.

A lock is a file `.lock-NNNNNNNN` that its holder rewrites while at work.  Nobody's clock is compared
with anybody else's: whoever wants a lock that another one holds watches it, and takes it over when
it did not change for `DEAD_AFTER` of the watcher's own seconds.  Taking over makes the file with the
next number, which one alone succeeds in; the highest number holds.  A holder that was taken for dead
finds this out before it writes again.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from prophet_hub.errors import HubError
from prophet_hub.peers.place import Held

__all__ = ["DEAD_AFTER", "LEFT_OVER", "RENEW", "Lock", "Marks", "locked"]

RENEW: Final = 10.0
"""Seconds of its own clock after which a holder shows again that it lives."""

DEAD_AFTER: Final = 90.0
"""Seconds without change after which a watcher takes a holder for dead: longer than any request of
a living one may take with its repeats."""

LEFT_OVER: Final = ".new-"
"""How the names of files begin that a holder has not finished; the next holder removes them."""

_POLL: Final = 2.0
_NAME: Final = re.compile(r"\.lock-(\d{8})")
_MOST: Final = 4096


class Marks(Protocol):
    """The small files at the top of a place by which writers know of one another."""

    def marks(self) -> list[str]:
        """Returns the names of the hidden files at the top."""

    def mark(self, name: str, limit: int) -> bytes | None:
        """Returns what a mark says, None where there is none."""

    def claim(self, name: str, data: bytes) -> bool:
        """Makes a mark; False where it was there already."""

    def renew(self, name: str, data: bytes) -> None:
        """Writes a mark of one's own anew."""

    def unmark(self, name: str) -> None:
        """Removes a mark; nothing happens where there is none."""

    def badge(self) -> dict[str, str]:
        """Returns what a note says beside its holder, for `lives`."""

    def lives(self, name: str, note: dict[str, Any]) -> bool | None:
        """Tells whether the holder lives where that can be known at once, else None."""


class Lock:
    """One writer's hold on a place.

    Args:
        marks: The place.
        holder: Names the writer to others.
        clock: Gives seconds that only grow.
        sleep: Passes seconds.
        tell: Is told in a sentence why it takes a while.
    """

    def __init__(
        self,
        marks: Marks,
        holder: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self._marks = marks
        self._clock, self._sleep, self._tell = clock, sleep, tell
        self._note: dict[str, Any] = {
            "holder": holder,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": secrets.token_hex(16),
            "beat": 0,
            **marks.badge(),
        }
        self._name = ""
        self._said = b""
        self._shown_at = 0.0

    def take(self) -> None:
        """Takes the lock, and clears away what a dead holder left unfinished.

        Raises:
            Held: Another one writes.
        """
        while not self._tried():
            pass
        for name in self._marks.marks():
            if name.startswith(LEFT_OVER) or (_NAME.fullmatch(name) and name < self._name):
                self._marks.unmark(name)

    def show(self) -> None:
        """Shows others now and then that this holder lives, and sees whether it still holds.

        Raises:
            Held: It was taken for dead, and another one writes.
        """
        if self._clock() - self._shown_at < RENEW:
            return
        if not self._is_mine():
            self._name = ""
            raise self._held(self._highest()[1])
        self._note["beat"] += 1
        self._said = self._written()
        self._marks.renew(self._name, self._said)
        self._shown_at = self._clock()

    def release(self) -> None:
        """Gives the lock back; what cannot be reached is left to die."""
        if self._name:
            with contextlib.suppress(HubError):
                if self._is_mine():
                    self._marks.unmark(self._name)
            self._name = ""

    def _tried(self) -> bool:
        """Takes the lock, or returns False where somebody was quicker."""
        before, said = self._highest()
        if before and not self._watched(before, said):
            return False
        name = f".lock-{int(before[-8:] or 0) + 1:08}" if before else ".lock-00000001"
        mine = self._written()
        if not self._marks.claim(name, mine) and self._marks.mark(name, _MOST) != mine:
            return False  # not even by a request that was repeated after its answer was lost
        self._name, self._said, self._shown_at = name, mine, self._clock()
        if self._is_mine() and (not before or self._marks.mark(before, _MOST) == said):
            return True
        self._marks.unmark(name)
        self._name = ""
        return False

    def _watched(self, name: str, said: bytes) -> bool:
        """Tells True of a dead holder, False of one that let go meanwhile; raises for a living."""
        lives = self._marks.lives(name, _read(said))
        if lives:
            raise self._held(said)
        seconds = 0.0
        while lives is None and seconds < DEAD_AFTER:
            if not seconds:
                self._tell(
                    f"Looks whether {_who(said)} is still at work there; this takes up to "
                    f"{DEAD_AFTER:.0f} seconds."
                )
            self._sleep(_POLL)
            seconds += _POLL
            now = self._marks.mark(name, _MOST)
            if now is None:
                return False
            if now != said:
                raise self._held(now)
        return True

    def _highest(self) -> tuple[str, bytes]:
        names = sorted(name for name in self._marks.marks() if _NAME.fullmatch(name))
        for name in reversed(names):
            said = self._marks.mark(name, _MOST)
            if said is not None:
                return name, said
        return "", b""

    def _is_mine(self) -> bool:
        return self._highest() == (self._name, self._said)

    def _written(self) -> bytes:
        return json.dumps(self._note).encode()

    def _held(self, said: bytes) -> Held:
        return Held(
            f"{_who(said)} is writing there.",
            holder=str(_read(said).get("holder", "")),
            hint="Run again when it is done.",
        )


@contextlib.contextmanager
def locked(lock: Lock, hold: Callable[[Lock | None], None]) -> Iterator[None]:
    """Holds a lock for the block; `hold` is told the lock, then None."""
    lock.take()
    hold(lock)
    try:
        yield
    finally:
        hold(None)
        lock.release()


def _read(said: bytes) -> dict[str, Any]:
    try:
        note = json.loads(said or b"{}")
    except ValueError:
        note = {}
    return note if isinstance(note, dict) else {}


def _who(said: bytes) -> str:
    note = _read(said)
    holder = "".join(c for c in str(note.get("holder", "")) if c.isprintable())[:100]
    since = str(note.get("since", ""))[:25]
    since = since if re.fullmatch(r"[-0-9T:+]+", since) else ""
    return (holder or "Another writer") + (f" (since {since})" if since else "")
