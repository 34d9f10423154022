"""What the job file says of a tracker, compared with the tracker as it was found: for `check`."""

from __future__ import annotations

from prophet_hub.jobs.fills import fill_faults
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.remotes import field_map
from prophet_hub.sdk import Connector, Schema

__all__ = ["compared"]


def compared(file: JobFile, name: str, connector: Connector, schema: Schema) -> list[str]:
    """Returns what a person may want to change, one sentence each."""
    return [
        *_missing(file, name, connector, schema),
        *_unfilled(file, name, connector, schema),
        *_rights(file, name, schema),
    ]


def _missing(file: JobFile, name: str, connector: Connector, schema: Schema) -> list[str]:
    """Returns the fields and words of the file that the tracker does not have."""
    remote = file.config.remotes[name]
    there = {field.name: field for field in schema.fields}
    said = {ours for ours, row in remote.fields.items() if row is not None} | set(remote.values)
    notes = []
    for row in field_map(connector.fields, remote):
        if row.ours not in said or not there:
            continue
        if row.theirs not in there:
            notes.append(f'{row.ours}: the tracker has no field "{row.theirs}".')
            continue
        words = set(there[row.theirs].values) or (
            set(schema.statuses) if row.ours == "status" else set()
        )
        strange = [
            their for their in remote.values.get(row.ours, {}) if words and their not in words
        ]
        if strange:
            notes.append(f"{row.ours}: the tracker has no {', '.join(sorted(strange))}.")
    return notes


def _unfilled(file: JobFile, name: str, connector: Connector, schema: Schema) -> list[str]:
    """Returns what is wrong with the rules under `fill`, and which ones may be wanted."""
    remote = file.config.remotes[name]
    fields = field_map(connector.fields, remote)
    status = fields.ours("status")
    notes = [f"fill: {fault}" for fault in fill_faults(file, name, fields)]
    demands = dict.fromkeys((status.decode(word) if status else word, theirs)
                            for word, names in schema.requires.items()
                            for theirs in names)  # fmt: skip
    for word, theirs in demands:
        row = fields.theirs(theirs)
        said = remote.fill.get(f"status={word}")
        if row and not (isinstance(said, dict) and {row.ours, theirs} & said.keys()):
            notes.append(
                f'A ticket that becomes "{word}" must have {row.ours}; where a ticket may say '
                f"nothing of it, write fill: {{status={word}: {{{row.ours}: ...}}}}."
            )
    for field in schema.fields:
        row = fields.theirs(field.name)
        if (
            field.required
            and row
            and row.ours != "summary"
            and not ({row.ours, row.theirs} & remote.fill.keys())
        ):
            notes.append(
                f"A new ticket must have {row.ours}; where a ticket may say nothing of it, write "
                f"fill: {{{row.ours}: ...}}."
            )
    return notes


def _rights(file: JobFile, name: str, schema: Schema) -> list[str]:
    """Returns what a job wants to do and the account may not, as far as the tracker tells."""
    notes = []
    for job, said in file.config.jobs.items():
        use = said.remotes.get(name)
        if use is None or use.direction == "pull" or not schema.permissions:
            continue
        wanted = {
            "update",
            *(["create"] if use.creates else []),
            *(["delete"] if use.deletes else []),
        }
        lacking = sorted(wanted - schema.permissions)
        if lacking:
            notes.append(f'The job "{job}" wants to {", ".join(lacking)}; the account may not.')
    return notes
