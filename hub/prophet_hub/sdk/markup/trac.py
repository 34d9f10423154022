"""Trac's wiki text, as tickets are shown: line ends of a paragraph are kept.

A sign toggles wherever it stands and `!` before it escapes; a blank line ends everything that is
open, lists too; what follows a list belongs to an item as long as it is indented like its text.
Source: Trac 1.6, `trac/wiki/parser.py` and `formatter.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prophet_hub.sdk.markup.tidying import tidy
from prophet_hub.sdk.markup.trac_inline import TOKEN, ZERO, passage
from prophet_hub.sdk.markup.tree import (
    Block,
    Break,
    Code,
    Heading,
    Inline,
    Item,
    Items,
    Paragraph,
    Quote,
    Rule,
    Span,
    Table,
    task,
)

__all__ = ["PROCESSOR", "code_blocks", "opens", "read"]

_START = re.compile(r"\s*\{\{\{(?:\s*#!([\w+-][\w+/-]*)[^\n]*|\s*)$")
PROCESSOR = re.compile(r"\s*#!([\w+-][\w+/-]*)")
_ITEM = re.compile(
    r"(?P<indent>\s*)(?:[*\u2022-]|(?P<number>[0-9]{1,9}|[a-zA-Z]|[ivxIVX]{1,5})\.)\s"
)
_HEADING = re.compile(r"\s*(={1,6})\s(.*?)(?:#[\w:][\w:.-]*)?\s*$")
_DEFINED = re.compile(r"\s+((?:`[^`]*`|[^:`]|:(?!:))+)::(?:\s+|$)")
_NO_LANGUAGE = {"text", "default", "text/plain"}
_DEEPEST = 20


def read(text: str, depth: int = 0) -> tuple[Block, ...]:
    """Returns the tree of a text."""
    lines = re.sub(r"[\v\f]", " ", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return tidy(_blocks(lines, depth))


def _blocks(lines: list[str], depth: int) -> Iterator[Block]:  # noqa: C901, PLR0912 - one arm per kind
    at = 0
    while at < len(lines):
        start, line = at, lines[at].replace("\t", " " * 8)
        at += 1
        if not line.strip():
            continue
        if line.lstrip().startswith(">") and depth < _DEEPEST:
            while at < len(lines) and lines[at].lstrip().startswith(">"):
                at += 1
            yield Quote(read("\n".join(_unquoted(lines[start:at])), depth + 1))
        elif opens(line):
            at, code = _code(lines, start)
            yield code
        elif line.startswith("----"):
            yield Rule()
        elif found := _HEADING.match(line):
            words = found[2].rstrip()
            yield Heading(len(found[1]), passage([words.removesuffix(found[1]).rstrip()]))
        elif _is_row(line):
            while at < len(lines) and _is_row(lines[at]):
                at += 1
            yield _table(lines[start:at])
        elif _ITEM.match(line) and depth < _DEEPEST:
            at = _end_of_list(lines, start)
            yield from _list(lines[start:at], depth)
        elif line[0].isspace() and depth < _DEEPEST:
            while at < len(lines) and lines[at][:1].isspace() and not _begins(lines[at]):
                at += 1
            yield from _indented(lines[start:at], depth)
        else:
            while (
                at < len(lines)
                and lines[at]
                and not (lines[at][0].isspace() and depth < _DEEPEST)
                and not _begins(lines[at])
            ):
                at += 1
            yield Paragraph(passage([one.strip() for one in lines[start:at]]))


def _unquoted(lines: list[str]) -> list[str]:
    rest = [line.lstrip()[1:] for line in lines]
    if all(not line or line[0] in "> " for line in rest):
        return [line.removeprefix(" ") for line in rest]
    return rest


def _begins(line: str) -> bool:
    return bool(
        line.lstrip().startswith(">")
        or opens(line)
        or line.startswith("----")
        or _HEADING.match(line)
        or _is_row(line)
        or _ITEM.match(line)
    )


def opens(line: str) -> bool:
    """Tells whether a line begins a code block."""
    return "{{{" in line and "}}}" not in line and _START.match(line) is not None


def _is_row(line: str) -> bool:
    return line.lstrip().startswith(("||", "=||"))


def _code(lines: list[str], start: int) -> tuple[int, Block]:
    """Returns the line after a code block, and the block."""
    at, level = start + 1, 1
    inside: list[str] = []
    while at < len(lines):
        if lines[at].strip() == "}}}":
            level -= 1
        elif opens(lines[at]):
            level += 1
        if not level:
            break
        inside.append(lines[at])
        at += 1
    opened = _START.match(lines[start])
    name = (opened[1] if opened else "") or ""
    indent = lines[start][: lines[start].find("{{{")]
    if not name and inside and (processor := PROCESSOR.match(inside[0])):
        name = processor[1]
        inside = inside[1:]
    if indent and all(not line or line.startswith(indent) for line in inside):
        inside = [line[len(indent) :] for line in inside]
    text = "\n".join(inside)
    if name == "comment":
        return at + 1, Paragraph(())
    text = text.replace("{{{" + ZERO, "{{{").replace("}}}" + ZERO, "}}}")
    return at + 1, Code(text, "" if name in _NO_LANGUAGE else name)


def code_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yields where a text has code blocks, quoted ones too."""
    at, start, level = 0, 0, 0
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\r\n").lstrip("> ")
        if opens(bare):
            start, level = (start if level else at), level + 1
        elif level and bare.strip() == "}}}":
            level -= 1
            if not level:
                yield start, at + len(line)
        at += len(line)
    if level:
        yield start, at


def _table(lines: list[str]) -> Block:
    head: tuple[tuple[Inline, ...], ...] = ()
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    for line in lines:
        cells: list[tuple[Inline, ...]] = []
        headed: list[bool] = []
        marks = [
            found
            for found in TOKEN.finditer(line)
            if found["cell"] and found["cell"].strip("=").startswith("||") and found[0][0] != "!"
        ]
        for n, mark in enumerate(marks):
            end = marks[n + 1].start() if n + 1 < len(marks) else len(line)
            if n + 1 == len(marks) and not line[mark.end() :].strip(" \\"):
                break
            cells.append(passage([line[mark.end() : end]]))
            headed.append(mark[0].endswith("="))
        if not head and not rows and headed and all(headed):
            head = tuple(cells)
        else:
            rows.append(tuple(cells))
    return Table(head, tuple(rows))


def _end_of_list(lines: list[str], start: int) -> int:
    at = start
    while at < len(lines) and lines[at].strip():
        line = lines[at]
        if opens(line):
            at, _ = _code(lines, at)
            continue
        if at > start and not (_ITEM.match(line) or line[0].isspace()):
            break
        if _is_row(line) or _HEADING.match(line):
            break
        at += 1
    return max(at, start + 1)


def _list(lines: list[str], depth: int) -> Iterator[Block]:
    """Yields the lists in lines that begin with an item."""
    at = 0
    while at < len(lines):
        first = _ITEM.match(lines[at].replace("\t", " " * 8))
        if not first:
            yield from _blocks(lines[at:], depth + 1)
            return
        indent = len(first["indent"])
        ordered = bool(first["number"])
        items: list[Item] = []
        while at < len(lines):
            line = lines[at].replace("\t", " " * 8)
            found = _ITEM.match(line)
            if not found or len(found["indent"]) < indent or bool(found["number"]) != ordered:
                break
            at, item = _item(lines, at, found, depth)
            items.append(item)
        number = first["number"] or ""
        yield Items(tuple(items), (int(number) if number.isdecimal() else 1) if ordered else None)
        if at < len(lines) and not _ITEM.match(lines[at]):
            yield from _blocks(lines[at:], depth + 1)
            return


def _item(lines: list[str], at: int, found: re.Match[str], depth: int) -> tuple[int, Item]:
    """Returns the line after an item, and the item."""
    indent = len(found["indent"])
    words = [found.string[found.end() :].strip()]
    blocks: list[Block] = []
    at += 1

    def text() -> None:
        if words:
            blocks.append(Paragraph(passage([" ".join(words)])))
            words.clear()

    while at < len(lines):
        line = lines[at].replace("\t", " " * 8)
        inner = _ITEM.match(line)
        if opens(line):
            text()
            at, code = _code(lines, at)
            blocks.append(code)
        elif inner and len(inner["indent"]) > indent:
            text()
            start = at
            at = _end_of_item(lines, at, len(inner["indent"]))
            blocks += _list(lines[start:at], depth + 1)
        elif inner:
            break
        elif line.lstrip().startswith(">") and len(line) - len(line.lstrip()) > indent:
            text()
            start = at
            while at < len(lines) and lines[at].lstrip().startswith(">"):
                at += 1
            blocks.append(Quote(read("\n".join(_unquoted(lines[start:at])), depth + 1)))
        elif len(line) - len(line.lstrip()) >= indent and line[:1].isspace():
            words.append(line.strip())
            at += 1
        else:
            break
    text()
    return at, task(tidy(blocks))


def _end_of_item(lines: list[str], at: int, indent: int) -> int:
    """Returns the line at which a list that is indented so much, and all in it, ends."""
    while at < len(lines):
        line = lines[at].replace("\t", " " * 8)
        if opens(line):
            at, _ = _code(lines, at)
        elif len(line) - len(line.lstrip()) >= indent:
            at += 1
        else:
            break
    return at


def _indented(lines: list[str], depth: int) -> Iterator[Block]:
    """Yields what is indented: definitions, else a quotation."""
    quoted: list[str] = []
    for line in lines:
        found = _DEFINED.match(line)
        if found and not quoted:
            yield Paragraph(
                (Span("strong", passage([found[1]])), Break(), *passage([line[found.end() :]]))
            )
        else:
            quoted.append(line)
    if quoted:
        cut = len(quoted[0]) - len(quoted[0].lstrip())
        inner = "\n".join(line[min(cut, len(line) - len(line.lstrip())) :] for line in quoted)
        yield Quote(read(inner, depth + 1))
