"""F11, F14: nobody's edit is lost between the plan and the write, whoever was quicker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, once, tick
from foreign.test_changes import delete
from foreign.test_scenarios import a, say, step
from prophet_hub.foreign.steps import Outcome, Verb
from prophet_hub.sdk import History
from prophet_hub.testing.tracker import Knobs, Tracker


def planned(hub, remote):
    """Pulls all remotes and returns what one of them needs."""
    hub.runs += 1
    for name in hub.specs:
        list(hub.foreign(name).pull())
    return list(hub.foreign(remote).plan(list(hub.specs.values())))


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("history", list(History))
def test_an_edit_after_the_plan_stops_a_delete(history, conditional):
    hub, r, t = step(history=history, conditional=conditional)
    delete(hub, r)
    tick(r, t)
    plan = planned(hub, "T")
    say(t, "s")
    done = list(hub.foreign("T").apply(plan))
    assert [one.verb for one in plan] == [Verb.DELETE]
    assert t.items["1"].gone is None, "a fresh edit was deleted"
    assert [d.outcome for d in done] == [Outcome.STALE]
    hub.close()


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("history", list(History))
def test_an_edit_between_reading_and_writing_is_not_overwritten(history, conditional):
    """Nobody's value wins in silence: both stand, and a person is asked."""
    hub, r, t = step(history=history, conditional=conditional)
    say(r, "q"), tick(r, t)
    plan = planned(hub, "T")
    say(t, "r"), tick(t)
    list(hub.foreign("T").apply(plan))
    assert a(t) == ["r"], "a fresh edit was overwritten by a stale one"
    tick(r, t), hub.syncs()
    assert (a(r, t), hub.values(r, "status")) == (["q", "r"], {"q", "r"})
    assert [c.cell.prop for c in hub.conflicts()] == ["status"]
    hub.close()


@pytest.mark.parametrize("history", list(History))
def test_where_the_tracker_compares_versions_nobody_is_overwritten_at_the_last_moment(history):
    """The edit comes when nothing is read any more: the request is on its way."""
    hub, r, t = step(history=history)
    say(r, "q"), tick(r, t)
    with once(hub.specs["T"].connector, "before PUT", lambda: say(t, "r")):
        hub.sync()
    assert a(t) == ["r"], "a fresh edit was overwritten by a stale one"
    tick(r, t), hub.syncs()
    assert hub.values(r, "status") == {"q", "r"}
    hub.close()


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("history", list(History))
def test_an_edit_while_rejected_fields_are_sent_apart_is_not_overwritten(history, conditional):
    hub, r, t = step(history=history, conditional=conditional)
    t.knobs = replace(t.knobs, allowed={"a": ("p",)})
    r.update("bob", "1", {"a": "r", "b": "l"})
    tick(r, t)
    apply, sent = hub.specs["T"].connector.apply, []

    def overtaken(operation):
        sent.append(operation)
        try:
            return apply(operation)
        finally:
            if len(sent) == 1:
                t.update("eve", "1", {"b": "m"})

    hub.specs["T"].connector.apply = overtaken
    hub.sync()
    assert t.items["1"].fields["b"] == "m", "a fresh edit was overwritten by a stale one"
    assert a(t) == ["p"]
    hub.close()


def test_a_member_that_leaves_after_the_plan_stays_until_the_next():
    hub, r, t = step()
    r.update("bob", "1", added={"labels": {"red", "blue"}}), hub.syncs()
    r.update("bob", "1", removed={"labels": {"red"}})
    plan = planned(hub, "T")
    r.update("bob", "1", removed={"labels": {"blue"}})
    list(hub.foreign("R").pull())
    list(hub.foreign("T").apply(plan))
    assert t.items["1"].fields["labels"] == {"blue"}
    hub.syncs()
    assert "labels" not in t.items["1"].fields
    hub.close()


def test_a_version_that_moved_without_a_trace_is_read_again():
    """The listing tells nothing of what moved it: the next run reads the ticket all the same."""
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs())
    ref = r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs()
        t.now += 100
        hub.syncs()
        (item,) = t.items.values()
        item.version += 1
        item.shown = None
        tick(r)
        r.update("bob", ref, {"summary": "y"})
        hub.sync()
        assert item.fields["summary"] == "x"
        assert hub.inbox(t) == []
        hub.sync()
        assert item.fields["summary"] == "y"
        hub.sync()
        assert hub.foreign("T").inbox() == []


def test_a_file_of_another_length_is_not_the_file():
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs())
    ref = r.create("bob", {"summary": "x"})
    r.attach("bob", ref, "a.txt", b"all of it")
    with Hub(r, t) as hub:
        whole = hub.specs["R"].connector.content
        hub.specs["R"].connector.content = lambda _: iter([b"a page for people"])
        hub.syncs()
        (item,) = t.items.values()
        assert item.attachments == []
        hub.specs["R"].connector.content = whole
        hub.syncs()
        assert [file.data for file in item.attachments] == [b"all of it"]
