"""The record types of one database: built in, declared by plugins, replicated as settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from prophet_hub.engine.settings import Settings
from prophet_hub.errors import ConfigError
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

    def __init__(
        self, replica: Replica, plugins: Sequence[RecordType] = (), *, force: bool = False
    ) -> None:  # fmt: skip
        self._settings = Settings(replica)
        self._plugins, self._force = plugins, force

    def get(self, name: str) -> RecordType:
        """Returns a type; of one that is not declared, that nothing is known.

        Raises:
            ConfigError: A setting declares it that is no declaration; with `force` it is left out.
        """
        found = BUILT_IN.get(name, RecordType(name=name))
        for one in self._plugins:
            if isinstance(one, RecordType) and one.name == name:
                found = merged(found, one)
        told = self._settings.get(f"{TYPE_SETTING}{name}")
        if told is not None:
            found = self._over(found, told)
        return merged(found, self._lists(found)) if name == "ticket" else found

    def _over(self, found: RecordType, told: object) -> RecordType:
        try:
            return merged(found, declared(found.name, told))
        except ConfigError as error:
            if self._force:
                return found
            error.hint = f"Mend it: prophet-hub settings edit {TYPE_SETTING}{found.name}"
            raise

    def _lists(self, kind: RecordType) -> RecordType:
        """Returns a ticket's status, component and milestone as the settings have them."""
        return RecordType(name=kind.name, properties=tuple(
            self._listed(kind.property(prop), setting) for prop, setting in LISTED.items()
        ))  # fmt: skip

    def _listed(self, prop: Property, setting: str) -> Property:
        values = self._settings.get(setting)
        default = self._settings.get(f"default_{prop.name}")
        known = isinstance(values, list)  # a peer may have set anything
        found = replace(prop, values=tuple(map(str, values))) if known else prop
        return replace(found, default=default) if isinstance(default, str) else found
