"""F18: a text that goes round between trackers of other markups neither grows nor wears off."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, tick
from prophet_hub.testing.tracker import Knobs, Tracker

DIALECTS = ("markdown", "trac", "html", "textile", "plain")
ROUNDS = 10
NASTY = (
    "Some *words* and **more**, _under_ and __two__, ~~gone~~ -or- ''quoted'' '''thrice'''.",
    "A snake_case_name, 2*3*4, C:\\new\\table, a|b, [brackets](and parens), {braces} and `ticks`.",
    "* one\n* two\n  * deeper\n    * deepest\n* three\n\n1. first\n2. second\n   1. inner",
    "```\nif a < b && c > d: *not bold*\n```\n\n{{{\nx = '''y'''\n}}}\n\n<pre>z &lt; w</pre>",
    "# Heading\n\n== Heading ==\n\nh2. Heading\n\n<h3>Heading</h3>\n\nHeading\n=======",
    "> quoted\n> > twice\n>\n> again\n\nbq. quoted\n\nOn Monday, ada wrote:\n> > >deep",
    "<b>bold</b> &amp; &lt;tags&gt; & plain < signs > <script>alert(1)</script> <!-- hidden -->",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n||= a =||= b =||\n||1||2||\n\n|_. a |_. b |\n| 1 | 2 |",
    'See http://example.org/a_(b)_c?d=e&f=*g*#h, "link":http://example.org/x and <http://e.org/>.',
    "A line\nanother line  \na third\\\nand a fourth\n\n\n\nafter blank lines\n\n----\n\n***\n\nend",
    "Grüße \u202e\u05e9\u05dc\u05d5\u05dd\u202c 👩‍👩‍👧‍👦 e\u0301 \u00a0 nbsp, tab\there, zero\u200bwidth, \\* \\_ \\\\ \\`",
    "    indented code\n\n\ttab code\n\n- [ ] open\n- [x] done\n\n[1]: http://example.org\n\n[1] !img.png!",
    "*unclosed **nested _mess` ``a ` b`` '''''x'' {{{inline}}} @code@ %{color:red}red% ^up^ ~down~",
)
"""Markup of all five at once, in texts of which each is read otherwise in each of them."""


def world():
    """Five trackers; each text was born in one of them, as a description and as a comment."""
    trackers = [Tracker(name.title(), Knobs(dialect=name, refers=True)) for name in DIALECTS]
    for n, text in enumerate(NASTY):
        home = trackers[n % len(trackers)]
        ref = home.create("bob", {"summary": f"Text {n}", "description": f"{text}\n\nRound 0."})
        home.comment("bob", ref, text)
    return trackers


def shown(tracker):
    """What a tracker shows: summary -> (description, comments)."""
    return {
        item.fields["summary"].partition(",")[0]: (
            item.fields["description"],
            [note.body for note in item.comments],
        )
        for item in tracker.items.values()
    }


def named(tracker, summary):
    (item,) = [i for i in tracker.items.values() if i.fields["summary"].startswith(f"{summary}")]
    return item


def test_texts_that_nobody_touches_stay_to_the_byte_while_their_tickets_change():
    trackers = world()
    born = {t.name: shown(t) for t in trackers}
    with Hub(*trackers) as hub:
        hub.syncs()
        before = {t.name: shown(t) for t in trackers}
        for name, texts in born.items():
            assert texts.items() <= before[name].items(), "home shows what was written there"
        for n in range(ROUNDS):
            where = trackers[n % len(trackers)]
            for item in list(where.items.values()):
                told = item.fields["summary"].partition(",")[0]
                where.update("eve", item.id, {"summary": f"{told}, {n}", "priority": f"p{n}"})
            tick(*trackers)
            hub.syncs()
            assert {t.name: shown(t) for t in trackers} == before
        writes = [t.writes for t in trackers]
        hub.syncs()
        assert [t.writes for t in trackers] == writes
        assert hub.conflicts() == []


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_small_edits_on_all_sides_in_turn_change_no_more_than_they_say(number):
    """Once each side has had two turns and the text has found its form, only the digit moves."""
    trackers = [Tracker(name.title(), Knobs(dialect=name, refers=True)) for name in DIALECTS]
    home = trackers[number % len(trackers)]
    summary = f"Text {number}"
    text = f"{NASTY[number]}\n\nRound 0."
    home.create("bob", {"summary": summary, "description": text})
    with Hub(*trackers) as hub:
        hub.syncs()
        settled = None
        for n in range(ROUNDS + 2 * len(trackers)):
            where = trackers[n % len(trackers)]
            item = named(where, summary)
            edited = item.fields["description"].replace(f"Round {n}.", f"Round {n + 1}.")
            assert edited != item.fields["description"], "the edit of before arrived here"
            tick(*trackers)
            where.update("eve", item.id, {"description": edited})
            hub.syncs()
            now = {
                t.name: named(t, summary).fields["description"].replace(f"Round {n + 1}.", "@")
                for t in trackers
            }
            assert all("@" in text for text in now.values()), "the edit arrived everywhere"
            assert named(where, summary).fields["description"] == edited, "the editor's own stays"
            if n >= 2 * len(trackers) - 1:
                settled = settled or now
                assert now == settled, "an edit of one digit changed more than that"
        assert len(now[home.name]) <= 2 * len(text)
        assert hub.conflicts() == []
