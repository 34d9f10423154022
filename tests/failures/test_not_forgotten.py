"""F12, F13, F21: what could not be carried at once goes when it can, though nothing changes again."""

from __future__ import annotations

import pytest

from foreign.kit import Hub, pair, tick
from foreign.test_scenarios import a, say, step
from prophet_hub.errors import Garbled, NotFound
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.sdk import History, Person


def later(*trackers):
    for tracker in trackers:
        tracker.now += 10


def fails(connector, error):
    """Lets every reading fail; returns what ends that."""
    fetch = connector.ticket

    def ticket(_ref):
        raise error

    connector.ticket = ticket
    return lambda: setattr(connector, "ticket", fetch)


def test_a_ticket_that_could_not_be_read_when_it_was_listed_is_carried_later():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        mended = fails(hub.specs["R"].connector, Garbled("No JSON."))
        later(r, t), hub.sync()
        mended(), later(r, t), hub.syncs()
        assert len(t.items) == 1


def test_a_ticket_that_enters_the_query_is_carried_although_another_job_knew_it():
    r, t = pair()
    r.create("bob", {"summary": "in", "status": "in"})
    r.create("bob", {"summary": "out", "status": "out"})
    with Hub(r, t, R={"query": "status=in"}) as hub:
        hub.syncs()
        hub.change("R", query="")
        list(ForeignReplica(hub.replica, hub.specs["R"], job="other").pull())
        hub.syncs()
        assert len(t.items) == 2


def test_an_edit_made_while_the_copy_was_not_visible_arrives_when_it_is_again():
    hub, r, t = step()
    later(r, t), hub.sync()
    t.comment("eve", "1", "look"), t.hide("1")
    seen = fails(hub.specs["T"].connector, NotFound("Ticket 1 does not exist."))
    t.hide("1", hidden=False), later(r, t), hub.sync()
    assert len(hub.inbox(t)) == 1
    say(r, "s"), r.comment("bob", "1", "hello"), later(r, t), hub.sync()
    later(r, t), hub.sync()
    assert a(t) == ["p"]
    seen(), hub.syncs()
    assert (a(t), len(t.items["1"].comments), hub.inbox(t)) == (["s"], 2, [])
    hub.close()


def test_a_comment_whose_ticket_vanished_under_our_hands_goes_when_it_is_back():
    hub, r, t = step()
    r.comment("bob", "1", "hello"), t.hide("1"), later(r, t)
    hub.syncs(2)
    assert [i.reason for i in hub.inbox(t)] == ["not visible: Ticket 1 does not exist."]
    t.hide("1", hidden=False), later(r, t), hub.syncs()
    assert (len(t.items["1"].comments), hub.inbox(t)) == (1, [])
    hub.close()


@pytest.mark.parametrize("history", list(History))
def test_a_person_whom_nobody_knew_is_said_later_although_the_rest_was_sent(history):
    r, t = pair(history=history)
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs()
        t.users.pop("jesse", None)
        r.update("bob", "1", {"owner": "jesse", "summary": "y"})
        for _ in range(4):
            tick(r, t), hub.sync()
        assert t.items["1"].fields == {"summary": "y"}
        t.users["jesse"] = Person(id="jesse", email="jesse@example.org")
        t.create("jesse", {"summary": "here I am"}), hub.syncs()
        assert t.items["1"].fields["owner"] == "jesse"


def test_what_is_in_a_ticket_is_carried_when_a_person_pairs_it():
    r, t = pair()
    r.create("bob", {"summary": "printer on fire", "status": "open"})
    r.comment("bob", "1", "hello"), r.attach("bob", "1", "a.txt", b"x")
    t.create("eve", {"summary": "printer on fire", "status": "new"})
    t.comment("eve", "1", "there")
    with Hub(r, t) as hub:
        hub.syncs()
        asked = next(i for i in hub.inbox(t) if i.pairing)
        hub.foreign("T").retry(asked.number)
        hub.syncs()
        assert [len(x.items["1"].comments) for x in (r, t)] == [2, 2]
        assert len(t.items["1"].attachments) == 1
