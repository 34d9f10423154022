"""Contents that entries name and that did not come with them: fetched several at once, resumed.

A large one that was cut off lies beside the database under its hash, and the next try goes on where
it ended.  Nothing counts before its hash was seen to be right.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from prophet_hub.engine.offers import Source
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import HubError, Invalid, StoreError
from prophet_hub.values import Stored

__all__ = ["Fetched", "fetch"]

_LARGE: Final = 1 << 20
_FOLDER: Final = "partial"
_PIECE: Final = 1 << 16
_BATCH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A content was asked for; `error` says why it is not here, None if it is.

    Attributes:
        left: How many are still to be asked for.
    """

    stored: Stored
    left: int
    error: HubError | None = None


class _Resuming(Source, Protocol):
    together: int

    def content_from(self, stored: Stored, start: int) -> Iterator[bytes]:
        """Yields a content's pieces from a byte on, from any thread."""


def fetch(replica: Replica, source: Source) -> Iterator[Fetched]:
    """Asks the source for everything that is wanted; yields what became of each.

    What it does not have, and what is not what its hash says, stays wanted.

    Raises:
        Unreachable: The rest of it can be had by another try.
    """
    wanted = replica.wanted()
    left = len(wanted)
    if not isinstance(getattr(source, "together", None), int):
        for stored in wanted:
            left -= 1
            yield Fetched(stored=stored, left=left, error=_live(replica, source, stored))
        return
    if not wanted:
        return
    resuming: _Resuming = source  # type: ignore[assignment]  # as the line above found out
    replica.store.blobs.folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(resuming.together, "content") as pool:
        for start in range(0, left, _BATCH):
            futures: dict[Future[None], Stored] = {
                pool.submit(_keep, replica, resuming, stored): stored
                for stored in wanted[start : start + _BATCH]
            }
            try:
                for future in as_completed(futures):
                    left -= 1
                    error = _error(future)
                    if error is None:
                        with replica.transaction():
                            replica.store.log.arrived(futures[future].sha256)
                    yield Fetched(stored=futures[future], left=left, error=error)
            finally:
                for future in futures:
                    future.cancel()


def _live(replica: Replica, source: Source, stored: Stored) -> HubError | None:
    try:
        replica.supply(stored, source.content(stored))
    except (Invalid, StoreError) as error:
        return error
    return None


def _error(future: Future[None]) -> HubError | None:
    try:
        future.result()
    except (Invalid, StoreError) as error:
        return error
    return None


def _keep(replica: Replica, source: _Resuming, stored: Stored) -> None:
    """Puts one content among the blobs; runs in a thread, and so leaves the tables alone."""
    blobs = replica.store.blobs
    if blobs.has(stored):  # it came, and who fetched it was killed before that was noted
        return
    if stored.size < _LARGE:
        blobs.put(source.content_from(stored, 0), limit=stored.size, expected=stored)
        return
    partial = blobs.folder / _FOLDER / stored.sha256
    _continue(partial, source, stored)
    try:
        blobs.put(_pieces(partial), limit=stored.size, expected=stored)
    finally:  # right or wrong, it is of no use any more
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()


def _continue(partial: Path, source: _Resuming, stored: Stored) -> None:
    """Writes on at what an earlier try left."""
    partial.parent.mkdir(exist_ok=True)
    with partial.open("ab") as file:
        for piece in source.content_from(stored, min(file.tell(), stored.size)):
            if file.tell() + len(piece) > stored.size:
                raise Invalid(f"The content {stored.sha256[:12]} is longer than it was said to be.")
            file.write(piece)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
