"""What all places share: which names they take, and the words for what goes wrong."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from typing import Any, Final

from prophet_hub.errors import HubError, Invalid, UsageError

__all__ = ["TIMEOUT", "TRIES", "checked", "full", "gathered", "needed", "pause"]

TIMEOUT: Final = 30.0
"""Seconds to connect, and between two bytes."""

TRIES: Final = 4
"""How often a read is tried without a byte in between."""

_NAME: Final = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_.+=-]{0,199}(/[A-Za-z0-9_][A-Za-z0-9_.+=-]{0,199}){0,7}"
)


def checked(name: str) -> str:
    """Returns a name below a place; a stranger's index may say `../..`.

    Raises:
        Invalid: It is no relative name of plain letters; hidden files are the place's own.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name[:80]!r} is no name of a published file.")
    return name


def gathered(pieces: Iterable[bytes], name: str, limit: int, url: str) -> bytes:
    """Returns the pieces as one, as long as they stay within the limit.

    Raises:
        Invalid: There are more than `limit` bytes.
    """
    found, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise Invalid(f"{url}/{name} is longer than the {limit:,} bytes allowed.")
        found.append(piece)
    return b"".join(found)


def full(url: str) -> HubError:
    """Returns the error for a place without room."""
    return HubError(f"{url} is full.", hint="Free some space and run again.")


def pause(failed: int) -> float:
    """Returns the seconds to wait after so many failures in a row."""
    return float(min(0.5 * 2 ** (failed - 1), 8.0))


def needed(module: str, extra: str, what: str) -> Any:
    """Imports what a transport, or finding neighbours, needs.

    Raises:
        UsageError: It is not installed; the hint is the command that does.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{what} needs a package that is not installed.",
            hint=f"Run: pip install 'prophet-hub[{extra}]'",
        ) from error
