"""Which remotes are one tracker: by connector, address and part, in however many ways it is written."""

from __future__ import annotations

import msgspec
import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.places import Place, names_at
from prophet_hub.jobs.trackers import introduce, moves, seen, tracker_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://rt.example.org", "https://rt.example.org/", True),
        ("https://rt.example.org", "https://RT.Example.org", True),
        ("https://rt.example.org", "https://rt.example.org:443", True),
        ("https://rt.example.org", "http://rt.example.org", True),
        ("https://rt.example.org", "http://rt.example.org:80/", True),
        ("https://rt.example.org.", "https://hub@rt.example.org", True),
        ("http://localhost:8080/rt", "http://127.0.0.1:8080/rt/", True),
        ("http://[::1]:8080", "http://127.0.0.1:8080", True),
        ("https://rt.example.org:8443", "https://rt.example.org", False),
        ("https://rt.example.org/support", "https://rt.example.org/dev", False),
        ("https://rt.example.org/Dev", "https://rt.example.org/dev", False),
        ("https://rt.example.org", "https://rt.example.com", False),
        ("https://rt.example.org:x", "https://rt.example.org:x/", True),
        ("production", "production/", True),
        ("production", "staging", False),
        ("", "", False),
    ],
)
def test_an_address_is_one_however_it_is_written(one, other, same):
    assert Place("rt", one).is_at(Place("rt", other)) is same
    assert not Place("rt", one).is_at(Place("trac", other))
    assert not Place("rt", one, "dev").is_at(Place("rt", other))


def test_an_address_of_this_machine_means_nothing_elsewhere():
    assert [Place("rt", url).travels for url in
            ("https://rt.example.org", "http://localhost", "http://127.0.0.1:80", "http://[::1]", "todo.txt")
            ] == [True, False, False, False, False]  # fmt: skip


REMOTES = """
remotes:
  support: {connector: rt, url: "https://rt.example.org", query: "Queue = 'Support'"}
  dev: {connector: rt, url: "https://RT.example.org/", query: "Queue = 'Dev'"}
  own: {connector: rt, url: "https://rt.example.org", part: own}
  other: {connector: rt, url: "https://rt.example.com"}
  file: {connector: todotxt, url: todo.txt}
  same: {connector: todotxt, url: ./lists/../todo.txt}
  ubuntu: {connector: launchpad, url: production, target: ubuntu}
  bzr: {connector: launchpad, url: production, target: bzr}
  laptop: {connector: prophet, url: "https://rt.example.org"}
"""


def loaded(tmp_path, text=REMOTES):
    return parse(text, tmp_path / "prophet-hub.yaml")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("support", ["support", "dev"]),
        ("own", ["own"]),
        ("other", ["other"]),
        ("same", ["file", "same"]),
        ("ubuntu", ["ubuntu"]),
    ],
)
def test_names_of_one_place_are_found(tmp_path, name, names):
    assert list(names_at(loaded(tmp_path), name)) == names


@pytest.fixture
def replica(tmp_path):
    made = Replica.open(tmp_path / "hub.db", clock=lambda: 7)
    yield made
    made.close()


def test_names_of_one_place_stand_for_one_tracker(replica, tmp_path):
    file = loaded(tmp_path)
    introduce(replica, file, ["dev", "support", "own", "other"])

    ids = {name: tracker_of(replica, name) for name in ("dev", "support", "own", "other")}
    assert ids["dev"] == ids["support"]
    assert len(set(ids.values())) == 3
    assert Ledger(replica.store, ids["dev"], "").remote_named(ids["dev"]) == "dev"


def test_a_name_that_has_an_id_keeps_it(replica, tmp_path):
    before = {name: tracker_of(replica, name) for name in ("support", "dev")}

    introduce(replica, loaded(tmp_path), ["support", "dev"])

    assert {name: tracker_of(replica, name) for name in ("support", "dev")} == before
    assert len(set(before.values())) == 2


def test_a_remote_that_is_renamed_is_the_same_tracker(replica, tmp_path):
    introduce(replica, loaded(tmp_path), ["other"])
    seen(replica, loaded(tmp_path), "other")
    renamed = loaded(tmp_path, REMOTES.replace("  other:", "  main:"))
    introduce(replica, renamed, ["main"])

    tracker = tracker_of(replica, "main")
    assert tracker == tracker_of(replica, "other")
    assert Ledger(replica.store, tracker, "").remote_named(tracker) == "main"


def test_who_takes_the_place_of_one_that_moved_is_another(replica, tmp_path):
    introduce(replica, loaded(tmp_path), ["other"])
    seen(replica, loaded(tmp_path), "other")
    text = REMOTES.replace("rt.example.com", "rt2.example.com")
    moved = loaded(tmp_path, text + '  new: {connector: rt, url: "https://rt.example.com"}\n')
    assert [move.remote for move in moves(replica, moved, ["other", "new"])] == ["other"]
    introduce(replica, moved, ["other", "new"])

    assert tracker_of(replica, "new") != tracker_of(replica, "other")


def test_another_way_to_write_an_address_is_no_move(replica, tmp_path):
    file = loaded(tmp_path)
    introduce(replica, file, ["support"])
    seen(replica, file, "support")
    other = loaded(
        tmp_path,
        REMOTES.replace('https://rt.example.org", query', 'http://RT.example.org:80/", query'),
    )

    assert moves(replica, other, ["support"]) == []


def test_one_of_two_names_does_not_move_alone(replica, tmp_path):
    file = loaded(tmp_path)
    introduce(replica, file, ["support", "dev"])
    for name in ("support", "dev"):
        seen(replica, file, name)
    other = loaded(tmp_path, REMOTES.replace("RT.example.org", "rt2.example.org"))

    with pytest.raises(UsageError, match="dev was the same tracker as support until now"):
        moves(replica, other, ["dev"])
    both = loaded(tmp_path, REMOTES.replace("RT.example.org", "rt2.example.org").replace('rt.example.org", query', 'rt2.example.org", query'))  # fmt: skip
    assert [move.remote for move in moves(replica, both, ["support", "dev"])] == ["support", "dev"]


def test_another_hub_knows_the_tracker_at_a_place_by_any_name(replica, tmp_path):
    file = loaded(tmp_path)
    introduce(replica, file, ["support"])
    seen(replica, file, "support")
    peer = Replica.open(":memory:", clock=lambda: 8)
    peer.integrate(replica.offers(peer.stands_at))
    introduce(
        peer,
        loaded(tmp_path, 'remotes: {bugs: {connector: rt, url: "http://rt.example.org/"}}'),
        ["bugs"],
    )

    assert tracker_of(peer, "bugs") == tracker_of(replica, "support")
    peer.close()


def test_a_part_that_was_not_noted_yet_is_no_move(replica, tmp_path):
    text = 'remotes: {support: {connector: rt, url: "https://rt.example.org", part: PART}}'
    file = loaded(tmp_path, text)
    introduce(replica, file, ["support"])
    with replica.transaction():  # as it was noted before a place had parts
        noted = msgspec.msgpack.encode(["rt", "https://rt.example.org"])
        replica.store.put("settings", ("seen-at:support",), noted)
    assert moves(replica, file, ["support"]) == []

    seen(replica, file, "support")
    (move,) = moves(replica, loaded(tmp_path, text.replace("PART", "other")), ["support"])
    assert move.remote == "support"
