"""The table of killers is the one that the mutants give."""

from __future__ import annotations

from foreign.test_mutants import RULES
from house import killers
from merge.test_mutants import MUTANTS


def test_the_table_is_up_to_date():
    """`make docs` writes it."""
    assert killers.PAGE.read_text("utf-8") == killers.page()


def test_no_guard_is_told_twice():
    names = [m.name for m in MUTANTS] + [m.rule for m in RULES]

    assert len(names) == len(set(names))
    assert len(names) > 80
