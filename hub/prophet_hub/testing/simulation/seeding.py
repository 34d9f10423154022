"""One seed makes everything: what the hub draws at random is drawn from the world's own seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from prophet_hub import plugins
from prophet_hub.model import ids
from prophet_hub.testing.memory import MemoryConnector

__all__ = ["seeded"]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Lets every name that is made inside the block follow from the seed, and every remote's
    connector be one to a tracker in memory, which no package installs.

    `model.ids.fresh` is the only door by which chance comes into a replica, and it asks one
    function of the system for it.  Blocks do not nest across threads: a process plays one world.
    """
    drawn = random.Random(f"names {seed}")
    with (
        patch.object(ids, "os", SimpleNamespace(urandom=drawn.randbytes)),
        patch.object(plugins, "connector", lambda _name: MemoryConnector),
    ):
        yield
