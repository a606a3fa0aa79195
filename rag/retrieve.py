"""From a question to passages: lexical and dense scores fused, the best chunks as passages to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.embed import Embed
from rag.index.snapshot import Snapshot
from rag.rerank import LOOKED_AT, rerank
from rag.types import Document, Filter, Hit

DENSE_WEIGHT = 1.0  # measured: docs/benchmarks.md, «fusion»
CLOSE = 0.7  # share of it that a chunk's best sentence has, where sentences are looked at
LONG = 400.0  # sum of idf from which on a query, of some hundred terms, holds more than any passage could
DEPTH = 8  # chunks looked at for each passage wanted: some lie in better ones, some are copies

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, the documents they stand in by id, and for each of these the others of the same text.

    ``sequence`` is the record's number that was searched, ``versions`` holds the keys of all that is told of.
    """

    hits: tuple[Hit, ...]
    documents: Mapping[str, Document]
    copies: Mapping[str, tuple[str, ...]]
    sequence: int = 0
    versions: frozenset[int] = frozenset()


def retrieve(
    snapshot: Snapshot,
    terms: Sequence[str],
    vector: NDArray[np.float32],
    *,
    top_k: int,
    filter: Filter | None = None,
    weight: float = DENSE_WEIGHT,
    embed: Embed | None = None,
) -> Found:
    """The ``top_k`` best passages for the query ``terms`` and the query's ``vector``, float32 (d,).

    With ``embed``, which gives the vectors of sentences, the first are looked at more closely (``rag.rerank``). Ties go
    by chunk id. Raises Stale where a document was replaced meanwhile: take a new snapshot and ask again.
    """
    lexical, dense = snapshot.lexical(terms), snapshot.dense(vector)
    whole = weight * (1 - CLOSE) if embed else weight
    wanted = max(top_k, LOOKED_AT) if embed else top_k
    rarity = snapshot.idf(terms)
    fused = fuse(lexical, dense, float(rarity.sum()), whole)
    fused[~snapshot.allowed(filter)] = -np.inf
    best = _best(fused, max(DEPTH * top_k, 4 * wanted))
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
        elif len(hits) < wanted and not any(h.document_id == d.id and _inside(row.start, row.end, h) for h in hits):
            documents[d.id] = Document(d.id, text, d.title, d.source, d.url, d.published)
            scores = (float(fused[row.number]), float(dense[row.number]), float(lexical[row.number]))
            about = (d.title, d.source, d.url, d.published)
            hits.append(Hit(row.chunk_id, d.id, *about, text[row.start : row.end], row.start, row.end, *scores))
    if embed:
        asked = dict(zip(terms, rarity.tolist(), strict=True))
        hits = rerank(hits, vector, asked, embed, weight * CLOSE)[:top_k]
        documents = {hit.document_id: documents[hit.document_id] for hit in hits}
    named = {id: tuple(sorted(copies[id])) for id in documents if id in copies}
    told = {*documents, *(id for ids in named.values() for id in ids)}
    versions = frozenset(row.document.key for row in rows if row.document.id in told)
    return Found(tuple(hits), documents, named, snapshot.sequence, versions)


def fuse(lexical: Scores, dense: Scores, ceiling: float, weight: float = DENSE_WEIGHT) -> Scores:
    """The fused score of each chunk, float32 (n,): ``lexical / ceiling + weight * dense``.

    ``lexical`` is BM25, float32 (n,), and ``ceiling`` the sum of its query terms' idf, at most ``LONG``, so that the
    first part is about the share of the question that a chunk holds; ``dense`` is a cosine, float32 (n,). Both scales
    are the same for a corpus of any size, which a rank or a z-score is not.
    """
    return np.asarray(lexical / min(max(ceiling, 1e-6), LONG) + weight * dense, dtype=np.float32)


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
