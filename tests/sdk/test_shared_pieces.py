"""The small pieces that several connectors are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from prophet_hub.errors import Garbled
from prophet_hub.sdk import Field, FieldChange, References, SetChange, change_between, members
from prophet_hub.sdk.closing import joined, joined_changes, parted
from prophet_hub.sdk.marks import marked, unmarked
from prophet_hub.sdk.shapes import shaped
from prophet_hub.sdk.since import Listed, SinceCursor
from prophet_hub.sdk.times import instant, of_epoch, of_header

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

TRAC = References(
    url="https://trac.example.org/ticket/{id}",
    read=(r"(?<!\w)ticket:(?P<id>\d+)", r"(?i:(?<!\w)bug\s+#?(?P<id>\d+))"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see #12.", "see <12>."),
        ("ticket:12, bug 13", "<12>, <13>"),
        ("https://trac.example.org/ticket/12#comment:3", "<12>#comment:3"),
        ("(https://trac.example.org/ticket/12)", "(<12>)"),
        ("https://trac.example.org/ticket/12/edit", "https://trac.example.org/ticket/12/edit"),
        ("https://elsewhere.example.org/ticket/12", "https://elsewhere.example.org/ticket/12"),
        ("rt#12 &#12; a/#12 ##12", "rt#12 &#12; a/#12 ##12"),
    ],
)
def test_references_are_found_and_nothing_else_is(text, expected):
    assert TRAC.put(text, lambda ticket, _: f"<{ticket}>") == expected


def test_a_tracker_without_a_short_form_writes_addresses():
    plain = References(url="https://x.example/{id}", write="")
    assert plain.to("7") == plain.address("7") == "https://x.example/7"
    assert TRAC.to("7") == "#7"


def test_a_reference_keeps_what_it_was():
    assert TRAC.put("bug 13 and #1", lambda _, found: found) == "bug 13 and #1"


@pytest.mark.parametrize("text", ["", "text", "two\n\nparagraphs", "ends with blank \n"])
def test_a_mark_comes_off_as_it_went_on(text):
    assert unmarked(marked(text, "ab-12")) == (text, "ab-12")
    assert unmarked(text) == (text, "")
    assert marked(text, "") == text


def test_a_mark_survives_other_line_ends_and_a_quoted_one_is_none():
    assert unmarked("text\r\n\r\n[prophet-hub:ab]\r\n") == ("text", "ab")
    assert unmarked("> [prophet-hub:ab]") == ("> [prophet-hub:ab]", "")
    assert unmarked("as in [prophet-hub:ab]") == ("as in [prophet-hub:ab]", "")


def test_status_and_resolution_are_one_word():
    assert joined("closed", "fixed") == "closed fixed"
    assert joined("new", "") == "new"
    assert joined(None, None) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("RESOLVED WONTFIX", ("RESOLVED", "WONTFIX")),
        ("NEW", ("NEW", "")),
        ("IN REVIEW", ("IN REVIEW", "")),
        ("IN REVIEW NOT OURS", ("IN REVIEW", "NOT OURS")),
        ("IN DOUBT", ("IN", "DOUBT")),
        ("RESOLVED", ("RESOLVED", "")),
        ("RESOLVEDLY SO", ("RESOLVEDLY SO", "")),
        ("", ("", "")),
    ],
)
def test_a_word_is_parted_where_its_status_ends(word, expected):
    """The longest status that fits; a word that begins with none is one as a whole."""
    assert parted(word, ["NEW", "RESOLVED", "IN", "IN REVIEW"]) == expected


def test_changes_of_the_two_are_told_as_one():
    both = (
        FieldChange(field="status", old="new", new="closed"),
        FieldChange(field="resolution", old="", new="fixed"),
        FieldChange(field="owner", old=None, new="bob"),
    )
    told, before = joined_changes(
        both, status="status", resolution="resolution", now=("closed", "fixed")
    )
    assert set(told) == {both[2], FieldChange(field="status", old="new", new="closed fixed")}
    assert before == ("new", None)
    only = (FieldChange(field="resolution", old="invalid", new="fixed"),)
    told, before = joined_changes(
        only, status="status", resolution="resolution", now=("closed", "fixed")
    )
    assert told == (FieldChange(field="status", old="closed invalid", new="closed fixed"),)
    assert before == ("closed", "invalid")


def test_words_that_begin_so_are_read_and_never_written():
    row = Field(
        theirs="s", ours="status", values=(("closed fixed", "resolved"), ("closed *", "rejected"))
    )
    assert [row.decode(w) for w in ("closed fixed", "closed odd", "new")] == [
        "resolved", "rejected", "new",
    ]  # fmt: skip
    assert row.encode("rejected") == "rejected"


def test_a_change_of_a_set_tells_its_members():
    assert members(None) == members("x") == frozenset()
    old, new = frozenset("ab"), frozenset("bc")
    assert change_between("f", old, new) == SetChange(
        field="f", added=frozenset("c"), removed=frozenset("a")
    )
    assert change_between("f", None, "x") == FieldChange(field="f", old=None, new="x")


def test_what_was_settled_is_told_once():
    cursor = SinceCursor.of("")
    assert cursor.asks_from() is None
    first = Listed("1", NOON)
    assert cursor.fresh(first)
    cursor = SinceCursor.of(str(cursor.after([first], clock=NOON + SECOND)))
    assert cursor.asks_from() == NOON
    assert not cursor.fresh(first)
    assert cursor.fresh(Listed("1", NOON + SECOND))
    assert cursor.fresh(Listed("2", NOON))


@pytest.mark.parametrize("clock", [NOON, None])
def test_what_may_change_in_the_same_second_is_told_again(clock):
    item = Listed("1", NOON)
    cursor = SinceCursor().after([item], clock=clock)
    assert cursor.fresh(item)
    later = cursor.after([item], clock=NOON + SECOND)
    assert not later.fresh(item)


def test_a_cursor_forgets_what_lies_before_its_overlap_and_never_goes_back():
    cursor = SinceCursor().after(
        [Listed(str(n), NOON + n * SECOND) for n in range(10)],
        clock=NOON + 60 * SECOND, overlap=2 * SECOND,
    )  # fmt: skip
    assert set(cursor.told) == {"7", "8", "9"}
    assert cursor.after([Listed("1", NOON)], clock=None).at == cursor.at
    assert SinceCursor.of("nonsense") == SinceCursor()
    assert SinceCursor.of(str(SinceCursor())) == SinceCursor()


def test_times_are_aware():
    assert instant("2026-11-20T12:00:00Z") == instant("2026-11-20 13:00:00+01:00") == NOON
    assert instant("2026-11-20 12:00:00") == NOON
    assert of_epoch(NOON.timestamp()) == of_epoch(str(int(NOON.timestamp()))) == NOON
    for bad in ("", "yesterday", None):
        with pytest.raises(Garbled):
            instant(bad)
        with pytest.raises(Garbled):
            of_epoch(bad)


def test_another_shape_is_garbled():
    with pytest.raises(Garbled, match="another shape than Trac's"), shaped("trac", "Trac"):
        {}["missing"]


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 20 Nov 2026 12:00:00 GMT",
        "Fri, 20 Nov 2026 12:00:00 -0000",
        " Fri, 20 Nov 2026 13:00:00 +0100 ",
    ],
)
def test_a_time_of_a_header_is_an_instant(text):
    """One that names no zone too: it is of UTC, not of this machine."""
    assert of_header(text) == NOON


@pytest.mark.parametrize("text", ["", "soon", "Fri, 99 Nov 2026 12:00:00 GMT",
                                  "Fri, 31 Dec 9999 23:59:59 -0100"])  # fmt: skip
def test_what_is_no_time_in_a_header_is_none(text):
    assert of_header(text) is None
