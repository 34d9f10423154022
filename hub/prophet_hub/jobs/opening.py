"""A job opened for work: its settings are good, its remotes are locked and connected."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import ConfigError
from prophet_hub.jobs import config as models
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.locks import locked
from prophet_hub.jobs.natives import Native, is_native, natives_of
from prophet_hub.jobs.places import names_at
from prophet_hub.jobs.remotes import check_settings, chosen, connect, doubled
from prophet_hub.jobs.trackers import one_tracker
from prophet_hub.plugins import Plugins
from prophet_hub.sdk import Connector, Tally
from prophet_hub.sdk.pace import SYSTEM, Alarm, Clock
from prophet_hub.values import from_micros

__all__ = ["Opened", "opened"]

_PATIENCE = 7_200.0
"""Seconds; longer pauses that a tracker asks for are left to the next run."""


class Opened(NamedTuple):
    """A job whose remotes are ours, good to be worked with; the alarm wakes who waits for one."""

    name: str
    job: models.Job
    connectors: dict[str, Connector]
    natives: list[Native]
    alarm: Alarm


@contextlib.contextmanager
def opened(
    replica: Replica, file: JobFile, words: tuple[str, ...], *,
    folder: Path, plugins: Plugins, clock: Callable[[], int], sleep: Callable[[float], None],
    wait: float, dry: bool, tallies: Mapping[str, Tally] = MappingProxyType({}),
    time: Clock = SYSTEM,
) -> Iterator[Opened]:  # fmt: skip
    """Locks and connects what the words name; arguments and errors are those of `started`.

    What a remote's connector sends is counted in its tally, where one is given.
    """
    name, job = chosen(file, words)
    faults = check_settings(file, job.remotes) or doubled(file, job)
    faults = faults or one_tracker(replica, file, job)
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"{file.path.name} has {count}.", faults=faults)
    since = from_micros(clock()).strftime("%Y-%m-%d %H:%M UTC")
    holder = f'the run of "{name}" (process {os.getpid()}, since {since})'
    native = [remote for remote in job.remotes if is_native(file, remote)]
    places = [one for name in job.remotes if name not in native for one in names_at(file, name)]
    with (
        locked(folder / ".locks", [*native, *places], holder, wait=wait, sleep=sleep),
        contextlib.ExitStack() as stack,
    ):
        connectors, alarm = {}, Alarm(time)
        natives = natives_of(replica, file, job, plugins.secret)
        for remote, use in job.remotes.items():
            if remote in native:
                continue
            connectors[remote] = connect(
                file, remote, folder=folder, ask=plugins.secret, query=use.query,
                dry=dry or use.direction == "pull", tally=tallies.get(remote), clock=alarm,
                patience=_PATIENCE,
            )  # fmt: skip
            stack.callback(connectors[remote].close)
        yield Opened(name, job, connectors, natives, alarm)
