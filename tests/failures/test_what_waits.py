"""What waits says what is so, is tried again, and goes when its reason goes; what nobody touched is ours."""

from __future__ import annotations

import shutil
from dataclasses import replace
from unittest.mock import Mock

import pytest

from foreign.families import family
from foreign.kit import Hub, copied, once, rest, tick, tracker_id
from prophet_hub.errors import Garbled
from prophet_hub.foreign import claims
from prophet_hub.sdk import History
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker


def alive(*trackers):
    return [sum(not item.gone for item in x.items.values()) for x in trackers]


def again(t):
    """A second copy that the hub's account once made."""
    return t.create("hub", {"summary": "x", "status": "new"}, key=t.items["1"].key)


def test_a_line_that_a_peer_made_untrue_goes():
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(lag=3, overlap=3))
    a, b = family(r, t, hubs=2)
    r.create("bob", {"summary": "x", "status": "new"}), tick(r, t)
    a.sync(), b.pull(a), b.sync()  # b makes T#1; a has not heard
    claims.take(a.replica, tracker_id("T"), a.me, host="a")
    a.sync()  # a makes T#2 before the index tells T#1
    rest(a, r, t, times=6)
    assert [i.ref for i in a.inbox(t)] == ["1"]
    for _ in range(4):
        tick(r, t), a.pull(b), a.sync(), b.pull(a), b.sync()  # now a knows whose T#1 is
    for line in a.inbox(t):
        t.delete("eve", line.ref), tick(r, t)  # as the line says
    for _ in range(6):
        tick(r, t), a.pull(b), a.sync(), b.pull(a), b.sync()
    assert alive(r) == [1], "deleted everywhere"
    assert alive(t) != [0], "deleted everywhere"


@pytest.mark.parametrize("how", ["merged", "deleted sooner", "deleted later"])
def test_a_copy_too_many_is_one_also_when_the_first_is_gone(how):
    with copied() as (hub, r, t):
        if how == "deleted sooner":
            t.delete("eve", "1"), tick(r, t), rest(hub, r, t)
            again(t), rest(hub, r, t)
        else:
            second = again(t)
            rest(hub, r, t)
            t.merge("eve", "1", second) if how == "merged" else t.delete("eve", "1")
            tick(r, t), rest(hub, r, t)
            t.comment("eve", second, "hello"), tick(r, t), rest(hub, r, t)
        assert alive(r) == [how == "merged"], "it came to R as a new ticket"


def test_a_copy_too_many_is_one_also_while_the_first_could_not_be_read():
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs())
    r.create("bob", {"summary": "x", "status": "new"})
    hub = Hub(r, t)
    connector = hub.specs["T"].connector
    real, bad = connector.ticket, {"1"}

    def ticket(ref):
        if ref.id in bad:
            raise Garbled("No JSON.")
        return real(ref)

    connector.ticket = ticket
    hub.sync(), tick(r, t), again(t), rest(hub, r, t)
    bad.clear(), rest(hub, r, t)
    assert alive(r, t) == [1, 2], "the older copy was carried on"


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_what_could_not_be_read_for_two_hours_is_written_later(verb):
    with copied(conditional=False) as (hub, r, t):
        connector = hub.specs["T"].connector
        connector.ticket = Mock(side_effect=Garbled("No JSON."))
        r.update("bob", "1", {"summary": "q"}) if verb == "update" else r.delete("bob", "1")
        rest(hub, r, t, times=12)
        del connector.ticket
        rest(hub, r, t, times=40)
        gone = t.items["1"].gone
        assert gone if verb == "delete" else t.items["1"].fields["summary"] == "q"


@pytest.mark.parametrize("who", ["eve", "rule"])
def test_what_was_set_in_the_second_of_a_create_is_no_echo(who):
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(history=History.NONE))
    r.create("bob", {"summary": "x", "priority": "normal"})
    with Hub(r, t) as hub:
        list(hub.foreign("R").pull()), tick(r, t)
        r.update("bob", "1", {"priority": "high"}), tick(r, t)

        def act():
            t.update(who, "1", {"priority": "normal"})

        with once(hub.specs["T"].connector, "after POST", act) as done:
            hub.sync()
        tick(r, t), rest(hub, r, t)
        assert done
        assert hub.conflicts() or t.items["1"].fields["priority"] == "normal"


def test_what_a_person_chose_for_a_clone_that_is_met_first_is_no_echo():
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(history=History.NONE))
    r.create("bob", {"summary": "x", "priority": "normal"})
    with Hub(r, t) as lost:
        rest(lost, r, t)
        r.update("bob", "1", {"priority": "high"}), tick(r, t), rest(lost, r, t)
    t.hide("1")
    clone = t.create("eve", {"summary": "x", "priority": "normal"}, key=t.items["1"].key)
    with Hub(r, t) as hub:
        tick(r, t), rest(hub, r, t)
        assert hub.conflicts() or t.items[clone].fields["priority"] == "normal"


def test_a_comment_without_a_date_of_change_may_have_been_touched(tmp_path):
    """As Taskwarrior tells its annotations."""
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(history=History.NONE))
    r.create("bob", {"summary": "x"})
    connector = MemoryConnector.over(t)

    def ticket(ref, real=connector.ticket):
        told = real(ref)
        return replace(told, comments=tuple(replace(c, updated=None) for c in told.comments))

    connector.ticket = ticket

    def hub():
        return Hub(r, t, path=tmp_path / "db", T={"connector": connector})

    with hub() as one:
        rest(one, r, t)
        note = r.comment("bob", "1", "first")
        list(one.foreign("R").pull()), tick(r, t)
        r.edit_comment("bob", "1", note, "second")
        list(one.foreign("R").pull()), tick(r, t)
    shutil.copy(tmp_path / "db", tmp_path / "saved")
    with hub() as one:
        rest(one, r, t)
    (copy,) = t.items["1"].comments
    t.edit_comment("eve", "1", copy.id, copy.body.replace("second", "first")), tick(r, t)
    for left in tmp_path.glob("db*"):
        left.unlink()
    shutil.copy(tmp_path / "saved", tmp_path / "db")
    with hub() as one:
        rest(one, r, t)
        assert one.conflicts() or r.items["1"].comments[0].body == "first", (
            "eve's edit fell silently"
        )


@pytest.mark.parametrize("how", ["delete", "merge"])
@pytest.mark.parametrize("listed", [True, False])
def test_what_could_not_be_read_and_ended_waits_no_more(listed, how):
    with copied(conditional=False) as (hub, r, t):
        other = t.create("eve", {"summary": "o"})
        tick(r, t), rest(hub, r, t)
        connector = hub.specs["T"].connector
        connector.ticket = Mock(side_effect=Garbled("No JSON."))
        (t if listed else r).update("eve", "1", {"summary": "q"})
        tick(r, t), rest(hub, r, t, times=2)
        del connector.ticket
        t.delete("eve", "1") if how == "delete" else t.merge("eve", "1", other)
        tick(r, t), rest(hub, r, t)
        connector.ticket = Mock(side_effect=connector.ticket)
        rest(hub, r, t, times=15)
        assert (hub.inbox(t), connector.ticket.call_count) == ([], 0)


@pytest.mark.parametrize("how", ["deleted", "retry"])
def test_a_copy_too_many_that_was_deleted_as_its_line_asks_waits_no_more(how):
    with copied(tombstones=False) as (hub, r, t):
        second = again(t)
        rest(hub, r, t)
        (line,) = hub.inbox(t)
        connector = hub.specs["T"].connector
        connector.ticket = Mock(side_effect=connector.ticket)
        if how == "deleted":
            t.delete("eve", second), tick(r, t)
        hub.foreign("T").retry(line.number)
        rest(hub, r, t)
        asked = [call.args[0].id for call in connector.ticket.call_args_list]
        assert second in asked, "retry tries nothing"
        assert bool(hub.inbox(t)) == (how == "retry")


@pytest.mark.parametrize("how", ["delete", "hide"])
def test_what_stops_all_creates_says_so(how):
    """A restored hub dies between reading and adopting; the copy is seen no more."""
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs(tombstones=False))
    r.create("bob", {"summary": "x", "status": "new"})
    with Hub(r, t) as lost:
        rest(lost, r, t)
    with Hub(r, t) as hub:
        list(hub.foreign("R").pull()), list(hub.foreign("T").pull())
        t.delete("eve", "1") if how == "delete" else t.hide("1")
        for n in range(15):
            r.create("bob", {"summary": f"y{n}", "status": "new"}), rest(hub, r, t, times=1)
        assert len(t.items) > 10 or hub.inbox(t), "nothing is made there, and nobody hears of it"
