"""The law and the engine with one guard switched off at a time: a named story falls each time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import pytest

from merge.hubs import C1, T1, EngineHub, MemoryHub, State
from merge.test_scenarios import play
from prophet_hub.engine import heads as short
from prophet_hub.engine import record
from prophet_hub.engine.past import Past
from prophet_hub.engine.recompute import ByTheLaw
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settling import Page
from prophet_hub.errors import Invalid
from prophet_hub.merge import cells, conflicts, settle, undo, votes
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, Cell
from prophet_hub.values import order

Patch = tuple[object, str, object]


class Mutant(NamedTuple):
    """What is switched off, and the story that must fall with it."""

    name: str
    killer: str
    patches: Callable[[], list[Patch]]


def everywhere(true: object, replacement: object) -> list[Patch]:
    """Patches a function in every module of the hub that has it."""
    name = true.__name__
    return [
        (module, name, replacement)
        for path, module in sorted(sys.modules.items())
        if path.startswith("prophet_hub") and getattr(module, name, None) is true
    ]


def direct(writes, edges):
    named = {s for w in writes for s in edges(w.id)}
    return tuple(sorted((w for w in writes if w.id not in named), key=lambda w: w.id))


def circles_kill(writes, edges):
    past = cells.pasts([w.id for w in writes], edges)
    return tuple(w for w in writes if not any(w.id in past[o.id] for o in writes if o != w))


def rules_count_as_people(writes, edges):
    bare = [msgspec.structs.replace(w, rule="") for w in writes]
    true = {w.id for w in TRUE_HEADS(bare, edges)}
    return tuple(sorted((w for w in writes if w.id in true), key=lambda w: w.id))


TRUE_HEADS, TRUE_ONE, TRUE_LATE = cells.heads_of, cells.one_write, conflicts.late
TRUE_RESOLUTION, TRUE_RECORD = settle.resolution, Replica.record
TRUE_ADD, TRUE_SAID, TRUE_EDGES = short._Batch.add, Past._said, Past.edges


def newest_only(heads, member):
    return max(heads, key=lambda h: (h.created, h.id)).value if heads else None


def greatest_rendering(copies):
    one = TRUE_ONE(copies)
    return msgspec.structs.replace(one, value=max((w.value for w in copies), key=order))


def latest_date(copies):
    return msgspec.structs.replace(TRUE_ONE(copies), created=max(w.created for w in copies))


def one_head_only(self, changesets):
    return TRUE_RECORD(self, [
        msgspec.structs.replace(c, writes=tuple(
            msgspec.structs.replace(w, supersedes=w.supersedes[-1:]) for w in c.writes))
        for c in changesets
    ])  # fmt: skip


def rules_answer_rules(conflict):
    prop = conflict.cell.prop
    return prop not in (LIFE, "same-as", "receipt") and not prop.startswith("vote:")


def rules_act_anywhere(conflict):
    return not any(h.rule for h in conflict.cell.heads)


def changed_resolution(**change):
    def resolution(conflict, rule, value):
        write = TRUE_RESOLUTION(conflict, rule, value)
        return msgspec.structs.replace(write, **{k: f(conflict, write) for k, f in change.items()})

    return resolution


def rules_edit(seen, present, edges, settled):
    return TRUE_LATE(seen, present, edges, lambda write: None)


def lists_alone(seen, present, edges, settled):
    return TRUE_LATE(seen, present, lambda write: (), settled)


def one_list(self, whole, heads, past):
    last = max(heads, key=lambda h: h.id)
    seen = {s for w in past.copies(last.id) for s in w.seen}
    return bool(TRUE_LATE(seen, self.seen_by_delete(whole), past.edges, past.settled))


def number_alone(self, origin, sequence, before, running):
    if origin not in self._last:
        self._log.add_origin(origin)
        self._last[origin] = self._log.last(origin)[0]
    if self._running(origin, sequence):
        return False
    self._running(origin, sequence).add(running)
    return True


def gaps_taken(self, origin, sequence, before, running):
    if origin not in self._last:
        self._log.add_origin(origin)
        self._last[origin] = self._log.last(origin)[0]
    fresh = running not in self._running(origin, sequence)
    self._running(origin, sequence).add(running)
    return fresh


def forgetful(self, write):
    self._here.clear()
    self._elsewhere.clear()
    return TRUE_ADD(self, write)


def no_circles(self, event):
    return self._receipts and TRUE_SAID(self, event)


def unknown_too(self, event):
    return frozenset(self._receipts_of(event))


MUTANTS = [
    Mutant("supersession is direct, not transitive", "what_is_known_through_others_is_known",
           lambda: everywhere(TRUE_HEADS, direct)),
    Mutant("a circle kills its members", "a_circle_of_supersessions_kills_nobody",
           lambda: everywhere(TRUE_HEADS, circles_kill)),
    Mutant("a rule outweighs a person who knew as much",
           "a_person_outweighs_a_rule_that_knew_no_more",
           lambda: everywhere(TRUE_HEADS, rules_count_as_people)),
    Mutant("an edit supersedes one head only", "an_edit_supersedes_all_heads",
           lambda: [(Replica, "record", one_head_only)]),
    Mutant("the newest wins in sets and lives", "a_set_member_stays_until_somebody_answers",
           lambda: everywhere(cells.shown_of, newest_only)),
    Mutant("the greatest rendering is shown", "two_maps_of_one_event_are_renderings",
           lambda: everywhere(TRUE_ONE, greatest_rendering)),
    Mutant("the latest date of a name holds", "the_earliest_date_of_a_name_holds",
           lambda: everywhere(TRUE_ONE, latest_date)),
    Mutant("supersessions of one place only count",
           "one_name_at_two_places_supersedes_what_both_say",
           lambda: [(Past, "supersedes",
                     lambda self, w: next((c.supersedes for c in self.copies(w)), ()))]),
    Mutant("rules answer one another", "rules_do_not_answer_one_another",
           lambda: everywhere(settle.may_settle, rules_answer_rules)),
    Mutant("rules act on lives and links", "rules_leave_lives_and_links_alone",
           lambda: everywhere(settle.may_settle, rules_act_anywhere)),
    Mutant("rules' writes have random names", "rules_write_the_same_everywhere",
           lambda: everywhere(TRUE_RESOLUTION, changed_resolution(id=lambda c, w: ids.fresh()))),
    Mutant("rules' writes are dated by the clock", "rules_write_the_same_everywhere",
           lambda: everywhere(TRUE_RESOLUTION,
                              changed_resolution(created=lambda c, w: w.created + 5))),
    Mutant("rules' writes stand in the class's least record",
           "rules_write_the_same_whatever_is_paired",
           lambda: everywhere(TRUE_RESOLUTION, changed_resolution(
               cell=lambda c, w: msgspec.structs.replace(w.cell, record=c.record)))),
    Mutant("rules act over a missing cause", "rules_wait_where_a_cause_is_missing",
           lambda: [(Page, "_holes", lambda self, conflict: False),
                    (State, "holes", lambda self, cell: False)]),
    Mutant("what a rule wrote is an edit after delete", "what_a_rule_wrote_is_no_edit_after_delete",
           lambda: everywhere(TRUE_LATE, rules_edit)),
    Mutant("a delete hides later edits", "an_edit_after_a_delete_is_a_conflict_of_the_life",
           lambda: everywhere(TRUE_LATE, lambda *args: set())),
    Mutant("a delete saw its list alone, not what that knew",
           "a_delete_saw_what_those_it_saw_knew", lambda: everywhere(TRUE_LATE, lists_alone)),
    Mutant("one of several deletes' lists counts", "the_lists_of_several_deletes_are_united",
           lambda: [(ByTheLaw, "late", one_list)]),
    Mutant("a delete does not see its own changeset", "a_delete_saw_its_own_changeset",
           lambda: [(record, "_seeing", lambda write, own: write)]),
    Mutant("comments are no part of what a delete takes",
           "a_comment_after_a_delete_counts_as_an_edit",
           lambda: [(short.ByTheLaw, "seen_by_delete", lambda self, whole: [])]),
    Mutant("the number alone names an entry", "a_restored_backup_loses_nothing",
           lambda: [(record._Places, "take", number_alone)]),
    Mutant("a restored replica keeps its origin", "a_restored_backup_loses_nothing",
           lambda: [(record.Recorder, "take_new_origin", lambda self: None)]),
    Mutant("gaps are taken", "a_gap_is_refused",
           lambda: [(record._Places, "take", gaps_taken)]),
    Mutant("an echo's own supersessions count", "the_echo_of_a_write_is_that_write",
           lambda: [(Past, "edges",
                     lambda self, w: {*TRUE_EDGES(self, w), *self.supersedes(w)})]),
    Mutant("an echo stays a head", "an_echo_alone_is_no_head",
           lambda: [(Past, "echo", lambda self, event: frozenset())]),
    Mutant("receipts in a circle count", "receipts_in_a_circle_say_nothing",
           lambda: [(Past, "echo", no_circles)]),
    Mutant("a receipt does not wait for its write", "a_receipt_waits_for_its_write",
           lambda: [(Past, "_said", unknown_too)]),
    Mutant("the short way also where a rule's write is a head",
           "a_person_outweighs_a_rule_that_knew_no_more",
           lambda: [(cells.Head, "automatic", property(lambda self: False))]),
    Mutant("the short way also for what was named before it came",
           "what_comes_late_is_known_by_those_who_came_before",
           lambda: [(short.Derivation, "_meet", blind)]),
    Mutant("the short way also where heads knew one another",
           "a_circle_of_supersessions_kills_nobody",
           lambda: [(short, "TANGLED", -1)]),
    Mutant("the short way also out of the cell",
           "what_is_known_through_another_record_is_known",
           lambda: [(short._Batch, "look_up", lambda self: None)]),
    Mutant("what knew it from afar is not computed anew",
           "what_comes_late_is_known_by_those_who_came_before",
           lambda: [(ByTheLaw, "behind", lambda self, dirty, past, wholes: set())]),
    Mutant("the tickets of what was joined or parted are not judged anew",
           "a_comment_that_joins_another_tickets_leaves_the_deleted",
           lambda: [(short.Derivation, "_regroup",
                     lambda self, pairs, lines, _: TRUE_REGROUP(self, pairs, lines, set()))]),
    Mutant("a name told twice at once is taken for two",
           "renderings_that_come_together_are_one", lambda: [(short._Batch, "add", forgetful)]),
    Mutant("a rule's write goes the short way though it does not know all heads",
           "a_person_outweighs_a_rule_that_knew_no_more",
           lambda: [(short, "_of_rules", lambda heads, write: False)]),
    # votes
    Mutant("most of the votes suffice", "half_of_the_votes_decide_nothing",
           lambda: everywhere(votes.majority, plurality)),
    Mutant("a vote in conflict counts", "a_vote_in_conflict_counts_nothing",
           lambda: everywhere(votes.cast, every_head)),
    Mutant("the fingerprint leaves the values out", "another_conflict_is_another_question",
           lambda: everywhere(TRUE_PRINT, lambda prop, member, values: TRUE_PRINT(prop, member, ()))),
    Mutant("every decision is another vote", "who_decides_anew_has_one_vote",
           lambda: everywhere(TRUE_CELL, lambda record, cell, voter:
                              TRUE_CELL(record, cell, ids.fresh()))),
    Mutant("only values of the conflict are remembered", "a_value_of_ones_own_is_remembered",
           lambda: everywhere(votes.majority, among_its_values)),
    Mutant("a vote for absence is none", "that_nothing_shall_stand_is_remembered",
           lambda: everywhere(TRUE_VALUE, lambda ballot: TRUE_VALUE(ballot) if ballot != "-" else None)),
    Mutant("votes act over a missing cause", "votes_wait_where_a_cause_is_missing",
           lambda: [(Page, "_holes", lambda self, conflict: False),
                    (State, "holes", lambda self, cell: False)]),
    Mutant("votes decide on lives", "votes_decide_on_no_life",
           lambda: everywhere(settle.may_settle, rules_act_anywhere)),
    # undo
    Mutant("undo supersedes all heads", "undo_spares_others",
           lambda: [(undo, "_inverse", over_all_heads)]),
    Mutant("what was edited since is left alone", "what_was_edited_since_is_a_conflict",
           lambda: [(undo, "_inverse", only_heads)]),
    Mutant("rules answer what an undo leaves open", "what_was_edited_since_is_a_conflict",
           lambda: [(undo, "PERSON", "")]),
    Mutant("an inverse has a random name", "two_who_undo_the_same_write_the_same",
           lambda: [(undo, "_name", lambda last, cell, value: ids.fresh())]),
    Mutant("what was undone is undone again", "undone_twice_is_undone_once",
           lambda: [(undo, "_inverse", each_time)]),
    Mutant("members of a class are undone apart", "undoing_over_joined_records_is_done_once",
           lambda: everywhere(TRUE_INVERSES, member_by_member)),
    Mutant("an undo takes one step after the other", "undoing_many_goes_back_to_before_the_first",
           lambda: [(undo, "_before", last_step)]),
    Mutant("an undone decision leaves what was shown", "undoing_a_decision_asks_again",
           lambda: [(undo, "_before", what_was_shown)]),
    Mutant("an undone creation saw all that came after",
           "a_creation_edited_since_is_a_conflict_of_the_life",
           lambda: everywhere(TRUE_INVERSES, seeing_all)),
    Mutant("an undone creation empties the record",
           "undoing_a_ticket_with_its_comment_deletes_both",
           lambda: [(undo, "_quiet", lambda cell: True)]),
    Mutant("only what was given life is born",
           "undoing_a_creation_without_a_word_of_life_deletes",
           lambda: [(undo, "_undoes_birth", lambda births, undone: False)]),
    Mutant("a record that nobody gave life has none", "undoing_a_delete_restores",
           lambda: [(undo, "PRESENT", None)]),
    Mutant("undo makes conflicts in links", "undoing_an_old_pairing_leaves_a_later_one",
           lambda: [(undo, "_quiet", lambda cell: False)]),
]  # fmt: skip

TRUE_PRINT, TRUE_CELL, TRUE_VALUE = votes.fingerprint, votes.vote_cell, votes.value_in
TRUE_MAJORITY, TRUE_INVERSE, TRUE_BEFORE = votes.majority, undo._inverse, undo._before
TRUE_INVERSES = undo.inverses


def plurality(conflict, cast):
    cell = conflict.cell
    name = TRUE_PRINT(cell.prop, cell.member, votes.values_of(cell))
    decided = votes.cast(cast.get(name, ()))
    return ((votes.VOTES, max(decided, key=decided.count)),) if decided else ()


def every_head(cast):
    return [TRUE_VALUE(max(heads, key=lambda h: h.id).value)[0] for heads in cast]


def among_its_values(conflict, cast):
    known = {h.value for h in conflict.cell.heads}
    return [(rule, value) for rule, value in TRUE_MAJORITY(conflict, cast) if value in known]


def over_all_heads(cell, writes, undone, before, look):
    found = TRUE_INVERSE(cell, writes, undone, before, look)
    above = tuple(h.id for h in look.cell(cell).heads)
    return found._replace(
        writes=[msgspec.structs.replace(w, supersedes=above) for w in found.writes]
    )


def only_heads(cell, writes, undone, before, look):
    found = TRUE_INVERSE(cell, writes, undone, before, look)
    stands = any(h.id in writes for h in look.cell(cell).heads)
    return found if stands else found._replace(writes=[])


def each_time(cell, writes, undone, before, look):
    return TRUE_INVERSE(cell, writes, undone, before, look._replace(written=lambda cell: ()))


def last_step(writes, look):
    passed = {s for w in writes.values() for s in w.supersedes}
    return {w.old for w in writes.values() if w.id not in passed}


def what_was_shown(writes, look):
    found = TRUE_BEFORE(writes, look)
    return found if len(found) == 1 else {next(iter(writes.values())).old}


def member_by_member(undone, look, created):
    return TRUE_INVERSES(undone, look._replace(whole=lambda record: record), created)


def seeing_all(undone, look, created):
    found = TRUE_INVERSES(undone, look, created)
    states = [look.cell(Cell(r, *at)) for r in (T1, C1) for at in (
        ("status", ""), ("ticket", ""), (LIFE, "alive"))]  # fmt: skip
    all_ = {h.id for state in states if state for h in state.heads}
    return [one._replace(writes=tuple(
        msgspec.structs.replace(w, seen=tuple(sorted({*w.seen, *all_}))) for w in one.writes))
        for one in found]  # fmt: skip


TRUE_MEET, TRUE_REGROUP = short.Derivation._meet, short.Derivation._regroup


def blind(self, entries):
    TRUE_MEET(self, entries)
    return set()


@contextmanager
def switched_off(mutant: Mutant) -> Iterator[None]:
    patches = mutant.patches()
    assert patches
    before = [(where, name, vars(where)[name]) for where, name, _ in patches]
    for where, name, replacement in patches:
        setattr(where, name, replacement)
    try:
        yield
    finally:
        for where, name, true in before:
            setattr(where, name, true)


def falls(name: str) -> bool:
    """Tells whether a story falls, in memory or on the engine: what it says is not so.

    A story that takes one head out of several (`head`) says by ValueError that there are several.
    """
    for make in (MemoryHub, EngineHub):
        try:
            play(name, make)
        except (AssertionError, ValueError, Invalid):
            return True
    return False


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_guard_once(mutant):
    """The named story stands with the guard and falls without it."""
    assert not falls(mutant.killer)
    with switched_off(mutant):
        assert falls(mutant.killer)
    assert not falls(mutant.killer)
