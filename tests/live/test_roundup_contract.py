"""The whole contract of the connector for Roundup, on a real Roundup 2.6 in New York."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live.real import Server
from live.real_roundup import RoundupSandbox, running
from prophet_hub.testing.contract import ConnectorContract

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("roundup") / "home") as made:
        yield made


class TestOnARealServer(ConnectorContract):
    """Keys are Message-IDs."""

    may_skip = {  # noqa: RUF012 - as the base has it
        "test_a_merged_ticket_is_not_deleted": "Roundup merges none",
        "no time in Roundup tells that a message was edited": "it is seen with the next change",
        "Roundup takes no empty file": "its server fails on one",
        "test_the_hubs_own_clock_does_not_count": "the machine has one clock",
        "test_a_pull_that_breaks_off_has_no_last_checkpoint": "a whole pull is one request",
    }

    @pytest.fixture
    def sandbox(self, server: Server) -> Iterator[RoundupSandbox]:
        box = RoundupSandbox(server)
        yield box
        box.close()
