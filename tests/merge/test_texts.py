"""The three-way merge of texts: what is merged, what is not, and always the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from prophet_hub.merge.cells import Head
from prophet_hub.merge.conflicts import Conflict, state_of
from prophet_hub.merge.texts import merge, merged

BASE = "Steps\n\n1. open\n2. look\n3. close\n\nSeen on floor 2."
texts = st.lists(st.sampled_from("abc"), max_size=8).map("\n".join)


def test_changes_that_do_not_touch_are_put_together():
    one = BASE.replace("Steps", "Steps to see it")
    other = BASE + "\nAnd on floor 3."

    assert merged(BASE, one, other) == one + "\nAnd on floor 3."


def test_changes_that_touch_are_left_to_people():
    assert merged("a\nb\nc", "a\nx\nc", "a\ny\nc") is None
    assert merged("a\nb\nc", "a\nx\nc", "a\nb\ny") is None, "no kept line between them"
    assert merged("a\nb\nc", "a\nc", "a\nx\nc") is None, "deleted here, edited there"
    assert merged("a", "a\nx", "a\ny") is None, "both added at one place"
    assert merged("word", "word here", "word there") is None


def test_fixed_examples_that_every_version_must_give():
    """The rule's name says `merge 1`: another answer needs another name."""
    examples = [
        ("a\nb\nc\nd\ne", "A\nb\nc\nd\ne", "a\nb\nc\nd\nE", "A\nb\nc\nd\nE"),
        ("a\nb\nc\nd", "b\nc\nd", "a\nb\nc\nd\ne", "b\nc\nd\ne"),
        ("a\nb\nc", "a\nnew\nb\nc", "a\nb\nnewer\nc", "a\nnew\nb\nnewer\nc"),
        ("a\n\nb\n\nc", "a1\n\nb\n\nc", "a\n\nb\n\nc1", "a1\n\nb\n\nc1"),
        ("x\nx\nx\ny", "x\nx\ny", "x\nx\nx\ny\nz", "x\nx\ny\nz"),
        ("a\nb", "a\nb\n", "c\na\nb", "c\na\nb\n"),
        ("a\r\nb\x0bc\u2028d\ne\nf", "a\r\nb\x0bc\u2028d\ne\ng", "h\ne\nf", "h\ne\ng"),
        ("", "a", "", "a"),
    ]
    for base, one, other, expected in examples:
        assert merged(base, one, other) == expected
        assert merged(base, other, one) == expected


@given(texts, texts)
def test_one_side_s_changes_alone_are_taken(base, one):
    assert merged(base, one, base) == one
    assert merged(base, base, one) == one
    assert merged(base, one, one) == one


@given(texts, texts, texts)
@settings(max_examples=300)
def test_sides_do_not_matter_and_no_line_comes_from_nowhere(base, one, other):
    found = merged(base, one, other)

    assert found == merged(base, other, one)
    if found is not None:
        assert set(found.split("\n")) <= {*base.split("\n"), *one.split("\n"), *other.split("\n")}


def test_what_would_take_too_long_is_left():
    assert merged("\n" * 2000, "\n" * 2000 + "a", "b" + "\n" * 2000) is None
    assert merged("x" * 2_000_000, "y", "x") is None


def conflict(*values, member=""):
    heads = tuple(Head(bytes([n]) * 16, v, n, "", b"r" * 16) for n, v in enumerate(values, 1))
    return Conflict(b"r" * 16, "ticket", state_of("description", member, heads))


def rule(base):
    return merge(lambda _: base, lambda value: value)


def test_the_policy_settles_what_is_clean():
    assert list(rule("a\nb\nc")(conflict("A\nb\nc", "a\nb\nC"))) == [("merge 1", "A\nb\nC")]
    three = conflict("A\nb\nc\nd\ne", "a\nb\nC\nd\ne", "a\nb\nc\nd\nE")
    assert list(rule("a\nb\nc\nd\ne")(three)) == [("merge 1", "A\nb\nC\nd\nE")]


def test_the_policy_leaves_what_is_not():
    assert list(rule("a\nb")(conflict("a\nx", "a\ny"))) == []
    assert list(rule(None)(conflict("a\nx", "y\nb"))) == [], "no common text before"
    assert list(rule("a")(conflict(None, "a\nb"))) == [], "cleared here, edited there"
    assert list(rule("a")(conflict(None, "present", member="m"))) == []
