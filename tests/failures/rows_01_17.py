"""F1 to F17: doubles, echoes, cursors, clocks, absences, moves, comments and files."""

from __future__ import annotations

from failures.table import Failure

ROWS: tuple[Failure, ...] = ()
