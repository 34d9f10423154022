"""The files of a todo.txt on disk: read whole, replaced whole, or not at all.

There is no locking among the tools that edit such a file, so a replacement looks once more whether
the file is still what was read, at the last moment before the rename.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prophet_connectors._todotxt_line import join, split
from prophet_connectors._todotxt_memory import Row
from prophet_hub.errors import AuthFailed, Stale, Transient

__all__ = ["Files", "State", "appended", "rows_of", "with_lines"]

State = list[int]
"""Inode, size, time of the last change in nanoseconds."""

_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The file and its archive, both with links followed; the archive need not exist."""

    todo: Path
    done: Path

    def state(self) -> dict[str, State]:
        """Returns what a look from outside tells.

        Raises:
            Transient: The file is not there; it is never taken for an empty one.
        """
        found = {path.name: _stat(path) for path in (self.todo, self.done)}
        if found[self.todo.name] is None:
            raise Transient(
                f"{self.todo} is not there.",
                hint="Wait if a sync folder is moving it; else put it back, or make an empty one.",
            )
        return {name: state for name, state in found.items() if state}

    def read(self) -> tuple[dict[str, State], dict[Path, bytes]]:
        """Returns what stood in the files at one moment, and how they looked from outside.

        Raises:
            Transient: Not there, or somebody writes all the time.
            AuthFailed: Not readable for this user.
        """
        for _ in range(_LOOKS):
            before = self.state()
            data = {path: _bytes(path) for path in (self.todo, self.done) if path.name in before}
            if self.state() == before and all(
                before[path.name][1] == len(held) for path, held in data.items()
            ):
                return before, data
        raise Transient(f"{self.todo} is being written all the time.", hint="Run again later.")

    def replace(self, path: Path, before: bytes, after: bytes) -> State:
        """Puts other bytes in the place of those that were read, in one step; returns the state.

        Raises:
            Stale: The file is not what was read any more; nothing was done.
            Transient: The disk did not take it; nothing was done.
            AuthFailed: The folder is not writable for this user.
        """
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(after)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(path, temporary)
            state = _stat(Path(temporary)) or []
            if path.read_bytes() != before:
                raise Stale(f"{path} was edited in this moment.", hint="The next run looks again.")
            os.replace(temporary, path)  # noqa: PTH105 - the call that crash tests watch
        except PermissionError as error:
            raise _denied(path) from error
        except OSError as error:
            raise Transient(f"{path} was not written: {error.strerror}.") from error
        finally:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
        return state

    def conflicted(self) -> list[str]:
        """Returns a sentence for every copy that a sync folder left beside the files.

        Dropbox and Nextcloud write `todo (... conflicted copy ...).txt`, Syncthing
        `todo.sync-conflict-....txt`.
        """
        stems = "|".join(re.escape(path.stem) for path in (self.todo, self.done))
        left = re.compile(rf"(?i)({stems})\b.*conflict.*")
        return [
            f"{path} holds edits that the sync folder could not merge: merge it by hand."
            for path in sorted(self.todo.parent.iterdir())
            if left.fullmatch(path.name)
        ]


def rows_of(files: Files, data: Mapping[Path, bytes]) -> list[Row]:
    """Returns the lines that are not blank: those of the file, then those of the archive."""
    return [
        Row(archived=path == files.done, at=at, text=text)
        for path in (files.todo, files.done)
        if path in data
        for at, (text, _) in enumerate(split(data[path])[1])
        if text.strip(" \t\r")
    ]


def with_lines(data: bytes, texts: Mapping[int, str | None]) -> bytes:
    """Returns the bytes with other lines at some places; None takes one out."""
    mark, lines = split(data)
    new = [
        (texts.get(at, text) or "", end)
        for at, (text, end) in enumerate(lines)
        if texts.get(at, text) is not None
    ]
    if new and lines[-1][1] == "":
        new[-1] = (new[-1][0], "")  # a file without a final line end stays one
    return join(mark, new)


def appended(data: bytes, text: str) -> bytes:
    """Returns the bytes with one more line, ended as the others are."""
    mark, lines = split(data)
    end = next((e for _, e in lines if e), "\n")
    if lines and not lines[-1][1]:
        return join(mark, [*lines[:-1], (lines[-1][0], end), (text, "")])
    return join(mark, [*lines, (text, end)])


def _stat(path: Path) -> State | None:
    try:
        seen = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise _denied(path) from error
    return [seen.st_ino, seen.st_size, seen.st_mtime_ns]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except PermissionError as error:
        raise _denied(path) from error
    except OSError as error:
        raise Transient(f"{path} cannot be read: {error.strerror}.") from error


def _denied(path: Path) -> AuthFailed:
    return AuthFailed(
        f"{path} may not be read and replaced by this user.",
        hint="Check the permissions of the file and its folder.",
    )
