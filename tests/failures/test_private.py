"""F23: what is private stays where it is, and staying costs nothing."""

from __future__ import annotations

from foreign.kit import Hub, pair, tick
from prophet_hub.foreign.planner import Planner


def test_private_comments_that_stay_are_not_looked_at_in_every_run(monkeypatch):
    r, t = pair()
    r.create("bob", {"summary": "x"})
    for number in range(20):
        r.comment("bob", "1", f"among us {number}", private=True)
    with Hub(r, t) as hub:
        tick(r, t), hub.syncs()
        looked, record = [], Planner._record
        monkeypatch.setattr(
            Planner, "_record", lambda self, *row: looked.append(row) or record(self, *row)
        )
        hub.sync()
        assert (looked, t.items["1"].comments) == ([], [])

        r.items["1"].comments[0].private = False
        r._touch(r.items["1"])
        tick(r, t), hub.syncs()
        assert len(t.items["1"].comments) == 1

        hub.change("T", audience="private")
        hub.syncs()
        assert [c.private for c in t.items["1"].comments] == [False, *[True] * 19]


def test_a_ticket_that_becomes_private_sends_nothing_more():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        tick(r, t), hub.syncs()
        r.items["1"].private = True
        r.update("bob", "1", {"summary": "secret"})
        r.comment("bob", "1", "secret"), r.attach("bob", "1", "secret.txt", b"secret")
        tick(r, t), hub.syncs()
        copy = t.items["1"]
        assert (copy.fields["summary"], copy.comments, copy.attachments) == ("x", [], [])

        r.items["1"].private = False
        r._touch(r.items["1"])
        tick(r, t), hub.syncs()
        copy = t.items["1"]
        assert (copy.fields["summary"], len(copy.comments), len(copy.attachments)) == (
            "secret",
            1,
            1,
        )
