"""Settings of the database: replicated with it, and in conflict like anything else.

A setting is a record of type `setting` whose name follows from the setting's, so that two replicas
that set the same thing write the same record.  Its one property holds JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from prophet_hub.model.ids import RecordId, name_of
from prophet_hub.values import Stored

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["SETTING", "Settings", "decoded", "record_of"]

SETTING: Final = "setting"
"""The record type."""

_NAME: Final = "name"
_VALUE: Final = "value"


def record_of(name: str) -> RecordId:
    """Returns the record of a setting."""
    return RecordId(name_of(SETTING, name))


class Settings:
    """The replicated settings of one database, by name."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def get(self, name: str) -> Any:
        """Returns what is set, as JSON values; None where nothing is, or a peer set what is none."""
        cell = self._replica.cell(record_of(name), _VALUE)
        return decoded(self._replica.text(cell.shown)) if cell and cell.shown else None

    def set(self, name: str, value: Any, *, author: str, note: str = "") -> None:
        """Sets a name to a JSON value, None to unset it; a second time changes nothing.

        Where replicas have set it apart, this decides it.
        """
        cell = self._replica.cell(record_of(name), _VALUE)
        if self.get(name) == value and not (cell and cell.conflict):
            return
        words = None if value is None else msgspec.json.encode(value, order="sorted").decode()
        changes = {(_NAME, ""): name, (_VALUE, ""): words}
        self._replica.edit(record_of(name), SETTING, changes, author=author, note=note)

    def names(self) -> list[str]:
        """Returns the names of all that is set, sorted."""
        found = []
        for row in self._replica.records(SETTING):
            shown = self._replica.shown(row.record)
            name = shown.get(_NAME)
            if _VALUE in shown and isinstance(name, (str, Stored)):
                found.append(self._replica.text(name))
        return sorted(found)


def decoded(text: str) -> Any:
    """Returns the value that a setting's text holds, None if it is no JSON."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
