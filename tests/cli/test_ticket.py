"""`ticket`: tickets of one's own, from words, from the editor, from a file; offline."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile

import pytest

from jobs.packages import package
from prophet_hub.cli import desk as desks
from prophet_hub.cli.desk import Desk
from prophet_hub.cli.review import keys
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import StoreError
from prophet_hub.hookspecs import PLUGINS
from prophet_hub.model.neutral import STATUSES

SATURDAY = 1_795_219_200_000_000  # 2026-11-21 00:00 UTC


@pytest.fixture
def here(hub, monkeypatch, tmp_path):
    """A database that is not there yet, a person, a clock, no editor and nobody to ask."""
    (hub.folder / "prophet-hub.yaml").unlink()  # tickets need no job file
    monkeypatch.setenv("PROPHET_HUB_AUTHOR", "Jesse@example.org")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setattr(desks, "micros", lambda: SATURDAY)
    forms = tmp_path / "forms"
    forms.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(forms))
    return hub


@pytest.fixture
def editor(here, monkeypatch):
    """Sets the editor: a shell script that has the form's path in `$1`."""

    def as_script(script):
        path = here.folder / "editor.sh"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("EDITOR", str(path))

    return as_script


def typed(monkeypatch, data):
    """Puts bytes on standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))


def left(here):
    """Returns the forms that were kept."""
    return [path.read_text() for path in (here.folder / "forms").iterdir()]


def properties(here, ticket="1"):
    return here("show --json", ticket).data["properties"]


def comments(here, ticket="1"):
    return [one["body"] for one in here("show --json", ticket).data["comments"]]


# --- create ---


def test_the_first_ticket_makes_the_database(here):
    said = here("ticket create Printer on fire priority=high labels=hot,office due=+2w")

    assert (said.code, said.out, said.err) == (0, "Created #1  Printer on fire\n", "")
    assert properties(here) == {
        "created": "2026-11-21T00:00:00Z", "due": "2026-12-05", "labels": ["hot", "office"],
        "priority": "high", "reporter": "jesse@example.org", "status": "new",
        "summary": "Printer on fire",
    }  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["summary=A = b", "owner=me"],
        ["--", "summary=A = b", "owner=me"],
        ["--set", "summary=A = b", "--set", "owner=me"],
        ["owner=me", "--set", "summary=A = b"],
    ],
)
def test_properties_are_given_as_words_or_options(here, words):
    assert here("ticket create", *words).code == 0

    assert properties(here)["summary"] == "A = b"
    assert properties(here)["owner"] == "jesse@example.org"


def test_a_new_ticket_is_told_to_programs(here):
    data = here("ticket create --json Coffee", "-m", "None\nleft").data

    assert (data["number"], data["type"], data["properties"]["description"]) == (
        1, "ticket", "None\nleft",
    )  # fmt: skip


def test_everything_that_is_wrong_is_told_at_once_and_force_takes_it(here):
    said = here("ticket create status=odd due=never")

    assert said.code == 2
    assert said.err.splitlines() == [
        "prophet-hub: This ticket cannot be written. With --force the values are taken as they are.",
        '  status: "odd" is none of: new, open, stalled, resolved, rejected, duplicate.',
        '  due: "never" is no day. Write 2026-12-24, tomorrow, friday, +3d or +2w.',
        "  summary: A ticket wants it.",
    ]
    assert here("ticket create status=odd due=never --force").code == 0
    assert properties(here)["status"] == "odd"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["create", "a", "summary=b"], "The summary is given twice."),
        (["create", "a", "status=new", "status=open"], "status: It is given twice."),
        (["create", "a", "--set", "status"], '"status" is no property. Write NAME=VALUE.'),
        (["create", "a", "labels=[1"], 'labels: Write a, b or ["a", "b"].'),
        (["update", "1", "open"], '"open" is no property. Write NAME=VALUE.'),
        (["update", "1", "--add", "labels"], '"labels" names no member. Write NAME=MEMBER.'),
        (["update", "9", "status=open"], "There is no record #9."),
        (["update", "1", "--edit", "status=open"], "Either the words or the editor."),
        (["create"], "Give --message TEXT, NAME=VALUE or --file -, or set EDITOR."),
        (["comment", "1"], "Give --message TEXT, NAME=VALUE or --file -, or set EDITOR."),
        (["create", "--file", "none.txt"], "none.txt cannot be read"),
    ],
)
def test_words_that_are_off_are_told(here, words, why):
    here("ticket create a")

    said = here("ticket", *words)

    assert (said.code in (1, 2), said.out) == (True, "")
    assert why in said.err
    assert len(here("ticket list --json").data) == 1


def test_records_of_other_types_are_made_too(here):
    assert here("ticket create --type book title=TAOCP").out == "Created #1  TAOCP\n"
    assert here("ticket create --type book TAOCP").code == 0  # free words are the summary

    assert [one["properties"] for one in here("tickets --type book --json").data] == [
        {"title": "TAOCP"}, {"summary": "TAOCP"},
    ]  # fmt: skip
    assert "#1      title: TAOCP" in here("tickets --type book").out


def test_a_property_that_looks_like_another_is_written_and_told(here):
    said = here("ticket create Printer prioriti=high weight=3")

    assert said.err == 'prophet-hub: "prioriti" is a new property. Did you mean "priority"?\n'
    assert properties(here)["prioriti"] == "high"
    assert here("ticket update 1 prioriti=low").err == ""
    assert "Did you mean" in here("ticket update 1 stat=open").err


@pytest.mark.parametrize(
    "words",
    ["update 1 a=b", "comment 1 -m x", "attach 1 x", "close 1", "delete 1", "show 1", "review x"],
)
def test_only_a_create_makes_a_database(here, words):
    said = here(f"ticket {words}")

    assert said.code == 1
    assert "There is no database at" in said.err
    assert not (here.folder / "hub.db").exists()


# --- create in the editor ---


def test_the_editor_opens_on_a_form(here, editor):
    here("settings set components core ui")
    editor(f'cp "$1" {here.folder}/seen; sed -i "s/^summary:.*/summary: Printer on fire/; '
           's/^labels:.*/labels: hot, office/" "$1"; echo "# On *every* floor" >> "$1"')  # fmt: skip

    said = here("ticket create")

    assert said.out.endswith("Printer on fire\n")
    seen = (here.folder / "seen").read_text()
    assert "\nstatus: new\n#   one of: new, open, stalled, resolved, rejected, duplicate\n" in seen
    assert "\ncomponent:\n#   one of: core, ui\n" in seen
    assert "milestone" not in seen
    shown = here("tickets --json").data[0]["properties"]
    assert (shown["summary"], shown["labels"]) == ("Printer on fire", ["hot", "office"])
    assert shown["description"] == "# On *every* floor"
    assert left(here) == []


@pytest.mark.parametrize("script", ["true", ': > "$1"', 'printf "\\n\\n" > "$1"'])
def test_a_form_that_is_left_as_it_is_or_emptied_makes_nothing(here, editor, script):
    editor(script)

    said = here("ticket create")

    assert (said.code, said.out, said.err) == (0, "", "prophet-hub: nothing was changed.\n")
    assert left(here) == []
    assert not (here.folder / "hub.db").exists()


def test_words_stand_in_the_form_already(here, editor):
    editor("true")

    assert here("ticket create --edit Printer priority=high").out == "Created #1  Printer\n"
    assert properties(here)["priority"] == "high"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ('printf "summary: x\\nwhat is this\\nsummary: y\\n" > "$1"',
         ['  line 2: "what is this" is no property. Write NAME: VALUE.',
          "  line 3: summary: It stands there twice."]),
        ('printf "summary: x\\nstatus: odd\\n" > "$1"', ['  status: "odd" is none of:']),
        ('printf "summary: x\\nlabels: [1\\n" > "$1"', ["  line 2: labels: Write a, b or"]),
        ('printf "summary: \\377\\n" > "$1"', ["What the editor left is no UTF-8."]),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_taken_is_kept_and_named(here, editor, script, why):
    editor(script)

    said = here("ticket create")

    assert said.code == 2
    for one in why:
        assert one in said.err
    (kept,) = (here.folder / "forms").iterdir()
    assert f"Your words are kept: prophet-hub ticket create --file {kept}" in said.err


def test_a_form_that_was_kept_is_taken_once_it_is_mended(here, editor):
    editor('printf "summary: x\\nstatus: odd\\n=== description ===\\na\\n\\nb\\n" > "$1"')
    here("ticket create")
    (kept,) = (here.folder / "forms").iterdir()
    kept.write_text(kept.read_text().replace("odd", "open"))

    assert here("ticket create --file", str(kept)).code == 0
    assert properties(here)["description"] == "a\n\nb"


@pytest.mark.parametrize(
    ("command", "why"),
    [("/no/such/editor", "cannot be started: No such file"), ("false", "The editor ended with 1")],
)
def test_an_editor_that_fails_does_nothing(here, monkeypatch, command, why):
    monkeypatch.setenv("VISUAL", command)

    said = here("ticket create")

    assert said.code == 2
    assert why in said.err
    assert left(here) == []


def test_what_was_written_survives_a_failure_of_the_program(here, editor, monkeypatch):
    editor('echo "summary: x" > "$1"')
    monkeypatch.setattr("prophet_hub.engine.records.Records.create", lambda *_: 1 / 0)

    said = here("ticket create")

    assert said.code == 1
    assert "your words are kept in" in said.err
    assert left(here) == ["summary: x\n"]


def test_a_form_comes_from_standard_input(here, monkeypatch):
    typed(monkeypatch, b"summary: From a pipe\r\nrt:queue: General\r\n")

    assert here("ticket create --file -").code == 0
    assert properties(here)["rt:queue"] == "General"


# --- update ---


def test_only_what_differs_is_written(here):
    here("ticket create Printer labels=hot,office")

    said = here("ticket update 1 status=open owner=me --add label=urgent --remove label=hot")
    assert said.out == "Updated #1  Printer\n"
    assert properties(here)["labels"] == ["office", "urgent"]
    again = here("ticket update 1 status=open")
    assert (again.code, again.out, again.err) == (0, "", "prophet-hub: nothing was changed.\n")


def test_properties_are_cleared(here):
    here("ticket create Printer priority=high owner=me labels=a,b")

    here("ticket update 1 priority= labels= --clear owner")

    assert set(properties(here)) == {"created", "reporter", "status", "summary"}


def test_a_comment_goes_with_an_update(here):
    here("ticket create Printer")

    here("ticket update 1 status=open -m", "It *burns*")
    here("ticket update 1 -m again")

    assert comments(here) == ["It *burns*", "again"]


def test_the_editor_shows_what_there_is_and_writes_what_differs(here, editor):
    here("ticket create Printer labels=a,b rt:queue=General", "-m", "One\n=== x ===")
    editor(f'cp "$1" {here.folder}/seen; sed -i "s/^status:.*/status: open/; s/^rt:queue:.*/rt:queue:/; '
           '/^labels/d; s/^One$/Once/" "$1"; echo "Hello" >> "$1"')  # fmt: skip

    said = here("ticket update 1")

    assert (said.code, said.err) == (0, "")
    shown = properties(here)
    assert (shown["status"], shown["labels"]) == ("open", ["a", "b"])
    assert shown["description"] == "Once\n=== x ==="
    assert "rt:queue" not in shown
    assert comments(here) == ["Hello"]
    assert "==== comment ====" in (here.folder / "seen").read_text()
    assert "created" not in (here.folder / "seen").read_text()


def test_an_editor_without_a_change_changes_nothing(here, editor):
    here("ticket create Printer -m", "Some text")
    before = len(here("log --json").data)
    editor("true")

    assert here("ticket update 1").err == "prophet-hub: nothing was changed.\n"
    assert len(here("log --json").data) == before


def test_a_text_of_a_tracker_with_other_line_ends_is_left_as_it_is(here, editor):
    text = "One\r\nTwo\rThree\n\n"
    here("ticket create Printer", "description=" + text)
    editor('sed -i "s/^status:.*/status: open/" "$1"')

    assert here("ticket update 1").code == 0
    assert (properties(here)["status"], properties(here)["description"]) == ("open", text)
    (here.folder / "form").write_text("=== description ===\nOne\nTwo\rThree\n", newline="")
    assert here("ticket update 1 --file form").err == "prophet-hub: nothing was changed.\n"


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(here, editor):
    here("ticket create Printer")
    program = f"{sys.executable} -m prophet_hub.cli --database {here.folder}/hub.db"
    editor(
        f'{program} ticket update 1 status=stalled priority=low; sed -i "s/^status:.*/status: open/" "$1"'
    )

    said = here("ticket update 1")

    assert said.code == 2
    assert "status: It shows stalled now." in said.err
    assert "priority" not in said.err
    assert "status: open" in left(here)[0]
    assert properties(here)["status"] == "stalled"


def test_a_form_of_an_update_comes_from_a_file(here, monkeypatch):
    here("ticket create Printer labels=a")
    typed(monkeypatch, b"labels: b\n=== comment ===\nHello\n")

    assert here("ticket update 1 --file -").code == 0
    assert (properties(here)["labels"], comments(here)) == (["b"], ["Hello"])


# --- comment, attach, close, delete ---


def test_a_comment_is_of_words_of_a_file_or_of_the_editor(here, editor, monkeypatch):
    here("ticket create Printer")
    typed(monkeypatch, "# Über\n".encode())
    assert here("ticket comment 1 --file -").out == "Commented #1  Printer\n"
    here("ticket comment #1 -m", "Two\nlines", "--private")
    editor('echo "# Written" > "$1.new"; cat "$1" >> "$1.new"; mv "$1.new" "$1"')
    here("ticket comment 1")
    editor("true")
    assert here("ticket comment 1").err == "prophet-hub: nothing was changed.\n"

    told = here("show 1 --json").data["comments"]
    assert {(one["body"], one["private"]) for one in told} == {
        ("# Über\n", "no"), ("Two\nlines", "yes"), ("# Written", "no"),
    }  # fmt: skip
    assert {one["author"] for one in told} == {"jesse@example.org"}


def test_a_comment_is_a_record_that_can_be_edited_and_deleted(here, editor):
    here("ticket create Printer")
    here("ticket comment 1 --message One")
    editor('sed -i "s/^One$/Two/" "$1"')

    assert here("ticket update 2").out == "Updated #2  comment at: Printer\n"
    assert comments(here) == ["Two"]
    assert here("ticket delete 2").code == 0
    assert comments(here) == []


def test_a_comment_that_could_not_be_written_is_taken_later(here, editor, monkeypatch):
    here("ticket create Printer")
    editor('echo "# Written" >> "$1"')
    with monkeypatch.context() as broken:
        broken.setattr("prophet_hub.engine.records.Records.comment", raising(StoreError("Full.")))
        said = here("ticket comment 1 --private")
    (kept,) = (here.folder / "forms").iterdir()
    assert f"Your words are kept: prophet-hub ticket comment 1 --private --file {kept}" in said.err

    assert here("ticket comment 1 --private --file", str(kept)).code == 0
    assert [one.strip() for one in comments(here)] == ["# Written"]


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


def test_files_go_in_and_come_out_byte_for_byte(here, monkeypatch):
    here("ticket create Printer")
    data = bytes(range(256)) * 1000
    (here.folder / "fire.png").write_bytes(data)
    (here.folder / "log.txt").write_text("x")

    said = here("ticket attach 1 fire.png log.txt")
    assert said.out == "Attached #2  fire.png  256000 bytes\nAttached #3  log.txt  1 bytes\n"
    typed(monkeypatch, data)
    told = here("ticket attach 1 - --name in.bin --content-type a/b --private --json").data
    assert told[0]["properties"]["content_type"] == "a/b"
    assert told[0]["properties"]["private"] == "yes"

    assert [one["properties"]["name"] for one in here("ticket attachment 1 --json").data] == [
        "fire.png", "log.txt", "in.bin",
    ]  # fmt: skip
    assert "#2  fire.png  256000  image/png" in here("ticket attachment 1").out
    assert "attachment  #2  fire.png  256000 bytes  image/png" in here("show 1").out
    assert here("ticket attachment 2 -o out.png").out == "Wrote out.png  256000 bytes\n"
    assert (here.folder / "out.png").read_bytes() == data


def test_a_content_goes_to_standard_output(here):
    here("ticket create Printer")
    (here.folder / "a.bin").write_bytes(b"\x00\xff\n")
    here("ticket attach 1 a.bin")

    ran = subprocess.run(
        [sys.executable, "-m", "prophet_hub.cli", "--database", "hub.db", "ticket", "attachment",
         "2", "-o", "-"], capture_output=True, cwd=here.folder, timeout=60, check=True,
    )  # fmt: skip

    assert ran.stdout == b"\x00\xff\n"


def test_a_file_is_not_written_over_or_outside(here):
    here("ticket create Printer")
    (here.folder / "a").mkdir()
    (here.folder / "x.txt").write_text("old")
    here("ticket attach 1 x.txt --name", "../../x.txt")

    said = here("ticket attachment 2")
    assert (said.code, "x.txt is there already." in said.err) == (2, True)
    assert here("ticket attachment 2 -o a").code == 0
    assert [path.name for path in (here.folder / "a").iterdir()] == ["x.txt"]
    (here.folder / "x.txt").write_text("new")
    assert here("ticket attachment 2 --force").code == 0
    assert (here.folder / "x.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("attach 1 none.txt", "No such file or directory. Look at its name and its rights."),
        ("attach 1 -", "Give --name."),
        ("attach 1 a b --name x", "One name for several files."),
        ("attachment 1 -o x", "1 is no attachment."),
    ],
)
def test_files_that_are_none_are_told(here, words, why):
    here("ticket create Printer")

    said = here(f"ticket {words}")

    assert (said.code, why in said.err) == (2, True)
    assert here("ticket attachment 1 --json").data == []


def test_a_content_that_is_not_here_makes_no_file(here):
    here("ticket create Printer")
    (here.folder / "a.txt").write_text("x")
    here("ticket attach 1 a.txt")
    for path in (here.folder / "hub.db.blobs").rglob("*"):
        if path.is_file():
            path.unlink()

    assert here("ticket attachment 2 -o b.txt").code == 1
    assert not (here.folder / "b.txt").exists()


def test_tickets_are_closed_all_or_none(here):
    here("ticket create One")
    here("ticket create Two")

    assert here("ticket close 1 9").code == 2
    assert properties(here)["status"] == "new"
    assert here("ticket close 1 2 --as rejected -m no").out == "Closed #1  One\nClosed #2  Two\n"
    assert (properties(here, "2")["status"], comments(here, "2")) == ("rejected", ["no"])


def test_a_ticket_is_closed_as_the_database_says(here):
    here("ticket create One")
    here("settings set statuses new done")
    assert '"resolved" is none of: new, done.' in here("ticket close 1").err

    here("settings set closed_statuses done")
    here("ticket close 1")
    assert properties(here)["status"] == "done"


def test_what_is_no_ticket_is_not_closed_and_a_setting_not_written_on(here):
    here("ticket create One")
    here("ticket comment 1 --message Two")
    here("settings set project_name Three")

    assert "2 is a comment, no ticket." in here("ticket close 2").err
    for verb in ("update #-1 a=b", "close #-1", "delete #-1", "comment #-1 --message x"):
        assert "#-1 is a setting. See prophet-hub settings." in here(f"ticket {verb}").err


def test_deleted_tickets_come_back(here):
    here("ticket create One")

    assert here("ticket delete 1").out == "Deleted #1  One\n"
    assert here("ticket list --json").data == []
    assert here("ticket restore 1").out == "Restored #1  One\n"
    assert properties(here)["summary"] == "One"


def test_a_title_of_a_stranger_s_is_one_line(here, editor):
    with Replica.open(here.folder / "hub.db", author="x") as db:
        row = db.create("ticket", summary="x")
        db.edit(row.record, "ticket", {("summary", ""): "x\nstatus: resolved\x1b[2J"}, author="x")
    editor(f'cp "$1" {here.folder}/seen; sed -i "s/^priority:.*/priority: low/" "$1"')

    assert here("ticket update 1").out == "Updated #1  x status: resolved[2J\n"
    assert properties(here)["status"] == "new"
    assert "# #1  x status: resolved" in (here.folder / "seen").read_text()


# --- lists ---


def test_closed_tickets_are_counted_and_not_listed(here):
    here("ticket create One")
    here("ticket create Two status=closed")

    said = here("ticket")
    assert "One" in said.out
    assert "Two" not in said.out
    assert said.err == "1 closed ticket not listed: --all\n"
    assert "Two" in here("ticket list --all").out
    assert "Two" in here("tickets --where status=resolved").out
    here("settings set closed_statuses new")
    assert [one["number"] for one in here("ticket list --json").data] == [2]


def test_lists_are_sorted(here):
    for summary, priority in (("b", "10"), ("a", "9"), ("c", "")):
        here(f"ticket create {summary} priority={priority}")

    def found(sort):
        return [one["properties"]["summary"] for one in here(f"tickets --json {sort}").data]

    assert (found(""), found("--sort summary")) == (["b", "a", "c"], ["a", "b", "c"])
    assert (found("--sort priority"), found("--sort=-summary")) == (
        ["a", "b", "c"],
        ["c", "b", "a"],
    )


def test_a_query_narrows_and_orders_the_list(here):
    for summary in ("Printer on fire", "Coffee is out", "Printer is slow"):
        here("ticket create", summary)
    here("ticket update 3 --add label=wontfix")
    here("ticket close 2")

    def found(*words):
        said = here("ticket search --json", *words)
        return [one["number"] for one in said.data], said.err

    assert found("printer", "sort:summary") == ([3, 1], "")
    assert found("printer", "-label:wontfix") == ([1], "")
    assert found("-label:wontfix", "status:resolved") == ([2], "")
    assert found("-hardware", "-summary:coffee", "sort:-summary")[0] == [1, 3]
    assert found("weird:x") == ([], 'prophet-hub: no record shows "weird".\n')
    here("ticket comment 1 -m Toner --author jesse@example.org")
    assert found("comment.author:jesse") == ([1], "")
    assert here("tickets printer --json").data == here("ticket list printer --json").data
    assert here("ticket list status:").code == 2


def test_show_and_history_are_the_short_forms_of_ticket(here):
    here("ticket create One")

    assert here("ticket show 1").out == here("show 1").out
    assert here("ticket show 1 --json").out == here("show 1 --json").out
    assert here("ticket history 1").out == here("history 1").out
    assert here("ticket list").out == here("tickets").out


def test_ticket_show_imports_no_more_than_show(here):
    here("ticket create One")
    code = (
        "import sys; from prophet_hub.cli.main import main;"
        f"main(['--database', {str(here.folder / 'hub.db')!r}, 'ticket', 'show', '1']);"
        "print([m for m in sys.modules if m in ('rich', 'requests', 'pydantic', 'yaml', 'typer',"
        " 'prophet_hub.engine.records', 'prophet_hub.model.schema')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert ran.stdout.splitlines()[-1] == "[]"


# --- review ---


def test_every_status_has_a_key_of_its_own():
    found = keys(STATUSES)

    assert sorted(found.values()) == sorted(STATUSES)
    assert not set(found) & set("npvcetq")
    assert len(keys([f"s{n}" for n in range(40)])) < 40  # there are no more keys


def test_tickets_are_answered_one_by_one(here, monkeypatch, editor):
    for n in range(1, 6):
        here(f"ticket create Ticket-{n}")
    by_status = {status: key for key, status in keys(STATUSES).items()}
    editor('sed -i "s/^priority:.*/priority: high/" "$1"')
    answers = [by_status["resolved"], "t", "x?", "c", "Hello there", "p", "v", "n", "e", "q"]
    typed(monkeypatch, "\n".join(answers).encode())

    said = here("ticket review")

    assert said.code == 0
    assert said.out.endswith("Looked at 5 tickets, changed 4.\n")
    assert properties(here, "1")["status"] == "resolved"
    assert properties(here, "2")["owner"] == "jesse@example.org"
    assert "Hello there" in said.out  # the ticket was viewed
    assert comments(here, "3") == ["Hello there"]
    assert properties(here, "4")["priority"] == "high"
    assert '"x" is no answer.' in said.out


def test_a_review_ends_where_nobody_answers(here, monkeypatch):
    here("ticket create One")
    typed(monkeypatch, b"\n")
    assert here("ticket review").out.endswith("Looked at 1 ticket, changed 0.\n")
    typed(monkeypatch, b"")
    assert here("ticket review").code == 0


def test_on_a_terminal_one_key_is_enough(here, monkeypatch):
    here("ticket create One")
    pressed = iter("tq")
    monkeypatch.setattr(Desk, "asks", True)
    monkeypatch.setattr("typer.getchar", lambda: next(pressed))

    assert here("ticket review").out.endswith("Looked at 1 ticket, changed 1.\n")
    assert properties(here)["owner"] == "jesse@example.org"


# --- who ---


def test_the_author_is_told_else_of_the_environment_else_git_s_else_the_login(here, monkeypatch):
    (here.folder / ".git").mkdir()
    config = here.folder / "gitconfig"
    config.write_text("[user]\n\temail = Git@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")

    here("ticket create One --author", "Cara")
    here("ticket create Half --author", "Cara Smith <Cara@Example.org>")
    here("ticket create Two")
    monkeypatch.delenv("PROPHET_HUB_AUTHOR")
    here("ticket create Three")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LOGNAME", "login")
    here("ticket create Four")

    rows = sorted(here("log --json").data, key=lambda row: row["number"])
    assert [row["author"] for row in rows] == [
        "Cara", "cara@example.org", "jesse@example.org", "git@example.org", "login",
    ]  # fmt: skip
    assert {row["note"] for row in rows} == {"ticket create"}


@pytest.mark.parametrize("who", ["j\udcff", "x" * 70_000])
def test_what_is_no_author(here, who):
    told = here("ticket create One --author", who)

    assert told.code == 2
    assert told.err.startswith("prophet-hub: The author has more than 1000 letters, or bytes")


def test_a_member_is_no_longer_than_a_changeset_takes(here):
    here("ticket create One")
    told = here("ticket update 1 --add", "label=" + "x" * 70_000)

    assert told.code == 2
    assert "labels: A member of a set has 65536 letters at most." in told.err
    assert "labels" not in properties(here)


# --- types of plugins ---


def test_a_plugin_declares_types(here, tmp_path):
    source = """
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import StoreError
from prophet_hub.hookspecs import hookimpl
from prophet_hub.model.schema import Property, RecordType

@hookimpl
def prophet_record_types():
    return [RecordType(name="ticket", properties=(
        Property(name="severity", values=("minor", "major"), default="minor"),))]
"""
    failing = """
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import StoreError
from prophet_hub.hookspecs import hookimpl

@hookimpl
def prophet_record_types():
    raise OSError("no")
"""
    for folder in ("types", "failing"):
        (tmp_path / folder).mkdir()
    with (
        package(tmp_path / "types", "severity-plugin", source, group=PLUGINS),
        package(tmp_path / "failing", "failing-types-plugin", failing, group=PLUGINS),
    ):
        assert here("ticket create One").code == 0
        assert (
            'severity: "big" is none of: minor, major.' in here("ticket create x severity=big").err
        )

    assert properties(here)["severity"] == "minor"


# --- with trackers ---


def test_what_was_written_here_reaches_the_trackers_whole(hub, monkeypatch):
    monkeypatch.setenv("PROPHET_HUB_AUTHOR", "jesse@example.org")
    hub.a.create("jesse", {"summary": "Older"})
    assert hub("sync a b --yes -q").code == 0
    words = ["--json", "Printer", "status=open", "labels=hot,office", "due=2026-12-24", "owner=me"]
    made = hub("ticket create", *words, "--message", "It *burns*").data
    ticket = str(made["number"])
    hub("ticket comment", ticket, "--message", "Really.")
    (hub.folder / "x.bin").write_bytes(bytes(range(256)))
    hub("ticket attach", ticket, "x.bin")

    assert hub("sync a b --yes").code == 0

    for tracker in (hub.a, hub.b):
        (item,) = [one for one in tracker.items.values() if one.fields["summary"] == "Printer"]
        assert item.fields["description"] == "It *burns*"
        assert (item.fields["status"], item.fields["due"]) == ("open", "2026-12-24")
        assert item.fields["labels"] == {"hot", "office"}
        assert [one.body.rsplit("\n", 1)[-1] for one in item.comments] == ["Really."]
        assert [(one.name, one.data) for one in item.attachments] == [("x.bin", bytes(range(256)))]
    assert hub("show --json", ticket).data["properties"] == made["properties"]


def test_programs_get_one_number_from_every_command(here):
    here("ticket create One status=open")
    here("ticket comment 1 --message Two")
    here("ticket update 1 status=stalled")
    (listed,) = here("tickets --json").data
    shown = here("ticket show 1 --json").data
    differs = next(one for one in here("diff 2 3 --json").data if one["type"] == "ticket")
    (undone,) = here("undo latest --dry-run --json").data["cells"]
    assert [one["number"] for one in (listed, shown, differs, undone)] == [1] * 4
    assert [one["number"] for one in shown["comments"]] == [2]


def test_a_number_beyond_all_bounds_is_all(here):
    here("ticket create One")
    assert len(here(f"log --json --limit {10**30}").data) == 1
    assert here(f"conflicts --json --most {10**30}").data == []
