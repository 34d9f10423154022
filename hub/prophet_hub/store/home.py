"""Where a database lives: machine, path and file.

A database that finds itself in a new home was copied, moved or restored; its twin may still be
writing under the same origin, so it takes a new one at once (design, section 4).
"""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

__all__ = ["home_of"]

_MACHINE_ID = Path("/etc/machine-id")  # systemd's machine-id(5); absent on other systems


def home_of(path: Path) -> str:
    """Returns the home of the existing file at the path, one line of text."""
    machine = ""
    with contextlib.suppress(OSError):
        machine = _MACHINE_ID.read_text(encoding="ascii").strip()
    stat = path.stat()
    return f"{machine or platform.node()}:{stat.st_dev}:{stat.st_ino}:{path.resolve()}"
