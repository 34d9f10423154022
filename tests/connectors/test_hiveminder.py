"""Hiveminder: the contract on the fake, the traps of its sheet, and the fake against the sheet."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fakes.hiveminder import KNOBS, app
from prophet_connectors.hiveminder import Hiveminder, HiveminderSettings
from prophet_hub.sdk import (
    Context,
    Person,
)
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

FIXTURES = Path(__file__).parents[2] / "fixtures/hiveminder"
NEW_YORK = ZoneInfo("America/New_York")
KEY = "4be0643f-1d98-573b-97cd-ca98a65347dd"


def users(tracker: Tracker) -> None:
    """Gives the tracker people who go by their numbers."""
    for number, name in (("31", "Ada"), ("32", "Bea")):
        tracker.users[number] = Person(id=number, name=name, email=f"{name.lower()}@example.org")


class Place(TrackerSandbox):
    """A fake, in-process."""

    person = "31"
    logins = ("31", "32")
    many = 60
    examples = {
        "complete": ("1", "0"),
        "priority": ("5", "1"),
        "will_complete": ("0", "1"),
        "group_id": ("7", "8"),
        "accepted": ("1", "0"),
    }
    clearable = frozenset({"description", "due", "starts", "owner_id"})
    refused = ("priority", "9")
    narrow = ("tag wanted", "tags", frozenset({"wanted"}))
    required = {}

    def __init__(self, stack: ExitStack, **settings) -> None:
        tracker = Tracker("hive", KNOBS)
        users(tracker)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://hive.example"))
        self.stack = stack

        def make(password: str, reachable: bool) -> Hiveminder:
            given = {
                "url": url if reachable else "http://127.0.0.1:9",
                "email": "hub@example.org",
                "password": password,
                "attachment_limit": 1 << 20,
                **settings,
            }
            return Hiveminder(
                HiveminderSettings(**given), Context(remote="hive", clock=ManualClock())
            )

        super().__init__(tracker, make, faulty)

    def inward(self, field, value):
        if field in ("time_estimate", "time_worked", "time_left") and value is not None:
            return field, f"{value}m"
        return field, value


SKIPS = {}


class TestContract(ConnectorContract):
    """Every check there is, on a fake that tells New York's time."""

    @pytest.fixture
    def sandbox(self):
        with ExitStack() as stack:
            place = Place(stack)
            yield place
            place.connector.close()
