"""What the reader is trained on: CMRC 2018's training questions beside passages that answer them, and that do not.

Each question is asked of its passage, of the same without the sentence that answers, and of the passages most like it;
and again of another thing or year, of which its passage says nothing. One epoch shows each question in one of these
situations, another epoch in another.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from rag.answer.rarity import Weight
from rag.answer.reading import COVER, FEATURES, KINDS, LEAD, Asked, Passage, ask, encoded, read, traits
from rag.chunk import chunk
from rag.embed import StaticEmbedder
from rag.text import sentences
from rag.types import Chunk, Document
from training.cloze import Cloze
from training.near_misses import attributed, crossed, swapped
from training.noise import Neighbours, mistyped
from training.questions import Question
from training.reader_net import Batch

NEAR, KEPT = 10, 5  # passages most like a question that are looked at, that are kept
SHARES = {"own": 0.5, "removed": 0.3, "swapped": 0.4}  # of the questions of one epoch; the rest finds other passages
SIZE, BLOCK = 24, 16  # questions of a batch; batches that are made of questions sorted by length
REWORDED = 0.4  # of the questions have a form in other words, which every second epoch shows instead
_SHORT = 50  # characters that a passage still has without the sentence that answers


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One passage beside one question, kept small, and where in it the answer stands; -1 for nowhere."""

    ids: NDArray[np.int16]
    sentence: NDArray[np.int16]
    features: NDArray[np.float16]
    start: int
    end: int

    def without(self) -> "Shown":
        """The same passage beside a question that it does not answer."""
        return Shown(self.ids, self.sentence, self.features, -1, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One question and the passages it may be shown with."""

    ids: NDArray[np.int32]
    kind: int
    swapped: bool
    own: Shown
    removed: Shown | None
    others: list[Shown] = field(default_factory=list)
    also: "Item | None" = None  # the same in other words


Row = tuple[Item, list[Shown]]
Texts = Sequence[tuple[str, str]]  # passages and their titles


class Maker:
    """Compares questions with passages."""

    def __init__(
        self, documents: dict[str, Document], embedder: StaticEmbedder, weight: Weight, near: Neighbours
    ) -> None:
        """``embedder`` finds the passages most like a question, and its tokenizer is the reader's."""
        self.tokenizer, self.embedder, self.weight, self.like = embedder.tokenizer, embedder, weight, near
        vocabulary = self.tokenizer.get_vocab()
        self.vocabulary: list[str] = sorted(vocabulary, key=vocabulary.__getitem__)
        self.traits = traits(self.vocabulary, weight)
        self.documents = documents
        self.chunks: list[Chunk] = [part for document in documents.values() for part in chunk(document)]
        self.vectors = embedder.passages([f"{documents[c.document_id].title}\n{c.text}" for c in self.chunks])

    def items(self, questions: Sequence[Question | Cloze], seed: int) -> list[Item]:
        """One to three items for each question whose answer lies in one chunk; made by two processes."""
        numbered = list(enumerate(questions))
        # The maker reaches the processes by fork: it cannot be pickled.
        with get_context("fork").Pool(2, _take, (self,)) as pool:
            made = pool.imap(partial(_made, seed=seed), numbered, chunksize=50)
            return [item for some in track(made, "reading", total=len(numbered)) for item in some]

    def made(self, numbered: tuple[int, Question | Cloze], seed: int) -> list[Item]:
        """The items of one question."""
        number, question = numbered
        rng = random.Random(seed * 1_000_003 + number)
        if isinstance(question, Cloze):
            unlike: list[tuple[str, Texts]] = [(question.missed, question.others)] if question.missed else []
            return self._items(question.question, question.text, question.title, question.span, question.others, unlike)
        end = question.start + len(question.answer)
        holding = [
            c for c in self.chunks
            if c.document_id == question.document_id and c.start <= question.start and end <= c.end
        ]  # fmt: skip
        if not holding:
            return []
        own, title = holding[0], self.documents[question.document_id].title
        span = (question.start - own.start, end - own.start)
        others = self._texts(c for c in self._near(question.text) if c not in holding and not _says(c, question))
        missed = [
            (text, self._texts(c for c in self._near(text) if c.document_id != question.document_id))
            for text in self._missed(question, rng)
        ]
        items = self._items(question.text, own.text, title, span, others, missed)
        if items and rng.random() < REWORDED and (text := mistyped(question.text, self.like, rng, self.weight)):
            also = self._items(text, own.text, title, span, others[:3], ())
            items[0] = replace(items[0], also=also[0])
        return items

    def _items(
        self, question: str, own: str, title: str, span: tuple[int, int], others: Texts,
        missed: Sequence[tuple[str, Texts]],
    ) -> list[Item]:  # fmt: skip
        asked = ask(question, self.tokenizer, self.weight)
        right = self._shown(asked, own, title, span)
        if right is None:
            return []
        kind = KINDS.index(asked.kind)
        removed = self._removed(asked, own, title, span)
        items = [Item(asked.ids, kind, False, right, removed, self._others(asked, others))]
        for text, near in missed:
            asked = ask(text, self.tokenizer, self.weight)
            if wrong := self._shown(asked, own, title):
                items.append(Item(asked.ids, KINDS.index(asked.kind), True, wrong, None, self._others(asked, near)))
        return items

    def _texts(self, chunks: Iterable[Chunk]) -> Texts:
        return [(c.text, self.documents[c.document_id].title) for c in chunks][:KEPT]

    def _missed(self, question: Question, rng: random.Random) -> list[str]:
        """The question asked of another thing, place or year; and asked of a subject whose text says none of it."""
        document, others = self.documents[question.document_id], list(self.documents.values())
        found = [swapped(question.text, document, others, rng)]
        for other in rng.choices(others, k=3):
            ways = [crossed(question.text, document.title, other, [other]), attributed(question.text, other, [other])]
            rng.shuffle(ways)
            found += ways
        return [text for text in found if text][:2]

    def _near(self, question: str) -> list[Chunk]:
        cosines = self.vectors @ self.embedder.queries([question])[0]
        return [self.chunks[i] for i in np.argsort(-cosines)[:NEAR]]

    def _others(self, asked: Asked, near: Texts) -> list[Shown]:
        shown = (self._shown(asked, text, title) for text, title in near)
        return [passage for passage in shown if passage is not None]

    def _removed(self, asked: Asked, own: str, title: str, span: tuple[int, int]) -> Shown | None:
        """The passage without the sentences that hold the answer, unless it is said again in the rest."""
        gone = [s for s in sentences(own) if s[0] < span[1] and span[0] < s[1]]
        rest = own[: gone[0][0]] + own[gone[-1][1] :]
        return self._shown(asked, rest, title) if len(rest) >= _SHORT and own[slice(*span)] not in rest else None

    def _shown(self, asked: Asked, text: str, title: str, span: tuple[int, int] | None = None) -> Shown | None:
        passage = read(asked, text, title, sentences(text), encoded(self.tokenizer, text), self.traits)
        if passage is None:
            return None
        start, end = _tokens(passage, span) if span else (-1, -1)
        if span and start < 0:
            return None
        small = passage.features.astype(np.float16)
        return Shown(passage.ids.astype(np.int16), passage.sentence.astype(np.int16), small, start, end)


_maker: Maker


def _take(maker: Maker) -> None:
    global _maker
    _maker = maker


def _made(numbered: tuple[int, Question | Cloze], seed: int) -> list[Item]:
    return _maker.made(numbered, seed)


def epoch(items: Sequence[Item], rng: random.Random) -> Iterator[list[Row]]:
    """Batches of one epoch: each question once, and as many swapped ones as ``SHARES`` says, as far as there are."""
    own, swapped = ([item for item in items if item.swapped is kind] for kind in (False, True))
    wanted = round(len(own) * SHARES["swapped"] / (1 - SHARES["swapped"]))
    chosen = own + rng.sample(swapped, min(wanted, len(swapped)))
    rng.shuffle(chosen)
    rows = [_situation(item.also if item.also and rng.random() < 0.5 else item, rng) for item in chosen]
    batches = []
    for i in range(0, len(rows), SIZE * BLOCK):
        block = sorted(rows[i : i + SIZE * BLOCK], key=lambda row: (len(row[1]), max(len(p.ids) for p in row[1])))
        batches += [block[j : j + SIZE] for j in range(0, len(block), SIZE)]
    rng.shuffle(batches)
    yield from batches


def _situation(item: Item, rng: random.Random) -> Row:
    drawn, count = rng.random(), rng.choice((1, 1, 2, 3))
    if item.swapped:
        shown = [item.own] if rng.random() < 0.6 or not item.others else []
        shown = [p.without() for p in shown] + rng.sample(item.others, min(count, len(item.others)))
    elif drawn < SHARES["own"] + (0 if item.removed else SHARES["removed"] / 2) or not item.others:
        shown = [item.own, *rng.sample(item.others, min(count - 1, len(item.others)))]
    elif item.removed and drawn < SHARES["own"] + SHARES["removed"]:
        shown = [item.removed, *rng.sample(item.others, min(count - 1, len(item.others)))]
    else:
        shown = rng.sample(item.others, min(count, len(item.others)))
    rng.shuffle(shown)
    return item, shown


def stacked(rows: Sequence[Row], rarity: NDArray[np.float32]) -> Batch:
    """Rows as one batch; ``rarity`` float32 (vocabulary,)."""
    b, m = len(rows), max(1, *(len(item.ids) for item, _ in rows))
    k, n = max(len(shown) for _, shown in rows), max(len(p.ids) for _, shown in rows for p in shown)
    question, passages = np.zeros((b, m), np.int64), np.zeros((b, k, n), np.int64)
    asked, rare = np.zeros((b, m), np.bool_), np.zeros((b, m), np.float32)
    real, within = np.zeros((b, k, n), np.bool_), np.zeros((b, k, n), np.bool_)
    sentence, features = np.zeros((b, k, n), np.int64), np.zeros((b, k, n, FEATURES), np.float32)
    start, end = np.full(b, -1), np.full(b, -1)
    for i, (item, shown) in enumerate(rows):
        question[i, : len(item.ids)], asked[i, : max(1, len(item.ids))] = item.ids, True
        rare[i, : len(item.ids)] = rarity[item.ids]
        best = max(float(p.features[:, COVER].max()) for p in shown)
        for j, p in enumerate(shown):
            size = len(p.ids)
            passages[i, j, :size], real[i, j, :size], sentence[i, j, :size] = p.ids, True, p.sentence
            features[i, j, :size] = p.features
            features[i, j, :size, LEAD] = features[i, j, :size, COVER] - best
            if p.start >= 0:
                start[i], end[i] = j * n + p.start, j * n + p.end
                within[i, j, :size] = (p.sentence >= p.sentence[p.start]) & (p.sentence <= p.sentence[p.end])
    equal = (passages[..., None] == question[:, None, None]) & real[..., None] & asked[:, None, None]
    arrays = (question, asked, rare, np.array([item.kind for item, _ in rows]), passages, real, sentence, features)
    return Batch(*map(torch.from_numpy, (*arrays, equal.astype(np.float32), start, end, within)))


def _tokens(passage: Passage, span: tuple[int, int]) -> tuple[int, int]:
    """The first and the last token that lie in the span; -1 where none does."""
    inside = np.flatnonzero((passage.offsets[:, 1] > span[0]) & (passage.offsets[:, 0] < span[1]))
    return (int(inside[0]), int(inside[-1])) if len(inside) else (-1, -1)


def _says(part: Chunk, question: Question) -> bool:
    """Whether another chunk of the question's document holds its answer too."""
    return part.document_id == question.document_id and question.answer in part.text
