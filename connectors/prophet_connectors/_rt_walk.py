"""The walk through RT's transactions by number: exact, in order, and of no time zone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from prophet_connectors._rt_asking import PAGE, Asker, quoted
from prophet_connectors._rt_fields import DATES, MINUTES, SKIPPED
from prophet_connectors._rt_story import fields_of, instant
from prophet_hub.sdk import Checkpoint, ListedTicket, Pull, Ref
from prophet_hub.sdk.feed import WINDOW, FeedCursor

__all__ = ["Walker"]

WALK: Final = " AND ".join(
    ["ObjectType = 'RT::Ticket'", *(f"Type != '{kind}'" for kind in SKIPPED)]
)

LISTED: Final = frozenset({"Subject", "Status", "Priority", "Queue", "Owner", *DATES, *MINUTES})
SHOWN: Final = ("LastUpdated", *sorted(LISTED))
"""What a search can show: it knows neither roles nor links, and custom fields never."""


class Walker:
    """Tells what changed: first the tickets by number, later whatever transactions were written.

    `query` holds where a pull has none of its own; `queue` narrows both.
    """

    def __init__(self, ask: Asker, *, query: str, queue: str) -> None:
        self._ask = ask
        self._everything = query
        self._queue = queue

    def told(self, pull: Pull) -> Iterator[Ref | Checkpoint]:
        """Yields refs and checkpoints from the cursor on; without one from the beginning."""
        cursor = FeedCursor.of(pull.since)
        if cursor is None or cursor.listed is not None:
            yield from self._first(pull, cursor)
        else:
            yield from self._later(pull, cursor)

    def _first(self, pull: Pull, cursor: FeedCursor | None) -> Iterator[Ref | Checkpoint]:
        """Lists all tickets by rising number; what happens meanwhile is for the next pull."""
        if cursor is None:
            page = self._ask.page("transactions", query=WALK, orderby="id", order="DESC",
                              per_page=WINDOW, fields="Type")  # fmt: skip
            ids = {int(row["id"]) for row in page["items"]}
            if len(ids) == page.get("per_page"):  # what lies further back is no gap
                ids |= set(range(max(min(ids) - WINDOW, 0), min(ids)))
            cursor = FeedCursor(listed=0).after(ids, max(ids, default=0))
        total = None
        while True:
            listed = cursor.listed or 0
            query = f"{self._query(pull)} AND id > {listed}"
            page = self._ask.page("tickets", query=query, orderby="id")
            items = page["items"]
            total = page.get("total") if total is None else total
            last = max((int(item["id"]) for item in items), default=listed + 1)
            if last <= listed:
                raise self._ask.circle()
            yield from (Ref(id=str(item["id"])) for item in items)
            if not items or (page.get("total") is not None and page["total"] <= len(items)):
                break
            cursor = replace(cursor, listed=last)
            yield Checkpoint(cursor=str(cursor), total=total)
        yield Checkpoint(cursor=str(replace(cursor, listed=None)), total=total)

    def everything(self, pull: Pull) -> Iterator[ListedTicket]:
        """Yields all that the query matches, by number, as a search shows it."""
        last = 0
        while True:
            query = f"{self._query(pull)} AND id > {last}"
            page = self._ask.page("tickets", query=query, orderby="id", fields=",".join(SHOWN))
            items = page["items"]
            if items and int(items[-1]["id"]) <= last:
                raise self._ask.circle()
            yield from map(self._line, items)
            if not items or (page.get("total") is not None and page["total"] <= len(items)):
                return
            last = int(items[-1]["id"])

    def _line(self, item: Mapping[str, Any]) -> ListedTicket:
        fields = fields_of(item, self._ask.names)
        return ListedTicket(
            ref=Ref(id=str(item["id"])),
            told=LISTED,
            fields={name: value for name, value in fields.items() if name in LISTED},
            updated=instant(item["LastUpdated"]),
        )

    def _later(self, pull: Pull, cursor: FeedCursor) -> Iterator[Ref | Checkpoint]:
        """Walks the transactions after the cursor, and those before it that were not there yet."""
        at = max(cursor.seen - WINDOW, 0)
        known = set(cursor.known)
        while True:
            page = self._ask.page("transactions", query=f"{WALK} AND id > {at}", orderby="id",
                              fields="Type,Field,NewValue,ObjectId")  # fmt: skip
            rows = page["items"]
            if max((int(row["id"]) for row in rows), default=at + 1) <= at:
                raise self._ask.circle()
            yield from self._refs([row for row in rows if int(row["id"]) not in known], pull)
            known.update(int(row["id"]) for row in rows)
            at = max((int(row["id"]) for row in rows), default=at)
            cursor = cursor.after(known, max(cursor.seen, at))
            yield Checkpoint(cursor=str(cursor))
            if not rows or (page.get("total") is not None and page["total"] <= len(rows)):
                return

    def _refs(self, rows: Sequence[Mapping[str, Any]], pull: Pull) -> Iterator[Ref]:
        """Yields the tickets of the rows that the query matches or matched, and those that ended.

        Each once, where its last change stands.
        """
        ids = [*dict.fromkeys(str(row["ObjectId"]) for row in reversed(rows))][::-1]
        wanted = {str(row["ObjectId"]) for row in rows if _ends(row)}
        if pull.known:
            wanted |= {number for number in ids if pull.known(number)}
        asked = [number for number in ids if number not in wanted]
        for start in range(0, len(asked), PAGE):
            either = " OR ".join(f"id = {number}" for number in asked[start : start + PAGE])
            query = f"{self._query(pull)} AND ( {either} )"
            wanted |= {str(item["id"]) for item in self._ask.items("tickets", query=query)}
        yield from (Ref(id=number) for number in ids if number in wanted)

    def _query(self, pull: Pull) -> str:
        """Returns the TicketSQL of what is to be told; searches leave out reminders by themselves."""
        terms = [pull.query or self._everything]
        if self._queue:
            terms.append(f"Queue = {quoted(self._queue)}")
        return " AND ".join(f"( {term} )" for term in terms if term) or "id > 0"


def _ends(row: Mapping[str, Any]) -> bool:
    """Tells whether a transaction deleted its ticket, or made it part of another."""
    if row.get("Type") == "Status":
        return row.get("NewValue") == "deleted"
    merged = row.get("Type") == "AddLink" and row.get("Field") == "MergedInto"
    return merged and not str(row.get("NewValue")).endswith(f"/{row['ObjectId']}")
