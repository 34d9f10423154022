"""Writes CommonMark: as people would type it, read back, and escaped to the last sign where needed."""

from __future__ import annotations

import re
from collections.abc import Callable

from prophet_hub.sdk.markup import markdown
from prophet_hub.sdk.markup.tidying import is_bare
from prophet_hub.sdk.markup.tree import (
    Block,
    Break,
    Code,
    Heading,
    Image,
    Inline,
    Item,
    Items,
    Link,
    Paragraph,
    Quote,
    Rule,
    Span,
    Table,
    Text,
    Verbatim,
)

__all__ = ["Writer", "fenced", "write"]

PLAIN, PRETTY, SAFE = 0, 1, 2  # nothing escaped; what needs it; all punctuation
_ALWAYS = re.compile(
    r"[`\[\]]|\\(?=[!-/:-@\[-`{-~]|$)|<(?=[a-zA-Z/!?])|&(?=#?[a-zA-Z0-9]+;)|~(?=~)|(?<=~)~"
)
_STAR = re.compile(r"(?<!\s)\*|\*(?!\s)")
_UNDER = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_START = re.compile(r"([#>+=|:*~-]|\d{1,9}(?=[.)]))")
_NUMBER = re.compile(r"\d{1,9}(?=[.)](?:\s|$))")
_ODD = re.compile(r"[^\S \n]|[\x00-\x08\x0b-\x1f\x7f\u200b\ufeff]")
_ALL = re.compile(r"[!-/:-@\[-`{-~]")
_RULED = re.compile(r"-[ -]*- *(?:\n|\Z)")  # one more dash before it makes a rule of it
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*", re.ASCII)
Writing = Callable[[int], str]
_TAG = {"strong": "strong", "em": "em", "del": "del", "ins": "ins", "sup": "sup", "sub": "sub"}
_SIGNS = {"strong": ("**", "__"), "em": ("*", "_"), "del": ("~~",), "ins": (), "sup": (), "sub": ()}


def write(blocks: tuple[Block, ...]) -> str:
    """Returns CommonMark that `markdown.read` reads as this tree."""
    return Writer().blocks(blocks)


class Writer:
    """A writer; `plain` escapes nothing, for readers who see the source."""

    def __init__(self, *, plain: bool = False) -> None:
        self._plain = plain

    def blocks(self, blocks: tuple[Block, ...]) -> str:
        """Returns the text of blocks, without an end of line."""
        return "\n\n".join(self.block(block) for block in blocks)

    def block(self, block: Block) -> str:  # noqa: PLR0911 - one arm per kind
        """Returns the text of one block."""
        match block:
            case Paragraph(inside):
                return self._checked(block, lambda mode: _lines(inside, mode))
            case Heading(level, inside):
                return self._checked(block, lambda mode: f"{'#' * level} {_title(inside, mode)}")
            case Code(text, language):
                return self.code(text, language)
            case Quote(inner):
                return _prefixed(self.blocks(inner), "> ", "> ")
            case Items(items, start):
                return self._items(items, start)
            case Table():
                return self._checked(block, lambda mode: _table(block, mode))
            case Rule():
                return "---"

    def code(self, text: str, language: str) -> str:
        """Returns the text of a code block."""
        return fenced(text, language)

    def _checked(self, block: Block, text: Writing) -> str:
        if self._plain:
            return text(PLAIN)
        pretty = text(PRETTY)
        return pretty if markdown.read(pretty) == (block,) else text(SAFE)

    def _items(self, items: tuple[Item, ...], start: int | None) -> str:
        tight = all(_simple(item) for item in items)
        boxes = {None: "", True: "[x] ", False: "[ ] "}
        inner = [boxes[item.done] + self._inner(item) for item in items]
        bullet = "+ " if any(_RULED.match(text) for text in inner) else "- "
        done: list[str] = []
        for n, text in enumerate(inner):
            mark = bullet if start is None else f"{start + n}. "
            done.append(_prefixed(text, mark, " " * len(mark)).rstrip(" "))
        return ("\n" if tight else "\n\n").join(done)

    def _inner(self, item: Item) -> str:
        blocks = item.blocks
        if item.done is not None and not (blocks and isinstance(blocks[0], Paragraph)):
            return "\n\n" + self.blocks(blocks) if blocks else ""
        match blocks:
            case (Rule(), *rest):
                return "\n\n".join(["***", *(self.block(block) for block in rest)])
            case (Paragraph(), Items(below, start) as items) if _simple(item):
                apart = "\n\n" if start not in {None, 1} or not below[0].blocks else "\n"
                return self.block(blocks[0]) + apart + self.block(items)
        return self.blocks(blocks)


def _simple(item: Item) -> bool:
    match item.blocks:
        case () | (Paragraph(),):
            return True
        case (Paragraph(), Items(below, _)):
            return all(_simple(one) for one in below)
    return False


def _prefixed(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join(
        (first if n == 0 else rest) + line if line else (first if n == 0 else rest).rstrip(" ")
        for n, line in enumerate(lines)
    )


def fenced(text: str, language: str) -> str:
    """Returns a code block between fences that it does not hold itself."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _title(inside: tuple[Inline, ...], mode: int) -> str:
    text = _words(inside, mode)
    if mode != PLAIN and text.endswith("#"):
        text = text[:-1] + "\\#"
    return text


def _lines(inside: tuple[Inline, ...], mode: int) -> str:
    lines = _words(inside, mode).split("\n")
    if mode == PRETTY:
        lines = [
            _START.sub(_started, line, count=1) if _START.match(line) else line for line in lines
        ]
    return ("\n" if mode == PLAIN else "  \n").join(lines)


def _started(found: re.Match[str]) -> str:
    """Returns the begin of a line so that it begins no block."""
    sign, line = found[1], found.string
    after = line[found.end() : found.end() + 1]
    if sign.isdecimal():
        return f"{sign}\\" if line[found.end() + 1 : found.end() + 2] in {"", " "} else sign
    plain = line.strip("-=:| ")
    if sign in "+-*" and after not in {"", " "} and plain:
        return sign
    if sign == "#" and line.lstrip("#")[:1] not in {"", " "}:
        return sign
    if sign in "=|:" and plain:
        return sign
    if sign == "~" and not line.startswith("~~~"):
        return sign
    return f"\\{sign}"


def _table(table: Table, mode: int) -> str:
    width = len(table.head or table.rows[0])
    rows = [table.head or ((),) * width, *table.rows]
    lines = ["|" + "".join(f" {_cell(cell, mode)} |" for cell in row) for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def _cell(cell: tuple[Inline, ...], mode: int) -> str:
    text = _words(cell, mode).replace("\n", "<br>")
    return re.sub(r"(?<!\\)\|", r"\\|", text) if mode == SAFE else text.replace("|", "\\|")


def _words(inside: tuple[Inline, ...], mode: int) -> str:
    pieces = [_piece(one, mode) for one in inside]
    done: list[str] = []
    for n, (one, piece) in enumerate(zip(inside, pieces, strict=True)):
        follows = inside[n + 1] if n + 1 < len(inside) else None
        text = piece
        if isinstance(one, Span):
            before = done[-1][-1:] if done else ""
            after = "*" if isinstance(follows, Span) else pieces[n + 1][:1] if follows else ""
            text = _signed(one.kind, piece, before, after, mode)
        elif isinstance(follows, Link) and mode != PLAIN and piece.endswith("!"):
            text = piece if piece.endswith("\\!") else piece[:-1] + "\\!"
        if text:
            done.append(text)
    return "".join(done)


def _piece(one: Inline, mode: int) -> str:
    match one:
        case Text(text):
            return _escaped(text, mode)
        case Break():
            return "\n"
        case Verbatim(text):
            return _verbatim(text)
        case Span(_, children):
            return _words(children, mode)
        case Link(target, children):
            return _link(target, children, mode)
        case Image(target, alt):
            return f"![{_escaped(alt, mode)}]({_address(target, mode)})"


def _signed(kind: str, text: str, before: str, after: str, mode: int) -> str:
    if mode == PLAIN:
        return next(iter(_SIGNS[kind]), "").join(["", text, ""])
    for sign in _SIGNS[kind] if mode == PRETTY else ():
        edge = sign[0]
        if edge in {text[:1], text[-1:], before, after}:
            continue
        if edge == "_" and (before.isalnum() or after.isalnum()):
            continue
        opens = text[0].isalnum() or not before.isalnum()
        closes = text[-1].isalnum() or not after.isalnum()
        if opens and closes:
            return f"{sign}{text}{sign}"
    return f"<{_TAG[kind]}>{text}</{_TAG[kind]}>"


def _link(target: str, children: tuple[Inline, ...], mode: int) -> str:
    if children == (Text(target),) and is_bare(target):
        return target if mode == PLAIN else f"<{target}>"
    mail = target.removeprefix("mailto:")
    if mail != target and children == (Text(mail),) and _MAIL.fullmatch(mail):
        return mail if mode == PLAIN else f"<{mail}>"
    return f"[{_words(children, mode)}]({_address(target, mode)})"


def _address(target: str, mode: int) -> str:
    if mode == PLAIN:
        return target if " " not in target else f"<{target}>"
    text = re.sub(r"[\\<>]|&(?=#?\w+;)", r"\\\g<0>", target)
    text = re.sub(r"[*_`~\[\]]", r"\\\g<0>", text) if mode == SAFE else text
    odd = re.search(r"[\s()\x00-\x20\x7f]", text) or not text
    return f"<{text}>" if odd else text


def _verbatim(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    runs = {len(run) for run in re.findall(r"`+", text)}
    fence = "`" * next(n for n in range(1, longest + 2) if n not in runs)
    pad = text[0] == "`" or text[-1] == "`" or (text[0] == " " == text[-1])
    return f"{fence} {text} {fence}" if pad else f"{fence}{text}{fence}"


def _escaped(text: str, mode: int) -> str:
    if mode == PLAIN:
        return text.replace("\xa0", " ")
    if mode == SAFE:
        return _ODD.sub(_entity, _ALL.sub(r"\\\g<0>", text))
    text = _ALWAYS.sub(r"\\\g<0>", text)
    text = _UNDER.sub(r"\\_", _STAR.sub(r"\\*", text)) if "*" in text or "_" in text else text
    return text.replace("\xa0", "&nbsp;")


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
