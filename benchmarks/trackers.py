"""First pull of 2,000 tickets with their stories from a real RT and a real Redmine.

Requests a ticket, tickets a second, and processor time a ticket: the hub's against the server's, from
the system's own accounts of both.  A server that is not installed is left out, and said so.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest
from served import TESTS, clock, told

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.model.ids import TrackerId
from prophet_hub.sdk import Connector, Context

sys.path.insert(0, str(TESTS))

from live import real_redmine, real_rt
from live.real import running
from prophet_connectors.redmine import Redmine, RedmineSettings
from prophet_connectors.rt import RT, RTSettings

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    for measure in (_rt, _redmine):
        with tempfile.TemporaryDirectory() as folder:
            try:
                measure(Path(folder))
            except pytest.skip.Exception as why:
                print(f"left out: {why}", file=sys.stderr)


def _rt(folder: Path) -> None:
    with running("rt", folder / "rt") as server:
        tickets = (
            {
                "Queue": "General", "Subject": f"Ticket {n}", "Content": f"What happened, {n}.",
                "Priority": n % 100, "Status": "open" if n % 2 else None,
                "messages": [{"text": f"Remark {k} of {n}.", "private": k == 1} for k in range(2)],
            }
            for n in range(COUNT)
        )  # fmt: skip
        real_rt.fill(server, tickets)
        settings = RTSettings(url=server.url, user="hub", password=server.password)
        _measure("RT 5", RT(settings, Context(remote="rt")), folder, server.home)


def _redmine(folder: Path) -> None:
    with running("redmine", folder / "redmine") as server:
        server.fill(COUNT)
        settings = RedmineSettings(url=server.url, api_key=real_redmine.KEYS["hub"])
        _measure("Redmine", Redmine(settings, Context(remote="redmine")), folder, server.home)


def _measure(name: str, one: Connector, folder: Path, home: Path) -> None:
    pid = int((home / "pid").read_text())
    replica = Replica.open(folder / "hub.db", clock=clock)
    with closing(one), closing(replica):
        spec = RemoteSpec(
            name=name, tracker=TrackerId(b"benchmark tracker"[:16]), connector=one,
            account=one.whoami(), fields=one.fields, concurrency=one.capabilities.concurrency,
        )  # fmt: skip
        asked, server, hub, start = (
            one.http.requests, _processor(pid), time.process_time(), time.perf_counter()
        )  # fmt: skip
        count = sum(s.error is None for s in ForeignReplica(replica, spec, job="bench").pull())
        seconds, hub = time.perf_counter() - start, time.process_time() - hub
        server, asked = _processor(pid) - server, one.http.requests - asked
    if count < COUNT:
        sys.exit(f"{count} tickets were pulled from {name}, not {COUNT}")
    told(
        f"first pull of {count} tickets from {name}", round(count / seconds, 1), "tickets/s",
        round(hub / server, 2), requests_per_ticket=round(asked / count, 2),
        seconds=round(seconds, 1), hub_ms_per_ticket=round(1000 * hub / count, 2),
        server_ms_per_ticket=round(1000 * server / count, 2),
    )  # fmt: skip


def _processor(pid: int) -> float:
    """Returns the seconds of processor time that a process and its children took."""
    parents, times = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        number = int(stat.parent.name)
        parents[number] = int(words[1])
        times[number] = sum(map(int, words[11:15])) / TICK
    mine, found = {pid}, True
    while found:
        found = {n for n, parent in parents.items() if parent in mine} - mine
        mine |= found
    return sum(times.get(n, 0.0) for n in mine)


if __name__ == "__main__":
    main()
