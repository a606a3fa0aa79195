"""Reading the record: what was written after a sequence number, every row checked against its hash."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import sqlalchemy as sa

from rag.record import tables as t
from rag.record.rows import Identity, Stored, damaged, layout_hash, read, vector_hash
from rag.types import Chunk

T = TypeVar("T")

BATCH = 500  # parameters of one statement
_BLOCK = 64  # documents read at a time


class Changes:
    """What was written after a sequence number, all seen at one moment. See ``Library.changes_since``."""

    def __init__(self, connection: sa.Connection, since: int) -> None:
        """Reads all but the documents themselves."""
        c = t.documents.c
        row = connection.execute(sa.select(t.state)).one()
        self.sequence: int = row.sequence
        self.record: str = row.record
        self.identity = identity(row)
        query = sa.select(t.removed.c.key).where(t.removed.c.sequence > since).order_by(t.removed.c.key)
        self.removed: list[int] = list(connection.scalars(query))
        """Keys of the versions that were replaced or removed, ascending; some may never have been seen."""
        newer = sa.select(sa.func.min(c.key), sa.func.coalesce(sa.func.sum(c.chunks), 0)).where(c.sequence > since)
        self._first: int | None
        self._first, self.chunks = connection.execute(newer).one()
        self._connection = connection

    def __iter__(self) -> Iterator[Stored]:
        """The versions that were written and are there still, by ascending key, a few in memory at a time.

        Raises:
            Damaged: a row is not what was stored.
        """
        key = self._first
        while key is not None:
            # Keys ascend with sequence numbers, so all from the first newer one on are newer.
            query = sa.select(t.documents).where(t.documents.c.key >= key).order_by(t.documents.c.key).limit(_BLOCK)
            rows = self._connection.execute(query).all()
            key = rows[-1].key + 1 if len(rows) == _BLOCK else None
            yield from _stored(self._connection, rows)


def identity(row: Any) -> Identity | None:
    """What a row of ``state`` says the record was made with."""
    return None if row.model is None else Identity(row.model, row.dimension, row.analyzer, row.chunker)


def vectors(connection: sa.Connection, inputs: Iterable[bytes]) -> dict[bytes, tuple[int, np.ndarray | None]]:
    """Key and vector, float32 ``(dimension,)``, of those inputs that there are; None for a damaged vector."""
    c = t.vectors.c
    found: dict[bytes, tuple[int, np.ndarray | None]] = {}
    for some in batches(inputs):
        for row in connection.execute(sa.select(t.vectors).where(c.input.in_(some))):
            whole = vector_hash(row.input, row.vector) == row.sha256
            found[row.input] = row.key, np.frombuffer(row.vector, "<f4") if whole else None
    return found


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Lists of ``size`` items; the last may be shorter."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def _stored(connection: sa.Connection, rows: Sequence[Any]) -> Iterator[Stored]:
    by_document: dict[int, list[Any]] = defaultdict(list)
    query = sa.select(t.chunks, t.vectors.c.input, t.vectors.c.sha256, t.vectors.c.vector.label("bytes"))
    query = query.join_from(t.chunks, t.vectors).where(t.chunks.c.document.in_([row.key for row in rows]))
    for chunk in connection.execute(query.order_by(t.chunks.c.document, t.chunks.c.ordinal)):
        by_document[chunk.document].append(chunk)
    for row in rows:
        own = by_document.pop(row.key, [])
        chunks = tuple(Chunk(c.id, row.id, c.start, c.end, row.text[c.start : c.end], c.context) for c in own)
        if layout_hash(chunks, [c.input for c in own]) != row.layout:
            raise damaged(row.id, "chunks")
        if any(vector_hash(c.input, c.bytes) != c.sha256 for c in own):
            raise damaged(row.id, "vectors")
        matrix = np.frombuffer(b"".join(c.bytes for c in own), "<f4").reshape(len(own), -1 if own else 0)
        yield Stored(row.key, row.digest, read(row, row.text), chunks, matrix)
