"""The command `diagnostics`: a bundle for a report of a fault, without what is secret or personal."""

from __future__ import annotations

import contextlib
import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from prophet_hub.cli.desk import Desk, micros
from prophet_hub.errors import UsageError
from prophet_hub.values import from_micros

if TYPE_CHECKING:
    from prophet_hub.jobs.diagnostics import Part

__all__ = ["diagnostics"]

_MODE: Final = 0o600
_ABOUT: Final = """\
A bundle of diagnostics of prophet-hub. Look at it before you send it.

Names of remotes, jobs, hosts, people, fields and words of yours are pseudonyms, the same in every
file; sentences are those of the program, with an ellipsis for what was put into them. Titles, texts,
comments, files, people and secrets are not in here.

"""


def diagnostics(
    ctx: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", show_default=False,
            help="The new file; else prophet-hub-diagnostics-DATE.zip here.",
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Prints what would be in it, and writes nothing.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Without the check of the whole database.")
    ] = False,
) -> None:  # fmt: skip
    """Writes a bundle for a report of a fault, without secrets and personal data."""
    from prophet_hub.jobs.diagnostics import Sources, bundle  # noqa: PLC0415 - lazy: pydantic

    desk: Desk = ctx.obj
    now = micros()
    target = output or Path(f"prophet-hub-diagnostics-{from_micros(now):%Y-%m-%d}.zip")
    if not show:
        _refuse(target)
    sources = Sources(
        job_file=desk.config, database=desk.database, folder=desk.folder, open=desk.replica,
        clock=micros, whole=not quick,
    )  # fmt: skip
    parts = list(bundle(sources))
    if show:
        for part in parts:
            desk.say(f"--- {part.name}", part.text)
        return
    _write(target, _zipped(parts, now))
    desk.say(f"{target} was written. In it are:")
    desk.table([(f"  {part.name}", f"{len(part.text):,} letters") for part in parts])
    desk.say("Look at it before you send it: prophet-hub diagnostics --show prints the same.")


def _refuse(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already.", hint="Name another file with --output.")


def _zipped(parts: Sequence[Part], now: int) -> bytes:
    """Returns the archive; its times say when it was made, and nothing of the machine."""
    made = from_micros(now).timetuple()[:6]
    names = "".join(f"  {part.name}\n" for part in parts)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in [("about.txt", _ABOUT + names), *((p.name, p.text) for p in parts)]:
            archive.writestr(zipfile.ZipInfo(name, made), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _write(target: Path, data: bytes) -> None:
    """Writes a new file that only this user may read, whole or not at all."""
    try:
        file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError as error:  # somebody was quicker
        raise UsageError(f"{target} is there already.", hint="Name another file with --output.") from error  # fmt: skip
    try:
        with os.fdopen(file, "wb") as out:
            out.write(data)
    except OSError:
        with contextlib.suppress(OSError):
            target.unlink()
        raise
