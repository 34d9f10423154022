"""One form for every tree, so that two texts that show the same have the same tree.

What a reader or a writer need not think of is settled here: spaces, empty nodes, addresses that act.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from prophet_hub.sdk.markup.tree import (
    Block,
    Break,
    Code,
    Heading,
    Image,
    Inline,
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

__all__ = ["BARE", "is_bare", "tidy"]

BARE = re.compile(r"(?<![\w@/.])(?:https?|ftp)://[^\s<>\"`|^{}\[\]\\\x00-\x20\x7f-\xa0]+")
_UNSAFE = re.compile(r"(?:javascript|vbscript|data|livescript|mocha):", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(?:png|gif|jpe?g|webp);", re.IGNORECASE)
_IGNORED = re.compile(r"[\s\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ufeff]+")
_LINES = re.compile(r" *(?:\r\n?|\n) *")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}", re.ASCII)
_LAST_LEVEL = 6
_LAST_NUMBER = 999_999_999


def tidy(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Returns the one form of a tree: nothing empty, lists and quotes joined, addresses harmless."""
    done: list[Block] = []
    for block in blocks:
        for one in _tidy_block(block):
            last = done[-1] if done else None
            if isinstance(one, Quote) and isinstance(last, Quote):
                done[-1] = Quote(tidy(last.blocks + one.blocks))
            elif (
                isinstance(one, Items)
                and isinstance(last, Items)
                and (one.start is None) == (last.start is None)
            ):
                done[-1] = Items(last.items + one.items, last.start)
            else:
                done.append(one)
    return tuple(done)


def _tidy_block(block: Block) -> tuple[Block, ...]:  # noqa: PLR0911 - one arm per kind
    match block:
        case Paragraph(inside):
            return tuple(Paragraph(part) for part in _parts(tidy_inline(inside)))
        case Heading(level, inside):
            words = tidy_inline(_unbroken(inside))
            return (Heading(max(1, min(level, _LAST_LEVEL)), words),) if words else ()
        case Code(text, language):
            text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
            known = _LANGUAGE.fullmatch(language)
            return (Code(text, known[0] if known else ""),) if text.strip() else ()
        case Quote(blocks):
            inner = tidy(blocks)
            return (Quote(inner),) if inner else ()
        case Items(items, start):
            kept = tuple(replace(item, blocks=tidy(item.blocks)) for item in items)
            first = None if start is None else max(0, min(start, _LAST_NUMBER))
            return (Items(kept, first),) if kept else ()
        case Table(head, rows):
            return _tidy_table(head, rows)
        case Rule():
            return (block,)


def _tidy_table(
    head: tuple[tuple[Inline, ...], ...], rows: tuple[tuple[tuple[Inline, ...], ...], ...]
) -> tuple[Block, ...]:
    width = max((len(row) for row in (head, *rows)), default=0)
    clean = [
        tuple(tidy_inline(cell) for cell in row) + ((),) * (width - len(row))
        for row in (head, *rows)
    ]
    top = clean[0] if any(clean[0]) else ()
    below = tuple(row for row in clean[1:] if any(row))
    return (Table(top, below),) if top or below else ()


def _parts(inside: tuple[Inline, ...]) -> list[tuple[Inline, ...]]:
    # two breaks in a row end a paragraph, in every dialect
    parts: list[list[Inline]] = [[]]
    for n, one in enumerate(inside):
        if isinstance(one, Break) and isinstance(inside[n + 1], Break):
            parts.append([])
        elif not (isinstance(one, Break) and not parts[-1]):
            parts[-1].append(one)
    return [tuple(part) for part in parts if part]


def tidy_inline(inside: Iterable[Inline]) -> tuple[Inline, ...]:
    """Returns the one form of what stands in a paragraph, a heading or a cell."""
    return _trimmed(_joined(_clean(inside, frozenset())))


def _clean(inside: Iterable[Inline], within: frozenset[str]) -> list[Inline]:
    done: list[Inline] = []
    for one in inside:
        match one:
            case Text(text):
                done += _lines(text.replace("\x00", "\ufffd"), linked="link" in within)
            case Verbatim(text):
                text = _LINES.sub(" ", text.replace("\x00", "\ufffd"))
                done += [Verbatim(text)] if text.strip(" ") else [Text(text)]
            case Span(kind, children):
                inner = _clean(children, within | {kind})
                done += inner if kind in within else _hoisted(kind, inner)
            case Link(target, children):
                done += _link(target, children, within)
            case Image(target, alt):
                target = _IGNORED.sub(" ", target).strip()
                # the name of a file; an address keeps its own way of writing a space
                target = target if "://" in target else target.replace("%20", " ")
                alt = " ".join(alt.split())
                safe = not _unsafe(target) or _PICTURE.match(target)
                done += [Image(target, alt)] if target and safe else [Text(alt)]
            case Break():
                done.append(one)
    return done


def _lines(text: str, *, linked: bool) -> list[Inline]:
    done: list[Inline] = []
    for n, line in enumerate(_LINES.split(text.replace("\t", " "))):
        done += [Break()] if n else []
        done += [Text(line)] if linked else _with_links(line)
    return done


def _with_links(line: str) -> list[Inline]:
    done: list[Inline] = []
    at = 0
    for found in BARE.finditer(line) if "://" in line else ():
        address = bare(found[0])
        done += [Text(line[at : found.start()]), Link(address, (Text(address),))]
        at = found.start() + len(address)
    return [*done, Text(line[at:])]


def bare(found: str) -> str:
    """Returns an address found in running text without the punctuation that ends a sentence."""
    end = len(found)
    opened, closed = found.count("("), found.count(")")
    while end:
        last = found[end - 1]
        if last == ")" and closed > opened:
            closed -= 1
        elif last not in ".,:;!?'*_~":
            break
        end -= 1
    return found[:end]


def is_bare(target: str) -> bool:
    """Tells whether an address alone is read as a link to it, and no more of it or less."""
    return BARE.fullmatch(target) is not None and bare(target) == target


def _link(target: str, children: tuple[Inline, ...], within: frozenset[str]) -> list[Inline]:
    target = _IGNORED.sub(" ", target).strip()
    if "link" in within or not target or _unsafe(target):
        return _clean(children, within)
    target = target.replace(" ", "%20")
    inner = _trimmed(_joined(_clean(_unbroken(children), within | {"link"})))
    return [Link(target, inner or (Text(target),))]


def _unsafe(target: str) -> bool:
    return _UNSAFE.match(_IGNORED.sub("", target)) is not None


def _unbroken(inside: Iterable[Inline]) -> tuple[Inline, ...]:
    done: list[Inline] = []
    for one in inside:
        match one:
            case Break():
                done.append(Text(" "))
            case Text(text):
                done.append(Text(_LINES.sub(" ", text)))
            case Span(kind, children):
                done.append(Span(kind, _unbroken(children)))
            case Link(target, children):
                done.append(Link(target, _unbroken(children)))
            case _:
                done.append(one)
    return tuple(done)


def _hoisted(kind: str, inner: list[Inline]) -> list[Inline]:
    """Returns a span without spaces and breaks at its edges, these beside it."""
    before: list[Inline] = []
    after: list[Inline] = []
    parts = _joined(inner)
    while parts and (edge := _edge(parts[0], left=True)):
        before.append(edge[0])
        parts[:1] = edge[1]
    while parts and (edge := _edge(parts[-1], left=False)):
        after.insert(0, edge[0])
        parts[-1:] = edge[1]
    return [*before, *([Span(kind, tuple(parts))] if parts else []), *after]


def _edge(one: Inline, *, left: bool) -> tuple[Inline, list[Inline]] | None:
    match one:
        case Break():
            return one, []
        case Text(text) if text != (rest := text.lstrip(" ") if left else text.rstrip(" ")):
            return Text(" " * (len(text) - len(rest))), [Text(rest)] if rest else []
    return None


def _joined(inside: Sequence[Inline]) -> list[Inline]:
    done: list[Inline] = []
    for one in inside:
        last = done[-1] if done else None
        if isinstance(one, Text) and not one.text:
            continue
        if isinstance(one, Text) and isinstance(last, Text):
            done[-1] = Text(last.text + one.text)
        elif isinstance(one, Verbatim) and isinstance(last, Verbatim):
            done[-1] = Verbatim(last.text + one.text)
        elif isinstance(one, Span) and isinstance(last, Span) and one.kind == last.kind:
            done[-1] = Span(one.kind, tuple(_joined(last.inside + one.inside)))
        else:
            done.append(one)
    return done


def _trimmed(inside: Sequence[Inline]) -> tuple[Inline, ...]:
    """Returns it without spaces at the ends of lines and breaks at its own ends."""
    done = _stripped(_stripped(inside, left=True)[0], left=False)[0]
    while done and isinstance(done[0], Break):
        del done[0]
    while done and isinstance(done[-1], Break):
        del done[-1]
    return tuple(_of_one_part(one) for one in done)


def _of_one_part(one: Inline) -> Inline:
    """Returns a span without an empty line in it: a paragraph would end there, and the span go on."""
    if not isinstance(one, Span):
        return one
    pairs = zip(one.inside, (None, *one.inside), strict=False)
    kept = [x for x, before in pairs if not (isinstance(x, Break) and isinstance(before, Break))]
    return Span(one.kind, tuple(map(_of_one_part, kept)))


def _stripped(
    inside: Sequence[Inline], *, left: bool, fresh: bool = True
) -> tuple[list[Inline], bool]:
    """Returns it without spaces after breaks or, from the other end, before them.

    `fresh`: nothing is shown yet since the last break; told again for what follows.
    """
    done: list[Inline] = []
    for one in inside if left else reversed(inside):
        kept: Inline | None = one
        match one:
            case Break():
                fresh = True
            case Text(text):
                if fresh:
                    text = text.lstrip(" ") if left else text.rstrip(" ")
                    kept = Text(text) if text else None
                fresh = fresh and not text
            case Span(kind, children):
                below, fresh = _stripped(children, left=left, fresh=fresh)
                kept = Span(kind, tuple(below)) if below else None
            case _:
                fresh = False
        done += [kept] if kept else []
    return done if left else done[::-1], fresh
