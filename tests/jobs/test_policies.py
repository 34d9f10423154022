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


def merge(conflict):
    return (("merge 1", "both"),) if conflict.cell.prop == "description" else ()


def rules(said):
    return policies(said, from_remote, merge)


def test_a_job_that_asks_decides_nothing():
    for said in ({}, {"default": "ask", "status": "ask"}):
        assert list(rules(said)(conflict("status"))) == []


def test_texts_are_merged_where_that_is_clean():
    found = rules({"default": "merge"})

    assert list(found(conflict("description"))) == [("merge 1", "both")]
    assert list(found(conflict("status"))) == []


def test_each_field_has_its_own_and_the_rest_the_default():
    found = rules({"default": "prefer a", "status": "newest", "owner": "ask", "due": "prefer c"})

    assert list(found(conflict("summary"))) == [("prefer a", "old")]
    assert list(found(conflict("status"))) == [("newest", "new")]
    assert list(found(conflict("owner"))) == []
    assert list(found(conflict("due"))) == []


def test_without_a_default_the_rest_is_asked():
    assert list(rules({"status": "newest"})(conflict("summary"))) == []
