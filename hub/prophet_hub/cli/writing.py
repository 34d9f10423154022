"""What the commands of `ticket` write: from words, from a form, from a file."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prophet_hub.cli import forms
from prophet_hub.cli.desk import Desk
from prophet_hub.cli.editor import edited
from prophet_hub.cli.tables import clean
from prophet_hub.cli.views import Views
from prophet_hub.cli.words import Said, said
from prophet_hub.engine.records import Records
from prophet_hub.engine.settings import SETTING, Settings
from prophet_hub.errors import Fault, StoreError, Unfit, UsageError
from prophet_hub.model.ids import text
from prophet_hub.model.kinds import Moment
from prophet_hub.model.neutral import CLOSED
from prophet_hub.model.schema import RecordType, filled
from prophet_hub.values import Stored

if TYPE_CHECKING:
    from prophet_hub.engine.replica import RecordRow, Replica

__all__ = ["Pen"]

_COMMON = ("summary", "status", "component", "milestone", "priority", "owner", "labels", "due")
"""What a ticket's form offers, shown or not."""

_CHOSEN = ("component", "milestone")
"""Of these, such as are offered only where the database has a list of them."""

_COMMENT = "comment"
_STDIN = "-"
_FORCE = "With --force the values are taken as they are."

_HEAD = re.compile(r"^<!-- A comment at #\d+ .* This line is left out\. -->\n?", re.MULTILINE)

Given = dict[str, "str | frozenset[str] | None"]


class Pen:
    """One person who writes with one command.

    Attributes:
        desk: The command's surroundings.
        author: The person.
        force: Whether values are taken that the types refuse; None where nobody is asked.
    """

    def __init__(
        self, desk: Desk, *, note: str, author: str = "", force: bool | None = None
    ) -> None:  # fmt: skip
        self.desk, self.note, self.force = desk, note, force
        self.author = desk.who(author)
        self._types = desk.record_types()

    # --- verbs: each returns the record, None if nothing was changed ---

    def create(
        self, kind: str, words: Sequence[str], sets: Sequence[str], *, message: str | None,
        file: str, edit: bool,
    ) -> RecordRow | None:  # fmt: skip
        """Makes a record of words, of a file, or of what the editor gives."""
        if not (words or sets or message or file) or edit:
            return self._created_by_hand(kind, words, sets, message, file)
        with self.records(make=True) as records:
            declared = records.types.get(kind)
            given = _from_file(declared, file, {}) if file else {}
            given |= _of_words(declared, words, sets, message)
            row = records.create(kind, given)
        self._doubts(declared, given)
        return row

    def _created_by_hand(
        self, kind: str, words: Sequence[str], sets: Sequence[str], message: str | None, file: str
    ) -> RecordRow | None:
        with self._types_only() as types:
            declared = types(kind)
        given = _from_file(declared, file, {}) if file else {}
        given |= _of_words(declared, words, sets, message)
        moment = Moment(now=self.now(), author=self.author)
        shown = {name: value for name, value in filled(declared, given, moment).items()
                 if not declared.property(name).fixed}  # fmt: skip
        head = (f"A new {kind}. NAME: VALUE sets a property; lines with # in front are not read.",
                "A form that is left as it is makes nothing.")  # fmt: skip
        form = forms.written(declared, shown, lines=_lines(declared), texts=_texts(declared),
                             head=head)  # fmt: skip
        before = forms.read(declared, form, shown)
        again = f"prophet-hub ticket create{'' if kind == 'ticket' else f' --type {kind}'}"
        with edited(self.desk, form, again=again) as found:
            after = forms.read(declared, found, shown) if found.strip() else {}
            if not any(after.values()) or not (forms.changed(before, after) or given):
                return None
            with self.records(make=True) as records:
                return records.create(kind, _without_ends(after))

    def update(
        self, name: str, words: Sequence[str], *, sets: Sequence[str], add: Sequence[str],
        remove: Sequence[str], clear: Sequence[str], message: str | None, file: str, edit: bool,
    ) -> RecordRow | None:  # fmt: skip
        """Writes properties, and a comment besides."""
        if not (words or sets or add or remove or clear or message or file) or (edit and not file):
            wanted = (words, sets, add, remove, clear, message)
            if any(wanted):
                raise UsageError("Either the words or the editor.", hint="Leave one of them out.")
            return self._updated_by_hand(name)
        with self.records() as records:
            row = self.row(records, name)
            declared = records.types.get(row.type)
            found = said(declared, words, sets=sets, add=add, remove=remove, clear=clear)
            if found.free:
                raise UsageError(f'"{found.free[0]}" is no property.', hint="Write NAME=VALUE.")
            if file:
                now = _plain(records.get(row))
                form = _from_file(declared, file, now)
                message = message or _one(form.pop(_COMMENT, None))
                found.given = forms.changed(now, form) | found.given
            known = records.replica.shown(row.record)
            self._doubts(declared, (name for name in found.given if name not in known))
            return self._write(records, row, found, message)

    def _updated_by_hand(self, name: str) -> RecordRow | None:
        with self.desk.replica() as replica:
            records = Records(replica, plugins=self._types)
            row = self.row(records, name)
            declared, shown = records.types.get(row.type), _plain(records.get(row))
        offered = {k: v for k, v in shown.items() if not declared.property(k).fixed}
        title = clean(_one(shown.get("summary")))
        head = (f"#{row.number}  {title}",
                "An empty value clears a property; a line that is taken out leaves it as it is.",
                "A form that is left as it is changes nothing. Lines with # in front are not read.")  # fmt: skip
        texts = [*_texts(declared), _COMMENT]
        form = forms.written(declared, offered, lines=_lines(declared), texts=texts, head=head)
        before = forms.read(declared, form, offered)
        with edited(self.desk, form, again=f"prophet-hub ticket update {row.number}") as found:
            after = forms.read(declared, found, offered) if found.strip() else {}
            new = forms.changed(before, after)
            message = _one(new.pop(_COMMENT, None))
            if not new and not message:
                return None
            with self.records() as records:
                _unmoved(new, shown, _plain(records.get(row.record)))
                return self._write(records, row, Said(given=new), message)

    def _write(
        self, records: Records, row: RecordRow, found: Said, message: str | None
    ) -> RecordRow | None:
        with records.replica.transaction():
            before = row.changed
            row = records.set(row, found.given, add=found.add, remove=found.remove)
            if message:
                records.comment(row, message, {})
            return row if message or row.changed != before else None

    def comment(
        self, name: str, message: str | None, *, file: str, private: bool, edit: bool
    ) -> RecordRow | None:
        """Adds a comment of words, of a file, or of what the editor gives."""
        body = _HEAD.sub("", _read(file)) if file else message or ""
        if (file or message) and not edit:
            return self._commented(name, body, private=private)
        with self.desk.replica() as replica:
            row = self.row(Records(replica), name)
            title = clean(Views(replica).title(row.record))
        form = f"{body}\n<!-- A comment at #{row.number}  {title}. This line is left out. -->\n"
        again = f"prophet-hub ticket comment {row.number}{' --private' if private else ''}"
        with edited(self.desk, form, again=again, ending=".md") as found:
            body = _HEAD.sub("", found).strip("\n")
            return (
                self._commented(f"#{row.number}", body, private=private) if body.strip() else None
            )

    def _commented(self, name: str, body: str, *, private: bool) -> RecordRow:
        with self.records() as records:
            row = self.row(records, name)
            records.comment(row, body, {"private": "yes" if private else "no"})
            return row

    def close(self, names: Sequence[str], status: str, message: str | None) -> list[RecordRow]:
        """Gives tickets a closed status, all or none."""
        with self.records() as records, records.replica.transaction():
            rows = [self.row(records, name, "ticket") for name in names]
            status = status or closing(records.replica)
            closed = [records.set(row, {"status": status}) for row in rows]
            for row in closed if message else ():
                records.comment(row, message or "", {})
            return closed

    def live(self, names: Sequence[str], *, alive: bool) -> list[RecordRow]:
        """Deletes records or brings them back, all or none."""
        with self.records() as records, records.replica.transaction():
            rows = [self.row(records, name) for name in names]
            return [records.restore(row) if alive else records.delete(row) for row in rows]

    def _doubts(self, kind: RecordType, names: Iterable[str]) -> None:
        """Tells of a property that nobody declared and that looks like one that somebody did."""
        from difflib import get_close_matches  # noqa: PLC0415 - of doubts alone

        known = [one.name for one in kind.properties]
        for name in names:
            near = get_close_matches(name, known, n=1, cutoff=0.75) if name not in known else ()
            for one in near:
                self.desk.tell(f'prophet-hub: "{name}" is a new property. Did you mean "{one}"?')

    # --- what they stand on ---

    @contextmanager
    def records(self, *, make: bool = False) -> Iterator[Records]:
        """Opens the database for writing; with `make` it is made where there is none."""
        if not make and not self.desk.database.exists():
            with self.desk.replica():  # which tells that it is not there
                return
        with self.desk.replica(write=True) as replica:
            records = Records(replica, author=self.author, note=self.note, plugins=self._types,
                              force=bool(self.force))  # fmt: skip
            try:
                yield records
            except Unfit as error:
                error.hint = error.hint or ("" if self.force is None else _FORCE)
                raise

    @contextmanager
    def _types_only(self) -> Iterator[Any]:
        """Opens the database for its types; a database that is not there has the built-in ones."""
        from prophet_hub.engine.replica import Replica  # noqa: PLC0415 - loaded by now

        if self.desk.database.exists():
            with self.desk.replica() as replica:
                yield Records(replica, plugins=self._types).types.get
        else:
            with Replica.open(":memory:", clock=self.now) as replica:
                yield Records(replica, plugins=self._types).types.get

    @staticmethod
    def now() -> int:
        """Returns the present, in microseconds since 1970."""
        from prophet_hub.cli.desk import micros  # noqa: PLC0415 - tests turn the clock

        return micros()

    def row(self, records: Records, name: str, kind: str = "") -> RecordRow:
        """Returns the record that is named, by a tracker's number too.

        Raises:
            UsageError: None, or one of another type; settings have commands of their own.
        """
        row = records.row(Views(records.replica).record(name))
        if row.type == SETTING:
            raise UsageError(f"{name} is a setting.", hint="See prophet-hub settings.")
        if kind and row.type != kind:
            raise UsageError(f"{name} is a {row.type}, no {kind}.")
        return row

    def title(self, row: RecordRow) -> str:
        """Returns what a record is called, on one line."""
        with self.desk.replica() as replica:
            return clean(Views(replica).title(row.record))

    def data(self, row: RecordRow) -> dict[str, Any]:
        """Returns a record for programs."""
        with self.desk.replica() as replica:
            return _data(replica, row)


def closing(replica: Replica) -> str:
    """Returns the status that a ticket gets when it is closed and nothing else is said."""
    told = Settings(replica).get("closed_statuses")
    return str(told[0]) if isinstance(told, list) and told else CLOSED[0]


def _data(replica: Replica, row: RecordRow) -> dict[str, Any]:
    return {"number": row.number, "uuid": text(row.record), "type": row.type,
            "properties": Views(replica).properties(row.record)}  # fmt: skip


def _of_words(
    kind: RecordType, words: Sequence[str], sets: Sequence[str], message: str | None
) -> Given:
    """Returns what the words of `create` say; free ones are the summary."""
    found = said(kind, words, sets=sets)
    given: Given = dict(found.given)
    for name, value in (("summary", " ".join(found.free)), ("description", message)):
        if value and name in given:
            raise UsageError(f"The {name} is given twice.")
        given |= {name: value} if value else {}
    return given


def _from_file(kind: RecordType, path: str, template: Given) -> Given:
    return _without_ends(forms.read(kind, _read(path), template))


def _without_ends(given: Given) -> Given:
    return {k: v.strip("\n") or None if isinstance(v, str) else v for k, v in given.items()}


def _read(path: str) -> str:
    """Returns the text of a file, of standard input for `-`."""
    try:
        data = sys.stdin.buffer.read() if path == _STDIN else Path(path).read_bytes()
        return data.decode().replace("\r\n", "\n")
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read: {error.strerror}.", hint="Look at its name and its rights."
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no UTF-8 text.") from error


def _lines(kind: RecordType) -> list[str]:
    if kind.name != "ticket":
        return [one.name for one in kind.properties if not one.fixed and one.kind != "long"]
    return [name for name in _COMMON if name not in _CHOSEN or kind.property(name).values]


def _texts(kind: RecordType) -> list[str]:
    return [one.name for one in kind.properties if one.kind == "long"]


def _plain(found: dict[str, Any]) -> Given:
    """Returns properties as a form knows them: no contents."""
    return {
        k: frozenset(v) if isinstance(v, set) else v
        for k, v in found.items() if not isinstance(v, Stored)
    }  # fmt: skip


def _one(value: str | frozenset[str] | None) -> str:
    return value if isinstance(value, str) else ""


def _unmoved(new: Given, before: Given, now: Given) -> None:
    """Looks whether somebody else wrote what the form is about to write.

    Raises:
        Unfit: Somebody did.
    """
    moved = [name for name in new if before.get(name) != now.get(name)]
    if moved:
        raise Unfit("The record was changed while the editor was open.", faults=[
            Fault(f"It shows {now.get(name) or 'nothing'} now.", path=name) for name in moved
        ])  # fmt: skip
