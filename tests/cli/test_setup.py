"""`init` and `check`: before the first run."""

from __future__ import annotations

from pathlib import Path

import pytest

from prophet_hub.errors import ConfigError
from prophet_hub.jobs.load import load, parse
from prophet_hub.jobs.remotes import check_settings
from prophet_hub.sdk import Person
from prophet_hub.testing.tracker import Knobs, Tracker

RT = "--remote rt-main=rt:https://rt.example.org"
HM = "--remote hiveminder=hiveminder:https://hm.example.org"
LIST = "--remote list=todotxt:todo.txt"


def test_init_writes_a_job_file_without_faults(hub):
    (hub.folder / "prophet-hub.yaml").unlink()

    said = hub(f"init {RT} {LIST}")

    file = load(hub.folder / "prophet-hub.yaml")
    assert said.code == 0
    assert said.out.splitlines()[0] == 'Wrote prophet-hub.yaml: 2 remotes, job "rt-main-list".'
    assert "RT_MAIN_" in said.out
    assert said.out.endswith("then: prophet-hub check\n")
    assert list(file.config.jobs["rt-main-list"].remotes) == ["rt-main", "list"]
    assert check_settings(file, file.config.remotes) == []


def test_init_takes_settings_of_remotes(hub):
    said = hub(f"init {RT} {LIST} --force --set rt-main.user=jesse --set rt-main.queue=Support")

    assert said.code == 0
    written = (hub.folder / "prophet-hub.yaml").read_text()
    assert "\n    user: jesse\n" in written
    assert "\n    queue: Support\n" in written


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("rt-main.user", '"rt-main.user" is no setting of a remote.'),
        ("nobody.user=x", '"nobody.user=x" is no setting of a remote.'),
        ("rt-main.usr=x", "The connector rt has no setting usr."),
    ],
)
def test_init_refuses_settings_that_nobody_has(hub, words, sentence):
    said = hub(f"init {RT} {LIST} --force --set {words}")

    assert said.code == 2
    assert sentence in said.err


def test_init_never_writes_over_a_file_without_force(hub):
    before = (hub.folder / "prophet-hub.yaml").read_text()

    said = hub(f"init {RT} {LIST}")

    assert (said.code, said.out) == (2, "")
    assert "prophet-hub.yaml is there already. Give --force" in said.err
    assert (hub.folder / "prophet-hub.yaml").read_text() == before
    assert hub(f"init {RT} {LIST} --force --job mine").code == 0
    assert "mine" in load(hub.folder / "prophet-hub.yaml").config.jobs


def test_init_writes_where_config_says(hub):
    said = hub(f"--config sub/folder/jobs.yaml init {RT} {LIST}")

    assert said.code == 0
    assert load(Path("sub/folder/jobs.yaml")).config.remotes


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("init", "A job wants two remotes or more."),
        (f"init {RT}", "A job wants two remotes or more."),
        (f"init {RT} --remote x", '"x" is no remote. Write NAME=CONNECTOR:URL.'),
        (f"init {RT} --remote x=rtt:u", 'No connector "rtt" is installed. Did you mean rt?'),
    ],
)
def test_init_says_what_it_needs(hub, words, why):
    (hub.folder / "prophet-hub.yaml").unlink()

    said = hub(words)

    assert said.code == 2
    assert why in said.err
    assert not (hub.folder / "prophet-hub.yaml").exists()


def test_init_asks_at_a_terminal(hub, monkeypatch):
    (hub.folder / "prophet-hub.yaml").unlink()
    answers = iter(["rt-main", "rt", "https://rt.example.org", "", "list", "todotxt", "t.txt", ""])
    monkeypatch.setattr("prophet_hub.cli.desk.Desk.asks", property(lambda self: True))
    monkeypatch.setattr("typer.prompt", lambda *a, **k: next(answers))

    assert hub("init").code == 0
    assert list(load(hub.folder / "prophet-hub.yaml").config.remotes) == ["rt-main", "list"]


# --- check ---


def test_check_names_an_account_that_is_a_number(hub, monkeypatch):
    person = Person(id="5", name="Hub Account")
    monkeypatch.setattr("jobs.memory.Remembered.whoami", lambda self: person)
    assert "a                 ok: memory 1 as Hub Account (5); may attach" in hub("check").out


def test_check_tells_that_all_is_well(hub):
    said = hub("check")

    assert said.code == 0
    assert said.out.splitlines() == [
        "prophet-hub.yaml  ok: 2 remotes, 1 job",
        "a                 ok: memory 1 as hub; may attach, comment, create, delete, read, update",
        "b                 ok: memory 1 as hub; may attach, comment, create, delete, read, update",
    ]


def test_check_tells_all_faults_of_the_file_at_once(hub):
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a, pagse: 2}
  b: {connector: memory, url: memory://b, pages: many, password: hunter2}
jobs:
  both: {remotes: [a, c]}
""")
    said = hub("check")

    assert said.code == 2
    assert "prophet-hub: prophet-hub.yaml has 2 faults.\n" in said.err
    assert '  line 6: jobs.both.remotes[1]: No remote "c" stands under remotes.' in said.err
    assert "  line 4: remotes.b.password: A secret stands in the file in clear text." in said.err
    assert "hunter2" not in said.err


def test_check_tells_all_faults_of_the_connectors_settings(hub):
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a, pagse: 2}
  b: {connector: memory, url: memory://b, pages: many, strict: perhaps, words: {}, table: [], user: [x]}
""")
    said = hub("check")

    assert said.code == 2
    assert said.err.splitlines() == [
        "prophet-hub: prophet-hub.yaml has 6 faults.",
        '  line 3: remotes.a.pagse: Unknown key "pagse". Did you mean "pages"?',
        "  line 4: remotes.b.pages: A number must stand here.",
        "  line 4: remotes.b.strict: yes or no must stand here.",
        "  line 4: remotes.b.words: A list of words must stand here.",
        "  line 4: remotes.b.table: A table of words must stand here.",
        "  line 4: remotes.b.user: One word or line of text must stand here.",
    ]
    assert hub("sync a b").code == 2


def test_check_of_one_remote_or_none(hub):
    hub.trackers.pop("b")

    assert hub("check a").code == 0
    assert hub("check --offline").code == 0
    assert hub("check").code == 1
    assert 'No remote "aa" stands in prophet-hub.yaml. Did you mean "a"?' in hub("check aa").err


def test_check_says_where_refused_credentials_stand(hub):
    hub.a.passwords["hub"] = "another"

    said = hub("check --json")

    assert said.code == 2
    assert said.data[1]["error"] == (
        "a refused the password of hub. Check the remote's user and password. "
        "(prophet-hub.yaml, line 3)"
    )
    assert said.data[2]["error"] == ""


def test_check_compares_fields_words_and_rights_with_the_tracker(hub):
    hub.trackers["a"] = Tracker(
        "a", Knobs(allowed={"status": ("open", "shut")}, writes=frozenset({("update", "ticket")}))
    )
    hub.job_file("""
remotes:
  a:
    connector: memory
    url: memory://a
    fields: {severity: weight}
    values: {status: {open: open, closed: resolved}}
  b: {connector: memory, url: memory://b}
jobs:
  both: {remotes: {a: {deletes: yes}, b: }}
""")
    out = hub("check").out

    assert 'a: severity: the tracker has no field "weight".' in out
    assert "a: status: the tracker has no closed." in out
    assert 'a: The job "both" wants to create, delete; the account may not.' in out


def test_a_secret_that_cannot_be_had_names_its_line(hub, monkeypatch):
    monkeypatch.delenv("A_PASSWORD", raising=False)
    hub.job_file("""
remotes:
  a: {connector: memory, url: memory://a, password: env:A_PASSWORD}
  b: {connector: memory, url: memory://b}
""")
    said = hub("sync a b")

    assert said.code == 2
    assert said.err == (
        "prophet-hub: a: The environment variable A_PASSWORD is not set. "
        "Set it: export A_PASSWORD=... (prophet-hub.yaml, line 3)\n"
    )
    monkeypatch.setenv("A_PASSWORD", "correct horse")
    assert hub("sync a b --yes").code == 0
    monkeypatch.setenv("A_PASSWORD", "hunter2")
    said = hub("sync a b --verbose")
    assert said.code == 2
    assert "hunter2" not in said.err + said.out


def test_an_address_without_https_is_a_fault_of_the_file(hub):
    hub.job_file("""
remotes:
  a: {connector: rt, url: rt.example.org}
  b: {connector: memory, url: memory://b}
""")

    assert "The url does not begin with https://. Write https://rt.example.org" in hub("check").err


def test_the_file_of_a_list_counts_from_the_job_file(tmp_path):
    file = parse("remotes: {a: {connector: todotxt, url: x/todo.txt}}", tmp_path / "j.yaml")

    assert check_settings(file, ["a"]) == []
    with pytest.raises(ConfigError):
        parse("remotes: {}", tmp_path / "j.yaml")
