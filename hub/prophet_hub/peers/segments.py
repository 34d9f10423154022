"""A segment: entries with their texts and signatures, packed into one file (docs/design/004)."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from prophet_hub.engine.offers import Parcel
from prophet_hub.errors import Invalid
from prophet_hub.peers.format import (
    LEVEL,
    Before,
    Count,
    Row,
    Sixteen,
    Strand,
    checked,
    decoded,
    unzipped,
)

__all__ = ["pack", "unpack", "unpack_placed", "unzip"]


class _Opening(msgspec.Struct, frozen=True, array_like=True):
    """A strand as its segment begins it: the running hash that its first entry follows."""

    origin: Sixteen
    first: Count
    before: Before


class _Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry in a segment: which strand it goes on, its bytes, texts and signature."""

    strand: int
    raw: bytes
    texts: tuple[bytes, ...] = ()
    seal: bytes = b""


class _Segment(msgspec.Struct, frozen=True, array_like=True):
    strands: tuple[_Opening, ...]
    items: list[_Item]


_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final = msgspec.msgpack.Decoder(_Segment)


def pack(parcels: Iterable[tuple[bytes, int, bytes, Parcel]], level: int = 0) -> tuple[Row, bytes]:
    """Returns a segment's row and bytes.

    Args:
        parcels: (origin, sequence, running hash, parcel), causes before effects.
        level: How often they were merged.
    """
    openings: list[_Opening] = []
    ends: list[tuple[int, bytes]] = []
    at: dict[tuple[bytes, bytes], int] = {}
    items = []
    for origin, sequence, running, parcel in parcels:
        strand = at.pop((origin, parcel.before), None) if parcel.before else None
        if strand is None:
            strand = len(openings)
            openings.append(_Opening(origin, sequence, parcel.before))
            ends.append((sequence, running))
        at[origin, running] = strand
        ends[strand] = sequence, running
        items.append(_Item(strand, parcel.raw, parcel.texts, parcel.seal))
    raw = _encode(_Segment(tuple(openings), items))
    data = zlib.compress(raw, LEVEL, wbits=31)
    strands = tuple(
        Strand(o.origin, o.first, last, o.before, running)
        for o, (last, running) in zip(openings, ends, strict=True)
    )
    row = Row(hashlib.sha256(data).digest(), len(data), len(raw), len(items), level, strands)
    return row, data


def unzip(row: Row, data: bytes) -> bytes:
    """Returns what a segment holds, packed out; whoever fetches may do it beside other work.

    Raises:
        Invalid: It is not what its row says.
    """
    checked(data, row.sha256.hex(), row.size)
    raw = unzipped(data, row.raw)
    if len(raw) != row.raw:
        raise Invalid("A segment of a published replica is not as long as its page says.")
    return raw


def unpack(row: Row, raw: bytes) -> Iterator[Parcel]:
    """Yields the entries of a segment as `unzip` returned it.

    Raises:
        Invalid: It is not what its row says.
    """
    for _, _, _, parcel in unpack_placed(row, raw):
        yield parcel


def unpack_placed(row: Row, raw: bytes) -> Iterator[tuple[bytes, int, bytes, Parcel]]:
    """Yields (origin, sequence, running hash, parcel) of a segment; raises as `unpack`."""
    segment: _Segment = decoded(raw, _decoder)
    strands = segment.strands
    told = [(s.origin, s.first, s.before) for s in row.strands]
    if len(segment.items) != row.count or [(o.origin, o.first, o.before) for o in strands] != told:
        raise _not_as_told()
    running = [o.before for o in strands]
    sequences = [o.first - 1 for o in strands]
    for item in segment.items:
        n = item.strand
        if not 0 <= n < len(running):
            raise _not_as_told()
        before = running[n]
        running[n] = hashlib.sha256(before + item.raw).digest()
        sequences[n] += 1
        parcel = Parcel(before, item.raw, item.texts, item.seal)
        yield strands[n].origin, sequences[n], running[n], parcel
    if list(zip(sequences, running, strict=True)) != [(s.last, s.running) for s in row.strands]:
        raise _not_as_told()


def _not_as_told() -> Invalid:
    return Invalid("A segment of a published replica does not hold what its page says.")
