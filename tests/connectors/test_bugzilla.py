"""The connector for Bugzilla on a fake of two dialects: the contract, and what is Bugzilla's alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from fakes.bugzilla import CLOSED, KNOBS, NOBODY, REQUIRED, WAYS, BugzillaFake, BugzillaTracker
from prophet_connectors._bugzilla_fields import fields_for
from prophet_connectors._bugzilla_story import Words, events_of
from prophet_connectors.bugzilla import Bugzilla, BugzillaSettings
from prophet_hub.errors import (
    AuthFailed,
    ConfigError,
    Garbled,
    NotFound,
    RateLimited,
    Rejected,
    Stale,
    Unsupported,
)
from prophet_hub.plugins import connector as named
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Checkpoint,
    Connector,
    Context,
    Create,
    FieldChange,
    Person,
    Pull,
    Ref,
    SetChange,
    Ticket,
    Update,
    Value,
)
from prophet_hub.sdk.closing import parted
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.contract.checks import pieces, pull, read, remark, update
from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import within

URL = "http://bugzilla.example"
HOURS = ("estimated_time", "remaining_time")
MAY_SKIP = MappingProxyType({
    "this sandbox cannot merge tickets": "Bugzilla merges nothing",
    "Bugzilla takes no empty file": "it refuses them",
})  # fmt: skip


class BugzillaSandbox(TrackerSandbox):
    """A fake of four bugs a page."""

    required: Mapping[str, Value] = REQUIRED
    clearable = frozenset({
        "assigned_to", "deadline", "priority", "target_milestone", "whiteboard", "url",
        "qa_contact", "estimated_time",
    })  # fmt: skip
    refused = ("status", "NONSENSE")
    examples: Mapping[str, tuple[Value, Value]] = {
        "product": ("Other", "TestProduct"),
        "target_milestone": ("M1", "M2"),
        "status": ("UNCONFIRMED", "RESOLVED FIXED"),
        "severity": ("critical", "minor"),
        "type": ("defect", "task"),
    }
    narrow = ("component=Engine", "component", "Engine")

    def __init__(self, flavour: str = "bugzilla", **settings: object) -> None:
        self.bugs = BugzillaTracker(KNOBS)
        self.fake = BugzillaFake(self.bugs, flavour=flavour, most=4)
        self.settings = settings
        if flavour == "bmo":
            more = {"severity": ("S1", "S4")}
            self.examples = {**self.examples, **more}
            self.required = {**REQUIRED, "type": "defect"}

        def connector(password: str, reachable: bool) -> Connector:
            given = {"user": "hub", "nobody": NOBODY, "page": 4, **self.settings}
            where = URL if reachable else "http://127.0.0.1:9"
            made = BugzillaSettings(url=where, api_key=password, flavour=flavour, **given)
            return Bugzilla(made, Context(remote="bugs", clock=ManualClock()))

        super().__init__(self.bugs, connector, Faulty(self.fake))

    def inward(self, field: str, value: Value | None) -> tuple[str, Value | None]:
        if field in HOURS and isinstance(value, str):
            return field, f"{int(value) / 60:.2f}"
        return field, value

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        """A status brings its resolution, and so does the bug that is repeated."""
        row = self.connector.fields.theirs(field)
        if row is not None and not row.writable:
            raise Absent(f"{field} is nothing that a person edits")
        if field == "dupe_of":
            closing = {"status": "RESOLVED", "resolution": "DUPLICATE"}
            self.bugs.update(self.person, ticket, {**closing, "dupe_of": value})
        elif field == "status":
            status, resolution = parted(str(value), CLOSED)
            none: frozenset[str] = frozenset()
            changes = {"status": status, "resolution": resolution or None, "dupe_of": none}
            self.bugs.update(self.person, ticket, changes)
        else:
            super().edit(ticket, field, value)

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        if not data:
            raise Absent("Bugzilla takes no empty file")
        return super().attach(ticket, name, data)

    def merge(self, ticket: str, into: str) -> None:
        raise Absent("this sandbox cannot merge tickets")


def opened(flavour: str, **settings: object) -> Iterator[BugzillaSandbox]:
    box = BugzillaSandbox(flavour, **settings)
    assert box.faulty
    with within(box.faulty, URL):
        yield box
    box.connector.close()


class TestBugzillaOnAFake(ConnectorContract):
    """5.0 and 5.2: the key is a parameter."""

    may_skip = MAY_SKIP

    @pytest.fixture
    def sandbox(self) -> Iterator[BugzillaSandbox]:
        yield from opened("bugzilla")


class TestBmoOnAFake(ConnectorContract):
    """Mozilla's: the key is a header, an alias is no list, texts are Markdown."""

    may_skip = MAY_SKIP

    @pytest.fixture
    def sandbox(self) -> Iterator[BugzillaSandbox]:
        yield from opened("bmo")


@pytest.fixture
def box() -> Iterator[BugzillaSandbox]:
    yield from opened("bugzilla")


def with_settings(box: BugzillaSandbox, **settings: object) -> Connector:
    """Another connector to the same fake; the sandbox closes it."""
    box.settings = settings
    box.connector.close()
    box.connector = box.connect()
    return box.connector


def asked(box: BugzillaSandbox) -> list[str]:
    """What was asked since the last time, without the queries."""
    paths = [f"{m} {p.split('?')[0].removeprefix('/rest/')}" for m, p in box.script.log]
    box.script.log.clear()
    return paths


class TestRequests:
    """What reading costs."""

    def test_a_page_costs_as_much_as_a_ticket(self, box):
        """History, comments and files of all the bugs of a page come together."""
        made = [box.make(box.new(n)) for n in range(4)]
        with_settings(box, page=100)
        pull(box.connector)
        box.settle()
        for ticket in made:
            box.comment(ticket, "More")
        asked(box)
        told = pull(box.connector)
        assert {item.ref.id for item in told.items if isinstance(item, Ticket)} == set(made)
        first = made[0]
        parts = [f"GET bug/{first}/{part}" for part in ("history", "comment", "attachment")]
        assert asked(box) == ["GET time", "GET bug", *parts]
        box.connector.ticket(Ref(id=first))
        assert asked(box) == [f"GET bug/{first}", *parts]

    def test_an_idle_pull_is_two_requests(self, box):
        """The clock, and a listing of the last minute."""
        box.make(box.new())
        box.settle()
        cursor = pull(box.connector).cursor
        asked(box)
        assert pull(box.connector, cursor).ids == []
        assert asked(box) == ["GET time", "GET bug"]

    def test_a_bug_that_was_hidden_meanwhile_does_not_spoil_the_page(self, box):
        """Asked for such a one, the server tells of none of them."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        hide = Fault(what=What.STRANGER, path="history", act=lambda: box.hide(one))
        box.inject(hide)
        told = pull(box.connector)
        assert [i for i in told.items if isinstance(i, Ref)] == [Ref(id=one), Ref(id=two)]

    def test_a_key_stands_in_no_address_of_a_write(self, box):
        """Addresses are logged by servers and proxies; a read has no other place in 5.0."""
        made = box.connector.apply(Create(ref=Ref(id=""), fields=box.new()))
        update(box, made.ref.id, "summary", "Another")
        remark(box, made.ref.id, "A remark")
        writes = [path for method, path in box.script.log if method != "GET"]
        assert len(writes) == 3
        assert not [path for path in writes if "horse" in path]

    def test_a_header_keeps_the_key_out_of_all(self):
        """Where the server takes one."""
        for box in opened("bmo"):
            ticket = box.make(box.new())
            pull(box.connector)
            read(box, ticket)
            assert not [path for _, path in box.script.log if "horse" in path]


class TestCredentials:
    """Who is a guest is told so."""

    def test_a_key_where_nobody_looks_is_no_key(self, box):
        """5.0 ignores the header and shows to the guest what is public: that is no pull."""
        box.fake.flavour = "bugzilla"
        given = BugzillaSettings(url=URL, flavour="redhat", user="hub", api_key="correct horse")
        other = Bugzilla(given, Context(remote="other", clock=ManualClock()))
        with pytest.raises(AuthFailed, match="guest"):
            list(other.changed(Pull()))
        other.close()

    def test_a_user_is_needed(self, box):
        """A key does not say whose it is."""
        with pytest.raises(AuthFailed, match="no user"):
            with_settings(box, user="").whoami()

    def test_another_flavour_is_a_mistake_of_the_configuration(self, box):
        """Said before any request."""
        with pytest.raises(ConfigError, match="flavour"):
            Bugzilla(BugzillaSettings(url=URL, flavour="trac"), Context(remote="bugs"))

    def test_the_hub_finds_it(self):
        """By its name."""
        assert named("bugzilla") is Bugzilla

    @pytest.mark.parametrize(
        ("code", "said", "kind"),
        [
            (410, "You must log in.", AuthFailed),
            (32000, "You have exceeded the rate limit.", RateLimited),
            (102, "You are not authorized to access bug #1.", NotFound),
            (100500, "Something else.", Rejected),
        ],
    )
    def test_codes_have_meanings(self, box, code, said, kind):
        """Whatever the status is."""

        def refuse(environ, start):
            start("400 Bad", [("Content-Type", "application/json")])
            return [json.dumps({"error": True, "code": code, "message": said}).encode()]

        box.faulty.app = refuse
        with pytest.raises(kind, match=said[:10] if kind is not RateLimited else "pause"):
            box.connector.ticket(Ref(id="1"))

    @pytest.mark.parametrize("body", ["[]", '{"bugs": [{"id": 1}]}', '{"bugs": 7}', "{}"])
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


class TestListing:
    """Pages by time."""

    def test_more_than_a_page_within_one_second(self, box):
        """Is walked by number; what follows is told too."""
        made = [box.make(box.new(n)) for n in range(11)]
        box.advance(1)
        made += [box.make(box.new(n)) for n in range(3)]
        assert pull(box.connector).ids == made

    def test_a_query_narrows_and_those_that_leave_are_told(self, box):
        """The change by which a bug left closed it, perhaps; of strangers nothing is told."""
        ours, other = box.make(box.new(1)), box.make(box.new(2))
        query = "status=CONFIRMED"
        cursor = pull(box.connector, query=query).cursor
        box.settle()
        for ticket in (ours, other):
            box.edit(ticket, "status", "RESOLVED FIXED")
        assert pull(box.connector, cursor, query).ids == []
        told = list(
            box.connector.changed(Pull(since=cursor, query=query, known={ours}.__contains__))
        )
        assert told[:-1] == [Ref(id=ours)]
        again = Pull(since=told[-1].cursor, query=query, known={ours}.__contains__)
        box.settle()
        list(box.connector.changed(again))
        box.settle()
        assert isinstance(told[-1], Checkpoint)

    def test_a_product_may_be_set(self, box):
        """For reading and for creating."""
        other = box.make(box.new())
        mine = with_settings(box, product="Other", component="Engine", version="1.0")
        made = mine.apply(Create(ref=Ref(id=""), fields={"summary": "There"})).ref
        told = read(box, made.id).fields
        assert (told["product"], told["component"], told["version"]) == ("Other", "Engine", "1.0")
        assert pull(mine).ids == [made.id]
        assert other not in pull(mine, query="status=CONFIRMED").ids

    @pytest.mark.parametrize(
        "query", ["quicksearch=crash", "order=bug_id", "j_top=OR&a=b", "words"]
    )
    def test_a_query_that_would_undo_the_walk_is_refused(self, box, query):
        """A quicksearch replaces all that is said besides."""
        with pytest.raises(Rejected, match="not understood"):
            pull(box.connector, query=query)


def story(now: Mapping[str, Value], *entries: tuple[str, str, list[tuple]]):
    """The changes that history entries tell, oldest first."""
    rows = fields_for("bugzilla")
    words = Words(
        [row.theirs for row in rows],
        [row.theirs for row in rows if row.kind.many],
        nobody=NOBODY,
        url=URL,
    )
    history = [
        {
            "when": when,
            "who": who,
            "changes": [
                dict(zip(("field_name", "removed", "added"), row, strict=True)) for row in rows_
            ],
        }
        for when, who, rows_ in entries
    ]
    return events_of(history, now, words, lambda login: Person(id=login))


T1, T2 = "2026-11-20T10:00:00Z", "2026-11-20T10:00:01Z"


class TestStory:
    """What history means."""

    def test_two_changes_of_a_second_are_two(self):
        """The server joins them with a blank; the present tells them apart."""
        told = story({"summary": "a b"}, (T1, "bob", [("summary", "a b c d", "c d a b")]))
        assert [e.changes for e in told] == [
            (FieldChange(field="summary", old="a b", new="c d"),),
            (FieldChange(field="summary", old="c d", new="a b"),),
        ]
        assert [e.id for e in told] == [f"{T1} bob 1", f"{T1} bob 2"]

    def test_long_values_come_in_pieces(self, box):
        """Of 254 characters, joined with blanks that were not there."""
        long = "-".join(["word"] * 200)
        ticket = box.make({**box.new(), "whiteboard": "short"})
        for value in (long, "end"):
            box.advance(1)
            box.edit(ticket, "whiteboard", value)
        steps = [c for e in read(box, ticket).events for c in e.changes]
        assert [c.field for c in steps] == ["whiteboard", "whiteboard"]
        assert (steps[0].old, steps[1].new) == ("short", "end")
        assert steps[0].new == steps[1].old
        assert str(steps[0].new).replace(" ", "") == long

    def test_who_comes_and_leaves_within_a_second_did_not(self):
        """Both sides name them."""
        told = story({"cc": frozenset({"a", "b"})}, (T1, "bob", [("cc", "c", "a, b, c")]))
        assert [e.changes for e in told] == [(SetChange(field="cc", added=frozenset({"a", "b"})),)]

    def test_a_login_that_changed_since_is_no_change(self):
        """History has old logins, the bug has the new one."""
        told = story({"cc": frozenset({"new@x"})}, (T1, "bob", [("cc", "", "old@x")]))
        assert told == ()

    def test_hours_of_comments_add_up(self):
        """Each entry tells what was added."""
        told = story(
            {"actual_time": "90"},
            (T1, "bob", [("work_time", "", "0.50 0.50")]),
            (T2, "bob", [("work_time", "", "0.50")]),
        )
        steps = [(c.old, c.new) for e in told for c in e.changes]
        assert steps == [(None, "60"), ("60", "90")]

    def test_a_status_is_told_with_its_resolution(self):
        """And a duplicate with the bug that it repeats, of which history has nothing."""
        now = {"status": "RESOLVED", "resolution": "DUPLICATE", "dupe_of": frozenset({"7"})}
        told = story(
            now,
            (T1, "bob", [("bug_status", "NEW", "RESOLVED"), ("resolution", "", "FIXED")]),
            (T2, "eve", [("resolution", "FIXED", "DUPLICATE")]),
        )
        assert [e.changes for e in told] == [
            (FieldChange(field="status", old="NEW", new="RESOLVED FIXED"),),
            (
                FieldChange(field="status", old="RESOLVED FIXED", new="RESOLVED DUPLICATE"),
                SetChange(field="dupe_of", added=frozenset({"7"})),
            ),
        ]

    def test_there_and_back_of_two_fields_is_told_in_order(self):
        """Rows of one field with another between them are not joined."""
        rows = [
            ("status", "NEW", "RESOLVED"),
            ("resolution", "", "FIXED"),
            ("status", "RESOLVED", "REOPENED"),
            ("resolution", "FIXED", ""),
        ]
        told = story({"status": "REOPENED"}, (T1, "bob", rows))
        assert [(c.old, c.new) for e in told for c in e.changes] == [
            ("NEW", "RESOLVED FIXED"),
            ("RESOLVED FIXED", "REOPENED"),
        ]

    def test_what_the_present_does_not_confirm_leads_to_the_present(self):
        """A value that was renamed since stands under its old name in history."""
        told = story({"component": "New"}, (T1, "bob", [("component", "Other", "Old")]))
        assert [(c.old, c.new) for e in told for c in e.changes] == [("Other", "New")]

    def test_flags_of_files_are_not_those_of_the_bug(self):
        """Nor are the switches of comments and files anything of it."""
        told = story(
            {}, (T1, "bob", [("longdescs.isprivate", "0", "1"), ("is_confirmed", "0", "1")])
        )
        assert told == ()

    def test_what_came_after_the_bug_was_read_is_of_the_next_reading(self, box):
        """Else the story would lead elsewhere than the fields."""
        ticket = box.make(box.new())
        box.edit(ticket, "summary", "First")

        def late():
            box.advance(1)
            box.edit(ticket, "summary", "Second")
            box.edit(ticket, "summary", "Third")

        box.inject(Fault(what=What.STRANGER, path="/history", act=late))
        told = read(box, ticket)
        assert (
            [c.new for e in told.events for c in e.changes] == ["First"] == [told.fields["summary"]]
        )

    def test_flags_are_told(self, box):
        """As history writes them."""
        ticket = box.make(box.new())
        one = "needinfo?(jesse)"
        box.bugs.update("bob", ticket, added={"flags": {one, "review+"}})
        told = read(box, ticket)
        assert told.fields["flags"] == {one, "review+"}
        assert told.events[-1].changes == (
            SetChange(field="flags", added=frozenset({one, "review+"})),
        )

    def test_a_dependency_is_told_at_both_ends(self, box):
        """Each has an entry of its own."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        box.edit(one, "depends_on", frozenset({two}))
        assert read(box, two).fields["blocks"] == {one}
        assert read(box, two).events[-1].changes == (
            SetChange(field="blocks", added=frozenset({one})),
        )

    def test_groups_make_a_ticket_private(self, box):
        """They are told, and never written."""
        ticket = box.make(box.new())
        assert read(box, ticket).private is False
        box.bugs.update("bob", ticket, added={"groups": {"security"}})
        assert read(box, ticket).private is True
        with pytest.raises(Unsupported):
            box.connector.apply(
                Update(ref=Ref(id=ticket), removed={"groups": frozenset({"security"})})
            )


class TestComments:
    """What is a person's word."""

    @pytest.mark.parametrize("number", ["bug 3", "bug 3333"])
    def test_the_servers_own_words_are_no_comment(self, box, number):
        """The fields say it; what a person wrote above stays."""
        ticket = box.make(box.new())
        own = f"*** This bug has been marked as a duplicate of {number} ***"
        box.comment(ticket, own)
        box.comment(ticket, f"See there.\n\n{own}")
        box.comment(ticket, "*** Bug 9 has been marked as a duplicate of this bug. ***")
        assert [c.body for c in read(box, ticket).comments] == ["See there."]

    def test_a_file_alone_is_no_comment(self, box):
        """It comes with one that says so."""
        ticket = box.make({**box.new(), "description": "It fails."})
        box.attach(ticket, "a.txt", b"abc")
        told = read(box, ticket)
        assert told.comments == ()
        assert told.fields["description"] == "It fails."

    def test_who_is_no_insider_keeps_nothing_private(self, box):
        """The setting says so before any request, the server after one; nothing is made public."""
        ticket = box.make(box.new())
        box.fake.insider = False
        with pytest.raises(Rejected, match="insider"):
            remark(box, ticket, "For us", private=True)
        with_settings(box, private_comments=False)
        before = box.requests()
        with pytest.raises(Unsupported, match="private"):
            remark(box, ticket, "For us", private=True)
        assert box.requests() == before
        assert read(box, ticket).comments == ()

    def test_empty_and_endless_ones_are_refused(self, box):
        """The one before any request."""
        ticket = box.make(box.new())
        for text in (" \n", "x" * 65536):
            with pytest.raises(Rejected):
                remark(box, ticket, text)

    def test_hours_are_seen_by_few(self, box):
        """An account outside the group sees none, in the fields and in the story."""
        ticket = box.make(box.new())
        box.edit(ticket, "estimated_time", "90")
        assert read(box, ticket).fields["estimated_time"] == "90"
        box.fake.timetracker = False
        told = read(box, ticket)
        assert "estimated_time" not in told.fields
        assert told.events == ()


class TestFiles:
    """In base64, whole."""

    def _make(self, ticket, data, size):
        return Create(
            ref=Ref(kind=ATTACHMENT, id="", ticket=ticket),
            fields={"name": "a.bin"},
            size=size,
            content=pieces(data),
        )

    @pytest.mark.parametrize(("data", "size"), [(b"", 0), (b"abc", 4)])
    def test_an_odd_file_is_refused(self, box, data, size):
        """Empty, or not of its size; nothing is sent."""
        ticket = box.make(box.new())
        before = box.requests()
        with pytest.raises(Rejected):
            box.connector.apply(self._make(ticket, data, size))
        assert box.requests() == before

    def test_a_spoilt_file_is_garbled(self, box):
        """Letters that are no base64, or fewer bytes than were told."""
        ticket = box.make(box.new())
        box.attach(ticket, "a.bin", b"abc")
        ref = read(box, ticket).attachments[0].ref
        for data in ("?!", "YWI="):

            def spoilt(environ, start, data=data):
                start("200 OK", [("Content-Type", "application/json")])
                file = {"id": 1, "size": 3, "data": data}
                return [json.dumps({"bugs": {}, "attachments": {ref.id: file}}).encode()]

            box.faulty.app = spoilt
            with pytest.raises(Garbled):
                list(box.connector.content(ref))


class TestWriting:
    """What is refused, what comes after, what somebody else changed."""

    def test_somebody_was_quicker(self, box):
        """The value to be changed is another one by now; anything else may have moved."""
        ticket = box.make(box.new())
        old = read(box, ticket)
        box.advance(1)
        box.edit(ticket, "whiteboard", "Elsewhere")
        words = {"ref": old.ref, "version": old.version, "before": dict(old.fields)}
        box.connector.apply(Update(changes={"summary": "Ours"}, **words))
        assert read(box, ticket).fields["summary"] == "Ours"
        with pytest.raises(Stale, match="summary"):
            box.connector.apply(Update(changes={"summary": "Too late"}, **words))

    def test_a_status_that_none_is_born_with_comes_after(self, box):
        """In one step, where there is one."""
        fields = {**box.new(), "status": "RESOLVED WONTFIX"}
        made = box.connector.apply(Create(ref=Ref(id=""), fields=fields))
        assert made.notes == ()
        assert read(box, made.ref.id).fields["status"] == "RESOLVED WONTFIX"
        fields["status"] = "VERIFIED FIXED"
        made = box.connector.apply(Create(ref=Ref(id=""), fields=fields))
        assert "not all of it" in made.notes[0]
        assert read(box, made.ref.id).fields["status"] == "CONFIRMED"

    def test_an_unreachable_status_is_rejected(self, box):
        """And not among those that the ticket offers."""
        ticket = box.make(box.new())
        told = read(box, ticket)
        assert told.reachable
        assert "VERIFIED FIXED" not in told.reachable
        assert {"IN_PROGRESS", "RESOLVED FIXED", "UNCONFIRMED"} <= told.reachable
        for status in ("VERIFIED FIXED", "RESOLVED", "IN_PROGRESS FIXED", None):
            with pytest.raises(Rejected):
                box.connector.apply(Update(ref=Ref(id=ticket), changes={"status": status}))
        assert read(box, ticket).fields["status"] == "CONFIRMED"

    def test_another_resolution_is_a_step(self, box):
        """Of a closed status."""
        ticket = box.make(box.new())
        update(box, ticket, "status", "RESOLVED FIXED")
        assert "RESOLVED WONTFIX" in (read(box, ticket).reachable or ())
        update(box, ticket, "status", "RESOLVED WONTFIX")
        assert read(box, ticket).fields["status"] == "RESOLVED WONTFIX"

    def test_a_duplicate_names_the_bug_it_repeats(self, box):
        """In the same update; reopened, it repeats none."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        ref, other = Ref(id=one), frozenset({two})
        closing = {"status": "RESOLVED DUPLICATE"}
        with pytest.raises(Rejected, match="dupe_of"):
            box.connector.apply(Update(ref=ref, changes=closing))
        box.connector.apply(Update(ref=ref, changes=closing, added={"dupe_of": other}))
        assert read(box, one).fields["dupe_of"] == other
        with pytest.raises(Rejected, match="opened again"):
            box.connector.apply(Update(ref=ref, removed={"dupe_of": other}))
        opening = {"status": "CONFIRMED"}
        box.connector.apply(Update(ref=ref, changes=opening, removed={"dupe_of": other}))
        assert "dupe_of" not in read(box, one).fields

    @pytest.mark.parametrize(
        ("field", "value"),
        [("component", None), ("summary", None), ("description", "New"), ("creator", "jesse")],
    )
    def test_what_cannot_be_said_is_refused(self, box, field, value):
        """Before any request that writes."""
        ticket = box.make(box.new())
        with pytest.raises((Rejected, Unsupported)):
            box.connector.apply(Update(ref=Ref(id=ticket), changes={field: value}))
        assert not [m for m, _ in box.script.log if m != "GET"]

    def test_a_bug_needs_an_owner_unless_nobody_has_a_name(self, box):
        """Else the component's default would come back."""
        ticket = box.make(box.new())
        with_settings(box, nobody="")
        with pytest.raises(Rejected, match="nobody"):
            update(box, ticket, "assigned_to", None)

    @pytest.mark.parametrize(
        ("field", "member"),
        [("depends_on", "https://elsewhere.example/1"), ("depends_on", "999"), ("cc", "stranger"),
         ("keywords", "unheard"), ("see_also", "https://elsewhere.example/page")],
    )  # fmt: skip
    def test_a_member_that_is_not_known_is_rejected(self, box, field, member):
        """Never told as if the ticket itself were missing."""
        ticket = box.make(box.new())
        with pytest.raises(Rejected):
            box.connector.apply(Update(ref=Ref(id=ticket), added={field: frozenset({member})}))

    def test_links_within_are_numbers(self, box):
        """Also those that stand as addresses there; they leave as they came."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        far = "https://github.com/example/it/issues/4"
        ref, links = Ref(id=one), frozenset({two, far})
        box.connector.apply(Update(ref=ref, added={"see_also": links}))
        assert read(box, one).fields["see_also"] == links
        box.connector.apply(Update(ref=ref, removed={"see_also": links}))
        assert "see_also" not in read(box, one).fields

    def test_minor_updates_are_called_so(self, box):
        """Where the site offers it."""
        ticket = box.make(box.new())
        with_settings(box, minor=True)
        seen = []
        inner = box.faulty.app

        def watching(environ, start):
            raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
            seen.append(raw)
            environ["wsgi.input"].seek(0)
            return inner(environ, start)

        box.faulty.app = watching
        update(box, ticket, "summary", "Another")
        assert json.loads(seen[-1])["minor_update"] is True

    def test_new_bugs_need_a_product(self, box):
        """Said before any request."""
        before = box.requests()
        with pytest.raises(Rejected, match="product, component"):
            box.connector.apply(Create(ref=Ref(id=""), fields={"summary": "x"}))
        assert box.requests() == before

    def test_markdown_is_said_where_it_is_known(self):
        """Mozilla's takes every comment for Markdown unless told otherwise."""
        for box in opened("bmo"):
            assert box.connector.capabilities.dialects == ("markdown", "plain")
            ticket = box.make(box.new())
            ref = Ref(kind=COMMENT, id="", ticket=ticket)
            box.connector.apply(Create(ref=ref, fields={"body": "*a*"}, dialect="markdown"))
            assert [c.dialect for c in read(box, ticket).comments] == ["markdown"]


class TestKeys:
    """Where the hub's key stands."""

    KEY = "0b0e6d4e-9c1f-4d7e-8a55-d6c6f0f8f7a1"

    def _made(self, box):
        return box.connector.apply(Create(ref=Ref(id=""), fields=box.new(), key=self.KEY)).ref

    def test_the_alias_is_no_field(self, box):
        """Other aliases are."""
        made = self._made(box)
        assert "alias" not in read(box, made.id).fields
        box.bugs.items[made.id].key = "a-name"
        assert read(box, made.id).fields["alias"] == {"a-name"}
        assert read(box, made.id).key == ""

    def test_a_second_ticket_of_the_key_is_refused(self, box):
        """By the server itself: an alias stands once."""
        self._made(box)
        with pytest.raises(Rejected, match="already taken"):
            self._made(box)

    def test_a_hidden_ticket_of_the_key_is_not_taken_for_none(self, box):
        """Else it would be made again."""
        box.hide(self._made(box).id)
        with pytest.raises(NotFound):
            box.connector.find(Ref(id=""), self.KEY)

    def test_a_custom_field_may_hold_it(self, box):
        """Where aliases are not for the account."""
        box.fake.customs = {"cf_hub": 1}
        with_settings(box, key_field="cf_hub")
        made = self._made(box)
        assert box.connector.find(Ref(id=""), self.KEY) == made
        assert box.connector.find(Ref(id=""), "another") is None
        assert read(box, made.id).key == self.KEY
        assert "cf_hub" not in read(box, made.id).fields

    def test_nothing_may_hold_it(self, box):
        """Then none is promised."""
        with_settings(box, key_field="none")
        assert box.connector.capabilities.keys == frozenset()
        assert read(box, self._made(box).id).key == ""
        with pytest.raises(Unsupported):
            box.connector.find(Ref(id=""), self.KEY)


class TestSite:
    """What the server says of itself."""

    def test_the_workflow_is_described(self, box):
        """Each closed status once for each resolution; a duplicate needs the other bug."""
        schema = box.connector.describe()
        assert set(schema.projects) == {"TestProduct", "Other"}
        assert "RESOLVED FIXED" in schema.transitions["CONFIRMED"]
        assert "RESOLVED" not in schema.statuses
        assert schema.requires["RESOLVED DUPLICATE"] == ("dupe_of",)
        required = {field.name for field in schema.fields if field.required}
        assert required == {"summary", "product", "component"}
        with_settings(box, product="TestProduct", component="Engine", version="")
        schema = box.connector.describe()
        assert {f.name for f in schema.fields if f.required} == {"summary", "version"}

    def test_a_status_of_several_words_is_one(self, box, monkeypatch):
        """Where a resolution begins is told by the workflow, not by the first blank."""
        ways = WAYS["bugzilla"]
        more = {"CONFIRMED": (*ways["CONFIRMED"], "IN REVIEW"), "IN REVIEW": ("RESOLVED",)}
        monkeypatch.setitem(WAYS, "bugzilla", {**ways, **more})
        ticket = box.make({**box.new(), "status": "CONFIRMED"})
        for word in ("IN REVIEW", "RESOLVED FIXED"):
            assert word in (read(box, ticket).reachable or ())
            box.connector.apply(Update(ref=Ref(id=ticket), changes={"status": word}))
            assert read(box, ticket).fields["status"] == word

    def test_custom_fields_are_carried_by_name(self, box):
        """Text, one of a few, and several of a few."""
        box.fake.customs = {"cf_note": 1, "cf_level": 2, "cf_tags": 3}
        ticket = box.make({**box.new(), "cf_level": "two", "cf_tags": frozenset({"a", "b"})})
        told = read(box, ticket)
        assert (told.fields["cf_level"], told.fields["cf_tags"]) == ("two", {"a", "b"})
        box.connector.apply(
            Update(
                ref=Ref(id=ticket),
                changes={"cf_note": "a word", "cf_level": None},
                added={"cf_tags": frozenset({"c"})},
                removed={"cf_tags": frozenset({"a"})},
            )
        )
        told = read(box, ticket)
        assert told.fields["cf_tags"] == {"b", "c"}
        assert told.fields["cf_note"] == "a word"
        assert "cf_level" not in told.fields
        box.connector.apply(Update(ref=Ref(id=ticket), changes={"cf_note": None}))
        assert "cf_note" not in read(box, ticket).fields
        assert {"cf_note", "cf_level", "cf_tags"} <= {
            f.name for f in box.connector.describe().fields
        }

    def test_texts_refer_to_bugs(self, box):
        """As Bugzilla links them, and by address."""
        refers = box.connector.references
        assert refers
        text = f"See bug 12, Bug #13 and {URL}/show_bug.cgi?id=14; debug 5 and bug 6-7 are none."
        found: list[str] = []
        refers.put(text, lambda ticket, _: found.append(ticket) or "")
        assert found == ["12", "13", "14"]
        assert refers.to("7") == "bug 7"

    def test_the_time_is_that_of_the_web_server(self, box):
        """The other one is off by the zone of the server."""
        box.make(box.new())
        box.settle()
        cursor = pull(box.connector).cursor
        at = datetime.fromtimestamp(box.bugs.now, UTC)
        assert at.isoformat()[:13] in cursor
