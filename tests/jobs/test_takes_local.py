"""Which jobs take the tickets that were made in the database itself: by default, none by mistake."""

from __future__ import annotations

import pytest

from prophet_hub.jobs.load import parse
from prophet_hub.jobs.remotes import chosen, takes_local

REMOTES = """
remotes:
  a: {connector: rt, url: "https://a.example"}
  b: {connector: rt, url: "https://b.example"}
  c: {connector: rt, url: "https://c.example"}
  laptop: {connector: prophet, url: /laptop.db}
"""


@pytest.mark.parametrize(
    ("jobs", "words", "takes"),
    [
        ("", "a b", False),  # the file has more remotes than these
        ("", "a b c laptop", True),
        ("", "a laptop", True),  # it exchanges with a replica
        ("jobs: {one: {remotes: [a, b]}}", "one", True),  # the only job
        ("jobs: {one: {remotes: [a, b]}}", "a b", True),
        ("jobs: {one: {remotes: [a, b]}}", "b c", False),
        ("jobs: {one: {remotes: [a, b], local: no}}", "one", False),
        ("jobs: {one: {remotes: [a, b]}, two: {remotes: [b, c]}}", "one", False),
        ("jobs: {one: {remotes: [a, b], local: yes}, two: {remotes: [b, c]}}", "one", True),
        ("jobs: {one: {remotes: [a, laptop]}, two: {remotes: [b, c]}}", "one", True),
        ("jobs: {one: {remotes: [a, laptop]}, two: {remotes: [b, c]}}", "two", False),
    ],
)
def test_tickets_of_the_database_go_where_nothing_else_can_be_meant(tmp_path, jobs, words, takes):
    file = parse(REMOTES + jobs, tmp_path / "prophet-hub.yaml")
    _, job = chosen(file, tuple(words.split()))
    assert takes_local(file, job) is takes
