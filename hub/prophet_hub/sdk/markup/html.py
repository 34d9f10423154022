"""HTML as tickets carry it: any fragment is read, of strangers and of mail programs.

The reader is a tolerant one of its own, so that hostile input costs linear time and nothing that
could act (scripts, handlers, odd addresses) ever reaches the tree.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

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
    Span,
    Table,
    Text,
    Verbatim,
    flat,
    linking,
    spanning,
)

__all__ = ["KINDS", "TAG", "attributes", "read"]

KINDS = {
    "b": "strong", "strong": "strong", "i": "em", "em": "em", "cite": "em", "dfn": "em",
    "s": "del", "del": "del", "strike": "del", "u": "ins", "ins": "ins", "sup": "sup", "sub": "sub",
}  # fmt: skip
_CODE = {"code", "tt", "kbd", "samp", "var"}
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section", "summary",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption",
}  # fmt: skip
_HIDDEN = {"script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg"}
_VOID = {"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "wbr"}
_INLINE = {
    *KINDS,
    *_CODE,
    "a",
    "span",
    "font",
    "small",
    "big",
    "label",
    "abbr",
    "mark",
    "q",
    "img",
    "br",
}
_KNOWN = _BLOCKS | _VOID | _INLINE
# what ends when a tag opens: the tags that it ends, and those beyond which it does not look
_ENDS = {
    "li": ({"li"}, {"ul", "ol"}),
    "dt": ({"dt", "dd"}, {"dl"}),
    "dd": ({"dt", "dd"}, {"dl"}),
    "tr": ({"tr"}, {"table"}),
    "td": ({"td", "th"}, {"table", "tr"}),
    "th": ({"td", "th"}, {"table", "tr"}),
    "thead": ({"thead", "tbody", "tfoot"}, {"table"}),
    "tbody": ({"thead", "tbody", "tfoot"}, {"table"}),
    "tfoot": ({"thead", "tbody", "tfoot"}, {"table"}),
}
_HOLDS = {"td", "th", "li", "blockquote", "table", "div", "dd"}
_DEEPEST = 60

TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]{0,30})"
    r"(?P<rest>(?:[\s/][^<>\"']*(?:(?:\"[^\"]*\"|'[^']*')[^<>\"']*)*)?)>"
)
_DECLARED = re.compile(r"<!--|<!(?=[a-zA-Z\[])|<\?(?=[a-zA-Z])")
_ATTRIBUTE = re.compile(r"([a-zA-Z][\w:-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_SPACE = re.compile(r"[ \t\n\r\f]+")
_LANGUAGE = re.compile(r"(?:^|\s)(?:lang(?:uage)?-|brush:\s*|highlight-source-)?([\w+#.-]+)")


@dataclass(slots=True)
class _Node:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list[_Node | str] = field(default_factory=list)
    block: bool = False  # it or something in it is one


def attributes(rest: str) -> dict[str, str]:
    """Returns the attributes of a tag, names in lower case."""
    return {
        name.lower(): html.unescape(one or two or three)
        for name, one, two, three in _ATTRIBUTE.findall(rest)
    }


def read(text: str, *, strict: bool = False) -> tuple[Block, ...]:
    """Returns the tree of a fragment; strict: tags that HTML does not know are text."""
    return tidy(_blocks(_tree(text.replace("\r\n", "\n").replace("\r", "\n"), strict=strict)))


def _tree(text: str, *, strict: bool) -> _Node:
    root = _Node("")
    path = [root]
    hidden = ""  # the tag within which nothing is shown
    for found in _tokens(text):
        if isinstance(found, str):
            if not hidden:
                path[-1].inside.append(found)
            continue
        tag = found["name"].lower()
        if hidden:
            hidden = "" if found["end"] and tag == hidden else hidden
        elif strict and tag not in _KNOWN:
            path[-1].inside.append(found[0].replace("&", "&amp;"))
        elif found["end"]:
            _end(path, tag)
        elif tag in _HIDDEN:
            hidden = "" if found["rest"].endswith("/") else tag
        else:
            _start(path, tag, attributes(found["rest"]))
    return root


def _tokens(text: str) -> Iterator[re.Match[str] | str]:
    at = 0
    hopeless: set[str] = set()
    start = text.find("<")
    while start >= 0:
        after = start + 1
        declared = _DECLARED.match(text, start)
        mark = "-->" if declared and declared[0] == "<!--" else ">"
        if declared and mark not in hopeless:
            end = text.find(mark, declared.end())
            if end < 0:
                hopeless.add(mark)  # nothing ends it: it is shown
            else:
                yield text[at:start]
                at = after = end + len(mark)
        elif found := TAG.match(text, start):
            yield text[at:start]
            yield found
            at = after = found.end()
        start = text.find("<", after)
    yield text[at:]


def _start(path: list[_Node], tag: str, given: dict[str, str]) -> None:  # noqa: C901 - two short walks up the path
    if tag in _ENDS:
        ends, until = _ENDS[tag]
        for depth in range(len(path) - 1, 0, -1):
            if path[depth].tag in until:
                break
            if path[depth].tag in ends:
                del path[depth:]
                break
    elif tag in _BLOCKS:
        for depth in range(len(path) - 1, 0, -1):
            if path[depth].tag in _HOLDS:
                break
            if path[depth].tag == "p":
                del path[depth:]
                break
    node = _Node(tag, given, block=tag in _BLOCKS)
    path[-1].inside.append(node)
    if node.block:
        for outer in reversed(path):
            if outer.block:
                break
            outer.block = True
    if tag not in _VOID and len(path) < _DEEPEST:
        path.append(node)


def _end(path: list[_Node], tag: str) -> None:
    for depth in range(len(path) - 1, 0, -1):
        if path[depth].tag == tag:
            del path[depth:]
            return
        if path[depth].tag in {"td", "th", "table"} and tag not in {"tr", "table", "tbody"}:
            return


def _blocks(node: _Node) -> list[Block]:
    done: list[Block] = []
    run: list[_Node | str] = []
    for one in [*node.inside, None]:
        if one is not None and not (isinstance(one, _Node) and one.block):
            run.append(one)
            continue
        if run:
            done.append(Paragraph(_inline(run)))
            run = []
        if one is not None and isinstance(one, _Node):
            done += _block(one)
    return done


def _block(node: _Node) -> list[Block]:  # noqa: PLR0911 - one arm per kind
    match node.tag:
        case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
            return [Heading(int(node.tag[1]), flat(tidy(_blocks(node))))]
        case "pre":
            return [Code(_raw(node).removeprefix("\n"), _language(node))]
        case "blockquote":
            return [Quote(tuple(_blocks(node)))]
        case "ul" | "ol":
            start = node.attributes.get("start", "1")
            number = int(start) if start.isdecimal() and len(start) < 10 else 1  # noqa: PLR2004 - digits of a CommonMark number
            return [Items(tuple(_items(node)), number if node.tag == "ol" else None)]
        case "li":
            return [Items(tuple(_items(_Node("ul", inside=[node]))))]
        case "hr":
            return [Rule()]
        case "dt":
            return [Paragraph((Span("strong", flat(tidy(_blocks(node)))),))]
        case "table":
            return _table(node)
        case "summary":
            return [Paragraph((Span("strong", flat(tidy(_blocks(node)))),))]
    return _blocks(node)


def _items(node: _Node) -> Iterator[Item]:
    for one in node.inside:
        if isinstance(one, _Node) and one.tag == "li":
            first = next(
                (part for part in one.inside if not isinstance(part, str) or part.strip()), None
            )
            done = None
            if isinstance(first, _Node) and first.attributes.get("type") == "checkbox":
                done = "checked" in first.attributes
            yield Item(tuple(_blocks(one)), done)
        elif isinstance(one, _Node) or one.strip():
            yield Item(tuple(_blocks(_Node("", inside=[one]))))


def _table(node: _Node) -> list[Block]:
    head: tuple[tuple[Inline, ...], ...] = ()
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    stray: list[_Node | str] = []
    for row in _rows(node, stray):
        cells = [one for one in row.inside if isinstance(one, _Node) and one.tag in {"td", "th"}]
        stray += [one for one in row.inside if not (isinstance(one, _Node) and one in cells)]
        texts = tuple(flat(tidy(_blocks(cell))) for cell in cells)
        if not head and not rows and cells and all(cell.tag == "th" for cell in cells):
            head = texts
        else:
            rows.append(texts)
    lost = [one for one in stray if not isinstance(one, str) or one.strip()]
    return [*_blocks(_Node("", inside=lost)), Table(head, tuple(rows))]


def _rows(node: _Node, stray: list[_Node | str]) -> Iterator[_Node]:
    loose: list[_Node | str] = []
    for one in node.inside:
        if isinstance(one, str):
            stray.append(one)
        elif one.tag in {"thead", "tbody", "tfoot"}:
            yield from _rows(one, stray)
        elif one.tag == "tr":
            yield one
        elif one.tag in {"td", "th"}:
            loose.append(one)
        else:
            stray.append(one)
    if loose:
        yield _Node("tr", inside=loose)


def _language(node: _Node) -> str:
    for one in node.inside:
        if isinstance(one, _Node) and one.tag == "code":
            node = one
            break
    found = _LANGUAGE.match(node.attributes.get("class", "") or node.attributes.get("lang", ""))
    return found[1] if found and found[1] not in {"highlight", "wiki", "code"} else ""


def _raw(node: _Node) -> str:
    done: list[str] = []
    for one in node.inside:
        if isinstance(one, str):
            done.append(html.unescape(one))
        else:
            done.append("\n" if one.tag == "br" else _raw(one))
            if one.tag in {"p", "div", "li", "tr"}:
                done.append("\n")
    return "".join(done)


def _inline(run: list[_Node | str]) -> tuple[Inline, ...]:
    builder = Builder()
    for one in run:
        _into(builder, one)
    return builder.done()


def _into(builder: Builder, one: _Node | str) -> None:
    if isinstance(one, str):
        text = _SPACE.sub(" ", html.unescape(_SPACE.sub(" ", one)))
        builder.add(Text(text))
        return
    tag = one.tag
    if tag == "br":
        builder.add(Break())
    elif tag == "img":
        source, alt = one.attributes.get("src", ""), one.attributes.get("alt", "")
        builder.add(Image(source, alt))
    elif tag in _CODE:
        lines = _raw(one).strip("\n").split("\n")
        for n, line in enumerate(lines):
            builder.add(*([Break()] if n else []), Verbatim(line))
    else:
        if tag in KINDS:
            builder.open(tag, spanning(KINDS[tag]))
        elif tag == "a" and one.attributes.get("href"):
            builder.open(tag, linking(one.attributes["href"]))
        for part in one.inside:
            _into(builder, part)
        builder.close(tag)
