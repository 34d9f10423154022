"""The program's own sentences, without what was put into them.

An error quotes what people and trackers said: addresses, titles, sometimes a token.  So a sentence
is told by the words that stand in this program's source and by no other: each text is looked through
for them, and whatever lies between is an ellipsis.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from prophet_hub.jobs.pseudonyms import Safe

__all__ = ["own_words"]

_PACKAGES: Final = ("prophet_hub", "prophet_connectors")
_LEAST: Final = 15  # letters that a sentence has of its own
_PUT_IN: Final = re.compile(r"\{\w*\}")  # as `format` puts it in
_STATUS: Final = re.compile(r"[1-5]\d\d")
_STATUSES: Final = frozenset({"status", "answer.status", "error.status", "response.status_code"})
"""What may be told of what is put in: the status of an HTTP answer."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What stands in the source: the fixed parts, and what is put in between.

    Attributes:
        statuses: After which of the parts a status stands.
        ends: Whether something is put in after the last of them.
        weight: The length of the fixed parts.
    """

    parts: tuple[str, ...]
    statuses: frozenset[int]
    ends: bool
    weight: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A sentence in a text: where its fixed parts stand."""

    spans: tuple[tuple[int, int], ...]
    rank: tuple[int, int]
    said: str


def own_words(text: str) -> Safe:
    """Returns what a text says in the program's own words."""
    if not text:
        return Safe("")
    found = sorted(
        (one for sentence in _sentences() if (one := _find(sentence, text))),
        key=lambda one: (one.rank, one.spans),
    )
    chosen: list[_Found] = []
    for one in found:
        if not any(_meet(one.spans, other.spans) for other in chosen):
            chosen.append(one)
    if not chosen:
        return Safe(f"({len(text)} letters that are not the program's)")
    chosen.sort(key=lambda one: one.spans)
    return Safe(" ".join(one.said for one in chosen))


def _find(sentence: _Sentence, text: str) -> _Found | None:
    spans: list[tuple[int, int]] = []
    said, at, gaps = "", 0, 0
    for number, part in enumerate(sentence.parts):
        start = text.find(part, at)
        if start < 0:
            return None
        if spans:
            between = text[at:start]
            gaps += len(between)
            told = number - 1 in sentence.statuses and _STATUS.fullmatch(between)
            said += between if told else "..."
        said, at = said + part, start + len(part)
        spans.append((start, at))
    said += "..." if sentence.ends else ""
    return _Found(spans=tuple(spans), rank=(-sentence.weight, gaps), said=said.strip())


def _meet(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> bool:
    return any(a < d and c < b for a, b in one for c, d in other)


@cache
def _sentences() -> tuple[_Sentence, ...]:
    """Returns the sentences in the source of the hub and of its own connectors."""
    found: dict[tuple[str, ...], _Sentence] = {}
    for package in _PACKAGES:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder).rglob("*.py")):
                for sentence in _in(ast.parse(file.read_bytes())):
                    found.setdefault(sentence.parts, sentence)
    return tuple(found.values())


def _in(tree: ast.Module) -> Iterator[_Sentence]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from _sentence(node.values)
        elif isinstance(node, ast.Constant):
            yield from _sentence([node])


def _sentence(values: list[ast.expr]) -> Iterator[_Sentence]:
    """Yields the sentence that an f-string or a text is, if it has words enough."""
    parts: list[str] = []
    statuses: set[int] = set()
    ends = False
    for value in values:
        ends = isinstance(value, ast.FormattedValue)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            said = _PUT_IN.split(value.value)
            parts += filter(None, said)
            ends = not said[-1]
        elif isinstance(value, ast.FormattedValue) and ast.unparse(value.value) in _STATUSES:
            statuses.add(len(parts) - 1)
    whole = "".join(parts)
    if sum(map(str.isalpha, whole)) >= _LEAST and " " in whole.strip():
        yield _Sentence(tuple(parts), frozenset(statuses), ends, len(whole))
