"""The connector for RT on a fake: the contract, and what is RT's alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from fakes.rt import ROUTES, RTFake, RTTracker
from prophet_connectors._rt_fields import DATES
from prophet_connectors._rt_story import wire_date
from prophet_connectors.rt import RT, RTSettings
from prophet_hub.errors import AuthFailed, Garbled, Rejected, Stale, Unsupported, Unsure
from prophet_hub.plugins import connector
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Checkpoint,
    Connector,
    Context,
    Create,
    FieldChange,
    Gone,
    Person,
    Pull,
    Ref,
    SetChange,
    Update,
    Value,
)  # fmt: skip
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.contract.checks import pull, read, update
from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import within

URL = "http://rt.example"
NEW_YORK = ZoneInfo("America/New_York")
PERSON_OF = {"Requestor": "Requestor", "Requestors": "Requestor"}


class RTSandbox(TrackerSandbox):
    """A fake of four tickets a page in New York."""

    required: Mapping[str, Value] = {"Queue": "General"}
    examples: Mapping[str, tuple[Value, Value]] = {"Queue": ("General", "Support")}
    clearable = frozenset({"Owner", "Due", "Starts", "Priority", "TimeEstimated", "Requestor"})
    refused = ("Status", "nonsense")
    narrow = ("Priority = '75'", "Priority", "75")

    def __init__(self, url: str = URL, **words: object) -> None:
        self.rt = RTTracker(**words)
        self.queue = ""
        self.fake = RTFake(self.rt, most=4)
        faulty = Faulty(self.fake)

        def connector(password: str, reachable: bool) -> Connector:
            settings = RTSettings(
                url=url if reachable else "http://127.0.0.1:9",
                user="hub",
                password=password,
                key_field=self.rt.key_field,
                queue=self.queue,
                time_zone="America/New_York",
            )
            return RT(settings, Context(remote="rt-main", clock=ManualClock()))

        super().__init__(self.rt, connector, faulty)

    def inward(self, field: str, value: Value | None) -> tuple[str, Value | None]:
        if field in DATES and value is not None:
            return field, wire_date(str(value), NEW_YORK)
        if field in PERSON_OF:
            members = value if isinstance(value, frozenset) else frozenset({value} - {None})
            return PERSON_OF[field], members
        return field, value

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        if field == "Content":
            raise Absent("nobody edits the first message of a ticket")
        super().edit(ticket, field, value)


class TestRTOnAFake(ConnectorContract):
    @pytest.fixture
    def sandbox(self) -> Iterator[RTSandbox]:
        box = RTSandbox()
        with within(box.faulty, URL):
            yield box
        box.connector.close()


@pytest.fixture
def box() -> Iterator[RTSandbox]:
    made = RTSandbox()
    with within(made.faulty, URL):
        yield made
    made.connector.close()


def _log(box, since=0):
    """The requests that came, without the addresses' beginnings."""
    return [f"{m} {p.removeprefix('/REST/2.0/').split('?')[0]}" for m, p in box.script.log[since:]]


class TestRequests:
    """What reading costs, the log-in apart."""

    @pytest.mark.parametrize("sees_all", [True, False])
    def test_a_ticket_costs_three_requests(self, box, sees_all):
        """A fourth where there are files; who and what is looked up once."""
        box.fake.sees_all = sees_all
        plain = box.make(box.new())
        box.comment(plain, "one")
        filed = box.make(box.new())
        box.attach(filed, "a.bin", b"abc")
        for ticket in (plain, filed):
            box.connector.ticket(Ref(id=ticket))

        def cost(ticket):
            before = len(box.script.log)
            box.connector.ticket(Ref(id=ticket))
            return _log(box, before)

        assert cost(plain) == [
            f"GET ticket/{plain}",
            f"GET ticket/{plain}/history",
            "GET attachments",
        ]
        assert cost(filed)[2:] == ["GET attachments", "GET attachments"]

    def test_a_ticket_whose_newest_transaction_is_a_mail_costs_one_more(self, box):
        """To an account whose rights are checked row by row: no page says that it is the last."""
        box.fake.sees_all = False
        ticket = box.make(box.new())
        box.rt._mail(ticket)
        box.connector.ticket(Ref(id=ticket))
        before = len(box.script.log)
        box.connector.ticket(Ref(id=ticket))
        history = f"GET ticket/{ticket}/history"
        assert _log(box, before) == [f"GET ticket/{ticket}", history, history, "GET attachments"]

    def test_an_idle_pull_is_one_request(self, box):
        """Even with fifty ids read again."""
        box.make(box.new())
        cursor = pull(box.connector).cursor
        before = len(box.script.log)

        assert pull(box.connector, cursor).ids == []
        assert _log(box, before) == ["GET transactions"]

    def test_one_login_serves_all(self, box):
        """A password costs RT 0.3 s each time."""
        ticket = box.make(box.new())
        for _ in range(5):
            box.connector.ticket(Ref(id=ticket))

        assert box.connector.http.logins == 1

    def test_a_lost_session_is_won_again(self, box):
        """In the midst of work, and in the midst of a download, which REST 1.0 refuses with 200."""
        ticket = box.make(box.new())
        box.attach(ticket, "a.bin", b"abc")
        told = box.connector.ticket(Ref(id=ticket))
        box.fake.sessions.clear()
        assert box.connector.ticket(Ref(id=ticket)) == told
        box.fake.sessions.clear()

        assert b"".join(box.connector.content(told.attachments[0].ref)) == b"abc"
        assert box.connector.http.logins == 3


class TestCursor:
    """Transactions by number."""

    def test_an_id_that_shows_late_is_not_missed(self, box):
        """It was taken before others, and its transaction ended after them."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        cursor = pull(box.connector).cursor
        box.edit(one, "Subject", "late")
        late = box.rt.transactions.pop()
        box.rt.transactions.append(replace(late, ticket="none", type="EmailRecord"))
        box.rt.items["none"] = box.rt.items[two]
        box.edit(two, "Subject", "in time")
        told = pull(box.connector, cursor)
        assert told.ids == [two]
        box.rt.transactions[late.id - 1] = late

        assert pull(box.connector, told.cursor).ids == [one]

    def test_what_is_no_cursor_tells_all(self, box):
        """Too much is allowed, leaving out is not."""
        ticket = box.make(box.new())

        assert pull(box.connector, "of another version").ids == [ticket]

    def test_a_first_pull_goes_on_where_it_stopped(self, box):
        """Its checkpoints name the last ticket told; the transactions count from its beginning."""
        made = [box.make(box.new(n)) for n in range(9)]
        items = list(box.connector.changed(Pull()))
        first = next(n for n, item in enumerate(items) if isinstance(item, Checkpoint))
        box.edit(made[0], "Subject", "meanwhile")
        told = pull(box.connector, items[first].cursor)

        assert told.ids == made[4:]
        assert items[first].total == 9
        assert pull(box.connector, told.cursor).ids == [made[0]]

    def test_a_query_narrows_changes_too(self, box):
        """Tickets of other queues are not told; deletions and mergers are, whatever the query."""
        ours, other = box.make(box.new(1)), box.make({**box.new(2), "Queue": "Support"})
        gone = box.make(box.new(3))
        cursor = pull(box.connector).cursor
        for ticket in (ours, other):
            box.edit(ticket, "Subject", "changed")
        box.delete(gone)

        told = box.connector.changed(Pull(since=cursor, query="Queue = 'General'"))
        assert [i.id for i in told if isinstance(i, Ref)] == [ours, gone]

    def test_a_ticket_that_leaves_the_query_is_told_once_more(self, box):
        """The change by which it left closed it, perhaps; of strangers nothing is told."""
        ours, other = box.make(box.new(1)), box.make(box.new(2))
        cursor = pull(box.connector).cursor
        for ticket in (ours, other):
            box.edit(ticket, "Status", "resolved")

        asked = Pull(since=cursor, query="Status = 'new'", known={ours}.__contains__)
        told = box.connector.changed(asked)
        assert [i.id for i in told if isinstance(i, Ref)] == [ours]

    def test_a_queue_may_be_set(self, box):
        """For reading and for creating."""
        box.queue = "Support"
        mine = box.connect()
        other = box.make(box.new())
        made = mine.apply(Create(ref=Ref(id=""), fields={"Subject": "there"})).ref

        assert mine.ticket(made).fields["Queue"] == "Support"
        assert pull(mine).ids == [made.id]
        assert other not in pull(mine, query="Status = 'new'").ids
        mine.close()

    def test_rights_row_by_row_are_no_end(self, box):
        """Totals are null then: pages are read until one is empty."""
        box.fake.sees_all = False
        made = [box.make(box.new(n)) for n in range(6)]
        for _ in range(6):
            box.comment(made[0], "more")

        told = pull(box.connector)
        assert told.ids == made
        assert len(box.connector.ticket(Ref(id=made[0])).comments) == 6
        assert box.connector.describe().notes
        assert pull(box.connector, told.cursor).ids == []

    @pytest.mark.parametrize("body", ["[]", '{"items": 7}', '{"items": [{"x": 1}]}'])
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


class TestStory:
    """What RT's transactions mean."""

    def test_an_owner_change_is_told_once(self, box):
        """RT writes it twice."""
        ticket = box.make(box.new())
        box.edit(ticket, "Owner", "jesse")
        box.edit(ticket, "Owner", None)

        steps = [c for e in read(box, ticket).events for c in e.changes]
        assert [(c.field, c.old, c.new) for c in steps] == [
            ("Owner", None, "jesse"),
            ("Owner", "jesse", None),
        ]

    def test_the_first_requestor_is_the_reporter(self, box):
        """The others stand beside."""
        ticket = box.make({**box.new(), "Requestor": "m@example.org"})
        box.rt.update("bob", ticket, added={"Requestor": {"z@example.org"}})
        box.rt.update("bob", ticket, added={"Requestor": {"a@example.org"}})
        box.rt.update("bob", ticket, removed={"Requestor": {"m@example.org"}})
        told = read(box, ticket)

        assert told.fields["Requestor"] == "a@example.org"
        assert told.fields["Requestors"] == {"a@example.org", "z@example.org"}
        single = [c for e in told.events for c in e.changes if c.field == "Requestor"]
        assert [(c.old, c.new) for c in single] == [("m@example.org", "a@example.org")]

    def test_time_taken_is_time_worked(self, box):
        """A comment that took seven minutes adds them without a word."""
        ticket = box.make(box.new())
        box.edit(ticket, "TimeWorked", "3")
        box.rt.message("bob", ticket, body="done", taken=7)

        changes = [c for e in read(box, ticket).events for c in e.changes]
        assert [(c.old, c.new) for c in changes if c.field == "TimeWorked"] == [
            (None, "3"),
            ("3", "10"),
        ]

    def test_custom_fields_are_told_by_name(self, box):
        """One value is text, several are a set; the history knows them by number."""
        box.rt.customs = {"Severity": (4, False), "Tags": (5, True)}
        ticket = box.make({**box.new(), "CF.{Severity}": "low"})
        box.edit(ticket, "CF.{Severity}", "high")
        box.edit(ticket, "CF.{Tags}", frozenset({"a", "b"}))
        box.rt.update("bob", ticket, {"CF.{Tags}": frozenset({"b"})})
        told = read(box, ticket)

        assert told.fields["CF.{Severity}"] == "high"
        assert told.fields["CF.{Tags}"] == {"b"}
        changes = [c for e in told.events for c in e.changes]
        assert FieldChange(field="CF.{Severity}", old="low", new="high") in changes
        assert SetChange(field="CF.{Tags}", removed=frozenset({"a"})) in changes
        assert {f.name for f in box.connector.describe().fields} >= {"CF.{Severity}", "CF.{Tags}"}

    def test_a_delete_is_not_called_forbidden_where_tickets_in_their_status_do_not_offer_it(
        self, box
    ):
        box.connector.apply(Create(ref=Ref(id=""), fields={**box.new(), "Status": "open"}))

        schema = box.connector.describe()

        assert not any("deleted" in to for to in schema.transitions.values())
        assert schema.permissions >= {"update", "delete"}

    def test_custom_fields_are_written_by_name(self, box):
        """Members of a set by whole, from what is there."""
        box.rt.customs = {"Severity": (4, False), "Tags": (5, True)}
        fields = {**box.new(), "CF.{Severity}": "low", "CF.{Tags}": frozenset({"a"})}
        ref = box.connector.apply(Create(ref=Ref(id=""), fields=fields)).ref
        box.connector.apply(
            Update(
                ref=ref,
                changes={"CF.{Severity}": "high"},
                added={"CF.{Tags}": frozenset({"b"})},
                before={"CF.{Tags}": frozenset({"a"})},
            )
        )

        told = read(box, ref.id)
        assert (told.fields["CF.{Severity}"], told.fields["CF.{Tags}"]) == ("high", {"a", "b"})

    def test_a_merged_ticket_brings_its_words_but_not_its_changes(self, box):
        """Its first message becomes a comment; its own story is another ticket's."""
        one, two = box.make({**box.new(1), "Content": "from one"}), box.make(box.new(2))
        box.edit(one, "Subject", "another")
        box.comment(one, "said at one")
        box.merge(one, two)
        told = read(box, two)

        assert [c.body for c in told.comments] == ["from one", "said at one"]
        assert told.events == ()
        assert box.connector.ticket(Ref(id=one)) == Gone(ref=Ref(id=one), merged_into=two)

    def test_links_are_told_from_both_ends(self, box):
        """Numbers of this RT as numbers, other addresses as they are; the hub's key is no link."""
        key = box.key()
        other = box.make(box.new())
        ref = box.connector.apply(Create(ref=Ref(id=""), fields=box.new(), key=key)).ref
        links = {"DependsOn": frozenset({other}), "RefersTo": frozenset({"https://example.org/7"})}
        box.connector.apply(Update(ref=ref, added=links))

        told = read(box, ref.id)
        assert told.key == key
        assert told.fields["DependsOn"] == {other}
        assert told.fields["RefersTo"] == {"https://example.org/7"}
        assert read(box, other).fields["DependedOnBy"] == {ref.id}
        assert read(box, other).events[-1].changes == (
            SetChange(field="DependedOnBy", added=frozenset({ref.id})),
        )

    def test_a_story_that_ends_elsewhere_is_read_again(self, box):
        """The ticket changed between its fields and its version."""
        ticket = box.make(box.new())
        held = []

        def stale(environ, start):
            if environ["PATH_INFO"].endswith(f"/ticket/{ticket}") and not held:
                item = box.rt.items[ticket]
                held.append(dict(item.fields))
                box.edit(ticket, "Subject", "changed meanwhile")
                now, item.fields = item.fields, held[0]
                answer = box.fake(environ, start)
                item.fields = now
                return answer
            return box.fake(environ, start)

        box.faulty.app = stale
        told = read(box, ticket)

        assert told.fields["Subject"] == "changed meanwhile"
        assert len(held) == 1

    @pytest.mark.parametrize(
        ("long", "cut"), [("x" * 230, "x" * 200), ("ä" * 150, "ä" * 100), ("漢" * 150, "漢" * 66)]
    )
    def test_a_long_subject_is_cut_and_known_again(self, box, long, cut):
        """RT counts bytes and says nothing; the canonical form is cut too: nothing is read twice."""
        ticket = box.make(box.new())
        update(box, ticket, "Subject", long)
        read(box, ticket)
        before = len(box.script.log)
        told = read(box, ticket)

        assert told.fields["Subject"] == cut
        assert box.title.same(told.fields["Subject"], long)
        assert len(box.script.log) - before == 3

    def test_people_who_are_gone_are_left_out(self, box):
        """A number that nobody knows says nothing."""
        ticket = box.make(box.new())
        box.rt.update("bob", ticket, added={"Cc": {"jesse"}})
        box.rt.transactions[-1].new = "99999"
        told = read(box, ticket)

        assert told.fields["Cc"] == {"jesse"}
        assert told.events == ()

    @pytest.mark.parametrize(("sees_all", "name"), [(True, "Staff"), (False, "")])
    def test_a_group_is_known_by_its_number(self, box, sees_all, name):
        """In fields as in the history, where users have names; few accounts may see its name."""
        box.fake.sees_all = sees_all
        box.rt.groups = {"77": "Staff"}
        ticket = box.make(box.new())
        box.rt.update("bob", ticket, added={"AdminCc": {"77"}})
        told = read(box, ticket)

        assert told.fields["AdminCc"] == {"77"}
        assert told.events[-1].changes == (SetChange(field="AdminCc", added=frozenset({"77"})),)
        assert told.people["77"] == Person(id="77", name=name)

    def test_days_are_those_of_the_zone(self, box):
        """Midnight in New York is five in UTC."""
        ticket = box.make(box.new())
        update(box, ticket, "Due", "2026-12-24")

        assert box.rt.items[ticket].fields["Due"] == "2026-12-24 05:00:00"
        assert read(box, ticket).fields["Due"] == "2026-12-24"
        with pytest.raises(Rejected, match="'no day' is no day"):
            update(box, ticket, "Due", "no day")


class TestMessages:
    """Texts and files."""

    def test_html_is_told_as_html(self, box):
        """Only where there is no plain text."""
        ref = box.connector.apply(
            Create(ref=Ref(id=""), fields={"Subject": "s", "Content": "<b>x</b>"}, dialect="html")
        ).ref
        said = Create(
            ref=Ref(kind=COMMENT, id="", ticket=ref.id), fields={"body": "<i>y</i>"}, dialect="html"
        )
        box.connector.apply(said)
        told = read(box, ref.id)

        assert (told.dialect, told.fields["Content"]) == ("html", "<b>x</b>")
        assert [(c.dialect, c.body) for c in told.comments] == [("html", "<i>y</i>")]

    def test_a_text_beside_a_file_is_its_comment(self, box):
        """And the file knows it; the key is the comment's."""
        ticket = box.make(box.new())
        files = [("a.bin", "a/b", b"abc"), ("n.txt", "text/plain", b"\xe4")]
        row = box.rt.message("bob", ticket, body="see there", files=files, subject="prophet-hub k")
        told = read(box, ticket)

        (comment,) = told.comments
        assert (comment.body, comment.key) == ("see there", "k")
        assert [(a.name, a.size, a.comment, a.key) for a in told.attachments] == [
            ("a.bin", 3, str(row.id), ""),
            ("n.txt", None, str(row.id), ""),
        ]
        assert b"".join(box.connector.content(told.attachments[1].ref)) == b"\xe4"

    def test_a_text_with_an_empty_name_is_a_text(self, box):
        """Some databases hold "" where others hold NULL: then it is fetched by itself."""
        ticket = box.make(box.new())
        box.comment(ticket, "ä body")
        asked = box.fake.attachments

        def attachments(request, user):
            if "Content," in request.query["fields"] + ",":
                return 200, {}, {"items": [], "total": 0, "per_page": 4}
            return asked(request, user)

        box.fake.attachments = attachments
        routes = [(m, p, attachments if a.__name__ == "attachments" else a) for m, p, a in ROUTES]
        box.fake.routes = [
            (m, p, (lambda fake, *w, a=a: a(*w)) if a is attachments else a) for m, p, a in routes
        ]

        assert [c.body for c in read(box, ticket).comments] == ["ä body"]

    def test_an_empty_file_is_refused_before_any_request(self, box):
        """RT answers 400 to it."""
        before = box.requests()
        empty = Create(
            ref=Ref(kind=ATTACHMENT, id="", ticket="1"),
            fields={"name": "e"},
            content=lambda: iter(()),
        )

        with pytest.raises(Rejected, match="no empty file"):
            box.connector.apply(empty)
        assert box.requests() == before

    def test_a_limit_is_a_promise(self):
        """Where RT truncates or drops, the hub is told before it reads."""
        limited = RT(RTSettings(url=URL, attachment_limit=10), Context())

        assert limited.capabilities.attachment_limit == 10
        assert RT.capabilities.attachment_limit is None
        large = Create(
            ref=Ref(kind=ATTACHMENT, id="", ticket="1"), fields={"name": "x"}, size=11,
            content=lambda: iter(()),
        )  # fmt: skip
        with pytest.raises(Unsupported, match="above 10 bytes"):
            limited.apply(large)
        limited.close()

    def test_a_file_that_was_taken_but_not_shown_is_unsure(self, box):
        """The upload went well, the look at it did not."""
        ticket = box.make(box.new())
        box.connector.whoami()
        broken = Fault(what=What.STATUS, status=500, path="attachments", times=None)
        box.inject(broken)
        upload = Create(
            ref=Ref(kind=ATTACHMENT, id="", ticket=ticket), fields={"name": "x"}, size=1, key="k",
            content=lambda: iter([b"x"]),
        )  # fmt: skip

        with pytest.raises(Unsure, match="took x but did not show it"):
            box.connector.apply(upload)
        box.heal()
        ask = Ref(kind=ATTACHMENT, id="", ticket=ticket)
        assert box.connector.find(ask, "k") == read(box, ticket).attachments[0].ref


class TestWrites:
    """A 200 proves nothing."""

    def test_failures_are_notes(self, box):
        """What went well is no news."""
        ticket = box.make(box.new())
        receipt = box.connector.apply(
            Update(
                ref=Ref(id=ticket), changes={"Subject": "fine", "Status": "nonsense", "Owner": "no"}
            )
        )

        assert receipt.notes == (
            f"Ticket {ticket}: That user does not exist",
            f"Ticket {ticket}: Status 'nonsense' isn't a valid status for this ticket.",
        )
        assert read(box, ticket).fields["Subject"] == "fine"

    def test_a_status_that_no_ticket_is_born_with_comes_after(self, box):
        """A lifecycle allows three at birth."""
        made = box.connector.apply(
            Create(ref=Ref(id=""), fields={"Subject": "s", "Status": "stalled"})
        )

        assert made.notes == ()
        assert read(box, made.ref.id).fields["Status"] == "stalled"
        odd = box.connector.apply(Create(ref=Ref(id=""), fields={"Subject": "s", "Status": "odd"}))
        assert "isn't a valid status" in odd.notes[0]

    def test_a_ticket_is_made_even_if_its_status_fails(self, box):
        """What the second request meets is a note."""
        box.connector.whoami()
        box.inject(Fault(what=What.STATUS, status=500, method="PUT", times=None))
        made = box.connector.apply(
            Create(ref=Ref(id=""), fields={"Subject": "s", "Status": "rejected"})
        )

        assert "failed with 500" in made.notes[0]

    def test_other_refusals_of_a_create_are_rejected(self, box):
        """A queue that is not there."""
        with pytest.raises(Rejected, match="No permission to create tickets"):
            box.connector.apply(Create(ref=Ref(id=""), fields={"Subject": "s", "Queue": "None"}))

    def test_mail_that_moved_the_version_is_no_obstacle(self, box):
        """RT's own EmailRecords count; the values are compared."""
        ticket = box.make(box.new())
        told = read(box, ticket)
        box.rt._mail(ticket)
        ours = Update(
            ref=told.ref,
            changes={"Subject": "ours"},
            before={"Subject": told.fields["Subject"]},
            version=told.version,
        )
        box.connector.apply(ours)

        assert read(box, ticket).fields["Subject"] == "ours"

    def test_somebody_elses_other_field_is_no_obstacle(self, box):
        """Only what we change must be as we saw it."""
        ticket = box.make(box.new())
        told = read(box, ticket)
        box.edit(ticket, "Priority", "75")
        before = {"Subject": told.fields["Subject"]}
        ours = {"ref": told.ref, "changes": {"Subject": "ours"}, "before": before}
        box.connector.apply(Update(**ours, version=told.version))
        assert read(box, ticket).fields["Subject"] == "ours"

        with pytest.raises(Stale, match="has moved on: Subject"):
            box.connector.apply(Update(**ours, version=told.version))

    def test_a_ticket_that_never_rests_is_stale(self, box):
        """After three tries."""
        ticket = box.make(box.new())
        told = read(box, ticket)
        box.rt._mail(ticket)
        stranger = Fault(
            what=What.STRANGER, method="PUT", times=None, act=lambda: box.rt._mail(ticket)
        )
        box.inject(stranger)

        with pytest.raises(Stale, match="does not keep still"):
            box.connector.apply(
                Update(ref=told.ref, changes={"Due": "2026-12-24"}, version=told.version)
            )
        assert stranger.hits == 3

    def test_a_merged_ticket_is_not_written_to(self, box):
        """Its number answers for another one."""
        one, two = box.make(box.new(1)), box.make(box.new(2))
        told = read(box, one)
        box.merge(one, two)

        with pytest.raises(Stale):
            box.connector.apply(Update(ref=told.ref, added={"Cc": frozenset({"bob"})}))

    def test_unknown_people_are_refused_before_the_write(self, box):
        """A PUT that names one fails half-way with 500; addresses become users."""
        ticket = box.make(box.new())
        for words in ({"added": {"Cc": frozenset({"nope"})}}, {"changes": {"Requestor": "nope"}}):
            with pytest.raises(Rejected, match="nobody called nope"):
                box.connector.apply(Update(ref=Ref(id=ticket), **words))
        known = frozenset({"new@example.org", "jesse"})
        box.connector.apply(Update(ref=Ref(id=ticket), added={"AdminCc": known}))

        assert read(box, ticket).fields["AdminCc"] == known

    def test_a_message_without_a_place_is_unsure(self, box):
        """An answer that does not say what became of it."""
        ticket = box.make(box.new())
        fake = box.fake

        def silent(environ, start):
            return fake(environ, lambda s, h: start(s, [x for x in h if x[0] != "Location"]))

        box.connector.whoami()
        box.faulty.app = silent
        with pytest.raises(Unsure, match="did not say as what"):
            box.connector.apply(
                Create(ref=Ref(kind=COMMENT, id="", ticket=ticket), fields={"body": "x"})
            )


class TestAccounts:
    """Who the hub is."""

    def test_a_token_wins_a_session(self, box):
        """Sent once, to REST 1.0; it names its owner by number."""
        number = box.rt.number("hub")
        box.fake.token = f"1-{number}-abcdef"
        mine = RT(RTSettings(url=URL, token=box.fake.token), Context(clock=ManualClock()))
        assert mine.whoami() == Person(id="hub", name="Hub", email="hub@example.org")
        mine.ticket(Ref(id=box.make(box.new())))

        assert mine.http.logins == 1
        mine.close()

    def test_nobody_at_all_is_said(self, box):
        """Neither a user nor a token in the job file."""
        mine = RT(RTSettings(url=URL), Context(remote="rt-main"))

        with pytest.raises(AuthFailed, match="rt-main has no user"):
            mine.whoami()
        mine.close()

    def test_the_connector_is_found_by_its_name(self):
        """As a third party's is."""
        assert connector("rt") is RT


@pytest.mark.parametrize("key_field", ["", "HubID"])
def test_keys_are_carried_either_way(key_field):
    """In a link that nobody else's search finds, or in a field of their own."""
    box = RTSandbox(key_field=key_field)
    with within(box.faulty, URL):
        key = box.key()
        made = box.connector.apply(Create(ref=Ref(id=""), fields=box.new(), key=key)).ref
        told = read(box, made.id)
        assert box.connector.find(Ref(id=""), key) == made
        assert box.connector.find(Ref(id=""), "it's \\ quoted") is None
        assert told.key == key
        assert not [name for name in told.fields if name.startswith("CF.") or name == "RefersTo"]
        box.connector.close()
