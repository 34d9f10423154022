"""Packages made on the spot: a module and its metadata in a folder on `sys.path`."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path

CONNECTOR = """
from prophet_hub.hookspecs import hookimpl
from prophet_hub.testing.memory import MemoryConnector

@hookimpl
def prophet_connector():
    return MemoryConnector
"""


@contextmanager
def package(folder: Path, name: str, source: str, *, group="prophet_hub.connectors", entry=None):
    """Makes a package with one entry point importable inside the block.

    The module is named like the package; every name is to be used once per test session.
    """
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    about = folder / f"{module}-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nSummary: Tells of {name}\n"
    )
    (about / "entry_points.txt").write_text(f"[{group}]\n{entry or name} = {module}\n")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield module
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(module, None)
        importlib.invalidate_caches()
