"""A real RT 5, made anew for the session; whoever asks for it is skipped where it is not there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live.real import Server, running
from live.table import Table


def pytest_sessionstart(session: pytest.Session) -> None:
    """Forgets the pairs of an earlier run; only where the session is not a worker's."""
    if not hasattr(session.config, "workerinput"):
        Table(session.config.rootpath).begin()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows the table of pairs."""
    if table := Table(terminalreporter.config.rootpath).text():
        terminalreporter.section("pairs")
        terminalreporter.write(table)


@pytest.fixture(scope="session")
def rt_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The RT of all live tests but those that want one of their own."""
    with running("rt", tmp_path_factory.mktemp("rt")) as server:
        yield server


@pytest.fixture(scope="module")
def fresh_rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An RT in which nothing has happened."""
    with running("rt", tmp_path_factory.mktemp("fresh")) as server:
        yield server
