"""`log`, `history`, `why`: how it came to be."""

from __future__ import annotations

import pytest


@pytest.fixture
def edited(hub):
    """A ticket that both sides edited, one after the other."""
    hub.synced(labels=frozenset({"hot"}))
    hub.a.comment("cara", "1", "Really?")
    hub.b.update("cara", "1", {"status": "stalled"})
    hub("sync a b -q")
    hub.a.update("jesse", "1", {"status": "resolved"})
    hub("sync a b -q")
    return hub


def test_the_log_tells_changesets_newest_first(edited):
    lines = edited("log").out.splitlines()
    numbers = [int(line.split()[0]) for line in lines[1:]]

    assert lines[0].split() == ["entry", "when", "(UTC)", "who", "writes", "where"]
    assert numbers == sorted(numbers, reverse=True)
    assert any("jesse@example.org" in line and "a#1" in line for line in lines)


def test_the_log_can_be_short_or_whole(edited):
    assert len(edited("log -n 2 --json").data) == 2
    assert len(edited("log -n 0 --json").data) > 2
    assert set(edited("log -n 1 --json").data[0]) == {
        "number", "origin", "sequence", "name", "author", "created", "note", "writes",
    }  # fmt: skip


def test_the_history_tells_who_changed_what(edited):
    out = edited("history a#1").out

    assert "open -> stalled" in out
    assert "stalled -> resolved" in out
    assert "labels=hot" in out
    assert "Really?" not in out


def test_the_history_tells_comments_if_asked(edited):
    assert "  Really?" in edited("history a#1 --comments").out


def test_the_history_as_data(edited):
    rows = [one for one in edited("history 1 --json").data if one["property"] == "status"]

    assert [(one["old"], one["new"], one["superseded"]) for one in rows] == [
        (None, "open", True),
        ("open", "stalled", True),
        ("stalled", "resolved", False),
    ]


def test_why_tells_the_writes_above_each_other(edited):
    lines = edited("why b#1 status").out.splitlines()

    assert lines[0] == "status of b#1 shows resolved"
    assert "stalled -> resolved" in lines[1]
    assert lines[1].endswith("stands")
    assert "open -> stalled" in lines[2]


def test_why_of_a_member_and_of_a_life(edited):
    assert "labels=hot of 1 shows present" in edited("why 1 labels=hot").out
    edited.a.delete("jesse", "1")
    edited("sync a b -q")
    assert "life of 1 shows deleted" in edited("why 1 life").out
    assert (
        "alive -> deleted" in edited("why 1 life").out or "-> deleted" in edited("why 1 life").out
    )


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("colour", "1 has no colour. It has: labels, status, summary."),
        ("labels", "It is a set; name a member: labels=hot."),
    ],
)
def test_why_of_nothing_says_what_there_is(edited, field, why):
    said = edited(f"why 1 {field}")

    assert said.code == 2
    assert why in said.err


def test_a_decision_of_a_rule_is_named(hub):
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: [a, b], conflicts: {default: prefer b}}
""")
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open"})
    hub("sync both -y")
    hub("sync both -y")
    hub.a.update("jesse", "1", {"status": "resolved"})
    hub.b.update("cara", "1", {"status": "stalled"})
    hub("sync both")

    assert "by rule: prefer b, stands" in hub("why 1 status").out
