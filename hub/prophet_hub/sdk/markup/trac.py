"""Trac's wiki text, as tickets are shown: line ends of a paragraph are kept.

A sign toggles wherever it stands and `!` before it escapes; a blank line ends everything that is
open, lists too; what follows a list belongs to an item as long as it is indented like its text.
Source: Trac 1.6, `trac/wiki/parser.py` and `formatter.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prophet_hub.sdk.markup.tidying import BARE, tidy
from prophet_hub.sdk.markup.tree import (
    Block,
    Break,
    Builder,
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
    spanning,
    task,
)

__all__ = ["IMAGE", "TOKEN", "ZERO", "code_blocks", "read"]

ZERO = "\u200b"  # no sign to Trac and nothing to the eye: it parts what would be a sign

_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_LOWER = "a-z\u00df-\u00f6\u00f8-\u00ff"
_QUOTED = r"'[^'\n]{1,400}'|\"[^\"\n]{1,400}\""
_SCHEME = r"[a-zA-Z][a-zA-Z0-9+._-]{0,30}"
TOKEN = re.compile(
    r"!?(?:"
    r"(?P<sign>'''''|'''|\*\*|''|//|__|~~|,,|\^)"
    r"|\{\{\{(?P<code>[^\n]{0,1000}?)\}\}\}"
    r"|`(?P<tick>[^`\n]*)`"
    rf"|(?<![\w/])(?:\.?\.?/)*(?P<page>(?:[{_UPPER}][{_LOWER}]+/?){{2,}})(?=:(?:\Z|\s)|[^:\w]|\s|\Z)"
    r"|(?P<report>\{\d+\}|\[\d+(?:[:-]\d+)?(?:/[^\]\n]{0,200})?\]|\br\d+(?:[:-]\d+)?\b)"
    r"|(?P<break>\\\\)"
    rf"|<(?P<angle>{_SCHEME}:[^<>\s]+)>"
    rf"|(?<![a-zA-Z0-9+._-])(?P<address>{_SCHEME}:(?:{_QUOTED}|[\w/?!#@](?<!_)(?:[^|<>\s]*[\w/=](?<!_))?))"
    rf"|\[(?P<link>{_SCHEME}:(?:{_QUOTED}|[^\]\s\u200b]*)|[/?#][^\s\]]*|\.\.?(?:[/?#][^\s\]]*)?)(?:[\s\u200b]+(?P<label>{_QUOTED}|[^\]\n]{{0,400}}))?\]"
    rf"|(?P<wiki>\[(?:{_QUOTED})(?:\s+[^\]\n]{{1,400}})?\])"
    r"|\[\[(?P<macro>(?:[^\[\]\n]|\](?!\])|\[(?!\[)){1,1000})\]\]"
    r"|(?P<cell>=?\|\|+=?|\|-+)"
    r")"
)
IMAGE = re.compile(
    r"(?<!!)\[\[Image\((?P<source>(?:[^,)\]\n]|\\,)+)(?P<more>(?:,[^)\]\n]*)?)\)\]\]", re.IGNORECASE
)
_ALT = re.compile(r"\balt=((?:[^,\\]|\\.)*)")
_START = re.compile(r"\s*\{\{\{(?:\s*#!([\w+-][\w+/-]*)[^\n]*|\s*)$")
_PROCESSOR = re.compile(r"\s*#!([\w+-][\w+/-]*)")
_ITEM = re.compile(
    r"(?P<indent>\s*)(?:[*\u2022-]|(?P<number>[0-9]{1,9}|[a-zA-Z]|[ivxIVX]{1,5})\.)\s"
)
_HEADING = re.compile(r"\s*(={1,6})\s(.*?)(?:#[\w:][\w:.-]*)?\s*$")
_DEFINED = re.compile(r"\s+((?:`[^`]*`|[^:`]|:(?!:))+)::(?:\s+|$)")
_SEPARATOR = re.compile(r"=?\|\|+=?")
_KINDS = {
    "'''": "strong",
    "**": "strong",
    "''": "em",
    "//": "em",
    "__": "ins",
    "~~": "del",
    ",,": "sub",
    "^": "sup",
}
_HTTP = re.compile(r"(?:https?|ftp|mailto):", re.IGNORECASE)
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
        elif _opens(line):
            at, code = _code(lines, start)
            yield code
        elif line.startswith("----"):
            yield Rule()
        elif found := _HEADING.match(line):
            words = found[2].rstrip()
            yield Heading(len(found[1]), _inline([words.removesuffix(found[1]).rstrip()]))
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
            yield Paragraph(_inline([one.strip() for one in lines[start:at]]))


def _unquoted(lines: list[str]) -> list[str]:
    rest = [line.lstrip()[1:] for line in lines]
    if all(not line or line[0] in "> " for line in rest):
        return [line.removeprefix(" ") for line in rest]
    return rest


def _begins(line: str) -> bool:
    return bool(
        line.lstrip().startswith(">")
        or _opens(line)
        or line.startswith("----")
        or _HEADING.match(line)
        or _is_row(line)
        or _ITEM.match(line)
    )


def _opens(line: str) -> bool:
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
        elif _opens(lines[at]):
            level += 1
        if not level:
            break
        inside.append(lines[at])
        at += 1
    opened = _START.match(lines[start])
    name = (opened[1] if opened else "") or ""
    indent = lines[start][: lines[start].find("{{{")]
    if not name and inside and (processor := _PROCESSOR.match(inside[0])):
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
        if _opens(bare):
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
            cells.append(_inline([line[mark.end() : end]]))
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
        if _opens(line):
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
            blocks.append(Paragraph(_inline([" ".join(words)])))
            words.clear()

    while at < len(lines):
        line = lines[at].replace("\t", " " * 8)
        inner = _ITEM.match(line)
        if _opens(line):
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
        if _opens(line):
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
                (Span("strong", _inline([found[1]])), Break(), *_inline([line[found.end() :]]))
            )
        else:
            quoted.append(line)
    if quoted:
        cut = len(quoted[0]) - len(quoted[0].lstrip())
        inner = "\n".join(line[min(cut, len(line) - len(line.lstrip())) :] for line in quoted)
        yield Quote(read(inner, depth + 1))


def _inline(lines: list[str]) -> tuple[Inline, ...]:
    """Returns the tree of a passage; signs that nothing ends are characters."""
    text = "\n".join(lines)
    tokens = [found for found in TOKEN.finditer(text) if found[0][0] != "!"]
    lone = _lone(tokens)
    builder = Builder()
    opened: list[str] = []
    at = 0
    for found in TOKEN.finditer(text):
        builder.add(Text(_cleared(text[at : found.start()])))
        at = found.end()
        if found[0][0] == "!":
            builder.add(Text(_cleared(found[0][1:])))
        elif found["sign"] and found.start() not in lone:
            for kind in _kinds(found["sign"], opened):
                _toggle(builder, opened, kind)
        else:
            builder.add(*_told(found))
    builder.add(Text(_cleared(text[at:])))
    return builder.done()


def _cleared(text: str) -> str:
    return text.replace(ZERO, "")


def _lone(tokens: list[re.Match[str]]) -> set[int]:
    """Returns where signs stand that open and are never closed."""
    last: dict[str, int] = {}
    for found in tokens:
        for kind in _kinds(found["sign"] or "", list(last)):
            if kind in last:
                del last[kind]
            else:
                last[kind] = found.start()
    return set(last.values())


def _kinds(sign: str, opened: list[str]) -> list[str]:
    if sign == "'''''":
        return ["em", "strong"] if opened[-1:] == ["em"] else ["strong", "em"]
    return [_KINDS[sign]] if sign else []


def _toggle(builder: Builder, opened: list[str], kind: str) -> None:
    if kind not in opened:
        opened.append(kind)
        builder.open(kind, spanning(kind))
        return
    at = opened.index(kind)
    again = opened[at + 1 :]
    builder.close(kind)
    del opened[at:]
    for inner in again:
        _toggle(builder, opened, inner)


def _told(found: re.Match[str]) -> tuple[Inline, ...]:
    """Returns what a token that is no sign shows."""
    if found["code"] is not None or found["tick"] is not None:
        return (Verbatim(found["code"] if found["code"] is not None else found["tick"]),)
    if found["break"]:
        return (Break(),)
    if target := found["link"]:
        label = _unquote(_cleared(found["label"] or "").strip())
        own = target if _HTTP.match(target) else target.partition(":")[2] or target
        return (Link(_plain(target), (Text(label or own.strip("\"'")),)),)
    if target := found["angle"]:
        return (Link(target, (Text(target),)),)
    if macro := found["macro"]:
        return (_macro(macro),)
    return (Text(_cleared(found[0])),)


def _unquote(label: str) -> str:
    return label[1:-1] if len(label) > 2 and label[0] == label[-1] and label[0] in "'\"" else label  # noqa: PLR2004 - two quotes


def _plain(target: str) -> str:
    scheme, _, rest = target.partition(":")
    return f"{scheme}:{rest[1:-1]}" if rest[:1] in {"'", '"'} else target


def _macro(text: str) -> Inline:
    if text.lower() == "br":
        return Break()
    if found := IMAGE.fullmatch(f"[[{text}]]"):
        alt = _ALT.search(found["more"])
        words = re.sub(r"\\(.)", r"\1", alt[1]) if alt else ""
        return Image(found["source"].strip().strip("\"'"), _cleared(words).strip().strip("\"'"))
    target, bar, label = text.partition("|")
    if bar or BARE.fullmatch(text):
        return Link(target.strip(), (Text(_cleared(label).strip() or target.strip()),))
    return Verbatim(f"[[{text}]]")
