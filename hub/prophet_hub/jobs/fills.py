"""The rules under `fill` of a remote, in the tracker's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prophet_hub.errors import ConfigError, Fault
from prophet_hub.foreign.fill import Fill, encoded
from prophet_hub.jobs.document import dotted
from prophet_hub.jobs.load import JobFile, nearest
from prophet_hub.sdk import Field, FieldMap, Value

__all__ = ["fill_faults", "fill_of"]


def fill_of(file: JobFile, name: str, fields: FieldMap) -> Fill:
    """Returns a remote's rules.

    Raises:
        ConfigError: A rule names a field that the tracker's table does not have.
    """
    fill, faults = _read(file, name, fields)
    if faults:
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"{file.path.name} has {count}.", faults=faults)
    return fill


def fill_faults(file: JobFile, name: str, fields: FieldMap) -> list[Fault]:
    """Returns the faults of a remote's rules, all at once."""
    return _read(file, name, fields)[1]


def _read(file: JobFile, name: str, fields: FieldMap) -> tuple[Fill, list[Fault]]:
    faults: list[Fault] = []

    def rules(said: Mapping[str, Any], *at: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key, value in said.items():
            row = fields.ours(key) or fields.theirs(key)
            if row is None:
                path = ("remotes", name, "fill", *at, key)
                known = [name for one in fields for name in (one.ours, one.theirs)]
                faults.append(Fault(
                    f'No field "{key}" stands in the table of {name}.',
                    line=file.document.line(path), path=dotted(path), hint=nearest(key, known),
                ))  # fmt: skip
            else:
                found[row.theirs] = encoded(row, key, _value(row, value))
        return found

    table = file.config.remotes[name].fill
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    entering = {
        key.partition("=")[2].strip(): rules(value, key)
        for key, value in table.items() if isinstance(value, dict)
    }  # fmt: skip
    return Fill(create=rules(plain), entering=entering), faults


def _value(row: Field, value: str | list[str]) -> Value:
    if row.kind.many:
        return frozenset([value] if isinstance(value, str) else value)
    return value if isinstance(value, str) else ", ".join(value)
