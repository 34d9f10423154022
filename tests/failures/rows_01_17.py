"""F1 to F17: doubles, echoes, cursors, clocks, absences, moves, comments and files."""

from __future__ import annotations

from failures import test_cursors as cursors
from failures import test_doubles as doubles
from failures import test_echoes as echoes
from failures.table import Failure
from house.guards import Guard
from prophet_hub.sdk import History

F01 = "a ticket, comment or file is made twice after a crash or a lost answer"
F02 = "two events at once make a copy each"
F03 = "what was just made is looked for in an index that lags behind, and made again"
F04 = "each side takes what the other wrote for news, and comments play ping-pong"
F05 = "what automation does in the second of our write is taken for ours, or ours for theirs"
F06 = "changes of one second, or at the edge of two pulls, are lost"
F07 = "the hub's clock and the tracker's differ, and changes are lost or told over and over"
F08 = "a question, or an answer, is read in another time zone"
F09 = "pages shift while they are read, and tickets slip between them"

ROWS: tuple[Failure, ...] = (
    Failure(
        1, F01, doubles.test_wherever_the_run_dies_between_create_and_note_there_is_one_copy,
        given={"keys": frozenset()},
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
            Guard(
                "the attribution line is a comment's key", "prophet_hub.foreign.reader",
                "if side.line_is_ours(comment.author.id):", "if False:",
            ),
            Guard(
                "the same bytes at the same ticket are the same file", "prophet_hub.foreign.reader",
                "same = cell is not None and cell.shown == content.sha256", "same = False",
                also=(
                    Guard(
                        "two files of one ticket with the same bytes are one",
                        "prophet_hub.foreign.planner",
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
                "if intent.ref or kind not in side.able.keys:", "if True:",
            ),
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
)  # fmt: skip
