"""Pages of Redmine's lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from prophet_hub.errors import Garbled
from prophet_hub.sdk.answers import Answer

__all__ = ["PAGE", "Page", "Thing", "things_in"]

PAGE: Final = 100
"""The most that a list shows at once, whatever is asked for."""

Thing = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list.

    Attributes:
        total: How many there are on all pages.
        limit: How many a page has at most.
        answer: What it came in, for the headers.
    """

    things: list[Thing]
    total: int
    limit: int
    answer: Answer

    @property
    def full(self) -> bool:
        """Whether there may be another one."""
        return len(self.things) >= self.limit


def things_in(data: Mapping[str, Any], name: str, remote: str) -> list[Thing]:
    """Returns what an answer lists under a name.

    Raises:
        Garbled: It lists nothing there.
    """
    found = data.get(name)
    if not isinstance(found, list):
        raise Garbled(f"{remote} sent a page without {name}.")
    return found
