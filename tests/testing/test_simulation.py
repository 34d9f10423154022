"""The simulated worlds: a share of them in every run of the tests, and that one seed makes everything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest

from prophet_hub.testing.simulation import STANDARD, boundaries, draw, play

WORLDS = 200
REAL = {
    "kills", "started twice", "faults", "acts in a run", "hide", "delete", "brakes", "lock out",
    "poison", "automation", "merge", "answer", "write in the hub", "edit comment", "attach",
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
    assert {what for what in REAL if happened[what] < 5} == set()


@pytest.mark.parametrize("seed", [3, 17])
def test_one_seed_makes_everything(seed):
    """The order of sets, the clock and the system's chance have no part in it."""
    text = (
        "import tempfile, pathlib, sys; from prophet_hub.testing.simulation import STANDARD, boundaries, draw, play;"
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
