"""`inbox`: what could not be carried over, with its reason, and the answers to it."""

from __future__ import annotations

import pytest

from cli.conftest import JOB_FILE
from prophet_hub.testing.tracker import Knobs, Tracker


@pytest.fixture
def refused(hub):
    """A status that `b` drops in silence."""
    hub.trackers["b"] = Tracker("b", Knobs(refuses=frozenset({"resolved"})))
    hub.synced()
    hub("sync a b -q")
    hub.a.update("jesse", "1", {"status": "resolved"})
    return hub


def test_a_refused_value_waits_with_its_reason(refused):
    said = refused("sync a b")

    assert said.code == 1
    assert "refused" in said.err
    lines = refused("inbox").out.splitlines()
    assert lines[0].split() == ["item", "field", "why", "since", "(UTC)", "tried"]
    assert "b#1" in lines[1]
    assert "status" in lines[1]
    assert refused("inbox list --remote a").out == ""


def test_what_waits_is_not_tried_again_by_itself(refused):
    refused("sync a b -q")
    writes = refused.b.writes

    assert refused("sync a b -q").code == 0
    assert refused.b.writes == writes


def test_retry_takes_it_up_at_the_next_sync(refused):
    refused("sync a b -q")
    (item,) = refused("inbox list --json").data
    refused.b.knobs = Knobs()

    said = refused(f"inbox retry {item['number']}")

    assert said.out == f"The next sync takes it up: {item['number']} b#1\n"
    assert refused("sync a b -q").code == 0
    assert refused.b.items["1"].fields["status"] == "resolved"
    assert refused("inbox --help").code == 0
    assert refused("inbox list --json").data == []


def test_drop_forgets_it(refused):
    refused("sync a b -q")
    (item,) = refused("inbox list --json").data

    assert "Forgotten: " in refused(f"inbox drop {item['number']}").out
    assert refused("inbox list --json").data == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("inbox retry", "Which of them? Name NUMBER, or give --all."),
        ("inbox retry 1 --all", "Which of them?"),
        ("inbox drop 99", "Nothing waits under 99. See prophet-hub inbox."),
        ("inbox pair 1", "1 is no question. Use inbox retry or drop."),
    ],
)
def test_wrong_words_are_refused(refused, words, why):
    refused("sync a b -q")

    said = refused(words)

    assert said.code == 2
    assert why in said.err


@pytest.fixture
def alike(hub):
    """Tickets that may be the same, on both sides before the first run."""
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: [a, b], pairing: ask}
  never: {remotes: [a, b], pairing: off}
""")
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open"})
    hub.b.create("jesse", {"summary": "Printer on fire", "status": "open"})
    return hub


def test_certain_pairs_are_made_without_asking(alike):
    for tracker in (alike.a, alike.b):
        tracker.update("jesse", "1", {"description": "Smoke, then flames."})

    alike.job_file(JOB_FILE)
    assert alike("sync a b --yes").code == 0
    assert (len(alike.a.items), len(alike.b.items)) == (1, 1)
    assert alike("show a#1 --json").data["at"] == ["a#1", "b#1"]


def test_a_question_keeps_both_from_being_created(alike):
    alike("sync both --yes")

    found = alike("inbox list --json").data
    assert alike("inbox --json").data == found
    assert len(alike.a.items) == len(alike.b.items) == 1
    assert found
    assert all(one["pairing"] for one in found)
    assert "Answer: inbox pair or apart" in alike("inbox").out
    assert "is a question" in alike(f"inbox drop {found[0]['number']}").err


def test_a_question_is_answered_with_yes(alike):
    alike("sync both --yes")
    one = alike("inbox list --json").data[0]
    assert alike(f"inbox pair {one['number']}").code == 0
    assert alike("inbox list --json").data == []  # asked of both sides, answered once

    assert alike("sync both --yes").code == 0
    assert len(alike.a.items) == len(alike.b.items) == 1
    assert alike("show a#1 --json").data["at"] == ["a#1", "b#1"]


def test_a_question_is_answered_with_no(alike):
    alike("sync both --yes")
    one = alike("inbox list --json").data[0]
    assert alike(f"inbox apart {one['number']}").code == 0
    assert alike("inbox list --json").data == []  # asked of both sides, answered once

    assert alike("sync both --yes").code == 0
    assert len(alike.a.items) == len(alike.b.items) == 2


def test_without_pairing_both_are_created(alike):
    assert alike("sync never --yes").code == 0
    assert len(alike.a.items) == len(alike.b.items) == 2
