"""The whole contract of the connector for Redmine, on a real Redmine 5 in New York."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live.real_redmine import RedmineSandbox, Server, running
from prophet_hub.testing.contract import ConnectorContract

pytestmark = pytest.mark.live

ONE_CLOCK = "the machine has one clock"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("redmine")) as made:
        yield made


class TestOnARealServer(ConnectorContract):
    """Keys are the last lines of descriptions."""

    may_skip = {  # noqa: RUF012 - as the base has it
        "this sandbox cannot merge tickets": "Redmine merges none",
        "test_the_hubs_own_clock_does_not_count": ONE_CLOCK,
        "no list of Redmine tells that a note was edited": "it is seen with the next change",
    }

    @pytest.fixture
    def sandbox(self, server: Server) -> Iterator[RedmineSandbox]:
        box = RedmineSandbox(server.url)
        yield box
        box.close()
