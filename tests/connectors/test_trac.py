"""Trac: the contract on the fake with both kinds of the plugin, and what is special about it."""

from __future__ import annotations

from contextlib import ExitStack
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.trac import KNOBS, TracFake
from fakes.trac import Fault as FaultOfTrac
from prophet_connectors._trac_fields import FIELDS, joined_words, split
from prophet_connectors._trac_rpc import value_of
from prophet_connectors._trac_story import birth, changes_of, events_of, person
from prophet_connectors.trac import Trac, TracSettings, prophet_connector
from prophet_hub.errors import AuthFailed, NotFound, Rejected, Stale, Transient, Unsure
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Checkpoint,
    Context,
    Create,
    FieldChange,
    Person,
    Pull,
    Ref,
    SetChange,
    Ticket,
    Update,
)
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import within
from prophet_hub.testing.tracker import Tracker

KEY = "4be0643f-1d98-573b-97cd-ca98a65347dd"


class Place(TrackerSandbox):
    """A fake, in-process."""

    many = 21
    required = MappingProxyType({"status": "new"})
    examples = MappingProxyType(
        {
            "status": ("assigned", "accepted"),
            "type": ("task", "enhancement"),
            "severity": ("bad", "worse"),
            "component": ("component1", "component2"),
            "version": ("1.0", "2.0"),
            "milestone": ("milestone1", "milestone2"),
        }
    )
    clearable = frozenset({"description", "owner", "milestone", "version"})
    refused = ("priority", "nonsense")
    narrow = ("priority=trivial", "priority", "trivial")

    def __init__(self, stack: ExitStack, *, plugin=(1, 1, 9), **settings) -> None:
        tracker = Tracker("trac", KNOBS)
        self.app = TracFake(tracker, plugin=plugin)
        self.app.custom = {"hubid": "text", "when": "time"}
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://trac.example"))
        self.made: list[Trac] = []
        stack.callback(lambda: [one.close() for one in self.made])

        def make(password: str, reachable: bool) -> Trac:
            given = {"url": url if reachable else "http://127.0.0.1:9", "user": "hub", **settings}
            given["password"] = password
            self.made.append(
                Trac(TracSettings(**given), Context(remote="trac", clock=ManualClock()))
            )
            return self.made[-1]

        super().__init__(tracker, make, faulty)

    def comment(self, ticket, body, *, private=False):
        made = super().comment(ticket, body, private=private)
        return f"{ticket}.{self.app.numbers(self.tracker.items[ticket])[made]}"

    def attach(self, ticket, name, data):
        made = self.app.do_ticket_putAttachment(self.person, ticket, name, "", data, False)
        return f"{ticket}/{made}"


@pytest.fixture
def place():
    with ExitStack() as stack:
        yield Place(stack)


class TestContract(ConnectorContract):
    """Every check there is, with times cut to seconds and actions without inputs."""

    may_skip = MappingProxyType({})

    @pytest.fixture
    def sandbox(self, place):
        return place


class TestContractWithMore(ConnectorContract):
    """The same with plugin 1.2, keys in a field, mail, and the right to delete."""

    may_skip = MappingProxyType({})

    @pytest.fixture
    def sandbox(self):
        with ExitStack() as stack:
            yield Place(stack, plugin=(1, 2, 0), key_field="hubid", deletes=True, notify=True)


def told(place: Place, cursor: str = "", **words) -> tuple[list[str], str]:
    """Returns the tickets that a pull tells, and its last cursor."""
    items = list(place.connector.changed(Pull(since=cursor, **words)))
    ids = [i.id if isinstance(i, Ref) else i.ref.id for i in items if not isinstance(i, Checkpoint)]
    return ids, items[-1].cursor


def spent(place: Place, act) -> int:
    """Returns how many requests an act takes."""
    before = place.requests()
    act()
    return place.requests() - before


def read(place: Place, ticket: str) -> Ticket:
    shown = place.connector.ticket(Ref(id=ticket))
    assert isinstance(shown, Ticket)
    return shown


def refusing(code: int, message: str):
    """Returns a call that goes wrong."""

    def call(*_):
        raise FaultOfTrac(code, message)

    return call


class TestRequests:
    """What a tracker is asked, the one log-in apart."""

    def test_twenty_tickets_are_one_request(self, place):
        for n in range(40):
            place.make(place.new(n))
            place.advance(10)
        place.connector.whoami()
        assert spent(place, lambda: told(place)) == 5  # a listing, the timeline, the newest, two

    def test_a_ticket_is_one(self, place):
        ticket = place.make(place.new())
        place.comment(ticket, "A remark")
        place.attach(ticket, "a.txt", b"abc")
        place.connector.whoami()
        assert spent(place, lambda: read(place, ticket)) == 1

    @pytest.mark.parametrize(
        ("changes", "requests"),
        [
            ({"summary": "x"}, 1),
            ({"owner": "bob", "priority": "minor"}, 1),
            ({"status": "assigned"}, 2),
            ({"description": "x"}, 2),
        ],
    )
    def test_a_write_is_one_or_two(self, place, changes, requests):
        shown = read(place, place.make(place.new()))
        sent = Update(ref=shown.ref, changes=changes, version=shown.version)
        assert spent(place, lambda: place.connector.apply(sent)) == requests

    def test_an_idle_pull_is_two_right_after_a_busy_minute(self, place):
        """Six hundred tickets within one minute: whether they moved is asked by five hundreds."""
        for n in range(600):
            place.make(place.new(n))
        _, cursor = told(place)
        assert spent(place, lambda: told(place, cursor)) == 3
        ids, cursor = told(place, cursor)
        assert ids == []
        place.advance(3600)
        place.edit("1", "summary", "Moved")
        ids, cursor = told(place, cursor)
        assert ids == ["1"]
        assert spent(place, lambda: told(place, cursor)) == 2

    @pytest.mark.parametrize("seconds", [59, 60, 61, 62])
    def test_the_edge_of_the_look_back_is_not_read_again_and_again(self, place, seconds):
        place.make(place.new(1))
        place.advance(seconds)
        place.make(place.new(2))
        _, cursor = told(place)
        for _ in range(2):
            assert spent(place, lambda at=cursor: told(place, at)) == 2

    def test_one_log_in_serves_all(self, place):
        for _ in range(3):
            told(place)
        assert place.connector.http.logins == 1


class TestLongWalks:
    """What happens during a walk that takes longer than the look back."""

    def test_a_ticket_that_moves_behind_the_walk_is_told_by_the_next(self, place):
        """Another one moves later and before it is read: it must not take the cursor with it."""
        made = [place.make(place.new(n)) for n in range(45)]
        walk = place.connector.changed(Pull())
        items = [next(walk)]
        for moving in (made[0], made[-2]):
            place.advance(600)
            place.edit(moving, "summary", "It moved")
        items += walk
        assert [i.fields["summary"] for i in items if isinstance(i, Ticket)][-2] == "It moved"
        assert made[0] in told(place, items[-1].cursor)[0]


class TestFiles:
    """A file does not move its ticket's time: the timeline is asked."""

    def test_a_file_is_told_once(self, place):
        ticket = place.make(place.new())
        _, cursor = told(place)
        place.advance(3600)
        place.attach(ticket, "a.txt", b"abc")
        ids, cursor = told(place, cursor)
        assert ids == [ticket]
        place.make(place.new(2))
        for _ in range(3):
            place.advance(30)
            ids, cursor = told(place, cursor)
            assert ticket not in ids

    def test_a_busy_minute_hides_none(self, place):
        ticket = place.make(place.new())
        _, cursor = told(place)
        place.attach(ticket, "a.txt", b"abc")
        other = place.make(place.new(2))
        for n in range(60):
            place.edit(other, "summary", f"Title {n}")
        assert ticket in told(place, cursor)[0]

    def test_without_a_timeline_it_comes_with_the_next_change(self, place):
        place.app.timeline = False
        ticket = place.make(place.new())
        _, cursor = told(place)
        place.attach(ticket, "a.txt", b"abc")
        ids, cursor = told(place, cursor)
        assert ids == []
        place.edit(ticket, "summary", "Changed")
        assert told(place, cursor)[0] == [ticket]
        assert [a.name for a in read(place, ticket).attachments] == ["a.txt"]
        assert "TIMELINE_VIEW" in place.connector.describe().notes[0]

    def test_after_a_season_everything_is_told_anew(self, place):
        """The timeline goes no further back: who had a file meanwhile is not known."""
        ticket = place.make(place.new())
        place.attach(ticket, "a.txt", b"abc")
        _, cursor = told(place)
        place.advance(100 * 86400)
        assert told(place, cursor)[0] == [ticket]

    def test_a_name_that_is_taken_gets_a_number(self, place):
        ticket = place.make(place.new())
        made = [
            place.connector.apply(
                Create(
                    ref=Ref(kind=ATTACHMENT, id="", ticket=ticket),
                    fields={"name": "a.txt", "content_type": "text/plain"},
                    size=3,
                    content=lambda: iter([b"abc"]),
                )
            ).ref.id
            for _ in range(2)
        ]
        assert made == [f"{ticket}/a.txt", f"{ticket}/a.2.txt"]
        assert [a.ref.id for a in read(place, ticket).attachments] == made
        assert set(place.app.descriptions.values()) == {""}, "the name tells the type"

    def test_what_is_said_beside_a_file_is_a_comment(self, place):
        ticket = place.make(place.new())
        place.attach(ticket, "a.patch", b"abc")
        file = place.tracker.items[ticket].attachments[0]
        place.app.descriptions[file.id] = "Mends it for me"
        shown = read(place, ticket)
        assert [c.body for c in shown.comments] == ["Mends it for me"]
        assert shown.attachments[0].comment == shown.comments[0].ref.id


class TestWorkflow:
    """Statuses are reached by actions."""

    def step(self, place, ticket, **changes):
        shown = read(place, ticket)
        place.connector.apply(Update(ref=shown.ref, changes=changes, version=shown.version))
        return read(place, ticket)

    def test_a_closed_ticket_offers_other_resolutions_and_to_be_reopened(self, place):
        ticket = place.make({**place.new(), "status": "closed fixed"})
        offered = read(place, ticket).reachable
        assert offered == {
            "reopened",
            "closed wontfix",
            "closed invalid",
            "closed duplicate",
            "closed worksforme",
        }
        shown = self.step(place, ticket, status="closed wontfix")
        assert (shown.fields["status"], shown.fields["resolution"]) == ("closed wontfix", "wontfix")

    def test_the_owner_stays_where_a_step_would_take_the_ticket(self, place):
        ticket = place.make({**place.new(), "owner": "bob"})
        shown = self.step(place, ticket, status="accepted")
        assert (shown.fields["status"], shown.fields["owner"]) == ("accepted", "bob")

    def test_a_new_owner_goes_with_a_step(self, place):
        for status in ("assigned", "accepted", "closed fixed"):
            ticket = place.make({**place.new(), "owner": "bob"})
            shown = self.step(place, ticket, status=status, owner="jesse", summary="Changed")
            told = shown.fields
            assert (told["status"], told["owner"], told["summary"]) == (status, "jesse", "Changed")

    def test_nobody_stays_nobody(self, place):
        ticket = place.make({**place.new(), "owner": "< default >"})
        assert "owner" not in read(place, ticket).fields
        assert "owner" not in self.step(place, ticket, status="assigned").fields

    def test_what_is_not_offered_is_rejected_with_the_way(self, place):
        ticket = place.make({**place.new(), "status": "closed fixed"})
        with pytest.raises(Rejected, match="no way from 'closed fixed' to 'accepted'"):
            self.step(place, ticket, status="accepted")

    def test_a_ticket_is_made_in_a_status(self, place):
        fields = {"summary": "Done already", "status": "closed invalid"}
        made = place.connector.apply(Create(ref=Ref(id=""), fields=fields))
        assert made.notes == ()
        assert read(place, made.ref.id).fields["status"] == "closed invalid"

    def test_a_status_that_no_new_ticket_reaches_is_a_note(self, place):
        fields = {"summary": "Again", "status": "reopened"}
        made = place.connector.apply(Create(ref=Ref(id=""), fields=fields))
        assert "no way from 'new' to 'reopened'" in made.notes[0]

    @pytest.mark.parametrize("plugin", [(1, 1, 9), (1, 2, 0)])
    def test_a_workflow_of_ones_own(self, plugin):
        """No `leave`, a status of several words, an action that closes under another name."""
        with ExitStack() as stack:
            place = Place(stack, plugin=plugin)
            place.app.workflow = {
                "take": (("new",), "in work", ()),
                "drop": (("new", "in work"), "closed", ("set_resolution",)),
            }
            ticket = place.make(place.new())
            assert "in work" in (read(place, ticket).reachable or ())
            assert self.step(place, ticket, status="in work").fields["status"] == "in work"
            assert self.step(place, ticket, summary="Plain").fields["summary"] == "Plain"
            remark = Create(ref=Ref(kind=COMMENT, id="", ticket=ticket), fields={"body": "Said"})
            assert place.connector.apply(remark).ref in {
                c.ref for c in read(place, ticket).comments
            }
            assert (
                self.step(place, ticket, status="closed fixed").fields["status"] == "closed fixed"
            )
            graph = place.connector.describe()
            assert "in work" in graph.statuses

    def test_the_graph_is_that_of_the_newest_tickets(self, place):
        place.make(place.new())
        ways = place.connector.describe().transitions
        assert set(ways["new"]) >= {"assigned", "accepted", "closed fixed"}


class TestWords:
    """Texts that hold several words, and what cannot be said."""

    @pytest.mark.parametrize(
        ("text", "members"),
        [
            ("one two", ["one", "two"]),
            ("one, two", ["one", "two"]),
            ("good first issue, two", ["good first issue", "two"]),
            ("good first issue,", ["good first issue"]),
            ("one;two;;one", ["one", "two"]),
            ("  ", []),
        ],
    )
    def test_keywords(self, text, members):
        assert split("keywords", text) == members
        assert split("keywords", joined_words("keywords", text, members)) == members

    def test_people_are_parted_by_blanks_too(self):
        assert split("cc", "a@b; bob, eve  joe") == ["a@b", "bob", "eve", "joe"]

    def test_those_that_stay_keep_their_places(self):
        assert joined_words("keywords", "z y x", {"x", "z", "a"}) == "z x a"
        assert joined_words("keywords", "z, y", {"z", "a"}) == "z, a"

    @pytest.mark.parametrize(("name", "word"), [("keywords", "a,b"), ("cc", "Bob Smith")])
    def test_what_would_fall_apart_is_rejected(self, name, word):
        with pytest.raises(Rejected, match="no single word"):
            joined_words(name, "", {word})

    @given(
        st.sets(st.text("abc de", min_size=1).map(str.strip).filter(bool)),
        st.sets(st.text("abc", min_size=1)),
    )
    def test_what_is_joined_is_split(self, members, before):
        text = joined_words("keywords", " ".join(sorted(before)), members)
        assert set(split("keywords", text)) == members

    @pytest.mark.parametrize(
        "fields",
        [{"component": "nope"}, {"nonsense": "x"}, {"summary": " "}],
    )
    def test_what_a_create_would_take_and_spoil_is_rejected(self, place, fields):
        place.connector.describe()
        sent = Create(ref=Ref(id=""), fields={"summary": "A", **fields})
        before = place.requests()
        with pytest.raises(Rejected):
            place.connector.apply(sent)
        assert place.requests() == before

    def test_an_empty_comment_is_rejected(self, place):
        ticket = place.make(place.new())
        with pytest.raises(Rejected, match="empty comment"):
            place.connector.apply(
                Create(ref=Ref(kind=COMMENT, id="", ticket=ticket), fields={"body": " \n"})
            )

    def test_a_time_is_told_and_written_in_utc(self, place):
        ticket = place.make(place.new())
        shown = read(place, ticket)
        place.connector.apply(
            Update(ref=shown.ref, changes={"when": "2026-12-24T10:00:00Z"}, version=shown.version)
        )
        assert place.tracker.items[ticket].fields["when"] == "2026-12-24T10:00:00"
        with pytest.raises(Rejected, match="no time"):
            place.connector.apply(Update(ref=shown.ref, changes={"when": "soon"}))
        assert value_of({"__jsonclass__": ["datetime", "2026-12-24T10:00:00"]}) == (
            "2026-12-24T10:00:00Z"
        )


class TestKeys:
    """The hub's key: a field, or the last line of the description."""

    def test_a_description_keeps_its_key(self, place):
        made = place.connector.apply(
            Create(ref=Ref(id=""), fields={"summary": "A", "description": "Text"}, key=KEY)
        )
        shown = read(place, made.ref.id)
        place.connector.apply(
            Update(ref=shown.ref, changes={"description": "Other"}, version=shown.version)
        )
        after = read(place, made.ref.id)
        assert (after.fields["description"], after.key) == ("Other", KEY)
        held = place.tracker.items[made.ref.id].fields["description"]
        assert held == f"Other\n\n[prophet-hub:{KEY}]"
        changes = [c for e in after.events for c in e.changes]
        assert changes == [FieldChange(field="description", old="Text", new="Other")]

    def test_a_quoted_key_is_not_found(self, place):
        place.make({**place.new(), "description": f"prophet-hub:{KEY} is what it said."})
        assert place.connector.find(Ref(id=""), KEY) is None

    def test_a_field_that_is_not_there_is_named(self):
        """A query that names an unknown field would find every ticket."""
        with ExitStack() as stack:
            place = Place(stack, key_field="nothere")
            place.make(place.new())
            for act in (
                place.connector.whoami,
                lambda: place.connector.find(Ref(id=""), KEY),
                lambda: place.connector.apply(
                    Create(ref=Ref(id=""), fields={"summary": "A"}, key=KEY)
                ),
            ):
                with pytest.raises(Rejected, match="no ticket field nothere") as caught:
                    act()
                assert "[ticket-custom]" in caught.value.hint


class TestAnswers:
    """What an answer means."""

    def test_a_tracker_without_the_plugin_is_told_what_to_install(self, place):
        place.app.installed = False
        with pytest.raises(Rejected, match="no procedure calls") as caught:
            place.connector.whoami()
        assert "TracXMLRPC" in caught.value.hint
        assert "tracrpc" in caught.value.hint

    def test_an_address_without_a_log_in_is_told_as_such(self):
        with ExitStack() as stack:
            place = Place(stack, url="http://trac.example/elsewhere")
            with pytest.raises(Rejected, match="has no log-in") as caught:
                place.connector.whoami()
            assert "`url`" in caught.value.hint

    def test_an_account_without_the_right_is_told_which(self, place):
        place.app.do_system_getAPIVersion = refusing(
            403, "XML_RPC privileges are required to perform this operation."
        )
        with pytest.raises(AuthFailed, match="XML_RPC") as caught:
            place.connector.whoami()
        assert "Grant XML_RPC" in caught.value.hint

    def test_a_locked_database_is_no_refusal(self, place):
        place.app.do_ticket_update = refusing(-32603, "OperationalError: database is locked")
        shown = read(place, place.make(place.new()))
        with pytest.raises(Transient):
            place.connector.apply(Update(ref=shown.ref, changes={"summary": "x"}))

    def test_html_is_not_shown(self, place):
        place.app.do_ticket_update = refusing(
            -32603, "The <strong>field</strong> &lt;a&gt; is  bad"
        )
        shown = read(place, place.make(place.new()))
        with pytest.raises(Rejected, match="The field <a> is bad"):
            place.connector.apply(Update(ref=shown.ref, changes={"summary": "x"}))

    def test_staleness_is_known_in_every_language(self, place):
        ticket = place.make(place.new())
        shown = read(place, ticket)
        place.edit(ticket, "priority", "minor")
        place.app.do_ticket_update = refusing(-32603, "Ihre Änderungen wurden nicht gespeichert")
        with pytest.raises(Stale):
            place.connector.apply(
                Update(ref=shown.ref, changes={"summary": "x"}, version=shown.version)
            )

    def test_a_lost_cookie_is_won_again(self, place):
        ticket = place.make(place.new())
        place.attach(ticket, "a.txt", b"abc")
        _, cursor = told(place)
        place.app.cookies.clear()
        place.attach(ticket, "b.txt", b"abc")
        assert told(place, cursor)[0] == [ticket]
        place.app.cookies.clear()
        file = read(place, ticket).attachments[0]
        assert b"".join(place.connector.content(file.ref)) == b"abc"

    def test_a_write_that_is_answered_with_a_page_is_in_doubt(self, place):
        shown = read(place, place.make(place.new()))
        place.inject(Fault(what=What.GARBLED, method="POST"))
        with pytest.raises(Unsure):
            place.connector.apply(Update(ref=shown.ref, changes={"summary": "x"}))

    def test_a_ticket_without_a_number_is_not_found(self, place):
        place.connector.describe()
        with pytest.raises(NotFound):
            place.connector.ticket(Ref(id="abc"))

    def test_one_bad_ticket_of_many_is_told_by_its_ref(self, place):
        good, bad = place.make(place.new(1)), place.make(place.new(2))
        whole = place.app.do_ticket_changeLog

        def change_log(login, ticket):
            if str(ticket) == bad:
                raise FaultOfTrac(-32603, "boom")
            return whole(login, ticket)

        place.app.do_ticket_changeLog = change_log
        items = list(place.connector.changed(Pull()))
        assert [i.ref.id for i in items if isinstance(i, Ticket)] == [good]
        assert [i.id for i in items if isinstance(i, Ref)] == [bad]

    def test_a_ticket_that_changes_while_it_is_read_is_read_again(self, place):
        ticket = place.make({**place.new(), "summary": "Before"})
        whole, left = place.app.do_ticket_getActions, [1]

        def actions(login, number):
            if left:
                left.pop()
                place.edit(ticket, "summary", "After")
            return whole(login, number)

        place.app.do_ticket_getActions = actions
        shown = read(place, ticket)
        assert shown.fields["summary"] == "After"
        assert [c.new for e in shown.events for c in e.changes] == ["After"]


class TestQueries:
    """A ticket that leaves the query was told, and is told once more."""

    def test_what_left_the_query_is_told_to_who_knew_it(self):
        with ExitStack() as stack:
            place = Place(stack, query="priority=minor")
            ticket = place.make({**place.new(), "priority": "minor"})
            other = place.make({**place.new(2), "priority": "major"})
            ids, cursor = told(place)
            assert ids == [ticket]
            assert spent(place, lambda: told(place, cursor)) == 2, "the other one is no news"
            for one in (ticket, other):
                place.edit(one, "priority", "blocker")
            assert told(place, cursor, known=lambda one: one == ticket)[0] == [ticket]
            assert told(place, cursor)[0] == []


ROWS = [
    [3, "bob", "comment", "1", "First", 1],
    [3, "bob", "priority", "major", "minor", 1],
    [3, "bob", "cc", "", "eve", 1],
    [3, "bob", "comment", "1.2", "", 1],
    [3, "bob", "status", "new", "closed", 1],
    [3, "bob", "resolution", "", "odd", 1],
    [3, "eve", "comment", "3", "Edited text", 1],
    [3, "bob", "attachment", "", "a.txt", 0],
]


def log(rows) -> list:
    """Returns rows with their times as the plugin tells them."""
    at = {"__jsonclass__": ["datetime", "2026-11-20T23:52:03"]}
    return [[at, *row[1:]] for row in rows]


class TestStory:
    """The change log: rows of one second that are several changes."""

    def test_changes_of_one_second_are_told_apart(self):
        changes = changes_of(log(ROWS))
        names = [(c.number, c.author, [row[0] for row in c.rows]) for c in changes]
        assert names == [
            ("1", "bob", ["priority"]),
            ("2", "bob", ["cc", "status", "resolution"]),
            ("3", "eve", []),
        ]

    def test_status_and_resolution_are_one(self):
        events = events_of(changes_of(log(ROWS)), "closed", "odd", "")
        told = {c.field: c for c in events[-1].changes}
        assert told["status"] == FieldChange(field="status", old="new", new="closed odd")
        assert told["resolution"] == FieldChange(field="resolution", old=None, new="odd")
        assert told["cc"] == SetChange(field="cc", added=frozenset({"eve"}))
        assert FIELDS.ours("status").decode("closed odd") == "resolved"

    def test_an_edited_comment_has_its_new_text_and_the_time_of_the_edit(self, place):
        ticket = place.make(place.new())
        place.comment(ticket, "Before")
        place.advance(60)
        note = place.tracker.items[ticket].comments[0]
        _, cursor = told(place)
        place.tracker.edit_comment("eve", ticket, note.id, "After")
        assert told(place, cursor)[0] == [ticket]
        (comment,) = read(place, ticket).comments
        assert (comment.body, comment.author.id) == ("After", "bob")
        assert comment.updated == place.now()

    def test_changes_without_numbers_have_names_of_their_own(self):
        """Tracs before 0.12 kept no row for a change in which nothing was said."""
        rows = [[3, "bob", "cc", "", "eve", 1], [3, "bob", "cc", "eve", "joe", 1]]
        ids = [change.id for change in changes_of(log(rows))]
        assert ids == ["1795218723.bob+cc", "1795218723.bob+cc"] or len(set(ids)) == 2

    def test_who_made_a_ticket_is_its_first_reporter(self):
        rows = [[3, "bob", "comment", "1", "", 1], [3, "bob", "reporter", "ada", "eve", 1]]
        assert birth(changes_of(log(rows)), "eve") == "ada"
        assert birth([], "eve") == "eve"

    @pytest.mark.parametrize(
        ("name", "email"),
        [("bob", ""), ("bob@example.org", "bob@example.org"), ("Bob <b@x.org>", "b@x.org")],
    )
    def test_people_have_addresses_where_they_wrote_one(self, name, email):
        assert person(name) == Person(id=name, email=email)


class TestReferences:
    """How texts of a Trac name tickets."""

    @pytest.mark.parametrize(
        "text", ["see #12.", "ticket:12", "bug:12", "http://trac.example/ticket/12#comment:3"]
    )
    def test_a_ticket_is_found(self, place, text):
        found = []
        place.connector.references.put(text, lambda ticket, ref: found.append(ticket) or ref)
        assert found == ["12"]

    @pytest.mark.parametrize("text", ["comment:3:ticket:12", "a#12", "[12]", "http://x.org/#12"])
    def test_what_only_looks_like_one_is_not(self, place, text):
        found = []
        place.connector.references.put(text, lambda ticket, ref: found.append(ticket) or ref)
        assert found == []


def test_the_entry_point():
    assert prophet_connector() is Trac
    assert prophet_connector().name == "trac"


@pytest.mark.parametrize("query", ["staus=new", "status=new&milstone!=later", "status=new&typo~=x"])
def test_a_query_that_names_no_field_is_refused(query):
    """Trac passes over what it does not know: every ticket would be copied elsewhere."""
    with ExitStack() as stack:
        box = Place(stack, query=query)
        with pytest.raises(Rejected, match=r"no ticket field (staus|milstone|typo)"):
            box.connector.whoami()
    with ExitStack() as stack:
        box = Place(stack, query=query)
        with pytest.raises(Rejected, match="no ticket field"):
            list(box.connector.changed(Pull()))


def test_a_query_may_order_and_compare():
    """All that Trac's own queries may say is let through, in the fields' names and their synonyms."""
    with ExitStack() as stack:
        walker = Place(stack).connector._walker
        walker.check("status!=closed&or&summary~=a\\&b&keywords!^=x&order=id&created=2026..&max=0")


def test_a_number_within_a_word_is_written_so_that_it_is_no_ticket():
    """Trac links `rt#42`; the sign before keeps it from that."""
    made = Trac(TracSettings(url="http://trac.example"), Context(remote="trac"))
    assert made.references.sign == "!#"
    made.close()
