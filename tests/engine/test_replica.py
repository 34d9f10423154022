"""A replica from the outside: recording, numbers, pages, texts, homes, quarantine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from itertools import count

import msgspec
import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settings import Settings
from prophet_hub.errors import Busy, Invalid, StoreError, UsageError
from prophet_hub.merge.settle import ask, newest, prefer
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import LIFE, RECEIPT, Cell, Changeset, Write, life, receipt, same_as
from prophet_hub.values import INLINE, PRESENT, Stored

A, B, C, D = (bytes([n]) * 16 for n in range(1, 5))
ALIVE = (LIFE, "alive")


@pytest.fixture
def replica():
    ticks = count(1)
    opened = Replica.open(":memory:", clock=lambda: next(ticks))
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hub.db"


def opened(path, **options):
    return Replica.open(path, clock=lambda: 1, **options)


def ticket(replica, record=A, **values):
    changes = {(k, ""): v for k, v in values.items()} | {ALIVE: PRESENT}
    return replica.edit(record, "ticket", changes, author="me", note="test")


def comment(replica, record=C, of=A, body="hello"):
    changes = {("ticket", ""): ids.text(of), ("body", ""): body, ALIVE: PRESENT}
    return replica.edit(record, "comment", changes, author="me")


def told(prop="status", value="open", above=(), name=b"w" * 16, record=A, **more):
    write = Write(name, Cell(record, prop), "ticket", value, above, **more)
    return Changeset(ids.fresh(), "rt", 5, (write,), "rt-main#1")


# --- recording ---


def test_what_is_known_is_not_logged_again(replica):
    """The second reading of a ticket tells nothing."""
    assert replica.record([told(), told()]) == 1
    assert replica.record([told(value="another map")]) == 0
    assert replica.record([told(above=(b"x" * 16,))]) == 1
    assert replica.record([told(above=(b"x" * 16,))]) == 0
    assert replica.record([told(above=(b"y" * 16,)), told(above=(b"y" * 16,))]) == 1
    assert replica.latest() == 3


def test_a_longer_seen_list_is_news(replica):
    gone = Changeset(ids.fresh(), "", 1, (Write(b"d" * 16, life(A), "ticket", None),))
    longer = msgspec.structs.replace(
        gone, writes=(msgspec.structs.replace(gone.writes[0], seen=(b"s" * 16,)),)
    )
    assert [replica.record([c]) for c in (gone, gone, longer, longer)] == [1, 0, 1, 0]


def test_a_changeset_keeps_what_is_new_in_it(replica):
    replica.record([told()])
    both = Changeset(
        ids.fresh(), "", 1, (told().writes[0], told("owner", "jesse", name=b"v" * 16).writes[0])
    )
    assert replica.record([both]) == 1
    assert [w.id for _, w in replica.writes_of(A)] == [b"w" * 16, b"v" * 16]


def test_an_edit_says_what_its_author_saw(replica):
    ticket(replica, summary="one")
    changeset = ticket(replica, summary="two")
    (_, write) = next((e, w) for e, w in replica.writes_of(A) if w.value == "two")

    assert (write.old, write.created, len(write.supersedes)) == ("one", 2, 1)
    assert changeset.author == "me"
    assert replica.edit(A, "ticket", {("x", ""): "y"}, author="", created=77).created == 77


def test_a_long_text_stands_by_its_hash_and_is_read_back(replica):
    long, umlauts = "x" * (INLINE + 1), "ü" * (INLINE // 2 + 1)
    ticket(replica, description=long, other=umlauts, short="y" * INLINE)
    cells = replica.cells(A)
    stored = cells["description", ""].shown

    assert isinstance(stored, Stored)
    assert stored.size == INLINE + 1
    assert isinstance(cells["other", ""].shown, Stored)
    assert cells["short", ""].shown == "y" * INLINE
    assert replica.text(stored) == long
    assert replica.text(cells["other", ""].shown) == umlauts
    assert (replica.text(None), replica.text("x")) == ("", "x")
    assert not any(long.encode() in row.raw for row in replica.store.log.after(0, 9))


def test_a_content_is_text_too(replica):
    stored = replica.store.blobs.put(["grüße".encode()])
    assert replica.text(stored) == "grüße"


def test_a_crash_in_the_middle_leaves_nothing(replica):
    """Entries, derived tables, texts, ledger: together or not at all."""
    ticket(replica, summary="kept")
    before = {t: replica.store.rows(f"SELECT * FROM {t}") for t in TABLES}
    with pytest.raises(ZeroDivisionError):
        _record_and_fail(replica)
    after = {t: replica.store.rows(f"SELECT * FROM {t}") for t in TABLES}

    assert after == before
    ticket(replica, B, summary="goes on")
    assert list(replica.check()) == []


TABLES = ("entries", "names", "touched", "cells", "records", "texts", "shadows", "meta", "origins")


def _record_and_fail(replica):
    with replica.transaction():
        ticket(replica, summary="x" * 9999)
        ticket(replica, B)
        replica.pair(A, B, author="")
        replica.store.put("shadows", (b"", "", ""), b"")
        replica._recorder.take_new_origin()
        replica.record([told()])
        raise ZeroDivisionError


def test_the_origin_comes_back_with_a_rollback(replica):
    origin = replica.origin
    with pytest.raises(ZeroDivisionError):
        _record_and_fail(replica)
    assert replica.origin == origin
    assert replica.record([told()]) == 1


# --- reading ---


def test_records_come_oldest_change_first_and_once(replica):
    """... also where the reader changes them on its way; the next reading sees that."""
    for record in (A, B, C):
        ticket(replica, record, summary="x")
    comment(replica, D)
    seen = []
    for row in replica.records("ticket", page=1):
        seen.append((row.record, row.number))
        ticket(replica, row.record, summary="y")

    assert seen == [(A, 1), (B, 2), (C, 3)]
    assert [r.record for r in replica.records(after=4)] == [A, B, C]
    assert [(r.type, r.record) for r in replica.records()] == [
        ("comment", D), ("ticket", A), ("ticket", B), ("ticket", C)
    ]  # fmt: skip
    assert list(replica.records(after=replica.latest())) == []


def test_a_pair_moves_the_joined_class(replica):
    ticket(replica, A, summary="x")
    ticket(replica, B, owner="y")
    at = replica.latest()
    replica.pair(A, B, author="me")
    replica.pair(B, A, author="me")
    replica.pair(A, A, author="me")

    assert [(r.record, r.number) for r in replica.records(after=at)] == [(A, 1)]
    assert replica.latest() == at + 1
    assert replica.members(B) == {A, B}
    assert replica.shown(B) == {"summary": "x", "owner": "y"}
    replica.unpair(B, author="me")
    replica.unpair(B, author="me")
    assert {(r.record, r.number) for r in replica.records(after=at + 1)} == {(A, 1), (B, 2)}
    assert replica.shown(B) == {"owner": "y"}
    assert replica.latest() == at + 2


def test_a_record_bound_before_it_is_known_takes_its_class_type(replica):
    replica.pair(A, B, author="")
    assert (replica.type_of(B), replica.knows(A), list(replica.records())) == ("", False, [])
    ticket(replica, B, summary="x")
    assert (replica.type_of(A), replica.knows(A), replica.knows(B)) == ("ticket", False, True)
    assert [(r.record, r.type) for r in replica.records("ticket")] == [(A, "ticket")]
    replica.unpair(A, author="")
    assert (replica.type_of(A), replica.type_of(B)) == ("", "ticket")


def test_a_type_does_not_depend_on_the_order(replica):
    replica.record([told(), msgspec.structs.replace(told(name=b"v" * 16), writes=(
        Write(b"v" * 16, Cell(A, "x"), "bug", "y"),))])  # fmt: skip
    assert replica.type_of(A) == "bug"


def test_children_are_found_through_the_whole_class(replica):
    ticket(replica, A)
    ticket(replica, B)
    comment(replica, C, of=B)
    replica.edit(D, "attachment", {("ticket", ""): ids.text(B)}, author="")
    replica.pair(A, B, author="")
    assert replica.children(A, "comment") == [C]
    assert replica.children(B, "attachment") == [D]
    replica.edit(C, "comment", {("ticket", ""): "no uuid"}, author="")
    assert replica.children(A, "comment") == []


def test_cells_of_many_are_keyed_as_asked(replica):
    ticket(replica, A, summary="x")
    replica.pair(A, B, author="")
    found = replica.cells_of([A, B, D])
    assert found[A] == found[B]
    assert found[A]["summary", ""].shown == "x"
    assert found[D] == {}


def test_links_are_no_cells_of_a_record(replica):
    ticket(replica, A, summary="x")
    replica.pair(A, B, author="")
    assert all(prop in ("summary", LIFE) for prop, _ in replica.cells(A))
    pair = same_as(A, B)
    assert replica.cell(pair.record, pair.prop, pair.member).shown == PRESENT


def test_what_is_known(replica):
    replica.record([told()])
    assert replica.known([b"w" * 16, b"v" * 16]) == {b"w" * 16}
    assert replica.cell(A, "nothing") is None
    assert replica.alive(D)


def test_writes_of_are_of_the_very_record(replica):
    ticket(replica, A, summary="x")
    replica.pair(A, B, author="")
    ticket(replica, B, summary="y")
    replica.record([Changeset(ids.fresh(), "", 1, (
        Write(ids.fresh(), receipt(b"e" * 16, b"w" * 16), "", PRESENT),))])  # fmt: skip
    assert [w.cell.prop for _, w in replica.writes_of(B)] == ["summary", LIFE]
    assert replica.cell(b"e" * 16, RECEIPT, (b"w" * 16).hex()).shown == PRESENT


def test_ids_in_words(replica):
    ticket(replica, A)
    ticket(replica, B)
    replica.pair(A, B, author="")
    ticket(replica, C)

    assert replica.resolve_id("#2") == A
    assert replica.resolve_id(ids.text(C)) == C
    assert replica.resolve_id(" 0303 ") == C
    assert replica.resolve_id("02") == A
    for words in ("#9", "", "xyz", "ff", "0" * 33):
        with pytest.raises(UsageError) as caught:
            replica.resolve_id(words)
        assert caught.value.hint
    with pytest.raises(UsageError, match="Several"):
        replica.resolve_id("0")


# --- settling ---


def disagree(replica, record=A, prop="status"):
    for n, value in enumerate("xy"):
        replica.record([told(prop, value, name=ids.fresh(), record=record, created=n)])


def test_policies(replica):
    disagree(replica, A)
    disagree(replica, B)
    assert replica.settle(ask) == 0
    assert replica.settle(newest, records=[A]) == 1
    assert replica.shown(A)["status"] == "y"
    first = replica.cells(B)["status", ""].heads
    theirs = {h.id for h in first if h.value == "x"}
    assert replica.settle(prefer("rt", lambda head: head.id in theirs)) == 1
    (head,) = replica.cells(B)["status", ""].heads
    assert (head.value, head.rule) == ("x", "prefer rt")
    assert list(replica.conflicts()) == []


def test_a_persons_answer_is_not_asked_again(replica):
    disagree(replica)
    (conflict,) = replica.conflicts()
    assert (conflict.record, conflict.type, conflict.cell.prop) == (A, "ticket", "status")
    replica.resolve(A, "status", "", "z", author="me")
    assert list(replica.conflicts()) == []
    assert replica.why(A, "status")[0].rule == "person"


def test_many_conflicts_come_in_order(replica):
    records = sorted(ids.fresh() for _ in range(600))
    with replica.transaction():
        for record in records:
            disagree(replica, record)
    assert [c.record for c in replica.conflicts()] == records
    assert replica.settle(newest) == 600


# --- homes ---


def test_a_file_that_stays_keeps_its_origin(path):
    one = opened(path)
    origin = one.origin
    one.close()
    again = opened(path)
    assert again.origin == origin
    again.close()


@pytest.mark.parametrize("way", ["copied", "moved", "restored"])
def test_a_file_in_a_new_home_takes_a_new_origin_at_once(path, way):
    """And nothing is dropped or logged again."""
    one = opened(path)
    one.record([told()])
    origin = one.origin
    one.close()
    other = path.with_name("other.db")
    if way == "copied":
        shutil.copy(path, other)
    else:
        path.rename(other)
    if way == "restored":
        shutil.copy(other, path)
        other = path
    two = opened(other)
    assert two.origin != origin
    assert two.record([told(), told(name=b"v" * 16)]) == 1
    assert {(r.origin, r.sequence) for r in two.log()} == {(origin, 1), (two.origin, 1)}
    assert len(two.tips()) == 2
    two.close()


def test_processes_that_share_a_file_go_on_under_one_origin(path):
    """One meets its own origin in a stranger's log; the other must not go on under the old one."""
    one, two = opened(path), opened(path)
    origin = one.origin
    _, raw = codec.seal(origin, 1, b"", told())
    one.integrate([(b"", raw)])
    two.record([told(name=b"v" * 16)])
    assert two.origin == one.origin != origin
    assert [(r.origin, r.sequence) for r in two.log()] == [(one.origin, 1), (origin, 1)]
    one.close()
    two.close()


def test_two_processes_may_make_a_database_at_once(path):
    script = (
        "import sys; from prophet_hub.engine.replica import Replica\n"
        "r = Replica.open(sys.argv[1], clock=lambda: 1)\n"
        "r.edit(b'x' * 16, 'ticket', {('summary', ''): sys.argv[2]}, author='')\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script, str(path), n]) for n in "12"]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    replica = opened(path)
    assert {row.origin for row in replica.log()} == {replica.origin}
    assert replica.latest() == 2
    assert list(replica.check()) == []
    replica.close()


def test_a_reader_of_a_copy_changes_nothing(path):
    opened(path).close()
    other = path.with_name("other.db")
    shutil.copy(path, other)
    before = other.read_bytes()
    reader = opened(other, read_only=True)
    assert reader.shown(A) == {}
    reader.close()
    assert other.read_bytes() == before


def test_a_database_that_fails_to_open_is_given_back(path, monkeypatch):
    opened(path).close()
    monkeypatch.setattr(Replica, "_settle_in", lambda self, read_only: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        opened(path)


def test_the_second_writer_is_busy_and_readers_are_not(path):
    one, two = opened(path), opened(path, patience=0.01)
    with one.transaction():
        one.record([told()])
        with pytest.raises(Busy, match="Another process"):
            two.record([told()])
        assert two.shown(A) == {}
    assert two.record([told()]) == 0
    one.close()
    two.close()
    two.close()


def test_a_missing_database(path):
    with pytest.raises(StoreError):
        opened(path, create=False)


# --- entries of others ---


def log_of(replica):
    return [(e.before, e.raw) for e in replica.store.log.after(0, 99)]


def test_an_entry_that_cannot_be_read_keeps_its_place(replica):
    origin = ids.fresh()
    raw = msgspec.msgpack.encode((origin, 1, "no changeset"))
    entry, good = codec.seal(origin, 2, codec.hashlib.sha256(raw).digest(), told())
    assert replica.integrate([(b"", raw), (entry.before, good)]) == 2
    assert replica.integrate([(b"", raw), (entry.before, good)]) == 0

    (held,) = replica.quarantine()
    assert (held.sequence, held.raw) == (1, raw)
    assert "cannot be read" in held.reason
    assert replica.shown(A) == {"status": "open"}
    assert [row.note[:13] for row in replica.log(newest_first=False)] == [
        "in quarantine",
        "rt-main#1",
    ]
    with pytest.raises(Invalid):
        replica.accept(held.number)
    assert len(replica.quarantine()) == 1
    assert list(replica.check()) == []


@pytest.mark.parametrize("raw", [
    b"\xc1", msgspec.msgpack.encode(("short", 1, None)),
    msgspec.msgpack.encode((b"o" * 16, 0, None)), msgspec.msgpack.encode((b"o" * 16, 1 << 60, 0)),
])  # fmt: skip
def test_bytes_without_a_place_are_refused(replica, raw):
    with pytest.raises(Invalid, match="no place"):
        replica.integrate([(b"", raw)])


@pytest.mark.parametrize("write", [
    Write(b"short", Cell(A, "x"), "", "y"),
    Write(b"w" * 16, Cell(b"short", "x"), "", "y"),
    Write(b"w" * 16, Cell(A, "x"), "", "y", (b"short",)),
    Write(b"w" * 16, Cell(A, "x"), "", "y", seen=(b"short",)),
    Write(b"w" * 16, Cell(A, "x"), "", Stored("../../../etc/passwd", 1)),
    Write(b"w" * 16, Cell(A, "same-as", "no record"), "", PRESENT),
    Write(b"w" * 16, Cell(A, "receipt", "ABCD" * 8), "", PRESENT),
])  # fmt: skip
def test_what_breaks_the_schema_is_quarantined(replica, write):
    """A pulled log is hostile until it is read."""
    _, raw = codec.seal(ids.fresh(), 1, b"", Changeset(ids.fresh(), "", 1, (write,)))
    assert replica.integrate([(b"", raw)]) == 1
    assert len(replica.quarantine()) == 1
    assert replica.known([write.id]) == set()
    with pytest.raises(Invalid):
        replica.accept(1)


def test_what_is_accepted_later_is_seen_by_who_goes_on_from_a_number(replica):
    origin = ids.fresh()
    _, raw = codec.seal(origin, 1, b"", told())
    replica.integrate([(b"", raw)], judge=lambda entry: "too new")
    ticket(replica, B)
    at = replica.latest()
    (held,) = replica.quarantine()
    replica.accept(held.number)
    replica.accept(held.number)

    assert [r.record for r in replica.records(after=at)] == [A]
    assert replica.latest() == at + 1
    ticket(replica, C)
    assert [r.record for r in replica.records(after=at + 1)] == [C]
    replica.rebuild()
    ticket(replica, D)
    assert [r.record for r in replica.records(after=at + 2)] == [D]


def test_a_batch_with_a_gap_is_refused_whole(replica):
    other = Replica.open(":memory:", clock=lambda: 1)
    for n in range(3):
        ticket(other, summary=str(n))
    log = log_of(other)
    with pytest.raises(Invalid, match="missing") as caught:
        replica.integrate([log[0], log[2]])
    assert caught.value.hint
    assert replica.latest() == 0
    assert replica.integrate(log) == 3
    other.close()


def test_an_entry_of_the_own_origin_makes_a_new_one(replica):
    _, raw = codec.seal(replica.origin, 1, b"", told())
    origin = replica.origin
    replica.integrate([(b"", raw)])
    assert replica.origin != origin
    assert replica.store.meta("origin") == replica.origin


def test_a_full_disk_leaves_a_replica_that_goes_on(path):
    replica = opened(path)
    ticket(replica, summary="kept")
    pages = replica.store.rows("PRAGMA page_count")[0][0]
    replica.store.run(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="disk is full"):
        replica.record([told("p", str(n) * 2000, name=ids.fresh()) for n in range(100)])
    assert replica.shown(A) == {"summary": "kept"}
    assert (replica.latest(), list(replica.check())) == (1, [])
    replica.store.run("PRAGMA max_page_count = 100000")
    assert replica.record([told()]) == 1
    replica.close()


# --- check ---


def test_check_finds_what_is_at_odds(replica):
    ticket(replica, summary="x")
    ticket(replica, summary="y")
    assert list(replica.check()) == []
    replica.store.run("UPDATE cells SET mark = 2 WHERE prop = 'summary'")
    replica.store.run("UPDATE entries SET before = x'00' WHERE number = 2")
    found = list(replica.check())
    assert [word for word in ("hash", "follows", "summary") if any(word in f for f in found)] == [
        "hash", "follows", "summary"
    ]  # fmt: skip
    replica.store.run("UPDATE entries SET before = (SELECT running FROM entries WHERE number = 1)"
                      " WHERE number = 2")  # fmt: skip
    assert replica.rebuild() == 2
    assert list(replica.check()) == []


def test_what_nobody_lists_takes_no_number(replica):
    """Settings, and records that are only named by links, leave the small numbers to people."""
    Settings(replica).set("statuses", ["open"], author="jesse")
    replica.pair(C, D, author="jesse")
    ticket(replica, A)
    ticket(replica, D, summary="told after it was paired")
    ticket(replica, B)
    replica.pair(D, B, author="jesse")
    numbers = {row.record: row.number for row in replica.records("ticket")}
    assert numbers[replica.name(A)] == 1
    assert numbers[replica.name(B)] == 2
    (setting,) = replica.records("setting")
    assert setting.number < 0
    assert replica.resolve_id(f"#{setting.number}") == setting.record
    assert list(replica.check()) == []
    replica.rebuild()
    assert {row.record: row.number for row in replica.records("ticket")} == numbers
    assert list(replica.check()) == []
