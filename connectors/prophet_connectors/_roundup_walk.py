"""What changed: one listing of issues by their last change.

Roundup reads the times of a question in the zone of the account, and a time with a zone not at all,
but tells all times in UTC.  So it is asked from half a day further back, which is right in every
zone, and what is too old is passed over here.  Its pages are no help: a page costs it the whole
listing, and they shift while issues move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from prophet_connectors._roundup_api import Api, Row, instant_of
from prophet_hub.errors import Garbled, Rejected
from prophet_hub.sdk import Checkpoint, Pull, Ref
from prophet_hub.sdk.since import Listed, SinceCursor

__all__ = ["Walker"]

ZONES: Final = timedelta(hours=13)
"""West of Greenwich there are twelve hours, and a summer's."""

STOP: Final = 500
"""Issues between two checkpoints."""


class Walker:
    """Tells what changed; `alive` holds what the last pull listed and nobody read yet."""

    def __init__(self, api: Api, *, query: str, overlap: timedelta) -> None:
        self._api = api
        self._query = query
        self._overlap = overlap
        self.alive: set[str] = set()

    def told(self, pull: Pull) -> Iterator[Ref | Checkpoint]:
        self.alive.clear()
        query = self._terms(pull.query or self._query)
        start = SinceCursor.of(pull.since)
        first = start.at is None
        rows, clock = self.rows(start, query if first else [])
        items = [Listed(str(row["id"]), instant_of(row["activity"])) for row in rows]
        news = self._news(items, start)
        wanted = {item.id for item in news}
        if query and news and not first:
            matching = {str(row["id"]) for row in self.rows(start, query)[0]}
            wanted = {n for n in wanted if n in matching or (pull.known and pull.known(n))}
        for n, item in enumerate(news, 1):
            if item.id in wanted:
                self.alive.add(item.id)
                yield self._api.ref(item.id)
            if n % STOP == 0:
                yield self._stop(start, news[:n], clock, len(wanted))
        yield self._stop(start, items, clock, len(wanted))

    def everything(self, query: str, names: Iterable[str]) -> list[Row]:
        """Returns all issues that a query matches, with these properties by their labels."""
        shown = ("@fields", ",".join(["activity", *names])), ("@verbose", "2")
        return self.rows(SinceCursor(), self._terms(query or self._query), shown)[0]

    def rows(
        self,
        since: SinceCursor,
        query: list[tuple[str, str]],
        shown: Iterable[tuple[str, str]] = (("@fields", "activity"),),
    ) -> tuple[list[Row], datetime | None]:
        """Returns what changed since then, the oldest change first, and the clock at the beginning.

        An administrator may bound the rows of an answer; then the last one leads on.
        """
        at = since.asks_from(self._overlap)
        found: dict[str, Row] = {}
        begun: datetime | None = None
        while True:
            params = [*query, ("@sort", "activity,id"), *shown]
            if at:
                params.append(("activity", f"{at - ZONES:%Y-%m-%d.%H:%M:%S};"))
            rows, clock, more = self._api.listing("issue", params)
            begun = begun or clock
            for row in rows:
                found.pop(str(row["id"]), None)
                found[str(row["id"])] = row
            if not more or not rows:
                return list(found.values()), begun
            last = instant_of(rows[-1]["activity"])
            if at and last <= at:
                raise Garbled(
                    f"{self._api.remote} tells no more than {len(rows)} changes at once.",
                    hint="Let its administrator raise max_response_row_size.",
                )
            at = last

    def _news(self, items: list[Listed], since: SinceCursor) -> list[Listed]:
        least = since.asks_from(self._overlap)
        return [i for i in items if (not least or i.updated >= least) and since.fresh(i)]

    def _stop(
        self, since: SinceCursor, items: list[Listed], clock: datetime | None, total: int
    ) -> Checkpoint:
        cursor = since.after(items, clock=clock, overlap=self._overlap)
        return Checkpoint(cursor=str(cursor), total=total)

    def _terms(self, query: str) -> list[tuple[str, str]]:
        """Returns the terms of a query, which is what stands behind `issue?` in the browser."""
        terms = parse_qsl(query.removeprefix("issue?").lstrip("?"))
        kept = [(name, value) for name, value in terms if name[0] not in ":@"]
        if any(name.startswith("activity") for name, _ in kept):
            raise Rejected(
                f"The query of {self._api.remote} may not name `activity`: the hub asks by it.",
                hint="Take it out of `query`.",
            )
        return kept
