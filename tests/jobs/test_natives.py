"""Replicas as remotes of the job file: what may stand there, and how a job uses it."""

from __future__ import annotations

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import ConfigError
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.natives import natives_of
from prophet_hub.jobs.remotes import check_settings, chosen

FILE = """
remotes:
  a: {connector: memory, url: memory://a}
  laptop: {connector: prophet, path: laptop.db}
  shelf: {connector: prophet, url: shelf, audience: private}
jobs:
  own: {remotes: [a, laptop]}
  all: {remotes: [a, laptop, shelf]}
"""
BAD = """
remotes:
  a: {connector: memory, url: memory://a}
  both: {connector: prophet, url: https://example.org/x, path: x}
  none: {connector: prophet}
  query: {connector: prophet, path: x, query: open}
  strange: {connector: prophet, path: x, token: env:X}
"""


def test_the_keys_of_a_replica_are_checked(trackers, tmp_path):
    file = parse(BAD, tmp_path / "bad.yaml")
    told = [str(one) for one in check_settings(file, list(file.config.remotes))]
    assert len(told) == 4, told
    assert 'One of "url" and "path"' in told[0]
    assert 'One of "url" and "path"' in told[1]
    assert '"query" is for trackers' in told[2]
    assert 'Unknown key "token"' in told[3]


def test_no_policy_prefers_a_replica(trackers, tmp_path):
    text = FILE.replace("[a, laptop]}", "[a, laptop], conflicts: {default: prefer laptop}}")
    with pytest.raises(ConfigError) as found:
        parse(text, tmp_path / "bad.yaml")
    assert "names a replica" in str(found.value.faults[0])


def test_a_replica_as_a_job_uses_it(trackers, tmp_path, monkeypatch):
    monkeypatch.setenv("WEB", "secret")
    text = """
remotes:
  web: {connector: prophet, url: https://example.org/x, user: jesse, password: env:WEB}
  stick: {connector: prophet, path: stick}
jobs:
  one: {remotes: {web: {direction: both}, stick: {direction: push}}}
"""
    file = parse(text, tmp_path / "prophet-hub.yaml")
    replica = Replica.open(":memory:")
    web, stick = natives_of(replica, file, chosen(file, ("one",))[1], lambda *_: None)
    replica.close()
    assert (web.secret, web.pulls, web.pushes) == (
        "secret",
        True,
        False,
    )  # no web server is written
    assert "secret" not in repr(web)
    assert (stick.pulls, stick.pushes) == (False, True)
    assert stick.peer.url == str(tmp_path / "stick")
