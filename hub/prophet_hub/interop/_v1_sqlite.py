"""The old tool's replica as it lives in SQLite, the default of `sd`; read only, and never changed.

Its texts are the bytes that somebody typed, attachments included, so they are read as bytes and
handed on one character for each, as they stand in a replica of files.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from prophet_hub.errors import Invalid, StoreError
from prophet_hub.interop._v1_format import Change, Changeset, Place, PropChange, Refused, checked

__all__ = ["FILE", "SqliteReplica"]

FILE: Final = "db.sqlite"
"""The database's name in the folder of a replica."""

_PAGE: Final = 500
_HEADS: Final = (
    "SELECT sequence_no, created, creator, is_nullification, is_resolution"
    " FROM changesets WHERE sequence_no BETWEEN ? AND ?"
)
_CHANGES: Final = (
    "SELECT id, changeset, record, change_type, record_type FROM changes"
    " WHERE changeset BETWEEN ? AND ? ORDER BY id"
)
_PROPS: Final = (
    "SELECT p.change, p.name, p.old_value, p.new_value FROM prop_changes p"
    " JOIN changes c ON c.id = p.change WHERE c.changeset BETWEEN ? AND ?"
)


class SqliteReplica:
    """A replica in a SQLite file; give it back with `close`.

    The hashes in it belong to nothing that is served, so there is nothing to verify.

    Raises:
        StoreError: The file cannot be read.
        Invalid: It is no such database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        try:
            self._connection = sqlite3.connect(uri, uri=True)
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be read: {error}.") from error
        self._connection.text_factory = bytes
        try:
            told = dict(self._rows("SELECT key, value FROM local_metadata"))
            self.uuid = self._uuid(told.get(b"replica-uuid"))
            self.database = self._uuid(told.get(b"database-uuid"))
            (last,) = self._rows("SELECT coalesce(max(sequence_no), 0) FROM changesets")[0]
            self.latest = int(last)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Gives back the file; the second time does nothing."""
        self._connection.close()

    def places(self) -> list[Place]:
        """Returns all places, in order."""
        sql = (
            "SELECT sequence_no, original_source_uuid, original_sequence_no FROM changesets"
            " ORDER BY sequence_no"
        )
        return [
            Place(number, self._uuid(source), int(sequence), "")
            for number, source, sequence in self._rows(sql)
        ]

    def changesets(self, places: Sequence[Place]) -> Iterator[Changeset | Refused]:
        """Yields the changesets at the places, in order."""
        # the old tool's tables have no index on what is asked for, so pages are read whole
        for start in range(0, len(places), _PAGE):
            page = places[start : start + _PAGE]
            yield from self._page(page)

    def _page(self, page: Sequence[Place]) -> Iterator[Changeset | Refused]:
        ends = (page[0].number, page[-1].number)
        heads = {
            number: (created, creator, nullification, resolution)
            for number, created, creator, nullification, resolution in self._rows(_HEADS, ends)
        }
        changes: dict[int, dict[str, tuple[bytes, bytes, dict[str, PropChange]]]] = {}
        by_id: dict[int, dict[str, PropChange]] = {}
        for one, changeset, record, change_type, kind in self._rows(_CHANGES, ends):
            by_id[one] = {}
            changes.setdefault(int(changeset), {})[_text(record)] = (change_type, kind, by_id[one])
        for one, name, old, new in self._rows(_PROPS, ends):
            by_id[one][_text(name)] = PropChange(_maybe(old), _maybe(new))
        for place in page:
            created, creator, nullification, resolution = heads[place.number]
            found = {
                record: Change(_text(change_type), _text(kind), props)
                for record, (change_type, kind, props) in changes.get(place.number, {}).items()
            }
            try:
                yield checked(
                    place, found, _maybe(created), _maybe(creator),
                    nullification=_flag(nullification), resolution=_flag(resolution),
                )  # fmt: skip
            except Invalid as error:
                yield Refused(place.number, f"{self._path}, {place.number}: {error.sentence}")

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise Invalid(f"{self._path} is no replica of the old tool: {error}.") from error

    def _uuid(self, words: bytes | None) -> bytes:
        with contextlib.suppress(ValueError):
            return uuid.UUID(_text(words or b"")).bytes
        raise Invalid(f"{self._path} is no replica of the old tool: a uuid is missing.")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _maybe(value: Any) -> str | None:
    return None if value is None else _text(value)


def _flag(value: Any) -> bool:
    return value not in (None, 0, b"", b"0")
