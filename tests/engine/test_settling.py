"""What settles conflicts without asking, in which order, and what people's decisions leave behind."""

from __future__ import annotations

from itertools import count

import pytest

from prophet_hub.engine.naming import changesets_of
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.rules import RULES, faults_in_rules
from prophet_hub.engine.settings import Settings, record_of
from prophet_hub.engine.settling import settle_all
from prophet_hub.engine.voting import Decision, decide, votes, votes_on
from prophet_hub.errors import UsageError
from prophet_hub.merge.settle import newest
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId
from prophet_hub.values import INLINE, PRESENT

T1, T2 = (RecordId(bytes([n]) * 16) for n in (1, 2))
LONG = "\n".join(f"line {n}: {'x' * 60}" for n in range(100))


@pytest.fixture
def family():
    """Makes replicas of one database that know nothing."""
    clock, made = count(1), []

    def make(n):
        made.extend(Replica.open(":memory:", clock=lambda: next(clock)) for _ in range(n))
        return made[-n:]

    yield make
    for replica in made:
        replica.close()


def meet(*replicas):
    for _ in replicas:
        for one in replicas:
            for other in replicas:
                if one is not other:
                    one.integrate(list(other.offers(one.stands_at)))


def put(replica, value, prop="status", member="", record=T1):
    replica.edit(record, "ticket", {(prop, member): value}, author="jesse")


def torn(a, b, mine, theirs, prop="status", member=""):
    meet(a, b)
    put(a, mine, prop, member)
    put(b, theirs, prop, member)
    meet(a, b)


def shown(replica, prop="status", member=""):
    return replica.text(replica.cell(T1, prop, member).shown)


def rule(replica, **policies):
    Settings(replica).set(RULES, policies, author="jesse")


def test_votes_come_before_rules_and_rules_before_a_job(family):
    a, b = family(2)
    torn(a, b, "x", "y")
    a.resolve(T1, "status", "", "x", author="jesse")
    torn(a, b, "x", "y")
    torn(a, b, "low", "high", "priority")
    torn(a, b, "jesse", "cara", "owner")
    rule(a, status="newest", priority="newest")

    assert settle_all(a, lambda page: newest) == {"votes": 1, "newest": 2}
    assert shown(a) == "x"
    assert settle_all(a, lambda page: newest) == {}
    meet(a, b)
    assert next(b.conflicts(), None) is None


def test_every_replica_settles_alike(family):
    a, b = family(2)
    rule(a, status="newest", description="merge", labels="present")
    put(a, "an older text", "description")
    put(a, LONG, "description")
    torn(a, b, f"first\n{LONG}", f"{LONG}\nlast", "description")
    torn(a, b, "x", "y")
    put(a, PRESENT, "labels", "hot")
    torn(a, b, None, None, "labels", "hot")
    torn(a, b, PRESENT, None, "labels", "hot")

    for replica in (a, b):
        assert settle_all(replica) == {"newest": 1, "merge 1": 1, "present": 1}
    before = len(a.tips())
    heads = [[h.id for h in r.cell(T1, "description").heads] for r in (a, b)]
    meet(a, b)
    assert heads[0] == heads[1]
    assert shown(a, "description") == shown(b, "description") == f"first\n{LONG}\nlast"
    assert len(LONG) > INLINE
    assert next(a.conflicts(), None) is next(b.conflicts(), None) is None
    assert len(a.tips()) == before


def test_members_can_go_by_rule(family):
    a, b = family(2)
    rule(a, labels="absent", default="newest")
    put(a, PRESENT, "labels", "hot")
    torn(a, b, PRESENT, None, "labels", "hot")

    assert settle_all(b) == {"absent": 1}
    assert shown(b, "labels", "hot") == ""


@pytest.mark.parametrize(
    ("mine", "theirs"), [("a\nx\nc", "a\ny\nc"), (None, "a\nb\nd"), ("a\nx\nc", "a\nb\ny")]
)
def test_what_is_not_clean_waits_for_a_person(family, mine, theirs):
    a, b = family(2)
    rule(a, description="merge")
    put(a, "a\nb\nc", "description")
    torn(a, b, mine, theirs, "description")

    assert settle_all(a) == {}
    assert next(a.conflicts(), None)


def test_texts_without_a_common_past_are_not_merged(family):
    a, b = family(2)
    rule(a, description="merge")
    torn(a, b, "a\nb", "b\nc", "description")

    assert settle_all(a) == {}


def test_a_text_that_is_not_here_is_not_merged(family):
    a, b = family(2)
    rule(a, description="merge")
    put(a, LONG, "description")
    torn(a, b, f"first\n{LONG}", f"{LONG}\nlast", "description")
    with a.transaction():
        a.store.run("DELETE FROM texts")

    assert settle_all(a) == {}


def test_rules_in_conflict_hold_nothing(family):
    a, b = family(2)
    torn(a, b, "x", "y")
    rule(a, status="ask")
    rule(b, status="newest")
    meet(a, b)

    assert settle_all(a) == {}
    rule(b, status="newest", owner="newest")
    meet(a, b)
    assert settle_all(a) == {"newest": 1}


def test_no_rule_decides_about_settings(family):
    a, b = family(2)
    rule(a, default="newest")
    meet(a, b)
    for replica, name in ((a, "one"), (b, "other")):
        Settings(replica).set("project_name", name, author="jesse")
    meet(a, b)

    assert settle_all(a) == {}
    assert a.cell(record_of("project_name"), "value").conflict


@pytest.mark.parametrize("value", [["newest"], {"status": "flip"}, {"status": ["newest"]}, "x"])
def test_rules_of_a_later_version_are_left_to_people(family, value):
    a, b = family(2)
    Settings(a).set(RULES, value, author="jesse")
    torn(a, b, "x", "y")

    assert settle_all(a) == {}


def test_all_faults_of_rules_are_told_at_once():
    faults = faults_in_rules(
        {"status": "newst", "owner": "prefer rt", "life": "newest", "due": 3, "labels": "present"}
    )

    assert [(one.path, one.sentence) for one in faults] == [
        ("rules.status", '"newst" is no policy.'),
        ("rules.owner", '"prefer rt" is no policy.'),
        ("rules.life", 'No rule may decide on "life".'),
        ("rules.due", '"3" is no policy.'),
    ]
    assert 'Did you mean "newest"?' in faults[0].hint
    assert "job file" in faults[1].hint
    assert len(faults_in_rules(["newest"])) == 1
    assert faults_in_rules({"description": "merge", "default": "ask"}) == []


def test_where_nothing_is_in_conflict_nothing_is_locked(tmp_path):
    Replica.open(tmp_path / "a.db", clock=lambda: 1).close()
    reader = Replica.open(tmp_path / "a.db", clock=lambda: 1, read_only=True)

    assert settle_all(reader) == {}
    reader.close()


# --- decisions ---


def test_a_database_that_moved_has_one_vote_still(family):
    a, b = family(2)
    torn(a, b, "x", "y")
    a.resolve(T1, "status", "", "x", author="jesse")
    a._recorder.take_new_origin()
    torn(a, b, "x", "y")
    a.resolve(T1, "status", "", "y", author="jesse")
    torn(a, b, "x", "y")

    assert [(v.decisions, v.counts) for v in votes(b)] == [(("y",), True)]
    assert settle_all(b) == {"votes": 1}
    assert shown(b) == "y"


def test_the_votes_of_an_origin_that_went_on_elsewhere_are_left_alone(family):
    a, b, twin = family(3)
    torn(a, b, "x", "y")
    a.resolve(T1, "status", "", "x", author="jesse")
    a.store._open().backup(twin.store._open())
    twin._recorder.origin = a.origin
    twin._recorder.take_new_origin()
    put(a, "here", record=T2)
    torn(a, b, "x", "y")
    meet(a, twin)
    twin.resolve(T1, "status", "", "y", author="cara")
    meet(a, b, twin)

    assert sorted(v.decisions for v in votes(b)) == [("x",), ("y",)]


def test_whoever_is_asked_sees_who_decided_what(family):
    a, b = family(2)
    torn(a, b, "x", "y")
    decide(a, [Decision(T1, "status", "", "x")], author="jesse", note="by hand")
    torn(a, b, "y", "x")
    (conflict,) = b.conflicts()

    ((_, (ballot,)),) = votes_on(b, [conflict]).items()
    assert (ballot.author, ballot.note, ballot.decisions) == ("jesse", "by hand", ("x",))
    assert (ballot.prop, ballot.counts, ballot.voter) == ("status", True, a.origin)
    a.undo(changesets_of(a, f"{a.latest()}"), author="jesse")
    assert votes(a, T2) == []


def test_a_long_text_of_ones_own_is_remembered(family):
    a, b = family(2)
    torn(a, b, "x", "y", "description")
    a.resolve(T1, "description", "", LONG, author="jesse")
    torn(a, b, "x", "y", "description")
    with b.transaction():
        kept = b.store.rows("SELECT sha256, data FROM texts")
        b.store.run("DELETE FROM texts")

    assert settle_all(b) == {}, "a text that is not here cannot be written again"
    with b.transaction():
        b.store.run_many("INSERT INTO texts VALUES (?, ?)", kept)
    assert settle_all(b) == {"votes": 1}
    assert shown(b, "description") == LONG


def test_to_decide_where_nothing_is_in_conflict_is_an_edit(family):
    (a,) = family(1)
    put(a, "x")
    a.resolve(T1, "status", "", "y", author="jesse")

    assert shown(a) == "y"
    assert votes(a) == []


def test_decisions_are_kept_together_or_not_at_all(family):
    a, b = family(2)
    torn(a, b, "x", "y")
    before = a.latest()

    def broken():
        yield Decision(T1, "status", "", "x")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        decide(a, broken(), author="jesse")
    assert a.latest() == before
    assert decide(a, [], author="jesse") == []


# --- undo ---


def test_an_undo_says_what_it_undid_in_everybody_s_words(family):
    a, b = family(2)
    put(a, "x")
    put(a, LONG)
    (made,) = a.undo(changesets_of(a, "2"), author="cara")

    assert (made.author, made.note) == ("cara", f"undo of {a.origin.hex()[:8]}:2")
    a.undo(changesets_of(a, "3"), author="cara")
    assert shown(a) == LONG
    meet(a, b)
    assert shown(b) == LONG


def test_a_range_is_undone_ticket_by_ticket(family):
    (a,) = family(1)
    for record in (T1, T2):
        put(a, "x", record=record)
        put(a, "y", record=record)
    made = a.undo(changesets_of(a, "1..4"), author="cara")

    assert [{w.cell.record for w in c.writes} for c in made] == [{T1}, {T2}]
    assert all(a.cell(record, LIFE, "alive").shown is None for record in (T1, T2))
    assert a.undo(changesets_of(a, "1..4"), author="cara") == []


def test_what_does_not_count_is_not_undone(family):
    a, b = family(2)
    put(a, "x")
    b.integrate(list(a.offers(b.stands_at)), judge=lambda entry: "unknown hand")

    with pytest.raises(UsageError, match="in quarantine"):
        b.undo(changesets_of(b, "1"), author="cara")
