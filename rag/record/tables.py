"""The tables of the record and how it is connected to; ``rag.library`` is the way in."""

import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rag.errors import Busy, Damaged, IndexMismatch, StorageFailed
from rag.record.opening import FrozenConnection, open_file

SCHEMA = 1
_READS_ONLY, _OPENED_AGAIN = "reads only", "opened again"

metadata = sa.MetaData()

# One row: what every write advances or must agree with.
state = sa.Table(
    "state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("schema", sa.Integer, nullable=False),
    sa.Column("record", sa.Text, nullable=False),  # a name that no other record has
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("next_document", sa.Integer, nullable=False),
    sa.Column("next_vector", sa.Integer, nullable=False),
    sa.Column("model", sa.Text),
    sa.Column("dimension", sa.Integer),
    sa.Column("analyzer", sa.Text),
    sa.Column("chunker", sa.Text),
)

# A row is one version of a document, whose fields and text never change: a replacement gets a new key, and keys are
# never used again, so that whoever holds a key reads that version's text or nothing. Only another model, analyzer or
# chunker changes ``chunks``, ``layout`` and ``digest``. ``text`` stands last, so that listing does not read through it.
documents = sa.Table(
    "documents",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("position", sa.Integer, nullable=False, unique=True),  # place in lists; kept by replacements
    sa.Column("sequence", sa.Integer, nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("source", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("published", sa.Text),
    sa.Column("metadata", sa.Text, nullable=False),  # JSON
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),  # of the text
    sa.Column("chunks", sa.Integer, nullable=False),
    sa.Column("added", sa.Text, nullable=False),
    sa.Column("layout", sa.LargeBinary, nullable=False),  # SHA-256 over the rows of ``chunks``
    sa.Column("digest", sa.LargeBinary, nullable=False),  # SHA-256 over all of the above but key, order and time
    sa.Column("text", sa.Text, nullable=False),
)

# A chunk's text is a span of its document's and is not stored again.
chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("document", sa.Integer, sa.ForeignKey("documents.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("context", sa.Text, nullable=False),
    sa.Column("vector", sa.Integer, sa.ForeignKey("vectors.key"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

# Found by what was embedded, so that nothing is embedded twice: ``input`` is SHA-256 over model and text.
vectors = sa.Table(
    "vectors",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("input", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("sha256", sa.LargeBinary, nullable=False),  # over input and vector
    sa.Column("vector", sa.LargeBinary, nullable=False),  # float32, little-endian
)

# Versions that are gone, for indexes that still hold them.
removed = sa.Table(
    "removed",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False, index=True),
)

# Seeds that a user deleted, replaced or corrected: a build leaves them alone until the text in their file is another.
deleted_seeds = sa.Table(
    "deleted_seeds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
)

# How far a model's cosines are trusted beside the shipped model's (``beside``), measured over so many chunks.
trust = sa.Table(
    "trust",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("beside", sa.Text, primary_key=True),
    sa.Column("factor", sa.Float, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
)


def connect(path: Path, timeout: float) -> sa.Engine:
    """An engine on the SQLite file at ``path``; safe to use from many threads.

    A transaction takes the write lock at once where its connection has the execution option ``immediate``;
    otherwise it reads one unchanging state of the record. Where the disk is too full for the files that SQLite needs
    beside the record, what the record holds can be read; every use tries for the right to write again.
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        creator=lambda: open_file(path, timeout),
        pool_size=8,
        max_overflow=-1,  # readers are bounded by the caller's threads
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions by rules of its own
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")
        try:
            record.info[_READS_ONLY] = not _writable(connection, timeout)
        except BaseException:
            connection.close()
            raise

    @sa.event.listens_for(engine, "checkout")
    def open_again(connection: Any, record: Any, _: object) -> None:
        again = record.info[_READS_ONLY] and not record.record_info.get(_OPENED_AGAIN)
        record.record_info[_OPENED_AGAIN] = again
        if again:
            raise sa.exc.DisconnectionError("It could be opened for reading alone.")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _writable(connection: sqlite3.Connection, timeout: float) -> bool:
    """Whether SQLite could open the files for writing.

    Where it fails, be it for a moment, SQLite opens them for reading, without a word; a connection that stays in the
    pool so would refuse all writes until a restart.
    """
    connection.execute("PRAGMA busy_timeout=0")
    connection.execute("BEGIN")
    try:
        connection.execute("PRAGMA incremental_vacuum(0)").fetchall()  # wants the write lock, and changes nothing
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        if code not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        return code != sqlite3.SQLITE_READONLY
    else:
        return True
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute(f"PRAGMA busy_timeout={round(1000 * timeout)}")


def create(engine: sa.Engine, path: Path, wait: float) -> str:
    """Makes the tables where they are not there, by several processes at once too; gives the record's name.

    Raises:
        Damaged: its counters are not what was stored.
        IndexMismatch: they are there in the format of another version.
        StorageFailed: the file cannot be written to, and holds no record that could be read.
    """
    until = time.monotonic() + wait
    while True:
        try:
            with engine.connect() as connection:
                if isinstance(connection.connection.driver_connection, FrozenConnection):
                    break
                if connection.info[_READS_ONLY]:
                    raise StorageFailed(
                        f"The record {path} cannot be written to: look at its permissions and the disk."
                    )
                with closing(connection.connection.cursor()) as cursor:  # an open one would keep the file locked
                    cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:  # changing the mode does not wait by itself
            if time.monotonic() > until or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.02)
    with engine.connect() as connection:
        schema = connection.scalar(sa.select(state.c.schema)) if sa.inspect(connection).has_table("state") else None
    if schema is None:
        with engine.connect().execution_options(immediate=True) as connection, connection.begin():
            metadata.create_all(connection)
            if connection.scalar(sa.select(state.c.schema)) is None:
                first = {"id": 1, "schema": SCHEMA, "record": secrets.token_hex(16), "sequence": 0}
                connection.execute(sa.insert(state), first | {"next_document": 1, "next_vector": 1})
    elif schema != SCHEMA:
        raise IndexMismatch(
            f"The record {path} has format {schema}, this version reads {SCHEMA}: use the version that wrote it, "
            "or move the file away and run `rag build` to make a new one from the seeds."
        )
    if "trust" not in sa.inspect(engine).get_table_names():  # a record from before there was one
        with engine.connect().execution_options(immediate=True) as connection, connection.begin():
            metadata.create_all(connection)
    with engine.connect() as connection:
        _check_counters(connection, path)
        return str(connection.execute(sa.select(state.c.record)).scalar_one())


def _check_counters(connection: sa.Connection, path: Path) -> None:
    """Raises Damaged where what the next write is numbered by is behind the rows, and would be taken for older."""
    columns = {
        state.c.sequence: (documents.c.sequence, removed.c.sequence),
        state.c.next_document - 1: (documents.c.key, removed.c.key),
        state.c.next_vector - 1: (vectors.c.key,),
    }
    for counter, used in columns.items():
        given = [sa.func.coalesce(sa.select(sa.func.max(column)).scalar_subquery(), 0) for column in used]
        if not connection.scalar(sa.select(sa.and_(*(counter >= each for each in given))).select_from(state)):
            raise Damaged(
                f"The record {path} is damaged (its counters are behind its rows): put a backup in its place, "
                "or move it away and run `rag build` to make a new one from the seeds."
            )


def integrity(path: Path) -> str | None:
    """What SQLite's own check finds wrong with the file, None where nothing is."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            found += [f"{row[0]} refers to nothing" for row in connection.execute("PRAGMA foreign_key_check")]
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if found == ["ok"] else " ".join("; ".join(found).split())


@contextmanager
def in_use(path: Path, *, alone: bool = False) -> Iterator[None]:
    """Says to other processes that the record at ``path`` is open; ``alone``, that nobody else may open it.

    Raises:
        Busy: it is open elsewhere, or somebody has it alone.
    """
    handle = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"The record {path} is open elsewhere: stop the service and other commands on it first."
                if alone
                else f"The record {path} is being replaced by a backup: try again in a moment."
            ) from None
        yield
    finally:
        os.close(handle)


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turns the database's errors into those of :mod:`rag.errors`.

    Raises:
        Busy: another process holds the write lock for longer than the time-out.
        Damaged: the file is no database, or a broken one.
        StorageFailed: it cannot be read or written, as on a full disk.
    """
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Busy(f"Another process is writing to {path}: try again in a moment.") from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Damaged(
                f"The record {path} is damaged ({cause}): put a backup in its place, "
                "or move it away and run `rag build` to make a new one from the seeds."
            ) from error
        if isinstance(cause, sqlite3.OperationalError):
            raise StorageFailed(
                f"The record {path} could not be read or written ({cause}): "
                "look at the disk's free space and the file's permissions."
            ) from error
        raise
