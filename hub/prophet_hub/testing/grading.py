"""What the contract saw of a connector, in one word: bronze, silver, gold."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pytest

from prophet_hub.errors import UsageError
from prophet_hub.testing.contract import ConnectorContract

__all__ = ["DEMANDS", "Grade", "Seen", "grade", "missing", "seen"]


class Grade(StrEnum):
    """How far a connector may be trusted, as far as its suite went."""

    NONE = "none"  # a check failed, or too little was seen
    BRONZE = "bronze"  # it may be read from
    SILVER = "silver"  # it may be written to
    GOLD = "gold"  # nothing is lost, doubled or overwritten there


DEMANDS: Final[Mapping[Grade, tuple[str, ...]]] = {
    Grade.BRONZE: (
        "test_whoami_names_the_account",
        "test_fields_are_those_of_the_table",
        "test_a_ticket_shows_its_fields",
        "test_a_missing_ticket_is_not_found",
        "test_a_first_pull_tells_every_ticket",
        "test_an_edit_is_told_by_the_next_pull",
        "test_every_checkpoint_is_a_place_to_start_from",
        "test_a_truncated_answer_is_said",
        "test_a_wrong_password_is_said",
        "test_no_error_shows_a_secret",
    ),
    Grade.SILVER: (
        "test_what_was_created_is_read",
        "test_what_was_updated_is_read",
        "test_an_update_touches_nothing_else",
        "test_a_comment_that_was_made_is_read",
        "test_long_texts_keep_their_letters",
        "test_a_create_is_never_repeated_blindly",
        "test_a_create_whose_answer_was_lost_is_unsure",
        "test_what_is_not_declared_is_refused_before_any_request",
    ),
    Grade.GOLD: (
        "test_history_explains_the_state",
        "test_authors_are_told",
        "test_events_never_change",
        "test_a_lost_create_is_found_by_its_key",
        "test_a_write_to_an_old_version_is_stale",
        "test_an_attachment_that_was_made_is_read",
        "test_nothing_is_missed_while_tickets_move",
        "test_nothing_is_missed_while_tickets_vanish",
        "test_an_edit_in_the_second_of_the_pull_is_told",
    ),
}
"""What must have been seen to hold for each grade, and for those below it; and no check failed."""

_WIRE: Final = frozenset({
    "test_a_truncated_answer_is_said", "test_a_wrong_password_is_said",
    "test_no_error_shows_a_secret", "test_a_create_is_never_repeated_blindly",
    "test_a_create_whose_answer_was_lost_is_unsure", "test_a_lost_create_is_found_by_its_key",
})  # fmt: skip
"""Not demanded of trackers that are files: these have no password, and no wire to break."""


@dataclass(slots=True)
class Seen:
    """What became of the checks, by name.

    Attributes:
        passed: In at least one suite, and failed in none.
        skipped: Check -> why, where it ran nowhere.
        failed: Check -> the last line of what pytest says.
    """

    passed: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, outcome: str, why: str) -> None:
        """Takes in one result."""
        if outcome == "failed":
            self.failed[name] = why
        elif outcome == "passed":
            self.passed.add(name)
        else:
            self.skipped[name] = why
        self.passed -= self.failed.keys()
        for ran in self.passed | self.failed.keys():
            self.skipped.pop(ran, None)


def grade(seen: Seen) -> Grade:
    """Returns the best grade whose demands, and those of all below it, were seen to hold."""
    best = Grade.NONE
    if seen.failed:
        return best
    for one in DEMANDS:
        if _open(seen, one):
            break
        best = one
    return best


def missing(seen: Seen) -> list[tuple[str, str]]:
    """Returns what stands before the next grade: a check, and why it did not hold."""
    if seen.failed:
        return sorted(seen.failed.items())
    grades = list(DEMANDS)
    best = grade(seen)
    ahead = grades[grades.index(best) + 1 :] if best in grades else grades
    wanted = _open(seen, ahead[0]) if ahead else []
    return [(name, seen.skipped.get(name, "it is in no suite")) for name in wanted]


def _open(seen: Seen, one: Grade) -> list[str]:
    """Returns what a grade demands and was not seen to hold."""
    local = "no password" in seen.skipped.get("test_a_wrong_password_is_said", "")
    demands = [name for name in DEMANDS[one] if not (local and name in _WIRE)]
    return [name for name in demands if name not in seen.passed]


def seen(suite: Path) -> Seen:
    """Runs the contract suites of a file, and nothing else of it.

    Raises:
        UsageError: There is no such file, it cannot be read, or no contract is in it.
    """
    if not suite.is_file():
        raise UsageError(f"There is no file {suite}.", hint="Name the suite with --suite FILE.")
    watcher = _Watcher()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main([str(suite), "-q", "-p", "no:cacheprovider"], plugins=[watcher])
    if watcher.kept:
        return watcher.seen
    if code in (pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.OK):
        raise UsageError(
            f"{suite} holds no subclass of ConnectorContract.", hint="See docs/connectors."
        )
    lines = [line for line in said.getvalue().splitlines() if line.startswith("E ")]
    last = lines[-1][1:].strip() if lines else "pytest says no more"
    raise UsageError(f"{suite} cannot be run: {last}.", hint="Run it with python -m pytest.")


class _Watcher:
    """Keeps the checks of contracts alone, and notes what becomes of them."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.kept = 0

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        names = set(ConnectorContract.names())
        items[:] = [
            one
            for one in items
            if issubclass(getattr(one, "cls", None) or object, ConnectorContract)
            and one.originalname in names
        ]
        self.kept = len(items)

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = report.nodeid.rpartition("::")[2].partition("[")[0]
        if report.when == "call" or report.outcome != "passed":
            self.seen.note(name, report.outcome, _why(report))


def _why(report: Any) -> str:
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).split(": ", 2)[-1]  # "Skipped: name: reason"
    return str(report.longrepr or "").strip().rpartition("\n")[2]
