"""What must not reach an audience wider than its own, counted before anything is published."""

from __future__ import annotations

from collections import Counter
from typing import Final

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.rows import decode_heads
from prophet_hub.errors import UsageError

__all__ = ["kept_back", "private"]

_PROPERTY: Final = "private"
_PUBLIC: Final = frozenset({"no", None})
_SILENT: Final = frozenset({"comment", "attachment"})
"""Of these, one that says nothing is private, as towards trackers."""


def private(replica: Replica, after: int = 0) -> dict[str, int]:
    """Returns how many records of each type are private, or may be, of those that changed after a
    local number; the deleted count too, for they stand in the log.
    """
    found: Counter[str] = Counter()
    for kind, data in replica.store.derived.spoken(_PROPERTY, after):
        heads = decode_heads(data) if data is not None else ()
        said = {head.value for head in heads}
        if said - _PUBLIC or (kind in _SILENT and said <= {None}):
            found[kind] += 1
    return dict(found)


def kept_back(found: dict[str, int], where: str) -> UsageError:
    """Returns the error that keeps a database with private records from being published."""
    said = ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in sorted(found.items())
    )
    return UsageError(
        f"This database holds what is private or may be ({said}); whoever reads {where} would read "
        "it.",
        hint="If all of them may, say --with-private; it is asked once for each place.",
    )
