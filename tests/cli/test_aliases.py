"""`aliases`: words of one's own for commands."""

from __future__ import annotations

import pytest

from prophet_hub.cli.app import COMMANDS
from prophet_hub.cli.expand import expand
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError


def meaning(**told):
    return lambda word: told.get(word, "")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["show", "5"], ["show", "5"]),
        (["ls"], ["ticket", "list", "status:open"]),
        (["ls", "owner:me"], ["ticket", "list", "status:open", "owner:me"]),
        (["take", "5", "--json"], ["ticket", "update", "5", "owner=me", "--json"]),
        (["say", "5", "two words"], ["ticket", "comment", "5", "-m", "<two words>"]),
        (["l"], ["ticket", "list", "status:open"]),
        (["twice", "x"], ["show", "x", "x"]),
        (["nothing", "x"], ["nothing", "x"]),
        ([], []),
    ],
)
def test_an_alias_is_put_in_full(words, found):
    told = meaning(ls="ticket list status:open", take="ticket update $1 owner=me", l="ls",
                   say="ticket comment $1 -m '<$2>'", twice="show $1 $1", show="never")  # fmt: skip

    assert expand(words, told, COMMANDS) == found


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["a"], 'The alias "a" stands for itself: a -> b -> a.'),
        (["take"], 'The alias "take" wants 1 words: ticket update $1'),
        (["open"], 'The alias "open" cannot be read: No closing quotation.'),
    ],
)
def test_an_alias_that_leads_nowhere_is_told(words, why):
    told = meaning(a="b x", b="a y", take="ticket update $1", open="show '")

    with pytest.raises(UsageError, match=why.replace("$", r"\$").replace(".", r"\.")):
        expand(words, told, COMMANDS)


def test_an_alias_is_set_used_listed_and_taken_away(hub):
    assert hub("aliases set mine", "ticket create --author cara").code == 0
    assert hub("mine Printer on fire").out == "Created #1  Printer on fire\n"
    assert hub("aliases set look ticket show").out == "look  ticket show\n"
    assert hub("look 1").out == hub("show 1").out
    assert hub("look 1 --json").data == hub("show 1 --json").data

    assert hub("aliases").out.splitlines() == [
        "look  ticket show",
        "mine  ticket create --author cara",
    ]
    assert hub("aliases list --json").data["look"] == "ticket show"
    assert hub("aliases unset look").code == 0
    assert hub("aliases unset look").code == 2
    assert hub("look 1").code == 2


def test_words_with_blanks_stay_whole(hub):
    hub("aliases set note ticket comment $1 -m", "two words")
    hub("ticket create Printer --author x")

    assert hub("note 1 --author cara").code == 0
    assert hub("show 1 --json").data["comments"][0]["body"] == "two words"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("sync ticket list", '"sync" is a command of the program.'),
        ("-x ticket list", "x"),
        ("a/b ticket list", '"a/b" is no name for an alias.'),
        ("a b", ""),
    ],
)
def test_a_name_that_is_taken_or_none_is_refused(hub, words, why):
    hub("aliases set b a c")

    said = hub(f"aliases set {words}")

    assert said.code == 2
    assert why in said.err


def test_an_alias_never_stands_in_for_a_command(hub):
    """Even one that was set before the program had a command of this name."""
    hub("aliases set x show")
    with Replica.open(hub.folder / "hub.db") as db, db.transaction():
        db.store.put("settings", ("alias:tickets",), b"export")

    assert hub("tickets").out == "    status  owner  at  summary\n" or hub("tickets").out == ""


def test_aliases_are_not_replicated(hub):
    hub("aliases set ls ticket list")
    hub("ticket create One --author x")
    with Replica.open(hub.folder / "hub.db") as db, Replica.open(hub.folder / "o.db") as other:
        other.integrate(db.offers(other.stands_at))
        assert list(other.store.scan("settings", ("alias:ls",))) == []


def test_without_a_database_an_unknown_word_is_an_unknown_command(hub):
    said = hub("ls")

    assert said.code == 2
    assert "ls" in said.err
    assert not (hub.folder / "hub.db").exists()


def test_an_alias_may_say_where_things_are(hub):
    hub("aliases set other", f"ticket create --author x --database {hub.folder}/o.db")

    assert hub("other One").code == 0
    assert (hub.folder / "o.db").exists()
