"""Aligned text: widths, cuts, and what a tracker's text may not do to a terminal."""

from __future__ import annotations

import pytest

from prophet_hub.cli.tables import clean, counted, cut, shown_time, table, width


def test_columns_are_aligned_by_what_is_seen():
    assert table([("a", "b"), ("東京", "c"), ("é", "d")], head=("one", "two")) == [
        "one   two",
        "a     b",
        "東京  c",
        "é     d",
    ]


def test_rows_may_be_short_and_none_are_nothing():
    assert table([("a", "b", "c"), ("dd",)]) == ["a   b  c", "dd"]
    assert table([]) == []


def test_a_terminal_s_edge_cuts_lines():
    assert table([("abcdefghij", "klmnopqrst")], width=15) == ["abcdefghij  kl…"]
    assert table([("abcdefghijklmnop",)], width=1) == ["abcdefghijk…"]


def test_where_a_line_would_be_cut_sentences_stand_below_their_row():
    rows = [("1", "It is too long for a terminal.", "x"), ("2", "", "y"), ("3",)]
    head = ("n", "why", "what")
    assert table(rows, head=head, width=24, below=("why",)) == [
        "n  what",
        "1  x",
        "    why: It is too long",
        "      for a terminal.",
        "2  y",
        "3",
    ]
    assert table(rows, head=head, width=80, below=("why",)) == table(rows, head=head)
    assert table([], head=head, width=24, below=("why",)) == []


def test_titles_may_be_emphasised():
    assert table([("a",)], head=("t",), bold=True) == ["\x1b[1mt\x1b[0m", "a"]


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("東京都", 5, "東京…"), ("東京都", 4, "東…")],
)
def test_a_cut_counts_columns(text, most, shown):
    assert cut(text, most) == shown
    assert width(cut(text, most)) <= most


def test_nothing_moves_the_cursor():
    assert clean("a\x1b[2Jb\r\nc\td\u202ee\x00") == "a[2Jb  c de"


def test_times_and_counts():
    assert shown_time(0) == ""
    assert shown_time(1_700_000_000_999_999) == "2023-11-14 22:13"
    assert (counted(1, "ticket"), counted(0, "ticket")) == ("1 ticket", "0 tickets")
    assert counted(2000, "ticket") == "2,000 tickets"
