"""What became of a run, and the exit code it leads to."""

from __future__ import annotations

from contextlib import closing

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import AuthFailed, Transient
from prophet_hub.foreign.steps import Applied, Outcome, Planned, Pulled, Verb
from prophet_hub.jobs.report import RemoteReport, Report, keep, new_run, runs
from prophet_hub.sdk import Ref

REF = Ref(id="1")
PLAN = Planned(remote="a", verb=Verb.UPDATE, record=b"r", ref=REF, requests=2)


def report():
    return Report(run="1", job="j", started=1, remotes={"a": RemoteReport(name="a")})


def test_counts():
    found = report()
    for outcome in Outcome:
        found.pulled(Pulled(remote="a", ref=REF, outcome=outcome))
        found.applied(Applied(planned=PLAN, outcome=outcome))
    found.planned(PLAN)

    assert found.remotes["a"] == RemoteReport(
        name="a", read=10, news=2, held=1, planned=1, requests=2, written=2, failed=6, put_off=2
    )
    assert (found.written, found.failed) == (2, 6)


@pytest.mark.parametrize(
    ("state", "change", "code"),
    [
        ("done", lambda r: None, 0),
        ("done", lambda r: setattr(r, "conflicts", 2), 3),
        ("done", lambda r: setattr(r.remotes["a"], "failed", 1), 1),
        ("done", lambda r: r.broke("a", Transient("No.")), 1),
        ("done", lambda r: r.broke("a", AuthFailed("No.")), 2),
        ("braked", lambda r: setattr(r, "conflicts", 2), 4),
        ("braked", lambda r: r.broke("a", AuthFailed("No.")), 2),
        ("interrupted", lambda r: setattr(r, "conflicts", 2), 130),
    ],
)
def test_the_exit_code_is_the_first_that_holds(state, change, code):
    found = report()
    change(found)

    found.finish(state, 9)

    assert (found.exit, found.ended, found.state) == (code, 9, state)


def test_runs_are_kept_and_numbered():
    with closing(Replica.open(":memory:", clock=lambda: 5)) as replica:
        for job in "abcdefghijkl":
            last = new_run(replica, job, lambda: 7)
        last.finish("done", 8)
        keep(replica, last)
        found = list(runs(replica))

    assert [one.run for one in found] == [str(n) for n in range(12, 0, -1)]
    assert found[0] == last
    assert found[1].state == "running"
    assert found[0].data()["job"] == "l"
