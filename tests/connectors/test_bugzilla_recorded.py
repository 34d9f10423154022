"""Answers of a real Bugzilla, all of which must become sensible tickets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from prophet_connectors.bugzilla import Bugzilla, BugzillaSettings
from prophet_hub.errors import AuthFailed
from prophet_hub.sdk import Checkpoint, Context, Pull, Ref, SetChange, Ticket
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract.history import unwound
from prophet_hub.testing.serve import within

HOME = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("PROPHET_HUB_RECORDED", HOME.parent / "shared" / "recorded"))
BUGZILLA = FOLDER / "bugzilla" / "perceval"
URL = "https://bugzilla.mozilla.example"

pytestmark = pytest.mark.skipif(
    not BUGZILLA.is_dir(), reason="the recorded answers are not beside this checkout"
)


def recorded(name: str) -> Any:
    return json.loads((BUGZILLA / f"bugzilla_rest_{name}.json").read_text())


class Recorded:
    """Serves the answers: three bugs, of which one has files, comments and a history."""

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix("/rest/")
        query = parse_qsl(environ["QUERY_STRING"])
        body = json.dumps(self._told(path.split("/"), query)).encode()
        start("200 OK", [("Content-Type", "application/json")])
        return [body]

    def _told(self, pieces: list[str], query: list[tuple[str, str]]) -> Any:
        bugs = [*recorded("bugs")["bugs"], *recorded("bugs_next")["bugs"]]
        match pieces:
            case ["time"]:
                return {"web_time": "2016-06-08T00:00:00Z"}
            case ["whoami"]:
                return {"name": "hub@example.org", "real_name": "Hub"}
            case ["field", "bug"]:
                return {"fields": [{"name": "bug_status", "values": []}, {"name": "resolution"}]}
            case ["bug"]:
                since = dict(query)["last_change_time"]
                return {"bugs": [bug for bug in bugs if bug["last_change_time"] >= since]}
            case ["bug", number]:
                return {"bugs": [bug for bug in bugs if str(bug["id"]) == number]}
            case ["bug", number, part]:
                ids = [number, *(value for name, value in query if name == "ids")]
                return self._parts(
                    {"attachment": "attachments", "comment": "comments"}.get(part, part), ids
                )
        raise AssertionError(pieces)

    def _parts(self, part: str, ids: list[str]) -> Any:
        told = [recorded(f"bugs_{part}")["bugs"], recorded(f"bugs_{part}_empty")["bugs"]]
        if part == "history":
            return {"bugs": [one for bugs in told for one in bugs if str(one["id"]) in ids]}
        return {"bugs": {number: bugs[number] for bugs in told for number in bugs if number in ids}}


@pytest.fixture
def bugzilla():
    settings = BugzillaSettings(
        url=URL, flavour="bmo", api_key="a key of mine", nobody="nobody@mozilla.org"
    )
    made = Bugzilla(settings, Context(remote="mozilla", clock=ManualClock()))
    with within(Recorded(), URL):
        yield made
    made.close()


@pytest.fixture
def tickets(bugzilla) -> dict[str, Ticket]:
    told = bugzilla.changed(Pull())
    return {item.ref.id: item for item in told if isinstance(item, Ticket)}


def test_every_bug_is_told(tickets):
    """Whole, in one page."""
    assert list(tickets) == ["1273442", "1273439", "947945"]


def test_read_one_by_one_they_are_the_same(bugzilla, tickets):
    """A page of tickets is no other than each of them."""
    assert {number: bugzilla.ticket(Ref(id=number)) for number in tickets} == tickets


def test_a_later_pull_tells_nothing_more(bugzilla):
    """They have rested for long."""
    *_, last = bugzilla.changed(Pull())
    assert isinstance(last, Checkpoint)
    assert [type(item) for item in bugzilla.changed(Pull(since=last.cursor))] == [Checkpoint]


def test_fields_say_what_the_bug_says(tickets):
    """What is `---`, `--` or owned by nobody is absent; custom fields are there by name."""
    fields = tickets["947945"].fields
    assert {name: value for name, value in fields.items() if name != "summary"} == {
        "product": "MailNews Core",
        "component": "Backend",
        "version": "25",
        "status": "NEW",
        "severity": "critical",
        "creator": "mmokrejs@fold.natur.cuni.cz",
        "cc": {
            "hskupin@gmail.com",
            "josh@agliodbs.com",
            "mkmelin+mozilla@iki.fi",
            "vseerror@lehigh.edu",
        },
        "keywords": {"crash", "regression"},
        "blocks": {"1200724"},
        "op_sys": "Linux",
        "platform": "x86_64",
        "whiteboard": "[closeme 2016-08-01 WFM][regression:TB25?]",
        "flags": {"needinfo?(josh@agliodbs.com)"},
        "cf_crash_signature": "[@ dosprintf]",
    }
    assert str(fields["summary"]).startswith("linux crash in dosprintf(SprintfStateStr*")


def test_the_first_comment_is_the_description(tickets):
    """And the others are comments, in order."""
    told = tickets["1273442"]
    assert str(told.fields["description"]).startswith("What code is being taken")
    assert [comment.ref.id for comment in told.comments] == [
        "11417745",
        "11443369",
        "11451136",
        "11457641",
        "11460346",
        "11467723",
    ]
    assert told.comments[1].body == "I don't see any confidential info here."
    assert "\n* body-parser: MIT[3]\n" in told.comments[4].body
    assert {comment.private for comment in told.comments} == {False}


def test_a_file_is_told(tickets):
    """Its flags are numbers, not booleans."""
    (file,) = tickets["1273442"].attachments
    assert (file.ref.id, file.name, file.size) == ("8415766", "sample.zip", 938)
    assert file.private is False


def test_people_are_told_by_login(tickets):
    """With the names that the details show."""
    people = tickets["1273442"].people
    assert people["evan@tseng.io"].name == "Evan Tseng [:evanxd][:愛聞插低]"
    assert tickets["1273442"].author.name.startswith("Wesley Huang")


def test_the_story_leads_back_to_the_birth(bugzilla, tickets):
    """Six entries; a flag and a copied person in one, a group that is left."""
    told = tickets["1273442"]
    birth = unwound(bugzilla.fields, told)
    assert len(told.events) == 6
    assert birth["groups"] == {"mozilla-employee-confidential"}
    assert "cc" not in birth
    assert "flags" not in birth
    asked = SetChange(field="flags", added=frozenset({"needinfo?(evan@tseng.io)"}))
    assert asked in told.events[0].changes
    assert told.events[0].author.id == "whuang@mozilla.com"


def test_an_error_with_status_200_is_one(bugzilla):
    """`API key authentication is required` came under a code that means anything."""

    def refused(environ, start):
        start("200 OK", [("Content-Type", "application/json")])
        return [(BUGZILLA / "bugzilla_rest_error.json").read_bytes()]

    with within(refused, "https://other.example"):
        settings = BugzillaSettings(url="https://other.example", flavour="bmo", api_key="another")
        other = Bugzilla(settings, Context(remote="other", clock=ManualClock()))
        with pytest.raises(AuthFailed, match="API key authentication is required"):
            other.whoami()
        other.close()
