"""todo.txt: what the format sheet warns of, one fact a test."""

from __future__ import annotations

import errno
import os
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from prophet_connectors import _todotxt_file, _todotxt_watch
from prophet_connectors._todotxt_file import Files
from prophet_connectors._todotxt_line import join, parse, split, version_of
from prophet_connectors._todotxt_memory import _likeness, key_of, mint, token_of
from prophet_connectors._todotxt_words import Change, edit, labels, said, token_in, with_id
from prophet_connectors.todotxt import TodoTxt, TodoTxtSettings, prophet_connector
from prophet_hub.errors import (
    AuthFailed,
    Brake,
    ConfigError,
    NotFound,
    Rejected,
    Stale,
    Transient,
    Unsupported,
)
from prophet_hub.sdk import (
    COMMENT,
    Checkpoint,
    Context,
    Create,
    Delete,
    Gone,
    Pull,
    Ref,
    Ticket,
    Update,
)
from prophet_hub.sdk.pace import ManualClock
from prophet_hub.testing.contract import Absent, ConnectorContract, Sandbox

TRICKY = Path(__file__).parents[2] / "fixtures/todotxt/tricky.txt"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
KEY = "4be0643f-1d98-573b-97cd-ca98a65347dd"


class Desk:
    """A folder with a todo.txt, and the connector on it."""

    def __init__(self, folder: Path, text: str = "", **settings) -> None:
        self.todo, self.done = folder / "todo.txt", folder / "done.txt"
        self.todo.write_bytes(text.encode())
        self.folder = folder / "private"
        self.settings = TodoTxtSettings(
            **{"url": str(self.todo), "time_zone": "America/New_York", **settings}
        )
        self.clock = ManualClock(NOW)
        self.restart()

    def restart(self, *, dry: bool = False) -> None:
        context = Context(folder=str(self.folder), clock=self.clock, dry=dry)
        self.hub = TodoTxt(self.settings, context)

    def pull(self, since: str = "", query: str = ""):
        *told, end = list(self.hub.changed(Pull(since=since, query=query)))
        assert isinstance(end, Checkpoint)
        return told, end.cursor

    def titles(self, since: str = "") -> list[str]:
        return [t.fields["summary"] for t in self.pull(since)[0]]

    def one(self, title: str) -> Ticket:
        return next(
            t for t in self.pull()[0] if isinstance(t, Ticket) and t.fields.get("summary") == title
        )

    def change(self, before: str, after: str) -> None:
        text = self.todo.read_text()
        assert before in text
        self.todo.write_text(text.replace(before, after))

    def plain(self) -> str:
        return re.sub(r" ?hub:\S+", "", self.todo.read_text())


@pytest.fixture
def desk(tmp_path):
    def make(text: str = "", **settings) -> Desk:
        return Desk(tmp_path, text, **settings)

    return make


# --- the grammar ----------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "x",
        "X",
        "(A)",
        "(b)",
        "2011-03-02",
        "2024-13-45",
        "@phone",
        "+Garage",
        "@+x",
        "due:2011-03-09",
        "due:x",
        "t:2020-01-01",
        "pri:B",
        "\\pri:C",
        "hub:abc",
        "id:1",
        "p:2",
        "rec:+1m",
        "a:b:c",
        "10:30",
        "milk",
        "call",
        "\\",
        "\\x",
        "\\@a",
        "\\\\due:2020-02-02",
        "+",
        "@",
        "é",
        "\xa0",
        "\u2028",
    ]
)
TEXTS = st.one_of(
    st.lists(WORDS, max_size=8).map(" ".join),
    st.lists(st.one_of(WORDS, st.sampled_from(["\t", " ", "\r"])), max_size=8).map(" ".join),
    st.text(max_size=20).map(lambda s: s.replace("\n", " ")),
)
LABELS = st.one_of(
    st.text(min_size=1, max_size=5),
    st.sampled_from(["+", "+x", "@a", "two words", "%20", "x", "due:2020-01-01"]),
)


def one_line(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")


def test_the_tricky_file_comes_back_byte_for_byte():
    data = TRICKY.read_bytes()

    mark, lines = split(data)

    assert join(mark, [(str(parse(text)), end) for text, end in lines]) == data


@given(st.binary())
def test_any_bytes_come_back(data):
    assert join(*split(data)) == data


@given(TEXTS)
def test_any_line_comes_back(text):
    assert str(parse(text)) == text
    assert token_in(text) == said(parse(text)).get("hub", "")


@given(TEXTS)
def test_completing_and_reopening_gives_the_old_line_back(text):
    line = parse(text)
    assume(not line.done)

    done = edit(line, Change(fields={"status": "done"}), today="2026-01-02")

    assume(done.body[:1] != "\\" or line.body[:1] == "\\")  # a text that is nothing but a date
    assert done.completed == "2026-01-02"
    assert done.created == line.created
    assert said(done) == {**said(line), "status": "done", "completed": "2026-01-02"}
    assert labels(done) == labels(line)
    assert str(edit(done, Change(fields={"status": "open"}), today="")) == text


@given(
    TEXTS,
    TEXTS,
    st.frozensets(LABELS, max_size=2),
    st.sampled_from([None, "A", "Z"]),
    st.sampled_from([None, "2020-02-02"]),
    st.sampled_from(["open", "done"]),
)
def test_what_is_written_into_a_line_is_read_from_it(text, title, tags, priority, due, status):
    line = parse(text)
    assume(one_line(title) or not tags)
    fields = {"summary": title, "priority": priority, "due": due, "status": status}

    change = Change(fields=fields, added=tags, removed=labels(line))
    new = edit(line, change, today="2026-01-02")

    for told in (said(parse(str(new))), said(with_id(new, "fresh1"))):
        assert told.get("summary", "") == one_line(title)
        assert told.get("priority") == priority
        assert told.get("due") == due
        assert told["status"] == status
        assert told.get("rec") == said(line).get("rec")
    assert labels(parse(str(new))) == labels(with_id(new, "fresh1")) == tags
    assert said(new).get("hub") == said(line).get("hub")
    assert said(parse(str(with_id(new, "fresh1"))))["hub"] == "fresh1"


@pytest.mark.parametrize(
    ("text", "fields", "tags"),
    [
        ("(A) Call Ada @phone", {"summary": "Call Ada", "priority": "A"}, {"phone"}),
        ("(b) x", {"summary": "(b) x"}, set()),
        ("(B)->x", {"summary": "(B)->x"}, set()),
        ("Really (A)", {"summary": "Really (A)"}, set()),
        ("(A) Call 2011-03-02", {"summary": "Call 2011-03-02", "priority": "A"}, set()),
        ("X gets the spot", {"summary": "X gets the spot"}, set()),
        ("xylophone lesson", {"summary": "xylophone lesson"}, set()),
        ("(A) x marks", {"summary": "x marks", "priority": "A"}, set()),
        ("x 2011-03-02 y", {"summary": "y", "status": "done", "completed": "2011-03-02"}, set()),
        ("x y pri:B +p", {"summary": "y", "status": "done", "priority": "B"}, {"+p"}),
        ("y pri:B", {"summary": "y pri:B"}, set()),
        ("a@b.example 2+2 10:30", {"summary": "a@b.example 2+2 10:30"}, set()),
        ("@shop milk @home +x", {"summary": "milk"}, {"shop", "home", "+x"}),
        ("ask @ada about +x today", {"summary": "ask @ada about +x today"}, set()),
        ("@a +b", {"summary": "@a +b"}, set()),
        ("pay due:2020-01-01 rent", {"summary": "pay rent", "due": "2020-01-01"}, set()),
        ("pay due:2020-13-01", {"summary": "pay due:2020-13-01"}, set()),
        ("go id:1 p:2", {"summary": "go"}, set()),
        ("x (A) 2024-01-02 2024-01-01 t",
         {"summary": "t", "status": "done", "priority": "A", "completed": "2024-01-02"}, set()),
    ],
)  # fmt: skip
def test_a_line_says(text, fields, tags):
    assert said(parse(text)) == {"status": "open", **fields}
    assert labels(parse(text)) == tags


def test_words_that_are_not_understood_keep_their_place():
    line = parse("(A) 2020-01-01 go  there id:1 +p note:a:b\tp:2 due:2020-02-02  ")

    new = edit(
        line,
        Change(fields={"due": "2020-03-03"}, added=frozenset({"q"})),
        today="",
    )

    assert str(new) == "(A) 2020-01-01 go  there id:1 +p note:a:b\tp:2 due:2020-03-03   @q"


def test_a_completed_line_without_dates_gets_no_invented_birth():
    new = edit(parse("(C) go"), Change(fields={"status": "done"}), today="2026-01-02")

    assert str(new) == "x 2026-01-02 go pri:C"


@given(st.uuids())
def test_a_key_fits_into_22_digits_and_comes_back(number):
    token = token_of(str(number))

    assert re.fullmatch("[0-9A-Za-z]{22}", token)
    assert key_of(token) == ("" if number.version == 8 else str(number))


def test_an_id_of_our_own_making_is_no_key():
    assert key_of(mint()) == key_of("7c9Qk2") == ""
    assert key_of(token_of("no: uuid")) == "no: uuid"


# --- reading --------------------------------------------------------------------------------------


def test_the_entry_point_names_the_connector():
    assert prophet_connector() is TodoTxt


def test_marking_changes_nothing_else_in_the_tricky_file(desk):
    d = desk()
    d.todo.write_bytes(TRICKY.read_bytes())

    told, _ = d.pull()

    assert len(told) == 17
    bare = re.sub(rb" hub:(?!7c9Qk2)\w{22}(?=\r?\n|$)", b"", d.todo.read_bytes())
    assert bare == TRICKY.read_bytes()
    for ticket in told:
        for value in ticket.fields.values():
            "".join(value).encode()


def test_a_ticket_tells_days_as_days_and_the_files_time_as_its_own(desk):
    d = desk("(B) 2026-02-01 go @phone due:2026-05-05 t:2026-04-01 rec:1w\n")
    os.utime(d.todo, ns=(0, 1_770_000_000_123_456_000))

    ticket = d.one("go")

    assert ticket.fields == {
        "summary": "go", "status": "open", "priority": "B", "labels": {"phone"},
        "due": "2026-05-05", "t": "2026-04-01", "rec": "1w",
    }  # fmt: skip
    assert ticket.created == datetime(2026, 2, 1, 5, tzinfo=UTC)
    assert ticket.updated == datetime(2026, 2, 2, 2, 40, 0, 123456, UTC)
    assert ticket.author.id == "todo.txt"
    assert ticket.key == ""


def test_a_day_that_no_clock_can_say_is_a_day_all_the_same(desk):
    d = desk("0001-01-01 dawn due:9999-12-31\n", time_zone="Asia/Tokyo")

    assert d.one("dawn").fields["due"] == "9999-12-31"


def test_a_quiet_file_is_not_even_read(desk, monkeypatch):
    d = desk("a\nb\n")
    d.pull()
    d.clock.sleep(3600 * 24 * 365 * 50)
    _, cursor = d.pull()
    d.restart()

    monkeypatch.setattr(Files, "read", lambda _: pytest.fail("the file was read"))

    assert d.pull(cursor) == ([], cursor)


def test_sorting_and_archiving_are_no_change(desk):
    d = desk("b\nx 2026-01-01 a\nc\n")
    _, cursor = d.pull()
    lines = sorted(d.todo.read_text().splitlines(), reverse=True)

    d.todo.write_text("\n".join(lines[1:]) + "\n")
    d.done.write_text(lines[0] + "\n")

    assert d.pull(cursor)[0] == []


def test_archived_lines_that_nobody_knew_are_not_told(desk):
    d = desk("a\n")
    d.done.write_text("x 2020-01-01 old\n")

    assert d.titles() == ["a"]
    assert d.done.read_text() == "x 2020-01-01 old\n"


def test_an_edit_is_told_once_with_the_same_ref(desk):
    d = desk("a\nb\n")
    old = d.one("a")
    _, cursor = d.pull()

    d.change("a hub", "an apple hub")
    (ticket,), later = d.pull(cursor)

    assert (ticket.ref, ticket.fields["summary"]) == (old.ref, "an apple")
    assert d.pull(later)[0] == []
    assert d.titles(cursor) == ["an apple"], "a pull that was not finished is told again"


def test_a_copied_line_is_one_new_ticket_with_a_fresh_id(desk):
    d = desk("(A) water plants rec:1w due:2026-01-05\nb\n")
    old = d.one("water plants")
    _, cursor = d.pull()
    line = d.todo.read_text().splitlines()[0]

    d.change(line, f"{line.replace('01-05', '01-12')}\nx 2026-01-04 {line[4:]}")
    told, _ = d.pull(cursor)

    assert {(t.ref == old.ref, t.fields["status"], t.fields["due"]) for t in told} == {
        (True, "done", "2026-01-05"),
        (False, "open", "2026-01-12"),
    }
    assert len(set(re.findall(r"hub:\w+", d.todo.read_text()))) == 3


def test_a_mark_that_was_torn_out_is_put_back(desk):
    d = desk("a\nb\n")
    old = d.one("a")
    _, cursor = d.pull()

    d.change(f" hub:{old.ref.id}", "")

    assert d.pull(cursor)[0] == []
    assert f"a hub:{old.ref.id}" in d.todo.read_text()


def test_a_deleted_line_is_told_as_gone(desk):
    d = desk("a\nb\nc\n")
    ref = d.one("b").ref
    _, cursor = d.pull()

    d.change(f"b hub:{ref.id}\n", "")
    (gone,), later = d.pull(cursor)

    assert isinstance(gone, Gone)
    assert gone.ref == ref
    assert d.hub.ticket(ref) == gone
    d.restart()
    assert d.pull(later)[0] == []
    assert d.pull(cursor)[0] == [gone]


@pytest.mark.parametrize("text", ["", "\n \n", "a hub:keep\n"])
def test_an_emptied_or_halved_file_stops_the_sync(desk, text):
    d = desk("a\nb\nc\n")
    keep, cursor = d.one("a").ref.id, d.pull()[1]
    before = d.todo.read_text()

    d.todo.write_text(text.replace("keep", keep))

    with pytest.raises(Brake, match="of 3 tasks"):
        d.pull(cursor)
    with pytest.raises(Brake):
        d.hub.ticket(Ref(id=keep))
    d.todo.write_text(before)
    assert d.pull(cursor)[0] == []


def test_a_person_may_say_that_all_is_to_be_deleted(desk):
    d = desk("a\nb\nc\n")
    _, cursor = d.pull()
    d.todo.write_text("")
    d.settings = replace(d.settings, most_gone=100)
    d.restart()

    assert len(d.pull(cursor)[0]) == 3


def test_a_missing_file_is_no_empty_file(desk):
    d = desk("a\n")
    _, cursor = d.pull()
    d.todo.unlink()

    with pytest.raises(Transient, match="not there") as caught:
        d.pull(cursor)
    assert caught.value.hint
    with pytest.raises(Transient):
        d.hub.whoami()


def test_a_lost_memory_tells_all_and_deletes_nothing(desk):
    d = desk("a\nb\n")
    ids, cursor = {t.ref.id for t in d.pull()[0]}, d.pull()[1]
    (d.folder / "todotxt.json").write_text("{ truncated")
    d.restart()

    assert {t.ref.id for t in d.pull(cursor)[0]} == ids


def test_a_query_takes_the_terms_of_todo_sh(desk):
    d = desk("a +p\nb +P @x\nc\n")

    assert [t.fields["summary"] for t in d.pull(query="+p -@x")[0]] == ["a"]
    assert d.plain() == "a +p\nb +P @x\nc\n"
    assert d.todo.read_text().count("hub:") == 1
    told, cursor = d.pull(query="+p")
    assert [t.fields["summary"] for t in told] == ["a", "b"]
    assert len(d.pull(cursor, query="c")[0]) == 1


def test_bytes_that_are_no_utf8_stay_where_they_are(desk):
    d = desk()
    d.todo.write_bytes(b"caf\xe9 @x\n")
    ticket = d.one("caf\ufffd")

    d.hub.apply(Update(ref=ticket.ref, changes={"due": "2026-01-01"}))

    assert d.todo.read_bytes().startswith(b"caf\xe9 @x due:2026-01-01 hub:")


def test_a_plan_marks_nothing_and_the_run_after_it_what_was_planned(desk):
    d = desk("a b c\nd\n")
    d.restart(dry=True)
    told, cursor = d.pull()
    assert d.todo.read_text() == "a b c\nd\n"

    d.todo.write_text("a b x\nd\n")
    d.restart()
    again, cursor = d.pull(cursor)

    assert {t.ref for t in again} == {t.ref for t in told}
    assert d.plain() == "a b x\nd\n"
    assert d.todo.read_text().count("hub:") == 2
    assert d.pull(cursor)[0] == []


def test_a_plan_leaves_a_move_that_was_broken_off_as_it_is(desk, monkeypatch):
    d = desk("a\nb\n")
    ref = d.one("b").ref
    line = d.todo.read_text().splitlines()[1]
    d.change(line + "\n", "")
    d.done.write_text(f"x 2026-01-01 {line}\n")
    d.pull()
    monkeypatch.setattr(
        _todotxt_watch, "with_lines", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        d.hub.apply(Update(ref=ref, changes={"status": "open"}))
    monkeypatch.undo()
    both = d.todo.read_text(), d.done.read_text()

    d.restart(dry=True)
    assert d.hub.ticket(ref).ref == ref
    assert (d.todo.read_text(), d.done.read_text()) == both
    d.restart()
    assert d.hub.ticket(ref).fields["status"] == "open"
    assert d.done.read_text() == ""


# --- read-only lines ------------------------------------------------------------------------------


def test_without_ids_the_lines_of_others_stay_as_they_are(desk):
    text = "a b c\n(A) d e f\n\nd e f\n"
    d = desk(text, write_ids=False)
    ids = {t.ref.id for t in d.pull()[0]}
    _, cursor = d.pull()
    assert len(ids) == 3
    assert d.todo.read_text() == text

    d.todo.write_text("x 2026-01-01 d e f pri:A\nd e f\na b x\n")
    d.restart()
    told, _ = d.pull(cursor)

    assert {t.fields["summary"] for t in told} == {"d e f", "a b x"}
    assert {t.ref.id for t in told} < ids


def test_without_ids_an_unlike_line_is_another_task(desk):
    d = desk("a b c\nd e f\n", write_ids=False)
    _, cursor = d.pull()

    d.todo.write_text("something else\nd e f\n")
    told, _ = d.pull(cursor)

    assert sorted(type(t).__name__ for t in told) == ["Gone", "Ticket"]


def test_without_ids_our_own_edit_is_not_guessed(desk):
    d = desk("a b c\nd e f\n", write_ids=False)
    ref = d.one("a b c").ref
    d.hub.apply(Update(ref=ref, changes={"summary": "nothing alike"}))

    assert d.one("nothing alike").ref == ref
    assert d.todo.read_text() == "nothing alike\nd e f\n"


def test_without_ids_and_without_a_folder_nothing_can_be_done(tmp_path):
    (tmp_path / "todo.txt").write_text("a\n")
    hub = TodoTxt(TodoTxtSettings(url=str(tmp_path), write_ids=False), Context())

    with pytest.raises(ConfigError, match="folder"):
        list(hub.changed(Pull()))


# --- writing --------------------------------------------------------------------------------------


def test_a_create_is_one_line_with_the_key_and_the_second_time_nothing(desk):
    d = desk("a\r\nb")
    create = Create(
        ref=Ref(id=""),
        fields={"summary": "x (A) 2020-01-01\n@home due:2020-01-01", "status": "done",
                "priority": "B", "due": "2026-05-05", "labels": frozenset({"two words", "+p"})},
        key=KEY,
        created=datetime(2026, 1, 2, 1, tzinfo=UTC),
    )  # fmt: skip

    ref = d.hub.apply(create).ref

    text = d.todo.read_bytes().decode()
    assert text.splitlines(keepends=True)[2] == (
        "x 2026-03-04 2026-01-01 \\x (A) 2020-01-01 \\@home \\due:2020-01-01 pri:B due:2026-05-05 "
        f"+p @two%20words hub:{ref.id}"
    )
    assert text.count("\r\n") == 2
    ticket = d.hub.ticket(ref)
    assert ticket.key == KEY
    assert ticket.fields == {
        "summary": "x (A) 2020-01-01 @home due:2020-01-01", "status": "done", "priority": "B",
        "completed": "2026-03-04", "due": "2026-05-05", "labels": {"two words", "+p"},
    }  # fmt: skip
    assert d.hub.fields.theirs("summary").same(ticket.fields["summary"], create.fields["summary"])
    assert d.hub.find(Ref(id=""), KEY) == d.hub.apply(create).ref == ref
    assert d.hub.find(Ref(id=""), str(uuid.UUID(int=7))) is None
    assert d.todo.read_bytes().decode() == text


def test_a_create_finds_its_line_in_the_archive(desk):
    d = desk("a\n")
    create = Create(ref=Ref(id=""), fields={"summary": "b"}, key=KEY)
    ref = d.hub.apply(create).ref
    line = d.todo.read_text().splitlines()[1]
    d.change(line + "\n", "")
    d.done.write_text(f"x 2026-01-01 {line}\n")
    d.restart()

    assert d.hub.apply(create).ref == ref
    assert d.plain() == "a\n"


def test_updates_touch_their_words_alone(desk):
    d = desk("(A) 2026-01-01 go  home id:7 @x\n")
    ref = d.one("go home").ref

    def after(**changes) -> str:
        d.hub.apply(Update(ref=ref, **changes))
        return d.plain()

    assert after(changes={"priority": None}) == "2026-01-01 go  home id:7 @x\n"
    assert after(changes={"status": "done"}) == "x 2026-03-04 2026-01-01 go  home id:7 @x\n"
    assert after(changes={"priority": "C"}) == "x 2026-03-04 2026-01-01 go  home id:7 @x pri:C\n"
    assert after(changes={"status": "open"}) == "(C) 2026-01-01 go  home id:7 @x\n"
    assert (
        after(removed={"labels": frozenset({"x"})}, added={"labels": frozenset({"+y"})})
        == "(C) 2026-01-01 go  home id:7 +y\n"
    )
    assert after(changes={"summary": "stay"}) == "(C) 2026-01-01 stay id:7 +y\n"


def test_a_write_over_an_edit_is_stale_and_loses_nothing(desk):
    d = desk("a\nb\n")
    ticket = d.one("a")
    d.change("a hub", "aa hub")

    with pytest.raises(Stale):
        d.hub.apply(Update(ref=ticket.ref, changes={"summary": "c"}, version=ticket.version))
    with pytest.raises(Stale):
        d.hub.apply(Delete(ref=ticket.ref, version=ticket.version))
    assert d.plain() == "aa\nb\n"


def test_an_edit_between_read_and_rename_is_stale_and_stays(desk, monkeypatch):
    d = desk("a\nb\n")
    ticket = d.one("a")
    fsync = os.fsync

    def racing(handle: int) -> None:
        fsync(handle)
        d.todo.write_text(d.todo.read_text() + "typed meanwhile\n")

    monkeypatch.setattr(_todotxt_file.os, "fsync", racing)

    with pytest.raises(Stale, match="in this moment"):
        d.hub.apply(Update(ref=ticket.ref, changes={"summary": "c"}))
    assert d.plain() == "a\nb\ntyped meanwhile\n"
    assert [p.name for p in d.todo.parent.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_around_the_rename_makes_no_second_line(desk, monkeypatch, moment):
    d = desk("a\n")
    create = Create(ref=Ref(id=""), fields={"summary": "b"}, key=KEY)
    d.pull()
    rename = os.replace

    def crash(old, new) -> None:
        if Path(new) == d.todo:
            if moment == "after":
                rename(old, new)
            raise KeyboardInterrupt
        rename(old, new)

    with monkeypatch.context() as patch:
        patch.setattr(_todotxt_file.os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            d.hub.apply(create)
    d.restart()

    found = d.hub.find(Ref(id=""), KEY)
    assert (found is not None) == (moment == "after")
    d.hub.apply(create)
    assert d.plain() == "a\n2026-03-04 b\n"


@pytest.mark.parametrize("crash_at", [0, 1, 2])
def test_an_archived_line_that_is_reopened_moves_back_once(desk, monkeypatch, crash_at):
    d = desk("a\nb\n")
    ref = d.one("b").ref
    line = d.todo.read_text().splitlines()[1]
    d.change(line + "\n", "")
    d.done.write_text(f"x 2026-01-01 {line}\nx other\n")
    d.pull()
    replace_file, calls = Files.replace, []

    def crashing(self, path, before, after):
        calls.append(path)
        if len(calls) == crash_at:
            raise KeyboardInterrupt
        return replace_file(self, path, before, after)

    reopen = Update(ref=ref, changes={"status": "open"})
    with monkeypatch.context() as patch:
        patch.setattr(Files, "replace", crashing)
        if crash_at:
            with pytest.raises(KeyboardInterrupt):
                d.hub.apply(reopen)
        else:
            d.hub.apply(reopen)
    d.restart()
    if crash_at == 1:
        assert d.hub.ticket(ref).fields["status"] == "done"
        d.hub.apply(reopen)

    assert d.hub.ticket(ref).fields["status"] == "open"
    assert d.plain() == "a\nb\n"
    assert d.done.read_text() == "x other\n"


def test_deleting_takes_the_line_out_and_counts_for_no_brake(desk):
    d = desk("a\nb")
    for title in ("b", "a"):
        ref = d.one(title).ref
        d.hub.apply(Delete(ref=ref))
        d.restart()
        assert isinstance(d.hub.ticket(ref), Gone)
        with pytest.raises(Stale):
            d.hub.apply(Delete(ref=ref))
    assert d.todo.read_bytes() == b""


def test_what_a_line_cannot_carry_is_refused_before_anything_is_written(desk):
    d = desk("a @x\n")
    ref = d.one("a").ref
    before = d.todo.read_bytes()

    for changes in ({"status": "stalled"}, {"priority": "7"}, {"due": "soon"}, {"summary": " "}):
        with pytest.raises(Rejected):
            d.hub.apply(Update(ref=ref, changes=changes))
    with pytest.raises(Rejected):
        d.hub.apply(Update(ref=ref, added={"labels": frozenset({""})}))
    for changes in ({"description": "x"}, {"completed": "2020-01-01"}, {"labels": "x"}):
        with pytest.raises(Unsupported):
            d.hub.apply(Update(ref=ref, changes=changes))
    with pytest.raises(Unsupported):
        d.hub.apply(Create(ref=Ref(kind=COMMENT, id="", ticket=ref.id), fields={"body": "x"}))
    with pytest.raises(Unsupported):
        d.hub.content(Ref(kind="attachment", id="1"))
    with pytest.raises(Unsupported):
        d.hub.find(Ref(kind=COMMENT, id=""), KEY)
    for operation in (Update(ref=Ref(id="none")), Delete(ref=Ref(id="none"))):
        with pytest.raises(NotFound):
            d.hub.apply(operation)
    with pytest.raises(NotFound):
        d.hub.ticket(Ref(id="none"))
    assert d.todo.read_bytes() == before


def test_mode_and_link_of_the_file_stay(desk, tmp_path):
    d = desk("a\n")
    d.todo.chmod(0o640)
    link = tmp_path / "link.txt"
    link.symlink_to(d.todo)
    d.settings = replace(d.settings, url=str(link))
    d.restart()

    d.hub.apply(Update(ref=d.one("a").ref, changes={"summary": "b"}))

    assert link.is_symlink()
    assert d.todo.stat().st_mode & 0o777 == 0o640
    assert d.plain() == "b\n"


# --- the surroundings -----------------------------------------------------------------------------


def test_copies_that_a_sync_folder_left_are_reported(desk):
    d = desk("a +p\n")
    for name in ("todo (Ada's conflicted copy 2026-01-01).txt", "todo.sync-conflict-1-2.txt"):
        (d.todo.parent / name).write_text("b\n")

    schema = d.hub.describe()

    assert len(schema.notes) == 2
    assert schema.projects == ("+p",)
    assert len(d.hub.apply(Update(ref=d.one("a").ref, changes={"due": None})).notes) == 2


def test_a_full_disk_is_one_sentence_and_nothing_is_written(desk, monkeypatch):
    d = desk("a\n")
    ref = d.one("a").ref
    before = d.todo.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_todotxt_file.os, "fsync", full)

    with pytest.raises(Transient, match="No space left"):
        d.hub.apply(Update(ref=ref, changes={"summary": "b"}))
    assert d.todo.read_bytes() == before


def test_a_file_that_may_not_be_read_is_one_sentence(desk, monkeypatch):
    d = desk("a\n")

    def denied(_path):
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", denied)
        with pytest.raises(AuthFailed):
            d.hub.whoami()
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda *_: False)
        with pytest.raises(AuthFailed, match="folder"):
            d.hub.whoami()
    assert d.hub.whoami().id == "prophet-hub"


def test_a_file_under_constant_writing_is_left_alone(desk, monkeypatch):
    d = desk("a\n")
    read = Path.read_bytes

    def growing(path):
        data = read(path)
        path.write_bytes(data + b"b\n")
        return data

    monkeypatch.setattr(Path, "read_bytes", growing)

    with pytest.raises(Transient, match="being written"):
        d.hub.whoami()


def test_a_zone_that_is_none_is_told(desk):
    d = desk("2026-01-01 a\n", time_zone="Nowhere/Town")

    with pytest.raises(ConfigError, match="Nowhere"):
        d.pull()


def test_a_folder_that_cannot_be_made_is_one_sentence(desk):
    d = desk("a\n")
    d.folder.write_text("in the way")
    d.restart()

    with pytest.raises(Transient):
        d.pull()


def test_the_settled_moment_comes_after_two_quiet_seconds(desk):
    d = desk("a\n")
    d.clock = ManualClock(datetime.now(UTC) + timedelta(days=1))
    d.restart()
    _, cursor = d.pull()

    assert d.hub._watch.look("").settled
    assert d.pull(cursor)[0] == []


# --- a long life ----------------------------------------------------------------------------------


class Life(RuleBasedStateMachine):
    """A person and the hub at one file: what the hub was told piece by piece is what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.place = TemporaryDirectory()
        self.desk = Desk(Path(self.place.name), "first\n")
        self.mirror: dict[str, Ticket] = {}
        self.cursor = ""
        self.number = self.tokens = 0
        self.patch = pytest.MonkeyPatch()  # the same story twice has the same words
        self.patch.setattr(_todotxt_watch, "mint", self.mint)

    def teardown(self) -> None:
        self.patch.undo()
        self.place.cleanup()

    def mint(self) -> str:
        self.tokens += 1
        return f"{self.tokens:022d}"

    def lines(self) -> list[str]:
        return self.desk.todo.read_text().splitlines()

    def write(self, lines: list[str]) -> None:
        self.desk.todo.write_text("".join(f"{line}\n" for line in lines))

    def fresh(self) -> str:
        self.number += 1
        return f"task{self.number} of day{self.number}"

    @rule(tail=st.sampled_from(["", " @home", " due:2026-01-01", "  "]))
    def appends(self, tail):
        self.write([*self.lines(), self.fresh() + tail])

    @rule()
    def sorts(self):
        self.write(sorted(self.lines()))

    @rule(data=st.data())
    def rewrites(self, data):
        lines = self.lines()
        if lines:
            at = data.draw(st.integers(0, len(lines) - 1))
            change = data.draw(
                st.sampled_from(
                    [{"status": "done"}, {"status": "open"}, {"priority": "A"}, {"due": None}]
                )
            )
            lines[at] = str(edit(parse(lines[at]), Change(fields=change), today="2026-01-02"))
            self.write(lines)

    @rule(data=st.data())
    def copies(self, data):
        lines = self.lines()
        if lines:
            self.write([*lines, data.draw(st.sampled_from(lines))])

    def archived(self) -> str:
        return self.desk.done.read_text() if self.desk.done.exists() else ""

    @rule()
    def archives(self):
        done = [line for line in self.lines() if line.startswith("x ")]
        old = self.archived()
        self.desk.done.write_text(old + "".join(f"{line}\n" for line in done))
        self.write([line for line in self.lines() if line not in done])

    @precondition(lambda self: len(self.lines()) > 3)
    @rule(data=st.data())
    def takes_one_out(self, data):
        self.looks()
        lines = self.lines()
        if len(lines) > 3:
            del lines[data.draw(st.integers(0, len(lines) - 1))]
            self.write(lines)
            self.looks()

    @rule(data=st.data())
    def tears_the_marks_out(self, data):
        self.looks()
        lines = self.lines()
        if lines:
            at = data.draw(st.integers(0, len(lines) - 1))
            if token_in(lines[at]) in self.archived():
                return  # a copy in the archive goes on as the task: that is fair, too
            lines[at] = re.sub(r" ?hub:\w+", "", lines[at])
            self.write(lines)
            known = set(self.mirror)
            self.looks()
            assert set(self.mirror) == known

    @rule(key=st.uuids(version=4))
    def hub_creates(self, key):
        create = Create(ref=Ref(id=""), fields={"summary": self.fresh()}, key=str(key))
        ref = self.desk.hub.apply(create).ref
        assert self.desk.hub.apply(create).ref == ref

    @precondition(lambda self: self.mirror)
    @rule(data=st.data(), status=st.sampled_from(["open", "done"]))
    def hub_updates(self, data, status):
        self.looks()
        ref = Ref(id=data.draw(st.sampled_from(sorted(self.mirror))))
        version = self.mirror[ref.id].version
        title = self.fresh()
        changes = {"summary": title, "status": status}
        self.desk.hub.apply(Update(ref=ref, changes=changes, version=version))
        shown = self.desk.hub.ticket(ref).fields
        assert (shown["summary"], shown["status"]) == (title, status)

    @rule()
    def starts_again(self):
        self.desk.restart()

    @rule()
    def looks(self):
        told, self.cursor = self.desk.pull(self.cursor)
        for item in told:
            if isinstance(item, Gone):
                del self.mirror[item.ref.id]
            else:
                self.mirror[item.ref.id] = item
        whole = {t.ref.id: t for t in self.desk.pull()[0] if isinstance(t, Ticket)}
        assert self.mirror == whole
        assert self.desk.pull(self.cursor)[0] == []
        marked = re.findall(r"hub:(\w+)", self.desk.todo.read_text())
        assert len(marked) == len(self.lines()), "a line without our word"
        assert len(set(marked)) == len(marked), "two lines with one word"
        assert set(marked) <= set(self.mirror)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


# --- the contract ---------------------------------------------------------------------------------


class Paper(Sandbox):
    """A file on a desk: a person edits it with an editor, and its time is turned by hand."""

    examples = MappingProxyType({"status": ("done", "open"), "rec": ("1w", "+2m")})
    clearable = frozenset({"due", "priority", "t", "rec"})
    refused = ("priority", "7")
    narrow = ("@wanted -@home", "labels", frozenset({"wanted"}))

    def __init__(self, folder: Path, *, write_ids: bool = True) -> None:
        self.todo = folder / "todo.txt"
        self.folder = folder
        self.write_ids = write_ids
        self.clock = ManualClock(NOW)
        self.ahead = 0.0
        self.reads = 0
        self.write(b"")
        super().__init__()

    def connect(self, *, password=None, reachable=True):
        place = self.todo if reachable else self.folder / "nowhere.txt"
        settings = TodoTxtSettings(url=str(place), write_ids=self.write_ids, most_gone=100)
        context = Context(folder=str(self.folder / "private"), clock=self.clock)
        return TodoTxt(settings, context)

    def requests(self) -> int:
        return self.reads

    def write(self, data: bytes) -> None:
        self.todo.write_bytes(data)
        when = int((self.clock.now().timestamp() + self.ahead) * 10**9)
        os.utime(self.todo, ns=(when, when))

    def make(self, fields) -> str:
        plain = {n: v for n, v in fields.items() if isinstance(v, str)}
        before = {i.ref.id for i in self.connector.changed(Pull()) if isinstance(i, Ticket)}
        change = Change(fields=plain, added=fields.get("labels", frozenset()))
        line = edit(parse(""), change, today="2026-03-04")
        self.write(self.todo.read_bytes() + f"{line}\n".encode())
        after = [i for i in self.connector.changed(Pull()) if isinstance(i, Ticket)]
        (made,) = (t.ref.id for t in after if t.ref.id not in before)
        return made

    def edit(self, ticket: str, field: str, value) -> None:
        if field == "completed":
            raise Absent("a line is completed by its x")
        at, line = self.find(ticket)
        old = labels(line)
        change = Change(fields={field: value})
        if field == "labels":
            change = Change(
                added=frozenset(value or ()) - old, removed=old - frozenset(value or ())
            )
        new = str(edit(line, change, today="2026-03-04"))
        if not self.write_ids and _likeness(str(line), new) <= 0.5:
            raise Absent("an unlike line without a mark is another task")
        self.replace(at, new)

    def now(self):
        return self.clock.now() + timedelta(seconds=self.ahead)

    def delete(self, ticket: str) -> None:
        self.replace(self.find(ticket)[0], None)

    def find(self, ticket: str):
        version = self.connector.ticket(Ref(id=ticket)).version
        for at, text in enumerate(self.todo.read_text().split("\n")):
            if version_of(text) == version:
                return at, parse(text)
        raise AssertionError(ticket)

    def replace(self, at: int, text: str | None) -> None:
        rows = self.todo.read_text().split("\n")
        rows[at : at + 1] = [] if text is None else [text]
        self.write("\n".join(rows).encode())

    def advance(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def skew(self, seconds: float) -> None:
        self.ahead = seconds

    @property
    def long(self):
        raise Absent("a line has no long text")


def place_of(base):
    """Returns the fixture of a suite."""

    @pytest.fixture
    def sandbox(self, tmp_path, monkeypatch):
        box = Paper(tmp_path, **base)
        read = Files.read

        def counted(files):
            box.reads += 1
            return read(files)

        monkeypatch.setattr(Files, "read", counted)
        return box

    return sandbox


WIRE = "a file has no wire to break"
NOBODY = "a line names no person"
ELSEWHERE = "a line has no comments and no attachments"
SKIPS = {
    **dict.fromkeys(
        (
            "test_a_failing_server_is_transient",
            "test_a_refused_session_is_said",
            "test_a_forbidden_ticket_is_an_error_of_the_hub",
            "test_a_garbled_answer_is_said",
            "test_a_truncated_answer_is_said",
            "test_a_listing_in_a_circle_comes_to_an_end",
            "test_a_pull_that_breaks_off_has_no_last_checkpoint",
            "test_a_pause_that_is_asked_for_too_often_is_said",
            "test_a_read_is_repeated",
            "test_a_short_pause_is_kept",
            "test_a_create_is_never_repeated_blindly",
            "test_a_create_whose_answer_was_lost_is_unsure",
            "test_a_lost_create_is_found_by_its_key",
            "test_an_update_that_landed_is_not_called_stale",
            "test_an_index_that_lags_loses_nothing",
        ),
        WIRE,
    ),
    **dict.fromkeys(
        (
            "test_a_wrong_password_is_said",
            "test_a_wrong_password_ends_a_pull",
            "test_no_error_shows_a_secret",
            "test_authors_are_told",
            "test_a_hidden_ticket_is_not_found",
            "test_a_hidden_ticket_is_not_told_as_gone",
        ),
        NOBODY,
    ),
    **dict.fromkeys(
        (
            "test_long_texts_keep_their_letters",
            "test_a_comment_makes_a_ticket_changed",
            "test_an_attachment_makes_a_ticket_changed",
            "test_comments_are_told_in_order",
            "test_a_comment_keeps_its_text",
            "test_a_public_comment_is_told_as_public",
            "test_an_attachment_is_read_byte_for_byte",
            "test_an_attachment_may_have_any_name",
            "test_a_missing_attachment_is_not_found",
            "test_parts_of_two_tickets_never_share_an_id",
        ),
        ELSEWHERE,
    ),
    "test_a_merged_ticket_is_not_deleted": "lines are not merged",
}


class TestContract(ConnectorContract):
    """Every check there is, on marked lines."""

    may_skip = SKIPS
    sandbox = place_of({})


class TestContractReadOnlyLines(ConnectorContract):
    """And on lines that stay as their owner wrote them, as far as they stay alike."""

    sandbox = place_of({"write_ids": False})
