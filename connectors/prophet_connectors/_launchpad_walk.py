"""Which bugs changed: searches by time of birth, so that no page shifts while it is turned.

A search answers with tasks, which do not tell when their bug changed last, and its pages are counted
by position.  So a walk asks for what changed since the last one, in the order of the tasks' birth,
and begins each page after the last birth that it saw: births never move.  What changes meanwhile is
news for the next walk, which looks back to the server's clock when this one began, and further by
`OVERLAP`: a change may show later than its time, after its transaction and on a copy of the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl

from prophet_connectors._launchpad_asking import Asker, Record, entries
from prophet_connectors._launchpad_words import (
    SEARCHED,
    TASK_FIELDS,
    number_in,
    of_task,
    path_of_person,
)
from prophet_hub.errors import Garbled, Rejected
from prophet_hub.sdk import Checkpoint, ListedTicket, Pull, Ref
from prophet_hub.sdk.answers import Answer
from prophet_hub.sdk.marks import unmarked
from prophet_hub.sdk.times import instant

__all__ = ["OVERLAP", "PAGE", "Walker"]

PAGE: Final = 100
"""Tasks in a page of a search: the server allows 300, and runs out of time on large ones."""
OVERLAP: Final = timedelta(minutes=3)
NEWEST: Final = 40
"""So many of the account's own newest bugs are looked at for a key."""
_MOMENT: Final = timedelta(microseconds=1)
"""`modified_since` and `created_since` mean later than, to the microsecond."""
_ALL: Final = (("omit_duplicates", "false"), *(("status", word) for word in SEARCHED))
_OURS: Final = frozenset(
    {"ws.op", "ws.size", "ws.start", "memo", "order_by", "modified_since", "created_since"}
)
Terms = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a walk is.

    Attributes:
        since: Changes from then on are told by it; "" for everything.
        until: From when on the next one tells; "" before the first page.
        born: The last birth that was seen.
    """

    since: str = ""
    until: str = ""
    born: str = ""

    @classmethod
    def of(cls, text: str) -> _Cursor:
        try:
            since, until, born = json.loads(text)
            return cls(*(instant(t).isoformat() if t else "" for t in (since, until, born)))
        except (ValueError, TypeError, Garbled):
            return cls()

    def __str__(self) -> str:
        return json.dumps([self.since, self.until, self.born])


_Page = tuple[list[str], _Cursor, int | None]
_Tasks = tuple[list[Record], _Cursor, int | None]


class Walker:
    """Tells changed bugs as refs; a bug with several tasks in a distribution is told once."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def told(self, pull: Pull) -> Iterator[Ref | Checkpoint]:
        """Yields the bugs that the query finds, and those that it found before and that changed.

        Raises:
            Rejected: The query holds a word that the walk itself needs.
        """
        query = self._terms(pull.query)
        cursor, known = _Cursor.of(pull.since), pull.known
        if not (pull.query and cursor.since and known):
            yield from self._checkpoints(self._ids(cursor, query))
            return
        # A bug that left the query is found without it, and known by its number.
        matching: set[str] = set()
        first = cursor
        for ids, after, _ in self._ids(cursor, query):
            matching |= set(ids)
            first = first if first.until else replace(cursor, until=after.until)
        pages = self._ids(first, self._terms(""))
        yield from self._checkpoints(
            ([i for i in ids if i in matching or known(i)], after, None) for ids, after, _ in pages
        )

    def _checkpoints(self, pages: Iterable[_Page]) -> Iterator[Ref | Checkpoint]:
        cursor, total, told = _Cursor(), None, set[str]()
        for ids, cursor, size in pages:
            total = size if total is None else total
            yield from (Ref(id=i) for i in dict.fromkeys(ids) if i not in told)
            told |= set(ids)
            yield Checkpoint(cursor=str(cursor), total=total)
        yield Checkpoint(cursor=str(_Cursor(since=cursor.until or cursor.since)), total=total)

    def everything(self, query: str) -> Iterator[ListedTicket]:
        """Yields each bug once, by what its task of the target shows; of other tasks nothing."""
        told = set[str]()
        for tasks, _, _ in self._walk(_Cursor(), self._terms(query)):
            for task in tasks:
                number = number_in(task["bug_link"])
                if number not in told:
                    told.add(number)
                    own = self._ask.place(str(task["target_link"])) == self._ask.target
                    yield ListedTicket(
                        ref=Ref(id=number),
                        told=frozenset(TASK_FIELDS if own else ()),
                        fields=of_task(task) if own else {},
                    )

    def _ids(self, cursor: _Cursor, terms: Terms) -> Iterator[_Page]:
        for tasks, after, total in self._walk(cursor, terms):
            yield [number_in(task["bug_link"]) for task in tasks], after, total

    def _walk(self, cursor: _Cursor, terms: Terms) -> Iterator[_Tasks]:
        """Yields pages of tasks, each with the cursor after it and how many tasks there are in all."""
        link, seen = None, set[str]()
        while True:
            answer = self._ask.get(link) if link else self._search(cursor, terms)
            page = answer.json()
            tasks, link = entries(page)
            births = [instant(task["date_created"]).isoformat() for task in tasks]
            last = max([*births, cursor.born])
            if link in seen:
                raise Garbled(
                    f"{self._ask.remote} sends the same page of a listing again and again.",
                    remote=self._ask.remote,
                )
            stuck = last == cursor.born
            cursor = replace(cursor, until=cursor.until or _until(answer, cursor), born=last)
            yield tasks, cursor, page.get("total_size")
            if link is None:
                return
            seen.add(link)
            if not stuck:  # else more tasks were born in one moment than fit into a page
                link = None

    def _search(self, cursor: _Cursor, terms: Terms) -> Answer:
        asked = [*terms, ("order_by", "datecreated"), ("ws.size", str(PAGE))]
        if cursor.since:
            asked.append(("modified_since", _before(cursor.since)))
        if cursor.born:
            asked.append(("created_since", _before(cursor.born)))
        return self._ask.search(asked)

    def _terms(self, query: str) -> Terms:
        """Returns the terms of a query, and those without which a search leaves bugs out."""
        own = parse_qsl(query)
        taken = {name for name, _ in own}
        if taken & _OURS:
            raise Rejected(
                f"{self._ask.remote} cannot search by {', '.join(sorted(taken & _OURS))}.",
                hint=f"Take it out of `query` of remote {self._ask.remote}.",
            )
        return [*(term for term in _ALL if term[0] not in taken), *own]

    # --- keys -----------------------------------------------------------------------------------

    def find(self, key: str) -> str | None:
        """Returns the bug of the account's own newest ones that carries the key, None if none does.

        A search by text might lag; a search by reporter does not, but tells no descriptions.
        """
        me = self._ask.link(path_of_person(self._ask.me().id))
        page = self._ask.search(
            [*_ALL, ("bug_reporter", me), ("order_by", "-datecreated"), ("ws.size", str(NEWEST))]
        ).json()
        for number in dict.fromkeys(number_in(task["bug_link"]) for task in entries(page)[0]):
            bug = self._ask.record(f"bugs/{number}")
            if unmarked(str(bug.get("description") or ""))[1] == key:
                return number
        return None


def _until(answer: Answer, cursor: _Cursor) -> str:
    """Returns from when on the next walk tells, by the server's clock."""
    return (answer.clock - OVERLAP).isoformat() if answer.clock else cursor.since


def _before(moment: str) -> str:
    return (instant(moment) - _MOMENT).isoformat()
