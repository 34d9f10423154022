"""Updates and deletes whose answer is lost, refused, or not what happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, once, pair, tick
from foreign.test_scenarios import a, say, step
from prophet_hub.errors import Garbled, Rejected, Transient, Unsure
from prophet_hub.foreign.people import People
from prophet_hub.foreign.steps import Outcome
from prophet_hub.sdk import COMMENT, TICKET, History, Person
from prophet_hub.testing.tracker import Knobs, Tracker


def once_instead(connector, act):
    """Puts something in place of the next `apply`."""
    apply = connector.apply

    def instead(operation):
        connector.apply = apply
        return act(apply, operation)

    connector.apply = instead


def landed(apply, operation):
    apply(operation)
    raise Unsure("No answer came.")


def lost(_apply, _operation):
    raise Unsure("No answer came.")


def delete(hub, tracker):
    hub.replica.edit(hub.record(tracker), TICKET, {("life", "alive"): None}, author="me")


@pytest.mark.parametrize("history", list(History))
@pytest.mark.parametrize(("way", "writes"), [(landed, 1), (lost, 1)])
def test_an_update_without_an_answer_is_looked_for(history, way, writes):
    hub, r, t = step(history=history)
    say(r, "q")
    before = t.writes
    once_instead(hub.specs["T"].connector, way)
    done = hub.sync()
    assert [d.outcome for d in done] == [Outcome.UNSURE]
    hub.syncs()
    assert (a(r, t), t.writes - before, hub.inbox(t)) == (["q", "q"], writes, [])
    assert hub.conflicts() == []
    hub.close()


def test_an_answer_that_cannot_be_read_proves_nothing():
    hub, r, t = step()
    say(r, "q")

    def garbled(apply, operation):
        apply(operation)
        raise Garbled("The answer is cut off.")

    once_instead(hub.specs["T"].connector, garbled)
    assert [d.outcome for d in hub.sync()] == [Outcome.UNSURE]
    hub.syncs()
    assert a(r, t) == ["q", "q"]
    hub.close()


@pytest.mark.parametrize(("way", "error"), [(Garbled, None), (Transient, Transient)])
def test_a_confirming_reading_that_fails_is_made_up_for(way, error):
    hub, r, t = step()
    say(r, "s")
    t.knobs = replace(t.knobs, refuses=frozenset("s"))
    connector, fetch = hub.specs["T"].connector, hub.specs["T"].connector.ticket

    def ticket(ref):
        connector.ticket = fetch
        raise way("Not now.")

    def armed(apply, operation):
        connector.ticket = ticket
        return apply(operation)

    once_instead(connector, armed)
    if error:
        with pytest.raises(error):
            hub.sync()
    else:
        hub.sync()
    hub.syncs()
    assert [i.field for i in hub.inbox(t)] == ["status"]  # the answer was noted: it was refused
    hub.close()


@pytest.mark.parametrize("tombstones", [True, False])
@pytest.mark.parametrize("way", [landed, lost])
def test_a_delete_without_an_answer_is_looked_for(tombstones, way):
    hub, r, t = step(tombstones=tombstones)
    delete(hub, r)
    once_instead(hub.specs["T"].connector, way)
    hub.syncs()
    assert [bool(x.items["1"].gone) for x in (r, t)] == [True, True]
    assert (hub.conflicts(), hub.inbox(t), hub.inbox(r)) == ([], [], [])
    hub.close()


def test_a_delete_that_is_rejected_or_ignored_waits():
    def rejected(_apply, _operation):
        raise Rejected("Nothing is deleted here.")

    def ignored(apply, operation):
        return apply(replace(operation, ref=replace(operation.ref, id="2")))

    for way in (rejected, ignored):
        hub, r, t = step()
        r.create("bob", {"a": "p", "b": "l"}), hub.syncs()
        delete(hub, r)
        once_instead(hub.specs["T"].connector, way)
        hub.syncs()
        assert not t.items["1"].gone
        waits = hub.inbox(t)
        assert [i.field for i in waits] == ["*life"]
        hub.foreign("T").retry(waits[0].number)
        hub.syncs()
        assert t.items["1"].gone
        hub.close()


def test_a_delete_that_was_overtaken_by_an_edit_is_not_sent():
    hub, r, t = step()
    delete(hub, r)
    say(t, "q")
    done = hub.sync()
    assert (bool(t.items["1"].gone), [c.cell.prop for c in hub.conflicts()]) == (False, ["life"])
    assert [d for d in done if d.outcome is Outcome.DONE and d.planned.remote == "T"] == []
    hub.close()


def test_an_edit_between_plan_and_delete_stops_the_delete():
    hub, r, t = step()
    delete(hub, r)
    specs = list(hub.specs.values())
    plan = list(hub.foreign("T").plan(specs))
    say(t, "q")
    done = list(hub.foreign("T").apply(plan))
    assert ([d.outcome for d in done], bool(t.items["1"].gone)) == ([Outcome.STALE], False)
    hub.syncs()
    assert not any(x.items["1"].gone for x in (r, t))
    assert [c.cell.prop for c in hub.conflicts()] == ["life"]
    hub.close()


def test_a_field_that_changed_while_others_went_apart_is_not_sent_as_it_was():
    hub, r, t = step()
    t.knobs = replace(t.knobs, allowed={"a": ("p",)})
    r.update("bob", "1", {"a": "r", "b": "l"}, added={"labels": {"red"}})
    connector, sent = hub.specs["T"].connector, []
    apply = connector.apply

    def meddled(operation):
        sent.append(operation)
        if len(sent) == 3:
            say(t, "m", name="b")
            return apply(replace(operation, version=""))
        return apply(operation)

    connector.apply = meddled
    hub.syncs()
    assert t.items["1"].fields["b"] in {"l", "m"}
    assert {"l", "m"} >= hub.values(r, "summary") >= {"m"}
    hub.close()


def test_a_comments_delete_is_confirmed_by_its_absence():
    hub, r, t = step()
    r.comment("bob", "1", "hello")
    hub.syncs()
    record = hub.record(r, r.items["1"].comments[0].id, COMMENT)
    hub.replica.edit(record, COMMENT, {("life", "alive"): None}, author="me")
    once_instead(hub.specs["T"].connector, lost)
    hub.syncs()
    assert [x.items["1"].comments for x in (r, t)] == [[], []]
    hub.close()


def test_each_rejected_field_says_why_and_the_run_goes_on():
    hub, r, t = step()
    t.knobs = replace(t.knobs, allowed={"a": ("p",), "b": ("k",)})
    r.update("bob", "1", {"a": "r", "b": "l"}, added={"labels": {"red"}})
    r.create("bob", {"a": "p", "b": "k"})
    hub.syncs()
    assert t.items["1"].fields["labels"] == {"red"}
    assert sorted(i.field for i in hub.inbox(t)) == ["status", "summary"]
    assert len(t.items) == 2
    hub.close()


def test_a_field_that_goes_while_others_are_sent_apart_ends_it():
    hub, r, t = step()
    t.knobs = replace(t.knobs, allowed={"a": ("p",)})
    r.update("bob", "1", {"a": "r", "b": "l"})
    connector, calls = hub.specs["T"].connector, []
    apply = connector.apply

    def counted(operation):
        calls.append(operation)
        if len(calls) == 2:
            t.delete("eve", "1")
        return apply(operation)

    connector.apply = counted
    hub.sync()
    assert len(calls) == 3
    assert not r.items["1"].gone
    hub.close()


def test_an_event_that_is_no_longer_told_does_not_bring_its_elders_back():
    hub, r, t = step()
    say(t, "q"), tick(t), say(t, "r"), tick(t)
    hub.syncs()
    t.items["1"].events.pop()
    t.items["1"].shown = None
    tick(t), say(t, "p")
    latest = hub.replica.latest()
    hub.syncs()
    assert (a(r, t), hub.conflicts()) == (["p", "p"], [])
    assert hub.replica.latest() - latest <= 3
    hub.close()


def test_where_ids_are_addresses_any_address_will_do():
    r = Tracker("R", Knobs())
    t = Tracker("T", Knobs())
    t.users["hub"] = Person(id="hub", email="hub@example.org")
    r.create("bob", {"summary": "x", "owner": "jesse"})
    account = Person(id="hub@example.org", email="hub@example.org")
    with Hub(r, t) as hub:
        hub.change("T", account=account)
        people = People(hub.specs["T"], hub.foreign("T")._side.ledger)
        assert people.person("new@example.org") == "new@example.org"
        assert people.person("T:jesse") == "jesse"
        assert people.person("nobody") is None
        assert people.word("hub@example.org") == "hub@example.org"
        hub.change("T", people={"jv": "J@example.org"})
        named = People(hub.specs["T"], hub.foreign("T")._side.ledger)
        assert (named.word("jv"), named.person("j@example.org")) == ("j@example.org", "jv")


def test_an_empty_word_is_no_word():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        fetch = hub.specs["R"].connector.ticket
        hub.specs["R"].connector.ticket = lambda ref: replace(
            fetch(ref), fields={"summary": "x", "owner": "", "labels": ""}
        )
        hub.syncs()
        assert t.items["1"].fields == {"summary": "x"}
        assert hub.values(r, "owner") == set()


def test_a_dialect_that_nobody_converts_is_kept_and_told():
    r, t = pair()
    r.create("bob", {"summary": "x", "description": "h1. Head"})
    with Hub(r, t) as hub:
        fetch, said = hub.specs["R"].connector.ticket, []
        hub.specs["R"].connector.ticket = lambda ref: replace(fetch(ref), dialect="jira")
        apply = hub.specs["T"].connector.apply
        hub.specs["T"].connector.apply = lambda op: (said.append(op.dialect), apply(op))[1]
        hub.syncs()
        assert (said, t.items["1"].fields["description"]) == (["jira"], "h1. Head")
        assert hub.values(r, "dialect") == {"jira"}


def test_a_comment_that_is_edited_on_one_copy_while_another_is_made_stops_no_run():
    """The plan showed another text, so the third tracker gets the comment later."""
    r, t, u = Tracker("R"), Tracker("T"), Tracker("U")
    r.create("bob", {"summary": "x"})
    with Hub(t, r, u) as hub:
        tick(r, t, u), hub.syncs()
        r.comment("bob", "1", "hello")

        def edit():
            (copy,) = t.items["1"].comments
            t.edit_comment("eve", "1", copy.id, copy.body.replace("hello", "goodbye"))

        with once(hub.specs["T"].connector, "after POST", edit) as done:
            tick(r, t, u), hub.sync()
        assert done
        (conflict,) = hub.conflicts()  # nobody can tell whether she had seen it
        hub.replica.resolve(conflict.record, "body", "", "goodbye", author="me")
        tick(r, t, u), hub.syncs()
        bodies = [x.items["1"].comments[0].body.rsplit("\n\n")[-1] for x in (r, t, u)]
        assert bodies == ["goodbye"] * 3


def test_a_comment_whose_ticket_is_deleted_there_is_not_planned_for_ever():
    r, t, u = Tracker("R"), Tracker("T"), Tracker("U")
    r.create("bob", {"summary": "x"})
    note = r.comment("bob", "1", "hello")
    options = {name: {"deletes": False} for name in "RTU"}
    with Hub(r, t, u, **options) as hub:
        tick(r, t, u), hub.syncs()
        t.delete("eve", "1")
        r.edit_comment("bob", "1", note, "goodbye")
        tick(r, t, u), hub.syncs()
        assert u.items["1"].comments[0].body.endswith("goodbye")
        assert hub.sync() == []
