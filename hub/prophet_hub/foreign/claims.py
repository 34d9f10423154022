"""Which hub reads and writes a tracker: one, and all the others hear of it through that one.

Only the hub that wrote a tracker last knows what its fields stand for.  A second reader that had not
heard of the latest agreement would tell an edit as if its author had not seen it.  So a tracker has
one writing hub, named by a replicated claim; whoever has none takes it with the first run.

A claim names a hub and not a file: a backup that is restored in its old place is the writing hub
still, a copy elsewhere is not.  A hub is the same where two of three are: the machine, the path and
the file itself.  So it survives a restored backup (another file), a moved one (another path) and a
container that is started anew (another machine's name), and a copy on another machine is a hub of
its own.
"""

from __future__ import annotations

import contextlib
import platform
from typing import Annotated, Final

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.foreign import shared
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.noted import note, noted, record_of
from prophet_hub.model.ids import RecordId, TrackerId, name_of

__all__ = ["Claim", "claim", "claim_of", "hub_of", "may", "release", "take"]

_HUB: Final = ("hub",)
_PARTS: Final = 4


class Claim(msgspec.Struct, frozen=True):
    """Who holds a tracker.

    Attributes:
        hub: The hub, in hexadecimal digits; "" where it was given back.
        host: Its machine's name, for people; of a claim given back, whose it was.
        since: Microseconds since 1970.
        last: The hub that gave it back; it does not take it again unasked.
    """

    hub: str
    host: str
    since: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    last: str = ""

    def held_by(self, hub: bytes) -> bool:
        """Tells whether it is this hub's."""
        return self.hub == hub.hex()


class _Hub(msgspec.Struct, frozen=True, array_like=True):
    """A hub and where its database was when last looked at."""

    id: bytes
    home: str


def hub_of(replica: Replica, *, note: bool = False) -> bytes:
    """Returns the name of this hub; with `note` it is written down where it is."""
    home = replica.store.home()
    data = replica.store.get("settings", _HUB)
    known = msgspec.msgpack.decode(data, type=_Hub) if data else None
    if known and known.home == home:
        return known.id
    same = known is not None and _same(known.home, home)
    parts = home.split(":", _PARTS - 1)  # of a database in memory there is none
    fresh = name_of("hub", replica.database(), parts[0], parts[-1])
    hub = known.id if known and same else fresh
    if note:
        with replica.transaction():
            row = msgspec.msgpack.encode(_Hub(hub, home))
            replica.store.put("settings", _HUB, row)
    return hub


def _same(one: str, other: str) -> bool:
    """Tells whether two homes are one hub's: two of machine, path and file are the same."""
    first, second = (home.split(":", _PARTS - 1) for home in (one, other))
    if len(first) != _PARTS or len(second) != _PARTS:
        return one == other
    machine, path = first[0] == second[0], first[3] == second[3]
    file = first[2] == second[2] and (path or first[1] == second[1])
    return machine + path + file >= 2  # noqa: PLR2004 - two of three


def claim_of(replica: Replica, tracker: TrackerId) -> Claim | None:
    """Returns who holds a tracker, None where nobody ever did."""
    for _, value in reversed(noted(replica, _record(tracker))):
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(value, type=Claim)
    return None


def may(held: Claim | None, hub: bytes) -> bool:
    """Tells whether a hub may work with a tracker: it holds it, or takes it by doing so."""
    return held is None or held.held_by(hub) or (not held.hub and held.last != hub.hex())


def claim(replica: Replica, tracker: TrackerId, hub: bytes, *, host: str = "") -> Claim:
    """Returns who holds a tracker, after this hub took it if nobody does.

    Two hubs that took it without knowing of each other: the later taking holds, and the hub that it
    names writes it down once more, so that nobody is asked.
    """
    held = claim_of(replica, tracker)
    if held is None or (may(held, hub) and not held.hub):
        return take(replica, tracker, hub, host=host)
    if held.held_by(hub) and len(noted(replica, _record(tracker))) > 1:
        return take(replica, tracker, hub, host=host)
    return held


def take(replica: Replica, tracker: TrackerId, hub: bytes, *, host: str = "") -> Claim:
    """Makes this hub the one that reads and writes a tracker, whoever was it before."""
    new = Claim(hub.hex(), host or platform.node(), replica.now())
    _set(replica, tracker, new, "taken")
    return new


def release(replica: Replica, tracker: TrackerId, hub: bytes, *, remote: str) -> None:
    """Gives a tracker back, and all that was read of it along.

    The next hub that hears of it and runs takes it; this one only when it is told to.

    Raises:
        UsageError: It is not this hub's, or something is under way there that only this hub knows.
    """
    held = claim_of(replica, tracker)
    if held is None or not held.held_by(hub):
        raise UsageError(
            f"{remote} is not this hub's to give.", hint="prophet-hub claims shows whose it is."
        )
    ledger = Ledger(replica.store, tracker, "")
    if ledger.intents() or any(True for _ in ledger.unread()):
        raise UsageError(
            f"Something is under way at {remote} that no reading has settled.",
            hint="Sync once more, then give it.",
        )
    shared.share(replica)
    _set(replica, tracker, Claim("", held.host, replica.now(), last=hub.hex()), "given back")


def _set(replica: Replica, tracker: TrackerId, new: Claim, what: str) -> None:
    note(replica, _record(tracker), msgspec.json.encode(new).decode(), f"claim {what}")


def _record(tracker: TrackerId) -> RecordId:
    return record_of("claim", tracker)
