"""Links, attachments, long texts, pairing: what is told besides plain fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from foreign.kit import Hub, pair, tick
from prophet_hub.foreign.attachments import safe_name
from prophet_hub.foreign.pairing import CERTAIN, Candidate, score
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.model import ids
from prophet_hub.sdk import ATTACHMENT, Field, Gone, History, Kind
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker


def test_links_travel_when_both_tickets_exist():
    r, t = pair()
    for number in range(3):
        r.create("bob", {"summary": f"{number}"})
    r.update("bob", "1", added={"depends_on": {"3"}})
    with Hub(r, t) as hub:
        hub.syncs()
        by_name = {i.fields["summary"]: i for i in t.items.values()}
        assert by_name["0"].fields["depends_on"] == {by_name["2"].id}
        t.update("eve", by_name["0"].id, removed={"depends_on": {by_name["2"].id}})
        t.update("eve", by_name["1"].id, added={"depends_on": {by_name["0"].id}})
        hub.syncs()
        assert "depends_on" not in r.items["1"].fields
        assert r.items["2"].fields["depends_on"] == {"1"}
        assert hub.conflicts() == []


def test_tickets_that_link_in_a_circle_are_made_and_linked_in_one_run():
    r, t = pair()
    r.create("bob", {"summary": "a"})
    r.create("bob", {"summary": "b", "depends_on": frozenset("1")})
    r.update("bob", "1", added={"depends_on": {"2"}})
    with Hub(r, t) as hub:
        hub.sync()
        links = {i.id: i.fields["depends_on"] for i in t.items.values()}
        assert links == {"1": {"2"}, "2": {"1"}}
        tick(r, t)
        assert hub.syncs() == []


def test_a_link_waits_quietly_and_goes_once_the_other_ticket_is_there():
    r, t = pair()
    r.create("bob", {"summary": "a", "status": "in"})
    r.create("bob", {"summary": "b", "status": "out"})
    r.update("bob", "1", added={"depends_on": {"2"}})
    with Hub(r, t, R={"query": "status=in"}) as hub:
        hub.syncs()
        assert (len(t.items), "depends_on" in t.items["1"].fields, hub.inbox(t)) == (1, False, [])
        r.update("bob", "2", {"status": "in"})
        hub.syncs()
        assert t.items["1"].fields["depends_on"] == {"2"}


def test_a_link_to_a_url_is_carried_as_it_is():
    r, t = pair(links=frozenset())
    r.create("bob", {"summary": "a", "depends_on": frozenset({"https://example.org/7"})})
    with Hub(r, t) as hub:
        hub.syncs()
    assert t.items["1"].fields["depends_on"] == {"https://example.org/7"}


def test_only_what_the_jobs_query_told_is_created():
    r, t = pair()
    r.create("bob", {"summary": "a", "status": "in"})
    r.create("bob", {"summary": "b", "status": "out"})
    with Hub(r, t, R={"query": "status=in"}) as hub:
        whole = replace(hub.specs["R"], query="")
        list(ForeignReplica(hub.replica, whole, job="another").pull())
        hub.syncs()
        assert [i.fields["summary"] for i in t.items.values()] == ["a"]
        hub.change("T", creates=False)
        r.create("bob", {"summary": "c", "status": "in"})
        hub.syncs()
        assert len(t.items) == 1


def test_directions_are_obeyed():
    r, t = pair()
    r.create("bob", {"summary": "a"})
    with Hub(r, t, R={"pushes": False}) as hub:
        hub.syncs()
        t.update("eve", "1", {"summary": "b"})
        t.create("eve", {"summary": "c"})
        hub.syncs()
    assert [i.fields["summary"] for i in r.items.values()] == ["a"]


@pytest.mark.parametrize("size", [4_095, 4_097, 65_536])
def test_long_texts_come_back_byte_for_byte(size):
    text = ("é\t \r\n" * size)[:size] + "."
    r, t = pair()
    r.create("bob", {"summary": "x", "description": text})
    with Hub(r, t) as hub:
        hub.syncs()
        t.update("eve", "1", {"summary": "y"})
        hub.syncs()
        assert (r.items["1"].fields["description"], t.items["1"].fields["description"]) == (
            text,
        ) * 2
        t.update("eve", "1", {"description": text + "!"})
        hub.syncs()
        assert r.items["1"].fields["description"] == text + "!"
        assert hub.conflicts() == []


def told_by_the_tracker_alone(history=History.FULL):
    """Two trackers that say when a ticket was changed, each by itself."""
    r, t = pair(history=history)
    rows = (
        Field(theirs="summary", ours="summary"),
        Field(theirs="priority", ours="priority", kind=Kind.WORD, default="normal"),
        Field(theirs="updated", ours="updated", writable=False, on_create=False),
    )
    options = {}
    for tracker in (r, t):
        connector = MemoryConnector.over(tracker, fields=rows)

        def ticket(ref, tracker=tracker, fetch=connector.ticket):
            told = fetch(ref)
            if isinstance(told, Gone):
                return told
            stamp = f"{tracker.name} {told.updated.isoformat()}"
            fields = {"priority": "normal", **told.fields, "updated": stamp}
            return replace(told, fields=fields)

        connector.ticket = ticket
        options[tracker.name] = {"connector": connector}
    return r, t, Hub(r, t, **options)


@pytest.mark.parametrize("history", [History.NONE, History.FULL])
def test_what_each_tracker_alone_can_say_is_no_conflict(history):
    r, t, hub = told_by_the_tracker_alone(history)
    with hub:
        r.create("bob", {"summary": "x", "priority": "high"})
        hub.syncs()
        assert [value[0] for value in hub.values(r, "updated")] == ["R"]
        tick(r, t)
        t.update("eve", "1", {"summary": "y"})
        hub.syncs()
        tick(r, t)
        r.update("bob", "1", {"summary": "z"})
        hub.syncs()
        assert (t.items["1"].fields["summary"], hub.conflicts()) == ("z", [])


def test_a_copys_default_is_nobodys_word():
    r, _, hub = told_by_the_tracker_alone()
    with hub:
        fetch = hub.specs["R"].connector.ticket
        hub.specs["R"].connector.ticket = lambda ref: replace(
            told := fetch(ref), fields={k: v for k, v in told.fields.items() if k != "priority"}
        )
        r.create("bob", {"summary": "x"})
        hub.syncs()
        assert hub.values(r, "priority") == set()


def test_to_clear_a_field_that_a_tracker_cannot_be_without_is_to_write_its_default():
    r, t, hub = told_by_the_tracker_alone()
    with hub:
        fetch = hub.specs["R"].connector.ticket

        def without(ref):
            told = fetch(ref)
            fields = {k: v for k, v in told.fields.items() if k != "priority"}
            kept = r.items[ref.id].fields.get("priority")
            return replace(told, fields=fields | ({"priority": kept} if kept else {}))

        hub.specs["R"].connector.ticket = without
        r.create("bob", {"summary": "x", "priority": "high"})
        tick(r, t)
        r.update("bob", "1", {"priority": None})
        hub.syncs(1)
        assert hub.syncs() == []  # the copy shows "normal", which is nothing

        tick(r, t)
        r.update("bob", "1", {"priority": "high"})
        hub.syncs()
        assert t.items["1"].fields["priority"] == "high"
        tick(r, t)
        r.update("bob", "1", {"priority": None})
        hub.syncs()
        assert t.items["1"].fields.get("priority", "normal") == "normal"
        assert (hub.syncs(), hub.inbox(t), hub.conflicts()) == ([], [], [])
        assert r.items["1"].fields.get("priority") is None


# --- attachments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.txt", "x.txt"),
        ("a\x00b\n<c>.png", "ab_c_.png"),
        ("\u202egnp.exe", "gnp.exe"),
        (" . ", "attachment"),
        ("x" * 300 + ".tar", "x" * 196 + ".tar"),
    ],
)
def test_names_of_files_are_not_trusted(told, kept):
    assert safe_name(told) == kept


def test_a_name_fits_in_any_file_system():
    assert len(safe_name("é" * 400 + ".txt").encode()) <= 255


def test_the_same_bytes_from_elsewhere_at_the_same_ticket_are_the_same_attachment():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs()
        r.attach("bob", "1", "a.txt", b"same")
        t.attach("eve", "1", "b.txt", b"same")
        hub.syncs()
        assert [len(x.items["1"].attachments) for x in (r, t)] == [1, 1]
        assert hub.conflicts() == []


def test_the_same_bytes_twice_at_one_ticket_are_two():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.attach("bob", "1", "a.txt", b"same")
    r.attach("bob", "1", "b.txt", b"same")
    with Hub(r, t) as hub:
        hub.syncs()
        assert [len(x.items["1"].attachments) for x in (r, t)] == [2, 2]


def test_a_file_above_the_limit_is_refused_before_it_is_read_and_carried_when_it_may():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.attach("bob", "1", "big.bin", b"x" * 1_000)
    r.attach("bob", "1", "small.bin", b"x")
    with Hub(r, t, R={"attachment_limit": 500}) as hub:
        requests = r.requests
        hub.sync()
        assert r.requests - requests == 3  # listing, ticket, the small one
        assert [f.name for f in t.items["1"].attachments] == ["small.bin"]
        assert "larger than 500 bytes" in hub.inbox(r)[0].reason
        tick(r, t), hub.sync(), tick(r, t)
        requests = r.requests
        hub.sync()
        assert r.requests - requests == 1
        hub.change("R", attachment_limit=None)
        hub.syncs()
        assert len(t.items["1"].attachments) == 2
        assert hub.inbox(r) == []


def test_a_file_above_the_limit_of_the_other_side_waits_there():
    r = Tracker("R", Knobs())
    t = Tracker("T", Knobs(attachment_limit=500))
    r.create("bob", {"summary": "x"})
    r.attach("bob", "1", "big.bin", b"x" * 1_000)
    with Hub(r, t, T={"attachment_limit": 500}) as hub:
        hub.syncs()
        assert t.items["1"].attachments == []
        assert "larger than 500 bytes" in hub.inbox(t)[0].reason
        requests = t.requests
        tick(r, t), hub.sync(), tick(r, t), hub.sync()
        assert t.requests - requests <= 4
        t.knobs = replace(t.knobs, attachment_limit=None)
        hub.specs["T"].connector.capabilities = MemoryConnector.over(t).capabilities
        hub.change("T", attachment_limit=None)
        hub.syncs()
        assert (len(t.items["1"].attachments), hub.inbox(t)) == (1, [])


def test_a_job_without_attachments_reads_none():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.attach("bob", "1", "a.bin", b"x")
    with Hub(r, t, R={"attachments": False}, T={"attachments": False}) as hub:
        requests = r.requests
        hub.sync()
        assert r.requests - requests == 2
    assert t.items["1"].attachments == []


def test_our_own_upload_is_not_read_back():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.attach("bob", "1", "a.bin", b"x")
    asked = []
    with Hub(r, t) as hub:
        hub.specs["T"].connector.boundary = asked.append
        hub.syncs()
    assert [words for words in asked if "GET /attachment" in words] == []


# --- pairing -----------------------------------------------------------------------------------


def _candidate(name, **known):
    summary = known.pop("summary", "the printer is on fire")
    words = frozenset(summary.split())
    return Candidate(record=ids.name_of(name), summary=summary, words=words, **known)


def test_the_score_says_why():
    one = _candidate("a", created=100.0, reporter="jesse", status="new")
    other = _candidate("b", created=130.0, reporter="jesse", status="new")
    points, why = score(one, other)

    assert points >= CERTAIN
    assert why == "same summary, created in the same minute, same reporter, same status"
    assert score(one, _candidate("c", summary="coffee is out"))[0] < 20


def _both(status="open", other="open", copies=1):
    r, t = pair()
    text = "smoke, then flames"
    r.create("bob", {"summary": "printer on fire", "status": status, "description": text})
    for _ in range(copies):
        t.create("eve", {"summary": "Printer on  fire", "status": other, "description": text})
    return r, t


def test_tickets_that_exist_on_both_sides_are_made_one():
    r, t = _both()
    r.attach("bob", "1", "log", b"bytes")
    t.attach("eve", "1", "log", b"bytes")
    with Hub(r, t) as hub:
        hub.syncs()
        assert [len(x.items) for x in (r, t)] == [1, 1]
        assert [len(x.items["1"].attachments) for x in (r, t)] == [1, 1]
        assert {c.cell.prop for c in hub.conflicts()} == {"summary"}
        r.update("bob", "1", {"status": "resolved"})
        hub.syncs()
        assert t.items["1"].fields["status"] == "resolved"


def test_of_two_that_are_alike_a_person_decides():
    r, t = _both(copies=2)
    with Hub(r, t) as hub:
        hub.syncs()
        assert [len(x.items) for x in (r, t)] == [1, 2]
        asked = [i for i in (*hub.inbox(t), *hub.inbox(r)) if i.pairing]
        assert asked
        for remote in "RT":
            for item in hub.foreign(remote).inbox():
                hub.foreign(remote).drop(item.number)
        hub.syncs()
        assert [len(x.items) for x in (r, t)] == [3, 3]


def test_a_pair_that_a_person_accepts_is_made():
    r, t = pair()
    r.create("bob", {"summary": "printer on fire", "status": "open"})
    t.create("eve", {"summary": "printer on fire", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs()
        assert [len(x.items) for x in (r, t)] == [1, 1]
        item = next(i for i in hub.inbox(t) if i.pairing)
        hub.foreign("T").retry(item.number)
        hub.syncs()
        assert hub.values(r, "status") == {"new", "open"}
        assert [len(x.items) for x in (r, t)] == [1, 1]
        assert [i for i in (*hub.inbox(r), *hub.inbox(t)) if i.pairing] == []


def test_pairing_can_be_off_or_ask_of_all():
    for way, count in (("off", 2), ("ask", 1)):
        r, t = _both()
        with Hub(r, t, R={"pairing": way}, T={"pairing": way}) as hub:
            hub.syncs()
            assert [len(x.items) for x in (r, t)] == [count, count]


def test_comments_met_on_a_ticket_without_history_are_told_once():
    r, t = pair(history=History.NONE)
    r.create("bob", {"summary": "x"})
    r.comment("bob", "1", "hello")
    with Hub(r, t) as hub:
        hub.syncs()
        latest = hub.replica.latest()
        r.comment("bob", "1", "again")
        hub.syncs()
        assert hub.replica.latest() > latest
        assert len(t.items["1"].comments) == 2
        assert ATTACHMENT not in {k for k, _ in hub.foreign("T")._side.intents}
