"""The tracker in memory and its connector, before the contract looks at them."""

from prophet_hub.sdk import COMMENT, TICKET, Checkpoint, Create, Gone, History, Pull, Ref, Update
from prophet_hub.testing import Knobs, MemoryConnector, Tracker


def pulled(connector, since=""):
    told = list(connector.changed(Pull(since=since)))
    assert isinstance(told[-1], Checkpoint)
    return [t for t in told if not isinstance(t, Checkpoint)], told[-1].cursor


def test_a_pull_tells_everything_once_and_an_idle_one_nothing():
    for knobs in (
        Knobs(page=2),
        Knobs(granularity=0),
        Knobs(inclusive=False),
        Knobs(ordered=False),
    ):
        tracker = Tracker("t", knobs)
        connector = MemoryConnector.over(tracker)
        for n in range(5):
            tracker.create("bob", {"summary": str(n)})
        tracker.now += 2
        told, cursor = pulled(connector)
        assert {t.id for t in told} == {"1", "2", "3", "4", "5"}
        tracker.now += 2
        assert pulled(connector, cursor)[0] == []
        tracker.update("bob", "3", {"summary": "z"})
        assert [t.id for t in pulled(connector, cursor)[0]] == ["3"]


def test_events_explain_a_ticket_and_sets_are_told_by_member():
    tracker = Tracker("t", Knobs())
    one = tracker.create("bob", {"summary": "a", "labels": frozenset({"x"})})
    tracker.update("bob", one, {"summary": "b"}, added={"labels": {"y"}}, removed={"labels": {"x"}})
    ticket = MemoryConnector.over(tracker).ticket(Ref(id=one))
    assert ticket.fields == {"summary": "b", "labels": frozenset({"y"})}
    (event,) = ticket.events
    assert [c.field for c in event.changes] == ["summary", "labels"]
    assert tracker.writes == 2


def test_the_account_writes_through_the_same_doors():
    tracker = Tracker("t", Knobs(history=History.PARTIAL, refuses=frozenset({"no"})))
    connector = MemoryConnector.over(tracker)
    seen = []
    connector.boundary = seen.append
    ref = connector.apply(Create(ref=Ref(id=""), fields={"summary": "a"}, key="k1")).ref
    connector.apply(Update(ref=ref, changes={"summary": "no", "status": "open"}))
    note = connector.apply(
        Create(ref=Ref(kind=COMMENT, id="", ticket=ref.id), fields={"body": "hi"}, key="k2")
    ).ref
    assert connector.find(Ref(kind=TICKET, id=""), "k1") == ref
    assert connector.find(Ref(kind=COMMENT, id="", ticket=ref.id), "k2") == note
    assert connector.ticket(ref).fields == {"summary": "a", "status": "open"}
    assert seen[:2] == ["before POST /ticket", "after POST /ticket"]
    tracker.delete("bob", ref.id)
    assert isinstance(connector.ticket(ref), Gone)
    assert connector.find(Ref(kind=TICKET, id=""), "k1") is None
