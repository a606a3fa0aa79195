"""Windows: the pieces of a text that the reader sees, and how it sees them.

Training and serving share this module, so that the reader meets the form that it was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.text import clauses, sentences

WINDOW_LENGTH = 165.0  # in Chinese characters; some 110 tokens
QUESTION_TOKENS = 64
TITLE_TOKENS = 32
WINDOW_TOKENS = 160
_NARROW = 0.3  # what an ASCII character counts, beside a Chinese one: tokens of English hold some four letters
_BOS, _PAD, _EOS, _UNKNOWN = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Window:
    """A span of a text, ``[start, end)`` in code points, made of whole sentences where they are not too long."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EncodedWindow:
    """The tokens of a question, a title and a window, as the reader takes them.

    ``ids`` has the piece numbers, int64 (n,); ``offsets``, int32 (n, 2), the span of each token in the window's text,
    and -1 for the tokens that are not of the window.
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int32]


def measure_length(text: str) -> float:
    """Return how long a text is for the reader, in Chinese characters: an ASCII character counts less."""
    narrow = sum(character.isascii() for character in text)
    return len(text) - narrow + _NARROW * narrow


def cut_windows(text: str, start: int = 0, end: int | None = None) -> list[Window]:
    """Cut ``text[start:end]`` into windows of whole sentences, each of which repeats the last sentence of the former.

    Together they cover every character that is not white space. A sentence that is longer than a window is cut at its
    clauses, and a clause that is longer is cut anywhere. Linear in the length of the text.
    """
    spans = [piece for sentence in sentences(text, start, end) for piece in _split_long_sentence(text, *sentence)]
    # Of each piece with what stands between it and the one before.
    befores = [0, *(end for _, end in spans)]
    lengths = [measure_length(text[before:b]) for before, (_, b) in zip(befores, spans, strict=False)]
    windows: list[Window] = []
    first = 0
    while first < len(spans):
        stop, length = first + 1, lengths[first]
        while stop < len(spans) and length + lengths[stop] <= WINDOW_LENGTH:
            length += lengths[stop]
            stop += 1
        windows.append(Window(spans[first][0], spans[stop - 1][1]))
        if stop == len(spans):
            break
        # The next one repeats one sentence, unless it would then begin where this one did or hold nothing new.
        repeated = stop - 1
        fits = lengths[repeated] + lengths[stop] <= WINDOW_LENGTH
        first = repeated if repeated > first and fits else stop
    return windows


def encode_window(tokenizer: Tokenizer, question: str, title: str, text: str) -> EncodedWindow:
    """Encode ``<s> question </s> title </s> text </s>``; each part is cut to its own number of tokens."""
    asked = _without_marks(tokenizer.encode(question, add_special_tokens=False).ids[:QUESTION_TOKENS])
    titled = _without_marks(tokenizer.encode(title, add_special_tokens=False).ids[:TITLE_TOKENS]) if title else []
    encoded = tokenizer.encode(text, add_special_tokens=False)
    body = _without_marks(encoded.ids[:WINDOW_TOKENS])
    before = [_BOS, *asked, _EOS, *titled, _EOS]
    ids = np.array([*before, *body, _EOS], np.int64)
    offsets = np.full((len(ids), 2), -1, np.int32)
    if body:
        offsets[len(before) : len(before) + len(body)] = encoded.offsets[:WINDOW_TOKENS]
    return EncodedWindow(ids, offsets)


def pad_windows(encoded: Sequence[EncodedWindow], multiple: int = 1) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ids and the attention mask of several windows, int64 (n, longest), padded on the right.

    ``longest`` is rounded up to a ``multiple``, so that a compiler of kernels meets few shapes.
    """
    longest = -(-max(len(each.ids) for each in encoded) // multiple) * multiple
    ids = np.full((len(encoded), longest), _PAD, np.int64)
    mask = np.zeros((len(encoded), longest), np.int64)
    for row, each in enumerate(encoded):
        ids[row, : len(each.ids)] = each.ids
        mask[row, : len(each.ids)] = 1
    return ids, mask


def _without_marks(ids: Sequence[int]) -> list[int]:
    """Replace the special pieces, which a text that spells them out (``</s>``) would otherwise smuggle in."""
    return [number if number > _UNKNOWN else _UNKNOWN for number in ids]


def _split_long_sentence(text: str, start: int, end: int) -> list[tuple[int, int]]:
    if measure_length(text[start:end]) <= WINDOW_LENGTH:
        return [(start, end)]
    pieces: list[tuple[int, int]] = []
    length = 0.0
    for a, b in clauses(text, start, end):
        for piece in _split_anywhere(text, a, b):
            own = measure_length(text[slice(*piece)])
            if pieces and length + own <= WINDOW_LENGTH:
                pieces[-1], length = (pieces[-1][0], piece[1]), length + own
            else:
                pieces.append(piece)
                length = own
    return pieces


def _split_anywhere(text: str, start: int, end: int) -> list[tuple[int, int]]:
    step = int(WINDOW_LENGTH)
    return [(at, min(at + step, end)) for at in range(start, end, step)]
