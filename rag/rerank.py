"""A second, closer look at the passages found first: how near does the best sentence of each come to the question?

The vector of a chunk is a mean of all that it says, and a question asks for one thing. Sentences are embedded when they
are looked at, so that an index holds no more than a vector a chunk; for that the embedder must be as fast as reading.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rag.embed import Embed
from rag.text import sentences
from rag.types import Hit

LOOKED_AT = 8  # hits; the sentences of more take longer than all the rest of a search


def rerank(hits: Sequence[Hit], query: NDArray[np.float32], embed: Embed, weight: float) -> list[Hit]:
    """Hits, best first; the first ``LOOKED_AT`` with ``weight`` times their best sentence's cosine in their score.

    Nothing is taken off a score, so that the others stay behind them. Ties go by chunk id.
    """
    looked, others = hits[:LOOKED_AT], hits[LOOKED_AT:]
    gains = weight * nearest([hit.text for hit in looked], query, embed)
    better = [replace(hit, score=hit.score + float(gain)) for hit, gain in zip(looked, gains, strict=True)]
    return [*sorted(better, key=lambda hit: (-hit.score, hit.chunk_id)), *others]


def nearest(texts: Sequence[str], query: NDArray[np.float32], embed: Embed) -> NDArray[np.float32]:
    """The cosine of the query, float32 ``(d,)``, with each text's best sentence, or 0: float32 ``(len(texts),)``."""
    parts = [[text[a:b] for a, b in sentences(text)] or [text] for text in texts]
    if not parts:
        return np.zeros(0, np.float32)
    cosines = embed([part for some in parts for part in some]) @ query
    starts = np.cumsum([0, *map(len, parts[:-1])])
    return np.maximum(np.maximum.reduceat(cosines, starts), 0, dtype=np.float32)
