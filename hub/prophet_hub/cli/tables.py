"""Aligned text and times, without a library: `show` must not pay for one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from textwrap import wrap

__all__ = ["clean", "counted", "cut", "harmless", "shown_time", "table", "width"]

_GAP = 2
_LEAST = 12
_UNDER = "    "
_BOLD, _OFF = "\x1b[1m", "\x1b[0m"
# control characters but line break, tab and our own bold; what turns the writing's direction
_HARM = re.compile(
    "[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|\x1b(?!\\[[01]m)"
)


def table(
    rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), width: int = 0, bold: bool = False,
    below: Collection[str] = (),
) -> list[str]:  # fmt: skip
    """Returns the rows as lines with aligned columns.

    Args:
        rows: Texts; a line break or a control character in one becomes a blank.
        head: Titles of the columns; none if empty.
        width: Of the terminal; lines are cut there. 0 for no limit.
        bold: Whether the titles may be emphasised.
        below: Titles of the columns that, where a line would be cut, stand under their row instead.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return []
    whole = [list(head), *cells] if head else cells
    columns = max(map(len, whole))
    widths = [max((_wide(row[n]) for row in whole if n < len(row)), default=0)
              for n in range(columns)]  # fmt: skip
    if below and width and sum(widths) + _GAP * (columns - 1) > width:
        return _folded(cells, head, width, bold, below)
    lines = [_line(row, widths, width) for row in whole]
    if head and bold:
        lines[0] = f"{_BOLD}{lines[0]}{_OFF}"
    return lines


def _folded(
    rows: Iterable[Sequence[str]],
    head: Sequence[str],
    most: int,
    bold: bool,
    below: Collection[str],
) -> list[str]:
    """Returns the rows with some of their columns under them, in lines that fit."""
    stay = [n for n, title in enumerate(head) if title not in below]
    rows = [[*row, *[""] * (len(head) - len(row))] for row in rows]
    short = [[row[n] for n in stay] for row in rows]
    first, *lines = table(short, head=[head[n] for n in stay], width=most, bold=bold)
    found = [first]
    for row, line in zip(rows, lines, strict=True):
        found += [line] if line else []
        for n in sorted({*range(len(head))} - {*stay}):
            told = f"{head[n]}: {row[n]}" if row[n] else ""
            found += wrap(
                told, max(most, 2 * _LEAST), initial_indent=_UNDER, subsequent_indent=f"  {_UNDER}"
            )
    return found


def clean(text: str) -> str:
    """Returns the text on one line, without what could move a terminal's cursor."""
    return "".join(
        " " if one in "\n\r\t" else "" if unicodedata.category(one) in ("Cc", "Cf") else one
        for one in text
    )


def harmless(text: str) -> str:
    """Returns the text with the codes of what could act on a terminal: a stranger may have put it
    there.  Inside JSON the codes are JSON's own, and nothing is lost.
    """
    return _HARM.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def counted(number: int, noun: str) -> str:
    """Returns a number of things: `1 ticket`, `2,000 tickets`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def cut(text: str, most: int) -> str:
    """Returns the text no wider than so many columns; what was cut shows as an ellipsis."""
    if _wide(text) <= most:
        return text
    room = max(most - 1, 0)
    end = used = 0
    for end, one in enumerate(text):  # noqa: B007 - where it stopped is the point
        used += _wide(one)
        if used > room:
            break
    return text[:end] + "…"


def width(text: str) -> int:
    """Returns how many columns a text takes."""
    return _wide(text)


def shown_time(micros: int) -> str:
    """Returns an instant for people: minutes, in UTC."""
    if not micros:
        return ""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")


def _line(row: Sequence[str], widths: Sequence[int], most: int) -> str:
    parts = [cell + " " * (widths[n] - _wide(cell)) for n, cell in enumerate(row)]
    line = (" " * _GAP).join(parts).rstrip()
    return cut(line, max(most, _LEAST)) if most else line


def _wide(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )
