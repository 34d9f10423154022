"""Cold start of commands, against the start of a bare interpreter in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from prophet_hub.engine.replica import Replica
from prophet_hub.model.ids import RecordId, fresh

ROUNDS = 15
HUB = str(Path(sys.executable).with_name("prophet-hub"))


def seconds(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "hub.db"
        replica = Replica.open(database, clock=lambda: 1)
        replica.edit(RecordId(fresh()), "ticket", {("summary", ""): "Cold"}, author="bench")
        replica.close()
        commands = {
            "floor": (sys.executable, "-c", "pass"),
            "help": (HUB, "--help"),
            "show": (HUB, "--database", str(database), "show", "#1"),
        }
        best = {name: float("inf") for name in commands}
        for _ in range(ROUNDS):  # interleaved, so that a noisy moment hits all alike
            for name, command in commands.items():
                best[name] = min(best[name], seconds(*command))
    for name in ("help", "show"):
        print(
            json.dumps(
                {
                    "name": f"cold start of {name}",
                    "value": round(best[name] * 1000, 1),
                    "unit": "ms (least of 15)",
                    "ratio": round(best[name] / best["floor"], 2),
                }
            )
        )


if __name__ == "__main__":
    main()
