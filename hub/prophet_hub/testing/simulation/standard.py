"""The standard world, killed at every boundary: before and after each request, around each commit.

Two trackers with tickets that wait for one another's words: texts, statuses behind a workflow,
comments, files, links, a deletion.  The sync that carries all of it dies at one boundary; then the
world comes to rest, and every law is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prophet_hub.testing.simulation.playing import Plan, Verdict, play
from prophet_hub.testing.simulation.setting import Remote, Setting
from prophet_hub.testing.simulation.steps import Step

__all__ = ["STANDARD", "boundaries"]

_WALKS = ("has a workflow", "tells no history", "compares no versions")
_POOR = ("carries no keys", "tells a part of its history", "tells changes by the minute")

STANDARD: dict[str, Setting] = {
    "rich and with a workflow": Setting(
        remotes=(Remote(name="a"), Remote(name="b", traits=_WALKS, deletes=True))
    ),
    "without keys": Setting(remotes=(Remote(name="a", traits=_POOR), Remote(name="b"))),
    "without keys on both sides": Setting(
        remotes=(
            Remote(name="a", traits=("carries no keys", "tells no history")),
            Remote(name="b", traits=("carries no keys", "lets the hub speak for others")),
        )
    ),
}
"""The settings in which it is walked, by name."""


def _steps(kill: int | None) -> tuple[Step, ...]:
    """Returns what happens: half of it known on both sides before the sync that dies, half not."""

    def step(
        number: int, kind: str, at: str, ticket: int = 0, pick: int = 1, who: str = "bob"
    ) -> Step:
        return Step(kind=kind, number=number, at=at, ticket=ticket or number, pick=pick, who=who)

    return (
        step(1, "create", "a", pick=3),
        step(2, "create", "b", who="eve"),
        step(3, "comment", "a", 1, who="jesse"),
        step(4, "quiet", "a"),
        step(5, "create", "a", who="jesse"),
        step(6, "write", "a", 1, pick=0),
        step(7, "write", "b", 1, pick=2),
        step(8, "status", "b", 2, pick=2),
        step(8, "status", "a", 1, pick=2),
        step(9, "edit comment", "b", 1, who="eve"),
        step(10, "comment", "b", 2),
        step(11, "attach", "a", 1),
        step(12, "attach", "b", 2, who="eve"),
        step(13, "label", "b", 1),
        step(14, "link", "a", 1),
        step(15, "create", "b", pick=6),
        step(16, "comment", "b", 15),
        step(17, "delete", "a", 2),
        Step(kind="sync", number=18, at="a", pick=1, who="bob", kill=kill),
    )  # fmt: skip


def _killed_at(name: str, boundary: int | None, folder: Path) -> Verdict:
    """Plays the standard world in a setting; its sync dies at a boundary, or goes well."""
    return play(Plan(seed=0, setting=STANDARD[name], steps=_steps(boundary)), folder)


def boundaries(name: str, folder: Path, *, every: int = 1) -> Iterator[tuple[int, Verdict]]:
    """Yields (boundary, what became of it) for each boundary of the sync, or every nth."""
    at = 0
    while (verdict := _killed_at(name, at, folder)).happened["kills"]:
        yield at, verdict
        at += every
