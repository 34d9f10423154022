"""The tree between all dialects: CommonMark with GitHub's tables, strikethrough and task lists.

Readers make it, writers put it down.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = [
    "Block",
    "Break",
    "Builder",
    "Code",
    "Heading",
    "Image",
    "Inline",
    "Item",
    "Items",
    "Link",
    "Paragraph",
    "Quote",
    "Rule",
    "Span",
    "Table",
    "Text",
    "Verbatim",
    "flat",
    "linking",
    "shown",
    "spanning",
    "task",
]


@dataclass(frozen=True, slots=True)
class Text:
    """Characters as shown."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """The end of a line within a paragraph."""


@dataclass(frozen=True, slots=True)
class Span:
    """Emphasis of a kind: strong em del ins sup sub."""

    kind: str
    inside: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A code span."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link; one that shows its own address is a bare one."""

    target: str
    inside: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """An inline image: an address or the name of an attachment."""

    target: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    inside: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    level: int
    inside: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A code block; language "" where none is told."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list; `done` is None where it is no task."""

    blocks: tuple[Block, ...]
    done: bool | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list; `start` is the first number of an ordered one, None for bullets."""

    items: tuple[Item, ...]
    start: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, all of one width; the head is empty where there is none."""

    head: tuple[tuple[Inline, ...], ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A thematic break."""


Inline = Text | Break | Span | Verbatim | Link | Image
Block = Paragraph | Heading | Code | Quote | Items | Table | Rule

_DEEPEST = 60
_TASK = re.compile(r"\[([ xX])\](?: +|$)")


def linking(target: str) -> Callable[[tuple[Inline, ...]], Inline]:
    """Returns what makes a link to a target."""
    return lambda inside: Link(target, inside)


def spanning(kind: str) -> Callable[[tuple[Inline, ...]], Inline]:
    """Returns what makes emphasis of a kind."""
    return lambda inside: Span(kind, inside)


class Builder:
    """Makes inline trees of what opens and closes, properly nested or not."""

    def __init__(self) -> None:
        self._open: list[tuple[str, Callable[[tuple[Inline, ...]], Inline], list[Inline]]] = []
        self._top: list[Inline] = []

    def add(self, *inline: Inline) -> None:
        """Adds to what is open."""
        (self._open[-1][2] if self._open else self._top).extend(inline)

    def open(self, key: str, make: Callable[[tuple[Inline, ...]], Inline]) -> None:
        """Opens a node that `close(key)` ends; so deep that none shows any more, it opens none."""
        if len(self._open) < _DEEPEST:
            self._open.append((key, make, []))

    def holds(self, key: str) -> bool:
        """Tells whether such a node is open."""
        return any(key == opened[0] for opened in self._open)

    def close(self, key: str) -> None:
        """Ends the innermost node of this key and what was opened in it; without one, nothing."""
        if self.holds(key):
            while self._end() != key:
                pass

    def done(self) -> tuple[Inline, ...]:
        """Ends all and returns what was made."""
        while self._open:
            self._end()
        return tuple(self._top)

    def _end(self) -> str:
        key, make, inside = self._open.pop()
        self.add(make(tuple(inside)))
        return key


def task(blocks: tuple[Block, ...]) -> Item:
    """Returns an item, a task if it begins with a box."""
    match blocks:
        case (Paragraph((Text(text), *rest)), *others) if found := _TASK.match(text):
            first = Paragraph((Text(text[found.end() :]), *rest))
            return Item((first, *others), found[1] != " ")
    return Item(blocks)


def flat(blocks: Iterable[Block]) -> tuple[Inline, ...]:
    """Returns blocks as lines, for a place that holds nothing but lines, such as a cell."""
    done: list[Inline] = []
    for line in _flat(blocks):
        done += [*line, Break()]
    return tuple(done[:-1])


def _flat(blocks: Iterable[Block]) -> Iterable[tuple[Inline, ...]]:  # noqa: C901 - as above
    for block in blocks:
        match block:
            case Paragraph(inside) | Heading(_, inside):
                yield inside
            case Code(text, _):
                yield from ((Verbatim(line),) for line in text.split("\n") if line.strip())
            case Quote(inner):
                yield from ((Text("> "), *line) for line in _flat(inner))
            case Items(items, start):
                for n, item in enumerate(items):
                    mark = "- " if start is None else f"{start + n}. "
                    mark += "" if item.done is None else "[x] " if item.done else "[ ] "
                    lines = list(_flat(item.blocks)) or [()]
                    yield (Text(mark), *lines[0])
                    yield from lines[1:]
            case Table(head, rows):
                for row in (head, *rows):
                    if row:
                        yield tuple(one for cell in row for one in (Text(" | "), *cell))[1:]
            case Rule():
                yield (Text("---"),)


def shown(inside: Iterable[Inline]) -> str:
    """Returns the characters that are shown."""
    done: list[str] = []
    for one in inside:
        match one:
            case Text(text) | Verbatim(text):
                done.append(text)
            case Break():
                done.append("\n")
            case Span(_, children) | Link(_, children):
                done.append(shown(children))
            case Image(target, alt):
                done.append(alt or target)
    return "".join(done)
