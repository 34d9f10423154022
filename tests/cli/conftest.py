"""The commands over trackers in this process."""

from __future__ import annotations

import pytest

from cli.hub import Hub
from jobs import memory
from prophet_hub.testing.tracker import Tracker

JOB_FILE = """
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: [a, b]}
"""


@pytest.fixture
def hub(tmp_path, monkeypatch, capsys):
    """A job file over two empty trackers `a` and `b`, and a place for a database."""
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "prophet-hub.yaml").write_text(JOB_FILE)
    monkeypatch.chdir(tmp_path)
    for name in ("PROPHET_HUB_DATABASE", "PROPHET_HUB_CONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    with memory.registered(site):
        memory.TRACKERS.update(a=Tracker("a"), b=Tracker("b"))
        yield Hub(tmp_path, capsys)
