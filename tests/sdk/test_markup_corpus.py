"""Texts as people put them into tickets: each keeps what it shows, in every dialect and back."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from prophet_hub.sdk.markup import DIALECTS, convert
from prophet_hub.sdk.markup.tree import Items, Quote

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
CORPUS = ROOT / "fixtures" / "markup"
RECORDED = Path(os.environ.get("PROPHET_HUB_RECORDED", ROOT.parent / "shared" / "recorded"))

_spec = importlib.util.spec_from_file_location("markup_facts", HERE.with_name("markup_facts.py"))
assert _spec
assert _spec.loader
facts = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(facts)


def corpus() -> list[tuple[str, str]]:
    """Returns the texts, each with its dialect."""
    return [
        (file.stem, text)
        for file in sorted(CORPUS.glob("*.txt"))
        for text in file.read_text(encoding="utf-8").removesuffix("\n").split("\n%%%%\n")
    ]


TEXTS = corpus()


def check(text: str, source: str, target: str) -> None:
    """Holds a conversion to what the text shows, and the way there and back to being stable."""
    before = facts.READ[source](text)
    there = convert(text, source, target)
    back = convert(there, target, source)
    after = facts.READ[target](there)
    assert convert(back, source, target) == there, "the way back and there again changed it"
    lost = facts.letters(before) - facts.letters(after)
    assert not lost, f"lost {lost}"
    if target == "plain":  # its reader takes the source of a table or list for what it is: lines
        return
    assert facts.codes(after) == facts.codes(before)
    assert not _absolute(facts.links(before)) - _absolute(facts.links(after))
    assert all(to in unquote(there) for to, _ in facts.links(before) if target != "html")
    assert facts.cells(after) == facts.cells(before)
    assert facts.depth(after, Items) == facts.depth(before, Items)
    assert facts.depth(after, Quote) == facts.depth(before, Quote)


def _absolute(links: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Returns the links that every dialect can say; others may end up as `text (target)`."""
    return Counter({one: n for one, n in links.items() if "://" in one[0] or one[0][:1] == "/"})


def test_the_corpus_is_large():
    assert len(TEXTS) >= 200
    assert {dialect for dialect, _ in TEXTS} == DIALECTS


@pytest.mark.parametrize("target", sorted(DIALECTS))
@pytest.mark.parametrize("source", sorted(DIALECTS))
def test_texts_keep_what_they_show(source, target):
    broken = []
    for dialect, text in TEXTS:
        if dialect == source != target:
            try:
                check(text, source, target)
            except AssertionError as error:
                broken.append((text, convert(text, source, target), str(error)[:300]))
    assert not broken, "\n\n".join("\n=>\n".join(one) for one in broken)


def test_one_dialect_on_both_sides_is_the_very_text():
    assert all(convert(text, dialect, dialect) is text for dialect, text in TEXTS)


def recorded(folder: str) -> Iterator[str]:
    """Yields the long texts in the recorded answers of a service."""
    if not (RECORDED / folder).is_dir():
        pytest.skip(f"no recorded answers of {folder} beside the checkout")
    for file in sorted((RECORDED / folder).rglob("*")):
        if file.is_file():
            yield from _long_texts(file.read_text(encoding="utf-8", errors="replace"))


def _long_texts(content: str) -> Iterator[str]:
    if content.lstrip()[:1] in {"{", "["}:
        yield from _strings(json.loads(content))
    else:
        yield from re.findall(r"<(?:thetext|body|msg)[^>]*>(.*?)</", content, re.DOTALL)
        if "\n\n" in content and not content.lstrip().startswith("<"):
            yield content


def _strings(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str) and key in {"text", "content", "description", "notes"}:
                yield value
            else:
                yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


@pytest.mark.parametrize(
    ("folder", "dialects"),
    [
        ("bugzilla", ["plain", "markdown"]),
        ("launchpad", ["plain"]),
        ("debbugs", ["plain"]),
        ("redmine", ["textile", "markdown"]),
    ],
)
def test_recorded_texts_keep_what_they_show(folder, dialects):
    texts = sorted(set(recorded(folder)))
    assert texts
    broken = []
    for text in texts:
        for source in dialects:
            for target in sorted(DIALECTS - {source}):
                try:
                    check(text, source, target)
                except AssertionError as error:
                    broken.append(
                        (
                            text,
                            f"{source} {target}",
                            convert(text, source, target),
                            str(error)[:300],
                        )
                    )
    assert not broken, "\n\n".join("\n=>\n".join(one) for one in broken)
