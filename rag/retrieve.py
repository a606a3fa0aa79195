"""From a question to passages: lexical and dense scores fused, the best chunks as passages to read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rag.embed import Embed
from rag.index.sketches import Sketches
from rag.index.snapshot import Row, Snapshot
from rag.pages import page_of
from rag.reprints import SAME, holds, similarity
from rag.rerank import LOOKED_AT, rerank
from rag.types import Document, Filter, Hit
from rag.web_urls import keep_web_url

DENSE_WEIGHT = 1.0  # measured: docs/benchmarks.md, «fusion»
CLOSE = 0.7  # share of it that a chunk's best sentence has, where sentences are looked at
LONG = 400.0  # sum of idf from which on a query, of some hundred terms, holds more than any passage could
DEPTH = 8  # chunks looked at for each passage wanted: some lie in better ones, some are copies

Scores = NDArray[np.float32]
Copies = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, and the documents they stand in by id.

    ``copies`` gives, for the id of one of these, the texts of its reprints by id: other documents, of one source with
    it, each of which may lack a part. They are looked up when they are asked for.
    ``sequence`` is the record's number that was searched.
    """

    hits: tuple[Hit, ...]
    documents: Mapping[str, Document]
    copies: Copies
    sequence: int = 0


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
    by chunk id. A passage is left out where better ones, of likely reprints of its document, hold it. Raises Stale
    where a document was replaced meanwhile: take a new snapshot and ask again.
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
    likely = _likely(snapshot, rows)
    for row in rows:
        d, text = row.document, texts[row.document.key]
        if len(hits) == wanted:
            break
        if any(h.document_id == d.id and _inside(row.start, row.end, h) for h in hits):
            continue
        said = "\n".join(hit.text for hit in hits if hit.document_id in likely[d.id])
        if not said or not holds(said, text[row.start : row.end]):
            numbers[d.id] = row.number
            url = keep_web_url(d.url)  # an earlier version took any
            documents[d.id] = Document(d.id, text, d.title, d.source, url, d.published, {"pages": d.pages})
            scores = (float(fused[row.number]), float(dense[row.number]), float(lexical[row.number]))
            about = (d.title, d.source, url, d.published)
            page = page_of(d.pages, row.start)
            hits.append(Hit(row.chunk_id, d.id, *about, text[row.start : row.end], row.start, row.end, *scores, page))
    if embed:
        asked = dict(zip(terms, rarity.tolist(), strict=True))
        hits = rerank(hits, vector, asked, embed, weight * CLOSE)[:top_k]
        documents = {hit.document_id: documents[hit.document_id] for hit in hits}
    return Found(tuple(hits), documents, _copies(snapshot, documents, numbers, allowed), snapshot.sequence)


def _likely(snapshot: Snapshot, rows: Sequence[Row]) -> dict[str, set[str]]:
    """By each document's id, those of the documents with rows that its sketch is like."""
    found: dict[str, set[str]] = {row.document.id: set() for row in rows}
    one = list({row.document.id: row for row in rows}.values())
    for some, others in Sketches.build(snapshot.sketches([row.number for row in one])).pairs():
        for a, b in zip(some.tolist(), others.tolist(), strict=True):
            found[one[a].document.id].add(one[b].document.id)
            found[one[b].document.id].add(one[a].document.id)
    return found


def _copies(
    snapshot: Snapshot, documents: Mapping[str, Document], numbers: Mapping[str, int], allowed: NDArray[np.bool_]
) -> Copies:
    """``Found.copies`` among documents with rows in ``allowed``; ``numbers`` has a row of each document."""

    @cache
    def copies(id: str) -> dict[str, str]:
        (near,) = snapshot.near(snapshot.sketches([numbers[id]]), allowed)
        others = [source for source in near if source.id != id]
        texts = snapshot.left(source.key for source in others)
        said = {source.id: texts[source.key] for source in others if source.key in texts}
        return {other: text for other, text in said.items() if similarity(documents[id].text, text) >= SAME}

    return copies


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
