"""Launchpad as it answered: recorded answers of the real service, all of them, read as tickets.

They are not part of the project; the folder is looked for beside the checkout.  What a ticket must
say is worked out here from the raw answers, by hand and not by the reader.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fakes.launchpad import KNOBS, app
from prophet_connectors.launchpad import Launchpad, LaunchpadSettings
from prophet_hub.sdk import Checkpoint, Context, Person, Pull, Ref
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

PLACE = Path(
    os.environ.get("PROPHET_HUB_RECORDED") or Path(__file__).parents[3] / "shared/recorded"
)
FOLDER = PLACE / "launchpad/perceval"
API = "https://api.launchpad.net"
TARGET = "mydistribution/+source/mypackage"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"there are no recordings of Launchpad in {PLACE}"
)


class Replay:
    """The recorded answers under the addresses that they name; says which of them were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: set[str] = set()
        self.parts: dict[str, list[str]] = {
            "bugs/1/messages": ["launchpad_issue_1_comments_next_1", "launchpad_issue_1_comments"],
            "bugs/2/messages": ["launchpad_issue_2_comments"],
            "bugs/3/messages": ["launchpad_empty_issue_comments"],
            "bugs/1/activity": [
                "launchpad_issue_1_activities_next_1",
                "launchpad_issue_1_activities",
            ],
            "bugs/2/activity": ["launchpad_issue_2_activities"],
            "bugs/1/attachments": ["launchpad_issue_1_attachments"],
            "bugs/1": ["launchpad_issue_1"],
            "bugs/2": ["launchpad_issue_2"],
            "bugs/3": ["launchpad_issue_3"],
            "~user": ["launchpad_user_1"],
        }

    def raw(self, name: str) -> Any:
        """Returns an answer as it is."""
        return json.loads((self.folder / name).read_text())

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix("/1.0/")
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        told = self._answer(path, query)
        start(
            "200 OK" if told is not None else "404 Not Found",
            [("Content-Type", "application/json"), ("Date", "Sat, 21 Nov 2026 12:00:00 GMT")],
        )
        return [json.dumps(told).encode()]

    def _answer(self, path: str, query: Mapping[str, str]) -> Any:
        if path == TARGET:
            return self._listing(query)
        turned = int(query.get("ws.start") or 0) > 0
        if path in self.parts:
            name = self.parts[path][-1 if turned else 0]
            self.asked.add(name)
            return self.raw(name)
        if path.endswith("/bug_tasks"):
            number = path.split("/")[1]
            return {**self.raw(f"launchpad_issues_page_{number}"), "next_collection_link": None}
        if path.startswith("bugs/"):  # collections of which none was recorded
            return self.raw("launchpad_empty_issues")
        return None

    def _listing(self, query: Mapping[str, str]) -> Any:
        """Returns the pages in turn: by the births asked for, or as their links count them."""
        if "modified_since" in query and "ws.start" not in query:
            name = "launchpad_empty_issues"
        else:
            turn = int(query.get("ws.start") or 0) + 1
            turn = max(turn, 2) if "created_since" in query else turn
            name = f"launchpad_issues_page_{turn}"
        self.asked.add(name)
        return self.raw(name)


@pytest.fixture
def replay():
    return Replay(FOLDER)


@pytest.fixture
def hub(replay):
    with within(replay, API):
        settings = LaunchpadSettings(url="production", target=TARGET)
        made = Launchpad(settings, Context(remote="lp", clock=ManualClock()))
        yield made
        made.close()


def links_end(link: str | None) -> str | None:
    return link.split("~")[1] if link else None


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_every_bug_is_a_ticket(hub, replay, number):
    """What a person would look for, worked out from the raw answers."""
    bug = replay.raw(f"launchpad_issue_{number}")
    [task] = replay.raw(f"launchpad_issues_page_{number}")["entries"]

    shown = hub.ticket(Ref(id=number))

    expected = {
        "title": bug["title"],
        "description": bug["description"],
        "status": task["status"],
        "importance": task["importance"],
        "assignee": links_end(task["assignee_link"]),
        "owner": links_end(bug["owner_link"]),
        "tags": frozenset(bug["tags"]),
        "information_type": bug["information_type"],
        "target": "synaptic (Ubuntu)",
    }
    assert shown.fields == {name: value for name, value in expected.items() if value}
    assert shown.ref == Ref(id=number)
    assert shown.ref.url == task["web_link"]
    assert shown.author == Person(id="user", name="Cristian Aravena Romero")
    assert shown.people == {"user": shown.author}
    assert shown.created == datetime.fromisoformat(bug["date_created"]).astimezone(UTC)
    assert shown.updated >= datetime.fromisoformat(bug["date_last_updated"])
    assert shown.version == f"{bug['http_etag']} {task['http_etag']}"
    assert (shown.private, shown.key, shown.events) == (False, "", ())


@pytest.mark.parametrize(
    ("number", "pages"),
    [
        ("1", ["launchpad_issue_1_comments_next_1", "launchpad_issue_1_comments"]),
        ("2", ["launchpad_issue_2_comments"]),
        ("3", ["launchpad_empty_issue_comments"]),
    ],
)
def test_messages_but_the_first_are_comments(hub, replay, number, pages):
    """The first is the description; a page told twice is told once."""
    rows = [row for page in pages for row in replay.raw(page)["entries"]]
    last = {row["self_link"].rsplit("/", 1)[1]: row for row in rows}
    expected = [
        (f"{number}.{n}", row["content"], row["date_created"])
        for n, row in last.items()
        if n != "0"
    ]

    told = hub.ticket(Ref(id=number)).comments

    assert [(c.ref.id, c.body, c.created.isoformat()) for c in told] == expected
    assert all((c.author.id, c.private, c.key) == ("user", False, "") for c in told)


def test_files_are_attachments_of_their_message(hub, replay):
    rows = replay.raw("launchpad_issue_1_attachments")["entries"]

    told = hub.ticket(Ref(id="1")).attachments

    assert [a.name for a in told] == [row["title"] for row in rows]
    assert [a.ref.id for a in told] == ["1", "2", "3"]
    assert {a.comment for a in told} == {"1.1"}
    assert {(a.author.id, a.content_type) for a in told} == {("user", "text/plain")}


def test_a_walk_tells_every_page(hub, replay):
    """The recorded pages are in another order than the one asked for: their links are followed."""
    told = list(hub.changed(Pull()))

    assert [item.id for item in told if isinstance(item, Ref)] == ["1", "2", "3"]
    assert isinstance(told[-1], Checkpoint)
    assert told[-1].total == replay.raw("launchpad_issues_page_1")["total_size"]
    later = list(hub.changed(Pull(since=told[-1].cursor)))
    assert [type(item) for item in later] == [Checkpoint, Checkpoint]


def test_nothing_that_was_recorded_is_left_unread(hub, replay):
    for item in list(hub.changed(Pull())):
        if isinstance(item, Ref):
            hub.ticket(item)
        else:
            list(hub.changed(Pull(since=item.cursor)))

    assert replay.asked == {path.name for path in FOLDER.iterdir()}


def test_the_fake_tells_what_the_service_tells(replay):
    """Every key of a recorded entry is one of the fake's entry of that kind."""
    tracker = Tracker("launchpad", KNOBS)
    fake = app(tracker)
    number = tracker.create("bob", {"title": "a"})
    tracker.comment("bob", number, "A remark")
    tracker.attach("bob", number, "a.txt", b"a")
    item = tracker.items[number]
    pairs = {
        "launchpad_issue_1": [fake._bug(item)],
        "launchpad_issues_page_1": fake._tasks(item),
        "launchpad_issue_1_comments": fake._messages(item),
        "launchpad_issue_1_activities": fake._activity(item),
        "launchpad_issue_1_attachments": fake._attachments(item),
    }
    for name, told in pairs.items():
        answer = replay.raw(name)
        for entry in answer.get("entries", [answer]):
            assert entry.keys() <= told[0].keys(), name
            kind = entry["resource_type_link"].partition("#")[2]
            assert told[0]["resource_type_link"].partition("#")[2] == kind
            for key, value in entry.items():
                assert value is None or told[0][key] is None or isinstance(
                    told[0][key], type(value)
                ), f"{name}: {key}"  # fmt: skip
