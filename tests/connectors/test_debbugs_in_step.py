"""A debbugs whose mail is slow and a todo.txt, kept in step by the real bridge, through crashes."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest

from fakes.debbugs import DOMAIN, HUB, KNOBS, app
from fakes.smtp import Sink
from foreign.kit import Clock, Hub, tracker_id
from prophet_connectors._debbugs_outbox import Outbox
from prophet_connectors._debbugs_post import Post
from prophet_connectors.debbugs import Debbugs, DebbugsSettings
from prophet_connectors.todotxt import TodoTxt, TodoTxtSettings
from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.sdk import Context
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

LINES = "Thank Ada @patch\nx Fix it\n"
BOB = "bob@example.org"
SEND, CHANGE = Post.send, Outbox._change


class Stopped(BaseException):
    """The hub ends here."""


class Pair(Hub):
    """A fake debbugs with a bug, a todo.txt with two lines, and a hub; mails wait between runs.

    Attributes:
        stop: The number of the boundary at which the hub ends; 0 for none.  Boundaries are before
            and after every mail, and before and after it is remembered or forgotten.
    """

    def __init__(self, stack: ExitStack, folder, monkeypatch) -> None:
        self.clock, self.runs, self.settle = Clock(), 0, None
        self.replica = Replica.open(":memory:", clock=self.clock)
        self.folder, self.stop, self.passed, self.mails = folder, 0, 0, 0
        self.tracker = Tracker("bugs", KNOBS)
        self.app = app(self.tracker)
        self.app.holds = True
        bug = self.tracker.create(BOB, {"subject": "It fails", "package": "foo"})
        self.tracker.comment(BOB, bug, "A remark")
        self.todo = folder / "todo.txt"
        self.todo.write_text(LINES)
        monkeypatch.setattr(Post, "send", self.bounded(SEND))
        monkeypatch.setattr(Outbox, "_change", self.bounded(CHANGE))
        self.url = stack.enter_context(within(self.app, "http://bugs.example"))
        self.sink = stack.enter_context(Sink(self.take))
        self.specs = {}
        self.connect()

    def take(self, _sender, recipients, mail):
        self.mails += 1
        self.app.mail(recipients, mail)
        return 250, "ok"

    def bounded(self, act):
        def acting(*args):
            self.passing()
            act(*args)
            self.passing()

        return acting

    def passing(self) -> None:
        self.passed += 1
        if self.passed == self.stop:
            raise Stopped

    def connect(self) -> None:
        """Makes both connectors anew, as another process would."""
        for spec in self.specs.values():
            spec.connector.close()
        clock = ManualClock()
        settings = DebbugsSettings(
            url=f"{self.url}/cgi", address=HUB, domain=DOMAIN, package="foo", index_lag=0,
            smtp="127.0.0.1", smtp_port=self.sink.port, smtp_security="none",
        )  # fmt: skip
        context = Context(remote="bugs", folder=str(self.folder / "b"), clock=clock)
        bugs = Debbugs(settings, context)
        todo = TodoTxt(
            TodoTxtSettings(url=str(self.todo), time_zone="UTC"),
            Context(remote="todo", folder=str(self.folder / "m"), clock=clock),
        )
        self.specs = {
            name: RemoteSpec(
                name=name, tracker=tracker_id(name), connector=connector, fields=connector.fields,
                account=connector.whoami(), concurrency=1,
            )
            for name, connector in (("bugs", bugs), ("todo", todo))
        }  # fmt: skip

    def close(self) -> None:
        for spec in self.specs.values():
            spec.connector.close()
        super().close()

    def run(self, times: int = 1) -> None:
        """Syncs, each time in a process of its own; then the mails arrive."""
        for _ in range(times):
            self.connect()
            self.tracker.now += 10
            try:
                self.sync()
            finally:
                self.app.process()

    def bugs(self) -> list[tuple]:
        """What debbugs holds."""
        return sorted(
            (i.fields["subject"], i.fields.get("status", "open"), i.fields.get("tags", frozenset()))
            for i in self.tracker.items.values()
        )

    def lines(self) -> list[str]:
        """The file, without our words and dates."""
        text = re.sub(r" hub:\S+|\d{4}-\d\d-\d\d ", "", self.todo.read_text())
        return sorted(text.splitlines())


BUGS = [
    ("Fix it", "done", frozenset()),
    ("It fails", "open", frozenset()),
    ("Thank Ada", "open", frozenset({"patch"})),
]


@pytest.fixture
def pair_in(tmp_path, monkeypatch):
    with ExitStack() as stack:
        count = iter(range(10_000))

        def make() -> Pair:
            folder = tmp_path / str(next(count))
            folder.mkdir()
            return stack.enter_context(Pair(stack, folder, monkeypatch))

        yield make


def test_what_is_mailed_in_one_run_is_bound_in_the_next(pair_in):
    pair = pair_in()
    pair.run()
    assert pair.bugs() == BUGS, "the mails arrived after the run"
    pair.run()
    assert pair.mails == 2

    pair.todo.write_text(pair.todo.read_text().replace("Thank Ada", "x Thank Ada"))
    pair.run(3)

    assert pair.bugs() == [*BUGS[:2], ("Thank Ada", "done", frozenset({"patch"}))]
    assert pair.mails == 3
    assert pair.conflicts() == []


def test_wherever_a_run_is_stopped_no_mail_is_sent_twice(pair_in):
    clean = pair_in()
    clean.passed = 0
    clean.run(2)
    boundaries = clean.passed
    assert boundaries >= 8

    for n in range(1, boundaries + 1):
        pair = pair_in()
        pair.passed, pair.stop = 0, n
        with pytest.raises(Stopped):
            pair.run(2)
        pair.stop = 0
        pair.run(3)

        told = pair.bugs()
        assert len(told) == len(set(told)), f"stopped at boundary {n}: doubled"
        assert set(told) <= set(BUGS), f"stopped at boundary {n}"
        assert len(told) >= len(BUGS) - 1, "a mail that was written down and not sent waits"
        assert pair.conflicts() == []
