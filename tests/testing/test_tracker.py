"""Each knob and door of the tracker in memory does what it says."""

import time
from dataclasses import replace

import pytest

from prophet_hub.errors import NotFound, Rejected, Stale
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Gone, History, Pull, Ref, Update
from prophet_hub.testing import Knobs, MemoryConnector, Tracker


def tracker(**knobs):
    return Tracker("t", Knobs(**knobs))


def fields(place, ticket="1"):
    return place.items[ticket].fields


def test_values_outside_of_the_list_are_rejected_and_nothing_is_written():
    place = tracker(allowed={"status": ("new", "open"), "labels": ("a", "b")})
    place.create("bob", {"status": "new"})
    with pytest.raises(Rejected, match="no value of status"):
        place.update("bob", "1", {"summary": "x", "status": "closed"})
    with pytest.raises(Rejected, match="no value of labels"):
        place.update("bob", "1", {"summary": "x"}, added={"labels": {"c"}})
    assert (fields(place), place.writes) == ({"status": "new"}, 1)


def test_the_workflow_says_where_a_value_may_go():
    place = tracker(transitions={"status": {"new": ("open",)}})
    place.create("bob", {"status": "new"})
    with pytest.raises(Rejected, match="does not go"):
        place.update("bob", "1", {"status": "closed"})
    place.update("bob", "1", {"status": "open"})
    place.update("bob", "1", {"status": "closed"})
    assert fields(place) == {"status": "closed"}


def test_a_status_demands_fields_of_whoever_enters_it():
    place = tracker(requires={"status": {"closed": ("owner", "labels")}})
    with pytest.raises(Rejected, match="labels is required in 'closed'"):
        place.create("bob", {"status": "closed", "owner": "eve"})
    place.create("bob", {"status": "new", "labels": frozenset({"a"})})
    with pytest.raises(Rejected, match="owner is required"):
        place.update("bob", "1", {"status": "closed", "summary": "x"})
    with pytest.raises(Rejected, match="labels is required"):
        place.update("bob", "1", {"status": "closed", "owner": "eve"}, removed={"labels": {"a"}})
    assert (fields(place)["status"], place.writes) == ("new", 1)
    place.update("bob", "1", {"status": "closed", "owner": "eve"})
    place.update("bob", "1", {"owner": None}, removed={"labels": {"a"}})
    assert fields(place) == {"status": "closed"}


def test_a_ticket_offers_where_it_may_go_and_the_schema_draws_all_of_it():
    knobs = {
        "allowed": {"status": ("new", "open", "closed")},
        "transitions": {"status": {"new": ("open",)}},
        "requires": {"status": {"closed": ("owner",)}},
    }
    place = tracker(offers=True, **knobs)
    one, other = place.create("bob", {"status": "new"}), place.create("bob", {"status": "open"})
    connector = MemoryConnector.over(place)
    offered = [connector.ticket(Ref(id=ref)).reachable for ref in (one, other)]
    schema = connector.describe()

    assert offered == [{"open"}, {"new", "closed"}]
    assert schema.transitions == {
        "new": ("open",), "open": ("new", "closed"), "closed": ("new", "open"),
    }  # fmt: skip
    assert schema.requires == {"closed": ("owner",)}
    assert MemoryConnector.over(tracker(**knobs)).describe() == replace(schema, projects=("t",))
    silent = tracker(**knobs)
    silent.create("bob", {"status": "new"})
    assert MemoryConnector.over(silent).ticket(Ref(id="1")).reachable is None


def test_required_fields_are_required_and_stay():
    place = tracker(required=frozenset({"summary"}))
    with pytest.raises(Rejected, match="summary is required"):
        place.create("bob", {})
    with pytest.raises(Rejected, match="summary is required"):
        place.create("bob", {"summary": ""})
    place.create("bob", {"summary": "x"})
    with pytest.raises(Rejected, match="summary is required"):
        place.update("bob", "1", {"summary": None})


def test_long_texts_are_rejected_or_cut():
    place = tracker(limits={"summary": 3, "body": 2, "name": 4})
    with pytest.raises(Rejected, match="longer than 3"):
        place.create("bob", {"summary": "abcd"})
    place.knobs = replace(place.knobs, cuts=True)
    place.create("bob", {"summary": "abcd"})
    place.comment("bob", "1", "abc")
    place.attach("bob", "1", "abcdef", b"")
    item = place.items["1"]
    told = item.fields["summary"], item.comments[0].body, item.attachments[0].name
    assert told == ("abc", "ab", "abcd")


def test_links_name_tickets_that_exist():
    place = tracker()
    place.create("bob", {})
    with pytest.raises(Rejected, match="no ticket 7"):
        place.update("bob", "1", added={"depends_on": {"7"}})
    other = place.create("bob", {"depends_on": frozenset({"1"})})
    assert fields(place, other) == {"depends_on": frozenset({"1"})}


def test_a_field_is_a_set_or_none():
    place = tracker()
    place.create("bob", {"labels": frozenset({"a", "b"}), "status": "new"})
    with pytest.raises(Rejected, match="is a set"):
        place.update("bob", "1", {"labels": "a"})
    place.update("bob", "1", {"labels": frozenset({"b", "c"})})
    assert fields(place)["labels"] == frozenset({"b", "c"})
    place.update("bob", "1", {"labels": frozenset()})
    assert "labels" not in fields(place)


def test_refused_values_are_dropped_for_the_hub_alone():
    place = tracker(refuses=frozenset({"no"}))
    place.create("hub", {"summary": "no", "labels": frozenset({"no", "yes"})})
    assert fields(place) == {"labels": frozenset({"yes"})}
    place.update("hub", "1", {"summary": "no"}, added={"labels": {"no"}})
    assert fields(place) == {"labels": frozenset({"yes"})}
    assert place.items["1"].events == []
    place.update("bob", "1", {"summary": "no"})
    assert fields(place)["summary"] == "no"


def test_a_value_is_rendered_in_the_trackers_own_way():
    place = tracker(render=lambda field, text: text.upper() if field == "status" else text)
    place.create("bob", {"status": "new", "summary": "x"})
    assert fields(place) == {"status": "NEW", "summary": "x"}


def test_mentions_and_watchers_are_mailed():
    place = tracker(mentions=True, notifies=True)
    place.create("bob", {"summary": "for @jesse and @nobody", "owner": "eve"})
    assert sorted(place.notified) == [("eve", "1", "watcher"), ("jesse", "1", "mention")]
    place.comment("hub", "1", "mail@bob is no mention, @eve. is")
    assert sorted(place.notified[2:]) == [
        ("bob", "1", "watcher"),
        ("eve", "1", "mention"),
        ("eve", "1", "watcher"),
    ]


def test_a_denied_account_cannot_write_and_a_person_can():
    place = tracker()
    place.create("bob", {})
    place.denied.add(("create", COMMENT))
    with pytest.raises(Rejected, match="denied"):
        place.comment("hub", "1", "x")
    assert place.comment("bob", "1", "x")


def test_a_stale_read_shows_the_ticket_as_it_was_for_a_while():
    place = tracker(stale=2)
    place.create("bob", {"summary": "a"})
    place.update("bob", "1", {"summary": "b"})
    assert place.ticket("1").fields == {"summary": "a"}
    place.now += 2
    assert place.ticket("1").fields == {"summary": "b"}


def test_an_index_that_lags_tells_later():
    for granularity in (0, 1):
        place = tracker(lag=5, granularity=granularity)
        place.create("bob", {})
        assert place.listing() == []
        before = place.stamp()
        place.now += 5
        assert len(place.listing()) == 1
        assert place.stamp() >= before


def test_versions_are_compared_where_the_knob_says_so():
    place = tracker()
    place.create("bob", {"summary": "a"})
    version = place.ticket("1").version
    place.update("bob", "1", {"summary": "b"}, version=version)
    with pytest.raises(Stale, match="at version 2"):
        place.update("bob", "1", {"summary": "c"}, version=version)
    place.knobs = replace(place.knobs, conditional=False)
    assert place.ticket("1").version == ""
    place.update("bob", "1", {"summary": "c"}, version=version)
    assert fields(place) == {"summary": "c"}


def test_what_was_deleted_is_a_tombstone_or_nothing():
    place = tracker()
    for _ in range(2):
        place.create("bob", {})
    place.delete("eve", "1")
    gone = place.ticket("1")
    assert isinstance(gone, Gone)
    assert (gone.author.id, gone.merged_into) == ("eve", "")
    with pytest.raises(Stale, match="was deleted"):
        place.comment("bob", "1", "x")
    place.knobs = replace(place.knobs, tombstones=False)
    with pytest.raises(NotFound):
        place.ticket("1")
    assert [i.id for _, i in place.listing()] == ["2"]


def test_a_merged_ticket_names_the_other_which_has_its_parts():
    place = tracker()
    for _ in range(2):
        place.create("bob", {})
    place.comment("bob", "1", "x")
    place.attach("bob", "1", "a", b"a")
    place.merge("eve", "1", "2")
    assert place.ticket("1").merged_into == "2"
    other = place.ticket("2")
    assert [c.body for c in other.comments] == ["x"]
    assert [a.ref.ticket for a in other.attachments] == ["2"]


def test_a_hidden_ticket_is_not_there_for_the_hub_and_is_for_persons():
    place = tracker()
    place.create("bob", {}, key="k")
    place.hide("1")
    for act in (
        lambda: place.ticket("1"),
        lambda: place.update("hub", "1", {"summary": "x"}),
        lambda: place.data("1", "2"),
        lambda: place.merge("bob", "1", "1"),
    ):
        with pytest.raises(NotFound):
            act()
    assert place.find(TICKET, "k") is None
    assert place.listing() == []
    place.update("bob", "1", {"summary": "x"})
    place.hide("1", hidden=False)
    assert place.find(TICKET, "k") == Ref(id="1")


def test_parts_are_edited_and_taken_away():
    place = tracker()
    place.create("bob", {})
    note = place.comment("bob", "1", "a", private=True, key="k")
    file = place.attach("bob", "1", "a", b"a", key="f", comment=note)
    place.now += 1
    place.edit_comment("eve", "1", note, "b")
    told = place.ticket("1").comments[0]
    assert (told.body, told.private, told.updated) == ("b", True, place.ticket("1").updated)
    assert place.find(COMMENT, "k", "1").id == note
    assert place.find(ATTACHMENT, "f").id == file
    assert place.find(ATTACHMENT, "") is None
    place.delete_comment("bob", "1", note)
    place.delete_attachment("bob", "1", file)
    assert (place.ticket("1").comments, place.ticket("1").attachments) == ((), ())
    with pytest.raises(NotFound):
        place.delete_comment("bob", "1", note)


def test_a_file_above_the_limit_is_rejected():
    place = tracker(attachment_limit=3)
    place.create("bob", {})
    with pytest.raises(Rejected, match="larger than 3"):
        place.attach("bob", "1", "a", b"abcd")


def test_automation_acts_after_the_hub_alone():
    place = tracker()
    place.after_write = lambda item: place.update("robot", item.id, {"status": "seen"})
    place.create("bob", {})
    assert fields(place) == {}
    place.update("hub", "1", {"summary": "x"})
    assert fields(place) == {"summary": "x", "status": "seen"}


def test_partial_history_keeps_every_third_event_back():
    place = tracker()
    place.create("bob", {})
    for n in range(9):
        place.update("bob", "1", {"summary": str(n)})
    full = [e.id for e in place.ticket("1").events]
    place.knobs = replace(place.knobs, history=History.PARTIAL)
    told = [e.id for e in place.ticket("1").events]
    assert told == [n for n in full if int(n) % 3]
    assert [place.tells(e) for e in place.items["1"].events] == [bool(int(n) % 3) for n in full]


def test_keys_and_privacy_are_kept_only_where_the_knobs_say_so():
    place = tracker(keys=frozenset({COMMENT}), private_comments=False)
    place.create("bob", {}, key="k", private=True)
    place.comment("bob", "1", "a", key="k", private=True)
    place.attach("bob", "1", "a", b"", key="k", private=True)
    told = place.ticket("1")
    assert [told.key, told.comments[0].key, told.attachments[0].key] == ["", "k", ""]
    assert [told.private, told.comments[0].private, told.attachments[0].private] == [False] * 3


def test_ids_may_be_opaque():
    place = tracker(ordered_ids=False)
    ids = [place.create("bob", {}) for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(len(i) == 10 for i in ids)


class Watched(Tracker):
    """Notes all that its hooks hear."""

    def __init__(self):
        super().__init__("watched")
        self.heard = []

    def born(self, item):
        self.heard.append(("born", item.id, dict(item.fields)))

    def put(self, item, field, member, old, new, author):
        self.heard.append(("put", field, member, old, new, author))

    def told(self, item, event):
        self.heard.append(("told", event.id))

    def deleted(self, item, author):
        self.heard.append(("deleted", item.id, author))

    def read(self, ref):
        self.heard.append(("read", ref.id))


def test_an_oracle_hears_everything():
    place = Watched()
    connector = MemoryConnector.over(place)
    place.create("bob", {"summary": "a", "labels": frozenset({"x"})})
    connector.apply(
        Update(
            ref=Ref(id="1"),
            changes={"summary": "a"},
            added={"labels": frozenset({"y"})},
            removed={"labels": frozenset({"x"})},
        )
    )
    connector.ticket(Ref(id="1"))
    place.delete("bob", "1")
    assert place.heard == [
        ("born", "1", {"summary": "a", "labels": frozenset({"x"})}),
        ("put", "summary", "", "a", "a", "hub"),
        ("put", "labels", "x", "present", None, "hub"),
        ("put", "labels", "y", None, "present", "hub"),
        ("told", "2"),
        ("read", "1"),
        ("deleted", "1", "bob"),
    ]


def test_a_boundary_stands_before_and_after_each_request():
    place = tracker()
    connector = MemoryConnector.over(place)
    names = []

    def boundary(name):
        names.append(name)
        if name == "before PUT /ticket/1":
            place.update("eve", "1", {"summary": "quicker"})

    connector.boundary = boundary
    place.create("bob", {"summary": "a"})
    shown = connector.ticket(Ref(id="1"))
    with pytest.raises(Stale):
        connector.apply(Update(ref=shown.ref, changes={"summary": "b"}, version=shown.version))
    assert names == ["before GET /ticket/1", "after GET /ticket/1", "before PUT /ticket/1"]


def test_two_hundred_steps_take_no_time():
    """Far under a second; the bound is wide because the machine may be busy."""
    began = time.process_time()
    place = tracker()
    connector = MemoryConnector.over(place)
    for n in range(200):
        if n % 20 == 0:
            place.create("bob", {"summary": "a"})
        ticket = str(next(iter(place.items)))
        place.update("bob", ticket, {"summary": str(n)})
        connector.ticket(Ref(id=ticket))
        list(connector.changed(Pull()))
    spent = time.process_time() - began
    print(f"200 steps: {spent * 1000:.0f} ms")
    assert spent < 2
