"""What an entry may be: bytes of a stranger are refused with a sentence, whatever they are."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.errors import Invalid
from prophet_hub.model import codec
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.values import INLINE, Stored

R, N = b"o" * 16, b"n" * 16
YEAR_10000 = 253_402_300_800_000_000
HEAD = b"\x93\xc4\x10" + R + b"\x01"  # an array of three: origin, sequence 1, ...
CHANGES = HEAD + b"\x95\xc4\x10" + N  # ... and a changeset of five, its name, ...


def written(**parts):
    write = {"id": b"w" * 16, "cell": Cell(R, "summary"), "type": "ticket", "value": "x"}
    return changeset(writes=(Write(**write | parts),))


def changeset(**parts):
    return Changeset(**{"name": N, "author": "jesse", "created": 1, "writes": ()} | parts)


def many(count):
    write = written().writes[0]
    return tuple(msgspec.structs.replace(write, id=n.to_bytes(16, "big")) for n in range(count))


BEYOND = {
    "property": written(cell=Cell(R, "p" * 1_001)),
    "no property": written(cell=Cell(R, "")),
    "escape in a property": written(cell=Cell(R, "sum\x1b[2Jmary")),
    "line break in a property": written(cell=Cell(R, "sum\nmary")),
    "type": written(type="t" * 1_001),
    "path in a type": written(type="../../etc/passwd"),
    "dots for a type": written(type=".."),
    "backslash in a type": written(type="a\\b"),
    "nul in a type": written(type="tick\0et"),
    "member": written(cell=Cell(R, "labels", "m" * 65_537)),
    "rule": written(rule="r" * 1_001),
    "value": written(value="v" * (INLINE + 1)),
    "old value": written(old="v" * (INLINE + 1)),
    "supersedes": written(supersedes=(b"s" * 16,) * 100_001),
    "seen": written(seen=(b"s" * 16,) * 100_001),
    "writes": changeset(writes=many(100_001)),
    "author": changeset(author="a" * 65_537),
    "note": changeset(note="a" * 65_537),
    "year 10000": changeset(created=YEAR_10000),
    "a write of the year 10000": written(created=YEAR_10000),
    "before the year 1": changeset(created=-YEAR_10000),
    "itself": written(supersedes=(b"v" * 16, b"w" * 16)),
    "a life of another member": written(cell=Cell(R, "life", "other"), value=None),
    "a life with a text": written(cell=Cell(R, "life", "alive"), value="x"),
    "a link with a text": written(cell=Cell(R, "same-as", "1" * 32), value="x"),
    "a link to itself": written(cell=Cell(R, "same-as", R.hex()), value="present"),
    "one name twice": changeset(writes=written().writes + written(cell=Cell(R, "x")).writes),
    "a size that no disk has": written(value=Stored("0" * 64, 1 << 60)),
}

HOSTILE = {
    "no text": CHANGES + b"\xa1\xff\x01\x90\xa0",
    "half a character": CHANGES + b"\xa3\xed\xa0\x80\x01\x90\xa0",
    "nested without end": HEAD + b"\x96" + b"\x91" * 1_000_000,
    "a time that no clock shows": CHANGES + b"\xa1a\xcf" + b"\xff" * 8 + b"\x90\xa0",
    "four billion writes": CHANGES + b"\xa1a\x01\xdd\xff\xff\xff\xff",
    "four billion members": HEAD + b"\xdf\xff\xff\xff\xff",
    "a text of four gigabytes": CHANGES + b"\xdb\xff\xff\xff\xff",
    "more than an entry": codec.seal(R, 1, b"", changeset())[1] + b"x",
    "nothing": b"",
}


@pytest.mark.parametrize("what", BEYOND)
def test_what_is_beyond_the_limits_keeps_its_place_and_no_more(what):
    _, raw = codec.seal(R, 7, b"", BEYOND[what])

    with pytest.raises(Invalid):
        codec.decode(b"", raw)
    assert codec.place(raw) == (R, 7)


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bytes_are_refused_with_a_sentence(what):
    with pytest.raises(Invalid):
        codec.decode(b"", HOSTILE[what])


def test_an_entry_that_is_too_large_has_not_even_a_place():
    raw = msgspec.msgpack.encode((R, 1, b"x" * codec.MAX_ENTRY))

    for refuse in (lambda: codec.decode(b"", raw), lambda: codec.place(raw)):
        with pytest.raises(Invalid):
            refuse()


@pytest.mark.parametrize("good", [
    written(cell=Cell(R, "rt:CF.{Größe / Farbe}")),
    written(cell=Cell(R, "links", "https://example.com/" + "x" * 2_000)),
    written(type=""), written(type="Ärztin mit Leerzeichen"), written(value="a\x1b[2J\0\n"),
    written(value="ü" * (INLINE // 2), seen=(b"s" * 16,) * 100_000),
    changeset(writes=many(10_000), author="", created=0),
    changeset(created=YEAR_10000 - 1), changeset(created=-1),
])  # fmt: skip
def test_what_trackers_and_people_say_is_within_the_limits(good):
    entry, raw = codec.seal(R, 1, b"", good)

    assert codec.decode(b"", raw) == entry


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 8))
def test_whatever_bytes_come_they_are_an_entry_or_invalid(noise, at, cut):
    _, raw = codec.seal(R, 1, b"", written(old="y", supersedes=(b"s" * 16,)))
    for bytes_ in (noise, HEAD + noise, CHANGES + noise, raw[:at] + noise + raw[at + cut :]):
        for read in (lambda raw: codec.decode(b"", raw), codec.place):
            with contextlib.suppress(Invalid):
                read(bytes_)
