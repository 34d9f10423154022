"""Finds connectors and plugins by their packages' metadata, and loads what is used.

Listing imports nothing; a connector is imported by name, when used; the group of plugins is loaded
once a command starts work.  pluggy does the finding and the announcing (design, section 6).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import metadata
from typing import Any, cast

import pluggy

from prophet_hub import hookspecs
from prophet_hub.errors import HubError, UsageError
from prophet_hub.hookspecs import CONNECTORS, PLUGINS
from prophet_hub.sdk.connector import SPEC, Connector

__all__ = ["SPECS", "Installed", "Plugins", "connector", "installed"]

SPECS = (SPEC, SPEC - 1)
"""The versions of the connector interface that this hub accepts."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An entry point as its package's metadata tells it.

    Attributes:
        name: The connector's or plugin's.
        module: What would be imported.
        package, version: The distribution that brings it.
        summary: The distribution's one line about itself.
    """

    name: str
    module: str
    package: str
    version: str
    summary: str


def installed(group: str = CONNECTORS) -> tuple[Installed, ...]:
    """Returns the group's entry points by name; imports none of them."""
    return tuple(sorted(_installed(group), key=lambda one: (one.name, one.package)))


def connector(name: str) -> type[Connector]:
    """Returns the connector class of the name; imports that one alone.

    Raises:
        UsageError: None of this name, two packages claim it, it cannot be imported, or it was
            written for another version of the interface.
    """
    return _connector(name, tuple(sys.path))


@lru_cache
def _connector(name: str, _path: tuple[str, ...]) -> type[Connector]:
    claims = {one.package: one for one in _installed(CONNECTORS) if one.name == name}
    if not claims:
        raise _unknown(name)
    if len(claims) > 1:
        raise UsageError(
            f'The connector "{name}" comes with {" and with ".join(sorted(claims))}.',
            hint="Uninstall one of them.",
        )
    manager = _manager()
    try:
        manager.load_setuptools_entrypoints(CONNECTORS, name)
    except Exception as error:
        package = next(iter(claims))
        raise UsageError(
            f'The connector "{name}" of {package} cannot be imported: {error}.',
            hint=f"Install it anew: pip install --force-reinstall {package}",
        ) from error
    return _checked(name, manager.hook.prophet_connector())


class Plugins:
    """The group `prophet_hub.plugins`, loaded on construction.

    A plugin that cannot be imported is logged and left out.  Notices are given to each plugin by
    itself: one that fails is logged and stops nothing.
    """

    def __init__(self) -> None:
        self._manager = _manager()
        for name in sorted({one.name for one in _installed(PLUGINS)}):
            try:
                self._manager.load_setuptools_entrypoints(PLUGINS, name)
            except Exception as error:  # noqa: BLE001 - foreign code may raise anything
                _log.warning('The plugin "%s" cannot be imported and is left out: %s', name, error)

    def register(self, plugin: object, name: str | None = None) -> None:
        """Adds a plugin that no package brings."""
        self._manager.register(plugin, name)

    def commands(self, app: object) -> None:
        """Lets every plugin add its commands to the application."""
        self._notify("prophet_commands", {"app": app})

    def record_types(self) -> list[Any]:
        """Returns the record types that the plugins declare; a plugin that fails is left out."""
        found: list[Any] = []
        for answer in self._notify("prophet_record_types", {}):
            found += answer or ()
        return found

    def secret(self, scheme: str, reference: str) -> str | None:
        """Returns the first answer to `scheme:reference`, None if no plugin has one.

        Raises:
            UsageError: The plugin that was asked failed; what it said may hold the secret and is
                left out.
        """
        try:
            answer = self._manager.hook.prophet_secret(scheme=scheme, reference=reference)
        except HubError:
            raise
        except Exception as error:
            raise UsageError(
                f'The plugin for "{scheme}:" secrets failed ({type(error).__name__}).'
            ) from error
        return cast("str | None", answer)

    @property
    def listens(self) -> bool:
        """Whether any plugin wants to hear of changesets."""
        return bool(self._manager.hook.prophet_changeset_integrated.get_hookimpls())

    def integrated(self, name: str, author: str, records: tuple[str, ...]) -> None:
        """Tells of a changeset that is committed."""
        self._notify(
            "prophet_changeset_integrated", {"name": name, "author": author, "records": records}
        )

    def applied(self, remote: str, verb: str, kind: str, ref: str) -> None:
        """Tells of a write that a tracker took."""
        words = {"remote": remote, "verb": verb, "kind": kind, "ref": ref}
        self._notify("prophet_operation_applied", words)

    def finished(self, job: str, report: Mapping[str, Any]) -> None:
        """Tells of the end of a run."""
        self._notify("prophet_job_finished", {"job": job, "report": report})

    def _notify(self, hook: str, arguments: Mapping[str, object]) -> list[Any]:
        """Calls each plugin by itself; returns what those that did not fail answered."""
        answers: list[Any] = []
        caller = getattr(self._manager.hook, hook)
        plugins = [implementation.plugin for implementation in caller.get_hookimpls()]
        for plugin in plugins:
            others = [other for other in plugins if other is not plugin]
            try:
                answers += self._manager.subset_hook_caller(hook, others)(**arguments)
            except Exception as error:  # noqa: BLE001 - foreign code may raise anything
                name = self._manager.get_name(plugin)
                _log.warning('The plugin "%s" failed in %s: %s', name, hook, error)
        return answers


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("prophet_hub")
    manager.add_hookspecs(hookspecs)
    return manager


def _installed(group: str) -> tuple[Installed, ...]:
    return _index(group, tuple(sys.path))


@lru_cache
def _index(group: str, _path: tuple[str, ...]) -> tuple[Installed, ...]:
    """Reads the packages' metadata, once for every import path: it takes longer than a command."""
    return tuple(
        Installed(
            name=entry.name,
            module=entry.module,
            package=entry.dist.name,
            version=entry.dist.version,
            summary="".join(entry.dist.metadata.get_all("Summary") or ()),
        )
        for entry in metadata.entry_points(group=group)
        if entry.dist is not None
    )


def _unknown(name: str) -> UsageError:
    names = sorted({one.name for one in _installed(CONNECTORS)})
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}."
    return UsageError(f'No connector "{name}" is installed.', hint=hint)


def _checked(name: str, found: object) -> type[Connector]:
    if not (isinstance(found, type) and issubclass(found, Connector)):
        raise UsageError(
            f'The entry point of the connector "{name}" gives no connector.',
            hint="Its module must implement prophet_connector() -> type[Connector].",
        )
    if found.spec not in SPECS:
        said = " or ".join(str(spec) for spec in SPECS if spec)
        raise UsageError(
            f'The connector "{name}" was written for spec {found.spec}; this hub speaks {said}.',
            hint="Upgrade the older of the two.",
        )
    return found
