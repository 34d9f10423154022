"""What a stranger wrote reaches the terminal as text, and a file as a file of its own name."""

from __future__ import annotations

import json
import re

import pytest

from prophet_hub.cli.main import main
from prophet_hub.cli.tables import harmless
from prophet_hub.engine.replica import Replica
from prophet_hub.model.ids import fresh, text

EVIL = "a\x1b[2J\x1b]0;title\x07b\x9b31mc\u202ed\re\x00f"
HARM = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
READING = """
log
log --json
show 1
show 1 --json
history 1 --comments
history 1 --json
why 1 summary
why 1 labels=EVIL
tickets
tickets --json
ticket show 1
ticket list
ticket list summary:a
ticket search a
ticket attachment 1
conflicts
conflicts --json
status
quarantine
quarantine show 7
quarantine show 7 --json
export
show EVIL
why 1 EVIL
database stats
diff 1 4
resolve 1 summary --take 3
undo 4 --dry-run
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A database in which every text is hostile."""
    clock = iter(range(1_700_000_000_000_000, 1_800_000_000_000_000, 1_000_000))
    path = tmp_path / "hub.db"
    monkeypatch.setenv("PROPHET_HUB_DATABASE", str(path))
    monkeypatch.chdir(tmp_path)
    replica = Replica.open(path, clock=lambda: next(clock))
    ticket, comment, attachment = fresh(), fresh(), fresh()
    alive = {("life", "alive"): "present"}

    def edit(record, kind, members=(), **fields):
        changes = alive | {(name, ""): value for name, value in fields.items()}
        changes |= {("labels", one): "present" for one in members}
        replica.edit(record, kind, changes, author=EVIL, note=EVIL)

    edit(ticket, "ticket", (EVIL,), summary=EVIL, description=EVIL * 300, status=EVIL, owner=EVIL)
    edit(comment, "comment", ticket=text(ticket), body=EVIL, author=EVIL, created=EVIL)
    content = replica.store.blobs.put([EVIL.encode()])
    edit(attachment, "attachment", ticket=text(ticket), name=f"../../{EVIL}/../.bashrc",
         content=content, content_type=EVIL, size=EVIL)  # fmt: skip
    edit(ticket, "ticket", summary="other" + EVIL)
    other = Replica.open(":memory:", clock=lambda: 1)
    other.edit(fresh(), "ticket", {("summary", ""): EVIL}, author=EVIL, note=EVIL)
    other.edit(ticket, "ticket", {("summary", ""): "their" + EVIL}, author=EVIL)
    other.edit(ticket, "ticket", {("owner", ""): "their" + EVIL}, author=EVIL)
    first, second, third = other.offers(lambda *_: False)
    replica.integrate([first, second])
    replica.integrate([third], judge=lambda _: EVIL)
    other.close()
    replica.close()
    return path


@pytest.mark.parametrize("words", READING.split("\n")[1:-1])
def test_no_command_lets_a_stranger_act_on_the_terminal(path, capsys, words):
    code = main([EVIL if word == "EVIL" else word.replace("EVIL", EVIL) for word in words.split()])
    out, err = capsys.readouterr()

    assert HARM.findall(out + err) == []
    assert out or err
    assert "should not have happened" not in err
    assert code in (0, 1, 2)


def test_json_loses_nothing(path, capsys):
    main(["export"])
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert EVIL * 300 in [one["properties"].get("description") for one in shown]


def test_our_own_bold_stays():
    assert harmless("\x1b[1mhead\x1b[0m\tx\n") == "\x1b[1mhead\x1b[0m\tx\n"
    assert harmless("\x1b[31m") == "\\u001b[31m"


def test_an_attachment_is_written_beside_us_under_a_name_of_its_own(path, tmp_path, capsys):
    main(["ticket", "attachment", "1", "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    before = set(tmp_path.rglob("*"))
    assert main(["ticket", "attachment", str(found["number"]), "--output", str(tmp_path)]) == 0

    (made,) = set(tmp_path.rglob("*")) - before
    assert made.parent == tmp_path
    assert made.read_bytes() == EVIL.encode()
    assert HARM.findall(made.name) == []
