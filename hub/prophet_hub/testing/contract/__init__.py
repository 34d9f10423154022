"""PUBLIC: the contract of a connector. One sandbox gives a connector its whole suite.

    class TestMine(ConnectorContract):
        @pytest.fixture
        def sandbox(self): ...      # yields a `Sandbox`

`docs/connectors/contract.md` shows it whole.
"""

import pytest

pytest.register_assert_rewrite(
    f"{__name__}.checks",
    f"{__name__}.reading",
    f"{__name__}.changes",
    f"{__name__}.listing",
    f"{__name__}.history",
    f"{__name__}.writing",
    f"{__name__}.parts",
    f"{__name__}.failing",
    f"{__name__}.promises",
    f"{__name__}.texts",
    f"{__name__}.workflow",
)

from prophet_hub.testing.contract.changes import Changes  # noqa: E402 - after the rewriting
from prophet_hub.testing.contract.failing import Failing  # noqa: E402 - as above
from prophet_hub.testing.contract.history import Story  # noqa: E402 - as above
from prophet_hub.testing.contract.listing import Listing  # noqa: E402 - as above
from prophet_hub.testing.contract.parts import Parts  # noqa: E402 - as above
from prophet_hub.testing.contract.promises import Promises  # noqa: E402 - as above
from prophet_hub.testing.contract.reading import Reading  # noqa: E402 - as above
from prophet_hub.testing.contract.sandbox import (  # noqa: E402 - as above
    Absent,
    MemorySandbox,
    Sandbox,
    TrackerSandbox,
)
from prophet_hub.testing.contract.texts import Texts  # noqa: E402 - as above
from prophet_hub.testing.contract.workflow import Workflow  # noqa: E402 - as above
from prophet_hub.testing.contract.writing import Writing  # noqa: E402 - as above

__all__ = ["Absent", "ConnectorContract", "MemorySandbox", "Sandbox", "TrackerSandbox"]


class ConnectorContract(
    Reading, Changes, Listing, Story, Writing, Parts, Texts, Failing, Promises, Workflow
):
    """Every check there is. A subclass gives a fixture `sandbox`."""
