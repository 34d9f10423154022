"""What a pull has seen of each task, in a few bytes: exact, and of no clock.

Times would miss an import of old tasks, and what changed twice within a second.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from prophet_connectors._taskwarrior_program import Task
from prophet_connectors._taskwarrior_words import digest, status_of

__all__ = ["TasksCursor"]

SHORT: Final = 6
"""Bytes per task: of ten thousand tasks, one edit in 10^10 would look like another task."""

FORM: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksCursor:
    """The tasks at one moment.

    Attributes:
        seen: A digest of each.
        shorts: uuid -> digest, of a moment that was looked at and not read from a text.
    """

    seen: frozenset[bytes] = frozenset()
    shorts: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def at(cls, tasks: Iterable[Task], now: datetime) -> TasksCursor:
        """Returns the tasks as they are."""
        shorts = {task["uuid"]: _short(task, now) for task in tasks}
        return cls(seen=frozenset(shorts.values()), shorts=shorts)

    @classmethod
    def of(cls, text: str) -> TasksCursor:
        """Returns the cursor that a text says; one that has seen nothing if it says none."""
        form, _, said = text.partition(".")
        try:
            raw = base64.b64decode(said, validate=True) if form == FORM else b""
        except ValueError:
            raw = b""
        return cls(seen=frozenset(raw[n : n + SHORT] for n in range(0, len(raw), SHORT)))

    def __str__(self) -> str:
        return f"{FORM}.{base64.b64encode(b''.join(sorted(self.seen))).decode()}"


def _short(task: Task, now: datetime) -> bytes:
    """Returns a few bytes that change with a task, and when it does not wait any longer."""
    state = f"{digest(task)} {status_of(task, now)}"
    return hashlib.sha256(state.encode()).digest()[:SHORT]
