"""A package for a new connector: written from templates, passing its own tests as written."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Final

from prophet_hub import plugins
from prophet_hub.errors import UsageError
from prophet_hub.jobs.config import NATIVE

__all__ = ["scaffold"]

_FILES: Final = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "src/prophet_hub_{module}/__init__.py": "connector.py.txt",
    "src/prophet_hub_{module}/py.typed": "",
    "tests/fake_{module}.py": "fake.py.txt",
    "tests/test_{module}.py": "test.py.txt",
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def scaffold(name: str, folder: Path) -> list[Path]:
    """Writes the package of a connector into a new folder, and returns its files.

    Args:
        name: Of the connector, in small letters: what stands after `connector:` in a job file.
        folder: Made; must not be there yet, or be empty.

    Raises:
        UsageError: The name is none or taken, or something stands in the folder.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a connector.",
            hint="Take small letters, digits and hyphens, as in: my-tracker.",
        )
    if name == NATIVE or name in (one.name for one in plugins.installed()):
        raise UsageError(
            f"There is a connector called {name} already.",
            hint="Two of one name cannot be used side by side: take another one.",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", hint="Name another one with --folder.")
    module = name.replace("-", "_")
    words = {
        "prophet_hub_mytracker": f"prophet_hub_{module}",
        "fake_mytracker": f"fake_{module}",
        "MYTRACKER": module.upper(),
        "MyTracker": "".join(part.title() for part in module.split("_")),
        "mytracker": name,
    }
    found = resources.files("prophet_hub.testing") / "template"
    made = []
    for place, template in _FILES.items():
        path = folder / place.format(module=module)
        text = (found / template).read_text("utf-8") if template else ""
        for old, new in words.items():
            text = text.replace(old, new)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        made.append(path)
    return made
