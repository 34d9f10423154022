"""The demo and the README: what they show is what happens."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kills.pair import PASSWORD, Pair
from prophet_hub.cli.main import main
from prophet_hub.testing.serve import Served

ROOT = Path(__file__).parents[2]


def test_the_demo_ends_in_step():
    done = subprocess.run(
        [sys.executable, ROOT / "tests/demo/demo.py"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing to write." in done.stdout
    assert "Traceback" not in done.stdout


def shown() -> list[list[str]]:
    """Returns the words of every prophet-hub command in the README, in order."""
    text = (ROOT / "README.md").read_text().replace("\\\n", "")
    return [
        shlex.split(line)[1:]
        for line in re.findall(
            r"^    (?:\*/10 \* \* \* \*  )?(prophet-hub .*)$", text, re.MULTILINE
        )
    ]


def test_every_command_of_the_readme_does_what_it_says(tmp_path, monkeypatch, capsys):
    pair = Pair(3)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROPHET_HUB_DATABASE", str(tmp_path / "hub.db"))
    for name in ("RT_MAIN_PASSWORD", "HIVEMINDER_PASSWORD"):
        monkeypatch.setenv(name, PASSWORD)
    commands = shown()
    assert len(commands) > 10

    with Served(pair.app) as url:
        for words in commands:
            here = [_here(word, url, tmp_path) for word in words]
            if here[0] == "sync":
                here.append("--yes")  # what a person answers at the terminal
            code = main(here)
            said = capsys.readouterr()
            # somebody waits in the inbox, and RT gives no comment back: both say so
            assert code == (here[0] == "verify" or "--run" in here), (words, said)
    assert pair.faults() == []


def _here(word, url, folder):
    """Puts what runs here in the place of what a user has."""
    places = {
        "https://rt.example.org": f"{url}/rt",
        "https://hm.example.org": f"{url}/hm",
        "https://example.org/tickets": str(folder / "tickets"),
        "/var/www/tickets": str(folder / "tickets"),
    }
    for there, here in places.items():
        word = word.replace(there, here)
    return word


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_two_commands_stand_in_the_readme(command):
    assert f"\n    {command}\n" in (ROOT / "README.md").read_text()
