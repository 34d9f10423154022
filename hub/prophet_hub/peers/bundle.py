"""A bundle: a published replica in one zip file, for a stick or a mail.

What lies in it is laid out as at any place, so it is read by the same code; its head says which merge
ticket one must have before it.  It is written under another name and renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from prophet_hub.engine.offers import Ticket
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Invalid, StoreError, UsageError
from prophet_hub.model import codec
from prophet_hub.model.changes import Entry
from prophet_hub.peers.family import family
from prophet_hub.peers.format import (
    FORMAT,
    HEAD_LIMIT,
    Head,
    decode_head,
    decode_lacking,
    encode_head,
    ticket_in,
    ticket_out,
)
from prophet_hub.peers.place import Absent
from prophet_hub.peers.publish import Wrote, publish
from prophet_hub.peers.published import Published, fetched, page_of
from prophet_hub.peers.segments import unpack_placed
from prophet_hub.store.disk import sync_folder
from prophet_hub.values import Stored

__all__ = ["Bundle", "Verified", "create", "is_bundle", "ticket_file", "ticket_of", "verify"]

_PIECE: Final = 1 << 16
_MAGIC: Final = b"PK\x03\x04"
# what zipfile raises on bytes that are no zip file: some of it is the system's own
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, lzma.LZMAError, EOFError, NotImplementedError,
    RuntimeError, ValueError, OSError,
)  # fmt: skip


class Bundle:
    """The files in one zip file, as a place; `Place` says what its methods do."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        """Opens the bundle at the path, or begins a new one there.

        Raises:
            Invalid: It is no zip file.
            StoreError: It cannot be opened or made.
        """
        self.url, self.writable = str(path), new
        try:
            self._zip = zipfile.ZipFile(path, "x" if new else "r", zipfile.ZIP_STORED)
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
            raise Invalid(
                f"{path} is no bundle, or was cut off.", hint="Copy it again, or have it made anew."
            ) from error
        except OSError as error:
            raise _unusable(path, error) from error

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        """Returns a file's bytes."""
        found = bytearray()
        for piece in self.pieces(name, start):
            found += piece
            if len(found) > limit:
                raise Invalid(f"{name} in {self.url} is longer than it may be.")
        return bytes(found)

    def pieces(self, name: str, start: int = 0) -> Iterator[bytes]:
        """Yields a file's bytes; may be used from several threads at once."""
        try:
            with self._zip.open(name) as file:
                _skip(file, start)
                while piece := file.read(_PIECE):
                    yield piece
        except KeyError:
            raise Absent(f"{self.url} holds no {name}.") from None
        except _DAMAGED as error:
            raise Invalid(
                f"{self.url} is damaged at {name}.", hint="Copy it again, or have it made anew."
            ) from error

    def has(self, name: str) -> bool:
        """Tells whether there is such a file."""
        return name in self._zip.NameToInfo

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Appends a file."""
        try:
            with self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
        except OSError as error:
            raise _unusable(Path(self.url), error) from error

    def names(self, folder: str = "") -> Iterator[str]:
        """Yields the names of all files below a folder."""
        start = f"{folder}/" if folder else ""
        yield from sorted(name for name in self._zip.namelist() if name.startswith(start))

    def remove(self, name: str) -> None:
        """Bundles are written once and whole, so there is never anything to remove."""
        raise UsageError(f"{name} cannot be taken out of a bundle.")

    def lock(self, holder: str) -> AbstractContextManager[None]:
        """A bundle under way has a name that nobody else knows."""
        del holder
        return contextlib.nullcontext()

    def close(self) -> None:
        """Writes the table of contents of a new one; the second time does nothing."""
        try:
            self._zip.close()
        except OSError as error:
            raise _unusable(Path(self.url), error) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a bundle, or any published replica, holds.

    Attributes:
        entries, contents: How many; `missing` contents are named and were not there to publish.
        head: As read.
    """

    entries: int
    contents: int
    missing: int
    head: Head


def is_bundle(path: Path) -> bool:
    """Tells whether a file begins like a bundle."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def create(replica: Replica, path: Path, since: Ticket, *, holder: str) -> Iterator[Wrote]:
    """Writes a bundle of all that follows the merge ticket; replaces an older file when whole.

    Raises:
        UsageError: Nothing follows the ticket; no file is written.
        StoreError: The disk is full, or the folder cannot be written.
    """
    known = [end for end in since if replica.stands_at(*end)]
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    wrote = Wrote()
    try:
        bundle = Bundle(fresh, new=True)
        with contextlib.closing(bundle):
            for wrote in publish(replica, bundle, holder=holder, before=known):
                yield wrote
        if not wrote.entries:
            raise UsageError("Nothing is new since then: there is nothing to put into a bundle.")
        _settle(fresh, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()


def verify(source: Published) -> Verified:
    """Reads everything that a bundle holds and compares it with what it says of itself.

    Raises:
        Invalid: Something is not what it says, or is missing.
    """
    head, place = source.head, source.place
    before = ticket_in(head.before)
    known = {running for _, _, running in before}
    ends = set(before)
    named, texts = dict[Stored, None](), set[str]()
    entries = 0
    for row, raw in fetched(place, source.rows()):
        for origin, sequence, running, parcel in unpack_placed(row, raw):
            entry = codec.decode(parcel.before, parcel.raw)
            follows = parcel.before in known or (sequence == 1 and not parcel.before)
            if (entry.origin, entry.sequence) != (origin, sequence) or not follows:
                raise Invalid(
                    f"Changeset {sequence} of replica {origin.hex()[:8]} does not follow the one "
                    "before it."
                )
            known.add(running)
            ends.discard((origin, sequence - 1, parcel.before))
            ends.add((origin, sequence, running))
            texts.update(hashlib.sha256(text).hexdigest() for text in parcel.texts)
            named |= dict.fromkeys(_stored(entry))
            entries += 1
    if entries != head.entries or ends != set(ticket_in(head.tips)):
        raise Invalid(f"The changesets in {place.url} are not those of which its head tells.")
    wanted = [stored for stored in named if stored.sha256 not in texts]
    lacking = _lacking(source)
    for stored in wanted:
        if stored not in lacking:
            _verify(source, stored)
    return Verified(
        entries=entries, contents=len(wanted) - len(lacking), missing=len(lacking), head=head
    )


def ticket_file(replica: Replica) -> bytes:
    """Returns this replica's merge ticket as a file: a head without pages."""
    databases = tuple(sorted(one.hex() for one in family(replica)))
    tips = ticket_out(replica.tips())
    return encode_head(Head(format=FORMAT, generation=0, databases=databases, entries=0, tips=tips))


def ticket_of(path: Path) -> Ticket:
    """Returns the merge ticket that a file holds: a ticket file, a head, or a bundle, after which
    the next one may follow.

    Raises:
        Invalid: It holds none.
        StoreError: It cannot be read.
    """
    try:
        if is_bundle(path):
            with contextlib.closing(Bundle(path)) as bundle:
                return Published(bundle).tips()
        with path.open("rb") as file:
            return ticket_in(decode_head(file.read(HEAD_LIMIT)).tips)
    except OSError as error:
        raise _unusable(path, error) from error


def _stored(entry: Entry) -> Iterator[Stored]:
    for write in entry.changeset.writes:
        for value in (write.value, write.old):
            if isinstance(value, Stored):
                yield value


def _lacking(source: Published) -> set[Stored]:
    page = source.head.lacking
    return set(decode_lacking(page, page_of(source.place, page))) if page is not None else set()


def _verify(source: Published, stored: Stored) -> None:
    digest, size = hashlib.sha256(), 0
    for piece in source.content(stored):
        digest.update(piece)
        size += len(piece)
    if (digest.hexdigest(), size) != (stored.sha256, stored.size):
        raise Invalid(f"The content {stored.sha256[:12]} in {source.place.url} is damaged.")


def _skip(file: IO[bytes], start: int) -> None:
    while start > 0 and (piece := file.read(min(start, _PIECE))):
        start -= len(piece)


def _settle(fresh: Path, path: Path) -> None:
    """Gives a whole file its name, on the disk."""
    try:
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be used: {error.strerror or error}.",
        hint="Look at its folder, its rights and the space on the disk.",
    )
