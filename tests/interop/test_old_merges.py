"""What the old tool's replicas come to is what is shown here, conflicts and their ends included."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from interop.old import SOURCE, TARGET, Old
from prophet_hub.engine.replica import Replica
from prophet_hub.interop.prophet_v1 import pull_v1

T, U, C = (str(uuid.UUID(int=(0xBB << 120) + n)) for n in range(3))


@contextlib.contextmanager
def ours():
    opened = Replica.open(":memory:", clock=lambda: 7)
    try:
        yield opened
    finally:
        opened.close()


def take(replica, old, **more):
    with tempfile.TemporaryDirectory() as folder:
        return pull_v1(replica, old.write(Path(folder)), **more)


def exported(replica):
    return {one["uuid"]: one for one in replica.export() if one["type"] != "setting"}


def told(old):
    """Returns what an old replica shows, in our words."""
    found = {}
    for record, (kind, props) in old.state.items():
        names = {"content": "body"} if kind == "comment" else {}
        values = {names.get(n, n): v for n, v in props.items()}
        if values.get("status") == "closed":
            values["status"] = "resolved"
        found[record] = {**values, **({"private": "no"} if kind == "comment" else {})}
    return found


def shown(replica):
    return {u: one["properties"] for u, one in exported(replica).items() if one["properties"]}


def same(replica, old):
    """Tells whether all that the old replica shows is shown, and no more, without a conflict."""
    assert shown(replica) == {r: p for r, p in told(old).items() if p}
    assert not list(replica.conflicts())


# --- stories ---


def pair():
    one, two = Old(1), Old(2)
    one.create(T, summary="s", status="new")
    two.pull(one, TARGET)
    return one, two


def test_a_conflict_that_the_target_won():
    """Put aside, applied and resolved: three changesets there, one story here."""
    one, two = pair()
    one.update(T, status="open")
    two.update(T, status="stalled")
    one.pull(two, TARGET)
    assert [bool(c["is_nullification"]) for c in one.log] == [False, False, True, False, False]

    with ours() as replica:
        assert take(replica, one).entries == 4
        same(replica, one)
        rows = replica.why(bytes.fromhex(T.replace("-", "")), "status")
        assert [(r.new, r.rule, r.superseded) for r in rows] == [
            ("open", "person", False), ("stalled", "", True), ("open", "", True), ("new", "", True),
        ]  # fmt: skip


@pytest.mark.parametrize("prefer", [SOURCE, TARGET])
def test_who_did_not_know_what_is_told_as_it_was(prefer):
    """Both sides of a conflict started from one value, and the decision knew both."""
    one, two = pair()
    one.update(T, status="open")
    one.update(T, status="rejected")
    two.update(T, status="stalled")
    one.pull(two, prefer)

    with ours() as replica:
        take(replica, one)
        told = {}
        for _, write in replica.writes_of(bytes.fromhex(T.replace("-", ""))):
            if write.cell.prop == "status":
                name = "decision" if write.rule else write.value
                told[name] = write
        by_id = {write.id: name for name, write in told.items()}
        assert {n: {by_id[i] for i in w.supersedes} for n, w in told.items()} == {
            "new": set(), "open": {"new"}, "rejected": {"open"}, "stalled": {"new"},
            "decision": {"rejected", "stalled"},
        }  # fmt: skip


def test_a_conflict_that_the_source_won_is_a_decision_too():
    """There it left no trace but the value; here it says who settled it."""
    one, two = pair()
    one.update(T, status="open")
    two.update(T, status="stalled")
    one.pull(two, SOURCE)

    with ours() as replica:
        take(replica, one)
        same(replica, one)
        (head, *_) = replica.why(bytes.fromhex(T.replace("-", "")), "status")
        assert (head.new, head.rule, head.note) == (
            "stalled",
            "person",
            f"settled by sd {one.uuid}",
        )


def test_two_that_settled_differently_are_a_conflict():
    """The old tool's two replicas differ for ever and do not know it; here it can be seen."""
    one, two = pair()
    one.update(T, status="open")
    two.update(T, status="stalled")
    before = len(two.log)
    one.pull(two, TARGET)
    two.log, late = two.log[:before], two.log[before:]
    assert not late
    two.pull(one, TARGET)
    assert one.state != two.state

    with ours() as replica:
        take(replica, one)
        take(replica, two)
        (conflict,) = replica.conflicts()
        assert {h.value for h in conflict.cell.heads} == {"open", "stalled"}


def test_a_deleted_ticket_stays_deleted_though_a_comment_comes():
    one, two = pair()
    one.delete(T)
    two.create(C, "comment", ticket=T, content="late")
    one.pull(two, TARGET)
    with ours() as replica:
        take(replica, one)
        same(replica, one)


def test_an_update_of_a_deleted_ticket_leaves_a_stub():
    """Its other properties are gone there, so they are not shown here either; history has them."""
    one, two = pair()
    one.delete(T)
    two.update(T, status="open")
    one.pull(two, TARGET)
    assert one.state[T][1] == {"status": "open"}
    with ours() as replica:
        take(replica, one)
        same(replica, one)
        assert "s" in [r.new for r in replica.history(bytes.fromhex(T.replace("-", "")))]


def test_our_edit_and_theirs_after_it_are_a_conflict():
    """What the old replica did not know of it does not overwrite."""
    one, _ = pair()
    with ours() as replica:
        take(replica, one)
        record = bytes.fromhex(T.replace("-", ""))
        replica.edit(record, "ticket", {("status", ""): "stalled"}, author="we")
        one.update(T, status="open")
        take(replica, one)
        (conflict,) = replica.conflicts()
        assert {h.value for h in conflict.cell.heads} == {"open", "stalled"}


# --- all of them ---

VALUES = st.sampled_from(["new", "open", "closed", "", "x" * 5000])
PROPS = st.dictionaries(st.sampled_from(["status", "owner", "summary"]), VALUES, min_size=1)
WHO = st.integers(0, 2)
STEP = st.one_of(
    st.tuples(st.just("update"), st.sampled_from([T, T, T, U]), PROPS),
    st.tuples(st.just("update"), st.just(C), st.just({"content": "again"})),
    st.tuples(st.just("delete"), st.sampled_from([T, U, C]), st.none()),
    st.tuples(st.just("create"), st.just(U), PROPS),
    st.tuples(st.just("comment"), st.just(C), st.just(T)),
)
PULL = st.tuples(WHO, st.tuples(st.just("pull"), WHO, st.sampled_from([SOURCE, TARGET])))
SCRIPT = st.lists(st.one_of(st.tuples(WHO, STEP), PULL), min_size=4, max_size=24)


def family():
    """Returns three old replicas that share a ticket."""
    olds = [Old(n) for n in range(3)]
    olds[0].create(T, summary="s", status="new")
    for old in olds[1:]:
        old.pull(olds[0], TARGET)
    return olds


def act(olds, who, step):
    """Lets an old replica do one thing, if it can."""
    one, (verb, what, more) = olds[who], step
    if verb == "pull" and what != who:
        one.pull(olds[what], more)
    elif verb == "create" and not any(what in old.state for old in olds):
        one.create(what, summary="s", **{k: v for k, v in more.items() if k != "summary"})
    elif verb == "comment" and not any(what in old.state for old in olds):
        one.create(what, "comment", ticket=more, content="c")
    elif verb == "update" and what in one.state:
        one.update(what, **more)
    elif verb == "delete" and what in one.state:
        one.delete(what)


def meet(olds, prefer):
    """Lets everybody pull from everybody."""
    for one in olds:
        for other in olds:
            if one is not other:
                one.pull(other, prefer)


def met(olds):
    """Notes what happened, so that it can be seen that it did."""
    for old in olds:
        put_aside = [c for c in old.log if c["is_nullification"]]
        if put_aside:
            event("a conflict")
        if any(c["change_type"] == "add_file" for n in put_aside for c in n["changes"].values()):
            event("a deleted record comes back")
        if any(c["is_resolution"] for c in old.log):
            event("the target wins")
    if len({str(old.state) for old in olds}) > 1:
        event("they differ")


@settings(max_examples=20, deadline=None)
@given(script=SCRIPT, prefer=st.sampled_from([SOURCE, TARGET]))
def test_the_state_shown_is_the_old_replicas(script, prefer):
    """Whatever old replicas did to one another: what is read from one shows what that one shows;
    reading in two goes, or twice, changes nothing.
    """
    olds = family()
    with ours() as slow:
        for who, step in script:
            act(olds, who, step)
            if step[0] == "pull":
                take(slow, olds[0])
        meet(olds, prefer)
        met(olds)
        for old in olds:
            with ours() as replica:
                take(replica, old)
                same(replica, old)
                latest = replica.latest()
                assert take(replica, old).entries == 0
                assert replica.latest() == latest
        take(slow, olds[0])
        same(slow, olds[0])


@settings(max_examples=20, deadline=None)
@given(script=SCRIPT, prefer=st.sampled_from([SOURCE, TARGET]))
def test_replicas_that_read_the_same_old_ones_converge(script, prefer):
    """In any order, and then with one another."""
    olds = family()
    for who, step in script:
        act(olds, who, step)
    meet(olds, prefer)
    with ours() as one, ours() as two:
        for old in olds:
            take(one, old)
        for old in reversed(olds):
            take(two, old)
        one.integrate(two.offers(one.stands_at))
        two.integrate(one.offers(two.stands_at))
        assert exported(one) == exported(two)
        assert not list(one.check())
