"""Writes HTML: a fragment of few tags, no attribute that could act."""

from __future__ import annotations

import html

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

__all__ = ["write"]

_TAGS = {"strong": "strong", "em": "em", "del": "del", "ins": "ins", "sup": "sup", "sub": "sub"}


def write(blocks: tuple[Block, ...]) -> str:
    """Returns a fragment that shows the tree."""
    return "\n".join(_written(block) for block in blocks)


def _written(block: Block) -> str:  # noqa: PLR0911 - one arm per kind
    match block:
        case Paragraph(inside):
            return f"<p>{_words(inside)}</p>"
        case Heading(level, inside):
            return f"<h{level}>{_words(inside)}</h{level}>"
        case Code(text, language):
            kind = f' class="language-{_quoted(language)}"' if language else ""
            return f"<pre><code{kind}>{_escaped(text)}\n</code></pre>"
        case Quote(inner):
            return f"<blockquote>\n{write(inner)}\n</blockquote>"
        case Items(items, start):
            tag = "ul" if start is None else "ol"
            first = f' start="{start}"' if start not in {None, 1} else ""
            lines = "\n".join(_item(item) for item in items)
            return f"<{tag}{first}>\n{lines}\n</{tag}>"
        case Table(head, rows):
            top = f"<thead>\n{_row(head, 'th')}\n</thead>\n" if head else ""
            body = "\n".join(_row(row, "td") for row in rows)
            below = f"<tbody>\n{body}\n</tbody>\n" if rows else ""
            return f"<table>\n{top}{below}</table>"
        case Rule():
            return "<hr>"


def _item(item: Item) -> str:
    box = ""
    if item.done is not None:
        box = f'<input type="checkbox" disabled{" checked=" + chr(34) * 2 if item.done else ""}> '
    match item.blocks:
        case ():
            return f"<li>{box}</li>"
        case (Paragraph(inside),):
            return f"<li>{box}{_words(inside)}</li>"
        case (Paragraph(inside), Items() as below):
            return f"<li>{box}{_words(inside)}\n{_written(below)}\n</li>"
    return f"<li>{box}\n{write(item.blocks)}\n</li>"


def _row(cells: tuple[tuple[Inline, ...], ...], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_words(cell)}</{tag}>" for cell in cells) + "</tr>"


def _words(inside: tuple[Inline, ...]) -> str:
    done: list[str] = []
    for one in inside:
        match one:
            case Text(text):
                done.append(_escaped(text))
            case Break():
                done.append("<br>\n")
            case Verbatim(text):
                done.append(f"<code>{_escaped(text)}</code>")
            case Span(kind, children):
                done.append(f"<{_TAGS[kind]}>{_words(children)}</{_TAGS[kind]}>")
            case Link(target, children):
                done.append(f'<a href="{_quoted(target)}">{_words(children)}</a>')
            case Image(target, alt):
                done.append(f'<img src="{_quoted(target)}" alt="{_quoted(alt)}">')
    return "".join(done)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\xa0", "&nbsp;")


def _quoted(text: str) -> str:
    return html.escape(text)
