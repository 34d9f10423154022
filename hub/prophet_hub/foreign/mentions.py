"""Names in texts that would call people: muted on their way out, and as they were on their way in."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["heard", "muted"]

_CALLS: Final = re.compile(r"(?P<address>\w://[^\s@]*/)?(?<![\w@])@(?=\w)")
_MUTED: Final = "@\u2060"  # a word joiner: seen by nobody, and no tracker takes it for a login


def muted(text: str) -> str:
    """Returns a text that calls nobody; a sign in an address is a part of that."""
    return _CALLS.sub(lambda found: found[0] if found["address"] else _MUTED, text)


def heard(text: str) -> str:
    """Returns a text as it was before it was muted."""
    return text.replace(_MUTED, "@")
