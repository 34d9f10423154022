"""`runs` and `undo --run`: what was written, and back."""

from __future__ import annotations

import dataclasses
import doctest
import os
import shlex
import signal

import msgspec
import pytest

from cli.test_docs import typed
from prophet_hub.cli.desk import Desk
from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.ledger import Ledger, journal_rows
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.memory import memory_capabilities
from prophet_hub.testing.tracker import Knobs, Tracker

DELETES = """
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: {a: {deletes: yes}, b: {deletes: yes}}}
"""
_SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def ran(hub):
    """Run 1 makes b's ticket 1; run 2 writes a summary, a status, a comment, and makes ticket 2."""
    hub.job_file(DELETES)
    hub.synced(summary="Printer smokes")
    hub.a.comment("jesse", "1", "Bring water")
    hub.a.update("jesse", "1", {"status": "resolved", "summary": "Printer on fire"})
    other = hub.a.create("jesse", {"summary": "Coffee is out", "status": "new"})
    hub.a.comment("jesse", other, "Not the tea")
    assert hub("sync both --yes --quiet").code == 0
    return hub


def state(tracker):
    return {
        item.fields["summary"]: (item.fields.get("status"), len(item.comments))
        for item in tracker.items.values()
        if not item.gone
    }


def test_the_page_tells_what_the_program_answers(ran):
    ran.b.update("cara", "1", {"summary": "Printer on ice"})
    commands = 0
    for command, answer in typed("undo.md"):
        said = ran("", *shlex.split(command)[1:])

        found = (said.out + said.err).rstrip("\n")
        assert doctest.OutputChecker().check_output(f"{answer}\n", f"{found}\n", _SAME), (
            f"{command}\n{found}"
        )
        commands += 1
    assert commands > 5


def test_a_run_goes_back_and_comes_again(ran):
    after = state(ran.b)
    source = state(ran.a)

    assert ran("undo --run 2").code == 0
    assert state(ran.b) == {"Printer smokes": ("open", 0)}
    assert ran("sync both").out.splitlines()[-1].endswith("0 written, 0 failed, 0 conflicts.")

    assert ran("undo --run 3 --quiet").out == ""
    assert (state(ran.b), state(ran.a)) == (after, source)
    assert "0 written" in ran("sync both").out


def test_what_is_undone_stands_at_its_run(ran):
    ran("undo --run 2 --quiet")

    writes = {one["kind"]: one for one in ran("runs 2 --json").data["writes"]}
    assert {one["undone"] for one in ran("runs 2 --json").data["writes"]} == {"3"}
    assert writes["ticket"]["outcome"] == "done"
    assert [(one["run"], one["undoes"]) for one in ran("runs --json").data] == [
        ("3", "2"), ("2", ""), ("1", ""),
    ]  # fmt: skip
    assert "done, undo of run 2" in ran("runs --most 1").out
    assert "Nothing is left to undo of run 2. Run 3 undid it." in ran("undo --run 2").out


def test_what_the_job_only_reads_by_now_is_not_written(ran):
    ran.job_file(DELETES.replace("b: {deletes: yes}", "b: {direction: pull}"))
    before = ran.b.writes, state(ran.b)

    said = ran("undo --run 2 --yes")
    assert (said.code, ran.b.writes, state(ran.b)) == (1, *before)
    assert "The job only reads b." in said.err


def test_for_programs_one_object_tells_all(ran):
    ran.b.update("cara", "1", {"summary": "Printer on ice"})

    said = ran("undo --run 2 --json")

    assert (said.code, said.data["state"], said.data["kept"]) == (1, "done", 1)
    assert [one["verb"] for one in said.data["plan"]] == ["update", "delete", "delete"]
    (left,) = said.data["left"]
    assert (left["ref"], left["field"]) == ("1", "summary")
    assert [one["reason"] for one in ran("inbox list --json").data] == [left["reason"]]


def test_a_dry_run_writes_nothing_at_all(ran):
    ran.b.update("cara", "1", {"summary": "Printer on ice"})
    before = ran.b.writes, state(ran.b)

    assert ran("undo --run 2 --dry-run").code == 1
    assert (ran.b.writes, state(ran.b)) == before
    assert ran("inbox list --json").data == []
    assert ran("undo --run 2 --dry-run --json").data["undone_before"] == ""


def test_the_brakes_hold_an_undo(ran):
    ran.job_file(
        DELETES.replace("b: {deletes: yes}}}", "b: {deletes: yes}}, brakes: {deletes: 0}}")
    )

    said = ran("undo --run 2")

    assert said.code == 4
    assert "would delete 1 ticket in b" in said.err
    assert "Look with --dry-run, then say it with --yes." in said.err
    assert len(state(ran.b)) == 2
    assert ran("undo --run 2 --yes").code == 0


@pytest.mark.parametrize(("answer", "left"), [("n\n", 2), ("y\n", 1)])
def test_at_a_terminal_it_asks(ran, monkeypatch, answer, left):
    monkeypatch.setattr(Desk, "asks", True)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: answer == "y\n")

    ran("undo --run 2")

    assert len(state(ran.b)) == left


def test_mail_that_was_sent_is_counted(hub):
    hub.job_file(DELETES)
    hub.trackers["b"] = Tracker("b", Knobs(notifies=True))
    hub.synced()

    said = hub("undo --run 1 --dry-run")

    assert "1 write of run 1 may have sent mail, which stays sent." in said.out
    assert "1 of them may send mail" in said.out


def test_a_tracker_of_another_hub_is_refused(ran):
    assert ran("claims give b").code == 0
    before = state(ran.b)

    said = ran("undo --run 2")

    assert said.code == 1
    assert "b is left out" in said.err
    assert "Undo the run at the hub that made it." in said.err
    assert state(ran.b) == before


def test_a_run_that_wrote_nothing_has_nothing_to_undo(ran):
    ran("sync both")

    said = ran("undo --run 3")

    assert (said.code, said.out) == (0, "Nothing is left to undo of run 3.\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("undo", "What shall be undone?"),
        ("undo 3 --run 3", "What shall be undone?"),
        ("undo --run 77", "There is no run 77."),
        ("runs 77", "There is no run 77."),
    ],
)
def test_wrong_words_end_with_2(ran, words, why):
    said = ran(words)

    assert said.code == 2
    assert why in said.err


def test_a_job_that_is_gone_is_told(ran):
    ran.job_file(DELETES.replace("both:", "all:"))

    said = ran("undo --run 2")

    assert said.code == 2
    assert 'No job "both" stands in prophet-hub.yaml.' in said.err


def test_what_the_journal_of_an_older_hub_did_not_note_is_known_by_its_record(ran):
    with Replica.open(ran.folder / "hub.db") as replica, replica.transaction():
        for run, number, row in list(journal_rows(replica.store)):
            if row.verb == "create":
                less = msgspec.structs.replace(row, ref="", ticket="")
                Ledger(replica.store, row.tracker, "").set_journal(run, number, less)

    assert ran("undo --run 2").code == 0
    assert state(ran.b) == {"Printer smokes": ("open", 0)}


def test_what_a_tracker_lets_nobody_delete_is_said_so_whatever_the_job_says(ran):
    ran.job_file(DELETES.replace("yes", "no"))
    able = memory_capabilities(ran.b.knobs).writes
    ran.b.knobs = dataclasses.replace(ran.b.knobs, writes=able - {("delete", "comment")})

    reasons = {
        one["kind"]: one["reason"] for one in ran("undo --run 2 --json --dry-run").data["left"]
    }

    assert "The job deletes nothing in b" in reasons["ticket"]
    assert "b does not let the hub delete comments." in reasons["comment"]


def test_an_undo_that_was_held_does_not_say_that_nothing_is_left(ran):
    ran.trackers["elsewhere"] = Tracker("elsewhere")
    ran.job_file(DELETES.replace("memory://b", "memory://elsewhere"))

    said = ran("undo --run 2")

    assert (said.code, said.out) == (4, "")
    assert "elsewhere" in said.err


def test_an_undo_that_reached_nothing_says_that_nothing_was_written(ran):
    ran.b.faults.add(Fault(what=What.STATUS, times=None))

    said = ran("undo --run 2")

    assert (said.code, said.out) == (1, "Nothing was written.\n")


def test_what_cannot_go_back_is_in_the_inbox_once_it_was_tried(ran):
    ran.job_file(DELETES.replace("yes", "no"))
    ran("undo --run 2 --yes --quiet")

    nothing = "Nothing else of run 2 can be taken back. Run 3 undid it."
    assert ran("undo --run 2 --dry-run").out.splitlines()[-1] == nothing
    last = ran("undo --run 2").out.splitlines()[-1]
    assert last == f"{nothing} What stays is in the inbox."


def test_an_undo_that_was_interrupted_says_how_to_go_on(ran):
    def boundary(where):
        if where.startswith("before ") and "GET" not in where:
            ran.boundaries.clear()
            os.kill(os.getpid(), signal.SIGINT)

    ran.boundaries["b"] = boundary

    said = ran("undo --run 2")

    assert said.code == 130
    assert said.out.splitlines()[-1].endswith("written. To go on: prophet-hub undo --run 2")
    assert ran("undo --run 2").code == 0
    assert state(ran.b) == {"Printer smokes": ("open", 0)}
