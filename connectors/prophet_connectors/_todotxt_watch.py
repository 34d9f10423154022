"""Looking at a todo.txt: what is there now, what changed, and the brakes.

A look marks lines of others with our word (`hub:<id>`) where that is wanted, and notes every
difference to the look before.  Our own writes are noted at once, so that they count for no brake; a
crash between a write and its note is met by the next look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prophet_connectors._todotxt_file import Files, State, appended, rows_of, with_lines
from prophet_connectors._todotxt_line import parse
from prophet_connectors._todotxt_memory import Memory, Row, identify, mint
from prophet_connectors._todotxt_words import token_in, with_id
from prophet_hub.errors import Brake, ConfigError
from prophet_hub.sdk.pace import Clock

__all__ = ["Watch", "instant", "matches"]

_QUIET = timedelta(seconds=2)
"""A file younger than this may change again without a new time or size (FAT counts in 2 s)."""

_ALL = 100


@dataclass(slots=True)
class _Seen:
    """What stood in the files at one moment; kept true by every write of ours.

    Attributes:
        known: Whether the last look saw the same.
    """

    state: dict[str, State]
    data: dict[Path, bytes]
    known: bool = False

    @property
    def when(self) -> int:
        return max(state[2] for state in self.state.values())


class Watch:
    """The files and what is remembered of them; not for several threads at once.

    Args:
        place: Of the memory, None where it lasts as long as this object.
        marks: Whether lines of others get our word.
        dry: Whether nothing may be written at all.
        most_gone: Percent of the tasks that may vanish at one look; 100 is no brake.
    """

    def __init__(
        self, files: Files, place: Path | None, *,
        marks: bool, dry: bool, most_gone: int, clock: Clock,
    ) -> None:  # fmt: skip
        self.files = files
        self._place = place
        self._marks = marks and not dry
        self._dry = dry
        self._most_gone = most_gone
        self._clock = clock
        self._memory: Memory | None = None

    def look(self, query: str, *, mark: bool = False) -> Memory:
        """Returns the memory after a look; files that did not change are not read.

        With `mark` lines that lack our word get it, if that is wanted at all.

        Raises:
            Brake: Too much is gone to be believed.
            Transient, AuthFailed, Stale: As `Files` says.
        """
        if not self._marks and self._place is None:
            raise ConfigError("Lines without a mark need a folder to be remembered in.")
        memory = self._memory or Memory.load(self._place)
        self._memory = memory
        mark = mark and self._marks
        same = memory.query == query and not (mark and memory.unmarked)
        if same and memory.settled and memory.state == self.files.state():
            return memory
        seen = _Seen(*self.files.read())
        when = seen.when
        if not same or memory.digests != _digests(seen.data):
            self._end_moves(memory, seen)
            rows = rows_of(self.files, seen.data)
            found = self._identified(rows, memory, query)
            self._brake(memory, set(found.values()), empty=not rows)
            memory.take(self._marked(found, seen) if mark else _texts(found), when)
            memory.unmarked = any(not token_in(task.text) for task in memory.items.values())
            memory.query, memory.digests = query, _digests(seen.data)
        settled = self._clock.now() - instant(seen.when) > _QUIET
        if not same or (memory.state, memory.settled) != (seen.state, settled):
            memory.state, memory.settled = seen.state, settled
            memory.save(self._place)
        return memory

    def append(self, token: str, text: str) -> None:
        """Adds a line at the end of the file."""
        seen = self._read()
        self._put(seen, self.files.todo, appended(seen.data[self.files.todo], text))
        self._note(token, text, seen)

    def find(self, token: str) -> tuple[Row, _Seen] | None:
        """Returns the task's line as it stands in the files now, and what else does."""
        seen = self._read()
        found = self._identified(rows_of(self.files, seen.data), self._kept(), None)
        return next(((row, seen) for row in found if found[row] == token), None)

    def put(self, token: str, row: Row, seen: _Seen, text: str | None) -> None:
        """Puts another line in the place of one, None to take it out.

        An archived line that is reopened belongs into the file: it is added there first, and the
        memory says so, lest a crash between the two leaves a copy that counts as a new task.
        """
        memory = self._kept()
        path = self.files.done if row.archived else self.files.todo
        if text is not None and row.archived and not parse(text).done:
            memory.moving = [token]
            memory.save(self._place)
            self._put(seen, self.files.todo, appended(seen.data[self.files.todo], text))
            self._put(seen, path, with_lines(seen.data[path], {row.at: None}))
            memory.moving = []
        else:
            self._put(seen, path, with_lines(seen.data[path], {row.at: text}))
        self._note(token, text, seen)

    # --- within --------------------------------------------------------------------------------

    def _kept(self) -> Memory:
        return self._memory or Memory.load(self._place)

    def _identified(self, rows: list[Row], memory: Memory, query: str | None) -> dict[Row, str]:
        return identify(
            rows,
            {token: known.text for token, known in memory.items.items()},
            wanted=lambda text: query is not None and matches(text, query),
            fresh=mint,
        )

    def _brake(self, memory: Memory, found: set[str], *, empty: bool) -> None:
        known = len(memory.items)
        lost = known - len(memory.items.keys() & found)
        if lost and self._most_gone < _ALL and (empty or lost * _ALL > known * self._most_gone):
            raise Brake(
                f"{lost} of {known} tasks are in neither {self.files.todo} nor its archive.",
                hint="Put them back; or set most_gone: 100 for one run if they are to be deleted.",
            )

    def _marked(self, found: Mapping[Row, str], seen: _Seen) -> dict[str, str]:
        """Writes our word into the lines that lack it; returns all lines by token."""
        texts: dict[str, str] = {}
        new: dict[Path, dict[int, str | None]] = {path: {} for path in seen.data}
        for row, token in found.items():
            texts[token] = row.text
            if token_in(row.text) != token:
                texts[token] = str(with_id(parse(row.text), token))
                path = self.files.done if row.archived else self.files.todo
                new[path][row.at] = texts[token]
        for path, lines in new.items():
            self._put(seen, path, with_lines(seen.data[path], lines))
        return texts

    def _end_moves(self, memory: Memory, seen: _Seen) -> None:
        """Ends what a crash left half done: reopened lines that stand in the archive still."""
        if not memory.moving:
            return
        rows = [(row, token_in(row.text)) for row in rows_of(self.files, seen.data)]
        back = {token for row, token in rows if not row.archived}
        twice = {r.at: None for r, t in rows if r.archived and t in back and t in memory.moving}
        if twice:
            self._put(seen, self.files.done, with_lines(seen.data[self.files.done], twice))
        if not self._dry:
            memory.moving = []

    def _put(self, seen: _Seen, path: Path, after: bytes) -> None:
        if after != seen.data[path]:
            if not self._dry:
                seen.state[path.name] = self.files.replace(path, seen.data[path], after)
            seen.data[path] = after  # in a dry run as if: the next look finds it otherwise

    def _read(self) -> _Seen:
        seen = _Seen(*self.files.read())
        seen.known = self._kept().digests == _digests(seen.data)
        return seen

    def _note(self, token: str, text: str | None, seen: _Seen) -> None:
        memory = self._kept()
        old = memory.items.get(token)
        if text is None or old is None or old.text != text:
            memory.generation += 1
            if text is None:
                memory.drop(token, seen.when)
            else:
                memory.put(token, text, seen.when)
        if seen.known:  # nothing but our own write is new in the file
            memory.state, memory.digests = seen.state, _digests(seen.data)
            memory.settled = False
        memory.save(self._place)


def matches(text: str, query: str) -> bool:
    """Tells whether a line has all terms, and none of those with a minus (as `todo.sh list`)."""
    line = " ".join(w for w in text.lower().split(" ") if not w.startswith("hub:"))
    return all(
        term[1:] not in line if len(term) > 1 and term[0] == "-" else term in line
        for term in query.lower().split()
    )


def instant(nanoseconds: int) -> datetime:
    """Returns a file's time, to the microsecond."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)


def _texts(found: Mapping[Row, str]) -> dict[str, str]:
    return {token: row.text for row, token in found.items()}


def _digests(data: Mapping[Path, bytes]) -> dict[str, str]:
    return {path.name: hashlib.sha256(held).hexdigest() for path, held in data.items()}
