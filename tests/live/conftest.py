"""A real RT 5, made anew for the session; whoever asks for it is skipped where it is not there."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("rt.sh")
PASSWORD = "correct horse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running RT: `hub` is the account of the hub, `bob` may do everything."""

    url: str
    home: Path
    password: str = PASSWORD
    zone: str = "America/New_York"

    def fill(self, tickets: Iterable[dict[str, Any]]) -> list[str]:
        """Makes tickets beside the server, quickly and without its scrips; returns their numbers."""
        lines = "".join(json.dumps(ticket) + "\n" for ticket in tickets)
        env = {**os.environ, "RT_HOME": str(self.home)}
        done = subprocess.run(
            [SCRIPT, "fill"], env=env, check=True, timeout=300, input=lines, text=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        return done.stdout.split()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _running(home: Path) -> Iterator[Server]:
    """Makes an instance in America/New_York, starts it, and stops it in the end."""
    if subprocess.run([SCRIPT, "installed"], check=False).returncode:
        pytest.skip("request-tracker5 is not installed: tests/live/rt.sh install")
    port = _free_port()
    env = {**os.environ, "RT_HOME": str(home), "RT_PORT": str(port)}
    for command in ("make", "start"):
        subprocess.run([SCRIPT, command], env=env, check=True, timeout=120)
    try:
        yield Server(url=f"http://127.0.0.1:{port}", home=home)
    finally:
        subprocess.run([SCRIPT, "stop"], env=env, check=True, timeout=30)


@pytest.fixture(scope="session")
def rt_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The RT of all live tests but those that want one of their own."""
    with _running(tmp_path_factory.mktemp("rt")) as server:
        yield server


@pytest.fixture(scope="module")
def fresh_rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An RT in which nothing has happened."""
    with _running(tmp_path_factory.mktemp("fresh")) as server:
        yield server
