"""One run: what is told to plugins, whom a policy prefers, in which order remotes are planned."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import ConfigError, UsageError
from prophet_hub.foreign.steps import Applied, Outcome, Planned, Pulled
from prophet_hub.hookspecs import hookimpl
from prophet_hub.jobs.load import parse
from prophet_hub.jobs.remotes import chosen, connect, field_map, spec_of
from prophet_hub.jobs.run import Reached, Settled, started
from prophet_hub.jobs.steps import Failed
from prophet_hub.jobs.trackers import tracker_of
from prophet_hub.plugins import Plugins
from prophet_hub.sdk import Field, FieldMap, Kind, Person

FILE = """
remotes:
  a:
    connector: memory
    url: memory://a
    query: status=open
    pages: 3
    strict: yes
    words: one
    table: {x: y}
    concurrency: 2
    audience: private
    people: {jesse: j@example.org}
    fields:
      severity: weight
      priority: {theirs: priority, kind: word, writable: no}
      due: null
    values: {status: {shut: resolved}}
  b: {connector: memory, url: memory://b}
jobs:
  narrow:
    remotes: {a: {direction: pull, query: "", deletes: yes}, b: {direction: push, creates: no}}
    fields: [summary, status]
    attachments: {limit: 1 kB}
    pairing: off
  none: {remotes: [a, b], attachments: no}
"""


class Told:
    def __init__(self):
        self.changes, self.applied, self.jobs = [], [], []

    @hookimpl
    def prophet_changeset_integrated(self, author, records):
        self.changes.append((author, len(records)))

    @hookimpl
    def prophet_operation_applied(self, remote, verb, kind, ref):
        self.applied.append((remote, verb, kind, ref))

    @hookimpl
    def prophet_job_finished(self, job, report):
        self.jobs.append((job, report["exit"]))


@contextmanager
def running(tmp_path, text, *words, plugins=None):
    file = parse(text, tmp_path / "prophet-hub.yaml")
    replica = Replica.open(tmp_path / "hub.db", clock=lambda: 7)
    try:
        with started(replica, file, words, folder=tmp_path / "x", plugins=plugins or Plugins(),
                     clock=lambda: 7, sleep=lambda _: None) as run:  # fmt: skip
            yield run
    finally:
        replica.close()


PLAIN = """
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
"""


def test_steps_come_up_as_they_happen(trackers, tmp_path):
    trackers["a"].create("jesse", {"summary": "One"})
    with running(tmp_path, PLAIN, "a", "b") as run:
        steps = [*run.prepare(), *run.apply()]
        report = run.finish("done")

    assert [type(step) for step in steps] == [
        Reached, Reached, Pulled, Settled, Planned, Applied,
    ]  # fmt: skip
    assert steps[-1].outcome is Outcome.DONE
    assert (report.job, report.written, report.exit) == ("a b", 1, 0)


def test_plugins_hear_of_changesets_writes_and_the_end(trackers, tmp_path):
    trackers["a"].create("jesse", {"summary": "One"})
    told, plugins = Told(), Plugins()
    plugins.register(told)
    with running(tmp_path, PLAIN, "b", "a", plugins=plugins) as run:
        list(run.prepare())
        list(run.apply())
        run.finish("done")

    assert ("jesse@example.org", 1) in told.changes
    assert told.applied == [("b", "create", "ticket", "1")]
    assert told.jobs == [("a b", 0)]


def test_a_run_that_is_stopped_reads_and_plans_no_more(trackers, tmp_path):
    with running(tmp_path, PLAIN, "a", "b") as run:
        run.stop()
        assert list(run.prepare()) == []
        assert run.finish("done").exit == 130


def test_what_a_remote_told_is_made_elsewhere_while_that_remote_cannot_be_reached(
    trackers, tmp_path
):
    """The plan would pass it over for good: it is looked at no more until it changes."""
    trackers["a"].create("jesse", {"summary": "One"})
    with running(tmp_path, PLAIN, "a", "b") as run:
        for step in run.prepare():
            if isinstance(step, Pulled):
                run.stop()
    trackers["a"].passwords["hub"] = "another"
    with running(tmp_path, PLAIN, "a", "b") as run:
        steps = [*run.prepare(), *run.apply()]

    assert [type(step) for step in steps] == [Failed, Reached, Settled, Planned, Applied]
    assert [item.fields["summary"] for item in trackers["b"].items.values()] == ["One"]


def test_faulty_settings_stop_a_run_before_it_begins(trackers, tmp_path):
    with (
        pytest.raises(ConfigError, match="has 1 fault"),
        running(tmp_path, PLAIN.replace("memory://a", "memory://a, pages: x"), "a", "b"),
    ):
        pass


def test_a_tracker_keeps_its_id(trackers, tmp_path):
    with running(tmp_path, PLAIN, "a", "b"):
        pass
    replica = Replica.open(tmp_path / "hub.db", clock=lambda: 7)
    try:
        one = tracker_of(replica, "a")
        assert tracker_of(replica, "a") == one != tracker_of(replica, "b")
    finally:
        replica.close()


# --- from words to what the bridge needs ---


def spec(file, remote, words, tmp_path):
    _, job = chosen(file, words)
    connector = connect(file, remote, folder=tmp_path, ask=lambda *_: None)
    return spec_of(file, remote, job, connector, Person(id="hub"), b"t")


def test_a_remote_as_a_job_uses_it(trackers, tmp_path):
    file = parse(FILE, tmp_path / "j.yaml")

    a, b = (spec(file, name, ("narrow",), tmp_path) for name in "ab")

    assert (a.pulls, a.pushes, a.query, a.deletes, a.creates) == (True, False, "", True, True)
    assert (b.pulls, b.pushes, b.query, b.deletes, b.creates) == (False, True, "", False, False)
    assert [row.ours for row in a.fields] == ["summary", "status"]
    assert (a.attachment_limit, a.concurrency, a.audience, a.pairing) == (1000, 2, "private", "off")
    assert a.people == {"jesse": "j@example.org"}
    assert a.fields.ours("status").decode("shut") == "resolved"


def test_remotes_in_a_row_name_the_job_that_is_of_exactly_these(trackers, tmp_path):
    text = FILE[: FILE.index("jobs:")]
    one = parse(text + "jobs: {mine: {remotes: [a, b], pairing: off}}", tmp_path / "j.yaml")
    two = parse(
        text + "jobs: {mine: {remotes: [a, b]}, yours: {remotes: [b, a]}}", tmp_path / "j.yaml"
    )

    assert chosen(one, ("b", "a"))[0] == chosen(one, ("a", "b"))[0] == "mine"
    assert chosen(one, ("a", "b"))[1].pairing == "off"
    with pytest.raises(UsageError, match="Several jobs are of these remotes: mine, yours"):
        chosen(two, ("a", "b"))


def test_without_a_job_there_are_defaults(trackers, tmp_path):
    file = parse(FILE[: FILE.index("jobs:")], tmp_path / "j.yaml")

    found = spec(file, "a", ("b", "a"), tmp_path)

    assert (found.query, found.pairing, found.attachments) == ("status=open", "certain", True)
    assert not spec(parse(FILE, tmp_path / "j.yaml"), "a", ("none",), tmp_path).attachments
    assert found.fields.ours("due") is None
    assert found.fields.ours("severity") == Field(theirs="weight", ours="severity")
    assert found.fields.ours("priority").writable is False
    with pytest.raises(UsageError, match="name a second one"):
        chosen(file, ("a",))


def test_a_row_of_the_file_keeps_what_the_connector_says_of_the_field(trackers, tmp_path):
    table = FieldMap([Field(theirs="CF.1", ours="x:one", kind=Kind.WORD, default="low")])
    file = parse(
        "remotes: {a: {connector: memory, fields: {severity: CF.1, 'x:two': {theirs: B, kind: day}}}}",
        tmp_path / "j.yaml",
    )  # fmt: skip

    found = field_map(table, file.config.remotes["a"])

    assert [(row.ours, row.theirs, row.kind, row.default) for row in found] == [
        ("severity", "CF.1", Kind.WORD, "low"),
        ("x:two", "B", Kind.DAY, ""),
    ]


def test_settings_have_the_types_of_the_connector(trackers, tmp_path):
    file = parse(FILE, tmp_path / "j.yaml")

    connector = connect(file, "a", folder=tmp_path, ask=lambda *_: None)

    assert connector.context.remote == "a"
    assert connector.context.folder == str(tmp_path / "a")
