"""What happens in a world, as data: drawn first, played afterwards, left out one by one to shrink.

A step names the ticket that it is about by the step that made it, and never by what the world looks
like: without some of its steps a world still means the same by the others.  What cannot be done any
more when its turn comes is passed over.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from prophet_hub.testing.simulation.setting import PEOPLE, Setting

__all__ = ["Step", "draw_meetings", "draw_steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens.

    Attributes:
        kind: What; a key of `KINDS`, or of what two hubs do (`draw_meetings`).
        at: The tracker at which it happens; of a sync the hub that runs.
        ticket: The number of the step that made the ticket that it is about.
        number: Its own number in the world that was drawn; tokens are made of it.
        pick: Whatever else has to be chosen, as a number below a million.
        who: A login.
        kill: The boundary of a sync at which the hub dies, None for none.
        races: (boundary, what happens there) of a sync.
        twice: The boundary at which the same job is started once more.
    """

    kind: str
    number: int
    at: str = ""
    ticket: int = 0
    pick: int = 0
    who: str = ""
    kill: int | None = None
    races: tuple[tuple[int, Step], ...] = ()
    twice: int | None = None


KINDS: Mapping[str, float] = {
    "create": 4,
    "write": 18,
    "clash": 5,
    "status": 8,
    "owner": 2,
    "label": 4,
    "link": 1.5,
    "comment": 7,
    "edit comment": 4,
    "attach": 3,
    "delete": 1.2,
    "restore": 0.8,
    "merge": 0.7,
    "poison": 0.4,
    "write in the hub": 2,
    "answer": 2.5,
    "move": 1.5,
    "back": 1.5,
    "hide": 1.2,
    "show": 1.5,
    "wait": 3,
    "sync": 22,
    "fault": 5,
    "lock out": 0.7,
    "quiet": 3,
}
"""How often each kind is drawn, against the others."""

_STRANGERS = ("write", "status", "label", "comment", "create", "edit comment", "attach", "delete")
_FAR = 40  # boundaries of a sync that are drawn; a short sync has fewer


def draw_steps(drawn: random.Random, setting: Setting, count: int) -> tuple[Step, ...]:
    """Draws so many steps; the first makes a ticket."""
    names = [remote.name for remote in setting.remotes]
    calm = drawn.random() < 0.15
    made: list[int] = []
    steps = []
    for number in range(1, count + 1):
        kind = "create" if not made else drawn.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        if calm and kind in {"fault", "lock out"}:
            kind = "sync"
        if kind == "create":
            made.append(number)
        step = _step(drawn, kind, number, names, made)
        if kind == "sync" and not calm:
            step = _sync(drawn, step, number, names, made)
        steps.append(step)
    return tuple(steps)


def draw_meetings(
    drawn: random.Random, setting: Setting, steps: tuple[Step, ...]
) -> tuple[Step, ...]:
    """Puts among the steps what two hubs do with one another."""
    names, found = [remote.name for remote in setting.remotes], list(steps)
    first = len(steps) + 1
    last = first + drawn.randint(4, 4 + len(steps) // 2)
    for number in range(first, last):
        kind = drawn.choice(("exchange", "exchange", "exchange", "pass claim"))
        one = _step(drawn, kind, number, names, [1])
        found.insert(drawn.randint(1, len(found)), one)
    if drawn.random() < 0.4:
        saved = _step(drawn, "back up", last, names, [1])
        at = drawn.randint(1, len(found))
        found.insert(drawn.randint(at, len(found)), replace(saved, kind="put back"))
        found.insert(at, saved)
    return tuple(found)


def _step(drawn: random.Random, kind: str, number: int, names: list[str], made: list[int]) -> Step:
    return Step(
        kind=kind,
        number=number,
        at=drawn.choice(names),
        ticket=number if kind == "create" else _one_of(drawn, made),
        pick=drawn.randrange(1_000_000),
        who=drawn.choice(PEOPLE),
    )


def _one_of(drawn: random.Random, made: list[int]) -> int:
    """Draws a ticket, rather the youngest: where all work at one, they meet."""
    return made[-1] if drawn.random() < 0.5 else drawn.choice(made)


def _sync(drawn: random.Random, step: Step, number: int, names: list[str], made: list[int]) -> Step:
    kill = twice = None
    races: list[tuple[int, Step]] = []
    if drawn.random() < 0.35:
        kill = drawn.randrange(_FAR)
    if drawn.random() < 0.08:
        twice = drawn.randrange(_FAR // 4)
    if drawn.random() < 0.3:
        for n in range(1, drawn.randint(2, 4)):
            kind = drawn.choice(_STRANGERS)
            own = number * 1000 + n
            races.append((drawn.randrange(_FAR), _step(drawn, kind, own, names, made or [own])))
    return Step(
        kind=step.kind, number=step.number, at=step.at, pick=step.pick, who=step.who,
        kill=kill, twice=twice, races=tuple(races),
    )  # fmt: skip
