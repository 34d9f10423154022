"""F18 to F35: texts, limits, workflows, people, privacy, rates, schemas, links, bots and secrets."""

from __future__ import annotations

from failures.table import Failure
from failures.test_workflows import (
    test_whatever_the_workflow_the_rest_is_in_step_and_the_inbox_tells as whatever_the_workflow,
)
from house.guards import Guard

ROWS: tuple[Failure, ...] = (
    Failure(
        20, "a status that may not be set, or demands fields, stops the ticket",
        whatever_the_workflow, given={"seed": 3},
        guards=(
            Guard(
                "a status goes step by step", "prophet_hub.foreign.statuses",
                "return workflow.route(", "return (target,) or workflow.route(",
            ),
        ),
    ),
)  # fmt: skip
