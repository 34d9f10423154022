"""A job's policies as rules of the law."""

from __future__ import annotations

from prophet_hub.engine.replica import CellState, Conflict, Head
from prophet_hub.jobs.policies import policies


def conflict(prop):
    heads = (
        Head(id=b"1", value="old", created=1, rule="", record=b"a"),
        Head(id=b"2", value="new", created=2, rule="", record=b"b"),
    )
    return Conflict(b"a", "ticket", CellState(prop, "", "new", True, heads))


def from_remote(head, remote):
    return head.record == remote.encode()


def test_a_job_that_asks_has_no_rules():
    assert policies({}, from_remote) is None
    assert policies({"default": "ask", "status": "ask"}, from_remote) is None


def test_each_field_has_its_own_and_the_rest_the_default():
    rules = policies(
        {"default": "prefer a", "status": "newest", "owner": "ask", "due": "prefer c"}, from_remote
    )

    assert list(rules(conflict("summary"))) == [("prefer a", "old")]
    assert list(rules(conflict("status"))) == [("newest", "new")]
    assert list(rules(conflict("owner"))) == []
    assert list(rules(conflict("due"))) == []


def test_without_a_default_the_rest_is_asked():
    rules = policies({"status": "newest"}, from_remote)

    assert list(rules(conflict("summary"))) == []
