"""Every history of a few edits and pulls, against the truth about who knew what."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from merge.hubs import STATUS, T1, EngineHub, MemoryHub
from prophet_hub.merge.cells import heads_of
from prophet_hub.model import codec
from prophet_hub.model.changes import Cell, Changeset, Write


def histories(replicas: int, depth: int):
    """Yields (writes by id, who knew what, entries as (replica, write)) of every sequence of edits
    and pulls up to renaming, with at most four edits.
    """
    moves = [("edit", r, v) for r in range(replicas) for v in "xy"]
    moves += [("pull", r, s) for r in range(replicas) for s in range(replicas) if r != s]
    for rest in product(moves, repeat=depth - 1):
        steps = (("edit", 0, "x"), *rest)
        if sum(step[0] == "edit" for step in steps) > 4:
            continue
        known = [set() for _ in range(replicas)]
        writes, truth, entries = {}, {}, []
        for kind, r, what in steps:
            if kind == "pull":
                known[r] |= known[what]
                continue
            name = bytes([len(writes) + 1]) * 16
            heads = [w for w in known[r] if not any(w in truth[o] for o in known[r])]
            truth[name] = set(known[r])
            writes[name] = Write(name, Cell(T1, STATUS), "ticket", what, tuple(sorted(heads)))
            known[r].add(name)
            entries.append((r, writes[name]))
        yield writes, truth, entries


def maxima(writes, truth):
    return {w for w in writes if not any(w in truth[o] for o in writes)}


@pytest.mark.parametrize(("replicas", "depth", "least"), [(2, 6, 4000), (3, 5, 10000)])
def test_heads_are_what_nobody_knew(replicas, depth, least):
    """In every small history."""
    count = conflicts = 0
    for writes, truth, _ in histories(replicas, depth):
        heads = heads_of(list(writes.values()), lambda w, known=writes: known[w].supersedes)
        assert {h.id for h in heads} == maxima(writes, truth)
        count += 1
        conflicts += len({h.value for h in heads}) > 1
    assert count > least
    assert conflicts > 500


def test_the_engine_agrees_in_every_order_of_delivery():
    """... that keeps each origin's own order, entry by entry and all at once."""
    orders = 0
    for writes, truth, entries in histories(2, 4):
        log, places = [], {}
        for r, write in entries:
            sequence, before = places.get(r, (0, b""))
            changeset = Changeset(write.id, "", 0, (write,))
            entry, raw = codec.seal(bytes([r]) * 16, sequence + 1, before, changeset)
            places[r] = sequence + 1, entry.running
            log.append((r, before, raw))
        for order in set(permutations(log)):
            own = [[e for e in order if e[0] == r] for r in range(2)]
            if own != [[e for e in log if e[0] == r] for r in range(2)]:
                continue
            for at_once in (True, False):
                hub = EngineHub()
                for batch in [order] if at_once else [[e] for e in order]:
                    hub.integrate([e[1:] for e in batch])
                found = {h.id for h in hub.cell(T1).heads}
                hub.close()
                assert found == maxima(writes, truth)
                orders += 1
    assert orders > 500


def test_no_undo_takes_what_it_was_not_asked_to_take():
    """In every history of two replicas that edit, pull and undo: whatever else was a head stays one,
    the second time does nothing, and both show the same in the end.
    """
    moves = [("edit", r, v) for r in range(2) for v in "xy"]
    moves += [("pull", r, 1 - r) for r in range(2)] + [
        ("undo", r, n) for r in range(2) for n in (1, 2)
    ]
    undone = torn = 0
    for steps in product(moves, repeat=4):
        hubs = [MemoryHub(), MemoryHub()]
        hubs[0].put("x")
        for what, r, how in steps:
            hub = hubs[r]
            if what == "edit":
                hub.put(how)
            elif what == "pull":
                hub.pull(hubs[how])
            elif len(hub.log) >= how:
                entry = hub.log[-how][0]
                taken = {w.id for w in entry.changeset.writes}
                before = {h.id for h in hub.cell(T1).heads}
                if hub.undo(entry.running):
                    undone += 1
                    torn += not taken & before
                    assert before - taken <= {h.id for h in hub.cell(T1).heads}
                    assert not hub.undo(entry.running)
        hubs[0].pull(hubs[1])
        hubs[1].pull(hubs[0])
        assert len({frozenset(h.id for h in hub.cell(T1).heads) for hub in hubs}) == 1
    assert undone > 1000
    assert torn > 100
