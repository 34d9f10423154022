"""What people do at trackers: each kind of step, done, and told to the twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from prophet_hub.errors import RemoteError
from prophet_hub.sdk import Value
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.items import Item, Note
from prophet_hub.testing.simulation.hubs import back_up, exchange, pass_claim, put_back
from prophet_hub.testing.simulation.in_the_hub import answer, write_in_the_hub
from prophet_hub.testing.simulation.setting import PEOPLE, STATUSES
from prophet_hub.testing.simulation.steps import Step
from prophet_hub.testing.simulation.twin import Edit, Thing, texts_in, token
from prophet_hub.testing.simulation.watched import Watched

if TYPE_CHECKING:
    from prophet_hub.testing.simulation.world import World

__all__ = ["act"]

_TALK = (
    "the printer is on fire", "it came back", "mail @eve and @bob", "a claim as bold as brass",
    "no", "who has the key?", "not again, please",
)  # fmt: skip
_LONG = (
    "first\n\nand second", "> quoted\n\nand answered", "see *here*", "ask @jesse, he knows",
)  # fmt: skip
_PROPS = ("summary", "summary", "description", "priority")
_FAULTS = (
    Fault(what=What.CUT), Fault(what=What.CUT, times=9), Fault(what=What.LOST, method="POST"),
    Fault(what=What.LOST, method="PUT|DELETE"), Fault(what=What.LOST, times=2),
    Fault(what=What.LIMITED), Fault(what=What.LIMITED, retry_after="30", times=9),
    Fault(what=What.STATUS, status=503), Fault(what=What.STATUS, status=500, times=9),
    Fault(what=What.GARBLED), Fault(what=What.TRUNCATED, method="POST|PUT"),
)  # fmt: skip


def act(world: World, step: Step) -> str:
    """Lets somebody do what the step says; returns a line for the story, "" if it cannot be done."""
    tracker = world.trackers[step.at]
    try:
        if step.kind in _IN_THE_HUB:
            return _IN_THE_HUB[step.kind](world, step)
        if step.kind in _ANYWHERE:
            return _ANYWHERE[step.kind](world, tracker, step)
        found = _found(world, step)
        return _AT_TICKETS[step.kind](world, *found, step) if found else ""
    except RemoteError as error:
        return f"{step.who} would {step.kind} at {step.at}: {error.sentence}"


def _found(world: World, step: Step) -> tuple[Watched, Item] | None:
    """Returns the step's ticket where it shall happen, or where it was born; gone ones are passed over."""
    for name in (step.at, world.twin.homes.get(step.ticket, "")):
        for ref in world.twin.items(step.ticket, name):
            tracker = world.trackers[name]
            if not tracker.items[ref].gone:
                return tracker, tracker.items[ref]
    return None


# --- what is told to the twin ---


def _told(
    world: World, tracker: Watched, item: Item, step: Step, thing: Thing, prop: str, *,
    nth: int = 0, saw: str = "", private: bool = False,
) -> None:  # fmt: skip
    """Notes a text that somebody is about to write, and what they had before their eyes."""
    twin, number = world.twin, step.number * 10 + nth
    twin.edits[number] = Edit(
        number=number, thing=thing, prop=prop, ticket=twin.tickets[tracker.name, item.id],
        at=tracker.name, who=step.who, moment=twin.tick(), saw=twin.known(saw),
        private=private or item.private,
    )  # fmt: skip


def _words(step: Step, nth: int = 0, talk: tuple[str, ...] = _TALK) -> str:
    return f"{token(step.number * 10 + nth)} {talk[step.pick // 7 % len(talk)]}"


def _status(tracker: Watched, pick: int) -> str:
    ours = STATUSES[pick % len(STATUSES)]
    return next((theirs for theirs, word in tracker.remote.words if word == ours), ours)


# --- what needs no ticket ---


def _create(world: World, tracker: Watched, step: Step) -> str:
    private = step.pick % 11 == 0 and tracker.knobs.private_comments
    fields: dict[str, Value] = {
        "summary": _words(step, 0), "description": _words(step, 1, _LONG),
        "status": _status(tracker, 0), "queue": "in", "owner": PEOPLE[step.pick % 3],
    }  # fmt: skip
    if step.pick % 3 == 0 or "priority" in tracker.knobs.required:
        fields["priority"] = token(step.number * 10 + 2)
    ref = tracker.create(step.who, fields, private=private)
    world.twin.homes[step.number] = tracker.name
    world.twin.tickets[tracker.name, ref] = step.number
    for nth, prop in enumerate(("summary", "description", "priority")):
        if prop in fields:
            thing = "ticket", step.number
            _told(world, tracker, tracker.items[ref], step, thing, prop, nth=nth)
    return f"{step.who} makes ticket {step.number} as {tracker.name}/{ref}{' in private' * private}"


def _wait(world: World, _tracker: Watched, step: Step) -> str:
    seconds = (1, 1, 59, 61, 3600)[step.pick % 5]
    world.wait(seconds)
    return f"{seconds} seconds pass"


def _fault(_world: World, tracker: Watched, step: Step) -> str:
    model = _FAULTS[step.pick % len(_FAULTS)]
    nth = 1 + step.pick // 100 % 6
    tracker.fault(
        Fault(what=model.what, method=model.method, nth=nth, times=model.times,
              status=model.status, retry_after=model.retry_after)
    )  # fmt: skip
    return f"{tracker.name}: {model.what} at request {nth}, {model.times} times"


def _lock_out(_world: World, tracker: Watched, _step: Step) -> str:
    tracker.lock_out()
    return f"{tracker.name} takes the hub's password no more"


# --- what is done to a ticket ---


def _write(world: World, tracker: Watched, item: Item, step: Step) -> str:
    prop = _PROPS[step.pick % len(_PROPS)]
    text = (
        token(step.number * 10)
        if prop == "priority"
        else _words(step, talk=_LONG if prop == "description" else _TALK)
    )
    old = " ".join(texts_in(item.fields.get(prop)))
    tracker.update(step.who, item.id, {prop: text})
    thing = "ticket", step.ticket
    _told(world, tracker, item, step, thing, prop, saw=old)
    return f"{step.who} writes {prop} of {_place(tracker, item, step)}: {text!r} for {old!r}"


def _choose(tracker: Watched, item: Item, step: Step, prop: str, value: str) -> str:
    tracker.update(step.who, item.id, {prop: value})
    return f"{step.who} sets {prop} of {_place(tracker, item, step)} to {value}"


def _set_status(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    return _choose(tracker, item, step, "status", _status(tracker, step.pick))


def _set_owner(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    return _choose(tracker, item, step, "owner", PEOPLE[step.pick % len(PEOPLE)])


def _label(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    word = ("red", "green")[step.pick % 2]
    there = word in texts_in(item.fields.get("labels"))
    way = {"labels": [word]}
    if there:
        tracker.update(step.who, item.id, removed=way)
    else:
        tracker.update(step.who, item.id, added=way)
    return (
        f"{step.who} {'takes' if there else 'gives'} {_place(tracker, item, step)} the label {word}"
    )


def _link(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    others = [one.id for one in tracker.items.values() if one is not item and not one.gone]
    if not others:
        return ""
    other = others[step.pick % len(others)]
    tracker.update(step.who, item.id, added={"depends_on": [other]})
    return f"{step.who} says that {_place(tracker, item, step)} depends on {tracker.name}/{other}"


def _comment(world: World, tracker: Watched, item: Item, step: Step) -> str:
    private = step.pick % 5 == 0 and tracker.knobs.private_comments
    text = _words(step, talk=_TALK + _LONG)
    ref = tracker.comment(step.who, item.id, text, private=private)
    world.twin.comments[tracker.name, ref] = step.number
    thing = "comment", step.number
    _told(world, tracker, item, step, thing, "body", private=private)
    how = " in private" * private
    return f"{step.who} comments on {_place(tracker, item, step)}{how}: {text!r}"


def _edit_comment(world: World, tracker: Watched, item: Item, step: Step) -> str:
    mine = [note for note in item.comments if (tracker.name, note.id) in world.twin.comments]
    if not mine:
        return ""
    note: Note = mine[step.pick % len(mine)]
    thing = "comment", world.twin.comments[tracker.name, note.id]
    known = sorted(world.twin.known(note.body))
    if not known:
        return ""
    old = note.body
    text = old[: old.index(token(known[0]))] + _words(step)
    tracker.edit_comment(step.who, item.id, note.id, text)
    _told(world, tracker, item, step, thing, "body", saw=old, private=note.private)
    return f"{step.who} edits comment {thing[1]} of {_place(tracker, item, step)}: {text!r}"


def _attach(world: World, tracker: Watched, item: Item, step: Step) -> str:
    private = step.pick % 7 == 0 and tracker.knobs.private_comments
    data = f"{token(step.number * 10)} bytes".encode()
    tracker.attach(step.who, item.id, f"{step.number}.txt", data, private=private)
    _told(world, tracker, item, step, ("file", step.number), "data", private=private)
    return f"{step.who} attaches file {step.number} to {_place(tracker, item, step)}{' in private' * private}"


def _delete(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    tracker.delete(step.who, item.id)
    return f"{step.who} deletes {_place(tracker, item, step)}"


def _restore(world: World, tracker: Watched, step: Step) -> str:
    for ref in world.twin.items(step.ticket, tracker.name):
        if tracker.items[ref].gone and not tracker.items[ref].merged_into:
            tracker.restore(step.who, ref)
            return f"{step.who} brings ticket {step.ticket} ({tracker.name}/{ref}) back"
    return ""


def _merge(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    others = [
        one.id
        for one in tracker.items.values()
        if one is not item and not one.gone and one.private == item.private
    ]
    if not others:
        return ""
    into = others[step.pick % len(others)]
    tracker.merge(step.who, item.id, into)
    return f"{step.who} makes {_place(tracker, item, step)} a part of {tracker.name}/{into}"


def _clash(world: World, tracker: Watched, item: Item, step: Step) -> str:
    """Somebody writes the same field in another tracker, before either has seen the other's."""
    one = _write(world, tracker, item, step)
    names = [name for name in world.trackers if name != tracker.name]
    name = names[step.pick % len(names)]
    who = PEOPLE[(PEOPLE.index(step.who) + 1) % len(PEOPLE)]
    other = replace(step, number=step.number * 1000 + 999, at=name, who=who)
    found = _found(world, other)
    if found is None or found[0] is tracker:
        return one
    return f"{one}\n{_write(world, *found, other)}"


def _poison(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    if tracker.knobs.inline:
        return ""  # its listings are whole tickets: nothing in them is one ticket's alone
    tracker.poisoned.add(item.id)
    return f"{_place(tracker, item, step)} cannot be read any more"


def _move(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    tracker.update(step.who, item.id, {"queue": "out"})
    return f"{step.who} moves {_place(tracker, item, step)} out of the query"


def _back(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    tracker.update(step.who, item.id, {"queue": "in"})
    return f"{step.who} moves {_place(tracker, item, step)} into the query"


def _hide(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    tracker.hide(item.id)
    return f"the hub may not see {_place(tracker, item, step)} any more"


def _show(_world: World, tracker: Watched, item: Item, step: Step) -> str:
    tracker.hide(item.id, hidden=False)
    return f"the hub may see {_place(tracker, item, step)}"


def _place(tracker: Watched, item: Item, step: Step) -> str:
    return f"ticket {step.ticket} ({tracker.name}/{item.id})"


_ANYWHERE: Mapping[str, Callable[[World, Watched, Step], str]] = {
    "create": _create,
    "wait": _wait,
    "fault": _fault,
    "lock out": _lock_out,
    "restore": _restore,
}
_IN_THE_HUB: Mapping[str, Callable[[World, Step], str]] = {
    "write in the hub": write_in_the_hub,
    "answer": answer,
    "exchange": exchange,
    "pass claim": pass_claim,
    "back up": back_up,
    "put back": put_back,
}
_AT_TICKETS: Mapping[str, Callable[[World, Watched, Item, Step], str]] = {
    "write": _write,
    "status": _set_status,
    "owner": _set_owner,
    "label": _label,
    "link": _link,
    "comment": _comment,
    "edit comment": _edit_comment,
    "attach": _attach,
    "delete": _delete,
    "clash": _clash,
    "merge": _merge,
    "poison": _poison,
    "move": _move,
    "back": _back,
    "hide": _hide,
    "show": _show,
}
