"""The embedded store: one SQLite file in WAL mode, its tables and its transactions.

`synchronous` is FULL: the bridge notes an intent before a request leaves, and that note must survive
a power cut, or a ticket could be created twice; NORMAL would lose the last commits.  A commit is one
fsync, and a commit holds a batch.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from prophet_hub.errors import StoreError
from prophet_hub.store.base import LEDGER, Key, Locked, Row, batched_in
from prophet_hub.store.derived import Derived
from prophet_hub.store.home import home_of
from prophet_hub.store.log import Log
from prophet_hub.store.schema import migrate, recognise

if TYPE_CHECKING:
    import tempfile

    from prophet_hub.store.blobs import Blobs

__all__ = ["MEMORY", "Store", "said", "tune"]

MEMORY = ":memory:"
_PAGE = 500

# the ledger's statements; the names in them are LEDGER's own
_WHERE = {name: " AND ".join(f"{k} = ?" for k in key) for name, key in LEDGER.items()}
_SELECT = {name: f"SELECT data FROM {name} WHERE {where}" for name, where in _WHERE.items()}  # noqa: S608 - see above
_DELETE = {name: f"DELETE FROM {name} WHERE {where}" for name, where in _WHERE.items()}  # noqa: S608 - see above
_INSERT = {
    name: f"INSERT OR REPLACE INTO {name} VALUES ({', '.join('?' * (len(key) + 1))})"  # noqa: S608 - see above
    for name, key in LEDGER.items()
}


class Store:
    """An open database: rows by hand-written SQL, errors in the hub's words.

    Attributes:
        log, derived: The tables of the log, and those that follow from it.
    """

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection: sqlite3.Connection | None = connection
        self.path = path
        self.log, self.derived = Log(self), Derived(self)
        self._blobs: Blobs | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._depth = 0

    @property
    def blobs(self) -> Blobs:
        """Contents beside the file; for a database in memory in a folder that goes with it."""
        if self._blobs is None:
            import tempfile  # noqa: PLC0415 - most readings never ask for a content

            from prophet_hub.store.blobs import Blobs  # noqa: PLC0415 - as above

            if self.path == MEMORY:
                self._scratch = tempfile.TemporaryDirectory(prefix="prophet-hub-")
            folder = self._scratch.name if self._scratch else f"{self.path}.blobs"
            self._blobs = Blobs(Path(folder))
        return self._blobs

    @classmethod
    def open(
        cls, path: Path | str, *, create: bool = True, read_only: bool = False, patience: float = 5
    ) -> Store:
        """Opens the file, makes its tables on first use.

        With `read_only` nothing is written, not even tables, and it works while another process
        writes.  `patience` is for how many seconds a write waits for another process that writes.

        Raises:
            StoreError: Missing and not to be created, locked, damaged, of a newer version.
        """
        where = str(path)
        if where != MEMORY:
            where = str(Path(path).absolute())
            if not Path(where).exists():
                if not create or read_only:
                    raise StoreError(
                        f"There is no database at {path}.",
                        hint="Name one with --database, or make one with prophet-hub ticket create, clone or sync.",
                    )
                _make_folder(Path(where).parent)
            elif Path(where).is_dir():
                raise StoreError(f"{path} is a folder.", hint="Name a file in it with --database.")
        with _words(where):
            connection = sqlite3.connect(
                _uri(where, read_only=read_only), uri=True, isolation_level=None, timeout=patience,
                cached_statements=512,
            )  # fmt: skip
            store = cls(connection, where)
            try:
                store._prepare(read_only=read_only, patience=patience)
            except BaseException:
                connection.close()
                raise
        return store

    def _prepare(self, *, read_only: bool, patience: float) -> None:
        connection = self._open()
        tune(connection)
        recognise(connection, self.path, read_only=read_only)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            return
        if self.path != MEMORY:
            _write_ahead(connection, patience)
        migrate(connection)

    def close(self) -> None:
        """Gives back the file; the second time does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def home(self) -> str:
        """Returns where the file lives, "" in memory."""
        return "" if self.path == MEMORY else home_of(Path(self.path))

    # --- transactions ---

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits all that is written inside together or not at all.

        A nested one is kept only with the outermost; an exception that leaves it rolls back what
        stands in it, and no more if it is caught outside.

        Raises:
            Locked: Another process holds the write lock for longer than the patience.
        """
        depth = self._depth
        self.run(f"SAVEPOINT level{depth}" if depth else "BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            self.run(f"RELEASE level{depth}" if depth else "COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                if self._open().in_transaction:
                    self._open().execute(f"ROLLBACK TO level{depth}" if depth else "ROLLBACK")
            raise
        finally:
            self._depth = depth

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._depth > 0

    def run(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Executes one statement."""
        try:
            return self._open().execute(sql, values)
        except sqlite3.Error as error:
            raise said(error, self.path) from error

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Executes one statement for many rows."""
        try:
            self._open().executemany(sql, rows)
        except sqlite3.Error as error:
            raise said(error, self.path) from error

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns all rows of a query."""
        try:
            return self._open().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise said(error, self.path) from error

    def rows_in(self, sql: str, values: Iterable[Any]) -> Iterator[Row]:
        """Yields the rows of a query with one `IN (?)` for many values, in few statements."""
        for marks, chunk in batched_in(values):
            yield from self.rows(sql.replace("(?)", marks), chunk)

    # --- the ledger ---

    def get(self, table: str, key: Key) -> bytes | None:
        """Returns the data of one row."""
        found = self.rows(_SELECT[table], key)
        return found[0][0] if found else None

    def put(self, table: str, key: Key, data: bytes) -> None:
        """Writes one row, over the one with this key if there is one."""
        self.run(_INSERT[table], (*key, data))

    def drop(self, table: str, key: Key) -> None:
        """Removes one row; nothing happens where there is none."""
        self.run(_DELETE[table], key)

    def scan(self, table: str, prefix: Key = ()) -> Iterator[tuple[Key, bytes]]:
        """Yields the rows whose key begins with the prefix, sorted by key.

        Pages inside, so that a reader may write between two rows.
        """
        names = LEDGER[table]
        columns = ", ".join(names)
        after = f"({columns}) > ({', '.join('?' * len(names))})"
        fixed = [f"{k} = ?" for k in names[: len(prefix)]]
        last: Key | None = None
        while True:
            terms = fixed + ([after] if last else [])
            where = f"WHERE {' AND '.join(terms)}" if terms else ""
            page = self.rows(
                f"SELECT {columns}, data FROM {table} {where} ORDER BY {columns} LIMIT {_PAGE}",  # noqa: S608 - LEDGER's own names
                (*prefix, *(last or ())),
            )
            for row in page:
                yield row[:-1], row[-1]
            if len(page) < _PAGE:
                return
            last = page[-1][:-1]

    def last(self, table: str) -> tuple[Key, bytes] | None:
        """Returns the row with the greatest key, None where there is none."""
        names = LEDGER[table]
        order = ", ".join(f"{name} DESC" for name in names)
        found = self.rows(f"SELECT {', '.join(names)}, data FROM {table} ORDER BY {order} LIMIT 1")  # noqa: S608 - LEDGER's own names
        return (found[0][:-1], found[0][-1]) if found else None

    # --- small facts about this database ---

    def meta(self, name: str) -> Any:
        """Returns a fact about this database, None if it was never noted."""
        found = self.rows("SELECT value FROM meta WHERE name = ?", (name,))
        return found[0][0] if found else None

    def set_meta(self, name: str, value: str | bytes | int) -> None:
        """Notes a fact about this database."""
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"The database {self.path} is closed.")
        return self._connection


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Turns the file to WAL; SQLite itself does not wait for another that turns it just now."""
    deadline = time.monotonic() + patience
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def tune(connection: sqlite3.Connection) -> None:
    """Sets how a connection writes and how much it remembers."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -8192")  # KiB; four times that is little faster
    connection.execute("PRAGMA temp_store = MEMORY")
    # pages, 32 MiB: batches touch the same pages again and again, the default copies each time
    connection.execute("PRAGMA wal_autocheckpoint = 8192")


def said(error: sqlite3.Error, path: str) -> StoreError:
    """Returns SQLite's error as one sentence and a remedy."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Locked(
                f"Another process is writing to the database {path}.",
                hint="Wait for the other run to end, or stop it, then run again.",
            )
        case sqlite3.SQLITE_FULL:
            return StoreError(
                f"The disk is full, the database {path} cannot grow.",
                hint="Free some space and run again; nothing was half written.",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(
                f"{path} is damaged or no database of prophet-hub.",
                hint="Restore it from a backup, or name another one with --database.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StoreError(
                f"The database {path} cannot be opened for writing.",
                hint="Its file and its folder must be writable for this user.",
            )
        case sqlite3.SQLITE_IOERR:
            return StoreError(
                f"The disk under the database {path} fails: {error}.",
                hint="Look at the system's log, then run again.",
            )
    return StoreError(f"The database {path} refused a statement: {error}.")


@contextlib.contextmanager
def _words(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise said(error, path) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be made: {error.strerror or error}.",
            hint="Name another place with --database.",
        ) from error


def _uri(path: str, *, read_only: bool) -> str:
    if path == MEMORY:
        return "file::memory:"
    if not read_only:
        return f"file:{quote(path)}"
    wal = Path(f"{path}-wal").exists()
    # a database at rest in a folder that we may not write has nothing to share a lock for
    return f"file:{quote(path)}?mode=ro" + ("" if wal or _writable(Path(path)) else "&immutable=1")


def _writable(path: Path) -> bool:
    return os.access(path.parent, os.W_OK)
