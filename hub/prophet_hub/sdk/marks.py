"""The hub's key as a line under a text, for trackers that have no other place for it.

A person sees the line and may take it away: then the item has no key any more, and nothing else
happens.  The text that the hub is told is without it.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ROOM", "marked", "remarked", "unmarked"]

_LINE: Final = re.compile(
    r"(?:\A|\r?\n[ \t]*\r?\n)\[prophet-hub:([0-9A-Za-z-]+)\](?:\s*\Z|(?=[ \t]*\r?\n))"
)
ROOM: Final = 52
"""Characters that the line takes of a text's length: a name of 36 of them, and what is around it."""


def marked(text: str, key: str) -> str:
    """Returns the text with the key under it; as it is without a key."""
    if not key:
        return text
    return f"{text}\n\n[prophet-hub:{key}]" if text else f"[prophet-hub:{key}]"


def remarked(text: str, before: str) -> str:
    """Returns the text with the key that stands in the one before it, if any does."""
    return marked(text, unmarked(before)[1])


def unmarked(text: str) -> tuple[str, str]:
    """Returns the text without its key, and the key, "" if there is none.

    What somebody wrote below the line is text like the rest.
    """
    last = None
    for found in _LINE.finditer(text):
        last = found
    if last is None:
        return text, ""
    below = text[last.end() :]
    return text[: last.start()] + (below if last.start() else below.lstrip()), last[1]
