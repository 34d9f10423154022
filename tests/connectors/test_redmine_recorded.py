"""Answers of a real Redmine of 2016, all of which must become sensible tickets."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prophet_connectors.redmine import Redmine, RedmineSettings
from prophet_hub.sdk import Checkpoint, Context, FieldChange, Pull, Ref, Ticket
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract.history import unwound
from prophet_hub.testing.serve import within

HOME = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("PROPHET_HUB_RECORDED", HOME.parent / "shared" / "recorded"))
REDMINE = FOLDER / "redmine" / "perceval"
URL = "http://redmine.2016.example"
ISSUES = ("2", "5", "9", "7311")

pytestmark = pytest.mark.skipif(
    not REDMINE.is_dir(), reason="the recorded answers are not beside this checkout"
)


class Recorded:
    """Serves the answers: two pages of a list, four tickets, four users, and nothing else."""

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        name = environ["PATH_INFO"].strip("/").removesuffix(".json")
        if name == "users/current":
            body: bytes | None = b'{"user": {"id": 3, "admin": true}}'
        elif name == "issues":
            first = "updated_on=" not in environ["QUERY_STRING"]
            body = self._file("redmine_issues" if first else "redmine_issues_next")
        else:
            kind, _, number = name.partition("/")
            body = self._file(f"redmine_{kind.removesuffix('s')}_{number}")
        start("200 OK" if body else "404 Not Found", [("Content-Type", "application/json")])
        return [body or b""]

    def _file(self, name: str) -> bytes | None:
        path = REDMINE / f"{name}.json"
        if not path.exists():
            return None
        data = json.loads(path.read_bytes())
        if name.endswith("_next"):  # it was asked for by number then
            data["limit"] = 100
        return json.dumps(data).encode()


@pytest.fixture
def redmine() -> Iterator[Redmine]:
    context = Context(remote="redmine-2016", clock=ManualClock())
    made = Redmine(RedmineSettings(url=URL, api_key="of no matter"), context)
    with within(Recorded(), URL):
        yield made
    made.close()


def test_the_list_tells_every_ticket(redmine: Redmine) -> None:
    """Its two pages, and the times with fractions."""
    told = list(redmine.changed(Pull()))

    assert [item.id for item in told if isinstance(item, Ref)] == ["9", "5", "2", "7311"]
    assert isinstance(told[-1], Checkpoint)


@pytest.mark.parametrize("number", ISSUES)
def test_every_ticket_is_a_sensible_one(redmine: Redmine, number: str) -> None:
    """A summary, a person, a story in order that leads from the birth to the present.

    Texts were made unrecognisable when they were recorded, and do not follow from one another.
    """
    told = redmine.ticket(Ref(id=number))

    assert isinstance(told, Ticket)
    assert told.fields["subject"]
    assert told.author.name
    assert told.created <= told.updated
    assert told.reachable is None
    assert {"status", "priority", "tracker", "project"} <= told.fields.keys()
    times = [event.created for event in told.events]
    assert times == sorted(times)
    assert all(comment.body.strip() for comment in told.comments)
    kept = [replace(e, changes=tuple(c for c in e.changes if c.field != "description"))
            for e in told.events]  # fmt: skip
    assert unwound(redmine.fields, replace(told, events=tuple(kept)))["status"]


def test_a_journal_is_what_it_was(redmine: Redmine) -> None:
    """Numbers that nobody explains any more are words of their own; texts stand whole."""
    told = redmine.ticket(Ref(id="7311"))
    changes = [c for e in told.events for c in e.changes if isinstance(c, FieldChange)]

    texts = [c for c in changes if c.field == "description"]
    assert texts[0].old == "Old desc"
    assert texts[0].new == "New desc"
    steps = [(c.old, c.new) for c in changes if c.field == "status"]
    assert steps[:2] == [("#1", "Resuelta"), ("Resuelta", "#5")]
    assert steps[-1][1] == told.fields["status"]
    assert told.comments[0].body == "Desc"
