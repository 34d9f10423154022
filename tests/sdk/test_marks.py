"""The hub's key under a text."""

from __future__ import annotations

import time

import pytest

from prophet_hub.sdk.marks import ROOM, marked, unmarked


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\n\n", " a \r\n", "[prophet-hub:x]"])
def test_a_text_comes_back_from_above_its_key(text):
    assert unmarked(marked(text, "k-1")) == (text, "k-1")


def test_what_looks_like_a_key_costs_no_more_than_its_length():
    began = time.process_time()
    text = "a\n\n[prophet-hub:k]" + " " * 50_000 + "b"
    assert unmarked(text) == (text, "")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("{}\n\nPS", "a\n\nPS"),
        ("{}\r\nPS\r\n", "a\r\nPS\r\n"),
        ("{}  \n\nPS", "a  \n\nPS"),
        ("{}\n \n", "a"),
    ],
)
def test_what_is_written_below_the_key_is_text(told, text):
    assert unmarked(told.format(marked("a", "k-1"))) == (text, "k-1")
    assert unmarked(told.format(marked("", "k-1")))[1] == "k-1"


@pytest.mark.parametrize("text", ["a [prophet-hub:k]", "a\n[prophet-hub:k]", "[prophet-hub:k] a"])
def test_a_key_within_a_line_is_none(text):
    assert unmarked(text) == (text, "")


def test_the_line_takes_no_more_than_its_room():
    key = "a715e57f-f05e-58ce-b8cb-07c1671ff7e3"
    assert len(marked("a", key)) == 1 + ROOM
