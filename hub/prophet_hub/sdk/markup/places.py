"""Where in a source text the prose is, and where its images are: for changes in place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from prophet_hub.sdk.markup import html, markdown

__all__ = ["images", "prose", "with_images"]

Span = tuple[int, int]

_HTML = re.compile(
    r"<!--.*?(?:-->|\Z)|<(pre|code|tt|kbd|samp|a|script|style)\b[^>]*>.*?(?:</\1\s*>|\Z)|<[a-zA-Z/!?][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_PLAIN = re.compile(
    r"^([ \t>]*)(`{3,}|~{3,})[^`\n]*\n.*?^\1\2[ \t]*$|(?!)", re.DOTALL | re.MULTILINE
)
_MARKDOWN = re.compile(
    r"\\.|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).){1,2000}?(?<!`)(?P=ticks)(?!`)"
    r"|\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|<[a-zA-Z/!?][^<>\n]*>|\]\[[^\]\n]*\]|^ {0,3}\[[^\]\n]+\]:.*$",
    re.DOTALL | re.MULTILINE,
)
_MARKDOWN_IMAGE = re.compile(
    r"!\[(?:[^\]\\\n]|\\.)*\]\(\s*(?:<([^<>\n]*)>|([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))"
)
_HTML_IMAGE = re.compile(
    r"<img\b[^>]*?\bsrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE
)


def prose(text: str, dialect: str) -> list[Span]:
    """Returns the spans of a text that are prose: no code, nothing verbatim, no target of a link.

    References to tickets may be rewritten there, in place.
    """
    return list(_between(_PROSE[dialect](text), len(text)))


def _between(taken: Iterator[Span], end: int) -> Iterator[Span]:
    at = 0
    for start, stop in sorted(taken):
        if start > at:
            yield at, start
        at = max(at, stop)
    if at < end:
        yield at, end


def _in_plain(text: str) -> Iterator[Span]:
    yield from (found.span() for found in _PLAIN.finditer(text))


def _in_html(text: str) -> Iterator[Span]:
    yield from (found.span() for found in _HTML.finditer(text))


def _in_markdown(text: str) -> Iterator[Span]:
    starts = [0, *(found.end() for found in re.finditer("\n", text)), len(text)]
    blocks = []
    for token in markdown.parser().parse(text):
        if token.type in {"fence", "code_block"} and token.map:
            blocks.append((starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]))
    yield from blocks
    for start, stop in list(_between(iter(blocks), len(text))):
        yield from (found.span() for found in _MARKDOWN.finditer(text, start, stop))


_PROSE: Mapping[str, Callable[[str], Iterator[Span]]] = {
    "plain": _in_plain,
    "markdown": _in_markdown,
    "html": _in_html,
}
_IMAGES: Mapping[str, tuple[re.Pattern[str], ...]] = {
    "plain": (_MARKDOWN_IMAGE,),
    "markdown": (_MARKDOWN_IMAGE, _HTML_IMAGE),
    "html": (_HTML_IMAGE,),
}


def images(text: str, dialect: str) -> list[str]:
    """Returns the names or addresses of the images shown in a text, in order, each once."""
    found = sorted(_images(text, dialect))
    return list(dict.fromkeys(text[start:end] for start, end in found))


def with_images(text: str, dialect: str, new: Mapping[str, str]) -> str:
    """Returns a text with images replaced: by name or address, to a name or address."""
    for start, end in sorted(_images(text, dialect), reverse=True):
        if (old := text[start:end]) in new:
            text = text[:start] + new[old] + text[end:]
    return text


def _images(text: str, dialect: str) -> Iterator[Span]:
    outside = prose_of_images(text, dialect)
    for pattern in _IMAGES[dialect]:
        for found in pattern.finditer(text):
            if found.lastindex and any(start <= found.start() < end for start, end in outside):
                yield found.span(found.lastindex)


def prose_of_images(text: str, dialect: str) -> list[Span]:
    """Returns where images may be."""
    return [(0, len(text))]
