"""Every scenario of the law, on `merge/` in memory and on the engine."""

from __future__ import annotations

import pytest

from merge.healing import HEALING
from merge.hubs import EngineHub, Hub, MemoryHub
from merge.scenarios import SCENARIOS

STORIES = SCENARIOS | HEALING


class Family:
    """Makes hubs and gives them back."""

    def __init__(self, make: type) -> None:
        self._make, self._made = make, []

    def __call__(self, n: int) -> list[Hub]:
        made = [self._make() for _ in range(n)]
        self._made += made
        return made

    def twin(self, hub: Hub) -> Hub:
        """Returns a copy of a hub's database that does not notice that it is one."""
        self._made.append(hub.copy())
        return self._made[-1]

    def close(self) -> None:
        for hub in self._made:
            hub.close()


def play(name: str, make: type) -> None:
    family = Family(make)
    try:
        STORIES[name](family)
    finally:
        family.close()


@pytest.mark.parametrize("make", [MemoryHub, EngineHub])
@pytest.mark.parametrize("name", STORIES)
def test_scenario(name, make):
    """The story holds."""
    play(name, make)
