"""Texts between trackers: markup, references, lengths; home gets its own words back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, tick
from prophet_hub.foreign.texts import Home, Texts
from prophet_hub.model.ids import RecordId, TrackerId, fresh, text
from prophet_hub.sdk import COMMENT, TICKET
from prophet_hub.sdk.markup import convert
from prophet_hub.testing.declared import MEMORY_FIELDS
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker

LONG = "A paragraph that is long enough. " * 9


def tracker(name, dialect="plain", **knobs):
    return Tracker(name, Knobs(dialect=dialect, refers=True, **knobs))


def description(where, n=1):
    """What the nth ticket of a tracker shows, by the order in which they were made."""
    items = list(where.items.values())
    assert len(items) >= n
    return items[n - 1].fields.get("description")


def bodies(where, n=1):
    return [
        c.body.partition(":\n\n")[2] or c.body for c in list(where.items.values())[n - 1].comments
    ]


def shifted(r, t, **fields):
    """One ticket in `t` first, so that no number is the same on both sides."""
    t.create("bob", {"summary": "Only there"})
    for n in (1, 2):
        r.create("bob", {"summary": f"Ticket {n}"})
    return r.create("bob", {"summary": "Refers", **fields})


# --- references -----------------------------------------------------------------------------------


def test_a_reference_becomes_the_twins():
    r, t = tracker("R"), tracker("T")
    ref = shifted(r, t, description="As #1, and https://R.example/t/2, say.")
    r.comment("bob", ref, "Not #2!")
    with Hub(r, t) as hub:
        hub.syncs()
        twins = {i.fields["summary"]: i.id for i in t.items.values()}
        item = t.items[twins["Refers"]]
        one, two = twins["Ticket 1"], twins["Ticket 2"]
        assert (one, two) != ("1", "2")
        assert item.fields["description"] == f"As #{one}, and https://T.example/t/{two}, say."
        assert item.comments[0].body.endswith(f"Not #{two}!")
        before = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes) == before


def test_a_reference_comes_back_unharmed_when_the_text_around_it_is_edited():
    r, t = tracker("R"), tracker("T")
    ref = shifted(r, t, description="As #1, and https://R.example/t/2, and #99.")
    with Hub(r, t) as hub:
        hub.syncs()
        (item,) = [i for i in t.items.values() if i.fields["summary"] == "Refers"]
        tick(r, t)
        t.update("eve", item.id, {"description": "Now: " + item.fields["description"]})
        hub.syncs()
        assert r.items[ref].fields["description"] == (
            "Now: As #1, and https://R.example/t/2, and #99."
        )
        assert hub.conflicts() == []


def test_a_number_that_would_mean_a_stranger_becomes_an_address_and_comes_back():
    r, t = tracker("R"), tracker("T")
    for n in range(8):
        t.create("bob", {"summary": f"There {n}"})
    shifted(r, t, description="Not here: #7.")
    with Hub(r, t) as hub:
        hub.change("R", creates=False)
        hub.syncs()
        (item,) = [i for i in t.items.values() if i.fields["summary"] == "Refers"]
        assert item.fields["description"] == "Not here: https://R.example/t/7."
        tick(r, t)
        t.update("eve", item.id, {"description": item.fields["description"] + " Still."})
        hub.syncs()
        assert description(r, 3) == "Not here: #7. Still."


def test_where_a_query_hides_tickets_any_number_may_mean_a_stranger():
    r, t = tracker("R"), tracker("T")
    shifted(r, t, description="Not here: #70.")
    with Hub(r, t) as hub:
        hub.change("T", query="status=new")
        for item in r.items.values():
            item.fields["status"] = "new"
        hub.syncs()
        (item,) = [i for i in t.items.values() if i.fields["summary"] == "Refers"]
        assert item.fields["description"] == "Not here: https://R.example/t/70."
        tick(r, t)
        t.update("eve", item.id, {"description": item.fields["description"] + " And #80."})
        hub.syncs()
        assert description(r, 3) == "Not here: #70. And https://T.example/t/80."


def test_a_sign_in_an_address_calls_nobody():
    r, t = tracker("R"), tracker("T", mentions=True)
    r.create("bob", {"summary": "x", "description": "https://a.example/@eve/core by @eve"})
    with Hub(r, t) as hub:
        hub.syncs()
        assert description(t) == "https://a.example/@eve/core by @\u2060eve"


def test_a_reference_of_there_becomes_an_address_where_it_has_no_twin():
    r, t = tracker("R"), tracker("T")
    shifted(r, t, description="Text.")
    with Hub(r, t) as hub:
        hub.change("R", creates=False)
        hub.syncs()
        (item,) = [i for i in t.items.values() if i.fields["summary"] == "Refers"]
        tick(r, t)
        t.update("eve", item.id, {"description": "See #1 and #2."})
        hub.syncs()
        assert description(r, 3) == "See https://T.example/t/1 and #1."


def test_the_ticket_that_a_text_names_is_created_first():
    r, t = tracker("R"), tracker("T")
    t.create("bob", {"summary": "Only there"})
    r.create("bob", {"summary": "First", "description": "Comes after #2."})
    r.create("bob", {"summary": "Second"})
    with Hub(r, t) as hub:
        hub.syncs()
        items = {i.fields["summary"]: i for i in t.items.values()}
        assert items["First"].fields["description"] == f"Comes after #{items['Second'].id}."


def test_tickets_that_name_one_another_are_created_all_the_same():
    r, t = tracker("R"), tracker("T")
    t.create("bob", {"summary": "Only there"})
    r.create("bob", {"summary": "First", "description": "With #2."})
    r.create("bob", {"summary": "Second", "description": "With #1."})
    with Hub(r, t) as hub:
        done = hub.syncs()
        said = {i.fields["summary"]: i.fields.get("description") for i in t.items.values()}
        ids = {i.fields["summary"]: i.id for i in t.items.values()}
        assert {said["First"], said["Second"]} in (
            {f"With #{ids['Second']}.", "With https://R.example/t/1."},
            {f"With #{ids['First']}.", "With https://R.example/t/2."},
        )
        assert {d.outcome.value for d in done} == {"done"}


def test_a_copys_first_line_names_no_stranger_where_a_number_in_a_word_is_a_ticket():
    r, t = tracker("R"), tracker("T", "trac")
    ref = r.create("bob", {"summary": "x"})
    r.comment("bob", ref, "Said.")
    with Hub(r, t) as hub:
        connector = hub.specs["T"].connector
        connector.references = replace(connector.references, sign="!#")
        hub.syncs()
        (body,) = (c.body for c in t.items["1"].comments)
        assert f"R!#{ref}-" in body
        assert len(r.items[ref].comments) == 1


def test_code_is_left_alone():
    r, t = tracker("R", "markdown"), tracker("T", "markdown")
    ref = shifted(r, t, description="See #1 and `#1`:\n\n```\n#2\n```")
    with Hub(r, t) as hub:
        hub.syncs()
        twins = {i.fields["summary"]: i.id for i in t.items.values()}
        shown = t.items[twins["Refers"]].fields["description"]
        assert shown == f"See #{twins['Ticket 1']} and `#1`:\n\n```\n#2\n```"
        assert r.items[ref].fields["description"] == "See #1 and `#1`:\n\n```\n#2\n```"


@pytest.mark.parametrize("there", ["trac", "textile", "markdown"])
def test_a_link_to_a_ticket_never_goes_to_a_stranger_s(there):
    r, t = tracker("R", "trac"), tracker("T", there)
    ref = shifted(r, t, description="[#1 one], [[#2|two]], `[#1 x]`, ![#1 y] and [#9x].")
    with Hub(r, t) as hub:
        hub.syncs()
        (item,) = [i for i in t.items.values() if i.fields["summary"] == "Refers"]
        expected = "[https://R.example/t/1 one], [[https://R.example/t/2|two]], `[#1 x]`"
        shown = item.fields["description"]
        assert convert(shown, there, "html").startswith(
            convert(expected, "trac", "html").removesuffix("</p>")
        )
        tick(r, t)
        t.update("eve", item.id, {"description": f"Now: {shown}"})
        hub.syncs()
        links = "Now: [https://R.example/t/1 one], [https://R.example/t/2 two], `[#1 x]`"
        assert (
            r.items[ref]
            .fields["description"]
            .replace("[[", "[")
            .replace("]]", "]")
            .replace("|", " ")
            .startswith(links)
        )


def test_a_number_in_a_stranger_s_address_is_no_reference():
    r, t = tracker("R"), tracker("T")
    said = "See https://example.org/?#1 and https://example.org/!#2, or (#1)."
    shifted(r, t, description=said)
    with Hub(r, t) as hub:
        hub.syncs()
        twins = {i.fields["summary"]: i for i in t.items.values()}
        shown = twins["Refers"].fields["description"]
        assert shown == said.replace("(#1)", f"(#{twins['Ticket 1'].id})")


def test_a_tracker_that_refers_to_nothing_gets_addresses():
    r, t = tracker("R"), Tracker("T", Knobs())
    ref = shifted(r, t, description="See #1.")
    with Hub(r, t) as hub:
        hub.syncs()
        (item,) = [i for i in t.items.values() if i.fields["summary"] == "Refers"]
        assert item.fields["description"] == "See https://R.example/t/1."
        tick(r, t)
        t.update("eve", item.id, {"description": item.fields["description"] + " Yes."})
        hub.syncs()
        assert r.items[ref].fields["description"] == "See #1. Yes."


# --- markup ---------------------------------------------------------------------------------------

TRAC = "= Head =\n\n'''Bold''' and `code`:\n\n * one\n * two\n\n{{{\nraw *text*\n}}}"
DIALECTS = ("plain", "markdown", "html", "textile", "trac")


@pytest.mark.parametrize("there", DIALECTS)
def test_a_text_is_converted_on_the_way_and_home_keeps_its_own(there):
    r, t = tracker("R", "trac"), tracker("T", there)
    ref = r.create("bob", {"summary": "x", "description": TRAC})
    r.comment("bob", ref, TRAC)
    with Hub(r, t) as hub:
        hub.syncs()
        shown = convert(TRAC, "trac", "markdown" if there == "plain" else there)
        assert description(t) == shown
        assert bodies(t) == [shown]
        assert (description(r), r.items[ref].comments[0].body) == (TRAC, TRAC)
        before = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes) == before


def test_two_trackers_of_one_markup_have_the_same_bytes_whatever_lies_between():
    odd = "'''Bold''' ''it''  and  \n  * odd\n1. [[Image(x.png)]]   "
    a, b, c = tracker("A", "trac"), tracker("B", "textile"), tracker("C", "trac")
    ref = a.create("bob", {"summary": "x", "description": odd})
    a.comment("bob", ref, odd)
    with Hub(a, b, c) as hub:
        hub.syncs()
        assert description(c) == odd
        assert bodies(c) == [odd]


def test_a_tracker_that_takes_the_markup_of_home_gets_it():
    texts = Texts(
        tracker=TrackerId(b"t"), dialects=("plain", "html"), references={},
        twin=lambda *_: None, told=lambda *_: False,
    )  # fmt: skip
    told = {d: texts.target(Home(dialect=d)) for d in ("plain", "html", "trac", "jira")}
    assert told == {"plain": "plain", "html": "html", "trac": "plain", "jira": "jira"}


def test_an_edit_there_comes_home_in_the_words_of_home():
    r, t = tracker("R", "trac"), tracker("T", "textile")
    r.create("bob", {"summary": "x", "description": "'''Bold'''"})
    with Hub(r, t) as hub:
        hub.syncs()
        assert description(t) == "*Bold*"
        tick(r, t)
        t.update("eve", "1", {"description": "*Bold* and _it_"})
        hub.syncs()
        assert description(r) == "'''Bold''' and ''it''"
        assert description(t) == "*Bold* and _it_"
        assert hub.conflicts() == []


def test_plain_text_in_place_of_markup_is_read_as_commonmark():
    r, t = tracker("R", "trac"), tracker("T", "plain")
    r.create("bob", {"summary": "x", "description": "'''Bold'''"})
    with Hub(r, t) as hub:
        hub.syncs()
        assert description(t) == "**Bold**"
        tick(r, t)
        t.update("eve", "1", {"description": "**Bold** and *it*"})
        hub.syncs()
        assert description(r) == "'''Bold''' and ''it''"


def test_signs_in_marked_up_text_survive_edits_where_it_stands_as_plain_text():
    r, t = tracker("R", "trac"), tracker("T", "plain")
    r.create("bob", {"summary": "x", "description": "2*3*4 <b> &amp;\n * x * y\n\nline\nline"})
    with Hub(r, t) as hub:
        hub.syncs()
        shown = description(t)
        assert not any(line.endswith(" ") for line in shown.splitlines())
        for n in range(3):
            tick(r, t)
            t.update("eve", "1", {"description": f"{shown}\n\nEdit {n}."})
            hub.syncs()
            tick(r, t)
            r.update("bob", "1", {"description": description(r).rpartition("\n\n")[0]})
            hub.syncs()
            assert description(t) == shown
        assert convert(description(r), "trac", "markdown").split() == shown.split()


def test_code_is_code_where_mentions_are_muted():
    r, t = tracker("R", "trac"), tracker("T", "textile", mentions=True)
    r.create("bob", {"summary": "x", "description": "Ask @eve for `code` and\n\n{{{\n@eve\n}}}"})
    with Hub(r, t) as hub:
        hub.syncs()
        assert " for @code@ and" in description(t)
        assert "\n@eve\n" in description(t)
        assert "@eve for" not in description(t)


def test_plain_text_of_people_is_shown_as_it_is():
    r, t = tracker("R", "plain"), tracker("T", "textile")
    said = "a *b* c_d_e\n# no list\n<tag>"
    r.create("bob", {"summary": "x", "description": said})
    with Hub(r, t) as hub:
        hub.syncs()
        assert description(t) == convert(said, "plain", "textile")
        tick(r, t)
        t.update("eve", "1", {"description": description(t) + "\n\nMore."})
        hub.syncs()
        assert description(r).split() == [*said.split(), "More."]


def test_a_markup_that_nobody_knows_goes_as_it_is_and_says_so():
    r, t = tracker("R", "jira"), tracker("T", "textile")
    ref = r.create("bob", {"summary": "x", "description": "{code}x{code}"})
    r.comment("bob", ref, "h1. {code}")
    with Hub(r, t) as hub:
        hub.syncs()
        assert description(t) == "{code}x{code}"
        assert bodies(t) == ["h1. {code}"]
        assert "(jira):" in t.items["1"].comments[0].body


@pytest.mark.parametrize("there", ["textile", "trac", "html"])
def test_what_is_written_here_is_commonmark(there):
    t, other = tracker("T", there), tracker("O")
    with Hub(t, other) as hub:
        hub.change("T", local=True)
        ticket = RecordId(fresh())
        cells = {("summary", ""): "x", ("description", ""): "**Bold**"}
        hub.replica.edit(ticket, TICKET, cells, author="me")
        inner = {"ticket": text(ticket), "body": "*it*", "author": "me", "private": "no"}
        hub.replica.edit(
            RecordId(fresh()), COMMENT, {(k, ""): v for k, v in inner.items()}, author="me"
        )
        hub.syncs()
        assert description(t) == convert("**Bold**", "markdown", there)
        assert bodies(t) == [convert("*it*", "markdown", there)]


def test_two_tickets_made_one_say_the_same_in_two_markups_without_a_conflict():
    r, t = tracker("R", "trac"), tracker("T", "textile")
    when = {"summary": "The very same", "reporter": "bob"}
    r.create("bob", {**when, "description": "'''Bold''' text"})
    t.create("bob", {**when, "description": "*Bold* text"})
    with Hub(r, t) as hub:
        hub.syncs()
        assert len(t.items) == len(r.items) == 1
        assert hub.conflicts() == []
        assert (description(r), description(t)) == ("'''Bold''' text", "*Bold* text")
        tick(r, t)
        t.update("eve", "1", {"description": "*Bolder* text"})
        hub.syncs()
        assert description(r) == "'''Bolder''' text"


# --- lengths --------------------------------------------------------------------------------------


def cut_at(**limits):
    """Trackers R and T, of which T keeps texts of so many characters."""
    r, t = tracker("R"), tracker("T", limits=limits)
    rows = [replace(row, limit=limits.get(row.theirs)) for row in MEMORY_FIELDS]
    return r, t, {"T": {"connector": MemoryConnector.over(t, fields=tuple(rows))}}


def test_a_text_is_cut_after_it_was_converted_and_says_where_the_whole_is():
    r, t, options = cut_at(description=120)
    r.create("bob", {"summary": "x", "description": LONG})
    with Hub(r, t, **options) as hub:
        hub.syncs()
        shown = description(t)
        assert len(shown) == 120
        assert shown.endswith("…\n\n[The whole text: https://R.example/t/1]")
        assert description(r) == LONG
        before = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes) == before


def test_what_was_cut_off_survives_an_edit_of_what_was_not():
    r, t, options = cut_at(description=120)
    r.create("bob", {"summary": "x", "description": LONG})
    with Hub(r, t, **options) as hub:
        hub.syncs()
        tick(r, t)
        t.update("eve", "1", {"description": description(t).replace("A par", "A p", 1)})
        hub.syncs()
        assert description(r) == LONG.replace("A par", "A p", 1)
        assert hub.conflicts() == []


def test_what_was_cut_off_survives_what_is_written_below_the_word_on_it():
    r, t, options = cut_at(description=120)
    r.create("bob", {"summary": "x", "description": LONG})
    with Hub(r, t, **options) as hub:
        hub.syncs()
        tick(r, t)
        t.update("eve", "1", {"description": description(t).replace("A para", "A", 1) + "\nPS"})
        hub.syncs()
        assert description(r) == LONG.replace("A para", "A", 1) + "\nPS"


def test_nothing_is_lost_between_muted_names_and_the_cut():
    r, t, options = cut_at(description=120)
    t.knobs = replace(t.knobs, mentions=True)
    said = "@bob, @eve and @amy: " + LONG
    r.create("bob", {"summary": "x", "description": said})
    with Hub(r, t, **options) as hub:
        hub.syncs()
        tick(r, t)
        t.update("eve", "1", {"description": description(t).replace("A par", "A p", 1)})
        hub.syncs()
        assert description(r) == said.replace("A par", "A p", 1)


def test_a_limit_without_room_for_words_still_shows_that_more_follows():
    r, t, options = cut_at(description=20)
    r.create("bob", {"summary": "x", "description": LONG})
    with Hub(r, t, **options) as hub:
        hub.syncs()
        assert description(t) == LONG[:19] + "…"
        tick(r, t)
        t.update("eve", "1", {"description": "B" + description(t)[1:]})
        hub.syncs()
        assert description(r) == "B" + LONG[1:]


def test_a_summary_is_cut_with_an_ellipsis_and_grows_back():
    r, t, options = cut_at(summary=20)
    r.create("bob", {"summary": "A summary of many many words"})
    with Hub(r, t, **options) as hub:
        hub.syncs()
        assert t.items["1"].fields["summary"] == "A summary of many m…"
        tick(r, t)
        t.update("eve", "1", {"summary": "The sum of many m…"})
        hub.syncs()
        assert r.items["1"].fields["summary"] == "The sum of many many words"


def test_a_comment_is_cut_with_room_for_its_line():
    r = tracker("R")
    t = tracker("T", comment_limit=1000, limits={"body": 1000})
    ref = r.create("bob", {"summary": "x"})
    r.comment("bob", ref, LONG * 9)
    with Hub(r, t) as hub:
        hub.syncs()
        (body,) = (c.body for c in t.items["1"].comments)
        assert len(body) <= 1000
        assert body.endswith("[The whole text: https://R.example/t/1]")
        assert hub.inbox(t) == []
