"""An idle pull and plan of a remote with 2,000 tickets, against one bare request of the same kind."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import requests
from served import PASSWORD, USER, clock, connect, foreign, rt, spec_of, told

from prophet_hub.engine.replica import Replica

COUNT, ROUNDS = 2_000, 20


def main() -> None:
    with rt(COUNT) as url, tempfile.TemporaryDirectory() as folder:
        replica = Replica.open(Path(folder) / "hub.db", clock=clock)
        one = connect(url)
        remote, spec = foreign(replica, one), spec_of(one)
        for _ in range(2):
            list(remote.pull())
            list(remote.plan([spec]))
        sent: list[str] = []
        real = requests.Session.send
        requests.Session.send = lambda *a, **k: (sent.append(a[1].url), real(*a, **k))[1]
        entries, idle = replica.latest(), float("inf")
        for _ in range(ROUNDS):
            start = time.perf_counter()
            list(remote.pull())
            list(remote.plan([spec]))
            idle = min(idle, time.perf_counter() - start)
        requests.Session.send = real
        with requests.Session() as session:
            session.post(f"{url}/REST/1.0/", data={"user": USER, "pass": PASSWORD}, timeout=30)
            session.headers["User-Agent"] = "bare"
            floor = float("inf")
            for _ in range(ROUNDS):
                start = time.perf_counter()
                session.get(sent[-1], timeout=30).raise_for_status()
                floor = min(floor, time.perf_counter() - start)
        written = replica.latest() - entries
        one.close()
        replica.close()
    told(
        "idle sync of one remote", round(idle * 1000, 2), "ms", round(idle / floor, 2),
        requests=len(sent) / ROUNDS, entries_written=written,
    )  # fmt: skip


if __name__ == "__main__":
    main()
