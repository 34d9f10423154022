"""Persons, privacy, mentions: what crosses and what stays."""

from __future__ import annotations

from dataclasses import replace

from foreign.kit import Hub, pair, tick
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Person
from prophet_hub.testing.tracker import Knobs, Tracker


def two(**options):
    r, t = pair()
    r.create("bob", {"summary": "x", "owner": "jesse", "cc": frozenset({"bob", "eve"})})
    t.create("jesse", {"summary": "other", "owner": "bob", "cc": frozenset({"eve"})})
    return r, t, Hub(r, t, **options)


def test_persons_are_matched_by_their_address():
    r, t, hub = two()
    with hub:
        hub.syncs()
        assert hub.values(r, "owner") == {"jesse@example.org"}
    copies = [next(i for i in x.items.values() if i.author == "hub") for x in (r, t)]
    assert [c.fields["owner"] for c in copies] == ["bob", "jesse"]
    assert copies[1].fields["cc"] == {"bob", "eve"}


def test_the_people_file_has_the_last_word():
    r, t = pair()
    t.users["jv"] = Person(id="jv", name="Jesse V.")
    r.create("bob", {"summary": "x", "owner": "jesse"})
    with Hub(r, t, T={"people": {"jv": "Jesse@Example.org"}}) as hub:
        hub.syncs()
        assert t.items["1"].fields["owner"] == "jv"
        t.update("eve", "1", {"owner": None})
        hub.syncs()
        assert "owner" not in r.items["1"].fields


def test_a_person_whom_nobody_knows_clears_no_field_and_fails_no_ticket():
    r, t = pair()
    r.users["zed"] = Person(id="zed")
    r.create("bob", {"summary": "x", "owner": "zed"})
    t.users = {"hub": t.users["hub"]}
    with Hub(r, t) as hub:
        hub.syncs()
        assert t.items["1"].fields == {"summary": "x"}
        r.update("bob", "1", {"summary": "y"})
        hub.syncs()
        assert (r.items["1"].fields["owner"], t.items["1"].fields["summary"]) == ("zed", "y")
        assert hub.values(r, "owner") == {"R:zed"}
        assert [i.ref for i in hub.inbox(t)] == ["R:zed"]


def test_a_person_whom_nobody_knows_and_who_was_replaced_stops_no_run():
    """The copy shows the second owner; which write that was is asked of the first one too."""
    r, t = pair()
    r.users["zed"] = Person(id="zed")
    r.create("bob", {"summary": "x", "owner": "zed"}), r.create("bob", {"summary": "other"})
    r.update("bob", "1", {"owner": "bob"})
    t.create("jesse", {"summary": "theirs", "owner": "bob"})
    with Hub(r, t) as hub:
        hub.syncs()
        copies = {i.fields["summary"]: i.fields.get("owner") for i in t.items.values()}
        assert copies == {"theirs": "bob", "x": "bob", "other": None}


def test_a_person_whom_nobody_knows_takes_nobodys_place():
    r, t = pair()
    r.users["zed"] = Person(id="zed")
    t.create("bob", {"summary": "x", "owner": "bob"})
    with Hub(r, t) as hub:
        hub.syncs()
        r.create("bob", {"summary": "knows bob"})
        hub.syncs()
        assert r.items["1"].fields["owner"] == "bob"
        r.update("bob", "1", {"owner": "zed"})
        hub.syncs()
        assert (r.items["1"].fields["owner"], t.items["1"].fields["owner"]) == ("zed", "bob")
        assert hub.conflicts() == []
        told = [(i.kind, i.ref, i.field, i.tries) for i in hub.inbox(t)]
        assert told == [("person", "R:zed", "owner", 1)]

        before = hub.replica.latest(), hub.inbox(t)
        hub.syncs()
        assert (hub.replica.latest(), hub.inbox(t)) == before
        hub.change("T", people={"bob": "R:zed"})
        hub.syncs()
        assert hub.inbox(t) == []


def test_a_placeholder_finds_the_way_home_and_a_login_its_like():
    r, t = pair()
    for tracker in (r, t):
        tracker.users["zed"] = Person(id="zed")
    r.create("bob", {"summary": "x", "owner": "zed"})
    t.create("zed", {"summary": "tells of zed"})
    with Hub(r, t) as hub:
        hub.syncs()
        copy = next(i for i in t.items.values() if i.author == "hub")
        assert copy.fields["owner"] == "zed"
        t.update("eve", copy.id, {"owner": None})
        hub.syncs()
        t.update("eve", copy.id, {"owner": "zed"})
        hub.syncs()
        assert r.items["1"].fields["owner"] == "zed"


def test_a_person_who_becomes_known_is_said_then():
    r, t = pair()
    r.create("bob", {"summary": "x", "owner": "jesse"})
    t.users.pop("jesse")
    with Hub(r, t) as hub:
        hub.syncs()
        assert "owner" not in t.items["1"].fields
        t.users["jesse"] = Person(id="jesse", email="jesse@example.org")
        t.comment("jesse", "1", "here I am")
        hub.syncs()
        assert t.items["1"].fields["owner"] == "jesse"


def test_a_private_comment_stays_where_its_audience_is_and_goes_when_that_widens_to_it():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.comment("bob", "1", "secret", private=True)
    r.attach("bob", "1", "secret.txt", b"secret", private=True)
    r.comment("bob", "1", "open")
    with Hub(r, t) as hub:
        hub.syncs()
        assert [c.body.split("\n\n")[1] for c in t.items["1"].comments] == ["open"]
        assert t.items["1"].attachments == []
        noted = [i for i in hub.foreign("T").inbox() if i.quiet]
        assert [i.field for i in noted] == ["private", "private"]

        hub.change("T", audience="private")
        hub.syncs()
        item = t.items["1"]
        assert sorted(c.private for c in item.comments) == [False, True]
        assert [f.private for f in item.attachments] == [True]


def test_what_a_tracker_does_not_tell_counts_as_private():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.comment("bob", "1", "secret?")
    with Hub(r, t) as hub:
        fetch = hub.specs["R"].connector.ticket
        hub.specs["R"].connector.ticket = lambda ref: replace(
            told := fetch(ref), comments=tuple(replace(c, private=None) for c in told.comments)
        )
        hub.syncs()
        assert t.items["1"].comments == []


def test_a_private_ticket_is_not_created_and_what_is_in_it_neither():
    r, t = pair()
    r.create("bob", {"summary": "x"}, private=True)
    r.comment("bob", "1", "a comment")
    with Hub(r, t) as hub:
        hub.syncs()
        assert t.items == {}


def test_a_private_comment_of_a_public_tracker_is_edited_there():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t, R={"audience": "private"}) as hub:
        hub.syncs()
        t.comment("eve", "1", "mine", private=True)
        hub.syncs()
        copy = r.items["1"].comments[0]
        r.edit_comment("bob", "1", copy.id, copy.body + " and yours")
        hub.syncs()
        assert t.items["1"].comments[0].body == "mine and yours"


def test_mentions_notify_nobody_and_come_back_as_they_were():
    r = Tracker("R", Knobs())
    t = Tracker("T", Knobs(mentions=True))
    r.create("bob", {"summary": "ask @jesse", "description": "mail me@example.org or @eve"})
    r.comment("bob", "1", "@eve look")
    with Hub(r, t) as hub:
        hub.syncs()
        assert t.notified == []
        t.update("eve", "1", {"summary": t.items["1"].fields["summary"] + "!"})
        hub.syncs()
        assert r.items["1"].fields["summary"] == "ask @jesse!"
        assert r.items["1"].fields["description"] == "mail me@example.org or @eve"


def test_where_authors_can_be_named_no_line_is_needed():
    r = Tracker("R", Knobs())
    t = Tracker("T", Knobs(impersonation=True, keys=frozenset({TICKET, COMMENT, ATTACHMENT})))
    t.create("bob", {"summary": "knows bob"})
    r.create("bob", {"summary": "x"})
    r.comment("bob", "1", "hello")
    with Hub(r, t) as hub:
        hub.syncs()
        copy = next(i for i in t.items.values() if i.fields["summary"] == "x")
        assert [(c.author, c.body) for c in copy.comments] == [("bob", "hello")]
        assert [len(r.items["1"].comments), len(copy.comments)] == [1, 1]


def test_an_author_whom_nobody_knows_there_is_named_in_a_line():
    """The hub may speak for others, but not for whom the tracker does not know."""
    r = Tracker("R", Knobs())
    t = Tracker("T", Knobs(impersonation=True))
    t.users = {"hub": t.users["hub"]}
    r.create("bob", {"summary": "x"})
    note = r.comment("bob", "1", "hello")
    with Hub(r, t) as hub:
        hub.syncs()
        (copy,) = t.items["1"].comments
        assert (copy.author, copy.body) == (
            "hub",
            f"Bob, 2023-11-14 22:13 UTC, R#1-{note}:\n\nhello",
        )
        assert [c.body for c in r.items["1"].comments] == ["hello"]

        t.users["bob"] = Person(id="bob", email="bob@example.org")
        t.comment("bob", "1", "I am here now"), r.edit_comment("bob", "1", note, "hello again")
        tick(r, t), hub.syncs()
        assert copy.body.endswith(f"R#1-{note}:\n\nhello again")


def test_an_attribution_line_under_another_account_is_nobodys_key():
    r, t = pair(keys=frozenset())
    r.create("bob", {"summary": "x"})
    r.comment("bob", "1", "hello")
    with Hub(r, t) as hub:
        hub.syncs()
        quoted = t.items["1"].comments[0].body
        t.comment("eve", "1", quoted)
        hub.syncs()
        assert r.items["1"].comments[0].body == "hello"
        assert len(r.items["1"].comments) == 2
        assert r.items["1"].comments[1].body.endswith("\n\n" + quoted)


def test_a_line_names_people_as_they_are_called_where_they_wrote_and_tells_no_address():
    r, t = pair()
    r.users["jv"] = Person(id="jv", name="Jesse V.", email="jesse@home.example")
    r.users["kk"] = Person(id="kk", email="kk@home.example")
    r.create("bob", {"summary": "x"})
    r.comment("jv", "1", "one")
    r.comment("kk", "1", "two")
    with Hub(r, t) as hub:
        hub.syncs()
    authors = [c.body.split(",")[0] for c in t.items["1"].comments]
    assert authors == ["Jesse V.", "kk"]
