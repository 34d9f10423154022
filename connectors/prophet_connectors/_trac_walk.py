"""What changed in a Trac: its tickets by their time of change, its files by the timeline.

`ticket.query` lists in order of change, exact to a second on the way in; the time of a ticket is
exact to a microsecond (`_ts`), so what is known of the last minute is dropped without a doubt.  A
file does not move its ticket's time; the timeline is the one place that tells of new ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from prophet_connectors._trac_reading import AT_ONCE, Reader, number
from prophet_connectors._trac_rpc import Call, Rpc
from prophet_hub.errors import NotFound, Rejected, RemoteError
from prophet_hub.sdk import Checkpoint, Pull, Ref, Ticket
from prophet_hub.sdk.since import Listed, SinceCursor

__all__ = ["OVERLAP", "Walker"]

OVERLAP: Final = timedelta(minutes=1)
"""A change is dated before it is written: one made with many others shows that much later."""

LOOK: Final = OVERLAP + timedelta(seconds=1)
"""A query takes whole seconds: it begins with the first one that is in the look back as a whole."""

REACH: Final = 80
"""Days: a timeline goes no further back than 90 (`max_daysback`)."""

FEW: Final = 25
MANY: Final = 400
"""Entries asked of a timeline beyond those that are known: few, then many, then all, as long as none
is so old that everything before it is told."""

KNOWN: Final = 500
"""Tickets of the last minute that are asked of in one request, whether they moved."""

WORDS: Final = frozenset({
    "id", "created", "modified", "or", "order", "desc", "group", "groupdesc", "col", "row", "rows",
    "verbose", "format", "page", "max", "report",
})  # fmt: skip
"""What may stand in a query besides the fields of a ticket."""

EVER: Final = datetime.max.replace(tzinfo=UTC)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
GUID: Final = re.compile(r"(?:/attachment/ticket/(\d+)/([^/]+))?/(\d{15,})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Up to when all is told, of tickets and of files.

    Attributes:
        near: How many entries of the timeline the next look back meets at least.
    """

    tickets: SinceCursor = field(default_factory=SinceCursor)
    files: SinceCursor = field(default_factory=SinceCursor)
    near: int = 0

    @classmethod
    def of(cls, text: str) -> Cursor:
        """Returns the cursor that the text says; all is told anew where it says none."""
        try:
            tickets, files, near = json.loads(text)
            parts = SinceCursor.of(tickets), SinceCursor.of(files)
            return cls(tickets=parts[0], files=parts[1], near=int(near))
        except (ValueError, TypeError):
            return cls()

    def __str__(self) -> str:
        return json.dumps([str(self.tickets), str(self.files), self.near])


class Walker:
    """Tells what changed, oldest first."""

    def __init__(self, rpc: Rpc, reader: Reader, query: str) -> None:
        self._rpc = rpc
        self._reader = reader
        self._query = query

    def told(self, pull: Pull) -> Iterator[Ref | Ticket | Checkpoint]:
        """Yields the tickets that changed, then those that got files, with checkpoints between.

        The timeline is read before the tickets are: a file that comes while they are walked is news
        of the next time.
        """
        before = Cursor.of(pull.since)
        cursor = before.tickets
        ids, matching = self._listed(cursor, pull)
        now = self._rpc.clock
        days = max((now - before.files.at).days, 0) + 2 if now and before.files.at else REACH
        if days > REACH and cursor.at:  # a file may be missing: all is told anew
            cursor = SinceCursor()
            ids, matching = self._listed(cursor, pull)
        first = cursor.at is None
        filed, after = self._filed(before, days, now, first=first)
        between = after if first else before
        filed = [ticket for ticket in filed if matching(ticket)]
        seen: set[str] = set()
        newest = self._newest(ids)
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            items = []
            for ticket, (told, settled) in zip(some, self._reader.tickets(some), strict=True):
                if isinstance(told, NotFound):
                    continue  # gone or hidden since it was listed
                if isinstance(told, RemoteError):
                    yield Ref(id=ticket)  # its error is its own
                    continue
                moved = _moved(told.version)
                items.append(Listed(ticket, min(moved, newest)))
                if cursor.fresh(Listed(ticket, moved)):
                    seen.add(ticket)
                    yield told if settled else Ref(id=ticket)
            cursor = _after(cursor, items)
            yield Checkpoint(cursor=str(replace(between, tickets=cursor)), total=len(ids))
        yield from (Ref(id=ticket) for ticket in filed if ticket not in seen)
        yield Checkpoint(cursor=str(replace(after, tickets=cursor)), total=len(ids))

    def check(self, query: str) -> None:
        """Makes sure that Trac knows what a query names: what it does not know, it passes over.

        Raises:
            Rejected: A field is none: the query would find more than was meant, or everything.
        """
        known = self._rpc.fields().keys() | WORDS
        for clause in re.split(r"(?<!\\)&", query):
            name = clause.partition("=")[0].rstrip("~^$").removesuffix("!")
            if name and name not in known:
                raise Rejected(
                    f"{self._rpc.remote} has no ticket field {name}, which `query` names.",
                    hint="Trac would find every ticket. Name one of: "
                    f"{', '.join(sorted(self._rpc.fields()))}.",
                )

    def _listed(self, cursor: SinceCursor, pull: Pull) -> tuple[list[str], Callable[[str], bool]]:
        """Returns the tickets that may have changed, the one that did last at the end, and what
        tells whether a ticket is asked for: the queries find it, or had found it before.

        Those of the last minute are told by every listing; whether they moved is asked with it.
        """
        since = cursor.asks_from(LOOK)
        second = since.replace(microsecond=0) + timedelta(seconds=1) if since else None
        limit = f"changetime={second:%Y-%m-%dT%H:%M:%SZ}..&" if second else ""
        queries = [f"{query}&max=0" for query in (self._query, pull.query) if query]
        known = list(cursor.told)
        asks = bool(queries) and not self._rpc.knows_fields
        told = self._rpc.many(
            [
                ("ticket.query", f"{limit}order=changetime&max=0"),
                *(("ticket.query", query) for query in queries),
                *_gets(known[:KNOWN]),
                *([("ticket.getTicketFields",)] if asks else []),
            ]
        )
        if asks and not isinstance(told[-1], RemoteError):
            self._rpc.learn(told[-1])
        told = told[:-1] if asks else told
        lists, gets = told[: len(queries) + 1], told[len(queries) + 1 :]
        for one in lists:
            if isinstance(one, RemoteError):
                raise one
        for query in queries:
            self.check(query)
        for start in range(KNOWN, len(known), KNOWN):
            gets += self._rpc.many(_gets(known[start : start + KNOWN]))
        still = {
            ticket
            for ticket, got in zip(known, gets, strict=True)
            if not isinstance(got, RemoteError)
            and not cursor.fresh(Listed(ticket, _moved(got[3]["_ts"])))
        }
        listed, *found = ([str(ticket) for ticket in one] for one in lists)
        fitting = [frozenset(one) for one in found]

        def matching(ticket: str) -> bool:
            had = pull.known is not None and pull.known(ticket)
            return had or all(ticket in one for one in fitting)

        return [one for one in listed if one not in still and matching(one)], matching

    def _newest(self, ids: Sequence[str]) -> datetime:
        """Returns up to when the listing is whole: what moves during a long walk is of later."""
        if len(ids) <= AT_ONCE:
            return EVER
        try:
            return _moved(self._rpc.one("ticket.get", number(ids[-1]))[3]["_ts"])
        except NotFound:
            return self._newest(ids[:-1])

    # --- files ----------------------------------------------------------------------------------

    def _filed(
        self, cursor: Cursor, days: int, now: datetime | None, *, first: bool
    ) -> tuple[list[str], Cursor]:
        """Returns the tickets that got files, and the cursor after it.

        In a first pull there is no news, only a place to go on from.  Where the account may not see
        the timeline, a file alone is never news.
        """
        files, size = cursor.files, cursor.near + FEW
        limit = files.asks_from(LOOK)
        entries: list[_Entry] = []
        try:
            for most in (size, size + MANY, 0):
                entries = self.timeline(days, most)
                if first and entries:
                    limit = entries[0].at - LOOK
                if len(entries) < most or any(limit and one.at < limit for one in entries):
                    break
        except NotFound:
            return [], cursor
        late = [one for one in entries if limit is None or one.at >= limit]
        items = [Listed(f"{one.ticket}/{one.name}", one.at) for one in late if one.ticket]
        fresh = [] if first else [i.id.partition("/")[0] for i in items if files.fresh(i)]
        seen = [one.at for one in late] + ([now - LOOK] if now and late else [])
        newest = [Listed("", max(seen))] if seen else []
        found = replace(cursor, files=_after(files, [*items, *newest]), near=len(late))
        return list(dict.fromkeys(fresh)), found

    def timeline(self, days: int, size: int) -> list[_Entry]:
        """Returns what happened, the newest first."""
        asked = {"ticket": "on", "ticket_details": "on", "format": "rss"}
        answer = self._rpc.http.get("timeline", params={**asked, "daysback": days, "max": size})
        found = []
        for guid in answer.xml().iter("guid"):
            match = GUID.search(guid.text or "")
            if match:
                at = _moved(match[3])
                found.append(_Entry(ticket=match[1] or "", name=match[2] or "", at=at))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """Something that happened; with a ticket and a name, that a file came."""

    ticket: str
    name: str
    at: datetime


def _gets(tickets: Sequence[str]) -> list[Call]:
    return [("ticket.get", number(ticket)) for ticket in tickets]


def _after(cursor: SinceCursor, items: Sequence[Listed]) -> SinceCursor:
    """Returns the cursor after these; times are exact, so that no moment has to be told again."""
    return cursor.after(items, clock=EVER, granularity=timedelta(0), overlap=LOOK)


def _moved(version: object) -> datetime:
    """Returns when a ticket changed last, exact to a microsecond."""
    return EPOCH + timedelta(microseconds=int(str(version)))
