"""The engine against the executable specification of the law, where that is at hand.

The specification is no part of this project; PROPHET_HUB_MODEL names its folder.
"""

from __future__ import annotations

import ast
import os
import random
import sys
from itertools import combinations
from pathlib import Path

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settling import Page
from prophet_hub.merge import votes
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import LIFE, LINKING, VOTE, Cell, Changeset, Write

MODEL = Path(
    os.environ.get("PROPHET_HUB_MODEL", Path(__file__).parents[2].parent / "shared" / "model")
)
WORLDS = int(os.environ.get("PROPHET_HUB_WORLDS", "120"))

if not (MODEL / "law.py").exists():
    pytest.skip("the executable specification is not here", allow_module_level=True)

sys.path.insert(0, str(MODEL))
import law  # noqa: E402 - found by the line above
import test_law  # noqa: E402

sys.path.remove(str(MODEL))


def name(text: str) -> bytes:
    """Returns a name of sixteen bytes that sorts as the model's text."""
    return text.encode().ljust(16, b"\0")


def _fingerprints() -> dict[str, str]:
    """Returns the names of votes there -> here, of all conflicts that worlds can have."""
    words = [None, *"wxyzWXYZ", law.PRESENT]
    found = {}
    for prop, member in [(test_law.SINGLE, ""), (law.LIFE, "alive"), (law.TICKET, ""), *(
        (test_law.SET, m) for m in "ab"
    )]:  # fmt: skip
        values = [*words, *(f"t{n}" for n in (1, 2, 3))] if prop == law.TICKET else words
        for size in (2, 3, 4):
            for some in combinations(values, size):
                there = law.vote(law.Cell("", prop, member), some, "").prop
                ours = {value_of(law.Cell("", prop, member), value) for value in some}
                found[there] = f"{VOTE}{votes.fingerprint(prop, member, ours)}"
    return found


def cell_of(cell: law.Cell) -> Cell:
    if cell.prop.startswith(law.VOTE):
        return Cell(name(cell.record), FINGERPRINTS[cell.prop], name(cell.member).hex())
    member = name(cell.member).hex() if cell.prop in LINKING else cell.member
    return Cell(name(cell.record), cell.prop, member)


def value_of(cell: law.Cell, value: str | None) -> str | None:
    if cell.prop.startswith(law.VOTE):
        shown = law.PRESENT if value == law.PRESENT else None
        return shown or (value and votes.ballot_of(ast.literal_eval(value)))
    return ids.text(name(value)) if cell.prop == law.TICKET and value else value


def write_of(w: law.Write) -> Write:
    kind = "comment" if w.cell.record.startswith("c") else "ticket"
    return Write(
        name(w.id), cell_of(w.cell), kind, value_of(w.cell, w.value),
        tuple(sorted(map(name, w.supersedes))), w.created, w.rule, tuple(sorted(map(name, w.seen))),
    )  # fmt: skip


FINGERPRINTS = _fingerprints()


def entries_of(replica: law.Replica) -> list[tuple[str, bytes, bytes]]:
    """Returns (the model's running hash, before, raw) of its log."""
    running, result = {"": b""}, []
    for e in replica.log:
        writes = tuple(write_of(w) for w in sorted(e.writes, key=lambda w: w.id))
        changeset = Changeset(name(e.name[:16]), e.author, e.created, writes)
        before = running[e.before]
        entry, raw = codec.seal(e.origin.encode().ljust(16, b"\0"), e.sequence, before, changeset)
        running[e.running] = entry.running
        result.append((e.running, before, raw))
    return result


def screen_of(replica: Replica, state: law.State) -> dict:
    return {
        c: (found.shown, found.conflict, frozenset(h.id for h in found.heads)) if found else None
        for c in state.cells
        for at in (cell_of(c),)
        for found in (replica.cell(at.record, at.prop, at.member),)
    }


def expected(state: law.State) -> dict:
    conflicts = state.conflicts()
    return {
        c: (value_of(c, state.shown(c)), c in conflicts, frozenset(name(h.id) for h in heads))
        for c, heads in state.cells.items()
    }


def majorities(replica: Replica) -> dict:
    """What the votes would settle, rules' manners aside."""
    found = [one for one in replica.conflicts() if votes.is_asked(one)]
    page = Page(replica, found)
    return {
        (one.record, one.cell.prop, one.cell.member): [value for _, value in page.votes(one)]
        for one in found
    }


def expected_majorities(state: law.State) -> dict:
    return {
        (at.record, at.prop, at.member): [value_of(c, v) for v in state.majority(c)]
        for c in state.conflicts()
        if c.prop not in LINKING and not c.prop.startswith(law.VOTE)
        for at in (cell_of(c),)
    }


def feed(replica: Replica, log: list, held: set[str], rng: random.Random) -> None:
    refused = {raw for running, _, raw in log if running in held}
    rest = [(before, raw) for _, before, raw in log]
    while rest:
        size = rng.choice((1, 1, 2, 5, 50))
        replica.integrate(
            rest[:size],
            judge=lambda e: "refused" if codec.encode(e) in refused else None,
        )
        rest = rest[size:]


@pytest.mark.parametrize("seed", range(1, WORLDS + 1))
def test_same_heads_shown_values_and_conflicts(seed):
    """For the same entries, in any batches, the engine shows what the specification shows."""
    world = test_law.World(*test_law.random_world(seed)[1:3])
    steps, _, _, rng = test_law.random_world(seed)
    for one in steps:
        test_law.step(world, *one)
    for source in world.replicas:
        replica = Replica.open(":memory:", clock=lambda: 0)
        try:
            log = entries_of(source)
            feed(replica, log, source.quarantine, rng)

            assert expected(source.state) == screen_of(replica, source.state)
            conflicts = {(c.record, c.cell.prop, c.cell.member) for c in replica.conflicts()}
            assert conflicts == {
                (k.record, k.prop, k.member) for k in map(cell_of, source.state.conflicts())
            }
            assert expected_majorities(source.state) == majorities(replica)
            then = source.as_of(2)
            for c in then.cells:
                if c.prop not in (*LINKING, LIFE):
                    at = cell_of(c)
                    shown = replica.as_of(at.record, 2)[at.prop, at.member]
                    assert shown == value_of(c, then.shown(c))

            for row in replica.quarantine():
                replica.accept(row.number)
            source.quarantine.clear()

            assert expected(source.state) == screen_of(replica, source.state)
        finally:
            replica.close()


def test_there_are_votes_to_be_counted():
    """In some of the worlds above a majority decides something."""
    decided = 0
    for seed in range(1, WORLDS + 1):
        steps, replicas, policies, _ = test_law.random_world(seed)
        world = test_law.World(replicas, policies)
        for one in steps:
            test_law.step(world, *one)
        decided += any(any(expected_majorities(r.state).values()) for r in world.replicas)
    assert decided
