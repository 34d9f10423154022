"""The door: global options, laziness, errors in one place, completion, cold start."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from jobs.packages import package
from prophet_hub import __version__
from prophet_hub.cli import desk, views
from prophet_hub.cli.app import COMMANDS
from prophet_hub.cli.main import _global_first, main
from prophet_hub.errors import RemoteError, StoreError
from prophet_hub.hookspecs import PLUGINS
from prophet_hub.sdk import TICKET

PROGRAM = [sys.executable, "-m", "prophet_hub.cli"]


def run(*words, **more):
    environment = {**os.environ, **more.pop("environment", {})}
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, env=environment, timeout=60, check=False,
        **more,
    )  # fmt: skip


def test_every_command_has_the_line_of_help_of_its_docstring():
    for name, (family, line) in COMMANDS.items():
        module = import_module(f"prophet_hub.cli.{family}")
        function = getattr(module, name, None)
        about = function.__doc__ if function else module.app.info.help  # of a bare group

        assert about.splitlines()[0] == line


def test_help_of_the_whole_names_every_command(hub):
    out = hub("--help").out

    for name in COMMANDS:
        assert f"\n  {name} " in out


def test_help_imports_no_family(hub):
    code = (
        "import sys; from prophet_hub.cli.main import main; main(['--help']);"
        "print([m for m in sys.modules if m.startswith(('rich', 'requests', 'pydantic', 'sqlite3',"
        " 'msgspec')) or m.startswith('prophet_hub.') and m.count('.') > 2])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert ran.stdout.splitlines()[-1] == "[]"


def test_show_imports_neither_rich_nor_requests_nor_pydantic(hub):
    hub.synced()
    code = (
        "import sys; from prophet_hub.cli.main import main;"
        f"main(['--database', {str(hub.folder / 'hub.db')!r}, 'show', '1']);"
        "print([m for m in sys.modules if m in ('rich', 'requests', 'pydantic', 'yaml', 'email', 'typing_extensions', 'typer', 'markdown_it')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert ran.stdout.splitlines()[-1] == "[]"
    assert "Printer on fire" in ran.stdout


def test_the_names_that_are_not_imported_are_the_true_ones():
    assert (desk._PLUGINS, views.TICKET) == (PLUGINS, TICKET)


def test_the_version(hub):
    assert hub("--version").out == f"prophet-hub {__version__}\n"


def test_without_a_command_the_help_is_told(capsys):
    assert main([]) == 2
    assert "Usage: prophet-hub" in capsys.readouterr().err


def test_an_unknown_command_names_the_nearest(hub):
    said = hub("synk a b")

    assert said.code == 2
    assert "sync" in said.err
    assert said.err.endswith("See prophet-hub --help.\n")


def test_an_unknown_option_ends_like_a_sentence(hub):
    assert "No such option: --xyzzy. See prophet-hub log --help.\n" in hub("log --xyzzy").err
    hub("ticket create Printer on fire")
    for command in ("tickets", "ticket list", "ticket search", "ticket review"):
        said = hub(f"{command} status:open --jsn")
        assert "No such option: --jsn. See prophet-hub ticket" in said.err


def test_an_unknown_option_is_one_sentence(hub):
    said = hub("sync a b --fast")

    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "See prophet-hub sync --help." in said.err


def test_global_options_stand_anywhere():
    assert _global_first(["sync", "a", "--database", "x", "b", "--config=y", "--verbose"]) == [
        "--database", "x", "--config=y", "--verbose", "sync", "a", "b",
    ]  # fmt: skip
    assert _global_first(["show", "--", "--verbose"]) == ["show", "--", "--verbose"]
    assert _global_first(["show", "--database"]) == ["--database", "show"]


def test_the_environment_names_database_and_job_file(hub, monkeypatch):
    (hub.folder / "prophet-hub.yaml").rename(hub.folder / "other.yaml")
    monkeypatch.setenv("PROPHET_HUB_CONFIG", "other.yaml")
    monkeypatch.setenv("PROPHET_HUB_DATABASE", str(hub.folder / "env.db"))

    assert main(["sync", "a", "b", "--yes"]) == 0
    assert (hub.folder / "env.db").exists()


def test_the_platform_s_folders_are_the_default(hub, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(hub.folder / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(hub.folder / "config"))
    (hub.folder / "config/prophet-hub").mkdir(parents=True)
    (hub.folder / "prophet-hub.yaml").rename(hub.folder / "config/prophet-hub/prophet-hub.yaml")

    assert main(["sync", "a", "b", "--yes"]) == 0
    assert (hub.folder / "data/prophet-hub/prophet-hub.db").exists()


# --- errors ---


def failing(monkeypatch, error):
    def replica(*_, **__):
        raise error

    monkeypatch.setattr("prophet_hub.engine.replica.Replica.open", replica)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (StoreError("The disk is full", hint="Free some."), 1, "The disk is full. Free some."),
        (RemoteError("No", remote="rt"), 1, "rt: No."),
        (OSError(errno.ENOSPC, "full"), 1, "The disk is full. Free some space and run again."),
        (
            PermissionError(13, "Permission denied", "/x"),
            1,
            "/x: Permission denied. Look at its name and its rights.",
        ),
        (
            ZeroDivisionError("oh"),
            1,
            "This should not have happened: ZeroDivisionError: oh. "  # noqa: ISC004 - one sentence
            "Run again with --verbose and report what it says.",
        ),
    ],
)
def test_an_error_is_one_sentence(hub, monkeypatch, error, code, sentence):
    failing(monkeypatch, error)

    said = hub("show 1")

    assert (said.code, said.out, said.err) == (code, "", f"prophet-hub: {sentence}\n")


def test_verbose_adds_the_traceback(hub, monkeypatch):
    failing(monkeypatch, StoreError("No."))

    assert "Traceback" in hub("show 1 --verbose").err


def test_an_abort_at_a_question_does_nothing(hub, monkeypatch):
    failing(monkeypatch, typer.Abort())

    said = hub("show 1")

    assert (said.code, said.err) == (130, "prophet-hub: nothing was done.\n")


def test_a_database_that_is_not_there_names_the_remedy(hub):
    said = hub("show 1")

    assert said.code == 1
    assert "There is no database at" in said.err
    assert "is a folder. Name a file in it" in hub("--database . tickets").err
    assert not (hub.folder / "hub.db").exists()


@pytest.mark.parametrize("words", [
    "undo latest", "publish place", "push place", "push", "pull", "pull --local", "resolve 1 status --clear",
    "resolve --all --take newest", "inbox retry --all", "claims take a", "quarantine accept --all --yes",
    "peers remove a", "aliases unset a", "settings unset statuses", "keys distrust a", "keys sign",
    "database check --rebuild", "database stats",
])  # fmt: skip
def test_what_works_with_what_is_there_makes_no_database(hub, words):
    """A name that was mistyped would be checked, published and found in order."""
    said = hub(words)

    assert said.code in (1, 2)
    assert "There is no database at" in said.err or "There is no key here" in said.err
    assert not (hub.folder / "hub.db").exists()


# --- from outside ---


def test_a_broken_pipe_is_quiet(hub):
    for n in range(30):
        hub.a.create("jesse", {"summary": f"Ticket {n}", "description": "x" * 4000})
    hub("sync a b --yes")
    command = f"{sys.executable} -m prophet_hub.cli --database hub.db export | head -c 1"

    ran = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=hub.folder, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (141, "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_empty(hub, closed):
    """As daemons start commands."""
    hub("ticket create Printer on fire")
    for words in ("resolve", "ticket review", "ticket create", "tickets"):
        line = f'"$0" -m prophet_hub.cli --database "$1" {words} {closed}'
        ran = subprocess.run(
            ["sh", "-c", line, sys.executable, str(hub.folder / "hub.db")], capture_output=True,
            check=False, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert ran.returncode in (0, 2)
        assert "should not have happened" not in ran.stderr
        assert "Traceback" not in ran.stderr
    assert len(hub("tickets --json").data) == 1


def test_the_program_completes_commands():
    ran = run(environment={
        "_PROPHET_HUB_COMPLETE": "complete_bash", "COMP_WORDS": "prophet-hub con", "COMP_CWORD": "1",
    })  # fmt: skip

    assert ran.stdout.split() == ["conflicts", "connectors"]


def test_the_program_completes_options_of_a_command():
    ran = run(environment={
        "_PROPHET_HUB_COMPLETE": "complete_bash", "COMP_WORDS": "prophet-hub sync --q",
        "COMP_CWORD": "2",
    })  # fmt: skip

    assert ran.stdout.split() == ["--quiet"]


def test_the_program_ends_with_the_code_of_its_command(tmp_path):
    ran = run("sync", "a", "b", cwd=tmp_path)

    assert ran.returncode == 2
    assert ran.stderr.startswith("prophet-hub: There is no job file prophet-hub.yaml.")


def test_a_plugin_adds_a_command(hub, tmp_path):
    source = """
from prophet_hub.hookspecs import hookimpl

@hookimpl
def prophet_commands(app):
    @app.command("greet")
    def greet():
        "Says hello."
        print("hello")
"""
    folder = tmp_path / "plugin"
    folder.mkdir()
    with package(folder, "greeting-plugin", source, group=PLUGINS):
        assert hub("greet").out == "hello\n"
        assert "greet" in hub("--help").out


def test_colours_are_for_terminals_and_may_be_refused(hub, monkeypatch):
    hub.synced()
    assert "\x1b" not in hub("tickets").out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    bold = hub("tickets").out
    monkeypatch.setenv("NO_COLOR", "1")
    plain = hub("tickets").out

    assert "\x1b[1m" in bold
    assert "\x1b" not in plain


def test_a_terminal_without_the_letters_shows_their_codes(hub):
    hub.synced(summary="Zürich ☃")
    poor = {"PYTHONIOENCODING": "ascii", "PROPHET_HUB_DATABASE": str(hub.folder / "hub.db")}

    shown, told = run("tickets", environment=poor), run("tickets", "--json", environment=poor)

    assert (shown.returncode, "Z\\xfcrich \\u2603" in shown.stdout) == (0, True)
    assert json.loads(told.stdout)[0]["properties"]["summary"] == "Zürich ☃"


def test_two_lists_are_kept_in_step_by_the_program_itself(tmp_path):
    (tmp_path / "one.txt").write_text("(A) 2026-11-20 Call the plumber +house\n")
    (tmp_path / "two.txt").write_text("2026-11-20 Buy milk\n")
    (tmp_path / "prophet-hub.yaml").write_text(
        "remotes:\n  one: {connector: todotxt, url: one.txt}\n"
        "  two: {connector: todotxt, url: two.txt}\n"
    )
    words = ["--database", "hub.db", "sync", "one", "two"]

    ran = run(*words, "--yes", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Call the plumber" in Path(tmp_path / "two.txt").read_text()
    assert "Buy milk" in Path(tmp_path / "one.txt").read_text()
    ran = run(*words, "--quiet", cwd=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("log -n many", "'many' is no number."),
        ("log -n -1", "-1 is less than 0."),
        ("inbox drop x", "'x' is no number."),
        ("sync a b --wait soon", "'soon' is no number."),
        ("show", "TICKET"),
        ("inbox drop", "NUMBER"),
    ],
)
def test_values_that_are_none_are_refused_in_one_sentence(hub, words, why):
    said = hub(words)

    assert said.code == 2
    assert why in said.err
    assert said.err.count("\n") == 1


def test_a_lone_interrupt_is_told(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("prophet_hub.cli.main._parsed", interrupted)

    assert main(["log"]) == 130
    assert capsys.readouterr().err == "prophet-hub: interrupted.\n"
