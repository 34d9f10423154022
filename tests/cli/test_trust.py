"""The page about trust, command by command; and keys at the command line."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from prophet_hub.cli.main import main
from prophet_hub.jobs import keys as keys_of

PAGE = Path(__file__).parents[2] / "docs/trust.md"
_LINE = re.compile(r"^    (?:(\w+)\$ )?(.*)$")
_VARIES = re.compile(
    r"ed25519:[0-9a-f]{64}|\b[0-9a-f]{16}\b|\b[0-9a-f]{8}/|\d{4}-\d\d-\d\d \d\d:\d\d|\S*/signing\.key"
)


class Person:
    """Somebody with a home, a database and a keyboard, in a folder that all of them share."""

    def __init__(self, name, folder, monkeypatch, capsys):
        self.name, self.folder = name, folder
        self.config = folder / f"{name}.config"
        self.database = folder / f"{name}.db"
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, words, code=0):
        self._monkeypatch.setattr(keys_of, "default_file", lambda: self.config / "signing.key")
        self._monkeypatch.setenv("PROPHET_HUB_AUTHOR", f"{self.name}@example.com")
        self._monkeypatch.setenv("PROPHET_HUB_DATABASE", str(self.database))
        self._capsys.readouterr()
        words, _, target = words.partition(" > ")
        found = main(shlex.split(words))
        out, err = self._capsys.readouterr()
        if target:
            (self.folder / target).write_text(out)
        assert found == code, err
        return out if code == 0 else err


@pytest.fixture
def people(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(keys_of.VARIABLE, raising=False)
    return {
        name: Person(name, tmp_path, monkeypatch, capsys)
        for name in ("jesse", "audrey", "clkao", "eve")
    }


def sessions():
    """Yields (person, command, lines that it prints) of the page."""
    found = []
    for line in PAGE.read_text("utf-8").splitlines():
        match = _LINE.match(line)
        if match and match[1]:
            found.append((match[1], match[2].removeprefix("prophet-hub "), []))
        elif match and found and not match[2].startswith("pip "):
            found[-1][2].append(match[2])
        elif line and not match:
            found += [("", "", [])]  # what follows belongs to no command
    return [one for one in found if one[0]]


def alike(line):
    return re.sub(r"\s+", " ", _VARIES.sub("~", line)).strip()


def test_every_command_of_the_page_does_what_it_shows(people):
    people["jesse"]("ticket create Printer on fire")
    told = sessions()
    for person, command, lines in told:
        out = people[person](command)
        if lines:
            assert [alike(line) for line in out.splitlines()] == [alike(line) for line in lines]
    assert len(told) >= 30
    assert "Buy cheap toner" not in people["jesse"]("tickets")
    assert "open" in people["clkao"]("tickets")


def test_a_key_belongs_to_its_owner_alone(people, tmp_path):
    jesse = people["jesse"]
    jesse("keys create")
    file = jesse.config / "signing.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "already" in jesse("keys create", code=2)

    file.chmod(0o640)
    assert "chmod 600" in jesse("ticket create Printer", code=2)
    assert jesse("tickets --all") == ""
    file.chmod(0o600)
    jesse("ticket create Printer")


def test_no_private_key_is_in_a_database_or_a_published_replica(people, tmp_path):
    jesse = people["jesse"]
    jesse("keys create")
    jesse("ticket create Printer")
    jesse("publish place")
    secret = (jesse.config / "signing.key").read_text().strip().rpartition(":")[2].split()[0]

    for path in [*tmp_path.glob("jesse.db*"), *(tmp_path / "place").rglob("*")]:
        data = path.read_bytes() if path.is_file() else b""
        assert secret.encode() not in data
        assert bytes.fromhex(secret) not in data


@pytest.mark.parametrize("scheme", ["env:THE_KEY", "command:cat {}", "file:{}"])
def test_a_key_may_stand_where_secrets_stand(people, tmp_path, monkeypatch, scheme):
    jesse, path = people["jesse"], tmp_path / "elsewhere.key"
    assert f"file:{path}" in jesse(f"keys create --file {path}")
    monkeypatch.setenv("THE_KEY", path.read_text())
    monkeypatch.setenv(keys_of.VARIABLE, scheme.format(path))

    assert jesse("keys export").startswith(f"{jesse('keys show').splitlines()[0]} jesse@")


@pytest.mark.parametrize(("reference", "said"), [
    ("file:nowhere.key", "cannot be read"), ("env:NOT_SET_ANYWHERE", "is not set"),
    ("file:wrong.key", "no signing key"), ("secret!", "names no secret"),
])  # fmt: skip
def test_a_key_that_cannot_be_had_is_told_and_nothing_is_recorded(
    people, tmp_path, monkeypatch, reference, said
):
    (tmp_path / "wrong.key").write_text("x" * 64)
    (tmp_path / "wrong.key").chmod(0o600)
    jesse = people["jesse"]
    monkeypatch.setenv(keys_of.VARIABLE, reference)

    assert said in jesse("ticket create Printer", code=2)
    assert jesse("log") == ""
    assert "not demanded" in jesse("keys list")
    monkeypatch.setenv(keys_of.VARIABLE, "")
    jesse("ticket create Printer")
    assert "no key here" in jesse("keys show", code=2)


def test_words_of_keys_that_are_off(people, tmp_path):
    jesse, key = people["jesse"], "ed25519:" + "1" * 64
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    jesse(f"keys trust {key} --name audrey")
    for words, said in {
        "keys require perhaps": "neither on nor off",
        f"keys trust {key[:20]} --name x": "no public key",
        f"keys trust {key[:-1]}2 --name audrey": "name of another key",
        f"keys trust {key} --name ''": "1 to 100 letters",
        f"keys distrust {key[:-1]}2": "not trusted here",
        "keys distrust nobody": "no public key",
        "keys import empty": "no key in",
        "keys import binary": "no text",
        "quarantine show 1": "not in quarantine",
        "quarantine accept": "Which of them",
    }.items():
        assert said in jesse(words, code=2)
    (tmp_path / "good").write_text(f"{key}\n")
    assert "Give --yes" in jesse("keys import good", code=2)
    assert "No such file" in jesse("keys import missing", code=1)
    jesse(f"keys distrust {key}")
    assert "not demanded" in jesse("keys")


def test_who_demands_and_has_no_key_is_told(people, capsys):
    people["jesse"]("keys require on")
    people["jesse"]._capsys = capsys
    assert main(["keys", "require", "on"]) == 0
    assert "have no key" in capsys.readouterr().err


def test_everything_that_waits_can_be_accepted(people):
    jesse, eve = people["jesse"], people["eve"]
    jesse("ticket create Printer")
    jesse("publish place")
    eve("clone place")
    eve("keys create")
    for n in range(3):
        eve(f"ticket create 'Buy toner {n}'")
    eve("push place")
    audrey = people["audrey"]
    audrey("keys require on")
    audrey("clone place")

    assert len(audrey("quarantine list -n 2").splitlines()) == 6
    assert "not trusted, 3 signatures waiting" in audrey("keys")
    assert '"key": "ed25519:' in audrey("quarantine show 4 --json")
    assert "Give --yes" in audrey("quarantine accept --all", code=2)
    assert audrey("quarantine accept 4") == "1 changeset accepted.\n"
    assert "Buy toner 2" in audrey("tickets")
    assert audrey("keys require off").endswith("see prophet-hub quarantine.\n")
    assert audrey("quarantine accept --all --yes") == "3 changesets accepted.\n"
    assert json.loads(audrey("quarantine --json")) == {"reasons": {}, "held": []}
