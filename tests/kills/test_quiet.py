"""After a sync nothing is written any more, and little is asked: for a hundred runs."""

from __future__ import annotations

from kills.pair import PASSWORD, Pair
from prophet_hub.cli.main import main
from prophet_hub.testing.serve import within

RUNS = 100
LOGINS = (
    "/REST/1.0/",
    "/=/action/",
    "/__jifty",
    "/REST/2.0/rt",
    "/REST/2.0/user/",
    "/=/search/User",
    "/=/model/User",
)


class Counter:
    """Counts the requests of each side, log-in apart."""

    def __init__(self, app) -> None:
        self.app, self.asked = app, {"rt": [], "hm": []}

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if not path[3:].startswith(LOGINS):
            self.asked[path[1:3]].append(
                f"{environ['REQUEST_METHOD']} {path} {environ['QUERY_STRING']}"
            )
        return self.app(environ, start_response)


def test_a_hundred_quiet_runs_write_nothing_and_ask_twice_at_most(tmp_path, monkeypatch, capsys):
    """Also after the value map was changed, which moves nothing by itself."""
    monkeypatch.setenv("KILLS_PASSWORD", PASSWORD)
    pair = Pair(4)
    counter = Counter(pair.app)
    with within(counter) as url:
        job = pair.job_file(tmp_path, url)

        def sync() -> None:
            words = ["--database", str(tmp_path / "hub.db"), "--config", str(job)]
            code = main([*words, "sync", "rt-main", "hiveminder", "--yes", "--quiet"])
            assert (code, capsys.readouterr().out) == (0, "")

        sync()  # the first
        sync()  # may read back what was written
        writes = pair.rt.writes, pair.hm.writes
        for run in range(RUNS):
            if run == RUNS // 2:
                text = job.read_text().replace(
                    "concurrency: 1}", "concurrency: 1, values: {status: {open: stalled}}}", 1
                )
                job.write_text(text)
            for asked in counter.asked.values():
                asked.clear()
            sync()
            assert all(len(asked) <= 2 for asked in counter.asked.values()), (run, counter.asked)
            assert (pair.rt.writes, pair.hm.writes) == writes, run
