"""Guards, switched off for the time of one test: pieces of a module's own text put out of force.

The changed text is compiled, and its functions take the place of the real ones wherever these are
held.  There is no flag for it in what users run.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import types
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Guard:
    """What stands in a module, and what would stand there without the guard.

    Attributes:
        rule: What it holds, in words.
        module: Dotted, whole.
        also: What goes with it, where either alone would hold.
    """

    rule: str
    module: str
    text: str
    instead: str
    also: tuple[Guard, ...] = ()

    def stands(self) -> bool:
        """Tells whether the text is where the guard says."""
        return self.text in _source(importlib.import_module(self.module))


@contextmanager
def switched_off(*guards: Guard) -> Iterator[None]:
    """Runs the block without these guards."""
    edits: dict[str, list[Guard]] = {}
    for guard in guards:
        for one in (guard, *guard.also):
            edits.setdefault(one.module, []).append(one)
    with ExitStack() as stack:
        for module, changes in edits.items():
            stack.enter_context(_changed(module, changes))
        yield


@contextmanager
def _changed(name, guards):
    module = importlib.import_module(name)
    source = _source(module)
    for guard in guards:
        assert guard.text in source, f"the guard stands elsewhere now: {guard.rule}"
        source = source.replace(guard.text, guard.instead, 1)
    changed = types.ModuleType(module.__name__)
    changed.__file__ = module.__file__
    code = compile(source, module.__file__, "exec")
    sys.modules[module.__name__] = changed
    try:
        exec(code, vars(changed))
    finally:
        sys.modules[module.__name__] = module
    new = dict(_functions(changed))
    kept: list[tuple[types.FunctionType, types.CodeType]] = []
    changes = False
    for known, function in _functions(module):
        if function.__module__ != module.__name__ or known not in new:
            continue
        other = new[known].__code__
        if function.__code__.co_freevars == other.co_freevars:
            changes |= function.__code__ != other
            kept.append((function, function.__code__))
            function.__code__ = other
    try:
        assert changes, f"no function holds it: {guards[0].rule}"
        yield
    finally:
        for function, code_ in kept:
            function.__code__ = code_


def _source(module):
    return Path(inspect.getsourcefile(module)).read_text("utf-8")


def _functions(space, prefix=""):
    for name, held in list(vars(space).items()):
        inner = (getattr(held, name, None) for name in ("__wrapped__", "func", "fget"))
        thing = next(filter(None, inner), held)
        if isinstance(thing, types.FunctionType):
            yield f"{prefix}{name}", thing
        elif isinstance(thing, type) and not prefix:
            yield from _functions(thing, f"{name}.")
