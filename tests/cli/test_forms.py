"""Records as text for an editor, and back."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prophet_hub.cli import forms
from prophet_hub.cli.words import said
from prophet_hub.errors import Unfit
from prophet_hub.model.neutral import TICKET
from prophet_hub.model.schema import Property, RecordType

ANYTHING = RecordType(name="anything")
NAMES = st.from_regex(
    r"[A-Za-z_][\w.:-]{0,12}|[a-z]+ [a-z: ]*[a-z]|#[a-z]+|[a-z]+:", fullmatch=True
)
LETTERS = st.characters(codec="utf-8", exclude_characters="\r\x00")
TEXTS = st.one_of(
    st.text(LETTERS, min_size=1, max_size=40),
    st.lists(st.sampled_from(["=== a ===", "==== b ====", "# no comment", "a: b", "", " x"]),
             min_size=1, max_size=5).map("\n".join).filter(bool),
)  # fmt: skip
SETS = st.frozensets(st.one_of(st.text(LETTERS, min_size=1, max_size=8),
                               st.sampled_from(["a, b", "[x", '"', " a", "a\nb"])), min_size=1)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.one_of(TEXTS, SETS), max_size=6), st.data())
def test_a_form_that_nobody_touched_changes_nothing(shown, data):
    """Whatever a record shows, its form is read as what was shown."""
    names = sorted(shown)
    lines = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    texts = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []

    form = forms.written(ANYTHING, shown, lines=lines, texts=texts, head=["A head: of it"])
    found = forms.read(ANYTHING, form, shown)

    assert forms.changed(shown, found) == {}
    assert found == shown


@settings(deadline=None)
@given(st.text(LETTERS, max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    with contextlib.suppress(Unfit):
        assert isinstance(forms.read(TICKET, text, {}), dict)


@pytest.mark.parametrize(
    ("form", "found"),
    [
        ("", {}),
        ("# summary: x\n\n", {}),
        ("summary:\n", {"summary": None}),
        ("summary: a: b\n", {"summary": "a: b"}),
        ("summary:\ta \n", {"summary": "a"}),
        ("rt:queue: x\n", {"rt:queue": "x"}),
        ("labels: a, b,,a\n", {"labels": frozenset("ab")}),
        ('labels: ["a, b"]\n', {"labels": frozenset({"a, b"})}),
        ("=== comment ===\n# Head\n\n==== x ====\n", {"comment": "# Head\n\n==== x ===="}),
        ("==== a ====\n=== b ===\n==== c ====\n", {"a": "=== b ===", "c": None}),
        ("=== labels ===\na,\nb\n", {"labels": frozenset("ab")}),
    ],
)
def test_forms_are_read(form, found):
    assert forms.read(TICKET, form, {}) == found


def test_a_name_with_blanks_is_known_from_the_template():
    assert forms.read(ANYTHING, "rt:due date: x\n", {"rt:due date": "y"}) == {"rt:due date": "x"}
    with pytest.raises(Unfit):
        forms.read(ANYTHING, "rt:due date: x\n", {})


def test_what_a_declaration_says_stays_a_comment():
    """A peer's setting may hold line breaks, which must not become a property."""
    kind = RecordType(name="x", properties=(
        Property(name="a", help="help\nstatus: resolved", values=("one\nb: 1",)),))  # fmt: skip

    form = forms.written(kind, {}, lines=["a"], texts=[])

    assert forms.read(kind, form, {}) == {"a": None}


def test_every_line_that_cannot_be_read_is_told():
    with pytest.raises(Unfit) as error:
        forms.read(TICKET, "one\nsummary: a\nsummary: b\nlabels: [\n=== summary ===\n", {})

    assert [fault.line for fault in error.value.faults] == [1, 3, 4, 5]


def test_blank_ends_of_a_text_are_no_change():
    assert forms.changed({"d": "a"}, {"d": "a\n \n"}) == {}
    assert forms.changed({"d": "a"}, {"d": "\nb\n\n"}) == {"d": "b"}
    assert forms.changed({}, {"d": None}) == {}


def test_words_are_properties_or_free():
    found = said(TICKET, ["a", "status=open", "label=x, y", "cc="], sets=["rt:queue=a b"],
                 add=["label=z", "labels=w"], remove=["cc=me"], clear=["owner"])  # fmt: skip

    assert found.free == ["a"]
    assert found.given == {
        "status": "open", "labels": frozenset("xy"), "cc": None, "rt:queue": "a b", "owner": None,
    }  # fmt: skip
    assert found.add == {"labels": frozenset("zw")}
    assert found.remove == {"cc": frozenset({"me"})}
    assert not said(TICKET, [])
