"""How near a unit comes to a question: in meaning, word by word, in the distance between what it shares and asks."""

import math
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rag.answer.units import Unit

Embed = Callable[[Sequence[str]], NDArray[np.float32]]  # texts to unit vectors, float32 (n, d)


def cosines(question: str, candidates: Sequence[Unit], embed: Embed) -> tuple[list[float], list[float]]:
    """Of the question with each unit, and with each unit and its neighbours."""
    texts = dict.fromkeys(text for u in candidates for text in (u.text, u.before, u.after))
    number = {text: i for i, text in enumerate(texts)}
    vectors = embed([question, *texts])
    asked, vectors = vectors[0], vectors[1:]
    alone = [float(vectors[number[u.text]] @ asked) for u in candidates]
    together = [vectors[number[u.before]] + vectors[number[u.text]] + vectors[number[u.after]] for u in candidates]
    return alone, [float(v @ asked / max(1e-6, np.linalg.norm(v))) for v in together]


def soft_shares(
    words: frozenset[str], weights: Mapping[str, float], found: Sequence[frozenset[str]], embed: Embed
) -> tuple[list[float], list[float]]:
    """For each set of words how near its words come to the question's, weighted; and the worst of these misses."""
    asked, known = sorted(words), sorted(set().union(*found)) if found else []
    rarity = np.array([weights[w] for w in asked], np.float32)
    if not known or not rarity.sum():
        return [0.0] * len(found), [float(rarity.max(initial=0.0))] * len(found)
    vectors = embed([*asked, *known])
    near = (vectors[: len(asked)] @ vectors[len(asked) :].T).clip(0, 1)
    number = {word: i for i, word in enumerate(known)}
    for i, word in enumerate(asked):
        if word in number:
            near[i, number[word]] = 1.0  # also where the model does not know it
    best = [near[:, [number[w] for w in some]].max(1) if some else np.zeros(len(asked), np.float32) for some in found]
    return [float(b @ rarity / rarity.sum()) for b in best], [float(((1 - b) * rarity).max()) for b in best]


def nearness(text: str, spots: Sequence[int], pairs: frozenset[str], weights: Mapping[str, float]) -> float:
    """How much of the question stands close to one spot: the sum of weights that fade with distance over 12."""
    total = sum(weights[p] for p in pairs)
    if not spots or not total:
        return 0.0
    places = [(weights[p], [m.start() for m in re.finditer(re.escape(p), text)]) for p in pairs if p in text]
    near = (sum(w * math.exp(-min(abs(s - at) for at in found) / 12) for w, found in places) for s in spots)
    return max(near) / total


def longest_common(a: str, b: str) -> int:
    """Length of the longest common substring."""
    best = 0
    for i in range(len(a)):
        while i + best < len(a) and a[i : i + best + 1] in b:
            best += 1
    return best
