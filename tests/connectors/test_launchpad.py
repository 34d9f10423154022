"""Launchpad: the contract on the fake, and what is special about it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType

import pytest

from fakes.launchpad import KNOBS, app
from prophet_connectors.launchpad import Launchpad, LaunchpadSettings
from prophet_hub.sdk import Context, History
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker


class Place(TrackerSandbox):
    """A fake, in-process."""

    many = 120
    examples = MappingProxyType(
        {
            "milestone": ("1.0", "2.0"),
            "information_type": ("Public Security", "Public"),
        }
    )
    clearable = frozenset({"assignee", "milestone", "importance"})
    refused = ("status", "No Such Status")
    narrow = ("tags=wanted", "tags", frozenset({"wanted"}))

    def __init__(self, stack: ExitStack, kind: type[Launchpad] = Launchpad, **settings) -> None:
        tracker = Tracker("launchpad", KNOBS)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://api.launchpad.test"))

        def make(password: str, reachable: bool) -> Launchpad:
            given = {
                "url": url if reachable else "http://127.0.0.1:9",
                "target": "firefox",
                "token": "token",
                "token_secret": password,
                "attachment_limit": 1 << 20,
                **settings,
            }
            return kind(LaunchpadSettings(**given), Context(remote="lp", clock=ManualClock()))

        super().__init__(tracker, make, faulty)

    def edit(self, ticket, field, value):
        """Through the tracker's own door, where there is one."""
        if field in ("owner", "target", "tasks", "watch", "nickname"):
            raise Absent(f"nobody edits {field}")
        super().edit(ticket, field, value)

    def comment(self, ticket, body, *, private=False):
        """Messages are called by their position."""
        name = super().comment(ticket, body, private=private)
        return self.app.position(ticket, name)


class Trusting(Launchpad):
    """Promises a full history: on a server that only has today's rows, and no renamed thing, it is."""

    capabilities = replace(Launchpad.capabilities, history=History.FULL)


def placed(kind: type[Launchpad] = Launchpad):
    @pytest.fixture
    def sandbox(self):
        with ExitStack() as stack:
            box = Place(stack, kind)
            yield box
            box.connector.close()

    return sandbox


class TestContract(ConnectorContract):
    """Every check there is."""

    may_skip = MappingProxyType({})
    sandbox = placed()


class TestStory(ConnectorContract):
    """The same with a full history: what the fake tells explains all that is mapped."""

    may_skip = MappingProxyType({})
    sandbox = placed(Trusting)
