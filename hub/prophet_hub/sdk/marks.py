"""The hub's key as the last line of a text, for trackers that have no other place for it.

A person sees the line and may take it away: then the item has no key any more, and nothing else
happens.  The text that the hub is told is without it.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["marked", "unmarked"]

_LINE: Final = re.compile(r"(?:\A|\r?\n[ \t]*\r?\n)\[prophet-hub:([0-9A-Za-z-]+)\]\s*\Z")


def marked(text: str, key: str) -> str:
    """Returns the text with the key under it; as it is without a key."""
    if not key:
        return text
    return f"{text}\n\n[prophet-hub:{key}]" if text else f"[prophet-hub:{key}]"


def unmarked(text: str) -> tuple[str, str]:
    """Returns the text without its key, and the key, "" if there is none."""
    found = _LINE.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")
