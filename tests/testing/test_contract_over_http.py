"""The contract over a wire: a small fake and its connector, in-process and on a loopback port."""

import pytest

from prophet_hub.sdk import Context
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing import (
    ConnectorContract,
    Faulty,
    Knobs,
    Served,
    Tracker,
    TrackerSandbox,
    within,
)
from testing.notebook import Notebook, NotebookSettings, application


class NotebookSandbox(TrackerSandbox):
    clearable = frozenset({"description", "owner"})
    refused = ("status", "none of the kind")
    narrow = ("status=open", "status", "open")


class OverHttp(ConnectorContract):
    may_skip = ()
    place = within

    @pytest.fixture
    def sandbox(self):
        tracker = Tracker("notebook", Knobs(allowed={"status": ("new", "open", "closed")}))
        faulty = Faulty(application(tracker))
        made = []
        with type(self).place(faulty) as url:

            def connector(password, reachable):
                address = url if reachable else "http://127.0.0.1:9"
                settings = NotebookSettings(url=address, password=password)
                made.append(Notebook(settings, Context(remote="mine", clock=ManualClock())))
                return made[-1]

            yield NotebookSandbox(tracker, connector, faulty)
            for one in made:
                one.close()


class TestWithin(OverHttp):
    place = within


class TestServed(OverHttp):
    place = Served
