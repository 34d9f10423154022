"""Who is trusted over ssh, and servers that know less than OpenSSH."""

from __future__ import annotations

import paramiko
import pytest

from prophet_hub.errors import HubError
from prophet_hub.peers.place import Unreachable


@pytest.fixture
def sftp(site_of):
    return site_of("sftp")


def test_a_server_whose_key_is_not_known_is_not_trusted(sftp):
    (sftp.ssh / "known_hosts").unlink()
    with pytest.raises(HubError, match="is not known") as told:
        sftp.open().has("x")
    assert told.value.hint == (
        f"Run ssh -p {sftp.server.port} 127.0.0.1 once, compare the key it shows, and accept it."
    )
    assert not isinstance(told.value, Unreachable)
    assert sftp.server.asked == []


def test_a_server_that_shows_another_key_is_refused(sftp):
    other = paramiko.ECDSAKey.generate()
    (sftp.ssh / "known_hosts").write_text(
        f"[127.0.0.1]:{sftp.server.port} {other.get_name()} {other.get_base64()}\n"
    )
    with pytest.raises(HubError, match="another key"):
        sftp.open().has("x")
    assert sftp.server.asked == []


def test_a_wrong_password_is_told_without_it(sftp):
    with pytest.raises(HubError, match="refuses this account") as told:
        sftp.open(secret="open sesame").has("x")
    assert "sesame" not in str(told.value)


def test_an_alias_of_the_ssh_configuration_works(sftp):
    (sftp.ssh / "config").write_text(
        f"Host shelf\n  HostName 127.0.0.1\n  Port {sftp.server.port}\n  User ada\n"
    )
    sftp.url = "ssh://shelf/published"
    sftp.open().write("a", [b"x"])
    assert (sftp.folder / "published/a").read_bytes() == b"x"


def test_an_address_below_the_home_is_relative(sftp):
    sftp.url = sftp.url.replace("/published", "/~/mine")
    place = sftp.open()
    place.write("a/b", [b"x"])
    with place.lock("me"):
        assert list(place.names()) == ["a/b"]
    assert (sftp.folder / "mine/a/b").read_bytes() == b"x"


def test_a_server_that_cannot_rename_over_a_file_is_written_in_two_steps(sftp):
    sftp.server.renames_over = False
    place = sftp.open()
    place.write("a", [b"one"])
    place.write("a", [b"two"])
    assert place.read("a", limit=3) == b"two"
    assert [path.name for path in sftp.folder.rglob("*") if path.is_file()] == ["a"]


def test_a_rename_that_fails_leaves_the_old_file(sftp):
    place = sftp.open()
    place.write("a", [b"old"])
    sftp.server.renames_over = sftp.server.renames = False
    with pytest.raises(HubError) as told:
        place.write("a", [b"new"])
    assert not isinstance(told.value, Unreachable)
    sftp.server.renames = True
    assert place.read("a", limit=3) == b"old"
    assert [path.name for path in sftp.folder.rglob("*") if path.is_file()] == ["a"]


def test_a_disk_that_keeps_only_a_part_is_found_out(sftp):
    place = sftp.open()
    place.write("a", [b"old"])
    sftp.server.loses = True
    with pytest.raises(HubError, match="only a part"):
        place.write("a", [b"x" * 100_000])
    assert place.read("a", limit=3) == b"old"


def test_a_line_that_breaks_once_is_taken_up_again(sftp):
    place = sftp.open()
    place.write("a", [b"x" * 100_000])
    for number in (1, 2):
        sftp.line.cut_from(number, after=False)
        sftp.clock.while_asleep = sftp.line.heal
        assert place.read("a", limit=100_000) == b"x" * 100_000
