"""Every job file on the page of the topologies is loaded and played: it does what the page says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from jobs.test_topologies import site
from jobs.topology import Office, doubled, summaries

__all__ = ["site"]

PAGE = (Path(__file__).parents[2] / "docs/topologies.md").read_text()
FILES = {
    found[1]: textwrap.dedent(found[2])
    for found in re.finditer(
        r"^## ([^\n]+)\n(?:(?!^## ).*\n)*?\n((?:    .*\n)+)", PAGE, re.MULTILINE
    )
}
EXPECTED = {
    "One job": ("tuvw", "tuvw", "tuvw"),
    "A line": ("tuvw", "tuvw", "uvw"),
    "A star: hub and spokes": ("tuvw", "tvw", "uvw"),
    "A ring": ("tuvw", "tuvw", "tuvw"),
    "One server under several names": ("tuw", "tuw", "v"),
}


def test_every_shape_on_the_page_is_played():
    assert set(FILES) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_page_is_true(site, tmp_path, name):
    a, b, c, _ = site
    a.create("jesse", {"summary": "t", "labels": frozenset({"dev"}), "queue": "first"})
    a.create("jesse", {"summary": "u", "labels": frozenset({"ops"}), "queue": "second"})
    b.create("jesse", {"summary": "w", "labels": frozenset({"ops"})})
    c.create("jesse", {"summary": "v", "labels": frozenset({"dev"})})
    office = Office(tmp_path / "hub", FILES[name])
    office.settle()

    found = tuple("".join(summaries(tracker)) for tracker in (a, b, c))
    assert found == EXPECTED[name]
    assert (doubled(site), office.conflicts(), office.inbox()) == ([], [], [])
