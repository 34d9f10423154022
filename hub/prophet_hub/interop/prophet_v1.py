"""The replicas of the Perl original, Prophet and SD: read them, go on reading them, publish as one.

What is read becomes changesets whose names follow from the old ones, so two replicas of ours that
read the same, or read replicas of one family, converge, and reading again adds nothing.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settings import Settings
from prophet_hub.errors import UsageError
from prophet_hub.interop import _v1_words as words
from prophet_hub.interop._v1_export import Telling, steps
from prophet_hub.interop._v1_format import (
    ROW,
    Files,
    FilesOfReplica,
    Place,
    Refused,
    cas_name,
    encode,
    record_name,
    record_row,
)
from prophet_hub.interop._v1_format import Replica as OldReplica
from prophet_hub.interop._v1_groups import Group, groups
from prophet_hub.interop._v1_import import Translator
from prophet_hub.interop._v1_sqlite import FILE, SqliteReplica
from prophet_hub.model.ids import name_of, text

__all__ = [
    "Files", "PublishedV1", "Pulled", "Target", "is_v1", "open_v1", "publish_v1", "pull_v1",
]  # fmt: skip

_BATCH: Final = 500
_ROWS: Final = 1 << 16  # a record has one row of 24 bytes in what was published
_TABLE: Final = "settings"
_VERSION: Final = "replica-version"
_HEAD: Final = "latest-sequence-no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What came of reading an old replica.

    Attributes:
        replica, database: Their uuids.
        changesets: How many of its changesets were read.
        entries: How many of ours were new.
        refused: What was not believed, one sentence each; the next pull tries these again.
    """

    replica: bytes
    database: bytes
    changesets: int
    entries: int
    refused: tuple[str, ...]


class _Mark(msgspec.Struct, frozen=True):
    """How far an old replica was read.

    Attributes:
        last: Its number of the last changeset.
        digest: Of the places until then: another one means that the replica was put back.
        refused: The numbers to be tried again.
    """

    last: int = 0
    digest: bytes = b""
    refused: tuple[int, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Mark).decode


def is_v1(files: Files) -> bool:
    """Tells whether a replica of the old tool is there, by the names of its files."""
    return all(files.has(name) for name in ("replica-uuid", "database-uuid", _HEAD))


def open_v1(path: Path) -> SqliteReplica | None:
    """Returns the replica that the old tool keeps in SQLite in a folder, None if there is none."""
    return SqliteReplica(path / FILE) if (path / FILE).is_file() else None


def pull_v1(
    replica: Replica,
    source: Files | SqliteReplica,
    *,
    join: bool = False,
    verify: bool = True,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> Pulled:
    """Reads what is new in an old replica; a second time adds nothing.

    An empty database becomes one of its family.  A changeset that is not believed is left out and
    named, and the rest goes on; the next pull begins with it again.

    Args:
        replica: Ours.
        source: Its files, or what `open_v1` returned.
        join: Whether it may be read into a database that is not of its family.
        verify: Whether each file must be what its name says; `sd server` on a SQLite replica names
            them wrongly.
        told: Called with how many changesets are read, and how many there are to read.

    Raises:
        UsageError: It is another database.
        Invalid: What is there is no replica of the old tool.
    """
    old = source if isinstance(source, SqliteReplica) else FilesOfReplica(source, verify=verify)
    _agree(replica, old, join=join)
    mark = _mark_of(replica, old)
    if old.latest == mark.last and not mark.refused:
        return Pulled(replica=old.uuid, database=old.database, changesets=0, entries=0, refused=())
    places = old.places()
    if _digest(places[: mark.last]) != mark.digest:
        mark = _Mark()
    first = min((mark.last + 1, *mark.refused))
    todo = places[first - 1 :]
    translator = Translator(replica, old.uuid, places)
    refused: list[Refused] = []
    entries = done = 0
    for batch in _batches(groups(old.changesets(todo))):
        refused += [one for one in batch if isinstance(one, Refused)]
        steps = [one for one in batch if isinstance(one, Group)]
        done += sum(len(one.all) if isinstance(one, Group) else 1 for one in batch)
        last = max(mark.last, first - 1 + done)
        with replica.transaction():
            entries += translator.take(steps)
            _note(
                replica, old, _Mark(last, _digest(places[:last]), tuple(r.number for r in refused))
            )
        told(done, len(todo))
    if entries:
        _take_settings(replica)
    return Pulled(replica=old.uuid, database=old.database, changesets=done - len(refused),
                  entries=entries, refused=tuple(one.reason for one in refused))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedV1:
    """What came of publishing.

    Attributes:
        changesets, records: How many stand there now.
        written: How many files were written besides the small ones at the top.
        missing: Texts and contents that are not there, for they are not here or too large.
    """

    changesets: int
    records: int
    written: int
    missing: int


class Target(Protocol):
    """Where to publish: a `Place` of the peers is one."""

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        """Returns a file's bytes from `start` on; more than `limit` are refused."""

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Writes a file over what stands there."""

    def names(self, folder: str = "") -> Iterator[str]:
        """Yields the names of all files below a folder."""

    def remove(self, name: str) -> None:
        """Removes a file."""

    def lock(self, holder: str) -> AbstractContextManager[None]:
        """Keeps other writers out."""


def publish_v1(
    replica: Replica, target: Target, *, holder: str, private: bool = False
) -> PublishedV1:
    """Publishes the database as a replica of the old tool; a second time writes what is new.

    What readers look at first, the number of the last changeset, is written last.  Without `private`
    nothing of private records is there.
    """
    with target.lock(holder):
        there = set(target.names())
        told, index, written = Telling(), bytearray(), 0
        for step in steps(replica, told, private=private):
            index += step.row
            written += _put(target, there, step.name, step.raw)
        records = set()
        for record, (kind, properties) in told.records.items():
            raw = encode(properties)
            key = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
            written += _put(target, there, cas_name("records", key), raw)
            name = record_name(kind, told.spelled.get(record, text(record)))
            records.add(name)
            row = record_row(key)
            if name not in there or target.read(name, limit=_ROWS) != row:
                target.write(name, [row])
                written += 1
        for name in there:
            if name.startswith("records/") and name not in records:
                target.remove(name)
        _heads(target, published_name(replica.origin), replica.database(), bytes(index))
    rows = len(index) // ROW
    return PublishedV1(changesets=rows, records=len(records), written=written,
                       missing=told.missing)  # fmt: skip


def published_name(origin: bytes) -> bytes:
    """Returns the uuid of what a replica publishes, which is not its own.

    The old tool notes with one number how far it read a replica and how far it knows what was made
    there, for its own replicas number both alike.  Here they differ, so they need two names.
    """
    return name_of("prophet-v1", "published", origin)


def _put(target: Target, there: set[str], name: str, raw: bytes) -> int:
    """Writes a file that is named by its hash, unless it is there; returns how many were written."""
    if name in there:
        return 0
    target.write(name, [raw])
    there.add(name)
    return 1


def _heads(target: Target, uuid: bytes, database: bytes, index: bytes) -> None:
    """Writes the small files, for the resolutions too, of which there are none."""
    for folder, name, family, rows in (
        ("resolutions/", name_of("v1 resolutions", uuid), name_of("v1 resolutions", database), b""),
        ("", uuid, database, index),
    ):
        target.write(f"{folder}{_VERSION}", [b"1"])
        target.write(f"{folder}database-uuid", [text(family).encode()])
        target.write(f"{folder}replica-uuid", [text(name).encode()])
        if rows:
            target.write(f"{folder}changesets.idx", [rows])
        target.write(f"{folder}{_HEAD}", [str(len(rows) // ROW).encode()])


def _agree(replica: Replica, old: OldReplica, *, join: bool) -> None:
    """Looks whether the two are of one family; an empty database becomes one of it.

    Raises:
        UsageError: They are not.
    """
    if not replica.tips():
        with replica.transaction():
            replica.store.set_meta("database", old.database)
    ours = replica.database()
    if ours != old.database and not join and not _known(replica, old):
        raise UsageError(
            f"This is another database ({text(old.database)[:8]}, ours is {text(ours)[:8]}).",
            hint="Name another one with --database; or make one of both with --join, for ever.",
        )


def _known(replica: Replica, old: OldReplica) -> bool:
    return replica.store.get(_TABLE, _key(old)) is not None


def _mark_of(replica: Replica, old: OldReplica) -> _Mark:
    """Returns how far the old replica was read; from the start if it was put back since."""
    data = replica.store.get(_TABLE, _key(old))
    mark = _decode(data) if data is not None else _Mark()
    return mark if mark.last <= old.latest else _Mark()


def _note(replica: Replica, old: OldReplica, mark: _Mark) -> None:
    replica.store.put(_TABLE, _key(old), _encode(mark))


def _key(old: OldReplica) -> tuple[str]:
    return (f"prophet-v1:{old.uuid.hex()}",)


def _digest(places: Sequence[Place]) -> bytes:
    """Returns a digest of the identities; the hashes of files are another one's business."""
    found = hashlib.sha256()
    for place in places:
        found.update(place.source + place.sequence.to_bytes(4, "big"))
    return found.digest() if places else b""


def _batches(steps: Iterable[Group | Refused]) -> Iterator[list[Group | Refused]]:
    rest = iter(steps)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch


# --- settings ---

_LISTS: Final = ("statuses", "components", "milestones")
_DEFAULTS: Final = ("default_status", "default_component", "default_milestone")


def _take_settings(replica: Replica) -> None:
    """Sets what the old database had set and this one has not; the old records stay beside it."""
    settings = Settings(replica)
    for label, values in _old_settings(replica):
        ours = [words.our_value("ticket", "status", value) for value in values]
        if settings.get(label) is None and ours:
            found = ours[0] if label in _DEFAULTS else ours
            settings.set(label, found, author="sd", note="settings of the old database")


def _old_settings(replica: Replica) -> Iterator[tuple[str, list[str]]]:
    for row in replica.records(words.SETTINGS):
        shown = {
            prop: replica.text(value)
            for prop, value in replica.shown(row.record).items()
            if not isinstance(value, frozenset)
        }
        try:
            values = msgspec.json.decode(shown.get("content", ""), type=list[str])
        except msgspec.DecodeError:
            continue  # a setting of another shape stays a record
        if shown.get("label") in (*_LISTS, *_DEFAULTS):
            yield shown["label"], values
