"""Textile as Redmine reads it (its RedCloth 3), which is not quite that of others.

Line ends show, `>` quotes, HTML is text but for pre, code, kbd and notextile; there is no sign that
escapes another, but entities are read outside of code.
Source: Redmine's `lib/redmine/wiki_formatting/textile/redcloth3.rb` and `formatter.rb`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from prophet_hub.sdk.markup.tidying import tidy
from prophet_hub.sdk.markup.tree import (
    Block,
    Builder,
    Code,
    Heading,
    Image,
    Inline,
    Item,
    Items,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
    Verbatim,
    linking,
    spanning,
    task,
)

__all__ = ["CODE", "IMAGE", "LINK", "OFF", "read", "url"]

_ATTRIBUTES = r"(?:\([^\")\n]{1,80}\)|\{[^{\"}\n]{1,80}\}|\[[a-z_-]{1,20}\])*"
_ALIGN = r"[<>=()^~-]{0,8}"
OFF = re.compile(
    r"<!--.*?-->|<(?P<tag>pre|code|kbd|notextile)\b[^<>]*>(?P<inside>.*?)(?:</(?P=tag)\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_CODED = re.compile(r"\s*<code\b([^<>]*)>(.*?)(?:</code\s*>\s*)?\Z", re.DOTALL | re.IGNORECASE)
_CLASS = re.compile(r"class=[\"']([^\"']*)")
_HELD = re.compile("\x00(\\d+)\x00")
_BLOCK = re.compile(rf"(h[1-6]|bq|p|fn\d+){_ATTRIBUTES}{_ALIGN}\.(?::\S+)? +(?=\S)")
_ITEM = re.compile(rf"([#*]+){_ATTRIBUTES}(?: |$)")
_RULE = re.compile(r" ?(?:(?:\* ?){3,}|(?:- ?){3,}|(?:_ ?){3,})")
_CELL = re.compile(
    r"(_)?(?:[<>=^~()\\/\d-]|\{[^{}|\n]{1,80}\}|\[[a-z_-]{1,20}\]|\([^()|\n]{1,80}\)){0,8}\. ?"
)
_ROW = re.compile(rf"(?:{_ATTRIBUTES}{_ALIGN}\. )?\|")
_TABLE = re.compile(rf"table_?(?:[/\\]\d+){{0,2}}(?:{_ATTRIBUTES}|{_ALIGN}){{0,3}}\. ?")
_ZERO = re.compile("<\u200b(?=/?(?:pre|code|kbd|notextile)\\b)", re.IGNORECASE)

_SIGNS = {
    "**": "strong", "*": "strong", "??": "em", "%": "", "-": "del", "__": "em", "_": "em", "+": "ins",
    "^": "sup", "~": "sub",
}  # fmt: skip
_OPENS = r"(?:(?<=[>\s(\x00])|\A)(?P<sign>\*\*|__|\?\?|[*_+^~%]|-(?!-))(?=[^\s])"
_CLOSES = {
    sign: re.compile(rf"(?<=[^\s]){re.escape(sign)}(?=[!-/:-@\[-`{{-~\s\x00]|\Z)")
    for sign in _SIGNS
}
_PARTS = re.compile("\x00\\d+\x00|[^\x00]+")
_STYLED = re.compile(rf"^{_ATTRIBUTES}(?=.)", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
CODE = re.compile(r"(?<!\w)@(?:\|\w+\|)?([^\n]{1,1000}?)@(?!\w)")
LINK = re.compile(
    rf"\"(?P<attributes>{_ATTRIBUTES})(?P<text>[^\"\n]+?)\s?(?:\([^)\"\n]+\)(?=\"))?\":"
    r"(?P<url>(?:/|[a-zA-Z][a-zA-Z0-9+.-]{0,30}://|www\.|mailto:)[\w/]\S*)"
)
IMAGE = re.compile(
    rf"(?:(?<=[>\s])|^)!(?:[<=>])?{_ATTRIBUTES}(?:\. )?(?P<source>[^\s(!]+?)\s?(?:\((?P<alt>(?:[^()\n]|\([^()\n]+\))+?)\))?!(?::(?P<url>\S+))?"
)
_FOUND = re.compile(
    rf"{_HELD.pattern.replace('(', '(?P<held>', 1)}|{IMAGE.pattern.replace('url', 'address')}|{LINK.pattern}|{_OPENS}"
)
_POST = re.compile(r"[^\w=/;()-]+$")


def read(text: str) -> tuple[Block, ...]:
    """Returns the tree of a text."""
    held: list[Code | Inline] = []
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    text = OFF.sub(lambda found: _hold(found, held), text).replace("\t", "    ")
    return tidy(_blocks(text.split("\n"), held))


def _hold(found: re.Match[str], held: list[Code | Inline]) -> str:
    """Returns what stands for a passage that is not Textile while the rest is read."""
    if not found["tag"]:
        return ""
    inside = found["inside"]
    tag = found["tag"].lower()
    if tag == "pre":
        code = _CODED.fullmatch(inside)
        named = _CLASS.search(code[1]) if code else None
        language = named[1].split(" ")[0] if named else ""
        held.append(Code(_ZERO.sub("<", code[2] if code else inside), language))
    elif tag == "notextile":
        held.append(Text(inside))
    else:
        held.append(Verbatim(_ZERO.sub("<", inside)))
    return f"\x00{len(held) - 1}\x00"


def _blocks(lines: list[str], held: list[Code | Inline]) -> Iterator[Block]:  # noqa: C901 - one arm per kind
    at = 0
    while at < len(lines):
        start = at
        line = lines[at].strip(" ")
        at += 1
        if not line:
            continue
        if line.startswith(">") and lines[start].startswith(">"):
            while at < len(lines) and lines[at].startswith(">"):
                at += 1
            yield from _quotes(lines[start:at], held)
        elif _RULE.fullmatch(line):
            yield Rule()
        elif _table_begins(lines, start):
            at = start + bool(_TABLE.fullmatch(line))
            rows = []
            while (
                at < len(lines)
                and _ROW.match(lines[at].strip(" "))
                and (end := _row_ends(lines, at))
            ):
                rows.append("\n".join(lines[at:end]).strip(" "))
                at = end
            yield _table(rows, held)
        elif _ITEM.match(line):
            while at < len(lines) and lines[at].strip(" ") and not _begins(lines, at, item=True):
                at += 1
            yield from _list(lines[start:at], held)
        else:
            while at < len(lines) and lines[at].strip(" ") and not _begins(lines, at, item=False):
                at += 1
            yield from _paragraph([one.strip(" ") for one in lines[start:at]], held)


def _begins(lines: list[str], at: int, *, item: bool) -> bool:
    line = lines[at]
    return bool(
        line.startswith(">")
        or _RULE.fullmatch(line)
        or _table_begins(lines, at)
        or (not item and _ITEM.match(line))
    )


def _table_begins(lines: list[str], at: int) -> bool:
    """Tells whether a table begins here: a row, or its own line above one ("tables are slow.")."""
    row = at + bool(_TABLE.fullmatch(lines[at].strip(" ")))
    return row < len(lines) and bool(_ROW.match(lines[row].strip(" ")) and _row_ends(lines, row))


def _row_ends(lines: list[str], at: int) -> int:
    """Returns the line after a row of a table that begins here, 0 if it does not end."""
    for n in range(at, min(at + 50, len(lines))):
        line = lines[n].rstrip(" ")
        if not line or (n > at and line.startswith("|") and not line.endswith("|")):
            return 0
        if line.endswith("|") and (n > at or len(line) > 1):
            return n + 1
    return 0


_DEEPEST = 20


def _quotes(lines: list[str], held: list[Code | Inline], level: int = 1) -> Iterator[Block]:
    inner: list[Block] = []
    texts: list[str] = []
    deeper: list[str] = []
    for line in [*lines, None]:
        marks = line[: len(line) - len(line.lstrip("> "))] if line else ""
        depth = marks.count(">")
        if depth > level and level < _DEEPEST:
            if texts:
                inner += _blocks(texts, held)
                texts = []
            deeper.append(line or "")
            continue
        if deeper:
            inner += _quotes(deeper, held, level + 1)
            deeper = []
        if line is not None:
            texts.append(line[len(marks) :])
    inner += _blocks(texts, held)
    yield Quote(tuple(inner))


def _table(rows: list[str], held: list[Code | Inline]) -> Block:
    head: tuple[tuple[Inline, ...], ...] = ()
    below: list[tuple[tuple[Inline, ...], ...]] = []
    for row in rows:
        cells = _ROW.sub("", row, count=1).rstrip(" ").removesuffix("|").split("|")
        marked = [_CELL.match(cell) for cell in cells]
        texts = tuple(
            _inline(cell[found.end() :] if found else cell, held)
            for cell, found in zip(cells, marked, strict=True)
        )
        if not head and not below and all(found and found[1] for found in marked):
            head = texts
        else:
            below.append(texts)
    return Table(head, tuple(below))


def _list(lines: list[str], held: list[Code | Inline]) -> Iterator[Block]:
    entries: list[tuple[str, list[str]]] = []
    for line in lines:
        found = _ITEM.match(line.strip(" ") if not entries else line)
        if found:
            entries.append((found[1], [line.strip(" ")[found.end() :]]))
        else:
            entries[-1][1].append(line.strip(" "))
    at = 0
    while at < len(entries):
        items, at = _items(entries, at, 0, held)
        yield items


def _items(
    entries: list[tuple[str, list[str]]], at: int, depth: int, held: list[Code | Inline]
) -> tuple[Items, int]:
    """Returns the list that begins at an entry, and the entry after it."""
    mark = entries[at][0]
    items: list[Item] = []
    while at < len(entries):
        now = entries[at][0]
        if len(now) < len(mark) or (len(now) == len(mark) and now[-1] != mark[-1]):
            break
        if len(now) > len(mark) and depth < _DEEPEST:
            below, at = _items(entries, at, depth + 1, held)
            last = items.pop()
            items.append(Item((*last.blocks, below), last.done))
            continue
        items.append(task(tidy(_paragraph(entries[at][1], held))))
        at += 1
    return Items(tuple(items), 1 if mark[-1] == "#" else None), at


def _paragraph(lines: list[str], held: list[Code | Inline]) -> Iterator[Block]:
    text = "\n".join(lines)
    found = _BLOCK.match(text)
    kind = found[1] if found else ""
    parts: list[Block] = []
    at = found.end() if found else 0
    start = at
    for one in _HELD.finditer(text, at):
        block = held[int(one[1])]
        if isinstance(block, Code):
            parts += [Paragraph(_inline(text[start : one.start()], held)), block]
            start = one.end()
    parts.append(Paragraph(_inline(text[start:], held)))
    if kind == "bq":
        yield Quote(tuple(parts))
        return
    for n, part in enumerate(parts):
        heads = kind.startswith("h") and n == 0 and isinstance(part, Paragraph)
        yield Heading(int(kind[1]), part.inside) if heads and isinstance(part, Paragraph) else part


def _inline(text: str, held: list[Code | Inline]) -> tuple[Inline, ...]:
    """Returns the tree of a passage, code in it set aside first, so that nothing in it is a sign."""

    def hold(found: re.Match[str]) -> str:
        held.append(Verbatim(_unescaped(found[1])))
        return f"\x00{len(held) - 1}\x00"

    builder = Builder()
    if "@" in text:
        text = "".join(
            part if part.startswith("\x00") else CODE.sub(hold, part)
            for part in _PARTS.findall(text)
        )
    _into(builder, text, held)
    return builder.done()


def _into(builder: Builder, text: str, held: list[Code | Inline]) -> None:
    at = 0
    hopeless: set[str] = set()  # signs that nothing closes from here on
    search = 0
    while found := _FOUND.search(text, search):
        search = found.end()
        before = text[at : found.start()]
        if found["held"]:
            one = held[int(found["held"])]
            builder.add(
                Text(_unescaped(before)), Verbatim(one.text) if isinstance(one, Code) else one
            )
        elif found["source"]:
            builder.add(
                Text(_unescaped(before)), Image(found["source"], _unescaped(found["alt"] or ""))
            )
            search = found.end() if not found["address"] else found.start("address") - 1
        elif found["url"]:
            target = url(found["url"])
            builder.add(Text(_unescaped(before)))
            builder.open("link", linking(_unescaped(target)))
            _into(builder, found["text"], held)
            builder.close("link")
            search = found.start("url") + len(target)
        else:
            sign = found["sign"]
            closed = None if sign in hopeless else _CLOSES[sign].search(text, search + 1)
            if not closed:
                hopeless.add(sign)
                continue
            builder.add(Text(_unescaped(before)))
            if _SIGNS[sign]:
                builder.open(sign, spanning(_SIGNS[sign]))
            inside = text[search : closed.start()]
            _into(builder, _STYLED.sub("", inside) or inside, held)
            builder.close(sign)
            search = closed.end()
        at = search
    builder.add(Text(_unescaped(text[at:])))


def url(found: str) -> str:
    """Returns an address without the punctuation after it."""
    cut = _POST.sub("", found)
    return cut[:-1] if cut.endswith(")") and cut.count("(") < cut.count(")") else cut


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text
