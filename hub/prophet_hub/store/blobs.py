"""Contents beside the database, named by their SHA-256: streamed in, de-duplicated, never rewritten.

A blob is on disk before the transaction that names it commits, so a crash leaves at worst a blob
that nobody names.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from prophet_hub.errors import Invalid, StoreError
from prophet_hub.store.disk import sync_folder
from prophet_hub.values import Stored

__all__ = ["Blobs"]

_PIECE = 1 << 16


class Blobs:
    """The folder of contents; may be used from several threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(
        self, pieces: Iterable[bytes], *, limit: int | None = None, expected: Stored | None = None
    ) -> Stored:
        """Keeps a content; the second time it finds it there.

        Args:
            pieces: The content, in order; never held in memory as a whole.
            limit: In bytes; more than that is refused.
            expected: What the pieces must be.

        Raises:
            Invalid: They are not what is expected; nothing was kept.
            StoreError: The disk is full, the folder cannot be written, or the limit is passed.
        """
        with self._words():
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="new-", dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                stored = self._fill(file, pieces, limit)
            if expected is not None and stored != expected:
                raise Invalid(f"A content is not {expected.sha256[:12]}, as which it was offered.")
            with self._words():
                self._name(Path(name), stored)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
        return stored

    def _fill(self, file: BinaryIO, pieces: Iterable[bytes], limit: int | None) -> Stored:
        """Writes the pieces; what their source raises is its own and passes through."""
        digest, size = hashlib.sha256(), 0
        for piece in pieces:
            size += len(piece)
            if limit is not None and size > limit:
                raise StoreError(f"The content is larger than {limit:,} bytes.")
            digest.update(piece)
            with self._words():
                file.write(piece)
        with self._words():
            file.flush()
            os.fsync(file.fileno())
        return Stored(digest.hexdigest(), size)

    def _name(self, written: Path, stored: Stored) -> None:
        target = self._path(stored.sha256)
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            written.replace(target)
            sync_folder(target.parent)
            sync_folder(self.folder)

    def has(self, stored: Stored) -> bool:
        """Tells whether the content is here, whole."""
        try:
            return self._path(stored.sha256).stat().st_size == stored.size
        except FileNotFoundError:
            return False

    def read(self, stored: Stored) -> Iterator[bytes]:
        """Yields the content in pieces.

        Raises:
            StoreError: It is not here.
        """
        try:
            with self._path(stored.sha256).open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
        except FileNotFoundError as error:
            raise StoreError(
                f"The content {stored.sha256[:12]} is not in {self.folder}.",
                hint="It was erased, or the folder was not copied along with the database.",
            ) from error

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:]

    @contextlib.contextmanager
    def _words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"A content cannot be written to {self.folder}: {error.strerror or error}.",
                hint="Free some space or mend the folder's permissions, then run again.",
            ) from error
