"""What was shown at a moment."""

from __future__ import annotations

from itertools import count, islice

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.then import Moment, Then, moment_of, spanned
from prophet_hub.errors import UsageError
from prophet_hub.merge.settle import newest
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, Cell, Changeset, Write, receipt
from prophet_hub.values import PRESENT

A, B, C, D = (bytes([n]) * 16 for n in range(1, 5))
ALIVE = (LIFE, "alive")
TICKETS, COMMENTS = (A, B), (C, D)
HOUR = 3_600_000_000


@pytest.fixture
def replica():
    ticks = count(1)
    opened = Replica.open(":memory:", clock=lambda: next(ticks))
    yield opened
    opened.close()


# --- at every place ---

WHO = st.sampled_from([0, 1])
STEP = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(TICKETS), st.sampled_from("xyz")),
    st.tuples(st.just("label"), st.sampled_from(TICKETS), st.sampled_from([PRESENT, None])),
    st.tuples(st.just("life"), st.sampled_from([*TICKETS, C]), st.sampled_from([PRESENT, None])),
    st.tuples(st.just("comment"), st.sampled_from(COMMENTS), st.sampled_from(TICKETS)),
    st.tuples(st.just("say"), st.sampled_from(COMMENTS), st.sampled_from("xyz")),
    st.tuples(st.just("pair"), st.just(A), st.just(B)),
    st.tuples(st.just("part"), st.just(A), st.none()),
    st.tuples(st.just("echo"), st.sampled_from(TICKETS), st.sampled_from([PRESENT, None])),
    st.tuples(st.just("settle"), st.none(), st.none()),
    st.tuples(st.just("pull"), st.none(), st.none()),
)


def act(one, other, number, step):
    """Lets a replica do one thing."""
    verb, what, more = step
    kind = "comment" if what in COMMENTS else "ticket"
    changes = {"edit": {("status", ""): more}, "label": {("labels", "hot"): more},
               "life": {ALIVE: more}, "say": {("body", ""): more},
               "comment": {("ticket", ""): more and ids.text(more) if verb == "comment" else ""},
               }.get(verb)  # fmt: skip
    if changes:
        one.edit(what, kind, changes, author="me")
    elif verb == "pair":
        one.pair(what, more, author="me")
    elif verb == "part":
        one.unpair(what, author="me")
    elif verb == "settle":
        one.settle(newest)
    elif verb == "pull":
        one.integrate(other.offers(one.stands_at))
    elif (cell := one.cell(what, "status")) is not None:
        told = ids.name_of("event", number)
        heard = Write(told, Cell(what, "status"), "ticket", "heard", created=one.now())
        head = cell.heads[0].id
        above = (
            tuple(h.id for h in state.heads)
            if (state := one.cell(told, "receipt", head.hex()))
            else ()
        )
        link = Write(ids.fresh(), receipt(told, head), "", more, above, created=one.now())
        one.record([Changeset(ids.fresh(), "rt", 1, (heard, link))])


@settings(max_examples=40, deadline=None)
@given(script=st.lists(st.tuples(WHO, STEP), max_size=22))
def test_at_every_place_it_is_what_a_replica_with_those_entries_alone_shows(script):
    ticks = count(1)
    pair = [Replica.open(":memory:", clock=lambda: next(ticks)) for _ in range(2)]
    replay = Replica.open(":memory:", clock=lambda: 0)
    try:
        for number, (who, step) in enumerate(script):
            act(pair[who], pair[1 - who], number, step)
        told = pair[0]
        told.integrate(pair[1].offers(told.stands_at))
        parcels = list(told.offers(lambda *_: False))
        for place in range(told.latest() + 1):
            replay.integrate(islice(parcels, place))
            then = Then(told.store, Moment(place=place))
            for record in (*TICKETS, *COMMENTS):
                now = {key: cell.shown for key, cell in replay.cells(record).items()}
                assert told.as_of(record, place=place) == now
                assert min(then.members(record)) == replay.name(record)
                assert then.alive(record) == (bool(now) and replay.alive(record))
            assert list(told.export(Moment(place=place))) == list(replay.export())
            for ticket in TICKETS:
                assert then.children(ticket) == sorted(replay.children(ticket, "comment"))
                life = replay.cell(ticket, *ALIVE)
                if life and life.conflict and life.shown and len(life.heads) == 1:
                    event("edited after its delete")
    finally:
        for one in (*pair, replay):
            one.close()


def test_a_comment_counts_where_it_belonged_then(replica):
    """It came late to a deleted ticket, which it kept alive until it moved to another."""
    replica.edit(A, "ticket", {("status", ""): "x"}, author="")
    replica.edit(A, "ticket", {ALIVE: None}, author="")
    replica.edit(C, "comment", {("ticket", ""): ids.text(A)}, author="")
    replica.edit(C, "comment", {("ticket", ""): ids.text(B)}, author="")

    assert [replica.as_of(A, at).get(ALIVE) for at in (1, 2, 3, 4)] == [None, None, PRESENT, None]
    assert Then(replica.store, Moment(until=3)).children(A) == [C]
    assert Then(replica.store, Moment(until=4)).children(A) == []


def test_a_class_that_was_named_by_a_record_without_words(replica):
    """Joined first, written to then, and parted in the end: it had its least uuid's name."""
    replica.pair(A, B, author="")
    replica.edit(B, "ticket", {("status", ""): "x"}, author="")
    replica.unpair(A, author="")

    assert [one["uuid"] for one in replica.export(Moment(place=2))] == [ids.text(A)]
    assert [one["uuid"] for one in replica.export(Moment(place=3))] == [ids.text(B)]
    assert list(replica.export(Moment(place=1))) == []


# --- which moment ---


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2026-11-20", Moment(until=1795132800_000_000)),
        ("2026-11-20T01:00", Moment(until=1795136400_000_000)),
        ("2026-11-20T02:00:00.5+01:00", Moment(until=1795136400_500_000)),
        ("2h", Moment(until=98 * HOUR)), ("1d", Moment(until=76 * HOUR)),
        ("yesterday", Moment(until=72 * HOUR)), ("now", Moment(until=100 * HOUR)),
        ("2", Moment(place=2)), ("latest", Moment(place=2)), ("latest~1", Moment(place=1)),
    ],
)  # fmt: skip
def test_a_time_or_a_changeset(replica, words, moment):
    for value in "xy":
        replica.edit(A, "ticket", {("status", ""): value}, author="")
    assert moment_of(replica, words, 100 * HOUR) == moment


@pytest.mark.parametrize(
    ("words", "why"),
    [("soon", "neither a time nor a changeset"), ("2026-13-01", "There is no changeset"),
     ("17", "There is no changeset 17."), ("2026-11-20T", "neither a time")],
)  # fmt: skip
def test_what_is_neither_is_said(replica, words, why):
    with pytest.raises(UsageError, match=why):
        moment_of(replica, words, 0)


def test_what_was_written_to_between_two_moments(replica):
    for record in (A, B, C):
        replica.edit(record, "ticket", {("status", ""): "x"}, author="")
    replica.pair(A, D, author="")

    def between(one, other):
        found = spanned(replica.store, one, other)
        assert spanned(replica.store, other, one) == found
        return found

    assert between(Moment(place=1), Moment(place=2)) == {B}
    assert between(Moment(until=1), Moment(until=3)) == {B, C}
    assert between(Moment(until=1), Moment(place=2)) == {B}
    assert between(Moment(place=3), Moment(place=4)) == {A, D}
    assert between(Moment(place=2), Moment(place=2)) == set()
