"""From the reader of one dialect to the writer of another, until what is told reads back as itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
from prophet_hub.sdk.markup.tree import Block, Code

__all__ = ["DIALECTS", "converted"]

Reader = Callable[[str], tuple[Block, ...]]
Writer = Callable[[tuple[Block, ...]], str]

DIALECTS: Mapping[str, tuple[Reader, Writer]] = {
    "plain": (plain.read, plain.write),
    "markdown": (markdown.read, markdown_out.write),
    "html": (html.read, html_out.write),
    "textile": (textile.read, textile_out.write),
    "trac": (trac.read, trac_out.write),
}

_LONGEST = 100_000  # characters; what is longer is a log, and shown as one
_TRIES = 6


def converted(text: str, source: str, target: str) -> str:
    """Returns a text of one dialect as a text of another."""
    (read_here, write_here), (read_there, write_there) = DIALECTS[source], DIALECTS[target]
    if len(text) > _LONGEST:
        # one that was written here before is code already
        opens, _, closes = write_here((Code("x"),)).partition("x")
        ours = text.startswith(opens.strip()) and text.rstrip().endswith(closes.strip())
        tree = read_here(text) if ours else ()
        is_code = len(tree) == 1 and isinstance(tree[0], Code)
        return write_there(tree if is_code else tidy((Code(text),)))
    told = ""
    for tree in (read_here(text), tidy((Code(text),))):
        told = write_there(tree)
        for _ in range(_TRIES):
            again = write_there(read_here(write_here(read_there(told))))
            if again == told:
                return told
            told = again
    return told
