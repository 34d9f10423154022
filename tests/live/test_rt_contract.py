"""The whole contract of the connector for RT, on a real RT 5 in New York."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live.real_rt import RTSandbox, fill
from prophet_hub.testing.contract import ConnectorContract

pytestmark = pytest.mark.live

MORE_THAN_A_PAGE = 105


@pytest.fixture(scope="module")
def full_server(rt_server):
    """More tickets than one page of a listing shows."""
    many = (
        {"Queue": "General", "Subject": f"Ticket {n} of many", "Content": "One of many."}
        for n in range(MORE_THAN_A_PAGE)
    )
    fill(rt_server, many)
    return rt_server


class TestOnARealServer(ConnectorContract):
    """Keys are links of tickets."""

    may_skip = {  # noqa: RUF012 - as the base has it
        "test_an_empty_file_is_a_file": "RT takes none",
        "test_the_hubs_own_clock_does_not_count": "the machine has one clock; RT is asked by number",
    }

    @pytest.fixture
    def sandbox(self, full_server) -> Iterator[RTSandbox]:
        box = RTSandbox(full_server)
        yield box
        box.close()


class TestKeysInAField(ConnectorContract):
    """Where a custom field is configured, it carries the keys of tickets."""

    @pytest.fixture
    def sandbox(self, rt_server) -> Iterator[RTSandbox]:
        box = RTSandbox(rt_server, "HubID")
        yield box
        box.close()


ABOUT_KEYS = {
    "test_a_ticket_is_found_by_its_key",
    "test_a_lost_create_is_found_by_its_key",
    "test_what_was_created_is_read",
    "test_fields_are_those_of_the_table",
}
for _name in set(ConnectorContract.names()) - ABOUT_KEYS:
    setattr(TestKeysInAField, _name, None)
