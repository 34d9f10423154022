"""What changed in Redmine: a list by time, read from the last second seen, hardly ever by number.

The list is exact to a second, and `>=` includes the second asked for (and, for the microseconds
that are stored, most of the one before).  A ticket that changes while the list is read moves to its
end and pulls the others up, so that pages by number would leave one out: each page begins at the
second with which the one before ended.  Within one second there is nothing else than numbers; there
each page goes over half of the one before again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from prophet_connectors._redmine_asking import Asker
from prophet_connectors._redmine_pages import Page, Thing
from prophet_hub.errors import Garbled, Rejected
from prophet_hub.sdk import Checkpoint, Pull, Ref
from prophet_hub.sdk.since import Listed, SinceCursor
from prophet_hub.sdk.times import instant

__all__ = ["Walker"]

Terms = list[tuple[str, str]]

SETTLED: Final = timedelta(seconds=2)
"""After its second and one more, for clocks that do not quite agree, a change is over."""

A_LITTLE_MORE: Final = 2.2
"""Seconds after which it is, whatever the clocks say."""

FILTERS: Final = re.compile(
    r"([a-z_]+\.)?cf_\d+|status_id|tracker_id|priority_id|author_id|author\.group|author\.role"
    r"|assigned_to_id|assigned_to\.role|member_of_group|assigned_to_role|fixed_version_id"
    r"|fixed_version\.due_date|fixed_version\.status|category_id|subject|description|notes"
    r"|created_on|closed_on|start_date|due_date|estimated_hours|spent_time|done_ratio"
    r"|is_private|attachment|attachment_description|watcher_id|updated_by|last_updated_by"
    r"|project_id|subproject_id|project\.status|child_id|parent_id|relates|duplicates"
    r"|duplicated|blocks|blocked|precedes|follows|copied_to|copied_from|any_searchable"
)
"""What Redmine filters by (app/models/issue_query.rb), but for what the walk itself asks with."""


class Walker:
    """Walks the list of tickets by their last change.

    Args:
        project: The identifier of the only one to be read, "" for all.
        query: Terms as in the address of Redmine's own list: `tracker_id=1&priority_id=4`.
        overlap: How far back of the cursor is asked again, for what was stored late.
    """

    def __init__(self, ask: Asker, *, project: str, query: str, overlap: timedelta) -> None:
        self._ask = ask
        self._path = f"projects/{project}/issues.json" if project else "issues.json"
        self._everything = query
        self._overlap = overlap

    def told(self, pull: Pull) -> Iterator[Ref | Checkpoint]:
        """Yields the tickets in the order of their last changes.

        Raises:
            Rejected: The query has a term that Redmine would pass over, and tell everything.
        """
        cursor = SinceCursor.of(pull.since)
        query = self._terms(pull.query or self._everything)
        among: Terms = query if cursor.at is not None else []
        since, offset, before = cursor.asks_from(self._overlap), 0, [""]
        while True:
            page = self._page(since, offset, [] if among else query)
            listed = [Listed(str(i["id"]), instant(i["updated_on"])) for i in page.things]
            ids = [item.id for item in listed]
            if offset and ids == before:
                raise Garbled(f"{self._ask.remote} shows one page of a list again and again.")
            asked = [item for item in listed if since is None or item.updated >= since]
            fresh = [item for item in asked if cursor.fresh(item)]
            last = max((item.updated for item in listed), default=since)
            clock = page.answer.clock  # of what stands before Redmine, if anything does
            if fresh and clock is None and not page.full:
                # Nobody tells the server's clock: let the newest second end before it is read.
                self._ask.http.clock.sleep(A_LITTLE_MORE)
                clock = (last or fresh[0].updated) + SETTLED
            yield from self._refs([item.id for item in fresh], among, pull)
            cursor = cursor.after(fresh, clock=clock, granularity=SETTLED, overlap=self._overlap)
            yield Checkpoint(cursor=str(cursor), total=page.total)
            if not page.full:
                return
            onward = since is None or (last is not None and last > since)
            since, offset = (last, 0) if onward else (since, offset + max(page.limit // 2, 1))
            before = ids

    def everything(self, query: str) -> Iterator[Thing]:
        """Yields all that a query matches, by number: what is new meanwhile comes last."""
        terms, offset = self._terms(query or self._everything), 0
        while True:
            more = [("include", "attachments,relations"), ("sort", "id"), ("offset", str(offset))]
            page = self._ask.page("issues", self._path, _of_all([*terms, *more]))
            yield from page.things
            offset += len(page.things)
            if not page.full or offset >= page.total:
                return

    def _page(self, since: datetime | None, offset: int, query: Terms) -> Page:
        terms = [*query, ("sort", "updated_on:asc,id:asc"), ("offset", str(offset))]
        if since is not None:
            terms.append(("updated_on", f">={since:%Y-%m-%dT%H:%M:%SZ}"))
        return self._ask.page("issues", self._path, _of_all(terms))

    def _refs(self, ids: Sequence[str], query: Terms, pull: Pull) -> Iterator[Ref]:
        """Yields those that match the query, or matched it before: how they left it is news."""
        wanted = set(ids)
        if query and ids:
            terms = _of_all([*query, ("issue_id", ",".join(ids))])
            matching: list[Thing] = self._ask.page("issues", self._path, terms).things
            wanted = {str(issue["id"]) for issue in matching}
            wanted |= {number for number in ids if pull.known and pull.known(number)}
        yield from (Ref(id=number) for number in ids if number in wanted)

    def _terms(self, query: str) -> Terms:
        terms = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
        if query and not terms:
            terms = [(query, "")]
        for name, _ in terms:
            if not FILTERS.fullmatch(name):
                raise Rejected(
                    f"{self._ask.remote} cannot be asked for {name!r}: Redmine passes over it.",
                    hint="Write `query` as `tracker_id=1&status_id=open`; a saved query has none.",
                )
        return terms


def _of_all(terms: Terms) -> Terms:
    """Asks for closed tickets too, unless the terms say otherwise."""
    return terms if any(name == "status_id" for name, _ in terms) else [("status_id", "*"), *terms]
