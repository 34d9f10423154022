"""One exchange from its beginning to its end: the address opened, the work done, all closed again.

Commands and jobs come in here.  Like the exchange itself, a visit is a generator of what happens.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from prophet_hub.engine.offers import Ticket
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settling import settle_all
from prophet_hub.errors import StoreError, UsageError
from prophet_hub.foreign import shared
from prophet_hub.peers import bundle, notes
from prophet_hub.peers.exchange import Progress, Pulled, Refused, pull, push, push_to
from prophet_hub.peers.format import HEAD
from prophet_hub.peers.notes import Peer
from prophet_hub.peers.opening import Kind, Nothing, kind_of, path_of, place_at, source_at
from prophet_hub.peers.place import Place
from prophet_hub.peers.private import kept_back, private
from prophet_hub.peers.publish import Wrote, knowledge

if TYPE_CHECKING:
    from prophet_hub.interop.prophet_v1 import PublishedV1

__all__ = ["Distance", "bundled", "distance", "published_v1", "pulled", "pushed", "started"]


Settle = Callable[[Replica], int]
"""Settles what needs no person; returns how many conflicts."""


class Distance(NamedTuple):
    """How far two replicas were apart when they last met, and what was recorded here since.

    Attributes:
        lacks: Changesets that the peer lacks.
        ahead: Whether it has some that are not here.
    """

    lacks: int
    ahead: bool


def pulled(
    replica: Replica, peer: Peer, *, secret: str = "", author: str = "", joins: bool = False,
    settle: Settle | None = None, noted: bool = True,
) -> Iterator[Progress]:  # fmt: skip
    """Pulls from whatever stands at the peer's address, a replica of the old tool too; see
    `exchange.pull`.
    """
    noted = noted and kind_of(peer.url) is not Kind.BUNDLE  # the next one of this name is another
    try:
        with source_at(peer, secret=secret, clock=replica.now) as source:
            yield from pull(replica, source, peer, author=author, joins=joins, settle=settle,
                            noted=noted)  # fmt: skip
            shared.catch_up(replica)
    except Nothing as error:
        yield from _pulled_v1(replica, peer, error, secret=secret, joins=joins, settle=settle)


def _pulled_v1(
    replica: Replica, peer: Peer, error: Nothing, *, secret: str, joins: bool,
    settle: Settle | None,
) -> Iterator[Progress]:  # fmt: skip
    """Reads what the Perl original keeps or published; raises the error where there is none."""
    from prophet_hub.interop import prophet_v1 as old  # noqa: PLC0415 - seldom

    path = path_of(peer.url)
    with contextlib.closing(place_at(peer, secret)) as place:
        kept = old.open_v1(path) if path is not None else None
        if kept is None and not old.is_v1(place):
            raise error
        with contextlib.nullcontext(place) if kept is None else contextlib.closing(kept) as source:
            found = old.pull_v1(replica, source, join=joins)
    yield from (Refused(sentence=one) for one in found.refused)
    settled = settle(replica) if settle is not None else settle_all(replica).total()
    notes.put(replica, msgspec.structs.replace(peer, pulled=replica.now()))
    yield Pulled(entries=found.entries, settled=settled, refused=len(found.refused))


def pushed(
    replica: Replica, peer: Peer, *, holder: str, secret: str = "", new: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Progress]:  # fmt: skip
    """Pushes into the database, or publishes at the place, at the peer's address.

    Args:
        replica: What is pushed.
        peer: Where to.
        holder: Names this writer to others that want to write there.
        secret: The password behind the peer's reference.
        new: Whether a place at which nothing is published yet may be begun.
        tell: Is told in a sentence why something takes a while.

    Raises:
        UsageError: Nothing is there, or nothing that can be pushed to.
    """
    shared.share(replica)  # what was read of trackers goes along, for the hub that goes on from it
    kind = kind_of(peer.url)
    if kind is Kind.BUNDLE:
        raise UsageError(
            f"{peer.url} is a bundle, which is written once.",
            hint="Make a new one: prophet-hub bundle create FILE.",
        )
    if kind is Kind.DATABASE:
        if new:
            raise UsageError(f"{peer.url} is a database.", hint="Use prophet-hub push.")
        with contextlib.closing(Replica.open(peer.url, clock=replica.now, create=False)) as target:
            yield from push(replica, target, peer)
        return
    with contextlib.closing(place_at(peer, secret, tell=tell)) as place:
        begun = place.has(HEAD)
        if not begun and not new:
            raise UsageError(
                f"Nothing is published at {peer.url}.",
                hint="Begin there with prophet-hub publish PLACE.",
            )
        if not begun and _is_v1(place):
            raise UsageError(
                f"A replica of the old tool is at {peer.url}.",
                hint="It is only read: give it the direction pull, or publish elsewhere.",
            )
        yield from push_to(replica, place, peer, holder=holder)


def _is_v1(place: Place) -> bool:
    from prophet_hub.interop.prophet_v1 import is_v1  # noqa: PLC0415 - seldom

    return is_v1(place)


def published_v1(replica: Replica, peer: Peer, *, holder: str, secret: str = "",
                 private: bool = False) -> PublishedV1:  # fmt: skip
    """Publishes the database as a replica of the Perl original, for it to read; see `publish_v1`.

    Raises:
        UsageError: A published replica of our own format stands there.
    """
    from prophet_hub.interop import prophet_v1 as old  # noqa: PLC0415 - seldom

    with contextlib.closing(place_at(peer, secret)) as place:
        if place.has(HEAD):
            raise UsageError(
                f"{peer.url} is published in this program's own format.",
                hint="Name another place for the old one.",
            )
        return old.publish_v1(replica, place, holder=holder, private=private)


def started(replica: Replica, peer: Peer) -> None:
    """Notes the peer of which a database becomes a clone.

    Raises:
        UsageError: The database is something else already.
    """
    known = notes.named(replica, peer.name)
    if replica.tips() and (known is None or known.pulled or known.url != peer.url):
        raise UsageError(
            f"{replica.store.path} is a database already.",
            hint="Pull into it with prophet-hub pull, or name a new one.",
        )
    if known is None and kind_of(peer.url) is not Kind.BUNDLE:
        notes.put(replica, peer)


def bundled(
    replica: Replica, path: Path, since: Ticket, *, holder: str, with_private: bool
) -> Iterator[Wrote]:
    """Writes a bundle; see `bundle.create`.

    Raises:
        UsageError: Private records would be in it, and nobody said that they may.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder.", hint="Name a file, as tickets.bundle.")
    if not with_private and (found := private(replica)):
        raise kept_back(found, str(path))
    yield from bundle.create(replica, path, since, holder=holder)


def distance(replica: Replica, ticket: Ticket) -> Distance:
    """Returns how far whoever has the ticket's entries is from this replica."""
    ahead = not all(replica.stands_at(*end) for end in ticket)
    tips = replica.tips()
    origins = Counter(origin for origin, _, _ in tips)
    knows = knowledge(replica, ticket)
    lacks = 0
    for origin, sequence, running in tips:
        if knows(origin, sequence, running):
            continue
        if origins[origin] > 1:
            entries = replica.store.log.branches(origin)
            lacks += sum(not knows(origin, sequence, found) for _, found in entries)
            origins[origin] = 0  # both branches were counted
        elif origins[origin]:
            known = max((s for o, s, r in ticket if o == origin and replica.stands_at(o, s, r)),
                        default=0)  # fmt: skip
            lacks += sequence - known
    return Distance(lacks, ahead)
