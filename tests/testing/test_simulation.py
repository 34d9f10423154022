"""The simulated worlds: a share of them in every run of the tests, and that one seed makes everything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from prophet_hub.testing.simulation import (
    LAWS,
    STANDARD,
    boundaries,
    draw,
    people,
    play,
    shrink,
    steps,
)
from prophet_hub.testing.simulation import __main__ as command

WORLDS = 200
REAL = {
    "kills", "started twice", "faults", "acts in a run", "hide", "delete", "brakes", "lock out",
    "poison", "automation", "merge", "answer", "write in the hub", "edit comment", "attach",
    "exchange", "pass claim", "back up", "put back", "restore",
}  # fmt: skip
"""What must really have happened in them."""


def test_two_hundred_worlds_break_no_law(tmp_path):
    happened, broken = Counter(), []
    for seed in range(WORLDS):
        verdict = play(draw(seed), tmp_path)
        happened += verdict.happened
        if verdict.law:
            broken.append((seed, verdict.law, verdict.what))

    assert broken == []
    assert {what for what in REAL if not happened[what]} == set()


def test_every_kind_of_step_is_done_in_one_way():
    """Two under one name, and one of them would never happen."""
    done = [*people._IN_THE_HUB, *people._ANYWHERE, *people._AT_TICKETS, "sync", "quiet"]

    assert [kind for kind, times in Counter(done).items() if times > 1] == []
    assert {*steps.KINDS} <= {*done}


@pytest.mark.parametrize("seed", [3, 17])
def test_one_seed_makes_everything(seed):
    """The order of sets, the clock and the system's chance have no part in it."""
    text = (
        "import tempfile, pathlib, sys; from prophet_hub.testing.simulation import draw, play;"
        f"v = play(draw({seed}), pathlib.Path(tempfile.mkdtemp()));"
        "sys.stdout.write(repr((v.law, v.story, v.state, sorted(v.happened.items()))))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", text],
            env={**os.environ, "PYTHONHASHSEED": chance, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for chance in ("1", "2")
    }  # fmt: skip

    assert len(told) == 1
    assert "makes ticket" in next(iter(told))


@pytest.mark.parametrize("name", STANDARD)
def test_the_standard_world_survives_a_kill_at_every_boundary(name, tmp_path):
    """Each ninth of them; `make simulate` walks them all."""
    walked = [*boundaries(name, tmp_path, every=9)]

    assert [(at, v.law, v.what) for at, v in walked if v.law] == []
    assert len(walked) > 10


def test_the_command_counts_what_happened_and_says_that_no_law_is_broken(capsys):
    assert command.main(["--worlds", "3", "--processes", "1", "--every", "60"]) == 0

    said = capsys.readouterr().out
    assert "3 worlds, broken laws: 0" in said
    assert "the standard world, without keys: killed at" in said


def test_the_command_tells_the_story_of_one_world(capsys):
    assert command.main(["--seed", "3"]) == 0

    said = capsys.readouterr().out
    assert "makes ticket 1 as" in said
    assert said.endswith("No law is broken.\n")


def test_a_broken_law_is_told_as_the_shortest_world_that_breaks_it(tmp_path, monkeypatch):
    def nobody_writes(world, _sight):
        yield from (f"somebody wrote {edit.number}" for edit in world.twin.edits.values())

    monkeypatch.setitem(LAWS, "nobody writes", nobody_writes)
    least, verdict = shrink(draw(3), "nobody writes", tmp_path)

    assert verdict.law == "nobody writes"
    assert [step.kind for step in least.steps] == ["create"]
    assert {remote.traits for remote in least.setting.remotes} == {()}
