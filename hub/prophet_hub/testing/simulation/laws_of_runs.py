"""The laws of what a run may do, and of what hubs show."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prophet_hub.testing.simulation.looking import Sight
    from prophet_hub.testing.simulation.world import World

__all__ = [
    "IDLE",
    "brakes_hold",
    "hubs_show_the_same",
    "poison_stops_only_itself",
    "requests_stay_in_the_budget",
    "the_second_run_is_idle",
]

IDLE = 3
"""Requests of an idle run to one tracker."""


def brakes_hold(world: World, sight: Sight) -> Iterator[str]:
    """No run does more than its brakes let it, unless a person says yes."""
    yield from world.overrun


def the_second_run_is_idle(world: World, sight: Sight) -> Iterator[str]:
    """Where nothing happened nothing is planned."""
    for planned in (planned for hub in world.hubs for planned in hub.planned):
        yield f"it plans to {planned.verb} {planned.ref.kind} {planned.ref.id} in {planned.remote}"


def requests_stay_in_the_budget(world: World, sight: Sight) -> Iterator[str]:
    """A run with nothing to do asks each tracker who it is, and what changed; what waits is looked at."""
    for name, count in world.asked.items():
        waits = sum(len(lines) for (remote, _), lines in sight.waiting.items() if remote == name)
        if count > IDLE + 2 * waits:
            yield f"an idle run sent {count} requests to {name}, where {waits} wait"


def poison_stops_only_itself(world: World, sight: Sight) -> Iterator[str]:
    """No remote fails as a whole where nothing goes wrong but with single tickets."""
    for remote in (one for hub in world.hubs for one in hub.reports[-1].remotes.values()):
        if remote.error:
            yield f"{remote.name}: {remote.error}"


def hubs_show_the_same(world: World, sight: Sight) -> Iterator[str]:
    """Hubs that heard all of one another show the same records and ask the same questions."""
    del sight
    first = world.hubs[0].replica
    for hub in world.hubs[1:]:
        for one, other in zip_longest(first.export(), hub.replica.export()):
            if one != other:
                yield f"{hub.name} shows {other}, and {world.hubs[0].name} {one}"
        if [*map(repr, hub.replica.conflicts())] != [*map(repr, first.conflicts())]:
            yield f"{hub.name} asks other questions than {world.hubs[0].name}"
