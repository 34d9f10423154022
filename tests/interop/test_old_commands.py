"""The old tool's replicas at the command line."""

from __future__ import annotations

import uuid

import pytest

from cli.hub import Hub
from interop.old import TARGET, Old, typed

T, A = (str(uuid.UUID(int=n + (1 << 100))) for n in range(2))


@pytest.fixture
def hub(tmp_path, capsys):
    return Hub(tmp_path, capsys)


@pytest.fixture
def old():
    one = Old(1)
    one.create(T, summary=typed("Drucker glüht ♥"), status="closed", due="2010-06-30 00:00:00")
    one.create(A, "attachment", ticket=T.upper(), name="b", content=bytes(range(256)).decode("l1"))
    return one


def test_clone_pull_and_publish_for_sd(hub, old, tmp_path):
    """Cloned from a folder, pulled again, and published so that another one reads the same."""
    old.write(tmp_path / "sd")
    assert hub(f"clone {tmp_path / 'sd'} {tmp_path / 'hub.db'}").out == (
        f"{tmp_path / 'hub.db'}: 2 changesets. The peer is called sd here.\n"
    )
    (ticket,) = hub("tickets --all --json").data
    assert ticket["properties"] == {
        "summary": "Drucker glüht ♥", "status": "resolved", "due": "2010-06-30"
    }  # fmt: skip
    assert hub("pull").out == "sd: nothing new.\n"
    old.update(T, status="open")
    old.write(tmp_path / "sd")
    assert hub("pull").out == "sd: 1 changeset.\n"

    said = hub(f"publish --format prophet-v1 {tmp_path / 'out'}")
    assert "3 changesets and 2 records stand there for sd to pull; nothing private." in said.out
    assert hub(f"publish --format prophet-v1 {tmp_path / 'out'} --json").data == {
        "changesets": 3, "records": 2, "written": 0, "missing": 0
    }  # fmt: skip
    hub(f"clone {tmp_path / 'out'} {tmp_path / 'again.db'}")
    first = hub("export").out
    other = Hub(tmp_path, hub._capsys)
    again = other(f"--database {tmp_path / 'again.db'} export")
    assert again.out == first


def test_an_unknown_format_is_said(hub, tmp_path):
    hub("settings set statuses new,open")
    said = hub(f"publish --format html {tmp_path / 'out'}")
    assert (said.code, said.err) == (
        2, 'prophet-hub: There is no format "html". Write native or prophet-v1.\n'
    )  # fmt: skip


def test_another_database_is_not_mixed_in(hub, old, tmp_path):
    old.write(tmp_path / "sd")
    hub("settings set statuses new,open")
    said = hub(f"pull {tmp_path / 'sd'}")
    assert said.code == 2
    assert "another database" in said.err
    assert hub(f"pull --join {tmp_path / 'sd'}").code == 0
    assert hub(f"pull {tmp_path / 'sd'}").code == 0


def test_what_is_not_believed_is_named_and_the_rest_is_taken(hub, old, tmp_path):
    other = Old(2)
    other.pull(old, TARGET)
    folder = other.write(tmp_path / "sd")
    (bad,) = [n for n in folder.names("cas") if b"Drucker" in (folder.root / n).read_bytes()]
    good = (folder.root / bad).read_bytes()
    (folder.root / bad).write_bytes(good + b" ")
    said = hub(f"clone {tmp_path / 'sd'} {tmp_path / 'hub.db'}")
    assert f"{bad}: its content is not what its name says" in said.err
    assert "1 changeset; 1 refused" in said.out
    assert hub("tickets --all --json").data == []

    (folder.root / bad).write_bytes(good)
    assert hub("pull").out == "sd: 1 changeset.\n"
    assert len(hub("tickets --all --json").data) == 1
