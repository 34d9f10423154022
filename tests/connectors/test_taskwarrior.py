"""Taskwarrior: the contract on a `task` in one file, and what is special about tasks."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from pathlib import Path

import pytest

from fakes import taskwarrior as fake
from live.real_taskwarrior import SKIPS, Tasks
from prophet_connectors.taskwarrior import Taskwarrior, TaskwarriorSettings, prophet_connector
from prophet_hub.errors import (
    ConfigError,
    Garbled,
    NotFound,
    Rejected,
    Stale,
    Transient,
    Unsupported,
)
from prophet_hub.sdk import (
    COMMENT,
    Checkpoint,
    Context,
    Create,
    Delete,
    Gone,
    Pull,
    Ref,
    Ticket,
    Update,
)
from prophet_hub.testing.contract import ConnectorContract

UUID = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"


class TestContract(ConnectorContract):
    """Every check there is, with an attribute mapped for long texts."""

    may_skip = SKIPS

    @pytest.fixture
    def sandbox(self, tmp_path):
        return Tasks(tmp_path, call=fake.call)


@pytest.fixture
def tasks(tmp_path):
    return Tasks(tmp_path, rows=(), call=fake.call)


def put(tasks, **said):
    task = {"uuid": UUID, "description": "A task", **said}
    assert (
        fake.call(["task", f"rc.data.location={tasks.folder}", "import", "-"], json.dumps([task]))[
            0
        ]
        == 0
    )


def held(tasks, name=UUID):
    return tasks.bob.program.export(name)[0]


def test_the_entry_point_names_it():
    assert prophet_connector() is Taskwarrior


class TestPulls:
    def pulled(self, tasks, since="", **words):
        told = list(tasks.connector.changed(Pull(since=since, **words)))
        assert isinstance(told[-1], Checkpoint)
        return told[:-1], told[-1].cursor

    def test_what_is_imported_with_old_times_is_told(self, tasks):
        put(tasks)
        _, cursor = self.pulled(tasks)
        put(tasks, uuid=OTHER, entry="20200101T000000Z", modified="20200101T000000Z")

        told, _ = self.pulled(tasks, cursor)

        assert [ticket.ref.id for ticket in told] == [OTHER]

    def test_a_cursor_of_another_kind_tells_all_anew(self, tasks):
        put(tasks)
        for cursor in ("nonsense", "1.%%", "2.AAAA"):
            assert len(self.pulled(tasks, cursor)[0]) == 1

    def test_what_left_the_query_is_told_once_more(self, tasks):
        put(tasks, project="Home")
        told, cursor = self.pulled(tasks, query="project:Home")
        assert len(told) == 1
        put(tasks, project="Work")

        assert self.pulled(tasks, cursor, query="project:Home")[0] == []
        known = self.pulled(tasks, cursor, query="project:Home", known=lambda name: name == UUID)[0]
        assert [ticket.fields["project"] for ticket in known] == ["Work"]

    def test_recurring_tasks_are_not_told_and_their_children_are(self, tasks):
        put(tasks, status="recurring", recur="weekly", due="20261201T100000Z")
        put(tasks, uuid=OTHER, parent=UUID)

        assert [ticket.ref.id for ticket in self.pulled(tasks)[0]] == [OTHER]

    @pytest.mark.parametrize("query", ["delete", "project:Home purge", "milk"])
    def test_a_word_that_could_be_a_command_is_refused(self, tasks, query):
        put(tasks)
        with pytest.raises(Rejected, match="could be a command"):
            self.pulled(tasks, query=query)

    def test_a_task_that_waits_no_longer_is_told(self, tasks):
        put(tasks)
        tasks.edit(UUID, "wait", "2023-11-15T00:00:00Z")
        told, cursor = self.pulled(tasks)
        assert told[0].fields["status"] == "waiting"
        tasks.advance(3 * 86400)

        told, _ = self.pulled(tasks, cursor)

        assert [ticket.fields["status"] for ticket in told] == ["pending"]

    def test_an_idle_pull_is_one_run(self, tasks):
        put(tasks)
        _, cursor = self.pulled(tasks)
        before = tasks.connector.program.runs

        assert self.pulled(tasks, cursor) == ([], cursor)
        assert tasks.connector.program.runs == before + 1


class TestReading:
    def ticket(self, tasks):
        told = tasks.connector.ticket(Ref(id=UUID))
        assert isinstance(told, Ticket)
        return told

    def test_days_are_of_the_zone(self, tasks):
        put(tasks, due="20261201T040000Z", scheduled="1796000000")

        shown = self.ticket(tasks).fields

        assert shown["due"] == "2026-11-30"
        assert shown["scheduled"] == "2026-11-30T00:53:20Z"

    def test_the_older_form_of_depends_is_read(self, tasks):
        put(tasks, depends=f"{OTHER},{UUID}", status="waiting")

        assert self.ticket(tasks).fields["depends"] == {OTHER, UUID}
        row = tasks.connector.fields.theirs("status")
        assert row.decode(self.ticket(tasks).fields["status"]) == "stalled"

    def test_a_task_of_a_person_has_no_key_and_the_person_as_author(self, tasks):
        put(tasks, annotations=[{"entry": "20260101T000000Z", "description": "By hand"}])

        told = self.ticket(tasks)

        assert (told.key, told.author.id, told.comments[0].author.id) == (
            "",
            "taskwarrior",
            "taskwarrior",
        )

    def test_attributes_of_users_are_told_by_their_name(self, tasks):
        """The job file may map them; this connector never sees how."""
        put(tasks, estimate=2.5, review="20261201T100000Z", until="20291201T000000Z")

        shown = self.ticket(tasks).fields

        assert (shown["estimate"], shown["review"]) == ("2.5", "2026-12-01T10:00:00Z")
        assert "until" not in shown

    def test_a_time_that_is_none_is_garbled(self, tasks):
        (tasks.folder / "tasks.json").write_text(
            json.dumps(
                {UUID: {"uuid": UUID, "description": "x", "status": "pending", "entry": "soon"}}
            )
        )
        with pytest.raises(Garbled, match="soon"):
            self.ticket(tasks)

    def test_a_name_is_never_a_filter(self, tasks):
        put(tasks)
        for name in ("status:pending", "", UUID[:8]):
            with pytest.raises(NotFound):
                tasks.connector.ticket(Ref(id=name))


class TestWriting:
    def test_what_has_no_row_stays(self, tasks):
        """An import replaces a task: whatever was not exported first would be gone."""
        put(tasks, until="20291201T000000Z", estimate="3", tags=["a"], project="Home")

        tasks.connector.apply(Update(ref=Ref(id=UUID), changes={"summary": "Another"}))

        task = held(tasks)
        assert (task["estimate"], task["until"], task["tags"]) == ("3", "20291201T000000Z", ["a"])

    def test_the_key_is_the_uuid_and_a_create_sent_again_changes_nothing(self, tasks):
        make = Create(ref=Ref(id=""), fields={"summary": "Once"}, key=UUID)
        assert tasks.connector.apply(make).ref.id == UUID
        tasks.edit(UUID, "summary", "Changed by hand")

        assert tasks.connector.apply(make).ref.id == UUID

        assert held(tasks)["description"] == "Changed by hand"

    def test_a_deleted_task_is_gone_and_takes_no_more_writes(self, tasks):
        put(tasks)
        tasks.connector.apply(Delete(ref=Ref(id=UUID)))

        assert isinstance(tasks.connector.ticket(Ref(id=UUID)), Gone)
        assert tasks.connector.find(Ref(id=""), UUID) is None
        with pytest.raises(Stale, match="deleted"):
            tasks.connector.apply(Update(ref=Ref(id=UUID), changes={"summary": "x"}))

    def test_closing_starting_and_opening(self, tasks):
        put(tasks)

        def status(word):
            tasks.connector.apply(Update(ref=Ref(id=UUID), changes={"status": word}))
            return {name for name in ("start", "end") if name in held(tasks)}

        assert [status(w) for w in ("started", "completed", "pending")] == [
            {"start"},
            {"end"},
            set(),
        ]

    @pytest.mark.parametrize(
        ("changes", "added"),
        [
            ({"summary": " "}, {}),
            ({"status": "deleted"}, {}),
            ({"due": "2026-13-01"}, {}),
            ({"wait": "soon"}, {}),
            ({}, {"tags": frozenset({"a,b"})}),
        ],
    )
    def test_what_would_crash_it_is_refused_before(self, tasks, changes, added):
        put(tasks)
        before = held(tasks)["description"]
        with pytest.raises(Rejected):
            tasks.connector.apply(Update(ref=Ref(id=UUID), changes=changes, added=added))
        assert held(tasks)["description"] == before

    def test_a_key_that_is_no_uuid_is_refused(self, tasks):
        with pytest.raises(Rejected, match="no uuid"):
            tasks.connector.apply(Create(ref=Ref(id=""), fields={"summary": "x"}, key="abc"))
        with pytest.raises(Rejected, match="description"):
            tasks.connector.apply(Create(ref=Ref(id=""), fields={}, key=UUID))

    def test_annotations_get_a_second_of_their_own_and_later_than_the_last(self, tasks):
        late = "20330101T000000Z"
        put(tasks, annotations=[{"entry": late, "description": "From the future"}])
        for text in ("one", "two"):
            ref = Ref(kind=COMMENT, id="", ticket=UUID)
            tasks.connector.apply(Create(ref=ref, fields={"body": text}, key=f"key-{text}"))

        told = tasks.connector.ticket(Ref(id=UUID)).comments

        assert [(c.body, c.key) for c in told[1:]] == [("one", "key-one"), ("two", "key-two")]
        gone = Ref(kind=COMMENT, id=f"{UUID}.20200101T000000Z", ticket=UUID)
        with pytest.raises(NotFound):
            tasks.connector.apply(Delete(ref=gone))

    def test_attributes_of_users_are_written_by_their_name(self, tasks):
        put(tasks)
        tasks.connector.apply(Update(ref=Ref(id=UUID), changes={"notes": "A text"}))
        assert held(tasks)["notes"] == "A text"
        tasks.connector.apply(Update(ref=Ref(id=UUID), changes={"notes": None}))
        assert "notes" not in held(tasks)

    def test_what_has_no_place_is_unsupported(self, tasks):
        put(tasks)
        for name in ("urgency", "prophethub", "no such"):
            with pytest.raises(Unsupported):
                tasks.connector.apply(Update(ref=Ref(id=UUID), changes={name: "x"}))
        with pytest.raises(Unsupported):
            tasks.connector.apply(Update(ref=Ref(id=UUID), added={"notes": frozenset("x")}))
        with pytest.raises(Unsupported):
            tasks.connector.content(Ref(kind="attachment", id="1"))
        with pytest.raises(Unsupported):
            tasks.connector.find(Ref(kind="attachment", id=""), "k")
        ref = Ref(kind=COMMENT, id="", ticket=UUID)
        with pytest.raises(Unsupported, match="private"):
            tasks.connector.apply(Create(ref=ref, fields={"body": "x"}, private=True))
        with pytest.raises(Rejected, match="without a text"):
            tasks.connector.apply(Create(ref=ref, fields={"body": " "}))


def test_describe_names_what_users_defined(tasks):
    put(tasks, estimate="3", project="Home")

    schema = tasks.connector.describe()

    assert (schema.product, schema.version, schema.projects) == ("Taskwarrior", "2.6.2", ("Home",))
    assert "estimate" in {field.name for field in schema.fields}
    assert not {"urgency", "prophethub"} & {field.name for field in schema.fields}


class TestTheCommand:
    def connector(self, folder, command, **settings):
        given = TaskwarriorSettings(url=str(folder), command=command, **settings)
        return Taskwarrior(given, Context(remote="tasks"))

    def test_as_a_program_of_its_own(self, tmp_path):
        """The fake behind a pipe, a taskrc in place of the folder, which stays as it is."""
        taskrc = tmp_path / "taskrc"
        taskrc.write_text(f"data.location={tmp_path}\n")
        command = f"'{sys.executable}' '{Path(fake.__file__)}'"
        connector = self.connector(taskrc, command)
        assert connector.whoami().id == "prophet-hub"
        text = 'Grüße 👩‍👩‍👧‍👦\nand \\ "quotes"'

        made = connector.apply(Create(ref=Ref(id=""), fields={"summary": text})).ref

        assert connector.ticket(made).fields["summary"] == text
        assert taskrc.read_text() == f"data.location={tmp_path}\n"

    def test_a_command_that_is_not_there_is_said(self, tmp_path):
        with pytest.raises(ConfigError, match="cannot be run"):
            self.connector(tmp_path, "no-such-task").whoami()

    def test_a_folder_that_is_not_there_is_not_made(self, tmp_path):
        with pytest.raises(Transient, match="not there"):
            self.connector(tmp_path / "x", "task").whoami()
        assert not (tmp_path / "x").exists()

    def test_a_zone_that_is_none_is_said(self, tmp_path):
        with pytest.raises(ConfigError, match="time zone"):
            self.connector(tmp_path, "task", time_zone="Nowhere/At_All")

    @pytest.mark.parametrize(
        ("script", "error"),
        [
            ("echo no json", Garbled),
            ("echo '[1]'", Garbled),
            ("echo why >&2; exit 2", Rejected),
        ],
    )
    def test_what_it_says_instead_is_understood(self, tmp_path, script, error):
        odd = tmp_path / "odd"
        odd.write_text(f"#!/bin/sh\n{script}\n")
        odd.chmod(odd.stat().st_mode | stat.S_IXUSR)
        with pytest.raises(error):
            list(self.connector(tmp_path, str(odd)).changed(Pull()))

    def test_a_crash_at_a_write_is_a_refusal(self, tasks):
        def crash(words, text):
            return (-11, "", "") if "import" in words else fake.call(words, text)

        tasks.connector.program.call = crash
        with pytest.raises(Rejected, match="-11"):
            tasks.connector.apply(Create(ref=Ref(id=""), fields={"summary": "x"}))

    @pytest.mark.skipif(not shutil.which("task"), reason="Taskwarrior is not installed")
    def test_no_read_changes_a_real_store(self, tmp_path):
        connector = self.connector(tmp_path, "task")
        connector.apply(Create(ref=Ref(id=""), fields={"summary": "x"}, key=UUID))
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

        list(connector.changed(Pull()))
        connector.ticket(Ref(id=UUID))

        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
