"""Real SIGKILL at random moments of a first sync of 30 tickets over sockets (make kills)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kills.pair import PASSWORD, Pair
from prophet_hub.testing.serve import Served

pytestmark = pytest.mark.kills

TICKETS = 30
HUB = Path(sys.executable).with_name("prophet-hub")
PATIENCE = 120  # seconds; a run takes a few


def start(pair: Pair, folder: Path, url: str) -> subprocess.Popen:
    return subprocess.Popen(
        [HUB, "--database", folder / "hub.db", "--config", pair.job_file(folder, url),
         "sync", "rt-main", "hiveminder", "--yes", "--quiet"],
        env={**os.environ, "KILLS_PASSWORD": PASSWORD}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


class Killer:
    """Kills the hub after so many requests, in the middle of one: before or after its effect."""

    def __init__(self, app) -> None:
        self.app, self.victim, self.left, self.late, self.served = app, None, None, False, 0

    def __call__(self, environ, start_response):
        self.served += 1
        hit = False
        if self.left is not None and self.victim is not None:
            self.left -= 1
            hit = self.left == 0
        if hit and not self.late:
            self.victim.send_signal(signal.SIGKILL)
        answer = self.app(environ, start_response)
        if hit and self.late:
            self.victim.send_signal(signal.SIGKILL)
        return answer


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_doubled_or_missing_after_kill_upon_kill(seed, tmp_path):
    rnd = random.Random(seed)
    pair = Pair(TICKETS)
    killer = Killer(pair.app)
    kills = 0
    with Served(killer) as url:
        for _ in range(12):
            killer.left, killer.late = rnd.randrange(5, 120), rnd.random() < 0.5
            killer.victim = start(pair, tmp_path, url)
            killer.victim.communicate(timeout=PATIENCE)
            kills += killer.victim.returncode == -signal.SIGKILL
        killer.left = None
        for _ in range(2):
            last = start(pair, tmp_path, url)
            said, _ = last.communicate(timeout=PATIENCE)
        writes = pair.rt.writes, pair.hm.writes
        quiet = start(pair, tmp_path, url)
        quiet.communicate(timeout=PATIENCE)

    print(f"seed {seed}: {kills} kills, {killer.served} requests")
    assert kills > 0
    assert (last.returncode, pair.faults()) == (0, []), said.decode()
    assert (pair.rt.writes, pair.hm.writes) == writes
