"""Where a published replica lies: files under one address, whatever the transport.

Names are relative, with `/` between their parts.  A place promises little, so that any transport can
keep it: a file is written whole or not at all as far as the transport allows, and whoever reads
believes nothing without its hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from prophet_hub.errors import Busy, HubError

__all__ = ["Absent", "Held", "Place", "Unreachable"]


class Unreachable(HubError):
    """The address cannot be reached, or failed for a moment; what arrived so far is kept."""


class Absent(HubError):
    """There is no file of this name at the place."""


class Held(Busy):
    """Another replica is writing to the place; `holder` names it."""


class Place(Protocol):
    """Files at one address.  Every method may raise `Unreachable`.

    Attributes:
        url: The address as people wrote it, without any password.
        writable: Whether the transport can write at all; plain HTTP cannot.
    """

    url: str
    writable: bool

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        """Returns a file's bytes from `start` on.

        Raises:
            Absent: There is no such file.
            Invalid: More than `limit` bytes follow; they were not taken in.
        """

    def pieces(self, name: str, start: int = 0) -> Iterator[bytes]:
        """Yields a file's bytes from `start` on; a cut connection is resumed where it broke.

        Raises:
            Absent: There is no such file.
        """

    def has(self, name: str) -> bool:
        """Tells whether there is such a file."""

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Writes a file over what stands there; a cut leaves the old one, or none.

        Raises:
            HubError: The place cannot be written, or is full.
        """

    def names(self, folder: str = "") -> Iterator[str]:
        """Yields the names of all files below a folder; nothing where there is no such folder."""

    def remove(self, name: str) -> None:
        """Removes a file; nothing happens where there is none."""

    def lock(self, holder: str) -> AbstractContextManager[None]:
        """Keeps other writers out as long as it is held; what a dead one left is taken over.

        Raises:
            Held: Another one writes.
        """

    def close(self) -> None:
        """Gives back connections; the second time does nothing."""
