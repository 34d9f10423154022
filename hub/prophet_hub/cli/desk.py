"""What every command has at hand: where things are, how to open them, how to print."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prophet_hub.cli.tables import harmless, table

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.jobs.load import JobFile
    from prophet_hub.model.schema import RecordType
    from prophet_hub.plugins import Plugins

__all__ = ["CONFIG", "Desk", "NobodyReadsError", "is_poor", "micros"]

CONFIG = "prophet-hub.yaml"
_DATABASE = "prophet-hub.db"
_LONGEST = 1_000
_PLUGINS = "prophet_hub.plugins"  # as hookspecs calls it; not imported, for help needs no pluggy


def micros() -> int:
    """Returns the present, in microseconds since 1970."""
    return time.time_ns() // 1000


def is_poor() -> bool:
    """Tells whether standard output may lack letters, so that JSON has to name them by number."""
    return not (getattr(sys.stdout, "encoding", "") or "utf").lower().startswith("utf")


class NobodyReadsError(Exception):
    """Whoever read our output has gone, which is no failure of ours."""


class Desk:
    """One command's surroundings; nothing is opened or imported before it is asked for.

    Attributes:
        verbose: Whether tracebacks and warnings are wanted.
    """

    def __init__(self) -> None:
        self._database: Path | None = None
        self._config: Path | None = None
        self.verbose = False

    def named(self, *, database: Path | None, config: Path | None, verbose: bool) -> None:
        """Takes in the global options."""
        self._database, self._config, self.verbose = database, config, verbose

    # --- where things are ---

    @property
    def database(self) -> Path:
        """The database's file."""
        if self._database is None:
            from platformdirs import user_data_path  # noqa: PLC0415 - only without --database

            self._database = user_data_path("prophet-hub", appauthor=False) / _DATABASE
        return self._database

    @property
    def folder(self) -> Path:
        """The folder beside the database for locks and the remotes' private files."""
        return self.database.with_name(f"{self.database.name}.remotes")

    @property
    def config(self) -> Path:
        """The job file: as named, else the one here, else the one in the config folder."""
        if self._config is None:
            here = Path(CONFIG)
            if here.exists():
                return here
            from platformdirs import user_config_path  # noqa: PLC0415 - only where none is here

            there = user_config_path("prophet-hub", appauthor=False) / CONFIG
            return there if there.exists() else here
        return self._config

    @property
    def config_to_write(self) -> Path:
        """Where a new job file goes: as named, else here."""
        return self._config or Path(CONFIG)

    # --- what is opened ---

    @contextlib.contextmanager
    def replica(self, *, write: bool = False, make: bool = True) -> Iterator[Replica]:
        """Opens the database for the block; only a command that writes may make one, unless it works
        with what is there, and it signs where there is a key.
        """
        from prophet_hub.engine.replica import Replica  # noqa: PLC0415 - lazy: help needs none

        replica = Replica.open(
            self.database, clock=micros, create=write and make, read_only=not write
        )
        if write:
            from prophet_hub.jobs.keys import signer  # noqa: PLC0415 - lazy

            replica.seal_with(signer(os.environ))
        try:
            yield replica
        finally:
            replica.close()

    def job_file(self) -> JobFile:
        """Reads the job file."""
        from prophet_hub.jobs.load import load  # noqa: PLC0415 - lazy: pydantic

        return load(self.config)

    def plugins(self) -> Plugins:
        """Loads the plugins: work starts."""
        import logging  # noqa: PLC0415 - lazy

        from prophet_hub.plugins import Plugins  # noqa: PLC0415 - lazy

        logging.basicConfig(format="prophet-hub: %(message)s", level=logging.WARNING)
        if not self.verbose:
            logging.getLogger("urllib3").setLevel(logging.ERROR)  # the hub tells what came of it
        return Plugins()

    def plugins_if_any(self, app: Any) -> None:
        """Lets plugins add their commands, where a package brings any."""
        from importlib import metadata  # noqa: PLC0415 - lazy

        if metadata.entry_points(group=_PLUGINS):
            self.plugins().commands(app)

    # --- what is printed ---

    def say(self, *lines: str) -> None:
        """Prints lines on standard output."""
        try:
            for line in lines:
                print(harmless(line))  # noqa: T201 - cli prints
        except BrokenPipeError as error:
            raise NobodyReadsError from error

    def tell(self, line: str) -> None:
        """Prints a line on standard error."""
        print(harmless(line), file=sys.stderr)  # noqa: T201 - cli prints

    def table(
        self, rows: Iterable[Sequence[str]], *,
        head: Sequence[str] = (), below: Collection[str] = (),
    ) -> None:  # fmt: skip
        """Prints aligned rows; on a terminal lines end at its edge, or columns go `below` their row."""
        width, bold = self._width(), self.coloured
        self.say(*table(rows, head=head, width=width, bold=bold, below=below))

    def json(self, data: object) -> None:
        """Prints data for programs."""
        import json  # noqa: PLC0415 - lazy

        self.say(json.dumps(data, ensure_ascii=is_poor(), indent=2))

    @property
    def coloured(self) -> bool:
        """Whether standard output may carry colours and weights."""
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @staticmethod
    def _width() -> int:
        import shutil  # noqa: PLC0415 - lazy

        return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0

    # --- who is there ---

    @property
    def asks(self) -> bool:
        """Whether somebody can be asked."""
        return sys.stdin.isatty() and sys.stdout.isatty()

    @staticmethod
    def who(told: str = "") -> str:
        """Returns the person at the keyboard, as an author.

        What was told, else PROPHET_HUB_AUTHOR, else the address that git knows, else the login.

        Raises:
            UsageError: It is no name.
        """
        found = told or os.environ.get("PROPHET_HUB_AUTHOR", "").strip() or _known_to_git()
        if len(found) > _LONGEST or any("\ud800" <= letter <= "\udfff" for letter in found):
            from prophet_hub.errors import UsageError  # noqa: PLC0415 - lazy

            raise UsageError(
                f"The author has more than {_LONGEST} letters, or bytes that are no letters.",
                hint="Name an e-mail address with --author, or in PROPHET_HUB_AUTHOR.",
            )
        address = found.partition("<")[2].partition(">")[0] or found  # `Jesse <jesse@example.org>`
        return address.strip().lower() if "@" in address else found or _login()

    def record_types(self) -> Sequence[RecordType]:
        """Returns the record types that plugins declare, where a package brings any."""
        from importlib import metadata  # noqa: PLC0415 - lazy

        return self.plugins().record_types() if metadata.entry_points(group=_PLUGINS) else ()

    @staticmethod
    def sleep(seconds: float) -> None:
        """Passes seconds."""
        time.sleep(seconds)

    @contextlib.contextmanager
    def interruptible(self, stop: Callable[[], None]) -> Iterator[None]:
        """Lets the first Ctrl-C (or SIGTERM) end the work after the current item, the second at once."""
        import signal  # noqa: PLC0415 - lazy

        asked = False

        def handler(_number: int, _frame: object) -> None:
            nonlocal asked
            if asked:
                raise KeyboardInterrupt
            asked = True
            stop()
            self.tell("prophet-hub: ends after the current item; again to end at once.")

        before = {one: signal.signal(one, handler) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, old in before.items():
                signal.signal(one, old)


def _known_to_git() -> str:
    """Returns the e-mail address that git is configured with, "" if none."""
    import subprocess  # noqa: PLC0415 - lazy

    try:
        ran = subprocess.run(
            ["git", "config", "user.email"],  # noqa: S607 - whichever git the person uses
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def _login() -> str:
    import getpass  # noqa: PLC0415 - lazy

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in the system's own list
        return "somebody"
