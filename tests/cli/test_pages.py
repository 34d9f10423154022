"""The page of the commands tells what the program tells."""

from __future__ import annotations

import re

from cli import pages


def test_every_command_is_on_the_page():
    assert pages.named(pages.PAGE.read_text()) == set(pages.commands())


def test_the_help_on_the_page_is_the_program_s_own():
    written = pages.PAGE.read_text()

    assert pages.page(written) == written, "run: make docs"


def test_every_option_has_a_line_of_help():
    for name, command in pages.commands().items():
        for param in command.params:
            if param.name not in ("install_completion", "show_completion"):
                assert param.help, f"{name} {param.name}"


def test_every_command_that_the_page_types_exists():
    typed = re.findall(r"prophet-hub ([a-z]+)(?: |$)", pages.PAGE.read_text(), re.MULTILINE)

    assert set(typed) <= set(pages.commands())
