"""Roundup: the contract on the fake, and the traps of its REST service."""

from __future__ import annotations

from contextlib import ExitStack
from types import MappingProxyType

import pytest

from fakes.roundup import KNOBS, app
from prophet_connectors.roundup import Roundup, RoundupSettings, prophet_connector
from prophet_hub.sdk import Context
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Fault, Faulty
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker


class Place(TrackerSandbox):
    """A fake, in-process, whose account lives in New York."""

    required = MappingProxyType({"content": "What happened"})
    examples = MappingProxyType({"nosy": (frozenset({"jesse"}), frozenset({"bob", "jesse"}))})
    clearable = frozenset({"content", "assignedto", "priority"})
    refused = ("status", "nonsense")
    narrow = ("priority=wish", "priority", "wish")
    create_method = "POST|PUT"

    def __init__(self, stack: ExitStack, **settings) -> None:
        tracker = Tracker("roundup", KNOBS)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://roundup.example"))
        self.url = url

        def make(password: str, reachable: bool) -> Roundup:
            given = RoundupSettings(
                url=url if reachable else "http://127.0.0.1:9",
                user="hub",
                password=password,
                **{"overlap": 7, "attachment_limit": 1 << 20, **settings},
            )
            return Roundup(given, Context(remote="roundup", clock=ManualClock()))

        super().__init__(tracker, make, faulty)

    def inject(self, fault: Fault) -> Fault:
        """A create begins with a message that nobody sees: what counts is what is said to issues."""
        if fault.method == self.create_method:
            fault.path = "/data/issue"
        return super().inject(fault)

    def edit(self, ticket, field, value):
        """A person edits a description as a message: the issue does not move."""
        if field == "content":
            self.app.reword(self.app.birth(ticket).id, value or "")
            return
        super().edit(ticket, field, value)

    def edit_comment(self, ticket, comment, body):
        raise Absent("no time in Roundup tells that a message was edited")

    def attach(self, ticket, name, data):
        if not data:
            raise Absent("Roundup takes no empty file")
        return super().attach(ticket, name, data)


@pytest.fixture
def place():
    with ExitStack() as stack:
        box = Place(stack)
        yield box
        box.connector.close()


class TestContract(ConnectorContract):
    """Every check there is."""

    may_skip = MappingProxyType(
        {
            "no time in Roundup tells that a message was edited": "it is seen with the next change",
            "Roundup takes no empty file": "its server fails on one",
            "test_a_pull_that_breaks_off_has_no_last_checkpoint": "a whole pull is one request",
        }
    )

    @pytest.fixture
    def sandbox(self, place):
        return place


def test_the_entry_point_names_it():
    assert prophet_connector() is Roundup
