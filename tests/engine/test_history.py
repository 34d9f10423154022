"""How a record came to be what it is."""

from __future__ import annotations

import json
from itertools import count

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.merge.settle import newest
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, SAME_AS, Cell, Changeset, Write, receipt
from prophet_hub.values import PRESENT, Stored

A, B, C = (bytes([n]) * 16 for n in range(1, 4))
ALIVE = (LIFE, "alive")


@pytest.fixture
def replica():
    ticks = count(1)
    opened = Replica.open(":memory:", clock=lambda: next(ticks))
    yield opened
    opened.close()


def edit(replica, record=A, kind="ticket", author="me", note="", **values):
    changes = {(k, ""): v for k, v in values.items()}
    return replica.edit(record, kind, changes, author=author, note=note)


def test_history_tells_every_write_once_as_it_came(replica):
    edit(replica, summary="one", note="rt-main#1")
    replica.pair(A, B, author="me")
    edit(replica, B, summary="two", author="you")
    replica.record([])

    rows = list(replica.history(B))

    assert [(r.number, r.when, r.author, r.note, r.old, r.new, r.superseded) for r in rows] == [
        (1, 1, "me", "rt-main#1", None, "one", True),
        (3, 3, "you", "", "one", "two", False),
    ]
    assert rows == list(replica.history(A))


def test_a_name_told_twice_is_told_once(replica):
    for value, above in (("x", ()), ("y", (b"a" * 16,))):
        write = Write(b"w" * 16, Cell(A, "status"), "ticket", value, above)
        replica.record([Changeset(ids.fresh(), "rt", 1, (write,))])
    assert [r.new for r in replica.history(A)] == ["x"]


def test_why_names_the_heads_first(replica):
    edit(replica, status="new")
    for value in "xy":
        write = Write(ids.fresh(), Cell(A, "status"), "ticket", value, created=10 + ord(value))
        replica.record([Changeset(ids.fresh(), value, 1, (write,))])
    edit(replica, status="z")

    assert [(r.new, r.superseded) for r in replica.why(A, "status")] == [
        ("z", False), ("y", True), ("x", True), ("new", True)
    ]  # fmt: skip
    assert replica.why(A, "nothing") == []


def test_why_shows_who_competes_and_which_rule_settled(replica):
    for n, value in enumerate("xy"):
        write = Write(ids.fresh(), Cell(A, "status"), "ticket", value, created=n)
        replica.record([Changeset(ids.fresh(), value, 1, (write,))])
    assert [(r.author, r.superseded) for r in replica.why(A, "status")] == [
        ("y", False), ("x", False)
    ]  # fmt: skip
    replica.settle(newest)
    (settled, *_) = replica.why(A, "status")
    assert (settled.rule, settled.author, settled.new) == ("newest", "newest", "y")


def test_as_of_a_time(replica):
    edit(replica, summary="one")
    edit(replica, summary="two")
    replica.edit(A, "ticket", {ALIVE: None}, author="me")

    assert replica.as_of(A, 0) == {}
    assert replica.as_of(A, 1) == {("summary", ""): "one"}
    assert replica.as_of(A, 2) == {("summary", ""): "two"}
    assert replica.as_of(A, 3) == {("summary", ""): "two", ALIVE: None}


def test_as_of_a_time_before_and_after_a_pair(replica):
    edit(replica, summary="one")
    edit(replica, B, owner="you")
    replica.pair(A, B, author="me")
    replica.unpair(A, author="me")

    assert replica.as_of(A, 2) == {("summary", ""): "one"}
    assert replica.as_of(B, 3) == {("summary", ""): "one", ("owner", ""): "you"}
    assert replica.as_of(B, 4) == {("owner", ""): "you"}


def test_as_of_a_time_a_life_was_in_conflict(replica):
    """A comment that the delete did not see kept the ticket alive until somebody answered."""
    edit(replica, status="x")
    replica.edit(A, "ticket", {ALIVE: None}, author="me")
    edit(replica, C, "comment", ticket=ids.text(A), body="late")
    replica.edit(A, "ticket", {ALIVE: None}, author="me")

    assert [replica.as_of(A, at).get(ALIVE) for at in (1, 2, 3, 4)] == [None, None, PRESENT, None]


def test_as_of_a_time_before_a_receipt(replica):
    edit(replica, status="ours")
    (ours,) = replica.cells(A)["status", ""].heads
    event = Write(b"e" * 16, Cell(A, "status"), "ticket", "theirs", created=2)
    link = Write(ids.fresh(), receipt(b"e" * 16, ours.id), "", PRESENT, created=3)
    for write in (event, link):
        replica.record([Changeset(ids.fresh(), "rt", 1, (write,))])

    assert replica.as_of(A, 2) == {("status", ""): "theirs"}
    assert replica.as_of(A, 3) == {("status", ""): "ours"}


def test_shown_gathers_sets(replica):
    replica.edit(A, "ticket", {
        ("labels", "red"): PRESENT, ("labels", "blue"): PRESENT, ("labels", "old"): None,
        ("summary", ""): "x", ("owner", ""): None, ("vote:1", "me"): PRESENT, ALIVE: PRESENT,
    }, author="")  # fmt: skip
    assert replica.shown(A) == {"labels": frozenset({"red", "blue"}), "summary": "x"}


def test_the_log_goes_both_ways_and_on_from_a_number(replica):
    for n in range(1201):
        edit(replica, ids.fresh(), summary=str(n), note=str(n))

    assert [row.note for row in replica.log()] == [str(n) for n in range(1200, -1, -1)]
    assert [row.number for row in replica.log(after=1199, newest_first=False)] == [1200, 1201]
    assert [row.number for row in replica.log(after=1199)] == [1201, 1200]
    (row,) = replica.log(after=1200)
    assert (row.origin, row.sequence, row.author, row.writes) == (replica.origin, 1201, "me", 1)


def test_export_is_sorted_and_the_same_for_the_same_entries(replica):
    edit(replica, B, summary="x" * 5000, note="n")
    replica.edit(A, "ticket", {("labels", "red"): PRESENT, ALIVE: PRESENT}, author="")
    edit(replica, C, "comment", ticket=ids.text(A))
    replica.edit(ids.fresh(), "ticket", {ALIVE: None}, author="")
    for n, value in enumerate("xy"):
        write = Write(ids.fresh(), Cell(A, "status"), "ticket", value, created=n)
        replica.record([Changeset(ids.fresh(), value, 1, (write,))])
    content = Stored("ab" * 32, 7)
    replica.edit(C, "comment", {("content", ""): content}, author="")

    found = list(replica.export())

    assert found == [
        {"type": "comment", "uuid": ids.text(C), "conflicts": [], "properties": {
            "content": {"sha256": "ab" * 32, "size": 7}, "ticket": ids.text(A)}},
        {"type": "ticket", "uuid": ids.text(A), "properties": {"labels": ["red"], "status": "y"},
         "conflicts": [{"property": "status", "member": "", "values": ["x", "y"]}]},
        {"type": "ticket", "uuid": ids.text(B), "conflicts": [],
         "properties": {"summary": "x" * 5000}},
    ]  # fmt: skip
    assert json.dumps(found)


def test_export_names_a_life_in_conflict(replica):
    edit(replica, status="x")
    replica.edit(A, "ticket", {ALIVE: None}, author="me")
    write = Write(ids.fresh(), Cell(A, "status"), "ticket", "late")
    replica.record([Changeset(ids.fresh(), "", 1, (write,))])
    (found,) = replica.export()
    assert {"property": LIFE, "member": "alive", "values": [None, PRESENT]} in found["conflicts"]
    assert SAME_AS not in found["properties"]
