"""What is noted of a peer, and how it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.peers import notes
from prophet_hub.peers.notes import Peer, clean, good, peer_at


@pytest.fixture
def replica():
    replica = Replica.open(":memory:")
    yield replica
    replica.close()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/tickets/", "tickets"),
        ("https://example.org:8080/", "example.org"),
        ("s3://bucket", "bucket"),
        ("sftp://jesse@example.org/~/published", "published"),
        ("../office.db", "office.db"),
        ("memory:///", "peer"),
        (f"https://example.org/{'x' * 90}", "x" * 48),
    ],
)
def test_a_peer_is_called_by_its_address(replica, url, name):
    assert peer_at(replica, url).name == name
    assert good(name) == name


def test_a_peer_is_found_by_name_and_by_address(replica):
    first = Peer(name="web", url="https://example.org/tickets")
    notes.put(replica, first)
    for words in ("web", "https://example.org/tickets", "https://example.org/tickets/"):
        assert peer_at(replica, words) == first
    other = peer_at(replica, "https://other.example.org/web")
    assert other.name == "web-2"
    notes.put(replica, other)
    assert [one.name for one in notes.peers(replica)] == ["web", "web-2"]
    notes.drop(replica, "web")
    notes.drop(replica, "web")
    assert notes.named(replica, "web") is None


def test_a_path_is_noted_from_the_root():
    assert clean("x/../y") == str(Path("x/../y").absolute())
    assert clean("file:/x/y") == "/x/y"
    assert clean("file:///x/y") == "file:///x/y"


def test_no_password_is_noted():
    with pytest.raises(UsageError, match="password") as told:
        clean("https://jesse:secret@example.org")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["https://example.org/x?token=secret", "s3://bucket/x#secret"])
def test_what_no_place_has_in_its_address_is_not_noted(url):
    with pytest.raises(UsageError, match="is no address of a place") as told:
        clean(url)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 65, "a/b"])
def test_what_is_no_name(name):
    with pytest.raises(UsageError):
        good(name)
