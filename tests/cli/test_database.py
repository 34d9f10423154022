"""`database`: is it whole, and what is in it."""

from __future__ import annotations

import sqlite3

import pytest

from prophet_hub.cli.database import _Meter, _size
from prophet_hub.cli.desk import Desk


@pytest.fixture
def here(hub):
    """Two tickets, one of them deleted, and a comment."""
    hub("ticket create Printer status=open -m Flames")
    hub("ticket create Coffee")
    hub("ticket comment 1 -m Hello")
    hub("ticket delete 2")
    return hub


def harm(hub, sql):
    connection = sqlite3.connect(hub.folder / "hub.db")
    connection.execute(sql)
    connection.commit()
    connection.close()


def test_a_whole_database_is_said_to_be(here):
    said = here("database check")

    assert (said.code, said.err) == (0, "")
    assert said.out == "Nothing is wrong: 4 changesets were checked.\n"
    assert here("database check --json").data == {"faults": []}


def test_what_is_at_odds_is_told_and_mended(here):
    harm(here, "DELETE FROM cells WHERE prop = 'description'")

    said = here("database check")
    assert (said.code, said.out.count("description is not as its writes say.")) == (1, 1)
    assert said.err == (
        "prophet-hub: 1 fault."
        " What follows from the log is mended by prophet-hub database check --rebuild.\n"
    )
    assert len(here("database check --json").data["faults"]) == 1

    mended = here("database check --rebuild")
    assert (mended.code, mended.err) == (0, "Derived anew from 4 changesets.\n")
    assert here("tickets flames --json").data[0]["number"] == 1


def test_a_harmed_log_is_not_mended(here):
    harm(here, "UPDATE entries SET running = x'00' WHERE number = 2")

    said = here("database check --rebuild")
    assert said.code == 1
    assert "Entry 2 does not have the hash under which it stands." in said.out
    assert "restore a backup, or clone from a peer" in said.err

    harm(here, "UPDATE entries SET raw = x'00' WHERE number = 2")
    said = here("database check --rebuild")
    assert (said.code, said.out) == (1, "")
    assert "Entry 2 cannot be read, so nothing can be derived from the log." in said.err


def test_statistics_count_records_and_sizes(here):
    harm(here, "UPDATE entries SET reason = 'no seal', raw = x'00' WHERE number = 3")

    found = here("database stats --json").data
    assert found["records"] == {"comment": 1, "ticket": 1}
    assert found["deleted"] == {"ticket": 1}
    assert (found["entries"], found["origins"], found["quarantine"]) == (4, 1, 1)
    assert (found["conflicts"], found["wanted"]) == (0, 0)
    assert sum(found["months"].values()) == 3
    sizes = found["sizes"]
    assert sum(sizes.values()) - sizes["blobs"] in (sizes["file"], 2 * sizes["file"])  # with parts
    assert found["per_ticket"] == sizes["file"] // 2


def test_statistics_are_shown(here):
    out = here("database stats").out

    assert "records of type ticket       1, 1 deleted\n" in out
    assert "the index of searches" in out
    assert "per ticket" in out


def test_an_empty_database_has_statistics_too(hub):
    hub("ticket create One")
    hub("aliases set x y")
    harm(hub, "DELETE FROM entries")

    assert hub("database stats").code == 0


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.5e15, "2500.0 TB")]
)
def test_sizes_are_told_for_people(size, said):
    assert _size(size) == said


@pytest.mark.parametrize("lively", [True, False])
def test_long_work_shows_how_far_it_is(monkeypatch, capsys, lively):
    now = [0.0]
    monkeypatch.setattr("prophet_hub.cli.database.time.monotonic", lambda: now[0])
    monkeypatch.setattr("sys.stderr.isatty", lambda: lively)
    with _Meter(Desk(), "checked") as meter:
        meter.step(1, 1000)
        now[0] = 11
        meter.step(500, 1000)
        meter.step(600, 1000)
        now[0] = 22
        meter.step(1000, 1000)

    err = capsys.readouterr().err
    assert err.replace("\r\x1b[K", "|") == (
        "|500 of 1,000 checked ...|1,000 checked ...|"
        if lively
        else "500 of 1,000 checked ...\n1,000 checked ...\n"
    )
