"""The hooks by which packages extend the hub; pluggy finds and announces, no more.

Group `prophet_hub.connectors`: one entry point per connector, loaded by name when used, implements
`prophet_connector`.  Group `prophet_hub.plugins`: everything else, loaded when the hub starts work.
A hook implementation may take any subset of the arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CONNECTORS", "PLUGINS", "hookimpl", "hookspec"]

CONNECTORS = "prophet_hub.connectors"
PLUGINS = "prophet_hub.plugins"

hookspec = pluggy.HookspecMarker("prophet_hub")
hookimpl = pluggy.HookimplMarker("prophet_hub")


@hookspec(firstresult=True)
def prophet_connector() -> type | None:
    """Returns the connector class of this entry point."""


@hookspec
def prophet_commands(app: Any) -> None:
    """Adds commands to the command line; `app` is the hub's typer application."""


@hookspec
def prophet_record_types() -> Iterable[Any] | None:
    """Returns record types, each a `prophet_hub.model.schema.RecordType`."""


@hookspec(firstresult=True)
def prophet_secret(scheme: str, reference: str) -> str | None:
    """Returns the secret behind `scheme:reference`, None where the scheme is another's."""


@hookspec
def prophet_changeset_integrated(name: str, author: str, records: tuple[str, ...]) -> None:
    """Is told of a changeset after it is committed. A failing one is logged and stops nothing."""


@hookspec
def prophet_operation_applied(remote: str, verb: str, kind: str, ref: str) -> None:
    """Is told of a write that a tracker took. A failing one is logged and stops nothing."""


@hookspec
def prophet_job_finished(job: str, report: Mapping[str, Any]) -> None:
    """Is told of the end of a run with its report as data. A failing one is logged."""
