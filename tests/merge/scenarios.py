"""The law of merging as small facts, one story each; `family(n)` gives n hubs that know nothing.

Every story is told of `merge/` in memory and of the engine, and every guard of the law falls with
one of them (test_mutants.py).
"""

from __future__ import annotations

from itertools import permutations

from merge.hubs import C1, C2, STATUS, T1, T2, T3, TICKET
from prophet_hub.errors import Invalid
from prophet_hub.merge.settle import newest, prefer
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, RECEIPT, SAME_AS, Cell, Write
from prophet_hub.values import PRESENT, order

S = (T1, STATUS, "")
DEATH = (T1, LIFE, "alive")


def least(conflict):
    """A rule of the tests: the least value."""
    return (("least", min((h.value for h in conflict.cell.heads), key=order)),)


def greatest(conflict):
    """A rule of the tests: the greatest value."""
    return (("greatest", max((h.value for h in conflict.cell.heads), key=order)),)


def meet(*hubs, rules=()):
    """Everybody pulls from everybody, and settles, until nothing is new."""
    total, new = 0, 1
    while new:
        new = sum(a.pull(b) for a, b in permutations(hubs, 2))
        new += sum(hub.settle(rule) for hub, rule in zip(hubs, rules, strict=False))
        total += new
        assert total < 300, "endless chatter"


def agreed(*hubs):
    """Lets hubs meet; returns the status of T1 that all of them have."""
    meet(*hubs)
    assert len({frozenset(h.ticket()) for h in hubs}) == 1
    assert len({frozenset(h.conflicts()) for h in hubs}) == 1
    (values,) = {frozenset(h.values()) for h in hubs}
    return set(values)


def three_edits_with_which_the_old_tool_diverged(family):
    a, b = family(2)
    a.put("y")
    a.put("z")
    b.put("x")
    assert agreed(a, b) == {"x", "z"}
    assert S in a.conflicts()


def an_edit_supersedes_all_heads(family):
    a, b = family(2)
    a.put("x")
    b.put("y")
    meet(a, b)
    a.put("z")
    assert agreed(a, b) == {"z"}
    assert not b.conflicts()


def two_who_did_the_same_do_not_disagree(family):
    a, b = family(2)
    a.put("x")
    b.put("x")
    meet(a, b)
    assert not a.conflicts()
    assert not b.conflicts()


def the_newest_head_is_shown(family):
    a, b = family(2)
    a.put("x", at=2)
    b.put("y", at=1)
    meet(a, b)
    assert (a.shown(), b.shown()) == ("x", "x")


def a_set_member_stays_until_somebody_answers(family):
    a, b = family(2)
    cell = (T1, "labels", "red")
    a.put(PRESENT, *cell)
    meet(a, b)
    a.put(None, *cell, at=9)
    b.put(PRESENT, *cell)
    meet(a, b)
    assert a.shown(*cell) == PRESENT
    assert cell in b.conflicts()


def a_circle_of_supersessions_kills_nobody(family):
    (a,) = family(1)
    one, two = b"1" * 16, b"2" * 16
    a.tell(
        Write(one, Cell(*S), "ticket", "x", (two,)),
        Write(two, Cell(*S), "ticket", "y", (one,)),
    )
    assert a.values() == {"x", "y"}
    a.tell(Write(b"3" * 16, Cell(*S), "ticket", "z", (one,)))
    assert a.values() == {"z"}, "it knew both, though it names one"


def one_name_at_two_places_supersedes_what_both_say(family):
    a, b = family(2)
    a.put("x")
    b.put("y")
    for hub in (a, b):
        hub.fact("1", "z", [hub.head()])
    assert agreed(a, b) == {"z"}


def two_maps_of_one_event_are_renderings(family):
    a, b = family(2)
    a.fact("1", "resolved")
    b.fact("1", "closed")
    assert agreed(a, b) == {"closed"}
    a.put("open")
    assert agreed(a, b) == {"open"}
    assert not a.conflicts()


def two_maps_of_one_residue_are_renderings(family):
    a, b = family(2)
    a.residue("RESOLVED", "resolved")
    b.residue("RESOLVED", "closed")
    assert agreed(a, b) == {"closed"}
    assert not a.conflicts()


def there_and_back_without_history(family):
    (a,) = family(1)
    above = []
    for word in "aba":
        above = [a.residue(word, word, above)]
    assert a.values() == {"a"}
    assert not a.conflicts()


def the_earliest_date_of_a_name_holds(family):
    a, b = family(2)
    for hub, at in ((a, 9), (b, 1)):
        hub.tell(Write(a.event("1"), Cell(*S), "ticket", "told", (), at))
    b.put("beside", record=T2, at=5)
    b.pair(T1, T2)
    meet(a, b)
    assert (a.shown(), b.shown()) == ("beside", "beside")


def what_is_known_through_others_is_known(family):
    (a,) = family(1)
    a.pair(T1, T2)
    a.put("x")
    a.put("y", record=T2)
    a.put("z")
    a.unpair(T1)
    assert a.values() == {"z"}, "z knew y knew x, though y now stands elsewhere"
    assert not a.conflicts()


def what_is_known_through_another_record_is_known(family):
    a, b = family(2)
    a.put("x")
    x = a.head()
    a.tell(Write(b"p" * 16, Cell(T2, STATUS), "ticket", "p", (x,)))
    assert a.values() == {"x"}, "a write elsewhere takes nothing away here"
    a.tell(Write(b"o" * 16, Cell(*S), "ticket", "o", (b"p" * 16,)))
    assert a.values() == {"o"}
    b.pull(a)
    assert b.values() == {"o"}


def what_comes_late_is_known_by_those_who_came_before(family):
    (a,) = family(1)
    x, y, z = b"x" * 16, b"y" * 16, b"z" * 16
    a.tell(Write(z, Cell(*S), "ticket", "z", (y,)))
    a.tell(Write(x, Cell(*S), "ticket", "x"))
    assert a.values() == {"x", "z"}
    a.tell(Write(y, Cell(T2, STATUS), "ticket", "y", (x,)))
    assert a.values() == {"z"}, "z knew y, and y knew x"


def renderings_that_come_together_are_one(family):
    a, b, c = family(3)
    a.fact("1", "resolved")
    b.fact("1", "closed")
    a.pull(b)
    c.pull(a)
    assert c.values() == {"closed"}


def who_knew_an_echo_knew_the_write(family):
    (a,) = family(1)
    a.put("ours")
    ours = a.head()
    a.fact("1", "theirs")
    a.say_receipt(a.event("1"), ours)
    a.fact("2", "later", [a.event("1")])
    assert a.values() == {"later"}


def a_delete_saw_what_those_it_saw_knew(family):
    (a,) = family(1)
    a.create()
    a.pair(T1, T2)
    a.put("y", T2)
    a.delete()
    a.unpair(T1)
    assert not a.alive()
    assert not a.conflicts()


def a_write_counts_only_where_it_stands(family):
    (a,) = family(1)
    a.put("x")
    a.put("y", record=T2)
    a.pair(T1, T2)
    a.put("z")
    assert (a.shown(T2), a.conflicts()) == ("z", set())
    a.unpair(T1)
    assert (a.shown(T1), a.shown(T2), a.conflicts()) == ("z", "y", set())
    a.pair(T1, T2)
    assert (a.shown(T2), a.conflicts()) == ("z", set())


def pairs_in_a_circle_take_one_out_whole(family):
    a, b = family(2)
    a.pair(T1, T2)
    b.pair(T2, T3)
    b.pair(T3, T1)
    a.put("x")
    b.put("x", record=T3)
    meet(a, b)
    assert {a.name(T1), a.name(T2), a.name(T3)} == {T1}
    assert not b.conflicts()
    a.unpair(T3)
    meet(a, b)
    assert (b.name(T3), b.name(T2)) == (T3, T1)


def pairing_and_parting_at_once_keeps_the_pair(family):
    a, b = family(2)
    a.pair(T1, T2)
    meet(a, b)
    a.unpair(T1)
    b.unpair(T1)
    b.pair(T1, T2)
    meet(a, b)
    assert (a.name(T2), b.name(T2)) == (T1, T1)
    assert (T1, SAME_AS, T2.hex()) in a.conflicts()


def the_echo_of_a_write_is_that_write(family):
    a, b = family(2)
    stranger, echo = a.event("1"), a.event("2")
    a.put("ours")
    ours = a.head()
    a.say_receipt(echo, ours)
    b.fact("1", "stranger")
    b.fact("2", "ours", [stranger])
    b.fact("3", "later", [echo])
    assert agreed(a, b) == {"stranger", "later"}, "our write never knew the stranger"


def an_echo_alone_is_no_head(family):
    a, b = family(2)
    a.put("ours")
    a.say_receipt(a.event("1"), a.head())
    b.fact("1", "OURS")
    assert agreed(a, b) == {"ours"}
    assert not a.conflicts()


def a_receipt_taken_back_gives_the_event_back(family):
    (a,) = family(1)
    a.put("ours")
    ours = a.head()
    a.fact("1", "theirs")
    a.say_receipt(a.event("1"), ours)
    assert a.values() == {"ours"}
    a.say_receipt(a.event("1"), ours, None)
    assert a.values() == {"ours", "theirs"}


def receipts_in_a_circle_say_nothing(family):
    a, b = family(2)
    a.put("x")
    b.put("y")
    x, y = a.head(), b.head()
    meet(a, b)
    a.say_receipt(x, y)
    b.say_receipt(y, x)
    assert agreed(a, b) == {"x", "y"}


def a_receipt_waits_for_its_write(family):
    a, b, c = family(3)
    a.put("ours")
    b.fact("1", "theirs")
    b.say_receipt(b.event("1"), a.head())
    c.pull(b)
    assert c.values() == {"theirs"}
    c.pull(a)
    assert c.values() == {"ours"}


def rules_write_the_same_everywhere(family):
    a, b = family(2)
    a.put("x", at=1)
    b.put("y", at=2)
    meet(a, b, rules=(least, least))
    assert agreed(a, b) == {"x"}
    (head,) = a.cell(T1).heads
    assert (head.created, head.rule) == (2, "least")


def rules_write_the_same_whatever_is_paired(family):
    a, b = family(2)
    a.put("x", record=T2)
    b.put("y", record=T3)
    a.pair(T2, T3)
    meet(a, b)
    a.pair(T1, T2)
    a.settle(least)
    b.settle(least)
    meet(a, b)
    a.unpair(T1)
    assert (a.shown(T2), a.shown(T1)) == ("x", None)


def rules_do_not_answer_one_another(family):
    a, b = family(2)
    a.put("x")
    b.put("y")
    a.pull(b)
    b.pull(a)
    meet(a, b, rules=(least, greatest))
    assert agreed(a, b) == {"x", "y"}
    assert S in a.conflicts()


def a_person_outweighs_a_rule_that_knew_no_more(family):
    a, b = family(2)
    a.put("x")
    b.put("y")
    meet(a, b)
    a.resolve("y")
    b.settle(least)
    assert agreed(a, b) == {"y"}
    assert not a.conflicts()


def an_edit_outweighs_a_rule_that_knew_no_more(family):
    a, b = family(2)
    a.put("x")
    b.put("y")
    meet(a, b)
    b.settle(least)
    a.put("z")
    assert agreed(a, b) == {"z"}


def a_rule_that_knew_more_outweighs_one_that_knew_less(family):
    a, b, c = family(3)
    a.put("z")
    b.put("y")
    c.put("x")
    a.pull(b)
    a.settle(least)
    b.pull(a, 1)
    b.pull(c)
    b.settle(least)
    assert agreed(a, b, c) == {"x"}


def rules_wait_where_a_cause_is_missing(family):
    a, b = family(2)
    a.put("x")
    b.pull(a)
    a.put("y")
    a.put("z")
    b.pull(a, refuse=lambda entry: entry.sequence == 2)
    assert b.values() == {"x", "z"}
    assert not b.settle(least)
    b.accept_all()
    assert agreed(a, b) == {"z"}


def rules_leave_lives_and_links_alone(family):
    a, b = family(2)
    a.create()
    a.pair(T1, T2)
    meet(a, b)
    a.put(None, T1, LIFE, "alive")
    b.put("y")
    a.unpair(T1)
    b.unpair(T1)
    b.pair(T1, T2)
    meet(a, b)
    assert {c[1] for c in a.conflicts()} >= {LIFE, SAME_AS}
    assert not a.settle(newest)


def the_preferred_remote_is_taken(family):
    a, b = family(2)
    a.put("x", at=9)
    told = b.fact("1", "y")
    meet(a, b)
    assert a.settle(prefer("rt", lambda head: head.id == told)) == 1
    assert agreed(a, b) == {"y"}
    a.put("x")
    b.put("z")
    meet(a, b)
    assert not a.settle(prefer("rt", lambda head: False)), "it said nothing about this"


def an_edit_after_a_delete_is_a_conflict_of_the_life(family):
    a, b = family(2)
    a.create()
    meet(a, b)
    a.delete(at=9)
    b.put("y")
    meet(a, b)
    assert DEATH in a.conflicts()
    assert a.alive()
    assert b.alive()
    a.resolve(None, *DEATH)
    assert agreed(a, b) == {"y"}
    assert not b.alive()
    assert not b.conflicts()
    b.put(PRESENT, *DEATH)
    assert agreed(a, b) == {"y"}
    assert a.alive()


def a_delete_that_saw_all_hides_the_record(family):
    a, b = family(2)
    a.create()
    a.comment()
    a.put("y")
    a.delete()
    meet(a, b)
    assert not b.alive()
    assert not b.conflicts()


def a_comment_after_a_delete_counts_as_an_edit(family):
    a, b = family(2)
    a.create()
    meet(a, b)
    a.delete()
    b.comment()
    meet(a, b)
    assert DEATH in a.conflicts()
    assert DEATH in b.conflicts()


def an_edit_of_a_comment_after_a_delete_counts(family):
    a, b = family(2)
    a.create()
    a.comment()
    meet(a, b)
    a.delete()
    b.put("more", C1, "body")
    meet(a, b)
    assert DEATH in a.conflicts()


def a_comment_moved_away_is_no_edit_of_the_deleted(family):
    a, b = family(2)
    a.create()
    meet(a, b)
    a.delete()
    b.comment()
    meet(a, b)
    a.put(ids.text(T2), C1, TICKET)
    meet(a, b)
    assert DEATH not in a.conflicts()
    assert not b.alive()


def a_comment_that_joins_another_tickets_leaves_the_deleted(family):
    a, b = family(2)
    a.create()
    a.delete()
    a.comment(C1, T1)
    a.comment(C2, T2)
    assert DEATH in a.conflicts()
    a.put(ids.text(T2), C2, TICKET, at=9)
    a.pair(C1, C2)
    assert DEATH not in a.conflicts()
    a.unpair(C1)
    assert DEATH in a.conflicts()
    b.pull(a)
    assert DEATH in b.conflicts()


def the_lists_of_several_deletes_are_united(family):
    a, b = family(2)
    a.create()
    meet(a, b)
    a.put("y")
    b.put("b", T1, "priority")
    a.delete()
    b.delete()
    meet(a, b)
    assert not a.alive()
    assert not a.conflicts()


def what_a_rule_wrote_is_no_edit_after_delete(family):
    a, b = family(2)
    a.create()
    b.put("y")
    meet(a, b)
    a.delete()
    b.settle(least)
    meet(a, b)
    assert DEATH not in a.conflicts()
    assert not a.alive()


def a_delete_saw_its_own_changeset(family):
    (a,) = family(1)
    a.create()
    a.edit(T1, {(STATUS, ""): "z", (LIFE, "alive"): None})
    assert not a.conflicts()
    assert not a.alive()


def what_a_delete_saw_may_come_later(family):
    a, b = family(2)
    a.create()
    saw = b"s" * 16
    a.tell(Write(saw, Cell(T2, STATUS), "ticket", "y", (a.head(),)))
    a.tell(Write(b"d" * 16, Cell(*DEATH), "ticket", None, (a.head(*DEATH),), seen=(saw,)))
    assert not a.alive()
    b.pull(a, refuse=lambda entry: entry.sequence == 2)
    assert b.alive(), "nobody here knows what that write knew"
    assert DEATH in b.conflicts()
    b.accept_all()
    assert not b.alive()
    assert not b.conflicts()


def an_edit_of_a_comment_that_counts_later_is_judged_then(family):
    a, b = family(2)
    a.create()
    a.comment()
    a.delete()
    (ticket,) = a.cell(C1, TICKET).heads
    late = Write(b"l" * 16, Cell(C1, "body"), "comment", "late", (b"m" * 16,))
    a.tell(late)
    assert DEATH in a.conflicts()
    a.say_receipt(late.id, ticket.id)
    assert DEATH not in a.conflicts(), "it was but the echo of what the delete saw"
    b.pull(a)
    assert not b.alive()


def a_restored_backup_loses_nothing(family):
    a, b, c = family(3)
    a.put("x")
    old = family.twin(a)
    a.put("y")
    b.pull(a)
    old.put("z")
    c.pull(old)
    assert agreed(old, b, c) == {"y", "z"}
    assert old.origin != a.origin
    assert len(b.ticket()) == 2, "both branches stand in the ticket"
    old.put("w")
    assert agreed(b, c, old) == {"w"}


def strangers_who_met_two_branches_agree(family):
    a, b, c = family(3)
    a.put("x")
    twin = family.twin(a)
    a.put("y")
    twin.put("z")
    b.pull(a)
    c.pull(twin)
    assert agreed(b, c) == {"y", "z"}


def a_gap_is_refused(family):
    a, b = family(2)
    a.put("x")
    a.put("y")
    try:
        b.integrate([entry[1:] for entry in a.entries()[1:]])
    except Invalid:
        assert not b.entries()
        return
    raise AssertionError("a gap was taken")


def entries_that_are_known_change_nothing(family):
    a, b = family(2)
    a.put("x")
    meet(a, b)
    b.put("y")
    b.integrate([entry[1:] for entry in a.entries()])
    assert b.values() == {"y"}


def a_receipt_of_an_unheard_event_is_remembered(family):
    a, b = family(2)
    a.put("ours")
    a.say_receipt(a.event("1"), a.head())
    assert (a.event("1"), RECEIPT, a.head().hex()) not in a.conflicts()
    b.pull(a)
    b.fact("1", "theirs")
    assert b.values() == {"ours"}


HELPERS = {"least", "greatest", "meet", "agreed", "newest", "prefer"}
SCENARIOS = {
    name: f
    for name, f in sorted(globals().items())
    if callable(f) and getattr(f, "__module__", "") == __name__ and name not in HELPERS
}
