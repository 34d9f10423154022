"""F32: whatever a tracker says, and whatever fails, no secret is written down or shown."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
from unittest import mock
from urllib.parse import quote, quote_plus

from fakes.redmine import RedmineFake, RedmineTracker
from jobs import memory
from prophet_hub.cli.main import main
from prophet_hub.sdk.pace import SystemClock
from prophet_hub.testing.serve import Served
from prophet_hub.testing.tracker import Tracker

SECRET = "s3cret/key+of&the=hub%"
PASSWORD = "correct horse"
FORMS = {
    form
    for secret in (SECRET, PASSWORD)
    for form in (
        secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    )
}  # fmt: skip
"""How a secret may stand in an answer, an address or a header."""

REFUSALS = (
    "401 plain", "401 quoted", "422 plain", "422 quoted", "422 plus", "500 plain", "302 plain",
    "429 quoted", "403 plus",
)  # fmt: skip
"""What the server says to everything (422: to writes), and how the secret stands in it."""

JOB_FILE = """
remotes:
  main: {{connector: redmine, url: "{url}", api_key: {key}}}
  b: {{connector: memory, url: memory://b, password: env:B_PASSWORD}}
"""


class Talkative:
    """A server that repeats the credentials in whatever it refuses.

    Attributes:
        says: How: "" for not at all.
    """

    def __init__(self, app):
        self.app, self.says = app, ""

    def __call__(self, environ, start):
        writes = environ["REQUEST_METHOD"] != "GET"
        if not self.says or (self.says.startswith("422") and not writes):
            return self.app(environ, start)
        status, _, form = self.says.partition(" ")
        word = {"plain": SECRET, "quoted": quote(SECRET, safe=""), "plus": quote_plus(SECRET)}[form]
        kind = "text/plain" if status == "500" else "application/json"
        words = f'File "auth.rb": the key {word} is wrong'
        start(
            f"{status} Refused",
            [("Content-Type", kind), ("Location", f"https://elsewhere.example/?key={word}"),
             ("Set-Cookie", f"session={word}")],
        )  # fmt: skip
        return [(words if kind == "text/plain" else json.dumps({"errors": [words]})).encode()]


def test_no_failure_writes_a_secret_down_or_shows_it(tmp_path):
    redmine, other = RedmineTracker(), Tracker("b")
    redmine.passwords["hub"] = SECRET
    first = redmine.create("6", {"project": "demo", "subject": "Printer on fire"})
    redmine.comment("6", first, "Smoke."), redmine.attach("6", first, "a.txt", b"smoke")
    server = Talkative(RedmineFake(redmine))
    file, printed = tmp_path / "prophet-hub.yaml", io.StringIO()
    (tmp_path / "site").mkdir()
    (tmp_path / "home").mkdir()

    def hub(words):
        paths = ["--database", str(tmp_path / "home/hub.db"), "--config", str(file)]
        return main([*paths, *words.split()])

    with contextlib.ExitStack() as stack:
        stack.enter_context(memory.registered(tmp_path / "site"))
        memory.TRACKERS["b"] = other
        stack.enter_context(mock.patch.object(SystemClock, "sleep"))
        stack.enter_context(
            mock.patch.dict(os.environ, {"MAIN_KEY": SECRET, "B_PASSWORD": PASSWORD})
        )
        url = stack.enter_context(Served(server))
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(printed))
        file.write_text(JOB_FILE.format(url=url, key="env:MAIN_KEY"))
        assert hub("sync main b --yes") == 0
        for server.says in REFUSALS:
            (item,) = other.items.values()
            other.now += 1
            other.update("bob", item.id, {"summary": server.says})
            assert hub("sync main b --yes --verbose") != 0
        for words in ("check", "inbox", "log", "plan main b --json"):
            hub(words)
        server.says = ""
        file.write_text(JOB_FILE.format(url=url, key=SECRET.replace("%", "")))
        hub("sync main b --verbose"), hub("check --verbose")
        file.write_text(JOB_FILE.format(url=url, key="env:MAIN_KEY"))
        assert hub("sync main b --yes --json") == 0
    assert redmine.items[first].fields["subject"] == REFUSALS[-1]

    for path in (tmp_path / "home").rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        held = [form for form in FORMS if form.encode() in raw]
        assert held == [], f"a secret was written into {path.name}"
    shown = printed.getvalue()
    told = [form for form in (*FORMS, SECRET.replace("%", "")) if form in shown]
    assert told == [], "a secret was shown"
