"""Roundup: the contract on the fake, and the traps of its REST service."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest

from fakes.roundup import KNOBS, app, serve
from prophet_connectors._roundup_fields import value_of
from prophet_connectors.roundup import Roundup, RoundupSettings, prophet_connector
from prophet_hub.errors import (
    Garbled,
    NotFound,
    Rejected,
    Stale,
    Transient,
    Unsupported,
    Unsure,
)
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Checkpoint,
    Context,
    Create,
    Pull,
    Ref,
    Ticket,
    Update,
)
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import Served, within
from prophet_hub.testing.tracker import Tracker


class Place(TrackerSandbox):
    """A fake, in-process, whose account lives in New York."""

    required = MappingProxyType({"content": "What happened"})
    examples = MappingProxyType({"nosy": (frozenset({"jesse"}), frozenset({"bob", "jesse"}))})
    clearable = frozenset({"content", "assignedto", "priority"})
    refused = ("status", "nonsense")
    narrow = ("priority=wish", "priority", "wish")
    create_method = "POST|PUT"

    def __init__(self, stack: ExitStack, **settings) -> None:
        tracker = Tracker("roundup", KNOBS)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://roundup.example"))
        self.url = url

        def make(password: str, reachable: bool) -> Roundup:
            given = RoundupSettings(
                url=url if reachable else "http://127.0.0.1:9",
                user="hub",
                password=password,
                **{"overlap": 7, "attachment_limit": 1 << 20, **settings},
            )
            return Roundup(given, Context(remote="roundup", clock=ManualClock()))

        super().__init__(tracker, make, faulty)

    def inject(self, fault: Fault) -> Fault:
        """A create begins with a message that nobody sees: what counts is what is said to issues."""
        if fault.method == self.create_method:
            fault.path = "/data/issue"
        return super().inject(fault)

    def edit(self, ticket, field, value):
        """A person edits a description as a message: the issue does not move."""
        if field == "content":
            self.app.reword(self.app.birth(ticket).id, value or "")
            return
        super().edit(ticket, field, value)

    def edit_comment(self, ticket, comment, body):
        raise Absent("no time in Roundup tells that a message was edited")

    def attach(self, ticket, name, data):
        if not data:
            raise Absent("Roundup takes no empty file")
        return super().attach(ticket, name, data)


@pytest.fixture
def place():
    with ExitStack() as stack:
        box = Place(stack)
        yield box
        box.connector.close()


class TestContract(ConnectorContract):
    """Every check there is."""

    may_skip = MappingProxyType(
        {
            "no time in Roundup tells that a message was edited": "it is seen with the next change",
            "Roundup takes no empty file": "its server fails on one",
            "test_a_pull_that_breaks_off_has_no_last_checkpoint": "a whole pull is one request",
        }
    )

    @pytest.fixture
    def sandbox(self, place):
        return place


def test_the_entry_point_names_it():
    assert prophet_connector() is Roundup


KEY = "4be0643f-1d98-573b-97cd-ca98a65347dd"


def told(place, since="", **words):
    """Returns the ids of a pull, and its last cursor."""
    items = list(place.connector.changed(Pull(since=since, **words)))
    assert isinstance(items[-1], Checkpoint)
    return [item.id for item in items if isinstance(item, Ref)], items[-1].cursor


def shown(place, ticket):
    found = place.connector.ticket(Ref(id=ticket))
    assert isinstance(found, Ticket)
    return found


class TestPulls:
    def test_a_listing_that_is_bounded_leads_on(self, place):
        made = []
        for _ in range(7):
            made.append(place.make(place.new()))
            place.advance(86400)
        place.app.most = 3

        assert told(place)[0] == made

    def test_a_bound_that_lets_nothing_through_is_said(self, place):
        for _ in range(5):
            place.make(place.new())
        place.app.most = 3

        with pytest.raises(Garbled, match="max_response_row_size") as caught:
            told(place)
        assert "no more than 3 changes" in caught.value.sentence

    def test_times_are_asked_for_in_any_zone(self, place):
        """The account lives in New York here; further west nobody does."""
        place.app.zone = ZoneInfo("Etc/GMT+12")
        ticket = place.make(place.new())
        _, cursor = told(place)
        place.advance(3600)
        place.edit(ticket, "title", "Edited")

        assert told(place, cursor)[0] == [ticket]

    def test_what_left_the_query_is_told_once_more(self, place):
        one, two = (place.make({**place.new(n), "priority": "wish"}) for n in range(2))
        _, cursor = told(place, query="priority=wish")
        place.settle()
        for ticket in (one, two):
            place.edit(ticket, "priority", "bug")

        ids, _ = told(place, cursor, query="issue?priority=wish&@sort=x", known=lambda n: n == one)

        assert ids == [one]

    def test_a_query_may_not_ask_by_activity(self, place):
        with pytest.raises(Rejected, match="activity"):
            told(place, query="activity=2026-01-01")

    def test_an_idle_pull_is_one_request(self, place):
        place.make(place.new())
        place.settle()
        _, cursor = told(place)
        before = place.requests()

        assert told(place, cursor)[0] == []
        assert place.requests() == before + 1

    def test_there_is_a_checkpoint_after_many(self, place, monkeypatch):
        monkeypatch.setattr("prophet_connectors._roundup_walk.STOP", 2)
        made = [place.make(place.new(n)) for n in range(3)]
        place.settle()

        items = list(place.connector.changed(Pull()))

        stops = [n for n, item in enumerate(items) if isinstance(item, Checkpoint)]
        assert (len(stops), stops[0]) == (2, 2)
        assert made[2] in told(place, items[2].cursor)[0]


class TestReading:
    def test_a_ticket_takes_three_requests_and_persons_are_met_once(self, place):
        ticket = place.make(place.new())
        place.comment(ticket, "A remark")
        place.attach(ticket, "a.txt", b"abc")
        shown(place, ticket)
        told(place)
        before = place.requests()
        shown(place, ticket)

        assert place.requests() == before + 3

    def test_the_hubs_own_place_on_a_nosy_list_is_no_news(self, place):
        ticket = place.make({**place.new(), "nosy": frozenset({"hub", "jesse"})})

        assert shown(place, ticket).fields["nosy"] == {"jesse"}

    def test_a_file_of_a_message_names_its_comment(self, place):
        ticket = place.make(place.new())
        note = place.comment(ticket, "With a file")
        place.tracker.attach("bob", ticket, "a.txt", b"abc", comment=note)

        assert [f.comment for f in shown(place, ticket).attachments] == [note]

    def test_what_is_no_number_is_no_issue(self, place):
        with pytest.raises(NotFound):
            place.connector.ticket(Ref(id="../user/1"))

    @pytest.mark.parametrize(
        ("raw", "value"),
        [
            (None, None),
            ([], None),
            (2.0, "2"),
            (True, "true"),
            ("2026-11-20.23:53:52", "2026-11-20T23:53:52Z"),
            ({"id": "3", "link": "https://x/rest/data/severity/3", "name": "minor"}, "minor"),
            ([{"id": "7", "link": "https://x/rest/data/issue/7", "title": "Seven"}], {"7"}),
        ],
    )
    def test_a_trackers_own_properties_are_told_by_what_they_look_like(self, raw, value):
        assert value_of(raw) == value

    def test_a_stale_cookie_is_won_anew(self, place):
        ticket = place.make(place.new())
        shown(place, ticket)
        place.app.sessions.clear()

        assert shown(place, ticket).ref.id == ticket


class TestWriting:
    def test_a_comment_opens_nothing(self, place):
        """Roundup opens what is resolved when a message comes; a copy of one is no reason."""
        ticket = place.make({**place.new(), "status": "resolved"})
        ref = Ref(kind=COMMENT, id="", ticket=ticket)
        place.connector.apply(Create(ref=ref, fields={"body": "Thanks"}))

        assert shown(place, ticket).fields["status"] == "resolved"

    def test_a_comment_is_joined_whatever_happens_meanwhile(self, place):
        ticket = place.make(place.new())
        edit = partial(place.tracker.update, "bob", ticket, {"title": "Quicker"})
        place.inject(Fault(what=What.STRANGER, method="PUT", act=edit))
        ref = Ref(kind=COMMENT, id="", ticket=ticket)

        place.connector.apply(Create(ref=ref, fields={"body": "Still there"}))

        after = shown(place, ticket)
        assert ([c.body for c in after.comments], after.fields["title"]) == (
            ["Still there"],
            "Quicker",
        )

    def test_an_issue_that_does_not_keep_still_is_stale(self, place):
        ticket = place.make(place.new())
        edit = partial(place.tracker.update, "bob", ticket, {"title": "Quicker"})
        place.inject(Fault(what=What.STRANGER, method="PUT", act=edit, times=None))
        ref = Ref(kind=COMMENT, id="", ticket=ticket)
        with pytest.raises(Stale, match="keep still"):
            place.connector.apply(Create(ref=ref, fields={"body": "Never"}))
        place.heal()
        assert shown(place, ticket).comments == ()

    @pytest.mark.parametrize(("what", "there"), [(What.LOST, True), (What.CUT, False)])
    def test_a_lost_file_is_looked_for(self, place, what, there):
        ticket = place.make(place.new())
        place.inject(Fault(what=what, method="PUT"))
        attach = Create(
            ref=Ref(kind=ATTACHMENT, id="", ticket=ticket),
            fields={"name": "a.bin"}, size=3, content=lambda: iter([b"abc"]),
        )  # fmt: skip
        if there:
            place.connector.apply(attach)
        else:
            with pytest.raises(Transient, match=r"a\.bin"):
                place.connector.apply(attach)

        assert len(shown(place, ticket).attachments) == there

    def test_a_file_that_was_not_taken_hangs_nowhere(self, place):
        ticket = place.make(place.new())
        place.inject(Fault(what=What.CUT, method="POST", path="/data/file"))
        attach = Create(
            ref=Ref(kind=ATTACHMENT, id="", ticket=ticket),
            fields={"name": "a.bin"}, size=3, content=lambda: iter([b"abc"]),
        )  # fmt: skip
        with pytest.raises(Transient):
            place.connector.apply(attach)

    def test_an_emptied_description_keeps_its_key(self, place):
        make = Create(ref=Ref(id=""), fields={"title": "x", "content": "A text"}, key=KEY)
        ref = place.connector.apply(make).ref
        for text in (None, "Another"):
            place.connector.apply(Update(ref=ref, changes={"content": text}))
            after = shown(place, ref.id)
            assert (after.fields.get("content"), after.key, after.comments) == (text, KEY, ())
        assert place.connector.find(Ref(id=""), KEY) == ref

    def test_a_message_that_hangs_nowhere_is_not_found(self, place):
        place.inject(Fault(what=What.CUT, method="POST", path="/data/issue"))
        make = Create(ref=Ref(id=""), fields={"title": "x"}, key=KEY)
        with pytest.raises(Unsure):
            place.connector.apply(make)

        assert place.connector.find(Ref(id=""), KEY) is None
        ref = place.connector.apply(make).ref
        assert place.connector.find(Ref(id=""), KEY) == ref

    def test_labels_of_digits_are_no_numbers(self, place):
        ticket = place.make(place.new())
        place.connector.apply(
            Update(ref=Ref(id=ticket), added={"keyword": frozenset({"42", "a, b"})})
        )

        assert shown(place, ticket).fields["keyword"] == {"42", "a, b"}

    def test_a_keyword_is_made_only_where_that_is_wanted(self):
        with ExitStack() as stack:
            place = Place(stack, new_keywords=False)
            ticket = place.make(place.new())
            with pytest.raises(Rejected, match="no keyword called new"):
                place.connector.apply(
                    Update(ref=Ref(id=ticket), added={"keyword": frozenset({"new"})})
                )
            place.connector.close()

    @pytest.mark.parametrize(
        ("changes", "added", "error"),
        [
            ({"assignedto": "nobody-here"}, {}, Rejected),
            ({"nosuch": "x"}, {}, Rejected),
            ({"creator": "eve"}, {}, Unsupported),
            ({"content": "x", "messages": "1"}, {}, Unsupported),
            ({}, {"superseder": frozenset({"https://elsewhere.example/1"})}, Rejected),
            ({}, {"superseder": frozenset({"999"})}, Rejected),
        ],
    )
    def test_what_it_does_not_take_is_refused(self, place, changes, added, error):
        ticket = place.make(place.new())
        before = shown(place, ticket)
        with pytest.raises(error):
            place.connector.apply(Update(ref=Ref(id=ticket), changes=changes, added=added))
        assert shown(place, ticket) == before

    def test_what_has_no_place_is_unsupported(self, place):
        ticket = place.make(place.new())
        part = Ref(kind=COMMENT, id="", ticket=ticket)
        with pytest.raises(Unsupported, match="private"):
            place.connector.apply(Create(ref=part, fields={"body": "x"}, private=True))
        file = Ref(kind=ATTACHMENT, id="", ticket=ticket)
        with pytest.raises(Unsupported):
            place.connector.apply(Create(ref=file, fields={"name": "x"}, private=True))
        with pytest.raises(Rejected, match="empty file"):
            place.connector.apply(Create(ref=file, fields={"name": "x"}, content=lambda: iter(())))
        with pytest.raises(Unsupported):
            place.connector.find(file, KEY)
        note = place.comment(ticket, "Said")
        with pytest.raises(Rejected, match="without a text"):
            place.connector.apply(
                Update(ref=Ref(kind=COMMENT, id=note, ticket=ticket), changes={"body": " "})
            )

    def test_writes_name_the_address_as_configured(self):
        """Else Roundup takes none, whatever the right address is by which it is reached."""
        with ExitStack() as stack:
            place = Place(stack)
            place.app.web = "https://bugs.example.org"
            with pytest.raises(Rejected, match="Required Header Missing"):
                place.connector.apply(Create(ref=Ref(id=""), fields={"title": "x"}))
            other = Place(stack, web_url="https://bugs.example.org/tracker/")
            other.app.web = "https://bugs.example.org"
            other.connector.apply(Create(ref=Ref(id=""), fields={"title": "x"}))
            for box in (place, other):
                box.connector.close()


def test_describe_names_values_and_a_trackers_own_properties(place):
    assert place.connector.describe().statuses[0] == "unread"
    place.make(place.new())

    fields = {field.name: field for field in place.connector.describe().fields}

    assert fields["priority"].values[0] == "critical"
    assert fields["title"].required
    assert not {"activity", "messages"} & fields.keys()


def test_references_are_those_that_roundup_links(place):
    refers = place.connector.references
    assert refers is not None
    text = f"See issue 12, Issue12 and {place.url}/issue12, not tissue 12, #12 or issue 12a"

    put = refers.put(text, lambda ticket, _: f"<{ticket}>")

    assert put == "See <12>, <12> and <12>, not tissue 12, #12 or issue 12a"


def test_the_fake_can_be_served():
    with Served(serve(tickets=3)) as url:
        settings = RoundupSettings(url=url, user="hub", password="correct horse")
        connector = Roundup(settings, Context(remote="served", clock=ManualClock()))
        assert sum(isinstance(item, Ref) for item in connector.changed(Pull())) == 3
        connector.close()
