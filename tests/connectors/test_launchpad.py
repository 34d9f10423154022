"""Launchpad: the contract on the fake, and what is special about it."""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import MappingProxyType

import pytest
import responses

from fakes.launchpad import KNOBS, OPEN, STATUSES, app, serve
from prophet_connectors._launchpad_asking import OAuth
from prophet_connectors._launchpad_reading import Reader
from prophet_connectors._launchpad_walk import PAGE
from prophet_connectors._launchpad_words import events_of
from prophet_connectors.launchpad import Launchpad, LaunchpadSettings, prophet_connector, references
from prophet_hub.errors import (
    AuthFailed,
    ConfigError,
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
    Delete,
    FieldChange,
    History,
    Person,
    Pull,
    Ref,
    Update,
)
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, TrackerSandbox
from prophet_hub.testing.contract.history import Story
from prophet_hub.testing.faults import Fault, Faulty, What
from prophet_hub.testing.serve import call, within
from prophet_hub.testing.tracker import Tracker

URL = "http://api.launchpad.test"
SIGNED = (
    'OAuth oauth_consumer_key="a", oauth_token="token", '
    'oauth_signature_method="PLAINTEXT", oauth_signature="%26correct%20horse"'
)


class Place(TrackerSandbox):
    """A fake, in-process."""

    many = 120
    examples = MappingProxyType(
        {
            "milestone": ("1.0", "2.0"),
            "information_type": ("Public Security", "Public"),
        }
    )
    clearable = frozenset({"assignee", "milestone", "importance"})
    refused = ("status", "No Such Status")
    narrow = ("tags=wanted", "tags", frozenset({"wanted"}))

    def __init__(self, stack: ExitStack, kind: type[Launchpad] = Launchpad, **settings) -> None:
        tracker = Tracker("launchpad", KNOBS)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, URL))

        def make(password: str, reachable: bool) -> Launchpad:
            given = {
                "url": url if reachable else "http://127.0.0.1:9",
                "target": "firefox",
                "token": "token",
                "token_secret": password,
                "attachment_limit": 1 << 20,
                **settings,
            }
            return kind(LaunchpadSettings(**given), Context(remote="lp", clock=ManualClock()))

        super().__init__(tracker, make, faulty)

    @contextmanager
    def injected(self, fault):
        """Has a fault in force for a while."""
        self.inject(fault)
        yield
        self.heal()

    def edit(self, ticket, field, value):
        """Through the tracker's own door, where there is one."""
        if field in ("owner", "target", "tasks", "watch", "nickname"):
            raise Absent(f"nobody edits {field}")
        super().edit(ticket, field, value)

    def comment(self, ticket, body, *, private=False):
        """Messages are called by their position in their bug."""
        name = super().comment(ticket, body, private=private)
        return f"{ticket}.{self.app.position(ticket, name)}"


class Trusting(Launchpad):
    """Promises a full history: on a server that only has today's rows, and no renamed thing, it is."""

    capabilities = replace(Launchpad.capabilities, history=History.FULL)


def placed(kind: type[Launchpad] = Launchpad):
    @pytest.fixture
    def sandbox(self):
        with ExitStack() as stack:
            box = Place(stack, kind)
            yield box
            box.connector.close()

    return sandbox


class TestContract(ConnectorContract):
    """Every check there is."""

    may_skip = MappingProxyType({
        "the listing tells neither summaries nor times": "a search tells a bug's task, and no more",
    })  # fmt: skip
    sandbox = placed()


class TestStory(Story):
    """The same with a full history: what the fake tells explains all that is mapped."""

    may_skip = MappingProxyType({})
    sandbox = placed(Trusting)


@pytest.fixture
def place():
    with ExitStack() as stack:
        box = Place(stack)
        yield box
        box.connector.close()


def other(place: Place, **settings) -> Launchpad:
    """Returns another connector to the same fake."""
    given = {"url": URL, "target": "firefox", **settings}
    return Launchpad(LaunchpadSettings(**given), Context(remote="lp", clock=ManualClock()))


def fetch(place: Place, method: str, path: str, body: object = None, **head: str):
    """Asks the fake as the account, past the connector."""
    head["Authorization"] = SIGNED
    raw = b"" if body is None else json.dumps(body).encode()
    status, headers, data = call(place.app, method, path, head, raw)
    return status, dict(headers), data


def raw(place: Place, path: str):
    return json.loads(fetch(place, "GET", f"/1.0/{path}")[2])


def log(place: Place) -> list[str]:
    """Returns what was asked since the last time."""
    asked = [f"{method} {path}" for method, path in place.faulty.script.log]
    place.faulty.script.log.clear()
    return asked


def made(place: Place, key: str = "", **fields) -> Ref:
    fields = {"title": "a", **fields}
    return place.connector.apply(Create(ref=Ref(id=""), fields=fields, key=key)).ref


def told(hub: Launchpad, **pull) -> list[str]:
    return [item.id for item in hub.changed(Pull(**pull)) if isinstance(item, Ref)]


def cursor(hub: Launchpad) -> str:
    return [item.cursor for item in hub.changed(Pull()) if isinstance(item, Checkpoint)][-1]


# --- who asks -------------------------------------------------------------------------------------


def test_requests_are_signed_in_plain_text(place):
    """https://help.launchpad.net/API/SigningRequests: empty consumer secret, &, token secret."""
    http = place.connector.http
    proof = OAuth("https://api.launchpad.net", "prophet-hub", "a token", "its secret")

    header = proof.headers(http)["Authorization"]

    parts = dict(re.findall(r'(\w+)="([^"]*)"', header))
    assert header.startswith('OAuth realm="https://api.launchpad.net/", ')
    assert parts.pop("oauth_timestamp").isdecimal()
    assert parts.pop("oauth_nonce") != dict(re.findall(r'(\w+)="([^"]*)"', proof.headers(http)["Authorization"]))["oauth_nonce"]  # fmt: skip
    assert parts == {
        "realm": "https://api.launchpad.net/",
        "oauth_consumer_key": "prophet-hub",
        "oauth_token": "a%20token",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_signature": "%26its%20secret",
        "oauth_version": "1.0",
    }
    assert proof.secrets == ("a token", "its secret")


def test_whoever_has_no_token_reads_what_is_public(place):
    public, private = place.make({"title": "a"}), place.make({"title": "b"})
    place.app.private.add(private)
    everybody = other(place)

    assert everybody.whoami() == Person(id="(anonymous)")
    assert told(everybody) == [public]
    assert everybody.ticket(Ref(id=public)).fields["title"] == "a"
    with pytest.raises(NotFound):
        everybody.ticket(Ref(id=private))
    place.faulty.script.log.clear()
    with pytest.raises(Unsupported):
        everybody.apply(Update(ref=Ref(id=public), changes={"title": "c"}))
    assert log(place) == []
    refused = Fault(what=What.STATUS, status=401, times=None)
    with place.injected(refused), pytest.raises(AuthFailed, match="not show this to everybody"):
        everybody.ticket(Ref(id=public))
    everybody.close()


def test_half_a_token_is_no_token(place):
    for half in ({"token": "token"}, {"token_secret": "correct horse"}):
        with pytest.raises(ConfigError, match="one half"):
            other(place, **half)


def test_all_of_launchpad_is_no_target(place):
    with pytest.raises(ConfigError, match="no target"):
        other(place, target="/")


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("", "https://api.launchpad.net"),
        ("production", "https://api.launchpad.net"),
        ("staging", "https://api.staging.launchpad.net"),
        ("qastaging", "https://api.qastaging.launchpad.net"),
        ("https://api.launchpad.test/", "https://api.launchpad.test"),
    ],
)
def test_a_server_goes_by_a_word_or_its_address(place, word, root):
    hub = other(place, url=word)

    assert hub.http.base_url == root
    assert hub.references.address("7") == root.replace("api", "bugs", 1) + "/bugs/7"
    hub.close()


def test_a_right_that_lacks_is_a_refusal_and_not_a_bad_token(place):
    """Both are 401: a look at the account tells which."""
    ref = Ref(id=place.make({"title": "a"}))
    place.app.supervisor = False
    hub = place.connector

    for changes in ({"importance": "High"}, {"status": "Won't Fix"}, {"milestone": "1.0"}):
        with pytest.raises(Rejected, match="forbids this to the account") as caught:
            hub.apply(Update(ref=ref, changes=changes))
        assert caught.value.status == 401
        assert caught.value.alone
    hub.apply(Update(ref=ref, changes={"status": "Confirmed"}))
    assert hub.ticket(ref).fields["status"] == "Confirmed"

    receipt = hub.apply(Create(ref=Ref(id=""), fields={"title": "b", "importance": "Low"}))
    assert "not all of it" in receipt.notes[0]
    assert hub.ticket(receipt.ref).fields["title"] == "b"


def test_a_token_that_is_taken_back_ends_a_write_as_such(place):
    ref = Ref(id=place.make({"title": "a"}))
    place.app.secrets.clear()

    with pytest.raises(AuthFailed):
        place.connector.apply(Update(ref=ref, changes={"title": "b"}))


def test_addresses_of_people_are_mostly_hidden(place):
    number = place.tracker.create("jesse", {"title": "a", "assignee": "bob"})
    place.tracker.comment("gone", number, "I left.")

    people = place.connector.ticket(Ref(id=number)).people

    assert people == {
        "jesse": Person(id="jesse", name="Jesse", email="jesse@example.org"),
        "bob": Person(id="bob", name="Bob"),
        "gone": Person(id="gone"),
    }
    log(place)
    place.connector.ticket(Ref(id=number))
    assert len(log(place)) == 5  # nobody is asked for twice


# --- what is told ---------------------------------------------------------------------------------


def test_closed_bugs_and_duplicates_are_told_too(place):
    """A search without words for both leaves them out."""
    one = place.make({"title": "a"})
    closed = [place.make({"title": s, "status": s}) for s in STATUSES]
    twin = place.make({"title": "b", "duplicate_of": frozenset({one})})

    assert told(place.connector) == [one, *closed, twin]
    bare = raw(place, "firefox?ws.op=searchTasks")["entries"]
    assert len(bare) == 1 + len(OPEN)
    assert place.connector.ticket(Ref(id=twin)).fields["duplicate_of"] == {one}


def test_other_tasks_are_told_word_for_word_and_stay(place):
    ref = Ref(id=place.make({"title": "a"}))
    place.app.others[ref.id] = [
        ("firefox/trunk", "firefox trunk", {"status": "Fix Released", "importance": "High",
                                           "assignee": "bob", "milestone": "1.0"}),
        ("ubuntu/+source/bash", "bash (Ubuntu)", {}),
    ]  # fmt: skip

    place.connector.apply(Update(ref=ref, changes={"status": "Confirmed"}))

    shown = place.connector.ticket(ref).fields
    assert (shown["status"], shown["target"]) == ("Confirmed", "firefox")
    assert shown["tasks"] == {
        "firefox trunk: Fix Released, High, ~bob, 1.0",
        "bash (Ubuntu): New, Undecided",
    }


def test_a_distribution_is_tracked_by_its_packages():
    """The task of a package counts before that of a series."""
    with ExitStack() as stack:
        box = Place(stack, target="ubuntu")
        box.app.target = "ubuntu/+source/bash"
        ref = Ref(id=box.make({"title": "a"}))
        box.app.others[ref.id] = [("ubuntu/jammy/+source/bash", "bash (Ubuntu Jammy)", {})]
        hub = box.connector

        hub.apply(Update(ref=ref, changes={"status": "Triaged", "milestone": "2.0"}))

        shown = hub.ticket(ref)
        assert told(hub) == [ref.id]
        assert shown.fields["status"] == "Triaged"
        assert shown.fields["target"] == "bash (Ubuntu)"
        assert shown.fields["tasks"] == {"bash (Ubuntu Jammy): New, Undecided"}
        assert [c.new for e in shown.events for c in e.changes] == ["Triaged", "2.0"]
        hub.close()


def test_a_bug_of_another_project_is_not_ours(place):
    ref = Ref(id=place.make({"title": "a"}))
    place.app.target = "thunderbird"

    with pytest.raises(NotFound, match="is not one of firefox"):
        place.connector.ticket(ref)
    with pytest.raises(NotFound):
        place.connector.apply(Update(ref=ref, changes={"status": "Confirmed"}))


def test_all_of_a_private_bug_is_private(place):
    number = place.make({"title": "a"})
    place.comment(number, "Not for all")
    place.attach(number, "a.txt", b"a")
    place.app.private.add(number)

    shown = place.connector.ticket(Ref(id=number))

    assert shown.private is True
    assert [p.private for p in (*shown.comments, *shown.attachments)] == [True, True]
    assert shown.fields["information_type"] == "Private"


def test_what_says_nothing_is_no_comment(place):
    """The first message is the description, the line of a file its file; some were taken back."""
    number = place.make({"title": "a", "description": "As it was"})
    place.edit(number, "description", "As it is")
    back, kept = (place.tracker.comment("bob", number, text) for text in ("Oops", "A remark"))
    place.app.deleted.add(back)
    bare, lined, spoken = (place.tracker.attach("bob", number, f"{n}.txt", b"a") for n in "xyz")
    place.app.texts |= {lined: "y.txt (text/x-log)", spoken: "Look at this"}

    shown = place.connector.ticket(Ref(id=number))

    assert shown.fields["description"] == "As it is"
    assert [c.body for c in shown.comments] == ["A remark", "Look at this"]
    assert [c.ref.id for c in shown.comments] == [
        f"{number}.{place.app.position(number, n)}" for n in (kept, spoken)
    ]
    files = [(a.ref.id, a.content_type, a.comment) for a in shown.attachments]
    assert files == [
        (bare, "text/plain", ""),
        (lined, "text/x-log", ""),
        (spoken, "text/plain", shown.comments[1].ref.id),
    ]


def test_an_edited_comment_says_when(place):
    number = place.make({"title": "a"})
    note = place.tracker.comment("bob", number, "Before")
    place.advance(5)
    place.tracker.edit_comment("bob", number, note, "After")

    [comment] = place.connector.ticket(Ref(id=number)).comments

    assert comment.body == "After"
    assert comment.updated > comment.created


def test_files_at_the_description_belong_to_the_bug():
    """Those that came with the report; nobody has commented, so no messages are asked for."""
    bug = {"owner_link": "https://x/~ada", "date_created": "2026-01-02T03:04:05+00:00"}
    file = {"title": "a.txt", "message_link": "https://x/bugs/1/comments/0",
            "self_link": "https://x/+attachment/7", "web_link": None}  # fmt: skip

    told = Reader(None)._attachment("1", file, {}, set(), bug, private=False)

    assert (told.author.id, told.created.isoformat()) == ("ada", bug["date_created"])


def test_large_bugs_are_asked_for_in_smaller_pages(place):
    """The service gives up after some seconds, and says to come back in a quarter of an hour."""
    ref, other_one = (Ref(id=place.make({"title": n})) for n in "ab")
    for n in range(20):
        place.comment(ref.id, f"Remark {n}")
    place.app.slow = lambda query, path: "messages" in path and int(dict(query)["ws.size"]) > 15

    assert len(place.connector.ticket(ref).comments) == 20

    place.app.slow = lambda _, path: "1/messages" in path
    with pytest.raises(Transient, match="ran out of time") as caught:
        place.connector.ticket(ref)
    assert caught.value.alone  # the rest of the run goes on
    assert place.connector.ticket(other_one).fields["title"] == "b"


# --- walking --------------------------------------------------------------------------------------


def test_more_tasks_born_in_one_moment_than_a_page_holds(place):
    """An import: the walk cannot begin after them, so it follows the service's own links."""
    made = {place.tracker.create("bob", {"title": f"{n}"}) for n in range(2 * PAGE + 10)}
    place.app.coarse = True

    assert set(told(place.connector)) == made
    place.advance(1)
    late = place.make({"title": "late"})
    assert told(place.connector)[-1] == late


def test_what_left_the_query_is_told_as_long_as_it_is_known(place):
    inside, outside = (place.make({"title": "a", "tags": frozenset({t})}) for t in ("in", "out"))
    hub, query = place.connector, "tags=in"
    items = list(hub.changed(Pull(query=query)))
    seen = {item.id for item in items if isinstance(item, Ref)}
    assert seen == {inside}
    place.settle()
    place.edit(inside, "tags", frozenset({"out"}))
    place.edit(outside, "title", "b")
    new = place.make({"title": "c", "tags": frozenset({"in"})})

    pull = Pull(query=query, since=items[-1].cursor, known=seen.__contains__)
    assert [i.id for i in hub.changed(pull) if isinstance(i, Ref)] == [inside, new]


def test_a_query_cannot_turn_the_walk(place):
    with pytest.raises(Rejected, match="cannot search by order_by"):
        told(place.connector, query="tags=a&order_by=-heat")


def test_without_a_clock_all_is_told_again(place):
    place.make({"title": "a"})
    place.app.dateless = True
    hub = place.connector

    assert told(hub, since=cursor(hub)) == ["1"]
    place.app.dateless = False
    place.settle()
    assert told(hub, since=cursor(hub)) == []
    assert told(hub, since="nonsense") == ["1"]


# --- history --------------------------------------------------------------------------------------


def row(minute: int, what: str, old: str | None, new: str | None, who: str = "bob") -> dict:
    """Returns a row of activity."""
    return {
        "datechanged": f"2026-01-01T10:{minute:02d}:00.5+00:00",
        "person_link": f"https://api.launchpad.net/1.0/~{who}",
        "whatchanged": what,
        "oldvalue": old,
        "newvalue": new,
        "message": None,
    }


def changes(*rows: dict) -> list[tuple]:
    events = events_of(rows, "bash (Ubuntu)")
    return [
        (c.field, c.old, c.new)
        if isinstance(c, FieldChange)
        else (c.field, set(c.removed), set(c.added))
        for e in events
        for c in e.changes
    ]


def test_rows_of_activity_are_read_in_their_own_words():
    told = changes(
        row(1, "bug", None, None),
        row(2, "summary", "a", "b"),
        row(3, "tags", "x y", "y z"),
        row(4, "marked as duplicate", None, "7"),
        row(5, "changed duplicate marker", "7", "8"),
        row(6, "removed duplicate marker", "8", None),
        row(7, "bash (Ubuntu): importance", "Undecided", "Wishlist"),
        row(8, "bash (Ubuntu): assignee", None, "Ada (of) Doe (ada.doe)"),
        row(9, "information type", "Public", "Private Security"),
        row(10, "bash (Ubuntu): milestone", "1.0", None),
        row(11, "attachment added", None, "a.txt https://x"),
        row(12, "bash (Ubuntu Jammy): status", "New", "Triaged"),
        row(13, "bash (Ubuntu): status explanation", "unset", "so"),
        row(14, "removed subscriber Bob", None, None),
        row(15, "description", "a\n\n[prophet-hub:12-ab]", "b\n\n[prophet-hub:12-ab]"),
        row(16, "description", "b\n\n[prophet-hub:12-ab]", "b"),
        row(17, "bash (Ubuntu): assignee", "Ada Doe", "somebody"),
    )

    assert told == [
        ("title", "a", "b"),
        ("tags", {"x"}, {"z"}),
        ("duplicate_of", set(), {"7"}),
        ("duplicate_of", {"7"}, {"8"}),
        ("duplicate_of", {"8"}, set()),
        ("importance", None, "Wishlist"),
        ("assignee", None, "ada.doe"),
        ("information_type", "Public", "Private Security"),
        ("milestone", "1.0", None),
        ("description", "a", "b"),
    ]


def test_a_task_that_moved_is_followed_back():
    """Rows from before the move call it by the name that it had."""
    told = changes(
        row(1, "dash (Ubuntu): status", "New", "Confirmed"),
        row(2, "affects", "dash (Ubuntu)", "bash (Ubuntu)"),
        row(3, "dash (Ubuntu): status", "New", "Invalid"),
        row(4, "bash (Ubuntu): status", "Confirmed", "Triaged"),
    )

    assert [new for _, _, new in told] == ["Confirmed", "Triaged"]


def test_rows_that_are_alike_are_counted():
    """They have no number: the same person may do the same twice in one transaction."""
    first, second = row(1, "summary", "a", "b"), row(1, "summary", "b", "a")

    names = [event.id for event in events_of([first, second], "x")]

    assert names == [f"{first['datechanged']} bob summary", f"{first['datechanged']} bob summary 2"]


# --- writing --------------------------------------------------------------------------------------


def test_a_key_stays_when_the_description_changes(place):
    ref = made(place, key="12-ab", description="One")
    hub = place.connector
    assert raw(place, f"bugs/{ref.id}")["description"] == "One\n\n[prophet-hub:12-ab]"

    for text in ("Two", None):
        hub.apply(Update(ref=ref, changes={"description": text}))
        shown = hub.ticket(ref)
        assert (shown.fields.get("description"), shown.key) == (text, "12-ab")
    assert hub.find(Ref(id=""), "12-ab") == ref


def test_a_bug_needs_a_description(place):
    """Where nothing is said the title stands for it; nobody can take it away."""
    ref = made(place, title="All there is")

    assert place.connector.ticket(ref).fields["description"] == "All there is"
    with pytest.raises(Rejected, match="without a description"):
        place.connector.apply(Update(ref=ref, changes={"description": None}))


def test_a_key_is_looked_for_among_our_own_newest(place):
    mine = made(place, key="12-ab")
    copied = place.make({"title": "b", "description": "[prophet-hub:34-cd]"})
    log(place)

    assert place.connector.find(Ref(id=""), "12-ab") == mine
    assert place.connector.find(Ref(id=""), "34-cd") is None
    assert not any(f"/bugs/{copied}" in line for line in log(place))


def test_parts_are_found_in_their_own_bug_alone(place):
    one, two = (Ref(id=place.make({"title": n})) for n in "ab")
    hub = place.connector
    note = hub.apply(
        Create(ref=Ref(kind=COMMENT, id="", ticket=one.id), fields={"body": "x"}, key="12-ab")
    ).ref
    file = hub.apply(attach(one, b"data", key="34-cd")).ref

    for kind, key, made_ref in ((COMMENT, "12-ab", note), (ATTACHMENT, "34-cd", file)):
        assert hub.find(Ref(kind=kind, id="", ticket=one.id), key) == made_ref
        assert hub.find(Ref(kind=kind, id="", ticket=two.id), key) is None
    shown = hub.ticket(one)
    assert [(c.body, c.key) for c in shown.comments] == [("x", "12-ab")]
    assert [(a.name, a.key) for a in shown.attachments] == [("a.dat", "34-cd")]

    hub.apply(Delete(ref=file))
    shown = hub.ticket(one)
    assert (len(shown.comments), shown.attachments) == (1, ())


def attach(ticket: Ref, data: bytes, **more) -> Create:
    return Create(
        ref=Ref(kind=ATTACHMENT, id="", ticket=ticket.id),
        fields={"name": "a.dat", "content_type": "application/x-thing"},
        size=len(data),
        content=lambda: iter([data]),
        **more,
    )


def test_what_the_server_would_refuse_is_not_sent(place):
    ref = Ref(id=place.make({"title": "a"}))
    others = [place.make({"title": n}) for n in "bc"]
    log(place)

    for operation in (
        attach(ref, b""),
        Update(ref=ref, changes={"owner": "bob"}),
        Update(ref=ref, changes={"nonsense": "x"}),
        Create(ref=Ref(id=""), fields={"title": "a", "duplicate_of": frozenset(others)}),
        Create(ref=Ref(id=""), fields={"title": "a", "duplicate_of": frozenset({"PROJ-3"})}),
    ):
        with pytest.raises(Rejected):
            place.connector.apply(operation)
    for private in (
        attach(ref, b"x", private=True),
        Create(ref=Ref(kind=COMMENT, id="", ticket=ref.id), fields={"body": "x"}, private=True),
    ):
        with pytest.raises(Unsupported):
            place.connector.apply(private)
    assert log(place) == []


def test_a_tag_that_cannot_be_does_not_hold_up_its_bug(place):
    """It is told with the receipt, and refused when it is to be added."""
    tags = {"tags": frozenset({"Needs Review", "fine"})}
    receipt = place.connector.apply(Create(ref=Ref(id=""), fields={"title": "a", **tags}))

    assert receipt.notes == ("Launchpad has no tag like 'Needs Review'.",)
    assert place.connector.ticket(receipt.ref).fields["tags"] == {"fine"}
    with pytest.raises(Rejected, match="no tag like"):
        place.connector.apply(Update(ref=receipt.ref, added=tags))


def test_comments_of_two_bugs_are_two(place):
    """Both are the first of their bug; the hub knows comments by their id alone."""
    bugs = [place.make({"title": n}) for n in "ab"]
    for bug in bugs:
        place.comment(bug, "A remark")

    assert len({c.ref.id for b in bugs for c in place.connector.ticket(Ref(id=b)).comments}) == 2


def test_a_duplicate_has_one_original(place):
    ref, one, two = (Ref(id=place.make({"title": n})) for n in "abc")
    hub = place.connector

    hub.apply(Update(ref=ref, added={"duplicate_of": frozenset({one.id})}))
    with pytest.raises(Rejected, match="duplicates one other"):
        hub.apply(Update(ref=ref, added={"duplicate_of": frozenset({two.id})}))
    hub.apply(
        Update(
            ref=ref,
            added={"duplicate_of": frozenset({two.id})},
            removed={"duplicate_of": frozenset({one.id})},
        )
    )
    assert hub.ticket(ref).fields["duplicate_of"] == {two.id}


def test_an_update_of_both_halves_is_stale_before_anything_is_done(place):
    """The bug and its task have each a tag of their own."""
    ref = Ref(id=place.make({"title": "a"}))
    hub = place.connector
    version = hub.ticket(ref).version
    place.edit(ref.id, "status", "Confirmed")
    both = {"title": "b", "importance": "High"}

    with pytest.raises(Stale):
        hub.apply(Update(ref=ref, changes=both, version=version))
    assert hub.ticket(ref).fields["title"] == "a"

    hub.apply(Update(ref=ref, changes=both, version=hub.ticket(ref).version))
    shown = hub.ticket(ref).fields
    assert (shown["title"], shown["importance"]) == ("b", "High")


def test_what_fails_of_the_second_half_is_a_note(place):
    ref = Ref(id=place.make({"title": "a"}))
    place.app.supervisor = False
    hub = place.connector

    receipt = hub.apply(Update(ref=ref, changes={"title": "b", "importance": "High"}))

    assert "its task was not" in receipt.notes[0]
    shown = hub.ticket(ref).fields
    assert (shown["title"], shown.get("importance")) == ("b", None)


def test_a_comment_does_not_make_a_version_old(place):
    """Only the written half of a tag counts; the mark of a proxy behind it does not."""
    ref = Ref(id=place.make({"title": "a"}))
    place.app.gzipped = True
    hub = place.connector
    version = hub.ticket(ref).version
    assert "gzip" not in version

    place.comment(ref.id, "Meanwhile")
    hub.apply(Update(ref=ref, changes={"title": "b", "status": "Confirmed"}, version=version))

    assert hub.ticket(ref).fields["title"] == "b"


def test_an_answer_that_names_nothing_is_unsure(place):
    place.app.unnumbered = {"createBug"}

    with pytest.raises(Unsure, match="did not say what it made"):
        made(place)


def test_a_file_comes_from_a_host_that_gets_no_credentials(place, monkeypatch):
    """Private ones have each a host of its own."""
    host = "i7.restricted.launchpadlibrarian.net"
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(2, 1, 6, "", ("93.184.215.14", 0))])
    api = "https://api.launchpad.net/1.0/firefox/+bug/1/+attachment/7/data"
    hub = other(place, url="", token="token", token_secret="sesame")

    with responses.RequestsMock() as wire:
        wire.add("GET", api, status=303, headers={"Location": f"https://{host}/7/a?token=x"})
        wire.add("GET", f"https://{host}/7/a", body=b"bytes")
        got = b"".join(hub.content(Ref(kind=ATTACHMENT, id="7", ticket="1")))
        sent = [c.request.headers.get("Authorization") for c in wire.calls]

    assert got == b"bytes"
    assert [bool(header) for header in sent] == [True, False]
    hub.close()


def test_what_there_is_is_described(place):
    schema = place.connector.describe()
    found = {field.name: field.values for field in schema.fields}

    assert schema.projects == ("firefox",)
    assert found["milestone"] == ("1.0", "2.0")
    assert found["tags"] == ("alpha", "beta")
    assert set(STATUSES) <= set(schema.statuses)


def test_texts_refer_to_bugs_as_launchpad_makes_links_of_them(place):
    hub = other(place, url="production")
    refer = hub.references

    text = (
        "LP: #1, lp:#2, bug 3, Bug #4, https://bugs.launchpad.net/bugs/5, "
        "https://launchpad.net/bugs/6, https://bugs.launchpad.net/ubuntu/+source/bash/+bug/7; "
        "not #8, debugging 9, https://example.org/bugs/10"
    )
    found = []
    refer.put(text, lambda number, _: found.append(number) or "")

    assert found == ["1", "2", "3", "4", "5", "6", "7"]
    assert refer.to("5") == "LP: #5"
    hub.close()


def test_answers_of_another_shape_are_garbled(place, monkeypatch):
    hub, ref = place.connector, Ref(id=place.make({"title": "a"}))
    hub.whoami()
    for answer in ([], {}, {"entries": [{}]}, {"entries": 3}):
        monkeypatch.setattr(place.app, "_read", lambda *_, answer=answer: answer)
        for act in (lambda: hub.ticket(ref), lambda: list(hub.changed(Pull())), hub.describe):
            with pytest.raises(Garbled):
                act()


def test_the_entry_point_names_it():
    assert prophet_connector() is Launchpad


def test_the_fake_serves_itself():
    fake = serve(tickets=3)

    assert [len(item.attachments) for item in fake.tracker.items.values()] == [0, 0, 1]


# --- the fake's own traps -------------------------------------------------------------------------


def test_the_fake_is_as_strict_as_the_service(place):
    """lazr.restful and Launchpad's own stories of the web service (xx-bug.rst)."""
    number = place.make({"title": "a", "description": "b"})
    bug, task = f"/1.0/bugs/{number}", f"/1.0/firefox/+bug/{number}"
    tag = raw(place, f"bugs/{number}")["http_etag"]

    assert fetch(place, "PATCH", bug, {"title": "a"})[0] == 209
    assert fetch(place, "PATCH", bug, {"heat": 3})[0] == 400
    assert fetch(place, "PATCH", bug, {"colour": "red"})[0] == 400
    assert fetch(place, "PATCH", bug, {"title": "x" * 201})[0] == 400
    assert fetch(place, "PATCH", bug, {"title": "c"}, **{"If-Match": tag})[0] == 209
    assert fetch(place, "PATCH", bug, {"title": "d"}, **{"If-Match": tag})[0] == 412
    both = {"importance": "High", "status": "No Such Status"}
    assert fetch(place, "PATCH", task, both)[0] == 400
    assert "importance" not in place.tracker.items[number].fields
    assert fetch(place, "PATCH", task, {"assignee_link": f"{URL}/1.0/~nobody"})[0] == 400
    assert fetch(place, "PATCH", "/1.0/firefox", {})[0] == 405
    assert fetch(place, "PUT", bug, {})[0] == 405
    assert fetch(place, "POST", bug, {})[0] == 400
    assert fetch(place, "GET", "/1.0/firefox?ws.op=searchTasks&ws.size=301")[0] == 400
    assert fetch(place, "GET", "/1.0/firefox?ws.op=searchTasks&status=Unknown")[0] == 400
    for path in ("/2.0/", "/1.0/nothing", f"{bug}/nothing", "/1.0/~stranger", "/1.0/bugs/999",
                 f"/1.0/other/+bug/{number}", f"{task}/+attachment/9/data"):  # fmt: skip
        assert fetch(place, "GET", path)[0] == 404


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('OAuth oauth_token="token"', "No consumer key"),
        ('OAuth oauth_consumer_key="a", oauth_token="other"', "Unknown access token"),
        ('OAuth oauth_consumer_key="a", oauth_token="token"', "signature method"),
        (SIGNED.replace("correct", "wrong"), "Invalid signature"),
    ],
)
def test_the_fake_refuses_what_is_not_signed_well(place, header, said):
    status, _, body = call(place.app, "GET", "/1.0/people/+me", {"Authorization": header})

    assert status == 401
    assert said in body.decode()


def test_what_looks_like_a_bug_costs_no_more_than_its_length():
    began = time.process_time()
    refer = references("https://api.launchpad.net")
    assert not refer.mentions("bug" + " " * 20_000 + "x")
    assert refer.mentions("bug = number. - 12")
    assert time.process_time() - began < 1
