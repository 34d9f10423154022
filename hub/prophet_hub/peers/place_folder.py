"""A place that is a folder of this machine: a disk, a share, a stick."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final

from prophet_hub.errors import HubError
from prophet_hub.peers.place import Absent, Unreachable
from prophet_hub.peers.place_lock import LEFT_OVER, Lock, locked
from prophet_hub.peers.place_words import checked, full, gathered
from prophet_hub.store.disk import sync_folder

__all__ = ["FolderPlace"]

_PIECE: Final = 1 << 18
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")  # random(4); absent on other systems
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_RIGHTS: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class FolderPlace:
    """Files below a folder; see `Place`.  The folder is made by the first write.

    The lock is known to the system as well (flock), so that another process of this machine sees at
    once whether its holder lives; writers that come over ssh see the file alone.
    """

    writable = True

    def __init__(
        self,
        root: Path,
        url: str,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self.url = url
        self._root = root
        self._new_lock = partial(Lock, self, clock=clock, sleep=sleep, tell=tell)
        self._lock: Lock | None = None
        self._claimed: tuple[str, int] | None = None

    # --- reading ---

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        """See `Place`."""
        return gathered(self.pieces(name, start), name, limit, self.url)

    def pieces(self, name: str, start: int = 0) -> Iterator[bytes]:
        """See `Place`."""
        with self._words(name):
            file = os.fdopen(self._opened(name), "rb")
        with file:
            file.seek(start)
            while piece := self._next(file, name):
                yield piece

    def _next(self, file: Any, name: str) -> bytes:
        with self._words(name):
            return bytes(file.read(_PIECE))

    def _opened(self, name: str) -> int:
        """Opens a plain file; what waits for a partner (a pipe, a device) is none."""
        path = self._root / checked(name)
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise FileNotFoundError(errno.ENOENT, "no plain file")
        return file

    def has(self, name: str) -> bool:
        """See `Place`."""
        self._show()  # a writer that finds much there writes nothing for long
        try:
            with self._words(name):
                os.close(self._opened(name))
        except Absent:
            return False
        return True

    def names(self, folder: str = "") -> Iterator[str]:
        """See `Place`."""
        top = self._root / checked(folder) if folder else self._root
        found = []
        for place, folders, files in os.walk(top):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            below = Path(place).relative_to(self._root)
            found += [(below / each).as_posix() for each in files if not each.startswith(".")]
        yield from sorted(found)

    # --- writing ---

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """See `Place`; the bytes are on the disk before their name is."""
        path = self._root / checked(name)
        prefix = LEFT_OVER if self._lock else ".part-"
        fresh = self._root / f"{prefix}{secrets.token_hex(8)}"
        self._show()
        with self._words(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(file, "wb") as opened:
                for piece in pieces:
                    self._show()
                    with self._words(name):
                        opened.write(piece)
                with self._words(name):
                    opened.flush()
                    os.fsync(opened.fileno())
            self._show()
            with self._words(name):
                fresh.replace(path)
                sync_folder(path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise

    def remove(self, name: str) -> None:
        """See `Place`."""
        self._show()
        with self._words(name):
            (self._root / checked(name)).unlink(missing_ok=True)

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
        self._let_go()

    # --- the lock's own files ---

    def marks(self) -> list[str]:
        """See `Marks`."""
        with contextlib.suppress(Absent), self._words(""):
            return [each.name for each in self._root.iterdir() if each.name.startswith(".")]
        return []

    def mark(self, name: str, limit: int) -> bytes | None:
        """See `Marks`."""
        try:
            with self._words(name):
                return (self._root / name).read_bytes()[:limit]
        except Absent:
            return None

    def claim(self, name: str, data: bytes) -> bool:
        """See `Marks`."""
        with self._words(name):
            self._root.mkdir(parents=True, exist_ok=True)
            try:
                file = os.open(self._root / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
            except FileExistsError:
                return False
            fcntl.flock(file, fcntl.LOCK_EX)
            os.pwrite(file, data, 0)
        self._claimed = name, file
        return True

    def renew(self, name: str, data: bytes) -> None:  # noqa: ARG002 - one is claimed at a time
        """See `Marks`; written in place, since the system's lock belongs to the file."""
        if self._claimed:
            with self._words(""):
                os.pwrite(self._claimed[1], data, 0)

    def unmark(self, name: str) -> None:
        """See `Marks`."""
        with self._words(name):
            (self._root / name).unlink(missing_ok=True)
        if self._claimed and self._claimed[0] == name:
            self._let_go()

    def badge(self) -> dict[str, str]:
        """See `Marks`: which running system can tell whether the holder lives."""
        return {"boot": _boot()}

    def lives(self, name: str, note: dict[str, Any]) -> bool | None:
        """See `Marks`: a holder of this running system lives as long as the system's lock does."""
        if not note.get("boot") or note["boot"] != _boot():
            return None
        try:
            file = os.open(self._root / name, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(file)
        return False

    def _let_go(self) -> None:
        claimed, self._claimed = self._claimed, None
        if claimed:
            os.close(claimed[1])

    @contextlib.contextmanager
    def _words(self, name: str) -> Iterator[None]:
        """Turns what the system says into the hub's words."""
        try:
            yield
        except OSError as error:
            what, why = f"{self.url}/{name}".rstrip("/"), error.strerror or str(error)
            if error.errno in _GONE:
                raise Absent(f"There is no {what}.") from error
            if error.errno in _FULL:
                raise full(self.url) from error
            if error.errno in _RIGHTS:
                raise HubError(
                    f"{what}: {why}.", hint="Mend the rights of the folder, then run again."
                ) from error
            raise Unreachable(
                f"{what}: {why}.", hint="Look whether the disk is there, then run again."
            ) from error


def _boot() -> str:
    """Returns the name of this running system, empty where it has none."""
    with contextlib.suppress(OSError):
        return _BOOT.read_text(encoding="ascii").strip()
    return ""
