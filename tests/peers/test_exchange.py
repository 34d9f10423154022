"""Replicas that exchange through a published one, and directly."""

from __future__ import annotations

import shutil

import pytest

from peers.shelf import Shelf
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Invalid, UsageError
from prophet_hub.jobs.visits import distance
from prophet_hub.model import ids
from prophet_hub.peers import notes
from prophet_hub.peers import publish as publishing
from prophet_hub.peers.exchange import Fetched, Pulled, Pushed, Took, pull, push, push_to
from prophet_hub.peers.notes import Peer
from prophet_hub.peers.place import Held, Unreachable
from prophet_hub.peers.published import Published

LONG = "lang und länger " * 400


class Desk:
    """A replica and the way in which a person uses it."""

    def __init__(self, path=":memory:", clock=lambda: 1_700_000_000_000_000):
        self.replica = Replica.open(path, clock=clock)

    def ticket(self, record=None, **fields):
        record = record or ids.RecordId(ids.fresh())
        changes = {("life", "alive"): "present"} | {(k, ""): v for k, v in fields.items()}
        self.replica.edit(record, "ticket", changes, author="jesse")
        return record

    def pull(self, shelf, name="shelf", **more):
        peer = notes.peer_at(self.replica, name)
        source = Published(shelf, done=peer.pages)
        return list(pull(self.replica, source, peer, **more))[-1]

    def push(self, shelf, name="shelf"):
        peer = notes.peer_at(self.replica, name)
        return list(push_to(self.replica, shelf, peer, holder="test"))[-1]

    def shown(self):
        return list(self.replica.export())


@pytest.fixture
def desks():
    opened = []

    def make(path=":memory:", **more):
        opened.append(Desk(path, **more))
        return opened[-1]

    yield make
    for one in opened:
        one.replica.close()


def same(*desks):
    shown = desks[0].shown()
    assert shown
    for one in desks[1:]:
        assert one.shown() == shown
        assert one.replica.tips() == desks[0].replica.tips()
        assert one.replica.database() == desks[0].replica.database()


def test_what_is_published_is_pulled_whole(desks):
    one, two, shelf = desks(), desks(), Shelf()
    one.ticket(summary="Größe", description=LONG)
    stored = one.replica.store.blobs.put([b"picture"])
    one.ticket(summary="with a file", content=stored)
    assert one.push(shelf) == Pushed(entries=2, contents=1)
    assert two.pull(shelf) == Pulled(entries=2, contents=1)
    same(one, two)
    assert b"".join(two.replica.content(stored)) == b"picture"
    assert two.replica.wanted() == []


def test_a_second_push_writes_nothing(desks):
    one, shelf = desks(), Shelf()
    one.ticket(summary="x")
    one.push(shelf)
    before, shelf.asked = dict(shelf.files), []
    assert one.push(shelf) == Pushed()
    assert shelf.files == before
    assert [verb for verb, _ in shelf.asked if verb in {"write", "remove"}] == []


def test_an_idle_pull_is_one_small_request(desks):
    one, two, shelf = desks(), desks(), Shelf()
    one.ticket(summary="x")
    one.push(shelf)
    two.pull(shelf)
    shelf.asked, shelf.bytes_read = [], 0
    assert two.pull(shelf) == Pulled()
    assert shelf.asked == [("read", "prophet-hub.json")]
    assert shelf.bytes_read < 1000


def test_a_pull_costs_little_more_than_what_is_new(desks):
    one, two, shelf = desks(), desks(), Shelf()
    for n in range(300):
        one.ticket(summary=f"{n} {ids.fresh().hex()}")
    one.push(shelf)
    two.pull(shelf)
    for n in range(100):
        one.ticket(summary=f"new {n} {ids.fresh().hex()}")
    before = set(shelf.files)
    one.push(shelf)
    segments = [n for n in shelf.files.keys() - before if n.startswith("segments/")]
    shelf.asked, shelf.bytes_read = [], 0
    assert two.pull(shelf) == Pulled(entries=100)
    assert [verb for verb, _ in shelf.asked] == ["read"] * 3  # head, page, segment
    assert shelf.bytes_read < sum(len(shelf.files[n]) for n in segments) + 2500
    same(one, two)


def test_two_replicas_publish_at_one_place_in_turns(desks):
    one, two, three, shelf = desks(), desks(), desks(), Shelf()
    record = one.ticket(summary="a")
    one.push(shelf)
    two.pull(shelf)
    two.ticket(record, summary="b")
    one.ticket(record, status="open")
    two.push(shelf)
    assert one.push(shelf) == Pushed(entries=1)  # the place is ahead of it, which is no error
    one.pull(shelf)
    two.pull(shelf)
    three.pull(shelf)
    same(one, two, three)
    assert one.push(shelf) == two.push(shelf) == Pushed()


def test_a_place_that_is_written_is_held(desks):
    one, shelf = desks(), Shelf()
    one.ticket(summary="a")
    with shelf.lock("two"), pytest.raises(Held):
        one.push(shelf)
    assert shelf.files == {}


def test_a_peer_of_another_family_is_refused(desks):
    one, two, shelf = desks(), desks(), Shelf()
    one.ticket(summary="a")
    two.ticket(summary="b")
    one.push(shelf)
    with pytest.raises(UsageError, match="another database"):
        two.pull(shelf)
    with pytest.raises(UsageError, match="another database"):
        two.push(shelf)
    assert len(two.shown()) == 1


@pytest.mark.parametrize("both", [False, True])
def test_families_that_are_joined_are_one_for_everybody_who_hears_of_it(desks, both):
    one, two, third, fourth = desks(), desks(), desks(), desks()
    first, second = Shelf(), Shelf()
    one.ticket(summary="a")
    two.ticket(summary="b")
    one.push(first)
    two.push(second)
    third.pull(first)
    assert two.pull(first, "first", joins=True, author="jesse") == Pulled(entries=1)
    if both:
        one.pull(second, "second", joins=True, author="clkao")
    two.push(second, "second")
    one.pull(second, "second")
    one.push(second, "second")
    two.pull(second, "second")
    third.pull(second, "second")  # of the one family, by name of the other
    fourth.pull(second, "second")
    same(one, two, third, fourth)
    latest = two.replica.latest()
    two.pull(first, "first", joins=True, author="jesse")
    assert two.replica.latest() == latest  # a second time changes nothing


@pytest.mark.parametrize("torn", [False, True])
def test_a_push_may_be_cut_at_any_request(desks, torn):
    one = desks()
    for n in range(3):
        stored = one.replica.store.blobs.put([bytes([n]) * 3000])
        one.ticket(summary=f"{n}", content=stored)
    at = 0
    while True:
        at += 1
        shelf = Shelf()
        two, three = desks(), desks()
        two.ticket(summary="older")
        two.push(shelf)
        one.replica.store.set_meta("database", two.replica.database())
        shelf.fails_at, shelf.torn, shelf.asked = at, torn, []
        try:
            one.push(shelf, f"shelf-{at}")
        except Unreachable:
            pass
        else:
            break
        shelf.fails_at = 0
        assert three.pull(shelf).entries in {
            1,
            1 + one.replica.latest(),
        }  # the old state or the new one, and whole
        assert three.replica.wanted() == []
        one.ticket(summary="more")
        one.push(shelf, f"shelf-{at}")
        two.pull(shelf)
        three.pull(shelf)
        same(two, three)
        left = [name for name in shelf.files if name.endswith(".torn")]
        assert not [name for name in left if not name.startswith("contents/")]
    assert at > 12


def test_a_pull_may_be_cut_at_any_request(desks):
    one, shelf = desks(), Shelf()
    for _ in range(3):
        stored = one.replica.store.blobs.put([ids.fresh() * 200])
        one.ticket(summary="a", content=stored)
        one.push(shelf)
    at = 0
    while True:
        at += 1
        two = desks()
        shelf.fails_at, shelf.asked = at, []
        try:
            two.pull(shelf)
        except Unreachable:
            pass
        else:
            break
        shelf.fails_at = 0
        two.pull(shelf)
        same(one, two)
        assert two.replica.wanted() == []
    assert at > 6


def test_many_small_pushes_become_few_segments(desks):
    one, two, three, shelf = desks(), desks(), desks(), Shelf()
    record = one.ticket(summary="start")
    one.push(shelf)
    two.pull(shelf)
    for n in range(300):
        one.ticket(record, summary=str(n))
        one.push(shelf)
        if n % 7 == 0:
            two.pull(shelf)
    rows = Published(shelf).rows()
    assert len(rows) < 130
    assert sum(row.count for row in rows) == 301
    assert len([n for n in shelf.files if n.startswith("segments/")]) == len(rows)
    two.pull(shelf)
    three.pull(shelf)
    same(one, two, three)


def test_who_reads_while_segments_are_merged_goes_on_with_the_new_head(desks):
    one, two, shelf = desks(), desks(), Shelf()
    record = one.ticket(summary="start")
    one.push(shelf)
    peer = notes.peer_at(two.replica, "shelf")
    source = Published(shelf)
    assert source.head.generation == 1
    for n in range(200):
        one.ticket(record, summary=str(n))
        one.push(shelf)
    steps = list(pull(two.replica, source, peer))
    assert steps[-1].entries == 201
    same(one, two)


def test_what_the_head_before_names_is_there_until_the_next(desks):
    one, shelf = desks(), Shelf()
    record = one.ticket(summary="start")
    merged = 0
    for n in range(150):
        one.ticket(record, summary=str(n))
        before = Published(shelf)
        old = before.rows() if n else []
        one.push(shelf)
        merged += len(Published(shelf).rows()) < len(old)
        assert all(f"segments/{row.sha256.hex()}" in shelf.files for row in old)
    assert merged == 1


def test_pages_that_were_read_to_the_end_are_not_read_again(desks):
    one, two, shelf = desks(), desks(), Shelf()
    record = one.ticket(summary="start")
    for n in range(70):
        one.ticket(record, summary=str(n))
        one.push(shelf)
    two.pull(shelf)
    one.ticket(record, summary="new")
    one.push(shelf)
    shelf.asked = []
    assert two.pull(shelf).entries == 1
    assert len(shelf.asked) == 3  # head, the second page, segment
    same(one, two)


def test_a_file_that_the_head_names_and_that_is_missing_is_told(desks):
    one, two, shelf = desks(), desks(), Shelf()
    one.ticket(summary="start")
    one.push(shelf)
    for name in [n for n in shelf.files if n.startswith("segments/")]:
        del shelf.files[name]
    with pytest.raises(Invalid, match="not whole"):
        two.pull(shelf)


@pytest.mark.parametrize("folder", ["segments/", "pages/"])
@pytest.mark.parametrize("harm", [lambda d: d[:-1], lambda d: d[:9] + b"x" + d[10:]])
def test_nothing_is_believed_that_is_not_what_its_name_says(desks, folder, harm):
    one, two, shelf = desks(), desks(), Shelf()
    one.ticket(summary="start")
    one.push(shelf)
    (name,) = [n for n in shelf.files if n.startswith(folder)]
    shelf.files[name] = harm(shelf.files[name])
    with pytest.raises(Invalid):
        two.pull(shelf)
    assert two.replica.latest() == 0


def test_a_content_that_is_not_what_its_name_says_is_still_wanted(desks):
    one, two, shelf = desks(), desks(), Shelf()
    stored = one.replica.store.blobs.put([b"picture"])
    one.ticket(summary="a", content=stored)
    one.push(shelf)
    (name,) = [n for n in shelf.files if n.startswith("contents/")]
    shelf.files[name] = b"puzzles"
    peer = notes.peer_at(two.replica, "shelf")
    steps = list(pull(two.replica, Published(shelf), peer))
    assert [type(s.error) for s in steps if isinstance(s, Fetched)] == [Invalid]
    assert steps[-1] == Pulled(entries=1, missing=1)
    assert two.replica.wanted() == [stored]


def test_a_content_that_came_late_is_published_late(desks):
    one, two, three, shelf = desks(), desks(), desks(), Shelf()
    stored = one.replica.store.blobs.put([b"picture"])
    one.ticket(summary="a", content=stored)
    two.replica.integrate(one.replica.offers(two.replica.stands_at))
    two.replica.store.set_meta("database", one.replica.database())
    two.push(shelf)
    assert three.pull(shelf) == Pulled(entries=1, missing=1)
    assert one.push(shelf) == Pushed(contents=1)
    assert three.pull(shelf) == Pulled(contents=1)
    assert Published(shelf).head.lacking is None


def test_a_large_content_goes_on_where_it_was_cut(desks):
    one, two, shelf = desks(), desks(), Shelf()
    stored = one.replica.store.blobs.put([ids.fresh() * 200_000])
    one.ticket(summary="a", content=stored)
    one.push(shelf)
    name = next(n for n in shelf.files if n.startswith("contents/"))
    whole, pieces = shelf.files[name], shelf.pieces

    def cut(name, start=0):
        for n, piece in enumerate(pieces(name, start)):
            if n == 1000 and name.startswith("contents/"):
                raise Unreachable("cut")
            yield piece

    shelf.pieces = cut
    with pytest.raises(Unreachable):
        two.pull(shelf)
    shelf.pieces, shelf.bytes_read = pieces, 0
    assert two.pull(shelf).contents == 1
    assert shelf.bytes_read < len(whole) - 900_000
    assert not list((two.replica.store.blobs.folder / "partial").iterdir())


def test_databases_exchange_directly(desks, tmp_path):
    one, two = desks(tmp_path / "one.db"), desks(tmp_path / "two.db")
    stored = one.replica.store.blobs.put([b"picture"])
    one.ticket(summary="a", content=stored, description=LONG)
    peer = Peer(name="two", url="two.db")
    assert list(push(one.replica, two.replica, peer))[-1] == Pushed(entries=1, contents=1)
    two.ticket(summary="b")
    source = Replica.open(tmp_path / "two.db", read_only=True, clock=lambda: 1)
    steps = list(pull(one.replica, source, peer))
    source.close()
    assert steps == [Took(entries=1, new=1, total=0), Pulled(entries=1)]
    same(one, two)


def test_a_restored_backup_heals_before_it_pushes(desks):
    one, two, shelf = desks(), desks(), Shelf()
    record = one.ticket(summary="a")
    one.push(shelf)
    backup = desks()
    backup.pull(shelf)
    backup.replica._recorder.origin = one.replica.origin
    backup.replica.store.set_meta("origin", one.replica.origin)
    one.ticket(record, summary="lost with the disk")
    one.push(shelf)
    backup.ticket(record, status="open")  # under the number that the lost one has
    peer = notes.peer_at(backup.replica, "shelf")
    steps = list(push_to(backup.replica, shelf, peer, holder="test"))
    assert "restored or copied" in steps[0].sentence
    assert steps[-1] == Pushed(entries=1)
    assert backup.replica.origin != one.replica.origin
    backup.ticket(record, priority="high")
    backup.push(shelf)
    two.pull(shelf)
    one.pull(shelf)
    same(backup, two, one)
    (shown,) = two.shown()
    assert shown["properties"]["status"] == "open"
    assert shown["properties"]["summary"] == "lost with the disk"


def test_a_copy_of_the_file_goes_on_beside_it(desks, tmp_path):
    one, three, shelf = desks(tmp_path / "one.db"), desks(), Shelf()
    record = one.ticket(summary="a")
    one.push(shelf)
    one.replica.store.run("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "one.db", tmp_path / "copy.db")
    copy = desks(tmp_path / "copy.db")
    one.ticket(record, status="open")
    copy.ticket(record, priority="high")
    for _ in range(2):
        for each in (one, copy):
            each.push(shelf)
            each.pull(shelf)
    three.pull(shelf)
    same(one, copy, three)
    assert one.shown()[0]["properties"] == {"summary": "a", "status": "open", "priority": "high"}


def test_a_very_long_text_goes_into_a_segment_of_its_own(desks):
    one, two, shelf = desks(), desks(), Shelf()
    one.ticket(summary="a", description="short " * 1000)
    one.ticket(summary="b", description=ids.fresh().hex() * 300_000)
    one.push(shelf)
    assert two.pull(shelf) == Pulled(entries=2)
    assert [row.count for row in Published(shelf).rows()] == [1, 1]
    same(one, two)


def test_a_text_for_which_a_segment_has_no_room_lies_among_the_contents(desks, monkeypatch):
    monkeypatch.setattr(publishing, "_TEXTS", 5_000)
    one, two, shelf = desks(), desks(), Shelf()
    long = ids.fresh().hex() * 1_000
    one.ticket(summary="a", description=long)
    one.push(shelf)
    assert two.pull(shelf) == Pulled(entries=1, contents=1)
    (ticket,) = [row.record for row in two.replica.records("ticket")]
    assert two.replica.text(two.replica.shown(ticket)["description"]) == long


def test_large_neighbours_become_several_segments(desks, monkeypatch):
    monkeypatch.setattr(publishing, "TARGET", 4_000)
    monkeypatch.setattr(publishing, "FULL", 2_000)
    one, two, shelf = desks(), desks(), Shelf()
    for _ in range(140):
        one.ticket(summary=ids.fresh().hex())
        one.push(shelf)
    rows = Published(shelf).rows()
    assert [row.level for row in rows].count(1) > 2
    two.pull(shelf)
    same(one, two)


def test_a_web_server_is_not_written(desks):
    one, shelf = desks(), Shelf()
    one.ticket(summary="a")
    shelf.writable = False
    with pytest.raises(UsageError, match="read and not written"):
        one.push(shelf)


def test_how_far_a_peer_is(desks):
    one, two = desks(), desks()
    record = one.ticket(summary="a")
    at = one.replica.tips()
    assert distance(one.replica, at) == (0, False)
    one.ticket(record, summary="b")
    assert distance(one.replica, at) == (1, False)
    assert distance(one.replica, []) == (2, False)
    two.ticket(summary="c")
    assert distance(one.replica, two.replica.tips()) == (2, True)
    fork = desks()
    fork.replica.integrate(list(one.replica.offers(lambda *_: False))[:1])
    fork.replica._recorder.origin = one.replica.origin
    fork.ticket(record, summary="d")
    fork.ticket(record, summary="e")
    one.replica.integrate(fork.replica.offers(one.replica.stands_at))
    assert distance(one.replica, at) == (3, False)
    assert distance(one.replica, fork.replica.tips()) == (1, False)


def test_private_records_are_not_published_unless_somebody_says_so(desks):
    one, shelf = desks(), Shelf()
    ticket = one.ticket(summary="a")
    one.replica.edit(ids.RecordId(ids.fresh()), "comment",
                     {("body", ""): "between us", ("ticket", ""): ids.text(ticket)},
                     author="jesse")  # fmt: skip
    with pytest.raises(UsageError, match="1 comment"):
        one.push(shelf)
    assert shelf.files == {}
    notes.put(one.replica, Peer(name="shelf", url="shelf", private=True))
    assert one.push(shelf).entries == 2
