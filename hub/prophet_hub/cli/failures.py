"""Errors as text: one sentence with its remedy on standard error, and the exit code. Nowhere else."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import TYPE_CHECKING

import typer

from prophet_hub.cli.tables import harmless
from prophet_hub.errors import (
    AuthFailed,
    ConfigError,
    Garbled,
    HubError,
    NotFound,
    RateLimited,
    Rejected,
    RemoteError,
    Stale,
    Transient,
    Unsupported,
    Unsure,
)

if TYPE_CHECKING:
    from prophet_hub.cli.desk import Desk

__all__ = ["sentence", "told"]

_REMEDIES: dict[type[HubError], str] = {
    AuthFailed: "Look at its credentials and rights with prophet-hub check.",
    Transient: "Nothing was lost: run again when it answers.",
    RateLimited: "Run again later: the next run carries on.",
    Garbled: "Run again; if it stays, look at the address and at what stands between.",
    NotFound: "Look whether it was moved, or hidden from the hub's account.",
    Rejected: "Look at what it says; the next run carries on.",
    Stale: "Run again: the next run reads first.",
    Unsure: "Run again: the next run looks before it writes.",
    Unsupported: "Leave it out of the job, or ask for it in the connector.",
}
"""What to do where a connector's error does not say it."""

_USAGE = 2


def sentence(error: HubError) -> str:
    """Returns an error as one sentence: the remote, what happened, what to do next."""
    remote = error.remote if isinstance(error, RemoteError) else ""
    what = error.sentence.strip()
    if remote and not what.startswith(remote):
        what = f"{remote}: {what}"
    if what and what[-1] not in ".!?":
        what += "."
    hint = error.hint or next(
        (_REMEDIES[kind] for kind in type(error).__mro__ if kind in _REMEDIES), ""
    )
    return f"{what} {hint}".strip()


def told(error: Exception, desk: Desk) -> int:
    """Prints an error and returns the exit code that it leads to."""
    if desk.verbose and not isinstance(error, _ClickError):
        traceback.print_exception(error)
    match error:
        case typer.Abort():
            _print("prophet-hub: nothing was done.")
            return 130
        case _ClickError():
            return _of_words(error)
        case ConfigError():
            _print(_faults(error))
            return error.exit_code
        case HubError():
            _print(f"prophet-hub: {sentence(error)}")
            return error.exit_code
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT):
            _print("prophet-hub: The disk is full. Free some space and run again.")
        case OSError() if error.filename:
            _print(
                f"prophet-hub: {error.filename}: {error.strerror}. Look at its name and its rights."
            )
        case _:
            _print(
                f"prophet-hub: This should not have happened: {type(error).__name__}: {error}. "
                "Run again with --verbose and report what it says."
            )
    return 1


_ClickError: type[Exception] = typer.BadParameter.__mro__[2]
"""The base of typer's complaints about words; it has no public name of its own."""


def _of_words(error: Exception) -> int:
    """Prints a complaint about the words of a command; bare groups print their help."""
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        _print(message)
        return _USAGE
    where = context.command_path if context else "prophet-hub"
    message += "" if message.endswith((".", "?")) else "."
    _print(f"prophet-hub: {message} See {where} --help.")
    return _USAGE


def _faults(error: ConfigError) -> str:
    lines = [f"prophet-hub: {error.sentence}{f' {error.hint}' if error.hint else ''}"]
    for fault in error.faults:
        where = f"line {fault.line}: " if fault.line else ""
        path = f"{fault.path}: " if fault.path else ""
        lines.append(f"  {where}{path}{fault}")
    return "\n".join(lines)


def _print(text: str) -> None:
    print(harmless(text), file=sys.stderr)  # noqa: T201 - cli prints
