"""The person's own editor over a file; what was written there is never lost."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from prophet_hub.cli.desk import Desk
from prophet_hub.errors import HubError, UsageError

__all__ = ["edited"]

_FALLBACK = "vi"


@contextlib.contextmanager
def edited(desk: Desk, text: str, *, again: str, ending: str = ".txt") -> Iterator[str]:
    """Opens the text in the editor; gives what it became, for the block to act on.

    The file is removed when the block is done.  If the block fails, the file stays, and the error
    names it.

    Args:
        desk: Who is there.
        text: What the editor shows.
        again: The command that takes the file, to follow "--file PATH".
        ending: Of the file's name.

    Raises:
        UsageError: There is no editor, or it failed.
    """
    command = _editor(desk)
    handle, name = tempfile.mkstemp(prefix="prophet-hub-", suffix=ending)
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    kept = False
    try:
        _run(command, path)
        try:
            found = path.read_bytes().decode()
        except UnicodeDecodeError:
            raise UsageError("What the editor left is no UTF-8.") from None
        yield found.replace("\r\n", "\n")
    except HubError as error:
        kept = path.exists() and path.read_bytes() != text.encode()
        if kept:
            error.hint = f"{error.hint} Your words are kept: {again} --file {path}".strip()
        raise
    except BaseException:
        kept = True
        desk.tell(f"prophet-hub: your words are kept in {path}")
        raise
    finally:
        if not kept:
            path.unlink(missing_ok=True)


def _editor(desk: Desk) -> list[str]:
    told = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not told and not desk.asks:
        raise UsageError("Nothing was said, and nobody is there to ask.",
                         hint="Give --message TEXT, NAME=VALUE or --file -, or set EDITOR.")  # fmt: skip
    return shlex.split(told or _FALLBACK)


def _run(command: list[str], path: Path) -> None:
    try:
        code = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603 - the person's own editor
    except OSError as error:
        raise UsageError(
            f'The editor "{command[0]}" cannot be started: {error.strerror}.', hint="Set EDITOR."
        ) from error
    if code:
        raise UsageError(f"The editor ended with {code}; nothing was done.")
