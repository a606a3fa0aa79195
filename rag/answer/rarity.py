"""How rare a term is in Chinese text at large and how it is used, counted once by ``training/rarity.py``."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.index.lexical import hash_terms

WEIGHTS = Path(__file__).with_name("rarity.npz")
Weight = Callable[[str], float]  # how rare a folded term is in Chinese text at large, 0..1


@lru_cache(maxsize=65536)
def rarity(term: str) -> float:
    """Of a folded term: 0 (in every passage) to 1 (never seen)."""
    terms, levels, _ = _table()
    key = keys_of([term])[0]
    at = int(np.searchsorted(terms, key))
    return float(levels[at]) / 255 if at < len(terms) and terms[at] == key else 1.0


@lru_cache(maxsize=8192)
def common(word: str) -> bool:
    """Whether a folded word that the tagger's dictionary takes for a name is used like any noun: 东西, 城市, 荣誉."""
    return int(keys_of([word])[0]) in _table()[2]


def keys_of(terms: Sequence[str]) -> NDArray[np.uint32]:
    """What the table knows terms by, the upper half of their hashes: uint32 (terms,), in order."""
    return (hash_terms(terms) >> np.uint64(32)).astype(np.uint32)


@lru_cache(maxsize=1)
def _table() -> tuple[NDArray[np.uint32], NDArray[np.uint8], frozenset[int]]:
    """Keys of terms, ascending, and their idf, 255 the rarest; keys of words that are no names."""
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return stored["terms"], stored["levels"], frozenset(stored["common"].tolist())
