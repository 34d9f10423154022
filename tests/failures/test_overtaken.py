"""F11, F14: nobody's edit is lost between the plan and the write, whoever was quicker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import tick
from foreign.test_changes import delete
from foreign.test_scenarios import a, say, step
from prophet_hub.foreign.steps import Outcome, Verb
from prophet_hub.sdk import History


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
    assert ([d.outcome for d in done], t.items["1"].gone) == ([Outcome.STALE], None)
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
    assert (t.items["1"].fields["b"], a(t)) == ("m", ["p"])
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
