"""Words that stand for others, and the seal that lets nothing else out of the house.

What may leave as it is has the type `Safe`, and only a few functions make one: a pseudonym, a word
of a closed list, a form that holds no word.  Whatever else stands in data that is to be sent is left
out, so that a field that somebody adds later is not told until somebody says that it may be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from prophet_hub.values import from_micros, instant_text

__all__ = ["Pseudonyms", "Safe", "among", "formed", "moment", "sealed"]

_LEFT_OUT: Final = "(left out)"
_SCHEMES: Final = frozenset({"http", "https", "file", "ssh", "sftp", "s3", "memory"})


class Safe(str):
    """A word that may be told to strangers."""

    __slots__ = ()


class Pseudonyms:
    """Stand-ins: the same thing is the same word, for as long as this object lives."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Safe] = {}
        self._counts: Counter[str] = Counter()

    def word(self, kind: str, value: object) -> Safe:
        """Returns the word for a thing: `remote-1`; "" for nothing.

        Args:
            kind: What sort of thing it is; a word of the program's own.
            value: The thing.
        """
        said = str(value)
        if not said:
            return Safe("")
        if (kind, said) not in self._known:
            self._counts[kind] += 1
            self._known[kind, said] = Safe(f"{kind}-{self._counts[kind]}")
        return self._known[kind, said]

    def address(self, value: str) -> Safe:
        """Returns an URL's form: `https://host-1.example:8080/path-2`; of a path a word alone."""
        try:
            parts = urlsplit(value.strip())
            port = parts.port
        except ValueError:
            return self.word("address", value)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            return self.word("path", value)
        host = f"{self.word('host', parts.hostname)}.example"
        path = f"/{self.word('path', parts.path)}" if parts.path.strip("/") else parts.path
        return Safe(f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}")


def among(value: object, words: Collection[str]) -> Safe | None:
    """Returns a word of a closed list as it is, None for any other."""
    return Safe(value) if isinstance(value, str) and value in words else None


def formed(value: object, pattern: str) -> Safe | None:
    """Returns what has wholly the form that a pattern tells, None for anything else."""
    return Safe(value) if isinstance(value, str) and re.fullmatch(pattern, value) else None


def moment(micros: int) -> Safe | None:
    """Returns a time, None for 0, which stands for never."""
    return Safe(instant_text(from_micros(micros))) if micros else None


def sealed(data: object, keys: Collection[str]) -> Any:
    """Returns data in which only numbers, truths, safe words and known keys are left.

    Args:
        data: Mappings, lists and what stands in them.
        keys: The keys that may be told besides safe words.
    """
    if isinstance(data, Mapping):
        return {
            str(key) if isinstance(key, Safe) or key in keys else _LEFT_OUT: sealed(value, keys)
            for key, value in data.items()
        }
    if isinstance(data, (list, tuple)):
        return [sealed(one, keys) for one in data]
    if data is None or isinstance(data, (bool, int, float)):
        return data
    return str(data) if isinstance(data, Safe) else _LEFT_OUT
