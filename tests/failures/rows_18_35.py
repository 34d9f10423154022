"""F18 to F35: texts, limits, workflows, people, privacy, rates, schemas, links, bots and secrets."""

from __future__ import annotations

from failures import (
    test_bots,
    test_drift,
    test_late_answers,
    test_lengths_and_labels,
    test_limited_and_killed,
    test_links_between,
    test_one_tracker_twice,
    test_other_places,
    test_people_unmapped,
    test_private,
    test_secrets_kept,
    test_strange_keys,
    test_texts_stay,
    test_what_waits,
    test_workflows,
)
from failures.table import Failure
from foreign import test_texts
from house.guards import Guard
from prophet_hub.sdk import TICKET, History

APART = Guard(
    "fields of a rejected update go apart", "prophet_hub.foreign.changer",
    "if isinstance(error, Rejected) and len(apart) + bool(group) > 1:", "if False:",
)  # fmt: skip
LESS = Guard(
    "a refused ticket is offered with less", "prophet_hub.foreign.writer",
    "again = asks and tries + 1 < len(offers)", "again = False",
)  # fmt: skip
SEEN = Guard(
    "an update is looked at again before it is sent", "prophet_hub.foreign.changer",
    "if self.desk.planner.withheld(", "if False and self.desk.planner.withheld(",
)  # fmt: skip
MUTED = Guard(
    "mentions are muted", "prophet_hub.foreign.translate", "if not self.mutes:", "if True:"
)

GARBLED = "markup is garbled, and grows with every round trip"
LIMITS = "a length or a label that a tracker does not take breaks the ticket"
STATUS = "a status that may not be set, or demands fields, stops the ticket"
PEOPLE = "a person whom a tracker does not know clears a field, or fails the ticket"
PRIVATE = "private content reaches a public tracker"
DRIFT = "a field that changes or goes stops the job; one that is mapped later stays empty"
KEYS = "two jobs or hubs share one key in a tracker, and take each other's copies for their own"

ROWS: tuple[Failure, ...] = (
    Failure(
        18, GARBLED,
        test_texts_stay.test_small_edits_on_all_sides_in_turn_change_no_more_than_they_say,
        given={"number": 2},
        guards=(
            Guard(
                "an edit comes home in the markup of home", "prophet_hub.foreign.texts",
                "return convert(text, dialect, home.dialect) if _both", "return text if _both",
            ),
            Guard(
                "what we wrote as CommonMark is read as CommonMark", "prophet_hub.foreign.texts",
                "            dialect = HAND\n", "            pass\n",
            ),
        ),
    ),
    Failure(
        19, LIMITS,
        test_lengths_and_labels.test_texts_about_the_limit_are_held_whole_or_cut_and_nothing_is_refused,
        given={"over": 40, "dialect": "trac"},
        guards=(
            Guard(
                "a text is cut to the tracker's length", "prophet_hub.foreign.texts",
                "if row.limit is None or len(text) <= row.limit:", "if True:",
            ),
        ),
    ),
    Failure(
        19, LIMITS, test_texts.test_what_was_cut_off_survives_an_edit_of_what_was_not,
        guards=(
            Guard(
                "what was cut off is put back", "prophet_hub.foreign.texts",
                "if row.limit is None or len(text) > row.limit:", "if True:",
            ),
        ),
    ),
    Failure(
        19, LIMITS, test_lengths_and_labels.test_a_label_that_is_refused_waits_alone,
        given={"label": "two words", "born": True}, guards=(APART, LESS),
    ),
    Failure(
        20, STATUS,
        test_workflows.test_whatever_the_workflow_the_rest_is_in_step_and_the_inbox_tells,
        given={"seed": 3},
        guards=(
            Guard(
                "a status goes step by step", "prophet_hub.foreign.statuses",
                "return workflow.route(", "return (target,) or workflow.route(",
            ),
        ),
    ),
    Failure(
        20, STATUS,
        test_workflows.test_whatever_the_workflow_the_rest_is_in_step_and_the_inbox_tells,
        given={"seed": 0},
        guards=(
            APART,
            Guard(
                "a refused status waits until something changes", "prophet_hub.foreign.statuses",
                "if held and held.until and held.until == until:", "if False:",
            ),
        ),
    ),
    Failure(
        21, PEOPLE,
        test_people_unmapped.test_whoever_is_unknown_or_no_longer_active_clears_nothing_and_stops_nothing,
        guards=(
            Guard(
                "an unmapped person clears nothing", "prophet_hub.foreign.compose",
                "found.waits[name] = str(why)\n            found.meets(row, why)\n            continue",
                "need, value = Need.SEND, None",
            ),
            Guard(
                "an unmapped person is told", "prophet_hub.foreign.compose",
                "if isinstance(why, Stranger):", "if False:",
            ),
            APART,
            LESS,
        ),
    ),
    Failure(
        21, PEOPLE,
        test_people_unmapped.test_who_has_another_name_or_two_accounts_stays_who_they_are,
        guards=(
            Guard(
                "a person is the address, not the log-in", "prophet_hub.foreign.people",
                "        if row and row.email:\n            return row.email.lower()\n", "",
            ),
        ),
    ),
    Failure(
        22, "mentions and imports send mail to people",
        test_people_unmapped.test_nobody_is_called_by_a_copy_whatever_it_says,
        given={"dialect": "markdown"},
        guards=(
            MUTED,
            Guard(
                "nobody's name calls anybody", "prophet_hub.foreign.attribution",
                '_SIGNS.sub(" ", line.author)', 'line.author.replace(">", " ")',
            ),
        ),
    ),
    Failure(
        23, PRIVATE,
        test_private.test_however_a_flag_moves_nothing_private_reaches_a_wider_audience,
        guards=(
            Guard(
                "private stays private", "prophet_hub.foreign.planner",
                'if side.spec.audience == "private" or there or not self._private(kind, cells):',
                "if True:",
            ),
            Guard(
                "unknown counts as private", "prophet_hub.foreign.compose",
                'head.value not in {"no", None}', 'head.value == "yes"',
            ),
            Guard(
                "a file is as private as its comment", "prophet_hub.foreign.reader",
                "_attachment(_within(attachment, said),", "_attachment(attachment,",
            ),
            Guard(
                "what is in a private ticket is private", "prophet_hub.foreign.planner",
                "return ticket is not None and is_private(", "return False and is_private(",
            ),
            Guard(
                "a ticket that became private is told no more", "prophet_hub.foreign.planner",
                "if not need.send or self.withheld(kind, ref, record, cells, shadow):",
                "if not need.send:", also=(SEEN,),
            ),
        ),
    ),
    Failure(
        23, PRIVATE, test_private.test_what_becomes_private_between_plan_and_write_is_not_sent,
        guards=(
            SEEN,
            Guard(
                "a create is looked at again before it is sent", "prophet_hub.foreign.writer",
                "return not withheld", "return True",
            ),
        ),
    ),
    Failure(
        24, "a ban or a kill in the middle of a backfill: it begins from zero, or doubles",
        test_limited_and_killed.test_however_often_a_backfill_is_stopped_it_goes_on_without_a_gap_or_a_double,
        given={"step": 82},
        guards=(
            Guard(
                "a checkpoint every batch", "prophet_hub.foreign.puller",
                "if len(batch) >= side.spec.batch:", "if False:",
            ),
            Guard(
                "a cursor is kept", "prophet_hub.foreign.puller",
                "cursor=place.cursor if cursor is None else cursor,", "cursor=place.cursor,",
            ),
            Guard(
                "an intent is on disk before the wire", "prophet_hub.foreign.writer",
                "side.set_intent(kind, intent.key, intent)",
                "side.intents[kind, intent.key] = intent",
            ),
        ),
    ),
    Failure(
        25, DRIFT, test_drift.test_what_a_tracker_loses_while_a_run_writes_to_it_waits_alone,
        guards=(
            APART,
            Guard(
                "a refused value waits", "prophet_hub.foreign.stands",
                "if parked(value):", "if False:",
            ),
        ),
    ),
    Failure(
        25, DRIFT, test_drift.test_a_field_that_is_mapped_later_is_filled_in_later,
        guards=(
            Guard(
                "what was never shown needs what is there", "prophet_hub.foreign.compose",
                "        stand = stands.get(name, Stand())\n",
                "        if shadow and name not in stands:\n            continue\n"
                "        stand = stands.get(name, Stand())\n",
            ),
        ),
    ),
    Failure(
        25, DRIFT, test_drift.test_a_field_that_goes_from_a_tracker_clears_nothing_elsewhere,
        given={"history": History.NONE},
        guards=(
            Guard(
                "what went with its field was cleared by nobody", "prophet_hub.foreign.lost",
                "if known and row.theirs not in known:", "if False:",
            ),
        ),
    ),
    Failure(
        26, "a reference names somebody else's ticket",
        test_links_between.test_links_and_texts_name_the_copy_and_never_a_strangers_number,
        guards=(
            Guard(
                "a link names the copy", "prophet_hub.foreign.side",
                "live = self.live(record, TICKET)\n        return live[0] if live else None",
                "live = [row.ref for _, row in self.items(record) if row.born]\n"
                "        return live[0] if live else None",
            ),
            Guard(
                "a reference becomes the twin's", "prophet_hub.foreign.texts",
                "if twin is not None and self._here:", "if False:",
            ),
            Guard(
                "no number means a stranger", "prophet_hub.foreign.texts",
                "return there.address(ticket) if strange else as_is", "return as_is",
            ),
        ),
    ),
    Failure(
        27, "a relation that shows at both its ends is made twice",
        test_links_between.test_a_relation_that_is_told_at_both_ends_is_made_once,
        given={"history": History.FULL, "born": False},
        guards=(
            Guard(
                "a version is compared", "prophet_hub.foreign.compose", "        version=version,\n", "",
            ),
            Guard(
                "an item is read again before a write", "prophet_hub.foreign.changer",
                "if not fresh and not compared:", "if False:",
            ),
        ),
    ),
    Failure(
        28, KEYS,
        test_strange_keys.test_two_hubs_that_know_nothing_of_each_other_leave_each_others_copies_alone,
        guards=(
            Guard(
                "a key that nobody here knows waits", "prophet_hub.foreign.keyed",
                "return UNKNOWN if is_unknown(side, ticket.key) else None", "return None",
                also=(
                    Guard(
                        "and it waits on", "prophet_hub.foreign.puller",
                        "if keyed.is_unknown(side, key):", "if False:",
                    ),
                ),
            ),
        ),
    ),
    Failure(
        28, KEYS, test_strange_keys.test_one_copy_too_many_of_our_own_waits_and_is_carried_nowhere,
        given={"sooner": False},
        guards=(
            Guard(
                "a second copy of our account's waits", "prophet_hub.foreign.keyed",
                "if ours and (wait := second(side, ticket.ref.id, ticket.key)):",
                "if (wait := None):",
            ),
        ),
    ),
    Failure(
        28, KEYS, test_what_waits.test_a_copy_too_many_is_one_also_when_the_first_is_gone,
        given={"how": "merged"},
        guards=(
            Guard(
                "also beside a copy that is gone", "prophet_hub.foreign.keyed",
                "for other in side.refs(record, TICKET):", "for other in ():",
            ),
        ),
    ),
    Failure(
        28, KEYS,
        test_what_waits.test_a_copy_too_many_is_one_also_while_the_first_could_not_be_read,
        guards=(
            Guard(
                "a create under way is of its own item", "prophet_hub.foreign.keyed",
                'intent.ref not in {"", ticket.ref.id}', "False",
            ),
        ),
    ),
    Failure(
        28, KEYS, test_what_waits.test_a_line_that_a_peer_made_untrue_goes,
        guards=(
            Guard(
                "a copy too many is one no more when a peer tells whose it is",
                "prophet_hub.foreign.puller",
                "if name != WHOLE or row.tag not in {keyed.ADOPT, keyed.SECOND}:",
                "if name != WHOLE or row.tag != keyed.ADOPT:",
            ),
        ),
    ),
    Failure(
        28, KEYS, test_strange_keys.test_a_ticket_that_was_cloned_with_its_key_is_a_ticket_of_its_own,
        guards=(
            Guard(
                "a key names its record unless another item is bound", "prophet_hub.foreign.items",
                "if record is None or self.side.refs(record, kind) else record",
                "if record is None else record",
            ),
        ),
    ),
    Failure(
        28, KEYS, test_strange_keys.test_a_line_above_a_comment_that_another_hub_wrote_is_not_ours,
        given={"keys": frozenset({TICKET}), "first": True},
        guards=(
            Guard(
                "a line means a record of its minute", "prophet_hub.foreign.reader",
                "if record and self._is_of_then(record, line) else None", "if record else None",
            ),
        ),
    ),
    Failure(
        28, KEYS, test_one_tracker_twice.test_the_same_query_of_the_same_tracker_twice_is_a_fault,
        given={"one": "x=1", "two": "x=1", "faults": 1},
        guards=(
            Guard(
                "a job has a tracker with a query once", "prophet_hub.jobs.remotes",
                'said.url.rstrip("/").lower(), query, scope', "said.url, query, scope, name",
            ),
        ),
    ),
    Failure(
        30, "an answer that comes late, or twice, takes back what is newer",
        test_late_answers.test_what_is_told_as_it_was_before_takes_no_newer_edit_back,
        given={"history": History.FULL},
        guards=(
            Guard(
                "what is told as it was before is read again", "prophet_hub.foreign.reader",
                "if shadow is None or updated >= shadow.updated:", "if True:",
            ),
            Guard(
                "what is told so twice in one run is one answer", "prophet_hub.foreign.reader",
                " and row.until != self.side.run", "",
            ),
        ),
    ),
    Failure(
        31, "two bots undo each other's work for ever",
        test_bots.test_two_bots_that_undo_each_other_are_parted_after_a_few_turns,
        guards=(
            Guard(
                "what flips is parked", "prophet_hub.foreign.stands",
                "if stand.flips >= FLIPS", "if False",
            ),
        ),
    ),
    Failure(
        32, "secrets are written down with what failed, or shown",
        test_secrets_kept.test_no_failure_writes_a_secret_down_or_shows_it,
        guards=(
            Guard(
                "a server's own words are scrubbed", "prophet_hub.sdk.answers",
                "said = http.scrub(_said(answer))", "said = _said(answer)",
            ),
            Guard(
                "a secret is scrubbed however it is quoted", "prophet_hub.sdk.http",
                'for form in (secret, quote(secret, safe=""), quote_plus(secret)):',
                "for form in (secret,):",
            ),
        ),
    ),
    Failure(
        33, "what a server answers leads the hub to a private address, or its token elsewhere",
        test_other_places.test_no_answer_leads_to_another_place_nor_the_token_away,
        given={"how": "redirect", "kind": "attachment"},
        guards=(
            Guard(
                "only named hosts", "prophet_hub.sdk.http",
                "if secure and named and is_public(host):", "if secure and is_public(host):",
            ),
            Guard(
                "only public addresses", "prophet_hub.sdk.http",
                "if secure and named and is_public(host):", "if secure and named:",
            ),
            Guard(
                "never out of TLS", "prophet_hub.sdk.http",
                "if secure and named and is_public(host):", "if named and is_public(host):",
            ),
            Guard(
                "credentials stay with their host", "prophet_hub.sdk.http",
                "proof = proof if urlsplit(url).hostname == urlsplit(call.url).hostname else {}",
                "pass",
            ),
        ),
    ),
    Failure(
        33, "what a server answers leads the hub to a private address, or its token elsewhere",
        test_other_places.test_no_answer_leads_to_another_place_nor_the_token_away,
        given={"how": "link", "kind": "attachment"},
        guards=(
            Guard(
                "an address of another host is not asked", "prophet_hub.sdk.http",
                "if origin_of(path) != origin_of(self.base_url):", "if False:",
            ),
        ),
    ),
    Failure(
        35, "a ticket that is opened again gets a second copy, for only open ones are looked for",
        test_bots.test_a_ticket_that_leaves_both_queries_and_comes_again_has_one_copy,
        guards=(
            Guard(
                "a copy is what was bound, open or closed", "prophet_hub.foreign.planner",
                "        refs = side.refs(record, TICKET)\n        if life and life.shown is None:",
                "        shadows = {ref: self.ledger.shadow(TICKET, ref) for ref in side.refs(record, TICKET)}\n"
                '        refs = [ref for ref, s in shadows.items() if not s or s.stands["status"].value == "open"]\n'
                "        if life and life.shown is None:",
                also=(
                    Guard(
                        "nothing is made twice", "prophet_hub.foreign.writer",
                        "if self.side.refs(record, place[0]) or not is_alive(cells):",
                        "if not is_alive(cells):",
                    ),
                ),
            ),
        ),
    ),
)  # fmt: skip
