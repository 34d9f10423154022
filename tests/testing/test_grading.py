"""A connector's grade says what its contract saw, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from prophet_hub.errors import UsageError
from prophet_hub.testing.contract import ConnectorContract
from prophet_hub.testing.grading import DEMANDS, Grade, Seen, grade, missing, seen


def all_seen():
    return Seen(passed={name for demands in DEMANDS.values() for name in demands})


def test_every_demand_is_a_check_of_the_contract_and_stands_once():
    names = [name for demands in DEMANDS.values() for name in demands]
    assert set(names) <= set(ConnectorContract.names())
    assert len(names) == len(set(names))


def test_each_grade_demands_what_those_below_it_demand():
    found = Seen()
    assert (grade(found), missing(found)[0][1]) == (Grade.NONE, "it is in no suite")
    for one, demands in DEMANDS.items():
        for name in demands:
            assert grade(found) is not one
            found.note(name, "passed", "")
        assert grade(found) is one
    assert missing(found) == []


@pytest.mark.parametrize("one", DEMANDS)
def test_what_was_skipped_was_not_seen(one):
    found = all_seen()
    name = DEMANDS[one][0]
    found.passed.remove(name)
    found.note(name, "skipped", "there is no such thing")
    assert list(Grade).index(grade(found)) == list(Grade).index(one) - 1
    assert missing(found) == [(name, "there is no such thing")]


def test_one_failure_is_no_grade_whatever_else_passed():
    found = all_seen()
    found.note("test_nobody_is_notified", "failed", "somebody was")
    found.note("test_nobody_is_notified", "passed", "")
    assert grade(found) is Grade.NONE
    assert missing(found) == [("test_nobody_is_notified", "somebody was")]


def test_what_passed_in_one_suite_of_two_was_seen():
    found = Seen()
    found.note("test_a_query_narrows", "skipped", "the sandbox gives no query")
    found.note("test_a_query_narrows", "passed", "")
    assert (found.passed, found.skipped) == ({"test_a_query_narrows"}, {})


def test_a_tracker_that_is_a_file_need_not_break_a_wire():
    found = all_seen()
    found.passed.remove("test_a_truncated_answer_is_said")
    assert grade(found) is Grade.NONE
    found.passed.remove("test_a_wrong_password_is_said")
    found.note("test_a_wrong_password_is_said", "skipped", "there is no password")
    assert grade(found) is Grade.GOLD


@pytest.mark.parametrize(
    ("text", "says"),
    [("def test_x():\n    pass\n", "no subclass"), ("import no_such_module\n", "cannot be run")],
)
def test_a_file_without_a_contract_is_told(tmp_path, text, says):
    suite = tmp_path / "test_x.py"
    suite.write_text(text)
    with pytest.raises(UsageError, match=says):
        seen(suite)
    with pytest.raises(UsageError, match="no file"):
        seen(Path("nowhere.py"))
