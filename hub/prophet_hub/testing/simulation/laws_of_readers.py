"""Of the laws those about people: whose word something is, who may read it, who is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prophet_hub.foreign.attribution import parse
from prophet_hub.sdk import History
from prophet_hub.testing.items import ACCOUNT
from prophet_hub.testing.simulation.looking import Sight, spoken
from prophet_hub.testing.simulation.twin import Edit, tokens

if TYPE_CHECKING:
    from prophet_hub.testing.simulation.world import World

__all__ = ["no_author_is_invented", "nobody_is_called", "nothing_private_is_public", "quoted"]


def quoted(edit: Edit) -> str:
    """Returns an edit in words."""
    return f"w{edit.number}x, which {edit.who} wrote as {edit.prop} of {edit.thing[0]} {edit.thing[1]} at {edit.at}"


# --- whose word it is ---


def no_author_is_invented(world: World, sight: Sight) -> Iterator[str]:
    """Whoever is named as the author of a text wrote it."""
    for number, authors in sight.logged.items():
        edit = world.twin.edits.get(number)
        if edit is None:
            continue
        allowed = {f"{edit.who}@example.org", edit.at}
        strange = sorted(a for a in authors - allowed if "@example.org" in a)
        if strange and _is_birth(world, edit, strange):
            world.excused["what no event told before the first reading belongs to the birth"] += 1
        elif strange == [f"{ACCOUNT}@example.org"] and edit.ticket in world.twin.forgotten:
            world.excused["a restored hub does not know its own old writes"] += 1
        elif strange:
            yield f"{quoted(edit)} is {strange[0]}'s in the hub's log"
    yield from _named_in_comments(world)


def _is_birth(world: World, edit: Edit, named: list[str]) -> bool:
    """Whether an edit that no event tells was read as what its ticket or comment was born with."""
    if not edit.at:
        return False
    kind, number = edit.thing
    told = kind == "ticket" and world.trackers[edit.at].knobs.history is History.FULL
    copied = edit.at != world.twin.edits[number * 10].at
    born = ACCOUNT if copied else world.twin.edits[number * 10].who
    return not told and named == [f"{born}@example.org"]


def _named_in_comments(world: World) -> Iterator[str]:
    for tracker in world.trackers.values():
        for item in tracker.items.values():
            for note in item.comments:
                thing = world.twin.comments.get((tracker.name, note.id))
                if thing is None:
                    continue
                born = next(e for e in world.twin.edits.values() if e.thing == ("comment", thing))
                if born.at == tracker.name:
                    continue
                line, _ = parse(note.body)
                named = line.author.lower() if line and note.author == ACCOUNT else note.author
                if named != born.who:
                    yield f"{quoted(born)} is {named}'s in {tracker.name}"


# --- who may read it ---


def nothing_private_is_public(world: World, sight: Sight) -> Iterator[str]:
    """What was written in private stands nowhere where more people read."""
    del sight
    secret = {number: edit for number, edit in world.twin.edits.items() if edit.private}
    for tracker in world.trackers.values() if secret else ():
        narrow = tracker.remote.audience == "private"
        for item in tracker.items.values():
            texts = [(text, item.private) for text in spoken(item)]
            texts += [(note.body, note.private or item.private) for note in item.comments]
            texts += [
                (f"{f.name} {f.data.decode()}", f.private or item.private) for f in item.attachments
            ]
            for text, private in texts:
                for number in tokens(text) & secret.keys():
                    edit = secret[number]
                    homes = {edit.at, world.twin.homes[edit.ticket], world.twin.home(edit.thing)}
                    here = tracker.name in homes
                    kept = private or (narrow and not tracker.knobs.private_comments)
                    if not kept or not (here or narrow):
                        yield f"{quoted(edit)} in private can be read in {tracker.name}/{item.id}"


def nobody_is_called(world: World, sight: Sight) -> Iterator[str]:
    """Nobody gets mail because a text that the hub carried names them."""
    del sight
    for tracker in world.trackers.values():
        for who, ref in tracker.called:
            yield f"{who} was called by the hub in {tracker.name}/{ref}"
