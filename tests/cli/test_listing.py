"""Lists: what is asked for, in pages, with a note where there is more."""

from __future__ import annotations

import sqlite3

import pytest

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.listing import query_of
from prophet_hub.errors import StoreError


@pytest.fixture
def here(hub):
    for n in range(1, 5):
        hub(f"ticket create Ticket-{n} priority={n * 3}")
    hub("ticket comment 2 -m", "The sync fails\non Mondays")
    hub("ticket close 4")
    return hub


def numbers(said):
    return [int(line.split()[0][1:]) for line in said.out.splitlines()[1:]]


def test_the_last_changed_come_first_and_no_more_than_asked_for(here):
    said = here("tickets --limit 2")

    assert numbers(said) == [3, 2]
    assert said.err == (
        "There are more than these 2: --limit N, or --limit 0 for all.\n"
        "1 closed ticket not listed: --all\n"
    )
    assert numbers(here("tickets --all --limit 3")) == [4, 3, 2]
    assert (numbers(here("tickets")), numbers(here("tickets --limit 0"))) == ([3, 2, 1], [1, 2, 3])
    assert [one["number"] for one in here("tickets --json --all").data] == [1, 2, 3, 4]
    assert [one["number"] for one in here("tickets --json --limit 1").data] == [3]


def test_queries_filters_and_patterns_narrow_together(here):
    def found(*words):
        return [one["number"] for one in here("tickets --json", *words).data]

    assert found("sync") == [2]
    assert found("sync fails") == [2]
    assert found("-nix", "fails sync") == []
    assert found("--where", "priority=9", "ticket*") == [3]
    assert found("ticket* OR nix", "--where", "status=new", "--sort=-priority") == [3, 2, 1]
    assert found("--regex", "sync.*\n.*mondays") == [2]
    assert found("--regex", "ticket-[14]", "status:new") == [1]
    assert found("--where", "summary=Ticket-1") == [1]
    assert found("--where", "summary=Ticket") == []
    assert found("--where", "owner=", "--sort", "id", "--all") == [1, 2, 3, 4]
    assert found("--type", "comment", "sync") == [5]
    here("ticket delete 1")
    assert found("--deleted") == [1]


def test_a_query_that_cannot_be_read_is_shown_with_a_caret(here):
    said = here("tickets", "status:open (ticket-1")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "prophet-hub: The query cannot be read here:\n"
        "  status:open (ticket-1\n"
        "                       ^\n"
        "A bracket is not closed. Close it.\n"
    )


def test_a_database_that_another_process_holds_is_searched_as_far_as_it_is_indexed(
    here, monkeypatch
):
    here("tickets ticket*")
    here("ticket create Ticket-5")
    holder = sqlite3.connect(here.folder / "hub.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    said = here("tickets ticket-* --json")
    holder.execute("ROLLBACK")
    holder.close()

    assert [one["number"] for one in said.data] == [4, 3, 2, 1]
    assert said.err == "prophet-hub: 1 changed record not searched yet.\n"


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ([], ""), (["status:open sync"], "status:open sync"),
        (["status:open", "sync fails"], 'status:open "sync fails"'),
        (["-status:open", "-sync fails"], '-status:open -"sync fails"'),
        (["owner:Jesse V", "x"], 'owner:"Jesse V" x'),
        (["(a OR b)", "-(c d)", '"e f" g'], '(a OR b) -(c d) "e f" g'),
    ],
)  # fmt: skip
def test_words_that_the_shell_took_apart_make_one_query(words, query):
    assert query_of(words) == query


def test_a_database_that_may_not_be_written_is_searched_too(here, monkeypatch):
    """As on a read-only disk, which nobody notices before opening."""
    asked = []

    def replica(desk, *, write=False):
        asked.append(write)
        if write:
            raise StoreError("The database cannot be opened for writing.")
        return opened(desk)

    opened = Desk.replica
    monkeypatch.setattr(Desk, "replica", replica)

    assert [one["number"] for one in here("tickets sync --json").data] == [2]
    assert asked == [True, False]
    monkeypatch.setattr("os.access", lambda *_: False)
    assert [one["number"] for one in here("tickets sync --json").data] == [2]
    assert asked == [True, False, False]


def test_a_database_that_is_not_there_is_not_made_by_a_search(hub):
    said = hub("tickets sync")

    assert (said.code, said.out) == (1, "")
    assert "There is no database at" in said.err
