"""A spool folder as a place to read bugs from: a mirror of a server's files, or its own.

A bug lies in the folder of its last two digits: `.summary` its fields, `.log` its story, `.report` the
first mail (Debbugs/Status.pm, Log.pm).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from prophet_connectors._debbugs_letters import Letter, in_log, letter, notes_in, plain
from prophet_connectors._debbugs_server import Status, terms_of
from prophet_connectors._debbugs_words import words_in
from prophet_hub.errors import ConfigError, NotFound, Rejected, Transient, Unsupported
from prophet_hub.sdk.shapes import shaped
from prophet_hub.sdk.times import of_epoch

__all__ = ["Spool"]

_LARGEST: Final = 64 << 20
"""A file that is larger is not read."""

_FOLDERS: Final = ("db-h", "archive")
_SUMMARY: Final = {
    "submitter": "originator", "date": "date", "subject": "subject", "message-id": "msgid",
    "package": "package", "tags": "tags", "done": "done", "forwarded-to": "forwarded",
    "merged-with": "mergedwith", "severity": "severity", "owner": "owner",
    "found-in": "found_versions", "fixed-in": "fixed_versions", "blocks": "blocks",
    "blocked-by": "blockedby", "summary": "summary", "outlook": "outlook", "affects": "affects",
}  # fmt: skip
"""A line of a `.summary` -> a field (Debbugs/Status.pm)."""

_ENCODED: Final = frozenset({"originator", "subject", "done", "forwarded", "owner"})
_FILTERS: Final = {"package": "package", "tag": "tags", "severity": "severity", "bugs": "id",
                   "owner": "owner", "submitter": "originator", "affects": "affects"}  # fmt: skip


@dataclass(slots=True)
class Spool:
    """A folder with `db-h` and perhaps `archive`: a mirror, or the server's own.

    Changes are told by when a file arrived here (its ctime), so that a mirror that keeps the times of
    the files loses nothing.  Only plain files with the names of the spool are opened, no links.
    """

    folder: Path
    archived: bool
    clock: datetime | None = None
    web: str = ""

    def prove(self) -> None:
        if not (self.folder / "db-h").is_dir():
            raise Transient(
                f"There is no db-h in {self.folder}.", hint="Let `url` name the spool folder."
            )

    def numbers(self, query: str) -> list[str]:
        self.prove()
        terms = terms_of(query)
        known = {*_FILTERS, "archive", "status"}
        if other := next((name for name, _ in terms if name not in known), None):
            raise ConfigError(f"A spool knows no {other}; ask its server, or leave it out.")
        self.clock = datetime.now(UTC)  # the files' own
        asked = {v for n, v in terms if n == "archive"} or {"both" if self.archived else "0"}
        folders = ["db-h"] * bool(asked & {"0", "both"}) + ["archive"] * bool(asked & {"1", "both"})
        found = [n for folder in folders for n in self._in(folder)]
        narrow = [(n, v) for n, v in terms if n != "archive"]
        if not narrow:
            return found
        told = self.statuses(found)
        return [n for n in found if n in told and _fits(n, told[n], narrow)]

    def newest(self, count: int) -> list[str]:
        text = _read(self.folder / "nextnumber") or b"1"
        with shaped(str(self.folder), "debbugs"):
            after = int(text)
        return [str(n) for n in range(max(1, after - count), after)]

    def statuses(self, numbers: Iterable[str]) -> dict[str, Status]:
        told: dict[str, Status] = {}
        for number in numbers:
            for folder in _FOLDERS:
                path = self._path(folder, number, "summary")
                data = _read(path)
                if data is not None:
                    told[number] = self._status(folder, number, data)
                    break
        return told

    def changed(self, status: Status) -> datetime:
        return of_epoch(status["arrived"])

    def usertags(self, user: str, bug: str) -> list[str]:
        raise Unsupported(f"The spool does not tell what {user} thinks of bug {bug}.")

    def letters(self, bug: str) -> list[Letter]:
        found = in_log(self._log(bug))
        report = self._file(bug, "report")
        if report and letter(report).digest not in {one.digest for one in found}:
            found.insert(0, letter(report))
        return found

    def notes(self, bug: str) -> str:
        return notes_in(self._log(bug))

    def close(self) -> None:
        """Holds nothing."""

    def _log(self, bug: str) -> bytes:
        data = self._file(bug, "log")
        if data is not None:
            return data
        raise NotFound(f"The spool has no log of bug {bug}.")

    def _file(self, bug: str, end: str) -> bytes | None:
        found = (_read(self._path(folder, bug, end)) for folder in _FOLDERS)
        return next((data for data in found if data is not None), None)

    def _status(self, folder: str, number: str, data: bytes) -> Status:
        lines = data.decode("utf-8", "replace").split("\n")
        pairs = (line.partition(":") for line in lines if ":" in line)
        told: dict[str, Any] = {name.strip().lower(): value.strip() for name, _, value in pairs}
        old = told.get("format-version", "0") in ("0", "1", "2")
        status: dict[str, Any] = {
            field: plain(told[name]) if old and field in _ENCODED else told[name]
            for name, field in _SUMMARY.items()
            if name in told
        }
        marks = [_stamp(self._path(folder, number, end)) for end in ("summary", "log")]
        status["id"] = number
        status["archived"] = "1" if folder == "archive" else "0"
        status["last_modified"] = str(max(int(mark[0]) for mark in marks))
        status["arrived"] = str(max(int(mark[1]) for mark in marks))
        return status

    def _in(self, folder: str) -> Iterator[str]:
        base = self.folder / folder
        for part in _names(base, r"\d\d"):
            for name in _names(base / part, r"\d{1,9}\.summary"):
                number = name.removesuffix(".summary")
                if number.zfill(2)[-2:] == part:
                    yield number

    def _path(self, folder: str, number: str, end: str) -> Path:
        return self.folder / folder / number.zfill(2)[-2:] / f"{number}.{end}"


def _fits(number: str, status: Status, terms: list[tuple[str, str]]) -> bool:
    """Tells whether a bug has one of the values asked for, of each key."""
    for name in {name for name, _ in terms}:
        wanted = {value.lower() for key, value in terms if key == name}
        if name == "status":
            forwarded = {"forwarded"} if status.get("forwarded") else set()
            has = {"done"} if status.get("done") else {"open", *forwarded}
        elif name == "bugs":
            has = {number}
        else:
            told = status.get(_FILTERS[name]) or ("normal" if name == "severity" else "")
            has = {word.strip("<>").lower() for word in words_in(told)}
        if not wanted & has:
            return False
    return True


def _names(folder: Path, like: str) -> list[str]:
    """Returns the names in a folder that are of the spool's kind; a link is no folder."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if re.fullmatch(like, p.name))


def _stamp(path: Path) -> tuple[float, float]:
    try:
        told = path.lstat()
    except OSError:
        return 0.0, 0.0
    return told.st_mtime, told.st_ctime


def _read(path: Path) -> bytes | None:
    """Returns a file's bytes, None if there is no such plain file.

    Raises:
        Rejected: It is larger than anything a bug has.
        Transient: It could not be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if path.is_symlink():
            return None
        raise Transient(f"{path} cannot be read ({error.strerror}).") from None
    with os.fdopen(handle, "rb") as file:
        told = os.fstat(handle)
        if not stat.S_ISREG(told.st_mode):
            return None
        if told.st_size > _LARGEST:
            raise Rejected(f"{path} has {told.st_size} bytes, which are not read.")
        return file.read()
