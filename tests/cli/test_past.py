"""`log`, `history`, `why`: how it came to be."""

from __future__ import annotations

import contextlib

import pytest

from prophet_hub.cli.desk import micros
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.voting import Decision, decide
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.values import Stored


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


def test_programs_are_told_instants_as_records_hold_them(edited):
    told = [row["created"] for row in edited("log -n 0 --json").data]
    told += [row["when"] for row in edited("history a#1 --json").data]

    assert {one[-1] for one in told} == {"Z"}


def test_the_history_tells_who_changed_what(edited):
    out = edited("history a#1").out

    assert "open -> stalled" in out
    assert "stalled -> resolved" in out
    assert "labels=hot" in out
    assert "  Really?" in out


def test_the_history_of_a_ticket_alone(edited):
    assert "Really?" not in edited("history a#1 --own").out


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
    assert "  life  deleted  stands" in edited("why 1 life").out


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


# --- moments ---


JESSE, CARA = "jesse@example.org", "cara@example.org"
ONE, TWO, COMMENT = (bytes([n]) * 16 for n in range(1, 4))


@pytest.fixture
def told(hub):
    """Tickets of one's own, edited at six moments."""
    with replica_of(hub, micros) as replica:

        def edit(record, kind="ticket", author=JESSE, **values):
            changes = {(name, ""): value for name, value in values.items()}
            replica.edit(record, kind, changes, author=author)

        edit(ONE, summary="Printer on fire", status="new", description="one\ntwo\nthree")
        edit(TWO, summary="Other")
        edit(ONE, status="open")
        edit(COMMENT, "comment", ticket=ids.text(ONE), body="Really?", author=JESSE)
        edit(ONE, author=CARA, description="one\n2\nthree")
        replica.edit(TWO, "ticket", {("life", "alive"): None}, author=JESSE)
    return hub


def replica_of(hub, clock):
    return contextlib.closing(Replica.open(hub.folder / "hub.db", clock=clock))


def test_a_ticket_as_it_was_after_a_changeset(told):
    now, then = told("show 1 --json").data, told("show 1 --as-of 3 --json").data

    assert (now["properties"]["description"], len(now["comments"])) == ("one\n2\nthree", 1)
    assert (then["properties"]["description"], then["comments"]) == ("one\ntwo\nthree", [])
    assert then["properties"]["status"] == "open"
    assert told("show 1 --as-of 1").out.splitlines()[0] == "#1  Printer on fire  (as of 1)"
    assert told("show 1 --as-of now --json").data["comments"] == now["comments"]


def test_a_deleted_ticket_as_it_was(told):
    assert told("show 2 --json").data["alive"] is False
    assert told("show 2 --as-of latest~1 --json").data["alive"] is True


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("show 2 --as-of 1", "#2 was not there at 1."),
        ("show 1 --as-of soon", '"soon" is neither a time nor a changeset.'),
        ("show 1 --as-of 99", "There is no changeset 99."),
        ("diff 1 soon", "neither a time nor a changeset"),
        ("log --since 99", '"99" is no time.'),
        ("log --grep (", '"(" is no regular expression'),
        ("log --origin 00000000", "No replica begins with 00000000."),
    ],
)
def test_a_moment_that_there_is_not(told, words, why):
    said = told(words)

    assert (said.code, why in said.err) == (2, True), said.err


def test_the_whole_database_as_it_was(told):
    assert len(told("export").out.splitlines()) == 2
    assert len(told("export --as-of 1").out.splitlines()) == 1
    assert len(told("export --as-of 2").out.splitlines()) == 2
    assert told("export --as-of now").out == told("export").out


def test_what_differs_between_two_moments(told):
    assert told("diff 1").out.splitlines() == [
        "#1  Printer on fire",
        "  description",
        "    @@ -1,3 +1,3 @@",
        "     one",
        "    -two",
        "    +2",
        "     three",
        "  status  new -> open",
        "",
        "comment #3  at: Printer on fire  (was not there)",
        "  body  Really?",
    ]
    assert told("diff 4 5 --record 2").out == "Nothing differs.\n"
    assert told("diff 5 6").out == "#2  Other  (is not there)\n"
    assert told("diff 6 6").out == "Nothing differs.\n"
    (one,) = told("diff 3 2 --json").data
    assert one["changes"] == [{"property": "status", "old": "open", "new": "new"}]


def test_sets_and_contents_that_differ(told):
    with replica_of(told, micros) as replica:
        for changes in (
            {("labels", "a"): "present", ("labels", "b"): "present"},
            {("labels", "a"): None, ("labels", "c"): "present"},
        ):
            replica.edit(ONE, "ticket", changes, author="")
        content = Stored("ab" * 32, 9)
        replica.edit(b"4" * 16, "attachment", {("content", ""): content}, author="")
        content = Stored("cd" * 32, 10)
        replica.edit(b"4" * 16, "attachment", {("content", ""): content}, author="")

    assert told("diff 7 8").out.splitlines()[1] == "  labels  +c -a"
    assert told("diff 9 10").out.splitlines()[1] == "  content  (9 bytes) -> (10 bytes)"


def test_the_log_by_what_is_asked(told):
    def numbers(words):
        return [row["number"] for row in told(f"log --json {words}").data]

    assert numbers("--author cara") == [5]
    assert numbers("--author EXAMPLE.ORG -n 2") == [6, 5]
    assert numbers("--record 1") == [5, 4, 3, 1]
    assert numbers("--record 2 --limit 1") == [6]
    assert numbers("--grep really") == [4]
    assert numbers("--grep ^open$") == [3]
    assert numbers("--since 2000-01-01 --until 2001-01-01") == []
    assert numbers("--since 1h") == [6, 5, 4, 3, 2, 1]
    origin = told("log --json -n 1").data[0]["origin"]
    assert numbers(f"--origin {origin[:8]}") == [6, 5, 4, 3, 2, 1]


def test_the_whole_story_tells_pairs_deletes_and_votes(told):
    with replica_of(told, micros) as replica:
        for value in ("stalled", "resolved"):
            write = Write(ids.fresh(), Cell(ONE, "status"), "ticket", value, created=micros())
            replica.record([Changeset(ids.fresh(), "jo", micros(), (write,))])
        decide(replica, [Decision(ONE, "status", "", "stalled")], author="ann")
        replica.pair(ONE, TWO, author="ann")
        replica.unpair(ONE, author="ann")
    out = told("history 1").out

    for words in ("decided", "vote", "for stalled", "joined with #2", "parted from #2"):
        assert words in out
    assert ["life", "deleted"] in [line.split()[-2:] for line in told("history 2").out.splitlines()]
    said = told("why 1 status").out
    assert said.splitlines()[-1].endswith("ann  voted for stalled")
    assert told("why 1 status --json").data[-1]["new"] == ["stalled"]


def test_a_changeset_of_an_old_replica_is_told_short(told):
    note = "sd d05b2bfc-f635-4bb1-a9ca-8b83cfd719e6:27"
    with replica_of(told, micros) as replica:
        replica.edit(ONE, "ticket", {("owner", ""): "x"}, author="a", note=note)

    assert "  sd d05b2bfc:27" in told("log -n 1").out
    assert told("log -n 1 --json").data[0]["note"] == note
