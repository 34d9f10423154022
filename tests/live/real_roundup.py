"""A real Roundup 2.6, a person at it, and the sandbox that the contract asks for."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live import real
from prophet_connectors._roundup_api import Api
from prophet_connectors._roundup_fields import CLASSES, CONTENT
from prophet_connectors._roundup_story import ids_in
from prophet_connectors.roundup import Roundup, RoundupSettings
from prophet_hub.sdk import Connector, Context, Value
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart
from prophet_hub.testing.contract import Absent
from prophet_hub.testing.faults import Fault


@contextmanager
def running(home: Path) -> Iterator[real.Server]:
    """Makes a tracker, starts it, and stops it in the end; skips where Roundup is not there."""
    with _reachable(home) as place, real.running("roundup", place, path="/tracker") as server:
        yield server


@contextmanager
def _reachable(home: Path) -> Iterator[Path]:
    """Yields the folder; another where root's server runs as nobody, who gets to none of root's."""
    if os.getuid():
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="roundup-") as other:
        Path(other).chmod(0o755)
        yield Path(other) / "home"


class Somebody:
    """An account that acts by requests of its own, in Roundup's words."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.api = Api(url, Context(remote=user), user=user, password=password, web_url="")

    def message(self, text: str) -> str:
        said = {"content": text or " ", "author": self.api.user, "date": "."}
        return str(self.api.send("POST", "msg", said)["id"])

    def new(self, fields: Mapping[str, Value]) -> str:
        """Makes an issue as the form in the browser does: with a message."""
        body = {name: self.said(name, v) for name, v in fields.items() if name != CONTENT}
        message = self.message(str(fields.get(CONTENT, "")))
        return str(self.api.send("POST", "issue", {**body, "messages": [message]})["id"])

    def put(self, path: str, **said: Any) -> None:
        present = self.api.data(path, [("@verbose", "2")])
        self.api.send("PUT", path, said, present["@etag"])

    def add(self, ticket: str, name: str, number: str) -> str:
        held = ids_in(self.api.issue(ticket)["attributes"][name])
        self.put(f"issue/{ticket}", **{name: [*held, number]})
        return number

    def file(self, name: str, data: bytes) -> str:
        kind = "application/x-thing"
        form = Multipart(
            [
                TextPart(name="name", text=name),
                TextPart(name="type", text=kind),
                FilePart(
                    name="content", filename=name, content_type=kind, size=len(data),
                    content=lambda: iter([data]),
                ),
            ]
        )  # fmt: skip
        headers = {"Content-Type": form.content_type}
        answer = self.api.http.post("data/file", body=lambda: form, headers=headers)
        return str(self.api.taken(answer)["id"])

    def said(self, name: str, value: Value | None) -> Any:
        """Returns a value as Roundup takes it."""
        if isinstance(value, frozenset):
            return [self.api.number(CLASSES[name], m, make=name == "keyword") for m in value]
        return self.api.number(CLASSES[name], value) if value and name in CLASSES else value


class RoundupSandbox(real.ServedSandbox):
    """The contract's view of a real Roundup; its clock really has to go on."""

    required: Mapping[str, Value] = {CONTENT: "What happened"}
    examples: Mapping[str, tuple[Value, Value]] = {
        "nosy": (frozenset({"jesse"}), frozenset({"bob", "jesse"})),
    }
    clearable = frozenset({CONTENT, "assignedto", "priority"})
    refused = ("status", "nonsense")
    narrow = ("priority=wish", "priority", "wish")
    create_method = "POST|PUT"

    def __init__(self, server: real.Server) -> None:
        self.bob = Somebody(server.url, self.person, self.password)
        super().__init__(server, self.bob.api.http)

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        settings = RoundupSettings(
            url=self.door(reachable=reachable),
            web_url=self.server.url,
            user="hub",
            password=self.password if password is None else password,
            overlap=0,
            attachment_limit=1 << 20,
        )
        context = Context(remote="roundup-live", clock=ManualClock())
        return self.kept(Roundup(settings, context))

    def inject(self, fault: Fault) -> Fault:
        """A create begins with a message that nobody sees: what counts is what is said to issues."""
        if fault.method == self.create_method:
            fault.path = "/data/issue"
        return super().inject(fault)

    def make(self, fields: Mapping[str, Value]) -> str:
        return self.bob.new(fields)

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        if field == CONTENT:
            first = ids_in(self.bob.api.issue(ticket)["attributes"]["messages"])[0]
            self.bob.put(f"msg/{first}", content=value or " ")
            return
        self.bob.put(f"issue/{ticket}", **{field: self.bob.said(field, value)})

    def comment(self, ticket: str, body: str, *, private: bool = False) -> str:
        return self.bob.add(ticket, "messages", self.bob.message(body))

    def edit_comment(self, ticket: str, comment: str, body: str) -> None:
        raise Absent("no time in Roundup tells that a message was edited")

    def delete_comment(self, ticket: str, comment: str) -> None:
        held = ids_in(self.bob.api.issue(ticket)["attributes"]["messages"])
        self.bob.put(f"issue/{ticket}", messages=[n for n in held if n != comment])

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        if not data:
            raise Absent("Roundup takes no empty file")
        return self.bob.add(ticket, "files", self.bob.file(name, data))

    def delete(self, ticket: str) -> None:
        etag = self.bob.api.issue(ticket)["@etag"]
        self.bob.api.send("DELETE", f"issue/{ticket}", {}, etag)

    def hide(self, ticket: str) -> None:
        self.edit(ticket, "keyword", frozenset({"hidden"}))

    def advance(self, seconds: float) -> None:
        time.sleep(seconds)
