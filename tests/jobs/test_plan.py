"""Brakes: what one run may do to one remote without a word from a person."""

from __future__ import annotations

import pytest

from prophet_hub.foreign.steps import Planned, Verb
from prophet_hub.jobs import config as models
from prophet_hub.jobs.plan import Hit, Totals, brakes, totals
from prophet_hub.sdk import COMMENT, Ref


def planned(count, verb=Verb.UPDATE, remote="b", *, closes=False, kind="ticket"):
    return [
        Planned(remote=remote, verb=verb, record=b"r", ref=Ref(kind=kind, id=str(n)),
                closes=closes, notifies=n == 0, requests=2)
        for n in range(count)
    ]  # fmt: skip


def held(plan, *, agreed=0, size=0, **limits):
    return brakes(plan, models.Brakes(**limits), agreed=lambda _: agreed, size=lambda _: size)


def test_an_ordinary_plan_passes():
    plan = [*planned(500), *planned(20, closes=True), *planned(20, Verb.DELETE)]

    assert held([*plan, *planned(1000, Verb.CREATE)]) == []


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (planned(21, closes=True), "closes"),
        (planned(21, Verb.DELETE), "deletes"),
        (planned(1001, Verb.CREATE), "creates"),
    ],
)
def test_too_much_of_one_kind_holds(plan, kind):
    (hit,) = held(plan)

    assert (hit.kind, hit.remote, hit.count) == (kind, "b", len(plan))


def test_one_percent_of_a_great_tracker_passes():
    assert held(planned(30, closes=True), size=3000) == []
    assert held(planned(31, closes=True), size=3000) == [
        Hit(kind="closes", remote="b", count=31, limit=30)
    ]


def test_limits_of_the_job_hold_instead():
    assert held(planned(1, closes=True), closes=0, size=10**6)
    assert held(planned(100, Verb.DELETE), deletes=100) == []
    assert held(planned(2, Verb.CREATE), creates=1)


def test_the_size_is_asked_only_where_it_matters():
    def size(_remote):
        raise AssertionError

    limits = models.Brakes()
    assert brakes(planned(20, closes=True), limits, agreed=lambda _: 0, size=size) == []


def test_counts_are_per_remote():
    plan = [*planned(20, closes=True), *planned(20, remote="a", closes=True)]

    assert held(plan) == []


def test_a_create_that_arrives_closed_is_no_close():
    assert held(planned(30, Verb.CREATE, closes=True)) == []


def test_comments_have_no_brake():
    assert held(planned(5000, Verb.CREATE, kind=COMMENT), agreed=None) == []


def test_a_first_run_asks_for_all_its_creates():
    hits = held([*planned(1, Verb.CREATE), *planned(7, Verb.CREATE, "a")], agreed=None)

    assert [str(hit) for hit in hits] == [
        "create 7 tickets in a, for the first time",
        "create 1 ticket in b, for the first time",
    ]


def test_a_plan_in_numbers():
    assert totals(planned(3)) == Totals(operations=3, requests=6, notifies=1)


def test_what_was_agreed_to_and_not_carried_out_is_not_asked_for_again():
    assert held(planned(1500, Verb.CREATE), agreed=1500) == []
    assert [hit.count for hit in held(planned(1501, Verb.CREATE), agreed=1500)] == [1501]
