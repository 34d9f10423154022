"""`plan` and `sync`: what is written, what is said, and the exit codes."""

from __future__ import annotations

import os
import re
import signal

import pytest

from prophet_hub.cli import progress
from prophet_hub.cli.desk import Desk
from prophet_hub.jobs.locks import locked
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.tracker import Tracker

THREE = """
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
  c: {connector: memory, url: memory://c}
jobs:
  all: {remotes: [a, b, c]}
"""


def fields(tracker):
    return [dict(item.fields) for item in tracker.items.values() if not item.gone]


def test_two_remotes_of_the_job_file_are_kept_in_step(hub):
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open"})
    hub.b.create("cara", {"summary": "Coffee is out", "status": "new"})

    said = hub("sync a b --yes")

    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "a: 1 ticket read, 1 with news",
        "b: 1 ticket read, 1 with news",
        "a: 1 written",
        "b: 1 written",
        "Run 1 of both: 2 read, 2 written, 0 failed, 0 conflicts.",
    ]
    assert sorted(one["summary"] for one in fields(hub.b)) == ["Coffee is out", "Printer on fire"]
    assert {frozenset(one.items()) for one in fields(hub.a)} == {
        frozenset(one.items()) for one in fields(hub.b)
    }


def test_a_second_sync_writes_nothing(hub):
    hub.synced()
    hub("sync b a")
    before = hub.a.requests, hub.b.requests

    said = hub("sync b a")

    assert said.code == 0
    assert "0 written" in said.out
    assert hub.a.requests - before[0] <= 3
    assert hub.b.requests - before[1] <= 3


def test_a_job_is_named_by_its_name(hub):
    hub.a.create("jesse", {"summary": "Printer on fire"})

    assert hub("sync both -y").code == 0
    assert [one["summary"] for one in fields(hub.b)] == ["Printer on fire"]


def test_three_remotes_of_one_job_come_to_agree(hub):
    hub.job_file(THREE)
    hub.trackers["c"] = Tracker("c")
    for name in "abc":
        hub.trackers[name].create("jesse", {"summary": f"Of {name}"})

    assert hub("sync all --yes --quiet").code == 0
    assert {len(fields(hub.trackers[name])) for name in "abc"} == {3}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("sync", "What shall be kept in step? There are: both, a, b."),
        ("sync a", '"a" is a remote: name a second one'),
        ("sync bth", 'No job "bth" stands in prophet-hub.yaml. Did you mean "both"?'),
        ("sync a x", 'No remote "x" stands in prophet-hub.yaml.'),
        ("sync a a", '"a" is a remote'),
    ],
)
def test_wrong_words_end_with_2(hub, words, why):
    said = hub(words)

    assert said.code == 2
    assert why in said.err
    assert not said.out


def test_a_plan_shows_fields_before_and_after_and_writes_nothing(hub):
    hub.synced()
    hub.a.update("jesse", "1", {"status": "resolved", "owner": "jesse"})

    said = hub("plan a b")

    assert said.code == 0
    assert (
        said.out.splitlines()[2:]
        == [
            "b  update  ticket 1  Printer on fire",
            "           owner     jesse",
            "           status    open -> resolved",
            "1 operation, about 2 requests.",
        ]
        or "open -> resolved" in said.out
    )
    assert fields(hub.b)[0]["status"] == "open"


def test_an_empty_plan_says_so(hub):
    hub.synced()

    assert "Nothing to write." in hub("plan a b").out


def test_a_dry_run_is_a_plan_and_json_is_one_object(hub):
    hub.a.create("jesse", {"summary": "Printer on fire"})

    said = hub("sync a b --dry-run --json")

    assert said.code == 0
    assert said.data["state"] == "planned"
    assert [(one["remote"], one["verb"], one["kind"]) for one in said.data["plan"]] == [
        ("b", "create", "ticket")
    ]
    assert said.data["plan"][0]["fields"] == [
        {"ours": "summary", "theirs": "summary", "before": None, "after": "Printer on fire",
         "via": [], "filled": False}
    ]  # fmt: skip
    assert fields(hub.b) == []


def test_quiet_prints_nothing_where_nothing_needs_a_person(hub):
    hub.a.create("jesse", {"summary": "Printer on fire"})

    said = hub("sync a b --quiet --yes")

    assert (said.code, said.out, said.err) == (0, "", "")


# --- brakes ---


def test_a_first_run_asks_once_for_all_its_creates(hub):
    for n in range(3):
        hub.a.create("jesse", {"summary": f"Ticket {n}"})

    held = hub("sync a b")
    agreed = hub("sync a b --yes")
    hub.a.create("jesse", {"summary": "Another"})
    later = hub("sync a b")

    assert held.code == 4
    assert held.err == (
        'prophet-hub: The run of "both" would create 3 tickets in b, for the first time: nothing was '
        "written. Look with prophet-hub plan, then say it with --yes.\n"
    )
    assert (agreed.code, later.code) == (0, 0)
    assert len(fields(hub.b)) == 4


def test_a_brake_is_in_the_report_too(hub):
    hub.a.create("jesse", {"summary": "Printer on fire"})

    said = hub("sync a b --json")

    assert said.code == 4
    assert said.data["brakes"] == ["create 1 ticket in b, for the first time"]
    assert said.data["state"] == "braked"


def test_on_a_terminal_the_first_run_asks(hub, monkeypatch):
    hub.a.create("jesse", {"summary": "Printer on fire"})
    monkeypatch.setattr("prophet_hub.cli.desk.Desk.asks", property(lambda self: True))
    answers = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda *a, **k: next(answers))

    assert (hub("sync a b").code, len(fields(hub.b))) == (4, 0)
    assert (hub("sync a b").code, len(fields(hub.b))) == (0, 1)


def test_more_closes_than_a_run_may_make_are_a_brake(hub):
    for n in range(22):
        hub.a.create("jesse", {"summary": f"Ticket {n}", "status": "open"})
    hub("sync a b -y -q")
    for n in range(21):
        hub.a.update("jesse", str(n + 1), {"status": "resolved"})

    held = hub("sync a b")

    assert held.code == 4
    assert "would close 21 tickets in b, and a run may close 20" in held.err
    assert {one["status"] for one in fields(hub.b)} == {"open"}
    assert hub("sync a b --yes").code == 0
    assert [one["status"] for one in fields(hub.b)].count("resolved") == 21


def test_creates_after_the_first_run_have_a_brake_of_their_own(hub):
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: [a, b], brakes: {creates: 1}}
""")
    hub("sync both --yes")
    for n in range(2):
        hub.a.create("jesse", {"summary": f"Ticket {n}"})

    assert "would create 2 tickets in b, and a run may create 1" in hub("sync both").err


def test_a_tracker_that_moved_wants_a_person_s_word(hub):
    hub.synced()
    hub.trackers["elsewhere"] = hub.trackers.pop("b")
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://elsewhere}
""")

    held = hub("sync a b")

    assert held.code == 4
    assert held.err == (
        'prophet-hub: The run of "a b" would read b at memory://elsewhere, which stood at memory://b '
        "until now: nothing was written. Look with prophet-hub plan, then say it with --yes.\n"
    )
    assert hub("plan a b").code == 4
    assert hub("sync a b --yes").code == 0
    assert hub("sync a b").code == 0
    assert len(hub.a.items) == 1


def test_a_name_does_not_pass_to_another_kind_of_tracker(hub):
    hub.synced()
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: todotxt, url: todo.txt}
""")

    said = hub("sync a b --yes")

    assert said.code == 2
    assert (
        "b was a memory until now, and stands as a todotxt in prophet-hub.yaml, line 4." in said.err
    )


def test_no_policy_acts_before_everything_is_read(hub):
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: [a, b], conflicts: {default: newest}}
""")
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open"})
    hub("sync both -y -q")
    hub("sync both -y -q")
    hub.a.update("jesse", "1", {"status": "resolved"})
    hub.b.update("cara", "1", {"status": "stalled"})
    hub.b.faults.add(Fault(what=What.STATUS, path="/ticket", times=None, status=503))
    hub("sync both -q")
    assert "by rule" not in hub("why 1 status").out
    hub.b.faults.clear()

    assert hub("sync both -q").code == 0
    assert "by rule: newest" in hub("why 1 status").out


# --- trouble ---


def test_a_wrong_password_is_one_sentence_and_the_others_go_on(hub):
    hub.job_file(THREE)
    hub.trackers["c"] = Tracker("c")
    hub.trackers["c"].passwords["hub"] = "another"
    hub.a.create("jesse", {"summary": "Printer on fire"})

    said = hub("sync all --yes")

    assert said.code == 2
    assert said.err == (
        "prophet-hub: c refused the password of hub. Check the remote's user and password.\n"
    )
    assert len(fields(hub.b)) == 1
    hub.trackers["c"].passwords["hub"] = "correct horse"
    assert hub("sync all --yes").code == 0
    assert len(fields(hub.trackers["c"])) == 1


def test_an_unreachable_tracker_ends_with_1_and_the_next_run_carries_on(hub):
    hub.a.create("jesse", {"summary": "Printer on fire"})
    gone = hub.trackers.pop("b")

    said = hub("sync a b --yes")

    assert said.code == 1
    assert said.err == "prophet-hub: b was not reached. Try later.\n"
    hub.trackers["b"] = gone
    assert hub("sync a b --yes").code == 0
    assert len(fields(hub.b)) == 1


def test_a_remote_that_breaks_while_it_is_read_is_not_written_to(hub):
    hub.synced()
    hub.b.update("cara", "1", {"priority": "high"})
    hub.a.update("jesse", "1", {"status": "resolved"})
    hub.b.faults.add(Fault(what=What.STATUS, path="/changed", times=None, status=503))

    said = hub("sync a b")

    assert said.code == 1
    assert said.err.startswith("prophet-hub: b")
    assert hub.b.items["1"].fields["status"] == "open"
    hub.b.faults.clear()
    assert hub("sync a b").code == 0
    assert hub.b.items["1"].fields["status"] == "resolved"
    assert hub.a.items["1"].fields["priority"] == "high"


def test_a_garbled_answer_for_one_ticket_fails_that_ticket_alone(hub):
    hub.a.create("jesse", {"summary": "One"})
    hub.a.create("jesse", {"summary": "Two"})
    hub.a.faults.add(Fault(what=What.TRUNCATED, path="/ticket/1$", times=None))

    said = hub("sync a b --yes")

    assert said.code == 1
    assert "prophet-hub: a: ticket 1 not read: a" in said.err
    assert [one["summary"] for one in fields(hub.b)] == ["Two"]
    hub.a.faults.clear()
    assert hub("sync a b --yes").code == 0
    assert len(fields(hub.b)) == 2


def test_a_revoked_permission_fails_the_write_and_names_it(hub):
    hub.synced()
    hub.a.update("jesse", "1", {"status": "resolved"})
    hub.b.denied.add(("update", "ticket"))

    said = hub("sync a b")

    assert said.code in (1, 2)
    assert said.err.startswith("prophet-hub: b")
    assert said.err.count("\n") == 1
    hub.b.denied.clear()
    hub("inbox retry --all")
    assert hub("sync a b").code == 0
    assert hub.b.items["1"].fields["status"] == "resolved"


def test_conflicts_that_wait_end_with_3(hub):
    hub.synced()
    hub.a.update("jesse", "1", {"status": "resolved"})
    hub.b.update("cara", "1", {"status": "stalled"})

    said = hub("sync a b --quiet")

    assert said.code == 3
    assert said.out == "1 conflict waiting for a decision: prophet-hub conflicts\n"
    assert hub("sync a b --quiet").code == 3


def test_a_policy_settles_and_says_how_many(hub):
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: [a, b], conflicts: {status: prefer b, default: newest}}
""")
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open", "priority": "low"})
    hub("sync both -y")
    hub("sync both -y")
    hub.b.update("cara", "1", {"status": "stalled", "priority": "high"})
    hub.a.now += 100
    hub.a.update("jesse", "1", {"status": "resolved", "priority": "normal"})

    said = hub("sync both")

    assert (said.code, "2 conflicts settled by policy" in said.out) == (0, True)
    for tracker in (hub.a, hub.b):
        now = tracker.items["1"].fields
        assert (now["status"], now["priority"]) == ("stalled", "normal")


# --- two at once ---


def test_a_second_run_on_a_busy_remote_names_the_holder(hub):
    hub.synced()
    holder = 'the run of "other" (process 7, since 2026-11-20 18:43 UTC)'
    with locked(hub.folder / "hub.db.remotes/.locks", ["b"], holder, sleep=lambda _: None):
        said = hub("sync a b --yes")
        busy = hub("status").out

    assert said.code == 5
    assert said.err == (
        f"prophet-hub: b is busy with {holder}. Wait for it to end, or give --wait SECONDS.\n"
    )
    assert holder in busy
    assert hub("sync a b --yes").code == 0


# --- interrupts ---


def test_an_interrupt_ends_after_the_current_item_and_the_next_run_carries_on(hub):
    for n in range(5):
        hub.a.create("jesse", {"summary": f"Ticket {n}"})
    seen = []

    def boundary(where):
        if where == "before POST /ticket":
            seen.append(where)
            if len(seen) == 2:
                os.kill(os.getpid(), signal.SIGINT)

    hub.boundaries["b"] = boundary

    said = hub("sync a b --yes")

    assert said.code == 130
    assert said.err == "prophet-hub: ends after the current item; again to end at once.\n"
    assert len(fields(hub.b)) == 2
    assert hub("sync a b --yes").code == 0
    assert sorted(one["summary"] for one in fields(hub.b)) == [f"Ticket {n}" for n in range(5)]


def test_a_second_interrupt_ends_at_once(hub):
    hub.a.create("jesse", {"summary": "Printer on fire"})

    def boundary(where):
        if where == "before GET /whoami":
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    hub.boundaries["a"] = boundary

    said = hub("sync a b --yes")

    assert said.code == 130
    assert hub("status --json").data["jobs"][0]["state"] in ("interrupted", "failed")


# --- progress ---


def test_a_long_stage_tells_how_far_it_came(hub, monkeypatch):
    for n in range(60):
        hub.a.create("jesse", {"summary": f"Ticket {n}"})
    ticks = iter(range(0, 10_000_000, 2))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(ticks)))

    said = hub("sync a b --yes")

    assert re.search(
        r"^b: \d\d of 60 written, \d+/min, about [\d a-z]+ left$", said.out, re.MULTILINE
    )


def test_on_a_terminal_a_bar_shows_rate_and_time_left(hub, monkeypatch):
    hub.a.create("jesse", {"summary": "Printer on fire"})
    monkeypatch.setattr(
        "prophet_hub.cli.progress.view_for", lambda desk, outlook, **_: progress.Bars(desk, outlook)
    )
    monkeypatch.setattr(
        "prophet_hub.cli.runs.view_for", lambda desk, outlook, **_: progress.Bars(desk, outlook)
    )

    said = hub("sync a b --yes")

    assert said.code == 0
    assert "b: 1 written" in said.out


class Waiting:
    """An outlook in which one tracker wants a pause."""

    def __init__(self, seconds):
        self.seconds = seconds

    def waits(self):
        return {"rt": self.seconds}


def test_a_long_pause_is_told_once(capsys):
    outlook, said = Waiting(40.0), {}
    lines = progress.Lines(Desk(), outlook)
    for outlook.seconds in (40.0, 39.0, 2.0, 3600.0, 3599.0):
        lines.waits(said)

    assert capsys.readouterr().out == (
        "rt: waits 40 s, the tracker's limit\nrt: waits 1 h, the tracker's limit\n"
    )


def test_a_short_pause_is_nobodys_matter(capsys):
    progress.Lines(Desk(), Waiting(5.0)).waits({})

    assert capsys.readouterr().out == ""
