"""The whole of it behind one class: a folder with the record and its index, that is written to and asked."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag import embed
from rag.analyze import ANALYZER, analyze, query_terms
from rag.answering.answerer import Looked, answer_question
from rag.answering.calibration import Calibration, load_calibration
from rag.answering.candidate_windows import is_on_topic
from rag.answering.passage_ranking import RERANKED, rank_passages
from rag.answering.reader import SHIPPED as SHIPPED_READER
from rag.answering.reader import Reader
from rag.chunk import CHUNKER
from rag.convert import convert
from rag.courtesies import strip_courtesies
from rag.duplicates import Copy, duplicates
from rag.embed import Embedder, StaticEmbedder
from rag.entries import Entries, indexed
from rag.errors import InvalidInput, NotFound
from rag.generation.llm_answer import Draft, Written
from rag.index.live import LiveIndex, Stale
from rag.intake import Intake
from rag.library import FILE, Identity, Library
from rag.memo import Memo
from rag.question import Single, single, understand
from rag.retrieve import DENSE_WEIGHT, Found, retrieve
from rag.suggest import Suggested
from rag.trust import Trust
from rag.types import Answer, Chunk, Citation, Document, Filter, Hit, IndexStats, Suggestion, Turn
from rag.verify import Checker

MEANINGS, SENTENCES = 16_384, 4096  # vectors kept of texts met before: some 16 and 24 MB


class Engine(Intake):
    """All methods block and may be called from many threads. What changes the documents is in ``rag.intake``."""

    def __init__(
        self,
        index: LiveIndex,
        vectors: Path,
        embedder: Embedder,
        shipped: StaticEmbedder,
        threshold: float | None,
        reader: Path | None = None,
    ) -> None:
        """Use ``open``. ``shipped`` is the embedder that comes along, whatever model finds the passages."""
        super().__init__(index, embedder, Trust(index, embedder, shipped, indexed), vectors)
        self._vectors = Memo(shipped.meanings, MEANINGS)
        # Another model's sentences would take longer to embed than the question may wait.
        self._sentences = Memo(embedder.passages, SENTENCES) if isinstance(embedder, StaticEmbedder) else None
        folder = reader or SHIPPED_READER
        self._reader = Reader(folder)
        self._calibration = load_calibration(folder)
        self._threshold = self._calibration.threshold if threshold is None else threshold
        self._suggested = Suggested(index.library.texts, self.ask)

    @classmethod
    def open(
        cls,
        vectors: Path,
        *,
        model: str | None = None,
        embedding: embed.Options | None = None,
        threshold: float | None = None,
        reader: Path | None = None,
        rebuild: bool = False,
    ) -> "Engine":
        """Open the folder ``vectors``, empty or with what was written there before.

        Args:
            model: path or hub id of an embedding model; the shipped one by default.
            embedding: how the model embeds; as it says itself by default.
            threshold: confidence from which a question is answered; as calibrated by default.
            reader: folder of the reader; the shipped one by default.
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
                convert(library, identity, Entries(library, embedder).of)
            index = LiveIndex.open(library, vectors, identity, _terms)
            engine = cls(index, vectors, embedder, shipped, threshold, reader)
            engine._trust.update()
        except BaseException:
            library.close()
            raise
        return engine

    def close(self) -> None:
        """Wait for what is being written and let the files go."""
        self._index.close()
        self._library.close()

    # Reading

    def search(self, query: str, *, top_k: int = 5, filter: Filter | None = None, rerank: bool = False) -> list[Hit]:
        """Return the ``top_k`` best passages for a query, best first; no answer is made.

        With ``rerank`` the reader orders the first twenty by the probability that they answer the query.
        """
        asked = single(strip_courtesies(query), self._known)
        while True:
            found = self._find(asked, max(top_k, RERANKED) if rerank else top_k, filter)
            hits = list(found.hits)
            if rerank:
                hits = rank_passages(asked.text, asked.words, hits, found.documents, self._reader, self._calibration)[
                    :top_k
                ]
            if self._standing([found]):
                return hits

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
        while True:
            draft = self.draft(self.look(question, history=history, top_k=top_k, filter=filter), threshold)
            if self.stands(draft):
                return draft.answer

    def look(
        self, question: str, *, history: Sequence[Turn] = (), top_k: int = 5, filter: Filter | None = None
    ) -> Looked:
        """The first half of ``ask``: the question understood, and the passages for it."""
        began = time.perf_counter()
        query = understand(question, history, self._similarity, self._known)
        found = tuple(self._find(part, top_k, filter) for part in query.parts)
        return Looked(query, found, time.perf_counter() - began)

    def on_topic(self, looked: Looked) -> bool:
        """Whether the passages are on the topic of each part of the question, so that it can be asked of a model
        whatever the draft says; not where it asks for more, of which only the draft can tell whether there is any."""
        if looked.query.said or looked.query.small_talk:
            return False
        parts = zip(looked.query.parts, looked.found, strict=True)
        return all(is_on_topic(part.words, own.hits, own.documents) for part, own in parts)

    def draft(self, looked: Looked, threshold: float | None = None) -> Draft:
        """The second half of ``ask``: the answer. Documents may have changed meanwhile, which ``stands`` tells."""
        began = time.perf_counter()
        limit = self._threshold if threshold is None else threshold
        answer = answer_question(looked, self._reader, self._calibration, limit)
        seconds = time.perf_counter() - began
        timings = {"retrieve": looked.seconds, "answer": seconds, "total": looked.seconds + seconds}
        answer = replace(answer, timings_ms={name: round(1000 * each, 2) for name, each in timings.items()})
        return Draft(answer, looked, limit)

    def checker(self, hits: Sequence[Hit]) -> Checker:
        """What holds an answer to the passages ``hits``, numbered from 1."""
        return Checker(hits, self._vectors)

    def finish(self, draft: Draft, written: Written) -> Answer | None:
        """The answer that was written and checked; None where a document of its draft has changed meanwhile."""
        citations = self.cited(draft.looked, written)
        return None if citations is None else written.answer(draft, citations)

    def cited(self, looked: Looked, written: Written) -> tuple[Citation, ...] | None:
        """The citations of what is written so far; None where a document that was found has changed meanwhile."""
        try:
            citations = written.citations(looked)
        except Stale:
            return None
        also = (id for citation in citations for id in citation.also)
        return citations if self._standing(looked.found, also) else None

    def stands(self, draft: Draft) -> bool:
        """Whether the documents of a draft are as they were."""
        also = (id for citation in draft.answer.citations for id in citation.also)
        return self._standing(draft.looked.found, also)

    def duplicates(self) -> list[tuple[Copy, ...]]:
        """Groups of documents that hold one text, reprints of each other, which count as one source."""
        while True:
            try:
                return duplicates(self._index.snapshot())
            except Stale:
                continue

    def suggest(self, limit: int = 6) -> list[Suggestion]:
        """At most ``limit`` questions that the documents answer; the same as long as no document changes.

        Those of a larger ``limit`` begin with those of a smaller one.
        """
        while True:
            snapshot = self._index.snapshot()
            found = self._suggested.first(snapshot, limit)
            now, named = self._library.sequence(), [each.document_id for each in found]
            if now == snapshot.sequence or self._library.unchanged(named, snapshot.sequence):
                return found

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
    def reader(self) -> Reader:
        """What reads the windows of passages."""
        return self._reader

    @property
    def calibration(self) -> Calibration:
        """How confidences are made of the reader's judgments, and what was measured when that was fitted."""
        return self._calibration

    @property
    def threshold(self) -> float:
        """The confidence from which a question is answered."""
        return self._threshold

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

    def _standing(self, found: Sequence[Found], also: Iterable[str] = ()) -> bool:
        """Whether all that is told of is there still: what was deleted while a question was answered is not told."""
        now, named = self._library.sequence(), list(also)
        return all(e.sequence == now or self._library.unchanged([*e.documents, *named], e.sequence) for e in found)

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


def _terms(part: Chunk) -> list[str]:
    return analyze(indexed(part))
