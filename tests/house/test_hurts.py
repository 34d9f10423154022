"""The table of failures is the one that its rows give."""

from __future__ import annotations

from failures.test_table import FAILURES
from house import hurts


def test_the_table_is_up_to_date():
    """`make docs` writes it."""
    assert hurts.PAGE.read_text("utf-8") == hurts.page()


def test_no_scenario_is_told_twice():
    told = [(row.scenario.__name__, str(row.given)) for row in FAILURES]
    assert len(told) == len(set(told))


def test_every_failure_is_told_in_one_way():
    """Several scenarios of one failure stand below one line that says how it hurts."""
    for row in FAILURES:
        assert {one.what for one in FAILURES if one.number == row.number} == {row.what}
