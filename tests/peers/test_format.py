"""The files of a published replica: what they hold, and what is not taken from a stranger."""

from __future__ import annotations

import hashlib
import json
import zlib

import msgspec
import pytest

from prophet_hub.engine.offers import Parcel
from prophet_hub.errors import Invalid
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.peers import format as wire
from prophet_hub.peers.format import Head, Page, Row, Strand
from prophet_hub.peers.publish import FAN, fold
from prophet_hub.peers.segments import pack, unpack, unpack_placed, unzip
from prophet_hub.values import Stored

ONE, TWO = (ids.Origin(bytes([n]) * 16) for n in (1, 2))


def entries(origin, count, first=1, before=b""):
    found = []
    for sequence in range(first, first + count):
        write = Write(ids.fresh(), Cell(ids.fresh(), "summary"), "ticket", f"{sequence}")
        entry, raw = codec.seal(origin, sequence, before, Changeset(ids.fresh(), "j", 1, (write,)))
        found.append((origin, sequence, entry.running, Parcel(before, raw)))
        before = entry.running
    return found


def test_a_segment_comes_back_as_it_was():
    one, two = entries(ONE, 3), entries(TWO, 2)
    fork = entries(ONE, 2, 2, one[0][2])
    placed = [one[0], two[0], one[1], fork[0], two[1], one[2], fork[1]]
    placed[1] = (*two[0][:3], two[0][3]._replace(texts=(b"long",), seal=b"s" * 96))
    row, data = pack(placed, 2)
    assert list(unpack_placed(row, unzip(row, data))) == placed
    assert list(unpack(row, unzip(row, data))) == [one[3] for one in placed]
    assert (row.count, row.level, row.size) == (7, 2, len(data))
    assert row.sha256 == hashlib.sha256(data).digest()
    assert [(s.origin, s.first, s.last) for s in row.strands] == [
        (ONE, 1, 3), (TWO, 1, 2), (ONE, 2, 3),
    ]  # fmt: skip
    assert row.strands[2].before == one[0][2]


@pytest.mark.parametrize(
    "lie",
    [
        lambda s: msgspec.structs.replace(s, running=bytes(32)),
        lambda s: msgspec.structs.replace(s, last=9),
        lambda s: msgspec.structs.replace(s, first=2),
        lambda s: msgspec.structs.replace(s, before=bytes(32)),
        lambda s: msgspec.structs.replace(s, origin=TWO),
    ],
)
def test_a_row_that_tells_something_else_than_its_segment_is_refused(lie):
    row, data = pack(entries(ONE, 3))
    lying = msgspec.structs.replace(row, strands=(lie(row.strands[0]),))
    with pytest.raises(Invalid, match="what its page says"):
        list(unpack(lying, unzip(row, data)))


def test_counts_and_strands_that_are_not_there_are_refused():
    row, data = pack(entries(ONE, 3))
    with pytest.raises(Invalid, match="what its page says"):
        list(unpack(msgspec.structs.replace(row, count=2), unzip(row, data)))
    for strand in (1, -1):
        raw = msgspec.msgpack.encode([[[ONE, 1, b""]], [[strand, b"raw"]]])
        bad = msgspec.structs.replace(row, count=1, strands=(Strand(ONE, 1, 1, b"", bytes(32)),))
        with pytest.raises(Invalid):
            list(unpack(bad, raw))
    for raw in (b"", b"\xc1", msgspec.msgpack.encode([1, 2])):
        with pytest.raises(Invalid):
            list(unpack(row, raw))


def test_what_unpacks_to_more_or_less_than_it_says_is_refused():
    bomb = zlib.compress(bytes(5_000_000), 9, wbits=31)
    good = Row(hashlib.sha256(bomb).digest(), len(bomb), 5_000_000, 1, 0, ())
    assert len(unzip(good, bomb)) == 5_000_000
    for raw in (4_999_999, 5_000_001, 10):
        with pytest.raises(Invalid):
            unzip(msgspec.structs.replace(good, raw=raw), bomb)
    for data in (bomb + b"x", b"words", b""):
        row = Row(hashlib.sha256(data).digest(), len(data), 5, 1, 0, ())
        with pytest.raises(Invalid):
            unzip(row, data)
    with pytest.raises(Invalid, match="damaged"):
        unzip(msgspec.structs.replace(good, size=7), bomb)


def test_rows_beyond_the_limits_are_no_rows():
    row, _ = pack(entries(ONE, 1))
    for change in ({"size": wire.SEGMENT_LIMIT + 1}, {"raw": wire.SEGMENT_LIMIT + 1},
                   {"raw": 0}, {"sha256": b"short"}, {"count": 0}, {"level": 99}):  # fmt: skip
        page, data = wire.encode_page([msgspec.structs.replace(row, **change)])
        with pytest.raises(Invalid):
            wire.decode_page(page, data)
    page, data = wire.encode_page([row])
    assert wire.decode_page(page, data) == [row]
    with pytest.raises(Invalid, match="rows"):
        wire.decode_page(msgspec.structs.replace(page, rows=2), data)
    with pytest.raises(Invalid, match="damaged"):
        wire.decode_page(page, data + b" ")


def test_a_page_of_what_is_lacking_comes_back():
    found = [Stored("ab" * 32, 5)]
    page, data = wire.encode_page(found)
    assert wire.decode_lacking(page, data) == found
    page, data = wire.encode_page([["../../etc/passwd", 5]])
    with pytest.raises(Invalid):
        wire.decode_lacking(page, data)


def test_a_head_is_text_for_people_and_programs():
    head = Head(format=1, generation=3, databases=("ab" * 16,), entries=1,
                tips=(("01" * 16, 1, "cd" * 32),), pages=(Page("ef" * 32, 5, 1),))  # fmt: skip
    data = wire.encode_head(head)
    assert wire.decode_head(data) == head
    assert json.loads(data)["tips"] == [["01" * 16, 1, "cd" * 32]]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2), ("databases", ["../x"]), ("pages", [{"sha256": "../x", "size": 1, "rows": 1}]),
        ("pages", [{"sha256": "ef" * 32, "size": 1 << 40, "rows": 1}]), ("tips", [["xy", 1, "z"]]),
        ("entries", "many"),
    ],
)  # fmt: skip
def test_a_head_that_is_none_is_refused(key, value):
    good = {"format": 1, "generation": 1, "databases": [], "entries": 0, "tips": []}
    assert wire.decode_head(json.dumps(good).encode())
    with pytest.raises(Invalid):
        wire.decode_head(json.dumps({**good, key: value}).encode())
    with pytest.raises(Invalid):
        wire.decode_head(b"\xff\xfe")


def test_names_are_made_of_hashes():
    assert wire.named("segments", b"\xab" * 32) == "segments/" + "ab" * 32
    assert wire.named("pages", "cd" * 32) == "pages/" + "cd" * 32
    assert wire.content_name(Stored("ab" * 32, 1)) == "contents/ab/" + "ab" * 32


def row_of(level, raw=10):
    return Row(bytes(32), 1, raw, 1, level, ())


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], None),
        ([row_of(0)] * (2 * FAN - 1), None),
        ([row_of(0)] * 2 * FAN, (0, FAN)),
        ([row_of(1), *[row_of(0)] * 2 * FAN], (1, FAN + 1)),
        ([row_of(0, wire.FULL)] * 3 * FAN, None),
        ([*[row_of(0)] * FAN, row_of(0, wire.FULL), *[row_of(0)] * FAN], None),
        ([row_of(1)] * 2 * FAN + [row_of(0)] * 3, (0, FAN)),
        ([row_of(0, wire.FULL), *[row_of(0)] * 2 * FAN, row_of(0, wire.FULL)], (1, FAN + 1)),
    ],
)
def test_which_neighbours_are_merged(rows, found):
    assert fold(rows) == found
