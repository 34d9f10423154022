"""The fake of Trac says what Trac says: the same calls to both, answer by answer.

Times and versions are made alike first.  Trac may say more than the fake does; what the fake says,
Trac says too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from fakes.trac import KNOBS, TracFake
from live.real import PASSWORD, running
from prophet_hub.testing.serve import Served
from prophet_hub.testing.tracker import Tracker

pytestmark = pytest.mark.live

FILE = {"__jsonclass__": ["binary", "AAECAw=="]}
CALLS: tuple[tuple[Any, ...], ...] = (
    ("system.getAPIVersion",),
    ("ticket.getTicketFields",),
    ("ticket.create", "", "No summary"),
    ("ticket.create", "Größe ☃ ", "one\r\ntwo", {"keywords": "a b", "cc": "x y", "owner": ""}),
    ("ticket.get", "T"),
    ("ticket.getActions", "T"),
    ("ticket.changeLog", "T"),
    ("ticket.update", "T", "Said", {"action": "leave"}),
    ("ticket.update", "T", " ", {"action": "leave"}),
    ("ticket.update", "T", "", {"action": "leave", "priority": "minor", "summary": "Other"}),
    ("ticket.update", "T", "", {"action": "leave", "priority": "nonsense"}),
    ("ticket.update", "T", "", {"action": "leave", "nonsense": "x", "status": "closed"}),
    ("ticket.update", "T", "", {"action": "nonsense"}),
    ("ticket.update", "T", "", {"action": "leave", "summary": "Late", "_ts": "1"}),
    ("ticket.update", "T", "", {"summary": "Late", "_ts": "1"}),
    ("ticket.update", "T", "", {"action": "accept"}),
    ("ticket.getActions", "T"),
    ("ticket.update", "T", "", {"action": "reassign", "action_reassign_reassign_owner": "bob"}),
    ("ticket.update", "T", "", {"action": "resolve", "action_resolve_resolve_resolution": "odd"}),
    ("ticket.getActions", "T"),
    ("ticket.update", "T", "", {"action": "leave", "resolution": "invalid"}),
    ("ticket.update", "T", "", {"action": "reopen"}),
    ("ticket.update", "T", "", {"keywords": "", "cc": "z"}),
    ("ticket.putAttachment", "T", "ä b.bin", "application/x-thing", FILE, False),
    ("ticket.putAttachment", "T", "ä b.bin", "", FILE, False),
    ("ticket.putAttachment", "T", "none", "", FILE, False),
    ("ticket.listAttachments", "T"),
    ("ticket.deleteAttachment", "T", "none"),
    ("ticket.deleteAttachment", "T", "none"),
    ("ticket.changeLog", "T"),
    ("ticket.get", "T"),
    ("ticket.get", 99999),
    ("ticket.query", "keywords=~nothing&max=0"),
    ("ticket.query", "nonsense=x&max=0"),
    ("ticket.query", "changetime=nonsense..&max=0"),
    ("ticket.query", "status=reopened&order=changetime&max=0"),
    ("ticket.nonsense",),
)


class Talk:
    """One side, and the number of the ticket that was made there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.auth = ("hub", PASSWORD)
        self.ticket = 0

    def call(self, *call: Any) -> Any:
        params = [self.ticket if p == "T" else p for p in call[1:]]
        answer = self.session.post(
            f"{self.url}/login/rpc", json={"method": call[0], "params": params, "id": 1}, timeout=30
        )
        assert answer.status_code == 200
        told = answer.json()
        if call[0] == "ticket.create" and told["result"]:
            self.ticket = told["result"]
        return alike(call[0], told, self.ticket)

    def close(self) -> None:
        self.session.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Talk, Talk]]:
    tracker = Tracker("trac", KNOBS)
    fake = TracFake(tracker)
    fake.custom = {"hubid": "text"}
    with running("trac", tmp_path_factory.mktemp("true") / "home") as server, Served(fake) as url:
        sides = Talk(server.url), Talk(url)
        yield sides
        for side in sides:
            side.close()


def alike(method: str, told: Any, ticket: int) -> Any:
    """Returns an answer without what differs from server to server."""
    result = told["result"]
    if method == "ticket.getActions":
        told["result"] = [[a[0], re.findall(r"'(\w+)'", a[2]), a[3]] for a in result]
    if method == "ticket.getTicketFields":
        told["result"] = {row["name"]: _field(row) for row in result}
    if method == "ticket.changeLog":
        told["result"] = [[i, *row[1:]] for i, row in enumerate(result)]
    return _timeless(told, ticket)


def _field(row: dict[str, Any]) -> dict[str, Any]:
    """Lists of values are the site's own; those of the workflow are Trac's."""
    kept = {"type", "optional", "custom"}
    kept |= {"options"} if row["name"] in ("status", "resolution", "type", "priority") else set()
    return {name: value for name, value in row.items() if name in kept}


def _timeless(value: Any, ticket: int) -> Any:
    if isinstance(value, dict):
        if "__jsonclass__" in value:
            return value["__jsonclass__"][0]
        pairs = ((k, _timeless(v, ticket)) for k, v in value.items() if v != "")
        return {name: "now" if name == "_ts" else each for name, each in pairs}
    if isinstance(value, list):
        return [_timeless(each, ticket) for each in value]
    if value == ticket:
        return "T"
    return value.replace(f"icket {ticket} ", "icket T ") if isinstance(value, str) else value


def within(fake: Any, real: Any) -> bool:
    """Tells whether all that one says is what the other says too."""
    if isinstance(fake, dict) and isinstance(real, dict):
        return all(name in real and within(fake[name], real[name]) for name in fake)
    if isinstance(fake, list) and isinstance(real, list):
        return len(fake) == len(real) and all(map(within, fake, real))
    return fake == real


def test_the_talk_is_the_same(both):
    wrong = []
    for call in CALLS:
        real, fake = (side.call(*call) for side in both)
        if not within(fake, real):
            wrong.append(f"{call}:\nreal {real}\nfake {fake}")
    assert not wrong, "\n".join(wrong)


def test_pages_are_the_same(both):
    """Who shows no cookie, or none that is known, is a stranger; a file is its bytes."""
    for path in ("/raw-attachment/ticket/{}/none", "/raw-attachment/ticket/{}/%C3%A4%20b.bin"):
        said = []
        for side in both:
            token = {"trac_form_token": "x" * 24}
            form = {"user": "hub", "password": PASSWORD, "__FORM_TOKEN": "x" * 24}
            won = requests.post(
                f"{side.url}/login", data=form, cookies=token, auth=("hub", PASSWORD),
                allow_redirects=False, timeout=30,
            )  # fmt: skip
            where = side.url + path.format(side.ticket)
            right = requests.get(where, cookies=won.cookies, timeout=30)
            wrong = requests.get(where, cookies={"trac_auth": "0" * 32}, timeout=30)
            gone = re.search('trac_auth=(""|);', wrong.headers.get("Set-Cookie", ""))
            body = right.content if right.ok else b""
            said.append((won.status_code in (302, 303), right.status_code, body, bool(gone)))
        assert said[0] == said[1]


def test_a_log_in_without_its_token_or_password_is_refused(both):
    said = [
        (
            requests.post(f"{side.url}/login", data={"user": "hub"}, auth=("hub", PASSWORD), timeout=30),
            requests.post(f"{side.url}/login/rpc", data="{}", auth=("hub", "no"), timeout=30),
        )
        for side in both
    ]  # fmt: skip
    assert [[answer.status_code for answer in two] for two in said] == [[400, 401]] * 2
