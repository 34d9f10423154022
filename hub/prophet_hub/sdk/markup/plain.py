"""Text as people type it in mail: shown sign by sign, line by line.

What is aligned or indented stays so by being code; a `>` is a quotation; addresses are links.
Written, it is the CommonMark source of the tree without escapes: readable, and not read as markup.
"""

from __future__ import annotations

import re

from prophet_hub.sdk.markup.markdown_out import Writer, fenced
from prophet_hub.sdk.markup.tidying import tidy
from prophet_hub.sdk.markup.tree import Block, Break, Code, Inline, Paragraph, Quote, Text

__all__ = ["read", "write"]

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([\w+#.-]*)[ \t]*$")
_QUOTE = re.compile(r" ?>")
_ITEM = re.compile(r" *(?:[-*+•]|\d{1,9}[.)]|\(?[a-z]\))(?: |$)")
_APART = re.compile(r"\S(?: {3,}|\t)\S|\S(?<![.!?:;]) {2,}(?=\S)|\t")
_DEEPEST = 20
_MANY = 2


def read(text: str, depth: int = 0) -> tuple[Block, ...]:
    """Returns the tree that shows these characters and these lines."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    done: list[Block] = []
    at = 0
    while at < len(lines):
        start = at
        if not lines[at].strip():
            at += 1
        elif _QUOTE.match(lines[at]) and depth < _DEEPEST:
            while at < len(lines) and _QUOTE.match(lines[at]):
                at += 1
            inner = "\n".join(_unquoted(line) for line in lines[start:at])
            done.append(Quote(read(inner, depth + 1)))
        elif end := _fence(lines, at):
            opened = _FENCE.match(lines[at])
            at = end
            if opened and not opened[1]:
                done.append(Code("\n".join(lines[start + 1 : at - 1]), opened[3]))
            else:
                done.append(Code("\n".join(lines[start:at])))
        else:
            while at < len(lines) and lines[at].strip() and not _stops(lines, at, depth):
                at += 1
            at = max(at, start + 1)
            done.append(_chunk(lines[start:at]))
    return tidy(done)


def _unquoted(line: str) -> str:
    rest = line.lstrip(" ")[1:]
    return rest.removeprefix(" ")


def _stops(lines: list[str], at: int, depth: int) -> bool:
    return (_QUOTE.match(lines[at]) is not None and depth < _DEEPEST) or bool(_fence(lines, at))


def _fence(lines: list[str], at: int) -> int:
    """Returns the line after a fenced block that begins here, 0 if none does."""
    opened = _FENCE.match(lines[at])
    if not opened:
        return 0
    for n in range(at + 1, len(lines)):
        ended = _FENCE.match(lines[n])
        if ended and ended[2].startswith(opened[2]) and not ended[3]:
            return n + 1
    return 0


def _chunk(lines: list[str]) -> Block:
    if _preformatted(lines):
        return Code("\n".join(lines))
    inside: list[Inline] = []
    for line in lines:
        words = line.lstrip(" ")
        inside += [Text("\xa0" * (len(line) - len(words)) + words.rstrip(" \t")), Break()]
    return Paragraph(tuple(inside))


def _preformatted(lines: list[str]) -> bool:
    if sum(bool(_APART.search(line)) for line in lines) >= min(_MANY, len(lines)):
        return any("\t" in line or "   " in line.strip() for line in lines)
    indents = [len(line) - len(line.lstrip(" \t")) for line in lines]
    if not any(indents):
        return False
    if any("\t" in line[:indent] for line, indent in zip(lines, indents, strict=True)):
        return True
    if _ITEM.match(lines[0]):
        return False
    return max(indents) >= 4  # noqa: PLR2004 - CommonMark's own measure


class _Writer(Writer):
    def code(self, text: str, language: str) -> str:
        return text if not language and _stands(text) else fenced(text, language)


def _stands(text: str) -> bool:
    """Tells whether code is known as code without fences around it: indented, or fenced within."""
    lines = text.split("\n")
    indented = all(line.startswith(("    ", "\t")) for line in lines if line)
    return (indented or any(_FENCE.match(line) for line in lines)) and read(text) == (Code(text),)


def write(blocks: tuple[Block, ...]) -> str:
    """Returns the tree as people would type it."""
    return _Writer(plain=True).blocks(blocks)
