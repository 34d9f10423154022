"""Bodies that are read as they are sent, of a length known before.

They are multipart/form-data (RFC 7578), or bare files.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prophet_hub.errors import Rejected

__all__ = ["Bare", "FilePart", "Multipart", "TextPart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A field of the form."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file of the form.

    Attributes:
        size: In bytes; `content` yields exactly so many.
        content: Opens the bytes; called once per attempt.
    """

    name: str
    filename: str
    content_type: str
    size: int
    content: Callable[[], Iterator[bytes]]


class Multipart:
    """A form that iterates over its bytes, anew each time; `len` is the Content-Length."""

    def __init__(self, parts: Sequence[TextPart | FilePart]) -> None:
        self._boundary = f"prophet-{uuid.uuid4().hex}"
        self._parts = [(self._head(part), part) for part in parts]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        """What to send as Content-Type."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return sum(len(h) + _size(p) + 2 for h, p in self._parts) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        for head, part in self._parts:
            yield head
            if isinstance(part, TextPart):
                yield part.text.encode()
            else:
                yield from _exactly(part)
            yield b"\r\n"
        yield self._end

    def _head(self, part: TextPart | FilePart) -> bytes:
        lines = [f"--{self._boundary}", f'Content-Disposition: form-data; name="{part.name}"']
        if isinstance(part, FilePart):
            lines[1] += f'; filename="{_quoted(part.filename)}"'
            lines.append(f"Content-Type: {_one_line(part.content_type)}")
        return "\r\n".join([*lines, "", ""]).encode()


class Bare:
    """A file that is the whole body of a request; `len` is the Content-Length."""

    def __init__(self, part: FilePart) -> None:
        self._part = part

    def __len__(self) -> int:
        return self._part.size

    def __iter__(self) -> Iterator[bytes]:
        yield from _exactly(self._part)


def _size(part: TextPart | FilePart) -> int:
    return len(part.text.encode()) if isinstance(part, TextPart) else part.size


def _exactly(part: FilePart) -> Iterator[bytes]:
    """Yields the content; a file that changed its length would break the form around it."""
    left = part.size
    for piece in part.content():
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise Rejected(f"The file {part.filename} is not of the {part.size} bytes announced.")


def _quoted(name: str) -> str:
    """Returns a file name as browsers write it (WHATWG, multipart/form-data encoding)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _one_line(text: str) -> str:
    return "".join(c for c in text if c.isprintable()) or "application/octet-stream"
