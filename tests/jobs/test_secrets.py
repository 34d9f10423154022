"""Secrets are references; what they lead to is shown to nobody."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from prophet_hub.errors import UsageError
from prophet_hub.jobs.secrets import is_reference, remedy, resolve


def ask(scheme, reference):
    return f"{reference}!" if scheme == "vault" else None


def secret(reference, folder=Path()):
    return resolve(reference, folder=folder, ask=ask)


def test_from_the_environment(monkeypatch):
    monkeypatch.setenv("RT_PASSWORD", "hunter2")

    assert secret("env:RT_PASSWORD") == "hunter2"


def test_a_variable_that_is_not_set_names_the_remedy(monkeypatch):
    monkeypatch.delenv("RT_PASSWORD", raising=False)

    with pytest.raises(UsageError, match=r"RT_PASSWORD is not set\. Set it: export RT_PASSWORD="):
        secret("env:RT_PASSWORD")


def test_from_a_file_beside_the_job_file(tmp_path):
    (tmp_path / "secret").write_text(" a b \r\n")

    assert secret("file:secret", tmp_path) == " a b "


def test_a_file_that_cannot_be_read_or_is_empty(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "bytes").write_bytes(b"\xff")

    for name, why in (("none", "No such file"), ("empty", "is empty"), ("bytes", "no UTF-8")):
        with pytest.raises(UsageError, match=why):
            secret(f"file:{name}", tmp_path)


def test_from_a_command_without_a_shell():
    assert secret(f"command:{sys.executable} -c 'print(\"$HOME\")'") == "$HOME"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/no/such/command", "No such file"),
        (f"{sys.executable} -c 'raise SystemExit(3)'", "ends with 3"),
        (f"{sys.executable} -c pass", "prints nothing"),
    ],
)
def test_a_command_that_fails_is_a_sentence(command, why):
    with pytest.raises(UsageError, match=why):
        secret(f"command:{command}")


class Locked(Exception):
    pass


def get_password(service, user):
    if service == "locked":
        raise Locked
    return {("rt/main", "hub"): "hunter2"}.get((service, user))


def test_from_the_keyring(monkeypatch):
    errors = types.SimpleNamespace(KeyringError=Locked)
    fake = types.SimpleNamespace(get_password=get_password, errors=errors)
    monkeypatch.setitem(sys.modules, "keyring", fake)

    assert secret("keyring:rt/main/hub") == "hunter2"
    for reference, why in (
        ("keyring:rt/nobody", "nothing under rt for nobody"),
        ("keyring:rt", "keyring:SERVICE/USER"),
        ("keyring:locked/hub", "does not answer: Locked"),
    ):
        with pytest.raises(UsageError, match=why):
            secret(reference)


def test_without_a_keyring_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(UsageError, match=r"pip install 'prophet-hub\[keyring\]'"):
        secret("keyring:rt/hub")


def test_other_schemes_are_answered_by_plugins():
    assert secret("vault:rt") == "rt!"
    with pytest.raises(UsageError) as raised:
        secret("hunter2:rest")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("value", ["hunter2", "env:", ":x", "env", "s3cr3t:word", "A B:c"])
def test_what_is_no_reference(value):
    assert not is_reference(value)


@pytest.mark.parametrize("value", ["env:X", "file:~/x", "keyring:a/b", "command:pass rt"])
def test_what_is_a_reference(value):
    assert is_reference(value)


def test_the_remedy_names_a_variable():
    assert "env:RT_MAIN_API_KEY" in remedy("rt-main", "api_key")
