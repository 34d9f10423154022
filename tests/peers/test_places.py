"""What every transport promises."""

from __future__ import annotations

import pytest

from prophet_hub.errors import Busy, HubError, Invalid
from prophet_hub.peers.place import Absent, Held, Unreachable
from prophet_hub.peers.place_fsspec import CHUNK
from prophet_hub.peers.place_lock import DEAD_AFTER, RENEW

SHA = "ab" * 32
NAME = f"segments/{SHA}"
HEAD = "prophet-hub.json"


def test_what_was_written_is_read_from_any_byte_on(site):
    site.writer().write(NAME, [b"one", b"", b"two", b"three"])
    place = site.open()
    assert place.read(NAME, limit=11) == b"onetwothree"
    assert place.read(NAME, 3, limit=8) == b"twothree"
    assert [place.read(NAME, start, limit=5) for start in (10, 11, 12)] == [b"e", b"", b""]
    assert b"".join(place.pieces(NAME)) == b"onetwothree"
    assert b"".join(place.pieces(NAME, 4)) == b"wothree"


def test_more_than_was_allowed_is_not_taken_in(site):
    site.writer().write(NAME, [b"x" * 100])
    place = site.open()
    with pytest.raises(Invalid):
        place.read(NAME, limit=99)
    with pytest.raises(Invalid):
        place.read(NAME, 10, limit=89)
    assert place.read(NAME, 10, limit=90) == b"x" * 90


def test_an_empty_file_is_a_file(site):
    site.writer().write(NAME, [])
    place = site.open()
    assert place.read(NAME, limit=0) == b""
    assert place.has(NAME)


def test_what_is_not_there_is_absent(site):
    place = site.open()
    with pytest.raises(Absent):
        place.read(NAME, limit=1)
    with pytest.raises(Absent):
        next(place.pieces(NAME))
    assert not place.has(NAME)
    site.writer().write(NAME, [b"x"])
    assert place.has(NAME)


def test_a_name_that_leads_out_of_the_place_is_refused(site):
    place = site.open()
    for name in (
        "../x",
        "/etc/passwd",
        "a/../../x",
        "a//b",
        "",
        ".lock-1",
        "a/.x",
        "a\\..\\x",
        "x\0",
    ):
        for ask in (lambda name=name: place.read(name, limit=1), lambda name=name: place.has(name)):
            with pytest.raises(Invalid):
                ask()


def test_an_address_shows_no_more_than_was_said(site):
    assert site.open().url == site.url
    assert site.open().writable == site.writable


def test_what_cannot_be_written_says_so(site_of):
    site = site_of("http")
    place = site.open()
    for ask in (lambda: place.write(HEAD, [b"x"]), lambda: place.remove(HEAD),
                lambda: place.lock("me").__enter__(), lambda: list(place.names())):  # fmt: skip
        with pytest.raises(HubError):
            ask()


def test_a_second_writing_replaces_the_first(writable):
    place = writable.open()
    place.write("a", [b"long " * 100])
    place.write("a", [b"short"])
    assert place.read("a", limit=5) == b"short"


def test_names_are_told_below_a_folder(writable):
    place = writable.open()
    assert list(place.names()) == []
    assert list(place.names("b")) == []
    for name in ("b/one", "b/c/two", "a", "bb"):
        place.write(name, [b"x"])
    assert list(place.names()) == ["a", "b/c/two", "b/one", "bb"]
    assert list(place.names("b")) == ["b/c/two", "b/one"]


def test_removing_twice_does_nothing_more(writable):
    place = writable.open()
    place.write("a/b", [b"x"])
    place.remove("a/b")
    place.remove("a/b")
    assert not place.has("a/b")
    assert list(place.names()) == []


def test_a_large_file_goes_in_parts_and_comes_back(writable):
    place = writable.open()
    piece = bytes(range(256)) * 4096
    place.write("large", (piece for _ in range(9)))
    found = list(place.pieces("large"))
    assert max(map(len, found)) <= CHUNK < sum(map(len, found))
    assert b"".join(found) == piece * 9
    assert b"".join(place.pieces("large", (8 << 20) - 3)) == piece[-3:] + piece


def test_a_source_that_fails_leaves_what_was_there(writable):
    place = writable.open()
    place.write("a", [b"old"])

    def failing():
        yield b"x" * CHUNK
        yield b"x" * CHUNK
        yield b"x"
        raise Invalid("The source fails.")

    with pytest.raises(Invalid, match="source"):
        place.write("a", failing())
    with pytest.raises(Invalid, match="source"):
        place.write("new", failing())
    assert place.read("a", limit=3) == b"old"
    assert list(place.names()) == ["a"]


def test_a_place_can_be_used_after_it_was_closed(writable):
    place = writable.open()
    place.write("a", [b"x"])
    place.close()
    place.close()
    assert place.read("a", limit=1) == b"x"


# --- the lock ---


def die(place):
    """Takes the lock and is heard of no more."""
    place = getattr(place, "_place", place)
    place._new_lock("Ada").take()
    place.close()


def test_one_writes_and_the_other_is_told_who(writable):
    one, two = writable.open(), writable.open()
    with one.lock("Ada (process 1)"):
        writable.clock.while_asleep = lambda: one.write("a", [b"x"])
        one.write("a", [b"x"])
        with pytest.raises(Held, match=r"Ada \(process 1\)") as told, two.lock("Bob"):
            pass
    assert told.value.holder == "Ada (process 1)"
    assert isinstance(told.value, Busy)
    with two.lock("Bob"):
        two.write("b", [b"y"])
    with one.lock("Ada"):
        pass
    assert list(one.names()) == ["a", "b"]


def test_a_lock_is_given_back_by_whoever_fails(writable):
    place = writable.open()
    with pytest.raises(ZeroDivisionError), place.lock("me"):
        raise ZeroDivisionError
    with writable.open().lock("you"):
        pass


def test_what_a_dead_writer_left_is_taken_over(writable):
    said = []
    die(writable.open())
    heir = writable.open(tell=said.append)
    before = writable.clock.now
    with heir.lock("Bob"):
        heir.write("a", [b"x"])
    assert writable.clock.now - before <= DEAD_AFTER + 1
    assert len(said) == (0 if "file" in writable.url else 1)
    with writable.open().lock("Eve"):
        pass


def test_who_was_taken_for_dead_writes_no_more(writable):
    if "file" in writable.url:
        pytest.skip("a folder's holder is known to live by the system's own lock")
    slow, heir = writable.open(), writable.open()
    with slow.lock("Ada"), heir.lock("Bob"):  # Ada showed nothing for long
        heir.write("a", [b"Bob"])
        writable.clock.now += RENEW
        with pytest.raises(Held, match="Bob"):
            slow.write("a", [b"Ada"])
    assert heir.read("a", limit=3) == b"Bob"
    with heir.lock("Bob"):
        pass


def test_a_writer_that_only_looks_shows_that_it_lives(writable):
    one, two = writable.open(), writable.open()
    with one.lock("Ada"):
        writable.clock.while_asleep = lambda: one.has("a")
        with pytest.raises(Held, match="Ada"), two.lock("Bob"):
            pass


def test_two_heirs_of_one_dead_writer_are_told_apart(writable):
    if "file" in writable.url:
        pytest.skip("as above")
    die(writable.open())
    one, two = writable.open(), writable.open()
    held = []

    def other():
        if writable.clock.now >= 1000 + DEAD_AFTER - 1 and not held:
            held.append(True)
            with one.lock("Bob"):
                one.write("a", [b"Bob"])

    writable.clock.while_asleep = other
    with two.lock("Eve"):
        two.write("a", [b"Eve"])
    assert held
    assert two.read("a", limit=3) == b"Eve"


def test_unfinished_files_of_the_dead_are_cleared_away(site_of):
    site = site_of("folder")
    place = site.open()
    with place.lock("me"):
        (site.folder / ".new-0123").write_bytes(b"half")
        (site.folder / ".part-0123").write_bytes(b"of one that holds no lock")
    with place.lock("me"):
        pass
    assert [path.name for path in site.folder.iterdir()] == [".part-0123"]


# --- outages ---


def test_nothing_but_the_hubs_own_errors_comes_out_of_an_outage(site):
    site.writer().write(NAME, [b"x"])
    if not hasattr(site.line, "cut_from"):
        pytest.skip("the hub's own server is not cut")
    place = site.open()
    assert place.has(NAME)
    if "127.0.0.1" in site.url and "/r" not in site.url and site.url.startswith("http"):
        return
    asks = [lambda: place.read(NAME, limit=9), lambda: place.has(NAME)]
    if site.writable:
        asks += [lambda: place.write("b", [b"y"]), lambda: place.remove(NAME),
                 lambda: list(place.names()), lambda: place.lock("me").__enter__()]  # fmt: skip
    for ask in asks:
        site.line.heal()
        assert place.has(NAME)  # connected
        site.line.cut_from(1, after=False)
        with pytest.raises(Unreachable) as told:
            ask()
        assert "secret" not in str(told.value)
        assert told.value.exit_code == 1
    site.line.heal()
    assert place.read(NAME, limit=1) == b"x"
