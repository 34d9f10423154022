"""`tickets`, `show`, `export`: records as they are shown."""

from __future__ import annotations

import json
import re

import pytest


@pytest.fixture
def synced(hub):
    """One ticket with a comment and an attachment on both sides, one open ticket more."""
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open", "description": "a\nb",
                           "labels": frozenset({"hot", "urgent"}), "owner": "jesse"})  # fmt: skip
    hub.a.comment("cara", "1", "Really?", private=True)
    hub.a.attach("cara", "1", "x.txt", b"abc", content_type="text/plain")
    hub.a.now += 86_400
    hub.b.create("cara", {"summary": "Coffee \x1b[31mis\x07 out", "status": "new"})
    assert hub("sync a b -y -q").code == 0
    return hub


def number(hub, summary):
    (row,) = [one for one in hub("tickets --json").data if summary in one["properties"]["summary"]]
    return str(row["number"])


def test_tickets_are_listed_with_their_addresses(synced):
    lines = synced("tickets").out.splitlines()

    assert lines[0].split() == ["status", "owner", "at", "summary"]
    assert any("a#1 b#2  Printer on fire" in line for line in lines)


def test_a_terminal_is_not_moved_by_what_a_tracker_tells(synced):
    out = synced("tickets").out + synced("show b#1").out

    assert "\x1b" not in out
    assert "\x07" not in out
    assert "Coffee [31mis out" in out


@pytest.mark.parametrize(
    ("words", "summaries"),
    [
        ("--where status=open", ["Printer on fire"]),
        ("--where labels=hot --where labels=urgent", ["Printer on fire"]),
        ("--where status=open --where owner=nobody", []),
        ("--remote a --where status=new", ["Coffee \x1b[31mis\x07 out"]),
        ("--remote c", []),
        ("--deleted", []),
    ],
)
def test_lists_are_narrowed(synced, words, summaries):
    found = synced(f"tickets --json {words}").data

    assert [one["properties"]["summary"] for one in found] == summaries


def test_other_types_are_listed_too(synced):
    (comment,) = synced("tickets --type comment --json").data

    assert comment["properties"]["body"] == "Really?"


def test_a_filter_without_a_value_is_refused(synced):
    said = synced("tickets --where status")

    assert (said.code, said.out) == (2, "")
    assert "Write FIELD=VALUE, as status=open." in said.err


def test_show_tells_a_ticket_with_all_that_belongs_to_it(synced):
    out = synced("show a#1").out

    assert "Printer on fire" in out.splitlines()[0]
    assert "\n    a\n    b\n" in out
    assert "labels" in out
    assert "hot, urgent" in out
    assert "[private]\n    Really?" in out
    assert re.search(r"attachment  #\d+  x.txt  3 bytes  text/plain  2023-11-14 22:13", out)


def test_a_ticket_is_named_in_many_ways(synced):
    n = number(synced, "Printer")
    data = synced(f"show {n} --json").data
    begins = data["uuid"][:13]  # digits alone would be a number

    for words in (n, f"#{n}", "a#1", "a:1", "b#2", data["uuid"], begins):
        assert synced("show --json", words).data["uuid"] == data["uuid"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("99", "There is no record #99."),
        ("c#1", 'This database knows no remote "c". Sync it first.'),
        ("aa#1", 'Did you mean "a"?'),
        ("a#77", "No ticket 77 of a was ever read."),
        ("zz", "names no record"),
    ],
)
def test_an_unknown_ticket_says_what_is_wrong(synced, words, why):
    said = synced("show", words)

    assert said.code == 2
    assert why in said.err


def test_a_ticket_is_shown_as_it_was(synced):
    synced.a.now += 86_400 * 400
    synced.a.update("jesse", "1", {"status": "resolved"}, removed={"labels": frozenset({"hot"})})
    synced.a.comment("cara", "1", "Later.")
    synced("sync a b")

    now = synced("show a#1 --json").data
    then = synced("show a#1 --json --as-of 2023-11-20").data
    before = synced("show a#1 --json --as-of 2001-01-01T00:00+02:00")

    assert now["properties"]["status"] == "resolved"
    assert then["properties"]["status"] == "open"
    assert then["properties"]["labels"] == ["hot", "urgent"]
    assert [one["body"] for one in then["comments"]] == ["Really?"]
    assert (before.code, "#1 was not there at 2001-01-01" in before.err) == (2, True)
    assert synced("show a#1 --as-of 2023-11-20").code == 0


def test_a_time_that_is_none_is_refused(synced):
    assert '"soon" is neither a time nor a changeset.' in synced("show a#1 --as-of soon").err


def test_a_deleted_ticket_says_so(synced):
    synced.a.delete("jesse", "1")
    synced("sync a b -q")

    assert "This ticket was deleted." in synced("show a#1").out
    assert len(synced("tickets --json").data) == 1
    assert len(synced("tickets --json --deleted").data) == 1


def test_a_conflict_shows_at_its_field(synced):
    synced.a.update("jesse", "1", {"status": "resolved"})
    synced.b.update("cara", "2", {"status": "stalled"})
    synced("sync a b -q")

    assert "(in conflict: resolved | stalled)" in synced("show a#1").out
    assert synced("show a#1 --json").data["conflicts"] == [
        {"property": "status", "member": "", "values": ["resolved", "stalled"]}
    ]


def test_export_prints_every_record_as_one_object_a_line(synced):
    lines = [json.loads(line) for line in synced("export --json").out.splitlines()]

    assert [one["type"] for one in lines] == ["attachment", "comment", "ticket", "ticket"]
    assert set(lines[0]) == {"type", "uuid", "properties", "conflicts"}
    assert synced("export").out == synced("export --json").out
