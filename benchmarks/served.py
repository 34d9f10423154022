"""A fake RT in a process of its own, and a hub's view of it: what the other benchmarks share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.model.ids import TrackerId
from prophet_hub.plugins import connector
from prophet_hub.sdk import Connector, Context

TESTS = Path(__file__).parents[1] / "tests"
USER, PASSWORD = "hub", "correct horse"
TRACKER = TrackerId(b"benchmark tracker"[:16])


@contextmanager
def rt(tickets: int, **words: object) -> Iterator[str]:
    """Serves a fake RT with so many tickets in another process; yields its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "prophet_hub.testing.serve", "fakes.rt:make_app", "--json",
         json.dumps({"tickets": tickets, **words})],
        env={**os.environ, "PYTHONPATH": str(TESTS)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait()
        server.stdout.close()


def connect(url: str) -> Connector:
    cls = connector("rt")
    return cls(cls.Settings(url=url, user=USER, password=PASSWORD), Context(remote="rt-main"))


def spec_of(one: Connector) -> RemoteSpec:
    return RemoteSpec(
        name="rt-main", tracker=TRACKER, connector=one, account=one.whoami(), fields=one.fields,
        concurrency=one.capabilities.concurrency,
    )  # fmt: skip


def foreign(replica: Replica, one: Connector) -> ForeignReplica:
    return ForeignReplica(replica, spec_of(one), job="bench")


def clock() -> int:
    return time.time_ns() // 1000


def told(name: str, value: float, unit: str, ratio: float | None, **more: object) -> None:
    """Prints one measurement."""
    print(
        json.dumps({"name": name, "value": value, "unit": unit, "ratio": ratio, **more}), flush=True
    )
