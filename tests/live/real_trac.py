"""A real Trac 1.6, a person at it, and the sandbox that the contract asks for."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from live.real_rt import Forward
from prophet_connectors._trac_fields import CLOSED, joined_words
from prophet_connectors._trac_rpc import Login, Rpc
from prophet_connectors.trac import Trac, TracSettings
from prophet_hub.sdk import Connector, Context, Value
from prophet_hub.sdk.closing import parted
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Sandbox
from prophet_hub.testing.faults import Fault, Faulty
from prophet_hub.testing.serve import Served

SCRIPT = Path(__file__).with_name("trac.sh")
PASSWORD = "correct horse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running Trac: `hub` is the account of the hub, `bob` may do everything."""

    url: str
    home: Path
    password: str = PASSWORD
    zone: str = "America/New_York"

    def fill(self, count: int) -> list[str]:
        """Makes tickets with stories beside the server, quickly; returns their numbers."""
        env = {**os.environ, "TRAC_HOME": str(self.home)}
        done = subprocess.run(
            [SCRIPT, "fill", str(count)], env=env, check=True, timeout=300, text=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        return done.stdout.split()


@contextmanager
def running(home: Path) -> Iterator[Server]:
    """Makes an environment, starts it, and stops it in the end; skips where Trac is not there."""
    if subprocess.run([SCRIPT, "installed"], check=False).returncode:
        pytest.skip("Trac is not installed: tests/live/trac.sh install")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "TRAC_HOME": str(home), "TRAC_PORT": str(port)}
    for command in ("make", "start"):
        subprocess.run([SCRIPT, command], env=env, check=True, timeout=120)
    try:
        yield Server(url=f"http://127.0.0.1:{port}", home=home)
    finally:
        subprocess.run([SCRIPT, "stop"], env=env, check=True, timeout=30)


class Somebody:
    """An account that acts by requests of its own, in Trac's words."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.http = Http(url, Context(remote=user), auth=Login(user, password))
        self.rpc = Rpc(self.http, notify=False)

    def new(self, **said: str) -> str:
        """Makes a ticket, which is new whatever is said."""
        summary = said.pop("summary", "A ticket")
        description = said.pop("description", "")
        return str(self.rpc.one("ticket.create", summary, description, said))

    def put(self, ticket: str, comment: str = "", **said: str) -> None:
        """Changes fields past the workflow."""
        self.rpc.one("ticket.update", int(ticket), comment, said)


class TracSandbox(Sandbox):
    """The contract's view of a real Trac, exact to a microsecond: no test has to wait.

    The hub's requests pass through a layer that can lose them; the person's go straight.
    """

    person = "bob"
    logins = ("jesse", "bob")
    many = 21
    examples: Mapping[str, tuple[Value, Value]] = {
        "status": ("assigned", "accepted"),
        "type": ("task", "enhancement"),
        "severity": ("bad", "worse"),
        "component": ("component1", "component2"),
        "version": ("1.0", "2.0"),
        "milestone": ("milestone1", "milestone2"),
    }
    clearable = frozenset({"description", "owner", "milestone", "version"})
    refused = ("priority", "nonsense")
    narrow = ("priority=trivial", "priority", "trivial")

    def __init__(self, server: Server, **settings: object) -> None:
        self.server, self.password = server, server.password
        # else every pull of every test would tell what the tests before it made
        since = datetime.now(UTC)
        self.settings = {"query": f"time={since:%Y-%m-%dT%H:%M:%SZ}..", **settings}
        self.bob = Somebody(server.url, self.person, self.password)
        self.made: list[Trac] = []
        self.forward = Forward(server.url)
        self.faulty = Faulty(self.forward)
        self.served = Served(self.faulty)
        self.served.__enter__()
        super().__init__()

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        given = {"url": self.served.url if reachable else "http://127.0.0.1:9", "user": "hub"}
        given |= {"password": self.password if password is None else password, **self.settings}
        self.made.append(
            Trac(TracSettings(**given), Context(remote="trac-live", clock=ManualClock()))
        )
        return self.made[-1]

    def requests(self) -> int:
        return self.faulty.requests

    def inject(self, fault: Fault) -> Fault:
        return self.faulty.script.add(fault)

    def heal(self) -> None:
        self.faulty.script.clear()

    def close(self) -> None:
        for connector in self.made:
            connector.close()
        self.bob.http.close()
        self.served.close()
        self.forward.close()

    def make(self, fields: Mapping[str, Value]) -> str:
        return self.bob.new(**self._said(fields))

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        self.bob.put(ticket, **self._said({field: value}))

    def comment(self, ticket: str, body: str, *, private: bool = False) -> str:
        self.bob.put(ticket, body)
        log = self.bob.rpc.one("ticket.changeLog", int(ticket))
        return f"{ticket}.{[row[3] for row in log if row[2] == 'comment'][-1]}"

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        said = {"__jsonclass__": ["binary", base64.b64encode(data).decode()]}
        made = self.bob.rpc.one("ticket.putAttachment", int(ticket), name, "", said, False)
        return f"{ticket}/{made}"

    def delete(self, ticket: str) -> None:
        self.bob.rpc.one("ticket.delete", int(ticket))

    def hide(self, ticket: str) -> None:
        with (self.server.home / "site/authz").open("a") as rules:
            rules.write(f"[ticket:{ticket}@*]\nhub = !TICKET_VIEW\n")

    def advance(self, seconds: float) -> None:
        """Trac tells two changes of one second apart."""

    def now(self) -> datetime:
        """Tells the machine's time, which is the server's."""
        return datetime.now(UTC)

    def _said(self, fields: Mapping[str, Value | None]) -> dict[str, str]:
        said: dict[str, str] = {}
        for name, value in fields.items():
            if name == "status":
                said["status"], said["resolution"] = parted(str(value or "new"), [CLOSED])
            elif isinstance(value, frozenset):
                said[name] = joined_words(name, "", value)
            else:
                said[name] = value or ""
        return said
