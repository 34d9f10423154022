"""The exchange with a peer: entries, then the contents that they name, then what was settled.

Progress comes up as values while it happens.  An exchange may be cut anywhere: what arrived stays,
and a repeat brings the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from prophet_hub.engine.offers import Knows, Parcel, Source, Ticket
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settling import settle_all
from prophet_hub.errors import Invalid
from prophet_hub.peers import notes
from prophet_hub.peers.contents import Fetched, fetch
from prophet_hub.peers.family import adopt, agree, family, join, name
from prophet_hub.peers.format import ticket_in
from prophet_hub.peers.notes import Peer
from prophet_hub.peers.place import Absent, Place
from prophet_hub.peers.private import kept_back, private
from prophet_hub.peers.publish import Wrote, publish
from prophet_hub.peers.published import Published
from prophet_hub.values import Stored

__all__ = ["Fetched", "Progress", "Pulled", "Pushed", "Refused", "Took", "Warned", "Wrote", "pull",
           "push", "push_to"]  # fmt: skip

_BATCH: Final = 2_000  # as the engine's
_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """A batch of entries was taken in.

    Attributes:
        entries: How many were offered so far; `new` of them were new.
        total: How many will be offered, 0 where the peer does not say.
    """

    entries: int
    new: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something that was offered cannot stand in the log; the rest is taken."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something about the peer that a person should know; nothing was refused."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A pull came to its end.

    Attributes:
        entries: That were new.
        contents: That came; `missing` are named, and the peer did not have them.
        settled: Conflicts that were settled without asking.
        refused: What was offered and cannot stand in the log; it is asked for again.
    """

    entries: int = 0
    contents: int = 0
    missing: int = 0
    settled: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A push came to its end, with so many entries and contents."""

    entries: int = 0
    contents: int = 0


Progress = Took | Refused | Warned | Fetched | Wrote | Pulled | Pushed


def pull(
    replica: Replica, source: Source, peer: Peer, *, author: str = "", joins: bool = False,
    settle: Callable[[Replica], int] | None = None, noted: bool = True,
) -> Iterator[Progress]:  # fmt: skip
    """Brings here what the peer has and this replica lacks; a second time brings nothing.

    Args:
        replica: This one.
        source: What the peer offers.
        peer: What is noted of it; noted anew at the end.
        author: Who joins.
        joins: Whether another family may become one with ours.
        settle: Settles what can be settled without asking, after everything is here; by votes and
            the database's rules where nothing else is said.
        noted: Whether the peer is one that is met again.

    Raises:
        UsageError: The peer is of another family.
        Invalid: Something is not what it says, or an entry is missing.
        Unreachable: What came is kept; a repeat brings the rest.
    """
    if isinstance(source, Published) and not joins and _mark(source) == peer.head:
        yield Pulled()
        return
    _meet(replica, source, peer, author=author, joins=joins)
    if noted and (lost := _went_back(source, peer)):
        yield Warned(sentence=lost)
    new = refused = 0
    for step in _take(replica, source, replica.settled_at):
        match step:
            case Took(new=new):
                pass
            case Refused():
                refused += 1
        yield step
    contents = wrong = 0
    gone: list[Stored] = []
    for found in fetch(replica, source):
        contents += found.error is None
        if found.error is not None and isinstance(found.error.__cause__, Absent):
            gone.append(found.stored)
        else:
            wrong += found.error is not None
        yield found
    yield from _take_texts(replica, source, gone)
    gone = [stored for stored in gone if replica.store.log.wants(stored.sha256)]
    missing = wrong + len(gone)
    settled = settle(replica) if settle is not None else settle_all(replica).total()
    name(replica)
    if noted and not refused:
        peer = _read_to_the_end(replica, source, peer)
        # what is wrong, or withheld, may be right another time, under the same head
        doubtful = wrong or _withheld(source, gone)
        notes.put(replica, msgspec.structs.replace(peer, head=b"" if doubtful else peer.head))
    yield Pulled(entries=new, contents=contents, missing=missing, settled=settled, refused=refused)


def push(replica: Replica, target: Replica, peer: Peer) -> Iterator[Progress]:
    """Brings into another open database what it lacks of this one; raises as `pull`."""
    adopt(target, family(replica))
    agree(family(target), family(replica), there=peer.url)
    new = contents = 0
    for taken in _take(target, replica, target.settled_at):
        new = taken.new if isinstance(taken, Took) else new
        yield taken
    for step in fetch(target, replica):
        contents += step.error is None
        yield step
    name(target)
    notes.put(replica, _written(replica, peer, target.tips()))
    yield Pushed(entries=new, contents=contents)


def push_to(
    replica: Replica, place: Place, peer: Peer, *, holder: str,
    settle: Callable[[Replica], int] | None = None,
) -> Iterator[Progress]:  # fmt: skip
    """Publishes at a place what it lacks; a place that is ahead of this replica stays so.

    A place that holds entries of this replica's own origin that it does not know shows that this
    database was copied or restored: they are pulled first, which gives it a new origin.

    Raises:
        UsageError: It is another database, cannot be written, or private records would get there.
        Held: Another replica is writing there.
        Unreachable: A repeat brings the rest.
    """
    latest = replica.latest()
    if not peer.private and (found := private(replica, peer.checked)):
        raise kept_back(found, peer.url)
    there = Published(place)
    if _is_ahead_of_itself(replica, there):
        yield Warned(
            sentence=f"{peer.url} holds changesets of this database that are not here: it was "
            "restored or copied. They are pulled first; nothing is lost."
        )
        for step in pull(replica, there, peer, settle=settle):
            if isinstance(step, Pulled):
                peer = notes.named(replica, peer.name) or peer
            yield step
    wrote = Wrote()
    for wrote in publish(replica, place, holder=holder):
        yield wrote
    there = Published(place)
    peer = _written(replica, peer, there.tips())
    if all(replica.stands_at(*end) for end in there.tips()) and not replica.wanted():
        peer = _read_to_the_end(replica, there, peer, pulled=peer.pulled)
    notes.put(replica, msgspec.structs.replace(peer, checked=latest))
    yield Pushed(entries=wrote.entries, contents=wrote.contents)


def _take(replica: Replica, source: Source, knows: Knows) -> Iterator[Took | Refused]:
    """Takes in what a source offers, batch by batch."""
    new = offered = 0
    refused: list[str] = []
    for batch in _batches(source.offers(knows)):
        new += replica.integrate(batch, refused=refused.append)
        offered += len(batch)
        yield from (Refused(sentence=one) for one in refused)
        refused.clear()
        yield Took(entries=offered, new=new, total=getattr(source, "total", 0))


# --- before and after ---


def _meet(replica: Replica, source: Source, peer: Peer, *, author: str, joins: bool) -> None:
    """Looks whether the two may exchange at all."""
    before = ticket_in(source.head.before) if isinstance(source, Published) else []
    for origin, sequence, running in before:
        if not replica.stands_at(origin, sequence, running):
            raise Invalid(
                f"{peer.url} goes on from changeset {sequence} of replica {origin.hex()[:8]}, which "
                "is not here.",
                hint="Apply the one before it first, or have one made from a ticket of this "
                "database: prophet-hub bundle ticket FILE.",
            )
    theirs = family(source)
    adopt(replica, theirs)
    if joins:
        join(replica, theirs, author=author)
    else:
        agree(family(replica), theirs, there=peer.url)


def _take_texts(
    replica: Replica, source: Source, gone: Iterable[Stored]
) -> Iterator[Took | Refused]:
    """Takes long texts from segments whose entries came from elsewhere, and without them.

    An honest place says itself what it lacks; so this happens only after a dishonest one was met.
    """
    lost = _withheld(source, gone)
    if not lost:
        return
    places = replica.store.log.named_at(stored.sha256 for stored in lost)

    def knows(origin: bytes, last: int, running: bytes) -> bool:
        at_it = any(o == origin and sequence <= last for o, sequence in places)
        return not at_it and replica.settled_at(origin, last, running)

    whole = Published(source.place) if isinstance(source, Published) else source  # all its pages
    yield from _take(replica, whole, knows)


def _withheld(source: Source, gone: Iterable[Stored]) -> set[Stored]:
    """Returns what a place has not, and does not say of itself that it lacks."""
    return set(gone) - source.lacking() if gone and isinstance(source, Published) else set()


def _went_back(source: Source, peer: Peer) -> str:
    """Returns what to say of a place that shows less than it showed before, "" if it does not."""
    ends: dict[bytes, int] = {}
    for origin, sequence, _ in source.tips():
        ends[origin] = max(sequence, ends.get(origin, 0))
    lost = sum(max(0, sequence - ends.get(origin, 0)) for origin, sequence, _ in peer.tips)
    if not lost:
        return ""
    return (
        f"{peer.url} shows an older state than before: {lost:,} changesets are not there any more. "
        "If nobody set it back, somebody holds back what is new; nothing is lost here."
    )


def _is_ahead_of_itself(replica: Replica, there: Published) -> bool:
    try:
        ends = there.tips()
    except Absent:
        return False
    return any(end[0] == replica.origin and not replica.stands_at(*end) for end in ends)


def _read_to_the_end(
    replica: Replica, source: Source, peer: Peer, *, pulled: int | None = None
) -> Peer:
    """Returns what to note of a peer all of whose entries are here."""
    head, pages = b"", tuple[str, ...]()
    if isinstance(source, Published):
        head, pages = _mark(source), tuple(page.sha256 for page in source.head.pages)
    return msgspec.structs.replace(
        peer, pulled=replica.now() if pulled is None else pulled, tips=source.tips(), head=head,
        pages=pages,
    )  # fmt: skip


def _written(replica: Replica, peer: Peer, tips: Ticket) -> Peer:
    return msgspec.structs.replace(peer, pushed=replica.now(), tips=tips)


def _mark(source: Published) -> bytes:
    return hashlib.sha256(source.raw_head).digest()


def _batches(parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    """Yields parcels in batches that a machine of any size can hold."""
    batch: list[Parcel] = []
    size = 0
    for parcel in parcels:
        batch.append(parcel)
        size += len(parcel.raw) + sum(map(len, parcel.texts))
        if len(batch) == _BATCH or size >= _BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
