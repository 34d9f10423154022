"""A 200 MB attachment passes from one RT to another through a hub: its peak memory, and the time.

Both fakes are processes of their own. The floor is the time in which `requests` reads the same bytes
from the first and throws them away.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests
from served import PASSWORD, TESTS, told

MB = 1_000_000
SIZE = 200 * MB
PIECE = bytes(range(250)) * 4000
HUB = Path(sys.executable).with_name("prophet-hub")
JOB = """
remotes:
  one: {{connector: rt, url: {one}, user: hub, password: env:BENCH_PASSWORD}}
  two: {{connector: rt, url: {two}, user: hub, password: env:BENCH_PASSWORD}}
jobs: {{}}
"""


def make_app(size: int):
    """Returns a fake RT, with one ticket and one file of so many bytes if size is not 0."""
    from fakes import rt  # noqa: PLC0415 - only in the served process

    tracker = rt.RTTracker()
    if size:
        ticket = tracker.create("jesse", {"Subject": "A large file", "Content": "See there."})
        tracker.attach("jesse", ticket, "large.bin", PIECE * (size // len(PIECE)))
    fake = rt.RTFake(tracker)

    def app(environ, start_response):
        if environ["PATH_INFO"] not in {"/digest", "/raw"}:
            return fake(environ, start_response)
        files = [a.data for i in tracker.items.values() for a in i.attachments]
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/raw":
            return files
        return [" ".join(hashlib.sha256(data).hexdigest() for data in files).encode()]

    return app


def serve(size: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "prophet_hub.testing.serve", "attachment:make_app", "--json", f'{{"size": {size}}}'],
        env={**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{Path(__file__).parent}"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def floor(url: str) -> float:
    start = time.perf_counter()
    with requests.get(f"{url}/raw", stream=True, timeout=30) as answer:
        got = sum(map(len, answer.iter_content(1 << 16)))
    if got != SIZE:
        sys.exit(f"{got} bytes came, not {SIZE}")
    return time.perf_counter() - start


def main() -> None:
    servers = [serve(SIZE), serve(0)]
    try:
        one, two = (server.stdout.readline().strip() for server in servers)
        bare = floor(one)
        with tempfile.TemporaryDirectory() as folder:
            job = Path(folder) / "prophet-hub.yaml"
            job.write_text(JOB.format(one=one, two=two))
            words = [
                "--database",
                f"{folder}/hub.db",
                "--config",
                job,
                "sync",
                "one",
                "two",
                "--yes",
                "--quiet",
            ]
            start = time.perf_counter()
            hub = subprocess.Popen([HUB, *words], env={**os.environ, "BENCH_PASSWORD": PASSWORD})
            _, status, usage = os.wait4(hub.pid, 0)
            hub.returncode = os.waitstatus_to_exitcode(status)
            took = time.perf_counter() - start
        digests = [requests.get(f"{url}/digest", timeout=30).text.split() for url in (one, two)]
    finally:
        for server in servers:
            server.stdin.close()
            server.wait()
            server.stdout.close()
    if hub.returncode or digests[0] != digests[1] or len(digests[1]) != 1:
        sys.exit(f"the file did not arrive whole: exit code {hub.returncode}, {digests}")
    told(
        f"peak memory for an attachment of {SIZE // MB} MB",
        round(usage.ru_maxrss / 1024, 1),
        "MiB",
        None,
    )
    told(f"attachment of {SIZE // MB} MB, RT to RT", round(took, 2), "s", round(took / bare, 2))


if __name__ == "__main__":
    main()
