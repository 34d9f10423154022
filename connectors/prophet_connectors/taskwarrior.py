"""Taskwarrior 2.6 and 3 by its own command: tasks as they are now, with annotations as comments.

A task's uuid may be chosen by who imports it, so the hub's key is the uuid: a create that is sent
again is the same task.  It tells no history (`History.NONE`), no persons and no files.  A pull is one
export of everything, compared by digests that stand in the cursor: exact, of no clock, and blind to
no import of old tasks.  An import replaces a whole task, so each write is an export, a look whether
the task is still what was read, and an import, with other hubs locked out.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prophet_connectors import _taskwarrior_words as words
from prophet_connectors._taskwarrior_cursor import TasksCursor
from prophet_connectors._taskwarrior_program import Program, Task, terms_of
from prophet_hub.errors import ConfigError, NotFound, Rejected, Stale, Unsupported
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    COMMENT,
    TICKET,
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Create,
    Delete,
    Field,
    Gone,
    History,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    RemoteSettings,
    Schema,
    SchemaField,
    Ticket,
    Update,
    Value,
    members,
)
from prophet_hub.sdk.doors import Doors, keyed, through
from prophet_hub.sdk.pace import SYSTEM, Clock
from prophet_hub.sdk.shapes import shaped

__all__ = ["Taskwarrior", "TaskwarriorSettings"]

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskwarriorSettings(RemoteSettings):
    """A store of tasks; `query` is a filter, as `task` takes it: `project:Home and -private`."""

    url: str = field(default="", metadata={"help": "The folder of the tasks, or a taskrc."})
    command: str = field(default="task", metadata={"help": "The command, with words before all."})
    owner: str = field(
        default="taskwarrior", metadata={"help": "Whose tasks they are, as an author."}
    )
    hooks: bool = field(default=False, metadata={"help": "Run the user's hooks at each write."})
    time_zone: str = field(default="", metadata={"help": "Of its days; the machine's if empty."})


class Taskwarrior(Connector):
    """One store, as its command shows it."""

    name = "taskwarrior"
    Settings = TaskwarriorSettings
    fields = words.FIELDS
    capabilities = Capabilities(
        history=History.NONE,
        writes=frozenset(
            (verb, kind) for verb in ("create", "update", "delete") for kind in (TICKET, COMMENT)
        ),
        granularity=timedelta(0),
        ordered=True,
        conditional=True,
        keys=frozenset({TICKET, COMMENT}),
        tombstones=True,
    )

    def __init__(self, settings: TaskwarriorSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        self._clock: Clock = context.clock or SYSTEM
        self.program = Program(context.remote, settings.command, settings.url, hooks=settings.hooks)
        try:
            self._zone = ZoneInfo(settings.time_zone) if settings.time_zone else None
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(
                f"There is no time zone {settings.time_zone!r}.", hint="Write it as Europe/Berlin."
            ) from error

    def whoami(self) -> Person:
        """Returns the hub as an author; proves that the command runs and the store is there."""
        self.program.version()
        return words.HUB

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields whole tickets, those that changed first at the front: one run of the command.

        With a query there is a second one, where something changed.
        """
        with shaped(self.context.remote, "Taskwarrior"):
            tasks = [t for t in self.program.export() if t["status"] != "recurring"]
            cursor = TasksCursor.of(pull.since)
            present = TasksCursor.at(tasks, self._clock.now())
            news = [task for task in tasks if present.shorts[task["uuid"]] not in cursor.seen]
            news.sort(key=lambda task: str(task.get("modified") or task["entry"]))
            query = pull.query or self.settings.query
            if query and news:
                found = {task["uuid"] for task in self.program.export(*terms_of(query))}
                news = [t for t in news if t["uuid"] in found or _known(pull, t["uuid"])]
            yield from map(self._told, news)
        yield Checkpoint(cursor=str(present), total=len(news))

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the task; a deleted one is gone, a purged one is not found."""
        return self._told(self._task(ref.id))

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation: two runs of the command."""
        doors: Doors = {
            ("create", TICKET): self._create,
            ("update", TICKET): self._change,
            ("delete", TICKET): self._change,
            **{(verb, COMMENT): self._annotate for verb in ("create", "update", "delete")},
        }
        with shaped(self.context.remote, "Taskwarrior"), self.program.alone():
            return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """A task has no attachments."""
        raise Unsupported(f"Taskwarrior has no place for a {ref.kind}.")

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns the task whose uuid is the key, or the annotation noted with it."""
        keyed(ref, self.capabilities, self.context.remote)
        task = self._look(key if ref.kind == TICKET else ref.ticket)
        if task is None or task["status"] == "deleted":
            return None
        if ref.kind == TICKET:
            return Ref(id=key)
        seconds = [second for second, noted in words.marks(task).items() if noted == key and key]
        held = {note["entry"] for note in task.get("annotations", ())}
        for second in seconds:
            if second in held:
                return Ref(kind=COMMENT, id=words.remark(ref.ticket, second), ticket=ref.ticket)
        return None

    def describe(self) -> Schema:
        """Returns the attributes that tasks have, user-defined ones among them, and projects."""
        tasks = self.program.export()
        names = {name for task in tasks for name in task}
        own = {words.attribute(row) for row in self.fields} | words.BUILT_IN
        return Schema(
            product="Taskwarrior",
            version=self.program.version(),
            projects=tuple(sorted({str(t["project"]) for t in tasks if t.get("project")})),
            fields=(
                *(
                    SchemaField(
                        name=row.theirs,
                        required=row.theirs == "summary",
                        writable=row.writable,
                        many=row.kind.many,
                    )
                    for row in self.fields
                ),
                *(SchemaField(name=name) for name in sorted(names - own)),
            ),
            statuses=words.STATUSES,
            permissions=frozenset({"read", "create", "update", "comment", "delete"}),
        )

    # --- within --------------------------------------------------------------------------------

    def _look(self, name: str) -> Task | None:
        if not UUID.fullmatch(name):
            return None
        return next((t for t in self.program.export(name) if t["uuid"] == name), None)

    def _task(self, name: str) -> Task:
        task = self._look(name)
        if task is None:
            raise NotFound(f"{self.context.remote} has no task {name}.")
        return task

    def _told(self, task: Task) -> Ticket | Gone:
        with shaped(self.context.remote, "Taskwarrior"):
            now, owner = self._clock.now(), self.settings.owner
            told = words.ticket_of(task, self.fields, self._zone, owner, now)
        if task["status"] == "deleted":
            return Gone(ref=told.ref, created=told.updated)
        return told

    def _create(self, operation: Create) -> Receipt:
        name = operation.key or str(uuid.uuid4())
        if not UUID.fullmatch(name):
            raise Rejected(f"The key {name} is no uuid, which a task of Taskwarrior needs.")
        if operation.key and self._look(name) is not None:
            return Receipt(ref=Ref(id=name))
        task: Task = {"uuid": name, "status": "pending", words.OWN: words.MADE}
        task["entry"] = self._now()
        if "summary" not in operation.fields:
            raise Rejected("A task needs a description.")
        self._put(task, operation.fields, new=True)
        self.program.put(task)
        return Receipt(ref=Ref(id=name))

    def _change(self, operation: Update | Delete) -> Receipt:
        task = self._present(operation.ref.id)
        if operation.version not in ("", words.digest(task)):
            raise Stale(f"The task {operation.ref.id} of {self.context.remote} has moved on.")
        if isinstance(operation, Delete):
            task |= {"status": "deleted", "end": self._now()}
        else:
            whole: dict[str, Value | None] = dict(operation.changes)
            for name in {*operation.added, *operation.removed}:
                held = members_of(task, self._row(name, many=True))
                left = held - operation.removed.get(name, frozenset())
                whole[name] = left | operation.added.get(name, frozenset())
            self._put(task, whole)
        self.program.put(task)
        return Receipt(ref=operation.ref)

    def _annotate(self, operation: Operation) -> Receipt:
        """Adds, rewrites or takes away an annotation."""
        ref = operation.ref
        task = self._present(ref.ticket or ref.id.partition(".")[0])
        if isinstance(operation, Create):
            text = str(operation.fields["body"])
            second = words.noted(task, text, operation.key, self._clock.now())
            ref = Ref(kind=COMMENT, id=words.remark(task["uuid"], second), ticket=task["uuid"])
        else:
            notes = task.get("annotations", [])
            mine = [n for n in notes if words.remark(task["uuid"], n["entry"]) == ref.id]
            if not mine:
                raise NotFound(f"{self.context.remote} has no annotation {ref.id}.")
            if isinstance(operation, Update):
                mine[0]["description"] = str(operation.changes.get("body") or " ")
            else:
                notes.remove(mine[0])
        self.program.put(task)
        return Receipt(ref=ref)

    def _present(self, name: str) -> Task:
        task = self._task(name)
        if task["status"] == "deleted":
            raise Stale(f"The task {name} of {self.context.remote} was deleted.")
        return task

    def _put(self, task: Task, values: Mapping[str, Value | None], *, new: bool = False) -> None:
        for name, value in sorted(values.items(), key=lambda said: said[0] != "status"):
            row = self._row(name, new=new, many=isinstance(value, frozenset))
            words.put(task, row, value, self._zone, self._clock.now())

    def _row(self, name: str, *, new: bool = False, many: bool = False) -> Field:
        """Returns the row of a field; a user's own attribute has none, and holds one text."""
        row = self.fields.theirs(name)
        if row is None and name.isidentifier() and name not in words.BUILT_IN and not many:
            return Field(theirs=name, ours=name)
        if row is None or not row.takes(new=new) or many != row.kind.many:
            raise Unsupported(f"Taskwarrior has no {name} that could be written so.")
        return row

    def _now(self) -> str:
        return self._clock.now().strftime(words.STAMP)


def members_of(task: Task, row: Field) -> frozenset[str]:
    """Returns the members that a task holds."""
    return members(words.told(row, task, None))


def _known(pull: Pull, name: str) -> bool:
    return bool(pull.since and pull.known and pull.known(name))


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns the connector of this entry point."""
    return Taskwarrior
