"""What a ticket's status needs beside its value: a way there, what is demanded on it, a way back.

Called on what was composed, for the plan and again just before something is sent.  A status that
cannot be had waits in the inbox, alone: the rest of the ticket goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import msgspec

from prophet_hub.foreign import workflow
from prophet_hub.foreign.compose import Cells, Composed
from prophet_hub.foreign.fill import Rules, remedy, slots_of
from prophet_hub.foreign.rows import NOBODY, WAY, Sent, Shadow, Stand, Waiting, slot, split
from prophet_hub.foreign.side import Side
from prophet_hub.foreign.steps import FieldPlan
from prophet_hub.foreign.translate import CLOSED
from prophet_hub.foreign.workflow import Blocked, Way
from prophet_hub.sdk import TICKET, Field
from prophet_hub.values import PRESENT

__all__ = ["Statuses"]

_STUCK: Final = 'It stands at "{0}", on its way from "{1}", and no way leads back.'


class Statuses:
    """The statuses of one remote; what waits is noted under `tag`."""

    def __init__(self, side: Side, tag: str = WAY) -> None:
        self.tag = tag
        self.side, self.tracker, self.rules = side, side.workflow, side.spec.fill
        row = side.fields[TICKET].ours("status")
        self.row = None if row is None or row.kind.many else row

    def prepare(self, ref: str, cells: Cells, shadow: Shadow | None, need: Composed) -> None:
        """Puts the way to its status into what a ticket needs, or takes the status out of it."""
        row = self.row
        if shadow is None:
            self._new(cells, need)
            return
        if row is None or row.theirs in need.absorb:
            return
        stand = shadow.stands.get(row.theirs, Stand())
        sent = need.send.get(row.theirs)
        if sent is not None and sent.value is not None:
            _Ticket(self, row, stand, shadow, cells, need).forward(sent, self._held(ref, row))
        if stand.origin and row.theirs not in {*need.send, *need.absorb}:
            _Ticket(self, row, stand, shadow, cells, need).backward()

    def _new(self, cells: Cells, need: Composed) -> None:
        """Fills in what a create does not say: the rules for new tickets, and for its status."""
        status = need.send.get(self.row.theirs) if self.row else None
        rules = {**self.rules.create, **(self.of(status.value) if status and status.value else {})}
        for name, sent, plan in self.fills(rules, Shadow(), cells, need, creating=True):
            _put(need, name, sent, plan)

    def lacks(self, send: Mapping[str, Sent]) -> str:
        """Returns the sentences on what a new ticket must say and a create did not; asks."""
        said = {split(name)[0] for name in send}
        told = ""
        for theirs in sorted(self.tracker.required() - said):
            row = self.side.fields[TICKET].theirs(theirs)
            told += " " + remedy(self.side.spec.name, row.ours if row else theirs)
        return told

    def of(self, step: str) -> Rules:
        """Returns the rules for entering a status."""
        return self.rules.of(self.ours(step), step)

    def ours(self, word: str) -> str:
        """Returns our word for a status."""
        return self.side.words.decode(self.row, word) if self.row else word

    def known(self, stand: Stand | None, target: str) -> str:
        """Returns what is known where a status is refused, as a short text; asks the tracker.

        It is tried again when that changes: the value, the table, the workflow or the rules, or
        when somebody moves the ticket.
        """
        schema, values = self.tracker.schema, self.row.values if self.row else ()
        start = (stand.origin or stand.value) if stand else None
        return workflow.digest(
            start, target, values, schema.transitions, schema.requires, self.rules.entering
        )

    def fills(
        self, rules: Rules, shadow: Shadow, cells: Cells, need: Composed, *, creating: bool = False
    ) -> list[tuple[str, Sent, FieldPlan]]:
        """Returns what rules put into fields of which nothing is said."""
        said = {split(name)[0] for name, sent in need.send.items() if sent.value is not None}
        found = []
        for row, member, value in slots_of(rules, self.side.fields[TICKET]):
            if row.theirs in said or shows(shadow, row):
                continue
            if not row.takes(new=creating):
                continue
            name, cell = slot(row.theirs, member), cells.get((row.ours, member))
            stand = shadow.stands.get(name, Stand())
            gone = frozenset(h.id for h in cell.heads if h.value is None) if cell else NOBODY
            sent = Sent(PRESENT if member else value, stand.ids | gone, was=stand.value, fills=True)
            plan = FieldPlan(ours=row.ours, theirs=row.theirs, before=stand.value,
                             after=member or value, filled=True)  # fmt: skip
            found.append((name, sent, plan))
        return found

    # --- what waits -----------------------------------------------------------------------------

    def note(self, ref: str, need: Composed, later: Callable[[Callable[[], None]], None]) -> None:
        """Writes down a status that waits; nothing is written where it waits so already."""
        if need.blocked is not None and self.row is not None:
            told, held = need.blocked, self._held(ref, self.row)
            if held is None or (held.reason, held.value, held.until) != (
                told.reason, told.value, told.until,
            ):  # fmt: skip
                later(partial(self.park, ref, told))

    def park(self, ref: str, told: Blocked) -> None:
        """Puts a status into the inbox."""
        side, field = self.side, self.row.ours if self.row else told.slot
        side.ledger.wait(
            TICKET, ref, told.slot, told.reason, now=side.now(), record=side.record(TICKET, ref),
            field=field, value=told.value, parked=True, tag=self.tag, until=told.until,
        )  # fmt: skip
        side.waiting.add((TICKET, ref))

    def refused(self, ref: str, way: Way, why: str, shadow: Shadow) -> None:
        """Lets a status wait whose next step was refused: until what is known changes.

        Nothing is noted where the tracker was not asked yet what the step demands: that is looked
        at before anything waits.  Where the way back is refused the ticket stays where it is.
        """
        step, tracker, side = way.steps[0], self.tracker, self.side
        if not tracker.asked and tracker.schema.requires.get(step):
            return
        stand, target = shadow.stands.get(way.slot, Stand()), way.target
        told = f'"{step}" was refused: {why}'
        if step != target:
            told = f'On the way to "{target}" {told}'
        offered = shadow.reachable
        if offered is None and stand.value:
            offered = tracker.ways.get(stand.value)
        if offered is not None:
            told += f' From "{stand.value}" it offers {workflow.named(offered) or "nothing"}.'
        with side.transaction():
            if way.back:
                held = side.ledger.waiting(TICKET, ref, way.slot)
                target = (held.value if held else None) or target
                told = f"{held.reason} {told}" if held else told
                stand = msgspec.structs.replace(stand, origin="")
                stands = {**shadow.stands, way.slot: stand}
                new = msgspec.structs.replace(shadow, stands=stands)
                side.ledger.set_shadow(TICKET, ref, new)
            until = self.known(stand, target)
            self.park(ref, Blocked(slot=way.slot, value=target, reason=told, until=until))

    def _held(self, ref: str, row: Field) -> Waiting | None:
        if (TICKET, ref) not in self.side.waiting:
            return None
        held = self.side.ledger.waiting(TICKET, ref, row.theirs)
        return held if held and held.tag == self.tag and held.parked else None


class _Ticket:
    """One ticket's status."""

    def __init__(
        self, all_: Statuses, row: Field, stand: Stand, shadow: Shadow, cells: Cells, need: Composed
    ) -> None:
        self.all, self.row, self.stand = all_, row, stand
        self.shadow, self.cells, self.need = shadow, cells, need

    def forward(self, sent: Sent, held: Waiting | None) -> None:
        """Finds the way to the value that is to be sent, or says why it waits."""
        all_, stand, target = self.all, self.stand, sent.value or ""
        until = all_.known(stand, target) if held else ""  # what waits was not had for the asking
        if held and held.until and held.until == until:
            self._blocked(target, held.reason, until)
            return
        steps = self._steps(target)
        if steps is None and self.shadow.reachable is None and not stand.origin:
            steps = (target,)  # a graph may be drawn from a few tickets; the tracker says no itself
        if steps == ():  # what stands there means the same, and nothing leads to the word preferred
            ids = stand.ids | sent.ids
            new = msgspec.structs.replace(stand, ids=ids, was=stand.value, origin="")
            self.need.absorb[self.row.theirs] = new
            _without(self.need, self.row.theirs)
            return
        why = self._lacking(steps) if steps else workflow.sentence(
            stand.value, target, all_.tracker.ways, self.shadow.reachable
        )  # fmt: skip
        if steps and why and (other := self._steps(target, past=self._lacking)):
            steps, why = other, ""  # another way demands less
        if why or not steps:
            until = all_.known(stand, target) if stand.origin else ""
            self._blocked(target, why, until)
            return
        origin = stand.origin or stand.value
        self._goes(target, steps, msgspec.structs.replace(sent, value=steps[-1], was=origin))

    def backward(self) -> None:
        """Finds the way back to where a ticket stood that was left on its way."""
        stand, need = self.stand, self.need
        steps = self._steps(stand.origin)
        if steps:
            sent = Sent(stand.origin, stand.ids, was=stand.value)
            self._goes(stand.origin, steps, sent, back=True)
        elif need.blocked:
            stuck = _STUCK.format(stand.value, stand.origin)
            if stuck not in need.blocked.reason:
                need.blocked = replace(need.blocked, reason=f"{need.blocked.reason} {stuck}")

    def _blocked(self, target: str, why: str, until: str) -> None:
        _without(self.need, self.row.theirs)
        self.need.blocked = Blocked(slot=self.row.theirs, value=target, reason=why, until=until)

    def _steps(
        self, target: str, *, past: Callable[[tuple[str, ...]], str] | None = None
    ) -> tuple[str, ...] | None:
        """Returns the words to write; the tracker is not asked where the ticket offers the target.

        With `past`, no way leads through a word of which it says why not.
        """
        row, offered = self.row, self.shadow.reachable
        at_once = past is None and offered is not None
        if at_once and any(row.same(target, word) for word in offered or ()):
            return (target,)
        tracker, ours = self.all.tracker, self.all.ours(target)
        ways = tracker.ways
        if past:
            ways = {w: frozenset(to for to in t if not past((to,))) for w, t in ways.items()}
            offered = offered and frozenset(to for to in offered if not past((to,)))
        table = [theirs for theirs, _ in row.values if not theirs.endswith("*")]
        drawn = sorted({*tracker.schema.statuses, *tracker.ways, *(offered or ())})
        others = [word for word in (*table, *drawn) if self.all.ours(word) == ours]
        return workflow.route(
            self.stand.value, [target, *others], ways, offered=offered,
            form=row.canon or str, last=lambda word: self.all.ours(word) in CLOSED,
        )  # fmt: skip

    def _goes(self, target: str, steps: tuple[str, ...], sent: Sent, *, back: bool = False) -> None:
        """Puts the status into what the ticket needs, with what goes along on its way."""
        row, need = self.row, self.need
        company: dict[str, str] = {}
        for step in steps:
            demands = self.all.tracker.demands(step)
            for name, one in need.send.items():
                if one.value is not None and split(name)[0] in demands:
                    company.setdefault(name, step)
        plan = FieldPlan(
            ours=row.ours, theirs=row.theirs, before=self.stand.value, after=sent.value,
            via=steps[:-1], going=bool(self.stand.origin), back=back,
        )  # fmt: skip
        _put(need, row.theirs, sent, plan)
        for step in steps:
            rules = self.all.of(step)
            for name, one, told in self.all.fills(rules, self.shadow, self.cells, need):
                company[name] = step
                _put(need, name, one, told)
        need.way = Way(slot=row.theirs, target=target, steps=steps, back=back, company=company)

    def _lacking(self, steps: tuple[str, ...]) -> str:
        """Returns the sentence on a field that is demanded on the way and comes from nowhere."""
        all_, fields = self.all, self.all.side.fields[TICKET]
        said = {split(name)[0] for name, one in self.need.send.items() if one.value is not None}
        for step in steps:
            said |= set(all_.of(step))
            for theirs in all_.tracker.demands(step):
                row = fields.theirs(theirs)
                if theirs not in said and not (row and shows(self.shadow, row)):
                    rule = remedy(all_.side.spec.name, row.ours if row else theirs, all_.ours(step))
                    return f'"{step}" demands {theirs}. {rule}'
        return ""


def shows(shadow: Shadow, row: Field) -> bool:
    """Tells whether a ticket says something in a field; a default is nobody's word."""
    stands: Mapping[str, Stand] = shadow.stands
    if row.kind.many:
        return any(
            s.value is not None for name, s in stands.items() if split(name)[0] == row.theirs
        )
    shown = stands.get(row.theirs, Stand()).value
    return shown is not None and not (row.default and row.same(shown, row.default))


def _put(need: Composed, name: str, sent: Sent, plan: FieldPlan) -> None:
    """Adds a slot to what is sent, or puts it in the place of what was to be sent there."""
    if name in need.send:
        need.fields[list(need.send).index(name)] = plan
    else:
        need.fields.append(plan)
    need.send[name] = sent


def _without(need: Composed, name: str) -> None:
    """Takes a slot out of what is sent."""
    if name in need.send:
        del need.fields[list(need.send).index(name)]
        del need.send[name]
