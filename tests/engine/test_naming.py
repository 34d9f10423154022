"""Which entry a person means."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest

from prophet_hub.engine.naming import changeset_of, changesets_of
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import Cell, Changeset, Write

A = b"a" * 16


@pytest.fixture
def replica():
    ticks = count(1)
    opened = Replica.open(":memory:", clock=lambda: next(ticks))
    for name in (b"\xab\xcd\x10" + b"0" * 13, b"\xab\xcd\x1f" + b"0" * 13, b"\xff" * 16):
        write = Write(ids.fresh(), Cell(A, "status"), "ticket", "x")
        opened.record([Changeset(name, "me", 1, (write,))])
    yield opened
    opened.close()


def told(replica, words):
    with pytest.raises(UsageError) as caught:
        changesets_of(replica, words)
    return str(caught.value)


def test_every_way_to_name_one(replica):
    beginning = ids.text(replica.origin)[:9]
    for words, number in {
        "1": 1, " 3 ": 3, "latest": 3, "latest~0": 3, "latest~2": 1,
        f"{beginning}:2": 2, f"{ids.text(replica.origin)}:1": 1, f"{beginning.upper()}:1": 1,
        "abcd1f": 2, "abcd1": None, "ABCD-10": 1, "ffff": 3, "fffff": 3, "f" * 32: 3,
    }.items():  # fmt: skip
        if number is None:
            assert told(replica, words) == "abcd1 names several changesets. Name one of 1, 2."
        else:
            assert changeset_of(replica, words).number == number, words


def test_ranges_hold_both_ends(replica):
    def numbers(words):
        return [row.number for row in changesets_of(replica, words)]

    assert numbers("1..2") == [1, 2]
    assert numbers("2..") == [2, 3]
    assert numbers("latest~1..latest") == [2, 3]
    assert numbers("2..2") == [2]
    assert numbers("ffff") == [3]
    assert told(replica, "3..1") == "3..1 is upside down: 1 came here before 3. Write 1..3."


@pytest.mark.parametrize(
    "words", ["4", "latest~3", "ffff0000", "", "abc", "zzzz", "1..9", "..2", "0000:1", "-:1"]
)
def test_what_names_none_is_said(replica, words):
    assert "hangeset" in told(replica, words) or "replica" in told(replica, words)


def sealed(origin, status):
    """Returns the first entry of an origin, as it travels."""
    write = Write(ids.fresh(), Cell(A, "status"), "ticket", status)
    return b"", codec.seal(origin, 1, b"", Changeset(ids.fresh(), "me", 1, (write,)))[1]


def test_a_place_of_a_fork_is_two(replica):
    """Two branches stand at one place, so the place names neither."""
    one, other = b"o" * 16, b"o" * 15 + b"p"
    replica.integrate([sealed(one, "x"), sealed(other, "x"), sealed(one, "y")])

    assert "begins several replicas" in told(replica, "6f6f:1")
    assert "names several changesets. Name one of 4, 6." in told(replica, f"{one.hex()}:1")
    assert changeset_of(replica, f"{other.hex()}:1").number == 5


def test_what_cannot_be_read_has_its_number_alone(replica):
    raw = msgspec.msgpack.encode((b"o" * 16, 1, "\x41\x42\x43"))
    replica.integrate([(b"", raw)])

    assert changeset_of(replica, "latest").reason
    assert told(replica, "414243")
