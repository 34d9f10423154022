"""Texts from the markup of one tracker into that of another, with CommonMark's tree in the middle.

Pure and total: any text is converted, no word that is shown gets lost, and a text that went there and
back goes there again as it was.  That holds by construction: what is told is a text that reads back
as itself, not one that merely should.

Readers and writers are loaded by the first text that needs one: they take longer than all the rest of
a command that does little.
"""

# ruff: noqa: PLC0415 - see above
from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DIALECTS", "convert", "images", "known", "prose", "targets", "with_images"]

DIALECTS = frozenset({"html", "markdown", "plain", "textile", "trac"})


def known(dialect: str) -> bool:
    """Tells whether texts of this markup can be converted."""
    return dialect in DIALECTS


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
    from prophet_hub.sdk.markup.converting import converted

    return converted(text, source, target)


def prose(text: str, dialect: str) -> list[tuple[int, int]]:
    """Returns the places of a text that are prose: no code, nothing verbatim, no target of a link.

    References to tickets may be rewritten there, in place.
    """
    from prophet_hub.sdk.markup import places

    return places.prose(text, dialect)


def targets(text: str, dialect: str) -> list[tuple[int, int]]:
    """Returns the places of targets of links that may name a ticket as words do (`[#12 that]`)."""
    from prophet_hub.sdk.markup import places

    return places.targets(text, dialect)


def images(text: str, dialect: str) -> list[str]:
    """Returns the names or addresses of the images shown in a text, in order, each once."""
    from prophet_hub.sdk.markup import places

    return places.images(text, dialect)


def with_images(text: str, dialect: str, new: Mapping[str, str]) -> str:
    """Returns a text with images replaced: by name or address, to a name or address."""
    from prophet_hub.sdk.markup import places

    return places.with_images(text, dialect, new)
