"""A place in this process that counts what is asked of it and fails where a test says."""

from __future__ import annotations

import contextlib

from prophet_hub.errors import Invalid
from prophet_hub.peers.place import Absent, Held, Unreachable


class Shelf:
    """Files in a dictionary.

    Attributes:
        asked: (verb, name) of every request.
        fails_at: The number of the request that fails, from 1; 0 for none.
        torn: Whether a write that fails leaves half a file under its name.
    """

    url = "memory://shelf"
    writable = True

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files if files is not None else {}
        self.asked: list[tuple[str, str]] = []
        self.bytes_read = self.fails_at = 0
        self.torn = False
        self.locked = ""

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        data = b"".join(self.pieces(name, start))
        if len(data) > limit:
            raise Invalid(f"{name} is longer than {limit}.")
        return data

    def pieces(self, name: str, start: int = 0):
        self._ask("read", name)
        if name not in self.files:
            raise Absent(f"No {name}.")
        data = self.files[name][start:]
        self.bytes_read += len(data)
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]

    def has(self, name: str) -> bool:
        self._ask("has", name)
        return name in self.files

    def write(self, name: str, pieces) -> None:
        data = b"".join(pieces)
        try:
            self._ask("write", name)
        except Unreachable:
            if self.torn and name != "prophet-hub.json":
                self.files[f"{name}.torn"] = data[: len(data) // 2]
            raise
        self.files[name] = data

    def names(self, folder: str = ""):
        self._ask("names", folder)
        yield from sorted(n for n in self.files if not folder or n.startswith(f"{folder}/"))

    def remove(self, name: str) -> None:
        self._ask("remove", name)
        self.files.pop(name, None)

    @contextlib.contextmanager
    def lock(self, holder: str):
        self._ask("lock", holder)
        if self.locked:
            raise Held("Somebody writes.", holder=self.locked)
        self.locked = holder
        try:
            yield
        finally:
            self.locked = ""

    def close(self) -> None:
        pass

    def _ask(self, verb: str, name: str) -> None:
        self.asked.append((verb, name))
        if self.fails_at and len(self.asked) >= self.fails_at:
            raise Unreachable("The line was cut.")
