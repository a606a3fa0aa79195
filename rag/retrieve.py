"""From a question to passages: lexical and dense scores fused, the best chunks as passages to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.index.snapshot import Snapshot
from rag.types import Document, Filter, Hit

DENSE_WEIGHT = 1.0  # measured: docs/benchmarks.md, «fusion»
DEPTH = 8  # chunks looked at for each passage wanted: some lie in better ones, some are copies

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, the documents they stand in by id, and for each of these the others of the same text."""

    hits: tuple[Hit, ...]
    documents: Mapping[str, Document]
    copies: Mapping[str, tuple[str, ...]]


def retrieve(
    snapshot: Snapshot,
    terms: Sequence[str],
    vector: NDArray[np.float32],
    *,
    top_k: int,
    filter: Filter | None = None,
    weight: float = DENSE_WEIGHT,
) -> Found:
    """The ``top_k`` best passages for the query ``terms`` and the query's ``vector``, float32 (d,).

    Ties go by chunk id. Raises Stale where a document was replaced meanwhile: take a new snapshot and ask again.
    """
    lexical, dense = snapshot.lexical(terms), snapshot.dense(vector)
    fused = fuse(lexical, dense, float(snapshot.idf(terms).sum()), weight)
    fused[~snapshot.allowed(filter)] = -np.inf
    best = _best(fused, DEPTH * top_k)
    rows = sorted((snapshot.row(int(number)) for number in best), key=lambda r: (-fused[r.number], r.chunk_id))
    texts = snapshot.texts({row.document.key for row in rows})
    hits: list[Hit] = []
    documents: dict[str, Document] = {}
    firsts: dict[str, str] = {}  # text to the id of the document that is shown for it
    copies: dict[str, set[str]] = {}
    for row in rows:
        d, text = row.document, texts[row.document.key]
        if firsts.setdefault(text, d.id) != d.id:
            copies.setdefault(firsts[text], set()).add(d.id)
        elif len(hits) < top_k and not any(h.document_id == d.id and _inside(row.start, row.end, h) for h in hits):
            documents[d.id] = Document(d.id, text, d.title, d.source, d.url, d.published)
            scores = (float(fused[row.number]), float(dense[row.number]), float(lexical[row.number]))
            about = (d.title, d.source, d.url, d.published)
            hits.append(Hit(row.chunk_id, d.id, *about, text[row.start : row.end], row.start, row.end, *scores))
    return Found(tuple(hits), documents, {id: tuple(sorted(others)) for id, others in copies.items()})


def fuse(lexical: Scores, dense: Scores, ceiling: float, weight: float = DENSE_WEIGHT) -> Scores:
    """The fused score of each chunk, float32 (n,): ``lexical / ceiling + weight * dense``.

    ``lexical`` is BM25, float32 (n,), and ``ceiling`` the sum of its query terms' idf, so that the first part is about
    the share of the question that a chunk holds; ``dense`` is a cosine, float32 (n,). Both scales are the same for a
    corpus of any size, which a rank or a z-score is not.
    """
    return np.asarray(lexical / max(ceiling, 1e-6) + weight * dense, dtype=np.float32)


def _best(scores: Scores, count: int) -> NDArray[np.intp]:
    """The rows of the ``count`` greatest scores and of more that tie with the last; rows at minus infinity never."""
    if len(scores) <= count:
        return np.flatnonzero(np.isfinite(scores))
    last = np.partition(scores, len(scores) - count)[len(scores) - count]
    better, ties = np.flatnonzero(scores > last), np.flatnonzero((scores == last) & np.isfinite(scores))
    return np.concatenate([better, ties[: 2 * count - len(better)]])


def _inside(start: int, end: int, hit: Hit) -> bool:
    """Whether most of ``[start, end)`` lies in the passage."""
    return 2 * (min(end, hit.end) - max(start, hit.start)) > end - start
