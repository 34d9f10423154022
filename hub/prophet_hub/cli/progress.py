"""Work under way, shown: bars on a terminal, a line now and then elsewhere, trouble alone for cron.

rich is imported where a bar is drawn, and nowhere else.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from prophet_hub.cli.failures import sentence
from prophet_hub.cli.tables import counted
from prophet_hub.foreign.steps import Applied, Kept, Outcome, Planned, Pulled
from prophet_hub.jobs.forecast import duration
from prophet_hub.jobs.run import Progress
from prophet_hub.jobs.steps import Exchanged, Failed, LeftOut, Reached, Settled

if TYPE_CHECKING:
    from prophet_hub.cli.desk import Desk
    from prophet_hub.jobs.outlook import Outlook

__all__ = ["Bars", "Lines", "View", "view_for"]

_SECONDS = 10.0  # between two lines of one stage
_LONG = 15.0  # a pause that is worth a line
_TROUBLE = frozenset({Outcome.FAILED, Outcome.REFUSED, Outcome.UNSURE})
_STAGE = {Pulled: "read", Planned: "planned", Applied: "written"}


def view_for(desk: Desk, outlook: Outlook, *, quiet: bool) -> View:
    """Returns the view that fits who looks."""
    if quiet:
        return View(desk)
    return Bars(desk, outlook) if sys.stderr.isatty() else Lines(desk, outlook)


class View:
    """Tells trouble and nothing else; used around each half of a run."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends what is under way; the second time does nothing."""

    def step(self, step: Progress) -> None:
        """Takes in a step of the run."""
        match step:
            case Failed(error=error):
                self.desk.tell(f"prophet-hub: {sentence(error)}")
            case Pulled(outcome=outcome, error=error) if outcome in _TROUBLE:
                self._trouble(step.remote, f"ticket {step.ref.id}", "not read", error)
            case Applied(planned=planned, outcome=outcome, error=error) if outcome in _TROUBLE:
                item = f"{planned.ref.kind} {planned.ref.id}".strip()
                self._trouble(planned.remote, f"{item} ({planned.title})", outcome, error)
            case _:
                pass

    def _trouble(self, remote: str, item: str, what: str, error: Any) -> None:
        why = f": {sentence(error)}" if error is not None else "."
        self.desk.tell(f"prophet-hub: {remote}: {item} {what}{why}")


class Lines(View):
    """A line at the end of each stage, and now and then in a long one."""

    def __init__(self, desk: Desk, outlook: Outlook) -> None:
        super().__init__(desk)
        self.outlook = outlook
        self._stage: tuple[str, str] | None = None
        self._done = self._news = 0
        self._planned: Counter[str] = Counter()
        self._began = self._last = 0.0
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._over.clear()
        threading.Thread(target=self._look, daemon=True, name="pauses").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.close()

    def _look(self) -> None:
        """Looks out for pauses: while the work waits no step comes up that could tell of it."""
        said: dict[str, float] = {}
        while not self._over.wait(1):
            self.waits(said)

    def waits(self, said: dict[str, float]) -> None:
        """Tells of each long pause once; `said` holds for how long each was when last looked at."""
        for remote, seconds in self.outlook.waits().items():
            if seconds > max(_LONG, said.get(remote, 0.0)):
                self.desk.say(f"{remote}: waits {duration(seconds)}, the tracker's limit")
            said[remote] = seconds

    def step(self, step: Progress) -> None:
        """Counts; prints at the end of a stage."""
        super().step(step)
        if isinstance(step, (Reached, LeftOut, Settled, Failed, Exchanged, Kept)):
            self.close()
            if isinstance(step, Exchanged) and (step.pulled or step.pushed):
                number, done = (step.pulled, "read") if step.pulled else (step.pushed, "written")
                self.desk.say(f"{step.remote}: {counted(number, 'changeset')} {done}")
            if isinstance(step, LeftOut):
                self.desk.say(str(step))
            if isinstance(step, Settled) and step.count:
                self.desk.say(f"{counted(step.count, 'conflict')} settled by policy")
            return
        remote = step.planned.remote if isinstance(step, Applied) else step.remote
        self._enter((remote, _STAGE[type(step)]))
        self._done += 1
        total = None
        if isinstance(step, Pulled):
            self._news += step.outcome in (Outcome.READ, Outcome.GONE)
            total = step.total
        elif isinstance(step, Planned):
            self._planned[remote] += 1
        else:
            total = self._planned[remote]
            self._news += step.outcome is Outcome.DONE
        self._moved(total)

    def close(self) -> None:
        """Prints the line of the stage that ends."""
        if self._stage is not None:
            self._summary(*self._stage)
        self._stage, self._done, self._news = None, 0, 0

    def _enter(self, stage: tuple[str, str]) -> None:
        if stage != self._stage:
            self.close()
            self._stage, self._began = stage, time.monotonic()
            self._last = self._began
            self._start()

    def _start(self) -> None:
        """Begins a stage."""

    def _moved(self, total: int | None) -> None:
        """Tells how far it came, now and then."""
        now = time.monotonic()
        if now - self._last >= _SECONDS and self._stage:
            self._last = now
            remote, what = self._stage
            rate = self._done / max(now - self._began, 1e-9)
            of = f" of {total:,}" if total else ""
            speed = f"{rate:.0f}/s" if rate >= 1 else f"{60 * rate:.0f}/min"
            self.desk.say(f"{remote}: {self._done:,}{of} {what}, {speed}{self._left()}")

    def _left(self) -> str:
        """Returns the time left, of the stage and of all that comes after it, as far as known."""
        stage, whole = self.outlook.stage_left(), self.outlook.left()
        if stage is None:
            return ""
        more = whole is not None and duration(whole) != duration(stage)
        return f", about {duration(stage)} left" + (
            f", {duration(whole or 0)} in all" if more else ""
        )

    def _summary(self, remote: str, what: str) -> None:
        if what == "read":
            self.desk.say(f"{remote}: {counted(self._done, 'ticket')} read, {self._news} with news")
        elif what == "written":
            self.desk.say(f"{remote}: {self._news} written")


class Bars(Lines):
    """A bar per stage, with rate and time left, gone when the stage ends."""

    def __init__(self, desk: Desk, outlook: Outlook) -> None:
        super().__init__(desk, outlook)
        self._bar: Any = None
        self._task: Any = None

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - lazy: slow
        from rich.progress import (  # noqa: PLC0415 - lazy: slow
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TextColumn,
        )
        from rich.text import Text  # noqa: PLC0415 - lazy: slow

        class Rate(ProgressColumn):
            def render(self, task: Any) -> Text:
                return Text(f"{task.speed or 0:.0f}/s")

        remote, what = self._stage or ("", "")
        self._bar = Progress(
            TextColumn(f"{remote}: {what}"), BarColumn(), MofNCompleteColumn(), Rate(),
            TextColumn("{task.fields[left]}"), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, left="")
        self._bar.start()

    def _moved(self, total: int | None) -> None:
        self._bar.update(self._task, completed=self._done, total=total)
        now = time.monotonic()
        if now - self._last >= 1:
            self._last = now
            self._bar.update(self._task, left=self._left().removeprefix(", "))

    def waits(self, said: dict[str, float]) -> None:
        """Shows the present pause beside the bar."""
        for remote, seconds in self.outlook.waits().items():
            if self._bar is not None and remote == (self._stage or ("",))[0]:
                self._bar.update(self._task, left=f"waits {duration(seconds)}, the tracker's limit")
            said[remote] = seconds

    def close(self) -> None:
        """Takes the bar away and prints the stage's line."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        super().close()
