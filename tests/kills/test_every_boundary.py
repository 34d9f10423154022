"""The hub dies at every request and at every commit of a first sync; the next sync mends it all.

A boundary is the moment before a request arrives, the moment after its effect and before its answer,
and the moments before and after a commit.  From its death on, the hub does nothing any more.
"""

from __future__ import annotations

import pytest
import requests

from kills.pair import PASSWORD, Pair
from prophet_hub.cli.main import main
from prophet_hub.store.sqlite import Store
from prophet_hub.testing.serve import within

TICKETS = 5
SHARDS = 8


class Death(BaseException):
    """The end of a process, as far as it can be had in one."""


@pytest.fixture(autouse=True)
def _no_fsync(monkeypatch):
    """The process does not really end here, so nothing is lost without; it is most of the time."""
    real = Store._prepare

    def prepare(store, **words):
        real(store, **words)
        store.run("PRAGMA synchronous = OFF")

    monkeypatch.setattr(Store, "_prepare", prepare)


class Mortal:
    """Counts boundaries and dies at one."""

    def __init__(self, last: int | None = None) -> None:
        self.last, self.count, self.requests, self.commits, self.dead = last, 0, 0, 0, False

    def boundary(self) -> None:
        if self.dead or self.count == self.last:
            self.dead = True
            raise Death
        self.count += 1

    def app(self, app):
        def mortal(environ, start_response):
            self.boundary()
            self.requests += 1
            answer = list(app(environ, start_response))
            self.boundary()
            return answer

        return mortal

    def run(self, real):
        def run(store, sql, values=()):
            if sql != "COMMIT":
                return real(store, sql, values)
            self.boundary()
            self.commits += 1
            done = real(store, sql, values)
            self.boundary()
            return done

        return run


def sync(pair: Pair, folder, monkeypatch, mortal: Mortal) -> int | None:
    """Runs a first sync in this process; None if it died."""
    with monkeypatch.context() as patch, within(mortal.app(pair.app)) as url:
        job = pair.job_file(folder, url)
        patch.setattr(Store, "run", mortal.run(Store.run))
        patch.setenv("KILLS_PASSWORD", PASSWORD)
        try:
            return main(
                [
                    "--database",
                    str(folder / "hub.db"),
                    "--config",
                    str(job),
                    "sync",
                    "rt-main",
                    "hiveminder",
                    "--yes",
                    "--quiet",
                ]
            )
        except Death:
            return None


def boundaries(tmp_path, monkeypatch) -> Mortal:
    pair, mortal = Pair(TICKETS), Mortal()
    (tmp_path / "clean").mkdir()
    assert sync(pair, tmp_path / "clean", monkeypatch, mortal) == 0
    assert pair.faults() == []
    return mortal


def test_a_clean_run_has_a_boundary_at_every_request(tmp_path, monkeypatch):
    """`requests` itself counts what is sent."""
    sent = []
    real = requests.Session.send
    monkeypatch.setattr(
        requests.Session, "send", lambda *a, **k: (sent.append(1), real(*a, **k))[1]
    )

    mortal = boundaries(tmp_path, monkeypatch)

    print(f"{mortal.count} boundaries: {mortal.requests} requests, {mortal.commits} commits")
    assert mortal.requests == len(sent) > 0
    assert mortal.count == 2 * (mortal.requests + mortal.commits)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_nothing_is_doubled_or_missing_wherever_the_hub_died(shard, tmp_path, monkeypatch, capsys):
    count = boundaries(tmp_path, monkeypatch).count
    broken = {}
    for last in range(shard, count, SHARDS):
        pair, folder = Pair(TICKETS), tmp_path / str(last)
        folder.mkdir()
        assert sync(pair, folder, monkeypatch, Mortal(last)) is None
        code = sync(pair, folder, monkeypatch, Mortal())
        if code or pair.faults():
            broken[last] = code, pair.faults(), capsys.readouterr()
        if last % 5 == 0:
            writes = pair.rt.writes, pair.hm.writes
            sync(pair, folder, monkeypatch, Mortal())
            if (pair.rt.writes, pair.hm.writes) != writes:
                broken[last, "quiet"] = "the run after wrote something"

    assert broken == {}
