"""The record types of one database: built in, declared by plugins, replicated as settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from prophet_hub.engine.settings import Settings
from prophet_hub.model.neutral import BUILT_IN
from prophet_hub.model.schema import Property, RecordType, declared, merged

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["LISTED", "TYPE_SETTING", "Types"]

TYPE_SETTING: Final = "type:"
"""The setting `type:NAME` declares the record type NAME."""

LISTED: Final = {"status": "statuses", "component": "components", "milestone": "milestones"}
"""Property of a ticket -> the setting with its values; `default_PROPERTY` is the one with its default."""


class Types:
    """The record types of one database: the built-in ones, the plugins', the replicated ones.

    What comes later extends or replaces single properties of what came before.
    """

    def __init__(self, replica: Replica, plugins: Sequence[RecordType] = ()) -> None:
        self._settings = Settings(replica)
        self._plugins = plugins

    def get(self, name: str) -> RecordType:
        """Returns a type; of one that is not declared, that nothing is known."""
        found = BUILT_IN.get(name, RecordType(name=name))
        for one in self._plugins:
            if isinstance(one, RecordType) and one.name == name:
                found = merged(found, one)
        told = self._settings.get(f"{TYPE_SETTING}{name}")
        if told is not None:
            found = merged(found, declared(name, told))
        return merged(found, self._lists(found)) if name == "ticket" else found

    def _lists(self, kind: RecordType) -> RecordType:
        """Returns a ticket's status, component and milestone as the settings have them."""
        return RecordType(name=kind.name, properties=tuple(
            self._listed(kind.property(prop), setting) for prop, setting in LISTED.items()
        ))  # fmt: skip

    def _listed(self, prop: Property, setting: str) -> Property:
        values = self._settings.get(setting)
        default = self._settings.get(f"default_{prop.name}")
        found = prop if values is None else replace(prop, values=tuple(map(str, values)))
        return found if default is None else replace(found, default=str(default))
