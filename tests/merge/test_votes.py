"""Fingerprints, ballots and majorities, value by value."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from prophet_hub.merge import votes
from prophet_hub.merge.cells import Head
from prophet_hub.merge.conflicts import Conflict, state_of
from prophet_hub.model.changes import LIFE
from prophet_hub.values import INLINE, PRESENT, Stored

LONG = "ü" * INLINE
STORED = Stored(hashlib.sha256(LONG.encode()).hexdigest(), len(LONG.encode()))


def heads(*values):
    return tuple(Head(bytes([n]) * 16, v, n, "", b"r" * 16) for n, v in enumerate(values, 1))


def conflict(*values, prop="status", member=""):
    return Conflict(b"r" * 16, "ticket", state_of(prop, member, heads(*values)))


def of(one):
    return votes.fingerprint(one.cell.prop, one.cell.member, votes.values_of(one.cell))


PAGE = Path(__file__).parents[2] / "docs/design/001-the-law-of-merging.md"


def test_the_fingerprint_is_the_one_of_the_page():
    """Every implementation must find the same."""
    status = votes.fingerprint("status", "", ["open", "stalled"])
    labels = votes.fingerprint("labels", "hot", [None, PRESENT])

    assert (status, labels) == (
        "03e6a9eca4b5a689ef1a8b04a19e3c22", "fd04eb5e5ab8e35ddbf8ac1e55a34bcd"
    )  # fmt: skip
    page = PAGE.read_text("utf-8")
    assert f"| `status` | | `open`, `stalled` | `{status}` |" in page
    assert f"| `labels` | `hot` | absent, `present` | `{labels}` |" in page


def test_the_fingerprint_is_told_by_property_member_and_values():
    names = {
        votes.fingerprint(prop, member, values)
        for prop in ("a", "b")
        for member in ("", "m")
        for values in ([], [None], [""], ["x"], ["x", "y"], ["x", "y", None], ["xy"])
    }
    assert len(names) == 2 * 2 * 7
    assert votes.fingerprint("a", "", ["y", "x", "y"]) == votes.fingerprint("a", "", ["x", "y"])


def test_a_text_is_the_same_however_it_is_stored():
    assert of(conflict(LONG, "x")) == of(conflict(STORED, "x"))


def test_a_life_edited_after_its_delete_asks_between_both():
    one = Conflict(b"r" * 16, "ticket", state_of(LIFE, "alive", heads(None), late=True))

    assert votes.values_of(one.cell) == {None, PRESENT}


@pytest.mark.parametrize(
    ("value", "ballot"),
    [
        (None, "-"),
        ("", "="),
        ("-", "=-"),
        ("# x", "=# x"),
        (STORED, f"#{STORED.sha256} {STORED.size}"),
    ],
)
def test_a_ballot_gives_back_what_was_decided(value, ballot):
    assert votes.ballot_of(value) == ballot
    assert votes.value_in(ballot) == (value,)


def test_a_ballot_fits_into_the_log():
    for length in (INLINE - 1, INLINE, INLINE + 1):
        assert len(votes.ballot_of("x" * length).encode()) <= INLINE
    assert votes.value_in(votes.ballot_of(LONG)) == (STORED,)


@pytest.mark.parametrize("ballot", [None, "", "x", "#", "#12 3", "#" + "g" * 64 + " 1", STORED])
def test_what_is_no_ballot_decides_nothing(ballot):
    assert votes.value_in(ballot) is None
    assert votes.cast([heads(ballot)]) == []


def decided(one, *ballots):
    cells = [heads(*(ballot if isinstance(ballot, tuple) else (ballot,))) for ballot in ballots]
    return votes.majority(one, {of(one): cells})


def test_a_strict_majority_decides():
    one = conflict("x", "y")

    assert decided(one, "=x") == (("votes", "x"),)
    assert decided(one, "=x", "=y") == ()
    assert decided(one, "=y", "=x", "=y") == (("votes", "y"),)
    assert decided(one, "=y", "=x", "=y", "=z") == ()
    assert decided(one, "=y", None, None) == (("votes", "y"),), "withdrawn ones are none"
    assert decided(one, "=y", ("=x", "=y")) == (("votes", "y"),), "nor is one in conflict"
    assert decided(one) == ()
    assert votes.majority(one, {}) == ()
    assert votes.majority(one, {of(conflict("x", "z")): [heads("=x")]}) == ()


def test_a_majority_for_a_long_text_takes_it_as_the_conflict_holds_it():
    assert decided(conflict(LONG, "x"), votes.ballot_of(STORED)) == (("votes", LONG),)
    assert decided(conflict("x", "y"), votes.ballot_of(LONG)) == (("votes", STORED),)


def test_people_are_asked_about_what_they_can_answer():
    assert votes.is_asked(conflict("x", "y"))
    assert not votes.is_asked(conflict(None, PRESENT, prop="same-as", member="00"))
    assert not votes.is_asked(conflict("=x", "=y", prop="vote:00", member="00"))
