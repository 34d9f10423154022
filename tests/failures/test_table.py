"""Each failure is held by its guards, and by nothing else: without one of them it happens."""

from __future__ import annotations

import gc

import pytest

from failures import rows_01_17, rows_18_35
from failures.table import WAITING, play
from house.guards import switched_off
from prophet_hub.errors import HubError

FAILURES = (*rows_01_17.ROWS, *rows_18_35.ROWS)
RED = (AssertionError, KeyError, HubError, pytest.fail.Exception)
GUARDED = [
    pytest.param(failure, guard, id=f"F{failure.number} {guard.rule}")
    for failure in FAILURES
    for guard in failure.guards
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: f"F{failure.number}")
def test_it_does_not_happen(failure):
    play(failure)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("failure", "guard"), GUARDED)
def test_without_its_guard_it_happens(failure, guard):
    with switched_off(guard), pytest.raises(RED):
        play(failure)
    gc.collect()  # what a red scenario left open is no later test's matter


def test_each_has_its_row():
    numbers = [failure.number for failure in FAILURES]
    assert sorted({*numbers, *WAITING}) == list(range(1, 36))
    assert not WAITING.keys() & set(numbers)
    assert all(failure.guards for failure in FAILURES)
