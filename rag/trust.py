"""How much another model's cosines may weigh beside the shipped one's, measured on the corpus itself, without labels.

A sentence is taken out of each of some hundred chunks and looked for among what is left of them, with both models.
How often it finds its own rest says how good a model is on these texts; how far the cosines of the others spread says
on what scale they are. The measured weight of the fusion (``rag.retrieve``) is multiplied by both ratios. So a model as
good as the shipped one weighs as much as it, whatever its scale; a poor one next to nothing, and lexical search alone
decides. Nothing depends on the question: a good model finds what shares no word with it.
"""

import logging
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rag.embed import Embedder
from rag.errors import RagError
from rag.index.live import LiveIndex, Stale
from rag.index.snapshot import Snapshot
from rag.text import clauses, sentences
from rag.types import Chunk

PAIRS = 96  # with their lengths a bound on the cost: about that of embedding fifty chunks
QUERY, REST = 80, 160  # characters at most, of a sentence and of what surrounds it
GROWN = 2  # times the chunks that there were: measured again
_SHORT = 10  # characters; what is shorter is not looked for
_UNPROVEN = 2.0  # sentences that a model is taken to have missed besides: with few chunks, little is proven
_POOR, _GOOD = 0.2, 0.9  # quality beside the shipped model's up to which a model has no weight, from which all
_FLAT, _SCALE = 1e-4, 50.0  # spread below which cosines are all the same; how far they are stretched at most
_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying by it loses nothing

log = logging.getLogger(__name__)


class Trust:
    """The factor of one model over one record. All methods may be called from many threads.

    It is kept in the record, where other processes find it, and measured again as the corpus grows.
    """

    def __init__(self, index: LiveIndex, embedder: Embedder, shipped: Embedder, shown: Callable[[Chunk], str]) -> None:
        """``shown`` gives what of a chunk is embedded."""
        self._index = index
        self._embedder = embedder
        self._shipped = shipped
        self._shown = shown
        self._full = embedder.name == shipped.name
        self._read: tuple[int, float] = (-1, 0.0)  # sequence number of the record, the factor at it
        self._measuring = threading.Lock()

    def factor(self, sequence: int) -> float:
        """What to multiply the fusion's weight by, at this sequence number of the record: 1 for the shipped model.

        0 for another that was not measured yet. Quick: the record is asked once after each write.
        """
        if self._full:
            return 1.0
        seen, factor = self._read
        if seen != sequence:
            factor = self._stored()[0]
            self._read = (sequence, factor)
        return factor

    def update(self, *, again: bool = False) -> None:
        """Measures where that was not done, where the corpus has doubled since, or ``again``.

        A record that cannot be written to just now keeps what it has; the next write tries again.
        """
        if self._full:
            return
        with self._measuring:
            chunks = self._index.snapshot().chunks
            if chunks and (again or chunks >= GROWN * self._stored()[1]):
                factor = self._measured()
                try:
                    self._index.library.keep_trust(self._embedder.name, self._shipped.name, factor, chunks)
                except RagError as error:
                    log.warning("How far %s is trusted could not be kept: %s", self._embedder.name, error)

    def _stored(self) -> tuple[float, int]:
        """Factor and the number of chunks that it was measured over; zeros where there is none that can be used."""
        factor, chunks = self._index.library.trust(self._embedder.name, self._shipped.name) or (0.0, 0)
        return (factor, chunks) if 0 <= factor <= _SCALE else (0.0, 0)

    def _measured(self) -> float:
        while True:
            try:
                chunks = _sample(self._index.snapshot())
                break
            except Stale:  # a document was replaced meanwhile
                continue
        pairs = _pairs(chunks, self._shown)
        cosines = [_cosines(model, pairs) for model in (self._embedder, self._shipped)]
        quality, scale = _quality(*cosines), _scale(*cosines)
        share = min(max((quality - _POOR) / (_GOOD - _POOR), 0.0), 1.0) ** 2
        level = logging.WARNING if share < 0.5 and 2 * len(pairs) > PAIRS else logging.INFO
        said = "The model %s finds %.2f times what the shipped one finds in this corpus (%d tries): it weighs %.0f%%."
        log.log(level, said, self._embedder.name, quality, len(pairs), 100 * share)
        return share * scale


def _sample(snapshot: Snapshot) -> list[Chunk]:
    """Chunks to draw pairs from, the same for the same documents: one of each document, then a second of each, …"""
    hashes = [np.repeat(p.hashes, np.diff(p.firsts)) for p in snapshot.parts]
    ordinals = [np.arange(len(p)) - np.repeat(p.firsts[:-1], np.diff(p.firsts)) for p in snapshot.parts]
    rows = np.flatnonzero(snapshot.live)
    owners = np.concatenate(hashes)[rows]
    mixed = (owners + np.concatenate(ordinals)[rows].astype(np.uint64)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    order = np.lexsort((mixed, owners))
    begins = np.flatnonzero(np.diff(owners[order], prepend=owners[order][:1] ^ np.uint64(1)))
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(begins, np.diff(begins, append=len(rows)))
    chosen = [snapshot.row(int(row)) for row in rows[np.lexsort((mixed, rank))][: 2 * PAIRS]]
    texts = snapshot.texts({row.document.key for row in chosen})
    return [
        Chunk(r.chunk_id, r.document.id, r.start, r.end, texts[r.document.key][r.start : r.end], r.context)
        for r in chosen
    ]


def _pairs(chunks: Sequence[Chunk], shown: Callable[[Chunk], str]) -> list[tuple[str, str]]:
    """At most ``PAIRS`` sentences, each with what surrounds it; no sentence and no rest twice."""
    pairs: dict[str, str] = {}
    for chunk in chunks:
        if (span := _taken_out(chunk.text)) and len(pairs) < PAIRS:
            before, after = chunk.text[: span[0]].rstrip(), chunk.text[span[1] :].lstrip()
            kept = max(REST // 2, REST - len(after))
            around = before[-kept:] + after[: max(REST - len(before), REST - kept)]
            rest = shown(replace(chunk, text=around))
            if rest not in pairs.values():
                pairs.setdefault(chunk.text[slice(*span)][:QUERY], rest)
    return list(pairs.items())


def _taken_out(text: str) -> tuple[int, int] | None:
    """A sentence of several, else a clause of several, else None; a short enough one where there is one."""
    for cut in (sentences, clauses):
        spans = [span for span in cut(text, 0, len(text)) if span[1] - span[0] >= _SHORT]
        if len(spans) > 1:
            spans = [span for span in spans if span[1] - span[0] <= QUERY] or spans
            return spans[crc32(text.encode("utf-8", "surrogatepass")) % len(spans)]
    return None


def _cosines(model: Embedder, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Of each sentence with each rest, float64 (n, n): its own on the diagonal."""
    queries, passages = model.queries([q for q, _ in pairs]), model.passages([p for _, p in pairs])
    return np.asarray(queries, np.float64) @ np.asarray(passages, np.float64).T


def _quality(model: NDArray[np.float64], shipped: NDArray[np.float64]) -> float:
    """What a model finds beside the shipped one: 1 for as much, 0 for as much as by chance."""
    found, wanted = (max(_found(cosines), 0.0) for cosines in (model, shipped))
    return found / (wanted + _UNPROVEN)


def _found(cosines: NDArray[np.float64]) -> float:
    """The sum of reciprocal ranks of the own rests, ties counted against them, less what chance would give."""
    ranks = np.count_nonzero(cosines >= np.diagonal(cosines)[:, None], axis=1)
    return float((1 / ranks).sum() - (1 / np.arange(1, len(cosines) + 1)).sum())


def _scale(model: NDArray[np.float64], shipped: NDArray[np.float64]) -> float:
    """How many times as far the shipped model's cosines of one sentence with other rests spread as the model's."""
    spread, wanted = _spread(model), _spread(shipped)
    return min(wanted / spread, _SCALE) if spread > _FLAT else 0.0


def _spread(cosines: NDArray[np.float64]) -> float:
    """The standard deviation of a sentence's cosines with the rests that are not its own, over all sentences."""
    n = len(cosines)
    if n < 3:
        return 0.0
    others = cosines[~np.eye(n, dtype=np.bool_)].reshape(n, n - 1)
    return math.sqrt(float(others.var(axis=1).mean()))
