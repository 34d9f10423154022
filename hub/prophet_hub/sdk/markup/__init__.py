"""Texts from the markup of one tracker into that of another, with CommonMark's tree in the middle.

Pure and total: any text is converted, no word that is shown gets lost, and a text that went there and
back goes there again as it was.  That holds by construction: what is told is a text that reads back
as itself, not one that merely should.
"""

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
from prophet_hub.sdk.markup.places import images, prose, with_images
from prophet_hub.sdk.markup.tidying import tidy
from prophet_hub.sdk.markup.tree import Block, Code

__all__ = ["DIALECTS", "convert", "images", "known", "prose", "with_images"]

Reader = Callable[[str], tuple[Block, ...]]
Writer = Callable[[tuple[Block, ...]], str]

_DIALECTS: Mapping[str, tuple[Reader, Writer]] = {
    "plain": (plain.read, plain.write),
    "markdown": (markdown.read, markdown_out.write),
    "html": (html.read, html_out.write),
    "textile": (textile.read, textile_out.write),
    "trac": (trac.read, trac_out.write),
}
DIALECTS: frozenset[str] = frozenset(_DIALECTS)

_LONGEST = 100_000  # characters; what is longer is a log, and shown as one
_TRIES = 6


def known(dialect: str) -> bool:
    """Tells whether texts of this markup can be converted."""
    return dialect in _DIALECTS


def convert(text: str, source: str, target: str) -> str:
    """Returns a text of one dialect as a text of another that shows the same.

    The same dialect on both sides: the very text.  A construct that the target lacks becomes its
    nearest readable form.  Never raises for a known dialect; converted there, back and there again,
    a text is the same as after the first time.

    Raises:
        KeyError: A dialect is not `known`.
    """
    if source == target:
        return text
    (read_here, write_here), (read_there, write_there) = _DIALECTS[source], _DIALECTS[target]
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
