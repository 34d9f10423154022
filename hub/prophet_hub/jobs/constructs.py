"""What of a markup another one lacks, found by trying: each construct there, and read again."""

from __future__ import annotations

from collections.abc import Iterator

from prophet_hub.sdk.markup import convert, known

__all__ = ["constructs"]

_SAMPLES = (
    ("headings", "# Steps\n"),
    ("emphasis", "very *soon*\n"),
    ("code", "call `main()`\n"),
    ("code blocks", "```python\nx = 1\n```\n"),
    ("links", "[the page](https://example.org/)\n"),
    ("nested lists", "* one\n    * two\n"),
    ("quotes", "> he said\n"),
    ("tables", "| a | b |\n| --- | --- |\n| 1 | 2 |\n"),
    ("inline images", "![a plan](plan.png)\n"),
)
"""(name, how Markdown, the middle of all, says it)."""


def constructs(source: str, target: str) -> Iterator[tuple[str, str, str]]:
    """Yields (name, in the one markup, in the other) of what does not come through as it was.

    Nothing is told of a markup that is not known: its texts go verbatim.
    """
    if not (known(source) and known(target)):
        return
    for name, sample in _SAMPLES:
        if _has(sample, source) and not _has(sample, target):
            here = convert(sample, "markdown", source)
            yield name, here.strip(), convert(here, source, target).strip()


def _has(sample: str, dialect: str) -> bool:
    """Tells whether a text means the same when it is read again in a dialect."""
    back = convert(convert(sample, "markdown", dialect), dialect, "markdown")
    return convert(back, "markdown", "html") == convert(sample, "markdown", "html")
