"""Forms in which texts are the same, for `Field.canon`: what trackers do to a text that still means it."""

from __future__ import annotations

__all__ = ["blanks", "lines"]


def lines(text: str) -> str:
    """Returns a text whose lines end with a line feed alone."""
    return text.replace("\r\n", "\n")


def blanks(text: str) -> str:
    """Returns a text in one line, with one blank between words and none around."""
    return " ".join(text.split())
