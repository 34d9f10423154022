"""Real SIGKILL of the command in the middle of a publish, a clone and a pull, over a folder."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from peers.flows import Desk
from prophet_hub.engine.replica import Replica
from prophet_hub.peers.bundle import verify
from prophet_hub.peers.place import Absent
from prophet_hub.peers.places import open_place
from prophet_hub.peers.published import Published

HUB = Path(sys.executable).with_name("prophet-hub")
PATIENCE = 120  # seconds; a run takes one or two
FILES = 15


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A database with long texts and files, enough for a process to be met at work."""
    path = tmp_path_factory.mktemp("original") / "ada.db"
    rnd = random.Random(7)
    with closing(Desk(path)) as ada, ada.replica.transaction():
        for n in range(FILES):
            ada.work(4, word=f"{n} {rnd.randbytes(2000).hex()}", file=rnd.randbytes(300_000))
    return path


def start(database, *words):
    return subprocess.Popen(
        [HUB, "--database", database, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def killed(process, busy, longest, rnd):
    """Kills a process a moment after it began to write; tells whether it was still at work."""
    while process.poll() is None and not busy():
        time.sleep(0.001)
    time.sleep(rnd.random() * longest)
    process.kill()
    process.communicate(timeout=PATIENCE)
    return process.returncode == -signal.SIGKILL


def ends(process):
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said.decode()
    return said.decode()


def growing(*folders):
    """Returns what tells whether the number of files below the folders has changed."""

    def count():
        return sum(1 for folder in folders for _ in folder.rglob("*"))

    before = count()
    return lambda: count() != before


def is_whole(published):
    try:
        verify(Published(open_place(str(published))))
    except Absent:
        assert not (published / "prophet-hub.json").exists()


def check(path):
    with closing(Replica.open(path, clock=lambda: 1)) as replica:
        assert list(replica.check()) == []
        return replica.tips(), len(replica.wanted()), list(replica.export())


def kill_and_repeat(original, folder, seed, kills):
    rnd = random.Random(seed)
    published, bob = folder / "published", folder / "bob.db"
    met = 0
    moments = [0.3 * n / kills for n in range(kills)]  # the first at once, so that it is at work
    for longest in moments:
        publishing = start(original, "publish", published, "--quiet")
        met += killed(publishing, growing(published), longest, rnd)
        is_whole(published)
    ends(start(original, "publish", published))  # at once: who was killed is known to be dead
    is_whole(published)
    assert not list(published.glob(".*"))
    for longest in moments:
        words = ("clone", published, bob) if not bob.exists() else ("pull", str(published))
        met += killed(start(bob, *words, "--quiet"), growing(folder), longest, rnd)
        if bob.exists():
            check(bob)
    if not bob.exists() or not check(bob)[0]:
        ends(start(bob, "pull", str(published)))
    ends(start(bob, "pull", str(published)))
    tips, _, shown = check(original)
    assert check(bob) == (tips, 0, shown)
    print(f"seed {seed}: {met} of {2 * kills} killed at work")
    return met


def test_who_is_killed_leaves_whole_replicas(original, tmp_path):
    assert kill_and_repeat(original, tmp_path, 1, 1) > 0


@pytest.mark.kills
@pytest.mark.parametrize("seed", range(2, 6))
def test_kill_upon_kill(original, tmp_path, seed):
    assert kill_and_repeat(original, tmp_path, seed, 10) > 1
