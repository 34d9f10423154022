"""A peer that means harm: whatever is published, nothing is half believed and nothing crashes.

After each attempt the database is whole, and a pull from an honest place brings what is missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import zipfile
import zlib

import msgspec
import pytest

from peers.shelf import Shelf
from prophet_hub.engine.offers import Parcel
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import HubError, Invalid, UsageError
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.peers import format as wire
from prophet_hub.peers import notes, segments
from prophet_hub.peers.bundle import Bundle, create, ticket_of, verify
from prophet_hub.peers.exchange import Refused, Warned, pull, push_to
from prophet_hub.peers.place_folder import FolderPlace
from prophet_hub.peers.published import Published
from prophet_hub.values import Stored

LONG = "lang und länger " * 400
A = b"a" * 16


def edit(replica, record=None, **fields):
    changes = {("life", "alive"): "present"} | {(k, ""): v for k, v in fields.items()}
    replica.edit(record or ids.RecordId(ids.fresh()), "ticket", changes, author="jesse")


@pytest.fixture
def replica():
    """Opens replicas in memory."""
    opened = []

    def make():
        opened.append(Replica.open(":memory:", clock=lambda: 1_700_000_000_000_000))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def honest(replica):
    """A replica with tickets, a long text and a content, and what it published in two segments."""
    one, shelf = replica(), Shelf()
    edit(one, summary="Printer on fire", description=LONG)
    edit(one, summary="with a file", content=one.store.blobs.put([b"picture" * 300]))
    publish(one, shelf)
    edit(one, A, summary="the third")
    publish(one, shelf)
    return one, shelf


def publish(one, shelf):
    list(push_to(one, shelf, notes.peer_at(one, "shelf"), holder="test"))


def attempt(victim, place):
    """Pulls as far as it goes; returns what was said against it."""
    said = []
    peer = notes.peer_at(victim, "shelf")
    try:
        steps = pull(victim, Published(place, done=peer.pages), peer)
        said += [step.sentence for step in steps if isinstance(step, (Refused, Warned))]
    except HubError as error:
        said.append(str(error))
    return said


def recovers(victim, honest):
    """Looks whether the victim is whole, and whether honest files bring the rest."""
    one, shelf = honest
    assert list(victim.check()) == []
    said = attempt(victim, Shelf(dict(shelf.files)))
    assert [one for one in said if "an older state" not in one] == []
    assert list(victim.check()) == []
    assert victim.wanted() == []
    assert set(one.tips()) <= set(victim.tips())
    return True


class Forger:
    """Takes a published replica apart and writes it anew, with every hash right."""

    def __init__(self, shelf):
        self.files = dict(shelf.files)
        self.head = wire.decode_head(self.files[wire.HEAD])
        self.rows = [
            row
            for page in self.head.pages
            for row in wire.decode_page(page, self.files[wire.named(wire.PAGES, page.sha256)])
        ]

    def segment(self, data, **lies):
        """Puts bytes as a segment, with a row that says of them what is true but for the lies."""
        row = self.rows[0]
        row = msgspec.structs.replace(
            row, **{"sha256": hashlib.sha256(data).digest(), "size": len(data)} | lies
        )
        self.files[wire.named(wire.SEGMENTS, row.sha256)] = data
        return row

    def packed(self, parcels):
        """Puts parcels (origin, sequence, before, raw, texts) as a segment; returns its row."""
        placed = [
            (o, s, hashlib.sha256(b + r).digest(), Parcel(b, r, *more))
            for o, s, b, r, *more in parcels
        ]
        row, data = segments.pack(placed)
        self.files[wire.named(wire.SEGMENTS, row.sha256)] = data
        return row

    def shelf(self, rows=None, **lies):
        """Writes pages and head."""
        page, data = wire.encode_page(self.rows if rows is None else rows)
        self.files[wire.named(wire.PAGES, page.sha256)] = data
        head = msgspec.structs.replace(
            self.head, **{"pages": (page,), "generation": self.head.generation + 1} | lies
        )
        self.files[wire.HEAD] = wire.encode_head(head)
        return Shelf(self.files)


def gzipped(data):
    return zlib.compress(data, 9, wbits=31)


def bomb(size):
    """Returns few bytes that unpack to very many zeros."""
    packer = zlib.compressobj(9, wbits=-15)
    part = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + part * (size >> 20) + packer.flush()


# --- bytes that changed ---


def damaged(data, rng):
    """Returns the data with something wrong in it."""
    at, length = rng.randrange(len(data) + 1), rng.choice((1, 1, 2, 16, 200))
    noise = rng.choice((bytes([rng.randrange(256)]), rng.randbytes(length), b"\xff" * length, b""))
    match rng.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + noise + data[at + length :]
        case 2:
            return data[:at] + noise + data[at:]
        case _:
            return rng.randbytes(rng.randrange(300))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_are_refused_and_honest_ones_complete(honest, replica, seed):
    rng = random.Random(seed)
    for _ in range(12):
        victim, shelf = replica(), Shelf(dict(honest[1].files))
        for name in rng.sample(sorted(shelf.files), rng.choice((1, 1, 2))):
            shelf.files[name] = damaged(shelf.files[name], rng)
        attempt(victim, shelf)
        assert recovers(victim, honest)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_entries_under_true_hashes(honest, replica, seed):
    """Whoever publishes can make every hash right: then it is the engine that has to doubt."""
    rng = random.Random(seed)
    for _ in range(12):
        forger, victim = Forger(honest[1]), replica()
        parcels = []
        for row in forger.rows:
            raw = segments.unzip(row, forger.files[wire.named(wire.SEGMENTS, row.sha256)])
            for origin, sequence, _, parcel in segments.unpack_placed(row, raw):
                evil = damaged(parcel.raw, rng) if rng.random() < 0.5 else parcel.raw
                texts = tuple(damaged(t, rng) if rng.random() < 0.5 else t for t in parcel.texts)
                parcels.append((origin, sequence, parcel.before, evil, texts, rng.randbytes(96)))
        attempt(victim, forger.shelf([forger.packed(parcels)]))
        assert recovers(victim, honest)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bundles(honest, replica, tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / "b.bundle"
    list(create(honest[0], path, [], holder="test"))
    whole = path.read_bytes()
    for _ in range(12):
        victim = replica()
        path.write_bytes(damaged(whole, rng))
        with contextlib.suppress(HubError), contextlib.closing(Bundle(path)) as bundle:
            attempt(victim, bundle)
        with contextlib.suppress(HubError):
            ticket_of(path)
        with contextlib.suppress(HubError), contextlib.closing(Bundle(path)) as bundle:
            verify(Published(bundle))
        assert recovers(victim, honest)


# --- lies under true hashes ---


def test_a_bomb_is_not_unpacked(honest, replica):
    """A gigabyte of zeros in one megabyte, whatever its row says of it."""
    forger, victim, data = Forger(honest[1]), replica(), bomb(1 << 30)
    assert len(data) < 2 << 20
    for lie in (1, 1 << 20, wire.SEGMENT_LIMIT):
        said = attempt(victim, forger.shelf([forger.segment(data, raw=lie)]))
        assert "unpacks to something else" in said[0]
    assert recovers(victim, honest)


def test_a_page_that_is_a_bomb(honest, replica):
    forger, victim, data = Forger(honest[1]), replica(), bomb(1 << 30)
    sha256 = hashlib.sha256(data).hexdigest()
    forger.files[f"pages/{sha256}"] = data
    page = wire.Page(sha256, len(data), 1)

    assert "unpacks" in attempt(victim, forger.shelf(pages=(page,)))[0]
    assert recovers(victim, honest)


def _nested(depth):
    return b"\x92\x90\x91\x94\x00\xc4\x00\x90" + b"\x91" * depth


@pytest.mark.parametrize("raw", [
    b"", b"\xc1", b"\xdf\xff\xff\xff\xff", b"\x92\xdd\xff\xff\xff\xff", b"\x92\x90\xdd\xff\xff\xff\xff",
    b"\x92\x90\x91\x93\x00\xc6\xff\xff\xff\xff", _nested(1_000_000), b"\x95\x90\x90" + b"\x91" * 1_000_000,
])  # fmt: skip
def test_a_segment_that_is_no_segment(honest, replica, raw):
    forger, victim = Forger(honest[1]), replica()
    said = attempt(victim, forger.shelf([forger.segment(gzipped(raw), raw=max(1, len(raw)))]))

    assert said
    assert recovers(victim, honest)


LIES = {
    "a size": {"size": 1}, "a size beyond the limit": {"size": wire.SEGMENT_LIMIT + 1},
    "bytes": {"raw": 5}, "a count": {"count": 7}, "a count of billions": {"count": 1 << 50},
    "a hash": {"sha256": b"\0" * 32}, "no strands": {"strands": ()},
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_page_that_lies(honest, replica, lie):
    forger, victim = Forger(honest[1]), replica()
    row = msgspec.structs.replace(forger.rows[0], **LIES[lie])
    attempt(victim, forger.shelf([row, *forger.rows[1:]]))

    assert victim.tips() == [] or lie == "no strands"
    assert recovers(victim, honest)


@pytest.mark.parametrize("part", ["origin", "first", "last", "before", "running"])
def test_a_strand_that_lies(honest, replica, part):
    forger, victim = Forger(honest[1]), replica()
    lies = {"origin": b"e" * 16, "first": 2, "last": 900, "before": b"b" * 32, "running": b"r" * 32}
    strand = msgspec.structs.replace(forger.rows[0].strands[0], **{part: lies[part]})
    row = msgspec.structs.replace(forger.rows[0], strands=(strand,))

    assert attempt(victim, forger.shelf([row, *forger.rows[1:]]))
    assert recovers(victim, honest)


PAGED = b"""{"format":1,"generation":1,"databases":[],"entries":1,"tips":[],
"pages":[{"sha256":"%s","size":%d,"rows":1}]}"""


@pytest.mark.parametrize("head", [
    b"", b"{", b"\xff\xfe", b"[" * 1_000_000, b'{"format":' * 100_000, b"null", b"{}",
    b'{"format":1,"generation":-1,"databases":["../../etc"],"entries":-5,"tips":[]}',
    b'{"format":1,"generation":1e400,"databases":[],"entries":1,"tips":[]}',
    b'{"format":2,"generation":1,"databases":[],"entries":1,"tips":[]}',
    b'{"format":1,"generation":1,"databases":[],"entries":1,"tips":[["zz",1,"00"]]}',
    b'{"format":1,"generation":1,"databases":[],"entries":1,"tips":[["00",-1,"00"]]}',
    PAGED % (b"../../../etc/passwd", 1), PAGED % (b"0" * 64, 99_999_999_999),
])  # fmt: skip
def test_a_head_that_is_none(honest, replica, head):
    victim = replica()
    attempt(victim, Shelf({**honest[1].files, wire.HEAD: head}))

    assert victim.tips() == []
    assert recovers(victim, honest)


def test_a_head_without_end_is_not_read(honest, replica):
    victim = replica()

    assert attempt(victim, Shelf({wire.HEAD: b" " * (wire.HEAD_LIMIT + 1)}))
    assert recovers(victim, honest)


def test_tips_that_nobody_ever_saw(honest, replica):
    """They promise more than there is: nothing of it is believed, and nothing is lost."""
    forger, victim = Forger(honest[1]), replica()
    tips = (*forger.head.tips, ("ee" * 16, 1 << 40, "ff" * 32))
    attempt(victim, forger.shelf(tips=tips))

    assert recovers(victim, honest)


def test_an_index_without_end(honest, replica, monkeypatch):
    """One page of many rows, named again and again by the head."""
    monkeypatch.setattr("prophet_hub.peers.published._STRANDS", 1_000)
    forger, victim = Forger(honest[1]), replica()
    page, data = wire.encode_page([forger.rows[0]] * 100)
    forger.files[wire.named(wire.PAGES, page.sha256)] = data
    said = attempt(victim, forger.shelf(pages=(page,) * 100))

    assert "more segments than any log has" in said[0]
    assert recovers(victim, honest)


def test_another_family_is_not_let_in(honest, replica):
    forger, victim = Forger(honest[1]), replica()
    edit(victim, summary="mine")
    said = attempt(victim, forger.shelf())

    assert "is another database" in said[0]
    assert len(victim.tips()) == 1


def test_names_of_files_are_made_here(honest, replica):
    """No name that a peer chose is ever asked for."""
    forger, victim = Forger(honest[1]), replica()
    shelf = forger.shelf()
    attempt(victim, shelf)

    for _, name in shelf.asked:
        assert name == wire.HEAD or set(name.partition("/")[2]) <= set("0123456789abcdef/")


def foreign(*writes, origin=b"e" * 16, sequence=1, before=b"", created=1):
    changeset = Changeset(ids.fresh(), "eve", created, writes)
    return origin, sequence, before, codec.seal(origin, sequence, before, changeset)[1]


def test_entries_that_break_the_rules_wait_and_the_others_count(honest, replica):
    forger, victim = Forger(honest[1]), replica()
    bad = foreign(Write(b"w" * 16, Cell(A, "x"), "../../etc", "y"))
    row = forger.packed([bad])
    said = attempt(victim, forger.shelf([row, *forger.rows]))

    assert said == []
    assert [held.origin for held in victim.quarantine()] == [b"e" * 16]
    assert victim.shown(A)["summary"] == "the third"
    assert recovers(victim, honest)


def test_bytes_without_a_place_are_named_and_the_others_count(honest, replica):
    forger, victim = Forger(honest[1]), replica()
    row = forger.packed([(b"e" * 16, 1, b"", b"garbage"), foreign(origin=b"f" * 16, sequence=3)])
    said = attempt(victim, forger.shelf([row, *forger.rows]))

    assert ["no place" in said[0], "missing before number 3" in said[1]] == [True, True]
    assert victim.shown(A)["summary"] == "the third"
    assert recovers(victim, honest)


def test_an_entry_at_another_place_than_its_strand_says(honest, replica):
    forger, victim = Forger(honest[1]), replica()
    _, _, before, raw = foreign(Write(b"w" * 16, Cell(A, "x"), "ticket", "y"))
    row = forger.packed([(b"f" * 16, 5, before, raw)])
    attempt(victim, forger.shelf([row, *forger.rows]))

    assert {origin for origin, *_ in victim.tips()} >= {b"e" * 16}
    assert recovers(victim, honest)


def test_a_content_of_other_bytes(honest, replica):
    for evil in (b"", b"pictur3" * 300, b"picture" * 301, b"picture" * 299):
        forger, victim = Forger(honest[1]), replica()
        (name,) = (name for name in forger.files if name.startswith("contents/"))
        forger.files[name] = evil
        attempt(victim, forger.shelf())
        assert [stored.size for stored in victim.wanted()] == [2_100]
        assert recovers(victim, honest)


def test_a_content_that_never_ends(honest, replica):
    class Endless(Shelf):
        def pieces(self, name, start=0):
            if not name.startswith("contents/"):
                yield from super().pieces(name, start)
                return
            while True:
                yield b"x" * 1_000

    victim = replica()
    attempt(victim, Endless(dict(honest[1].files)))

    assert recovers(victim, honest)


def test_a_text_that_is_no_text(honest, replica):
    """A hash may name any bytes: who shows them shows what can be shown."""
    forger, victim = Forger(honest[1]), replica()
    data = b"\xff\xfe binary \x00" * 500
    stored = Stored(hashlib.sha256(data).hexdigest(), len(data))
    write = Write(b"w" * 16, Cell(A, "description"), "ticket", stored)
    row = forger.packed([(*foreign(write), (data,))])
    attempt(victim, forger.shelf([*forger.rows, row]))

    assert "binary" in victim.text(victim.shown(A)["description"])
    assert list(victim.export())
    assert recovers(victim, honest)


def test_an_older_state_takes_nothing_away(honest, replica):
    """A place that was set back is followed when it goes on again; what is here stays."""
    one, shelf = honest
    older, victim = Shelf(dict(shelf.files)), replica()
    edit(one, A, summary="the fourth")
    publish(one, shelf)
    attempt(victim, shelf)
    said = attempt(victim, older)

    assert victim.shown(A)["summary"] == "the fourth"
    assert "older" in said[0]
    assert recovers(victim, honest)


def test_a_forked_past_is_kept_beside_the_true_one(honest, replica):
    """Whoever writes under another one's origin makes a branch, and both are seen."""
    one, _ = honest
    forger, victim = Forger(honest[1]), replica()
    attempt(victim, honest[1])
    write = Write(b"w" * 16, Cell(A, "summary"), "ticket", "forged")
    row = forger.packed([foreign(write, origin=bytes(one.origin))])
    attempt(victim, forger.shelf([*forger.rows, row]))

    assert len(victim.tips()) == 2
    assert recovers(victim, honest)


def test_entries_that_supersede_in_circles(honest, replica):
    forger, victim = Forger(honest[1]), replica()
    one, other = b"1" * 16, b"2" * 16
    writes = [
        Write(one, Cell(A, "summary"), "ticket", "x", (other,)),
        Write(other, Cell(A, "summary"), "ticket", "y", (one,)),
    ]
    attempt(victim, forger.shelf([*forger.rows, forger.packed([foreign(*writes)])]))

    assert list(victim.export())
    assert recovers(victim, honest)


def test_properties_of_shapes_that_nobody_expects(honest, replica):
    """A summary that is a set, a life with another member, a ticket that is its own comment."""
    forger, victim = Forger(honest[1]), replica()
    cells = [
        Cell(A, "summary", "member"), Cell(A, "status", "member"), Cell(A, "name", "member"),
        Cell(A, "ticket"), Cell(A, "vote:"), Cell(A, "stand:"), Cell(A, "vote:x", "y"),
        Cell(A, "content"), Cell(A, "created"),
    ]  # fmt: skip
    values = ["present", "present", "present", ids.text(A), "x", "{", "z", "no hash", "yesterday"]
    writes = [
        Write(bytes([n]) * 16, cell, kind, value, rule=rule)
        for n, (cell, value) in enumerate(zip(cells, values, strict=True), 1)
        for kind, rule in [("comment", "newest")]
    ]
    attempt(victim, forger.shelf([*forger.rows, forger.packed([foreign(*writes)])]))

    assert list(victim.export()) is not None
    assert list(victim.history(A))
    assert recovers(victim, honest)


# --- folders ---


def folder(honest, path):
    for name, data in honest[1].files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def folder_place(path):
    return FolderPlace(path, str(path), clock=lambda: 0, sleep=lambda _: None, tell=print)


def victims(path):
    return [one for one in sorted(path.rglob("*")) if one.is_file()]


def test_links_and_pipes_in_a_folder(honest, replica, tmp_path):
    """What is no plain file there is not there; nobody waits for a pipe."""
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    for n, one in enumerate(victims(folder(honest, tmp_path / "place"))):
        name = one.relative_to(tmp_path / "place")
        for number, make in enumerate((os.mkfifo, lambda p: p.symlink_to(secret), os.mkdir)):
            place = folder(honest, tmp_path / f"{n}-{number}")
            (place / name).unlink()
            make(place / name)
            victim = replica()
            with contextlib.closing(folder_place(place)) as opened:
                attempt(victim, opened)
            assert recovers(victim, honest)


# --- zip files ---


def test_names_in_a_bundle_lead_nowhere(honest, replica, tmp_path):
    path, victim = tmp_path / "b.bundle", replica()
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in honest[1].files.items():
            bundle.writestr(name, data)
        bundle.writestr("../../escaped", b"x")
        bundle.writestr("/escaped", b"x")
    with contextlib.closing(Bundle(path)) as bundle:
        assert attempt(victim, bundle) == []

    assert not (tmp_path.parent / "escaped").exists()
    assert recovers(victim, honest)


def test_a_bundle_that_is_a_bomb(honest, replica, tmp_path):
    path, victim = tmp_path / "b.bundle", replica()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(wire.HEAD, b" " * (64 << 20))
    with contextlib.closing(Bundle(path)) as bundle:
        assert attempt(victim, bundle)

    assert path.stat().st_size < 1 << 20
    assert recovers(victim, honest)


def test_ticket_files_that_are_none(tmp_path):
    path = tmp_path / "ticket"
    for data in (b"", b"{", b"[" * 1_000_000, b"PK\x03\x04 and no more"):
        path.write_bytes(data)
        with pytest.raises((Invalid, UsageError)):
            ticket_of(path)
