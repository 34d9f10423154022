"""Several hubs of one database at the same trackers: they exchange, pass claims on, and are restored."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from prophet_hub.errors import StoreError, UsageError
from prophet_hub.foreign import claims, shared
from prophet_hub.model import codec
from prophet_hub.testing.simulation.hub import Hub
from prophet_hub.testing.simulation.steps import Step
from prophet_hub.testing.simulation.twin import HUB, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prophet_hub.testing.simulation.world import World

__all__ = ["back_up", "exchange", "hand_over", "holder", "meet", "pass_claim", "put_back"]

_LIMITS = (None, None, None, 1, 2, 5)
"""How many entries of what it lacks a hub takes, None for all."""


def pull(one: Hub, other: Hub, moment: int, limit: int | None = None) -> int:
    """Takes what another hub has and this one has not; returns how many entries came."""
    parcels = other.replica.offers(one.replica.stands_at)
    count = one.replica.integrate(list(islice(parcels, limit)))
    for stored in one.replica.wanted():
        try:
            one.replica.supply(stored, other.replica.content(stored))
        except StoreError:  # it is there no more than here
            continue
    if limit is None:
        other.heard = moment
    return count


def meet(hubs: Sequence[Hub], moment: int) -> None:
    """Lets every hub hear all that the others have."""
    for one in hubs:
        for other in hubs:
            if one is not other:
                pull(one, other, moment)


def holder(hubs: Sequence[Hub], remote: str) -> Hub | None:
    """Returns the hub that knows itself to read and write a remote, None where none does."""
    for hub in hubs:
        held = claims.claim_of(hub.replica, hub.tracker(remote))
        if held and held.held_by(claims.hub_of(hub.replica)):
            return hub
    return None


def exchange(world: World, step: Step) -> str:
    """A hub hears what another one has, all of it or the first entries."""
    others = [hub for hub in world.hubs if hub is not world.hub]
    if not others:
        return ""
    other = others[step.pick // 2 % len(others)]
    limit = _LIMITS[step.pick // 10 % len(_LIMITS)]
    count = pull(world.hub, other, world.twin.tick(), limit)
    return f"{world.hub.name} hears {count} entries from {other.name}" if count else ""


def pass_claim(world: World, step: Step) -> str:
    """The hub that holds a remote gives it, and another one that hears of it takes it."""
    giver = holder(world.hubs, step.at)
    takers = [hub for hub in world.hubs if hub is not giver]
    if giver is None or not takers:
        return ""
    taker = takers[step.pick // 2 % len(takers)]
    try:
        hand_over(step.at, giver, taker, world.twin.tick())
    except UsageError:
        return ""  # something is under way there
    return f"{giver.name} gives {step.at} to {taker.name}"


def hand_over(remote: str, giver: Hub, taker: Hub, moment: int) -> None:
    """Passes a remote from one hub to another, which hears all that the first one has.

    Raises:
        UsageError: Something is under way there.
    """
    shared.catch_up(giver.replica)
    tracker, me = giver.tracker(remote), claims.hub_of(giver.replica)
    claims.release(giver.replica, tracker, me, remote=remote)
    pull(taker, giver, moment)
    me = claims.hub_of(taker.replica, note=True)
    claims.claim(taker.replica, taker.tracker(remote), me, host=taker.name)


def _said_in(hub: Hub) -> frozenset[int]:
    """Returns the edits whose tokens stand in a hub's log."""
    rows = hub.replica.store.log.after(0, 1_000_000)
    writes = [w for row in rows for w in codec.decode(row.before, row.raw).changeset.writes]
    return frozenset[int]().union(*(tokens(w.value) for w in writes if isinstance(w.value, str)))


def back_up(world: World, _step: Step) -> str:
    """A hub's database is saved."""
    world.hub.back_up(world.twin.tick())
    return f"{world.hub.name} is backed up"


def put_back(world: World, step: Step) -> str:
    """A hub's database is put back as it was saved, and pulls the others, as people are told to."""
    hub = world.hub
    if hub.backup is None:
        return ""
    mine = [t for n, t in world.trackers.items() if holder(world.hubs, n) is hub]
    since = hub.restore(noticed=bool(step.pick // 10 % 2))
    for other in world.hubs:
        if other is not hub:
            pull(hub, other, world.twin.tick())
    for tracker in mine:
        tracker.forgotten(since)
    known = _said_in(hub)
    for edit in world.twin.edits.values():
        if edit.at == HUB and edit.moment > since and edit.number not in known:
            edit.lost = "written in a hub that was restored before anybody heard of it"
    return f"{hub.name} is restored"
