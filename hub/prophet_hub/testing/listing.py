"""The listing in pages of a tracker in memory: each ticket in one line, by number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from prophet_hub.sdk import ListedTicket, Ref, Ticket
from prophet_hub.testing.items import Item, instant
from prophet_hub.testing.tracker import Tracker

__all__ = ["matches", "page_of"]


def page_of(
    tracker: Tracker, beyond: int, query: str, told: Collection[str]
) -> tuple[list[ListedTicket | Ticket], int | None]:
    """Returns the lines of the tickets beyond a number, as many as fit on a page, and the number
    beyond which the next page begins, None if there is none.

    Where listings carry whole tickets, these stand in the place of lines.
    """
    wanted = dict(term.partition("=")[::2] for term in query.split())
    there = (item for _, item in tracker.listing() if item.number > beyond and not item.gone)
    fitting = sorted((i for i in there if matches(i.fields, wanted)), key=lambda i: i.number)
    page = fitting[: tracker.knobs.page]
    more = page[-1].number if len(page) < len(fitting) else None
    return [_line(tracker, item, told) for item in page], more


def _line(tracker: Tracker, item: Item, told: Collection[str]) -> ListedTicket | Ticket:
    if tracker.knobs.inline:
        whole = tracker.ticket(item.id)
        if isinstance(whole, Ticket):
            return whole
    return ListedTicket(
        ref=Ref(id=item.id),
        told=frozenset(told),
        fields={name: value for name, value in item.fields.items() if name in told},
        updated=instant(item.updated),
        attachments=frozenset(file.id for file in item.attachments),
    )


def matches(fields: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Tells whether a ticket's fields hold all that is wanted."""
    for name, value in wanted.items():
        held = fields.get(name)
        if held != value and not (isinstance(held, frozenset) and value in held):
            return False
    return True
