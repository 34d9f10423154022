"""The bridge cannot be broken by ordinary life: a thousand random worlds against the oracle."""

from __future__ import annotations

from collections import Counter

import pytest

from foreign.worlds import World, shortest
from prophet_hub.merge.settle import newest
from prophet_hub.sdk import History

WORLDS = 1_000
EXCUSED = {
    "fine",
    "parked: refused",  # the tracker takes a value in silence and does not show it
    "parked: flips",  # it changes back what it is told, again and again
    "parked: reverted in the window",
    "blind: edit overwritten unseen",
    "blind: conflict",
    "dead: edit in the window of a delete",
    "racy: false conflict",
    "racy: edit lost",
}
"""What the table at the end of the design's chapter calls impossible for any hub, and no more."""


@pytest.mark.parametrize("part", range(4))
def test_after_quiet_runs_the_heads_are_exactly_the_edits_that_nobody_knew_of(part, capsys):
    tally, best = shortest(range(part * WORLDS // 4, (part + 1) * WORLDS // 4))

    with capsys.disabled():
        print(f"\n  worlds {dict(sorted(tally.items()))}")
    assert {k: (best[k][0], best[k][1]) for k in tally.keys() - EXCUSED} == {}
    assert tally["fine"] > 0.9 * WORLDS / 4


@pytest.mark.parametrize("trackers", [2, 3])
def test_where_trackers_tell_and_compare_everything_nothing_needs_an_excuse(trackers):
    tally, best = shortest(
        range(50_000, 50_080), history=History.FULL, cas=True, trackers=trackers, odd="lossy"
    )

    assert {k: (best[k][0], best[k][1]) for k in tally.keys() - {"fine"}} == {}


def test_a_tracker_with_a_workflow_is_walked_through_and_no_station_is_news():
    tally, best = shortest(range(80_000, 80_200), odd="workflow")

    excused = EXCUSED | {"parked: no way"}
    assert {k: (best[k][0], best[k][1]) for k in tally.keys() - excused} == {}
    assert tally["parked: no way"] > 0
    assert tally["fine"] > 100


def test_a_policy_settles_and_everything_is_quiet():
    tally, best = shortest(range(70_000, 70_150), policy=newest)

    overtaken = {"rule: its answer was overtaken by an edit"}  # a rule acts once, then a person
    assert {k: (best[k][0], best[k][1]) for k in tally.keys() - EXCUSED - overtaken} == {}


def test_the_oracle_sees_conflicts_deletes_and_crashes_happen():
    seen = Counter()
    for seed in range(60):
        world = World(seed, chaos="all")
        try:
            world.play(20)
            seen["conflict"] += bool(world.hub.conflicts())
            seen["deleted"] += bool(world.gone)
            seen["crash"] += any("crash=None" not in s for s in world.story if s[:4] == "sync")
            seen["race"] += any(e.race for e in world.edits)
            seen["comment"] += bool(world.remarks)
            seen["file"] += bool(world.files)
        finally:
            world.close()
    assert min(seen[k] for k in ("conflict", "deleted", "crash", "comment", "file")) > 5, seen
