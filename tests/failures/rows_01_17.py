"""F1 to F17: doubles, echoes, cursors, clocks, absences, moves, comments and files."""

from __future__ import annotations

from failures import test_absences as absences
from failures import test_comments_and_files as parts
from failures import test_cursors as cursors
from failures import test_doubles as doubles
from failures import test_echoes as echoes
from failures import test_moved_and_merged as moved
from failures import test_overtaken as overtaken
from failures.table import Failure
from house.guards import Guard
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, History

F01 = "a ticket, comment or file is made twice after a crash or a lost answer"
F02 = "two events at once make a copy each"
F03 = "what was just made is looked for in an index that lags behind, and made again"
F04 = "each side takes what the other wrote for news, and comments play ping-pong"
F05 = "what automation does in the second of our write is taken for ours, or ours for theirs"
F06 = "changes of one second, or at the edge of two pulls, are lost"
F07 = "the hub's clock and the tracker's differ, and changes are lost or told over and over"
F08 = "a question, or an answer, is read in another time zone"
F09 = "pages shift while they are read, and tickets slip between them"
F11 = "what somebody just wrote is overwritten by what the hub had read before"
F12 = "a source fails, or is asked otherwise, and its tickets are closed or deleted elsewhere"
F13 = "a permission is lost, and what is not seen any more counts as deleted"
F14 = "a deleted ticket takes its edited twin along, or is brought back by it"
F15 = "a ticket is moved, merged, re-typed or gets another key, and loses its twin or gains one"
F16 = "edits and deletes of comments are not carried, or make a second comment"
F17 = "files are sent again in every run, or arrive broken"

LATE = Guard(
    "a listing that lags is given its time", "prophet_hub.foreign.first",
    "if proves(side, intent) and not 0 <= side.now() - intent.created < late:", "if proves(side, intent):",
)  # fmt: skip

ROWS: tuple[Failure, ...] = (
    Failure(
        1, F01, doubles.test_wherever_the_run_dies_between_create_and_note_there_is_one_copy,
        given={"kind": TICKET, "keys": frozenset()},
        guards=(
            Guard(
                "an intent is on disk before the wire", "prophet_hub.foreign.writer",
                "side.set_intent(kind, intent.key, intent)", "side.intents[kind, intent.key] = intent",
            ),
            Guard(
                "without a key a ticket of our account is the one without an answer",
                "prophet_hub.foreign.reader",
                "if TICKET not in side.able.keys and telling.author.id == side.spec.account.id:",
                "if False:",
            ),
        ),
    ),
    Failure(
        1, F01, doubles.test_wherever_the_run_dies_between_create_and_note_there_is_one_copy,
        given={"kind": COMMENT, "keys": frozenset()},
        guards=(
            Guard(
                "the attribution line is a comment's key", "prophet_hub.foreign.reader",
                "if side.line_is_ours(comment.author.id):", "if False:",
            ),
        ),
    ),
    Failure(
        1, F01, doubles.test_wherever_the_run_dies_between_create_and_note_there_is_one_copy,
        given={"kind": ATTACHMENT, "keys": frozenset()},
        guards=(
            Guard(
                "the same bytes at the same ticket are the same file", "prophet_hub.foreign.reader",
                "same = cell is not None and cell.shown == content.sha256", "same = False",
                also=(
                    Guard(
                        "two files of one ticket with the same bytes are one",
                        "prophet_hub.foreign.joining",
                        "if child == record or not mine", "if True or not mine",
                    ),
                ),
            ),
        ),
    ),
    Failure(
        1, F01, doubles.test_a_create_whose_answer_was_lost_is_looked_for_and_not_sent_again,
        given={"keys": doubles.KEYS},
        guards=(
            Guard(
                "what has no answer is looked for by its key", "prophet_hub.foreign.first",
                "found = side.connector.find(place, ids.text(intent.key))", "found = None",
                also=(
                    Guard(
                        "a ticket that carries our key is our copy", "prophet_hub.foreign.reader",
                        "return self.items.free(record_of(telling.key), TICKET)", "return None",
                    ),
                ),
            ),
        ),
    ),
    Failure(
        2, F02, doubles.test_fifty_triggers_at_once_make_one_copy,
        guards=(
            Guard(
                "one run per remote at a time", "prophet_hub.jobs.locks",
                "    except BlockingIOError:\n        return False",
                "    except BlockingIOError:\n        return True",
            ),
        ),
    ),
    Failure(
        2, F02, doubles.test_two_hubs_at_once_make_one_copy,
        guards=(
            Guard(
                "one hub per tracker", "prophet_hub.foreign.claims",
                "return held is None or held.held_by(hub) or (", "return True or (",
            ),
        ),
    ),
    Failure(
        3, F03, doubles.test_a_create_without_an_answer_is_found_though_the_index_lags,
        given={"lag": 300},
        guards=(
            Guard(
                "a key is asked for where nothing lags, before a listing is believed",
                "prophet_hub.foreign.first",
                "if intent.ref or kind not in side.able.keys:", "if True:", also=(LATE,),
            ),
        ),
    ),
    Failure(
        3, F03, doubles.test_where_no_key_can_be_carried_an_index_that_lags_is_given_its_time,
        given={"lag": 300},
        guards=(
            LATE,
        ),
    ),
    Failure(
        4, F04, echoes.test_a_hundred_idle_runs_write_nothing, given={"history": History.NONE},
        guards=(
            Guard(
                "values are compared in the form that the tracker gives them",
                "prophet_hub.foreign.transcribe",
                "same=row.same,", "same=lambda one, other: one == other,",
            ),
            Guard(
                "the attribution line is a comment's key", "prophet_hub.foreign.reader",
                "if side.line_is_ours(comment.author.id):", "if False:",
            ),
        ),
    ),
    Failure(
        4, F04, echoes.test_a_lost_answer_to_a_comment_starts_no_ping_pong,
        guards=(
            Guard(
                "a comment that carries our key is our copy", "prophet_hub.foreign.reader",
                "            return record_of(telling.key)\n        if line is None:",
                "            return None\n        if line is None:",
                also=(
                    Guard(
                        "what has no answer is looked for by its key", "prophet_hub.foreign.first",
                        "found = side.connector.find(place, ids.text(intent.key))", "found = None",
                    ),
                ),
            ),
            Guard(
                "the attribution line is a comment's key", "prophet_hub.foreign.reader",
                "if side.line_is_ours(comment.author.id):", "if False:",
            ),
        ),
    ),
    Failure(
        4, F04, echoes.test_our_own_write_is_nobody_elses, given={"history": History.FULL},
        guards=(
            Guard(
                "an event of our own account that shows our value is our own write",
                "prophet_hub.foreign.stands",
                "if sent and mine(step) and same(new, sent.value):", "if False:",
            ),
        ),
    ),
    Failure(
        4, F04, echoes.test_our_own_write_is_nobody_elses, given={"history": History.NONE},
        guards=(
            Guard(
                "what shows our value is our own write where no event tells",
                "prophet_hub.foreign.stands",
                "elif sent and same(now, sent.value):\n            stands(now, sent.ids, sent)",
                "elif False:\n            stands(now, sent.ids, sent)",
            ),
        ),
    ),
    Failure(
        5, F05, echoes.test_another_field_that_changes_in_the_second_of_our_write_is_carried_back,
        given={"history": History.FULL, "author": "hub"},
        guards=(
            Guard(
                "only a field that we wrote can show an echo", "prophet_hub.foreign.transcribe",
                "known.sent.get(name) or intended.get(name),",
                "known.sent.get(name) or intended.get(name) or (known.sent and Sent("
                "telling.fields.get(name), answered=True)) or None,",
            ),
        ),
    ),
    Failure(
        5, F05, echoes.test_automation_that_changes_our_field_in_the_same_second_is_not_taken_for_ours,
        guards=(
            Guard(
                "an echo shows our value", "prophet_hub.foreign.stands",
                "if sent and mine(step) and same(new, sent.value):", "if sent and mine(step):",
            ),
        ),
    ),
    Failure(
        5, F05, echoes.test_a_stranger_who_says_in_the_same_second_what_we_say_is_not_taken_for_us,
        guards=(
            Guard(
                "an echo is of our own account", "prophet_hub.foreign.stands",
                "if sent and mine(step) and same(new, sent.value):",
                "if sent and same(new, sent.value):",
            ),
        ),
    ),
    Failure(
        6, F06, cursors.test_a_thousand_tickets_in_one_second_over_several_pulls_are_all_told,
        guards=(
            Guard(
                "what changed in the second of its listing is told once more",
                "prophet_hub.sdk.since",
                "settled = clock >= over if clock else item.updated < at", "settled = True",
            ),
            Guard(
                "a pull begins with the second in which the last one ended",
                "prophet_hub.sdk.since",
                "return self.at - overlap if self.at else None",
                "return self.at + timedelta(seconds=2) if self.at else None",
            ),
            Guard(
                "a second that fills a page is read on by place",
                "prophet_connectors._redmine_walk",
                "if not page.full:\n                return",
                "if not page.full or last == since:\n                return",
            ),
        ),
    ),
    Failure(
        7, F07, cursors.test_the_hubs_clock_may_be_off_by_minutes_or_by_days,
        given={"off": 600},
        guards=(
            Guard(
                "what is over is over on the tracker's clock", "prophet_connectors._redmine_walk",
                "clock = page.answer.clock", "clock = self._ask.http.clock.now()",
            ),
        ),
    ),
    Failure(
        7, F07, cursors.test_the_hubs_clock_may_be_off_by_minutes_or_by_days,
        given={"off": -86_400},
        guards=(
            Guard(
                "what is over is over on the tracker's clock", "prophet_connectors._redmine_walk",
                "clock = page.answer.clock", "clock = self._ask.http.clock.now()",
            ),
        ),
    ),
    Failure(
        8, F08, cursors.test_whatever_the_zone_of_the_account_changes_are_told_and_told_once,
        given={"zones": cursors.ZONES},
        guards=(
            Guard(
                "a question in an unknown zone reaches back over all of them",
                "prophet_connectors._roundup_walk", "{at - ZONES:", "{at:",
            ),
            Guard(
                "what such a question finds too much of is passed over",
                "prophet_connectors._roundup_walk",
                "(not least or i.updated >= least) and since.fresh(i)", "since.fresh(i)",
            ),
        ),
    ),
    Failure(
        8, F08, cursors.test_whatever_the_zone_in_which_times_are_told_they_are_the_trackers,
        given={"zones": cursors.ZONES},
        guards=(
            Guard(
                "times without a zone are of the account's",
                "prophet_connectors._hiveminder_words",
                "local.replace(tzinfo=zone, fold=n)", "local.replace(tzinfo=UTC, fold=n)",
            ),
        ),
    ),
    Failure(
        8, F08, cursors.test_whatever_the_zone_in_which_times_are_told_they_are_the_trackers,
        given={"zones": ["America/New_York"]},
        guards=(
            Guard(
                "in the hour that autumn repeats, time runs on",
                "prophet_connectors._hiveminder_words",
                "return second if after and first < after <= second else first", "return first",
            ),
        ),
    ),
    Failure(
        8, F08, cursors.test_a_database_in_another_zone_than_its_server_tells_nothing_over_and_over,
        guards=(
            Guard(
                "of two clocks that of the web server is asked",
                "prophet_connectors._bugzilla_walk", '["web_time"]', '["db_time"]',
            ),
        ),
    ),
    Failure(
        9, F09, cursors.test_a_writer_who_shifts_the_pages_hides_nothing,
        guards=(
            Guard(
                "the next page begins at the last change that was seen",
                "prophet_connectors._redmine_walk",
                "(last, 0) if onward else (since, offset + max(page.limit // 2, 1))",
                "(since, offset + page.limit)",
            ),
        ),
    ),
    Failure(
        11, F11, overtaken.test_an_edit_between_reading_and_writing_is_not_overwritten,
        given={"history": History.NONE, "conditional": False},
        guards=(
            Guard(
                "a ticket is read again just before it is written", "prophet_hub.foreign.changer",
                "if not fresh and not compared:", "if False:",
            ),
        ),
    ),
    Failure(
        11, F11,
        overtaken.test_where_the_tracker_compares_versions_nobody_is_overwritten_at_the_last_moment,
        given={"history": History.NONE},
        guards=(
            Guard(
                "a write names the version that was read", "prophet_hub.foreign.compose",
                "        version=version,\n", "",
            ),
        ),
    ),
    Failure(
        11, F11, overtaken.test_an_edit_after_the_plan_stops_a_delete,
        given={"history": History.FULL, "conditional": False},
        guards=(
            Guard(
                "who edited since the plan keeps the ticket", "prophet_hub.foreign.planner",
                "if life is None or life.shown is not None or life.conflict:", "if False:",
            ),
        ),
    ),
    Failure(
        12, F12, absences.test_a_source_that_fails_or_is_asked_otherwise_closes_nothing,
        given={"fails": absences._lost_everything},
        guards=(
            Guard(
                "absence is no deletion", "prophet_hub.foreign.puller",
                "self.reader.items.unseen(ref, str(told))", "self.reader.gone(Gone(ref=ref))",
            ),
        ),
    ),
    Failure(
        12, F12, absences.test_closes_and_deletes_by_the_dozen_wait_for_a_word,
        given={"act": absences._close},
        guards=(
            Guard(
                "many closes and deletes wait for a word", "prophet_hub.jobs.plan",
                "if count > limit:", "if False:",
            ),
        ),
    ),
    Failure(
        12, F12, absences.test_closes_and_deletes_by_the_dozen_wait_for_a_word,
        given={"act": absences._remove},
        guards=(
            Guard(
                "many closes and deletes wait for a word", "prophet_hub.jobs.plan",
                "if count > limit:", "if False:",
            ),
        ),
    ),
    Failure(
        12, F12, absences.test_a_job_that_does_not_say_so_deletes_nothing,
        guards=(
            Guard(
                "a job deletes where it says so", "prophet_hub.foreign.planner",
                'if not side.spec.deletes or not side.may("delete", kind):', "if False:",
            ),
        ),
    ),
    Failure(
        13, F13,
        absences.test_what_the_account_may_not_see_for_a_while_is_neither_deleted_nor_made_again,
        guards=(
            Guard(
                "absence is no deletion", "prophet_hub.foreign.puller",
                "self.reader.items.unseen(ref, str(told))", "self.reader.gone(Gone(ref=ref))",
            ),
            Guard(
                "what was not visible is read again in every run", "prophet_hub.foreign.first",
                "if kind == TICKET and row.tag == READ:", "if False:",
            ),
        ),
    ),
    Failure(
        14, F14, absences.test_a_delete_takes_what_it_saw_and_nothing_comes_back,
        given={"here": absences._edit, "there": absences._delete},
        guards=(
            Guard(
                "a delete takes what its own ticket had shown, and no more",
                "prophet_hub.foreign.reader",
                "seen = NOBODY.union(*(stand.ids for stand in shadow.stands.values()))",
                "seen = {h.id for c in side.replica.cells(record).values() for h in c.heads}",
            ),
        ),
    ),
    Failure(
        14, F14, absences.test_what_a_person_keeps_is_not_made_again_where_it_was_deleted,
        guards=(
            Guard(
                "what was there once is not made again", "prophet_hub.foreign.planner",
                "refs = side.refs(record, TICKET)", "refs = side.live(record, TICKET)",
                also=(
                    Guard(
                        "a create looks whether there was one", "prophet_hub.foreign.writer",
                        "if self.side.refs(record, place[0]) or not is_alive(cells):",
                        "if not is_alive(cells):",
                    ),
                ),
            ),
        ),
    ),
    Failure(
        14, F14, absences.test_a_delete_of_one_twin_deletes_the_other_with_all_that_was_seen,
        guards=(
            Guard(
                "a delete names what its ticket had shown", "prophet_hub.foreign.reader",
                "seen = NOBODY.union(*(stand.ids for stand in shadow.stands.values()))",
                "seen = NOBODY",
            ),
            Guard(
                "a delete has seen what was in its ticket", "prophet_hub.foreign.reader",
                "if any(row.ticket == ref for _, row in side.items(child)):", "if False:",
            ),
        ),
    ),
    Failure(
        15, F15, moved.test_after_a_merge_nothing_is_lost_deleted_or_made_twice, given={"history": History.FULL, "tombstones": True},
        guards=(
            Guard(
                "what was merged was not deleted", "prophet_hub.foreign.reader",
                "if gone.merged_into:", "if False:",
            ),
        ),
    ),
    Failure(
        15, F15, moved.test_a_ticket_that_moves_away_and_back_is_the_same, given={"field": "status"},
        guards=(
            Guard(
                "absence is no deletion", "prophet_hub.foreign.puller",
                "self.reader.items.unseen(ref, str(told))", "self.reader.gone(Gone(ref=ref))",
            ),
        ),
    ),
    Failure(
        15, F15, moved.test_a_key_that_is_copied_changed_or_taken_away_makes_no_other_twin, given={"history": History.NONE},
        guards=(
            Guard(
                "a key names its record, unless another ticket is bound to it", "prophet_hub.foreign.items",
                "return None if record is None or self.side.refs(record, kind) else record", "return record",
            ),
        ),
    ),
    Failure(
        15, F15, moved.test_a_ticket_of_another_type_goes_by_the_statuses_of_that_type,
        guards=(
            Guard(
                "a status goes the way that the ticket offers now", "prophet_hub.foreign.statuses",
                "return workflow.route(", "return (target,) or workflow.route(",
            ),
        ),
    ),
    Failure(
        16, F16, parts.test_a_comment_that_is_edited_on_both_sides_is_one_comment_and_says_the_last, given={"history": History.NONE, "keys": False},
        guards=(
            Guard(
                "a comment that has a copy is edited there", "prophet_hub.foreign.planner",
                "        elif refs:\n            for ref in side.mine(record, kind):", "        elif False:\n            for ref in side.mine(record, kind):",
                also=(
                    Guard(
                        "a create looks whether there was one", "prophet_hub.foreign.writer",
                        "if self.side.refs(record, place[0]) or not is_alive(cells):",
                        "if not is_alive(cells):",
                    ),
                ),
            ),
            Guard(
                "who wrote a comment is no part of it", "prophet_hub.foreign.reader",
                "if side.line_is_ours(comment.author.id):", "if False:",
            ),
        ),
    ),
    Failure(
        16, F16, parts.test_a_comment_that_one_side_takes_away_is_not_made_there_again, given={"side": "T"},
        guards=(
            Guard(
                "a comment that has a copy is edited there", "prophet_hub.foreign.planner",
                "        elif refs:\n            for ref in side.mine(record, kind):", "        elif False:\n            for ref in side.mine(record, kind):",
                also=(
                    Guard(
                        "a create looks whether there was one", "prophet_hub.foreign.writer",
                        "if self.side.refs(record, place[0]) or not is_alive(cells):",
                        "if not is_alive(cells):",
                    ),
                ),
            ),
        ),
    ),
    Failure(
        16, F16, parts.test_a_delete_of_a_comment_that_is_told_goes_to_the_other_side,
        guards=(
            Guard(
                "a delete that is told, and not our own, is a fact", "prophet_hub.foreign.reader",
                "        elif not ours:\n            self._delete(", "        elif False:\n            self._delete(",
            ),
        ),
    ),
    Failure(
        17, F17, parts.test_in_a_hundred_runs_a_file_is_read_once_and_sent_once, given={"keys": False},
        guards=(
            Guard(
                "what is known of a ticket's files is not read again", "prophet_hub.foreign.attachments",
                "if attachment.ref.id in known:", "if False:",
            ),
            Guard(
                "our own upload is not read back", "prophet_hub.foreign.puller",
                "known |= sent.keys()", "pass",
            ),
        ),
    ),
    Failure(
        17, F17, parts.test_a_lost_answer_to_an_upload_is_no_second_file,
        guards=(
            Guard(
                "the same bytes at the same ticket are the same file", "prophet_hub.foreign.reader",
                "same = cell is not None and cell.shown == content.sha256", "same = False",
                also=(
                    Guard(
                        "two files of one ticket with the same bytes are one",
                        "prophet_hub.foreign.joining",
                        "if child == record or not mine", "if True or not mine",
                    ),
                ),
            ),
        ),
    ),
    Failure(
        17, F17, parts.test_the_same_file_on_both_sides_is_sent_to_neither,
        guards=(
            Guard(
                "the same bytes at the same ticket are the same file", "prophet_hub.foreign.reader",
                "same = cell is not None and cell.shown == content.sha256", "same = False",
                also=(
                    Guard(
                        "two files of one ticket with the same bytes are one",
                        "prophet_hub.foreign.joining",
                        "if child == record or not mine", "if True or not mine",
                    ),
                ),
            ),
        ),
    ),
    Failure(
        17, F17, parts.test_a_file_that_came_in_part_is_no_file,
        guards=(
            Guard(
                "a file has the length that the tracker tells", "prophet_hub.foreign.attachments",
                "if attachment.size is not None and size != attachment.size:", "if False:",
            ),
        ),
    ),
)  # fmt: skip
