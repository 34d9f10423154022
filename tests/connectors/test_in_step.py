"""Hiveminder and a todo.txt, kept in step by the real bridge, through every interruption."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest

from fakes.hiveminder import KNOBS, app
from foreign.kit import Clock, Hub, tracker_id
from prophet_connectors._todotxt_file import Files
from prophet_connectors.hiveminder import Hiveminder, HiveminderSettings
from prophet_connectors.todotxt import TodoTxt, TodoTxtSettings
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Brake
from prophet_hub.foreign.steps import Applied, Outcome, RemoteSpec
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.run import started
from prophet_hub.plugins import Plugins
from prophet_hub.sdk import Context
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

LINES = "(A) 2026-01-01 Thank Ada @phone due:2026-05-05\nx 2026-01-02 [fix] it! @home\n"


class Stopped(BaseException):
    """The hub ends here."""


class Pair(Hub):
    """A fake Hiveminder with a task, a todo.txt with two lines, and a hub.

    Attributes:
        stop: The number of the boundary at which the hub ends; 0 for none.  Boundaries are before
            and after every request, and before and after every replacement of the file.
    """

    def __init__(self, stack: ExitStack, folder, monkeypatch) -> None:
        self.clock, self.runs, self.settle = Clock(), 0, None
        self.replica = Replica.open(":memory:", clock=self.clock)
        self.folder, self.stop, self.passed = folder, 0, 0
        self.tracker = Tracker("hive", KNOBS)
        fields = {"summary": "Task 1", "description": "Why.", "tags": frozenset({"two words"})}
        task = self.tracker.create("jesse", {**fields, "owner_id": "jesse", "priority": "4"})
        self.tracker.comment("bob", task, "A remark")
        self.todo = folder / "todo.txt"
        self.todo.write_text(LINES)
        fake, replaced = app(self.tracker), Files.replace

        def asked(environ, start):
            self.passing()
            told = fake(environ, start)
            self.passing()
            return told

        def replacing(files, path, before, after):
            self.passing()
            state = replaced(files, path, before, after)
            self.passing()
            return state

        monkeypatch.setattr(Files, "replace", replacing)
        self.url = stack.enter_context(within(asked, "http://hive.example"))
        self.connect()

    def passing(self) -> None:
        self.passed += 1
        if self.passed == self.stop:
            raise Stopped

    def connect(self) -> None:
        """Makes both connectors anew, as another process would."""
        clock = ManualClock()
        settings = HiveminderSettings(
            url=self.url, email="hub@example.org", password=self.tracker.passwords["hub"]
        )
        hive = Hiveminder(settings, Context(remote="hive", clock=clock))
        place = TodoTxtSettings(url=str(self.todo), time_zone="UTC")
        todo = TodoTxt(place, Context(remote="todo", folder=str(self.folder / "m"), clock=clock))
        self.specs = {
            name: RemoteSpec(
                name=name, tracker=tracker_id(name), connector=connector, fields=connector.fields,
                account=connector.whoami(), concurrency=1,
            )
            for name, connector in (("hive", hive), ("todo", todo))
        }  # fmt: skip

    def close(self) -> None:
        for spec in self.specs.values():
            spec.connector.close()
        super().close()

    def lines(self) -> list[str]:
        """The file, without our words."""
        return re.sub(r" hub:\S+", "", self.todo.read_text()).splitlines()

    def tasks(self) -> list[tuple]:
        """What Hiveminder holds, without our tags."""
        return sorted(
            (
                item.fields["summary"],
                item.fields.get("complete", "0"),
                item.fields.get("priority", "3"),
                frozenset(t for t in item.fields["tags"] if not t.startswith("hub-")),
                len(item.comments),
            )
            for item in self.tracker.items.values()
        )


@pytest.fixture
def pair_in(tmp_path, monkeypatch):
    with ExitStack() as stack:
        count = iter(range(10_000))

        def make() -> Pair:
            folder = tmp_path / str(next(count))
            folder.mkdir()
            return stack.enter_context(Pair(stack, folder, monkeypatch))

        yield make


TASKS = [
    ("Task 1", "0", "4", frozenset({"two words"}), 1),
    ("Thank Ada", "0", "5", frozenset({"phone"}), 0),
    ("[fix] it!", "1", "3", frozenset({"home"}), 0),
]
SYNCED = [
    *LINES.splitlines(),
    "(B) 2026-01-01 Task 1 @two%20words",
]


def test_a_first_sync_brings_both_in_step_and_the_next_finds_nothing_to_do(pair_in):
    pair = pair_in()

    done = pair.sync()
    again = pair.syncs(3)

    assert len(done) == 3
    assert again == []
    assert pair.tasks() == TASKS
    assert sorted(pair.lines()) == sorted(SYNCED)
    assert pair.conflicts() == []


def test_edits_of_both_sides_arrive(pair_in):
    pair = pair_in()
    pair.syncs(2)

    pair.tracker.now += 10
    pair.tracker.update("jesse", "1", {"complete": "1", "summary": "Task 1 is +done"})
    lines = pair.todo.read_text().replace("Thank Ada", "Thank Bea").splitlines()
    pair.todo.write_text("\n".join(reversed(lines)) + "\n")
    pair.syncs(2)

    assert "x 2026-01-01 2026-01-01 Task 1 is \\+done @two%20words pri:B" in pair.lines()
    assert "Thank Bea" in [task[0] for task in pair.tasks()]
    assert pair.sync() == []
    assert pair.conflicts() == []


def test_an_emptied_file_deletes_nothing_over_there(pair_in):
    pair = pair_in()
    pair.syncs(2)
    pair.todo.write_text("")

    with pytest.raises(Brake):
        pair.sync()
    assert pair.tasks() == TASKS


def test_wherever_a_first_sync_is_stopped_nothing_is_doubled_or_missing(pair_in):
    clean = pair_in()
    clean.passed = 0
    clean.syncs(2)
    boundaries = clean.passed
    print(f"{boundaries} boundaries")
    assert boundaries > 50

    for n in range(1, boundaries + 1):
        pair = pair_in()
        pair.passed, pair.stop = 0, n
        with pytest.raises(Stopped):
            pair.syncs(2)
        pair.stop = 0
        pair.connect()
        pair.syncs(2)

        assert pair.tasks() == TASKS, f"stopped at boundary {n}"
        assert sorted(pair.lines()) == sorted(SYNCED), f"stopped at boundary {n}"
        assert pair.sync() == []
        assert pair.conflicts() == []
        pair.close()


def test_a_plan_writes_nothing_into_the_file_and_the_sync_after_it_does(pair_in, monkeypatch):
    pair = pair_in()
    monkeypatch.setenv("HIVE_PASSWORD", pair.tracker.passwords["hub"])
    zone = "time_zone: UTC"
    text = f"""
remotes:
  hive: {{connector: hiveminder, url: "{pair.url}", email: hub@example.org,
         password: "env:HIVE_PASSWORD"}}
  todo: {{connector: todotxt, url: "{pair.todo}", {zone}}}
jobs:
  reads: {{remotes: {{hive: {{direction: push}}, todo: {{direction: pull}}}}}}
  both: {{remotes: [hive, todo]}}
"""
    file = parse(text, pair.folder / "prophet-hub.yaml")

    def run(*words: str, dry: bool = False) -> list[Applied]:
        with started(
            pair.replica, file, words, folder=pair.folder / "db", plugins=Plugins(),
            clock=pair.clock, sleep=lambda _: None, dry=dry,
        ) as one:  # fmt: skip
            list(one.prepare())
            done = [] if dry else [step for step in one.apply() if isinstance(step, Applied)]
            one.finish("done")
            return done

    run("both", dry=True)
    assert pair.todo.read_text() == LINES
    assert {d.outcome for d in run("reads")} == {Outcome.DONE}
    assert pair.todo.read_text() == LINES
    assert pair.tasks() == TASKS
    run("both")
    today = [re.sub(r"^\(B\) \S+", "(B) 2026-01-01", line) for line in pair.lines()]
    assert sorted(today) == sorted(SYNCED)
    assert pair.todo.read_text().count("hub:") == 3
    assert run("both") == []
