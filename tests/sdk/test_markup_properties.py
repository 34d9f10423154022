"""Any text, there and back and there again, is what it was after the first time."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from prophet_hub.sdk.markup import DIALECTS, convert, converting, images, prose, with_images
from prophet_hub.sdk.markup.tree import Code, Item, Items, Paragraph, Quote, Text

HERE = Path(__file__).resolve()
_spec = importlib.util.spec_from_file_location("markup_facts", HERE.with_name("markup_facts.py"))
assert _spec
assert _spec.loader
facts = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(facts)

PAIRS = list(itertools.permutations(sorted(DIALECTS), 2))
SNIPPETS = st.sampled_from(
    [
        "*", "**", "_", "`", "```", "~~~", "[", "]", "(", ")", "![", "](", "http://a.b/c", "<b>", "</b>", "<br>",
        "<", "&amp;", "&", "> ", ">", "- ", "1. ", "# ", "\n", "\n\n", "    ", "\t", "|", "||", "| a | b |",
        "|---|---|", "=", "==", "''", "'''", "{{{", "}}}", "[[BR]]", "!", "^", ",,", "~~", "__", "//", "FooBar", "@",
        '"x":http://y.z', "h2. ", "bq. ", "<pre>", "</pre>", "<code>", "</code>", "{", "}", "%", "+", "-", "---",
        "\\", "a", "foo", "Bar 12", "é", "\u200b", "\xa0", "\r\n", "#12", "ticket:3", ".", "* ", "[x] ", "0", "'",
        '"', "\x00", "\x0c", "\u2028", "<a href='x'>", "<li>", "<td>", "<table>", "::", "[1]", "mailto:a@b.c",
        "a@b.c", "<!--", "-->", "&#42;", "x" * 200,
    ]
)  # fmt: skip
HOSTILE = st.lists(SNIPPETS, max_size=14).map("".join) | st.text(max_size=60)
relaxed = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def stable(text: str, source: str, target: str) -> str:
    there = convert(text, source, target)
    again = convert(convert(there, target, source), source, target)
    assert again == there, (source, target)
    return there


@relaxed
@given(HOSTILE)
def test_any_text_is_stable_from_the_first_pass_on(text):
    for source, target in PAIRS:
        stable(text, source, target)


@relaxed
@given(facts.TREES)
def test_documents_are_stable_from_the_first_pass_on(tree):
    for source, target in PAIRS:
        stable(facts.WRITE[source](tree), source, target)


def nested(depth):
    return Items((Item((nested(depth - 1),) if depth > 1 else (), None),), None)


@relaxed
@given(facts.TREES)
@example((nested(3), Paragraph((Text("a"),)), nested(5)))
def test_markdown_is_read_as_it_was_written(tree):
    assert facts.READ["markdown"](facts.WRITE["markdown"](tree)) == tree


QUOTE_BELOW_A_LIST = Items(
    (Item((Items((Item((), None),), None), Quote((Code("int main()", ""),))), None),), None
)


@relaxed
@given(facts.TREES)
@example((QUOTE_BELOW_A_LIST,))
@pytest.mark.parametrize("dialect", ["html", "textile", "trac"])
def test_code_and_letters_survive_writing(dialect, tree):
    there = facts.READ[dialect](facts.WRITE[dialect](tree))
    assert facts.codes(there) == facts.codes(tree)


@relaxed
@given(HOSTILE)
def test_places_are_within_the_text_and_nothing_else_changes(text):
    for dialect in DIALECTS:
        spans = prose(text, dialect)
        assert spans == sorted(spans)
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert with_images(text, dialect, {}) == text
        assert all(isinstance(name, str) for name in images(text, dialect))


def test_a_text_that_never_settles_is_shown_as_code(monkeypatch):
    """Guards the last resort: writers that cannot read their own writing."""
    read, write = converting.DIALECTS["markdown"]

    def growing(blocks):
        words = not isinstance(blocks[0], Code)
        return write(blocks) + "\n\nmore" if words else write(blocks)

    monkeypatch.setitem(converting.DIALECTS, "markdown", (read, growing))
    assert convert("a", "markdown", "html") == "<pre><code>a\n</code></pre>"
