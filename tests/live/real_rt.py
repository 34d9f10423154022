"""A real RT 5, a person at it, and the sandbox that the contract asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from live.real import ServedSandbox, Server
from prophet_connectors._rt_fields import DATES, MINUTES, ROLES
from prophet_connectors._rt_story import wire_date
from prophet_connectors.rt import RT, RTSettings
from prophet_hub.sdk import Connector, Context, Ref, Value
from prophet_hub.sdk.auth import FormLogin
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart
from prophet_hub.testing.contract import Absent

API = "REST/2.0/"
LINKS = ("DependsOn", "DependedOnBy", "Parents", "Children", "RefersTo", "ReferredToBy")


def fill(server: Server, tickets: Iterable[dict[str, Any]]) -> list[str]:
    """Makes these tickets beside the server and without its scrips; returns their numbers."""
    lines = [json.dumps(ticket) + "\n" for ticket in tickets]
    return server.fill(len(lines), "".join(lines))


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


class RTSandbox(ServedSandbox):
    """The contract's view of a real RT. Its cursor counts, so no test has to wait."""

    required: Mapping[str, Value] = {"Queue": "General"}
    examples: Mapping[str, tuple[Value, Value]] = {"Queue": ("General", "Support")}
    clearable = frozenset({"Owner", "Due", "Starts", "Priority", "TimeEstimated", "Requestor"})
    refused = ("Status", "nonsense")
    narrow = ("Priority = 75", "Priority", "75")

    def __init__(self, server: Server, key_field: str = "") -> None:
        self.zone = server.zone
        self.key_field = key_field
        self.bob = Somebody(server.url, self.person, self.password)
        super().__init__(server, self.bob.http)

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        settings = RTSettings(
            url=self.door(reachable=reachable),
            user="hub",
            password=self.password if password is None else password,
            key_field=self.key_field,
            time_zone=self.zone,
        )
        context = Context(remote="rt-live", clock=ManualClock())
        return self.kept(RT(settings, context))

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
