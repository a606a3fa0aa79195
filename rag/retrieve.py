"""From a question to passages: lexical and dense scores fused, the best chunks as passages to read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.embed import Embed
from rag.index.sketches import among
from rag.index.snapshot import Row, Snapshot
from rag.reprints import SAME, holds, similarity
from rag.rerank import LOOKED_AT, rerank
from rag.types import Document, Filter, Hit

DENSE_WEIGHT = 1.0  # measured: docs/benchmarks.md, «fusion»
CLOSE = 0.7  # share of it that a chunk's best sentence has, where sentences are looked at
LONG = 400.0  # sum of idf from which on a query, of some hundred terms, holds more than any passage could
DEPTH = 8  # chunks looked at for each passage wanted: some lie in better ones, some are copies

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, and the documents they stand in by id.

    ``copies`` has, for those that were reprinted, the texts of the reprints by id: other documents, of one source with
    it, each of which may lack a part.
    """

    hits: tuple[Hit, ...]
    documents: Mapping[str, Document]
    copies: Mapping[str, Mapping[str, str]]


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
    by chunk id. A passage is left out where a reprint of its document is among the better ones and holds it too. Raises
    Stale where a document was replaced meanwhile: take a new snapshot and ask again.
    """
    lexical, dense = snapshot.lexical(terms), snapshot.dense(vector)
    whole = weight * (1 - CLOSE) if embed else weight
    wanted = max(top_k, LOOKED_AT) if embed else top_k
    rarity = snapshot.idf(terms)
    fused = fuse(lexical, dense, float(rarity.sum()), whole)
    allowed = snapshot.allowed(filter)
    fused[~allowed] = -np.inf
    best = _best(fused, max(DEPTH * top_k, 4 * wanted))
    rows = sorted((snapshot.row(int(number)) for number in best), key=lambda r: (-fused[r.number], r.chunk_id))
    texts = snapshot.texts({row.document.key for row in rows})
    hits: list[Hit] = []
    documents: dict[str, Document] = {}
    numbers: dict[str, int] = {}  # a row of each document, by id
    reprints = _reprints(snapshot, rows, texts)
    for row in rows:
        d, text = row.document, texts[row.document.key]
        if len(hits) == wanted:
            break
        if any(h.document_id == d.id and _inside(row.start, row.end, h) for h in hits):
            continue
        if not any(id in documents and holds(other, text[row.start : row.end]) for id, other in reprints[d.id]):
            numbers[d.id] = row.number
            documents[d.id] = Document(d.id, text, d.title, d.source, d.url, d.published)
            scores = (float(fused[row.number]), float(dense[row.number]), float(lexical[row.number]))
            about = (d.title, d.source, d.url, d.published)
            hits.append(Hit(row.chunk_id, d.id, *about, text[row.start : row.end], row.start, row.end, *scores))
    if embed:
        asked = dict(zip(terms, rarity.tolist(), strict=True))
        hits = rerank(hits, vector, asked, embed, weight * CLOSE)[:top_k]
        documents = {hit.document_id: documents[hit.document_id] for hit in hits}
    return Found(tuple(hits), documents, _copies(snapshot, documents, [numbers[id] for id in documents], allowed))


def _reprints(snapshot: Snapshot, rows: Sequence[Row], texts: Mapping[int, str]) -> dict[str, list[tuple[str, str]]]:
    """By id, for each document that has a row, ids and texts of its reprints that have one."""
    found: dict[str, list[tuple[str, str]]] = {row.document.id: [] for row in rows}
    one = list({row.document.id: row for row in rows}.values())
    for number, others in among(snapshot.sketches(row.number for row in one)).items():
        a = one[number].document
        for b in (one[other].document for other in others):
            if similarity(texts[a.key], texts[b.key]) >= SAME:
                found[a.id].append((b.id, texts[b.key]))
                found[b.id].append((a.id, texts[a.key]))
    return found


def _copies(
    snapshot: Snapshot, documents: Mapping[str, Document], numbers: Sequence[int], allowed: NDArray[np.bool_]
) -> dict[str, dict[str, str]]:
    """``Found.copies`` of the documents, each with the number of a row, among those with rows in ``allowed``."""
    near = snapshot.near(snapshot.sketches(numbers), allowed)
    others = [[s for s in some if s.id != id] for id, some in zip(documents, near, strict=True)]
    texts = snapshot.texts({s.key for some in others for s in some})
    copies = {
        document.id: {s.id: texts[s.key] for s in some if similarity(document.text, texts[s.key]) >= SAME}
        for document, some in zip(documents.values(), others, strict=True)
    }
    return {id: some for id, some in copies.items() if some}


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
