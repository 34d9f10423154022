"""A check finds what is at odds, wherever it is; a rebuild heals what can be derived."""

from __future__ import annotations

from itertools import count

import pytest

from prophet_hub.engine.check import check
from prophet_hub.engine.query import catch_up
from prophet_hub.engine.rebuild import rebuild
from prophet_hub.engine.replica import Replica
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write, receipt
from prophet_hub.values import PRESENT

T1, T2, T3, C1 = (bytes([n]) * 16 for n in (1, 2, 3, 4))


@pytest.fixture
def replica():
    """Tickets with an edit, a pair, a delete, a receipt, a long text, an attachment, searched."""
    ticks = count(1_790_000_000_000_000)
    one = Replica.open(":memory:", clock=lambda: next(ticks))
    for ticket in (T1, T2, T3):
        one.edit(
            ticket, "ticket", {("life", "alive"): PRESENT, ("summary", ""): "Printer"}, author="j"
        )
        one.edit(ticket, "ticket", {("status", ""): "open", ("labels", "red"): PRESENT}, author="j")
    one.edit(
        T1, "ticket", {("status", ""): "new", ("description", ""): "long " * 2_000}, author="j"
    )
    content = one.store.blobs.put([b"%PDF"])
    one.edit(C1, "attachment", {("ticket", ""): ids.text(T1), ("content", ""): content}, author="j")
    one.pair(T1, T2, author="j")
    one.edit(T3, "ticket", {("life", "alive"): None}, author="j")
    event, write = ids.fresh(), ids.fresh()
    told = [
        Write(event, Cell(T1, "owner"), "ticket", "x"),
        Write(write, Cell(T1, "owner"), "ticket", "x"),
    ]
    link = Write(ids.fresh(), receipt(event, write), "", PRESENT)
    one.record([Changeset(ids.fresh(), "j", 1, (*told, link))])
    catch_up(one.store)
    yield one
    one.close()


def test_what_is_whole_gives_nothing_to_say(replica):
    steps = []

    assert list(check(replica.store, told=lambda done, of: steps.append((done, of)))) == []
    assert steps[-1][0] == steps[-1][1] > 10


def test_a_search_that_has_not_heard_yet_of_a_pair_is_no_fault(replica):
    replica.edit(C1, "attachment", {("ticket", ""): ids.text(T2)}, author="j")
    catch_up(replica.store)

    replica.unpair(T1, author="j")  # the attachment belongs to another one from now on
    assert list(check(replica.store)) == []
    catch_up(replica.store)
    replica.pair(T1, T2, author="j")
    assert list(check(replica.store)) == []

    catch_up(replica.store)
    replica.store.run("UPDATE documents SET home = 2 WHERE kind = 'attachment'")
    assert ["is not found" in one for one in check(replica.store)] == [True]


DERIVED = [
    ("DELETE FROM names WHERE entry = 1", "Entry 1 has writes that are not found by their names."),
    ("INSERT INTO names VALUES (x'00', 1)", "The table names has 1 rows for which nothing"),
    ("DELETE FROM touched WHERE entry = 2", "Entry 2 writes to records that do not know of it."),
    ("INSERT INTO touched VALUES (x'00', 1)", "The table touched has 1 rows"),
    ("DELETE FROM carried", "What entry 7 names by hash is not as noted."),
    ("INSERT INTO carried VALUES (1, 'ab', 2)", "What entry 1 names by hash is not as noted."),
    ("INSERT INTO wanted VALUES ('abc', 2)", "The content abc is waited for"),
    ("DELETE FROM tips", "The last entries of the log's branches are not as noted."),
    ("DELETE FROM cells WHERE prop = 'status' AND record = x'{T3}'", "status is not as its writes say."),
    ("UPDATE cells SET conflict = 1 WHERE prop = 'summary'", "summary is not as its writes say."),
    ("INSERT INTO cells VALUES (x'99', 'a', '', x'90', 0, 0, NULL)", "The table cells has 1 rows"),
    ("UPDATE records SET kind = 'task' WHERE record = x'{T3}'", "is not named as its members are."),
    ("UPDATE records SET type = 'task' WHERE record = x'{T3}'", "is not of the type that its writes"),
    ("UPDATE records SET label = 99 WHERE record = x'{T1}'", "is not named as its members are."),
    ("UPDATE records SET whole = record WHERE record = x'{T2}'", "is not as its writes say."),
    ("DELETE FROM joins", "a pair is not noted."),
    ("INSERT INTO joins VALUES (x'00', x'01')", "The table joins has 1 rows"),
    ("DELETE FROM cells WHERE prop = 'same-as'", "a pair is not as its writes say."),
    ("DELETE FROM echoes", "is not noted."),
    ("UPDATE cells SET conflict = 1 WHERE prop = 'receipt'", "A receipt of event"),
    ("DELETE FROM deaths", "is not noted as its deletes say."),
    ("INSERT INTO deaths VALUES (x'{T1}')", "is not noted as its deletes say."),
    ("UPDATE documents SET home = 99 WHERE kind = 'attachment'", "is not found as it is shown."),
    ("DELETE FROM shown WHERE doc = 1", "is not found as it is shown."),
    ("UPDATE searched SET summary = 'other'", "The index of words does not fit the texts."),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "said"), DERIVED)
def test_a_harmed_table_is_found_and_rebuilt(replica, harm, said):
    replica.store.run(harm.format(T1=T1.hex(), T2=T2.hex(), T3=T3.hex()))

    assert any(said in one for one in check(replica.store)), list(check(replica.store))

    steps = []
    with replica.transaction():
        assert rebuild(replica.store, replica._derivation, told=lambda *n: steps.append(n)) == 11
    catch_up(replica.store)
    assert list(check(replica.store)) == []
    assert steps == [(11, 11)]


LOG = [
    ("UPDATE entries SET raw = x'00' WHERE number = 2", "Entry 2 cannot be read."),
    ("UPDATE entries SET running = x'00' WHERE number = 3", "Entry 3 does not have the hash"),
    ("UPDATE entries SET running = x'00' WHERE number = 3", "Entry 4 follows an entry that is not"),
    ("DELETE FROM entries WHERE number = 5", "Entry 6 follows an entry that is not here."),
    ("UPDATE entries SET sequence = 77 WHERE number = 11", "Entry 11 stands at another place than"),
    ("UPDATE texts SET data = x'00'", "is not what its name says."),
    ("DELETE FROM texts", "is named, not here, and not waited for."),
]  # fmt: skip


@pytest.mark.parametrize(("harm", "said"), LOG)
def test_a_harmed_log_is_found(replica, harm, said):
    replica.store.run(harm)

    assert any(said in one for one in check(replica.store)), list(check(replica.store))


def test_a_content_that_was_changed_or_lost_is_found(replica):
    (folder,) = [f for f in replica.store.blobs.folder.iterdir() if f.is_dir()]
    (file,) = folder.iterdir()
    file.write_bytes(b"%PDX")

    assert ["is not what its name says" in one for one in check(replica.store)] == [True]

    file.unlink()
    assert ["not waited for" in one for one in check(replica.store)] == [True]
    with replica.transaction():
        replica.rebuild()
    assert list(check(replica.store)) == []
    assert len(replica.wanted()) == 1
