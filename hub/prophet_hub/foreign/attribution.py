"""The line that says who wrote a comment, when and where: written, and read back.

    jesse, 2026-11-20 18:43 UTC, rt-main#42-53:

A comment that the hub's account writes opens with it.  Read back, it is the author where nobody can
be impersonated, and the key where nothing hidden can be carried; here it is never part of the body.
Trackers wrap and quote texts, so blanks, line ends and quote marks are one thing to the reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

__all__ = ["LOCAL", "Line", "parse", "write"]

LOCAL = "prophet-hub"
"""The place of comments that were written in the hub itself; their id is the record's."""

_GAP = r"[\s>]+"
_LINE = re.compile(
    rf"[\s>]*(?P<author>[^\n>](?:(?!\r?\n[ \t>]*\r?\n).){{0,199}}?),{_GAP}"
    rf"(?P<day>\d{{4}}-\d\d-\d\d){_GAP}(?P<time>\d\d:\d\d){_GAP}UTC,{_GAP}"
    rf"(?P<remote>[^\s#!]+)!?#(?P<ticket>[^\s:]*)-(?P<comment>[^\s:-]+)"
    rf"(?:{_GAP}\((?P<dialect>[\w.+-]+)\))?:[ \t]*(?:\r?\n(?:[ \t>]*\r?\n)?|$)",
    re.DOTALL,
)
_QUOTE = re.compile(r"^[ \t]*> ?", re.MULTILINE)
_SIGNS = re.compile(r">|(?<!\w)@")
"""What a name must not bring in: a quote mark, and the sign that would call whoever is so called."""

_BLANKS = re.compile(r"[\s>]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Who wrote a comment, when and where.

    Attributes:
        author: A name for people.
        created: Aware UTC; the line tells it to the minute.
        remote, ticket, comment: Where it was born, by the remote's name there and then.
        dialect: The markup of the text, "" for plain.
    """

    author: str
    created: datetime
    remote: str
    ticket: str
    comment: str
    dialect: str = ""


def write(line: Line, body: str, sign: str = "#") -> str:
    """Returns the body under its line; `parse` gives both back.

    `sign` is how the tracker writes `#` where it refers to nothing.
    """
    author = " ".join(_SIGNS.sub(" ", line.author).split())[:200] or "somebody"
    comment = quote(line.comment, safe="").replace("-", "%2D")
    place = f"{quote(line.remote, safe='')}{sign}{quote(line.ticket, safe='')}-{comment}"
    marked = f" ({line.dialect})" if line.dialect not in {"", "plain"} else ""
    return (
        f"{author}, {line.created.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {place}{marked}:\n\n{body}"
    )


def parse(text: str) -> tuple[Line | None, str]:
    """Returns the line that opens a text, None if none does, and the body without it."""
    found = _LINE.match(text)
    if not found:
        return None, text
    try:
        stamp = f"{found['day']} {found['time']}"
        created = datetime.strptime(stamp, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        return None, text
    body = text[found.end() :]
    if ">" in text[: found.start("author")]:
        body = _QUOTE.sub("", body)
    line = Line(
        author=_BLANKS.sub(" ", found["author"]).strip(),
        created=created,
        remote=unquote(found["remote"]),
        ticket=unquote(found["ticket"]),
        comment=unquote(found["comment"]),
        dialect=found["dialect"] or "",
    )
    return line, body
