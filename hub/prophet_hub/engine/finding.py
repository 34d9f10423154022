"""What `Replica.find` finds: by equality, by a query, or both; from the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from prophet_hub.engine.history import shown
from prophet_hub.engine.property_cells import as_said, holds
from prophet_hub.engine.query import newest, search, term
from prophet_hub.engine.rows import LIFE_KEY
from prophet_hub.values import Stored

if TYPE_CHECKING:
    from prophet_hub.engine.reading import RecordRow
    from prophet_hub.engine.replica import Replica
    from prophet_hub.model.schema import Given

__all__ = ["found"]

_PAGE: Final = 500


def found(replica: Replica, kind: str, query: str, equal: Mapping[str, Any]) -> Iterator[RecordRow]:
    """Yields the living records of a type that a query finds and that show all of this.

    In the query's order, else the last changed first.

    Raises:
        UsageError: The query cannot be read.
    """
    wanted = as_said(equal)
    rows = iter(_candidates(replica, kind, query, wanted))
    while page := list(islice(rows, _PAGE)):
        cells = replica.cells_of([row.record for row in page])
        for row in page:
            life = cells[row.record].get(LIFE_KEY)
            alive = bool(query) or life is None or life.shown is not None
            if alive and holds(_plain(replica, shown(cells[row.record]), wanted), wanted):
                yield row


def _candidates(replica: Replica, kind: str, query: str, wanted: Given) -> Iterable[RecordRow]:
    """Returns records among which all are that are wanted."""
    terms = " ".join(filter(None, _terms(wanted)))
    if not query and not terms:
        return newest(replica, kind)
    rows = search(replica, query, also=terms, type=kind)
    # an index that another process keeps from being brought up to date misses what is new
    return rows if query or not rows.behind else newest(replica, kind)


def _terms(wanted: Given) -> Iterator[str]:
    """Yields the terms of the search language that hold wherever this is shown."""
    for name, value in wanted.items():
        yield from (
            term(name, word) for word in (value if isinstance(value, frozenset) else [value or ""])
        )


def _plain(replica: Replica, properties: Mapping[str, Any], names: Given) -> dict[str, Any]:
    return {
        name: replica.text(properties[name])
        if isinstance(properties[name], Stored) and name != "content" else properties[name]
        for name in names if name in properties
    }  # fmt: skip
