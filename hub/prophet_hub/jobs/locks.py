"""One run per remote at a time: lock files beside the database, which the system gives back.

A lock is held by the process (flock), not by the file: after a crash nothing has to be cleaned up.
The file says who holds it, for the one that has to wait.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from prophet_hub.errors import Busy, StoreError

__all__ = ["holders", "locked"]

_POLL = 0.2  # seconds between two looks at a busy remote


@contextlib.contextmanager
def locked(
    folder: Path,
    remotes: Sequence[str],
    holder: str,
    *,
    wait: float = 0,
    sleep: Callable[[float], None],
) -> Iterator[None]:
    """Holds the remotes for the block, all or none.

    Args:
        folder: Where the lock files lie; made on first use.
        remotes: Their names.
        holder: A sentence's part that names the run: `support (process 12, since 18:43)`.
        wait: Seconds to wait for others.
        sleep: Passes seconds.

    Raises:
        Busy: Another run has one of them; its holder is named.
    """
    with contextlib.ExitStack() as held:
        for remote in sorted(set(remotes)):  # one order for all runs: no two wait for each other
            file = held.enter_context(_opened(folder, remote))
            while not _taken(file):
                if wait <= 0:
                    raise _busy(remote, _read(file))
                sleep(min(_POLL, wait))
                wait -= _POLL
            _note(file, {"holder": holder})
            held.callback(_note, file, {})
        yield


def holders(folder: Path) -> dict[str, str]:
    """Returns the remotes that are busy now, and with what."""
    found = {}
    for path in sorted(folder.glob("*.lock")):
        with contextlib.suppress(StoreError), _opened(folder, path.stem) as file:
            if not _taken(file):
                found[path.stem] = _read(file)
    return found


@contextlib.contextmanager
def _opened(folder: Path, remote: str) -> Iterator[int]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / f"{remote}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"The lock file of {remote} in {folder} cannot be opened: {error.strerror}.",
            hint="The database's folder must be writable for this user.",
        ) from error
    try:
        yield file
    finally:
        os.close(file)  # which gives the lock back


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note(file: int, words: dict[str, str]) -> None:
    """Writes who holds it; a full disk takes the words, never the lock."""
    said = json.dumps(words).encode()
    with contextlib.suppress(OSError):
        os.pwrite(file, said, 0)
        os.ftruncate(file, len(said))  # not before: what was emptied ext4 flushes when it is closed


def _read(file: int) -> str:
    try:
        words = json.loads(os.pread(file, 4096, 0) or b"{}")
    except ValueError:
        words = {}
    return str(words.get("holder", "")) or "another run"


def _busy(remote: str, holder: str) -> Busy:
    return Busy(
        f"{remote} is busy with {holder}.",
        holder=holder,
        hint="Wait for it to end, or give --wait SECONDS.",
    )
