"""What changed in Bugzilla: the listing by time of the last change, whole tickets with it.

`last_change_time` is asked for inclusively, to the second, and in an order of its own: without
`order` there is none.  Pages go on from the time of the last one, for pages by number shift; a
second in which more happened than a page holds is walked by number of the bug.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from prophet_connectors._bugzilla_api import Api
from prophet_connectors._bugzilla_reading import Reader
from prophet_hub.errors import Garbled, Rejected
from prophet_hub.sdk import Checkpoint, Pull, Ref, Ticket
from prophet_hub.sdk.since import Listed, SinceCursor
from prophet_hub.sdk.times import instant

__all__ = ["Walker"]

Bug = Mapping[str, Any]

BEGINNING: Final = instant("1970-01-02T00:00:00Z")
SECOND: Final = timedelta(seconds=1)
SLACK: Final = timedelta(seconds=5)
"""How far the clocks of web server and database may be apart."""

BRIEF: Final = ("include_fields", "id,last_change_time")
RULES: Final = frozenset({"quicksearch", "order", "limit", "offset", "include_fields", "exclude_fields",
                          "last_change_time", "api_key", "Bugzilla_api_key", "j_top"})  # fmt: skip
"""What a query may not say: it would undo what the walk says."""


class Walker:
    """Tells changes; an idle pull costs two requests, one more with a query."""

    def __init__(
        self, api: Api, reader: Reader, *, query: str, product: str, page: int, overlap: timedelta
    ) -> None:
        self._api = api
        self._reader = reader
        self._query = query
        self._product = product
        self._page = page
        self._overlap = overlap

    def told(self, pull: Pull) -> Iterator[Ref | Ticket | Checkpoint]:
        """Yields tickets, four requests for each page of them, and a checkpoint after each page.

        Those that match the query no longer come last.
        """
        self._api.account()
        terms = self._terms(pull.query or self._query)
        cursor = SinceCursor.of(pull.since)
        # The web server's clock: `db_time` is off by the zone of the server (Bugzilla.time).
        clock = instant(self._api.get("time")["web_time"])
        begin, listed = cursor, list[Listed]()
        for page in self._pages(begin, terms):
            fresh = [bug for bug in page if begin.fresh(_line(bug))]
            yield from self._reader.several(fresh)
            listed += map(_line, page)
            cursor = begin.after(listed, clock=clock, granularity=SLACK, overlap=self._overlap)
            if fresh and not (terms and begin.at):
                yield Checkpoint(cursor=str(cursor))
        if terms and begin.at and pull.known:
            seen = {line.id for line in listed}
            for page in self._pages(begin, [BRIEF]):
                left = [line for line in map(_line, page) if line.id not in seen]
                left = [line for line in left if pull.known(line.id) and begin.fresh(line)]
                yield from (Ref(id=line.id) for line in left)
                listed += left
            cursor = begin.after(listed, clock=clock, granularity=SLACK, overlap=self._overlap)
        yield Checkpoint(cursor=str(cursor))

    def _terms(self, query: str) -> list[tuple[str, str]]:
        terms = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
        odd = sorted(name for name, value in terms if name in RULES or not value)
        if odd or (query and not terms):
            raise Rejected(
                f"The query of {self._api.remote} is not understood: {', '.join(odd) or query}.",
                hint="Write it as a search of the REST interface: product=A&status=NEW&status=OPEN.",
            )
        return [*terms, ("product", self._product)] if self._product else terms

    def _pages(self, begin: SinceCursor, terms: Sequence[tuple[str, str]]) -> Iterator[list[Bug]]:
        """Yields pages of what is new to the walk, by time of the last change."""
        at, beyond = begin.asks_from(self._overlap) or BEGINNING, 0
        seen: set[Listed] = set()
        while True:
            page = self._listed(at, beyond, terms)
            full, end = len(page) >= self._page, page[-1:]
            if beyond:
                page = [bug for bug in page if _line(bug).updated == at]
            fresh = [bug for bug in page if _line(bug) not in seen]
            seen |= {_line(bug) for bug in fresh}
            if fresh:
                yield fresh
            if beyond and not (full and _line(end[0]).updated == at):
                at, beyond = at + SECOND, 0  # that second is told; later ones were not asked whole
            elif not full:
                return
            elif _line(end[0]).updated > at:
                at = _line(end[0]).updated
            elif int(end[0]["id"]) > beyond:
                beyond = int(end[0]["id"])
            else:
                raise Garbled(f"{self._api.remote} lists the same bugs again and again.")

    def _listed(self, at: datetime, beyond: int, terms: Sequence[tuple[str, str]]) -> list[Bug]:
        more = [("f98", "bug_id"), ("o98", "greaterthan"), ("v98", beyond)] if beyond else []
        found = self._api.get(
            "bug",
            [
                *terms,
                *more,
                ("last_change_time", f"{at:%Y-%m-%dT%H:%M:%SZ}"),
                ("order", "changeddate,bug_id"),
                ("limit", self._page),
            ],
        )["bugs"]
        return sorted(found, key=lambda bug: (_line(bug).updated, int(bug["id"])))


def _line(bug: Bug) -> Listed:
    return Listed(str(bug["id"]), instant(bug["last_change_time"]))
