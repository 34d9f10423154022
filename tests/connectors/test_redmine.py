"""The connector for Redmine on a fake: the contract, and what is Redmine's alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from fakes.redmine import RedmineFake, RedmineTracker
from prophet_connectors.redmine import Redmine, RedmineSettings
from prophet_hub.sdk import Connector, Context, Value
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import within

URL = "http://redmine.example"


class RedmineSandbox(TrackerSandbox):
    """A fake of four tickets a page, on which bob is number 6."""

    person = "6"
    logins = ("7", "6")
    create_method = "POST|PUT"
    required: Mapping[str, Value] = {"project": "demo"}
    examples: Mapping[str, tuple[Value, Value]] = {
        "project": ("demo", "support"),
        "category": ("core", "docs"),
        "fixed_version": ("1.0", "2.0"),
        "done_ratio": ("30", "50"),
    }
    clearable = frozenset(
        {"description", "assigned_to", "due_date", "start_date", "estimated_hours", "category",
         "fixed_version", "done_ratio"}
    )  # fmt: skip
    refused = ("status", "nonsense")
    narrow = ("priority_id=4", "priority", "Urgent")

    def __init__(self, **settings: Any) -> None:
        self.redmine = RedmineTracker()
        self.fake = RedmineFake(self.redmine, most=4)
        self.settings = settings
        self.made: list[Redmine] = []

        def connector(password: str, reachable: bool) -> Connector:
            told = RedmineSettings(
                url=URL if reachable else "http://127.0.0.1:9", api_key=password, **self.settings
            )
            self.made.append(Redmine(told, Context(remote="redmine", clock=ManualClock())))
            return self.made[-1]

        super().__init__(self.redmine, connector, Faulty(self.fake))

    def edit_comment(self, ticket: str, comment: str, body: str) -> None:
        raise Absent("no list of Redmine tells that a note was edited")

    def delete_comment(self, ticket: str, comment: str) -> None:
        raise Absent("no list of Redmine tells that a note was edited")

    def merge(self, ticket: str, into: str) -> None:
        raise Absent("Redmine merges no tickets")

    def close(self) -> None:
        for one in self.made:
            one.close()


@pytest.fixture
def box() -> Iterator[RedmineSandbox]:
    made = RedmineSandbox()
    with within(made.faulty, URL):
        yield made
    made.close()


class TestRedmineOnAFake(ConnectorContract):
    """Keys are the last lines of descriptions."""

    may_skip = {  # noqa: RUF012 - as the base has it
        "no list of Redmine tells that a note was edited": "it is seen with the next change",
        "Redmine merges no tickets": "there is no such thing",
    }

    @pytest.fixture
    def sandbox(self, box: RedmineSandbox) -> RedmineSandbox:
        return box


class TestKeysInAField(ConnectorContract):
    """Where a custom field is configured, it carries the keys of tickets."""

    may_skip = TestRedmineOnAFake.may_skip

    @pytest.fixture
    def sandbox(self, box: RedmineSandbox) -> RedmineSandbox:
        box.settings = {"key_field": "HubID"}
        box.connector = box.connect()
        return box


ABOUT_KEYS = {
    "test_a_ticket_is_found_by_its_key",
    "test_a_lost_create_is_found_by_its_key",
    "test_what_was_created_is_read",
    "test_fields_are_those_of_the_table",
}
for _name in set(ConnectorContract.names()) - ABOUT_KEYS:
    setattr(TestKeysInAField, _name, None)
