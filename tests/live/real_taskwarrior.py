"""Tasks in a folder of their own, a person at them, and the sandbox that the contract asks for.

The same for Debian's `task` and for the one in `fakes`, which is called within this process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from prophet_connectors.taskwarrior import Taskwarrior, TaskwarriorSettings
from prophet_hub.sdk import COMMENT, Context, Create, Delete, Field, Kind, Ref, Update, Value
from prophet_hub.sdk.pace import Clock, ManualClock, SystemClock
from prophet_hub.testing.contract import Absent, Sandbox
from prophet_hub.testing.tracker import EPOCH

NOTES = Field(theirs="notes", ours="description", kind=Kind.LONG)
"""A user-defined attribute, as a job file maps one."""


class Turned(ManualClock):
    """The clock of the fake's folder, for both sides."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._file = folder / "now"
        self._file.write_text(str(EPOCH))

    def now(self) -> datetime:
        return datetime.fromtimestamp(int(self._file.read_text()), UTC)

    def turn(self, seconds: int) -> None:
        self._file.write_text(str(int(self._file.read_text()) + seconds))


class Tasks(Sandbox):
    """A folder of tasks; a person imports into it, as the hub does.

    Args:
        folder: Where they are.
        rows: What is mapped besides.
        call: A program within this process, whose clock can be turned; None for `task` itself.
    """

    examples = MappingProxyType({"status": ("started", "completed"), "priority": ("H", "L")})
    clearable = frozenset({"due", "priority", "project", "notes"})
    refused = ("status", "nonsense")
    narrow = ("project:Home", "project", "Home")

    def __init__(
        self, folder: Path, rows: Sequence[Field] = (NOTES,), call: Callable[..., Any] | None = None
    ) -> None:
        self.folder = folder
        self.rows = rows
        self.call = call
        self.clock: Clock = Turned(folder) if call else SystemClock()
        self.made: list[Taskwarrior] = []
        super().__init__()
        self.bob = self.connect()

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Taskwarrior:
        url = self.folder if reachable else self.folder / "nowhere"
        context = Context(remote="tasks", clock=self.clock)
        settings = TaskwarriorSettings(url=str(url), time_zone="America/New_York")
        made = Taskwarrior(settings, context)
        made.program.call = self.call or made.program.call
        made.fields = made.fields.extended(self.rows)
        self.made.append(made)
        return made

    def requests(self) -> int:
        return sum(connector.program.runs for connector in self.made)

    def make(self, fields: Mapping[str, Value]) -> str:
        ref = self.bob.apply(Create(ref=Ref(id=""), fields=fields)).ref
        task = self._task(ref.id)
        del task["prophethub"]
        self.bob.program.put(task)
        return ref.id

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        row = self.bob.fields.theirs(field)
        assert row is not None
        if not row.kind.many:
            changes = {field: str(value) if value else None}
            self.bob.apply(Update(ref=Ref(id=ticket), changes=changes))
            return
        task = self._task(ticket)
        task[field] = sorted(value or ())
        self.bob.program.put(task)

    def comment(self, ticket: str, body: str, *, private: bool = False) -> str:
        ref = Ref(kind=COMMENT, id="", ticket=ticket)
        made = self.bob.apply(Create(ref=ref, fields={"body": body})).ref
        task = self._task(ticket)
        task.pop("prophethub", None)
        self.bob.program.put(task)
        return made.id

    def edit_comment(self, ticket: str, comment: str, body: str) -> None:
        ref = Ref(kind=COMMENT, id=comment, ticket=ticket)
        self.bob.apply(Update(ref=ref, changes={"body": body}))

    def delete_comment(self, ticket: str, comment: str) -> None:
        self.bob.apply(Delete(ref=Ref(kind=COMMENT, id=comment, ticket=ticket)))

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        raise Absent("Taskwarrior keeps no files")

    def delete(self, ticket: str) -> None:
        self.bob.apply(Delete(ref=Ref(id=ticket)))

    def hide(self, ticket: str) -> None:
        raise Absent("who sees one task sees all of them")

    def merge(self, ticket: str, into: str) -> None:
        raise Absent("tasks are not merged")

    def advance(self, seconds: float) -> None:
        if isinstance(self.clock, Turned):
            self.clock.turn(math.ceil(seconds))
        else:
            time.sleep(seconds)

    def now(self) -> datetime:
        return self.clock.now()

    def _task(self, name: str) -> dict[str, Any]:
        return self.bob.program.export(name)[0]


SKIPS = MappingProxyType(
    {
        "Taskwarrior keeps no files": "it does not",
        "who sees one task sees all of them": "there are no permissions",
        "tasks are not merged": "they are not",
        "there is no password": "there is none",
        "the sandbox does not say who the person is": "tasks name nobody",
        "this sandbox cannot break the wire": "there is none",
        "this sandbox cannot set the tracker's clock": "no time is asked for",
        "the field map has no long text that may be written": "only where the job file maps one",
        "this sandbox cannot count mails": "it sends none",
    }
)
