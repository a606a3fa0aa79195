"""What the reader sees of a question and a passage, in numbers: tokens, which of them match, what is missing.

A question's terms are the pairs of characters of its words, single characters, Latin words and whole numbers; a word's
weight, how rare it is in Chinese text at large, is shared out among its pairs, so that a part of a name that is found
counts as a part. Everything is counted once for a whole passage with arrays; nothing loops over tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.analyze import query_words
from rag.answer import signs
from rag.answer.dates import relative_years
from rag.answer.rarity import Weight
from rag.embed.base import clean
from rag.question import Kind, kind_of
from rag.text import fold

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

NEAR, FAR = 4, 12  # tokens on each side that count as beside a token
KINDS: tuple[Kind, ...] = ("number", "date", "person", "organisation", "place", "list", "reason", "yesno", "other")
TOKEN = 17  # features of a token, before those of its sentence
SENTENCE = 10
PASSAGE = 4
FEATURES = TOKEN + SENTENCE + PASSAGE
COVER, LEAD = TOKEN, TOKEN + 4  # how much of the question a sentence holds; how far that is from the best sentence's
_HAN = re.compile(r"[一-鿿]+")
_ATOM = re.compile(r"\d+(?:[.,]\d+)*|[a-z][a-z0-9\-]*")  # in a passage
_SHIFT = np.uint64(21)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One question: its tokens, its words' terms and their weights."""

    folded: str
    kind: Kind
    ids: Ints  # (m,)
    codes: NDArray[np.uint64]  # ascending codes of the terms that are one character or a pair of them
    coded: Ints  # (p,), which term each of them is
    atoms: dict[str, int]  # Latin words and numbers, and which term each is
    weights: Floats  # (t,), the terms' shares of their words' rarity
    parts: Floats  # (t, w), how much of each word each term is
    rarity: Floats  # (w,)
    numbers: NDArray[np.bool_]  # (t,), which terms are numbers


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """One passage as the reader sees it for one question."""

    ids: Ints  # (n,)
    offsets: Ints  # (n, 2), spans of the tokens in the passage's text
    sentence: Ints  # (n,), ascending from 0: which sentence each token is of
    features: Floats  # (n, FEATURES)
    equal: NDArray[np.bool_]  # (n, m), which tokens are those of the question


def ask(question: str, tokenizer: Any, weight: Weight) -> Asked:
    """A question, ready to be compared with passages."""
    folded = fold(question)
    words = list(dict.fromkeys(query_words(question)))
    terms: dict[str, int] = {}
    of: list[tuple[int, int, float]] = []  # term, word, part
    for number, word in enumerate(words):
        pairs = [word[i : i + 2] for i in range(len(word) - 1)] if _HAN.match(word) else []
        for term in pairs or [word]:
            of.append((terms.setdefault(term, len(terms)), number, 1 / max(1, len(pairs))))
    parts = np.zeros((len(terms), len(words)), np.float32)
    for place, number, part in of:
        parts[place, number] += part
    rare = np.array([weight(word) for word in words], np.float32)
    short = {_code(term): place for term, place in terms.items() if _HAN.match(term)}
    codes = np.array(sorted(short), np.uint64)
    return Asked(
        folded,
        kind_of(question),
        np.array(tokenizer.encode(clean(folded), add_special_tokens=False).ids, np.int32),
        codes,
        np.array([short[int(code)] for code in codes], np.int32),
        {term: place for term, place in terms.items() if not _HAN.match(term)},
        parts @ rare,
        parts,
        rare,
        np.array([term[0].isdigit() for term in terms], np.bool_),
    )


# Kernels of OpenBLAS at times raise the flag «invalid» for lanes that they throw away, seen on busy machines with
# finite numbers in and out; tests make warnings errors.
@np.errstate(invalid="ignore")
def read(
    asked: Asked,
    text: str,
    title: str,
    spans: Sequence[tuple[int, int]],
    tokens: tuple[Ints, Ints],
    traits: Floats,
    published: str | None = None,
) -> Passage | None:
    """Compare a question with a passage of sentences at ``spans``; None where there is no token to read.

    ``tokens`` are the text's (``encoded``); ``traits`` float32 (vocabulary, 7) says what each token is.
    A year that the text names by the date on which it was ``published`` counts as said.
    """
    ids, offsets = tokens
    starts = np.array([start for start, _ in spans], np.int32)
    if not len(ids) or not len(starts):
        return None
    folded = fold(text)
    sentence = (np.searchsorted(starts, offsets[:, 0], side="right") - 1).clip(0).astype(np.int32)
    present = np.unique(sentence)  # sentences without a token are none
    sentence = np.searchsorted(present, sentence).astype(np.int32)
    count = len(present)
    total = float(asked.weights.sum()) or 1.0

    at, term, width = _occurrences(asked, folded, published)
    matched = np.zeros(len(folded) + 1, np.float32)
    for step in range(int(width.max(initial=0))):
        matched[at[width > step] + step] = 1
    cumulated = np.concatenate([[0], np.cumsum(matched)])
    share = (cumulated[offsets[:, 1]] - cumulated[offsets[:, 0]]) / (offsets[:, 1] - offsets[:, 0]).clip(1)
    where = (np.searchsorted(offsets[:, 0], at, side="right") - 1).clip(0)
    held = np.zeros((len(ids), len(asked.weights)), np.float32)  # which terms stand at which tokens
    held[where, term] = 1
    in_sentence = np.zeros((count + 2, len(asked.weights)), np.float32)  # an empty one before and after
    in_sentence[sentence[where] + 1, term] = 1
    in_title = np.zeros(len(asked.weights), np.float32)
    in_title[_occurrences(asked, fold(title))[1]] = 1
    in_passage = np.maximum(in_sentence.max(0), in_title)

    equal = ids[:, None] == asked.ids[None, :]
    same = equal.any(1).astype(np.float32)
    trait = traits[ids]
    spotted = np.zeros(len(folded) + 1, np.float32)
    spotted[[place for place in signs.spots(folded, asked.kind, asked.folded) if place >= 0]] = 1
    spots = np.concatenate([[0], np.cumsum(spotted)])
    spot = np.minimum(spots[offsets[:, 1]] - spots[offsets[:, 0]], 1)
    first = np.searchsorted(sentence, np.arange(count))
    last = np.append(first[1:], len(ids)) - 1
    index = np.arange(len(ids))
    gap = np.concatenate([[1], (offsets[1:, 0] > offsets[:-1, 1]).astype(np.float32), [1]])

    weights, numbers = asked.weights, asked.numbers
    own = in_sentence[1:-1]
    cover = in_sentence @ weights / total
    titled = np.maximum(own, in_title)
    columns = np.stack(
        [
            cover[1:-1],
            cover[:-2],
            cover[2:],
            titled @ weights / total,
            cover[1:-1] - cover.max(),
            np.arange(count) / max(count, 8),
            np.maximum.reduceat(spot, first),
            (own * numbers).sum(1) / max(1, numbers.sum()),
            ((1 - np.minimum(titled @ asked.parts, 1)) * asked.rarity).max(1, initial=0),
            np.minimum(last - first + 1, 60) / 30,
        ],
        1,
    )
    whole = [
        in_passage @ weights / total,
        in_title @ weights / total,
        ((1 - np.minimum(in_passage @ asked.parts, 1)) * asked.rarity).max(initial=0),
        ((1 - in_passage) * numbers).sum() / max(1, numbers.sum()),
    ]
    columns_of_tokens = [
        share,
        same,
        same * trait[:, 0],
        _beside(held, NEAR) @ weights / total,
        _beside(held, FAR) @ weights / total,
        spot,
        np.minimum(index - first[sentence], 40) / 20,
        np.minimum(last[sentence] - index, 40) / 20,
        gap[:-1],
        gap[1:],
    ]
    features = np.concatenate(
        [
            np.stack(columns_of_tokens, 1),
            trait,
            columns[sentence],
            np.broadcast_to(np.array(whole, np.float32), (len(ids), PASSAGE)),
        ],
        1,
    ).astype(np.float32)
    return Passage(ids, offsets, sentence, features, equal)


def encoded(tokenizer: Any, text: str) -> tuple[Ints, Ints]:
    """Numbers of a text's tokens, int32 (n,), and their spans, int32 (n, 2)."""
    found = tokenizer.encode(clean(fold(text)), add_special_tokens=False)
    return np.array(found.ids, np.int32), np.array(found.offsets, np.int32).reshape(-1, 2)


def traits(vocabulary: Sequence[str], weight: Weight) -> Floats:
    """What each token is, float32 (vocabulary, 7): rarity; digits, Latin, one, two, more Chinese characters; a date."""
    rows = np.zeros((len(vocabulary), 7), np.float32)
    for row, token in zip(rows, vocabulary, strict=True):
        han = bool(_HAN.match(token))
        row[:] = (
            weight(token),
            token[0].isdigit(),
            token[0].isascii() and token[0].isalpha(),
            han and len(token) == 1,
            han and len(token) == 2,
            han and len(token) > 2,
            any(char in "年月日号" for char in token),
        )
    return rows


def _occurrences(asked: Asked, folded: str, published: str | None = None) -> tuple[Ints, Ints, Ints]:
    """Where the question's terms stand in a folded text: positions, numbers of the terms, lengths."""
    at: list[Any] = []
    term: list[Any] = []
    width: list[Any] = []
    if folded and len(asked.codes):
        chars = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
        for codes, size in ((chars, 1), ((chars[:-1] << _SHIFT) | chars[1:], 2)):
            place = np.searchsorted(asked.codes, codes).clip(max=len(asked.codes) - 1)
            found = np.flatnonzero(asked.codes[place] == codes)
            at += list(found)
            term += list(asked.coded[place[found]])
            width += [size] * len(found)
    if asked.atoms:
        for match in _ATOM.finditer(folded):
            number = asked.atoms.get(match[0])
            if number is not None:
                at.append(match.start())
                term.append(number)
                width.append(match.end() - match.start())
        for start, year in relative_years(folded, published):
            if year in asked.atoms:
                at.append(start)
                term.append(asked.atoms[year])
                width.append(2)
    return np.array(at, np.int32), np.array(term, np.int32), np.array(width, np.int32)


def _beside(held: Floats, reach: int) -> Floats:
    """Which terms stand within ``reach`` tokens of each token, 0 or 1."""
    cumulated = np.concatenate([np.zeros((1, held.shape[1]), np.float32), np.cumsum(held, 0)])
    index = np.arange(len(held))
    counts = cumulated[np.minimum(index + reach + 1, len(held))] - cumulated[np.maximum(index - reach, 0)]
    found: Floats = (counts > 0).astype(np.float32)
    return found


def _code(term: str) -> int:
    """Of one character, or of two."""
    return ord(term) if len(term) == 1 else (ord(term[0]) << int(_SHIFT)) | ord(term[1])
