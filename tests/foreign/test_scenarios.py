"""Named scenarios: each sentence of the bridge's chapter with the example that forced it.

`RULES` in test_mutants.py says which of these turn red without which rule.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from unittest.mock import Mock

import pytest

from foreign.kit import Hub, crash, once, pair, tick
from foreign.worlds import LOSSY, loud, plain, rows
from prophet_hub.errors import Garbled, Unsure
from prophet_hub.foreign.steps import Outcome
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Field, FieldMap, History, Kind
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker

KEYS = frozenset({TICKET, COMMENT, ATTACHMENT})


def step(hub_knobs=(), t_knobs=(), fields=None, **knobs):
    """R/1 and its copy T/1 in step; returns (hub, R, T)."""
    r = Tracker("R", Knobs(**{**knobs, **dict(hub_knobs)}))
    t = Tracker("T", Knobs(**{**knobs, **dict(t_knobs)}))
    options = {}
    for tracker in (r, t):
        pairs = fields if fields and tracker is t else ()
        connector = MemoryConnector.over(tracker, fields=rows(pairs))
        options[tracker.name] = {"connector": connector, "pairing": "off"}
    r.create("bob", {"a": "p", "b": "k"})
    hub = Hub(r, t, **options)
    hub.syncs(2)
    return hub, r, t


def a(*trackers, ref="1"):
    return [plain(t.items[ref].fields.get("a")) for t in trackers]


def say(tracker, value, ref="1", name="a"):
    tracker.update("bob", ref, {name: value})


# --- what a field stands for -------------------------------------------------------------------


def test_both_close_and_one_reopens():
    hub, r, t = step()
    say(r, "q"), say(t, "q"), hub.syncs(), say(r, "p"), hub.syncs()
    assert (a(r, t), hub.conflicts()) == (["p", "p"], [])
    hub.close()


def test_a_b_a_without_history():
    hub, r, t = step(history=History.NONE)
    for value in "qpqp":
        say(t, value), hub.syncs()
        assert (a(r, t), hub.conflicts()) == ([value, value], [])
    hub.close()


def test_a_cell_in_conflict_is_never_pushed():
    hub, r, t = step()
    say(r, "q"), say(t, "r"), hub.syncs()
    assert (a(r, t), hub.values(r, "status")) == (["q", "r"], {"q", "r"})
    hub.close()


def test_an_edit_supersedes_what_its_author_saw_and_no_more():
    """T's person saw p alone: the q that R said meanwhile stays beside."""
    hub, r, t = step()
    say(r, "q"), say(t, "r"), say(t, "s"), hub.syncs()
    assert hub.values(r, "status") == {"q", "s"}
    hub.close()


def test_a_silent_refusal_is_parked_and_not_repeated():
    hub, r, t = step()
    t.knobs = replace(t.knobs, refuses=frozenset("s"))
    say(r, "s")
    done = hub.sync()
    before = t.writes
    hub.syncs()
    assert [d.outcome for d in done] == [Outcome.REFUSED]
    assert (t.writes, a(r, t), [i.field for i in hub.inbox(t)]) == (before, ["s", "p"], ["status"])

    say(r, "q"), hub.syncs()
    assert (a(r, t), hub.inbox(t)) == (["q", "q"], [])
    hub.close()


def test_a_parked_value_goes_again_when_a_person_says_so():
    hub, r, t = step()
    t.knobs = replace(t.knobs, refuses=frozenset("s"))
    say(r, "s"), hub.syncs()
    t.knobs = replace(t.knobs, refuses=frozenset())
    hub.foreign("T").retry(hub.inbox(t)[0].number)
    hub.syncs()
    assert (a(r, t), hub.inbox(t)) == (["s", "s"], [])
    hub.close()


@pytest.mark.parametrize("history", list(History))
def test_a_crash_before_the_request_is_not_taken_for_a_refusal(history):
    hub, r, t = step(history=history)
    say(r, "q")
    for at in range(30):
        crash(hub, at)
    hub.syncs()
    assert (a(r, t), hub.inbox(t)) == (["q", "q"], [])
    hub.close()


def test_a_changed_map_moves_nothing():
    hub, r, t = step(fields=LOSSY)
    before = r.writes + t.writes
    table = FieldMap(rows((("closed", "p"), ("open", "q"))))
    hub.change("T", fields=table)
    hub.syncs()
    assert r.writes + t.writes == before

    say(r, "l", name="b"), hub.syncs()
    assert (t.items["1"].fields, a(r)) == ({"a": "open", "b": "l"}, ["p"])
    hub.close()


def test_a_lossy_map_flattens_nothing_that_nobody_touched():
    hub, r, t = step(fields=LOSSY)
    say(r, "r"), hub.syncs(), say(t, "l", name="b"), hub.syncs()
    assert (a(r, t), r.items["1"].fields["b"]) == (["r", "closed"], "l")
    hub.close()


def test_a_value_that_is_rendered_is_still_ours():
    hub, r, t = step(t_knobs={"render": loud, "canon": plain}.items())
    say(r, "q"), hub.syncs()
    assert (a(r, t), t.items["1"].fields["a"]) == (["q", "q"], "Q ")
    assert (r.items["1"].fields["a"], hub.conflicts(), hub.inbox(t)) == ("q", [], [])
    hub.close()


def test_a_text_that_is_rendered_stays_as_it_was_written():
    def padded(name, value):
        return f"{value} " if name == "b" else value

    hub, r, t = step(t_knobs={"render": padded, "canon": str.strip}.items())
    say(r, "l", name="b"), hub.syncs()
    shown = r.items["1"].fields["b"], t.items["1"].fields["b"]
    assert (shown, hub.conflicts(), hub.inbox(t)) == (("l", "l "), [], [])
    hub.close()


def test_a_stranger_in_the_hubs_name_is_no_echo_unless_it_shows_our_value():
    """Automation under our account sets another value than the one that is under way."""
    hub, r, t = step(conditional=False)
    say(r, "q")

    def automation():
        t.update("hub", "1", {"a": "r"})

    with once(hub.specs["T"].connector, "before PUT", automation):
        hub.syncs()
    assert (a(r, t), hub.values(r, "status")) == (["q", "q"], {"q", "r"})

    hub.replica.resolve(hub.record(r), "status", "", "q", author="me")
    hub.syncs(), say(r, "p")
    with once(hub.specs["T"].connector, "after PUT", automation):
        hub.syncs()
    assert (a(r, t), hub.conflicts()) == (["r", "r"], [])
    hub.close()


def test_a_stranger_who_sets_our_value_before_us_is_not_our_echo():
    """bob's q came first and ours found it there; bob then saw p alone, and R's q is another."""
    hub, r, t = step(conditional=False)
    say(r, "q")
    with once(hub.specs["T"].connector, "before PUT", lambda: (say(t, "q"), say(t, "r"))):
        hub.syncs()
    assert hub.values(r, "status") == {"q", "r"}
    hub.close()


def test_a_stranger_overwritten_between_reread_and_write_is_a_conflict_where_events_tell():
    hub, r, t = step(conditional=False)
    say(r, "q")
    with once(hub.specs["T"].connector, "before PUT", lambda: say(t, "r")):
        hub.syncs()
    assert hub.values(r, "status") == {"q", "r"}
    hub.close()


def test_where_versions_are_compared_a_stranger_in_the_window_stops_the_write():
    hub, r, t = step(history=History.NONE)
    say(r, "q")
    with once(hub.specs["T"].connector, "before PUT", lambda: say(t, "r")):
        done = hub.sync()
    hub.syncs()
    assert [d.outcome for d in done] == [Outcome.STALE]
    assert (a(r, t), hub.values(r, "status")) == (["q", "r"], {"q", "r"})
    hub.close()


def test_an_edit_between_pull_and_push_is_never_overwritten_where_no_event_would_tell():
    hub, r, t = step(history=History.NONE, conditional=False)
    say(r, "q")
    remotes = {n: hub.foreign(n) for n in "RT"}
    for remote in remotes.values():
        list(remote.pull())
    plan = list(remotes["T"].plan(list(hub.specs.values())))
    say(t, "r")
    list(remotes["T"].apply(plan))
    hub.syncs()
    assert (a(r, t), hub.values(r, "status")) == (["q", "r"], {"q", "r"})
    hub.close()


def test_a_third_value_that_nothing_explains_stands_beside_ours():
    hub, r, t = step(history=History.NONE)
    say(r, "q")
    apply = hub.specs["T"].connector.apply

    def instead(operation):
        hub.specs["T"].connector.apply = apply
        say(t, "r")  # and ours never lands, though the answer was yes
        return apply(replace(operation, changes={}, version=""))

    hub.specs["T"].connector.apply = instead
    hub.syncs()
    assert hub.values(r, "status") == {"q", "r"}
    hub.close()


def test_partial_history_that_leaves_our_event_out_tells_it_by_the_old_value():
    """Our q is untold, bob's r names it as old: bob saw q."""
    hub, r, t = step(history=History.PARTIAL)
    while t._numbers % 3 != 2:
        t._numbers += 1
    say(r, "q")
    with once(hub.specs["T"].connector, "after PUT", lambda: say(t, "r")):
        hub.syncs()
    assert (a(r, t), hub.conflicts()) == (["r", "r"], [])
    hub.close()


def test_a_cell_that_flips_between_two_trackers_is_parked():
    hub, r, t = step()

    def stubborn(tracker, value):
        return lambda item: (
            tracker.update("robot", "1", {"a": value}) if a(tracker) != [value] else None
        )

    r.after_write, t.after_write = stubborn(r, "q"), stubborn(t, "p")
    say(r, "q")
    for _ in range(30):
        tick(r, t)
        hub.sync()
    before = r.writes + t.writes
    hub.syncs()
    assert r.writes + t.writes == before
    assert any("flips" in i.reason for i in (*hub.inbox(t), *hub.inbox(r)))
    hub.close()


# --- exactly once ------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [KEYS, frozenset()])
@pytest.mark.parametrize("answers", [True, False])
def test_no_crash_doubles_a_ticket_a_comment_or_an_attachment(keys, answers):
    """At every boundary of a first sync; what was there before stays one, too."""
    at, reached = 0, True
    while reached:
        r, t = pair(keys=keys, answers=answers)
        for number in ("1", "2"):
            r.create("bob", {"summary": f"ticket {number}"})
        r.comment("bob", "1", "a comment")
        r.attach("bob", "1", "a.txt", b"bytes")
        with Hub(r, t) as hub:
            reached = crash(hub, at)
            hub.syncs(3)
        found = sorted(i.fields["summary"] for i in t.items.values())
        inner = [(len(i.comments), len(i.attachments)) for i in t.items.values() if i.comments]
        assert (at, found, inner) == (at, ["ticket 1", "ticket 2"], [(1, 1)])
        assert len(r.items) == 2
        at += 1
    assert at > 30


@pytest.mark.parametrize("keys", [KEYS, frozenset()])
def test_an_answer_that_was_lost_is_looked_for_before_anything_is_sent_again(keys):
    hub, r, t = step(keys=keys)
    r.create("bob", {"a": "p", "b": "l"})
    connector, apply = hub.specs["T"].connector, hub.specs["T"].connector.apply

    def lost(operation):
        connector.apply = apply
        apply(operation)
        raise Unsure("No answer came.")

    connector.apply = lost
    done = hub.sync()
    assert [d.outcome for d in done] == [Outcome.UNSURE]
    hub.syncs()
    assert len(t.items) == 2
    hub.close()


def test_a_lost_answer_is_not_looked_for_in_a_listing_that_lags():
    hub, r, t = step(t_knobs={"lag": 1_000}.items())
    r.create("bob", {"a": "p", "b": "l"})
    connector, apply = hub.specs["T"].connector, hub.specs["T"].connector.apply

    def lost(operation):
        connector.apply = apply
        apply(operation)
        raise Unsure("No answer came.")

    connector.apply = lost
    hub.syncs()
    assert len(t.items) == 2
    hub.close()


def test_a_create_that_never_arrived_is_sent_again_after_looking():
    hub, r, t = step(keys=frozenset())
    r.create("bob", {"a": "p", "b": "l"})
    connector, apply = hub.specs["T"].connector, hub.specs["T"].connector.apply

    def lost(_operation):
        connector.apply = apply
        raise Unsure("No answer came.")

    connector.apply = lost
    hub.syncs()
    assert len(t.items) == 2
    hub.close()


def test_without_a_key_creates_go_one_at_a_time():
    hub, r, t = step(keys=frozenset())
    r.create("bob", {"a": "p", "b": "l"}), r.create("bob", {"a": "p", "b": "m"})
    connector, apply = hub.specs["T"].connector, hub.specs["T"].connector.apply

    def lost(operation):
        connector.apply = apply
        raise Unsure("No answer came.")

    connector.apply = lost
    done = hub.sync()
    assert [d.outcome for d in done] == [Outcome.UNSURE, Outcome.UNSURE]
    assert len(t.items) == 1
    hub.syncs()
    assert len(t.items) == 3
    hub.close()


def test_a_cloned_ticket_that_carries_a_key_is_a_ticket_of_its_own():
    hub, r, t = step()
    clone = t.create("eve", {"a": "q", "b": "clone"}, key=t.items["1"].key)
    hub.syncs()
    assert {i.fields["b"] for i in r.items.values()} == {"k", "clone"}
    assert (a(r, t), t.items[clone].fields["a"], len(t.items)) == (["p", "p"], "q", 2)
    hub.close()


def test_an_item_that_is_gone_before_it_is_read_was_what_we_sent():
    hub, r, t = step()
    r.create("bob", {"a": "p", "b": "l"})
    with once(hub.specs["T"].connector, "after POST", lambda: t.delete("eve", "2")):
        hub.syncs()
    assert (len(t.items), bool(r.items["2"].gone), hub.conflicts()) == (2, True, [])
    hub.close()


def test_a_copy_names_the_ticket_and_not_another_copy():
    """With three trackers the least name of a joined record may be a copy's."""
    r, t, u = (Tracker(n) for n in "RTU")
    for number in range(8):
        t.create("bob", {"summary": f"{number}"})
    with Hub(r, t, u) as hub:
        hub.syncs()
        born = {hub.record(t, ref): ref for ref in t.items}
    for tracker in (r, u):
        keys = {bytes.fromhex(i.key.replace("-", "")) for i in tracker.items.values()}
        assert keys == born.keys()


# --- deletions ---------------------------------------------------------------------------------


def test_a_delete_of_the_copy_deletes_the_original():
    hub, r, t = step()
    r.comment("bob", "1", "seen by both")
    hub.syncs(), t.delete("bob", "1"), hub.syncs()
    assert (bool(r.items["1"].gone), hub.conflicts()) == (True, [])
    hub.close()


def test_a_delete_that_did_not_see_an_edit_deletes_nothing():
    hub, r, t = step()
    say(r, "q"), t.delete("bob", "1"), hub.syncs()
    assert (bool(r.items["1"].gone), [c.cell.prop for c in hub.conflicts()]) == (False, ["life"])
    hub.close()


def test_an_edit_after_a_delete_holds_the_ticket_everywhere():
    r, t, u = (Tracker(n) for n in "RTU")
    r.create("bob", {"summary": "x"})
    with Hub(r, t, u) as hub:
        hub.syncs()
        r.update("bob", "1", {"summary": "y"})
        t.delete("eve", "1")
        hub.syncs()
        assert (u.items["1"].fields["summary"], bool(r.items["1"].gone)) == ("x", False)

        hub.replica.resolve(hub.record(r), "life", "alive", "present", author="me")
        hub.syncs()
        assert u.items["1"].fields["summary"] == "y"
        assert hub.conflicts() == []


def test_absence_never_deletes():
    hub, r, t = step(tombstones=False)
    t.delete("bob", "1"), hub.syncs()
    assert not r.items["1"].gone

    hub.close()
    hub, r, t = step()
    t.hide("1"), say(r, "q"), hub.syncs()
    assert not r.items["1"].gone
    assert any("not visible" in i.reason for i in hub.inbox(t)) or a(t) == ["p"]
    t.hide("1", hidden=False), hub.syncs()
    assert a(r, t) == ["q", "q"]
    hub.close()


def test_a_ticket_that_was_merged_was_not_deleted():
    hub, r, t = step()
    other = t.create("eve", {"a": "p", "b": "other"})
    hub.syncs(), t.merge("eve", "1", other), hub.syncs()
    assert not r.items["1"].gone
    say(r, "q"), hub.syncs()
    assert (len(t.items), hub.conflicts()) == (2, [])
    hub.close()


def test_a_job_that_deletes_nothing_puts_a_deletion_into_the_inbox():
    hub, r, t = step()
    hub.change("R", deletes=False)
    t.delete("bob", "1"), hub.syncs()
    assert not r.items["1"].gone
    assert ["deleted elsewhere" in i.reason for i in hub.inbox(r)] == [True]
    hub.close()


@pytest.mark.parametrize("tombstones", [True, False])
def test_no_crash_deletes_by_halves(tombstones):
    at, reached = 0, True
    while reached:
        hub, r, t = step(tombstones=tombstones)
        hub.replica.edit(hub.record(r), TICKET, {("life", "alive"): None}, author="me")
        reached = crash(hub, at)
        hub.syncs()
        assert (at, bool(r.items["1"].gone), bool(t.items["1"].gone)) == (at, True, True)
        assert hub.conflicts() == []
        hub.close()
        at += 1


# --- a restored backup -------------------------------------------------------------------------


@pytest.fixture
def restored(tmp_path):
    """Two trackers, a hub, and a way back: `save()` and `restore()`."""
    r, t = pair()

    def hub():
        options = {
            x.name: {"connector": MemoryConnector.over(x, fields=rows()), "pairing": "off"}
            for x in (r, t)
        }
        return Hub(r, t, path=tmp_path / "db.sqlite", **options)

    hubs = [hub()]
    r.create("bob", {"a": "p", "b": "k"})
    hubs[0].sync()
    r.create("bob", {"a": "p", "b": "k"})
    list(hubs[0].foreign("R").pull())

    def save():
        hubs[0].close()
        shutil.copy(tmp_path / "db.sqlite", tmp_path / "saved.sqlite")
        hubs.append(hub())
        return hubs[-1]

    def restore():
        hubs[-1].close()
        for left in tmp_path.glob("db.sqlite*"):
            if left.is_file():
                left.unlink()
        shutil.copy(tmp_path / "saved.sqlite", tmp_path / "db.sqlite")
        hubs.append(hub())
        return hubs[-1]

    yield save, restore, r, t
    hubs[-1].close()


def test_a_copy_met_again_by_key_says_nothing_of_its_own(restored):
    save, restore, r, t = restored
    save().syncs()
    say(r, "q", "2")
    hub = restore()
    hub.syncs()
    assert (len(t.items), a(r, t, ref="2"), hub.conflicts()) == (2, ["q", "q"], [])


def test_a_copy_that_nobody_touched_says_nothing_of_its_own_though_it_tells_no_story(restored):
    save, restore, r, t = restored
    t.knobs = replace(t.knobs, history=History.NONE)
    save().syncs()
    say(r, "q", "2")
    hub = restore()
    hub.syncs()
    assert (len(t.items), a(r, t, ref="2"), hub.conflicts()) == (2, ["q", "q"], [])


def test_who_edits_a_copy_met_again_by_key_saw_what_it_was_born_with(restored):
    save, restore, r, t = restored
    save().syncs()
    say(t, "q", "2")
    hub = restore()
    hub.syncs()
    assert (a(r, t, ref="2"), hub.conflicts()) == (["q", "q"], [])


def test_of_a_value_given_twice_a_copy_stands_for_the_first(restored):
    """Who edits it surely saw the first p, perhaps not the q between."""
    save, restore, r, t = restored
    save().syncs()
    say(r, "q", "2"), say(r, "p", "2"), say(t, "r", "2")
    hub = restore()
    hub.syncs()
    assert hub.values(r, "status", "2") == {"p", "r"}


def test_what_carries_our_key_is_adopted_when_all_was_read(restored):
    """The copy's tracker may be read first; its birth is known only when the other was read."""
    save, restore, r, t = restored
    hub = save()
    say(r, "q", "2"), hub.syncs()
    say(t, "r", "2")
    hub = restore()
    hub.specs = dict(reversed(hub.specs.items()))
    hub.syncs()
    assert (a(r, t, ref="2"), hub.conflicts()) == (["r", "r"], [])


# --- one bad ticket ----------------------------------------------------------------------------


def test_what_cannot_be_read_before_a_write_waits_and_is_not_planned_again():
    """No listing tells it, for nothing changed there."""
    hub, r, t = step(conditional=False)
    connector = hub.specs["T"].connector
    tick(r, t), hub.sync()
    connector.ticket = Mock(side_effect=Garbled("No JSON."))
    say(r, "q"), tick(r, t), hub.syncs(2)
    assert [i.reason for i in hub.inbox(t)] == ["No JSON."]
    assert [*hub.foreign("T").plan([*hub.specs.values()])] == []
    del connector.ticket
    tick(r, t), hub.syncs()
    assert (a(r, t), hub.inbox(t)) == (["q", "q"], [])
    hub.close()


def test_a_rejected_field_waits_alone():
    hub, r, t = step()
    t.knobs = replace(t.knobs, allowed={"a": ("p", "q")})
    r.update("bob", "1", {"a": "r", "b": "l"})
    hub.syncs()
    assert (t.items["1"].fields, [i.field for i in hub.inbox(t)]) == (
        {"a": "p", "b": "l"},
        ["status"],
    )
    hub.close()


def test_a_rejected_create_waits_until_its_ticket_changes():
    hub, r, t = step()
    t.knobs = replace(t.knobs, limits={"b": 4})
    r.create("bob", {"a": "z", "b": "badly"}), r.create("bob", {"a": "q", "b": "good"})
    hub.syncs()
    tick(r, t), hub.sync(), tick(r, t)
    requests = t.requests
    hub.sync()
    assert ([i.fields["b"] for i in t.items.values()], len(hub.inbox(t))) == (["k", "good"], 1)
    assert t.requests - requests <= 2
    r.update("bob", "2", {"b": "bad"}), hub.syncs()
    assert ([i.fields["b"] for i in t.items.values()], hub.inbox(t)) == (["k", "good", "bad"], [])
    hub.close()


def test_a_create_that_is_refused_for_a_word_goes_on_without_it():
    hub, r, t = step()
    t.knobs = replace(t.knobs, allowed={"a": ("p", "q")})
    r.create("bob", {"a": "z", "b": "new"})
    hub.syncs()
    assert t.items["2"].fields == {"b": "new"}
    assert [(i.kind, i.ref, i.value) for i in hub.inbox(t)] == [("ticket", "2", "z")]
    tick(r, t), hub.sync(), tick(r, t)
    requests = t.requests
    hub.sync()
    assert t.requests - requests <= 2
    say(r, "p", "2"), hub.syncs()
    assert (t.items["2"].fields, hub.inbox(t)) == ({"a": "p", "b": "new"}, [])
    hub.close()


def test_a_field_that_one_side_lacks_stays_where_it_is():
    r, t = pair()
    narrow = MemoryConnector.over(t, fields=(Field(theirs="summary", ours="summary"),))
    r.create("bob", {"summary": "x", "status": "new", "labels": frozenset("a")})
    with Hub(r, t, T={"connector": narrow}) as hub:
        hub.syncs()
        t.update("eve", "1", {"summary": "y"})
        hub.syncs()
    assert r.items["1"].fields == {"summary": "y", "status": "new", "labels": frozenset("a")}
    assert t.items["1"].fields == {"summary": "y"}


def test_members_that_share_a_word_of_the_tracker_come_and_go_together():
    labels = Field(theirs="labels", ours="labels", kind=Kind.WORDS,
                   values=(("bug", "defect"), ("bug", "fault")))  # fmt: skip
    r, t = pair()
    lossy = MemoryConnector.over(t, fields=(Field(theirs="summary", ours="summary"), labels))
    r.create("bob", {"summary": "x", "labels": frozenset({"defect", "fault", "other"})})
    with Hub(r, t, T={"connector": lossy}) as hub:
        hub.syncs()
        assert t.items["1"].fields["labels"] == {"bug", "other"}
        r.update("bob", "1", removed={"labels": {"fault"}})
        hub.syncs()
        assert t.items["1"].fields["labels"] == {"bug", "other"}
        r.update("bob", "1", added={"labels": {"fault"}})
        hub.syncs()
        t.update("eve", "1", removed={"labels": {"bug"}})
        hub.syncs()
        assert r.items["1"].fields["labels"] == {"other"}
        assert hub.conflicts() == []


def test_what_went_with_its_ticket_is_not_written_again():
    """A comment is edited elsewhere after its ticket was deleted, and edited, which a person decides."""
    one, other = pair()
    one.create("jesse", {"summary": "Printer on fire"})
    one.comment("jesse", "1", "It burns")
    with Hub(one, other) as hub:
        hub.syncs()
        tick(one, other)
        one.delete("jesse", "1")
        other.update("cara", "1", {"summary": "Printer on ice"})
        note = other.items["1"].comments[0]
        other.edit_comment("cara", "1", note.id, note.body.replace("burns", "melts"))
        hub.syncs()
        assert hub.conflicts()

        assert list(hub.foreign("R").plan(list(hub.specs.values()))) == []
