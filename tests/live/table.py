"""The table of what every pair took: written pair by pair, shown when all is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

__all__ = ["Row", "Table"]


@dataclass(frozen=True, slots=True)
class Row:
    """What one pair took."""

    pair: str
    tickets: int
    comments: int
    files: int
    conflicts: int
    requests: int
    seconds: float
    idle_requests: int
    second_run_writes: int


class Table:
    """Lines of a file, for the pairs may run in several processes."""

    def __init__(self, root: Path) -> None:
        self.path = root / ".cache/pairs.md"

    def begin(self) -> None:
        self.path.unlink(missing_ok=True)

    def add(self, row: Row) -> None:
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("a") as file:
            file.write(_line(astuple(row)))

    def text(self) -> str:
        """Returns the whole table, "" if there is none."""
        if not self.path.exists():
            return ""
        names = [one.name.replace("_", " ") for one in fields(Row)]
        lines = sorted(self.path.read_text().splitlines(keepends=True))
        return _line(names) + _line(["---"] * len(names)) + "".join(lines)


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"
