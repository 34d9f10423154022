"""A run taken back: everything as it was, and what was touched since as it is."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import replace

import pytest

from foreign.kit import Crash, Hub, boundaries, once, pair, tick
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import Outcome, Planned
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, FieldMap, History
from prophet_hub.testing.memory import MEMORY_FIELDS

KEYS = frozenset({TICKET, COMMENT, ATTACHMENT})
LABEL = {"labels": {"c"}}


class Undoing(Hub):
    """A hub that takes runs back as `prophet-hub undo --run` does; its runs are numbers."""

    def foreign(self, name):
        return ForeignReplica(self.replica, self.specs[name], job="job", run=str(self.runs))

    def undo(self, run, *, cut_off=False):
        """Takes a run back; returns what was applied, and what could not be, unless cut off."""
        self.runs += 1
        remotes = {name: self.foreign(name) for name in self.specs}
        for remote in remotes.values():
            list(remote.pull())
        plans = {
            name: [one for one in remote.inverse(str(run)) if isinstance(one, Planned)]
            for name, remote in remotes.items()
        }
        done = [
            one for name, remote in remotes.items() for one in remote.undo(str(run), plans[name])
        ]
        if cut_off:
            return done, []
        return done, [one for remote in remotes.values() for one in remote.left(str(run))]


def shown(*trackers):
    """What people see, and no history."""
    return [
        sorted(
            (
                tuple(sorted((k, v) for k, v in item.fields.items())),
                tuple(note.body.rsplit("\n\n", 1)[-1] for note in item.comments),
                tuple(file.data for file in item.attachments),
            )
            for item in tracker.items.values()
            if not item.gone
        )
        for tracker in trackers
    ]


def quiet(hub, *trackers, times=2):
    """Nothing more is to be done: a sync writes nothing."""
    before = [t.writes for t in trackers]
    hub.syncs(times)
    return [t.writes for t in trackers] == before and hub.conflicts() == []


def filled(r):
    """A ticket with all that there is."""
    ref = r.create("bob", {"summary": "one", "status": "new", "labels": frozenset({"a", "b"})})
    r.comment("bob", ref, "said")
    r.attach("bob", ref, "a.txt", b"bytes")
    return ref


@contextmanager
def copied(*, runs=1, **knobs):
    """A ticket with all that there is in R, and after a run or more in T."""
    r, t = pair(**knobs)
    filled(r)
    with Undoing(r, t) as hub:
        hub.syncs(runs)
        yield hub, r, t


WORLDS = [
    {"history": history, "tombstones": tombstones, "conditional": conditional, "keys": keys}
    for history in History
    for tombstones in (True, False)
    for conditional in (True, False)
    for keys in (KEYS, frozenset())
]


@pytest.mark.parametrize("knobs", WORLDS)
def test_updates_go_back_and_are_not_sent_again(knobs):
    with copied(runs=2, **knobs) as (hub, r, t):
        was = shown(t)
        tick(r, t)
        r.update("bob", "1", {"summary": "two", "status": "open", "description": "long"})
        r.update("bob", "1", added={"labels": {"c"}}, removed={"labels": {"a"}})
        hub.sync()
        ours = shown(r)
        assert shown(t) == ours

        done, left = hub.undo(hub.runs)

        assert ({one.outcome for one in done}, left) == ({Outcome.DONE}, [])
        assert (shown(t), shown(r)) == (was, ours)
        assert quiet(hub, r, t)
        assert hub.inbox(t) == hub.inbox(r) == []


@pytest.mark.parametrize("knobs", WORLDS)
def test_creates_are_deleted_and_nothing_dies_or_comes_again(knobs):
    with copied(**knobs) as (hub, r, t):
        assert shown(t) == shown(r)

        done, left = hub.undo(1)

        assert ([one.outcome for one in done], left) == ([Outcome.DONE], [])
        assert shown(t) == [[]]
        assert quiet(hub, r, t)
        assert hub.inbox(t) == hub.inbox(r) == []
        assert len(shown(r)[0]) == 1

        r.update("bob", "1", {"summary": "two"})  # what changes is made again
        hub.syncs(2)
        assert shown(t) == shown(r)
        assert quiet(hub, r, t)


@pytest.mark.parametrize("knobs", WORLDS)
def test_comments_and_files_are_deleted_and_do_not_come_again(knobs):
    with copied(runs=2, **knobs) as (hub, r, t):
        was = shown(t)
        tick(r, t)
        r.comment("bob", "1", "more")
        r.attach("bob", "1", "b.txt", b"others")
        hub.sync()
        assert shown(t) == shown(r)

        done, left = hub.undo(hub.runs)

        assert ([one.outcome for one in done], left) == ([Outcome.DONE] * 2, [])
        assert shown(t) == was
        assert quiet(hub, r, t)
        assert [len(r.items["1"].comments), len(r.items["1"].attachments)] == [2, 2]


@pytest.mark.parametrize("knobs", WORLDS[::3])
def test_an_undo_can_be_undone(knobs):
    with copied(**knobs) as (hub, r, t):
        tick(r, t)
        r.update("bob", "1", {"status": "open"})
        r.comment("bob", "1", "more")
        other = r.create("bob", {"summary": "another"})
        r.comment("bob", other, "on it")
        hub.sync()
        whole = shown(r)
        assert shown(t) == whole
        hub.undo(2)
        assert shown(t) != whole

        done, left = hub.undo(3)

        assert ({one.outcome for one in done}, left) == ({Outcome.DONE}, [])
        assert (shown(t), shown(r)) == (whole, whole)
        assert quiet(hub, r, t)
        tick(r, t)
        t.update("eve", "1", {"status": "closed"})
        hub.syncs(2)
        assert r.items["1"].fields["status"] == "closed"


# --- what stays --------------------------------------------------------------------------------


def reasons(left):
    return sorted((one.ref.kind, one.ref.id, one.field, one.reason) for one in left)


@pytest.mark.parametrize("knobs", WORLDS[::2])
def test_what_somebody_edited_since_stays_and_is_told(knobs):
    with copied(runs=2, **knobs) as (hub, r, t):
        tick(r, t)
        r.update("bob", "1", {"summary": "two", "status": "open"})
        hub.sync()
        tick(r, t)
        t.update("eve", "1", {"summary": "three"})

        _, left = hub.undo(hub.runs)

        assert [one.field for one in left] == ["summary"]
        if knobs.get("history", History.FULL) is History.FULL:
            assert "eve@example.org wrote it on 20" in left[0].reason
        assert t.items["1"].fields["summary"] == "three"
        assert t.items["1"].fields["status"] == "new"
        assert [(i.field, i.reason) for i in hub.inbox(t)] == [("summary", left[0].reason)]
        hub.syncs(2)
        assert r.items["1"].fields["summary"] == "three"
        assert r.items["1"].fields["status"] == "open"


@pytest.mark.parametrize("knobs", WORLDS[::5])
@pytest.mark.parametrize("how", ["comment", "attach", "update"])
def test_a_ticket_that_somebody_touched_is_not_deleted(knobs, how):
    with copied(**knobs) as (hub, r, t):
        tick(r, t)
        act = {
            "comment": lambda: t.comment("eve", "1", "I saw it"),
            "attach": lambda: t.attach("eve", "1", "b.txt", b"eve's"),
            "update": lambda: t.update("eve", "1", {"status": "open"}),
        }[how]
        act()

        _, left = hub.undo(1)

        assert [(one.ref.kind, one.ref.id) for one in left] == [(TICKET, "1")]
        assert "it on 20" in left[0].reason
        assert not t.items["1"].gone
        # what was only the run's own is taken out of it
        assert not [n for n in t.items["1"].comments if n.author == "hub"]
        assert [(i.kind, i.ref) for i in hub.inbox(t)] == [(TICKET, "1")]
        hub.syncs(2)
        assert quiet(hub, r, t)
        assert len(r.items["1"].comments) == 1 + (how == "comment")


@pytest.mark.parametrize("history", [History.PARTIAL, History.NONE])
def test_a_ticket_that_changed_in_what_the_job_does_not_carry_is_not_deleted(history):
    """No event tells it where there is no history; that it changed at all is enough."""
    r, t = pair(history=history)
    filled(r)
    without = FieldMap(row for row in MEMORY_FIELDS if row.ours != "description")
    with Undoing(r, t, T={"fields": without}) as hub:
        hub.sync()
        tick(r, t)
        t.update("eve", "1", {"description": "What I found out"})
        hub.sync()

        _, left = hub.undo(1)

        assert not t.items["1"].gone
        assert [(one.ref.kind, one.ref.id) for one in left] == [(TICKET, "1")]


@pytest.mark.parametrize("knobs", WORLDS[::5])
def test_who_touches_a_ticket_between_the_plan_and_its_delete_keeps_it(knobs):
    with copied(**knobs) as (hub, r, t):
        tick(r, t)
        remote = hub.foreign("T")
        list(remote.pull())
        plan = [one for one in remote.inverse("1") if isinstance(one, Planned)]
        assert [one.verb for one in plan] == ["delete"]
        t.comment("eve", "1", "I saw it")

        done = list(remote.undo("1", plan))

        assert [one.outcome for one in done] == [Outcome.STALE]
        assert not t.items["1"].gone
        assert len(remote.left("1")) > 0


def test_a_tracker_that_lets_nothing_be_deleted_keeps_it_and_that_is_told():
    may = frozenset({("create", TICKET), ("update", TICKET), ("create", COMMENT)})
    r, t = pair(writes=may)
    r.create("bob", {"summary": "one"})
    r.comment("bob", "1", "said")
    with Undoing(r, t) as hub:
        hub.sync()

        done, left = hub.undo(1)

        assert done == []
        assert [(kind, why) for kind, _, _, why in reasons(left)] == [
            ("comment", "Run 1 is not undone here. T does not let the hub delete comments."),
            ("ticket", "Run 1 is not undone here. T does not let the hub delete tickets."),
        ]
        assert quiet(hub, r, t)


def test_what_a_job_may_not_delete_stays():
    r, t = pair()
    filled(r)
    with Undoing(r, t, T={"deletes": False}) as hub:
        hub.sync()

        _, left = hub.undo(1)

        assert "say deletes: yes there" in left[-1].reason
        hub.change("T", deletes=True)
        assert hub.undo(1)[1] == []
        assert hub.inbox(t) == []
        assert shown(t) == [[]]


def test_a_delete_is_not_taken_back_and_that_is_told():
    with copied() as (hub, r, t):
        tick(r, t)
        r.delete("bob", "1")
        hub.sync()
        assert t.items["1"].gone

        done, left = hub.undo(2)

        assert (done, len(left)) == ([], 1)
        assert "It was deleted" in left[0].reason


def test_a_later_run_s_value_stays_and_that_run_is_named():
    with copied() as (hub, r, t):
        for status in ("open", "closed"):
            tick(r, t)
            r.update("bob", "1", {"status": status})
            hub.sync()

        done, left = hub.undo(2)

        assert (done, t.items["1"].fields["status"]) == ([], "closed")
        assert left[0].reason.endswith("Run 3 wrote it since.")


def toggled(r, t, hub, second):
    """Run 3 sets something; `second` is where eve takes it back and sets it again."""
    hub.syncs(2)
    for tracker, status in ((r, "done"), (second, "open"), (second, "done")):
        tick(r, t)
        tracker.update("eve", "1", {"status": status})
        tracker.update("eve", "1", **{"removed" if status == "open" else "added": LABEL})
        hub.sync()


@pytest.mark.parametrize("history", History)
def test_who_writes_the_very_value_of_the_run_again_keeps_it(history):
    r, t = pair(history=history)
    filled(r)
    with Undoing(r, t) as hub:
        toggled(r, t, hub, t)

        done, left = hub.undo(3)

        assert (done, t.items["1"].fields["status"]) == ([], "done")
        assert "c" in t.items["1"].fields["labels"]
        assert sorted(one.field for one in left) == ["labels", "status"]
        who = "eve@example.org" if history is History.FULL else ""
        assert all(f"{who} wrote it on 20" in one.reason for one in left)
        assert quiet(hub, r, t)


def test_what_a_later_run_wrote_again_stays():
    r, t = pair()
    filled(r)
    with Undoing(r, t) as hub:
        toggled(r, t, hub, r)

        done, left = hub.undo(3)

        assert (done, t.items["1"].fields["status"]) == ([], "done")
        assert [one.reason.rpartition("here. ")[2] for one in left] == ["Run 5 wrote it since."] * 2
        assert quiet(hub, r, t)


def test_what_was_taken_back_and_done_again_can_be_taken_back_once_more():
    with copied(runs=2) as (hub, r, t):
        tick(r, t)
        r.update("bob", "1", {"status": "done"})
        hub.sync()
        for run, status in ((3, "new"), (4, "done"), (3, "new")):
            assert hub.undo(run)[1] == []
            assert t.items["1"].fields["status"] == status


@pytest.mark.parametrize("knobs", WORLDS[::5])
def test_a_ticket_in_which_somebody_edited_a_comment_of_ours_is_not_deleted(knobs):
    with copied(**knobs) as (hub, r, t):
        tick(r, t)
        note = t.items["1"].comments[0]
        t.edit_comment("eve", "1", note.id, f"{note.body}, says eve")

        _, left = hub.undo(1)

        kept = {(TICKET, "1"), (COMMENT, note.id)}
        assert {(one.ref.kind, one.ref.id) for one in left} == kept
        assert not t.items["1"].gone
        assert t.items["1"].comments[0].body.endswith("says eve")
        hub.syncs(2)
        assert quiet(hub, r, t)


def test_a_ticket_of_which_somebody_made_another_a_part_is_not_deleted():
    with copied() as (hub, r, t):
        other = t.create("eve", {"summary": "the same"})
        hub.sync()
        tick(r, t)
        t.merge("eve", other, "1")

        _, left = hub.undo(1)

        assert [(one.ref.kind, one.ref.id) for one in left] == [(TICKET, "1")]
        assert left[0].reason.endswith(f"Ticket {other} was merged into it.")
        assert not t.items["1"].gone


def test_an_edit_that_lands_with_the_undo_is_not_lost():
    """Without versions somebody writes between our look and our request: it is sent again."""
    with copied(conditional=False) as (hub, r, t):
        tick(r, t)
        r.update("bob", "1", {"status": "open"})
        hub.sync()
        with once(
            hub.specs["T"].connector,
            "before PUT",
            lambda: t.update("eve", "1", {"status": "closed"}),
        ):
            hub.undo(2)
        hub.syncs(3)

        assert [x.items["1"].fields["status"] for x in (r, t)] == ["closed", "closed"]
        assert hub.conflicts() == []


def test_the_second_time_nothing_is_left():
    with copied() as (hub, _, _):
        hub.undo(1)

        assert hub.undo(1) == ([], [])


def test_an_undone_copy_is_made_again_when_a_person_says_so():
    with copied() as (hub, r, t):
        hub.undo(1)
        (row,) = hub.foreign("T").inbox()
        assert (row.quiet, row.reason[:12]) == (True, "Undone with ")

        hub.foreign("T").retry(row.number)
        hub.syncs(2)

        assert shown(t) == shown(r)
        assert hub.foreign("T").inbox() == []


@pytest.mark.parametrize("cut_off", [False, True])
def test_what_was_said_while_a_copy_was_taken_back_comes_with_it(cut_off):
    with copied() as (hub, r, t):
        hub.undo(1)
        tick(r, t)
        r.comment("bob", "1", "meanwhile")
        hub.syncs(2)

        def dies():
            raise Crash

        if cut_off:
            with once(hub.specs["T"].connector, "after POST", dies), pytest.raises(Crash):
                hub.undo(2)
            hub.syncs(2)
        hub.undo(2)
        hub.sync()

        assert shown(t) == shown(r)
        assert len(shown(t)[0][0][1]) == 2
        assert quiet(hub, r, t)


def test_a_copy_that_comes_back_is_ours_and_its_end_is_no_death():
    with copied() as (hub, r, t):
        hub.undo(1)
        tick(r, t)
        t.items["1"].gone = None  # somebody restored it
        t._touch(t.items["1"])
        hub.syncs(2)
        r.update("bob", "1", {"status": "open"})
        hub.syncs(2)
        assert t.items["1"].fields["status"] == "open"

        tick(r, t)
        t.delete("eve", "1")
        hub.syncs(2)

        assert not r.items["1"].gone
        assert quiet(hub, r, t)


STEPS = {"new": ("open",), "open": ("resolved", "new"), "resolved": ("open",)}


@pytest.mark.parametrize("knobs", WORLDS[::7])
def test_a_status_goes_back_through_the_workflow(knobs):
    with copied(runs=2, **knobs, transitions={"status": STEPS}) as (hub, r, t):
        tick(r, t)
        r.update("bob", "1", {"status": "open"}), r.update("bob", "1", {"status": "resolved"})
        hub.sync()
        assert t.items["1"].fields["status"] == "resolved"

        _, left = hub.undo(hub.runs)

        assert (left, t.items["1"].fields["status"]) == ([], "new")
        assert quiet(hub, r, t)
        hub.undo(hub.runs - 2)
        assert t.items["1"].fields["status"] == "resolved"


def test_where_no_way_leads_back_it_stays_and_is_told():
    ways = {"new": ("open",), "open": ("resolved",), "resolved": ("gone",)}
    with copied(runs=2, transitions={"status": ways}, offers=True) as (hub, r, t):
        tick(r, t)
        r.update("bob", "1", {"status": "open", "summary": "two"})
        hub.sync()

        done, left = hub.undo(hub.runs)

        assert [one.outcome for one in done] == [Outcome.DONE]
        assert [one.field for one in left] == ["status"]
        assert 'No way leads from "open" to "new"' in left[0].reason
        assert (t.items["1"].fields["status"], t.items["1"].fields["summary"]) == ("open", "one")
        assert quiet(hub, r, t)


def refusing():
    """A tracker that drops the word to go back to; returns (hub, R, T), to undo the last run."""
    r, t = pair()
    r.create("bob", {"summary": "one", "status": "open"})
    hub = Undoing(r, t)
    hub.syncs(2)
    tick(r, t)
    for status in ("new", "resolved"):
        r.update("bob", "1", {"status": status})
        hub.sync()
    t.knobs = replace(t.knobs, refuses=frozenset({"new"}))
    return hub, r, t


def test_a_silent_refusal_of_an_undo_is_told():
    hub, _, t = refusing()
    with hub:
        done, left = hub.undo(hub.runs)

        assert [one.outcome for one in done] == [Outcome.REFUSED]
        assert [(one.field, one.reason) for one in left] == [
            ("status", "Run 4 is not undone here. The tracker took the value and does not show it.")
        ]
        assert [i.reason for i in hub.inbox(t)] == [left[0].reason]


@pytest.mark.parametrize("cut_off", [False, True])
def test_what_could_not_be_taken_back_holds_nothing_back(cut_off):
    hub, r, t = refusing()
    with hub:
        hub.undo(hub.runs, cut_off=cut_off)
        t.knobs = replace(t.knobs, refuses=frozenset())
        tick(r, t)

        r.update("bob", "1", {"status": "new"})
        hub.syncs(2)

        assert (t.items["1"].fields["status"], hub.inbox(t)) == ("new", [])


# --- crashes -----------------------------------------------------------------------------------


def changed_world(**knobs):
    r, t = pair(**knobs)
    filled(r)
    hub = Undoing(r, t)
    hub.sync()
    tick(r, t)
    r.update("bob", "1", {"status": "open", "description": "long"}, added={"labels": {"c"}})
    r.comment("bob", "1", "more")
    r.attach("bob", "1", "b.txt", b"others")
    other = r.create("bob", {"summary": "another"})
    r.comment("bob", other, "on it")
    hub.sync()
    return r, t, hub


@pytest.mark.parametrize(
    ("knobs", "every"),
    [
        ({}, 1),
        ({"history": History.NONE, "conditional": False, "tombstones": False}, 1),
        ({"keys": frozenset(), "history": History.PARTIAL}, 5),
    ],
)
def test_after_a_crash_at_every_boundary_an_undo_kills_and_doubles_nothing(knobs, every):
    r, t, hub = changed_world(**knobs)
    whole = shown(r)
    with hub:
        with boundaries(hub, lambda _: None) as count:
            hub.undo(2)
        total, undone = count[0], shown(t)
    for at in range(0, total, every):
        r, t, hub = changed_world(**knobs)
        with hub:

            def act(number, at=at):
                if number == at:
                    raise Crash

            with boundaries(hub, act), pytest.raises(Crash):
                hub.undo(2)
            hub.sync()
            assert (at, shown(r), hub.conflicts()) == (at, whole, [])
            assert (at, quiet(hub, r, t, times=1)) == (at, True)
            hub.undo(2)
            assert (at, shown(t), shown(r)) == (at, undone, whole)
            assert (at, quiet(hub, r, t, times=1)) == (at, True)


@pytest.mark.parametrize("keys", [KEYS, frozenset()])
def test_what_a_cut_off_run_made_is_known_to_its_undo(keys):
    r, t = pair(keys=keys)
    filled(r)
    with Undoing(r, t) as hub:

        def dies():
            raise Crash

        with once(hub.specs["T"].connector, "after POST", dies), pytest.raises(Crash):
            hub.sync()
        hub.syncs(2)
        assert shown(t) == shown(r)

        assert hub.undo(1)[1] == []  # with what a later run of ours put into it
        assert shown(t) == [[]]
        assert quiet(hub, r, t)


# --- any run -----------------------------------------------------------------------------------


def lived(seed, *trackers):
    """Lets people do something in each tracker, without a deletion."""
    rnd = random.Random(seed)
    for tracker in trackers:
        for _ in range(rnd.randint(0, 4)):
            tick(tracker)
            refs = [i.id for i in tracker.items.values() if not i.gone]
            ref, word = rnd.choice([*refs, ""]), rnd.choice("klmnop")
            if not ref:
                tracker.create("bob", {"summary": word, "status": "new"})
                continue
            act = rnd.randrange(5)
            if act == 0:
                tracker.update("bob", ref, {"summary": word})
            elif act == 1:
                tracker.update("bob", ref, {"status": rnd.choice(("new", "open", "resolved"))})
            elif act == 2:
                members = {rnd.choice("abc")}
                tracker.update("bob", ref, added={"labels": members})
            elif act == 3:
                tracker.comment("bob", ref, f"{word} {seed}")
            else:
                tracker.attach("bob", ref, f"{word}.txt", f"{word} {seed} {ref}".encode())


@pytest.mark.parametrize("seed", range(0, 24, 2))
def test_any_run_goes_back_and_comes_again(seed):
    r, t = pair(**WORLDS[seed])
    with Undoing(r, t) as hub:
        for turn in range(3):
            lived(100 * seed + turn, r, t)
            hub.syncs(2)
        lived(100 * seed + 7, r, t)
        before = shown(r, t)
        hub.sync()
        after, run = shown(r, t), hub.runs

        assert hub.undo(run)[1] == []
        assert shown(r, t) == before
        assert quiet(hub, r, t) or hub.conflicts()
        assert shown(r, t) == before
        assert hub.undo(run + 1)[1] == []
        assert shown(r, t) == after
