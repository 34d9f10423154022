"""The commands of `ticket`: tickets of one's own, with or without a tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from prophet_hub.cli import files, past, tickets
from prophet_hub.cli.desk import Desk
from prophet_hub.cli.quick import QUERYING
from prophet_hub.cli.writing import Pen

if TYPE_CHECKING:
    from prophet_hub.engine.replica import RecordRow

__all__ = ["app"]

app = typer.Typer(help="Writes and shows tickets, offline by design.")

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Ticket = Annotated[str, typer.Argument(metavar="TICKET", help="5, rt-main#42 or a uuid.")]
_Tickets = Annotated[
    list[str], typer.Argument(metavar="TICKET", help="5, rt-main#42 or a uuid; several.")
]
_Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="Properties.", show_default=False),
]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A property; may be repeated."),
]
_File = Annotated[
    str, typer.Option(metavar="FILE", help="Reads what the editor would show; - is standard input.")
]
_Text = Annotated[
    str | None,
    typer.Option("--message", "-m", metavar="TEXT", help="The text.", show_default=False),
]
_Edit = Annotated[bool, typer.Option("--edit", "-e", help="Opens the editor in any case.")]
_Force = Annotated[bool, typer.Option("--force", help="Takes values that the types refuse.")]
_Author = Annotated[
    str,
    typer.Option(
        metavar="WHO", help="Who writes; else PROPHET_HUB_AUTHOR, git's user.email, the login."
    ),
]
_Private = Annotated[bool, typer.Option("--private", help="For no wider an audience.")]


@app.callback(invoke_without_command=True)
def ticket(ctx: typer.Context, as_json: _Json = False) -> None:
    """Writes and shows tickets, offline by design."""
    if ctx.invoked_subcommand is None:
        tickets.tickets(ctx, as_json=as_json)


@app.command("create")
def create(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORD", help="Properties as NAME=VALUE; other words are the summary.",
            show_default=False,
        ),
    ] = None,
    sets: _Set = None,
    message: Annotated[
        str | None,
        typer.Option("--message", "-m", metavar="TEXT", help="The description.", show_default=False),
    ] = None,
    file: _File = "",
    edit: _Edit = False,
    kind: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="The type of the record.")
    ] = "ticket",
    force: _Force = False,
    author: _Author = "",
    as_json: _Json = False,
) -> None:  # fmt: skip
    """Makes a ticket; without words the editor opens."""
    pen = Pen(ctx.obj, note="ticket create", author=author, force=force)
    row = pen.create(kind, words or [], sets or [], message=message, file=file, edit=edit)
    _told(pen, row, "Created", as_json=as_json)


@app.command("update")
def update(
    ctx: typer.Context,
    name: _Ticket,
    words: _Words = None,
    sets: _Set = None,
    add: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MEMBER", help="A member that comes to a set: label=urgent."),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="NAME=MEMBER", help="A member that goes.")
    ] = None,
    clear: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A property that goes.")
    ] = None,
    message: Annotated[
        str | None,
        typer.Option(
            "--message", "-m", metavar="TEXT", help="A comment besides.", show_default=False
        ),
    ] = None,
    file: _File = "",
    edit: _Edit = False,
    force: _Force = False,
    author: _Author = "",
    as_json: _Json = False,
) -> None:
    """Writes properties of a ticket; without any the editor opens."""
    pen = Pen(ctx.obj, note="ticket update", author=author, force=force)
    row = pen.update(
        name, words or [], sets=sets or [], add=add or [], remove=remove or [], clear=clear or [],
        message=message, file=file, edit=edit,
    )  # fmt: skip
    _told(pen, row, "Updated", as_json=as_json)


@app.command("comment")
def comment(
    ctx: typer.Context,
    name: _Ticket,
    message: _Text = None,
    file: Annotated[
        str, typer.Option(metavar="FILE", help="Reads the text; - is standard input.")
    ] = "",
    private: _Private = False,
    edit: _Edit = False,
    author: _Author = "",
    as_json: _Json = False,
) -> None:
    """Says something of a ticket; without a text the editor opens."""
    pen = Pen(ctx.obj, note="ticket comment", author=author)
    row = pen.comment(name, message, file=file, private=private, edit=edit)
    _told(pen, row, "Commented", as_json=as_json)


@app.command("attach")
def attach(
    ctx: typer.Context,
    name: _Ticket,
    paths: Annotated[
        list[str], typer.Argument(metavar="FILE", help="To be added; - is standard input.")
    ],
    called: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What the file is called there.")
    ] = "",
    content_type: Annotated[
        str, typer.Option("--content-type", metavar="TYPE", help="As image/png; else by the name.")
    ] = "",
    private: _Private = False,
    author: _Author = "",
    as_json: _Json = False,
) -> None:
    """Adds files to a ticket."""
    pen = Pen(ctx.obj, note="ticket attach", author=author)
    files.attach(pen, name, paths, called=called, content_type=content_type, private=private,
                 as_json=as_json)  # fmt: skip


@app.command("attachment")
def attachment(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="RECORD", help="A ticket, to list; an attachment, to get it.")
    ],
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="PATH",
                     help="Where the content goes: a file or a folder; - is standard output."),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Writes over an existing file.")] = False,
    as_json: _Json = False,
) -> None:  # fmt: skip
    """Lists the attachments of a ticket, or gets one out."""
    files.attachment(ctx.obj, name, output=output, force=force, as_json=as_json)


@app.command("close")
def close(
    ctx: typer.Context,
    names: _Tickets,
    status: Annotated[
        str,
        typer.Option("--as", metavar="STATUS", help="Else the first of the closed statuses."),
    ] = "",
    message: Annotated[
        str | None,
        typer.Option(
            "--message", "-m", metavar="TEXT", help="A comment besides.", show_default=False
        ),
    ] = None,
    force: _Force = False,
    author: _Author = "",
) -> None:
    """Closes tickets."""
    pen = Pen(ctx.obj, note="ticket close", author=author, force=force)
    for row in pen.close(names, status, message):
        _told(pen, row, "Closed")


@app.command("delete")
def delete(ctx: typer.Context, names: _Tickets, author: _Author = "") -> None:
    """Deletes tickets, here and in the trackers; restore brings them back."""
    _each(Pen(ctx.obj, note="ticket delete", author=author), names, "Deleted", alive=False)


@app.command("restore")
def restore(ctx: typer.Context, names: _Tickets, author: _Author = "") -> None:
    """Brings deleted tickets back with all that they had."""
    _each(Pen(ctx.obj, note="ticket restore", author=author), names, "Restored", alive=True)


@app.command("review")
def review(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY", help="Which tickets; else the open ones.", show_default=False
        ),
    ] = None,
    author: _Author = "",
) -> None:
    """Goes through tickets one by one; each is answered with one key."""
    from prophet_hub.cli.review import review as walk  # noqa: PLC0415 - of this command alone

    walk(Pen(ctx.obj, note="ticket review", author=author), query or [])


for _name in ("list", "search"):
    app.command(_name, context_settings=QUERYING)(tickets.tickets)
app.command("show")(tickets.show)
app.command("history")(past.history)


def _each(pen: Pen, names: list[str], verb: str, *, alive: bool) -> None:
    for row in pen.live(names, alive=alive):
        _told(pen, row, verb)


def _told(pen: Pen, row: RecordRow | None, verb: str, *, as_json: bool = False) -> None:
    """Tells what was written, None if nothing was."""
    desk: Desk = pen.desk
    if row is None:
        desk.tell("prophet-hub: nothing was changed.")
    elif as_json:
        desk.json(pen.data(row))
    else:
        desk.say(f"{verb} #{row.number}  {pen.title(row)}".rstrip())
