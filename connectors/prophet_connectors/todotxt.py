"""todo.txt: a text file with one task per line is a tracker, too.

It tells no history, no persons and no times of day: `History.NONE`; the time of a change is the
file's own.  Description, comments, attachments and people have no place in a line: they are not
declared and stay in the hub.  Statuses are open and done, days stay days.

A task is known by a word of our own, `hub:<22 digits>`, at the end of its line; it survives sorting,
completing and archiving.  `write_ids: false` leaves lines of others as they are and matches them by
their words instead, which is a guess whenever a line was rewritten; a wrong guess changes somebody's
ticket on another tracker, hence the default.  A plan marks nothing.  Lines that the hub itself adds always carry its key.

Nothing is ever concluded from a file that is missing, empty or shrunk by half.  Writing is a new file
beside the old one, a look whether the old one is still what was read, and a rename: an edit that came
between is `Stale`, never lost.
"""

from __future__ import annotations

import os
import re
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from prophet_connectors._todotxt_days import Days
from prophet_connectors._todotxt_file import Files
from prophet_connectors._todotxt_line import Line, parse, shown, version_of
from prophet_connectors._todotxt_memory import Known, Memory, key_of, mint, token_of
from prophet_connectors._todotxt_watch import Watch, instant, matches
from prophet_connectors._todotxt_words import Change, edit, labels, said, with_id
from prophet_hub.errors import AuthFailed, NotFound, Rejected, Stale, Unsupported
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    TICKET,
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Create,
    Delete,
    Field,
    FieldMap,
    Gone,
    History,
    Kind,
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
)
from prophet_hub.sdk.pace import SYSTEM, Clock

__all__ = ["TodoTxt", "TodoTxtSettings"]

_STATUSES = (
    ("open", "open"), ("open", "new"), ("open", "stalled"),
    ("done", "resolved"), ("done", "rejected"), ("done", "duplicate"),
)  # fmt: skip
_PRIORITIES = (("A", "highest"), ("B", "high"), ("C", "normal"), ("D", "low"), ("E", "lowest"))
_HUB = Person(id="prophet-hub")


def _one_line(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class TodoTxtSettings(RemoteSettings):
    """A todo.txt file; `query` holds terms that a line must have, `-term` what it must not."""

    url: str = field(default="", metadata={"help": "The file, or the folder of its todo.txt."})
    done_file: str = field(
        default="", metadata={"help": "The archive; done.txt beside it if empty."}
    )
    owner: str = field(default="todo.txt", metadata={"help": "Who edits the file, as an author."})
    write_ids: bool = field(default=True, metadata={"help": "Mark others' lines with hub:<id>."})
    most_gone: int = field(
        default=50, metadata={"help": "Percent of the tasks that may vanish at one look."}
    )
    time_zone: str = field(default="", metadata={"help": "Of its days; the machine's if empty."})


class TodoTxt(Connector):
    """One file, its archive, and what was seen of them."""

    name = "todotxt"
    Settings = TodoTxtSettings
    capabilities = Capabilities(
        history=History.NONE,
        writes=frozenset({("create", TICKET), ("update", TICKET), ("delete", TICKET)}),
        granularity=timedelta(0),
        ordered=True,
        conditional=True,
        keys=frozenset({TICKET}),
        tombstones=True,
        concurrency=1,
    )
    fields = FieldMap(
        [
            Field(theirs="summary", ours="summary", canon=_one_line),
            Field(theirs="status", ours="status", kind=Kind.WORD, values=_STATUSES, default="open"),
            Field(theirs="priority", ours="priority", kind=Kind.WORD, values=_PRIORITIES),
            Field(theirs="labels", ours="labels", kind=Kind.WORDS),
            Field(theirs="due", ours="due", kind=Kind.DAY),
            Field(theirs="completed", ours="completed", kind=Kind.DAY, writable=False,
                  on_create=False),
            Field(theirs="t", ours="todotxt:threshold", kind=Kind.DAY),
            Field(theirs="rec", ours="todotxt:recurs"),
        ]
    )  # fmt: skip

    def __init__(self, settings: TodoTxtSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        self._clock: Clock = context.clock or SYSTEM
        self._days = Days(settings.time_zone)
        path = Path(settings.url.removeprefix("file://"))
        todo = Path(os.path.realpath(path / "todo.txt" if path.is_dir() else path))
        done = settings.done_file or todo.with_name("done.txt")
        self._files = Files(todo=todo, done=Path(os.path.realpath(done)))
        self._watch = Watch(
            self._files,
            Path(context.folder) / "todotxt.json" if context.folder else None,
            marks=settings.write_ids,
            dry=context.dry,
            most_gone=settings.most_gone,
            clock=self._clock,
        )
        self._query = settings.query
        self._lock = threading.RLock()

    def whoami(self) -> Person:
        """Returns the hub as an author; proves that the file can be read and replaced."""
        self._files.read()
        if not os.access(self._files.todo.parent, os.W_OK):
            raise AuthFailed(
                f"The folder {self._files.todo.parent} cannot be written by this user.",
                hint="Check its permissions: a new file must be made beside the old one.",
            )
        return _HUB

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields whole tickets, those that changed first at the front; unchanged files are not read."""
        with self._lock:
            self._query = pull.query
            memory = self._watch.look(pull.query, mark=True)
            mark = f"{memory.name}.{zlib.crc32(pull.query.encode()):08x}"
            number, _, name = pull.since.partition(".")
            known = name == mark and number.isdecimal() and int(number) <= memory.generation
            since = int(number) if known else 0
            told = [
                (task.generation, token, task)
                for token, task in memory.items.items()
                if task.generation > since and matches(task.text, pull.query)
            ]
            gone = [(g, token, when) for token, (g, when) in memory.gone.items() if g > since]
            total = len(told) + len(gone)
            end = Checkpoint(cursor=f"{memory.generation}.{mark}", total=total)
        yield from (_gone(token, when) for _, token, when in gone)
        told.sort(key=lambda task: task[0])
        yield from (self._ticket(token, task) for _, token, task in told)
        yield end

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the line as it is now; one that was there and is not any more is told as gone."""
        with self._lock:
            memory = self._watch.look(self._query)
            if ref.id in memory.items:
                return self._ticket(ref.id, memory.items[ref.id])
            if ref.id in memory.gone:
                return _gone(ref.id, memory.gone[ref.id][1])
        raise NotFound(f"{self._files.todo} has no task {ref.id}.")

    def apply(self, operation: Operation) -> Receipt:
        """Adds, changes or removes one line; a create whose key is in the file does nothing."""
        verb = type(operation).__name__.lower()
        if (verb, operation.ref.kind) not in self.capabilities.writes:
            raise Unsupported(f"A todo.txt has no place for a {operation.ref.kind}: no {verb}.")
        with self._lock:
            memory = self._watch.look(self._query, mark=True)
            if isinstance(operation, Create):
                ref = self._create(operation, memory)
            else:
                ref = operation.ref
                self._change(operation, memory)
            return Receipt(ref=ref, notes=tuple(self._files.conflicted()))

    def content(self, ref: Ref) -> Iterator[bytes]:
        """A line has no attachments."""
        raise Unsupported(f"A todo.txt has no place for a {ref.kind}.")

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns the line, archived or not, that carries the key."""
        if ref.kind != TICKET:
            raise Unsupported(f"A todo.txt has no place for a {ref.kind}.")
        with self._lock:
            return (
                Ref(id=token_of(key))
                if token_of(key) in self._watch.look(self._query).items
                else None
            )

    def describe(self) -> Schema:
        """Returns what stands in the file, and copies that a sync folder left beside it."""
        with self._lock:
            texts = [known.text for known in self._watch.look(self._query).items.values()]
        tags = {label for text in texts for label in labels(parse(text))}
        return Schema(
            product="todo.txt",
            projects=tuple(sorted(tag for tag in tags if tag.startswith("+"))),
            fields=tuple(
                SchemaField(name=row.theirs, writable=row.writable, many=row.kind.many)
                for row in self.fields
            ),
            statuses=("open", "done"),
            permissions=frozenset({"read", "create", "update", "delete"}),
            notes=tuple(self._files.conflicted()),
        )

    # --- within --------------------------------------------------------------------------------

    def _create(self, operation: Create, memory: Memory) -> Ref:
        token = token_of(operation.key) if operation.key else mint()
        if token in memory.items:
            return Ref(id=token)
        plain = {n: v for n, v in operation.fields.items() if isinstance(v, str)}
        sets = {n: v for n, v in operation.fields.items() if isinstance(v, frozenset)}
        line = Line(created=self._days.day_of(operation.created or self._clock.now()))
        line = with_id(self._edited(line, plain, sets, {}), token)
        self._watch.append(token, str(line))
        return Ref(id=token)

    def _change(self, operation: Update | Delete, memory: Memory) -> None:
        token = operation.ref.id
        found = self._watch.find(token)
        if found is None and token not in memory.gone:
            raise NotFound(f"{self._files.todo} has no task {token}.")
        if found is None or operation.version not in ("", version_of(found[0].text)):
            raise Stale(f"The task {token} was changed or deleted meanwhile.")
        row, seen = found
        text: str | None = None
        if isinstance(operation, Update):
            line = parse(row.text)
            changes = operation.changes
            text = str(self._edited(line, changes, operation.added, operation.removed))
        self._watch.put(token, row, seen, text)

    def _edited(
        self, line: Line, fields: Mapping[str, str | None],
        added: Mapping[str, frozenset[str]], removed: Mapping[str, frozenset[str]],
    ) -> Line:  # fmt: skip
        for name in (*fields, *added, *removed):
            row = self.fields.theirs(name)
            if row is None or not row.writable or row.kind.many != (name not in fields):
                raise Unsupported(f"A todo.txt has no place for {name}.")
        come, leave = (changes.get("labels", frozenset()) for changes in (added, removed))
        change = Change(fields=fields, added=come, removed=leave)
        try:
            new = edit(line, change, today=self._days.day_of(self._clock.now()))
        except ValueError as error:
            raise Rejected(f"{error}.", hint="Map the value in the job file.") from error
        if "summary" not in said(new):
            raise Rejected("A task needs a title.")
        return new

    def _ticket(self, token: str, known: Known) -> Ticket:
        line = parse(known.text)
        fields: dict[str, Value] = {n: shown(v) for n, v in said(line).items() if n != "hub"}
        if tags := labels(line):
            fields["labels"] = frozenset(shown(tag) for tag in tags)
        return Ticket(
            ref=Ref(id=token),
            author=_HUB if key_of(token) else Person(id=self.settings.owner),
            created=self._days.midnight(line.created) or instant(known.born),
            updated=instant(known.changed),
            fields=fields,
            key=key_of(token),
            version=version_of(known.text),
        )


def _gone(token: str, when: int) -> Gone:
    return Gone(ref=Ref(id=token), created=instant(when))


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns the connector of this entry point."""
    return TodoTxt
