"""Vectors of sentences and words that were met before: the same few stand in many answers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.embed import StaticEmbedder

LIMIT = 16384  # texts that are kept: some 16 MB of vectors


class Memo:
    """Gives ``embedder.meanings`` and computes each text's once. Safe to use from many threads."""

    def __init__(self, embedder: StaticEmbedder, limit: int = LIMIT) -> None:
        self._embedder = embedder
        self._limit = limit
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 ``(len(texts), d)``."""
        known = self._known  # taken once: another thread may begin a new one
        found = {text: known[text] for text in texts if text in known}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found.update(zip(missing, self._embedder.meanings(missing), strict=True))
            if len(known) + len(missing) > self._limit:
                self._known = known = {}
            known.update((text, found[text]) for text in missing)
        return np.stack([found[text] for text in texts]) if texts else self._embedder.meanings([])
