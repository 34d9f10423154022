"""`settings`: what is replicated with the database."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from prophet_hub.cli.settings import KNOWN
from prophet_hub.engine.record_types import LISTED
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.settings import Settings


@pytest.fixture
def here(hub, monkeypatch):
    monkeypatch.setenv("PROPHET_HUB_AUTHOR", "jesse@example.org")
    (hub.folder / "forms").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(hub.folder / "forms"))
    return hub


@pytest.fixture
def editor(here, monkeypatch):
    def as_script(script):
        path = here.folder / "editor.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("VISUAL", str(path))

    return as_script


def value(hub, name):
    return hub("settings get", name).data


def test_every_list_of_a_ticket_may_be_set():
    for prop, setting in LISTED.items():
        assert setting in KNOWN
        assert f"default_{prop}" in KNOWN


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["statuses", "new", "open"], ["new", "open"]),
        (["statuses", "new,  open"], ["new", "open"]),
        (["statuses", '["new", "open"]'], ["new", "open"]),
        (["statuses", "[new, open]"], ["new", "open"]),
        (["milestones", "1.0", "2.0"], ["1.0", "2.0"]),
        (["project_name", "12"], "12"),
        (["type:book", '{"properties": {"title": {"required": true}}}'],
         {"properties": {"title": {"required": True}}}),
        (["type:book", "properties: {title: {}}"], {"properties": {"title": {}}}),
    ],
)  # fmt: skip
def test_values_are_words_or_json_or_yaml(here, words, found):
    assert here("settings set", *words).code == 0

    assert value(here, words[0]) == found


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["statusses", "new"], "The program knows no such setting. Did you mean statuses?"),
        (["weird", "x"], "With --force it is set all the same."),
        (["statuses", "new", "new"], "A word stands there twice."),
        (["statuses", "{a: 1}"], "Write a list of words."),
        (["statuses", "[1, 2]"], "Write a list of words."),
        (["default_status", "odd"], '"odd" is none of the statuses: new, open'),
        (["default_status", ""], "Write one word."),
        (["project_name", ""], "Write a text."),
        (["statuses", "["], "It is neither JSON nor YAML in line 1."),
        (["type:book", "{properties: {a: {kind: x}}}"], 'type:book a: There is no kind "x"'),
        (["statuses"], "Give VALUE, or --file."),
    ],
)
def test_values_that_are_none_are_refused(here, words, why):
    said = here("settings set", *words)

    assert (said.code, said.out) == (2, "")
    assert why in said.err


def test_a_name_that_is_not_known_is_set_by_force(here):
    assert here("settings set weird x --force").code == 0
    assert value(here, "weird") == "x"


def test_a_value_comes_from_a_file(here):
    (here.folder / "types.yaml").write_text("properties:\n  title: {required: true}\n")

    assert here("settings set type:book --file types.yaml").code == 0
    assert value(here, "type:book") == {"properties": {"title": {"required": True}}}
    for words in ("set type:book", "edit"):
        assert "none.yaml cannot be read" in here(f"settings {words} --file none.yaml").err


def test_what_is_not_set_shows_its_default(here):
    here("settings set components core")

    lines = {line.split()[0]: line for line in here("settings").out.splitlines()[1:]}

    assert "new, open, stalled, resolved, rejected, duplicate  default" in lines["statuses"]
    assert "default" not in lines["components"].replace("default_component", "")
    assert set(lines) == set(KNOWN)
    assert value(here, "default_status") == "new"
    assert here("settings get nothing").code == 2
    assert {one["name"] for one in here("settings list --json").data} == set(KNOWN)


def test_what_is_set_is_taken_away(here):
    here("settings set components core")

    assert here("settings unset components").out == "components is not set any more.\n"
    assert here("settings unset components").code == 2
    assert value(here, "components") is None


def test_a_conflict_is_shown_and_decided(here):
    here("settings set components core")
    with Replica.open(here.folder / "other.db", clock=lambda: 1) as other:
        Settings(other).set("components", ["ui"], author="x")
        with Replica.open(here.folder / "hub.db") as db:
            db.integrate(other.offers(db.stands_at))

    said = here("settings get components")
    assert "in conflict with" in said.err
    assert "in conflict with" in here("settings list").out
    (row,) = [one for one in here("settings list --json").data if one["name"] == "components"]
    assert [row["value"], *row["conflict"]] in (
        ["core"],
        ["ui"],
        [["core"], ["ui"]],
        [["ui"], ["core"]],
    )

    here("settings set components", json.dumps(said.data))
    assert here("settings get components").err == ""


def test_types_are_listed_with_what_is_known_of_them(here):
    here("settings set statuses new done")
    here(
        "settings set type:book",
        "{help: Paper., properties: {title: {required: true}, about: {reference: '*'}}}",
    )

    lines = here("settings types").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["attachment", "book", "comment", "ticket"]
    assert lines[2].split() == ["book", "Paper.", "about", "title"]
    ticket = [line.split() for line in here("settings types ticket").out.splitlines()]
    assert ["status", "word", "required,", "default", "new", "new,", "done"] in ticket
    assert ["depends_on", "set", "of", "ticket", "#"] in ticket
    assert ["priority", "word", "low,", "normal,", "high,", "urgent,", "..."] in ticket
    (book,) = here("settings types book --json").data
    assert [one["name"] for one in book["properties"] if one["required"]] == ["title"]
    assert "There are attachment, book, comment, ticket" in here("settings types boko").err


# --- in the editor ---


def test_settings_are_edited_as_yaml(here, editor):
    here("settings set components core ui")
    here("settings set milestones 1.0 2.0")
    editor(f'cp "$1" {here.folder}/seen; '
           'printf "components: [core]\\nstatuses: [new, done]\\ndefault_status: done\\n" > "$1"')  # fmt: skip

    said = here("settings edit")

    assert said.code == 0, said.err
    assert value(here, "components") == ["core"]
    assert value(here, "default_status") == "done"
    assert value(here, "milestones") is None
    assert "# What a ticket's status may be.\n" in (here.folder / "seen").read_text()


def test_only_those_that_are_named_are_edited(here, editor):
    here("settings set components core ui")
    here("settings set milestones 1.0 2.0")
    editor('printf "milestones: [3]\\n" | sed "s/3/\'3\'/" > "$1"')

    assert here("settings edit milestones").code == 0
    assert value(here, "components") == ["core", "ui"]
    assert value(here, "milestones") == ["3"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ('echo "components: core" > "$1"', "components: Write a list of words."),
        ('echo "components: [" > "$1"', "It is neither JSON nor YAML"),
        ('echo "- a" > "$1"', "The settings are no list of NAME: VALUE."),
    ],
)
def test_settings_that_cannot_be_taken_are_kept(here, editor, script, why):
    editor(script)

    said = here("settings edit")

    assert said.code == 2
    assert why in said.err
    kept = said.err.split("Your words are kept: prophet-hub settings edit --file ")[1].split()[0]
    Path(kept).write_text("components: [core]\n")
    assert here("settings edit --file", kept).code == 0
    assert value(here, "components") == ["core"]


def test_an_editor_without_a_change_changes_nothing(here, editor):
    editor("true")

    assert here("settings edit").err == "prophet-hub: nothing was changed.\n"
