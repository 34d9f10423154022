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
        f"{len({row.scenario for row in rows})} scenarios in {len(rows)} forms, which fall",
        f"{sum(len(row.guards) for row in rows)} times. Where several pieces hold the same,",
        "they are switched off together and stand with an *and*.",
        "",
        "| | what hurts | the scenario | what holds it |",
        "|---|---|---|---|",
    ]
    for _, same in groupby(rows, key=lambda failure: failure.number):
        lines += _rows(list(same))
    return "\n".join(lines) + "\n"


def _rows(failures: Sequence[Failure]) -> list[str]:
    """Returns a line per scenario; one that is played in several forms stands once."""
    held: dict[str, dict[str, None]] = {}
    for failure in failures:
        words = failure.scenario.__name__.removeprefix("test_").replace("_", " ")
        held.setdefault(words, {}).update(dict.fromkeys(map(_words, failure.guards)))
    first = failures[0]
    heads = [(str(first.number), first.what), *[("", "")] * (len(held) - 1)]
    return [
        f"| {number} | {what} | {words} | {'; '.join(rules)} |"
        for (number, what), (words, rules) in zip(heads, held.items(), strict=True)
    ]


def _words(guard: Guard) -> str:
    return " *and* ".join(one.rule for one in (guard, *guard.also))
