"""Bundles: one file that is whole or not there, and that says what it needs."""

from __future__ import annotations

import zipfile

import pytest

from peers.test_exchange import LONG, Desk, same
from prophet_hub.errors import Invalid, StoreError, UsageError
from prophet_hub.peers import bundle
from prophet_hub.peers.bundle import Bundle, create, is_bundle, ticket_file, ticket_of, verify
from prophet_hub.peers.exchange import Pulled, pull
from prophet_hub.peers.notes import Peer
from prophet_hub.peers.place import Absent, Unreachable
from prophet_hub.peers.published import Published


@pytest.fixture
def desks():
    opened = []

    def make():
        opened.append(Desk())
        return opened[-1]

    yield make
    for one in opened:
        one.replica.close()


@pytest.fixture
def filled(desks):
    one = desks()
    stored = one.replica.store.blobs.put([b"picture" * 1000])
    one.ticket(summary="with a file", content=stored, description=LONG)
    one.ticket(summary="another")
    return one


def written(desk, path, since=()):
    return list(create(desk.replica, path, list(since), holder="test"))[-1]


def applied(desk, path):
    bundle = Bundle(path)
    try:
        return list(
            pull(desk.replica, Published(bundle), Peer(name="b", url=str(path)), noted=False)
        )[-1]
    finally:
        bundle.close()


def verified(path):
    bundle = Bundle(path)
    try:
        return verify(Published(bundle))
    finally:
        bundle.close()


def test_a_bundle_of_everything_makes_a_clone(desks, filled, tmp_path):
    path = tmp_path / "all.bundle"
    assert (written(filled, path).entries, is_bundle(path)) == (2, True)
    two = desks()
    assert applied(two, path) == Pulled(entries=2, contents=1)
    same(filled, two)
    assert applied(two, path) == Pulled()
    assert [one.name for one in tmp_path.iterdir()] == ["all.bundle"]


def test_a_bundle_from_a_ticket_on_holds_what_follows_it(desks, filled, tmp_path):
    two = desks()
    applied_all = tmp_path / "all.bundle"
    written(filled, applied_all)
    applied(two, applied_all)
    ticket = tmp_path / "two.ticket"
    ticket.write_bytes(ticket_file(two.replica))
    filled.ticket(summary="new")
    path = tmp_path / "new.bundle"
    assert written(filled, path, ticket_of(ticket)).entries == 1
    assert path.stat().st_size < 3000
    assert verified(path).head.before == tuple(
        (o.hex(), s, r.hex()) for o, s, r in two.replica.tips()
    )
    three = desks()
    with pytest.raises(Invalid, match="goes on from changeset 2"):
        applied(three, path)
    assert three.replica.tips() == []
    assert applied(two, path) == Pulled(entries=1)
    same(filled, two)
    assert sorted(ticket_of(path)) == filled.replica.tips()  # the next one may follow a bundle


def test_where_nothing_is_new_no_file_is_written(filled, tmp_path):
    path = tmp_path / "no.bundle"
    with pytest.raises(UsageError, match="Nothing is new"):
        written(filled, path, filled.replica.tips())
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_bundle_survives_a_power_cut(filled, tmp_path, monkeypatch):
    """The folder is synced once the name is in it: a stick is pulled out right afterwards."""
    synced = []
    monkeypatch.setattr(
        bundle, "sync_folder", lambda folder: synced.append([one.name for one in folder.iterdir()])
    )
    written(filled, tmp_path / "all.bundle")

    assert synced == [["all.bundle"]]


def test_a_bundle_is_cut_at_any_write_and_the_old_one_stays(filled, tmp_path, monkeypatch):
    path = tmp_path / "all.bundle"
    written(filled, path)
    before = path.read_bytes()
    filled.ticket(summary="more")
    real, at = Bundle.write, 0
    while True:
        at += 1
        left = [at]

        def write(self, name, pieces, left=left):
            left[0] -= 1
            if not left[0]:
                raise StoreError("The disk is full.")
            real(self, name, pieces)

        monkeypatch.setattr(Bundle, "write", write)
        try:
            written(filled, path)
        except StoreError:
            assert path.read_bytes() == before
            assert [one.name for one in tmp_path.iterdir()] == ["all.bundle"]
        else:
            break
    assert at == 5  # content, segment, page, head
    assert verified(path).entries == 3


def test_an_application_is_cut_at_any_read_and_goes_on(desks, filled, tmp_path, monkeypatch):
    path = tmp_path / "all.bundle"
    written(filled, path)
    real, at = Bundle.pieces, 0
    while True:
        at += 1
        left, two = [at], desks()

        def pieces(self, name, start=0, left=left):
            left[0] -= 1
            if not left[0]:
                raise Unreachable("The stick was pulled out.")
            return real(self, name, start)

        monkeypatch.setattr(Bundle, "pieces", pieces)
        try:
            applied(two, path)
        except Unreachable:
            monkeypatch.setattr(Bundle, "pieces", real)
            applied(two, path)
            same(filled, two)
        else:
            break
    assert at == 5  # head, page, segment, content


def test_what_a_bundle_lacks_is_told(desks, filled, tmp_path):
    two = desks()
    two.replica.integrate(filled.replica.offers(two.replica.stands_at))
    path = tmp_path / "some.bundle"
    written(two, path)
    found = verified(path)
    assert (found.entries, found.contents, found.missing) == (2, 0, 1)
    three = desks()
    assert applied(three, path) == Pulled(entries=2, missing=1)


@pytest.mark.parametrize("folder", ["contents/", "segments/", "pages/", "prophet-hub.json"])
@pytest.mark.parametrize("harm", [lambda data: data[::-1], lambda _: b""])
def test_a_damaged_bundle_is_not_whole(filled, tmp_path, folder, harm):
    good, bad = tmp_path / "good.bundle", tmp_path / "bad.bundle"
    written(filled, good)
    assert verified(good).contents == 1
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(bad, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, harm(data) if name.startswith(folder) else data)
    with pytest.raises(Invalid):
        verified(bad)


def test_a_bundle_that_was_cut_off_is_none(filled, tmp_path):
    path = tmp_path / "all.bundle"
    written(filled, path)
    whole = path.read_bytes()
    for length in (10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:length])
        with pytest.raises(Invalid, match="no bundle"):
            Bundle(path)


def test_bytes_that_rot_are_found(filled, tmp_path):
    path = tmp_path / "all.bundle"
    written(filled, path)
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(Invalid):
        verified(path)


def test_files_of_a_bundle(tmp_path):
    path = tmp_path / "b"
    new = Bundle(path, new=True)
    new.write("a/b", [b"12", b"345"])
    new.close()
    bundle = Bundle(path)
    assert bundle.read("a/b", 2, limit=3) == b"345"
    assert (bundle.has("a/b"), bundle.has("a")) == (True, False)
    assert list(bundle.names("a")) == ["a/b"]
    with pytest.raises(Invalid, match="longer"):
        bundle.read("a/b", limit=4)
    with pytest.raises(Absent):
        bundle.read("c", limit=4)
    with pytest.raises(UsageError):
        bundle.remove("a/b")
    bundle.close()
    bundle.close()
    with pytest.raises(StoreError):
        Bundle(tmp_path / "no/such/folder", new=True)
    with pytest.raises(StoreError):
        ticket_of(tmp_path / "none")
