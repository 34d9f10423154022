"""The `task` command as two questions: what is there, and take this.

It is run under a configuration of the user's choosing that is never changed: all that matters here is
said on the command line.  No reading may renumber tasks, make recurring ones or run a hook.  Facts
are from Taskwarrior 2.6.2 and src/commands/CmdImport.cpp of 3.1.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from prophet_hub.errors import ConfigError, Garbled, Rejected, Transient, Unsure

__all__ = ["Program", "Task", "terms_of"]

Task = dict[str, Any]
Done = tuple[int, str, str]
"""Exit code, standard output, standard error."""

PATIENCE: Final = 120
QUIET: Final = (
    "rc.confirmation=no",
    "rc.recurrence.confirmation=no",
    "rc.verbose=nothing",
    "rc.gc=0",
    "rc.recurrence=0",
    "rc.context=none",
    "rc.json.array=1",
)
LOCK: Final = ".prophet-hub.lock"


class Program:
    """One store of tasks behind one command.

    Attributes:
        runs: How often the command was run.
        call: Runs (command line, standard input); tests put a program of their own here.
    """

    def __init__(self, remote: str, command: str, place: str, *, hooks: bool) -> None:
        self.remote = remote
        self.runs = 0
        self.call: Callable[[Sequence[str], str], Done] = _run
        self._place = Path(place.removeprefix("file://")).expanduser()
        self._words = [*shlex.split(command)]
        self._hooks = hooks

    def export(self, *terms: str) -> list[Task]:
        """Returns the tasks that the terms match, all of them without any.

        Terms stand before the command, since 2.6 takes what follows it for the name of a report; so
        none of them may be a word that could be a command itself.

        Raises:
            Transient: The store is not there, or the command does not come back.
        """
        try:
            code, said, trouble = self._do([*terms, "export"])
        except subprocess.TimeoutExpired:
            raise Transient(f"{self.remote}: `task export` does not come to an end.") from None
        if code:
            raise Rejected(
                f"{self.remote}: `task export` failed with {code}: {_last(trouble)}.",
                hint=f"Check `query` of remote {self.remote}.",
            )
        try:
            told = json.loads(said)
            if all(isinstance(task["uuid"], str) for task in told):
                return list(told)
        except (ValueError, TypeError, LookupError):
            pass
        raise Garbled(f"{self.remote}: `task export` told something else than tasks.")

    def put(self, task: Task) -> None:
        """Makes a task, or puts it in the place of the one with its uuid; the same twice is once.

        Raises:
            Rejected: The command refused it, or crashed on it, as it does on dates that are none.
            Unsure: It did not come back.
        """
        # Escaped, a letter beyond the first plane would become two halves of one.
        text = json.dumps([task], ensure_ascii=False)
        try:
            code, _, trouble = self._do(["import", "-"], text)
        except subprocess.TimeoutExpired:
            raise Unsure(f"{self.remote}: `task import` does not come to an end.") from None
        if code:
            raise Rejected(f"{self.remote} refused a task with {code}: {_last(trouble)}.")

    def version(self) -> str:
        """Returns the version of the command."""
        return self._do(["_version"])[1].strip()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other hubs out between a look and a write; a person's `task` does not ask."""
        import fcntl  # noqa: PLC0415 - where there is no fcntl, there is no Taskwarrior either

        self._check()
        folder = self._place if self._place.is_dir() else self._place.parent
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _check(self) -> None:
        if not self._place.exists():
            raise Transient(
                f"{self.remote}: {self._place} is not there.",
                hint="Name the folder of the tasks, or a taskrc; the hub makes neither.",
            )

    def _do(self, words: Sequence[str], text: str = "") -> Done:
        self._check()
        own = (
            ["rc:/dev/null", f"rc.data.location={self._place}"]
            if self._place.is_dir()
            else [f"rc:{self._place}"]
        )
        self.runs += 1
        try:
            return self.call(
                [*self._words, *own, *QUIET, f"rc.hooks={int(self._hooks)}", *words], text
            )
        except OSError as error:
            raise ConfigError(
                f"{self.remote}: {self._words[0]} cannot be run ({error.strerror}).",
                hint=f"Install Taskwarrior, or name it in `command` of remote {self.remote}.",
            ) from None


def _run(words: Sequence[str], text: str) -> Done:
    """Runs a command; times without a zone would be of the process, so it lives in UTC."""
    env = {k: v for k, v in os.environ.items() if k not in ("TASKRC", "TASKDATA")}
    done = subprocess.run(  # noqa: S603 - the command is the user's own
        words,
        input=text.encode(),
        capture_output=True,
        env={**env, "TZ": "UTC"},
        timeout=PATIENCE,
        check=False,
    )
    return (
        done.returncode,
        done.stdout.decode("utf-8", "replace"),
        done.stderr.decode("utf-8", "replace"),
    )


def _last(trouble: str) -> str:
    return (trouble.strip().splitlines() or ["it did not say why"])[-1]


def terms_of(query: str) -> list[str]:
    """Returns the words of a filter.

    Raises:
        Rejected: One of them could be taken for a command, and done.
    """
    terms = shlex.split(query)
    for term in terms:
        if re.fullmatch(r"\w*[^\W\d]\w*", term) and term not in ("and", "or", "xor"):
            raise Rejected(
                f"The word {term} in `query` could be a command.",
                hint=f"Write it as /{term}/ or description.has:{term}.",
            )
    return terms
