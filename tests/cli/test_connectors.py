"""`connectors`: what is installed, and what each promises."""

from __future__ import annotations

import sys

import pytest

from prophet_hub.plugins import installed


def test_connectors_are_listed_from_metadata(hub):
    lines = hub("connectors").out.splitlines()

    assert lines[0].split() == ["connector", "package", "version", "about"]
    built_in = {one.name for one in installed() if one.package == "prophet-hub"}
    assert [line.split()[0] for line in lines[1:]] == sorted(built_in | {"memory"})
    assert [one for one in hub("connectors list --json").data if one["name"] == "memory"] == [{
        "name": "memory", "module": "jobs.memory", "package": "memory-tracker", "version": "1",
        "summary": "",
    }]  # fmt: skip


def test_listing_imports_no_connector(hub, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("prophet_connectors.rt")]:
        monkeypatch.delitem(sys.modules, name)  # and back again, or others meet a second one

    hub("connectors list")

    assert "prophet_connectors.rt" not in sys.modules


@pytest.mark.parametrize("name", [one.name for one in installed() if one.package == "prophet-hub"])
def test_a_connector_shows_settings_promises_and_fields(hub, name):
    out = hub(f"connectors show {name}").out

    assert out.startswith(f"{name}: ")
    for part in ("Settings:", "  url", "Promises:", "  history", "Fields (ours, theirs):"):
        assert part in out
    data = hub(f"connectors show {name} --json").data
    assert data["name"] == name
    assert {"summary", "status"} <= {row["ours"] for row in data["fields"]}


def test_a_secret_setting_is_marked(hub):
    settings = hub("connectors show memory --json").data["settings"]

    assert [one["name"] for one in settings if one["secret"]] == ["password"]
    assert "password  str, a secret" in hub("connectors show memory").out


def test_an_unknown_connector_names_the_nearest(hub):
    said = hub("connectors show memroy")

    assert said.code == 2
    assert said.err == ('prophet-hub: No connector "memroy" is installed. Did you mean memory?\n')
