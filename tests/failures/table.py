"""The ways in which tools that sync two ways hurt their users, each with what holds it here."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from house.guards import Guard

__all__ = ["WAITING", "Failure", "play"]


@dataclass(frozen=True)
class Failure:
    """A way to hurt users, the scenario that tells it, and the guards that hold it.

    Attributes:
        number: Its number in the table.
        what: How it hurts, in a line.
        scenario: A test, played with `given`; a `tmp_path` is made for one that asks for it.
        guards: Each of them, switched off alone, lets the scenario fail.
    """

    number: int
    what: str
    scenario: Callable[..., None]
    guards: tuple[Guard, ...]
    given: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


WAITING = {
    10: "a stale webhook, or one out of order, overwrites what is newer",
    29: "a poison item makes the sender switch the webhook off",
    34: "a new secret leaves webhooks on the old one",
}
"""What needs webhooks, which are not here yet."""


def play(failure: Failure) -> None:
    """Runs a failure's scenario once."""
    if "tmp_path" in inspect.signature(failure.scenario).parameters:
        with tempfile.TemporaryDirectory() as folder:
            failure.scenario(tmp_path=Path(folder), **failure.given)
    else:
        failure.scenario(**failure.given)
