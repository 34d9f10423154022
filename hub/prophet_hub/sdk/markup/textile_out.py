"""Writes Textile as Redmine reads it; what would be taken for a sign becomes an entity."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from prophet_hub.sdk.markup import textile
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
    shown,
)

__all__ = ["write"]

# each way escapes more than the one before; the first that reads back is taken
_OFF = r"&(?=#?[a-zA-Z0-9]+;)|<(?=/?(?:pre|code|kbd|notextile)\b|!--)|\xa0|\|(?=[^\n]*\|)|(?<=[A-Z0-9])\((?=[^()\n]*\))|(?<=\w)\[(?=\d+\])|(?<![^\s])=(?==)"
_SIGNS = (
    rf"{_OFF}|(?<![^\s>(])[*_+^~%?@!-](?=\S)|^(?:[#*>|-])|(?<=\n)[#*>|-]|\"(?=:)|(?<=\w)\.(?= )|@"
)
_ALL = r"[!-+/<-@\[-`{-~\xa0-]|(?<=\w)\.(?= )"
_WAYS = tuple(re.compile(way) for way in (_OFF, _SIGNS, _ALL))
_SIGN = {"strong": "*", "em": "_", "del": "-", "ins": "+", "sup": "^", "sub": "~"}
_TARGET = re.compile(r"(?:/|[a-zA-Z][a-zA-Z0-9+.-]{0,30}://|www\.|mailto:)[\w/]\S*")
_HOLDS = re.compile(r"<(?=/?(?:pre|code|kbd|notextile)\b)", re.IGNORECASE)
_ODD = re.compile(r"[\x00-\x1f\x7f]")


def write(blocks: tuple[Block, ...]) -> str:
    """Returns Textile that `textile.read` reads as this tree, as far as Textile can say it."""
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:  # noqa: PLR0911 - one arm per kind
    match block:
        case Paragraph(inside):
            return _first(lambda way: _words(inside, way), block)
        case Heading(level, inside):
            return _first(lambda way: f"h{level}. {_words(inside, way)}", block)
        case Code(text, language):
            return _code(text, language)
        case Quote(inner):
            return _quote(inner)
        case Items():
            return write(tuple(_parted(block))) if _mixed(block) else "\n".join(_items(block, ""))
        case Table():
            return _first(lambda way: _table(block, way), block)
        case Rule():
            return "---"


def _first(text: Callable[[re.Pattern[str]], str], block: Block) -> str:
    """Returns the least escaped text that reads back as the block, else the most escaped one."""
    told = ""
    for way in _WAYS:
        told = text(way)
        if textile.read(told) == (block,):
            break
    return told


def _code(text: str, language: str) -> str:
    text = _HOLDS.sub("<\u200b", text)
    if language:
        return f'<pre><code class="{language}">\n{text}\n</code></pre>'
    return f"<pre>\n{text}\n</pre>"


def _quote(inner: tuple[Block, ...]) -> str:
    done: list[str] = []
    verbatim = False
    for line in write(inner).split("\n"):
        if verbatim:
            done.append(line)
            verbatim = not line.startswith(("</pre>", "</code></pre>"))
        else:
            done.append(f">{line}" if line.startswith(">") else f"> {line}".rstrip(" "))
            verbatim = "<pre>" in line  # in words it is an entity
    return "\n".join(done)


def _mixed(items: Items) -> bool:
    """Tells whether items hold what a list in Textile cannot."""
    return any(
        isinstance(block, Heading | Quote | Table | Rule)
        or (isinstance(block, Items) and _mixed(block))
        for item in items.items
        for block in item.blocks
    )


def _parted(items: Items) -> Iterator[Block]:
    """Yields a list in pieces, with what it cannot hold between them."""
    for n, item in enumerate(items.items):
        start = None if items.start is None else items.start + n
        kept: list[Block] = []
        rest = list(item.blocks)
        while rest and not isinstance(rest[0], Heading | Quote | Table | Rule):
            if isinstance(rest[0], Items) and _mixed(rest[0]):
                break
            kept.append(rest.pop(0))
        yield Items((Item(tuple(kept), item.done),), start)
        yield from rest


def _items(items: Items, above: str) -> Iterator[str]:
    mark = above + ("*" if items.start is None else "#")
    for item in items.items:
        box = "" if item.done is None else "[x] " if item.done else "[ ] "
        lines: list[str] = []
        below: list[str] = []
        for block in item.blocks:
            if isinstance(block, Items):
                below += _items(block, mark)
            elif isinstance(block, Paragraph):
                lines.append(_item_words(block))
            else:
                lines.append(_block(block))
        yield "\n".join([f"{mark} {box}" + "\n".join(lines), *below])


def _item_words(block: Paragraph) -> str:
    item = Items((Item((block,)),))
    return _first(lambda way: f"* {_words(block.inside, way)}", item)[2:]


def _table(table: Table, way: re.Pattern[str]) -> str:
    rows = ["|" + "".join(f"_. {_cell(cell, way)} |" for cell in table.head)] if table.head else []
    rows += ["|" + "".join(f" {_cell(cell, way)} |" for cell in row) for row in table.rows]
    return "\n".join(rows)


def _cell(cell: tuple[Inline, ...], way: re.Pattern[str]) -> str:
    return _words(cell, way).replace("|", "&#124;")


def _words(inside: tuple[Inline, ...], way: re.Pattern[str]) -> str:
    done = ""
    pieces = [_piece(one, way) for one in inside]
    for n, (one, piece) in enumerate(zip(inside, pieces, strict=True)):
        before = done[-1:]
        after = pieces[n + 1] if n + 1 < len(pieces) else ""
        stands = isinstance(one, Span) and _stands(before, piece, after[:1])
        bare_one = isinstance(one, Link) and not piece.startswith('"')
        runs_on = bare_one and re.match(r"[\w@/.]", before)
        if runs_on or (isinstance(one, Image) and before.strip()):
            done += " "
        if isinstance(one, Span) and stands:
            done += f"{_SIGN[one.kind]}{piece}{_SIGN[one.kind]}"
        elif isinstance(one, Verbatim) and not (before.isalnum() or after[:1].isalnum()):
            done += f"@{_entities(_VERBATIM, one.text)}@"
        elif _is_link(one) and not _ends(after):
            done += f"{piece} "
        else:
            done += piece
    return done


_VERBATIM = re.compile(
    r"[@|\x00]|&(?=#?[a-zA-Z0-9]+;)|<(?=/?(?:pre|code|kbd|notextile)\b|!--)", re.IGNORECASE
)


def _is_link(one: Inline) -> bool:
    """Tells whether it ends in a link, which would go on with what follows."""
    if isinstance(one, Link):
        return _TARGET.fullmatch(one.target) is not None
    return isinstance(one, Span) and _is_link(one.inside[-1])


def _stands(before: str, text: str, after: str) -> bool:
    """Tells whether signs around a text are read as such between these neighbours."""
    ended = not after or after.isspace() or (after.isascii() and not after.isalnum())
    return (not before or before in " \n(>") and ended and bool(text)


def _ends(after: str) -> bool:
    word = re.match(r"\S*", after)
    return not word or not re.search(r"[\w=/;()-]", word[0])


def _piece(one: Inline, way: re.Pattern[str]) -> str:
    match one:
        case Text(text):
            return _entities(way, text)
        case Break():
            return "\n"
        case Verbatim(text):
            return f"<code>{_HOLDS.sub(chr(60) + chr(0x200B), text)}</code>"
        case Span(_, children):
            return _words(children, way)
        case Link(target, children):
            return _link(target, children, way)
        case Image(target, alt):
            source = re.sub(r"[\s(!]", lambda found: f"%{ord(found[0]):02X}", target)
            name = (
                _entities(way, alt)
                .replace("(", "&#40;")
                .replace(")", "&#41;")
                .replace("!", "&#33;")
            )
            return f"!{source}({name})!" if name else f"!{source}!"


def _link(target: str, children: tuple[Inline, ...], way: re.Pattern[str]) -> str:
    if children == (Text(target),) and is_bare(target):
        return target.replace("@", "&#64;") if way is _WAYS[-1] else target
    match children:
        case (Verbatim(text),) if text:
            words = f"@{_entities(_VERBATIM, text)}@"
        case _:
            words = re.sub(r"^[({\[]|\)$", _entity, _entities(way, shown(children))).replace(
                '"', "&#34;"
            )
    if not _TARGET.fullmatch(target):
        return f"{words} ({_entities(way, target)})"
    last = target[-1]
    ended = (
        target
        if re.match(r"[\w=/;-]", last) or (last == ")" and target.count("(") >= target.count(")"))
        else f"{target[:-1]}%{ord(last):02X}"
        if last.isascii()
        else target
    )
    return f'"{words}":{ended}'


def _entities(way: re.Pattern[str], text: str) -> str:
    return _ODD.sub(" ", way.sub(_entity, text))


def _entity(found: re.Match[str]) -> str:
    return {"\xa0": "&nbsp;", "<": "&lt;", "&": "&amp;", '"': "&quot;"}.get(
        found[0], f"&#{ord(found[0])};"
    )
