"""A connector `memory` for job files: its url names a tracker in this process."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field

from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import RemoteSettings
from prophet_hub.testing.memory import NOWHERE, MemoryConnector, MemorySettings
from prophet_hub.testing.tracker import Tracker

TRACKERS: dict[str, Tracker] = {}
BOUNDARIES: dict[str, object] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(RemoteSettings):
    user: str = field(default="hub", metadata={"help": "Whose account is used."})
    password: str = field(
        default="correct horse", metadata={"secret": True, "help": "Its password."}
    )
    pages: int = field(default=1, metadata={"help": "A number."})
    strict: bool = field(default=False, metadata={"help": "A truth."})
    words: tuple[str, ...] = ()
    table: dict[str, str] = field(default_factory=dict)


class Remembered(MemoryConnector):
    """A tracker of this process."""

    Settings = Settings

    def __init__(self, settings, context=None):
        name = settings.url.removeprefix("memory://")
        tracker = TRACKERS.get(name)
        super().__init__(
            MemorySettings(
                tracker=tracker or Tracker(),
                url="" if tracker else NOWHERE,
                user=settings.user,
                password=settings.password,
                query=settings.query,
            ),
            context,
        )
        self.boundary = BOUNDARIES.get(name, self.boundary)


@hookimpl
def prophet_connector():
    return Remembered


@contextmanager
def registered(folder):
    """Makes the connector findable by metadata inside the block."""
    about = folder / "memory_tracker-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-tracker\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[prophet_hub.connectors]\nmemory = jobs.memory\n")
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        TRACKERS.clear()
        BOUNDARIES.clear()
