"""The clean three-way merge of long texts, line by line: a rule that every replica can follow.

Two who edited different parts of one description do not disagree.  The algorithm is diff3 (Khanna,
Kunal, Pierce, "A Formal Investigation of Diff3", 2007) over the longest matching blocks of
`difflib` without its heuristics.  What it writes must be the same everywhere and in every version
of Python: tests hold fixed examples, and another algorithm must take another rule's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Final

from prophet_hub.merge.cells import distinct
from prophet_hub.merge.conflicts import Conflict
from prophet_hub.values import Value, order

__all__ = ["MERGE", "merge", "merged"]

MERGE: Final = "merge 1"
"""The rule's name; the number is the algorithm's."""

_LARGEST: Final = 1 << 20  # characters
_PAIRS: Final = 1_000_000  # of equal lines: the matcher's time goes with them


def merge(
    base: Callable[[Conflict], Value], text: Callable[[Value], str | None]
) -> Callable[[Conflict], Sequence[tuple[str, Value]]]:
    """Returns the policy that merges texts where that is clean, and else leaves the conflict.

    Args:
        base: Gives what the heads of a conflict go back to, None where that is not one text.
        text: Gives a value's text, None where it is absent, erased or no text.
    """

    def policy(conflict: Conflict) -> Sequence[tuple[str, Value]]:
        if conflict.cell.member:
            return ()
        texts = [text(value) for value in sorted(distinct(conflict.cell.heads), key=order)]
        before = text(base(conflict))
        if before is None:
            return ()
        whole = texts[0]
        for other in texts[1:]:
            whole = None if whole is None or other is None else merged(before, whole, other)
        return () if whole is None else ((MERGE, whole),)

    return policy


def merged(base: str, one: str, other: str) -> str | None:
    """Returns the text with the changes of both, None where they touch one another.

    Lines end with a line feed and nothing else.  Two changes touch where no line that both kept stands
    between them; the same change on both sides is one.
    """
    if max(len(base), len(one), len(other)) > _LARGEST:
        return None
    before, mine, theirs = (whole.split("\n") for whole in (base, one, other))
    kept_here, kept_there = _kept(before, mine), _kept(before, theirs)
    if kept_here is None or kept_there is None:
        return None
    result: list[str] = []
    at = here = there = 0
    for line in [n for n in range(len(before)) if n in kept_here and n in kept_there] + [None]:
        parts = (
            (before[at:], mine[here:], theirs[there:])
            if line is None
            else (before[at:line], mine[here : kept_here[line]], theirs[there : kept_there[line]])
        )
        chosen = _chosen(*parts)
        if chosen is None:
            return None
        result += chosen
        if line is not None:
            result.append(before[line])
            at, here, there = line + 1, kept_here[line] + 1, kept_there[line] + 1
    return "\n".join(result)


def _chosen(base: list[str], one: list[str], other: list[str]) -> list[str] | None:
    if one in (base, other):
        return other
    return one if other == base else None


def _kept(base: list[str], new: list[str]) -> dict[int, int] | None:
    """Returns line of the base -> line of the new text, None where that would take too long."""
    here, there = Counter(base), Counter(new)
    if sum(count * there[line] for line, count in here.items()) > _PAIRS:
        return None
    blocks = SequenceMatcher(None, base, new, autojunk=False).get_matching_blocks()
    return {a + n: b + n for a, b, size in blocks for n in range(size)}
