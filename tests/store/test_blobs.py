"""Contents beside the database."""

from __future__ import annotations

import hashlib

import pytest

from prophet_hub.errors import StoreError
from prophet_hub.store.blobs import Blobs
from prophet_hub.store.sqlite import Store
from prophet_hub.values import Stored


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "hub.db.blobs")


def files(blobs):
    return [p for p in blobs.folder.rglob("*") if p.is_file()]


def test_a_content_is_kept_by_its_hash_and_once(blobs):
    stored = blobs.put([b"ab", b"c"])
    again = blobs.put(iter([b"abc"]))

    assert stored == again == Stored(hashlib.sha256(b"abc").hexdigest(), 3)
    assert [p.name for p in files(blobs)] == [stored.sha256[2:]]
    assert b"".join(blobs.read(stored)) == b"abc"
    assert blobs.has(stored)
    assert not blobs.has(Stored("00" * 32, 3))


def test_a_content_that_breaks_off_leaves_nothing(blobs):
    def broken():
        yield b"ab"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        blobs.put(broken())
    assert files(blobs) == []


def test_more_than_the_limit_is_refused_and_leaves_nothing(blobs):
    with pytest.raises(StoreError, match="larger than 2 bytes"):
        blobs.put([b"ab", b"c"], limit=2)
    assert files(blobs) == []
    assert blobs.put([b"ab"], limit=2).size == 2


def test_a_content_that_is_not_here_is_named(blobs):
    with pytest.raises(StoreError, match="is not in"):
        list(blobs.read(Stored("ab" * 32, 1)))


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Blobs(tmp_path / "x" / "y").put([b""])


def test_a_full_disk_is_named(blobs, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("prophet_hub.store.blobs.os.fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        blobs.put([b"x"])
    assert files(blobs) == []


def test_a_database_in_memory_has_contents_too(tmp_path):
    store = Store.open(":memory:")
    stored = store.blobs.put([b"x"])
    folder = store.blobs.folder
    assert b"".join(store.blobs.read(stored)) == b"x"
    store.close()
    assert not folder.exists()


def test_contents_stand_beside_the_file(tmp_path):
    store = Store.open(tmp_path / "hub.db")
    store.blobs.put([b"x"])
    assert store.blobs is store.blobs
    assert store.blobs.folder == tmp_path / "hub.db.blobs"
    store.close()
