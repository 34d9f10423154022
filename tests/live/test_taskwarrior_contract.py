"""The whole contract of the connector for Taskwarrior, on the command as Debian has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from live.real import running
from live.real_taskwarrior import SKIPS, Tasks
from prophet_hub.testing.contract import ConnectorContract

pytestmark = pytest.mark.live


class TestOnTheRealCommand(ConnectorContract):
    """A folder of its own for each check."""

    may_skip = SKIPS

    @pytest.fixture
    def sandbox(self, tmp_path: Path):
        with running("taskwarrior", tmp_path / "home") as server:
            yield Tasks(server.home / "data")
