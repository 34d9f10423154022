"""F20: a status that cannot be had waits with the reason, and everything else goes on."""

from __future__ import annotations

import random

import pytest

from foreign.kit import Hub, tick
from prophet_hub.sdk import History
from prophet_hub.testing.tracker import Knobs, Tracker

WORDS = ("new", "open", "review", "held", "closed")
NEEDS = {"due": ("2030-01-01", "2031-01-01"), "priority": ("high", "low")}
SEEDS = range(60)


def drawn(seed):
    """A workflow by chance: some ways, some demands, and a tracker that tells more or less of it."""
    r = random.Random(f"workflow {seed}")
    ways = {word: tuple(to for to in WORDS if to != word and r.random() < 0.4) for word in WORDS}
    demands = {word: (r.choice(list(NEEDS)),) for word in WORDS[1:] if r.random() < 0.3}
    knobs = Knobs(
        allowed={"status": WORDS}, transitions={"status": ways}, requires={"status": demands},
        offers=r.random() < 0.5, history=r.choice(list(History)), conditional=r.random() < 0.5,
    )  # fmt: skip
    return r, ways, demands, knobs


def reachable(ways, demands, fields, start):
    """Where anybody could bring the ticket with what its fields hold."""
    found, edge = {start}, [start]
    while edge:
        at = edge.pop()
        for to in ways[at]:
            if to not in found and all(fields.get(need) for need in demands.get(to, ())):
                found.add(to)
                edge.append(to)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_the_workflow_the_rest_is_in_step_and_the_inbox_tells(seed):
    chance, ways, demands, knobs = drawn(seed)
    r, t = Tracker("R", Knobs()), Tracker("T", knobs)
    ref = r.create("bob", {"summary": "x", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs()
        (item,) = t.items.values()
        assert item.fields == r.items[ref].fields
        for n in range(6):
            tick(r, t)
            wanted = chance.choice(WORDS)
            change = {"summary": f"x{n}", "status": wanted, "description": f"Text {n}"}
            if chance.random() < 0.5:
                need = chance.choice(list(NEEDS))
                change[need] = chance.choice(NEEDS[need])
            r.update("bob", ref, change)
            start = item.fields["status"]
            hub.syncs()
            said = r.items[ref].fields
            assert said | change == said, "nobody's word was taken back"
            rest = {name: value for name, value in said.items() if name != "status"}
            there_too = {n: v for n, v in item.fields.items() if n != "status"}
            assert there_too == rest, "a status that cannot be had holds up the rest"
            there = item.fields["status"]
            if wanted in reachable(ways, demands, said, start):
                assert there == wanted, "a status does not arrive though there is a way to it"
            assert (there == wanted) != any(i.field == "status" for i in hub.inbox(t))
            if there != wanted:
                assert there == start or start not in reachable(ways, demands, said, there)
            writes = r.writes, t.writes
            hub.syncs()
            assert (r.writes, t.writes) == writes, "what waits is not tried again and again"
        assert hub.conflicts() == []


@pytest.mark.parametrize("offers", [True, False])
def test_what_waits_for_a_field_goes_on_when_somebody_fills_it_in(offers):
    t = Tracker("T", Knobs(
        allowed={"status": WORDS}, transitions={"status": {"new": ("open",), "open": ("closed",)}},
        requires={"status": {"closed": ("due",)}}, offers=offers,
    ))  # fmt: skip
    r = Tracker("R", Knobs())
    ref = r.create("bob", {"summary": "x", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs()
        (item,) = t.items.values()
        tick(r, t)
        r.update("bob", ref, {"status": "closed", "summary": "y"})
        hub.syncs()
        assert (item.fields["summary"], item.fields["status"] != "closed") == ("y", True)
        assert [i.field for i in hub.inbox(t)] == ["status"]
        tick(r, t)
        t.update("eve", item.id, {"due": "2030-01-01"})
        hub.syncs()
        assert item.fields["status"] == "closed"
        assert r.items[ref].fields == {"summary": "y", "status": "closed", "due": "2030-01-01"}
        assert hub.inbox(t) == []
