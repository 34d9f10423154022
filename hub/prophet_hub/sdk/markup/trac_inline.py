"""What stands within a line of Trac's wiki text: signs, links, code, macros.

Source: Trac 1.6, `trac/wiki/parser.py` and `api.py`.  Lengths are bounded, so that hostile lines cost
linear time.
"""

from __future__ import annotations

import re

from prophet_hub.sdk.markup.tidying import BARE
from prophet_hub.sdk.markup.tree import (
    Break,
    Builder,
    Image,
    Inline,
    Link,
    Text,
    Verbatim,
    spanning,
)

__all__ = ["IMAGE", "TOKEN", "ZERO", "passage"]

ZERO = "\u200b"  # no sign to Trac and nothing to the eye: it parts what would be a sign

_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_LOWER = "a-z\u00df-\u00f6\u00f8-\u00ff"
_QUOTED = r"'[^'\n]{1,400}'|\"[^\"\n]{1,400}\""
_SCHEME = r"[a-zA-Z][a-zA-Z0-9+._-]{0,30}"
TOKEN = re.compile(
    r"!?(?:"
    r"(?P<sign>'''''|'''|\*\*|''|//|__|~~|,,|\^)"
    r"|\{\{\{(?P<code>[^\n]{0,1000}?)\}\}\}"
    r"|`(?P<tick>[^`\n]*)`"
    rf"|(?<![\w/])(?:\.?\.?/)*(?P<page>(?:[{_UPPER}][{_LOWER}]+/?){{2,}})(?=:(?:\Z|\s)|[^:\w]|\s|\Z)"
    r"|(?P<report>\{\d+\}|\[\d+(?:[:-]\d+)?(?:/[^\]\n]{0,200})?\]|\br\d+(?:[:-]\d+)?\b)"
    r"|(?P<break>\\\\)"
    rf"|<(?P<angle>{_SCHEME}:[^<>\s]+)>"
    rf"|(?<![a-zA-Z0-9+._-])(?P<address>{_SCHEME}:(?:{_QUOTED}|[\w/?!#@](?<!_)(?:[^|<>\s]*[\w/=](?<!_))?))"
    rf"|\[(?P<link>{_SCHEME}:(?:{_QUOTED}|[^\]\s\u200b]*)|[/?#][^\s\]]*|\.\.?(?:[/?#][^\s\]]*)?)(?:[\s\u200b]+(?P<label>{_QUOTED}|[^\]\n]{{0,400}}))?\]"
    rf"|(?P<wiki>\[(?:{_QUOTED})(?:\s+[^\]\n]{{1,400}})?\])"
    r"|\[\[(?P<macro>(?:[^\[\]\n]|\](?!\])|\[(?!\[)){1,1000})\]\]"
    r"|(?P<cell>=?\|\|+=?|\|-+)"
    r")"
)
IMAGE = re.compile(
    r"(?<!!)\[\[Image\((?P<source>(?:[^,)\]\n]|\\,)+)(?P<more>(?:,[^)\]\n]*)?)\)\]\]", re.IGNORECASE
)
_ALT = re.compile(r"\balt=((?:[^,\\]|\\.)*)")
_KINDS = {
    "'''": "strong",
    "**": "strong",
    "''": "em",
    "//": "em",
    "__": "ins",
    "~~": "del",
    ",,": "sub",
    "^": "sup",
}
_HTTP = re.compile(r"(?:https?|ftp|mailto):", re.IGNORECASE)


def passage(lines: list[str]) -> tuple[Inline, ...]:
    """Returns the tree of a passage; signs that nothing ends are characters."""
    text = "\n".join(lines)
    tokens = [found for found in TOKEN.finditer(text) if found[0][0] != "!"]
    lone = _lone(tokens)
    builder = Builder()
    opened: list[str] = []
    at = 0
    for found in TOKEN.finditer(text):
        builder.add(Text(_cleared(text[at : found.start()])))
        at = found.end()
        if found[0][0] == "!":
            builder.add(Text(_cleared(found[0][1:])))
        elif found["sign"] and found.start() not in lone:
            for kind in _kinds(found["sign"], opened):
                _toggle(builder, opened, kind)
        else:
            builder.add(*_told(found))
    builder.add(Text(_cleared(text[at:])))
    return builder.done()


def _cleared(text: str) -> str:
    return text.replace(ZERO, "")


def _lone(tokens: list[re.Match[str]]) -> set[int]:
    """Returns where signs stand that open and are never closed."""
    last: dict[str, int] = {}
    for found in tokens:
        for kind in _kinds(found["sign"] or "", list(last)):
            if kind in last:
                del last[kind]
            else:
                last[kind] = found.start()
    return set(last.values())


def _kinds(sign: str, opened: list[str]) -> list[str]:
    if sign == "'''''":
        return ["em", "strong"] if opened[-1:] == ["em"] else ["strong", "em"]
    return [_KINDS[sign]] if sign else []


def _toggle(builder: Builder, opened: list[str], kind: str) -> None:
    if kind not in opened:
        opened.append(kind)
        builder.open(kind, spanning(kind))
        return
    at = opened.index(kind)
    again = opened[at + 1 :]
    builder.close(kind)
    del opened[at:]
    for inner in again:
        _toggle(builder, opened, inner)


def _told(found: re.Match[str]) -> tuple[Inline, ...]:
    """Returns what a token that is no sign shows."""
    if found["code"] is not None or found["tick"] is not None:
        return (Verbatim(found["code"] if found["code"] is not None else found["tick"]),)
    if found["break"]:
        return (Break(),)
    if target := found["link"]:
        label = _unquote(_cleared(found["label"] or "").strip())
        own = target if _HTTP.match(target) else target.partition(":")[2] or target
        return (Link(_plain(target), (Text(label or own.strip("\"'")),)),)
    if target := found["angle"]:
        return (Link(target, (Text(target),)),)
    if macro := found["macro"]:
        return (_macro(macro),)
    return (Text(_cleared(found[0])),)


def _unquote(label: str) -> str:
    return label[1:-1] if len(label) > 2 and label[0] == label[-1] and label[0] in "'\"" else label  # noqa: PLR2004 - two quotes


def _plain(target: str) -> str:
    scheme, _, rest = target.partition(":")
    return f"{scheme}:{rest[1:-1]}" if rest[:1] in {"'", '"'} else target


def _macro(text: str) -> Inline:
    if text.lower() == "br":
        return Break()
    if found := IMAGE.fullmatch(f"[[{text}]]"):
        alt = _ALT.search(found["more"])
        words = re.sub(r"\\(.)", r"\1", alt[1]) if alt else ""
        return Image(found["source"].strip().strip("\"'"), _cleared(words).strip().strip("\"'"))
    target, bar, label = text.partition("|")
    if bar or BARE.fullmatch(text):
        return Link(target.strip(), (Text(_cleared(label).strip() or target.strip()),))
    return Verbatim(f"[[{text}]]")
