"""Trackers in which a closed status says nothing without its resolution: both as one word.

`RESOLVED` and `WONTFIX` are two fields of one fact: apart, a rejected ticket would pass for a solved
one elsewhere.  The connector tells them as one word, `RESOLVED WONTFIX`, which the field table maps.
"""

from __future__ import annotations

from collections.abc import Iterable

from prophet_hub.sdk.messages import FieldChange, SetChange

__all__ = ["joined", "joined_changes", "parted"]

Changes = Iterable[FieldChange | SetChange]


def joined(status: str | None, resolution: str | None) -> str | None:
    """Returns status and resolution as one word; an open status has none."""
    return f"{status} {resolution}" if status and resolution else status or None


def parted(word: str, statuses: Iterable[str]) -> tuple[str, str]:
    """Returns status and resolution of a word, the resolution "" where it has none.

    Args:
        word: As `joined` makes it.
        statuses: Those that there are, or those with a resolution: both may be of several words,
            and only these tell where one ends.
    """
    fits = [status for status in statuses if f"{word} ".startswith(f"{status} ")]
    status = max(fits, key=len, default=word)
    return status, word[len(status) + 1 :]


def joined_changes(
    changes: Changes, *, status: str, resolution: str, now: tuple[str | None, str | None]
) -> tuple[tuple[FieldChange | SetChange, ...], tuple[str | None, str | None]]:
    """Returns an event's changes with those of the two fields told as one of the field `status`.

    Args:
        changes: Of one event.
        status: The tracker's name of the one field.
        resolution: And of the other.
        now: Both as they were right after the event; so events are walked from the last to the
            first, beginning with what the ticket shows.

    Returns:
        The changes, and both values as they were right before the event.
    """
    rest: list[FieldChange | SetChange] = []
    before = {status: now[0], resolution: now[1]}
    for change in changes:
        if isinstance(change, FieldChange) and change.field in before:
            before[change.field] = change.old or None
        else:
            rest.append(change)
    then = before[status], before[resolution]
    if joined(*then) != joined(*now):
        rest.append(FieldChange(field=status, old=joined(*then), new=joined(*now)))
    return tuple(rest), then
