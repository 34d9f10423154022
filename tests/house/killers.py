"""The table of killers: every guard of `merge/` and of `foreign/`, and the story that falls without it.

`make mutants` lets each of them fall and writes the table anew.
"""

from __future__ import annotations

from pathlib import Path

from foreign.test_mutants import RULES
from merge.test_mutants import MUTANTS

PAGE = Path(__file__).parents[2] / "docs/design/mutants.md"


def page() -> str:
    """Returns the page with both tables."""
    merging = [(m.name, m.killer) for m in MUTANTS]
    bridge = [(m.rule, m.killer) for m in RULES]
    lines = [
        "# The table of killers",
        "",
        "Written by `make mutants`, which switches off one guard at a time and looks whether the story",
        "falls that tells why the guard is there. A guard without a story is not in the code.",
        "",
        f"## The law of merging, {len(merging)} guards",
        "",
        "Of `merge/` and of the engine's way to its answers ([001](001-the-law-of-merging.md)).",
        "The stories stand in `tests/merge/scenarios.py` and `tests/merge/healing.py`.",
        "",
        *_table("switched off", merging),
        "",
        f"## The bridge, {len(bridge)} rules",
        "",
        "Of `foreign/` ([002](002-the-bridge.md)). The stories stand in `tests/foreign/`.",
        "",
        *_table("the rule that is broken", bridge),
    ]
    return "\n".join(lines) + "\n"


def _table(what: str, killers: list[tuple[str, str]]) -> list[str]:
    rows = [f"| {name} | {killer.replace('_', ' ')} |" for name, killer in killers]
    return [f"| {what} | the story that falls |", "|---|---|", *rows]
