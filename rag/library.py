"""The record: documents, their chunks and the vectors computed of them, in one SQLite file.

It is the truth; indexes are derived from it. Every write is one transaction under the next sequence number,
alone across threads and processes, all or nothing, and on disk when the call returns.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from rag import durable
from rag.errors import Busy
from rag.record import tables as t
from rag.record.changes import Changes, batches, identity, vectors
from rag.record.opening import FrozenConnection
from rag.record.rows import Entry, Identity, Stored, check_text, input_hash, make, read
from rag.record.writer import Writer, Written
from rag.types import Document

__all__ = ["FILE", "Changes", "Entry", "Identity", "Library", "Stored", "Written"]

FILE = "library.sqlite3"  # the record's name in the folder of vectors

_WAIT = 10.0  # seconds that a write waits for another
_CACHED = 4_000_000  # characters of text kept in memory
_FIELDS = [column for column in t.documents.c if column.name != "text"]


class Library:
    """The record at ``path``. All methods may be called from many threads and processes at once.

    Every method may raise what ``rag.record.tables.errors`` does: Busy, Damaged or RagError.
    """

    def __init__(self, path: Path, engine: sa.Engine, wait: float) -> None:
        """Use ``open``."""
        self.path = path
        self.record = ""  # a name that no other record has
        self._wait = wait
        self._engine = engine
        self._writing = threading.Lock()  # threads take turns here; SQLite's own lock is polled
        self._texts: OrderedDict[int, str] = OrderedDict()
        self._cached = 0
        self._caching = threading.Lock()
        self._open = ExitStack()
        self._watching = threading.Lock()
        self._watch: Any = None  # a connection of the pool kept for ``sequence`` alone

    @classmethod
    def open(cls, path: Path, *, wait: float = _WAIT) -> "Library":
        """Opens the record, making an empty one where there is none.

        Args:
            path: the SQLite file.
            wait: seconds that a write waits for one of another process.

        Raises:
            Busy: another process is making it, or puts a backup in its place.
            Damaged: the file is no record.
            IndexMismatch: a newer version of this software made it.
            OSError: the folder cannot be made or written to.
        """
        durable.make(path.parent)
        library = cls(path, t.connect(path, wait), wait)
        try:
            library._open.enter_context(t.in_use(path))
            with t.errors(path):
                library.record = t.create(library._engine, path, wait)
            durable.sync(path.parent)  # the names of the file and its log, which a killed process may not have synced
        except BaseException:
            library.close()
            raise
        return library

    def close(self) -> None:
        """Closes all connections; the record must not be used afterwards."""
        with self._watching:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
        self._engine.dispose()
        self._open.close()

    # Reading

    def sequence(self) -> int:
        """The number of the last write, 0 where there was none. Takes some microseconds: meant for every query."""
        with self._watching, t.errors(self.path):
            if self._watch is None:
                self._watch = self._engine.raw_connection()
            rows = self._watch.driver_connection.execute("SELECT sequence FROM state").fetchall()
            if isinstance(self._watch.driver_connection, FrozenConnection):  # it would not see the next write
                self._watch.close()
                self._watch = None
        return int(rows[0][0])

    def identity(self) -> Identity | None:
        """What the chunks and vectors were made with; None as long as nothing was written."""
        with self._read() as connection:
            return identity(connection.execute(sa.select(t.state)).one())

    def counts(self) -> tuple[int, int]:
        """How many documents and chunks there are."""
        with self._read() as connection:
            query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(t.documents.c.chunks), 0))
            documents, chunks = connection.execute(query.select_from(t.documents)).one()
        return int(documents), int(chunks)

    def bytes(self) -> int:
        """What the record takes on disk."""
        paths = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(path.stat().st_size for path in paths if path.exists())

    def get(self, id: str) -> Document | None:
        """The document with its text, or None.

        Raises:
            Damaged: it is not what was stored.
        """
        with self._read() as connection:
            row = connection.execute(sa.select(t.documents).where(t.documents.c.id == id)).one_or_none()
        return None if row is None else read(row, row.text)

    def load(self, ids: Iterable[str]) -> Sequence[Document]:
        """Those of the documents that there are, in the order given, with their texts.

        Raises:
            Damaged: one is not what was stored.
        """
        found: dict[str, Document] = {}
        wanted = list(ids)
        with self._read() as connection:
            for some in batches(wanted):
                rows = connection.execute(sa.select(t.documents).where(t.documents.c.id.in_(some)))
                found.update((row.id, read(row, row.text)) for row in rows)
        return [found[id] for id in wanted if id in found]

    def unchanged(self, ids: Iterable[str], sequence: int) -> bool:
        """Whether all of these documents are what they were when the record stood at ``sequence``."""
        wanted, c = set(ids), t.documents.c
        with self._read() as connection:
            found = sum(
                connection.scalar(sa.select(sa.func.count()).where(c.id.in_(some), c.sequence <= sequence)) or 0
                for some in batches(wanted)
            )
        return found == len(wanted)

    def find(self, ids: Iterable[str]) -> dict[str, Document]:
        """Those of the documents that there are, by id, without their texts."""
        found: dict[str, Document] = {}
        with self._read() as connection:
            for some in batches(ids):
                rows = connection.execute(sa.select(*_FIELDS).where(t.documents.c.id.in_(some)))
                found.update((row.id, read(row)) for row in rows)
        return found

    def list(self, after: int = 0, limit: int = 50, origin: str | None = None) -> tuple[Sequence[Document], int | None]:
        """Documents without their texts, in the order they were first added, replacements in their old place.

        Returns:
            at most ``limit`` documents, and what to pass as ``after`` to go on; None where the list ends.
        """
        query = sa.select(*_FIELDS).where(t.documents.c.position > after)
        if origin is not None:
            query = query.where(t.documents.c.origin == origin)
        with self._read() as connection:
            rows = connection.execute(query.order_by(t.documents.c.position).limit(limit + 1)).all()
        more = rows[limit - 1].position if len(rows) > limit else None
        return [read(row) for row in rows[:limit]], more

    def texts(self, keys: Iterable[int]) -> dict[int, str]:
        """The texts of versions of documents; one that was replaced or removed may be missing.

        Raises:
            Damaged: a text is not what was stored.
        """
        found: dict[int, str] = {}
        missing: list[int] = []
        with self._caching:
            for key in keys:
                if key in self._texts:
                    self._texts.move_to_end(key)
                    found[key] = self._texts[key]
                else:
                    missing.append(key)
        if missing:
            c = t.documents.c
            with self._read() as connection:
                for some in batches(missing):
                    for row in connection.execute(sa.select(c.key, c.id, c.sha256, c.text).where(c.key.in_(some))):
                        check_text(row.id, row.text, row.sha256)
                        found[row.key] = row.text
            self._cache({key: found[key] for key in missing if key in found})
        return found

    def known(self, inputs: Sequence[str], model: str) -> dict[str, np.ndarray]:
        """The vectors that the record has for texts embedded by ``model``: float32 ``(dimension,)`` by text.

        A damaged one is left out, so that it is computed and stored again.
        """
        texts = {input_hash(model, text): text for text in inputs}
        with self._read() as connection:
            found = vectors(connection, texts)
        return {texts[key]: vector for key, (_, vector) in found.items() if vector is not None}

    @contextmanager
    def changes_since(self, sequence: int) -> Iterator[Changes]:
        """What was written after ``sequence``; 0 gives the whole record. Later writes do not show in it."""
        with self._read() as connection:
            yield Changes(connection, sequence)

    def deleted_seeds(self) -> dict[str, str]:
        """The seeds that a user deleted or changed: id to the SHA-256 of the text that their files had."""
        with self._read() as connection:
            return {row.id: row.sha256 for row in connection.execute(sa.select(t.deleted_seeds))}

    def trust(self, model: str, beside: str) -> tuple[float, int] | None:
        """What ``keep_trust`` was given last for the two models: the factor and the number of chunks."""
        c = t.trust.c
        with self._read() as connection:
            query = sa.select(c.factor, c.chunks).where(c.model == model, c.beside == beside)
            row = connection.execute(query).one_or_none()
        return None if row is None else (float(row.factor), int(row.chunks))

    # Writing

    def put(
        self,
        entries: Iterable[Entry],
        identity: Identity,
        *,
        replace: bool = True,
        force: bool = False,
        remember: bool = False,
        over: Mapping[str, Document] | None = None,
    ) -> Written:
        """Stores documents; all of them or, on an error, none. Of two with one id the later counts.

        A document that is there with the same content stays as it is, and the sequence number with it where that
        goes for all. Any other of the same id is replaced and keeps its place in lists.

        Args:
            entries: the documents with all that was computed of them.
            identity: what that was computed with; the record takes the first it is given.
            replace: False refuses a document whose id is taken by other content.
            force: store again even what is the same.
            remember: a user's change; a seed that is changed so is left alone by builds until its file changes, and
                what comes from the file of such a seed without ``remember`` is passed over.
            over: the documents, by id, that are to be replaced; whatever is there otherwise by now is passed over.

        Raises:
            Busy: another writer held the record too long.
            Conflict: an id is taken and ``replace`` is False.
            IndexMismatch: the record was made with another identity.
            InvalidInput: a document holds what cannot be stored.
        """
        rows = list({entry.document.id: make(entry, identity) for entry in entries}.values())
        with self._write() as connection:
            writer = Writer(connection)
            writer.claim(identity)
            return writer.put(rows, replace=replace, force=force, remember=remember, over=over)

    def remove(self, ids: Iterable[str], *, remember: bool = False, origin: str | None = None) -> Written:
        """Removes documents; ids that nothing has are passed over.

        Args:
            ids: of the documents.
            remember: keep in mind which of them were seeds, so that a rebuild does not bring them back.
            origin: only those of this origin.
        """
        with self._write() as connection:
            return Writer(connection).remove(list(dict.fromkeys(ids)), remember=remember, origin=origin)

    def keep(self, inputs: Sequence[str], vectors: np.ndarray, model: str) -> None:
        """Stores vectors, ``(n, dimension)`` float32, ahead of a ``switch``: nothing that is served changes."""
        keys = [input_hash(model, text) for text in inputs]
        with self._write() as connection:
            writer = Writer(connection)
            writer.vectors(dict(zip(keys, np.ascontiguousarray(vectors, "<f4"), strict=True)))
            writer.save()

    def keep_trust(self, model: str, beside: str, factor: float, chunks: int) -> None:
        """Stores how far ``model`` is trusted beside another; a write under a number of its own, for all to see."""
        with self._write() as connection:
            Writer(connection).trust(model, beside, factor, chunks)

    def switch(self, entries: Iterable[Entry], identity: Identity) -> Written:
        """Puts chunks and vectors of another model, analyzer or chunker in place of all that there are.

        One transaction: whoever reads sees all old or all new. Documents stay the versions that they are, so that
        who serves the former chunks can go on. ``entries`` is read while no other can write: let it read
        ``changes_since(0)`` only then, and cheaply: embed before, and ``keep`` the vectors.

        Raises:
            Busy: a document of the record is missing from the entries, since it was written after they were read.
        """
        made: list[str] = []
        with self._write() as connection:
            writer = Writer(connection)
            writer.claim(identity, force=True)
            writer.advance()
            for some in batches(entries):
                made += writer.remake([make(entry, identity) for entry in some])
            if connection.scalar(sa.select(sa.func.count()).select_from(t.documents)) != len(set(made)):
                raise Busy("Documents were written while chunks and vectors were made again: run `rag build` again.")
            writer.sweep()
            writer.save()
            return Written(writer.sequence, replaced=tuple(made))

    def sweep(self) -> int:
        """Deletes vectors that no chunk has, and gives free space back to the system; how many vectors went."""
        with self._write() as connection:
            writer = Writer(connection)
            swept = writer.sweep()
            writer.save()
        with t.errors(self.path), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            pages, free = (driver.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
            if free > 0.2 * pages:
                driver.execute("VACUUM")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return swept

    def checkpoint(self) -> None:
        """Brings all that is in the log into the file itself."""
        with t.errors(self.path), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # Inside

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with t.errors(self.path), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        if not self._writing.acquire(timeout=self._wait):
            raise Busy(f"Another write to {self.path} is going on: try again in a moment.")
        try:
            with (
                t.errors(self.path),
                self._engine.connect().execution_options(immediate=True) as connection,
                connection.begin(),
            ):
                yield connection
        finally:
            self._writing.release()

    def _cache(self, texts: Mapping[int, str]) -> None:
        with self._caching:
            for key, text in texts.items():
                if key not in self._texts:
                    self._texts[key] = text
                    self._cached += len(text)
            while self._cached > _CACHED:
                self._cached -= len(self._texts.popitem(last=False)[1])
