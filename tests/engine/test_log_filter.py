"""The log by what is asked of it."""

from __future__ import annotations

import re
from itertools import count

import msgspec
import pytest

from prophet_hub.engine.differences import differences
from prophet_hub.engine.log_filter import Wanted, entries
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.then import Moment
from prophet_hub.model import ids
from prophet_hub.values import PRESENT

A, B, C = (bytes([n]) * 16 for n in range(1, 4))


@pytest.fixture
def replica():
    ticks = count(1)
    opened = Replica.open(":memory:", clock=lambda: next(ticks))
    opened.edit(A, "ticket", {("description", ""): "x" * 5000 + " Needle"}, author="Ann")
    opened.edit(B, "ticket", {("labels", "needle"): PRESENT}, author="bob", note="run 17")
    opened.edit(C, "comment", {("ticket", ""): ids.text(A), ("body", ""): "y"}, author="bob")
    opened.integrate([(b"", msgspec.msgpack.encode((b"o" * 16, 1, "no changeset, a needle")))])
    yield opened
    opened.close()


def numbers(replica, **asked):
    return [row.number for row in entries(replica, Wanted(**asked))]


def test_what_is_asked_holds_together(replica):
    needle = re.compile("needle", re.IGNORECASE)

    assert numbers(replica) == [4, 3, 2, 1]
    assert numbers(replica, grep=needle) == [2, 1]
    assert numbers(replica, grep=needle, author="ann") == [1]
    assert numbers(replica, grep=re.compile("^run 17$")) == [2]
    assert numbers(replica, author="BOB") == [3, 2]
    assert numbers(replica, record=A) == [3, 1]
    assert numbers(replica, since=2) == [3, 2]
    assert numbers(replica, until=2) == [2, 1]
    assert numbers(replica, since=2, until=2) == [2]
    assert numbers(replica, origin=b"o" * 16) == [4]
    assert numbers(replica, origin=replica.origin, until=1) == [1]


def test_long_logs_come_in_pages(replica):
    for n in range(1200):
        replica.edit(B, "ticket", {("n", ""): str(n)}, author="many")

    assert len(numbers(replica, author="many")) == 1200
    assert numbers(replica, record=B)[-2:] == [5, 2]
    assert len(numbers(replica, record=B)) == 1201


def test_what_differs_of_one_and_of_all(replica):
    replica.pair(A, B, author="")
    replica.unpair(A, author="")

    def told(one, other, **more):
        found = differences(replica, Moment(place=one), Moment(place=other), **more)
        return [(d.record, d.type, d.before is None, d.after is None) for d in found]

    assert told(0, 3) == [
        (A, "ticket", True, False), (B, "ticket", True, False), (C, "comment", True, False)
    ]  # fmt: skip
    assert told(4, 5) == [(A, "ticket", False, False), (B, "ticket", False, True)]
    assert told(4, 6) == []
    assert told(3, 0, record=A) == [(A, "ticket", False, True), (C, "comment", False, True)]
    (one, *_) = differences(replica, Moment(place=4), Moment(place=5))
    assert one.properties() == ["labels"]
