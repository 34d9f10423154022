"""The pieces that the tables switch off are in the code, word for word."""

from __future__ import annotations

import itertools

from failures.test_table import FAILURES
from foreign.test_mutants import RULES, guards_of


def test_every_guard_stands_where_its_table_says():
    """Who moves a guard moves it in the table too: `make mutants` would fail otherwise."""
    told = itertools.chain(
        (one for failure in FAILURES for guard in failure.guards for one in (guard, *guard.also)),
        (guard for rule in RULES for guard in guards_of(rule)),
    )
    assert [f"{one.rule}: {one.module}" for one in told if not one.stands()] == []
