"""What the embedder is trained with: the settings, and batches drawn from prepared token ranges."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training import data

WEIGHTS = {  # how often a batch is drawn from each source; the 10k questions over-fit soon
    "within_papers": 0.26,
    "within_laws": 0.05,
    "within_encyclopedia": 0.15,
    "title_paragraph": 0.12,
    "title_abstract": 0.08,
    "law_article": 0.06,
    "question_passage": 0.03,
    "question_sentence": 0.02,
    "english_title": 0.10,
    "english_abstract": 0.06,
    "english_mixed": 0.08,
}


@dataclass(frozen=True)
class Settings:
    """What a run depends on besides the data."""

    vocabulary: int = 17_000
    code: int = 1280  # numbers of a row that tell tokens apart
    learnt: int = 256  # numbers of a row that are learnt
    ones: int = 4  # places of a code that are not zero
    gain: int = 72  # what a passage's unit vector is multiplied by before its numbers are pressed together
    window: int = 150  # tokens of a text, for which a token's rarity is log(1 + tokens / (window * count))
    rarity: float = 0.95  # the power of it that a token's weight starts with
    start: float = 0.3  # length of what is learnt at the start, beside a code of length 1
    share: float = 0.1  # by how much what was learnt counts in the end
    share_english: float = 0.25  # the same in the rows of English words
    code_english: float = 0.5  # and by how much their codes count
    batch: int = 1024
    steps: int = 1000
    rate: float = 0.005  # of Adam; rises over a tenth of the steps and falls to zero
    weight_rate: float = 4.0  # times that for tokens' weights
    temperature: float = 0.05
    dropout: float = 0.15  # share of tokens left out, on both sides
    sentence_dropout: float = 0.4  # the same for a query that is a sentence of the passage's paragraph
    keep: float = 0.5  # share of such queries that stay in their passage: what is named must be found by its name
    query_tokens: int = 48  # longer texts are cut to a window
    passage_tokens: int = 192
    check_every: int = 100
    patience: int = 8  # checks without a better one after which training stops
    run: int = 16  # sentences that a batch takes from one place of a source: of one paper, so hard to tell apart
    seed: int = 7
    threads: int = 1  # with another number sums come out in another order, and so other last digits

    @property
    def dimension(self) -> int:
        """Numbers in a row."""
        return self.code + self.learnt


QUICK = Settings(vocabulary=3000, code=64, learnt=16, batch=64, steps=60, check_every=20)

Bag = tuple[Tensor, Tensor]  # token ids (t,) and where each text starts (n,)


def draw(prepared: data.Prepared, source: data.Source, rng: np.random.Generator, settings: Settings, drop: float,
         chosen: NDArray[np.int64] | None = None) -> tuple[Bag, Bag, Tensor]:  # fmt: skip
    """A batch: queries, passages and groups ``(n,)``."""
    if chosen is None:
        chosen = _choose(source, rng, settings)
    queries, passages = source.queries[chosen], source.passages[chosen]
    if source.cut:  # what stands around the sentence, without it or (a share of them) with it
        room = rng.integers(settings.passage_tokens // 4, settings.passage_tokens + 1, size=len(chosen))
        before = (room * rng.random(len(chosen))).astype(np.int64)
        left = np.stack([np.maximum(passages[:, 0], queries[:, 0] - before), queries[:, 0]], axis=1)
        kept = rng.random(len(chosen)) < (settings.keep if drop else 0.0)
        begin = np.where(kept, queries[:, 0], queries[:, 1])
        right = np.stack([begin, np.minimum(passages[:, 1], queries[:, 1] + room - before)], axis=1)
        passage = np.stack([left, right], axis=1)
    else:
        passage = _window(passages, settings.passage_tokens, rng)[:, None]
    query = _window(queries, settings.query_tokens, rng)[:, None]
    return (
        _bag(prepared.tokens, query, rng, settings.sentence_dropout if drop and source.cut else drop),
        _bag(prepared.tokens, passage, rng, drop),
        torch.from_numpy(source.groups[chosen]),
    )


def _choose(source: data.Source, rng: np.random.Generator, settings: Settings) -> NDArray[np.int64]:
    """Pairs for a batch; those made within paragraphs come in runs of every fourth sentence, from near paragraphs."""
    span = 4 * settings.run
    if not source.cut or len(source.queries) <= span:
        return rng.integers(len(source.queries), size=settings.batch)
    starts = rng.integers(len(source.queries) - span, size=-(-settings.batch // settings.run))
    return (starts[:, None] + np.arange(0, span, 4)).ravel()[: settings.batch]


def _window(ranges: data.Ranges, most: int, rng: np.random.Generator) -> data.Ranges:
    """Ranges cut to ``most`` tokens, at the start or (half of them) anywhere."""
    spare = np.maximum(0, ranges[:, 1] - ranges[:, 0] - most)
    shift = (spare * rng.random(len(ranges)) * (rng.random(len(ranges)) < 0.5)).astype(np.int64)
    starts = ranges[:, 0] + shift
    return np.stack([starts, np.minimum(ranges[:, 1], starts + most)], axis=1)


def _bag(tokens: data.Ids, ranges: NDArray[np.int64], rng: np.random.Generator, drop: float) -> Bag:
    """Token ids of texts that each consist of several ranges ``(n, k, 2)``, some left out at random."""
    flat = ranges.reshape(-1, 2)
    sizes = flat[:, 1] - flat[:, 0]
    places = np.repeat(flat[:, 0] - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    text = np.repeat(np.arange(len(ranges)), sizes.reshape(len(ranges), -1).sum(axis=1))
    if drop:
        kept = rng.random(len(places)) >= drop
        places, text = places[kept], text[kept]
    starts = np.searchsorted(text, np.arange(len(ranges)))
    return torch.from_numpy(tokens[places].astype(np.int64)), torch.from_numpy(starts)
