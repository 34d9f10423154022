"""One world from its seed to its verdict."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from prophet_hub.testing.simulation.laws import LAWS
from prophet_hub.testing.simulation.looking import Sight
from prophet_hub.testing.simulation.seeding import seeded
from prophet_hub.testing.simulation.setting import Setting, draw_setting
from prophet_hub.testing.simulation.steps import Step, draw_meetings, draw_steps
from prophet_hub.testing.simulation.world import Broken, World

__all__ = ["Plan", "Verdict", "draw", "play"]

_TWO_HUBS = 1 / 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A world before it is played: all that its seed says of it."""

    seed: int
    setting: Setting
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a world.

    Attributes:
        law: The one that was broken, "" if none was; `what` says how.
        story: What happened, a line each.
        happened: How often each thing really happened.
        excused: What no hub can help, by cause.
        state: All trackers as they are in the end, as one text.
    """

    law: str = ""
    what: str = ""
    story: tuple[str, ...] = ()
    happened: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    state: str = ""


def draw(seed: int) -> Plan:
    """Draws the world of a seed."""
    drawn = random.Random(seed)
    setting = draw_setting(drawn)
    steps = draw_steps(drawn, setting, drawn.randint(4, 40))
    if drawn.random() < _TWO_HUBS:  # drawn last: all other worlds stand as without it
        setting = replace(setting, hubs=2)
        steps = draw_meetings(drawn, setting, steps)
    return Plan(seed=seed, setting=setting, steps=steps)


def play(plan: Plan, folder: Path) -> Verdict:
    """Plays a world; the second time everything is the same.

    Args:
        plan: What happens.
        folder: Where lock files may lie while it is played.
    """
    with seeded(plan.seed):
        world = World(plan.setting, folder)
        try:
            for step in plan.steps:
                world.play(step)
                if step.kind == "quiet":
                    judge(world)
            judge(world)
        except Broken as broken:
            return _verdict(world, broken.law, broken.what)
        except Exception as error:  # noqa: BLE001 - every way to break is a broken law
            return _verdict(world, "a run ends in words", f"{type(error).__name__}: {error}")
        finally:
            world.close()
    return _verdict(world)


def judge(world: World) -> None:
    """Lets the world come to rest and looks at every law.

    Raises:
        Broken: One of them does not hold.
    """
    world.rest()
    sight = Sight(world)
    for name, law in LAWS.items():
        for what in law(world, sight):
            raise Broken(name, what)
    world.twin.choices.clear()


def _verdict(world: World, law: str = "", what: str = "") -> Verdict:
    shown: Sequence[str] = [
        repr((name, ref, item.fields, item.comments, item.attachments, item.gone))
        for name, tracker in world.trackers.items()
        for ref, item in tracker.items.items()
    ]
    world.happened["worlds"] += 1
    return Verdict(
        law=law, what=what, story=tuple(world.story), happened=world.happened,
        excused=world.excused, state="\n".join(shown),
    )  # fmt: skip
