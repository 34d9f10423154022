"""What all real servers share: how one is made, started and stopped, and the wire to it.

Beside this file stands `NAME.sh` for each, with the same commands and with settings of its own name.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import pytest
import requests

from prophet_hub.sdk import Connector
from prophet_hub.sdk.http import Http
from prophet_hub.testing.contract import Sandbox
from prophet_hub.testing.faults import Fault, Faulty
from prophet_hub.testing.serve import Served

__all__ = ["PASSWORD", "Forward", "ServedSandbox", "Server", "running"]

PASSWORD = "correct horse"
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running tracker in New York: `hub` is the account of the hub, `bob` may do everything."""

    name: str
    home: Path
    url: str
    password: str = PASSWORD
    zone: str = "America/New_York"

    def fill(self, count: int, said: str = "") -> list[str]:
        """Makes tickets with stories beside the server, quickly; returns their numbers."""
        env = {**os.environ, f"{self.name.upper()}_HOME": str(self.home)}
        done = subprocess.run(
            [_script(self.name), "fill", str(count)], env=env, check=True, timeout=300, input=said,
            text=True, stdout=subprocess.PIPE,
        )  # fmt: skip
        return done.stdout.split()


@contextmanager
def running(name: str, home: Path, *, path: str = "") -> Iterator[Server]:
    """Makes an instance, starts it, and stops it in the end; skips where there is no such program.

    Args:
        name: Of the script.
        home: Its folder, made anew.
        path: What follows host and port in its address.
    """
    script = _script(name)
    if subprocess.run([script, "installed"], check=False).returncode:
        pytest.skip(f"{name} is not installed: tests/live/{name}.sh install")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, f"{name.upper()}_HOME": str(home), f"{name.upper()}_PORT": str(port)}
    for command in ("make", "start"):
        subprocess.run([script, command], env=env, check=True, timeout=180)
    try:
        yield Server(name=name, home=home, url=f"http://127.0.0.1:{port}{path}")
    finally:
        subprocess.run([script, "stop"], env=env, check=True, timeout=30)


def _script(name: str) -> Path:
    return Path(__file__).with_name(f"{name}.sh")


class Forward:
    """A WSGI application that passes every request on to a server, so that faults can hit it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        names = {k[5:].replace("_", "-").title(): v for k, v in environ.items() if k[:5] == "HTTP_"}
        names.pop("Connection", None)
        names.pop("Host", None)
        names |= {"Content-Type": environ["CONTENT_TYPE"]} if environ.get("CONTENT_TYPE") else {}
        query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
        answer = self._session.request(
            environ["REQUEST_METHOD"],
            f"{self._url}{environ['RAW_PATH']}{query}",
            headers={**names, "Accept-Encoding": "identity"},
            data=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
            allow_redirects=False,
            timeout=60,
        )
        kept = [
            (k, v)
            for k, v in answer.headers.items()
            if k.lower() not in ("connection", "transfer-encoding", "content-length", "keep-alive")
        ]
        start(f"{answer.status_code} {answer.reason}", kept)
        return [answer.content]

    def close(self) -> None:
        self._session.close()


class ServedSandbox(Sandbox):
    """The half of a sandbox that is the same for each server: its wire, its people and its clock.

    The hub's requests pass through a layer that can lose them; the person's go straight.

    Args:
        server: Where.
        person: What the person's requests go through, closed in the end.
    """

    password = PASSWORD
    person = "bob"
    logins: tuple[str, ...] = ("jesse", "bob")

    def __init__(self, server: Server, person: Http) -> None:
        self.server = server
        self.made: list[Connector] = []
        self._person = person
        self._forward = Forward(server.url)
        self.faulty = Faulty(self._forward)
        self.served = Served(self.faulty)
        self.served.__enter__()
        super().__init__()

    def door(self, *, reachable: bool) -> str:
        """Returns the address for a connector."""
        return self.served.url if reachable else NOWHERE

    def kept(self, connector: Connector) -> Connector:
        """Returns the connector, which is closed in the end."""
        self.made.append(connector)
        return connector

    def requests(self) -> int:
        return self.faulty.requests

    def inject(self, fault: Fault) -> Fault:
        return self.faulty.script.add(fault)

    def heal(self) -> None:
        self.faulty.script.clear()

    def now(self) -> datetime:
        """Tells the machine's time, which is the server's."""
        return datetime.now(UTC)

    def close(self) -> None:
        for connector in self.made:
            connector.close()
        self._person.close()
        self.served.close()
        self._forward.close()
