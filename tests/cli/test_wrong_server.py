"""A server that is not the tracker is told as one, whatever it answers."""

from __future__ import annotations

import pytest

from prophet_hub.testing.serve import Served

REMOTES = {
    "redmine": "    api_key: env:SECRET\n    project: demo\n",
    "bugzilla": "    user: hub@example.org\n    api_key: env:SECRET\n    product: P\n    component: C\n    version: v\n",
    "launchpad": "    target: p\n    token: env:SECRET\n    token_secret: env:SECRET\n",
    "rt": "    user: hub\n    token: env:SECRET\n",
}


def nothing(environ, start):
    start("404 Not Found", [("Content-Type", "text/html"), ("Content-Length", "4")])
    return [b"none"]


@pytest.mark.parametrize("connector", REMOTES)
def test_a_server_without_the_tracker_is_told_by_its_address(hub, monkeypatch, connector):
    monkeypatch.setenv("SECRET", "x" * 40)
    with Served(nothing) as url:
        (hub.folder / "prophet-hub.yaml").write_text(
            f"remotes:\n  one:\n    connector: {connector}\n    url: {url}\n{REMOTES[connector]}"
        )
        told = hub("check")
    assert told.code != 0
    assert "Check `url` of remote one" in told.out + told.err
