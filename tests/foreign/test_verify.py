"""A remote is looked through beside what was read of it: each kind of drift happens, is told, healed.

What must never happen is the contrary: a word about a tracker in which all is as it was read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from foreign.kit import Crash, Hub, boundaries, crash, pair, tick, tracker_id
from foreign.worlds import World
from prophet_hub.foreign.drift import TABLE, Drift, Looked, Why, cause
from prophet_hub.foreign.joining import join
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.rows import WHOLE, ItemRow, Shadow
from prophet_hub.model.ids import name_of
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, History
from prophet_hub.testing.tracker import Knobs, Tracker

WORLDS = 60


def looked(hub, *, deep=False):
    """All that a look at every remote tells."""
    specs = list(hub.specs.values())
    return [one for name in hub.specs for one in hub.foreign(name).verify(specs, deep=deep)]


def drifts(hub, *, deep=False):
    return [one for one in looked(hub, deep=deep) if isinstance(one, Drift)]


def whys(hub, *, deep=False):
    return [(one.remote, one.why, one.field) for one in drifts(hub, deep=deep)]


def heal(hub, *, back=False):
    """What `verify --heal` does: lets all be looked at again, and syncs."""
    for name in hub.specs:
        mine = [one for one in drifts(hub) if one.remote == name]
        hub.foreign(name).heal(mine, back=back)
    hub.syncs(2)


def behind(tracker, ref, **fields):
    """Changes a ticket in the tracker's own database: no event, no time, no place in a list moves."""
    item = tracker.items[ref]
    item.fields.update(fields)
    item.shown = None


@pytest.fixture
def two():
    one, other = pair()
    one.create("jesse", {"summary": "Printer on fire", "status": "open"})
    one.comment("bob", "1", "It still burns")
    with Hub(one, other, R={"pairing": "off"}, T={"pairing": "off"}) as hub:
        hub.syncs()
        tick(one, other)
        hub.syncs()  # what was then is far behind the place that the next pull asks from
        tick(one, other)
        yield hub, one, other


# --- nothing is told where nothing is ---------------------------------------------------------------


def test_a_quiet_pair_has_no_drift_and_costs_a_request_a_page(two):
    hub, one, other = two
    for n in range(120):
        one.create("jesse", {"summary": f"Ticket {n}"})
    hub.syncs()
    before = one.requests, other.requests

    found = looked(hub)

    assert [(f.listed, f.asked) for f in found if isinstance(f, Looked)] == [(121, 0), (121, 0)]
    assert [f for f in found if isinstance(f, Drift)] == []
    assert (one.requests - before[0], other.requests - before[1]) == (3, 3)


@pytest.mark.parametrize("part", range(2))
def test_after_quiet_runs_of_random_worlds_nothing_is_told_but_what_waits_for_a_person(part):
    told = Counter()
    for seed in range(part * WORLDS // 2, (part + 1) * WORLDS // 2):
        world = World(seed)
        try:
            world.play(3 + seed % 22)
            if world.quiet() is None:
                continue
            before = world.state(), noted(world.hub)
            for one in looked(world.hub, deep=seed % 4 == 0):
                if isinstance(one, Looked):
                    told["looked"] += 1
                elif one.why is Why.WAITS:
                    assert any(i.ref == one.ref for i in world.hub.inbox(_named(world, one)))
                else:
                    told[seed, one] += 1
            assert (world.state(), noted(world.hub)) == before
        finally:
            world.close()
    assert set(told) == {"looked"}
    assert told["looked"] >= WORLDS


def _named(world, drift):
    return world.by_name[drift.remote]


def test_a_look_writes_nothing_whatever_it_finds(two):
    hub, one, other = two
    behind(one, "1", status="closed")
    one.create("jesse", {"summary": "New"})
    other.hide("1")
    rows = noted(hub)

    assert drifts(hub)

    assert noted(hub) == rows


def noted(hub):
    """All rows of the ledger."""
    tables = "shadows", "items", "inbox", "intents", "outstanding", "checkpoints", "scope", "people"
    return {table: list(hub.replica.store.scan(table)) for table in tables}


# --- each kind happens, is told, is healed, and is gone -----------------------------------------------


def test_what_changed_since_is_told_as_the_next_sync_s(two):
    hub, one, _ = two
    tick(one)
    one.update("jesse", "1", {"status": "closed"})

    assert whys(hub) == [("R", Why.UNREAD, "status")]
    (drift,) = drifts(hub)
    assert (drift.base, drift.shown, drift.heals) == ("open", "closed", "the next sync")

    hub.syncs()
    assert drifts(hub) == []


def test_what_the_listing_does_not_show_is_known_by_its_time_and_not_asked_for(two):
    hub, one, _ = two
    tick(one)
    one.comment("bob", "1", "It burns no more")

    found = looked(hub)

    assert [(f.why, f.field) for f in found if isinstance(f, Drift)] == [(Why.UNREAD, "")]
    assert {f.asked for f in found if isinstance(f, Looked)} == {0}


def test_a_change_that_moves_no_time_is_found_and_carried_over(two):
    hub, one, other = two
    behind(one, "1", status="closed")
    hub.syncs()
    assert other.items["1"].fields["status"] == "open"

    assert whys(hub) == [("R", Why.SILENT, "status")]
    heal(hub)

    assert other.items["1"].fields["status"] == "closed"
    assert drifts(hub) == []


def test_a_change_that_no_list_tells_though_its_time_moved_is_late(two):
    hub, one, other = two
    tick(one)
    one.update("jesse", "1", {"status": "closed"})
    ledger = Ledger(hub.replica.store, tracker_id("R"), "job")
    place = msgspec.structs.replace(ledger.place(), cursor=str(one.now + 1))
    ledger.set_place(place)

    assert whys(hub) == [("R", Why.LATE, "status")]
    heal(hub)

    assert other.items["1"].fields["status"] == "closed"
    assert drifts(hub) == []


def test_a_tracker_that_was_restored_is_never_healed_without_a_word(two):
    hub, one, other = two
    old = dict(one.items["1"].fields), list(one.items["1"].events), list(one.items["1"].stamps)
    tick(one, other)
    one.update("jesse", "1", {"status": "closed"})
    hub.syncs()
    tick(one, other)
    hub.syncs()
    tick(one, other)
    item = one.items["1"]
    item.fields, item.events, item.stamps, item.shown = (*old, None)

    assert whys(hub) == [("R", Why.BACK, "status")]
    heal(hub)
    assert other.items["1"].fields["status"] == "closed"
    assert whys(hub) == [("R", Why.BACK, "status")]

    heal(hub, back=True)
    assert other.items["1"].fields["status"] == "open"
    assert drifts(hub) == []


@pytest.mark.parametrize(
    ("updated", "last", "why"),
    [
        (5, 3, Why.SILENT),
        (6, 3, Why.LATE),
        (4, 3, Why.BACK),
        (5, 2, Why.BACK),
        (0, None, Why.SILENT),
    ],
)
def test_the_cause_of_a_difference_is_told_by_its_times(updated, last, why):
    assert cause(Shadow(seen=3, updated=5), updated, last) is why


def test_a_delete_of_what_nobody_shows_any_more_is_told_once_by_the_inbox():
    one, other = Tracker("R"), Tracker("T", Knobs(tombstones=False))
    one.create("jesse", {"summary": "Printer on fire"})
    with Hub(one, other) as hub:
        hub.syncs()
        tick(one, other)
        one.delete("jesse", "1")
        other.delete("jesse", "1")
        hub.syncs(3)

        assert whys(hub) == [("T", Why.WAITS, "")]


def test_a_permission_that_came_back_brings_the_ticket(two):
    hub, one, other = two
    one.create("jesse", {"summary": "Secret"})
    hidden = one.items[max(one.items)].id
    one.hide(hidden)
    hub.syncs()
    tick(one)
    one.create("jesse", {"summary": "Later"})
    hub.syncs()
    for _ in range(5):
        tick(one, other)
    hub.syncs()
    one.hide(hidden, hidden=False)
    hub.syncs()

    assert whys(hub) == [("R", Why.NEW, "")]
    heal(hub)

    assert "Secret" in [item.fields["summary"] for item in other.items.values()]
    assert drifts(hub) == []


def test_a_query_that_was_widened_brings_what_it_lists_now(two):
    hub, one, other = two
    hub.change("R", query="status=open")
    tick(one)
    one.create("jesse", {"summary": "Closed long ago", "status": "closed"})
    hub.syncs()
    for _ in range(5):
        tick(one, other)
    one.create("jesse", {"summary": "Open", "status": "open"})
    hub.syncs()
    hub.change("R", query="")

    found = [d.why for d in drifts(hub)]
    assert found == [Why.NEW]
    heal(hub)

    assert "Closed long ago" in [item.fields["summary"] for item in other.items.values()]
    assert drifts(hub) == []


def test_a_ticket_that_another_job_brought_and_this_one_s_query_lists_is_outside(two):
    """It was read, and stands as it was read, but the job's other remotes never heard of it."""
    hub = two[0]
    with hub.replica.transaction():
        hub.replica.store.drop("scope", ("job", tracker_id("R"), "1"))

    assert [(d.remote, d.why, d.ref) for d in drifts(hub)] == [("R", Why.OUTSIDE, "1")]
    heal(hub)

    assert drifts(hub) == []


def test_a_deletion_that_nobody_told_is_found_by_asking(two):
    hub, one, other = two
    one.items["1"].gone = "jesse", one.items["1"].updated
    one.items["1"].shown = None
    hub.syncs()
    assert not other.items["1"].gone

    assert [d.why for d in drifts(hub)] == [Why.GONE]
    heal(hub)

    assert other.items["1"].gone
    assert drifts(hub) == []


def test_a_ticket_that_is_not_shown_any_more_is_told_and_deletes_nothing(two):
    hub, one, other = two
    one.hide("1")

    assert [(d.remote, d.why) for d in drifts(hub)] == [("R", Why.HIDDEN)]
    heal(hub)

    assert not other.items["1"].gone
    assert [d.why for d in drifts(hub)] == [Why.WAITS]  # its line of the inbox says it from now on


def test_only_so_many_absent_tickets_are_asked_for(two):
    hub, one, _ = two
    for n in range(130):
        one.create("jesse", {"summary": f"Ticket {n}"})
    hub.syncs()
    for item in one.items.values():
        one.hide(item.id)
    before = one.requests

    found = Counter(d.why for d in drifts(hub) if d.remote == "R")

    assert found == {Why.HIDDEN: 100, Why.UNLISTED: 1}
    assert one.requests - before < 110
    assert Counter(d.why for d in drifts(hub, deep=True) if d.remote == "R") == {Why.HIDDEN: 131}


def test_what_left_the_query_and_stands_as_it_was_read_is_no_drift(two):
    hub, one, other = two
    hub.change("R", query="status=closed")

    assert drifts(hub) == []

    behind(one, "1", summary="Changed where nobody looks")
    assert [(d.why, d.field) for d in drifts(hub)] == [(Why.SILENT, "summary")]
    heal(hub)
    assert other.items["1"].fields["summary"] == "Changed where nobody looks"


def test_comments_and_files_of_a_ticket_that_moved_unseen_are_compared(two):
    hub, one, other = two
    note = one.items["1"].comments[0]
    note.body, one.items["1"].shown = "It burns no more", None
    assert drifts(hub) == []  # the listing shows no comments ...
    assert whys(hub, deep=True) == [("R", Why.SILENT, "body")]

    heal_deep(hub)

    assert other.items["1"].comments[0].body.endswith("It burns no more")
    assert drifts(hub, deep=True) == []


def heal_deep(hub):
    for name in hub.specs:
        hub.foreign(name).heal([d for d in drifts(hub, deep=True) if d.remote == name])
    hub.syncs(2)


def test_a_comment_that_is_not_shown_any_more_is_a_person_s_matter(two):
    hub, one, other = two
    one.items["1"].comments.clear()
    one.items["1"].shown = None

    assert [(d.why, d.kind) for d in drifts(hub, deep=True)] == [(Why.REMOVED, COMMENT)]
    heal_deep(hub)

    assert len(other.items["1"].comments) == 1


def test_a_file_that_the_listing_tells_and_nobody_read(two):
    hub, one, other = two
    number = one.attach("bob", "1", "log.txt", b"burning")
    one.items["1"].stamps.pop()
    assert [(d.why, d.kind, d.ref) for d in drifts(hub)] == [(Why.SILENT, ATTACHMENT, number)]

    heal(hub)

    assert [file.data for file in other.items["1"].attachments] == [b"burning"]
    assert drifts(hub) == []


def test_two_live_tickets_of_one_record_are_told(two):
    hub, one, _ = two
    tick(one)
    made = one.create("jesse", {"summary": "Printer on fire again"})
    hub.syncs()
    side = hub.foreign("R")._side
    with side.transaction():
        join(side, hub.record(one, "1"), hub.record(one, made))
    hub.syncs()

    doubled = {(d.remote, d.ref) for d in drifts(hub) if d.why is Why.DOUBLED}
    assert {("R", "1"), ("R", made)} <= doubled


def test_a_value_that_no_plan_looks_at_any_more_is_found_without_a_request(two):
    hub, one, other = two
    tick(one)
    one.update("jesse", "1", {"status": "closed"})
    list(hub.foreign("R").pull())
    ledger = Ledger(hub.replica.store, tracker_id("T"), "job")
    seen = msgspec.structs.replace(ledger.place(), composed=hub.replica.latest())

    assert whys(hub) == [("T", Why.PENDING, "status")]
    ledger.set_place(seen)
    hub.syncs()
    assert other.items["1"].fields["status"] == "open"
    assert whys(hub) == [("T", Why.UNWRITTEN, "status")]

    heal(hub)

    assert other.items["1"].fields["status"] == "closed"
    assert drifts(hub) == []


def test_a_twin_that_was_never_made_is_missing(two):
    hub, one, other = two
    tick(one)
    one.create("jesse", {"summary": "Coffee is out"})
    list(hub.foreign("R").pull())
    ledger = Ledger(hub.replica.store, tracker_id("T"), "job")
    ledger.set_place(msgspec.structs.replace(ledger.place(), composed=hub.replica.latest()))
    hub.syncs()

    assert [(d.remote, d.why, d.base) for d in drifts(hub)] == [("T", Why.MISSING, "Coffee is out")]
    heal(hub)

    assert [item.fields["summary"] for item in other.items.values()][1:] == ["Coffee is out"]
    assert drifts(hub) == []


def test_a_write_whose_end_nobody_knows_is_under_way(two):
    hub, one, _ = two
    tick(one)
    one.update("jesse", "1", {"status": "closed"})
    number = 0
    while Why.UNDER_WAY not in {d.why for d in drifts(hub)}:
        assert number < 40
        crash(hub, number)
        number += 1
    hub.syncs()

    assert drifts(hub) == []


def test_an_item_that_is_bound_and_was_never_read_is_told(two):
    hub, one, _ = two
    record = hub.record(one, "77")
    with hub.replica.transaction():
        Ledger(hub.replica.store, tracker_id("R"), "job").set_item(
            record, ItemRow(tracker_id("R"), TICKET, "77", born=False)
        )

    assert [(d.why, d.ref) for d in drifts(hub)] == [(Why.UNBOUND, "77")]


@pytest.mark.parametrize(
    "spoil", ["foreign row", "no row", "no record", "future plan", "no cursor"]
)
def test_rows_that_contradict_one_another_are_told(two, spoil):
    hub, one, _ = two
    ledger = Ledger(hub.replica.store, tracker_id("R"), "job")
    record = hub.record(one)
    with hub.replica.transaction():
        match spoil:
            case "foreign row":
                ledger.set_item(name_of("nobody"), ItemRow(tracker_id("R"), TICKET, "1"))
            case "no row":
                hub.replica.store.drop("items", (record,))
            case "no record":
                ledger.set_item(hub.record(one, "9"), ItemRow(tracker_id("R"), TICKET, "9"))
                ledger.set_shadow(TICKET, "9", Shadow())
            case "future plan":
                ledger.set_place(msgspec.structs.replace(ledger.place(), composed=1 << 40))
            case "no cursor":
                ledger.set_place(msgspec.structs.replace(ledger.place(), cursor=""))

    assert Why.LEDGER in {d.why for d in drifts(hub)}


def test_files_that_are_not_what_was_read_are_found_by_their_hash(tmp_path):
    one, other = pair()
    one.create("jesse", {"summary": "Printer on fire"})
    one.attach("bob", "1", "log.txt", b"burning")
    with Hub(one, other, path=str(tmp_path / "hub.db")) as hub:
        hub.syncs()
        assert drifts(hub, deep=True) == []
        for path in hub.replica.store.blobs.folder.rglob("*"):
            if path.is_file():
                path.write_bytes(b"BURNING")

        assert drifts(hub) == []
        found = {(d.remote, d.why) for d in drifts(hub, deep=True)}

    assert found == {("R", Why.BYTES), ("T", Why.BYTES)}


def test_what_waits_as_a_whole_is_told_by_its_line_alone(two):
    hub, one, _ = two
    behind(one, "1", status="resolved")
    with hub.replica.transaction():
        ledger = Ledger(hub.replica.store, tracker_id("R"), "job")
        ledger.wait(TICKET, "1", WHOLE, "It could not be read.", now=0)

    assert whys(hub) == [("R", Why.WAITS, "")]


def test_what_waits_for_a_person_is_told_with_its_reason():
    one, other = pair(refuses=frozenset({"P1"}))
    one.create("jesse", {"summary": "Printer on fire", "status": "P1"})
    with Hub(one, other) as hub:
        hub.syncs()
        (drift,) = drifts(hub)

    assert (drift.remote, drift.why, drift.field) == ("T", Why.WAITS, "status")
    assert "does not show it" in drift.explained


# --- healing -----------------------------------------------------------------------------------------


def test_healing_survives_an_end_at_every_boundary():
    number, alive = 0, True
    while alive:
        one, other = pair()
        one.create("jesse", {"summary": "Printer on fire", "status": "open"})
        with Hub(one, other) as hub:
            hub.syncs()
            behind(one, "1", status="closed")
            alive = _healed_and_crashed(hub, number)
            heal(hub)

            assert drifts(hub) == []
            assert other.items["1"].fields["status"] == "closed"
            assert len(other.items) == 1
        number += 1
    assert number > 8


def _healed_and_crashed(hub, at):
    def act(number):
        if number == at:
            raise Crash

    with boundaries(hub, act):
        try:
            heal(hub)
        except Crash:
            return True
    return False


@pytest.mark.parametrize("history", list(History))
def test_healing_twice_is_healing_once(history):
    one, other = Tracker("R", Knobs(history=history)), Tracker("T", Knobs(history=history))
    one.create("jesse", {"summary": "Printer on fire", "status": "open"})
    with Hub(one, other) as hub:
        hub.syncs()
        behind(one, "1", status="closed")
        found = drifts(hub)
        for _ in range(2):
            hub.foreign("R").heal(found)
        hub.syncs()
        writes = one.writes, other.writes
        hub.foreign("R").heal(found)
        hub.syncs()

        assert (one.writes, other.writes) == writes
        assert other.items["1"].fields["status"] == "closed"
        assert not hub.conflicts()


def test_every_cause_has_its_words():
    assert set(TABLE) == set(Why)
    assert replace(Drift(remote="a", why=Why.NEW), reason="because").explained == "because"
