"""The table of failures: each way to hurt users, the scenario that tells it, and what holds it here.

`make mutants` plays each scenario, whole and without each of its guards, and writes the table anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from failures.table import WAITING, Failure
from failures.test_table import FAILURES
from house.guards import Guard

PAGE = Path(__file__).parents[2] / "docs/design/failures.md"


def page() -> str:
    """Returns the page."""
    rows = sorted(FAILURES, key=lambda failure: failure.number)
    numbers = {failure.number for failure in rows}
    whole = len(numbers | WAITING.keys())
    lines = [
        "# Nothing lost, nothing doubled",
        "",
        f"{whole} ways in which tools that sync two ways have hurt their users, found in their public",
        "trackers. For each there is a scenario in `tests/failures/` that plays it, and a piece of the hub",
        "without which it happens: `make mutants` switches these pieces off one at a time, looks whether",
        "the scenario falls, and writes this page.",
        "",
        f"**{len(numbers)} of {whole - len(WAITING)} hold, and each falls without its guard.**",
        f"{len(WAITING)} wait for webhooks, which are not here yet:",
        "",
        *(f"* {number}: {what}." for number, what in WAITING.items()),
        "",
        f"There are {len(rows)} scenarios and {sum(len(row.guards) for row in rows)} guards. Where two",
        "pieces hold the same, they are switched off together and stand with an *and*.",
        "",
        "| | what hurts | the scenario | what holds it |",
        "|---|---|---|---|",
    ]
    for _, same in groupby(rows, key=lambda failure: failure.number):
        lines += _rows(list(same))
    return "\n".join(lines) + "\n"


def _rows(failures: Sequence[Failure]) -> list[str]:
    told, rows = "", []
    for failure in failures:
        number = "" if told else str(failure.number)
        what = "" if failure.what == told else failure.what
        told = failure.what
        words = failure.scenario.__name__.removeprefix("test_").replace("_", " ")
        held = "; ".join(map(_words, failure.guards))
        rows.append(f"| {number} | {what} | {words} | {held} |")
    return rows


def _words(guard: Guard) -> str:
    return " *and* ".join(one.rule for one in (guard, *guard.also))
