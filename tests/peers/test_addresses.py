"""What an address may be, and what is said of one that cannot be used."""

from __future__ import annotations

import sys

import pytest

from prophet_hub.errors import HubError, UsageError
from prophet_hub.peers.places import open_place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://ada:sesame@example.org/x", "carries a password"),
        ("sftp://ada:sesame@example.org/x", "carries a password"),
        ("s3://key:sesame@bucket/x", "carries a password"),
        ("https://example.org/x?token=sesame", "is no address"),
        ("https://example.org/x#sesame", "is no address"),
        ("https:///x", "is no address"),
        ("sftp://", "is no address"),
        ("http://example.org:sesame/", "cannot be read"),
        ("http://[::1/x", "cannot be read"),
        ("gopher://example.org/sesame", "are not known"),
        ("file://elsewhere/x", "another machine"),
        ("", "empty address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_secrets(url, said):
    with pytest.raises(UsageError, match=said) as told:
        open_place(url)
    assert "sesame" not in str(told.value)
    assert told.value.__suppress_context__ or told.value.__context__ is None


def test_a_file_is_no_place(tmp_path):
    (tmp_path / "x.db").touch()
    with pytest.raises(UsageError, match="is a file"):
        open_place(str(tmp_path / "x.db"))


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("s3://bucket/x", "s3fs", "s3"),
        ("sftp://example.org/x", "paramiko", "sftp"),
        ("memory://x", "fsspec.implementations.memory", "peers"),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_command(url, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(HubError) as told:
        open_place(url).has("x")
    assert told.value.hint == f"Run: pip install 'prophet-hub[{extra}]'"


def test_plain_paths_need_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for url in ("here", "~/home", "a:b", str(tmp_path / "there"), f"file:{tmp_path}/file"):
        place = open_place(url)
        place.write("x", [b"1"])
        assert (place.url, place.read("x", limit=1)) == (url, b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a:b",
        "file",
        "here",
        "home",
        "there",
    ]


def test_an_s3_address_without_a_user_takes_what_aws_tools_would():
    place = open_place("s3://bucket/x/", endpoint="http://127.0.0.1:1")
    assert place._account == {"key": None, "secret": None, "endpoint_url": "http://127.0.0.1:1"}
    assert place.url == "s3://bucket/x"


def test_object_storage_without_credentials_says_so(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    place = open_place("s3://bucket/x", endpoint="http://127.0.0.1:1")
    with pytest.raises(HubError, match="needs credentials"):
        place.has("x")
    place.close()
