"""The whole of it behind one class: a folder with the record and its index, that is written to and asked."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from rag import embed, ingest
from rag.analyze import ANALYZER, analyze, query_terms
from rag.answer.consider import Tools
from rag.answer.rarity import rarity
from rag.answer.reader import Reader
from rag.answer.reader import load as load_reader
from rag.answer.reply import reply
from rag.answer.scorer import load as load_scorer
from rag.chunk import CHUNKER, chunk
from rag.convert import convert
from rag.duplicates import Copy, duplicates
from rag.embed import Embedder, StaticEmbedder
from rag.errors import InvalidInput, NotFound, RagError
from rag.index.live import LiveIndex, Stale
from rag.library import FILE, Entry, Identity, Library
from rag.memo import Memo
from rag.question import Single, single, understand
from rag.retrieve import DENSE_WEIGHT, Found, retrieve
from rag.trust import Trust
from rag.types import Answer, Chunk, Document, Filter, Hit, IndexStats, Turn

BATCH = 256  # documents that are embedded and stored together: what a killed build has to do again
Progress = Callable[[int, int], None]  # documents done, of how many
MEANINGS, SENTENCES = 16_384, 4096  # vectors kept of texts met before: some 16 and 24 MB

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """A seed that could not be taken, and why."""

    id: str
    detail: str


@dataclass(frozen=True, slots=True)
class AddReport:
    """Ids of documents that were added or replaced, and of those that were there already."""

    added: list[str]
    unchanged: list[str]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did, by id."""

    added: list[str]
    unchanged: list[str]
    removed: list[str]
    refused: list[Refused]


class Engine:
    """All methods block and may be called from many threads."""

    def __init__(
        self, library: Library, index: LiveIndex, embedder: Embedder, shipped: StaticEmbedder, threshold: float | None
    ) -> None:
        """Use ``open``. The answer stage was trained with the ``shipped`` model, whatever model finds the passages."""
        self._library = library
        self._index = index
        self._embedder = embedder
        self._trust = Trust(index, embedder, shipped, indexed)
        self._vectors = Memo(shipped.meanings, MEANINGS)
        # Another model's sentences would take longer to embed than the question may wait.
        self._sentences = Memo(embedder.passages, SENTENCES) if isinstance(embedder, StaticEmbedder) else None
        self._scorer = load_scorer()
        reader = Reader(load_reader(), shipped.tokenizer, rarity)
        self._tools = Tools(reader, rarity, self._vectors)
        self._threshold = float(self._scorer.threshold) if threshold is None else threshold

    @classmethod
    def open(
        cls,
        vectors: Path,
        *,
        model: str | None = None,
        embedding: embed.Options | None = None,
        threshold: float | None = None,
        rebuild: bool = False,
    ) -> "Engine":
        """Open the folder ``vectors``, empty or with what was written there before.

        Args:
            model: path or hub id of an embedding model; the shipped one by default.
            embedding: how the model embeds; as it says itself by default.
            threshold: confidence from which a question is answered; as calibrated by default.
            rebuild: where another model, analyzer or chunker made the record, make chunks and vectors again.

        Raises:
            IndexMismatch: something else made the record, and ``rebuild`` is False.
            InvalidInput: the model cannot be loaded, or not with these options.
            Damaged, Busy: see ``Library.open``.
        """
        shipped = StaticEmbedder(embed.SHIPPED)
        embedder = shipped if model is None and (embedding or embed.Options()).plain else embed.load(model, embedding)
        identity = Identity(embedder.name, embedder.dimension, ANALYZER, CHUNKER)
        library = Library.open(vectors / FILE)
        try:
            recorded = library.identity()
            if rebuild and recorded is not None and recorded != identity:
                convert(library, identity, lambda some: _entries(some, library, embedder))
            index = LiveIndex.open(library, vectors, identity, _terms)
            engine = cls(library, index, embedder, shipped, threshold)
            engine._trust.update()
        except BaseException:
            library.close()
            raise
        return engine

    def close(self) -> None:
        """Wait for what is being written and let the files go."""
        self._index.close()
        self._library.close()

    # Writing

    def build(self, seeds: Path, *, full: bool = False, progress: Progress | None = None) -> BuildReport:
        """Bring the index up to the files in ``seeds``: new and changed ones in, those whose file is gone out.

        Only what changed is embedded; with ``full`` everything is, documents that came otherwise too. A file that
        cannot be read is reported and leaves what was there. Raises InvalidInput where ``seeds`` is no folder.
        """
        if not seeds.is_dir():
            raise InvalidInput(f"There is no folder {seeds}: make it and put documents into it, or name another.")
        paths = list(ingest.walk(seeds))
        report = BuildReport([], [], [], [])
        deleted = self._library.deleted_seeds()
        seen: set[str] = set()
        done = 0
        for some in _batches(paths):
            documents = []
            for path in some:
                try:
                    document = ingest.read(path, seeds)
                except RagError as error:
                    id = ingest.seed_id(path.relative_to(seeds).as_posix())
                    report.refused.append(Refused(id, str(error)))
                    seen.add(id)
                    continue
                seen.add(document.id)
                if deleted.get(document.id) != _sha256(document.text):
                    documents.append(document)
            self._put(documents, report.added, report.unchanged, full=full)
            done += len(some)
            if progress:
                progress(done, len(paths))
        gone = [id for id in self._ids("seed") if id not in seen]
        if gone:
            self._index.remove(gone)
            report.removed.extend(gone)
        if full:
            others = list(self._ids("api"))
            for ids in _batches(others):
                self._put([self.document(id) for id in ids], report.added, report.unchanged, full=True)
        self._trust.update(again=full)
        self._index.write_generation()
        return report

    def add(self, documents: Sequence[Document], *, progress: Progress | None = None) -> AddReport:
        """Store documents; durable and searchable when this returns. One whose id is taken replaces what was there."""
        report = AddReport([], [])
        done = 0
        for some in _batches(documents):
            self._put(some, report.added, report.unchanged)
            done += len(some)
            if progress:
                progress(done, len(documents))
        self._trust.update()
        return report

    def _put(
        self, documents: Sequence[Document], added: list[str], unchanged: list[str], *, full: bool = False
    ) -> None:
        present = {} if full else self._library.find(document.id for document in documents)
        new = []
        for document in documents:
            if (old := present.get(document.id)) and _same(old, document):
                unchanged.append(document.id)
            else:
                new.append(document)
        if new:
            written = self._index.put(_entries(new, self._library, self._embedder, again=full), force=full)
            added += [*written.added, *written.replaced]

    def _ids(self, origin: str) -> Iterator[str]:
        after: int | None = 0
        while after is not None:
            page, after = self._library.list(after, 1000, origin)
            yield from (document.id for document in page)

    # Reading

    def search(self, query: str, *, top_k: int = 5, filter: Filter | None = None) -> list[Hit]:
        """The ``top_k`` best passages for a query, best first; no answer is made."""
        return list(self._find(single(query, self._known), top_k, filter).hits)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Turn] = (),
        top_k: int = 5,
        filter: Filter | None = None,
        threshold: float | None = None,
    ) -> Answer:
        """The answer that the documents give, drawn from ``top_k`` passages, or the statement that they give none.

        ``threshold`` stands in for the engine's where it is given: 0 gives the best answer, however unsure it is.
        """
        began = time.perf_counter()
        query = understand(question, history, self._similarity, self._known)
        found = [self._find(part, top_k, filter) for part in query.parts]
        retrieved = time.perf_counter()
        limit = self._threshold if threshold is None else threshold
        answer = reply(query, found, self._scorer, self._tools, threshold=limit)
        ended = time.perf_counter()
        timings = {"retrieve": retrieved - began, "answer": ended - retrieved, "total": ended - began}
        return replace(answer, timings_ms={name: round(1000 * seconds, 2) for name, seconds in timings.items()})

    def duplicates(self) -> list[tuple[Copy, ...]]:
        """Groups of documents that hold one text, reprints of each other, which count as one source."""
        while True:
            try:
                return duplicates(self._index.snapshot())
            except Stale:
                continue

    def document(self, id: str) -> Document:
        """The document with its stored text. Raises NotFound."""
        document = self._library.get(id)
        if document is None:
            raise NotFound(f"There is no document {id!r}; GET /documents lists those there are.")
        return document

    def documents(self, *, cursor: str | None = None, limit: int = 50) -> tuple[list[Document], str | None]:
        """One page of the documents, without texts, and the cursor of the next. Raises InvalidInput for a wrong one."""
        if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
            raise InvalidInput(f"The cursor {cursor!r} is none that a listing gave; leave it out to begin anew.")
        page, after = self._library.list(int(cursor or 0), limit)
        return list(page), None if after is None else str(after)

    def stats(self) -> IndexStats:
        """What is being served."""
        return self._index.stats()

    @property
    def degraded(self) -> str | None:
        """What was found damaged when the index was opened; None where nothing was."""
        return self._index.degraded

    def _known(self, word: str) -> bool:
        """Whether a document holds the word."""
        snapshot = self._index.snapshot()
        return bool(snapshot.idf([word])[0] < np.log1p((snapshot.chunks + 0.5) / 0.5) - 1e-9)

    def _similarity(self, a: str, b: str) -> float:
        left, right = self._vectors([a, b])
        return float(left @ right)

    def _find(self, question: Single, top_k: int, filter: Filter | None) -> Found:
        terms, vector = query_terms(question.words), self._embedder.queries([question.text])[0]
        while True:
            snapshot = self._index.snapshot()
            weight = DENSE_WEIGHT * self._trust.factor(snapshot.sequence)
            try:
                return retrieve(
                    snapshot, terms, vector, top_k=top_k, filter=filter, weight=weight, embed=self._sentences
                )
            except Stale:  # a document was replaced meanwhile, by a write that has ended: the next snapshot shows it
                continue


def _entries(
    documents: Sequence[Document], library: Library, embedder: Embedder, *, again: bool = False
) -> list[Entry]:
    """Documents with chunks and vectors; what the record has a vector for is not embedded, unless ``again``."""
    chunks = [chunk(document) for document in documents]
    inputs = [[indexed(c) for c in some] for some in chunks]
    wanted = list(dict.fromkeys(text for some in inputs for text in some))
    known = {} if again else library.known(wanted, embedder.name)
    missing = [text for text in wanted if text not in known]
    known |= dict(zip(missing, embedder.passages(missing), strict=True))
    empty = np.zeros((0, embedder.dimension), np.float32)
    return [
        Entry(document, some, texts, np.stack([known[text] for text in texts]) if texts else empty)
        for document, some, texts in zip(documents, chunks, inputs, strict=True)
    ]


def indexed(part: Chunk) -> str:
    """What of a chunk is embedded and analysed: the headings that it stands under, and itself."""
    return f"{part.context}\n{part.text}" if part.context else part.text


def _terms(part: Chunk) -> list[str]:
    return analyze(indexed(part))


def _same(old: Document, new: Document) -> bool:
    fields = ("title", "source", "url", "published", "origin")
    same = all(getattr(old, name) == getattr(new, name) for name in fields) and dict(old.metadata) == dict(new.metadata)
    return same and old.sha256 == _sha256(new.text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while some := list(islice(iterator, BATCH)):
        yield some
