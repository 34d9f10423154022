"""Where in a source text the prose is, and where its images are: for changes in place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from prophet_hub.sdk.markup import markdown, textile, trac, trac_inline

__all__ = ["images", "prose", "targets", "with_images"]

Place = tuple[int, int]

_TAGS = r"<(?P<tag>pre|code|tt|kbd|samp|script|style)\b[^<>]*>"
_HTML_CODE = re.compile(
    rf"<!--.*?(?:-->|\Z)|{_TAGS}.*?(?:</(?P=tag)\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
_HTML_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[^`\n]*$")
_TICKS = re.compile(r"`+")
_TARGET = re.compile(
    r"(?<=\])\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|<(?![a-zA-Z][\w+.-]*:)[a-zA-Z/!?][^<>\n]*>"
    r"|^ {0,3}\[[^\]\n]+\]:.*$",
    re.MULTILINE,
)
_MARKDOWN_IMAGE = re.compile(
    r"!\[(?:[^\[\]\\\n]|\\.)*\]\(\s*(?:<([^<>\n]*)>|([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))"
)
_HTML_IMAGE = re.compile(
    r"<img\b[^<>]*?\bsrc\s*=\s*(?:\"([^\"<>]*)\"|'([^'<>]*)'|([^\s\"'<>]+))", re.IGNORECASE
)
_TEXTILE_IMAGE = re.compile(
    textile.IMAGE.pattern.replace("?P<alt>", "?:")
    .replace("?P<url>", "?:")
    .replace("?P<source>", "")
)
_TRAC_IMAGE = re.compile(
    trac_inline.IMAGE.pattern.replace("?P<more>", "?:").replace("?P<source>", ""), re.IGNORECASE
)


def prose(text: str, dialect: str) -> list[Place]:
    """Returns where there is neither code, nor what is verbatim, nor the target of a link."""
    code, targets = _TAKEN[dialect]
    verbatim = list(code(text))
    return list(_between([*verbatim, *targets(text)], len(text)))


def targets(text: str, dialect: str) -> list[Place]:
    """Returns the places of targets of links that may name a ticket as words do (`[#12 that]`)."""
    if dialect != "trac":
        return []
    found: list[Place] = []
    for start, end in _between(trac.code_blocks(text), len(text)):
        for one in trac_inline.TOKEN.finditer(text, start, end):
            name = "link" if one["link"] else "macro"
            if one[name] and one[0][0] != "!":
                at = one.start(name)
                found.append((at, at + len(one[name].partition("|")[0])))
    return found


def images(text: str, dialect: str) -> list[str]:
    """Returns the names or addresses of the images."""
    return list(dict.fromkeys(_name(text[start:end]) for start, end in _images(text, dialect)))


def with_images(text: str, dialect: str, new: Mapping[str, str]) -> str:
    """Returns a text with these images replaced."""
    done: list[str] = []
    at = 0
    for start, end in _images(text, dialect):
        name = _name(text[start:end])
        done.append(text[at:start])
        done.append(_written(new[name], dialect) if name in new else text[start:end])
        at = end
    return "".join(done) + text[at:]


def _name(found: str) -> str:
    return found if "://" in found else found.replace("%20", " ")


def _written(name: str, dialect: str) -> str:
    """Returns a name so that it ends where it should."""
    ends = r"[,)\[\]]" if dialect == "trac" else r"[\s()<>!\"']"
    return re.sub(ends, lambda found: f"%{ord(found[0]):02X}", name)


def _images(text: str, dialect: str) -> list[Place]:
    code, _ = _TAKEN[dialect]
    found = sorted(
        one.span(one.lastindex)
        for pattern in _IMAGES[dialect]
        for one in pattern.finditer(text)
        if one.lastindex
    )
    if not found:
        return []
    free = _between(code(text), len(text))
    return list(_within(found, free))


def _within(places: Iterable[Place], free: Iterator[Place]) -> Iterator[Place]:
    start, end = next(free, (0, 0))
    for place in places:
        while end <= place[0] and end:
            start, end = next(free, (0, 0))
        if start <= place[0] < end:
            yield place


def _between(taken: Iterable[Place], end: int) -> Iterator[Place]:
    at = 0
    for start, stop in sorted(taken):
        if start > at:
            yield at, start
        at = max(at, stop)
    if at < end:
        yield at, end


def _found(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Place]]:
    return lambda text: (found.span() for found in pattern.finditer(text))


def _plain_code(text: str) -> Iterator[Place]:
    at, start, fence = 0, 0, ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line.rstrip("\r\n"))
        if found and not fence:
            start, fence = at, found[1]
        elif found and found[1].startswith(fence):
            yield start, at + len(line)
            fence = ""
        at += len(line)


def _markdown_code(text: str) -> Iterator[Place]:
    starts = [0, *(found.end() for found in re.finditer("\n", text)), len(text)]
    blocks = [
        (starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)])
        for token in markdown.blocks(text)
        if token.map and token.type in {"fence", "code_block"}
    ]
    yield from blocks
    for start, stop in list(_between(blocks, len(text))):
        yield from _code_spans(text, start, stop)


def _code_spans(text: str, start: int, stop: int) -> Iterator[Place]:
    for part in re.finditer(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+", text[start:stop]):
        begin = start + part.start()
        runs = [found for found in _TICKS.finditer(part[0]) if not _escaped(part[0], found.start())]
        nexts: dict[int, int] = {}
        follow: list[int | None] = [None] * len(runs)
        for n in range(len(runs) - 1, -1, -1):
            size = len(runs[n][0])
            follow[n] = nexts.get(size)
            nexts[size] = n
        n = 0
        while n < len(runs):
            close = follow[n]
            if close is None:
                n += 1
                continue
            yield begin + runs[n].start(), begin + runs[close].end()
            n = close + 1


def _escaped(text: str, at: int) -> bool:
    before = text[max(0, at - 20) : at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _textile_code(text: str) -> Iterator[Place]:
    off = [found.span() for found in textile.OFF.finditer(text)]
    yield from off
    for start, stop in list(_between(off, len(text))):
        yield from (found.span() for found in textile.CODE.finditer(text, start, stop))


def _textile_targets(text: str) -> Iterator[Place]:
    for found in textile.LINK.finditer(text):
        yield found.start("url"), found.start("url") + len(textile.url(found["url"]))
    yield from (found.span() for found in textile.IMAGE.finditer(text))


def _trac_code(text: str) -> Iterator[Place]:
    blocks = list(trac.code_blocks(text))
    yield from blocks
    for start, stop in list(_between(blocks, len(text))):
        for found in trac_inline.TOKEN.finditer(text, start, stop):
            if found["code"] is not None or found["tick"] is not None:
                yield found.span()


def _trac_targets(text: str) -> Iterator[Place]:
    for found in trac_inline.TOKEN.finditer(text):
        if found["macro"]:
            yield found.span()
        elif found["link"]:
            yield found.span("link")


_TAKEN: Mapping[str, tuple[Callable[[str], Iterator[Place]], Callable[[str], Iterator[Place]]]] = {
    "plain": (_plain_code, lambda _: iter(())),
    "markdown": (_markdown_code, _found(_TARGET)),
    "html": (_found(_HTML_CODE), _found(_HTML_TAG)),
    "textile": (_textile_code, _textile_targets),
    "trac": (_trac_code, _trac_targets),
}
_IMAGES: Mapping[str, tuple[re.Pattern[str], ...]] = {
    "plain": (_MARKDOWN_IMAGE,),
    "markdown": (_MARKDOWN_IMAGE, _HTML_IMAGE),
    "html": (_HTML_IMAGE,),
    "textile": (_TEXTILE_IMAGE,),
    "trac": (_TRAC_IMAGE,),
}
