"""Places behind fsspec's file systems: object storage, ssh, and memory.

fsspec brings the protocols; what a place promises beyond (whole writes, a lock, resuming, the server's
key checked) is here, in the few steps in which the three differ.
"""

from __future__ import annotations

import contextlib
import posixpath
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final

from prophet_hub.errors import HubError
from prophet_hub.peers.place import Absent, Unreachable
from prophet_hub.peers.place_lock import LEFT_OVER, Lock, locked
from prophet_hub.peers.place_words import TRIES, checked, gathered, needed, pause

__all__ = ["CHUNK", "FsspecPlace", "MemoryPlace"]

CHUNK: Final = 8 << 20
"""Bytes of one request of a long read; also S3's least size of a part, and a bit."""


class FsspecPlace(ABC):
    """Files below a path of one of fsspec's file systems; see `Place`."""

    writable = True
    connects = False
    """Whether there is one connection, which cannot be used again after an outage."""

    def __init__(
        self,
        root: str,
        url: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self.url = url
        self._root = root
        self._sleep = sleep
        self._new_lock = partial(Lock, self, clock=clock, sleep=sleep, tell=tell)
        self._lock: Lock | None = None
        self._fs: Any = None
        self._outages: tuple[type[Exception], ...] = (OSError, EOFError)
        self._connecting = threading.Lock()

    # --- what a transport brings ---

    @abstractmethod
    def _connect(self) -> Any:
        """Returns the file system, connected, and notes which errors of its own are outages."""

    @abstractmethod
    def _disconnect(self, fs: Any) -> None:
        """Gives the connection back."""

    @abstractmethod
    def _chunk(self, fs: Any, path: str, start: int, size: int) -> bytes:
        """Returns at most `size` bytes from `start` on, fewer only at the end of the file."""

    @abstractmethod
    def _put(self, fs: Any, path: str, pieces: Iterable[bytes]) -> None:
        """Writes a file over what stands there, whole or not at all."""

    @abstractmethod
    def _make(self, fs: Any, path: str, data: bytes) -> None:
        """Makes a small file; raises FileExistsError where it stands."""

    def _stands(self, fs: Any, path: str) -> bool:
        """Tells whether there is a file; `isfile` would say no of one that cannot be reached."""
        return bool(fs.info(path)["type"] == "file")

    def _find(self, fs: Any, path: str) -> list[str]:
        """Returns the paths of all files below a path."""
        return list(fs.find(path))

    # --- reading ---

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        """See `Place`."""
        size = min(CHUNK, limit + 1)
        return gathered(self._chunks(self._path(name), start, size), name, limit, self.url)

    def pieces(self, name: str, start: int = 0) -> Iterator[bytes]:
        """See `Place`."""
        return self._chunks(self._path(name), start, CHUNK)

    def _chunks(self, path: str, at: int, size: int) -> Iterator[bytes]:
        failed = 0
        while True:
            try:
                with self._opened(path) as fs:
                    piece = self._chunk(fs, path, at, size)
            except Unreachable:
                failed += 1
                if failed >= TRIES:
                    raise
                self._sleep(pause(failed))
                continue
            failed = 0
            if piece:
                yield piece
            at += len(piece)
            if len(piece) < size:
                return

    def has(self, name: str) -> bool:
        """See `Place`."""
        path = self._path(name)
        self._show()  # a writer that finds much there writes nothing for long
        try:
            with self._opened(path) as fs:
                return self._stands(fs, path)
        except Absent:
            return False

    def names(self, folder: str = "") -> Iterator[str]:
        """See `Place`."""
        top = self._path(folder) if folder else self._root
        found = []
        with contextlib.suppress(Absent), self._opened(top) as fs:
            found = self._find(fs, top)
        below = len(self._root.rstrip("/")) + 1
        names = (path[below:] for path in sorted(found))
        yield from [name for name in names if not name.startswith(".") and "/." not in name]

    # --- writing ---

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """See `Place`."""
        path = self._path(name)
        with self._opened(path) as fs:
            self._put(fs, path, self._showing(pieces))

    def _showing(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yields pieces that are not empty, and looks after the lock before each and at the end."""
        for piece in pieces:
            self._show()
            if piece:
                yield piece
        self._show()

    def remove(self, name: str) -> None:
        """See `Place`."""
        self._show()
        self._remove(self._path(name))

    def _remove(self, path: str) -> None:
        with contextlib.suppress(Absent), self._opened(path) as fs:
            fs.rm_file(path)

    def lock(self, holder: str) -> AbstractContextManager[None]:
        """See `Place`."""
        return locked(self._new_lock(holder), self._hold)

    def _hold(self, lock: Lock | None) -> None:
        self._lock = lock

    def _show(self) -> None:
        if self._lock:
            self._lock.show()

    def close(self) -> None:
        """See `Place`."""
        fs, self._fs = self._fs, None
        if fs is not None:
            self._disconnect(fs)

    # --- the lock's own files ---

    def marks(self) -> list[str]:
        """See `Marks`."""
        with contextlib.suppress(Absent), self._opened(self._root) as fs:
            names = [posixpath.basename(str(path).rstrip("/")) for path in self._top(fs)]
            return [name for name in names if name.startswith(".")]
        return []

    def _top(self, fs: Any) -> list[str]:
        return list(fs.ls(self._root, detail=False))

    def mark(self, name: str, limit: int) -> bytes | None:
        """See `Marks`."""
        path = f"{self._root}/{name}"
        try:
            with self._opened(path) as fs:
                return self._chunk(fs, path, 0, limit)
        except Absent:
            return None

    def claim(self, name: str, data: bytes) -> bool:
        """See `Marks`."""
        path = f"{self._root}/{name}"
        try:
            with self._opened(path) as fs:
                self._make(fs, path, data)
        except _There:
            return False
        return True

    def renew(self, name: str, data: bytes) -> None:
        """See `Marks`."""
        path = f"{self._root}/{name}"
        with self._opened(path) as fs:
            self._put(fs, path, [data])

    def unmark(self, name: str) -> None:
        """See `Marks`."""
        self._remove(f"{self._root}/{name}")

    def badge(self) -> dict[str, str]:
        """See `Marks`: nobody can tell at once."""
        return {}

    def lives(self, name: str, note: dict[str, Any]) -> bool | None:  # noqa: ARG002 - as above
        """See `Marks`."""
        return None

    # --- the connection, and its errors in the hub's words ---

    def _path(self, name: str) -> str:
        return f"{self._root}/{checked(name)}"

    def _unfinished(self) -> str:
        """Returns a path for a file that is not whole yet."""
        return f"{self._root}/{LEFT_OVER if self._lock else '.part-'}{secrets.token_hex(8)}"

    @contextlib.contextmanager
    def _opened(self, path: str) -> Iterator[Any]:
        """Gives the file system, connected."""
        what = f"{self.url}{path[len(self._root) :]}".rstrip("/")
        try:
            fs = self._connected()
            yield fs
        except HubError:
            raise
        except FileExistsError as error:
            raise _There(what) from error
        except (FileNotFoundError, IsADirectoryError) as error:
            raise Absent(f"There is no {what}.") from error
        except PermissionError as error:
            raise HubError(
                f"{what} may not be read or written by this account.",
                hint="Look at the credentials and rights, then run again.",
            ) from error
        except self._outages as error:
            told = self._told(error, what)
            if self.connects:
                with contextlib.suppress(Exception):
                    self.close()
            raise told from error

    def _connected(self) -> Any:
        with self._connecting:
            if self._fs is None:
                self._fs = self._connect()
            return self._fs

    def _told(self, error: BaseException, what: str) -> HubError:
        """Returns the hub's error for one of the transport's, whose own text may tell secrets."""
        return Unreachable(
            f"{what} cannot be reached ({type(error).__name__}).",
            hint="Nothing is lost: run again when it answers.",
        )


class _There(HubError):
    """A file that was to be made stands already."""


class MemoryPlace(FsspecPlace):
    """Files in the memory of this process, under one address for all of it; for trials and tests."""

    def _connect(self) -> Any:
        return needed("fsspec.implementations.memory", "peers", "memory:").MemoryFileSystem()

    def _disconnect(self, fs: Any) -> None:
        """There is no connection."""

    def _chunk(self, fs: Any, path: str, start: int, size: int) -> bytes:
        return bytes(fs.cat_file(path, start, start + size))

    def _put(self, fs: Any, path: str, pieces: Iterable[bytes]) -> None:
        fs.pipe_file(path, b"".join(pieces))

    def _make(self, fs: Any, path: str, data: bytes) -> None:
        fs.pipe_file(path, data, mode="create")
