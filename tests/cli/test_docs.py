"""What the pages for users type is typed here, and answered as it stands there."""

from __future__ import annotations

import doctest
import io
import re
import shlex
from pathlib import Path

import pytest

from prophet_hub.cli import desk as desks

DOCS = Path(__file__).parents[2] / "docs"
MORNING = 1_795_248_900_000_000  # 2026-11-21 08:15 UTC
_SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def typed(page):
    """Yields (command, answer) of a page's indented blocks; an answer may hold blank lines."""
    blocks = re.findall(r"(?:^(?: {4}.*)?\n)+", (DOCS / page).read_text(), re.MULTILINE)
    for block in blocks:
        for told in re.split(r"^ {4}\$ ", block, flags=re.MULTILINE)[1:]:
            command, *answer = told.splitlines()
            yield command, "\n".join(line[4:] for line in answer).rstrip("\n")


@pytest.mark.parametrize("page", ["tickets.md"])
def test_a_page_tells_what_the_program_answers(hub, monkeypatch, page):
    monkeypatch.setenv("PROPHET_HUB_AUTHOR", "jesse@example.org")
    clock = iter(range(MORNING, MORNING + 10_000_000, 1000))
    monkeypatch.setattr(desks, "micros", lambda: next(clock))
    commands = 0
    for command, answer in typed(page):
        parts = command.split(" | ")
        if len(parts) > 1:
            text = " ".join(shlex.split(parts[0])[1:]) + "\n"  # of an echo
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        words = shlex.split(parts[-1])
        assert words[0] == "prophet-hub"

        said = hub("", *words[1:])

        found = (said.out + said.err).rstrip("\n")
        assert doctest.OutputChecker().check_output(f"{answer}\n", f"{found}\n", _SAME), (
            f"{command}\n{found}"
        )
        commands += 1
    assert commands > 15
