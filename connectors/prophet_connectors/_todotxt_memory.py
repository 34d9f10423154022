"""What was seen of a todo.txt at the last look: who is who, what changed when, what is gone.

The file has no ids, no times and no history, so the connector remembers.  Every look that finds a
difference is a generation; a line's generation is the change feed.  Matching is one to one and
stable: by our own word in the line, by the whole line, by the line without what completing and
archiving change, and, if it never carried our word, by likeness.
"""

from __future__ import annotations

import json
import os
import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import quote, unquote

from prophet_connectors._todotxt_words import core, token_in
from prophet_hub.errors import Transient

__all__ = ["Known", "Memory", "Row", "identify", "key_of", "mint", "token_of"]

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LIKE = 0.5
"""Share of common words above which a changed line is still the same task."""


@dataclass(slots=True)
class Known:
    """A task as last seen.

    Attributes:
        generation: Of its last change.
        born, changed: The file's time at the first look and at the last change, nanoseconds.
    """

    text: str
    generation: int
    born: int
    changed: int


@dataclass(slots=True, kw_only=True)
class Memory:
    """All that is remembered of one file and its archive.

    Attributes:
        name: Random; a cursor of another memory is not ours.
        state: Of each file, by name: (inode, size, time in nanoseconds).
        digests: Of each file, SHA-256 in hexadecimal.
        settled: Whether the files had been quiet for long enough to trust `state` alone.
        query: The terms that decided which lines were taken in.
        gone: Token -> (generation, time) of the look that missed it.
        moving: Tokens on their way from the archive back to the file.
        unmarked: Whether lines wait for our word.
    """

    name: str = ""
    generation: int = 0
    state: dict[str, list[int]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    settled: bool = False
    query: str = ""
    items: dict[str, Known] = field(default_factory=dict)
    gone: dict[str, list[int]] = field(default_factory=dict)
    moving: list[str] = field(default_factory=list)
    unmarked: bool = False

    @classmethod
    def load(cls, path: Path | None) -> Memory:
        """Returns what the file holds; a fresh memory where there is none that can be read."""
        try:
            raw = json.loads(path.read_text("utf-8", "surrogatepass")) if path else {}
            items = {token: Known(*known) for token, known in raw.pop("items", {}).items()}
            memory = cls(**raw, items=items)
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            memory = cls()
        except OSError as error:
            raise Transient(f"{path} cannot be read: {error.strerror}.") from error
        memory.name = memory.name or secrets.token_hex(4)
        return memory

    def save(self, path: Path | None) -> None:
        """Replaces the file in one step, making its folder on first use."""
        if path is None:
            return
        temporary = path.with_suffix(".new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            items = {t: (k.text, k.generation, k.born, k.changed) for t, k in self.items.items()}
            others = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "items"}
            temporary.write_text(json.dumps({**others, "items": items}), "utf-8")
            os.replace(temporary, path)  # noqa: PTH105 - the call that crash tests watch
        except OSError as error:
            raise Transient(f"{path} was not written: {error.strerror}.") from error

    def take(self, texts: Mapping[str, str], when: int) -> None:
        """Notes a whole look: what is new, what changed, what is gone; the same look is no news."""
        lost = self.items.keys() - texts.keys()
        news = [t for t, text in texts.items() if t not in self.items or self.items[t].text != text]
        if lost or news:
            self.generation += 1
        for token in lost:
            self.drop(token, when)
        for token in news:
            self.put(token, texts[token], when)

    def put(self, token: str, text: str, when: int) -> None:
        """Notes one line, in this generation."""
        old = self.items.get(token)
        self.gone.pop(token, None)
        self.items[token] = Known(
            text=text, generation=self.generation, born=old.born if old else when, changed=when
        )

    def drop(self, token: str, when: int) -> None:
        """Notes that a line is gone, in this generation."""
        del self.items[token]
        self.gone[token] = [self.generation, when]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line that is not blank: which file, at which place, its text."""

    archived: bool
    at: int
    text: str


def identify(
    rows: Sequence[Row],
    known: Mapping[str, str],
    *,
    wanted: Callable[[str], bool],
    fresh: Callable[[], str],
) -> dict[Row, str]:
    """Returns the token of each row that is a task of ours.

    Of lines with one token the nearest to the remembered one keeps it.  Likeness counts for tasks
    alone whose line carried no token.  Archived lines only ever
    continue a known task; open ones that nobody knows get a fresh token, if they are wanted.

    Args:
        rows: The file first, then the archive.
        known: Token -> the line as last seen.
        wanted: Whether a line that nobody knows is taken in.
        fresh: Gives a token.
    """
    found = _carried(rows, known)
    taken = set(found.values())
    missing = {token: text for token, text in known.items() if token not in taken}
    for form in (str, core):
        found |= _equal([r for r in rows if r not in found], missing, form)
        taken = set(found.values())
        missing = {t: text for t, text in missing.items() if t not in taken}
    missing = {token: text for token, text in missing.items() if not token_in(text)}
    found |= _alike([r for r in rows if r not in found and not r.archived], missing)
    for row in rows:
        if row not in found and not row.archived and wanted(row.text):
            found[row] = fresh()
    return found


def _carried(rows: Sequence[Row], known: Mapping[str, str]) -> dict[Row, str]:
    """Returns the lines that carry our word; of a copied one, the nearest to what it was."""
    carriers: dict[str, list[Row]] = {}
    for row in rows:
        token = token_in(row.text)
        if token:
            carriers.setdefault(token, []).append(row)
    found: dict[Row, str] = {}
    for token, several in carriers.items():
        old = known.get(token, "")
        near = (
            [_near(old, row.text) for row in several] if len(several) > 1 else [(True, True, 1.0)]
        )
        found[several[near.index(max(near))]] = token
    return found


def _equal(
    rows: Sequence[Row], missing: Mapping[str, str], form: Callable[[str], str]
) -> dict[Row, str]:
    """Returns the lines that equal a missing task in a form, both in their own order."""
    waiting: dict[str, list[str]] = {}
    for token, text in missing.items():
        waiting.setdefault(form(text), []).append(token)
    found: dict[Row, str] = {}
    for row in rows if waiting else ():
        if same := waiting.get(form(row.text)):
            found[row] = same.pop(0)
    return found


def _alike(rows: Sequence[Row], missing: Mapping[str, str]) -> dict[Row, str]:
    """Returns the best pairs of unknown lines and missing tasks, best first, one to one."""
    pairs = sorted(
        (-like, row.at, token, row)
        for row in rows
        for token, text in missing.items()
        if (like := _likeness(text, row.text)) > _LIKE
    ) if rows and missing else []  # fmt: skip
    found: dict[Row, str] = {}
    taken: set[str] = set()
    for _, _, token, row in pairs:
        if row not in found and token not in taken:
            found[row] = token
            taken.add(token)
    return found


def _near(old: str, new: str) -> tuple[bool, bool, float]:
    return old == new, core(old) == core(new), _likeness(old, new)


def _likeness(one: str, other: str) -> float:
    """Returns the share of common words (Dice)."""
    words, others = (Counter(core(text).lower().split()) for text in (one, other))
    both = words.total() + others.total()
    return 2 * (words & others).total() / both if both else 0.0


def token_of(key: str) -> str:
    """Returns the hub's key as it stands in a line: 22 digits for a uuid, else quoted."""
    try:
        number = uuid.UUID(key)
    except ValueError:
        return f"={quote(key, safe='')}"
    return _base62(number.int) if str(number) == key else f"={quote(key, safe='')}"


def key_of(token: str) -> str:
    """Returns the hub's key in a token, "" for an id of our own making or of another's."""
    if token.startswith("="):
        return unquote(token[1:])
    number = 0
    for digit in token:
        number = number * 62 + _DIGITS.index(digit)
    if len(token) != _WIDTH or number >> 128 or uuid.UUID(int=number).version == _OURS:
        return ""
    return str(uuid.UUID(int=number))


def mint() -> str:
    """Returns a token for a line that others wrote: a uuid of version 8, so that no record has it."""
    number = secrets.randbits(128) & ~(0xF << 76) & ~(3 << 62)
    return _base62(number | _OURS << 76 | 2 << 62)


_WIDTH, _OURS = 22, 8


def _base62(number: int) -> str:
    digits = ""
    while len(digits) < _WIDTH:
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
