"""A JSON body in which a file stands as base64, written as it is sent, of a length known before."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from prophet_hub.errors import Rejected

__all__ = ["InBase64"]

CHUNK = 48 << 10
"""Bytes that are encoded at a time; a multiple of three, so that the pieces fit together."""


class InBase64:
    """Iterates over its bytes, anew each time; `len` is the Content-Length.

    Args:
        build: Returns what the body says around a text, which is where the file goes.
        size: In bytes; `content` yields exactly so many.
        content: Opens the bytes; called once per attempt.
    """

    def __init__(
        self, build: Callable[[str], Any], *, size: int, content: Callable[[], Iterator[bytes]]
    ) -> None:
        place = secrets.token_hex(16)
        before, _, after = json.dumps(build(place)).partition(place)
        self._before, self._after = before.encode(), after.encode()
        self._size = size
        self._content = content

    def __len__(self) -> int:
        return len(self._before) + (self._size + 2) // 3 * 4 + len(self._after)

    def __iter__(self) -> Iterator[bytes]:
        """Yields the body.

        Raises:
            Rejected: The file is not of the size announced.
        """
        yield self._before
        kept, left = b"", self._size
        for piece in self._content():
            kept += piece
            left -= len(piece)
            if left < 0:
                break
            whole = len(kept) // CHUNK * CHUNK
            if whole:
                yield base64.b64encode(kept[:whole])
                kept = kept[whole:]
        if left:
            raise Rejected(f"A file is not of the {self._size} bytes announced.")
        yield base64.b64encode(kept)
        yield self._after
