"""What was mailed and is not shown yet: remembered on disk, so that nothing is mailed twice.

A mail takes minutes, at times hours, and the server makes two bugs of one mail that comes twice.  So a
mail is written down before it goes out, and crossed off when the tracker shows what it was to do.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from prophet_hub.errors import Transient
from prophet_hub.sdk import Ref, Update

__all__ = ["Outbox", "Sent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A mail that went out.

    Attributes:
        id: Its Message-ID.
        at: When, in seconds since 1970.
        bug: Which bug it is for, "" for a new one.
        changes, added, removed: What an update wanted, in the words of `Update`.
        vain: Whether the tracker has it and does not show what it wanted.
    """

    id: str
    at: float
    bug: str = ""
    changes: dict[str, str | None] = field(default_factory=dict)
    added: dict[str, list[str]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)
    vain: bool = False

    @property
    def wanted(self) -> tuple[object, ...]:
        """What makes two updates the same."""
        return self.bug, self.changes, self.added, self.removed

    def update(self) -> Update:
        """Returns the update that it asked for."""
        return Update(
            ref=Ref(id=self.bug),
            changes=self.changes,
            added={name: frozenset(values) for name, values in self.added.items()},
            removed={name: frozenset(values) for name, values in self.removed.items()},
        )


class Outbox:
    """The mails of one remote that are on their way.

    Args:
        folder: Where they are remembered; "" for memory alone.
    """

    def __init__(self, folder: str) -> None:
        self._path = Path(folder) / "debbugs-mails.json" if folder else None
        self._lock = threading.RLock()
        self._sent: dict[str, Sent] | None = None

    def get(self, name: str) -> Sent | None:
        """Returns the mail of that Message-ID."""
        with self._lock:
            return self._known().get(name)

    def alike(self, wanted: Sent) -> Sent | None:
        """Returns the mail that asked for the same."""
        with self._lock:
            return next((s for s in self._known().values() if s.wanted == wanted.wanted), None)

    def of(self, bug: str) -> list[Sent]:
        """Returns the mails for a bug."""
        with self._lock:
            return [sent for sent in self._known().values() if sent.bug == bug]

    def put(self, sent: Sent) -> None:
        """Writes a mail down."""
        self._change(lambda known: known.update({sent.id: sent}))

    def drop(self, name: str) -> None:
        """Crosses a mail off; the second time does nothing."""
        if self.get(name):
            self._change(lambda known: known.pop(name, None))

    def vain(self, sent: Sent) -> None:
        """Notes that the tracker has a mail, and does not show what it wanted."""
        if not sent.vain:
            self.put(replace(sent, vain=True))

    def _change(self, act: Callable[[dict[str, Sent]], object]) -> None:
        with self._lock:
            known = self._known()
            act(known)
            if self._path is None:
                return
            text = json.dumps([asdict(sent) for sent in known.values()], indent=1)
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                part = self._path.with_suffix(".part")
                with part.open("w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(self._path)
            except OSError as error:
                raise Transient(
                    f"{self._path} cannot be written ({error.strerror}).",
                    hint="No mail goes out that could not be remembered.",
                ) from None

    def _known(self) -> dict[str, Sent]:
        if self._sent is None:
            self._sent = {}
            try:
                told = json.loads(self._path.read_text("utf-8")) if self._path else []
                self._sent = {one["id"]: Sent(**one) for one in told}
            except FileNotFoundError:
                pass
            except (OSError, ValueError, TypeError, KeyError):
                self._sent = None
                raise Transient(
                    f"{self._path} cannot be read.",
                    hint="It says which mails are on their way; restore it, or take it away if none is.",
                ) from None
        return self._sent
