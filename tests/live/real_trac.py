"""A real Trac 1.6, a person at it, and the sandbox that the contract asks for."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

from live.real import ServedSandbox, Server
from prophet_connectors._trac_fields import CLOSED, joined_words
from prophet_connectors._trac_rpc import Login, Rpc
from prophet_connectors.trac import Trac, TracSettings
from prophet_hub.sdk import Connector, Context, Value
from prophet_hub.sdk.closing import parted
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import ManualClock


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


class TracSandbox(ServedSandbox):
    """The contract's view of a real Trac, exact to a microsecond: no test has to wait."""

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
        # else every pull of every test would tell what the tests before it made
        since = datetime.now(UTC)
        self.settings = {"query": f"time={since:%Y-%m-%dT%H:%M:%SZ}..", **settings}
        self.bob = Somebody(server.url, self.person, self.password)
        super().__init__(server, self.bob.http)

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        given = {"url": self.door(reachable=reachable), "user": "hub"}
        given |= {"password": self.password if password is None else password, **self.settings}
        context = Context(remote="trac-live", clock=ManualClock())
        return self.kept(Trac(TracSettings(**given), context))

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
