"""Writing to the record, within a transaction that holds its write lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from rag.errors import Conflict
from rag.record import tables as t
from rag.record.changes import batches, identity, vectors
from rag.record.rows import Identity, Row, document_hash, mismatch, vector_hash
from rag.types import Document


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did, as ids in the order given, and the sequence number of the record after it."""

    sequence: int
    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Writer:
    """One transaction's writes. All that change what is served stand under one sequence number."""

    def __init__(self, connection: sa.Connection) -> None:
        """The connection's transaction must have begun with the write lock."""
        self._connection = connection
        self._state = connection.execute(sa.select(t.state)).one()
        self._next_document: int = self._state.next_document
        self._next_vector: int = self._state.next_vector
        self._advanced = False

    @property
    def sequence(self) -> int:
        """The record's sequence number, this transaction's where it has written."""
        return int(self._state.sequence) + self._advanced

    def claim(self, wanted: Identity, *, force: bool = False) -> None:
        """Notes what is written with; raises IndexMismatch where it is not what was written with before."""
        recorded = identity(self._state)
        if recorded is not None and recorded != wanted and not force:
            raise mismatch(recorded, wanted)
        if recorded != wanted:
            values = {name: getattr(wanted, name) for name in ("model", "dimension", "analyzer", "chunker")}
            self._connection.execute(sa.update(t.state).values(values))

    def advance(self) -> None:
        """Goes on to the next sequence number, once."""
        self._advanced = True

    def put(
        self, rows: Sequence[Row], *, replace: bool, force: bool, remember: bool, over: Mapping[str, Document] | None
    ) -> Written:
        """See ``Library.put``; no two rows have one id."""
        old = self._find([row.document.id for row in rows])
        if over is not None:
            rows = [row for row in rows if _is(old.get(row.document.id), over[row.document.id])]
        kept = {} if remember else self._kept([row.document.id for row in rows if row.document.origin == "seed"])
        rows = [row for row in rows if row.document.id not in kept or kept[row.document.id] != row.document.sha256]
        given = {row.document.id: row.digest for row in rows}
        same = set() if force else {i for i, digest in given.items() if i in old and old[i].digest == digest}
        fresh = [row for row in rows if row.document.id not in same]
        gone = [old[row.document.id] for row in fresh if row.document.id in old]
        if gone and not replace:
            raise Conflict(
                f"The id {gone[0].id!r} is taken by another document: choose another id, or replace that document."
            )
        if fresh:
            self.advance()
            freed = self._delete(gone)
            self._insert(fresh, {row.id: row.position for row in gone})
            self._free(freed)
            files = {row.document.id for row in fresh if row.document.origin == "seed"} if not remember else set()
            self._forget(files)
            self._remember([row for row in gone if row.id not in files])
            self.save()
        return Written(
            self.sequence,
            added=tuple(row.document.id for row in fresh if row.document.id not in old),
            replaced=tuple(row.id for row in gone),
            unchanged=tuple(row.document.id for row in rows if row.document.id in same),
        )

    def remake(self, rows: Sequence[Row]) -> list[str]:
        """Puts other chunks and vectors under versions of documents that stay what they are; gives their ids.

        Keys and sequence numbers stay, so whoever serves the former chunks still reads the texts that they are of.
        A row whose document is not there with the same content is passed over.
        """
        old = self._find([row.document.id for row in rows])
        same = [(old[row.document.id].key, row) for row in rows if _is(old.get(row.document.id), row.document)]
        for some in batches(key for key, _ in same):
            self._connection.execute(sa.delete(t.chunks).where(t.chunks.c.document.in_(some)))
        self._insert_chunks(same)
        values = [
            {"version": key, "chunks": len(row.chunks), "layout": row.layout, "digest": row.digest} for key, row in same
        ]
        if values:
            columns: dict[str, Any] = {name: sa.bindparam(name) for name in ("chunks", "layout", "digest")}
            update = sa.update(t.documents).where(t.documents.c.key == sa.bindparam("version"))
            self._connection.execute(update.values(columns), values)
        return [row.document.id for _, row in same]

    def remove(self, ids: Sequence[str], *, remember: bool, origin: str | None) -> Written:
        """See ``Library.remove``."""
        old = self._find(ids)
        gone = [old[i] for i in ids if i in old and origin in (None, old[i].origin)]
        if gone:
            self.advance()
            self._free(self._delete(gone))
            if remember:
                self._remember(gone)
            else:
                self._forget(row.id for row in gone)
            self.save()
        return Written(self.sequence, removed=tuple(row.id for row in gone))

    def vectors(self, wanted: Mapping[bytes, np.ndarray]) -> dict[bytes, int]:
        """Stores the vectors that are not there, or damaged, and gives the keys of all."""
        found = vectors(self._connection, wanted)
        keys = {key: number for key, (number, _) in found.items()}
        rows, broken = [], []
        for key, vector in wanted.items():
            data = vector.tobytes()
            if key not in keys:
                keys[key] = self._next_vector
                self._next_vector += 1
                rows.append({"key": keys[key], "input": key, "sha256": vector_hash(key, data), "vector": data})
            elif found[key][1] is None or found[key][1].tobytes() != data:  # type: ignore[union-attr]
                broken.append({"number": keys[key], "sha256": vector_hash(key, data), "vector": data})
        if rows:
            self._connection.execute(sa.insert(t.vectors), rows)
        if broken:
            mend = sa.update(t.vectors).where(t.vectors.c.key == sa.bindparam("number"))
            self._connection.execute(mend.values(sha256=sa.bindparam("sha256"), vector=sa.bindparam("vector")), broken)
        return keys

    def trust(self, model: str, beside: str, factor: float, chunks: int) -> None:
        """See ``Library.keep_trust``."""
        c = t.trust.c
        self.advance()
        self._connection.execute(sa.delete(t.trust).where(c.model == model, c.beside == beside))
        row = {"model": model, "beside": beside, "factor": factor, "chunks": chunks}
        self._connection.execute(sa.insert(t.trust), row)
        self.save()

    def sweep(self) -> int:
        """Deletes the vectors that no chunk has; how many went."""
        used = sa.select(t.chunks.c.vector)
        return self._connection.execute(sa.delete(t.vectors).where(t.vectors.c.key.not_in(used))).rowcount

    def _kept(self, ids: Iterable[str]) -> dict[str, str]:
        """Of those seeds that a user changed or deleted, the SHA-256 of the text in their files then."""
        c = t.deleted_seeds.c
        rows = (self._connection.execute(sa.select(c.id, c.sha256).where(c.id.in_(some))) for some in batches(ids))
        return {row.id: row.sha256 for some in rows for row in some}

    def _remember(self, gone: Sequence[Any]) -> None:
        """Notes of seeds what their files hold, so that a build leaves them alone until that changes."""
        seeds = {row.id: row.sha256 for row in gone if row.origin == "seed"}
        before = self._kept(seeds)  # corrected before: the text is the file's still
        rows = [{"id": id, "sha256": sha256} for id, sha256 in seeds.items() if id not in before]
        if rows:
            self._connection.execute(sa.insert(t.deleted_seeds), rows)

    def _forget(self, ids: Iterable[str]) -> None:
        for some in batches(ids):
            self._connection.execute(sa.delete(t.deleted_seeds).where(t.deleted_seeds.c.id.in_(some)))

    def _find(self, ids: Iterable[str]) -> dict[str, Any]:
        c = t.documents.c
        columns = sa.select(c.key, c.id, c.position, c.layout, c.digest, c.origin, c.sha256)
        rows = (self._connection.execute(columns.where(c.id.in_(some))).all() for some in batches(ids))
        return {row.id: row for some in rows for row in some}

    def save(self) -> None:
        """Notes the sequence number and the keys given out; the last thing that a transaction does."""
        values = {
            "sequence": self.sequence,
            "next_document": self._next_document,
            "next_vector": self._next_vector,
        }
        self._connection.execute(sa.update(t.state).values(values))

    def _insert(self, rows: Sequence[Row], places: Mapping[str, int]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        documents, keyed = [], []
        for row in rows:
            d, key = row.document, self._next_document
            keyed.append((key, row))
            self._next_document += 1
            documents.append(
                {
                    "key": key,
                    "id": d.id,
                    "position": places.get(d.id, key),
                    "sequence": self.sequence,
                    "title": d.title,
                    "source": d.source,
                    "url": d.url,
                    "published": d.published,
                    "metadata": row.metadata,
                    "origin": d.origin,
                    "sha256": d.sha256,
                    "chunks": d.chunks,
                    "added": d.added or now,
                    "layout": row.layout,
                    "digest": row.digest,
                    "text": d.text,
                }
            )
        self._connection.execute(sa.insert(t.documents), documents)
        self._insert_chunks(keyed)

    def _insert_chunks(self, keyed: Sequence[tuple[int, Row]]) -> None:
        """Chunks and vectors of rows, each with its document's key."""
        inputs = (zip(row.inputs, row.vectors, strict=True) for _, row in keyed)
        keys = self.vectors({input: vector for pairs in inputs for input, vector in pairs})
        chunks = [
            {
                "document": key,
                "ordinal": ordinal,
                "id": chunk.id,
                "start": chunk.start,
                "end": chunk.end,
                "context": chunk.context,
                "vector": keys[vector],
            }
            for key, row in keyed
            for ordinal, (chunk, vector) in enumerate(zip(row.chunks, row.inputs, strict=True))
        ]
        if chunks:
            self._connection.execute(sa.insert(t.chunks), chunks)

    def _delete(self, gone: Sequence[Any]) -> set[int]:
        """Deletes versions of documents with their chunks; gives the keys of the vectors that they had."""
        freed: set[int] = set()
        for some in batches(gone):
            keys = [row.key for row in some]
            freed.update(self._connection.scalars(sa.select(t.chunks.c.vector).where(t.chunks.c.document.in_(keys))))
            self._connection.execute(sa.delete(t.chunks).where(t.chunks.c.document.in_(keys)))
            self._connection.execute(sa.delete(t.documents).where(t.documents.c.key.in_(keys)))
            rows = [{"key": row.key, "id": row.id, "sequence": self.sequence} for row in some]
            self._connection.execute(sa.insert(t.removed), rows)
        return freed

    def _free(self, freed: Iterable[int]) -> None:
        """Deletes those of the vectors that no chunk has any more."""
        used = sa.exists().where(t.chunks.c.vector == t.vectors.c.key)
        for some in batches(freed):
            self._connection.execute(sa.delete(t.vectors).where(t.vectors.c.key.in_(some), ~used))


def _is(row: Any, document: Document) -> bool:
    """Whether a row found holds just that document."""
    return row is not None and document_hash(document, row.layout) == row.digest
