"""Hiveminder: the contract on the fake, the traps of its sheet, and the fake against the sheet."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.hiveminder import KNOBS, app, parse_tags, serve
from prophet_connectors import _hiveminder_words as words
from prophet_connectors.hiveminder import Hiveminder, HiveminderSettings, prophet_connector
from prophet_hub.errors import (
    AuthFailed,
    ConfigError,
    Garbled,
    NotFound,
    Rejected,
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
    History,
    Person,
    Pull,
    Ref,
    SetChange,
    Update,
)
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import ConnectorContract, TrackerSandbox
from prophet_hub.testing.faults import Faulty
from prophet_hub.testing.serve import call, within
from prophet_hub.testing.texts import TEXTS
from prophet_hub.testing.tracker import ACCOUNT, Tracker

FIXTURES = Path(__file__).parents[2] / "fixtures/hiveminder"
NEW_YORK = ZoneInfo("America/New_York")
KEY = "4be0643f-1d98-573b-97cd-ca98a65347dd"


def users(tracker: Tracker) -> None:
    """Gives the tracker people who go by their numbers."""
    for number, name in (("31", "Ada"), ("32", "Bea")):
        tracker.users[number] = Person(id=number, name=name, email=f"{name.lower()}@example.org")


class Place(TrackerSandbox):
    """A fake, in-process."""

    person = "31"
    logins = ("31", "32")
    many = 60
    examples = MappingProxyType(
        {
            "complete": ("1", "0"),
            "priority": ("5", "1"),
            "will_complete": ("0", "1"),
            "group_id": ("7", "8"),
            "accepted": ("1", "0"),
        }
    )
    clearable = frozenset({"description", "due", "starts", "owner_id"})
    refused = ("priority", "9")
    narrow = ("tag wanted", "tags", frozenset({"wanted"}))

    def __init__(self, stack: ExitStack, **settings) -> None:
        tracker = Tracker("hive", KNOBS)
        users(tracker)
        self.app = app(tracker)
        faulty = Faulty(self.app)
        url = stack.enter_context(within(faulty, "http://hive.example"))
        self.stack = stack

        def make(password: str, reachable: bool) -> Hiveminder:
            given = {
                "url": url if reachable else "http://127.0.0.1:9",
                "email": "hub@example.org",
                "password": password,
                "attachment_limit": 1 << 20,
                **settings,
            }
            return Hiveminder(
                HiveminderSettings(**given), Context(remote="hive", clock=ManualClock())
            )

        super().__init__(tracker, make, faulty)

    def inward(self, field, value):
        if field in ("time_estimate", "time_worked", "time_left") and value is not None:
            return field, f"{value}m"
        return field, value


@pytest.fixture
def place():
    with ExitStack() as stack:
        box = Place(stack)
        yield box
        box.connector.close()


def linked():
    """Returns the fixture of a suite that carries links."""

    @pytest.fixture
    def sandbox(self):
        with ExitStack() as stack:
            box = Place(stack, links=True)
            yield box
            box.connector.close()

    return sandbox


class TestContract(ConnectorContract):
    """Every check there is, on a fake that tells New York's time."""

    may_skip = MappingProxyType({})

    @pytest.fixture
    def sandbox(self, place):
        return place


class TestContractWithLinks(ConnectorContract):
    """The same with dependencies, which have no history."""

    may_skip = MappingProxyType({})
    sandbox = linked()


def log(place: Place) -> list[str]:
    """Returns what was asked since the last time."""
    asked = [f"{method} {path}" for method, path in place.faulty.script.log]
    place.faulty.script.log.clear()
    return asked


def fetch(place: Place, method: str, path: str, body: str = "", kind: str = "") -> tuple:
    """Asks the fake as a logged-in stranger to the connector."""
    place.app.sessions["known"] = ACCOUNT
    head = {"Cookie": "JIFTY_SID_HIVEMINDER=known", "Content-Type": kind}
    status, headers, data = call(place.app, method, path, head, body.encode())
    return status, dict(headers), data


def get(place: Place, path: str):
    return json.loads(fetch(place, "GET", path)[2])


# --- the fake against the sheet -------------------------------------------------------------------


@pytest.fixture
def shapes():
    return json.loads((FIXTURES / "shapes.json").read_text())


def kinds(record: dict) -> dict:
    return {name: type(value) for name, value in record.items()}


def test_the_fake_tells_a_task_as_the_sheet_does(place, shapes):
    tracker, sheet = place.tracker, shapes["task"]
    tracker.users["17"] = Person(id="17", name="Cy", email="cy@example.org")
    others = [tracker.create("17", {"summary": "other"}) for _ in range(2)]
    fields = {
        "summary": sheet["summary"], "description": sheet["description"], "owner_id": "17",
        "tags": parse_tags(sheet["tags"]), "due": sheet["due"], "time_worked": "90m",
        "depends_on": frozenset(others),
    }  # fmt: skip
    task = tracker.create("17", fields)

    told = get(place, f"/=/model/BTDT.Model.Task/id/{task}.json")

    assert kinds(told) == kinds(sheet)
    own = {"id", "record_locator", "created", "last_modified", "comment_address", "depends_on_ids"}
    differing = {n for n in sheet if told[n] != sheet[n]} - own
    assert differing == {"tags"}
    assert parse_tags(told["tags"]) == parse_tags(sheet["tags"])
    assert told["depends_on_ids"] == "\t".join(sorted(others))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told["created"])


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("TaskTransaction", "transaction"),
        ("TaskHistory", "history"),
        ("TaskEmail", "email"),
        ("TaskAttachment", "attachment"),
    ],
)
def test_the_fake_tells_the_rest_as_the_sheet_does(place, shapes, model, shape):
    task = place.make({"summary": "Parser fails", "owner_id": "31"})
    place.edit(task, "summary", "Parser fails at night")
    place.comment(task, "Text")
    place.attach(task, "a.txt", b"text")

    told = [r for r in get(place, f"/=/search/{model}/task_id/{task}.json") if r.get("type") != "x"]

    expected = kinds(shapes[shape])
    assert told
    for record in told:
        assert record.keys() == expected.keys()
        assert all(isinstance(value, str | None) for value in record.values())
    assert kinds(told[-1]) == expected or model == "TaskTransaction"


def test_the_fake_answers_a_success_with_a_redirect_and_a_failure_with_200(place, shapes):
    task = place.make({"summary": "a"})
    form = "application/x-www-form-urlencoded"

    status, headers, body = fetch(place, "POST", "/=/action/UpdateTask.json", f"id={task}", form)
    assert status == 302
    assert headers["Location"].endswith(f"/=/model/BTDT.Model.Task/id/{task}.json")
    assert kinds(json.loads(body)) == kinds(shapes["result"])

    words = f"id={task}&priority=9"
    status, headers, body = fetch(place, "POST", "/=/action/UpdateTask.json", words, form)
    assert (status, json.loads(body)["success"]) == (200, 0)
    assert "Location" not in headers


def test_the_fake_ends_a_search_at_fifteen_and_past_the_end_with_nothing(place):
    for n in range(20):
        place.make({"summary": str(n)})

    assert len(get(place, "/=/search/Task.json")) == 15
    assert len(get(place, "/=/search/Task/__page/2.json")) == 5
    assert get(place, "/=/search/Task/__page/3.json") == []
    assert get(place, "/=/search/Task/summary/3/summary/4/summary.json") == ["3", "4"]
    assert len(get(place, "/=/search/Task/__not/summary/3/__per_page/99.json")) == 19
    assert len(get(place, "/=/model/Task/id.json")) == 20
    assert get(place, "/=/model/Task/summary/3/priority.json") == "3"


def test_the_fake_deletes_for_proxies_and_shows_people_pages(place):
    task = place.make({"summary": "a"})

    assert b"page for people" in fetch(place, "GET", f"/=/model/Task/id/{task}")[2]
    assert fetch(place, "POST", f"/=/model/Task/id/{task}.json!DELETE")[0] == 200
    assert fetch(place, "GET", f"/=/model/Task/id/{task}.json")[0] == 404
    assert fetch(place, "GET", "/=/model/Nonsense/id/1.json")[0] == 404
    assert fetch(place, "POST", "/=/action/Nonsense.json")[0] == 404
    assert fetch(place, "GET", "/=/version.json")[0] == 404


def test_the_fake_serves_a_demo():
    told = serve(tickets=3)

    assert len(told.tracker.items) == 3
    assert told.tracker.items["1"].fields["owner_id"] == "jesse"


# --- words ----------------------------------------------------------------------------------------


TAGS = (
    st.text(min_size=1, max_size=8)
    .map(lambda t: " ".join(t.split()))
    .filter(lambda t: t and not ("'" in t and '"' in t))
)


@given(st.frozensets(TAGS, max_size=4))
def test_tags_come_back_from_their_string(tags):
    assert (
        frozenset(words.parse_tags(words.join_tags(tags)))
        == tags
        == parse_tags(words.join_tags(tags))
    )


@pytest.mark.parametrize("tag", ["", "both ' and \"", "two\nlines", " edge"])
def test_a_tag_that_no_quotes_can_hold_is_refused(tag):
    with pytest.raises(Rejected):
        words.join_tags({tag})


def test_tags_are_read_as_people_write_them():
    assert words.parse_tags("bug \"two words\", 'a \"b\"' bug it's \"open") == [
        "bug", "two words", 'a "b"', "it's", "open",
    ]  # fmt: skip


@given(st.text(), st.text(min_size=1, max_size=40))
def test_a_comment_comes_back_from_its_mail(body, key):
    sender = Person(id="1", name='Ünï "quoted"', email="hub@example.org")

    raw = words.mail(body, sender, datetime(2026, 1, 2, tzinfo=UTC), key)

    assert raw.isascii()
    assert words.body_of(raw) == body
    (identifier,) = re.findall(r"(?i)message-id:\s*(\S+)", raw)
    assert words.key_in(identifier) == key


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc"))), st.booleans())
def test_the_text_of_a_strangers_mail_survives_what_json_does_to_bytes(body, mangled):
    raw = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n"

    told = words.body_of(raw.encode().decode("latin-1") if mangled else raw)

    assert (
        told == body or not mangled
    )  # characters that look like bytes of UTF-8 are taken for them


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        ("Subject: x\n\nplain\n\n", "plain"),
        ("Content-Type: text/plain; charset=iso-8859-1\n\nf\xfcr\r\nzwei\n", "f\xfcr\nzwei"),
        ("Content-Type: text/plain; charset=x-none\n\nf\xfcr", "f\xfcr"),
        ("Content-Type: text/html\n\n<b>x</b>", "<b>x</b>"),
        (
            (
                'Content-Type: multipart/alternative; boundary="b"\n\n--b\n'
                "Content-Type: text/html\n\n<b>h</b>\n--b\nContent-Type: text/plain\n"
                "Content-Transfer-Encoding: base64\n\naGk=\n--b--\n"
            ),
            "hi",
        ),
        ("", ""),
    ],
)
def test_mails_of_strangers_are_read(raw, body):
    assert words.body_of(raw) == body


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1h30m", "90"), ("2 hours", "120"), ("90 seconds", "2"), ("1.5h", "90"), ("1d", "1440"),
     ("45m", "45"), ("0m", "0"), ("3600", "60"), ("soon", None), ("3 fortnights", None)],
)  # fmt: skip
def test_durations_are_minutes(text, minutes):
    assert words.minutes_of(text) == minutes


def test_a_time_without_a_zone_is_of_the_accounts_zone():
    assert words.instant("2026-11-20 19:27:02", NEW_YORK) == datetime(
        2026, 11, 21, 0, 27, 2, tzinfo=UTC
    )
    assert words.instant("2026-11-20T19:27:02Z", NEW_YORK).hour == 19


def test_in_the_repeated_hour_time_does_not_run_backward():
    first = words.instant("2026-11-01 01:50:00", NEW_YORK)
    later = words.instant("2026-11-01 01:10:00", NEW_YORK, first)

    assert (later - first).total_seconds() == 20 * 60
    assert words.instant("2026-11-01 01:55:00", NEW_YORK, first) > first


def test_a_time_that_is_none_is_garbled():
    with pytest.raises(Garbled):
        words.instant("yesterday", NEW_YORK)


def test_summaries_are_made_harmless():
    assert words.harmless("+ [due: friday] Buy!") == "(due: friday) Buy."
    assert words.harmless("Project: x") == "x"
    assert words.harmless("--") == "..."
    assert words.harmless("2+2 - 1") == "2+2 - 1"


# --- reading --------------------------------------------------------------------------------------


def test_the_entry_point_names_the_connector():
    assert prophet_connector() is Hiveminder


def test_a_long_story_is_read_whole_though_a_page_has_fifteen(place):
    task = place.make({"summary": "0"})
    for n in range(1, 41):
        place.edit(task, "summary", str(n))
        place.comment(task, f"remark {n}")
        place.attach(task, f"{n}.txt", b"x")

    shown = place.connector.ticket(Ref(id=task))

    assert len(shown.events) == len(shown.comments) == len(shown.attachments) == 40


def test_a_ticket_costs_few_requests_and_no_content(place):
    hub = place.connector
    plain, busy = place.make({"summary": "a"}), place.make({"summary": "b"})
    place.edit(busy, "summary", "c")
    place.attach(busy, "a.txt", b"x")
    for task in (plain, busy):
        hub.ticket(Ref(id=task))
    log(place)

    hub.ticket(Ref(id=plain))
    assert len(log(place)) == 3
    hub.ticket(Ref(id=busy))
    asked = log(place)
    assert len(asked) == 9
    assert not [path for path in asked if path.endswith(f"TaskAttachment/task_id/{busy}.json")]


def test_an_idle_pull_is_one_request(place):
    place.make({"summary": "a"})
    hub = place.connector
    cursor = [i for i in hub.changed(Pull()) if isinstance(i, Checkpoint)][-1].cursor
    log(place)

    (end,) = hub.changed(Pull(since=cursor))

    assert isinstance(end, Checkpoint)
    assert log(place) == ["GET /=/search/TaskTransaction/__order_by_desc/id/__per_page/60.json"]


def pulled(place: Place, since: str = "") -> tuple[list[str], str]:
    items = list(place.connector.changed(Pull(since=since)))
    return [i.id for i in items if isinstance(i, Ref)], items[-1].cursor


def test_a_transaction_that_becomes_visible_late_is_told(place):
    early, late = place.make({"summary": "a"}), place.make({"summary": "b"})
    place.tracker.hide(early)
    told, cursor = pulled(place)
    assert told == [late]

    place.tracker.hide(early, hidden=False)
    told, cursor = pulled(place, cursor)

    assert told == [early]
    assert pulled(place, cursor)[0] == []


def test_a_page_that_is_short_is_not_the_last(place):
    """What the account may not see is counted and left out."""
    seen, other = place.make({"summary": "a"}), place.make({"summary": "b"})
    _, cursor = pulled(place)
    place.edit(seen, "summary", "c")
    for n in range(300):
        place.edit(other, "summary", f"others {n}")
    place.tracker.hide(other)

    assert pulled(place, cursor)[0] == [seen]


def test_a_busy_day_is_told_whole(place):
    tasks = [place.make({"summary": str(n)}) for n in range(30)]
    _, cursor = pulled(place)
    for n in range(10):
        for task in tasks:
            place.edit(task, "summary", f"again {n}")

    assert pulled(place, cursor)[0] == tasks


def test_a_first_pull_goes_on_where_it_broke_off(place):
    tasks = [place.make({"summary": str(n)}) for n in range(60)]
    walk = place.connector.changed(Pull())
    cursor = next(i for i in walk if isinstance(i, Checkpoint)).cursor

    assert pulled(place, cursor)[0] == tasks[50:]


def test_a_cursor_of_another_kind_starts_anew(place):
    task = place.make({"summary": "a"})

    assert pulled(place, "2026-01-01")[0] == [task]


def test_a_query_narrows_what_is_news_too(place):
    one, two = (place.make({"summary": n}) for n in "ab")
    hub = place.connector
    query = "tag wanted"
    cursor = list(hub.changed(Pull(query=query)))[-1].cursor
    for task in (one, two):
        place.edit(task, "description", "news")
    place.edit(two, "tags", frozenset({"wanted"}))

    told = [i.id for i in hub.changed(Pull(since=cursor, query=query)) if isinstance(i, Ref)]

    assert told == [two]


def test_a_query_is_walked_again_if_somebody_acts_meanwhile(place, monkeypatch):
    for n in range(3):
        place.make({"summary": str(n), "tags": frozenset({"wanted"})})
    search, calls = place.app._task_search, []

    def busy(form, login):
        calls.append(1)
        if len(calls) == 1:
            place.make({"summary": "late", "tags": frozenset({"wanted"})})
        return search(form, login)

    monkeypatch.setattr(place.app, "_task_search", busy)

    told = list(place.connector.changed(Pull(query="tag wanted")))

    assert len([i for i in told if isinstance(i, Ref)]) == 4
    assert len(calls) == 4


def test_whoever_is_logged_out_is_told_so_and_not_an_empty_tracker(place):
    task = place.make({"summary": "a"})
    _, cursor = pulled(place)
    place.app.sessions.clear()

    for since in ("", cursor):
        with pytest.raises(AuthFailed, match="who we are"):
            pulled(place, since)
    with pytest.raises(AuthFailed):
        place.connector.ticket(Ref(id=task))


def test_terms_that_are_not_accepted_are_told(place):
    place.connector.whoami()
    place.app.eula = True

    with pytest.raises(AuthFailed):
        place.connector.apply(Create(ref=Ref(id=""), fields={"summary": "a"}))


def test_a_session_that_ended_is_begun_again_for_a_write(place):
    task = place.make({"summary": "a"})
    place.connector.whoami()
    place.app.sessions.clear()

    made = place.connector.apply(Create(ref=Ref(id=""), fields={"summary": "b"})).ref

    assert made.id != task
    assert place.connector.api.http.logins == 2


def test_a_cookie_will_do(place):
    place.app.sessions["abc"] = ACCOUNT
    settings = HiveminderSettings(
        url="http://hive.example", email="hub@example.org", cookie="JIFTY_SID_HIVEMINDER=abc"
    )
    hub = Hiveminder(settings, Context())

    assert hub.whoami().name == "Hub"
    assert hub.api.http.logins == 0
    hub.close()


@pytest.mark.parametrize(
    ("server", "setting", "hour"), [("America/New_York", "", 0), ("UTC", "America/New_York", 5)]
)
def test_the_zone_is_the_accounts_unless_it_is_set(server, setting, hour):
    with ExitStack() as stack:
        place = Place(stack, time_zone=setting)
        place.app.zone = server
        place.tracker.now = int(datetime(2026, 1, 2, tzinfo=UTC).timestamp())
        task = place.make({"summary": "a"})

        assert place.connector.ticket(Ref(id=task)).created.hour == hour
        place.connector.close()


def test_a_zone_that_is_none_is_told(place):
    place.app.zone = "America/New_York"
    settings = HiveminderSettings(
        url="http://hive.example", email="hub@example.org", password=place.password,
        time_zone="Mars/Port",
    )  # fmt: skip
    hub = Hiveminder(settings, Context(remote="hive"))

    with pytest.raises(ConfigError, match="Mars"):
        hub.whoami()
    hub.close()


def test_a_file_is_taken_from_the_web_pages_and_counted(place, monkeypatch):
    task = place.make({"summary": "a"})
    file = place.attach(task, "a.bin", bytes(range(256)))
    ref = Ref(kind=ATTACHMENT, id=file, ticket=task)
    hub = place.connector

    assert b"".join(hub.content(ref)) == bytes(range(256))
    assert fetch(place, "GET", f"/task/{hub.api.locator(task)}/attachment/{file}")[0] == 302

    monkeypatch.setattr(
        place.app, "_web", lambda *_: (200, "text/html", b"<html>Not allowed.</html>", "")
    )
    with pytest.raises(Garbled, match="256"):
        b"".join(hub.content(ref))


def test_strangers_comments_are_read_though_bytes_come_as_characters(place):
    place.app.mangles = True
    task = place.make({"summary": "a"})
    for text in TEXTS:
        place.comment(task, text)

    assert [c.body for c in place.connector.ticket(Ref(id=task)).comments] == list(TEXTS)


# --- writing --------------------------------------------------------------------------------------


def make(place: Place, **fields) -> Ref:
    return place.connector.apply(Create(ref=Ref(id=""), fields=fields, key=KEY)).ref


def test_the_hubs_tag_is_no_label_and_stays(place):
    ref = make(place, summary="a", tags=frozenset({"two words"}))
    hub = place.connector
    assert place.tracker.items[ref.id].fields["tags"] == {"two words", f"hub-{KEY}"}

    change = {"added": {"tags": frozenset({"b"})}, "removed": {"tags": frozenset({"two words"})}}
    hub.apply(Update(ref=ref, **change))

    shown = hub.ticket(ref)
    assert (shown.key, shown.fields["tags"]) == (KEY, {"b"})
    assert shown.events[-1].changes == (
        SetChange(field="tags", added=frozenset({"b"}), removed=frozenset({"two words"})),
    )
    hub.apply(Update(ref=ref, removed={"tags": frozenset({"b"})}))
    assert hub.find(Ref(id=""), KEY) == ref
    assert "tags" not in hub.ticket(ref).fields


def test_a_completed_task_is_found_by_its_tag(place):
    ref = make(place, summary="a", complete="1")

    assert place.connector.find(Ref(id=""), KEY) == ref
    assert place.connector.find(Ref(id=""), KEY[:-1]) is None


@pytest.mark.parametrize("summary", ["fix [bug] now", "- dash!", "Project: x", "++ up", "a [b"])
def test_instructions_in_a_summary_are_text(place, summary):
    ref = make(place, summary=summary)
    hub = place.connector

    first = hub.ticket(ref).fields
    hub.apply(Update(ref=ref, changes={"summary": f"{summary} !"}))
    second = hub.ticket(ref).fields

    assert first == {**second, "summary": summary}
    assert second["summary"] == f"{summary} !"
    assert second["priority"] == "3"


def test_an_owner_is_given_by_address_and_taken_away_by_a_name(place):
    """An action drops a number in silence, and what nobody owns belongs to a user of that name."""
    hub = place.connector
    task = place.make({"summary": "a"})
    form = "application/x-www-form-urlencoded"
    assert (
        fetch(place, "POST", "/=/action/UpdateTask.json", f"id={task}&owner_id=31", form)[0] == 302
    )
    assert "owner_id" not in hub.ticket(Ref(id=task)).fields

    for owner in ("31", "bea@example.org", None):
        hub.apply(Update(ref=Ref(id=task), changes={"owner_id": owner}))

    shown = hub.ticket(Ref(id=task))
    told = [(c.old, c.new) for e in shown.events for c in e.changes if c.field == "owner_id"]
    assert told == [(None, "31"), ("31", "32"), ("32", None)]
    assert "owner_id" not in shown.fields
    assert {shown.people[n].name for n in ("31", "32")} == {"Ada", "Bea"}
    assert get(place, f"/=/model/Task/id/{task}.json")["owner_id"] == "2"


def test_an_update_does_not_bring_a_hidden_task_back(place):
    task = place.make({"summary": "a", "will_complete": "0"})

    place.connector.apply(Update(ref=Ref(id=task), changes={"priority": "5"}))

    assert place.connector.ticket(Ref(id=task)).fields["will_complete"] == "0"


def test_a_failure_that_came_with_200_is_a_refusal(place):
    task = place.make({"summary": "a"})

    with pytest.raises(Rejected, match="address of its user 99"):
        place.connector.apply(Update(ref=Ref(id=task), changes={"owner_id": "99"}))
    place.tracker.denied = {("create", "comment")}
    ref = Ref(kind=COMMENT, id="", ticket=task)
    with pytest.raises(Rejected, match="denied"):
        place.connector.apply(Create(ref=ref, fields={"body": "x"}))


def test_a_value_that_no_column_holds_is_refused_before_any_request(place):
    ref = Ref(id=place.make({"summary": "a"}))
    place.connector.whoami()
    log(place)

    for changes in ({"priority": "high"}, {"due": "soon"}, {"complete": "open"}, {"owner_id": "x"}):
        with pytest.raises(Rejected):
            place.connector.apply(Update(ref=ref, changes=changes))
    for changes in ({"requestor_id": "31"}, {"nonsense": "x"}, {"tags": "x"}):
        with pytest.raises(Unsupported):
            place.connector.apply(Update(ref=ref, changes=changes))
    assert log(place) == []


def test_a_refused_summary_is_a_refusal_and_another_500_is_unsure(place, monkeypatch):
    ref = Ref(id=place.make({"summary": "a"}))
    update = Update(ref=ref, changes={"summary": "b"})
    place.tracker.denied = {("update", "ticket")}

    with pytest.raises(Rejected, match="denied"):
        place.connector.apply(update)
    monkeypatch.setattr(place.app, "_set", lambda *_: (500, {"oh": "dear"}, ""))
    with pytest.raises(Unsure):
        place.connector.apply(update)


def test_what_of_a_create_did_not_work_is_a_note(place):
    place.tracker.denied = {("update", "ticket")}

    receipt = place.connector.apply(Create(ref=Ref(id=""), fields={"summary": "a [b]"}))

    assert receipt.ref.id in place.tracker.items
    assert "denied" in receipt.notes[0]


def test_a_comment_is_found_in_its_own_ticket_alone(place):
    one, two = (place.make({"summary": n}) for n in "ab")
    hub = place.connector
    ref = Ref(kind=COMMENT, id="", ticket=one)
    made = hub.apply(Create(ref=ref, fields={"body": "x"}, key="a/b c")).ref

    assert hub.find(ref, "a/b c") == made
    assert hub.find(Ref(kind=COMMENT, id="", ticket=two), "a/b c") is None
    with pytest.raises(Unsupported):
        hub.find(Ref(kind=ATTACHMENT, id="", ticket=one), "x")


def test_a_deleted_task_is_not_there_and_not_told_as_gone(place):
    ref = make(place, summary="a")
    hub = place.connector
    _, cursor = pulled(place)
    hub.apply(Delete(ref=ref))

    with pytest.raises(NotFound):
        hub.ticket(ref)
    with pytest.raises(NotFound):
        hub.apply(Delete(ref=ref))
    place.make({"summary": "b"})
    assert ref.id not in pulled(place, cursor)[0]


def test_links_are_carried_where_they_are_asked_for():
    with ExitStack() as stack:
        place = Place(stack, links=True)
        hub = place.connector
        one, two, three = (place.make({"summary": n}) for n in "abc")
        ref = Ref(id=one)
        assert hub.capabilities.history is History.PARTIAL

        for _ in range(2):  # the second time there is nothing to do
            hub.apply(Update(ref=ref, added={"depends_on": frozenset({two, three})}))
        assert hub.ticket(ref).fields["depends_on"] == {two, three}
        hub.apply(Update(ref=ref, removed={"depends_on": frozenset({two})}))
        assert hub.ticket(ref).fields["depends_on"] == {three}
        made = make(place, summary="d", depends_on=frozenset({one}))
        assert hub.ticket(made).fields["depends_on"] == {one}
        assert {f.name for f in hub.describe().fields} >= {"depends_on"}
        hub.close()


def test_who_may_not_attach_declares_it():
    with ExitStack() as stack:
        place = Place(stack, attachments=False, group="7")
        task = make(place, summary="a")
        ref = Ref(kind=ATTACHMENT, id="", ticket=task.id)

        with pytest.raises(Unsupported):
            place.connector.apply(Create(ref=ref, fields={"name": "x"}, content=lambda: iter(())))
        assert place.tracker.items[task.id].fields["group_id"] == "7"
        place.connector.close()


def test_a_file_that_is_private_or_has_no_bytes_is_not_sent(place):
    ref = Ref(kind=ATTACHMENT, id="", ticket=place.make({"summary": "a"}))

    for more in ({"private": True, "content": lambda: iter(())}, {}):
        with pytest.raises(Unsupported):
            place.connector.apply(Create(ref=ref, fields={"name": "x"}, **more))


class Said:
    """An answer as the sdk hands it over."""

    def __init__(self, told: object, *, status: int = 200, location: str = "") -> None:
        self.status = status
        self.headers = {"Location": location} if location else {}
        self.body = b"" if told is None else json.dumps(told).encode()

    def json(self):
        return json.loads(self.body)


def test_results_are_understood_in_every_form(place):
    result = place.connector.api.result
    there = "http://hive.example/=/model/BTDT.Model.Task/id/7.json"

    assert result(Said(None, status=302, location=there)) == {"id": "7"}
    assert result(Said({"success": "1", "content": None}, status=302, location=there))["id"] == "7"
    assert result(Said({"id": "7", "summary": "x"}))["summary"] == "x"  # a proxy followed it
    with pytest.raises(AuthFailed):
        result(Said(None, status=302, location="http://hive.example/splash"))
    with pytest.raises(Garbled):
        result(Said([1]))
    with pytest.raises(Rejected, match="summary: too long; no; sorry"):
        result(Said({"success": 0, "field_errors": {"summary": "too long", "due": None},
                     "error": "no", "message": "sorry"}))  # fmt: skip
    with pytest.raises(Unsure):
        place.connector.api.made({})


def test_answers_of_another_shape_are_garbled(place, monkeypatch):
    task = place.make({"summary": "a"})
    hub = place.connector
    hub.ticket(Ref(id=task))

    for told, act in (
        ({"id": "0"}, lambda: hub.ticket(Ref(id=task))),
        ({}, lambda: list(hub.changed(Pull()))),
        ([], hub.describe),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place.app, "_rest", lambda *_, told=told: (200, told, ""))
            with pytest.raises(Garbled):
                act()
    monkeypatch.setattr(place.app, "_search", lambda *_: {})
    with pytest.raises(Garbled):
        hub.api.column("Task", "id")
