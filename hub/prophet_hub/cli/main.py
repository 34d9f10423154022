"""The command line's door: finds the command, and tells errors in one place.

`show TICKET` in plain words is answered at once: the parser takes longer to import than the answer
to give.  Everything else goes through the typer application; a word that is no command of the hub's
may be an alias of the person's.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from prophet_hub.cli.desk import Desk, NobodyReadsError
from prophet_hub.cli.quick import msgspec_alone

__all__ = ["main"]

_VALUED = ("--database", "--config")
_PLAIN = ("--verbose",)
_NAMES = {"--database": "PROPHET_HUB_DATABASE", "--config": "PROPHET_HUB_CONFIG"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; prints every error as one sentence."""
    _open_closed()
    words = _global_first(list(sys.argv[1:] if argv is None else argv))
    desk = Desk()
    _forgive(sys.stdout)
    try:
        code = 0 if _at_once(words, desk) else _parsed(_meant(words, desk), desk)
        sys.stdout.flush()
    except (NobodyReadsError, BrokenPipeError):
        # who reads has gone; nothing may be written while Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:  # noqa: BLE001 - the one place where errors become text
        from prophet_hub.cli.failures import told  # noqa: PLC0415 - lazy: typer

        return told(error, desk)
    except KeyboardInterrupt:
        print("prophet-hub: interrupted.", file=sys.stderr)  # noqa: T201 - cli prints
        return 130
    return code


def _open_closed() -> None:
    """Puts nothing in the place of streams that were closed by whoever started the command."""
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as long as it runs
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as above
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as above


def _forgive(stream: object) -> None:
    """Lets a terminal or pipe that has no letter for something show its code instead of nothing."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _at_once(words: list[str], desk: Desk) -> bool:
    """Answers `[ticket] show TICKET [--json]`; returns whether these were the words."""
    rest = _rest(words, desk)
    rest = rest[1:] if rest[:1] == ["ticket"] else rest
    tickets = [word for word in rest[1:] if word != "--json"]
    if rest[:1] != ["show"] or len(tickets) != 1 or tickets[0].startswith("-"):
        return False
    msgspec_alone()
    from prophet_hub.cli.one import show_one  # noqa: PLC0415 - lazy

    show_one(desk, tickets[0], as_json="--json" in rest)
    return True


def _rest(words: list[str], desk: Desk) -> list[str]:
    """Tells the desk where things are; returns the words without the options that say so."""
    given = {option: os.environ.get(variable, "") for option, variable in _NAMES.items()}
    rest = []
    waiting = iter(words)
    for word in waiting:
        option, equals, value = word.partition("=")
        if option in _NAMES:
            given[option] = value if equals else next(waiting, "")
        else:
            rest.append(word)
    paths = {option: Path(value) if value else None for option, value in given.items()}
    desk.named(database=paths["--database"], config=paths["--config"], verbose=False)
    return rest


def _meant(words: list[str], desk: Desk) -> list[str]:
    """Returns the words with an alias in place of a command put in full."""
    from prophet_hub.cli.app import COMMANDS  # noqa: PLC0415 - lazy: typer

    command = _command(words)
    if not command or command in COMMANDS:
        return words
    from prophet_hub.cli.expand import expanded  # noqa: PLC0415 - most words are commands

    _rest(words, desk)
    at = words.index(command)
    return _global_first([*words[:at], *expanded(desk, words[at:], frozenset(COMMANDS))])


def _parsed(words: list[str], desk: Desk) -> int:
    """Runs the command that typer makes of the words; returns its exit code."""
    from prophet_hub.cli.app import application  # noqa: PLC0415 - lazy: typer

    command = application(_command(words), desk)
    code = command(args=words, prog_name="prophet-hub", standalone_mode=False, obj=desk)
    return code if isinstance(code, int) else 0


def _global_first(words: list[str]) -> list[str]:
    """Returns the words with the global options in front, wherever they stood before `--`."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
        elif word in _VALUED:
            front += [word, *(value for value in [next(waiting, None)] if value is not None)]
        elif word in _PLAIN or word.startswith(tuple(f"{name}=" for name in _VALUED)):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]


def _command(words: list[str]) -> str:
    """Returns the word that names the command, "" if none does."""
    waiting = iter(words)
    for word in waiting:
        if word in _VALUED:
            next(waiting, None)
        elif not word.startswith("-"):
            return word
    return ""
