"""`verify`: what is said of trackers that are as they were read, and of those that are not."""

from __future__ import annotations

import json
import re

import pytest

from cli.test_docs import DOCS, typed
from cli.test_undo_run import DELETES
from prophet_hub.foreign.drift import TABLE
from prophet_hub.testing.faults import Fault, What

LATER = 5  # seconds after which nothing is asked for again


def behind(tracker, ref, **fields):
    """Changes a ticket in the tracker's own database: no event, no time, no place in a list moves."""
    tracker.items[ref].fields.update(fields)
    tracker.items[ref].shown = None


@pytest.fixture
def synced(hub):
    """A ticket in both trackers, read long ago."""
    made = hub.synced()
    for tracker in (hub.a, hub.b):
        tracker.now += LATER
    assert hub("sync both -q").code == 0
    return made


def test_trackers_that_are_as_they_were_read(hub, synced):
    said = hub("verify both")

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "a: 1 ticket listed, 2 requests",
        "b: 1 ticket listed, 2 requests",
        "All is as it was read, and written what should be.",
    ]
    assert hub("verify a b --quiet").out == ""


def test_drift_is_a_line_each_and_exit_1(hub, synced):
    behind(hub.a, synced, status="closed")

    said = hub("verify both")

    assert said.code == 1
    head, row = said.out.splitlines()[2:4]
    assert re.split(r"\s{2,}", head) == [
        "remote", "item", "field", "in the base", "shown there", "why", "healed by",
    ]  # fmt: skip
    assert re.split(r"\s{2,}", row) == [
        "a", f"ticket {synced}", "status", "open", "closed",
        "changed while its time of change stood still, so no sync would have seen it",
        "verify --heal",
    ]  # fmt: skip
    assert said.out.splitlines()[4] == "1 drift."
    quiet = hub("verify both -q")
    assert quiet.code == 1
    assert quiet.out.splitlines() == [head, row]


def test_a_look_writes_nothing_into_the_database(hub, synced):
    behind(hub.a, synced, status="closed")
    hub.a.hide(synced, hidden=False)
    before = (hub.folder / "hub.db").read_bytes()
    writes = hub.a.writes, hub.b.writes

    assert hub("verify both").code == 1

    assert (hub.folder / "hub.db").read_bytes() == before
    assert (hub.a.writes, hub.b.writes) == writes


def test_healing_shows_its_plan_and_looks_again(hub, synced):
    behind(hub.a, synced, status="closed")

    said = hub("verify both --heal")

    assert said.code == 0
    assert [item.fields["status"] for item in hub.b.items.values()] == ["closed"]
    assert "open -> closed" in said.out
    assert said.out.splitlines()[-1] == "All is as it was read, and written what should be."
    assert hub("verify both").code == 0


def test_healing_tells_what_is_left(hub, synced):
    hub.a.hide(synced)

    said = hub("verify both --heal")

    assert said.code == 1
    assert "not visible" in said.out
    assert said.out.splitlines()[-1] == "1 drift left."


def test_a_tracker_that_went_back_wants_a_word(hub, synced):
    item = hub.a.items[synced]
    old = dict(item.fields), list(item.events), list(item.stamps)
    hub.a.now += LATER
    hub.a.update("jesse", synced, {"status": "closed"})
    hub("sync both -q")
    for tracker in (hub.a, hub.b):
        tracker.now += LATER
    hub("sync both -q")
    item.fields, item.events, item.stamps, item.shown = (*old, None)

    held = hub("verify both --heal")
    assert held.code == 1
    assert "restored from a backup?" in held.out
    assert [one.fields["status"] for one in hub.b.items.values()] == ["closed"]

    assert hub("verify both --heal --yes").code == 0
    assert [one.fields["status"] for one in hub.b.items.values()] == ["open"]


def test_a_brake_holds_a_heal_that_would_close_much(hub):
    made = [hub.a.create("jesse", {"summary": f"T {n}", "status": "open"}) for n in range(60)]
    hub("sync both --yes -q")
    for tracker in (hub.a, hub.b):
        tracker.now += LATER
    hub("sync both -q")
    for one in made:
        behind(hub.a, one, status="resolved")

    held = hub("verify both --heal")

    assert held.code == 4
    assert "nothing was written" in held.err
    assert {item.fields["status"] for item in hub.b.items.values()} == {"open"}
    told = hub("verify both --heal --json")
    assert (told.code, len(told.data["drifts"]), told.data["run"]["state"]) == (4, 60, "braked")
    assert hub("verify both --heal --yes -q").code == 0
    assert {item.fields["status"] for item in hub.b.items.values()} == {"resolved"}


def test_data_for_programs(hub, synced):
    behind(hub.a, synced, status="closed")

    found = hub("verify both --json")

    assert found.code == 1
    (drift,) = found.data["drifts"]
    assert (drift["remote"], drift["cause"], drift["ref"]) == ("a", "silent", synced)
    assert (drift["base"], drift["shown"]) == ("open", "closed")
    assert found.data["remotes"][0]["listed"] == 1
    healed = hub("verify both --json --heal")
    assert healed.code == 0
    assert json.loads(healed.out)["run"]["state"] == "done"


def test_a_remote_that_was_never_read_has_nothing_to_be_compared_with(hub):
    assert hub("ticket create -- --summary Printer").code == 0

    said = hub("verify both")

    assert said.code == 2
    assert "a was never read" in said.err


def test_a_remote_that_is_down_is_told_and_the_other_looked_through(hub, synced):
    hub.a.faults.add(Fault(what=What.STATUS, status=500, times=None))

    said = hub("verify both")

    assert said.code == 1
    assert "b: 1 ticket listed" in said.out
    assert "a" in said.err


def test_deep_reads_every_ticket(hub, synced):
    hub.a.comment("bob", synced, "It burns")
    hub("sync both -q")
    hub.a.items[synced].comments[0].body = "It burns no more"
    hub.a.items[synced].shown = None

    assert hub("verify both").code == 0
    assert hub("verify both --deep").code == 1
    assert hub("verify both --deep --heal").code == 0


@pytest.mark.parametrize("deletes", ["yes", "no"])
def test_after_an_undo_there_is_listed_exactly_what_could_not_be_undone(hub, deletes):
    """In one world what the run made can be deleted, in the other nothing can."""
    hub.job_file(DELETES.replace("yes", deletes))
    hub.synced(summary="Printer smokes")
    hub.a.comment("jesse", "1", "Bring water")
    hub.a.update("jesse", "1", {"status": "resolved", "summary": "Printer on fire"})
    hub.a.comment("jesse", hub.a.create("jesse", {"summary": "Coffee is out"}), "Not the tea")
    assert hub("sync both --yes --quiet").code == 0
    hub.b.update("cara", "1", {"summary": "Printer on ice"})
    made = {("comment", "", "4"), ("comment", "", "5"), ("ticket", "", "2")}

    hub("undo --run 2")
    hub("sync both")

    found = hub("verify both --json --deep")
    told = {(one["kind"], one["field"], one["ref"]) for one in found.data["drifts"]}
    assert found.code == 1
    assert told == {("ticket", "summary", "1"), *(made if deletes == "no" else ())}
    assert all("not undone" in one["why"] for one in found.data["drifts"])


def test_the_page_names_every_cause():
    page = (DOCS / "verify.md").read_text("utf-8")

    for words, heals in TABLE.values():
        assert f"| {words} | {heals} |" in page


def test_the_page_tells_what_the_program_answers(hub):
    """The file has a job `both` of the same remotes."""
    made = [hub.a.create("jesse", {"summary": f"T {n}", "status": "open"}) for n in range(2)]
    for _ in range(2):
        hub("sync both --yes -q")
        for tracker in (hub.a, hub.b):
            tracker.now += LATER
    hub("sync both -q")
    behind(hub.a, made[0], status="resolved")

    ((command, answer), *_) = typed("verify.md")

    assert hub(command.replace("main", "both").removeprefix("prophet-hub ")).out == f"{answer}\n"
