"""One run per remote at a time; the system gives a lock back, whatever happens to its holder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from prophet_hub.errors import Busy, StoreError
from prophet_hub.jobs.locks import holders, locked


def asleep(_seconds):
    raise AssertionError("nobody waits here")


def test_a_busy_remote_names_its_holder(tmp_path):
    with locked(tmp_path, ["b", "a"], "the first", sleep=asleep):
        with pytest.raises(Busy) as raised, locked(tmp_path, ["c", "b"], "other", sleep=asleep):
            pass
        assert holders(tmp_path) == {"a": "the first", "b": "the first"}

    assert raised.value.holder == "the first"
    assert str(raised.value).startswith("b is busy with the first. Wait for it to end")
    assert holders(tmp_path) == {}


def test_what_was_taken_before_the_busy_one_is_given_back(tmp_path):
    with locked(tmp_path, ["b"], "the first", sleep=asleep):
        with pytest.raises(Busy), locked(tmp_path, ["a", "b"], "other", sleep=asleep):
            pass
        with locked(tmp_path, ["a"], "third", sleep=asleep):
            pass


def test_other_remotes_are_free(tmp_path):
    with (
        locked(tmp_path, ["a", "b"], "one", sleep=asleep),
        locked(tmp_path, ["c", "d"], "two", sleep=asleep),
    ):
        assert holders(tmp_path) == {"a": "one", "b": "one", "c": "two", "d": "two"}


def test_a_run_may_wait(tmp_path):
    first = locked(tmp_path, ["a"], "one", sleep=asleep)
    first.__enter__()
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            first.__exit__(None, None, None)

    with locked(tmp_path, ["a"], "two", wait=10, sleep=sleep):
        assert holders(tmp_path) == {"a": "two"}
    assert len(slept) == 3


def test_waiting_ends(tmp_path):
    slept = []
    with (
        locked(tmp_path, ["a"], "one", sleep=asleep),
        pytest.raises(Busy),
        locked(tmp_path, ["a"], "two", wait=0.5, sleep=slept.append),
    ):
        pass
    assert sum(slept) == pytest.approx(0.5)


def test_a_holder_that_died_holds_nothing(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from prophet_hub.jobs.locks import locked\n"
        f"locked(Path({str(tmp_path)!r}), ['a'], 'the dead', sleep=print).__enter__()\n"
        "os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 9

    with locked(tmp_path, ["a"], "the living", sleep=asleep):
        assert holders(tmp_path) == {"a": "the living"}


def test_a_lock_file_without_words_is_another_run(tmp_path):
    with locked(tmp_path, ["a"], "one", sleep=asleep):
        (tmp_path / "a.lock").write_text("{")
        assert holders(tmp_path) == {"a": "another run"}


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()

    with (
        pytest.raises(StoreError, match="must be writable for this user"),
        locked(tmp_path / "file/locks", ["a"], "one", sleep=asleep),
    ):
        pass
