"""Remotes as `loss` looks at them: promises, tables, and what the trackers say of themselves."""

from __future__ import annotations

import contextlib
from pathlib import Path

from prophet_hub.errors import RemoteError, UsageError
from prophet_hub.jobs import config as models
from prophet_hub.jobs.fills import fill_of
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.looks import Look
from prophet_hub.jobs.natives import is_native
from prophet_hub.jobs.remotes import connect, field_map
from prophet_hub.jobs.secrets import Ask
from prophet_hub.sdk import FieldMap, Schema

__all__ = ["look"]


def look(
    file: JobFile, job: models.Job, name: str, *, folder: Path, ask: Ask, offline: bool
) -> tuple[Look, str]:
    """Returns a remote as a job uses it, and why its tracker was not asked, "" if it was.

    Raises:
        UsageError: It is a replica, with which nothing is lost.
        ConfigError: Its settings are faulty.
    """
    if is_native(file, name):
        raise UsageError(f"{name} is a replica: all that is here survives there.")
    remote, use = file.config.remotes[name], job.remotes[name]
    why = ""
    schema: Schema | None = None
    connector = None
    if not offline:
        try:
            connector = connect(file, name, folder=folder, ask=ask, query=use.query, dry=True)
            with contextlib.closing(connector):
                schema = connector.describe()
        except RemoteError as error:
            why = error.sentence.rstrip(".")
    if connector is None:
        connector = connect(file, name, folder=folder, ask=ask, dry=True, offline=True)
        connector.close()
    able, fields = connector.capabilities, field_map(connector.fields, remote)
    if job.fields is not None:
        fields = FieldMap(row for row in fields if row.ours in job.fields)
    limits = [n for n in (job.attachments.limit, able.attachment_limit) if n is not None]
    found = Look(
        name=name, able=able, fields=fields, schema=schema, writes=use.direction != "pull",
        creates=use.creates, deletes=use.deletes,
        limit=min(limits, default=None) if job.attachments.carry else 0,
        private=remote.audience == "private",
        fill=fill_of(file, name, field_map(connector.fields, remote)),
    )  # fmt: skip
    return found, why
