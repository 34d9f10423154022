"""Keeps imports that no command needs off the way to the first line of output.

typer 0.26 and later read every value through pydantic, whose import alone takes longer than all of
`show` may.  Texts, numbers, paths and lists of texts need none of it: they are read here, and what
is anything else is left to typer.  Where typer keeps no such reader, nothing is done.

msgspec asks for typing_extensions, and does without where there is none; the law of merging takes
less time than that import.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

__all__ = ["QUERYING", "msgspec_alone", "quicken"]

QUERYING: dict[str, Any] = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
"""Of commands that take a query: `-label:wontfix` is a word of it, no row of options."""

_PLAIN: dict[Any, type] = {str: str, Path: Path, int: int, float: float}
_LISTS: dict[Any, type] = {list[str]: str, list[int]: int}
_EXTENSIONS = "typing_extensions"
_SLOT = "_runtime_param"


def msgspec_alone() -> None:
    """Imports msgspec without typing_extensions, which others may import afterwards."""
    if _EXTENSIONS not in sys.modules and "msgspec" not in sys.modules:
        sys.modules[_EXTENSIONS] = None  # type: ignore[assignment]  # how Python says "not there"
        try:
            import msgspec  # noqa: F401, PLC0415 - the import is the point
        finally:
            del sys.modules[_EXTENSIONS]


def quicken(command: Any) -> None:
    """Gives every parameter of a command, and of those below it, a reader that imports nothing."""
    for param in command.params:
        _quicken(param)
    made = command.get_help_option  # the option --help, made when the words are read

    def help_option(ctx: Any) -> Any:
        return _quicken(made(ctx))

    command.get_help_option = help_option
    for below in getattr(command, "commands", {}).values():
        quicken(below)


def _quicken(param: Any) -> Any:
    if getattr(param, _SLOT, ...) is None:
        setattr(param, _SLOT, _Reader())
    return param


class _Reader:
    """Reads the values of one parameter; stands where typer would put its own reader."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Returns the value as the command wants it.

        Raises:
            BadParameter: It is no such value.
        """
        wanted = param.type_descriptor.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if wanted in _PLAIN:
            return _read(value, _PLAIN[wanted], param, ctx)
        if wanted in _LISTS and not isinstance(value, str):
            return [_read(one, _LISTS[wanted], param, ctx) for one in value]
        setattr(param, _SLOT, None)
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _read(value: Any, wanted: type, param: Any, ctx: Any) -> Any:
    import typer  # noqa: PLC0415 - loaded by now; msgspec_alone is used without it

    try:
        found = wanted(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is no number.", ctx=ctx, param=param) from None
    least = getattr(param.type_descriptor.parameter_info, "min", None)
    if least is not None and found < least:
        raise typer.BadParameter(f"{value} is less than {least}.", ctx=ctx, param=param)
    return found
