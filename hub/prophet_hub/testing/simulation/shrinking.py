"""The shortest world that still breaks the same law: steps left out, then traits, then trackers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from prophet_hub.testing.simulation.playing import Plan, Verdict, play
from prophet_hub.testing.simulation.setting import Remote, Setting

__all__ = ["shrink"]


def shrink(plan: Plan, law: str, folder: Path, *, tries: int = 600) -> tuple[Plan, Verdict]:
    """Returns a world that breaks the law with as little as was found, and what became of it.

    Args:
        plan: A world that breaks it.
        law: Its name, as the verdict has it.
        folder: For lock files.
        tries: How many worlds may be played.
    """
    best = plan, play(plan, folder)
    smaller = True
    while smaller and tries > 0:
        smaller = False
        for candidate in _smaller(best[0]):
            tries -= 1
            if tries < 0:
                break
            verdict = play(candidate, folder)
            if verdict.law == law:
                best, smaller = (candidate, verdict), True
                break
    return best


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Yields worlds with less in them, those with much less first."""
    count = len(plan.steps)
    size = count // 2
    while size:
        for start in range(count - size, -1, -size):
            yield replace(plan, steps=plan.steps[:start] + plan.steps[start + size :])
        size //= 2
    for n, step in enumerate(plan.steps):
        for less in (
            replace(step, kill=None),
            replace(step, twice=None),
            *(
                replace(step, races=tuple(one for one in step.races if one is not race))
                for race in step.races
            ),
        ):
            if less != step:
                yield replace(plan, steps=(*plan.steps[:n], less, *plan.steps[n + 1 :]))
    for setting in _simpler(plan.setting):
        yield replace(plan, setting=setting)


def _simpler(setting: Setting) -> Iterator[Setting]:
    remotes = setting.remotes
    for n, remote in enumerate(remotes):
        for less in _plainer(remote):
            if less != remote:
                yield replace(setting, remotes=(*remotes[:n], less, *remotes[n + 1 :]))
    plain = Setting(remotes=remotes)
    for name in ("policy", "brakes", "batch", "hubs", "off"):
        less_said = replace(setting, **{name: getattr(plain, name)})
        if less_said != setting:
            yield less_said


def _plainer(remote: Remote) -> Iterator[Remote]:
    for trait in remote.traits:
        yield replace(remote, traits=tuple(one for one in remote.traits if one != trait))
    plain = Remote(name=remote.name)
    for name in ("direction", "audience", "query", "creates", "deletes", "skew", "words", "without",
                 "automation"):  # fmt: skip
        yield replace(remote, **{name: getattr(plain, name)})
