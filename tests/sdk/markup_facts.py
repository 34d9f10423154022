"""What a text shows, as counts that no conversion may lower, and trees to make texts of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from hypothesis import strategies as st

from prophet_hub.sdk.markup import (
    html,
    html_out,
    markdown,
    markdown_out,
    plain,
    textile,
    textile_out,
    trac,
    trac_out,
)
from prophet_hub.sdk.markup.tidying import tidy
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
    flat,
    shown,
)

READ = {
    "plain": plain.read,
    "markdown": markdown.read,
    "html": html.read,
    "textile": textile.read,
    "trac": trac.read,
}
WRITE = {
    "plain": plain.write,
    "markdown": markdown_out.write,
    "html": html_out.write,
    "textile": textile_out.write,
    "trac": trac_out.write,
}


def walk(blocks: Iterable[Block]) -> Iterator[Block | Inline]:
    """Yields every node."""
    for block in blocks:
        yield block
        match block:
            case Paragraph(inside) | Heading(_, inside):
                yield from inner(inside)
            case Quote(below):
                yield from walk(below)
            case Items(items, _):
                for item in items:
                    yield from walk(item.blocks)
            case Table(head, rows):
                for row in (head, *rows):
                    for cell in row:
                        yield from inner(cell)


def inner(inside: Iterable[Inline]) -> Iterator[Inline]:
    for one in inside:
        yield one
        match one:
            case Span(_, below) | Link(_, below):
                yield from inner(below)


def words(blocks: Iterable[Block]) -> Counter[str]:
    """Returns the words that a tree shows, link targets and images besides."""
    text = shown(flat(blocks))
    return Counter(re.findall(r"\w+", text))


def letters(blocks: Iterable[Block]) -> Counter[str]:
    """Returns the letters and digits that a tree shows, for words may touch."""
    done: Counter[str] = Counter()
    for node in walk(blocks):
        match node:
            case Text(text) | Verbatim(text) | Code(text, _) | Image(_, text):
                done.update(sign for sign in text if sign.isalnum())
    return done


def codes(blocks: Iterable[Block]) -> list[str]:
    """Returns the code blocks, in order."""
    return [node.text for node in walk(blocks) if isinstance(node, Code)]


def links(blocks: Iterable[Block]) -> Counter[tuple[str, str]]:
    """Returns the links: where to, and what they show."""
    return Counter(
        (unquote(node.target), shown(node.inside))
        for node in walk(blocks)
        if isinstance(node, Link)
    )


def cells(blocks: Iterable[Block]) -> list[str]:
    """Returns what the cells of all tables show, row by row."""
    return [
        " ".join(shown(cell).split())
        for node in walk(blocks)
        if isinstance(node, Table)
        for row in ((node.head, *node.rows) if node.head else node.rows)
        for cell in row
    ]


def depth(blocks: Iterable[Block], kind: type[Items | Quote]) -> int:
    """Returns how deep lists or quotes are nested."""
    deepest = 0
    for block in blocks:
        below: tuple[Block, ...] = ()
        match block:
            case Quote(inside):
                below = inside
            case Items(items, _):
                below = tuple(one for item in items for one in item.blocks)
        deepest = max(deepest, isinstance(block, kind) + depth(below, kind))
    return deepest


_WORDS = st.text("abcdefghäöß漢字 ÉMnop0123456789", min_size=1, max_size=12)
_HOSTILE = st.lists(
    st.sampled_from(
        [
            "*",
            "**",
            "_",
            "`",
            "[",
            "]",
            "(",
            ")",
            "!",
            "<",
            ">",
            "&",
            "&amp;",
            "|",
            "||",
            "=",
            "==",
            "''",
            "'''",
            "{{{",
            "}}}",
            "^",
            ",,",
            "~~",
            "//",
            "__",
            "@",
            "#",
            "# ",
            "- ",
            "* ",
            "1. ",
            "h1. ",
            "bq. ",
            "---",
            "----",
            "{",
            "}",
            "%",
            "+",
            "-",
            "\\",
            "FooBar",
            "[1]",
            "{1}",
            "r12",
            "<b>",
            "<script>",
            "</pre>",
            '"x":/y',
            "[[BR]]",
            "::",
            " ",
            "a",
            "Foo",
            ".",
            "\u200b",
            "\xa0",
            "#12",
            "ticket:3",
            "a@b.c",
            "\t",
            "x  y",
            "NULL(0)",
            "a[0]",
            "C:\\x",
            "://",
        ]
    ),
    min_size=1,
    max_size=8,
).map("".join)
TEXTS = _WORDS | _HOSTILE
TARGETS = st.sampled_from(
    [
        "http://example.org/",
        "https://example.org/a_b/c?d=e&f=g",
        "http://example.org/x_(y)",
        "mailto:ann@example.org",
        "ftp://example.org/*a*",
    ]
)
_LEAVES = (
    TEXTS.map(Text)
    | st.just(Break())
    | _WORDS.map(Verbatim)
    | TEXTS.map(Verbatim)
    | st.builds(Image, st.sampled_from(["shot.png", "http://example.org/a.png"]), _WORDS)
    | TARGETS.map(lambda target: Link(target, (Text(target),)))
    | st.builds(Link, TARGETS, st.tuples(TEXTS.map(Text)))
)
_INLINE = st.recursive(
    _LEAVES,
    lambda below: st.builds(
        Span,
        st.sampled_from(["strong", "em", "del", "ins", "sup", "sub"]),
        st.lists(below, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=6,
)
_PASSAGES = st.lists(_INLINE, min_size=1, max_size=3).map(tuple)
_CODE_TEXTS = st.lists(
    st.sampled_from(
        [
            "int main()",
            "{",
            "}",
            "    deep",
            "\tTab",
            "",
            "```",
            "~~~",
            "{{{",
            "}}}",
            "<b>x</b>",
            "</pre>",
            "<code>",
            "&amp;",
            "> q",
            "* x",
            "#!sh",
            "#!/bin/sh",
            "|a|",
            "é  ü",
        ]
    ),
    min_size=1,
    max_size=5,
).map("\n".join)
_CODES = st.builds(Code, _CODE_TEXTS, st.sampled_from(["", "", "python", "c++"]))


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    width = draw(st.integers(1, 3))
    row = st.tuples(*[_PASSAGES | st.just(()) for _ in range(width)])
    return Table(draw(row | st.just(())), tuple(draw(st.lists(row, min_size=1, max_size=3))))


_BLOCKS = st.recursive(
    _PASSAGES.map(Paragraph)
    | st.builds(Heading, st.integers(1, 6), _PASSAGES)
    | _CODES
    | _tables()
    | st.just(Rule()),
    lambda below: (
        st.lists(below, min_size=1, max_size=3).map(lambda blocks: Quote(tuple(blocks)))
        | st.builds(
            Items,
            st.lists(
                st.builds(
                    Item,
                    st.lists(below, max_size=3).map(tuple),
                    st.sampled_from([None, None, True, False]),
                ),
                min_size=1,
                max_size=3,
            ).map(tuple),
            st.sampled_from([None, 1, 3]),
        )
    ),
    max_leaves=4,
)
TREES = st.lists(_BLOCKS, min_size=1, max_size=2).map(tidy).filter(bool)
