"""Runs every benchmark, each in a process of its own; one JSON object per measurement.

make bench                      all of them
make bench ARGS="cold idle"     some of them
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALL = (
    "integration", "clone", "search", "conflicts", "pull", "idle", "memory", "attachment", "cold",
    "trackers",
)  # fmt: skip


def main() -> int:
    failed = 0
    for name in sys.argv[1:] or ALL:
        failed |= subprocess.run([sys.executable, HERE / f"{name}.py"], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
