"""The connector for Bugzilla on a fake of two dialects: the contract, and what is Bugzilla's alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest

from fakes.bugzilla import KNOBS, NOBODY, REQUIRED, BugzillaFake, BugzillaTracker
from prophet_connectors.bugzilla import Bugzilla, BugzillaSettings
from prophet_hub.sdk import Connector, Context, Value
from prophet_hub.sdk.closing import parted
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import within

URL = "http://bugzilla.example"
HOURS = ("estimated_time", "remaining_time")
MAY_SKIP = MappingProxyType({
    "this sandbox cannot merge tickets": "Bugzilla merges nothing",
    "Bugzilla takes no empty file": "it refuses them",
})  # fmt: skip


class BugzillaSandbox(TrackerSandbox):
    """A fake of four bugs a page."""

    required: Mapping[str, Value] = REQUIRED
    clearable = frozenset({
        "assigned_to", "deadline", "priority", "target_milestone", "whiteboard", "url",
        "qa_contact", "estimated_time",
    })  # fmt: skip
    refused = ("status", "NONSENSE")
    examples: Mapping[str, tuple[Value, Value]] = {
        "product": ("Other", "TestProduct"),
        "target_milestone": ("M1", "M2"),
        "status": ("UNCONFIRMED", "RESOLVED FIXED"),
        "severity": ("critical", "minor"),
        "type": ("defect", "task"),
    }
    narrow = ("component=Engine", "component", "Engine")

    def __init__(self, flavour: str = "bugzilla", **settings: object) -> None:
        self.bugs = BugzillaTracker(KNOBS)
        self.fake = BugzillaFake(self.bugs, flavour=flavour, most=4)
        self.settings = settings
        if flavour == "bmo":
            more = {"severity": ("S1", "S4")}
            self.examples = {**self.examples, **more}
            self.required = {**REQUIRED, "type": "defect"}

        def connector(password: str, reachable: bool) -> Connector:
            given = {"user": "hub", "nobody": NOBODY, "page": 4, **self.settings}
            where = URL if reachable else "http://127.0.0.1:9"
            made = BugzillaSettings(url=where, api_key=password, flavour=flavour, **given)
            return Bugzilla(made, Context(remote="bugs", clock=ManualClock()))

        super().__init__(self.bugs, connector, Faulty(self.fake))

    def inward(self, field: str, value: Value | None) -> tuple[str, Value | None]:
        if field in HOURS and isinstance(value, str):
            return field, f"{int(value) / 60:.2f}"
        return field, value

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        """A status brings its resolution, and so does the bug that is repeated."""
        row = self.connector.fields.theirs(field)
        if row is not None and not row.writable:
            raise Absent(f"{field} is nothing that a person edits")
        if field == "dupe_of":
            closing = {"status": "RESOLVED", "resolution": "DUPLICATE"}
            self.bugs.update(self.person, ticket, {**closing, "dupe_of": value})
        elif field == "status":
            status, resolution = parted(str(value))
            none: frozenset[str] = frozenset()
            changes = {"status": status, "resolution": resolution or None, "dupe_of": none}
            self.bugs.update(self.person, ticket, changes)
        else:
            super().edit(ticket, field, value)

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        if not data:
            raise Absent("Bugzilla takes no empty file")
        return super().attach(ticket, name, data)

    def merge(self, ticket: str, into: str) -> None:
        raise Absent("this sandbox cannot merge tickets")


def opened(flavour: str, **settings: object) -> Iterator[BugzillaSandbox]:
    box = BugzillaSandbox(flavour, **settings)
    assert box.faulty
    with within(box.faulty, URL):
        yield box
    box.connector.close()


class TestBugzillaOnAFake(ConnectorContract):
    """5.0 and 5.2: the key is a parameter."""

    may_skip = MAY_SKIP

    @pytest.fixture
    def sandbox(self) -> Iterator[BugzillaSandbox]:
        yield from opened("bugzilla")


class TestBmoOnAFake(ConnectorContract):
    """Mozilla's: the key is a header, an alias is no list, texts are Markdown."""

    may_skip = MAY_SKIP

    @pytest.fixture
    def sandbox(self) -> Iterator[BugzillaSandbox]:
        yield from opened("bmo")
