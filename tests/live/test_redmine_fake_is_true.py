"""The fake of Redmine says what Redmine says: the same talk with both, answer by answer.

Numbers and times are made alike first.  Redmine may say more than the fake does; what the fake
says, Redmine says too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fakes.redmine import RedmineFake, RedmineTracker
from live.real import Server, running
from live.real_redmine import KEYS
from prophet_hub.testing.serve import Served

pytestmark = pytest.mark.live

WHOLE = "journals,attachments,relations,children,allowed_statuses"
PASSING = frozenset(
    {"id", "created_on", "updated_on", "closed_on", "content_url", "start_date", "token", "errors",
     "issue_id", "issue_to_id", "parent", "memberships", "login", "admin", "spent_hours", "custom_fields", "updated_by"}
)  # fmt: skip
"""Numbers, times and sentences: of each side its own."""


class Talk:
    """A conversation; what is made gets a name, by which later lines call it."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self.named: dict[str, str] = {}
        self.session = requests.Session()
        self.answers: list[tuple[str, int, Any]] = []

    def say(
        self, method: str, path: str, data: Any = None, *, name: str = "", key: str | None = None,
        kind: str = "application/json",
    ) -> Any:  # fmt: skip
        """Sends a line and notes the answer; `{A}` in it is the number of what was named A."""
        for word, number in self.named.items():
            path = path.replace(f"{{{word}}}", number)
            if isinstance(data, dict):
                data = json.loads(json.dumps(data).replace(f"{{{word}}}", number))
        body = data if isinstance(data, bytes) else json.dumps(data).encode() if data else None
        answer = self.session.request(
            method,
            f"{self.url}/{path}",
            data=body,
            headers={
                "X-Redmine-API-Key": self.key if key is None else key,
                **({"Content-Type": kind} if body is not None else {}),
            },
            timeout=30,
        )
        told = answer.json() if answer.content[:1] == b"{" else None
        if name and isinstance(told, dict):
            made = next(iter(told.values()))
            self.named[name] = str(made["id"])
            self.named[f"{name}.token"] = str(made.get("token", ""))
        line = f"{method} {path} {data if isinstance(data, dict) else ''}"
        self.answers.append((line, answer.status_code, told))
        return told

    def newest(self, issue: str, part: str) -> str:
        """Returns the number of the newest journal or file of a ticket."""
        told = self.say("GET", f"issues/{{{issue}}}.json?include={part}")
        return str(max(int(one["id"]) for one in told["issue"][part]))


def held(talk: Talk) -> None:
    """Holds the talk."""
    say = talk.say
    say("GET", "users/current.json")
    say("GET", "users/current.json", key="wrong")
    for name in ("issue_statuses", "trackers", "enumerations/issue_priorities", "custom_fields"):
        say("GET", f"{name}.json")
    say("GET", "projects/demo.json?include=trackers,issue_categories")
    say("GET", "projects/hidden.json")
    say("GET", "projects/demo/versions.json")
    born = {"project_id": "demo", "subject": "One", "description": "a\nb", "category_id": 1}
    say("POST", "issues.json", {"issue": born}, name="A")
    say("POST", "issues.json", {"issue": {"project_id": 1, "subject": "Two"}}, name="B")
    say("POST", "issues.json", {"issue": {"project_id": 1, "subject": "A parent"}}, name="C")
    say("POST", "issues.json", {"issue": {"project_id": "nowhere", "subject": "Three"}})
    say("POST", "issues.json", {"issue": {"project_id": 1, "subject": "none"}}, key="wrong")
    for changes in (
        {"status_id": 2, "priority_id": 4, "description": "c\r\nd", "category_id": 2},
        {"fixed_version_id": 1, "estimated_hours": "1.25", "done_ratio": 30},
        {"due_date": "2027-01-31", "assigned_to_id": 5},
        {"assigned_to_id": ""},
        {"status_id": 77},
        {"nothing": "of the kind"},
        {"category_id": 3},
        {"priority_id": 99},
        {"assigned_to_id": 4711},
        {"parent_issue_id": 4711},
        {"parent_issue_id": "{A}"},
        {"subject": "none"},
        {"subject": ""},
        {"subject": "x" * 256},
        {"notes": "A note"},
        {"notes": "For us", "private_notes": True},
        {"notes": "none"},
        {"notes": " \n"},
        {"custom_fields": [{"id": 2, "value": "high"}]},
        {"custom_fields": [{"id": 3, "value": ["alpha", "beta"]}]},
        {"custom_fields": [{"id": 3, "value": ["beta", "gamma"]}]},
        {"custom_fields": [{"id": 3, "value": [""]}, {"id": 99, "value": "x"}]},
        {"uploads": [{"token": "1.x", "filename": "x"}]},
        {"parent_issue_id": "{C}"},
    ):
        say("PUT", "issues/{A}.json", {"issue": changes})
    _parts(talk)


def _parts(talk: Talk) -> None:
    """Goes on with relations, files and notes, and with lists of it all."""
    say = talk.say
    say("PUT", "issues/{A}.json", {"issue": {"notes": "x"}}, key="wrong")
    say("PUT", "issues/4711.json", {"issue": {"notes": "x"}})
    say("GET", f"issues/{{A}}.json?include={WHOLE}")
    say("GET", f"issues/{{B}}.json?include={WHOLE}")
    say("PUT", "issues/{A}.json", {"issue": {"parent_issue_id": ""}})
    relation = {"issue_to_id": "{B}", "relation_type": "blocked"}
    say("POST", "issues/{A}/relations.json", {"relation": relation}, name="R")
    say("POST", "issues/{A}/relations.json", {"relation": relation})
    say("POST", "issues/{A}/relations.json", {"relation": {**relation, "issue_to_id": "{A}"}})
    say("PUT", "issues/{A}.json", {"issue": {"status_id": 5}})
    say("GET", f"issues/{{A}}.json?include={WHOLE}")
    say("GET", f"issues/{{B}}.json?include={WHOLE}")
    say("DELETE", "relations/{R}.json")
    say("DELETE", "relations/99999999.json")
    say("POST", "uploads.json?filename=a.txt", b"abc", kind="text/plain")
    say("POST", "uploads.json?filename=a.txt", b"abc", kind="application/octet-stream", name="F")
    file = {"token": "{F.token}", "filename": "a.txt", "content_type": "text/x", "description": "d"}
    say("PUT", "issues/{A}.json", {"issue": {"uploads": [file]}})
    say("GET", f"issues/{{A}}.json?include={WHOLE}")
    talk.named["file"] = talk.newest("A", "attachments")
    say("DELETE", "attachments/{file}.json")
    say("GET", "attachments/download/{file}")
    say("PUT", "issues/{A}.json", {"issue": {"notes": "Before"}})
    talk.named["note"] = talk.newest("A", "journals")
    say("PUT", "journals/{note}.json", {"journal": {"notes": "none"}})
    say("GET", f"issues/{{A}}.json?include={WHOLE}")
    say("PUT", "journals/{note}.json", {"journal": {"notes": ""}})
    say("PUT", "journals/99999999.json", {"journal": {"notes": "x"}})
    say("GET", f"issues/{{A}}.json?include={WHOLE}")
    say("GET", "issues.json?status_id=*&issue_id={A},{B}&sort=id")
    say("GET", "issues.json?status_id=*&cf_2=high")
    say("GET", "issues.json?status_id=*&description=~zzz")
    say("GET", "issues.json?status_id=*&updated_on=%3E%3D2999-01-01T00:00:00Z&limit=500")
    say("GET", "issues.json?updated_on=%3E%3Dnever")
    say("GET", "projects/demo/issues.json?status_id=5&limit=1")
    say("DELETE", "issues/{A}.json")
    say("GET", "issues/{A}.json")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Talk, Talk]]:
    """A fresh Redmine and a fresh fake, after the talk."""
    tracker = RedmineTracker()
    tracker.births = frozenset({"New", "In Progress", "Resolved", "Feedback", "Closed", "Rejected"})
    with running("redmine", tmp_path_factory.mktemp("redmine-talk")) as server:
        yield from _held_with(server, RedmineFake(tracker))


def _held_with(server: Server, fake: RedmineFake) -> Iterator[tuple[Talk, Talk]]:
    fake.tracker.passwords["hub"] = KEYS["hub"]
    with Served(fake) as url:
        sides = Talk(server.url, KEYS["hub"]), Talk(url, KEYS["hub"])
        for side in sides:
            held(side)
        yield sides
        for side in sides:
            side.session.close()


def test_the_talk_is_the_same(both: tuple[Talk, Talk]) -> None:
    """Every answer of the fake is within the answer of Redmine."""
    real, fake = both
    found = []
    for (line, status, told), (_, claimed, said) in zip(real.answers, fake.answers, strict=True):
        if claimed != status:
            found.append(f"{line}: {status}, the fake says {claimed}")
        elif isinstance(told, dict) and isinstance(said, dict):
            found += [f"{line}: {one}" for one in differences(said, told)]

    assert found == []


def differences(said: Any, told: Any, where: str = "") -> list[str]:
    """Returns what the fake says and Redmine does not."""
    if isinstance(said, dict) and isinstance(told, dict):
        found = []
        for name in said.keys() - PASSING:
            if name not in told:
                found.append(f"{where}.{name} is not there")
            else:
                found += differences(said[name], told[name], f"{where}.{name}")
        return found
    if isinstance(said, list) and isinstance(told, list):
        if len(said) != len(told):
            return [f"{where} has {len(told)}, the fake says {len(said)}: {told} {said}"]
        pairs = zip(_sorted(said), _sorted(told), strict=True)
        return [line for s, t in pairs for line in differences(s, t, f"{where}[]")]
    if where.endswith(("_value", ".details[].name")) and str(said).isdecimal():
        return []  # a number of its own
    if said in (None, "", 0, False) and told in (None, "", 0, False):
        return []
    return [] if said == told else [f"{where} is {told!r}, the fake says {said!r}"]


def _sorted(things: list[Any]) -> list[Any]:
    """Journals by number, and details as they please."""
    if all(isinstance(one, dict) and "id" in one for one in things):
        return sorted(things, key=lambda one: int(one["id"]))
    return sorted(things, key=lambda one: json.dumps(one, sort_keys=True))
