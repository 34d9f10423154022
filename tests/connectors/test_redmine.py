"""The connector for Redmine on a fake: the contract, and what is Redmine's alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from fakes.redmine import RedmineFake, RedmineTracker
from prophet_connectors.redmine import Redmine, RedmineSettings
from prophet_hub.errors import AuthFailed, ConfigError, Garbled, Rejected, Unsupported, Unsure
from prophet_hub.plugins import connector
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Connector,
    Context,
    Create,
    Delete,
    FieldChange,
    History,
    Operation,
    Person,
    Pull,
    Ref,
    SetChange,
    Ticket,
    Update,
    Value,
)  # fmt: skip
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.contract.checks import create, pull, read, remark
from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import within

URL = "http://redmine.example"


class RedmineSandbox(TrackerSandbox):
    """A fake of four tickets a page, on which bob is number 6."""

    person = "6"
    logins = ("7", "6")
    create_method = "POST|PUT"
    required: Mapping[str, Value] = {"project": "demo"}
    examples: Mapping[str, tuple[Value, Value]] = {
        "project": ("demo", "support"),
        "category": ("core", "docs"),
        "fixed_version": ("1.0", "2.0"),
        "done_ratio": ("30", "50"),
    }
    clearable = frozenset(
        {"description", "assigned_to", "due_date", "start_date", "estimated_hours", "category",
         "fixed_version", "done_ratio"}
    )  # fmt: skip
    refused = ("status", "nonsense")
    narrow = ("priority_id=4", "priority", "Urgent")

    def __init__(self, **settings: Any) -> None:
        self.redmine = RedmineTracker()
        self.fake = RedmineFake(self.redmine, most=4)
        self.settings = settings
        self.made: list[Redmine] = []

        def connecting(password: str, reachable: bool) -> Connector:
            told = RedmineSettings(
                url=URL if reachable else "http://127.0.0.1:9", api_key=password, **self.settings
            )
            self.made.append(Redmine(told, Context(remote="redmine", clock=ManualClock())))
            return self.made[-1]

        super().__init__(self.redmine, connecting, Faulty(self.fake))

    def edit_comment(self, ticket: str, comment: str, body: str) -> None:
        raise Absent("no list of Redmine tells that a note was edited")

    def delete_comment(self, ticket: str, comment: str) -> None:
        raise Absent("no list of Redmine tells that a note was edited")

    def merge(self, ticket: str, into: str) -> None:
        raise Absent("Redmine merges no tickets")

    def close(self) -> None:
        for one in self.made:
            one.close()


@pytest.fixture
def box() -> Iterator[RedmineSandbox]:
    made = RedmineSandbox()
    with within(made.faulty, URL):
        yield made
    made.close()


class TestRedmineOnAFake(ConnectorContract):
    """Keys are the last lines of descriptions."""

    may_skip = {  # noqa: RUF012 - as the base has it
        "no list of Redmine tells that a note was edited": "it is seen with the next change",
        "Redmine merges no tickets": "there is no such thing",
    }

    @pytest.fixture
    def sandbox(self, box: RedmineSandbox) -> RedmineSandbox:
        return box


class TestKeysInAField(ConnectorContract):
    """Where a custom field is configured, it carries the keys of tickets."""

    may_skip = TestRedmineOnAFake.may_skip

    @pytest.fixture
    def sandbox(self, box: RedmineSandbox) -> RedmineSandbox:
        box.settings = {"key_field": "HubID"}
        box.connector = box.connect()
        return box


ABOUT_KEYS = {
    "test_a_ticket_is_found_by_its_key",
    "test_a_lost_create_is_found_by_its_key",
    "test_what_was_created_is_read",
    "test_fields_are_those_of_the_table",
}
for _name in set(ConnectorContract.names()) - ABOUT_KEYS:
    setattr(TestKeysInAField, _name, None)


def _log(box: RedmineSandbox, since: int = 0) -> list[str]:
    """The requests that came, without what was asked of them."""
    return [f"{method} {path.split('?')[0]}" for method, path in box.script.log[since:]]


def _spent(box: RedmineSandbox, act: Callable[[], object]) -> list[str]:
    before = len(box.script.log)
    act()
    return _log(box, before)


def _refused(box: RedmineSandbox, operation: Operation) -> str:
    """Asserts that an operation is refused and that nothing was written for it."""
    before = len(box.script.log)
    with pytest.raises(Rejected) as caught:
        box.connector.apply(operation)
    assert not [line for line in _log(box, before) if not line.startswith("GET")]
    return str(caught.value)


def _changes(told: Ticket, field: str) -> list[FieldChange | SetChange]:
    return [c for event in told.events for c in event.changes if c.field == field]


class TestRequests:
    """What it costs."""

    def test_a_ticket_costs_one_request(self, box):
        """Files, notes and story with it; who and what is looked up once."""
        ticket = box.make(box.new())
        box.comment(ticket, "one")
        box.attach(ticket, "a.bin", b"abc")
        box.edit(ticket, "status", "Feedback")
        box.connector.ticket(Ref(id=ticket))

        cost = _spent(box, lambda: box.connector.ticket(Ref(id=ticket)))
        assert cost == [f"GET /issues/{ticket}.json"]

    def test_an_idle_pull_is_one_request(self, box):
        """Even with ten seconds read again."""
        box.make(box.new())
        box.settle()
        cursor = pull(box.connector).cursor

        assert _spent(box, lambda: pull(box.connector, cursor)) == ["GET /issues.json"]
        assert pull(box.connector, cursor).ids == []

    def test_writes_cost_what_they_must(self, box):
        """A field one; a status is looked at first; a note is looked for; a file in three."""
        ticket = box.make(box.new())
        ref = Ref(id=ticket)
        box.connector.apply(Update(ref=ref, changes={"priority": "High"}))
        box.connector.apply(Update(ref=ref, changes={"status": "Feedback"}))

        def cost(operation):
            return _spent(box, lambda: box.connector.apply(operation))

        one, save = f"GET /issues/{ticket}.json", f"PUT /issues/{ticket}.json"
        assert cost(Update(ref=ref, changes={"priority": "Low"})) == [save]
        assert cost(Update(ref=ref, changes={"status": "New"})) == [one, save]
        note = Ref(kind=COMMENT, id="", ticket=ticket)
        assert cost(Create(ref=note, fields={"body": "x"})) == [save, one]
        file = Create(ref=Ref(kind=ATTACHMENT, id="", ticket=ticket), fields={"name": "x"}, size=1,
                      content=lambda: iter([b"x"]))  # fmt: skip
        assert cost(file) == ["POST /uploads.json", save, one]


class TestWho:
    """The account, and what it may."""

    def test_it_is_a_connector_of_that_name(self):
        """Found by its entry point."""
        assert connector("redmine") is Redmine

    def test_a_wrong_key_reads_nothing(self, box):
        """An open site would answer it as a stranger."""
        ticket = box.make(box.new())
        stranger = box.connect(password="wrong horse")

        with pytest.raises(AuthFailed):
            stranger.ticket(Ref(id=ticket))
        with pytest.raises(AuthFailed):
            list(stranger.content(Ref(kind=ATTACHMENT, id="1", ticket=ticket)))

    def test_whoami_has_a_name_and_an_address(self, box):
        """By which people are matched."""
        me = box.connector.whoami()

        assert (me.id, me.name, me.email) == ("5", "Hub Example", "hub@example.org")

    @pytest.mark.parametrize("kind", ["ticket", "comment"])
    def test_what_is_private_is_not_sent_without_the_right_to_it(self, box, kind):
        """Redmine would pass over the flag, and show it to everybody."""
        ticket = box.make(box.new())
        box.fake.role -= {"set_issues_private", "set_notes_private"}
        ref = Ref(id="") if kind == "ticket" else Ref(kind=kind, id="", ticket=ticket)
        fields = box.new() if kind == "ticket" else {"body": "secret"}

        said = _refused(box, Create(ref=ref, fields=fields, private=True))
        assert "permission" in said
        box.fake.role = None  # no member: nobody says what strangers may do
        other = box.connect()
        with pytest.raises(Rejected):
            other.apply(Create(ref=ref, fields=fields, private=True))

    def test_a_note_that_came_out_in_public_is_taken_back(self, box):
        """The right to keep it private went after we had asked for it."""
        ticket = box.make(box.new())
        remark(box, ticket, "For us", private=True)
        box.fake.role -= {"set_notes_private"}
        with pytest.raises(Rejected, match="taken back"):
            remark(box, ticket, "For us too", private=True)

        assert [c.body for c in read(box, ticket).comments] == ["For us"]

    def test_a_private_ticket_is_one(self, box):
        """Made by us, and told."""
        made = box.connector.apply(Create(ref=Ref(id=""), fields=box.new(), private=True)).ref

        assert read(box, made.id).private is True

    def test_an_edit_without_the_right_to_it_is_refused(self, box):
        """Redmine would answer 204."""
        ticket = box.make(box.new())
        box.fake.role -= {"edit_issues"}
        said = _refused(box, Update(ref=Ref(id=ticket), changes={"status": "Closed"}))

        assert "edit" in said

    def test_a_note_that_was_not_kept_is_said(self, box):
        """It was passed over with 204."""
        ticket = box.make(box.new())
        box.fake.role -= {"add_issue_notes"}
        note = Create(ref=Ref(kind=COMMENT, id="", ticket=ticket), fields={"body": "x"})

        with pytest.raises(Rejected, match="kept no comment"):
            box.connector.apply(note)

    def test_others_are_written_for_where_that_is_set(self, box):
        """With an administrator's key; whom the site does not know, our account writes for."""
        box.fake.admin = True
        box.settings = {"impersonate": True}
        box.connector = box.connect()
        assert box.connector.capabilities.impersonation
        eve, nobody = Person(id="8", name="Eve"), Person(id="99")
        made = box.connector.apply(Create(ref=Ref(id=""), fields=box.new(), author=eve)).ref
        note = Ref(kind=COMMENT, id="", ticket=made.id)
        box.connector.apply(Create(ref=note, fields={"body": "hers"}, author=eve))
        box.connector.apply(Create(ref=note, fields={"body": "ours"}, author=nobody))
        told = read(box, made.id)

        assert told.author.id == "8"
        assert {c.body: c.author.id for c in told.comments} == {"hers": "8", "ours": "5"}

    def test_a_login_and_password_do_too(self):
        """By Basic; two factors have a key alone."""
        settings = RedmineSettings(url=URL, user="hub", password="correct horse")
        one = Redmine(settings, Context(remote="r"))

        assert "correct horse" not in repr(one.http)
        one.close()


class TestRefused:
    """What Redmine would pass over without a word."""

    def test_a_status_out_of_reach(self, box):
        """With what is in reach as the hint."""
        ticket = box.make(box.new())
        box.edit(ticket, "status", "Rejected")
        said = _refused(box, Update(ref=Ref(id=ticket), changes={"status": "Closed"}))

        assert "It leads to New" in said
        assert read(box, ticket).reachable == {"Rejected", "New"}

    def test_a_blocked_ticket_is_not_closed(self, box):
        """Its offer says so."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        box.edit(two, "blocked", frozenset({one}))

        assert "Closed" not in read(box, two).reachable
        _refused(box, Update(ref=Ref(id=two), changes={"status": "Closed"}))

    @pytest.mark.parametrize(
        "changes",
        [
            {"status": "nonsense"},
            {"project": "nowhere"},
            {"tracker": "Epic"},
            {"category": "nonsense"},
            {"subject": "none"},
            {"description": "none"},
            {"subject": None},
            {"priority": None},
            {"assigned_to": "jesse"},
            {"estimated_hours": "an hour"},
            {"CF.{Nobody}": "x"},
            {"spent_hours": "30"},
        ],
    )
    def test_a_value_that_it_does_not_take(self, box, changes):
        """Known before, so nothing is sent."""
        ticket = box.make(box.new())
        _refused(box, Update(ref=Ref(id=ticket), changes=changes))

    def test_a_tracker_that_the_project_has_not(self, box):
        """It is one of the site's all the same."""
        box.fake.lacking = "Support"
        ticket = box.make(box.new())

        _refused(box, Update(ref=Ref(id=ticket), changes={"tracker": "Support"}))

    def test_sets_that_it_does_not_take(self, box):
        """One parent, of one's own."""
        one, two, three = (box.make(box.new(n)) for n in range(3))
        ref = Ref(id=three)
        _refused(box, Update(ref=ref, added={"parent": frozenset({one, two})}))
        _refused(
            box, Update(ref=ref, added={"blocked": frozenset({"https://elsewhere.example/1"})})
        )
        _refused(box, Update(ref=ref, added={"children": frozenset({one})}))

    def test_the_text_none_is_a_title_at_birth(self, box):
        """A create takes it as it is."""
        made = create(box, more={"subject": "none"})

        assert read(box, made.id).fields["subject"] == "none"

    @pytest.mark.parametrize("body", ["none", " \n ", ""])
    def test_a_comment_of_nothing(self, box, body):
        """Nothing would be kept of it."""
        ticket = box.make(box.new())
        _refused(box, Create(ref=Ref(kind=COMMENT, id="", ticket=ticket), fields={"body": body}))
        if body != "none":
            made = remark(box, ticket, "first")
            _refused(box, Update(ref=made, changes={"body": body}))

    def test_a_ticket_without_a_project(self, box):
        """Unless the settings name one."""
        assert "project" in _refused(box, Create(ref=Ref(id=""), fields={"subject": "x"}))
        box.settings = {"project": "support"}
        mine = box.connect()
        made = mine.apply(Create(ref=Ref(id=""), fields={"subject": "x"})).ref

        assert mine.ticket(made).fields["project"] == "support"
        assert pull(mine).ids == [made.id]

    def test_a_parent_is_not_deleted(self, box):
        """Its subtasks would go with it."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        box.edit(two, "parent", frozenset({one}))

        assert "subtasks" in _refused(box, Delete(ref=Ref(id=one)))

    def test_a_private_file(self, box):
        """There is no such thing."""
        ticket = box.make(box.new())
        ref = Ref(kind=ATTACHMENT, id="", ticket=ticket)
        fields = {"name": "x"}
        _refused(box, Create(ref=ref, fields=fields, private=True, content=lambda: iter(())))

    def test_a_second_relation_of_two_tickets(self, box):
        """Redmine keeps one."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        box.edit(one, "relates", frozenset({two}))
        with pytest.raises(Rejected):
            box.connector.apply(Update(ref=Ref(id=one), added={"blocks": frozenset({two})}))

        told = box.connector.apply(
            Update(ref=Ref(id=one), added={"blocks": frozenset({two})},
                   removed={"relates": frozenset({two})})
        )  # fmt: skip
        assert told.notes == ()
        assert read(box, two).fields["blocked"] == {one}

    def test_what_fails_after_something_was_done_is_a_note(self, box):
        """The ticket is made, a relation of it is not."""
        made = box.connector.apply(
            Create(ref=Ref(id=""), fields={**box.new(), "relates": frozenset({"999"})})
        )

        assert "Related issue" in made.notes[0]
        assert "relates" not in read(box, made.ref.id).fields

    def test_a_file_above_the_limit(self, box):
        """Where the settings tell it."""
        ticket = box.make(box.new())
        box.settings = {"attachment_limit": 3}
        one = box.connect()
        big = Create(ref=Ref(kind=ATTACHMENT, id="", ticket=ticket), fields={"name": "x"}, size=4)

        with pytest.raises(Unsupported):
            one.apply(big)


class TestStory:
    """What journals mean."""

    def test_numbers_become_words(self, box):
        """Of lists, and of projects where a ticket was before."""
        ticket = box.make({**box.new(), "category": "core"})
        for field, value in (("project", "support"), ("tracker", "Feature")):
            box.edit(ticket, field, value)
        moved = {"user": {"id": 6, "name": "Bob"}, "created_on": "2023-11-14T22:13:21Z"}
        one = {"property": "attr", "name": "category_id", "old_value": "1", "new_value": "2"}
        two = {"property": "attr", "name": "status_id", "old_value": "77", "new_value": "1"}
        box.fake.telling[ticket] = [{**moved, "id": 0, "details": [one, two]}]
        told = read(box, ticket)

        assert [(c.field, c.old, c.new) for e in told.events for c in e.changes] == [
            ("category", "core", "docs"),
            ("status", "#77", "New"),
            ("project", "demo", "support"),
            ("tracker", "Bug", "Feature"),
        ]

    @pytest.mark.parametrize(
        "detail",
        [
            {"property": "attr", "name": "is_private", "old_value": "0", "new_value": "1"},
            {"property": "cf", "name": "99", "old_value": "a", "new_value": "b"},
            {"property": "relation", "name": "clones", "old_value": None, "new_value": "7"},
            {"property": "attr", "name": "estimated_hours", "old_value": "0.02",
             "new_value": "0.0167"},
            {"property": "attr", "name": "priority_id"},
        ],
    )  # fmt: skip
    def test_what_is_no_change_of_a_field_is_no_event(self, box, detail):
        """Attributes that are none here, fields that nobody knows, less than a minute."""
        ticket = box.make(box.new())
        made_up = {"id": 0, "created_on": "2023-11-14T22:13:20Z", "details": [detail]}
        box.fake.telling[ticket] = [made_up]

        assert read(box, ticket).events == ()

    def test_a_set_of_choices_is_one_change(self, box):
        """Redmine writes a line per value."""
        ticket = box.make(box.new())
        box.redmine.update("6", ticket, {"CF.{Tags}": frozenset({"alpha", "beta"})})
        box.connector.ticket(Ref(id=ticket))
        name = "CF.{Tags}"
        box.connector.apply(
            Update(ref=Ref(id=ticket), added={name: frozenset({"gamma"})},
                   removed={name: frozenset({"alpha"})})
        )  # fmt: skip
        told = read(box, ticket)

        assert told.fields[name] == {"beta", "gamma"}
        assert _changes(told, name)[-1] == SetChange(
            field=name, added=frozenset({"gamma"}), removed=frozenset({"alpha"})
        )

    def test_a_custom_field_of_one_value(self, box):
        """Set at birth, changed, cleared."""
        name = "CF.{Severity}"
        box.make(box.new())
        made = create(box, more={name: "high"})
        for value in ("low", None):
            box.connector.apply(Update(ref=made, changes={name: value}))
        told = read(box, made.id)

        assert [(c.old, c.new) for c in _changes(told, name)] == [("high", "low"), ("low", None)]
        assert name not in told.fields

    def test_both_ends_of_a_relation_tell_it(self, box):
        """In journals of their own; the lists do not tell that a ticket changed by it."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        box.connector.apply(Update(ref=Ref(id=two), added={"blocked": frozenset({one})}))

        assert read(box, one).fields["blocks"] == {two}
        assert _changes(read(box, one), "blocks") == [
            SetChange(field="blocks", added=frozenset({two}))
        ]
        box.connector.apply(Update(ref=Ref(id=two), removed={"blocked": frozenset({one})}))
        assert "blocks" not in read(box, one).fields

    def test_a_relation_is_what_happened_last(self, box):
        """Though `updated_on` stays, a ticket's story does not go on after its end."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        box.advance(90)
        box.connector.apply(Update(ref=Ref(id=two), added={"blocked": frozenset({one})}))

        told = read(box, one)
        assert told.updated == told.events[-1].created > told.created

    def test_nobody_said_when_it_starts(self, box):
        """Redmine would take the day of the create for it."""
        assert "start_date" not in read(box, create(box).id).fields

    def test_a_status_that_no_ticket_is_born_in_comes_after(self, box):
        """By a save of its own."""
        made = box.connector.apply(
            Create(ref=Ref(id=""), fields={**box.new(), "status": "Feedback"})
        )

        assert read(box, made.ref.id).fields["status"] == "Feedback"

    def test_a_file_that_went_leaves_a_journal_that_says_nothing_of_fields(self, box):
        """It is no comment either."""
        ticket = box.make(box.new())
        box.attach(ticket, "a.txt", b"a")
        file = read(box, ticket).attachments[0]
        assert file.event
        box.connector.apply(Delete(ref=file.ref))
        told = read(box, ticket)

        assert (told.attachments, told.comments, told.events) == ((), (), ())

    def test_hours_are_minutes(self, box):
        """Seven hours and a bit, there and back."""
        made = create(box, more={"estimated_hours": "437"})
        box.connector.apply(Update(ref=made, changes={"estimated_hours": "20"}))
        told = read(box, made.id)

        assert told.fields["estimated_hours"] == "20"
        assert [(c.old, c.new) for c in _changes(told, "estimated_hours")] == [("437", "20")]

    def test_hours_spent_are_told_where_that_is_set(self, box):
        """They have no history, and the promise says so."""
        ticket = box.make(box.new())
        box.redmine.spent[ticket] = 1.5
        assert "spent_hours" not in read(box, ticket).fields
        box.settings = {"spent_hours": True}
        box.connector = box.connect()

        assert read(box, ticket).fields["spent_hours"] == "90"
        assert box.connector.capabilities.history is History.PARTIAL

    def test_people_without_an_account_have_a_number(self, box):
        """A user who was deleted, and one whom the site does not show."""
        ticket = box.make({**box.new(), "assigned_to": "8"})
        del box.redmine.users["8"]
        box.redmine.users["8"] = Person(id="8", name="Eve Gone")
        told = read(box, ticket)

        assert told.people["8"].name == "Eve Gone"


class TestKeys:
    """Where the hub's key stands."""

    def test_the_description_is_told_without_it(self, box):
        """And keeps it when another one is written."""
        key = box.key()
        made = create(box, key=key, more={"description": "As it was"})
        box.connector.apply(Update(ref=made, changes={"description": "As it is"}))
        told = read(box, made.id)

        assert (told.fields["description"], told.key) == ("As it is", key)
        assert [(c.old, c.new) for c in _changes(told, "description")] == [
            ("As it was", "As it is")
        ]
        box.connector.apply(Update(ref=made, changes={"description": None}))
        told = read(box, made.id)
        assert ("description" in told.fields, told.key) == (False, key)

    def test_a_person_who_takes_it_away_changes_nothing_else(self, box):
        """The story does not tell of it."""
        made = create(box, key=box.key(), more={"description": "Text"})
        box.edit(made.id, "description", "Text")
        told = read(box, made.id)

        assert (told.key, told.fields["description"]) == ("", "Text")
        assert told.events == ()

    def test_a_key_that_somebody_changes_is_no_event(self, box):
        """It is nobody's field."""
        box.settings = {"key_field": "HubID"}
        box.connector = box.connect()
        ticket = box.make(box.new())
        box.edit(ticket, "CF.{HubID}", "by hand")
        told = read(box, ticket)

        assert (told.key, told.events) == ("by hand", ())
        assert "CF.{HubID}" not in told.fields

    def test_a_field_that_is_no_filter_is_said(self, box):
        """A list would show everything, and the key would seem to be nobody's."""
        for n in range(5):
            box.make(box.new(n))
        box.settings = {"key_field": "HubID"}
        box.connector = box.connect()
        box.fake.filtered = False

        with pytest.raises(Rejected, match="filter"):
            box.connector.find(Ref(id=""), box.key())

    def test_a_field_that_is_not_there_is_said(self, box):
        """But for a site without a ticket, which shows none of its fields."""
        box.settings = {"key_field": "Typo"}
        box.connector = box.connect()
        first = create(box, key="first-key")
        assert read(box, first.id).key == "first-key"
        assert box.connector.find(Ref(id=""), "first-key") == first

        with pytest.raises(Rejected, match="Typo"):
            create(box, key=box.key())

    def test_a_field_may_be_named_by_its_number(self, box):
        """On a site without a ticket, too; administrators are shown the list."""
        box.settings = {"key_field": "1"}
        box.connector = box.connect()
        made = create(box, key="a-key")

        assert box.redmine.items[made.id].fields["CF.{HubID}"] == "a-key"
        assert (read(box, made.id).key, read(box, made.id).events) == ("a-key", ())
        box.fake.admin = True
        box.settings = {"key_field": "HubID"}
        assert box.connect().find(Ref(id=""), "a-key") == made

    def test_no_key_is_looked_for_in_comments(self, box):
        """They carry none."""
        with pytest.raises(Unsupported):
            box.connector.find(Ref(kind=COMMENT, id="", ticket="1"), "x")


class TestCursor:
    """What changed, by a list that is exact to a second."""

    def test_more_than_a_page_in_one_second(self, box):
        """There each page goes over half of the one before again."""
        made = [box.make(box.new(n)) for n in range(23)]

        told = pull(box.connector)
        assert set(told.ids) == set(made)
        box.settle()
        assert pull(box.connector, told.cursor).ids != []
        assert pull(box.connector, pull(box.connector, told.cursor).cursor).ids == []

    def test_what_the_list_tells_besides_is_not_told(self, box):
        """It begins most of a second before the one asked for."""
        box.settings = {"overlap": 0}
        box.connector = box.connect()
        for n in range(2):
            box.make(box.new(n))
            box.advance(1)
        box.settle()
        cursor = pull(box.connector).cursor

        assert pull(box.connector, cursor).ids == []

    def test_without_a_clock_the_newest_second_is_let_end(self, box):
        """Nobody dates Redmine's answers where nothing stands before it."""
        box.fake.tells_time = False
        ticket = box.make(box.new())
        clock = box.connector.http.clock
        begun = clock.now()
        told = pull(box.connector)

        assert told.ids == [ticket]
        assert clock.now() - begun > timedelta(seconds=2)
        begun = clock.now()
        assert pull(box.connector, told.cursor).ids == []
        assert clock.now() == begun

    def test_a_query_narrows_changes_too(self, box):
        """One that was told and leaves it is told once more; strangers are not."""
        ours, left, other = (box.make({**box.new(), "priority": "Urgent"}) for _ in range(3))
        box.settle()
        cursor = pull(box.connector).cursor
        box.settle()
        for ticket in (ours, left, other):
            box.edit(ticket, "subject", "changed")
        for ticket in (left, other):
            box.edit(ticket, "priority", "Low")
        asked = Pull(since=cursor, query="priority_id=4", known={ours, left}.__contains__)
        told = [item.id for item in box.connector.changed(asked) if isinstance(item, Ref)]

        assert told == [ours, left]

    @pytest.mark.parametrize("query", ["query_id=5", "updated_on=>=2020-01-01", "priority = 4"])
    def test_a_term_that_would_be_passed_over_is_refused(self, box, query):
        """Redmine would list everything."""
        with pytest.raises(Rejected, match="passes over"):
            pull(box.connector, query=query)

    def test_a_status_of_the_query_is_the_one_asked_for(self, box):
        """Closed ones are asked for otherwise."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        box.edit(two, "status", "Closed")

        assert set(pull(box.connector).ids) == {one, two}
        assert pull(box.connector, query="status_id=open").ids == [one]
        assert pull(box.connector, query="cf_2=x&status_id=*").ids == []

    @pytest.mark.parametrize("body", ["[]", '{"issues": 7}', '{"issues": [{"x": 1}]}', "{}"])
    def test_an_answer_of_another_shape_is_garbled(self, box, body):
        """Not a KeyError."""
        box.connector.whoami()

        def other(environ, start):
            start("200 OK", [("Content-Type", "application/json")])
            return [body.encode()]

        box.faulty.app = other
        with pytest.raises(Garbled):
            pull(box.connector)
        with pytest.raises(Garbled):
            box.connector.ticket(Ref(id="1"))

    def test_a_create_whose_answer_is_no_ticket_is_unsure(self, box):
        """It may be there."""
        box.connector.apply(Create(ref=Ref(id=""), fields=box.new()))
        box.inject(Fault(what=What.GARBLED, method="POST"))

        with pytest.raises(Unsure):
            create(box)
        assert len(box.redmine.items) == 2


class TestFound:
    """The tracker as found."""

    def test_ways_are_those_of_the_newest_tickets(self, box):
        """One of each status is asked where it may go."""
        box.make(box.new(1))
        box.edit(box.make(box.new(2)), "status", "Rejected")
        told = box.connector.describe()

        assert told.transitions["Rejected"] == ("New",)
        assert "Closed" in told.transitions["New"]
        assert told.permissions == {"read", "create", "update", "comment", "attach", "delete"}
        assert told.projects == ("demo", "support")
        assert told.notes

    def test_administrators_are_shown_the_custom_fields(self, box):
        """With their choices, and which of them a ticket must have."""
        box.fake.admin = True
        told = box.connect().describe()

        found = {field.name: field for field in told.fields}
        assert found["CF.{Tags}"].values == ("alpha", "beta", "gamma")
        assert found["CF.{Tags}"].many
        assert told.notes == ()

    def test_what_every_ticket_must_have_each_status_demands(self, box):
        """A save without it is refused, whatever it is for."""
        box.fake.admin = True
        box.fake.demands = frozenset({"Severity"})
        told = box.connect().describe()

        assert set(told.requires) == set(told.statuses)
        assert told.requires["New"] == ("CF.{Severity}",)


class TestMarkup:
    """What texts are in."""

    @pytest.mark.parametrize(
        ("setting", "dialect"),
        [("textile", "textile"), ("markdown", "markdown"), ("common_mark", "markdown")],
    )
    def test_the_site_says_which(self, box, setting, dialect):
        """For what is read and what is written."""
        box.settings = {"markup": setting}
        box.connector = box.connect()
        ticket = box.make(box.new())
        box.comment(ticket, "x")
        told = read(box, ticket)

        assert box.connector.capabilities.dialects == (dialect,)
        assert (told.dialect, told.comments[0].dialect) == (dialect, dialect)

    def test_another_is_refused(self, box):
        """With those that there are."""
        box.settings = {"markup": "html"}
        with pytest.raises(ConfigError, match="common_mark"):
            box.connect()

    def test_tickets_are_referred_to_by_number_and_address(self, box):
        """With one sharp or two, which shows the title besides."""
        text = f"see #12, ##13, {URL}/issues/14#note-3, r15 and a#16"
        found: list[str] = []

        def seen(ticket: str, as_found: str) -> str:
            found.append(ticket)
            return as_found

        assert box.connector.references.put(text, seen) == text
        assert found == ["12", "13", "14"]
