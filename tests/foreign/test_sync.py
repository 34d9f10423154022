"""Two trackers in step: the plain cases."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, pair, tick
from prophet_hub.foreign.steps import Outcome
from prophet_hub.sdk import ATTACHMENT, COMMENT, History

BORN = {"summary": "hello", "status": "new", "labels": frozenset({"a", "b"})}


@pytest.fixture
def two():
    r, t = pair()
    r.create("bob", BORN)
    with Hub(r, t) as hub:
        hub.sync()
        yield hub, r, t


def test_a_ticket_with_comment_and_attachment_arrives_whole():
    r, t = pair()
    r.create("bob", BORN)
    r.comment("bob", "1", "a comment")
    r.attach("eve", "1", "../x.txt", b"bytes")
    with Hub(r, t) as hub:
        done = hub.sync()
        again = hub.syncs(3)

    item = t.items["1"]
    assert [d.outcome for d in done] == [Outcome.DONE] * 3
    assert item.fields == BORN
    assert item.comments[0].body.endswith("UTC, R#1-2:\n\na comment")
    assert [(f.name, f.data) for f in item.attachments] == [("x.txt", b"bytes")]
    assert again == []


def test_edits_of_different_fields_both_arrive(two):
    hub, r, t = two
    r.update("bob", "1", {"summary": "from R"})
    t.update("eve", "1", {"status": "open"}, added={"labels": {"c"}})
    hub.syncs()

    expected = {"summary": "from R", "status": "open", "labels": frozenset("abc")}
    assert r.items["1"].fields == t.items["1"].fields == expected
    assert hub.conflicts() == []


def test_edits_of_the_same_field_are_a_conflict_that_is_held_until_one_answers(two):
    hub, r, t = two
    r.update("bob", "1", {"status": "open"})
    t.update("eve", "1", {"status": "stalled"})
    hub.syncs()
    assert hub.values(r, "status") == {"open", "stalled"}
    assert (r.items["1"].fields["status"], t.items["1"].fields["status"]) == ("open", "stalled")

    hub.replica.resolve(hub.record(r), "status", "", "open", author="me")
    hub.syncs()
    assert t.items["1"].fields["status"] == "open"
    assert hub.conflicts() == []


def test_after_a_sync_one_reading_back_and_then_one_request_and_no_write_for_a_hundred_runs(two):
    hub, r, t = two
    tick(r, t)
    hub.sync()
    tick(r, t)
    for _ in range(100):
        before = r.requests, t.requests, r.writes + t.writes, hub.replica.latest()
        assert hub.sync() == []
        tick(r, t)
        after = r.requests - before[0], t.requests - before[1], r.writes + t.writes
        assert (after, hub.replica.latest()) == ((1, 1, before[2]), before[3])


def test_a_changed_map_costs_no_request_and_no_write_either(two):
    hub, r, t = two
    tick(r, t), hub.sync(), tick(r, t)
    table = hub.specs["T"].fields.extended([], {"status": {"offen": "new"}})
    hub.change("T", fields=table)
    for _ in range(10):
        before = r.requests, t.requests, r.writes + t.writes
        assert hub.sync() == []
        tick(r, t)
        assert (r.requests, t.requests, r.writes + t.writes) == (
            before[0] + 1, before[1] + 1, before[2],
        )  # fmt: skip


@pytest.mark.parametrize("history", list(History))
def test_a_comment_goes_the_other_way(history):
    r, t = pair(history=history)
    r.create("bob", BORN)
    with Hub(r, t) as hub:
        hub.sync()
        t.comment("eve", "1", "from T")
        t.attach("eve", "1", "n.png", b"\x89PNG")
        hub.syncs()

    assert [c.body.split("\n\n", 1)[1] for c in r.items["1"].comments] == ["from T"]
    assert [f.data for f in r.items["1"].attachments] == [b"\x89PNG"]
    assert len(t.items["1"].comments) == len(t.items["1"].attachments) == 1


def test_an_edited_comment_travels(two):
    hub, r, t = two
    r.comment("bob", "1", "first")
    hub.sync()
    r.edit_comment("bob", "1", r.items["1"].comments[0].id, "second")
    hub.syncs()
    assert t.items["1"].comments[0].body.endswith(":\n\nsecond")
    assert hub.conflicts() == []

    t.edit_comment("eve", "1", t.items["1"].comments[0].id, "third")
    hub.syncs()
    assert r.items["1"].comments[0].body == "third"


def test_a_deleted_comment_record_is_deleted_in_its_trackers(two):
    hub, r, t = two
    r.comment("bob", "1", "first")
    hub.sync()
    record = hub.record(r, r.items["1"].comments[0].id, COMMENT)
    hub.replica.edit(record, COMMENT, {("life", "alive"): None}, author="me")
    hub.syncs()
    assert r.items["1"].comments == t.items["1"].comments == []


def test_a_delete_travels_and_takes_nothing_that_it_did_not_see(two):
    hub, r, t = two
    t.delete("eve", "1")
    hub.syncs()
    assert r.items["1"].gone
    assert hub.conflicts() == []


def test_an_edit_that_a_delete_did_not_see_makes_a_conflict_of_life(two):
    hub, r, t = two
    r.update("bob", "1", {"status": "open"})
    t.delete("eve", "1")
    hub.syncs()
    assert not r.items["1"].gone
    assert [c.cell.prop for c in hub.conflicts()] == ["life"]


def test_an_attachment_is_uploaded_once(two):
    hub, r, t = two
    r.attach("bob", "1", "a.bin", b"1" * 100_000)
    hub.syncs()
    for _ in range(5):
        tick(r, t)
        r.update("bob", "1", {"summary": f"touched {r.now}"})
        hub.sync()
    assert len(t.items["1"].attachments) == len(r.items["1"].attachments) == 1
    assert hub.values(r, "size", r.items["1"].attachments[0].id, kind=ATTACHMENT) == {"100000"}
