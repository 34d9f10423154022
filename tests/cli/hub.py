"""Commands as a person types them, in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from jobs import memory
from prophet_hub.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


class Hub:
    """A folder with a job file and a database, and the trackers behind it."""

    def __init__(self, folder: Path, capsys) -> None:
        self.folder, self._capsys = folder, capsys
        self.trackers, self.boundaries = memory.TRACKERS, memory.BOUNDARIES

    @property
    def a(self):
        return self.trackers["a"]

    @property
    def b(self):
        return self.trackers["b"]

    def __call__(self, words: str, *more: str) -> Said:
        self._capsys.readouterr()
        code = main(["--database", str(self.folder / "hub.db"), *words.split(), *more])
        out, err = self._capsys.readouterr()
        return Said(code, out, err)

    def job_file(self, text: str) -> None:
        (self.folder / "prophet-hub.yaml").write_text(text)

    def synced(self, **fields: str) -> str:
        """Makes a ticket in `a`, syncs it to `b`, returns its id in `a`."""
        made = self.a.create("jesse", {"summary": "Printer on fire", "status": "open", **fields})
        assert self("sync a b --yes --quiet").code == 0
        return made
