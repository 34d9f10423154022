"""An exchange under way, shown: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

from prophet_hub.cli.failures import sentence
from prophet_hub.peers.exchange import Fetched, Progress, Refused, Took, Warned, Wrote

if TYPE_CHECKING:
    from prophet_hub.cli.desk import Desk

__all__ = ["Meter"]

_SECONDS: Final = 10.0  # between two lines
_SOON: Final = 0.5  # an exchange that is over by then needs no bar


class Meter:
    """Shows the steps of one exchange; trouble is told even if it is to be quiet."""

    def __init__(self, desk: Desk, peer: str, *, quiet: bool) -> None:
        self._desk, self._peer, self._quiet = desk, peer, quiet
        self._began = self._last = time.monotonic()
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, step: Progress) -> None:
        """Takes in a step."""
        match step:
            case Took(entries=done, total=total):
                self._moved("changesets", done, total)
            case Wrote(entries=done):
                self._moved("changesets", done, 0)
            case Refused(sentence=said) | Warned(sentence=said):
                self._desk.tell(f"prophet-hub: {self._peer}: {said}")
            case Fetched(left=left, error=error):
                if error is not None:
                    self._desk.tell(f"prophet-hub: {self._peer}: {sentence(error)}")
                self._moved("files left", left, 0)
            case _:
                pass

    def _moved(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._quiet or now - self._began < _SOON:
            return
        if sys.stderr.isatty():
            self._draw(what, done, total)
        elif now - self._last >= _SECONDS:
            self._last = now
            of = f" of {total}" if total else ""
            self._desk.say(f"{self._peer}: {done}{of} {what}")

    def _draw(self, what: str, done: int, total: int) -> None:
        from rich.console import Console  # noqa: PLC0415 - lazy: slow
        from rich.progress import (  # noqa: PLC0415 - lazy: slow
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        if self._bar is None:
            self._bar = Progress(
                TextColumn(f"{self._peer}: {{task.description}}"), BarColumn(),
                MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True),
                transient=True,
            )  # fmt: skip
            self._bar.start()
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=None)
        self._bar.update(self._tasks[what], completed=done, total=total or None)
