"""A new connector's package passes its own tests, as it is written and as the tutorial changes it."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from prophet_hub.errors import UsageError
from prophet_hub.testing.scaffold import scaffold

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "hub", ROOT / "connectors"))),
}


def run(folder, *words):
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=ENVIRONMENT, check=False, timeout=300,
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("new") / "prophet-hub-odd-jobs"
    scaffold("odd-jobs", folder)
    return folder


def test_no_word_of_the_template_is_left(tmp_path):
    for path in scaffold("odd-jobs", tmp_path):  # where no test ran yet, there is no bytecode
        assert "mytracker" not in f"{path}{path.read_text()}".lower(), path


def test_it_passes_its_own_tests_and_is_graded(package):
    done = run(package, "prophet_hub.cli", "connectors", "check", "odd-jobs", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["grade"], told["failed"]) == (0, "gold", {})
    assert len(told["passed"]) > 90


def test_types_and_format_are_those_of_this_project(package):
    for words in (
        ("ruff", "format", "--check", "."),
        ("ruff", "check", "."),
        ("mypy", "--strict", "src"),
    ):
        done = run(package, *words)
        assert done.returncode == 0, done.stdout


def test_it_builds_and_its_entry_point_names_it(package, tmp_path):
    told = tomllib.loads((package / "pyproject.toml").read_text())
    assert told["project"]["entry-points"]["prophet_hub.connectors"] == {
        "odd-jobs": "prophet_hub_odd_jobs"
    }
    done = run(package, "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w",
               str(tmp_path), ".")  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as held:
        assert "prophet_hub_odd_jobs/__init__.py" in held.namelist()


def test_the_tutorial_does_what_it_says(tmp_path):
    """Every command of the page is typed, every change is made, every answer is as it stands."""
    page = (ROOT / "docs/connectors/tutorial.md").read_text()
    here, steps = tmp_path, 0
    for diff, block in re.findall(
        r"```diff\n(.*?)```|((?:^ {4}[^\n]*\n)+)", page, re.DOTALL | re.MULTILINE
    ):
        if diff:
            done = subprocess.run(["git", "apply", "-"], cwd=here, input=diff, text=True, check=False,
                                  capture_output=True)  # fmt: skip
            assert done.returncode == 0, done.stderr
            continue
        for told in re.split(r"^ {4}\$ ", block, flags=re.MULTILINE)[1:]:
            command, *answer = (line.removeprefix("    ") for line in told.splitlines())
            words = command.split()
            if words[0] == "cd":
                here = here / words[1]
                continue
            done = run(here, "prophet_hub.cli", *words[1:])
            expected, found = "\n".join(answer) + "\n", done.stdout
            assert doctest.OutputChecker().check_output(expected, found, doctest.ELLIPSIS), found
            steps += 1
    assert steps == 5


@pytest.mark.parametrize("name", ["", "Bad", "1x", "a b", "../x", "a-", "a_b"])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="no name of a connector"):
        scaffold(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        scaffold("x", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["trac", "todotxt", "prophet"])
def test_a_name_that_is_taken_is_refused(tmp_path, name):
    """`prophet` is a replica in every job file, and of two connectors of one name none is used."""
    with pytest.raises(UsageError, match=f"connector called {name} already"):
        scaffold(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()
