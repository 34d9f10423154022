"""Where the Perl original lost, invented or garbled things; each of them is right here.

Its fingerprints, votes and signatures stand with the law and with trust; publishing, cuts and
hostile paths with the peers.
"""

from __future__ import annotations

import itertools

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settings import Settings
from prophet_hub.merge.settle import newest
from prophet_hub.model.changes import LIFE
from prophet_hub.values import PRESENT

A, B = b"a" * 16, b"b" * 16
WORDS = 'Übergrößenträger, 漢字 \U0001f433 "quotes" back\\slash\ttab\n'
BYTES = bytes(range(256)) * 4 + b"\r\n\x00\xff\xfe"
ALIVE = (LIFE, "alive")


@pytest.fixture
def replicas():
    clock = itertools.count(1)
    made = [Replica.open(":memory:", clock=lambda: next(clock)) for _ in range(4)]
    yield made
    for one in made:
        one.close()


def edit(replica, record=A, **props):
    changes = {(prop, ""): value for prop, value in props.items()}
    return replica.edit(record, "ticket", changes, author="jesse")


def pull(target, source):
    target.integrate(source.offers(target.stands_at))
    for stored in target.wanted():
        target.supply(stored, source.content(stored))


def meet(*replicas):
    for target, source in itertools.permutations(replicas, 2):
        pull(target, source)
    for target, source in itertools.permutations(replicas, 2):
        pull(target, source)


def export(replica):
    return list(replica.export())


def test_letters_and_bytes_come_through_any_number_of_hops(replicas):
    """There every hop encoded once more: 1,034 bytes became 2,573, and updates were reverted."""
    first, *others = replicas
    stored = first.store.blobs.put([BYTES])
    edit(first, summary=WORDS, description=WORDS * 200, content=stored)
    edit(first, summary=WORDS + "2")
    for source, target in itertools.pairwise(replicas):
        pull(target, source)
    last = others[-1]
    assert last.shown(A)["summary"] == WORDS + "2"
    assert last.text(last.shown(A)["description"]) == WORDS * 200
    assert b"".join(last.content(last.shown(A)["content"])) == BYTES
    assert export(last) == export(first)
    assert list(last.conflicts()) == []


def test_a_delete_does_not_swallow_an_update(replicas):
    """There one side lost the update without a word, the other kept a stub."""
    one, two, three, _ = replicas
    edit(one, summary="x", status="open")
    meet(one, two, three)
    one.edit(A, "ticket", {ALIVE: None}, author="jesse")
    edit(two, status="stalled")
    meet(one, two, three)
    for replica in (one, two, three):
        (conflict,) = replica.conflicts()
        assert conflict.cell.prop == LIFE
        assert replica.alive(A)
        assert replica.shown(A) == {"summary": "x", "status": "stalled"}
    two.resolve(A, *ALIVE, PRESENT, author="jesse")
    meet(one, two, three)
    assert export(one) == export(two) == export(three)
    assert list(one.conflicts()) == []


def test_who_adds_what_another_added_does_not_win_in_silence(replicas):
    """There the source's value won where neither knew an old one."""
    one, two, *_ = replicas
    edit(one, summary="x")
    meet(one, two)
    edit(one, owner="jesse")
    edit(two, owner="clkao")
    meet(one, two)
    (conflict,) = one.conflicts()
    assert {head.value for head in conflict.cell.heads} == {"jesse", "clkao"}


def test_two_who_did_the_same_do_not_disagree(replicas):
    one, two, *_ = replicas
    edit(one, status="open")
    meet(one, two)
    edit(one, status="stalled")
    edit(two, status="stalled")
    meet(one, two)
    assert list(one.conflicts()) == list(two.conflicts()) == []


def test_a_conflict_does_not_hold_up_what_comes_after_it(replicas):
    """There every later changeset of that source waited, for ever."""
    one, two, *_ = replicas
    edit(one, status="open")
    meet(one, two)
    edit(two, status="stalled")
    edit(one, status="resolved")
    edit(one, B, summary="later")
    pull(two, one)
    assert two.shown(B) == {"summary": "later"}
    assert len(list(two.conflicts())) == 1


def test_several_changes_to_one_record_stand_in_one_changeset(replicas):
    one, two, *_ = replicas
    edit(one, summary="x", status="open")
    edit(one, summary="y", status="stalled", owner="jesse")
    pull(two, one)
    assert two.shown(A) == {"summary": "y", "status": "stalled", "owner": "jesse"}
    assert [row.writes for row in two.log()] == [3, 2]


def test_a_rule_settles_in_one_step_or_not_at_all(replicas, monkeypatch):
    """There a crash between three commits left the value nullified."""
    one, two, *_ = replicas
    edit(one, status="open")
    meet(one, two)
    edit(one, status="stalled")
    edit(two, status="resolved")
    meet(one, two)
    before = export(one)
    monkeypatch.setattr(one._derivation, "apply", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        one.settle(newest)
    monkeypatch.undo()
    assert export(one) == before
    assert one.settle(newest) == 1
    meet(one, two)
    assert export(one) == export(two)


def test_every_answer_is_an_answer_to_its_own_conflict(replicas):
    """There the answer to the last conflict overwrote all others, and nobody had ever said it."""
    one, two, three, _ = replicas
    for record in (A, B):
        edit(one, record, status="open")
    meet(one, two, three)
    for record, theirs, ours in ((A, "stalled", "new"), (B, "rejected", "resolved")):
        edit(two, record, status=theirs)
        edit(three, record, status=ours)
    meet(one, two, three)
    one.resolve(A, "status", "", "stalled", author="jesse")
    one.resolve(B, "status", "", "resolved", author="jesse")
    meet(one, two, three)
    for replica in (one, two, three):
        assert [replica.shown(r)["status"] for r in (A, B)] == ["stalled", "resolved"]
        assert list(replica.conflicts()) == []


def test_reading_a_setting_writes_nothing(replicas):
    one, *_ = replicas
    assert Settings(one).get("statuses") is None
    assert Settings(one).names() == []
    assert one.latest() == 0
