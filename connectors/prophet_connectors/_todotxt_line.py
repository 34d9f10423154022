"""A file of todo.txt lines, byte for byte, and the prefix of a line.

Whatever is not changed is written back as it stood, down to blanks, line ends and bytes that are no
UTF-8.  Grammar: https://github.com/todotxt/todo.txt, read strictly; of what tools do besides it
`x (A) date date text` is understood.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

__all__ = ["DAY", "Line", "is_day", "join", "parse", "shown", "split", "version_of"]

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DONE = re.compile(rf"x (?:\(([A-Z])\) )?(?:({DAY}) )?(?:({DAY}) )?")
_OPEN = re.compile(rf"(?:\(([A-Z])\) )?(?:({DAY}) )?")


def split(data: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Returns the byte order mark, if any, and (text, line end) of each line.

    Bytes that are no UTF-8 become lone surrogates; only a line feed ends a line.
    """
    text = data.decode("utf-8", "surrogateescape")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = []
    for piece in re.findall(r"[^\n]*\n|[^\n]+", text[len(mark) :]):
        end = "\r\n" if piece.endswith("\r\n") else "\n" if piece.endswith("\n") else ""
        lines.append((piece[: len(piece) - len(end)], end))
    return mark, lines


def join(mark: str, lines: Iterable[tuple[str, str]]) -> bytes:
    """Returns the bytes of the file; of what `split` gave, the very same."""
    whole = mark + "".join(text + end for text, end in lines)
    return whole.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line taken apart; `str` puts it together again.

    Attributes:
        completed, created: Calendar days without a zone, "" where the line has none.
        priority: The letter in the prefix; a completed line may have it as `pri:` in the body.
        body: All behind the prefix, as it stands.
    """

    done: bool = False
    completed: str = ""
    created: str = ""
    priority: str = ""
    body: str = ""

    def __str__(self) -> str:
        pieces = ["x"] if self.done else []
        pieces += [f"({self.priority})"] if self.priority else []
        pieces += [day for day in (self.completed, self.created) if day]
        return " ".join([*pieces, self.body])


def parse(text: str) -> Line:
    """Returns the line taken apart; any text is one."""
    done = text.startswith("x ")
    match = (_DONE if done else _OPEN).match(text)
    letter, *days = match.groups() if match else ("",)
    good: list[str] = []
    for day in days:
        if not day or not is_day(day):
            break
        good.append(day)
    completed, created = (*good, "", "")[:2] if done else ("", *good, "")[:2]
    head = str(Line(done=done, completed=completed, created=created, priority=letter or ""))
    return Line(
        done=done,
        completed=completed,
        created=created,
        priority=letter or "",
        body=text[len(head) :],
    )


def is_day(text: str) -> bool:
    """Tells whether the text is a day that the calendar has."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def shown(text: str) -> str:
    """Returns a text that is UTF-8; bytes that are not stay in the line as they are."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def version_of(text: str) -> str:
    """Returns a name of the very bytes of a line."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
