"""The language of searches: every example of the page for users, and what is refused."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.engine.query import find, newest, search
from prophet_hub.engine.query_language import parsed
from prophet_hub.engine.query_regex import literals
from prophet_hub.engine.query_values import keyed, span_of
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.values import PRESENT, from_micros

PAGE = (Path(__file__).parents[2] / "docs/search.md").read_text("utf-8")
NOW = 1_796_126_400_000_000  # 2026-12-01 12:00
DAY = 86_400_000_000


def made(replica, kind="ticket", **shown):
    """Makes a record; sets are sets, `at` says when, in days before now."""
    record, at = ids.fresh(), shown.pop("at", 0)
    changes = {("life", "alive"): PRESENT}
    for prop, value in shown.items():
        name = prop.replace("__", ":")
        if isinstance(value, set):
            changes |= {(name, member): PRESENT for member in value}
        else:
            changes[name, ""] = value
    replica.edit(record, kind, changes, author="j", created=NOW - round(at * DAY))
    return record


@pytest.fixture(scope="module")
def replica():
    ticks = count(NOW)
    one = Replica.open(":memory:", clock=lambda: next(ticks))
    first = made(one, summary="Sync fails on Mondays", status="Open", owner="jesse@example.com",
                 labels={"urgent"}, priority="10", due="2026-11-30T23:00:00Z", at=400)  # fmt: skip
    second = made(one, summary="The printer, and paper", status="new", owner="jessica", priority="9",
                  description="Syncing a printer", parent=ids.text(first), due="2026-12-01",
                  rt__severity="high", at=20)  # fmt: skip
    third = made(one, summary="Printer", status="resolved", labels={"wontfix"}, priority="1.10",
                 created="2026-11-20T18:43:59Z", due="2026-12-05", at=1)  # fmt: skip
    made(one, "comment", body="the SYNC fails?", author="clkao", ticket=ids.text(second), at=9)
    made(one, "attachment", name="logs.txt", ticket=ids.text(third), at=9)
    gone = made(one, summary="sync: gone")
    one.edit(gone, "ticket", {("life", "alive"): None}, author="j")
    for value in ("resolved", "stalled"):  # two people who did not know of one another
        one.record([_beside(third, "status", value)])
    yield one
    one.close()


def _beside(record, prop, value):
    write = Write(ids.fresh(), Cell(record, prop), "ticket", value, (), NOW - 100 * DAY)
    return Changeset(ids.fresh(), "j", NOW, (write,))


FOUND = {
    "sync": [1, 2], "sync*": [1, 2], '"sync fails"': [1, 2], "sync printer": [2],
    "sync OR printer": [1, 2, 3], "-printer": [1], "(sync OR printer) -paper": [1, 3],
    "status:open": [1], "status:open,new": [1, 2], "owner:jesse": [1],
    'owner:"jesse@example.com"': [1], "owner:je*": [1, 2], "labels:urgent": [1],
    "-label:wontfix": [1, 2], "summary:printer": [2, 3], "has:description": [2],
    "no:owner": [3], "has:attachment": [3], "rt:severity:high": [2], "priority:>9": [1],
    "due:<2026-12-01": [1], "due:2026-12-01": [2], "due:2026-12": [2, 3],
    "due:<=2026-12-01": [1, 2], "created:>=2026-11-20T18:43": [3], "updated:>2w": [3],
    "updated:<1y": [1], "due:<+3d": [1, 2], "due:today": [2], "is:conflict": [3],
    "is:deleted": [6], "id:5": [], 'type:comment "sync fails"': [4], "comment.author:clkao": [2],
    "attachment.name:log*": [3], "parent.status:open": [2], "type:comment ticket.status:new": [4],
    "parent:#1": [2], "status:open sort:priority": [1], "sort:-updated": [3, 2, 1],
    "sort:owner sort:-priority": [1, 2, 3], "sort:id": [1, 2, 3],
}  # fmt: skip


def test_every_example_of_the_page_is_tried():
    tables = [line for line in PAGE.splitlines() if line.startswith("| `")]

    assert {re.match(r"\| `(.*?)` \|", line)[1] for line in tables} == set(FOUND)


@pytest.mark.parametrize("query", FOUND)
def test_an_example_of_the_page_finds_what_is_said_of_it(replica, query):
    rows = [row.number for row in find(replica, query)]

    assert (rows if "sort:" in query else sorted(rows)) == FOUND[query]


MORE = {
    "": [1, 2, 3], "   ": [1, 2, 3], "SYNC and": [2], "sync AND -paper": [1], "NOT sync": [3],
    "-(sync OR paper)": [3], "- printer": [1], "ORwell": [],
    "priority:9": [2], "priority:1.10": [3], "priority:1.1": [], "priority:<10": [2],
    "priority:>=9": [1, 2], "priority:1*": [1, 3], "status:>new": [1, 3], "due:2026-11-30,2026-12-05": [1, 3],
    "due:tomorrow": [], "due:>2026-12-01": [3], "due:>=2026-12-01T00:00:00": [2, 3],
    "due:<=2026-12-01T00:00:00+00:00": [1, 2], "due:<2026-12-01T00:30:00+01:00": [1], "due:<now": [1, 2],
    "created:<1m": [1], "created:20d": [2], "owner:jesse*": [1], "has:comment": [2], "no:comment": [1, 3],
    "has:label": [1, 3], "is:alive sync": [1, 2], "is:deleted OR status:new": [2, 6],
    "is:deleted sync": [6], "-is:deleted sync": [1, 2], "type:ticket,comment fails": [1, 2, 4],
    "type:comment": [4], "type:comment ticket:#2": [4], "type:comment ticket:2": [4], "body:sync": [],
    "comment.body:fails": [2], "nix.status:open": [], "parent.nix:open": [], "ticket.status:new type:comment": [4],
    '"rt:severity":high': [2], "rt:nix:high": [], "sort:nix": [3, 2, 1], "tag:urgent": [1],
    'summary:"sync fails"': [1], "sort:-id status:open,new": [2, 1],
    "printer sort:-due": [3, 2], 'sync"fails"': [1, 2], "Sync,": [1, 2], "has:nix": [], "no:nix": [1, 2, 3],
    "comment.author:>c": [2], "due:1999-13-45": [],
}  # fmt: skip


@pytest.mark.parametrize("query", MORE)
def test_what_a_query_finds(replica, query):
    rows = [row.number for row in find(replica, query)]

    assert (rows if "sort:" in query else sorted(rows)) == MORE[query]


def test_a_type_may_be_asked_for_from_outside(replica):
    assert [r.number for r in find(replica, "sync", type="comment")] == [4]
    assert sorted(r.number for r in find(replica, "sync", type="")) == [1, 2, 4]
    assert [r.number for r in find(replica, "status:open", type="comment")] == []
    assert [r.number for r in find(replica, "", limit=2)] == [3, 2]


def test_a_second_query_holds_besides(replica):
    found = search(replica, "sync OR printer sort:priority", also="status:new,open sort:id")

    assert [r.number for r in found] == [2, 1]
    assert (len(found), found.behind, found.unknown) == (2, 0, ())


def test_what_nothing_shows_is_told(replica):
    found = search(replica, "weird:x OR odd.thing:y sort:strange -label:nix")

    assert found.unknown == ("weird", "thing", "odd", "strange")


def test_without_a_query_the_newest_come_first(replica):
    assert [r.number for r in newest(replica)] == [3, 6, 2, 1]
    assert [r.number for r in newest(replica, "")] == [3, 6, 5, 4, 2, 1]


FAULTS = [
    ("status:open (owner:jesse", 24, "A bracket is not closed"),
    ("a )", 2, "A bracket closes nothing"),
    ('status:new "sync', 11, "A quotation mark is not closed"),
    ("status: open", 6, "A value is missing"),
    ("open owner:", 10, "A value is missing"),
    ("printer -", 9, "Something is missing at the end"),
    ("due:>", 5, "Something is missing at the end"),
    ("a OR OR b", 5, "This cannot be read"),
    ("status:,", 7, "This cannot be read"),
    ("is:new", 3, "A record is never new"),
    ("sync -*** a", 6, "There is no letter and no digit in this"),
    ("summary:!", 8, "There is no letter and no digit in this"),
    ("a OR sort:b", 5, "sort: orders the whole query"),
    ("-sort:b", 1, "sort: orders the whole query"),
    ("a id:#99", 5, "There is no record #99"),
    ("id:x", 3, "'x' names no record"),
    ("parent:>00000000-0000-0000-0000-000000000000", 8, "A record is not compared"),
    ("(" * 60 + "a" + ")" * 60, 50, "There are too many brackets in brackets"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "at", "what"), FAULTS)
def test_a_fault_is_shown_at_its_place(replica, query, at, what):
    with pytest.raises(UsageError) as caught:
        search(replica, query)

    head, shown, caret, said = caught.value.sentence.splitlines()
    assert (head, said) == ("The query cannot be read here:", f"{what}.")
    assert shown == f"  {query}"
    assert caret.index("^") - 2 == at
    assert caught.value.hint


def test_a_query_is_no_novel(replica):
    with pytest.raises(UsageError, match="more than 10,000 letters"):
        search(replica, "x" * 10_001)
    with pytest.raises(UsageError, match="more than 1,000 letters"):
        search(replica, regex="x" * 1_001)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(replica, text):
    try:
        rows = list(find(replica, text))
    except UsageError:
        return
    assert all(row.type for row in rows)


@given(st.text('ab():"-,<>=* ORsort:\\due2w#5.%_', max_size=30))
def test_whatever_looks_like_a_query_is_read_or_refused(replica, text):
    test_whatever_is_typed_is_read_or_refused.hypothesis.inner_test(replica, text)


# --- regular expressions ---


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("print", [2, 3]), ("sync.*\\?", [2]), ("^sync", [1, 2]), ("logs", [3]), (".", [1, 2, 3]),
        ("a|b", [1, 2]), ("(?i)MONDAYS$", [1]), ("nix", []), ("100%", []), ("x_y", []),
    ],
)  # fmt: skip
def test_a_pattern_is_found_in_texts_and_in_what_belongs_to_them(replica, pattern, numbers):
    assert sorted(r.number for r in find(replica, regex=pattern)) == numbers


def test_a_pattern_narrows_a_query(replica):
    assert [r.number for r in find(replica, "status:open", regex="sync")] == [1]


def test_a_pattern_that_cannot_be_read_is_shown_at_its_place(replica):
    with pytest.raises(UsageError) as caught:
        search(replica, regex="ab[c")

    assert caught.value.sentence == (
        "The regular expression cannot be read here:\n  ab[c\n    ^\nUnterminated character set."
    )


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("foo.*bar", ["foo", "bar"]), ("foo+bar", ["foo", "bar"]), ("foo?bar", ["fo", "bar"]),
        ("fo{0,2}bar", ["bar"]), ("f[ab]oo\\.x", ["oo.x"]), ("a|b", []), ("(?x)a b", []),
        ("(foo)?bar", ["bar"]), ("[]x]yes[^]]", ["ye_"]), ("\\bred\\w", ["red"]),
        ("100%_", ["100\\%\\_"]), ("k\xe4ste", ["___te"]), ("\\", []),
    ],
)  # fmt: skip
def test_what_a_pattern_must_contain(pattern, found):
    assert literals(pattern) == found


@given(
    st.text("abik.*+?[](){}\\^$|d ", max_size=12),
    st.lists(st.text("abisk\u0131\u017f\u212a. ", max_size=12), max_size=3),
)
def test_what_matches_contains_the_literals(pattern, texts):
    try:
        found_in = re.compile(pattern, re.IGNORECASE).search
    except (re.error, RecursionError, OverflowError, FutureWarning):
        return
    for text in filter(found_in, texts):
        for one in literals(pattern):
            like = re.sub(r"\\\\(.)|(_)|(.)", _as_regex, re.escape(one).replace("\\_", "_"))
            assert re.search(like, text, re.IGNORECASE | re.DOTALL), (pattern, text, one)


def _as_regex(match):
    return "." if match[2] else match[0]


# --- values ---


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("5", 5), ("-2", -2), ("1.5", 1.5), ("1.10", "1.10"), ("007", "007"), ("1e3", "1e3"),
        ("9" * 30, "9" * 30), ("Straße", "strasse"), ("x" * 200, "x" * 100),
        ("2026-13-01", "2026-13-01"), ("2026-12", "2026-12"), ("", ""), ("-0", 0),
        ("00000000-0000-0000-0000-00000000000A", bytes(15) + b"\x0a"),
    ],
)  # fmt: skip
def test_values_are_compared_as_what_they_are(text, key):
    assert (keyed(text), type(keyed(text))) == (key, type(key))


def test_dates_are_in_order():
    said = ["1960-01-01", "1970-01-01", "2026-12-01T10:00:00+02:00", "2026-12-01T09:00:00Z",
            "2026-12-01 09:00:00.5", "2026-12-02"]  # fmt: skip

    assert sorted(map(keyed, said)) == list(map(keyed, said))


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [
        ("today", "2026-12-01T00:00", "2026-12-02T00:00"), ("yesterday", "2026-11-30T00:00", "2026-12-01T00:00"),
        ("2w", "2026-11-17T12:00", "2026-11-17T12:00"), ("+90min", "2026-12-01T13:30", "2026-12-01T13:30"),
        ("1m", "2026-11-01T12:00", "2026-11-01T12:00"), ("-10m", "2026-02-01T12:00", "2026-02-01T12:00"),
        ("+3m", "2027-03-01T12:00", "2027-03-01T12:00"), ("2026-12", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("2024-02-29", "2024-02-29T00:00", "2024-03-01T00:00"),
        ("2026-12-01t10:00", "2026-12-01T10:00", "2026-12-01T10:01"),
    ],
)  # fmt: skip
def test_words_for_times(word, start, end):
    found = span_of(word, from_micros(NOW))

    assert found is not None
    assert [f"{one:%Y-%m-%dT%H:%M}" for one in found] == [start, end]


@pytest.mark.parametrize(
    "word", ["2026-02-30", "9999-12-31", "9999y", "0000-01-01", "soon", "2x", ""]
)
def test_what_is_no_time_is_none(word):
    assert span_of(word, from_micros(NOW)) is None


def test_a_month_that_is_shorter_ends_sooner():
    march = from_micros(NOW).replace(month=3, day=31)

    assert span_of("1m", march)[0].day == 28


def test_an_empty_query_has_no_root():
    assert parsed(" ").root is None


# --- databases that others write, or that nobody may ---


def test_a_database_that_may_only_be_read_is_indexed_in_memory(tmp_path):
    path = tmp_path / "hub.db"
    writer = Replica.open(path, clock=lambda: NOW)
    made(writer, summary="Printer")
    list(find(writer, "printer"))
    made(writer, summary="Printers", status="new")
    reader = Replica.open(path, clock=lambda: NOW, read_only=True)

    found = search(reader, "printer* sort:id")
    assert ([r.number for r in found], found.behind) == ([1, 2], 0)
    made(writer, summary="Printer, third")
    assert [r.number for r in find(reader, "printer* sort:id")] == [1, 2, 3]
    assert [r.number for r in find(writer, "printer* sort:id")] == [1, 2, 3]
    reader.close()
    writer.close()


def test_while_another_process_writes_what_is_indexed_is_searched(tmp_path):
    path = tmp_path / "hub.db"
    one = Replica.open(path, clock=lambda: NOW)
    other = Replica.open(path, clock=lambda: NOW, patience=0)
    made(one, summary="Printer")
    list(find(one, "printer"))
    made(one, summary="Printer")
    with one.transaction():
        made(one, summary="Printer")
        found = search(other, "printer")
        assert ([r.number for r in found], found.behind) == ([1], 1)
    assert len(search(other, "printer")) == 3
    one.close()
    other.close()
