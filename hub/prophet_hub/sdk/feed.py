"""A cursor on a feed of numbered changes: exact, and of no clock.

A number that was taken early may become visible late (a database transaction still open, a
replica), so a window behind the newest is looked at again for the numbers that were missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

__all__ = ["WINDOW", "FeedCursor"]

WINDOW: Final = 50
"""How many numbers before the newest are looked at again."""


@dataclass(frozen=True, slots=True)
class FeedCursor:
    """Up to which change all is told, but for `gaps`, which were not visible at that time.

    Attributes:
        seen: The newest change that was seen.
        listed: The last item of a first listing under way, None after it.
    """

    seen: int = 0
    gaps: frozenset[int] = frozenset()
    listed: int | None = None

    def __str__(self) -> str:
        listed = "" if self.listed is None else self.listed
        return f"{self.seen}:{listed}:{','.join(map(str, sorted(self.gaps)))}"

    @classmethod
    def of(cls, text: str) -> FeedCursor | None:
        """Returns the cursor that the text says, None if it says none: everything is told anew."""
        found = re.fullmatch(r"(\d+):(\d*):([\d,]*)", text)
        if not found:
            return None
        gaps = frozenset(map(int, filter(None, found[3].split(","))))
        return cls(int(found[1]), gaps, int(found[2]) if found[2] else None)

    @property
    def known(self) -> frozenset[int]:
        """The changes in the window that were seen."""
        return frozenset(_window(self.seen)) - self.gaps

    def after(self, visible: Collection[int], seen: int) -> FeedCursor:
        """Returns the cursor at `seen`, once these changes and no others in its window were seen."""
        return FeedCursor(seen, frozenset(_window(seen)) - frozenset(visible), self.listed)


def _window(seen: int) -> range:
    return range(max(seen - WINDOW, 0) + 1, seen + 1)
