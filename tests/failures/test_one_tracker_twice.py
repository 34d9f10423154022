"""F28, F31: a job must not sync a tracker with itself: each side would copy the other's copies."""

from __future__ import annotations

import pytest

from jobs import memory
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.remotes import chosen, doubled

FILE = """
remotes:
  a: {{connector: memory, url: "memory://a", query: "{one}"}}
  b: {{connector: memory, url: "memory://a/", query: "{two}", user: other}}
  c: {{connector: memory, url: "memory://c"}}
"""


@pytest.mark.parametrize(("one", "two", "faults"), [("x=1", "x=1", 1), ("x=1", "x=2", 0)])
def test_the_same_query_of_the_same_tracker_twice_is_a_fault(tmp_path, one, two, faults):
    folder = tmp_path / "site"
    folder.mkdir()
    with memory.registered(folder):
        file = parse(FILE.format(one=one, two=two), tmp_path / "prophet-hub.yaml")
        found = doubled(file, chosen(file, ("a", "b", "c"))[1])
    assert len(found) == faults, "a tracker copies its own copies"
    assert all((f.line, f.path) == (4, "remotes.b.url") for f in found)
