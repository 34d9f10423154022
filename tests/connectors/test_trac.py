"""Trac: the contract on the fake with both kinds of the plugin, and what is special about it."""

from __future__ import annotations

from contextlib import ExitStack
from types import MappingProxyType

import pytest

from fakes.trac import KNOBS, TracFake
from prophet_connectors.trac import Trac, TracSettings
from prophet_hub.sdk import Context
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker


class Place(TrackerSandbox):
    """A fake, in-process."""

    many = 21
    required = MappingProxyType({"status": "new"})
    examples = MappingProxyType(
        {
            "status": ("assigned", "accepted"),
            "type": ("task", "enhancement"),
            "severity": ("bad", "worse"),
            "component": ("component1", "component2"),
            "version": ("1.0", "2.0"),
            "milestone": ("milestone1", "milestone2"),
        }
    )
    clearable = frozenset({"description", "owner", "milestone", "version"})
    refused = ("priority", "nonsense")
    narrow = ("priority=trivial", "priority", "trivial")

    def __init__(self, stack: ExitStack, *, plugin=(1, 1, 9), **settings) -> None:
        tracker = Tracker("trac", KNOBS)
        self.app = TracFake(tracker, plugin=plugin)
        self.app.custom = {"hubid": "text", "when": "time"}
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://trac.example"))
        self.made: list[Trac] = []
        stack.callback(lambda: [one.close() for one in self.made])

        def make(password: str, reachable: bool) -> Trac:
            given = {"url": url if reachable else "http://127.0.0.1:9", "user": "hub", **settings}
            given["password"] = password
            self.made.append(
                Trac(TracSettings(**given), Context(remote="trac", clock=ManualClock()))
            )
            return self.made[-1]

        super().__init__(tracker, make, faulty)

    def comment(self, ticket, body, *, private=False):
        made = super().comment(ticket, body, private=private)
        return f"{ticket}.{self.app.numbers(self.tracker.items[ticket])[made]}"

    def attach(self, ticket, name, data):
        super().attach(ticket, name, data)
        return f"{ticket}/{name}"


@pytest.fixture
def place():
    with ExitStack() as stack:
        yield Place(stack)


class TestContract(ConnectorContract):
    """Every check there is, with times cut to seconds and actions without inputs."""

    may_skip = MappingProxyType({})

    @pytest.fixture
    def sandbox(self, place):
        return place


class TestContractWithMore(ConnectorContract):
    """The same with plugin 1.2, keys in a field, mail, and the right to delete."""

    may_skip = MappingProxyType({})

    @pytest.fixture
    def sandbox(self):
        with ExitStack() as stack:
            yield Place(stack, plugin=(1, 2, 0), key_field="hubid", deletes=True, notify=True)
