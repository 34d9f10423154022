"""debbugs: the contract on the fake, over SOAP and SMTP, and the traps of its sheet."""

from __future__ import annotations

import hashlib
import io
from contextlib import ExitStack
from types import MappingProxyType

import pytest

from fakes.debbugs import DOMAIN, HUB, KNOBS, app
from fakes.smtp import Sink
from prophet_connectors.debbugs import Debbugs, DebbugsSettings
from prophet_hub.sdk import Context, Person
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

BOB, EVE = "bob@example.org", "eve@example.org"
TOLD = ("originator", "done", "summary", "outlook", "archived", "description")


class Place(TrackerSandbox):
    """A fake in-process, its mail over a real socket; both stand behind the same faults."""

    password = ""  # reading needs none, and a wrong one for mail is tried below
    person = BOB
    logins = (BOB, EVE)
    create_method = "MAIL"
    required = MappingProxyType({"package": "foo"})
    examples = MappingProxyType(
        {
            "status": ("done", "open"),
            "severity": ("important", "minor"),
            "package": ("foo", "bar"),
            "tags": (frozenset({"patch"}), frozenset({"help"})),
            "found_versions": (frozenset({"1.0-1"}), frozenset({"1.10"})),
            "fixed_versions": (frozenset({"2:1.0~rc1-2"}), frozenset({"1.3"})),
            "affects": (frozenset({"baz"}), frozenset({"qux"})),
            "forwarded": ("https://up.example/1", "https://up.example/2"),
        }
    )
    clearable = frozenset({"owner", "forwarded"})
    refused = ("severity", "terrible")
    narrow = ("package:wanted", "package", "wanted")

    def __init__(self, stack: ExitStack, password: str = "", folder: str = "", **settings) -> None:
        tracker = Tracker("bugs", KNOBS)
        for address in (BOB, EVE):
            name = address.partition("@")[0].title()
            tracker.users[address] = Person(id=address, name=name, email=address)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://bugs.example"))
        self.sink = stack.enter_context(Sink(self._take, password=password))
        self.clock = ManualClock()

        def make(_password: str, reachable: bool) -> Debbugs:
            given = {
                "url": f"{url}/cgi-bin" if reachable else "http://127.0.0.1:9",
                "address": HUB,
                "name": "The Hub",
                "domain": DOMAIN,
                "smtp": "127.0.0.1",
                "smtp_port": self.sink.port,
                "smtp_security": "none",
                **settings,
            }
            return Debbugs(
                DebbugsSettings(**given),
                Context(remote="bugs", clock=self.clock, folder=folder),
            )

        super().__init__(tracker, make, faulty)

    def _take(self, sender, recipients, mail):
        """Hands a mail to the fake, as a request that faults may hit."""
        environ = {
            "REQUEST_METHOD": "MAIL",
            "PATH_INFO": "/",
            "HTTP_X_RECIPIENTS": " ".join(recipients),
            "CONTENT_LENGTH": str(len(mail)),
            "wsgi.input": io.BytesIO(mail),
        }
        said = []
        assert self.faulty is not None
        list(self.faulty(environ, lambda status, _headers: said.append(status)))
        return (250, "ok") if said[0].startswith("200") else (451, "not now")

    def edit(self, ticket, field, value):
        if field in TOLD:
            raise Absent(f"nobody edits {field}")
        if field == "severity" and value is None:
            value = "normal"
        super().edit(ticket, field, value)

    def comment(self, ticket, body, *, private=False):
        note = super().comment(ticket, body, private=private)
        return f"{ticket}-{digest(f'<note-{note}@people.example>')}"

    def attach(self, ticket, name, data):
        file = super().attach(ticket, name, data)
        return f"{ticket}-{digest(f'<file-{file}@people.example>')}.1"

    def merge(self, ticket, into):
        self.tracker.update(BOB, ticket, added={"mergedwith": {into}})


def digest(text: str) -> str:
    """Returns what a mail's id ends in."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.fixture
def place():
    with ExitStack() as stack:
        box = Place(stack)
        yield box
        box.connector.close()


class TestContract(ConnectorContract):
    """Every check there is, but for those of a password."""

    may_skip = MappingProxyType({"there is no password": "reading needs none"})

    @pytest.fixture
    def sandbox(self, place):
        return place
