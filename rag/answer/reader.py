"""The reader: how likely the answer begins at each token of the passages found, in NumPy alone.

Words are rows of a table; each passage is aligned with the question by soft attention and read in both directions by
simple recurrent units (Lei et al. 2018, «Simple Recurrent Units for Highly Parallelizable Recurrence»). All passages
compete with each other and with «nowhere», whose logit is 0. Trained by ``training/reader.py``, which holds the same
network in torch; equal by test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.answer.rarity import Weight
from rag.answer.reading import COVER, KINDS, LEAD, Asked, Passage, ask, encoded, read, traits
from rag.errors import Damaged
from rag.grammar import names_itself
from rag.text import fold

WEIGHTS = Path(__file__).with_name("reader.npz")
WORTH = 0.6  # of the share of the question that the best sentence of all holds; reading takes most of a reply's time
SHORT = 64  # tokens up to which a passage is read in any case
PASSAGES = 2048  # whose tokens are kept: some 8 MB
Floats = NDArray[np.float32]
Weights = dict[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A passage to read: its text, the spans of its sentences in it, its document's title and date."""

    text: str
    title: str
    sentences: Sequence[tuple[int, int]]
    published: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Of one passage: spans of its tokens, int32 (n, 2), and the logits that the answer begins there, float32 (n,)."""

    offsets: NDArray[np.int32]
    logits: Floats

    def odds(self, start: int, end: int) -> float:
        """Log-odds against «nowhere» that the answer begins within the span; -20 where no token lies in it."""
        inside = self.logits[(self.offsets[:, 0] >= start) & (self.offsets[:, 0] < end)]
        return float(np.logaddexp.reduce(inside)) if len(inside) else -20.0


class Reader:
    """Safe to use from several threads."""

    def __init__(self, weights: Weights, tokenizer: Any, weight: Weight) -> None:
        """``weights`` are the arrays of ``reader.npz``; ``tokenizer`` is the one that they were trained with."""
        vocabulary = tokenizer.get_vocab()
        if len(vocabulary) != len(weights["read"]):
            raise Damaged(
                f"The reader knows {len(weights['read'])} tokens, the tokenizer {len(vocabulary)}: "
                "run `make train`, or fetch the files of one version."
            )
        self._weights, self._tokenizer, self._weight = weights, tokenizer, weight
        self._encoded = lru_cache(maxsize=PASSAGES)(partial(encoded, tokenizer))
        self._traits = traits(sorted(vocabulary, key=vocabulary.__getitem__), weight)

    def read(self, question: str, texts: Sequence[Text]) -> list[Reading]:
        """One ``Reading`` for each text; empty where it has no token, or too little of the question to be worth it."""
        asked = ask(question, self._tokenizer, self._weight)
        found = [
            read(asked, t.text, t.title, t.sentences, self._encoded(t.text), self._traits, t.published) for t in texts
        ]
        most = max((_covered(passage) for passage in found if passage is not None), default=0.0)
        found = [p if p is not None and _worth(p, t, most) else None for p, t in zip(found, texts, strict=True)]
        passages = [passage for passage in found if passage is not None]
        scored = iter(logits(self._weights, asked, passages, self._traits[:, 0]) if passages and len(asked.ids) else [])
        empty = Reading(np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
        return [
            empty if passage is None or not len(asked.ids) else Reading(passage.offsets, next(scored))
            for passage in found
        ]


def _worth(passage: Passage, text: Text, most: float) -> bool:
    """Whether to read a passage: it holds enough of the question, or speaks of its title, which may; or it is short."""
    enough = _covered(passage) >= WORTH * most or len(passage.ids) <= SHORT
    return enough or names_itself(fold(text.text), fold(text.title))


def _covered(passage: Passage) -> float:
    return float(passage.features[:, COVER].max())


@lru_cache(maxsize=1)
def load(path: Path = WEIGHTS) -> Weights:
    """The arrays stored at ``path``."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def logits(weights: Weights, asked: Asked, passages: Sequence[Passage], rarity: Floats) -> list[Floats]:
    """For each passage of n tokens, float32 (n,); the question has a token, and each passage."""
    w = weights
    rows, question = np.concatenate([p.ids for p in passages]), asked.ids
    lengths = [len(p.ids) for p in passages]
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    equal = np.concatenate([p.equal for p in passages]).astype(np.float32)
    features = np.concatenate([p.features for p in passages])
    features[:, LEAD] = features[:, COVER] - features[:, COVER].max()

    words = _table(w, "read", question)
    h = _recurrent(w, "question", words, [len(question)]) + w["kind"][KINDS.index(asked.kind)]
    pooled = _softmax((h @ w["pool.w"] + w["pool.b"]).T)[0] @ h

    alike = _table(w, "align", rows) @ _table(w, "align", question).T / np.sqrt(np.float32(h.shape[1]))
    aligned = _softmax(alike + w["exact"] * equal) @ h

    counts = np.array([p.sentence[-1] + 1 for p in passages])
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sentence = np.concatenate([p.sentence + f for p, f in zip(passages, first, strict=True)])
    cosine = np.maximum(_table(w, "match", rows) @ _table(w, "match", question).T, equal)
    met = np.maximum.reduceat(cosine, np.searchsorted(sentence, np.arange(counts.sum())))  # (sentences, m)
    met_all = np.maximum.reduceat(met, first)  # (passages, m)
    share = (np.column_stack([h, rarity[question]]) @ w["share.w"] + w["share.b"])[:, 0]
    _sigmoid(share)
    share /= max(float(share.sum()), 1e-3)
    own = _met(met, share)[sentence]
    whole = np.repeat(_met(met_all, share), lengths, axis=0)

    seen = ((features - w["mean"]) / w["scale"]).clip(-4, 4)
    x = np.concatenate([_table(w, "read", rows), aligned, seen, own, whole], axis=1)
    x = np.maximum(x @ w["in.w"] + w["in.b"] + pooled @ w["in.q"], 0)
    layer = 0
    while f"passage{layer}.w" in w:
        x = _recurrent(w, f"passage{layer}", x, lengths)
        layer += 1
    z = x @ (w["out.w"][:, 0] + (pooled @ w["out.q"] + w["out.qb"]) / np.sqrt(np.float32(x.shape[1]))) + w["out.b"]
    return [z[b : b + n] for b, n in zip(begins, lengths, strict=True)]


def _table(weights: Weights, name: str, ids: NDArray[np.int32]) -> Floats:
    return np.asarray(weights[name][ids], np.float32)


def _met(cosines: Floats, share: Floats) -> Floats:
    """How much of the question is met, the weightiest lack, and the distance to the best: float32 (n, 3)."""
    met = cosines @ share
    return np.stack([met, ((1 - cosines) * share).max(1), met - met.max()], 1)


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True), np.float32)


def _sigmoid(x: Floats) -> None:
    """In place: most of a question's time goes into arrays of this size."""
    np.negative(x, out=x)
    with np.errstate(over="ignore"):  # exp(89) is infinite in float32, and its reciprocal 0, as it should be
        np.exp(x, out=x)
    x += 1
    np.reciprocal(x, out=x)


def _recurrent(weights: Weights, name: str, x: Floats, lengths: Sequence[int]) -> Floats:
    """Simple recurrent units in both directions over texts that stand one after another in ``x`` (sum n, i)."""
    u = x @ weights[f"{name}.w"] + weights[f"{name}.b"]
    d = u.shape[1] // 3
    _sigmoid(u[:, d:])
    forget, reset = u[:, d : 2 * d], u[:, 2 * d :]
    gain = (1 - forget) * u[:, :d]
    half, longest = d // 2, max(lengths)
    keep = np.zeros((longest, len(lengths), d), np.float32)
    new = np.zeros((longest, len(lengths), d), np.float32)
    begin = 0
    for i, n in enumerate(lengths):
        for to, of in ((keep, forget), (new, gain)):
            to[:n, i, :half] = of[begin : begin + n, :half]
            to[:n, i, half:] = of[begin : begin + n, half:][::-1]
        begin += n
    state = np.zeros((len(lengths), d), np.float32)
    for t in range(longest):
        state *= keep[t]
        state += new[t]
        new[t] = state
    out = np.empty((len(x), d), np.float32)
    begin = 0
    for i, n in enumerate(lengths):
        out[begin : begin + n, :half] = new[:n, i, :half]
        out[begin : begin + n, half:] = new[:n, i, half:][::-1]
        begin += n
    skip = x @ weights[f"{name}.skip"] if f"{name}.skip" in weights else x
    return np.asarray(reset * np.tanh(out) + (1 - reset) * skip, np.float32)
