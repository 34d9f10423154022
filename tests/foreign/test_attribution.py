"""The line that says who wrote a comment, when and where."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.foreign.attribution import Line, parse, write

WHEN = datetime(2026, 11, 20, 18, 43, tzinfo=UTC)
LINE = Line(author="jesse", created=WHEN, remote="rt-main", ticket="42", comment="53")


def test_the_line_is_readable():
    assert write(LINE, "Hello.") == "jesse, 2026-11-20 18:43 UTC, rt-main#42-53:\n\nHello."


def test_what_is_written_is_read_back():
    assert parse(write(LINE, "Hello.\n\nBye.\n")) == (LINE, "Hello.\n\nBye.\n")


@given(
    author=st.text(
        st.characters(exclude_categories=["C", "Z"], exclude_characters=">@"), min_size=1
    ),
    remote=st.text("abc-.:# 7é", min_size=1),
    ticket=st.text("abc-.:# 7é"),
    comment=st.text("abc-.:# 7é", min_size=1),
    body=st.text().filter(lambda text: not text[:1].isspace() and text[:1] != ">"),
)
def test_any_name_and_place_come_back(author, remote, ticket, comment, body):
    line = Line(author=author, created=WHEN, remote=remote, ticket=ticket, comment=comment)
    found, text = parse(write(line, body))

    assert (found.remote, found.ticket, found.comment) == (remote, ticket, comment)
    assert found.author == author[:200]
    assert text == body


def test_a_name_that_begins_with_a_sign_calls_nobody():
    line = replace(LINE, author="@eve of x@y")
    assert write(line, "Hello.").startswith("eve of x@y, 2026-")


@pytest.mark.parametrize(
    "told",
    [
        "jesse, 2026-11-20 18:43 UTC, rt-main#42-53:\r\n\r\nHello.",
        "jesse, 2026-11-20 18:43 UTC,\nrt-main#42-53:\n\nHello.",
        "> jesse, 2026-11-20\n> 18:43 UTC, rt-main#42-53:\n>\n> Hello.",
        "  \njesse, 2026-11-20 18:43 UTC, rt-main#42-53:\nHello.",
    ],
)
def test_a_tracker_may_wrap_and_quote_it(told):
    assert parse(told) == (LINE, "Hello.")


@pytest.mark.parametrize(
    "text",
    [
        "Hello, 2026-11-20 was a Friday.",
        "As jesse said:\n\njesse, 2026-11-20 18:43 UTC, rt-main#42-53:\n\nHello.",
        "jesse, 2026-13-40 18:43 UTC, rt-main#42-53:\n\nHello.",
        "",
    ],
)
def test_other_texts_open_with_no_line(text):
    assert parse(text) == (None, text)


def test_a_dialect_is_marked():
    line = Line(author="j", created=WHEN, remote="r", ticket="1", comment="2", dialect="textile")
    assert write(line, "*b*").splitlines()[0].endswith("r#1-2 (textile):")
    assert parse(write(line, "*b*")) == (line, "*b*")


def test_trac_makes_no_link_of_the_number():
    """There `rt-main#42-53` would be the tickets 42 to 53, of whoever has these numbers."""
    told = write(LINE, "Hello.", "!#")
    assert told == "jesse, 2026-11-20 18:43 UTC, rt-main!#42-53:\n\nHello."
    assert parse(told) == (LINE, "Hello.")
