"""`serve`, `nearby` and `pull --local` as a person types them."""

from __future__ import annotations

import contextlib
import json

import pytest

from cli.test_peers import recorded, shown
from prophet_hub.peers import nearby, serving
from prophet_hub.peers.nearby import Neighbour
from prophet_hub.peers.places import open_place
from prophet_hub.peers.serving import Serving


@pytest.fixture
def published(hub):
    """A database of two tickets, published in `pub`; `hub.db` is a clone of it."""
    recorded(hub.folder / "office.db", "one", "two")
    assert hub("--database office.db publish pub").code == 0
    assert hub("clone pub hub.db --name office").code == 0
    return hub.folder / "pub"


def test_what_is_served_is_told_and_can_be_read(hub, published, monkeypatch):
    read = []

    def wait(self):
        with contextlib.closing(open_place(self.url)) as place:
            read.append(place.read("prophet-hub.json", limit=10_000))
        raise KeyboardInterrupt

    monkeypatch.setattr(serving.Serving, "wait", wait)
    said = hub("serve pub --port 0")
    assert (said.code, read) == (0, [(published / "prophet-hub.json").read_bytes()])
    assert said.out.startswith("pub is served at http://127.0.0.1:")
    assert said.err.startswith("GET prophet-hub.json 200 ")
    assert hub("serve pub --port 0 --quiet").err == ""


def test_what_is_announced_is_the_family_of_what_was_published(hub, published, monkeypatch):
    told = []

    @contextlib.contextmanager
    def announced(databases, name, *, host, port):
        told.append((databases, name, host))
        yield

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(nearby, "announced", announced)
    monkeypatch.setattr(serving.Serving, "wait", interrupted)
    assert hub("serve pub --port 0 --host 0.0.0.0 --announce Ada").code == 0
    head = json.loads((published / "prophet-hub.json").read_bytes())
    assert told == [([bytes.fromhex(one) for one in head["databases"]], "Ada", "0.0.0.0")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_what_nobody_could_reach_is_not_announced(hub, published, host):
    said = hub(f"serve pub --host {host} --announce Ada")
    assert (said.code, said.out) == (2, "")
    assert "Nobody else could reach" in said.err


def test_a_folder_without_a_published_database_is_not_served(hub):
    assert hub("serve nowhere").code == 2


def test_neighbours_are_listed_and_pulled_from_without_being_noted(hub, published, monkeypatch):
    recorded(hub.folder / "office.db", "three")
    assert hub("--database office.db publish pub").code == 0
    around = []
    monkeypatch.setattr(nearby, "neighbours", lambda databases, *, seconds: around)
    assert hub("nearby").out == "No other replica of this database is announced here.\n"
    assert "is announced on the local network" in hub("pull --local").err
    with Serving(published) as serving:
        around.append(Neighbour("Ada", serving.url))
        assert hub("nearby --seconds 1").out.splitlines()[1].split() == ["Ada", serving.url]
        assert json.loads(hub("nearby --json").out) == [{"name": "Ada", "url": serving.url}]
        said = hub("pull --local")
        assert (said.code, said.out) == (0, "Ada: 1 changeset.\n")
    assert shown(hub.folder / "hub.db") == ["one", "three", "two"]
    assert [one["name"] for one in json.loads(hub("peers --json").out)] == ["office"]
