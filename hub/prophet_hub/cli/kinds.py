"""`settings types`: what is known of the properties of records, from program, plugins and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.engine.record_types import TYPE_SETTING, Types
from prophet_hub.engine.settings import Settings
from prophet_hub.errors import UsageError
from prophet_hub.model.neutral import BUILT_IN

if TYPE_CHECKING:
    from prophet_hub.model.schema import Property, RecordType

__all__ = ["types"]


def types(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="TYPE", help="Only this; with its properties.", show_default=False),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Lists the record types that are declared, or the properties of one."""
    desk: Desk = ctx.obj
    plugins = desk.record_types()
    with desk.replica() as replica:
        told = [one.removeprefix(TYPE_SETTING) for one in Settings(replica).names()
                if one.startswith(TYPE_SETTING)]  # fmt: skip
        names = sorted({*BUILT_IN, *(one.name for one in plugins), *told})
        if name and name not in names:
            raise UsageError(f'No type "{name}" is declared.',
                             hint=f"There are {', '.join(names)}; others are legal too.")  # fmt: skip
        known = Types(replica, plugins)
        found = [known.get(one) for one in ([name] if name else names)]
    if as_json:
        desk.json([_data(one) for one in found])
    elif name:
        desk.table([_line(one) for one in found[0].properties],
                   head=("property", "kind", "", "values", "about"))  # fmt: skip
    else:
        desk.table([(one.name, one.help, " ".join(p.name for p in one.properties)) for one in found],
                   head=("type", "about", "properties"))  # fmt: skip


def _line(one: Property) -> tuple[str, ...]:
    kind = f"{one.reference.replace('*', 'record')} #" if one.reference else one.kind
    marks = [word for word, holds in (("required", one.required), ("fixed", one.fixed)) if holds]
    marks += [f"default {one.default}"] if one.default else []
    values = ", ".join(one.values) or ", ".join(
        [*one.recommended, "..."] if one.recommended else []
    )
    return one.name, f"set of {kind}" if one.many else kind, ", ".join(marks), values, one.help


def _data(kind: RecordType) -> dict[str, Any]:
    return {"name": kind.name, "help": kind.help, "properties": [
        {"name": p.name, "kind": p.kind, "many": p.many, "required": p.required, "fixed": p.fixed,
         "values": list(p.values), "recommended": list(p.recommended), "default": p.default,
         "reference": p.reference, "help": p.help}
        for p in kind.properties
    ]}  # fmt: skip
