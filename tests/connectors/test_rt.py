"""The connector for RT on a fake: the contract, and what is RT's alone."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from fakes.rt import RTFake, RTTracker

from prophet_connectors._rt_story import DATES, wire_date
from prophet_connectors.rt import RT, RTSettings
from prophet_hub.sdk import Connector, Context, Value
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import within

URL = "http://rt.example"
NEW_YORK = ZoneInfo("America/New_York")
PERSON_OF = {"Requestor": "Requestor", "Requestors": "Requestor"}


class RTSandbox(TrackerSandbox):
    """A fake of four tickets a page in New York."""

    required = {"Queue": "General"}
    examples = {"Queue": ("General", "Support")}
    clearable = frozenset({"Owner", "Due", "Starts", "TimeEstimated", "Requestor"})
    refused = ("Status", "nonsense")
    narrow = ("Priority = '75'", "Priority", "75")

    def __init__(self, url: str = URL, **words: object) -> None:
        self.rt = RTTracker(**words)
        faulty = Faulty(RTFake(self.rt, most=4))

        def connector(password: str, reachable: bool) -> Connector:
            settings = RTSettings(
                url=url if reachable else "http://127.0.0.1:9",
                user="hub",
                password=password,
                key_field=self.rt.key_field,
                time_zone="America/New_York",
            )
            return RT(settings, Context(remote="rt-main", clock=ManualClock()))

        super().__init__(self.rt, connector, faulty)

    def inward(self, field: str, value: Value | None) -> tuple[str, Value | None]:
        if field in DATES and value is not None:
            return field, wire_date(str(value), NEW_YORK)
        if field in PERSON_OF:
            members = value if isinstance(value, frozenset) else frozenset({value} - {None})
            return PERSON_OF[field], members
        return field, value

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        if field == "Content":
            raise Absent("nobody edits the first message of a ticket")
        super().edit(ticket, field, value)


class TestRTOnAFake(ConnectorContract):
    @pytest.fixture
    def sandbox(self) -> Iterator[RTSandbox]:
        box = RTSandbox()
        with within(box.faulty, URL):
            yield box
        box.connector.close()
