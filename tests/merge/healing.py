"""Votes and undo as small facts, told like the others (scenarios.py) of `merge/` and of the engine."""

from __future__ import annotations

from merge.hubs import C1, T1, T2, T3, TICKET
from merge.scenarios import DEATH, S, agreed, least, meet
from prophet_hub.merge.settle import newest
from prophet_hub.model.changes import LIFE
from prophet_hub.values import PRESENT


def again(a, b, one, other, *more, on=T1):
    """Two who know the same write two values at once, and everybody hears of it."""
    meet(a, b, *more)
    a.put(one, on)
    b.put(other, on)
    meet(a, b, *more)


# --- votes ---


def a_decision_is_remembered_elsewhere(family):
    a, b, c = family(3)
    again(a, b, "x", "y", c)
    a.resolve("x")
    again(a, b, "x", "y", c)
    assert c.settle_by_votes() == 1, "one of one is a strict majority"
    assert agreed(a, b, c) == {"x"}
    assert not a.settle_by_votes(), "and that is all"


def half_of_the_votes_decide_nothing(family):
    a, b, c = family(3)
    again(a, b, "x", "y", c)
    a.resolve("x")
    again(a, b, "x", "y", c)
    b.resolve("y")
    again(a, b, "x", "y", c)
    assert not c.settle_by_votes()
    c.resolve("y")
    again(a, b, "x", "y", c)
    assert a.settle_by_votes()
    assert agreed(a, b, c) == {"y"}, "two of three"


def the_fingerprint_knows_no_sides(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve("x")
    again(a, b, "y", "x")
    assert b.settle_by_votes()
    assert agreed(a, b) == {"x"}


def another_conflict_is_another_question(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve("x")
    again(a, b, "x", "z")
    assert not b.settle_by_votes()
    again(a, b, "x", "y", on=T2)
    assert not b.settle_by_votes(), "a vote stands on its record"


def who_decides_anew_has_one_vote(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve("x")
    again(a, b, "x", "y")
    a.resolve("y")
    again(a, b, "x", "y")
    assert b.settle_by_votes()
    assert agreed(a, b) == {"y"}


def what_a_rule_answered_is_no_vote(family):
    a, b = family(2)
    again(a, b, "x", "y")
    assert a.settle(least)
    again(a, b, "x", "y")
    assert not b.settle_by_votes()


def a_vote_in_conflict_counts_nothing(family):
    a, b = family(2)
    again(a, b, "x", "y")
    twin = family.twin(a)  # a copied database that did not notice
    a.resolve("x")
    twin.resolve("y")
    again(a, b, "x", "y", twin)
    assert not b.settle_by_votes()


def a_value_of_ones_own_is_remembered(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve("both")
    again(a, b, "x", "y")
    assert b.settle_by_votes()
    assert agreed(a, b) == {"both"}


def that_nothing_shall_stand_is_remembered(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve(None)
    again(a, b, "x", "y")
    assert b.settle_by_votes()
    assert agreed(a, b) == {None}


def votes_of_joined_records_count_together(family):
    a, b, c = family(3)
    again(a, b, "x", "y", c)
    a.resolve("x")
    again(a, b, "x", "y", c, on=T2)
    b.resolve("x", T2)
    again(a, b, "x", "y", c, on=T2)
    c.resolve("y", T2)
    c.pair(T1, T2)
    again(a, b, "x", "y", c)
    assert c.settle_by_votes()
    assert agreed(a, b, c) == {"x"}


def votes_wait_where_a_cause_is_missing(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve("x")
    b.put("v")
    meet(a, b)
    a.put("w")
    held = a.last()
    a.put("x")
    b.put("y")
    b.pull(a, refuse=lambda e: e.running == held)
    assert b.values() == {"x", "y"}
    assert not b.settle_by_votes()


def votes_decide_on_no_life(family):
    a, b = family(2)
    a.create()
    for _ in range(2):
        meet(a, b)
        a.delete()
        b.put("y")
        meet(a, b)
        assert DEATH in b.conflicts()
        assert not b.settle_by_votes()
        b.resolve(PRESENT, *DEATH)


# --- undo ---


def what_is_undone_is_as_it_was(family):
    a, b = family(2)
    a.put("x")
    a.put("y")
    assert a.undo(a.last()) == 1
    assert agreed(a, b) == {"x"}
    assert not a.conflicts()


def an_undo_is_undone(family):
    a, b = family(2)
    a.put("x")
    a.put("y")
    a.undo(a.last())
    assert a.undo(a.last()) == 1
    assert agreed(a, b) == {"y"}
    a.undo(a.last())
    assert agreed(a, b) == {"x"}


def undone_twice_is_undone_once(family):
    (a,) = family(1)
    a.put("x")
    a.put("y")
    done = a.last()
    assert a.undo(done)
    assert not a.undo(done)
    a.put("z")
    assert not a.undo(done)
    assert a.values() == {"z"}


def undo_spares_others(family):
    a, b = family(2)
    a.put("x")
    meet(a, b)
    a.put("y")
    done = a.last()
    b.put("z")
    meet(a, b)
    a.undo(done)
    assert agreed(a, b) == {"x", "z"}
    a.resolve("z")
    a.undo(done)
    assert agreed(a, b) == {"z"}


def what_was_edited_since_is_a_conflict(family):
    a, b = family(2)
    a.put("x", at=1)
    a.put("y", at=2)
    done = a.last()
    a.put("z", at=3)
    assert a.undo(done, at=4) == 1
    assert agreed(a, b) == {"x", "z"}
    assert not a.settle(newest), "and no rule loses either"
    b.resolve("z")
    assert agreed(a, b) == {"z"}


def what_was_put_back_since_stays(family):
    (a,) = family(1)
    a.put("x")
    a.put("y")
    done = a.last()
    a.put("x")
    assert not a.undo(done)
    assert not a.conflicts()


def two_who_undo_the_same_write_the_same(family):
    a, b = family(2)
    a.put("x")
    a.put("y")
    done = a.last()
    meet(a, b)
    a.undo(done)
    b.undo(done)
    mine = a.head()
    assert agreed(a, b) == {"x"}
    assert a.head() == b.head() == mine


def undoing_many_goes_back_to_before_the_first(family):
    a, b = family(2)
    a.put("x")
    done = []
    for value in "yzw":
        a.put(value)
        done.append(a.last())
    assert a.undo(*done) == 1
    assert agreed(a, b) == {"x"}
    assert a.undo(a.last())
    assert a.values() == {"w"}


def undoing_a_creation_deletes(family):
    a, b = family(2)
    a.create()
    a.undo(a.last())
    meet(a, b)
    assert not b.alive()
    assert not b.conflicts()
    a.undo(a.last())
    meet(a, b)
    assert b.alive()
    assert b.values() == {"x"}


def undoing_a_creation_without_a_word_of_life_deletes(family):
    a, b = family(2)
    a.put("x")
    born = a.last()
    a.put("y")
    edited = a.last()
    meet(a, b)
    assert b.undo(born, edited) == 1
    assert not b.undo(born, edited)
    meet(a, b)
    gone = a.cell(T1, LIFE, "alive")
    assert gone
    assert gone.shown is None
    assert not a.conflicts()
    a.undo(a.last())
    assert a.alive()
    assert agreed(a, b) == {"y"}
    assert not b.undo(born, edited)


def undoing_a_first_field_of_a_joined_record_deletes_nothing(family):
    (a,) = family(1)
    a.put("x")
    a.put("x", T2)
    done = a.last()
    a.pair(T1, T2)
    a.undo(done)
    assert a.cell(T1, LIFE, "alive") is None


def undoing_the_creation_of_a_copied_record_asks(family):
    (a,) = family(1)
    a.put("x")
    done = a.last()
    a.put("x", T2)
    a.pair(T1, T2)
    a.undo(done)
    assert a.alive()
    assert a.conflicts() == {DEATH}
    assert a.values() == {"x"}, "no field is taken from what is not deleted"


def a_creation_edited_since_is_a_conflict_of_the_life(family):
    for edit in (lambda hub: hub.put("y"), lambda hub: hub.comment()):
        a, b = family(2)
        a.create()
        done = a.last()
        edit(a)
        a.undo(done)
        meet(a, b)
        assert b.conflicts() == {DEATH}
        assert b.alive()


def undoing_a_ticket_with_its_comment_deletes_both(family):
    (a,) = family(1)
    a.create()
    ticket = a.last()
    a.comment()
    a.undo(ticket, a.last())
    assert not a.alive()
    assert not a.alive(C1)
    assert not a.conflicts()
    assert a.shown(C1, TICKET), "or its restoring would have nothing to show"


def undoing_a_delete_restores(family):
    a, b = family(2)
    a.create()
    a.delete()
    a.undo(a.last())
    meet(a, b)
    assert b.alive()
    assert b.values() == {"x"}
    assert not b.conflicts()
    b.put("y", T2)  # nobody ever said that it lives
    b.delete(T2)
    b.undo(b.last())
    assert b.alive(T2)


def undoing_a_restoring_deletes_as_before(family):
    a, b = family(2)
    a.create()
    a.comment()
    a.delete()
    for _ in range(2):
        a.undo(a.last())
        assert a.alive()
        back = a.last()
        a.undo(back)
        meet(a, b)
        assert not b.alive()
        assert not b.conflicts()
    a.undo(a.last())
    back = a.last()
    a.put("y")
    a.undo(back)
    meet(a, b)
    assert b.conflicts() == {DEATH}, "what was edited since is a conflict"


def undoing_a_set_change_spares_the_other_members(family):
    a, b = family(2)
    a.put("x")
    a.put(PRESENT, prop="labels", member="red")
    done = a.last()
    a.put(PRESENT, prop="labels", member="blue")
    a.undo(done)
    meet(a, b)
    assert b.shown(prop="labels", member="red") is None
    assert b.shown(prop="labels", member="blue") == PRESENT


def undoing_a_pairing_parts(family):
    a, b = family(2)
    a.put("x")
    a.put("y", T2)
    a.pair(T1, T2)
    done = a.last()
    a.pair(T2, T3)
    a.undo(done)
    meet(a, b)
    assert b.values(T1) == {"x"}
    assert b.values(T3) == {"y"}
    a.undo(a.last())
    assert a.values(T1) == {"x", "y"}


def undoing_a_decision_asks_again(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve("x")
    meet(a, b)
    assert a.undo(a.last()) == 3, "two values and the vote"
    assert agreed(a, b) == {"x", "y"}
    assert not b.settle(least), "somebody wanted to be asked"
    a.resolve("y")
    again(a, b, "x", "y")
    assert b.settle_by_votes()
    assert agreed(a, b) == {"y"}


def undoing_a_decision_withdraws_its_vote(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.resolve("x")
    done = a.last()
    again(a, b, "x", "y")
    a.undo(done)
    meet(a, b)
    assert not b.settle_by_votes()


def undoing_what_a_rule_did_asks(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.settle(least)
    a.undo(a.last())
    assert agreed(a, b) == {"x", "y"}
    assert S in a.conflicts()
    assert not b.settle(least)


def undoing_over_joined_records_is_done_once(family):
    a, b = family(2)
    a.put("y", T1)
    a.pair(T1, T2)
    meet(a, b)
    a.put("x", T2)
    b.put("y", T2)
    other = b.last()
    meet(a, b)
    a.put("y", T1)
    mine = a.last()
    assert a.undo(other, mine)
    assert not a.undo(other, mine)
    assert agreed(a, b) == {"x"}


def undoing_an_edit_over_a_conflict_asks_again(family):
    a, b = family(2)
    again(a, b, "x", "y")
    a.put("z")
    assert a.undo(a.last()) == 2
    assert agreed(a, b) == {"x", "y"}


def undoing_an_old_pairing_leaves_a_later_one(family):
    (a,) = family(1)
    a.pair(T1, T2)
    done = a.last()
    a.unpair(T1)
    a.pair(T1, T2)
    assert not a.undo(done)
    assert a.name(T2) == T1
    assert not a.conflicts()


HELPERS = {"again"}
HEALING = {
    name: f
    for name, f in sorted(globals().items())
    if callable(f) and getattr(f, "__module__", "") == __name__ and name not in HELPERS
}
