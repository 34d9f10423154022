"""`conflicts` and `resolve`: held, shown, decided by one command, never asked again."""

from __future__ import annotations

import pytest


@pytest.fixture
def torn(hub):
    """A ticket whose status and labels were edited on both sides at once."""
    hub.synced(priority="low")
    hub("sync a b -q")
    hub.a.update("jesse", "1", {"status": "resolved", "priority": "high"})
    hub.b.now += 100
    hub.b.update("cara", "1", {"status": "stalled", "priority": "normal"})
    assert hub("sync a b -q").code == 3
    return hub


def test_conflicts_are_listed_with_who_and_where(torn):
    out = torn("conflicts").out

    assert "#1  status  Printer on fire" in out
    assert "1  resolved  jesse@example.org, a#1-" in out
    assert "2  stalled   b:cara, b#1-" in out
    assert (
        "2 conflicts. Decide with: prophet-hub resolve, or prophet-hub resolve 1 priority --take 1"
        in out
    )


def test_conflicts_of_one_ticket_as_data(torn):
    found = torn("conflicts 1 --json").data

    assert [one["property"] for one in found] == ["priority", "status"]
    assert [(v["take"], v["value"], v["remote"]) for v in found[1]["values"]] == [
        (1, "resolved", "a"),
        (2, "stalled", "b"),
    ]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("--take 1", "resolved"),
        ("--take 2", "stalled"),
        ("--take a", "resolved"),
        ("--take newest", "stalled"),
        ("--value open", "open"),
    ],
)
def test_a_decision_reaches_both_sides_and_is_not_asked_again(torn, words, status):
    said = torn(f"resolve a#1 status {words}")
    torn("resolve 1 priority --take b")

    assert said.code == 0
    assert f"#1 status: {status}" in said.out
    assert torn("sync a b -q").code == 0
    assert [t.items["1"].fields["status"] for t in (torn.a, torn.b)] == [status, status]
    assert torn("conflicts").out == ""
    assert torn("sync a b -q").code == 0


def test_a_field_can_be_cleared(torn):
    assert "#1 priority: (nothing)" in torn("resolve 1 priority --clear").out


def test_all_conflicts_are_decided_by_one_word(torn):
    said = torn("resolve --all --take a")

    assert "Decided 2; the next sync carries it out." in said.out
    assert torn("sync a b -q").code == 0
    assert torn.b.items["1"].fields["priority"] == "high"


def test_a_remote_that_said_nothing_decides_nothing_of_all(torn):
    assert "Decided 0, left 2" in torn("resolve --all --take c").out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("resolve 1 status", "Say what shall stand there, once."),
        ("resolve 1 status --take 1 --clear", "Give one of --take, --value and --clear."),
        ("resolve 1 status --take 3", "There is no value 3. There are 1 to 2."),
        ("resolve 1 status --take 0", "There is no value 0."),
        ("resolve 1 status --take c", '"c" said nothing there. Values came from a, b'),
        ("resolve 1 summary --take 1", "No conflict waits at 1 in summary."),
        ("resolve --all --take 1", "All conflicts cannot be decided by that."),
        ("resolve --take a", "Which conflict? Name TICKET and FIELD, or give --all."),
    ],
)
def test_words_that_decide_nothing_are_refused(torn, words, why):
    said = torn(words)

    assert said.code == 2
    assert why in said.err
    assert torn("sync a b -q").code == 3


def test_a_ticket_that_was_edited_after_its_delete(hub):
    hub.synced()
    hub("sync a b -q")
    hub.a.delete("jesse", "1")
    hub.b.update("cara", "1", {"status": "stalled"})
    assert hub("sync a b -q").code == 3

    out = hub("conflicts").out
    assert "#1  life  Printer on fire" in out
    assert "1  deleted" in out
    assert "2  alive" in out
    assert "#1 life: alive" in hub("resolve 1 life --value alive").out
    assert hub("conflicts").out == ""


def test_a_member_is_present_or_absent(hub):
    hub.synced(labels=frozenset({"hot"}))
    hub("sync a b -q")
    said = hub("resolve 1 labels=hot --value maybe")

    assert said.code == 2


def test_a_conflict_in_a_comment_names_its_ticket(hub):
    hub.synced()
    hub.a.comment("cara", "1", "Really?")
    hub("sync a b -q")
    hub("sync a b -q")
    (mine,) = hub.a.items["1"].comments
    (theirs,) = hub.b.items["1"].comments
    hub.a.now += 60
    hub.a.edit_comment("cara", "1", mine.id, "Really!")
    hub.b.edit_comment("cara", "1", theirs.id, theirs.body + " Hm.")
    assert hub("sync a b -q").code == 3

    number, line = hub("conflicts").out[1:].split("  ", 1)
    assert line.startswith("body  comment at: Printer on fire")
    assert hub(f"resolve {number} body --take a").code == 0
    assert hub("sync a b -q").code == 0
    assert hub.b.items["1"].comments[0].body.endswith("Really!")
