"""A real Redmine 5, a person at it, and the sandbox that the contract asks for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from live.real import ServedSandbox, Server
from prophet_connectors._redmine_fields import RELATIONS
from prophet_connectors._redmine_story import relations_of
from prophet_connectors._redmine_words import Words
from prophet_connectors.redmine import Redmine, RedmineSettings
from prophet_hub.sdk import Connector, Context, Value
from prophet_hub.sdk.auth import Token
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent

KEYS = {
    "hub": "c0ffee00" * 5,
    "bob": "b0b00b00" * 5,
    "jesse": "1e55e000" * 5,
    "eve": "e5e00000" * 5,
}
"""What redmine_people.rb gives them; `hub` is an ordinary account, `bob` may do everything."""


class Somebody:
    """An account that acts by requests of its own, in Redmine's words."""

    def __init__(self, url: str, key: str) -> None:
        proof = Token(key, word="", header="X-Redmine-API-Key")
        self.http = Http(url, Context(remote="somebody"), auth=proof)

    def issue(self, ticket: str, include: str = "") -> dict[str, Any]:
        answer = self.http.get(f"issues/{ticket}.json", params={"include": include})
        issue: dict[str, Any] = answer.json()["issue"]
        return issue

    def new(self, **said: Any) -> str:
        body = {"project_id": "demo", "subject": "A ticket", **said}
        return str(self.http.post("issues.json", json={"issue": body}).json()["issue"]["id"])

    def save(self, ticket: str, **said: Any) -> None:
        self.http.put(f"issues/{ticket}.json", json={"issue": said})

    def note(self, ticket: str, body: str, *, private: bool = False) -> str:
        """Comments; returns the journal's number."""
        self.save(ticket, notes=body, private_notes=private)
        return str(max(int(j["id"]) for j in self.issue(ticket, "journals")["journals"]))

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        """Attaches; returns the file's number."""
        answer = self.http.post(
            f"uploads.json?filename={quote(name, safe='')}",
            body=data,
            headers={"Content-Type": "application/octet-stream"},
        )
        token = str(answer.json()["upload"]["token"])
        self.save(ticket, uploads=[{"token": token, "filename": name}])
        return token.partition(".")[0]

    def relate(self, ticket: str, kind: str, others: frozenset[str]) -> None:
        """Lets a ticket have these relations of a kind and no others."""
        now = {o: n for k, o, n in relations_of(self.issue(ticket, "relations")) if k == kind}
        for other in sorted(now.keys() - others):
            self.http.delete(f"relations/{now[other]}.json")
        for other in sorted(others - now.keys()):
            data = {"relation": {"issue_to_id": int(other), "relation_type": kind}}
            self.http.post(f"issues/{ticket}/relations.json", json=data)


class RedmineSandbox(ServedSandbox):
    """The contract's view of a real Redmine, behind what tells the time as a web server does."""

    password = KEYS["hub"]
    create_method = "POST|PUT"
    required: Mapping[str, Value] = {"project": "demo"}
    examples: Mapping[str, tuple[Value, Value]] = {
        "project": ("demo", "support"),
        "category": ("core", "docs"),
        "fixed_version": ("1.0", "2.0"),
        "start_date": ("2026-11-02", "2026-11-03"),
        "done_ratio": ("30", "50"),
    }
    clearable = frozenset(
        {"description", "assigned_to", "due_date", "start_date", "estimated_hours", "category",
         "fixed_version", "done_ratio"}
    )  # fmt: skip
    refused = ("status", "nonsense")
    narrow = ("priority_id=4", "priority", "Urgent")

    def __init__(self, server: Server, *, key_field: str = "", **settings: Any) -> None:
        self.settings = {"key_field": key_field, "overlap": 0, **settings}
        self.bob = Somebody(server.url, KEYS["bob"])
        self.people = {
            user["login"]: str(user["id"])
            for user in self.bob.http.get("users.json", params={"limit": 100}).json()["users"]
        }
        self.person = self.people["bob"]
        self.logins = (self.people["jesse"], self.people["bob"])
        super().__init__(server, self.bob.http)
        self.words = Words(self.connector._ask)  # names to numbers, as anybody must

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        settings = RedmineSettings(
            url=self.door(reachable=reachable),
            api_key=self.password if password is None else password,
            **self.settings,
        )
        context = Context(remote="redmine-live", clock=ManualClock())
        return self.kept(Redmine(settings, context))

    def make(self, fields: Mapping[str, Value]) -> str:
        said = self.words.body(fields, project="1")
        return self.bob.new(**{"start_date": "", **said})  # else it starts today

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        whole = value if isinstance(value, frozenset) else frozenset()
        if field in RELATIONS:
            self.bob.relate(ticket, field, whole)
        elif field == "children":
            now = {str(c["id"]) for c in self.bob.issue(ticket, "children").get("children") or ()}
            for child in sorted(now ^ whole):
                self.bob.save(child, parent_issue_id=ticket if child in whole else "")
        else:
            project = str(self.bob.issue(ticket)["project"]["id"])
            self.bob.save(ticket, **self.words.body({field: value}, project=project))

    def comment(self, ticket: str, body: str, *, private: bool = False) -> str:
        return self.bob.note(ticket, body, private=private)

    def edit_comment(self, ticket: str, comment: str, body: str) -> None:
        raise Absent("no list of Redmine tells that a note was edited")

    def delete_comment(self, ticket: str, comment: str) -> None:
        raise Absent("no list of Redmine tells that a note was edited")

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        return self.bob.attach(ticket, name, data)

    def delete(self, ticket: str) -> None:
        self.bob.http.delete(f"issues/{ticket}.json")

    def hide(self, ticket: str) -> None:
        self.bob.save(ticket, project_id="hidden")

    def advance(self, seconds: float) -> None:
        """Waits where a second has to be over; for the order alone, journals have numbers."""
        if seconds > 1:
            time.sleep(seconds)
