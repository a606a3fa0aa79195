"""Questions in other words than they were asked in: words left out, mistyped, cut short, exchanged for like ones."""

import random
from collections.abc import Sequence

import numpy as np
import rjieba
from numpy.typing import NDArray

from rag.answer.rarity import Weight
from rag.answer.signs import names
from rag.embed import StaticEmbedder
from rag.text import fold
from training.near_misses import content

ALIKE = 0.45  # cosine from which two words are of like meaning


class Neighbours:
    """Words of like meaning, by the rows of an embedder."""

    def __init__(self, embedder: StaticEmbedder) -> None:
        vocabulary = embedder.tokenizer.get_vocab()
        self.words = [w for w in sorted(vocabulary, key=vocabulary.__getitem__) if len(w) > 1 and "一" <= w[0] <= "鿿"]
        rows = embedder.meanings(self.words)
        self._rows: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-6)
        self._at = {word: i for i, word in enumerate(self.words)}
        self._found: dict[str, list[str]] = {}

    def of(self, word: str) -> list[str]:
        """At most eight other words, the nearest first, none much longer or shorter."""
        if word not in self._at:
            return []
        if word not in self._found:
            cosines = self._rows @ self._rows[self._at[word]]
            best = np.argsort(-cosines)[1:9]
            self._found[word] = [
                self.words[i] for i in best if cosines[i] > ALIKE and abs(len(self.words[i]) - len(word)) < 2
            ]
        return self._found[word]


def blurred(text: str, near: Neighbours, rng: random.Random, dropped: float, exchanged: float) -> str:
    """The text without a share ``dropped`` of its words, and a share ``exchanged`` for words of like meaning.

    Names are not exchanged, here as in `mistyped`: another name makes another question.
    """
    kept, named = [], names(fold(text))
    for word in rjieba.cut(text):
        drawn = rng.random()
        if drawn < dropped:
            continue
        if drawn < dropped + exchanged and fold(word) not in named and (like := near.of(fold(word))):
            word = rng.choice(like)
        kept.append(word)
    return "".join(kept)


def mistyped(question: str, near: Neighbours, rng: random.Random, weight: Weight) -> str | None:
    """The question with one of its words, most often a rare one, in another form; None where it has none.

    The word is left out, mistyped, or exchanged for one of like meaning; a name is left out or stays.
    """
    words = sorted(set(content(question)), key=lambda word: -weight(fold(word)))
    if not words:
        return None
    word = words[0] if rng.random() < 0.4 else rng.choice(words)
    named = fold(word) in names(fold(question))
    ways: list[Sequence[str]] = [[""]]
    if not named:
        ways.append(near.of(fold(word)))
        ways.append([word[:i] + word[i + 1 :] for i in range(len(word))])
        ways.append([word[:i] + rng.choice(near.words)[0] + word[i + 1 :] for i in range(len(word))])
    forms = rng.choice([way for way in ways if way])
    return question.replace(word, rng.choice(forms))
