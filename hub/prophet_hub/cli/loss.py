"""The command `loss`: what will not survive between two remotes, said before the first sync."""

from __future__ import annotations

import dataclasses
from itertools import permutations
from typing import TYPE_CHECKING, Annotated

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.errors import UsageError

if TYPE_CHECKING:
    from prophet_hub.jobs.looks import Loss

__all__ = ["loss"]

_RANKS = {1: "does not arrive", 2: "waits or stays here", 3: "looks different"}


def loss(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="A job of the job file, or two of its remotes.",
            show_default=False,
        ),
    ] = None,
    one_way: Annotated[
        bool, typer.Option("--one-way", help="From the first remote to the others alone.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="From what is declared; no tracker is asked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> int:  # fmt: skip
    """Says before a first sync what will not survive between two remotes, the worst first."""
    from prophet_hub.jobs.looking import look  # noqa: PLC0415 - lazy: pydantic, requests
    from prophet_hub.jobs.loss import losses  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.natives import is_native  # noqa: PLC0415 - lazy
    from prophet_hub.jobs.remotes import chosen  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    file = desk.job_file()
    if not words:
        known = ", ".join([*file.config.jobs, *file.config.remotes])
        raise UsageError("Between what?", hint=f"There are: {known}.")
    _, job = chosen(file, tuple(words))
    given = words if len(words) > 1 else list(job.remotes)
    names = [name for name in dict.fromkeys(given) if not is_native(file, name)]
    plugins, looks, notes = desk.plugins(), {}, []
    for name in names:
        looks[name], why = look(
            file, job, name, folder=desk.folder, ask=plugins.secret, offline=offline
        )
        if why:
            notes.append(f"{name} was not asked ({why}): what follows is from its declarations.")
    pairs = [(a, b) for a, b in permutations(names, 2) if not one_way or a == names[0]]
    found = [(a, b, losses(looks[a], looks[b])) for a, b in pairs]
    if as_json:
        desk.json({
            "asked": [name for name in names if looks[name].schema is not None],
            "losses": [dataclasses.asdict(one) for _, _, told in found for one in told],
        })  # fmt: skip
        return 0
    desk.say(*notes)
    for a, b, told in found:
        desk.say(f"From {a} to {b}:")
        _show(desk, told)
    return 0


def _show(desk: Desk, told: list[Loss]) -> None:
    alike: dict[tuple[int, str], list[str]] = {}
    for one in told:
        alike.setdefault((one.rank, one.sentence), []).append(one.topic)
    rank = 0
    for (this, sentence), topics in alike.items():
        if this != rank:
            rank = this
            desk.say(f"  {_RANKS[rank]}:")
        desk.say(f"    {', '.join(topics)}: {sentence}")
    if not told:
        desk.say("  nothing is lost, as far as is known")
