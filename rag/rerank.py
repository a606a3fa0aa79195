"""A second, closer look at the passages found first: how near does the best sentence of each come to the question?

The vector of a chunk is a mean of all that it says, and its words may stand far apart; a question asks for one thing.
Sentences are embedded when they are looked at, so that an index holds no more than a vector a chunk; for that the
embedder must be as fast as reading.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rag.embed import Embed
from rag.text import fold, sentences
from rag.types import Hit

LOOKED_AT = 8  # hits; the sentences of more take longer than all the rest of a search
SHARE = 0.6  # what all of the question's words in one sentence count beside a cosine of 1: docs/benchmarks.md, «fusion»
_LATIN = re.compile(r"[a-z0-9]+")


def rerank(
    hits: Sequence[Hit], query: NDArray[np.float32], terms: Mapping[str, float], embed: Embed, weight: float
) -> list[Hit]:
    """Hits, best first; the first ``LOOKED_AT`` with ``weight`` times the nearness of their best sentences added.

    That is the greatest cosine with the query plus ``SHARE`` times the greatest share of its ``terms``, by their idf.
    Nothing is taken off a score, so that the others stay behind them. Ties go by chunk id.
    """
    looked, others = hits[:LOOKED_AT], hits[LOOKED_AT:]
    parts = split([hit.text for hit in looked])
    gains = weight * (nearest(parts, query, embed) + SHARE * covered(parts, terms))
    better = [replace(hit, score=hit.score + float(gain)) for hit, gain in zip(looked, gains, strict=True)]
    return [*sorted(better, key=lambda hit: (-hit.score, hit.chunk_id)), *others]


def split(passages: Sequence[str]) -> list[list[str]]:
    """The sentences of each passage; at least one."""
    return [[text[a:b] for a, b in sentences(text)] or [text] for text in passages]


def nearest(passages: Sequence[Sequence[str]], query: NDArray[np.float32], embed: Embed) -> NDArray[np.float32]:
    """The cosine of the query, float32 ``(d,)``, with each passage's best sentence, or 0: float32 ``(n,)``."""
    if not passages:
        return np.zeros(0, np.float32)
    cosines = embed([sentence for some in passages for sentence in some]) @ query
    starts = np.cumsum([0, *map(len, passages[:-1])])
    return np.maximum(np.maximum.reduceat(cosines, starts), 0, dtype=np.float32)


def covered(passages: Sequence[Sequence[str]], terms: Mapping[str, float]) -> NDArray[np.float32]:
    """The share of the terms, by their weights, that the best sentence of each passage holds: float32 ``(n,)``."""
    whole = max(sum(terms.values()), 1e-6)
    latin = {term: weight for term, weight in terms.items() if term.isascii()}
    other = [(term, weight) for term, weight in terms.items() if not term.isascii()]

    def share(sentence: str) -> float:
        folded = fold(sentence)
        held = sum(weight for term, weight in other if term in folded)
        words = set(_LATIN.findall(folded)) if latin else set()
        return (held + sum(latin.get(word, 0.0) for word in words)) / whole

    return np.array([max(map(share, some)) for some in passages], dtype=np.float32)
