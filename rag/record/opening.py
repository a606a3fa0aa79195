"""How the SQLite file of a record is opened, on a full disk too."""

import sqlite3
from pathlib import Path


class FrozenConnection(sqlite3.Connection):
    """A connection that reads the file as it lies there, without locks and without a log."""


def open_file(path: Path, timeout: float) -> sqlite3.Connection:
    """Open the SQLite file; frozen where there is no space for what SQLite keeps beside it and its log is empty."""
    connection = sqlite3.connect(path, timeout=timeout, check_same_thread=False)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # makes the files beside it
    except sqlite3.OperationalError as error:
        connection.close()
        no_space = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN)
        log = path.with_name(f"{path.name}-wal")
        if not no_space or not path.exists() or not path.stat().st_size or (log.exists() and log.stat().st_size):
            raise
    except sqlite3.Error:
        connection.close()
        raise
    else:
        return connection
    uri = f"{path.resolve().as_uri()}?immutable=1"
    return sqlite3.connect(uri, timeout=timeout, check_same_thread=False, uri=True, factory=FrozenConnection)
