"""A `task` command in one file: export and import of 2.6, as a program or within this process.

It keeps tasks in `tasks.json` of its data folder and lives by the machine's clock, or by the number
in a file `now` beside it.  The traps are the real one's: an import replaces a whole task, `modified`
becomes now for a task that was there, an escaped letter beyond the first plane falls in two, an
empty description, a date that is none or a status that is none crash it, and tags are parted at commas.

Only what the standard library has is used, for it runs with any Python.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["call", "main"]

STAMP = "%Y%m%dT%H%M%SZ"
DATES = ("entry", "modified", "start", "end", "due", "wait", "scheduled", "until")
STATUSES = ("pending", "waiting", "completed", "deleted", "recurring")
CRASH = -11


def call(words: Sequence[str], text: str) -> tuple[int, str, str]:
    """Does what a command line says, and returns exit code, standard output and error."""
    rest = [word for word in words[1:] if not word.startswith("rc")]
    folder = _folder(words)
    if rest[0] == "_version":
        return 0, "2.6.2\n", ""
    tasks = _read(folder)
    if rest[-1] == "export":
        told = [
            _shown(task, n) for n, task in enumerate(tasks.values(), 1) if _fits(task, rest[:-1])
        ]
        lines = ",\n".join(json.dumps(task, ensure_ascii=False) for task in told)
        return 0, f"[\n{lines}\n]\n", "TASKRC override: /dev/null\n"
    if rest[0] == "import":
        return _import(folder, tasks, text)
    return 2, "", "Unable to find the command\n"


def _folder(words: Sequence[str]) -> Path:
    for word in words:
        if word.startswith("rc.data.location="):
            return Path(word.partition("=")[2])
    taskrc = next(word for word in words if word.startswith("rc:"))[3:]
    found = re.search(r"(?m)^data\.location=(.*)$", Path(taskrc).read_text())
    assert found
    return Path(found[1].strip())


def _import(folder: Path, tasks: dict[str, Any], text: str) -> tuple[int, str, str]:
    now = _now(folder).strftime(STAMP)
    try:
        given = json.loads(text)
    except ValueError:
        return 2, "", "Error: missing '}' at position 1\n"
    said = "Importing 'STDIN'\n"
    for task in given:
        kept = {k: v for k, v in task.items() if k not in ("id", "urgency") and v not in ("", [])}
        if not kept.get("description") or kept.get("status", "pending") not in STATUSES:
            return CRASH, said, ""
        if not all(_is_date(kept[name]) for name in DATES if name in kept):
            return CRASH, said, ""
        name = kept.setdefault("uuid", str(uuid.uuid4()))
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name):
            return 2, said, f"Not a valid UUID '{name}'.\n"
        kept.setdefault("status", "pending")
        kept.setdefault("entry", now)
        if kept["status"] in ("completed", "deleted"):
            kept.setdefault("end", now)
        if name in tasks or "modified" not in kept:
            kept["modified"] = now
        if "tags" in kept:
            kept["tags"] = sorted({*kept["tags"], *(p for t in kept["tags"] for p in t.split(","))})
        kept["annotations"] = _shifted(kept.get("annotations", []))
        if not kept["annotations"]:
            del kept["annotations"]
        said += f" {'mod' if name in tasks else 'add'}  {name} {kept['description']}\n"
        tasks[name] = _halved(kept, text)
    _write(folder, tasks)
    return 0, said, ""


def _halved(task: dict[str, Any], text: str) -> dict[str, Any]:
    """Escaped pairs are read half by half."""
    if not re.search(r"\\ud[89ab]", text, re.IGNORECASE):
        return task
    raw = json.dumps(task, ensure_ascii=False)
    halved: dict[str, Any] = json.loads(re.sub("[\U00010000-\U0010ffff]", "\ufffd\ufffd", raw))
    return halved


def _shifted(notes: list[Any]) -> list[Any]:
    """Two annotations of one second become neighbours: the second is their key."""
    taken: dict[str, str] = {}
    for note in sorted(notes, key=lambda note: note["entry"]):
        moment = datetime.strptime(note["entry"], STAMP).replace(tzinfo=UTC)
        while moment.strftime(STAMP) in taken:
            moment = datetime.fromtimestamp(moment.timestamp() + 1, UTC)
        taken[moment.strftime(STAMP)] = note["description"]
    return [{"entry": entry, "description": text} for entry, text in sorted(taken.items())]


def _fits(task: dict[str, Any], terms: list[str]) -> bool:
    """The few kinds of terms that are needed; any other word is looked for in the description."""
    for term in terms:
        name, colon, value = term.partition(":")
        if re.fullmatch(r"[0-9a-f-]{36}", term):
            fits = task["uuid"] == term
        elif term[0] in "+-":
            fits = (term[1:] in task.get("tags", [])) == (term[0] == "+")
        elif colon:
            fits = str(task.get(name, "")) == value
        else:
            fits = term in task["description"]
        if not fits:
            return False
    return True


def _shown(task: dict[str, Any], number: int) -> dict[str, Any]:
    working = task["status"] in ("pending", "waiting")
    return {"id": number if working else 0, **task, "urgency": round(time.time() % 1, 6)}


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return text.isdecimal()
    return True


def _now(folder: Path) -> datetime:
    fixed = folder / "now"
    return datetime.fromtimestamp(int(fixed.read_text()) if fixed.exists() else time.time(), UTC)


def _read(folder: Path) -> dict[str, Any]:
    kept = folder / "tasks.json"
    return json.loads(kept.read_text("utf-8")) if kept.exists() else {}


def _write(folder: Path, tasks: dict[str, Any]) -> None:
    new = folder / f"tasks.{os.getpid()}"
    new.write_text(json.dumps(tasks, ensure_ascii=False), "utf-8")
    new.replace(folder / "tasks.json")


def main() -> int:
    """Runs as the command would."""
    text = sys.stdin.buffer.read().decode() if "import" in sys.argv else ""
    code, said, trouble = call(sys.argv, text)
    sys.stdout.buffer.write(said.encode())
    sys.stderr.write(trouble)
    return code


if __name__ == "__main__":
    sys.exit(main())
