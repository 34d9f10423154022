"""Jobs over trackers in this process."""

from __future__ import annotations

import pytest

from jobs import memory
from prophet_hub.testing.tracker import Tracker


@pytest.fixture
def trackers(tmp_path):
    """Two trackers, `a` and `b`, and the connector that finds them."""
    folder = tmp_path / "site"
    folder.mkdir()
    with memory.registered(folder):
        memory.TRACKERS.update(a=Tracker("a"), b=Tracker("b"))
        yield memory.TRACKERS
