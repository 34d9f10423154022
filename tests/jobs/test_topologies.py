"""Lines, stars, rings, and trackers under several names: nothing lost on the way, nothing doubled."""

from __future__ import annotations

import pytest

from jobs import memory
from jobs.topology import Crash, Office, bodies, doubled, item, live, summaries
from prophet_hub.errors import Busy, ConfigError
from prophet_hub.jobs.locks import locked
from prophet_hub.testing.tracker import Knobs, Tracker


@pytest.fixture
def site(tmp_path):
    """Makes trackers `a` to `d`, and the connector that finds them."""
    folder = tmp_path / "site"
    folder.mkdir()
    with memory.registered(folder):
        memory.TRACKERS.update({name: Tracker(name) for name in "abcd"})
        memory.TRACKERS["A/"] = memory.TRACKERS["a"]  # another way to write its address
        yield [memory.TRACKERS[name] for name in "abcd"]


REMOTES = """
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
  c: {connector: memory, url: memory://c}
  d: {connector: memory, url: memory://d}
jobs:
"""
LINE = REMOTES + "  ab: {remotes: [a, b]}\n  bc: {remotes: [b, c]}\n  cd: {remotes: [c, d]}\n"
STAR = REMOTES + "  ab: {remotes: [a, b]}\n  ac: {remotes: [a, c]}\n  ad: {remotes: [a, d]}\n"
RING = LINE + "  da: {remotes: [d, a]}\n"
WAY = REMOTES + "".join(
    f"  {one}{two}: {{remotes: {{{one}: {{direction: pull}}, {two}: {{direction: push}}}}}}\n"
    for one, two in ("ab", "bc", "cd", "da")
)
ALL = REMOTES + "  all: {remotes: [a, b, c, d]}\n"


def worked(trackers, first=0):
    """Somebody works in every tracker: a ticket with a comment and a file."""
    for number, tracker in enumerate(trackers, first):
        ref = tracker.create("jesse", {"summary": f"t{number}", "status": "open"})
        tracker.comment("ann", ref, f"c{number} is said")
        tracker.attach("bob", ref, f"f{number}.txt", f"f{number}".encode())


@pytest.mark.parametrize(
    "text", [LINE, STAR, RING, WAY, ALL], ids=["line", "star", "ring", "way", "all"]
)
def test_everything_arrives_everywhere_once(site, tmp_path, text):
    office = Office(tmp_path / "hub", text)
    worked(site)
    office.settle()
    jobs = list(office.file.config.jobs)

    assert [summaries(tracker) for tracker in site] == [["t0", "t1", "t2", "t3"]] * 4
    assert doubled(site) == []
    for number in range(4):
        assert {str(bodies(t, f"t{number}")) for t in site} == {f"[('ann', 'c{number} is said')]"}
    writes = [tracker.writes for tracker in site]
    assert office.round(*reversed(jobs)) == 0
    assert [tracker.writes for tracker in site] == writes
    assert (office.conflicts(), office.inbox()) == ([], [])


@pytest.mark.parametrize(
    "text", [LINE, STAR, RING, WAY, ALL], ids=["line", "star", "ring", "way", "all"]
)
def test_what_is_edited_at_one_end_is_edited_at_the_other(site, tmp_path, text):
    office = Office(tmp_path / "hub", text)
    worked(site)
    office.settle()
    for tracker in site:
        tracker.now += 60
    a, _, _, d = site
    a.update("cid", item(a, "t3").id, {"status": "resolved"})
    d.update(
        "cid", item(d, "t0").id, {"summary": "t0 again"}, added={"depends_on": [item(d, "t3").id]}
    )
    d.edit_comment("ann", item(d, "t3").id, item(d, "t3").comments[0].id, "c3 is said better")
    office.settle()

    for tracker in site:
        assert item(tracker, "t3").fields["status"] == "resolved"
        assert item(tracker, "t0").fields["summary"] == "t0 again"
        assert item(tracker, "t0").fields["depends_on"] == {item(tracker, "t3").id}
        assert bodies(tracker, "t3") == [("ann", "c3 is said better")]
    assert (doubled(site), office.conflicts(), office.inbox()) == ([], [], [])


def test_a_job_tells_on_what_another_job_brought_if_its_own_query_tells_it(site, tmp_path):
    narrow = "  bc: {remotes: {b: {query: labels=out}, c: {}}}\n"
    office = Office(tmp_path / "hub", REMOTES + "  ab: {remotes: [a, b]}\n" + narrow)
    a, b, c, _ = site
    a.create("jesse", {"summary": "t0", "labels": frozenset({"out"})})
    a.create("jesse", {"summary": "t1"})
    office.settle()

    assert (summaries(b), summaries(c)) == (["t0", "t1"], ["t0"])


def test_a_job_that_was_not_run_for_a_while_has_nothing_to_double(site, tmp_path):
    office = Office(tmp_path / "hub", RING)
    worked(site[:1])
    office.settle("ab", "da")
    worked(site[1:2], 1)
    office.settle("da", "ab", "cd")
    office.settle()

    assert doubled(site) == []
    assert [len(live(tracker)) for tracker in site] == [2] * 4


def test_files_that_one_job_does_not_carry_are_brought_by_the_one_that_does(site, tmp_path):
    text = REMOTES + (
        "  carries: {remotes: {a: {}, c: {creates: no}}}\n"
        "  makes: {remotes: [a, c], attachments: no}\n"
    )
    office = Office(tmp_path / "hub", text)
    worked(site[:1])
    office.sync("carries")
    office.sync("makes")
    office.settle()

    assert [file.data for file in item(site[2], "t0").attachments] == [b"f0"]


def test_a_reference_leads_to_the_twin_through_many_jobs(site, tmp_path):
    memory.TRACKERS.update({name: Tracker(name, Knobs(refers=True)) for name in "abcd"})
    a, *others = there = [memory.TRACKERS[name] for name in "abcd"]
    for number, tracker in enumerate(others):
        for _ in range(number + 1):  # so that a ticket has another number in each
            tracker.create("jesse", {"summary": "apart"})
    ref = a.create("jesse", {"summary": "t1"})
    a.create("jesse", {"summary": "t2", "description": f"as #{ref}"})
    a.comment("ann", item(a, "t2").id, f"c3 is said of #{ref}")
    office = Office(tmp_path / "hub", LINE)
    office.settle()
    for tracker in there:
        twin = f"#{item(tracker, 't1').id}"
        assert item(tracker, "t2").fields["description"] == f"as {twin}"
        assert bodies(tracker, "t2") == [("ann", f"c3 is said of {twin}")]

    d = there[-1]
    d.now += 60
    d.update("bob", item(d, "t2").id, {"description": f"not as #{item(d, 't1').id}"})
    office.settle()
    for tracker in there:
        assert item(tracker, "t2").fields["description"] == f"not as #{item(tracker, 't1').id}"


# --- one tracker under several names ---

NAMES = """
remotes:
  support: {connector: memory, url: "memory://a", query: queue=support}
  dev: {connector: memory, url: "memory://A/", query: queue=dev, values: {status: {done: resolved}}}
  b: {connector: memory, url: "memory://b"}
  c: {connector: memory, url: "memory://c"}
jobs:
"""
APART = NAMES + "  one: {remotes: [support, c]}\n  two: {remotes: [dev, c]}\n"
WIDER = NAMES + "  wide: {remotes: [support, dev, c]}\n"


def queues(tracker):
    return [
        tracker.create("jesse", {"summary": "t0", "queue": "support", "status": "open"}),
        tracker.create("jesse", {"summary": "t1", "queue": "dev", "status": "open"}),
    ]


@pytest.mark.parametrize("text", [APART, WIDER], ids=["apart", "wider"])
def test_a_ticket_that_moves_between_two_queues_of_a_tracker_is_one(site, tmp_path, text):
    office = Office(tmp_path / "hub", text)
    a, _, c, _ = site
    first, second = queues(a)
    office.settle()
    for tracker in site:
        tracker.now += 60
    a.update("jesse", first, {"queue": "dev"})
    a.update("jesse", second, {"queue": "support"})
    a.comment("ann", first, "c5 is said")
    office.settle()

    assert (summaries(a), summaries(c)) == (["t0", "t1"], ["t0", "t1"])
    assert bodies(c, "t0") == [("ann", "c5 is said")]
    assert (doubled(site), office.conflicts(), office.inbox()) == ([], [], [])


@pytest.mark.parametrize("text", [APART, WIDER], ids=["apart", "wider"])
def test_each_ticket_is_written_by_the_name_that_told_it_and_once(site, tmp_path, text):
    office = Office(tmp_path / "hub", text)
    a, _, c, _ = site
    queues(a)
    office.settle()
    for tracker in site:
        tracker.now += 60
    c.update("ann", item(c, "t0").id, {"status": "resolved"})
    c.update("ann", item(c, "t1").id, {"status": "resolved"})
    c.comment("ann", item(c, "t1").id, "c5 is said")
    done = office.settle() or office.planned

    assert item(a, "t0").fields["status"] == "resolved"
    assert item(a, "t1").fields["status"] == "done"  # as dev has it
    assert bodies(a, "t1") == [("ann", "c5 is said")]
    assert done == []
    assert (doubled(site), office.conflicts(), office.inbox()) == ([], [], [])


def test_a_ticket_made_elsewhere_is_created_through_the_first_name(site, tmp_path):
    office = Office(tmp_path / "hub", WIDER)
    a, _, c, _ = site
    worked([c])
    office.run("wide")
    creates = [p for p in office.planned if p.verb == "create" and p.ref.kind == "ticket"]
    office.settle()

    assert [p.remote for p in creates] == ["support"]
    assert (summaries(a), doubled(site)) == (["t0"], [])


def test_a_name_added_later_reads_what_its_own_query_tells(site, tmp_path):
    office = Office(tmp_path / "hub", NAMES + "  wide: {remotes: [support, c]}\n")
    a, _, c, _ = site
    queues(a)
    office.settle()
    a.now += 60
    a.comment("ann", "1", "c7 is said")
    office.settle()
    office.write(WIDER)
    office.settle()

    assert summaries(c) == ["t0", "t1"]
    assert (doubled(site), office.conflicts(), office.inbox()) == ([], [], [])


def test_a_job_inside_of_one_tracker_is_refused(site, tmp_path):
    office = Office(tmp_path / "hub", NAMES + "  both: {remotes: [support, dev]}\n")
    with pytest.raises(ConfigError) as refused:
        office.sync("both")
    (fault,) = refused.value.faults
    assert fault.sentence == (
        "support and dev are one tracker: its tickets are not copied inside of it."
    )
    assert "part: NAME" in fault.hint


def test_two_parts_of_a_server_are_copied_to_one_another(site, tmp_path):
    text = NAMES.replace("query: queue=dev", "query: key=y, part: dev")
    office = Office(tmp_path / "hub", text + "  both: {remotes: [support, dev]}\n")
    queues(site[0])
    office.sync("both")

    assert summaries(site[0]) == ["t0", "t0", "t1"]


def test_a_run_holds_every_name_of_its_trackers(site, tmp_path):
    office = Office(tmp_path / "hub", APART)
    with (
        locked(office.folder / "x" / ".locks", ["dev"], "another", sleep=lambda _: None),
        pytest.raises(Busy),
    ):
        office.sync("one")


def test_another_name_s_query_does_not_prove_that_a_create_never_was(site, tmp_path):
    text = APART.replace("queue=support", "labels=x").replace("queue=dev", "labels=y")
    for crash in range(1, 30):
        a, c = Tracker("a", Knobs(keys=frozenset())), Tracker("c")
        memory.TRACKERS.update({"a": a, "A/": a, "c": c})
        c.create("jesse", {"summary": "t0", "labels": frozenset({"x"})})
        office = Office(tmp_path / str(crash), text)
        try:
            office.run("one", crash=crash)
        except Crash:
            office.sync("two")
            office.settle()
            assert doubled([a, c]) == [], crash
        else:
            break
    assert crash > 5


def test_what_is_in_a_ticket_goes_with_it_to_the_name_that_writes_it_from_now_on(site, tmp_path):
    text = """
remotes:
  read: {connector: memory, url: memory://a, query: labels=x}
  mine: {connector: memory, url: memory://a, query: labels=y}
  b: {connector: memory, url: memory://b}
jobs:
  wide: {remotes: {read: {direction: pull}, mine: {}, b: {}}}
"""
    a, b, *_ = site
    office = Office(tmp_path / "hub", text)
    ref = b.create("jesse", {"summary": "t0", "labels": frozenset({"x"})})
    office.settle()
    b.comment("ann", ref, "c0 is said")
    b.attach("bob", ref, "f0.txt", b"f0")
    office.settle()
    assert bodies(a, "t0") == []

    a.update("cid", item(a, "t0").id, added={"labels": {"y"}})
    office.settle()
    assert bodies(a, "t0") == [("ann", "c0 is said")]
    assert [file.data for file in item(a, "t0").attachments] == [b"f0"]
