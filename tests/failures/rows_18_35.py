"""F18 to F35: texts, limits, workflows, people, privacy, rates, schemas, links, bots and secrets."""

from __future__ import annotations

from failures.table import Failure
from failures.test_late_answers import (
    test_what_is_told_as_it_was_before_takes_no_newer_edit_back as told_as_it_was_before,
)
from failures.test_private import (
    test_however_a_flag_moves_nothing_private_reaches_a_wider_audience as however_a_flag_moves,
)
from failures.test_private import (
    test_what_becomes_private_between_plan_and_write_is_not_sent as private_since_the_plan,
)
from failures.test_workflows import (
    test_whatever_the_workflow_the_rest_is_in_step_and_the_inbox_tells as whatever_the_workflow,
)
from house.guards import Guard
from prophet_hub.sdk import History

WITHHELD = Guard(
    "an update is looked at again before it is sent", "prophet_hub.foreign.changer",
    "if self.desk.planner.withheld(", "if False and self.desk.planner.withheld(",
)  # fmt: skip

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
    Failure(
        23, "private content reaches a public tracker", however_a_flag_moves,
        guards=(
            Guard(
                "private stays private", "prophet_hub.foreign.planner",
                'if side.spec.audience == "private" or there or not self._private(kind, cells):',
                "if True:",
            ),
            Guard(
                "unknown counts as private", "prophet_hub.foreign.compose",
                'head.value not in {"no", None}', 'head.value == "yes"',
            ),
            Guard(
                "a file is as private as its comment", "prophet_hub.foreign.reader",
                "_attachment(_within(attachment, said),", "_attachment(attachment,",
            ),
            Guard(
                "what is in a private ticket is private", "prophet_hub.foreign.planner",
                "return ticket is not None and is_private(", "return False and is_private(",
            ),
            Guard(
                "a ticket that became private is told no more", "prophet_hub.foreign.planner",
                "if self.withheld(kind, ref, record, cells, shadow):", "if False:",
                also=(WITHHELD,),
            ),
        ),
    ),
    Failure(
        23, "private content reaches a public tracker", private_since_the_plan,
        guards=(
            WITHHELD,
            Guard(
                "a create is looked at again before it is sent", "prophet_hub.foreign.writer",
                "return not withheld", "return True",
            ),
        ),
    ),
    Failure(
        30, "an answer that comes late, or twice, takes back what is newer",
        told_as_it_was_before, given={"history": History.FULL},
        guards=(
            Guard(
                "what is told as it was before is read again", "prophet_hub.foreign.reader",
                "if shadow is None or updated >= shadow.updated:", "if True:",
            ),
            Guard(
                "what is told so twice in one run is one answer", "prophet_hub.foreign.reader",
                " and row.until != self.side.run", "",
            ),
        ),
    ),
)  # fmt: skip
