"""The files of a published replica, format 1: names, head and pages (docs/design/004).

Values and their bytes, nothing that reads or writes a place.  Whatever is decoded here came from a
stranger: sizes are capped before anything is unpacked, and names are made here and never taken.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec

from prophet_hub.engine.offers import Ticket
from prophet_hub.errors import Invalid
from prophet_hub.values import Stored

__all__ = [
    "FORMAT",
    "FULL",
    "HEAD",
    "HEAD_LIMIT",
    "LEVEL",
    "PAGES",
    "SEGMENTS",
    "SEGMENT_LIMIT",
    "TARGET",
    "Before",
    "Count",
    "Head",
    "Page",
    "Row",
    "Sixteen",
    "Strand",
    "checked",
    "content_name",
    "decode_head",
    "decode_lacking",
    "decode_page",
    "decoded",
    "encode_head",
    "encode_page",
    "named",
    "ticket_in",
    "ticket_out",
    "unzipped",
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

SEGMENT_LIMIT: Final = 32 << 20
"""What a reader takes of one segment, before and after compression, whatever a page says: one entry
of the greatest size with the texts that go with it, and the segment before it came."""

HEAD_LIMIT: Final = 16 << 20
"""What a reader takes of the head, and of a page before and after compression."""

LEVEL: Final = 6  # of zlib: 32 MB/s, 1 is four times as fast and 14 % larger; see docs/design/004

Sixteen = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Before = Annotated[bytes, msgspec.Meta(max_length=32)]
Count = Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]
_T = TypeVar("_T")


class Strand(msgspec.Struct, frozen=True, array_like=True):
    """A run of entries of one branch, each following the one before it.

    Attributes:
        origin: Whose.
        first, last: Their sequences, both included.
        before: The running hash of the entry that the first one follows; empty for an origin's first.
        running: The running hash of the last.
    """

    origin: Sixteen
    first: Count
    last: Count
    before: Before
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
    count: Count
    level: Annotated[int, msgspec.Meta(ge=0, le=32)]
    strands: tuple[Strand, ...]


class Page(msgspec.Struct, frozen=True):
    """A page as the head names it: the SHA-256 and size of its bytes, how many rows it has."""

    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=1, le=HEAD_LIMIT)]
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


_pack = msgspec.msgpack.Encoder().encode
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
    data = zlib.compress(_pack(rows), LEVEL, wbits=31)
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
    checked(data, page.sha256, page.size)
    rows: list[_T] = decoded(unzipped(data, HEAD_LIMIT), decoder)
    if len(rows) != page.rows:
        raise Invalid("A page of a published replica has not as many rows as its head says.")
    return rows


def checked(data: bytes, sha256: str, size: int) -> None:
    """Looks whether a file is the one that its name and size say.

    Raises:
        Invalid: It is not.
    """
    if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
        raise Invalid(
            f"The file {sha256[:12]} of a published replica is damaged.",
            hint="Publish it anew from a whole replica, or pull from another peer.",
        )


def unzipped(data: bytes, limit: int) -> bytes:
    """Unpacks at most so many bytes, however much more the data would become.

    Raises:
        Invalid: It is no gzip, or becomes more.
    """
    unzipper = zlib.decompressobj(wbits=31)
    try:
        raw = unzipper.decompress(data, limit + 1)
    except zlib.error as error:
        raise Invalid(f"A file of a published replica cannot be unpacked: {error}.") from error
    if len(raw) > limit or not unzipper.eof or unzipper.unused_data:
        raise Invalid("A file of a published replica unpacks to something else than it says.")
    return raw


def decoded(raw: bytes, decoder: msgspec.msgpack.Decoder[Any]) -> Any:
    """Returns what the bytes are.

    Raises:
        Invalid: They are nothing of the kind.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"A file of a published replica cannot be read: {error}.") from error
