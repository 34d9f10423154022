"""The steps of an old replica: where it met a conflict, up to three changesets are one step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from prophet_hub.interop._v1_format import Changeset, Refused

__all__ = ["Group", "groups"]


class Group(NamedTuple):
    """One step of an old replica: a changeset, and what it cost where it was in conflict.

    Attributes:
        aside: The nullification that put values aside so that `main` applies.
        decided: The resolution that followed.
    """

    aside: Changeset | None
    main: Changeset
    decided: Changeset | None

    @property
    def all(self) -> list[Changeset]:
        """The changesets of the step, in order."""
        return [one for one in self if one is not None]


def groups(changesets: Iterable[Changeset | Refused]) -> Iterator[Group | Refused]:
    """Yields a replica's changesets by the steps in which they came."""
    waiting: list[Changeset] = []
    for one in changesets:
        goes_on = isinstance(one, Changeset) and _continues(waiting, one)
        if not goes_on:
            yield from _step(waiting)
            waiting = []
        if isinstance(one, Refused):
            yield one
        else:
            waiting.append(one)
    yield from _step(waiting)


def _continues(waiting: Sequence[Changeset], one: Changeset) -> bool:
    """Tells whether a changeset belongs to the step that a nullification began."""
    if not waiting or not waiting[0].nullification or one.nullification:
        return False
    return len(waiting) == 1 or (len(waiting) == 2 and one.resolution)  # noqa: PLR2004 - aside, main


def _step(waiting: Sequence[Changeset]) -> Iterator[Group]:
    if len(waiting) == 1:
        yield Group(None, waiting[0], None)
    elif waiting:
        yield Group(waiting[0], waiting[1], waiting[2] if waiting[2:] else None)
