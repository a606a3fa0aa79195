"""The index that is searched: a generation, a tail in memory for what was written after it, and masks for what is gone.

The record is the truth. A query compares its sequence number with the record's and replays what is new, so all
processes on one host agree after a write. Queries hold an unchanging snapshot and wait for no writer but for the
replay of a write that was answered.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from rag.errors import Damaged
from rag.index import generation
from rag.index.generation import Manifest
from rag.index.lexical import Segment
from rag.index.part import Part, merge, tidy
from rag.index.snapshot import Row, Snapshot, Stale
from rag.library import Changes, Entry, Identity, Library, Stored, Written
from rag.record.rows import make, mismatch
from rag.reprints import SKETCH, Sketches, sketch
from rag.types import Chunk, Document, IndexStats

__all__ = ["LiveIndex", "Row", "Snapshot", "Stale"]

_BLOCK = 512  # chunks analysed at a time; their terms take some 50 MB
_LONG = 4096  # chunks in the tail from which on a generation is written

log = logging.getLogger(__name__)


class LiveIndex:
    """The index over a record. All methods may be called from many threads.

    Where another process has built the record anew with another model, analyzer or chunker, queries go on with what
    was there before, less what is removed or replaced from then on; writing is refused.

    ``degraded`` says what was found damaged at the start, or that the record has been built anew; else it is None.
    """

    def __init__(
        self, library: Library, vectors: Path, identity: Identity, terms: Callable[[Chunk], Sequence[str]]
    ) -> None:
        """Use ``open``."""
        self.library = library
        self.identity = identity
        self.degraded: str | None = None
        self.pause: Callable[[], None] | None = None  # called between pieces of long work
        self._vectors = vectors
        self._terms = terms
        self._replaying = threading.Lock()
        self._prepared: dict[bytes, tuple[Segment, Sketches]] = {}  # of documents being written, by digest
        self._snapshot = Snapshot(library, 0, (), (), "")
        self._manifest: Manifest | None = None  # of the generation that the first part of the snapshot is
        self._folding: threading.Thread | None = None
        self._before: Snapshot | None = None  # the last of this identity, where the record has another now

    @classmethod
    def open(
        cls, library: Library, vectors: Path, identity: Identity, terms: Callable[[Chunk], Sequence[str]]
    ) -> "LiveIndex":
        """Loads the current generation and replays what was written after it.

        Where the generation is damaged the one before is taken, and without any the index is made again from the
        record; both are logged, and a new generation is written.

        Args:
            library: the record.
            vectors: the folder that generations lie in.
            identity: what chunks, vectors and terms are made with now.
            terms: the terms of a chunk for the lexical index.

        Raises:
            IndexMismatch: the record was made with something else.
            Damaged: the record itself is damaged.
        """
        live = cls(library, vectors, identity, terms)
        recorded = library.identity()
        if recorded is not None and recorded != identity:
            raise mismatch(recorded, identity)
        if not live._load():
            log.warning("The index is written again from the record. %s", live.degraded or "")
            try:
                live.write_generation(force=True)
            except OSError as error:
                log.error("The index could not be written to %s: %s", vectors, error)
        live._check()
        return live

    def close(self) -> None:
        """Waits for a generation that is being written."""
        folding = self._folding
        if folding is not None:
            folding.join()

    def snapshot(self) -> Snapshot:
        """The index as it is now: everything answered by any process before this call shows in it.

        Where another process has built the record anew, only what has been removed or replaced shows.
        """
        if self.library.sequence() != self._snapshot.sequence:
            with self._replaying:
                if self.library.sequence() != self._snapshot.sequence:
                    self._replay(self._before or self._snapshot, self._manifest)
        return self._snapshot

    def put(
        self,
        entries: Iterable[Entry],
        *,
        replace: bool = True,
        force: bool = False,
        remember: bool = False,
        over: Mapping[str, Document] | None = None,
    ) -> Written:
        """``Library.put``, searchable when it returns. Another process's next query waits for what was put."""
        entries = list(entries)
        made = [(make(entry, self.identity).digest, entry) for entry in entries]
        for number, (digest, entry) in enumerate(made):  # before the write, so that queries do not wait for it
            if number and self.pause:
                self.pause()
            self._prepared[digest] = self._analysed([entry])
        try:
            written = self.library.put(
                entries, self.identity, replace=replace, force=force, remember=remember, over=over
            )
            self.snapshot()
        finally:
            for digest, _ in made:
                self._prepared.pop(digest, None)
        return written

    def remove(self, ids: Iterable[str], *, remember: bool = False, origin: str | None = None) -> Written:
        """``Library.remove``; no search finds the documents when it returns."""
        written = self.library.remove(ids, remember=remember, origin=origin)
        self.snapshot()
        return written

    def stats(self) -> IndexStats:
        """What is being served; ``generation`` and ``since`` are empty as long as none was written."""
        snapshot, manifest = self.snapshot(), self._manifest
        return IndexStats(
            generation=snapshot.generation,
            documents=snapshot.documents,
            chunks=snapshot.chunks,
            model=self.identity.model,
            dimension=self.identity.dimension,
            bytes=self.library.bytes() + (manifest.bytes if manifest else 0),
            since=manifest.created if manifest else "",
        )

    def write_generation(self, *, force: bool = False) -> str:
        """Writes what the index holds as a new generation and goes on from it; gives its name.

        Args:
            force: write even where the current generation, if it is whole, holds just that.

        Raises:
            OSError: the disk is full or cannot be written; what was served goes on being served.
            IndexMismatch: another process has built the record anew with something else.
        """
        with generation.lock(self._vectors):
            snapshot = self.snapshot()
            self._check()
            manifest = None if force else self._newer(snapshot.sequence - 1)
            if manifest is None:
                manifest = self._write(snapshot)
            if self._manifest is None or self._manifest.name != manifest.name:
                first = self._open(manifest)
                with self._replaying:
                    self._replay(first, manifest)
            generation.prune(self._vectors)
        return manifest.name

    def _write(self, snapshot: Snapshot) -> Manifest:
        return generation.write(
            self._vectors,
            merge(snapshot.parts, snapshot.masks) if snapshot.parts else Part.empty(self.identity.dimension),
            record=self.library.record,
            sequence=snapshot.sequence,
            identity=self.identity,
        )

    def _load(self) -> bool:
        """Starts from the newest generation that is whole and fits the record; False where a new one is needed."""
        whole = True
        for manifest in self._candidates():
            if manifest is None:
                whole = False
                continue
            try:
                self._replay(self._open(manifest), manifest)
                return whole
            except Damaged as error:
                self.degraded = str(error)
                whole = False
        self._replay(self._snapshot, None)
        return whole

    def _candidates(self) -> Iterator[Manifest | None]:
        """The current generation, then earlier ones; None in place of a current one that cannot be used."""
        name = None
        try:
            manifest = generation.current(self._vectors)
        except Damaged as error:
            self.degraded = str(error)
            yield None
        else:
            if manifest is None:
                return
            name = manifest.name
            if self._fits(manifest):
                yield manifest
            else:
                log.warning("Generation %s was made from another state of the record, or by another version", name)
                yield None
        yield from (m for m in generation.earlier(self._vectors) if m.name != name and self._fits(m))

    def _fits(self, manifest: Manifest) -> bool:
        same = manifest.record == self.library.record and manifest.identity == self.identity
        return same and manifest.sketch == SKETCH and manifest.sequence <= self.library.sequence()

    def _newer(self, sequence: int) -> Manifest | None:
        """The current generation where it fits and stands after ``sequence``."""
        with suppress(Damaged):
            manifest = generation.current(self._vectors)
            if manifest is not None and manifest.sequence > sequence and self._fits(manifest):
                return manifest
        return None

    def _open(self, manifest: Manifest) -> Snapshot:
        part = generation.load(self._vectors, manifest)
        return Snapshot(self.library, manifest.sequence, (part,), (None,), manifest.name)

    def _replay(self, base: Snapshot, manifest: Manifest | None) -> None:
        """Brings ``base`` up to the record and serves it; ``manifest`` is of the generation it begins with."""
        with self.library.changes_since(base.sequence) as changes:
            if changes.identity is not None and changes.identity != self.identity:
                return self._stand(base, changes)
            if changes.chunks > _LONG and (newer := self._newer(base.sequence)):
                try:
                    first = self._open(newer)
                except Damaged as error:
                    log.warning("%s", error)
                else:
                    return self._replay(first, newer)
            parts, masks = list(base.parts), base.without(changes.removed)
            for block in _blocks(changes):
                prepared = [self._prepared.get(stored.digest) for stored in block]
                if any(prepared):
                    made = [each or self._analysed([s]) for each, s in zip(prepared, block, strict=True)]
                else:  # written by another process: all at once takes two thirds of the time
                    made = [self._analysed(block)]
                sketches = np.concatenate([some for _, some in made])
                parts.append(Part.build(block, [terms for terms, _ in made], self.identity.dimension, sketches))
                masks.append(None)
                tidy(parts, masks, 0 if manifest is None else 1)
            self._manifest = manifest
            self._snapshot = Snapshot(self.library, changes.sequence, parts, masks, base.generation)
            if self._before is not None:
                self._before = self.degraded = None
        generated = len(parts[0]) if manifest is not None else 0
        if self._snapshot.rows - generated > max(_LONG, generated // 2):
            self._fold()

    def _stand(self, base: Snapshot, changes: Changes) -> None:
        """Serves on what there was before the record was built anew, less what is gone since."""
        assert changes.identity is not None
        said = (
            f"The record was built anew with {changes.identity.model}, {changes.identity.analyzer}, "
            f"{changes.identity.chunker}. This process serves what was there before, and takes no documents: "
            "start it again with the same as the build."
        )
        if self.degraded != said:
            self.degraded = said
            log.warning("%s", said)
        self._before = base
        masks = base.without(changes.removed)
        self._snapshot = Snapshot(self.library, changes.sequence, base.parts, masks, base.generation)

    def _check(self) -> None:
        if self._before is not None and (recorded := self.library.identity()) is not None:
            raise mismatch(recorded, self.identity)

    def _analysed(self, some: Sequence[Entry | Stored]) -> tuple[Segment, Sketches]:
        terms = (self._terms(chunk) for each in some for chunk in each.chunks)
        return Segment.build(terms), sketch([each.document.text for each in some])

    def _fold(self) -> None:
        """Writes a generation in a thread of its own, unless one is being written."""
        if self._folding is None or not self._folding.is_alive():
            self._folding = threading.Thread(target=self._fold_now, name="rag-generation")
            self._folding.start()

    def _fold_now(self) -> None:
        try:
            self.write_generation()
        except Exception:  # nothing waits for it: what is served goes on, the next long tail tries again
            log.exception("The index could not be written to %s", self._vectors)


def _blocks(changes: Changes) -> Iterator[list[Stored]]:
    block: list[Stored] = []
    size = 0
    for stored in changes:
        if stored.chunks:
            block.append(stored)
            size += len(stored.chunks)
        if size >= _BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block
