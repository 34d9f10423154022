"""The small interface of a replica: records by their properties (docs/python-api.md).

What it does stands in `engine/records.py`, which is imported when the first record is asked for:
most commands need none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from prophet_hub.engine.reading import RecordRow
    from prophet_hub.engine.records import Content, Named, Records
    from prophet_hub.engine.replica import Replica
    from prophet_hub.model.schema import RecordType

__all__ = ["ByProperties"]


class ByProperties:
    """What a replica offers to programs; it closes at the end of a `with`.

    Attributes:
        author: Of what is written here.
        types: The record types that plugins declare.
    """

    author: str = ""
    types: Sequence[RecordType] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        cast("Replica", self).close()

    def create(self, type: str, /, **properties: Any) -> RecordRow:  # noqa: A002 - Prophet's own word
        """Makes a record; see `Records.create`."""
        return self._small().create(type, properties)

    def set(self, record: Named, /, **properties: Any) -> RecordRow:
        """Writes properties that are not so already; see `Records.set`."""
        return self._small().set(record, properties)

    def get(self, record: Named, /) -> dict[str, Any]:
        """Returns the properties that a record shows; see `Records.get`."""
        return self._small().get(record)

    def find(self, type: str = "ticket", query: str = "", /, **equal: Any) -> Iterator[RecordRow]:  # noqa: A002 - as above
        """Yields the living records that show all of this; see `Records.find`."""
        return self._small().find(type, query, equal)

    def comment(self, ticket: Named, body: str, /, **properties: Any) -> RecordRow:
        """Says something of a ticket; see `Records.comment`."""
        return self._small().comment(ticket, body, properties)

    def attach(self, ticket: Named, content: Content, name: str, /, **properties: Any) -> RecordRow:
        """Adds a file to a ticket; see `Records.attach`."""
        return self._small().attach(ticket, content, name, properties)

    def delete(self, record: Named, /) -> RecordRow:
        """Takes a record's life; see `Records.delete`."""
        return self._small().delete(record)

    def restore(self, record: Named, /) -> RecordRow:
        """Brings a deleted record back; see `Records.restore`."""
        return self._small().restore(record)

    def _small(self) -> Records:
        from prophet_hub.engine.records import Records  # noqa: PLC0415 - not for every reader

        return Records(cast("Replica", self), author=self.author, plugins=self.types)
