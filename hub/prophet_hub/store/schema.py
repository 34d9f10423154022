"""The tables of the SQLite database, and the way from one version of them to the next.

`entries` is the truth and kept for ever.  `names`, `touched`, `cells`, `records`, `joins`, `echoes`,
`crossings` and `deaths` follow from it and can be rebuilt; so do `documents`, `searched`, `words` and
`shown`, which searches bring up to date themselves.  `texts` holds what stands in the log by
its hash, `carried` which entry names it, `wanted` what is named and not here yet, `seals` who
signed.  The ledger's tables are the bridge's own.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from prophet_hub.errors import StoreError
from prophet_hub.store.base import LEDGER

__all__ = ["DERIVED", "SEARCH", "VERSION", "migrate", "recognise", "statements"]

DERIVED: Final = (
    "names", "touched", "cells", "records", "joins", "echoes", "crossings", "deaths",
)  # fmt: skip

_LOG: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

CREATE TABLE origins (id INTEGER PRIMARY KEY, origin BLOB NOT NULL UNIQUE) STRICT;
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    origin INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    before BLOB NOT NULL,
    running BLOB NOT NULL,
    raw BLOB NOT NULL,
    reason TEXT            -- why it is in quarantine
) STRICT;
-- one row as a rule; branches of a forked origin share a place
CREATE INDEX entries_place ON entries (origin, sequence);
CREATE INDEX entries_held ON entries (origin, sequence) WHERE reason IS NOT NULL;

-- the last entry of each branch
CREATE TABLE tips (running BLOB PRIMARY KEY, origin BLOB NOT NULL, sequence INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;

CREATE TABLE texts (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
-- the texts and contents that an entry names by hash
CREATE TABLE carried (
    entry INTEGER NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (entry, sha256)
) STRICT, WITHOUT ROWID;
-- those of them that did not come with it; somebody may lie about a size
CREATE TABLE wanted (sha256 TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (sha256, size))
    STRICT, WITHOUT ROWID;
-- public key and signature over the running hash of an entry
CREATE TABLE seals (entry INTEGER PRIMARY KEY, seal BLOB NOT NULL) STRICT;

-- write id -> the entries in which it stands
CREATE TABLE names (id BLOB NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (id, entry))
    STRICT, WITHOUT ROWID;
-- raw record (or, for a receipt, event) -> the entries that write to it
CREATE TABLE touched (record BLOB NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (record, entry))
    STRICT, WITHOUT ROWID;

CREATE TABLE cells (
    record BLOB NOT NULL, prop TEXT NOT NULL, member TEXT NOT NULL,
    heads BLOB NOT NULL, conflict INTEGER NOT NULL, mark INTEGER NOT NULL, parent BLOB,
    PRIMARY KEY (record, prop, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX cells_conflict ON cells (record, prop, member) WHERE conflict = 1;
-- what people decided; the terms are those of the query
CREATE INDEX cells_vote ON cells (record) WHERE prop >= 'vote:' AND prop < 'vote;';
CREATE INDEX cells_parent ON cells (parent) WHERE parent IS NOT NULL;

CREATE TABLE records (
    number INTEGER PRIMARY KEY,
    record BLOB NOT NULL UNIQUE,
    type TEXT NOT NULL,
    whole BLOB NOT NULL,
    kind TEXT NOT NULL,
    label INTEGER NOT NULL,
    changed INTEGER NOT NULL
) STRICT;
CREATE INDEX records_changed ON records (changed) WHERE kind <> '';
CREATE INDEX records_kind ON records (kind, changed) WHERE kind <> '';
CREATE INDEX records_whole ON records (whole) WHERE whole <> record;

-- pairs shown present, both ways
CREATE TABLE joins (record BLOB NOT NULL, other BLOB NOT NULL, PRIMARY KEY (record, other))
    STRICT, WITHOUT ROWID;
-- receipts shown present: "this event is that write"
CREATE TABLE echoes (event BLOB NOT NULL, write BLOB NOT NULL, PRIMARY KEY (event, write))
    STRICT, WITHOUT ROWID;
CREATE INDEX echoes_write ON echoes (write);
-- supersessions that lead out of the cell (or to a write not known here) -> that cell
CREATE TABLE crossings (
    target BLOB NOT NULL, record BLOB NOT NULL, prop TEXT NOT NULL, member TEXT NOT NULL,
    PRIMARY KEY (target, record, prop, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX crossings_cell ON crossings (record, prop, member);
-- classes all of whose life heads are deletes
CREATE TABLE deaths (record BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
"""

SEARCH: Final = """
-- a class under its line's number; home: the document to which it belongs, else itself
CREATE TABLE documents (
    doc INTEGER PRIMARY KEY, home INTEGER NOT NULL, kind TEXT NOT NULL, dead INTEGER NOT NULL,
    changed INTEGER NOT NULL
) STRICT;
CREATE INDEX documents_home ON documents (kind, home, dead) WHERE home <> doc;
CREATE TABLE searched (
    doc INTEGER PRIMARY KEY, summary TEXT NOT NULL, description TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (
    summary, description, body, content = 'searched', content_rowid = 'doc', columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE properties (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- numbers are numbers, dates are eight bytes, records are sixteen, all else is folded text
CREATE TABLE shown (
    doc INTEGER NOT NULL, prop INTEGER NOT NULL, value ANY NOT NULL,
    PRIMARY KEY (doc, prop, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX shown_value ON shown (prop, value);
-- what was a class of its own and is none any more
CREATE INDEX records_gone ON records (changed) WHERE kind = '';
"""


def _ledger(*names: str) -> str:
    tables = []
    for name in names:
        key = LEDGER[name]
        columns = ", ".join(f"{k} ANY NOT NULL" for k in key)
        tables.append(
            f"CREATE TABLE {name} ({columns}, data BLOB NOT NULL, PRIMARY KEY ({', '.join(key)}))"
            " STRICT, WITHOUT ROWID;"
        )
    return "\n".join(tables)


_STEPS: Final = (
    _LOG
    + SEARCH
    + _ledger(
        "shadows", "items", "outstanding", "intents", "receipts", "checkpoints", "scope", "inbox",
        "people", "runs", "peers", "settings",
    ),
    _ledger("audit"),
)  # fmt: skip
"""Step n leads from version n to version n + 1; a step that has been released is never changed."""

VERSION: Final = len(_STEPS)
_APPLICATION: Final = int.from_bytes(b"Prop")  # in the file's header, for file(1) and for us


def recognise(connection: sqlite3.Connection, path: str, *, read_only: bool) -> None:
    """Looks whether the file is ours, and of a version that this program can use.

    Raises:
        StoreError: It is not.
    """
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    ours = connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION
    empty = not connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema)").fetchone()[0]
    if not ours and (read_only or not empty):
        raise StoreError(
            f"{path} is no database of prophet-hub.", hint="Name another one with --database."
        )
    if found > VERSION:
        raise StoreError(
            f"The database {path} is of version {found}, this program knows version {VERSION}.",
            hint="Upgrade prophet-hub, or name another database with --database.",
        )
    if found < VERSION and read_only:
        raise StoreError(
            f"The database {path} is of the older version {found}.",
            hint="Any command that writes, such as `prophet-hub sync`, brings it up to date.",
        )


def migrate(connection: sqlite3.Connection) -> bool:
    """Brings the tables to this program's version in one transaction; tells whether it had to."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == VERSION:
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        for step in _STEPS[found:]:
            for statement in statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back already
            connection.execute("ROLLBACK")
        raise
    return True


def statements(script: str) -> list[str]:
    """Splits a script; `executescript` would commit on its own."""
    return [s for s in script.split(";\n") if s.strip()]
