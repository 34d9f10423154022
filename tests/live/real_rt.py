"""A real RT 5, a person at it, and the sandbox that the contract asks for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from prophet_connectors._rt_fields import DATES, MINUTES, ROLES
from prophet_connectors._rt_story import wire_date
from prophet_connectors.rt import RT, RTSettings
from prophet_hub.sdk import Connector, Context, Ref, Value
from prophet_hub.sdk.auth import FormLogin
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart
from prophet_hub.testing.contract import Absent, Sandbox
from prophet_hub.testing.faults import Fault, Faulty
from prophet_hub.testing.serve import Served

API = "REST/2.0/"
LINKS = ("DependsOn", "DependedOnBy", "Parents", "Children", "RefersTo", "ReferredToBy")
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
def running(home: Path) -> Iterator[Server]:
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


class Somebody:
    """An account that acts by requests of its own, in RT's words."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.http = Http(
            url,
            Context(remote=user),
            auth=FormLogin(
                "REST/1.0/",
                {"user": user, "pass": password},
                accepted=lambda answer: " 200 " in answer.text.split("\n")[0],
                expired=lambda answer: answer.status in (302, 401),
            ),
        )

    def post(self, path: str, **said: Any) -> Any:
        return self.http.post(f"{API}{path}", json=said)

    def put(self, path: str, **said: Any) -> list[str]:
        return self.http.put(f"{API}{path}", json=said).json()

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        return self.http.get(f"{API}{path}", params=params).json()

    def new(self, **said: Any) -> str:
        return str(
            self.post("ticket", **{"Queue": "General", "Subject": "A ticket", **said}).json()["id"]
        )

    def message(self, ticket: str, body: str, *, private: bool = False, **said: Any) -> str:
        """Comments or replies; returns the transaction's number."""
        door = "comment" if private else "correspond"
        answer = self.post(
            f"ticket/{ticket}/{door}", Content=body, ContentType="text/plain", **said
        )
        return answer.headers["Location"].rsplit("/", 1)[1]

    def attach(self, ticket: str, name: str, data: bytes, kind: str = "application/x-thing") -> str:
        """Attaches in public; returns the attachment's number."""
        form = Multipart(
            [
                TextPart(name="JSON", text="{}"),
                FilePart(
                    name="Attachments", filename=name, content_type=kind, size=len(data),
                    content=lambda: iter([data]),
                ),
            ]
        )  # fmt: skip
        answer = self.http.post(
            f"{API}ticket/{ticket}/correspond",
            body=lambda: form,
            headers={"Content-Type": form.content_type},
        )
        number = answer.headers["Location"].rsplit("/", 1)[1]
        parts = self.get(f"transaction/{number}/attachments", fields="Filename", per_page=100)
        return next(str(p["id"]) for p in parts["items"] if p.get("Filename"))


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


class RealSandbox(Sandbox):
    """The contract's view of a real RT. Its cursor counts, so no test has to wait.

    The hub's requests pass through a layer that can lose them; the person's go straight.
    """

    person = "bob"
    logins = ("jesse", "bob")
    required: Mapping[str, Value] = {"Queue": "General"}
    examples: Mapping[str, tuple[Value, Value]] = {"Queue": ("General", "Support")}
    clearable = frozenset({"Owner", "Due", "Starts", "Priority", "TimeEstimated", "Requestor"})
    refused = ("Status", "nonsense")
    narrow = ("Priority = 75", "Priority", "75")

    def __init__(self, url: str, password: str, zone: str, key_field: str) -> None:
        self.url, self.password = url, password
        self.zone = zone
        self.key_field = key_field
        self.bob = Somebody(url, self.person, password)
        self.made: list[RT] = []
        self.forward = Forward(url)
        self.faulty = Faulty(self.forward)
        self.served = Served(self.faulty)
        self.served.__enter__()
        super().__init__()

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        settings = RTSettings(
            url=self.served.url if reachable else "http://127.0.0.1:9",
            user="hub",
            password=self.password if password is None else password,
            key_field=self.key_field,
            time_zone=self.zone,
        )
        self.made.append(RT(settings, Context(remote="rt-live", clock=ManualClock())))
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
        if field == "Content":
            raise Absent("nobody edits the first message of a ticket")
        if field in LINKS:
            held = self._links(ticket, field)
            whole = value if isinstance(value, frozenset) else frozenset()
            self.bob.put(f"ticket/{ticket}", **{
                f"Add{field}": sorted(whole - held), f"Delete{field}": sorted(held - whole),
            })  # fmt: skip
            return
        self.bob.put(f"ticket/{ticket}", **self._said({field: value}))

    def comment(self, ticket: str, body: str, *, private: bool = False) -> str:
        return self.bob.message(ticket, body, private=private)

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        if not data:
            raise Absent("RT takes no empty file")
        return self.bob.attach(ticket, name, data)

    def now(self) -> datetime:
        """Tells the machine's time, which is the server's."""
        return datetime.now(UTC)

    def delete(self, ticket: str) -> None:
        self.bob.http.delete(f"{API}ticket/{ticket}")

    def merge(self, ticket: str, into: str) -> None:
        self.bob.put(f"ticket/{ticket}", MergeInto=into)

    def hide(self, ticket: str) -> None:
        self.bob.put(f"ticket/{ticket}", Queue="Hidden")

    def advance(self, seconds: float) -> None:
        """RT's transactions are numbered: time does not matter."""

    def _links(self, ticket: str, field: str) -> frozenset[str]:
        found = self.connector.ticket(Ref(id=ticket)).fields.get(field, frozenset())
        return found if isinstance(found, frozenset) else frozenset()

    def _said(self, fields: Mapping[str, Value | None]) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for name, value in fields.items():
            if name in DATES:
                said[name] = wire_date(str(value or ""), ZoneInfo(self.zone))
            elif name in ("Requestor", "Requestors", *ROLES):
                members = value if isinstance(value, frozenset) else {value} - {None}
                said[name.removesuffix("s")] = sorted(members)
            elif name in ("Priority", *MINUTES):
                said[name] = value or "0"
            elif name == "Owner":
                said[name] = value or "Nobody"
            else:
                said[name] = sorted(value) if isinstance(value, frozenset) else value or ""
        return said
