"""Disks that are full, broken or not allowed, and locks that the system knows."""

from __future__ import annotations

import errno
import json
import os

import pytest

from prophet_hub.errors import HubError
from prophet_hub.peers import place_folder
from prophet_hub.peers.place import Absent, Held, Unreachable
from prophet_hub.peers.place_lock import DEAD_AFTER


@pytest.fixture
def folder(site_of):
    return site_of("folder")


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [(errno.ENOSPC, HubError, "is full"), (errno.EDQUOT, HubError, "is full"),
     (errno.EROFS, HubError, "Mend the rights"), (errno.EIO, Unreachable, "Look whether the disk"),
     (errno.ESTALE, Unreachable, "Look whether the disk")],
)  # fmt: skip
def test_what_a_disk_says_becomes_an_error_of_the_hub(folder, monkeypatch, number, kind, said):
    place = folder.open()
    place.write("a", [b"old"])

    def failing(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(place_folder.os, "fsync", failing)
    with pytest.raises(kind, match=said) as told:
        place.write("a", [b"new"])
    monkeypatch.undo()
    assert type(told.value) is kind
    assert place.read("a", limit=3) == b"old"
    assert [path.name for path in folder.folder.iterdir()] == ["a"]


def test_what_is_no_plain_file_is_absent(folder):
    place = folder.open()
    place.write("a/b", [b"x"])
    os.mkfifo(folder.folder / "pipe")
    for name in ("pipe", "a", "a/b/c"):
        assert not place.has(name)
        with pytest.raises(Absent):
            place.read(name, limit=1)


def test_a_holder_of_this_machine_is_known_to_live_at_once(folder):
    one, two = folder.open(), folder.open()
    with one.lock("Ada"):
        before = folder.clock.now
        with pytest.raises(Held, match="Ada"), two.lock("Bob"):
            pass
        assert folder.clock.now == before


def test_a_holder_of_another_machine_is_watched(folder):
    place = folder.open()
    place.write("a", [b"x"])
    mark = folder.folder / ".lock-00000007"
    for note in ({"boot": "another", "holder": "Ada"}, {"holder": "Ada"}):
        mark.write_text(json.dumps(note))
        before = folder.clock.now
        with place.lock("Bob"):
            assert folder.clock.now - before >= DEAD_AFTER - 2
            assert [path.name for path in folder.folder.iterdir() if path.name[0] == "."] == [
                ".lock-00000008"
            ]


def test_a_system_without_a_name_watches_too(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(place_folder, "_BOOT", tmp_path / "none")
    one, two = folder.open(), folder.open()
    with one.lock("Ada"):
        folder.clock.while_asleep = lambda: one.write("a", [b"x"])
        with pytest.raises(Held, match="Ada"), two.lock("Bob"):
            pass
    folder.clock.while_asleep = lambda: None
    with two.lock("Bob"):
        two.write("b", [b"y"])


def test_files_can_be_read_by_a_web_server(folder):
    """As the account's umask says: nothing is hidden by the way of writing."""
    before = os.umask(0o022)
    try:
        folder.open().write("a/b", [b"x"])
    finally:
        os.umask(before)
    assert (folder.folder / "a/b").stat().st_mode & 0o777 == 0o644
