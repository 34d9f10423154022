"""The whole contract of the connector for Trac, on a real Trac 1.6 in New York."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live.real import Server, running
from live.real_trac import TracSandbox
from prophet_hub.testing.contract import ConnectorContract

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("trac", tmp_path_factory.mktemp("trac") / "home") as made:
        yield made


class TestOnARealServer(ConnectorContract):
    """Keys are lines of the description; the account is an ordinary one."""

    may_skip = {  # noqa: RUF012 - as the base has it
        "test_a_merged_ticket_is_not_deleted": "Trac merges none",
        "test_the_hubs_own_clock_does_not_count": "the machine has one clock",
        "test_an_index_that_lags_loses_nothing": "there is no index",
        "test_nobody_is_notified": "mail is switched off",
    }

    @pytest.fixture
    def sandbox(self, server: Server) -> Iterator[TracSandbox]:
        box = TracSandbox(server)
        yield box
        box.close()


class TestKeysInAField(ConnectorContract):
    """Where a custom field is configured, it carries the keys of tickets; an account may delete."""

    @pytest.fixture
    def sandbox(self, server: Server) -> Iterator[TracSandbox]:
        box = TracSandbox(server, user="bob", key_field="hubid", deletes=True)
        yield box
        box.close()


ABOUT = {
    "test_a_ticket_is_found_by_its_key",
    "test_a_lost_create_is_found_by_its_key",
    "test_what_was_created_is_read",
    "test_fields_are_those_of_the_table",
    "test_a_ticket_is_deleted",
    "test_a_delete_of_an_old_version_is_stale",
}
for _name in set(ConnectorContract.names()) - ABOUT:
    setattr(TestKeysInAField, _name, None)
