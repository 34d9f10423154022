"""Where a remote stands: connector, address and part.  Two names of one place are one tracker.

People write one address in many ways: with another case, a slash at the end, a port that goes without
saying, before and after the server learned https.  None of these is another tracker.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from prophet_hub import plugins
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.natives import is_native

__all__ = ["Place", "names_at", "place_of"]

_HTTP: Final = {"http": "", "https": ""}
_PORTS: Final = (None, 80, 443)
_HERE: Final = ("localhost", "127.", "::1")

_encode = msgspec.msgpack.Encoder().encode


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A connector and an address as the job file tells it.

    Attributes:
        part: What of the server is a tracker of its own, "" for the whole of it.
    """

    connector: str
    url: str
    part: str = ""

    def is_at(self, other: Place) -> bool:
        """Tells whether two are one; what has no address is at no other's."""
        return bool(self.url) and self._one == other._one

    @property
    def travels(self) -> bool:
        """Whether the address means the same on another machine."""
        return "://" in self.url and not _host(self.url).startswith(_HERE)

    def digests(self) -> tuple[str, ...]:
        """Returns by what other hubs know it: what is told now, and what was told before."""
        said = self.url.rstrip("/")
        old = _hash((self.connector, said))
        return (_hash(self._one), old) if self.travels else (old,)

    def within(self, folder: Path) -> Place:
        """Returns it with a path counted from a folder."""
        if "://" in self.url or not self.url:
            return self
        path = (folder.absolute() / Path(self.url).expanduser()).resolve()
        return msgspec.structs.replace(self, url=str(path))

    @property
    def _one(self) -> tuple[str, str, str]:
        return self.connector, _address(self.url), self.part


def place_of(file: JobFile, remote: str) -> Place:
    """Returns where a remote of the job file stands.

    Raises:
        UsageError: Its connector cannot be loaded.
    """
    said = file.config.remotes[remote]
    told = said.model_extra or {}
    settings = dataclasses.fields(plugins.connector(said.connector).Settings)
    parts = [str(told.get(one.name, "")) for one in settings if one.metadata.get("part")]
    return Place(said.connector, said.url.rstrip("/"), "/".join([said.part, *parts]).strip("/"))


def names_at(file: JobFile, remote: str) -> Iterator[str]:
    """Yields the remotes of the job file that stand where one does, itself among them."""
    folder, connector = file.path.parent, file.config.remotes[remote].connector
    place = place_of(file, remote).within(folder)
    for name, said in file.config.remotes.items():
        if name == remote or (
            said.connector == connector
            and not is_native(file, name)
            and place_of(file, name).within(folder).is_at(place)
        ):
            yield name


def _address(url: str) -> str:
    """Returns the one form of all addresses that mean the same server."""
    try:
        told = urlsplit(url)
        port = told.port
    except ValueError:
        return url.rstrip("/")
    if not told.netloc:
        return url.rstrip("/")
    host = _host(url)
    host = "localhost" if host.startswith(_HERE) else host
    number = "" if port in _PORTS else f":{port}"
    query = f"?{told.query}" if told.query else ""
    return f"{_HTTP.get(told.scheme, told.scheme)}//{host}{number}{told.path.rstrip('/')}{query}"


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")


def _hash(parts: tuple[str, ...]) -> str:
    return hashlib.sha256(_encode(parts)).hexdigest()[:32]
