"""A file within JSON: the body is what `json` would have made of it, and never held whole."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.errors import Rejected
from prophet_hub.sdk.inline import InBase64


def said(data: str) -> dict[str, object]:
    return {"method": "put", "params": [1, "näme", data], "id": 1}


@given(st.lists(st.binary(max_size=100_000), max_size=4))
def test_the_body_is_that_of_json(pieces):
    data = b"".join(pieces)
    body = InBase64(said, size=len(data), content=lambda: iter(pieces))
    sent = b"".join(body)
    assert len(sent) == len(body)
    assert json.loads(sent) == said(base64.b64encode(data).decode())
    assert b"".join(body) == sent, "a second attempt sends the same"


def test_it_comes_in_pieces():
    body = InBase64(said, size=1 << 20, content=lambda: iter([bytes(1 << 16)] * 16))
    assert max(map(len, body)) <= 1 << 18


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_that_changed_its_size_is_refused(size):
    body = InBase64(said, size=size, content=lambda: iter([b"abc"]))
    with pytest.raises(Rejected):
        b"".join(body)
