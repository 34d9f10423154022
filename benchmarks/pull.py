"""First pull of 2,000 tickets with comments, against the same requests made by a bare session.

The fake is served by another process. The bare side sends the very requests that the hub sent, at
the hub's concurrency, one session a thread, and throws the answers away.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from served import PASSWORD, USER, clock, connect, foreign, rt, told

from prophet_hub.engine.replica import Replica

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
ROUNDS = 2


def hub(url: str) -> tuple[float, list[str]]:
    """Returns the seconds of a first pull and the addresses that it asked for."""
    asked: list[str] = []
    real = requests.Session.send

    def send(session: requests.Session, request: requests.PreparedRequest, **words: object):
        if request.method == "GET":
            asked.append(request.url)
        return real(session, request, **words)

    with tempfile.TemporaryDirectory() as folder:
        replica = Replica.open(Path(folder) / "hub.db", clock=clock)
        one = connect(url)
        requests.Session.send = send
        try:
            start = time.perf_counter()
            count = sum(step.error is None for step in foreign(replica, one).pull())
            took = time.perf_counter() - start
        finally:
            requests.Session.send = real
            one.close()
            replica.close()
    if count != COUNT:
        sys.exit(f"{count} tickets were pulled, not {COUNT}")
    return took, asked


def bare(url: str, asked: list[str], concurrency: int) -> float:
    local = threading.local()
    cookies = requests.post(
        f"{url}/REST/1.0/", data={"user": USER, "pass": PASSWORD}, timeout=30
    ).cookies

    def get(address: str) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.cookies = cookies.copy()
            local.session.headers["User-Agent"] = "bare"
        answer = local.session.get(address, timeout=30)
        answer.raise_for_status()

    start = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(get, asked))
    return time.perf_counter() - start


def main() -> None:
    with rt(COUNT) as url:
        hubs, bares = [], []
        concurrency = connect(url).capabilities.concurrency
        for _ in range(ROUNDS):  # interleaved, so that a noisy moment hits both alike
            took, asked = hub(url)
            hubs.append(took)
            bares.append(bare(url, asked, concurrency))
    told(
        f"first pull of {COUNT} tickets", round(COUNT / min(hubs), 1), "tickets/s",
        round(min(hubs) / min(bares), 2), requests_per_ticket=round(len(asked) / COUNT, 2),
        seconds=round(min(hubs), 2), bare_seconds=round(min(bares), 2),
    )  # fmt: skip


if __name__ == "__main__":
    main()
