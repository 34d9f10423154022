"""The hub's key under a text."""

from __future__ import annotations

import time

import pytest

from prophet_hub.sdk.marks import marked, unmarked


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\n\n", " a \r\n", "[prophet-hub:x]"])
def test_a_text_comes_back_from_above_its_key(text):
    assert unmarked(marked(text, "k-1")) == (text, "k-1")


def test_what_looks_like_a_key_costs_no_more_than_its_length():
    began = time.process_time()
    text = "a\n\n[prophet-hub:k]" + " " * 50_000 + "b"
    assert unmarked(text) == (text, "")
    assert time.process_time() - began < 1
