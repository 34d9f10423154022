"""The old tool's replica as files: index rows, files named by their SHA-1, canonical JSON.

Version 1 of Prophet's format as its own code writes it: `changesets.idx` has rows of 44 bytes (number
here, original source, original number, SHA-1), a record's file rows of 24 bytes (number, SHA-1), all
numbers unsigned and big endian; what the SHA-1 names is JSON in UTF-8 with sorted keys.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import msgspec

from prophet_hub.errors import HubError, Invalid
from prophet_hub.model.codec import MAX_ENTRY
from prophet_hub.values import INLINE

__all__ = [
    "ROW",
    "Change",
    "Changeset",
    "Files",
    "FilesOfReplica",
    "Place",
    "PropChange",
    "Refused",
    "Replica",
    "cas_name",
    "checked",
    "encode",
    "index_row",
    "read_changeset",
    "record_name",
    "record_row",
]

_INDEX: Final = struct.Struct(">I16sI20s")
_RECORD: Final = struct.Struct(">I20s")
_SMALL: Final = 1 << 10

ROW: Final = _INDEX.size
"""Bytes of a row of `changesets.idx`."""

_LONGEST_INDEX: Final = 1 << 28  # six million changesets
_LONGEST: Final = 1 << 27  # of a changeset, attachments and all; one is in memory at a time
_THREADS: Final = 8
_PAGE: Final = 64
_NAME: Final = 200
_LARGEST: Final = MAX_ENTRY // 2
_WRITE: Final = 200
_PATH: Final = re.compile(r"\.|.*[/\\]").match
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]").search
_SPELLED: Final = 36
_CHANGES: Final = frozenset({"add_file", "update_file", "delete", "add_dir"})
_IGNORED: Final = "add_dir"  # the old tool's own code accepts and ignores it

Value = str | int | float | bool | None
_Flag = str | int | bool | None


class Files(Protocol):
    """Files under one address: a `Place` of the peers is one."""

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        """Returns a file's bytes from `start` on; more than `limit` are refused."""

    def has(self, name: str) -> bool:
        """Tells whether there is such a file."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a changeset stands: its number in the replica, and its identity everywhere.

    Attributes:
        source: The original source, sixteen bytes.
        sequence: Its number there.
        key: The SHA-1 of its file, 40 hexadecimal digits.
    """

    number: int
    source: bytes
    sequence: int
    key: str


class PropChange(msgspec.Struct, frozen=True):
    """One property of a change; null and "" are both "not there"."""

    old_value: Value = None
    new_value: Value = None


class Change(msgspec.Struct, frozen=True):
    """What a changeset does to one record."""

    change_type: str
    record_type: str
    prop_changes: dict[str, PropChange] | None = None


class _File(msgspec.Struct, frozen=True):
    changes: dict[str, Change]
    created: str | None = None
    creator: str | None = None
    is_nullification: _Flag = None
    is_resolution: _Flag = None


class Changeset(msgspec.Struct, frozen=True):
    """A changeset as its replica holds it; texts as they stand in the file.

    Attributes:
        changes: By the record's uuid, sixteen bytes.
        spelled: How the uuid was spelled, where that was not the usual way.
    """

    place: Place
    changes: Mapping[bytes, Change]
    spelled: Mapping[bytes, str]
    created: str | None
    creator: str | None
    nullification: bool
    resolution: bool


class Refused(msgspec.Struct, frozen=True):
    """A changeset that is not believed: its number, and why, with its file named."""

    number: int
    reason: str


class Replica(Protocol):
    """A replica of the old tool, however it is kept.

    Attributes:
        uuid, database: Sixteen bytes each.
        latest: The number of its last changeset.
    """

    uuid: bytes
    database: bytes
    latest: int

    def places(self) -> Sequence[Place]:
        """Returns all places, in order."""

    def changesets(self, places: Sequence[Place]) -> Iterator[Changeset | Refused]:
        """Yields the changesets at the places, in order."""


class FilesOfReplica:
    """A replica kept as files, published ones included; reads the four small files at once.

    Raises:
        Invalid: They are not what the format says.
    """

    def __init__(self, files: Files, *, verify: bool = True) -> None:
        """Takes the place; without `verify` a file need not be what its name says."""
        self._files, self._verify = files, verify
        self.uuid = self._name("replica-uuid")
        self.database = self._name("database-uuid")
        self.latest = self._number("latest-sequence-no")

    def places(self) -> list[Place]:
        """Returns all places, in order; reads the whole index."""
        if not self.latest:
            return []
        raw = self._files.read("changesets.idx", limit=_LONGEST_INDEX)
        if len(raw) < self.latest * _INDEX.size:
            raise Invalid(
                f"changesets.idx ends before its number {self.latest}.",
                hint="The replica was copied while it was written; copy it again.",
            )
        rows = _INDEX.iter_unpack(raw[: self.latest * _INDEX.size])  # an export twice is longer
        return [
            Place(number, source, sequence, key.hex())
            for number, (_, source, sequence, key) in enumerate(rows, 1)
        ]

    def changesets(self, places: Sequence[Place]) -> Iterator[Changeset | Refused]:
        """Yields the changesets at the places; a few files are asked for at once."""
        with ThreadPoolExecutor(_THREADS) as pool:
            for start in range(0, len(places), _PAGE):
                yield from pool.map(self._changeset, places[start : start + _PAGE])

    def _changeset(self, place: Place) -> Changeset | Refused:
        name = cas_name("changesets", place.key)
        try:
            raw = self._files.read(name, limit=_LONGEST)
            if not self._verify or _sha1(raw) == place.key:
                return read_changeset(place, raw)
        except Invalid as error:
            return Refused(place.number, f"{name}: {error.sentence.rstrip('.')}")
        except HubError:
            if self._files.has(name):
                raise
            return Refused(place.number, f"{name}: it is not there")
        return Refused(place.number, f"{name}: its content is not what its name says")

    def _name(self, name: str) -> bytes:
        words = self._small(name)
        try:
            return uuid.UUID(words).bytes
        except ValueError as error:
            raise Invalid(f"{name} holds no uuid.") from error

    def _number(self, name: str) -> int:
        words = self._small(name) or "0"  # a served 0 comes empty
        if not (words.isascii() and words.isdigit()):
            raise Invalid(f"{name} holds no number.")
        return int(words)

    def _small(self, name: str) -> str:
        raw = self._files.read(name, limit=_SMALL)
        return raw.decode("ascii", "replace").strip()


def read_changeset(place: Place, raw: bytes) -> Changeset:
    """Returns the changeset that a file holds; identity and number are the index's.

    Raises:
        Invalid: It is none.
    """
    try:
        found = msgspec.json.decode(raw, type=_File)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid(f"it is no changeset: {error}") from error
    return checked(
        place, found.changes, found.created, found.creator,
        nullification=_flag(found.is_nullification), resolution=_flag(found.is_resolution),
    )  # fmt: skip


def checked(place: Place, changes: Mapping[str, Change], created: str | None, creator: str | None, *,
            nullification: bool, resolution: bool) -> Changeset:  # fmt: skip
    """Returns a changeset whose records are given as they are spelled.

    Raises:
        Invalid: It says what no changeset can say.
    """
    found: dict[bytes, Change] = {}
    spellings: dict[bytes, str] = {}
    for spelled, change in changes.items():
        record = _uuid(spelled)
        if record is None or record in found:
            raise Invalid(f"it changes {spelled[:40]!r}, which is no record or stands there twice")
        kind = change.record_type
        if not 0 < len(kind) <= _NAME or not kind.isprintable() or _PATH(kind):
            raise Invalid(f"{kind[:40]!r} is no record type")
        for name in change.prop_changes or {}:
            if not 0 < len(name) <= _NAME or _CONTROL(name):
                raise Invalid(f"{name[:40]!r} is no property")
        if change.change_type not in _CHANGES:
            raise Invalid(f"{change.change_type[:40]!r} is no change")
        if change.change_type != _IGNORED:
            found[record] = change
            if spelled != str(uuid.UUID(bytes=record)):
                spellings[record] = spelled
    if sum(map(_size, found.values())) + len(creator or "") > _LARGEST:
        raise Invalid(f"it says more than {_LARGEST:,} bytes, long texts apart")
    return Changeset(place, found, spellings, created, creator, nullification, resolution)


def _size(change: Change) -> int:
    """Returns about how many bytes of an entry a change becomes; long texts stand by their hash."""
    return sum(
        len(name) + _WRITE + sum(min(2 * len(str(v)), INLINE) for v in (p.old_value, p.new_value))
        for name, p in (change.prop_changes or {}).items()
    )


def _uuid(spelled: str) -> bytes | None:
    try:
        return uuid.UUID(spelled).bytes if len(spelled) == _SPELLED else None
    except ValueError:
        return None


def _sha1(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def _flag(value: _Flag) -> bool:
    return value not in (None, "", "0", 0, False)


# --- what is written ---


def encode(value: Any) -> bytes:
    """Returns canonical JSON, byte for byte as the old tool writes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def cas_name(kind: str, key: str) -> str:
    """Returns the file of a SHA-1; `kind` is `changesets` or `records`."""
    return f"cas/{kind}/{key[0]}/{key[1]}/{key}"


def record_name(kind: str, spelled: str) -> str:
    """Returns the file that holds the rows of a record."""
    return f"records/{kind}/{spelled[0]}/{spelled[1]}/{spelled}"


def index_row(place: Place) -> bytes:
    """Returns the row of a changeset in the index."""
    return _INDEX.pack(place.number, place.source, place.sequence, bytes.fromhex(place.key))


def record_row(key: str) -> bytes:
    """Returns the one row that a published record has."""
    return _RECORD.pack(0, bytes.fromhex(key))
