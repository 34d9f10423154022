"""F31, F35: automation on both sides that undoes one another, and tickets that come again."""

from __future__ import annotations

from foreign.kit import Hub, pair, tick


def test_two_bots_that_undo_each_other_are_parted_after_a_few_turns():
    """Each insists on its own status whenever the hub has written another one."""
    r, t = pair()
    for name in ("one", "two"):
        r.create("bob", {"summary": name, "status": "open", "priority": "low"})

    def insists(tracker, status):
        def act(item):
            if item.fields["status"] != status and item.fields["summary"] != "two":
                tracker.update("robot", item.id, {"status": status})

        return act

    with Hub(r, t) as hub:
        hub.syncs()
        r.after_write, t.after_write = insists(r, "open"), insists(t, "resolved")
        r.update("bob", "1", {"status": "stalled"})
        for _ in range(40):
            tick(r, t), hub.sync()
        writes = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes) == writes, "two bots go on for ever"
        assert sum(writes) < 40, "two bots went on for too long"
        assert any("flips" in one.reason for one in (*hub.inbox(r), *hub.inbox(t)))
        tick(r, t)
        r.update("bob", "1", {"priority": "high"})
        r.update("bob", "2", {"status": "resolved"})
        hub.syncs()
        assert t.items["1"].fields["priority"] == "high", "the fight stops the rest of the ticket"
        assert t.items["2"].fields["status"] == "resolved", "the fight stops other tickets"


def test_a_ticket_that_leaves_both_queries_and_comes_again_has_one_copy():
    """The job asks both sides for what is open alone, so nobody tells the closed ones."""
    r, t = pair()
    r.create("bob", {"summary": "x", "status": "open"})
    asks = {"query": "status=open"}
    with Hub(r, t, R=asks, T=asks) as hub:
        hub.syncs()
        for n, side in enumerate((r, t, t, r)):
            for status in ("resolved", "open"):
                tick(r, t)
                side.update("eve", "1", {"status": status, "summary": f"{status} {n}"})
                if status == "resolved" and n % 2:  # seen by nobody while it is closed
                    continue
                hub.syncs()
            assert [len(x.items) for x in (r, t)] == [1, 1], "it was made a second time"
            assert [x.items["1"].fields["summary"] for x in (r, t)] == [f"open {n}"] * 2
        tick(r, t)
        for side in (r, t):
            side.update("bob", "1", {"status": "resolved"})
        hub.syncs()
        with Hub(r, t) as later:  # with another database, and what is closed is asked for
            tick(r, t), later.syncs()
            assert [len(x.items) for x in (r, t)] == [1, 1], "it was made a second time"
