"""Writes Trac's wiki text; what Trac would take for a sign gets `!` or, if it must, a zero-width space."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from prophet_hub.sdk.markup import trac
from prophet_hub.sdk.markup.tidying import is_bare
from prophet_hub.sdk.markup.trac_inline import TOKEN, ZERO
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
    shown,
)

__all__ = ["write"]

PRETTY, SAFE = range(2)  # what needs it is escaped; every sign is parted from the next
_SIGN = {"strong": "'''", "em": "''", "del": "~~", "ins": "__", "sup": "^", "sub": ",,"}
_LINE = re.compile(
    r"(?m)^(?=\s|>|----|={1,6}\s|(?:[*\u2022-]|[0-9]+|[a-zA-Z]|[ivxIVX]{1,5})(?:(?<=[*\u2022-])|\.)\s|\|\||=\|\||\{\{\{)"
)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_TARGET = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+._-]{0,30}:|[/?#]|\.\.?[/?#])[^\]\s\u200b]*")
_GUARDED = re.compile(r"^(\s*)(\{\{\{|\}\}\})(?=\s*$|\s*#!)", re.MULTILINE)


def write(blocks: tuple[Block, ...]) -> str:
    """Returns wiki text that `trac.read` reads as this tree, as far as Trac can say it."""
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:  # noqa: PLR0911 - one arm per kind
    match block:
        case Paragraph(inside):
            return _first(lambda way: _lines(inside, way), block)
        case Heading(level, inside):
            sign = "=" * level
            return _first(lambda way: f"{sign} {_words(inside, way)} {sign}", block)
        case Code(text, language):
            return _code(text, language)
        case Quote(inner):
            return _prefixed(write(inner), "> ")
        case Items():
            return write(tuple(_parted(block))) if _mixed(block) else "\n".join(_items(block, 1))
        case Table():
            return _first(lambda way: _table(block, way), block)
        case Rule():
            return "----"


def _first(text: Callable[[int], str], block: Block) -> str:
    told = text(PRETTY)
    return told if trac.read(told) == (block,) else text(SAFE)


def _prefixed(text: str, sign: str) -> str:
    return "\n".join(
        (sign + line).rstrip(" ") if not line else sign + line for line in text.split("\n")
    )


def _code(text: str, language: str) -> str:
    level = 0
    balanced = True
    for line in text.split("\n"):
        level += trac.opens(line) - (line.strip() == "}}}")
        balanced = balanced and level >= 0
    if level or not balanced:
        text = _GUARDED.sub(rf"\1\2{ZERO}", text)
    if not language and trac.PROCESSOR.match(text):
        language = "text"
    named = f"#!{language}\n" if language else ""
    return "{{{\n" + named + text + "\n}}}"


def _mixed(items: Items) -> bool:
    """Tells whether items hold what a list in Trac cannot."""
    return any(
        isinstance(block, Heading | Table | Rule) or (isinstance(block, Items) and _mixed(block))
        for item in items.items
        for block in item.blocks
    )


def _parted(items: Items) -> Iterator[Block]:
    """Yields a list in pieces, with what it cannot hold between them."""
    for n, item in enumerate(items.items):
        rest = list(item.blocks)
        kept: list[Block] = []
        while rest and not isinstance(rest[0], Heading | Table | Rule):
            if isinstance(rest[0], Items) and _mixed(rest[0]):
                break
            kept.append(rest.pop(0))
        yield Items(
            (Item(tuple(kept), item.done),), None if items.start is None else items.start + n
        )
        yield from rest


def _items(items: Items, indent: int) -> Iterator[str]:
    for n, item in enumerate(items.items):
        mark = "*" if items.start is None else f"{items.start + n}."
        box = "" if item.done is None else "[x] " if item.done else "[ ] "
        inner = " " * (indent + 2)
        text = f"{' ' * indent}{mark} {box}"
        for at, block in enumerate(item.blocks):
            above = item.blocks[at - 1] if at else None
            # less indented than the list before it, a block is the outer item's again
            line = inner[:-1] if isinstance(above, Items) else inner
            if isinstance(block, Paragraph):
                if above:
                    text += "[[BR]][[BR]]" if isinstance(above, Paragraph) else f"\n{line}"
                text += _item_words(block)
            elif isinstance(block, Items):
                text += "\n" + "\n".join(_items(block, indent + 2))
            else:
                text += "\n" + _prefixed(_block(block), line)
        yield text


def _item_words(block: Paragraph) -> str:
    item = Items((Item((block,)),))
    return _first(lambda way: f" * {_words(block.inside, way, brk='[[BR]]')}", item)[3:]


def _table(table: Table, way: int) -> str:
    rows = (
        ["||" + "".join(f"= {_cell(cell, way)} =||" for cell in table.head)] if table.head else []
    )
    rows += ["||" + "".join(f" {_cell(cell, way)} ||" for cell in row) for row in table.rows]
    return "\n".join(rows)


def _cell(cell: tuple[Inline, ...], way: int) -> str:
    return _words(cell, way, brk="[[BR]]")


def _lines(inside: tuple[Inline, ...], way: int) -> str:
    return _LINE.sub(ZERO, _words(inside, way))


def _words(inside: tuple[Inline, ...], way: int, brk: str = "\n", follows: str = "") -> str:
    """Returns a passage; `follows`: what stands right after it."""
    done = ""
    pieces = [_piece(one, way, brk) for one in inside]
    for n, (one, piece) in enumerate(zip(inside, pieces, strict=True)):
        before = done[-1:]
        after = pieces[n + 1][:1] if n + 1 < len(pieces) else follows
        text = piece
        if isinstance(one, Link) and piece == one.target and (after.strip() or before.isalnum()):
            text = f"[{piece} {piece}]"  # the address would go on, or be part of a word
        # two signs in a row would be read as another one
        if text and before and before in "'*/_~,^`!{[|=" and before in {text[0], "!"}:
            done += ZERO
        done += text
    apart = follows and done.endswith(follows[0]) and not isinstance(inside[-1], Span)
    return done + (ZERO if apart else "")


def _piece(one: Inline, way: int, brk: str) -> str:  # noqa: PLR0911 - as above
    match one:
        case Text(text):
            return _escaped(text, way)
        case Break():
            return brk
        case Verbatim(text):
            if "`" not in text:
                return f"`{text}`"
            return (
                "{{{" + text + "}}}"
                if "}}}" not in text and not text.endswith("}")
                else _escaped(text, way)
            )
        case Span(kind, children):
            return f"{_SIGN[kind]}{_words(children, way, brk, _SIGN[kind])}{_SIGN[kind]}"
        case Link(target, children):
            return _link(target, children, way)
        case Image(target, alt):
            words = ", alt=" + re.sub(r"([,\\])", r"\\\1", alt) if alt else ""
            name = re.sub(r"[,)\]\[]", lambda found: f"%{ord(found[0]):02X}", target)
            return f"[[Image({name}{words.replace(']', ZERO + ']').replace(')', ZERO + ')')})]]"


def _link(target: str, children: tuple[Inline, ...], way: int) -> str:  # noqa: PLR0911 - a table
    if children == (Text(target),) and is_bare(target):
        return target
    words = shown(children).replace(ZERO, "")
    if not _TARGET.fullmatch(target):
        if re.fullmatch(r"[^|\[\]\n]+", target) and re.fullmatch(r"[^\[\]\n]+", words):
            return f"[[{target}|{words}]]"
        return f"{_escaped(words, way)} ({_escaped(target, way)})"
    if "]" not in words and words[:1] not in {"'", '"'}:
        return f"[{target} {words}]"
    if '"' not in words:
        return f'[{target} "{words}"]'
    if "'" not in words:
        return f"[{target} '{words}']"
    return f"[{target} {words.replace(']', ')').replace('[', '(')}]"


def _escaped(text: str, way: int) -> str:
    text = text.replace(ZERO, "")
    if way == SAFE:
        return _PUNCTUATION.sub(_apart, text)
    return TOKEN.sub(_bang, text)


def _apart(found: re.Match[str]) -> str:
    """Returns a sign that is none, for it stands alone; a backtick may pair with any other."""
    return {"^": f"!^{ZERO}", "`": "{{{`}}}"}.get(found[0], found[0] + ZERO)


def _bang(found: re.Match[str]) -> str:
    whole = found[0]
    if whole[0] == "!":
        return f"!{ZERO}{_bang_rest(found)}"
    if found["address"]:
        return whole
    return f"!{whole}"


def _bang_rest(found: re.Match[str]) -> str:
    return found[0][1:] if found["address"] else f"!{found[0][1:]}"
