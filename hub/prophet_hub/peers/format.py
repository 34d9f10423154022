"""The files of a published replica, format 1: head, pages, segments (docs/design/004).

Values and their bytes, nothing that reads or writes a place.  Whatever is decoded here came from a
stranger: sizes are capped before anything is unpacked, and names are made here and never taken.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec

from prophet_hub.engine.offers import Parcel, Ticket
from prophet_hub.errors import Invalid
from prophet_hub.values import Stored

__all__ = [
    "FORMAT",
    "FULL",
    "HEAD",
    "HEAD_LIMIT",
    "PAGES",
    "SEGMENTS",
    "SEGMENT_LIMIT",
    "TARGET",
    "Head",
    "Page",
    "Row",
    "Strand",
    "content_name",
    "decode_head",
    "decode_lacking",
    "decode_page",
    "encode_head",
    "encode_page",
    "named",
    "pack",
    "ticket_in",
    "ticket_out",
    "unpack",
    "unpack_placed",
    "unzip",
]

FORMAT: Final = 1
HEAD: Final = "prophet-hub.json"
PAGES: Final = "pages"
SEGMENTS: Final = "segments"
_CONTENTS: Final = "contents"

TARGET: Final = 4 << 20
"""Bytes of entries and texts after which a segment ends; about 1.5 MB compressed."""

FULL: Final = TARGET // 2
"""A segment of so many bytes before compression is never merged with others."""

SEGMENT_LIMIT: Final = 64 << 20
"""What a reader takes of one segment, before and after compression, whatever a page says."""

HEAD_LIMIT: Final = 16 << 20
_LEVEL: Final = 6  # of zlib: 32 MB/s, 1 is four times as fast and 14 % larger; see docs/design/004

_Sixteen = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Before = Annotated[bytes, msgspec.Meta(max_length=32)]
_Count = Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
_T = TypeVar("_T")


class Strand(msgspec.Struct, frozen=True, array_like=True):
    """A run of entries of one branch, each following the one before it.

    Attributes:
        origin: Whose.
        first, last: Their sequences, both included.
        before: The running hash of the entry that the first one follows; empty for an origin's first.
        running: The running hash of the last.
    """

    origin: _Sixteen
    first: _Count
    last: _Count
    before: _Before
    running: _Hash


class Row(msgspec.Struct, frozen=True, array_like=True):
    """What a page says of one segment.

    Attributes:
        sha256: Of its bytes; its name.
        size, raw: In bytes, as it lies there and unpacked.
        count: Entries.
        level: How often these entries were merged from smaller segments.
        strands: What it holds, in the order in which they begin.
    """

    sha256: _Hash
    size: Annotated[int, msgspec.Meta(ge=1, le=SEGMENT_LIMIT)]
    raw: Annotated[int, msgspec.Meta(ge=1, le=SEGMENT_LIMIT)]
    count: _Count
    level: Annotated[int, msgspec.Meta(ge=0, le=32)]
    strands: tuple[Strand, ...]


class Page(msgspec.Struct, frozen=True):
    """A page as the head names it: the SHA-256 and size of its bytes, how many rows it has."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=1, le=SEGMENT_LIMIT)]
    rows: Annotated[int, msgspec.Meta(ge=0)]


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """The one file that is ever written over.

    Attributes:
        generation: Grows by one whenever it is written; for people, nothing is decided by it.
        databases: The uuids of the family, hexadecimal, sorted; several where families were joined.
        entries: How many there are.
        tips: (origin, sequence, running hash) of each branch's last entry, hexadecimal.
        pages: In the order of their entries.
        lacking: The page of contents that entries name and that are not here.
        before: The merge ticket that whoever reads it must have already; only in bundles.
    """

    format: int
    generation: int
    databases: tuple[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")], ...]
    entries: int
    tips: tuple[tuple[str, int, str], ...]
    pages: tuple[Page, ...] = ()
    lacking: Page | None = None
    before: tuple[tuple[str, int, str], ...] = ()


class _Opening(msgspec.Struct, frozen=True, array_like=True):
    """A strand as its segment begins it: the running hash that its first entry follows."""

    origin: _Sixteen
    first: _Count
    before: _Before


class _Item(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry in a segment: which strand it goes on, its bytes, texts and signature."""

    strand: int
    raw: bytes
    texts: tuple[bytes, ...] = ()
    seal: bytes = b""


class _Segment(msgspec.Struct, frozen=True, array_like=True):
    strands: tuple[_Opening, ...]
    items: list[_Item]


_pack = msgspec.msgpack.Encoder().encode
_segment = msgspec.msgpack.Decoder(_Segment)
_rows = msgspec.msgpack.Decoder(list[Row])
_lacking = msgspec.msgpack.Decoder(list[Stored])
_head = msgspec.json.Decoder(Head)


# --- names ---


def named(folder: str, sha256: str | bytes) -> str:
    """Returns the name of a page or segment."""
    return f"{folder}/{sha256 if isinstance(sha256, str) else sha256.hex()}"


def content_name(stored: Stored) -> str:
    """Returns the name of a content's file."""
    return f"{_CONTENTS}/{stored.sha256[:2]}/{stored.sha256}"


# --- head and pages ---


def ticket_out(ticket: Iterable[tuple[bytes, int, bytes]]) -> tuple[tuple[str, int, str], ...]:
    """Returns a merge ticket as the head writes it."""
    return tuple((o.hex(), s, r.hex()) for o, s, r in sorted(ticket))


def ticket_in(ticket: Iterable[tuple[str, int, str]]) -> Ticket:
    """Returns a merge ticket as the engine has it.

    Raises:
        Invalid: It is none.
    """
    try:
        return [(bytes.fromhex(o), s, bytes.fromhex(r)) for o, s, r in ticket]
    except ValueError as error:
        raise Invalid("A merge ticket is not of hexadecimal digits.") from error


def encode_head(head: Head) -> bytes:
    """Returns the bytes of a head: JSON, for people and programs."""
    return msgspec.json.format(msgspec.json.encode(head), indent=1) + b"\n"


def decode_head(data: bytes) -> Head:
    """Returns the head that the bytes are.

    Raises:
        Invalid: They are none, or of a format that this program does not know.
    """
    try:
        head = _head.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The head of a published replica cannot be read: {error}.") from error
    if head.format != FORMAT:
        raise Invalid(
            f"What is published there is of format {head.format}, this program knows {FORMAT}.",
            hint="Upgrade prophet-hub.",
        )
    ticket_in(head.tips)
    return head


def encode_page(rows: Sequence[Row] | Sequence[Stored]) -> tuple[Page, bytes]:
    """Returns a page with its bytes."""
    data = zlib.compress(_pack(rows), _LEVEL, wbits=31)
    return Page(hashlib.sha256(data).hexdigest(), len(data), len(rows)), data


def decode_page(page: Page, data: bytes) -> list[Row]:
    """Returns the rows of a page.

    Raises:
        Invalid: It is not what the head names.
    """
    return _page(page, data, _rows)


def decode_lacking(page: Page, data: bytes) -> list[Stored]:
    """Returns the contents that a page of missing ones names; raises as `decode_page`."""
    return _page(page, data, _lacking)


def _page(page: Page, data: bytes, decoder: msgspec.msgpack.Decoder[list[_T]]) -> list[_T]:
    _check(data, page.sha256, page.size)
    rows: list[_T] = _decoded(_unzip(data, SEGMENT_LIMIT), decoder)
    if len(rows) != page.rows:
        raise Invalid("A page of a published replica has not as many rows as its head says.")
    return rows


# --- segments ---


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
    raw = _pack(_Segment(tuple(openings), items))
    data = zlib.compress(raw, _LEVEL, wbits=31)
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
    _check(data, row.sha256.hex(), row.size)
    raw = _unzip(data, row.raw)
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
    segment = _decoded(raw, _segment)
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


def _check(data: bytes, sha256: str, size: int) -> None:
    if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
        raise Invalid(
            f"The file {sha256[:12]} of a published replica is damaged.",
            hint="Publish it anew from a whole replica, or pull from another peer.",
        )


def _unzip(data: bytes, limit: int) -> bytes:
    """Unpacks at most so many bytes, however much more the data would become."""
    unzipper = zlib.decompressobj(wbits=31)
    try:
        raw = unzipper.decompress(data, limit + 1)
    except zlib.error as error:
        raise Invalid(f"A file of a published replica cannot be unpacked: {error}.") from error
    if len(raw) > limit or not unzipper.eof or unzipper.unused_data:
        raise Invalid("A file of a published replica unpacks to something else than it says.")
    return raw


def _decoded(raw: bytes, decoder: msgspec.msgpack.Decoder[Any]) -> Any:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"A file of a published replica cannot be read: {error}.") from error
