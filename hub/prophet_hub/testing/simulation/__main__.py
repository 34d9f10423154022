"""Plays worlds: many of them and a table in the end, or one of them and its story."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from prophet_hub.testing.simulation.playing import Plan, Verdict, draw, play
from prophet_hub.testing.simulation.shrinking import shrink
from prophet_hub.testing.simulation.standard import STANDARD, boundaries

__all__ = ["main"]

_LOT = 250
"""Worlds that one process plays before it says how it went."""

_Lot = tuple[Counter[str], Counter[str], list[tuple[int, str]]]


def main(words: list[str] | None = None) -> int:
    """Plays what the words of a command line say; returns 1 where a law is broken.

    `--worlds N` plays N worlds from `--seed` on; without it the world of `--seed` alone is played
    and told.
    """
    asked = _parser().parse_args(words)
    if asked.worlds is None:
        return _one(asked.seed)
    return _many(range(asked.seed, asked.seed + asked.worlds), asked.processes, asked.every)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m prophet_hub.testing.simulation", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--seed", type=int, default=0, help="the (first) world")
    parser.add_argument("--worlds", type=int, help="how many; without it one, with its story")
    parser.add_argument("--processes", type=int, default=2, help="how many play at once")
    parser.add_argument("--every", type=int, default=1, help="nth boundary at which the hub dies")
    return parser


def _one(seed: int) -> int:
    plan = draw(seed)
    with tempfile.TemporaryDirectory() as folder:
        verdict = play(plan, Path(folder))
    _tell(plan, verdict)
    return 1 if verdict.law else 0


def _many(seeds: range, processes: int, every: int) -> int:
    happened, excused = Counter[str](), Counter[str]()
    broken: list[tuple[int, str]] = []
    lots = [seeds[n : n + _LOT] for n in range(0, len(seeds), _LOT)]
    with ProcessPoolExecutor(processes) as pool:
        for lot, (more, causes, found) in zip(lots, pool.map(_lot, lots), strict=True):
            happened += more
            excused += causes
            broken += found
            _say(f"{happened['worlds']} worlds, up to seed {lot[-1]}: {len(broken)} broken")
            _say(*(f"  --seed {seed}: {law}" for seed, law in found))
    fallen = _walked(every)
    _table("What happened", happened)
    _table("What no hub can help, or people are told of", excused)
    _say(f"\n{happened['worlds']} worlds, broken laws: {len(broken) + fallen}")
    for seed, law in broken[:1]:
        with tempfile.TemporaryDirectory() as folder:
            _tell(*shrink(draw(seed), law, Path(folder)))
        _say(f"\nThe world as it was drawn: --seed {seed}")
    return 1 if broken or fallen else 0


def _walked(every: int) -> int:
    """Kills the standard world at every nth boundary; returns how many of its worlds broke a law."""
    fallen = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in STANDARD:
            count = 0
            for at, verdict in boundaries(name, Path(folder), every=every):
                count += 1
                if verdict.law:
                    fallen += 1
                    _say(f"killed at boundary {at}: {verdict.law}: {verdict.what}")
            _say(f"the standard world, {name}: killed at {count} boundaries")
    return fallen


def _lot(seeds: range) -> _Lot:
    happened, excused = Counter[str](), Counter[str]()
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            verdict = play(draw(seed), Path(folder))
            happened += verdict.happened
            excused += verdict.excused
            if verdict.law:
                broken.append((seed, verdict.law))
    return happened, excused, broken


def _tell(plan: Plan, verdict: Verdict) -> None:
    """Says what a world is made of, what happened in it, and how it ended."""
    said = plan.setting
    _say(f"World {plan.seed}: conflicts {said.policy}, brakes {said.brakes}")
    for remote in said.remotes:
        _say(f"  {remote}")
    _say(*verdict.story)
    _say("", f"Broken: {verdict.law}: {verdict.what}" if verdict.law else "No law is broken.")


def _table(title: str, counts: Counter[str]) -> None:
    _say("", title, *(f"{count:9}  {name}" for name, count in sorted(counts.items())))


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
