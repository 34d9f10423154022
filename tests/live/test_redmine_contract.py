"""The whole contract of the connector for Redmine, on a real Redmine 5 in New York."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live.real import Server, running
from live.real_redmine import KEYS, RedmineSandbox
from prophet_connectors.redmine import Redmine, RedmineSettings
from prophet_hub.sdk import COMMENT, Checkpoint, Context, Create, Person, Pull, Ref
from prophet_hub.testing.contract import ConnectorContract

pytestmark = pytest.mark.live

MORE_THAN_A_PAGE = 105


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """More tickets than one page of a listing shows."""
    with running("redmine", tmp_path_factory.mktemp("redmine")) as made:
        made.fill(MORE_THAN_A_PAGE)
        yield made


class TestOnARealServer(ConnectorContract):
    """Keys are the last lines of descriptions."""

    may_skip = {  # noqa: RUF012 - as the base has it
        "this sandbox cannot merge tickets": "Redmine merges none",
        "test_the_hubs_own_clock_does_not_count": "the machine has one clock",
        "no list of Redmine tells that a note was edited": "it is seen with the next change",
    }

    @pytest.fixture
    def sandbox(self, server: Server) -> Iterator[RedmineSandbox]:
        box = RedmineSandbox(server)
        yield box
        box.close()


class TestKeysInAField(ConnectorContract):
    """Where a custom field is configured, it carries the keys of tickets."""

    @pytest.fixture
    def sandbox(self, server: Server) -> Iterator[RedmineSandbox]:
        box = RedmineSandbox(server, key_field="HubID")
        yield box
        box.close()


ABOUT_KEYS = {
    "test_a_ticket_is_found_by_its_key",
    "test_a_lost_create_is_found_by_its_key",
    "test_what_was_created_is_read",
    "test_fields_are_those_of_the_table",
}
for _name in set(ConnectorContract.names()) - ABOUT_KEYS:
    setattr(TestKeysInAField, _name, None)


def test_without_anything_before_it_nobody_tells_the_time(server: Server) -> None:
    """The newest second is let end once; then all is told, and told no more."""
    settings = RedmineSettings(url=server.url, api_key=KEYS["hub"], project="demo")
    redmine = Redmine(settings, Context(remote="redmine-live"))
    made = redmine.apply(Create(ref=Ref(id=""), fields={"subject": "The newest of all"})).ref
    told = list(redmine.changed(Pull()))
    last = told[-1]
    before = redmine.http.requests
    again = list(redmine.changed(Pull(since=last.cursor if isinstance(last, Checkpoint) else "")))

    assert made in told
    assert [item for item in again if isinstance(item, Ref)] == []
    assert redmine.http.requests == before + 1
    redmine.close()


def test_an_administrator_writes_for_others(server: Server) -> None:
    """Tickets and comments are theirs; who is nobody here is written for by the account."""
    settings = RedmineSettings(
        url=server.url, api_key=KEYS["bob"], project="demo", impersonate=True
    )
    redmine = Redmine(settings, Context(remote="redmine-live"))
    me = redmine.whoami()
    found = redmine.http.get("users.json", params={"name": "jesse"}).json()["users"]
    jesse = Person(id=str(found[0]["id"]))
    made = redmine.apply(Create(ref=Ref(id=""), fields={"subject": "For her"}, author=jesse)).ref
    note = Ref(kind=COMMENT, id="", ticket=made.id)
    for author, body in ((jesse, "hers"), (Person(id="999999"), "ours")):
        redmine.apply(Create(ref=note, fields={"body": body}, author=author))
    told = redmine.ticket(made)

    assert told.author.id == jesse.id
    assert {c.body: c.author.id for c in told.comments} == {"hers": jesse.id, "ours": me.id}
    redmine.close()
