"""Vectors of sentences and words that were met before: the same few stand in many passages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.embed import Embed


class Memo:
    """Gives what ``embed`` gives, float32 ``(n, d)``, and computes each text's once. Safe to use from many threads."""

    def __init__(self, embed: Embed, limit: int) -> None:
        """Keep the vectors of ``limit`` texts."""
        self._embed = embed
        self._limit = limit
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 ``(len(texts), d)``."""
        known = self._known  # taken once: another thread may begin a new one
        found = {text: known[text] for text in texts if text in known}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found.update(zip(missing, self._embed(missing), strict=True))
            if len(known) + len(missing) > self._limit:
                self._known = known = {}
            known.update((text, found[text]) for text in missing)
        return np.stack([found[text] for text in texts]) if texts else self._embed([])
