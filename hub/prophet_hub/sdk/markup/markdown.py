"""CommonMark with GitHub's tables, strikethrough and task lists, read with markdown-it-py.

A line end within a paragraph is shown as one: the trackers' Markdown (GitHub's comments, Redmine's)
does so, and what people paste into tickets depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from prophet_hub.sdk.markup import html
from prophet_hub.sdk.markup.tidying import tidy
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

__all__ = ["blocks", "read"]

DEEPEST = 80


class _Parser(MarkdownIt):
    """Tells addresses as they are written; what is unsafe the tree refuses."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the library's name
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - as above
        return link

    def validateLink(self, _url: str) -> bool:  # noqa: N802 - as above
        return True


@cache
def _parser() -> MarkdownIt:
    """Returns the parser."""
    return _Parser("commonmark", {"maxNesting": DEEPEST}).enable(["table", "strikethrough"])


def read(text: str) -> tuple[Block, ...]:
    """Returns the tree of a text; one that nests beyond reason is shown as it is."""
    tokens = _parser().parse(text.replace("\x00", "\ufffd"))
    if any(token.level >= DEEPEST - 2 for token in tokens):
        return tidy((Code(text),))
    return tidy(_blocks(iter(tokens)))


def blocks(text: str) -> list[Token]:
    """Returns the tokens of the blocks alone, each with the lines from which it comes."""
    state = StateBlock(text.replace("\x00", "\ufffd").replace("\r\n", "\n"), _parser(), {}, [])
    _parser().block.tokenize(state, state.line, state.lineMax)
    return state.tokens


def _blocks(tokens: Iterator[Token]) -> tuple[Block, ...]:  # noqa: C901 - one arm per kind
    done: list[Block] = []
    for token in tokens:
        match token.type:
            case "paragraph_open":
                done.append(Paragraph(_next(tokens)))
            case "heading_open":
                done.append(Heading(int(token.tag[1]), _next(tokens)))
            case "fence" | "code_block":
                done.append(Code(token.content, token.info.strip().split(" ")[0]))
            case "blockquote_open":
                done.append(Quote(_blocks(tokens)))
            case "bullet_list_open":
                done.append(Items(_items(tokens)))
            case "ordered_list_open":
                done.append(Items(_items(tokens), int(token.attrs.get("start", 1))))
            case "table_open":
                done.append(_table(tokens))
            case "html_block":
                done += html.read(token.content, strict=True)
            case "hr":
                done.append(Rule())
            case "blockquote_close" | "list_item_close":
                break
    return tuple(done)


def _next(tokens: Iterator[Token]) -> tuple[Inline, ...]:
    inline = next(tokens)
    next(tokens)
    return inlines(inline.children or [])


def _items(tokens: Iterator[Token]) -> tuple[Item, ...]:
    done: list[Item] = []
    for token in tokens:
        if token.type != "list_item_open":
            break
        done.append(task(tidy(_blocks(tokens))))
    return tuple(done)


def _table(tokens: Iterator[Token]) -> Table:
    rows: list[list[tuple[Inline, ...]]] = []
    for token in tokens:
        match token.type:
            case "tr_open":
                rows.append([])
            case "inline":
                rows[-1].append(inlines(token.children or []))
            case "table_close":
                break
    return Table(tuple(rows[0]), tuple(tuple(row) for row in rows[1:]))


_SPANS = {"strong_open": "strong", "em_open": "em", "s_open": "del"}


def inlines(tokens: list[Token]) -> tuple[Inline, ...]:
    """Returns the tree of inline tokens, with the HTML among them."""
    builder = Builder()
    for token in tokens:
        match token.type:
            case "text" | "text_special":
                builder.add(Text(token.content))
            case "softbreak" | "hardbreak":
                builder.add(Break())
            case "code_inline":
                builder.add(Verbatim(token.content))
            case "image":
                alt = _alt(token.children or [])
                builder.add(Image(str(token.attrs.get("src", "")), alt))
            case "link_open":
                target = str(token.attrs.get("href", ""))
                builder.open("link", linking(target))
            case "html_inline":
                _tag(builder, token.content)
            case "link_close" | "strong_close" | "em_close" | "s_close":
                builder.close(token.type.replace("close", "open").replace("link_open", "link"))
            case kind if kind in _SPANS:
                name = _SPANS[kind]
                builder.open(kind, spanning(name))
    return builder.done()


def _alt(tokens: list[Token]) -> str:
    words = []
    for token in tokens:
        words.append(_alt(token.children) if token.children else token.content)
        words += [" "] if token.type in {"softbreak", "hardbreak"} else []
    return "".join(words)


def _tag(builder: Builder, text: str) -> None:
    found = html.TAG.match(text)
    tag = found["name"].lower() if found else ""
    if text.startswith("<!--"):
        return
    given = html.attributes(found["rest"]) if found else {}
    if tag == "br":
        builder.add(Break())
    elif tag == "img" and given.get("src"):
        builder.add(Image(given["src"], given.get("alt", "")))
    elif found and tag in html.KINDS:
        kind = html.KINDS[tag]
        if found["end"]:
            builder.close(f"<{tag}")
        else:
            builder.open(f"<{tag}", spanning(kind))
    elif found and tag == "a" and (found["end"] or given.get("href")):
        if found["end"]:
            builder.close("<a")
        else:
            builder.open("<a", linking(given["href"]))
    else:
        builder.add(Text(text))
