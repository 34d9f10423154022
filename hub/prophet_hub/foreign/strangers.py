"""Persons whom a tracker does not know: said once in the inbox, whatever names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from prophet_hub.foreign.rows import WHOLE
from prophet_hub.foreign.side import Side

__all__ = ["PERSON", "known_now", "strangers"]

PERSON: Final = "person"
"""The kind of an inbox row that is about a person."""

_WHY: Final = (
    "Nobody here is known by this name, so {field} is not written; name them in the people file."
)


def strangers(
    side: Side, found: Mapping[str, str], later: Callable[[Callable[[], None]], None]
) -> None:
    """Notes persons that a field should name and that the tracker does not know; once for each."""
    for word, field in found.items():
        if (PERSON, word) not in side.waiting:
            side.waiting.add((PERSON, word))
            why = _WHY.format(field=field)
            wait = partial(side.ledger.wait, PERSON, word, WHOLE, why, field=field)
            later(partial(wait, now=side.now()))


def known_now(side: Side, later: Callable[[Callable[[], None]], None]) -> None:
    """Takes out of the inbox whom the tracker, or the people file, knows by now."""
    for kind, word, name, _ in side.ledger.all_waiting(PERSON):
        if side.people.person(word) is not None:
            side.waiting.discard((kind, word))
            later(partial(side.ledger.done_waiting, kind, word, name))
