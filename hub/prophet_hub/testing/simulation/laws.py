"""What must hold after every quiet sync, whatever happened before: each law a function of a world.

A law yields a sentence for everything that breaks it.  What no hub can help is excused for the very
text or field that met the cause, and counted; an excuse never covers a world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from prophet_hub.sdk import History
from prophet_hub.testing.simulation.laws_of_readers import (
    no_author_is_invented,
    nobody_is_called,
    nothing_private_is_public,
    quoted,
)
from prophet_hub.testing.simulation.laws_of_runs import (
    brakes_hold,
    hubs_show_the_same,
    poison_stops_only_itself,
    requests_stay_in_the_budget,
    the_second_run_is_idle,
)
from prophet_hub.testing.simulation.looking import (
    ASKED,
    FIELDS,
    RULED,
    STRAYED,
    Copy,
    Sight,
    short,
    spoken,
)
from prophet_hub.testing.simulation.setting import FILLED
from prophet_hub.testing.simulation.twin import Choice, Edit, Thing, tokens

if TYPE_CHECKING:
    from prophet_hub.testing.simulation.world import World

__all__ = ["LAWS", "Law"]

Law = Callable[["World", Sight], Iterator[str]]


# --- the trackers agree ---


def trackers_agree(world: World, sight: Sight) -> Iterator[str]:
    """Every mapped field shows the same in every tracker, unless people are asked or told why not."""
    for ticket in sight.tickets:
        copies = sight.live(ticket)
        for prop in FIELDS:
            yield from _agree(world, sight, ticket, prop, copies)


def _agree(world: World, sight: Sight, ticket: int, prop: str, copies: list[Copy]) -> Iterator[str]:
    carried = [one for one in copies if prop not in one.tracker.remote.without]
    written = [one for one in carried if one.tracker.remote.direction != "pull"]
    for one, other in pairwise(written):
        if sight.shows(one, prop) == sight.shows(other, prop):
            continue
        cause = _why_apart(sight, one, other, prop)
        if not cause:
            yield (
                f"{prop} of ticket {ticket}: {one} shows {one.item.fields.get(prop)!r}, "
                f"{other} shows {other.item.fields.get(prop)!r}"
            )
        else:
            world.excused[cause] += 1


def _why_apart(sight: Sight, one: Copy, other: Copy, prop: str) -> str:
    if sight.ticket(one) in sight.strayed:
        return STRAYED
    if not _is_in_query(one) or not _is_in_query(other):
        return "a ticket that no query tells any more"
    for copy in (one, other):
        if copy.item.private:
            return "a ticket that is private"
    if prop == "priority" and {one.item.fields.get(prop), other.item.fields.get(prop)} == {
        None,
        FILLED,
    }:
        return "a rule filled it in where a tracker demands it"
    return sight.excuse([one, other], prop)


def tickets_are_everywhere(world: World, sight: Sight) -> Iterator[str]:
    """A ticket that a query tells stands in every tracker in which the job may create it."""
    for ticket, copies in sight.tickets.items():
        home = next((one for one in copies if one.tracker.name == world.twin.homes[ticket]), None)
        if home is None or not _is_told(home) or home.item.private:
            continue
        for tracker in world.trackers.values():
            use = tracker.remote
            if any(one.tracker is tracker for one in copies):
                continue
            if use.direction == "pull" or not use.creates:
                continue
            cause = _why_absent(sight, home, tracker.name)
            if not cause:
                yield f"ticket {ticket} of {home} is not in {tracker.name}"
            else:
                world.excused[cause] += 1


def _is_told(copy: Copy) -> bool:
    shown = not copy.item.gone and not copy.item.hidden
    return shown and _is_in_query(copy) and copy.tracker.remote.direction != "push"


def _is_in_query(copy: Copy) -> bool:
    return not copy.tracker.remote.query or copy.item.fields.get("queue") == "in"


def _why_absent(sight: Sight, home: Copy, remote: str) -> str:
    ticket = sight.world.twin.tickets[home.tracker.name, home.item.id]
    if home.tracker.is_missed(home.item):
        return "hidden when it was new, and shown when no listing told it any more"
    if (sight.record(home), "life") in sight.conflicts:
        return "a question of life that people see"
    if ticket in sight.world.twin.ended and sight.is_dead(home):
        return "a ticket that somebody deleted before it was everywhere"
    if (sight.record(home), "summary") in sight.conflicts:
        return ASKED  # it is made without the texts about which people are asked
    lines = [
        line for at in (remote, home.tracker.name)
        for line in sight.waiting.get((at, sight.record(home)), ())
    ]  # fmt: skip
    return next((f"inbox: {short(reason)}" for _, reason in lines), "")


def comments_are_everywhere(world: World, sight: Sight) -> Iterator[str]:
    """A comment or file stands in every copy of its ticket, where it may."""
    for thing in sorted({edit.thing for edit in world.twin.edits.values()}):
        if thing[0] == "ticket":
            continue
        born = world.twin.edits[thing[1] * 10]
        copies = sight.tickets.get(born.ticket, [])
        home = next((one for one in copies if one.tracker.name == born.at), None)
        if home is None or not _is_told(home) or not sight.holds(home.tracker, thing):
            continue
        for copy in sight.live(born.ticket):
            use = copy.tracker.remote
            if use.direction == "pull" or sight.holds(copy.tracker, thing):
                continue
            if born.private and use.audience != "private":
                world.excused["private, and stays where it is"] += 1
            elif cause := _why_alone(sight, copies, copy, thing):
                world.excused[cause] += 1
            else:
                yield f"{thing[0]} {thing[1]} of ticket {born.ticket} at {home} is not at {copy}"


def _why_alone(sight: Sight, copies: list[Copy], copy: Copy, thing: Thing) -> str:
    if any(one.item.gone for one in copies):
        return "a ticket that somebody deleted"
    if not _is_in_query(copy):
        return "a ticket that no query tells any more"
    if any(one.item.private for one in copies):
        return "a ticket that is private"
    return sight.excuse(copies, "") or sight.excuse_part(copy.tracker.name, thing)


# --- nothing is doubled ---


def nothing_is_doubled(world: World, sight: Sight) -> Iterator[str]:
    """A tracker holds a ticket, a comment, a file once."""
    world.excused[STRAYED] += len(sight.strayed)
    for ticket, copies in sight.tickets.items():
        counts = Counter(one.tracker.name for one in copies if not one.item.gone)
        for name, count in counts.items():
            if count > 1 and ticket not in sight.strayed:
                yield f"ticket {ticket} stands {count} times in {name}"
    for tracker in world.trackers.values():
        items = [
            item for item in tracker.items.values()
            if not item.gone and sight.ticket(Copy(tracker, item)) not in sight.strayed
        ]  # fmt: skip
        notes = Counter(
            world.twin.comments.get((tracker.name, note.id)) for i in items for note in i.comments
        )
        files = Counter(file.data for item in items for file in item.attachments)
        for number, count in notes.items():
            if number is not None and count > 1:
                yield f"comment {number} stands {count} times in {tracker.name}"
        for data, count in files.items():
            if count > 1:
                yield f"{data.decode()} stands {count} times in {tracker.name}"


# --- nothing is gone ---


def nothing_is_gone(world: World, sight: Sight) -> Iterator[str]:
    """What a person wrote stands in a tracker, in a story that one tells, or in the hub's log."""
    found = set(sight.logged)
    for tracker in world.trackers.values():
        for item in tracker.items.values():
            shown = (
                [*spoken(item)]
                if tracker.knobs.history is History.FULL
                else [*map(str, item.fields.values())]
            )
            shown += [note.body for note in item.comments]
            shown += [file.data.decode() for file in item.attachments]
            found.update(number for text in shown for number in tokens(text))
    for number, edit in world.twin.edits.items():
        if number in found or not _is_mapped(world, edit):
            continue
        if cause := _why_gone(world, edit):
            world.excused[cause] += 1
        else:
            yield f"{quoted(edit)} is gone"


def _is_mapped(world: World, edit: Edit) -> bool:
    """Whether an edit was made where the job carries its field from."""
    return not edit.at or edit.prop not in world.trackers[edit.at].remote.without


def _why_gone(world: World, edit: Edit) -> str:
    if edit.lost:
        return edit.lost
    if edit.gone is not None and not world.trackers[edit.at].looked(edit, edit.gone):
        return "written and taken away by people between two readings"
    return ""


def the_last_word_stands(world: World, sight: Sight) -> Iterator[str]:
    """Of what people wrote in a text the latest is shown; where they did not see each other's, they are asked."""
    cells = {(e.thing, e.prop) for e in world.twin.edits.values() if _is_mapped(world, e)}
    for thing, prop in sorted(cells):
        kind, number = thing
        if kind != "ticket":
            continue
        heads = world.twin.heads(thing, prop)
        copies = [one for one in sight.live(number) if prop not in one.tracker.remote.without]
        shown = {n for one in copies for n in tokens(str(one.item.fields.get(prop, "")))}
        missing = [
            edit
            for edit in heads
            if edit.number not in shown and not edit.lost and _is_mapped(world, edit)
        ]
        if not missing or all(one.tracker.remote.direction == "pull" for one in copies):
            continue
        if any(one.item.gone or one.item.hidden for one in sight.tickets[number]):
            world.excused["a ticket that somebody deleted or hid"] += 1
        elif world.setting.policy != "ask" and len(missing) < len(heads):
            world.excused[RULED] += 1
        elif all(_looked_apart(world, sight, edit) for edit in missing):
            world.excused["set behind our write, told by no story, and a policy took ours"] += 1
        elif not (cause := sight.excuse(copies, prop)):
            yield f"{quoted(missing[0])} is shown nowhere, and nobody is asked"
        elif cause == ASKED and world.setting.policy == "ask" and any(e.at for e in missing):
            yield f"{quoted(missing[0])} is shown nowhere before the question is answered"
        else:
            world.excused[cause] += 1


def _looked_apart(world: World, sight: Sight, edit: Edit) -> bool:
    """Whether nothing told that an edit saw what we wrote, so that a policy could take ours."""
    told = not edit.at or world.trackers[edit.at].knobs.history is History.FULL
    return not told and edit.number in sight.overruled


def the_last_choice_stands(world: World, sight: Sight) -> Iterator[str]:
    """Of a field of few words, set in one tracker alone, the last setting is shown everywhere."""
    cells: dict[tuple[int, str], list[Choice]] = {}
    for choice in world.twin.choices:
        cells.setdefault((choice.ticket, choice.prop), []).append(choice)
    for (ticket, prop), choices in cells.items():
        last = choices[-1]
        if prop not in FIELDS or ticket not in sight.tickets or len({c.at for c in choices}) > 1:
            continue
        made = next(one for one in sight.tickets[ticket] if one.tracker.name == last.at)
        if last.lost or made.item.gone or made.item.hidden or not _is_in_query(made):
            continue
        for copy in sight.live(ticket):
            if sight.in_words(copy, prop, copy.item.fields.get(prop)) == sight.in_words(
                made, prop, last.value
            ):
                continue
            if copy.tracker.remote.direction == "pull" and copy.tracker is not made.tracker:
                continue
            cause = _why_apart(sight, copy, made, prop) or _why_not_chosen(sight, made, prop)
            if not cause:
                yield f"{prop} of ticket {ticket}, which {last.at} alone set to {last.value!r}, is {copy.item.fields.get(prop)!r} at {copy}"
            else:
                world.excused[cause] += 1


def _why_not_chosen(sight: Sight, made: Copy, prop: str) -> str:
    """Why what was set in one tracker alone is not shown there: it met a value of the ticket's birth
    that the tracker never showed, or no story tells that whoever set it saw our write.
    """
    knobs = made.tracker.knobs
    shown = prop != "owner" or "knows few" not in made.tracker.remote.traits
    if shown and knobs.history is History.FULL:
        return ""
    return RULED if (sight.record(made), prop) in sight.ruled else ""


LAWS: Mapping[str, Law] = {
    "the trackers agree": trackers_agree,
    "tickets are everywhere": tickets_are_everywhere,
    "comments are everywhere": comments_are_everywhere,
    "nothing is doubled": nothing_is_doubled,
    "nothing is gone": nothing_is_gone,
    "the last word stands": the_last_word_stands,
    "the last choice stands": the_last_choice_stands,
    "no author is invented": no_author_is_invented,
    "nothing private is public": nothing_private_is_public,
    "nobody is called": nobody_is_called,
    "brakes hold": brakes_hold,
    "the second run is idle": the_second_run_is_idle,
    "requests stay in the budget": requests_stay_in_the_budget,
    "poison stops only itself": poison_stops_only_itself,
    "hubs show the same": hubs_show_the_same,
}
"""Name -> law, in the order in which they are looked at."""
