"""Each rule of the bridge, switched off, turns a named scenario red.

A mutant is a piece of the module's own text put in place of another; its compiled functions take the
place of the real ones for the time of one test, wherever these are held.
"""

from __future__ import annotations

import gc
import inspect
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from failures import test_what_waits
from foreign import (
    test_families,
    test_inverse,
    test_items,
    test_local,
    test_people,
    test_texts,
    test_workflow,
)  # fmt: skip
from foreign import test_scenarios as scenarios
from foreign.test_scenarios import KEYS
from foreign.worlds import shortest
from house import guards
from house.guards import Guard
from prophet_hub.errors import HubError
from prophet_hub.sdk import History


@dataclass(frozen=True)
class Mutant:
    """A rule, where it stands, what stands there without it, and who notices."""

    rule: str
    module: str
    text: str
    instead: str
    killer: str
    also: tuple[str, str, str] = ()


RULES = [
    Mutant("a cell in conflict is never pushed", "stands",
           "if len(values) != 1 or all(", "if not values or all(",
           "a_cell_in_conflict_is_never_pushed"),
    Mutant("agreement moves the stand", "stands",
           "return Need.ABSORB, value", "return Need.KEEP, value",
           "both_close_and_one_reopens"),
    Mutant("only a head that the stand does not hold is encoded", "stands",
           "or all(head.id in stand.ids for head in heads)", "",
           "a_changed_map_moves_nothing"),
    Mutant("a refused value waits", "stands",
           "if parked(value):", "if False:",
           "a_silent_refusal_is_parked_and_not_repeated"),
    Mutant("what flips is parked", "stands",
           "if stand.flips >= FLIPS", "if False",
           "a_cell_that_flips_between_two_trackers_is_parked"),
    Mutant("an echo is of our own account", "stands",
           "if sent and mine(step) and same(new, sent.value):",
           "if sent and same(new, sent.value):",
           "a_stranger_who_sets_our_value_before_us_is_not_our_echo"),
    Mutant("an echo shows our value", "stands",
           "if sent and mine(step) and same(new, sent.value):", "if sent and mine(step):",
           "a_stranger_in_the_hubs_name_is_no_echo_unless_it_shows_our_value"),
    Mutant("an untold echo is known by the old value that follows", "stands",
           "if sent and same(old, sent.value) and not same(old, shown):", "if False:",
           "partial_history_that_leaves_our_event_out_tells_it_by_the_old_value"),
    Mutant("a third value stands beside ours", "stands",
           "if sent and same(now, sent.value):\n            stands(now, sent.ids, sent)",
           "if sent:\n            stands(now, sent.ids, sent)",
           "a_third_value_that_nothing_explains_stands_beside_ours"),
    Mutant("what was not answered is not refused", "stands",
           "elif sent and not found.told and sent.answered:", "elif sent and not found.told:",
           "a_crash_before_the_request_is_not_taken_for_a_refusal"),
    Mutant("canonical forms", "transcribe",
           "same=row.same,", "same=lambda one, other: one == other,",
           "a_text_that_is_rendered_stays_as_it_was_written"),
    Mutant("a copy's birth is an echo", "transcribe",
           "if known.twin is None:\n                return None", "if True:\n                return None",
           "a_copy_met_again_by_key_says_nothing_of_its_own"),
    Mutant("a copy's birth stands for the earliest write of its value", "transcribe",
           "return said if shown or said else None", "return NOBODY",
           "who_edits_a_copy_met_again_by_key_saw_what_it_was_born_with"),
    Mutant("what was not touched since it was made shows its birth", "transcribe",
           "if not shown and not known.untouched:", "if not shown:",
           "a_copy_that_nobody_touched_says_nothing_of_its_own_though_it_tells_no_story"),
    Mutant("what cannot be read before a write waits", "desk",
           "if error.alone:", "if False:",
           "what_cannot_be_read_before_a_write_waits_and_is_not_planned_again"),
    Mutant("what carries our key is adopted when all was read", "keyed",
           "if not adopting:", "if False:",
           "what_carries_our_key_is_adopted_when_all_was_read"),
    Mutant("look before sending again, by key", "first",
           "if intent.ref or kind not in side.able.keys:", "if True:",
           "a_lost_answer_is_not_looked_for_in_a_listing_that_lags",
           ("first", "not 0 <= side.now() - intent.created < late", "True")),
    Mutant("look before sending again, by account", "reader",
           "if TICKET not in side.able.keys and telling.author.id == side.spec.account.id:",
           "if False:",
              "an_answer_that_was_lost_is_looked_for_before_anything_is_sent_again"),
    Mutant("without a key creates go one at a time", "writer",
           "if kind == TICKET and kind not in side.able.keys and self._unsure():", "if False:",
           "without_a_key_creates_go_one_at_a_time"),
    Mutant("a whole pull settles an unsure create", "puller",
           "if unsure:", "if False:",
           "a_create_that_never_arrived_is_sent_again_after_looking"),
    Mutant("an intent is on disk before the wire", "writer",
           "side.set_intent(kind, intent.key, intent)", "side.intents[kind, intent.key] = intent",
           "no_crash_doubles_a_ticket_a_comment_or_an_attachment"),
    Mutant("a key names its record unless another item is bound", "items",
           "if record is None or self.side.refs(record, kind) else record",
           "if record is None else record",
           "a_cloned_ticket_that_carries_a_key_is_a_ticket_of_its_own"),
    Mutant("the answer binds at once", "writer",
           "answered(self.desk.reader, kind, intent.key, intent, receipt.ref.id)",
           "side.set_intent(kind, intent.key, None)",
           "an_item_that_is_gone_before_it_is_read_was_what_we_sent"),
    Mutant("the key is the born record's name", "side",
           "return (known or born or members)[0]", "return members[0]",
           "a_copy_names_the_ticket_and_not_another_copy"),
    Mutant("re-read just before a write", "changer",
           "if not fresh and not compared:", "if False:",
           "an_edit_between_pull_and_push_is_never_overwritten_where_no_event_would_tell"),
    Mutant("compare and set", "compose",
           "        version=version,\n", "",
           "where_versions_are_compared_a_stranger_in_the_window_stops_the_write"),
    Mutant("writing is confirmed by reading", "changer",
           "self.desk.puller.take(unit)\n            self.desk.confirmed(", "self.desk.confirmed(",
           "a_silent_refusal_is_parked_and_not_repeated"),
    Mutant("a delete names what its item showed", "reader",
           "seen = NOBODY.union(*(stand.ids for stand in shadow.stands.values()))", "seen = NOBODY",
           "a_delete_of_the_copy_deletes_the_original"),
    Mutant("a delete has seen its comments", "reader",
           "if any(row.ticket == ref for _, row in side.items(child)):", "if False:",
           "a_delete_of_the_copy_deletes_the_original"),
    Mutant("a life in conflict is held", "planner",
           "if life and life.conflict:\n            return", "if False:\n            return",
           "an_edit_after_a_delete_holds_the_ticket_everywhere",
           ("desk", "and not life.conflict", "")),
    Mutant("only a tombstone deletes", "puller",
           "self.reader.items.unseen(ref, str(told))", "self.reader.gone(Gone(ref=ref))",
           "absence_never_deletes"),
    Mutant("merged is not deleted", "reader",
           "if gone.merged_into:", "if False:",
           "a_ticket_that_was_merged_was_not_deleted"),
    Mutant("deletes obey the job", "planner",
           'if not side.spec.deletes or not side.may("delete", kind):', "if False:",
           "a_job_that_deletes_nothing_puts_a_deletion_into_the_inbox"),
    Mutant("fields of a rejected update go apart", "changer",
           "if isinstance(error, Rejected) and len(apart) + bool(group) > 1:", "if False:",
           "a_rejected_field_waits_alone"),
    Mutant("a rejected create waits until it changes", "planner",
           "(r.parked and r.value == fingerprint(cells, fill))", "r.parked",
           "a_rejected_create_waits_until_its_ticket_changes"),
    Mutant("members that share a word go together", "transcribe",
           "return shared or [", "return [",
           "members_that_share_a_word_of_the_tracker_come_and_go_together"),
    Mutant("what trackers alone say is beyond dispute", "transcribe",
           "if not row.writable and (cell", "if False and (cell",
           "what_each_tracker_alone_can_say_is_no_conflict"),
    Mutant("a copy says nothing of its own", "transcribe",
           "if birth is None or not row.writable:", "if birth is None:",
           "what_each_tracker_alone_can_say_is_no_conflict"),
    Mutant("a default is nobody's word", "transcribe",
           "if row.default and row.same(birth, row.default):", "if False:",
           "a_copys_default_is_nobodys_word"),
    Mutant("to clear is to write the default", "compose",
           "return row.default or None", "return None",
           "to_clear_a_field_that_a_tracker_cannot_be_without_is_to_write_its_default"),
    Mutant("private stays private", "planner",
           'if side.spec.audience == "private" or there or not self._private(kind, cells):',
           "if True:",
           "a_private_comment_stays_where_its_audience_is_and_goes_when_that_widens_to_it"),
    Mutant("unknown counts as private", "compose",
           'head.value not in {"no", None}', 'head.value == "yes"',
           "what_a_tracker_does_not_tell_counts_as_private"),
    Mutant("an unmapped person clears nothing", "compose",
           "found.waits[name] = str(why)\n            found.meets(row, why)\n            continue",
           "need, value = Need.SEND, None",
           "a_person_whom_nobody_knows_takes_nobodys_place"),
    Mutant("an unmapped person is told", "compose",
           "if isinstance(why, Stranger):", "if False:",
           "a_person_whom_nobody_knows_takes_nobodys_place"),
    Mutant("mentions are muted", "translate",
           "if not self.mutes:", "if True:",
           "mentions_notify_nobody_and_come_back_as_they_were"),
    Mutant("the attribution line is the key", "reader",
           "if side.line_is_ours(comment.author.id):", "if False:",
           "no_crash_doubles_a_ticket_a_comment_or_an_attachment"),
    Mutant("nobody else's line is believed", "side",
           "return author == self.spec.account.id or self.able.impersonation", "return True",
           "an_attribution_line_under_another_account_is_nobodys_key"),
    Mutant("the same bytes are the same attachment", "reader",
           "same = cell is not None and cell.shown == content.sha256", "same = False",
           "the_same_bytes_from_elsewhere_at_the_same_ticket_are_the_same_attachment",
           ("joining", "if child == record or not mine", "if True or not mine")),
    Mutant("the same bytes at tickets made one are one", "joining",
           "if child == record or not mine", "if True or not mine",
           "tickets_that_exist_on_both_sides_are_made_one"),
    Mutant("only what the query told is created", "planner",
           "if kind == TICKET and not in_scope(side, record, self._sources):", "if False:",
           "only_what_the_jobs_query_told_is_created"),
    Mutant("only the writing hub tells", "claims",
           "return held is None or held.held_by(hub) or (", "return True or (",
           "only_the_writing_hub_tells"),
    Mutant("what was given back is not taken again unasked", "claims",
           "and held.last != hub.hex()", "",
           "a_claim_that_is_given_goes_to_the_next_hub_that_hears_of_it"),
    Mutant("of two takings the later holds", "claims",
           "in reversed(noted(replica, _record(tracker))):", "in noted(replica, _record(tracker)):",
           "of_two_that_took_a_claim_apart_the_later_holds_it",
           ("claims", "held.held_by(hub) and len(noted", "False and len(noted")),
    Mutant("what is under way keeps a claim", "claims",
           "if ledger.intents() or any(", "if any(False and ",
           "what_is_under_way_keeps_a_claim_where_it_is"),
    Mutant("a hub is the same where two of three are", "claims",
           "return machine + path + file >= 2", "return machine + path + file >= 3",
           "a_restored_hub_is_the_same_and_a_copy_elsewhere_is_another"),
    Mutant("stands travel", "shared",
           "_shortened(shadow) if shadow else None,", "None,",
           "who_takes_a_tracker_over_knows_what_was_read"),
    Mutant("what a query told travels", "shared",
           "if row.kind == _TICKET and", "if False and",
           "two_hubs_keep_two_trackers_in_step"),
    Mutant("all that was read is told when a peer is met", "shared",
           '_changesets(replica, records, "all that', '_changesets(replica, [], "all that',
           "a_hub_alone_writes_no_notes_of_what_it_reads"),
    Mutant("a long word is known by its hash", "stands",
           "or hashed(shown) != stand.value", "or True",
           "a_long_word_travels_by_its_hash_and_is_known_again"),
    Mutant("two readings apart are made one", "shared",
           "last.ids if last.own else last.ids.union(*(stand.ids for stand in others))", "last.ids",
           "a_reading_after_two_readings_apart_is_after_both"),
    Mutant("a reading after two apart is after both", "stands",
           "all(same(word, now) for word in apart)", "True",
           "a_reading_after_two_readings_apart_is_after_both"),
    Mutant("what was read apart is read again", "shared",
           "if any(stand.apart for stand in shadow.stands.values()):", "if False:",
           "a_reading_after_two_readings_apart_is_after_both"),
    Mutant("a key that nobody here knows waits", "keyed",
           "return UNKNOWN if is_unknown(side, ticket.key) else None", "return None",
           "a_copy_of_a_ticket_that_only_a_peer_knows_waits_for_it",
           ("puller", "if keyed.is_unknown(side, key):", "if False:")),
    Mutant("while a key is unknown its tracker gets no creates", "planner",
           "(kind == TICKET and self._holds) or", "",
           "while_a_key_is_unknown_its_tracker_gets_no_creates"),
    Mutant("what the database made goes where the job says so", "scope",
           "if side.spec.local:", "if False:",
           "a_ticket_of_the_database_goes_to_all_remotes_with_what_is_in_it"),
    Mutant("what a tracker told is not of the database", "scope",
           "if not is_of_item(member) and", "if",
           "what_another_jobs_query_told_is_not_of_the_database"),
    Mutant("what was passed over is looked at when the job says so", "planner",
           "news = self.side.spec.local and not place.local", "news = False",
           "it_stays_here_where_the_job_does_not_say_so_and_goes_when_it_does"),
    Mutant("a file that is not here waits", "scope",
           "or side.replica.store.blobs.has(stored)", "or True",
           "an_attachment_whose_content_did_not_come_waits_for_it"),
    Mutant("a copy is known by its binding", "items",
           "if row is not None or others:", "if row is not None:",
           "who_hears_of_a_copy_and_not_of_its_reading_knows_it_for_a_copy"),
    Mutant("a binding is no reading", "items",
           "twin, intent = (None, None) if shadow else",
           "twin, intent = (None, None) if shadow or len(side.replica.members(record)) > 1 else",
           "who_hears_of_a_copy_and_not_of_its_reading_knows_it_for_a_copy"),
    Mutant("a new text is in the markup of home where that is taken", "texts",
           "as_it_is = home.dialect in self._dialects or", "as_it_is =",
           "a_tracker_that_takes_the_markup_of_home_gets_it"),
    Mutant("what we wrote as CommonMark is read as CommonMark", "texts",
           "            dialect = HAND\n", "            pass\n",
           "plain_text_in_place_of_markup_is_read_as_commonmark"),
    Mutant("markup in plain text is escaped as far as it is read back", "texts",
           "if dialect == PLAIN and home.dialect != PLAIN:", "if False:",
           "signs_in_marked_up_text_survive_edits_where_it_stands_as_plain_text"),
    Mutant("a refused ticket is offered with less", "writer",
           "again = asks and tries + 1 < len(offers)", "again = False",
           "a_create_that_is_refused_for_a_word_goes_on_without_it"),
    Mutant("a reference becomes the twin's", "texts",
           "if twin is not None and self._here:", "if False:",
           "a_reference_becomes_the_twins"),
    Mutant("no number means a stranger", "texts",
           "return there.address(ticket) if strange else as_is", "return as_is",
           "a_number_that_would_mean_a_stranger_becomes_an_address_and_comes_back"),
    Mutant("an address that stood for a number is one again", "texts",
           "return there.to(ticket) if twin is None or self._here is None else as_is",
           "return as_is",
           "a_number_that_would_mean_a_stranger_becomes_an_address_and_comes_back"),
    Mutant("a reference of there is none of home", "texts",
           "if not self._told(self.tracker, ticket):", "if True:",
           "a_reference_of_there_becomes_an_address_where_it_has_no_twin"),
    Mutant("references in code are code", "texts",
           "if not known(dialect):\n        return change(text)", "if True:\n        return change(text)",
           "code_is_left_alone"),
    Mutant("what a text names is created first", "plans",
           "elif row and row.kind is Kind.LONG and cell.shown is not None and side.texts.refers:", "elif False:",
           "the_ticket_that_a_text_names_is_created_first"),
    Mutant("a text is cut to the tracker's length", "texts",
           "if row.limit is None or len(text) <= row.limit:", "if True:",
           "a_text_is_cut_after_it_was_converted_and_says_where_the_whole_is"),
    Mutant("what was cut off is put back", "texts",
           "if row.limit is None or len(text) > row.limit:", "if True:",
           "what_was_cut_off_survives_an_edit_of_what_was_not"),
    Mutant("two renderings of one text are no conflict", "joining",
           "if text != said:", "if False:",
           "two_tickets_made_one_say_the_same_in_two_markups_without_a_conflict"),
    Mutant("what is written here is CommonMark", "side",
           "PLAIN if ids.is_of_item(born) else HAND", "PLAIN",
           "what_is_written_here_is_commonmark"),
    Mutant("a station of ours is no news", "stands",
           "if sent and sent.via and mine(step) and same(new, sent.via):", "if False:",
           "a_status_is_reached_by_the_steps_that_are_offered"),
    Mutant("a station of ours is no news where no event tells it", "stands",
           "if sent and sent.via and same(now, sent.via):", "if False:",
           "a_crash_on_the_way_heals_and_is_no_news"),
    Mutant("a station is of our own account", "stands",
           "if sent and sent.via and mine(step) and same(new, sent.via):",
           "if sent and sent.via and same(new, sent.via):",
           "a_stranger_who_takes_our_step_is_somebody"),
    Mutant("a station stands for what stood there before", "stands",
           "replace(old, value=value, own=False, origin=origin)",
           "replace(old, value=value, own=False, origin=origin, ids=sent.ids)",
           "somebody_elses_edit_on_the_way_wins_as_always"),
    Mutant("a status goes step by step", "statuses",
           "return workflow.route(", "return (target,) or workflow.route(",
           "a_status_is_reached_by_the_steps_that_are_offered"),
    Mutant("a ticket that was left on its way goes back", "statuses",
           "if stand.origin and row.theirs not in {*need.send, *need.absorb}:", "if False:",
           "where_a_later_step_is_refused_the_ticket_goes_back"),
    Mutant("a refused status waits until something changes", "statuses",
           "if held and held.until and held.until == until:", "if False:",
           "what_is_refused_though_offered_waits_until_something_changes"),
    Mutant("what waits stays in the inbox while the ticket goes back", "items",
           "if name not in reading.refused and not sent.via:", "if name not in reading.refused:",
           "where_a_later_step_is_refused_the_ticket_goes_back"),
    Mutant("no way is gone that the plan did not show", "desk",
           "(known and same_way)", "known",
           "a_way_that_the_plan_did_not_show_waits_for_the_next_plan"),
    Mutant("a station that is asked for is agreement", "compose",
           'stand, ids=stand.ids | new, was=stand.value, origin=""',
           "stand, ids=stand.ids | new, was=stand.value",
           "who_asks_for_the_station_where_a_ticket_was_left_finds_it_there"),
    Mutant("what is filled in stands for what was there before", "statuses",
           "stand.ids | gone, was=stand.value, fills=True", "NOBODY, was=stand.value, fills=True",
           "what_was_cleared_and_is_filled_in_stays_as_it_is"),
    Mutant("what the ticket says is not filled over", "statuses",
           "if row.theirs in said or shows(shadow, row):", "if False:",
           "what_the_ticket_says_is_not_filled_over"),
    Mutant("what was taken back stands for what it stood for", "undoing",
           "before, stand.ids, was=stand.value, undoes=True", "before, was=stand.value, undoes=True",
           "updates_go_back_and_are_not_sent_again"),
    Mutant("what was written since stays", "inverse",
           "if any(same(shown, word) for word in back.wrote):", "if True:",
           "what_somebody_edited_since_stays_and_is_told", ("since", "if theirs or later", "if False")),
    Mutant("what a person wrote again stays", "since", "if theirs or later", "if later",
           "who_writes_the_very_value_of_the_run_again_keeps_it"),
    Mutant("what a later run wrote again stays", "since", "if theirs or later", "if theirs",
           "what_a_later_run_wrote_again_stays"),
    Mutant("an undo that was taken back is no later run", "since", "if run not in back", "",
           "what_was_taken_back_and_done_again_can_be_taken_back_once_more"),
    Mutant("who edits a comment of ours touches its ticket", "since",
           "yield from self._edits(one.ref.kind, one.ref.id)", "pass",
           "a_ticket_in_which_somebody_edited_a_comment_of_ours_is_not_deleted"),
    Mutant("a ticket that another was made a part of is not only ours", "since",
           "self._merged.get(ref.id)", '""',
           "a_ticket_of_which_somebody_made_another_a_part_is_not_deleted"),
    Mutant("a copy that an undo deletes is no death", "reader",
           'self._undone(kind, ref, record, sent.run if sent else "")', "self._delete(gone, record, shadow)",
           "creates_are_deleted_and_nothing_dies_or_comes_again"),
    Mutant("an undone copy is not made again by itself", "reader",
           "parked=True, quiet=True, again=True", "parked=False, quiet=True, again=True",
           "creates_are_deleted_and_nothing_dies_or_comes_again"),
    Mutant("an undone copy keeps no other away", "side",
           "if self._here(row, kind) and not row.undone", "if self._here(row, kind)",
           "an_undone_copy_is_made_again_when_a_person_says_so"),
    Mutant("a copy that came back ends without a death", "items",
           "replace(shadow, closed=True)", "replace(shadow, closed=False)",
           "a_copy_that_comes_back_is_ours_and_its_end_is_no_death"),
    Mutant("what somebody touched is not deleted", "since",
           "if row is None or row.born:", "if False:",
           "a_ticket_that_somebody_touched_is_not_deleted"),
    Mutant("what came into a ticket while it was not here is looked at", "undoing",
           "self.ledger.look(child)", "pass",
           "what_was_said_while_a_copy_was_taken_back_comes_with_it"),
    Mutant("an undo looks once more before it deletes", "undoing",
           "or self._since.touched(planned.ref, told)", "",
           "who_touches_a_ticket_between_the_plan_and_its_delete_keeps_it"),
    Mutant("what could not be taken back holds no value back", "planner",
           "row.tag not in {WAY, UNDONE}", "row.tag != WAY",
           "what_could_not_be_taken_back_holds_nothing_back"),
    Mutant("what could not be read is tried again without end", "first",
           "return more < 0 or side.now() - row.since >= more * _PAUSE", "return more < 0",
           "what_could_not_be_read_for_two_hours_is_written_later"),
    Mutant("what was set in the second of a create may be news", "items",
           "and intent is None", "",
           "what_was_set_in_the_second_of_a_create_is_no_echo"),
    Mutant("a clone was made by whoever cloned it", "items",
           "and telling.author.id == side.spec.account.id\n                and telling.updated",
           "and telling.updated",
           "what_a_person_chose_for_a_clone_that_is_met_first_is_no_echo"),
    Mutant("a comment may have been touched without a date", "items",
           "kind == TICKET\n                and intent is None", "intent is None",
           "a_comment_without_a_date_of_change_may_have_been_touched"),
    Mutant("what ended waits no more", "reader",
           "self.items.settle_all(kind, ref)\n        self.items.clear(kind, ref, WHOLE)",
           "self.items.settle_all(kind, ref)",
           "what_could_not_be_read_and_ended_waits_no_more"),
    Mutant("a copy too many that is gone waits no more", "puller",
           "elif isinstance(error, NotFound):  # as its line asked for", "elif False:",
           "a_copy_too_many_that_was_deleted_as_its_line_asks_waits_no_more"),
    Mutant("what stops all creates says so", "puller",
           "keyed.hold(side, ref, key, keyed.unread(error))", "pass",
           "what_stops_all_creates_says_so"),
]  # fmt: skip
RED = (AssertionError, KeyError, HubError, pytest.fail.Exception)
PLACES = (
    scenarios, test_people, test_items, test_families, test_local, test_texts, test_workflow,
    test_inverse, test_what_waits,
)  # fmt: skip


def guards_of(mutant):
    edits = [(mutant.module, mutant.text, mutant.instead), *([mutant.also] if mutant.also else [])]
    return [
        Guard(mutant.rule, f"prophet_hub.foreign.{module}", text, instead)
        for module, text, instead in edits
    ]


def switched_off(mutant):
    return guards.switched_off(*guards_of(mutant))


def play(name):
    """Runs a scenario in each of its forms, as pytest would; the first red one ends it."""
    test = next(vars(place)[f"test_{name}"] for place in PLACES if f"test_{name}" in vars(place))
    for given in _given(name):
        if "tmp_path" in inspect.signature(test).parameters:
            with tempfile.TemporaryDirectory() as folder:
                test(Path(folder))
        elif "restored" in inspect.signature(test).parameters:
            with tempfile.TemporaryDirectory() as folder:
                made = scenarios.restored.__wrapped__(Path(folder))
                try:
                    test(next(made))
                finally:
                    made.close()
        else:
            test(**given)


def _given(name):
    return {
        "a_crash_before_the_request_is_not_taken_for_a_refusal": [{"history": History.NONE}],
        "a_status_is_reached_by_the_steps_that_are_offered": [
            {"history": History.FULL, "conditional": False}
        ],
        "a_crash_on_the_way_heals_and_is_no_news": [
            {"history": History.NONE, "conditional": False}
        ],
        "somebody_elses_edit_on_the_way_wins_as_always": [{"history": History.FULL}],
        "where_a_later_step_is_refused_the_ticket_goes_back": [
            {"history": History.FULL, "silently": False, "conditional": False}
        ],
        "what_each_tracker_alone_can_say_is_no_conflict": [{"history": History.NONE}],
        "what_was_said_while_a_copy_was_taken_back_comes_with_it": [{"cut_off": False}],
        "who_writes_the_very_value_of_the_run_again_keeps_it": [{"history": History.FULL}],
        "a_ticket_in_which_somebody_edited_a_comment_of_ours_is_not_deleted": [{"knobs": {}}],
        "who_takes_a_tracker_over_knows_what_was_read": [{"history": History.NONE}],
        "what_could_not_be_read_for_two_hours_is_written_later": [{"verb": "update"}],
        "what_was_set_in_the_second_of_a_create_is_no_echo": [{"who": "eve"}],
        "what_could_not_be_read_and_ended_waits_no_more": [{"listed": True, "how": "delete"}],
        "a_copy_too_many_that_was_deleted_as_its_line_asks_waits_no_more": [{"how": "deleted"}],
        "what_stops_all_creates_says_so": [{"how": "delete"}],
        "a_reading_after_two_readings_apart_is_after_both": [{"value": v} for v in "qrklm"],
        "no_crash_doubles_a_ticket_a_comment_or_an_attachment": [
            {"keys": frozenset(), "answers": False}
        ],
        "what_is_written_here_is_commonmark": [{"there": "textile"}],
        "updates_go_back_and_are_not_sent_again": [{"knobs": {}}],
        "what_somebody_edited_since_stays_and_is_told": [{"knobs": {}}],
        "creates_are_deleted_and_nothing_dies_or_comes_again": [{"knobs": {}}],
        "a_ticket_that_somebody_touched_is_not_deleted": [{"knobs": {}, "how": "comment"}],
        "who_touches_a_ticket_between_the_plan_and_its_delete_keeps_it": [{"knobs": {}}],
        "what_could_not_be_taken_back_holds_nothing_back": [{"cut_off": True}],
        "an_answer_that_was_lost_is_looked_for_before_anything_is_sent_again": [
            {"keys": KEYS}, {"keys": frozenset()}
        ],
    }.get(name, [{}])  # fmt: skip


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("mutant", RULES, ids=lambda m: m.rule)
def test_without_a_rule_its_scenario_is_red(mutant):
    with switched_off(mutant), pytest.raises(RED):
        play(mutant.killer)
    gc.collect()  # what a red scenario left open is no later test's matter


def test_a_mutant_is_gone_after_its_test():
    for name in dict.fromkeys(m.killer for m in RULES[:4]):
        play(name)


@pytest.mark.parametrize(
    ("mutant", "fixed"),
    [
        (RULES[1], {}),
        (RULES[22], {"history": History.NONE, "cas": False, "chaos": "races"}),
    ],
    ids=lambda x: getattr(x, "rule", ""),
)
def test_the_worlds_notice_too(mutant, fixed):
    with switched_off(mutant):
        bad = (
            outcome
            for seed in range(60_000, 60_300)
            for outcome in shortest([seed], **fixed)[0]
            if outcome.split()[0].isupper()
        )
        assert next(bad, None)
