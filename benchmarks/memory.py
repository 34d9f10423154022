"""The hub's own peak memory for a first pull of 2,000 and of 20,000 tickets from another process.

Each pull is a process of its own, so that its peak is its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from served import clock, connect, foreign, rt, told

from prophet_hub.engine.replica import Replica

SIZES = (2_000, 20_000)


def pull(url: str) -> None:
    """Pulls everything and prints the peak in KiB."""
    with tempfile.TemporaryDirectory() as folder:
        replica = Replica.open(Path(folder) / "hub.db", clock=clock)
        one = connect(url)
        for _ in foreign(replica, one).pull():
            pass
        one.close()
        replica.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    peaks = []
    for size in SIZES:
        with rt(size, comments=1, attachments=0) as url:
            done = subprocess.run([sys.executable, __file__, url], check=True, capture_output=True)
        peaks.append(int(done.stdout))
        told(
            f"peak memory of a first pull of {size} tickets", round(peaks[-1] / 1024, 1), "MiB",
            round(peaks[-1] / peaks[0], 2),
        )  # fmt: skip


if __name__ == "__main__":
    pull(sys.argv[1]) if len(sys.argv) > 1 else main()
