"""What people do in the hub's own database: they write, and answer what they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prophet_hub.model.ids import of_item
from prophet_hub.sdk import TICKET
from prophet_hub.testing.simulation.steps import Step
from prophet_hub.testing.simulation.twin import HUB, Edit, token
from prophet_hub.testing.simulation.watched import TEXTS

if TYPE_CHECKING:
    from prophet_hub.testing.simulation.world import World

__all__ = ["answer", "write_in_the_hub"]


def write_in_the_hub(world: World, step: Step) -> str:
    """Writes a priority into the database, over whatever it shows."""
    replica, twin = world.hub.replica, world.twin
    home = twin.homes.get(step.ticket, "")
    for ref in twin.items(step.ticket, home):
        record = of_item(world.hub.tracker(world.trackers[home].name), TICKET, ref)
        if not replica.knows(record) or world.trackers[home].items[ref].private:
            return ""
        cell = replica.cell(record, "priority")
        shown = " ".join(str(head.value) for head in cell.heads) if cell else ""
        number = step.number * 10
        twin.edits[number] = Edit(
            number=number, thing=("ticket", step.ticket), prop="priority", ticket=step.ticket,
            at=HUB, who=step.who, moment=twin.tick(), saw=twin.known(shown),
        )  # fmt: skip
        author = f"{step.who}@example.org"
        replica.edit(record, TICKET, {("priority", ""): token(number)}, author=author)
        return f"{step.who} writes priority of ticket {step.ticket} in the hub: {token(number)!r} for {shown!r}"
    return ""


def answer(world: World, step: Step) -> str:
    """Decides a conflict in the database for one of its sides."""
    replica, twin = world.hub.replica, world.twin
    asked = [one for one in replica.conflicts() if one.cell.prop != "life"]
    if not asked:
        return ""
    one = asked[step.pick % len(asked)]
    heads = sorted(one.cell.heads, key=lambda head: (repr(head.value), head.id))
    taken = heads[step.pick // 10 % len(heads)]
    sides = [twin.known(replica.text(h.value)) for h in heads if h.value is not None]
    text = "" if taken.value is None else replica.text(taken.value)
    for number in twin.known(text):
        edit = twin.edits[number]
        edit.saw |= frozenset[int]().union(*sides) - {number}
    if one.cell.prop in TEXTS and not twin.known(text):
        for number in frozenset[int]().union(*sides):
            twin.edits[number].lost = "a person decided for nothing"
    twin.choices = [c for c in twin.choices if c.prop != one.cell.prop]
    replica.resolve(
        one.record, one.cell.prop, one.cell.member, taken.value, author=f"{step.who}@example.org"
    )
    return f"{step.who} answers in the hub: {one.cell.prop} is {text!r}"
