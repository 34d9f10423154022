"""What changed in Hiveminder: its transactions by number, the one feed that needs no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from prophet_connectors._hiveminder_api import ALL, Api, Record
from prophet_hub.sdk import Checkpoint, Pull, Ref
from prophet_hub.sdk.feed import WINDOW, FeedCursor

__all__ = ["pulled"]

BATCH = 50
"""Tasks per checkpoint of a first pull."""


def pulled(api: Api, pull: Pull) -> Iterator[Ref | Checkpoint]:
    """Yields refs: at first of all tasks by number, then of those with new transactions."""
    cursor = FeedCursor.of(pull.since)
    if cursor and cursor.listed is None:
        yield from _news(api, cursor, pull.query)
        return
    if cursor is None:
        cursor = replace(_after(FeedCursor(), _newest(api)), listed=0)
    tasks = [n for n in _listed(api, pull.query) if n > (cursor.listed or 0)]
    for n, task in enumerate(tasks, 1):
        yield Ref(id=str(task))
        if n % BATCH == 0:
            yield Checkpoint(cursor=str(replace(cursor, listed=task)), total=len(tasks))
    yield Checkpoint(cursor=str(replace(cursor, listed=None)), total=len(tasks))


def _news(api: Api, cursor: FeedCursor, query: str) -> Iterator[Ref | Checkpoint]:
    """Yields the tasks of the transactions that the cursor does not know, oldest first."""
    told = _since(api, cursor)
    fresh = [t for t in told if int(t["id"]) > cursor.seen or int(t["id"]) in cursor.gaps]
    tasks = {int(t["task_id"]): None for t in fresh}  # newest first, each task once
    if tasks and query:
        tasks = dict.fromkeys(tasks.keys() & set(_listed(api, query)))
    for task in reversed(tasks):
        yield Ref(id=str(task))
    yield Checkpoint(cursor=str(_after(cursor, told)), total=len(tasks))


def _since(api: Api, cursor: FeedCursor) -> list[Record]:
    """Returns the transactions down to the lowest that the cursor knows, newest first.

    All come in one answer: pages would shift when a task is deleted between them, for its
    transactions go with it.  And an answer may be short though there is more: what the account may
    not see is counted and left out.
    """
    count = WINDOW + 10 if cursor.seen else ALL
    told = api.newest("TaskTransaction", count)
    while count < ALL and not (told and int(told[-1]["id"]) <= min(cursor.known, default=0)):
        count = count * 10 if len(told) == count else ALL
        told = api.newest("TaskTransaction", count)
    if not told:
        api.account(fresh=True)  # whoever is logged out finds nothing, too
    return told


def _newest(api: Api) -> list[Record]:
    """Returns at least the newest transaction that the account may see, if there is any."""
    return api.newest("TaskTransaction", WINDOW) or api.newest("TaskTransaction", ALL)


def _listed(api: Api, query: str) -> list[int]:
    """Returns the numbers of the tasks that a query finds, rising."""
    found = _queried(api, query) if query else {int(n) for n in api.column("Task", "id")}
    if not found:
        api.account(fresh=True)  # as above
    return sorted(found)


def _queried(api: Api, query: str) -> set[int]:
    """Returns what the search of the server finds; walked again if somebody acted meanwhile."""
    found: set[int] = set()
    before = _ids(api.newest("TaskTransaction", 1))
    while True:
        found |= {int(task["id"]) for task in api.tasks({"tokens": query})}
        after = _ids(api.newest("TaskTransaction", 1))
        if after == before:
            return found
        before = after


def _after(cursor: FeedCursor, told: list[Record]) -> FeedCursor:
    """Returns the cursor at the newest that is visible: the way down to it is short."""
    visible = _ids(told)
    return cursor.after(visible, max(visible, default=0))


def _ids(records: list[Record]) -> set[int]:
    return {int(record["id"]) for record in records}
